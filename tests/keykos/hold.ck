/*
 * hold.ck - calls another key while its caller waits.
 *
 *	HOLD(oc;K ==> c)     K(oc ==> c) is called; c is its code
 *	HOLD(KT+4 ==> 0)
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "program.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF = 7;
KEY K = 8;

char title[] = "HOLD    ";

void factory(UINT32 order)
{
	JUMPBUF;
	UINT32 oc, rc;

	(void)order;
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(K,,,CALLER);
		RETJUMP();
		if (oc == KT + 4)
			return;
		KC (K, oc) RCTO(rc);
		LDEXBL (CALLER, rc);
	}
}
