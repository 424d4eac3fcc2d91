/*
 * invoke_test.c - CALL, RETURN and SEND between processes: what arrives, who runs, and whose turn it is.
 *
 * The server below waits in RETURN with registers named for all four positions; its clients hold a
 * start capability in register 8.
 */
#include "machine_test.h"
#include <stdio.h>
#include <string.h>
#include "invoke/supernode.h"
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

/* ---- random messages by both paths -------------------------------------------------------- */

#define MESSAGES 12
enum { WRAPPER = 9, RED = 10, OBJECTS = 13, OBJECTS_END = 20 };

struct outcome {
	struct process after[MESSAGES][2];     /* client 0 and the server */
	uint8_t bytes[MESSAGES][2][64];        /* what their buffers hold */
	uint32_t calls[MESSAGES][2], result[MESSAGES];
	unsigned fast, between;                /* of those between processes, how many never came to the scheduler */
};

/*
 * A keeper's node with the server behind it: a front-end, and a red segment.  Their formats: with and without their node,
 * one with a local slot, a super segment, and one that may not be called.
 */
static void make_wrappers(void)
{
	static const uint32_t formats[] = { 0x1FFFEF03, 0x0FFFEF03, 0x1FFFEF03, 0x0FFFEF03, 0x1F5FEF03, 0x1FFFEF03 | FORMAT_SUPERNODE, 0x9FFFEF03 };

	for (unsigned reg = WRAPPER; reg <= RED; reg++) {
		struct node *n = machine_node();
		struct cap keeper = process_cap(server, CAP_START, machine_below(2) ? 0x1230 : 0x12);
		struct cap format = cap_number(formats[machine_below(sizeof formats / sizeof formats[0])], 0, 0);

		node_store(n, 14, &keeper);
		node_store(n, 15, &format);
		client[0]->caps[reg] = node_cap(n, reg == WRAPPER ? CAP_FRONTEND : CAP_SEGMENT, machine_below(4) << 4 | machine_below(2) << 7);
	}
}

static void make_objects(void)
{
	struct process *p = client[0];

	p->caps[OBJECTS] = cap_number(machine_random(), 5, 7);
	p->caps[OBJECTS + 1] = page_cap(machine_page(), machine_below(2) ? DB_READONLY : 0);
	p->caps[OBJECTS + 2] = node_cap(machine_node(), CAP_NODE, 0);
	p->caps[OBJECTS + 3] = cap_misc(CAP_RETURNER, 0, 0);
	p->caps[OBJECTS + 4] = cap_misc(CAP_DISCRIM, 0, 0);
	p->caps[OBJECTS + 5] = cap_misc(CAP_KEYBITS, 0, 0);
	p->caps[OBJECTS + 6] = node_cap(machine_node(), CAP_SENSE, 0);
	p->caps[OBJECTS_END] = page_cap(machine_page(), 0);
	p->caps[OBJECTS_END].count++;          /* rescinded */
}

/* Registers are named twice and not at all, and past the last; there is a string or none, and room for all of it or less. */
static struct call random_call(uint32_t op)
{
	static const uint8_t names[] = { CR_VOID, CR_VOID, 20, 21, 22, 23, RESUME, 32, 255 };
	struct call c = { .op = op, .order = machine_below(4) ? machine_below(48) : machine_random() };

	for (unsigned i = 0; i < INV_WORDS; i++)
		c.w[i] = machine_below(2) ? machine_below(20) : machine_random();
	for (unsigned i = 0; i < INV_CAPS; i++) {
		c.send[i] = machine_below(3) ? CR_VOID : machine_below(12) ? THING + machine_below(12) : 32 + machine_below(224);
		c.receive[i] = names[machine_below(sizeof names)];
	}
	if (machine_below(2)) {
		c.string = BUFFER + machine_below(64);
		c.length = machine_below(20) ? machine_below(64) : ~machine_below(5000);
	}
	if (machine_below(2)) {
		c.buffer = BUFFER + 0x1000 + machine_below(16);
		c.limit = machine_below(20) ? machine_below(64) : ~machine_below(5000);
	}
	c.control = machine_below(2) ? INV_KEYKOS : 0;
	return c;
}

