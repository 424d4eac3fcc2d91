/*
 * wait.c - queues that calls wait on, the attention queue, time and timers.
 *
 * Invariants
 *   1. A process is on a wait queue only while it is parked or its call is being run.
 *   2. The attention queue holds a process once; it is taken off before it is seen to.
 *   3. Timers are a sorted list; the kernel's alarm is set for the first, or for something
 *      earlier, which then finds nothing due.
 */
#include "process.h"
#include <keros/timer.h>

/* ---- queues ------------------------------------------------------------------------------------ */

long wait_on(struct proc *p, struct waitq *q)
{
	struct waiter *w = &p->waits[p->wait_count];

	/* More than fit: look again soon.  Only a poll of many files comes here. */
	if (p->wait_count == sizeof p->waits / sizeof p->waits[0]) {
		if (!p->inner->deadline.prev)
			timer_set(&p->inner->deadline, now_ns() + 10000000);
		return BLOCKED;
	}
	p->wait_count++;
	w->proc = p;
	w->queue = q;
	w->next = q->head;
	w->prev = &q->head;
	if (w->next)
		w->next->prev = &w->next;
	q->head = w;
	return BLOCKED;
}

static void waiter_unlink(struct waiter *w)
{
	if (!w->prev)
		return;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->prev = NULL;
}

void wake_all(struct waitq *q)
{
	struct waiter *w;

	while ((w = q->head)) {
		waiter_unlink(w);
		attention(w->proc, ATTENTION_WAKE);
	}
}

void waits_clear(struct proc *p)
{
	for (unsigned i = 0; i < p->wait_count; i++)
		waiter_unlink(&p->waits[i]);
	p->wait_count = 0;
}

/* ---- attention --------------------------------------------------------------------------------- */

static struct proc *attention_head, **attention_tail = &attention_head;

void attention(struct proc *p, unsigned bits)
{
	struct proc_inner *i = p->inner;

	i->attention |= bits;
	if (i->queued)
		return;
	i->queued = true;
	i->queue_next = NULL;
	*attention_tail = p;
	attention_tail = &i->queue_next;
}

bool attention_waiting(void)
{
	return attention_head;
}

struct proc *attention_take(void)
{
	struct proc *p = attention_head;

	if (!p)
		return NULL;
	attention_head = p->inner->queue_next;
	if (!attention_head)
		attention_tail = &attention_head;
	p->inner->queued = false;
	return p;
}

/* ---- time -------------------------------------------------------------------------------------- */

static struct shim_clock clock_page;

/*
 * The kernel's count of ticks has an origin of its own: ours is what rdtsc said when we asked.  Asked again, in
 * another life or later, the answer may be behind what we have told already: then we go on from that.
 */
static void clock_read(void)
{
	uint64_t best = ~0ull, told = clock_page.mult ? now_ns() : 0;

	for (int i = 0; i < 4; i++) {
		uint64_t before = __builtin_ia32_rdtsc(), now = 0, after;

		timer_tsc(CR_TIMER, NULL, &now, &clock_page.mult);
		after = __builtin_ia32_rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		clock_page.base_tsc = before + best / 2;
		clock_page.base_ns = now;
	}
	if (clock_page.base_ns < told)
		clock_page.base_ns = told;
}

void clock_init(void)
{
	uint64_t seconds = 0, nanoseconds = 0, now = 0;

	timer_wall(CR_TIMER, &seconds, &nanoseconds);
	timer_now(CR_TIMER, &now);
	clock_read();
	clock_page.wall_ns = seconds * 1000000000 + nanoseconds - now;
	if (clock_grant == CLOCK_FULL)
		shim_clock_set(&clock_page);
}

uint64_t now_ns(void)
{
	uint64_t ticks = __builtin_ia32_rdtsc() - clock_page.base_tsc;

	return clock_page.base_ns + (uint64_t)((unsigned __int128)ticks * clock_page.mult >> 32);
}

uint64_t wall_offset_ns(void)
{
	return clock_page.wall_ns;
}

#define NO_CLOCK_WALL_NS 1767225600000000000ull  /* 2026-01-01, as the base tree's files */

struct timespec64 now_wall(void)
{
	/* Without a clock all files are of one day; time_tick keeps their order. */
	uint64_t ns = clock_grant == CLOCK_NONE ? NO_CLOCK_WALL_NS : clock_told(now_ns() + clock_page.wall_ns);

	return (struct timespec64){ ns / 1000000000, ns % 1000000000 };
}

uint64_t uptime_ns(void)
{
	return clock_told(now_ns());
}

/* ---- timers ------------------------------------------------------------------------------------ */

static struct timer *timers;
static uint64_t armed;                 /* 0 = not */

void timer_cancel(struct timer *t)
{
	if (!t->prev)
		return;
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = NULL;
}

void timer_set(struct timer *t, uint64_t when)
{
	struct timer **at = &timers;

	timer_cancel(t);
	t->when = when;
	while (*at && (*at)->when <= when)
		at = &(*at)->next;
	t->next = *at;
	t->prev = at;
	if (t->next)
		t->next->prev = &t->next;
	*at = t;
}

/* Fires what is due. */
void timers_run(void)
{
	uint64_t now = now_ns();

	armed = 0;
	while (timers && timers->when <= now) {
		struct timer *t = timers;

		timer_cancel(t);
		t->fire(t->proc);
	}
}

void timer_arm(void)
{
	if (!timers || (armed && armed <= timers->when))
		return;
	armed = timers->when;
	timer_notify_at(CR_TIMER, armed, CR_TIMER_NOTICE);
}

void wait_until(struct proc *p, uint64_t when_ns)
{
	p->deadline_ns = when_ns;
	if (p->inner->deadline.prev && p->inner->deadline.when == when_ns)
		return;
	timer_set(&p->inner->deadline, when_ns);
}
