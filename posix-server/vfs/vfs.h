/*
 * vfs.h - the inside of the file tree: inodes, directories, file data, path walks.
 *
 * Only vfs/ and the sys_*.c of the files side include this; the rest sees posix.h.
 *
 * Invariants
 *   1. An inode lives while refs > 0.  Each name in a directory is one reference, made or not yet made
 *      from the image; so are files, cwds and exe.  A walk's result is borrowed: it holds until the tree
 *      is changed, and the server is single-threaded.
 *   2. A live directory is named exactly once, by its parent; a removed one holds a reference to its parent,
 *      so `..` always leads somewhere.
 *   3. What the image holds is never copied before it is touched: a directory's names are made on the first
 *      look into it, an inode on the first look at its name, a page on the first write to it.
 *   4. Bytes past the end of a file are zero in its own pages.  Pages of the image may hold anything there:
 *      they become own pages, cleared, before the file grows over them.
 */
#ifndef VFS_H
#define VFS_H
#include "../posix.h"

#define PAGE_BYTES   4096u
#define NAME_LIMIT   255
#define PATH_LIMIT   4096
#define LINKS_LIMIT  40
#define FILE_LIMIT   ((uint64_t)1 << 47)   /* largest file, bytes */
#define NO_ENTRY     0xffffffffu
#define RW_LIMIT     0x7ffff000u           /* Linux never moves more by one call */

/* Numbers of the Linux ABI that the C library hides or names otherwise. */
#define K_O_ACCMODE   00000003
#define K_O_CREAT     00000100
#define K_O_EXCL      00000200
#define K_O_NOCTTY    00000400
#define K_O_TRUNC     00001000
#define K_O_APPEND    00002000
#define K_O_DSYNC     00010000         /* O_SYNC has this bit too */
#define K_O_NONBLOCK  00004000
#define K_O_ASYNC     00020000
#define K_O_DIRECT    00040000
#define K_O_LARGEFILE 00100000
#define K_O_DIRECTORY 00200000
#define K_O_NOFOLLOW  00400000
#define K_O_NOATIME   01000000
#define K_O_CLOEXEC   02000000
#define K_O_PATH      010000000
#define K_O_TMPFILE   020000000
#define K_AT_FDCWD            (-100)
#define K_AT_SYMLINK_NOFOLLOW 0x100
#define K_AT_REMOVEDIR        0x200
#define K_AT_SYMLINK_FOLLOW   0x400
#define K_AT_NO_AUTOMOUNT     0x800
#define K_AT_EMPTY_PATH       0x1000
#define K_AT_STATX_TYPE       0x6000
#define K_R_OK 4
#define K_W_OK 2
#define K_X_OK 1
#define K_POLLIN   0x001
#define K_POLLPRI  0x002
#define K_POLLOUT  0x004
#define K_POLLERR  0x008
#define K_POLLHUP  0x010
#define K_POLLNVAL 0x020
#define K_POLLRDNORM 0x040
#define K_POLLWRNORM 0x100
#define K_SIGPIPE  13
#define K_SIGXFSZ  25

/* ---- names ------------------------------------------------------------------------------------ */
struct name { const char *text; uint32_t length, hash; };

static inline uint32_t hash_step(uint32_t hash, unsigned char c)
{
	return hash * 31 + c;
}

/* With its hash. */
struct name name_of(const char *text, size_t length);

/* ---- directories (dir.c) ------------------------------------------------------------------------ */
struct dentry {
	struct inode *inode;      /* NULL: not yet made from the image */
	const char *name;         /* NULL: the hole that a removal left */
	uint64_t cookie;          /* grows along the array; what getdents gives as d_off */
	uint32_t hash;
	uint32_t next;            /* in the hash bucket: index + 1, 0 ends */
	uint32_t entry;           /* of the image, if inode is NULL */
	uint16_t length;
	uint8_t tree;             /* which image; DENTRY_SHARE: a copy of a share, and entry is the type (DT_*) */
	bool owned;               /* the name was malloc'ed; else it lies in the image */
	uint64_t number;          /* of the inode, if DENTRY_SHARE */
};
#define DENTRY_SHARE 2

