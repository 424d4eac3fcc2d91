/*
 * proc.c - /proc: what tools read there, made at the look from the process table.
 *
 * Nothing is kept: a lookup makes a loose inode (inode.c) that says which kind of entry it is and of which
 * process; opening a file writes its text once.  Only processes of this sandbox are in the table, so nothing
 * of the machine or of other sandboxes can show.
 *
 * Invariants
 *   1. An inode's process may be gone at any later call: every function looks it up anew, ENOENT or ESRCH.
 *   2. Numbers of inodes depend on process, kind and descriptor alone, so that stat is stable.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vfs.h"

struct text { char *at, *end; };

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum kind {
	ROOT, PID, FD, FD_LINK, SYS, SYS_KERNEL, SELF, EXE, CWD, ROOT_LINK,
	CMDLINE, COMM, ENVIRON, MAPS, STAT, STATM, STATUS, LIMITS,
	MEMINFO, CPUINFO, SYSSTAT, UPTIME, LOADAVG, VERSION, MOUNTS, FILESYSTEMS, BOOT_CMDLINE,
	OSTYPE, OSRELEASE, HOSTNAME, PID_MAX,
	KINDS
};

struct entry { const char *name; enum kind kind; };

static const struct entry root_entries[] = {
	{"self", SELF}, {"cmdline", BOOT_CMDLINE}, {"cpuinfo", CPUINFO}, {"filesystems", FILESYSTEMS},
	{"loadavg", LOADAVG}, {"meminfo", MEMINFO}, {"mounts", MOUNTS}, {"stat", SYSSTAT}, {"sys", SYS},
	{"uptime", UPTIME}, {"version", VERSION}, {NULL, 0},
};
static const struct entry pid_entries[] = {
	{"cmdline", CMDLINE}, {"comm", COMM}, {"cwd", CWD}, {"environ", ENVIRON}, {"exe", EXE}, {"fd", FD},
	{"limits", LIMITS}, {"maps", MAPS}, {"mounts", MOUNTS}, {"root", ROOT_LINK}, {"stat", STAT},
	{"statm", STATM}, {"status", STATUS}, {NULL, 0},
};
static const struct entry sys_entries[] = {{"kernel", SYS_KERNEL}, {NULL, 0}};
static const struct entry kernel_entries[] = {
	{"hostname", HOSTNAME}, {"osrelease", OSRELEASE}, {"ostype", OSTYPE}, {"pid_max", PID_MAX}, {NULL, 0},
};

static struct inode *root;
static const struct virtual_ops procfs_ops;

/* mem.c has the real ones. */
__attribute__((weak)) size_t mm_maps_text(struct proc *p, char *to, size_t size)
{
	(void)p, (void)to, (void)size;
	return 0;
}

__attribute__((weak)) void mm_sizes(struct proc *p, uint64_t *virtual_bytes, uint64_t *resident_pages)
{
	(void)p;
	*virtual_bytes = *resident_pages = 0;
}

/* ---- inodes ------------------------------------------------------------------------------------------ */

static const struct entry *entries_of(enum kind kind)
{
	switch (kind) {
	case ROOT:       return root_entries;
	case PID:        return pid_entries;
	case SYS:        return sys_entries;
	case SYS_KERNEL: return kernel_entries;
	default:         return NULL;
	}
}

static uint32_t kind_mode(enum kind kind)
{
	switch (kind) {
	case ROOT: case PID: case SYS: case SYS_KERNEL:
		return S_IFDIR | 0555;
	case FD:
		return S_IFDIR | 0500;
	case SELF: case EXE: case CWD: case ROOT_LINK:
		return S_IFLNK | 0777;
	case FD_LINK:
		return S_IFLNK | 0700;
	case ENVIRON:
		return S_IFREG | 0400;
	default:
		return S_IFREG | 0444;
	}
}

static uint64_t kind_number(enum kind kind, int pid, int fd)
{
	return 1ull << 40 | (uint64_t)pid << 20 | (uint64_t)kind << 12 | (uint64_t)fd;
}

