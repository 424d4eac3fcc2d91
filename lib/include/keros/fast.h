/*
 * fast.h - invocations inlined for servers that make many: words and capabilities, no string.
 *
 * They say the same as the generated stubs, but keep everything in registers: some thirty
 * instructions instead of a struct msg that is filled and read back.
 */
#ifndef KEROS_FAST_H
#define KEROS_FAST_H
#include <keros/inv.h>

/* The rbx word: registers of positions 0..3, one byte each. */
#define FAST_CAPS(c0, c1, c2, c3) \
	((uint32_t)(c0) | (uint32_t)(c1) << 8 | (uint32_t)(c2) << 16 | (uint32_t)(c3) << 24)

/* A call with three words each way; send and recv are FAST_CAPS words. */
static inline uint32_t fast_call(cap_t target, uint32_t order, uint64_t *w0, uint64_t *w1, uint64_t *w2, uint32_t send,
				 uint32_t recv)
{
	uint64_t control = INV_CONTROL(order, INV_CALL | (send ? INV_SEND_CAPS : 0) | (recv ? INV_RECV_CAPS : 0), target);
	uint64_t caps = (uint64_t)recv << 32 | send;
	register uint64_t r10 __asm__("r10") = 0;
	register uint64_t r8 __asm__("r8") = 0;
	register uint64_t r9 __asm__("r9") = 0;

	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(*w0), "+S"(*w1), "+d"(*w2), "+r"(r10), "+r"(r8), "+r"(r9)
			 : "b"(caps)
			 : "rcx", "r11", "memory");
	return control >> 32;
}

/* The same with words one way only. */
static inline uint32_t fast_tell(cap_t target, uint32_t order, uint64_t w0, uint64_t w1, uint64_t w2, uint32_t send,
				 uint32_t recv)
{
	return fast_call(target, order, &w0, &w1, &w2, send, recv);
}
#endif
