/*
 * bench.c - what common POSIX operations cost, on Keros and on Linux alike.
 *
 * One static program of plain POSIX C that runs unmodified on both; tools/bench starts
 * it on either and sets the figures side by side.
 *
 *   bench [--list] [--no-fork] [--hello PATH] [--dir DIR] [ROW...]
 *
 * Invariants
 *   1. A row prints exactly one line:
 *        BENCH name=ROW iters=N reps=R tsc_med=T     T = rdtsc ticks for one operation
 *        BENCH name=ROW error=TEXT
 *      Under QEMU's -icount shift=0 one tick is one guest instruction.
 *   2. A row runs in a child of its own with an alarm, so that one which dies, or waits
 *      for ever, costs its own line and nothing else.
 *   3. The first repetition warms up and is not counted; the median of the rest is T.
 *   4. Only what lies between clock_start() and clock_stop() is counted.  Both are calls
 *      a row makes itself, since most rows have work to do that is not to be counted.
 *   5. No row allocates with malloc: the heap belongs to grow_heap_page.
 *
 * Rows are in the table at the end; each is a setup, an operation and a teardown.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE        4096
#define MIB         (1 << 20)
#define REGION      (4 * MIB)
#define REGION_PAGES (REGION / PAGE)
#define CHUNK       65536
#define REPS_MAX    15
#define ROW_SECONDS 60
#define PARTNER_SECONDS 100

/* A row's function answers 0, or -1 with errno or `complaint` set. */
struct row {
	const char *name;
	unsigned iters, reps;
	int (*setup)(void);
	int (*run)(unsigned iters);
	void (*teardown)(void);
};

/*
 * What stays resident all the time, and so what fork has to copy: some 3 MiB, with which the
 * peer's fork takes the 408,000 instructions that the project's bar was set by.  The skew keeps
 * a copy from `data` to `other` off the same entries of QEMU's direct-mapped TLB.
 */
static struct {
	char data[MIB];
	char skew[3 * PAGE];
	char other[MIB];
	char rest[MIB + MIB / 16];
} resident;
static char *const data = resident.data, *const other = resident.other;

static const char *hello_path;
static const char *work_dir = "/tmp";
static const char *complaint;
static char file_path[256];
static char new_path[256];

/* ---- the clock -------------------------------------------------------------------- */

static uint64_t ticks_spent, ticks_start;

static inline uint64_t read_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile ("lfence; rdtsc" : "=a"(low), "=d"(high) :: "memory");
	return (uint64_t)high << 32 | low;
}

static inline void clock_start(void)
{
	ticks_start = read_tsc();
}

static inline void clock_stop(void)
{
	ticks_spent += read_tsc() - ticks_start;
}

static int fail(const char *why)
{
	complaint = why;
	return -1;
}

/* ---- kernel calls ------------------------------------------------------------------ */

static int open_fd = -1;

static int run_clock_gettime(unsigned iters)
{
	struct timespec now;

	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (clock_gettime(CLOCK_MONOTONIC, &now))
			return -1;
	clock_stop();
	return 0;
}

static int run_getppid(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++)
		syscall(SYS_getppid);
	clock_stop();
	return 0;
}

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

static void teardown_fd(void)
{
	close(open_fd);
}

static int run_write1(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (write(open_fd, "x", 1) != 1)
			return -1;
	clock_stop();
	return 0;
}

static int run_read1(unsigned iters)
{
	char byte;

	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (read(open_fd, &byte, 1) != 1)
			return -1;
	clock_stop();
	return 0;
}

/* ---- files ------------------------------------------------------------------------- */

/* A file of the work directory with `size` bytes, left open as open_fd. */
static int make_file(size_t size)
{
	snprintf(file_path, sizeof file_path, "%s/bench.file", work_dir);
	open_fd = open(file_path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (open_fd < 0)
		return -1;
	while (size) {
		size_t part = size < MIB ? size : MIB;

		if (write(open_fd, data, part) != (ssize_t)part)
			return -1;
		size -= part;
	}
	return 0;
}

static int setup_small_file(void)  { return make_file(100); }
static int setup_page_file(void)   { return make_file(PAGE); }
static int setup_mib_file(void)    { return make_file(MIB); }
static int setup_region_file(void) { return make_file(REGION); }

static void teardown_file(void)
{
	close(open_fd);
	unlink(file_path);
}

static int run_stat(unsigned iters)
{
	struct stat st;

	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (stat(file_path, &st))
			return -1;
	clock_stop();
	return st.st_size == 100 ? 0 : fail("wrong size");
}

static int run_open_close(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		int fd = open(file_path, O_RDONLY);

		if (fd < 0 || close(fd))
			return -1;
	}
	clock_stop();
	return 0;
}

