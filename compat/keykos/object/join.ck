/*
 * join.ck - a one-slot mailbox: it takes one message through a resume key and hands it out when it is asked.
 *
 *	JOINF(n;psb,m,sb ==> 0;JOIN,,,SLOT)      n: bytes of the string to keep, 20 if 0, 4096 at most
 *	SLOT(c,(string);K0,K1,K2,K3)             a resume key: whoever uses it first fills the slot
 *	JOIN(1 ==> c,(string);K0,K1,K2,K3)       what came, as often as one likes
 *	JOIN(0 ==> 0;JOIN,,,SLOT)                empties it, and a new slot key
 *	JOIN(KT ==> 0x31), (KT+4 ==> 0)
 * JOIN is not available before its slot is filled: who asks waits.
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "ocrc.h"
#include "program.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF   = 7;
KEY NOBODY = 8;
KEY K0     = 9;
KEY K1     = 10;
KEY K2     = 11;
KEY K3     = 12;

#define JOIN_TYPE  0x31
#define SMALL      20
#define STRING_MAX 4096

char title[] = "JOIN    ";
int stacksiz = 12288;

/* Until the next slot key is asked for, or the end. */
static UINT32 hand_out(UINT32 code, const char *string, ulong_t length)
{
	JUMPBUF;
	UINT32 oc;

	LDEXBL (NOBODY, 0);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		switch (oc) {
		case 0: return OK_RC;
		case 1: LDEXBL (CALLER, code) KEYSFROM(K0, K1, K2, K3) CHARFROM(string, length); break;
		case KT: LDEXBL (CALLER, JOIN_TYPE); break;
		case DESTROY_OC: return DESTROY_OC;
		default: LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}

void factory(UINT32 size)
{
	JUMPBUF;
	char string[STRING_MAX];
	UINT32 code;
	ulong_t length;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	size = size == 0 ? SMALL : size > STRING_MAX ? STRING_MAX : size;
	do {
		/* The call that makes the slot: its answer is the message. */
		KC (CALLER, OK_RC) KEYSFROM(SELF) OCTO(code) CHARTO(string, size, length) KEYSTO(K0, K1, K2, K3);
	} while (hand_out(code, string, length) != DESTROY_OC);
}
