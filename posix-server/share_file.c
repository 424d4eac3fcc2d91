/*
 * share_file.c - open files of a share: opening, reading, writing, listing, and pages for exec and mmap.
 *
 * Reads and writes go to the server of the share as they come, so that both sides see each other's; what is kept is at
 * most FRESH_NS old and only serves reads smaller than a page, in order.  Pages are loaded for mappings alone.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

#define FRESH_NS   20000000ull
#define SMALL      8193u               /* reads below this bring more than they ask for */
#define KEPT       32768u
#define LIST_BYTES 32768u

static struct share_file *share_file_new(void)
{
	return calloc(1, sizeof(struct share_file));
}

/* ---- opening ------------------------------------------------------------------------------------- */

static void file_link(struct share_file *sf, struct inode *i)
{
	sf->next = i->share->files;
	sf->prev = &i->share->files;
	if (sf->next)
		sf->next->prev = &sf->next;
	i->share->files = sf;
}

static void share_release(struct file *f)
{
	struct share_file *sf = f->data;

	if (!sf)
		return;
	if (sf->prev) {
		*sf->prev = sf->next;
		if (sf->next)
			sf->next->prev = sf->prev;
	}
	if (sf->cap)
		cap_close(sf->cap, S_ISDIR(f->inode->mode) ? DIRECTORY_OC_CLOSE : FILE_OC_CLOSE);
	free(sf->bytes);
	free(sf);
}

/* The file of a capability that an open answered with; the call takes it when it runs again. */
static struct file *file_of(struct job *j, struct inode *i, uint32_t flags)
{
	struct share_file *sf = share_file_new();
	struct file *f;

	if (!sf)
		return NULL;
	sf->cap = (capno)j->value[3];
	sf->writable = (flags & K_O_ACCMODE) != 0;
	f = file_new(&share_ops, i, flags, sf);
	if (!f) {
		free(sf);
		return NULL;
	}
	if (i->share)
		file_link(sf, i);
	return f;
}

static void told(struct inode *i, const struct job *j)
{
	if (!share_is_live(i))
		return;
	const struct file_attr *a = (const void *)j->buffer;

	if (j->m.recv_length < sizeof *a)
		return;
	i->size = a->size;
	i->mtime = a->mtime_ns;
	i->ctime = a->ctime_ns;
	i->number = a->number;
}

static long open_done(struct proc *p, struct job *j)
{
	int error = job_error(j);

	if (error)
		return error;
	j->value[3] = job_cap(j);
	if (!j->value[3])
		return -ENFILE;
	if (p)
		p->opened = file_of(j, j->inode, (uint32_t)j->value[0]);
	if (!p || !p->opened) {
		cap_close((capno)j->value[3], FILE_OC_CLOSE);
		return -ENOMEM;
	}
	told(j->inode, j);
	return RERUN;
}

static uint32_t files_flags(uint32_t flags)
{
	uint32_t mode = flags & K_O_ACCMODE, want = mode == 0 ? FILES_READ : mode == 1 ? FILES_WRITE : FILES_READ | FILES_WRITE;

	if (flags & K_O_TRUNC)
		want |= FILES_CUT | FILES_WRITE;
	return want | (flags & K_O_APPEND ? FILES_APPEND : 0);
}

#define KEPT_FLAGS(flags) (((flags) & ~(K_O_CREAT | K_O_EXCL | K_O_NOCTTY | K_O_TRUNC | K_O_CLOEXEC)) | K_O_LARGEFILE)

long share_open(struct proc *p, struct inode *i, uint32_t flags, struct file **out)
{
	struct job *j;
	long error;

	if (S_ISDIR(i->mode)) {
		struct share_file *sf = share_file_new();

		*out = sf ? file_new(&share_ops, i, KEPT_FLAGS(flags), sf) : NULL;
		if (!*out)
			free(sf);
		return *out ? 0 : -ENOMEM;
	}
	if ((files_flags(flags) & FILES_WRITE) && share_readonly(i))
		return share_refuse(p, i, NULL);
	j = share_job(p, i, NULL, DIRECTORY_OC_OPEN, &error);
	if (!j)
		return error;
	j->m.w[0] = files_flags(flags);
	j->inode = i;
	inode_get(i);
	j->value[0] = KEPT_FLAGS(flags);
	return job_send(j, open_done);
}

/* A file was made, or somebody else had made it meanwhile: its inode is found by the path when the call runs again, but
 * the file is opened already. */
