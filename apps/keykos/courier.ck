/*
 * courier.ck - a hit counter that tells somebody: the same object as counter.ck, whose factory has one hole.
 *
 *	COURIERF(0;psb,m,sb ==> 0;CTR)      component 1, a hole: who is told
 *	CTR(0 ==> 0,(4,count))              counts one hit, and calls component 1 with order code 0
 *	CTR(KT ==> 0x10C1)
 *	CTR(KT+4 ==> 0)
 *
 * A requestor asks before it buys: another factory's requestor with order code -1 and this one as the key answers 1,
 * since there is a hole that the other has not.  doc/keykos/courier.md
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"

KEY COMP   = 0;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF   = 7;
KEY OUTLET = 8;

#define COMP_OUTLET 1

char title[] = "COURIER ";

void factory(void)
{
	JUMPBUF;
	UINT32 oc, told, hits = 0;

	KC (COMP, Node_Fetch + COMP_OUTLET) KEYSTO(OUTLET);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		if (oc == 0) {
			hits++;
			KC (OUTLET, 0) STRUCTFROM(hits) RCTO(told);
			(void)told;
			LDEXBL (CALLER, OK_RC) STRUCTFROM(hits);
		} else if (oc == KT) {
			LDEXBL (CALLER, 0x10C1);
		} else if (oc == KT+4) {
			exit(OK_RC);
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
