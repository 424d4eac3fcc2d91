/*
 * factory.c - factories: their creators, builders, requestors, fetchers and copies.
 *
 * Faces of a factory: 0 builder, 1 requestor, 2 fetcher, 3 copy.  Its node keeps the node of components 0 to 15, the
 * keeper (16), the program (17) and the symbols (18).  The program is a sensory memory key that becomes slot 0 of each
 * yield's memory; its start address came with it.
 *
 * Invariants
 *   1. A component is discreet, or a factory whose holes are then this one's too, or a hole that is listed.
 *   2. After the requestor was made, no hole comes that is not listed.
 *   3. A yield gets nothing but the components, what its requestor brought, and keys to itself.
 * Source: keykos.md 4.4 and 6.4.
 */
#include "object.h"

enum { BUILDER, REQUESTOR, FETCHER, COPY };
enum { SLOT_COMPONENTS, SLOT_KEEPER, SLOT_PROGRAM, SLOT_SYMBOLS };
enum { COMPONENT_KEEPER = 16, COMPONENT_PROGRAM, COMPONENT_SYMBOLS, COMPONENTS };
enum { RC_NOT_FITTING = 2, RC_WOULD_ADD = 3, RC_HOLE_LIMIT = 6, RC_BAD_DC = 5 };

#define STACK_BASE 0x100000ull
#define KEY_REGISTER 8                     /* of general key 0 */
#define CLASS_METER 4

/* Every factory's holes: what keybits says of the key. */
static struct hole { uint16_t factory; uint64_t first, second; } holes[8192];
#define HOLES (sizeof holes / sizeof holes[0])

/* ---- holes ------------------------------------------------------------------------------- */

static bool
hole_listed(unsigned factory, uint64_t first, uint64_t second)
{
	for (unsigned i = 0; i < HOLES; i++)
		if (holes[i].factory == factory && holes[i].first == first && holes[i].second == second)
			return true;
	return false;
}

static bool
hole_add(unsigned factory, uint64_t first, uint64_t second)
{
	if (hole_listed(factory, first, second))
		return true;
	for (unsigned i = 0; i < HOLES; i++)
		if (holes[i].factory == 0) {
			holes[i] = (struct hole){ factory, first, second };
			return true;
		}
	return false;
}

/* Whether every hole of one is a hole of the other. */
static bool
holes_within(unsigned inner, unsigned outer)
{
	for (unsigned i = 0; i < HOLES; i++)
		if (holes[i].factory == inner && !hole_listed(outer, holes[i].first, holes[i].second))
			return false;
	return true;
}

static bool
holes_join(unsigned to, unsigned from)
{
	for (unsigned i = 0; i < HOLES; i++)
		if (holes[i].factory == from && !hole_add(to, holes[i].first, holes[i].second))
			return false;
	return true;
}

void
factory_ends(unsigned index)
{
	for (unsigned i = 0; i < HOLES; i++)
		if (holes[i].factory == index)
			holes[i].factory = 0;
}

/* ---- components -------------------------------------------------------------------------- */

static void
component_put(unsigned index, unsigned which, cap_t key)
{
	if (which < 16) {
		object_get(index, SLOT_COMPONENTS, CR_TMP0);
		node_swap(CR_TMP0, which, key, CR_VOID);
	} else {
		object_put(index, SLOT_KEEPER + which - COMPONENT_KEEPER, key);
	}
	objects[index].factory.factories &= ~(1u << which);
	if (which == COMPONENT_PROGRAM)
		objects[index].factory.address = arg32(0);
}

static void
component_get(unsigned index, unsigned which, cap_t to)
{
	if (which < 16) {
		object_get(index, SLOT_COMPONENTS, CR_TMP0);
		node_fetch(CR_TMP0, which, to);
	} else {
		object_get(index, SLOT_KEEPER + which - COMPONENT_KEEPER, to);
	}
}

static uint32_t
install_sensory(unsigned index, unsigned which)
{
	uint64_t hole = 1;

	discrim_discreet(R_DISCRIM, K0, &hole);
	if (hole)
		return RC_NOT_FITTING;
	component_put(index, which, K0);
	return RC_OK;
}

