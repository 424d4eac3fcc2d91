/*
 * process_test.c - control of a process through its process capability.
 */
#include "machine_test.h"
#include <string.h>
#include "kernel/process.h"
#include "mem/space.h"

#define BUFFER 0x40000ull

static struct process *p, *subject;

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 24 });
	p = machine_process(6);
	subject = machine_process(3);
	machine_memory(p, BUFFER, 2);
	p->caps[9] = process_cap(subject, CAP_PROCESS, 0);
	p->caps[8] = process_cap(p, CAP_PROCESS, 0);
	p->caps[10] = cap_number(42, 0, 0);
	machine_execute(p);
}

static void finish(void)
{
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void slots_and_registers_are_swapped(void **state)
{
	(void)state;
	make_world();
	for (unsigned i = 0; i < PSLOT_BRAND; i++) {
		assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SWAP_SLOT, .w = { i }, .send = { 10 }), RC_OK);
		assert_int_equal(CALL(p, 9, .order = PROCESS_OC_GET_SLOT, .w = { i }, .receive = { 11 }), RC_OK);
		assert_int_equal(p->caps[11].ref, 42);
	}
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_GET_SLOT, .w = { PSLOT_BRAND }), RC_NOACCESS);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SWAP_SLOT, .w = { PSLOT_BRAND }), RC_NOACCESS);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_GET_SLOT, .w = { 5 }), RC_REQUEST);
	for (unsigned i = 0; i < CAP_REGISTERS; i++)
		CALL(p, 9, .order = PROCESS_OC_SWAP_REG, .w = { i }, .send = { 10 });
	assert_true(cap_is_void(&subject->caps[CR_VOID]));
	assert_int_equal(subject->caps[31].ref, 42);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SWAP_REG, .w = { 32 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_GET_REG, .w = { ~0ull }), RC_REQUEST);
	finish();
}

static void registers_from_outside_are_made_safe(void **state)
{
	struct reg_image *image;

	(void)state;
	make_world();
	image = machine_user(p, BUFFER);
	*image = (struct reg_image){ .rax = 1, .rip = 0x401000, .rflags = ~0ull, .rsp = 0xFFFF800000000000, .fs_base = 0x5000 };
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_REGS, .string = BUFFER, .length = sizeof *image), RC_OK);
	assert_int_equal(subject->regs.rflags, arch_flags_safe(~0ull));
	assert_int_equal(subject->regs.rflags & 0x3000, 0);       /* no I/O privilege */
	assert_int_equal(subject->fs_base, 0x5000);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_GET_REGS, .buffer = BUFFER + PAGE_SIZE, .limit = 200), RC_OK);
	assert_int_equal(p->regs.r13, sizeof *image);
	assert_int_equal(((struct reg_image *)machine_user(p, BUFFER + PAGE_SIZE))->rip, 0x401000);
	for (unsigned i = 0; i < 4; i++) {
		struct reg_image bad = { .rip = 0x1000 };

		*(i == 0 ? &bad.rip : i == 1 ? &bad.fs_base : i == 2 ? &bad.gs_base : &bad.foreign_entry) = 1ull << 47;
		*image = bad;
		assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_REGS, .string = BUFFER, .length = sizeof bad), RC_REQUEST);
	}
	*image = (struct reg_image){ .rip = 0x1000 };
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_REGS, .string = BUFFER, .length = sizeof *image - 1), RC_REQUEST);
	assert_int_equal(CALL(p, 8, .order = PROCESS_OC_SET_REGS, .string = BUFFER, .length = sizeof *image), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_SPACE_AND_PC, .w = { ~0ull }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_FOREIGN_ENTRY, .w = { 1ull << 63 }), RC_REQUEST);
	finish();
}

