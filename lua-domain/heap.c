/*
 * heap.c - see heap.h.
 *
 * Invariants
 *   1. Chunks lie without gaps from heap_start to the end chunk; two free ones are never neighbours.
 *   2. A chunk's PREVIOUS_USED bit tells the truth, and `previous` is valid exactly if it is clear.
 *   3. A free chunk is in the bin of its size, and a bin's bit in `bins_filled` is set exactly if it is not empty.
 *   4. A slab begins on a multiple of SLAB; it is in its class's list exactly if it has a free cell, and goes back if all are.
 */
#include <string.h>
#include "heap.h"

#define USED          1u
#define PREVIOUS_USED 2u
#define FLAGS         3u
#define HEADER        16u
#define CHUNK_MIN     48u              /* header and two links */
#define PAGE          4096u
#define SLAB          2048u            /* small ones, since a little program uses most classes a little */
#define CLASSES       12u              /* to 128 in steps of 16, to 256 in steps of 32 */
#define BINS          128u
#define BYTES_MAX     (1ull << 40)         /* a larger block is out of the question, and sums stay sums */
#define TRIM_ABOVE    (1u << 20)
#define TRIM_KEEP     (256u << 10)

struct chunk {
	size_t previous;               /* size of the chunk before this one, if that is free */
	size_t size;                   /* with the header; a multiple of 16; FLAGS */
	struct chunk *next, *prev;     /* in the bin */
};

struct slab {
	void *free;                    /* cells given back */
	struct slab *next, *prev;
	uint16_t used, bump, cell;     /* cells in use; offset of those never used; bytes of one */
};

static struct chunk *bin[BINS];
static uint64_t bins_filled[BINS / 64];
static struct slab *partial[CLASSES];
static uintptr_t heap_start, heap_limit, mapped_end;   /* of the region that grows */
static struct heap_region next_region;         /* start 0: it is the one that grows */
static size_t first_mapped;                    /* bytes of the region before */
static struct chunk *top;              /* the last chunk: free, in no bin, reaches to mapped_end */
static size_t used_bytes;

/* ---- bins ------------------------------------------------------------------------------------ */

static inline size_t size_of(const struct chunk *c)
{
	return c->size & ~(size_t)FLAGS;
}

static inline struct chunk *after(struct chunk *c)
{
	return (struct chunk *)((char *)c + size_of(c));
}

/* Four bins for each power of two. */
static unsigned bin_of(size_t size)
{
	unsigned log = 63 - (unsigned)__builtin_clzll(size);
	unsigned b = (log - 4) * 4 + (unsigned)(size >> (log - 2) & 3);

	return b < BINS ? b : BINS - 1;
}

static void bin_add(struct chunk *c)
{
	unsigned b = bin_of(size_of(c));

	c->prev = NULL;
	c->next = bin[b];
	if (c->next)
		c->next->prev = c;
	bin[b] = c;
	bins_filled[b / 64] |= 1ull << b % 64;
}

static void bin_remove(struct chunk *c)
{
	unsigned b = bin_of(size_of(c));

	if (c->prev)
		c->prev->next = c->next;
	else
		bin[b] = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (!bin[b])
		bins_filled[b / 64] &= ~(1ull << b % 64);
}

