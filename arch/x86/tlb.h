/* tlb.h - the processor's translation cache.  arch/hosted has a file of the same name that does nothing. */
#ifndef TLB_H
#define TLB_H
#include "x86.h"

static inline void tlb_flush_page(uint64_t va)
{
	invlpg(va);
}

static inline void tlb_flush_all(uint64_t root_pfn)
{
	write_cr3(root_pfn << 12);
}
#endif
