/*
 * lli.c - 64-bit integers in two halves (lli.h): as a structure of the machine's 64-bit form.
 */
#include <string.h>
#include "lli.h"

static unsigned long long value(const LLI *a)
{
	return (unsigned long long)a->hi << 32 | a->low;
}

static void set(LLI *a, unsigned long long v)
{
	a->hi = v >> 32;
	a->low = v;
}

void lliadd(LLI *a, const LLI *b)
{
	set(a, value(a) + value(b));
}

void llisub(LLI *a, const LLI *b)
{
	set(a, value(a) - value(b));
}

void llilsl(LLI *a, unsigned int b)
{
	set(a, b < 64 ? value(a) << b : 0);
}

void llilsr(LLI *a, unsigned int b)
{
	set(a, b < 64 ? value(a) >> b : 0);
}

void llitimes(unsigned long a, unsigned long b, LLI *c)
{
	set(c, (unsigned long long)a * b);
}

int llicmp(const LLI *a, const LLI *b)
{
	return value(a) < value(b) ? -1 : value(a) > value(b);
}

/* 1 if the quotient does not fit, or the divisor is 0. */
int llidiv(LLI const *dividend, unsigned long divisor, unsigned long *quotient, unsigned long *remainder)
{
	if (divisor == 0 || dividend->hi >= divisor)
		return 1;
	*quotient = value(dividend) / divisor;
	*remainder = value(dividend) % divisor;
	return 0;
}

/* Big-endian bytes: up to eight of them, the low ones of the number. */
void b2lli(const void *str, unsigned int len, LLI *a)
{
	const unsigned char *p = str;
	unsigned long long v = 0;

	while (len--)
		v = v << 8 | *p++;
	set(a, v);
}

void *lli2b(const LLI *a, void *str, unsigned int len)
{
	unsigned char *p = str;
	unsigned long long v = value(a);

	while (len--) {
		p[len] = v;
		v >>= 8;
	}
	return str;
}
