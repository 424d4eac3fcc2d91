/*
 * t_bank.c - the space bank: limits, sub-banks, freeing, severing, destroying, rights.
 *
 * Figures are compared before and after: whatever a section took must be back at its end.
 */
#include "t.h"

static uint64_t used(cap_t bank)
{
	uint64_t n = 0;

	bank_get_limits(bank, NULL, &n, NULL);
	return n;
}

static uint64_t available(cap_t bank)
{
	uint64_t n = 0;

	bank_get_limits(bank, NULL, NULL, &n);
	return n;
}

static bool official(cap_t subject)
{
	uint64_t is = 0;

	return bank_verify(CR_BANK, subject, &is) == RC_OK && is == 1;
}

static void test_objects(void)
{
	static const struct { uint32_t type; const char *name; } kinds[] = {
		{ 0, "" }, { PAGE_TYPE, "page" }, { NODE_TYPE, "node" }, { PROCESS_TYPE, "process" },
	};
	uint64_t before = available(CR_BANK), nonzero = 1;

	for (unsigned kind = T_PAGE; kind <= T_PROCESS; kind++) {
		t_rc(t_alloc(kind, T_A), RC_OK, "a %s is given", kinds[kind].name);
		t_ok(t_type(T_A) == kinds[kind].type, "it is one");
		t_rc(bank_free(CR_BANK, T_A), RC_OK, "and is taken back");
		t_ok(t_is_void(T_A), "its capability is void");
		t_rc(bank_free(CR_BANK, T_A), RC_REQUEST, "a second time is refused");
	}
	t_ok(available(CR_BANK) == before, "all frames are back");
	t_alloc(T_PAGE, T_A);
	page_write(T_A, 0, "secret", 6);
	bank_free(CR_BANK, T_A);
	for (unsigned i = 0; i < 16; i++) {
		t_alloc(T_PAGE, T_B);
		page_test_zero(T_B, &nonzero);
		if (nonzero)
			break;
		bank_free(CR_BANK, T_B);
	}
	t_ok(nonzero == 0, "nobody sees what was in a page before");
	t_rc(bank_free(CR_BANK, CR_RETURNER), RC_REQUEST, "what is no object is not freed");
	t_rc(bank_free(CR_BANK, CR_VOID), RC_REQUEST, "void is not freed");
}

static void test_many(void)
{
	uint64_t before = available(CR_BANK), got = 0;
	bool good = true;

	t_alloc(T_NODE, T_A);
	for (unsigned kind = T_PAGE; kind <= T_PROCESS; kind++) {
		t_rc(bank_alloc_many(CR_BANK, kind, 16, T_A, &got), RC_OK, "sixteen of kind %u at once", kind);
		t_ok(got == 16, "all sixteen");
		for (unsigned i = 0; i < 16; i++) {
			node_fetch(T_A, i, T_B);
			good &= !t_is_void(T_B);
		}
		t_rc(bank_free_many(CR_BANK, 16, T_A), RC_OK, "and back");
		for (unsigned i = 0; i < 16; i++) {
			node_fetch(T_A, i, T_B);
			good &= t_is_void(T_B);
		}
	}
	t_ok(good, "the slots held objects, and hold none afterwards");
	t_rc(bank_alloc_many(CR_BANK, T_PAGE, 17, T_A, &got), RC_REQUEST, "seventeen are refused");
	t_rc(bank_alloc_many(CR_BANK, T_PAGE, 0, T_A, &got), RC_REQUEST, "none are refused");
	t_rc(bank_alloc_many(CR_BANK, 0, 1, T_A, &got), RC_REQUEST, "kind 0 is refused");
	t_rc(bank_alloc_many(CR_BANK, 4, 1, T_A, &got), RC_REQUEST, "kind 4 is refused");
	t_rc(bank_alloc_many(CR_BANK, T_PAGE, 1, CR_RETURNER, &got), RC_REQUEST, "they go into a node only");
	bank_free(CR_BANK, T_A);
	t_ok(available(CR_BANK) == before, "all frames are back");
}

