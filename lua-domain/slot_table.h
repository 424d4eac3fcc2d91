/*
 * slot_table.h - which slots are free, and which slot each cache register holds.  Pure: no invocation.
 *
 * Invariants
 *   1. Slots from `next` on were never given out; those in the list of free ones were given back.
 *   2. A register holds at most one slot, and a slot is in at most one register: slot % registers.
 */
#ifndef LUA_DOMAIN_SLOT_TABLE_H
#define LUA_DOMAIN_SLOT_TABLE_H
#include <stdbool.h>
#include <stdint.h>

#define TABLE_CACHE 8u

struct slot_table {
	uint32_t next, limit;          /* the first number never given out; numbers below limit have a place in the tree */
	uint32_t free, free_count;     /* head of the list: link[slot] is the next */
	uint32_t *link;                /* room for `limit` numbers */
	uint32_t cached[TABLE_CACHE];  /* 0: nothing */
};

/* A free slot below limit, or 0. */
static inline uint32_t table_take(struct slot_table *t)
{
	uint32_t slot = t->free;

	if (slot) {
		t->free = t->link[slot];
		t->free_count--;
		return slot;
	}
	return t->next < t->limit ? t->next++ : 0;
}

static inline void table_give(struct slot_table *t, uint32_t slot)
{
	t->link[slot] = t->free;
	t->free = slot;
	t->free_count++;
	if (t->cached[slot % TABLE_CACHE] == slot)
		t->cached[slot % TABLE_CACHE] = 0;
}

/* The index of the register for the slot; *hit tells whether it holds it already.  It is taken to hold it from now on. */
static inline unsigned table_cache(struct slot_table *t, uint32_t slot, bool *hit)
{
	unsigned i = slot % TABLE_CACHE;

	*hit = t->cached[i] == slot;
	t->cached[i] = slot;
	return i;
}
#endif
