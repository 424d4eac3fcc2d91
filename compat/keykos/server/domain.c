/*
 * domain.c - domain creators and their creator.
 *
 * A creator is a brand: a node that nobody else has.  Its domains are processes with that brand in their brand slot,
 * and the process tool recognises them.  Face 1 of a creator is the weak key, which cannot destroy it.
 *
 * Invariant: a domain is made available, with no key, no memory and no meter; it counts as a node of its bank.
 * Source: keykos.md 4.2.
 */
#include <keros/abi.h>
#include "object.h"

#define SLOT_BRAND 0
#define WEAK 1
#define DOMAIN_TAKE 2                      /* bank_take's kind */

enum { RC_FOREIGN_DOMAIN = 3 };

uint32_t primary(cap_t key, uint32_t order, cap_t send, cap_t recv)
{
	struct msg m = { .order = order, .send = { send }, .recv = { recv } };

	inv_raw(INV_CALL | INV_KEYKOS, key, &m);
	return m.order;
}

uint32_t dc_make(unsigned bank, unsigned *index)
{
	if (object_make(KIND_DC, bank, index) != RC_OK)
		return RC_NO_SPACE;
	if (bank_take(bank, 0, R_A) != RC_OK) {
		object_end(*index);
		return RC_NO_SPACE;
	}
	object_put(*index, SLOT_BRAND, R_A);
	return RC_OK;
}

void dc_end(unsigned dc)
{
	object_get(dc, SLOT_BRAND, R_D);
	bank_give(objects[dc].bank, 0, R_D);
}

uint32_t domain_make(unsigned dc, unsigned bank, cap_t to)
{
	if (bank_take(bank, DOMAIN_TAKE, to) != RC_OK)
		return RC_NO_SPACE;
	object_get(dc, SLOT_BRAND, CR_TMP0);
	proctool_set_brand(R_PROCTOOL, to, CR_TMP0);
	primary(to, 65, CR_VOID, CR_VOID);
	return RC_OK;
}

uint32_t dcc_serve(unsigned index, uint32_t order)
{
	unsigned bank, dc, which;

	(void)index;
	switch (order) {
	case 0:
		if (!bank_open(K0, &bank))
			return RC_BAD_BANK;
		if (dc_make(bank, &dc) != RC_OK)
			return RC_VOID;
		object_key(dc, 0, R_A);
		reply_key(0, R_A);
		return RC_OK;
	case 1: return key_open(K0, KIND_DC, &dc, &which) ? which & WEAK : RC_FOREIGN;
	case KT: return 0x10D;
	}
	return RC_UNKNOWN;
}

static uint32_t create(unsigned dc, cap_t bank_key)
{
	unsigned bank;

	if (!bank_open(bank_key, &bank))
		return RC_BAD_BANK;
	if (domain_make(dc, bank, R_A) != RC_OK)
		return RC_NO_SPACE;
	reply_key(0, R_A);
	return RC_OK;
}

/* Whose domain a start, resume or domain key is: the key to the domain goes to R_A. */
static uint32_t identify(unsigned dc, cap_t key, uint32_t order, uint64_t *data)
{
	object_get(dc, SLOT_BRAND, CR_TMP0);
	*data = 0;
	if (order == 2)
		return proctool_identify_start(R_PROCTOOL, key, CR_TMP0, data, R_A);
	if (order == 3)
		return proctool_identify_resume(R_PROCTOOL, key, CR_TMP0, data, R_A);
	return proctool_identify_process(R_PROCTOOL, key, CR_TMP0, R_A);
}

/*
 * 5..7, 9..11: whose domain keeps a segment, or a meter: its keeper is a start (5, 9), resume (6, 10) or domain key
 * (7, 11).  The domain tool tells the keeper's slot and data byte; the domain and the node are the answer.
 */
static uint32_t tell_keeper(unsigned dc, uint32_t order)
{
	struct msg m = { .order = order, .send = { K0, CR_TMP0 }, .recv = { R_B } };
	uint32_t kind = order >= 9 ? order - 9 : order - 5;
	uint64_t data;

	object_get(dc, SLOT_BRAND, CR_TMP0);
	inv_raw(INV_CALL | INV_KEYKOS, R_PROCTOOL, &m);
	if (m.order >= KT)
		return m.order;
	node_fetch(R_B, m.order >> 8, R_C);
	if (identify(dc, R_C, kind == 0 ? 2 : kind == 1 ? 3 : 1, &data) != RC_OK)
		return RC_FOREIGN;
	reply_key(0, R_A);
	reply_key(1, R_B);
	return m.order & 0xFF;
}

static uint32_t tell_identity(unsigned dc, uint32_t order)
{
	uint64_t data;

	if (identify(dc, K0, order, &data) != RC_OK)
		return RC_FOREIGN;
	reply_key(0, R_A);
	return data & 0xFF;
}

/* Gives a domain back, and the memory that was made for it at its birth. */
static uint32_t domain_give(unsigned bank, cap_t domain)
{
	struct entry e;

	keyset_bits(domain, &e);
	if (bank_give(bank, DOMAIN_TAKE, domain) != RC_OK)
		return 2;
	segments_of_domain_end(&e);
	return RC_OK;
}

