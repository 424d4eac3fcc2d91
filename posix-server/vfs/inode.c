/*
 * inode.c - the life, times, owners and permissions of inodes.
 *
 * Invariants
 *   1. refs reaches 0 only when no name and no user is left; then all that the inode holds goes with it.
 *   2. Times never repeat: every change gets a later nanosecond than any before, so `make` sees the order
 *      of two changes however coarse the clock is.
 *   3. Loose inodes (procfs makes one at every look) are on one list and are freed by the next sweep unless
 *      somebody took a reference; then the last inode_put frees them.
 */
#include <stdlib.h>
#include <string.h>
#include "vfs.h"

static uint64_t next_number = 1;
static int64_t last_time;
static struct inode *free_inodes;       /* chained by parent */
static struct inode *loose[64];
static unsigned loose_count;

uint64_t inode_next_number(void)
{
	return next_number++;
}

void inode_reserve_numbers(uint64_t first_free)
{
	if (next_number < first_free)
		next_number = first_free;
}

struct inode *inode_new(uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct inode *i = free_inodes;
	if (i)
		free_inodes = i->parent;
	else if (!(i = malloc(sizeof *i)))
		return NULL;
	memset(i, 0, sizeof *i);
	i->mode = mode;
	i->uid = uid;
	i->gid = gid;
	if (S_ISDIR(mode))
		i->dir.lower[0] = i->dir.lower[1] = NO_ENTRY;
	return i;
}

/* Frees one inode; the parent it held loses a reference, and is returned if that was the last. */
static struct inode *inode_free_one(struct inode *i)
{
	if (i->locks)
		locks_free(i);
	if (i->share)
		share_free(i);
	if (i->virtual)
		;
	else if (S_ISREG(i->mode))
		data_free(i);
	else if (S_ISDIR(i->mode))
		dir_free(i);
	else if (S_ISLNK(i->mode))
		free(i->target);
	else if (S_ISFIFO(i->mode) && i->pipe)
		pipe_free(i);
	if (i->quota)
		i->quota->used--;         /* itself */
	struct inode *kept = i->holds_parent ? i->parent : NULL;
	i->parent = free_inodes;
	free_inodes = i;
	return kept && --kept->refs == 0 && !kept->loose ? kept : NULL;
}

/* A chain of removed directories may be as deep as a program likes, so this is a loop. */
static void inode_free(struct inode *i)
{
	while (i)
		i = inode_free_one(i);
}

void inode_get(struct inode *i)
{
	i->refs++;
}

void inode_put(struct inode *i)
{
	if (--i->refs == 0 && !i->loose)
		inode_free(i);
}

/* For an inode that was made but found no name. */
void inode_drop_if_unused(struct inode *i)
{
	if (i->refs == 0 && !i->loose)
		inode_free(i);
}

struct inode *inode_loose(uint32_t mode)
{
	if (loose_count == sizeof loose / sizeof *loose)
		return NULL;
	struct inode *i = inode_new(mode, 0, 0);
	if (!i)
		return NULL;
	i->loose = true;
	loose[loose_count++] = i;
	return i;
}

void inode_sweep(void)
{
	while (loose_count) {
		struct inode *i = loose[--loose_count];
		i->loose = false;
		if (i->refs == 0)
			inode_free(i);
	}
}

/* ---- times -------------------------------------------------------------------------------------- */

int64_t time_tick(void)
{
	struct timespec64 t = now_wall();
	int64_t now = t.tv_sec * 1000000000 + t.tv_nsec;
	return last_time = now > last_time ? now : last_time + 1;
}

void inode_touch(struct inode *i)
{
	i->mtime = i->ctime = time_tick();
}

void inode_changed(struct inode *i)
{
	i->ctime = time_tick();
}

/* One store for the first read after a change; the daily refresh of relatime serves no tool. */
void inode_read(struct inode *i)
{
	if (share_is_live(i))
		return;           /* its times are told by whoever serves it */
	if (i->atime <= i->mtime || i->atime <= i->ctime)
		i->atime = time_tick();
}

/* ---- permissions ---------------------------------------------------------------------------------- */

int inode_access_as(struct inode *i, uint32_t uid, uint32_t gid, int mode)
{
	uint32_t bits = i->mode;
	if (uid == 0)
		return (mode & K_X_OK) && !S_ISDIR(bits) && !(bits & 0111) ? -EACCES : 0;
	if (uid == i->uid)
		bits >>= 6;
	else if (gid == i->gid)
		bits >>= 3;
	return (bits & mode & 7) == ((unsigned)mode & 7) ? 0 : -EACCES;
}

int inode_access(struct inode *i, struct proc *p, int mode)
{
	return inode_access_as(i, p->euid, p->egid, mode);
}

bool inode_owned(struct inode *i, struct proc *p)
{
	return p->euid == 0 || p->euid == i->uid;
}

/* A program that somebody changed must not keep its owner's authority; root knows what it does. */
void inode_lose_privilege(struct inode *i, struct proc *p)
{
	if (p->euid != 0 && (i->mode & 06000))
		i->mode &= i->mode & 0010 ? ~06000u : ~04000u;
}

/* In a sticky directory a name goes only by the hand of its owner or the directory's. */
bool name_sticky_denies(struct inode *dir, struct inode *victim, struct proc *p)
{
	return (dir->mode & 01000) && p->euid != 0 && p->euid != victim->uid && p->euid != dir->uid;
}

/* ---- what the rest of the server asks ----------------------------------------------------------------- */

uint64_t inode_size(const struct inode *i)
{
	return i->size;
}

uint32_t inode_mode(const struct inode *i)
{
	return i->mode;
}

uint64_t inode_number(const struct inode *i)
{
	return i->number;
}

bool inode_is_share(const struct inode *i)
{
	return i->share;
}

int inode_load(struct proc *p, struct inode *i, uint64_t offset, uint64_t length)
{
	int error;
	if (!i->share)
		return 0;
	error = share_refresh(p, i);
	return error ? error : share_load(p, i, offset, length);
}

void inode_mapped(struct inode *i, int by)
{
	if (i->share)
		i->share->maps += by;
}

/* Directories count one page, as on the usual disk file systems, so that du says what people expect. */
uint64_t inode_blocks(const struct inode *i)
{
	if (i->virtual)
		return 0;
	if (i->share && !S_ISDIR(i->mode))
		return i->share->blocks;
	if (S_ISDIR(i->mode))
		return 8;
	return S_ISREG(i->mode) ? data_blocks(i) : 0;
}

/* procfs, pipes and the tree are three devices, as far as find -xdev and rename are concerned. */
uint64_t inode_device(const struct inode *i)
{
	if (i->virtual)
		return 0x15;
	if (i->quota)
		return 0x16;
	if (share_is_live(i))
		return share_device(i);
	return S_ISFIFO(i->mode) && i->nlink == 1 && !i->parent ? 0x0d : 0x14;
}