struct dir {
	struct dentry *entries;   /* used of room, in cookie order; live of them are names */
	uint32_t used, room, live;
	uint32_t *buckets;        /* NULL while the directory is small */
	uint32_t bucket_mask;
	bool pending;             /* the image's names are not laid out yet */
	uint32_t lower[2];        /* its entry in each image, or NO_ENTRY */
	uint64_t next_cookie;
};

/* The callers check permissions and types; these only keep the table.  Adding takes over one reference. */
struct dentry *dir_find(struct inode *dir, const struct name *name);
struct inode *dentry_inode(struct inode *dir, struct dentry *d);   /* NULL = no memory */
int dir_add(struct inode *dir, const struct name *name, struct inode *inode);
int dir_add_later(struct inode *dir, const struct name *name, unsigned type, uint64_t number); /* its inode is made later */
void dir_remove_later(struct inode *dir, struct dentry *d);         /* one that has no inode yet */
void dir_remove(struct inode *dir, struct dentry *d);               /* gives up the name's reference */
void dir_replace(struct inode *dir, struct dentry *d, struct inode *inode); /* takes one reference, gives up one */
int dir_open_image(struct inode *dir);                              /* lays the image's names out: 0 or -ENOMEM */
struct dentry *dir_next(struct inode *dir, uint64_t cookie);        /* first name at or past the cookie */
uint32_t dir_live(struct inode *dir);                               /* how many names; 1 if there is no memory to tell */
void dir_free(struct inode *dir);                                   /* the table of an empty one */
bool dir_within(struct inode *dir, struct inode *ancestor);         /* dir is ancestor or below it */

/* ---- file data (pagevec.c, regular.c) ------------------------------------------------------------ */
struct pagevec {              /* a radix tree of page numbers; of height 0, a growing array */
	void *root;
	uint32_t room;            /* entries of the array, while height is 0 */
	uint32_t height;
};
pageno pagevec_get(const struct pagevec *v, uint64_t index);         /* 0: none */
pageno *pagevec_slot(struct pagevec *v, uint64_t index);             /* made if absent; NULL = no memory */
uint64_t pagevec_next(const struct pagevec *v, uint64_t index);      /* first held index >= index, or ~0 */
/* Lets go of all pages from index on: their number; *below counts those under limit. */
uint64_t pagevec_cut(struct pagevec *v, uint64_t index, uint64_t limit, uint64_t *below);
void pagevec_free(struct pagevec *v);

/* A folder of limited size (--tmp): what lies in it is counted, by the page. */
struct quota { uint64_t pages, used; };

struct filedata {
	struct pagevec pages;     /* the file's own pages; they hide the image's */
	uint64_t image_offset;    /* of its data in the image */
	uint64_t image_pages;     /* from the start, that the image still provides */
	uint64_t held;            /* own pages */
	uint64_t image_hidden;    /* own pages below image_pages */
	uint8_t tree;
};

/* ---- inodes ---------------------------------------------------------------------------------------- */
struct pipe;
struct socket;
struct lockset;
struct virtual_ops;

struct inode {
	uint32_t refs;
	uint32_t mode, uid, gid, nlink;
	uint32_t rdev;            /* Linux's encoding: minor & 255 | major << 8 | (minor & ~255) << 12 */
	uint64_t number;
	uint64_t size;
	int64_t atime, mtime, ctime;          /* ns */

	/* Where it was found last.  A directory's are exact; parent is no reference (invariant 2). */
	struct inode *parent;
	const char *name;
	uint16_t name_length;
	bool removed;             /* a directory that has lost its name */
	bool holds_parent;        /* parent is a reference after all: removed directories, procfs */
	bool loose;               /* on the list of procfs inodes that nobody may have kept */

