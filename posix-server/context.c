/*
 * context.c - what a process computes with, moved to the server and back: registers and FPU image
 * in one invocation each way.
 *
 * The invocations are made by hand: they are half the cost of a signal.
 */
#include <keros/process.h>
#include "process.h"

/* The registers of p, and its FPU image if it has one; stop: it is made waiting first. */
void context_get(struct proc *p, struct context *to, bool stop)
{
	uint64_t control = INV_CONTROL(PROCESS_OC_GET_CONTEXT, INV_CALL | INV_RECV_STRING, process_cap(p->index));
	uint64_t word = stop;
	register uint64_t r13 __asm__("r13") = 0;
	register void *r14 __asm__("r14") = to;
	register uint64_t r15 __asm__("r15") = CONTEXT_BYTES;

	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(word), "+r"(r13)
			 : "r"(r14), "r"(r15)
			 : "rcx", "r11", "rsi", "rdx", "r10", "r8", "r9", "memory");
	to->fpu_length = r13 > sizeof to->regs ? r13 - sizeof to->regs : 0;
}

/* Without a full clock the processor's own counter is not to be read either. */
static uint64_t shim_entry(void)
{
	return clock_grant == CLOCK_FULL ? SHIM_TEXT : SHIM_AT(shim_start_no_clock);
}

static bool context_set(struct proc *p, const struct context *from, bool run)
{
	uint64_t control = INV_CONTROL(PROCESS_OC_SET_CONTEXT, INV_CALL | INV_SEND_STRING, process_cap(p->index));
	uint64_t word = run;
	register const void *r12 __asm__("r12") = from;
	register uint64_t r13 __asm__("r13") = sizeof from->regs + from->fpu_length;

	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(word), "+r"(r13)
			 : "r"(r12)
			 : "rcx", "r11", "rsi", "rdx", "r10", "r8", "r9", "memory");
	return control >> 32 == RC_OK;
}

/* The counterpart; run: and it goes on with them.  What the kernel needs of the bases is put right here. */
void context_put(struct proc *p, struct context *from, bool run)
{
	from->regs.foreign_entry = shim_entry();
	from->regs.gs_base = SHIM_DATA;
	if (context_set(p, from, run))
		return;
	/* A bad address or FPU image came out of a frame: where it leads is a fault of the program's. */
	from->regs.rip = 0;
	from->regs.fs_base = 0;
	from->fpu_length = 0;
	context_set(p, from, run);
}

void regs_get(struct proc *p, struct reg_image *regs)
{
	size_t length;

	process_get_regs(process_cap(p->index), regs, sizeof *regs, &length);
}

void regs_set(struct proc *p, const struct reg_image *regs)
{
	struct reg_image r = *regs;

	r.foreign_entry = shim_entry();
	r.gs_base = SHIM_DATA;
	if (process_set_regs(process_cap(p->index), &r, sizeof r) == RC_OK)
		return;
	r.rip = 0;
	r.fs_base = 0;
	process_set_regs(process_cap(p->index), &r, sizeof r);
}
