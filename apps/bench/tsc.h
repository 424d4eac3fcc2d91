/*
 * tsc.h - the processor's counter, as every benchmark here reads it.
 *
 * Under QEMU's -icount shift=0 one tick is one guest instruction.  Nothing earlier is still under way when it is
 * read, and nothing that follows has moved before it.
 */
#pragma once
#include <stdint.h>

/* Ticks since the machine began. */
static inline uint64_t read_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}
