/*
 * fuzz_test.c - 200,000 random invocations of every capability type, by the grammar that idlc makes.
 *
 * Eight processes hold capabilities of every type to a few objects that a range capability keeps
 * making, retyping and rescinding under them.  Words, strings, registers and control bits are
 * mostly of the right shape and often not.  No condition of the kernel may break: those it checks
 * itself, and every 100 steps all that object_check and space_check know.
 */
#include "machine_test.h"
#include <string.h>
#include "fuzz.h"
#include "mem/space.h"
#include "object/device.h"

#define STEPS 200000
#define PROCESSES 8
#define PLAYGROUND 24                  /* frames of the range */
#define MEMORY 0x10000ull
#define MEMORY_PAGES 4

static struct process *process[PROCESSES];
static uint64_t playground_oid;

static struct frame *playground_frame(enum frame_kind kind)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		struct frame *f = frame_lookup(playground_oid + machine_below(PLAYGROUND));

		if (f && f->kind == kind)
			return f;
	}
	return NULL;
}

static struct process *random_process(void)
{
	struct frame *f = machine_below(3) ? NULL : playground_frame(FRAME_PROCESS);

	return f ? frame_data(f) : process[machine_below(PROCESSES)];
}

static struct cap random_object(unsigned type)
{
	struct frame *f;

	if (type == CAP_PAGE) {
		f = playground_frame(FRAME_PAGE);
		return f ? page_cap(f, machine_below(3) ? 0 : DB_READONLY) : cap_void();
	}
	if (type >= CAP_NODE && type <= CAP_SCHEDULE) {
		f = playground_frame(FRAME_POT);
		return f ? node_cap(node_at(f, machine_below(NODES_PER_POT)), type, machine_below(256)) : cap_void();
	}
	if (type == CAP_RESUME)
		return process_resume_cap(random_process(), machine_below(2) ? RESUME_RETURN : RESUME_FAULT);
	return process_cap(random_process(), type, machine_below(65536));
}

/* A capability as the kernel itself would have made it. */
static struct cap random_cap(void)
{
	unsigned type;

	do
		type = machine_below(CAP_TYPES);
	while (!(cap_types_known >> type & 1));
	switch (type) {
	case CAP_NUMBER:
		return cap_number(machine_below(2) ? machine_random() : 0x0FF00FF4 | machine_below(16) << 12, 0, 0);
	case CAP_RANGE:
		return (struct cap){ .type = CAP_RANGE, .count = PLAYGROUND, .ref = REF_MAKE(playground_oid, 0, 0) };
	case CAP_IRQ:
		return cap_misc(CAP_IRQ, 0, IRQ_ANY);
	case CAP_IOPORT:
		return cap_misc(CAP_IOPORT, 0, 0);
	case CAP_LOG:
		return cap_misc(CAP_LOG, LOG_POWER, 0);
	case CAP_SCHEDULE:
		if (machine_below(2))
			return cap_misc(CAP_SCHEDULE, machine_below(PRIORITIES), 0);
	}
	return type >= CAP_PAGE && type <= CAP_NOTICE ? random_object(type) : cap_misc(type, 0, 0);
}

static const struct fuzz_op *random_op(unsigned type)
{
	const char *name = type == CAP_FETCH || type == CAP_SENSE ? "node" : type == CAP_FRONTEND ? "segment" :
			   cap_type_name(type);
	const unsigned count = sizeof fuzz_ops / sizeof fuzz_ops[0];
	unsigned first = machine_below(count);

	for (unsigned i = 0; machine_below(16) && i < count; i++)
		if (!strcmp(fuzz_ops[(first + i) % count].interface, name))
			return &fuzz_ops[(first + i) % count];
	return &fuzz_ops[first];
}

static uint64_t random_word(void)
{
	switch (machine_below(8)) {
	case 0:
		return machine_random();
	case 1:
		return 1ull << machine_below(64);
	case 2:
		return -machine_below(4);
	case 3:
		return machine_below(PLAYGROUND * 16);
	case 4:
		return machine.now_ns + machine_below(10000000);
	default:
		return machine_below(18);
	}
}

static uint64_t random_address(void)
{
	if (!machine_below(8))
		return random_word();
	return MEMORY + machine_below(MEMORY_PAGES * PAGE_SIZE);
}

