/*
 * peek.ck - reads and writes a segment, as memory, for whoever has none of his own: for scripts of the interpreter.
 *
 *	PEEKF(0;psb,m,sb ==> 0;PEEK)
 *	PEEK(0,(4,offset)(4,length);SEG ==> 0,(bytes))     at most 4096 bytes below a mebibyte; 3 too much
 *	PEEK(1,(4,offset)(bytes);SEG ==> 0)                writes
 *	PEEK(KT ==> 0x10C6), PEEK(KT+4 ==> 0)
 *
 * The segment stands in slot 2 of the memory while it is read.  What faults in it is its keeper's; without one, PEEK
 * traps to its own keeper.
 */
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF   = 7;
KEY MEMORY = 8;
KEY SEG    = 9;

#define AT 0x200000u
#define SPAN 0x100000u

char title[] = "PEEK    ";
int stacksiz = 3 * 4096;

void factory(void)
{
	JUMPBUF;
	struct { UINT32 offset, length; char bytes[4088]; } ask;     /* 1 has its bytes from `length` on */
	char bytes[4096];
	UINT32 oc, length, count;

	KC (DOMKEY, Domain_GetMemory) KEYSTO(MEMORY);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		ask.offset = ask.length = 0;
		LDENBL OCTO(oc) KEYSTO(SEG,,,CALLER) STRUCTTO(ask,, length);
		RETJUMP();
		if (oc == KT+4)
			exit(OK_RC);
		if (oc > 1) {
			LDEXBL (CALLER, oc == KT ? 0x10C6 : INVALIDOC_RC);
			continue;
		}
		count = oc == 0 ? ask.length : length > 4 ? length - 4 : 0;
		if (count > sizeof bytes || ask.offset > SPAN - count) {
			LDEXBL (CALLER, FORMATERROR_RC);
			continue;
		}
		KC (MEMORY, Node_Swap + 2) KEYSFROM(SEG);
		if (oc == 0)
			memcpy(bytes, (const void *)(AT + ask.offset), count);
		else
			memcpy((void *)(AT + ask.offset), (const char *)&ask + 4, count);
		KC (MEMORY, Node_Swap + 2);
		LDEXBL (CALLER, OK_RC) CHARFROM(bytes, oc == 0 ? count : 0);
	}
}
