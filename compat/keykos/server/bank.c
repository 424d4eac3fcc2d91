/*
 * bank.c - KeyKOS's space banks and their transformer, over the bank service.
 *
 * Each bank here has a bank of its own there, which gives and takes back the storage; here are the counts by kind,
 * the limits by kind and the rights.  Nodes and pages are limited apart, as KeyKOS has it; a process counts as a node.
 *
 * Invariants
 *   1. live of a bank counts its own objects and those of the banks below; no live is above its limit at a create.
 *   2. A face of a bank is the rights that are forbidden: 1 destroy, 2 query, 4 change limits.
 *   3. If spare_of is a bank, R_SPARE is a page of its native bank, empty, that nobody else has a key to.  It counts as
 *      given back: whoever asks what is left, or finds nothing left, makes it so.
 * Source: keykos.md 4.1.
 */
#include <keros/fast.h>
#include "object.h"

#define NO_LIMIT   0xFFFFFFFFull
#define BIG_LIMIT_MAX 0xFFFFFFFFFFFFll
#define RC_LIMITED 4u
#define SLOT_NATIVE 0
/* No code of KeyKOS's: (4,code);caller,domain  exit (lib/start.S) of a domain whose creator is gone. */
#define OC_DISSOLVE 0x4B4F0008u

enum { NODES, PAGES };
enum { NO_DESTROY = 1, NO_QUERY = 2, NO_LIMITS = 4 };

bool bank_open(cap_t key, unsigned *index)
{
	unsigned rights;

	return key_open(key, KIND_BANK, index, &rights);
}

/* The bank of the service: mostly the one of the last call, which is still in its register. */
static unsigned native_of;

static void native_get(unsigned bank)
{
	if (native_of != bank)
		object_get(bank, SLOT_NATIVE, R_BANK_NATIVE);
	native_of = bank;
}

void native_forget(void)
{
	native_of = 0;
}

/*
 * The page that was last given back, made anew and kept for the next that its bank creates: that is half the calls of
 * the native bank.  A bank that gives pages back twice without ever taking it makes way for another.
 */
#define SPARE_PASSES 2
static unsigned spare_of, spare_passed;

static void spare_return(void)
{
	if (!spare_of)
		return;
	native_get(spare_of);
	fast_tell(R_BANK_NATIVE, BANK_OC_FREE_OWN, MAKE_PAGE, 0, 0, FAST_CAPS(R_SPARE, 0, 0, 0), 0);
	spare_of = 0;
}

static uint64_t room(unsigned bank, unsigned kind)
{
	uint64_t least = NO_LIMIT, left = 0;

	for (unsigned i = bank; i; i = objects[i].bank) {
		const struct object *o = &objects[i];
		uint64_t here = o->bank_of.limit[kind] > o->bank_of.live[kind] ? o->bank_of.limit[kind] - o->bank_of.live[kind] : 0;

		if (here < least)
			least = here;
	}
	spare_return();
	native_get(bank);
	bank_get_limits(R_BANK_NATIVE, NULL, NULL, &left);
	if (kind == NODES)
		left *= 15;                        /* nodes to a frame */
	return least < left ? least : left;
}

static void count(unsigned bank, unsigned kind, int change)
{
	for (unsigned i = bank; i; i = objects[i].bank) {
		if (change > 0)
			objects[i].bank_of.made[kind] += change;
		else
			objects[i].bank_of.freed[kind] -= change;
		objects[i].bank_of.live[kind] += change;
	}
}

static bool limited(unsigned bank, unsigned counted)
{
	for (unsigned i = bank; i; i = objects[i].bank)
		if (objects[i].bank_of.live[counted] >= objects[i].bank_of.limit[counted])
			return true;
	return false;
}

static uint32_t native_take(unsigned bank, unsigned kind, cap_t to)
{
	static const uint32_t orders[] = { BANK_OC_ALLOC_NODE, BANK_OC_ALLOC_PAGE, BANK_OC_ALLOC_PROCESS };

	native_get(bank);
	return fast_tell(R_BANK_NATIVE, orders[kind], 0, 0, 0, 0, FAST_CAPS(to, 0, 0, 0));
}

