/*
 * record_test.c - what the recorder says of calls: each use under its kind and name, once, with its count.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c */
#include "vfs/hosted.h"

/* How many lines say this use of this name with this error. */
static unsigned told(const char *kind, const char *use, const char *name, unsigned error)
{
	char want[512], with[32] = "";
	unsigned n = 0;

	if (error)
		snprintf(with, sizeof with, ",\"error\":%u", error);
	snprintf(want, sizeof want, "\"kind\":\"%s\",\"use\":\"%s\",\"name\":\"%s\"%s,\"call\"", kind, use, name, with);
	for (const char *at = recorded; (at = strstr(at, want)); at++)
		n++;
	return n;
}

/* The count that the end gave the record of that line; 1 if it gave none. */
static unsigned counted(const char *use, const char *name, unsigned *absolute)
{
	char want[512];
	unsigned id = 0, count = 1;
	const char *at;

	snprintf(want, sizeof want, "\"use\":\"%s\",\"name\":\"%s\"", use, name);
	at = strstr(recorded, want);
	assert_non_null(at);
	while (at > recorded && at[-1] != '\n')
		at--;
	assert_int_equal(sscanf(at, "{\"id\":%u", &id), 1);
	snprintf(want, sizeof want, "{\"id\":%u,\"count\":", id);
	at = strstr(recorded, want);
	*absolute = 0;
	if (at)
		assert_int_equal(sscanf(at + strlen(want), "%u,\"absolute\":%u", &count, absolute), 2);
	return count;
}

static void begin(void)
{
	recorded_length = 0;
	recorded[0] = 0;
	record_begin();
}

static void test_uses(void **state)
{
	unsigned absolute;
	(void)state;
	call(N_mkdir, us("/d"), 0755);
	make_file("/d/old", "text");
	begin();
	long fd = call(N_open, us("/d/old"), 0, 0);
	call(N_close, fd);
	call(N_chdir, us("/d"));
	fd = call(N_open, us("old"), 2, 0);
	call(N_close, fd);
	fd = call(N_open, us("new"), K_O_CREAT | 1, 0644);
	call(N_close, fd);
	fd = call(N_open, us("/d/old"), 0, 0);
	call(N_close, fd);
	for (int i = 0; i < 5; i++)
		call(N_stat, us("/d/absent"), BUFFER);
	call(N_open, us("/d/old/below"), 0, 0);
	call(N_symlink, us("old"), us("link"));
	call(N_stat, us("link"), BUFFER);
	call(N_rename, us("new"), us("/newer"));
	call(N_stat, us("/newer"), BUFFER);
	call(N_chmod, us("/newer"), 0600);
	call(N_unlink, us("/newer"));
	fd = call(N_open, us("/d"), K_O_DIRECTORY, 0);
	call(N_getdents64, fd, BUFFER, 4096);
	call(N_close, fd);
	call(N_getrandom, BUFFER, 8, 0);
	record_end(0);
	assert_int_equal(told("path", "read", "/d/old", 0), 1);
	assert_int_equal(counted("read", "/d/old", &absolute), 3);
	assert_int_equal(absolute, 2);
	assert_int_equal(told("path", "write", "/d/old", 0), 1);
	assert_int_equal(told("path", "create", "/d/new", 0), 1);
	assert_int_equal(told("path", "write", "/d/new", 0), 0);
	assert_int_equal(told("path", "stat", "/d/absent", ENOENT), 1);
	assert_int_equal(counted("stat", "/d/absent", &absolute), 5);
	assert_int_equal(told("path", "read", "/d/old/below", ENOTDIR), 1);
	assert_int_equal(told("path", "create", "/d/link", 0), 1);
	assert_int_equal(told("path", "follow", "/d/link", 0), 1);
	assert_int_equal(told("path", "delete", "/d/new", 0), 1);
	assert_int_equal(told("path", "create", "/newer", 0), 1);
	assert_int_equal(told("path", "stat", "/newer", 0), 1);
	assert_int_equal(told("path", "attr", "/newer", 0), 1);
	assert_int_equal(told("path", "delete", "/newer", 0), 1);
	assert_int_equal(told("path", "enter", "/d", 0), 1);
	assert_int_equal(told("path", "list", "/d", 0), 1);
	assert_non_null(strstr(recorded, ",\"seen\":[\"old\",\"link\"]}"));
	assert_int_equal(told("random", "read", "getrandom", 0), 1);
	assert_non_null(strstr(recorded, "{\"end\":0,"));
}

