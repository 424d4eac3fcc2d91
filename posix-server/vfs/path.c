/*
 * path.c - from path names to inodes.
 *
 * A walk reads the path once, component by component, hashing as it scans.  Symbolic links are not pasted
 * into the path: the rest of the path is pushed on a stack and the link's target is walked instead, so nothing
 * is copied, and `..` of a link's target is the directory where the target really lies.
 *
 * Invariants
 *   1. A walk never leaves the root of the process's fsctx: `..` there stays, absolute targets begin there.
 *   2. The order of errors is Linux's: ENOTDIR of a prefix, EACCES of a directory that may not be searched,
 *      ENAMETOOLONG of the component, then ENOENT.
 *   3. What a walk returns is borrowed until the tree changes; procfs inodes until the next walk without
 *      WALK_KEEP.
 */
#include <string.h>
#include "vfs.h"
#include "../record.h"
#include "../refusal.h"

struct walker {
	struct proc *p;
	struct inode *at;         /* the directory reached */
	const char *s;            /* what is left of the current string */
	const char *stack[LINKS_LIMIT];
	unsigned depth, links;
	unsigned flags;
	struct name name;         /* the component looked at last */
};

static char path_buffer[2][PATH_LIMIT];
static char link_buffer[LINKS_LIMIT][64];  /* targets of procfs links, such as "self" */

static int walk_start(struct proc *p, int dirfd, const char *path, struct inode **at)
{
	if (*path == '/') {
		*at = p->fs->root;
	} else if (dirfd == K_AT_FDCWD) {
		*at = p->fs->cwd;
	} else {
		struct file *f = fd_get(p, dirfd);
		if (!f)
			return -EBADF;
		if (!f->inode)
			return *path ? -ENOTDIR : -EBADF;
		*at = f->inode;
	}
	return 0;
}

static int dir_look(struct walker *w, const struct name *name, struct inode **out)
{
	struct inode *dir = w->at;
	if (dir->virtual)
		return dir->virtual->lookup(dir, w->p, name, out);
	if (dir->share)
		return share_look(w->p, dir, name, w->s, out);
	if (dir->dir.pending) {
		int error = dir_open_image(dir);
		if (error)
			return error;
	}
	struct dentry *d = dir_find(dir, name);
	*out = NULL;
	if (!d)
		return 0;
	if (d->inode && d->inode->name == d->name) {
		*out = d->inode;
		return 0;
	}
	*out = dentry_inode(dir, d);
	return *out ? 0 : -ENOMEM;
}

/* Goes on with a link's target; rest is what follows the link in the current string ("" if it ends there). */
static int walk_link(struct walker *w, struct inode *link, const char *rest, struct inode **jumped)
{
	*jumped = NULL;
	if (w->links++ == LINKS_LIMIT)
		return -ELOOP;
	const char *target = link->target;
	if (link->virtual) {
		if (link->virtual->jump) {
			int error = link->virtual->jump(link, w->p, jumped);
			if (error != -EAGAIN)
				return error;
		}
		char *text = link_buffer[w->links - 1];
		long length = link->virtual->target(link, w->p, text, sizeof link_buffer[0] - 1);
		if (length < 0)
			return length;
		text[length] = 0;
		target = text;
	}
	if (*rest)
		w->stack[w->depth++] = rest;
	if (*target == '/')
		w->at = w->p->fs->root;
	w->s = target;
	return 0;
}

static enum walk_last dots(const struct name *n)
{
	if (n->text[0] != '.' || n->length > 2)
		return LAST_NAME;
	if (n->length == 1)
		return LAST_DOT;
	return n->text[1] == '.' ? LAST_DOTDOT : LAST_NAME;
}

/* Takes one component off the string; slashes after it too. */
static bool component_take(struct walker *w, struct name *name, bool *slash)
{
	const char *s = w->s;
	while (*s == '/')
		s++;
	uint32_t hash = 0;
	const char *start = s;
	unsigned char c;
	for (; (c = *s) != 0 && c != '/'; s++)
		hash = hash_step(hash, c);
	*name = (struct name){start, s - start, hash};
	*slash = c == '/';
	while (*s == '/')
		s++;
	w->s = s;
	return name->length != 0;
}

static inline int dir_search(struct walker *w)
{
	if (!S_ISDIR(w->at->mode))
		return -ENOTDIR;
	return w->p->euid == 0 ? 0 : inode_access_as(w->at, w->p->euid, w->p->egid, K_X_OK);
}

/* The end of a walk that names a directory without a name of its own there. */
static int walk_end(struct walker *w, struct walk *out, enum walk_last last)
{
	out->dir = out->inode = w->at;
	out->last = last;
	if (w->at->share && w->p) {
		int error = share_refresh(w->p, w->at);
		if (error)
			return error;
	}
	if ((out->slash || last != LAST_JUMP) && !S_ISDIR(w->at->mode))
		return -ENOTDIR;
	return 0;
}

static void step_dots(struct walker *w, enum walk_last kind)
{
	if (kind == LAST_DOTDOT && w->at != w->p->fs->root)
		w->at = w->at->parent;
}

