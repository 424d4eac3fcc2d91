/*
 * call.c - rows: calls that do next to nothing, so that the way into the system and back is what they cost.
 */
#define _GNU_SOURCE
#include "row.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int clock_gettime_once(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_MONOTONIC, &now);
}
COUNT_EACH(run_clock_gettime, clock_gettime_once)

static int getppid_once(void)
{
	syscall(SYS_getppid);
	return 0;
}
COUNT_EACH(run_getppid, getppid_once)

static int setup_devnull(void)
{
	open_fd = open("/dev/null", O_WRONLY);
	return open_fd < 0 ? -1 : 0;
}

static int setup_devzero(void)
{
	open_fd = open("/dev/zero", O_RDONLY);
	return open_fd < 0 ? -1 : 0;
}

static int write_byte_once(void)
{
	return write(open_fd, "x", 1) == 1 ? 0 : -1;
}
COUNT_EACH(run_write_byte, write_byte_once)

static int read_byte_once(void)
{
	char byte;

	return read(open_fd, &byte, 1) == 1 ? 0 : -1;
}
COUNT_EACH(run_read_byte, read_byte_once)

const struct row call_rows[] = {
	{ "clock_gettime", 2000, 5, NULL, run_clock_gettime, NULL, NULL },
	{ "syscall_getppid", 2000, 5, NULL, run_getppid, NULL, NULL },
	{ "syscall_write1_devnull", 1000, 5, setup_devnull, run_write_byte, teardown_fd, NULL },
	{ "syscall_read1_devzero", 1000, 5, setup_devzero, run_read_byte, teardown_fd, NULL },
	{ 0 },
};
