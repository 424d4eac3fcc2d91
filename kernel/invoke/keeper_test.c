/*
 * keeper_test.c - who is told of a fault, what is told, and how the faulter goes on.
 */
#include "machine_test.h"
#include <string.h>
#include "mem/space.h"

#define MEMORY 0x20000ull

enum { RESUME = 31, SUBJECT = 22 };

static struct process *p, *process_keeper, *segment_keeper;
static struct node *red;

static void available(struct process *keeper)
{
	RETURN(keeper, CR_VOID, .receive = { 20, 21, SUBJECT, RESUME });
	assert_int_equal(keeper->state, PROC_AVAILABLE);
}

/* Root of lss 5; slot 1 (from 0x100000) is a red segment with its keeper, of one node of pages. */
static void make_world(void)
{
	struct cap c;
	struct node *low;

	machine_start(&(struct machine_config){ .frames = 64 });
	p = machine_process(4);
	process_keeper = machine_process(4);
	segment_keeper = machine_process(4);
	p->slots[PSLOT_KEEPER] = process_cap(process_keeper, CAP_START, 0x11);
	machine_memory(p, MEMORY, 1);
	red = machine_node();
	low = machine_node();
	c = page_cap(machine_page(), DB_READONLY);
	node_store(low, 1, &c);
	c = node_cap(low, CAP_NODE, 3);
	node_store(red, 0, &c);
	c = process_cap(segment_keeper, CAP_START, 0x22);
	node_store(red, 14, &c);
	c = cap_number(0x0FF00F00 | 15 << 16 | 14 << 12 | 4 << 4 | 4, 0, 0);
	node_store(red, 15, &c);
	c = node_cap(red, CAP_SEGMENT, 0);
	node_store(cap_node(&p->slots[PSLOT_SPACE]), 1, &c);
	available(process_keeper);
	available(segment_keeper);
}

static void finish(void)
{
	assert_int_equal(object_check(), 0);
	assert_int_equal(space_check(), 0);
	machine_stop();
}

static void a_fault_in_a_kept_segment_goes_to_its_keeper(void **state)
{
	(void)state;
	make_world();
	assert_int_equal(machine_fault(p, 0x102345, FAULT_ACCESS_WRITE), MACHINE_ENTERED);
	assert_ptr_equal(cpu.current, segment_keeper);
	assert_int_equal(segment_keeper->regs.rax,
			 (uint64_t)OC_FAULT_MEMORY << 32 | INV_GOT_FAULT | INV_GOT_RESUME | 0x22);
	assert_int_equal(segment_keeper->regs.rdi, FAULT_MEMORY);
	assert_int_equal(segment_keeper->regs.rsi, 0x2345);
	assert_int_equal(segment_keeper->regs.rdx, FAULT_ACCESS_WRITE);
	assert_int_equal(segment_keeper->regs.r10, p->regs.rip);
	assert_ptr_equal(cap_node(&segment_keeper->caps[SUBJECT]), red);
	assert_ptr_equal(cap_resume(&segment_keeper->caps[RESUME]), p);
	assert_int_equal(p->state, PROC_WAITING);
	/* The keeper mends it and answers: the process goes on with its registers as they were. */
	p->regs.rdi = 77;
	RETURN(segment_keeper, RESUME, .w = { 1, 2, 3 }, .receive = { 20, 21, SUBJECT, RESUME });
	assert_ptr_equal(cpu.current, p);
	assert_int_equal(p->regs.rdi, 77);
	finish();
}

static void writing_what_is_read_only_is_a_fault_reading_is_not(void **state)
{
	(void)state;
	make_world();
	machine_fault(p, 0x101000, 0);
	assert_ptr_equal(cpu.current, p);
	machine_fault(p, 0x101000, FAULT_ACCESS_WRITE | FAULT_ACCESS_PRESENT);
	assert_ptr_equal(cpu.current, segment_keeper);
	finish();
}

