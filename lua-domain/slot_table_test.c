/*
 * slot_table_test.c - slots and their cache against a model: no slot is given twice, no register lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "slot_table.h"

#define LIMIT 64u

static uint32_t link[LIMIT];
static struct slot_table table;
static bool taken[LIMIT];
static uint32_t held[TABLE_CACHE];     /* what the registers really hold */

static void begin(void)
{
	table = (struct slot_table){ .next = 1, .limit = LIMIT, .link = link };
	memset(taken, 0, sizeof taken);
	memset(held, 0, sizeof held);
}

/* SLOTS0001 every slot but 0 is given once, and those given back are given again. */
static void test_all(void **state)
{
	(void)state;
	begin();
	for (unsigned round = 0; round < 3; round++) {
		unsigned count = 0;
		uint32_t slot;

		while ((slot = table_take(&table))) {
			assert_true(slot < LIMIT && !taken[slot]);
			taken[slot] = true;
			count++;
		}
		assert_int_equal(count, LIMIT - 1);
		for (slot = LIMIT - 1; slot > 0; slot--) {
			taken[slot] = false;
			table_give(&table, slot);
		}
		assert_int_equal(table.free_count, LIMIT - 1);
	}
}

/* SLOTS0002 what the table calls a hit is in that register, whatever is taken, used and given back. */
static void test_cache(void **state)
{
	uint64_t seed = 3;

	(void)state;
	begin();
	for (unsigned step = 0; step < 200000; step++) {
		uint32_t slot;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		slot = 1 + (uint32_t)(seed >> 40) % (LIMIT - 1);
		if ((seed >> 33 & 3) == 0) {
			slot = table_take(&table);
			if (slot)
				taken[slot] = true;
		} else if ((seed >> 33 & 3) == 1 && taken[slot]) {
			taken[slot] = false;
			table_give(&table, slot);
		} else if (taken[slot]) {
			bool hit;
			unsigned i = table_cache(&table, slot, &hit);

			assert_int_equal(i, slot % TABLE_CACHE);
			if (hit)
				assert_int_equal(held[i], slot);
			held[i] = slot;
		}
		for (unsigned i = 0; i < TABLE_CACHE; i++)
			assert_true(table.cached[i] == 0 || (table.cached[i] == held[i] && taken[held[i]]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
