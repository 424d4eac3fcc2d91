/*
 * rules.ck - the rules of gate jumps, traps and keepers, asked by a program of the dialect.
 *
 *	RULESF(0;psb,m,sb ==> 0;RULES)
 *	RULES(0 ==> n,(text))     n rules do not hold; the text has their line numbers.  Its own space goes back.
 *
 * A copy of this domain (fork) does what is told it and is watched: the first domain is its keeper.
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
#include "page.h"
#include "program.h"
#include "sb.h"
#include "setjmp.h"

KEY COMP    = 0;                           /* 0: discrim */
KEY SB      = 1;
KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY PSB     = 4;
KEY METER   = 5;
KEY DC      = 6;
KEY SELF    = 7;                           /* a start key to the first domain */
KEY CHILD   = 8;                           /* the copy's domain key, and ... */
KEY DOIT    = 9;                           /* ... a start key to it */
KEY TRAPPED = 10;                          /* of a keeper message: key 2 and key 3 */
KEY FAULT   = 11;
KEY DISCRIM = 12;
KEY K2      = 13;
KEY K1      = 14;
KEY K0      = 15;

#define KEEPER_DB 9

/* What the copy can be told to do. */
enum { DO_ECHO, DO_REJECT, DO_SELF, DO_LONG, DO_READ, DO_WRITE, DO_DIVIDE, DO_ILLEGAL, DO_SYSCALL, DO_CRASH, DO_DATA_BYTE,
       DO_MANY_KEYS, DO_HANG, DO_GONE, DO_ACROSS, DO_JUMP };

struct report {
	struct Domain_SPARCRegistersAndControl view;
	UINT32 reserved;
	struct Domain_X86RegistersAndControl x86;
};
_Static_assert(sizeof(struct Domain_SPARCRegistersAndControl) == 164, "as published");

struct result {
	UINT32 failed, checks;
	char text[400];
};

char title[] = "RULES   ";
int stacksiz = 6 * 4096;
#define STACK_END 0x00106000               /* no page is there */

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

static UINT32 kind_of(KEY k)
{
	JUMPBUF;
	UINT32 kind;

	KC (DISCRIM, Discrim_Type) KEYSFROM(k) RCTO(kind);
	return kind;
}

static UINT32 type_of(KEY k)
{
	JUMPBUF;
	UINT32 type;

	KC (k, KT) RCTO(type);
	return type;
}

/* ---- the copy ---------------------------------------------------------------------------- */

/* A jump buffer of its own: what obey has loaded to answer with stays loaded. */
static void suffer(UINT32 what)
{
	JUMPBUF;
	static const char much[5000] = "too much";

	switch (what) {
	case DO_REJECT: KC (DISCRIM, 9); break;
	case DO_SELF: KC (DOIT, 0); break;
	case DO_LONG: KC (DISCRIM, 0) CHARFROM(much, sizeof much); break;
	case DO_READ: (void)*(volatile char *)0x00F00123; break;
	case DO_JUMP: ((void (*)(void))0x00F00123)(); break;
	case DO_WRITE: *(volatile char *)0x00000010 = 1; break;
	case DO_DIVIDE: __asm__ volatile("xorl %%ecx, %%ecx; divl %%ecx" : : : "rax", "rcx", "rdx"); break;
	case DO_ILLEGAL: __asm__ volatile("ud2"); break;
	case DO_SYSCALL: __asm__ volatile("xorl %%eax, %%eax; syscall" : : : "rax", "rcx", "r11"); break;
	case DO_CRASH: crash("as told"); break;
	case DO_HANG: KC (SELF, 1); break;
	case DO_GONE: KC (SELF, 1) CHARFROM((char *)0x00F00123, 10); break;
	case DO_ACROSS: KC (SELF, 1) CHARFROM((char *)STACK_END - 6, 10); break;
	}
}

static void obey(void)
{
	JUMPBUF;
	char bytes[4096];
	UINT32 what, length, count;
	SINT16 data;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(DOIT);
	LDEXBL (COMP, 0);
	for (;;) {
		LDENBL OCTO(what) KEYSTO(K0,K1,K2,CALLER) CHARTO(bytes, sizeof bytes, length) DBTO(data);
		RETJUMP();
		count = 0;
		if (what == DO_DATA_BYTE)
			count = (UINT32)data;
		if (what == DO_MANY_KEYS)
			count = (type_of(K0) == DATAKEY_RC) + (type_of(K1) == DATAKEY_RC) + (type_of(K2) == DATAKEY_RC);
		suffer(what);
		LDEXBL (CALLER, count);
		if (what == DO_ECHO) {
			LDEXBL (CALLER, 77) KEYSFROM(K0,K1) CHARFROM(bytes, length);
		}
	}
}

