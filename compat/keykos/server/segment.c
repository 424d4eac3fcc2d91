/*
 * segment.c - fresh segments (FS) and virtual copy segments (VCS): memory that grows as it is touched.
 *
 *	FS(0 ==> 0;K) read-only, (2) no-call, (3) both        FS(1 ==> 0,(8,length))
 *	FS(5,(8,length) ==> 0) truncate                       FS(6,(8,limit)) set, (8 ==> 0,(8,limit)) get the limit
 *	FS(7,(4,offset)(4,length);sb ==> c;FS)                another, with that part of this copied when it is touched
 *	FS(9 ==> 0;K)                                         the end of its keeper: a read-only no-call key to what is there
 *	FS(10,(12,meta)), (11 ==> 0,(12,meta))                eleven bytes for whoever wants them; byte 0 is 0
 *	FS(18;sb ==> c;FS)                                    another fresh segment of this keeper
 *	VCS(0, 1, 2, 3, 5 as above; 6 ==> 0;base) (17;sb ==> c;VCSF)  17 freezes: nothing changes any more, and VCSF makes copies
 *	both: KT type, KT+4 destroy; any other code from KT on is a fault at (8, offset << 16)
 *
 * A segment key is a red segment of a node of its own (slot 0 of the object's node); the object's slot 1 is the bank
 * that pays for the memory.  Slots 0..8 of a fresh segment's red node, 0..13 of a virtual copy's, are the tree; it is
 * as deep as its highest address needs.
 *
 * Invariants
 *   1. No level of a tree is skipped: a child's lss is its parent's less one.
 *   2. A node key in a tree, and a page key that may write, are the segment's own, from its bank; everything else is
 *      sensory: the original of a copy, or a stem.
 *   3. When a virtual copy is frozen its red node becomes sensory too; the keys that were there go to slot 4 of the object.
 *   4. What a virtual copy does not have is there as a stem: a sense key to zeroes of that height, shared by all.  So
 *      reading one never faults, frozen or not.
 * Source: keykos.md 4.5 and 4.6.
 */
#include <keros/native.h>
#include <keros/number.h>
#include <keros/page.h>
#include "object.h"

enum { SLOT_RED, SLOT_SB, SLOT_ORIGIN, SLOT_FACTORY, SLOT_FROZEN };
enum { LSS_LOW = 3, LSS_HIGH = 11 };
enum { FS_SLOTS = 9, VCS_SLOTS = 14 };

#define RC_STORE       (KT + 8)            /* store where nothing may be stored */
#define RC_PARENT_GONE (KT + 9)
#define LIMIT_NONE     0x00FFFFFFFFFFFFFFull
#define OFFSET_END     (1ull << 48)
#define PAGE_WINDOW    0x50000000ull

/* The stem of each height, and what of it a copy of the key is known by. */
static unsigned stems;                     /* the object that keeps them, the one of a page in slot 0 */
static uint64_t stem_ref[LSS_HIGH];
static cap_t bank_register = CR_BANK;

static unsigned owned;                     /* how many are a domain's program: mostly none, and nothing is to be looked for */

/* A walk holds the node of each level in a register of that level's; pages are in CR_TMP0. */
static const cap_t level_reg[LSS_HIGH + 1] = {
	[11] = R_A, [10] = R_B, [9] = R_C, [8] = R_D, [7] = R_E, [6] = R_F, [5] = K0, [4] = K1, [3] = K2,
};

static bool is_copy(unsigned index)
{
	return objects[index].kind == KIND_VCS;
}

static unsigned slots_of(unsigned index)
{
	return is_copy(index) ? VCS_SLOTS : FS_SLOTS;
}

static uint32_t format_of(unsigned index)
{
	return 0x1FFFEF00u | slots_of(index) << 4 | objects[index].seg.lss;
}

/* The bank of the segment's memory; false if it is no more. */
static bool bank_of(unsigned index, unsigned *bank)
{
	object_get(index, SLOT_SB, CR_TMP0);
	return bank_open(CR_TMP0, bank);
}

static void stem_get(unsigned lss, cap_t to)
{
	object_get(stems, lss - 2, to);
}

/* What stands in a slot of a tree. */
enum found { HOLE, OWN, SENSORY };

static enum found slot_look(cap_t key, unsigned child_lss)
{
	uint64_t first = 0, second = 0, valid = 0;
	unsigned type;

