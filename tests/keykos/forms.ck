/*
 * forms.ck - the statements of the dialect in every form and place, and C as it was written in 1990.
 *
 *	FORMSF(0;psb,m,sb ==> n,(text);FORMS)  n expectations failed; the text has their lines.  Components: 0 returner, 1 discrim.
 *	FORMS(n ==> n + 1), then (0 ==> 7), then (0 ==> 8) again and again
 *
 * It must compile as it stands: comments and strings with KC ( in them; LDEXBL, too.
 */
#include <string.h>
#include <varargs.h>
#include "keykos.h"
#include "kktypes.h"
#include "node.h"
#include "domain.h"
#include "sb.h"
#include "lli.h"
#define A_MACRO 1 /* whose comment goes on
   over KC (two, lines */

KEY COMP = 0, SB = 1,
    CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY K0     = 13;
KEY K1     = 14;
KEY K2     = 0xF;
#include "forms.h"

char title[] = "FORMS   ";
char *strange = "KC (K0, 0) KEYSFROM(\"K1); /* LDENBL // ", quote = '"', *rest = ") ;";
static LLI low = { 1, 2 }, pair[] = { { 3, 4 }, { 5, 6 } };
struct sums { int checks, failed; char lines[200]; };
extern helper();

check(s, holds, line)
	struct sums *s;
	int line, holds;
{
	s->checks++;
	if (holds) return;
	s->failed++;
	if (strlen(s->lines) < 190) sprintf(s->lines + strlen(s->lines), "%d ", line);
}
#define CHECK(holds) check(s, (holds), __LINE__)

long total(count, va_alist)
	int count;
	va_dcl
{
	va_list list;
	long sum = 0;

	va_start(list);
	while (count--) sum += va_arg(list, int);
	va_end(list);
	return sum;
}

static char *last(va_alist) va_dcl
{
	va_list list;
	char *text = "", *next;

	va_start(list);
	while ((next = va_arg(list, char *))) text = next;
	return text;
}

statements(s)
	register struct sums *s;
{
	JUMPBUF;
	auto x = 3;
	UINT32 rc, length = 0;
	UCHAR small = 9; SINT16 middle; UINT64 large;
	char text[20], more[20];
	struct { UINT32 a, b; } out = { 7, 8 }, in;

	FETCH(0, K0);
	if (x) FETCH(1, K1); else KC (K0, 1);
	KIND(K1, rc);
	CHECK(rc == 0x409 && kind_by_header(K1) == 0x409);
	KC (K0, 77) BOTH_WAYS RCTO(rc);
	CHECK(rc == 77 && length == 14 && !memcmp(text, "there and back", 14));
	if (x == 3)
		KC (K0, x) RCTO(rc);
	else
		KC (K0, x + 1) RCTO(rc);
	CHECK(rc == 3);
	for (rc = 0; rc < 5;)
		KC (K0, rc + 1) RCTO(rc);
	do KC (K0, rc - 1) RCTO(rc); while (rc);
	while (!rc) KALL(K0,(x,6))RCTO(rc);
	CHECK(rc == 6);
	switch (x) { case 3: KC (K0, 0) ; break; default: KC (K0, 1); }
	KC (K0, /* an order code, with ) */ 5)                        // KEYSTO(K0
#ifdef NEVER
	   KEYSTO(nobody)
#else
	   KEYSFROM(K0,
	            K1)                       /* and , in a comment */
#endif
	   STRUCTFROM(out, 8) STRUCTTO(in,, length)
	   KEYSTO(, SB, K2) DBTO(small) OCTO(middle);
	CHECK(middle == 5 && small == 0 && length == 8 && in.a == 7 && in.b == 8 && kind_by_header(SB) == 0x409 &&
	      kind_by_header(K2) == KT+1);
	KC (K0, KT+4) STRUCTFROM(out) CHARTO(more, 4) RCTO(large);
	CHECK(large == KT+4 && *(int *)more == 7);
	KC (K0, 0) CHARFROM("http://x,)", 10) CHARTO(text, sizeof(text), length);
	CHECK(length == 10 && text[7] == 'x' && text[9] == ')');
	KC (K0, strlen("a;b") ? ',' : ')') RCTO(rc);
	CHECK(rc == ',');
	KC (K0, 1) RCTO(((UINT32 *)(more + 4))[1]);
	CHECK(*(int *)(more + 8) == 1);
	LDEXBL (K0, 9) KEYSFROM(,,K1);
	LDENBL KEYSTO(,,K2) OCTO(rc) CHARTO(text, 0, length);
	CALLJUMP();
	CHECK(rc == 9 && length == 0 && kind_by_header(K2) == 0x409);
	KFORK (DOMKEY, Domain_SwapKey + 15) KEYSFROM(PSB);
	CHECK(kind_by_header(K2) == 0x0C);
	LDEXBL (DOMKEY, Domain_SwapKey + 15);
	FORKJUMP();
	CHECK(kind_by_header(K2) == KT+1 && kind_by_header(FROM_HEADER) == KT+1);
	goto out;
out:	KC (K0, 0);
}

factory(oc, ord)
	UINT32 oc, ord;
{
	JUMPBUF;
	struct sums sums, *s = &sums;
	LLI here = {9, 10}, *there = &here;
	char bytes[8];
	Node_KeyData data;
	UINT32 number = 0x01020304, back;

	memset(s, 0, sizeof *s);
	statements(s);
	CHECK(total(3, 1, 2, 3) == 6 && total(9, 1, 2, 3, 4, 5, 6, 7, 8, 9) == 45 && total(0) == 0);
	CHECK(!strcmp(last("a", "b", "c", "d", "e", "f", "g", "h", 0), "h"));
	CHECK(low.hi == 1 && low.low == 2 && pair[1].hi == 5 && pair[1].low == 6 && here.hi == 9 && here.low == 10);
	CHECK(strlen(strange) == 39 && quote == '"' && rest[0] == ')');
	memcpy(&data.Byte[12], &number, 4);
	CHECK(data.Byte[12] == 1 && data.Byte[15] == 4);
	memcpy(&back, &data.Byte[12], 4);
	memcpy(&here.hi, "\1\2\3\4\5\6\7\10", 8);                /* all of it, whichever half is first */
	CHECK(here.low == 0x04030201 && here.hi == 0x08070605);
	memcpy(bytes, &there->hi, 8);
	CHECK(bytes[0] == 1 && bytes[7] == 8);
	CHECK(back == number && helper(20, 3) == 23);
	sprintf(s->lines + strlen(s->lines), "of %d", s->checks);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(K0);
	KRETURN (CALLER, s->failed) CHARFROM(s->lines, strlen(s->lines)) KEYSFROM(K0) KENTRYID(asked);
	KENTRY (asked) OCTO(oc) KEYSTO(,,,CALLER);
	KRETURN (CALLER,
#ifdef A_MACRO
		 oc + 1
#else
		 oc + 2)
#endif
		 ) KENTRYID(2);
	KENTRY (2) KEYSTO(,,,CALLER);
	KRETURN (CALLER, 7);
	KENTRY () KEYSTO(,,,CALLER);
	KRETURN (CALLER, 8);
}

#if 0
	KC (what is in here is nobody's business,
	LDEXBL KC
#endif

helper(a, b) { return a + b; }