/* ---- the first domain -------------------------------------------------------------------- */

/* Tells the copy to do what traps, and hears of it as its keeper.  The keeper message is left for the caller. */
static UINT32 provoke(UINT32 what, struct report *report)
{
	JUMPBUF;
	UINT32 oc, length;

	KFORK (DOIT, what);
	LDEXBL (COMP, 0);
	LDENBL OCTO(oc) KEYSTO(K0,,TRAPPED,FAULT) STRUCTTO(*report,, length);
	RETJUMP();
	return length == sizeof *report ? oc : 0;
}

/* The copy waits for its next order again, whatever it was doing. */
static void recover(const struct Domain_X86RegistersAndControl *waiting)
{
	JUMPBUF;
	UINT32 rc;

	KC (CHILD, Domain_MakeBusy) RCTO(rc);
	KC (CHILD, Domain_ResetX86Stuff) STRUCTFROM(*waiting);
	KC (CHILD, Domain_MakeAvailable) RCTO(rc);
	(void)rc;
}

static void traps(struct result *r, const struct Domain_X86RegistersAndControl *waiting)
{
	JUMPBUF;
	static const struct { UINT32 what, code, first, second; } rows[] = {
		{ DO_REJECT, 0x100, KT+2, ~0u }, { DO_SELF, 0x300, ~0u, ~0u }, { DO_LONG, 0x30C, 5000, ~0u },
		{ DO_READ, 9, 0x00F00123, 5 }, { DO_WRITE, 9, 0x00000010, 1 }, { DO_DIVIDE, 0x82, ~0u, ~0u },
		{ DO_ILLEGAL, 2, ~0u, ~0u }, { DO_SYSCALL, 0x80, ~0u, ~0u }, { DO_CRASH, 0x7FFF, ~0u, ~0u },
		{ DO_GONE, 0x214, 0x00F00123, ~0u }, { DO_ACROSS, 0x214, STACK_END, ~0u },
		{ DO_JUMP, 0x21, 0x00F00123, 5 },
	};
	struct report report;
	UINT32 rc;

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int at = 1000 + (int)i * 10;

		check(r, provoke(rows[i].what, &report) == KT + rows[i].code, at);
		check(r, report.view.Control.TRAPCODE == rows[i].code && report.x86.Control.TRAPCODE == rows[i].code, at + 1);
		check(r, rows[i].first == ~0u || report.view.Control.TRAPEXT[0] == rows[i].first, at + 2);
		check(r, rows[i].second == ~0u || report.view.Control.TRAPEXT[1] == rows[i].second, at + 3);
		check(r, kind_of(FAULT) == Discrim_TypeResume && type_of(K0) == DATAKEY_RC, at + 4);
		KC (DISCRIM, Discrim_Compare) KEYSFROM(TRAPPED, CHILD) RCTO(rc);
		check(r, rc == 0, at + 5);
		recover(waiting);
		check(r, kind_of(FAULT) == Discrim_TypeData, at + 6);
	}
}

/* A fault key answered with a code traps with it; answered with 0 it goes on; used twice it is nothing. */
static void fault_keys(struct result *r, const struct Domain_X86RegistersAndControl *waiting)
{
	JUMPBUF;
	struct report report;
	UINT32 oc, length;

	CHECK(provoke(DO_READ, &report) == KT + 9);
	KC (CHILD, Domain_SwapKey + 13) KEYSFROM(FAULT) KEYSTO(K0);
	LDEXBL (FAULT, 7);
	LDENBL OCTO(oc) KEYSTO(K1,,TRAPPED,FAULT) STRUCTTO(report,, length);
	RETJUMP();
	CHECK(oc == KT + 0x100 && report.view.Control.TRAPEXT[0] == 7);
	KC (CHILD, Domain_GetKey + 13) KEYSTO(K0);
	CHECK(kind_of(K0) == Discrim_TypeData);
	recover(waiting);
	/* A rejected code's trap is cleared, and the program goes on behind it: the caller is answered. */
	CHECK(provoke(DO_REJECT, &report) == KT + 0x100);
	KC (CHILD, Domain_ResetX86Control) STRUCTFROM(report.x86.Control);
	LDEXBL (FAULT, 0);
	FORKJUMP();
	KC (DOIT, DO_MANY_KEYS) RCTO(oc);
	CHECK(oc == 3);
	CHECK(kind_of(FAULT) == Discrim_TypeData);
	/* No meter: it stops before its next instruction. */
	KC (CHILD, Domain_SwapMeter);
	CHECK(provoke(DO_ECHO, &report) == KT + 0x404);
	KC (CHILD, Domain_SwapMeter) KEYSFROM(METER);
	recover(waiting);
}

