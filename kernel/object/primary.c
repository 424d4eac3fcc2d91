/*
 * primary.c - KeyKOS's own kernel keys that have no native form: bwait, calendar clock, copy.
 *
 * The capability's data says which: 1..BWAITS a bwait key of that number, DATA_CALENDAR, DATA_COPY.  They answer
 * messages in KeyKOS's form only.
 *
 * bwait: a time and who waits for it.  Like the ancestor's it is no part of a checkpoint: after a restart nobody waits,
 * the time is that of the system's start, and whoever waited makes the call again and is answered at once.
 * Invariant: who waits is asleep; it is named by its frame and the count of the call it is in.
 * Source: keykos.md 2.14, 2.16.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "mem/space.h"
#include "object/primary.h"
#include "sched/sched.h"

#define BCD(n) (uint8_t)((n) / 10 << 4 | (n) % 10)

enum { RC_BUSY = 1 };
enum { COPY_DONE, COPY_AGAIN, COPY_SOURCE, COPY_SINK };

static struct bwait {
	uint64_t due_ns;
	uint64_t oid;                  /* of the process that waits; 0: nobody */
	uint32_t count;                /* its call count: it waits in this call and no other */
} bwaits[BWAITS + 1];

uint64_t primary_time(uint64_t ns)
{
	return mul_div(ns, 4096, 1000);
}

static uint64_t primary_ns(uint64_t time)
{
	return mul_div(time, 1000, 4096);
}

/* ---- bwait ------------------------------------------------------------------------------- */

static struct process *bwait_waiter(const struct bwait *b)
{
	struct frame *f = b->oid ? frame_lookup(b->oid) : NULL;
	struct process *p = f && f->kind == FRAME_PROCESS && f->call_count == b->count ? frame_data(f) : NULL;

	return p && p->queue == QUEUE_SLEEP ? p : NULL;
}

static void bwait_wait(struct inv *inv, struct bwait *b)
{
	struct process *p = inv->sender, *waiter = bwait_waiter(b);

	if (waiter && waiter != p) {
		inv_fail(inv, RC_BUSY);
		return;
	}
	if (b->due_ns > arch_now_ns()) {
		b->oid = process_frame(p)->oid;
		b->count = process_frame(p)->call_count;
		inv_stall(inv);
		sched_sleep(p, b->due_ns);
		return;
	}
	commit_point();
	b->oid = 0;
}

static void bwait_set(struct inv *inv, struct bwait *b)
{
	struct process *waiter = bwait_waiter(b);
	uint64_t time;

	if (!keykos_argument(inv, &time, sizeof time))
		return;
	commit_point();
	b->due_ns = time == ~0ull ? time : primary_ns(time);
	if (waiter) {
		sched_remove(waiter);
		sched_sleep(waiter, b->due_ns);
	}
}

static void bwait_dispatch(struct inv *inv)
{
	struct bwait *b = &bwaits[inv->target.data];

	if (inv->order == 0)
		bwait_wait(inv, b);
	else if (inv->order == 1)
		bwait_set(inv, b);
	else
		inv_fail(inv, RC_UNKNOWN);
}

/* ---- the calendar clock ------------------------------------------------------------------ */

/* Year of four digits, month, day, day of the week (Sunday is 0), hour, minute, second: eight bytes of two digits. */
static void calendar_put(uint8_t *to, uint64_t seconds)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned days = seconds / 86400, second = seconds % 86400, year = 1970, month = 0;

	for (;; year++) {
		unsigned length = 365 + ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);

		if (days < length)
			break;
		days -= length;
	}
	for (;; month++) {
		unsigned length = lengths[month] + (month == 1 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0));

		if (days < length)
			break;
		days -= length;
	}
	to[0] = BCD(year / 100);
	to[1] = BCD(year % 100);
	to[2] = BCD(month + 1);
	to[3] = BCD(days + 1);
	to[4] = BCD((seconds / 86400 + 4) % 7);
	to[5] = BCD(second / 3600);
	to[6] = BCD(second / 60 % 60);
	to[7] = BCD(second % 60);
}

static void calendar_dispatch(struct inv *inv)
{
	static struct { uint8_t calendar[8]; uint64_t time; } reply;
	uint64_t now_ns;

	if (inv->order != 8 && inv->order != 10) {
		inv_fail(inv, inv->order == KT ? 0x609 : RC_UNKNOWN);
		return;
	}
	commit_point();
	now_ns = arch_now_ns();
	calendar_put(reply.calendar, arch_wall_seconds() + now_ns / 1000000000);
	reply.time = primary_time(now_ns);
	inv->out_string = &reply;
	inv->out_length = inv->order == 8 ? 8 : sizeof reply;
}

