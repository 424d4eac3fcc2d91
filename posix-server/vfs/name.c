/*
 * name.c - changes to the tree: create, unlink, rmdir, link, rename.
 *
 * Each takes walks done with WALK_PARENT, asks all its questions in the order Linux does, then changes names,
 * link counts and times, which cannot fail: whatever may want memory (a new name) comes first.
 */
#include <string.h>
#include "vfs.h"

/* May p add or remove names here? */
static int dir_may_change(struct inode *dir, struct proc *p)
{
	if (dir->virtual)
		return -EPERM;
	return inode_may(dir, p, K_W_OK | K_X_OK);
}

/* A removed directory takes no new names, and getcwd there says ENOENT. */
static int dir_may_add(struct inode *dir, struct proc *p)
{
	if (dir->removed)
		return -ENOENT;
	return dir_may_change(dir, p);
}

static int dir_may_remove(struct inode *dir, struct inode *victim, struct proc *p)
{
	int error = dir_may_change(dir, p);
	if (error)
		return error;
	return name_sticky_denies(dir, victim, p) ? -EPERM : 0;
}

static struct dentry *dentry_of(const struct walk *w)
{
	return dir_find(w->dir, &w->name);
}

static struct inode *inode_make(struct proc *p, uint32_t mode, uint32_t rdev, const char *target)
{
	struct inode *i = inode_new(mode, p->euid, p->egid);
	if (!i)
		return NULL;
	i->number = inode_next_number();
	i->rdev = rdev;
	i->nlink = 1;
	i->atime = i->mtime = i->ctime = time_tick();
	if (S_ISDIR(mode)) {
		i->nlink = 2;
		i->size = PAGE_BYTES;
	}
	if (S_ISLNK(mode)) {
		i->size = strlen(target);
		i->target = strdup(target);
		if (!i->target) {
			inode_drop_if_unused(i);
			return NULL;
		}
	}
	return i;
}

/* mode with its type; the caller has applied the umask.  *out is borrowed from its name. */
int name_create(struct proc *p, struct walk *w, uint32_t mode, uint32_t rdev, const char *target, struct inode **out)
{
	if (w->last != LAST_NAME || w->inode)
		return -EEXIST;
	if (w->slash && !S_ISDIR(mode))
		return -ENOENT;
	int error = dir_may_add(w->dir, p);
	if (error)
		return error;
	if (share_is_live(w->dir))
		return share_make(p, w, mode, target);

	if (w->dir->quota && w->dir->quota->used >= w->dir->quota->pages)
		return -ENOSPC;
	struct inode *i = inode_make(p, mode, rdev, target);
	if (!i)
		return -ENOSPC;
	inode_count(i, w->dir->quota);
	if (w->dir->mode & 02000) {
		i->gid = w->dir->gid;
		if (S_ISDIR(mode))
			i->mode |= 02000;
	}
	error = dir_add(w->dir, &w->name, i);
	if (error) {
		inode_drop_if_unused(i);
		return error;
	}
	i->refs = 1;
	if (S_ISDIR(mode))
		w->dir->nlink++;
	inode_touch(w->dir);
	if (out)
		*out = i;
	return 0;
}

/* Takes the name of a file away from the walk's directory; the inode may go with it. */
static void file_unname(struct walk *w)
{
	w->inode->nlink--;
	inode_changed(w->inode);
	inode_touch(w->dir);
	dir_remove(w->dir, dentry_of(w));
}

/* A directory without a name keeps its parent, and has no links. */
static void dir_bury(struct inode *dir, struct inode *parent)
{
	dir->nlink = 0;
	dir->removed = dir->holds_parent = true;
	dir->parent = parent;
	inode_get(parent);
	parent->nlink--;
	inode_changed(dir);
}