/* The last component, which the directory has (found) or has not: 1 = a link to follow, 0 or -errno = done. */
static int walk_finish(struct walker *w, struct walk *out, const struct name *name, struct inode *found)
{
	out->dir = w->at;
	out->inode = found;
	out->name = *name;
	out->last = LAST_NAME;
	if (!found)
		return w->flags & WALK_PARENT ? 0 : -ENOENT;
	if (S_ISLNK(found->mode) && (w->flags & WALK_FOLLOW || (out->slash && !(w->flags & WALK_PARENT))))
		return 1;
	if (out->slash && !S_ISDIR(found->mode) && !(w->flags & WALK_PARENT))
		return -ENOTDIR;
	return 0;
}

static int walk_run(struct walker *w, struct walk *out)
{
	enum walk_last last = LAST_ROOT;
	for (;;) {
		struct name name;
		bool slash;
		if (!component_take(w, &name, &slash)) {
			if (w->depth == 0)
				return walk_end(w, out, last);
			w->s = w->stack[--w->depth];
			continue;
		}
		w->name = name;
		bool final = *w->s == 0 && w->depth == 0;
		if (final && slash)
			out->slash = true;
		int error = dir_search(w);
		if (error)
			return error;
		if ((last = dots(&name)) != LAST_NAME) {
			step_dots(w, last);
			continue;
		}
		if (final && out->slash && (w->flags & WALK_CREATE))
			return -EISDIR;
		if (name.length > NAME_LIMIT)
			return -ENAMETOOLONG;
		struct inode *found;
		error = dir_look(w, &name, &found);
		if (error)
			return error;
		if (final) {
			error = walk_finish(w, out, &name, found);
			if (error <= 0)
				return error;
		} else if (!found) {
			return -ENOENT;
		}
		if (!S_ISLNK(found->mode)) {
			w->at = found;
			continue;
		}
		if (record_on)
			record_file(w->p, USE_FOLLOW, found, 0);
		struct inode *jumped;
		error = walk_link(w, found, w->s, &jumped);
		if (error)
			return error;
		last = LAST_ROOT;      /* what the target is, if it has no name at its end */
		if (jumped) {
			w->at = jumped;
			last = LAST_JUMP;
		}
	}
}

/* For the recorder: an error leaves the walk where it happened. */
static void walk_record(struct walker *w, const struct walk *out, const char *path, int error)
{
	bool name_known = error || out->last == LAST_NAME;
	struct inode *at = error ? w->at : out->dir;
	record_walk(path, at, error ? NULL : out->inode, w->name.text, name_known ? w->name.length : 0,
		    error ? w->s : "", !error && (w->flags & WALK_PARENT), error);
}

int path_walk(struct proc *p, int dirfd, const char *path, unsigned flags, struct walk *out)
{
	struct walker w;
	w.p = p;
	w.s = path;
	w.flags = flags;
	w.depth = w.links = 0;
	out->slash = false;
	if (!(flags & WALK_KEEP))
		inode_sweep();
	if (!*path && !(flags & WALK_EMPTY))
		return -ENOENT;
	int error = walk_start(p, dirfd, path, &w.at);
	if (error)
		return error;
	if (!*path) {
		out->dir = out->inode = w.at;
		out->last = LAST_EMPTY;
		return w.at->share ? share_refresh(p, w.at) : 0;
	}
	if (!record_on && !refusal_on)
		return walk_run(&w, out);
	w.name.length = 0;
	error = walk_run(&w, out);
	if (record_on)
		walk_record(&w, out, path, error);
	if (refusal_on && error == -ENOENT && w.name.length)
		refusal_walk(p, w.at, w.name.text, w.name.length, w.s);
	return error;
}

int user_walk(struct proc *p, int dirfd, uint64_t path, unsigned flags, unsigned which, struct walk *w)
{
	long n = user_string(p, path_buffer[which], path, PATH_LIMIT);
	return n < 0 ? (int)n : path_walk(p, dirfd, path_buffer[which], flags, w);
}

int vfs_resolve(struct proc *p, int dirfd, const char *path, bool follow, struct inode **out)
{
	struct walk w;
	int error = path_walk(p, dirfd, path, follow ? WALK_FOLLOW : 0, &w);
	if (error)
		return error;
	inode_get(w.inode);
	*out = w.inode;
	return 0;
}

/* Written from the end of the buffer, since the names are found from the leaf up. */
int inode_path(struct inode *i, char *to, size_t size)
{
	char *end = to + size, *at = end;
	bool lost = false;
	while (i != vfs_root()) {
		if (!i->name || !i->parent) {
			lost = true;
			break;
		}
		if ((size_t)(at - to) < i->name_length + 1u)
			return -ENAMETOOLONG;
		at -= i->name_length;
		memcpy(at, i->name, i->name_length);
		*--at = '/';
		i = i->parent;
	}
	if (lost)
		return -ENOENT;
	if (at == end && size)
		*--at = '/';
	if (at == to)
		return -ENAMETOOLONG;     /* no room for the NUL */
	size_t length = end - at;
	memmove(to, at, length);
	to[length] = 0;
	return length;
}
