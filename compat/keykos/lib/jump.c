/*
 * jump.c - the part of the jump library that is not in keykos.h: touching the receive buffer, the end of a domain,
 * and its doubling.
 *
 * The slots that a factory fills (factory.h) are used under their conventional numbers.
 */
#include "keykos.h"
#include "kktypes.h"
#include "dc.h"
#include "domain.h"

#define CALLER 2
#define DOMKEY 3
#define PSB    4
#define METER  5
#define DC     6

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

/* The domain, and the memory that its factory made, go back to the bank; CALLER hears the code. */
void exit(UINT32 code)
{
	JUMPBUF;

	_kk_exit(&_jumpbuf, _KK_SLOT(DC), DC_DestroyMe);
	_kk_entry(&_jumpbuf);
	_kk_keysfrom(&_jumpbuf, _KK_SLOT(CALLER), _KK_SLOT(PSB), 0, 0);
	_kk_from(&_jumpbuf, &code, sizeof code);
	_kk_jump(&_jumpbuf, _KK_CALL);
}

/* A trap that nobody can take for another: the domain's keeper sees KT + 0x7FFF, and where the reason stands. */
void crash(const char *why)
{
	for (;;)
		_kk_trap(0x7FFF, (ulong_t)why, 0);
}
