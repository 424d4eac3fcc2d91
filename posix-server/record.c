/*
 * record.c - see record.h.
 *
 * The common case is a use that was seen before: an inode's uses are found through a small cache by inode and
 * use, so that a name is put together once and not at every look.  A rename empties the cache, since it changes
 * names without touching the inodes below them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "record.h"
#include "vfs/vfs.h"

#define BUCKETS 4096u
#define CACHE 1024u
#define PROGRAMS_MAX 4096u
#define STREAMS 4u
#define SITES_TOLD 24u

struct record {
	struct record *next;
	uint32_t hash, id, count, absolute;
	uint16_t error, program, length;
	uint8_t kind, use;
	char name[];
};

struct cached { const struct inode *inode; const char *name; uint64_t number; struct record *record; uint16_t program; uint8_t use; };

bool record_on;
unsigned record_walks;

static struct record *buckets[BUCKETS];
static struct cached cache[CACHE];
static struct record **all;            /* by id - 1 */
static uint32_t all_size, record_count, lost;
static char *program_names[PROGRAMS_MAX];
static unsigned program_count;
static uint64_t began_ns;
static int last_pid;

/* The walks of the call being served. */
static struct {
	struct inode *dir;             /* where the last look was */
	struct inode *found;
	const char *name, *rest;
	size_t length;
	int error;
	bool absolute, parent;
} walks[2];

static struct { bool held, used; } streams[STREAMS];
static const char *const stream_names[STREAMS] = { "standard input", "standard output", "standard error", "terminal" };

static const char *const kind_names[RECORD_KINDS] = {
	"path", "device", "proc", "socket", "signal", "clock", "random", "env", "stream", "identity", "process",
	"resource", "missing",
};
static const char *const use_names[USES] = {
	"stat", "read", "write", "create", "delete", "list", "exec", "follow", "attr", "enter", "seen", "map", "send",
	"connect", "bind", "sleep", "set", "self", "visible", "spawn", "control", "call",
};

/* ---- lines ----------------------------------------------------------------------------------------------- */

struct line { char text[8192]; size_t used; };

static void put(struct line *l, const char *text)
{
	size_t n = strlen(text);

	if (l->used + n >= sizeof l->text)
		return;
	memcpy(l->text + l->used, text, n);
	l->used += n;
}

/* ,"key":number, without printf, which is the dearest part of a line. */
static void put_number(struct line *l, const char *key, uint64_t n)
{
	char digits[24], *at = digits + sizeof digits;

	*--at = 0;
	do
		*--at = '0' + n % 10;
	while (n /= 10);
	put(l, key);
	put(l, at);
}

/* Every byte that is not plain ASCII becomes \u00XX: a name is bytes, and the host gets the same bytes back. */
static void put_string(struct line *l, const char *s, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *at = l->text + l->used, *end = l->text + sizeof l->text - 600;

	*at++ = '"';
	for (size_t i = 0; i < length && at < end; i++) {
		unsigned char c = s[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			*at++ = c;
			continue;
		}
		memcpy(at, "\\u00", 4);
		at[4] = digits[c >> 4];
		at[5] = digits[c & 15];
		at += 6;
	}
	*at++ = '"';
	l->used = at - l->text;
}

static void line_out(struct line *l)
{
	l->text[l->used++] = '\n';
	record_sink(l->text, l->used);
	l->used = 0;
}

static struct line line;

/* Whoever looks at hundreds of names does so from few places: of each program's calls on names the first are enough. */
static bool site_wanted(const struct proc *p, const struct record *r)
{
	static uint8_t told[256];
	uint8_t *n = &told[(p->program * 61u + p->nr) % sizeof told];

	if (r->kind != RECORD_PATH)
		return true;
	return *n < SITES_TOLD && ++*n;
}