static uint32_t
install_hole(unsigned index, unsigned which)
{
	uint64_t first = 0, second = 0, valid;

	keybits_show(R_KEYBITS, K0, &first, &second, &valid);
	if (objects[index].factory.complete && !hole_listed(index, first, second))
		return RC_NOT_FITTING;
	if (!hole_add(index, first, second))
		return RC_HOLE_LIMIT;
	component_put(index, which, K0);
	return RC_OK;
}

/* Another factory, or a creator, which has no holes. */
static uint32_t
install_factory(unsigned index, unsigned which)
{
	unsigned other, other_face;

	if (key_open(K0, KIND_FACTORY, &other, &other_face) && (other_face == REQUESTOR || other_face == FETCHER)) {
		if (objects[index].factory.complete && !holes_within(other, index))
			return RC_WOULD_ADD;
		if (!holes_join(index, other))
			return RC_HOLE_LIMIT;
	} else if (!(key_open(K0, KIND_FC, &other, &other_face) && other_face == 2) &&
		   !key_open(K0, KIND_FCC, &other, &other_face) && !key_open(K0, KIND_DCC, &other, &other_face)) {
		return RC_NOT_FITTING;
	}
	component_put(index, which, K0);
	objects[index].factory.factories |= 1u << which;
	return RC_OK;
}

/* ---- yields ------------------------------------------------------------------------------ */

/* The memory: slot 0 the program, slot 1 the first page of the stack.  In R_B, or nothing is left of it. */
static bool
memory_make(unsigned index, unsigned bank)
{
	if (bank_take(bank, 0, R_B) != RC_OK)
		return false;
	if (bank_take(bank, 1, R_C) != RC_OK) {
		bank_give(bank, 0, R_B);
		return false;
	}
	object_get(index, SLOT_PROGRAM, R_D);
	node_swap(R_B, 0, R_D, CR_VOID);
	node_swap(R_B, 1, R_C, CR_VOID);
	node_make_node(R_B, 5, R_B);
	return true;
}

static void
give(unsigned slot, cap_t key)
{
	process_swap_reg(R_A, KEY_REGISTER + slot, key, CR_VOID);
}

/* Fills the domain in R_A with memory R_B.  Slots: keykos.md 6.4. */
static void
domain_fill(unsigned index)
{
	const struct object *o = &objects[index];

	process_swap_slot(R_A, PSLOT_SPACE, R_B, CR_VOID);
	process_swap_slot(R_A, PSLOT_SCHEDULE, K1, CR_VOID);
	object_get(index, SLOT_KEEPER, R_D);
	process_swap_slot(R_A, PSLOT_KEEPER, R_D, CR_VOID);
	object_get(index, SLOT_SYMBOLS, R_D);
	process_swap_slot(R_A, PSLOT_SYMBOL, R_D, CR_VOID);
	object_get(index, SLOT_COMPONENTS, R_D);
	node_make_fetch(R_D, 0, R_D);
	give(0, R_D);
	give(1, K2);
	give(2, CR_RETURN);
	give(3, R_A);
	give(4, K0);
	give(5, K1);
	object_key(o->factory.dc, 1, R_D);
	give(6, R_D);
}

static uint32_t
yield(unsigned index, uint32_t order)
{
	const struct object *o = &objects[index];
	struct reg_image regs = { .rflags = 0x202, .rip = o->factory.address, .rsp = STACK_BASE + PAGE_SIZE - 16,
				  .rdi = order, .rsi = o->factory.ordinal };
	uint64_t class = 0;
	unsigned bank;

	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	discrim_classify(R_DISCRIM, K1, &class);
	if (class != CLASS_METER || domain_make(o->factory.dc, bank, R_A) != RC_OK)
		return RC_NO_SPACE;
	if (!memory_make(index, bank)) {
		bank_give(bank, 2, R_A);
		return RC_NO_SPACE;
	}
	domain_fill(index);
	if (process_set_regs(R_A, &regs, sizeof regs) != RC_OK || process_run(R_A) != RC_OK) {
		bank_give(bank, 1, R_C);
		bank_give(bank, 0, R_B);
		bank_give(bank, 2, R_A);
		return RC_NO_SPACE;
	}
	return NO_REPLY;
}