static int setup_new_path(void)
{
	snprintf(new_path, sizeof new_path, "%s/bench.new", work_dir);
	unlink(new_path);
	return 0;
}

static int run_create_unlink(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		int fd = open(new_path, O_RDWR | O_CREAT | O_EXCL, 0644);

		if (fd < 0 || close(fd) || unlink(new_path))
			return -1;
	}
	clock_stop();
	return 0;
}

static int run_create_write_read_unlink(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		int fd = open(new_path, O_RDWR | O_CREAT | O_EXCL, 0644);

		if (fd < 0 || write(fd, data, PAGE) != PAGE || pread(fd, other, PAGE, 0) != PAGE)
			return -1;
		if (close(fd) || unlink(new_path))
			return -1;
	}
	clock_stop();
	return 0;
}

static int write_at_start(unsigned iters, size_t size)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (pwrite(open_fd, data, size, 0) != (ssize_t)size)
			return -1;
	clock_stop();
	return 0;
}

static int read_at_start(unsigned iters, size_t size)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (pread(open_fd, other, size, 0) != (ssize_t)size)
			return -1;
	clock_stop();
	return 0;
}

static int run_write_page(unsigned iters) { return write_at_start(iters, PAGE); }
static int run_read_page(unsigned iters)  { return read_at_start(iters, PAGE); }
static int run_write_mib(unsigned iters)  { return write_at_start(iters, MIB); }
static int run_read_mib(unsigned iters)   { return read_at_start(iters, MIB); }

/* ---- what must survive a loss of power: run with --dir on a disk, only when asked for by name ---- */

static int setup_big_file(void)    { return make_file(64 * MIB); }

/* One page is changed and made durable. */
static int run_fsync_page(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		data[0]++;
		if (pwrite(open_fd, data, PAGE, (i % 4) * PAGE) != PAGE || fsync(open_fd))
			return -1;
	}
	clock_stop();
	return 0;
}

/* The file grows each time, so its size has to be made durable too. */
static int run_fsync_append(unsigned iters)
{
	off_t end = lseek(open_fd, 0, SEEK_END);

	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		data[0]++;
		if (pwrite(open_fd, data, PAGE, end + i * PAGE) != PAGE || fsync(open_fd))
			return -1;
	}
	clock_stop();
	return 0;
}

/* As many bytes are written over and made durable; none of them is zero, and none stays. */
static int sync_big(unsigned iters, bool writing_counts)
{
	static unsigned char round;

	for (unsigned i = 0; i < iters; i++) {
		memset(data, 1 + round++ % 255, MIB);
		if (writing_counts)
			clock_start();
		for (unsigned at = 0; at < 64; at++)
			if (pwrite(open_fd, data, MIB, (off_t)at * MIB) != MIB)
				return -1;
		if (!writing_counts)
			clock_start();
		if (fsync(open_fd))
			return -1;
		clock_stop();
	}
	return 0;
}

static int run_write_sync_big(unsigned iters) { return sync_big(iters, true); }
static int run_sync_big(unsigned iters)       { return sync_big(iters, false); }

/* ---- a partner process at the other end of two pipes ---------------------------------- */

static int to_partner[2], from_partner[2];
static pid_t partner;

/*
 * Forks a partner that runs `serve` between the two pipes.  It dies with the pipes, and of
 * its own alarm if the row was killed and the partner does not look at them.
 */
static int start_partner(void (*serve)(int in, int out))
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

static void teardown_partner(void)
{
	close(to_partner[1]);
	close(from_partner[0]);
	kill(partner, SIGKILL);
	waitpid(partner, NULL, 0);
}

