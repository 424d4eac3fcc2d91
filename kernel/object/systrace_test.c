/*
 * systrace_test.c - what is shown of processes and capabilities, and what the recorder keeps.
 */
#include "machine_test.h"
#include <string.h>
#include "kernel/node.h"
#include "kernel/process.h"
#include "kernel/systrace.h"
#include "panic.h"

#define BUFFER 0x40000ull
enum { R_TRACE = 8, R_OTHER, R_NODE, R_START, R_NUMBER, R_GOT };

static struct process *p, *other;
static struct node *n;

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 24 });
	p = machine_process(6);
	other = machine_process(3);
	n = machine_node();
	machine_memory(p, BUFFER, 2);
	p->caps[R_TRACE] = cap_misc(CAP_SYSTRACE, 0, 0);
	p->caps[R_OTHER] = process_cap(other, CAP_PROCESS, 0);
	p->caps[R_NODE] = node_cap(n, CAP_NODE, 0);
	p->caps[R_START] = process_cap(other, CAP_START, 77);
	p->caps[R_NUMBER] = cap_number(42, 0, 0);
	machine_execute(p);
}

static uint64_t oid_of(struct process *q)
{
	return process_frame(q)->oid;
}

static void name_it(const char *name)
{
	memcpy(machine_user(p, BUFFER), name, strlen(name));
	assert_int_equal(CALL(p, R_OTHER, .order = PROCESS_OC_SET_NAME, .string = BUFFER, .length = strlen(name)), RC_OK);
}

static void every_process_is_shown_once(void **state)
{
	unsigned seen = 0, named = 0;
	uint64_t position = 0;

	(void)state;
	make_world();
	name_it("somebody");
	do {
		assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_NEXT_PROCESS, .w = { position }, .buffer = BUFFER,
				      .limit = PROCESS_NAME_BYTES), RC_OK);
		position = p->regs.rdi;
		seen += p->regs.rsi == oid_of(p) || p->regs.rsi == oid_of(other);
		if (p->regs.rsi == oid_of(other) && position)
			named += memcmp(machine_user(p, BUFFER), "somebody\0\0\0\0\0\0\0\0", PROCESS_NAME_BYTES) == 0;
	} while (position);
	assert_int_equal(seen, 2);
	assert_int_equal(named, 1);
	machine_stop();
}

static void capabilities_are_shown_with_their_givers(void **state)
{
	(void)state;
	make_world();
	assert_int_equal(CALL(p, R_OTHER, .order = PROCESS_OC_SWAP_REG, .w = { 20 }, .send = { R_NODE }), RC_OK);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_PROCESS_CAP, .w = { oid_of(other), 20 }), RC_OK);
	assert_int_equal(p->regs.rdi & 0xFF, CAP_NODE);
	assert_int_equal(p->regs.rdx, 1);
	assert_int_equal(p->regs.r10, frames[frame_pfn(node_pot(n))].oid);
	assert_int_equal(p->regs.r8, oid_of(p));
	/* What a kernel object answers is the receiver's own finding. */
	CALL(p, R_NODE, .order = NODE_OC_FETCH + 2, .receive = { R_GOT });
	CALL(p, R_TRACE, .order = SYSTRACE_OC_PROCESS_CAP, .w = { oid_of(p), R_GOT });
	assert_int_equal(p->regs.r8, oid_of(p));
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_PROCESS_CAP, .w = { oid_of(other), 37 }), RC_REQUEST);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_PROCESS_CAP, .w = { ~0ull, 1 }), RC_REQUEST);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_PROCESS_CAP,
			      .w = { frames[frame_pfn(node_pot(n))].oid, 1 }), RC_REQUEST);
	machine_stop();
}

static void a_rescinded_capability_is_shown_as_void(void **state)
{
	(void)state;
	make_world();
	node_store(n, 3, &p->caps[R_START]);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_NODE_CAP, .w = { p->caps[R_NODE].ref, 3 }), RC_OK);
	assert_int_equal(p->regs.rdi & 0xFF, CAP_START);
	assert_int_equal(p->regs.rdi >> 16 & 0xFFFF, 77);
	assert_int_equal(p->regs.rdx, 1);
	assert_int_equal(p->regs.r10, oid_of(other));
	process_rescind(other);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_NODE_CAP, .w = { p->caps[R_NODE].ref, 3 }), RC_OK);
	assert_int_equal(p->regs.rdx, 0);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_NODE_CAP, .w = { p->caps[R_NODE].ref, 16 }), RC_REQUEST);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_NODE_CAP, .w = { p->self_ref, 3 }), RC_REQUEST);
	machine_stop();
}

static uint64_t read_records(uint64_t position, struct trace_record **records, unsigned *count)
{
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_READ, .w = { position }, .buffer = BUFFER, .limit = 4048), RC_OK);
	*records = machine_user(p, BUFFER);
	*count = p->regs.r13 / sizeof **records;
	return p->regs.rdi;
}

