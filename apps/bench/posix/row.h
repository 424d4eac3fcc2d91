/*
 * row.h - what a row of the benchmark is, and what all rows share.
 *
 * A row is a setup, an operation and a teardown.  Each file beside this one holds the rows of a subject in a table
 * that ends with an empty row; main.c gathers the tables and runs them.
 *
 * Rules for a row
 *   1. Its functions answer 0, or -1 with errno set or by way of fail().
 *   2. Only what lies between clock_start() and clock_stop() is counted.  `run` calls both itself, once or more often:
 *      most rows have work to do that is not to be counted.  Where all of it counts, count_each() does that.
 *   3. `run` is called several times between one setup and one teardown, first to warm up.
 *   4. No row allocates with malloc: the heap belongs to grow_heap_page.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../tsc.h"

#define PAGE 4096
#define MIB  (1 << 20)

struct row {
	const char *name;              /* NULL ends a table */
	unsigned iters;                /* operations of one run */
	unsigned reps;                 /* runs that are counted, at most REPS_MAX */
	int (*setup)(void);            /* NULL: nothing to set up; nor to tear down, to check */
	int (*run)(unsigned iters);
	void (*teardown)(void);
	int (*check)(void);            /* whether the operation did what it is named for; after the last run */
};
#define REPS_MAX 15

extern const struct row call_rows[], file_rows[], pipe_rows[], process_rows[], memory_rows[], signal_rows[], tmpfs_rows[],
	disk_rows[];

/*
 * What stays resident all the time, and so what fork has to copy: some 3 MiB, with which the
 * peer's fork takes the 408,000 instructions that the project's bar was set by.  The skew keeps
 * a copy from `data` to `other` off the same entries of QEMU's direct-mapped TLB.
 */
extern struct resident {
	char data[MIB];
	char skew[3 * PAGE];
	char other[MIB];
	char rest[MIB + MIB / 16];
} resident;
static char *const data __attribute__((unused)) = resident.data;
static char *const other __attribute__((unused)) = resident.other;

extern const char *hello_path;         /* the program that fork_exec_wait executes: --hello */
extern const char *work_dir;           /* where files are made: --dir */

/* Says why a row fails, where errno would not; answers -1. */
int fail(const char *why);

extern uint64_t ticks_spent;           /* between clock_start() and clock_stop(), since the run began */
extern uint64_t ticks_start;

static inline void clock_start(void)
{
	ticks_start = read_tsc();
}

static inline void clock_stop(void)
{
	ticks_spent += read_tsc() - ticks_start;
}

/*
 * Counts `iters` times `once`, which answers 0 or -1.  Always inlined, and `once` with it, so that no call of ours is
 * in the figure.
 */
static inline __attribute__((always_inline)) int count_each(unsigned iters, int (*once)(void))
{
	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (once())
			return -1;
	clock_stop();
	return 0;
}

/* A function of the name `run`, for a row of which each operation is `once`. */
#define COUNT_EACH(run, once)           \
	static int run(unsigned iters)  \
	{                               \
		return count_each(iters, once); \
	}

/* ---- a file of the work directory (file.c) ---- */

extern int open_fd;                    /* what a setup opened */
extern char file_path[256];            /* of the file that make_file made */

/* Makes the file with `size_bytes` bytes, left open for reading and writing as open_fd.  0 or -1. */
int make_file(size_t size_bytes);
/* Closes open_fd and removes the file. */
void teardown_file(void);
/* Closes open_fd. */
void teardown_fd(void);

/* ---- a partner process at the other end of two pipes (pipe.c) ---- */

extern int to_partner[2], from_partner[2];
extern int partner;                    /* its process number */

/*
 * Forks a partner that runs `serve` between the two pipes.  It dies with the pipes, and of its own alarm if the row
 * was killed and the partner does not look at them.  0 or -1.
 */
int start_partner(void (*serve)(int in, int out));
/* Ends the partner and waits for it. */
void teardown_partner(void);
/* Reads `size` bytes whole; false at the end of the file or on an error. */
bool read_all(int fd, char *to, size_t size);

/* ---- a page that may be written or not (memory.c) ---- */

extern char *guarded;

int setup_guarded(void);
void teardown_guarded(void);