	keybits_show(R_KEYBITS, key, &first, &second, &valid);
	type = valid ? first & 0xFF : TYPE_VOID;
	if (type == TYPE_VOID || second == stem_ref[child_lss - 2])
		return HOLE;
	return type == TYPE_NODE || (type == TYPE_PAGE && !(first >> 16 & DB_READONLY)) ? OWN : SENSORY;
}

/* ---- making ------------------------------------------------------------------------------ */

static uint32_t node_take(unsigned bank, unsigned lss, cap_t to)
{
	return bank_take(bank, 0, to) == RC_OK ? node_make_node(to, lss, to) : RC_NO_NODES;
}

/* A segment without memory; its red node is in R_B, its segment key in `to`. */
static uint32_t segment_make(enum kind kind, unsigned psb, cap_t sb, unsigned *index, cap_t to)
{
	unsigned bank;
	struct object *o;

	if (!bank_open(sb, &bank) || object_make(kind, psb, index) != RC_OK)
		return RC_NO_SPACE;
	o = &objects[*index];
	if (bank_take(psb, 0, R_B) != RC_OK) {
		object_end(*index);
		return RC_NO_SPACE;
	}
	o->seg.lss = LSS_LOW;
	o->seg.limit = LIMIT_NONE;
	wrapper_fill(R_B, *index, format_of(*index));
	object_put(*index, SLOT_RED, R_B);
	object_put(*index, SLOT_SB, sb);
	return node_make_segment(R_B, 0, to);
}

uint32_t fs_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned psb, made;

	(void)index, (void)order;
	return bank_open(K0, &psb) ? segment_make(KIND_FS, psb, K2, &made, to) : RC_BAD_BANK;
}

/* The lss that a frozen segment's format key tells. */
static unsigned frozen_lss(cap_t sense)
{
	uint64_t format = 0;

	node_fetch(sense, SLOT_NODE_FORMAT, CR_TMP0);
	number_get(CR_TMP0, &format, NULL);
	return format & 15;
}

/* A virtual copy of what the maker has in its slot 0, or of nothing. */
uint32_t vcs_make(unsigned index, uint32_t order, cap_t to)
{
	unsigned psb, made;
	uint32_t rc;

	(void)order;
	if (!bank_open(K0, &psb))
		return RC_BAD_BANK;
	if ((rc = segment_make(KIND_VCS, psb, K2, &made, to)) != RC_OK)
		return rc == RC_NO_SPACE ? RC_NO_NODES : rc;
	object_get(index, 0, R_C);
	if (key_is_null(R_C)) {
		stem_get(LSS_LOW - 1, R_D);
		for (unsigned i = 0; i < VCS_SLOTS; i++)
			node_swap(R_B, i, R_D, CR_VOID);
		return RC_OK;
	}
	objects[made].seg.lss = frozen_lss(R_C);
	for (unsigned i = 0; i < VCS_SLOTS; i++) {
		node_fetch(R_C, i, R_D);
		node_swap(R_B, i, R_D, CR_VOID);
	}
	node_write_number(R_B, SLOT_NODE_FORMAT, format_of(made), 0);
	object_put(made, SLOT_ORIGIN, R_C);
	return RC_OK;
}

/* Zeroes of the greatest height: what a program that keeps virtual copies has as a component. */
void stem_highest(cap_t to)
{
	stem_get(LSS_HIGH, to);
}

/* The stems, at the system's start. */
bool segments_begin(void)
{
	if (object_make(KIND_STEMS, 0, &stems) != RC_OK || bank_alloc_page(CR_BANK, R_A) != RC_OK)
		return false;
	page_make_readonly(R_A, R_A);
	for (unsigned lss = LSS_LOW - 1; lss <= LSS_HIGH; lss++) {
		uint64_t first;
		uint64_t valid;

		if (lss >= LSS_LOW) {
			if (bank_alloc_node(CR_BANK, R_B) != RC_OK)
				return false;
			for (unsigned i = 0; i < NODE_SLOTS; i++)
				node_swap(R_B, i, R_A, CR_VOID);
			node_make_node(R_B, lss, R_B);
			node_make_sense(R_B, R_A);
		}
		keybits_show(R_KEYBITS, R_A, &first, &stem_ref[lss - 2], &valid);
		object_put(stems, lss - 2, R_A);
	}
	return true;
}

