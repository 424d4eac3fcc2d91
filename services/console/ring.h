/*
 * ring.h - a ring of bytes.
 *
 * Invariants
 *   1. size is a power of two; head and tail run free, head - tail = bytes held <= size.
 *   2. A ring without memory (bytes == NULL) has size 0: always empty and always full.
 */
#ifndef CONSOLE_RING_H
#define CONSOLE_RING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct ring {
	uint8_t *bytes;
	uint32_t size;
	uint32_t head, tail;
};

static inline bool ring_init(struct ring *r, uint32_t size)
{
	r->head = r->tail = 0;
	r->bytes = malloc(size);
	r->size = r->bytes ? size : 0;
	return r->bytes != NULL;
}

static inline uint32_t ring_used(const struct ring *r)
{
	return r->head - r->tail;
}

static inline uint32_t ring_room(const struct ring *r)
{
	return r->size - ring_used(r);
}

static inline void ring_clear(struct ring *r)
{
	r->tail = r->head;
}

/* Puts as much as there is room for; returns how much that was. */
static inline size_t ring_put(struct ring *r, const void *data, size_t n)
{
	const uint8_t *from = data;
	size_t done = 0;

	if (n > ring_room(r))
		n = ring_room(r);
	while (done < n) {
		uint32_t at = r->head & (r->size - 1);
		size_t run = r->size - at < n - done ? r->size - at : n - done;

		memcpy(r->bytes + at, from + done, run);
		r->head += run;
		done += run;
	}
	return n;
}

/* The first bytes that lie together in memory; *n tells how many (0 when empty). */
static inline const uint8_t *ring_front(const struct ring *r, size_t *n)
{
	uint32_t at;

	*n = 0;
	if (!r->size)
		return NULL;
	at = r->tail & (r->size - 1);
	*n = ring_used(r) < r->size - at ? ring_used(r) : r->size - at;
	return r->bytes + at;
}

static inline void ring_drop(struct ring *r, size_t n)
{
	r->tail += n;
}

static inline size_t ring_get(struct ring *r, void *to, size_t limit)
{
	size_t done = 0;

	while (done < limit) {
		size_t run;
		const uint8_t *from = ring_front(r, &run);

		if (!run)
			break;
		if (run > limit - done)
			run = limit - done;
		memcpy((uint8_t *)to + done, from, run);
		ring_drop(r, run);
		done += run;
	}
	return done;
}
#endif
