/*
 * t_services.c - bank, constructor, process creator and virtual copies, as a client sees them.
 *
 * The program is also its own test subject: it makes an image of itself out of the boot pack, and
 * the yields of that image, which have no log, run product() below.
 */
#include <keros/image.h>
#include <keros/server.h>
#include <keros/space.h>
#include "t.h"

enum {
	S_DISCRIM = 8, S_PROCTOOL, S_KEYBITS, S_TIMER, S_IRQ, S_IOPORT, S_PHYSMEM, S_CHECKPOINT, S_VCS, S_META,
	S_PROCCRE, S_CONSOLE, S_RANGE, S_A, S_B, S_C,          /* 21..23: the test's own, with 1, 28..30 */
	S_D = CR_CONST, S_E = CR_ARG0, S_F = CR_ARG1, S_G = CR_ARG2,
};

static uint64_t bank_used(cap_t bank)
{
	uint64_t used = ~0ull;

	bank_get_limits(bank, NULL, &used, NULL);
	return used;
}

/* ---- bank ---------------------------------------------------------------------------------------- */

static void test_bank_limits(void)
{
	uint64_t official = 0, before = bank_used(CR_BANK), limit, used, available;
	uint32_t rc = RC_OK;

	t_rc(bank_verify(CR_BANK, CR_BANK, &official), RC_OK, "a bank verifies");
	t_ok(official == 1, "itself as official");
	bank_verify(CR_BANK, S_META, &official);
	t_ok(official == 0, "and another start capability as not");
	t_rc(bank_make_sub(CR_BANK, 20, S_A), RC_OK, "a bank is made below");
	for (unsigned i = 0; i < 20 && rc == RC_OK; i++)
		rc = bank_alloc_page(S_A, S_B);
	t_rc(rc, RC_OK, "it gives pages up to its limit");
	t_rc(bank_alloc_page(S_A, S_C), RC_LIMIT, "and no further");
	t_rc(bank_alloc_node(S_A, S_C), RC_LIMIT, "nor a node");
	t_rc(bank_get_limits(S_A, &limit, &used, &available), RC_OK, "it tells its limits");
	t_ok(limit == 20 && used == 20 && available == 0, "rightly");
	t_ok(bank_used(CR_BANK) == before + 20, "and the bank above counts them");
	t_rc(bank_free(S_A, S_B), RC_OK, "a page is freed");
	t_ok(t_is_void(S_B), "and void");
	t_rc(bank_free(S_A, S_B), RC_REQUEST, "a void object is not freed again");
	t_rc(bank_alloc_node(S_A, S_C), RC_OK, "and makes room for a node");
	bank_make_sub(CR_BANK, ~0ull, S_E);
	t_rc(bank_free(S_E, S_C), RC_REQUEST, "another bank does not free it");
	t_rc(bank_destroy_all(S_E), RC_OK, "an empty bank is destroyed");
	t_ok(t_is_void(S_E) || bank_alloc_page(S_E, S_B) == RC_VOID, "and answers RC_VOID");
	t_rc(bank_destroy_all(S_A), RC_OK, "a full one too");
	t_ok(t_is_void(S_C), "with its objects");
	t_ok(bank_used(CR_BANK) == before, "and all frames are back");
}

static void test_bank_rights(void)
{
	bank_make_sub(CR_BANK, 10, S_A);
	t_rc(bank_make_restricted(S_A, 1, S_B), RC_OK, "a restricted bank is made");
	t_rc(bank_alloc_page(S_B, S_C), RC_OK, "it may still do what it is for");
	t_rc(bank_free(S_B, S_C), RC_NOACCESS, "but not free");
	t_rc(bank_set_limit(S_B, 100), RC_NOACCESS, "nor raise its limit");
	t_rc(bank_make_sub(S_B, 1, S_E), RC_NOACCESS, "nor make banks");
	t_rc(bank_destroy_all(S_B), RC_NOACCESS, "nor die");
	t_rc(bank_make_restricted(S_B, 31, S_E), RC_OK, "restricting again");
	t_rc(bank_free(S_E, S_C), RC_NOACCESS, "gives no right back");
	t_rc(bank_set_limit(S_A, 1), RC_OK, "the whole one lowers the limit");
	t_rc(bank_alloc_page(S_B, S_E), RC_LIMIT, "for all capabilities to it");
	t_rc(bank_destroy(S_A), RC_OK, "a bank is merged into the one above");
	t_ok(!t_is_void(S_C), "its objects live");
	t_rc(bank_free(CR_BANK, S_C), RC_OK, "and belong to that");
}

