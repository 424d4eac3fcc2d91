/*
 * switcher.ck - a switcher: many circuits on one terminal, and a control branch where one is chosen by name.
 *
 *	SWITCHERF(KT+5;psb,m,sb ==> KT+5;,,,X), X(0;SIK,SOK,CCK ==> c;SWITCHER)     3 the circuit is none of this system
 *	SWITCHER(0 ==> c,(2,name);SIK,SOK,CCK)   a branch, named a, b ... z, ba ...; behind a zapper
 *	SWITCHER(3,(2,name) ==> 0)               the end of a branch
 *	SWITCHER(4,(2,name) ==> c)               input and output go there; 1 there is none of that name
 *	SWITCHER(5,(2,name) ==> c,(4,status))    the terminal's bits for it
 *	SWITCHER(1, 2 ==> KT+2), (KT ==> 0x90D), (KT+4 ==> 0) ends all; the circuit's CCK recovers its keys
 *
 * At the control branch, which the character ESC brings back: a name switches to that branch, an empty line to one with
 * output waiting, "status" lists them.  A second domain reads there, a third rings the bell when output waits.
 * What the three share is a record collection: name -> node of (CCK, ZMK).
 * Components: 0 the terminal system, 1 the maker of collections.
 */
#include "keykos.h"
#include "kktypes.h"
#include "cck.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "rc.h"
#include "sb.h"
#include "string.h"
#include "switcherf.h"
#include "tssf.h"

KEY COMP   = 0;
KEY SB     = 1;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY METER  = 5;
KEY TMMK   = 7;
KEY SIK    = 8;
KEY SOK    = 9;
KEY CCK    = 10;
KEY NAMES  = 11;
KEY NODE   = 12;
KEY K0     = 13;
KEY K1     = 14;
KEY K2     = 15;

#define TSSF      0
#define RCF       1
#define NODE_CCK  0
#define NODE_ZMK  1
#define NODE_CIRCUIT 2                     /* the CCK of the zapper's circuit */
#define ESCAPE    0x1B
#define BRANCHES  256
#define READ_ECHO 8192
#define OUTPUT_WAITS 4
#define HAS_OUTPUT   8
#define LINE      64

char title[] = "SWITCHER";
int stacksiz = 8192;

/* A name as the collection has it: (1,length)(name). */
struct name { char text[4]; };

static struct name name_of(const char *text)
{
	struct name n = { { 1, text[0], 0, 0 } };

	if (text[1] && text[1] != '\r') {
		n.text[0] = 2;
		n.text[2] = text[1];
	}
	return n;
}

/* The id-th name, from 1 on. */
static struct name name_at(UINT32 id)
{
	char text[3] = { 0 };

	if (id <= 26) {
		text[0] = 'a' + id - 1;
	} else {
		text[0] = 'a' + (id - 1) / 26;
		text[1] = 'a' + (id - 1) % 26;
	}
	return name_of(text);
}

/* The node of a name, in NODE. */
static int find(const struct name *n)
{
	JUMPBUF;
	UINT32 rc;

	KC (NAMES, RC_GetEqual) CHARFROM(n->text, n->text[0] + 1) KEYSTO(NODE) RCTO(rc);
	return rc == RC_OKWITHKEY;
}

static void out(const char *text)
{
	JUMPBUF;
	UINT32 rc;

	KC (SOK, 0) CHARFROM(text, strlen(text)) RCTO(rc);
}

/* ---- branches ---------------------------------------------------------------------------- */

/* SIK and SOK of its circuit are then in K0, K1, CCK in its node; slot 1, a bank at the start, is used up. */
static void branch_end(void);

static UINT32 branch_make(struct name *n)
{
	JUMPBUF;
	UINT32 rc, id;

	for (id = 1; id <= BRANCHES; id++) {
		*n = name_at(id);
		if (!find(n))
			break;
	}
	if (id > BRANCHES)
		return 1;
	KC (PSB, SB_CreateNode) KEYSTO(NODE) RCTO(rc);
	if (rc)
		return NOSPACE_RC;
	KC (TMMK, TMMK_CreateBranch) KEYSTO(, , K2) RCTO(rc);
	if (rc == OK_RC) {
		KC (NODE, Node_Swap + NODE_CCK) KEYSFROM(K2);
		KC (COMP, TSSF) KEYSTO(K0);
		/* The zapper's circuit is what the branch's user gets: it survives the branch's own. */
		KC (K0, TSSF_CreateZMK) KEYSFROM(PSB, METER, PSB) KEYSTO(K2, K0, K1, SB) RCTO(rc);
	}
	if (rc == OK_RC) {
		KC (NODE, Node_Swap + NODE_ZMK) KEYSFROM(K2);
		KC (NODE, Node_Swap + NODE_CIRCUIT) KEYSFROM(SB);
		KC (NODE, Node_Fetch + NODE_CCK) KEYSTO(SB);
		KC (K2, ZMK_Connect) KEYSFROM(, , SB) RCTO(rc);
	}
	if (rc)
		branch_end();
	return rc;
}

