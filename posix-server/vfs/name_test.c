/*
 * name_test.c - names: the rename matrix, links, unlinked but open files, listings that survive removal.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c posix-server/record.c */
/* TEST WITH: posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
#include "hosted.h"

/* What stands at a name before a rename. */
enum thing { NONE, FILE_A, EMPTY, FULL, LINK, THINGS };

static void put(const char *path, enum thing t)
{
	char below[64];
	switch (t) {
	case FILE_A: assert_int_equal(make_file(path, "a"), 0); break;
	case LINK:   assert_int_equal(call(N_symlink, us("target"), us(path)), 0); break;
	case FULL:   case EMPTY:
		assert_int_equal(call(N_mkdir, us(path), 0755), 0);
		snprintf(below, sizeof below, "%s/in", path);
		if (t == FULL)
			assert_int_equal(make_file(below, ""), 0);
		break;
	default: break;
	}
}

static void take(const char *path)
{
	char below[64];
	snprintf(below, sizeof below, "%s/in", path);
	call(N_unlink, us(below));
	if (call(N_unlink, us(path)) == -EISDIR)
		assert_int_equal(call(N_rmdir, us(path)), 0);
}

static bool is_dir(enum thing t)
{
	return t == EMPTY || t == FULL;
}

static long expected(enum thing from, enum thing to, unsigned flags)
{
	if (from == NONE)
		return -ENOENT;
	if (flags == 1)
		return to == NONE ? 0 : -EEXIST;
	if (flags == 2)
		return to == NONE ? -ENOENT : 0;
	if (to == NONE)
		return 0;
	if (is_dir(from))
		return !is_dir(to) ? -ENOTDIR : to == FULL ? -ENOTEMPTY : 0;
	return is_dir(to) ? -EISDIR : 0;
}

static void test_rename_matrix(void **state)
{
	(void)state;
	assert_int_equal(call(N_mkdir, us("/p"), 0755), 0);
	assert_int_equal(call(N_mkdir, us("/q"), 0755), 0);
	for (unsigned flags = 0; flags < 3; flags++)
	for (int across = 0; across < 2; across++)
	for (enum thing from = NONE; from < THINGS; from++)
	for (enum thing to = NONE; to < THINGS; to++) {
		const char *a = "/p/from", *b = across ? "/q/to" : "/p/to";
		put(a, from);
		put(b, to);
		struct stat was = {0}, other = {0}, now;
		if (from != NONE)
			was = stat_of(a);
		if (to != NONE)
			other = stat_of(b);
		long r = call(N_renameat2, CWD, us(a), CWD, us(b), flags);
		assert_int_equal(r, expected(from, to, flags));
		if (r == 0) {
			now = stat_of(b);
			assert_int_equal(now.st_ino, was.st_ino);
			if (flags == 2)
				assert_int_equal(stat_of(a).st_ino, other.st_ino);
			else
				assert_int_equal(call(N_lstat, us(a), BUFFER), -ENOENT);
		}
		int dirs = 2;
		if (r == 0 && flags == 0)
			dirs += is_dir(from);
		if (!across && r == 0 && flags == 0)
			assert_int_equal(stat_of("/p").st_nlink, dirs);
		take(a);
		take(b);
		assert_int_equal(stat_of("/p").st_nlink, 2);
		assert_int_equal(stat_of("/q").st_nlink, 2);
	}
}

