/*
 * regular_test.c - data: sparse files, appending, cutting, copying, bad addresses, no space.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c posix-server/record.c */
/* TEST WITH: posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
#include "hosted.h"

static void test_append_and_exclusive(void **state)
{
	(void)state;
	assert_int_equal(make_file("/f", "abc"), 0);
	assert_int_equal(call(N_open, us("/f"), K_O_CREAT | K_O_EXCL | 2, 0644), -EEXIST);
	long fd = call(N_open, us("/f"), K_O_APPEND | 2, 0), other = call(N_open, us("/f"), 1, 0);
	assert_int_equal(call(N_write, other, us("ABCDE"), 5), 5);
	assert_int_equal(call(N_lseek, fd, 0, 0), 0);
	assert_int_equal(call(N_write, fd, us("xyz"), 3), 3);
	assert_int_equal(call(N_lseek, fd, 0, 1), 8);
	assert_int_equal(call(N_pread, fd, BUFFER, 100, 0), 8);
	assert_memory_equal(MINE, "ABCDExyz", 8);
	assert_int_equal(call(N_read, other, BUFFER, 1), -EBADF);
	assert_int_equal(call(N_open, us("/f"), K_O_TRUNC | 1, 0), 2);
	assert_int_equal(stat_of("/f").st_size, 0);
}

static void test_sparse(void **state)
{
	(void)state;
	long fd = call(N_open, us("/f"), K_O_CREAT | 2, 0644);
	uint64_t far[] = {0, 5000, 1 << 21, 1ull << 30, 1ull << 40, (1ull << 47) - 5};
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(call(N_pwrite, fd, us("here"), 4, far[i]), 4);
	assert_int_equal(call(N_pwrite, fd, us("no"), 2, 1ull << 47), -EFBIG);
	assert_int_equal(call(N_pwrite, fd, us("no"), 2, -1), -EINVAL);
	struct stat st = stat_of("/f");
	assert_true((uint64_t)st.st_size == (1ull << 47) - 1);
	assert_int_equal(st.st_blocks, 6 * 8);
	assert_int_equal(hosted_pages, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(call(N_pread, fd, BUFFER, 4, far[i]), 4);
		assert_memory_equal(MINE, "here", 4);
	}
	assert_int_equal(call(N_pread, fd, BUFFER, 4, 1ull << 35), 4);
	assert_memory_equal(MINE, "\0\0\0\0", 4);
	assert_true(call(N_lseek, fd, 100, 3) == 100);                              /* SEEK_DATA */
	assert_true((uint64_t)call(N_lseek, fd, 8192, 3) == 1ull << 21);
	assert_true((uint64_t)call(N_lseek, fd, (1 << 21) + 4096, 3) == 1ull << 30);
	assert_true(call(N_lseek, fd, 0, 4) == 8192);                               /* SEEK_HOLE */
	assert_true((uint64_t)call(N_lseek, fd, 1ull << 40, 4) == (1ull << 40) + 4096);
	assert_int_equal(call(N_lseek, fd, 1ull << 60, 3), -ENXIO);
	assert_int_equal(call(N_ftruncate, fd, 6000), 0);
	assert_int_equal(hosted_pages, 2);
	assert_int_equal(call(N_ftruncate, fd, 3), 0);
	assert_int_equal(call(N_ftruncate, fd, 10), 0);
	assert_int_equal(call(N_pread, fd, BUFFER, 20, 0), 10);
	assert_memory_equal(MINE, "her\0\0\0\0\0\0\0", 10);
	assert_int_equal(call(N_ftruncate, fd, -1), -EINVAL);
	assert_int_equal(call(N_truncate, us("/tmp"), 0), -EISDIR);
}

static void test_bad_addresses(void **state)
{
	(void)state;
	long fd = call(N_open, us("/f"), K_O_CREAT | 2, 0644);
	uint32_t bad = ARENA_PAGES / 2 + 2;
	arena_bad[bad] = true;
	memset(MINE, 'x', 8192);
	assert_int_equal(call(N_write, fd, 0, 5), -EFAULT);
	assert_int_equal(call(N_write, fd, BUFFER + 8192, 5), -EFAULT);
	assert_int_equal(stat_of("/f").st_size, 0);
	memset(MINE, 'x', 8192);
	assert_int_equal(call(N_write, fd, BUFFER + 100, 20000), 8092);
	assert_int_equal(call(N_pread, fd, BUFFER + 8192, 5, 0), -EFAULT);
	assert_int_equal(call(N_pread, fd, BUFFER + 5000, 20000, 0), 3192);
	assert_int_equal(call(N_read, fd, BUFFER, -1), -EINVAL);
	assert_int_equal(call(N_readv, fd, BUFFER + 8190, 2), -EFAULT);
	assert_int_equal(call(N_getdents64, call(N_open, us("/"), 0, 0), BUFFER + 8192, 4096), -EFAULT);
	assert_int_equal(call(N_pipe, BUFFER + 8190), -EFAULT);
	assert_int_equal(call(N_getrandom, BUFFER + 8192, 10, 0), -EFAULT);
	assert_int_equal(call(N_poll, BUFFER + 8190, 3, 0), -EFAULT);
	assert_int_equal(call(N_fcntl, fd, 5, BUFFER + 8190), -EFAULT);
	assert_int_equal(call(N_sendfile, fd, fd, BUFFER + 8190, 10), -EFAULT);
}

