/*
 * socket.c - making and ending sockets, what may be read or written now, and the table of the calls.
 *
 * AF_UNIX sockets join processes of the sandbox; AF_INET and AF_INET6 ones lead nowhere (inet.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include "inner.h"
#include "socket.h"

#define K_FIONREAD   0x541B
#define K_POLLRDHUP  0x2000u

/* ---- making and ending ------------------------------------------------------------------------------------- */

struct socket *socket_new(int family, int type, int protocol)
{
	struct socket *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->pending_end = &s->pending;
	return s;
}

static void peer_leave(struct socket *s)
{
	if (!s->peer)
		return;
	s->peer->peer = NULL;
	s->peer->gone = true;
	wake_all(&s->peer->wait);
	s->peer = NULL;
}

void socket_free(struct socket *s)
{
	struct socket *q;

	while ((q = s->pending)) {
		s->pending = q->next_pending;
		socket_free(q);
	}
	peer_leave(s);
	while (s->first)
		chunk_take(s);
	name_leave(s);
	wake_all(&s->wait);
	free(s);
}

void socket_release(struct file *f)
{
	socket_free(f->data);
}

/* A file for a socket, which it takes over; NULL: the socket is freed. */
struct file *socket_file(struct socket *s, uint32_t flags)
{
	struct inode *i = inode_new(S_IFSOCK | 0777, 0, 0);
	struct file *f = NULL;

	if (i) {
		i->number = inode_next_number();
		i->nlink = 1;
		i->atime = i->mtime = i->ctime = time_tick();
		f = file_new(s->family == K_AF_UNIX ? &unix_ops : &inet_ops, i, 2 | (flags & K_NONBLOCK), s);
		if (!f)
			inode_drop_if_unused(i);
	}
	if (!f)
		socket_free(s);
	return f;
}

long file_install(struct proc *p, struct file *f, uint32_t flags)
{
	long fd = fd_install(p, f, 0, flags & K_CLOEXEC);

	if (fd < 0)
		file_put(f);
	return fd;
}

static long kind_check(int family, int type, int protocol)
{
	if (type < 0 || type > 10)
		return -EINVAL;
	if (family == K_AF_UNIX)
		return type != K_STREAM && type != K_DGRAM && type != K_SEQPACKET ? -ESOCKTNOSUPPORT :
		       protocol != 0 && protocol != K_AF_UNIX ? -EPROTONOSUPPORT : 0;
	if (family == K_AF_INET || family == K_AF_INET6)
		return type == 3 ? -EPERM : type != K_STREAM && type != K_DGRAM ? -ESOCKTNOSUPPORT : 0;
	return -EAFNOSUPPORT;
}

static long sys_socket(struct proc *p, uint64_t *a)
{
	uint32_t flags = (uint32_t)a[1] & (K_CLOEXEC | K_NONBLOCK);
	int type = (int)a[1] & ~(K_CLOEXEC | K_NONBLOCK);
	long error = kind_check(a[0], type, a[2]);
	struct socket *s;
	struct file *f;

	if (error && record_on && error == -EAFNOSUPPORT) {
		char text[32];

		record_name(p, RECORD_SOCKET, USE_CONTROL, text, snprintf(text, sizeof text, "family %d", (int)a[0]), error);
	}
	if (error)
		return error;
	if (!fd_room(p))
		return -EMFILE;
	s = socket_new(a[0], type, a[2]);
	f = s ? socket_file(s, flags) : NULL;
	return f ? file_install(p, f, flags) : -ENFILE;
}

void connect_ends(struct proc *p, struct socket *a, struct socket *b)
{
	a->peer = b;
	b->peer = a;
	a->connected = b->connected = true;
	a->peer_pid = b->peer_pid = p->pid;
	a->peer_uid = b->peer_uid = p->euid;
	a->peer_gid = b->peer_gid = p->egid;
}

