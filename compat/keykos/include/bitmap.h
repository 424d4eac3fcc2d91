/*
 * bitmap.h - bit maps that hand out numbers.
 */
#ifndef _H_bitmap
#define _H_bitmap

struct bitmapdata {
	uint32 *array;
	uint32 num_bits;
	uint32 array_size;
	uint32 next_index;
	uint32 low_index;
	uint32 high_index;
} ;

#define INITIALIZE_TO_ZERO 0
#define DO_NOT_INITIALIZE  1
void bminit(struct bitmapdata *, int);
uint32 bmget(struct bitmapdata *);
uint32 bmfree(struct bitmapdata *, uint32);
uint32 bmlow(struct bitmapdata *);
uint32 bmhigh(struct bitmapdata *);
uint32 bmvalue(int, uint32, uint32 *);
uint32 bmtest(struct bitmapdata *, uint32);
uint32 bmset(struct bitmapdata *, uint32);
uint32 bmreset(struct bitmapdata *, uint32);

#endif
