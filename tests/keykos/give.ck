/* give.ck - a component: answers with its own component 0, and ends. */
#include "keykos.h"
#include "kktypes.h"
#include "node.h"

KEY COMP = 0;
KEY CALLER = 2;
KEY K = 7;
KEY NOBODY = 8;

char title[] = "GIVE    ";

void factory(UINT32 oc)
{
	JUMPBUF;

	KC (COMP, Node_Fetch + 0) KEYSTO(K);
	LDEXBL (CALLER, oc == 2 ? 0 : 98) KEYSFROM(K);
	FORKJUMP();
	KC (COMP, Node_Fetch + 15) KEYSTO(CALLER);
}
