/* fail.ck - a component that has nothing: it ends with code 99. */
#include "keykos.h"
#include "kktypes.h"
#include "program.h"

char title[] = "FAIL    ";

void factory(UINT32 oc)
{
	exit(oc == 2 ? 99 : 98);
}
