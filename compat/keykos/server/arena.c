/*
 * arena.c - memory of an object's own: pages and nodes from the object's bank (or, if it has none, the server's), a tree under slot 13 of its node.
 *
 * The server sees one arena through each of two windows in its own address space.  Seeing another object's there takes
 * one swap of a slot; the pages need no mapping one by one.
 *
 * Invariants
 *   1. Pages 0 .. arena_pages-1 of an arena are there, so using them never faults to a keeper.
 *   2. When an arena goes, no window shows it any more.
 */
#include <keros/native.h>
#include "object.h"

#define SLOT_ARENA   13
#define WINDOW       0x40000000ull         /* lss 6: window n is slot n of a node that spans 256 MiB */
#define WINDOW_BYTES 0x1000000ull          /* lss 5: 16 MiB each */

static unsigned seen[2];
static cap_t bank_register = CR_BANK;

/* Puts what is in reg (CR_VOID: nothing) into a window. */
static void window_show(unsigned window, cap_t reg)
{
	struct space_maker maker = space_bank_maker(&bank_register);

	process_get_slot(CR_SELF, PSLOT_SPACE, CR_TMP0);
	space_place(CR_TMP0, WINDOW + window * WINDOW_BYTES, reg, 5, &maker);
}

static uint32_t node_take(unsigned bank, unsigned lss, cap_t to)
{
	uint32_t rc = bank ? bank_take(bank, 0, to) : bank_alloc_node(CR_BANK, to);

	return rc == RC_OK ? node_make_node(to, lss, to) : RC_NO_NODES;
}

static void forget(unsigned index)
{
	for (unsigned w = ARENA_A; w <= ARENA_B; w++)
		if (seen[w] == index)
			seen[w] = 0;
}

/* The node of that lss on the way to a page, made if it is missing; R_E and R_F are overwritten, it is in R_E. */
static uint32_t way_make(unsigned index, uint32_t page)
{
	unsigned bank = objects[index].bank;
	uint32_t rc;

	object_get(index, SLOT_ARENA, R_E);
	if (key_is_null(R_E)) {
		if ((rc = node_take(bank, 5, R_E)) != RC_OK)
			return rc;
		object_put(index, SLOT_ARENA, R_E);
		forget(index);                     /* a window may show that there was nothing */
	}
	for (unsigned lss = 5; lss > 3; lss--) {
		unsigned slot = page >> 4 * (lss - 3) & 15;

		node_fetch(R_E, slot, R_F);
		if (key_is_null(R_F)) {
			if ((rc = node_take(bank, lss - 1, R_F)) != RC_OK)
				return rc;
			node_swap(R_E, slot, R_F, CR_VOID);
		}
		node_fetch(R_E, slot, R_E);
	}
	return RC_OK;
}

/* Makes it at least that many pages; what is there stays on failure. */
uint32_t arena_grow(unsigned index, uint32_t pages)
{
	struct object *o = &objects[index];
	uint32_t rc = RC_OK;

	if (pages > ARENA_PAGES)
		return RC_NO_PAGES;
	for (; rc == RC_OK && o->arena_pages < pages; o->arena_pages++) {
		if ((rc = way_make(index, o->arena_pages)) != RC_OK)
			break;
		if ((o->bank ? bank_take(o->bank, 1, R_F) : bank_alloc_page(CR_BANK, R_F)) != RC_OK)
			return RC_NO_PAGES;
		node_swap(R_E, o->arena_pages & 15, R_F, CR_VOID);
	}
	return rc;
}

void *arena_see(unsigned index, unsigned window)
{
	if (seen[window] != index) {
		object_get(index, SLOT_ARENA, R_E);
		window_show(window, R_E);
		seen[window] = index;
	}
	return (void *)(WINDOW + window * WINDOW_BYTES);
}

/* Gives everything back; lower levels first. */
static void tree_give(unsigned bank, cap_t node, unsigned lss)
{
	cap_t child = lss == 5 ? R_F : lss == 4 ? CR_TMP2 : CR_TMP3;

	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		node_fetch(node, i, child);
		if (key_is_null(child))
			continue;
		if (lss > 3)
			tree_give(bank, child, lss - 1);
		bank_give(bank, lss == 3, child);
	}
}

void arena_free(unsigned index)
{
	struct object *o = &objects[index];

	for (unsigned w = ARENA_A; w <= ARENA_B; w++)
		if (seen[w] == index) {
			window_show(w, CR_VOID);
			seen[w] = 0;
		}
	object_get(index, SLOT_ARENA, R_E);
	if (key_is_null(R_E))
		return;
	tree_give(o->bank, R_E, 5);
	bank_give(o->bank, 0, R_E);
	object_put(index, SLOT_ARENA, CR_VOID);
	o->arena_pages = 0;
}
