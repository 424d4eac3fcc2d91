/*
 * keyset.c - KID: sets of keys, and the hole sets of factories.
 *
 *	KIDC(0,(4,max);psb,m,sb ==> c;KID)      c: 1 psb is not official, 2 no space; max above 300 needs an official sb
 *	KID(1,(4,n);K ==> c)                    adds K under the number n, or gives it that number; 1 it is full
 *	KID(2;K ==> c,(4,n))                    1 it is not in the set
 *	KID(3;K ==> c)                          takes it out; 1 it was not there
 *	KID(4;KID2 ==> c)                       0 every key of KID2 is here, 1 not so, 4 KID2 is no set
 *	KID(5;KID2 ==> c)                       only what is in both stays; 4 KID2 is no set
 *	KID(6;KID2 ==> c)                       all of KID2 comes here too; 1 no room, 4 KID2 is no set
 *	KID(KT+4 ==> 0), KT 0x27; KIDC(KT ==> 0x127)
 *
 * A set is an array in the object's arena, ordered by what keybits says of a key: all of it but the number.
 * No key is kept, so a set keeps nothing alive and gives nothing away.
 * Source: keykos.md 4.3; the published server ends itself at 5, which nobody can want.
 */
#include "object.h"

#define SMALL 300u                         /* that many keys cost the set's maker nothing to ask for */
#define NO_SET 4u
#define ENTRIES_TO_A_PAGE (PAGE_SIZE / sizeof(struct entry))

void keyset_bits(cap_t key, struct entry *e)
{
	uint64_t valid;

	*e = (struct entry){ 0 };
	keybits_show(R_KEYBITS, key, &e->first, &e->second, &valid);
	/* What was never anything, what is no more and DK(0) are the same (discrim, order code 2). */
	if (!valid || (e->first == TYPE_NUMBER && e->second == 0))
		*e = (struct entry){ 0 };
}

static int order_of(const struct entry *a, const struct entry *b)
{
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->second < b->second ? -1 : a->second > b->second;
}

/* Where it is, or where it belongs. */
static uint32_t place_of(const struct entry *set, uint32_t count, const struct entry *e)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (order_of(&set[middle], e) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct entry *keyset_find(unsigned index, uint32_t count, const struct entry *e, unsigned window)
{
	struct entry *set;
	uint32_t at;

	if (count == 0)
		return NULL;
	set = arena_see(index, window);
	at = place_of(set, count, e);
	return at < count && order_of(&set[at], e) == 0 ? &set[at] : NULL;
}

/* A key that is there gets the new number. */
uint32_t keyset_add(unsigned index, uint32_t *count, const struct entry *e)
{
	struct entry *set;
	uint32_t at;

	if (arena_grow(index, *count / ENTRIES_TO_A_PAGE + 1) != RC_OK)
		return RC_FULL;
	set = arena_see(index, ARENA_A);
	at = place_of(set, *count, e);
	if (at == *count || order_of(&set[at], e) != 0) {
		memmove(&set[at + 1], &set[at], (*count - at) * sizeof *set);
		++*count;
	}
	set[at] = *e;
	return RC_OK;
}

uint32_t keyset_delete(unsigned index, uint32_t *count, const struct entry *e)
{
	const struct entry *found = keyset_find(index, *count, e, ARENA_A);
	struct entry *set;
	uint32_t at;

	if (found == NULL)
		return 1;
	set = arena_see(index, ARENA_A);
	at = found - set;
	memmove(&set[at], &set[at + 1], (*count - at - 1) * sizeof *set);
	--*count;
	return RC_OK;
}

bool keyset_within(unsigned inner, uint32_t inner_count, unsigned outer, uint32_t outer_count)
{
	const struct entry *set;

	if (inner == outer || inner_count == 0)
		return true;
	set = arena_see(inner, ARENA_B);
	for (uint32_t i = 0; i < inner_count; i++)
		if (!keyset_find(outer, outer_count, &set[i], ARENA_A))
			return false;
	return true;
}

uint32_t keyset_join(unsigned to, uint32_t *to_count, uint32_t limit, unsigned from, uint32_t from_count)
{
	const struct entry *set;

	if (to == from || from_count == 0)
		return RC_OK;
	set = arena_see(from, ARENA_B);
	for (uint32_t i = 0; i < from_count; i++) {
		if (keyset_find(to, *to_count, &set[i], ARENA_A))
			continue;
		if (*to_count >= limit || keyset_add(to, to_count, &set[i]) != RC_OK)
			return RC_FULL;
	}
	return RC_OK;
}

/* ---- order codes ------------------------------------------------------------------------- */

uint32_t kidc_serve(unsigned index, uint32_t order)
{
	unsigned bank, other, made;

	(void)index;
	if (order == KT)
		return 0x127;
	if (order != 0)
		return RC_UNKNOWN;
	if (!bank_open(K0, &bank) || (arg32(0) > SMALL && !bank_open(K2, &other)))
		return RC_BAD_BANK;
	if (arg32(0) > SMALL)
		bank = other;
	if (object_make(KIND_KID, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	objects[made].set.limit = arg32(0) > SMALL ? arg32(0) : SMALL;
	object_key(made, 0, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

static uint32_t add(unsigned index, struct entry *e)
{
	struct object *o = &objects[index];

	e->number = arg32(0);
	if (o->set.count >= o->set.limit && !keyset_find(index, o->set.count, e, ARENA_A))
		return RC_FULL;
	return keyset_add(index, &o->set.count, e);
}

static uint32_t identify(unsigned index, const struct entry *e)
{
	const struct entry *found = keyset_find(index, objects[index].set.count, e, ARENA_A);

	if (found == NULL)
		return 1;
	reply_bytes(&found->number, sizeof found->number);
	return RC_OK;
}

static uint32_t intersect(unsigned index, unsigned other)
{
	struct object *o = &objects[index];
	struct entry *set;
	uint32_t kept = 0;

	if (o->set.count == 0)
		return RC_OK;
	set = arena_see(index, ARENA_A);
	for (uint32_t i = 0; i < o->set.count; i++)
		if (keyset_find(other, objects[other].set.count, &set[i], ARENA_B))
			set[kept++] = set[i];
	o->set.count = kept;
	return RC_OK;
}

static uint32_t serve_two(unsigned index, uint32_t order)
{
	struct object *o = &objects[index];
	unsigned other, which_face;
	const struct object *p;

	if (!key_open(K0, KIND_KID, &other, &which_face))
		return NO_SET;
	p = &objects[other];
	switch (order) {
	case 4: return !keyset_within(other, p->set.count, index, o->set.count);
	case 5: return intersect(index, other);
	default: return keyset_join(index, &o->set.count, o->set.limit, other, p->set.count);
	}
}

uint32_t kid_serve(unsigned index, uint32_t order)
{
	struct entry e;

	if (order >= 4 && order <= 6)
		return serve_two(index, order);
	keyset_bits(K0, &e);
	switch (order) {
	case 1: return add(index, &e);
	case 2: return identify(index, &e);
	case 3: return keyset_delete(index, &objects[index].set.count, &e);
	case KT: return 0x27;
	case OC_DESTROY:
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}
