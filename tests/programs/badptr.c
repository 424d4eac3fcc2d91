/*
 * badptr.c - gives bad pointers to every system call that takes one.
 *
 *   badptr [NAME...]
 *
 * Each call of the table is made with each of its pointers bad in each way, the other arguments
 * good.  Any error is an answer, and so is success where a pointer is optional or not looked
 * at; the caller may die of SIGSEGV or SIGBUS of its own (part of a call may be done in its own
 * address space), but not of anything else, and must not hang.  Capital letters in the table
 * must be found out: EFAULT when they point into the kernel.
 *
 * A call's children run one after the other, so that one that dies costs only itself.  Prints a line
 * for each violation, a summary, and ends with status 0 if there was none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define PATIENCE_MS 1000

/*
 * A call's arguments, a letter each:
 *   p  a pointer, tried       P  a pointer that must be found out
 *   q  a pointer to a time, tried; NULL would wait for ever
 *   s  a path, tried          S  a path that must be found out
 *   f  a file descriptor open for reading and writing      d  AT_FDCWD      i  stdin's pipe
 *   n  64      8  8 (the size of a signal set)             0  1  2  9      that number
 *   g  SIGUSR1
 */
struct call {
	int number;
	const char *name, *arguments;
};

static const struct call calls[] = {
	{ SYS_read, "read", "fPn" },
	{ SYS_write, "write", "fPn" },
	{ SYS_open, "open", "S00" },
	{ SYS_stat, "stat", "Sp" },
	{ SYS_fstat, "fstat", "fP" },
	{ SYS_lstat, "lstat", "Sp" },
	{ SYS_poll, "poll", "P10" },
	{ SYS_rt_sigaction, "rt_sigaction", "gPP8" },
	{ SYS_rt_sigprocmask, "rt_sigprocmask", "0PP8" },
	{ SYS_ioctl, "ioctl", "fnp" },
	{ SYS_pread64, "pread64", "fPn0" },
	{ SYS_pwrite64, "pwrite64", "fPn0" },
	{ SYS_readv, "readv", "fP2" },
	{ SYS_writev, "writev", "fP2" },
	{ SYS_access, "access", "S0" },
	{ SYS_pipe, "pipe", "P" },
	{ SYS_select, "select", "9pppq" },
	{ SYS_nanosleep, "nanosleep", "Pp" },
	{ SYS_getitimer, "getitimer", "0P" },
	{ SYS_setitimer, "setitimer", "1Pp" },
	{ SYS_sendfile, "sendfile", "ffPn" },
	{ SYS_execve, "execve", "Spp" },
	{ SYS_wait4, "wait4", "0p1p" },
	{ SYS_uname, "uname", "P" },
	{ SYS_getdents64, "getdents64", "fpn" },
	{ SYS_getcwd, "getcwd", "Pn" },
	{ SYS_chdir, "chdir", "S" },
	{ SYS_rename, "rename", "SS" },
	{ SYS_mkdir, "mkdir", "S0" },
	{ SYS_rmdir, "rmdir", "S" },
	{ SYS_creat, "creat", "S0" },
	{ SYS_link, "link", "Ss" },
	{ SYS_unlink, "unlink", "S" },
	{ SYS_symlink, "symlink", "SS" },
	{ SYS_readlink, "readlink", "Spn" },
	{ SYS_chmod, "chmod", "S0" },
	{ SYS_chown, "chown", "S00" },
	{ SYS_lchown, "lchown", "S00" },
	{ SYS_gettimeofday, "gettimeofday", "Pp" },
	{ SYS_getrlimit, "getrlimit", "0P" },
	{ SYS_getrusage, "getrusage", "0P" },
	{ SYS_sysinfo, "sysinfo", "P" },
	{ SYS_times, "times", "p" },
	{ SYS_getgroups, "getgroups", "np" },
	{ SYS_rt_sigpending, "rt_sigpending", "P8" },
	{ SYS_rt_sigtimedwait, "rt_sigtimedwait", "Ppq8" },
	{ SYS_sigaltstack, "sigaltstack", "Pp" },
	{ SYS_utime, "utime", "Sp" },
	{ SYS_mknod, "mknod", "S00" },
	{ SYS_statfs, "statfs", "Sp" },
	{ SYS_fstatfs, "fstatfs", "fP" },
	{ SYS_prctl, "prctl", "9p000" },
	{ SYS_arch_prctl, "arch_prctl", "np" },
	{ SYS_setrlimit, "setrlimit", "0P" },
	{ SYS_truncate, "truncate", "S0" },
	{ SYS_time, "time", "p" },
	{ SYS_futex, "futex", "p10ppp" },
	{ SYS_sched_getaffinity, "sched_getaffinity", "0np" },
	{ SYS_clock_gettime, "clock_gettime", "1P" },
	{ SYS_clock_getres, "clock_getres", "1p" },
	{ SYS_clock_nanosleep, "clock_nanosleep", "10Pp" },
	{ SYS_utimes, "utimes", "Sp" },
	{ SYS_waitid, "waitid", "00p9p" },
	{ SYS_openat, "openat", "dS00" },
	{ SYS_mkdirat, "mkdirat", "dS0" },
	{ SYS_mknodat, "mknodat", "dS00" },
	{ SYS_fchownat, "fchownat", "dS000" },
	{ SYS_futimesat, "futimesat", "dSp" },
	{ SYS_newfstatat, "newfstatat", "dSp0" },
	{ SYS_unlinkat, "unlinkat", "dS0" },
	{ SYS_renameat, "renameat", "dSdS" },
	{ SYS_linkat, "linkat", "dSds0" },
	{ SYS_symlinkat, "symlinkat", "SdS" },
	{ SYS_readlinkat, "readlinkat", "dSpn" },
	{ SYS_fchmodat, "fchmodat", "dS0" },
	{ SYS_faccessat, "faccessat", "dS0" },
	{ SYS_pselect6, "pselect6", "9pppqp" },
	{ SYS_ppoll, "ppoll", "P1qp8" },
	{ SYS_set_robust_list, "set_robust_list", "pn" },
	{ SYS_utimensat, "utimensat", "dSp0" },
	{ SYS_pipe2, "pipe2", "P0" },
	{ SYS_preadv, "preadv", "fP20" },
	{ SYS_pwritev, "pwritev", "fP20" },
	{ SYS_prlimit64, "prlimit64", "00PP" },
	{ SYS_renameat2, "renameat2", "dSdS0" },
	{ SYS_getrandom, "getrandom", "Pn0" },
	{ SYS_copy_file_range, "copy_file_range", "fpfpn0" },
	{ SYS_statx, "statx", "dS0np" },
	{ SYS_rseq, "rseq", "pn00" },
	{ SYS_clone3, "clone3", "pn" },
	{ SYS_faccessat2, "faccessat2", "dS00" },
	{ SYS_mremap, "mremap", "pn00" },
	{ SYS_munmap, "munmap", "pn" },
	{ SYS_mprotect, "mprotect", "pn1" },
	{ SYS_madvise, "madvise", "pn9" },
	{ SYS_msync, "msync", "pn0" },
	{ SYS_brk, "brk", "p" },
	{ SYS_set_tid_address, "set_tid_address", "p" },
	{ SYS_mmap, "mmap", "pn12f0" },
};
#define CALLS (sizeof calls / sizeof *calls)

