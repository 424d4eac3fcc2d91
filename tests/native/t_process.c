/*
 * t_process.c - processes as objects: registers and slots, resume capabilities, brands.  Their messages are in t_ipc.c.
 */
#include "t.h"

static void test_process_operations(void)
{
	static uint8_t image[1088];
	struct reg_image r = { 0 }, back;
	uint64_t state, code;
	size_t length;

	t_alloc(T_PROCESS, T_A);
	t_ok(t_type(T_A) == PROCESS_TYPE, "a process tells its type");
	process_get_state(T_A, &state, &code, NULL, NULL);
	t_ok(state == 2 && code == 0, "a new process waits, without a fault");
	const struct t_row rows[] = {
		{ T_A, PROCESS_OC_GET_SLOT, { PSLOT_BRAND }, 0, RC_NOACCESS, "the brand cannot be read" },
		{ T_A, PROCESS_OC_SWAP_SLOT, { PSLOT_BRAND }, T_A, RC_NOACCESS, "nor set" },
		{ T_A, PROCESS_OC_GET_SLOT, { PROCESS_SLOTS }, 0, RC_REQUEST, "there is no slot 5" },
		{ T_A, PROCESS_OC_GET_SLOT, { ~0ull }, 0, RC_REQUEST, "nor the last of all" },
		{ T_A, PROCESS_OC_GET_REG, { 32 }, 0, RC_REQUEST, "nor a register 32" },
		{ T_A, PROCESS_OC_SWAP_REG, { 32 }, T_A, RC_REQUEST, "to swap either" },
		{ T_A, PROCESS_OC_RUN, { 0 }, 0, RC_REQUEST, "a process without a schedule does not run" },
		{ T_A, PROCESS_OC_WAKE, { 0 }, 0, RC_REQUEST, "and is not woken" },
		{ T_A, PROCESS_OC_SET_REGS, { 0 }, 0, RC_REQUEST, "a register image of no bytes is refused" },
		{ T_A, PROCESS_OC_CLONE, { 0 }, CR_RETURNER, RC_REQUEST, "a process is not cloned from the returner" },
		{ T_A, PROCESS_OC_SET_FOREIGN_ENTRY, { 1ull << 47 }, 0, RC_REQUEST, "a foreign entry must be canonical" },
		{ T_A, PROCESS_OC_SET_SPACE_AND_PC, { 1ull << 63 }, 0, RC_REQUEST, "so must a program counter" },
		{ CR_SELF, PROCESS_OC_STOP, { 0 }, 0, RC_REQUEST, "a process does not stop itself" },
		{ CR_SELF, PROCESS_OC_RUN, { 0 }, 0, RC_REQUEST, "nor run itself" },
		{ CR_SELF, PROCESS_OC_MAKE_RESUME, { 0 }, 0, RC_REQUEST, "nor make a resume capability to itself" },
		{ CR_SELF, PROCESS_OC_WAKE, { 0 }, 0, RC_AGAIN, "a running process is not woken" },
		{ T_A, 999, { 0 }, 0, RC_UNKNOWN, "process: order code 999 is not there" },
	};
	T_RUN(rows);

	process_swap_reg(T_A, 5, CR_RETURNER, CR_VOID);
	process_get_reg(T_A, 5, T_B);
	t_ok(t_same(T_B, CR_RETURNER), "a capability register is set and read");
	process_swap_reg(T_A, 0, CR_RETURNER, CR_VOID);
	process_get_reg(T_A, 0, T_B);
	t_ok(t_is_void(T_B), "but for register 0");

	r.rip = 0x400000;
	r.rax = 1, r.r15 = 15, r.rflags = ~0ull, r.rsp = ~0ull;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_OK, "registers are set");
	process_get_regs(T_A, &back, sizeof back, &length);
	t_ok(length == sizeof back && back.rax == 1 && back.r15 == 15 && back.rip == 0x400000, "and read");
	t_ok((back.rflags & 0x3000) == 0 && (back.rflags & 0x200) && !(back.rflags & 0x4000),
	     "flags are made safe: no I/O privilege, interrupts on, no nested task");
	r.rip = 1ull << 47;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_REQUEST, "a program counter that is not canonical is refused");
	r.rip = 0xFFFFFFFF80000000ull;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_REQUEST, "and one in the kernel");
	r.rip = 0x400000;
	r.gs_base = 1ull << 60;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_REQUEST, "and such a base");
	r.gs_base = 0;
	t_rc(process_set_regs(T_A, &r, sizeof r - 1), RC_REQUEST, "and an image one byte short");
	memset(image, 0xFF, sizeof image);
	t_rc(process_set_fpu(T_A, image, sizeof image), RC_REQUEST, "an FPU image that the processor would refuse is refused");
	t_rc(process_set_fpu(T_A, image, 100), RC_REQUEST, "so is a short one");
	t_rc(process_get_fpu(T_A, image, sizeof image, &length), RC_OK, "the FPU image is read");
	t_rc(process_set_fpu(T_A, image, length), RC_OK, "and set again");
}

