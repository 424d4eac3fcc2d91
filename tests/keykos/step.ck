/*
 * step.ck - a debugger: it runs a copy of itself one instruction at a time, by nothing but the copy's domain key.
 *
 *	STEPF(0;psb,m,sb ==> 0;STEP)
 *	STEP(0 ==> step,(4,steps))     0, or which of the checks failed; how many instructions were seen
 *	STEP(KT+4 ==> 0)
 *
 * The copy sums numbers; half-way the debugger changes a variable on the copy's stack, which it finds in the copy's memory
 * tree, and lets it run: the sum tells.
 */
#include "keykos.h"
#include "kktypes.h"
#include "dc.h"
#include "domain.h"
#include "node.h"
#include "page.h"
#include "ocrc.h"
#include "program.h"
#include "sb.h"

KEY COMP    = 0;
KEY CALLER  = 2;
KEY DOMKEY  = 3;
KEY PSB     = 4;
KEY DC      = 6;
KEY SELF    = 7;
KEY COPY    = 8;
KEY GATE    = 9;
KEY SUBJECT = 10;
KEY FAULT   = 11;
KEY K1      = 14;
KEY K0      = 15;

#define ROUNDS      200u
#define STEPS       300u
#define SINGLE_STEP 0x100u                 /* of the flags: the next instruction traps */
#define TRAP_STEP   0x43u
#define MARK        0x5EED5EEDu

char title[] = "STEP    ";

struct report {
	struct Domain_SPARCRegistersAndControl view;
	UINT32 reserved;
	struct Domain_X86RegistersAndControl x86;
};

/* The copy: the sum of the numbers up to the code, and what is beside MARK on its stack. */
static void sum_up(void)
{
	JUMPBUF;
	volatile UINT32 more[2] = { MARK, 0 };
	UINT32 sum = 0, rounds;

	LDEXBL (COMP, 0);
	for (;;) {
		LDENBL OCTO(rounds) KEYSTO(,,,CALLER);
		RETJUMP();
		sum = 0;
		for (UINT32 i = 1; i <= rounds; i++) {
			sum += i;
			__asm__ volatile("" : "+r"(sum));
		}
		LDEXBL (CALLER, sum + more[1]);
	}
}

/* Told of the copy's trap; its code, 0 for anything else. */
static UINT32 hear(struct report *report)
{
	JUMPBUF;
	UINT32 oc, length;

	LDEXBL (COMP, 0);
	LDENBL OCTO(oc) KEYSTO(,,SUBJECT,FAULT) STRUCTTO(*report,, length);
	RETJUMP();
	return length == sizeof *report && oc >= KT ? oc - KT : 0;
}

static void go_on(struct report *report, int steps)
{
	JUMPBUF;
	struct Domain_X86ControlData control = report->x86.Control;

	control.FLAGS = steps ? control.FLAGS | SINGLE_STEP : control.FLAGS & ~SINGLE_STEP;
	KC (COPY, Domain_ResetX86Control) STRUCTFROM(control);
	KFORK (FAULT, 0);
}

/* Writes behind MARK on the copy's stack, which is a page in slot 1 of its memory.  0 if there is no MARK. */
static int memory_change(UINT32 value)
{
	JUMPBUF;

	KC (COPY, Domain_GetMemory) KEYSTO(K0);
	KC (K0, Node_Fetch + 1) KEYSTO(K1);
	KC (DOMKEY, Domain_GetMemory) KEYSTO(K0);
	KC (K0, Node_Swap + 5) KEYSFROM(K1);
	for (volatile UINT32 *at = (UINT32 *)0x500000; at < (UINT32 *)0x501000; at++)
		if (*at == MARK) {
			KC (K1, Page_WriteData + ((UINT32)at & 4095) + 4) STRUCTFROM(value);
			return at[1] == value;
		}
	return 0;
}

static UINT32 debug(UINT32 *steps)
{
	JUMPBUF;
	struct report report;
	struct Domain_X86ControlData control;
	UINT64 before = 0;
	UINT32 rc;

	KC (GATE, 0) RCTO(rc);
	if (rc != 0)
		return 1;
	/* It waits to be called: the first instruction behind the call will trap. */
	KC (COPY, Domain_GetX86Control) STRUCTTO(control);
	control.FLAGS |= SINGLE_STEP;
	KC (COPY, Domain_PutX86Control) STRUCTFROM(control);
	KFORK (GATE, ROUNDS) KEYSFROM(,,,SELF);
	for (*steps = 0; *steps < STEPS; ++*steps) {
		if (hear(&report) != TRAP_STEP)
			return 2;
		if (report.x86.Control.PC == before)
			return 3;
		before = report.x86.Control.PC;
		if (*steps < STEPS - 1)
			go_on(&report, 1);
	}
	if (!memory_change(1000))
		return 4;
	go_on(&report, 0);
	LDEXBL (COMP, 0);
	LDENBL OCTO(rc);
	RETJUMP();
	if (rc != ROUNDS * (ROUNDS + 1) / 2 + 1000)
		return 5;
	KC (GATE, 3) RCTO(rc);
	return rc == 6 + 1000 ? 0 : 6;
}

static void copy_make(void)
{
	JUMPBUF;
	UINT32 rc;

	if (fork1() == 0)
		sum_up();
	KC (DOMKEY, Domain_GetKey + 15) KEYSTO(COPY);
	KC (COPY, Domain_SwapKeeper) KEYSFROM(SELF);
	KC (COPY, Domain_MakeStart) KEYSTO(GATE);
	KC (COPY, Domain_MakeBusy) KEYSTO(K0) RCTO(rc);
	KFORK (K0, 0);
}

static void copy_sell(void)
{
	JUMPBUF;

	KC (DOMKEY, Domain_GetMemory) KEYSTO(K0);
	KC (K0, Node_Swap + 5);
	KC (COPY, Domain_GetMemory) KEYSTO(K0);
	KC (K0, Node_Fetch + 1) KEYSTO(K1);
	KC (DC, DC_DestroyDomain) KEYSFROM(COPY, PSB);
	KC (PSB, SB_DestroyPage) KEYSFROM(K1);
	KC (PSB, SB_DestroyNode) KEYSFROM(K0);
}

void factory(void)
{
	JUMPBUF;
	UINT32 oc, failed, steps = 0;

	KC (DOMKEY, Domain_MakeStart) KEYSTO(SELF);
	LDEXBL (CALLER, OK_RC) KEYSFROM(SELF);
	for (;;) {
		LDENBL OCTO(oc) KEYSTO(,,,CALLER);
		RETJUMP();
		if (oc == DESTROY_OC)
			exit(OK_RC);
		copy_make();
		failed = debug(&steps);
		copy_sell();
		LDEXBL (CALLER, failed) STRUCTFROM(steps);
	}
}