static void test_limit(void)
{
	uint64_t limit = 0, mine = 0, left = 0, got = 0;
	unsigned n = 0;

	t_rc(bank_make_sub(CR_BANK, 20, T_A), RC_OK, "a bank of twenty frames");
	t_rc(bank_get_limits(T_A, &limit, &mine, &left), RC_OK, "tells its figures");
	t_ok(limit == 20 && mine == 0 && left == 20, "20, 0 and 20");
	for (; n < 100 && bank_alloc_page(T_A, T_F) == RC_OK; n++)
		cap_copy(T_B, T_F);
	t_ok(n == 20, "it gives twenty pages");
	t_rc(bank_alloc_page(T_A, T_C), RC_LIMIT, "and no more");
	t_rc(bank_alloc_node(T_A, T_C), RC_LIMIT, "nor a node");
	t_rc(bank_alloc_process(T_A, T_C), RC_LIMIT, "nor a process");
	t_ok(t_is_void(T_C), "what is refused arrives as void");
	t_rc(bank_alloc_page(CR_BANK, T_D), RC_OK, "the bank above goes on");
	bank_free(CR_BANK, T_D);
	bank_free(T_A, T_B);
	t_rc(bank_alloc_page(T_A, T_B), RC_OK, "one freed is one to give");
	t_rc(bank_set_limit(T_A, 22), RC_OK, "the limit is raised");
	t_alloc(T_NODE, T_E);
	t_rc(bank_alloc_many(T_A, T_PAGE, 16, T_E, &got), RC_OK, "sixteen are asked for");
	t_ok(got == 2, "two are given");
	t_rc(bank_alloc_many(T_A, T_PAGE, 16, T_E, &got), RC_LIMIT, "then none");
	t_rc(bank_set_limit(T_A, 5), RC_OK, "a limit below what is used is set");
	t_ok(available(T_A) == 0, "and leaves nothing");
	t_rc(bank_destroy_all(T_A), RC_OK, "the bank is destroyed with all");
	t_ok(t_is_void(T_B), "its pages are void");
	bank_free(CR_BANK, T_E);
	t_rc(bank_alloc_page(T_A, T_B), RC_VOID, "it answers as void");

	/* Fifteen nodes are one frame. */
	bank_make_sub(CR_BANK, 2, T_A);
	for (n = 0; n < 100 && bank_alloc_node(T_A, T_B) == RC_OK; n++)
		;
	t_ok(n == 30, "two frames hold thirty nodes");
	bank_destroy_all(T_A);
}

static void test_tree(void)
{
	uint64_t before = available(CR_BANK), mine = used(CR_BANK);

	bank_make_sub(CR_BANK, ~0ull, T_A);
	bank_make_sub(T_A, ~0ull, T_B);
	bank_make_sub(T_B, 3, T_C);
	for (unsigned i = 0; i < 3; i++)
		bank_alloc_page(T_C, T_D);
	t_ok(used(T_C) == 3 && used(T_A) >= 3, "what a sub-bank gives counts in those above");
	bank_set_limit(T_A, 4);
	t_rc(bank_alloc_page(T_B, T_E), RC_OK, "within the limit of the bank above");
	t_rc(bank_alloc_page(T_B, T_F), RC_LIMIT, "and not past it");
	t_ok(available(T_B) == 0, "the figures say so");
	t_rc(bank_free(T_B, T_D), RC_OK, "a bank above frees an object of one below");
	t_rc(bank_free(T_C, T_E), RC_REQUEST, "one below does not free an object above");
	bank_make_sub(CR_BANK, ~0ull, T_G);
	t_rc(bank_free(T_G, T_E), RC_REQUEST, "nor does a bank beside it");
	t_rc(bank_destroy(T_C), RC_OK, "a bank is dissolved");
	t_ok(t_is_void(T_D) && !t_is_void(T_E), "objects stay");
	t_ok(used(T_B) >= 3, "and belong to the bank above");
	t_rc(bank_alloc_page(T_C, T_F), RC_VOID, "itself it is dead");
	t_rc(bank_destroy_all(T_A), RC_OK, "destroying the top");
	t_ok(t_is_void(T_E), "takes the objects below");
	t_rc(bank_alloc_page(T_B, T_F), RC_VOID, "and the banks below");
	t_ok(!official(T_B), "which are official no longer");
	bank_destroy_all(T_G);
	t_ok(available(CR_BANK) == before && used(CR_BANK) == mine, "all frames are back");
}

