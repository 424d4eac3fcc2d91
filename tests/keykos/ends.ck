/*
 * ends.ck - every way in which a program of the dialect ends, by the order code of the request that makes it.
 *
 * It has variables and a stack of three pages, so that there is something to buy before it begins.
 */
#include <stdlib.h>
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "program.h"
#include "setjmp.h"

KEY CALLER = 2;
KEY DOMKEY = 3;
KEY COPY   = 15;                           /* where fork leaves the copy's domain key */

char title[] = "ENDS    ";
int stacksiz = 3 * 4096;

static jmp_buf place;
static int depths;

/* The last one leaps over all the others. */
static __attribute__((noinline)) void deep(int n)
{
	volatile char pad[100];

	pad[0] = (char)n;
	if (n == 0)
		longjmp(place, 77);
	deep(n - 1);
	depths += pad[0];
}

static __attribute__((noinline)) void too_deep(void)
{
	volatile char much[60000];

	much[0] = 1;
}

static int repeated(void)
{
	volatile int round = 0;

	while (round < 3) {
		round++;
		if (setjmp(place) == 0)
			longjmp(place, 0);
	}
	return round;
}

static int forked(int times)
{
	JUMPBUF;
	UINT32 type;

	for (int n = 0; n < times; n++) {
		int side = fork();

		if (side == 0) {
			/* Nobody waits for the copy: it answers nobody. */
			KC (DOMKEY, Domain_SwapKey + 2);
			exit(0);
		}
		if (side != 1)
			return side;
		/* Its domain key is the last thing of it that goes. */
		do
			KC (COPY, KT) RCTO(type);
		while (type == Domain_AKT);
	}
	return 1;
}

static int allocated(UINT32 bytes)
{
	char *first = malloc(bytes), *second;

	if (!first)
		return 9;
	memset(first, 1, bytes);
	second = malloc(20 * bytes);
	free(first);
	return second ? 1 : 7;
}

void factory(UINT32 oc, UINT32 ord)
{
	JUMPBUF;
	volatile int code;

	(void)ord;
	switch (oc) {
	case 0: return;
	case 1: exit(5);
	case 2: exit(0x80000001);
	case 3: exit(forked(20));
	case 4: exit(forked(1));
	case 5: exit(allocated(10000));
	case 6:
		code = setjmp(place);
		if (code == 0)
			deep(50);
		exit(code + depths);
	case 7: exit(repeated());
	case 8: too_deep(); exit(1);
	case 9: crash("as told");
	case 11: for (;;) ;
	case 10:
		LDEXBL (CALLER, 10);
		RETJUMP();
	}
}