	const struct virtual_ops *virtual;    /* procfs; NULL for all others */
	struct quota *quota;                  /* of the folder of limited size that it was made in; else NULL */
	struct share *share;                  /* what another serves (share.h); NULL for all others */
	struct lockset *locks;
	union {
		struct dir dir;
		struct filedata data;
		char *target;                     /* symlink */
		struct pipe *pipe;                /* FIFO: made by the first open */
		struct socket *socket;            /* a name that is bound: whose (../socket/) */
		struct { uint32_t kind; int pid; int fd; char digits[12]; } proc;
	};
};

/* A generated inode: all of it is made at the look. */
struct virtual_ops {
	int (*lookup)(struct inode *dir, struct proc *p, const struct name *name, struct inode **out);
	/* The name at or past the cookie; false at the end.  *cookie is set to that of the name itself. */
	bool (*next)(struct inode *dir, struct proc *p, uint64_t *cookie, char name[32], uint64_t *number, uint32_t *type);
	long (*target)(struct inode *link, struct proc *p, char *to, size_t size); /* readlink */
	int (*jump)(struct inode *link, struct proc *p, struct inode **to);        /* -EAGAIN: follow the text */
	long (*text)(struct inode *file, struct proc *p, char *to, size_t size);   /* content of a file */
};

struct inode *inode_new(uint32_t mode, uint32_t uid, uint32_t gid);  /* no reference yet (refs 0); NULL = no memory */
static inline void inode_count(struct inode *i, struct quota *q) /* it lies there: itself is one page */
{
	i->quota = q;
	if (q)
		q->used++;
}
struct inode *inode_loose(uint32_t mode);  /* the same for procfs: freed by a later walk unless kept */
void inode_sweep(void);                    /* frees the loose ones nobody kept */
void inode_drop_if_unused(struct inode *);
int64_t time_tick(void);                   /* wall clock ns, growing by every call */
void inode_touch(struct inode *);          /* data changed: mtime and ctime */
void inode_changed(struct inode *);        /* attributes changed: ctime */
void inode_read(struct inode *);           /* atime, as relatime */
/* K_R_OK, K_W_OK, K_X_OK: 0 or -EACCES, for that user and group; for the effective ones of p. */
int inode_access_as(struct inode *, uint32_t uid, uint32_t gid, int mode);
static inline int inode_may(struct inode *i, struct proc *p, int mode);
bool inode_owned(struct inode *, struct proc *p);       /* p may change its attributes: its owner, or root */
uint64_t inode_blocks(const struct inode *);            /* of 512 bytes, as stat tells them */
uint64_t inode_device(const struct inode *);            /* st_dev */
void inode_lose_privilege(struct inode *, struct proc *p);      /* p wrote to it: set-id bits go, unless p is root */
/* The directory's sticky bit keeps p from taking the victim's name away. */
bool name_sticky_denies(struct inode *dir, struct inode *victim, struct proc *p);
uint64_t inode_next_number(void);                       /* one that no inode has */
void inode_reserve_numbers(uint64_t first_free);        /* those below are the images' */

/* regular.c */
extern const struct file_ops regular_ops;
pageno data_page(struct inode *, uint64_t index);                        /* 0 = hole; borrowed */
/* An own page to write into, made if need be; -ENOSPC, or -EIO: the disk has lost what was to be copied into it. */
int data_page_write(struct inode *, uint64_t index, bool whole, char **page);
extern const char zero_page[PAGE_BYTES];
/* to that size, larger or smaller: 0, -EFBIG, -ENOSPC or -EIO */
int data_truncate(struct inode *, uint64_t size);
void data_free(struct inode *);                                          /* all own pages; the size stays */
long data_write_kernel(struct inode *, const void *from, size_t n, uint64_t offset); /* from our memory: bytes, -ENOSPC or -EIO */
uint64_t data_blocks(const struct inode *);                              /* of 512 bytes */
int64_t data_seek(struct inode *, int64_t offset, bool hole);            /* the next hole, or data, from there on; or -ENXIO */
int data_reserve(struct inode *, uint64_t from, uint64_t to);            /* own pages for those bytes: 0 or -ENOSPC */
/* Those bytes become zero, the size stays: 0, -ENOSPC or -EIO. */
int data_zero(struct inode *, uint64_t from, uint64_t to);

