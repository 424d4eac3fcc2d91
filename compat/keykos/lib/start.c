/*
 * start.c - what a domain does before factory() runs: the rest of its stack, its own copy of the variables; and fork.
 *
 * Memory (doc/keykos/program.md): a node of lss 5; slot 0 the program, slot 1 the stack at 0x100000.  A program with
 * variables that are written gets a node of lss 4 of its own for slot 0: the program's pages where nothing is written,
 * pages of the domain's own for .data and .bss, and in slot 15 the program's segment as it came.
 *
 * Invariants
 *   1. What is bought here, exit (start.S) sells: node by node, whatever of it is the bank's.
 *   2. A primordial program (bootwomb) has its memory from whoever made it: nothing is done to it.
 */
#include "keykos.h"
#include "kktypes.h"
#include "dc.h"
#include "domain.h"
#include "node.h"
#include "page.h"
#include "sb.h"
#include "call.h"

#define PAGE       4096u
#define STACK      0x100000u
#define STACK_PAGES_MAX 16u
#define CHUNK      0x10000u                /* what a node of lss 3 spans */
#define PROGRAM_SLOT 15

/* Capability registers of the library's own; start.S uses the same ones at the end. */
enum { R_ROOT = 26, R_OWN, R_CHUNK, R_PAGE, R_CODE, R_THERE };
enum { DOMKEY = _KK_SLOT(3), PSB = _KK_SLOT(4), DC = _KK_SLOT(6) };
enum { K2 = _KK_SLOT(13), K1 = _KK_SLOT(14), K0 = _KK_SLOT(15) };

extern long bootwomb __attribute__((weak));
extern char _kk_header[];
UINT32 _kk_start(void);
int _kk_fork(int held, UINT32 sp, UINT32 child);

/* The header's words, as keykos-cc filled them in.  The image begins at 0, which C takes for no address. */
struct header {
	char magic[8];
	UINT32 version, length, start, title, stack, own_from, own_data, own_to;
};

static const struct header *header(void)
{
	const struct header *h = (const struct header *)_kk_header;

	__asm__("" : "+r"(h));
	return h;
}

static UINT32 stack_pages(void)
{
	UINT32 pages = (header()->stack + PAGE - 1) / PAGE;

	return pages < 1 ? 1 : pages > STACK_PAGES_MAX ? STACK_PAGES_MAX : pages;
}

static UINT32 key(unsigned reg, UINT32 order, unsigned send, unsigned receive)
{
	return _kk_call(reg, order, send, receive, NULL, 0);
}

static UINT32 node_make(unsigned reg, UCHAR lss)
{
	UINT32 rc = key(PSB, SB_CreateNode, 0, reg);

	return rc ? rc : _kk_call(reg, Node_MakeNodeKey, 0, reg, &lss, 1);
}

/* A page of the domain's own in a slot of a node, with the bytes that stand at `at` now. */
static UINT32 page_make(unsigned node, UINT32 slot, UINT32 at, UINT32 bytes)
{
	UINT32 rc = key(PSB, SB_CreatePage, 0, R_PAGE);

	if (rc)
		return rc;
	key(node, Node_Swap + slot, R_PAGE, 0);
	return bytes ? _kk_call(R_PAGE, Page_WriteData, 0, 0, (const void *)at, bytes) : 0;
}

/* Whether R_CODE is a node that lets its slots be fetched: other segments have an order code 0 of their own. */
static int code_opens(void)
{
	UINT32 type = key(R_CODE, KT, 0, 0);

	return type == 1 || type == 3 || type == 4; /* sense, node, fetch */
}

/*
 * Whether this domain's variables are to be copied out of its program.  Not if that is a segment with a keeper: a
 * factory's yield, such as a virtual copy, is the domain's own from the start, and written in place.
 */
static int own_wanted(void)
{
	UINT32 type = key(R_CODE, KT, 0, 0);

	return header()->own_from != header()->own_to &&
	       (code_opens() || (type & 0xFFFFE0FF) == 5 || type == Page_AKT || type == Page_ROAKT);
}

