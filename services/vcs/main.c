/*
 * main.c - the keeper of zero segments and virtual copies (idl/vcs.idl).
 *
 * A segment is a red node:
 *     slots 0..7   16 MiB each: the memory tree
 *     slot 11      number: pages of its own
 *     slot 12      the maker's bank           slot 14   the keeper: our start capability, data 1
 *     slot 13      the original of a copy     slot 15   format key
 *
 * Invariants
 *   1. In the tree a node capability without DB_READONLY, and a page without it, are the
 *      segment's own and from its bank; everything else there is sensory.
 *   2. The node capability of a red node is held by nobody but us (and comes back to us from the
 *      kernel with each fault), so its slots are as we left them.
 *   3. Only messages that the kernel marks INV_GOT_FAULT are faults: who invokes a segment can send
 *      any order code.
 */
#include <stdio.h>
#include <keros/bank.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/number.h>
#include <keros/page.h>
#include <keros/process.h>
#include <keros/proctool.h>
#include <keros/server.h>
#include <keros/space.h>
#include <keros/vcs.h>

enum {
	CR_PROCTOOL = CR_APP0 + 1, CR_BRAND, CR_KEEPER, CR_RED, CR_SEGBANK, CR_LEVEL5, CR_LEVEL4, CR_LEVEL3,
};

enum { RED_PAGES = 11, RED_BANK = 12, RED_ORIGINAL = 13, RED_KEEPER = 14, RED_FORMAT = 15 };

#define RED_INITIAL   8u
#define RED_LSS       6u
#define FORMAT_KEPT   (0x0FFFEF00u | RED_INITIAL << 4 | RED_LSS)
#define FORMAT_FROZEN (0x0FFFFF00u | RED_INITIAL << 4 | RED_LSS)
#define DATA_SERVICE  0u
#define DATA_KEEPER   1u
#define TYPE_PAGE_READONLY 0x1202u

enum found { FOUND_VOID, FOUND_OWN_NODE, FOUND_SENSORY_NODE, FOUND_OWN_PAGE, FOUND_SENSORY_PAGE, FOUND_OTHER };

static bool bank_is_official(cap_t bank)
{
	uint64_t official;

	return bank_verify(CR_BANK, bank, &official) == RC_OK && official;
}

/* What stands in a slot of a tree of ours.  None of it can be a red segment with a keeper. */
static enum found slot_look(cap_t value, unsigned *lss)
{
	struct msg m = { .order = KT };
	uint64_t data_byte;
	uint32_t rc = inv_call(value, &m);

	if (rc == RC_VOID)
		return FOUND_VOID;
	if (rc == RC_OK && m.w[0] == PAGE_TYPE)
		return FOUND_OWN_PAGE;
	if (rc == RC_OK && m.w[0] == TYPE_PAGE_READONLY)
		return FOUND_SENSORY_PAGE;
	if (node_data_byte(value, &data_byte) != RC_OK)
		return FOUND_OTHER;
	*lss = data_byte & DB_LSS;
	return data_byte & DB_READONLY ? FOUND_SENSORY_NODE : FOUND_OWN_NODE;
}

/*
 * Makes the slot of node hold a node of our own with exactly that lss, with the content that
 * the slot had, and brings it into child.
 */
static uint32_t level_own(cap_t node, unsigned slot, unsigned lss, cap_t child)
{
	unsigned found_lss = 0;
	enum found found;
	uint32_t rc = node_fetch(node, slot, child);

	if (rc != RC_OK)
		return rc;
	found = slot_look(child, &found_lss);
	if (found == FOUND_OWN_NODE && found_lss == lss)
		return RC_OK;
	if (found == FOUND_OTHER || (found == FOUND_SENSORY_NODE && found_lss > lss))
		return RC_REQUEST;

	if ((rc = bank_alloc_node(CR_SEGBANK, CR_TMP0)) != RC_OK ||
	    (rc = node_make_node(CR_TMP0, lss, CR_TMP0)) != RC_OK)
		return rc;
	if (found == FOUND_SENSORY_NODE && found_lss == lss)
		rc = node_clone(CR_TMP0, child);
	else if (found != FOUND_VOID)
		rc = node_swap(CR_TMP0, 0, child, CR_VOID);
	if (rc == RC_OK)
		rc = node_swap(node, slot, CR_TMP0, CR_VOID);
	return rc == RC_OK ? node_fetch(node, slot, child) : rc;
}

static uint32_t pages_count(cap_t red, int64_t more, uint64_t *pages)
{
	uint32_t rc = node_fetch(red, RED_PAGES, CR_TMP0);

	*pages = 0;
	if (rc == RC_OK)
		number_get(CR_TMP0, pages, NULL);
	*pages += more;
	return rc == RC_OK && more ? node_write_number(red, RED_PAGES, *pages, 0) : rc;
}

