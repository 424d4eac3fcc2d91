/*
 * bitmap.c - bit maps that hand out numbers from 1 on (bitmap.h): the leftmost bit of the first word is 1.
 *
 * Invariant: no free bit is below word next_index, no set bit below low_index or above high_index.
 */
#include "kktypes.h"
#include "bitmap.h"

#define NONE 0xFFFFFFFFu

static uint32 *word(struct bitmapdata *bm, uint32 number, uint32 *mask)
{
	*mask = 0x80000000u >> (number - 1) % 32;
	return &bm->array[(number - 1) / 32];
}

void bminit(struct bitmapdata *bm, int flag)
{
	bm->next_index = bm->low_index = bm->high_index = 0;
	bm->array_size = (bm->num_bits - 1) / 32 + 1;
	for (uint32 i = 0; i < bm->array_size && flag == INITIALIZE_TO_ZERO; i++)
		bm->array[i] = 0;
}

/* The number of the leftmost zero of a word, and which of its bits that is. */
uint32 bmvalue(int index, uint32 value, uint32 *bit)
{
	uint32 n = 0;

	while (n < 32 && value & 0x80000000u >> n)
		n++;
	*bit = n;
	return (uint32)index * 32 + n + 1;
}

uint32 bmget(struct bitmapdata *bm)
{
	uint32 bit, number;

	for (uint32 i = bm->next_index; i < bm->array_size; i++) {
		if (bm->array[i] == NONE)
			continue;
		number = bmvalue(i, bm->array[i], &bit);
		bm->array[i] |= 0x80000000u >> bit;
		bm->next_index = i;
		if (i > bm->high_index)
			bm->high_index = i;
		if (i < bm->low_index)
			bm->low_index = i;
		return number;
	}
	return NONE;
}

uint32 bmfree(struct bitmapdata *bm, uint32 number)
{
	uint32 mask, *w, i = (number - 1) / 32;

	if (number == 0 || number > bm->num_bits)
		return 1;
	w = word(bm, number, &mask);
	if (!(*w & mask))
		return 1;
	*w &= ~mask;
	if (i < bm->next_index)
		bm->next_index = i;
	return 0;
}

uint32 bmset(struct bitmapdata *bm, uint32 number)
{
	uint32 mask, *w = word(bm, number, &mask), i = (number - 1) / 32;

	*w |= mask;
	if (i > bm->high_index)
		bm->high_index = i;
	if (i < bm->low_index)
		bm->low_index = i;
	return 0;
}

uint32 bmreset(struct bitmapdata *bm, uint32 number)
{
	uint32 mask, *w = word(bm, number, &mask);

	*w &= ~mask;
	if ((number - 1) / 32 < bm->next_index)
		bm->next_index = (number - 1) / 32;
	return 0;
}

/* 0 if it is set. */
uint32 bmtest(struct bitmapdata *bm, uint32 number)
{
	uint32 mask, *w = word(bm, number, &mask);

	return *w & mask ? 0 : NONE;
}

static uint32 none_left(struct bitmapdata *bm)
{
	bm->next_index = bm->low_index = bm->high_index = 0;
	return 0;
}

/* The lowest and the highest number that is handed out; 0 if none is. */
uint32 bmlow(struct bitmapdata *bm)
{
	uint32 bit;

	for (uint32 i = bm->low_index; i <= bm->high_index; i++)
		if (bm->array[i])
			return bmvalue(i, ~bm->array[i], &bit);
	return none_left(bm);
}

uint32 bmhigh(struct bitmapdata *bm)
{
	for (uint32 i = bm->high_index + 1; i-- > bm->low_index;)
		for (uint32 bit = 32; bm->array[i] && bit-- > 0;)
			if (bm->array[i] & 0x80000000u >> bit)
				return i * 32 + bit + 1;
	return none_left(bm);
}
