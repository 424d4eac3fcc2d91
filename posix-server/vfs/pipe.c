/*
 * pipe.c - pipes and FIFOs.
 *
 * A pipe is a ring of PIPE_PAGES pages that belongs to its inode.  The byte at position head + i of the ring
 * is the i-th to be read.  Pages come when the ring first reaches them and stay until the inode goes; an empty
 * ring starts again at its first page, so that small traffic touches one page only.
 *
 * Invariants
 *   1. used <= PIPE_BYTES; all bytes of the ring from head to head + used lie in present pages.
 *   2. readers and writers count open files by their access mode; a file of both counts as both.
 *   3. Readers, writers and pollers share one queue: it is woken whenever bytes or room appear or an end goes.
 *   4. A write of at most ATOMIC bytes goes in whole or not at all.
 */
#include <stdlib.h>
#include "vfs.h"

#define PIPE_PAGES 16u
#define PIPE_BYTES (PIPE_PAGES * PAGE_BYTES)
#define ATOMIC 4096u
#define K_FIONREAD 0x541B

struct pipe {
	struct waitq wait;
	struct waitq readers_wait;        /* opens for reading that wait for a writer */
	struct waitq writers_wait;        /* and the reverse */
	uint32_t readers, writers;
	uint32_t reader_opens, writer_opens;
	uint32_t head, used;
	bool nameless;                    /* of pipe(2): opened again through /proc, it waits for nobody */
	pageno page[PIPE_PAGES];
};

static inline void pipe_wake(struct pipe *pipe)
{
	if (pipe->wait.head)
		wake_all(&pipe->wait);
}

/* The call waits for the other end, unless a signal is to be taken first. */
static long pipe_block(struct proc *p, struct waitq *q)
{
	return p->interrupted ? -EINTR : wait_on(p, q);
}

static long pipe_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)offset;
	struct pipe *pipe = f->inode->pipe;
	if (n == 0)
		return 0;
	if (pipe->used == 0) {
		if (pipe->writers == 0)
			return 0;
		return nonblock ? -EAGAIN : pipe_block(p, &pipe->wait);
	}
	if (n > pipe->used)
		n = pipe->used;
	size_t done = 0;
	bool lost = false;             /* by the disk: that is skipped, and the reader told of it, by a read of its own */
	while (done < n && !lost) {
		uint32_t in_page = pipe->head % PAGE_BYTES;
		size_t chunk = PAGE_BYTES - in_page;
		if (chunk > n - done)
			chunk = n - done;
		char *to = user_window(p, buf + done, &chunk, true);
		if (!to)
			break;
		lost = !page_move(to, (char *)page_addr(pipe->page[pipe->head / PAGE_BYTES]) + in_page, chunk, false);
		if (lost && done)
			break;
		done += lost ? 0 : chunk;
		pipe->head = (pipe->head + chunk) % PIPE_BYTES;
		pipe->used -= chunk;
	}
	if (pipe->used == 0)
		pipe->head = 0;
	if (done == 0 && !lost)
		return -EFAULT;
	pipe_wake(pipe);
	return done ? (long)done : -EIO;
}

/* Puts in what there is room for.  p = NULL: from the server's own memory. */
static long pipe_fill(struct pipe *pipe, struct proc *p, uint64_t buf, size_t n)
{
	size_t done = 0;
	if (n > PIPE_BYTES - pipe->used)
		n = PIPE_BYTES - pipe->used;
	while (done < n) {
		uint32_t at = (pipe->head + pipe->used) % PIPE_BYTES;
		size_t chunk = PAGE_BYTES - at % PAGE_BYTES;
		if (chunk > n - done)
			chunk = n - done;
		const char *from = window(p, buf + done, &chunk, false);
		if (!from)
			return done ? (long)done : -EFAULT;
		pageno *page = &pipe->page[at / PAGE_BYTES];
		if (!*page && !(*page = page_alloc_raw()))
			return done ? (long)done : -ENOMEM;
		bool fresh = at % PAGE_BYTES == 0 && (pipe->used == 0 || pipe->head / PAGE_BYTES != at / PAGE_BYTES);
		if (!page_move((char *)page_addr(*page) + at % PAGE_BYTES, from, chunk, fresh))
			return done ? (long)done : -EIO;
		done += chunk;
		pipe->used += chunk;
	}
	if (done)
		pipe_wake(pipe);
	return done;
}