int name_unlink(struct proc *p, struct walk *w)
{
	if (w->last != LAST_NAME)
		return -EISDIR;
	if (!w->inode)
		return -ENOENT;
	if (w->slash)
		return S_ISDIR(w->inode->mode) ? -EISDIR : -ENOTDIR;
	int error = dir_may_remove(w->dir, w->inode, p);
	if (error)
		return error;
	if (S_ISDIR(w->inode->mode))
		return -EISDIR;
	if (w->inode->share && w->inode->share->is_mount)
		return -EBUSY;
	if (share_is_live(w->dir))
		return share_remove(p, w);
	file_unname(w);
	return 0;
}

int name_rmdir(struct proc *p, struct walk *w)
{
	if (w->last != LAST_NAME)
		return w->last == LAST_DOT ? -EINVAL : w->last == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
	if (!w->inode)
		return -ENOENT;
	int error = dir_may_remove(w->dir, w->inode, p);
	if (error)
		return error;
	if (!S_ISDIR(w->inode->mode))
		return -ENOTDIR;
	if (w->inode->virtual || (w->inode->share && w->inode->share->is_mount))
		return -EBUSY;
	if (share_is_live(w->dir))
		return share_remove(p, w);
	error = share_lay(p, w->inode);
	if (error)
		return error;
	if (dir_live(w->inode))
		return -ENOTEMPTY;

	struct inode *dir = w->inode;
	inode_get(dir);
	dir_remove(w->dir, dentry_of(w));
	dir_bury(dir, w->dir);
	inode_touch(w->dir);
	inode_put(dir);
	return 0;
}

/* Linux's protected_hardlinks: nobody pins another's file that he could not have written, or a program with
 * its owner's authority. */
static bool link_source_safe(struct inode *i, struct proc *p)
{
	if (inode_owned(i, p))
		return true;
	if (!S_ISREG(i->mode) || (i->mode & 04000) || (i->mode & 02010) == 02010)
		return false;
	return inode_may(i, p, K_R_OK | K_W_OK) == 0;
}

int name_link(struct proc *p, struct inode *inode, struct walk *w)
{
	if (w->last != LAST_NAME || w->inode)
		return -EEXIST;
	if (w->slash)
		return -ENOENT;
	if (inode->virtual || w->dir->virtual || inode_device(inode) != inode_device(w->dir))
		return -EXDEV;
	if (share_is_live(w->dir)) {
		int refused = dir_may_add(w->dir, p);
		return refused ? refused : share_link(p, inode, w);
	}
	if (!link_source_safe(inode, p))
		return -EPERM;
	int error = dir_may_add(w->dir, p);
	if (error)
		return error;
	if (S_ISDIR(inode->mode))
		return -EPERM;
	if (inode->nlink >= 65000)
		return -EMLINK;
	error = dir_add(w->dir, &w->name, inode);
	if (error)
		return error;
	inode_get(inode);
	inode->nlink++;
	inode_changed(inode);
	inode_touch(w->dir);
	return 0;
}

/* ---- rename ---------------------------------------------------------------------------------------- */

#define NOREPLACE 1u
#define EXCHANGE  2u

