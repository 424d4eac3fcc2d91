/*
 * p9.h - what the parts of the driver know of each other: shares, lanes, handles, operations.
 *
 * A share is one virtio-9p device.  A lane is memory for one message each way and 128 KiB of data; it belongs to one
 * operation from its start to its answer.  An operation is a request of a client: a chain of messages, each with the
 * function that goes on when the host has answered.  A handle is what a capability names.
 *
 * Invariants
 *   1. An operation that waits has its caller's resume capability in CR_RESUMES; it is answered exactly once.
 *   2. A fid is clunked exactly once, by whoever owns it: a handle, a prefix, or an operation (op->fid, op->fid2).
 *   3. What the host sends is read through wire.h and nothing of it is used as an index.
 *   4. A handle with users > 0 is not freed; a prefix with users > 0 is not clunked.
 */
#ifndef P9_H
#define P9_H
#include <keros/abi.h>
#include <keros/files.h>
#include <keros/inv.h>
#include <keros/virtio.h>
#include "wire.h"

enum p9_register {
	CR_IRQ = CR_APP0, CR_IOPORT, CR_PHYSMEM, CR_TIMER,
	CR_DEVICE_NOTICE,                      /* to ourselves: an interrupt */
	CR_ROOT,                               /* our memory tree */
	CR_RESUMES,                            /* OP_NODES registers: resume capabilities by operation */
};
#define OP_NODES   4u
#define OPS        (OP_NODES * NODE_SLOTS)
#define OPS_GROUP  20u                 /* at most, of one group */
#define NOTICE_DEVICE 1u

#define SHARES     24u                 /* of the machine */
#define LANES      8u
#define LANE_DATA  65536u              /* of one request of a client */
#define LANE_AHEAD (2 * LANE_DATA)     /* and of what is read ahead */
#define MESSAGE    8192u               /* of one way, without data */
#define AHEADS     3u                  /* pieces read ahead, a file */
#define PREFIXES   8u                  /* folders kept at hand, a share */
#define GROUPS     15u
#define GROUP_SHIFT 12
#define GROUP_HANDLES (1u << GROUP_SHIFT)
#define DATA_SHARE 0xFFFFu             /* start capability data: the share interface */

#define MODE_BITS 01777u               /* of what is made: never set-id */
#define TYPE_BITS 0170000u
#define TYPE_FILE 0100000u
#define TYPE_DIRECTORY 0040000u
#define TYPE_LINK 0120000u
enum { E_PERM = 1, E_NOENT = 2, E_IO = 5, E_NXIO = 6, E_NOMEM = 12, E_ACCES = 13, E_EXIST = 17, E_NOTDIR = 20, E_ISDIR = 21,
       E_INVAL = 22, E_NFILE = 23, E_ROFS = 30, E_NAMETOOLONG = 36, E_LOOP = 40, E_OPNOTSUPP = 95 };

#define OPEN_FLAG_CREATE 0100u         /* Linux's, as 9P2000.L has them */
#define OPEN_FLAG_EXCL   0200u
#define OPEN_FLAG_TRUNC  01000u
#define OPEN_FLAG_APPEND 02000u
#define OPEN_FLAG_DIRECTORY 0200000u
#define OPEN_FLAG_NOFOLLOW  0400000u
#define OPEN_FLAG_NONBLOCK  04000u
#define UNLINK_DIRECTORY 0x200u

struct op;
struct handle;

struct prefix {                        /* a folder that was walked to: the next look below it begins here */
	struct handle *handle;         /* from where; NULL: free */
	char *text;
	size_t length;
	uint32_t fid;
	unsigned users;
	bool stale;
	uint64_t used_at;
};

struct share {
	struct virtio_device device;
	struct virtio_queue queue;
	uint64_t rings;                /* where they are mapped; 0: not made yet */
	unsigned number, nth;          /* of its tag; among the devices of its kind */
	bool revoked;                  /* for good: its owner took it back */
	bool found, ready;             /* ready: the version is agreed and the root attached */
	uint32_t next_fid, root;
	uint64_t root_number;          /* of the folder: in another life of the machine it may be another */
	unsigned epoch;                /* lives of the machine: handles of another are dead */
	bool unannounced;
	bool reads_ahead;              /* it takes messages large enough, and there are lanes for it */
	unsigned clunks;               /* in flight */
	struct prefix prefix[PREFIXES];
};

