/*
 * psched.ck - a scheduler outside the kernel: meters whose time is dealt out anew each second, by policy.
 *
 *	PSCHEDF(KT+5;psb,m,sb ==> KT+5;,,,X), X(0;USERNODE,SYSTEMNODE ==> c;ADMIN,NOTIFY,STATUS)   c: 2 no space
 *	ADMIN(0 ==> c;METER,CHANGE,ID)         a meter below USERNODE's, of priority 50; c: 4 too many, 2 no space
 *	ADMIN(1,(policy);ID ==> c)             0 none: all the time there is; 1 priority, 2 percentage, 0..100; KT+3 neither
 *	ADMIN(2, 3, 4;ID ==> c)                destroys, stops, starts; c: 8 ID is none
 *	ADMIN(KT ==> 0x68), (KT+4 ==> 0)       destroys all of them
 *	NOTIFY(10 ==> 0,(policy);ID)           waits until the holder of a CHANGE asks for a policy; 1 somebody waits; KT 0x268
 *	STATUS(20;ID ==> c,(status)), KT 0x368
 *	CHANGE(30,(policy) ==> c), KT 0x468    c: 5 it came with no node, 7 with none of ours (6 is not used)
 *
 * At each tick a meter's counter is set to its share: a percentage of the second, or its priority in all priorities.
 * Whose meter is empty waits for the next tick: his restart key is kept.  A stopped meter's counter is empty.
 * A meter's node has in slot 13, a change node in slot 0, a data key that says which it is; ID is a fetch key of the latter.
 * Components: 0 the maker of super nodes, 1 of waits, 2 discrim.  Source: keykos.md 4.10.
 */
#include <string.h>
#include "keykos.h"
#include "kktypes.h"
#include "discrim.h"
#include "domain.h"
#include "node.h"
#include "ocrc.h"
#include "program.h"
#include "psched.h"
#include "sb.h"
#include "snode.h"
#include "wait.h"

KEY COMP   = 0;
KEY DISCRIM = 1;
KEY CALLER = 2;
KEY DOMKEY = 3;
KEY PSB    = 4;
KEY METER  = 5;
KEY USER   = 7;
KEY NODE   = 8;                            /* what a keeper, or a front-end's, is handed */
KEY KEPT   = 9;                            /* a super node: PLACES for each meter */
KEY CLOCK  = 10;
KEY WAITER = 11;
KEY K3     = 12;                           /* what a client gives, and is given third */
KEY K2     = 13;
KEY K1     = 14;
KEY K0     = 15;

enum { FACE_TICK = 1, FACE_ADMIN, FACE_NOTIFY, FACE_STATUS, FACE_CHANGE, FACE_KEEPER };
enum { PLACE_METER, PLACE_CHANGE, PLACE_HELD, PLACES = 64 };
#define METERS      16u
#define HELD_MAX    (PLACES - PLACE_HELD)
#define MAGIC       0x4B505343u
#define PERIOD_US   1000000ull
#define PERIOD      (PERIOD_US * 16)       /* in a meter's units */
#define ALL_TIME    0x00FFFFFFFFFFFFFFull
#define SLOT_COUNTER 3u

struct meter {
	UINT32 made, stopped, held, asks;
	struct pformat0 policy, asked;
	UINT64 set, used, last, periods;       /* the counter as it was set last; used in all, and in the last period */
};

char title[] = "PSCHED  ";
int stacksiz = 3 * 4096;

/* ---- keys by number, and integers in nodes --------------------------------------------------- */

static UINT32 keep(UINT32 n, UINT32 place, KEY key)
{
	JUMPBUF;
	struct SNode_Slot slot = { n * PLACES + place };
	UINT32 rc;

	KC (KEPT, SNode_Swap) STRUCTFROM(slot) KEYSFROM(key) RCTO(rc);
	return rc;
}