static void what_is_recorded_can_be_read_once(void **state)
{
	struct trace_record *r;
	unsigned count;
	uint64_t position;

	(void)state;
	make_world();
	position = read_records(0, &r, &count);
	CALL(p, R_NODE, .order = NODE_OC_FETCH + 2, .receive = { R_GOT });
	position = read_records(position, &r, &count);
	assert_int_equal(count, 0);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_RECORD, .w = { oid_of(p), 1 }), RC_OK);
	CALL(p, R_NODE, .order = NODE_OC_FETCH + 2, .w = { 5, 6 }, .receive = { R_GOT });
	CALL(p, R_NODE, .order = 4711);
	position = read_records(position, &r, &count);
	assert_int_equal(count, 2);
	assert_int_equal(r[0].kind, TRACE_OBJECT);
	assert_int_equal(r[0].order, NODE_OC_FETCH + 2);
	assert_int_equal(r[0].process, oid_of(p));
	assert_int_equal(r[0].cap_type, CAP_NODE);
	assert_int_equal(r[0].w[0], 5);
	assert_int_equal(r[0].result, RC_OK);
	assert_int_equal(r[1].result, RC_UNKNOWN);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_RECORD, .w = { oid_of(p), 0 }), RC_OK);
	read_records(position, &r, &count);
	assert_int_equal(count, 2);            /* the reading itself, and the end */
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_RECORD, .w = { oid_of(p), 2 }), RC_REQUEST);
	assert_int_equal(CALL(p, R_TRACE, .order = SYSTRACE_OC_RECORD, .w = { 1ull << 35, 1 }), RC_REQUEST);
	machine_stop();
}

static void a_late_reader_is_told_what_it_missed(void **state)
{
	struct trace_record *r;
	unsigned count;
	uint64_t position;

	(void)state;
	make_world();
	position = read_records(0, &r, &count);
	for (uint64_t last = ~0ull; last != position; position = read_records(position, &r, &count))
		last = position;
	CALL(p, R_TRACE, .order = SYSTRACE_OC_RECORD, .w = { oid_of(p), 1 });
	for (unsigned i = 0; i < 600; i++)
		CALL(p, R_NODE, .order = NODE_OC_FETCH + 1, .w = { i });
	CALL(p, R_TRACE, .order = SYSTRACE_OC_RECORD, .w = { oid_of(p), 0 });
	read_records(position, &r, &count);
	assert_int_equal(p->regs.rsi, 601 - 512);
	assert_int_equal(r[0].w[0], 601 - 512);
	machine_stop();
}

/* Both sides of a message: the recorded one is its receiver, and no fast path hides it. */
static void deliveries_are_recorded(void **state)
{
	struct trace_record *r;
	unsigned count;
	uint64_t position;

	(void)state;
	make_world();
	position = read_records(0, &r, &count);
	for (uint64_t last = ~0ull; last != position; position = read_records(position, &r, &count))
		last = position;
	CALL(p, R_TRACE, .order = SYSTRACE_OC_RECORD, .w = { oid_of(other), 1 });
	machine_execute(other);
	RETURN(other, CR_VOID, .order = 0);
	assert_int_equal(other->state, PROC_AVAILABLE);
	machine_execute(p);
	assert_int_equal(CALL(p, R_START, .order = 9, .w = { 1, 2, 3 }), MACHINE_AWAY);
	assert_int_equal(other->regs.rdi, 1);
	machine_execute(p);
	read_records(position, &r, &count);
	assert_int_equal(count, 2);
	assert_int_equal(r[1].kind, TRACE_REQUEST);
	assert_int_equal(r[1].order, 9);
	assert_int_equal(r[1].data, 77);
	assert_int_equal(r[1].peer, oid_of(p));
	assert_int_equal(r[1].w[2], 3);
	machine_stop();
}

static void the_log_is_kept(void **state)
{
	uint64_t position = 0, end;

	(void)state;
	make_world();
	do {
		end = position;
		CALL(p, R_TRACE, .order = SYSTRACE_OC_READ_LOG, .w = { end }, .buffer = BUFFER, .limit = 4096);
		position = p->regs.rdi;
	} while (position != end);
	kprintf("a line of %d\n", 7);
	CALL(p, R_TRACE, .order = SYSTRACE_OC_READ_LOG, .w = { end }, .buffer = BUFFER, .limit = 4096);
	assert_int_equal(p->regs.r13, 12);
	assert_memory_equal(machine_user(p, BUFFER), "a line of 7\n", 12);
	for (unsigned i = 0; i < 5000; i++)
		kprintf("0123456789\n");
	CALL(p, R_TRACE, .order = SYSTRACE_OC_READ_LOG, .w = { end }, .buffer = BUFFER, .limit = 4096);
	assert_int_equal(p->regs.rdi, end + 12 + 55000 - 32768 + 4096);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_process_is_shown_once),
		cmocka_unit_test(capabilities_are_shown_with_their_givers),
		cmocka_unit_test(a_rescinded_capability_is_shown_as_void),
		cmocka_unit_test(what_is_recorded_can_be_read_once),
		cmocka_unit_test(a_late_reader_is_told_what_it_missed),
		cmocka_unit_test(deliveries_are_recorded),
		cmocka_unit_test(the_log_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