static void a_fault_outside_goes_to_the_process_keeper(void **state)
{
	(void)state;
	make_world();
	machine_fault(p, 0x900000, FAULT_ACCESS_EXEC);
	assert_ptr_equal(cpu.current, process_keeper);
	assert_int_equal(process_keeper->regs.rax >> 32, OC_FAULT_PROCESS);
	assert_int_equal(process_keeper->regs.rsi, 0x900000);
	assert_ptr_equal(cap_process(&process_keeper->caps[SUBJECT]), p);
	finish();
}

/* A segment keeper that answers with an error sends the next fault to the process keeper. */
static void a_refused_fault_goes_to_the_process_keeper_once(void **state)
{
	(void)state;
	make_world();
	machine_fault(p, 0x102000, 0);
	RETURN(segment_keeper, RESUME, .order = 1, .receive = { 20, 21, SUBJECT, RESUME });
	assert_ptr_equal(cpu.current, p);
	/* Its code had lost its translation meanwhile (a torment build found this): that changes nothing. */
	machine_memory(p, 0x20000, 1);
	machine_fault(p, 0x20000, 0);
	assert_ptr_equal(cpu.current, p);
	machine_fault(p, 0x102000, 0);
	assert_ptr_equal(cpu.current, process_keeper);
	RETURN(process_keeper, RESUME, .receive = { 20, 21, SUBJECT, RESUME });
	machine_fault(p, 0x102000, 0);
	assert_ptr_equal(cpu.current, segment_keeper);
	finish();
}

static void a_busy_keeper_is_waited_for(void **state)
{
	(void)state;
	make_world();
	machine_execute(segment_keeper);
	machine_fault(p, 0x102000, 0);
	assert_int_equal(p->queue, QUEUE_STALL);
	available(segment_keeper);
	assert_int_equal(p->queue == QUEUE_READY || cpu.current == p, true);
	machine_fault(p, 0x102000, 0);
	assert_ptr_equal(cpu.current, segment_keeper);
	finish();
}

static void without_a_keeper_the_process_stays_stopped(void **state)
{
	(void)state;
	make_world();
	p->slots[PSLOT_KEEPER] = cap_void();
	machine_fault(p, 0x900000, 0);
	assert_int_equal(p->state, PROC_WAITING);
	assert_int_equal(p->fault_code, FAULT_MEMORY);
	assert_int_equal(p->fault_info, 0x900000);
	assert_non_null(strstr(machine.log, "no keeper"));
	finish();
}

/* The sender's missing string is the sender's fault, and the invocation is made again after it. */
static void a_string_that_is_not_there_faults_its_sender(void **state)
{
	struct process *server;
	struct cap page;

	(void)state;
	make_world();
	server = machine_process(4);
	machine_memory(server, MEMORY, 1);
	RETURN(server, CR_VOID, .buffer = MEMORY, .limit = 100, .receive = { 0, 0, 0, RESUME });
	p->caps[8] = process_cap(server, CAP_START, 0);
	assert_int_equal(CALL(p, 8, .string = 0x101FF0, .length = 32), MACHINE_AWAY);
	assert_ptr_equal(cpu.current, segment_keeper);
	assert_int_equal(segment_keeper->regs.rsi, 0x2000);
	assert_int_equal(p->regs.rip, MACHINE_SYSCALL);
	assert_int_equal(server->state, PROC_AVAILABLE);
	page = page_cap(machine_page(), 0);
	node_store(cap_node(&red->slot[0]), 2, &page);
	RETURN(segment_keeper, RESUME, .receive = { 20, 21, SUBJECT, RESUME });
	assert_ptr_equal(cpu.current, p);
	machine_again();
	assert_ptr_equal(cpu.current, server);
	assert_int_equal(server->regs.r13, 32);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_in_a_kept_segment_goes_to_its_keeper),
		cmocka_unit_test(writing_what_is_read_only_is_a_fault_reading_is_not),
		cmocka_unit_test(a_fault_outside_goes_to_the_process_keeper),
		cmocka_unit_test(a_refused_fault_goes_to_the_process_keeper_once),
		cmocka_unit_test(a_busy_keeper_is_waited_for),
		cmocka_unit_test(without_a_keeper_the_process_stays_stopped),
		cmocka_unit_test(a_string_that_is_not_there_faults_its_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
