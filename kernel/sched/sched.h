/*
 * sched.h - who runs.
 *
 * Sixteen priorities, one ready queue each; within one, round robin by slices.  A process
 * runs by the authority of its schedule capability, which may be the super-schedule
 * (a priority and nothing else) or a node with a counter that is charged (schedule.c).
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H
#include "object/object.h"

#define PRIORITIES 16
#define SLICE_NS 5000000ull

struct space;

/* Everything a processor has of its own. entry.S knows the first four fields. */
struct cpu {
	struct process *current;       /* whose registers the next trap saves into; never NULL after boot */
	uint64_t frame_top;            /* end of current->regs */
	uint64_t user_rsp;             /* scratch of the syscall entry */
	uint64_t kernel_stack;
	struct space *loaded;          /* whose tables the processor uses; NULL = the kernel's own */
	struct process *bases_owner;   /* whose FS and GS bases the processor holds */
	struct process *fpu_owner;     /* whose FPU state the registers hold */
	uint32_t ready_mask;           /* bit i: ready queue i is not empty */
	uint32_t reserved;
	uint64_t timer_ns;             /* when the timer will fire; ~0 = not set */
	uint64_t charge_from_ns;
	bool dry;                      /* somebody sleeps for a schedule that only its owner can fill */
	bool idle;                     /* waits for an interrupt, or did until now; since when: */
	uint64_t idle_from_ns;
	uint64_t idle_ns;              /* before that, in this life */
};
extern struct cpu cpu;

void sched_ready(struct process *p);           /* to the end of its queue */
void sched_ready_first(struct process *p);     /* to its front */
void sched_remove(struct process *p);          /* from whatever queue it is in */
void sched_stall(struct process *p, struct process *on);       /* p, in no queue, waits for `on` to be available */
void sched_wake_stalled(struct process *on);   /* the first of its queue, to the front of the ready queue */
void sched_wake_all_stalled(struct process *on);
void sched_sleep(struct process *p, uint64_t until_ns);        /* p, in no queue; ~0: until sched_schedule_changed */
/* A schedule's node was changed: who sleeps for one that nothing refills looks again. */
void sched_schedule_changed(void);
void timer_need(uint64_t when_ns);             /* an interrupt no later than that */
void timer_disk_masked(void);                  /* the disk does not interrupt from now on: it is looked at */
void sched_commit_wait(struct process *p);     /* p, in no queue, waits for the store's next commit */
void sched_commit_wake(void);                  /* it has come: they make their invocation again */
/* Posts those notice bits to p at that time; 0: never, the alarm is off.  False: too many processes have one. */
bool sched_alarm(struct process *p, uint32_t bits, uint64_t when_ns);
void sched_timer(void);                        /* the timer's interrupt */
/* p was woken to take its turn at a busy process and will not: the next one may. */
void sched_pass_turn(struct process *p);

/* Runs p now, unless somebody ready has a higher priority; never returns. */
__attribute__((noreturn)) void sched_switch(struct process *p);
/* Picks whoever is next; waits for an interrupt if nobody is. */
__attribute__((noreturn)) void sched_next(void);
/* Back to the current process, after a trap or a kernel object call. */
__attribute__((noreturn)) void sched_continue(void);

int sched_queues_check(void);                  /* those of C108 that cost what is ready or waits, and C109 */
bool sched_stall_queue_sound(struct process *p);       /* C108 of those who wait for p */
int sched_check(void);                         /* C108, C109; 0 if they hold */

/* schedule.c */
bool schedule_refresh(struct process *p);      /* p->priority from its schedule; false: it has none valid */
/* Charges the chain of p's schedule.  Returns the first exhausted node, or NULL. */
struct node *schedule_charge(struct process *p, uint64_t ns);
bool schedule_exhausted(struct process *p, struct node **which);       /* *which: the first exhausted node of p's chain */
uint64_t schedule_refill_ns(struct node *n);   /* when its counter is filled again by itself; ~0: only its owner fills it */
uint32_t schedule_trap(const struct process *p);   /* KeyKOS's trap code of one that has no schedule; 0: it has one */

__attribute__((noreturn)) void arch_enter(struct process *p);  /* to user mode */
void arch_idle(void);                          /* one interrupt, served */
#endif
