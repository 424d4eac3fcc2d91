/*
 * trap.c - exceptions and interrupts to the kernel's words for them.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "object/device.h"
#include "object/persist.h"
#include "panic.h"
#include "sched/sched.h"
#include "x86.h"

#define VECTOR_FPU 7
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE 14
#define VECTOR_IRQ 32

static const uint8_t fault_of_vector[32] = {
	[0] = FAULT_DIVIDE, [1] = FAULT_DEBUG, [3] = FAULT_BREAKPOINT, [4] = FAULT_OVERFLOW, [5] = FAULT_BOUNDS,
	[6] = FAULT_OPCODE, [10] = FAULT_PROTECTION, [11] = FAULT_PROTECTION, [12] = FAULT_STACK,
	[13] = FAULT_PROTECTION, [16] = FAULT_FPU, [17] = FAULT_ALIGN, [19] = FAULT_SIMD, [21] = FAULT_PROTECTION,
};

static void serve_irq(unsigned line)
{
	if (pic_spurious(line))
		return;
	if (line == 0) {
		pic_eoi(0);
		timer_fired();
		sched_timer();
		persist_step();
		return;
	}
	if (arch_disk_line(line)) {
		bool disk = arch_disk_interrupted();   /* before the end of interrupt: it lowers the line */

		persist_step();
		/* Whoever shares the line with it and has something to say interrupts again. */
		if (disk && pic_level(line)) {
			pic_eoi(line);
			return;
		}
	}
	irq_fired(line);
	pic_eoi(line);
}

static void __attribute__((noreturn)) page_fault(struct process *p)
{
	uint64_t error = p->regs.error;
	unsigned access = (error & 2 ? FAULT_ACCESS_WRITE : 0) | (error & 16 ? FAULT_ACCESS_EXEC : 0) |
			  (error & 1 ? FAULT_ACCESS_PRESENT : 0);

	fault_memory(read_cr2(), access);
}

/* rdtsc and rdtscp trap in a life that goes on from an earlier one (arch_time_continue), and when some process has no
 * clock: its own are faults, those of others are answered. */
static bool answer_rdtsc(struct process *p)
{
	uint8_t code[3] = { 0 };
	struct ustring from = { p, p->regs.rip, 2 };
	uint64_t tsc = arch_tsc_user(), fault_va;
	unsigned length = 2;

	if (p->foreign_entry & 1)
		return false;
	if (!ustring_probe(&from, false, &fault_va) || ustring_fetch(code, &from) < 2 || code[0] != 0x0F)
		return false;
	if (code[1] == 0x01) {
		from.length = 3;
		if (!ustring_probe(&from, false, &fault_va) || ustring_fetch(code, &from) < 3 || code[2] != 0xF9)
			return false;
		p->regs.rcx = 0;               /* the processor's number */
		length = 3;
	} else if (code[1] != 0x31) {
		return false;
	}
	p->regs.rax = (uint32_t)tsc;
	p->regs.rdx = tsc >> 32;
	p->regs.rip += length;
	return true;
}

/* Long: the decoder of vectors from user mode. */
__attribute__((noreturn)) void trap_user(unsigned vector);
void trap_user(unsigned vector)
{
	struct process *p = cpu.current;

	p->flags &= ~PROCESS_SYSRET;
	if (vector == VECTOR_PAGE)
		page_fault(p);
	if (vector >= VECTOR_IRQ) {
		serve_irq(vector - VECTOR_IRQ);
		sched_continue();
	}
	if (vector == VECTOR_FPU) {
		fpu_switch();
		sched_continue();
	}
	if (vector == VECTOR_PROTECTION && answer_rdtsc(p))
		sched_continue();
	KCHECK(20, fault_of_vector[vector], "a processor exception from user mode is one of the known kinds");
	fault_process(fault_of_vector[vector], p->regs.rip);
}

static void print_regs(const struct regs *r)
{
	kprintf("rip %lx rsp %lx flags %lx error %lx cr2 %lx\n", r->rip, r->rsp, r->rflags, r->error, read_cr2());
	kprintf("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx\n", r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi);
	kprintf("rbp %lx r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx\n", r->rbp, r->r8, r->r9,
		r->r10, r->r11, r->r12, r->r13, r->r14, r->r15);
}

void trap_kernel(unsigned vector, const struct regs *r);
void trap_kernel(unsigned vector, const struct regs *r)
{
	if (vector >= VECTOR_IRQ && cpu.idle) {
		serve_irq(vector - VECTOR_IRQ);
		return;
	}
	kprintf("\nKEROS FAILURE C21: processor exception %u inside the kernel\n", vector);
	print_regs(r);
	trace_print(r->rbp);
	kprintf("user:\n");
	if (cpu.current)
		print_regs(&cpu.current->regs);
	arch_power_off(0x55);
}

void arch_panic_stop(void)
{
	uint64_t rbp;

	__asm__ volatile("mov %%rbp, %0" : "=r"(rbp));
	trace_print(rbp);
	if (cpu.current) {
		kprintf("current process %lx, its registers:\n", process_frame(cpu.current)->oid);
		print_regs(&cpu.current->regs);
	}
	arch_power_off(0x55);
}
