/*
 * trees.ck - memory trees as a domain meets them: spans, red nodes, windows, the memory code of each fault, segment keepers.
 *
 *	TREESF(0;psb,m,sb ==> 0;TREES)
 *	TREES(0 ==> n,(text))        n expectations do not hold; the text has their lines (rows: 1000 and more)
 *
 * A copy of this domain touches the tree that stands in slot 5 of its memory, and this domain is its keeper.  The tree:
 * the node SOURCE of lss 3 with pages 0 to 7, each with its number and 0x40 in its first byte; the node ROOT with SOURCE
 * in slot 9 and a format key and a key in slot 0 that are each row's.
 */
#include <stdio.h>
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "dc.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "page.h"
#include "program.h"
#include "sb.h"

KEY COMP    = 0;
KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY PSB     = 4;
KEY DC      = 6;
KEY SELF    = 7;
KEY A       = 8;                           /* the copy: domain key, start key */
KEY GATE_A  = 9;
KEY SOURCE  = 10;
KEY ROOT    = 11;
KEY SUBJECT = 12;                          /* of a keeper message: key 2 and key 3 */
KEY FAULT   = 13;
KEY K1      = 14;
KEY K0      = 15;

#define TREE       0x500000u
#define SELF_DB    5
#define PAGES      8
#define ANSWERS    0x1000u                 /* and the byte that it read */
#define FORMAT(flags, local, background, keeper, initial, ssc) \
	((UINT32)(flags) << 28 | 0x0F000F00u | (local) << 20 | (background) << 16 | (keeper) << 12 | (initial) << 4 | (ssc))
#define PLAIN      FORMAT(0, 15, 9, 15, 8, 3)
#define NO_GROUND  FORMAT(0, 15, 15, 15, 8, 3)

char title[] = "TREES   ";

struct result { UINT32 failed, checks; char text[300]; };

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

/* The copy: (place to touch, in words of four bytes; bit 31 to write). */
static void obey(void)
{
	JUMPBUF;
	UINT32 what, code = 0;

	for (;;) {
		LDEXBL (CALLER, code);
		LDENBL OCTO(what) KEYSTO(,,,CALLER);
		RETJUMP();
		volatile UCHAR *at = (volatile UCHAR *)(TREE + (what & 0x7FFFFFFF) * 4);

		if (what >> 31)
			*at = 0x77;
		code = ANSWERS + *at;
	}
}

/* A data key of five zero bytes and eleven, of which the low eight are given. */
static void number_put(KEY node, UINT32 slot, UINT32 top, UINT32 high, UINT32 low)
{
	JUMPBUF;
	struct Node_KeyValues values = { slot, slot, { { { 0 } } } };
	UCHAR *body = values.Slots[0].Byte;

	body[7] = top;
	for (unsigned i = 0; i < 4; i++) {
		body[8 + i] = high >> (24 - 8 * i);
		body[12 + i] = low >> (24 - 8 * i);
	}
	KC (node, Node_WriteData) CHARFROM(&values, 8 + Node_KEYLENGTH);
}

struct told { UINT32 code, length; short data; UCHAR bytes[164]; };

/* What the copy answers, or what this domain hears as its keeper. */
static struct told touch(UINT32 offset, int write)
{
	JUMPBUF;
	struct told t;

	KFORK (GATE_A, offset / 4 | (write ? KT : 0)) KEYSFROM(,,,SELF);
	LDEXBL (COMP, 0);
	LDENBL OCTO(t.code) STRUCTTO(t.bytes,, t.length) DBTO(t.data) KEYSTO(K0, K1, SUBJECT, FAULT);
	RETJUMP();
	return t;
}

/* A copy, waiting, whose memory has SUBJECT in slot 5. */
static void copy_make(void)
{
	JUMPBUF;
	UINT32 rc;

	if (fork1() == 0)
		obey();
	KC (DOMKEY, Domain_GetKey + 15) KEYSTO(A);
	KC (A, Domain_GetMemory) KEYSTO(K0);
	KC (K0, Node_Swap + 5) KEYSFROM(SUBJECT);
	KC (A, Domain_SwapKeeper) KEYSFROM(SELF);
	KC (A, Domain_MakeStart) KEYSTO(GATE_A);
	KC (A, Domain_SwapKey + 2);            /* it says to nobody that it is there */
	KC (A, Domain_MakeBusy) KEYSTO(K0) RCTO(rc);
	KFORK (K0, 0);
}

static void copy_sell(void)
{
	JUMPBUF;

	KC (A, Domain_GetMemory) KEYSTO(K0);
	KC (K0, Node_Fetch + 1) KEYSTO(K1);
	KC (DC, DC_DestroyDomain) KEYSFROM(A, PSB);
	KC (PSB, SB_DestroyPage) KEYSFROM(K1);
	KC (PSB, SB_DestroyNode) KEYSFROM(K0);
}

