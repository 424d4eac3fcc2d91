/*
 * hosted.h - the rest of the server, as far as the tests of the files side need it, on an ordinary machine.
 *
 * Each *_test.c includes this once; it is program text, not declarations, and no part of the server.
 *
 * Pages are malloc'ed and counted, with a limit that tests may lower.  User memory is an arena of ARENA bytes;
 * a page of it may be made bad; every other address is EFAULT.  Waiting is recorded, and call() says BLOCKED;
 * waking only unlinks.  Time goes by a microsecond at every look.
 */
#ifndef VFS_HOSTED_H
#define VFS_HOSTED_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "vfs.h"
#include "../sys_file.h"
#include "../record.h"

#define ARENA (4u << 20)
#define ARENA_PAGES (ARENA / PAGE_BYTES)
#define PAGES_MAX 65536

bool refusal_on;
void refusal_quiet(const char *call, const char *option) { (void)call, (void)option; }
void refusal_other(const char *call, const char *option) { (void)call, (void)option; }
void refusal_walk(struct proc *p, struct inode *at, const char *name, size_t length, const char *rest)
{ (void)p, (void)at, (void)name, (void)length, (void)rest; }

/* ---- shares: none here ---------------------------------------------------------------------------------- */

const struct file_ops share_ops = {.name = "share"};
int share_look(struct proc *p, struct inode *dir, const struct name *name, const char *rest, struct inode **out)
{ (void)p, (void)dir, (void)name, (void)rest, (void)out; return -EIO; }
int share_lay(struct proc *p, struct inode *dir) { (void)p, (void)dir; return 0; }
int share_own(struct proc *p, struct inode *i, bool empty) { (void)p, (void)i, (void)empty; return 0; }
int share_refresh(struct proc *p, struct inode *i) { (void)p, (void)i; return -EIO; }
long share_open(struct proc *p, struct inode *i, uint32_t flags, struct file **out)
{ (void)p, (void)i, (void)flags, (void)out; return -EIO; }
long share_create(struct proc *p, struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{ (void)p, (void)w, (void)flags, (void)mode, (void)out; return -EIO; }
int share_make(struct proc *p, struct walk *w, uint32_t mode, const char *target)
{ (void)p, (void)w, (void)mode, (void)target; return -EIO; }
int share_remove(struct proc *p, struct walk *w) { (void)p, (void)w; return -EIO; }
int share_link(struct proc *p, struct inode *i, struct walk *w) { (void)p, (void)i, (void)w; return -EIO; }
int share_rename(struct proc *p, struct walk *from, struct walk *to, uint32_t flags)
{ (void)p, (void)from, (void)to, (void)flags; return -EIO; }
long share_set(struct proc *p, struct inode *i, const struct share_change *c) { (void)p, (void)i, (void)c; return -EIO; }
long share_list(struct proc *p, struct file *f, uint64_t to, size_t room, bool wide)
{ (void)p, (void)f, (void)to, (void)room, (void)wide; return -EIO; }
long share_space(struct proc *p, struct inode *i, struct share_space *s) { (void)p, (void)i, (void)s; return -EIO; }
long share_sync(struct proc *p, struct file *f, bool data_only) { (void)p, (void)f, (void)data_only; return -EIO; }
int share_load(struct proc *p, struct inode *i, uint64_t offset, uint64_t length)
{ (void)p, (void)i, (void)offset, (void)length; return -EIO; }
bool share_readonly(const struct inode *i) { (void)i; return true; }
uint64_t share_device(const struct inode *i) { (void)i; return 0; }
void share_free(struct inode *i) { (void)i; }
size_t share_mounts(char *to, size_t size) { (void)to, (void)size; return 0; }

/* ---- pages --------------------------------------------------------------------------------------------- */

static struct { char *bytes; uint32_t refs; } page_table[PAGES_MAX];
static uint32_t page_free_list[PAGES_MAX], page_free_count, page_high = 1;
static uint64_t hosted_pages, hosted_limit = 20000;
static struct { char *bytes; uint64_t length; } pack[2];

pageno page_alloc_raw(void)
{
	if (hosted_pages >= hosted_limit)
		return 0;
	pageno p = page_free_count ? page_free_list[--page_free_count] : page_high++;
	assert_true(p < PAGES_MAX);
	page_table[p].bytes = malloc(PAGE_BYTES);
	memset(page_table[p].bytes, 0xA5, PAGE_BYTES);
	page_table[p].refs = 1;
	hosted_pages++;
	return p;
}

pageno page_alloc(void)
{
	pageno p = page_alloc_raw();
	if (p)
		memset(page_table[p].bytes, 0, PAGE_BYTES);
	return p;
}

void page_get(pageno p)
{
	if (!(p & PAGE_PACK))
		page_table[p].refs++;
}

void page_put(pageno p)
{
	if (!p || (p & PAGE_PACK))
		return;
	assert_true(page_table[p].refs > 0);
	if (--page_table[p].refs)
		return;
	free(page_table[p].bytes);
	page_table[p].bytes = NULL;
	page_free_list[page_free_count++] = p;
	hosted_pages--;
}

uint32_t page_refs(pageno p) { return p & PAGE_PACK ? ~0u : page_table[p].refs; }
uint64_t pages_used(void) { return hosted_pages; }
uint64_t pages_limit(void) { return hosted_limit; }
uint64_t pages_for_data(void) { return hosted_limit - hosted_pages; }
uint64_t pages_peak(void) { return hosted_pages; }

void *page_addr(pageno p)
{
	if (p & PAGE_PACK)
		return pack[p >> 24 & 1].bytes + (uint64_t)(p & 0xffffff) * PAGE_BYTES;
	assert_true(page_table[p].refs > 0);
	return page_table[p].bytes;
}

const void *pack_bytes(unsigned tree, uint64_t *length)
{
	*length = pack[tree].length;
	return pack[tree].bytes;
}

pageno pack_page(unsigned tree, uint64_t offset)
{
	assert_true(offset + PAGE_BYTES <= pack[tree].length);
	return PAGE_PACK | tree << 24 | (pageno)(offset / PAGE_BYTES);
}

/* ---- time and waiting -------------------------------------------------------------------------------------- */

static uint64_t clock_ns = 1700000000000000000ull;
enum clock_grant clock_grant;

uint64_t now_ns(void) { return clock_ns += 1000; }
uint64_t uptime_ns(void) { return clock_ns - 1700000000000000000ull; }

struct timespec64 now_wall(void)
{
	uint64_t t = now_ns();
	return (struct timespec64){t / 1000000000, t % 1000000000};
}

long wait_on(struct proc *p, struct waitq *q)
{
	struct waiter *w = &p->waits[p->wait_count++];
	assert_true(p->wait_count <= 64);
	*w = (struct waiter){.next = q->head, .prev = &q->head, .proc = p, .queue = q};
	if (q->head)
		q->head->prev = &w->next;
	q->head = w;
	p->state = PROC_PARKED;
	return BLOCKED;
}

static void waits_leave(struct proc *p)
{
	for (unsigned i = 0; i < p->wait_count; i++) {
		struct waiter *w = &p->waits[i];
		*w->prev = w->next;
		if (w->next)
			w->next->prev = w->prev;
	}
	p->wait_count = 0;
	p->state = PROC_RUNNING;
}

void wake_all(struct waitq *q)
{
	while (q->head)
		waits_leave(q->head->proc);
}

static unsigned store_syncs;
static bool store_waits;                       /* the first call of each blocks, as it does with a store */

long store_sync(struct proc *p)
{
	if (store_waits && !p->progress) {
		p->progress = 1;
		return BLOCKED;
	}
	store_syncs++;
	return 0;
}

void wait_until(struct proc *p, uint64_t when) { p->deadline_ns = when; }

/* ---- processes and signals ------------------------------------------------------------------------------------ */

static struct proc procs[4];
static int last_signal;

struct proc *proc_find(int pid)
{
	for (unsigned i = 0; i < 4; i++)
		if (procs[i].state != PROC_FREE && procs[i].pid == pid)
			return procs + i;
	return NULL;
}

struct proc *proc_next(struct proc *p)
{
	for (p = p ? p + 1 : procs; p < procs + 4; p++)
		if (p->state != PROC_FREE)
			return p;
	return NULL;
}

int signal_send(struct proc *to, int sig, int code, int from)
{
	(void)to, (void)code, (void)from;
	last_signal = sig;
	return 0;
}


void server_log(const char *format, ...) { (void)format; }

/* ---- the record: its lines gather here ------------------------------------------------------------------------- */

static char recorded[1 << 20];
static size_t recorded_length;

void record_sink(const char *line, size_t length)
{
	assert_true(recorded_length + length < sizeof recorded);
	memcpy(recorded + recorded_length, line, length);
	recorded_length += length;
	recorded[recorded_length] = 0;
}

uint32_t record_site(struct proc *p) { (void)p; return 0; }

static uint32_t shim_clocks[8];
uint32_t *record_shim_counts(struct proc *p) { (void)p; return shim_clocks; }

/* ---- user memory ------------------------------------------------------------------------------------------------ */

static char *arena;
static bool arena_bad[ARENA_PAGES];

static bool user_good(uint64_t at)
{
	uint64_t base = (uintptr_t)arena;
	return at >= base && at < base + ARENA && !arena_bad[(at - base) / PAGE_BYTES];
}

void *user_window(struct proc *p, uint64_t at, size_t *n, bool write)
{
	(void)p, (void)write;
	size_t rest = PAGE_BYTES - at % PAGE_BYTES;
	if (!user_good(at))
		return NULL;
	if (*n > rest)
		*n = rest;
	return (void *)at;
}

static int user_copy(struct proc *p, char *mine, uint64_t theirs, size_t n, bool write)
{
	while (n) {
		size_t chunk = n;
		char *w = user_window(p, theirs, &chunk, write);
		if (!w)
			return -EFAULT;
		memcpy(write ? w : mine, write ? mine : w, chunk);
		mine += chunk, theirs += chunk, n -= chunk;
	}
	return 0;
}

int user_read(struct proc *p, void *to, uint64_t from, size_t n) { return user_copy(p, to, from, n, false); }
int user_write(struct proc *p, uint64_t to, const void *from, size_t n) { return user_copy(p, (void *)from, to, n, true); }

long user_string(struct proc *p, char *to, uint64_t from, size_t size)
{
	(void)p;
	for (size_t i = 0; i < size; i++) {
		if (!user_good(from + i))
			return -EFAULT;
		if (!(to[i] = *(char *)(from + i)))
			return i;
	}
	return -ENAMETOOLONG;
}

/* ---- what tests use ------------------------------------------------------------------------------------------------ */

/* The first half of the arena is for strings, handed out in turn; the second is the tests' own. */
static uint32_t string_next;
#define BUFFER ((uint64_t)(uintptr_t)arena + ARENA / 2)
#define MINE   (arena + ARENA / 2)

static uint64_t us(const char *text)
{
	size_t n = strlen(text) + 1;
	if (string_next + n > ARENA / 2)
		string_next = 0;
	char *at = arena + string_next;
	memcpy(at, text, n);
	string_next += n;
	return (uintptr_t)at;
}

static struct proc *me = procs;

static long call_again(struct proc *p)
{
	for (const struct syscall *s = file_syscalls; s->fn; s++)
		if (s->nr == p->nr)
			return s->fn(p, p->args);
	return -ENOSYS;
}

static long call_as(struct proc *p, uint32_t nr, const uint64_t *a)
{
	waits_leave(p);
	p->nr = nr;
	memcpy(p->args, a, sizeof p->args);
	p->progress = p->progress2 = 0;
	p->timed_out = p->interrupted = false;
	record_walks = 0;
	long r = call_again(p);
	if (record_on && r != BLOCKED)
		record_call(p, r);
	if (r != BLOCKED)
		waits_leave(p);
	return r;
}

/* A parked call runs again, as the server does it after a wake. */
__attribute__((unused)) static long resume(struct proc *p)
{
	waits_leave(p);
	return call_again(p);
}

#define call(nr, ...) call_as(me, nr, (uint64_t[6]){__VA_ARGS__})
#define CWD ((uint64_t)K_AT_FDCWD)

enum {
	N_fsync = 74, N_read = 0, N_write = 1, N_open = 2, N_close = 3, N_stat = 4, N_fstat = 5, N_lstat = 6, N_poll = 7,
	N_lseek = 8, N_ioctl = 16, N_pread = 17, N_pwrite = 18, N_readv = 19, N_writev = 20, N_access = 21,
	N_pipe = 22, N_select = 23, N_dup = 32, N_dup2 = 33, N_sendfile = 40, N_fcntl = 72, N_flock = 73,
	N_truncate = 76, N_ftruncate = 77, N_getcwd = 79, N_chdir = 80, N_rename = 82, N_mkdir = 83, N_rmdir = 84,
	N_link = 86, N_unlink = 87, N_symlink = 88, N_readlink = 89, N_chmod = 90, N_chown = 92, N_umask = 95,
	N_mknod = 133, N_statfs = 137, N_getdents64 = 217, N_openat = 257, N_newfstatat = 262, N_unlinkat = 263,
	N_linkat = 265, N_faccessat2 = 439, N_ppoll = 271, N_utimensat = 280, N_fallocate = 285, N_dup3 = 292,
	N_pipe2 = 293, N_renameat2 = 316, N_getrandom = 318, N_copy_file_range = 326, N_statx = 332,
	N_close_range = 436, N_sync_file_range = 277, N_pwritev = 296,
};

static void proc_setup(struct proc *p, int pid)
{
	memset(p, 0, sizeof *p);
	p->index = p - procs;
	p->state = PROC_RUNNING;
	p->pid = p->tid = p->pgid = p->sid = pid;
	p->ppid = 1;
	p->fds = fdtable_new();
	p->fs = fsctx_new(vfs_root());
	memset(p->rlimit, 0xff, sizeof p->rlimit);
	strcpy(p->comm, "test");
}

static int arena_setup(void **state)
{
	(void)state;
	if (!arena) {
		arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(arena != MAP_FAILED);
	}
	memset(arena_bad, 0, sizeof arena_bad);
	return 0;
}

/* A fresh, empty tree (or that of the images in pack) and two processes. */
static int hosted_setup(void **state)
{
	const char *why;
	arena_setup(state);
	assert_int_equal(vfs_init(&why), 0);
	proc_setup(procs, 10);
	proc_setup(procs + 1, 11);
	last_signal = 0;
	return 0;
}

static void tree_drop(struct inode *dir)
{
	struct dentry *d;
	if (dir->virtual || dir_open_image(dir))
		return;
	while ((d = dir_next(dir, 0))) {
		struct inode *i = dentry_inode(dir, d);
		if (S_ISDIR(i->mode) && !i->virtual)
			tree_drop(i);
		dir_remove(dir, d);
	}
}

/* All that is left when every process and name is gone is a leak. */
static int hosted_teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		if (procs[i].state == PROC_FREE)
			continue;
		waits_leave(procs + i);
		fdtable_put(procs[i].fds);
		fsctx_put(procs[i].fs);
		procs[i].state = PROC_FREE;
	}
	inode_sweep();
	struct inode *root = vfs_root();
	tree_drop(root);
	root->parent = NULL;
	inode_put(root);
	tree_reset();
	assert_int_equal(hosted_pages, 0);
	return 0;
}

__attribute__((unused)) static long make_file(const char *path, const char *text)
{
	long fd = call(N_open, us(path), K_O_CREAT | K_O_TRUNC | 2, 0644);
	if (fd < 0)
		return fd;
	if (*text)
		assert_int_equal(call(N_write, fd, us(text), strlen(text)), strlen(text));
	return call(N_close, fd);
}

__attribute__((unused)) static struct stat stat_of(const char *path)
{
	struct stat st;
	memset(&st, 0, sizeof st);
	assert_int_equal(call(N_lstat, us(path), BUFFER), 0);
	memcpy(&st, MINE, sizeof st);
	return st;
}

#define HOSTED_TEST(f) cmocka_unit_test_setup_teardown(f, hosted_setup, hosted_teardown)
#endif
