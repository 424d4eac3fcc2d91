/*
 * primes.ck - freeze-dried: what it has learned becomes a factory, whose yields begin with it.
 *
 *	PRIMESF(0;psb,m,sb ==> 0;PRIMES)   component 0: a factory of virtual copy segments, empty or frozen
 *	PRIMES(0,(4,n) ==> c,(4,p))        the n-th prime, from 1; 3 no such n (to 4000)
 *	PRIMES(1 ==> 0,(4,known)(4,found)) how many it knows, and how many of them it has found itself
 *	PRIMES(2 ==> c;F)                  freezes: a factory of PRIMES that know all this; it answers no more but KT+4
 *	PRIMES(KT ==> 0x10C9), PRIMES(KT+4 ==> 0)
 *
 * What it knows stands in a virtual copy segment at 0x200000.  Freezing that gives a factory of copies; a copy of this
 * program's own factory (component 3 is its copy key) with that one for component 0 makes instances that start warm.
 * doc/keykos/primes.md
 */
#include "keykos.h"
#include "kktypes.h"
#include "domain.h"
#include "factory.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "vcs.h"

KEY COMP    = 0;
KEY SB      = 1;
KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY PSB     = 4;
KEY METER   = 5;
KEY SELF    = 7;
KEY MEMORY  = 8;
KEY KNOWN   = 9;                           /* the segment */
KEY FROZEN  = 10;
KEY BUILDER = 11;
KEY K0      = 12;

#define COMP_SEGMENTS 0
#define COMP_COPY 3
#define MOST 4000

struct known {
	UINT32 count;
	UINT32 prime[MOST];
};

char title[] = "PRIMES  ";

static volatile struct known *known(void)
{
	return (volatile struct known *)0x200000;
}

static int is_prime(UINT32 n)
{
	for (UINT32 i = 0; i < known()->count && known()->prime[i] * known()->prime[i] <= n; i++)
		if (n % known()->prime[i] == 0)
			return 0;
	return 1;
}

/* Learns up to the n-th; how many that were. */
static UINT32 learn(UINT32 n)
{
	UINT32 found = 0, candidate = known()->count ? known()->prime[known()->count - 1] + 1 : 2;

	for (; known()->count < n; candidate++)
		if (is_prime(candidate)) {
			known()->prime[known()->count] = candidate;
			known()->count++;
			found++;
		}
	return found;
}

/* The factory of warm instances, in K0. */
static UINT32 freeze(void)
{
	JUMPBUF;
	UINT32 rc;

	KC (KNOWN, VCS_Freeze) KEYSFROM(SB) KEYSTO(FROZEN) RCTO(rc);
	if (rc)
		return rc;
	KC (COMP, Node_Fetch + COMP_COPY) KEYSTO(K0);
	KC (K0, FactoryC_Copy) KEYSFROM(PSB,, SB) KEYSTO(BUILDER) RCTO(rc);
	if (rc)
		return rc;
	KC (BUILDER, FactoryB_InstallFactory + COMP_SEGMENTS) KEYSFROM(FROZEN) RCTO(rc);
	if (rc)
		return rc;
	KC (BUILDER, FactoryB_MakeRequestor) KEYSTO(K0);
	return OK_RC;
}

void factory(void)
{
	JUMPBUF;
	struct { UINT32 known, found; } told;
	UINT32 oc, rc, n, answer, found = 0;
	int frozen = 0;

	KC (COMP, Node_Fetch + COMP_SEGMENTS) KEYSTO(K0);
	KC (K0, VCSF_Create) KEYSFROM(PSB, METER, SB) KEYSTO(KNOWN) RCTO(rc);
	if (rc)
		exit(rc);
	KC (DOMKEY, Domain_GetMemory) KEYSTO(MEMORY);
	KC (MEMORY, Node_Swap + 2) KEYSFROM(KNOWN);
	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		n = 0;
		LDENBL OCTO(oc) KEYSTO(,,,CALLER) STRUCTTO(n);
		RETJUMP();
		if (oc == KT) {
			LDEXBL (CALLER, 0x10C9);
		} else if (oc == KT+4) {
			break;
		} else if (frozen) {
			LDEXBL (CALLER, INVALIDOC_RC);
		} else if (oc == 0 && (n < 1 || n > MOST)) {
			LDEXBL (CALLER, 3);
		} else if (oc == 0) {
			found += learn(n);
			answer = known()->prime[n - 1];
			LDEXBL (CALLER, OK_RC) STRUCTFROM(answer);
		} else if (oc == 1) {
			told.known = known()->count;
			told.found = found;
			LDEXBL (CALLER, OK_RC) STRUCTFROM(told);
		} else if (oc == 2) {
			rc = freeze();
			frozen = rc == OK_RC;
			LDEXBL (CALLER, rc) KEYSFROM(K0);
		} else {
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
	KC (MEMORY, Node_Swap + 2);
	KC (KNOWN, KT+4) RCTO(rc);
}