static void branch_end(void)
{
	JUMPBUF;
	UINT32 rc;

	KC (NODE, Node_Fetch + NODE_ZMK) KEYSTO(K0);
	KC (K0, DESTROY_OC) RCTO(rc);
	KC (NODE, Node_Fetch + NODE_CCK) KEYSTO(K0);
	KC (TMMK, TMMK_DestroyBranch) KEYSFROM(K0) RCTO(rc);
	KC (PSB, SB_DestroyNode) KEYSFROM(NODE) RCTO(rc);
}

static UINT32 switch_to(const struct name *n)
{
	JUMPBUF;
	UINT32 rc;

	if (!find(n))
		return 1;
	KC (NODE, Node_Fetch + NODE_CCK) KEYSTO(K0);
	KC (TMMK, TMMK_SwitchOutput) KEYSFROM(K0) RCTO(rc);
	KC (TMMK, TMMK_SwitchInput) KEYSFROM(K0) RCTO(rc);
	return OK_RC;
}

static UINT32 status_of(const struct name *n)
{
	JUMPBUF;
	UINT32 bits = 0;

	if (!find(n))
		return 0;
	KC (NODE, Node_Fetch + NODE_CCK) KEYSTO(K0);
	KC (TMMK, TMMK_BranchStatus) KEYSFROM(K0) RCTO(bits);
	return bits;
}

/* ---- the domains that read and that wait -------------------------------------------------- */

/* The first branch with that status bit, after the first name; 0 there is none. */
static int find_status(UINT32 bit, struct name *n)
{
	for (UINT32 id = 1; id <= BRANCHES; id++) {
		*n = name_at(id);
		if (status_of(n) & bit)
			return 1;
		/* Names are given in order, and a gap of a whole alphabet is the end of them. */
		if (id % 26 == 0 && !find(n))
			break;
	}
	return 0;
}

static void status_tell(void)
{
	static const char digits[] = "0123456789ABCDEF";

	for (UINT32 id = 1; id <= BRANCHES; id++) {
		struct name n = name_at(id);
		char line[] = "Branch xx Status 00\n";
		UINT32 bits;

		if (!find(&n))
			continue;
		bits = status_of(&n);
		line[7] = n.text[1];
		line[8] = n.text[0] == 2 ? n.text[2] : ' ';
		line[17] = digits[bits >> 4 & 15];
		line[18] = digits[bits & 15];
		out(line);
	}
}

static void command(const char *line, UINT32 length)
{
	struct name n;

	if (length == 1 && line[0] == '\r') {
		if (find_status(OUTPUT_WAITS, &n))
			switch_to(&n);
		else
			out("No Active Branch\n[");
	} else if (length < 4) {
		n = name_of(line);
		if (switch_to(&n) != OK_RC)
			out("Unknown Branch\n[");
	} else if (strncmp(line, "status", 6) == 0) {
		status_tell();
		out("[");
	} else {
		out("Unknown Command\n[");
	}
}

static void reader(void)
{
	JUMPBUF;
	char line[LINE];
	ulong_t length;
	UINT32 rc;

	out("[");
	for (;;) {
		KC (SIK, READ_ECHO + LINE) CHARTO(line, LINE, length) RCTO(rc);
		if (rc)
			exit(0);
		if (length && line[length - 1] == ESCAPE) {
			KC (TMMK, TMMK_SwitchOutput) KEYSFROM(CCK) RCTO(rc);
			out("\n[");
		} else if (length) {
			command(line, length);
		}
	}
}

/* Output waits somewhere: the bell is heard whatever branch has the output. */
static void bell(void)
{
	JUMPBUF;
	struct name n;
	UINT32 rc;
	int other = find_status(HAS_OUTPUT, &n);

	KC (TMMK, TMMK_SwitchOutput) KEYSFROM(CCK) RCTO(rc);
	out("\007");
	if (other && find(&n)) {
		KC (NODE, Node_Fetch + NODE_CCK) KEYSTO(K0);
		KC (TMMK, TMMK_SwitchOutput) KEYSFROM(K0) RCTO(rc);
	}
}

