/*
 * t_sched.c - priorities, preemption, reserves and their keepers.
 *
 * The test runs at the highest priority and mostly sleeps; helpers below it count.  Times are
 * generous: what is tested is who runs, not how fast.
 */
#include "t.h"

static volatile uint64_t counter[T_HELPERS], finished[T_HELPERS];

static void spin(void *argument)
{
	volatile uint64_t *mine = argument;

	for (;;)
		(*mine)++;
}

/* Counts once each two milliseconds. */
static void tick(void *argument)
{
	volatile uint64_t *mine = argument;

	for (;;) {
		uint64_t now = 0;

		timer_now(T_TIMER, &now);
		timer_sleep_until(T_TIMER, now + 2000000);
		(*mine)++;
	}
}

static void count_to_end(void *argument)
{
	volatile uint64_t *mine = argument;

	for (unsigned i = 0; i < 1000; i++)
		(*mine)++;
	finished[mine - counter]++;
}

static bool spinner(cap_t process, unsigned number, void (*run)(void *), cap_t schedule)
{
	counter[number] = finished[number] = 0;
	return t_helper(process, number, CR_VOID, run, (void *)&counter[number]) &&
	       process_swap_slot(process, PSLOT_SCHEDULE, schedule, CR_VOID) == RC_OK;
}

static void stop_all(void)
{
	process_stop(T_A, NULL);
	process_stop(T_B, NULL);
}

/* T_E, T_F: priorities 5 and 4. */
static void test_priority(void)
{
	spinner(T_A, 0, spin, T_E);
	spinner(T_B, 1, spin, T_F);
	process_run(T_B);
	process_run(T_A);
	t_sleep_ms(40);
	stop_all();
	t_ok(counter[0] > 0, "the higher priority runs");
	t_ok(counter[1] == 0, "the lower does not run while it does");

	counter[0] = counter[1] = 0;
	process_run(T_B);
	t_sleep_ms(20);
	t_ok(counter[1] > 0, "alone, the lower runs");
	process_run(T_A);
	uint64_t before = counter[1];
	t_sleep_ms(20);
	t_ok(counter[1] == before && counter[0] > 0, "until the higher is ready again");
	stop_all();
}

static void test_equal(void)
{
	spinner(T_A, 0, spin, T_E);
	spinner(T_B, 1, spin, T_E);
	process_run(T_A);
	process_run(T_B);
	t_sleep_ms(200);
	stop_all();
	t_note("two equals counted %lu and %lu", (unsigned long)counter[0], (unsigned long)counter[1]);
	t_ok(counter[0] && counter[1], "two of the same priority both run");
	t_ok(counter[0] < 4 * counter[1] && counter[1] < 4 * counter[0], "with about the same share");
}

static void test_preemption(void)
{
	uint64_t start, late;

	spinner(T_A, 0, spin, T_E);
	process_run(T_A);
	start = t_now();
	t_sleep_ms(10);
	late = t_now() - start;
	/* The host may give this machine no time for a while; one that is not preempted would never come back. */
	t_ok(late >= 10000000 && late < 2000000000, "a sleeper of high priority comes back from a spinning one in time");
	spinner(T_B, 1, tick, CR_SCHED);
	process_run(T_B);
	for (unsigned i = 0; i < 30 && counter[1] < 10; i++)
		t_sleep_ms(100);
	t_ok(counter[1] >= 10, "one that wakes often does so beside a spinning one");
	t_ok(counter[0] > 0, "which goes on between");
	stop_all();
	spinner(T_B, 1, tick, T_F);
	process_run(T_A);
	process_run(T_B);
	t_sleep_ms(30);
	t_ok(counter[1] == 0, "a low one that wakes does not disturb a high one that spins");
	stop_all();
}

/* A schedule in T_G over the node in T_H: time left, budget and period. */
static void make_schedule(uint64_t left_ns, uint64_t budget_ns, uint64_t period_us, unsigned priority)
{
	t_alloc(T_NODE, T_H);
	node_swap(T_H, 1, CR_SCHED, CR_VOID);
	node_write_number(T_H, 3, left_ns, 0);
	node_write_number(T_H, 4, budget_ns, period_us | (uint64_t)priority << 32);
	node_make_schedule(T_H, T_G);
}

static uint64_t time_left(void)
{
	uint64_t left = 0;

	node_fetch(T_H, 3, T_SCRATCH);
	number_get(T_SCRATCH, &left, NULL);
	return left;
}

static void test_reserve_without_keeper(void)
{
	uint64_t left, after;

	make_schedule(20000000, 0, 0, 5);
	spinner(T_A, 0, spin, T_G);
	t_rc(process_run(T_A), RC_OK, "a process with twenty milliseconds of time runs");
	t_sleep_ms(8);
	left = time_left();
	t_ok(counter[0] > 0, "at first");
	t_ok(left < 20000000, "its time is charged");
	t_sleep_ms(150);
	after = counter[0];
	t_ok(time_left() == 0, "until there is none left");
	t_sleep_ms(20);
	t_ok(counter[0] == after, "then it does not run");
	node_write_number(T_H, 3, 10000000, 0);
	process_run(T_A);
	t_sleep_ms(60);
	t_ok(counter[0] > after, "with more time, and started again, it does");
	process_stop(T_A, NULL);
}

