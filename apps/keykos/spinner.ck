/*
 * spinner.ck - spends time: something for a meter to measure.
 *
 *	SPINNERF(0;psb,m,sb ==> 0;SPINNER)
 *	SPINNER(0,(4,rounds of a thousand) ==> 0,(4,sum))    what it answers depends on every round
 *	SPINNER(KT ==> 0x10C8), SPINNER(KT+4 ==> 0)
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "ocrc.h"
#include "program.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF   = 7;

char title[] = "SPINNER ";

void factory(void)
{
	JUMPBUF;
	UINT32 oc, rounds, sum;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		rounds = 0;
		LDENBL OCTO(oc) KEYSTO(,,,CALLER) STRUCTTO(rounds);
		RETJUMP();
		if (oc == 0) {
			sum = 1;
			for (UINT32 i = 0; i < rounds * 1000; i++) {
				sum = sum * 1664525u + 1013904223u;
				__asm__ volatile("" : "+r"(sum));
			}
			LDEXBL (CALLER, OK_RC) STRUCTFROM(sum);
		} else if (oc == KT) {
			LDEXBL (CALLER, 0x10C8);
		} else if (oc == KT+4) {
			exit(OK_RC);
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
