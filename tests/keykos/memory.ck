/*
 * memory.ck - looks at memory for the tests.
 *
 *	MEMORY(0;SEG ==> 0;old)               maps SEG at 0x200000
 *	MEMORY(1,(8,offset)(bytes) ==> c)     stores the bytes at that offset of SEG
 *	MEMORY(2,(8,offset)(4,n) ==> c,(n))   reads them
 *	MEMORY(3,(8,offset)(bytes) ==> c)     stores them where SEG itself is mapped, of which one MiB is to be seen
 * c is 0 or what the keeper catch.ck found.  Offsets go through a window of one MiB at 0x300000.
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "string.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY SELF = 7;
KEY ROOT = 8;
KEY K = 9;

char title[] = "MEMORY  ";
int stacksiz = 16384;

/* Zero, or what rax was made by the keeper. */
static UINT32 move(void *to, const void *from, UINT32 n)
{
	UINT32 rc;

	__asm__ volatile("xorl %%eax, %%eax; leaq 1f(%%rip), %%r15; rep movsb; 1:"
			 : "=a"(rc), "+D"(to), "+S"(from), "+c"(n) : : "r15", "memory");
	return rc;
}

/* The window key of slot 3: slot 2, from the MiB on in which the offset is. */
static void window(UINT64 offset)
{
	JUMPBUF;
	struct { UINT32 first, last; UCHAR body[16]; } w = { 3, 3, { 0 } };
	UINT64 mib = offset & ~0xFFFFFull;

	w.body[15] = 2 << 4 | 2;
	for (unsigned i = 0; i < 6; i++)
		w.body[15 - i] |= mib >> 8 * i;
	KC (ROOT, Node_WriteData) STRUCTFROM(w);
}

void factory(UINT32 order)
{
	JUMPBUF;
	struct { UINT64 offset; UCHAR bytes[4080]; } in;
	UCHAR out[4096];
	UINT32 oc, rc, n;
	ulong_t length;

	(void)order;
	KC (DOMKEY, Domain_GetMemory) KEYSTO(ROOT);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, 0) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(K,,,CALLER) STRUCTTO(in,,length);
		RETJUMP();
		rc = 0;
		switch (oc) {
		case 0:
			KC (ROOT, Node_Swap + 2) KEYSFROM(K) KEYSTO(K);
			LDEXBL (CALLER, 0) KEYSFROM(K);
			break;
		case 1:
			window(in.offset);
			rc = move((char *)0x300000 + (in.offset & 0xFFFFF), in.bytes, length - 8);
			LDEXBL (CALLER, rc);
			break;
		case 2:
			window(in.offset);
			memcpy(&n, in.bytes, 4);
			rc = move(out, (char *)0x300000 + (in.offset & 0xFFFFF), n);
			LDEXBL (CALLER, rc) CHARFROM(out, rc ? 0 : n);
			break;
		case 3:
			rc = move((char *)0x200000 + (in.offset & 0xFFFFF), in.bytes, length - 8);
			LDEXBL (CALLER, rc);
			break;
		case KT + 4:
			KC (ROOT, Node_Swap + 2);
			KC (ROOT, Node_Swap + 3);
			return;
		default:
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