struct lane {
	unsigned index;
	uint8_t *t, *r, *d;            /* message out, reply, data */
	uint64_t t_at, r_at, d_at[2];  /* the same for the device; data in two runs */
	struct share *share;           /* in flight there */
	struct op *op;
	struct wire w;
	uint32_t came;                 /* bytes of the reply */
	struct lane *next;             /* free */
};

struct handle {
	enum { HANDLE_DIRECTORY, HANDLE_FILE } kind;
	struct share *share;
	unsigned epoch;
	uint16_t data;                 /* of its start capabilities */
	bool readonly, root, closed, can_read, can_write;
	uint64_t number;               /* of a root: the folder that it was made for */
	uint32_t fid, list_fid;        /* list_fid: the folder opened for listing, or NO_FID */
	unsigned users;
	char *only;                    /* the one name that exists in it, or NULL */
	/* What is read ahead, LANE_AHEAD each; op NULL: free. */
	struct ahead { uint64_t offset, at_ns; uint32_t came; struct op *op; } ahead[AHEADS];
	uint64_t ahead_next;           /* offset of the one to ask for next */
	bool ahead_end;                /* the end of the file was met: no more */
	uint64_t expected;             /* where a reader that goes on in order reads next */
};

struct op {
	bool used, awaited;
	unsigned index;
	struct handle *handle;
	struct share *share;
	struct lane *lane;
	void (*start)(struct op *), (*next)(struct op *);
	uint64_t w[INV_WORDS];
	uint32_t fid, fid2;            /* its own, clunked at its end */
	struct prefix *prefix[2];
	uint32_t parent[2];            /* fid of the folder of each path's last name */
	struct part *part[2];          /* FILES_NAMES each; malloc'ed as one */
	unsigned count[2], which, found;
	char *text;                    /* its copy of the paths */
	size_t text_length;
	void *data;                    /* of a write that waits for a lane */
	size_t data_length;
	bool made, retried;
	struct file_attr attr;
	struct op *queue_next;
};

/* transport.c */
extern unsigned lane_count;
bool transport_start(void);
struct share *share_by_number(unsigned number);        /* looked for; NULL: no such device */
struct lane *lane_take(void);                          /* NULL: all are busy */
unsigned lanes_idle(void);
void lane_give(struct lane *l);
/* Begins a message of an operation in its lane; sends it, with data_out bytes of the lane's data behind it, and room
 * for a reply of `reply` bytes, behind which data_in bytes go to the lane's data. */
struct wire *rpc(struct op *o, enum wire_type type);
void rpc_send(struct op *o, size_t data_out, size_t reply, size_t data_in, void (*next)(struct op *));
void share_clunk(struct share *s, uint32_t fid);
uint32_t share_fid(struct share *s);
void transport_kick(void);                             /* tells the devices what is new for them */
void transport_service(bool interrupt);                /* takes what they have done; calls rpc's next functions */
/* Before waiting: interrupts only from shares that somebody waits for.  True: there is something already. */
bool transport_rearm(void);
uint64_t now_ns(void);

/* The reply of the last message: opened at its body.  False: op_fail has been called with the host's error. */
bool rpc_reply(struct op *o, enum wire_type type, struct wire *w);
/* The host's error number, if that reply tells of an error; else 0. */
uint32_t rpc_error(const struct op *o);

/* walk.c: ends in next, or in op_fail, or (walks that find less) in partial. */
void walk_parent(struct op *o, unsigned which, void (*next)(struct op *), void (*partial)(struct op *));
void walk_last(struct op *o, unsigned which, uint32_t *fid, void (*next)(struct op *), void (*missing)(struct op *));
void walk_attr(struct op *o, uint32_t fid, void (*next)(struct op *)); /* to o->attr */
/* o->fid becomes another fid of the folder or file that `from` is. */
void walk_clone(struct op *o, uint32_t from, void (*next)(struct op *));
/* Puts the last name of the path into a message, as what is asked of the folder that walk_parent found. */
void put_last(struct wire *w, const struct op *o, unsigned which);
void prefixes_flush(struct share *s);
void prefixes_forget(struct share *s, const struct handle *h);
void prefix_leave(struct op *o);

