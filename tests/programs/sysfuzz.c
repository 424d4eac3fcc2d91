/*
 * sysfuzz.c - random system calls from a process, by the hundred thousand.
 *
 *   sysfuzz --here COUNT SEED
 *
 * A child makes calls until it has made its share or dies; then comes the next, with the
 * following seed.  What a child does to itself is its own affair; the parent must live, and the
 * system with it.  Prints counts and ends with status 0.
 *
 * Left out: calls by which a process may rightly end everything of the sandbox (kill of others), and
 * forks, whose children would go on making calls of their own.  A ticking timer ends calls that wait.
 * --here says that one means it: run by a superuser this does harm to an ordinary system.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHARE       500              /* calls a child makes at most */
#define REPORT_EACH 10
#define REPORT_FD   150
#define PATIENCE_MS 3000
#define PAGE        4096

static uint64_t random_state;
static uint8_t buffer[16 * PAGE] __attribute__((aligned(4096)));

static uint64_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545F4914F6CDD1Dull >> 16;
}

static unsigned random_below(unsigned limit)
{
	return random_bits() % limit;
}

static bool is_left_out(long number)
{
	switch (number) {
	case SYS_exit: case SYS_exit_group: case SYS_fork: case SYS_vfork: case SYS_clone: case SYS_clone3:
	case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo:
	case SYS_reboot: case SYS_pidfd_send_signal: case SYS_ptrace: case SYS_rt_sigreturn:
		return true;
	default:
		return false;
	}
}

/* Calls that mostly wait: they get their turn, but seldom. */
static bool is_slow(long number)
{
	switch (number) {
	case SYS_pause: case SYS_rt_sigsuspend: case SYS_poll: case SYS_ppoll: case SYS_select:
	case SYS_pselect6: case SYS_nanosleep: case SYS_clock_nanosleep: case SYS_futex: case SYS_flock:
	case SYS_rt_sigtimedwait: case SYS_wait4: case SYS_waitid: case SYS_epoll_wait: case SYS_epoll_pwait:
	case SYS_alarm: case SYS_setitimer: case SYS_rt_sigprocmask: case SYS_rt_sigaction: case SYS_sync:
		return true;
	default:
		return false;
	}
}

static long random_number(void)
{
	for (;;) {
		long number = random_below(20) ? random_below(335) : random_below(10) ? 424 + random_below(40)
			: (long)random_bits();

		if (!is_left_out(number) && (!is_slow(number) || random_below(30) == 0))
			return number;
	}
}

static const char *random_path(void)
{
	static const char *const paths[] = {
		"fuzz", "fuzz/a", "fuzz/b", ".", "..", "/", "/dev/null", "/dev/zero", "/proc/self/fd/0", "/proc/self/maps",
		"/bin/busybox", "", "fuzz/../fuzz/./a", "/nowhere/at/all", "/dev/tty", "/proc/self/exe",
	};

	return paths[random_below(sizeof paths / sizeof *paths)];
}

static long random_argument(void)
{
	switch (random_below(14)) {
	case 0: return 0;
	case 1: return -1;
	case 2: return random_below(8);
	case 3: return random_below(24);
	case 4: return 1l << random_below(64);
	case 5: return random_below(8192);
	case 6: return random_bits() << 16 | random_below(65536);
	case 7: return -100;
	case 8: return 0xFFFFFFFF80000000 + random_below(PAGE);
	case 9: return (long)random_path();
	case 10: return (long)&random_argument;
	case 11: return (long)&random_argument + (long)random_below(64) * PAGE;
	default: return (long)(buffer + random_below(sizeof buffer));
	}
}

static void ignore_signal(int number)
{
	(void)number;
}

/* Ticks without SA_RESTART: what waits gets EINTR. */
static void start_ticking(void)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct itimerval each = { { 0, 10000 }, { 0, 10000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
}

static void fuzz(uint64_t seed)
{
	unsigned done = 0;
	int null = open("/dev/null", O_RDWR);

	random_state = seed * 0x9E3779B97F4A7C15ull + 1;
	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	mkdir("fuzz", 0755);
	for (size_t i = 0; i < sizeof buffer; i++)
		buffer[i] = random_below(4) ? 0 : random_bits();
	start_ticking();
	while (done < SHARE) {
		syscall(random_number(), random_argument(), random_argument(), random_argument(),
			random_argument(), random_argument(), random_argument());
		if (++done % REPORT_EACH == 0 && write(REPORT_FD, "", 1) != 1)
			break;
	}
	_exit(0);
}

static unsigned calls_made, children, by_signal, by_watchdog;

/* Takes what reports there are without waiting. */
static void take_reports(int reports)
{
	char bytes[SHARE];
	ssize_t got;

	while ((got = read(reports, bytes, sizeof bytes)) > 0)
		calls_made += got * REPORT_EACH;
}

/* A child may have stopped, or masked, whatever it could: nothing is expected of it but to be killable. */
static void wait_or_kill(pid_t child)
{
	static const struct timespec tick = { 0, 2000000 };
	int status;

	for (unsigned waited = 0; waited < PATIENCE_MS; waited += 2) {
		pid_t found = waitpid(child, &status, WNOHANG);

		if (found == child) {
			by_signal += WIFSIGNALED(status);
			return;
		}
		nanosleep(&tick, NULL);
	}
	by_watchdog++;
	kill(child, SIGKILL);
	while (waitpid(child, &status, 0) != child)
		;
}

int main(int argc, char **argv)
{
	int ends[2], reports;
	unsigned wanted;
	uint64_t seed;

	if (argc != 4 || strcmp(argv[1], "--here")) {
		fprintf(stderr, "usage: sysfuzz --here COUNT SEED\n");
		return 2;
	}
	wanted = strtoul(argv[2], NULL, 0);
	seed = strtoull(argv[3], NULL, 0);
	if (pipe(ends) || dup2(ends[1], REPORT_FD) < 0) {
		perror("pipe");
		return 2;
	}
	reports = dup(ends[0]);
	fcntl(reports, F_SETFL, O_NONBLOCK);
	for (; calls_made < wanted && children < wanted / 5; children++) {
		pid_t child = fork();

		if (child < 0) {
			perror("fork");
			return 2;
		}
		if (child == 0)
			fuzz(seed + children);
		wait_or_kill(child);
		take_reports(reports);
	}
	printf("sysfuzz: %u calls, %u children, %u died of signals, %u had to be killed\n", calls_made, children,
	       by_signal, by_watchdog);
	return calls_made >= wanted ? 0 : 1;
}
