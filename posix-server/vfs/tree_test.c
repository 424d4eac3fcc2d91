/*
 * tree_test.c - the images: one laid over the other, copy on write, and images that break every rule.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c posix-server/record.c posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
#include "hosted.h"

/* ---- a small writer of images ---------------------------------------------------------------------------- */

struct item {
	int parent;
	const char *name;
	uint32_t mode;
	const char *data;         /* content, or target */
	int link;                 /* > 0: a hard link to that entry */
};

static void le(char *at, uint64_t value, int bytes)
{
	memcpy(at, &value, bytes);
}

static void image_make(unsigned which, const struct item *items, unsigned count)
{
	char *base = calloc(1, 1 << 20);
	uint64_t strings = 24 + 64 * count, text = strings, data = 65536;
	for (unsigned i = 0; i < count; i++) {
		char *e = base + 24 + 64 * i;
		const struct item *t = items + i;
		size_t n = strlen(t->name), size = t->data ? strlen(t->data) : 0;
		le(e, t->parent, 4);
		le(e + 4, text, 4);
		le(e + 8, n, 2);
		le(e + 12, t->mode, 4);
		le(e + 24, 1000000000ull * i, 8);
		memcpy(base + text, t->name, n);
		text += n;
		le(e + 32, size, 8);
		if (t->link) {
			le(e + 40, t->link, 8);
			le(e + 48, 1, 4);
		} else if (S_ISLNK(t->mode)) {
			le(e + 40, text, 8);
			memcpy(base + text, t->data, size);
			text += size;
		} else if (size) {
			le(e + 40, data, 8);
			memcpy(base + data, t->data, size);
			data += (size + 4095) / 4096 * 4096;
		}
	}
	memcpy(base, "KETREE1", 8);
	le(base + 8, count, 4);
	le(base + 12, strings, 4);
	le(base + 16, data, 8);
	pack[which].bytes = base;
	pack[which].length = data;
}

static const struct item base_items[] = {
	{0, "", S_IFDIR | 0755, NULL, 0},
	{0, "bin", S_IFDIR | 0755, NULL, 0},
	{0, "etc", S_IFDIR | 0750, NULL, 0},
	{0, "file", S_IFREG | 0644, "base file", 0},
	{0, "link", S_IFLNK | 0777, "etc/conf", 0},
	{0, "same", S_IFDIR | 0700, NULL, 0},
	{1, "a", S_IFREG | 0755, "program", 0},
	{1, "b", S_IFREG | 0755, NULL, 6},
	{1, "c", S_IFREG | 0755, NULL, 6},
	{2, "conf", S_IFREG | 0600, "base conf", 0},
	{2, "other", S_IFREG | 0600, "other", 0},
};
static const struct item over_items[] = {
	{0, "", S_IFDIR | 0711, NULL, 0},
	{0, "bin", S_IFDIR | 0700, NULL, 0},
	{0, "etc", S_IFDIR | 0700, NULL, 0},
	{0, "new", S_IFDIR | 0700, NULL, 0},
	{0, "same", S_IFREG | 0700, "now a file", 0},
	{1, "b", S_IFREG | 0700, "over b", 0},
	{2, "conf", S_IFREG | 0644, "over conf", 0},
	{3, "x", S_IFREG | 0644, "x", 0},
};

#define BASE_COUNT (sizeof base_items / sizeof *base_items)
#define OVER_COUNT (sizeof over_items / sizeof *over_items)

static int setup_both(void **state)
{
	image_make(0, base_items, BASE_COUNT);
	image_make(1, over_items, OVER_COUNT);
	return hosted_setup(state);
}