/* ---- faults ------------------------------------------------------------------------------ */

static unsigned lss_needed(uint64_t offset, unsigned slots)
{
	unsigned lss = LSS_LOW;

	while (lss <= LSS_HIGH && offset >> 4 * lss >= slots)
		lss++;
	return lss;
}

/* One level more: the slots of the red node in R_A move to a new node below its slot 0. */
static uint32_t grow(unsigned index, unsigned bank)
{
	struct object *o = &objects[index];
	unsigned slots = slots_of(index);

	if (node_take(bank, o->seg.lss, R_B) != RC_OK)
		return RC_NO_NODES;
	if (is_copy(index))
		stem_get(o->seg.lss - 1, R_C);
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		if (i < slots)
			node_fetch(R_A, i, CR_TMP0);
		else if (is_copy(index))
			cap_copy(CR_TMP0, R_C);
		if (i < slots || is_copy(index))
			node_swap(R_B, i, CR_TMP0, CR_VOID);
	}
	if (is_copy(index))
		stem_get(o->seg.lss, R_C);
	else
		cap_copy(R_C, CR_VOID);
	for (unsigned i = 1; i < slots; i++)
		node_swap(R_A, i, R_C, CR_VOID);
	node_swap(R_A, 0, R_B, CR_VOID);
	o->seg.lss++;
	return node_write_number(R_A, SLOT_NODE_FORMAT, format_of(index), 0);
}

/* Makes the slot of the node in R_B hold a node of our own, of that lss, with what is there now; that is in R_C. */
static uint32_t child_own(unsigned bank, unsigned slot, unsigned lss)
{
	unsigned data_byte, type;

	node_fetch(R_B, slot, R_C);
	type = key_look(R_C, &data_byte);
	if (type == TYPE_NODE)
		return RC_OK;
	if (node_take(bank, lss, R_D) != RC_OK)
		return RC_NO_NODES;
	if (type != TYPE_VOID)
		node_clone(R_D, R_C);
	node_swap(R_B, slot, R_D, CR_VOID);
	return node_fetch(R_B, slot, R_C);
}

/* The page at an offset of another segment's tree, in R_E; void if there is none. */
static void page_find(unsigned index, uint64_t offset)
{
	object_get(index, SLOT_RED, R_E);
	if (offset >> 4 * objects[index].seg.lss >= slots_of(index)) {
		cap_copy(R_E, CR_VOID);
		return;
	}
	for (unsigned lss = objects[index].seg.lss; lss >= LSS_LOW; lss--)
		node_fetch(R_E, offset >> 4 * lss & 15, R_E);
}

/* Whether a fresh segment's page is to begin as its parent's; then that is in R_E. */
static uint32_t page_of_parent(unsigned index, uint64_t offset, bool *there)
{
	const struct object *o = &objects[index];
	unsigned parent, which_face;

	*there = false;
	if (is_copy(index) || offset < o->seg.copy_from || offset >= o->seg.copy_to)
		return RC_OK;
	object_get(index, SLOT_ORIGIN, R_E);
	if (!key_open(R_E, KIND_FS, &parent, &which_face))
		return RC_PARENT_GONE;
	page_find(parent, offset);
	*there = key_type(R_E) == TYPE_PAGE;
	return RC_OK;
}

/* The page itself: the slot of the lss-3 node in R_B. */
static uint32_t page_own(unsigned index, unsigned bank, uint64_t offset)
{
	unsigned slot = offset >> PAGE_SHIFT & 15, data_byte, type;
	bool there = false;
	uint32_t rc;

	node_fetch(R_B, slot, R_C);
	type = key_look(R_C, &data_byte);
	if (type == TYPE_PAGE && !(data_byte & DB_READONLY))
		return fault.present && fault.writes ? RC_STORE : RC_OK;
	if (type == TYPE_PAGE && fault.is && !fault.writes)
		return RC_OK;
	if (type == TYPE_VOID && (rc = page_of_parent(index, offset, &there)) != RC_OK)
		return rc;
	if (bank_take(bank, 1, R_D) != RC_OK)
		return RC_NO_PAGES;
	if (type == TYPE_PAGE)
		page_clone(R_D, R_C);
	else if (there)
		page_clone(R_D, R_E);
	return node_swap(R_B, slot, R_D, CR_VOID);
}

