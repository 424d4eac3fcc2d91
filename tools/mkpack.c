/*
 * mkpack.c - makes a boot pack (kernel/include/keros/abi.h) of files.
 *
 *	mkpack -o PACK [KIND:NAME=FILE]...      KIND: program, tree, config, keykos or manifest
 *	mkpack --list PACK
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/pack.h"

static const char *const kinds[] = { [PACK_PROGRAM] = "program", [PACK_TREE] = "tree", [PACK_CONFIG] = "config",
				     [PACK_KEYKOS] = "keykos",
	[PACK_MANIFEST] = "manifest" };
#define KINDS (sizeof kinds / sizeof *kinds)

static void list(const char *path)
{
	struct buffer b = read_file(path);
	const struct pack_header *h = (const struct pack_header *)b.data;

	if (b.length < sizeof *h || h->magic != PACK_MAGIC || h->version != 1 || h->count > PACK_SECTIONS ||
	    h->length != b.length)
		die("%s: not a boot pack of version 1", path);
	for (uint32_t i = 0; i < h->count; i++) {
		const struct pack_section *s = &h->section[i];

		printf("%-8s %-24.40s %10llu bytes at %llu\n", s->kind < KINDS && kinds[s->kind] ? kinds[s->kind] : "?",
		       s->name, (unsigned long long)s->length, (unsigned long long)s->offset);
	}
}

static void add(struct pack *p, char *argument)
{
	char *name = strchr(argument, ':'), *file = name ? strchr(name, '=') : NULL;
	struct buffer b;

	if (!file)
		misuse("'%s' is not KIND:NAME=FILE", argument);
	*name++ = 0;
	*file++ = 0;
	for (unsigned kind = 1; kind < KINDS; kind++)
		if (strcmp(kinds[kind], argument) == 0) {
			b = read_file(file);
			pack_add(p, kind, name, b.data, b.length);
			free(b.data);
			return;
		}
	misuse("no kind '%s'; there are program, tree, config, keykos and manifest", argument);
}

int main(int argc, char **argv)
{
	struct pack p;
	int fd;

	tool_name = "mkpack";
	if (argc == 3 && strcmp(argv[1], "--list") == 0) {
		list(argv[2]);
		return 0;
	}
	if (argc < 4 || strcmp(argv[1], "-o") != 0)
		misuse("usage: mkpack -o PACK KIND:NAME=FILE... | mkpack --list PACK");
	pack_init(&p);
	for (int i = 3; i < argc; i++)
		add(&p, argv[i]);
	fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		die("%s cannot be written", argv[2]);
	pack_write(&p, fd, argv[2]);
	return close(fd) != 0;
}