/* Into K0. */
static void kept(UINT32 n, UINT32 place)
{
	JUMPBUF;
	struct SNode_Slot slot = { n * PLACES + place };

	KC (KEPT, SNode_Fetch) STRUCTFROM(slot) KEYSTO(K0);
}

static void number_put(KEY node, UINT32 slot, UINT64 value)
{
	JUMPBUF;
	struct { UINT32 first, last; UCHAR body[16]; } w = { slot, slot, { 0 } };

	for (unsigned i = 0; i < 8; i++)
		w.body[15 - i] = value >> 8 * i;
	KC (node, Node_WriteData) STRUCTFROM(w);
}

/* Of the key in K1; code: 0, or why it is no integer. */
static UINT64 number_get(UINT32 *code)
{
	JUMPBUF;
	UCHAR body[16] = { 0 };
	UINT64 value = 0;
	UINT32 rc;

	KC (K1, 1) CHARTO(body, 16) RCTO(rc);
	*code = rc != DATAKEY_RC;
	for (unsigned i = 8; i < 16; i++)
		value = value << 8 | body[i];
	return value;
}

/*
 * Which meter a key is of; METERS if it is of none.  The kernel compares it with ours: nothing that a client gave is called,
 * as it could lead here again, or never answer.
 */
static UINT32 which_node(KEY node, UINT32 place, const struct meter *m)
{
	JUMPBUF;
	UINT32 n, rc;

	for (n = 0; n < METERS; n++)
		if (m[n].made) {
			kept(n, place);
			KC (K0, Node_Compare) KEYSFROM(node) RCTO(rc);
			if (rc == 0)
				break;
		}
	return n;
}

static UINT32 which_id(KEY id, const struct meter *m)
{
	JUMPBUF;
	UINT32 n, rc;

	for (n = 0; n < METERS; n++)
		if (m[n].made) {
			kept(n, PLACE_CHANGE);
			KC (K0, Node_MakeFetchKey) KEYSTO(K0);
			KC (DISCRIM, Discrim_Compare) KEYSFROM(K0, id) RCTO(rc);
			if (rc == 0)
				break;
		}
	return n;
}

/* ---- dealing out ------------------------------------------------------------------------------- */

static UINT64 share(const struct meter *m, UINT32 n)
{
	UINT32 all = 0, value = m[n].policy.policyvalue;

	if (m[n].stopped)
		return 0;
	if (m[n].policy.policy == POLICYUNUSED)
		return ALL_TIME;
	if (m[n].policy.policy == POLICYPERCENTAGE)
		return PERIOD * value / 100;
	for (UINT32 i = 0; i < METERS; i++)
		if (m[i].made && !m[i].stopped && m[i].policy.policy == POLICYPRIORITY)
			all += m[i].policy.policyvalue;
	return all ? PERIOD * value / all : 0;
}

/* What was used since the counter was set. */
static UINT64 account(struct meter *m, UINT32 n)
{
	JUMPBUF;
	UINT64 left;
	UINT32 code;

	kept(n, PLACE_METER);
	KC (K0, Node_Fetch + SLOT_COUNTER) KEYSTO(K1);
	left = number_get(&code);
	left = code || left > m[n].set ? m[n].set : left;
	m[n].used += m[n].set - left;
	left = m[n].set - left;
	m[n].set -= left;
	return left;
}

/* Its share, and who waits for it goes on. */
static void fill(struct meter *m, UINT32 n)
{
	JUMPBUF;

	m[n].set = share(m, n);
	kept(n, PLACE_METER);
	number_put(K0, SLOT_COUNTER, m[n].set);
	while (m[n].set && m[n].held) {
		kept(n, PLACE_HELD + --m[n].held);
		KFORK (K0, OK_RC);
	}
}

static void fill_all(struct meter *m)
{
	for (UINT32 n = 0; n < METERS; n++)
		if (m[n].made) {
			account(m, n);
			fill(m, n);
		}
}

