/*
 * list.c - the names in an open directory of a share: first those that its server tells, then the mounts in it.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

#define LIST_BYTES 32768u

static long list_came(struct proc *p, struct job *j)
{
	struct share_file *sf;
	int error = job_error(j);

	if (!p)
		return 0;
	sf = j->file->data;
	if (error)
		return error;
	memcpy(sf->bytes, j->buffer, j->m.recv_length);
	sf->length = (uint32_t)j->m.recv_length;
	sf->at = 0;
	sf->cookie = j->value[0];
	sf->time_ns = ~0ull;                   /* came for this call */
	return RERUN;
}

static long list_opened(struct proc *p, struct job *j)
{
	struct share_file *sf;
	capno cap;
	int error = job_error(j);

	if (error)
		return error;
	cap = job_cap(j);
	sf = p ? j->file->data : NULL;
	if (!cap || !p || sf->cap) {
		cap_close(cap, DIRECTORY_OC_CLOSE);
		return cap ? RERUN : -ENFILE;
	}
	sf->cap = cap;
	return RERUN;
}

static long list_ask(struct proc *p, struct file *f, uint64_t cookie)
{
	struct share_file *sf = f->data;
	struct job *j;
	long error = BLOCKED;

	if (!sf->bytes && !(sf->bytes = malloc(LIST_BYTES)))
		return -ENOMEM;
	if (!sf->cap)
		j = share_job(p, f->inode, NULL, DIRECTORY_OC_LOOKUP, &error);
	else
		j = job_new(p, sf->cap, DIRECTORY_OC_LIST);
	if (!j)
		return error == -ESTALE ? -ENOENT : error;
	job_file(j, f);
	if (!sf->cap)
		return job_send(j, list_opened);
	j->m.recv[0] = CR_VOID;
	j->m.recv_limit = LIST_BYTES;
	j->m.w[0] = j->value[0] = cookie;
	j->m.w[1] = LIST_BYTES;
	return job_send(j, list_came);
}

/* Mounts in a share come after its own names, at places from MOUNT_PLACE on, where no host has any. */
#define MOUNT_PLACE (1ull << 63)

static bool is_mount_name(struct inode *dir, const char *text, size_t n)
{
	struct name name = name_of(text, n);
	struct dentry *d = dir_find(dir, &name);

	return d && d->inode && (!d->inode->share || d->inode->share->is_mount);
}

/* What getdents fills: records of names, up to `room`. */
struct filling { char *to; size_t used, room; bool wide, full; };

/* Lays one more name, unless it does not fit: then the filling is full. */
static bool fill_name(struct filling *f, const struct listed *l)
{
	size_t n = listed_lay(f->to + f->used, f->room - f->used, l, f->wide);

	f->full = n == 0;
	f->used += n;
	return n;
}

/* The names that came, from the one after those that were told; *place goes with them. */
static long fill_own(struct filling *f, struct share_file *sf, struct inode *dir, uint64_t *place)
{
	struct file_entry e;

	for (; sf->at + sizeof e <= sf->length; sf->at += sizeof e + e.length) {
		const char *name = sf->bytes + sf->at + sizeof e;

		memcpy(&e, sf->bytes + sf->at, sizeof e);
		if (sf->at + sizeof e + e.length > sf->length)
			return -EIO;
		if (e.length == 2 && name[0] == '.' && name[1] == '.')
			e.number = dir->parent->number;
		if (!is_mount_name(dir, name, e.length) &&
		    !fill_name(f, &(struct listed){ e.number, e.next, (uint32_t)e.type << 12, name, e.length }))
			return 0;
		*place = sf->cookie = e.next;
	}
	return 0;
}

static void fill_mounts(struct filling *f, struct inode *dir, uint64_t *place)
{
	struct dentry *d;

	while ((d = dir_next(dir, *place - MOUNT_PLACE))) {
		struct inode *i = d->inode;
		uint64_t next = MOUNT_PLACE + d->cookie + 1;

		if (i && (!i->share || i->share->is_mount) &&
		    !fill_name(f, &(struct listed){ i->number, next, i->mode, d->name, d->length }))
			return;
		*place = next;
	}
}

long share_list(struct proc *p, struct file *f, uint64_t to, size_t room, bool wide)
{
	static char records[32768];
	struct share_file *sf = f->data;
	struct filling filling = { .to = records, .room = room < sizeof records ? room : sizeof records, .wide = wide };
	uint64_t place = (uint64_t)f->offset;

	if (place < MOUNT_PLACE) {
		long error;

		if (sf->time_ns != ~0ull && (!sf->length || sf->at >= sf->length || sf->cookie != place))
			return list_ask(p, f, place);
		sf->time_ns = 0;
		if (!sf->length)
			place = MOUNT_PLACE;
		error = fill_own(&filling, sf, f->inode, &place);
		if (error)
			return error;
	}
	if (place >= MOUNT_PLACE && !filling.full)
		fill_mounts(&filling, f->inode, &place);
	if (!filling.used && filling.full)
		return -EINVAL;
	/* All that came were names of mounts: on with the next. */
	if (!filling.used && place < MOUNT_PLACE)
		return list_ask(p, f, place);
	if (filling.used && user_write(p, to, records, filling.used))
		return -EFAULT;
	f->offset = (int64_t)place;
	return (long)filling.used;
}
