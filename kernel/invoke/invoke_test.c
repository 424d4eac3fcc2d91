/*
 * invoke_test.c - CALL, RETURN and SEND between processes: what arrives, who runs, and whose turn it is.
 *
 * The server below waits in RETURN with registers named for all four positions; its clients hold a
 * start capability in register 8.
 */
#include "machine_test.h"
#include <string.h>
#include "kernel/node.h"
#include "kernel/process.h"
#include "kernel/range.h"
#include "kernel/returner.h"
#include "mem/space.h"

#define BUFFER 0x20000ull

enum { START = 8, RESUME = 31, THING = 12 };

static struct process *server, *client[3];

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 96 });
	server = machine_process(5);
	machine_memory(server, BUFFER, 3);
	for (unsigned i = 0; i < 3; i++) {
		client[i] = machine_process(5);
		machine_memory(client[i], BUFFER, 3);
		client[i]->caps[START] = process_cap(server, CAP_START, 0x55 + i);
		client[i]->caps[THING] = cap_number(0x1000 + i, 0, 0);
	}
}

/* The server becomes available, receiving capabilities into 20, 21, 22 and RESUME. */
static void serve(uint64_t limit)
{
	RETURN(server, CR_VOID, .receive = { 20, 21, 22, RESUME }, .buffer = limit ? BUFFER : 0, .limit = limit);
	assert_int_equal(server->state, PROC_AVAILABLE);
}

static void finish(void)
{
	assert_int_equal(object_check(), 0);
	assert_int_equal(space_check(), 0);
	machine_stop();
}

static void words_capabilities_and_data_arrive(void **state)
{
	(void)state;
	make_world();
	serve(0);
	assert_int_equal(CALL(client[0], START, .order = 7, .w = { 1, 2, 3, 4, 5, 6 }, .send = { THING }), MACHINE_AWAY);
	assert_ptr_equal(cpu.current, server);
	assert_int_equal(server->regs.rax, 7ull << 32 | INV_GOT_RESUME | 0x55);
	assert_int_equal(server->regs.rdi, 1);
	assert_int_equal(server->regs.r9, 6);
	assert_true(cap_same(&server->caps[20], &client[0]->caps[THING]));
	assert_true(cap_is_void(&server->caps[21]));
	assert_ptr_equal(cap_resume(&server->caps[RESUME]), client[0]);
	assert_int_equal(client[0]->state, PROC_WAITING);
	RETURN(server, RESUME, .order = 99, .w = { 42 }, .receive = { 20, 21, 22, RESUME });
	assert_ptr_equal(cpu.current, client[0]);
	assert_int_equal(client[0]->regs.rax >> 32, 99);
	assert_int_equal(client[0]->regs.rdi, 42);
	finish();
}

/* The fast path and the slow one leave the same state: a send of a void capability forces the slow one. */
static void both_paths_do_the_same(void **state)
{
	struct regs fast;

	(void)state;
	for (unsigned slow = 0; slow < 2; slow++) {
		make_world();
		serve(0);
		CALL(client[0], START, .order = 3, .w = { 9, 8, 7, 6, 5, 4 }, .control = slow ? INV_SEND_CAPS : 0);
		RETURN(server, RESUME, .order = 4, .w = { 1, 2, 3 }, .control = slow ? INV_SEND_CAPS : 0,
		       .receive = { 20, 21, 22, RESUME });
		assert_int_equal(server->state, PROC_AVAILABLE);
		assert_int_equal(client[0]->state, PROC_RUNNING);
		if (!slow)
			fast = client[0]->regs;
		else
			assert_memory_equal(&fast, &client[0]->regs, sizeof fast);
		finish();
	}
}

static void a_resume_capability_works_once(void **state)
{
	(void)state;
	make_world();
	serve(0);
	CALL(client[0], START);
	server->caps[17] = server->caps[18] = server->caps[RESUME];
	SEND(server, 17, .order = 1);
	assert_true(cap_is_void(&server->caps[RESUME]));
	assert_true(cap_is_void(&server->caps[18]));
	assert_int_equal(client[0]->state, PROC_RUNNING);
	assert_int_equal(CALL(server, 18, .order = 2), RC_VOID);
	assert_int_equal(client[0]->regs.rax >> 32, 1);
	finish();
}

