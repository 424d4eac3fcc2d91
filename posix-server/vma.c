/*
 * vma.c - areas as one sorted array: a process has a dozen, a search is four steps, and fork
 * copies them with one memcpy.  See vma.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "vma.h"

/* Index of the first area that ends above the address. */
static uint32_t index_after(const struct vma_set *s, uint64_t address)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (s->v[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct vma *vma_after(const struct vma_set *s, uint64_t address)
{
	uint32_t i = index_after(s, address);

	return i < s->count ? &s->v[i] : NULL;
}

struct vma *vma_find(const struct vma_set *s, uint64_t address)
{
	struct vma *v = vma_after(s, address);

	return v && v->start <= address ? v : NULL;
}

bool vma_range_free(const struct vma_set *s, uint64_t start, uint64_t end)
{
	struct vma *v = vma_after(s, start);

	return !v || v->start >= end;
}

bool vma_range_full(const struct vma_set *s, uint64_t start, uint64_t end)
{
	for (uint32_t i = index_after(s, start); start < end; i++) {
		if (i >= s->count || s->v[i].start > start)
			return false;
		start = s->v[i].end;
	}
	return true;
}

/* Room for that many more areas, so that what follows cannot fail. */
static int reserve(struct vma_set *s, uint32_t more)
{
	uint32_t size = s->size ? s->size : 16;
	struct vma *v;

	while (size < s->count + more)
		size *= 2;
	if (size == s->size)
		return 0;
	v = realloc(s->v, size * sizeof *v);
	if (!v)
		return -ENOMEM;
	s->v = v;
	s->size = size;
	return 0;
}

static void open_slot(struct vma_set *s, uint32_t i)
{
	memmove(&s->v[i + 1], &s->v[i], (s->count - i) * sizeof *s->v);
	s->count++;
}

static void close_slots(struct vma_set *s, uint32_t i, uint32_t n)
{
	memmove(&s->v[i], &s->v[i + n], (s->count - i - n) * sizeof *s->v);
	s->count -= n;
}

static bool joins(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags && a->inode == b->inode &&
	       a->shm == b->shm && ((!a->inode && !a->shm) || a->offset + (a->end - a->start) == b->offset);
}

/* Makes area i and the next one area if they fit. */
static bool join_next(struct vma_set *s, uint32_t i)
{
	if (i + 1 >= s->count || !joins(&s->v[i], &s->v[i + 1]))
		return false;
	s->v[i].end = s->v[i + 1].end;
	vma_drop(&s->v[i + 1]);
	close_slots(s, i + 1, 1);
	return true;
}

static void join_around(struct vma_set *s, uint32_t i)
{
	join_next(s, i);
	if (i > 0)
		join_next(s, i - 1);
}

int vma_insert(struct vma_set *s, const struct vma *area)
{
	uint32_t i = index_after(s, area->start);

	if (reserve(s, 1))
		return -ENOMEM;
	open_slot(s, i);
	s->v[i] = *area;
	vma_hold(area);
	s->bytes += area->end - area->start;
	join_around(s, i);
	return 0;
}

/* Cuts the area that spans the address, if one does, into two there.  Room has been reserved. */
static void split_at(struct vma_set *s, uint64_t address)
{
	uint32_t i = index_after(s, address);
	struct vma *v = &s->v[i];

	if (i >= s->count || v->start >= address)
		return;
	open_slot(s, i);
	v[1] = v[0];
	vma_hold(v);
	v[0].end = address;
	v[1].start = address;
	v[1].offset += address - v[0].start;
}

int vma_remove(struct vma_set *s, uint64_t start, uint64_t end)
{
	uint32_t first, last;

	if (vma_range_free(s, start, end))
		return 0;
	if (reserve(s, 2))
		return -ENOMEM;
	split_at(s, start);
	split_at(s, end);
	first = index_after(s, start);
	for (last = first; last < s->count && s->v[last].start < end; last++) {
		s->bytes -= s->v[last].end - s->v[last].start;
		vma_drop(&s->v[last]);
	}
	close_slots(s, first, last - first);
	return 0;
}

int vma_protect(struct vma_set *s, uint64_t start, uint64_t end, uint32_t prot)
{
	if (!vma_range_full(s, start, end) || reserve(s, 2))
		return -ENOMEM;
	split_at(s, start);
	split_at(s, end);
	for (uint32_t i = index_after(s, start); i < s->count && s->v[i].start < end; i++)
		s->v[i].prot = prot;
	for (uint32_t i = index_after(s, start ? start - 1 : 0); i < s->count && s->v[i].start <= end;)
		if (!join_next(s, i))
			i++;
	return 0;
}

int vma_copy(struct vma_set *to, const struct vma_set *from)
{
	*to = (struct vma_set){ 0 };
	if (reserve(to, from->count + 1))
		return -ENOMEM;
	memcpy(to->v, from->v, from->count * sizeof *to->v);
	to->count = from->count;
	to->bytes = from->bytes;
	for (uint32_t i = 0; i < to->count; i++)
		vma_hold(&to->v[i]);
	return 0;
}

void vma_clear(struct vma_set *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		vma_drop(&s->v[i]);
	free(s->v);
	*s = (struct vma_set){ 0 };
}

uint64_t vma_gap(const struct vma_set *s, uint64_t low, uint64_t high, uint64_t length)
{
	for (uint32_t i = index_after(s, low); i < s->count; i++) {
		if (s->v[i].start > low && s->v[i].start - low >= length)
			break;
		if (s->v[i].end > low)
			low = s->v[i].end;
	}
	return low <= high && high - low >= length ? low : 0;
}
