/*
 * pipe.c - rows: two processes that talk through pipes, or yield to each other.
 *
 * The partner of a row is forked by its setup and serves until the pipes close; other subjects use it too (row.h).
 */
#define _GNU_SOURCE
#include "row.h"
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK_BYTES     65536
#define PARTNER_SECONDS 100

int to_partner[2], from_partner[2];
pid_t partner;

int start_partner(void (*serve)(int in, int out))
{
	if (pipe(to_partner) || pipe(from_partner))
		return -1;
	partner = fork();
	if (partner < 0)
		return -1;
	if (partner == 0) {
		alarm(PARTNER_SECONDS);
		close(to_partner[1]);
		close(from_partner[0]);
		serve(to_partner[0], from_partner[1]);
		_exit(0);
	}
	close(to_partner[0]);
	close(from_partner[1]);
	return 0;
}

void teardown_partner(void)
{
	close(to_partner[1]);
	close(from_partner[0]);
	kill(partner, SIGKILL);
	waitpid(partner, NULL, 0);
}

bool read_all(int fd, char *to, size_t size)
{
	while (size) {
		ssize_t got = read(fd, to, size);

		if (got <= 0)
			return false;
		to += got;
		size -= got;
	}
	return true;
}

static void serve_echo_byte(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1)
		;
}

static void serve_echo_page(int in, int out)
{
	while (read_all(in, other, PAGE) && write(out, other, PAGE) == PAGE)
		;
}

/* Swallows whole MiB, and answers a byte for each `go` byte that closes a batch. */
static void serve_sink(int in, int out)
{
	char batch[4];
	uint32_t mib;

	while (read_all(in, batch, sizeof batch)) {
		memcpy(&mib, batch, sizeof mib);
		for (uint64_t left = (uint64_t)mib * MIB; left;) {
			ssize_t got = read(in, other, left < CHUNK_BYTES ? left : CHUNK_BYTES);

			if (got <= 0)
				return;
			left -= got;
		}
		if (write(out, "d", 1) != 1)
			return;
	}
}

static int setup_echo_byte(void) { return start_partner(serve_echo_byte); }
static int setup_echo_page(void) { return start_partner(serve_echo_page); }
static int setup_sink(void)      { return start_partner(serve_sink); }

static int pipe_byte_once(void)
{
	char byte = 'x';

	return write(to_partner[1], &byte, 1) == 1 && read(from_partner[0], &byte, 1) == 1 ? 0 : fail("partner gone");
}
COUNT_EACH(run_pipe_byte, pipe_byte_once)

static int pipe_page_once(void)
{
	return write(to_partner[1], data, PAGE) == PAGE && read_all(from_partner[0], data, PAGE) ? 0 : fail("partner gone");
}
COUNT_EACH(run_pipe_page, pipe_page_once)

static int run_pipe_mib(unsigned iters)
{
	uint32_t mib = iters;
	char byte;

	clock_start();
	if (write(to_partner[1], &mib, sizeof mib) != sizeof mib)
		return -1;
	for (unsigned i = 0; i < iters; i++)
		for (size_t at = 0; at < MIB; at += CHUNK_BYTES)
			if (write(to_partner[1], data + at, CHUNK_BYTES) != CHUNK_BYTES)
				return fail("partner gone");
	if (read(from_partner[0], &byte, 1) != 1)
		return fail("partner gone");
	clock_stop();
	return 0;
}

/* ---- yielding ---- */

/* A fair scheduler lets the older process catch up first, and switches at each yield only then. */
#define YIELDS_TO_SETTLE 8000

static volatile uint64_t yields_of_partner;
static volatile int yield_report_fd;
static uint64_t yields_of_ours;

static void report_yields(int signal_number)
{
	uint64_t count = yields_of_partner;

	(void)signal_number;
	if (write(yield_report_fd, &count, sizeof count) != sizeof count)
		_exit(1);
	_exit(0);
}

static void serve_yield(int in, int out)
{
	(void)in;
	yield_report_fd = out;
	signal(SIGTERM, report_yields);
	if (write(out, "r", 1) != 1)
		return;
	for (;;) {
		sched_yield();
		yields_of_partner++;
	}
}

static int setup_yield(void)
{
	char byte;

	yields_of_ours = 0;
	if (start_partner(serve_yield))
		return -1;
	if (read(from_partner[0], &byte, 1) != 1)
		return fail("partner gone");
	for (unsigned i = 0; i < YIELDS_TO_SETTLE; i++)
		sched_yield();
	return 0;
}

/* Each yield of ours is a switch there, and the partner's yield the switch back. */
static int run_yield(unsigned switches)
{
	clock_start();
	for (unsigned i = 0; i < switches / 2; i++)
		sched_yield();
	clock_stop();
	yields_of_ours += switches / 2;
	return 0;
}

/* A system whose sched_yield does not switch would look splendid: ask the partner how often it ran. */
static int check_yield(void)
{
	uint64_t count = 0;

	kill(partner, SIGTERM);
	if (!read_all(from_partner[0], (char *)&count, sizeof count))
		return fail("partner gone");
	return count * 10 >= yields_of_ours * 9 ? 0 : fail("yield does not switch");
}

const struct row pipe_rows[] = {
	{ "pipe_rt_1B", 500, 5, setup_echo_byte, run_pipe_byte, teardown_partner, NULL },
	{ "pipe_rt_4KiB", 300, 5, setup_echo_page, run_pipe_page, teardown_partner, NULL },
	{ "pipe_bw_1MiB", 4, 5, setup_sink, run_pipe_mib, teardown_partner, NULL },
	{ "ctxsw_yield_proc", 20000, 5, setup_yield, run_yield, teardown_partner, check_yield },
	{ 0 },
};