static void tell(struct proc *p, const struct record *r)
{
	uint32_t site = p && p->mm && site_wanted(p, r) ? record_site(p) : 0;

	put_number(&line, "{\"id\":", r->id);
	put_number(&line, ",\"program\":", r->program);
	put(&line, ",\"kind\":\"");
	put(&line, kind_names[r->kind]);
	put(&line, "\",\"use\":\"");
	put(&line, use_names[r->use]);
	put(&line, "\",\"name\":");
	put_string(&line, r->name, r->length);
	if (r->error)
		put_number(&line, ",\"error\":", r->error);
	put_number(&line, ",\"call\":", p ? p->nr : 0);
	if (site)
		put_number(&line, ",\"site\":", site);
	put(&line, "}");
	line_out(&line);
}

/* ---- the table --------------------------------------------------------------------------------------------- */

static uint32_t hash_of(unsigned kind, unsigned use, unsigned error, unsigned program, const char *name, size_t length)
{
	uint32_t h = kind * 31 + use * 1021 + error * 65537 + program * 2654435761u;

	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static bool all_grow(void)
{
	uint32_t size = all_size ? all_size * 2 : 1024;
	struct record **more;

	if (record_count < all_size)
		return true;
	more = realloc(all, size * sizeof *more);
	if (!more)
		return false;
	all = more;
	all_size = size;
	return true;
}

static struct record *record_make(uint32_t hash, const char *name, size_t length)
{
	struct record *r = all_grow() ? malloc(sizeof *r + length) : NULL;

	if (!r) {
		lost++;
		return NULL;
	}
	*r = (struct record){ .next = buckets[hash % BUCKETS], .hash = hash, .id = record_count + 1, .length = length };
	memcpy(r->name, name, length);
	buckets[hash % BUCKETS] = r;
	all[record_count++] = r;
	return r;
}

/* The record of a use, counted once more; NULL without memory. */
static struct record *note(struct proc *p, unsigned kind, unsigned use, unsigned error, const char *name, size_t length)
{
	unsigned program = p ? p->program : 0;
	uint32_t hash;
	struct record *r;

	if (length > PATH_LIMIT)
		length = PATH_LIMIT;
	hash = hash_of(kind, use, error, program, name, length);
	for (r = buckets[hash % BUCKETS]; r; r = r->next)
		if (r->hash == hash && r->length == length && r->kind == kind && r->use == use && r->error == error &&
		    r->program == program && !memcmp(r->name, name, length)) {
			r->count++;
			return r;
		}
	if (record_count >= RECORDS_MAX && kind == RECORD_PATH && name[length - 1] != '*') {
		static char shorter[PATH_LIMIT + 2];
		size_t n = length;

		while (n && name[n - 1] != '/')
			n--;
		memcpy(shorter, name, n);
		shorter[n] = '*';
		return note(p, kind, use, error, shorter, n + 1);
	}
	r = record_make(hash, name, length);
	if (!r)
		return NULL;
	r->kind = kind, r->use = use, r->error = error, r->program = program;
	r->count = 1;
	tell(p, r);
	return r;
}

static unsigned error_of(long result)
{
	return result < 0 && result >= -4095 ? -result : 0;
}

void record_name(struct proc *p, enum record_kind kind, enum record_use use, const char *name, size_t length, long result)
{
	note(p, kind, use, error_of(result), name, length);
}

static void note_text(struct proc *p, enum record_kind kind, enum record_use use, const char *name, long result)
{
	note(p, kind, use, error_of(result), name, strlen(name));
}

/* ---- files -------------------------------------------------------------------------------------------------- */

static char path[PATH_LIMIT * 2 + 2];

/* /proc/12/stat is "/proc/self/stat" of process 12, and "/proc/other/stat" for all others. */
static size_t proc_name(struct proc *p, char *text, size_t length)
{
	char rest[256];
	int pid = 0;
	size_t i = 6;

	if (length < 7 || memcmp(text, "/proc/", 6) || text[6] < '0' || text[6] > '9')
		return length;
	for (; i < length && text[i] >= '0' && text[i] <= '9'; i++)
		pid = pid * 10 + text[i] - '0';
	if (length - i >= sizeof rest)
		return length;
	memcpy(rest, text + i, length - i);
	return 6 + sprintf(text + 6, "%s%.*s", pid == p->pid ? "self" : "other", (int)(length - i), rest);
}

static unsigned kind_of(const struct inode *i)
{
	return !i ? RECORD_PATH : i->virtual && procfs_root() && i->virtual == procfs_root()->virtual ? RECORD_PROC :
	       S_ISCHR(i->mode) || S_ISBLK(i->mode) ? RECORD_DEVICE : RECORD_PATH;
}

static struct cached *cache_slot(const struct inode *i, unsigned use)
{
	return &cache[((uintptr_t)i >> 6 ^ use * 37) % CACHE];
}

/* An inode that has a name; pipes and removed files have none. */
static struct record *note_inode(struct proc *p, unsigned use, struct inode *i, unsigned error)
{
	struct cached *c = cache_slot(i, use);
	unsigned kind;
	int n;

	if (c->inode == i && c->name == i->name && c->number == i->number && c->use == use && c->program == p->program && !error) {
		c->record->count++;
		return c->record;
	}
	n = inode_path(i, path, PATH_LIMIT);
	if (n < 0)
		return NULL;
	kind = kind_of(i);
	if (kind == RECORD_PROC)
		n = proc_name(p, path, n);
	struct record *r = note(p, kind, use, error, path, n);
	if (r && !error && kind != RECORD_PROC)
		*c = (struct cached){ i, i->name, i->number, r, p->program, use };
	return r;
}

void record_file(struct proc *p, enum record_use use, struct inode *i, long result)
{
	note_inode(p, use, i, error_of(result));
}

static size_t append(size_t at, const char *text, size_t length)
{
	if (at + length > sizeof path)
		length = sizeof path - at;
	memcpy(path + at, text, length);
	return at + length;
}

/* The name that the walk did not find, or was to change: the directory's, the component, what follows it.  Its length
 * in path; 0: it has none. */
static size_t name_below(struct inode *dir, const char *name, size_t length, const char *rest)
{
	int n = inode_path(dir, path, PATH_LIMIT);
	size_t at = n;

	if (n < 0)
		return 0;
	if (n > 1)
		at = append(at, "/", 1);
	at = append(at, name, length);
	if (*rest)
		at = append(append(at, "/", 1), rest, strlen(rest));
	while (at > 1 && path[at - 1] == '/')
		at--;
	return at;
}

static struct record *note_below(struct proc *p, unsigned use, struct inode *dir, const char *name, size_t length,
				 const char *rest, unsigned error)
{
	size_t n = name_below(dir, name, length, rest);
	unsigned kind = dir->virtual ? RECORD_PROC : RECORD_PATH;

	if (n && kind == RECORD_PROC)
		n = proc_name(p, path, n);
	return n ? note(p, kind, use, error, path, n) : NULL;
}

void record_walk(const char *text, struct inode *at, struct inode *found, const char *name, size_t length, const char *rest,
		 bool parent, int error)
{
	unsigned i = record_walks++ & 1;

	walks[i].dir = at;
	walks[i].found = found;
	walks[i].name = name;
	walks[i].length = length;
	walks[i].rest = rest;
	walks[i].error = error;
	walks[i].absolute = *text == '/';
	walks[i].parent = parent && length;
}

static void walked_drop(struct proc *p)
{
	for (unsigned i = 0; i < 2; i++) {
		free(p->walked[i]);
		p->walked[i] = NULL;
	}
}

void record_wait(struct proc *p)
{
	if (!record_walks)
		return;
	walked_drop(p);
	for (unsigned i = 0; i < 2 && i < record_walks; i++) {
		bool by_name = walks[i].length && (walks[i].error || walks[i].parent || !walks[i].found);
		struct inode *at = by_name || !walks[i].found ? walks[i].dir : walks[i].found;
		size_t n = at ? name_below(at, by_name ? walks[i].name : "", by_name ? walks[i].length : 0, by_name ? walks[i].rest : "") : 0;

		p->walked[i] = n ? strndup(path, n) : NULL;
		p->walked_absolute[i] = walks[i].absolute;
	}
	p->walked_absent = walks[0].parent && !walks[0].found;
}

/* What the which'th walk of this call named is used so. */
static void note_walk(struct proc *p, unsigned which, unsigned use, long result)
{
	struct record *r;

	if (!record_walks && p->walked[which]) {
		r = note(p, RECORD_PATH, use, error_of(result), p->walked[which], strlen(p->walked[which]));
		if (r)
			r->absolute += p->walked_absolute[which];
	}
	if (which >= record_walks)
		return;
	if (walks[which].found && !walks[which].error && !walks[which].parent)
		r = note_inode(p, use, walks[which].found, error_of(result));
	else if (walks[which].dir && walks[which].length)
		r = note_below(p, use, walks[which].dir, walks[which].name, walks[which].length, walks[which].rest,
			       error_of(result));
	else if (walks[which].dir)
		r = note_inode(p, use, walks[which].dir, error_of(result));
	else
		return;
	if (r)
		r->absolute += walks[which].absolute;
}

static struct inode *inode_of(struct proc *p, uint64_t fd)
{
	struct file *f = fd_get(p, fd);

	return f ? f->inode : NULL;
}

/* The walk if there was one, else the descriptor. */
static void note_walk_or_fd(struct proc *p, unsigned use, uint64_t fd, long result)
{
	struct inode *i;

	if (record_walks || p->walked[0])
		note_walk(p, 0, use, result);
	else if (use != USE_STAT && (i = inode_of(p, fd)))
		note_inode(p, use, i, error_of(result));
}

static void note_open(struct proc *p, uint32_t flags, long result)
{
	unsigned mode = flags & K_O_ACCMODE;
	bool reads = mode != 1, writes = mode != 0 || (flags & K_O_TRUNC);
	struct inode *i;

	if (flags & K_O_PATH)
		reads = writes = false;
	if (result < 0) {
		/* EEXIST tells that a name is there; the others are a use that was refused or found nothing. */
		note_walk(p, 0, writes ? flags & K_O_CREAT ? USE_CREATE : USE_WRITE : reads ? USE_READ : USE_STAT, result);
		return;
	}
	i = inode_of(p, result);
	if (!i || ((flags & K_O_CREAT) && (record_walks ? walks[0].parent && !walks[0].found : p->walked_absent && p->walked[0]))) {
		note_walk(p, 0, USE_CREATE, 0);
		return;
	}
	if (S_ISDIR(i->mode) || (!reads && !writes)) {
		struct record *r = note_inode(p, S_ISDIR(i->mode) ? USE_ENTER : USE_STAT, i, 0);

		if (r && record_walks)
			r->absolute += walks[0].absolute;
		return;
	}
	for (unsigned k = 0; k < 2; k++) {
		struct record *r = (k ? writes : reads) ? note_inode(p, k ? USE_WRITE : USE_READ, i, 0) : NULL;

		if (r && record_walks)
			r->absolute += walks[0].absolute;
	}
}

/* What the listing that is being answered has shown so far, as the inside of a JSON list. */
static struct { char text[6144]; size_t used; unsigned count; } shown;

void record_listed(const char *name, size_t length)
{
	static struct line one;

	if (!length || shown.count >= LISTED_MAX || (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))))
		return;
	one.used = 0;
	if (shown.count)
		put(&one, ",");
	put_string(&one, name, length);
	if (shown.used + one.used > sizeof shown.text)
		return;
	memcpy(shown.text + shown.used, one.text, one.used);
	shown.used += one.used;
	shown.count++;
}