static void test_bank_many(void)
{
	uint64_t got = 0, data = 0;

	bank_make_sub(CR_BANK, 12, S_A);
	bank_alloc_node(S_A, S_B);
	t_rc(bank_alloc_many(S_A, 1, 16, S_B, &got), RC_OK, "many pages at once");
	t_ok(got == 11, "as many as the limit allows (%lu)", (unsigned long)got);
	node_fetch(S_B, 10, S_C);
	t_ok(t_type(S_C) == PAGE_TYPE, "the last slot has one");
	t_rc(bank_free_many(S_A, 11, S_B), RC_OK, "they are freed at once");
	t_ok(t_is_void(S_C), "and void");
	t_rc(bank_alloc_many(S_A, 2, 16, S_B, &got), RC_OK, "many nodes at once");
	t_ok(got == 16, "all sixteen, though a pot has fifteen");
	node_fetch(S_B, 15, S_C);
	t_ok(t_type(S_C) == NODE_TYPE, "the last slot has one too");
	t_rc(bank_alloc_many(S_A, 4, 1, S_B, &got), RC_REQUEST, "there is no kind 4");
	t_rc(bank_alloc_many(S_A, 1, 17, S_B, &got), RC_REQUEST, "nor a slot 16");

	/* A capability of ours in place of a node: the bank must not call us, who never answer. */
	process_make_start(CR_SELF, 0, S_E);
	t_rc(bank_alloc_many(S_A, 1, 1, S_E, &got), RC_REQUEST, "a start capability is not taken for a node");
	t_rc(bank_free_many(S_A, 1, S_E), RC_REQUEST, "nor when freeing");
	t_rc(bank_sever_many(S_A, 1, S_E), RC_REQUEST, "nor when severing");

	bank_alloc_page(S_A, S_E);
	page_write(S_E, 8, "seven", 5);
	cap_copy(S_F, S_E);
	t_rc(bank_sever(S_A, S_E, S_G), RC_OK, "a page is severed");
	t_ok(t_is_void(S_F), "the old capability is void");
	page_test_zero(S_G, &data);
	t_ok(data == 1, "the content is there");
	node_swap(S_C, 3, S_G, CR_VOID);
	t_rc(bank_sever(S_A, S_C, S_E), RC_OK, "a node is severed");
	t_ok(t_is_void(S_C) && node_fetch(S_E, 3, S_F) == RC_OK && t_same(S_F, S_G), "with its slots");
	bank_alloc_process(S_A, S_F);
	t_rc(bank_sever(S_A, S_F, S_G), RC_OK, "so is a process");
	t_ok(t_is_void(S_F) && t_type(S_G) == PROCESS_TYPE, "under a new capability");
	bank_destroy_all(S_A);
	t_ok(t_is_void(S_B) && t_is_void(S_E) && t_is_void(S_F), "all of it dies with the bank");
}

static void test_bank_zero(void)
{
	uint64_t nonzero = 0, all = 0;

	for (unsigned i = 0; i < 50; i++) {
		bank_make_sub(CR_BANK, 40, S_A);
		for (unsigned j = 0; j < 4; j++) {
			bank_alloc_page(S_A, S_B);
			page_test_zero(S_B, &nonzero);
			all |= nonzero;
			page_write(S_B, 100, "dirt", 4);
		}
		bank_alloc_node(S_A, S_B);
		all |= node_fetch(S_B, 5, S_C) != RC_OK || !t_is_void(S_C);
		node_swap(S_B, 5, S_B, CR_VOID);
		bank_destroy_all(S_A);
	}
	t_ok(all == 0, "fresh pages are zero and fresh nodes void, also when they were used before");
}

/* ---- constructor --------------------------------------------------------------------------------- */

static uint64_t own_offset;            /* of this program in the boot pack, in pages */

