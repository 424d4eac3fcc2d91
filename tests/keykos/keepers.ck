/*
 * keepers.ck - domains that trap: parked without a keeper, kept by a chain of keepers, read and set going from each state.
 *
 *	KEEPERSF(0;psb,m,sb ==> 0;KEEPERS)
 *	KEEPERS(0 ==> n,(text))      n expectations do not hold; the text has their lines.  Its own space goes back.
 *
 * Two copies of this domain do what they are told: A is watched, B may be its keeper, and this domain keeps B.
 */
#include <stdio.h>
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "dc.h"
#include "discrim.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "sb.h"

KEY COMP    = 0;                           /* 0: discrim */
KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY PSB     = 4;
KEY METER   = 5;
KEY DC      = 6;
KEY SELF    = 7;
KEY A       = 8;                           /* the copies: domain keys, and start keys */
KEY GATE_A  = 9;
KEY B       = 10;
KEY GATE_B  = 11;
KEY NODE    = 10;                          /* once B is sold */
KEY BANK    = 11;
KEY DISCRIM = 12;
KEY SUBJECT = 13;                          /* of a keeper message: key 2 and key 3 */
KEY FAULT   = 14;
KEY K0      = 15;

#define STACK_PAGES 6
#define STACK_END (0x100000 + STACK_PAGES * 4096)

enum { DO_ANSWER, DO_REJECT, DO_READ, DO_RECEIVE_RO, DO_RECEIVE_GONE, DO_NEGATIVE, DO_CRASH, DO_KEEP_BADLY };

struct report {
	struct Domain_SPARCRegistersAndControl view;
	UINT32 reserved;
	struct Domain_X86RegistersAndControl x86;
};

struct result {
	UINT32 failed, checks;
	char text[300];
	struct Domain_X86RegistersAndControl waiting;  /* A's, when it waits for what to do */
};

char title[] = "KEEPERS ";
int stacksiz = STACK_PAGES * 4096;

static void check(struct result *r, int holds, int line)
{
	r->checks++;
	if (holds)
		return;
	r->failed++;
	if (strlen(r->text) < sizeof r->text - 12)
		sprintf(r->text + strlen(r->text), "%d ", line);
}
#define CHECK(holds) check(r, (holds), __LINE__)

static void suffer(UINT32 what)
{
	JUMPBUF;
	UINT32 rc;

	switch (what) {
	case DO_REJECT: KC (DISCRIM, 9); break;
	case DO_READ: (void)*(volatile char *)0x00F00123; break;
	case DO_RECEIVE_RO: KC (DISCRIM, 0) CHARTO((char *)0x10, 100) RCTO(rc); break;
	case DO_RECEIVE_GONE: KC (DISCRIM, 0) CHARTO((char *)STACK_END - 16, 64) RCTO(rc); break;
	case DO_NEGATIVE: { int length = -1; KC (DISCRIM, 0) CHARFROM("", length) RCTO(rc); } break;
	case DO_CRASH: crash("as told"); break;
	}
}

/* A copy: does what it is told; told of a trap as a keeper (KT and more) it may trap itself, resets, and lets go. */
static void obey(void)
{
	JUMPBUF;
	struct report report;
	UINT32 what, length;
	int badly = 0;

	LDEXBL (COMP, 0);
	for (;;) {
		LDENBL OCTO(what) KEYSTO(,,SUBJECT,CALLER) STRUCTTO(report,, length);
		RETJUMP();
		if (what >= KT) {
			if (badly)
				suffer(DO_REJECT);
			KC (SUBJECT, Domain_ResetX86Control) STRUCTFROM(report.x86.Control);
		} else if (what == DO_KEEP_BADLY) {
			badly = 1;
		} else {
			suffer(what);
		}
		LDEXBL (CALLER, what >= KT ? 0 : what + 100);
	}
}

static UINT32 kind_of(KEY k)
{
	JUMPBUF;
	UINT32 kind;

	KC (DISCRIM, Discrim_Type) KEYSFROM(k) RCTO(kind);
	return kind;
}

/* Waits until this domain is told of a trap. */
static UINT32 hear(struct report *report)
{
	JUMPBUF;
	UINT32 oc, length;

	LDEXBL (COMP, 0);
	LDENBL OCTO(oc) KEYSTO(,,SUBJECT,FAULT) STRUCTTO(*report,, length);
	RETJUMP();
	return length == sizeof *report ? oc : 0;
}