static bool read_all(int fd, char *to, size_t size)
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
			ssize_t got = read(in, other, left < CHUNK ? left : CHUNK);

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

static int run_pipe_byte(unsigned iters)
{
	char byte = 'x';

	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (write(to_partner[1], &byte, 1) != 1 || read(from_partner[0], &byte, 1) != 1)
			return fail("partner gone");
	clock_stop();
	return 0;
}

static int run_pipe_page(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (write(to_partner[1], data, PAGE) != PAGE || !read_all(from_partner[0], data, PAGE))
			return fail("partner gone");
	clock_stop();
	return 0;
}

static int run_pipe_mib(unsigned iters)
{
	uint32_t mib = iters;
	char byte;

	clock_start();
	if (write(to_partner[1], &mib, sizeof mib) != sizeof mib)
		return -1;
	for (unsigned i = 0; i < iters; i++)
		for (size_t at = 0; at < MIB; at += CHUNK)
			if (write(to_partner[1], data + at, CHUNK) != CHUNK)
				return fail("partner gone");
	if (read(from_partner[0], &byte, 1) != 1)
		return fail("partner gone");
	clock_stop();
	return 0;
}

/* ---- yielding --------------------------------------------------------------------------- */

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

/* ---- processes ---------------------------------------------------------------------------- */

extern char **environ;
static int saved_stdout = -1;

/* hello's output goes nowhere, and setting that up is not part of what is timed. */
static int setup_hello(void)
{
	int null = open("/dev/null", O_WRONLY);

	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	if (null < 0 || saved_stdout < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	close(null);
	return 0;
}

static void teardown_hello(void)
{
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
}

static int wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : fail("child failed");
}

static int run_fork_exit(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (wait_for(child))
			return -1;
	}
	clock_stop();
	return 0;
}

static int run_vfork_exit(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		pid_t child = vfork();

		if (child == 0)
			_exit(0);
		if (wait_for(child))
			return -1;
	}
	clock_stop();
	return 0;
}

static int run_fork_exec(unsigned iters)
{
	char *argv[] = { "hello", NULL };

	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		pid_t child = fork();

		if (child == 0) {
			execve(hello_path, argv, environ);
			_exit(127);
		}
		if (wait_for(child))
			return -1;
	}
	clock_stop();
	return 0;
}

static int run_spawn_exec(unsigned iters)
{
	char *argv[] = { "hello", NULL };

	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		pid_t child;
		int error = posix_spawn(&child, hello_path, NULL, NULL, argv, environ);

		if (error) {
			errno = error;
			return -1;
		}
		if (wait_for(child))
			return -1;
	}
	clock_stop();
	return 0;
}

/* ---- memory --------------------------------------------------------------------------------- */

static char *map_memory(size_t size, int protection)
{
	void *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static inline void touch_pages(volatile char *at, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++)
		at[(size_t)i * PAGE] = 1;
}

/* The rows of a page each count iters in pages, REGION_PAGES at a time. */
static int run_map_touch_unmap(unsigned pages)
{
	clock_start();
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		char *at = map_memory(REGION, PROT_READ | PROT_WRITE);

		if (!at)
			return -1;
		touch_pages(at, REGION_PAGES);
		if (munmap(at, REGION))
			return -1;
	}
	clock_stop();
	return 0;
}

static int run_fault_zero(unsigned pages)
{
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		char *at = map_memory(REGION, PROT_READ | PROT_WRITE);

		if (!at)
			return -1;
		clock_start();
		touch_pages(at, REGION_PAGES);
		clock_stop();
		munmap(at, REGION);
	}
	return 0;
}

static int run_fault_file_read(unsigned pages)
{
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		volatile char *at = mmap(NULL, REGION, PROT_READ, MAP_PRIVATE, open_fd, 0);

		if (at == MAP_FAILED)
			return -1;
		clock_start();
		for (unsigned i = 0; i < REGION_PAGES; i++)
			(void)at[(size_t)i * PAGE];
		clock_stop();
		munmap((void *)at, REGION);
	}
	return 0;
}

static int run_fault_file_write(unsigned pages)
{
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		char *at = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE, open_fd, 0);

		if (at == MAP_FAILED)
			return -1;
		clock_start();
		touch_pages(at, REGION_PAGES);
		clock_stop();
		munmap(at, REGION);
	}
	return 0;
}