/* ops.c */
extern struct op ops[OPS];
extern struct op *waiting;             /* operations that wait for a lane */
extern struct lane *reserve;           /* whose data the string of a request comes to; NULL: none */
void op_fail(struct op *o, int error);                 /* a Linux error number */
void op_result(struct op *o, uint32_t rc);              /* answers with nothing but that; the operation ends */
void ops_restart(struct share *s);                     /* what was in flight is lost */
struct handle *handle_of(unsigned data);                /* by a start capability's data; NULL: none */
struct handle *handle_new(unsigned group, struct share *s);     /* NULL: the group has as many as it may */
void handle_leave(struct handle *h);                    /* one user less; a closed one goes with its last */
cap_t resume_node(const struct op *o);                  /* the register of the node that its caller's resume capability is in */
struct op *op_new(struct handle *h, struct share *s);   /* NULL: there are too many */
void op_end(struct op *o);                              /* gives back all that it holds; who waits for a lane may have it */
/* Answers, and the operation ends. */
void op_reply(struct op *o, uint32_t rc, const uint64_t *words, unsigned count, const void *string, size_t length,
	   cap_t cap);
/* Keeps the caller of m and starts, at once or when there is a lane: what the handler answers (NOREPLY). */
uint32_t op_begin(struct op *o, struct msg *m, void (*start)(struct op *));
uint32_t handle_ready(const struct handle *h);          /* RC_OK: it can be used; of an earlier life, RC_RESTART */
uint32_t handle_writable(const struct handle *h);       /* ... and changed through */
/* A new operation with its own copy of the string and the one or two paths in it (second: where the other begins, or 0).
 * NULL: *rc says why not. */
struct op *op_paths(struct handle *h, bool changes, const void *text, size_t length, size_t second, uint32_t *rc);
/* Where a walk finds less, for whoever can do nothing with that: ENOTDIR or ENOENT. */
void no_folder(struct op *o);
void no_name(struct op *o);

/* look.c: operations of idl/directory.idl that change nothing.  All do_* answer as its generated header has it. */
uint32_t do_walk(void *ctx, struct msg *m, const void *path, size_t length, uint64_t *found, uint64_t *last,
	   const void **attributes, size_t *attributes_length);
uint32_t do_lookup(void *ctx, struct msg *m, const void *path, size_t length, cap_t *directory,
	   const void **attributes, size_t *attributes_length);
uint32_t do_open(void *ctx, struct msg *m, uint64_t flags, uint64_t mode, const void *path, size_t length,
	   cap_t *file, uint64_t *made, const void **attributes, size_t *attributes_length);
uint32_t do_list(void *ctx, struct msg *m, uint64_t cookie, uint64_t limit, const void **entries, size_t *length);

/* change.c: the others */
void change_done(struct op *o);                         /* what most end in: the host's reply is the answer */
uint32_t do_make_directory(void *ctx, struct msg *m, uint64_t mode, const void *path, size_t length);
uint32_t do_make_link(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length);
uint32_t do_make_name(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length);
uint32_t do_rename(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length);
uint32_t do_remove(void *ctx, struct msg *m, uint64_t kind, const void *path, size_t length);
/* What is to be set, in the order of the interface; and asks the host for it. */
void set_ask(struct op *o, uint32_t fid);
void set_words(struct op *o, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime, uint64_t mtime);
uint32_t do_set(void *ctx, struct msg *m, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime,
	   uint64_t mtime, const void *path, size_t length);
uint32_t do_attributes(void *ctx, struct msg *m, const void **attributes, size_t *length);
uint32_t do_space(void *ctx, struct msg *m, uint64_t *block, uint64_t *blocks, uint64_t *free_blocks,
	   uint64_t *available, uint64_t *files, uint64_t *files_free);
uint32_t do_make_readonly(void *ctx, struct msg *m, cap_t *directory);
uint32_t do_close(void *ctx, struct msg *m);

/* data.c: operations of idl/file.idl, and what is read ahead */
bool share_awaited(const struct share *s);              /* somebody waits for an answer of it */
struct ahead *ahead_of(const struct op *o);             /* the piece that this operation reads; NULL: none */
void ahead_drop(struct handle *h);                      /* what was read of it is not as the host has it now */
uint32_t do_read(void *ctx, struct msg *m, uint64_t offset, uint64_t limit, const void **data, size_t *length);
uint32_t do_write(void *ctx, struct msg *m, uint64_t offset, const void *data, size_t length, uint64_t *written);
uint32_t do_set_file(void *ctx, struct msg *m, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime,
	   uint64_t mtime);
uint32_t do_sync(void *ctx, struct msg *m, uint64_t data_only);

/* main.c */
void share_reattach(struct share *s);  /* in another life: its root is good again, if it is the same folder */
#endif
