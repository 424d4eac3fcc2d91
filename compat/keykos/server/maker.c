/*
 * maker.c - the requestor's interface of objects that the server makes by itself.
 *
 *	MAKER(KT ==> type)      MAKER(-1;F ==> c)  0 F has no holes, 1 it has, 2 it is no factory
 *	MAKER(oc;psb,m,sb ==> c;OBJECT)            any other code up to 0xC0000000; 1 psb is not official, 2 no space or no meter
 *
 * A maker is a factory without holes that cannot be opened.  What it makes is in the rows of kinds.c.
 */
#include "object.h"

#define CLASS_METER 4

uint32_t maker_serve(unsigned index, uint32_t order)
{
	const struct kind_row *row = &kinds[objects[index].kind];
	uint64_t class = 0;
	unsigned bank;
	uint32_t rc;

	if (order == KT)
		return row->type;
	if (order == RC_FOREIGN)
		return key_compares(K0, 0, 0);
	if (order > 0xC0000000u)
		return RC_UNKNOWN;
	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	discrim_classify(R_DISCRIM, K1, &class);
	if (class != CLASS_METER)
		return RC_NO_SPACE;
	rc = row->make(index, order, R_A);
	if (rc == RC_OK)
		reply_key(0, R_A);
	return rc;
}
