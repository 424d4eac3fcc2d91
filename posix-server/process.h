/*
 * process.h - what the process side knows of a process beyond posix.h, and how its parts call
 * each other.
 *
 * States (struct proc.state)
 *   RUNNING  in the kernel's hands, or its call or fault is the one being served now
 *   PARKED   waiting in a CALL for us; its call is run again when something happens
 *   STOPPED  by a signal; inner.stopped_from tells what it was doing
 *   ZOMBIE   has no memory and no files any more; waits to be waited for
 *
 * Attention.  Nothing acts on another process in the middle of a call: waking it, or sending it
 * a signal, puts it on one queue (attention), and the event loop sees to it between messages.
 */
#ifndef PROCESS_H
#define PROCESS_H
#include "posix.h"
#include "server.h"
#include "mm.h"
#include "shim/shim.h"

#define O_PATH_K 010000000u
#define SIGNALS 65
#define SIG_BIT(sig) (1ull << ((sig) - 1))
#define PROCS_MAX 1000u

/* How a call that a signal interrupts goes on (never seen by programs). */
#define ERESTARTSYS 512            /* again if the handler has SA_RESTART */
#define ERESTARTNOHAND 514         /* EINTR if there is a handler */

struct timer { uint64_t when; struct timer *next, **prev; struct proc *proc; void (*fire)(struct proc *); };
/* fire is called once, at a monotonic time in ns; setting it again moves it. */
void timer_set(struct timer *, uint64_t when);
void timer_cancel(struct timer *);

struct signal_info { int32_t code, pid, status; uint32_t uid; uint64_t address; };

/* What it computes with, as the kernel passes it: the FPU image is there if it has used the FPU. */
#define FPU_IMAGE_MAX 1088u
struct context {
	struct reg_image regs;
	uint8_t fpu[FPU_IMAGE_MAX];
	size_t fpu_length;
};
#define CONTEXT_BYTES offsetof(struct context, fpu_length)

enum attention { ATTENTION_WAKE = 1, ATTENTION_SIGNAL = 2 };

struct proc_inner {
	struct proc *hash_next, *all_next, **all_prev;
	struct timer deadline, alarm;

	/* Attention queue. */
	struct proc *queue_next;
	uint8_t attention;
	bool queued, free_later;

	enum proc_state stopped_from;  /* RUNNING or PARKED */
	bool held;                     /* stopped with its call done: held_result is its answer */
	long held_result;

	struct signal_info info[SIGNALS];
	int parent_death_signal;
	bool has_execed;

	/* vfork: what the child may spoil of the shared data page. */
	struct shim_data vfork_shim;
	bool vfork_waits;

	/* futex */
	struct proc *futex_next, **futex_prev;
	uint64_t futex_key; uint32_t futex_bits;
	bool futex_woken;

	uint64_t children_cpu_ns;
	uint64_t start_ns;
};

/* main.c */
extern struct proc *fresh;             /* whose message is being served, until its answer is decided */
extern bool turn_given_up;             /* the caller wants the others to run before it */
extern bool sandbox_over;
extern int sandbox_status;
bool server_init(void);                /* what it needs before it can take anything; false: the bank has not enough */
void server_run(void);                 /* serves until sandbox_over */
void call_done(struct proc *, long result);    /* its call has that result: its signals first, then the answer */
void missing_report(char *to, size_t size);    /* a line for each call that was asked for and is not there */
void dispatch_init(void);              /* makes one table of all parts' calls */

/* wait.c */
void attention(struct proc *, unsigned bits);  /* ATTENTION_*: puts it on the queue */
struct proc *attention_take(void);     /* the first of the queue; NULL: it is empty */
bool attention_waiting(void);
void waits_clear(struct proc *);       /* its call waits for nothing any more */
void timers_run(void);                 /* fires what is due */
void timer_arm(void);                  /* before waiting: a notice when the next is */
void clock_init(void);                 /* at the start, and when the system goes on after a loss of power */
uint64_t wall_offset_ns(void);         /* what to add to now_ns for the time since 1970 */

