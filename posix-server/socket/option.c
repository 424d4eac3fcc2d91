/*
 * option.c - setsockopt and getsockopt.
 */
#include "inner.h"

enum {
	K_SO_REUSEADDR = 2, K_SO_TYPE, K_SO_ERROR, K_SO_DONTROUTE, K_SO_BROADCAST, K_SO_SNDBUF, K_SO_RCVBUF, K_SO_KEEPALIVE,
	K_SO_PRIORITY = 12, K_SO_LINGER, K_SO_REUSEPORT = 15, K_SO_PASSCRED, K_SO_PEERCRED, K_SO_ACCEPTCONN = 30,
	K_SO_SNDBUFFORCE = 32, K_SO_RCVBUFFORCE, K_SO_PROTOCOL = 38, K_SO_DOMAIN,
};
#define BIT(option) (1ull << (option))

/* Nothing here depends on these, so they may be set to anything. */
static const uint64_t harmless =
	BIT(K_SO_REUSEADDR) | BIT(K_SO_DONTROUTE) | BIT(K_SO_BROADCAST) | BIT(K_SO_SNDBUF) | BIT(K_SO_RCVBUF) |
	BIT(K_SO_KEEPALIVE) | BIT(K_SO_PRIORITY) | BIT(K_SO_LINGER) | BIT(K_SO_REUSEPORT) | BIT(K_SO_PASSCRED) |
	BIT(K_SO_SNDBUFFORCE) | BIT(K_SO_RCVBUFFORCE);

long call_setsockopt(struct proc *p, struct file *f, uint64_t *a)
{
	struct socket *s = f->data;

	(void)p;
	if (a[1] == K_SOL_SOCKET)
		return a[2] < 64 && (harmless >> a[2] & 1) ? 0 : -ENOPROTOOPT;
	return s->family == K_AF_UNIX ? -EOPNOTSUPP : 0;
}

long call_getsockopt(struct proc *p, struct file *f, uint64_t *a)
{
	uint32_t value[3] = { 0 }, length = 4, room;
	struct socket *s = f->data;

	if (a[1] != K_SOL_SOCKET)
		return s->family == K_AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
	switch (a[2]) {
	case K_SO_TYPE: value[0] = s->type; break;
	case K_SO_ERROR: case K_SO_REUSEADDR: case K_SO_KEEPALIVE: case K_SO_PASSCRED: break;
	case K_SO_SNDBUF: case K_SO_RCVBUF: value[0] = BUFFER_BYTES; break;
	case K_SO_PEERCRED:
		value[0] = s->peer_pid;
		value[1] = s->connected ? s->peer_uid : ~0u;
		value[2] = s->connected ? s->peer_gid : ~0u;
		length = 12;
		break;
	case K_SO_ACCEPTCONN: value[0] = s->listening; break;
	case K_SO_PROTOCOL: value[0] = s->protocol; break;
	case K_SO_DOMAIN: value[0] = s->family; break;
	default: return -ENOPROTOOPT;
	}
	if (user_read(p, &room, a[4], 4))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (room < length)
		length = room;
	return user_write(p, a[3], value, length) || user_write(p, a[4], &length, 4) ? -EFAULT : 0;
}
