/*
 * main.c - what common POSIX operations cost, on Keros and on Linux alike.
 *
 * One static program of plain POSIX C that runs unmodified on both; tools/bench starts
 * it on either and sets the figures side by side.
 *
 *   bench [--list] [--no-fork] [--hello PATH] [--dir DIR] [ROW...]
 *
 * Invariants
 *   1. A row (row.h) prints exactly one line:
 *        BENCH name=ROW iters=N reps=R tsc_med=T     T = ticks (tsc.h) for one operation
 *        BENCH name=ROW error=TEXT
 *   2. A row runs in a child of its own with an alarm, so that one which dies, or waits
 *      for ever, costs its own line and nothing else.
 *   3. The first repetition warms up and is not counted; the median of the rest is T.
 */
#define _GNU_SOURCE
#include "row.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROW_SECONDS 60

/* All rows, subject by subject, in the order in which they run. */
static const struct {
	const struct row *rows;
	bool on_request;               /* they run only when they are named */
} subjects[] = {
	{ call_rows, false }, { file_rows, false }, { pipe_rows, false }, { process_rows, false }, { memory_rows, false },
	{ signal_rows, false }, { tmpfs_rows, false }, { disk_rows, true },
};
#define SUBJECTS (sizeof subjects / sizeof *subjects)

struct resident resident;
const char *hello_path;
const char *work_dir = "/tmp";
uint64_t ticks_spent, ticks_start;

static const char *complaint;          /* of fail(); NULL: errno says it */

int fail(const char *why)
{
	complaint = why;
	return -1;
}

static int compare_ticks(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int print_error(const struct row *row, const char *text)
{
	printf("BENCH name=%s error=%s\n", row->name, text);
	fflush(stdout);
	return 1;
}

static int print_failure(const struct row *row)
{
	return print_error(row, complaint ? complaint : strerror(errno));
}

/* Runs a row in this process and prints its line; 0 if it went well. */
static int row_measure(const struct row *row)
{
	uint64_t ticks[REPS_MAX];
	int error;

	complaint = NULL;
	if (row->setup && row->setup())
		return print_failure(row);
	error = row->run(row->iters);
	for (unsigned rep = 0; !error && rep < row->reps; rep++) {
		ticks_spent = 0;
		error = row->run(row->iters);
		ticks[rep] = (ticks_spent + row->iters / 2) / row->iters;
	}
	if (!error && row->check)
		error = row->check();
	if (error && !complaint)
		complaint = strerror(errno);
	if (row->teardown)
		row->teardown();
	if (error)
		return print_failure(row);
	qsort(ticks, row->reps, sizeof *ticks, compare_ticks);
	printf("BENCH name=%s iters=%u reps=%u tsc_med=%llu\n", row->name, row->iters, row->reps,
	       (unsigned long long)ticks[row->reps / 2]);
	fflush(stdout);
	return 0;
}

/* The same in a child.  Where there is no fork at all, in this process after all. */
static int row_measure_in_child(const struct row *row)
{
	char text[32];
	int status;
	pid_t child = fork();

	if (child < 0)
		return row_measure(row);
	if (child == 0) {
		alarm(ROW_SECONDS);
		/* Resident from here on, as a program of some size is when it forks. */
		memset(&resident, 'r', sizeof resident);
		_exit(row_measure(row));
	}
	if (waitpid(child, &status, 0) != child)
		return print_error(row, strerror(errno));
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
		return print_error(row, WTERMSIG(status) == SIGALRM ? "too slow" : text);
	}
	return WEXITSTATUS(status);
}

/* hello lies beside this program unless --hello says otherwise. */
static void find_hello(const char *program)
{
	static char path[256];
	const char *slash = strrchr(program, '/');

	if (slash)
		snprintf(path, sizeof path, "%.*s/hello", (int)(slash - program), program);
	else
		snprintf(path, sizeof path, "/bench/hello");
	hello_path = path;
}

static bool is_named(const struct row *row, char **names)
{
	for (; *names; names++)
		if (!strcmp(*names, row->name))
			return true;
	return false;
}

static int list_rows(void)
{
	for (size_t i = 0; i < SUBJECTS; i++)
		for (const struct row *row = subjects[i].rows; row->name; row++)
			puts(row->name);
	return 0;
}

/* Runs the rows of those names, or all that need not be asked for if there is no name; 0 if all went well. */
static int measure_rows(char **names, int (*measure)(const struct row *row))
{
	int failed = 0;

	for (size_t i = 0; i < SUBJECTS; i++)
		for (const struct row *row = subjects[i].rows; row->name; row++)
			if (*names ? is_named(row, names) : !subjects[i].on_request)
				failed |= measure(row);
	return failed;
}

static int usage(const char *program)
{
	fprintf(stderr, "usage: %s [--list] [--no-fork] [--hello PATH] [--dir DIR] [ROW...]\n", program);
	return 2;
}

int main(int argc, char **argv)
{
	int (*measure)(const struct row *row) = row_measure_in_child;
	int at = 1;

	signal(SIGPIPE, SIG_IGN);
	find_hello(argv[0]);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "--list"))
			return list_rows();
		if (!strcmp(argv[at], "--no-fork"))
			measure = row_measure;
		else if (!strcmp(argv[at], "--hello") && at + 1 < argc)
			hello_path = argv[++at];
		else if (!strcmp(argv[at], "--dir") && at + 1 < argc)
			work_dir = argv[++at];
		else
			return usage(argv[0]);
	}
	return measure_rows(argv + at, measure);
}
