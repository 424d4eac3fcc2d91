/*
 * share.h - files and folders that another serves: directory capabilities mounted in the tree.
 *
 * An inode of a share is a memory of what was found, not the thing itself: whoever serves it may change it at any time.
 * So every call asks anew for what it looks at, once: an answer counts for a call if it was asked for after the call
 * began (proc.call_seq against share.seq), and a call that must ask is run again when the answer is there.
 *
 * Parts
 *   share.c       mounts, looking up, attributes, the inodes
 *   share_file.c  opening, reading, writing, listing, loading pages
 *   share_name.c  changes of names and attributes
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

struct mount {
	capno cap;
	enum { MOUNT_READ, MOUNT_WRITE, MOUNT_COPY } mode;
	char *guest, *file;            /* where; the one name granted, or NULL: the folder itself */
	struct inode *root;
	uint32_t index;
};

struct share_file {                    /* an open file or directory; file->data */
	struct share_file *next, **prev; /* of the inode's, if cap */
	capno cap;                     /* 0: a directory that was not listed yet */
	bool writable;
	/* Names of a directory, or bytes of a file, that came and were not asked for yet. */
	char *bytes;
	uint32_t length, at;
	uint64_t offset, cookie, time_ns, seq;
};

bool share_given(unsigned index, cap_t value);         /* sandbox_setup */
/* Mounts what the run config says (doc/run-config.md); before the event loop.  NULL, or what is wrong. */
const char *share_mount(struct proc *p, const char *config, size_t length);

/* The path of an inode, or of a name in a directory, from the root of its mount: its length, or -errno. */
long share_path(const struct inode *i, char *to, size_t size);
long share_path_of(const struct inode *dir, const struct name *name, char *to, size_t size);
/* A job that calls the inode's mount with its path (and a name in it, if not NULL) as the string; NULL: *error, which
 * is BLOCKED if there is no courier now. */
struct job *share_job(struct proc *p, const struct inode *i, const struct name *name, uint32_t order, long *error);
/* What a name leads to now; made, kept or replaced.  attr NULL: a directory that was passed.  NULL = no memory. */
struct file_attr;
struct inode *share_child(struct inode *dir, const struct name *name, const struct file_attr *attr, uint64_t seq);
extern uint64_t share_changed;         /* the last change of a share's data by us, in job_seq's count */
/* One of a copy (share_copy.c), without a name or a reference yet; NULL = no memory. */
struct inode *share_inode_copy(struct mount *m, const struct file_attr *attr, uint64_t seq);
bool share_target(struct inode *link, const char *target, size_t length);
int share_look_copy(struct proc *p, struct inode *dir, const struct name *name, struct inode **out);
/* -EROFS, and the user is told what would have granted it. */
int share_refuse(struct proc *p, struct inode *i, const struct name *name);
void share_forget(struct inode *dir, const struct name *name);   /* it is not there any more */
#endif
