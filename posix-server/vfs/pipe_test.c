/*
 * pipe_test.c - pipes, FIFOs, poll and select: what blocks, what wakes, what is atomic.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c posix-server/record.c */
/* TEST WITH: posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
#include "hosted.h"

static struct proc *you = procs + 1;
#define your(nr, ...) call_as(you, nr, (uint64_t[6]){__VA_ARGS__})

static int ends[2];

static void pipe_make(uint32_t flags)
{
	assert_int_equal(call(N_pipe2, BUFFER, flags), 0);
	memcpy(ends, MINE, sizeof ends);
}

/* The other process has the same descriptors, as after fork. */
static void share(void)
{
	fdtable_put(you->fds);
	you->fds = fdtable_copy(me->fds);
}

static void test_ends(void **state)
{
	(void)state;
	pipe_make(0);
	assert_int_equal(call(N_read, ends[1], BUFFER, 1), -EBADF);
	assert_int_equal(call(N_write, ends[0], BUFFER, 1), -EBADF);
	assert_int_equal(call(N_lseek, ends[0], 0, 0), -ESPIPE);
	assert_int_equal(call(N_pread, ends[0], BUFFER, 1, 0), -ESPIPE);
	assert_int_equal(call(N_write, ends[1], us("abc"), 3), 3);
	assert_int_equal(call(N_ioctl, ends[0], 0x541B, BUFFER), 0);
	assert_int_equal(*(int *)MINE, 3);
	assert_int_equal(call(N_read, ends[0], BUFFER, 2), 2);
	assert_int_equal(call(N_close, ends[1]), 0);
	assert_int_equal(call(N_read, ends[0], BUFFER, 9), 1);
	assert_int_equal(call(N_read, ends[0], BUFFER, 9), 0);
	pipe_make(0);
	assert_int_equal(call(N_close, ends[0]), 0);
	assert_int_equal(call(N_write, ends[1], us("x"), 1), -EPIPE);
	assert_int_equal(last_signal, K_SIGPIPE);
	assert_int_equal(call(N_write, ends[1], us("x"), 0), 0);
}

static void test_blocking(void **state)
{
	(void)state;
	pipe_make(0);
	share();
	assert_int_equal(your(N_read, ends[0], BUFFER + 4096, 10), BLOCKED);
	assert_int_equal(you->state, PROC_PARKED);
	assert_int_equal(call(N_write, ends[1], us("hello"), 5), 5);
	assert_int_equal(you->state, PROC_RUNNING);
	assert_int_equal(resume(you), 5);
	assert_memory_equal(MINE + 4096, "hello", 5);
	/* A signal takes a reader out. */
	assert_int_equal(your(N_read, ends[0], BUFFER, 10), BLOCKED);
	you->interrupted = true;
	assert_int_equal(resume(you), -EINTR);
	/* A large write goes on where it was, however often it blocks. */
	for (int i = 0; i < 200000; i++)
		MINE[i] = i % 251;
	assert_int_equal(your(N_write, ends[1], BUFFER, 200000), BLOCKED);
	long got = 0, n, finished = BLOCKED;
	while (got < 200000) {
		n = call(N_read, ends[0], BUFFER + 300000, 10000);
		assert_true(n > 0);
		for (long i = 0; i < n; i++)
			assert_int_equal((uint8_t)MINE[300000 + i], (got + i) % 251);
		got += n;
		if (finished == BLOCKED && you->state == PROC_RUNNING)
			finished = resume(you);
	}
	assert_int_equal(finished, 200000);
	/* Interrupted half way: what went in counts. */
	assert_int_equal(your(N_write, ends[1], BUFFER, 200000), BLOCKED);
	you->interrupted = true;
	assert_int_equal(resume(you), 65536);
}

static void test_atomic(void **state)
{
	(void)state;
	pipe_make(K_O_NONBLOCK);
	assert_int_equal(call(N_read, ends[0], BUFFER, 1), -EAGAIN);
	assert_int_equal(call(N_write, ends[1], BUFFER, 65536 - 4095), 65536 - 4095);
	assert_int_equal(call(N_write, ends[1], BUFFER, 4096), -EAGAIN);
	assert_int_equal(call(N_write, ends[1], BUFFER, 4097), 4095);
	assert_int_equal(call(N_write, ends[1], BUFFER, 1), -EAGAIN);
	assert_int_equal(call(N_read, ends[0], BUFFER, 4095), 4095);
	struct { uint64_t base, length; } v[2] = {{BUFFER, 4000}, {BUFFER, 96}};
	memcpy(MINE, v, sizeof v);
	assert_int_equal(call(N_writev, ends[1], BUFFER, 2), -EAGAIN);
	assert_int_equal(call(N_read, ends[0], BUFFER + 8192, 1), 1);
	memcpy(MINE, v, sizeof v);
	assert_int_equal(call(N_writev, ends[1], BUFFER, 2), 4096);
}

