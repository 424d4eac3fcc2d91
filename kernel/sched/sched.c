/*
 * sched.c - ready queues, stall queues, sleepers, alarms, slices.
 *
 * Invariants
 *   1. A process is in at most one queue; p->queue says which kind.
 *   2. Bit i of cpu.ready_mask is set if and only if ready queue i is not empty.
 *   3. A process in a stall queue is running in the sense of its state; its registers are at
 *      the instruction that it will execute again.
 *   4. cpu.current is never in the ready queue while it executes.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "mem/space.h"
#include "panic.h"
#include "object/persist.h"
#include "sched/sched.h"

struct cpu cpu;

static struct process *ready_head[PRIORITIES], *ready_tail[PRIORITIES];
static struct process *sleep_head;
static struct process *commit_head, *commit_tail;      /* wait for a generation to be committed */

#define ALARMS 64
#define DISK_POLL_NS 1000000ull        /* while a driver keeps the disk's line masked, or the store has work that must take turns */
#define DISK_LOST_NS 20000000ull       /* an interrupt that did not come is missed so long and no longer */
static struct alarm {
	struct cap notice;
	uint64_t when_ns;              /* ~0: free */
} alarms[ALARMS];
static uint64_t alarm_first_ns = ~0ull;
static unsigned alarm_top;             /* entries below this have been used */

/* ---- queues ------------------------------------------------------------------------------ */

static void queue_insert(struct process **head, struct process **tail, struct process *p, bool front)
{
	if (!*head) {
		p->next = p->prev = NULL;
		*head = *tail = p;
	} else if (front) {
		p->prev = NULL;
		p->next = *head;
		(*head)->prev = p;
		*head = p;
	} else {
		p->next = NULL;
		p->prev = *tail;
		(*tail)->next = p;
		*tail = p;
	}
}

static void queue_unlink(struct process **head, struct process **tail, struct process *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		*head = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else if (tail)
		*tail = p->prev;
	p->next = p->prev = NULL;
}

static void ready_insert(struct process *p, bool front)
{
	KCHECK(105, p->queue == QUEUE_NONE, "a process is in one queue");
	p->queue = QUEUE_READY;
	queue_insert(&ready_head[p->priority], &ready_tail[p->priority], p, front);
	cpu.ready_mask |= 1u << p->priority;
}

void sched_ready(struct process *p)
{
	ready_insert(p, false);
}

void sched_ready_first(struct process *p)
{
	ready_insert(p, true);
}

void sched_remove(struct process *p)
{
	switch (p->queue) {
	case QUEUE_READY:
		queue_unlink(&ready_head[p->priority], &ready_tail[p->priority], p);
		if (!ready_head[p->priority])
			cpu.ready_mask &= ~(1u << p->priority);
		break;
	case QUEUE_STALL:
		queue_unlink(&p->queue_owner->stall_head, &p->queue_owner->stall_tail, p);
		break;
	case QUEUE_SLEEP:
		queue_unlink(&sleep_head, NULL, p);
		break;
	case QUEUE_COMMIT:
		queue_unlink(&commit_head, &commit_tail, p);
		p->journal_ticket = 0;         /* stopped: it waits for nothing any more */
		break;
	}
	p->queue = QUEUE_NONE;
}

void sched_stall(struct process *p, struct process *on)
{
	KCHECK(106, p->queue == QUEUE_NONE, "only a process that executes can stall");
	p->queue = QUEUE_STALL;
	p->queue_owner = on;
	queue_insert(&on->stall_head, &on->stall_tail, p, p->flags & PROCESS_RESTART);
	p->flags &= ~PROCESS_RESTART;
	kernel_stats.stalls++;
}

void sched_wake_stalled(struct process *on)
{
	struct process *p = on->stall_head;

	if (!p)
		return;
	sched_remove(p);
	p->flags |= PROCESS_RESTART;
	sched_ready_first(p);
}

void sched_wake_all_stalled(struct process *on)
{
	while (on->stall_head) {
		struct process *p = on->stall_head;

		sched_remove(p);
		p->flags |= PROCESS_RESTART;
		sched_ready(p);
	}
}

void sched_pass_turn(struct process *p)
{
	struct process *on = p->queue_owner;

	if (!(p->flags & PROCESS_RESTART))
		return;
	p->flags &= ~PROCESS_RESTART;
	p->queue_owner = NULL;
	if (on && frames[((uint64_t)on - arch_physical_base) >> PAGE_SHIFT].kind == FRAME_PROCESS &&
	    on->state == PROC_AVAILABLE)
		sched_wake_stalled(on);
}

/* Whether the queue from head to tail is linked both ways and all in it say so; tail may be NULL. */
static bool queue_sound(struct process *head, struct process *const *tail, unsigned kind,
			const struct process *owner)
{
	struct process *before = NULL;
	uint64_t length = 0;

	for (struct process *p = head; p; before = p, p = p->next)
		if (p->prev != before || p->queue != kind || (owner && p->queue_owner != owner) ||
		    length++ > frame_count)
			return false;
	return !tail || !head || *tail == before;
}

