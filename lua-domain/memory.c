/*
 * memory.c - the domain's memory from its bank: the heap and the stack.
 */
#include "domain.h"
#include <keros/bank.h>
#include <keros/image.h>
#include <keros/node.h>
#include <keros/process.h>
#include "heap.h"
#include "stack.h"

#define STACK_STEP 65536u

struct space_maker domain_maker;
uintptr_t stack_floor = IMAGE_STACK_TOP - IMAGE_STACK_PAGES * PAGE_SIZE + STACK_RESERVE;

static cap_t bank = CR_BANK;
static uintptr_t stack_low = IMAGE_STACK_TOP - IMAGE_STACK_PAGES * PAGE_SIZE;

extern char end[];                     /* of the program's own memory */

/* The heap begins where the program ends, so that a small one is part of the program's image (child.c freezes it). */
static uintptr_t heap_first(void)
{
	return ((uintptr_t)end + 15) & ~(uintptr_t)15;
}

bool memory_init(void)
{
	domain_maker = space_bank_maker(&bank);
	heap_init((struct heap_region){ heap_first(), IMAGE_HIGH }, (struct heap_region){ HEAP_START, HEAP_LIMIT });
	return process_get_slot(CR_SELF, PSLOT_SPACE, CR_SPACE) == RC_OK;
}

bool heap_map(uintptr_t from, uintptr_t to)
{
	/* The page that the program ends in is there already. */
	from = (from + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);
	if (space_map_zero(CR_SPACE, from, (to - from) / PAGE_SIZE, &domain_maker) == RC_OK)
		return true;
	/* The first portion shares its node with the program's own pages. */
	if (from % HEAP_STEP == 0)
		heap_unmap(from, to);
	return false;
}

void heap_unmap(uintptr_t from, uintptr_t to)
{
	cap_t node;

	for (; from < to; from += PAGE_SIZE * NODE_SLOTS)
		if (space_find(CR_SPACE, from, SPACE_LSS_PAGE + 1, NULL, &node) == RC_OK) {
			bank_free_many(CR_BANK, NODE_SLOTS, node);
			node_clear(node);
		}
}

int stack_grow(void)
{
	if (stack_low - STACK_STEP < IMAGE_HIGH)
		return STACK_LEVELS;   /* all that STACK_LEVELS can use is there */
	if (space_map_zero(CR_SPACE, stack_low - STACK_STEP, STACK_STEP / PAGE_SIZE, &domain_maker) != RC_OK)
		return 1;
	stack_low -= STACK_STEP;
	stack_floor -= STACK_STEP;
	return STACK_LEVELS;
}

void memory_thaw(void)
{
	stack_low = IMAGE_STACK_TOP - IMAGE_STACK_PAGES * PAGE_SIZE;
	stack_floor = stack_low + STACK_RESERVE;
}
