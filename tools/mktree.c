/*
 * mktree.c - makes a file tree image (doc/tree-image.md) of directories, tar archives and a manifest.
 *
 *	mktree [--manifest FILE] [--busybox FILE] [--bash FILE] [--list] -o IMAGE [DIR|TAR]...
 *
 * Sources are laid over each other in the order manifest, then the arguments.  A manifest has a line for each entry:
 *
 *	dir PATH MODE
 *	file PATH MODE HOST-FILE       @busybox and @bash stand for the files of those options
 *	text PATH MODE                 the lines that follow, up to one that is a single dot
 *	link PATH TARGET
 *	node PATH MODE c|b MAJOR MINOR
 *	applets HOST-FILE TARGET       a link to TARGET for every applet that HOST-FILE --list-full names
 *
 * Empty lines and lines that start with # are ignored.  Every entry of a manifest has the same fixed time, so that
 * the image depends on content alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "lib/tree.h"

#define MANIFEST_TIME_NS (1767225600ull * 1000000000ull) /* 2026-01-01 00:00:00 UTC */
#define WORDS_MAX 6

struct options {
	const char *manifest, *busybox, *bash, *output;
};

struct manifest {
	struct tree *tree;
	const struct options *options;
	const char *file;
	unsigned line;
};

static const char *host_file(struct manifest *m, const char *name)
{
	const char *path = name;

	if (strcmp(name, "@busybox") == 0)
		path = m->options->busybox;
	else if (strcmp(name, "@bash") == 0)
		path = m->options->bash;
	if (!path)
		die("%s:%u: %s needs the option --%s FILE", m->file, m->line, name, name + 1);
	return path;
}

static struct tree_entry *add(struct manifest *m, const char *path, uint32_t mode)
{
	struct tree_attributes a = { .mode = mode, .mtime_ns = MANIFEST_TIME_NS };

	return tree_add(m->tree, path, &a);
}

/* Asks busybox itself, so that the links always fit the binary. */
static void add_applets(struct manifest *m, const char *busybox, const char *target)
{
	char *command = xasprintf("'%s' --list-full", busybox), path[256];
	FILE *list = popen(command, "re");
	unsigned count = 0;

	if (!list)
		die("%s: %s", command, strerror(errno));
	while (fgets(path, sizeof path, list)) {
		path[strcspn(path, "\n")] = 0;
		if (!strchr(path, '/') || tree_find(m->tree, path))
			continue;
		entry_set_target(add(m, path, S_IFLNK | 0777), target);
		count++;
	}
	if (pclose(list) != 0 || !count)
		die("%s:%u: '%s' named no applets", m->file, m->line, command);
	free(command);
}

/* Takes the lines up to a single dot; returns where the text goes on after it. */
static char *add_text(struct manifest *m, const char *path, uint32_t mode, char *rest)
{
	struct buffer b = { 0 };

	while (rest && *rest) {
		char *next = strchr(rest, '\n');

		m->line++;
		if (next)
			*next++ = 0;
		if (strcmp(rest, ".") == 0) {
			entry_set_data(add(m, path, S_IFREG | mode), b.data, b.length);
			return next;
		}
		buffer_text(&b, rest);
		buffer_text(&b, "\n");
		rest = next;
	}
	die("%s:%u: the text of %s has no end (a line with a dot)", m->file, m->line, path);
}

static uint32_t parse_mode(struct manifest *m, const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*end || mode > 07777)
		die("%s:%u: '%s' is not a mode", m->file, m->line, text);
	return (uint32_t)mode;
}

static void read_manifest(struct tree *t, const struct options *o)
{
	struct manifest m = { .tree = t, .options = o, .file = o->manifest };
	struct buffer text = read_file(o->manifest);
	char *rest;

	buffer_add(&text, "", 1);
	rest = (char *)text.data;
	while (rest && *rest) {
		char *line = rest, *words[WORDS_MAX] = { 0 };
		unsigned count = 0;

		rest = strchr(rest, '\n');
		if (rest)
			*rest++ = 0;
		m.line++;
		for (char *w = strtok(line, " \t"); w && count < WORDS_MAX; w = strtok(NULL, " \t"))
			words[count++] = w;
		if (!count || words[0][0] == '#')
			continue;
		if (strcmp(words[0], "dir") == 0 && count == 3) {
			add(&m, words[1], S_IFDIR | parse_mode(&m, words[2]));
		} else if (strcmp(words[0], "file") == 0 && count == 4) {
			struct buffer b = read_file(host_file(&m, words[3]));

			entry_set_data(add(&m, words[1], S_IFREG | parse_mode(&m, words[2])), b.data, b.length);
		} else if (strcmp(words[0], "text") == 0 && count == 3) {
			rest = add_text(&m, words[1], parse_mode(&m, words[2]), rest);
		} else if (strcmp(words[0], "link") == 0 && count == 3) {
			entry_set_target(add(&m, words[1], S_IFLNK | 0777), words[2]);
		} else if (strcmp(words[0], "node") == 0 && count == 6) {
			uint32_t type = words[3][0] == 'b' ? S_IFBLK : S_IFCHR;

			entry_set_device(add(&m, words[1], type | parse_mode(&m, words[2])),
					 makedev((unsigned)atoi(words[4]), (unsigned)atoi(words[5])));
		} else if (strcmp(words[0], "applets") == 0 && count == 3) {
			add_applets(&m, host_file(&m, words[1]), words[2]);
		} else {
			die("%s:%u: '%s' with %u words means nothing here", m.file, m.line, words[0], count);
		}
	}
	free(text.data);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct tree *t = tree_new(MANIFEST_TIME_NS);
	struct buffer image;
	int i;

	tool_name = "mktree";
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char **value = strcmp(argv[i], "--manifest") == 0 ? &o.manifest :
			strcmp(argv[i], "--busybox") == 0 ? &o.busybox : strcmp(argv[i], "--bash") == 0 ? &o.bash :
			strcmp(argv[i], "-o") == 0 ? &o.output : NULL;

		if (!value)
			misuse("no option '%s'; there are --manifest, --busybox, --bash and -o", argv[i]);
		if (++i == argc)
			misuse("'%s' needs a file after it", argv[i - 1]);
		*value = argv[i];
	}
	if (!o.output || (!o.manifest && i == argc))
		misuse("usage: mktree [--manifest FILE] [--busybox FILE] [--bash FILE] -o IMAGE [DIR|TAR]...");
	if (o.manifest)
		read_manifest(t, &o);
	for (; i < argc; i++)
		tree_add_source(t, argv[i]);
	image = tree_image(t);
	write_file(o.output, image.data, image.length);
	return 0;
}
