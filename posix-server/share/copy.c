/*
 * copy.c - mounts that are read from a share and whose changes stay in the sandbox (`keros assess`).
 *
 * Such a tree is an ordinary one that is filled as it is looked at: a directory's names when it is first looked into, an
 * inode when its name is, a file's pages when it is first to be changed.  From then on what is there is the sandbox's
 * own, and the share is not asked again; so a copy is of the times of those first looks.
 *
 * Invariants
 *   1. A name that was laid out and not looked at has no inode, and stands in the table with tree = DENTRY_SHARE, the
 *      type (DT_*) as its entry.
 *   2. share.origin is the path in the share; names may move, it does not.
 *   3. A file that is the sandbox's own has no struct share any more; those that were opened before follow it.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

#define LIST_BYTES 65000u

static long names_came(struct proc *p, struct job *j);

/* ---- names --------------------------------------------------------------------------------------- */

/* Goes on with a listing: value[0] the place, value[1] the capability. */
static long names_ask(struct proc *p, struct inode *dir, uint64_t cookie, capno cap)
{
	struct job *j = job_new(p, cap, DIRECTORY_OC_LIST);

	if (!j) {
		cap_close(cap, DIRECTORY_OC_CLOSE);    /* it begins anew when there is a courier */
		return BLOCKED;
	}
	j->m.recv[0] = CR_VOID;
	j->m.w[0] = cookie;
	j->m.w[1] = LIST_BYTES;
	j->value[1] = cap;
	job_inode(j, dir);
	return job_send(j, names_came);
}

static int name_lay(struct inode *dir, const struct file_entry *e, const char *text)
{
	struct name name = name_of(text, e->length);

	if (text[0] == '.' && (e->length == 1 || (e->length == 2 && text[1] == '.')))
		return 0;
	if (dir_find(dir, &name))
		return 0;                      /* a mount */
	return dir_add_later(dir, &name, e->type, e->number);
}

static long names_came(struct proc *p, struct job *j)
{
	struct file_entry e;
	uint64_t next = 0;
	capno cap = (capno)j->value[1];
	int error = job_error(j);

	for (size_t at = 0; !error && at + sizeof e <= j->m.recv_length; at += sizeof e + e.length) {
		memcpy(&e, j->buffer + at, sizeof e);
		if (at + sizeof e + e.length > j->m.recv_length)
			error = -EIO;
		else
			error = name_lay(j->inode, &e, j->buffer + at + sizeof e);
		next = e.next;
	}
	if (error || !p || !j->m.recv_length) {
		cap_close(cap, DIRECTORY_OC_CLOSE);
		if (!error && p)
			j->inode->dir.pending = false;
		return error ? error : RERUN;
	}
	return names_ask(p, j->inode, next, cap);
}

static long folder_opened(struct proc *p, struct job *j)
{
	int error = job_error(j);
	capno cap = error ? 0 : job_cap(j);

	if (error)
		return error;
	if (!cap || !p) {
		cap_close(cap, DIRECTORY_OC_CLOSE);
		return -ENFILE;
	}
	return names_ask(p, j->inode, 0, cap);
}

/* A job on the origin of an inode, or of a name in a directory. */
static struct job *origin_job(struct proc *p, const struct inode *i, const struct name *name, uint32_t order)
{
	const char *origin = i->share->origin ? i->share->origin : "";
	struct job *j = job_new(p, i->share->mount->cap, order);
	size_t n = strlen(origin);

	if (!j)
		return NULL;
	memcpy(j->buffer, origin, n);
	if (name) {
		if (n)
			j->buffer[n++] = '/';
		memcpy(j->buffer + n, name->text, name->length);
		n += name->length;
	}
	j->m.send_string = j->buffer;
	j->m.send_length = n;
	return j;
}

int share_lay(struct proc *p, struct inode *dir)
{
	struct job *j;

	if (!dir->share || !dir->dir.pending)
		return 0;
	j = origin_job(p, dir, NULL, DIRECTORY_OC_LOOKUP);
	if (!j)
		return BLOCKED;
	job_inode(j, dir);
	return (int)job_send(j, folder_opened);
}

/* ---- inodes -------------------------------------------------------------------------------------- */

static long name_described(struct proc *p, struct job *j)
{
	const struct file_attr *attr = (const void *)j->buffer;
	struct name name = name_of(j->text, strlen(j->text));
	struct dentry *d = dir_find(j->inode, &name);
	const char *origin = j->inode->share ? j->inode->share->origin : NULL;
	struct inode *i;
	int error = job_error(j);
	char *path;

	if (!p || !d || d->inode || !j->inode->share)
		return RERUN;
	if (error)
		return error;
	if (!j->m.w[1] || j->m.recv_length < sizeof *attr) {
		dir_remove_later(j->inode, d); /* it went between the listing and now */
		return RERUN;
	}
	path = malloc((origin ? strlen(origin) : 0) + name.length + 2);
	i = path ? share_inode_copy(j->inode->share->mount, attr, j->seq) : NULL;
	if (!i) {
		free(path);
		return -ENOMEM;
	}
	path[0] = 0;
	if (origin) {
		strcpy(path, origin);
		strcat(path, "/");
	}
	strncat(path, name.text, name.length);
	i->share->origin = path;
	if (S_ISLNK(i->mode) && !share_target(i, j->buffer + sizeof *attr, j->m.recv_length - sizeof *attr)) {
		inode_drop_if_unused(i);
		return -ENOMEM;
	}
	i->refs = 1;
	d->inode = i;
	i->parent = j->inode;
	i->name = d->name;
	i->name_length = d->length;
	return RERUN;
}

int share_look_copy(struct proc *p, struct inode *dir, const struct name *name, struct inode **out)
{
	struct dentry *d;
	struct job *j;
	int error = share_lay(p, dir);

	if (error)
		return error;
	d = dir_find(dir, name);
	*out = d ? d->inode : NULL;
	if (!d || d->inode)
		return 0;
	j = origin_job(p, dir, name, DIRECTORY_OC_WALK);
	if (!j)
		return BLOCKED;
	if (!job_name(j, name))
		return -ENOMEM;
	job_inode(j, dir);
	return (int)job_send(j, name_described);
}

/* ---- copying up ---------------------------------------------------------------------------------- */

/* The file becomes an ordinary one, with the pages that it has. */
static void file_own(struct inode *i)
{
	struct share_file *next;

	for (struct share_file *sf = i->share->files; sf; sf = next) {
		next = sf->next;
		sf->prev = NULL;
		sf->next = NULL;
	}
	i->share->files = NULL;
	share_free(i);
}

int share_own(struct proc *p, struct inode *i, bool empty)
{
	int error = 0;

	if (!share_is_copy(i) || !S_ISREG(i->mode))
		return 0;
	if (!empty)
		error = share_load(p, i, 0, i->size);
	if (error)
		return error;
	if (empty) {
		data_free(i);
		i->data.held = 0;
		i->size = 0;
	}
	file_own(i);
	return 0;
}