static long create_done(struct proc *p, struct job *j)
{
	const struct file_attr *a = (const void *)j->buffer;
	struct inode *i;
	struct name name;
	int error = job_error(j);

	if (error)
		return error;
	j->value[3] = job_cap(j);
	name = name_of(j->text, strlen(j->text));
	i = p && j->value[3] && j->m.recv_length >= sizeof *a ? share_child(j->inode, &name, a, j->seq) : NULL;
	if (i && i->share)
		p->opened = file_of(j, i, (uint32_t)j->value[0]);
	if (!p || !p->opened) {
		cap_close((capno)j->value[3], FILE_OC_CLOSE);
		return -ENOMEM;
	}
	return RERUN;
}

long share_create(struct proc *p, struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{
	struct job *j;
	long error;

	(void)out;
	if (share_readonly(w->dir))
		return (long)share_refuse(p, w->dir, &w->name);
	if (w->slash)
		return -EISDIR;
	j = share_job(p, w->dir, &w->name, DIRECTORY_OC_OPEN, &error);
	if (!j)
		return error;
	j->text = malloc(w->name.length + 1);
	if (!j->text) {
		job_free(j);
		return -ENOMEM;
	}
	memcpy(j->text, w->name.text, w->name.length);
	j->text[w->name.length] = 0;
	j->m.w[0] = files_flags(flags & ~K_O_TRUNC) | FILES_CREATE | (flags & K_O_EXCL ? FILES_EXCLUSIVE : 0);
	j->m.w[1] = mode & 0777 & ~p->fs->umask;
	j->inode = w->dir;
	inode_get(w->dir);
	j->value[0] = KEPT_FLAGS(flags);
	return job_send(j, create_done);
}

/* ---- reading ------------------------------------------------------------------------------------- */

static long copy_out(struct proc *p, uint64_t to, const char *from, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t chunk = n - done;
		char *at = user_window(p, to + done, &chunk, true);

		if (!at)
			return done ? (long)done : -EFAULT;
		copy_words(at, from + done, chunk);
		done += chunk;
	}
	return (long)done;
}

/* Bytes came: they are for the reader when the call runs again (which has its place in the file at hand). */
static long read_done(struct proc *p, struct job *j)
{
	struct share_file *sf;
	int error = job_error(j);
	long done;

	if (!p)
		return 0;
	sf = j->file->data;
	if (!error && j->m.recv_length > j->value[1])
		error = -EIO;
	if (error) {
		p->progress2 = 1;              /* no further; what was read is the result */
		return p->progress ? RERUN : (p->progress2 = 0, error);
	}
	if (j->value[2]) {                     /* more than was asked for: kept */
		memcpy(sf->bytes, j->buffer, j->m.recv_length);
		sf->length = (uint32_t)j->m.recv_length;
		sf->offset = j->value[0];
		sf->time_ns = now_ns();
		sf->seq = j->seq;
		sf->at = 1;                    /* and not used yet */
		return RERUN;
	}
	done = j->page_count ? (long)j->m.recv_length : copy_out(p, j->value[3] + p->progress, j->buffer, j->m.recv_length);
	if (done < 0) {
		p->progress2 = p->progress != 0;
		return p->progress ? RERUN : done;
	}
	p->progress += (uint64_t)done;
	p->progress2 = (size_t)done < j->value[1];
	return RERUN;
}

/* If the reader's pages lie side by side in our pool, the bytes come right there.  They are held meanwhile. */
static void receive_in_place(struct proc *p, struct job *j, uint64_t to)
{
	size_t done = 0, n = j->value[1];
	char *first = NULL;

	if (n < PAGE_BYTES)
		return;
	while (done < n) {
		size_t chunk = n - done;
		char *at = user_window(p, to + done, &chunk, true);

		if (!first)
			first = at;
		if (!at || at != first + done)
			return;
		done += chunk;
	}
	j->page_first = page_number(first);
	j->page_count = page_number(first + n - 1) - j->page_first + 1;
	for (uint32_t i = 0; i < j->page_count; i++)
		page_get(j->page_first + i);
	j->m.recv_string = first;
	j->m.recv_limit = n;
}

static long read_ask(struct proc *p, struct file *f, uint64_t buf, uint64_t offset, size_t n, bool keep)
{
	struct share_file *sf = f->data;
	struct job *j = job_new(p, sf->cap, FILE_OC_READ);

	if (!j)
		return BLOCKED;
	j->m.recv[0] = CR_VOID;
	j->m.w[0] = j->value[0] = offset;
	j->m.w[1] = j->value[1] = keep ? KEPT : n < JOB_BYTES ? n : JOB_BYTES;
	j->value[2] = keep;
	j->value[3] = buf;
	j->file = f;
	f->refs++;
	if (!keep)
		receive_in_place(p, j, buf + p->progress);
	return job_send(j, read_done);
}