void resume_refuse(cap_t key)
{
	struct msg m = { .order = RC_VOID };

	if (key_type(key) == TYPE_RESUME)
		inv_raw(INV_SEND, key, &m);
}

static bool domain_has(cap_t domain, const struct entry *e)
{
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		struct entry other;

		primary(domain, 16 + i, CR_VOID, R_B);
		keyset_bits(R_B, &other);
		if (other.first == e->first && other.second == e->second)
			return true;
	}
	return false;
}

/*
 * Who waits for the domain in K0, which is about to go, is told so.  Not who can still be answered by the domain that asks
 * for this: one that was made by fork has copies of the keys of its parent, which ends it.
 */
static void callers_tell(unsigned dc)
{
	uint64_t data;
	bool parent = identify(dc, CR_RETURN, 3, &data) == RC_OK;
	struct entry e;

	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		primary(K0, 16 + i, CR_VOID, R_F);
		keyset_bits(R_F, &e);
		if (!(parent && domain_has(R_A, &e)))
			resume_refuse(R_F);
	}
}

static uint32_t destroy_domain(unsigned dc, cap_t domain, cap_t bank_key)
{
	struct entry e;
	uint64_t data;
	unsigned bank;

	if (!bank_open(bank_key, &bank))
		return RC_BAD_BANK;
	if (identify(dc, domain, 1, &data) != RC_OK)
		return RC_FOREIGN_DOMAIN;
	/* Whether the bank may is to be known before anybody is told; with that it is the last key to the domain. */
	keyset_bits(domain, &e);
	if (bank_renew(bank, domain) != RC_OK)
		return 2;
	cap_copy(K0, R_A);
	callers_tell(dc);
	if (bank_give(bank, DOMAIN_TAKE, K0) != RC_OK)
		return 2;
	segments_of_domain_end(&e);
	return RC_OK;
}

/* Gives back the domain that calls, and tells K0 the code that it ended with. */
static uint32_t domain_end(unsigned bank, cap_t domain)
{
	struct msg m = { .order = message.recv_length >= 4 ? arg32(0) : (uint32_t)message.w[0] };
	unsigned birth, which_face;

	if (domain_give(bank, domain) != RC_OK)
		return 2;
	/* Only a resume key is answered, and a birth of our own: anything else could make the server wait. */
	if (key_open(K0, KIND_BIRTH, &birth, &which_face)) {
		memset(message.send, CR_VOID, sizeof message.send);
		cap_copy(K0, CR_VOID);
		return birth_serve(birth, m.order);
	}
	if (key_type(K0) == TYPE_RESUME)
		inv_raw(INV_SEND, K0, &m);
	return NO_REPLY;
}

/* The caller's own end: nothing of its memory, which exit has sold.  A code that is in no memory any more is word 0. */
static uint32_t destroy_caller(unsigned dc)
{
	uint64_t data;
	unsigned bank;

	if (identify(dc, CR_RETURN, 3, &data) != RC_OK)
		return RC_FOREIGN_DOMAIN;
	if (!bank_open(K1, &bank))
		return RC_BAD_BANK;
	return domain_end(bank, R_A);
}

/* The same of the bank itself, for a domain whose creator is gone: its domain key says that it is its own. */
uint32_t domain_dissolve(unsigned bank)
{
	if (key_type(K1) != TYPE_PROCESS)
		return 1;
	return domain_end(bank, K1);
}

/* 14: the domain of a start or resume key. */
static uint32_t sever_domain(unsigned dc)
{
	uint64_t data;
	unsigned bank;

	if (!bank_open(K1, &bank))
		return RC_BAD_BANK;
	if (identify(dc, K0, 2, &data) != RC_OK && identify(dc, K0, 3, &data) != RC_OK)
		return RC_FOREIGN_DOMAIN;
	if (bank_renew(bank, R_A) != RC_OK)
		return 2;
	reply_key(0, R_A);
	return RC_OK;
}

/* 15: the caller.  Its resume key dies with the others, so it gets another to be answered through. */
static uint32_t sever_caller(unsigned dc)
{
	uint64_t data;
	unsigned bank;

	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (identify(dc, CR_RETURN, 3, &data) != RC_OK)
		return RC_FOREIGN_DOMAIN;
	if (bank_renew(bank, R_A) != RC_OK)
		return 2;
	process_make_resume(R_A, CR_RETURN);
	reply_key(0, R_A);
	return RC_OK;
}

uint32_t dc_serve(unsigned dc, uint32_t order)
{
	switch (order) {
	case 0: return create(dc, K1);
	case 1: return destroy_domain(dc, K0, K1);
	case 2: case 3: return tell_identity(dc, order);
	case 5: case 6: case 7: case 9: case 10: case 11: return tell_keeper(dc, order);
	case 8: return destroy_caller(dc);
	case 12: return create(dc, K0);
	case 13:
		object_key(dc, WEAK, R_A);
		reply_key(0, R_A);
		return RC_OK;
	case 14: return sever_domain(dc);
	case 15: return sever_caller(dc);
	case KT: return 0x0D;
	case 4: case OC_DESTROY:
		if (face & WEAK)
			return RC_UNKNOWN;
		object_end(dc);
		return RC_OK;
	}
	return RC_UNKNOWN;
}