/* kind 0 node, 1 page, 2 process.  *at: the register that it is in, `to` or R_SPARE, until the next call of the bank. */
static uint32_t take(unsigned bank, unsigned kind, cap_t to, cap_t *at)
{
	unsigned counted = kind == PAGES ? PAGES : NODES;

	if (limited(bank, counted))
		return RC_LIMITED;
	*at = to;
	if (kind == PAGES && spare_of == bank) {
		*at = R_SPARE;
		spare_of = 0;
	} else if (native_take(bank, kind, to) != RC_OK) {
		if (!spare_of)
			return 1;
		spare_return();
		if (native_take(bank, kind, to) != RC_OK)
			return 1;
	}
	count(bank, counted, 1);
	return RC_OK;
}

uint32_t bank_take(unsigned bank, unsigned kind, cap_t to)
{
	cap_t at;
	uint32_t rc = take(bank, kind, to, &at);

	if (rc == RC_OK && at != to)
		cap_copy(to, at);
	return rc;
}

/* A page becomes the spare one if there is none. */
static bool page_renew(unsigned bank, cap_t page)
{
	if (spare_of && spare_of != bank && ++spare_passed >= SPARE_PASSES)
		spare_return();
	if (spare_of)
		return false;
	native_get(bank);
	if (fast_tell(R_BANK_NATIVE, BANK_OC_RENEW_OWN, MAKE_PAGE, 0, 0, FAST_CAPS(page, 0, 0, 0), FAST_CAPS(R_SPARE, 0, 0, 0)) != RC_OK)
		return false;
	spare_of = bank;
	spare_passed = 0;
	return true;
}

uint32_t bank_give(unsigned bank, unsigned kind, cap_t object)
{
	static const uint64_t kinds_there[] = { MAKE_NODE, MAKE_PAGE, MAKE_PROCESS };

	if (kind != PAGES || !page_renew(bank, object)) {
		native_get(bank);
		if (fast_tell(R_BANK_NATIVE, BANK_OC_FREE_OWN, kinds_there[kind], 0, 0, FAST_CAPS(object, 0, 0, 0), 0) != RC_OK)
			return 1;
	}
	count(bank, kind == PAGES ? PAGES : NODES, -1);
	return RC_OK;
}

/* Every other key to the object is dead then; the new one goes to R_A. */
uint32_t bank_renew(unsigned bank, cap_t object)
{
	native_get(bank);
	return bank_sever_own(R_BANK_NATIVE, object, R_A) == RC_OK ? RC_OK : 1;
}

/* Banks of the service that a destroyed bank had: it makes only so many in its life, so they are used again. */
static unsigned spare_object, spares;

static uint32_t native_make(cap_t to)
{
	if (spares && keytree_swap(spare_object, spares - 1, CR_VOID, to) == RC_OK) {
		spares--;
		return RC_OK;
	}
	return bank_make_sub(CR_BANK, ~0ull, to);
}

/* All that it had is gone then. */
static void native_end(unsigned bank, cap_t native)
{
	native_forget();
	if (spare_of == bank)
		spare_of = 0;
	if (bank_empty(native) == RC_OK && keytree_swap(spare_object, spares, native, CR_VOID) == RC_OK)
		spares++;
	else
		bank_destroy_all(native);
}

/*
 * A bank below another; 0 makes the first, over all that the server has.  The banks of the service are all of one
 * level: who is below whom, and who counts for whom, is known here.
 */
static uint32_t bank_make(unsigned above, unsigned *index)
{
	uint32_t rc = object_make(KIND_BANK, 0, index);

	if (rc != RC_OK)
		return rc;
	rc = native_make(R_A);
	if (rc != RC_OK) {
		object_end(*index);
		return 1;
	}
	object_put(*index, SLOT_NATIVE, R_A);
	objects[*index].bank = above;
	objects[*index].bank_of.limit[NODES] = objects[*index].bank_of.limit[PAGES] = NO_LIMIT;
	return RC_OK;
}

uint32_t bank_first(void)
{
	unsigned index;
	uint32_t rc = bank_make(0, &index);

	return rc == RC_OK ? object_make(KIND_SPARES, 0, &spare_object) : rc;
}

static bool is_below(unsigned bank, unsigned above)
{
	for (; bank; bank = objects[bank].bank)
		if (bank == above)
			return true;
	return false;
}

