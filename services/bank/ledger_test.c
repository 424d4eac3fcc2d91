/*
 * ledger_test.c - the bank's books, hosted.  Each test has an id and a sentence; ledger_check
 * says after every step whether an invariant of ledger.h broke.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ledger.h"

#define FRAMES 512u
#define HELD   8u

static struct ledger *ledger_fresh(void **state)
{
	struct ledger *l = malloc(sizeof *l);
	void *memory = calloc(1, ledger_bytes(FRAMES));

	(void)state;
	assert_non_null(l);
	assert_non_null(memory);
	ledger_init(l, memory, FRAMES, HELD);
	assert_int_equal(ledger_check(l), 0);
	return l;
}

static void ledger_drop(struct ledger *l)
{
	assert_int_equal(ledger_check(l), 0);
	free(l->free);
	free(l);
}

/* BANK0001 held frames are never given out, and every other frame is, once. */
static void test_all_frames(void **state)
{
	struct ledger *l = ledger_fresh(state);
	uint64_t first;

	for (uint32_t i = 0; i < FRAMES - HELD; i++) {
		assert_int_equal(ledger_alloc(l, 0, LEDGER_PAGE, 1, &first), 1);
		assert_int_equal(first, HELD + i);
	}
	assert_int_equal(ledger_alloc(l, 0, LEDGER_PAGE, 1, &first), 0);
	assert_int_equal(ledger_alloc(l, 0, LEDGER_NODE, 1, &first), 0);
	ledger_drop(l);
}

/* BANK0002 a limit anywhere on the path stops an allocation, and freeing makes room again. */
static void test_limits(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned outer = ledger_bank_make(l, 0, 10), inner = ledger_bank_make(l, outer, 100);
	uint64_t first;

	assert_int_equal(ledger_available(l, inner), 10);
	assert_int_equal(ledger_alloc(l, inner, LEDGER_PAGE, 16, &first), 10);
	assert_int_equal(ledger_alloc(l, inner, LEDGER_NODE, 1, &first), 0);
	assert_int_equal(ledger_alloc(l, outer, LEDGER_PROCESS, 1, &first), 0);
	assert_true(ledger_owns(l, outer, LEDGER_PAGE, HELD));
	ledger_free(l, LEDGER_PAGE, HELD);
	assert_int_equal(ledger_alloc(l, outer, LEDGER_PROCESS, 1, &first), 1);
	assert_false(ledger_owns(l, inner, LEDGER_PROCESS, first));
	assert_true(ledger_owns(l, 0, LEDGER_PROCESS, first));
	assert_true(ledger_owns_itself(l, outer, LEDGER_PROCESS, first));
	assert_false(ledger_owns_itself(l, 0, LEDGER_PROCESS, first));
	assert_false(ledger_owns_itself(l, outer, LEDGER_PAGE, first));
	ledger_drop(l);
}

/* BANK0003 fifteen nodes share a frame, each bank has pots of its own, and an empty pot is free again. */
static void test_pots(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned a = ledger_bank_make(l, 0, 4), b = ledger_bank_make(l, 0, 4);
	uint64_t first, node[15], other;

	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(ledger_alloc(l, a, LEDGER_NODE, 1, &node[i]), 1);
	assert_int_equal(l->bank[a].used, 1);
	assert_int_equal(ledger_alloc(l, b, LEDGER_NODE, 1, &other), 1);
	assert_int_not_equal(other / 16, node[0] / 16);
	assert_int_equal(ledger_alloc(l, a, LEDGER_NODE, 16, &first), 15);
	assert_int_equal(l->bank[a].used, 2);
	for (unsigned i = 0; i < 15; i++) {
		assert_true(ledger_owns(l, a, LEDGER_NODE, node[i]));
		ledger_free(l, LEDGER_NODE, node[i]);
		assert_int_equal(ledger_check(l), 0);
		assert_false(ledger_owns(l, a, LEDGER_NODE, node[i]));
	}
	assert_int_equal(l->bank[a].used, 1);
	ledger_drop(l);
}