static void test_no_space(void **state)
{
	(void)state;
	long fd = call(N_open, us("/f"), K_O_CREAT | 2, 0644);
	hosted_limit = 4;
	memset(MINE, 'y', 65536);
	assert_int_equal(call(N_write, fd, BUFFER, 65536), 4 * 4096);
	assert_int_equal(call(N_write, fd, BUFFER, 1), -ENOSPC);
	assert_int_equal(call(N_pwrite, fd, BUFFER, 10, 100), 10);
	assert_int_equal(call(N_fallocate, fd, 0, 0, 65536), -ENOSPC);
	assert_int_equal(call(N_ftruncate, fd, 0), 0);
	assert_int_equal(call(N_fallocate, fd, 0, 0, 8192), 0);
	assert_int_equal(stat_of("/f").st_size, 8192);
	assert_int_equal(call(N_fallocate, fd, 3, 0, 4096), 0);
	hosted_limit = 20000;
	procs[0].rlimit[1][0] = 9000;
	assert_int_equal(call(N_pwrite, fd, BUFFER, 4000, 8000), 1000);
	assert_int_equal(call(N_pwrite, fd, BUFFER, 1, 9000), -EFBIG);
	assert_int_equal(last_signal, K_SIGXFSZ);
}

static void test_vectors(void **state)
{
	(void)state;
	long fd = call(N_open, us("/f"), K_O_CREAT | 2, 0644);
	struct { uint64_t base, length; } v[3] = {{us("one"), 3}, {0, 0}, {us("three"), 5}};
	memcpy(MINE, v, sizeof v);
	assert_int_equal(call(N_writev, fd, BUFFER, 3), 8);
	assert_int_equal(call(N_writev, fd, BUFFER, 1025), -EINVAL);
	assert_int_equal(call(N_writev, fd, BUFFER, 0), 0);
	v[0].base = BUFFER + 100, v[2].base = BUFFER + 200, v[2].length = 50;
	memcpy(MINE, v, sizeof v);
	assert_int_equal(call(N_lseek, fd, 0, 0), 0);
	assert_int_equal(call(N_readv, fd, BUFFER, 3), 8);
	assert_memory_equal(MINE + 100, "one", 3);
	assert_memory_equal(MINE + 200, "three", 5);
	v[2].length = -1;
	memcpy(MINE, v, sizeof v);
	assert_int_equal(call(N_readv, fd, BUFFER, 3), -EINVAL);
}

static void test_copies(void **state)
{
	(void)state;
	long in = call(N_open, us("/in"), K_O_CREAT | 2, 0644), out = call(N_open, us("/out"), K_O_CREAT | 2, 0644);
	for (int i = 0; i < 20000; i++)
		MINE[i] = i * 7;
	assert_int_equal(call(N_write, in, BUFFER, 20000), 20000);
	assert_int_equal(call(N_lseek, in, 0, 0), 0);
	assert_int_equal(call(N_sendfile, out, in, 0, 1000000), 20000);
	assert_int_equal(call(N_lseek, in, 0, 1), 20000);
	assert_int_equal(call(N_sendfile, out, in, 0, 1000000), 0);
	*(int64_t *)(MINE + 30000) = 5;
	*(int64_t *)(MINE + 30008) = 40000;
	assert_int_equal(call(N_copy_file_range, in, BUFFER + 30000, out, BUFFER + 30008, 100, 0), 100);
	assert_int_equal(*(int64_t *)(MINE + 30000), 105);
	assert_int_equal(*(int64_t *)(MINE + 30008), 40100);
	assert_int_equal(call(N_pread, out, BUFFER + 65536, 50000, 0), 40100);
	assert_memory_equal(MINE, MINE + 65536, 20000);
	assert_memory_equal(MINE + 5, MINE + 65536 + 40000, 100);
	assert_int_equal(MINE[65536 + 30000], 0);
	assert_int_equal(call(N_copy_file_range, in, 0, in, 0, 100, 0), -EINVAL);
	assert_int_equal(call(N_copy_file_range, in, 0, out, 0, 100, 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(test_append_and_exclusive), HOSTED_TEST(test_sparse), HOSTED_TEST(test_bad_addresses),
		HOSTED_TEST(test_no_space), HOSTED_TEST(test_vectors), HOSTED_TEST(test_copies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
