/*
 * snode.c - super nodes: keys by 32-bit numbers.
 *
 *	SNODEF(0;psb,m,sb ==> c;SNODE)          sb pays for all of it
 *	SNODE(n ==> 0;K), (16+n;K ==> c;old)    n < 16
 *	SNODE(41,(4,n) ==> 0;K), (42,(4,n);K ==> c;old)   c: 2 no space for depth, 3 no space on the way
 *	SNODE(32 ==> 0;SNODE)                   a key that only fetches
 *	SNODE(39 ==> 0) clears, (50;K0,K1,K2 ==> 0;K0,K1,K2), KT 0x30D, KT+4 destroys
 * Source: keykos.md 2.3 and 4.8.
 */
#include "object.h"

#define WEAK 1

uint32_t snode_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned bank, made;

	(void)index, (void)order;
	if (!bank_open(K2, &bank) || object_make(KIND_SNODE, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	object_key(made, 0, to);
	return RC_OK;
}

static uint32_t fetch(unsigned index, uint32_t number)
{
	keytree_fetch(index, number, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

static uint32_t swap(unsigned index, uint32_t number)
{
	uint32_t rc;

	if (face & WEAK)
		return RC_UNKNOWN;
	rc = keytree_swap(index, number, K0, R_A);
	if (rc == RC_OK)
		reply_key(0, R_A);
	return rc;
}

uint32_t snode_serve(unsigned index, uint32_t order)
{
	if (order < 16)
		return fetch(index, order);
	if (order < 32)
		return swap(index, order - 16);
	switch (order) {
	case 32:
		object_key(index, WEAK, R_A);
		reply_key(0, R_A);
		return RC_OK;
	case 39:
		if (face & WEAK)
			break;
		keytree_clear(index);
		return RC_OK;
	case 41: return fetch(index, arg32(0));
	case 42: return swap(index, arg32(0));
	case 50:
		for (unsigned i = 0; i < 3; i++)
			reply_key(i, K0 + i);
		return RC_OK;
	case KT: return 0x30D;
	case OC_DESTROY:
		if (face & WEAK)
			break;
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}
