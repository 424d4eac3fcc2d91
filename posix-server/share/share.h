/*
 * share.h - files and folders that another serves: directory capabilities mounted in the tree.
 *
 * An inode of a share is a memory of what was found, not the thing itself: whoever serves it may change it at any time.
 * So every call asks anew for what it looks at, once: an answer counts for a call if it was asked for after the call
 * began (proc.call_seq against share.seq), and a call that must ask is run again when the answer is there.
 *
 * Parts
 *   mount.c   the mounts                       inode.c   what is remembered, and what its path is
 *   look.c    looking up, attributes           change.c  changes of names and attributes
 *   open.c    opening and making files         data.c    reading and writing them
 *   list.c    names of a folder                page.c    pages for exec and mmap
 *   copy.c    mounts whose changes stay in the sandbox
 * What the rest of the server calls is in vfs/vfs.h.
 *
 * Invariants
 *   1. Names of a share's directory in dir.c's table are what was found last; a mount in it is always there.
 *   2. Paths go to the server of the share from the root of the mount, never with `..`; links are followed by path.c, in
 *      the sandbox's own tree.
 *   3. An inode that has lost its name there (removed) keeps what is open; everything else on it is ESTALE.
 */
#ifndef SHARE_H
#define SHARE_H
#include "job.h"
#include "vfs/vfs.h"

#define MOUNTS_MAX 24u

extern struct mount {                  /* by index; those after the last have no root */
	capno cap;
	enum { MOUNT_READ, MOUNT_WRITE, MOUNT_COPY } mode;
	char *guest, *file;            /* where; the one name granted, or NULL: the folder itself */
	struct inode *root;
	uint32_t index;
} mounts[MOUNTS_MAX];

struct share_file {                    /* an open file or directory; file->data */
	struct share_file *next, **prev; /* of the inode's, if cap */
	capno cap;                     /* 0: a directory that was not listed yet */
	bool writable;
	/* Names of a directory, or bytes of a file, that came and were not asked for yet. */
	char *bytes;
	uint32_t length, at;
	uint64_t offset, cookie, time_ns, seq;
};

/* ---- mount.c ---- */

/* sandbox_setup: the capability of a mount, in a register; false: there is no such mount, or no room. */
bool share_given(unsigned index, cap_t value);
/* Mounts what the run config says (doc/run-config.md); before the event loop.  NULL, or what is wrong. */
const char *share_mount(struct proc *p, const char *config, size_t length);
/* -EROFS, and the user is told what would have granted it. */
int share_refuse(struct proc *p, struct inode *i, const struct name *name);

/* ---- inode.c ---- */

struct file_attr;                      /* keros/files.h */

/* The path of an inode, or of a name in a directory, from the root of its mount: its length, or -errno. */
long share_path(const struct inode *i, char *to, size_t size);
long share_path_of(const struct inode *dir, const struct name *name, char *to, size_t size);
/* A job that calls the inode's mount with its path (and a name in it, if not NULL) as the string; NULL: *error, which
 * is BLOCKED if there is no courier now. */
struct job *share_job(struct proc *p, const struct inode *i, const struct name *name, uint32_t order, long *error);
/* An inode without a name or a reference yet; NULL = no memory. */
struct inode *share_inode_new(struct mount *m, uint32_t mode);
/* One of a copy, with the attributes that a job brought (seq: its job.seq). */
struct inode *share_inode_copy(struct mount *m, const struct file_attr *attr, uint64_t seq);
void share_attr_set(struct inode *i, const struct file_attr *attr, uint64_t seq);
/* What a symbolic link says; false: no memory. */
bool share_target(struct inode *link, const char *target, size_t length);
/* What a name leads to now; made, kept or replaced.  attr NULL: a directory that was passed.  NULL = no memory. */
struct inode *share_child(struct inode *dir, const struct name *name, const struct file_attr *attr, uint64_t seq);
/* The name is not there any more. */
void share_forget(struct inode *dir, const struct name *name);
/* Lets inodes go that nobody uses if there are many; what this call has found, and the directory where it is, stay. */
void share_cache_trim(struct proc *p, struct inode *here);

/* ---- look.c, copy.c ---- */

/* Names that this glob names (doc/run-config.md) are refused from now on; false: no memory. */
bool share_deny(const char *pattern);
/* share_look for a copy: 0 and what is there or NULL, -errno, or BLOCKED. */
int share_look_copy(struct proc *p, struct inode *dir, const struct name *name, struct inode **out);

/* ---- data.c ---- */

extern uint64_t share_changed;         /* the last change of a share's data by us, in job_seq's count */
/* As struct file_ops has them. */
long share_file_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock);
long share_file_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock);
#endif
