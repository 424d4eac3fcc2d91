/*
 * manifest.c - reading the system manifest's records (see manifest.h).
 */
#include "manifest.h"
#include <string.h>
#include <keros/records.h>

static const char *const source_names[MANIFEST_SOURCES] = {
	"kernel", "bank", "schedule", "start", "stream", "yields", "image", "tree", "number", "session",
};

/* One word up to a blank or the end; NULL if there is none.  *text goes behind it. */
static const char *word_read(const char **text, size_t *length)
{
	const char *word = *text;

	*length = strcspn(word, " ");
	if (*length == 0)
		return NULL;
	*text = word + *length + (word[*length] == ' ' && word[*length + 1] != 0);
	return word;
}

static bool number_read(const char **text, uint64_t most, uint64_t *value)
{
	size_t length;
	const char *word = word_read(text, &length);
	uint64_t n = 0;

	if (word == NULL)
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = (unsigned char)word[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
			return false;
	}
	*value = n;
	return n <= most;
}

/* "SLOT SOURCE NAME A B"; what has no name has "-". */
static bool grant_read(const char *text, struct manifest_grant *g)
{
	uint64_t slot;
	size_t length;
	const char *source;

	if (!number_read(&text, 31, &slot) || (source = word_read(&text, &length)) == NULL)
		return false;
	g->slot = (unsigned)slot;
	for (g->source = 0; g->source < MANIFEST_SOURCES; g->source++)
		if (source_names[g->source][0] == source[0] && strncmp(source_names[g->source], source, length) == 0 &&
		    source_names[g->source][length] == 0)
			break;
	if (g->source == MANIFEST_SOURCES || (g->name = word_read(&text, &g->name_length)) == NULL)
		return false;
	return number_read(&text, UINT64_MAX, &g->a) && number_read(&text, UINT64_MAX, &g->b) && *text == 0;
}

/* A number and nothing behind it. */
static bool field_read(const char *text, uint64_t most, unsigned *value)
{
	uint64_t n;

	if (!number_read(&text, most, &n) || *text != 0)
		return false;
	*value = (unsigned)n;
	return true;
}

/* check: whether grants are looked into; who only passes by need not. */
static const char *entry_record(struct manifest_entry *e, const char *record, bool check)
{
	struct manifest_grant g;
	const char *value;
	unsigned flag;

	if ((value = record_value(record, "give")) != NULL)
		return !check || grant_read(value, &g) ? NULL : "give= is not SLOT SOURCE NAME A B";
	if ((value = record_value(record, "program")) != NULL)
		e->program = value;
	else if ((value = record_value(record, "when")) != NULL)
		e->when = value;
	else if ((value = record_value(record, "for_each")) != NULL)
		e->for_each = value;
	else if ((value = record_value(record, "priority")) != NULL)
		return field_read(value, 15, &e->priority) ? NULL : "priority= is not a number of 0..15";
	else if ((value = record_value(record, "data")) != NULL)
		return field_read(value, 0xFFFF, &e->data) ? NULL : "data= is not a number of 16 bits";
	else if ((value = record_value(record, "optional")) != NULL && field_read(value, 1, &flag))
		e->optional = flag;
	else if ((value = record_value(record, "confined")) != NULL && field_read(value, 1, &flag))
		e->confined = flag;
	else
		return "a record of no known kind";
	return NULL;
}

/* Takes the entry that begins at text; *after: behind it.  NULL, or what is wrong. */
static const char *entry_read(const char *text, const char *end, struct manifest_entry *e, bool check)
{
	const char *value = record_value(text, "domain"), *why;

	memset(e, 0, sizeof *e);
	e->is_constructor = value == NULL;
	if (value == NULL && (value = record_value(text, "constructor")) == NULL)
		return "it does not begin with domain= or constructor=";
	e->name = value;
	e->when = "system";
	text += strlen(text) + 1;
	e->grants = text;
	while (text < end && record_value(text, "domain") == NULL && record_value(text, "constructor") == NULL) {
		if ((why = entry_record(e, text, check)) != NULL)
			return why;
		text += strlen(text) + 1;
	}
	e->end = text;
	return e->name[0] == 0 || e->program == NULL ? "an entry without a name or a program" : NULL;
}

const char *manifest_check(const char *text, size_t length)
{
	const char *end = text + length, *why;
	struct manifest_entry e;
	unsigned count = 0;

	if (length == 0 || length > MANIFEST_LIMIT || text[length - 1] != 0)
		return "it is empty, too long, or its last record does not end in a NUL byte";
	while (text < end) {
		if (count++ == MANIFEST_ENTRIES)
			return "more than 32 entries";
		if ((why = entry_read(text, end, &e, true)) != NULL)
			return why;
		text = e.end;
	}
	return NULL;
}

bool manifest_next(const char *text, size_t length, struct manifest_entry *e)
{
	const char *at = e->end ? e->end : text;

	return at < text + length && entry_read(at, text + length, e, false) == NULL;
}

bool manifest_grant(const struct manifest_entry *e, struct manifest_grant *g)
{
	const char *at = g->after ? g->after : e->grants, *value;

	for (; at < e->end; at += strlen(at) + 1)
		if ((value = record_value(at, "give")) != NULL && grant_read(value, g)) {
			g->after = at + strlen(at) + 1;
			return true;
		}
	return false;
}

bool manifest_name_is(const struct manifest_grant *g, const char *name)
{
	return strlen(name) == g->name_length && memcmp(name, g->name, g->name_length) == 0;
}