static void waiter(void)
{
	JUMPBUF;
	UINT32 reason;

	for (;;) {
		KC (TMMK, TMMK_WaitForActiveBranch) RCTO(reason);
		if (reason == DATAKEY_RC)
			exit(0);
		if (reason & 1)
			bell();
	}
}

/* A domain of its own for that; nobody waits for it. */
static UINT32 start(void (*what)(void))
{
	JUMPBUF;
	int rc = fork();

	if (rc == 0) {
		KC (DOMKEY, Domain_SwapKey + 2);
		what();
	}
	return rc > 1 ? NOSPACE_RC : OK_RC;
}

/* ---- the switcher ------------------------------------------------------------------------ */

static UINT32 terminal_make(void)
{
	JUMPBUF;
	UINT32 rc;
	char escape = ESCAPE;

	KC (COMP, TSSF) KEYSTO(K0);
	KC (K0, EXTEND_OC) KEYSFROM(PSB, METER, SB) KEYSTO(, , , K0) RCTO(rc);
	if (rc != EXTEND_RC)
		return rc;
	KC (K0, EXTEND_OC) KEYSFROM(SIK, SOK, CCK) KEYSTO(, , , K0) RCTO(rc);
	if (rc != EXTEND_RC)
		return rc;
	KC (K0, TSSF_CreateTMMK) CHARFROM(&escape, 1) KEYSTO(TMMK, SIK, SOK, CCK) RCTO(rc);
	return rc;
}

static void end(void)
{
	JUMPBUF;
	UINT32 rc;

	for (;;) {
		KC (NAMES, RC_GetFirst) KEYSTO(NODE) RCTO(rc);
		if (rc != RC_OKWITHKEY)
			break;
		branch_end();
		/* The first: whatever its name is. */
		char first[4];

		KC (NAMES, RC_GetFirst) CHARTO(first, 3) RCTO(rc);
		KC (NAMES, RC_Delete) CHARFROM(first, first[0] + 1) RCTO(rc);
	}
	KC (TMMK, DESTROY_OC) RCTO(rc);
	KC (NAMES, DESTROY_OC) RCTO(rc);
}

void factory(UINT32 order)
{
	JUMPBUF;
	struct name n;
	char text[4], answer[2];
	UINT32 oc, rc;

	if (order != EXTEND_OC)
		exit(INVALIDOC_RC);
	KC (CALLER, EXTEND_OC) KEYSTO(SIK, SOK, CCK, CALLER) RCTO(oc);
	rc = terminal_make();
	if (rc)
		exit(rc);
	KC (COMP, RCF) KEYSTO(K0);
	KC (K0, RCF_CreateNameSequence) KEYSFROM(PSB, METER, PSB) KEYSTO(NAMES) RCTO(rc);
	if (rc == OK_RC)
		rc = start(reader);
	if (rc == OK_RC)
		rc = start(waiter);
	if (rc) {
		end();
		exit(rc);
	}
	KC (DOMKEY, Domain_MakeStart) KEYSTO(K0);
	LDEXBL (CALLER, OK_RC) KEYSFROM(K0);
	for (;;) {
		text[0] = text[1] = text[2] = 0;
		LDENBL OCTO(oc) CHARTO(text, 2) KEYSTO(, , , CALLER);
		RETJUMP();
		n = name_of(text);
		switch (oc) {
		case Switcher_CreateBranch:
			rc = branch_make(&n);
			if (rc == OK_RC)
				KC (NAMES, RC_AddKey) CHARFROM(n.text, n.text[0] + 1) KEYSFROM(NODE) RCTO(rc);
			answer[0] = n.text[1];
			answer[1] = n.text[2];
			/* The keys of the zapper's circuit. */
			if (rc == OK_RC) {
				KC (NODE, Node_Fetch + NODE_CIRCUIT) KEYSTO(K2);
				LDEXBL (CALLER, OK_RC) CHARFROM(answer, 2) KEYSFROM(K0, K1, K2);
			} else {
				LDEXBL (CALLER, rc);
			}
			break;
		case Switcher_DestroyBranch:
			if (find(&n)) {
				branch_end();
				KC (NAMES, RC_Delete) CHARFROM(n.text, n.text[0] + 1) RCTO(rc);
			}
			LDEXBL (CALLER, OK_RC);
			break;
		case Switcher_SwitchToBranch:
			rc = switch_to(&n);
			LDEXBL (CALLER, rc);
			break;
		case Switcher_DescribeBranch:
			rc = !find(&n);
			oc = status_of(&n);
			LDEXBL (CALLER, rc) STRUCTFROM(oc);
			break;
		case KT: LDEXBL (CALLER, Switcher_AKT); break;
		case DESTROY_OC:
			end();
			return;
		default: LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
