/*
 * posix.h - what the parts of the personality know of each other.
 *
 * One server process serves one sandbox.  It owns all memory of the sandbox: every page
 * has a number, is mapped in the server at page_addr(number), and is put into a process's
 * memory tree by number.  So user memory is read and written directly (fault.c), files are
 * page vectors (vfs/), and mapping a file or forking is linking pages.
 *
 * Invariants
 *   1. The server never blocks on anybody but the kernel, the bank and the prompt streams.
 *   2. A call that must wait returns BLOCKED after wait_on(); it is run again from its start,
 *      with the same arguments, when the queue is woken.  Anything done before blocking is
 *      recorded in proc.progress, or not done at all.
 *   3. Results are as Linux gives them: >= 0, or -errno.
 *   4. Whatever a process passes is an allegation: copied once, checked once, then used.
 */
#ifndef POSIX_H
#define POSIX_H
#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <errno.h>
#include <sys/types.h>
#include <sys/stat.h>

#define BLOCKED (-4096L)          /* not a Linux errno: park the caller, run the call again later */
#define NOREPLY (-4097L)          /* the call was answered otherwise (exec, exit, sigreturn, fault) */

/* ---- pages (page.c; hosted tests: a malloc stand-in) ----------------------------------------- */
typedef uint32_t pageno;          /* 0 = none; PAGE_PACK set: a read-only page of the boot pack */
#define PAGE_PACK 0x80000000u
pageno page_alloc(void);          /* zeroed, one reference; 0 when the bank is at its limit */
pageno page_alloc_raw(void);      /* the same, content undefined: the caller overwrites all of it */
void page_get(pageno p);          /* one more reference; pack pages are not counted */
void page_put(pageno p);          /* one less; the last one frees it */
uint32_t page_refs(pageno p);
void *page_addr(pageno p);        /* where the server sees it */
pageno page_number(const void *at); /* the counterpart; of the pool only */
bool page_move_again(void *to, const void *from, size_t n, uint64_t fault, bool fresh);   /* page_move's (vfs.h) */
uint64_t pages_used(void), pages_limit(void), pages_peak(void);
uint64_t pages_for_data(void);    /* how many more files may take: some are left to processes */
const void *pack_bytes(unsigned tree, uint64_t *length); /* tree image: 0 base, 1 overlay; NULL if none */
pageno pack_page(unsigned tree, uint64_t offset);        /* its page at a page-aligned offset */

/* ---- waiting (wait.c) ------------------------------------------------------------------------ */
struct proc;
struct waiter { struct waiter *next, **prev; struct proc *proc; struct waitq *queue; };
struct waitq { struct waiter *head; };
/* The current call waits until the queue is woken (or a signal or the deadline comes).  A call may
 * wait on several queues (poll).  Returns BLOCKED, to be returned by the caller; -ENOMEM never. */
long wait_on(struct proc *p, struct waitq *q);
void wake_all(struct waitq *q);

/* ---- durability (sync.c) ---- */
long store_sync(struct proc *p);   /* 0, BLOCKED, or an error: all that p can see of its files is durable */
void sync_init(void);             /* a notice when the system goes on after a loss of power */
void sync_notice_taken(void);     /* a generation was committed, or that: who waits looks again */

/* Deadline for the current call, monotonic ns.  When it passes, the call runs again with p->timed_out set. */
void wait_until(struct proc *p, uint64_t when_ns);
uint64_t now_ns(void);            /* monotonic */
struct timespec64 { int64_t tv_sec, tv_nsec; };
struct timespec64 now_wall(void);

/* How much of the time programs may know.  What they are told goes through clock_told; deadlines do not. */
enum clock_grant { CLOCK_FULL, CLOCK_COARSE, CLOCK_NONE };
extern enum clock_grant clock_grant;
#define CLOCK_GRAIN_NS 10000000ull    /* coarse */
static inline uint64_t clock_told(uint64_t ns)
{
	return clock_grant == CLOCK_FULL ? ns : clock_grant == CLOCK_COARSE ? ns - ns % CLOCK_GRAIN_NS : 0;
}
extern uint64_t vfs_tmp_pages;    /* limit of /tmp; 0: it is part of the tree */
extern bool random_refused;

/* ---- user memory (fault.c) -------------------------------------------------------------------- */
/* 0 or -EFAULT.  Pages are brought in as a fault would.  A short copy changes what it reached. */
int user_read(struct proc *p, void *to, uint64_t from, size_t n);
int user_write(struct proc *p, uint64_t to, const void *from, size_t n);
/* A NUL-terminated string: its length, or -EFAULT, or -ENAMETOOLONG if it does not end within size. */
long user_string(struct proc *p, char *to, uint64_t from, size_t size);
/* The server's own address of user memory, up to the end of that page: *n is cut to what is contiguous.
 * NULL = EFAULT.  Valid until the next call into mem.c. */
void *user_window(struct proc *p, uint64_t at, size_t *n, bool write);

