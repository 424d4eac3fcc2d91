/*
 * catch.ck - a domain keeper: a domain that traps goes on at the address in its r15, with what it trapped of in rax:
 * the code that a segment keeper answered, or trap code * 0x10000 + memory code.
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF = 7;
KEY DOMAIN = 8;

char title[] = "CATCH   ";

void factory(UINT32 order)
{
	JUMPBUF;
	struct Domain_X86RegistersAndControl s;
	UINT32 oc;

	(void)order;
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,DOMAIN,CALLER);
		RETJUMP();
		if (oc == KT + 4)
			return;
		KC (DOMAIN, 306) STRUCTTO(s);
		s.Regs.rax = s.Control.TRAPCODE == 0x100 ? s.Control.TRAPEXT[0]
							 : s.Control.TRAPCODE << 16 | (UINT32)s.Control.TRAPEXT[1];
		s.Control.PC = s.Regs.r15;
		KC (DOMAIN, 308) STRUCTFROM(s);
		LDEXBL (CALLER, 0);
	}
}
