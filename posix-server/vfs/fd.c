/*
 * fd.c - descriptor tables and the file system context (cwd, root, umask) of processes.
 *
 * Invariants
 *   1. Each used slot owns one reference to its file.
 *   2. No slot below lowest_free is free, so finding a descriptor does not start from 0.
 *   3. limit bounds new descriptors only: lowering it closes nothing.
 */
#include <stdlib.h>
#include <string.h>
#include "vfs.h"

struct fdtable *fdtable_new(void)
{
	struct fdtable *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->refs = 1;
	t->limit = FD_MAX;
	t->size = 16;
	t->fd = calloc(t->size, sizeof *t->fd);
	if (!t->fd) {
		free(t);
		return NULL;
	}
	return t;
}

struct fdtable *fdtable_copy(struct fdtable *from)
{
	struct fdtable *t = malloc(sizeof *t);
	if (!t)
		return NULL;
	*t = *from;
	t->refs = 1;
	t->fd = malloc(t->size * sizeof *t->fd);
	if (!t->fd) {
		free(t);
		return NULL;
	}
	memcpy(t->fd, from->fd, t->size * sizeof *t->fd);
	for (uint32_t i = 0; i < t->size; i++)
		if (t->fd[i].file)
			t->fd[i].file->refs++;
	return t;
}

static void slot_close(struct fdtable *t, uint32_t fd)
{
	struct file *f = t->fd[fd].file;
	t->fd[fd].file = NULL;
	if (fd < t->lowest_free)
		t->lowest_free = fd;
	/* POSIX: closing any descriptor of a file lets go of all record locks the process has there. */
	if (f->inode && f->inode->locks)
		locks_drop_owner(f->inode, t);
	file_put(f);
}

void fdtable_put(struct fdtable *t)
{
	if (--t->refs)
		return;
	for (uint32_t i = 0; i < t->size; i++)
		if (t->fd[i].file)
			slot_close(t, i);
	free(t->fd);
	free(t);
}

void fdtable_cloexec(struct fdtable *t)
{
	for (uint32_t i = 0; i < t->size; i++)
		if (t->fd[i].file && t->fd[i].cloexec)
			slot_close(t, i);
}

/* The table grows to hold fd, which is below FD_MAX. */
static bool table_grow(struct fdtable *t, uint32_t fd)
{
	uint32_t size = t->size;
	while (size <= fd)
		size *= 2;
	if (size == t->size)
		return true;
	struct fd *slots = realloc(t->fd, size * sizeof *slots);
	if (!slots)
		return false;
	memset(slots + t->size, 0, (size - t->size) * sizeof *slots);
	t->fd = slots;
	t->size = size;
	return true;
}

/* Whether open may go on: Linux takes the descriptor first, and names are looked up only then. */
bool fd_room(struct proc *p)
{
	struct fdtable *t = p->fds;
	uint32_t limit = t->limit < FD_MAX ? t->limit : FD_MAX, fd = t->lowest_free;

	while (fd < t->size && t->fd[fd].file)
		fd++;
	return fd < limit;
}

int fd_install(struct proc *p, struct file *f, int lowest, bool cloexec)
{
	struct fdtable *t = p->fds;
	uint32_t limit = t->limit < FD_MAX ? t->limit : FD_MAX;
	uint32_t fd = (uint32_t)lowest > t->lowest_free ? (uint32_t)lowest : t->lowest_free;
	while (fd < t->size && t->fd[fd].file)
		fd++;
	if (fd >= limit)
		return -EMFILE;
	if (fd >= t->size && !table_grow(t, fd))
		return -EMFILE;
	t->fd[fd] = (struct fd){f, cloexec};
	if ((uint32_t)lowest <= t->lowest_free)
		t->lowest_free = fd + 1;
	return fd;
}

struct file *fd_get(struct proc *p, int fd)
{
	struct fdtable *t = p->fds;
	return (uint32_t)fd < t->size ? t->fd[fd].file : NULL;
}

int fd_close(struct proc *p, int fd)
{
	if (!fd_get(p, fd))
		return -EBADF;
	slot_close(p->fds, fd);
	return 0;
}

/* dup2 and dup3: the new descriptor is exactly this one. */
int fd_place(struct proc *p, struct file *f, int fd, bool cloexec)
{
	struct fdtable *t = p->fds;
	if (fd < 0 || (uint32_t)fd >= t->limit || fd >= FD_MAX)
		return -EBADF;
	if (!table_grow(t, fd))
		return -EMFILE;
	f->refs++;
	if (t->fd[fd].file)
		slot_close(t, fd);
	t->fd[fd] = (struct fd){f, cloexec};
	if ((uint32_t)fd == t->lowest_free)
		t->lowest_free++;
	return fd;
}

/* ---- cwd, root, umask ------------------------------------------------------------------------------- */

struct fsctx *fsctx_new(struct inode *root)
{
	struct fsctx *c = malloc(sizeof *c);
	if (!c)
		return NULL;
	*c = (struct fsctx){.refs = 1, .cwd = root, .root = root, .umask = 022};
	inode_get(root);
	inode_get(root);
	return c;
}

struct fsctx *fsctx_copy(struct fsctx *from)
{
	struct fsctx *c = malloc(sizeof *c);
	if (!c)
		return NULL;
	*c = *from;
	c->refs = 1;
	inode_get(c->cwd);
	inode_get(c->root);
	return c;
}

void fsctx_put(struct fsctx *c)
{
	if (--c->refs)
		return;
	inode_put(c->cwd);
	inode_put(c->root);
	free(c);
}
