/*
 * supernode.c - red segments with format flag 4: keys by 32-bit numbers, found by the kernel.
 *
 * Slot 0 holds a node key; its data byte tells how many more levels of four bits the number has below that node.  So
 * it goes on, level by level, to the slot.  Whatever is not there, or may not be done, is the keeper's business: it gets
 * the message as of any other red segment, and may build what is missing.
 *
 *	SUPERNODE(n ==> 0;K), (16+n;K ==> 0;old)                  n < 16
 *	SUPERNODE(41,(4,n) ==> 0;K), (42,(4,n);K ==> 0;old)       42 and 16+n: not through a read-only key
 *	SUPERNODE(50;K0,K1,K2 ==> 0;K0,K1,K2)
 *
 * Source: keykos.md 2.3.
 */
#include "invoke/supernode.h"
#include "kernel/node.h"
#include "kernel/segment.h"
#include "object/process.h"

enum { OC_SWAP_FIRST = 16, OC_SWAP_LAST = 31, OC_FETCH = 41, OC_SWAP, OC_MOVE = 50 };
#define LEVELS_MAX 8u
#define STEPS_MAX  15u                 /* a loop of nodes has no end of its own */

struct place { struct node *node; unsigned slot; };

/* Where a number leads; node is NULL if a level is missing. */
static struct place number_find(struct node *n, uint32_t number)
{
	unsigned depth, slot = 0;

	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		const struct cap *c = &n->slot[slot];

		n = c->type == CAP_NODE ? cap_node(c) : NULL;
		depth = c->data & 0xFF;
		if (!n || depth > LEVELS_MAX || (uint64_t)number >> 4 * depth >= NODE_SLOTS)
			break;
		slot = (uint64_t)number >> 4 * depth;
		number -= (uint64_t)slot << 4 * depth;
		if (depth == 0)
			return (struct place){ n, slot };
	}
	return (struct place){ NULL, 0 };
}

static bool is_swap(uint32_t order)
{
	return order == OC_SWAP || (order >= OC_SWAP_FIRST && order <= OC_SWAP_LAST);
}

/* The slot that the message is about.  It is no fetch and no swap, or a level is missing: its node is NULL. */
static enum supernode place_find(struct inv *inv, struct node *n, struct place *at)
{
	uint32_t number = inv->order & 15;

	*at = (struct place){ NULL, 0 };
	if (inv->order > OC_SWAP_LAST && inv->order != OC_FETCH && inv->order != OC_SWAP)
		return SUPERNODE_KEEPER;
	if (inv->order > OC_SWAP_LAST && !keykos_argument(inv, &number, sizeof number))
		return SUPERNODE_STALLED;
	if (!((uint32_t)n->slot[15].ref & 15) || (is_swap(inv->order) && inv->target.data & DB_READONLY))
		return SUPERNODE_KEEPER;
	*at = number_find(n, number);
	return at->node ? SUPERNODE_KERNEL : SUPERNODE_KEEPER;
}

enum supernode supernode_whose(struct inv *inv, struct node *n, uint32_t format)
{
	struct place at;

	if (!(format & FORMAT_SUPERNODE) || !(inv->control & INV_KEYKOS))
		return SUPERNODE_KEEPER;
	return inv->order == OC_MOVE ? SUPERNODE_KERNEL : place_find(inv, n, &at);
}

bool supernode_dispatch(struct inv *inv)
{
	struct node *n = inv->target.type == CAP_SEGMENT ? cap_node(&inv->target) : NULL;
	struct place at;

	if (!n || !(segment_format(&inv->target) & FORMAT_SUPERNODE))
		return false;
	if (inv->order == OC_MOVE) {
		commit_point();
		for (unsigned i = 0; i < 3; i++)
			inv_out_cap(inv, i, *inv_cap(inv, i));
		return true;
	}
	switch (place_find(inv, n, &at)) {
	case SUPERNODE_KEEPER: return false;
	case SUPERNODE_STALLED: return true;
	case SUPERNODE_KERNEL: break;
	}
	commit_point();
	inv_out_cap(inv, 0, at.node->slot[at.slot]);
	if (is_swap(inv->order))
		node_store(at.node, at.slot, inv_cap(inv, 0));
	return true;
}
