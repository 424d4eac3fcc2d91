/*
 * receive.c - receiving: as many bytes of a stream as there are, or one message.
 */
#include "inner.h"

/* The files of a chunk leave the queue with the first of the bytes they came with. */
static void files_take(struct chunk *c, struct receiving *r)
{
	r->files = chunk_new(0);
	if (!r->files)
		return;
	r->files->files = c->files;
	r->files->file_count = c->file_count;
	c->files = NULL;
	c->file_count = 0;
}

/* What came is taken, unless it is only looked at; the files of the first chunk go to r. */
static long stream_receive(struct proc *p, struct socket *s, unsigned count, uint32_t flags, struct receiving *r)
{
	uint64_t room = spans_total(count), done = 0;

	for (struct chunk *c = s->first; c && done < room;) {
		size_t n = c->length - c->at;

		if (c->file_count && done)
			break;
		if (n > room - done)
			n = room - done;
		if (spans_copy(p, count, done, c->bytes + c->at, n, true))
			return done ? (long)done : -EFAULT;
		done += n;
		if (c->file_count && r && !(flags & K_MSG_PEEK))
			files_take(c, r);
		if (flags & K_MSG_PEEK) {
			c = c->next;
			continue;
		}
		c->at += n;
		s->queued -= n;
		if (c->at < c->length)
			break;
		chunk_take(s);
		c = s->first;
		if (r && r->files)
			break;
	}
	return done;
}

static long message_receive(struct proc *p, struct socket *s, unsigned count, uint32_t flags, struct receiving *r)
{
	struct chunk *c = s->first;
	uint64_t room = spans_total(count), n = c->length < room ? c->length : room, whole = c->length;

	if (spans_copy(p, count, 0, c->bytes, n, true))
		return -EFAULT;
	if (r) {
		r->truncated = n < c->length;
		r->has_from = c->from != NULL;
		if (c->from)
			r->from = *c->from;
	}
	if (flags & K_MSG_PEEK)
		return flags & K_MSG_TRUNC ? whole : n;
	s->queued -= c->length;
	if (r && c->file_count)
		files_take(c, r);
	chunk_take(s);
	return flags & K_MSG_TRUNC ? whole : n;
}

long socket_receive(struct proc *p, struct file *f, unsigned count, uint32_t flags, struct receiving *r)
{
	struct socket *s = f->data;
	bool nonblock = (f->flags & K_O_NONBLOCK) || (flags & K_MSG_DONTWAIT);
	long n;

	if (flags & ~(uint32_t)FLAGS_KNOWN)
		return -EOPNOTSUPP;
	if (s->type != K_DGRAM && !s->connected)
		return s->listening ? -EINVAL : -ENOTCONN;
	if (!s->first) {
		if (s->shut_read || (s->type != K_DGRAM && (s->gone || !s->peer || s->peer->shut_write)))
			return 0;
		return socket_wait(p, s, nonblock);
	}
	/* All of it or nothing yet, as far as the buffer could ever hold it. */
	if ((flags & K_MSG_WAITALL) && s->type == K_STREAM && s->peer && !nonblock && !p->interrupted &&
	    s->queued < spans_total(count) && s->queued < BUFFER_BYTES)
		return wait_on(p, &s->wait);
	n = s->type == K_STREAM ? stream_receive(p, s, count, flags, r) : message_receive(p, s, count, flags, r);
	if (s->peer)
		wake_all(&s->peer->wait);
	wake_all(&s->wait);
	return n;
}
