/*
 * path_test.c - what Linux answers to odd paths.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c posix-server/record.c */
/* TEST WITH: posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
#include "hosted.h"

static long look(const char *path)
{
	return call(N_stat, us(path), BUFFER);
}

static void test_prefixes(void **state)
{
	(void)state;
	assert_int_equal(make_file("/f", "x"), 0);
	assert_int_equal(call(N_mkdir, us("/d"), 0755), 0);
	assert_int_equal(look("/"), 0);
	assert_int_equal(look("//d///"), 0);
	assert_int_equal(look("/d/."), 0);
	assert_int_equal(look("/d/../d/../../../d"), 0);
	assert_int_equal(look("/f/"), -ENOTDIR);
	assert_int_equal(look("/f/x"), -ENOTDIR);
	assert_int_equal(look("/f/.."), -ENOTDIR);
	assert_int_equal(look("/none"), -ENOENT);
	assert_int_equal(look("/none/x"), -ENOENT);
	assert_int_equal(look("/none/.."), -ENOENT);
	assert_int_equal(look(""), -ENOENT);
	assert_int_equal(call(N_stat, 0, BUFFER), -EFAULT);
	assert_int_equal(call(N_stat, us("/f"), 8), -EFAULT);
	assert_int_equal(call(N_stat, ~0ull, BUFFER), -EFAULT);
}

static void test_lengths(void **state)
{
	(void)state;
	char name[5000];
	memset(name, 'a', sizeof name);
	name[0] = '/';
	name[256] = 0;
	assert_int_equal(look(name), -ENOENT);
	assert_int_equal(call(N_mkdir, us(name), 0700), 0);
	name[256] = 'a', name[257] = 0;
	assert_int_equal(look(name), -ENAMETOOLONG);
	assert_int_equal(call(N_mkdir, us(name), 0700), -ENAMETOOLONG);
	for (int i = 0; i < 4999; i++)
		name[i] = i & 1 ? '.' : '/';
	name[4094] = 0;
	assert_int_equal(look(name), 0);
	name[4094] = '/', name[4095] = 0;
	assert_int_equal(look(name), 0);
	name[4095] = '.', name[4096] = 0;
	assert_int_equal(look(name), -ENAMETOOLONG);
}

static void test_links(void **state)
{
	(void)state;
	char from[16], to[16];
	assert_int_equal(call(N_mkdir, us("/d"), 0755), 0);
	assert_int_equal(make_file("/d/f", "x"), 0);
	assert_int_equal(call(N_symlink, us("/d/f"), us("/abs")), 0);
	assert_int_equal(call(N_symlink, us("f"), us("/d/rel")), 0);
	assert_int_equal(call(N_symlink, us("../../.."), us("/d/up")), 0);
	assert_int_equal(call(N_symlink, us("/"), us("/root")), 0);
	assert_int_equal(call(N_symlink, us("nowhere"), us("/dangling")), 0);
	assert_int_equal(call(N_symlink, us("loop2"), us("/loop1")), 0);
	assert_int_equal(call(N_symlink, us("loop1"), us("/loop2")), 0);
	assert_int_equal(call(N_symlink, us(""), us("/empty")), -ENOENT);
	assert_int_equal(look("/abs"), 0);
	assert_int_equal(look("/d/rel"), 0);
	assert_int_equal(look("/d/up/d/f"), 0);
	assert_int_equal(look("/root/root/root/d/f"), 0);
	assert_int_equal(look("/root"), 0);
	assert_int_equal(look("/dangling"), -ENOENT);
	assert_int_equal(look("/loop1"), -ELOOP);
	assert_int_equal(look("/loop1/x"), -ELOOP);
	assert_int_equal(look("/abs/"), -ENOTDIR);
	assert_int_equal(call(N_lstat, us("/loop1"), BUFFER), 0);
	assert_int_equal(call(N_lstat, us("/loop1/"), BUFFER), -ELOOP);
	assert_int_equal(call(N_unlink, us("/root/")), -ENOTDIR);
	assert_int_equal(call(N_rmdir, us("/root/")), -ENOTDIR);
	assert_int_equal(call(N_mkdir, us("/dangling"), 0755), -EEXIST);
	assert_int_equal(call(N_open, us("/dangling"), K_O_CREAT | K_O_EXCL | 1, 0644), -EEXIST);
	assert_int_equal(call(N_open, us("/dangling"), K_O_NOFOLLOW, 0), -ELOOP);
	assert_true(call(N_open, us("/dangling"), K_O_CREAT | 1, 0644) >= 0);
	assert_int_equal(look("/nowhere"), 0);
	assert_int_equal(make_file("/l0", ""), 0);
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof from, "l%d", i - 1);
		snprintf(to, sizeof to, "/l%d", i);
		assert_int_equal(call(N_symlink, us(from), us(to)), 0);
	}
	assert_int_equal(look("/l40"), 0);
	assert_int_equal(look("/l41"), -ELOOP);
	assert_int_equal(call(N_readlink, us("/abs"), BUFFER, 3), 3);
	assert_memory_equal(MINE, "/d/", 3);
	assert_int_equal(call(N_readlink, us("/d/f"), BUFFER, 64), -EINVAL);
	assert_int_equal(call(N_readlink, us("/abs"), BUFFER, 0), -EINVAL);
}

static void test_trailing_slashes(void **state)
{
	(void)state;
	assert_int_equal(call(N_mkdir, us("/d/"), 0755), 0);
	assert_int_equal(call(N_mkdir, us("/d/"), 0755), -EEXIST);
	assert_int_equal(call(N_mkdir, us("/d/.."), 0755), -EEXIST);
	assert_int_equal(call(N_open, us("/x/"), K_O_CREAT | 1, 0644), -EISDIR);
	assert_int_equal(call(N_mknod, us("/x/"), S_IFREG | 0644, 0), -ENOENT);
	assert_int_equal(call(N_symlink, us("t"), us("/x/")), -ENOENT);
	assert_int_equal(make_file("/f", ""), 0);
	assert_int_equal(call(N_link, us("/f"), us("/g/")), -ENOENT);
	assert_int_equal(call(N_unlink, us("/f/")), -ENOTDIR);
	assert_int_equal(call(N_unlink, us("/d/")), -EISDIR);
	assert_int_equal(call(N_unlink, us("/d/.")), -EISDIR);
	assert_int_equal(call(N_rename, us("/f"), us("/g/")), -ENOTDIR);
	assert_int_equal(call(N_rename, us("/f/"), us("/g")), -ENOTDIR);
	assert_int_equal(call(N_rename, us("/d"), us("/e/")), 0);
	assert_int_equal(call(N_rmdir, us("/e/.")), -EINVAL);
	assert_int_equal(call(N_rmdir, us("/e/..")), -ENOTEMPTY);
	assert_int_equal(call(N_rmdir, us("/")), -EBUSY);
	assert_int_equal(call(N_rmdir, us("/e/")), 0);
}

static void test_dirfd_and_cwd(void **state)
{
	(void)state;
	assert_int_equal(call(N_mkdir, us("/a"), 0755), 0);
	assert_int_equal(call(N_mkdir, us("/a/b"), 0755), 0);
	assert_int_equal(make_file("/a/b/f", "1"), 0);
	long fd = call(N_open, us("/a"), K_O_DIRECTORY, 0), file = call(N_open, us("/a/b/f"), 0, 0);
	assert_true(fd >= 0 && file >= 0);
	assert_int_equal(call(N_newfstatat, fd, us("b/f"), BUFFER, 0), 0);
	assert_int_equal(call(N_newfstatat, file, us("x"), BUFFER, 0), -ENOTDIR);
	assert_int_equal(call(N_newfstatat, 99, us("x"), BUFFER, 0), -EBADF);
	assert_int_equal(call(N_newfstatat, 99, us("/a"), BUFFER, 0), 0);
	assert_int_equal(call(N_newfstatat, file, us(""), BUFFER, 0), -ENOENT);
	assert_int_equal(call(N_newfstatat, file, us(""), BUFFER, K_AT_EMPTY_PATH), 0);
	assert_int_equal(call(N_newfstatat, fd, us("b"), BUFFER, 0x80000), -EINVAL);
	assert_int_equal(call(N_chdir, us("/a/b")), 0);
	assert_int_equal(look("../b/f"), 0);
	assert_int_equal(call(N_getcwd, BUFFER, 100), 5);
	assert_string_equal(MINE, "/a/b");
	assert_int_equal(call(N_getcwd, BUFFER, 4), -ERANGE);
	assert_int_equal(call(N_chdir, us("f")), -ENOTDIR);
	assert_int_equal(call(N_unlink, us("f")), 0);
	assert_int_equal(call(N_rmdir, us("/a/b")), 0);
	assert_int_equal(call(N_getcwd, BUFFER, 100), -ENOENT);
	assert_int_equal(make_file("g", ""), -ENOENT);
	assert_int_equal(look(".."), 0);
	assert_int_equal(look("../../tmp"), 0);
	assert_int_equal(call(N_rename, us("/a"), us("/z")), 0);
	assert_int_equal(call(N_rmdir, us("/z")), 0);
	assert_int_equal(look("../.."), 0);
	assert_int_equal(call(N_chdir, us("/")), 0);
	assert_int_equal(call(N_getcwd, BUFFER, 100), 2);
	assert_string_equal(MINE, "/");
}

static void test_permissions(void **state)
{
	(void)state;
	assert_int_equal(call(N_umask, 0), 022);
	assert_int_equal(call(N_mkdir, us("/closed"), 0700), 0);
	assert_int_equal(make_file("/closed/f", "x"), 0);
	assert_int_equal(make_file("/ro", "x"), 0);
	assert_int_equal(call(N_chmod, us("/ro"), 0444), 0);
	assert_int_equal(call(N_mkdir, us("/open"), 01777), 0);
	assert_int_equal(make_file("/open/roots", "x"), 0);
	assert_int_equal(call(N_access, us("/ro"), K_X_OK), -EACCES);
	assert_int_equal(call(N_access, us("/ro"), K_W_OK), 0);
	me->uid = me->euid = 1000, me->gid = me->egid = 1000;
	assert_int_equal(look("/closed/f"), -EACCES);
	assert_int_equal(look("/closed/none"), -EACCES);
	assert_int_equal(call(N_open, us("/ro"), 1, 0), -EACCES);
	assert_true(call(N_open, us("/ro"), 0, 0) >= 0);
	assert_int_equal(make_file("/new", ""), -EACCES);
	assert_int_equal(make_file("/open/mine", "x"), 0);
	assert_int_equal(call(N_unlink, us("/open/roots")), -EPERM);
	assert_int_equal(call(N_rename, us("/open/mine"), us("/open/roots")), -EPERM);
	assert_int_equal(call(N_chmod, us("/ro"), 0666), -EPERM);
	assert_int_equal(call(N_chown, us("/open/mine"), 0, 0), -EPERM);
	assert_int_equal(call(N_chown, us("/open/mine"), 1000, 1000), 0);
	assert_int_equal(call(N_mknod, us("/open/dev"), S_IFCHR | 0666, 0x103), -EPERM);
	assert_int_equal(call(N_unlink, us("/open/mine")), 0);
	/* Whoever makes a file may write it, though its mode says that nobody may. */
	long fd = call(N_open, us("/open/mine"), K_O_CREAT | 1, 0444);
	assert_true(fd >= 0);
	assert_int_equal(call(N_write, fd, us("x"), 1), 1);
	assert_int_equal(call(N_open, us("/open/mine"), 1, 0), -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(test_prefixes), HOSTED_TEST(test_lengths), HOSTED_TEST(test_links),
		HOSTED_TEST(test_trailing_slashes), HOSTED_TEST(test_dirfd_and_cwd), HOSTED_TEST(test_permissions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