/* ---- files (vfs/) ----------------------------------------------------------------------------- */
struct inode;
struct file;
struct file_ops {
	const char *name;
	/* Offset: NULL for a stream.  Data goes straight to or from user memory of p (user_window).
	 * Return bytes, -errno or BLOCKED (only when !nonblock; else -EAGAIN). */
	long (*read)(struct file *, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock);
	long (*write)(struct file *, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock);
	/* Bits of POLLIN, POLLOUT, POLLHUP, POLLERR that hold now; the queue to wait on goes to *q (may be NULL). */
	unsigned (*poll)(struct file *, struct waitq **q);
	long (*ioctl)(struct file *, struct proc *p, unsigned long request, uint64_t arg);
	void (*release)(struct file *);
	bool seekable;                 /* has an offset: lseek, pread and pwrite work; else ESPIPE */
};
struct file {                      /* an open file description */
	const struct file_ops *ops;
	struct inode *inode;           /* may be NULL (pipes have one for fstat) */
	uint32_t refs;
	uint32_t flags;                /* O_ACCMODE, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_PATH as opened */
	int64_t offset;
	void *data;                    /* the ops' own */
};
struct fd { struct file *file; bool cloexec; };
#define FD_MAX 1024
/* limit is RLIMIT_NOFILE (setrlimit keeps it, never above FD_MAX); no slot below lowest_free is free. */
struct fdtable { uint32_t refs; uint32_t limit; struct fd *fd; uint32_t size; uint32_t lowest_free; };
struct fsctx { uint32_t refs; struct inode *cwd, *root; uint32_t umask; };

/* Tables of descriptors and of directories, counted; _put takes one reference away, _cloexec closes what exec closes. */
struct fdtable *fdtable_new(void), *fdtable_copy(struct fdtable *);
void fdtable_put(struct fdtable *), fdtable_cloexec(struct fdtable *);
struct fsctx *fsctx_new(struct inode *root), *fsctx_copy(struct fsctx *);
void fsctx_put(struct fsctx *);
int fd_install(struct proc *p, struct file *f, int lowest, bool cloexec);  /* fd or -EMFILE; takes the reference */
bool fd_room(struct proc *p);                                              /* or EMFILE */
struct file *fd_get(struct proc *p, int fd);                               /* borrowed; NULL = EBADF */
/* One reference; the file takes its own reference to the inode.  NULL = no memory. */
struct file *file_new(const struct file_ops *ops, struct inode *inode, uint32_t flags, void *data);
void file_put(struct file *);

/* Builds the tree: base image, then overlay over it, then /dev, /proc, /tmp.  0, or -errno with *why set. */
int vfs_init(const char **why);
extern bool vfs_bare;              /* set before: nothing is there that no image has, but /proc */
extern bool vfs_without_proc;      /* with vfs_bare: nor that */
struct inode *vfs_root(void);
/* Resolves a path from cwd or dirfd to an inode (one more reference) or -errno. */
int vfs_resolve(struct proc *p, int dirfd, const char *path, bool follow, struct inode **out);
void inode_get(struct inode *), inode_put(struct inode *);
/* For exec and mmap: file size, mode, and the page that holds offset (page-aligned) of a regular file.
 * inode_page gives one more reference; 0 with *err = 0 is a hole (all zero) or past the end. */
uint64_t inode_size(const struct inode *);
uint32_t inode_mode(const struct inode *);
uint64_t inode_number(const struct inode *);
pageno inode_page(struct inode *, uint64_t offset, int *err);
/* The same for a shared writable mapping: the page is made the file's own (never a pack page, never a hole);
 * 0 with *err = ENOSPC, or 0 with *err = 0 past the end. */
pageno inode_page_write(struct inode *, uint64_t offset, int *err);
/* What another serves: its pages are loaded before they are asked for.  0, -errno or BLOCKED. */
bool inode_is_share(const struct inode *);
int inode_load(struct proc *p, struct inode *, uint64_t offset, uint64_t length);
void inode_mapped(struct inode *, int by);                                 /* one mapping more, or less */
long inode_pread(struct inode *, void *to, size_t n, uint64_t offset);     /* bytes; for ELF headers and #! */
int inode_access(struct inode *, struct proc *p, int mode);                /* R_OK W_OK X_OK: 0 or -EACCES */
int inode_path(struct inode *, char *to, size_t size);                      /* absolute path, length or -errno */
/* A device node's driver: major/minor to ops.  tty.c and dev.c register; the vfs opens. */
typedef long (*dev_open_fn)(struct proc *p, struct inode *, uint32_t flags, struct file **out);
void dev_register(uint32_t major, uint32_t minor, dev_open_fn open);
/* An inode without a name that looks like a pipe, for a stream from outside; opening it again (/dev/stdin)
 * is opening the device of that number.  One reference; NULL = no memory. */
struct inode *inode_stream(uint32_t major, uint32_t minor);
uint32_t inode_minor(const struct inode *);                                 /* of a device or such a stream */

