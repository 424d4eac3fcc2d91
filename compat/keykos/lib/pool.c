/*
 * pool.c - allocation out of memory that the program names: initalloc(work, from, bytes), then malloc(work, bytes),
 * calloc(work, n, bytes) and free(work, p).  The work area is sixteen bytes of the program's.
 *
 * Invariants
 *   1. Blocks are whole units of eight bytes, the first of which is the block's own header.
 *   2. The free list is in order of address, and no two blocks of it touch.
 *   3. What was never used begins at `fresh`; it is touched only when it is handed out, so that a fresh segment grows
 *      no further than it must.
 */
#include <string.h>
#include "kktypes.h"

struct block {
	struct block *next;                    /* of the free list */
	UINT32 units;
};

struct pool {
	struct block *fresh;
	UINT32 fresh_units;
	struct block list;                     /* the list's head: its units count nothing */
};
_Static_assert(sizeof(struct pool) == 16, "programs give four words");

void initalloc(struct pool *pool, void *from, int bytes);
void *malloc(struct pool *pool, size_t bytes);
void *calloc(struct pool *pool, size_t count, size_t bytes);
void free(struct pool *pool, void *p);

void initalloc(struct pool *pool, void *from, int bytes)
{
	pool->fresh = from;
	pool->fresh_units = bytes / sizeof(struct block);
	pool->list = (struct block){ 0, 0 };
}

void *malloc(struct pool *pool, size_t bytes)
{
	UINT32 units = 1 + (bytes + sizeof(struct block) - 1) / sizeof(struct block);
	struct block *b;

	for (struct block *before = &pool->list; (b = before->next); before = b) {
		if (b->units < units)
			continue;
		if (b->units == units) {
			before->next = b->next;
		} else {
			b->units -= units;
			b += b->units;
			b->units = units;
		}
		return b + 1;
	}
	if (units > pool->fresh_units)
		return NULL;
	b = pool->fresh;
	b->units = units;
	pool->fresh += units;
	pool->fresh_units -= units;
	return b + 1;
}

void *calloc(struct pool *pool, size_t count, size_t bytes)
{
	void *p = malloc(pool, count * bytes);

	return p ? memset(p, 0, count * bytes) : p;
}

void free(struct pool *pool, void *p)
{
	struct block *b = (struct block *)p - 1, *before = &pool->list;

	if (!p)
		return;
	while (before->next && before->next < b)
		before = before->next;
	b->next = before->next;
	before->next = b;
	if (b->next && b + b->units == b->next) {
		b->units += b->next->units;
		b->next = b->next->next;
	}
	if (before != &pool->list && before + before->units == b) {
		before->units += b->units;
		before->next = b->next;
	}
}