/* The bank, those below, and every object that is charged to one of them. */
static void bank_destroy_space(unsigned bank)
{
	static bool doomed[OBJECTS];
	unsigned above = objects[bank].bank;

	for (unsigned i = OBJECT_FIRST; i < objects_used; i++)
		doomed[i] = objects[i].kind != KIND_NONE && is_below(objects[i].kind == KIND_BANK ? i : objects[i].bank, bank);
	/* Objects first: who waits on one is told, and no window of ours shows what will be no more. */
	for (unsigned i = OBJECT_FIRST; i < objects_used; i++)
		if (doomed[i] && objects[i].kind != KIND_BANK && objects[i].kind != KIND_NONE)
			object_end(i);
	for (unsigned k = NODES; k <= PAGES; k++)
		for (unsigned i = above; i; i = objects[i].bank) {
			objects[i].bank_of.live[k] -= objects[bank].bank_of.live[k];
			objects[i].bank_of.freed[k] += objects[bank].bank_of.live[k];
		}
	for (unsigned i = OBJECT_FIRST; i < objects_used; i++) {
		if (!doomed[i] || objects[i].kind != KIND_BANK)
			continue;
		object_get(i, SLOT_NATIVE, R_A);
		native_end(i, R_A);
		node_tree_swap(R_STORE, i, 3, CR_VOID, CR_TMP0);
		bank_free(CR_BANK, CR_TMP0);
		object_free(i);
	}
}

/* ---- order codes ------------------------------------------------------------------------- */

/* What was never told of does not count as made and given back. */
static void take_back(unsigned bank, unsigned kind, cap_t object)
{
	unsigned counted = kind == PAGES ? PAGES : NODES;

	bank_give(bank, kind, object);
	for (unsigned i = bank; i; i = objects[i].bank) {
		objects[i].bank_of.made[counted]--;
		objects[i].bank_of.freed[counted]--;
	}
}

/* Up to three of a kind, all or nothing. */
static uint32_t create(unsigned bank, unsigned kind, unsigned n)
{
	static const cap_t to[] = { R_A, R_B, R_C };
	uint32_t rc = RC_OK;
	cap_t at[3];

	for (unsigned i = 0; i < n; i++) {
		rc = take(bank, kind, to[i], &at[i]);
		if (rc != RC_OK) {
			while (i--)
				take_back(bank, kind, at[i]);
			break;
		}
		reply_key(i, at[i]);
	}
	if (rc != RC_OK)
		memset(message.send, CR_VOID, sizeof message.send);
	return rc;
}

/* A full node key or a read-write page key, and no other kind. */
static bool acceptable(unsigned kind, cap_t key)
{
	unsigned data_byte;

	return key_look(key, &data_byte) == (kind == NODES ? TYPE_NODE : TYPE_PAGE) &&
	       (kind == NODES || !(data_byte & DB_READONLY));
}

static uint32_t destroy(unsigned bank, unsigned kind, unsigned n)
{
	static const cap_t from[] = { K0, K1, K2 };
	uint32_t failed = 0;

	for (unsigned i = 0; i < n; i++)
		if (bank_give(bank, kind, from[i]) != RC_OK)
			failed |= 1u << i;
	return failed;
}

static uint32_t sever(unsigned bank, unsigned kind)
{
	if (!acceptable(kind, K0))
		return 1;
	if (bank_renew(bank, K0) != RC_OK)
		return 1;
	reply_key(0, R_A);
	return RC_OK;
}

/* The small codes lead to limits of 32 bits, the big ones to such of 48, and change by as much at most. */
static uint32_t change_limit(unsigned bank, unsigned kind, int64_t delta, bool big)
{
	const int64_t most = big ? BIG_LIMIT_MAX : NO_LIMIT;
	uint64_t *limit = &objects[bank].bank_of.limit[kind], now;
	uint32_t rc = delta < 0 ? 1 : 2;

	if (face & NO_LIMITS)
		return 3;
	if (delta >= -most - 1 && delta <= most && (int64_t)*limit + delta >= 0 && (int64_t)*limit + delta <= most) {
		*limit += delta;
		rc = RC_OK;
	}
	now = *limit;
	reply_bytes(&now, big ? 8 : 4);
	return rc;
}

