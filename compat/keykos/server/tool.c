/*
 * tool.c - the domain tool of programs: the kernel's, and domains whose root is a node of the node range.
 *
 *	DOMTOOL(0;N ==> c;D)          the domain of which N is the root; -1 N is no full key to a node of nrange
 *	DOMTOOL(1, 2, 3;K,B ==> c;N)  whose start, resume or domain key K is, if its brand is B: its root, or, of a domain
 *	                              that has none, its domain key; -1 it is not so
 *	DOMTOOL(5..7, 9..11;K,B ==> c;N)  who keeps a segment, a meter, as the kernel's tool answers
 *	DOMTOOL(KT ==> 0x109)
 *
 * A domain is an object of its own here and no node, so a node that is to be a root gets a process to go with it, which
 * takes over at once what the root says: slots 0 brand, 1 meter, 2 keeper, 3 memory, 10, 11, and the general keys in the
 * node of slot 14.  Later changes of those nodes change nothing.  Root and domain share their end: range.c tells of it.
 *
 * Invariants
 *   1. A process stands in the key tree under its root's place in nrange, and the key set knows the place of a process.
 *   2. When the root is severed or cleared, no key to the domain from before is alive.
 * Source: keykos.md 1.4 and 2.9.
 */
#include <keros/abi.h>
#include "object.h"

enum { ROOT_BRAND, ROOT_METER, ROOT_KEEPER, ROOT_MEMORY, ROOT_10 = 10, ROOT_11, ROOT_KEYS = 14 };
#define SWAP 32u                           /* of a domain: order code of a get + this; of a general key: 48 + slot */

static unsigned tool;

unsigned tool_make(void)
{
	return object_make(KIND_DOMTOOL, 0, &tool) == RC_OK ? tool : 0;
}

/* ---- roots and their processes ----------------------------------------------------------- */

static bool process_remember(uint32_t place, cap_t process)
{
	struct entry e;

	keyset_bits(process, &e);
	e.number = place;
	return keyset_add(tool, &objects[tool].set.count, &e) == RC_OK && keytree_swap(tool, place, process, CR_VOID) == RC_OK;
}

static void process_forget(uint32_t place, cap_t process)
{
	struct entry e;

	keyset_bits(process, &e);
	keyset_delete(tool, &objects[tool].set.count, &e);
	keytree_swap(tool, place, CR_VOID, CR_VOID);
}

/* The root in R_A says what the domain in R_B begins with. */
static void domain_take_over(void)
{
	static const uint8_t slots[] = { ROOT_METER, ROOT_KEEPER, ROOT_MEMORY, ROOT_10, ROOT_11 };

	node_fetch(R_A, ROOT_BRAND, R_C);
	if (!key_is_null(R_C))
		proctool_set_brand(R_PROCTOOL, R_B, R_C);
	primary(R_B, 65, CR_VOID, CR_VOID);
	for (unsigned i = 0; i < sizeof slots; i++) {
		node_fetch(R_A, slots[i], R_C);
		primary(R_B, SWAP + slots[i], R_C, CR_VOID);
	}
	node_fetch(R_A, ROOT_KEYS, R_F);
	if (key_type(R_F) != TYPE_NODE)
		return;
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		node_fetch(R_F, i, R_C);
		primary(R_B, 48 + i, R_C, CR_VOID);
	}
}

static uint32_t domain_of(cap_t root)
{
	uint32_t place;

	if (key_type(root) != TYPE_NODE || !range_place(root, &place))
		return RC_FOREIGN;
	keytree_fetch(tool, place, R_B);
	if (!key_is_null(R_B)) {
		reply_key(0, R_B);
		return RC_OK;
	}
	if (bank_alloc_process(CR_BANK, R_B) != RC_OK)
		return RC_FOREIGN;
	range_node(place, R_A);
	domain_take_over();
	if (!process_remember(place, R_B)) {
		process_forget(place, R_B);
		bank_free(CR_BANK, R_B);
		return RC_FOREIGN;
	}
	reply_key(0, R_B);
	return RC_OK;
}

void root_severed(uint32_t place)
{
	keytree_fetch(tool, place, R_C);
	if (key_is_null(R_C))
		return;
	process_forget(place, R_C);
	if (bank_sever(CR_BANK, R_C, R_F) != RC_OK || !process_remember(place, R_F))
		bank_free(CR_BANK, R_C);
}

void root_cleared(uint32_t place)
{
	keytree_fetch(tool, place, R_C);
	if (key_is_null(R_C))
		return;
	process_forget(place, R_C);
	bank_free(CR_BANK, R_C);
}

void root_refuses(uint32_t place)
{
	keytree_fetch(tool, place, R_C);
	for (unsigned i = 0; i < NODE_SLOTS && !key_is_null(R_C); i++) {
		primary(R_C, 16 + i, CR_VOID, R_F);
		resume_refuse(R_F);
	}
}

/* ---- order codes ------------------------------------------------------------------------- */

/* The kernel's tool gave a domain: its root, if it has one. */
static void tell_root(void)
{
	const struct entry *found;
	struct entry e;

	keyset_bits(R_B, &e);
	found = keyset_find(tool, objects[tool].set.count, &e, ARENA_A);
	if (found)
		range_node(found->number, R_B);
	reply_key(0, R_B);
}

static uint32_t identify(uint32_t order)
{
	struct msg m = { .order = order, .send = { K0, K1 }, .recv = { R_B } };

	inv_raw(INV_CALL | INV_KEYKOS, R_PROCTOOL, &m);
	if (m.order >= KT)
		return m.order;
	if (order <= 3)
		tell_root();
	else
		reply_key(0, R_B);
	return m.order;
}

uint32_t tool_serve(unsigned index, uint32_t order)
{
	(void)index;
	switch (order) {
	case 0: return domain_of(K0);
	case 1: case 2: case 3: case 5: case 6: case 7: case 9: case 10: case 11: return identify(order);
	case KT: return 0x109;
	}
	return RC_UNKNOWN;
}