/* Gives the lss-3 node in CR_LEVEL3 a page of its own in the slot, if that is what is missing. */
static uint32_t page_own(unsigned slot, bool write)
{
	unsigned lss;
	enum found found;
	uint64_t pages;
	uint32_t rc = node_fetch(CR_LEVEL3, slot, CR_TMP1);

	if (rc != RC_OK)
		return rc;
	found = slot_look(CR_TMP1, &lss);
	if (found == FOUND_OWN_PAGE || (found == FOUND_SENSORY_PAGE && !write))
		return RC_OK;
	if (found != FOUND_VOID && found != FOUND_SENSORY_PAGE)
		return RC_REQUEST;
	rc = bank_alloc_page(CR_SEGBANK, CR_TMP0);
	if (rc == RC_OK && found == FOUND_SENSORY_PAGE)
		rc = page_clone(CR_TMP0, CR_TMP1);
	if (rc == RC_OK)
		rc = node_swap(CR_LEVEL3, slot, CR_TMP0, CR_VOID);
	return rc == RC_OK ? pages_count(CR_ARG2, 1, &pages) : rc;
}

/* A fault in a segment; its red node is in CR_ARG2.  RC_OK makes the faulter try again. */
static uint32_t fault_handle(uint64_t offset, uint64_t access)
{
	uint32_t rc;

	if (offset >> 4 * RED_LSS >= RED_INITIAL)
		return RC_REQUEST;
	rc = node_fetch(CR_ARG2, RED_BANK, CR_SEGBANK);
	if (rc == RC_OK)
		rc = level_own(CR_ARG2, offset >> 24 & 15, 5, CR_LEVEL5);
	if (rc == RC_OK)
		rc = level_own(CR_LEVEL5, offset >> 20 & 15, 4, CR_LEVEL4);
	if (rc == RC_OK)
		rc = level_own(CR_LEVEL4, offset >> 16 & 15, 3, CR_LEVEL3);
	return rc == RC_OK ? page_own(offset >> PAGE_SHIFT & 15, access & FAULT_ACCESS_WRITE) : rc;
}

/* ---- the service ----------------------------------------------------------------------------- */

/* A red node from the bank, in CR_RED, complete but for the tree. */
static uint32_t red_make(cap_t bank)
{
	uint32_t rc;

	if (!bank_is_official(bank))
		return RC_UNOFFICIAL;
	if ((rc = bank_alloc_node(bank, CR_RED)) != RC_OK)
		return rc;
	node_swap(CR_RED, RED_BANK, bank, CR_VOID);
	node_swap(CR_RED, RED_KEEPER, CR_KEEPER, CR_VOID);
	node_write_number(CR_RED, RED_PAGES, 0, 0);
	return node_write_number(CR_RED, RED_FORMAT, FORMAT_KEPT, 0);
}

static uint32_t do_make_zero(void *ctx, struct msg *m, cap_t bank, cap_t *segment)
{
	uint32_t rc = red_make(bank);

	(void)ctx, (void)m;
	*segment = CR_TMP0;
	return rc == RC_OK ? node_make_segment(CR_RED, 0, CR_TMP0) : rc;
}

/* A segment that was frozen here: a red node, but its slots mean what those of an lss-6 node do. */
static bool is_frozen(cap_t sense)
{
	uint64_t format = 0;

	if (node_fetch(sense, RED_FORMAT, CR_TMP1) != RC_OK)
		return false;
	number_get(CR_TMP1, &format, NULL);
	return format == FORMAT_FROZEN;
}

/*
 * The original is weakened by passing it through a node of our own: what is fetched through a
 * sense capability is sensory, whoever made it, so it cannot keep us waiting afterwards.
 */
static uint32_t original_take(cap_t original)
{
	unsigned lss = 0;
	uint32_t rc = node_swap(CR_RED, RED_ORIGINAL, original, CR_VOID);

	if (rc == RC_OK)
		rc = node_make_sense(CR_RED, CR_TMP1);
	if (rc == RC_OK)
		rc = node_fetch(CR_TMP1, RED_ORIGINAL, CR_TMP2);
	if (rc != RC_OK)
		return rc;
	node_swap(CR_RED, RED_ORIGINAL, CR_TMP2, CR_VOID);

	switch (slot_look(CR_TMP2, &lss)) {
	case FOUND_SENSORY_PAGE:
		return node_swap(CR_RED, 0, CR_TMP2, CR_VOID);
	case FOUND_SENSORY_NODE:
		break;
	default:
		return RC_REQUEST;
	}
	if (lss < RED_LSS && lss >= 3)
		return node_swap(CR_RED, 0, CR_TMP2, CR_VOID);
	if (lss != RED_LSS && !(lss == 0 && is_frozen(CR_TMP2)))
		return RC_REQUEST;
	for (unsigned i = 0; i < RED_INITIAL && rc == RC_OK; i++) {
		rc = node_fetch(CR_TMP2, i, CR_TMP1);
		if (rc == RC_OK)
			rc = node_swap(CR_RED, i, CR_TMP1, CR_VOID);
	}
	return rc;
}

