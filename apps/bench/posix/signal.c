/*
 * signal.c - rows: a handler installed, called, and called for a fault that it mends.
 */
#define _GNU_SOURCE
#include "row.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static volatile unsigned signals_seen;

static void count_signal(int signal_number)
{
	(void)signal_number;
	signals_seen++;
}

static void allow_write(int signal_number)
{
	(void)signal_number;
	signals_seen++;
	if (mprotect(guarded, PAGE, PROT_READ | PROT_WRITE))
		_exit(1);
}

static int signal_install_once(void)
{
	static const struct sigaction action = { .sa_handler = count_signal };

	return sigaction(SIGUSR1, &action, NULL);
}
COUNT_EACH(run_signal_install, signal_install_once)

static int run_signal_deliver(unsigned iters)
{
	struct sigaction action = { .sa_handler = count_signal };
	pid_t self = getpid();

	if (sigaction(SIGUSR1, &action, NULL))
		return -1;
	signals_seen = 0;
	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (kill(self, SIGUSR1))
			return -1;
	clock_stop();
	return signals_seen == iters ? 0 : fail("signals lost");
}

/* A write to a read-only page, whose handler gives the right, and the taking away of it again. */
static int run_fault_handler(unsigned iters)
{
	struct sigaction action = { .sa_handler = allow_write };

	if (sigaction(SIGSEGV, &action, NULL))
		return -1;
	signals_seen = 0;
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		if (mprotect(guarded, PAGE, PROT_READ))
			return -1;
		*(volatile char *)guarded = 1;
	}
	clock_stop();
	signal(SIGSEGV, SIG_DFL);
	return signals_seen == iters ? 0 : fail("faults lost");
}

const struct row signal_rows[] = {
	{ "signal_install", 1000, 5, NULL, run_signal_install, NULL, NULL },
	{ "signal_deliver", 500, 5, NULL, run_signal_deliver, NULL, NULL },
	{ "fault_to_user_handler", 300, 5, setup_guarded, run_fault_handler, teardown_guarded, NULL },
	{ 0 },
};