static void tick(struct meter *m)
{
	for (UINT32 n = 0; n < METERS; n++)
		if (m[n].made) {
			UINT64 before = m[n].used;

			account(m, n);
			m[n].last = m[n].used - before;
			m[n].periods++;
			fill(m, n);
		}
}

/* A domain under the meter in NODE has no time left; CALLER is its restart key. */
static UINT32 empty(struct meter *m)
{
	UINT32 n = which_node(NODE, PLACE_METER, m);

	if (n == METERS || m[n].held == HELD_MAX || keep(n, PLACE_HELD + m[n].held, CALLER))
		return 0;                      /* it goes on at once: to keep none is better than to lose one */
	m[n].held++;
	return 1;
}

/* ---- meters -------------------------------------------------------------------------------------- */

static void face_make(UCHAR face, KEY to)
{
	JUMPBUF;

	KC (DOMKEY, Domain_MakeStart) STRUCTFROM(face) KEYSTO(to);
}

/* The two nodes in K2 and K3 become meter n's; K1 is the meter, K2 the change key, K3 the identifying one. */
static UINT32 meter_build(struct meter *m, UINT32 n)
{
	JUMPBUF;
	struct Node_KeyValues format = { 15, 15, { Format1K(0, 13, 15, 14, 0, 0) } };

	for (UINT32 slot = SLOT_COUNTER; slot <= 5; slot++)
		number_put(K2, slot, ALL_TIME);
	number_put(K2, 13, (UINT64)MAGIC << 32 | n);
	KC (USER, Node_MakeMeterKey) KEYSTO(K0);
	KC (K2, Node_Swap + 1) KEYSFROM(K0);
	face_make(FACE_KEEPER, K0);
	KC (K2, Node_Swap + 2) KEYSFROM(K0);
	number_put(K3, 0, (UINT64)MAGIC << 32 | n);
	face_make(FACE_CHANGE, K0);
	KC (K3, Node_Swap + 14) KEYSFROM(K0);
	KC (K3, Node_WriteData) CHARFROM(&format, 8 + 16);
	if (keep(n, PLACE_METER, K2) || keep(n, PLACE_CHANGE, K3))
		return NOSPACE_RC;
	m[n] = (struct meter){ .made = 1, .policy = { POLICYPRIORITY, 50 } };
	fill_all(m);                           /* the others' shares are less now */
	KC (K2, Node_MakeMeterKey) KEYSTO(K1);
	KC (K3, Node_MakeFrontendKey) KEYSTO(K2);
	KC (K3, Node_MakeFetchKey) KEYSTO(K3);
	return OK_RC;
}

static UINT32 meter_make(struct meter *m)
{
	JUMPBUF;
	UINT32 n = 0, rc;

	while (n < METERS && m[n].made)
		n++;
	if (n == METERS)
		return PSched_TooManyMeters;
	KC (PSB, SB_CreateTwoNodes) KEYSTO(K2, K3) RCTO(rc);
	if (rc)
		return NOSPACE_RC;
	rc = meter_build(m, n);
	if (rc)
		KC (PSB, SB_DestroyTwoNodes) KEYSFROM(K2, K3) RCTO(n);
	return rc;
}

/* Who ran on it finds no meter any more. */
static void meter_end(struct meter *m, UINT32 n)
{
	JUMPBUF;
	UINT32 rc;

	m[n].made = 0;
	while (m[n].held) {
		kept(n, PLACE_HELD + --m[n].held);
		KFORK (K0, OK_RC);
	}
	for (UINT32 place = PLACE_METER; place <= PLACE_CHANGE; place++) {
		kept(n, place);
		KC (PSB, SB_DestroyNode) KEYSFROM(K0) RCTO(rc);
	}
	fill_all(m);
}

static int is_policy(const struct PSched_Policy *p, UINT32 length)
{
	return length >= sizeof *p && p->format == 0 && p->un.p0.policy >= POLICYUNUSED && p->un.p0.policy <= POLICYPERCENTAGE &&
	       p->un.p0.policyvalue >= 0 && p->un.p0.policyvalue <= 100;
}

