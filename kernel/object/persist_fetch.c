/*
 * persist_fetch.c - objects come from the store into memory, where they are asked for.
 *
 * Invariants
 *   1. The machine waits in persist_fetch for all that it has begun: outside of it nothing is on its way.
 *   2. What only memory knows of an object (hints, queues, where it is mapped) begins anew when it arrives.
 *
 * Interface
 *   1. persist_fetch is called by frame_get alone, in the middle of an operation: nothing leaves memory, and no
 *      demarcation happens, before it returns.
 *   2. One that cannot be read is persist_lost.c's from then on.
 *   3. Objects next to the one asked for may come too; nobody has asked for them, so one that is bad is just not there.
 */
#include "arch.h"
#include "object/device.h"
#include "object/persist_inner.h"

#define AHEAD_MOST   15                /* objects fetched with the one that is asked for */
#define AHEAD_GAP    4                 /* what lies between is something else's */

static struct arriving {               /* asked of the store by persist_fetch, which waits for all of them */
	struct frame *frame;
	int result;                    /* -1: on its way */
	bool known;                    /* what it is, also if it cannot be read */
} arriving[AHEAD_MOST + 1];
static unsigned arriving_count, arriving_left;
static uint64_t ahead_next;            /* who reads on in order asks for this one next */
static unsigned ahead;                 /* how many are then fetched with it */

void persist_fetched(void *context, uint64_t cookie, const struct store_object *object, int result)
{
	struct frame *f = &frames[cookie];

	(void)context;
	for (unsigned i = 0; i < arriving_count; i++)
		if (arriving[i].frame == f) {
			arriving[i].result = result;
			arriving[i].known = object->kind != 0;
		}
	arriving_left--;
	f->alloc_count = object->alloc_count;
	f->call_count = object->call_count;
	f->kind = object->kind ? object->kind : FRAME_PAGE;
	f->epoch = object->epoch;
}

/* Node capabilities carry a guess at the frame; one of a larger machine would be out of bounds. */
void persist_hints_forget(struct cap *c, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		c[i] = cap_without_hint(&c[i]);
}

static void pot_arrived(struct frame *f)
{
	for (unsigned i = 0; i < NODES_PER_POT; i++) {
		node_at(f, i)->dep_flags = 0;
		persist_hints_forget(node_at(f, i)->slot, NODE_SLOTS);
	}
}

/* It is in memory; what only memory knows of it begins anew. */
static void arrived(struct frame *f)
{
	f->ready_epoch = 0;
	if (f->oid >= persist_range_end)
		f->flags |= FRAME_FIXED;
	if (f->kind == FRAME_POT)
		pot_arrived(f);
	if (f->kind == FRAME_PROCESS) {
		struct process *p = frame_data(f);

		persist_hints_forget(p->caps, CAP_REGISTERS);
		persist_hints_forget(p->slots, PROCESS_SLOTS);
		process_arrived(f);
	}
}

static bool fetch_begin(struct frame *f)
{
	arriving[arriving_count] = (struct arriving){ f, -1, false };
	if (store_fetch(persist_store, f->oid, frame_data(f), frame_pfn(f)) != STORE_OK)
		return false;
	arriving_count++;
	arriving_left++;
	return true;
}

/* Whoever goes through objects in the order in which they were made gets the next ones too, more each time. */
static void fetch_ahead(uint64_t oid)
{
	ahead = oid - ahead_next < AHEAD_GAP ? (2 * ahead + 1 < AHEAD_MOST ? 2 * ahead + 1 : AHEAD_MOST) : 0;
	ahead_next = oid + 1;
	for (unsigned i = 0; i < ahead; i++, ahead_next++) {
		struct frame *f;

		if (!persist_has(ahead_next) || frame_free_count() <= persist_frames_low || frame_lookup(ahead_next) ||
		    persist_lost(ahead_next))
			return;
		f = frame_take(ahead_next);
		if (!fetch_begin(f)) {
			frame_evict(f);
			return;
		}
	}
}

/* It has not arrived, and nothing in it may be believed. */
static void arrived_not(struct frame *f)
{
	f->kind = FRAME_PAGE;
	frame_evict(f);
}

/*
 * A page of the boot pack that the disk has lost: if the pack of this life has the very same, as it has if no program was built
 * anew, that serves, and goes to the disk again.
 */
static bool pack_mends(struct frame *f)
{
	const void *page = f->oid >= persist_range_end ? physmem_pack_page(f->oid - persist_range_end) : NULL;
	int result;

	if (!page || !arriving[0].known)
		return false;
	while ((result = store_compare(persist_store, f->oid, page)) == STORE_WAIT)
		persist_wait();
	if (result != STORE_OK)
		return false;
	copy_words(frame_data(f), page, PAGE_SIZE / 8);
	frame_dirty(f);
	persist_mended(f->oid);
	return true;
}

bool persist_fetch(struct frame *f)
{
	bool good;

	arriving_count = arriving_left = 0;
	while (!fetch_begin(f))
		persist_wait();
	fetch_ahead(f->oid);
	while (arriving_left)
		persist_wait();
	good = arriving[0].result == STORE_OK || pack_mends(f);
	if (good) {
		if (persist_lost_count)
			persist_found(f->oid);
		arrived(f);
	} else {
		persist_lose(f, arriving[0].known, arriving[0].result);
		arrived_not(f);
	}
	for (unsigned i = 1; i < arriving_count; i++) {
		if (arriving[i].result == STORE_OK)
			arrived(arriving[i].frame);
		else
			arrived_not(arriving[i].frame);        /* nobody asked for it yet */
	}
	return good;
}