/* The trap code that a domain is in, once it is; 0 if it comes to none. */
static UINT32 trapped(KEY domain)
{
	JUMPBUF;
	struct Domain_X86ControlData control;

	for (unsigned n = 0; n < 200000; n++) {
		KC (domain, Domain_GetX86Control) STRUCTTO(control);
		if (control.TRAPCODE)
			return control.TRAPCODE;
	}
	return 0;
}

static void let_go(const struct report *report, KEY domain)
{
	JUMPBUF;

	KC (domain, Domain_ResetX86Control) STRUCTFROM(report->x86.Control);
	KFORK (FAULT, 0);
}

/* Nobody keeps A: it waits for a keeper, or for a reset. */
static void parked(struct result *r)
{
	JUMPBUF;
	struct Domain_X86RegistersAndControl stuff;
	struct report report;
	UINT32 rc;

	KC (A, Domain_SwapKeeper);
	KFORK (GATE_A, DO_REJECT);
	CHECK(trapped(A) == 0x100);
	KC (A, Domain_MakeFaultKey) KEYSTO(K0) RCTO(rc);
	CHECK(rc == 1 && kind_of(K0) == Discrim_TypeData);
	KC (A, Domain_SwapKeeper) KEYSFROM(SELF);
	CHECK(hear(&report) == KT + 0x100 && report.view.Control.TRAPEXT[0] == KT + 2);
	KC (DISCRIM, Discrim_Compare) KEYSFROM(SUBJECT, A) RCTO(rc);
	CHECK(rc == 0);
	let_go(&report, SUBJECT);
	KC (GATE_A, DO_ANSWER) RCTO(rc);
	CHECK(rc == 100);
	KC (A, Domain_SwapKeeper);
	KFORK (GATE_A, DO_REJECT);
	CHECK(trapped(A) == 0x100);
	KC (A, Domain_GetX86Stuff) STRUCTTO(stuff);
	KC (A, Domain_ResetX86Control) STRUCTFROM(stuff.Control);
	KC (GATE_A, DO_ANSWER) RCTO(rc);
	CHECK(rc == 100);
	/* Itself is no keeper. */
	KC (A, Domain_SwapKeeper) KEYSFROM(GATE_A);
	KFORK (GATE_A, DO_REJECT);
	CHECK(trapped(A) == 0x100);
	KC (A, Domain_SwapKeeper) KEYSFROM(SELF);
	CHECK(hear(&report) == KT + 0x100);
	let_go(&report, A);
	KC (GATE_A, DO_ANSWER) RCTO(rc);
	CHECK(rc == 100);
}

/* Each trap is told with what belongs to it; read, and set going again elsewhere, by the domain key. */
static void states(struct result *r)
{
	JUMPBUF;
	static const struct { UINT32 what, code, first, second; } rows[] = {
		{ DO_READ, 9, 0x00F00123, 5 }, { DO_RECEIVE_RO, 9, 0x10, 1 }, { DO_RECEIVE_GONE, 9, STACK_END + 47, 5 },
		{ DO_NEGATIVE, 0x30C, 0xFFFFFFFF, 0 }, { DO_CRASH, 0x7FFF, ~0u, 0 }, { DO_REJECT, 0x100, KT + 2, 0 },
	};
	struct Domain_X86RegistersAndControl stuff;
	struct report report;
	UINT32 rc;

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int at = 1000 + 10 * (int)i;

		KFORK (GATE_A, rows[i].what);
		check(r, hear(&report) == KT + rows[i].code, at);
		KC (SUBJECT, Domain_GetX86Stuff) STRUCTTO(stuff);
		check(r, stuff.Control.TRAPCODE == rows[i].code && memcmp(&stuff, &report.x86, sizeof stuff) == 0, at + 1);
		check(r, rows[i].first == ~0u || stuff.Control.TRAPEXT[0] == rows[i].first, at + 2);
		check(r, stuff.Control.TRAPEXT[1] == rows[i].second, at + 3);
		/* A put is no reset: let go, it tells the same again. */
		KC (SUBJECT, Domain_PutX86Stuff) STRUCTFROM(stuff);
		KFORK (FAULT, 0);
		check(r, hear(&report) == KT + rows[i].code, at + 4);
		/* A code in the answer is a trap of its own. */
		KFORK (FAULT, 0x1234);
		check(r, hear(&report) == KT + 0x100 && report.view.Control.TRAPEXT[0] == 0x1234, at + 5);
		KC (A, Domain_MakeBusy) RCTO(rc);
		check(r, rc == 1 && kind_of(FAULT) == Discrim_TypeData, at + 6);
		KC (A, Domain_ResetX86Stuff) STRUCTFROM(r->waiting);
		KC (A, Domain_MakeAvailable) RCTO(rc);
		KC (GATE_A, DO_ANSWER) RCTO(rc);
		check(r, rc == 100, at + 7);
	}
}

