/*
 * socket.c - sockets: between the processes of the sandbox (AF_UNIX), and to a network that is not there (AF_INET).
 *
 * An AF_UNIX socket keeps what others sent to it as a list of chunks: of a stream, chunks are filled up; of datagrams
 * and packets each is one message.  Descriptors that were sent (SCM_RIGHTS) hang on the chunk they came with.
 *
 * An AF_INET or AF_INET6 socket can be made, as on a machine without an interface, but leads nowhere: connect and
 * sendto answer ENETUNREACH, bind EADDRNOTAVAIL.  So what a program would reach is known, and it gets an ordinary error.
 *
 * Invariants
 *   1. Two ends of a connection point at each other; the end that goes sets the other's peer to NULL and gone.
 *   2. A connection that nobody has accepted yet is on its listener's list and has no file.
 *   3. inode->socket of a bound name is its socket while that is open; the socket holds a reference to the inode.
 *   4. One queue a socket: whoever changes what a socket's poll would say wakes it.
 *   5. queued counts the bytes of all chunks, and is at most BUFFER_BYTES and one message.
 * A socket that is sent into itself and closed stays until the sandbox ends: its storage is the sandbox's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vfs/vfs.h"
#include "record.h"
#include "socket.h"

#define BUFFER_BYTES 212992u           /* as Linux has it */
#define CHUNK_BYTES 16384u
#define MESSAGE_MAX 200000u
#define SPANS_MAX 1024u
#define FILES_MAX 253u                 /* SCM_MAX_FD */
#define NAME_BYTES 108u
#define BACKLOG_MAX 128u

enum { K_AF_UNIX = 1, K_AF_INET = 2, K_AF_INET6 = 10 };
enum { K_STREAM = 1, K_DGRAM = 2, K_SEQPACKET = 5 };
enum { K_CLOEXEC = 02000000, K_NONBLOCK = 04000 };
enum { K_MSG_PEEK = 2, K_MSG_CTRUNC = 8, K_MSG_TRUNC = 0x20, K_MSG_DONTWAIT = 0x40, K_MSG_WAITALL = 0x100,
       K_MSG_NOSIGNAL = 0x4000, K_MSG_CMSG_CLOEXEC = 0x40000000 };
#define K_FIONREAD 0x541B
#define FLAGS_KNOWN (K_MSG_PEEK | K_MSG_TRUNC | K_MSG_DONTWAIT | K_MSG_WAITALL | K_MSG_NOSIGNAL | K_MSG_CMSG_CLOEXEC)

struct address { uint16_t length; char text[NAME_BYTES]; };  /* sun_path; length 0: none; text[0] == 0: abstract */

struct chunk {
	struct chunk *next;
	uint32_t length, room, at;     /* bytes from at to length are there */
	uint32_t file_count;
	struct file **files;
	struct address *from;          /* of a datagram whose sender has a name */
	char bytes[];
};

struct socket {
	int family, type, protocol;
	bool listening, connected, gone, shut_read, shut_write;
	struct waitq wait;
	struct socket *peer;
	struct chunk *first, *last;
	uint32_t queued;
	struct address name, target;   /* target: where a datagram socket sends */
	struct inode *bound;           /* the name's inode, if it has one in the file tree */
	struct socket *next_bound;     /* all that have an abstract name */
	struct socket *pending, **pending_end;
	uint32_t pending_count, backlog;
	struct socket *next_pending;
	int peer_pid;
	uint32_t peer_uid, peer_gid;
};

struct span { uint64_t base, length; };
static struct span spans[SPANS_MAX];
static struct socket *abstract;

static const struct file_ops unix_ops, inet_ops;

static struct socket *socket_of(struct proc *p, uint64_t fd, long *error)
{
	struct file *f = fd_get(p, fd);

	*error = f && !(f->flags & K_O_PATH) ? -ENOTSOCK : -EBADF;
	return f && (f->ops == &unix_ops || f->ops == &inet_ops) ? f->data : NULL;
}

/* ---- making and ending ------------------------------------------------------------------------------------- */

static struct socket *socket_new(int family, int type, int protocol)
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