static void a_resume_capability_dies_with_the_wait(void **state)
{
	static const uint32_t ends[] = { PROCESS_OC_RUN, PROCESS_OC_STOP, PROCESS_OC_WAKE, PROCESS_OC_MAKE_RESUME,
					 PROCESS_OC_MAKE_FAULT_RESUME, PROCESS_OC_MAKE_AVAILABLE };

	(void)state;
	for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		make_world();
		serve(0);
		CALL(client[0], START);
		server->caps[9] = process_cap(client[0], CAP_PROCESS, 0);
		assert_int_equal(CALL(server, 9, .order = ends[i]), RC_OK);
		assert_true(cap_is_void(&server->caps[RESUME]));
		assert_int_equal(CALL(server, RESUME), RC_VOID);
		finish();
	}
}

static void a_string_is_copied_and_cut(void **state)
{
	(void)state;
	make_world();
	memset(machine_user(client[0], BUFFER), 'a', PAGE_SIZE);
	memset(machine_user(client[0], BUFFER + PAGE_SIZE), 'b', PAGE_SIZE);
	serve(PAGE_SIZE + 100);
	CALL(client[0], START, .string = BUFFER + 50, .length = PAGE_SIZE + 50);
	assert_int_equal(server->regs.r13, PAGE_SIZE + 50);
	assert_false(server->regs.rax & INV_GOT_TRUNCATED);
	assert_int_equal(*(char *)machine_user(server, BUFFER + PAGE_SIZE - 51), 'a');
	assert_int_equal(*(char *)machine_user(server, BUFFER + PAGE_SIZE - 50), 'b');
	serve(10);
	CALL(client[1], START, .string = BUFFER, .length = 11);
	assert_int_equal(server->regs.r13, 10);
	assert_true(server->regs.rax & INV_GOT_TRUNCATED);
	finish();
}

/* The receiver's missing page cuts the string; nothing of the receiver is asked. */
static void a_reply_to_missing_memory_completes(void **state)
{
	(void)state;
	make_world();
	serve(0);
	assert_int_equal(CALL(client[0], START, .buffer = BUFFER + 2 * PAGE_SIZE, .limit = 3 * PAGE_SIZE), MACHINE_AWAY);
	memset(machine_user(server, BUFFER), 'x', PAGE_SIZE);
	RETURN(server, RESUME, .string = BUFFER, .length = 2 * PAGE_SIZE);
	assert_int_equal(client[0]->state, PROC_RUNNING);
	assert_int_equal(client[0]->regs.r13, PAGE_SIZE);
	assert_true(client[0]->regs.rax & INV_GOT_TRUNCATED);
	assert_int_equal(server->state, PROC_AVAILABLE);
	finish();
}

static void callers_of_a_busy_server_take_turns_in_order(void **state)
{
	(void)state;
	make_world();
	serve(0);
	CALL(client[0], START);
	CALL(client[1], START);
	CALL(client[2], START);
	assert_int_equal(client[1]->queue, QUEUE_STALL);
	machine_execute(server);
	RETURN(server, RESUME, .receive = { 0, 0, 0, RESUME });
	while (cpu.current != client[1])
		machine_next();
	machine_again();
	assert_ptr_equal(cap_resume(&server->caps[RESUME]), client[1]);
	machine_execute(server);
	RETURN(server, RESUME, .receive = { 0, 0, 0, RESUME });
	while (cpu.current != client[2])
		machine_next();
	machine_again();
	assert_ptr_equal(cap_resume(&server->caps[RESUME]), client[2]);
	finish();
}

/* Client 1 is woken for its turn and does something else: client 2's turn must come. */
static void turn_is_passed_by(void (*instead)(void))
{
	make_world();
	serve(0);
	CALL(client[0], START);
	CALL(client[1], START, .string = BUFFER, .length = 10, .order = 5);
	CALL(client[2], START);
	machine_execute(server);
	client[1]->caps[9] = cap_misc(CAP_RETURNER, 0, 0);
	RETURN(server, RESUME, .receive = { 0, 0, 0, RESUME }, .buffer = BUFFER, .limit = 100);
	assert_ptr_equal(cpu.current, client[1]);  /* before client 0, whom the server has just served */
	assert_int_equal(client[0]->queue, QUEUE_READY);
	assert_int_equal(client[2]->queue, QUEUE_STALL);
	instead();
	assert_ptr_not_equal(server->stall_head, client[2]);
	finish();
}

