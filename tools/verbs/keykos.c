/*
 * keykos.c - the verb keykos: the command interpreter with our programs and the user's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/options.h"
#include "verbs/verbs.h"

#define PROGRAMS_MAX (PACK_SECTIONS - 12u)  /* the rest of the pack is the system */

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

/* Runs tools/keykos-cc without a shell: names may have any character. */
static bool compile(const char *root, const char *path, const char *made)
{
	const char *argv[] = { xasprintf("%s/tools/keykos-cc", root), "-o", made, "--", path, NULL };
	pid_t child;
	int status;

	if (posix_spawn(&child, argv[0], NULL, NULL, (char **)argv, environ) != 0)
		return false;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

/*
 * PROG.ck is compiled into a file of its own beside the build's products; what keykos-cc made is taken as it is, and so is
 * a file of commands.
 */
static const char *keykos_program(const char *root, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *folder, *made;
	struct stat st;

	/* NAME.s, or FILE.cmd, is a name of the directory (compat/keykos/command/words.h). */
	if (strlen(base) > (ends_with(base, ".cmd") ? 39 : 40))
		misuse("%s is too long a name for the interpreter's directory: at most 37 characters before its ending", base);
	if (access(path, R_OK))
		misuse("%s: %s; give a program of the dialect (PROG.ck), what keykos-cc made of it (PROG.kk) or commands (FILE.cmd)",
		       path, strerror(errno));
	if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
		misuse("%s is %s", path, S_ISREG(st.st_mode) ? "empty" : "no file");
	if (is_image(path) || ends_with(base, ".cmd"))
		return path;
	if (!ends_with(base, ".ck"))
		misuse("%s is neither a program of the dialect (PROG.ck) nor what keykos-cc made of one, nor commands (FILE.cmd)", path);
	folder = xasprintf("%s/build/keykos/user", root);
	if (mkdir(folder, 0777) && errno != EEXIST)
		die("%s: %s", folder, strerror(errno));
	made = xasprintf("%s/%.*s.kk", folder, (int)strlen(base) - 3, base);
	free(folder);
	if (!compile(root, path, made))
		die("%s does not compile", path);
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
		if (r->program_count == PROGRAMS_MAX)
			misuse("the boot pack has room for %u programs and command files, and %u of them are its own: leave out %d",
			       PROGRAMS_MAX, r->program_count - i, argc - i);
		programs[r->program_count++] = keykos_program(r->root, argv[i]);
	}
	r->programs = programs;
}

const char keykos_options_text[] =
	"  --script FILE      read the commands from that file\n"
	"  --time LIMIT       end it after 10s, 500ms or 2m, with status 124\n"
	"  --stdin FILE, --stdout FILE, --stderr FILE   instead of ours\n"
	"  --disk FILE        the system lives in that image and goes on where it was; made on first use\n"
	"  --disk-size SIZE   of a new image, as 512M or 4G (default 4G; the file is sparse)\n"
	"  --mem SIZE         memory of the machine, as 64M or 1G (default 256M)\n"
	"  --verbose          show the kernel's log: which domain stopped, where and why\n"
	"  --icount           count guest instructions: slower, and the same every time\n"
	"  --dry-run          print the QEMU line and do nothing\n";

/* Options of a sandbox's run: here there is none, and who gives them expects something. */
static void keykos_refuse(const char *option)
{
	static const char *const sandbox[] = {
		"--ro", "--rw", "--cow", "--deny", "--tmp", "--clock", "--random", "--cpu", "--tty", "--tree", "--env",
		"--cwd", "--bank", "--caps", "--record", "--second", "--second-bank", "--native", "--manifest",
	};

	for (unsigned i = 0; i < sizeof sandbox / sizeof sandbox[0]; i++)
		if (strcmp(option, sandbox[i]) == 0)
			misuse("%s is about a sandbox, and there is none here; see: keros help keykos", option);
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
		keykos_refuse(argv[i]);
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
		struct stat st;

		if (fd < 0 || fstat(fd, &st))
			misuse("--script %s: %s", script, strerror(errno));
		if (S_ISDIR(st.st_mode))
			misuse("--script %s: it is a folder, and should be a file of commands", script);
		dup2(fd, 0);
	} else if (isatty(0) && isatty(1)) {
		fprintf(stderr, "keros: KeyKOS's command interpreter: help lists the commands, ls the keys; exit or Ctrl-D ends it\n");
	}
	return verb_start(&r);
}