static void test_vector_blocks_between_parts(void **state)
{
	(void)state;
	pipe_make(0);
	share();
	memset(MINE, 'a', 60000);
	memset(MINE + 60000, 'b', 60000);
	struct { uint64_t base, length; } v[2] = {{BUFFER, 60000}, {BUFFER + 60000, 60000}};
	memcpy(MINE + 200000, v, sizeof v);
	assert_int_equal(your(N_writev, ends[1], BUFFER + 200000, 2), BLOCKED);
	long got = 0, as = 0, finished = BLOCKED;
	while (got < 120000) {
		long n = call(N_read, ends[0], BUFFER + 300000, 7000);
		assert_true(n > 0);
		for (long i = 0; i < n; i++)
			as += MINE[300000 + i] == 'a';
		got += n;
		if (finished == BLOCKED && you->state == PROC_RUNNING)
			finished = resume(you);
	}
	assert_int_equal(finished, 120000);
	assert_int_equal(as, 60000);
}

static void test_fifo(void **state)
{
	(void)state;
	assert_int_equal(call(N_mknod, us("/f"), S_IFIFO | 0666, 0), 0);
	assert_int_equal(call(N_open, us("/f"), 1 | K_O_NONBLOCK, 0), -ENXIO);
	long fd = call(N_open, us("/f"), K_O_NONBLOCK, 0);
	assert_int_equal(call(N_read, fd, BUFFER, 1), 0);
	assert_int_equal(call(N_close, fd), 0);
	assert_int_equal(your(N_open, us("/f"), 0, 0), BLOCKED);
	fd = call(N_open, us("/f"), 1, 0);
	assert_true(fd >= 0);
	assert_int_equal(you->state, PROC_RUNNING);
	long reader = resume(you);
	assert_true(reader >= 0);
	assert_int_equal(call(N_write, fd, us("x"), 1), 1);
	assert_int_equal(your(N_read, reader, BUFFER, 5), 1);
	assert_int_equal(your(N_read, reader, BUFFER, 5), BLOCKED);
	assert_int_equal(call(N_close, fd), 0);
	assert_int_equal(resume(you), 0);
	assert_int_equal(your(N_close, reader), 0);
	/* A writer that came and went lets the reader through all the same. */
	assert_int_equal(your(N_open, us("/f"), 0, 0), BLOCKED);
	fd = call(N_open, us("/f"), 1, 0);
	assert_int_equal(call(N_close, fd), 0);
	reader = resume(you);
	assert_true(reader >= 0);
	assert_int_equal(your(N_read, reader, BUFFER, 5), 0);
}

/* A thread may take away the file under another's call: nobody may be left on a queue that is freed. */
static void test_closed_while_waiting(void **state)
{
	(void)state;
	fdtable_put(you->fds);
	you->fds = me->fds;
	you->fds->refs++;
	pipe_make(0);
	assert_int_equal(your(N_read, ends[0], BUFFER, 1), BLOCKED);
	assert_int_equal(call(N_close, ends[0]), 0);
	assert_int_equal(call(N_close, ends[1]), 0);
	assert_int_equal(you->state, PROC_RUNNING);
	assert_int_equal(resume(you), -EBADF);
	assert_int_equal(call(N_mknod, us("/f"), S_IFIFO | 0666, 0), 0);
	assert_int_equal(your(N_open, us("/f"), 0, 0), BLOCKED);
	assert_int_equal(call(N_unlink, us("/f")), 0);
	assert_int_equal(you->state, PROC_RUNNING);
	assert_int_equal(resume(you), -ENOENT);
	assert_int_equal(make_file("/g", ""), 0);
	long a = call(N_open, us("/g"), 2, 0), b = call(N_open, us("/g"), 2, 0);
	assert_int_equal(call(N_flock, a, 2), 0);
	assert_int_equal(your(N_flock, b, 2), BLOCKED);
	assert_int_equal(call(N_unlink, us("/g")), 0);
	assert_int_equal(call(N_close, b), 0);
	assert_int_equal(call(N_close, a), 0);
	assert_int_equal(you->state, PROC_RUNNING);
	assert_int_equal(resume(you), -EBADF);
}

struct pfd { int fd; int16_t events, revents; };

