/*
 * name.c - names of AF_UNIX sockets: paths of the file tree, and abstract names of the sandbox's own.
 *
 * A path is an inode whose `socket` points here while it is bound; an abstract name is on one list.
 */
#include <string.h>
#include "inner.h"

static struct socket *abstract;

/* A sockaddr_un: its name; a path ends at its NUL. */
long address_fetch(struct proc *p, struct address *to, uint64_t at, uint64_t length)
{
	struct { uint16_t family; char path[NAME_BYTES]; } un = { 0 };

	if ((int64_t)length < 2 || length > 128)
		return -EINVAL;
	if (length > sizeof un)
		return -EINVAL;
	if (user_read(p, &un, at, length))
		return -EFAULT;
	if (un.family != K_AF_UNIX)
		return -EINVAL;
	to->length = length - 2;
	if (to->length && un.path[0])
		to->length = strnlen(un.path, to->length);
	memcpy(to->text, un.path, sizeof to->text);
	return 0;
}

long address_tell(struct proc *p, const struct address *n, uint64_t at, uint64_t length_at)
{
	struct { uint16_t family; char path[NAME_BYTES]; } un = { .family = K_AF_UNIX };
	bool path = n && n->length && n->text[0];
	uint32_t room, full = 2 + (n ? n->length : 0) + path;

	if (!at)
		return 0;
	if (user_read(p, &room, length_at, 4))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (n)
		memcpy(un.path, n->text, n->length);
	if (full > sizeof un)
		full = sizeof un;
	return user_write(p, at, &un, room < full ? room : full) || user_write(p, length_at, &full, 4) ? -EFAULT : 0;
}

static bool is_abstract(const struct address *n)
{
	return n->length && !n->text[0];
}

static char path_text[NAME_BYTES + 1];

static const char *path_of(const struct address *n)
{
	memcpy(path_text, n->text, n->length);
	path_text[n->length] = 0;
	return path_text;
}

void record_unix(struct proc *p, enum record_use use, const struct address *n, struct inode *i, long result)
{
	static char text[PATH_LIMIT + 16];
	int length = -1;

	if (!record_on)
		return;
	strcpy(text, "unix ");
	if (i) {
		length = inode_path(i, text + 5, PATH_LIMIT);
		record_file(p, use == USE_BIND ? USE_CREATE : USE_STAT, i, result);
	}
	if (length < 0) {
		length = n->length;
		memcpy(text + 5, n->text, n->length);
		if (is_abstract(n))
			text[5] = '@';
	}
	record_name(p, RECORD_SOCKET, use, text, length + 5, result);
}

static struct socket *abstract_find(const struct address *n)
{
	for (struct socket *s = abstract; s; s = s->next_bound)
		if (s->name.length == n->length && !memcmp(s->name.text, n->text, n->length))
			return s;
	return NULL;
}

static long bind_path(struct proc *p, struct socket *s, const struct address *n)
{
	struct inode *i;
	struct walk w;
	long error = path_walk(p, K_AT_FDCWD, path_of(n), WALK_PARENT, &w);

	if (!error && s->name.length)
		error = w.inode ? -EEXIST : -EINVAL;   /* in this order, as on Linux */
	if (!error)
		error = name_create(p, &w, S_IFSOCK | (0777 & ~p->fs->umask), 0, NULL, &i);
	if (error)
		return error == -EEXIST ? -EADDRINUSE : error;
	inode_get(i);
	i->socket = s;
	s->bound = i;
	return 0;
}

long call_bind(struct proc *p, struct file *f, uint64_t *a)
{
	struct address n;
	long error;
	struct socket *s = f->data;

	if (s->family != K_AF_UNIX) {
		record_inet(p, s, USE_BIND, a[1], a[2], -EADDRNOTAVAIL);
		return -EADDRNOTAVAIL;
	}
	error = address_fetch(p, &n, a[1], a[2]);
	if (error)
		return error;
	if (!n.length)
		return -EINVAL;        /* a name of the kernel's choice: nobody asked for one yet */
	if (is_abstract(&n)) {
		if (s->name.length || abstract_find(&n))
			return s->name.length ? -EINVAL : -EADDRINUSE;
		s->next_bound = abstract;
		abstract = s;
	} else {
		error = bind_path(p, s, &n);
	}
	if (!error)
		s->name = n;
	record_unix(p, USE_BIND, &n, s->bound, error);
	return error;
}

void name_leave(struct socket *s)
{
	if (s->bound) {
		if (s->bound->socket == s)
			s->bound->socket = NULL;
		inode_put(s->bound);
	}
	for (struct socket **at = &abstract; *at; at = &(*at)->next_bound)
		if (*at == s) {
			*at = s->next_bound;
			break;
		}
}

/* The socket that has that name now; the inode, if there is one, for the record. */
long name_find(struct proc *p, const struct address *n, struct socket **out, struct inode **named)
{
	struct walk w;
	long error;

	*named = NULL;
	if (is_abstract(n)) {
		*out = abstract_find(n);
		return *out ? 0 : -ECONNREFUSED;
	}
	error = path_walk(p, K_AT_FDCWD, path_of(n), WALK_FOLLOW, &w);
	if (error)
		return error;
	*named = w.inode;
	error = inode_may(w.inode, p, K_W_OK);
	if (error)
		return error;
	*out = S_ISSOCK(w.inode->mode) ? w.inode->socket : NULL;
	return *out ? 0 : -ECONNREFUSED;
}

long call_getsockname(struct proc *p, struct file *f, uint64_t *a)
{
	uint8_t none[16] = { K_AF_INET };
	uint32_t length = sizeof none, room;
	struct socket *s = f->data;

	if (s->family == K_AF_UNIX)
		return address_tell(p, &s->name, a[1], a[2]);
	none[0] = s->family;
	if (user_read(p, &room, a[2], 4) || user_write(p, a[1], none, room < length ? room : length) ||
	    user_write(p, a[2], &length, 4))
		return -EFAULT;
	return 0;
}

long call_getpeername(struct proc *p, struct file *f, uint64_t *a)
{
	struct socket *s = f->data;

	if (s->type == K_DGRAM && s->target.length)
		return address_tell(p, &s->target, a[1], a[2]);
	return s->connected ? address_tell(p, s->peer ? &s->peer->name : NULL, a[1], a[2]) : -ENOTCONN;
}
