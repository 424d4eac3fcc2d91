/*
 * many.ck - a record collection filled to its end, walked, thinned out and filled again.
 *
 *	MANYF(0;psb,m,sb ==> 0;MANY)
 *	MANY(1 name, 0 entry sequence,(4,n);RCF,sb,m ==> c,(4,most))    with n records; c is the step that failed, or 0
 *	MANY(3, 2 the same                                         )    and then until it is full: it held most
 *	MANY(KT+4 ==> 0)
 * Every third record has a key.
 */
#include <stdio.h>
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "ocrc.h"
#include "program.h"
#include "tdo.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY SELF   = 7;
KEY RCF    = 8;
KEY BANK   = 9;
KEY METER  = 10;
KEY RC     = 11;
KEY GOT    = 12;

#define NAME 8
#define COLLECTION_FULL 11u
#define STEP_FULL 12u

char title[] = "MANY    ";
int stacksiz = 8192;

struct record { UCHAR n; char bytes[NAME + 24]; };

static UINT32 records_ask(UINT32 order, const void *sent, UINT32 length, struct record *got)
{
	JUMPBUF;
	UINT32 rc;

	KC (RC, order) CHARFROM(sent, length) KEYSFROM(PSB) KEYSTO(GOT) STRUCTTO(*got) RCTO(rc);
	return rc;
}

/* The record number i: its name of eight digits, or the zeroes with which an entry sequence is asked. */
static UINT32 record_make(struct record *r, int named, UINT32 i, const char *data)
{
	memset(r, 0, sizeof *r);
	r->n = named ? NAME : 4;
	if (named)
		sprintf(r->bytes, "%08u", (unsigned)i);
	sprintf(r->bytes + r->n, "%s %u", data, (unsigned)i);
	return 1 + r->n + strlen(r->bytes + r->n);
}

static int has_key(UINT32 i)
{
	return i % 3 == 0;
}

/* Those of an entry sequence come in order, those of a name sequence all over. */
static UINT32 fill(int named, UINT32 n)
{
	struct record r, got;

	for (UINT32 i = 0; i < n; i++) {
		UINT32 which = named ? i * 7919 % n : i, length = record_make(&r, named, which, "as it came");

		if (records_ask(has_key(which) ? TDO_AddKey : TDO_Add, &r, length, &got))
			return 1;
		if (!named && memcmp(got.bytes, &(UINT32){ i + 1 }, 4))
			return 2;
	}
	return 0;
}

/* Up from the first, each as it was put in, with its key. */
static UINT32 walk(int named, UINT32 n)
{
	struct record r, got;
	UINT32 code = records_ask(TDO_GetFirst, NULL, 0, &got);

	for (UINT32 i = 0; i < n; i++) {
		UINT32 length = record_make(&r, named, i, "as it came");

		if (!named)
			memcpy(r.bytes, &(UINT32){ i + 1 }, 4);
		if (code != (UINT32)has_key(i) || memcmp(&r, &got, length))
			return 3;
		code = records_ask(TDO_GetGreaterThan, &r, 1 + r.n, &got);
	}
	return code == 4 ? 0 : 4;
}

/* A name sequence loses every other record, is walked down, and has them again; an entry sequence loses its second half. */
static UINT32 thin(int named, UINT32 n)
{
	struct record r, got;
	UINT32 left = 0;

	if (!named) {
		record_make(&r, 0, 0, "");
		memcpy(r.bytes, &(UINT32){ n / 2 }, 4);
		if (records_ask(TDO_TruncateAfterName, &r, 5, &got))
			return 5;
		return records_ask(TDO_GetLast, NULL, 0, &got) > 1 || memcmp(got.bytes, r.bytes, 4) ? 6 : 0;
	}
	for (UINT32 i = 0; i < n; i += 2) {
		record_make(&r, 1, i, "");
		if (records_ask(TDO_Delete, &r, 1 + NAME, &got) || records_ask(TDO_GetEqual, &r, 1 + NAME, &got) != 4)
			return 7;
	}
	for (UINT32 code = records_ask(TDO_GetLast, NULL, 0, &got); code != 4; left++) {
		record_make(&r, 1, n - 1 - 2 * left - n % 2, "");
		if (memcmp(got.bytes, r.bytes, NAME))
			return 8;
		code = records_ask(TDO_GetLessThan, &r, 1 + NAME, &got);
	}
	if (left != n / 2)
		return 9;
	for (UINT32 i = 0; i < n; i++) {
		UINT32 length = record_make(&r, 1, i, "new");
		UINT32 code = records_ask(TDO_AddReplace, &r, length, &got);

		if (code != (i % 2 == 0 ? 0u : has_key(i) ? 1u : 2u))
			return 10;
	}
	return 0;
}

static UINT32 full(int named, UINT32 from, UINT32 *most)
{
	struct record r, got;
	UINT32 code = 0, i;

	for (i = from; code == 0; i++)
		code = records_ask(TDO_Add, &r, record_make(&r, named, i, ""), &got);
	*most = i - 1;
	return code == COLLECTION_FULL ? 0 : STEP_FULL;
}

static UINT32 many(int named, int fills_up, UINT32 n, UINT32 *most)
{
	JUMPBUF;
	UINT32 step;

	KC (RCF, named) KEYSFROM(BANK, METER, BANK) KEYSTO(RC);
	step = fill(named, n);
	step = step ? step : walk(named, n);
	step = step ? step : thin(named, n);
	if (!step && fills_up)
		step = full(named, named ? n : n / 2, most);
	KC (RC, DESTROY_OC);
	return step;
}

void factory(void)
{
	JUMPBUF;
	UINT32 oc, n, most = 0;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) STRUCTTO(n) KEYSTO(RCF, BANK, METER, CALLER);
		RETJUMP();
		if (oc == DESTROY_OC)
			exit(OK_RC);
		oc = many(oc & 1, oc >= 2, n, &most);
		LDEXBL (CALLER, oc) STRUCTFROM(most);
	}
}