static void serve_hold(int in, int out)
{
	char byte;

	(void)out;
	if (read(in, &byte, 1) < 0)
		_exit(1);
}

/* The partner holds the other half of the copied-on-write pages until it is told to go. */
static int run_fault_cow(unsigned pages)
{
	for (unsigned done = 0; done < pages; done += REGION_PAGES) {
		char *at = map_memory(REGION, PROT_READ | PROT_WRITE);

		if (!at)
			return -1;
		touch_pages(at, REGION_PAGES);
		if (start_partner(serve_hold))
			return -1;
		clock_start();
		touch_pages(at, REGION_PAGES);
		clock_stop();
		teardown_partner();
		munmap(at, REGION);
	}
	return 0;
}

static int run_grow_heap(unsigned pages)
{
	uintptr_t start = (syscall(SYS_brk, 0) + PAGE - 1) & -(uintptr_t)PAGE;

	if (syscall(SYS_brk, start) != (long)start)
		return fail("brk refused");
	clock_start();
	for (unsigned i = 0; i < pages; i++) {
		uintptr_t next = start + (uintptr_t)(i + 1) * PAGE;

		if (syscall(SYS_brk, next) != (long)next)
			return fail("brk refused");
		*(volatile char *)(next - PAGE) = 1;
	}
	clock_stop();
	syscall(SYS_brk, start);
	return 0;
}

static int run_map_unmap(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		char *at = map_memory(PAGE, PROT_READ | PROT_WRITE);

		if (!at || munmap(at, PAGE))
			return -1;
	}
	clock_stop();
	return 0;
}

static int run_map_touch_unmap_page(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		char *at = map_memory(PAGE, PROT_READ | PROT_WRITE);

		if (!at)
			return -1;
		*(volatile char *)at = 1;
		if (munmap(at, PAGE))
			return -1;
	}
	clock_stop();
	return 0;
}

static char *guarded;

static int setup_guarded(void)
{
	guarded = map_memory(PAGE, PROT_READ | PROT_WRITE);
	if (!guarded)
		return -1;
	*guarded = 1;
	return 0;
}

static void teardown_guarded(void)
{
	munmap(guarded, PAGE);
}

static int run_protect_pair(unsigned iters)
{
	clock_start();
	for (unsigned i = 0; i < iters; i++) {
		if (mprotect(guarded, PAGE, PROT_READ) || mprotect(guarded, PAGE, PROT_READ | PROT_WRITE))
			return -1;
		*(volatile char *)guarded = 1;
	}
	clock_stop();
	return 0;
}

/* ---- signals ---------------------------------------------------------------------------------- */

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

static int run_signal_install(unsigned iters)
{
	struct sigaction action = { .sa_handler = count_signal };

	clock_start();
	for (unsigned i = 0; i < iters; i++)
		if (sigaction(SIGUSR1, &action, NULL))
			return -1;
	clock_stop();
	return 0;
}

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

/* ---- the table and its running ------------------------------------------------------------------ */

