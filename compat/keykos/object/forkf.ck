/*
 * forkf.ck - fork objects: a whole message handed to another key, so that the sender need not wait.
 *
 *	FORKF(4096*fast + 256*call + 16*reusable;psb,m,sb ==> 0;DOIT[,CONTROL])
 *	CONTROL(0;K ==> 0)                whom to hand to;  (KT ==> 0x13D);  any other code ends it
 *	DOIT(oc,(string);K0,K1,K2,K3)     hands it to K (fast: to K2, which does not go with it): as a FORK with K3, or, of
 *	                                  the calling kind, as a CALL whose answer goes to K3
 * CONTROL there is only if it is reusable; otherwise the first use of DOIT is its end.
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "forkf.h"
#include "ocrc.h"
#include "program.h"

KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY NOBODY  = 7;
KEY K0      = 8;
KEY K1      = 9;
KEY K2      = 10;
KEY K3      = 11;
KEY TARGET  = 12;
KEY DOIT    = 13;
KEY CONTROL = 14;

#define STRING_MAX 4096
#define CONTROL_DATA 1

char title[] = "FORKF   ";
int stacksiz = 12288;

/* A message as it came. */
struct message {
	UINT32 oc;
	ulong_t length;
	char string[STRING_MAX];
};

/* CALLs the target, and loads its answer for CALLER. */
static void call(struct message *m, int fast)
{
	JUMPBUF;
	UINT32 code;

	if (fast) {
		KC (K2, m->oc) KEYSFROM(K0, K1) CHARFROM(m->string, m->length)
			KEYSTO(K0, K1, K2, K3) CHARTO(m->string, STRING_MAX, m->length) RCTO(code);
	} else {
		KC (TARGET, m->oc) KEYSFROM(K0, K1, K2) CHARFROM(m->string, m->length)
			KEYSTO(K0, K1, K2, K3) CHARTO(m->string, STRING_MAX, m->length) RCTO(code);
	}
	LDEXBL (CALLER, code) KEYSFROM(K0, K1, K2, K3) CHARFROM(m->string, m->length);
	FORKJUMP();
}

static void pass(struct message *m, int fast)
{
	JUMPBUF;

	if (fast)
		LDEXBL (K2, m->oc) KEYSFROM(K0, K1, , CALLER) CHARFROM(m->string, m->length);
	else
		LDEXBL (TARGET, m->oc) KEYSFROM(K0, K1, K2, CALLER) CHARFROM(m->string, m->length);
	FORKJUMP();
}

void factory(UINT32 order)
{
	JUMPBUF;
	struct Domain_DataByte control_data = { CONTROL_DATA };
	struct message m;
	int fast = order >> 12 & 15, calls = order >> 8 & 15, reusable = order >> 4 & 15;
	short data;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(DOIT);
	if (reusable)
		KC (DOMKEY, Domain_MakeStart) STRUCTFROM(control_data) KEYSTO(CONTROL);
	LDEXBL (CALLER, OK_RC) KEYSFROM(DOIT, CONTROL);
	for (;;) {
		LDENBL OCTO(m.oc) KEYSTO(K0, K1, K2, CALLER) CHARTO(m.string, STRING_MAX, m.length) DBTO(data);
		RETJUMP();
		if (data == CONTROL_DATA && m.oc == KT) {
			LDEXBL (CALLER, ForkControl_AKT);
			continue;
		}
		if (data == CONTROL_DATA && m.oc == ForkControl_SetKey) {
			KC (DOMKEY, Domain_SwapKey + 12) KEYSFROM(K0);
			LDEXBL (CALLER, OK_RC);
			continue;
		}
		if (data == CONTROL_DATA)
			return;
		if (calls)
			call(&m, fast);
		else
			pass(&m, fast);
		if (!reusable)
			break;
		LDEXBL (NOBODY, 0);
	}
	/* CALLER has been answered, or belongs to the target. */
	KC (DOMKEY, Domain_SwapKey + 2);
}