/* ---- processes (proc.c) ------------------------------------------------------------------------ */
struct sigaction_k { uint64_t handler, flags, restorer, mask; };           /* as rt_sigaction passes it */
struct sighand { uint32_t refs; struct sigaction_k action[65]; };
struct mm;                         /* address space: mem.c */
enum proc_state { PROC_FREE, PROC_RUNNING, PROC_PARKED, PROC_STOPPED, PROC_ZOMBIE };

struct proc {
	uint16_t index;                /* in the table; the data of its start capability to us */
	enum proc_state state;
	int pid, tid, ppid, pgid, sid;
	struct proc *parent, *children, *sibling;
	uint32_t uid, euid, suid, gid, egid, sgid;

	/* Shared by threads. */
	struct mm *mm;
	struct fdtable *fds;
	struct fsctx *fs;
	struct sighand *sighand;

	/* The call being served, valid while it is in the server; args[0..5] as passed. */
	uint32_t nr;
	uint64_t args[6];
	uint64_t progress;             /* what an interrupted or blocked call has done already */
	uint64_t progress2;
	bool timed_out;                /* the deadline of wait_until has passed */
	bool interrupted;              /* a signal is to be delivered: return -EINTR (or what progress says) */
	uint64_t deadline_ns;          /* 0 = none */
	struct waiter waits[64];       /* the queues it waits on */
	unsigned wait_count;
	struct proc *timer_next;

	/* Signals. */
	uint64_t sig_pending, sig_mask, sig_saved_mask;
	bool restore_mask;             /* after sigsuspend/ppoll: sig_saved_mask comes back */
	uint64_t altstack_sp, altstack_size; uint32_t altstack_flags;
	int exit_status;               /* wait status */
	int stop_signal; bool stop_reported, continued;
	long sync_result;              /* of a write that waits to be durable (write_through) */
	struct waitq child_wait;       /* waitpid */
	struct proc *vfork_parent;     /* to wake at exec or exit */
	struct waitq vfork_wait;
	uint64_t clear_tid, set_tid;
	uint64_t alarm_ns, alarm_interval_ns;

	uint64_t cpu_start_ns, cpu_used_ns;
	uint64_t rlimit[16][2];
	char comm[16];
	char *cmdline; size_t cmdline_length;                                    /* for /proc; malloc'ed */
	struct inode *exe;
	uint16_t program;              /* what it runs, as record.c numbers it; 0: nothing yet */
	bool misses;                   /* it made a call that is not there */
	char *walked[2];               /* names that a recorded call looked for before it had to wait */
	bool walked_absent, walked_absolute[2];

	/* What it waits for elsewhere (job.h): call_seq says which answers are of this call's time or later. */
	struct job *job;
	uint64_t call_seq;
	struct file *opened;           /* by a job, for the call that runs again */
	bool job_short;                /* a job did less than it was asked for: no further */
	bool job_synced;               /* what was written with O_DSYNC is on the host's disk */
	struct inode *missing_in;      /* where a job found no name: a reference; which, and when */
	struct { char text[255]; uint8_t length; } missing;
	uint64_t missing_seq;
	uint64_t space[6], space_seq;  /* what statfs was told */

	struct proc_inner *inner;      /* what the process side alone knows: process.h */
};

/* NULL: there is none. */
struct proc *proc_find(int pid);
/* Iteration for /proc and kill: the next live process after p (NULL starts). */
struct proc *proc_next(struct proc *p);
int signal_send(struct proc *to, int sig, int code, int from_pid);
int signal_group(int pgid, int sig);                                        /* number of processes reached */

/* ---- system calls ------------------------------------------------------------------------------ */
typedef long (*syscall_fn)(struct proc *p, uint64_t *a);
struct syscall { uint32_t nr; const char *name; syscall_fn fn; };
/* Each part exports one table, ended by {0, NULL, NULL}; main.c makes the dispatch array. */
extern const struct syscall file_syscalls[], proc_syscalls[], mem_syscalls[], signal_syscalls[], time_syscalls[];

/* ---- terminal (tty.c) --------------------------------------------------------------------------- */
int tty_init(void);                /* registers /dev/tty, /dev/console; opens fds 0..2 of init */
/* /proc text (procfs in vfs/ calls these) */
uint64_t uptime_ns(void);
/* Text of /proc/PID/maps: bytes written.  Sizes for stat and statm.  (vfs/ has weak ones that say nothing.) */
size_t mm_maps_text(struct proc *p, char *to, size_t size);
void mm_sizes(struct proc *p, uint64_t *virtual_bytes, uint64_t *resident_pages);
/* What uname and /proc/sys/kernel say. */
#define UNAME_SYSNAME  "Linux"
#define UNAME_NODENAME "keros"
#define UNAME_RELEASE  "6.1.0"
#define UNAME_VERSION  "#1 Keros"
#define UNAME_MACHINE  "x86_64"
void server_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
