/*
 * auth.ck - the local authority: it knows one user's password, and connects him to what is his.
 *
 *	AUTHF(0;psb,m,sb ==> c;AUTH,AUTHM)
 *	AUTH(KT+5;psb,m,sb ==> KT+5;,,,X), X(0,(user);SIK,SOK,CCK ==> c)
 *	        asks for the password, three times at most: c 1 it was wrong or the circuit went; then connects
 *	AUTHM(1 ==> 0;AUTH)                    (2,(name);K ==> 0) puts a key into the user's directory
 *	AUTHM(3 ==> c,(name);K), (4,(name) ==> c,(name);K)   the first of it, the next; 4 there is none
 *	AUTHM(5,(1,type);K ==> 0)              what he is connected to;  (6;K ==> 0) an encryption service, which is kept
 *	AUTHM(7,(password) ==> 0)              (KT+4 ==> 0) the end of all
 * Types: 0 K is a zapper: it gets the circuit, and X answers when that is disconnected; 2 it is refused.
 * 1 K(KT+5;psb,m,sb) and its X(KT+5;SIK,SOK,CCK) and X(4;directory); 4 K(KT+5;psb,m,sb) and X(0;SIK,SOK,CCK): whoever made
 * it answers; KT+3 K does not speak so.  2 KT+2.  3 nothing: 0 at once.
 * Component 0 is the maker of collections.  AUTH and AUTHM answer KT with 0x65, any other code with KT+2.
 */
#include "keykos.h"
#include "kktypes.h"
#include "auth.h"
#include "cck.h"
#include "domain.h"
#include "ocrc.h"
#include "program.h"
#include "rc.h"
#include "string.h"

KEY COMP       = 0;
KEY SB         = 1;
KEY CALLER     = 2;
KEY DOMKEY     = 3;
KEY PSB        = 4;
KEY METER      = 5;
KEY DIRECTORY  = 7;
KEY SIK        = 8;
KEY SOK        = 9;
KEY CCK        = 10;
KEY CONNECTION = 11;
KEY ENCRYPTION = 12;
KEY K0         = 13;
KEY K1         = 14;
KEY K2         = 15;

#include "line.h"

#define TYPE        0x65
#define TRIES       3
#define STRING      256
#define MAINTENANCE 1

char title[] = "AUTH    ";
int stacksiz = 8192;

struct user { char password[STRING]; UCHAR connection; };

/* Length and text, as a name of a collection. */
static UINT32 name_make(char *name, const char *text)
{
	name[0] = strlen(text);
	memcpy(name + 1, text, (UCHAR)name[0]);
	return (UCHAR)name[0] + 1;
}

/* ---- a user comes ------------------------------------------------------------------------ */

static UINT32 password_check(const struct user *u)
{
	char line[STRING];

	for (int i = 0; i < TRIES; i++) {
		if (!line_write("\nEnter your password:  ") || !line_read(line, sizeof line, 0))
			return AUTH_Fail;
		if (strcmp(line, u->password) == 0)
			return line_write("\n") ? OK_RC : AUTH_Fail;
	}
	return AUTH_Fail;
}

/* K0, K1, K2 are the bank, meter and bank that came with the request.  The extended jump's next key is then in K0. */
static UINT32 extend(void)
{
	JUMPBUF;
	UINT32 rc;

	KC (CONNECTION, EXTEND_OC) KEYSFROM(K0, K1, K2) KEYSTO(, , , K0) RCTO(rc);
	return rc == EXTEND_RC ? OK_RC : FORMATERROR_RC;
}

/* Whether CALLER is still to be answered with the code. */
static int connect(UCHAR type, UINT32 *code)
{
	JUMPBUF;

	switch (type) {
	case CONNECT_ZAPPER:
		KC (CONNECTION, ZMK_Connect) KEYSFROM(SIK, SOK, CCK) RCTO(*code);
		if (*code) {
			*code = AUTH_ConnectFail;
			return 1;
		}
		LDEXBL (CONNECTION, ZMK_WaitForDisconnect) KEYSFROM(, , , CALLER);
		break;
	case CONNECT_FACTORY:
		*code = extend();
		if (*code)
			return 1;
		KC (K0, EXTEND_OC) KEYSFROM(SIK, SOK, CCK) KEYSTO(, , , K0) RCTO(*code);
		if (*code != EXTEND_RC) {
			*code = FORMATERROR_RC;
			return 1;
		}
		LDEXBL (K0, 4) KEYSFROM(DIRECTORY, , , CALLER);
		break;
	case CONNECT_FACTORY_NO_PARAM:
		*code = extend();
		if (*code)
			return 1;
		LDEXBL (K0, 0) KEYSFROM(SIK, SOK, CCK, CALLER);
		break;
	case CONNECT_NULL:
		*code = OK_RC;
		return 1;
	default:
		*code = INVALIDOC_RC;
		return 1;
	}
	FORKJUMP();
	return 0;
}

