/*
 * frame.c - the object cache: which frame of the object space is in which frame of memory.
 *
 * Interface
 *   1. Boot gives it the header array, then releases the frames that may hold objects.
 *   2. frame_lookup finds, frame_get also makes; nothing is allocated in any other way.
 *   3. A frame changes kind only by frame_retype, which kills every capability into it.
 */
#include "arch.h"
#include "keros/abi.h"
#include "object/object.h"
#include "object/persist.h"
#include "panic.h"

struct frame *frames;
uint64_t frame_count, range_frames;
uint32_t store_epoch = 1;

static uint32_t *directory;            /* heads of chains of pfns; 0 = end (frame 0 is never an object) */
static uint32_t directory_mask;
static uint32_t free_list;
static uint64_t free_total;

void frame_cache_init(struct frame *array, uint64_t count, uint32_t *hash, uint32_t hash_size)
{
	KCHECK(1, (hash_size & (hash_size - 1)) == 0, "the directory's size is a power of two");
	frames = array;
	frame_count = count;
	directory = hash;
	directory_mask = hash_size - 1;
	free_list = 0;
	free_total = range_frames = 0;
}

void frame_release(uint64_t pfn)
{
	KCHECK(2, pfn != 0 && pfn < frame_count && frames[pfn].kind == FRAME_NONE, "a frame is released once");
	frames[pfn].kind = FRAME_FREE;
	frames[pfn].list_next = free_list;
	free_list = pfn;
	free_total++;
	range_frames++;
}

uint64_t frame_free_count(void)
{
	return free_total;
}

static uint32_t *directory_head(uint64_t oid)
{
	return &directory[(oid * 0x9E3779B97F4A7C15ull >> 40) & directory_mask];
}

struct frame *frame_lookup(uint64_t oid)
{
	for (uint32_t pfn = *directory_head(oid); pfn; pfn = frames[pfn].hash_next)
		if (frames[pfn].oid == oid)
			return &frames[pfn];
	return NULL;
}

static void directory_enter(struct frame *f, uint64_t oid)
{
	uint32_t *head = directory_head(oid);

	f->oid = oid;
	f->hash_next = *head;
	*head = f - frames;
}

static void directory_leave(struct frame *f)
{
	uint32_t *link = directory_head(f->oid);

	while (*link != f - frames)
		link = &frames[*link].hash_next;
	*link = f->hash_next;
}

struct frame *frame_find(uint64_t oid)
{
	struct frame *f = frame_lookup(oid);

	return f || !persist_has(oid) ? f : frame_get(oid);
}

struct frame *frame_take(uint64_t oid)
{
	struct frame *f = &frames[free_list];

	if (!free_list)
		return NULL;
	free_list = f->list_next;
	free_total--;
	persist_taken(free_total);
	f->kind = FRAME_PAGE;
	f->flags = 0;
	f->alloc_count = f->call_count = 0;
	f->epoch = f->ready_epoch = f->journal_base = 0;
	directory_enter(f, oid);
	return f;
}

struct frame *frame_get(uint64_t oid)
{
	struct frame *f = frame_lookup(oid);

	if (f)
		return f;
	if (persist_lost(oid))
		return NULL;
	f = frame_take(oid);
	if (!f)
		return NULL;
	if (persist_has(oid)) {
		if (!persist_fetch(f))
			return NULL;
	} else {
		zero_words(frame_data(f), PAGE_SIZE / 8);
	}
	persist_made(oid);
	return f;
}

void frame_evict(struct frame *f)
{
	KCHECK(4, !(f->flags & (FRAME_DIRTY | FRAME_PINNED)), "only what the store holds leaves memory");
	if (f->kind == FRAME_POT)
		node_pot_leaves(f);
	directory_leave(f);
	f->zero = false;
	f->oid = 0;
	f->kind = FRAME_FREE;
	f->list_next = free_list;
	free_list = f - frames;
	free_total++;
}

struct frame *frame_adopt(uint64_t pfn, uint64_t oid, uint8_t flags, uint32_t alloc_count)
{
	struct frame *f = &frames[pfn];

	if (f->kind == FRAME_PAGE && f->oid == oid)
		return f;
	KCHECK(3, f->kind == FRAME_NONE, "only a frame that holds no object is adopted");
	f->kind = FRAME_PAGE;
	f->flags = flags | FRAME_PINNED;
	f->alloc_count = alloc_count;
	directory_enter(f, oid);
	return f;
}

void frame_retype(struct frame *f, enum frame_kind kind)
{
	uint32_t count = f->alloc_count + 1;
	const bool zero = f->zero;

	frame_dirty(f);
	switch (f->kind) {
	case FRAME_PAGE:
		page_rescind(f);
		break;
	case FRAME_PROCESS:
		process_rescind(frame_data(f));
		break;
	case FRAME_POT:
		for (unsigned i = 0; i < NODES_PER_POT; i++)
			node_rescind(node_at(f, i));
		break;
	}
	if (count < f->alloc_count)
		count = f->alloc_count;
	/* Storage is often given back as it was got: that costs no second clearing. */
	if (!zero)
		zero_words(frame_data(f), PAGE_SIZE / 8);
	f->zero = kind == FRAME_PAGE;
	f->kind = kind;
	f->alloc_count = count;
	f->call_count++;               /* never back: an old resume capability must stay dead */
	if (kind == FRAME_POT)
		for (unsigned i = 0; i < NODES_PER_POT; i++)
			node_at(f, i)->alloc_count = count;
	if (kind == FRAME_PROCESS) {
		persist_process_made(f->oid);
		process_init(f);
	}
}
