/*
 * share.c - mounts, looking up, attributes.  See share.h.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "refusal.h"
#include "share.h"

#define MOUNTS_MAX 24u
#define DEVICE_BASE 0x40u              /* st_dev of the first mount */
#define DENIED_MAX 64u
#define CACHED_MAX 8192u               /* inodes of shares that are kept */

static struct mount mounts[MOUNTS_MAX];
static unsigned cached;                /* inodes of shares */

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

/* ---- inodes -------------------------------------------------------------------------------------- */

static struct inode *share_inode(struct mount *m, uint32_t mode)
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

static void attr_set(struct inode *i, const struct file_attr *a, uint64_t seq)
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
	struct inode *i = share_inode(m, attr->mode);

	if (!i)
		return NULL;
	i->share->copy = true;
	if (S_ISDIR(i->mode))
		i->dir.pending = true;
	attr_set(i, attr, seq);
	return i;
}

/* What a name leads to now; made, kept or replaced.  attr NULL: a directory that was passed.  NULL = no memory. */
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
		i = share_inode(dir->share->mount, mode);
		if (!i)
			return NULL;
		if (dir_add(dir, name, i)) {
			inode_drop_if_unused(i);
			return NULL;
		}
		i->refs = 1;
	}
	if (attr)
		attr_set(i, attr, seq);
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

static const char *denied[DENIED_MAX];
static unsigned denied_count;

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
	j->inode = dir;
	inode_get(dir);
	return (int)job_send(j, walk_done);
}

static void cache_trim(struct proc *p, struct inode *here);

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
	cache_trim(p, dir);
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
		attr_set(i, attr, j->seq);
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
	j->inode = i;
	inode_get(i);
	return (int)job_send(j, refresh_done);
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
static void cache_trim(struct proc *p, struct inode *here)
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

static char *text_copy(const char *from, size_t n)
{
	char *to = malloc(n + 1);

	if (!to)
		return NULL;
	memcpy(to, from, n);
	to[n] = 0;
	return to;
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
	m->root = m->mode == MOUNT_COPY ? share_inode_copy(m, attr, j->seq) : share_inode(m, attr->mode);
	if (!m->root)
		return -ENOMEM;
	m->root->share->is_mount = true;
	attr_set(m->root, attr, j->seq);
	if (m->mode == MOUNT_COPY && m->file && !(m->root->share->origin = text_copy(m->file, strlen(m->file))))
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

		if (strncmp(r, "deny=", 5) == 0 && denied_count < DENIED_MAX)
			denied[denied_count++] = text_copy(r + 5, strlen(r + 5));
		if (strncmp(r, "mount=", 6))
			continue;
		comma = strchr(r + 6, ',');
		if (comma)
			path = strchr(comma + 1, ',');
		if (!path || index == MOUNTS_MAX || !m->cap)
			return "a mount of the run config is not one";
		m->index = index++;
		m->mode = !strncmp(r + 6, "rw,", 3) ? MOUNT_WRITE : !strncmp(r + 6, "cow,", 4) ? MOUNT_COPY : MOUNT_READ;
		m->guest = text_copy(path + 1, strlen(path + 1));
		if (next < config + length && !strncmp(next, "file=", 5))
			m->file = text_copy(next + 5, strlen(next + 5));
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