static void test_rename_odd(void **state)
{
	(void)state;
	assert_int_equal(call(N_mkdir, us("/d"), 0755), 0);
	assert_int_equal(call(N_mkdir, us("/d/e"), 0755), 0);
	assert_int_equal(call(N_mkdir, us("/d/e/f"), 0755), 0);
	assert_int_equal(call(N_rename, us("/d"), us("/d/e/x")), -EINVAL);
	assert_int_equal(call(N_rename, us("/d"), us("/d/x")), -EINVAL);
	assert_int_equal(call(N_rename, us("/d/e"), us("/d")), -ENOTEMPTY);
	assert_int_equal(call(N_renameat2, CWD, us("/d/e"), CWD, us("/d"), 2), -EINVAL);
	assert_int_equal(call(N_rename, us("/d/."), us("/x")), -EBUSY);
	assert_int_equal(call(N_rename, us("/d"), us("/d/e/..")), -EBUSY);
	assert_int_equal(call(N_rename, us("/"), us("/x")), -EBUSY);
	assert_int_equal(call(N_renameat2, CWD, us("/d"), CWD, us("/x"), 3), -EINVAL);
	assert_int_equal(call(N_rename, us("/d"), us("/proc/x")), -EXDEV);
	assert_int_equal(call(N_rename, us("/proc"), us("/x")), -EBUSY);
	assert_int_equal(make_file("/a", "a"), 0);
	assert_int_equal(call(N_link, us("/a"), us("/b")), 0);
	assert_int_equal(call(N_rename, us("/a"), us("/b")), 0);      /* same inode: nothing happens */
	assert_int_equal(stat_of("/a").st_nlink, 2);
	/* The parent of a directory that moved, and its path. */
	assert_int_equal(call(N_chdir, us("/d/e/f")), 0);
	assert_int_equal(call(N_rename, us("/d/e"), us("/moved")), 0);
	assert_int_equal(call(N_getcwd, BUFFER, 100), 9);
	assert_string_equal(MINE, "/moved/f");
	assert_int_equal(call(N_stat, us("../../a"), BUFFER), 0);
	assert_int_equal(call(N_chdir, us("/")), 0);
}

static void test_links(void **state)
{
	(void)state;
	assert_int_equal(make_file("/a", "text"), 0);
	assert_int_equal(call(N_link, us("/a"), us("/b")), 0);
	assert_int_equal(stat_of("/b").st_nlink, 2);
	assert_int_equal(stat_of("/b").st_ino, stat_of("/a").st_ino);
	assert_int_equal(call(N_link, us("/a"), us("/b")), -EEXIST);
	assert_int_equal(call(N_link, us("/none"), us("/c")), -ENOENT);
	assert_int_equal(call(N_link, us("/dev"), us("/c")), -EPERM);
	assert_int_equal(call(N_link, us("/a"), us("/proc/c")), -EXDEV);
	assert_int_equal(call(N_unlink, us("/a")), 0);
	assert_int_equal(stat_of("/b").st_nlink, 1);
	assert_int_equal(call(N_unlink, us("/a")), -ENOENT);
	/* O_TMPFILE gets its name late. */
	long fd = call(N_open, us("/tmp"), K_O_TMPFILE | K_O_DIRECTORY | 2, 0600);
	assert_true(fd >= 0);
	assert_int_equal(call(N_write, fd, us("late"), 4), 4);
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%ld", fd);
	assert_int_equal(call(N_linkat, CWD, us(path), CWD, us("/tmp/named"), K_AT_SYMLINK_FOLLOW), 0);
	assert_int_equal(stat_of("/tmp/named").st_size, 4);
}

static void test_unlinked_but_open(void **state)
{
	(void)state;
	assert_int_equal(make_file("/a", "text"), 0);
	long fd = call(N_open, us("/a"), 2, 0);
	assert_int_equal(call(N_unlink, us("/a")), 0);
	assert_int_equal(call(N_fstat, fd, BUFFER), 0);
	assert_int_equal(((struct stat *)MINE)->st_nlink, 0);
	assert_int_equal(call(N_pwrite, fd, us("XY"), 2, 10000), 2);
	assert_int_equal(call(N_pread, fd, BUFFER, 20000, 0), 10002);
	assert_memory_equal(MINE, "text\0", 5);
	assert_memory_equal(MINE + 10000, "XY", 2);
	assert_true(hosted_pages > 0);
	assert_int_equal(call(N_close, fd), 0);
	assert_int_equal(hosted_pages, 0);
}

