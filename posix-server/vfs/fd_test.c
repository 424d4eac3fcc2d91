/*
 * fd_test.c - descriptors, locks, devices, /proc.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c posix-server/record.c */
/* TEST WITH: posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
#include "hosted.h"

static struct proc *you = procs + 1;
#define your(nr, ...) call_as(you, nr, (uint64_t[6]){__VA_ARGS__})

static void test_dup(void **state)
{
	(void)state;
	assert_int_equal(make_file("/f", "abcdef"), 0);
	long fd = call(N_open, us("/f"), 0, 0);
	assert_int_equal(fd, 0);
	assert_int_equal(call(N_dup, 0), 1);
	assert_int_equal(call(N_dup2, 0, 7), 7);
	assert_int_equal(call(N_dup2, 0, 0), 0);
	assert_int_equal(call(N_dup2, 5, 5), -EBADF);
	assert_int_equal(call(N_dup2, 0, 1024), -EBADF);
	assert_int_equal(call(N_dup2, 0, -1), -EBADF);
	assert_int_equal(call(N_dup3, 0, 0, 0), -EINVAL);
	assert_int_equal(call(N_dup3, 0, 8, 1), -EINVAL);
	assert_int_equal(call(N_dup3, 0, 8, K_O_CLOEXEC), 8);
	assert_int_equal(call(N_fcntl, 8, 1), 1);
	assert_int_equal(call(N_fcntl, 0, 0, 3), 3);
	assert_int_equal(call(N_fcntl, 0, 1030, 3), 4);
	assert_int_equal(call(N_fcntl, 4, 1), 1);
	assert_int_equal(call(N_fcntl, 0, 0, 1024), -EINVAL);
	assert_int_equal(call(N_dup, 0), 2);
	assert_int_equal(call(N_read, 7, BUFFER, 2), 2);
	assert_int_equal(call(N_lseek, 1, 0, 1), 2);
	fdtable_cloexec(me->fds);
	assert_int_equal(call(N_fcntl, 8, 1), -EBADF);
	assert_int_equal(call(N_close, 1), 0);
	assert_int_equal(call(N_close, 1), -EBADF);
	assert_int_equal(call(N_dup, 0), 1);
	me->fds->limit = 10;
	for (int i = 0; i < 4; i++)
		assert_true(call(N_dup, 0) >= 0);
	assert_int_equal(call(N_dup, 0), 9);
	assert_int_equal(call(N_dup, 0), -EMFILE);
	assert_int_equal(call(N_open, us("/f"), 0, 0), -EMFILE);
	assert_int_equal(call(N_close_range, 1, ~0u, 0), 0);
	assert_int_equal(call(N_dup, 0), 1);
	assert_int_equal(call(N_close_range, 5, 4, 0), -EINVAL);
	me->fds->limit = 1024;
	for (int i = 2; i < 1024; i++)
		assert_int_equal(call(N_dup, 0), i);
	assert_int_equal(call(N_dup, 0), -EMFILE);
}

static void test_flags(void **state)
{
	(void)state;
	long fd = call(N_open, us("/f"), K_O_CREAT | K_O_EXCL | K_O_APPEND | K_O_CLOEXEC | 2, 0600);
	assert_int_equal(call(N_fcntl, fd, 3), 2 | K_O_APPEND | K_O_LARGEFILE);
	assert_int_equal(call(N_fcntl, fd, 4, K_O_NONBLOCK | 1), 0);
	assert_int_equal(call(N_fcntl, fd, 3), 2 | K_O_NONBLOCK | K_O_LARGEFILE);
	assert_int_equal(call(N_fcntl, fd, 1), 1);
	assert_int_equal(call(N_ioctl, fd, 0x5450), 0);
	assert_int_equal(call(N_fcntl, fd, 1), 0);
	assert_int_equal(call(N_ioctl, fd, 0x5401, BUFFER), -ENOTTY);
	assert_int_equal(call(N_fcntl, fd, 999), -EINVAL);
	long path = call(N_open, us("/f"), K_O_PATH, 0);
	assert_int_equal(call(N_read, path, BUFFER, 1), -EBADF);
	assert_int_equal(call(N_write, path, BUFFER, 1), -EBADF);
	assert_int_equal(call(N_fstat, path, BUFFER), 0);
	assert_int_equal(call(N_fcntl, path, 4, 0), -EBADF);
	assert_int_equal(call(N_fcntl, path, 3), K_O_PATH);
	assert_int_equal(call(N_lseek, path, 0, 0), -EBADF);
	long dir = call(N_open, us("/"), 0, 0);
	assert_int_equal(call(N_read, dir, BUFFER, 1), -EISDIR);
	assert_int_equal(call(N_open, us("/"), 2, 0), -EISDIR);
	assert_int_equal(call(N_open, us("/"), K_O_CREAT, 0600), -EISDIR);
	assert_int_equal(call(N_open, us("/f"), K_O_DIRECTORY, 0), -ENOTDIR);
	assert_int_equal(call(N_read, -1, BUFFER, 1), -EBADF);
	assert_int_equal(call(N_read, 0x7fffffff, BUFFER, 1), -EBADF);
}

static long lock(struct proc *p, long fd, int command, int type, int64_t start, int64_t length)
{
	struct flock_k k = {.type = type, .start = start, .length = length};
	memcpy(MINE + 1024 * p->index, &k, sizeof k);
	return call_as(p, N_fcntl, (uint64_t[6]){fd, command, BUFFER + 1024 * p->index});
}

static void test_record_locks(void **state)
{
	(void)state;
	assert_int_equal(make_file("/f", "x"), 0);
	long a = call(N_open, us("/f"), 2, 0), b = your(N_open, us("/f"), 2, 0);
	assert_int_equal(lock(me, a, 6, 1, 0, 100), 0);
	assert_int_equal(lock(you, b, 6, 0, 50, 10), -EAGAIN);
	assert_int_equal(lock(you, b, 6, 1, 100, 10), 0);
	assert_int_equal(lock(you, b, 5, 1, 0, 0), 0);
	struct flock_k *k = (struct flock_k *)(MINE + 1024);
	assert_int_equal(k->type, 1);
	assert_int_equal(k->start, 0);
	assert_int_equal(k->length, 100);
	assert_int_equal(k->pid, 10);
	/* A hole in the middle splits the range. */
	assert_int_equal(lock(me, a, 6, 2, 40, 20), 0);
	assert_int_equal(lock(you, b, 6, 1, 45, 10), 0);
	assert_int_equal(lock(you, b, 6, 1, 30, 10), -EAGAIN);
	assert_int_equal(lock(you, b, 6, 1, 60, 10), -EAGAIN);
	assert_int_equal(lock(you, b, 7, 1, 60, 10), BLOCKED);
	/* Closing any descriptor of the file lets go of all. */
	long c = call(N_open, us("/f"), 0, 0);
	assert_int_equal(call(N_close, c), 0);
	assert_int_equal(you->state, PROC_RUNNING);
	assert_int_equal(resume(you), 0);
	assert_int_equal(lock(me, a, 5, 1, 0, 0), 0);
	k = (struct flock_k *)MINE;
	assert_int_equal(k->pid, 11);
	assert_int_equal(lock(me, a, 6, 9, 0, 0), -EINVAL);
	assert_int_equal(lock(me, a, 6, 1, -1, 1), -EINVAL);
	long ro = call(N_open, us("/f"), 0, 0);
	assert_int_equal(lock(me, ro, 6, 1, 500, 1), -EBADF);
	assert_int_equal(lock(me, ro, 6, 0, 500, 1), 0);
	assert_int_equal(lock(me, a, 6, 1, 500, 1), 0);               /* one's own never stands in one's way */
	assert_int_equal(lock(me, a, 37, 1, 500, 1), -EAGAIN);        /* but the description is another owner */
}

