/*
 * record_file.c - uses of what has a name in the file tree.
 *
 * The common case is a use that was seen before: an inode's uses are found through a small cache by inode and
 * use, so that a name is put together once and not at every look.  A rename empties the cache, since it changes
 * names without touching the inodes below them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "record_inner.h"

#define CACHE 1024u

struct cached {
	const struct inode *inode;
	const char *name;
	uint64_t number;
	struct record *record;
	uint16_t program;
	uint8_t use;
};

unsigned record_walks;
static struct cached cache[CACHE];

/* The walks of the call being served. */
static struct {
	struct inode *dir;             /* where the last look was */
	struct inode *found;
	const char *name, *rest;
	size_t length;
	int error;
	bool absolute, parent;
} walks[2];

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
struct record *record_note_inode(struct proc *p, unsigned use, struct inode *i, unsigned error)
{
	struct cached *c = cache_slot(i, use);
	unsigned kind;
	int n;

	if (c->inode == i && c->name == i->name && c->number == i->number && c->use == use && c->program == p->program &&
	    !error) {
		c->record->count++;
		return c->record;
	}
	n = inode_path(i, path, PATH_LIMIT);
	if (n < 0)
		return NULL;
	kind = kind_of(i);
	if (kind == RECORD_PROC)
		n = proc_name(p, path, n);
	struct record *r = record_note(p, kind, use, error, path, n);
	if (r && !error && kind != RECORD_PROC)
		*c = (struct cached){ i, i->name, i->number, r, p->program, use };
	return r;
}

void record_file(struct proc *p, enum record_use use, struct inode *i, long result)
{
	record_note_inode(p, use, i, record_error(result));
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
	return n ? record_note(p, kind, use, error, path, n) : NULL;
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

void record_walked_drop(struct proc *p)
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
	record_walked_drop(p);
	for (unsigned i = 0; i < 2 && i < record_walks; i++) {
		bool by_name = walks[i].length && (walks[i].error || walks[i].parent || !walks[i].found);
		struct inode *at = by_name || !walks[i].found ? walks[i].dir : walks[i].found;
		size_t n = !at ? 0 : by_name ? name_below(at, walks[i].name, walks[i].length, walks[i].rest) :
			   name_below(at, "", 0, "");

		p->walked[i] = n ? strndup(path, n) : NULL;
		p->walked_absolute[i] = walks[i].absolute;
	}
	p->walked_absent = walks[0].parent && !walks[0].found;
}

/* What the which'th walk of this call named is used so. */
void record_note_walk(struct proc *p, unsigned which, unsigned use, long result)
{
	struct record *r;

	if (!record_walks && p->walked[which]) {
		r = record_note(p, RECORD_PATH, use, record_error(result), p->walked[which], strlen(p->walked[which]));
		if (r)
			r->absolute += p->walked_absolute[which];
	}
	if (which >= record_walks)
		return;
	if (walks[which].found && !walks[which].error && !walks[which].parent)
		r = record_note_inode(p, use, walks[which].found, record_error(result));
	else if (walks[which].dir && walks[which].length)
		r = note_below(p, use, walks[which].dir, walks[which].name, walks[which].length, walks[which].rest,
			       record_error(result));
	else if (walks[which].dir)
		r = record_note_inode(p, use, walks[which].dir, record_error(result));
	else
		return;
	if (r)
		r->absolute += walks[which].absolute;
}

struct inode *record_inode_of(struct proc *p, uint64_t fd)
{
	struct file *f = fd_get(p, fd);

	return f ? f->inode : NULL;
}

/* The walk if there was one, else the descriptor. */
void record_note_walk_or_fd(struct proc *p, unsigned use, uint64_t fd, long result)
{
	struct inode *i;

	if (record_walks || p->walked[0])
		record_note_walk(p, 0, use, result);
	else if (use != USE_STAT && (i = record_inode_of(p, fd)))
		record_note_inode(p, use, i, record_error(result));
}

void record_note_open(struct proc *p, uint32_t flags, long result)
{
	unsigned mode = flags & K_O_ACCMODE;
	bool reads = mode != 1, writes = mode != 0 || (flags & K_O_TRUNC), absent;
	struct inode *i;

	if (flags & K_O_PATH)
		reads = writes = false;
	if (result < 0) {
		/* EEXIST tells that a name is there; the others are a use that was refused or found nothing. */
		record_note_walk(p, 0, writes ? flags & K_O_CREAT ? USE_CREATE : USE_WRITE : reads ? USE_READ : USE_STAT,
				 result);
		return;
	}
	i = record_inode_of(p, result);
	absent = record_walks ? walks[0].parent && !walks[0].found : p->walked_absent && p->walked[0];
	if (!i || ((flags & K_O_CREAT) && absent)) {
		record_note_walk(p, 0, USE_CREATE, 0);
		return;
	}
	if (S_ISDIR(i->mode) || (!reads && !writes)) {
		struct record *r = record_note_inode(p, S_ISDIR(i->mode) ? USE_ENTER : USE_STAT, i, 0);

		if (r && record_walks)
			r->absolute += walks[0].absolute;
		return;
	}
	for (unsigned k = 0; k < 2; k++) {
		struct record *r = (k ? writes : reads) ? record_note_inode(p, k ? USE_WRITE : USE_READ, i, 0) : NULL;

		if (r && record_walks)
			r->absolute += walks[0].absolute;
	}
}

void record_note_rename(struct proc *p, long result)
{
	memset(cache, 0, sizeof cache);
	record_note_walk(p, 0, USE_DELETE, result);
	record_note_walk(p, 1, USE_CREATE, result);
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
		line_put(&one, ",");
	line_string(&one, name, length);
	if (shown.used + one.used > sizeof shown.text)
		return;
	memcpy(shown.text + shown.used, one.text, one.used);
	shown.used += one.used;
	shown.count++;
}

void record_note_listing(struct proc *p, uint64_t fd, long result)
{
	struct inode *i = record_inode_of(p, fd);
	struct record *r = i ? record_note_inode(p, USE_LIST, i, record_error(result)) : NULL;

	if (r && r->count == 1 && shown.count) {
		line_number(&record_line, "{\"listing\":", r->id);
		line_put(&record_line, ",\"seen\":[");
		memcpy(record_line.text + record_line.used, shown.text, shown.used);
		record_line.used += shown.used;
		line_put(&record_line, "]}");
		line_end(&record_line);
	}
	shown.used = shown.count = 0;
}
