/* machine.h - as arch/x86/machine.h, in plain C. */
#ifndef MACHINE_H
#define MACHINE_H
#include <stdint.h>
#include <string.h>

static inline void copy_words(void *to, const void *from, uint64_t words)
{
	memmove(to, from, words * 8);
}

static inline void zero_words(void *to, uint64_t words)
{
	memset(to, 0, words * 8);
}

static inline void copy_bytes(void *to, const void *from, uint64_t length)
{
	memmove(to, from, length);
}

static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	return (uint64_t)((unsigned __int128)a * b / c);
}
#endif