static int bin_next(unsigned from)
{
	for (unsigned w = from / 64; w < BINS / 64; w++) {
		uint64_t bits = bins_filled[w];

		if (w == from / 64)
			bits &= ~0ull << from % 64;
		if (bits)
			return (int)(w * 64) + __builtin_ctzll(bits);
	}
	return -1;
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void top_set_end(uintptr_t end)
{
	mapped_end = end;
	top->size = (mapped_end - (uintptr_t)top) | (top->size & FLAGS);
}

static bool top_grow(size_t size);

/* The first portion ends on a multiple of HEAP_STEP, as all others begin and end. */
static bool region_begin(uintptr_t start)
{
	uintptr_t end = (start + HEAP_STEP) & ~(uintptr_t)(HEAP_STEP - 1);

	if (!heap_map(start, end))
		return false;
	mapped_end = end;
	top = (struct chunk *)start;
	top->size = (end - start) | PREVIOUS_USED;
	return true;
}

/*
 * The first region is full: what is left at its end becomes an ordinary free chunk before a chunk that is in use for
 * ever, so that nothing is merged beyond it.
 */
static bool region_next(size_t size)
{
	struct chunk *last = top, *fence;
	uintptr_t end = mapped_end;
	size_t rest = size_of(top);

	if (next_region.start == 0 || size > next_region.limit - next_region.start)
		return false;
	if (!region_begin(next_region.start))
		return false;
	first_mapped = end - heap_start;
	heap_start = next_region.start;
	heap_limit = next_region.limit;
	next_region.start = 0;
	/* rest is at least CHUNK_MIN: top is never smaller. */
	fence = (struct chunk *)(end - HEADER);
	last->size = (rest - HEADER) | (last->size & PREVIOUS_USED);
	if (rest - HEADER >= CHUNK_MIN) {
		fence->size = HEADER | USED;
		fence->previous = rest - HEADER;
		bin_add(last);
	} else {
		last->size |= USED;
		fence->size = HEADER | USED | PREVIOUS_USED;
	}
	return size + CHUNK_MIN <= size_of(top) || top_grow(size);
}

/* A request that cannot be met leaves nothing mapped behind: others may need what is left of the bank. */
static bool top_grow(size_t size)
{
	uintptr_t was = mapped_end, end = ((uintptr_t)top + size + HEADER + HEAP_STEP - 1) & ~(uintptr_t)(HEAP_STEP - 1);

	if (size > heap_limit - mapped_end || end > heap_limit)
		return region_next(size);
	while (mapped_end < end) {
		uintptr_t next = (mapped_end + HEAP_STEP) & ~(uintptr_t)(HEAP_STEP - 1);

		if (heap_map(mapped_end, next)) {
			if (mapped_end % HEAP_STEP != 0)
				was = next;            /* a portion that shares its node with others stays */
			top_set_end(next);
			continue;
		}
		if (mapped_end > was)
			heap_unmap(was, mapped_end);
		top_set_end(was);
		return false;
	}
	return true;
}

/* Much memory at the end that nobody uses goes back to the bank. */
static void top_trim(void)
{
	uintptr_t keep = ((uintptr_t)top + TRIM_KEEP + HEAP_STEP - 1) & ~(uintptr_t)(HEAP_STEP - 1);

	if (size_of(top) < TRIM_ABOVE)
		return;
	heap_unmap(keep, mapped_end);
	top_set_end(keep);
}

/* Marks what follows a chunk that is no longer in use. */
static void tell_next(struct chunk *c, bool in_use)
{
	struct chunk *n = after(c);

	if ((uintptr_t)n >= mapped_end)
		return;
	if (in_use) {
		n->size |= PREVIOUS_USED;
	} else {
		n->size &= ~(size_t)PREVIOUS_USED;
		n->previous = size_of(c);
	}
}

static void chunk_free(struct chunk *c)
{
	struct chunk *n = after(c);

	c->size &= ~(size_t)USED;
	if (!(c->size & PREVIOUS_USED)) {
		struct chunk *p = (struct chunk *)((char *)c - c->previous);

		bin_remove(p);
		p->size += size_of(c);
		c = p;
	}
	if (n == top) {
		c->size = (mapped_end - (uintptr_t)c) | (c->size & PREVIOUS_USED);
		top = c;
		top_trim();
		return;
	}
	if (!(n->size & USED)) {
		bin_remove(n);
		c->size += size_of(n);
	}
	bin_add(c);
	tell_next(c, false);
}

/* Gives the end of a used chunk back if it is worth a chunk. */
static void chunk_cut(struct chunk *c, size_t size)
{
	size_t rest = size_of(c) - size;
	struct chunk *r;

	if (rest < CHUNK_MIN)
		return;
	c->size = size | (c->size & FLAGS);
	r = after(c);
	r->size = rest | USED | PREVIOUS_USED;
	chunk_free(r);
}

static struct chunk *top_take(size_t size)
{
	struct chunk *c;
	size_t flags;

	if (size_of(top) < size + CHUNK_MIN && !top_grow(size + CHUNK_MIN))
		return NULL;
	c = top;
	flags = top->size & PREVIOUS_USED;
	top = (struct chunk *)((char *)c + size);
	top->size = (mapped_end - (uintptr_t)top) | PREVIOUS_USED;
	c->size = size | USED | flags;
	return c;
}

static struct chunk *bins_take(size_t size)
{
	int b = (int)bin_of(size);

	for (struct chunk *c = bin[b]; c; c = c->next)
		if (size_of(c) >= size) {
			bin_remove(c);
			return c;
		}
	b = bin_next((unsigned)b + 1);
	if (b < 0)
		return NULL;
	for (struct chunk *c = bin[b]; c; c = c->next)
		if (size_of(c) >= size) {
			bin_remove(c);
			return c;
		}
	return NULL;
}

static struct chunk *chunk_take(size_t size)
{
	struct chunk *c = bins_take(size);

	if (!c)
		return top_take(size);
	c->size |= USED;
	tell_next(c, true);
	chunk_cut(c, size);
	return c;
}

/* A chunk whose content begins on a multiple of SLAB; slabs lie side by side, so the part before it is seldom more than
 * none. */
static struct chunk *slab_take(void)
{
	struct chunk *c = bins_take(2 * SLAB + CHUNK_MIN), *s;
	size_t lead;

	if (c) {
		c->size |= USED;
		tell_next(c, true);
	} else {
		/* From the top, as far in as the next multiple; the top may only move before that is known. */
		if (size_of(top) < 3 * SLAB && !top_grow(3 * SLAB))
			return NULL;
		lead = -((uintptr_t)top + HEADER) & (SLAB - 1);
		if (lead && lead < CHUNK_MIN)
			lead += SLAB;
		c = top_take(lead + SLAB);
		if (!c)
			return NULL;
	}
	lead = -((uintptr_t)c + HEADER) & (SLAB - 1);
	if (lead && lead < CHUNK_MIN)
		lead += SLAB;
	if (lead) {
		s = (struct chunk *)((char *)c + lead);
		s->size = (size_of(c) - lead) | USED | PREVIOUS_USED;
		c->size = lead | (c->size & FLAGS);
		chunk_free(c);
		c = s;
	}
	chunk_cut(c, SLAB);
	return c;
}

static inline size_t chunk_size_for(size_t bytes)
{
	size_t size = (bytes + HEADER + 15) & ~(size_t)15;

	return size < CHUNK_MIN ? CHUNK_MIN : size;
}

/* ---- small blocks ---------------------------------------------------------------------------- */

static inline unsigned class_of(size_t bytes)
{
	return bytes <= 128 ? (unsigned)((bytes + 15) / 16) - 1 : (unsigned)((bytes + 31) / 32) + 3;
}

static inline unsigned cell_of(unsigned class)
{
	return class < 8 ? (class + 1) * 16 : (class - 3) * 32;
}

static void slab_link(struct slab *s, unsigned class)
{
	s->prev = NULL;
	s->next = partial[class];
	if (s->next)
		s->next->prev = s;
	partial[class] = s;
}

static void slab_unlink(struct slab *s, unsigned class)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		partial[class] = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

#define SLAB_FIRST ((sizeof(struct slab) + 15) & ~15u)
#define SLAB_BYTES (SLAB - HEADER)     /* the header of the next chunk is in its end */

static struct slab *slab_new(unsigned class)
{
	struct chunk *c = slab_take();
	struct slab *s;

	if (!c)
		return NULL;
	s = (struct slab *)((char *)c + HEADER);
	s->free = NULL;
	s->used = 0;
	s->bump = SLAB_FIRST;
	s->cell = (uint16_t)cell_of(class);
	slab_link(s, class);
	return s;
}

static inline bool slab_full(const struct slab *s)
{
	return !s->free && s->bump + s->cell > SLAB_BYTES;
}

static void *small_alloc(unsigned class)
{
	struct slab *s = partial[class];
	void *cell;

	if (!s && !(s = slab_new(class)))
		return NULL;
	if (s->free) {
		cell = s->free;
		s->free = *(void **)cell;
	} else {
		cell = (char *)s + s->bump;
		s->bump += s->cell;
	}
	s->used++;
	if (slab_full(s))
		slab_unlink(s, class);
	return cell;
}

static void small_free(void *cell, unsigned class)
{
	struct slab *s = (struct slab *)((uintptr_t)cell & ~(uintptr_t)(SLAB - 1));

	if (slab_full(s))
		slab_link(s, class);
	*(void **)cell = s->free;
	s->free = cell;
	/* The last one of its class stays, since it is likely to be wanted again. */
	if (--s->used == 0 && (s->next || s->prev)) {
		slab_unlink(s, class);
		chunk_free((struct chunk *)((char *)s - HEADER));
	}
}

/* ---- the interface --------------------------------------------------------------------------- */

void heap_init(struct heap_region first, struct heap_region second)
{
	memset(bin, 0, sizeof bin);
	memset(bins_filled, 0, sizeof bins_filled);
	memset(partial, 0, sizeof partial);
	heap_start = mapped_end = first.start;
	heap_limit = first.limit;
	next_region = second;
	first_mapped = 0;
	top = NULL;
	used_bytes = 0;
}

static void *block_new(size_t bytes)
{
	struct chunk *c;

	if (!top && !region_begin(heap_start))
		return NULL;
	if (bytes <= HEAP_SMALL)
		return small_alloc(class_of(bytes));
	if (bytes > BYTES_MAX)
		return NULL;
	c = chunk_take(chunk_size_for(bytes));
	return c ? (char *)c + HEADER : NULL;
}

static void block_free(void *block, size_t bytes)
{
	if (bytes <= HEAP_SMALL)
		small_free(block, class_of(bytes));
	else
		chunk_free((struct chunk *)((char *)block - HEADER));
}

/* A large block changes its size where it is, if what follows it is free or it shrinks. */
static bool block_resize(void *block, size_t bytes)
{
	struct chunk *c = (struct chunk *)((char *)block - HEADER), *n = after(c);
	size_t size = chunk_size_for(bytes);

	if (size_of(c) < size && n == top) {
		size_t more = size - size_of(c);

		if (size_of(top) < more + CHUNK_MIN && !top_grow(more + CHUNK_MIN))
			return false;
		if (n != top)
			return false;          /* it grew elsewhere */
		top = (struct chunk *)((char *)n + more);
		top->size = (mapped_end - (uintptr_t)top) | PREVIOUS_USED;
		c->size = size | (c->size & FLAGS);
		return true;
	}
	if (size_of(c) < size && !(n->size & USED) && size_of(c) + size_of(n) >= size) {
		bin_remove(n);
		c->size += size_of(n);
		tell_next(c, true);
	}
	if (size_of(c) < size)
		return false;
	chunk_cut(c, size);
	return true;
}

void *heap_alloc(void *unused, void *block, size_t old_size, size_t new_size)
{
	void *to;

	(void)unused;
	if (!block)
		old_size = 0;          /* Lua passes a kind of object there */
	if (new_size == 0) {
		if (old_size)
			block_free(block, old_size);
		used_bytes -= old_size;
		return NULL;
	}
	if (old_size > HEAP_SMALL && new_size > HEAP_SMALL && new_size <= BYTES_MAX &&
	    block_resize(block, new_size)) {
		to = block;
	} else if (old_size && old_size <= HEAP_SMALL && new_size <= HEAP_SMALL && class_of(old_size) == class_of(new_size)) {
		to = block;
	} else {
		to = block_new(new_size);
		if (!to)
			return NULL;           /* Lua bears that, for a smaller block as well */
		if (old_size) {
			memcpy(to, block, old_size < new_size ? old_size : new_size);
			block_free(block, old_size);
		}
	}
	used_bytes += new_size - old_size;
	return to;
}

size_t heap_used(void)
{
	return used_bytes;
}

size_t heap_mapped(void)
{
	return first_mapped + mapped_end - heap_start;
}

bool heap_cut(uintptr_t *used_end, uintptr_t *end)
{
	uintptr_t least = ((uintptr_t)top + CHUNK_MIN + PAGE - 1) & ~(uintptr_t)(PAGE - 1);

	if (first_mapped || !top)
		return false;
	if (least < mapped_end)
		top_set_end(least);
	*used_end = (uintptr_t)top + HEADER;
	*end = mapped_end;
	return true;
}