static void invokes_another(void)
{
	assert_int_equal(CALL(client[1], 9, .order = 3), 3);
}

static void faults_on_its_string(void)
{
	struct cap none = cap_void();

	machine_map(cap_node(&client[1]->slots[PSLOT_SPACE]), BUFFER, none);
	while (cpu.current != client[1])
		machine_next();
	machine_again();
	assert_int_equal(client[1]->state, PROC_WAITING);
	assert_int_equal(server->state, PROC_AVAILABLE);
}

static void is_stopped(void)
{
	client[0]->caps[9] = process_cap(client[1], CAP_PROCESS, 0);
	assert_int_equal(CALL(client[0], 9, .order = PROCESS_OC_STOP), RC_OK);
}

static void gets_other_registers(void)
{
	client[0]->caps[9] = process_cap(client[1], CAP_PROCESS, 0);
	assert_int_equal(CALL(client[0], 9, .order = PROCESS_OC_SWAP_REG, .w = { START }), RC_OK);
}

static void computes(void)
{
	machine_execute(client[1]);
	machine_pass(2 * SLICE_NS);
}

static void a_turn_not_taken_is_passed_on(void **state)
{
	(void)state;
	turn_is_passed_by(invokes_another);
	turn_is_passed_by(faults_on_its_string);
	turn_is_passed_by(is_stopped);
	turn_is_passed_by(gets_other_registers);
	turn_is_passed_by(computes);
}

static void the_end_of_a_server_frees_its_callers(void **state)
{
	(void)state;
	make_world();
	serve(0);
	CALL(client[0], START);
	CALL(client[1], START);
	process_rescind(server);
	assert_int_equal(client[1]->queue, QUEUE_READY);
	machine_execute(client[1]);
	machine_again();
	assert_int_equal(client[1]->regs.rax >> 32, RC_VOID);
	machine_stop();
}

static void a_process_that_calls_itself_faults(void **state)
{
	(void)state;
	make_world();
	client[0]->caps[9] = process_cap(client[0], CAP_START, 0);
	assert_int_equal(CALL(client[0], 9), MACHINE_AWAY);
	assert_int_equal(client[0]->state, PROC_WAITING);
	assert_int_equal(client[0]->fault_code, FAULT_INVOCATION);
	finish();
}

static void notices_coalesce_and_are_delivered_next(void **state)
{
	(void)state;
	make_world();
	client[0]->caps[9] = process_cap(server, CAP_NOTICE, 1);
	client[0]->caps[10] = process_cap(server, CAP_NOTICE, 4);
	assert_int_equal(CALL(client[0], 9), RC_OK);
	assert_int_equal(CALL(client[0], 10), RC_OK);
	RETURN(server, CR_VOID, .receive = { 20, 21, 22, RESUME });
	assert_int_equal(server->state, PROC_RUNNING);
	assert_int_equal(server->regs.rax, (uint64_t)OC_NOTICE << 32 | INV_GOT_NOTICE);
	assert_int_equal(server->regs.rdi, 5);
	assert_true(cap_is_void(&server->caps[RESUME]));
	finish();
}

static void a_raw_reply_is_one_word(void **state)
{
	(void)state;
	make_world();
	serve(0);
	CALL(client[0], START, .w = { 1, 2, 3 }, .control = INV_RAW_REPLY);
	RETURN(server, RESUME, .w = { 0x123456789ABCull, 77 });
	assert_int_equal(client[0]->regs.rax, 0x123456789ABCull);
	assert_int_equal(client[0]->regs.rsi, 2);
	finish();
}