int sched_queues_check(void)
{
	for (unsigned i = 0; i < PRIORITIES; i++) {
		if (!queue_sound(ready_head[i], &ready_tail[i], QUEUE_READY, NULL))
			return 108;
		if (!(cpu.ready_mask >> i & 1) != !ready_head[i])
			return 109;
	}
	if (!queue_sound(sleep_head, NULL, QUEUE_SLEEP, NULL) ||
	    !queue_sound(commit_head, &commit_tail, QUEUE_COMMIT, NULL))
		return 108;
	return 0;
}

bool sched_stall_queue_sound(struct process *p)
{
	return queue_sound(p->stall_head, &p->stall_tail, QUEUE_STALL, p);
}

int sched_check(void)
{
	for (uint64_t pfn = 0; pfn < frame_count; pfn++)
		if (frames[pfn].kind == FRAME_PROCESS && !sched_stall_queue_sound(frame_data(&frames[pfn])))
			return 108;
	return sched_queues_check();
}

/* ---- time -------------------------------------------------------------------------------- */

/* The timer is set for the next sleeper or alarm, or the end of the slice if somebody runs. */
static void timer_arm(uint64_t now_ns, bool running)
{
	uint64_t when_ns = alarm_first_ns < persist_due_ns ? alarm_first_ns : persist_due_ns;

	if (persist_busy()) {
		bool often = arch_disk_masked() || (running && persist_paced());
		uint64_t poll_ns = now_ns + (often ? DISK_POLL_NS : DISK_LOST_NS);

		when_ns = poll_ns < when_ns ? poll_ns : when_ns;
	}
	if (sleep_head && sleep_head->wake_ns < when_ns)
		when_ns = sleep_head->wake_ns;
	if (running && now_ns + SLICE_NS < when_ns)
		when_ns = now_ns + SLICE_NS;
	cpu.timer_ns = when_ns;
	arch_timer_set(when_ns);
}

void timer_disk_masked(void)
{
	if (persist_busy())
		timer_need(arch_now_ns() + DISK_POLL_NS);
}

void timer_need(uint64_t when_ns)
{
	if (when_ns < cpu.timer_ns) {
		cpu.timer_ns = when_ns;
		arch_timer_set(when_ns);
	}
}

void sched_sleep(struct process *p, uint64_t until_ns)
{
	struct process **link = &sleep_head, *before = NULL;

	KCHECK(107, p->queue == QUEUE_NONE, "a sleeper is in no other queue");
	while (*link && (*link)->wake_ns <= until_ns) {
		before = *link;
		link = &before->next;
	}
	p->wake_ns = until_ns;
	p->queue = QUEUE_SLEEP;
	p->prev = before;
	p->next = *link;
	if (*link)
		(*link)->prev = p;
	*link = p;
	timer_need(until_ns);
}

/* They make their invocation again. */
void sched_commit_wait(struct process *p)
{
	KCHECK(107, p->queue == QUEUE_NONE, "a waiter is in no other queue");
	p->queue = QUEUE_COMMIT;
	queue_insert(&commit_head, &commit_tail, p, false);
}

void sched_commit_wake(void)
{
	while (commit_head) {
		struct process *p = commit_head;

		queue_unlink(&commit_head, &commit_tail, p);
		p->queue = QUEUE_NONE;
		sched_ready(p);
	}
}

static void alarms_recount(void)
{
	alarm_first_ns = ~0ull;
	for (unsigned i = 0; i < alarm_top; i++)
		if (alarms[i].when_ns < alarm_first_ns)
			alarm_first_ns = alarms[i].when_ns;
}

/* The entry of p if it has one, else a free one (or one whose process is gone); NULL if the table is full. */
static struct alarm *alarm_of(struct process *p)
{
	struct alarm *spare = NULL;

	for (unsigned i = 0; i < alarm_top; i++) {
		struct process *owner = alarms[i].when_ns == ~0ull ? NULL : cap_process(&alarms[i].notice);

		if (owner == p)
			return &alarms[i];
		if (!owner)
			spare = &alarms[i];
	}
	if (!spare && alarm_top < ALARMS)
		spare = &alarms[alarm_top++];
	return spare;
}

bool sched_alarm(struct process *p, uint32_t bits, uint64_t when_ns)
{
	struct alarm *a = alarm_of(p);

	if (!a)
		return when_ns == 0;
	frame_dirty(process_frame(p));
	p->alarm_bits = bits;
	p->alarm_ns = when_ns;
	a->notice = process_cap(p, CAP_NOTICE, bits);
	a->when_ns = when_ns ? when_ns : ~0ull;
	alarms_recount();
	timer_need(alarm_first_ns);
	return true;
}

static void alarms_fire(uint64_t now_ns)
{
	if (alarm_first_ns > now_ns)
		return;
	for (unsigned i = 0; i < alarm_top; i++) {
		struct process *p = cap_process(&alarms[i].notice);

		if (alarms[i].when_ns > now_ns)
			continue;
		alarms[i].when_ns = ~0ull;     /* an entry without an owner is free */
		if (p) {
			frame_dirty(process_frame(p));
			p->alarm_ns = 0;
			notice_deliver(p, alarms[i].notice.data);
		}
	}
	alarms_recount();
}

