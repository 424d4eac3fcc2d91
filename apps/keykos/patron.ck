/*
 * patron.ck - a meter keeper that pays: a program that has run out of time goes on as long as there is money.
 *
 *	PATRONF(0;psb,m,sb ==> 0;PATRON)
 *	PATRON as a meter keeper (order code 0xFFFFFFFF, the dry meter's node in key 2, a restart key in key 3):
 *	    puts one grant on the meter and lets the domain go on; with an empty purse the domain waits here
 *	PATRON(0,(4,grants)(4,ticks a grant) ==> 0)   fills the purse, and pays who waits; a tick is 1/16 us
 *	PATRON(1 ==> 0,(4,paid)(4,waiting))
 *	PATRON(KT ==> 0x10C7), PATRON(KT+4 ==> c)     1: somebody waits
 *
 * doc/keykos/patron.md
 */
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "sb.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY SELF   = 7;
KEY METER  = 8;                            /* the node of the meter that is dry */
KEY METERS = 9;                            /* of those who wait: the meters' nodes ... */
KEY QUEUE  = 10;                           /* ... and their restart keys */

#define WAITERS 16
#define COUNTER_SLOT 3
#define DRY 0xFFFFFFFFu

struct purse {
	UINT32 grants, ticks, paid, waiting;
};

char title[] = "PATRON  ";

/* One grant to the meter METER; its domain, CALLER, goes on. */
static void pay(struct purse *purse)
{
	JUMPBUF;
	struct Node_KeyValues counter;

	memset(&counter, 0, sizeof counter);
	counter.StartSlot = counter.EndSlot = COUNTER_SLOT;
	for (unsigned i = 0; i < 4; i++)
		counter.Slots[0].Byte[15 - i] = purse->ticks >> (8 * i);
	KC (METER, Node_WriteData) CHARFROM(&counter, 8 + Node_KEYLENGTH);
	purse->grants--;
	purse->paid++;
	LDEXBL (CALLER, OK_RC);
	FORKJUMP();
}

static void pay_all(struct purse *purse)
{
	JUMPBUF;

	while (purse->waiting && purse->grants) {
		purse->waiting--;
		KC (METERS, Node_Fetch + purse->waiting) KEYSTO(METER);
		KC (QUEUE, Node_Swap + purse->waiting) KEYSTO(CALLER);
		pay(purse);
	}
}

void factory(void)
{
	JUMPBUF;
	struct { UINT32 grants, ticks; } ask;
	struct { UINT32 paid, waiting; } told;
	struct purse purse = { 0, 16 * 1000, 0, 0 };
	UINT32 oc, length, rc;

	KC (PSB, SB_CreateTwoNodes) KEYSTO(METERS, QUEUE) RCTO(rc);
	if (rc)
		exit(NOSPACE_RC);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,METER,CALLER) STRUCTTO(ask,, length);
		RETJUMP();
		if (oc == DRY) {
			if (purse.grants) {
				pay(&purse);
			} else if (purse.waiting < WAITERS) {
				KC (METERS, Node_Swap + purse.waiting) KEYSFROM(METER);
				KC (QUEUE, Node_Swap + purse.waiting) KEYSFROM(CALLER);
				purse.waiting++;
			}
			KC (DOMKEY, Domain_SwapKey + CALLER);
			LDEXBL (CALLER, OK_RC);        /* to nobody */
		} else if (oc == 0) {
			KC (DOMKEY, Domain_GetKey + CALLER) KEYSTO(SELF);
			purse.grants = length >= 4 ? ask.grants : 0;
			purse.ticks = length >= 8 ? ask.ticks : purse.ticks;
			pay_all(&purse);
			LDEXBL (SELF, OK_RC);
		} else if (oc == 1) {
			told.paid = purse.paid;
			told.waiting = purse.waiting;
			LDEXBL (CALLER, OK_RC) STRUCTFROM(told);
		} else if (oc == KT) {
			LDEXBL (CALLER, 0x10C7);
		} else if (oc == KT+4 && purse.waiting) {
			LDEXBL (CALLER, 1);
		} else if (oc == KT+4) {
			break;
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
	KC (PSB, SB_DestroyTwoNodes) KEYSFROM(METERS, QUEUE) RCTO(rc);
}