static void chunk_free(struct chunk *c)
{
	for (uint32_t i = 0; i < c->file_count; i++)
		file_put(c->files[i]);
	free(c->files);
	free(c->from);
	free(c);
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

static void socket_free(struct socket *s)
{
	struct socket *q;

	while ((q = s->pending)) {
		s->pending = q->next_pending;
		socket_free(q);
	}
	peer_leave(s);
	while (s->first) {
		struct chunk *c = s->first;

		s->first = c->next;
		chunk_free(c);
	}
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
	wake_all(&s->wait);
	free(s);
}

static void socket_release(struct file *f)
{
	socket_free(f->data);
}

/* A file for a socket, which it takes over; NULL: the socket is freed. */
static struct file *socket_file(struct socket *s, uint32_t flags)
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

static long file_install(struct proc *p, struct file *f, uint32_t flags)
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

static void connect_ends(struct proc *p, struct socket *a, struct socket *b)
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
	long error = a[0] == K_AF_UNIX ? kind_check(a[0], type, a[2]) : kind_check(a[0], type, a[2]) ? -EAFNOSUPPORT : -EOPNOTSUPP;
	struct socket *s, *t;
	struct file *f, *g;

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

/* ---- names ------------------------------------------------------------------------------------------------------ */

static char path_text[NAME_BYTES + 1];

/* A sockaddr_un: its name; a path ends at its NUL. */
static long address_fetch(struct proc *p, struct address *to, uint64_t at, uint64_t length)
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

static bool is_abstract(const struct address *n)
{
	return n->length && !n->text[0];
}

static const char *path_of(const struct address *n)
{
	memcpy(path_text, n->text, n->length);
	path_text[n->length] = 0;
	return path_text;
}

static void record_unix(struct proc *p, enum record_use use, const struct address *n, struct inode *i, long result)
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

/* "inet 10.0.0.1:80 tcp", from a sockaddr of user memory. */
static void record_inet(struct proc *p, const struct socket *s, enum record_use use, uint64_t at, uint64_t length, long result)
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

static long sys_bind(struct proc *p, uint64_t *a)
{
	struct address n;
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
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

/* The socket that has that name now; the inode, if there is one, for the record. */
static long name_find(struct proc *p, const struct address *n, struct socket **out, struct inode **named)
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

static long sys_listen(struct proc *p, uint64_t *a)
{
	long error;
	struct socket *s = socket_of(p, a[0], &error);
	uint32_t backlog = (uint32_t)a[1];

	if (!s)
		return error;
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

static long socket_wait(struct proc *p, struct socket *on, bool nonblock)
{
	return nonblock ? -EAGAIN : p->interrupted ? -EINTR : wait_on(p, &on->wait);
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

static long sys_connect(struct proc *p, uint64_t *a)
{
	struct address n;
	struct inode *named = NULL;
	struct socket *to;
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
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
		error = connect_stream(p, fd_get(p, a[0]), s, to);
	}
	if (error != BLOCKED)
		record_unix(p, USE_CONNECT, &n, named, error);
	return error;
}

static long address_tell(struct proc *p, const struct address *n, uint64_t at, uint64_t length_at)
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

static long accept_at(struct proc *p, uint64_t *a, uint32_t flags)
{
	long error;
	struct socket *s = socket_of(p, a[0], &error), *c;
	struct file *f;

	if (!s)
		return error;
	if (flags & ~(uint32_t)(K_CLOEXEC | K_NONBLOCK) || !s->listening)
		return s->type == K_DGRAM ? -EOPNOTSUPP : -EINVAL;
	c = s->pending;
	if (!c)
		return s->shut_read ? -EINVAL : socket_wait(p, s, fd_get(p, a[0])->flags & K_O_NONBLOCK);
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
	f = socket_file(c, flags);
	return f ? file_install(p, f, flags) : -ENFILE;
}

static long sys_accept(struct proc *p, uint64_t *a) { return accept_at(p, a, 0); }
static long sys_accept4(struct proc *p, uint64_t *a) { return accept_at(p, a, a[3]); }

static long sys_getsockname(struct proc *p, uint64_t *a)
{
	uint8_t none[16] = { K_AF_INET };
	uint32_t length = sizeof none, room;
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
	if (s->family == K_AF_UNIX)
		return address_tell(p, &s->name, a[1], a[2]);
	none[0] = s->family;
	if (user_read(p, &room, a[2], 4) || user_write(p, a[1], none, room < length ? room : length) ||
	    user_write(p, a[2], &length, 4))
		return -EFAULT;
	return 0;
}

static long sys_getpeername(struct proc *p, uint64_t *a)
{
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
	if (s->type == K_DGRAM && s->target.length)
		return address_tell(p, &s->target, a[1], a[2]);
	return s->connected ? address_tell(p, s->peer ? &s->peer->name : NULL, a[1], a[2]) : -ENOTCONN;
}

static long sys_shutdown(struct proc *p, uint64_t *a)
{
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
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

/* ---- sending ------------------------------------------------------------------------------------------------------ */

static uint64_t spans_total(unsigned count)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += spans[i].length;
	return total;
}

/* Copies between memory of ours and the spans, from an offset in them. */
static int spans_copy(struct proc *p, unsigned count, uint64_t offset, char *mine, size_t n, bool out)
{
	for (unsigned i = 0; i < count && n; i++) {
		size_t part = spans[i].length;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		part -= offset;
		if (part > n)
			part = n;
		if (out ? user_write(p, spans[i].base + offset, mine, part) : user_read(p, mine, spans[i].base + offset, part))
			return -EFAULT;
		mine += part;
		n -= part;
		offset = 0;
	}
	return 0;
}

static struct chunk *chunk_new(size_t room)
{
	struct chunk *c = malloc(sizeof *c + room);

	if (c)
		*c = (struct chunk){ .room = room };
	return c;
}

static void chunk_queue(struct socket *to, struct chunk *c)
{
	if (to->last)
		to->last->next = c;
	else
		to->first = c;
	to->last = c;
	to->queued += c->length;
}

struct sending { struct file *files[FILES_MAX]; uint32_t file_count; };

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

static long broken(struct proc *p, uint32_t flags)
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
static long stream_send(struct proc *p, struct socket *s, unsigned count, uint32_t flags, bool nonblock, struct sending *files)
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

static long message_send(struct proc *p, struct socket *s, struct socket *to, unsigned count, bool nonblock, struct sending *files)
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

static long socket_send(struct proc *p, struct file *f, unsigned count, uint32_t flags, const struct address *dest,
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

/* ---- receiving ------------------------------------------------------------------------------------------------------ */

struct receiving { struct chunk *files; bool truncated; struct address from; bool has_from; };

static void chunk_take(struct socket *s)
{
	struct chunk *c = s->first;

	s->first = c->next;
	if (!s->first)
		s->last = NULL;
	chunk_free(c);
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
		if (c->file_count && r && !(flags & K_MSG_PEEK)) {
			/* They leave the queue with the first of the bytes they came with. */
			r->files = chunk_new(0);
			if (r->files) {
				r->files->files = c->files;
				r->files->file_count = c->file_count;
				c->files = NULL;
				c->file_count = 0;
			}
		}
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
	if (r && c->file_count && (r->files = chunk_new(0))) {
		r->files->files = c->files;
		r->files->file_count = c->file_count;
		c->files = NULL;
		c->file_count = 0;
	}
	chunk_take(s);
	return flags & K_MSG_TRUNC ? whole : n;
}

static long socket_receive(struct proc *p, struct file *f, unsigned count, uint32_t flags, struct receiving *r)
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

/* ---- file operations --------------------------------------------------------------------------------------------------- */

static long unix_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)offset;
	spans[0] = (struct span){ buf, n };
	return n || ((struct socket *)f->data)->type != K_STREAM ? socket_receive(p, f, 1, nonblock ? K_MSG_DONTWAIT : 0, NULL) : 0;
}

static long unix_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)offset;
	spans[0] = (struct span){ buf, n };
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
		now |= 0x2000;         /* POLLRDHUP */
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

static const struct file_ops unix_ops = {
	.name = "socket", .read = unix_read, .write = unix_write, .poll = unix_poll, .ioctl = unix_ioctl,
	.release = socket_release,
};

static long inet_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	struct socket *s = f->data;

	(void)buf, (void)n, (void)offset;
	return s->type == K_STREAM ? -ENOTCONN : socket_wait(p, s, nonblock);
}

