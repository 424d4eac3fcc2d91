/*
 * bench.ck - what gate jumps and the basic objects cost: for make bench, which counts guest instructions.
 *
 *	BENCHF(0;psb,m,sb ==> 0;BENCH)     its component 0 is a factory of the same program with ordinal 1
 *	BENCH(0 ==> 0,(text))              a line a measure: BENCH name=... tsc_med=...
 *	BENCH(KT+4 ==> 0)
 * With ordinal 1 it is what is measured: it answers with the string that it got.
 */
#include <stdio.h>
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "sb.h"

KEY COMP   = 0;
KEY SB     = 1;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY METER  = 5;
KEY SELF   = 7;
KEY ECHOF  = 8;
KEY ECHO   = 9;
KEY NODE   = 10;
KEY K0     = 11;

#define RUNS 41

char title[] = "BENCH   ";
int stacksiz = 8192;

static inline UINT32 ticks(void)
{
	return (UINT32)__builtin_ia32_rdtsc();
}

static void echo(void)
{
	JUMPBUF;
	UINT32 oc, length = 0;
	char bytes[64];

	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER) CHARTO(bytes, sizeof bytes, length);
		RETJUMP();
		if (oc == KT+4)
			exit(OK_RC);
		LDEXBL (CALLER, OK_RC) CHARFROM(bytes, length);
	}
}

static UINT32 median(UINT32 *runs)
{
	for (int i = 1; i < RUNS; i++)
		for (int j = i; j > 0 && runs[j] < runs[j - 1]; j--) {
			UINT32 kept = runs[j];

			runs[j] = runs[j - 1];
			runs[j - 1] = kept;
		}
	return runs[RUNS / 2];
}

static void jump_once(void)
{
	JUMPBUF;
	char sent[16] = "sixteen bytes  ", back[16];

	KC (ECHO, 0) CHARFROM(sent, 16) CHARTO(back, 16);
}

static void fetch_once(void)
{
	JUMPBUF;

	KC (NODE, Node_Fetch + 3) KEYSTO(K0);
}

static void page_once(void)
{
	JUMPBUF;

	KC (PSB, SB_CreatePage) KEYSTO(K0);
	KC (PSB, SB_DestroyPage) KEYSFROM(K0);
}

static void yield_once(void)
{
	JUMPBUF;

	KC (ECHOF, 0) KEYSFROM(PSB, METER, SB) KEYSTO(K0);
}

static void unyield(void)
{
	JUMPBUF;

	KC (K0, KT+4);
}

static int measure(char *to, const char *name, void (*once)(void), void (*after)(void))
{
	UINT32 runs[RUNS], from;

	for (int i = 0; i < RUNS; i++) {
		from = ticks();
		once();
		runs[i] = ticks() - from;
		if (after)
			after();
	}
	return sprintf(to, "BENCH name=keykos_%s tsc_med=%u \n", name, median(runs));
}

void factory(UINT32 order, UINT32 ord)
{
	JUMPBUF;
	UINT32 oc;
	char text[512];
	int length;

	(void)order;
	if (ord == 1)
		echo();
	KC (COMP, Node_Fetch + 0) KEYSTO(ECHOF);
	KC (ECHOF, 0) KEYSFROM(PSB, METER, SB) KEYSTO(ECHO);
	KC (PSB, SB_CreateNode) KEYSTO(NODE);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		if (oc == KT+4)
			break;
		length = measure(text, "gate_jump_16", jump_once, NULL);
		length += measure(text + length, "node_fetch", fetch_once, NULL);
		length += measure(text + length, "page_create_destroy", page_once, NULL);
		length += measure(text + length, "yield", yield_once, unyield);
		LDEXBL (CALLER, OK_RC) CHARFROM(text, length);
	}
	KC (ECHO, KT+4);
	KC (PSB, SB_DestroyNode) KEYSFROM(NODE);
}
