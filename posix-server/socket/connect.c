/*
 * connect.c - listening, connecting, accepting.
 *
 * A connection is complete when connect returns: the far end waits, without a file, on the listener's list.
 */
#include "inner.h"

#define BACKLOG_MAX 128u

long call_listen(struct proc *p, struct file *f, uint64_t *a)
{
	struct socket *s = f->data;
	uint32_t backlog = (uint32_t)a[1];

	(void)p;
	if (s->type == K_DGRAM)
		return -EOPNOTSUPP;
	if (s->family != K_AF_UNIX)
		return -EADDRNOTAVAIL;
	if (!s->name.length || s->connected)
		return -EINVAL;
	s->listening = true;
	s->backlog = backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
	return 0;
}

static long connect_stream(struct proc *p, struct file *f, struct socket *s, struct socket *to)
{
	struct socket *other;

	if (s->connected || s->listening)
		return s->connected ? -EISCONN : -EINVAL;
	if (to->type != s->type)
		return -EPROTOTYPE;
	if (!to->listening || to->shut_read)
		return -ECONNREFUSED;
	if (to->pending_count > to->backlog)
		return socket_wait(p, to, f->flags & K_O_NONBLOCK);
	other = socket_new(K_AF_UNIX, s->type, 0);
	if (!other)
		return -ENOMEM;
	connect_ends(p, s, other);
	other->name = to->name;
	*to->pending_end = other;
	to->pending_end = &other->next_pending;
	to->pending_count++;
	wake_all(&to->wait);
	wake_all(&s->wait);
	return 0;
}

long call_connect(struct proc *p, struct file *f, uint64_t *a)
{
	struct address n;
	struct inode *named = NULL;
	struct socket *to;
	long error;
	struct socket *s = f->data;

	if (s->family != K_AF_UNIX) {
		record_inet(p, s, USE_CONNECT, a[1], a[2], -ENETUNREACH);
		return -ENETUNREACH;
	}
	error = address_fetch(p, &n, a[1], a[2]);
	if (error)
		return error;
	if (!n.length)
		return -EINVAL;
	error = name_find(p, &n, &to, &named);
	if (!error && s->type == K_DGRAM) {
		if (to->type != K_DGRAM)
			error = -EPROTOTYPE;
		else
			s->target = n;
	} else if (!error) {
		error = connect_stream(p, f, s, to);
	}
	if (error != BLOCKED)
		record_unix(p, USE_CONNECT, &n, named, error);
	return error;
}

static long accept_at(struct proc *p, struct file *f, uint64_t *a, uint32_t flags)
{
	long error;
	struct socket *s = f->data, *c;
	struct file *accepted;

	if (flags & ~(uint32_t)(K_CLOEXEC | K_NONBLOCK) || !s->listening)
		return s->type == K_DGRAM ? -EOPNOTSUPP : -EINVAL;
	c = s->pending;
	if (!c)
		return s->shut_read ? -EINVAL : socket_wait(p, s, f->flags & K_O_NONBLOCK);
	if (!fd_room(p))
		return -EMFILE;
	error = address_tell(p, c->peer ? &c->peer->name : NULL, a[1], a[2]);
	if (error)
		return error;
	s->pending = c->next_pending;
	if (!s->pending)
		s->pending_end = &s->pending;
	c->next_pending = NULL;
	s->pending_count--;
	if (c->peer) {
		c->peer->peer_pid = p->pid;
		c->peer->peer_uid = p->euid;
		c->peer->peer_gid = p->egid;
	}
	wake_all(&s->wait);
	accepted = socket_file(c, flags);
	return accepted ? file_install(p, accepted, flags) : -ENFILE;
}

long call_accept(struct proc *p, struct file *f, uint64_t *a)
{
	return accept_at(p, f, a, 0);
}

long call_accept4(struct proc *p, struct file *f, uint64_t *a)
{
	return accept_at(p, f, a, a[3]);
}