static void test_rights(void)
{
	bank_make_sub(CR_BANK, 50, T_A);
	t_rc(bank_make_restricted(T_A, 1, T_B), RC_OK, "a capability to allocate only");
	t_rc(bank_alloc_page(T_B, T_C), RC_OK, "allocates");
	t_rc(bank_free(T_B, T_C), RC_NOACCESS, "does not free");
	t_rc(bank_make_sub(T_B, 1, T_D), RC_NOACCESS, "makes no bank");
	t_rc(bank_destroy_all(T_B), RC_NOACCESS, "destroys nothing");
	t_rc(bank_destroy(T_B), RC_NOACCESS, "nor dissolves");
	t_rc(bank_set_limit(T_B, 60), RC_NOACCESS, "sets no limit");
	t_rc(bank_sever(T_B, T_C, T_D), RC_NOACCESS, "severs nothing");
	t_rc(bank_make_restricted(T_B, 31, T_D), RC_OK, "what is made of it");
	t_rc(bank_free(T_D, T_C), RC_NOACCESS, "has no more rights");
	t_ok(official(T_A) && official(T_B), "both are official");
	t_rc(bank_make_restricted(T_A, 2, T_B), RC_OK, "a capability to free only");
	t_rc(bank_alloc_page(T_B, T_D), RC_NOACCESS, "does not allocate");
	t_rc(bank_free(T_B, T_C), RC_OK, "frees");
	bank_destroy_all(T_A);
}

/* Says that it is a bank. */
static void false_bank(void *unused)
{
	struct msg m = { 0 };
	bool first = true;

	(void)unused;
	for (;;) {
		m.recv[3] = CR_RETURN;
		inv_return(first ? CR_VOID : CR_RETURN, &m);
		first = false;
		m = (struct msg){ .w = { m.order == KT ? BANK_TYPE : 1 } };
	}
}

static void test_verify(void)
{
	t_ok(official(CR_BANK), "the bank calls itself official");
	t_ok(!official(CR_VOID) && !official(CR_RETURNER) && !official(CR_SELF), "and nothing else");
	t_helper(T_A, 0, CR_VOID, false_bank, NULL);
	process_run(T_A);
	process_make_start(T_A, 0, T_B);
	t_ok(t_type(T_B) == BANK_TYPE, "somebody says that he is a bank");
	t_ok(!official(T_B), "he is not official");
	t_free(T_A);
}

static void test_sever(void)
{
	uint64_t nonzero = 0, before = available(CR_BANK);

	t_alloc(T_PAGE, T_A);
	page_write(T_A, 100, "stays", 5);
	page_make_readonly(T_A, T_B);
	t_rc(bank_sever(CR_BANK, T_A, T_C), RC_OK, "a page is severed");
	t_ok(t_is_void(T_A) && t_is_void(T_B), "all others' capabilities are void");
	page_test_zero(T_C, &nonzero);
	t_ok(nonzero == 1 && t_type(T_C) == PAGE_TYPE, "the content stays under the new one");
	t_rc(bank_sever(CR_BANK, T_B, T_D), RC_REQUEST, "what is void is not severed");
	t_alloc(T_NODE, T_D);
	node_write_number(T_D, 9, 99, 0);
	node_make_sense(T_D, T_E);
	t_rc(bank_sever(CR_BANK, T_E, T_F), RC_REQUEST, "nor by a weaker capability");
	t_rc(bank_sever(CR_BANK, T_D, T_F), RC_OK, "a node is severed");
	node_fetch(T_F, 9, T_G);
	number_get(T_G, &nonzero, NULL);
	t_ok(t_is_void(T_D) && t_is_void(T_E) && nonzero == 99, "and keeps its slots");
	t_alloc(T_NODE, T_G);
	bank_alloc_many(CR_BANK, T_PAGE, 3, T_G, &nonzero);
	node_fetch(T_G, 2, T_H);
	t_rc(bank_sever_many(CR_BANK, 3, T_G), RC_OK, "three are severed at once");
	node_fetch(T_G, 2, T_I);
	t_ok(t_is_void(T_H) && t_type(T_I) == PAGE_TYPE, "in their slots");
	bank_free_many(CR_BANK, 3, T_G);
	bank_free(CR_BANK, T_G);
	bank_free(CR_BANK, T_F);
	bank_free(CR_BANK, T_C);
	t_ok(available(CR_BANK) == before, "all frames are back");
}