/* ---- copy -------------------------------------------------------------------------------- */

struct copy_argument {
	uint64_t from, to, length;
	uint32_t error;
} __attribute__((packed));

/* A place in a segment that is not the sender's memory: its walk, as if the sender had no other. */
static void copy_walk(struct process *p, const struct cap *segment, uint64_t offset, struct walk *w)
{
	struct cap own = p->slots[PSLOT_SPACE];

	p->slots[PSLOT_SPACE] = *segment;
	space_walk(p, offset, NULL, w);
	p->slots[PSLOT_SPACE] = own;
}

struct copy_step {
	struct walk source, sink;
	uint64_t bytes;
};

/* What the next page takes.  The walk that is in the way, or NULL. */
static const struct walk *copy_decode(struct inv *inv, const struct copy_argument *a, struct copy_step *step)
{
	uint64_t left = PAGE_SIZE - a->from % PAGE_SIZE;

	step->bytes = a->length < left ? a->length : left;
	left = PAGE_SIZE - a->to % PAGE_SIZE;
	step->bytes = step->bytes < left ? step->bytes : left;
	copy_walk(inv->sender, inv_cap(inv, 0), a->from, &step->source);
	copy_walk(inv->sender, inv_cap(inv, 1), a->to, &step->sink);
	if (!step->source.page)
		return &step->source;
	return !step->sink.page || !step->sink.writable ? &step->sink : NULL;
}

static void copy_do(struct copy_argument *a, const struct copy_step *step)
{
	frame_dirty(step->sink.page);
	__builtin_memmove((uint8_t *)frame_data(step->sink.page) + a->to % PAGE_SIZE,
			  (uint8_t *)frame_data(step->source.page) + a->from % PAGE_SIZE, step->bytes);
	a->from += step->bytes;
	a->to += step->bytes;
	a->length -= step->bytes;
}

/* The first page cannot be copied: its keeper is called, and then the call is made again; or the call fails. */
static void copy_fault(struct inv *inv, struct copy_argument *a, const struct walk *w, bool sink)
{
	struct process *p = inv->sender;

	if (keeper_process(&w->keeper) && !(p->flags & PROCESS_FAULT_KEEPER)) {
		inv_stall(inv);
		fault_raise(p, w, sink ? a->to : a->from, sink ? FAULT_ACCESS_WRITE : 0);
		return;
	}
	commit_point();
	p->flags &= ~PROCESS_FAULT_KEEPER;
	a->error = w->code ? w->code : 1;
	inv_fail(inv, sink ? COPY_SINK : COPY_SOURCE);
}

#define COPY_PAGES 16u                 /* in one call: the kernel works for nobody longer than that */

/* Whatever stops it after the first page, it answers how far it came: the caller calls again. */
static void copy_dispatch(struct inv *inv)
{
	static struct copy_argument a;
	struct copy_step step;
	const struct walk *bad = NULL;

	if (inv->order != 0) {
		inv_fail(inv, inv->order == KT ? 0x64 : RC_UNKNOWN);
		return;
	}
	if (!keykos_argument(inv, &a, sizeof a))
		return;
	a.error = 0;
	if (a.length && (bad = copy_decode(inv, &a, &step))) {
		copy_fault(inv, &a, bad, bad == &step.sink);
		if (inv->stalled)
			return;
	} else {
		commit_point();
		inv->sender->flags &= ~PROCESS_FAULT_KEEPER;
		for (unsigned i = 0; a.length && i < COPY_PAGES; i++) {
			if (i && copy_decode(inv, &a, &step))
				break;
			copy_do(&a, &step);
		}
		inv_fail(inv, a.length ? COPY_AGAIN : COPY_DONE);
	}
	inv->out_string = &a;
	inv->out_length = sizeof a;
}

void primary_dispatch(struct inv *inv)
{
	if (inv->target.data >= 1 && inv->target.data <= BWAITS)
		bwait_dispatch(inv);
	else if (inv->target.data == PRIMARY_CALENDAR)
		calendar_dispatch(inv);
	else if (inv->target.data == PRIMARY_COPY)
		copy_dispatch(inv);
	else
		inv_fail(inv, RC_VOID);
}
