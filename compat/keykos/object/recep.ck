/*
 * recep.ck - a receptionist: it greets whoever comes on a circuit, and passes him to his authority.
 *
 *	RECEPF(KT+5;psb,m,sb ==> KT+5;,,,X), X(0;LUD ==> 0;RECEP)
 *	RECEP(0;,,CONSOLE ==> c)        serves users of that device, or of the circuit (0;SIK,SOK,CCK), until it is dropped: 4
 *	RECEP(KT ==> 0x3E), (KT+4 ==> 0)
 *
 * LUD is a name sequence: a user's record has a node: 0 his AUTH, 1 to 3 the bank, meter and bank that it works with.
 * Users are found under their name as typed, or in capitals.  Component 0 is the terminal system.
 */
#include "keykos.h"
#include "kktypes.h"
#include "auth.h"
#include "cck.h"
#include "consdefs.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "rc.h"
#include "recep.h"
#include "string.h"
#include "tssf.h"

KEY COMP   = 0;
KEY SB     = 1;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY METER  = 5;
KEY LUD    = 7;
KEY SIK    = 8;
KEY SOK    = 9;
KEY CCK    = 10;
KEY DEVICE = 11;
KEY NODE   = 12;
KEY K0     = 13;
KEY K1     = 14;
KEY K2     = 15;

#include "line.h"

#define DEVICE_TYPE 0xC09
#define NAME        250

char title[] = "RECEP   ";
int stacksiz = 8192;

/* New SIK and SOK of the same circuit, or the device's.  0: there are none. */
static int circuit_get(int device)
{
	JUMPBUF;
	UINT32 rc;

	if (!device) {
		KC (CCK, CCK_RecoverKeys) KEYSTO(SIK, SOK) RCTO(rc);
		return rc == OK_RC;
	}
	KC (COMP, 0) KEYSTO(K0);
	KC (K0, EXTEND_OC) KEYSFROM(PSB, METER, SB) KEYSTO(, , , K0) RCTO(rc);
	if (rc != EXTEND_RC)
		return 0;
	KC (K0, TSSF_CreateCCK2) KEYSFROM(DEVICE) KEYSTO(SIK, SOK, CCK) RCTO(rc);
	return rc == OK_RC;
}

/* The user's node, in NODE. */
static int user_find(char *name)
{
	JUMPBUF;
	char record[NAME + 2];
	UINT32 rc, length = strlen(name);

	for (int capitals = 0; capitals < 2; capitals++) {
		record[0] = length;
		for (UINT32 i = 0; i < length; i++)
			record[i + 1] = capitals && name[i] >= 'a' && name[i] <= 'z' ? name[i] - 32 : name[i];
		KC (LUD, RC_GetEqual) CHARFROM(record, length + 1) KEYSTO(NODE) RCTO(rc);
		if (rc == RC_OKWITHKEY)
			return 1;
	}
	return 0;
}

static void user_connect(const char *name)
{
	JUMPBUF;
	UINT32 rc;

	KC (NODE, Node_Fetch + 1) KEYSTO(K0) RCTO(rc);
	KC (NODE, Node_Fetch + 2) KEYSTO(K1) RCTO(rc);
	KC (NODE, Node_Fetch + 3) KEYSTO(K2) RCTO(rc);
	KC (NODE, Node_Fetch + 0) KEYSTO(NODE) RCTO(rc);
	KC (NODE, EXTEND_OC) KEYSFROM(K0, K1, K2) KEYSTO(, , , K0) RCTO(rc);
	if (rc == EXTEND_RC)
		KC (K0, AUTH_MakeConnection) CHARFROM(name, strlen(name)) KEYSFROM(SIK, SOK, CCK) RCTO(rc);
}

/* Users of one circuit, one after the other. */
static UINT32 receive(int device)
{
	char name[NAME + 1];

	for (;;) {
		if (!circuit_get(device) || !line_write("\n\nKeros\n"))
			return Recep_Dropped;
		do {
			if (!line_write("\nEnter User Name: ") || !line_read(name, sizeof name, READ_ECHO))
				return Recep_Dropped;
		} while (!name[0] || !user_find(name));
		user_connect(name);
	}
}

void factory(UINT32 order)
{
	JUMPBUF;
	UINT32 oc, rc, type;

	if (order != EXTEND_OC)
		exit(INVALIDOC_RC);
	KC (CALLER, EXTEND_OC) KEYSTO(LUD, , , CALLER) OCTO(oc);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(K0);
	LDEXBL (CALLER, OK_RC) KEYSFROM(K0);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(, , CCK, CALLER);
		RETJUMP();
		switch (oc) {
		case 0:
			KC (CCK, KT) RCTO(type);
			KC (DOMKEY, Domain_SwapKey + 11) KEYSFROM(CCK);
			rc = receive(type == DEVICE_TYPE);
			LDEXBL (CALLER, rc);
			break;
		case KT: LDEXBL (CALLER, Recep_AKT); break;
		case DESTROY_OC: return;
		default: LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
