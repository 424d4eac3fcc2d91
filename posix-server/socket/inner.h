/*
 * inner.h - what the parts of the sockets know of each other.
 *
 * An AF_UNIX socket keeps what others sent to it as a list of chunks: of a stream, chunks are filled up; of datagrams
 * and packets each is one message.  Descriptors that were sent (SCM_RIGHTS) hang on the chunk they came with.
 *
 * Invariants
 *   1. Two ends of a connection point at each other; the end that goes sets the other's peer to NULL and gone.
 *   2. A connection that nobody has accepted yet is on its listener's list and has no file.
 *   3. inode->socket of a bound name is its socket while that is open; the socket holds a reference to the inode.
 *   4. One queue a socket: whoever changes what a socket's poll would say wakes it.
 *   5. queued counts the bytes of all chunks, and is at most BUFFER_BYTES and one message.
 * The calls on a socket (call_NAME) get the open file that their first argument names, whose data is the socket.
 * A socket that is sent into itself and closed stays until the sandbox ends: its storage is the sandbox's own.
 */
#ifndef SOCKET_INNER_H
#define SOCKET_INNER_H
#include "../vfs/vfs.h"
#include "../record.h"

#define BUFFER_BYTES 212992u           /* as Linux has it */
#define FILES_MAX    253u              /* SCM_MAX_FD */
#define NAME_BYTES   108u              /* of sun_path */

enum { K_AF_UNIX = 1, K_AF_INET = 2, K_AF_INET6 = 10 };
enum { K_STREAM = 1, K_DGRAM = 2, K_SEQPACKET = 5 };
enum { K_CLOEXEC = 02000000, K_NONBLOCK = 04000 };
enum { K_SOL_SOCKET = 1 };
enum { K_MSG_PEEK = 2, K_MSG_CTRUNC = 8, K_MSG_TRUNC = 0x20, K_MSG_DONTWAIT = 0x40, K_MSG_WAITALL = 0x100,
       K_MSG_NOSIGNAL = 0x4000, K_MSG_CMSG_CLOEXEC = 0x40000000 };
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

extern const struct file_ops unix_ops, inet_ops;

/* ---- socket.c ---------------------------------------------------------------------------------------- */
struct socket *socket_new(int family, int type, int protocol);
void socket_free(struct socket *s);
void socket_release(struct file *f);
struct file *socket_file(struct socket *s, uint32_t flags);
long file_install(struct proc *p, struct file *f, uint32_t flags);    /* its descriptor; an error closes the file */
void connect_ends(struct proc *p, struct socket *a, struct socket *b);
long socket_wait(struct proc *p, struct socket *on, bool nonblock);   /* BLOCKED, -EAGAIN or -EINTR */

/* ---- name.c: what a socket is called ------------------------------------------------------------------- */
long address_fetch(struct proc *p, struct address *to, uint64_t at, uint64_t length);
long address_tell(struct proc *p, const struct address *n, uint64_t at, uint64_t length_at);
long name_find(struct proc *p, const struct address *n, struct socket **out, struct inode **named);
void name_leave(struct socket *s);                                    /* its name, if any, is nobody's now */
void record_unix(struct proc *p, enum record_use use, const struct address *n, struct inode *i, long result);
long call_bind(struct proc *p, struct file *f, uint64_t *a);
long call_getsockname(struct proc *p, struct file *f, uint64_t *a);
long call_getpeername(struct proc *p, struct file *f, uint64_t *a);

/* ---- connect.c ----------------------------------------------------------------------------------------- */
long call_listen(struct proc *p, struct file *f, uint64_t *a);
long call_connect(struct proc *p, struct file *f, uint64_t *a);
long call_accept(struct proc *p, struct file *f, uint64_t *a);
long call_accept4(struct proc *p, struct file *f, uint64_t *a);

/* ---- queue.c: the user's buffers, and the chunks that wait ------------------------------------------------ */
unsigned spans_one(uint64_t base, uint64_t length);                   /* the buffers of this call: one; their count */
long spans_fetch(struct proc *p, uint64_t at, uint64_t count);        /* ... or as an array of struct iovec says */
uint64_t spans_total(unsigned count);
int spans_copy(struct proc *p, unsigned count, uint64_t offset, char *mine, size_t n, bool out);
struct chunk *chunk_new(size_t room);
void chunk_free(struct chunk *c);
void chunk_queue(struct socket *to, struct chunk *c);
void chunk_take(struct socket *s);                                    /* the first one, which is done with */

/* ---- send.c, receive.c ----------------------------------------------------------------------------------- */
struct sending { struct file *files[FILES_MAX]; uint32_t file_count; };
struct receiving { struct chunk *files; bool truncated; struct address from; bool has_from; };

long broken(struct proc *p, uint32_t flags);                          /* nobody reads any more: SIGPIPE, EPIPE */
long socket_send(struct proc *p, struct file *f, unsigned count, uint32_t flags, const struct address *dest,
		 struct sending *files);
long socket_receive(struct proc *p, struct file *f, unsigned count, uint32_t flags, struct receiving *r);

/* ---- message.c: sendto, recvfrom, sendmsg, recvmsg ---------------------------------------------------------- */
long call_sendto(struct proc *p, struct file *f, uint64_t *a);
long call_recvfrom(struct proc *p, struct file *f, uint64_t *a);
long call_sendmsg(struct proc *p, struct file *f, uint64_t *a);
long call_recvmsg(struct proc *p, struct file *f, uint64_t *a);

/* ---- option.c ---------------------------------------------------------------------------------------------- */
long call_setsockopt(struct proc *p, struct file *f, uint64_t *a);
long call_getsockopt(struct proc *p, struct file *f, uint64_t *a);

/* ---- inet.c: the network that is not there ------------------------------------------------------------------- */
void record_inet(struct proc *p, const struct socket *s, enum record_use use, uint64_t at, uint64_t length, long result);
long inet_wait(struct proc *p, struct file *f, bool nonblock);        /* nothing ever comes */
long inet_send(struct proc *p, struct socket *s);                     /* without an address */
#endif
