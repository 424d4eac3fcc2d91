/*
 * persist_age.c - frames leave memory: a clock hand goes round, and what nobody has asked for since its last visit goes.
 *
 * Invariants
 *   1. Only a clean page or pot leaves; a dirty one is written first (store_clean), and leaves at a later visit.
 *   2. Before it leaves no translation names it: the first visit takes them away, and whoever still wants it faults.
 *   3. Processes stay, and what is pinned or outside the store.
 *
 * Interface
 *   1. persist_age is called at safe points only: no pointer to a page or node outlives it.
 */
#include "arch.h"
#include "mem/space.h"
#include "object/persist_inner.h"

#define AGE_BATCH    2048

uint64_t persist_frames_high;

static uint64_t age_hand;

static bool may_leave(const struct frame *f)
{
	return (f->kind == FRAME_PAGE || f->kind == FRAME_POT) && !(f->flags & FRAME_PINNED) && f->oid < persist_homes;
}

static bool pot_mapped(struct frame *f)
{
	for (unsigned i = 0; i < NODES_PER_POT; i++)
		if (node_at(f, i)->dep_flags)
			return true;
	return false;
}

/* The first visit takes a frame's translations away.  True: that needs all spaces to be flushed. */
static bool age_first(struct frame *f)
{
	f->flags |= FRAME_AGED;
	if (f->kind == FRAME_POT)
		return pot_mapped(f);
	if (f->flags & (FRAME_FIXED | FRAME_MULTI))
		return true;
	space_page_gone(f);
	return false;
}

/* The second visit, if nobody asked for it since. */
static void age_second(struct frame *f)
{
	struct store_object o = persist_object(f);

	if (f->flags & FRAME_DIRTY)
		persist_frame_check(f);
	if (!(f->flags & FRAME_DIRTY))
		frame_evict(f);
	else if (f->ready_epoch == store_epoch && store_clean(persist_store, &o) == STORE_OK)
		f->ready_epoch = 0;
}

void persist_age(void)
{
	bool flush = false;

	for (unsigned i = 0; i < AGE_BATCH && frame_free_count() < persist_frames_high; i++) {
		struct frame *f = &frames[age_hand = (age_hand + 1) % frame_count];

		if (!may_leave(f))
			continue;
		if (f->flags & FRAME_AGED)
			age_second(f);
		else
			flush |= age_first(f);
	}
	if (flush)
		space_flush_all();
}

/* ---- torment: as little prepared, and as much saved, as can be ------------------------------- */

#ifdef KEROS_TORMENT
uint32_t torment_points;

static void hints_forget_all(void)
{
	for (uint64_t pfn = 1; pfn < frame_count; pfn++) {
		if (frames[pfn].kind == FRAME_POT) {
			for (unsigned i = 0; i < NODES_PER_POT; i++)
				persist_hints_forget(node_at(&frames[pfn], i)->slot, NODE_SLOTS);
		} else if (frames[pfn].kind == FRAME_PROCESS) {
			struct process *p = frame_data(&frames[pfn]);

			persist_hints_forget(p->caps, CAP_REGISTERS);
			persist_hints_forget(p->slots, PROCESS_SLOTS);
		}
	}
}

/* No translation, no hint; with a store nothing in memory that need not be there, and a checkpoint. */
void persist_torment(void)
{
	uint64_t high = persist_frames_high;

	torment_points = 0;
	space_flush_all();
	hints_forget_all();
	if (!persist_on)
		return;
	store_checkpoint(persist_store);
	persist_frames_high = ~0ull;
	for (uint64_t i = 0; i < 2 * (frame_count / AGE_BATCH + 1); i++)
		persist_age();
	persist_frames_high = high;
}
#endif