static struct inode *inode_of(struct inode *dir, enum kind kind, int pid, int fd, const char *name)
{
	struct inode *i = inode_loose(kind_mode(kind));
	if (!i)
		return NULL;
	struct proc *of = pid ? proc_find(pid) : NULL;
	i->number = kind_number(kind, pid, fd);
	i->virtual = &procfs_ops;
	i->nlink = S_ISDIR(i->mode) ? 2 : 1;
	i->atime = i->mtime = i->ctime = time_tick();
	if (of) {
		i->uid = of->euid;
		i->gid = of->egid;
	}
	i->proc.kind = kind;
	i->proc.pid = pid;
	i->proc.fd = fd;
	snprintf(i->proc.digits, sizeof i->proc.digits, "%d", kind == PID ? pid : fd);
	i->name = name ? name : i->proc.digits;
	i->name_length = strlen(i->name);
	i->parent = dir;
	if (dir != root) {
		i->holds_parent = true;
		inode_get(dir);
	}
	return i;
}

/* A decimal number without leading zeroes, below a million; else -1. */
static int number_of(const struct name *name)
{
	int n = 0;
	if (name->length == 0 || name->length > 6 || (name->text[0] == '0' && name->length > 1))
		return -1;
	for (uint32_t i = 0; i < name->length; i++) {
		if (name->text[i] < '0' || name->text[i] > '9')
			return -1;
		n = n * 10 + name->text[i] - '0';
	}
	return n;
}

static struct file *file_of(struct proc *of, int fd)
{
	return of && of->fds && fd >= 0 ? fd_get(of, fd) : NULL;
}

static int procfs_lookup(struct inode *dir, struct proc *p, const struct name *name, struct inode **out)
{
	enum kind kind = dir->proc.kind;
	int pid = dir->proc.pid, n = number_of(name);
	(void)p;
	*out = NULL;
	if (pid && !proc_find(pid))
		return -ENOENT;
	if (kind == ROOT && n > 0) {
		if (!proc_find(n))
			return 0;
		*out = inode_of(dir, PID, n, 0, NULL);
		return *out ? 0 : -ENOMEM;
	}
	if (kind == FD) {
		if (!file_of(proc_find(pid), n))
			return 0;
		*out = inode_of(dir, FD_LINK, pid, n, NULL);
		if (!*out)
			return -ENOMEM;
		struct file *f = file_of(proc_find(pid), n);
		(*out)->mode = S_IFLNK | (file_readable(f) ? 0500 : 0) | (file_writable(f) ? 0300 : 0);
		return 0;
	}
	for (const struct entry *e = entries_of(kind); e && e->name; e++)
		if (strlen(e->name) == name->length && !memcmp(e->name, name->text, name->length)) {
			*out = inode_of(dir, e->kind, pid, 0, e->name);
			return *out ? 0 : -ENOMEM;
		}
	return 0;
}

/* Cookies: fixed entries first, then 256 + the process's place in the table; the list has its own order. */
static bool next_process(uint64_t *cookie, char name[32], uint64_t *number, uint32_t *type)
{
	struct proc *first = NULL;
	for (struct proc *q = proc_next(NULL); q; q = proc_next(q))
		if (256u + q->index >= *cookie && q->tid == q->pid && (!first || q->index < first->index))
			first = q;
	if (!first)
		return false;
	*cookie = 256u + first->index;
	snprintf(name, 32, "%d", first->pid);
	*number = kind_number(PID, first->pid, 0);
	*type = S_IFDIR;
	return true;
}

static bool next_descriptor(struct proc *of, uint64_t *cookie, char name[32], uint64_t *number, uint32_t *type)
{
	for (; of && of->fds && *cookie < of->fds->size; ++*cookie) {
		if (!of->fds->fd[*cookie].file)
			continue;
		snprintf(name, 32, "%d", (int)*cookie);
		*number = kind_number(FD_LINK, of->pid, *cookie);
		*type = S_IFLNK;
		return true;
	}
	return false;
}