static long inet_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	struct socket *s = f->data;

	(void)buf, (void)n, (void)offset, (void)nonblock;
	return s->type == K_STREAM ? broken(p, 0) : -EDESTADDRREQ;
}

static unsigned inet_poll(struct file *f, struct waitq **q)
{
	struct socket *s = f->data;

	*q = &s->wait;
	return s->type == K_STREAM ? K_POLLOUT | K_POLLHUP : K_POLLOUT;
}

static const struct file_ops inet_ops = {
	.name = "socket", .read = inet_read, .write = inet_write, .poll = inet_poll, .release = socket_release,
};

/* ---- calls that move data ------------------------------------------------------------------------------------------------ */

static long sys_sendto(struct proc *p, uint64_t *a)
{
	struct address n;
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
	if (s->family != K_AF_UNIX) {
		if (a[4])
			record_inet(p, s, USE_SEND, a[4], a[5], -ENETUNREACH);
		return a[4] ? -ENETUNREACH : inet_write(fd_get(p, a[0]), p, 0, 0, NULL, true);
	}
	if (a[4] && (error = address_fetch(p, &n, a[4], a[5])))
		return error;
	if ((int64_t)a[2] < 0)
		return -EINVAL;
	spans[0] = (struct span){ a[1], a[2] > RW_LIMIT ? RW_LIMIT : a[2] };
	return socket_send(p, fd_get(p, a[0]), 1, a[3], a[4] ? &n : NULL, NULL);
}