/* BANK0004 destroying takes back every object of the bank and of those below, in runs, and nothing else. */
static void test_destroy(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned a = ledger_bank_make(l, 0, ~0ull), b = ledger_bank_make(l, a, ~0ull), c = ledger_bank_make(l, 0, ~0ull);
	uint64_t first, kept;
	struct ledger_run run;
	uint32_t objects = 0, runs = 0;

	assert_int_equal(ledger_alloc(l, a, LEDGER_PAGE, 16, &first), 16);
	assert_int_equal(ledger_alloc(l, b, LEDGER_PAGE, 16, &first), 16);
	assert_int_equal(ledger_alloc(l, c, LEDGER_PAGE, 1, &kept), 1);
	assert_int_equal(ledger_alloc(l, b, LEDGER_NODE, 3, &first), 3);
	assert_int_equal(ledger_alloc(l, b, LEDGER_PROCESS, 1, &first), 1);
	while (ledger_destroy_step(l, a, &run)) {
		objects += run.kind == LEDGER_NODE ? 1 : run.count;
		runs++;
		assert_false(ledger_bank_live(l, b));
	}
	assert_int_equal(objects, 34);
	assert_int_equal(runs, 4);
	assert_false(ledger_bank_live(l, a));
	assert_true(ledger_owns(l, c, LEDGER_PAGE, kept));
	assert_int_equal(l->bank[0].used, 1);
	ledger_drop(l);
}

/* BANK0005 a bank that is merged leaves its objects, its partial pots and its sub-banks to the one above. */
static void test_merge(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned a = ledger_bank_make(l, 0, 50), b = ledger_bank_make(l, a, ~0ull), c = ledger_bank_make(l, b, ~0ull);
	uint64_t page, node, next, low;

	ledger_alloc(l, a, LEDGER_NODE, 1, &low);
	ledger_alloc(l, b, LEDGER_PAGE, 1, &page);
	ledger_alloc(l, b, LEDGER_NODE, 1, &node);
	ledger_alloc(l, c, LEDGER_PAGE, 1, &next);
	ledger_merge(l, b);
	assert_int_equal(ledger_check(l), 0);
	assert_false(ledger_bank_live(l, b));
	assert_true(ledger_owns(l, a, LEDGER_PAGE, page));
	assert_true(ledger_owns(l, a, LEDGER_PAGE, next));
	assert_false(ledger_owns(l, c, LEDGER_PAGE, page));
	assert_int_equal(l->bank[a].used, 4);
	ledger_free(l, LEDGER_NODE, node);
	assert_int_equal(l->bank[a].used, 3);
	ledger_drop(l);
}

/* BANK0006 an index is not used twice, and one child of the root cannot take those of another. */
static void test_indices(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned a = ledger_bank_make(l, 0, ~0ull), last = a, made = 0;
	struct ledger_run run;

	for (unsigned i = 0; i < 200; i++) {
		unsigned b = ledger_bank_make(l, a, ~0ull);

		if (b == 0)
			break;
		assert_true(b > last);
		last = b;
		made++;
		assert_false(ledger_destroy_step(l, b, &run));
	}
	assert_int_equal(made, 128);
	assert_int_not_equal(ledger_bank_make(l, 0, ~0ull), 0);
	ledger_drop(l);
}

/* BANK0008 a bank below can use up a part of what its parent may make, at every depth, and no more. */
static void test_allowance(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned top = ledger_bank_make(l, 0, ~0ull), hostile = ledger_bank_make(l, top, ~0ull), made = 0, deep = hostile;

	while (ledger_bank_make(l, hostile, ~0ull) != 0)
		made++;
	assert_int_equal(made, 31);
	assert_int_not_equal(ledger_bank_make(l, top, ~0ull), 0);

	/* A chain ends by itself, and the top still has most of its own. */
	for (made = 0; deep != 0; made++)
		deep = ledger_bank_make(l, made ? deep : top, ~0ull);
	assert_in_range(made, 3, 6);
	assert_int_not_equal(ledger_bank_make(l, top, ~0ull), 0);
	assert_in_range(l->bank[top].subs_left, 80, 95);
	ledger_drop(l);
}

/* BANK0007 what no bank gave out is not owned: wrong kind, index 15, past the end, free. */
static void test_owns(void **state)
{
	struct ledger *l = ledger_fresh(state);
	uint64_t node;

	ledger_alloc(l, 0, LEDGER_NODE, 1, &node);
	assert_false(ledger_owns(l, 0, LEDGER_PAGE, node / 16));
	assert_false(ledger_owns(l, 0, LEDGER_NODE, node + 1));
	assert_false(ledger_owns(l, 0, LEDGER_NODE, node / 16 * 16 + 15));
	assert_false(ledger_owns(l, 0, LEDGER_PAGE, FRAMES));
	assert_false(ledger_owns(l, 0, LEDGER_NODE, ~0ull));
	assert_false(ledger_owns(l, 0, LEDGER_PAGE, 0));
	assert_false(ledger_owns(l, 0, LEDGER_HELD, 0));
	ledger_drop(l);
}