/* A copy touches the tree in SUBJECT. */
static void expect(struct result *r, int line, UINT32 offset, int write, UINT32 answer)
{
	struct told t;
	UINT32 words[2];

	copy_make();
	t = touch(offset, write);
	if (answer >= ANSWERS) {
		check(r, t.code == answer, line);
	} else {
		memcpy(words, t.bytes + 128 + 16, sizeof words);
		check(r, t.code == KT + 9 && t.length == sizeof t.bytes && words[0] == TREE + offset && words[1] == answer, line);
	}
	copy_sell();
}

static void segment_key(KEY node, UCHAR data_byte, UINT32 order)
{
	JUMPBUF;

	KC (node, order) STRUCTFROM(data_byte) KEYSTO(SUBJECT);
}

/* Keys to SOURCE of every kind that may stand in memory, and of some that may not. */
static void keys(struct result *r)
{
	static const struct { UCHAR order, data; UINT32 offset, write, answer; } rows[] = {
		{ Node_MakeSegmentKey, 3, 0x7000, 0, ANSWERS + 0x47 }, { Node_MakeNodeKey, 3, 0x1000, 0, ANSWERS + 0x41 },
		{ Node_MakeFetchKey, 3, 0x2000, 0, ANSWERS + 0x42 }, { Node_MakeFetchKey, 0, 0, 0, 2 },
		{ Node_MakeSegmentKey, 0x83, 0, 0, ANSWERS + 0x40 }, { Node_MakeSegmentKey, 0x83, 0, 1, 1 },
		{ Node_MakeSegmentKey, 3, 0x8000, 0, 5 }, { Node_MakeSegmentKey, 3, 0x10000, 0, 3 },
		{ Node_MakeSegmentKey, 2, 0, 0, 9 }, { Node_MakeSegmentKey, 13, 0, 0, 9 }, { Node_MakeSegmentKey, 4, 0, 0, ANSWERS + 0x40 },
		{ Node_MakeSegmentKey, 4, 0x1000, 0, 3 }, { Node_MakeMeterKey, 0, 0, 0, 2 }, { Node_MakeFrontendKey, 3, 0, 0, 2 },
	};

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		segment_key(SOURCE, rows[i].data, rows[i].order);
		expect(r, 1000 + (int)i, rows[i].offset, rows[i].write, rows[i].answer);
	}
}

/* Format keys of ROOT, and what stands in its slot 0: every bit of them that has a meaning. */
static void red(struct result *r)
{
	static const struct { UINT32 format, top, high, low, write, answer; } rows[] = {
		/* windows onto the background, then of slot 9 */
		{ PLAIN, 0, 0, 0x3003, 0, ANSWERS + 0x43 }, { PLAIN, 0, 0, 0x300B, 0, ANSWERS + 0x43 }, { PLAIN, 0, 0, 0x300B, 1, 1 },
		{ NO_GROUND, 0, 0, 0x3092, 0, ANSWERS + 0x43 }, { PLAIN, 0, 0, 0x8003, 0, 5 }, { PLAIN, 0, 0, 0x10003, 0, 3 },
		{ NO_GROUND, 0, 0, 0x3003, 0, 13 }, { PLAIN, 0, 0, 0x3803, 0, 10 }, { PLAIN, 0, 0, 0x3103, 0, 10 },
		{ PLAIN, 0, 0, 0x3013, 0, 10 }, { PLAIN, 0, 0x10000, 3, 0, 14 }, { PLAIN, 1, 0, 3, 0, 14 }, { PLAIN, 0, 1, 3, 0, 3 },
		{ NO_GROUND, 0, 0, 0x02, 0, 5 }, { NO_GROUND, 0, 0, 0x52, 0, 5 }, { PLAIN, 0, 0, 0x3001, 0, 5 },
		/* formats */
		{ FORMAT(1, 15, 9, 15, 8, 3), 0, 0, 0x3003, 0, ANSWERS + 0x43 }, { FORMAT(2, 15, 9, 15, 8, 3), 0, 0, 3, 0, 8 },
		{ FORMAT(4, 15, 9, 15, 8, 3), 0, 0, 3, 0, 8 }, { FORMAT(8, 15, 9, 15, 8, 3), 0, 0, 3, 0, 8 },
		{ FORMAT(0, 5, 9, 15, 8, 3), 0, 0, 3, 0, 8 }, { FORMAT(0, 15, 9, 15, 0, 3), 0, 0, 3, 0, 3 },
		{ FORMAT(0, 15, 9, 15, 8, 2), 0, 0, 3, 0, 9 }, { FORMAT(0, 15, 9, 15, 8, 13), 0, 0, 3, 0, 9 }, { 0, 0, 0, 3, 0, 8 },
		{ PLAIN & ~0x01000000u, 0, 0, 3, 0, 8 }, { PLAIN & ~0x00000100u, 0, 0, 3, 0, 8 },
	};
	JUMPBUF;

	KC (ROOT, Node_Swap + 9) KEYSFROM(SUBJECT);
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		number_put(ROOT, 15, 0, 0, rows[i].format);
		number_put(ROOT, 0, rows[i].top, rows[i].high, rows[i].low);
		segment_key(ROOT, 0, Node_MakeSegmentKey);
		expect(r, 2000 + (int)i, 0, rows[i].write, rows[i].answer);
	}
	segment_key(ROOT, 0, Node_MakeSegmentKey);
	KC (ROOT, Node_Swap + 15) KEYSFROM(PSB);
	expect(r, __LINE__, 0, 0, 7);
	number_put(ROOT, 15, 0, 0, PLAIN);
	segment_key(ROOT, 0, Node_MakeSegmentKey);
	KC (ROOT, Node_Swap) KEYSFROM(SUBJECT);
	expect(r, __LINE__, 0, 0, 6);          /* in itself */
}