/* Questions about where the two names are, before who may change them. */
static int rename_places(struct walk *from, struct walk *to, uint32_t flags)
{
	if (from->last != LAST_NAME)
		return -EBUSY;
	if (to->last != LAST_NAME)
		return flags & NOREPLACE ? -EEXIST : -EBUSY;
	if (!from->inode)
		return -ENOENT;
	if (from->dir->virtual || to->dir->virtual)
		return from->dir == to->dir ? -EPERM : -EXDEV;
	if (from->inode->virtual || (to->inode && to->inode->virtual))
		return -EBUSY;
	if ((from->inode->share && from->inode->share->is_mount) ||
	    (to->inode && to->inode->share && to->inode->share->is_mount))
		return -EBUSY;
	if (inode_device(from->dir) != inode_device(to->dir))
		return -EXDEV;
	if ((flags & NOREPLACE) && to->inode)
		return -EEXIST;
	if ((flags & EXCHANGE) && !to->inode)
		return -ENOENT;
	if (from->slash && !S_ISDIR(from->inode->mode))
		return -ENOTDIR;
	if (to->slash && !S_ISDIR(flags & EXCHANGE ? to->inode->mode : from->inode->mode))
		return -ENOTDIR;
	if (S_ISDIR(from->inode->mode) && dir_within(to->dir, from->inode))
		return -EINVAL;
	if (to->inode && S_ISDIR(to->inode->mode) && dir_within(from->dir, to->inode))
		return flags & EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* A directory only takes the place of a directory, and anything else of anything else. */
static int rename_types(struct walk *from, struct walk *to, uint32_t flags)
{
	if (!to->inode || (flags & EXCHANGE) || S_ISDIR(from->inode->mode) == S_ISDIR(to->inode->mode))
		return 0;
	return S_ISDIR(to->inode->mode) ? -EISDIR : -ENOTDIR;
}

static int rename_permitted(struct proc *p, struct walk *from, struct walk *to, uint32_t flags)
{
	int error = dir_may_remove(from->dir, from->inode, p);
	if (!error)
		error = to->inode ? dir_may_remove(to->dir, to->inode, p) : dir_may_add(to->dir, p);
	if (!error)
		error = rename_types(from, to, flags);
	if (!error && from->dir != to->dir) {
		/* `..` of a directory that moves is rewritten: that takes write permission on itself. */
		if (S_ISDIR(from->inode->mode))
			error = inode_may(from->inode, p, K_W_OK);
		if (!error && (flags & EXCHANGE) && S_ISDIR(to->inode->mode))
			error = inode_may(to->inode, p, K_W_OK);
	}
	if (error || !to->inode || (flags & EXCHANGE) || !S_ISDIR(to->inode->mode))
		return error;
	if (share_is_live(to->inode))
		return 0;
	error = share_lay(p, to->inode);
	return error ? error : dir_live(to->inode) ? -ENOTEMPTY : 0;
}

static void rename_exchange(struct walk *from, struct walk *to)
{
	struct inode *a = from->inode, *b = to->inode;
	inode_get(a);
	inode_get(b);
	if (S_ISDIR(a->mode) && from->dir != to->dir)
		from->dir->nlink--, to->dir->nlink++;
	if (S_ISDIR(b->mode) && from->dir != to->dir)
		to->dir->nlink--, from->dir->nlink++;
	dir_replace(from->dir, dentry_of(from), b);
	dir_replace(to->dir, dentry_of(to), a);
	/* The second call forgot the place of b that the first had set. */
	struct dentry *d = dentry_of(from);
	b->parent = from->dir;
	b->name = d->name;
	b->name_length = d->length;
	inode_changed(a);
	inode_changed(b);
}

/* The new name takes a reference of its own before the old one gives its up. */
static int rename_move(struct walk *from, struct walk *to)
{
	struct inode *moved = from->inode, *old = to->inode;
	bool is_dir = S_ISDIR(moved->mode);
	inode_get(moved);
	if (old) {
		inode_get(old);
		dir_replace(to->dir, dentry_of(to), moved);
		if (S_ISDIR(old->mode)) {
			dir_bury(old, to->dir);
		} else {
			old->nlink--;
			inode_changed(old);
		}
		inode_put(old);
	} else {
		int error = dir_add(to->dir, &to->name, moved);
		if (error) {
			inode_put(moved);
			return error;
		}
	}
	/* The name's place is now the new one, so removing the old name must not forget it. */
	dir_remove(from->dir, dentry_of(from));
	if (is_dir) {
		from->dir->nlink--;
		to->dir->nlink++;
	}
	inode_changed(moved);
	return 0;
}

int name_rename(struct proc *p, struct walk *from, struct walk *to, uint32_t flags)
{
	int error = rename_places(from, to, flags);
	if (error)
		return error;
	if (from->inode == to->inode)
		return 0;
	error = rename_permitted(p, from, to, flags);
	if (error)
		return error;
	if (share_is_live(from->dir))
		return share_rename(p, from, to, flags);
	if (flags & EXCHANGE)
		rename_exchange(from, to);
	else if ((error = rename_move(from, to)))
		return error;
	inode_touch(from->dir);
	if (to->dir != from->dir)
		inode_touch(to->dir);
	return 0;
}
