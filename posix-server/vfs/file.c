/*
 * file.c - open file descriptions, and opening.
 *
 * Invariants
 *   1. A file holds one reference to its inode from file_new until its last file_put, which calls release.
 *   2. Opening asks everything before it changes anything: O_TRUNC is the last thing done, O_CREAT the
 *      last but one.
 *   3. Opening an inode through /proc/PID/fd asks for the same permissions as opening it by name does.
 */
#include <stdlib.h>
#include <string.h>
#include "vfs.h"

static struct file *free_files;    /* chained by data */

struct file *file_new(const struct file_ops *ops, struct inode *inode, uint32_t flags, void *data)
{
	struct file *f = free_files;
	if (f)
		free_files = f->data;
	else if (!(f = malloc(sizeof *f)))
		return NULL;
	f->ops = ops;
	f->inode = inode;
	f->refs = 1;
	f->flags = flags;
	f->offset = 0;
	f->data = data;
	if (inode)
		inode_get(inode);
	return f;
}

void file_put(struct file *f)
{
	if (--f->refs)
		return;
	if (f->ops->release)
		f->ops->release(f);
	if (f->inode) {
		if (f->inode->locks)
			locks_drop_owner(f->inode, f);
		inode_put(f->inode);
	}
	f->data = free_files;
	free_files = f;
}

bool file_readable(const struct file *f)
{
	return !(f->flags & K_O_PATH) && (f->flags & K_O_ACCMODE) != 1;
}

bool file_writable(const struct file *f)
{
	uint32_t mode = f->flags & K_O_ACCMODE;
	return !(f->flags & K_O_PATH) && (mode == 1 || mode == 2);
}

/* ---- files without data: directories, O_PATH ------------------------------------------------------- */

static long dir_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)f, (void)p, (void)buf, (void)n, (void)offset, (void)nonblock;
	return -EISDIR;
}

static unsigned always_ready(struct file *f, struct waitq **q)
{
	(void)f;
	*q = NULL;
	return K_POLLIN | K_POLLOUT | K_POLLRDNORM | K_POLLWRNORM;
}

const struct file_ops dir_ops = {.name = "directory", .read = dir_read, .poll = always_ready, .seekable = true};
const struct file_ops path_ops = {.name = "path"};

/* ---- generated text: data is a struct text made at the open ------------------------------------------ */

struct text { size_t length; char bytes[]; };

static long text_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)nonblock;
	struct text *t = f->data;
	if ((uint64_t)*offset >= t->length)
		return 0;
	if (n > t->length - *offset)
		n = t->length - *offset;
	if (user_write(p, buf, t->bytes + *offset, n))
		return -EFAULT;
	*offset += n;
	return n;
}

static void text_release(struct file *f)
{
	free(f->data);
}

const struct file_ops text_ops = {
	.name = "text", .read = text_read, .poll = always_ready, .release = text_release, .seekable = true,
};

static long text_open(struct proc *p, struct inode *inode, uint32_t flags, struct file **out)
{
	static char scratch[65536];
	if (!inode->virtual->text)
		return -EACCES;
	long length = inode->virtual->text(inode, p, scratch, sizeof scratch);
	if (length < 0)
		return length;
	struct text *t = malloc(sizeof *t + length);
	if (!t)
		return -ENOMEM;
	t->length = length;
	memcpy(t->bytes, scratch, length);
	*out = file_new(&text_ops, inode, flags, t);
	if (!*out)
		free(t);
	return *out ? 0 : -ENOMEM;
}

/* ---- opening -------------------------------------------------------------------------------------------- */

/* The permissions that the access mode asks for; 3 is Linux's "neither, but ioctl". */
static int mode_wanted(uint32_t flags)
{
	static const uint8_t wants[4] = {K_R_OK, K_W_OK, K_R_OK | K_W_OK, K_R_OK | K_W_OK};
	int want = wants[flags & K_O_ACCMODE];
	return flags & K_O_TRUNC ? want | K_W_OK : want;
}

static int open_permitted(struct proc *p, struct inode *i, uint32_t flags)
{
	int want = mode_wanted(flags);
	if (S_ISLNK(i->mode))
		return flags & K_O_DIRECTORY ? -ENOTDIR : -ELOOP;
	if (S_ISDIR(i->mode)) {
		if (want & K_W_OK || flags & K_O_CREAT)
			return -EISDIR;
	} else if (flags & K_O_DIRECTORY) {
		return -ENOTDIR;
	}
	int error = inode_may(i, p, want);
	if (!error && (flags & K_O_NOATIME) && !inode_owned(i, p))
		error = -EPERM;
	return error;
}

static long device_open(struct proc *p, struct inode *i, uint32_t flags, struct file **out)
{
	dev_open_fn open = dev_find(i->rdev);
	return open ? open(p, i, flags, out) : -ENXIO;
}

