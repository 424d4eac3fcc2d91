/*
 * data.c - reading and writing open files of a share, and making what was written durable.
 *
 * Reads and writes go to the server of the share as they come, so that both sides see each other's; what is kept is at
 * most FRESH_NS old and only serves reads smaller than a page, in order.
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

/* ---- reading ------------------------------------------------------------------------------------- */

static long copy_out(struct proc *p, uint64_t to, const char *from, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t chunk = n - done;
		char *at = user_window(p, to + done, &chunk, true);

		if (!at)
			return done ? (long)done : -EFAULT;
		if (!page_move(at, from + done, chunk, false))
			return done ? (long)done : -EIO;
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
	job_file(j, f);
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

long share_file_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
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
		if (!page_move(j->buffer + done, at, chunk, false))
			break;
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
	job_file(j, f);
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

long share_file_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
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