static void test_flock(void **state)
{
	(void)state;
	assert_int_equal(make_file("/f", "x"), 0);
	long a = call(N_open, us("/f"), 0, 0), b = your(N_open, us("/f"), 0, 0);
	assert_int_equal(call(N_flock, a, 1), 0);
	assert_int_equal(your(N_flock, b, 1), 0);
	assert_int_equal(your(N_flock, b, 2 | 4), -EAGAIN);
	assert_int_equal(your(N_flock, b, 2), BLOCKED);
	assert_int_equal(call(N_close, a), 0);
	assert_int_equal(resume(you), 0);
	assert_int_equal(your(N_flock, b, 3), -EINVAL);
	assert_int_equal(your(N_flock, b, 8), 0);
}

static void test_devices(void **state)
{
	(void)state;
	long null = call(N_open, us("/dev/null"), 2, 0), zero = call(N_open, us("/dev/zero"), 2, 0);
	long full = call(N_open, us("/dev/full"), 2, 0), random = call(N_open, us("/dev/urandom"), 0, 0);
	assert_int_equal(call(N_read, null, BUFFER, 10), 0);
	assert_int_equal(call(N_write, null, 0, 10), 10);
	assert_int_equal(call(N_write, full, 0, 10), -ENOSPC);
	memset(MINE, 'x', 10000);
	assert_int_equal(call(N_read, zero, BUFFER + 1, 9000), 9000);
	assert_int_equal(MINE[0], 'x');
	for (int i = 1; i <= 9000; i++)
		assert_int_equal(MINE[i], 0);
	assert_int_equal(MINE[9001], 'x');
	assert_int_equal(call(N_read, random, BUFFER, 9000), 9000);
	assert_int_equal(call(N_getrandom, BUFFER + 16384, 9000, 0), 9000);
	assert_memory_not_equal(MINE, MINE + 16384, 32);
	long bits = 0;
	for (int i = 0; i < 9000; i++)
		bits += __builtin_popcount((uint8_t)MINE[i]);
	assert_true(bits > 35000 && bits < 37000);
	assert_int_equal(call(N_getrandom, BUFFER, 8, 8), -EINVAL);
	assert_int_equal(call(N_open, us("/dev/tty"), 2, 0), -ENXIO);
	assert_int_equal(call(N_mknod, us("/n"), S_IFCHR | 0666, 0x103), 0);
	assert_true(call(N_open, us("/n"), 2, 0) >= 0);
}