/* RETURN through a kernel object answers position 3, unless the operation itself ended that wait. */
static void an_answer_goes_to_a_wait_that_is_still_there(void **state)
{
	(void)state;
	make_world();
	serve(0);
	CALL(client[0], START);
	server->caps[9] = cap_misc(CAP_RETURNER, 0, 0);
	SEND(server, 9, .order = 6, .w = { 11 }, .send = { 0, 0, 0, RESUME });
	assert_int_equal(client[0]->regs.rax >> 32, 6);
	assert_int_equal(client[0]->regs.rdi, 11);
	serve(0);
	CALL(client[1], START);
	server->caps[9] = process_cap(client[1], CAP_PROCESS, 0);
	SEND(server, 9, .order = PROCESS_OC_STOP, .send = { 0, 0, 0, RESUME });
	assert_int_equal(client[1]->state, PROC_WAITING);
	finish();
}

/* A wrapper's rights bits reach a keeper whose data has more than a byte; a program of KeyKOS sees its own byte. */
static void a_wrapper_tells_its_rights(void **state)
{
	static const struct { uint16_t keeper, wrapper, heard; } rows[] = {
		{ 0x12, 0xB0, 0x12 }, { 0xFF, 0x80, 0xFF }, { 0x100, 0, 0x100 }, { 0x120, 0x80, 0x128 },
		{ 0x120, 0x20, 0x122 }, { 0x120, 0x10, 0x121 }, { 0xFFF0, 0xB0, 0xFFFB }, { 0xFFF0, 0x4F, 0xFFF0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cap keeper = { .type = CAP_START, .data = rows[i].keeper };
		struct cap wrapper = { .type = CAP_FRONTEND, .data = rows[i].wrapper };

		assert_int_equal(forward_data(&keeper, &wrapper), rows[i].heard);
	}
}

static void a_process_may_end_itself(void **state)
{
	(void)state;
	make_world();
	client[0]->caps[9] = machine_range();
	client[0]->fs_base = 0x1234;
	machine_execute(client[0]);
	for (uint64_t kind = 3; kind >= 1; kind--) {
		struct frame *f = process_frame(client[1]);

		client[1]->caps[9] = machine_range();
		client[1]->fs_base = 0x0303030303;
		assert_int_equal(CALL(client[1], 9, .order = kind == 3 ? RANGE_OC_RESCIND : RANGE_OC_GET,
				      .w = { kind, kind == 2 ? f->oid * 16 : f->oid, 1 }), MACHINE_AWAY);
		machine_execute(client[0]);
		assert_int_equal(object_check(), 0);
		if (kind < 3)
			for (unsigned i = 0; kind == 1 && i < PAGE_SIZE / 8; i++)
				assert_int_equal(((uint64_t *)frame_data(f))[i], 0);
		if (kind > 1)
			client[1] = machine_process(5);
	}
	machine_stop();
}

static void malformed_words_are_faults(void **state)
{
	static const uint32_t bad[] = { 0x20, 0x40, 0x80, INV_OP_MASK, 0x10000, 0x800000 };

	(void)state;
	make_world();
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(CALL(client[0], CR_VOID, .control = bad[i]), MACHINE_AWAY);
		assert_int_equal(client[0]->fault_code, FAULT_INVOCATION);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_capabilities_and_data_arrive),
		cmocka_unit_test(both_paths_do_the_same),
		cmocka_unit_test(a_resume_capability_works_once),
		cmocka_unit_test(a_resume_capability_dies_with_the_wait),
		cmocka_unit_test(a_string_is_copied_and_cut),
		cmocka_unit_test(a_reply_to_missing_memory_completes),
		cmocka_unit_test(callers_of_a_busy_server_take_turns_in_order),
		cmocka_unit_test(a_turn_not_taken_is_passed_on),
		cmocka_unit_test(the_end_of_a_server_frees_its_callers),
		cmocka_unit_test(a_process_that_calls_itself_faults),
		cmocka_unit_test(notices_coalesce_and_are_delivered_next),
		cmocka_unit_test(a_raw_reply_is_one_word),
		cmocka_unit_test(an_answer_goes_to_a_wait_that_is_still_there),
		cmocka_unit_test(a_wrapper_tells_its_rights),
		cmocka_unit_test(a_process_may_end_itself),
		cmocka_unit_test(malformed_words_are_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
