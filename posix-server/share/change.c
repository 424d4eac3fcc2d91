/*
 * change.c - changes of a share: names, attributes, and how much room there is.
 *
 * The server of the share decides; the questions asked here first are those whose answers it would give in another
 * order than Linux does.  What the change does to the inodes we remember is done when it has happened.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

/* A job whose string is a path and what follows it. */
static struct job *change_job(struct proc *p, struct inode *dir, const struct name *name, uint32_t order, long *error)
{
	struct job *j;

	*error = share_readonly(dir) ? share_refuse(p, dir, name) : 0;
	if (*error)
		return NULL;
	*error = -ENOENT;
	if (dir->removed)
		return NULL;
	j = share_job(p, dir, name, order, error);
	if (!j)
		return NULL;
	job_inode(j, dir);
	*error = -ENOMEM;
	return job_name(j, name) ? j : NULL;
}

/* ---- making --------------------------------------------------------------------------------------- */

static long made(struct proc *p, struct job *j)
{
	(void)p;
	return job_error(j);
}

static long file_made(struct proc *p, struct job *j)
{
	int error = job_error(j);

	if (!error)
		cap_close(job_cap(j), FILE_OC_CLOSE);
	(void)p;
	return error;
}

/* A directory, a symbolic link, or an empty file; the walk has said that the name is free. */
int share_make(struct proc *p, struct walk *w, uint32_t mode, const char *target)
{
	uint32_t order = S_ISDIR(mode) ? DIRECTORY_OC_MAKE_DIRECTORY :
			 S_ISLNK(mode) ? DIRECTORY_OC_MAKE_LINK : DIRECTORY_OC_OPEN;
	struct job *j;
	long error;

	/* Sockets, FIFOs and devices would be the host's, and mean something there. */
	if (!S_ISDIR(mode) && !S_ISLNK(mode) && !S_ISREG(mode))
		return share_readonly(w->dir) ? -EROFS : -EPERM;
	j = change_job(p, w->dir, &w->name, order, &error);
	if (!j)
		return (int)error;
	if (S_ISDIR(mode)) {
		j->m.w[0] = mode & 01777;
	} else if (S_ISLNK(mode)) {
		size_t n = strlen(target);

		j->m.w[0] = j->m.send_length;
		memcpy(j->buffer + j->m.send_length, target, n);
		j->m.send_length += n;
	} else {
		j->m.w[0] = FILES_WRITE | FILES_CREATE | FILES_EXCLUSIVE;
		j->m.w[1] = mode & 0777;
	}
	return (int)job_send(j, S_ISREG(mode) ? file_made : made);
}

/* ---- removing ------------------------------------------------------------------------------------- */

static long removed(struct proc *p, struct job *j)
{
	struct name name = name_of(j->text, strlen(j->text));
	struct dentry *d = dir_find(j->inode, &name);
	int error = job_error(j);

	(void)p;
	if (error || !d || !d->inode->share)
		return error;
	if (!S_ISDIR(d->inode->mode) && d->inode->nlink)
		d->inode->nlink--;
	share_forget(j->inode, &name);
	return 0;
}

int share_remove(struct proc *p, struct walk *w)
{
	struct job *j;
	long error;

	if (w->inode->share && w->inode->share->is_mount)
		return -EBUSY;
	j = change_job(p, w->dir, &w->name, DIRECTORY_OC_REMOVE, &error);
	if (!j)
		return (int)error;
	j->m.w[0] = S_ISDIR(w->inode->mode);
	return (int)job_send(j, removed);
}

/* ---- two names ------------------------------------------------------------------------------------ */

static int second_path(struct job *j, const struct inode *dir, const struct name *name)
{
	long n;

	j->m.w[0] = j->m.send_length;
	n = share_path_of(dir, name, j->buffer + j->m.send_length, FILES_PATH_MAX);
	if (n < 0)
		return (int)n;
	j->m.send_length += (size_t)n;
	return 0;
}

int share_link(struct proc *p, struct inode *i, struct walk *w)
{
	struct name name;
	struct job *j;
	long error;
	int bad;

	if (!i->share || !w->dir->share || i->share->mount != w->dir->share->mount || i->share->is_mount)
		return -EXDEV;
	if (S_ISDIR(i->mode))
		return -EPERM;
	if (!i->parent || !i->name)
		return -ENOENT;
	name = name_of(i->name, i->name_length);
	j = change_job(p, i->parent, &name, DIRECTORY_OC_MAKE_NAME, &error);
	if (!j)
		return (int)error;
	bad = second_path(j, w->dir, &w->name);
	if (!bad)
		return (int)job_send(j, made);
	job_free(j);
	return bad;
}