/* A user address that nothing is mapped at, and the last bytes of a page before it. */
static uintptr_t hole, edge, read_only_edge;

enum bad { BAD_NULL, BAD_KERNEL, BAD_NO_CANONICAL, BAD_HOLE, BAD_EDGE, BAD_READ_ONLY_EDGE, BAD_LAST, BADS };
static const char *const bad_name[BADS] = {
	"NULL", "kernel", "non-canonical", "unmapped", "edge", "read-only edge", "last"
};

static uintptr_t bad_pointer(enum bad bad)
{
	switch (bad) {
	case BAD_NULL: return 0;
	case BAD_KERNEL: return 0xFFFFFFFF80001000;
	case BAD_NO_CANONICAL: return 0x0000800000000000;
	case BAD_HOLE: return hole;
	case BAD_EDGE: return edge;
	case BAD_READ_ONLY_EDGE: return read_only_edge;
	default: return ~(uintptr_t)0 - 2;
	}
}

static void make_holes(void)
{
	char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	memset(at, 'x', 4 * PAGE);
	munmap(at + PAGE, PAGE);
	munmap(at + 3 * PAGE, PAGE);
	mprotect(at + 2 * PAGE, PAGE, PROT_READ);
	hole = (uintptr_t)at + PAGE;
	edge = hole - 3;
	read_only_edge = (uintptr_t)at + 3 * PAGE - 3;
}