/* A keeper hears the offset in its own red node, and gets that node with data byte 0 whatever the key in memory says. */
static void kept(struct result *r)
{
	JUMPBUF;
	struct told t;
	unsigned long long offset = 0;
	UINT32 rc;

	number_put(ROOT, 0, 0, 0, 0);
	number_put(ROOT, 15, 0, 0, FORMAT(0, 15, 15, 14, 9, 3));
	KC (ROOT, Node_Swap + 14) KEYSFROM(SELF);
	segment_key(ROOT, 0x30, Node_MakeSegmentKey);
	copy_make();
	t = touch(0x4124, 1);
	memcpy(&offset, t.bytes, 8);
	CHECK(t.code == 0xFFFFFFFF && t.data == SELF_DB && t.length == 8 && offset == 0x4124ull << 16);
	KC (SUBJECT, Node_DataByte) RCTO(rc);
	CHECK(rc == 0);
	KC (ROOT, Node_Compare) KEYSFROM(SUBJECT) RCTO(rc);
	CHECK(rc == 0);
	/* The page is there: it goes on. */
	KC (SOURCE, Node_Fetch + 4) KEYSTO(K0);
	KC (SUBJECT, Node_Swap + 4) KEYSFROM(K0);
	LDEXBL (FAULT, 0);
	LDENBL OCTO(t.code);
	RETJUMP();
	CHECK(t.code == ANSWERS + 0x77);
	copy_sell();
	/* Any code but 0 traps, with that code. */
	for (UINT32 code = 5; code != KT + 10; code = code == 5 ? KT + 6 : code + 1) {
		segment_key(ROOT, 0, Node_MakeSegmentKey);
		copy_make();
		t = touch(0x5000, 0);
		LDEXBL (FAULT, code);
		LDENBL OCTO(t.code) STRUCTTO(t.bytes) KEYSTO(,, SUBJECT, FAULT);
		RETJUMP();
		memcpy(&rc, t.bytes + 128 + 16, 4);
		CHECK(t.code == KT + 0x100 && rc == code);
		copy_sell();
	}
	/* Not when the key says no-call: then it is the domain's keeper that hears. */
	segment_key(ROOT, 0x40, Node_MakeSegmentKey);
	expect(r, __LINE__, 0x5000, 0, 5);
}

static void tree_make(void)
{
	JUMPBUF;
	UCHAR first;

	KC (PSB, SB_CreateNode) KEYSTO(SOURCE);
	KC (PSB, SB_CreateNode) KEYSTO(ROOT);
	for (unsigned i = 0; i < PAGES; i++) {
		first = 0x40 + i;
		KC (PSB, SB_CreatePage) KEYSTO(K0);
		KC (K0, Page_WriteData) STRUCTFROM(first);
		KC (SOURCE, Node_Swap + i) KEYSFROM(K0);
	}
}

static void tree_sell(void)
{
	JUMPBUF;

	for (unsigned i = 0; i < PAGES; i++) {
		KC (SOURCE, Node_Fetch + i) KEYSTO(K0);
		KC (PSB, SB_DestroyPage) KEYSFROM(K0);
	}
	KC (PSB, SB_DestroyTwoNodes) KEYSFROM(SOURCE, ROOT);
}

void factory(void)
{
	JUMPBUF;
	struct result result = { 0 }, *r = &result;
	struct Domain_DataByte own = { SELF_DB };
	UINT32 oc;

	KC (DOMKEY, Domain_MakeStart) STRUCTFROM(own) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	LDENBL OCTO(oc) KEYSTO(,,,CALLER);
	RETJUMP();
	(void)oc;
	tree_make();
	keys(r);
	segment_key(SOURCE, 3, Node_MakeSegmentKey);
	red(r);
	kept(r);
	tree_sell();
	sprintf(r->text + strlen(r->text), "of %u", (unsigned)r->checks);
	KFORK (CALLER, r->failed) CHARFROM(r->text, strlen(r->text));
	KC (DOMKEY, Domain_SwapKey + CALLER);
}