static int teardown_both(void **state)
{
	hosted_teardown(state);
	for (int i = 0; i < 2; i++) {
		free(pack[i].bytes);
		pack[i].bytes = NULL;
		pack[i].length = 0;
	}
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void expect(const char *path, const char *content)
{
	long fd = call(N_open, us(path), 0, 0);
	assert_true(fd >= 0);
	long n = call(N_read, fd, BUFFER, 4096);
	assert_int_equal(n, strlen(content));
	assert_memory_equal(MINE, content, n);
	call(N_close, fd);
}

static void test_merge(void **state)
{
	(void)state;
	expect("/file", "base file");
	expect("/etc/conf", "over conf");
	expect("/link", "over conf");
	expect("/etc/other", "other");
	expect("/same", "now a file");
	expect("/new/x", "x");
	expect("/bin/a", "program");
	expect("/bin/b", "over b");
	expect("/bin/c", "program");
	assert_int_equal(stat_of("/").st_mode, S_IFDIR | 0755);
	assert_int_equal(stat_of("/etc").st_mode, S_IFDIR | 0750);
	/* bin etc new dev tmp proc */
	assert_int_equal(stat_of("/").st_nlink, 2 + 6);
	assert_int_equal(stat_of("/bin/a").st_nlink, 2);      /* b is hidden */
	assert_int_equal(stat_of("/bin/a").st_ino, stat_of("/bin/c").st_ino);
	assert_int_equal(stat_of("/bin/b").st_nlink, 1);
	assert_int_equal(stat_of("/file").st_mtim.tv_sec, 3);
	assert_int_equal(stat_of("/file").st_blocks, 8);
}

static void test_listing_agrees_with_stat(void **state)
{
	(void)state;
	char path[64], copy[4096];
	long fd = call(N_open, us("/bin"), K_O_DIRECTORY, 0);
	long n = call(N_getdents64, fd, BUFFER, 4096), count = 0;
	memcpy(copy, MINE, sizeof copy);
	for (long o = 0; o < n; o += *(uint16_t *)(copy + o + 16), count++) {
		snprintf(path, sizeof path, "/bin/%s", copy + o + 19);
		assert_true(*(uint64_t *)(copy + o) == stat_of(path).st_ino);
		assert_int_equal((uint8_t)copy[o + 18], (stat_of(path).st_mode & S_IFMT) >> 12);
	}
	assert_int_equal(count, 5);
}

static void test_copy_on_write(void **state)
{
	(void)state;
	uint64_t offset = 65536;
	assert_memory_equal(pack[0].bytes + offset, "base file", 9);
	memset(pack[0].bytes + offset + 9, 'J', 100);         /* rubbish after the end must never show */
	long fd = call(N_open, us("/file"), 2, 0);
	assert_int_equal(call(N_ftruncate, fd, 20), 0);
	assert_int_equal(call(N_read, fd, BUFFER, 100), 20);
	assert_memory_equal(MINE, "base file\0\0\0\0\0\0\0\0\0\0\0", 20);
	assert_int_equal(call(N_pwrite, fd, us("BASE"), 4, 0), 4);
	assert_int_equal(call(N_pread, fd, BUFFER, 100, 0), 20);
	assert_memory_equal(MINE, "BASE file\0\0", 11);
	assert_memory_equal(pack[0].bytes + offset, "base", 4);
	assert_int_equal(stat_of("/file").st_blocks, 8);
	/* Shrunk, then grown by a write beyond the end. */
	fd = call(N_open, us("/etc/other"), 2, 0);
	assert_int_equal(call(N_ftruncate, fd, 2), 0);
	assert_int_equal(call(N_pwrite, fd, us("!"), 1, 4), 1);
	assert_int_equal(call(N_read, fd, BUFFER, 100), 5);
	assert_memory_equal(MINE, "ot\0\0!", 5);
	/* Two names of the image are one file, also when it changes under one of them and that one goes. */
	fd = call(N_open, us("/bin/a"), 2, 0);
	assert_int_equal(call(N_pwrite, fd, us("PROG"), 4, 0), 4);
	assert_int_equal(call(N_close, fd), 0);
	assert_int_equal(call(N_unlink, us("/bin/a")), 0);
	expect("/bin/c", "PROGram");
	assert_int_equal(stat_of("/bin/c").st_nlink, 1);
}

static void test_emptying(void **state)
{
	(void)state;
	assert_int_equal(call(N_rmdir, us("/etc")), -ENOTEMPTY);
	assert_int_equal(call(N_unlink, us("/etc/conf")), 0);
	assert_int_equal(call(N_unlink, us("/etc/conf")), -ENOENT);
	assert_int_equal(call(N_unlink, us("/etc/other")), 0);
	assert_int_equal(call(N_rmdir, us("/etc")), 0);
	assert_int_equal(make_file("/new/y", "y"), 0);
	assert_int_equal(call(N_rename, us("/new/y"), us("/new/x")), 0);
	expect("/new/x", "y");
	assert_int_equal(call(N_rename, us("/bin"), us("/tmp/bin")), 0);
	expect("/tmp/bin/c", "program");
}

/* ---- images that lie ---------------------------------------------------------------------------------------------- */

static bool accepted(void)
{
	const char *why;
	int error = vfs_init(&why);
	if (error)
		assert_non_null(why);
	return !error;
}

/* Walks everything there is to find. */
static void visit(const char *path, int depth)
{
	static char names[8][4096];
	long fd = call(N_open, us(path), K_O_NONBLOCK | K_O_NOFOLLOW, 0);
	if (fd < 0 || depth == 8)
		return;
	call(N_read, fd, BUFFER + 65536, 65536);
	long n = call(N_getdents64, fd, BUFFER, 4096);
	if (n > 0)
		memcpy(names[depth], MINE, n);
	for (long o = 0; n > 0 && o < n; o += *(uint16_t *)(names[depth] + o + 16)) {
		const char *name = names[depth] + o + 19;
		char below[5000];
		if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "proc") || !strcmp(name, "dev"))
			continue;
		snprintf(below, sizeof below, "%s/%s", path[1] ? path : "", name);
		call(N_lstat, us(below), BUFFER);
		call(N_readlink, us(below), BUFFER, 100);
		visit(below, depth + 1);
	}
	call(N_close, fd);
}