static uint32_t own_page(void *ctx, uint64_t index, cap_t to)
{
	(void)ctx;
	return physmem_pack_page(S_PHYSMEM, own_offset + index, to);
}

/* Reads a page of the pack by mapping it. */
static const void *pack_look(uint64_t index)
{
	cap_t bank = CR_BANK;
	struct space_maker maker = space_bank_maker(&bank);

	physmem_pack_page(S_PHYSMEM, index, CR_TMP0);
	process_get_slot(CR_SELF, PSLOT_SPACE, S_G);
	return space_map(S_G, 0x21000000, CR_TMP0, 0, &maker) == RC_OK ? (const void *)0x21000000 : NULL;
}

/* Our own image, into S_D. */
static bool own_image(void)
{
	const struct pack_header *h = pack_look(0);
	cap_t bank = CR_BANK;
	struct space_maker maker = space_bank_maker(&bank);
	struct image_file file;
	uint64_t length = 0;

	for (unsigned i = 0; h && i < h->count; i++)
		if (strcmp(h->section[i].name, "t_services") == 0) {
			own_offset = h->section[i].offset / PAGE_SIZE;
			length = h->section[i].length;
		}
	return length && image_parse(pack_look(own_offset), PAGE_SIZE, length, &file) == NULL &&
	       image_build(&file, own_page, NULL, &maker, S_D) == RC_OK;
}

/* Void, by the answer: a yield has no discrim in a register, and holds nothing that could keep it waiting. */
static bool answers_void(cap_t c)
{
	return inv_call(c, &(struct msg){ .order = KT }) == RC_VOID;
}

/* What a yield does: answers with a start capability, then tells which registers are not void. */
static __attribute__((noreturn)) void product(void)
{
	struct msg m = { .order = RC_OK, .send = { CR_TMP0 } };

	process_make_start(CR_SELF, 7, CR_TMP0);
	m.recv[3] = CR_RETURN;
	inv_return(CR_RETURN, &m);
	for (;;) {
		uint64_t full = 0;

		for (unsigned i = 1; i < CR_TMP3; i++)
			full |= (uint64_t)!answers_void((cap_t)i) << i;
		m.order = RC_OK;
		m.w[0] = full;
		m.w[1] = m.got & INV_GOT_DATA;
		m.send[0] = CR_VOID;
		inv_return(CR_RETURN, &m);
	}
}

static void test_builder(void)
{
	uint64_t hole = 9, holes = 9, slot = 9, class = 9;

	t_ok(own_image(), "an image is made of this program");
	t_rc(metaconstructor_make(S_META, CR_RETURNER, S_A), RC_UNOFFICIAL, "no constructor with a false bank");
	t_rc(metaconstructor_make(S_META, CR_BANK, S_A), RC_OK, "a constructor is made");
	t_rc(constructor_is_discreet(S_A, &holes), RC_SEALED, "it tells nothing before it is sealed");
	t_rc(constructor_yield(S_A, CR_BANK, CR_SCHED, CR_VOID, S_B), RC_SEALED, "nor gives a yield");
	t_rc(constructor_set_program(S_A, 0, S_D), RC_REQUEST, "a writable image is refused");
	process_make_start(CR_SELF, 0, S_B);
	t_rc(constructor_set_program(S_A, 0, S_B), RC_REQUEST, "and a capability of ours, without calling it");
	node_make_sense(S_D, S_D);
	t_rc(constructor_set_program(S_A, 0, S_D), RC_OK, "a sensory one is taken");
	t_rc(constructor_insert(S_A, 0, S_DISCRIM, &hole), RC_OK, "discrim is inserted");
	t_ok(hole == 0, "and is no hole");
	t_rc(constructor_insert(S_A, 3, CR_LOG, &hole), RC_OK, "the log is inserted");
	t_ok(hole == 1, "and is a hole");
	t_rc(constructor_insert(S_A, 16, CR_LOG, &hole), RC_REQUEST, "there is no slot 16");
	t_rc(constructor_seal(S_A, S_B), RC_OK, "it is sealed");
	t_rc(constructor_insert(S_A, 3, CR_VOID, &hole), RC_SEALED, "and takes no more");
	t_rc(constructor_seal(S_A, S_C), RC_SEALED, "not even a seal");
	t_rc(constructor_insert(S_B, 3, CR_VOID, &hole), RC_NOACCESS, "a requestor is no builder");
	t_rc(constructor_destroy(S_B), RC_NOACCESS, "and may not destroy");
	t_rc(constructor_is_discreet(S_B, &holes), RC_OK, "the requestor asks");
	t_ok(holes == 1, "and hears of the hole");
	t_rc(constructor_get_hole(S_B, 0, &slot, &class), RC_OK, "which one?");
	t_ok(slot == 3 && class == 5, "slot 3, of class other");
	t_rc(constructor_get_hole(S_B, 1, &slot, &class), RC_REQUEST, "there is no second");
	metaconstructor_make(S_META, CR_BANK, S_C);
	constructor_insert(S_C, 0, S_B, &hole);
	t_ok(hole == 1, "a requestor's capability with a hole is a hole");
	t_rc(constructor_destroy(S_A), RC_OK, "the builder destroys");
	t_rc(constructor_is_discreet(S_B, &holes), RC_VOID, "and the requestor's capability is void");
	constructor_destroy(S_C);
}

