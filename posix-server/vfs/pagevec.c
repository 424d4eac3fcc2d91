/*
 * pagevec.c - page numbers by index: an array for small files, a radix tree for large or sparse ones.
 *
 * Height 0: root is an array of room entries, doubled up to FAN.  Height h > 0: root is a node of FAN pointers,
 * each to a tree of height h - 1 (a leaf has FAN entries); the whole covers FAN^(h+1) indices.  So a file of
 * 2 MiB costs one array, and a byte at 1 TiB three nodes and a leaf.
 */
#include <stdlib.h>
#include <string.h>
#include "vfs.h"

#define FAN_BITS 9
#define FAN (1u << FAN_BITS)
#define HEIGHT_LIMIT 4

pageno pagevec_get(const struct pagevec *v, uint64_t index)
{
	const void *node = v->root;
	if (v->height == 0)
		return index < v->room ? ((const pageno *)node)[index] : 0;
	if (index >> (FAN_BITS * (v->height + 1)))
		return 0;
	for (uint32_t h = v->height; h; h--)
		if (!(node = ((void *const *)node)[index >> (FAN_BITS * h) & (FAN - 1)]))
			return 0;
	return ((const pageno *)node)[index & (FAN - 1)];
}

/* The array of height 0 grows until it holds index. */
static bool array_grow(struct pagevec *v, uint64_t index)
{
	uint32_t room = v->room ? v->room : 4;
	while (room <= index)
		room *= 2;
	pageno *array = realloc(v->root, room * sizeof *array);
	if (!array)
		return false;
	memset(array + v->room, 0, (room - v->room) * sizeof *array);
	v->root = array;
	v->room = room;
	return true;
}

static bool height_grow(struct pagevec *v)
{
	if (v->height == HEIGHT_LIMIT)
		return false;
	if (v->height == 0 && v->room < FAN && !array_grow(v, FAN - 1))
		return false;
	void **node = calloc(FAN, sizeof *node);
	if (!node)
		return false;
	node[0] = v->root;
	v->root = node;
	v->height++;
	return true;
}

pageno *pagevec_slot(struct pagevec *v, uint64_t index)
{
	if (v->height == 0 && index < v->room)
		return (pageno *)v->root + index;
	if (v->height == 0 && index < FAN)
		return array_grow(v, index) ? (pageno *)v->root + index : NULL;
	while (index >> (FAN_BITS * (v->height + 1)))
		if (!height_grow(v))
			return NULL;
	void *node = v->root;
	for (uint32_t h = v->height; h; h--) {
		void **child = (void **)node + (index >> (FAN_BITS * h) & (FAN - 1));
		if (!*child && !(*child = h > 1 ? calloc(FAN, sizeof(void *)) : calloc(FAN, sizeof(pageno))))
			return NULL;
		node = *child;
	}
	return (pageno *)node + (index & (FAN - 1));
}

static uint64_t node_next(const void *node, uint32_t height, uint32_t room, uint64_t index)
{
	uint32_t shift = FAN_BITS * height;
	for (uint64_t at = index >> shift; at < room; at++, index = at << shift) {
		if (height == 0) {
			if (((const pageno *)node)[at])
				return at;
			continue;
		}
		const void *child = ((void *const *)node)[at];
		uint64_t low = child ? node_next(child, height - 1, FAN, index & ((1ull << shift) - 1)) : ~0ull;
		if (low != ~0ull)
			return at << shift | low;
	}
	return ~0ull;
}

uint64_t pagevec_next(const struct pagevec *v, uint64_t index)
{
	return v->root ? node_next(v->root, v->height, v->height ? FAN : v->room, index) : ~0ull;
}

struct cut { uint64_t from, limit, count, below; };

static void node_cut(void *node, uint32_t height, uint32_t room, uint64_t base, struct cut *c)
{
	uint32_t shift = FAN_BITS * height;
	uint64_t at = c->from > base ? (c->from - base) >> shift : 0;
	for (; at < room; at++) {
		uint64_t index = base + (at << shift);
		if (height == 0) {
			pageno *slot = (pageno *)node + at;
			if (!*slot)
				continue;
			page_put(*slot);
			*slot = 0;
			c->count++;
			c->below += index < c->limit;
		} else if (((void **)node)[at]) {
			node_cut(((void **)node)[at], height - 1, FAN, index, c);
			if (index >= c->from) {
				free(((void **)node)[at]);
				((void **)node)[at] = NULL;
			}
		}
	}
}

uint64_t pagevec_cut(struct pagevec *v, uint64_t index, uint64_t limit, uint64_t *below)
{
	struct cut c = {.from = index, .limit = limit};
	if (v->root)
		node_cut(v->root, v->height, v->height ? FAN : v->room, 0, &c);
	*below = c.below;
	if (index == 0) {
		free(v->root);
		memset(v, 0, sizeof *v);
	}
	return c.count;
}

void pagevec_free(struct pagevec *v)
{
	uint64_t below;
	pagevec_cut(v, 0, 0, &below);
}
