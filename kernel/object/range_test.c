/*
 * range_test.c - making, finding and ending objects by their place, at the edges of the range.
 */
#include "machine_test.h"
#include "kernel/range.h"
#include "mem/space.h"
#include "object/process.h"

enum { KIND_PAGE = 1, KIND_NODE = 2, KIND_PROCESS = 3 };

static struct process *p;

static void make_world(unsigned frames)
{
	machine_start(&(struct machine_config){ .frames = frames });
	p = machine_process(3);
	p->caps[9] = machine_range();
	p->caps[9].count = 100;
}

static void objects_are_got_and_identified(void **state)
{
	(void)state;
	make_world(16);
	for (uint64_t kind = KIND_PAGE; kind <= KIND_PROCESS; kind++) {
		uint64_t offset = kind == KIND_NODE ? (10 + kind) * 16 + 14 : 10 + kind;

		assert_int_equal(CALL(p, 9, .order = RANGE_OC_GET, .w = { kind, offset }, .receive = { 10 }), RC_OK);
		assert_false(cap_is_void(&p->caps[10]));
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_IDENTIFY, .send = { 10 }), RC_OK);
		assert_int_equal(p->regs.rdi, kind);
		assert_int_equal(p->regs.rsi, offset);
		p->caps[11] = p->caps[10];
		CALL(p, 9, .order = RANGE_OC_GET, .w = { kind, offset }, .receive = { 12 });
		assert_true(cap_same(&p->caps[11], &p->caps[12]));
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_RESCIND, .w = { kind, offset, 1 }), RC_OK);
		assert_true(cap_is_void(&p->caps[11]));
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_IDENTIFY, .send = { 11 }), RC_REQUEST);
	}
	/* A weaker capability is not accepted. */
	CALL(p, 9, .order = RANGE_OC_GET, .w = { KIND_PAGE, 11 }, .receive = { 10 });
	p->caps[10].data |= DB_READONLY;
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_IDENTIFY, .send = { 10 }), RC_REQUEST);
	machine_stop();
}

static void another_kind_kills_what_was_there(void **state)
{
	(void)state;
	make_world(16);
	for (unsigned i = 0; i < 300; i++) {
		uint64_t kind = 1 + machine_below(3);

		p->caps[11] = p->caps[10];
		CALL(p, 9, .order = RANGE_OC_GET, .w = { kind, kind == KIND_NODE ? 11 * 16 + machine_below(15) : 11 },
		     .receive = { 10 });
		assert_false(cap_is_void(&p->caps[10]));
		if (p->caps[11].type != p->caps[10].type)
			assert_true(cap_is_void(&p->caps[11]));
		if (machine_below(2))
			CALL(p, 9, .order = RANGE_OC_RESCIND, .w = { kind, kind == KIND_NODE ? 11 * 16 : 11, 1 });
		assert_int_equal(object_check(), 0);
	}
	machine_stop();
}

static void places_outside_are_refused(void **state)
{
	static const uint64_t bad[][2] = {
		{ 0, 5 }, { 4, 5 }, { KIND_PAGE, 100 }, { KIND_PAGE, ~0ull }, { KIND_NODE, 100 * 16 },
		{ KIND_NODE, 5 * 16 + 15 }, { KIND_NODE, ~0ull }, { KIND_PAGE, 0 }, { KIND_NODE, 3 }, { KIND_PROCESS, 1ull << 36 },
	};

	(void)state;
	make_world(16);
	p->caps[11] = node_cap(machine_node(), CAP_NODE, 0);
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_GET, .w = { bad[i][0], bad[i][1] }), RC_REQUEST);
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_RESCIND, .w = { bad[i][0], bad[i][1], 1 }), RC_REQUEST);
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_FILL, .w = { bad[i][0], bad[i][1], 1 }, .send = { 11 }), RC_REQUEST);
	}
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_RESCIND, .w = { KIND_PAGE, 99, 2 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_RESCIND, .w = { KIND_PAGE, 1, ~0ull }), RC_REQUEST);
	machine_stop();
}

static void fill_makes_many(void **state)
{
	struct node *n;

	(void)state;
	make_world(32);
	n = machine_node();
	p->caps[11] = node_cap(n, CAP_NODE, 0);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_FILL, .w = { KIND_PAGE, 10, 16 }, .send = { 11 }), RC_OK);
	for (unsigned i = 0; i < NODE_SLOTS; i++)
		assert_ptr_equal(cap_page(&n->slot[i]), frame_lookup(10 + i));
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_FILL, .w = { KIND_PAGE, 10, 17 }, .send = { 11 }), RC_REQUEST);
	/* The node must not be made something else under its own feet. */
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_FILL, .w = { KIND_PAGE, node_pot(n)->oid, 1 }, .send = { 11 }), RC_REQUEST);
	assert_false(cap_is_void(&p->caps[11]));
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void the_end_of_core_is_a_limit(void **state)
{
	unsigned got = 0;

	(void)state;
	make_world(8);
	for (uint64_t i = 20; i < 40; i++)
		got += CALL(p, 9, .order = RANGE_OC_GET, .w = { KIND_PAGE, i }) == RC_OK;
	assert_int_equal(got, 7);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_GET, .w = { KIND_PAGE, 50 }), RC_LIMIT);
	CALL(p, 9, .order = RANGE_OC_LENGTH);
	assert_int_equal(p->regs.rdi, 100);
	assert_int_equal(p->regs.rsi, 0);
	machine_stop();
}

