/*
 * check.c - the consistency check of page tables: the conditions that space.h numbers.
 *
 * Every present leaf is compared with a walk of the tree that its space stands for.  The walk
 * makes its dependency marks as any other; one that was not there already is a broken C202.
 */
#include "mem/space.h"
#include "sched/sched.h"

/* A process that is nothing but a root for space_walk. */
static struct process walker;

static bool page_marked(const struct frame *f, const struct space *s, uint64_t va)
{
	if (f->flags & FRAME_FIXED)
		return true;
	if (!(f->flags & FRAME_MAPPED))
		return false;
	return (f->flags & FRAME_MULTI) ||
	       (f->map_space == s - spaces && f->map_generation == s->generation && f->map_va == va);
}

static int leaf_check(struct space *s, uint64_t va, uint64_t entry)
{
	uint64_t marks = space_marks;
	struct walk w;

	walker.slots[PSLOT_SPACE] = s->root;
	space_walk(&walker, va, s, &w);
	if (!w.page || frame_pfn(w.page) != arch_leaf_pfn(entry) ||
	    ((arch_leaf_writable(entry) || arch_leaf_protected(entry)) && !w.writable) ||
	    (arch_leaf_executable(entry) && !w.executable))
		return 201;
	if (space_marks != marks || !page_marked(w.page, s, va))
		return 202;
	if (arch_leaf_writable(entry) && (!(w.page->flags & FRAME_DIRTY) || w.page->ready_epoch != store_epoch || w.page->zero))
		return 203;
	return 0;
}

/* Any address of the remembered leaf's 64 KiB does, but for slots that hold neither a page nor nothing. */
static int remembered_check(struct space *s)
{
	struct walk w;

	walker.slots[PSLOT_SPACE] = s->root;
	for (unsigned slot = 0; s->leaf_node && slot < NODE_SLOTS; slot++) {
		unsigned type = s->leaf_node->slot[slot].type;

		if (type != CAP_PAGE && type != CAP_VOID)
			continue;
		space_walk(&walker, (s->leaf_va & ~0xFFFFull) + slot * PAGE_SIZE, NULL, &w);
		if (w.leaf_node != s->leaf_node || w.kept_node.type != CAP_VOID ||
		    w.leaf_writable != (s->leaf_va & 1) || w.leaf_executable != (s->leaf_va >> 1 & 1))
			return 208;
	}
	return 0;
}

static int tables_check(const struct space *s)
{
	uint64_t count = 0;

	for (uint32_t pfn = s->tables; pfn; pfn = frames[pfn].list_next)
		if (frames[pfn].kind != FRAME_TABLE || count++ > frame_count)
			return 207;
	return count ? 0 : 207;
}

int space_check(void)
{
	if (cpu.loaded && !cpu.loaded->root_pfn)
		return 207;
	for (unsigned i = 0; i < SPACES; i++) {
		struct space *s = &spaces[i];
		uint64_t *entry, va = 0;
		int broken = s->root_pfn ? tables_check(s) : 0;

		if (s->root_pfn && !broken)
			broken = remembered_check(s);

		for (; !broken && (entry = arch_leaf_next(s, &va)); va += PAGE_SIZE)
			broken = leaf_check(s, va, *entry);
		if (broken)
			return broken;
	}
	return 0;
}
