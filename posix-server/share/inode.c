/*
 * inode.c - what is remembered of a share: inodes, the paths that they have there, and how many of them are kept.
 *
 * Of a share's inodes at most CACHED_MAX stay that nobody uses; which are let go is decided when a look needs more.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

#define CACHED_MAX 8192u

static unsigned cached;                /* inodes of shares that there are */

/* ---- paths --------------------------------------------------------------------------------------- */

long share_path(const struct inode *i, char *to, size_t size)
{
	char *end = to + size, *at = end;
	const char *file = i->share->mount->file;

	for (; !i->share->is_mount; i = i->parent) {
		if (!i->name || !i->parent || !i->parent->share)
			return -ESTALE;
		if ((size_t)(at - to) < i->name_length + 1u)
			return -ENAMETOOLONG;
		if (at != end)
			*--at = '/';
		at -= i->name_length;
		memcpy(at, i->name, i->name_length);
	}
	if (file) {
		at = end - strlen(file);
		memcpy(at, file, strlen(file));
	}
	memmove(to, at, end - at);
	return end - at;
}

long share_path_of(const struct inode *dir, const struct name *name, char *to, size_t size)
{
	long n = share_path(dir, to, size);

	if (n < 0)
		return n;
	if ((size_t)n + name->length + 1 > size)
		return -ENAMETOOLONG;
	if (n)
		to[n++] = '/';
	memcpy(to + n, name->text, name->length);
	return n + name->length;
}

struct job *share_job(struct proc *p, const struct inode *i, const struct name *name, uint32_t order, long *error)
{
	struct job *j = job_new(p, i->share->mount->cap, order);
	long n;

	*error = BLOCKED;
	if (!j)
		return NULL;
	if (i->share->copy) {
		const char *origin = i->share->origin ? i->share->origin : "";

		n = (long)strlen(origin);
		memcpy(j->buffer, origin, n);
	} else
		n = name ? share_path_of(i, name, j->buffer, FILES_PATH_MAX) : share_path(i, j->buffer, FILES_PATH_MAX);
	if (n < 0) {
		job_free(j);
		*error = n;
		return NULL;
	}
	/* The string goes out and the answer comes into the same buffer: the kernel copies one after the other. */
	j->m.send_string = j->buffer;
	j->m.send_length = n;
	return j;
}

/* ---- inodes -------------------------------------------------------------------------------------- */

struct inode *share_inode_new(struct mount *m, uint32_t mode)
{
	struct inode *i = inode_new(mode, 0, 0);
	struct share *s = i ? calloc(1, sizeof *s) : NULL;

	if (!s) {
		if (i)
			inode_drop_if_unused(i);
		return NULL;
	}
	s->mount = m;
	i->share = s;
	i->nlink = S_ISDIR(mode) ? 2 : 1;
	cached++;
	return i;
}

void share_free(struct inode *i)
{
	cap_close(i->share->reader, FILE_OC_CLOSE);
	free(i->share->origin);
	free(i->share);
	i->share = NULL;
	cached--;
}

/* The names below a directory go, but for mounts; what is in use lives on without its name. */
static void dir_empty(struct inode *dir)
{
	struct dentry *d;

	for (uint64_t cookie = 0; (d = dir_next(dir, cookie)); ) {
		struct name name = name_of(d->name, d->length);

		cookie = d->cookie + 1;
		share_forget(dir, &name);
	}
}

/* A path has at most FILES_NAMES names, and so no more directories lie in each other here. */
void share_forget(struct inode *dir, const struct name *name)
{
	struct dentry *d = dir_find(dir, name);
	struct inode *i = d ? d->inode : NULL;

	if (!i || !i->share || i->share->is_mount)
		return;
	if (S_ISDIR(i->mode)) {
		inode_get(i);
		dir_empty(i);
		dir_remove(dir, d);
		if (i->refs > 1) {
			i->removed = i->holds_parent = true;
			i->parent = dir;
			inode_get(dir);
		}
		inode_put(i);
	} else {
		dir_remove(dir, d);
	}
}

void share_attr_set(struct inode *i, const struct file_attr *a, uint64_t seq)
{
	i->mode = a->mode & (S_IFMT | 07777);
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = a->links;
	i->rdev = 0;
	i->number = a->number;
	i->size = a->size;
	i->atime = a->atime_ns;
	i->mtime = a->mtime_ns;
	i->ctime = a->ctime_ns;
	i->share->known = true;
	i->share->blocks = a->blocks;
	i->share->seq = seq;
}

struct inode *share_inode_copy(struct mount *m, const struct file_attr *attr, uint64_t seq)
{
	struct inode *i = share_inode_new(m, attr->mode);

	if (!i)
		return NULL;
	i->share->copy = true;
	if (S_ISDIR(i->mode))
		i->dir.pending = true;
	share_attr_set(i, attr, seq);
	return i;
}

struct inode *share_child(struct inode *dir, const struct name *name, const struct file_attr *attr, uint64_t seq)
{
	uint32_t mode = attr ? attr->mode : S_IFDIR | 0700;
	struct dentry *d = dir_find(dir, name);
	struct inode *i = d ? d->inode : NULL;

	if (i && (!i->share || i->share->is_mount))
		return i;
	if (i && ((i->mode ^ mode) & S_IFMT || (attr && i->share->known && i->number != attr->number))) {
		share_forget(dir, name);
		i = NULL;
	}
	if (!i) {
		i = share_inode_new(dir->share->mount, mode);
		if (!i)
			return NULL;
		if (dir_add(dir, name, i)) {
			inode_drop_if_unused(i);
			return NULL;
		}
		i->refs = 1;
	}
	if (attr)
		share_attr_set(i, attr, seq);
	else if (!i->share->known)
		i->share->passed = seq;
	if (!attr && i->share->passed < seq)
		i->share->passed = seq;
	return i;
}

bool share_target(struct inode *i, const char *target, size_t length)
{
	char *text = malloc(length + 1);

	if (!text)
		return false;
	memcpy(text, target, length);
	text[length] = 0;
	free(i->target);
	i->target = text;
	i->size = length;
	return true;
}

/* ---- the cache ------------------------------------------------------------------------------------ */

/* Lets go of what nobody uses below a directory. */
static void trim_below(struct inode *dir, uint64_t before)
{
	struct dentry *d;

	for (uint64_t cookie = 0; (d = dir_next(dir, cookie)); ) {
		struct inode *i = d->inode;

		cookie = d->cookie + 1;
		if (!i || !share_is_live(i))
			continue;
		if (S_ISDIR(i->mode))
			trim_below(i, before);
		if (!i->share->is_mount && i->refs == 1 && i->share->seq < before && i->share->passed < before &&
		    !(S_ISDIR(i->mode) && i->dir.live))
			dir_remove(dir, d);
	}
}

/* What this call has found, and the directory where it is now, must stay: a walk's result is borrowed. */
void share_cache_trim(struct proc *p, struct inode *here)
{
	static unsigned floor = CACHED_MAX;

	if (cached < floor)
		return;
	inode_get(here);
	for (unsigned i = 0; i < MOUNTS_MAX; i++)
		if (mounts[i].root && mounts[i].mode != MOUNT_COPY && S_ISDIR(mounts[i].root->mode))
			trim_below(mounts[i].root, p->call_seq);
	inode_put(here);
	floor = cached + CACHED_MAX / 2 > CACHED_MAX ? cached + CACHED_MAX / 2 : CACHED_MAX;
}