/* From what is kept: bytes, or -1: it does not serve.  What came for this call is as fresh as it can be. */
static long read_kept(struct proc *p, struct share_file *sf, uint64_t buf, size_t n, uint64_t offset)
{
	size_t have;

	if (!sf->bytes || offset < sf->offset || offset > sf->offset + sf->length)
		return -1;
	have = sf->offset + sf->length - offset;
	if (sf->at != 1 && (now_ns() - sf->time_ns > FRESH_NS || have < n || sf->seq < share_changed))
		return -1;
	sf->at = 0;
	return copy_out(p, buf, sf->bytes + (offset - sf->offset), n < have ? n : have);
}

static long share_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	struct share_file *sf = f->data;
	long r;

	if (!f->inode->share)                  /* a copy that has become the sandbox's own */
		return regular_ops.read(f, p, buf, n, offset, nonblock);
	if (S_ISDIR(f->inode->mode))
		return -EISDIR;
	if (!n)
		return 0;
	if (n < SMALL && !p->progress) {
		if (!sf->bytes && !(sf->bytes = malloc(KEPT)))
			return -ENOMEM;
		r = read_kept(p, sf, buf, n, (uint64_t)*offset);
		if (r >= 0)
			*offset += r;
		if (r != -1)
			return r;
		return nonblock ? -EAGAIN : read_ask(p, f, buf, (uint64_t)*offset, n, true);
	}
	/* progress: bytes that are there; progress2: the end of the file, or a bad address, was met. */
	if (p->progress == n || (p->progress && (p->progress2 || p->interrupted))) {
		r = (long)p->progress;
		p->progress = p->progress2 = 0;
		*offset += r;
		return r;
	}
	if (p->progress2) {
		p->progress2 = 0;
		return 0;
	}
	if (nonblock)
		return -EAGAIN;
	return read_ask(p, f, buf, (uint64_t)*offset + p->progress, n - p->progress, false);
}

/* ---- writing ------------------------------------------------------------------------------------- */

uint64_t share_changed;

static void written(struct inode *i, uint64_t end)
{
	i->share->page_mtime = -1;             /* pages loaded are of before */
	share_changed = ++job_seq;             /* and so is what readers have kept, whatever name they have for the file */
	if (end > i->size)
		i->size = end;
}

static long write_done(struct proc *p, struct job *j)
{
	int error = job_error(j);

	if (!p)
		return 0;
	if (!error && (j->m.w[0] > j->value[1] || !j->m.w[0]))
		error = -EIO;
	p->job_short = error || j->m.w[0] < j->value[1];
	if (!error) {
		p->progress += j->m.w[0];
		written(j->file->inode, j->value[0] + j->m.w[0]);
	}
	return p->progress ? RERUN : (p->job_short = false, error);
}

static long write_ask(struct proc *p, struct file *f, uint64_t from, uint64_t offset, size_t n)
{
	struct share_file *sf = f->data;
	struct job *j = job_new(p, sf->cap, FILE_OC_WRITE);
	size_t done = 0;

	if (!j)
		return BLOCKED;
	if (n > JOB_BYTES)
		n = JOB_BYTES;
	while (done < n) {
		size_t chunk = n - done;
		const char *at = user_window(p, from + done, &chunk, false);

		if (!at)
			break;
		copy_words(j->buffer + done, at, chunk);
		done += chunk;
	}
	if (!done) {
		job_free(j);
		return -EFAULT;
	}
	j->m.recv_string = NULL;
	j->m.recv[0] = CR_VOID;
	j->m.send_string = j->buffer;
	j->m.send_length = done;
	j->m.w[0] = j->value[0] = offset;
	j->value[1] = done;
	j->file = f;
	f->refs++;
	sf->length = 0;
	return job_send(j, write_done);
}

static long sync_ask(struct proc *p, capno cap, bool data_only, long (*finish)(struct proc *p, struct job *j))
{
	struct job *j = job_new(p, cap, FILE_OC_SYNC);

	if (!j)
		return BLOCKED;
	j->m.w[0] = data_only;
	j->m.recv_string = NULL;
	j->m.recv[0] = CR_VOID;
	return job_send(j, finish);
}

/* What was written is durable: the write runs again, and answers. */
static long write_synced(struct proc *p, struct job *j)
{
	int error = job_error(j);

	if (!p)
		return 0;
	p->job_synced = !error;
	if (error) {
		p->progress = 0;
		p->job_short = false;
	}
	return error ? error : RERUN;
}