static void note_listing(struct proc *p, uint64_t fd, long result)
{
	struct inode *i = inode_of(p, fd);
	struct record *r = i ? note_inode(p, USE_LIST, i, error_of(result)) : NULL;

	if (r && r->count == 1 && shown.count) {
		put_number(&line, "{\"listing\":", r->id);
		put(&line, ",\"seen\":[");
		memcpy(line.text + line.used, shown.text, shown.used);
		line.used += shown.used;
		put(&line, "]}");
		line_out(&line);
	}
	shown.used = shown.count = 0;
}

/* ---- signals, clocks --------------------------------------------------------------------------------------- */

static void note_signal(struct proc *p, int pid, int sig, long result)
{
	struct proc *to = pid > 0 ? proc_find(pid) : NULL;
	char text[64];

	if (pid == p->pid || (to && to == p))
		return;
	snprintf(text, sizeof text, "%s%s%s, signal %d",
		 pid > 0 ? to && to->parent == p ? "child " : p->parent && pid == p->parent->pid ? "parent " : "process " :
		 pid == -1 ? "everybody" : "process group",
		 to ? to->comm : "", pid > 0 && !to ? "that is not there" : "", sig);
	note_text(p, RECORD_SIGNAL, USE_SEND, text, result);
}

static const char *clock_name(uint64_t clock)
{
	static const char *const names[] = {
		"real time", "monotonic", "process time", "thread time", "monotonic", "real time", "monotonic", "monotonic",
		"real time", "monotonic",
	};

	return clock < sizeof names / sizeof *names ? names[clock] : "another clock";
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

enum how {
	H_NONE, H_OPEN, H_STAT, H_ATTR, H_ATTR_FD, H_WRITE, H_READLINK, H_ENTER, H_CREATE, H_DELETE, H_RENAME, H_LINK,
	H_LIST, H_EXEC, H_MAP, H_KILL, H_TGKILL, H_CLOCK, H_TIME, H_SLEEP, H_SET_TIME, H_TIMER, H_RANDOM, H_IDENTITY,
	H_BECOME, H_RESOURCE, H_SPAWN, H_HOST,
};

/* By number; what is not here uses only what was opened or belongs to the process itself. */
static const uint8_t how[512] = {
	[2] = H_OPEN, [85] = H_OPEN, [257] = H_OPEN, [4] = H_STAT, [6] = H_STAT, [21] = H_STAT, [137] = H_STAT,
	[262] = H_STAT, [269] = H_STAT, [332] = H_STAT, [439] = H_STAT, [89] = H_READLINK, [267] = H_READLINK,
	[90] = H_ATTR, [92] = H_ATTR, [94] = H_ATTR, [132] = H_ATTR, [235] = H_ATTR, [260] = H_ATTR, [261] = H_ATTR,
	[268] = H_ATTR, [280] = H_ATTR, [91] = H_ATTR_FD, [93] = H_ATTR_FD, [76] = H_WRITE, [80] = H_ENTER, [81] = H_ENTER,
	[83] = H_CREATE, [88] = H_CREATE, [133] = H_CREATE, [258] = H_CREATE, [259] = H_CREATE, [266] = H_CREATE,
	[84] = H_DELETE, [87] = H_DELETE, [263] = H_DELETE, [82] = H_RENAME, [264] = H_RENAME, [316] = H_RENAME,
	[86] = H_LINK, [265] = H_LINK, [78] = H_LIST, [217] = H_LIST, [59] = H_EXEC, [322] = H_EXEC, [9] = H_MAP,
	[62] = H_KILL, [129] = H_KILL, [200] = H_KILL, [234] = H_TGKILL, [228] = H_CLOCK, [229] = H_CLOCK, [96] = H_TIME,
	[201] = H_TIME, [35] = H_SLEEP, [230] = H_SLEEP, [164] = H_SET_TIME, [227] = H_SET_TIME, [37] = H_TIMER,
	[38] = H_TIMER, [100] = H_CLOCK, [318] = H_RANDOM, [39] = H_IDENTITY, [102] = H_IDENTITY, [104] = H_IDENTITY,
	[107] = H_IDENTITY, [108] = H_IDENTITY, [110] = H_IDENTITY, [111] = H_IDENTITY, [115] = H_IDENTITY,
	[118] = H_IDENTITY, [120] = H_IDENTITY, [121] = H_IDENTITY, [124] = H_IDENTITY, [186] = H_IDENTITY,
	[105] = H_BECOME, [106] = H_BECOME, [109] = H_BECOME, [112] = H_BECOME, [113] = H_BECOME, [114] = H_BECOME,
	[116] = H_BECOME, [117] = H_BECOME, [119] = H_BECOME, [126] = H_BECOME, [161] = H_BECOME, [97] = H_RESOURCE,
	[98] = H_RESOURCE, [140] = H_RESOURCE, [141] = H_RESOURCE, [160] = H_RESOURCE, [203] = H_RESOURCE,
	[204] = H_RESOURCE, [302] = H_RESOURCE, [56] = H_SPAWN, [57] = H_SPAWN, [58] = H_SPAWN, [435] = H_SPAWN,
	[63] = H_HOST, [99] = H_HOST, [103] = H_HOST, [170] = H_HOST,
};

/* The names of those that are recorded by name. */
static const char *call_text(uint32_t nr)
{
	static const char *const names[] = {
		[39] = "getpid", [102] = "getuid", [104] = "getgid", [107] = "geteuid", [108] = "getegid", [110] = "getppid",
		[111] = "getpgrp", [115] = "getgroups", [118] = "getresuid", [120] = "getresgid", [121] = "getpgid",
		[124] = "getsid", [186] = "gettid", [105] = "setuid", [106] = "setgid", [109] = "setpgid", [112] = "setsid",
		[113] = "setreuid", [114] = "setregid", [116] = "setgroups", [117] = "setresuid", [119] = "setresgid",
		[126] = "capset", [161] = "chroot", [97] = "getrlimit", [98] = "getrusage", [140] = "getpriority",
		[141] = "setpriority", [160] = "setrlimit", [203] = "sched_setaffinity", [204] = "sched_getaffinity",
		[302] = "prlimit64", [56] = "clone", [57] = "fork", [58] = "vfork", [435] = "clone3", [63] = "uname",
		[99] = "sysinfo", [103] = "syslog", [170] = "sethostname",
	};

	return nr < sizeof names / sizeof *names && names[nr] ? names[nr] : "call";
}

static void note_missing(struct proc *p, uint32_t nr)
{
	char text[48];

	snprintf(text, sizeof text, "%u of %d", nr, p->pid);
	note_text(p, RECORD_MISSING, USE_CALL, text, -ENOSYS);
	p->misses = true;
}

static void note_rename(struct proc *p, long result)
{
	memset(cache, 0, sizeof cache);
	note_walk(p, 0, USE_DELETE, result);
	note_walk(p, 1, USE_CREATE, result);
}

/* A decoder: one line a way of recording. */
static void note_call(struct proc *p, long result)
{
	uint64_t *a = p->args;
	struct inode *i;

	switch (how[p->nr]) {
	case H_NONE: return;
	case H_OPEN: note_open(p, p->nr == 2 ? a[1] : p->nr == 85 ? 01101 : a[2], result); return;
	case H_STAT: note_walk(p, 0, USE_STAT, result); return;
	case H_READLINK: note_walk(p, 0, result == -EINVAL ? USE_STAT : USE_FOLLOW, result == -EINVAL ? 0 : result); return;
	case H_ATTR: note_walk_or_fd(p, USE_ATTR, a[0], result); return;
	case H_ATTR_FD: note_walk_or_fd(p, USE_ATTR, a[0], result); return;
	case H_WRITE: note_walk(p, 0, USE_WRITE, result); return;
	case H_ENTER: note_walk_or_fd(p, USE_ENTER, a[0], result); return;
	case H_CREATE: note_walk(p, 0, USE_CREATE, result); return;
	case H_DELETE: note_walk(p, 0, USE_DELETE, result); return;
	case H_RENAME: note_rename(p, result); return;
	case H_LINK: note_walk(p, 0, USE_ATTR, result), note_walk(p, 1, USE_CREATE, result); return;
	case H_LIST: note_listing(p, a[0], result); return;
	case H_EXEC: if (result < 0 && result != NOREPLY) note_walk(p, 0, USE_EXEC, result); return;
	case H_MAP:
		if (result > 0 && (a[2] & 4) && !(a[3] & 0x20) && (i = inode_of(p, a[4])))
			note_inode(p, USE_MAP, i, 0);
		return;
	case H_KILL: note_signal(p, a[0], a[1], result); return;
	case H_TGKILL: note_signal(p, a[1], a[2], result); return;
	case H_CLOCK: note_text(p, RECORD_CLOCK, USE_READ, p->nr == 100 ? "process time" : clock_name(a[0]), result); return;
	case H_TIME: note_text(p, RECORD_CLOCK, USE_READ, "real time", result); return;
	case H_SLEEP: note_text(p, RECORD_CLOCK, USE_SLEEP, "sleep", 0); return;
	case H_SET_TIME: note_text(p, RECORD_CLOCK, USE_SET, "real time", result); return;
	case H_TIMER: note_text(p, RECORD_CLOCK, USE_SLEEP, "alarm", result); return;
	case H_RANDOM: note_text(p, RECORD_RANDOM, USE_READ, "getrandom", result); return;
	case H_IDENTITY: note_text(p, RECORD_IDENTITY, USE_READ, call_text(p->nr), result); return;
	case H_BECOME: note_text(p, RECORD_IDENTITY, USE_SET, call_text(p->nr), result); return;
	case H_HOST: note_text(p, RECORD_IDENTITY, p->nr == 170 ? USE_SET : USE_READ, call_text(p->nr), result); return;
	case H_RESOURCE: note_text(p, RECORD_RESOURCE, USE_CALL, call_text(p->nr), result); return;
	case H_SPAWN: if (result != -ENOSYS) note_text(p, RECORD_PROCESS, USE_SPAWN, "child", result); return;
	}
}

void record_call(struct proc *p, long result)
{
	if (result == -ENOSYS)
		note_missing(p, p->nr);
	if (p->nr < sizeof how && how[p->nr])
		note_call(p, result);
	if (p->walked[0] || p->walked[1])
		walked_drop(p);
}

/* ---- streams, programs --------------------------------------------------------------------------------------- */

void record_stream_held(unsigned which)
{
	streams[which].held = true;
}

/* Asking whether it is a terminal is no use of it. */
void record_stream(struct proc *p, unsigned which, enum record_use use, long result)
{
	if (result == BLOCKED || result == -EAGAIN)
		return;
	streams[which].used |= use != USE_CONTROL;
	note_text(p, RECORD_STREAM, use, stream_names[which], result);
}

/* A file that is named by a number from here on. */
static void tell_file(struct line *l, const char *key, unsigned number, const char *name)
{
	put_number(l, key, number);
	put(l, ",\"path\":");
	put_string(l, name, strlen(name));
	put(l, "}");
	line_out(l);
}

/* A module or a site is told in the middle of the line of the record that names it first. */
static struct line inner;

uint32_t record_module(const char *name)
{
	static uint32_t modules;

	tell_file(&inner, "{\"module\":", ++modules, name);
	return modules;
}

uint32_t record_site_tell(const struct record_place *at, unsigned n)
{
	static uint32_t sites;

	put_number(&inner, "{\"site\":", ++sites);
	put(&inner, ",\"at\":[");
	for (unsigned i = 0; i < n; i++) {
		put_number(&inner, i ? ",[" : "[", at[i].module);
		put_number(&inner, ",", at[i].offset);
		put(&inner, "]");
	}
	put(&inner, "]}");
	line_out(&inner);
	return sites;
}

static unsigned program_number(const char *name)
{
	for (unsigned i = 0; i < program_count; i++)
		if (!strcmp(program_names[i], name))
			return i + 1;
	if (program_count == PROGRAMS_MAX - 1 || !(program_names[program_count] = strdup(name)))
		return 0;
	tell_file(&line, "{\"program\":", ++program_count, name);
	return program_count;
}

static void note_environment(struct proc *p, const char *strings, unsigned argc, unsigned envc)
{
	for (; argc; argc--)
		strings += strlen(strings) + 1;
	for (; envc; envc--, strings += strlen(strings) + 1)
		note(p, RECORD_ENV, USE_VISIBLE, 0, strings, strcspn(strings, "="));
}

void record_exec(struct proc *p, const char *name, struct inode *file, const char *strings, unsigned argc, unsigned envc)
{
	char text[PATH_LIMIT + 80];

	note_inode(p, USE_EXEC, file, 0);
	/* A name that says nothing (a relative one, /proc/self/exe) is replaced by the file's own, and what it calls itself. */
	if (*name != '/' || !strncmp(name, "/proc/", 6)) {
		int n = inode_path(file, text, PATH_LIMIT);

		if (n > 0 && argc)
			snprintf(text + n, sizeof text - n, " as %.64s", strings);
		if (n > 0)
			name = text;
	}
	p->program = program_number(name);
	note_environment(p, strings, argc, envc);
	last_pid = p->pid > last_pid ? p->pid : last_pid;
}

void record_exit(struct proc *p, int status)
{
	walked_drop(p);
	last_pid = p->pid > last_pid ? p->pid : last_pid;
	if (!p->misses && status == 0)
		return;
	put_number(&line, "{\"exit\":", p->pid);
	put_number(&line, ",\"program\":", p->program);
	put_number(&line, ",\"status\":", status);
	put(&line, "}");
	line_out(&line);
}

/* ---- begin and end -------------------------------------------------------------------------------------------- */

void record_begin(void)
{
	record_on = true;
	began_ns = now_ns();
	put(&line, "{\"keros_events\":1}");
	line_out(&line);
}

/* What is in a file, so that two runs can be compared: FNV-1a, which is no proof but needs no table. */
static uint64_t content_hash(struct inode *i)
{
	static char bytes[16384];
	uint64_t hash = 0xcbf29ce484222325ull, at = 0;
	long n;

	while ((n = inode_pread(i, bytes, sizeof bytes, at)) > 0) {
		for (long k = 0; k < n; k++)
			hash = (hash ^ (unsigned char)bytes[k]) * 0x100000001b3ull;
		at += n;
	}
	return hash;
}

/* A file that was made or changed, if it is still there. */
static void tell_left(struct proc *nobody, const struct record *r)
{
	static char name[PATH_LIMIT + 1];
	struct walk w;

	if (r->kind != RECORD_PATH || r->error || (r->use != USE_CREATE && r->use != USE_WRITE))
		return;
	memcpy(name, r->name, r->length);
	name[r->length] = 0;
	if (path_walk(nobody, K_AT_FDCWD, name, 0, &w) || !w.inode || w.inode->virtual || !S_ISREG(w.inode->mode))
		return;
	put(&line, "{\"left\":");
	put_string(&line, r->name, r->length);
	put_number(&line, ",\"size\":", inode_size(w.inode));
	put_number(&line, ",\"hash\":\"", content_hash(w.inode));
	put(&line, "\"}");
	line_out(&line);
}

static void tell_all_left(void)
{
	static struct proc nobody;

	nobody.fs = fsctx_new(vfs_root());
	record_on = false;
	for (uint32_t i = 0; nobody.fs && i < record_count; i++)
		tell_left(&nobody, all[i]);
	record_on = true;
	if (nobody.fs)
		fsctx_put(nobody.fs);
}

void record_end(int status)
{
	tell_all_left();
	for (unsigned i = 0; i < STREAMS; i++) {
		if (!streams[i].held || streams[i].used)
			continue;
		put(&line, "{\"unused\":\"");
		put(&line, stream_names[i]);
		put(&line, "\"}");
		line_out(&line);
	}
	for (uint32_t i = 0; i < record_count; i++) {
		if (all[i]->count == 1 && !all[i]->absolute)
			continue;
		put_number(&line, "{\"id\":", all[i]->id);
		put_number(&line, ",\"count\":", all[i]->count);
		put_number(&line, ",\"absolute\":", all[i]->absolute);
		put(&line, "}");
		line_out(&line);
	}
	put_number(&line, "{\"end\":", status);
	put_number(&line, ",\"wall_ns\":", now_ns() - began_ns);
	put_number(&line, ",\"pages_peak\":", pages_peak());
	put_number(&line, ",\"pages_limit\":", pages_limit());
	put_number(&line, ",\"processes\":", last_pid ? last_pid - 1 : 0);
	put_number(&line, ",\"lost\":", lost);
	put(&line, "}");
	line_out(&line);
}

#define CLOCKS 8u

void record_shim(struct proc *p)
{
	uint32_t *counts = record_shim_counts(p);

	for (unsigned clock = 0; counts && clock < CLOCKS; clock++) {
		struct record *r;
		const char *name = clock_name(clock);
		uint32_t n = counts[clock];

		counts[clock] = 0;
		/* The first went to the server, and was counted there. */
		if (n > 1 && (r = note(p, RECORD_CLOCK, USE_READ, 0, name, strlen(name))))
			r->count += n - 2;
	}
}
