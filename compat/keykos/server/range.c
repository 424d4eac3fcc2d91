/*
 * range.c - node ranges and page ranges: what a space bank of a program's own is made over.
 *
 *	RANGE(0, 5,(4,n) ==> c;K)      the n-th object; -1 there is none, 2 no storage
 *	RANGE(1;K ==> c,(4,n))         which it is, 1 if it is gratis; -1 it is not of this range, or not a full key
 *	RANGE(2;K ==> c;K)             severs: every other key to it is dead; -1 as above
 *	RANGE(3, 4;K ==> c)            gratis, not gratis: 1 tells by code 1, and it counts for nothing here
 *	RANGE(6;K ==> c;K)             severs and clears
 *	RANGE(8,(6,n) ==> c;K)         severs and clears by place, of a node after resume keys in it are answered KT+1;
 *	                               (9,(6,n) ==> c;K)  clears by place
 *	RANGE(42;K ==> c)              of pages: severs, and the place has no storage until it is asked for again
 *	RANGE(KT ==> 0x303 nodes, 0x302 pages)
 *
 * Places are numbers here, not addresses on a disk: an object is taken from the bank when it is first asked for.  Its
 * key stands in the key tree under its place, and the range's key set knows the place of a key.
 * Source: keykos.md 2.13.
 */
#include <keros/page.h>
#include "object.h"

#define PLACES       0x10000u              /* of each range */
#define RC_NO_STORE  2u

static unsigned nodes;                     /* the node range, whose nodes may be roots of domains */

static bool of_pages(unsigned index)
{
	return objects[index].kind == KIND_PAGE_RANGE;
}

static bool remember(unsigned index, uint32_t place, cap_t key)
{
	struct entry e;

	keyset_bits(key, &e);
	e.number = place;
	return keyset_add(index, &objects[index].set.count, &e) == RC_OK && keytree_swap(index, place, key, CR_VOID) == RC_OK;
}

/* The object at a place, in R_A. */
static uint32_t object_at(unsigned index, uint64_t place)
{
	uint32_t rc;

	if (place >= PLACES)
		return RC_FOREIGN;
	keytree_fetch(index, place, R_A);
	if (!key_is_null(R_A))
		return RC_OK;
	rc = of_pages(index) ? bank_alloc_page(CR_BANK, R_A) : bank_alloc_node(CR_BANK, R_A);
	if (rc != RC_OK)
		return RC_NO_STORE;
	if (!remember(index, place, R_A)) {
		bank_free(CR_BANK, R_A);
		return RC_NO_STORE;
	}
	return RC_OK;
}

/*
 * NULL if it is not of this range.  A node key is one whatever its data byte says: it may be of a memory tree.  In R_A the
 * key as the range gives it.
 */
static const struct entry *entry_of(unsigned index, cap_t key)
{
	struct entry e;

	cap_copy(R_A, key);
	if (!of_pages(index) && key_type(key) == TYPE_NODE)
		node_make_node(R_A, 0, R_A);
	keyset_bits(R_A, &e);
	return keyset_find(index, objects[index].set.count, &e, ARENA_A);
}

static uint32_t place_of(unsigned index, cap_t key, uint32_t *place)
{
	const struct entry *found = entry_of(index, key);

	if (found == NULL)
		return RC_FOREIGN;
	*place = found->number;
	return RC_OK;
}

static uint32_t gratis_set(unsigned index, cap_t key, bool gratis)
{
	const struct entry *found = entry_of(index, key);
	struct entry e;

	if (found == NULL)
		return RC_FOREIGN;
	e = *found;
	e.gratis = gratis;
	return keyset_add(index, &objects[index].set.count, &e) == RC_OK ? RC_OK : RC_NO_STORE;
}

static uint32_t tell(unsigned index, cap_t key)
{
	const struct entry *found = entry_of(index, key);

	if (found == NULL)
		return RC_FOREIGN;
	reply_bytes(&found->number, sizeof found->number);
	return found->gratis;
}

bool range_place(cap_t node, uint32_t *place)
{
	return place_of(nodes, node, place) == RC_OK;
}

void range_node(uint32_t place, cap_t to)
{
	keytree_fetch(nodes, place, to);
}

unsigned range_make(enum kind kind)
{
	unsigned index;

	if (object_make(kind, 0, &index) != RC_OK)
		return 0;
	if (kind == KIND_NODE_RANGE)
		nodes = index;
	return index;
}

/* Severs what is in R_A; the new key is there then. */
static uint32_t sever(unsigned index, uint32_t place, bool severs, bool clears)
{
	const struct entry *found = entry_of(index, R_A);
	bool gratis = found && found->gratis;
	struct entry e;

	if (severs) {
		keyset_bits(R_A, &e);
		if (bank_sever(CR_BANK, R_A, R_B) != RC_OK)
			return RC_FOREIGN;
		keyset_delete(index, &objects[index].set.count, &e);
		cap_copy(R_A, R_B);
		if (!remember(index, place, R_A) || (gratis && gratis_set(index, R_A, true) != RC_OK))
			return RC_NO_STORE;
	}
	if (clears && of_pages(index))
		page_clear(R_A);
	else if (clears)
		node_clear(R_A);
	if (index == nodes && clears)
		root_cleared(place);
	else if (index == nodes && severs)
		root_severed(place);
	reply_key(0, R_A);
	return RC_OK;
}

/* Whoever waits for a resume key that stands in the node in R_A, or that the domain has of which that is the root. */
static void waiters_tell(uint32_t place)
{
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		node_fetch(R_A, i, R_F);
		resume_refuse(R_F);
	}
	root_refuses(place);
}

static uint32_t serve_place(unsigned index, uint32_t order)
{
	uint64_t place = 0;
	uint32_t rc;

	/* Of six bytes: the first is the highest, as addresses on a disk are written. */
	if (order >= 8)
		for (unsigned i = 0; i < 6; i++)
			place = place << 8 | message_string[i];
	else
		place = arg32(0);
	rc = object_at(index, place);
	if (rc == RC_OK && order == 8 && !of_pages(index))
		waiters_tell(place);
	return rc == RC_OK ? sever(index, place, order == 8, order >= 8) : rc;
}

static uint32_t serve_key(unsigned index, uint32_t order)
{
	uint32_t place, rc = place_of(index, K0, &place);

	if (rc != RC_OK)
		return rc;
	return sever(index, place, true, order == 6);
}

static uint32_t page_give(unsigned index, cap_t key)
{
	uint32_t place, rc = place_of(index, key, &place);
	struct entry e;

	if (rc != RC_OK)
		return rc;
	keyset_bits(key, &e);
	if (bank_free(CR_BANK, key) != RC_OK)
		return RC_FOREIGN;
	keyset_delete(index, &objects[index].set.count, &e);
	keytree_swap(index, place, CR_VOID, CR_VOID);
	return RC_OK;
}

uint32_t range_serve(unsigned index, uint32_t order)
{
	switch (order) {
	case 0: case 5: case 8: case 9: return serve_place(index, order);
	case 1: return tell(index, K0);
	case 2: case 6: return serve_key(index, order);
	case 3: case 4: return gratis_set(index, K0, order == 3);
	case 42:
		if (!of_pages(index))
			break;
		return page_give(index, K0);
	case KT: return of_pages(index) ? 0x302 : 0x303;
	}
	return RC_UNKNOWN;
}