static void fpu_state_is_kept_and_checked(void **state)
{
	uint8_t *image;

	(void)state;
	make_world();
	image = machine_user(p, BUFFER);
	memset(image, 0, PAGE_SIZE);
	image[160] = 0x99;
	image[512] = 3;
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_FPU, .string = BUFFER, .length = 576), RC_OK);
	machine_execute(subject);
	assert_int_equal(machine_use_fpu()[160], 0x99);
	machine_use_fpu()[161] = 0x77;
	machine_execute(p);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_GET_FPU, .buffer = BUFFER + PAGE_SIZE, .limit = PAGE_SIZE), RC_OK);
	assert_int_equal(p->regs.r13, PROCESS_FPU_BYTES);
	assert_int_equal(((uint8_t *)machine_user(p, BUFFER + PAGE_SIZE))[161], 0x77);
	image[512] = 8;
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_FPU, .string = BUFFER, .length = 576), RC_REQUEST);
	image[512] = 3;
	image[530] = 1;
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_FPU, .string = BUFFER, .length = 576), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_SET_FPU, .string = BUFFER, .length = 100), RC_REQUEST);
	finish();
}

static void states_follow_the_operations(void **state)
{
	static const struct { uint32_t order; unsigned state; } steps[] = {
		{ PROCESS_OC_RUN, PROC_RUNNING }, { PROCESS_OC_STOP, PROC_WAITING },
		{ PROCESS_OC_MAKE_AVAILABLE, PROC_AVAILABLE }, { PROCESS_OC_MAKE_RESUME, PROC_WAITING },
		{ PROCESS_OC_WAKE, PROC_RUNNING }, { PROCESS_OC_MAKE_FAULT_RESUME, PROC_WAITING },
		{ PROCESS_OC_RUN, PROC_RUNNING }, { PROCESS_OC_MAKE_AVAILABLE, PROC_AVAILABLE },
		{ PROCESS_OC_STOP, PROC_WAITING },
	};

	(void)state;
	make_world();
	for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		assert_int_equal(CALL(p, 9, .order = steps[i].order, .w = { 77 }), RC_OK);
		assert_int_equal(subject->state, steps[i].state);
		assert_int_equal(object_check(), 0);
		CALL(p, 9, .order = PROCESS_OC_GET_STATE);
		assert_int_equal(p->regs.rdi, steps[i].state);
	}
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_RUN), RC_OK);
	assert_int_equal(CALL(p, 9, .order = PROCESS_OC_WAKE), RC_AGAIN);
	for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++)
		assert_int_not_equal(CALL(p, 8, .order = steps[i].order), RC_OK);       /* not to oneself */
	finish();
}

/* Random operations on a few processes, among them the caller: the queues stay right. */
static void any_order_of_operations_is_sound(void **state)
{
	struct process *all[4];

	(void)state;
	make_world();
	all[0] = p;
	all[1] = subject;
	all[2] = machine_process(9);
	all[3] = machine_process(3);
	for (unsigned i = 0; i < 20000; i++) {
		struct process *caller = all[machine_below(4)];

		caller->caps[9] = process_cap(all[machine_below(4)], CAP_PROCESS, 0);
		caller->caps[10] = process_cap(all[machine_below(4)], machine_below(2) ? CAP_START : CAP_NOTICE, 3);
		caller->caps[11] = process_resume_cap(all[machine_below(4)], machine_below(2) ? RESUME_RETURN : RESUME_FAULT);
		machine_call(caller, 9 + machine_below(3),
			     &(struct call){ .order = machine_below(21), .op = machine_below(3) << 8, .w = { machine_below(5) },
					     .send = { 10, 11, 9, 11 }, .receive = { 12, 0, 0, 13 } });
		all[machine_below(4)]->slots[PSLOT_SCHEDULE] = cap_misc(CAP_SCHEDULE, machine_below(16), 0);
		if (object_check())
			fail_msg("C%d after %u operations", object_check(), i + 1);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_and_registers_are_swapped),
		cmocka_unit_test(registers_from_outside_are_made_safe),
		cmocka_unit_test(fpu_state_is_kept_and_checked),
		cmocka_unit_test(states_follow_the_operations),
		cmocka_unit_test(any_order_of_operations_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
