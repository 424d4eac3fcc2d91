/*
 * pt.c - x86-64 page tables: four levels of 512 words.
 *
 * The lower half of a root belongs to a space; the upper half is the kernel's and the same in
 * all.  Everything here is a cache of memory trees (kernel/mem/space.h): it may be incomplete.
 * No instruction of the processor is used but through tlb_*, so the hosted build runs it too.
 */
#include "arch.h"
#include "mem/space.h"
#include "sched/sched.h"
#include "tlb.h"
#include "x86.h"

uint64_t arch_physical_base = PHYSICAL_BASE;
uint64_t kernel_root_pfn;

static uint64_t *table_at(uint64_t entry)
{
	return arch_frame_pointer((entry & PTE_PFN) >> 12);
}

static unsigned index_of(uint64_t va, unsigned level)
{
	return va >> (12 + 9 * level) & 511;
}

/* The span of words of the entry's table from *first to *end takes it in: whoever looks for them need not look at all 512. */
static inline void span_take(uint16_t *first, uint16_t *end, const uint64_t *entry)
{
	unsigned index = (uint64_t)entry >> 3 & 511;

	if (index < *first)
		*first = index;
	if (index >= *end)
		*end = index + 1;
}

static struct frame *table_of(const uint64_t *entry)
{
	return &frames[((uint64_t)entry - arch_physical_base) >> 12];
}

static void note_used(const uint64_t *entry)
{
	struct frame *table = table_of(entry);

	span_take(&table->used_first, &table->used_end, entry);
}

static void note_writable(const uint64_t *entry)
{
	struct frame *table = table_of(entry);

	span_take(&table->write_first, &table->write_end, entry);
}

void arch_leaf_fill(uint64_t *entry, uint64_t value)
{
	*entry = value;
	note_used(entry);
	if (value & PTE_W)
		note_writable(entry);
}

/* A bit that the processor leaves alone: this leaf was writable, and may be again without a walk (arch_leaf_unprotect). */
#define PTE_WAS_WRITABLE 0x200ull

void arch_space_protect(struct space *s)
{
	for (uint32_t pfn = s->tables; pfn; pfn = frames[pfn].list_next) {
		uint64_t *leaf = arch_frame_pointer(pfn);

		for (unsigned i = frames[pfn].write_first; i < frames[pfn].write_end; i++)
			if (leaf[i] & PTE_W) {
				leaf[i] = (leaf[i] & ~(PTE_W | PTE_D)) | PTE_WAS_WRITABLE;
				frames[arch_leaf_pfn(leaf[i])].protected_leaf = (uint64_t)&leaf[i];
			}
		frames[pfn].write_first = 512;
		frames[pfn].write_end = 0;
	}
	if (s == cpu.loaded)
		tlb_flush_all(s->root_pfn);
}

void arch_space_create(struct space *s)
{
	uint64_t *root;

	s->root_pfn = space_table_take(s);
	if (!s->root_pfn)
		return;
	root = arch_frame_pointer(s->root_pfn);
	if (kernel_root_pfn)
		for (unsigned i = 256; i < 512; i++)
			root[i] = ((uint64_t *)arch_frame_pointer(kernel_root_pfn))[i];
}

bool arch_leaf_protected(uint64_t entry)
{
	return (entry & PTE_P) && (entry & PTE_WAS_WRITABLE);
}

bool arch_leaf_unprotect(struct frame *f)
{
	uint64_t *entry = (uint64_t *)f->protected_leaf;

	/* The table may be another's by now; but a leaf that is protected and names this page is what it says. */
	if (!entry || !arch_leaf_protected(*entry) || arch_leaf_pfn(*entry) != frame_pfn(f))
		return false;
	arch_leaf_fill(entry, (*entry & ~PTE_WAS_WRITABLE) | PTE_W | PTE_D);
	return true;
}

uint64_t *arch_leaf_entries(struct space *s, uint64_t va)
{
	uint64_t *table = arch_frame_pointer(s->root_pfn);

	for (unsigned level = 3; level > 0; level--) {
		uint64_t *entry = &table[index_of(va, level)];

		if (!(*entry & PTE_P)) {
			uint32_t pfn = space_table_take(s);

			if (!pfn)
				return NULL;
			*entry = (uint64_t)pfn << 12 | PTE_P | PTE_W | PTE_U | PTE_A;
			note_used(entry);
		}
		table = table_at(*entry);
	}
	return &table[index_of(va, 0) & ~15u];
}

void arch_leaf_set(struct space *s, uint64_t va, uint64_t *entry, uint64_t value)
{
	bool flush = (*entry & PTE_P) && s == cpu.loaded;

	arch_leaf_fill(entry, value);
	if (flush)
		tlb_flush_page(va);
}

/* The first present leaf of this table, which begins at base, at *va or above. */
static uint64_t *next_in_table(uint64_t *table, unsigned level, uint64_t base, uint64_t *va)
{
	uint64_t span = 1ull << (12 + 9 * level);

	for (unsigned i = *va > base ? (*va - base) / span : 0; i < (level == 3 ? 256 : 512); i++) {
		uint64_t at = base + i * span, *found;

		if (!(table[i] & PTE_P))
			continue;
		if (level == 0) {
			*va = at;
			return &table[i];
		}
		found = next_in_table(table_at(table[i]), level - 1, at, va);
		if (found)
			return found;
	}
	return NULL;
}

uint64_t *arch_leaf_next(struct space *s, uint64_t *va)
{
	return s->root_pfn ? next_in_table(arch_frame_pointer(s->root_pfn), 3, 0, va) : NULL;
}

/* Clears what of [va, end) lies in this table, which begins at base; long because it is a walk. */
static void unmap_table(uint64_t *table, unsigned level, uint64_t base, uint64_t va, uint64_t end)
{
	struct frame *frame = &frames[((uint64_t)table - arch_physical_base) >> 12];
	unsigned shift = 12 + 9 * level;
	uint64_t first = va > base ? (va - base) >> shift : 0;
	uint64_t last = (end - base + (1ull << shift) - 1) >> shift;

	if (first < frame->used_first)
		first = frame->used_first;
	if (last > frame->used_end)
		last = frame->used_end;
	for (uint64_t i = first; i < last; i++) {
		if (!(table[i] & PTE_P))
			continue;
		if (level == 0)
			table[i] = 0;
		else
			unmap_table(table_at(table[i]), level - 1, base + (i << shift), va, end);
	}
	if (level == 0 && first <= frame->used_first && last >= frame->used_end) {
		frame->used_first = 512;
		frame->used_end = 0;
	}
}

void arch_unmap_range(struct space *s, uint64_t va, uint64_t size)
{
	uint64_t end = va + size < va || va + size > USER_END ? USER_END : va + size;

	if (!s->root_pfn || va >= end)
		return;
	if (size == PAGE_SIZE) {
		uint64_t *entry = arch_leaf_find(s, va);

		if (!entry || !(*entry & PTE_P))
			return;
		*entry = 0;
		if (s == cpu.loaded)
			tlb_flush_page(va);
		return;
	}
	unmap_table(arch_frame_pointer(s->root_pfn), 3, 0, va, end);
	if (s == cpu.loaded)
		tlb_flush_all(s->root_pfn);
}
