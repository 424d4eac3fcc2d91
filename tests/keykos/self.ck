/*
 * self.ck - what only a domain itself can ask its creator.
 *
 *	SELF(1 ==> c;domain)     severs itself: its domain key is new, and only then it answers
 *	SELF(2,(4,rc) ==> c)     destroys itself by hand, with that code for its caller
 *	SELF(3 ==> 0;DC)         its creator
 *	SELF(4,(4,rc);K ==> c)   asks its creator to destroy it for K, which is no resume key: nobody hears of it
 */
#include "keykos.h"
#include "kktypes.h"
#include "dc.h"
#include "domain.h"
#include "program.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB = 4;
KEY DC = 6;
KEY SELF = 7;
KEY K = 8;

char title[] = "SELF    ";

void factory(UINT32 order)
{
	JUMPBUF;
	UINT32 oc, rc, code;

	(void)order;
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(K,,,CALLER) STRUCTTO(code);
		RETJUMP();
		switch (oc) {
		case 1:
			KC (DC, 15) KEYSFROM(PSB) KEYSTO(DOMKEY) RCTO(rc);
			LDEXBL (CALLER, rc) KEYSFROM(DOMKEY);
			break;
		case 2:
			exit(code);
			break;
		case 3:
			LDEXBL (CALLER, 0) KEYSFROM(DC);
			break;
		case 4:
			KC (DC, 15) KEYSFROM(K) RCTO(rc);
			LDEXBL (CALLER, rc);
			break;
		default:
			LDEXBL (CALLER, KT + 2);
		}
	}
}
