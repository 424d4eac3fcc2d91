/*
 * descriptors.c - segments, task state, vectors, the syscall entry, control registers.
 * Manual: AMD64 volume 2, chapters 4, 6, 8.
 */
#include "arch.h"
#include "panic.h"
#include "sched/sched.h"
#include "x86.h"

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed));

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

extern const uint64_t vector_table[48];
void syscall_entry(void);

static uint64_t gdt[7];
struct tss tss __asm__("tss_rsp0_low");
static struct gate idt[256];
static uint8_t kernel_stack[16384] __attribute__((aligned(16)));
static uint8_t fatal_stack[8192] __attribute__((aligned(16)));

struct pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

void tss_set_stack(uint64_t top)
{
	tss.rsp[0] = top;
}

static void gdt_load(void)
{
	uint64_t base = (uint64_t)&tss;
	struct pointer pointer = { sizeof gdt - 1, (uint64_t)gdt };

	gdt[1] = 0x00AF9A000000FFFFull;
	gdt[2] = 0x00CF92000000FFFFull;
	gdt[3] = 0x00CFF2000000FFFFull;
	gdt[4] = 0x00AFFA000000FFFFull;
	gdt[5] = (sizeof tss - 1) | (base & 0xFFFFFF) << 16 | 0x89ull << 40 | (base >> 24 & 0xFF) << 56;
	gdt[6] = base >> 32;
	tss.ist[0] = (uint64_t)(fatal_stack + sizeof fatal_stack);
	tss.iomap = sizeof tss;
	__asm__ volatile("lgdt %0\n\t"
			 "push %1\n\tlea 1f(%%rip), %%rax\n\tpush %%rax\n\tlretq\n1:\n\t"
			 "mov %2, %%ss\n\tmov %2, %%ds\n\tmov %2, %%es\n\t"
			 "ltr %w3"
			 : : "m"(pointer), "i"(SEL_KERNEL_CODE), "r"(SEL_KERNEL_DATA), "r"(SEL_TSS) : "rax", "memory");
}

/* Only int3 and into may be asked for by a program; NMI, double fault and machine check have their own stack. */
static void idt_load(void)
{
	struct pointer pointer = { sizeof idt - 1, (uint64_t)idt };

	for (unsigned i = 0; i < 48; i++) {
		uint64_t at = vector_table[i];

		idt[i].offset_low = at;
		idt[i].offset_middle = at >> 16;
		idt[i].offset_high = at >> 32;
		idt[i].selector = SEL_KERNEL_CODE;
		idt[i].ist = i == 2 || i == 8 || i == 18;
		idt[i].type = i == 3 || i == 4 ? 0xEE : 0x8E;
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

#define CPUID7_FSGSBASE (1u << 0)
#define CPUID7_SMEP     (1u << 7)
#define CPUID7_SMAP     (1u << 20)
#define CPUID7_ECX_UMIP (1u << 2)

static void control_registers(void)
{
	uint64_t cr4;
	uint32_t a = 7, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	KCHECK(16, (b & (CPUID7_FSGSBASE | CPUID7_SMEP | CPUID7_SMAP)) == (CPUID7_FSGSBASE | CPUID7_SMEP | CPUID7_SMAP),
	       "the processor has FSGSBASE, SMEP and SMAP (QEMU: -cpu max)");
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	/* PGE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE SMEP SMAP */
	cr4 |= 1 << 7 | 1 << 9 | 1 << 10 | 1 << 16 | 1 << 18 | 1 << 20 | 1 << 21;
	if (c & CPUID7_ECX_UMIP)
		cr4 |= 1 << 11;
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
	wrmsr(MSR_STAR, (uint64_t)SEL_KERNEL_DATA << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_SFMASK, FLAGS_ENTRY_MASK);
}

void descriptors_init(void)
{
	gdt_load();
	idt_load();
	control_registers();
	cpu.kernel_stack = (uint64_t)(kernel_stack + sizeof kernel_stack) - 8;
}
