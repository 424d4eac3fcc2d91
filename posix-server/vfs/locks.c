/*
 * locks.c - record locks of fcntl (POSIX and open-file-description) and flock.
 *
 * An inode that was ever locked has a lockset: a list of held ranges and one queue of those who wait.  The owner
 * of a POSIX lock is the descriptor table, of the other two kinds the open file description; flock's live in
 * a space of their own (kind), so that the two interfaces do not see each other, as on Linux.
 *
 * Invariants
 *   1. Ranges of one owner and kind do not overlap.
 *   2. Ranges of different owners and one kind overlap only if both are shared.
 */
#include <stdlib.h>
#include "vfs.h"

#define RDLCK 0
#define WRLCK 1
#define UNLCK 2
#define END_OF_FILE INT64_MAX

enum kind { RECORD, WHOLE };

struct lock {
	struct lock *next;
	const void *owner;
	int64_t start, end;               /* both inclusive */
	enum kind kind;
	int type, pid;
};

struct lockset { struct lock *first; struct waitq wait; };

static bool overlap(const struct lock *a, const struct lock *b)
{
	return a->kind == b->kind && a->start <= b->end && b->start <= a->end;
}

static struct lock *lock_conflict(struct lockset *s, const struct lock *want)
{
	for (struct lock *l = s->first; l; l = l->next)
		if (l->owner != want->owner && overlap(l, want) && (l->type == WRLCK || want->type == WRLCK))
			return l;
	return NULL;
}

/* Same owner, same type, side by side or overlapping: one range. */
static bool lock_absorb(struct lock *want, const struct lock *l)
{
	bool near = l->start <= (want->end == END_OF_FILE ? END_OF_FILE : want->end + 1) &&
	            want->start <= (l->end == END_OF_FILE ? END_OF_FILE : l->end + 1);
	if (l->type != want->type || !near)
		return false;
	if (l->start < want->start)
		want->start = l->start;
	if (l->end > want->end)
		want->end = l->end;
	return true;
}

/* Makes the owner's range as wanted (UNLCK: none).  Both spare locks come from the caller, since a range cut
 * in its middle becomes two; what is not used is freed. */
static void lockset_apply(struct lockset *s, struct lock *want, struct lock *spare)
{
	struct lock **link = &s->first;
	while (*link) {
		struct lock *l = *link;
		if (l->owner != want->owner || l->kind != want->kind) {
			link = &l->next;
			continue;
		}
		if (want->type != UNLCK && lock_absorb(want, l)) {
			*link = l->next;
			free(l);
			continue;
		}
		if (!overlap(l, want)) {
			link = &l->next;
			continue;
		}
		if (l->start < want->start && l->end > want->end) {
			*spare = *l;
			spare->start = want->end + 1;
			l->end = want->start - 1;
			l->next = spare;
			spare = NULL;
			break;                /* it covered all of the range: no other of this owner overlaps */
		}
		if (l->start < want->start) {
			l->end = want->start - 1;
		} else if (l->end > want->end) {
			l->start = want->end + 1;
		} else {
			*link = l->next;
			free(l);
			continue;
		}
		link = &l->next;
	}
	free(spare);
	if (want->type == UNLCK) {
		free(want);
	} else {
		want->next = s->first;
		s->first = want;
	}
	if (s->wait.head)
		wake_all(&s->wait);
}

static struct lockset *lockset_of(struct inode *i)
{
	if (!i->locks)
		i->locks = calloc(1, sizeof *i->locks);
	return i->locks;
}

static long lock_set(struct proc *p, struct inode *i, const struct lock *want, bool wait)
{
	if (want->type == UNLCK && !i->locks)
		return 0;
	struct lockset *s = lockset_of(i);
	if (!s)
		return -ENOLCK;
	if (want->type != UNLCK && lock_conflict(s, want)) {
		if (!wait)
			return -EAGAIN;
		return p->interrupted ? -EINTR : wait_on(p, &s->wait);
	}
	struct lock *mine = malloc(sizeof *mine), *spare = malloc(sizeof *spare);
	if (!mine || !spare) {
		free(mine);
		free(spare);
		return -ENOLCK;
	}
	*mine = *want;
	lockset_apply(s, mine, spare);
	return 0;
}

