/*
 * schedule_test.c - chains of schedules: priority, charge, refill, and what an empty one does.
 */
#include "machine_test.h"
#include "kernel/schedule.h"

static struct process *p;
static struct node *meter, *above;

static void set(struct node *n, unsigned slot, struct cap c)
{
	node_store(n, slot, &c);
}

/* p runs by meter, whose superior is above, whose superior is the super-schedule. */
static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 24 });
	p = machine_process(0);
	meter = machine_node();
	above = machine_node();
	set(above, 1, cap_misc(CAP_SCHEDULE, 12, 0));
	set(meter, 1, node_cap(above, CAP_SCHEDULE, 0));
	p->slots[PSLOT_SCHEDULE] = node_cap(meter, CAP_SCHEDULE, 0);
	machine.now_ns = 1000;
}

static struct cap parameters(uint64_t budget_ns, uint32_t period_us, uint16_t priority)
{
	return cap_number(budget_ns, period_us, priority);
}

static void a_priority_is_the_least_of_the_chain(void **state)
{
	(void)state;
	make_world();
	assert_true(schedule_refresh(p));
	assert_int_equal(p->priority, 12);
	set(meter, 4, parameters(0, 0, 14));
	schedule_refresh(p);
	assert_int_equal(p->priority, 12);
	set(above, 4, parameters(0, 0, 7));
	schedule_refresh(p);
	assert_int_equal(p->priority, 7);
	set(meter, 4, parameters(0, 0, 3));
	schedule_refresh(p);
	assert_int_equal(p->priority, 3);
	machine_stop();
}

static void a_chain_must_end_in_the_super_schedule(void **state)
{
	(void)state;
	make_world();
	set(above, 1, cap_void());
	assert_false(schedule_refresh(p));
	set(above, 1, node_cap(meter, CAP_SCHEDULE, 0));       /* a ring */
	assert_false(schedule_refresh(p));
	set(above, 1, node_cap(above, CAP_NODE, 0));           /* not by the right of a schedule */
	assert_false(schedule_refresh(p));
	p->state = PROC_RUNNING;
	sched_ready(p);
	assert_int_equal(machine_next(), MACHINE_IDLE);
	assert_int_equal(p->fault_code, FAULT_NO_SCHEDULE);
	machine_stop();
}

static void time_is_charged_to_the_whole_chain(void **state)
{
	(void)state;
	make_world();
	set(meter, 3, cap_number(5000, 0, 0));
	set(above, 3, cap_number(8000, 0, 0));
	assert_null(schedule_charge(p, 4000));
	assert_int_equal(meter->slot[3].ref, 1000);
	assert_int_equal(above->slot[3].ref, 4000);
	assert_ptr_equal(schedule_charge(p, 4000), meter);
	assert_int_equal(meter->slot[3].ref, 0);
	machine_stop();
}

static void a_reserve_is_refilled_each_period(void **state)
{
	(void)state;
	make_world();
	set(meter, 3, cap_number(0, 0, 0));
	set(meter, 4, parameters(2000000, 10000, 5));          /* 2 ms of each 10 ms */
	set(meter, 5, cap_number(10000000, 0, 0));
	p->state = PROC_RUNNING;
	sched_ready(p);
	assert_int_equal(machine_next(), MACHINE_ENTERED);     /* it slept to the period's end */
	assert_int_equal(machine.now_ns, 10000000);
	assert_int_equal(meter->slot[3].ref, 2000000);
	machine_pass(SLICE_NS);                                /* more than it had: it sleeps again */
	assert_ptr_equal(cpu.current, p);
	assert_int_equal(machine.now_ns, 20000000);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void an_empty_schedule_calls_its_keeper(void **state)
{
	struct process *keeper;

	(void)state;
	make_world();
	keeper = machine_process(9);
	RETURN(keeper, CR_VOID, .receive = { 20, 21, 22, 31 });
	set(meter, 2, process_cap(keeper, CAP_START, 0x77));
	set(meter, 3, cap_number(0, 0, 0));
	p->state = PROC_RUNNING;
	sched_ready(p);
	machine_next();
	assert_ptr_equal(cpu.current, keeper);
	assert_int_equal(keeper->regs.rax >> 32, OC_FAULT_PROCESS);
	assert_int_equal(keeper->regs.rdi, FAULT_SCHEDULE_EMPTY);
	assert_ptr_equal(cap_node(&keeper->caps[22]), meter);
	set(meter, 3, cap_number(1000000, 0, 0));
	RETURN(keeper, 31);
	assert_ptr_equal(cpu.current, p);
	machine_stop();
}

static void the_super_schedule_is_narrowed_never_widened(void **state)
{
	struct process *q;

	(void)state;
	make_world();
	q = machine_process(5);
	q->caps[9] = cap_misc(CAP_SCHEDULE, 10, 0);
	assert_int_equal(CALL(q, 9, .order = SCHEDULE_OC_NARROW, .w = { 4 }, .receive = { 10 }), RC_OK);
	CALL(q, 10, .order = SCHEDULE_OC_GET_PRIORITY);
	assert_int_equal(q->regs.rdi, 4);
	assert_int_equal(CALL(q, 10, .order = SCHEDULE_OC_NARROW, .w = { 5 }), RC_REQUEST);
	q->caps[11] = node_cap(meter, CAP_SCHEDULE, 0);
	assert_int_equal(CALL(q, 11, .order = SCHEDULE_OC_NARROW, .w = { 1 }), RC_UNKNOWN);
	assert_int_equal(CALL(q, 11, .order = SCHEDULE_OC_GET_PRIORITY), RC_OK);
	assert_int_equal(q->regs.rdi, 12);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_priority_is_the_least_of_the_chain),
		cmocka_unit_test(a_chain_must_end_in_the_super_schedule),
		cmocka_unit_test(time_is_charged_to_the_whole_chain),
		cmocka_unit_test(a_reserve_is_refilled_each_period),
		cmocka_unit_test(an_empty_schedule_calls_its_keeper),
		cmocka_unit_test(the_super_schedule_is_narrowed_never_widened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
