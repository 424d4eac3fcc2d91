/*
 * sort.c - sort14(array, bytes, offset, width): records of fourteen bytes in the order of the `width` bytes at
 * `offset` in each, read as an unsigned big-endian number.  In place, by heap.
 */
#include <string.h>

#define RECORD 14

void sort14(unsigned char *array, long bytes, int offset, int width);

static int below(const unsigned char *a, const unsigned char *b, int offset, int width)
{
	return memcmp(a + offset, b + offset, width) < 0;
}

static void swap(unsigned char *a, unsigned char *b)
{
	unsigned char kept[RECORD];

	memcpy(kept, a, RECORD);
	memcpy(a, b, RECORD);
	memcpy(b, kept, RECORD);
}

/* Record `at` goes down until none under it is larger. */
static void sink(unsigned char *array, long at, long count, int offset, int width)
{
	for (long child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && below(array + child * RECORD, array + (child + 1) * RECORD, offset, width))
			child++;
		if (!below(array + at * RECORD, array + child * RECORD, offset, width))
			return;
		swap(array + at * RECORD, array + child * RECORD);
	}
}

void sort14(unsigned char *array, long bytes, int offset, int width)
{
	long count = bytes / RECORD;

	for (long at = count / 2; at-- > 0;)
		sink(array, at, count, offset, width);
	while (count-- > 1) {
		swap(array, array + count * RECORD);
		sink(array, 0, count, offset, width);
	}
}