/* The way to a page, all of it the segment's own. */
static uint32_t fault_handle(unsigned index, uint64_t offset)
{
	struct object *o = &objects[index];
	unsigned bank, need = lss_needed(offset, slots_of(index));
	uint32_t rc = RC_OK;

	if (o->seg.frozen)
		return RC_STORE;
	if (offset > o->seg.limit || offset >= OFFSET_END || need > LSS_HIGH)
		return RC_NO_PAGES;
	if (!bank_of(index, &bank))
		return RC_NO_NODES;
	object_get(index, SLOT_RED, R_A);
	while (rc == RC_OK && o->seg.lss < need)
		rc = grow(index, bank);
	cap_copy(R_B, R_A);
	for (unsigned lss = o->seg.lss; rc == RC_OK && lss > LSS_LOW; lss--) {
		rc = child_own(bank, offset >> 4 * lss & 15, lss - 1);
		cap_copy(R_B, R_C);
	}
	return rc == RC_OK ? page_own(index, bank, offset) : rc;
}

/* ---- length and truncation --------------------------------------------------------------- */

/* Puts into the slot of a node what stands for "nothing here". */
static void hole_put(unsigned index, cap_t node, unsigned slot, unsigned child_lss)
{
	if (is_copy(index))
		stem_get(child_lss, CR_TMP0);
	else
		cap_copy(CR_TMP0, CR_VOID);
	node_swap(node, slot, CR_TMP0, CR_VOID);
}

/* The last byte that is not zero in the page in CR_TMP0, and 1; 0 if all are. */
static unsigned page_end(void)
{
	struct space_maker maker = space_bank_maker(&bank_register);
	const volatile uint8_t *bytes = (const volatile uint8_t *)PAGE_WINDOW;
	uint64_t nonzero = 0;
	unsigned end = PAGE_SIZE;

	if (page_test_zero(CR_TMP0, &nonzero) != RC_OK || !nonzero)
		return 0;
	native_forget();
	process_get_slot(CR_SELF, PSLOT_SPACE, R_BANK_NATIVE);
	if (space_map(R_BANK_NATIVE, PAGE_WINDOW, CR_TMP0, DB_READONLY, &maker) != RC_OK)
		return PAGE_SIZE;
	while (end && !bytes[end - 1])
		end--;
	return end;
}

/* One past the highest byte below a node that is not zero.  What is above it and the segment's own is given back. */
static uint64_t tree_end(unsigned index, unsigned bank, unsigned lss, unsigned slots, bool own)
{
	cap_t node = level_reg[lss], child = lss > LSS_LOW ? level_reg[lss - 1] : CR_TMP0;

	for (unsigned i = slots; i-- > 0;) {
		enum found found;
		uint64_t end;

		node_fetch(node, i, child);
		found = slot_look(child, lss - 1);
		if (found == HOLE)
			continue;
		end = lss == LSS_LOW ? page_end() : tree_end(index, bank, lss - 1, NODE_SLOTS, own && found == OWN);
		if (end)
			return ((uint64_t)i << 4 * lss) + end;
		if (own && found == OWN) {
			node_fetch(node, i, child);
			bank_give(bank, lss == LSS_LOW, child);
			hole_put(index, node, i, lss - 1);
		}
	}
	return 0;
}

static uint64_t length_of(unsigned index)
{
	unsigned bank = 0, lss = objects[index].seg.lss;
	bool own = bank_of(index, &bank);

	object_get(index, SLOT_RED, level_reg[lss]);
	return tree_end(index, bank, lss, slots_of(index), own);
}

/* Everything of the child's own below it, and the child. */
static void tree_drop(unsigned bank, unsigned lss, cap_t child)
{
	for (unsigned i = 0; lss >= LSS_LOW && i < NODE_SLOTS; i++) {
		cap_t below = lss > LSS_LOW ? level_reg[lss - 1] : CR_TMP0;

		node_fetch(child, i, below);
		if (slot_look(below, lss - 1) == OWN)
			tree_drop(bank, lss - 1, below);
	}
	bank_give(bank, lss < LSS_LOW, child);
}

static uint32_t tree_cut(unsigned index, unsigned bank, unsigned lss, unsigned slots, uint64_t base, uint64_t end);

