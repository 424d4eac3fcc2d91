/*
 * config.c - reading the run config (see config.h).
 */
#include "config.h"
#include <string.h>
#include <keros/records.h>

static bool number_read(const char *text, uint64_t *value)
{
	uint64_t n = 0;

	if (*text == 0)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > UINT64_MAX / 10 - 1)
			return false;
		n = n * 10 + (unsigned)(*text - '0');
	}
	*value = n;
	return true;
}

static const char *sandbox_record(struct config_sandbox *s, const char *record)
{
	const char *value;

	if ((value = record_value(record, "tty")) != NULL)
		s->tty = strcmp(value, "1") == 0;
	else if ((value = record_value(record, "verbose")) != NULL)
		s->verbose = strcmp(value, "1") == 0;
	else if ((value = record_value(record, "caps")) != NULL)
		s->caps = strcmp(value, "1") == 0;
	else if ((value = record_value(record, "kind")) != NULL)
		s->kind = value;
	else if ((value = record_value(record, "record")) != NULL)
		s->record = strcmp(value, "1") == 0;
	else if (record_value(record, "refusals") != NULL)
		s->record = true;
	else if ((value = record_value(record, "bank")) != NULL && !number_read(value, &s->bank_frames))
		return "bank= is not a number of frames";
	else if ((value = record_value(record, "cpu")) != NULL && (!number_read(value, &s->cpu_share) || s->cpu_share > 100))
		return "cpu= is not a share in percent";
	return NULL;
}

static const char *global_record(struct config *c, const char *record)
{
	const char *value;

	if ((value = record_value(record, "console")) != NULL)
		c->serial = strcmp(value, "serial") == 0;
	else if ((value = record_value(record, "native")) != NULL)
		c->native = value;
	else if ((value = record_value(record, "with")) != NULL && c->with_count < CONFIG_WITHS)
		c->with[c->with_count++] = value;
	else
		return "a record before the first sandbox= is not console=, native= or one of a few with=";
	return NULL;
}

const char *config_read(const char *text, size_t length, struct config *c)
{
	const char *end = text + length;
	struct config_sandbox *s = NULL;

	memset(c, 0, sizeof *c);
	while (text < end) {
		size_t n = strnlen(text, end - text);
		const char *value, *why = NULL;

		if (n == (size_t)(end - text))
			return "its last record does not end in a NUL byte";
		if ((value = record_value(text, "sandbox")) != NULL) {
			if (c->count == CONFIG_SANDBOXES)
				return "too many sandboxes";
			s = &c->sandbox[c->count++];
			s->name = value;
			s->kind = "posix";
			s->records = text + n + 1;
		} else if (n > 0) {
			why = s != NULL ? sandbox_record(s, text) : global_record(c, text);
		}
		if (why != NULL)
			return why;
		text += n + 1;
		if (s != NULL)
			s->length = text - s->records;
		/* The record that begins the next sandbox belongs to that one: cut at its start. */
		if (s != NULL && value != NULL)
			s->length = 0;
	}
	return c->count == 0 && c->native == NULL ? "it names neither a sandbox nor a native program" : NULL;
}

bool config_has(const struct config *c, const char *when)
{
	if (strcmp(when, "always") == 0)
		return true;
	if (strcmp(when, "native") == 0)
		return c->native != NULL;
	if (strcmp(when, "system") == 0)
		return c->native == NULL;
	for (unsigned i = 0; i < c->with_count; i++)
		if (strcmp(c->with[i], when) == 0)
			return true;
	return false;
}
