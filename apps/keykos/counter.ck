/*
 * counter.ck - a hit counter: each call with order code 0 adds one and answers the count.
 *
 *	COUNTER(0;psb,m,sb ==> 0;CTR)
 *	CTR(0 ==> 0,(4,count))      counts one hit
 *	CTR(1 ==> 0,(4,count))      tells, and counts nothing
 *	CTR(KT ==> 0x10C0)
 *	CTR(KT+4 ==> 0)             the end of it
 *
 * Its factory has no holes: whatever is told to a counter stays in it.  doc/keykos/counter.md
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "ocrc.h"
#include "program.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF   = 7;

char title[] = "COUNTER ";

void factory(void)
{
	JUMPBUF;
	UINT32 oc, hits = 0;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		if (oc == 0 || oc == 1) {
			hits += oc == 0;
			LDEXBL (CALLER, OK_RC) STRUCTFROM(hits);
		} else if (oc == KT) {
			LDEXBL (CALLER, 0x10C0);
		} else if (oc == KT+4) {
			exit(OK_RC);
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
