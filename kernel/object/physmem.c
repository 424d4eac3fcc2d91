/*
 * physmem.c - memory by its physical place: DMA pages and the boot pack.
 *
 * Pages got here are outside the object store (OID_PHYS): they are never moved, and no bank
 * counts them.  Device memory beyond RAM has no frame header yet, so physmem_page refuses it.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/physmem.h"
#include "object/device.h"
#include "object/persist.h"

static uint64_t pack_first_pfn, pack_address, pack_length;
static uint64_t dma_first_pfn, dma_total, dma_used;

void physmem_init(uint64_t address, uint64_t length, uint64_t dma_pfn, uint64_t dma_count)
{
	pack_address = address;
	pack_length = length;
	pack_first_pfn = address >> PAGE_SHIFT;
	dma_first_pfn = dma_pfn;
	dma_total = dma_count;
	dma_used = 0;
}

/*
 * A DMA page is named by its number in the pool, not by its place: a driver that goes on after a restart still
 * has memory, of which the device knows nothing until the driver has told it the new place.
 */
static struct frame *dma_adopt(uint64_t number)
{
	return frame_adopt(dma_first_pfn + number, OID_DMA | number, 0, 0);
}

uint64_t physmem_dma_used(void)
{
	return dma_used;
}

void physmem_continue(uint64_t used)
{
	for (dma_used = 0; dma_used < used && dma_used < dma_total; dma_used++)
		dma_adopt(dma_used);
}

void physmem_op_address(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);
	struct frame *f = c->type == CAP_PAGE ? cap_page(c) : NULL;

	if (!f || (f->oid & OID_DMA) != OID_DMA) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv->out_w[0] = frame_pfn(f) << PAGE_SHIFT;
}

void physmem_op_page(struct inv *inv)
{
	inv_fail(inv, RC_REQUEST);
}

void physmem_op_dma(struct inv *inv)
{
	uint64_t count = inv_word(inv, 0);
	const struct cap *c = inv_cap(inv, 0);
	struct node *to = c->type == CAP_NODE ? cap_node(c) : NULL;

	if (!to || count == 0 || count > NODE_SLOTS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	if (count > dma_total - dma_used) {
		inv_fail(inv, RC_LIMIT);
		return;
	}
	commit_point();
	inv->out_w[0] = (dma_first_pfn + dma_used) << PAGE_SHIFT;
	for (uint64_t i = 0; i < count; i++) {
		struct cap page = page_cap(dma_adopt(dma_used++), 0);

		node_store(to, i, &page);
	}
}

void physmem_op_pack(struct inv *inv)
{
	commit_point();
	inv->out_w[0] = pack_address;
	inv->out_w[1] = pack_length;
}

static bool pack_has(struct inv *inv, uint64_t first, uint64_t count)
{
	uint64_t pages = (pack_length + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (first < pages && count <= pages - first)
		return true;
	inv_fail(inv, RC_REQUEST);
	return false;
}

const void *physmem_pack_page(uint64_t index)
{
	return index < pack_length >> PAGE_SHIFT ? arch_frame_pointer(pack_first_pfn + index) : NULL;
}

/*
 * With a store the page is copied into it once, so that the programs go on when another pack, or none, is
 * loaded beside the image.  A page's call count, which nothing else uses, tells that it was copied.
 */
static struct frame *pack_copy(uint64_t index)
{
	struct frame *f = frame_get(persist_range_end + index);

	if (f && !f->call_count) {
		frame_dirty(f);
		f->call_count = 1;
		copy_words(frame_data(f), arch_frame_pointer(pack_first_pfn + index), PAGE_SIZE / 8);
		f->flags |= FRAME_FIXED;
	}
	return f;
}

/* Whether there are frames for those pages, and none of their copies in the store is one that the disk has lost. */
static bool pack_ready(struct inv *inv, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; persist_on && i < count; i++)
		if (!frame_get(persist_range_end + first + i)) {
			inv_fail(inv, RC_LIMIT);
			return false;
		}
	return true;
}

static struct cap pack_page(uint64_t index)
{
	if (persist_on)
		return page_cap(pack_copy(index), DB_READONLY);
	return page_cap(frame_adopt(pack_first_pfn + index, OID_PHYS | (pack_first_pfn + index), FRAME_FIXED, persist_life),
			DB_READONLY);
}

void physmem_op_pack_page(struct inv *inv)
{
	uint64_t index = inv_word(inv, 0);

	if (!pack_has(inv, index, 1) || !pack_ready(inv, index, 1))
		return;
	commit_point();
	inv_out_cap(inv, 0, pack_page(index));
}

void physmem_op_loaded_page(struct inv *inv)
{
	uint64_t pfn = pack_first_pfn + inv_word(inv, 0);

	if (!pack_has(inv, inv_word(inv, 0), 1))
		return;
	commit_point();
	inv_out_cap(inv, 0, page_cap(frame_adopt(pfn, OID_PHYS | pfn, FRAME_FIXED, persist_life), DB_READONLY));
}

void physmem_op_pack_fill(struct inv *inv)
{
	uint64_t first = inv_word(inv, 0), count = inv_word(inv, 1);
	const struct cap *c = inv_cap(inv, 0);
	struct node *to = c->type == CAP_NODE ? cap_node(c) : NULL;

	if (!to || count == 0 || count > NODE_SLOTS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	if (!pack_has(inv, first, count) || !pack_ready(inv, first, count))
		return;
	commit_point();
	for (uint64_t i = 0; i < count; i++) {
		struct cap page = pack_page(first + i);

		node_store(to, i, &page);
	}
}