static int scratch_fd;
static union { char path[PAGE]; uint64_t words[PAGE / 8]; } buffer[6];

static bool is_pointer(char letter)
{
	return letter == 'p' || letter == 'q' || letter == 'P' || letter == 's' || letter == 'S';
}

static long argument_value(char letter, unsigned position)
{
	switch (letter) {
	case 'p': case 'q': case 'P':
		return (long)memset(&buffer[position], 0, sizeof buffer[position]);
	case 's': case 'S':
		snprintf(buffer[position].path, PAGE, "badptr.%u", position);
		return (long)&buffer[position];
	case 'f': return scratch_fd;
	case 'd': return AT_FDCWD;
	case 'n': return 64;
	case 'g': return SIGUSR1;
	default: return letter - '0';
	}
}

/* Makes the call in a child; the child's status, or -1 if it hung.  A child tells EFAULT by status 1. */
static int make_call(const struct call *call, unsigned which, enum bad bad)
{
	static const struct timespec tick = { 0, 1000000 };
	long value[6] = { 0 };
	int status;
	pid_t child = fork();

	if (child < 0) {
		perror("fork");
		exit(2);
	}
	if (child == 0) {
		for (unsigned i = 0; call->arguments[i]; i++)
			value[i] = argument_value(call->arguments[i], i);
		value[which] = bad_pointer(bad);
		long result = syscall(call->number, value[0], value[1], value[2], value[3], value[4], value[5]);
		_exit(result == -1 && errno == EFAULT ? 1 : result == -1 ? 2 : 0);
	}
	for (unsigned waited = 0; waited < PATIENCE_MS; waited++) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		if (waited < 20)
			sched_yield();
		else
			nanosleep(&tick, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return -1;
}

static unsigned made, faults, errors, successes, own_signals, violations;

static void judge(const struct call *call, unsigned which, enum bad bad, int status)
{
	bool strict = call->arguments[which] == 'P' || call->arguments[which] == 'S';
	const char *what = NULL;

	made++;
	if (status == -1) {
		what = "hangs";
	} else if (WIFSIGNALED(status)) {
		own_signals++;
		if (WTERMSIG(status) != SIGSEGV && WTERMSIG(status) != SIGBUS)
			what = "is killed by another signal";
	} else if (WEXITSTATUS(status) == 1) {
		faults++;
	} else {
		if (WEXITSTATUS(status) == 0)
			successes++;
		else
			errors++;
		if (strict && bad == BAD_KERNEL)
			what = WEXITSTATUS(status) == 0 ? "succeeds" : "has another error";
	}
	if (what) {
		printf("%s, argument %u %s: %s\n", call->name, which, bad_name[bad], what);
		violations++;
	}
}

static bool is_wanted(const struct call *call, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], call->name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	make_holes();
	scratch_fd = open("scratch", O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (scratch_fd < 0 || ftruncate(scratch_fd, PAGE)) {
		perror("scratch");
		return 2;
	}
	for (size_t i = 0; i < CALLS; i++)
		for (unsigned which = 0; is_wanted(&calls[i], argc, argv) && calls[i].arguments[which]; which++)
			for (int bad = 0; is_pointer(calls[i].arguments[which]) && bad < BADS; bad++)
				if (bad != BAD_NULL || calls[i].arguments[which] != 'q')
					judge(&calls[i], which, bad, make_call(&calls[i], which, bad));
	unlink("scratch");
	printf("%u calls: %u EFAULT, %u other errors, %u successes, %u own signals\n", made, faults, errors,
	       successes, own_signals);
	puts(violations ? "badptr: failed" : "badptr: survived");
	return violations != 0;
}
