/*
 * boot.h - what the machine side tells the kernel at start.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H
#include <stdint.h>

struct boot_region {
	uint64_t first_pfn, count;     /* ordinary memory, free for objects */
};

struct boot_info {
	struct boot_region region[32];
	unsigned regions;
	uint64_t table_first_pfn, table_count;  /* for page tables */
	uint64_t dma_first_pfn, dma_count;      /* below 4 GiB, contiguous */
	void *persist_memory;                   /* of persist_plan's size; NULL = there is no disk */
	uint64_t pack_address, pack_length;     /* physical, bytes; 0 = the loader gave none */
};

/* The caches are up (frame_cache_init); makes the first process and runs it. */
__attribute__((noreturn)) void kernel_start(const struct boot_info *info);
#endif