/* ---- faces ------------------------------------------------------------------------------- */

static uint32_t
tell(unsigned index, unsigned which)
{
	const struct object *o = &objects[index];
	struct { uint32_t address, akt; uint8_t bits[3], flags; uint32_t ordinal; } values = {
		o->factory.address, o->factory.akt, { 0 }, 0, o->factory.ordinal,
	};

	for (unsigned i = 0; i < COMPONENTS; i++)
		if (o->factory.factories >> i & 1)
			values.bits[i / 8] |= 0x80 >> i % 8;
	object_get(index, SLOT_PROGRAM, R_A);
	values.flags = (o->factory.complete ? 4 : 0) | (key_is_null(R_A) ? 0 : 2) | (o->factory.shared ? 1 : 0);
	reply_bytes(&values, sizeof values);
	component_get(index, which, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

/* What a factory gives up: its node of components, its own creator, itself. */
static uint32_t
destroy(unsigned index)
{
	struct object *o = &objects[index];
	unsigned dc = o->factory.dc;

	object_get(index, SLOT_COMPONENTS, R_A);
	bank_give(o->bank, 0, R_A);
	if (!o->factory.shared && objects[dc].kind == KIND_DC) {
		object_get(dc, 0, R_A);
		bank_give(objects[dc].bank, 0, R_A);
		object_end(dc);
	}
	object_end(index);
	return RC_OK;
}

static uint32_t
requestor_and_fetcher(unsigned index)
{
	object_key(index, REQUESTOR, R_A);
	object_key(index, FETCHER, R_B);
	reply_key(0, R_A);
	reply_key(1, R_B);
	return RC_OK;
}

static uint32_t
builder(unsigned index, uint32_t order)
{
	struct object *o = &objects[index];

	if (order < COMPONENTS)
		return install_sensory(index, order);
	if (order >= 32 && order < 32 + COMPONENTS)
		return install_factory(index, order - 32);
	if (order >= 128 && order < 128 + COMPONENTS)
		return install_hole(index, order - 128);
	if (order >= 96 && order < 96 + COMPONENTS)
		return tell(index, order - 96);
	switch (order) {
	case 64: o->factory.akt = arg32(0); return RC_OK;
	case 65: o->factory.ordinal = arg32(0); return RC_OK;
	case 66: o->factory.complete = 1; return requestor_and_fetcher(index);
	case 67: object_key(index, COPY, R_A); break;
	case 69: object_key(o->factory.dc, 0, R_A); break;
	case KT: return 0x11E;
	case OC_DESTROY: return destroy(index);
	default: return RC_UNKNOWN;
	}
	reply_key(0, R_A);
	return RC_OK;
}

/* Whether the other is no riskier: 0 yes, 1 it has more holes, 2 it is no factory. */
static uint32_t
compare(unsigned index)
{
	unsigned other, other_face;

	if (key_open(K0, KIND_FCC, &other, &other_face) || key_open(K0, KIND_FC, &other, &other_face) ||
	    key_open(K0, KIND_DC, &other, &other_face))
		return 0;
	if (!key_open(K0, KIND_FACTORY, &other, &other_face) || (other_face != REQUESTOR && other_face != FETCHER))
		return 2;
	return !holes_within(other, index);
}

static uint32_t
requestor(unsigned index, uint32_t order)
{
	if (order == RC_FOREIGN)
		return compare(index);
	if (order == KT)
		return objects[index].factory.akt;
	if (order > 0xC0000000u)
		return RC_UNKNOWN;
	return yield(index, order);
}

static uint32_t
fetcher(unsigned index, uint32_t order)
{
	if (order == RC_FOREIGN)
		return compare(index);
	if (order == KT)
		return objects[index].factory.akt;
	if (order == 66)
		return requestor_and_fetcher(index);
	if (order >= 96 && order < 96 + COMPONENTS)
		return tell(index, order - 96);
	if (order >= COMPONENTS)
		return RC_UNKNOWN;
	component_get(index, order, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

/* A new factory with its node of components; its creator is another's, or its own. */
static uint32_t
factory_make(unsigned bank, unsigned dc, unsigned *index)
{
	bool shared = dc != 0;

	if (!shared && dc_make(bank, &dc) != RC_OK)
		return RC_NO_SPACE;
	if (object_make(KIND_FACTORY, bank, index) != RC_OK)
		return RC_NO_SPACE;
	if (bank_take(bank, 0, R_A) != RC_OK) {
		object_end(*index);
		return RC_NO_SPACE;
	}
	object_put(*index, SLOT_COMPONENTS, R_A);
	objects[*index].factory.dc = dc;
	objects[*index].factory.shared = shared;
	objects[*index].factory.akt = 0xFF1E;
	return RC_OK;
}

static uint32_t
copy(unsigned index, uint32_t order)
{
	unsigned bank, made;

	if (order >= 96 && order < 96 + COMPONENTS)
		return tell(index, order - 96);
	if (order == KT)
		return 0x21E;
	if (order > 1)
		return RC_UNKNOWN;
	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (factory_make(bank, 0, &made) != RC_OK)
		return RC_NO_SPACE;
	holes_join(made, index);
	for (unsigned i = 0; i < COMPONENTS; i++) {
		component_get(index, i, R_A);
		if (i != COMPONENT_PROGRAM || order == 0)
			component_put(made, i, R_A);
	}
	objects[made].factory = (typeof(objects[made].factory)){
		objects[index].factory.akt, objects[index].factory.ordinal, order ? 0 : objects[index].factory.address,
		objects[index].factory.factories & ~(order ? 1u << COMPONENT_PROGRAM : 0), objects[made].factory.dc, 0, 0 };
	object_key(made, BUILDER, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

uint32_t
factory_serve(unsigned index, uint32_t order)
{
	switch (face) {
	case BUILDER: return builder(index, order);
	case REQUESTOR: return requestor(index, order);
	case FETCHER: return fetcher(index, order);
	case COPY: return copy(index, order);
	}
	return RC_UNKNOWN;
}

/* ---- creators ---------------------------------------------------------------------------- */

static uint32_t
fc_create(uint32_t order)
{
	unsigned bank, index, other, other_face, dc = 0;

	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (order >= 2 && arg32(0) > 300 && (!bank_open(K2, &index) || arg32(0) > 500000))
		return arg32(0) > 500000 ? 4 : 3;
	if (order & 1) {
		if (!key_open(K1, KIND_FACTORY, &other, &other_face) || (other_face != BUILDER && other_face != FETCHER))
			return RC_BAD_DC;
		dc = objects[other].factory.dc;
	}
	if (factory_make(bank, dc, &index) != RC_OK)
		return RC_NO_SPACE;
	object_key(index, BUILDER, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

/* Faces: 0 full, 1 no recall of builders, 2 no recall. */
static uint32_t
fc_recall(uint32_t order)
{
	unsigned index, other_face;

	if (face == 2 || (face == 1 && order == 7))
		return RC_UNKNOWN;
	if (!key_open(K0, KIND_FACTORY, &index, &other_face) || other_face != REQUESTOR)
		return RC_FOREIGN;
	object_key(index, order == 6 ? FETCHER : BUILDER, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

uint32_t
fc_serve(unsigned index, uint32_t order)
{
	switch (order) {
	case 0: case 1: case 2: case 3: return fc_create(order);
	case 4: case 5:
		object_key(index, order == 4 || face == 2 ? 2 : 1, R_A);
		reply_key(0, R_A);
		return RC_OK;
	case 6: case 7: return fc_recall(order);
	case KT: return 0x1E;
	case OC_DESTROY:
		if (face != 0)
			return RC_UNKNOWN;
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

uint32_t
fcc_serve(unsigned index, uint32_t order)
{
	unsigned bank, fc;

	(void)index;
	if (order == KT)
		return 0x31E;
	if (order != 0)
		return RC_UNKNOWN;
	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (object_make(KIND_FC, bank, &fc) != RC_OK)
		return RC_NO_SPACE;
	object_key(fc, 0, R_A);
	reply_key(0, R_A);
	return RC_OK;
}
