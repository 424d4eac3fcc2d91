/*
 * doctor.c - see doctor.h.  A check is a question, and what to do if the answer is no; nothing is changed here.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "lib/control.h"
#include "lib/doctor.h"
#include "lib/util.h"

#define ROOM_MIB 512                   /* in the build and temporary directories */

static bool needed_is_missing;

static void verdict(bool there, bool needed, const char *what, const char *mend)
{
	printf("%-8s %s\n", there ? "ok" : needed ? "MISSING" : "absent", what);
	if (!there)
		printf("         %s%s\n", needed ? "" : "(not needed to run) ", mend);
	needed_is_missing |= !there && needed;
}

/* A shell command that answers by its status, silently. */
static bool holds(char *command)
{
	bool yes = system(command) == 0;

	free(command);
	return yes;
}

static void check_packages(const char *root)
{
	fflush(stdout);
	verdict(holds(xasprintf("cd '%s' && ./configure --check >/dev/null 2>&1", root)), true, "packages that the build needs",
		"./configure      (installs them, as root or with sudo; --check names them)");
	verdict(holds(xasprintf("qemu-system-x86_64 -accel help 2>/dev/null | grep -q tcg")), true, "QEMU, with its translator",
		"apt-get install qemu-system-x86");
	verdict(holds(xasprintf("qemu-system-x86_64 --version 2>/dev/null | grep -qE 'version ([7-9]|[1-9][0-9])'")), true,
		"QEMU of version 7 or later", "apt-get install qemu-system-x86   (of Debian 12 or later)");
	verdict(holds(xstrdup("command -v dot >/dev/null")), false, "Graphviz, for the pictures of keros graph",
		"apt-get install graphviz");
	verdict(holds(xstrdup("command -v gdb >/dev/null")), false, "gdb, for keros gdb", "apt-get install gdb");
}

static void check_products(const char *root)
{
	static const char *const products[] = {
		"kernel.elf", "base.tree", "system.manifest", "bin/prime.elf", "bin/posix-server.elf",
		"bin/console.elf", "keros",
	};

	for (unsigned i = 0; i < sizeof products / sizeof *products; i++) {
		char *path = xasprintf("%s/build/%s", root, products[i]), *what = xasprintf("build/%s", products[i]);

		verdict(access(path, R_OK) == 0, true, what, "make all");
		free(path);
		free(what);
	}
}

static void check_directory(const char *what, const char *path)
{
	struct statvfs fs;
	bool room = statvfs(path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize >= (uint64_t)ROOM_MIB << 20;
	char *text = xasprintf("%s %s: writable", what, path), *mend = xasprintf("chmod u+w '%s', or choose another", path);

	verdict(access(path, W_OK | X_OK) == 0, true, text, mend);
	free(text);
	text = xasprintf("%s %s: %d MiB free", what, path, ROOM_MIB);
	verdict(room, true, text, "df -h; remove what is not needed there");
	free(text);
	free(mend);
}

/* Where machines are found by ps, caps, ckpt: nobody else may reach their sockets. */
static void check_runtime(void)
{
	char *path = control_directory();
	char *text = xasprintf("%s: ours alone", path), *mend = xasprintf("rm -r '%s'   (keros makes it anew)", path);
	struct stat st;

	verdict(lstat(path, &st) != 0 || (S_ISDIR(st.st_mode) && st.st_uid == getuid() && !(st.st_mode & 077)), true,
		text, mend);
	free(path);
	free(text);
	free(mend);
}

int doctor_run(const char *root)
{
	const char *temporary = getenv("TMPDIR");

	check_packages(root);
	check_products(root);
	check_directory("the build's directory", root);
	check_directory("temporary files:", temporary && *temporary ? temporary : "/tmp");
	check_runtime();
	puts(needed_is_missing ? "Something is missing." : "All is well; try: keros run -- uname -a");
	return needed_is_missing;
}