static void test_yield(void)
{
	uint64_t hole = 9, official = 9, before;
	struct msg m = { .order = 1 };

	metaconstructor_make(S_META, CR_BANK, S_A);
	constructor_set_program(S_A, 0, S_D);
	constructor_insert(S_A, 0, S_DISCRIM, &hole);
	constructor_seal(S_A, S_B);
	metaconstructor_verify(S_META, S_B, &official);
	t_ok(official == 1, "a requestor's capability is authentic");
	metaconstructor_verify(S_META, S_A, &official);
	t_ok(official == 0, "a builder's is not one");
	metaconstructor_make(S_META, CR_BANK, S_C);
	constructor_insert(S_C, 0, S_B, &hole);
	t_ok(hole == 0, "a requestor's capability without holes is no hole");
	constructor_destroy(S_C);

	before = bank_used(CR_BANK);
	process_make_start(CR_SELF, 0, S_C);
	t_rc(constructor_yield(S_B, S_C, CR_SCHED, CR_VOID, S_F), RC_UNOFFICIAL, "no yield from a false bank");
	bank_make_sub(CR_BANK, 5, S_C);
	t_rc(constructor_yield(S_B, S_C, CR_SCHED, CR_VOID, S_F), RC_LIMIT, "nor from one that is too small");
	t_ok(bank_used(S_C) == 0, "which it leaves as it was");
	bank_set_limit(S_C, 200);
	t_rc(constructor_yield(S_B, S_C, CR_SCHED, CR_VOID, S_F), RC_OK, "a yield is made");
	t_rc(inv_call(S_F, &m), RC_OK, "and answers");
	t_ok(m.w[1] == 7, "with the data of its start capability");
	t_ok(m.w[0] == (1u << CR_CONST | 1u << CR_SELF | 1u << CR_BANK | 1u << CR_SCHED | 1u << CR_RETURNER),
	     "it holds constituents, itself, bank, schedule, returner, nothing else (%#lx)", (unsigned long)m.w[0]);
	t_rc(constructor_yield(S_B, S_C, CR_SCHED, CR_VOID, S_G), RC_OK, "another yield");
	t_note("a yield takes %lu frames", (unsigned long)bank_used(S_C) / 2);
	t_ok(bank_used(CR_BANK) - before == bank_used(S_C), "all of it from the client's bank");
	bank_destroy_all(S_C);
	t_ok(t_is_void(S_F) && t_is_void(S_G), "with which they die");
	constructor_destroy(S_A);
}

/* ---- virtual copies ------------------------------------------------------------------------------ */

static volatile char *const window = (volatile char *)T_WINDOW;

