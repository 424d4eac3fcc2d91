/*
 * machine.h - the few inline instructions that kernel/ uses by name.  arch/hosted has a file of the
 * same name in plain C.
 */
#ifndef MACHINE_H
#define MACHINE_H
#include <stdint.h>

static inline void copy_words(void *to, const void *from, uint64_t words)
{
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static inline void zero_words(void *to, uint64_t words)
{
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0ull) : "memory");
}

/* Words first, then the odd bytes: a byte move costs as much as a word under QEMU. */
static inline void copy_bytes(void *to, const void *from, uint64_t length)
{
	uint64_t words = length / 8, bytes = length % 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

/* a * b / c; the quotient must fit 64 bits. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t low, high;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(a), "rm"(b));
	__asm__("divq %2" : "+a"(low), "+d"(high) : "rm"(c));
	return low;
}
#endif
