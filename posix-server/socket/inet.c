/*
 * inet.c - AF_INET and AF_INET6 sockets: as on a machine without an interface, they can be made but lead nowhere.
 *
 * connect and sendto answer ENETUNREACH, bind EADDRNOTAVAIL.  So what a program would reach is known (record_inet),
 * and it gets an ordinary error.
 */
#include <stdio.h>
#include "inner.h"

/* "inet 10.0.0.1:80 tcp", from a sockaddr of user memory. */
void record_inet(struct proc *p, const struct socket *s, enum record_use use, uint64_t at, uint64_t length, long result)
{
	uint8_t b[28] = { 0 };
	char text[100], *to = text;

	if (!record_on || length < 8 || user_read(p, b, at, length < sizeof b ? length : sizeof b))
		return;
	to += sprintf(to, "inet ");
	if (b[0] == K_AF_INET) {
		to += sprintf(to, "%u.%u.%u.%u", b[4], b[5], b[6], b[7]);
	} else {
		*to++ = '[';
		for (unsigned i = 0; i < 16; i += 2)
			to += sprintf(to, "%s%x", i ? ":" : "", b[8 + i] << 8 | b[9 + i]);
		*to++ = ']';
	}
	to += sprintf(to, ":%u %s", b[2] << 8 | b[3], s->type == K_STREAM ? "tcp" : "udp");
	record_name(p, RECORD_SOCKET, use, text, to - text, result);
}

long inet_wait(struct proc *p, struct file *f, bool nonblock)
{
	struct socket *s = f->data;

	return s->type == K_STREAM ? -ENOTCONN : socket_wait(p, s, nonblock || (f->flags & K_O_NONBLOCK));
}

long inet_send(struct proc *p, struct socket *s)
{
	return s->type == K_STREAM ? broken(p, 0) : -EDESTADDRREQ;
}

static long inet_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)buf, (void)n, (void)offset;
	return inet_wait(p, f, nonblock);
}

static long inet_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)buf, (void)n, (void)offset, (void)nonblock;
	return inet_send(p, f->data);
}

static unsigned inet_poll(struct file *f, struct waitq **q)
{
	struct socket *s = f->data;

	*q = &s->wait;
	return s->type == K_STREAM ? K_POLLOUT | K_POLLHUP : K_POLLOUT;
}

const struct file_ops inet_ops = {
	.name = "socket", .read = inet_read, .write = inet_write, .poll = inet_poll, .release = socket_release,
};
