/*
 * guard.c - see guard.h.
 *
 * The guard runs beside the interpreter in the same memory: it uses nothing of libc's or Lua's, its own stack and its
 * own capability registers, and waits for the kernel alone.
 */
#include "guard.h"
#include <keros/bank.h>
#include <keros/process.h>
#include "domain.h"
#include "call.h"
#include "heap.h"

#define STACK_BYTES    2048u
#define SYSCALL_LENGTH 2u
#define GUARD_UPSTREAM CR_APP0                 /* the guard's register: who was the keeper before */

static char *guard_stack;
static bool started;

/* The invocation that cannot be made is answered in its place. */
static bool answer_self_call(void)
{
	struct reg_image regs;
	size_t length = 0;

	if (process_get_regs(CR_ARG2, &regs, sizeof regs, &length) != RC_OK || length != sizeof regs)
		return false;
	regs.rip += SYSCALL_LENGTH;
	regs.rax = (uint64_t)RC_SELF << 32;
	return process_set_regs(CR_ARG2, &regs, sizeof regs) == RC_OK;
}

__attribute__((noreturn)) static void guard_main(void)
{
	struct msg m = { .recv = { 0, 0, CR_ARG2, CR_RETURN } };
	cap_t to = CR_VOID;

	for (;;) {
		inv_return(to, &m);
		to = CR_VOID;
		if (m.got & INV_GOT_FAULT) {
			bool answered = m.order == OC_FAULT_PROCESS && m.w[0] == FAULT_INVOCATION && answer_self_call();

			/* With another code the fault goes to the process's keeper: from now on, the one it had. */
			if (!answered)
				process_swap_slot(CR_ARG2, PSLOT_KEEPER, GUARD_UPSTREAM, CR_VOID);
			m.order = !answered;
			to = CR_RETURN;
		}
		m.recv[2] = CR_ARG2;
		m.recv[3] = CR_RETURN;
		m.send[0] = m.send[1] = m.send[2] = m.send[3] = CR_VOID;
		m.send_string = NULL;
	}
}

bool guard_start(void)
{
	struct reg_image regs = { 0 };
	cap_t guard = CR_TMP1;

	if (started)
		return true;
	if (!guard_stack && !(guard_stack = heap_alloc(NULL, NULL, 0, STACK_BYTES)))
		return false;
	if (bank_alloc_process(CR_BANK, guard) != RC_OK)
		return false;
	process_get_slot(CR_SELF, PSLOT_SPACE, CR_TMP0);
	process_swap_slot(guard, PSLOT_SPACE, CR_TMP0, CR_VOID);
	process_get_slot(CR_SELF, PSLOT_SCHEDULE, CR_TMP0);
	process_swap_slot(guard, PSLOT_SCHEDULE, CR_TMP0, CR_VOID);
	process_get_slot(CR_SELF, PSLOT_KEEPER, CR_TMP0);
	process_swap_reg(guard, GUARD_UPSTREAM, CR_TMP0, CR_VOID);
	regs.rip = (uint64_t)guard_main;
	/* As after a call: the stack is 8 bytes off a multiple of 16. */
	regs.rsp = (uint64_t)(guard_stack + STACK_BYTES - 8);
	regs.rflags = 0x202;
	if (process_set_regs(guard, &regs, sizeof regs) != RC_OK || process_run(guard) != RC_OK)
		return false;
	process_make_start(guard, 0, CR_TMP0);
	process_swap_slot(CR_SELF, PSLOT_KEEPER, CR_TMP0, CR_VOID);
	started = true;
	return true;
}

/* It waits for ever on its old stack, which an instance may use otherwise: the guard is the old domain's. */
void guard_forget(void)
{
	if (guard_stack)
		heap_alloc(NULL, guard_stack, STACK_BYTES, 0);
	guard_stack = NULL;
	started = false;
}