static void messages(struct result *r)
{
	JUMPBUF;
	char sent[4096], back[4096], *last = sent + 4095;
	UINT32 rc, length;
	UCHAR data;

	for (unsigned i = 0; i < sizeof sent; i++)
		sent[i] = (char)(i * 7 + i / 256);
	KC (DOIT, DO_ECHO) CHARFROM(sent, 4096) CHARTO(back, 4096, length) RCTO(rc);
	CHECK(rc == 77 && length == 4096 && memcmp(sent, back, 4096) == 0);
	memset(back, 0, sizeof back);
	KC (DOIT, DO_ECHO) CHARFROM(sent, 4096) CHARTO(back, 100, length) RCTO(rc);
	CHECK(length == 100 && memcmp(sent, back, 100) == 0 && back[100] == 0);
	KC (DOIT, DO_ECHO) CHARFROM(last, 1) CHARTO(back, 4096, length) RCTO(rc);
	CHECK(length == 1 && back[0] == *last);
	KC (DOIT, DO_ECHO) CHARTO(back, 4096, length) RCTO(rc);
	CHECK(length == 0);
	KC (DOIT, DO_ECHO) CHARFROM(sent, 4096) RCTO(rc);
	CHECK(rc == 77);
	KC (DOIT, DO_ECHO) KEYSFROM(DISCRIM, PSB) KEYSTO(K0,K1,K2) RCTO(rc);
	CHECK(type_of(K0) == 0x409 && type_of(K1) == 0x0C && type_of(K2) == DATAKEY_RC);
	KC (DOIT, DO_MANY_KEYS) RCTO(rc);
	CHECK(rc == 3);
	for (unsigned i = 0; i < 256; i += 51) {
		data = i;
		KC (CHILD, Domain_MakeStart) STRUCTFROM(data) KEYSTO(K0);
		KC (K0, DO_DATA_BYTE) RCTO(rc);
		CHECK(rc == i);
	}
}

/* A red segment's keeper hears calls of the segment, with the node unless the format says no. */
static void forwarding(struct result *r)
{
	JUMPBUF;
	struct Node_KeyValues format = { 15, 15, { FormatK(0, 15, 14, 0, 3) } };
	UINT32 rc;

	KC (PSB, SB_CreateNode) KEYSTO(K2);
	KC (K2, Node_Swap + 14) KEYSFROM(DOIT);
	KC (K2, Node_WriteData) CHARFROM(&format, 8 + 16);
	KC (K2, Node_MakeSegmentKey) KEYSTO(K1);
	KC (K1, DO_MANY_KEYS) RCTO(rc);
	CHECK(rc == 2);                                        /* the node is one of the three */
	KC (K1, DO_ECHO) KEYSFROM(DISCRIM, PSB) KEYSTO(K0) RCTO(rc);
	CHECK(rc == 77 && type_of(K0) == 0x409);
	format.Slots[0].Byte[12] = 0x1F;                       /* flag 1: no node */
	KC (K2, Node_WriteData) CHARFROM(&format, 8 + 16);
	KC (K1, DO_MANY_KEYS) RCTO(rc);
	CHECK(rc == 3);
	format.Slots[0].Byte[12] = 0x0F;
	format.Slots[0].Byte[13] = 0x5F;                       /* the third key goes to slot 5 */
	KC (K2, Node_WriteData) CHARFROM(&format, 8 + 16);
	KC (K1, DO_ECHO) KEYSFROM(,, METER) RCTO(rc);
	KC (K2, Node_Fetch + 5) KEYSTO(K0);
	CHECK(rc == 77 && type_of(K0) == 6);
	KC (K2, Node_MakeFrontendKey) KEYSTO(K1);
	KC (K1, DO_ECHO) RCTO(rc);
	CHECK(rc == 77 && kind_of(K1) == Discrim_TypeOther);
	{                                                      /* no-call: the keeper is not there */
		UCHAR no_call = 0x40;

		KC (K2, Node_MakeSegmentKey) STRUCTFROM(no_call) KEYSTO(K1);
		CHECK(type_of(K1) == 0x0005);
	}
	KC (K2, Node_MakeSegmentKey) KEYSTO(K1);
	KC (K2, Node_Swap + 14) KEYSFROM(METER);               /* a keeper that is no gate: as DK(0) */
	CHECK(type_of(K1) == DATAKEY_RC);
	format.Slots[0].Byte[12] = 0x8F;                       /* malformed: a segment like any other */
	KC (K2, Node_WriteData) CHARFROM(&format, 8 + 16);
	CHECK(type_of(K1) == 0x0005);
	KC (PSB, SB_DestroyNode) KEYSFROM(K2);
	CHECK(type_of(K1) == DATAKEY_RC);
}