static void test_renew(void)
{
	uint64_t nonzero = 1, before = available(CR_BANK);

	bank_make_sub(CR_BANK, 8, T_A);
	for (unsigned kind = T_PAGE; kind <= T_PROCESS; kind++) {
		kind == T_PAGE ? bank_alloc_page(T_A, T_B) : kind == T_NODE ? bank_alloc_node(T_A, T_B) : bank_alloc_process(T_A, T_B);
		t_rc(bank_renew_own(CR_BANK, kind, T_B, T_C), RC_REQUEST, "an object of a bank below is not renewed");
		t_rc(bank_renew_own(T_A, kind % 3 + 1, T_B, T_C), RC_REQUEST, "nor one of another kind");
		t_ok(!t_is_void(T_B), "and lives");
		if (kind == T_PAGE)
			page_write(T_B, 4000, "secret", 6);
		t_rc(bank_renew_own(T_A, kind, T_B, T_D), RC_OK, "of its own bank it is");
		t_ok(t_is_void(T_B) && used(T_A) == 1, "the old capability is void, the frame is used as before");
		if (kind == T_PAGE)
			t_ok(page_test_zero(T_D, &nonzero) == RC_OK && nonzero == 0, "the new page is empty");
		t_rc(bank_renew_own(T_A, kind, T_B, T_C), RC_REQUEST, "what is void is not renewed");
		bank_make_restricted(T_A, 2, T_E);
		t_rc(bank_renew_own(T_E, kind, T_D, T_C), RC_NOACCESS, "nor by a bank that may only free");
		t_rc(bank_free_own(T_A, kind, T_D), RC_OK, "the new one is freed as any");
		t_ok(used(T_A) == 0, "and nothing is used");
	}
	bank_destroy_all(T_A);
	t_ok(available(CR_BANK) == before, "all frames are back");
}

/* A bank of a quarter of what there is, filled and destroyed, three times. */
static void test_whole(void)
{
	uint64_t before = available(CR_BANK), got;
	bool good = true;

	t_alloc(T_NODE, T_J);
	before = available(CR_BANK);
	for (unsigned round = 0; round < 3; round++) {
		uint64_t n = 0;

		bank_make_sub(CR_BANK, before / 4, T_A);
		while (bank_alloc_many(T_A, round == 1 ? T_PROCESS : T_PAGE, 16, T_J, &got) == RC_OK)
			n += got;
		good &= n == before / 4;
		t_rc(bank_destroy_all(T_A), RC_OK, "a quarter of all is used up and taken back");
		node_fetch(T_J, 0, T_B);
		good &= t_is_void(T_B);
	}
	t_ok(good, "each time to the last frame");
	t_ok(available(CR_BANK) == before, "all frames are back");
}

int main(void)
{
	t_begin("bank: storage and its limits");
	if (!t_has_bank()) {
		t_skip("no bank was given");
		return t_end();
	}
	test_objects();
	test_many();
	test_limit();
	test_tree();
	test_rights();
	test_verify();
	test_sever();
	test_renew();
	test_whole();
	return t_end();
}
