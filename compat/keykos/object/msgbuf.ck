/*
 * msgbuf.ck - a message buffer: it takes a message at once and passes it on, all of it, when the recipient is ready.
 *
 *	MSGBUFF(n;psb,m,sb ==> 0;BUF)            n: bytes of the string to pass on, 20 if 0, 4096 at most
 *	BUF(any;RECIPIENT ==> 0)                 the first call says to whom
 *	BUF(oc,(string);K0,K1,K2,K3)             every other goes to RECIPIENT, with all four keys: who CALLs is answered by
 *	                                         the recipient, who FORKs need not wait until it is ready
 * There is no code that ends it: it ends with its bank.
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"

KEY CALLER    = 2;
KEY DOMKEY    = 3;
KEY SELF      = 7;
KEY NOBODY    = 8;
KEY RECIPIENT = 9;
KEY K0        = 10;
KEY K1        = 11;
KEY K2        = 12;
KEY K3        = 13;

#define SMALL      20
#define STRING_MAX 4096

char title[] = "MSGBUF  ";
int stacksiz = 12288;

void factory(UINT32 size)
{
	JUMPBUF;
	char string[STRING_MAX];
	UINT32 code;
	ulong_t length;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	size = size == 0 ? SMALL : size > STRING_MAX ? STRING_MAX : size;
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	LDENBL OCTO(code) KEYSTO(RECIPIENT,,,CALLER);
	RETJUMP();
	LDEXBL (CALLER, 0);
	for (;;) {
		LDENBL OCTO(code) CHARTO(string, size, length) KEYSTO(K0, K1, K2, K3);
		RETJUMP();
		LDEXBL (RECIPIENT, code) KEYSFROM(K0, K1, K2, K3) CHARFROM(string, length);
		FORKJUMP();
		LDEXBL (NOBODY, 0);
	}
}