void sched_schedule_changed(void)
{
	struct process *next;

	if (!cpu.dry)
		return;
	cpu.dry = false;
	for (struct process *p = sleep_head; p; p = next) {
		next = p->next;
		if (p->wake_ns == ~0ull) {
			sched_remove(p);
			sched_ready(p);
		}
	}
}

static void sleepers_wake(uint64_t now_ns)
{
	while (sleep_head && sleep_head->wake_ns <= now_ns) {
		struct process *p = sleep_head;

		sched_remove(p);
		sched_ready(p);
	}
}

static bool is_executing(const struct process *p)
{
	return p && p->state == PROC_RUNNING && p->queue == QUEUE_NONE;
}

/* Slices are charged to whoever executes when they end: a sample, exact in the long run. */
void sched_timer(void)
{
	uint64_t now_ns = arch_now_ns();
	struct process *p = cpu.current;
	bool running = is_executing(p);

	alarms_fire(now_ns);
	sleepers_wake(now_ns);
	if (running) {
		struct node *exhausted = NULL;

		sched_pass_turn(p);

		if (p->slots[PSLOT_SCHEDULE].ref)
			exhausted = schedule_charge(p, now_ns - cpu.charge_from_ns);
		cpu.charge_from_ns = now_ns;
		space_of(p);                   /* tells that its space is in use: the fast path does not */
		if (now_ns >= p->slice_end_ns || exhausted) {
			p->slice_end_ns = now_ns + SLICE_NS;
			sched_ready(p);
		}
	}
	timer_arm(now_ns, running || cpu.ready_mask);
}

/* ---- choosing ---------------------------------------------------------------------------- */

static struct process *ready_take(void)
{
	unsigned i = 31 - __builtin_clz(cpu.ready_mask);
	struct process *p = ready_head[i];

	queue_unlink(&ready_head[i], &ready_tail[i], p);
	if (!ready_head[i])
		cpu.ready_mask &= ~(1u << i);
	p->queue = QUEUE_NONE;
	return p;
}

/* Its schedule has run out: the schedule's keeper is told, or it sleeps until more comes, or somebody changes the node. */
static void schedule_ran_out(struct process *p, struct node *n)
{
	struct fault_message m = { .order = OC_FAULT_PROCESS, .w = { FAULT_SCHEDULE_EMPTY, 0, 0, p->regs.rip } };
	uint64_t refill_ns = schedule_refill_ns(n);

	sched_pass_turn(p);
	if (keeper_process(&n->slot[2])) {
		m.subject = node_cap(n, CAP_NODE, 0);
		fault_to_keeper(p, &n->slot[2], &m);
	} else {
		cpu.dry |= refill_ns == ~0ull;
		sched_sleep(p, refill_ns);
	}
}

/* Whether it may run now by its schedule; if not, it has been put where it belongs. */
static bool schedule_admits(struct process *p)
{
	struct node *n;

	if (p->slots[PSLOT_SCHEDULE].type == CAP_SCHEDULE && !p->slots[PSLOT_SCHEDULE].ref)
		return true;
	if (!schedule_refresh(p)) {
		sched_pass_turn(p);
		fault_raise_process(p, FAULT_NO_SCHEDULE, 0);
		return false;
	}
	if (schedule_exhausted(p, &n)) {
		schedule_ran_out(p, n);
		return false;
	}
	return true;
}

void sched_next(void)
{
	for (;;) {
		while (cpu.ready_mask) {
			struct process *p = ready_take();

			if (schedule_admits(p))
				sched_switch(p);
		}
		cpu.idle = true;
		cpu.idle_from_ns = arch_now_ns();
		timer_arm(cpu.idle_from_ns, false);
		while (!cpu.ready_mask) {
			if (persist_step())
				continue;
			if (!cpu.ready_mask)   /* a commit wakes who waited for it */
				arch_idle();
		}
	}
}

void sched_switch(struct process *p)
{
	uint64_t now_ns;

	frame_dirty(process_frame(p));
	if (cpu.timer_ns == ~0ull || cpu.idle) {
		now_ns = arch_now_ns();
		cpu.idle_ns += cpu.idle ? now_ns - cpu.idle_from_ns : 0;
		cpu.idle = false;
		cpu.charge_from_ns = now_ns;
		p->slice_end_ns = now_ns + SLICE_NS;
		timer_arm(now_ns, true);
	}
	arch_set_current(p);
	arch_enter(p);
}

void sched_continue(void)
{
	struct process *p = cpu.current;

	if (!p || !is_executing(p))
		sched_next();
	if (cpu.ready_mask >> p->priority >> 1) {
		sched_ready_first(p);
		sched_next();
	}
	if (spaces[p->space].generation != p->space_generation || !cpu.loaded)
		arch_set_current(p);
	arch_enter(p);
}
