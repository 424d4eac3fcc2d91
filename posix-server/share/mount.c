/*
 * mount.c - the mounts: which capabilities to folders there are, and where in the tree they stand.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "refusal.h"
#include "share.h"

#define DEVICE_BASE 0x40u              /* st_dev of the first mount */

struct mount mounts[MOUNTS_MAX];

bool share_readonly(const struct inode *i)
{
	return i->share->mount->mode == MOUNT_READ;
}

int share_refuse(struct proc *p, struct inode *i, const struct name *name)
{
	if (refusal_on)
		refusal_write(p, i, name ? name->text : "", name ? name->length : 0);
	return -EROFS;
}

uint64_t share_device(const struct inode *i)
{
	return DEVICE_BASE + i->share->mount->index;
}

/* ---- mounting -------------------------------------------------------------------------------------- */

bool share_given(unsigned index, cap_t value)
{
	if (index >= MOUNTS_MAX || mounts[index].cap)
		return false;
	mounts[index].cap = cap_keep(value);
	return mounts[index].cap != 0;
}

/* Runs a walk to its end: the event loop does not run yet. */
static int walk_now(struct proc *p, const char *path, unsigned flags, struct walk *w)
{
	p->call_seq = job_seq + 1;
	for (;;) {
		long r = path_walk(p, AT_FDCWD, path, flags, w);

		while (r == BLOCKED)
			r = job_continue(p);
		if (r != RERUN)
			return (int)r;
	}
}

/* The folder that a mount stands in: made where it is not there, but not in another share. */
static const char *parent_make(struct proc *p, char *path)
{
	struct walk w;

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int error;

		*slash = 0;
		error = walk_now(p, path, WALK_FOLLOW | WALK_PARENT, &w);
		if (!error && !w.inode)
			error = share_is_live(w.dir) ? -ENOENT : name_create(p, &w, S_IFDIR | 0755, 0, NULL, &w.inode);
		if (!error && !S_ISDIR(w.inode->mode))
			error = -ENOTDIR;
		*slash = '/';
		if (error)
			return strerror(-error);
	}
	return NULL;
}

static long root_done(struct proc *p, struct job *j)
{
	const struct file_attr *attr = (const void *)j->buffer;
	struct mount *m = &mounts[j->value[0]];
	int error = job_error(j);

	(void)p;
	if (!error && (!j->m.w[1] || j->m.recv_length < sizeof *attr))
		error = -ENOENT;
	if (error)
		return error;
	m->root = m->mode == MOUNT_COPY ? share_inode_copy(m, attr, j->seq) : share_inode_new(m, attr->mode);
	if (!m->root)
		return -ENOMEM;
	m->root->share->is_mount = true;
	share_attr_set(m->root, attr, j->seq);
	if (m->mode == MOUNT_COPY && m->file && !(m->root->share->origin = strdup(m->file)))
		return -ENOMEM;
	return 0;
}

static long root_find(struct proc *p, struct mount *m)
{
	struct job *j = job_new(p, m->cap, DIRECTORY_OC_WALK);
	long r;

	if (!j)
		return -ENOMEM;
	j->value[0] = m->index;
	j->m.send_string = m->file ? m->file : "";
	j->m.send_length = m->file ? strlen(m->file) : 0;
	r = job_send(j, root_done);
	while (r == BLOCKED)
		r = job_continue(p);
	return r;
}

static const char *mount_one(struct proc *p, struct mount *m)
{
	const char *why = parent_make(p, m->guest);
	struct walk w;
	struct dentry *d;
	long error;

	if (why)
		return why;
	error = walk_now(p, m->guest, WALK_PARENT, &w);
	if (!error)
		error = root_find(p, m);
	if (error)
		return strerror((int)-error);
	if (w.last != LAST_NAME)
		return "it is no place for a mount";
	d = dir_find(w.dir, &w.name);
	m->root->refs = 1;
	if (d) {
		dir_replace(w.dir, d, m->root);
	} else if (dir_add(w.dir, &w.name, m->root)) {
		return "no memory";
	}
	m->root->refs++;               /* a mount stays */
	return NULL;
}

const char *share_mount(struct proc *p, const char *config, size_t length)
{
	static char complaint[300];
	unsigned index = 0;

	for (const char *r = config; r < config + length; r += strlen(r) + 1) {
		struct mount *m = &mounts[index];
		const char *comma, *path = NULL, *next = r + strlen(r) + 1, *why;

		if (strncmp(r, "deny=", 5) == 0 && !share_deny(r + 5))
			return "no memory for the names that are denied";
		if (strncmp(r, "mount=", 6))
			continue;
		comma = strchr(r + 6, ',');
		if (comma)
			path = strchr(comma + 1, ',');
		if (!path || index == MOUNTS_MAX || !m->cap)
			return "a mount of the run config is not one";
		m->index = index++;
		m->mode = !strncmp(r + 6, "rw,", 3) ? MOUNT_WRITE : !strncmp(r + 6, "cow,", 4) ? MOUNT_COPY : MOUNT_READ;
		m->guest = strdup(path + 1);
		if (next < config + length && !strncmp(next, "file=", 5))
			m->file = strdup(next + 5);
		why = m->guest ? mount_one(p, m) : "no memory";
		if (why) {
			snprintf(complaint, sizeof complaint, "%.200s: %s", m->guest ? m->guest : "", why);
			return complaint;
		}
	}
	return NULL;
}

/* Spaces and their kin are octal there, as mount(8) writes them. */
size_t share_mounts(char *to, size_t size)
{
	size_t used = 0;

	for (unsigned k = 0; k < MOUNTS_MAX && mounts[k].root; k++) {
		const struct mount *m = &mounts[k];

		if (used + strlen(m->guest) * 4 + 64 > size)
			break;
		used += (size_t)sprintf(to + used, "keros%u ", k);
		for (const char *c = m->guest; *c; c++)
			used += (size_t)sprintf(to + used, strchr(" \t\n\\", *c) ? "\\%03o" : "%c", (unsigned char)*c);
		used += (size_t)sprintf(to + used, " %s %s 0 0\n", m->mode == MOUNT_COPY ? "overlay" : "9p",
					m->mode == MOUNT_READ ? "ro" : "rw");
	}
	return used;
}
