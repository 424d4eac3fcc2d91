/*
 * look.c - names and attributes of a share, asked of who serves it: once a call, and as many names of a path at a time
 * as may be.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

static void missing_set(struct proc *p, struct inode *dir, const struct name *name, uint64_t seq)
{
	inode_get(dir);
	if (p->missing_in)
		inode_put(p->missing_in);
	p->missing_in = dir;
	memcpy(p->missing.text, name->text, name->length);
	p->missing.length = name->length;
	p->missing_seq = seq;
}

static bool is_missing(const struct proc *p, const struct inode *dir, const struct name *name)
{
	return p->missing_in == dir && p->missing_seq >= p->call_seq && p->missing.length == name->length &&
	       memcmp(p->missing.text, name->text, name->length) == 0;
}

/* ---- names that are denied ------------------------------------------------------------------------ */

static char **denied;
static unsigned denied_count;

bool share_deny(const char *pattern)
{
	char **more = realloc(denied, (denied_count + 1) * sizeof *more);

	if (!more)
		return false;
	denied = more;
	denied[denied_count] = strdup(pattern);
	return denied[denied_count] && ++denied_count;
}

/* Whether a pattern of a deny= record names what is looked up: of a path if it has a slash, else of the last name. */
static bool share_denied(const struct inode *dir, const struct name *name)
{
	static char path[PATH_LIMIT];
	int n;

	if (!denied_count)
		return false;
	n = inode_path((struct inode *)dir, path, sizeof path - NAME_LIMIT - 2);
	if (n < 0)
		return false;
	if (path[n - 1] != '/')
		path[n++] = '/';
	memcpy(path + n, name->text, name->length);
	path[n + name->length] = 0;
	for (unsigned i = 0; i < denied_count; i++)
		if (fnmatch(denied[i], strchr(denied[i], '/') ? path : path + n, FNM_PATHNAME) == 0)
			return true;
	return false;
}

/* ---- looking up ---------------------------------------------------------------------------------- */

/* Takes the next name off a path as it was sent. */
static bool sent_name(const char **at, const char *end, struct name *name)
{
	const char *slash;

	if (*at >= end)
		return false;
	slash = memchr(*at, '/', end - *at);
	if (!slash)
		slash = end;
	*name = name_of(*at, slash - *at);
	*at = slash + 1;
	return true;
}

/* The answer of a walk from dir (j->inode) along the names in j->text. */
static long walk_done(struct proc *p, struct job *j)
{
	const struct file_attr *attr = (const void *)j->buffer;
	const char *at = j->text, *end = at + j->value[0];
	uint64_t before = j->value[1], found = j->m.w[0];
	bool last = j->m.w[1] && j->m.recv_length >= sizeof *attr;
	struct inode *dir = j->inode;
	struct name name;
	int error = job_error(j);

	if (!p)
		return 0;
	if (error)
		return error;
	/* The names before were passed on the way to dir: if not all of them are there, dir is gone. */
	if (found < before) {
		if (!sent_name(&at, end, &name))
			return -EIO;
		missing_set(p, dir, &name, j->seq);
		share_forget(dir, &name);
		return RERUN;
	}
	found -= before;
	while (sent_name(&at, end, &name)) {
		bool told = found == 1 && last;
		struct inode *child;

		if (!found) {
			struct dentry *d = dir_find(dir, &name);

			if (d && (!d->inode->share || d->inode->share->is_mount))
				return RERUN;
			missing_set(p, dir, &name, j->seq);
			share_forget(dir, &name);
			return RERUN;
		}
		child = share_child(dir, &name, told ? attr : NULL, j->seq);
		if (!child)
			return -ENOMEM;
		if (!child->share || child->share->is_mount)
			return RERUN;
		if (told && S_ISLNK(child->mode) &&
		    !share_target(child, j->buffer + sizeof *attr, j->m.recv_length - sizeof *attr))
			return -ENOMEM;
		if (told && !S_ISDIR(child->mode))
			return RERUN;
		dir = child;
		found--;
	}
	return RERUN;
}

