/*
 * schedule.c - schedules: by whose authority, and for how long, a process runs.
 *
 * The super-schedule has no node: its data is a priority and its time never ends.  Any other
 * is a node in the layout of a KeyKOS meter (keykos.md 1.5):
 *
 *     slot 1  superior schedule          slot 3  number: time left, ns; void = no end
 *     slot 2  keeper, a start capability slot 4  number: parameters
 *                                                ref = budget ns a period, count = period in us
 *                                                (0 = never refilled), data = priority
 *     slot 5  number: when the period ends, ns (the kernel's)
 *
 * A capability with SCHEDULE_TICKS is a KeyKOS meter: its node has the superior and the keeper in the same slots, slot 3
 * counts in sixteenths of a microsecond, where void is 0; the published kernel kept counters of its own in others, and
 * a meter that has anything but data there is malformed.
 *
 * Rules
 *   1. The priority of a schedule is at most its superior's.
 *   2. Time is charged to every node of the chain, at the end of a slice or of a run.
 *   3. A process whose chain has an exhausted node does not run: its keeper is called if
 *      there is one; else it sleeps to the period's end, or for ever.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/schedule.h"
#include "sched/sched.h"

#define CHAIN_MAX 20                   /* KeyKOS's limit */

enum { SCHEDULE_SUPERIOR = 1, SCHEDULE_KEEPER, SCHEDULE_LEFT, SCHEDULE_PARAMETERS, SCHEDULE_REFILL };

static bool is_super(const struct cap *c)
{
	return c->type == CAP_SCHEDULE && c->ref == 0;
}

static bool is_meter(const struct cap *c)
{
	return c->data & SCHEDULE_TICKS;
}

/* Of a meter: slots 0 and 7 are 0, 3 to 6, 8, 10 to 12 and 15 data, and the time left has at most eight bytes. */
static bool meter_sound(const struct node *n)
{
	for (unsigned slot = 0; slot < NODE_SLOTS; slot++) {
		const struct cap *c = &n->slot[slot];

		if (c->type == CAP_VOID || !(0x9DF9u >> slot & 1))
			continue;
		if (c->type != CAP_NUMBER ? !cap_is_void(c) : (slot == 0 || slot == 7) && (c->ref || c->count))
			return false;
	}
	return n->slot[SCHEDULE_LEFT].type != CAP_NUMBER || n->slot[SCHEDULE_LEFT].count == 0;
}

/* The priority that a chain gives, or -1 if it does not end in the super-schedule. */
static int chain_priority(const struct cap *c)
{
	int priority = PRIORITIES - 1;

	for (int depth = 0; depth < CHAIN_MAX; depth++) {
		struct node *n;

		if (is_super(c))
			return priority < c->data ? priority : c->data;
		n = c->type == CAP_SCHEDULE ? cap_node(c) : NULL;
		if (!n || (is_meter(c) && !meter_sound(n)))
			return -1;
		if (!is_meter(c) && n->slot[SCHEDULE_PARAMETERS].type == CAP_NUMBER &&
		    n->slot[SCHEDULE_PARAMETERS].data < priority)
			priority = n->slot[SCHEDULE_PARAMETERS].data;
		c = &n->slot[SCHEDULE_SUPERIOR];
	}
	return -1;
}

/* Why a process has no schedule, in KeyKOS's trap codes (keykos.md 3.6). */
uint32_t schedule_trap(const struct process *p)
{
	const struct cap *c = &p->slots[PSLOT_SCHEDULE];

	for (int depth = 0; depth < CHAIN_MAX; depth++) {
		if (is_super(c))
			return 0;
		if (c->type != CAP_SCHEDULE || !cap_node(c))
			return 0x404;
		if (is_meter(c) && !meter_sound(cap_node(c)))
			return 0x408;
		c = &cap_node(c)->slot[SCHEDULE_SUPERIOR];
	}
	return 0x410;
}

bool schedule_refresh(struct process *p)
{
	int priority = chain_priority(&p->slots[PSLOT_SCHEDULE]);

	bool queued = p->queue == QUEUE_READY;

	/* The ready queue it is in goes by its priority. */
	if (queued)
		sched_remove(p);
	p->priority = priority < 0 ? 0 : priority;
	if (queued)
		sched_ready(p);
	return priority >= 0;
}

static void store_number(struct node *n, unsigned slot, uint64_t value)
{
	struct cap number = cap_number(value, 0, 0);

	node_store(n, slot, &number);
}

/* Of a meter; a node that is none has no time left. */
static bool meter_charge(struct node *n, uint64_t ns)
{
	uint64_t left = n->slot[SCHEDULE_LEFT].type == CAP_NUMBER ? n->slot[SCHEDULE_LEFT].ref : 0, ticks = ns * 2 / 125;

	left = left > ticks ? left - ticks : 0;
	if (ticks && n->slot[SCHEDULE_LEFT].type == CAP_NUMBER)
		store_number(n, SCHEDULE_LEFT, left);
	return left;
}

static void refill(struct node *n, uint64_t now_ns)
{
	const struct cap *parameters = &n->slot[SCHEDULE_PARAMETERS];
	uint64_t period_ns = parameters->count * 1000ull;

	if (parameters->type != CAP_NUMBER || period_ns == 0 || n->slot[SCHEDULE_REFILL].ref > now_ns)
		return;
	store_number(n, SCHEDULE_LEFT, parameters->ref);
	store_number(n, SCHEDULE_REFILL, now_ns + period_ns);
}

struct node *schedule_charge(struct process *p, uint64_t ns)
{
	const struct cap *c = &p->slots[PSLOT_SCHEDULE];
	uint64_t now_ns = arch_now_ns();
	struct node *exhausted = NULL;

	for (int depth = 0; depth < CHAIN_MAX && !is_super(c); depth++) {
		struct node *n = c->type == CAP_SCHEDULE ? cap_node(c) : NULL;

		if (!n)
			return NULL;
		if (is_meter(c)) {
			if (!meter_charge(n, ns) && !exhausted)
				exhausted = n;
			c = &n->slot[SCHEDULE_SUPERIOR];
			continue;
		}
		refill(n, now_ns);
		if (n->slot[SCHEDULE_LEFT].type == CAP_NUMBER) {
			uint64_t left = n->slot[SCHEDULE_LEFT].ref;

			left = left > ns ? left - ns : 0;
			store_number(n, SCHEDULE_LEFT, left);
			if (left == 0 && !exhausted)
				exhausted = n;
		}
		c = &n->slot[SCHEDULE_SUPERIOR];
	}
	return exhausted;
}

bool schedule_exhausted(struct process *p, struct node **which)
{
	*which = is_super(&p->slots[PSLOT_SCHEDULE]) ? NULL : schedule_charge(p, 0);
	return *which != NULL;
}

uint64_t schedule_refill_ns(struct node *n)
{
	return n->slot[SCHEDULE_PARAMETERS].type == CAP_NUMBER && n->slot[SCHEDULE_PARAMETERS].count
	       ? n->slot[SCHEDULE_REFILL].ref : ~0ull;
}

void schedule_op_get_priority(struct inv *inv)
{
	int priority = chain_priority(&inv->target);

	if (priority < 0) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv->out_w[0] = priority;
}

void schedule_op_narrow(struct inv *inv)
{
	uint64_t priority = inv_word(inv, 0);

	if (!is_super(&inv->target)) {
		inv_fail(inv, RC_UNKNOWN);
		return;
	}
	if (priority > inv->target.data) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_SCHEDULE, priority, 0));
}