static long share_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	bool append = f->flags & K_O_APPEND;
	uint64_t at = append ? f->inode->size : (uint64_t)*offset;
	long r;

	(void)nonblock;
	if (!n)
		return 0;
	if (p->progress && (p->progress == n || p->interrupted || p->job_short)) {
		if ((f->flags & K_O_DSYNC) && !p->job_synced)
			return sync_ask(p, ((struct share_file *)f->data)->cap, true, write_synced);
		r = (long)p->progress;
		p->progress = 0;
		p->job_short = p->job_synced = false;
		*offset = append ? (int64_t)f->inode->size : *offset + r;
		return r;
	}
	if (!p->progress && at + n > p->rlimit[1][0]) {
		if (at >= p->rlimit[1][0]) {
			signal_send(p, K_SIGXFSZ, 0, p->pid);
			return -EFBIG;
		}
		n = p->rlimit[1][0] - at;
	}
	return write_ask(p, f, buf + p->progress, (uint64_t)*offset + p->progress, n - p->progress);
}

static unsigned share_poll(struct file *f, struct waitq **q)
{
	(void)f;
	*q = NULL;
	return K_POLLIN | K_POLLOUT | K_POLLRDNORM | K_POLLWRNORM;
}

const struct file_ops share_ops = {
	.name = "share", .read = share_read, .write = share_write, .poll = share_poll, .release = share_release,
	.seekable = true,
};

static long sync_done(struct proc *p, struct job *j)
{
	(void)p;
	return job_error(j);
}

long share_sync(struct proc *p, struct file *f, bool data_only)
{
	struct share_file *sf = f->data;

	if (S_ISDIR(f->inode->mode) || !sf->cap)
		return 0;
	return sync_ask(p, sf->cap, data_only, sync_done);
}

/* ---- listing ------------------------------------------------------------------------------------- */

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
	j->file = f;
	f->refs++;
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

static size_t record(char *to, size_t room, uint64_t number, uint64_t next, unsigned type, const char *name, size_t n,
		     bool wide)
{
	size_t length = (18 + wide + n + 1 + !wide + 7) & ~7ul;
	uint16_t length16 = (uint16_t)length;

	if (length > room)
		return 0;
	memset(to, 0, length);
	memcpy(to, &number, 8);
	memcpy(to + 8, &next, 8);
	memcpy(to + 16, &length16, 2);
	to[wide ? 18 : length - 1] = (char)type;
	memcpy(to + 18 + wide, name, n);
	return length;
}

static bool is_mount_name(struct inode *dir, const char *text, size_t n)
{
	struct name name = name_of(text, n);
	struct dentry *d = dir_find(dir, &name);

	return d && d->inode && (!d->inode->share || d->inode->share->is_mount);
}

static size_t list_mounts(struct inode *dir, uint64_t *place, char *to, size_t room, bool wide, bool *full)
{
	struct dentry *d;
	size_t used = 0;

	while ((d = dir_next(dir, *place - MOUNT_PLACE))) {
		uint64_t next = MOUNT_PLACE + d->cookie + 1;
		size_t n = 0;

		if (d->inode && (!d->inode->share || d->inode->share->is_mount)) {
			n = record(to + used, room - used, d->inode->number, next, (d->inode->mode & S_IFMT) >> 12, d->name,
				   d->length, wide);
			if (!n) {
				*full = true;
				return used;
			}
		}
		used += n;
		*place = next;
	}
	return used;
}

long share_list(struct proc *p, struct file *f, uint64_t to, size_t room, bool wide)
{
	static char records[32768];
	struct share_file *sf = f->data;
	struct inode *dir = f->inode;
	uint64_t place = (uint64_t)f->offset;
	size_t used = 0;
	bool full = false;

	if (room > sizeof records)
		room = sizeof records;
	if (place < MOUNT_PLACE) {
		struct file_entry e;

		if (sf->time_ns != ~0ull && (!sf->length || sf->at >= sf->length || sf->cookie != place))
			return list_ask(p, f, place);
		sf->time_ns = 0;
		if (!sf->length)
			place = MOUNT_PLACE;
		while (sf->at + sizeof e <= sf->length && !full) {
			const char *name = sf->bytes + sf->at + sizeof e;
			size_t n;

			memcpy(&e, sf->bytes + sf->at, sizeof e);
			if (sf->at + sizeof e + e.length > sf->length)
				return -EIO;
			if (e.length == 2 && name[0] == '.' && name[1] == '.')
				e.number = dir->parent->number;
			n = is_mount_name(dir, name, e.length) ? 0 :
				record(records + used, room - used, e.number, e.next, e.type, name, e.length, wide);
			if (!n && !is_mount_name(dir, name, e.length)) {
				full = true;
				break;
			}
			used += n;
			sf->at += sizeof e + e.length;
			place = sf->cookie = e.next;
		}
	}
	if (place >= MOUNT_PLACE && !full)
		used += list_mounts(dir, &place, records + used, room - used, wide, &full);
	if (!used && full)
		return -EINVAL;
	/* All that came were names of mounts: on with the next. */
	if (!used && place < MOUNT_PLACE)
		return list_ask(p, f, place);
	if (used && user_write(p, to, records, used))
		return -EFAULT;
	f->offset = (int64_t)place;
	return (long)used;
}

