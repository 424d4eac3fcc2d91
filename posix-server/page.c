/*
 * page.c - the pool of pages: numbers, references, zeroing.
 *
 * Invariants
 *   1. refs[p] counts the holders of page p; of a free page it is the next free one, with
 *      PAGE_FREE set.  A page taken from the bank stays in the pool until the sandbox ends.
 *   2. Fresh pages from the bank are zero and lie in fresh_next..fresh_end; pages that were
 *      used are zeroed when they are given out again, not before: who overwrites asks for
 *      page_alloc_raw and pays nothing.
 *   3. Some of the bank is left for the nodes and the heap that the pages will need, and some of the pages for
 *      processes: when files have filled the sandbox, a shell can still say so, and start what makes room.
 */
#include <stdlib.h>
#include "server.h"
#include "vfs/vfs.h"
#include <keros/bank.h>

#define PAGE_FREE 0x80000000u
#define BATCH 16u

static uint32_t *refs;
static uint32_t refs_size;
static pageno free_head, fresh_next, fresh_end, pool_end;
#define DATA_PART 32u                  /* files leave one page in so many to processes, */
#define DATA_LEAVES_MOST 1024u         /* and no more than this */

static uint64_t used, peak, limit, reserve, pool_pages;
static int64_t available;              /* an estimate, asked again when it runs low */

static void available_ask(void)
{
	uint64_t frames = 0;

	if (bank_get_limits(CR_BANK, NULL, NULL, &frames) == RC_OK)
		available = frames;
}

void page_init(uint64_t frames)
{
	limit = frames;
	reserve = 64 + frames / 64;
	available_ask();
}

static bool refs_grow(void)
{
	uint32_t size = refs_size ? refs_size * 2 : 1024;
	uint32_t *more = realloc(refs, size * sizeof *more);

	if (!more)
		return false;
	refs = more;
	refs_size = size;
	return true;
}

/* Takes sixteen more pages from the bank. */
static bool pool_grow(void)
{
	unsigned got;

	if (available < (int64_t)(reserve + BATCH)) {
		available_ask();
		if (available < (int64_t)(reserve + BATCH))
			return false;
	}
	if (pool_end + BATCH > refs_size && !refs_grow())
		return false;
	if (pool_end >> (4 * keystore_levels))
		return false;
	got = keystore_more_pages(pool_end);
	available -= BATCH + 2;
	if (!got)
		return false;
	fresh_next = pool_end ? pool_end : 1;  /* number 0 means none */
	fresh_end = pool_end + got;
	pool_pages += fresh_end - fresh_next;
	pool_end += BATCH;
	return fresh_next < fresh_end;
}

void *page_addr(pageno p)
{
	if (p & PAGE_PACK)
		return (void *)(PACK_BASE + (p >> PACK_INDEX_BITS & 1) * PACK_STRIDE +
				(uint64_t)(p & ((1u << PACK_INDEX_BITS) - 1)) * PAGE_SIZE);
	return (void *)(POOL_BASE + (uint64_t)p * PAGE_SIZE);
}

pageno page_number(const void *at)
{
	return (pageno)(((uint64_t)at - POOL_BASE) >> PAGE_SHIFT);
}

/* What the disk has lost is made anew by being cleared. */
static void page_zero(pageno p)
{
	if (page_zero_guarded(page_addr(p)))
		keystore_page_clear(p);
}

bool page_move_again(void *to, const void *from, size_t n, uint64_t fault, bool fresh)
{
	if (!fresh || fault - (uint64_t)to >= n || !keystore_page_clear(page_number((void *)fault)))
		return false;
	return copy_guarded(to, from, n) == 0;
}

static pageno take(pageno p)
{
	refs[p] = 1;
	if (++used > peak)
		peak = used;
	return p;
}

static pageno take_free(void)
{
	pageno p = free_head;

	free_head = refs[p] & ~PAGE_FREE;
	return take(p);
}

pageno page_alloc_raw(void)
{
	if (free_head)
		return take_free();
	if (fresh_next == fresh_end && !pool_grow())
		return 0;
	return take(fresh_next++);
}

pageno page_alloc(void)
{
	pageno p;

	if (fresh_next != fresh_end)
		return take(fresh_next++);
	if (!free_head)
		return pool_grow() ? take(fresh_next++) : 0;
	p = take_free();
	page_zero(p);
	return p;
}

void page_get(pageno p)
{
	if (p && !(p & PAGE_PACK))
		refs[p]++;
}

void page_put(pageno p)
{
	if (!p || (p & PAGE_PACK) || --refs[p])
		return;
	refs[p] = free_head | PAGE_FREE;
	free_head = p;
	used--;
}

uint32_t page_refs(pageno p)
{
	return p & PAGE_PACK ? UINT32_MAX : refs[p];
}

uint64_t pages_used(void)
{
	return used;
}

/* The most there ever were in use. */
uint64_t pages_peak(void)
{
	return peak;
}

uint64_t pages_limit(void)
{
	return limit > reserve ? limit - reserve : 0;
}

/* As far as the bank has told. */
static uint64_t pages_left(void)
{
	uint64_t fresh = available > (int64_t)reserve ? (uint64_t)available - reserve : 0;

	return pool_pages - used + fresh * BATCH / (BATCH + 2);
}

uint64_t pages_for_data(void)
{
	uint64_t leave = limit / DATA_PART < DATA_LEAVES_MOST ? limit / DATA_PART : DATA_LEAVES_MOST;

	if (pages_left() <= 2 * leave)
		available_ask();
	return pages_left() > leave ? pages_left() - leave : 0;
}

/* ---- the boot pack ----------------------------------------------------------------------------- */

static uint64_t pack_length[2];

void pack_set(unsigned tree, uint64_t length)
{
	pack_length[tree] = length;
}

const void *pack_bytes(unsigned tree, uint64_t *length)
{
	if (tree > 1 || !pack_length[tree])
		return NULL;
	*length = pack_length[tree];
	return (const void *)(PACK_BASE + tree * PACK_STRIDE);
}

pageno pack_page(unsigned tree, uint64_t offset)
{
	return PAGE_PACK | tree << PACK_INDEX_BITS | (uint32_t)(offset >> PAGE_SHIFT);
}