static void a_subrange_is_less(void **state)
{
	(void)state;
	make_world(16);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_SUBRANGE, .w = { 10, 5 }, .receive = { 10 }), RC_OK);
	assert_int_equal(CALL(p, 10, .order = RANGE_OC_GET, .w = { KIND_PAGE, 5 }), RC_REQUEST);
	assert_int_equal(CALL(p, 10, .order = RANGE_OC_GET, .w = { KIND_PAGE, 4 }, .receive = { 11 }), RC_OK);
	assert_ptr_equal(cap_page(&p->caps[11]), frame_lookup(14));
	assert_int_equal(CALL(p, 10, .order = RANGE_OC_SUBRANGE, .w = { 3, 3 }), RC_REQUEST);
	assert_int_equal(CALL(p, 10, .order = RANGE_OC_SUBRANGE, .w = { 6, ~0ull - 2 }), RC_REQUEST);
	machine_stop();
}

/* A severed process is the same process: only what led to it is gone. */
static void a_process_is_severed(void **state)
{
	struct process *q;

	(void)state;
	make_world(16);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_GET, .w = { KIND_PROCESS, 12 }, .receive = { 10 }), RC_OK);
	q = cap_process(&p->caps[10]);
	q->fs_base = 0x77;
	p->caps[12] = process_resume_cap(q, RESUME_RETURN);
	q->state = PROC_WAITING;
	assert_non_null(cap_resume(&p->caps[12]));
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_SEVER, .w = { 13 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_SEVER, .w = { 12 }, .receive = { 11 }), RC_OK);
	assert_true(cap_is_void(&p->caps[10]));
	assert_null(cap_resume(&p->caps[12]));
	assert_ptr_equal(cap_process(&p->caps[11]), q);
	assert_int_equal(q->fs_base, 0x77);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

/* The place is the same; what led there is gone, and what was there too. */
static void a_renewed_object_is_a_new_one(void **state)
{
	(void)state;
	make_world(16);
	for (uint64_t kind = KIND_PAGE; kind <= KIND_PROCESS; kind++) {
		uint64_t offset = kind == KIND_NODE ? (10 + kind) * 16 + 3 : 10 + kind;

		CALL(p, 9, .order = RANGE_OC_GET, .w = { kind, offset }, .receive = { 10 });
		if (kind == KIND_NODE)
			CALL(p, 9, .order = RANGE_OC_GET, .w = { kind, offset + 1 }, .receive = { 13 });
		if (kind == KIND_PAGE)
			*(uint64_t *)frame_data(cap_page(&p->caps[10])) = 77;
		if (kind == KIND_NODE)
			cap_node(&p->caps[10])->slot[2] = p->caps[9];
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_RENEW, .w = { kind, offset }, .receive = { 11 }), RC_OK);
		assert_true(cap_is_void(&p->caps[10]));
		if (kind == KIND_PAGE)
			assert_int_equal(*(uint64_t *)frame_data(cap_page(&p->caps[11])), 0);
		if (kind == KIND_NODE) {
			assert_true(cap_is_void(&cap_node(&p->caps[11])->slot[2]));
			assert_false(cap_is_void(&p->caps[13])); /* its neighbour in the pot */
		}
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_IDENTIFY, .send = { 11 }), RC_OK);
		assert_int_equal(p->regs.rdi, kind);
		assert_int_equal(p->regs.rsi, offset);
		assert_int_equal(object_check(), 0);
	}
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_RENEW, .w = { KIND_PAGE, 100 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_RENEW, .w = { 4, 10 }), RC_REQUEST);
	machine_stop();
}

