/*
 * tall.ck - a program that makes its memory larger than it came, and ends in it.
 *
 *	TALLF(0;psb,m,sb ==> 0;TALL)
 *	TALL(0 ==> n)          a word in its second 16 MiB: how often it was asked
 *	TALL(1 ==> 100 + n)    a copy of it answers, and ends
 *	TALL(KT+4 ==> 0)
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "program.h"
#include "sb.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB = 4;
KEY SELF = 7;
KEY ROOT = 8;
KEY PAGE = 9;
KEY K = 10;

char title[] = "TALL    ";
int asked;                                 /* a variable of its own: the program's pages are copies */

void factory(UINT32 order)
{
	JUMPBUF;
	volatile UINT32 *word = (UINT32 *)0x10000000;
	UCHAR seven = 7, six = 6;
	UINT32 oc;

	(void)order;
	/* Two levels, one after the other. */
	for (int level = 0; level < 2; level++) {
		KC (PSB, SB_CreateNode) KEYSTO(ROOT);
		KC (DOMKEY, Domain_GetMemory) KEYSTO(K);
		KC (ROOT, Node_Swap) KEYSFROM(K);
		if (level == 0)
			KC (ROOT, Node_MakeNodeKey) STRUCTFROM(six) KEYSTO(ROOT);
		else
			KC (ROOT, Node_MakeNodeKey) STRUCTFROM(seven) KEYSTO(ROOT);
		KC (DOMKEY, Domain_SwapMemory) KEYSFROM(ROOT);
	}
	KC (PSB, SB_CreatePage) KEYSTO(PAGE);
	KC (ROOT, Node_Swap + 1) KEYSFROM(PAGE);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		if (oc == KT + 4)
			break;
		if (oc == 1) {
			if (fork() == 0)
				exit(100 + asked);
			KC (DOMKEY, Domain_SwapKey + 2);
			LDEXBL (CALLER, 0);
			continue;
		}
		*word += 1;
		asked++;
		LDEXBL (CALLER, *word == (UINT32)asked ? *word : 0xFFFF);
	}
	KC (PSB, SB_DestroyPage) KEYSFROM(PAGE);
}