/* Opens what was found; O_CREAT and its kin are dealt with.  Files opened keep only the flags that last. */
long file_open_inode(struct proc *p, struct inode *i, uint32_t flags, struct file **out)
{
	uint32_t kept = flags & ~(K_O_CREAT | K_O_EXCL | K_O_NOCTTY | K_O_TRUNC | K_O_CLOEXEC);
	if (flags & K_O_PATH) {
		*out = file_new(&path_ops, i, kept & (K_O_PATH | K_O_DIRECTORY | K_O_NOFOLLOW), NULL);
		return *out ? 0 : -ENOMEM;
	}
	kept |= K_O_LARGEFILE;
	if (share_is_copy(i) && S_ISREG(i->mode) && (mode_wanted(flags) & K_W_OK)) {
		int error = share_own(p, i, flags & K_O_TRUNC);
		if (error)
			return error;
	}
	if (share_is_live(i) || (i->share && !S_ISDIR(i->mode)))
		return S_ISREG(i->mode) || S_ISDIR(i->mode) ? share_open(p, i, flags, out) : -ENXIO;
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		if (i->virtual)
			return mode_wanted(flags) & K_W_OK ? -EACCES : text_open(p, i, kept, out);
		*out = file_new(&regular_ops, i, kept, NULL);
		break;
	case S_IFDIR:
		*out = file_new(&dir_ops, i, kept, NULL);
		break;
	case S_IFIFO:
		/* With a number it is a stream from outside (inode_stream). */
		return i->rdev ? device_open(p, i, kept, out) : pipe_open(p, i, kept, out);
	case S_IFCHR:
		return device_open(p, i, kept | (flags & K_O_NOCTTY), out);
	default:
		return -ENXIO;
	}
	if (!*out)
		return -ENOMEM;
	if ((flags & K_O_TRUNC) && S_ISREG(i->mode)) {
		int error = data_truncate(i, 0);
		if (error) {
			file_put(*out);
			return error;
		}
		inode_lose_privilege(i, p);
	}
	return 0;
}

/* O_TMPFILE: a file with no name, which linkat may give one. */
static long open_nameless(struct proc *p, struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{
	if (!S_ISDIR(w->inode->mode))
		return -ENOTDIR;
	if (!(mode_wanted(flags) & K_W_OK))
		return -EINVAL;
	if (w->inode->virtual || share_is_live(w->inode))
		return -EOPNOTSUPP;
	int error = inode_may(w->inode, p, K_W_OK | K_X_OK);
	if (error)
		return error;
	struct inode *i = inode_new(S_IFREG | (mode & 07777 & ~p->fs->umask), p->euid, p->egid);
	if (!i)
		return -ENOSPC;
	inode_count(i, w->inode->quota);
	i->number = inode_next_number();
	i->atime = i->mtime = i->ctime = time_tick();
	long r = file_open_inode(p, i, flags & ~(K_O_TMPFILE | K_O_DIRECTORY), out);
	if (r < 0)
		inode_drop_if_unused(i);
	return r;
}

static long open_creating(struct proc *p, struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{
	struct inode *i;
	if (w->last != LAST_NAME && w->last != LAST_JUMP)
		return flags & K_O_EXCL ? -EEXIST : -EISDIR;
	if (!w->inode && share_is_live(w->dir)) {
		int error = w->dir->removed ? -ENOENT : inode_may(w->dir, p, K_W_OK | K_X_OK);
		return error ? error : share_create(p, w, flags, mode, out);
	}
	if (!w->inode) {
		int error = name_create(p, w, S_IFREG | (mode & 07777 & ~p->fs->umask), 0, NULL, &i);
		if (error)
			return error;
		/* Whoever makes a file may use it as asked, whatever its mode says; a fresh one needs no cutting. */
		return file_open_inode(p, i, flags & ~K_O_TRUNC, out);
	}
	if (flags & K_O_EXCL)
		return -EEXIST;
	int error = open_permitted(p, w->inode, flags);
	return error ? error : file_open_inode(p, w->inode, flags, out);
}

long file_open(struct proc *p, int dirfd, uint64_t path, uint32_t flags, uint32_t mode, struct file **out)
{
	struct walk w;
	unsigned how = 0;
	if (p->opened) {              /* a share answered, and the call runs again */
		*out = p->opened;
		p->opened = NULL;
		return 0;
	}
	if (flags & K_O_PATH)
		flags &= K_O_PATH | K_O_DIRECTORY | K_O_NOFOLLOW | K_O_CLOEXEC;
	bool nameless = (flags & (K_O_TMPFILE | K_O_DIRECTORY)) == (K_O_TMPFILE | K_O_DIRECTORY);
	if ((flags & K_O_TMPFILE) && !nameless)
		return -EINVAL;
	bool create = (flags & K_O_CREAT) && !nameless;
	if (create && (flags & K_O_DIRECTORY))
		return -EINVAL;
	if (!(flags & K_O_NOFOLLOW) && !(create && (flags & K_O_EXCL)))
		how |= WALK_FOLLOW;
	if (create)
		how |= WALK_PARENT | WALK_CREATE;
	int error = user_walk(p, dirfd, path, how, 0, &w);
	if (error)
		return error;
	if (nameless)
		return open_nameless(p, &w, flags, mode, out);
	if (create)
		return open_creating(p, &w, flags, mode, out);
	if (flags & K_O_PATH)
		error = (flags & K_O_DIRECTORY) && !S_ISDIR(w.inode->mode) ? -ENOTDIR : 0;
	else
		error = open_permitted(p, w.inode, flags);
	return error ? error : file_open_inode(p, w.inode, flags, out);
}
