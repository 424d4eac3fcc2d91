/*
 * message.c - sendto, recvfrom, sendmsg, recvmsg: the calls that move data with an address, or with descriptors.
 */
#include "inner.h"

enum { SCM_FILES = 1, SCM_IDENTITY = 2 };   /* SCM_RIGHTS, SCM_CREDENTIALS */

struct msghdr_k {
	uint64_t name; uint32_t name_length, pad; uint64_t spans, span_count, control, control_length; uint32_t flags, pad2;
};
struct cmsg_k { uint64_t length; uint32_t level, type; };

static long message_fetch(struct proc *p, uint64_t at, struct msghdr_k *m)
{
	return user_read(p, m, at, sizeof *m) ? -EFAULT : spans_fetch(p, m->spans, m->span_count);
}

/* Descriptors of the control part; credentials are taken and not believed. */
static long control_fetch(struct proc *p, const struct msghdr_k *m, struct sending *out)
{
	uint64_t at = 0;

	out->file_count = 0;
	if (m->control_length > 8192)
		return -ENOBUFS;
	while (m->control_length - at >= sizeof(struct cmsg_k)) {
		struct cmsg_k c;
		int fd;

		if (user_read(p, &c, m->control + at, sizeof c))
			return -EFAULT;
		if (c.length < sizeof c || c.length > m->control_length - at)
			return -EINVAL;
		if (c.level == K_SOL_SOCKET && c.type == SCM_FILES)
			for (uint64_t k = sizeof c; k + 4 <= c.length; k += 4) {
				if (user_read(p, &fd, m->control + at + k, 4))
					return -EFAULT;
				if (out->file_count == FILES_MAX)
					return -EINVAL;
				if (!(out->files[out->file_count] = fd_get(p, fd)))
					return -EBADF;
				out->file_count++;
			}
		else if (c.level != K_SOL_SOCKET || c.type != SCM_IDENTITY)
			return -EINVAL;
		if (((c.length + 7) & ~7ull) > m->control_length - at)
			break;
		at += (c.length + 7) & ~7ull;
	}
	return 0;
}

/* Installs the files that came; those that find no room are closed, and the receiver is told. */
static uint32_t files_give(struct proc *p, struct chunk *files, const struct msghdr_k *m, uint32_t flags, uint64_t *used)
{
	uint64_t room = m->control ? m->control_length : 0, most = room > 16 ? (room - 16) / 4 : 0;
	struct cmsg_k c = { .level = K_SOL_SOCKET, .type = SCM_FILES };
	uint32_t given = 0;

	for (; given < files->file_count && given < most; given++) {
		struct file *f = files->files[given];
		int fd = fd_install(p, f, 0, flags & K_MSG_CMSG_CLOEXEC);

		if (fd < 0 || user_write(p, m->control + 16 + given * 4, &fd, 4))
			break;
		f->refs++;
	}
	c.length = 16 + given * 4;
	if (given && !user_write(p, m->control, &c, sizeof c))
		*used = (c.length + 7) & ~7ull;
	if (*used > room)
		*used = room;
	return given < files->file_count ? K_MSG_CTRUNC : 0;
}

long call_sendto(struct proc *p, struct file *f, uint64_t *a)
{
	struct address n;
	long error;
	struct socket *s = f->data;

	if (s->family != K_AF_UNIX) {
		if (a[4])
			record_inet(p, s, USE_SEND, a[4], a[5], -ENETUNREACH);
		return a[4] ? -ENETUNREACH : inet_send(p, s);
	}
	if (a[4] && (error = address_fetch(p, &n, a[4], a[5])))
		return error;
	if ((int64_t)a[2] < 0)
		return -EINVAL;
	spans_one(a[1], a[2]);
	return socket_send(p, f, 1, a[3], a[4] ? &n : NULL, NULL);
}

long call_recvfrom(struct proc *p, struct file *f, uint64_t *a)
{
	struct receiving r = { 0 };
	long error;
	struct socket *s = f->data;

	if (s->family != K_AF_UNIX)
		return inet_wait(p, f, a[3] & K_MSG_DONTWAIT);
	if ((int64_t)a[2] < 0)
		return -EINVAL;
	spans_one(a[1], a[2]);
	error = socket_receive(p, f, 1, a[3], &r);
	if (r.files)
		chunk_free(r.files);
	if (error >= 0 && a[4]) {
		long told = address_tell(p, r.has_from ? &r.from : NULL, a[4], a[5]);

		return told ? told : error;
	}
	return error;
}

long call_sendmsg(struct proc *p, struct file *f, uint64_t *a)
{
	static struct sending files;
	struct msghdr_k m;
	struct address n;
	long error;
	struct socket *s = f->data;

	error = message_fetch(p, a[1], &m);
	if (error)
		return error;
	if (s->family != K_AF_UNIX) {
		if (m.name)
			record_inet(p, s, USE_SEND, m.name, m.name_length, -ENETUNREACH);
		return -ENETUNREACH;
	}
	error = control_fetch(p, &m, &files);
	if (!error && m.name && m.name_length)
		error = address_fetch(p, &n, m.name, m.name_length);
	if (error)
		return error;
	return socket_send(p, f, m.span_count, a[2], m.name && m.name_length ? &n : NULL, &files);
}

long call_recvmsg(struct proc *p, struct file *f, uint64_t *a)
{
	struct receiving r = { 0 };
	struct msghdr_k m;
	uint64_t used = 0;
	uint32_t flags = 0, name_length;
	long error, n;
	struct socket *s = f->data;

	error = message_fetch(p, a[1], &m);
	if (error)
		return error;
	if (s->family != K_AF_UNIX)
		return inet_wait(p, f, a[2] & K_MSG_DONTWAIT);
	n = socket_receive(p, f, m.span_count, a[2], &r);
	if (n < 0)
		return n;
	if (r.files) {
		flags |= files_give(p, r.files, &m, a[2], &used);
		chunk_free(r.files);
	}
	if (r.truncated)
		flags |= K_MSG_TRUNC;
	name_length = 0;
	if (m.name && r.has_from) {
		error = address_tell(p, &r.from, m.name, a[1] + 8);
		if (error)
			return error;
	} else if (user_write(p, a[1] + 8, &name_length, 4)) {
		return -EFAULT;
	}
	if (user_write(p, a[1] + 40, &used, 8) || user_write(p, a[1] + 48, &flags, 4))
		return -EFAULT;
	return n;
}
