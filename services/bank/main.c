/*
 * main.c - the space bank: all storage of the system comes from here (idl/bank.idl).
 *
 * Invariants
 *   1. It holds the range of all frames that the first program did not use itself, and nobody
 *      else holds a capability to that range.
 *   2. It never waits for a client: it answers resume capabilities, and the only capabilities
 *      of a client that it invokes are nodes and pages that its own range has identified.
 *   3. The 16-bit data of a bank capability is rights << 11 | index of the bank.  An index is
 *      never used twice, so a capability to a dead bank is dead for good.
 *   4. The books (ledger.c) are changed before an object is made, and nothing is allocated between
 *      taking an object out of them and rescinding it, so no object exists that is not in them.
 *
 * Start-up registers: doc/registers.md.  Its own memory, the tables of the ledger, comes from
 * the first frames of the range.
 */
#include <stdio.h>
#include <keros/bank.h>
#include <keros/fast.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/page.h>
#include <keros/process.h>
#include <keros/proctool.h>
#include <keros/range.h>
#include <keros/server.h>
#include <keros/space.h>
#include "ledger.h"

enum {
	CR_RANGE = CR_APP0, CR_PROCTOOL, CR_BRAND, CR_SCRATCH_NODE, CR_SCRATCH_PAGE, CR_SPACE,
};

enum { BANK_ALLOC = 1, BANK_FREE = 2, BANK_SUB = 4, BANK_DESTROY = 8, BANK_LIMIT = 16, BANK_ALL = 31 };
#define INDEX_BITS 11
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
_Static_assert(LEDGER_BANKS == 1 << INDEX_BITS, "the data of a bank capability holds every index");

#define TABLE_BASE 0x20000000ull

static struct ledger ledger;

/* ---- the kernel's objects, by fast_call: these are most of what the bank does ------------------ */

static uint32_t object_make(unsigned kind, uint64_t offset, cap_t to)
{
	return fast_tell(CR_RANGE, RANGE_OC_GET, kind, offset, 0, 0, FAST_CAPS(to, 0, 0, 0));
}

#define RESCIND_ATONCE 32u              /* objects an invocation */

static uint32_t objects_rescind(unsigned kind, uint64_t first, uint64_t count)
{
	uint32_t rc = RC_OK;

	/* In pieces: the store must be able to make room between them, or one that is nearly full waits for ever. */
	for (uint64_t n; count > 0 && rc == RC_OK; first += n, count -= n) {
		n = count < RESCIND_ATONCE ? count : RESCIND_ATONCE;
		rc = fast_tell(CR_RANGE, RANGE_OC_RESCIND, kind, first, n, 0, 0);
	}
	return rc;
}

/* A bank goes with what is in it: whoever waits for a server there is told. */
static void run_destroy(const struct ledger_run *run)
{
	uint64_t first = run->first, end = first + run->count, answered, n;

	for (; run->kind != LEDGER_PAGE && first < end; first += n) {
		n = end - first < RESCIND_ATONCE ? end - first : RESCIND_ATONCE;
		do
			answered = 0;
		while (range_farewell(CR_RANGE, run->kind, first, n, &answered) == RC_OK && answered);
	}
	objects_rescind(run->kind, run->first, run->count);
}

static uint32_t object_what(cap_t object, uint64_t *kind, uint64_t *offset)
{
	uint64_t unused = 0;

	*kind = *offset = 0;
	return fast_call(CR_RANGE, RANGE_OC_IDENTIFY, kind, offset, &unused, FAST_CAPS(object, 0, 0, 0), 0);
}

static uint32_t slot_fetch(cap_t node, unsigned slot, cap_t to)
{
	return fast_tell(node, NODE_OC_FETCH + slot, 0, 0, 0, 0, FAST_CAPS(to, 0, 0, 0));
}

static uint32_t slot_store(cap_t node, unsigned slot, cap_t value)
{
	return fast_tell(node, NODE_OC_SWAP + slot, 0, 0, 0, FAST_CAPS(value, 0, 0, 0), 0);
}

/* ---- the request being served ---------------------------------------------------------------- */

/* The bank that the message came to; RC_VOID if it is dead, RC_NOACCESS without the right. */
static uint32_t bank_of(const struct msg *m, unsigned right, unsigned *bank)
{
	unsigned data = m->got & INV_GOT_DATA;

	*bank = data & INDEX_MASK;
	if (!ledger_bank_live(&ledger, *bank))
		return RC_VOID;
	return (data >> INDEX_BITS & right) == right ? RC_OK : RC_NOACCESS;
}