static void message_by(struct process *p, unsigned reg, const struct call *c, bool slow, struct outcome *o, unsigned n)
{
	struct process *both[] = { client[0], server };

	for (unsigned i = 0; i < 2; i++)
		both[i]->flags = slow ? both[i]->flags | PROCESS_TRACED : both[i]->flags & ~PROCESS_TRACED;
	machine_execute(p);
	cpu.idle = true;                       /* sched_switch takes it back */
	o->result[n] = machine_call(p, reg, c);
	if (cpu.current != p && !p->fault_code) {
		o->fast += cpu.idle;
		o->between++;
	}
	cpu.idle = false;
	assert_int_equal(object_check(), 0);
	for (unsigned i = 0; i < 2; i++) {
		o->after[n][i] = *both[i];
		o->after[n][i].flags &= ~PROCESS_TRACED;
		o->after[n][i].slice_end_ns = 0;
		o->after[n][i].space = 0;
		o->after[n][i].space_generation = 0;
		/* Who sent nothing, or a resume capability, a message of words does not note. */
		for (unsigned reg = 0; reg < CAP_REGISTERS; reg++)
			if (both[i]->caps[reg].type == CAP_VOID || both[i]->caps[reg].type == CAP_RESUME)
				o->after[n][i].givers[reg] = 0;
		o->calls[n][i] = process_frame(both[i])->call_count;
		memcpy(o->bytes[n][i], machine_user(both[i], BUFFER + 0x1000), 64);
	}
}

static void random_messages(uint64_t seed, bool slow, struct outcome *o)
{
	unsigned n = 0;

	memset(o, 0, sizeof *o);
	make_world();
	machine.random = seed;
	make_wrappers();
	make_objects();
	for (unsigned i = 0; i < 2; i++)
		memset(machine_user(i ? server : client[0], BUFFER), 0x40 + i, PAGE_SIZE);
	serve(32);
	while (n < MESSAGES) {
		struct call c = random_call(INV_CALL), r = random_call(INV_RETURN);

		if (server->state != PROC_AVAILABLE) {
			r.receive[3] = RESUME;
			r.send[3] = machine_below(4) ? CR_VOID : RESUME;
			if (cap_resume(&server->caps[RESUME]) != client[0])
				break;         /* it was given away */
			message_by(server, RESUME, &r, slow, o, n++);
		} else if (machine_below(2)) {
			c.receive[3] = CR_VOID;
			message_by(client[0], OBJECTS + machine_below(8), &c, slow, o, n++);
		} else {
			message_by(client[0], START + machine_below(3), &c, slow, o, n++);
		}
		if (client[0]->state != PROC_RUNNING && server->state != PROC_RUNNING)
			break;                 /* a fault: nobody keeps them */
	}
	finish();
}

/* Whatever a message carries, wherever it goes: the fast paths leave what the slow one leaves. */
static void random_messages_do_the_same_by_both_paths(void **state)
{
	static struct outcome fast, slow;
	unsigned total = 0, messages = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 600; seed++) {
		random_messages(seed, false, &fast);
		random_messages(seed, true, &slow);
		assert_int_equal(slow.fast, 0);
		total += fast.fast;
		messages += fast.between;
		for (unsigned n = 0; n < MESSAGES; n++) {
			assert_int_equal(fast.result[n], slow.result[n]);
			for (unsigned i = 0; i < 2; i++) {
				assert_int_equal(fast.calls[n][i], slow.calls[n][i]);
				assert_memory_equal(fast.bytes[n][i], slow.bytes[n][i], 64);
				assert_memory_equal(&fast.after[n][i], &slow.after[n][i], sizeof fast.after[n][i]);
			}
		}
	}
	printf("%u of %u messages between processes by a fast path\n", total, messages);
	assert_true(messages > 3000 && total > messages / 4 * 3);
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
		cmocka_unit_test(random_messages_do_the_same_by_both_paths),
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