static bool procfs_next(struct inode *dir, struct proc *p, uint64_t *cookie, char name[32], uint64_t *number,
	uint32_t *type)
{
	(void)p;
	enum kind kind = dir->proc.kind;
	if (kind == FD)
		return next_descriptor(proc_find(dir->proc.pid), cookie, name, number, type);
	const struct entry *e = entries_of(kind);
	uint64_t count = 0;
	while (e[count].name)
		count++;
	if (*cookie < count) {
		e += *cookie;
		strcpy(name, e->name);
		*number = kind_number(e->kind, dir->proc.pid, 0);
		*type = kind_mode(e->kind) & S_IFMT;
		return true;
	}
	return kind == ROOT && next_process(cookie, name, number, type);
}

/* ---- links --------------------------------------------------------------------------------------------- */

static int procfs_jump(struct inode *link, struct proc *p, struct inode **to)
{
	struct proc *of = proc_find(link->proc.pid);
	struct file *f;
	(void)p;
	switch (link->proc.kind) {
	case SELF:
		return -EAGAIN;
	case EXE:
		*to = of ? of->exe : NULL;
		break;
	case CWD:
		*to = of && of->fs ? of->fs->cwd : NULL;
		break;
	case ROOT_LINK:
		*to = of && of->fs ? of->fs->root : NULL;
		break;
	case FD_LINK:
		f = file_of(of, link->proc.fd);
		if (f && !f->inode)
			return -ENXIO;
		*to = f ? f->inode : NULL;
		break;
	default:
		return -EINVAL;
	}
	return *to ? 0 : -ENOENT;
}

static long link_text(struct inode *i, struct file *f, char *to, size_t size)
{
	if (!i)
		return snprintf(to, size, "anon_inode:[%s]", f->ops->name);
	if (S_ISFIFO(i->mode) && !i->name)
		return snprintf(to, size, "pipe:[%llu]", (unsigned long long)i->number);
	int n = inode_path(i, to, size);
	return n >= 0 ? n : snprintf(to, size, "/%llu (deleted)", (unsigned long long)i->number);
}

static long procfs_target(struct inode *link, struct proc *p, char *to, size_t size)
{
	if (link->proc.kind == SELF)
		return snprintf(to, size, "%d", p->pid);
	if (link->proc.kind == FD_LINK) {
		struct file *f = file_of(proc_find(link->proc.pid), link->proc.fd);
		return f ? link_text(f->inode, f, to, size) : -ENOENT;
	}
	struct inode *i;
	int error = procfs_jump(link, p, &i);
	return error ? error : link_text(i, NULL, to, size);
}

/* ---- texts ----------------------------------------------------------------------------------------------- */

static void put(struct text *t, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int n = vsnprintf(t->at, t->end - t->at, format, list);
	va_end(list);
	if (n > 0)
		t->at += n < t->end - t->at ? n : t->end - t->at - 1;
}

static char state_letter(const struct proc *of, const struct proc *asking)
{
	if (of->state == PROC_ZOMBIE)
		return 'Z';
	if (of->state == PROC_STOPPED)
		return 'T';
	return of == asking || of->state == PROC_RUNNING ? 'R' : 'S';
}

static unsigned thread_count(const struct proc *of)
{
	unsigned n = 0;
	for (struct proc *q = proc_next(NULL); q; q = proc_next(q))
		n += q->pid == of->pid;
	return n;
}

static void text_stat(struct text *t, struct proc *of, struct proc *p)
{
	uint64_t bytes, pages;
	mm_sizes(of, &bytes, &pages);
	put(t, "%d (%.15s) %c %d %d %d 1281 %d 0 0 0 0 0 %llu 0 0 0 20 0 %u 0 0 %llu %llu ", of->pid, of->comm,
		state_letter(of, p), of->ppid, of->pgid, of->sid, of->pgid,
		(unsigned long long)of->cpu_used_ns / 10000000, thread_count(of), (unsigned long long)bytes,
		(unsigned long long)pages);
	put(t, "18446744073709551615 0 0 0 0 0 %llu %llu 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
		(unsigned long long)(of->sig_pending & 0x7fffffff), (unsigned long long)(of->sig_mask & 0x7fffffff),
		of->state == PROC_ZOMBIE ? of->exit_status : 0);
}

