/*
 * primary_test.c - KeyKOS's own kernel keys: bwait keeps one waiter and wakes it when its time is moved, the calendar
 * has the ancestor's eight bytes, the copy key copies what it may and says where it stopped.
 */
#include "machine_test.h"
#include "object/primary.h"
#include "sched/sched.h"

#define STRING 0x10000ull              /* of the caller's memory: what it sends, and where it receives */
#define BUFFER 0x12000ull

enum { BWAIT = 9, CALENDAR, COPY, FROM, TO, TO_RO };

static struct process *p, *q;

static void give(struct process *to)
{
	to->caps[BWAIT] = cap_misc(CAP_PRIMARY, 1, 0);
	to->caps[CALENDAR] = cap_misc(CAP_PRIMARY, PRIMARY_CALENDAR, 0);
	to->caps[COPY] = cap_misc(CAP_PRIMARY, PRIMARY_COPY, 0);
}

static void start(void)
{
	machine_start(&(struct machine_config){ .frames = 32 });
	p = machine_process(3);
	q = machine_process(3);
	machine_memory(p, STRING, 4);
	give(p);
	give(q);
	p->caps[FROM] = page_cap(machine_page(), 0);
	p->caps[TO] = page_cap(machine_page(), 0);
	p->caps[TO_RO] = p->caps[TO];
	p->caps[TO_RO].data = DB_READONLY;
}

static uint32_t invoke(unsigned key, uint32_t order, const void *string, unsigned length, unsigned k0, unsigned k1)
{
	if (length)
		memcpy(machine_user(p, STRING), string, length);
	return CALL(p, key, .order = order, .control = INV_KEYKOS, .string = length ? STRING : 0, .length = length,
		    .buffer = BUFFER, .limit = 4096, .send = { k0, k1 });
}

static void one_waits_and_is_woken(void **state)
{
	const uint64_t never = ~0ull;
	uint64_t soon;

	(void)state;
	start();
	assert_int_equal(invoke(BWAIT, 0, NULL, 0, 0, 0), 0);  /* the time has come before it was ever set */
	assert_int_equal(invoke(BWAIT, 1, &never, 8, 0, 0), 0);
	assert_int_equal(CALL(q, BWAIT, .order = 0, .control = INV_KEYKOS), MACHINE_AWAY);
	assert_int_equal(q->queue, QUEUE_SLEEP);
	assert_int_equal(invoke(BWAIT, 0, NULL, 0, 0, 0), 1);
	assert_int_equal(invoke(BWAIT, 2, NULL, 0, 0, 0), KT + 2);
	soon = primary_time(1000);
	assert_int_equal(invoke(BWAIT, 1, &soon, 8, 0, 0), 0);
	assert_int_equal(q->queue, QUEUE_SLEEP);
	assert_true(q->wake_ns <= 1000);
	machine_stop();
}

static void the_calendar_has_eight_bytes(void **state)
{
	uint8_t got[16];

	(void)state;
	start();
	assert_int_equal(invoke(CALENDAR, KT, NULL, 0, 0, 0), 0x609);
	assert_int_equal(invoke(CALENDAR, 9, NULL, 0, 0, 0), KT + 2);
	assert_int_equal(invoke(CALENDAR, 10, NULL, 0, 0, 0), 0);
	assert_int_equal(p->regs.r13, 16);
	memcpy(got, machine_user(p, BUFFER), sizeof got);
	for (unsigned i = 0; i < 8; i++)
		assert_true(got[i] >> 4 < 10 && (got[i] & 15) < 10);
	assert_true(got[2] >= 1 && got[2] <= 0x12 && got[3] >= 1 && got[3] <= 0x31 && got[4] < 7);
	machine_stop();
}

struct argument {
	uint64_t from, to, length;
	uint32_t error;
} __attribute__((packed));

static void copies_say_where_they_stopped(void **state)
{
	struct argument a = { 100, 200, 50, 0 }, got;

	(void)state;
	start();
	memset((uint8_t *)frame_data(cap_page(&p->caps[FROM])) + 100, 0x5A, 50);
	assert_int_equal(invoke(COPY, 0, &a, sizeof a, FROM, TO), 0);
	memcpy(&got, machine_user(p, BUFFER), sizeof got);
	assert_int_equal(got.from, 150);
	assert_int_equal(got.length, 0);
	assert_int_equal(((uint8_t *)frame_data(cap_page(&p->caps[TO])))[249], 0x5A);
	assert_int_equal(((uint8_t *)frame_data(cap_page(&p->caps[TO])))[250], 0);
	assert_int_equal(invoke(COPY, 0, &a, sizeof a, FROM, TO_RO), 3);
	assert_int_equal(invoke(COPY, 0, &a, sizeof a, 0, TO), 2);
	/* The page ends before the length does: what could be copied was. */
	a = (struct argument){ 4090, 0, 50, 0 };
	assert_int_equal(invoke(COPY, 0, &a, sizeof a, FROM, TO), 1);
	memcpy(&got, machine_user(p, BUFFER), sizeof got);
	assert_int_equal(got.from, 4096);
	assert_int_equal(got.length, 44);
	assert_int_equal(invoke(COPY, 1, NULL, 0, 0, 0), KT + 2);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_waits_and_is_woken),
		cmocka_unit_test(the_calendar_has_eight_bytes),
		cmocka_unit_test(copies_say_where_they_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
