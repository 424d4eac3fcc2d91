/*
 * later.ck - calls another key and does not keep its caller waiting.
 *
 *	LATER(oc,(string);K ==> 0)     a second domain calls K with that code and string, and ends when it is answered
 *	LATER(KT+4 ==> 0)
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

char title[] = "LATER   ";

void factory(UINT32 order)
{
	JUMPBUF;
	UINT32 oc, rc;
	char text[64];
	ulong_t length;

	(void)order;
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(K,,,CALLER) CHARTO(text, sizeof text, length);
		RETJUMP();
		if (oc == KT + 4)
			return;
		if (fork() == 0) {
			KC (K, oc) CHARFROM(text, length) RCTO(rc);
			KC (COMP, 15) KEYSTO(CALLER);
			exit(0);
		}
		LDEXBL (CALLER, 0);
	}
}