static uint32_t do_make_copy(void *ctx, struct msg *m, cap_t bank, cap_t original, cap_t *segment)
{
	uint32_t rc = red_make(bank);

	(void)ctx, (void)m;
	if (rc != RC_OK)
		return rc;
	if ((rc = original_take(original)) != RC_OK) {
		bank_free(bank, CR_RED);
		return rc;
	}
	*segment = CR_TMP0;
	return node_make_segment(CR_RED, 0, CR_TMP0);
}

/* The red node behind a segment capability of ours, in CR_RED. */
static uint32_t segment_open(cap_t segment)
{
	return proctool_identify_segment(CR_PROCTOOL, segment, CR_BRAND, NULL, CR_RED) == RC_OK ? RC_OK : RC_REQUEST;
}

static uint32_t do_freeze(void *ctx, struct msg *m, cap_t segment, cap_t *frozen)
{
	uint32_t rc = segment_open(segment);

	(void)ctx, (void)m;
	if (rc != RC_OK)
		return rc;
	node_write_number(CR_RED, RED_FORMAT, FORMAT_FROZEN, 0);
	for (unsigned slot = RED_BANK; slot <= RED_KEEPER; slot++)
		node_swap(CR_RED, slot, CR_VOID, CR_VOID);
	*frozen = CR_TMP0;
	return node_make_sense(CR_RED, CR_TMP0);
}

/* Frees what is the segment's own below a node: lower nodes first, then all in its slots. */
static void tree_free(cap_t node, unsigned lss, unsigned slots)
{
	for (unsigned i = 0; lss > 3 && i < slots; i++) {
		cap_t child = CR_LEVEL5 + (RED_LSS - lss);
		unsigned child_lss;

		if (node_fetch(node, i, child) == RC_OK && slot_look(child, &child_lss) == FOUND_OWN_NODE)
			tree_free(child, lss - 1, NODE_SLOTS);
	}
	bank_free_many(CR_SEGBANK, slots, node);
}

static uint32_t do_destroy(void *ctx, struct msg *m, cap_t segment)
{
	uint32_t rc = segment_open(segment);

	(void)ctx, (void)m;
	if (rc == RC_OK)
		rc = node_fetch(CR_RED, RED_BANK, CR_SEGBANK);
	if (rc != RC_OK)
		return rc;
	tree_free(CR_RED, RED_LSS, RED_INITIAL);
	return bank_free(CR_SEGBANK, CR_RED);
}

static uint32_t do_size(void *ctx, struct msg *m, cap_t segment, uint64_t *pages)
{
	uint32_t rc = segment_open(segment);

	(void)ctx, (void)m;
	return rc == RC_OK ? pages_count(CR_RED, 0, pages) : rc;
}

static const struct vcs_server handlers = {
	.make_zero = do_make_zero,
	.make_copy = do_make_copy,
	.freeze = do_freeze,
	.destroy = do_destroy,
	.size = do_size,
};

static bool serve(struct msg *m)
{
	if ((m->got & INV_GOT_DATA) == DATA_SERVICE)
		return vcs_serve(&handlers, NULL, m);
	if (m->got & INV_GOT_FAULT && m->order == OC_FAULT_MEMORY)
		m->order = fault_handle(m->w[1], m->w[2]);
	else
		m->order = RC_UNKNOWN;
	memset(m->w, 0, sizeof m->w);
	memset(m->send, CR_VOID, sizeof m->send);
	m->send_string = NULL;
	return true;
}

int main(void)
{
	struct msg m;
	uint32_t rc = bank_alloc_node(CR_BANK, CR_BRAND);

	if (rc == RC_OK)
		rc = proctool_set_brand(CR_PROCTOOL, CR_SELF, CR_BRAND);
	if (rc == RC_OK)
		rc = process_make_start(CR_SELF, DATA_KEEPER, CR_KEEPER);
	if (rc != RC_OK) {
		fprintf(stderr, "vcs: cannot start: result %#x\n", rc);
		return 1;
	}
	server_first(&m, NULL, 0);
	for (;;)
		server_next(&m, serve(&m));
}
