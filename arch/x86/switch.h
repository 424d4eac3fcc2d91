/*
 * switch.h - the switch of the fast path, inlined into it: from the current process to one whose
 * space is known to be good.  arch_set_current (machine.c) is the same for every other case.
 */
#ifndef SWITCH_H
#define SWITCH_H
#include "mem/space.h"
#include "sched/sched.h"
#include "x86.h"

extern uint64_t tss_rsp0_low[];          /* the task state: its stack for ring 0 is at byte 4 */
extern bool fpu_trapping;

/* Inline, as all of the fast path: a call in it would make it save registers that nobody needs. */
static inline __attribute__((always_inline)) void fpu_trap(bool on)
{
	uint64_t cr0;

	if (on == fpu_trapping)
		return;
	fpu_trapping = on;
	if (!on) {
		__asm__ volatile("clts");
		return;
	}
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | 8));
}

static inline __attribute__((always_inline)) void arch_switch(struct process *p, struct process *q)
{
	struct space *s = &spaces[q->space];
	uint64_t top = (uint64_t)(&q->regs + 1);

	__asm__ volatile("rdfsbase %0" : "=r"(p->fs_base));
	__asm__ volatile("rdgsbase %0" : "=r"(p->gs_base));
	__asm__ volatile("wrfsbase %0" : : "r"(q->fs_base));
	__asm__ volatile("wrgsbase %0" : : "r"(q->gs_base));
	cpu.current = cpu.bases_owner = q;
	cpu.frame_top = top;
	__builtin_memcpy((uint8_t *)tss_rsp0_low + 4, &top, sizeof top);
	if (fpu_trapping != (cpu.fpu_owner != q))
		fpu_trap(!fpu_trapping);
	if (s != cpu.loaded) {
		cpu.loaded = s;
		write_cr3((uint64_t)s->root_pfn << 12);
	}
}
#endif
