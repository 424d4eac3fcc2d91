/*
 * durable.c - every way to ask that something be on the disk, each by itself.  It never ends.
 *
 *   durable METHOD DIR      writes number after number, each made durable by METHOD alone, and prints `A n` when the
 *                           call has answered: n must survive from then on
 *   durable storm DIR N     N processes, each of which forks a child for every number, which writes and fsyncs it and
 *                           ends; then `S process n` is printed
 *
 * Without the call a number would be as old as the last checkpoint that came by itself, seconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dir;

static void bad(const char *why)
{
	printf("BAD %s\n", why);
	fflush(stdout);
	exit(1);
}

static const char *path_of(const char *name)
{
	static char path[2][256];
	static unsigned which;

	which = !which;
	snprintf(path[which], sizeof path[which], "%s/%s", dir, name);
	return path[which];
}

static int open_with(int flags)
{
	int fd = open(path_of("file"), O_RDWR | O_CREAT | flags, 0600);

	if (fd < 0)
		bad("the file cannot be opened");
	return fd;
}

static void put(int fd, unsigned long n)
{
	if (pwrite(fd, &n, sizeof n, (off_t)(n % 512 * sizeof n)) != sizeof n)
		bad("a number cannot be written");
}

static void by_fsync(int fd, unsigned long n)
{
	put(fd, n);
	if (fsync(fd))
		bad("fsync");
}

static void by_fdatasync(int fd, unsigned long n)
{
	put(fd, n);
	if (fdatasync(fd))
		bad("fdatasync");
}

static void by_sync(int fd, unsigned long n)
{
	put(fd, n);
	sync();
}

static void by_syncfs(int fd, unsigned long n)
{
	put(fd, n);
	if (syncfs(fd))
		bad("syncfs");
}

static void by_range(int fd, unsigned long n)
{
	put(fd, n);
	if (sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))
		bad("sync_file_range");
}

static void by_vector(int fd, unsigned long n)
{
	struct iovec parts[2] = { { &n, 4 }, { (char *)&n + 4, 4 } };

	if (lseek(fd, (off_t)(n % 512 * sizeof n), SEEK_SET) < 0 || writev(fd, parts, 2) != sizeof n)
		bad("writev");
}

static void by_sendfile(int fd, unsigned long n)
{
	static int from = -1;
	off_t at = 0;

	if (from < 0)
		from = open(path_of("from"), O_RDWR | O_CREAT, 0600);
	if (pwrite(from, &n, sizeof n, 0) != sizeof n || lseek(fd, 0, SEEK_SET) || sendfile(fd, from, &at, sizeof n) != sizeof n)
		bad("sendfile");
}

static void by_msync(int fd, unsigned long n)
{
	static unsigned long *map;

	if (!map) {
		put(fd, 511);
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			bad("mmap");
	}
	map[n % 512] = n;
	if (msync(map, 4096, MS_SYNC))
		bad("msync");
}

/* A name is given, and its directory synced. */
static void by_directory(int fd, unsigned long n)
{
	static int top = -1;

	if (top < 0)
		top = open(dir, O_RDONLY | O_DIRECTORY);
	put(fd, n);
	if (rename(path_of(n % 2 ? "one" : "two"), path_of(n % 2 ? "two" : "one")) && n)
		bad("rename");
	if (n == 0)
		close(open(path_of("one"), O_WRONLY | O_CREAT, 0600));
	if (fsync(top))
		bad("fsync of a directory");
}

static const struct method {
	const char *name;
	int flags;
	void (*write)(int fd, unsigned long n);
} methods[] = {
	{ "fsync", 0, by_fsync }, { "fdatasync", 0, by_fdatasync }, { "O_SYNC", O_SYNC, put }, { "O_DSYNC", O_DSYNC, put },
	{ "writev", O_DSYNC, by_vector }, { "sendfile", O_SYNC, by_sendfile }, { "msync", 0, by_msync }, { "sync", 0, by_sync },
	{ "syncfs", 0, by_syncfs }, { "sync_file_range", 0, by_range }, { "directory", 0, by_directory },
	/* Promises nothing: what the test would see of a method that does not work. */
	{ "nothing", 0, put },
};

static void say(const char *text, int length)
{
	if (write(1, text, (size_t)length) != length)
		exit(0);
}

static void numbers(const struct method *m)
{
	int fd = open_with(m->flags);
	char line[40];

	for (unsigned long n = 0;; n++) {
		m->write(fd, n);
		say(line, snprintf(line, sizeof line, "A %lu\n", n));
	}
}

static void child(unsigned worker, unsigned long n)
{
	char name[32];
	int fd;

	snprintf(name, sizeof name, "storm%u", worker);
	fd = open(path_of(name), O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		_exit(1);
	by_fsync(fd, n);
	_exit(0);
}

static void storm(unsigned worker)
{
	char line[60];
	int status;

	for (unsigned long n = 0;; n++) {
		pid_t pid = fork();

		if (pid == 0)
			child(worker, n);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			bad("a child of the storm");
		say(line, snprintf(line, sizeof line, "S %u %lu\n", worker, n));
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		goto usage;
	dir = argv[2];
	mkdir(dir, 0700);
	for (unsigned i = 0; argc == 3 && i < sizeof methods / sizeof methods[0]; i++)
		if (!strcmp(argv[1], methods[i].name))
			numbers(&methods[i]);
	if (argc == 4 && !strcmp(argv[1], "storm")) {
		for (int i = 1; i < atoi(argv[3]); i++)
			if (fork() == 0)
				storm((unsigned)i);
		storm(0);
	}
usage:
	fprintf(stderr, "usage: durable METHOD DIR | durable storm DIR N\n");
	return 2;
}
