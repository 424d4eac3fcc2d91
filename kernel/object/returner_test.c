/*
 * returner_test.c - the returner answers with the message it got.
 */
#include "machine_test.h"
#include "kernel/returner.h"

static void echoes_words_order_and_capabilities(void **state)
{
	struct process *p;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 8 });
	p = machine_process(3);
	p->caps[7] = cap_misc(CAP_RETURNER, 0, 0);
	p->caps[8] = cap_number(0x1234, 0, 0);
	assert_int_equal(CALL(p, 7, .order = 77, .w = { 1, 2, 3, 4, 5, 6 }, .send = { 8 }, .receive = { 9, 10 }), 77);
	assert_int_equal(p->regs.rdi, 1);
	assert_int_equal(p->regs.r9, 6);
	assert_true(cap_same(&p->caps[8], &p->caps[9]));
	assert_true(cap_is_void(&p->caps[10]));
	assert_int_equal(CALL(p, 7, .order = KT), RC_OK);
	assert_int_equal(p->regs.rdi, RETURNER_TYPE);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echoes_words_order_and_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