static const struct row rows[] = {
	{ "clock_gettime", 2000, 5, NULL, run_clock_gettime, NULL },
	{ "syscall_getppid", 2000, 5, NULL, run_getppid, NULL },
	{ "syscall_write1_devnull", 1000, 5, setup_devnull, run_write1, teardown_fd },
	{ "syscall_read1_devzero", 1000, 5, setup_devzero, run_read1, teardown_fd },
	{ "syscall_stat", 500, 5, setup_small_file, run_stat, teardown_file },
	{ "syscall_open_close", 500, 5, setup_small_file, run_open_close, teardown_file },
	{ "pipe_rt_1B", 500, 5, setup_echo_byte, run_pipe_byte, teardown_partner },
	{ "pipe_rt_4KiB", 300, 5, setup_echo_page, run_pipe_page, teardown_partner },
	{ "pipe_bw_1MiB", 4, 5, setup_sink, run_pipe_mib, teardown_partner },
	{ "ctxsw_yield_proc", 20000, 5, setup_yield, run_yield, teardown_partner },
	{ "fork_exit_wait", 20, 5, NULL, run_fork_exit, NULL },
	{ "vfork_exit_wait", 50, 5, NULL, run_vfork_exit, NULL },
	{ "fork_exec_wait", 10, 5, setup_hello, run_fork_exec, teardown_hello },
	{ "spawn_exec_wait", 20, 5, setup_hello, run_spawn_exec, teardown_hello },
	{ "mmap_touch_munmap_4MiB_perpage", REGION_PAGES, 5, NULL, run_map_touch_unmap, NULL },
	{ "pagefault_anon_zero", REGION_PAGES, 5, NULL, run_fault_zero, NULL },
	{ "pagefault_file_minor_rd", REGION_PAGES, 5, setup_region_file, run_fault_file_read, teardown_file },
	{ "pagefault_file_minor_wr", REGION_PAGES, 5, setup_region_file, run_fault_file_write, teardown_file },
	{ "pagefault_cow_copy", REGION_PAGES, 5, NULL, run_fault_cow, NULL },
	{ "grow_heap_page", 256, 5, NULL, run_grow_heap, NULL },
	{ "mmap_munmap_page", 300, 5, NULL, run_map_unmap, NULL },
	{ "mmap_touch_munmap_page", 300, 5, NULL, run_map_touch_unmap_page, NULL },
	{ "mprotect_pair_touch", 300, 5, setup_guarded, run_protect_pair, teardown_guarded },
	{ "signal_install", 1000, 5, NULL, run_signal_install, NULL },
	{ "signal_deliver", 500, 5, NULL, run_signal_deliver, NULL },
	{ "fault_to_user_handler", 300, 5, setup_guarded, run_fault_handler, teardown_guarded },
	{ "tmpfs_create_unlink", 200, 5, setup_new_path, run_create_unlink, NULL },
	{ "tmpfs_create_w4k_r4k_unlink", 200, 5, setup_new_path, run_create_write_read_unlink, NULL },
	{ "tmpfs_write_4KiB", 500, 5, setup_page_file, run_write_page, teardown_file },
	{ "tmpfs_read_4KiB", 500, 5, setup_page_file, run_read_page, teardown_file },
	{ "tmpfs_write_1MiB", 10, 5, setup_mib_file, run_write_mib, teardown_file },
	{ "tmpfs_read_1MiB", 10, 5, setup_mib_file, run_read_mib, teardown_file },
	{ "disk_fsync_4KiB", 100, 5, setup_page_file, run_fsync_page, teardown_file },
	{ "disk_fsync_append_4KiB", 100, 5, setup_page_file, run_fsync_append, teardown_file },
	{ "disk_sync_64MiB", 1, 3, setup_big_file, run_sync_big, teardown_file },
	{ "disk_write_sync_64MiB", 1, 3, setup_big_file, run_write_sync_big, teardown_file },
};
#define ROWS (sizeof rows / sizeof *rows)

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
	if (!error && row->run == run_yield)
		error = check_yield();
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

static bool is_wanted(const struct row *row, int argc, char **argv, int first)
{
	for (int i = first; i < argc; i++)
		if (!strcmp(argv[i], row->name))
			return true;
	return first == argc && strncmp(row->name, "disk_", 5);
}

static int usage(const char *program)
{
	fprintf(stderr, "usage: %s [--list] [--no-fork] [--hello PATH] [--dir DIR] [ROW...]\n", program);
	return 2;
}

int main(int argc, char **argv)
{
	bool in_child = true;
	int failed = 0, at = 1;

	signal(SIGPIPE, SIG_IGN);
	find_hello(argv[0]);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "--list")) {
			for (size_t i = 0; i < ROWS; i++)
				puts(rows[i].name);
			return 0;
		}
		if (!strcmp(argv[at], "--no-fork"))
			in_child = false;
		else if (!strcmp(argv[at], "--hello") && at + 1 < argc)
			hello_path = argv[++at];
		else if (!strcmp(argv[at], "--dir") && at + 1 < argc)
			work_dir = argv[++at];
		else
			return usage(argv[0]);
	}
	for (size_t i = 0; i < ROWS; i++)
		if (is_wanted(&rows[i], argc, argv, at))
			failed |= in_child ? row_measure_in_child(&rows[i]) : row_measure(&rows[i]);
	return failed;
}