/* Loads the answer, or nothing for nobody. */
static void user_serve(const struct user *u)
{
	JUMPBUF;
	char name[STRING];
	UINT32 oc, code;
	int answer = 1;

	KC (CALLER, EXTEND_OC) CHARTO(name, sizeof name) KEYSTO(SIK, SOK, CCK, CALLER) OCTO(oc);
	code = oc == AUTH_MakeConnection ? password_check(u) : INVALIDOC_RC;
	if (code == OK_RC)
		answer = connect(u->connection, &code);
	if (!answer)
		KC (COMP, 15) KEYSTO(CALLER);
	LDEXBL (CALLER, answer ? code : 0);
	FORKJUMP();
}

/* ---- maintenance ------------------------------------------------------------------------- */

/* A record of the directory for CALLER: its name in name, its key in K0. */
static UINT32 directory_read(UINT32 order, char *name, UINT32 length)
{
	JUMPBUF;
	UINT32 rc;

	KC (DIRECTORY, order) CHARFROM(name, length) CHARTO(name, STRING) KEYSTO(K0) RCTO(rc);
	return rc == RC_OKWITHKEY ? OK_RC : rc;
}

/* The code for CALLER; what is to be told beside is in name, and K0. */
static UINT32 maintain(UINT32 oc, struct user *u, const char *text, char *name)
{
	JUMPBUF;
	struct Domain_DataByte user_data = { 0 };
	UINT32 rc, length;

	name[0] = 0;
	switch (oc) {
	case AUTHM_ReturnAUTH:
		KC (DOMKEY, Domain_MakeStart) STRUCTFROM(user_data) KEYSTO(K0);
		return OK_RC;
	case AUTHM_AddDirectoryKey:
		length = name_make(name, text);
		KC (DIRECTORY, RC_AddReplaceKey) CHARFROM(name, length) KEYSFROM(K0) RCTO(rc);
		name[0] = 0;
		return rc <= RC_NOKEYREPLACED ? OK_RC : rc;
	case AUTHM_GetFirstKey: return directory_read(RC_GetFirst, name, 1);
	case AUTHM_GetNextKey:
		length = name_make(name, text);
		return directory_read(RC_GetGreaterThan, name, length);
	case AUTHM_PutConnection:
		u->connection = text[0];
		KC (DOMKEY, Domain_SwapKey + 11) KEYSFROM(K0);
		return OK_RC;
	case AUTHM_PutEncryptionService:
		KC (DOMKEY, Domain_SwapKey + 12) KEYSFROM(K0);
		return OK_RC;
	case AUTHM_PutPassword:
		strcpy(u->password, text);
		return OK_RC;
	}
	return INVALIDOC_RC;
}

void factory(UINT32 order)
{
	JUMPBUF;
	struct Domain_DataByte maintenance = { MAINTENANCE };
	struct user u = { { 0 }, CONNECT_NULL };
	char text[STRING + 1], name[STRING];
	UINT32 oc, rc;
	ulong_t length;
	short data;

	(void)order;
	KC (COMP, 0) KEYSTO(K0);
	KC (K0, RCF_CreateNameSequence) KEYSFROM(PSB, METER, PSB) KEYSTO(DIRECTORY) RCTO(rc);
	if (rc)
		exit(rc);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(K0);
	KC (DOMKEY, Domain_MakeStart) STRUCTFROM(maintenance) KEYSTO(K1);
	LDEXBL (CALLER, OK_RC) KEYSFROM(K0, K1);
	for (;;) {
		LDENBL OCTO(oc) CHARTO(text, STRING - 1, length) KEYSTO(K0, K1, K2, CALLER) DBTO(data);
		RETJUMP();
		text[length] = 0;
		if (oc == KT) {
			LDEXBL (CALLER, TYPE);
		} else if (data == MAINTENANCE && oc == DESTROY_OC) {
			KC (DIRECTORY, DESTROY_OC) RCTO(rc);
			return;
		} else if (data == MAINTENANCE) {
			rc = maintain(oc, &u, text, name);
			if (rc == OK_RC && (oc == AUTHM_ReturnAUTH || oc == AUTHM_GetFirstKey || oc == AUTHM_GetNextKey))
				LDEXBL (CALLER, rc) KEYSFROM(K0) CHARFROM(name + 1, (UCHAR)name[0]);
			else
				LDEXBL (CALLER, rc);
		} else if (oc == EXTEND_OC) {
			user_serve(&u);
			LDEXBL (COMP, 0);
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