static void resume_keys(struct result *r, const struct Domain_X86RegistersAndControl *waiting)
{
	JUMPBUF;
	UINT32 oc, rc;

	/* It calls us, and is answered once, by whichever copy of the key is used first. */
	KFORK (DOIT, DO_HANG);
	LDEXBL (COMP, 0);
	LDENBL OCTO(oc) KEYSTO(,,,K2);
	RETJUMP();
	CHECK(oc == 1 && kind_of(K2) == Discrim_TypeResume);
	KC (DC, DC_IdentifyResume) KEYSFROM(K2) KEYSTO(K1) RCTO(rc);
	CHECK(rc == 2);
	KC (DISCRIM, Discrim_Compare) KEYSFROM(K1, CHILD) RCTO(rc);
	CHECK(rc == 0);
	KC (CHILD, Domain_Compare) KEYSFROM(K2) RCTO(rc);
	CHECK(rc == 0);
	KC (DOMKEY, Domain_GetKey + 13) KEYSTO(K1);
	KFORK (K2, 0);
	CHECK(kind_of(K2) == Discrim_TypeData && kind_of(K1) == Discrim_TypeData);
	CHECK(type_of(K1) == DATAKEY_RC);
	/* Made busy, it forgets whom it waits for. */
	KFORK (DOIT, DO_HANG);
	LDEXBL (COMP, 0);
	LDENBL OCTO(oc) KEYSTO(,,,K2);
	RETJUMP();
	KC (CHILD, Domain_MakeBusy) KEYSTO(K0) RCTO(rc);
	CHECK(rc == 1 && kind_of(K2) == Discrim_TypeData && kind_of(K0) == Discrim_TypeResume);
	KC (DC, DC_IdentifyResume) KEYSFROM(K0) RCTO(rc);
	CHECK(rc == 4);
	recover(waiting);
}

static void leaving(struct result *r)
{
	jmp_buf place;
	volatile int round = 0;
	int code = setjmp(place);

	if (round++ < 3)
		longjmp(place, round == 2 ? 0 : 40 + round);
	CHECK(code == 43 && round == 4);
}

void factory(void)
{
	JUMPBUF;
	struct Domain_X86RegistersAndControl waiting;
	struct result result, *r = &result;
	UINT32 oc, rc;
	UCHAR keeper = KEEPER_DB;

	memset(&result, 0, sizeof result);
	KC (COMP, Node_Fetch + 0) KEYSTO(DISCRIM);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	if (fork1() == 0)
		obey();
	KC (DOMKEY, Domain_GetKey + 15) KEYSTO(CHILD);
	KC (CHILD, Domain_MakeStart) KEYSTO(DOIT);
	KC (DOMKEY, Domain_MakeStart) STRUCTFROM(keeper) KEYSTO(K0);
	KC (CHILD, Domain_SwapKeeper) KEYSFROM(K0);
	KC (CHILD, Domain_MakeBusy) KEYSTO(K0) RCTO(rc);
	KFORK (K0, 0);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	LDENBL OCTO(oc) KEYSTO(,,,CALLER);
	RETJUMP();
	(void)oc;
	KC (DOIT, DO_MANY_KEYS) RCTO(rc);                      /* it has come to where it waits */
	KC (CHILD, Domain_GetX86Stuff) STRUCTTO(waiting);
	messages(r);
	traps(r, &waiting);
	fault_keys(r, &waiting);
	forwarding(r);
	resume_keys(r, &waiting);
	leaving(r);
	/* What the copy was made of: its stack's pages and their node, its memory, itself. */
	KC (CHILD, Domain_MakeBusy) RCTO(rc);
	KC (CHILD, Domain_GetMemory) KEYSTO(K0);
	KC (K0, Node_Fetch + 1) KEYSTO(K1);
	for (unsigned page = 0; page < 6; page++) {
		KC (K1, Node_Fetch + page) KEYSTO(K2);
		KC (PSB, SB_DestroyPage) KEYSFROM(K2);
	}
	KC (PSB, SB_DestroyNode) KEYSFROM(K1);
	KC (PSB, SB_DestroyNode) KEYSFROM(K0);
	KC (DC, DC_DestroyDomain) KEYSFROM(CHILD, PSB);
	sprintf(result.text + strlen(result.text), "of %u", (unsigned)result.checks);
	KFORK (CALLER, result.failed) CHARFROM(result.text, strlen(result.text));
	KC (DOMKEY, Domain_SwapKey + CALLER);
}