static long sys_recvfrom(struct proc *p, uint64_t *a)
{
	struct receiving r = { 0 };
	long error;
	struct socket *s = socket_of(p, a[0], &error);
	struct file *f = fd_get(p, a[0]);

	if (!s)
		return error;
	if (s->family != K_AF_UNIX)
		return inet_read(f, p, 0, 0, NULL, (f->flags & K_O_NONBLOCK) || (a[3] & K_MSG_DONTWAIT));
	if ((int64_t)a[2] < 0)
		return -EINVAL;
	spans[0] = (struct span){ a[1], a[2] > RW_LIMIT ? RW_LIMIT : a[2] };
	error = socket_receive(p, f, 1, a[3], &r);
	if (r.files)
		chunk_free(r.files);
	if (error >= 0 && a[4]) {
		long told = address_tell(p, r.has_from ? &r.from : NULL, a[4], a[5]);

		return told ? told : error;
	}
	return error;
}

struct msghdr_k {
	uint64_t name; uint32_t name_length, pad; uint64_t spans, span_count, control, control_length; uint32_t flags, pad2;
};
struct cmsg_k { uint64_t length; uint32_t level, type; };

static long message_fetch(struct proc *p, uint64_t at, struct msghdr_k *m)
{
	uint64_t total = 0;

	if (user_read(p, m, at, sizeof *m))
		return -EFAULT;
	if (m->span_count > SPANS_MAX)
		return -EMSGSIZE;
	if (user_read(p, spans, m->spans, m->span_count * sizeof *spans))
		return -EFAULT;
	for (uint64_t i = 0; i < m->span_count; i++) {
		if ((int64_t)spans[i].length < 0)
			return -EINVAL;
		if (spans[i].length > RW_LIMIT - total)
			spans[i].length = RW_LIMIT - total;
		total += spans[i].length;
	}
	return 0;
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
		if (c.level == 1 && c.type == 1)
			for (uint64_t k = sizeof c; k + 4 <= c.length; k += 4) {
				if (user_read(p, &fd, m->control + at + k, 4))
					return -EFAULT;
				if (out->file_count == FILES_MAX)
					return -EINVAL;
				if (!(out->files[out->file_count] = fd_get(p, fd)))
					return -EBADF;
				out->file_count++;
			}
		else if (c.level != 1 || c.type != 2)
			return -EINVAL;
		if (((c.length + 7) & ~7ull) > m->control_length - at)
			break;
		at += (c.length + 7) & ~7ull;
	}
	return 0;
}

