/*
 * space.h - builds and changes memory trees: who maps a page at an address uses this.
 *
 * Interface
 *   1. A maker says where new nodes and pages come from: a bank (space_bank_maker), or
 *      for the first two programs of the system their own range.
 *   2. Every function works from a root node capability, whose lss it asks for; the root of
 *      a native program's space is process_get_slot(CR_SELF, PSLOT_SPACE).
 *   3. CR_TMP1, CR_TMP2 and CR_TMP3 are overwritten; CR_TMP0 is left to the caller.
 *   4. The trees given must be the caller's own: a red segment in the way would forward
 *      our questions to its keeper.
 */
#ifndef KEROS_SPACE_H
#define KEROS_SPACE_H
#include <keros/inv.h>

/* Kinds of object, numbered as in idl/range.idl and idl/bank.idl. */
enum { MAKE_PAGE = 1, MAKE_NODE = 2, MAKE_PROCESS = 3 };

#define SPACE_LSS_PAGE 2           /* what a page counts as: it fills a slot of an lss-3 node */
#define SPACE_LSS_ROOT 9

struct space_maker {
	uint32_t (*make)(void *ctx, unsigned kind, cap_t to);
	/* Fills slots 0..count-1 of a node of the caller; all or an error. */
	uint32_t (*make_many)(void *ctx, unsigned kind, unsigned count, cap_t node);
	void *ctx;
};

/* A maker over the bank whose register number bank points to. */
struct space_maker space_bank_maker(cap_t *bank);

/* Takes frames from the start of a range, one after the other: for those who start before the bank. */
struct space_range { cap_t range; uint64_t next, pot, pot_used; };
/* A maker over that, which must stay where it is. */
struct space_maker space_range_maker(struct space_range *r);

/* A fresh node with that lss in its data byte. */
uint32_t space_node_make(const struct space_maker *maker, unsigned lss, cap_t to);

/*
 * Finds the node of exactly that lss on the path to va, and sets *found to the register that
 * holds it (root itself, CR_TMP2 or CR_TMP3).  With a maker, missing nodes are made; without
 * one, RC_VOID tells that the path ends early.  RC_REQUEST: something else is in the way.
 */
uint32_t space_find(cap_t root, uint64_t va, unsigned lss, const struct space_maker *maker, cap_t *found);

/* Puts a memory capability that spans 16^(lss+1) bytes at va, which must be so aligned. */
uint32_t space_place(cap_t root, uint64_t va, cap_t value, unsigned lss, const struct space_maker *maker);

/* One page; data byte DB_READONLY maps it read-only, whatever the capability given allows. */
uint32_t space_map(cap_t root, uint64_t va, cap_t page, unsigned data_byte, const struct space_maker *maker);

/* Maps count zeroed pages from va on. */
uint32_t space_map_zero(cap_t root, uint64_t va, uint64_t count, const struct space_maker *maker);
#endif