static uint32_t tell(unsigned bank, uint32_t what, unsigned kind)
{
	const struct object *o = &objects[bank];
	uint64_t left = room(bank, kind);
	uint32_t pair[2] = { o->bank_of.made[kind], o->bank_of.freed[kind] }, small = left;

	if (face & NO_QUERY)
		return RC_UNKNOWN;
	if (what == 5) {
		reply_bytes(&small, sizeof small);
	} else if (what == 6) {
		reply_bytes(pair, sizeof pair);
	} else {
		reply_bytes(&left, sizeof left);
	}
	return RC_OK;
}

static uint32_t tell_all(unsigned bank)
{
	const struct object *o = &objects[bank];
	uint64_t all[4] = { o->bank_of.made[NODES], o->bank_of.freed[NODES], o->bank_of.made[PAGES], o->bank_of.freed[PAGES] };

	if (face & NO_QUERY)
		return RC_UNKNOWN;
	reply_bytes(all, sizeof all);
	return RC_OK;
}

static uint32_t verify(cap_t key)
{
	unsigned index, rights;

	return key_open(key, KIND_BANK, &index, &rights) ? rights & 7 : RC_FOREIGN;
}

static uint32_t weaken(unsigned bank, unsigned forbid)
{
	object_key(bank, face | forbid, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

static uint32_t sub_bank(unsigned above, unsigned rights)
{
	unsigned index;
	uint32_t rc = bank_make(above, &index);

	if (rc != RC_OK)
		return 1;
	object_key(index, rights, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

/* Orders 0..14 for nodes; 16..30 are the same for pages. */
static uint32_t serve_kind(unsigned bank, uint32_t order, unsigned kind)
{
	uint64_t delta, range[2];

	switch (order) {
	case 0: return create(bank, kind, 1);
	case 1: return destroy(bank, kind, 1);
	case 2: return sever(bank, kind);
	case 5: case 6: case 14: return tell(bank, order, kind);
	case 7: case 8: return create(bank, kind, order - 5);
	case 9: case 10: return destroy(bank, kind, order - 7);
	case 11: return change_limit(bank, kind, (int32_t)arg32(0), false);
	case 12:
		if (face & NO_LIMITS)
			return 3;
		memcpy(range, message_string, sizeof range);
		/* Places are the bank service's business: a range is accepted if it is one. */
		return range[0] > range[1] ? 2 : RC_OK;
	case 13:
		memcpy(&delta, message_string, 8);
		return change_limit(bank, kind, (int64_t)delta, true);
	}
	return RC_UNKNOWN;
}

uint32_t sb_serve(unsigned bank, uint32_t order)
{
	/* What 33..39 forbid. */
	static const uint8_t forbids[] = { NO_DESTROY, NO_QUERY, NO_DESTROY | NO_QUERY, NO_LIMITS, NO_DESTROY | NO_LIMITS,
					   NO_QUERY | NO_LIMITS, NO_DESTROY | NO_QUERY | NO_LIMITS };

	if (order < 31 && order != 15)
		return serve_kind(bank, order & 15, order >> 4);
	if (order >= 33 && order <= 39)
		return weaken(bank, forbids[order - 33]);
	switch (order) {
	case 64: case OC_DESTROY:
		if ((face & NO_DESTROY) || objects[bank].bank == 0)
			return RC_UNKNOWN;
		bank_destroy_space(bank);
		return RC_OK;
	case 65: return tell_all(bank);
	case 66: return verify(K0);
	case 67: return sub_bank(bank, face & NO_QUERY);
	case OC_DISSOLVE: return domain_dissolve(bank);
	case KT: return 0x0C;
	}
	return RC_UNKNOWN;
}

/* ---- the transformer --------------------------------------------------------------------- */

uint32_t sbt_serve(unsigned index, uint32_t order)
{
	unsigned bank;
	uint32_t rc;

	(void)index;
	if (order == 0)
		return verify(K0);
	if (order == KT)
		return 0x040C;
	if (order != 1 && order != 2 && order != 5)
		return RC_UNKNOWN;
	if (!bank_open(K0, &bank))
		return 3;
	rc = sub_bank(bank, 0);
	if (rc == RC_OK && order == 5) {
		key_open(R_A, KIND_BANK, &bank, &face);
		objects[bank].bank_of.limit[NODES] = message.recv_length >= 4 ? arg32(0) : NO_LIMIT;
		objects[bank].bank_of.limit[PAGES] = message.recv_length >= 8 ? arg32(4) : NO_LIMIT;
	}
	return rc;
}
