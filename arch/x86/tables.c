/*
 * tables.c - the kernel's own half of every address space.
 *
 *     PHYSICAL_BASE    all memory and the PC's device area below 4 GiB, 2 MiB pages, never executable
 *     KERNEL_VIRTUAL   the image, 4 KiB pages: text is executable and read-only, rodata neither,
 *                      data writable: nothing is both writable and executable
 */
#include "arch.h"
#include "x86.h"

#define DEVICES_START 0xFEC00000ull
#define DEVICES_END   0xFF000000ull

extern const uint8_t image_start[], text_end[], rodata_end[], image_end[];
extern uint64_t kernel_root_pfn;
static uint64_t (*frame_source)(void);

static uint64_t *pointer(uint64_t pfn)
{
	return (uint64_t *)(PHYSICAL_BASE + (pfn << 12));
}

static uint64_t *below(uint64_t *table, unsigned index)
{
	if (!(table[index] & PTE_P))
		table[index] = frame_source() << 12 | PTE_P | PTE_W;
	return pointer((table[index] & PTE_PFN) >> 12);
}

static void map_large(uint64_t *root, uint64_t physical, uint64_t flags)
{
	uint64_t va = PHYSICAL_BASE + physical;
	uint64_t *directory = below(below(root, va >> 39 & 511), va >> 30 & 511);

	directory[va >> 21 & 511] = physical | PTE_P | PTE_W | PTE_PS | PTE_G | PTE_NX | PTE_A | PTE_D | flags;
}

static void map_image(uint64_t *root, const uint8_t *start, const uint8_t *end, uint64_t flags)
{
	for (uint64_t va = (uint64_t)start & ~0xFFFull; va < (uint64_t)end; va += 4096) {
		uint64_t *table = below(below(below(root, va >> 39 & 511), va >> 30 & 511), va >> 21 & 511);

		table[va >> 12 & 511] = (va - KERNEL_VIRTUAL) | PTE_P | PTE_G | PTE_A | PTE_D | flags;
	}
}

void tables_init(uint64_t memory_end, uint64_t (*frame)(void))
{
	uint64_t *root;

	frame_source = frame;
	kernel_root_pfn = frame();
	root = pointer(kernel_root_pfn);
	for (uint64_t at = 0; at < memory_end; at += 2 << 20)
		map_large(root, at, 0);
	for (uint64_t at = DEVICES_START; at < DEVICES_END; at += 2 << 20)
		map_large(root, at, PTE_PCD);
	map_image(root, image_start, text_end, 0);
	map_image(root, text_end, rodata_end, PTE_NX);
	map_image(root, rodata_end, image_end, PTE_NX | PTE_W);
	/* Every space copies the top-level entries once, so they must all exist now. */
	for (unsigned i = 256; i < 512; i++)
		if (i == 256 || i == 511)
			below(root, i);
	table_load_kernel();
}

void table_load_kernel(void)
{
	write_cr3(kernel_root_pfn << 12);
}