static uint32_t start_make(unsigned bank, unsigned rights, cap_t *to)
{
	*to = CR_TMP0;
	return process_make_start(CR_SELF, rights << INDEX_BITS | bank, CR_TMP0);
}

/* ---- allocation ------------------------------------------------------------------------------ */

static uint32_t alloc_one(const struct msg *m, unsigned kind, cap_t *object)
{
	unsigned bank;
	uint64_t offset;
	uint32_t rc = bank_of(m, BANK_ALLOC, &bank);

	if (rc != RC_OK)
		return rc;
	/* What the disk has lost stays in the books, out of everybody's use. */
	do {
		if (ledger_alloc(&ledger, bank, kind, 1, &offset) == 0)
			return RC_LIMIT;
	} while ((rc = object_make(kind, offset, CR_TMP0)) == RC_DISK);
	if (rc != RC_OK) {
		ledger_free(&ledger, kind, offset);
		return rc;
	}
	*object = CR_TMP0;
	return RC_OK;
}

static uint32_t do_alloc_page(void *ctx, struct msg *m, cap_t *page)
{
	(void)ctx;
	return alloc_one(m, LEDGER_PAGE, page);
}

static uint32_t do_alloc_node(void *ctx, struct msg *m, cap_t *node)
{
	(void)ctx;
	return alloc_one(m, LEDGER_NODE, node);
}

static uint32_t do_alloc_process(void *ctx, struct msg *m, cap_t *process)
{
	(void)ctx;
	return alloc_one(m, LEDGER_PROCESS, process);
}

/* Whether a capability of the client is a node of ours: only then may we invoke it. */
static bool node_is_ours(cap_t node)
{
	uint64_t kind, offset;

	return object_what(node, &kind, &offset) == RC_OK && kind == LEDGER_NODE;
}

/* Makes the run of objects into slots at.. of the node. */
static uint32_t run_make(unsigned kind, uint64_t first, uint32_t count, cap_t node, unsigned at)
{
	uint32_t rc = RC_OK;

	if (at == 0)
		return fast_tell(CR_RANGE, RANGE_OC_FILL, kind, first, count, FAST_CAPS(node, 0, 0, 0), 0);
	for (uint32_t i = 0; i < count && rc == RC_OK; i++) {
		rc = object_make(kind, first + i, CR_TMP0);
		if (rc == RC_OK)
			rc = slot_store(node, at + i, CR_TMP0);
	}
	return rc;
}

/* Some of the run is lost on the disk: that stays in the books, the rest goes into slots *got.. */
static uint32_t run_make_rest(unsigned kind, uint64_t first, uint32_t count, cap_t node, uint64_t *got)
{
	uint32_t rc;

	for (uint32_t i = 0; i < count; i++) {
		rc = object_make(kind, first + i, CR_TMP0);
		if (rc == RC_DISK)
			continue;
		if (rc == RC_OK)
			rc = slot_store(node, *got, CR_TMP0);
		if (rc != RC_OK)
			return rc;
		++*got;
	}
	return RC_OK;
}