void locks_drop_owner(struct inode *i, const void *owner)
{
	bool any = false;
	struct lock **link = &i->locks->first;
	while (*link) {
		struct lock *l = *link;
		if (l->owner == owner) {
			*link = l->next;
			free(l);
			any = true;
		} else {
			link = &l->next;
		}
	}
	if (any && i->locks->wait.head)
		wake_all(&i->locks->wait);
}

void locks_free(struct inode *i)
{
	while (i->locks->first) {
		struct lock *l = i->locks->first;
		i->locks->first = l->next;
		free(l);
	}
	wake_all(&i->locks->wait);        /* whoever waits finds its descriptor closed */
	free(i->locks);
	i->locks = NULL;
}

/* ---- fcntl ------------------------------------------------------------------------------------------ */

/* The range that whence, start and length mean: a negative length counts backwards. */
static int range_of(const struct flock_k *k, struct file *f, struct lock *l)
{
	int64_t base = k->whence == 0 ? 0 : k->whence == 1 ? f->offset : (int64_t)f->inode->size, end;
	if (k->whence < 0 || k->whence > 2)
		return -EINVAL;
	if (__builtin_add_overflow(base, k->start, &l->start))
		return -EOVERFLOW;
	if (k->length < 0) {
		end = l->start - 1;
		if (__builtin_add_overflow(l->start, k->length, &l->start))
			return -EINVAL;
	} else if (k->length == 0) {
		end = END_OF_FILE;
	} else if (__builtin_add_overflow(l->start, k->length - 1, &end)) {
		return -EOVERFLOW;
	}
	l->end = end;
	return l->start < 0 ? -EINVAL : 0;
}

static long lock_query(struct proc *p, struct file *f, struct lock *want, struct flock_k *k, uint64_t arg)
{
	struct lock *l = f->inode->locks ? lock_conflict(f->inode->locks, want) : NULL;
	if (want->type == UNLCK)
		return -EINVAL;
	k->type = UNLCK;
	if (l) {
		k->type = l->type;
		k->whence = 0;
		k->start = l->start;
		k->length = l->end == END_OF_FILE ? 0 : l->end - l->start + 1;
		k->pid = l->pid;
	}
	return user_write(p, arg, k, sizeof *k);
}

long lock_fcntl(struct proc *p, struct file *f, int command, uint64_t arg)
{
	struct flock_k k;
	struct lock want = {.kind = RECORD};
	bool description = command >= 36;
	if (user_read(p, &k, arg, sizeof k))
		return -EFAULT;
	if (!f->inode || (unsigned)k.type > UNLCK || (description && k.pid))
		return -EINVAL;
	int error = range_of(&k, f, &want);
	if (error)
		return error;
	want.type = k.type;
	want.owner = description ? (const void *)f : p->fds;
	want.pid = description ? -1 : p->pid;
	int plain = description ? command - 31 : command;     /* 5 get, 6 set, 7 set and wait */
	if (plain == 5)
		return lock_query(p, f, &want, &k, arg);
	if ((want.type == RDLCK && !file_readable(f)) || (want.type == WRLCK && !file_writable(f)))
		return -EBADF;
	return lock_set(p, f->inode, &want, plain == 7);
}

long lock_flock(struct proc *p, struct file *f, int operation)
{
	static const int8_t types[16] = {[1] = RDLCK + 1, [2] = WRLCK + 1, [8] = UNLCK + 1};
	int what = operation & ~4;
	if (what < 0 || what > 15 || !types[what] || !f->inode)
		return -EINVAL;
	struct lock want = {
		.kind = WHOLE, .start = 0, .end = END_OF_FILE, .type = types[what] - 1, .owner = f, .pid = p->pid,
	};
	return lock_set(p, f->inode, &want, !(operation & 4));
}
