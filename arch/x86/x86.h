/*
 * x86.h - words of the processor and the PC, for arch/x86 alone.
 */
#ifndef X86_H
#define X86_H

#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_USER_DATA   0x1B
#define SEL_USER_CODE   0x23
#define SEL_TSS         0x28

#define KERNEL_VIRTUAL  0xFFFFFFFF80000000     /* the image; physical address + this */
#define PHYSICAL_BASE   0xFFFF800000000000     /* all memory, not executable */

#include "pte.h"

#define CR4_TSD   4ull

#define FLAG_IF   0x200ull
#define FLAGS_USER 0x240DD5ull           /* CF PF AF ZF SF TF DF OF AC ID: what a program may choose */
#define FLAGS_ENTRY_MASK 0x44700ull      /* TF IF DF NT AC are clear in the kernel */

#define MSR_EFER   0xC0000080
#define MSR_STAR   0xC0000081
#define MSR_LSTAR  0xC0000082
#define MSR_SFMASK 0xC0000084

#ifndef __ASSEMBLER__
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline uint64_t read_cr2(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline void write_cr3(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void invlpg(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

void tables_init(uint64_t memory_end, uint64_t (*frame)(void));  /* the kernel's own page tables */
void table_load_kernel(void);
void descriptors_init(void);             /* GDT, TSS, IDT, syscall entry, control registers */
void tss_set_stack(uint64_t top);        /* where a trap from user mode begins to push */
void serial_init(void);                  /* the early console, if there is one */
void pic_init(void);                     /* both interrupt controllers, every line masked */
void pic_eoi(unsigned line);             /* the line's interrupt was taken */
int pic_spurious(unsigned line);         /* it was none: nothing asked */
int pic_level(unsigned line);            /* the line asks as long as it is raised, and so is masked until it was served */
bool irq_masked(unsigned line);
void time_init(void);                    /* the HPET counts from now on; no interrupt of it is set yet */
void timer_fired(void);                /* the timer interrupted: it is not set any more */
void fpu_init(void);
void fpu_switch(void);                   /* the current process touched the FPU */
struct process;
void trace_print(uint64_t rbp);          /* who called whom, from that frame pointer on, to the log */
#endif
#endif
