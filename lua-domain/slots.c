/*
 * slots.c - see slots.h and slot_table.h.
 */
#include "domain.h"
#include <keros/bank.h>
#include <keros/node.h>
#include "heap.h"
#include "slots.h"
#include "slot_table.h"

#define FIRST_SLOT 1u

_Static_assert(TABLE_CACHE == CACHE_REGISTERS, "the cache registers are the table's");

static struct slot_table table = { .next = FIRST_SLOT };
static bool forgotten;                 /* the keystore is to be made anew, when it is first used */

bool slots_init(void)
{
	return bank_alloc_node(CR_BANK, CR_KEYS) == RC_OK;
}

/* The node for the sixteen slots from `first` on, and those above it that are not there yet. */
static bool path_make(slotno first)
{
	for (unsigned depth = 1; depth < SLOT_LEVELS; depth++) {
		unsigned shift = 4 * (SLOT_LEVELS - depth);

		/* Only the first slot below a node finds it missing. */
		if (first & ((1u << shift) - 1) && first != FIRST_SLOT)
			continue;
		if (bank_alloc_node(CR_BANK, CR_TMP0) != RC_OK ||
		    node_tree_swap(CR_KEYS, first >> shift, depth, CR_TMP0, CR_VOID) != RC_OK)
			return false;
	}
	return true;
}

void slots_forget(void)
{
	memset(table.cached, 0, sizeof table.cached);
	forgotten = true;
}

/* The nodes for all slots that have a place; before anything is put there. */
static void slots_renew(void)
{
	bool good = slots_init();

	forgotten = false;
	for (slotno first = 0; first < table.limit && good; first += NODE_SLOTS)
		good = path_make(first ? first : FIRST_SLOT);
	/* Without storage for them the slots are void, and what is called through them says so. */
}

void slots_ready(void)
{
	if (forgotten)
		slots_renew();
}

static bool table_grow(void)
{
	static uint32_t room;
	uint32_t limit = table.limit + NODE_SLOTS;

	if (limit > SLOTS_MAX)
		return false;
	slots_ready();
	if (room < limit) {
		uint32_t more = room ? room * 2 : 64;
		uint32_t *link = heap_alloc(NULL, table.link, room * sizeof *link, more * sizeof *link);

		if (!link)
			return false;
		table.link = link;
		room = more;
	}
	if (!path_make(table.limit ? table.limit : FIRST_SLOT))
		return false;
	table.limit = limit;
	return true;
}

slotno slot_new(void)
{
	slotno slot = table_take(&table);

	if (!slot && table_grow())
		slot = table_take(&table);
	return slot;
}

void slot_free(slotno slot)
{
	slots_ready();
	node_tree_swap(CR_KEYS, slot, SLOT_LEVELS, CR_VOID, CR_VOID);
	table_give(&table, slot);
}

void slot_put(slotno slot, cap_t from)
{
	slots_ready();
	node_tree_swap(CR_KEYS, slot, SLOT_LEVELS, from, CR_VOID);
	if (table.cached[slot % TABLE_CACHE] == slot)
		table.cached[slot % TABLE_CACHE] = 0;
}

void slot_get(slotno slot, cap_t to)
{
	node_tree_fetch(CR_KEYS, slot, SLOT_LEVELS, to);
}

cap_t slot_use(slotno slot)
{
	bool hit;
	cap_t reg = (cap_t)(CR_CACHE + table_cache(&table, slot, &hit));

	if (!hit)
		slot_get(slot, reg);
	return reg;
}

cap_t slot_cached(slotno slot)
{
	unsigned i = slot % TABLE_CACHE;

	return table.cached[i] == slot ? (cap_t)(CR_CACHE + i) : CR_VOID;
}

slotno slots_end(void)
{
	return table.next;
}