/* The register that holds 64 KiB of the program's segment, which is of lss 3 or 4; 0 if its slots cannot be fetched. */
static unsigned code_chunk(UINT32 slot, int opens)
{
	if (!opens)
		return 0;
	if ((key(R_CODE, Node_DataByte, 0, 0) & 0x0F) == 3)
		return slot == 0 && key(R_CODE, Node_Fetch, 0, R_THERE) == 0 ? R_CODE : 0;
	return key(R_CODE, Node_Fetch + slot, 0, R_THERE) == 0 ? R_THERE : 0;
}

/*
 * The 64 KiB from `chunk` on, into R_CHUNK: pages of the domain's own in [from, to), with the bytes that stand there
 * below `data`; the program's pages elsewhere, or copies if its segment does not let them be fetched.
 */
static UINT32 chunk_make(UINT32 chunk, UINT32 from, UINT32 data, UINT32 to, int opens)
{
	UINT32 length = header()->length, rc = node_make(R_CHUNK, 3);
	unsigned there = code_chunk(chunk / CHUNK, opens);

	for (UINT32 slot = 0; slot < 16 && !rc; slot++) {
		UINT32 at = chunk + slot * PAGE;

		if (at + PAGE > from && at < to)
			rc = page_make(R_CHUNK, slot, at, at >= data ? 0 : data - at < PAGE ? data - at : PAGE);
		else if (there && key(there, Node_Fetch + slot, 0, R_PAGE) == 0)
			rc = key(R_CHUNK, Node_Swap + slot, R_PAGE, 0);
		else if (at < length)
			rc = page_make(R_CHUNK, slot, at, length - at < PAGE ? length - at : PAGE);
	}
	return rc;
}

/* What stands in slot 0 of a memory of this program's, into R_OWN; data: up to where there is something to copy. */
static UINT32 own_make(UINT32 data)
{
	const struct header *h = header();
	UINT32 rc = node_make(R_OWN, 4), first = h->own_from / CHUNK, last = (h->own_to - 1) / CHUNK;
	int opens = code_opens();

	for (UINT32 slot = 0; slot < PROGRAM_SLOT && !rc; slot++) {
		if (slot >= first && slot <= last) {
			rc = chunk_make(slot * CHUNK, h->own_from, data, h->own_to, opens);
			key(R_OWN, Node_Swap + slot, R_CHUNK, 0);
		} else {
			key(R_OWN, Node_Swap + slot, code_chunk(slot, opens), 0);
		}
	}
	return rc ? rc : key(R_OWN, Node_Swap + PROGRAM_SLOT, R_CODE, 0);
}

/* Sells a node and the pages in it; what is not the bank's stays, and a node that was never made is nothing. */
static void node_sell(unsigned node)
{
	for (UINT32 slot = 0; slot < 16; slot++)
		if (key(node, Node_Fetch + slot, 0, R_PAGE) == 0)
			key(PSB, SB_DestroyPage, R_PAGE, 0);
	key(PSB, SB_DestroyNode, node, 0);
}

/* What own_make could not finish. */
static void own_sell(void)
{
	const struct header *h = header();

	for (UINT32 slot = h->own_from / CHUNK; slot <= (h->own_to - 1) / CHUNK; slot++)
		if (key(R_OWN, Node_Fetch + slot, 0, R_CHUNK) == 0)
			node_sell(R_CHUNK);
	key(PSB, SB_DestroyNode, R_OWN, 0);
}

/* The node that holds a stack of more than one page, into R_CHUNK, its first page already there or copied. */
static UINT32 stack_make(UINT32 from, UINT32 copied)
{
	UINT32 rc = node_make(R_CHUNK, 3);

	for (UINT32 slot = from; slot < stack_pages() && !rc; slot++)
		rc = page_make(R_CHUNK, slot, STACK + slot * PAGE, slot < copied ? PAGE : 0);
	return rc;
}

