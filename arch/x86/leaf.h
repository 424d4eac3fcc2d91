/*
 * leaf.h - what a page table says of an address, inline: every copy of user memory asks it, and so does the fast path.
 *
 * Part of kernel/arch.h, which includes it.  Plain data: arch/hosted has a file of the same name that is this one.
 */
#ifndef LEAF_H
#define LEAF_H
#include "pte.h"

static inline uint64_t arch_leaf_make(uint64_t pfn, bool writable, bool executable)
{
	return pfn << 12 | PTE_P | PTE_U | PTE_A | (writable ? PTE_W | PTE_D : 0) | (executable ? 0 : PTE_NX);
}

static inline bool arch_leaf_present(uint64_t entry)
{
	return entry & PTE_P;
}

static inline bool arch_leaf_writable(uint64_t entry)
{
	return entry & PTE_W;
}

static inline bool arch_leaf_executable(uint64_t entry)
{
	return !(entry & PTE_NX);
}

static inline uint64_t arch_leaf_pfn(uint64_t entry)
{
	return (entry & PTE_PFN) >> 12;
}

/* The entry of va under that top table, or NULL if no table is there. */
static inline uint64_t *arch_leaf_below(uint64_t root_pfn, uint64_t va)
{
	uint64_t *table = arch_frame_pointer(root_pfn);

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t entry = table[va >> shift & 511];

		if (!(entry & PTE_P))
			return NULL;
		table = (uint64_t *)(arch_physical_base + (entry & PTE_PFN));
	}
	return &table[va >> 12 & 511];
}

/* Where the page of va is to be read, or changed; NULL if the table does not let it. */
static inline void *arch_leaf_page(uint64_t root_pfn, uint64_t va, bool write)
{
	const uint64_t *entry = arch_leaf_below(root_pfn, va), needed = write ? PTE_P | PTE_W : PTE_P;

	return entry && (*entry & needed) == needed ? (void *)(arch_physical_base + (*entry & PTE_PFN)) : NULL;
}
#endif
