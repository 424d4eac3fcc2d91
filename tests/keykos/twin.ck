/*
 * twin.ck - destroys a copy of itself while somebody waits for both; and keeps who waits.
 *
 *	TWIN(0 ==> 5)        forks; the copy has its caller's key, too, and is destroyed
 *	TWIN(KT+4 ==> 0)
 *	TWIN(oc)             its caller waits for component 0, a wait
 */
#include "keykos.h"
#include "kktypes.h"
#include "dc.h"
#include "domain.h"
#include "node.h"
#include "sb.h"
#include "program.h"

KEY COMP = 0;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB = 4;
KEY DC = 6;
KEY SELF = 7;
KEY COPY = 8;
KEY K = 9;
KEY K1 = 10;

char title[] = "TWIN    ";

/* The copy's stack, its memory's root, and the copy. */
static UINT32 end(void)
{
	JUMPBUF;
	UINT32 rc;

	KC (COPY, Domain_MakeBusy) RCTO(rc);
	KC (COPY, Domain_GetMemory) KEYSTO(K);
	KC (K, Node_Fetch + 1) KEYSTO(K1);
	KC (PSB, SB_DestroyPage) KEYSFROM(K1);
	KC (PSB, SB_DestroyNode) KEYSFROM(K);
	KC (DC, DC_DestroyDomain) KEYSFROM(COPY,PSB) RCTO(rc);
	return rc;
}

void factory(UINT32 order)
{
	JUMPBUF;
	UINT32 oc, rc;

	(void)order;
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		if (oc == KT + 4)
			return;
		KC (COMP, 0) KEYSTO(K);
		if (oc) {
			KC (K, 0) RCTO(rc);
			LDEXBL (CALLER, rc);
			continue;
		}
		rc = fork();
		if (rc == 0)
			KC (K, 0) RCTO(rc);            /* for ever */
		KC (DOMKEY, Domain_GetKey + 15) KEYSTO(COPY);
		rc = end();
		LDEXBL (CALLER, rc ? rc : 5);
	}
}
