/*
 * send.c - sending: into the stream of the other end, or as one message into the queue of whoever has the name.
 */
#include <stdlib.h>
#include <string.h>
#include "inner.h"

#define CHUNK_BYTES 16384u                /* of a stream, filled up by one send after the other */
#define MESSAGE_MAX 200000u

/* The files go along with the first byte. */
static long files_attach(struct chunk *c, struct sending *s)
{
	if (!s || !s->file_count)
		return 0;
	c->files = malloc(s->file_count * sizeof *c->files);
	if (!c->files)
		return -ENOMEM;
	memcpy(c->files, s->files, s->file_count * sizeof *c->files);
	c->file_count = s->file_count;
	for (uint32_t i = 0; i < c->file_count; i++)
		c->files[i]->refs++;
	return 0;
}

long broken(struct proc *p, uint32_t flags)
{
	if (!(flags & K_MSG_NOSIGNAL))
		signal_send(p, K_SIGPIPE, 0, p->pid);
	return -EPIPE;
}

/* Puts bytes of the spans behind what the stream holds: how many, or -errno. */
static long stream_put(struct proc *p, struct socket *to, unsigned count, uint64_t offset, size_t n, struct sending *files)
{
	struct chunk *c = to->last;
	size_t room = BUFFER_BYTES - to->queued;
	bool fresh = !c || c->length == c->room || c->file_count || (files && files->file_count);

	if (n > room)
		n = room;
	if (fresh) {
		c = chunk_new(CHUNK_BYTES);
		if (!c || files_attach(c, files)) {
			free(c);
			return -ENOBUFS;
		}
	}
	if (n > c->room - c->length)
		n = c->room - c->length;
	if (spans_copy(p, count, offset, c->bytes + c->length, n, false)) {
		if (fresh)
			chunk_free(c);
		return -EFAULT;
	}
	c->length += n;
	if (fresh)
		chunk_queue(to, c);
	else
		to->queued += n;
	return n;
}

/* progress: bytes that went before the call last blocked. */
static long stream_send(struct proc *p, struct socket *s, unsigned count, uint32_t flags, bool nonblock,
			struct sending *files)
{
	uint64_t total = spans_total(count), done = p->progress;

	if (!s->connected)
		return -ENOTCONN;
	for (;;) {
		long n;

		if (s->shut_write || !s->peer || s->peer->shut_read)
			return done ? (long)done : broken(p, flags);
		if (done == total)
			return done;
		if (s->peer->queued >= BUFFER_BYTES) {
			p->progress = done;
			if (nonblock || p->interrupted)
				return done ? (long)done : nonblock ? -EAGAIN : -EINTR;
			return wait_on(p, &s->wait);
		}
		n = stream_put(p, s->peer, count, done, total - done, done ? NULL : files);
		if (n < 0)
			return done ? (long)done : n;
		done += n;
		wake_all(&s->peer->wait);
	}
}

static long message_send(struct proc *p, struct socket *s, struct socket *to, unsigned count, bool nonblock,
			 struct sending *files)
{
	uint64_t total = spans_total(count);
	struct chunk *c;

	if (total > MESSAGE_MAX)
		return -EMSGSIZE;
	if (to->shut_read)
		return -EPIPE;
	if (to->queued && to->queued + total > BUFFER_BYTES)
		return socket_wait(p, to, nonblock);
	c = chunk_new(total);
	if (!c || files_attach(c, files)) {
		free(c);
		return -ENOBUFS;
	}
	c->length = total;
	if (spans_copy(p, count, 0, c->bytes, total, false)) {
		chunk_free(c);
		return -EFAULT;
	}
	if (s->name.length && (c->from = malloc(sizeof *c->from)))
		*c->from = s->name;
	chunk_queue(to, c);
	wake_all(&to->wait);
	return total;
}

long socket_send(struct proc *p, struct file *f, unsigned count, uint32_t flags, const struct address *dest,
			struct sending *files)
{
	struct socket *s = f->data, *to = s->peer;
	bool nonblock = (f->flags & K_O_NONBLOCK) || (flags & K_MSG_DONTWAIT);
	struct inode *named;
	long error;

	if (flags & ~(uint32_t)FLAGS_KNOWN)
		return -EOPNOTSUPP;
	if (s->type == K_STREAM)
		return dest ? s->connected ? -EISCONN : -EOPNOTSUPP : stream_send(p, s, count, flags, nonblock, files);
	if (s->type == K_SEQPACKET || (s->connected && !dest)) {
		if (!s->connected)
			return -ENOTCONN;
		return !to || s->shut_write ? broken(p, flags) : message_send(p, s, to, count, nonblock, files);
	}
	if (!dest)
		dest = &s->target;
	if (!dest->length)
		return -ENOTCONN;
	error = name_find(p, dest, &to, &named);
	if (!error && to->type != K_DGRAM)
		error = -EPROTOTYPE;
	if (!error)
		error = message_send(p, s, to, count, nonblock, files);
	if (error != BLOCKED)
		record_unix(p, USE_SEND, dest, named, error > 0 ? 0 : error);
	return error;
}
