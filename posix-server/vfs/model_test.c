/*
 * model_test.c - random file operations against a model that is nothing but arrays: four directories of six
 * names, files as byte buffers.  Whatever one says, the other must say.
 */
/* TEST WITH: posix-server/vfs/inode.c posix-server/vfs/pagevec.c posix-server/vfs/regular.c posix-server/vfs/dir.c posix-server/vfs/tree.c posix-server/vfs/name.c posix-server/vfs/file.c posix-server/vfs/fd.c posix-server/vfs/pipe.c posix-server/vfs/locks.c posix-server/vfs/random.c posix-server/vfs/dev.c posix-server/vfs/proc.c posix-server/vfs/poll.c posix-server/vfs/path.c */
/* TEST WITH: posix-server/sys_file.c posix-server/sys_io.c posix-server/sys_stat.c posix-server/sys_name.c posix-server/record.c */
/* TEST WITH: posix-server/record_line.c posix-server/record_file.c posix-server/record_call.c posix-server/record_program.c */
#include "hosted.h"

#define DIRS 4
#define NAMES 6
#define FILES 64
#define OPEN 8
#define BYTES 40000
#define STEPS 100000

struct model_file { uint8_t bytes[BYTES]; long size; int names, opens; };

static struct model_file files[FILES];
static int named[DIRS][NAMES];            /* file, or -1 */
static struct { long fd; int file; long offset; bool append; } opened[OPEN];
static char path_text[2][32];

static const char *path_of(int k, int d, int n)
{
	snprintf(path_text[k], sizeof path_text[k], "/d%d/n%d", d, n);
	return path_text[k];
}

static int below(int n)
{
	return rand() % n;
}

static int file_new_model(void)
{
	for (int i = 0; i < FILES; i++)
		if (!files[i].names && !files[i].opens) {
			memset(files[i].bytes, 0, BYTES);
			files[i].size = 0;
			return i;
		}
	fail_msg("the model ran out of files");
	return -1;
}

static void step_open(void)
{
	int d = below(DIRS), n = below(NAMES), slot = below(OPEN);
	uint32_t flags = 2 | (below(2) ? K_O_CREAT : 0) | (below(3) ? 0 : K_O_TRUNC) | (below(4) ? 0 : K_O_APPEND) |
	                 (below(4) ? 0 : K_O_EXCL);
	if (opened[slot].fd >= 0) {
		assert_int_equal(call(N_close, opened[slot].fd), 0);
		files[opened[slot].file].opens--;
		opened[slot].fd = -1;
	}
	long fd = call(N_open, us(path_of(0, d, n)), flags, 0644);
	int f = named[d][n];
	if (f < 0 && !(flags & K_O_CREAT)) {
		assert_int_equal(fd, -ENOENT);
		return;
	}
	if (f >= 0 && (flags & K_O_CREAT) && (flags & K_O_EXCL)) {
		assert_int_equal(fd, -EEXIST);
		return;
	}
	assert_true(fd >= 0);
	if (f < 0) {
		f = named[d][n] = file_new_model();
		files[f].names = 1;
	} else if (flags & K_O_TRUNC) {
		memset(files[f].bytes, 0, BYTES);
		files[f].size = 0;
	}
	files[f].opens++;
	opened[slot].fd = fd;
	opened[slot].file = f;
	opened[slot].offset = 0;
	opened[slot].append = flags & K_O_APPEND;
}

static void step_write(int slot, bool positioned)
{
	struct model_file *f = files + opened[slot].file;
	long n = below(3) ? below(100) : below(9000), at = positioned ? below(BYTES - 9000) : opened[slot].offset;
	if (opened[slot].append)
		at = f->size;
	if (at + n > BYTES)
		return;
	for (long i = 0; i < n; i++)
		MINE[i] = rand();
	long r = positioned ? call(N_pwrite, opened[slot].fd, BUFFER, n, at) : call(N_write, opened[slot].fd, BUFFER, n);
	assert_int_equal(r, n);
	memcpy(f->bytes + at, MINE, n);
	if (n && at + n > f->size)
		f->size = at + n;
	if (!positioned && n)
		opened[slot].offset = at + n;
}

static void step_read(int slot, bool positioned)
{
	struct model_file *f = files + opened[slot].file;
	long n = below(9000), at = positioned ? below(BYTES) : opened[slot].offset, from = below(5000);
	long expected = at >= f->size ? 0 : n < f->size - at ? n : f->size - at;
	long r = positioned ? call(N_pread, opened[slot].fd, BUFFER + from, n, at)
	                    : call(N_read, opened[slot].fd, BUFFER + from, n);
	assert_int_equal(r, expected);
	assert_memory_equal(MINE + from, f->bytes + at, r);
	if (!positioned)
		opened[slot].offset += r;
}

static void step_cut(int slot)
{
	struct model_file *f = files + opened[slot].file;
	long size = below(BYTES);
	assert_int_equal(call(N_ftruncate, opened[slot].fd, size), 0);
	if (size < f->size)
		memset(f->bytes + size, 0, f->size - size);
	f->size = size;
}