static void test_zero_segment(void)
{
	uint64_t pages = 9, before;

	bank_make_sub(CR_BANK, 100, S_A);
	process_make_start(CR_SELF, 0, S_E);
	t_rc(vcs_make_zero(S_VCS, S_E, S_B), RC_UNOFFICIAL, "no segment from a false bank");
	t_rc(vcs_make_zero(S_VCS, S_A, S_B), RC_OK, "a zero segment");
	t_rc(t_map(3, S_B), RC_OK, "is mapped");
	before = bank_used(S_A);
	t_ok(window[5] == 0 && window[0x7000001] == 0, "reads as zero, far apart");
	window[5] = 55;
	window[0x123456] = 66;
	t_ok(window[5] == 55 && window[0x123456] == 66, "and keeps what is written");
	t_rc(vcs_size(S_VCS, S_B, &pages), RC_OK, "it has a size");
	t_ok(pages == 3, "of the pages touched (%lu)", (unsigned long)pages);
	t_ok(bank_used(S_A) > before, "which the maker's bank paid");
	t_rc(vcs_size(S_VCS, S_A, &pages), RC_REQUEST, "a bank is no segment");
	t_rc(node_fetch(S_B, 0, S_C), RC_UNKNOWN, "the segment is opaque");
	t_rc(inv_call(S_B, &(struct msg){ .order = OC_FAULT_MEMORY, .w = { 1, 0, 1 } }), RC_UNKNOWN, "a forged fault is refused");
}

static void test_copy_segment(void)
{
	uint64_t pages = 9, before;

	t_rc(vcs_freeze(S_VCS, S_B, S_C), RC_OK, "it is frozen");
	t_ok(window[5] == 55, "and can still be read");
	t_rc(vcs_make_copy(S_VCS, S_A, S_C, S_D), RC_OK, "a virtual copy of it");
	t_rc(t_map(4, S_D), RC_OK, "is mapped");
	before = bank_used(S_A);
	t_ok(window[0x10000005] == 55 && window[0x10123456] == 66, "shows the original");
	t_ok(bank_used(S_A) == before, "without a page of its own");
	window[0x10000005] = 77;
	window[0x10400000] = 88;
	t_ok(window[0x10000005] == 77 && window[0x10400000] == 88, "keeps what is written to it");
	t_ok(window[5] == 55 && window[0x10123456] == 66, "and leaves the original alone");
	vcs_size(S_VCS, S_D, &pages);
	t_ok(pages == 2, "with two pages of its own");
	t_map(4, CR_VOID);
	t_map(3, CR_VOID);
	before = bank_used(S_A);
	t_rc(vcs_destroy(S_VCS, S_D), RC_OK, "it is destroyed");
	t_ok(bank_used(S_A) <= before - 2, "and its pages are back");
	t_rc(vcs_destroy(S_VCS, S_B), RC_REQUEST, "a frozen one has no keeper any more");
	process_make_start(CR_SELF, 0, S_E);
	t_rc(vcs_make_copy(S_VCS, S_A, S_E, S_D), RC_REQUEST, "a start capability is no original, and is not called");
	bank_destroy_all(S_A);
}

/* ---- process creator ----------------------------------------------------------------------------- */

static void test_creator(void)
{
	uint64_t data = 0;

	t_rc(proccre_new_creator(S_PROCCRE, CR_BANK, S_A), RC_OK, "a creator is made");
	t_rc(proccre_make(S_A, CR_BANK, CR_SCHED, S_B), RC_OK, "and makes a process");
	process_make_start(S_B, 1234, S_C);
	t_rc(proccre_identify(S_A, S_C, &data, S_E), RC_OK, "which it recognises");
	t_ok(data == 1234 && t_same(S_B, S_E), "data and process");
	t_rc(proccre_identify(S_PROCCRE, S_C, &data, S_E), RC_REQUEST, "another creator does not");
	t_rc(proccre_make(S_A, S_C, CR_SCHED, S_E), RC_UNOFFICIAL, "a false bank is refused");
	t_rc(proccre_destroy(S_PROCCRE, S_B, CR_BANK), RC_REQUEST, "another creator does not destroy it");
	t_rc(proccre_destroy(S_A, S_B, CR_BANK), RC_OK, "its own does");
	t_ok(t_is_void(S_B) && t_is_void(S_C), "with all capabilities to it");
}

int main(void)
{
	if (answers_void(CR_LOG))
		product();
	t_note("services: bank, constructor, virtual copies, process creator");
	test_bank_limits();
	test_bank_rights();
	test_bank_many();
	test_bank_zero();
	test_builder();
	test_yield();
	test_zero_segment();
	test_copy_segment();
	test_creator();
	return t_end();
}
