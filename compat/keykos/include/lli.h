/*
 * lli.h - 64-bit integers in two halves, in the order of the machine's own: an LLI in a message is an 8-byte integer.
 */
#ifndef _H_lli
#define _H_lli

typedef struct {
	unsigned long low, hi;
} LLI;
extern void lliadd(LLI *a, const LLI *b);
extern void llisub(LLI *a, const LLI *b);
extern void llilsl(LLI *a, unsigned int b);
extern void llilsr(LLI *a, unsigned int b);
extern void llitimes (unsigned long a, unsigned long b, LLI *c);
extern int llidiv(LLI const *dividend, unsigned long divisor, unsigned long *quotient, unsigned long *remainder);
extern int llicmp (const LLI *a, const LLI *b);
void b2lli(const void *str, unsigned int len, LLI *a);
void *lli2b(const LLI *a, void *str, unsigned int len);

#endif