static void test_reserve_with_keeper(void)
{
	struct msg m = { .recv = { CR_ARG0, CR_ARG1, CR_ARG2, CR_RETURN } };
	uint64_t before, different = 1;

	make_schedule(10000000, 0, 0, 5);
	process_make_start(CR_SELF, 0x44, T_I);
	node_swap(T_H, 2, T_I, CR_VOID);
	spinner(T_A, 0, spin, T_G);
	process_run(T_A);
	process_make_notice(CR_SELF, 1, CR_TMP1);
	timer_notify_at(T_TIMER, t_now() + 1000000000, CR_TMP1);
	inv_return(CR_VOID, &m);
	t_ok(!(m.got & INV_GOT_NOTICE), "when the time is over, the schedule's keeper is called");
	if (m.got & INV_GOT_NOTICE)
		return;
	timer_notify_at(T_TIMER, 0, CR_TMP1);
	t_ok((m.got & INV_GOT_FAULT) && m.order == OC_FAULT_PROCESS && m.w[0] == FAULT_SCHEDULE_EMPTY, "with the reason");
	t_ok((m.got & INV_GOT_DATA) == 0x44, "and its data");
	node_compare(T_H, CR_ARG2, &different);
	t_ok(!different, "and the schedule's node");
	before = counter[0];
	t_ok(before > 0, "the process has run before");
	t_sleep_ms(10);
	t_ok(counter[0] == before, "and does not run while the keeper thinks");
	node_write_number(T_H, 3, 10000000, 0);
	timer_notify_at(T_TIMER, t_now() + 1000000000, CR_TMP1);
	m = (struct msg){ .recv = { CR_ARG0, CR_ARG1, CR_ARG2, CR_RETURN } };
	inv_return(CR_RETURN, &m);
	timer_notify_at(T_TIMER, 0, CR_TMP1);
	t_ok(counter[0] > before, "the keeper gives more time, and it goes on");
	t_ok((m.got & INV_GOT_FAULT) && m.w[0] == FAULT_SCHEDULE_EMPTY, "until that is over too");
	process_stop(T_A, NULL);
}

static void test_period(void)
{
	uint64_t limited, free_running, start;

	spinner(T_A, 0, spin, T_E);
	process_run(T_A);
	start = t_now();
	t_sleep_ms(200);
	process_stop(T_A, NULL);
	free_running = counter[0] * 1000 / ((t_now() - start) / 1000);

	make_schedule(10000000, 10000000, 50000, 5);   /* ten of fifty milliseconds */
	spinner(T_A, 0, spin, T_G);
	process_run(T_A);
	start = t_now();
	t_sleep_ms(500);
	process_stop(T_A, NULL);
	limited = counter[0] * 1000 / ((t_now() - start) / 1000);
	t_note("rate %lu free, %lu with 10 ms of each 50", (unsigned long)free_running, (unsigned long)limited);
	t_ok(limited > free_running / 50, "a reserve is filled again each period");
	t_ok(limited < free_running / 2, "and limits the share");
}

static void test_chain(void)
{
	uint64_t state = 9, code = 0;

	make_schedule(~0ull >> 1, 0, 0, 5);
	cap_copy(T_I, T_G);
	t_alloc(T_NODE, T_J);                  /* below it another, without an end of its own */
	node_swap(T_J, 1, T_I, CR_VOID);
	node_make_schedule(T_J, T_I);
	spinner(T_A, 0, count_to_end, T_I);
	t_rc(process_run(T_A), RC_OK, "a process runs on a schedule below another");
	t_ok(t_wait(&finished[0], 1), "to its end");
	node_write_number(T_H, 3, 1, 0);
	spinner(T_A, 0, spin, T_I);
	process_run(T_A);
	t_sleep_ms(40);
	uint64_t after = counter[0];
	t_sleep_ms(20);
	t_ok(counter[0] == after, "when the upper one is exhausted, it stops");
	process_stop(T_A, NULL);
	node_swap(T_J, 1, CR_VOID, CR_VOID);
	t_rc(process_run(T_A), RC_REQUEST, "a chain cut above does not run");

	make_schedule(~0ull >> 1, 0, 0, 5);
	spinner(T_A, 0, spin, T_G);
	process_run(T_A);
	t_sleep_ms(5);
	t_free(T_H);
	t_sleep_ms(20);
	after = counter[0];
	t_sleep_ms(20);
	process_get_state(T_A, &state, &code, NULL, NULL);
	t_ok(counter[0] == after && code == FAULT_NO_SCHEDULE, "a process whose schedule is destroyed stops, with that fault");
}

int main(void)
{
	uint64_t own = 0;

	t_begin("sched: priorities, preemption, reserves");
	if (schedule_narrow(CR_SCHED, 5, T_E) != RC_OK || schedule_narrow(CR_SCHED, 4, T_F) != RC_OK) {
		t_ok(false, "the test is given the super-schedule");
		return t_end();
	}
	schedule_get_priority(CR_SCHED, &own);
	t_ok(own > 5, "the test runs above its helpers");
	test_priority();
	test_equal();
	test_preemption();
	test_reserve_without_keeper();
	test_reserve_with_keeper();
	test_period();
	test_chain();
	return t_end();
}
