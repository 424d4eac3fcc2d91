/*
 * refusal.c - see refusal.h.
 */
#include <stdio.h>
#include <string.h>
#include "refusal.h"
#include "record_out.h"
#include "record.h"

#define TOLD_MAX 4096u                 /* names remembered, by hash; a power of two */
#define PATH_BYTES 4096

bool refusal_on;
static bool every_time;
static uint64_t told[TOLD_MAX];
static unsigned told_count;

void refusal_begin(bool all)
{
	refusal_on = true;
	every_time = all;
}

/* Whether this one is new.  64 bits of hash stand for the text: that two names share them does not happen by chance. */
static bool is_new(const char *text, size_t n, char want)
{
	uint64_t hash = 14695981039346656037ull ^ (unsigned char)want;
	unsigned at;

	if (every_time)
		return true;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)text[i]) * 1099511628211ull;
	hash |= 1;
	for (at = hash >> 8 & (TOLD_MAX - 1); told[at]; at = (at + 1) & (TOLD_MAX - 1))
		if (told[at] == hash)
			return false;
	if (told_count == TOLD_MAX / 2)
		return false;          /* the user has been told enough */
	told[at] = hash;
	told_count++;
	return true;
}

/* As JSON has it; bytes that are no UTF-8 go as they are, and the host takes them so. */
static size_t put_text(char *to, const char *from, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)from[i];

		if (c == '"' || c == '\\' || c < 0x20) {
			used += (size_t)sprintf(to + used, "\\u%04x", c);
		} else {
			to[used++] = (char)c;
		}
	}
	return used;
}

static void tell(const char *call, const char *path, size_t n, const char *want)
{
	static char line[PATH_BYTES * 6 + 128];
	size_t used = (size_t)sprintf(line, "{\"refused\":\"%s\",\"path\":\"", call);

	used += put_text(line + used, path, n);
	used += (size_t)sprintf(line + used, "\",\"want\":\"%s\"}\n", want);
	record_sink(line, used);
	if (every_time)
		record_flush();
}

static const char *call_word(uint32_t nr)
{
	static const struct { uint16_t nr; const char *word; } words[] = {
		{ 2, "open" }, { 257, "open" }, { 85, "open" }, { 4, "stat" }, { 6, "stat" }, { 262, "stat" }, { 332, "stat" },
		{ 59, "exec" }, { 322, "exec" }, { 21, "access" }, { 269, "access" }, { 439, "access" }, { 89, "readlink" },
		{ 267, "readlink" }, { 80, "chdir" }, { 0, "exec" },
	};

	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
		if (words[i].nr == nr)
			return words[i].word;
	return call_name(nr) ? call_name(nr) : "use";
}

static bool own(const char *path)
{
	static const char *const places[] = { "/dev", "/proc" };

	for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
		size_t n = strlen(places[i]);

		if (strncmp(path, places[i], n) == 0 && (path[n] == '/' || path[n] == 0))
			return true;
	}
	return false;
}

/* The path of a name (and what follows it) in a directory; 0: too long, or it has none any more. */
static size_t path_make(char *to, struct inode *at, const char *name, size_t length, const char *rest)
{
	int n = inode_path(at, to, PATH_BYTES / 2);
	size_t more = strlen(rest);

	if (n < 0 || (size_t)n + length + more + 3 > PATH_BYTES)
		return 0;
	if (length && to[n - 1] != '/')
		to[n++] = '/';
	memcpy(to + n, name, length);
	n += (int)length;
	if (more && to[n - 1] != '/')
		to[n++] = '/';
	memcpy(to + n, rest, more);
	to[n + (int)more] = 0;
	return (size_t)n + more;
}

void refusal_walk(struct proc *p, struct inode *at, const char *name, size_t length, const char *rest)
{
	static char path[PATH_BYTES];
	size_t n = inode_is_share(at) ? 0 : path_make(path, at, name, length, rest);

	if (n && (!strcmp(path, "/dev/random") || !strcmp(path, "/dev/urandom")))
		refusal_other(call_word(p->nr), "--random");
	if (n && !own(path) && is_new(path, n, 'r'))
		tell(call_word(p->nr), path, n, "read");
}

void refusal_write(struct proc *p, struct inode *at, const char *name, size_t length)
{
	static char path[PATH_BYTES];
	size_t n = path_make(path, at, name, length, "");

	if (n && is_new(path, n, 'w'))
		tell(call_word(p->nr), path, n, "write");
}

void refusal_other(const char *call, const char *option)
{
	char line[160];
	int n;

	if (!refusal_on || !is_new(option, strlen(option), 'o'))
		return;
	n = snprintf(line, sizeof line, "{\"refused\":\"%s\",\"grant\":\"%s\"}\n", call, option);
	record_sink(line, (size_t)n);
	if (every_time)
		record_flush();
}

void refusal_quiet(const char *call, const char *option)
{
	if (every_time)
		refusal_other(call, option);
}

void refusal_ran(const char *path)
{
	static char line[255 * 6 + 32];
	const char *name = strrchr(path, '/');
	size_t n, used;

	name = name ? name + 1 : path;
	n = strlen(name);
	if (!refusal_on || !told_count || n > 255 || !is_new(name, n, 'x'))
		return;
	used = (size_t)sprintf(line, "{\"ran\":\"");
	used += put_text(line + used, name, n);
	used += (size_t)sprintf(line + used, "\"}\n");
	record_sink(line, used);
}
