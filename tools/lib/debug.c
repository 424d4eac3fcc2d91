/*
 * debug.c - see debug.h.  The machine runs in a child with a process group of its own, so that Ctrl-C is gdb's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "lib/debug.h"
#include "lib/pump.h"

#define WAIT_TRIES 500                 /* of 10 ms each, for QEMU to listen */

/* The console has no input: the terminal is gdb's. */
__attribute__((noreturn)) static void machine_child(struct run *r)
{
	struct machine m;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	dup2(null, 0);
	r->tty = false;
	machine_start(&m, r);
	exit(pump_run(&m, r));
}

static void socket_wait(const char *path, pid_t machine)
{
	for (unsigned i = 0; access(path, F_OK); i++) {
		if (waitpid(machine, NULL, WNOHANG) == machine)
			die("the machine did not start");
		if (i == WAIT_TRIES)
			die("QEMU does not listen for gdb at %s", path);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

/* The start of a process's name as the kernel keeps it: how keros-break tells it from others. */
static uint64_t name_word(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	uint64_t word = 0;

	memcpy(&word, name, strnlen(name, sizeof word));
	return word;
}

static pid_t gdb_start(const struct run *r, const struct debug *d)
{
	char *argv[2 * 16 + 18], **at = argv;
	pid_t pid;

	*at++ = "gdb";
	*at++ = "-q";
	*at++ = "-nx";
	if (d->batch)
		*at++ = "-batch";
	*at++ = xasprintf("%s/build/kernel.elf", r->root);
	*at++ = "-x";
	*at++ = xasprintf("%s/tools/gdb/keros.gdb", r->root);
	*at++ = "-ex";
	*at++ = xasprintf("target remote %s", r->gdb_socket);
	if (d->symbols) {
		*at++ = "-ex";
		*at++ = xasprintf("add-symbol-file %s", d->symbols);
		*at++ = "-ex";
		*at++ = xasprintf("set $keros_name = %#llx", (unsigned long long)name_word(d->symbols));
	}
	for (unsigned i = 0; i < d->command_count; i++) {
		*at++ = "-ex";
		*at++ = xstrdup(d->commands[i]);
	}
	*at = NULL;
	pid = fork();
	if (pid == 0) {
		execvp("gdb", argv);
		note("gdb: %s; install it: apt-get install gdb", strerror(errno));
		_exit(127);
	}
	return pid;
}

int debug_run(struct run *r, const struct debug *d)
{
	char directory[] = "/tmp/keros-gdb-XXXXXX", *path;
	pid_t machine, gdb;
	int status = 0;

	if (!mkdtemp(directory))
		die("%s: %s", directory, strerror(errno));
	r->gdb_socket = path = xasprintf("%s/socket", directory);
	machine = fork();
	if (machine < 0)
		die("fork: %s", strerror(errno));
	if (machine == 0)
		machine_child(r);
	socket_wait(path, machine);
	gdb = gdb_start(r, d);
	if (!d->batch)
		signal(SIGINT, SIG_IGN);
	while (waitpid(gdb, &status, 0) < 0 && errno == EINTR)
		;
	kill(machine, SIGTERM);
	waitpid(machine, NULL, 0);
	unlink(path);
	rmdir(directory);
	free(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
