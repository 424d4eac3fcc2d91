/*
 * refusals.c - see refusals.h.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/json.h"
#include "lib/refusals.h"

#define LINE_MAX_BYTES 65536u          /* a longer one is no refusal of ours */
#define SAID_MAX 20u
#define PLAIN "abcdefghijklmnopqrstuvwxyz -"

/* A string of a line; NULL if it is not there. */
static char *member(const char *line, const char *key)
{
	return json_has(line, key) ? json_string(line, key, NULL) : NULL;
}

/* A name as a terminal may show it, and a shell may take it back. */
static char *shown(const char *text)
{
	struct buffer b = { 0 };
	bool plain = true;
	char code[8];

	for (const char *c = text; *c; c++)
		plain &= isalnum((unsigned char)*c) || strchr("/._-+,@:%=", *c) || (unsigned char)*c >= 0x80;
	if (!plain)
		buffer_text(&b, "$'");
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7F) {
			snprintf(code, sizeof code, "\\x%02x", (unsigned char)*c);
			buffer_text(&b, code);
		} else {
			if (*c == '\'' || *c == '\\')
				buffer_add(&b, "\\", 1);
			buffer_add(&b, c, 1);
		}
	}
	if (!plain)
		buffer_text(&b, "'");
	buffer_add(&b, "", 1);
	return (char *)b.data;
}

/* The grant that a path of the sandbox lies in. */
static const struct grant *grant_of(const struct grants *g, const char *path)
{
	const struct grant *best = NULL;

	for (unsigned i = 0; i < g->count; i++) {
		size_t n = strlen(g->grant[i].guest);

		if (strncmp(path, g->grant[i].guest, n) == 0 && (path[n] == '/' || !path[n]))
			best = &g->grant[i];
	}
	return best;
}

/* The sentence of one line; NULL: nothing to say. */
static char *sentence(const struct run *run, const char *line)
{
	char *call = member(line, "refused"), *path = member(line, "path"), *want = member(line, "want");
	char *option = member(line, "grant"), *text = NULL, *name;
	const struct grant *g;
	struct stat st;

	if (!call)
		return NULL;
	call = shown(call);
	if (option && strspn(option, PLAIN) == strlen(option))
		return xasprintf("%s: no capability covers it; grant with %s", call, option);
	if (!path || !want || path[0] != '/')
		return NULL;
	name = shown(path);
	g = grant_of(&run->grants, path);
	if (strcmp(want, "write") == 0 && g)
		text = xasprintf("%s %s: granted to be read only; grant with --rw %s:%s", call, name, shown(g->host),
				 shown(g->guest));
	else if (strcmp(want, "read") == 0 && !g && lstat(path, &st) == 0)
		text = xasprintf("%s %s: no capability covers it; grant with --ro %s", call, name, name);
	return text;
}

/* A program was looked for along PATH, and then found: where it was not is not worth a word. */
static void forget(struct refusals *r, const char *name)
{
	for (unsigned i = 0; i < r->count; i++) {
		char *slash = r->refusal[i].program ? strrchr(r->refusal[i].program, '/') : NULL;

		if (slash && strcmp(slash + 1, name) == 0) {
			free(r->refusal[i].text);
			r->refusal[i].text = NULL;
		}
	}
}

static void line_take(struct refusals *r, const char *line)
{
	char *ran = member(line, "ran"), *text = ran ? NULL : sentence(r->run, line), *call;

	if (ran)
		forget(r, ran);
	if (!text)
		return;
	if (r->run->verbose) {
		note("%s%s", text, r->run->tty ? "\r" : "");
		return;
	}
	call = member(line, "refused");
	r->refusal = xrealloc(r->refusal, (r->count + 1) * sizeof *r->refusal);
	r->refusal[r->count].program = strcmp(call, "exec") == 0 || strcmp(call, "stat") == 0 ? member(line, "path") : NULL;
	r->refusal[r->count].probe = strcmp(call, "stat") == 0 || strcmp(call, "access") == 0 || strcmp(call, "readlink") == 0;
	r->refusal[r->count++].text = text;
}

void refusals_take(struct refusals *r, const void *bytes, size_t length)
{
	char *end;

	buffer_add(&r->in, bytes, length);
	while (r->in.length && (end = memchr(r->in.data, '\n', r->in.length))) {
		size_t whole = (size_t)(end - (char *)r->in.data) + 1;

		*end = 0;
		line_take(r, (const char *)r->in.data);
		buffer_drop(&r->in, whole);
	}
	if (r->in.length > LINE_MAX_BYTES)
		r->in.length = 0;
}

void refusals_say(struct refusals *r, bool failed)
{
	unsigned said = 0, more = 0;

	for (unsigned i = 0; i < r->count; i++) {
		if (!r->refusal[i].text || (r->refusal[i].probe && !failed))
			continue;
		if (said < SAID_MAX) {
			note("%s", r->refusal[i].text);
			said++;
		} else {
			more++;
		}
	}
	if (more)
		note("%u more were refused; --verbose says all, as they happen", more);
}