static const char *slurp(const char *path)
{
	long fd = call(N_open, us(path), 0, 0);
	assert_true(fd >= 0);
	long n = call(N_read, fd, BUFFER, 65536);
	assert_true(n >= 0);
	MINE[n] = 0;
	assert_int_equal(call(N_close, fd), 0);
	return MINE;
}

static void test_proc(void **state)
{
	(void)state;
	assert_int_equal(make_file("/f", "text"), 0);
	long fd = call(N_open, us("/f"), 0, 0);
	struct stat st;
	assert_int_equal(call(N_readlink, us("/proc/self"), BUFFER, 64), 2);
	assert_memory_equal(MINE, "10", 2);
	assert_memory_equal(slurp("/proc/self/stat"), "10 (test) R 1 10 10 ", 20);
	assert_non_null(strstr(slurp("/proc/11/status"), "Pid:\t11\n"));
	assert_non_null(strstr(slurp("/proc/meminfo"), "MemTotal:"));
	assert_string_equal(slurp("/proc/sys/kernel/ostype"), "Linux\n");
	assert_int_equal(call(N_open, us("/proc/99/stat"), 0, 0), -ENOENT);
	assert_int_equal(call(N_open, us("/proc/self/stat"), 2, 0), -EACCES);
	assert_int_equal(call(N_open, us("/proc/new"), K_O_CREAT | 1, 0600), -EPERM);
	assert_int_equal(call(N_readlink, us("/proc/self/fd/0"), BUFFER, 64), 2);
	assert_memory_equal(MINE, "/f", 2);
	long again = call(N_open, us("/dev/fd/0"), 0, 0);
	assert_int_equal(call(N_read, again, BUFFER, 10), 4);
	assert_int_equal(call(N_unlink, us("/f")), 0);
	assert_int_equal(call(N_stat, us("/proc/self/fd/0"), BUFFER), 0);
	memcpy(&st, MINE, sizeof st);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(call(N_close, fd), 0);
	assert_int_equal(call(N_stat, us("/proc/self/fd/0"), BUFFER), -ENOENT);
	assert_int_equal(call(N_chdir, us("/proc/self/fd")), 0);
	assert_int_equal(call(N_stat, us("../../11/fd/../stat"), BUFFER), 0);
	assert_int_equal(call(N_getcwd, BUFFER, 64), 12);
	assert_string_equal(MINE, "/proc/10/fd");
	assert_int_equal(call(N_chdir, us("/")), 0);
	fd = call(N_open, us("/proc"), K_O_DIRECTORY, 0);
	long n = call(N_getdents64, fd, BUFFER, 4096);
	bool mine = false, yours = false;
	for (long o = 0; o < n; o += *(uint16_t *)(MINE + o + 16)) {
		mine |= !strcmp(MINE + o + 19, "10");
		yours |= !strcmp(MINE + o + 19, "11");
	}
	assert_true(mine && yours);
	assert_int_equal(call(N_getdents64, fd, BUFFER, 4096), 0);
	assert_int_equal(stat_of("/proc/10").st_ino, stat_of("/proc/10").st_ino);
	assert_true(stat_of("/proc/10").st_ino != stat_of("/proc/11").st_ino);
}