static long pipe_broken(struct proc *p)
{
	signal_send(p, K_SIGPIPE, 0, p->pid);
	return -EPIPE;
}

/* progress = bytes of this write that went in before the call last blocked. */
static long pipe_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)offset;
	struct pipe *pipe = f->inode->pipe;
	size_t done = nonblock ? 0 : p->progress;
	if (n == 0)
		return 0;
	if (pipe->readers == 0) {
		long error = pipe_broken(p);
		return done ? (long)done : error;
	}
	size_t room = PIPE_BYTES - pipe->used;
	if (room && !(n <= ATOMIC && room < n)) {
		long r = pipe_fill(pipe, p, buf + done, n - done);
		if (r < 0)
			return done ? (long)done : r;
		done += r;
		if (done == n || nonblock)
			return done;
		if (pipe->used < PIPE_BYTES)
			return done;              /* short for another reason: a bad address, no page */
		p->progress = done;
	}
	if (nonblock)
		return -EAGAIN;
	long r = pipe_block(p, &pipe->wait);
	return r == -EINTR && done ? (long)done : r;
}

/* ---- for writev and sendfile ------------------------------------------------------------------------ */

/* Without readers there is nothing to wait for: the write is to find that out. */
size_t pipe_room(struct file *f)
{
	struct pipe *pipe = f->inode->pipe;
	return pipe->readers ? PIPE_BYTES - pipe->used : SIZE_MAX;
}

long pipe_wait(struct file *f, struct proc *p, bool nonblock)
{
	return nonblock ? -EAGAIN : pipe_block(p, &f->inode->pipe->wait);
}

long pipe_put(struct file *f, struct proc *p, const void *from, size_t n)
{
	struct pipe *pipe = f->inode->pipe;
	if (pipe->readers == 0)
		return pipe_broken(p);
	return pipe_fill(pipe, NULL, (uintptr_t)from, n);
}

/* ---- the rest of the operations ---------------------------------------------------------------------- */

/* data of a reader that came before any writer: how many had come and gone then; NULL of all others. */
static void *seen_none(const struct pipe *pipe)
{
	return (void *)(uintptr_t)(pipe->writer_opens + 1ul);
}

static unsigned pipe_poll(struct file *f, struct waitq **q)
{
	struct pipe *pipe = f->inode->pipe;
	unsigned now = 0;
	*q = &pipe->wait;
	if (file_readable(f)) {
		if (pipe->used)
			now |= K_POLLIN | K_POLLRDNORM;
		/* A FIFO opened without waiting for a writer has not hung up before it has seen one. */
		if (pipe->writers == 0 && f->data != seen_none(pipe))
			now |= K_POLLHUP;
	}
	if (file_writable(f)) {
		if (PIPE_BYTES - pipe->used >= ATOMIC)
			now |= K_POLLOUT | K_POLLWRNORM;
		if (pipe->readers == 0)
			now |= K_POLLERR;
	}
	return now;
}

static long pipe_ioctl(struct file *f, struct proc *p, unsigned long request, uint64_t arg)
{
	if (request != K_FIONREAD)
		return -ENOTTY;
	int n = f->inode->pipe->used;
	return user_write(p, arg, &n, sizeof n);
}

static void pipe_release(struct file *f)
{
	struct pipe *pipe = f->inode->pipe;
	pipe->readers -= file_readable(f);
	pipe->writers -= file_writable(f);
	/* A FIFO that nobody holds keeps no bytes. */
	if (pipe->readers + pipe->writers == 0)
		pipe->head = pipe->used = 0;
	pipe_wake(pipe);
}