/* A slot that the new end goes through: its page's rest becomes zero, or its node is cut in turn. */
static uint32_t slot_cut(unsigned index, unsigned bank, unsigned lss, unsigned slot, uint64_t base, uint64_t end)
{
	static const uint8_t zeroes[PAGE_SIZE];
	cap_t node = level_reg[lss], child = lss > LSS_LOW ? level_reg[lss - 1] : CR_TMP0;

	if (slot_look(child, lss - 1) == SENSORY) {
		cap_copy(CR_TMP1, child);
		if (bank_take(bank, lss == LSS_LOW, child) != RC_OK)
			return lss == LSS_LOW ? RC_NO_PAGES : RC_NO_NODES;
		if (lss == LSS_LOW) {
			page_clone(child, CR_TMP1);
		} else {
			node_make_node(child, lss - 1, child);
			node_clone(child, CR_TMP1);
		}
		node_swap(node, slot, child, CR_VOID);
	}
	if (lss > LSS_LOW)
		return tree_cut(index, bank, lss - 1, NODE_SLOTS, base, end);
	page_write(child, end & 4095, zeroes, PAGE_SIZE - (end & 4095));
	return RC_OK;
}

static uint32_t tree_cut(unsigned index, unsigned bank, unsigned lss, unsigned slots, uint64_t base, uint64_t end)
{
	cap_t node = level_reg[lss], child = lss > LSS_LOW ? level_reg[lss - 1] : CR_TMP0;
	uint32_t rc = RC_OK;

	for (unsigned i = slots; rc == RC_OK && i-- > 0;) {
		uint64_t from = base + ((uint64_t)i << 4 * lss), to = from + (1ull << 4 * lss);
		enum found found;

		if (to <= end)
			break;
		node_fetch(node, i, child);
		found = slot_look(child, lss - 1);
		if (found == HOLE)
			continue;
		if (from < end) {
			rc = slot_cut(index, bank, lss, i, from, end);
			continue;
		}
		if (found == OWN)
			tree_drop(bank, lss - 1, child);
		hole_put(index, node, i, lss - 1);
	}
	return rc;
}

static uint32_t truncate(unsigned index, uint64_t end)
{
	unsigned bank, lss = objects[index].seg.lss;

	if (!bank_of(index, &bank))
		return RC_NO_NODES;
	object_get(index, objects[index].seg.frozen ? SLOT_FROZEN : SLOT_RED, level_reg[lss]);
	return tree_cut(index, bank, lss, slots_of(index), 0, end);
}

/* Whatever ends the segment: its memory, its red node, the factory of its copies. */
void segment_end(unsigned index)
{
	unsigned factory, which_face, bank;

	owned -= objects[index].seg.owner != 0;
	truncate(index, 0);
	object_get(index, SLOT_FROZEN, R_A);
	if (!key_is_null(R_A) && bank_of(index, &bank))
		bank_give(bank, 0, R_A);
	object_get(index, SLOT_RED, R_A);
	bank_give(objects[index].bank, 0, R_A);
	object_get(index, SLOT_FACTORY, R_A);
	if (is_copy(index) && key_open(R_A, KIND_VCSF, &factory, &which_face))
		object_end(factory);
}

/* ---- programs of domains ----------------------------------------------------------------- */

void segment_belongs(cap_t segment, cap_t domain)
{
	unsigned index, which_face;
	struct entry e;

	if (!key_open(segment, KIND_VCS, &index, &which_face))
		return;
	keyset_bits(domain, &e);
	objects[index].seg.owner = e.second;
	owned++;
}

void segments_of_domain_end(const struct entry *domain)
{
	if (owned == 0)
		return;
	for (unsigned i = OBJECT_FIRST; i < objects_used; i++)
		if (objects[i].kind == KIND_VCS && objects[i].seg.owner && objects[i].seg.owner == domain->second)
			object_end(i);
}

/* ---- order codes ------------------------------------------------------------------------- */