/* A's keeper is B, and traps over it: this domain lets B go on, B lets A go on, A answers. */
static void chain(struct result *r)
{
	JUMPBUF;
	struct report report;
	UINT32 rc;

	KC (A, Domain_SwapKeeper) KEYSFROM(GATE_B);
	KFORK (GATE_A, DO_REJECT);
	KC (GATE_A, DO_ANSWER) RCTO(rc);
	CHECK(rc == 100);
	KC (GATE_B, DO_KEEP_BADLY) RCTO(rc);
	CHECK(rc == DO_KEEP_BADLY + 100);
	KFORK (GATE_A, DO_REJECT);
	CHECK(hear(&report) == KT + 0x100);
	KC (DISCRIM, Discrim_Compare) KEYSFROM(SUBJECT, B) RCTO(rc);
	CHECK(rc == 0 && trapped(A) == 0x100);
	let_go(&report, SUBJECT);
	KC (GATE_A, DO_ANSWER) RCTO(rc);
	CHECK(rc == 100);
	/* The keeper is gone while A waits for it: A is parked, and a new one hears of it. */
	KC (B, Domain_MakeBusy) KEYSTO(FAULT) RCTO(rc);
	KFORK (GATE_A, DO_REJECT);
	KC (DC, DC_SeverDomain) KEYSFROM(GATE_B, PSB) KEYSTO(B);
	CHECK(trapped(A) == 0x100 && kind_of(GATE_B) == Discrim_TypeData);
	KC (A, Domain_SwapKeeper) KEYSFROM(SELF);
	CHECK(hear(&report) == KT + 0x100);
	let_go(&report, A);
	KC (GATE_A, DO_ANSWER) RCTO(rc);
	CHECK(rc == 100);
	/* A keeper that is a resume key hears one trap. */
	KC (DOMKEY, Domain_MakeStart) KEYSTO(K0);
	KC (A, Domain_SwapKeeper) KEYSFROM(K0);
	KFORK (GATE_A, DO_REJECT);
	CHECK(hear(&report) == KT + 0x100 && kind_of(FAULT) == Discrim_TypeResume);
	KC (A, Domain_MakeAvailable) RCTO(rc);
	CHECK(rc == 1 && kind_of(FAULT) == Discrim_TypeData);
}

/* A chain of so many new meters above METER, into K0; the last one's node into NODE. */
static void meters_make(int count)
{
	JUMPBUF;
	UCHAR full[8 + 16] = { 3, 0, 0, 0, 3 };

	memset(full + 8 + 9, 0xFF, 7);
	KC (DOMKEY, Domain_GetKey + 5) KEYSTO(K0);
	while (count--) {
		KC (BANK, SB_CreateNode) KEYSTO(NODE);
		KC (NODE, Node_Swap + 1) KEYSFROM(K0);
		KC (NODE, Node_WriteData) CHARFROM(full, sizeof full);
		KC (NODE, Node_MakeMeterKey) KEYSTO(K0);
	}
}

/* A's meter is that: it answers, or traps with the code. */
static void meter_try(struct result *r, UINT32 code, int line)
{
	JUMPBUF;
	struct report report;
	UINT32 rc = 0;

	KC (A, Domain_SwapMeter) KEYSFROM(K0);
	if (code) {
		KFORK (GATE_A, DO_ANSWER);
		check(r, hear(&report) == KT + code, line);
		KC (A, Domain_SwapMeter) KEYSFROM(METER);
		KFORK (FAULT, 0);
	}
	KC (GATE_A, DO_ANSWER) RCTO(rc);
	check(r, rc == 100, line);
}

