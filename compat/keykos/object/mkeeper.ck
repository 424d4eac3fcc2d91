/*
 * mkeeper.ck - a meter keeper that keeps: it holds what has run out of time until it is told to let it go.
 *
 *	MKEEPERF(0;psb,m,sb ==> c;MKEEPER)    2 no space
 *	MKEEPER(-1;,,METER,RESTART)           a domain's meter is empty: its restart key is kept
 *	MKEEPER(0 ==> 0)                      every one of them goes on (or comes back, if its meter is still empty)
 *	MKEEPER(1 ==> n)                      how many there are
 *	MKEEPER(KT ==> 0x106), (KT+4 ==> c)   1 it holds keys
 * Component 0 is the maker of super nodes, where the keys are kept by number.
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "mkeeper.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "snode.h"

KEY COMP   = 0;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY METER  = 5;
KEY HELD   = 7;
KEY K      = 8;
KEY NOBODY = 9;

char title[] = "MKEEPERF";

static void restart(UINT32 n)
{
	JUMPBUF;
	struct SNode_Slot slot;

	for (slot.Slot = 0; slot.Slot < n; slot.Slot++) {
		KC (HELD, SNode_Fetch) STRUCTFROM(slot) KEYSTO(K);
		LDEXBL (K, OK_RC);
		FORKJUMP();
	}
	KC (HELD, SNode_Clear);
}

void factory(UINT32 order)
{
	JUMPBUF;
	struct SNode_Slot slot = { 0 };
	UINT32 oc, rc;

	(void)order;
	KC (COMP, 0) KEYSTO(K);
	KC (K, SNodeF_Create) KEYSFROM(PSB, METER, PSB) KEYSTO(HELD) RCTO(rc);
	if (rc)
		exit(NOSPACE_RC);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(K);
	LDEXBL (CALLER, OK_RC) KEYSFROM(K);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		switch (oc) {
		case MKeeper_RestartKeys:
			restart(slot.Slot);
			slot.Slot = 0;
			LDEXBL (CALLER, OK_RC);
			break;
		case MKeeper_HowManyKeys: LDEXBL (CALLER, slot.Slot); break;
		case KT: LDEXBL (CALLER, MKeeper_AKT); break;
		case DESTROY_OC:
			if (slot.Slot) {
				LDEXBL (CALLER, MKeeper_HoldsKeys);
				break;
			}
			KC (HELD, DESTROY_OC);
			return;
		case 0xFFFFFFFF:
			KC (HELD, SNode_Swap) STRUCTFROM(slot) KEYSFROM(CALLER) RCTO(rc);
			/* Without room for its key it goes on at once: to keep none is better than to lose one. */
			if (rc)
				LDEXBL (CALLER, OK_RC);
			else
				LDEXBL (NOBODY, 0);
			slot.Slot += rc == 0;
			break;
		default: LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