/* ---- the image (tree.c) ------------------------------------------------------------------------------ */
int tree_lay_out(struct inode *dir);                            /* fills a pending directory: 0 or -ENOMEM */
struct inode *tree_inode(unsigned tree, uint32_t entry);        /* made or found; refs as invariant 1 says */
uint64_t tree_number(unsigned tree, uint32_t entry);            /* the inode number that it has, or would have */
uint32_t tree_mode(unsigned tree, uint32_t entry);              /* st_mode */
void tree_reset(void);                                          /* for tests: forgets all images */

/* ---- walks (path.c) ------------------------------------------------------------------------------------ */
#define WALK_FOLLOW 1         /* a symlink at the end is followed */
#define WALK_PARENT 2         /* the last name need not exist: inode may be NULL */
#define WALK_EMPTY  4         /* an empty path means dirfd itself */
#define WALK_CREATE 16        /* a file is to be made: a slash after the last name is EISDIR at once */
#define WALK_KEEP   8         /* a second walk of one call: what the first found stays */
enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT, LAST_JUMP, LAST_EMPTY };

struct walk {
	struct inode *dir;        /* where the last name is looked up */
	struct inode *inode;      /* what it names; borrowed; NULL = nothing (WALK_PARENT only) */
	struct name name;         /* of the last component, within the path given (or a link's target) */
	enum walk_last last;      /* what the last component was; name holds only for LAST_NAME */
	bool slash;               /* the path ended in a slash */
};
/* 0, -errno or BLOCKED. */
int path_walk(struct proc *p, int dirfd, const char *path, unsigned flags, struct walk *w);
/* The same with the path in user memory, copied once into one of two buffers (which: 0 or 1). */
int user_walk(struct proc *p, int dirfd, uint64_t path, unsigned flags, unsigned which, struct walk *w);

/* ---- changing the tree (name.c) ------------------------------------------------------------------------- */
/* Each does what the call of that kind does, to what a walk with WALK_PARENT found: 0, -errno or BLOCKED.  name_create makes
 * whatever mode says; target: of a symbolic link; *out is borrowed. */
int name_create(struct proc *p, struct walk *w, uint32_t mode, uint32_t rdev, const char *target, struct inode **out);
int name_unlink(struct proc *p, struct walk *w);
int name_rmdir(struct proc *p, struct walk *w);
int name_link(struct proc *p, struct inode *inode, struct walk *w);
int name_rename(struct proc *p, struct walk *from, struct walk *to, uint32_t flags);

/* ---- listing (../sys_stat.c) ---------------------------------------------------------------------------- */

struct listed { uint64_t number, next; uint32_t mode; const char *name; uint32_t length; }; /* next: the place behind it */
/* Lays a name as getdents64 (wide) or getdents tells it: the record's bytes, or 0 if they are more than `room`. */
size_t listed_lay(char *to, size_t room, const struct listed *l, bool wide);

/* ---- what others serve (../share/) --------------------------------------------------------------------- */

struct share {
	struct mount *mount;
	uint64_t seq;             /* its attributes are of that job's time or later (job.h) */
	uint64_t passed;          /* the same, of a directory that was only passed: that it is there */
	uint64_t blocks;
	bool known;               /* its attributes were told; else it is a directory that was passed */
	bool is_mount;            /* the root of its mount: no look finds another in its place */
	uint16_t reader;          /* a capability to its data, while pages are loaded */
	uint32_t maps;            /* mappings: its pages must stay */
	bool mixed;               /* it changed while it was mapped: pages may be of several times */
	uint64_t loaded_seq;      /* then: when they were last loaded */
	bool copy;                /* changes stay in the sandbox (../share/copy.c) */
	char *origin;             /* then: its path in the share, or NULL for the root */
	int64_t page_mtime, page_ctime;       /* what its pages are of */
	uint64_t page_size;
	struct share_file *files; /* those open, that have a capability */
};

