/*
 * space.c - memory trees by node_fetch and node_swap (see space.h).
 *
 * Invariants
 *   1. A node is complete (right lss) before it is stored in its parent, so that a walk
 *      never meets a node of lss 0 that we made.
 *   2. Trees made here do not skip levels; skips made by others are followed, and where one
 *      is too short for an address a taller node is put above it with the old one in slot 0.
 */
#include <keros/space.h>
#include <keros/bank.h>
#include <keros/node.h>
#include <keros/page.h>
#include <keros/range.h>

#define POT_NODES 15u

static uint32_t bank_maker_make(void *ctx, unsigned kind, cap_t to)
{
	cap_t bank = *(cap_t *)ctx;

	if (kind == MAKE_PAGE)
		return bank_alloc_page(bank, to);
	if (kind == MAKE_NODE)
		return bank_alloc_node(bank, to);
	return bank_alloc_process(bank, to);
}

static uint32_t bank_maker_many(void *ctx, unsigned kind, unsigned count, cap_t node)
{
	uint64_t got = 0;
	uint32_t rc = bank_alloc_many(*(cap_t *)ctx, kind, count, node, &got);

	return rc == RC_OK && got < count ? RC_LIMIT : rc;
}

struct space_maker space_bank_maker(cap_t *bank)
{
	return (struct space_maker){ bank_maker_make, bank_maker_many, bank };
}

static uint32_t range_maker_make(void *ctx, unsigned kind, cap_t to)
{
	struct space_range *r = ctx;

	if (kind != MAKE_NODE)
		return range_get(r->range, kind, r->next++, to);
	if (r->pot_used == 0)
		r->pot = r->next++;

	uint64_t offset = r->pot * 16 + r->pot_used;
	r->pot_used = (r->pot_used + 1) % POT_NODES;
	return range_get(r->range, MAKE_NODE, offset, to);
}

/* For pages and processes; nobody asks it for many nodes. */
static uint32_t range_maker_many(void *ctx, unsigned kind, unsigned count, cap_t node)
{
	struct space_range *r = ctx;

	r->next += count;
	return range_fill(r->range, kind, r->next - count, count, node);
}

struct space_maker space_range_maker(struct space_range *r)
{
	return (struct space_maker){ range_maker_make, range_maker_many, r };
}

uint32_t space_node_make(const struct space_maker *maker, unsigned lss, cap_t to)
{
	uint32_t rc = maker->make(maker->ctx, MAKE_NODE, to);

	return rc != RC_OK ? rc : node_make_node(to, lss, to);
}

static uint64_t address_within(uint64_t va, unsigned lss)
{
	return lss >= 15 ? va : va & ((1ull << 4 * lss) - 1);
}

/* Stores in slot of node cur a new node of lss - 1, over what child holds if that is to stay. */
static uint32_t node_insert(cap_t cur, unsigned slot, unsigned lss, bool keep_child, cap_t child,
			    const struct space_maker *maker)
{
	if (maker == NULL)
		return RC_VOID;

	uint32_t rc = space_node_make(maker, lss - 1, CR_TMP1);
	if (rc == RC_OK && keep_child)
		rc = node_swap(CR_TMP1, 0, child, CR_VOID);
	if (rc == RC_OK)
		rc = node_swap(cur, slot, CR_TMP1, CR_VOID);
	return rc != RC_OK ? rc : node_fetch(cur, slot, child);
}

uint32_t space_find(cap_t root, uint64_t va, unsigned target, const struct space_maker *maker, cap_t *found)
{
	cap_t cur = root, next = CR_TMP3;
	uint64_t data_byte;
	uint32_t rc = node_data_byte(root, &data_byte);

	if (rc != RC_OK)
		return rc;
	unsigned lss = data_byte & DB_LSS;
	if (lss < target || (lss < 15 && va >> 4 * (lss + 1) != 0))
		return RC_REQUEST;

	while (lss > target) {
		unsigned slot = va >> 4 * lss & 15;
		unsigned child;

		if ((rc = node_fetch(cur, slot, next)) != RC_OK)
			return rc;
		rc = node_data_byte(next, &data_byte);
		child = data_byte & DB_LSS;
		if (rc == RC_VOID) {
			if ((rc = node_insert(cur, slot, lss, false, next, maker)) != RC_OK)
				return rc;
			child = lss - 1;
		} else if (rc != RC_OK || child < 3 || child >= lss) {
			return RC_REQUEST;
		} else if (child < target || address_within(va, lss) >> 4 * (child + 1) != 0) {
			if ((rc = node_insert(cur, slot, lss, true, next, maker)) != RC_OK)
				return rc;
			child = lss - 1;
		}
		cur = next;
		next = next == CR_TMP3 ? CR_TMP2 : CR_TMP3;
		lss = child;
	}
	*found = cur;
	return RC_OK;
}

uint32_t space_place(cap_t root, uint64_t va, cap_t value, unsigned lss, const struct space_maker *maker)
{
	cap_t node;
	uint32_t rc;

	if (va & ((1ull << 4 * (lss + 1)) - 1))
		return RC_REQUEST;
	rc = space_find(root, va, lss + 1, maker, &node);
	return rc != RC_OK ? rc : node_swap(node, va >> 4 * (lss + 1) & 15, value, CR_VOID);
}

uint32_t space_map(cap_t root, uint64_t va, cap_t page, unsigned data_byte, const struct space_maker *maker)
{
	cap_t node;
	uint32_t rc;

	if (va & (PAGE_SIZE - 1))
		return RC_REQUEST;
	if ((rc = space_find(root, va, SPACE_LSS_PAGE + 1, maker, &node)) != RC_OK)
		return rc;
	if (data_byte & DB_READONLY) {
		if ((rc = page_make_readonly(page, CR_TMP1)) != RC_OK)
			return rc;
		page = CR_TMP1;
	}
	return node_swap(node, va >> PAGE_SHIFT & 15, page, CR_VOID);
}

uint32_t space_map_zero(cap_t root, uint64_t va, uint64_t count, const struct space_maker *maker)
{
	while (count > 0) {
		cap_t node;
		unsigned slot = va >> PAGE_SHIFT & 15;
		unsigned here = count < 16u - slot ? count : 16u - slot;
		uint32_t rc = space_find(root, va, SPACE_LSS_PAGE + 1, maker, &node);

		/* A run from slot 0 is one message to the maker; others go page by page. */
		if (rc == RC_OK && slot == 0 && here > 1) {
			rc = maker->make_many(maker->ctx, MAKE_PAGE, here, node);
		} else {
			for (unsigned i = 0; i < here && rc == RC_OK; i++) {
				rc = maker->make(maker->ctx, MAKE_PAGE, CR_TMP1);
				if (rc == RC_OK)
					rc = node_swap(node, slot + i, CR_TMP1, CR_VOID);
			}
		}
		if (rc != RC_OK)
			return rc;
		va += (uint64_t)here << PAGE_SHIFT;
		count -= here;
	}
	return RC_OK;
}
