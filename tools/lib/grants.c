/*
 * grants.c - see grants.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/grants.h"

static const char *const mode_words[] = { "ro", "rw", "cow" };

/* Takes ., .. and doubled slashes out of an absolute path, by its text alone. */
static char *path_normal(const char *path)
{
	char *to = xmalloc(strlen(path) + 2), *end = to;

	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (end > to && *--end != '/')
				;
		} else if (n && !(n == 1 && path[0] == '.')) {
			*end++ = '/';
			memcpy(end, path, n);
			end += n;
		}
		path += n + (path[n] == '/');
	}
	if (end == to)
		*end++ = '/';
	*end = 0;
	return to;
}

static char *path_absolute(const char *path)
{
	char *here, *whole, *normal;

	if (path[0] == '/')
		return path_normal(path);
	here = getcwd(NULL, 0);
	if (!here)
		die("the current directory: %s", strerror(errno));
	whole = xasprintf("%s/%s", here, path);
	normal = path_normal(whole);
	free(whole);
	free(here);
	return normal;
}

/* Whether path is dir or lies below it; *rest is what follows. */
static bool path_within(const char *path, const char *dir, const char **rest)
{
	size_t n = strlen(dir);

	if (n == 1) {
		*rest = path + 1;
		return true;
	}
	if (strncmp(path, dir, n) != 0 || (path[n] && path[n] != '/'))
		return false;
	*rest = path + n + (path[n] == '/');
	return true;
}

static void grant_host(struct grant *g, const char *host)
{
	struct stat st;

	g->host = realpath(host, NULL);
	if (!g->host)
		misuse("%s %s: %s: %s; a grant names a file or folder of the host that is there", g->option, g->text, host,
		       strerror(errno));
	if (stat(g->host, &st))
		misuse("%s %s: %s", g->option, g->text, strerror(errno));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		misuse("%s %s: neither a folder nor a regular file; devices, FIFOs and sockets cannot be granted so", g->option,
		       g->text);
	if (access(g->host, (g->mode == SHARE_WRITE ? W_OK : 0) | R_OK | (S_ISDIR(st.st_mode) ? X_OK : 0)))
		misuse("%s %s: you may not %s it yourself (%s)", g->option, g->text, g->mode == SHARE_WRITE ? "write" : "read",
		       strerror(errno));
	g->folder = g->host;
	if (S_ISREG(st.st_mode)) {
		g->file = strrchr(g->host, '/') + 1;
		g->folder = dirname(xstrdup(g->host));
	}
}

static void grant_guest(struct grant *g, const char *guest)
{
	const char *rest;

	if (guest[0] != '/')
		misuse("%s %s: the path in the sandbox, '%s', must begin with a slash", g->option, g->text, guest);
	g->guest = path_normal(guest);
	if (strlen(g->guest) > 3000)
		misuse("%s: the path in the sandbox is longer than 3000 bytes", g->option);
	if (!g->guest[1])
		misuse("%s %s: a grant cannot take the place of /; give it a folder, as %s %.*s:/mnt", g->option,
		       g->text, g->option, (int)strcspn(g->text, ":"), g->text);
	if (path_within(g->guest, "/dev", &rest) || path_within(g->guest, "/proc", &rest))
		misuse("%s %s: /dev and /proc are the sandbox's own; choose another path", g->option, g->text);
}

/* HOST:GUEST parts at the last colon that a slash follows; without one GUEST is HOST's own path. */
void grant_add(struct grants *all, enum grant_mode mode, const char *option, const char *text)
{
	struct grant *g = &all->grant[all->count];
	const char *colon = NULL;
	char *host;

	if (all->count == SHARES_MAX)
		misuse("more than %d grants of files and folders; grant a folder that holds several", SHARES_MAX);
	*g = (struct grant){ .mode = mode, .option = option, .text = text };
	for (const char *at = text; (at = strstr(at, ":/")); at++)
		colon = at;
	host = colon ? strndup(text, (size_t)(colon - text)) : xstrdup(text);
	if (!*host)
		misuse("%s '%s' names nothing of the host; try %s ./folder:/work", option, text, option);
	if (!colon && strchr(text, ':') && access(text, F_OK))
		misuse("%s %s: the path in the sandbox, '%s', must begin with a slash", option, text, strrchr(text, ':') + 1);
	grant_host(g, host);
	if (colon) {
		grant_guest(g, colon + 1);
	} else {
		char *whole = path_absolute(host);

		grant_guest(g, whole);
		free(whole);
	}
	free(host);
	all->count++;
}

static int compare_guest(const void *a, const void *b)
{
	return strcmp(((const struct grant *)a)->guest, ((const struct grant *)b)->guest);
}

/* An inner grant needs the folder it stands in; the name itself need not be there. */
static void inner_check(const struct grant *outer, const struct grant *inner, const char *rest)
{
	char *parent = xasprintf("%s/%s", outer->host, rest), *slash;
	struct stat st;

	if (outer->file)
		misuse("%s %s lies below %s %s, which is a file", inner->option, inner->text, outer->option, outer->text);
	slash = strrchr(parent, '/');
	*slash = 0;
	if (lstat(parent, &st) || !S_ISDIR(st.st_mode))
		misuse("%s %s lies inside %s %s, where there is no folder %s; make it, or choose another path", inner->option,
		       inner->text, outer->option, outer->text, parent);
	free(parent);
}

void grants_arrange(struct grants *g)
{
	const char *rest;

	qsort(g->grant, g->count, sizeof g->grant[0], compare_guest);
	for (unsigned i = 0; i < g->count; i++) {
		const struct grant *inner = &g->grant[i], *outer = NULL;

		if (i && strcmp(inner->guest, g->grant[i - 1].guest) == 0)
			misuse("%s %s and %s %s both claim %s in the sandbox; leave one out, or give one another path",
			       g->grant[i - 1].option, g->grant[i - 1].text, inner->option, inner->text, inner->guest);
		for (unsigned k = 0; k < i; k++)
			if (path_within(inner->guest, g->grant[k].guest, &rest))
				outer = &g->grant[k];
		if (outer && path_within(inner->guest, outer->guest, &rest))
			inner_check(outer, inner, rest);
	}
}

void grants_record(const struct grants *g, struct buffer *config)
{
	for (unsigned i = 0; i < g->count; i++) {
		const struct grant *one = &g->grant[i];
		char *text = xasprintf("mount=%s,%u,%s", mode_words[one->mode], i, one->guest);

		buffer_add(config, text, strlen(text) + 1);
		free(text);
		if (!one->file)
			continue;
		text = xasprintf("file=%s", one->file);
		buffer_add(config, text, strlen(text) + 1);
		free(text);
	}
}