static void mutate_once(unsigned seed)
{
	srand(seed);
	image_make(0, base_items, BASE_COUNT);
	image_make(1, over_items, OVER_COUNT);
	/* Exactly as long as it says, so that the sanitizer sees a byte too far. */
	for (int which = 0; which < 2; which++) {
		char *exact = malloc(pack[which].length);
		memcpy(exact, pack[which].bytes, pack[which].length);
		free(pack[which].bytes);
		pack[which].bytes = exact;
	}
	for (int k = rand() % 4; k >= 0; k--) {
		int which = rand() & 1;
		unsigned span = 24 + 64 * (which ? OVER_COUNT : BASE_COUNT) + 40, at = rand() % span;
		static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, '/', '.'};
		pack[which].bytes[at] = rand() & 1 ? odd[rand() % 7] : pack[which].bytes[at] ^ (1 << (rand() & 7));
	}
	if (rand() % 8 == 0)
		pack[rand() & 1].length = rand() % 2000;
}

static void test_mutations(void **state)
{
	(void)state;
	unsigned good = 0;
	for (unsigned seed = 1; seed <= 4000; seed++) {
		mutate_once(seed);
		if (accepted()) {
			good++;
			proc_setup(procs, 10);
			visit("/", 0);
			fdtable_put(me->fds);
			fsctx_put(me->fs);
			me->state = PROC_FREE;
			inode_sweep();
		}
		/* Also when it was refused late, with the tree half made. */
		struct inode *root = vfs_root();
		if (root) {
			tree_drop(root);
			root->parent = NULL;
			inode_put(root);
		}
		tree_reset();
		free(pack[0].bytes);
		free(pack[1].bytes);
		assert_int_equal(hosted_pages, 0);
	}
	pack[0].bytes = pack[1].bytes = NULL;
	assert_true(good > 400 && good < 3900);
}

struct rule { unsigned entry, at, bytes; uint64_t value; const char *why; };

static void test_each_rule(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		{0, 0, 4, 1, "root"}, {3, 0, 4, 3, "parent"}, {3, 0, 4, 9, "parent"}, {6, 0, 4, 3, "parent"},
		{3, 4, 4, 5, "name outside"}, {3, 4, 4, 0xfffffff0, "name outside"}, {3, 8, 2, 0, "name length"},
		{3, 8, 2, 256, "name length"}, {3, 12, 4, 0644, "type"}, {3, 12, 4, 0xffffffff, "mode"},
		{3, 32, 8, 1u << 20, "data outside"}, {3, 32, 8, ~0ull, "data outside"}, {3, 40, 8, 65537, "data outside"},
		{3, 40, 8, ~0ull << 12, "data outside"}, {4, 32, 8, 0, "link target"}, {4, 32, 8, 4096, "link target"},
		{4, 40, 8, 1ull << 40, "link target"}, {7, 40, 8, 7, "hard link"}, {7, 40, 8, 8, "hard link"},
		{7, 40, 8, 2, "hard link"}, {7, 40, 8, 99, "hard link"}, {7, 48, 4, 2, "flags"}, {2, 4, 4, 0, "name outside"},
	};
	for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++) {
		const struct rule *r = rules + i;
		const char *why;
		char number[16];
		image_make(0, base_items, BASE_COUNT);
		le(pack[0].bytes + 24 + 64 * r->entry + r->at, r->value, r->bytes);
		assert_int_equal(vfs_init(&why), -EINVAL);
		if (!strstr(why, r->why))
			fail_msg("rule %u: %s, not %s", i, why, r->why);
		snprintf(number, sizeof number, "entry %u", r->entry);
		assert_non_null(strstr(why, number));
		free(pack[0].bytes);
		tree_reset();
	}
	pack[0].bytes = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_merge, setup_both, teardown_both),
		cmocka_unit_test_setup_teardown(test_listing_agrees_with_stat, setup_both, teardown_both),
		cmocka_unit_test_setup_teardown(test_copy_on_write, setup_both, teardown_both),
		cmocka_unit_test_setup_teardown(test_emptying, setup_both, teardown_both),
		cmocka_unit_test_setup(test_each_rule, arena_setup), cmocka_unit_test_setup(test_mutations, arena_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
