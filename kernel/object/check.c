/*
 * check.c - the consistency check of objects: the conditions that object.h numbers.
 *
 * It changes nothing and takes no time that matters in a test; a checkpoint will ask it before
 * it saves anything, so that a broken state is never made durable.
 */
#include "object/object.h"
#include "sched/sched.h"

static bool is_object(const struct frame *f)
{
	return f->kind == FRAME_PAGE || f->kind == FRAME_POT || f->kind == FRAME_PROCESS;
}

static bool known_types(const struct cap *c, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (c[i].type >= CAP_TYPES || !(cap_types_known >> c[i].type & 1))
			return false;
	return true;
}

static bool pot_types(struct frame *pot)
{
	for (unsigned i = 0; i < NODES_PER_POT; i++)
		if (!known_types(node_at(pot, i)->slot, NODE_SLOTS))
			return false;
	return true;
}

static bool pot_counts(struct frame *pot)
{
	for (unsigned i = 0; i < NODES_PER_POT; i++)
		if (node_at(pot, i)->alloc_count > pot->alloc_count)
			return false;
	return true;
}

static bool in_its_place(const struct process *p)
{
	if (p->state != PROC_RUNNING)
		return p->queue == QUEUE_NONE;
	return p->queue != QUEUE_NONE || p == cpu.current;
}

static int process_check(const struct process *p, uint64_t pfn)
{
	static const struct cap none;

	if (p->pfn != pfn || REF_OID(p->self_ref) != frames[pfn].oid)
		return 111;
	if (p->state > PROC_WAITING)
		return 104;
	if (!known_types(p->caps, CAP_REGISTERS) || !known_types(p->slots, PROCESS_SLOTS))
		return 112;
	return __builtin_memcmp(&p->caps[CR_VOID], &none, sizeof none) ? 110 : 0;
}

/* Every step-th word, another set in each epoch. */
static bool zero_as_marked(const struct frame *f, unsigned step)
{
	const uint64_t *word = frame_data(f);

	if (f->kind != FRAME_PAGE)
		return false;
	for (unsigned i = store_epoch % step; i < PAGE_SIZE / 8; i += step)
		if (word[i])
			return false;
	return true;
}

/* What must hold of one frame before it is saved.  Queues are not: a frame may be written in the middle of an
 * operation, by which time its process may be on its way from one to another. */
int frame_check(struct frame *f)
{
	if (frame_lookup(f->oid) != f)
		return 101;
	if ((f->flags & FRAME_DIRTY) && !(f->flags & FRAME_PINNED) && f->epoch != store_epoch &&
	    f->epoch + 1 != store_epoch)
		return 103;
	if (f->zero && !zero_as_marked(f, 8))
		return 113;
	if (f->kind == FRAME_POT && !pot_counts(f))
		return 102;
	if (f->kind == FRAME_POT && !pot_types(f))
		return 112;
	return f->kind == FRAME_PROCESS ? process_check(frame_data(f), frame_pfn(f)) : 0;
}

int object_check(void)
{
	for (uint64_t pfn = 0; pfn < frame_count; pfn++) {
		struct frame *f = &frames[pfn];
		int broken = is_object(f) ? frame_check(f) : 0;

		if (!broken && f->zero && !zero_as_marked(f, 1))
			broken = 113;
		if (!broken && f->kind == FRAME_PROCESS && !in_its_place(frame_data(f)))
			broken = 105;
		if (broken)
			return broken;
	}
	return sched_check();
}
