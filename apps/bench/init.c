/*
 * init.c - the first process of the Linux peer: mounts what the benchmark needs,
 * runs it and switches the machine off.  tools/bench packs it into an initramfs.
 *
 * The kernel's command line says what to do, as words after "--":
 *   bench ROW...   runs /bench/bench ROW...
 *   lua ROW...     runs /bench/lua /bench/bench.lua ROW...
 *   share ROW...   mounts the virtio-9p share keros0 and runs /bench/share on it (tools/bench-run)
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL))
		perror(path);
}

/* Drivers, in the order that the names begin with. */
static void modules_load(void)
{
	char path[64];

	for (int i = 0; i < 10; i++) {
		int fd;

		snprintf(path, sizeof path, "/modules/%d.ko", i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
		if (syscall(SYS_finit_module, fd, "", 0))
			perror(path);
		close(fd);
	}
}

static void mount_disk(void)
{
	modules_load();
	mkdir("/disk", 0755);
	if (access("/dev/vda", F_OK) == 0 && mount("/dev/vda", "/disk", "ext4", 0, NULL))
		perror("/disk");
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

	while (at < argc && strcmp(argv[at], "bench") && strcmp(argv[at], "lua") && strcmp(argv[at], "share") &&
	       strcmp(argv[at], "shell") && strcmp(argv[at], "hello"))
		at++;
	return at;
}

int main(int argc, char **argv)
{
	static char *shell[] = { "/bin/sh", "-i", NULL };
	static char *bench[64] = { "/bench/bench" }, *lua[64] = { "/bench/lua", "/bench/bench.lua" };
	int at = find_word(argc, argv);

	mount_at("devtmpfs", "/dev");
	mount_at("proc", "/proc");
	/* The root is a tmpfs already, and a mount of its own would cost every path a crossing. */
	mkdir("/tmp", 01777);
	if (at < argc && !strcmp(argv[at], "shell")) {
		run_and_wait(shell);
	} else if (at < argc && !strcmp(argv[at], "share")) {
		static char *share[64] = { "/bench/share", "/share" };

		modules_load();
		mkdir("/share", 0755);
		if (mount("keros0", "/share", "9p", 0, "trans=virtio,version=9p2000.L"))
			perror("/share");
		for (int i = 1; i < 62 && at + i < argc; i++)
			share[i + 1] = argv[at + i];
		run_and_wait(share);
	} else if (at < argc && !strcmp(argv[at], "lua")) {
		for (int i = 1; i < 62 && at + i < argc; i++)
			lua[i + 1] = argv[at + i];
		run_and_wait(lua);
	} else if (at < argc && !strcmp(argv[at], "hello")) {
		puts("ready");
		fflush(stdout);
	} else {
		mount_disk();
		for (int i = 1; i < 63 && at + i < argc; i++)
			bench[i] = argv[at + i];
		run_and_wait(bench);
	}
	reboot(RB_POWER_OFF);
	return 0;
}