/* Whoever serves it has the say; else it is a copy, or nothing of a share at all. */
static inline bool share_is_live(const struct inode *i)
{
	return i->share && !i->share->copy;
}

static inline bool share_is_copy(const struct inode *i)
{
	return i->share && i->share->copy;
}

/* All of them may answer BLOCKED. */
int share_look(struct proc *p, struct inode *dir, const struct name *name, const char *rest, struct inode **out);
int share_lay(struct proc *p, struct inode *dir);                /* the names of a copy's directory are there */
int share_own(struct proc *p, struct inode *i, bool empty);      /* a copy's file is the sandbox's own, with or without data */
int share_refresh(struct proc *p, struct inode *i);              /* its attributes are of this call's time */
long share_open(struct proc *p, struct inode *i, uint32_t flags, struct file **out);
long share_create(struct proc *p, struct walk *w, uint32_t flags, uint32_t mode, struct file **out);
int share_make(struct proc *p, struct walk *w, uint32_t mode, const char *target);
int share_remove(struct proc *p, struct walk *w);
int share_link(struct proc *p, struct inode *i, struct walk *w);
int share_rename(struct proc *p, struct walk *from, struct walk *to, uint32_t flags);
struct share_change { uint32_t which, mode; uint64_t size; int64_t atime, mtime; }; /* FILES_SET_* */
long share_set(struct proc *p, struct inode *i, const struct share_change *c);
/* More names of an open directory: fills records from its place on as getdents does; bytes, or -errno. */
long share_list(struct proc *p, struct file *f, uint64_t to, size_t room, bool wide);
struct share_space { uint64_t block, blocks, free, available, files, files_free; bool readonly; };
long share_space(struct proc *p, struct inode *i, struct share_space *s);
long share_sync(struct proc *p, struct file *f, bool data_only);
int share_load(struct proc *p, struct inode *i, uint64_t offset, uint64_t length); /* pages, for exec and mmap */
bool share_readonly(const struct inode *i);
uint64_t share_device(const struct inode *i);
void share_free(struct inode *i);
size_t share_mounts(char *to, size_t size);                     /* lines of /proc/mounts */
extern const struct file_ops share_ops;

/* ---- open files ------------------------------------------------------------------------------------------- */
extern const struct file_ops dir_ops, path_ops, text_ops;
long file_open(struct proc *p, int dirfd, uint64_t path, uint32_t flags, uint32_t mode, struct file **out);
long file_open_inode(struct proc *p, struct inode *inode, uint32_t flags, struct file **out);
int fd_close(struct proc *p, int fd);
int fd_place(struct proc *p, struct file *f, int fd, bool cloexec);  /* dup2: takes its own reference */
bool file_readable(const struct file *f);
bool file_writable(const struct file *f);
dev_open_fn dev_find(uint32_t rdev);
void dev_init(void);
int proc_mount(struct inode *root);
struct inode *procfs_root(void);

/* locks.c */
struct flock_k { int16_t type, whence; int32_t pad; int64_t start, length; int32_t pid, pad2; };
long lock_fcntl(struct proc *p, struct file *f, int command, uint64_t arg);
long lock_flock(struct proc *p, struct file *f, int operation);
void locks_drop_owner(struct inode *, const void *owner);
void locks_free(struct inode *);

/* pipe.c */
extern const struct file_ops pipe_ops;
long pipe_open(struct proc *p, struct inode *inode, uint32_t flags, struct file **out);
long pipe_pair(struct file **reader, struct file **writer, uint32_t flags);
void pipe_free(struct inode *);
size_t pipe_room(struct file *f);
long pipe_wait(struct file *f, struct proc *p, bool nonblock);
long pipe_put(struct file *f, struct proc *p, const void *from, size_t n); /* what fits now; or -EPIPE */

/* random.c */
void random_fill(void *to, size_t n);
long user_fill(struct proc *p, uint64_t to, size_t n, void (*fill)(void *to, size_t n)); /* bytes, or -EFAULT */

