/*
 * heap.c - malloc, calloc, realloc and free over pages of the prompt bank, a mebibyte from 0xE00000 on.
 *
 * The memory stands in slot 14 of the domain's memory node, which a program that uses this leaves alone.
 * Invariant: the pages below `top` are there; exit (start.S) calls _kk_heap_end, which gives them back.
 */
#include <stdlib.h>
#include <string.h>
#include "keykos.h"
#include "domain.h"
#include "node.h"
#include "sb.h"
#include "call.h"

#define FROM 0x00E00000u
#define TO   0x00F00000u
#define PAGE 4096u
#define SLOT 14

enum { R_ROOT = 26, R_OWN, R_CHUNK, R_PAGE };
enum { DOMKEY = _KK_SLOT(3), PSB = _KK_SLOT(4) };

struct pool;
void _kk_heap_end(void);

struct block { struct block *next; size_t bytes; };
static struct block *list;
static UINT32 top, used;

static UINT32 key(unsigned reg, UINT32 order, unsigned send, unsigned receive)
{
	return _kk_call(reg, order, send, receive, NULL, 0);
}

static int node_make(unsigned reg, UCHAR lss)
{
	return key(PSB, SB_CreateNode, 0, reg) == 0 && _kk_call(reg, Node_MakeNodeKey, 0, reg, &lss, 1) == 0;
}

static int page_add(void)
{
	UINT32 at = top - FROM;

	if (top == TO)
		return 0;
	key(DOMKEY, Domain_GetMemory, 0, R_ROOT);
	if (at == 0) {
		if (!node_make(R_OWN, 4))
			return 0;
		key(R_ROOT, Node_Swap + SLOT, R_OWN, 0);
	}
	key(R_ROOT, Node_Fetch + SLOT, 0, R_OWN);
	if (at % 0x10000 == 0) {
		if (!node_make(R_CHUNK, 3))
			return 0;
		key(R_OWN, Node_Swap + at / 0x10000, R_CHUNK, 0);
	}
	key(R_OWN, Node_Fetch + at / 0x10000, 0, R_CHUNK);
	if (key(PSB, SB_CreatePage, 0, R_PAGE))
		return 0;
	key(R_CHUNK, Node_Swap + at / PAGE % 16, R_PAGE, 0);
	top += PAGE;
	return 1;
}

void *malloc(size_t bytes)
{
	struct block **at = &list, *b;

	bytes = (bytes + 15) & -16u;
	if (!top)
		top = used = FROM;
	for (; (b = *at); at = &b->next)
		if (b->bytes >= bytes) {
			*at = b->next;
			return b + 1;
		}
	while (top - used < bytes + sizeof *b)
		if (bytes > TO - FROM || !page_add())
			return NULL;
	b = (struct block *)used;
	b->bytes = bytes;
	used += bytes + sizeof *b;
	return b + 1;
}

void free(void *p)
{
	struct block *b = (struct block *)p - 1;

	if (!p)
		return;
	b->next = list;
	list = b;
}

void *calloc(size_t count, size_t bytes)
{
	void *p = malloc(count * bytes);

	return p ? memset(p, 0, count * bytes) : p;
}

void *realloc(void *p, size_t bytes)
{
	size_t had = p ? ((struct block *)p - 1)->bytes : 0;
	void *q = had >= bytes && p ? p : malloc(bytes);

	if (q && q != p) {
		memcpy(q, p, had);
		free(p);
	}
	return q;
}

void _kk_heap_end(void)
{
	if (!top)
		return;
	key(DOMKEY, Domain_GetMemory, 0, R_ROOT);
	key(R_ROOT, Node_Swap + SLOT, 0, R_OWN);
	for (unsigned i = 0; i < 16 && key(R_OWN, Node_Fetch + i, 0, R_CHUNK) == 0; i++) {
		for (unsigned j = 0; j < 16 && key(R_CHUNK, Node_Fetch + j, 0, R_PAGE) == 0; j++)
			key(PSB, SB_DestroyPage, R_PAGE, 0);
		key(PSB, SB_DestroyNode, R_CHUNK, 0);
	}
	key(PSB, SB_DestroyNode, R_OWN, 0);
}
