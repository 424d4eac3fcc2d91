/*
 * persist_groups_test.c - where a restart looks for processes: everywhere that one was made, and hardly anywhere else.
 */
#include "machine_test.h"
#include <string.h>
#include "object/layout.h"
#include "object/persist_inner.h"

#define GROUPS_MOST (1ull << 21)       /* of a disk of a TiB */

static uint64_t words[GROUP_WORDS];

static uint64_t looked_at(uint64_t end)
{
	uint64_t count = 0;

	for (uint64_t group = persist_group_next(words, 0, end); group < end; group = persist_group_next(words, group + 1, end))
		count++;
	return count;
}

static bool found(uint64_t group)
{
	return persist_group_next(words, group, GROUPS_MOST) == group;
}

/* An older image says nothing: all is looked at. */
static void no_words_mean_everywhere(void **state)
{
	(void)state;
	memset(words, 0, sizeof words);
	assert_int_equal(looked_at(1000), 1000);
}

static void each_is_found_and_few_others_are_looked_at(void **state)
{
	static uint64_t made[64];
	uint64_t most = 1;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 8 });
	persist_process_made(1);
	for (unsigned i = 0; i < 64; i++) {
		made[i] = machine_below(1ull << (1 + machine_below(21)));
		persist_process_made(made[i] * GROUP_HOMES + machine_below(GROUP_HOMES));
		most += made[i] / 32 + 1;
		persist_groups_save(words);
		for (unsigned k = 0; k <= i; k++)
			assert_true(found(made[k]));
	}
	assert_in_range(looked_at(GROUPS_MOST), 30, most);
	machine_stop();
}

/* The last group of the largest range has a bit too, and it is the last. */
static void the_last_bit_is_the_last(void **state)
{
	(void)state;
	machine_start(&(struct machine_config){ .frames = 8 });
	persist_process_made(OID_PHYS - 1);
	persist_process_made(OID_DMA);         /* not in the store */
	persist_groups_save(words);
	assert_true(persist_group_next(words, (OID_PHYS - 1) / GROUP_HOMES, OID_PHYS) == (OID_PHYS - 1) / GROUP_HOMES);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_words_mean_everywhere),
		cmocka_unit_test(each_is_found_and_few_others_are_looked_at),
		cmocka_unit_test(the_last_bit_is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
