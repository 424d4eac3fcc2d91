/*
 * machine.c - the current process, its FPU state, and what of arch.h is one instruction.
 *
 * FPU state is switched lazily: cpu.fpu_owner is whose state the registers hold; for anybody
 * else CR0.TS makes the first use trap, and fpu_switch changes owners.
 */
#include "arch.h"
#include "mem/space.h"
#include "panic.h"
#include "sched/sched.h"
#include "switch.h"
#include "x86.h"

#define XCR0_STATES 7ull               /* x87, SSE, AVX */
#define MXCSR_INITIAL 0x1F80
#define MXCSR_MASK 0xFFFF

extern uint64_t kernel_root_pfn;
static uint8_t fpu_initial[PROCESS_FPU_BYTES] __attribute__((aligned(64)));
bool fpu_trapping;

/* ---- FPU --------------------------------------------------------------------------------- */

static void fpu_store(void *image)
{
	__asm__ volatile("xsave (%0)" : : "r"(image), "a"((uint32_t)XCR0_STATES), "d"(0) : "memory");
}

static void fpu_load(const void *image)
{
	__asm__ volatile("xrstor (%0)" : : "r"(image), "a"((uint32_t)XCR0_STATES), "d"(0) : "memory");
}

void fpu_init(void)
{
	uint64_t cr0;
	uint32_t a = 13, b, c = 0, d;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 = (cr0 & ~(1ull << 2 | 1ull << 3)) | 1 << 1 | 1 << 5;   /* MP, NE; not EM, TS */
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0));
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)XCR0_STATES), "d"(0));
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	KCHECK(17, b <= PROCESS_FPU_BYTES, "the processor's state fits into a process");
	*(uint32_t *)(fpu_initial + 24) = MXCSR_INITIAL;
}

void arch_fpu_save(struct process *p)
{
	if (cpu.fpu_owner != p)
		return;
	fpu_trap(false);
	fpu_store(p->fpu);
	p->flags |= PROCESS_FPU_USED;
	fpu_trap(cpu.current != p);
}

void arch_fpu_forget(struct process *p)
{
	if (cpu.fpu_owner != p)
		return;
	cpu.fpu_owner = NULL;
	fpu_trap(true);
}

void fpu_switch(void)
{
	struct process *p = cpu.current;

	fpu_trap(false);
	if (cpu.fpu_owner == p)
		return;
	if (cpu.fpu_owner) {
		fpu_store(cpu.fpu_owner->fpu);
		cpu.fpu_owner->flags |= PROCESS_FPU_USED;
	}
	fpu_load(p->flags & PROCESS_FPU_USED ? p->fpu : fpu_initial);
	cpu.fpu_owner = p;
}

/* The header of the XSAVE image: AMD64 volume 4, chapter 11; XRSTOR faults on anything else. */
bool arch_fpu_valid(const void *image, size_t length)
{
	const uint64_t *header = (const uint64_t *)((const uint8_t *)image + 512);
	uint32_t mxcsr = *(const uint32_t *)((const uint8_t *)image + 24);

	if (length < 576 || length > PROCESS_FPU_BYTES || (mxcsr & ~MXCSR_MASK) || (header[0] & ~XCR0_STATES))
		return false;
	if ((header[0] & 4) && length < 832)
		return false;
	for (unsigned i = 1; i < 8; i++)
		if (header[i])
			return false;
	return true;
}

/* ---- processes --------------------------------------------------------------------------- */

void arch_process_init(struct process *p)
{
	p->regs.cs = SEL_USER_CODE;
	p->regs.ss = SEL_USER_DATA;
	p->regs.rflags = FLAG_IF | 2;
}

static bool is_user_address(uint64_t at)
{
	return at < USER_END;
}

bool arch_regs_valid(uint64_t rip, uint64_t fs_base, uint64_t gs_base)
{
	return is_user_address(rip) && is_user_address(fs_base) && is_user_address(gs_base);
}

uint64_t arch_flags_safe(uint64_t rflags)
{
	return (rflags & FLAGS_USER) | FLAG_IF | 2;
}

void arch_bases_save(struct process *p)
{
	__asm__ volatile("rdfsbase %0" : "=r"(p->fs_base));
	__asm__ volatile("rdgsbase %0" : "=r"(p->gs_base));
}

static void bases_load(const struct process *p)
{
	__asm__ volatile("wrfsbase %0" : : "r"(p->fs_base));
	__asm__ volatile("wrgsbase %0" : : "r"(p->gs_base));
}

void arch_space_unload(void)
{
	write_cr3(kernel_root_pfn << 12);
}

static void space_load(struct process *p)
{
	struct space *s = space_of(p);

	if (s == cpu.loaded)
		return;
	cpu.loaded = s;
	write_cr3((s ? s->root_pfn : kernel_root_pfn) << 12);
}

void arch_set_current(struct process *p)
{
	if (cpu.current != p) {
		if (cpu.current && cpu.bases_owner == cpu.current)
			arch_bases_save(cpu.current);
		cpu.current = p;
		cpu.frame_top = (uint64_t)(&p->regs + 1);
		tss_set_stack(cpu.frame_top);
	}
	if (cpu.bases_owner != p) {
		bases_load(p);
		cpu.bases_owner = p;
	}
	fpu_trap(cpu.fpu_owner != p);
	space_load(p);
}

/* ---- ports ------------------------------------------------------------------------------- */

uint32_t arch_port_in(uint16_t port, unsigned size)
{
	uint32_t value = 0;

	if (size == 1)
		__asm__ volatile("inb %w1, %b0" : "+a"(value) : "Nd"(port));
	else if (size == 2)
		__asm__ volatile("inw %w1, %w0" : "+a"(value) : "Nd"(port));
	else
		__asm__ volatile("inl %w1, %0" : "+a"(value) : "Nd"(port));
	return value;
}

void arch_port_out(uint16_t port, unsigned size, uint32_t value)
{
	if (size == 1)
		__asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
	else if (size == 2)
		__asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port));
	else
		__asm__ volatile("outl %0, %w1" : : "a"(value), "Nd"(port));
}
