/*
 * sched_test.c - priorities, slices, sleepers and alarms on a clock that the test moves.
 */
#include "machine_test.h"
#include "kernel/process.h"
#include "kernel/timer.h"

static struct process *make_ready(unsigned priority)
{
	struct process *p = machine_process(priority);

	p->state = PROC_RUNNING;
	sched_ready(p);
	return p;
}

static void finish(void)
{
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void the_highest_priority_runs(void **state)
{
	struct process *low, *high;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 16 });
	low = make_ready(2);
	high = make_ready(11);
	assert_int_equal(machine_next(), MACHINE_ENTERED);
	assert_ptr_equal(cpu.current, high);
	RETURN(high, CR_VOID);
	assert_ptr_equal(cpu.current, low);
	/* What low makes ready preempts it. */
	low->caps[9] = process_cap(high, CAP_PROCESS, 0);
	assert_int_equal(CALL(low, 9, .order = PROCESS_OC_RUN), MACHINE_AWAY);
	assert_ptr_equal(cpu.current, high);
	assert_int_equal(low->queue, QUEUE_READY);
	finish();
}

static void equals_take_slices_in_turn(void **state)
{
	struct process *p[3];

	(void)state;
	machine_start(&(struct machine_config){ .frames = 16 });
	for (unsigned i = 0; i < 3; i++)
		p[i] = make_ready(5);
	machine_next();
	for (unsigned i = 0; i < 12; i++) {
		assert_ptr_equal(cpu.current, p[i % 3]);
		machine_pass(SLICE_NS / 2);
		assert_ptr_equal(cpu.current, p[i % 3]);
		machine_pass(SLICE_NS);
	}
	finish();
}

static void sleepers_wake_in_order_of_time(void **state)
{
	static const uint64_t when_ms[] = { 500, 100, 300, 200, 400 };
	static const unsigned order[] = { 1, 3, 2, 4, 0 };
	struct process *p[5];

	(void)state;
	machine_start(&(struct machine_config){ .frames = 16 });
	for (unsigned i = 0; i < 5; i++) {
		p[i] = machine_process(3);
		p[i]->state = PROC_RUNNING;
		sched_sleep(p[i], when_ms[i] * 1000000);
	}
	assert_int_equal(object_check(), 0);
	machine_next();
	for (unsigned i = 0; i < 5; i++) {
		assert_ptr_equal(cpu.current, p[order[i]]);
		assert_int_equal(machine.now_ns, when_ms[order[i]] * 1000000);
		RETURN(p[order[i]], CR_VOID);
	}
	finish();
}

/* The sleeper makes its invocation again when it is due. */
static void sleep_until_returns_when_it_is_due(void **state)
{
	struct process *p;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 16 });
	p = machine_process(3);
	p->caps[9] = cap_misc(CAP_TIMER, 0, 0);
	assert_int_equal(CALL(p, 9, .order = TIMER_OC_SLEEP_UNTIL, .w = { 3000000 }), MACHINE_AWAY);
	assert_ptr_equal(cpu.current, p);
	assert_int_equal(machine.now_ns, 3000000);
	machine_again();
	assert_int_equal(p->regs.rax >> 32, RC_OK);
	finish();
}

static void an_alarm_is_a_notice(void **state)
{
	struct process *p;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 16 });
	p = machine_process(3);
	p->caps[9] = cap_misc(CAP_TIMER, 0, 0);
	p->caps[10] = process_cap(p, CAP_NOTICE, 0x20);
	assert_int_equal(CALL(p, 9, .order = TIMER_OC_NOTIFY_AT, .w = { 7000000 }, .send = { 10 }), RC_OK);
	RETURN(p, CR_VOID);
	assert_ptr_equal(cpu.current, p);
	assert_int_equal(machine.now_ns, 7000000);
	assert_int_equal(p->regs.rax >> 32, OC_NOTICE);
	assert_int_equal(p->regs.rdi, 0x20);
	/* Setting it to 0 takes it back: nobody is left to run. */
	CALL(p, 9, .order = TIMER_OC_NOTIFY_AT, .w = { 9000000 }, .send = { 10 });
	CALL(p, 9, .order = TIMER_OC_NOTIFY_AT, .w = { 0 }, .send = { 10 });
	RETURN(p, CR_VOID);
	assert_int_equal(machine_next(), MACHINE_IDLE);
	finish();
}

static void the_alarm_table_has_an_end(void **state)
{
	unsigned limit = 0;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 90 });
	for (unsigned i = 0; i < 70; i++) {
		struct process *p = machine_process(3);

		limit += !sched_alarm(p, 1, 1000 + i);
	}
	assert_int_equal(limit, 6);
	finish();
}

static void a_sleeper_that_is_ended_sleeps_no_more(void **state)
{
	struct process *p, *q;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 16 });
	p = machine_process(3);
	q = make_ready(3);
	p->caps[9] = cap_misc(CAP_TIMER, 0, 0);
	CALL(p, 9, .order = TIMER_OC_SLEEP_UNTIL, .w = { 1000000 });
	assert_int_equal(p->queue, QUEUE_SLEEP);
	frame_retype(process_frame(p), FRAME_PAGE);
	machine_pass(2000000);
	assert_ptr_equal(cpu.current, q);
	finish();
}

/* Random moves between all queues keep the links right. */
static void queues_stay_sound(void **state)
{
	struct process *p[8];

	(void)state;
	machine_start(&(struct machine_config){ .frames = 16 });
	for (unsigned i = 0; i < 8; i++)
		p[i] = make_ready(i % 3);
	for (unsigned i = 0; i < 20000; i++) {
		struct process *one = p[machine_below(8)], *two = p[machine_below(8)];

		sched_remove(one);
		switch (machine_below(4)) {
		case 0:
			sched_ready(one);
			break;
		case 1:
			sched_ready_first(one);
			break;
		case 2:
			sched_sleep(one, machine_below(1000));
			break;
		case 3:
			one == two ? sched_ready(one) : sched_stall(one, two);
		}
		if (!machine_below(4))
			sched_wake_stalled(two);
		assert_int_equal(object_check(), 0);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_priority_runs),
		cmocka_unit_test(equals_take_slices_in_turn),
		cmocka_unit_test(sleepers_wake_in_order_of_time),
		cmocka_unit_test(sleep_until_returns_when_it_is_due),
		cmocka_unit_test(an_alarm_is_a_notice),
		cmocka_unit_test(the_alarm_table_has_an_end),
		cmocka_unit_test(a_sleeper_that_is_ended_sleeps_no_more),
		cmocka_unit_test(queues_stay_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