static volatile uint64_t resumed;

static void count_resumes(void *unused)
{
	(void)unused;
	resumed++;
}

static void test_resume(void)
{
	struct msg m = { .order = 5 };

	resumed = 0;
	t_ok(t_helper(T_A, 0, CR_VOID, count_resumes, NULL), "a helper is made");
	t_rc(process_make_resume(T_A, T_B), RC_OK, "a resume capability is made");
	process_make_resume(T_A, T_C);
	t_ok(t_is_void(T_B) && !t_is_void(T_C), "the next one makes it void");
	cap_copy(T_D, T_C);
	t_ok(t_same(T_C, T_D) && resumed == 0, "it can be copied without using it");
	inv_send(T_C, &m);
	t_ok(t_wait(&resumed, 1), "it restarts its process");
	t_ok(t_is_void(T_C) && t_is_void(T_D), "and all copies are void then");
	m = (struct msg){ .order = 5 };
	t_rc(inv_call(T_D, &m), RC_VOID, "calling a used one answers RC_VOID");
	t_sleep_ms(2);
	t_ok(resumed == 1, "and restarts nothing");
	process_make_resume(T_A, T_B);
	process_stop(T_A, NULL);
	t_ok(t_is_void(T_B), "stopping a process makes its resume capability void");
	process_make_fault_resume(T_A, T_B);
	t_helper_regs(T_A, 0, count_resumes, NULL);
	m = (struct msg){ .order = 0 };
	inv_send(T_B, &m);
	t_ok(t_wait(&resumed, 2), "a fault resume with code 0 restarts it from its registers");
}

static void test_brand(void)
{
	uint64_t data = 0;

	if (t_type(T_PROCTOOL) != PROCTOOL_TYPE) {
		t_skip("no proctool was given");
		return;
	}
	t_alloc(T_PROCESS, T_A);
	t_alloc(T_NODE, T_B);                  /* the brand */
	t_alloc(T_NODE, T_C);                  /* another */
	process_make_start(T_A, 0x1234, T_D);
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_B, &data, T_E), RC_REQUEST, "no brand: not identified");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, CR_VOID, &data, T_E), RC_REQUEST, "not even by void");
	t_rc(proctool_set_brand(T_PROCTOOL, T_A, T_B), RC_OK, "a brand is set");
	t_rc(proctool_set_brand(T_PROCTOOL, T_A, T_C), RC_REQUEST, "but once");
	t_rc(proctool_set_brand(T_PROCTOOL, T_B, T_C), RC_REQUEST, "and only on a process");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_C, &data, T_E), RC_REQUEST, "another brand does not open it");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_B, &data, T_E), RC_OK, "its brand does");
	t_ok(data == 0x1234 && t_same(T_E, T_A), "and gives data and process");
	process_make_resume(T_A, T_D);
	t_rc(proctool_identify_resume(T_PROCTOOL, T_D, T_B, &data, T_E), RC_OK, "a resume capability is opened");
	t_ok(t_same(T_E, T_A) && !t_is_void(T_D), "and not used up");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_B, &data, T_E), RC_REQUEST, "it is not a start capability");
	t_rc(proctool_identify_process(T_PROCTOOL, T_A, T_B, T_E), RC_OK, "a process is recognised");
	process_make_start(T_A, 9, T_D);
	t_alloc(T_NODE, T_F);
	node_swap(T_F, 14, T_D, CR_VOID);
	node_write_number(T_F, 15, 0x0FFFEF53, 0);         /* keeper slot 14, five initial slots, lss 3 */
	node_make_segment(T_F, 0, T_G);
	t_rc(proctool_identify_segment(T_PROCTOOL, T_G, T_B, &data, T_E), RC_OK, "a red segment is opened by its keeper's brand");
	t_ok(data == 9 && t_type(T_E) == NODE_TYPE, "and gives data and node");
	t_rc(proctool_identify_segment(T_PROCTOOL, T_G, T_C, &data, T_E), RC_REQUEST, "not by another brand");
	node_make_segment(T_F, DB_NOCALL, T_G);
	t_rc(proctool_identify_segment(T_PROCTOOL, T_G, T_B, &data, T_E), RC_REQUEST, "nor if it is no-call");
}

int main(void)
{
	t_begin("processes: operations, resume capabilities, brands");
	test_process_operations();
	test_resume();
	test_brand();
	return t_end();
}