/* rm -r removes while it lists: every name must come once, whatever goes in between. */
static void test_listing_survives_removal(void **state)
{
	(void)state;
	char path[32];
	bool seen[300] = {false};
	int count = 0;
	assert_int_equal(call(N_mkdir, us("/d"), 0755), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof path, "/d/file%d", i);
		assert_int_equal(make_file(path, ""), 0);
	}
	long fd = call(N_open, us("/d"), K_O_DIRECTORY, 0), n;
	while ((n = call(N_getdents64, fd, BUFFER, 512)) > 0) {
		char *at = MINE, copy[512];
		memcpy(copy, at, n);
		for (long o = 0; o < n; o += *(uint16_t *)(copy + o + 16)) {
			const char *name = copy + o + 19;
			if (name[0] == '.')
				continue;
			int i = atoi(name + 4);
			assert_false(seen[i]);
			seen[i] = true;
			count++;
			assert_int_equal(copy[o + 18], 8);
			snprintf(path, sizeof path, "/d/%s", name);
			assert_int_equal(call(N_unlink, us(path)), 0);
		}
	}
	assert_int_equal(n, 0);
	assert_int_equal(count, 300);
	assert_int_equal(call(N_getdents64, fd, BUFFER, 10), 0);
	assert_int_equal(call(N_lseek, fd, 0, 0), 0);
	assert_int_equal(call(N_getdents64, fd, BUFFER, 10), -EINVAL);
	assert_int_equal(call(N_getdents64, fd, BUFFER, 4096), 48);
	assert_int_equal(call(N_rmdir, us("/d")), 0);
	assert_int_equal(call(N_lseek, fd, 0, 0), 0);
	assert_int_equal(call(N_getdents64, fd, BUFFER, 4096), -ENOENT);
}

static void test_times_grow(void **state)
{
	(void)state;
	clock_ns += 1000000000;
	assert_int_equal(make_file("/a", "x"), 0);
	assert_int_equal(make_file("/b", "x"), 0);
	struct stat a = stat_of("/a"), b = stat_of("/b");
	assert_true(a.st_mtim.tv_sec < b.st_mtim.tv_sec || a.st_mtim.tv_nsec < b.st_mtim.tv_nsec);
	struct timespec t[2] = {{5, 6}, {-7, 8}};
	memcpy(MINE, t, sizeof t);
	assert_int_equal(call(N_utimensat, CWD, us("/a"), BUFFER, 0), 0);
	a = stat_of("/a");
	assert_int_equal(a.st_atim.tv_sec, 5);
	assert_int_equal(a.st_mtim.tv_sec, -7);
	assert_int_equal(a.st_mtim.tv_nsec, 8);
	t[0].tv_nsec = 1000000000;
	memcpy(MINE, t, sizeof t);
	assert_int_equal(call(N_utimensat, CWD, us("/a"), BUFFER, 0), -EINVAL);
}

static void test_statx_and_statfs(void **state)
{
	(void)state;
	assert_int_equal(make_file("/a", "12345"), 0);
	assert_int_equal(call(N_statx, CWD, us("/a"), 0, 0x7ff, BUFFER), 0);
	assert_int_equal(*(uint64_t *)(MINE + 40), 5);
	assert_int_equal(call(N_statx, CWD, us("/a"), 0x8000, 0x7ff, BUFFER), -EINVAL);
	assert_int_equal(call(N_statfs, us("/proc"), BUFFER), 0);
	assert_int_equal(*(uint64_t *)MINE, 0x9fa0);
	assert_int_equal(call(N_statfs, us("/none"), BUFFER), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(test_rename_matrix), HOSTED_TEST(test_rename_odd), HOSTED_TEST(test_links),
		HOSTED_TEST(test_unlinked_but_open), HOSTED_TEST(test_listing_survives_removal),
		HOSTED_TEST(test_times_grow), HOSTED_TEST(test_statx_and_statfs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
