/*
 * slow.ck - a program whose birth takes as long as somebody else lets it: it calls component 0 before it answers.
 *
 *	SLOWF(0;psb,m,sb ==> 0;SLOW)
 *	SLOW(KT+4 ==> 0), any other code answers 5
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "program.h"

KEY COMP = 0;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF = 7;
KEY K = 8;

char title[] = "SLOW    ";

void factory(UINT32 order)
{
	JUMPBUF;
	UINT32 oc, rc;

	(void)order;
	KC (COMP, 0) KEYSTO(K);
	KC (K, 0) RCTO(rc);
	(void)rc;
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		if (oc == KT + 4)
			return;
		LDEXBL (CALLER, 5);
	}
}
