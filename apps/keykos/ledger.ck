/*
 * ledger.ck - accounts on a record collection, for two users of different rights.
 *
 *	LEDGERF(0;psb,m,sb ==> 0;BOOK)         component 0: the factory of record collections
 *	BOOK(0,(4,amount)(name) ==> c,(4,balance))   posts to an account, which is opened if it is new; 3 no name
 *	BOOK(1,(name) ==> c,(4,balance))       4 there is no such account
 *	BOOK(2,(name) ==> c,(4,balance)(name)) the next account after that name, in order; 4 there is none
 *	BOOK(3 ==> 0;AUDIT)                    a key that can read
 *	BOOK(KT ==> 0x10C4), BOOK(KT+4 ==> 0)
 *
 * The auditor's calls are served through a collection key that cannot write, so that not even a mistake in this program
 * could let an auditor change the books.  doc/keykos/ledger.md
 */
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "rc.h"

KEY COMP    = 0;
KEY SB      = 1;
KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY PSB     = 4;
KEY METER   = 5;
KEY SELF    = 7;
KEY BOOKS   = 8;                           /* the collection */
KEY READING = 9;                           /* the collection, to read */
KEY K0      = 10;

#define NAME_MAX 64
#define RECORD_MAX (1 + NAME_MAX + 4)
#define NO_CHANGES 0x6F                    /* of user data, records, updates, deletion, all of it */
#define AUDITOR 1

enum { RC_NAMELESS = 3, RC_NONE = 4 };

struct record {
	UINT32 length;
	UCHAR bytes[RECORD_MAX];               /* length of the name, name, balance */
};

struct reply {
	SINT32 balance;
	char name[NAME_MAX];
};

char title[] = "LEDGER  ";

static void record_make(struct record *r, const char *name, UINT32 length, SINT32 balance)
{
	r->bytes[0] = length;
	memcpy(r->bytes + 1, name, length);
	memcpy(r->bytes + 1 + length, &balance, sizeof balance);
	r->length = 1 + length + sizeof balance;
}

/* The record that an order of the collection finds from a name; its code. */
static UINT32 record_find(KEY books, UINT32 order, const char *name, UINT32 length, struct reply *reply, UINT32 *bytes)
{
	JUMPBUF;
	struct record r;
	UINT32 rc;

	record_make(&r, name, length, 0);
	KC (books, order) CHARFROM(r.bytes, 1 + length) CHARTO(r.bytes, RECORD_MAX, r.length) RCTO(rc);
	if (rc > RC_OKWITHKEY)
		return rc;
	memcpy(&reply->balance, r.bytes + 1 + r.bytes[0], sizeof reply->balance);
	memcpy(reply->name, r.bytes + 1, r.bytes[0]);
	*bytes = sizeof reply->balance + r.bytes[0];
	return OK_RC;
}

static UINT32 post(const char *name, UINT32 length, SINT32 amount, SINT32 *balance)
{
	JUMPBUF;
	struct record r;
	struct reply old = { 0 };
	UINT32 rc, bytes;

	if (record_find(BOOKS, RC_GetEqual, name, length, &old, &bytes) != OK_RC)
		old.balance = 0;
	*balance = old.balance + amount;
	record_make(&r, name, length, *balance);
	KC (BOOKS, RC_AddReplace) CHARFROM(r.bytes, r.length) RCTO(rc);
	return rc == OK_RC || rc == RC_NOKEYREPLACED ? OK_RC : rc;
}

void factory(void)
{
	JUMPBUF;
	struct { SINT32 amount; char name[NAME_MAX]; } ask;
	struct reply reply;
	UINT32 oc, rc, length, bytes, rights = NO_CHANGES;
	SINT16 user;
	UCHAR auditor = AUDITOR;

	KC (COMP, Node_Fetch + 0) KEYSTO(K0);
	KC (K0, RCF_CreateNameSequence + 2 * RECORD_MAX) KEYSFROM(PSB, METER, SB) KEYSTO(BOOKS) RCTO(rc);
	if (rc)
		exit(rc);
	KC (BOOKS, RC_Weaken) STRUCTFROM(rights) KEYSTO(READING);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER) STRUCTTO(ask,, length) DBTO(user);
		RETJUMP();
		bytes = sizeof reply.balance;
		if (oc == KT) {
			LDEXBL (CALLER, 0x10C4);
		} else if (oc == 0 && user != AUDITOR) {
			rc = length <= 4 ? RC_NAMELESS : post(ask.name, length - 4, ask.amount, &reply.balance);
			LDEXBL (CALLER, rc) CHARFROM(&reply, rc ? 0 : bytes);
		} else if (oc == 1 || oc == 2) {
			/* The name is the whole string here. */
			rc = record_find(user == AUDITOR ? READING : BOOKS, oc == 1 ? RC_GetEqual : RC_GetGreaterThan,
					 (const char *)&ask, length < NAME_MAX ? length : NAME_MAX, &reply, &bytes);
			LDEXBL (CALLER, rc) CHARFROM(&reply, rc ? 0 : oc == 1 ? sizeof reply.balance : bytes);
		} else if (oc == 3 && user != AUDITOR) {
			KC (DOMKEY, Domain_MakeStart) STRUCTFROM(auditor) KEYSTO(K0);
			LDEXBL (CALLER, OK_RC) KEYSFROM(K0);
		} else if (oc == KT+4 && user != AUDITOR) {
			break;
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
	KC (BOOKS, KT+4) RCTO(rc);
}
