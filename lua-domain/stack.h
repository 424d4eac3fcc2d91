/*
 * stack.h - the C stack grows as the interpreter goes deeper, and its end is a Lua error.
 *
 * Lua asks before each call from C whether its C stack is deep enough, by comparing a count with LUAI_MAXCCALLS.  This
 * header, which every file of Lua's is compiled with, makes that limit a question to the domain: the answer is Lua's
 * own limit while there is stack, and less when the bank gives no more.
 *
 * Invariant: below stack_floor there are STACK_RESERVE bytes more, enough for whatever Lua does between two
 * questions (its deepest is a pattern of 200 levels, or the conversion of a number in a library function).
 */
#ifndef LUA_DOMAIN_STACK_H
#define LUA_DOMAIN_STACK_H
#include <stdint.h>

#define STACK_LEVELS  200
#define STACK_RESERVE 49152u

extern uintptr_t stack_floor;

/* Maps more stack.  STACK_LEVELS, or 1 if the bank is at its limit. */
int stack_grow(void);

static inline int stack_limit(void)
{
	uintptr_t sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return __builtin_expect(sp > stack_floor, 1) ? STACK_LEVELS : stack_grow();
}

#define LUAI_MAXCCALLS stack_limit()
#endif
