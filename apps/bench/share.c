/*
 * share.c - what a share of the host costs: one static program for Keros and for Linux with the same virtio-9p share.
 *
 *	share FOLDER [ROW...]
 * The folder has `big` (64 MiB) and `many/f0` .. `many/f9999`.  A row is run three times and the least time counts:
 *	BENCH name=NAME tsc_med=NANOSECONDS
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES 10000
#define ROUNDS 3

static char buffer[1 << 20];

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

static int read_all(size_t step)
{
	int fd = open("big", O_RDONLY);
	ssize_t n;
	size_t total = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buffer, step)) > 0)
		total += (size_t)n;
	close(fd);
	return total == 64 << 20 ? 0 : -1;
}

static int read_1m(void) { return read_all(1 << 20); }
static int read_64k(void) { return read_all(65536); }

static int read_4k_of_4m(void)
{
	int fd = open("big", O_RDONLY);

	for (int i = 0; i < 1024; i++)
		if (read(fd, buffer, 4096) != 4096)
			return -1;
	return close(fd);
}

static int stat_many(void)
{
	char name[32];
	struct stat st;

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "many/f%d", i);
		if (stat(name, &st))
			return -1;
	}
	return 0;
}

static int list_many(void)
{
	DIR *d = opendir("many");
	int count = 0;

	if (!d)
		return -1;
	while (readdir(d))
		count++;
	closedir(d);
	return count == FILES + 2 ? 0 : -1;
}

static int open_many(void)
{
	char name[32];

	for (int i = 0; i < 1000; i++) {
		int fd;

		snprintf(name, sizeof name, "many/f%d", i);
		fd = open(name, O_RDONLY);
		if (fd < 0 || read(fd, buffer, 100) < 0)
			return -1;
		close(fd);
	}
	return 0;
}

static const struct { const char *name; int (*run)(void); } rows[] = {
	{ "share_read_64MiB_1M", read_1m }, { "share_read_64MiB_64K", read_64k }, { "share_read_4MiB_4K", read_4k_of_4m },
	{ "share_stat_10000", stat_many }, { "share_list_10000", list_many }, { "share_open_read_1000", open_many },
};

int main(int argc, char **argv)
{
	if (argc < 2 || chdir(argv[1])) {
		perror(argc > 1 ? argv[1] : "usage: share FOLDER [ROW...]");
		return 2;
	}
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned long long best = ~0ull;
		int wanted = argc == 2;

		for (int k = 2; k < argc; k++)
			wanted |= !strcmp(argv[k], rows[i].name);
		for (int round = 0; wanted && round < ROUNDS; round++) {
			unsigned long long start = now();

			if (rows[i].run()) {
				printf("BENCH name=%s error=failed\n", rows[i].name);
				wanted = 0;
			} else if (now() - start < best) {
				best = now() - start;
			}
		}
		if (wanted)
			printf("BENCH name=%s tsc_med=%llu\n", rows[i].name, best);
		fflush(stdout);
	}
	return 0;
}