static long sys_socketpair(struct proc *p, uint64_t *a)
{
	uint32_t flags = (uint32_t)a[1] & (K_CLOEXEC | K_NONBLOCK);
	int type = (int)a[1] & ~(K_CLOEXEC | K_NONBLOCK), fds[2];
	long error = kind_check(a[0], type, a[2]);
	struct socket *s, *t;
	struct file *f, *g;

	if (a[0] != K_AF_UNIX)
		return error ? -EAFNOSUPPORT : -EOPNOTSUPP;
	if (error)
		return error;
	s = socket_new(K_AF_UNIX, type, 0);
	t = socket_new(K_AF_UNIX, type, 0);
	if (!s || !t) {
		free(s);
		free(t);
		return -ENFILE;
	}
	connect_ends(p, s, t);
	f = socket_file(s, flags);
	g = socket_file(t, flags);
	if (!f || !g) {
		if (f)
			file_put(f);
		if (g)
			file_put(g);
		return -ENFILE;
	}
	fds[0] = file_install(p, f, flags);
	if (fds[0] < 0) {
		file_put(g);
		return fds[0];
	}
	fds[1] = file_install(p, g, flags);
	if (fds[1] >= 0 && !user_write(p, a[3], fds, sizeof fds))
		return 0;
	fd_close(p, fds[0]);
	if (fds[1] >= 0)
		fd_close(p, fds[1]);
	return fds[1] < 0 ? fds[1] : -EFAULT;
}

static long call_shutdown(struct proc *p, struct file *f, uint64_t *a)
{
	struct socket *s = f->data;

	(void)p;
	if (a[1] > 2)
		return -EINVAL;
	if (!s->connected && !s->listening)
		return -ENOTCONN;
	s->shut_read |= a[1] != 1;
	s->shut_write |= a[1] != 0;
	if (s->peer)
		wake_all(&s->peer->wait);
	wake_all(&s->wait);
	return 0;
}

long socket_wait(struct proc *p, struct socket *on, bool nonblock)
{
	return nonblock ? -EAGAIN : p->interrupted ? -EINTR : wait_on(p, &on->wait);
}

/* ---- file operations --------------------------------------------------------------------------------------- */

static long unix_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)offset;
	spans_one(buf, n);
	if (!n && ((struct socket *)f->data)->type == K_STREAM)
		return 0;
	return socket_receive(p, f, 1, nonblock ? K_MSG_DONTWAIT : 0, NULL);
}

static long unix_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)offset;
	spans_one(buf, n);
	return socket_send(p, f, 1, nonblock ? K_MSG_DONTWAIT : 0, NULL, NULL);
}

static unsigned unix_poll(struct file *f, struct waitq **q)
{
	struct socket *s = f->data;
	bool over = s->type != K_DGRAM && s->connected && (s->gone || !s->peer || s->peer->shut_write);
	unsigned now = 0;

	*q = &s->wait;
	if (s->listening)
		return s->pending ? K_POLLIN | K_POLLRDNORM : 0;
	if (s->first || s->shut_read || over)
		now |= K_POLLIN | K_POLLRDNORM;
	if (over)
		now |= K_POLLRDHUP;
	if (s->gone || (s->shut_read && s->shut_write) || (s->type != K_DGRAM && !s->connected))
		now |= K_POLLHUP;
	if (s->type == K_DGRAM || (s->peer && s->peer->queued < BUFFER_BYTES) || s->gone)
		now |= K_POLLOUT | K_POLLWRNORM;
	return now;
}

static long unix_ioctl(struct file *f, struct proc *p, unsigned long request, uint64_t arg)
{
	struct socket *s = f->data;
	int n = s->type != K_STREAM && s->first ? s->first->length : s->queued;

	return request == K_FIONREAD ? user_write(p, arg, &n, sizeof n) : -ENOTTY;
}

const struct file_ops unix_ops = {
	.name = "socket", .read = unix_read, .write = unix_write, .poll = unix_poll, .ioctl = unix_ioctl,
	.release = socket_release,
};

/* ---- the calls ---------------------------------------------------------------------------------------------- */

static long call_on_socket(struct proc *p, uint64_t *a, long (*call)(struct proc *p, struct file *f, uint64_t *a))
{
	struct file *f = fd_get(p, a[0]);

	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	return f->ops == &unix_ops || f->ops == &inet_ops ? call(p, f, a) : -ENOTSOCK;
}

#define SOCKET_CALLS(X) \
	X(42, connect) X(43, accept) X(44, sendto) X(45, recvfrom) X(46, sendmsg) X(47, recvmsg) X(48, shutdown) X(49, bind) \
	X(50, listen) X(51, getsockname) X(52, getpeername) X(54, setsockopt) X(55, getsockopt) X(288, accept4)

#define X(number, name) \
	static long sys_##name(struct proc *p, uint64_t *a) { return call_on_socket(p, a, call_##name); }
SOCKET_CALLS(X)
#undef X

#define X(number, name) { number, #name, sys_##name },
const struct syscall socket_syscalls[] = {
	{ 41, "socket", sys_socket }, { 53, "socketpair", sys_socketpair }, SOCKET_CALLS(X) { 0, NULL, NULL },
};
#undef X
