/*
 * mailbox.ck - letters of a string and a key, kept until they are fetched.
 *
 *	MAILBOXF(0;psb,m,sb ==> 0;BOX)
 *	BOX(0,(string);K ==> c)             posts; 3 the box is full, 4 the string is longer than 256 bytes
 *	BOX(1 ==> c,(string);K)             fetches the oldest letter; 4 there is none
 *	BOX(2 ==> c,(string);K)             the same, and waits for a letter; 1 somebody waits already
 *	BOX(3 ==> 0;SLOT)                   a key that can only post
 *	BOX(4 ==> 0,(4,letters))
 *	BOX(KT ==> 0x10C3), BOX(KT+4 ==> 0)  who waits then hears KT+1
 *
 * Whoever has the SLOT can give the owner strings and keys, and learns nothing but whether there was room.
 * doc/keykos/mailbox.md
 */
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "sb.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY SELF   = 7;
KEY KEYS   = 8;                            /* the letters' keys, slot by slot */
KEY WAITER = 9;
KEY K0     = 10;

#define LETTERS 16
#define LETTER_MAX 256
#define POST_ONLY 1

enum { RC_WAITED = 1, RC_FULL = 3, RC_NONE = 4, RC_LONG = 4 };

struct letter {
	UINT32 length;
	char text[LETTER_MAX];
};

struct box {
	struct letter letter[LETTERS];
	UINT32 first, count;
	int waited;
};

char title[] = "MAILBOX ";
int stacksiz = 8192;

/* The key of the oldest letter into K0; its text, which stays where it is until the next post. */
static struct letter *take(struct box *box)
{
	JUMPBUF;
	UINT32 at = box->first;

	KC (KEYS, Node_Swap + at) KEYSTO(K0);
	box->first = (at + 1) % LETTERS;
	box->count--;
	return &box->letter[at];
}

static UINT32 post(struct box *box, const char *text, UINT32 length)
{
	JUMPBUF;
	UINT32 at = (box->first + box->count) % LETTERS;

	if (length > LETTER_MAX)
		return RC_LONG;
	if (box->waited) {
		box->waited = 0;
		LDEXBL (WAITER, OK_RC) KEYSFROM(K0) CHARFROM(text, length);
		FORKJUMP();
		return OK_RC;
	}
	if (box->count == LETTERS)
		return RC_FULL;
	memcpy(box->letter[at].text, text, length);
	box->letter[at].length = length;
	box->count++;
	KC (KEYS, Node_Swap + at) KEYSFROM(K0);
	return OK_RC;
}

void factory(void)
{
	JUMPBUF;
	struct box box;
	struct letter *letter;
	char text[LETTER_MAX + 1];
	UINT32 oc, rc, length;
	SINT16 rights;
	UCHAR post_only = POST_ONLY;

	box.first = box.count = 0;
	box.waited = 0;
	KC (PSB, SB_CreateNode) KEYSTO(KEYS) RCTO(rc);
	if (rc)
		exit(NOSPACE_RC);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(K0,,,CALLER) CHARTO(text, sizeof text, length) DBTO(rights);
		RETJUMP();
		if (oc == KT) {
			LDEXBL (CALLER, 0x10C3);
		} else if (oc == 0) {
			rc = post(&box, text, length);
			LDEXBL (CALLER, rc);
		} else if (rights == POST_ONLY) {
			LDEXBL (CALLER, INVALIDOC_RC);
		} else if (oc == KT+4) {
			break;
		} else if ((oc == 1 || oc == 2) && box.count) {
			letter = take(&box);
			LDEXBL (CALLER, OK_RC) KEYSFROM(K0) CHARFROM(letter->text, letter->length);
		} else if (oc == 1) {
			LDEXBL (CALLER, RC_NONE);
		} else if (oc == 2 && box.waited) {
			LDEXBL (CALLER, RC_WAITED);
		} else if (oc == 2) {
			box.waited = 1;
			KC (DOMKEY, Domain_SwapKey + WAITER) KEYSFROM(CALLER);
			KC (DOMKEY, Domain_SwapKey + CALLER);
			LDEXBL (CALLER, OK_RC);        /* to nobody: become available */
		} else if (oc == 3) {
			KC (DOMKEY, Domain_MakeStart) STRUCTFROM(post_only) KEYSTO(K0);
			LDEXBL (CALLER, OK_RC) KEYSFROM(K0);
		} else if (oc == 4) {
			LDEXBL (CALLER, OK_RC) STRUCTFROM(box.count);
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
	if (box.waited) {
		LDEXBL (WAITER, DATAKEY_RC);
		FORKJUMP();
	}
	KC (PSB, SB_DestroyNode) KEYSFROM(KEYS);
}