/* Only what is of the kind and lies within is renewed; of anything else it is told what it is, and nothing happens to it. */
static void renewed_if_within(void **state)
{
	(void)state;
	make_world(16);
	for (uint64_t kind = KIND_PAGE; kind <= KIND_PROCESS; kind++) {
		uint64_t offset = kind == KIND_NODE ? (10 + kind) * 16 + 3 : 10 + kind;
		const struct { uint64_t kind, first, count; bool within; } rows[] = {
			{ kind, offset, 1, true }, { kind, offset - 2, 3, true }, { kind, 0, 2000, true }, { kind, offset, ~0ull, true },
			{ kind, offset, 0, false }, { kind, offset + 1, 5, false }, { kind, offset - 2, 2, false },
			{ kind % 3 + 1, offset, 1, false }, { 0, 0, 2000, false }, { kind, offset + 1, ~0ull, false },
		};

		for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			CALL(p, 9, .order = RANGE_OC_GET, .w = { kind, offset }, .receive = { 10 });
			p->caps[11] = p->caps[10];
			assert_int_equal(CALL(p, 9, .order = RANGE_OC_RENEW_WITHIN, .w = { rows[i].kind, rows[i].first, rows[i].count },
					      .send = { 10 }, .receive = { 12 }), RC_OK);
			assert_int_equal(p->regs.rdi, kind);
			assert_int_equal(p->regs.rsi, offset);
			assert_int_equal(p->regs.rdx, rows[i].within);
			assert_int_equal(cap_is_void(&p->caps[11]), rows[i].within);
			assert_int_equal(cap_is_void(&p->caps[12]), !rows[i].within);
			assert_int_equal(object_check(), 0);
		}
	}
	/* As identify: full strength, valid, and of this range. */
	CALL(p, 9, .order = RANGE_OC_GET, .w = { KIND_PAGE, 11 }, .receive = { 10 });
	p->caps[13] = p->caps[10];
	p->caps[13].data |= DB_READONLY;
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_RENEW_WITHIN, .w = { KIND_PAGE, 0, 100 }, .send = { 13 }), RC_REQUEST);
	CALL(p, 9, .order = RANGE_OC_SUBRANGE, .w = { 0, 11 }, .receive = { 14 });
	assert_int_equal(CALL(p, 14, .order = RANGE_OC_RENEW_WITHIN, .w = { KIND_PAGE, 0, 100 }, .send = { 10 }), RC_REQUEST);
	assert_false(cap_is_void(&p->caps[10]));
	CALL(p, 9, .order = RANGE_OC_RESCIND, .w = { KIND_PAGE, 11, 1 });
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_RENEW_WITHIN, .w = { KIND_PAGE, 0, 100 }, .send = { 10 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_RENEW_WITHIN, .w = { KIND_PAGE, 0, 100 }), RC_REQUEST);
	machine_stop();
}

/* Who waits through a resume capability in a node or a process hears of its end, once, at most 32 a time. */
static void who_waits_for_what_goes_is_told(void **state)
{
	struct process *waiting[3];

	(void)state;
	make_world(32);
	for (unsigned i = 0; i < 3; i++) {
		waiting[i] = machine_process(3);
		waiting[i]->state = PROC_WAITING;
		waiting[i]->recv_control = 0;
	}
	for (uint64_t kind = KIND_NODE; kind <= KIND_PROCESS; kind++) {
		uint64_t offset = kind == KIND_NODE ? 20 * 16 + 3 : 21;
		struct cap resume = process_resume_cap(waiting[kind - KIND_NODE], RESUME_RETURN), number = cap_number(7, 0, 0);

		assert_int_equal(CALL(p, 9, .order = RANGE_OC_GET, .w = { kind, offset }, .receive = { 10 }), RC_OK);
		if (kind == KIND_NODE) {
			node_store(cap_node(&p->caps[10]), 4, &number);
			node_store(cap_node(&p->caps[10]), 5, &resume);
			node_store(cap_node(&p->caps[10]), 6, &resume);
		} else {
			cap_process(&p->caps[10])->caps[20] = resume;
		}
		assert_int_equal(CALL(p, 9, .order = RANGE_OC_FAREWELL, .w = { kind, offset, 1 }), RC_OK);
		assert_int_equal(p->regs.rdi, 1);
		assert_int_equal(waiting[kind - KIND_NODE]->state, PROC_RUNNING);
		assert_int_equal(waiting[kind - KIND_NODE]->regs.rax >> 32, RC_VOID);
		assert_false(cap_is_void(&p->caps[10]));
		CALL(p, 9, .order = RANGE_OC_FAREWELL, .w = { kind, offset, 1 });
		assert_int_equal(p->regs.rdi, 0);
	}
	/* A restart goes on as it was; a fault goes to the process's own keeper with the code. */
	CALL(p, 9, .order = RANGE_OC_GET, .w = { KIND_NODE, 22 * 16 }, .receive = { 10 });
	{
		struct cap fault = process_resume_cap(waiting[2], RESUME_FAULT);

		node_store(cap_node(&p->caps[10]), 15, &fault);
	}
	CALL(p, 9, .order = RANGE_OC_FAREWELL, .w = { KIND_NODE, 22 * 16, 2 });
	assert_int_equal(p->regs.rdi, 1);
	assert_true(waiting[2]->flags & PROCESS_FAULT_KEEPER);
	assert_int_equal(waiting[2]->refusal, RC_VOID);
	/* Nonsense. */
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_FAREWELL, .w = { KIND_PAGE, 1, 1 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_FAREWELL, .w = { KIND_NODE, 1, 65 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = RANGE_OC_FAREWELL, .w = { KIND_PROCESS, 99, 2 }), RC_REQUEST);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_got_and_identified),
		cmocka_unit_test(another_kind_kills_what_was_there),
		cmocka_unit_test(places_outside_are_refused),
		cmocka_unit_test(fill_makes_many),
		cmocka_unit_test(the_end_of_core_is_a_limit),
		cmocka_unit_test(a_subrange_is_less),
		cmocka_unit_test(a_process_is_severed),
		cmocka_unit_test(a_renewed_object_is_a_new_one),
		cmocka_unit_test(renewed_if_within),
		cmocka_unit_test(who_waits_for_what_goes_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
