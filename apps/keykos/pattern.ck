/*
 * pattern.ck - a segment keeper of one's own: a segment whose pages come into being, each with its number written on it.
 *
 *	PATTERNF(0;psb,m,sb ==> 0;SEG)
 *	SEG as memory: fourteen pages; page n begins with "page n of the pattern"; what is stored stays
 *	SEG(0 ==> 0,(4,faults))       how often the keeper was asked for a page
 *	SEG(1 ==> 0;K)                a read-only key
 *	SEG(KT ==> 0x10C5), SEG(KT+4 ==> 0)
 *
 * A key to SEG is a red segment key: faults in it and calls of it both come to this domain, the faults with order code
 * 0xFFFFFFFF and the offset in the string.  A store to the read-only key answers KT+8, which traps.  doc/keykos/pattern.md
 */
#include <stdio.h>
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "page.h"
#include "program.h"
#include "sb.h"

KEY SB     = 1;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY NODE   = 7;                            /* the segment's root */
KEY ASKED  = 8;                            /* as it came with the message: data byte and all */
KEY K0     = 9;

#define PAGES 14
#define KEEPER_SLOT 14
#define FORMAT_SLOT 15
#define FAULT 0xFFFFFFFFu

char title[] = "PATTERN ";

static UINT32 segment_make(void)
{
	JUMPBUF;
	static const struct Node_KeyValues format = { FORMAT_SLOT, FORMAT_SLOT, { FormatK(0, 15, KEEPER_SLOT, PAGES, 3) } };
	UINT32 rc;

	KC (SB, SB_CreateNode) KEYSTO(NODE) RCTO(rc);
	if (rc)
		return NOSPACE_RC;
	KC (DOMKEY, Domain_MakeStart) KEYSTO(K0);
	KC (NODE, Node_Swap + KEEPER_SLOT) KEYSFROM(K0);
	KC (NODE, Node_WriteData) CHARFROM(&format, 8 + Node_KEYLENGTH);
	return OK_RC;
}

/* The page that is missing; a code at or above KT sends the faulting domain to its own keeper. */
static UINT32 page_come(UINT32 page)
{
	JUMPBUF;
	char text[64];
	UINT32 rc;

	if (page >= PAGES)
		return NOSTORE_RC;
	KC (NODE, Node_Fetch + page) KEYSTO(K0);
	KC (K0, KT) RCTO(rc);
	if (rc == Page_AKT)
		return NOSTORE_RC;             /* it is there: the store came through a read-only key */
	KC (SB, SB_CreatePage) KEYSTO(K0) RCTO(rc);
	if (rc)
		return NOPAGES_RC;
	sprintf(text, "page %u of the pattern", (unsigned)page);
	KC (K0, Page_WriteData) CHARFROM(text, strlen(text) + 1);
	KC (NODE, Node_Swap + page) KEYSFROM(K0);
	return OK_RC;
}

void factory(void)
{
	JUMPBUF;
	unsigned long long place;
	UINT32 oc, rc, faults = 0;
	struct Node_DataByteValue read_only = { 0x80 };

	rc = segment_make();
	if (rc)
		exit(rc);
	KC (NODE, Node_MakeSegmentKey) KEYSTO(K0);
	LDEXBL (CALLER, OK_RC) KEYSFROM(K0);
	for (;;) {
		place = 0;
		LDENBL OCTO(oc) KEYSTO(,,ASKED,CALLER) STRUCTTO(place);
		RETJUMP();
		if (oc == FAULT) {
			faults++;
			rc = page_come((UINT32)(place >> 16) / 4096);
			LDEXBL (CALLER, rc);
		} else if (oc == 0) {
			LDEXBL (CALLER, OK_RC) STRUCTFROM(faults);
		} else if (oc == 1) {
			KC (NODE, Node_MakeSegmentKey) STRUCTFROM(read_only) KEYSTO(K0);
			LDEXBL (CALLER, OK_RC) KEYSFROM(K0);
		} else if (oc == KT) {
			LDEXBL (CALLER, 0x10C5);
		} else if (oc == KT+4) {
			break;
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
	for (UINT32 page = 0; page < PAGES; page++) {
		KC (NODE, Node_Fetch + page) KEYSTO(K0);
		KC (SB, SB_DestroyPage) KEYSFROM(K0) RCTO(rc);
	}
	KC (SB, SB_DestroyNode) KEYSFROM(NODE) RCTO(rc);
}