static long sys_sendmsg(struct proc *p, uint64_t *a)
{
	static struct sending files;
	struct msghdr_k m;
	struct address n;
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
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
	return socket_send(p, fd_get(p, a[0]), m.span_count, a[2], m.name && m.name_length ? &n : NULL, &files);
}

/* Installs the files that came; those that find no room are closed, and the receiver is told. */
static uint32_t files_give(struct proc *p, struct chunk *files, const struct msghdr_k *m, uint32_t flags, uint64_t *used)
{
	uint64_t room = m->control ? m->control_length : 0, most = room > 16 ? (room - 16) / 4 : 0;
	struct cmsg_k c = { .level = 1, .type = 1 };
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

static long sys_recvmsg(struct proc *p, uint64_t *a)
{
	struct receiving r = { 0 };
	struct msghdr_k m;
	uint64_t used = 0;
	uint32_t flags = 0, name_length;
	long error, n;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
	error = message_fetch(p, a[1], &m);
	if (error)
		return error;
	if (s->family != K_AF_UNIX)
		return inet_read(fd_get(p, a[0]), p, 0, 0, NULL, (fd_get(p, a[0])->flags & K_O_NONBLOCK) || (a[2] & K_MSG_DONTWAIT));
	n = socket_receive(p, fd_get(p, a[0]), m.span_count, a[2], &r);
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

/* ---- options ----------------------------------------------------------------------------------------------------------- */

static long sys_setsockopt(struct proc *p, uint64_t *a)
{
	/* Buffers, reuse, keeping alive, credentials, lingering: nothing here depends on them. */
	static const uint64_t harmless = 1ull << 2 | 1ull << 5 | 1ull << 6 | 1ull << 7 | 1ull << 8 | 1ull << 9 | 1ull << 12 | 1ull << 13 |
		1ull << 15 | 1ull << 16 | 1ull << 32 | 1ull << 33;
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
	if (a[1] == 1)
		return a[2] < 64 && (harmless >> a[2] & 1) ? 0 : -ENOPROTOOPT;
	return s->family == K_AF_UNIX ? -EOPNOTSUPP : 0;
}

static long sys_getsockopt(struct proc *p, uint64_t *a)
{
	uint32_t value[3] = { 0 }, length = 4, room;
	long error;
	struct socket *s = socket_of(p, a[0], &error);

	if (!s)
		return error;
	if (a[1] != 1)
		return s->family == K_AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
	switch (a[2]) {
	case 3: value[0] = s->type; break;
	case 4: case 2: case 9: case 16: break;
	case 7: case 8: value[0] = BUFFER_BYTES; break;
	case 17:
		value[0] = s->peer_pid, value[1] = s->connected ? s->peer_uid : ~0u, value[2] = s->connected ? s->peer_gid : ~0u;
		length = 12;
		break;
	case 30: value[0] = s->listening; break;
	case 38: value[0] = s->protocol; break;
	case 39: value[0] = s->family; break;
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

const struct syscall socket_syscalls[] = {
	{ 41, "socket", sys_socket }, { 42, "connect", sys_connect }, { 43, "accept", sys_accept }, { 44, "sendto", sys_sendto },
	{ 45, "recvfrom", sys_recvfrom }, { 46, "sendmsg", sys_sendmsg }, { 47, "recvmsg", sys_recvmsg },
	{ 48, "shutdown", sys_shutdown }, { 49, "bind", sys_bind }, { 50, "listen", sys_listen },
	{ 51, "getsockname", sys_getsockname }, { 52, "getpeername", sys_getpeername }, { 53, "socketpair", sys_socketpair },
	{ 54, "setsockopt", sys_setsockopt }, { 55, "getsockopt", sys_getsockopt }, { 288, "accept4", sys_accept4 },
	{ 0, NULL, NULL },
};