/* Where the stack begins; 0 if there is no space for what the program asks. */
UINT32 _kk_start(void)
{
	const struct header *h = header();
	UINT32 pages = stack_pages();

	if (&bootwomb)
		return (UINT32)__builtin_frame_address(0) & -16;
	if (pages == 1 && h->own_from == h->own_to)
		return STACK + PAGE - 16;
	key(DOMKEY, Domain_GetMemory, 0, R_ROOT);
	if (pages > 1) {
		if (stack_make(1, 0)) {
			node_sell(R_CHUNK);
			return 0;
		}
		key(R_ROOT, Node_Fetch + 1, 0, R_PAGE);
		key(R_CHUNK, Node_Swap, R_PAGE, 0);
		key(R_ROOT, Node_Swap + 1, R_CHUNK, 0);
	}
	if (h->own_from != h->own_to) {
		key(R_ROOT, Node_Fetch, 0, R_CODE);
		if (own_wanted()) {
			if (own_make(h->own_data)) {
				own_sell();
				return 0;
			}
			key(R_ROOT, Node_Swap, R_OWN, 0);
		}
	}
	return STACK + pages * PAGE - 16;
}

/* A stack like this domain's, into slot 1 of K1. */
static UINT32 stack_copy(void)
{
	UINT32 rc;

	if (stack_pages() == 1 || &bootwomb)
		return page_make(K1, 1, STACK, PAGE);
	rc = stack_make(0, STACK_PAGES_MAX);
	if (rc)
		node_sell(R_CHUNK);
	else
		key(K1, Node_Swap + 1, R_CHUNK, 0);
	return rc;
}

/* Memory like this domain's, in K1: the program or a copy of its variables, a copy of the stack.  All of it or nothing. */
static UINT32 memory_copy(void)
{
	const struct header *h = header();
	UINT32 rc = node_make(K1, 5);
	int own = 0;

	if (rc)
		return rc;
	key(DOMKEY, Domain_GetMemory, 0, R_ROOT);
	/* The memory that _start made is the lowest of taller nodes that the program may have put above it. */
	while ((key(R_ROOT, Node_DataByte, 0, 0) & 15) > 5)
		key(R_ROOT, Node_Fetch, 0, R_ROOT);
	key(R_ROOT, Node_Fetch, 0, R_OWN);
	/* A segment that is the domain's own is the copy's as well: fork copies the stack, and what _start copied. */
	if (h->own_from != h->own_to && !&bootwomb && key(R_OWN, KT, 0, 0) == 3) {
		key(R_OWN, Node_Fetch + PROGRAM_SLOT, 0, R_CODE);
		rc = own_make(h->own_to);
		own = 1;
	}
	key(K1, Node_Swap, R_OWN, 0);
	if (!rc)
		rc = stack_copy();
	if (rc) {
		if (own)
			own_sell();
		key(PSB, SB_DestroyNode, K1, 0);
	}
	return rc;
}

/*
 * A domain like this one, waiting at `child` with the stack at sp.  Slots 13, 14 and 15 are used up; 15 ends up with
 * its domain key.  What cannot be finished goes back to the bank.
 */
int _kk_fork(int held, UINT32 sp, UINT32 child)
{
	/* All but slots 3, 13, 14 and 15; slot 3 is its own domain key; registers, and slots 10 and 11 beside. */
	static const struct Domain_X86CopyInstructions copy = { 1, 1, 1, 1, 1, 1, 3, 0xEFF8, 0 };
	struct Domain_X86ControlData control = { .PC = child, .FLAGS = 0x202, .SP = sp };

	if (_kk_call(DC, 0, PSB << 8, K2, NULL, 0))
		return 3;
	if (memory_copy()) {
		_kk_call(DC, DC_DestroyDomain, K2 | PSB << 8, 0, NULL, 0);
		return 3;
	}
	key(K2, Domain_SwapMemory, K1, 0);
	key(DOMKEY, Domain_GetMeter, 0, K0);
	key(K2, Domain_SwapMeter, K0, 0);
	key(DOMKEY, Domain_GetKeeper, 0, K0);
	key(K2, Domain_SwapKeeper, K0, 0);
	_kk_call(K2, Domain_X86CopyCaller, 0, 0, &copy, sizeof copy);
	_kk_call(K2, Domain_PutX86Control, 0, 0, &control, sizeof control);
	if (!held) {
		key(K2, Domain_MakeBusy, 0, K0);
		_kk_send(K0, 0);
	}
	key(DOMKEY, Domain_GetKey + 13, 0, K0);
	return 1;
}