/* The inode that we know moves too, since a process may be in it. */
static long renamed(struct proc *p, struct job *j)
{
	const char *second = j->text + strlen(j->text) + 1;
	struct name from = name_of(j->text, strlen(j->text)), to = name_of(second, strlen(second));
	struct dentry *d;
	struct inode *i;
	int error = job_error(j);

	(void)p;
	if (error)
		return error;
	d = dir_find(j->inode, &from);
	i = d ? d->inode : NULL;
	if (!i || !i->share || i->share->is_mount)
		return 0;
	inode_get(i);
	share_forget(j->inode2, &to);
	d = dir_find(j->inode, &from);
	if (d && d->inode == i && !dir_find(j->inode2, &to) && !dir_within(j->inode2, i)) {
		inode_get(i);
		if (dir_add(j->inode2, &to, i)) {
			inode_put(i);
			share_forget(j->inode, &from);
		} else {
			dir_remove(j->inode, dir_find(j->inode, &from));
		}
	}
	inode_put(i);
	return 0;
}

#define NOREPLACE 1u

int share_rename(struct proc *p, struct walk *from, struct walk *to, uint32_t flags)
{
	struct job *j;
	char *both;
	long error;
	int bad;

	if (!from->dir->share || !to->dir->share || from->dir->share->mount != to->dir->share->mount)
		return -EXDEV;
	if (from->inode->share->is_mount || (to->inode && (!to->inode->share || to->inode->share->is_mount)))
		return -EBUSY;
	if (flags & ~NOREPLACE)
		return -EINVAL;
	j = change_job(p, from->dir, &from->name, DIRECTORY_OC_RENAME, &error);
	if (!j)
		return (int)error;
	both = realloc(j->text, from->name.length + to->name.length + 2);
	bad = both ? second_path(j, to->dir, &to->name) : -ENOMEM;
	if (both)
		j->text = both;
	if (bad) {
		job_free(j);
		return bad;
	}
	memcpy(both + from->name.length + 1, to->name.text, to->name.length);
	both[from->name.length + 1 + to->name.length] = 0;
	j->inode2 = to->dir;
	inode_get(to->dir);
	return (int)job_send(j, renamed);
}

/* ---- attributes ----------------------------------------------------------------------------------- */

static long set_done(struct proc *p, struct job *j)
{
	int error = job_error(j);

	(void)p;
	j->inode->share->seq = 0;
	if (!error && (j->value[0] & FILES_SET_SIZE)) {
		j->inode->size = j->value[1];
		j->inode->share->page_mtime = -1;
		share_changed = ++job_seq;
	}
	return error;
}

/* By the file itself if it is open to be written, else by its path. */
long share_set(struct proc *p, struct inode *i, const struct share_change *c)
{
	struct share_file *sf = i->share->files;
	struct job *j;
	long error = BLOCKED;

	if (share_readonly(i))
		return share_refuse(p, i, NULL);
	while (sf && !(sf->cap && sf->writable))
		sf = sf->next;
	if (sf && !S_ISDIR(i->mode))
		j = job_new(p, sf->cap, FILE_OC_SET);
	else
		j = share_job(p, i, NULL, DIRECTORY_OC_SET, &error);
	if (!j)
		return error == -ESTALE ? -ENOENT : error;
	j->m.w[0] = j->value[0] = c->which;
	j->m.w[1] = c->mode;
	j->m.w[2] = j->value[1] = c->size;
	j->m.w[3] = (uint64_t)c->atime;
	j->m.w[4] = (uint64_t)c->mtime;
	job_inode(j, i);
	return job_send(j, set_done);
}

/* ---- space ---------------------------------------------------------------------------------------- */

static long space_done(struct proc *p, struct job *j)
{
	int error = job_error(j);

	if (p && !error) {
		memcpy(p->space, j->m.w, sizeof p->space);
		p->space_seq = j->seq;
	}
	return error ? error : RERUN;
}

long share_space(struct proc *p, struct inode *i, struct share_space *s)
{
	struct job *j;

	if (p->space_seq >= p->call_seq) {
		*s = (struct share_space){ p->space[0], p->space[1], p->space[2], p->space[3], p->space[4], p->space[5],
					   share_readonly(i) };
		return 0;
	}
	j = job_new(p, i->share->mount->cap, DIRECTORY_OC_SPACE);
	return j ? job_send(j, space_done) : BLOCKED;
}