static void text_status(struct text *t, struct proc *of, struct proc *p)
{
	static const struct { char letter; const char *word; } words[] = {
		{'R', "R (running)"}, {'S', "S (sleeping)"}, {'T', "T (stopped)"}, {'Z', "Z (zombie)"},
	};
	uint64_t bytes, pages;
	unsigned w = 0;
	while (words[w].letter != state_letter(of, p))
		w++;
	mm_sizes(of, &bytes, &pages);
	put(t, "Name:\t%.15s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		of->comm, of->fs ? of->fs->umask : 022, words[w].word, of->pid, of->pid, of->ppid);
	put(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t\n", of->uid, of->euid, of->suid,
		of->euid, of->gid, of->egid, of->sgid, of->egid, of->fds ? of->fds->size : 0);
	put(t, "VmSize:\t%8llu kB\nVmRSS:\t%8llu kB\nThreads:\t%u\n", (unsigned long long)bytes / 1024,
		(unsigned long long)pages * 4, thread_count(of));
	put(t, "SigPnd:\t%016llx\nShdPnd:\t0000000000000000\nSigBlk:\t%016llx\n", (unsigned long long)of->sig_pending,
		(unsigned long long)of->sig_mask);
}

static void text_statm(struct text *t, struct proc *of)
{
	uint64_t bytes, pages;
	mm_sizes(of, &bytes, &pages);
	put(t, "%llu %llu 0 0 0 0 0\n", (unsigned long long)bytes / PAGE_BYTES, (unsigned long long)pages);
}

static void text_cmdline(struct text *t, struct proc *of)
{
	size_t n = of->cmdline_length, room = t->end - t->at;
	if (n > room)
		n = room;
	if (of->cmdline)
		memcpy(t->at, of->cmdline, n);
	t->at += of->cmdline ? n : 0;
}

static void text_limits(struct text *t, struct proc *of)
{
	static const char *const names[] = {
		"Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size",
		"Max resident set", "Max processes", "Max open files", "Max locked memory", "Max address space",
	};
	put(t, "%-26s%-21s%-21s\n", "Limit", "Soft Limit", "Hard Limit");
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		put(t, "%-26s", names[i]);
		for (int hard = 0; hard < 2; hard++) {
			if (of->rlimit[i][hard] == ~0ull)
				put(t, "%-21s", "unlimited");
			else
				put(t, "%-21llu", (unsigned long long)of->rlimit[i][hard]);
		}
		put(t, "\n");
	}
}

