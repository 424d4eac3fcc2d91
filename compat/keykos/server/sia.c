/*
 * sia.c - allocators of small integers.
 *
 *	SIAF(0;sb,m ==> c;SIA)
 *	SIA(0 ==> n)          the smallest integer above 0 that is not allocated, which is then; -1 if there is none
 *	SIA(n ==> c)          n is free again; 1 it was not allocated
 *	SIA(-1 ==> n)         the smallest that is allocated, 0 if none is
 *	SIA(KT ==> 0x26), (KT+4 ==> 0)
 *
 * A bit for each integer, in the object's arena: integer n is bit n - 1.
 */
#include "object.h"

#define BITS_A_PAGE (PAGE_SIZE * 8u)
#define NONE        0xFFFFFFFFu

/* The first bit of that value from a bit on, below the arena's end; the end if there is none. */
static uint32_t bit_find(const uint64_t *words, uint32_t from, uint32_t end, bool value)
{
	for (uint32_t i = from / 64; i < end / 64; i++) {
		uint64_t word = value ? words[i] : ~words[i];

		if (i == from / 64)
			word &= ~0ull << from % 64;
		if (word)
			return i * 64 + __builtin_ctzll(word);
	}
	return end;
}

static uint32_t allocate(unsigned index)
{
	struct object *o = &objects[index];
	uint32_t end = o->arena_pages * BITS_A_PAGE, bit = end;
	uint64_t *words;

	if (end)
		bit = bit_find(arena_see(index, ARENA_A), o->integers.hint, end, false);
	if (bit == end && arena_grow(index, o->arena_pages + 1) != RC_OK)
		return NONE;
	words = arena_see(index, ARENA_A);
	words[bit / 64] |= 1ull << bit % 64;
	o->integers.hint = bit + 1;
	return bit + 1;
}

static uint32_t release(unsigned index, uint32_t n)
{
	struct object *o = &objects[index];
	uint32_t bit = n - 1;
	uint64_t *words;

	if (bit >= o->arena_pages * BITS_A_PAGE)
		return 1;
	words = arena_see(index, ARENA_A);
	if (!(words[bit / 64] >> bit % 64 & 1))
		return 1;
	words[bit / 64] &= ~(1ull << bit % 64);
	if (bit < o->integers.hint)
		o->integers.hint = bit;
	return RC_OK;
}

static uint32_t lowest(unsigned index)
{
	uint32_t end = objects[index].arena_pages * BITS_A_PAGE, bit;

	if (end == 0)
		return 0;
	bit = bit_find(arena_see(index, ARENA_A), 0, end, true);
	return bit == end ? 0 : bit + 1;
}

uint32_t sia_serve(unsigned index, uint32_t order)
{
	if (order == 0)
		return allocate(index);
	if (order < KT)
		return release(index, order);
	switch (order) {
	case NONE: return lowest(index);
	case KT: return 0x26;
	case OC_DESTROY:
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

uint32_t sia_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned bank, made;

	(void)index, (void)order;
	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (object_make(KIND_SIA, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	object_key(made, 0, to);
	return RC_OK;
}
