/*
 * keytree.c - many keys of one object, by 32-bit numbers: a tree of nodes under slot 12 of its node.
 *
 * The tree is as deep as its highest number needs: one node holds 0..15, eight levels hold all.  Its nodes are the
 * object's bank's.
 *
 * Invariant: at depths above 1 a slot holds one of our nodes or nothing, so what a client stored is never walked.
 */
#include "object.h"

#define SLOT_TREE 12
#define DEPTH_MAX 8u

static const cap_t depth_reg[DEPTH_MAX + 1] = { 0, R_A, R_B, R_C, R_D, R_E, R_F, K1, K2 };

/* From the object's bank, or, if it has none, the server's. */
static bool node_take(unsigned index, cap_t to)
{
	unsigned bank = objects[index].bank;

	return (bank ? bank_take(bank, 0, to) : bank_alloc_node(CR_BANK, to)) == RC_OK;
}

static unsigned depth_needed(uint32_t number)
{
	unsigned depth = 1;

	while (depth < DEPTH_MAX && number >> 4 * depth)
		depth++;
	return depth;
}

/* The old root becomes slot 0 of a new one. */
static uint32_t deepen(unsigned index)
{
	struct object *o = &objects[index];

	if (!node_take(index, R_D))
		return KEYTREE_NO_DEPTH;
	if (o->tree_depth) {
		object_get(index, SLOT_TREE, R_E);
		node_swap(R_D, 0, R_E, CR_VOID);
	}
	object_put(index, SLOT_TREE, R_D);
	o->tree_depth++;
	return RC_OK;
}

/* Stores in under that number; what was there goes to old.  Neither may be R_D or R_E. */
uint32_t keytree_swap(unsigned index, uint32_t number, cap_t in, cap_t old)
{
	struct object *o = &objects[index];
	uint32_t rc = RC_OK;

	while (rc == RC_OK && o->tree_depth < depth_needed(number))
		rc = deepen(index);
	if (rc != RC_OK)
		return rc;
	object_get(index, SLOT_TREE, R_D);
	for (unsigned depth = o->tree_depth; depth > 1; depth--) {
		unsigned slot = number >> 4 * (depth - 1) & 15;

		node_fetch(R_D, slot, R_E);
		if (key_is_null(R_E)) {
			if (!node_take(index, R_E))
				return KEYTREE_NO_NODE;
			node_swap(R_D, slot, R_E, CR_VOID);
		}
		node_fetch(R_D, slot, R_D);
	}
	node_swap(R_D, number & 15, in, old);
	return RC_OK;
}

/* DK(0) if there is none. */
void keytree_fetch(unsigned index, uint32_t number, cap_t to)
{
	unsigned depth = objects[index].tree_depth;

	cap_copy(to, CR_VOID);
	if (depth < depth_needed(number))
		return;
	object_get(index, SLOT_TREE, R_D);
	if (node_tree_fetch(R_D, number, depth, to) != RC_OK)
		cap_copy(to, CR_VOID);
}

static void level_give(unsigned bank, unsigned depth)
{
	for (unsigned i = 0; depth > 1 && i < NODE_SLOTS; i++) {
		node_fetch(depth_reg[depth], i, depth_reg[depth - 1]);
		if (!key_is_null(depth_reg[depth - 1]))
			level_give(bank, depth - 1);
	}
	bank_give(bank, 0, depth_reg[depth]);
}

void keytree_clear(unsigned index)
{
	struct object *o = &objects[index];

	if (o->tree_depth == 0)
		return;
	object_get(index, SLOT_TREE, depth_reg[o->tree_depth]);
	level_give(o->bank, o->tree_depth);
	object_put(index, SLOT_TREE, CR_VOID);
	o->tree_depth = 0;
}