static uint32_t reply_segment(unsigned index, unsigned data_byte)
{
	object_get(index, SLOT_RED, R_A);
	node_make_segment(R_A, data_byte, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

static uint32_t sibling(unsigned index, bool copying)
{
	unsigned made;
	uint64_t from = arg32(0), to = from + arg32(4);

	/* Its parent by its segment key, which dies with it. */
	object_get(index, SLOT_RED, R_F);
	node_make_segment(R_F, 0, R_F);
	if (segment_make(KIND_FS, objects[index].bank, K0, &made, R_A) != RC_OK)
		return copying ? RC_NO_PAGES : RC_NO_SPACE;
	if (copying) {
		objects[made].seg.copy_from = from & ~4095ull;
		objects[made].seg.copy_to = (to + 4095) & ~4095ull;
		object_put(made, SLOT_ORIGIN, R_F);
	}
	reply_key(0, R_A);
	return RC_OK;
}

/* The memory stays as it is, the bank's; nobody keeps it. */
static uint32_t fs_freeze(unsigned index)
{
	object_get(index, SLOT_RED, R_B);
	node_swap(R_B, SLOT_NODE_KEEPER, CR_VOID, CR_VOID);
	node_make_segment(R_B, DB_READONLY | DB_NOCALL, R_C);
	reply_key(0, R_C);
	object_put(index, SLOT_RED, CR_VOID);
	objects[index].seg.lss = LSS_LOW;
	object_end(index);
	return RC_OK;
}

static uint32_t reply_number(uint64_t n)
{
	reply_bytes(&n, sizeof n);
	return RC_OK;
}

static bool is_fault(uint32_t order)
{
	return fault.is || (order > KT && order != OC_DESTROY);
}

static uint32_t serve_fault(unsigned index)
{
	return fault_handle(index, fault.is ? fault.offset : arg64(0) >> 16);
}

uint32_t fs_serve(unsigned index, uint32_t order)
{
	struct object *o = &objects[index];

	if (is_fault(order))
		return serve_fault(index);
	switch (order) {
	case 0: return reply_segment(index, DB_READONLY);
	case 1: return reply_number(length_of(index));
	case 2: return reply_segment(index, DB_NOCALL);
	case 3: return reply_segment(index, DB_READONLY | DB_NOCALL);
	case 5: return truncate(index, arg64(0));
	case 6: o->seg.limit = arg64(0) & LIMIT_NONE; return RC_OK;
	case 7: return sibling(index, true);
	case 8: return reply_number(o->seg.limit);
	case 9: return fs_freeze(index);
	case 10: memcpy(o->seg.meta + 1, message_string + 1, 11); return RC_OK;
	case 11: reply_bytes(o->seg.meta, sizeof o->seg.meta); return RC_OK;
	case 18: return sibling(index, false);
	case KT: return 0x50D;
	case OC_DESTROY:
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

/* The red node becomes sensory, and a maker takes it. */
static uint32_t freeze_red(unsigned index)
{
	unsigned bank;

	if (!bank_of(index, &bank) || bank_take(bank, 0, R_C) != RC_OK)
		return RC_NO_PAGES;
	object_get(index, SLOT_RED, R_B);
	node_clone(R_C, R_B);
	node_make_sense(R_C, R_D);
	node_clone(R_B, R_D);
	wrapper_fill(R_B, index, format_of(index));
	object_put(index, SLOT_FROZEN, R_C);
	objects[index].seg.frozen = 1;
	return RC_OK;
}

static uint32_t vcs_freeze(unsigned index)
{
	unsigned bank, made;
	uint32_t rc;

	if (!objects[index].seg.frozen) {
		if (!bank_open(K0, &bank) || object_make(KIND_VCSF, bank, &made) != RC_OK)
			return RC_NO_SPACE;
		if ((rc = freeze_red(index)) != RC_OK) {
			object_end(made);
			return rc;
		}
		object_get(index, SLOT_RED, R_B);
		node_make_sense(R_B, R_B);
		object_put(made, 0, R_B);
		object_key(made, 0, R_A);
		object_put(index, SLOT_FACTORY, R_A);
	}
	object_get(index, SLOT_FACTORY, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

uint32_t vcs_serve(unsigned index, uint32_t order)
{
	struct object *o = &objects[index];

	if (is_fault(order))
		return serve_fault(index);
	switch (order) {
	case 0: return reply_segment(index, DB_READONLY);
	case 1: return o->seg.frozen ? RC_UNKNOWN : reply_number(length_of(index));
	case 2: return reply_segment(index, DB_NOCALL);
	case 3: return reply_segment(index, DB_READONLY | DB_NOCALL);
	case 5: return o->seg.frozen || message.recv_length != 8 ? RC_UNKNOWN : truncate(index, arg64(0));
	case 6:
		object_get(index, SLOT_ORIGIN, R_A);
		reply_key(0, R_A);
		return RC_OK;
	case 17: return vcs_freeze(index);
	case KT: return 0xB0D;
	case OC_DESTROY:
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}