static void random_call(struct process *p)
{
	unsigned reg = machine_below(CAP_REGISTERS);
	const struct fuzz_op *op = random_op(p->caps[reg].type);
	struct call c = { .order = op->first + machine_below(op->last - op->first + 1) };

	c.op = machine_below(8) < 5 ? INV_CALL : machine_below(2) ? INV_RETURN : INV_SEND;
	if (!machine_below(32))
		c.order = machine_below(2) ? KT : (uint32_t)machine_random();
	if (!machine_below(64))
		c.control = 1u << machine_below(24);
	for (unsigned i = 0; i < INV_WORDS; i++)
		c.w[i] = random_word();
	for (unsigned i = 0; i < INV_CAPS; i++) {
		c.send[i] = machine_below(CAP_REGISTERS + 2);
		c.receive[i] = machine_below(4) ? 0 : machine_below(CAP_REGISTERS + 2);
	}
	if (op->string_max || !machine_below(8)) {
		c.string = random_address();
		c.length = machine_below(4) ? op->string_max : machine_below(2) ? machine_below(70000) : random_word();
	}
	if (!machine_below(3)) {
		c.buffer = random_address();
		c.limit = machine_below(2) ? machine_below(3 * PAGE_SIZE) : random_word();
	}
	machine_call(p, reg, &c);
}

static void random_step(void)
{
	struct process *p = random_process();

	switch (machine_below(32)) {
	case 0:
		machine_fault(p, random_address(), machine_below(4));
		break;
	case 1:
		machine_execute(p);
		machine_pass(machine_below(2 * SLICE_NS));
		break;
	case 2: case 3: case 4:
		p->caps[1 + machine_below(CAP_REGISTERS - 1)] = random_cap();
		break;
	case 5:
		machine_execute(p);
		memset(machine_use_fpu(), (int)machine_below(256), 512);
		break;
	case 6:
		if (cpu.current && !machine_below(4))
			machine_next();
		break;
	default:
		random_call(p);
	}
}

/* What the processes need to go on: memory, a schedule, sometimes a keeper. */
static void restore(struct process *p)
{
	p->slots[PSLOT_SCHEDULE] = cap_misc(CAP_SCHEDULE, machine_below(PRIORITIES), 0);
	schedule_refresh(p);
	if (!cap_node(&p->slots[PSLOT_SPACE])) {
		p->slots[PSLOT_SPACE] = process[0]->slots[PSLOT_SPACE];
		p->space = SPACE_NONE;
	}
	if (machine_below(2))
		p->slots[PSLOT_KEEPER] = process_cap(random_process(), CAP_START, 7);
}

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 128, .tables = 24, .dma = 4, .pack_pages = 3 });
	for (unsigned i = 0; i < PROCESSES; i++) {
		process[i] = machine_process(machine_below(PRIORITIES));
		machine_memory(process[i], MEMORY, MEMORY_PAGES);
		for (unsigned j = 0; j < MEMORY_PAGES * PAGE_SIZE; j += 8)
			*(uint64_t *)machine_user(process[i], MEMORY + j) = machine_random();
	}
	playground_oid = machine.next_oid;
	for (unsigned i = 0; i < PLAYGROUND; i++)
		if (i % 3)
			frame_retype(frame_get(playground_oid + i), i % 3 == 1 ? FRAME_POT : FRAME_PROCESS);
		else
			frame_get(playground_oid + i);
	for (unsigned i = 0; i < PROCESSES; i++)
		for (unsigned reg = 1; reg < CAP_REGISTERS; reg++)
			process[i]->caps[reg] = random_cap();
}

static void no_condition_breaks(void **state)
{
	(void)state;
	make_world();
	for (unsigned i = 0; i < STEPS; i++) {
		int broken;

		random_step();
		if (i % 100)
			continue;
		restore(process[machine_below(PROCESSES)]);
		broken = object_check();
		if (!broken)
			broken = space_check();
		if (broken)
			fail_msg("C%d after %u steps", broken, i + 1);
	}
	print_message("%lu invocations, %lu faults, %lu notices, %lu stalls, %lu translations\n", kernel_stats.invocations,
		      kernel_stats.faults, kernel_stats.notices, kernel_stats.stalls, kernel_stats.fills);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_condition_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