/* ---- pages ---------------------------------------------------------------------------------------- */

static long reader_opened(struct proc *p, struct job *j)
{
	int error = job_error(j);
	capno cap;

	if (error)
		return error;
	cap = job_cap(j);
	if (!cap || !p || j->inode->share->reader) {
		cap_close(cap, FILE_OC_CLOSE);
		return cap ? RERUN : -ENFILE;
	}
	j->inode->share->reader = cap;
	return RERUN;
}

/* Bytes of the file from value[0] on become its pages; what is past the end is zero. */
static long pages_came(struct proc *p, struct job *j)
{
	struct inode *i = j->inode;
	uint64_t first = j->value[0] / PAGE_BYTES, count = j->value[1];
	int error = job_error(j);

	if (!p)
		return 0;
	if (error)
		return error;
	for (uint64_t k = 0; k < count; k++) {
		pageno *slot = pagevec_slot(&i->data.pages, first + k), page = page_alloc_raw();
		size_t from = k * PAGE_BYTES, n = j->m.recv_length > from ? j->m.recv_length - from : 0;

		if (!slot || !page) {
			if (page)
				page_put(page);
			return -ENOMEM;
		}
		if (n > PAGE_BYTES)
			n = PAGE_BYTES;
		copy_words(page_addr(page), j->buffer + from, n);
		memset((char *)page_addr(page) + n, 0, PAGE_BYTES - n);
		if (*slot)
			page_put(*slot);
		else
			i->data.held++;
		*slot = page;
	}
	p->progress = first + count;           /* so far this call has loaded */
	return RERUN;
}

static void pages_of_now(struct inode *i)
{
	struct share *s = i->share;

	if (s->copy)
		return;
	bool same = s->page_mtime == i->mtime && s->page_ctime == i->ctime && s->page_size == i->size;

	if (same)
		return;
	s->mixed = s->maps != 0;
	s->loaded_seq = 0;
	if (!s->maps) {
		data_free(i);
		i->data.held = 0;
	}
	s->page_mtime = i->mtime;
	s->page_ctime = i->ctime;
	s->page_size = i->size;
}

int share_load(struct proc *p, struct inode *i, uint64_t offset, uint64_t length)
{
	struct share *s = i->share;
	uint64_t index = offset / PAGE_BYTES, end, count = 0;
	struct job *j;
	long error;

	pages_of_now(i);
	if (offset + length > i->size)
		length = i->size > offset ? i->size - offset : 0;
	end = (offset + length + PAGE_BYTES - 1) / PAGE_BYTES;
	if (s->mixed && p->progress > index)
		index = p->progress;
	while (index < end && !s->mixed && pagevec_get(&i->data.pages, index))
		index++;
	if (index >= end || (s->mixed && s->loaded_seq >= p->call_seq)) {
		s->loaded_seq = job_seq;
		if (s->reader)
			cap_close(s->reader, FILE_OC_CLOSE);
		s->reader = 0;
		p->progress = 0;
		return 0;
	}
	if (!s->reader) {
		j = share_job(p, i, NULL, DIRECTORY_OC_OPEN, &error);
		if (!j)
			return (int)error;
		j->m.w[0] = FILES_READ;
		j->inode = i;
		inode_get(i);
		return (int)job_send(j, reader_opened);
	}
	while (index + count < end && count < JOB_BYTES / PAGE_BYTES && (s->mixed || !pagevec_get(&i->data.pages, index + count)))
		count++;
	if (pages_used() + count > pages_limit())
		return -ENOMEM;
	j = job_new(p, s->reader, FILE_OC_READ);
	if (!j)
		return BLOCKED;
	j->m.recv[0] = CR_VOID;
	j->m.w[0] = j->value[0] = index * PAGE_BYTES;
	j->m.w[1] = count * PAGE_BYTES;
	j->value[1] = count;
	j->inode = i;
	inode_get(i);
	return (int)job_send(j, pages_came);
}
