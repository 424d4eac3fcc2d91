/*
 * keykos.c - the verb keykos: the command interpreter with our programs and the user's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/options.h"
#include "verbs/verbs.h"

/* Whether keykos-cc made it, whatever its name. */
static bool is_image(const char *path)
{
	char magic[8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && read(fd, magic, sizeof magic) == sizeof magic && memcmp(magic, "FACTORY ", sizeof magic) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

/* PROG.ck is compiled into a file of its own beside the build's products; what keykos-cc made is taken as it is. */
static const char *keykos_program(const char *root, const char *path)
{
	size_t n = strlen(path);
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *made, *command;

	if (access(path, R_OK))
		misuse("%s: %s; give a program of the dialect (PROG.ck) or what keykos-cc made of it (PROG.kk)", path,
		       strerror(errno));
	if (is_image(path))
		return path;
	if (n < 4 || strcmp(path + n - 3, ".ck") != 0)
		misuse("%s is neither a program of the dialect (PROG.ck) nor what keykos-cc made of one", path);
	made = xasprintf("%s/build/keykos/user/%.*s.kk", root, (int)strlen(base) - 3, base);
	command = xasprintf("mkdir -p '%s/build/keykos/user' && '%s/tools/keykos-cc' -o '%s' '%s'", root, root, made, path);
	if (system(command) != 0)
		die("%s does not compile", path);
	free(command);
	return made;
}

void keykos_programs(struct run *r, int argc, char **argv)
{
	static const char *programs[PACK_SECTIONS];
	glob_t own;

	if (glob(xasprintf("%s/build/keykos/*.kk", r->root), 0, NULL, &own) == 0)
		for (size_t i = 0; i < own.gl_pathc && r->program_count < 40; i++)
			programs[r->program_count++] = own.gl_pathv[i];
	for (int i = 0; i < argc; i++) {
		if (r->program_count == 48)
			misuse("too many programs");
		programs[r->program_count++] = keykos_program(r->root, argv[i]);
	}
	r->programs = programs;
}

int act_keykos(int argc, char **argv)
{
	static char *none[] = { NULL };
	char **rest = xcalloc((size_t)argc + 1, sizeof *rest);
	const char *script = NULL;
	struct run r;
	int first, n = 0;

	/* --script is this verb's own; the rest are options of the machine. */
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--script") != 0)
			rest[n++] = argv[i];
		else if (++i == argc)
			misuse("--script needs a file after it; see: keros help keykos");
		else
			script = argv[i];
	}
	rest[n] = NULL;
	first = options_parse(&r, "keykos", n, rest);
	r.keykos = true;
	r.tty = false;
	r.argv = none;
	keykos_programs(&r, n - first, rest + first);
	if (script) {
		int fd = open(script, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			misuse("--script %s: %s", script, strerror(errno));
		dup2(fd, 0);
	}
	return verb_start(&r);
}
