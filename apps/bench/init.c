/*
 * init.c - the first process of the Linux peer: mounts what the benchmark needs,
 * runs it and switches the machine off.  tools/bench packs it into an initramfs.
 *
 * The kernel's command line says what to do, as words after "--":
 *   bench ROW...   runs /bench/bench ROW...
 *   shell          runs an interactive shell, for the time from power-on to its prompt
 *   hello          says "ready" and ends: the smallest thing that shows that user space runs
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL))
		perror(path);
}

static void run_and_wait(char **argv)
{
	static char *environment[] = { "PATH=/bin", "HOME=/", "PS1=peer# ", NULL };
	pid_t child = fork();

	if (child == 0) {
		setsid();
		execve(argv[0], argv, environment);
		perror(argv[0]);
		_exit(127);
	}
	while (waitpid(child, NULL, 0) != child)
		;
}

/* Words that the kernel did not know come first; ours start at a word we know. */
static int find_word(int argc, char **argv)
{
	int at = 1;

	while (at < argc && strcmp(argv[at], "bench") && strcmp(argv[at], "shell") && strcmp(argv[at], "hello"))
		at++;
	return at;
}

int main(int argc, char **argv)
{
	static char *shell[] = { "/bin/sh", "-i", NULL };
	static char *bench[64] = { "/bench/bench" };
	int at = find_word(argc, argv);

	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	/* The root is a tmpfs already, and a mount of its own would cost every path a crossing. */
	mkdir("/tmp", 01777);
	if (at < argc && !strcmp(argv[at], "shell")) {
		run_and_wait(shell);
	} else if (at < argc && !strcmp(argv[at], "hello")) {
		puts("ready");
		fflush(stdout);
	} else {
		for (int i = 1; i < 63 && at + i < argc; i++)
			bench[i] = argv[at + i];
		run_and_wait(bench);
	}
	reboot(RB_POWER_OFF);
	return 0;
}
