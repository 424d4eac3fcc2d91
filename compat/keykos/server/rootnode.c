/*
 * rootnode.c - the nodes that a system of the ancestor began with: what its first command file, and programs that were
 * written against rootnode.h and wombdefs.h, take their keys from.
 *
 *	rootnode    slots 0 to 2 for the command file's own directories; 3 early keys, 4 early domains, 5 first objects, 6 their
 *	            builders, 7 to 9 the kernel's keys, 10 bwait, 11 segments
 *	wombfacil   0 fundamental keys, 1 support, 2 resources: a fetch key
 *
 * A slot whose key is none of this system's, such as a device's, is DK(0).  The early meters are nodes below the
 * directory's meter, with time without end.
 * Source: keykos.md 6.4 and 7.4.
 */
#include "object.h"

enum nodes { ROOT, EARLY, DOMAINS, FIRST, BUILDERS, KERNEL, KERNEL_M, KERNEL_D, SEGMENTS, BANKS, METERS, WOMB, FUNDAMENTAL, SUPPORT,
	     RESOURCES, NODES };

/* Every key by the directory's name of it. */
static const struct { uint8_t node, slot; const char *name; } keys[] = {
	{ ROOT, 10, "bwaitnode" },
	{ EARLY, 0, "sbt" }, { EARLY, 1, "sb" }, { EARLY, 2, "m" }, { EARLY, 3, "dcc" }, { EARLY, 4, "console" },
	{ EARLY, 8, "journalnode" }, { EARLY, 11, "prange" },
	{ FIRST, 0, "kidc" }, { FIRST, 1, "fcc" }, { FIRST, 2, "fc" }, { FIRST, 4, "fsf" }, { FIRST, 5, "snodef" }, { FIRST, 6, "tdof" },
	{ FIRST, 9, "virtualzeroseg" },
	{ KERNEL, 2, "discrim" }, { KERNEL, 3, "returner" }, { KERNEL, 4, "dkc" }, { KERNEL, 5, "systimer" },
	{ KERNEL, 6, "calclock" }, { KERNEL, 10, "domtool" }, { KERNEL, 14, "keybits" },
	{ FUNDAMENTAL, 0, "discrim" }, { FUNDAMENTAL, 1, "dkc" }, { FUNDAMENTAL, 2, "returner" }, { FUNDAMENTAL, 4, "sbt" },
	{ FUNDAMENTAL, 5, "fc" },
	{ SUPPORT, 0, "dcc" },
	{ RESOURCES, 0, "m" }, { RESOURCES, 1, "sb" },
};

/* Which node stands in which slot of which other: those above come later. */
static const struct { uint8_t node, slot, inner; } nodes[] = {
	{ EARLY, 9, BANKS }, { EARLY, 10, METERS }, { WOMB, 0, FUNDAMENTAL }, { WOMB, 1, SUPPORT }, { WOMB, 2, RESOURCES },
	{ EARLY, 14, WOMB },
	{ ROOT, 3, EARLY }, { ROOT, 4, DOMAINS }, { ROOT, 5, FIRST }, { ROOT, 6, BUILDERS }, { ROOT, 7, KERNEL },
	{ ROOT, 8, KERNEL_M }, { ROOT, 9, KERNEL_D }, { ROOT, 11, SEGMENTS },
};

enum { EARLY_METERS = 3, METER_SYSTEM = 0, METER_BASIC = 2 };
enum { METER_ABOVE = 1, METER_COUNTERS = 3, METER_COUNTERS_END = 6 };
#define COUNTER_FULL 0xFFFFFFFFFFFFFFull
#define OC_MAKE_METER 34u
#define FC_NO_RECALL 2u

/* All of them stand in the node R_F, by their numbers, while they are filled. */
static void node_see(enum nodes which, cap_t to)
{
	node_fetch(R_F, which, to);
}

static bool nodes_make(void)
{
	if (bank_alloc_node(CR_BANK, R_F) != RC_OK)
		return false;
	for (unsigned i = 0; i < NODES; i++) {
		if (bank_alloc_node(CR_BANK, R_A) != RC_OK)
			return false;
		node_swap(R_F, i, R_A, CR_VOID);
	}
	return true;
}

static bool keys_fill(void)
{
	unsigned fc, fc_face;

	for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (!directory_find(keys[i].name, R_C))
			return false;
		node_see(keys[i].node, R_A);
		node_swap(R_A, keys[i].slot, R_C, CR_VOID);
	}
	/* The creator for everybody cannot recall what it made. */
	if (!directory_find("fc", R_C) || !key_open(R_C, KIND_FC, &fc, &fc_face))
		return false;
	object_key(fc, FC_NO_RECALL, R_C);
	node_see(FIRST, R_A);
	node_swap(R_A, 3, R_C, CR_VOID);
	return true;
}

/* System and user below the directory's meter, basic below system. */
static bool meters_make(void)
{
	if (!directory_find("m", R_C))
		return false;
	for (unsigned i = 0; i < EARLY_METERS; i++) {
		if (bank_alloc_node(CR_BANK, R_A) != RC_OK)
			return false;
		node_see(METERS, R_B);
		if (i == METER_BASIC) {
			node_fetch(R_B, METER_SYSTEM, R_C);
			primary(R_C, OC_MAKE_METER, CR_VOID, R_C);
		}
		node_swap(R_A, METER_ABOVE, R_C, CR_VOID);
		for (unsigned slot = METER_COUNTERS; slot < METER_COUNTERS_END; slot++)
			node_write_number(R_A, slot, COUNTER_FULL, 0);
		node_swap(R_B, i, R_A, CR_VOID);
	}
	return true;
}

bool rootnode_make(cap_t root, cap_t womb)
{
	if (!nodes_make() || !keys_fill() || !meters_make())
		return false;
	for (unsigned i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		node_see(nodes[i].node, R_A);
		node_see(nodes[i].inner, R_C);
		node_swap(R_A, nodes[i].slot, R_C, CR_VOID);
	}
	node_see(ROOT, root);
	node_see(WOMB, womb);
	node_make_fetch(womb, 0, womb);
	bank_free(CR_BANK, R_F);
	return true;
}
