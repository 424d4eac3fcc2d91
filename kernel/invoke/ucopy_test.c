/*
 * ucopy_test.c - user memory through the kernel's mapping: any offset and length, holes, rights.
 */
#include "machine_test.h"
#include <string.h>
#include "mem/space.h"

#define AT 0x30000ull
#define PAGES 4
#define BYTES (PAGES * PAGE_SIZE)

static struct process *a, *b;
static uint8_t model_a[BYTES], model_b[BYTES];

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 32 });
	a = machine_process(1);
	b = machine_process(1);
	machine_memory(a, AT, PAGES);
	machine_memory(b, AT, PAGES);
}

static void copies_agree_with_a_model(void **state)
{
	(void)state;
	make_world();
	memset(model_b, 0, BYTES);
	for (unsigned i = 0; i < BYTES; i++)
		*(uint8_t *)machine_user(a, AT + i) = model_a[i] = machine_random();
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t from = machine_below(BYTES), to = machine_below(BYTES);
		uint64_t length = machine_below(1 + (from > to ? BYTES - from : BYTES - to));
		struct ustring source = { a, AT + from, length }, target = { b, AT + to, length };

		assert_int_equal(ustring_copy(&target, &source), length);
		memcpy(model_b + to, model_a + from, length);
	}
	for (unsigned i = 0; i < PAGES; i++)
		assert_memory_equal(machine_user(b, AT + i * PAGE_SIZE), model_b + i * PAGE_SIZE, PAGE_SIZE);
	machine_stop();
}

static void put_and_fetch_are_inverse(void **state)
{
	static uint8_t out[BYTES], in[BYTES];

	(void)state;
	make_world();
	for (unsigned i = 0; i < 500; i++) {
		uint64_t at = machine_below(BYTES), length = machine_below(BYTES - at + 1);
		struct ustring s = { a, AT + at, length };

		for (uint64_t j = 0; j < length; j++)
			out[j] = machine_random();
		assert_int_equal(ustring_put(&s, out, length), length);
		assert_int_equal(ustring_fetch(in, &s), length);
		assert_memory_equal(in, out, length);
	}
	machine_stop();
}

static void the_first_byte_that_is_missing_is_told(void **state)
{
	struct ustring s = { NULL, AT + 100, BYTES - 100 };
	uint64_t fault_va = 0;

	(void)state;
	make_world();
	s.p = a;
	assert_true(ustring_probe(&s, true, &fault_va));
	machine_map(cap_node(&a->slots[PSLOT_SPACE]), AT + 2 * PAGE_SIZE, cap_void());
	assert_false(ustring_probe(&s, false, &fault_va));
	assert_int_equal(fault_va, AT + 2 * PAGE_SIZE);
	assert_int_equal(ustring_put(&s, model_a, s.length), 2 * PAGE_SIZE - 100);
	s.length = 0;
	assert_true(ustring_probe(&s, false, &fault_va));
	machine_stop();
}

static void a_read_only_page_is_not_written(void **state)
{
	struct ustring s = { NULL, AT, 10 };
	uint64_t fault_va;

	(void)state;
	make_world();
	s.p = a;
	machine_map(cap_node(&a->slots[PSLOT_SPACE]), AT, page_cap(machine_page(), DB_READONLY));
	assert_true(ustring_probe(&s, false, &fault_va));
	assert_false(ustring_probe(&s, true, &fault_va));
	assert_int_equal(ustring_put(&s, model_a, 10), 0);
	machine_stop();
}

/* Addresses at the ends of the address space are memory that is not there. */
static void odd_addresses_are_not_there(void **state)
{
	static const uint64_t odd[] = { USER_END - 8, USER_END, 0x7FFFFFFFFFF8, 0x800000000000, 0xFFFF800000000000, ~7ull };

	(void)state;
	make_world();
	for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		struct ustring s = { a, odd[i], 64 };
		uint64_t fault_va;

		assert_false(ustring_probe(&s, false, &fault_va));
		assert_int_equal(fault_va, odd[i]);
		assert_int_equal(ustring_put(&s, model_a, 64), 0);
	}
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_agree_with_a_model),
		cmocka_unit_test(put_and_fetch_are_inverse),
		cmocka_unit_test(the_first_byte_that_is_missing_is_told),
		cmocka_unit_test(a_read_only_page_is_not_written),
		cmocka_unit_test(odd_addresses_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
