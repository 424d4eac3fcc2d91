/*
 * page.c - pages: 4096 bytes of data.
 *
 * Rules
 *   1. A page has no operation that reads it: it is mapped.
 *   2. Whoever is about to change a page by invocation marks it dirty first; a store through a
 *      mapping did so when the writable translation was made (space.c).
 * Source of the order codes: keykos.md 2.1; clone: eros.md 1.1.
 */
#include <keros/abi.h>
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/page.h"
#include "mem/space.h"
#include "object/persist.h"
#include "sched/sched.h"

void page_rescind(struct frame *f)
{
	space_page_gone(f);
	f->journal_base = 0;
	f->alloc_count++;
}

/* The page, if this capability may change it; else the invocation has failed. */
static struct frame *writable_page(struct inv *inv)
{
	struct frame *f = cap_page(&inv->target);

	if ((inv->target.data & DB_READONLY) || (f->flags & FRAME_FIXED)) {
		inv_fail(inv, RC_NOACCESS);
		return NULL;
	}
	return f;
}

void page_op_make_readonly(struct inv *inv)
{
	struct cap readonly = inv->target;

	commit_point();
	readonly.data |= DB_READONLY;
	inv_out_cap(inv, 0, readonly);
}

void page_op_clone(struct inv *inv)
{
	struct frame *to = writable_page(inv);
	struct frame *from = cap_page(inv_cap(inv, 0));

	if (!to)
		return;
	if (!from) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	frame_dirty(to);
	if (to != from)
		copy_words(frame_data(to), frame_data(from), PAGE_SIZE / 8);
}

/* Whether the order replaces all of a page that the disk cannot give back: then it is there again, and the order holds. */
bool page_overwritten(struct inv *inv)
{
	const struct cap *c = &inv->target;
	bool whole = inv->order == PAGE_OC_CLEAR || (inv->order == PAGE_OC_CLONE && cap_page(inv_cap(inv, 0)));

	return c->type == CAP_PAGE && whole && !(c->data & DB_READONLY) && cap_is_lost(c) && frame_anew(REF_OID(c->ref), true);
}

void page_op_clear(struct inv *inv)
{
	struct frame *f = writable_page(inv);

	if (!f)
		return;
	commit_point();
	frame_dirty(f);
	zero_words(frame_data(f), PAGE_SIZE / 8);
}

void page_op_test_zero(struct inv *inv)
{
	const uint64_t *word = frame_data(cap_page(&inv->target));

	commit_point();
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		inv->out_w[0] |= word[i] != 0;
}

void page_op_journal(struct inv *inv)
{
	struct frame *f = writable_page(inv);

	if (!f)
		return;
	if (!persist_on || f->oid >= persist_homes) {
		inv_fail(inv, RC_NOACCESS);
		return;
	}
	if (!persist_journal(inv->sender, f)) {
		inv_stall(inv);
		sched_commit_wait(inv->sender);
		return;
	}
	commit_point();
}

void page_op_write(struct inv *inv)
{
	struct frame *f = writable_page(inv);
	uint32_t offset = inv->order - PAGE_SIZE;
	uint8_t bytes[PAGE_SIZE];
	long length;

	if (!f)
		return;
	length = inv_string(inv, bytes, PAGE_SIZE);
	if (length < 0)
		return;
	if (length > (long)(PAGE_SIZE - offset)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	frame_dirty(f);
	__builtin_memcpy((uint8_t *)frame_data(f) + offset, bytes, length);
}
