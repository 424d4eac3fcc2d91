/*
 * runfile_merge.c - what one run manifest grants and another does not, and what both do together.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "lib/runfile_inner.h"

/* ---- diff -------------------------------------------------------------------------------------------------------- */

char *grant_words(const struct run_grant *g)
{
	const char *below = g->whole ? " and all below" : "";

	switch (g->kind) {
	case RUN_BASE: return xasprintf("%s of the base tree%s", g->path, below);
	case RUN_COPY: return xasprintf("a copy of %s at %s%s", g->host, g->path, below);
	case RUN_SHARE: return xasprintf("%s at %s, %s", g->host, g->path, g->write ? "read and write" : "read");
	default: return xasprintf("an empty folder at %s", g->path);
	}
}

/* One line of authority each, sorted: two manifests differ as these sets do. */
static struct strings lines_of(const struct runfile *r)
{
	struct strings s = { 0 };
	struct buffer b = { 0 };

	runfile_put_list(&b, &r->arguments);
	buffer_add(&b, "", 1);
	strings_add(&s, xasprintf("program %s", r->program));
	strings_add(&s, xasprintf("arguments %s", (char *)b.data));
	strings_add(&s, xasprintf("directory %s", r->directory ? r->directory : "/root"));
	strings_add(&s, xasprintf("clock %s", runfile_clocks[r->clock]));
	strings_add(&s, r->random ? "random" : "no random");
	strings_add(&s, r->proc ? "proc" : "no proc");
	strings_add(&s, r->input ? "input" : "no input");
	strings_add(&s, xasprintf("storage %s", r->storage ? r->storage : "the default"));
	strings_add(&s, xasprintf("machine %s", r->machine ? r->machine : "the default"));
	strings_add(&s, r->seconds ? xasprintf("seconds %lu", r->seconds) : "seconds without limit");
	for (size_t i = 0; i < r->environment.count; i++)
		strings_add(&s, xasprintf("environment %s", r->environment.list[i]));
	for (size_t i = 0; i < r->grant_count; i++)
		strings_add(&s, xasprintf("grant %s", grant_words(&r->grants[i])));
	strings_sort(&s);
	return s;
}

static void diff_line(struct buffer *to, const char *sign, const char *text)
{
	buffer_text(to, sign);
	for (; *text; text++)
		buffer_add(to, (unsigned char)*text < ' ' ? "?" : text, 1);
	buffer_text(to, "\n");
}

size_t runfile_diff(const struct runfile *a, const struct runfile *b, struct buffer *to)
{
	struct strings x = lines_of(a), y = lines_of(b);
	size_t i = 0, k = 0, n = 0;

	while (i < x.count || k < y.count) {
		int order = i == x.count ? 1 : k == y.count ? -1 : strcmp(x.list[i], y.list[k]);

		if (order < 0)
			diff_line(to, "- ", x.list[i++]);
		else if (order > 0)
			diff_line(to, "+ ", y.list[k++]);
		else
			i++, k++;
		n += order != 0;
	}
	return n;
}

/* ---- merge -------------------------------------------------------------------------------------------------------- */

static unsigned long size_of(const char *s)
{
	unsigned long n = s ? strtoul(s, NULL, 10) : 0;

	for (; s && isdigit((unsigned char)*s); s++)
		;
	return n << (!s ? 0 : *s == 'G' ? 20 : *s == 'M' ? 10 : 0);
}

static void size_widen(char **into, char *other)
{
	if (*into && (!other || size_of(other) > size_of(*into)))
		*into = other;
}

static char *grant_merge(struct runfile *into, const struct run_grant *g)
{
	for (size_t i = 0; i < into->grant_count; i++) {
		struct run_grant *mine = &into->grants[i];

		if (strcmp(mine->path, g->path))
			continue;
		if (mine->kind != g->kind || (g->host && strcmp(mine->host, g->host)))
			return xasprintf("%s is %s in one and %s in the other", g->path, grant_words(mine), grant_words(g));
		mine->write |= g->write;
		mine->whole |= g->whole;
		mine->evidence += g->evidence;
		for (size_t k = 0; k < g->uses.count; k++)
			strings_add(&mine->uses, g->uses.list[k]);
		if (!mine->widened)
			mine->widened = g->widened;
		return NULL;
	}
	into->grants = xrealloc(into->grants, (into->grant_count + 1) * sizeof *into->grants);
	into->grants[into->grant_count++] = *g;
	return NULL;
}

static char *variable_merge(struct runfile *into, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < into->environment.count; i++) {
		if (strncmp(into->environment.list[i], variable, n))
			continue;
		if (strcmp(into->environment.list[i], variable))
			return xasprintf("%.*s is '%s' in one and '%s' in the other", (int)n - 1, variable,
					 into->environment.list[i] + n, variable + n);
		return NULL;
	}
	strings_add(&into->environment, variable);
	return NULL;
}

char *runfile_merge(struct runfile *into, const struct runfile *other)
{
	char *wrong = NULL;

	if (strcmp(into->program, other->program))
		return xasprintf("one runs %s, the other %s; a manifest is for one program", into->program, other->program);
	for (size_t i = 0; i < other->environment.count && !wrong; i++)
		wrong = variable_merge(into, other->environment.list[i]);
	for (size_t i = 0; i < other->grant_count && !wrong; i++)
		wrong = grant_merge(into, &other->grants[i]);
	if (wrong)
		return wrong;
	into->input |= other->input;
	into->random |= other->random;
	into->proc |= other->proc;
	if (other->clock < into->clock)
		into->clock = other->clock;
	size_widen(&into->storage, other->storage);
	size_widen(&into->machine, other->machine);
	if (!other->seconds || other->seconds > into->seconds)
		into->seconds = into->seconds ? other->seconds : 0;
	into->runs += other->runs;
	runfile_sort(into);
	return NULL;
}