/* proc.c */
extern struct proc *main_proc;         /* the command of the sandbox */
struct proc *proc_new(void);           /* with a kernel process; NULL: no room */
void proc_free(struct proc *);         /* a zombie that nobody waits for any more */
void proc_space_set(struct proc *);    /* the kernel process gets the memory of p->mm */
void proc_exit(struct proc *, int wait_status);        /* it becomes a zombie, and whoever is to know is told */
void procs_recover(void);              /* after a loss of power: those end that the disk cannot give back */
void proc_shim_update(struct proc *);  /* its ids have changed: programs read them from the shim's page */
void proc_kill_all(void);              /* at the end of the sandbox: nobody runs on while the caller tidies up */
void vfork_release(struct proc *);     /* it runs another program, or ended: its parent goes on, its data page as it was */
void rlimits_init(struct proc *);      /* those of the first process */
unsigned proc_count(void);             /* zombies are not counted */
bool group_orphaned(int pgid);         /* nobody outside it could continue it: POSIX's orphaned process group */
void child_changed(struct proc *child, int code, int status);  /* CLD_*, with its exit code or signal: the parent is told */

/* exec.c: runs the file of a path in p, whose memory is replaced.  0, or -errno and p is as before. */
struct exec_args { char *bytes; size_t length, size; unsigned argc, envc; }; /* NUL-ended strings: argv, then envp */
/* 0, -E2BIG or -ENOMEM; argc or envc are the caller's to count */
int exec_arg_add(struct exec_args *, const char *text);
long exec_run(struct proc *, const char *path, struct inode *file, struct exec_args *args);

/* signal.c, sigframe.c */
enum signal_next { SIGNAL_NONE, SIGNAL_HANDLER, SIGNAL_STOP, SIGNAL_FATAL };
/* drops what is ignored; *sig is what comes next, and stays pending */
enum signal_next signal_next(struct proc *, int *sig);
void signal_attend(struct proc *);     /* the same, and does it: for one whose message is not being served */
bool signal_after_call(struct proc *, long result);            /* its call is done: true if a signal takes over, and answers */
/* A fault of its own: the signal cannot be blocked or ignored.  The context is what it was doing. */
void signal_force(struct proc *, int sig, int code, uint64_t address, struct context *);
void signal_exec_reset(struct proc *); /* handlers do not outlive an exec; what is ignored stays so */
void signal_stop(struct proc *, int sig);
void signal_continue(struct proc *);   /* one that is stopped */
void signal_mask_set(struct proc *, uint64_t mask);            /* without SIGKILL and SIGSTOP */
/* The context becomes that with which the handler of sig starts; and again what a handler's frame, which rsp is just above,
 * says (but for the fs base).  0 or -EFAULT. */
long frame_push(struct proc *, struct context *, int sig);
long frame_pop(struct proc *, struct context *, uint64_t rsp);
/* stopped inside the shim: brings it out, by the rules of shim.h */
void shim_leave(struct proc *, struct reg_image *);

/* context.c */
/* All that it computes with; stop: it is made waiting first.  And back, bad addresses becoming a fault of its own; run: it
 * goes on with them. */
void context_get(struct proc *, struct context *, bool stop);
void context_put(struct proc *, struct context *, bool run);
void regs_get(struct proc *, struct reg_image *);              /* the same of the registers alone */
void regs_set(struct proc *, const struct reg_image *);

/* faults from the kernel (trap.c) */
/* w: fault code, address or information, error code, rip.  *retry: it may go on where it is. */
void trap_handle(struct proc *, const uint64_t *w, bool *retry);

/* futex.c */
void futex_forget(struct proc *);      /* it waits for no word any more */
void futex_clear_tid(struct proc *);   /* it dies: the word that says it lives is cleared, and who waits for that woken */

/* tty.c */
void tty_notice(uint64_t bits);        /* NOTICE_STREAM0 << stream: something happened there */
void tty_session_exit(struct proc *);  /* a session's leader is gone: its foreground group is told, the terminal is free */
void tty_standard_files(struct proc *);        /* descriptors 0, 1 and 2 of the sandbox's command */
bool tty_is_terminal(void);            /* the sandbox has one */

extern struct proc *proc_table[];      /* by index */
extern const struct syscall id_syscalls[], misc_syscalls[], wait_syscalls[], futex_syscalls[], exec_syscalls[];
void shim_clock_set(const struct shim_clock *);        /* for programs to read */
void shim_pass_clocks(void);           /* looks at the clock go to the server, which may refuse or blur them */
void shim_count_clocks(void);          /* from now on the shim passes calls about identity on, and counts looks at the clock */
#endif
