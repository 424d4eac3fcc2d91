/*
 * layout_test.c - which stored systems this kernel goes on with, and what it says of the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "object/layout.h"

static uint64_t root[32];

static const char *judged(uint64_t layout, uint64_t sum, uint64_t abi)
{
	root[ROOT_LAYOUT] = layout;
	root[ROOT_SUM] = sum;
	root[ROOT_ABI] = abi;
	return layout_judge(root);
}

/* LAYOUT0001 its own, and every layout from the oldest on; the sum counts only for its own layout. */
static void test_goes_on(void **state)
{
	(void)state;
	assert_null(judged(LAYOUT_NOW, layout_sum(), KERNEL_ABI_NOW));
	for (uint64_t layout = LAYOUT_OLDEST; layout < LAYOUT_NOW; layout++)
		assert_null(judged(layout, 12345, KERNEL_ABI_NOW));
	for (uint64_t abi = KERNEL_ABI_OLDEST; abi <= KERNEL_ABI_NOW; abi++)
		assert_null(judged(LAYOUT_NOW, layout_sum(), abi));
}

/* LAYOUT0002 newer, older, of the same number but laid out otherwise; programs that call what is not there yet or any more. */
static void test_refuses(void **state)
{
	(void)state;
	assert_non_null(strstr(judged(LAYOUT_NOW + 1, layout_sum(), KERNEL_ABI_NOW), "newer kernel"));
	assert_non_null(strstr(judged(LAYOUT_OLDEST - 1, layout_sum(), KERNEL_ABI_NOW), "older kernel"));
	assert_non_null(strstr(judged(LAYOUT_NOW, layout_sum() + 1, KERNEL_ABI_NOW), "under development"));
	assert_non_null(strstr(judged(LAYOUT_NOW, layout_sum(), KERNEL_ABI_NOW + 1), "programs that need a newer kernel"));
	assert_non_null(strstr(judged(LAYOUT_NOW, layout_sum(), KERNEL_ABI_OLDEST - 1), "older than this one can be"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_goes_on), cmocka_unit_test(test_refuses) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