static void test_poll(void **state)
{
	(void)state;
	pipe_make(0);
	struct pfd *k = (struct pfd *)MINE;
	k[0] = (struct pfd){ends[0], K_POLLIN, 0};
	k[1] = (struct pfd){-1, K_POLLIN, 7};
	k[2] = (struct pfd){77, K_POLLIN, 0};
	assert_int_equal(call(N_poll, BUFFER, 3, -1), 1);
	assert_int_equal(k[0].revents, 0);
	assert_int_equal(k[1].revents, 0);
	assert_int_equal(k[2].revents, K_POLLNVAL);
	assert_int_equal(call(N_poll, BUFFER, 2, 0), 0);
	assert_int_equal(call(N_poll, BUFFER, 2, -1), BLOCKED);
	share();
	assert_int_equal(your(N_write, ends[1], us("x"), 1), 1);
	assert_int_equal(resume(me), 1);
	assert_int_equal(k[0].revents, K_POLLIN);
	assert_int_equal(call(N_read, ends[0], BUFFER + 100, 1), 1);
	/* The deadline does not move when the call runs again. */
	assert_int_equal(call(N_poll, BUFFER, 1, 5), BLOCKED);
	uint64_t deadline = me->deadline_ns;
	assert_int_equal(resume(me), BLOCKED);
	assert_int_equal(me->deadline_ns, deadline);
	clock_ns += 6000000;
	assert_int_equal(resume(me), 0);
	assert_int_equal(call(N_close, ends[1]), 0);
	assert_int_equal(call(N_poll, BUFFER, 1, -1), BLOCKED);       /* the other process holds it open */
	assert_int_equal(your(N_close, ends[1]), 0);
	assert_int_equal(resume(me), 1);
	assert_int_equal(k[0].revents, K_POLLHUP);
	assert_int_equal(call(N_poll, BUFFER, 5000, 0), -EINVAL);
	pipe_make(0);
	*k = (struct pfd){ends[1], K_POLLOUT, 0};
	assert_int_equal(call(N_close, ends[0]), 0);
	k->fd = ends[1];
	assert_int_equal(call(N_poll, BUFFER, 1, 0), 1);
	assert_int_equal(k->revents, K_POLLOUT | K_POLLERR);
}

static void test_masked_poll(void **state)
{
	(void)state;
	uint64_t *mask = (uint64_t *)(MINE + 4096);
	*mask = 0;
	me->sig_mask = 1 << 1;
	me->sig_pending = 1 << 1;
	assert_int_equal(call(N_ppoll, 0, 0, 0, BUFFER + 4096, 8), BLOCKED);
	me->interrupted = true;               /* main.c sees that the signal is no longer masked */
	assert_int_equal(resume(me), -EINTR);
	assert_true(me->restore_mask && me->sig_saved_mask == 1 << 1 && me->sig_mask == 0);
	me->restore_mask = false;
	assert_int_equal(call(N_ppoll, 0, 0, 0, BUFFER + 4096, 4), -EINVAL);
	me->sig_pending = 0;
}

static void test_select(void **state)
{
	(void)state;
	pipe_make(0);
	uint64_t *set = (uint64_t *)MINE;
	set[0] = 1ull << ends[0];
	set[16] = 1ull << ends[1];
	assert_int_equal(call(N_select, 64, BUFFER, BUFFER + 128, 0, 0), 1);
	assert_true(set[0] == 0 && set[16] == 1ull << ends[1]);
	set[0] = 1ull << ends[0];
	int64_t *time = (int64_t *)(MINE + 512);
	time[0] = 0, time[1] = 0;
	assert_int_equal(call(N_select, 64, BUFFER, 0, 0, BUFFER + 512), 0);
	assert_true(set[0] == 0);
	set[0] = 1ull << ends[0];
	time[1] = 3000;
	assert_int_equal(call(N_select, 64, BUFFER, 0, 0, BUFFER + 512), BLOCKED);
	assert_true(set[0] == 1ull << ends[0]);
	share();
	your(N_write, ends[1], us("x"), 1);
	assert_int_equal(resume(me), 1);
	assert_true(set[0] == 1ull << ends[0] && time[0] == 0 && time[1] < 3000);
	set[0] = 1ull << 50;
	assert_int_equal(call(N_select, 64, BUFFER, 0, 0, 0), -EBADF);
	assert_int_equal(call(N_select, -1, 0, 0, 0, 0), -EINVAL);
}

static void test_sendfile_to_pipe(void **state)
{
	(void)state;
	pipe_make(0);
	long fd = call(N_open, us("/f"), K_O_CREAT | 2, 0644);
	for (int i = 0; i < 100000; i++)
		MINE[i] = i % 253;
	assert_int_equal(call(N_write, fd, BUFFER, 100000), 100000);
	*(int64_t *)(MINE + 200000) = 10;
	assert_int_equal(call(N_sendfile, ends[1], fd, BUFFER + 200000, 100000), 65536);
	assert_int_equal(*(int64_t *)(MINE + 200000), 65546);
	assert_int_equal(call(N_sendfile, ends[1], fd, BUFFER + 200000, 100000), BLOCKED);
	assert_int_equal(call(N_read, ends[0], BUFFER + 300000, 65536), 65536);
	assert_memory_equal(MINE + 10, MINE + 300000, 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(test_ends), HOSTED_TEST(test_blocking), HOSTED_TEST(test_atomic),
		HOSTED_TEST(test_vector_blocks_between_parts), HOSTED_TEST(test_fifo), HOSTED_TEST(test_closed_while_waiting),
		HOSTED_TEST(test_poll),
		HOSTED_TEST(test_masked_poll), HOSTED_TEST(test_select), HOSTED_TEST(test_sendfile_to_pipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