/* What was asked to be durable waits for the store; nothing else does. */
static void test_sync(void **state)
{
	unsigned before = store_syncs;

	(void)state;
	long fd = call(N_open, us("/f"), K_O_CREAT | 2, 0600);
	long durable = call(N_open, us("/f"), K_O_DSYNC | 2, 0);
	assert_int_equal(call(N_write, fd, us("x"), 1), 1);
	assert_int_equal(store_syncs, before);
	assert_int_equal(call(N_write, durable, us("x"), 1), 1);
	assert_int_equal(store_syncs, before + 1);
	assert_int_equal(call(N_fsync, fd), 0);
	assert_int_equal(store_syncs, before + 2);
	assert_int_equal(call(N_fsync, 99), -EBADF);
	assert_int_equal(store_syncs, before + 2);
}

/* Calls, waits for the store, and is called again, as the server does it. */
#define synced(...) ({ unsigned before_ = store_syncs; long r_ = call(__VA_ARGS__); \
		assert_int_equal(r_, BLOCKED); assert_int_equal(store_syncs, before_); \
		r_ = resume(me); assert_int_equal(store_syncs, before_ + 1); r_; })

/* O_DSYNC holds for whatever writes, and what it wrote before it waited is not written again. */
static void test_sync_of_all_writes(void **state)
{
	struct iovec { uint64_t base, length; } vector[2] = { { us("ab"), 2 }, { us("c"), 1 } };
	long from = call(N_open, us("/from"), K_O_CREAT | 2, 0600), to = call(N_open, us("/to"), K_O_CREAT | K_O_DSYNC | 2, 0600);

	(void)state;
	store_waits = true;
	assert_int_equal(call(N_write, from, us("123456"), 6), 6);
	assert_int_equal(call(N_lseek, from, 0, 0), 0);
	memcpy(MINE, vector, sizeof vector);
	assert_int_equal(synced(N_write, to, us("x"), 1), 1);
	assert_int_equal(synced(N_writev, to, BUFFER, 2), 3);
	assert_int_equal(synced(N_sendfile, to, from, 0, 2), 2);
	assert_int_equal(synced(N_copy_file_range, from, 0, to, 0, 1, 0), 1);
	assert_int_equal(call(N_lseek, to, 0, 1), 7);
	assert_int_equal(call(N_lseek, from, 0, 1), 3);
	assert_int_equal(synced(N_pwritev, to, BUFFER, 2, 7, 0), 3);
	assert_int_equal(synced(N_pwrite, to, us("y"), 1, 0), 1);
	assert_int_equal(call(N_pread, to, BUFFER + 64, 100, 0), 10);
	assert_memory_equal(MINE + 64, "yabc123abc", 10);
	assert_int_equal(call(N_write, from, us("z"), 1), 1);
	assert_int_equal(call(N_sync_file_range, from, 0, 10, 0), 0);
	assert_int_equal(synced(N_sync_file_range, from, 0, 10, 7), 0);
	assert_int_equal(call(N_sync_file_range, from, 0, 10, 8), -EINVAL);
	assert_int_equal(call(N_sync_file_range, from, -1, 10, 7), -EINVAL);
	assert_int_equal(call(N_sync_file_range, 99, 0, 10, 7), -EBADF);
	store_waits = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(test_dup), HOSTED_TEST(test_flags), HOSTED_TEST(test_record_locks), HOSTED_TEST(test_flock),
		HOSTED_TEST(test_devices), HOSTED_TEST(test_proc), HOSTED_TEST(test_sync), HOSTED_TEST(test_sync_of_all_writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