/* What is no meter, what is a malformed one, and a chain that is too long: before its next instruction. */
static void meters(struct result *r)
{
	JUMPBUF;
	static const UCHAR data[] = { 3, 4, 5, 6, 8, 10, 11, 12, 15 }, free_slots[] = { 9, 13, 14 };
	UCHAR much[8 + 16] = { 3, 0, 0, 0, 3 }, one[8 + 16] = { 0 };
	UINT32 rc;

	KC (PSB, SB_CreateBank) KEYSTO(BANK);
	KC (A, Domain_SwapKeeper) KEYSFROM(SELF);
	KC (A, Domain_MakeBusy) RCTO(rc);
	KC (A, Domain_ResetX86Stuff) STRUCTFROM(r->waiting);
	KC (A, Domain_MakeAvailable) RCTO(rc);
	(void)rc;
	meters_make(1);
	meter_try(r, 0, __LINE__);
	for (unsigned i = 0; i < sizeof data; i++) {
		KC (NODE, Node_Fetch + data[i]) KEYSTO(SUBJECT);
		KC (A, Domain_SwapKey + 15) KEYSFROM(SUBJECT);
		KC (NODE, Node_Swap + data[i]) KEYSFROM(NODE);
		meter_try(r, 0x408, 2000 + data[i]);
		KC (A, Domain_GetKey + 15) KEYSTO(SUBJECT);
		KC (NODE, Node_Swap + data[i]) KEYSFROM(SUBJECT);
		meter_try(r, 0, 2000 + data[i]);
	}
	for (unsigned i = 0; i < sizeof free_slots; i++) {
		KC (NODE, Node_Swap + free_slots[i]) KEYSFROM(NODE);
		meter_try(r, 0, 2000 + free_slots[i]);
	}
	for (unsigned slot = 0; slot <= 7; slot += 7) {
		one[0] = one[4] = slot;
		one[23] = 1;
		KC (NODE, Node_WriteData) CHARFROM(one, sizeof one);
		meter_try(r, 0x408, 2000 + (int)slot);
		one[23] = 0;
		KC (NODE, Node_WriteData) CHARFROM(one, sizeof one);
	}
	much[8 + 7] = 1;
	KC (NODE, Node_WriteData) CHARFROM(much, sizeof much);
	meter_try(r, 0x408, __LINE__);
	KC (NODE, Node_Swap + 1);
	memset(much + 8, 0xFF, 16);
	memset(much + 8, 0, 9);
	KC (NODE, Node_WriteData) CHARFROM(much, sizeof much);
	meter_try(r, 0x404, __LINE__);
	meters_make(15);
	meter_try(r, 0, __LINE__);
	meters_make(20);
	meter_try(r, 0x410, __LINE__);
	KC (NODE, Node_Swap + 1) KEYSFROM(K0);                 /* above itself */
	meter_try(r, 0x410, __LINE__);
	KC (BANK, KT + 4);
	meter_try(r, 0x404, __LINE__);
}

/* What a copy was made of: its stack's pages and their node, its memory, itself. */
static void sell(KEY domain)
{
	JUMPBUF;
	UINT32 rc;

	KC (domain, Domain_MakeBusy) RCTO(rc);
	KC (domain, Domain_GetMemory) KEYSTO(SUBJECT);
	KC (SUBJECT, Node_Fetch + 1) KEYSTO(FAULT);
	for (unsigned page = 0; page < STACK_PAGES; page++) {
		KC (FAULT, Node_Fetch + page) KEYSTO(K0);
		KC (PSB, SB_DestroyPage) KEYSFROM(K0);
	}
	KC (PSB, SB_DestroyNode) KEYSFROM(FAULT);
	KC (PSB, SB_DestroyNode) KEYSFROM(SUBJECT);
	KC (DC, DC_DestroyDomain) KEYSFROM(domain, PSB);
}

void factory(void)
{
	JUMPBUF;
	struct result result, *r = &result;
	UINT32 oc, rc;

	memset(&result, 0, sizeof result);
	KC (COMP, Node_Fetch + 0) KEYSTO(DISCRIM);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	for (unsigned copy = 0; copy < 2; copy++) {
		KC (DOMKEY, Domain_GetKey + 9) KEYSTO(GATE_B);
		KC (DOMKEY, Domain_GetKey + 8) KEYSTO(B);
		if (fork1() == 0)
			obey();
		KC (DOMKEY, Domain_GetKey + 15) KEYSTO(A);
		KC (A, Domain_MakeStart) KEYSTO(GATE_A);
		KC (A, Domain_SwapKeeper) KEYSFROM(SELF);
		KC (A, Domain_MakeBusy) KEYSTO(K0) RCTO(rc);
		KFORK (K0, 0);
		KC (GATE_A, DO_ANSWER) RCTO(rc);
		CHECK(rc == 100);
	}
	KC (A, Domain_GetX86Stuff) STRUCTTO(r->waiting);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	LDENBL OCTO(oc) KEYSTO(,,,CALLER);
	RETJUMP();
	(void)oc;
	parked(r);
	states(r);
	chain(r);
	sell(B);
	meters(r);
	sell(A);
	sprintf(result.text + strlen(result.text), "of %u", (unsigned)result.checks);
	KFORK (CALLER, result.failed) CHARFROM(result.text, strlen(result.text));
	KC (DOMKEY, Domain_SwapKey + CALLER);
}
