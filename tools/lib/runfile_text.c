/*
 * runfile_text.c - the canonical text of a run manifest: equal manifests are equal files.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/runfile_inner.h"

int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *s)
{
	size_t kept = 0;

	if (s->count)
		qsort(s->list, s->count, sizeof *s->list, by_text);
	for (size_t i = 0; i < s->count; i++)
		if (!kept || strcmp(s->list[kept - 1], s->list[i]))
			s->list[kept++] = s->list[i];
	s->count = kept;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct run_grant *)a)->path, ((const struct run_grant *)b)->path);
}

void runfile_sort(struct runfile *r)
{
	strings_sort(&r->environment);
	if (r->grant_count)
		qsort(r->grants, r->grant_count, sizeof *r->grants, by_path);
	for (size_t i = 0; i < r->grant_count; i++)
		strings_sort(&r->grants[i].uses);
}

static void put_quoted(struct buffer *b, const char *s)
{
	buffer_text(b, "\"");
	for (; *s; s++) {
		unsigned char c = *s;
		char escape[8];

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof escape, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			snprintf(escape, sizeof escape, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\x%02x", c);
		else
			snprintf(escape, sizeof escape, "%c", c);
		buffer_text(b, escape);
	}
	buffer_text(b, "\"");
}

void runfile_put_list(struct buffer *b, const struct strings *s)
{
	buffer_text(b, "[");
	for (size_t i = 0; i < s->count; i++) {
		if (i)
			buffer_text(b, ", ");
		put_quoted(b, s->list[i]);
	}
	buffer_text(b, "]");
}

static void put_setting(struct buffer *b, const char *key, const char *value)
{
	if (!value)
		return;
	buffer_text(b, key);
	buffer_text(b, " = ");
	put_quoted(b, value);
	buffer_text(b, "\n");
}

static void put_number(struct buffer *b, const char *key, unsigned long n)
{
	if (n)
		buffer_text(b, xasprintf("%s = %lu\n", key, n));
}

static void put_lists(struct buffer *b, const char *key, const struct strings *s)
{
	if (!s->count)
		return;
	buffer_text(b, key);
	buffer_text(b, " = ");
	runfile_put_list(b, s);
	buffer_text(b, "\n");
}

static void put_variables(struct buffer *b, const struct runfile *r)
{
	if (r->environment.count)
		buffer_text(b, "\n[environment]\n");
	for (size_t i = 0; i < r->environment.count; i++) {
		const char *e = r->environment.list[i];
		size_t n = strcspn(e, "="), plain = 0;
		char *name = strndup(e, n);

		while (plain < n && runfile_bare(name[plain]))
			plain++;
		if (plain == n)
			buffer_text(b, name);
		else
			put_quoted(b, name);
		buffer_text(b, " = ");
		put_quoted(b, e + n + 1);
		buffer_text(b, "\n");
	}
}

static void put_grant(struct buffer *b, const struct run_grant *g)
{
	buffer_text(b, "\n[[grant]]\n");
	put_setting(b, "path", g->path);
	put_setting(b, "kind", runfile_kinds[g->kind]);
	put_setting(b, "host", g->host);
	if (g->kind == RUN_SHARE)
		put_setting(b, "rights", g->write ? "write" : "read");
	if (g->whole)
		buffer_text(b, "whole = true\n");
	put_number(b, "evidence", g->evidence);
	put_lists(b, "uses", &g->uses);
	put_setting(b, "widened", g->widened);
}

struct buffer runfile_text(struct runfile *r)
{
	struct buffer b = { 0 };

	runfile_sort(r);
	buffer_text(&b, "# A run manifest: doc/run-manifest.md. What is not granted here is not there.\n");
	buffer_text(&b, xasprintf("keros-run = %d\n", RUNFILE_FORMAT));
	put_setting(&b, "program", r->program);
	put_lists(&b, "arguments", &r->arguments);
	put_setting(&b, "directory", r->directory);
	if (!r->input)
		buffer_text(&b, "input = false\n");
	if (r->clock != RUN_CLOCK_FULL)
		put_setting(&b, "clock", runfile_clocks[r->clock]);
	if (!r->random)
		buffer_text(&b, "random = false\n");
	if (!r->proc)
		buffer_text(&b, "proc = false\n");
	put_variables(&b, r);
	if (r->storage || r->machine || r->seconds)
		buffer_text(&b, "\n[limits]\n");
	put_setting(&b, "storage", r->storage);
	put_setting(&b, "machine", r->machine);
	put_number(&b, "seconds", r->seconds);
	if (r->runs)
		buffer_text(&b, xasprintf("\n[learned]\nruns = %lu\n", r->runs));
	for (size_t i = 0; i < r->grant_count; i++)
		put_grant(&b, &r->grants[i]);
	return b;
}
