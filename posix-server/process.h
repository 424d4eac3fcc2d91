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
bool server_init(void);
void server_run(void);                 /* serves until sandbox_over */
void call_done(struct proc *, long result);
void missing_report(char *to, size_t size);
void dispatch_init(void);

/* wait.c */
void attention(struct proc *, unsigned bits);
struct proc *attention_take(void);
bool attention_waiting(void);
void waits_clear(struct proc *);
void timers_run(void);
void timer_arm(void);
void clock_init(void);
uint64_t wall_offset_ns(void);

/* proc.c */
extern struct proc *main_proc;         /* the command of the sandbox */
struct proc *proc_new(void);           /* with a kernel process; NULL: no room */
void proc_free(struct proc *);         /* a zombie that nobody waits for any more */
void proc_space_set(struct proc *);    /* the kernel process gets the memory of p->mm */
void proc_exit(struct proc *, int wait_status);
void proc_shim_update(struct proc *);
void proc_kill_all(void);
void vfork_release(struct proc *);
void rlimits_init(struct proc *);
unsigned proc_count(void);
bool group_orphaned(int pgid);
void child_changed(struct proc *child, int code, int status);

/* exec.c: runs the file of a path in p, whose memory is replaced.  0, or -errno and p is as before. */
struct exec_args { char *bytes; size_t length, size; unsigned argc, envc; }; /* NUL-ended strings: argv, then envp */
int exec_arg_add(struct exec_args *, const char *text);
long exec_run(struct proc *, const char *path, struct inode *file, struct exec_args *args);

/* signal.c, sigframe.c */
enum signal_next { SIGNAL_NONE, SIGNAL_HANDLER, SIGNAL_STOP, SIGNAL_FATAL };
enum signal_next signal_next(struct proc *, int *sig);
void signal_attend(struct proc *);
bool signal_after_call(struct proc *, long result);
void signal_force(struct proc *, int sig, int code, uint64_t address, struct context *);
void signal_exec_reset(struct proc *);
void signal_stop(struct proc *, int sig);
void signal_continue(struct proc *);
void signal_mask_set(struct proc *, uint64_t mask);
long frame_push(struct proc *, struct context *, int sig);
long frame_pop(struct proc *, struct context *, uint64_t rsp);
void shim_leave(struct proc *, struct reg_image *);

/* context.c */
void context_get(struct proc *, struct context *, bool stop);
void context_put(struct proc *, struct context *, bool run);
void regs_get(struct proc *, struct reg_image *);
void regs_set(struct proc *, const struct reg_image *);

/* faults from the kernel (trap.c) */
void trap_handle(struct proc *, const uint64_t *w, bool *retry);

/* futex.c */
void futex_forget(struct proc *);
void futex_clear_tid(struct proc *);

/* tty.c */
void tty_notice(uint64_t bits);
void tty_session_exit(struct proc *);
void tty_standard_files(struct proc *);
bool tty_is_terminal(void);

extern struct proc *proc_table[];      /* by index */
extern const struct syscall id_syscalls[], misc_syscalls[], wait_syscalls[], futex_syscalls[], exec_syscalls[];
void shim_clock_set(const struct shim_clock *);
void shim_pass_clocks(void);           /* looks at the clock go to the server, which may refuse or blur them */
void shim_count_clocks(void);          /* from now on the shim passes calls about identity on, and counts looks at the clock */
#endif
