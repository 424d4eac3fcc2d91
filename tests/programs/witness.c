/*
 * witness.c - programs that can tell, after a restart, whether anything was lost.  They never end.
 *
 *   witness append FILE     appends numbered records, fsyncs each, then prints `A n`: n must survive from then on
 *   witness chain           two processes pass a hash chain through pipes; each compares, and one prints `C n`
 *   witness sockets PATH    the same through a socket of that name; prints `U n`
 *   witness pages FILE      64 pages, all of one moment; prints `P n`
 *   witness tree DIR        builds a file tree, checks it, removes it; prints `T n`
 *
 * A number never goes back below one that was printed after an fsync.  What is wrong prints `BAD why` and ends with 1.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define RECORD  64
#define KEPT    2000                   /* records before the file begins anew */
#define FILES   24

static __attribute__((noreturn)) int bad(const char *why)
{
	printf("BAD %s\n", why);
	fflush(stdout);
	exit(1);
}

static void say(char kind, unsigned long n)
{
	char line[40];
	int length = snprintf(line, sizeof line, "%c %lu\n", kind, n);

	if (write(1, line, (size_t)length) != length)
		exit(0);
}

static void record_make(char *record, unsigned long n)
{
	int at = snprintf(record, RECORD, "%lu ", n);

	for (; at < RECORD - 1; at++)
		record[at] = (char)('a' + (n * 31 + (unsigned long)at * 7) % 26);
	record[RECORD - 1] = '\n';
}

static void file_check(int fd, unsigned long first, unsigned long end)
{
	char want[RECORD], got[RECORD];

	for (unsigned long n = first; n < end; n++) {
		record_make(want, n);
		if (pread(fd, got, RECORD, (off_t)(n - first) * RECORD) != RECORD)
			bad("a record that was synced is not there");
		if (memcmp(want, got, RECORD))
			bad("a record that was synced is another one");
	}
}

static void append(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unsigned long first = 0;
	char record[RECORD];

	for (unsigned long n = 0;; n++) {
		if (n - first == KEPT) {
			if (ftruncate(fd, 0))
				bad("the file cannot be emptied");
			first = n;
		}
		record_make(record, n);
		if (pwrite(fd, record, RECORD, (off_t)(n - first) * RECORD) != RECORD || fsync(fd))
			bad("a record cannot be written");
		say('A', n);
		if (n % 8 == 0)
			file_check(fd, first, n + 1);
	}
}

static uint64_t mix(uint64_t h, uint64_t n)
{
	h ^= n + 0x9E3779B97F4A7C15ull + (h << 6) + (h >> 2);
	return h * 0xFF51AFD7ED558CCDull;
}

/* Each side has the chain by itself, and sends its end across. */
static void chain_side(int in, int out, int first, char kind)
{
	uint64_t mine = 7, other;

	for (unsigned long n = 0;; n++) {
		mine = mix(mine, n);
		if (first && write(out, &mine, sizeof mine) != sizeof mine)
			exit(0);
		if (read(in, &other, sizeof other) != sizeof other)
			exit(0);
		if (other != mine)
			bad("two processes are of different moments");
		if (!first && write(out, &mine, sizeof mine) != sizeof mine)
			exit(0);
		if (first && n % 8 == 0)
			say(kind, n);
	}
}

static void chain(void)
{
	int there[2], back[2];

	if (pipe(there) || pipe(back))
		bad("there are no pipes");
	switch (fork()) {
	case -1:
		bad("there is no second process");
	case 0:
		chain_side(there[0], back[1], 0, 'C');
	}
	chain_side(back[0], there[1], 1, 'C');
}

/* The same by a stream of sockets, which one has bound to a name and the other called. */
static void sockets(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), end = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	if (listener < 0 || end < 0 || bind(listener, (void *)&name, sizeof name) || listen(listener, 1))
		bad("there is no socket to call");
	if (fork() == 0) {
		if (connect(end, (void *)&name, sizeof name))
			bad("the socket cannot be called");
		chain_side(end, end, 0, 'U');
	}
	end = accept(listener, NULL, NULL);
	chain_side(end, end, 1, 'U');
}

/* Pages of memory and of a mapped file, each with the number of the round that came to it last, and checkpoints in the
 * midst of it: one that were of another moment than the rest, or than our own registers, would show. */
static void pages(const char *path)
{
	enum { MEMORY = 48, FILE_PAGES = 16, ALL = MEMORY + FILE_PAGES };
	volatile unsigned long *page[ALL];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *memory = mmap(NULL, MEMORY * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *file;

	if (fd < 0 || ftruncate(fd, FILE_PAGES * 4096))
		bad("there is no file to map");
	file = mmap(NULL, FILE_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || file == MAP_FAILED)
		bad("there are no pages");
	for (unsigned i = 0; i < ALL; i++)
		page[i] = (void *)(i < MEMORY ? memory + i * 4096 + i * 8 : file + (i - MEMORY) * 4096 + i * 8);
	for (unsigned long n = 0;; n++) {
		for (unsigned i = 0; i < ALL; i++) {
			if (*page[i] != n)
				bad("pages are of different moments");
			*page[i] = n + 1;
			/* Some rounds change but a few pages between two checkpoints, some all of them. */
			if ((n * 31 + i * 7) % (n % 64 < 32 ? 29 : 401) == 0 && msync(file, 4096, MS_SYNC))
				bad("msync");
		}
		say('P', n);
	}
}

static void tree_path(char *to, const char *top, unsigned i)
{
	snprintf(to, 256, "%s/%u/file%u", top, i % 4, i);
}

static void tree_build(const char *top, unsigned long n)
{
	char path[256], text[64];

	if (mkdir(top, 0700))
		bad("the tree is still there, or has no place");
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%u", top, i);
		if (mkdir(path, 0700))
			bad("a directory cannot be made");
	}
	for (unsigned i = 0; i < FILES; i++) {
		int fd, length = snprintf(text, sizeof text, "%lu %u", n, i);

		tree_path(path, top, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || write(fd, text, (size_t)length) != length || close(fd))
			bad("a file cannot be made");
	}
}

static void tree_check(const char *top, unsigned long n)
{
	char path[256], want[64], got[64];

	for (unsigned i = 0; i < FILES; i++) {
		int fd, length = snprintf(want, sizeof want, "%lu %u", n, i);

		tree_path(path, top, i);
		fd = open(path, O_RDONLY);
		if (fd < 0 || read(fd, got, sizeof got) != length || memcmp(got, want, (size_t)length))
			bad("a file of the tree is not what was written");
		close(fd);
	}
}

static void tree_remove(const char *top)
{
	char path[256];

	for (unsigned i = 0; i < FILES; i++) {
		tree_path(path, top, i);
		if (unlink(path))
			bad("a file of the tree is gone");
	}
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%u", top, i);
		if (rmdir(path))
			bad("a directory of the tree is not empty");
	}
	if (rmdir(top))
		bad("the tree is not empty");
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "append"))
		append(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "chain"))
		chain();
	if (argc == 3 && !strcmp(argv[1], "pages"))
		pages(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "sockets"))
		sockets(argv[2]);
	for (unsigned long n = 0; argc == 3 && !strcmp(argv[1], "tree"); n++) {
		tree_build(argv[2], n);
		tree_check(argv[2], n);
		tree_remove(argv[2]);
		say('T', n);
	}
	fprintf(stderr, "usage: witness append FILE | chain | sockets PATH | pages FILE | tree DIR\n");
	return 2;
}
