/*
 * trap.c - what the kernel tells about a process that cannot go on: page faults, which are the
 * ordinary way of memory, and processor exceptions, which become signals.
 */
#include <signal.h>
#include "process.h"
#include "record.h"

static void trap_signal(struct proc *p, int sig, int code, uint64_t address)
{
	static struct context context;

	context_get(p, &context, false);
	shim_leave(p, &context.regs);
	signal_force(p, sig, code, address, &context);
}

/* The shim's time call stores where the program said: a bad pointer there is the call's EFAULT. */
static bool trap_in_time_call(struct proc *p, uint64_t rip)
{
	struct reg_image regs;

	if (rip < SHIM_AT(shim_time_store) || rip >= SHIM_AT(shim_time_done))
		return false;
	regs_get(p, &regs);
	regs.rdx = mm_shim(p->mm)->saved_rdx;
	regs.rax = 228;
	regs.rip = SHIM_AT(shim_slow);
	regs_set(p, &regs);
	return true;
}

static void trap_memory(struct proc *p, uint64_t address, unsigned access, uint64_t rip, bool *retry)
{
	enum mm_fault result = mm_fault(p->mm, address, access);

	*retry = result == MM_OK || ((result == MM_UNMAPPED || result == MM_DENIED || result == MM_BUS) &&
				     trap_in_time_call(p, rip));
	if (*retry)
		return;
	switch (result) {
	case MM_NO_MEMORY:
		server_log("posix-server: the sandbox's bank is at its limit: process %d (%s) is killed\n", p->pid, p->comm);
		proc_exit(p, SIGKILL);
		break;
	case MM_BUS:
		trap_signal(p, SIGBUS, BUS_ADRERR, address);
		break;
	default:
		trap_signal(p, SIGSEGV, result == MM_DENIED ? SEGV_ACCERR : SEGV_MAPERR, address);
	}
}

#define NR_COUNTER 65535u              /* in the record, where a call's number stands */

static void counter_record(struct proc *p)
{
	static const char name[] = "processor's counter";
	uint32_t nr = p->nr;

	p->nr = NR_COUNTER;
	record_name(p, RECORD_CLOCK, USE_READ, name, sizeof name - 1, 0);
	p->nr = nr;
}

/*
 * rdtsc or rdtscp where there is no full clock, so that the processor's counter traps.  A coarse clock tells coarse
 * time; without one the counter counts how often it was asked, since the loader of every dynamic program asks and has
 * no use for the answer.
 */
static bool trap_counter(struct proc *p, uint64_t rip)
{
	static uint64_t asked;
	uint8_t code[3] = { 0 };
	struct reg_image regs;
	uint64_t count;
	unsigned length = 2;

	if (clock_grant == CLOCK_FULL || user_read(p, code, rip, 2) || code[0] != 0x0F)
		return false;
	if (code[1] == 0x01 && !user_read(p, code + 2, rip + 2, 1) && code[2] == 0xF9)
		length = 3;
	else if (code[1] != 0x31)
		return false;
	regs_get(p, &regs);
	if (record_on)
		counter_record(p);
	count = clock_grant == CLOCK_COARSE ? clock_told(now_ns()) : ++asked;
	regs.rax = (uint32_t)count;
	regs.rdx = count >> 32;
	if (length == 3)
		regs.rcx = 0;
	regs.rip += length;
	regs_set(p, &regs);
	return true;
}

/* w: fault code, address or information, error code, rip.  *retry: it may go on where it is. */
void trap_handle(struct proc *p, const uint64_t *w, bool *retry)
{
	uint64_t rip = w[3];

	switch (w[0]) {
	case FAULT_MEMORY:
		trap_memory(p, w[1], w[2], rip, retry);
		return;
	case FAULT_DISK:
		server_log("posix-server: process %d (%s): the disk cannot give back its page at %lx\n", p->pid, p->comm,
			   (unsigned long)w[1]);
		*retry = trap_in_time_call(p, rip);
		if (!*retry)
			trap_signal(p, SIGBUS, BUS_OBJERR, w[1]);
		return;
	case FAULT_DIVIDE:
		trap_signal(p, SIGFPE, FPE_INTDIV, rip);
		return;
	case FAULT_FPU:
	case FAULT_SIMD:
		trap_signal(p, SIGFPE, FPE_FLTINV, rip);
		return;
	case FAULT_DEBUG:
		trap_signal(p, SIGTRAP, TRAP_TRACE, rip);
		return;
	case FAULT_BREAKPOINT:
		trap_signal(p, SIGTRAP, SI_KERNEL, 0);
		return;
	case FAULT_OPCODE:
	case FAULT_INVOCATION:
		trap_signal(p, SIGILL, ILL_ILLOPN, rip);
		return;
	case FAULT_ALIGN:
		trap_signal(p, SIGBUS, BUS_ADRALN, 0);
		return;
	case FAULT_PROTECTION:
		*retry = trap_counter(p, rip);
		if (*retry)
			return;
		/* fall through */
	case FAULT_OVERFLOW: case FAULT_BOUNDS: case FAULT_STACK:
		trap_signal(p, SIGSEGV, SI_KERNEL, 0);
		return;
	}
	server_log("posix-server: process %d stopped with fault %lu at %lx\n", p->pid, (unsigned long)w[0],
		   (unsigned long)rip);
	proc_exit(p, SIGKILL);
}