static void text_meminfo(struct text *t)
{
	unsigned long long total = pages_limit() * 4, free = (pages_limit() - pages_used()) * 4;
	put(t, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\nMemAvailable:   %8llu kB\n", total, free, free);
	put(t, "Buffers:               0 kB\nCached:                0 kB\nSwapCached:            0 kB\n");
	put(t, "Shmem:                 0 kB\nSReclaimable:          0 kB\n");
	put(t, "SwapTotal:             0 kB\nSwapFree:              0 kB\n");
}

static void text_cpuinfo(struct text *t)
{
	put(t, "processor\t: 0\nvendor_id\t: Keros\nmodel name\t: Keros virtual CPU\ncpu cores\t: 1\n");
	put(t, "flags\t\t: fpu tsc cx8 cmov fxsr mmx sse sse2 syscall nx lm\naddress sizes\t: 40 bits physical, "
		"47 bits virtual\n\n");
}

static void text_sysstat(struct text *t)
{
	uint64_t used = 0;
	unsigned running = 0, count = 0;
	for (struct proc *q = proc_next(NULL); q; q = proc_next(q), count++) {
		used += q->cpu_used_ns;
		running += q->state == PROC_RUNNING;
	}
	uint64_t up = uptime_ns();
	unsigned long long busy = used / 10000000, idle = up > used ? (up - used) / 10000000 : 0;
	struct timespec64 now = now_wall();
	put(t, "cpu  %llu 0 0 %llu 0 0 0 0 0 0\ncpu0 %llu 0 0 %llu 0 0 0 0 0 0\n", busy, idle, busy, idle);
	put(t, "intr 0\nctxt 0\nbtime %lld\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
		(long long)(now.tv_sec - up / 1000000000), count, running);
}

static void text_loadavg(struct text *t)
{
	unsigned running = 0, count = 0;
	int last = 0;
	for (struct proc *q = proc_next(NULL); q; q = proc_next(q), count++) {
		running += q->state == PROC_RUNNING;
		last = q->pid > last ? q->pid : last;
	}
	put(t, "0.00 0.00 0.00 %u/%u %d\n", running, count, last);
}

static void text_uptime(struct text *t)
{
	unsigned long long hundredths = uptime_ns() / 10000000;
	put(t, "%llu.%02llu 0.00\n", hundredths / 100, hundredths % 100);
}

/* Of the machine, that is, of the sandbox. */
static bool text_system(struct text *t, enum kind kind)
{
	switch (kind) {
	case MEMINFO:      text_meminfo(t); break;
	case CPUINFO:      text_cpuinfo(t); break;
	case SYSSTAT:      text_sysstat(t); break;
	case UPTIME:       text_uptime(t); break;
	case LOADAVG:      text_loadavg(t); break;
	case VERSION:      put(t, "%s version %s %s\n", UNAME_SYSNAME, UNAME_RELEASE, UNAME_VERSION); break;
	case MOUNTS:           /* no "rootfs": df and mount take that for the one below the real root */
		put(t, "keros / tmpfs rw 0 0\nproc /proc proc rw 0 0\n%s", vfs_tmp_pages ? "tmpfs /tmp tmpfs rw 0 0\n" : "");
		t->at += share_mounts(t->at, t->end - t->at);
		break;
	case FILESYSTEMS:  put(t, "nodev\ttmpfs\nnodev\tproc\n"); break;
	case BOOT_CMDLINE: put(t, "\n"); break;
	case OSTYPE:       put(t, "%s\n", UNAME_SYSNAME); break;
	case OSRELEASE:    put(t, "%s\n", UNAME_RELEASE); break;
	case HOSTNAME:     put(t, "%s\n", UNAME_NODENAME); break;
	case PID_MAX:      put(t, "32768\n"); break;
	default:           return false;
	}
	return true;
}

static long procfs_text(struct inode *i, struct proc *p, char *to, size_t size)
{
	struct text t = {to, to + size};
	struct proc *of = proc_find(i->proc.pid);
	if (text_system(&t, i->proc.kind))
		return t.at - to;
	if (!of)
		return -ESRCH;
	switch (i->proc.kind) {
	case CMDLINE: text_cmdline(&t, of); break;
	case COMM:    put(&t, "%.15s\n", of->comm); break;
	case ENVIRON: break;
	case MAPS:    t.at += of->mm ? mm_maps_text(of, to, size) : 0; break;
	case STAT:    text_stat(&t, of, p); break;
	case STATM:   text_statm(&t, of); break;
	case STATUS:  text_status(&t, of, p); break;
	case LIMITS:  text_limits(&t, of); break;
	default:      return -EINVAL;
	}
	return t.at - to;
}

static const struct virtual_ops procfs_ops = {
	.lookup = procfs_lookup, .next = procfs_next, .target = procfs_target, .jump = procfs_jump, .text = procfs_text,
};

/* ---- the mount ----------------------------------------------------------------------------------------- */

struct inode *procfs_root(void)
{
	return root;
}

/* Takes the place of the directory /proc, which vfs_init has provided. */
int proc_mount(struct inode *top)
{
	struct name name = name_of("proc", 4);
	struct dentry *d = dir_find(top, &name);
	struct inode *i = inode_new(kind_mode(ROOT), 0, 0);
	if (!i || !d)
		return -ENOMEM;
	i->refs = 1;
	i->nlink = 2;
	i->number = kind_number(ROOT, 0, 0);
	i->virtual = &procfs_ops;
	i->proc.kind = ROOT;
	i->atime = i->mtime = i->ctime = time_tick();
	dir_replace(top, d, i);
	root = i;
	return 0;
}
