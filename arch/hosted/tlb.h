/* tlb.h - there is no translation cache to keep true here. */
#ifndef TLB_H
#define TLB_H
#include <stdint.h>

static inline void tlb_flush_page(uint64_t va)
{
	(void)va;
}

static inline void tlb_flush_all(uint64_t root_pfn)
{
	(void)root_pfn;
}
#endif
