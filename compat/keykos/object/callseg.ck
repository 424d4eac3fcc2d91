/*
 * callseg.ck - reads and writes a segment for who has it not in his memory.
 *
 *	CALLSEGF(0;psb,m,sb ==> 0;CALLSEG)
 *	CALLSEG(0 ==> 0;SEG), (1;SEG ==> 0)             the segment it works on
 *	CALLSEG(2,(6,offset)(2,length) ==> c,(bytes))   at most 4000
 *	CALLSEG(3,(6,offset)(bytes) ==> c)
 *	CALLSEG(KT ==> 0x110D), (KT+4 ==> 0)
 * c: KT+3 too long, or shorter than its offset; 9 the segment has no memory there, or none to write, and its keeper gives
 * none.  An offset is two bytes of its upper half, which its callers leave zero, and four of its lower; integers are the
 * machine's.  Component 0 is the copy key: a bad segment is a code and no trap.  Source: keykos.md 4.11.
 */
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "callseg.h"
#include "domain.h"
#include "ocrc.h"
#include "program.h"

KEY COMP   = 0;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY COPY   = 7;
KEY SEG    = 8;
KEY OWN    = 9;
KEY SELF   = 10;
KEY K      = 11;

#define DATA_MAX 4000u
#define TRAP_MEMORY 9u

char title[] = "CALLSEG ";
int stacksiz = 4 * 4096;

struct message { UINT16 high; UINT32 low; UCHAR data[DATA_MAX]; } __attribute__((packed));

/* Between the segment and this domain's own memory, whose pages are there. */
static UINT32 move(const struct message *m, UCHAR *own, UINT32 length, int writes)
{
	JUMPBUF;
	UINT64 at = (UINT64)m->high << 32 | m->low, here = (UINT32)own;
	struct { UINT64 from, to, length; UINT32 error; } __attribute__((packed)) c = { at, here, length, 0 };
	UINT32 rc = 1;

	if (writes) {
		c.from = here;
		c.to = at;
	}
	while (rc == 1 && c.length) {
		if (writes)
			KC (COPY, 0) KEYSFROM(OWN, SEG) STRUCTFROM(c) STRUCTTO(c) RCTO(rc);
		else
			KC (COPY, 0) KEYSFROM(SEG, OWN) STRUCTFROM(c) STRUCTTO(c) RCTO(rc);
	}
	return c.length ? TRAP_MEMORY : OK_RC;
}

void factory(UINT32 order)
{
	JUMPBUF;
	struct message m;
	UCHAR out[DATA_MAX];
	UINT32 oc, rc, length, n;

	(void)order;
	KC (COMP, 0) KEYSTO(COPY);
	KC (DOMKEY, Domain_GetMemory) KEYSTO(OWN);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		memset(&m, 0, 8);
		LDENBL OCTO(oc) KEYSTO(K, , , CALLER) STRUCTTO(m, sizeof m, length);
		RETJUMP();
		switch (oc) {
		case Callseg_ReturnSegmentKey:
			LDEXBL (CALLER, OK_RC) KEYSFROM(SEG);
			break;
		case Callseg_ReplaceSegmentKey:
			KC (DOMKEY, Domain_SwapKey + 8) KEYSFROM(K);
			LDEXBL (CALLER, OK_RC);
			break;
		case Callseg_ReadSegmentData:
			n = m.data[0] | m.data[1] << 8;
			if (length < 8 || n > DATA_MAX) {
				LDEXBL (CALLER, FORMATERROR_RC);
				break;
			}
			memset(out, 0, n);
			rc = move(&m, out, n, 0);
			LDEXBL (CALLER, rc) CHARFROM(out, rc ? 0 : n);
			break;
		case Callseg_WriteSegmentData:
			rc = length < 6 ? FORMATERROR_RC : move(&m, m.data, length - 6, 1);
			LDEXBL (CALLER, rc);
			break;
		case KT: LDEXBL (CALLER, Callseg_AKT); break;
		case DESTROY_OC: return;
		default: LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