static UINT32 administer(struct meter *m, UINT32 oc, const struct PSched_Policy *p, UINT32 length)
{
	UINT32 n;

	if (oc == PSched_CreateMeter)
		return meter_make(m);
	if (oc > PSched_StartMeter)
		return oc == KT ? PSchedAdmin_AKT : INVALIDOC_RC;
	n = which_id(K3, m);
	if (n == METERS)
		return PSched_InvalidIDKey;
	switch (oc) {
	case PSched_DestroyMeter: meter_end(m, n); return OK_RC;
	case PSched_StopMeter: m[n].stopped = 1; break;
	case PSched_StartMeter: m[n].stopped = 0; break;
	default:
		if (!is_policy(p, length))
			return FORMATERROR_RC;
		m[n].policy = p->un.p0;
	}
	fill_all(m);
	return OK_RC;
}

/* ---- status, and changes asked for ----------------------------------------------------------------- */

static UINT32 tell(struct meter *m, UINT32 oc, struct PSched_MeterStatus *s)
{
	UINT32 n;

	if (oc != PSched_GetStatus)
		return oc == KT ? PSchedStatus_AKT : INVALIDOC_RC;
	n = which_id(K3, m);
	if (n == METERS)
		return PSched_InvalidIDKey;
	account(m, n);
	s->un.s0.policy = m[n].policy.policy;
	s->un.s0.policyvalue = m[n].policy.policyvalue;
	s->un.s0.relpercent = m[n].last * 100 / PERIOD;
	s->un.s0.percent = m[n].periods ? m[n].used * 100 / (m[n].periods * PERIOD) : 0;
	s->un.s0.used = m[n].used / 16;
	return OK_RC;
}

static UINT32 change(struct meter *m, UINT32 oc, const struct PSched_Policy *p, UINT32 length)
{
	JUMPBUF;
	UINT32 n, type;

	if (oc == KT)
		return PSchedChange_AKT;
	if (oc != PSched_ChangePolicy)
		return INVALIDOC_RC;
	n = which_node(NODE, PLACE_CHANGE, m);
	if (n == METERS) {
		KC (DISCRIM, Discrim_Type) KEYSFROM(NODE) RCTO(type);
		return type == Discrim_TypeMemory ? PSched_ChangeNotMagic : PSched_ChangeNotNode;
	}
	if (!is_policy(p, length))
		return FORMATERROR_RC;
	m[n].asks = 1;
	m[n].asked = p->un.p0;
	return OK_RC;
}

/* Who waits hears of a change that somebody has asked for. */
static int notify(struct meter *m)
{
	JUMPBUF;
	struct PSched_Policy p = { 0 };

	for (UINT32 n = 0; n < METERS; n++)
		if (m[n].made && m[n].asks) {
			m[n].asks = 0;
			p.un.p0 = m[n].asked;
			kept(n, PLACE_CHANGE);
			KC (K0, Node_MakeFetchKey) KEYSTO(K0);
			KFORK (WAITER, OK_RC) STRUCTFROM(p) KEYSFROM(K0);
			return 1;
		}
	return 0;
}

/* ---- the start, and serving -------------------------------------------------------------------------- */

/* A second domain: a message each second, until nobody is there. */
static void ticker(void)
{
	JUMPBUF;
	UINT64 us = PERIOD_US;
	UINT32 rc;

	KC (COMP, 15) KEYSTO(CALLER);
	do {
		KC (CLOCK, Wait_SetIntervalAndWait) STRUCTFROM(us) RCTO(rc);
		if (rc == 0)
			KC (NODE, 0) RCTO(rc);
	} while (rc == 0);
	exit(OK_RC);
}