static void step_unlink(void)
{
	int d = below(DIRS), n = below(NAMES);
	long r = call(N_unlink, us(path_of(0, d, n)));
	assert_int_equal(r, named[d][n] < 0 ? -ENOENT : 0);
	if (r == 0) {
		files[named[d][n]].names--;
		named[d][n] = -1;
	}
}

static void step_link_or_rename(bool rename)
{
	int d = below(DIRS), n = below(NAMES), e = below(DIRS), m = below(NAMES);
	long r = call(rename ? N_rename : N_link, us(path_of(0, d, n)), us(path_of(1, e, m)));
	int f = named[d][n], old = named[e][m];
	if (f < 0 || (!rename && old >= 0)) {
		assert_int_equal(r, f < 0 ? -ENOENT : -EEXIST);
		return;
	}
	assert_int_equal(r, 0);
	if (f == old)
		return;
	if (old >= 0)
		files[old].names--;
	named[e][m] = f;
	if (rename)
		named[d][n] = -1;
	else
		files[f].names++;
}

static void step_stat(void)
{
	int d = below(DIRS), n = below(NAMES), f = named[d][n];
	long r = call(N_stat, us(path_of(0, d, n)), BUFFER);
	assert_int_equal(r, f < 0 ? -ENOENT : 0);
	if (r)
		return;
	struct stat *st = (struct stat *)MINE;
	assert_int_equal(st->st_size, files[f].size);
	assert_int_equal(st->st_nlink, files[f].names);
}

static void step_list(void)
{
	int d = below(DIRS), count = 0, seen = 0;
	char path[16];
	snprintf(path, sizeof path, "/d%d", d);
	long fd = call(N_open, us(path), K_O_DIRECTORY, 0), n = call(N_getdents64, fd, BUFFER, 4096);
	for (int i = 0; i < NAMES; i++)
		count += named[d][i] >= 0;
	for (long o = 0; o < n; o += *(uint16_t *)(MINE + o + 16)) {
		if (MINE[o + 19] == '.')
			continue;
		assert_true(named[d][MINE[o + 20] - '0'] >= 0);
		seen++;
	}
	assert_int_equal(seen, count);
	assert_int_equal(call(N_close, fd), 0);
}

static void step(void)
{
	int slot = below(OPEN);
	int what = below(16);
	switch (what) {
	case 0: case 1: step_open(); return;
	case 2: step_unlink(); return;
	case 3: case 4: step_link_or_rename(what == 3); return;
	case 5: case 6: step_stat(); return;
	case 7: step_list(); return;
	}
	if (opened[slot].fd < 0)
		return;
	switch (what) {
	case 8: case 9: case 10: step_write(slot, what == 8); return;
	case 11: case 12: case 13: step_read(slot, what == 11); return;
	case 14: step_cut(slot); return;
	default:
		opened[slot].offset = below(BYTES);
		assert_int_equal(call(N_lseek, opened[slot].fd, opened[slot].offset, 0), opened[slot].offset);
	}
}

static void test_random_operations(void **state)
{
	(void)state;
	srand(7);
	memset(named, 0xff, sizeof named);
	for (int i = 0; i < OPEN; i++)
		opened[i].fd = -1;
	for (int d = 0; d < DIRS; d++) {
		char path[16];
		snprintf(path, sizeof path, "/d%d", d);
		assert_int_equal(call(N_mkdir, us(path), 0755), 0);
	}
	for (int i = 0; i < STEPS; i++)
		step();
}

/* Any call with any arguments: nothing but the sanitizers judges. */
static uint64_t random_argument(void)
{
	static const char *const paths[] = {
		"/", ".", "..", "a", "/a", "a/b", "/tmp/x", "/dev/null", "/proc/self/fd/3", "/proc/self/stat", "", "a/",
		"/proc/10/fd", "/dev/zero", "l", "/proc/self/cwd/a", "fifo", "/proc/self/exe",
	};
	switch (below(8)) {
	case 0: return below(12);
	case 1: return us(paths[below(18)]);
	case 2: return BUFFER + below(ARENA / 2 - 70000);
	case 3: return (uint64_t)rand() << 32 | rand();
	case 4: return ~0ull - below(200);
	case 5: return 1ull << below(64);
	case 6: return CWD;
	default: return below(70000);
	}
}

static void test_random_calls(void **state)
{
	(void)state;
	unsigned count = 0;
	while (file_syscalls[count].fn)
		count++;
	srand(9);
	me->rlimit[1][0] = 1 << 20;
	for (int i = 0; i < STEPS; i++) {
		uint64_t a[6];
		struct proc *p = procs + below(2);
		for (int k = 0; k < 6; k++)
			a[k] = random_argument();
		string_next = below(1000) ? string_next : 0;
		call_as(p, file_syscalls[below(count)].nr, a);
		if (below(50) == 0)
			p->euid = below(2) ? 0 : 1000;
		if (below(200) == 0)
			for (int fd = 0; fd < 1024; fd++)
				call_as(p, N_close, (uint64_t[6]){fd});
		p->sig_mask = 0;
		p->restore_mask = false;
	}
	me->euid = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {HOSTED_TEST(test_random_operations), HOSTED_TEST(test_random_calls)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