/* BANK0008 ten thousand random allocations, frees and destructions keep the books right. */
static void test_random(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned bank[8] = { 0 }, banks = 1;
	uint64_t seed = 1, first;
	struct ledger_run run;

	for (unsigned i = 0; i < 10000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		unsigned r = seed >> 33, b = bank[r % banks], kind = 1 + (r >> 4) % 3;

		if (!ledger_bank_live(l, b))
			continue;
		if (r >> 8 & 1) {
			ledger_alloc(l, b, kind, 1 + (r >> 9) % 16, &first);
		} else if ((r >> 9) % 32 == 0 && banks < 8) {
			unsigned made = ledger_bank_make(l, b, 100 + (r >> 14) % 100);

			if (made)
				bank[banks++] = made;
		} else if ((r >> 9) % 512 == 1 && b != 0) {
			while (ledger_destroy_step(l, b, &run))
				;
		} else if ((r >> 9) % 512 == 2 && b != 0) {
			ledger_merge(l, b);
		} else if ((r >> 9) % 512 == 3 && b != 0) {
			while (ledger_empty_step(l, b, &run))
				;
			assert_true(ledger_bank_live(l, b));
			assert_int_equal(l->bank[b].used, 0);
		} else {
			uint64_t offset = kind == LEDGER_NODE ? (r >> 9) % (FRAMES * 16) : (r >> 9) % FRAMES;

			if (kind == LEDGER_PAGE && r & 1 << 30 && ledger_owns_itself(l, b, kind, offset))
				ledger_stretch_move(l, b, offset);
			else if (ledger_owns(l, b, kind, offset))
				ledger_free(l, kind, offset);
		}
		if (i % 16 == 0)
			assert_int_equal(ledger_check(l), 0);
	}
	while (ledger_destroy_step(l, 0, &run))
		;
	assert_int_equal(l->free_count, FRAMES - HELD);
	ledger_drop(l);
}

/* BANK0010 what is known without looking is true, follows what was got last, and is never a frame that was given back. */
static void test_stretch(void **state)
{
	struct ledger *l = ledger_fresh(state);
	unsigned a = ledger_bank_make(l, 0, 1000), b = ledger_bank_make(l, 0, 1000);
	uint64_t first, page, other;

	assert_int_equal(ledger_stretch(l, a, &first), 0);
	assert_int_equal(ledger_alloc(l, a, LEDGER_PAGE, 4, &page), 4);
	assert_int_equal(ledger_stretch(l, a, &first), 4);
	assert_int_equal(first, page);
	assert_int_equal(ledger_stretch(l, b, &first), 0);
	assert_int_equal(ledger_alloc(l, a, LEDGER_PAGE, 1, &other), 1);
	assert_int_equal(ledger_stretch(l, a, &first), 5);
	ledger_free(l, LEDGER_PAGE, page + 1);
	assert_int_equal(ledger_stretch(l, a, &first), 3);
	assert_int_equal(first, page + 2);
	ledger_free(l, LEDGER_PAGE, page + 4);
	assert_int_equal(ledger_stretch(l, a, &first), 2);
	assert_int_equal(first, page + 2);
	assert_int_equal(ledger_alloc(l, b, LEDGER_PAGE, 1, &other), 1);       /* where a gave one back */
	assert_int_equal(other, page + 1);
	assert_int_equal(ledger_stretch(l, b, &first), 1);
	assert_int_equal(ledger_alloc(l, a, LEDGER_NODE, 1, &other), 1);       /* no page: not in it */
	assert_int_equal(ledger_stretch(l, a, &first), 2);
	ledger_free(l, LEDGER_PAGE, page + 2);
	ledger_free(l, LEDGER_PAGE, page + 3);
	assert_int_equal(ledger_stretch(l, a, &first), 0);
	ledger_stretch_move(l, a, page);
	assert_int_equal(ledger_stretch(l, a, &first), 1);
	assert_int_equal(first, page);
	assert_int_equal(ledger_alloc(l, a, LEDGER_PAGE, 3, &other), 3);
	assert_int_equal(ledger_stretch(l, a, &first), 3);
	assert_int_equal(first, other);
	ledger_stretch_move(l, a, page);
	ledger_stretch_move(l, a, other + 1);
	assert_int_equal(ledger_stretch(l, a, &first), 3);
	assert_int_equal(first, other);
	assert_int_equal(ledger_check(l), 0);
	l->bank[b].stretch_end++;
	assert_int_equal(ledger_check(l), 5);
	l->bank[b].stretch_end--;
	assert_int_equal(ledger_check(l), 0);
	ledger_drop(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_frames), cmocka_unit_test(test_limits), cmocka_unit_test(test_pots),
		cmocka_unit_test(test_destroy), cmocka_unit_test(test_merge), cmocka_unit_test(test_indices), cmocka_unit_test(test_allowance),
		cmocka_unit_test(test_owns), cmocka_unit_test(test_stretch), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