/* ---- the buffers of a call (../sys_io.c) ---------------------------------------------------------------------- */

struct span { uint64_t base, length; };   /* of user memory: struct iovec */
/* Copies `count` of them once, cut to what one call may move; their bytes, or -errno. */
long spans_read(struct proc *p, struct span *to, uint64_t at, uint64_t count);

/* ---- copying ------------------------------------------------------------------------------------------------ */
/* By 8-byte words: under TCG every turn of a string instruction costs one, whatever its width. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#include <keros/abi.h>
static inline void copy_words(void *to, const void *from, size_t n)
{
	size_t words = n >> 3, rest = n & 7;
	if (words)
		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	char *t = to;
	const char *f = from;
	if (rest & 4) {
		__builtin_memcpy(t, f, 4);
		t += 4, f += 4;
	}
	if (rest & 2) {
		__builtin_memcpy(t, f, 2);
		t += 2, f += 2;
	}
	if (rest & 1)
		*t = *f;
}

/*
 * The same from or to a page that the disk may have lost: 0, or the address that cannot be had.  r10 and r11 tell the kernel
 * where to go on then (FAULT_GUARD of abi.h).
 */
static inline uint64_t copy_guarded(void *to, const void *from, size_t n)
{
	size_t words = n >> 3, rest = n & 7;
	uint64_t fault;

	__asm__ volatile("lea 1f(%%rip), %%r10\n\t"
			 "movabs %[guard], %%r11\n\t"
			 "rep movsq\n\t"
			 "mov %[rest], %%rcx\n\t"
			 "rep movsb\n\t"
			 "xor %%r11d, %%r11d\n\t"
			 "xor %%eax, %%eax\n"
			 "1:"
			 : "=&a"(fault), "+D"(to), "+S"(from), "+c"(words)
			 : [guard] "i"(FAULT_GUARD), [rest] "r"(rest)
			 : "r10", "r11", "memory");
	return fault;
}

/* Zeroes a page; 0, or an address as above. */
static inline uint64_t page_zero_guarded(void *to)
{
	size_t words = PAGE_BYTES / 8;
	uint64_t value = 0;

	__asm__ volatile("lea 1f(%%rip), %%r10\n\t"
			 "movabs %[guard], %%r11\n\t"
			 "rep stosq\n\t"
			 "xor %%r11d, %%r11d\n"
			 "1:"
			 : "+a"(value), "+D"(to), "+c"(words)
			 : [guard] "i"(FAULT_GUARD)
			 : "r10", "r11", "memory");
	return value;
}

static inline void zero_words(void *to, size_t n)
{
	size_t words = n >> 3;
	if (words)
		__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0L) : "memory");
	for (char *t = to, *end = t + (n & 7); t < end; t++)
		*t = 0;
}
#else
#define copy_words(to, from, n) __builtin_memmove(to, from, n)
static inline uint64_t copy_guarded(void *to, const void *from, size_t n)
{
	__builtin_memmove(to, from, n);
	return 0;
}
static inline void zero_words(void *to, size_t n)
{
	__builtin_memset(to, 0, n);
}
#endif

/* Copies within pages of files, pipes and processes.  fresh: the page written to is worth nothing before, and is made anew if the
 * disk has lost it.  False: it has lost what is needed, and the caller answers EIO. */
static inline bool page_move(void *to, const void *from, size_t n, bool fresh)
{
	uint64_t fault = copy_guarded(to, from, n);
	return fault == 0 || page_move_again(to, from, n, fault, fresh);
}

/* The process may be absent: then the address is the server's own. */
static inline void *window(struct proc *p, uint64_t at, size_t *n, bool write)
{
	return p ? user_window(p, at, n, write) : (void *)at;
}

static inline int inode_may(struct inode *i, struct proc *p, int mode)
{
	/* Root is asked only whether a file may be executed at all. */
	if (p->euid == 0 && !(mode & K_X_OK))
		return 0;
	return inode_access_as(i, p->euid, p->egid, mode);
}
#endif
