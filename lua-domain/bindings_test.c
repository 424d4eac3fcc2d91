/*
 * bindings_test.c - the tables that idlc makes, and what is asked of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <keros/abi.h>
#include "bindings.h"

/* BIND0001 every interface is found by its name and its type; every operation by its name, with sound parameters. */
static void test_tables(void **state)
{
	(void)state;
	assert_true(interface_count() > 20);
	for (unsigned i = 0; i < interface_count(); i++) {
		const struct idl_interface *in = interface_at(i);
		bool readonly;
		unsigned lss;

		assert_ptr_equal(interface_named(in->name), in);
		assert_ptr_equal(interface_of_type(in->type, &readonly, &lss), in);
		assert_false(readonly);
		assert_true(in->count > 0 && in->doc && in->doc[0]);
		for (unsigned o = 0; o < in->count; o++) {
			const struct idl_op *op = &in->ops[o];
			unsigned words = 0;

			assert_ptr_equal(op_named(in, op->name), op);
			assert_true(op->first <= op->last && op->inputs + op->outputs < 20);
			for (unsigned p = 0; p < op->inputs; p++) {
				words += op->in[p].kind == IDL_WORD;
				assert_true(op->in[p].kind != IDL_STRING || (op->in[p].max > 0 && op->in[p].max <= INV_STRING_MAX));
				assert_true(op->in[p].kind != IDL_CAP || op->in[p].index < 3);
			}
			assert_true(words <= INV_WORDS);
			for (unsigned e = 0; e < op->errors; e++)
				assert_string_equal(result_code_of(op->error[e].code)->name, op->error[e].name);
		}
		assert_null(op_named(in, "no such operation"));
	}
	assert_null(interface_named("nothing"));
}

/* BIND0002 what rights add to an alleged type is told apart; a type of nobody's is nobody's. */
static void test_types(void **state)
{
	bool readonly;
	unsigned lss;

	(void)state;
	assert_string_equal(interface_of_type(0x1202, &readonly, &lss)->name, "page");
	assert_true(readonly);
	assert_string_equal(interface_of_type(0x0001, &readonly, &lss)->name, "node");
	assert_true(readonly);
	assert_string_equal(interface_of_type(0x1605, &readonly, &lss)->name, "segment");
	assert_true(readonly && lss == 6);
	assert_string_equal(interface_of_type(0x0305, &readonly, &lss)->name, "segment");
	assert_true(!readonly && lss == 3);
	assert_null(interface_of_type(0x123456789, &readonly, &lss));
}

/* BIND0003 units, kinds of results, codes and pages are what the interfaces' texts say. */
static void test_texts(void **state)
{
	const struct idl_interface *bank = interface_named("bank"), *timer = interface_named("timer");
	const struct idl_op *sub = op_named(bank, "make_sub");
	char page[4096], small[16];
	size_t length;

	(void)state;
	assert_int_equal(sub->in[0].unit, IDL_FRAMES);
	assert_int_equal(op_named(timer, "sleep_until")->in[0].unit, IDL_NS);
	assert_ptr_equal(interface_of_result(bank, &sub->out[0]), bank);
	assert_string_equal(interface_of_result(interface_named("metaconstructor"),
						&op_named(interface_named("metaconstructor"), "make")->out[0])->name, "constructor");
	assert_null(interface_of_result(interface_named("vcs"), &op_named(interface_named("vcs"), "make_zero")->out[0]));
	assert_string_equal(result_code_of(RC_LIMIT)->blame, "the bank");
	assert_non_null(result_code_of(12345));
	length = page_format(page, sizeof page, bank, sub);
	assert_true(length > 100 && length < sizeof page);
	assert_non_null(strstr(page, "bank:make_sub(limit) -> bank"));
	assert_int_equal(page_format(small, sizeof small, bank, sub), length);
	assert_int_equal(strlen(small), sizeof small - 1);
	assert_int_equal(page_format(NULL, 0, bank, sub), length);
	for (unsigned i = 0; i < interface_count(); i++)
		assert_true(page_format(NULL, 0, interface_at(i), NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