const struct file_ops pipe_ops = {
	.name = "pipe", .read = pipe_read, .write = pipe_write, .poll = pipe_poll, .ioctl = pipe_ioctl,
	.release = pipe_release,
};

/* Those who still wait (in open, or a thread whose file another closed) run again and find it gone. */
void pipe_free(struct inode *i)
{
	wake_all(&i->pipe->wait);
	wake_all(&i->pipe->readers_wait);
	wake_all(&i->pipe->writers_wait);
	for (unsigned n = 0; n < PIPE_PAGES; n++)
		if (i->pipe->page[n])
			page_put(i->pipe->page[n]);
	free(i->pipe);
	i->pipe = NULL;
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static long pipe_attach(struct inode *i, uint32_t flags, struct file **out)
{
	struct file *f = file_new(&pipe_ops, i, flags, NULL);
	if (!f)
		return -ENOMEM;
	if (file_readable(f)) {
		i->pipe->readers++;
		i->pipe->reader_opens++;
	}
	if (file_writable(f)) {
		i->pipe->writers++;
		i->pipe->writer_opens++;
	}
	*out = f;
	return 0;
}

/* Waits in open for the other end.  The peer may have come and gone before we run again, so what counts is
 * whether its opens have grown since we first came (progress2 remembers; progress says that it does). */
static long fifo_rendezvous(struct proc *p, struct waitq *mine, uint32_t peers, uint32_t peer_opens,
	struct waitq *theirs)
{
	if (peers || theirs->head || (p->progress && p->progress2 != peer_opens)) {
		wake_all(mine);
		wake_all(theirs);
		return 0;
	}
	if (!p->progress) {
		p->progress = 1;
		p->progress2 = peer_opens;
	}
	return pipe_block(p, mine);
}

long pipe_open(struct proc *p, struct inode *i, uint32_t flags, struct file **out)
{
	if (!i->pipe && !(i->pipe = calloc(1, sizeof *i->pipe)))
		return -ENOMEM;
	struct pipe *pipe = i->pipe;
	uint32_t mode = flags & K_O_ACCMODE;
	bool nonblock = flags & K_O_NONBLOCK;
	long r = 0;
	if (pipe->nameless)
		r = 0;
	else if (mode == 0 && !nonblock)
		r = fifo_rendezvous(p, &pipe->readers_wait, pipe->writers, pipe->writer_opens, &pipe->writers_wait);
	else if (mode == 1 && nonblock && pipe->readers == 0 && !pipe->readers_wait.head)
		r = -ENXIO;
	else if (mode == 1 && !nonblock)
		r = fifo_rendezvous(p, &pipe->writers_wait, pipe->readers, pipe->reader_opens, &pipe->readers_wait);
	if (r)
		return r;
	/* Those who wait in open see us by reader_opens or writer_opens when they run again. */
	r = pipe_attach(i, flags, out);
	if (r == 0 && mode == 0 && pipe->writers == 0 && nonblock && !pipe->nameless)
		(*out)->data = seen_none(pipe);
	if (mode != 1)
		wake_all(&pipe->writers_wait);
	if (mode != 0)
		wake_all(&pipe->readers_wait);
	return r;
}

long pipe_pair(struct file **reader, struct file **writer, uint32_t flags)
{
	struct inode *i = inode_new(S_IFIFO | 0600, 0, 0);
	if (!i)
		return -ENOMEM;
	i->number = inode_next_number();
	i->nlink = 1;
	i->atime = i->mtime = i->ctime = time_tick();
	i->pipe = calloc(1, sizeof *i->pipe);
	if (!i->pipe || pipe_attach(i, flags, reader)) {
		inode_drop_if_unused(i);
		return -ENFILE;
	}
	i->pipe->nameless = true;
	if (pipe_attach(i, flags | 1, writer)) {
		file_put(*reader);
		return -ENFILE;
	}
	return 0;
}