/* How much of the rest of a path can be asked for with the first name: plain names only. */
static size_t rest_length(const char *rest, size_t room)
{
	size_t taken = 0;

	while (rest[taken]) {
		const char *name = rest + taken + (taken ? 1 : 0);
		size_t n = strcspn(name, "/");

		if (n == 0 || n > NAME_LIMIT || (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'))))
			break;
		if ((size_t)(name + n - rest) > room)
			break;
		taken = name + n - rest;
	}
	return taken;
}

static unsigned depth_of(const struct inode *i)
{
	unsigned depth = 0;

	for (; !i->share->is_mount; i = i->parent)
		depth++;
	return depth;
}

static int look_ask(struct proc *p, struct inode *dir, const struct name *name, const char *rest)
{
	long error;
	struct job *j = share_job(p, dir, name, DIRECTORY_OC_WALK, &error);
	size_t more;

	if (!j)
		return (int)error;
	/* Whoever is not root must be asked folder by folder: each may refuse him. */
	more = p->euid == 0 ? rest_length(rest, FILES_PATH_MAX - 1 - j->m.send_length) : 0;
	j->text = malloc(name->length + more + 2);
	if (!j->text) {
		job_free(j);
		return -ENOMEM;
	}
	memcpy(j->text, name->text, name->length);
	j->value[0] = name->length;
	j->value[1] = depth_of(dir);
	if (more) {
		j->text[name->length] = '/';
		memcpy(j->text + name->length + 1, rest, more);
		j->value[0] += more + 1;
		j->buffer[j->m.send_length] = '/';
		memcpy(j->buffer + j->m.send_length + 1, rest, more);
		j->m.send_length += more + 1;
	}
	job_inode(j, dir);
	return (int)job_send(j, walk_done);
}

int share_look(struct proc *p, struct inode *dir, const struct name *name, const char *rest, struct inode **out)
{
	struct dentry *d;
	struct inode *i;

	if (share_denied(dir, name))
		return -EACCES;
	if (dir->share->copy)
		return share_look_copy(p, dir, name, out);
	d = dir_find(dir, name);
	i = d ? d->inode : NULL;
	*out = i;
	if (i && (!i->share || i->share->is_mount))
		return 0;
	if (i && (i->share->seq >= p->call_seq || (*rest && i->share->passed >= p->call_seq && p->euid == 0)))
		return 0;
	*out = NULL;
	if (is_missing(p, dir, name) || dir->removed)
		return 0;
	share_cache_trim(p, dir);
	return look_ask(p, dir, name, rest);
}

/* ---- attributes ----------------------------------------------------------------------------------- */

static long refresh_done(struct proc *p, struct job *j)
{
	const struct file_attr *attr = (const void *)j->buffer;
	struct inode *i = j->inode;
	bool told = job_error(j) == 0 && j->m.recv_length >= sizeof *attr && (j->value[0] || j->m.w[1]) &&
		    ((attr->mode ^ i->mode) & S_IFMT) == 0;

	if (!p)
		return 0;
	/* What has lost its name keeps the attributes it had last. */
	if (told)
		share_attr_set(i, attr, j->seq);
	else
		i->share->seq = j->seq;
	if (!told && !S_ISDIR(i->mode))
		i->nlink = 0;
	return RERUN;
}

int share_refresh(struct proc *p, struct inode *i)
{
	struct job *j;
	long error;

	if (!share_is_live(i) || i->share->seq >= p->call_seq)
		return 0;
	if (i->share->files && !S_ISDIR(i->mode)) {
		j = job_new(p, i->share->files->cap, FILE_OC_ATTRIBUTES);
		error = BLOCKED;
		if (j)
			j->value[0] = 1;
	} else {
		j = share_job(p, i, NULL, DIRECTORY_OC_WALK, &error);
	}
	if (!j) {
		if (error == -ESTALE)
			return 0;
		return (int)error;
	}
	job_inode(j, i);
	return (int)job_send(j, refresh_done);
}