static uint32_t do_alloc_many(void *ctx, struct msg *m, uint64_t kind, uint64_t count, cap_t node, uint64_t *got)
{
	unsigned bank;
	uint64_t first;
	uint32_t n, rc = bank_of(m, BANK_ALLOC, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if (kind < LEDGER_PAGE || kind > LEDGER_PROCESS || count < 1 || count > NODE_SLOTS || !node_is_ours(node))
		return RC_REQUEST;

	while (*got < count && (n = ledger_alloc(&ledger, bank, kind, count - *got, &first)) > 0) {
		rc = run_make(kind, first, n, node, *got);
		if (rc == RC_DISK) {
			if ((rc = run_make_rest(kind, first, n, node, got)) != RC_OK)
				break;
			continue;
		}
		if (rc != RC_OK) {
			/* No core frame: take the whole run back, whatever of it was made. */
			objects_rescind(kind, first, n);
			for (uint32_t i = 0; i < n; i++)
				ledger_free(&ledger, kind, first + i);
			break;
		}
		*got += n;
	}
	return *got > 0 ? RC_OK : RC_LIMIT;
}

/* ---- freeing --------------------------------------------------------------------------------- */

/* Asks what the object is, and whether the bank may dispose of it. */
static uint32_t object_identify(unsigned bank, cap_t object, uint64_t *kind, uint64_t *offset)
{
	if (object_what(object, kind, offset) != RC_OK)
		return RC_REQUEST;
	return ledger_owns(&ledger, bank, *kind, *offset) ? RC_OK : RC_REQUEST;
}

/* own: not 0, the kind that it must have, and it must not be of a bank below. */
static uint32_t object_free(struct msg *m, cap_t object, uint64_t own)
{
	unsigned bank;
	uint64_t kind, offset;
	uint32_t rc = bank_of(m, BANK_FREE, &bank);

	if (rc == RC_OK)
		rc = object_what(object, &kind, &offset);
	if (rc == RC_OK && !(own ? own == kind && ledger_owns_itself(&ledger, bank, kind, offset)
				 : ledger_owns(&ledger, bank, kind, offset)))
		rc = RC_REQUEST;
	if (rc != RC_OK)
		return rc;
	objects_rescind(kind, offset, 1);
	ledger_free(&ledger, kind, offset);
	return RC_OK;
}

static uint32_t do_free(void *ctx, struct msg *m, cap_t object)
{
	(void)ctx;
	return object_free(m, object, 0);
}

static uint32_t do_free_own(void *ctx, struct msg *m, uint64_t kind, cap_t object)
{
	(void)ctx;
	return kind ? object_free(m, object, kind) : RC_REQUEST;
}

/*
 * The books stay as they are: the same bank has the same frame.  What is given back is mostly near what was got or given
 * last, and the books know a stretch there to be the bank's own pages: then the range identifies and renews it in one call.
 */
static uint32_t do_renew_own(void *ctx, struct msg *m, uint64_t kind, cap_t object, cap_t *fresh)
{
	unsigned bank;
	uint64_t found = LEDGER_PAGE, offset, renewed;
	uint32_t rc = bank_of(m, BANK_FREE | BANK_ALLOC, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	renewed = kind == LEDGER_PAGE ? ledger_stretch(&ledger, bank, &offset) : (offset = 0);
	rc = fast_call(CR_RANGE, RANGE_OC_RENEW_WITHIN, &found, &offset, &renewed, FAST_CAPS(object, 0, 0, 0),
		       FAST_CAPS(CR_TMP0, 0, 0, 0));
	if (rc != RC_OK || (!renewed && (found != kind || !ledger_owns_itself(&ledger, bank, kind, offset))))
		return RC_REQUEST;
	if (!renewed)
		rc = fast_tell(CR_RANGE, RANGE_OC_RENEW, kind, offset, 0, 0, FAST_CAPS(CR_TMP0, 0, 0, 0));
	if (!renewed && kind == LEDGER_PAGE)
		ledger_stretch_move(&ledger, bank, offset);
	if (rc == RC_OK)
		*fresh = CR_TMP0;
	return rc;
}

/* Objects that are out of the books already and wait to be rescinded together. */
static void run_add(struct ledger_run *run, uint64_t kind, uint64_t offset)
{
	if (run->count > 0 && (run->kind != kind || run->first + run->count != offset)) {
		objects_rescind(run->kind, run->first, run->count);
		run->count = 0;
	}
	if (run->count++ == 0) {
		run->kind = kind;
		run->first = offset;
	}
}

/* Frees as many as it can; an object that is not the bank's is left and told in the result. */
static uint32_t do_free_many(void *ctx, struct msg *m, uint64_t count, cap_t node)
{
	unsigned bank;
	struct ledger_run run = { .count = 0 };
	uint64_t kind, offset;
	uint32_t rc = bank_of(m, BANK_FREE, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if (count > NODE_SLOTS || !node_is_ours(node))
		return RC_REQUEST;
	for (unsigned i = 0; i < count; i++) {
		if (slot_fetch(node, i, CR_TMP0) != RC_OK || object_identify(bank, CR_TMP0, &kind, &offset) != RC_OK) {
			rc = RC_REQUEST;
			continue;
		}
		run_add(&run, kind, offset);
		ledger_free(&ledger, kind, offset);
	}
	if (run.count > 0)
		objects_rescind(run.kind, run.first, run.count);
	return rc;
}

/* ---- severing -------------------------------------------------------------------------------- */

/*
 * The content waits in a scratch object of ours while the object is rescinded and made again.
 * A process has no content that could be moved so: the range severs it.
 */
static uint32_t object_sever(unsigned bank, cap_t object, cap_t to, bool own)
{
	uint64_t kind, offset;
	uint32_t rc = object_identify(bank, object, &kind, &offset);

	if (rc == RC_OK && own && !ledger_owns_itself(&ledger, bank, kind, offset))
		rc = RC_REQUEST;
	if (rc != RC_OK)
		return rc;
	if (kind == LEDGER_PAGE) {
		if ((rc = page_clone(CR_SCRATCH_PAGE, object)) != RC_OK)
			return rc;             /* the disk lost it: what is in the scratch page is somebody else's */
		objects_rescind(kind, offset, 1);
		if ((rc = object_make(kind, offset, to)) == RC_OK)
			rc = page_clone(to, CR_SCRATCH_PAGE);
	} else if (kind == LEDGER_NODE) {
		if ((rc = node_clone(CR_SCRATCH_NODE, object)) != RC_OK)
			return rc;
		objects_rescind(kind, offset, 1);
		if ((rc = object_make(kind, offset, to)) == RC_OK)
			rc = node_clone(to, CR_SCRATCH_NODE);
		node_clear(CR_SCRATCH_NODE);
	} else {
		rc = range_sever(CR_RANGE, offset, to);
	}
	return rc;
}

static uint32_t sever_one(struct msg *m, cap_t object, cap_t *same, bool own)
{
	unsigned bank;
	uint32_t rc = bank_of(m, BANK_FREE, &bank);

	if (rc == RC_OK)
		rc = object_sever(bank, object, CR_TMP0, own);
	if (rc == RC_OK)
		*same = CR_TMP0;
	return rc;
}

static uint32_t do_sever(void *ctx, struct msg *m, cap_t object, cap_t *same)
{
	(void)ctx;
	return sever_one(m, object, same, false);
}

static uint32_t do_sever_own(void *ctx, struct msg *m, cap_t object, cap_t *same)
{
	(void)ctx;
	return sever_one(m, object, same, true);
}

static uint32_t do_sever_many(void *ctx, struct msg *m, uint64_t count, cap_t node)
{
	unsigned bank;
	uint32_t rc = bank_of(m, BANK_FREE, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if (count > NODE_SLOTS || !node_is_ours(node))
		return RC_REQUEST;
	for (unsigned i = 0; i < count && rc == RC_OK; i++) {
		if ((rc = slot_fetch(node, i, CR_TMP1)) == RC_OK)
			rc = object_sever(bank, CR_TMP1, CR_TMP0, false);
		if (rc == RC_OK)
			rc = slot_store(node, i, CR_TMP0);
	}
	return rc;
}

/* ---- banks ----------------------------------------------------------------------------------- */

static uint32_t do_make_sub(void *ctx, struct msg *m, uint64_t limit, cap_t *sub)
{
	unsigned bank, made;
	uint32_t rc = bank_of(m, BANK_SUB, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	if ((made = ledger_bank_make(&ledger, bank, limit)) == 0)
		return RC_LIMIT;
	return start_make(made, BANK_ALL, sub);
}

/* The bank that a request to end it names.  The first one is the system's own storage: nobody ends that. */
static uint32_t ended_bank_of(const struct msg *m, unsigned *bank)
{
	uint32_t rc = bank_of(m, BANK_DESTROY, bank);

	return rc == RC_OK && *bank == 0 ? RC_NOACCESS : rc;
}

/* Destroys what `step` takes off the ledger, run by run, until nothing is left for it. */
static uint32_t bank_clear(const struct msg *m, bool (*step)(struct ledger *, unsigned bank, struct ledger_run *))
{
	unsigned bank;
	struct ledger_run run;
	uint32_t rc = ended_bank_of(m, &bank);

	while (rc == RC_OK && step(&ledger, bank, &run))
		run_destroy(&run);
	return rc;
}

static uint32_t do_destroy_all(void *ctx, struct msg *m)
{
	(void)ctx;
	return bank_clear(m, ledger_destroy_step);
}

static uint32_t do_empty(void *ctx, struct msg *m)
{
	(void)ctx;
	return bank_clear(m, ledger_empty_step);
}

static uint32_t do_destroy(void *ctx, struct msg *m)
{
	unsigned bank;
	uint32_t rc = ended_bank_of(m, &bank);

	(void)ctx;
	if (rc == RC_OK)
		ledger_merge(&ledger, bank);
	return rc;
}

static uint32_t do_get_limits(void *ctx, struct msg *m, uint64_t *limit, uint64_t *used, uint64_t *available)
{
	unsigned bank;
	uint32_t rc = bank_of(m, 0, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	*limit = ledger.bank[bank].limit == LEDGER_NO_LIMIT ? ~0ull : ledger.bank[bank].limit;
	*used = ledger.bank[bank].used;
	*available = ledger_available(&ledger, bank);
	return RC_OK;
}

static uint32_t do_set_limit(void *ctx, struct msg *m, uint64_t limit)
{
	unsigned bank;
	uint32_t rc = bank_of(m, BANK_LIMIT, &bank);

	(void)ctx;
	if (rc == RC_OK)
		ledger_limit_set(&ledger, bank, limit);
	return rc;
}

/* Official: a start capability that our brand opens, and to a bank that lives. */
static uint32_t do_verify(void *ctx, struct msg *m, cap_t subject, uint64_t *official)
{
	unsigned bank;
	uint64_t data = 0;
	uint32_t rc = bank_of(m, 0, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	*official = proctool_identify_start(CR_PROCTOOL, subject, CR_BRAND, &data, CR_VOID) == RC_OK &&
		    ledger_bank_live(&ledger, data & INDEX_MASK);
	return RC_OK;
}

static uint32_t do_make_restricted(void *ctx, struct msg *m, uint64_t rights, cap_t *restricted)
{
	unsigned bank;
	uint32_t rc = bank_of(m, 0, &bank);

	(void)ctx;
	if (rc != RC_OK)
		return rc;
	return start_make(bank, (m->got & INV_GOT_DATA) >> INDEX_BITS & rights & BANK_ALL, restricted);
}

static const struct bank_server handlers = {
	.alloc_page = do_alloc_page,
	.alloc_node = do_alloc_node,
	.alloc_process = do_alloc_process,
	.alloc_many = do_alloc_many,
	.free = do_free,
	.free_many = do_free_many,
	.make_sub = do_make_sub,
	.destroy_all = do_destroy_all,
	.destroy = do_destroy,
	.empty = do_empty,
	.get_limits = do_get_limits,
	.set_limit = do_set_limit,
	.verify = do_verify,
	.sever = do_sever,
	.free_own = do_free_own,
	.renew_own = do_renew_own,
	.sever_own = do_sever_own,
	.make_restricted = do_make_restricted,
	.sever_many = do_sever_many,
};

/* ---- start ----------------------------------------------------------------------------------- */

/* Before the ledger exists, frames are taken from the start of the range; they stay held for ever. */
static uint32_t bank_start(void)
{
	struct space_range first = { .range = CR_RANGE };
	struct space_maker maker = space_range_maker(&first);
	uint64_t frames = 0, pages;
	uint32_t rc = range_length(CR_RANGE, &frames, NULL);

	if (rc == RC_OK)
		rc = maker.make(&first, MAKE_NODE, CR_BRAND);
	if (rc == RC_OK)
		rc = maker.make(&first, MAKE_NODE, CR_SCRATCH_NODE);
	if (rc == RC_OK)
		rc = maker.make(&first, MAKE_PAGE, CR_SCRATCH_PAGE);
	if (rc == RC_OK)
		rc = proctool_set_brand(CR_PROCTOOL, CR_SELF, CR_BRAND);
	if (rc == RC_OK)
		rc = process_get_slot(CR_SELF, PSLOT_SPACE, CR_SPACE);
	pages = (ledger_bytes(frames) + PAGE_SIZE - 1) / PAGE_SIZE;
	if (rc == RC_OK)
		rc = space_map_zero(CR_SPACE, TABLE_BASE, pages, &maker);
	if (rc == RC_OK)
		ledger_init(&ledger, (void *)TABLE_BASE, frames, first.next);
	return rc;
}

int main(void)
{
	struct msg m;
	uint32_t rc = bank_start();

	if (rc != RC_OK) {
		fprintf(stderr, "bank: cannot set up its tables: result %#x\n", rc);
		return 1;
	}
	server_first(&m, NULL, 0);
	for (;;)
		server_next(&m, bank_serve(&handlers, NULL, &m));
}
