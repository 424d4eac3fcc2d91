/*
 * jump.c - the part of the jump library that is not in keykos.h: touching the receive buffer, and giving up.
 */
#include "keykos.h"

/* Every page of it is there and can be written, or this faults as any store would. */
void _kk_touch(char *from, ulong_t length)
{
	volatile char *p = from, *last = from + length - 1;

	if (length == 0)
		return;
	for (; p < last; p += 4096)
		*p = *p;
	*last = *last;
}

void _kk_reverse(void *to, const void *from, ulong_t length)
{
	char *t = to;
	const char *f = from;

	for (ulong_t i = 0; i < length; i++)
		t[i] = f[length - 1 - i];
}

/* A trap that nobody can take for another: the domain's keeper sees KT + 0x7FFF, and where the reason stands. */
void crash(const char *why)
{
	for (;;)
		_kk_trap(0x7FFF, (ulong_t)why, 0);
}