static UINT32 begin(void)
{
	JUMPBUF;
	UINT32 rc;

	KC (COMP, 0) KEYSTO(K0);
	KC (K0, SNodeF_Create) KEYSFROM(PSB, METER, PSB) KEYSTO(KEPT) RCTO(rc);
	if (rc)
		return rc;
	KC (COMP, 2) KEYSTO(DISCRIM);
	KC (COMP, 1) KEYSTO(K0);
	KC (K0, WaitF_Create) KEYSFROM(PSB, METER, PSB) KEYSTO(CLOCK) RCTO(rc);
	if (rc == 0) {
		face_make(FACE_TICK, NODE);
		rc = fork();
		if (rc == 0)
			ticker();
		if (rc == 1)
			return OK_RC;
		KC (CLOCK, DESTROY_OC) RCTO(rc);
	}
	KC (KEPT, DESTROY_OC) RCTO(rc);
	return NOSPACE_RC;
}

static void end(struct meter *m, int waits)
{
	JUMPBUF;
	UINT32 rc;

	for (UINT32 n = 0; n < METERS; n++)
		if (m[n].made)
			meter_end(m, n);
	if (waits)
		KFORK (WAITER, DATAKEY_RC);
	KC (CLOCK, DESTROY_OC) RCTO(rc);
	KC (KEPT, DESTROY_OC) RCTO(rc);
}

void factory(UINT32 order)
{
	JUMPBUF;
	struct meter m[METERS];
	union { struct PSched_Policy policy; struct PSched_MeterStatus status; } in, out;
	UINT32 oc, rc, length, waits = 0;
	SINT16 face;

	if (order != EXTEND_OC)
		exit(INVALIDOC_RC);
	KC (CALLER, EXTEND_OC) KEYSTO(USER, , , CALLER) OCTO(oc);
	if (oc != PSchedF_CreateSimpleScheduler)
		exit(INVALIDOC_RC);
	memset(m, 0, sizeof m);
	if (begin())
		exit(NOSPACE_RC);
	face_make(FACE_ADMIN, K0);
	face_make(FACE_NOTIFY, K1);
	face_make(FACE_STATUS, K2);
	LDEXBL (CALLER, OK_RC) KEYSFROM(K0, K1, K2);
	for (;;) {
		memset(&in, 0, sizeof in);
		LDENBL OCTO(oc) DBTO(face) KEYSTO(K3, , NODE, CALLER) STRUCTTO(in, sizeof in, length);
		RETJUMP();
		memset(&out, 0, sizeof out);
		switch (face) {
		case FACE_TICK:
			tick(m);
			LDEXBL (CALLER, OK_RC);
			break;
		case FACE_KEEPER:
			rc = empty(m);
			LDEXBL (CALLER, OK_RC);
			if (rc)
				LDEXBL (COMP, 15);     /* nobody is answered yet */
			break;
		case FACE_ADMIN:
			if (oc == DESTROY_OC) {
				end(m, waits);
				return;
			}
			rc = administer(m, oc, &in.policy, length);
			LDEXBL (CALLER, rc);
			if (oc == PSched_CreateMeter && rc == 0)
				LDEXBL (CALLER, rc) KEYSFROM(K1, K2, K3);
			break;
		case FACE_STATUS:
			rc = tell(m, oc, &out.status);
			LDEXBL (CALLER, rc);
			if (rc == 0)
				LDEXBL (CALLER, rc) STRUCTFROM(out.status);
			break;
		case FACE_CHANGE:
			rc = change(m, oc, &in.policy, length);
			if (rc == 0 && waits && notify(m))
				waits = 0;
			LDEXBL (CALLER, rc);
			break;
		case FACE_NOTIFY:
			if (oc != PSched_Wait || waits) {
				LDEXBL (CALLER, oc == KT ? PSchedNotify_AKT : oc == PSched_Wait ? 1 : INVALIDOC_RC);
				break;
			}
			KC (DOMKEY, Domain_GetKey + CALLER) KEYSTO(WAITER);
			waits = !notify(m);
			LDEXBL (COMP, 15);
			break;
		default:
			LDEXBL (CALLER, INVALIDOC_RC);
		}
	}
}