static void test_kinds(void **state)
{
	(void)state;
	begin();
	long fd = call(N_open, us("/proc/self/status"), 0, 0);
	call(N_close, fd);
	call(N_stat, us("/proc/11/stat"), BUFFER);
	call(N_open, us("/dev/nosuch"), 0, 0);
	call(N_access, us("/tmp"), 2);
	me->nr = 228;
	me->args[0] = 1;
	record_call(me, 0);
	shim_clocks[1] = 100;
	record_shim(me);
	me->nr = 600;
	record_call(me, -ENOSYS);
	me->nr = 62;
	me->args[0] = 11, me->args[1] = 15;
	record_call(me, 0);
	record_end(0);
	assert_int_equal(told("proc", "follow", "/proc/self", 0), 1);
	assert_int_equal(told("proc", "read", "/proc/self/status", 0), 1);
	assert_int_equal(told("proc", "stat", "/proc/other/stat", 0), 1);
	assert_int_equal(told("path", "read", "/dev/nosuch", ENOENT), 1);
	assert_int_equal(told("path", "stat", "/tmp", 0), 1);
	assert_int_equal(told("missing", "call", "600 of 10", ENOSYS), 1);
	assert_int_equal(told("signal", "send", "process test, signal 15", 0), 1);
	unsigned absolute;
	assert_int_equal(counted("read", "monotonic", &absolute), 100);
	assert_int_equal(shim_clocks[1], 0);
}

/* A name that moves with its directory is another name, though its inode stays. */
static void test_renamed_directory(void **state)
{
	(void)state;
	call(N_mkdir, us("/a"), 0755);
	make_file("/a/f", "x");
	begin();
	call(N_stat, us("/a/f"), BUFFER);
	call(N_rename, us("/a"), us("/b"));
	call(N_stat, us("/b/f"), BUFFER);
	assert_int_equal(told("path", "stat", "/a/f", 0), 1);
	assert_int_equal(told("path", "stat", "/b/f", 0), 1);
	/* A new file where one was: the same name, the same record. */
	call(N_unlink, us("/b/f"));
	make_file("/b/f", "y");
	call(N_stat, us("/b/f"), BUFFER);
	assert_int_equal(told("path", "stat", "/b/f", 0), 1);
}

/* Any byte may be in a name; a line stays a line of ASCII. */
static void test_strange_names(void **state)
{
	(void)state;
	begin();
	make_file("/q\"\\\n\xff\x01", "x");
	assert_int_equal(told("path", "create", "/q\\u0022\\u005c\\u000a\\u00ff\\u0001", 0), 1);
	for (size_t i = 0; i < recorded_length; i++)
		assert_true(recorded[i] == '\n' || (recorded[i] >= ' ' && recorded[i] < 0x7f));
	char name[PATH_LIMIT];
	memset(name, '\n', sizeof name);
	for (size_t i = 0; i < sizeof name; i += 200)
		name[i] = '/';
	name[sizeof name - 1] = 0;
	call(N_stat, us(name), BUFFER);
	assert_true(recorded[recorded_length - 1] == '\n');
}

static void test_environment(void **state)
{
	static const char strings[] = "tool\0-x\0PATH=/bin\0HOME=/root\0";
	struct inode *file;
	(void)state;
	call(N_mkdir, us("/bin"), 0755);
	make_file("/bin/tool", "x");
	begin();
	assert_int_equal(vfs_resolve(me, K_AT_FDCWD, "/bin/tool", true, &file), 0);
	record_exec(me, "/bin/tool", file, strings, 2, 2);
	assert_int_equal(told("path", "exec", "/bin/tool", 0), 1);
	assert_int_equal(told("env", "visible", "PATH", 0), 1);
	assert_int_equal(told("env", "visible", "HOME", 0), 1);
	assert_non_null(strstr(recorded, ",\"path\":\"/bin/tool\"}"));
	/* Through /proc the name says nothing: the file's own does. */
	record_exec(me, "/proc/self/exe", file, strings, 2, 2);
	assert_non_null(strstr(recorded, ",\"path\":\"/bin/tool as tool\"}"));
	inode_put(file);
}

static void test_streams(void **state)
{
	(void)state;
	begin();
	record_stream_held(0);
	record_stream_held(1);
	record_stream_held(2);
	record_stream(me, 1, USE_WRITE, 5);
	record_stream(me, 1, USE_WRITE, 5);
	record_stream(me, 2, USE_CONTROL, 0);
	record_end(0);
	unsigned absolute;
	assert_int_equal(counted("write", "standard output", &absolute), 2);
	assert_non_null(strstr(recorded, "{\"unused\":\"standard input\"}"));
	assert_non_null(strstr(recorded, "{\"unused\":\"standard error\"}"));
	assert_null(strstr(recorded, "{\"unused\":\"standard output\"}"));
}

/* Past its bound the record names directories instead: it loses names, never uses. */
static void test_bound(void **state)
{
	char name[64];
	(void)state;
	begin();
	for (unsigned i = 0; i < RECORDS_MAX + 1000; i++) {
		if (recorded_length > sizeof recorded / 2)
			recorded_length = 0;
		snprintf(name, sizeof name, "/none%u", i);
		call(N_stat, us(name), BUFFER);
	}
	assert_int_equal(told("path", "stat", "/*", ENOENT), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTED_TEST(test_uses), HOSTED_TEST(test_kinds), HOSTED_TEST(test_renamed_directory),
		HOSTED_TEST(test_strange_names), HOSTED_TEST(test_environment), HOSTED_TEST(test_streams),
		HOSTED_TEST(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
