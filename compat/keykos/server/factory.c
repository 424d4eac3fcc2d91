/*
 * factory.c - factories: their creators, builders, requestors, fetchers and copies.
 *
 * Faces of a factory: 0 builder, 1 requestor, 2 fetcher, 3 copy.  Its node keeps the node of components 0 to 15, the
 * keeper (16), the program (17), the symbols (18) and its domain creator; its holes are a key set in its arena.
 *
 * A program is a sensory memory key that becomes slot 0 of each yield's memory, or a factory, which is asked with order
 * code 2 for that memory; a keeper may be a factory in the same way.  Such a request is a birth: an object that stands
 * in for the caller of the component until the component's yield has answered, so that the server waits for nobody.
 *
 * With start address -1 or -3 the program is a fetcher of what the ancestor's loader laid out: its component 1 is the
 * program.  One of keykos-cc needs no loader and becomes slot 0 as it is; the fetcher is in the yield's slot 7.
 *
 * Invariants
 *   1. A component is discreet, or a factory whose holes are then this one's too, or a hole that is listed.
 *   2. After the requestor was made, no hole comes that is not listed.
 *   3. A yield gets nothing but the components, what its requestor brought, and keys to itself.
 * Source: keykos.md 4.4 and 6.4.
 */
#include "object.h"

enum { BUILDER, REQUESTOR, FETCHER, COPY };
enum { SLOT_COMPONENTS, SLOT_KEEPER, SLOT_PROGRAM, SLOT_SYMBOLS, SLOT_DC };
/* Of a birth. */
enum { SLOT_PSB, SLOT_METER, SLOT_SB, SLOT_CALLER, SLOT_FACTORY, SLOT_MEMORY, SLOT_MADE_KEEPER };
enum { NEEDS_MEMORY, NEEDS_KEEPER, COMPLETE };
enum { COMPONENT_COPY = 3, COMPONENT_KEEPER = 16, COMPONENT_PROGRAM, COMPONENT_SYMBOLS, COMPONENTS };
enum { RC_NOT_FITTING = 2, RC_WOULD_ADD = 3, RC_HOLE_LIMIT = 6, RC_BAD_DC = 5 };

#define STACK_BASE 0x100000ull
#define KEY_REGISTER 8                     /* of general key 0 */
#define CLASS_METER 4
#define HOLES_SMALL 300u
#define OC_FOR_FACTORY 2
/* Start addresses of a program that a loader lays out, and where one of keykos-cc begins (lib/start.S). */
#define LOADED_1 0xFFFFFFFFu
#define LOADED_3 0xFFFFFFFDu
#define LOADED_ENTRY 64u
enum { LOADED_PROGRAM = 1, SLOT_LOADER = 7 };

static uint32_t yield(unsigned index, uint32_t order);

void factory_end(unsigned index)
{
	unsigned dc, which_face;

	object_get(index, SLOT_COMPONENTS, R_A);
	bank_give(objects[index].bank, 0, R_A);
	object_get(index, SLOT_DC, R_A);
	if (!objects[index].factory.shared && key_open(R_A, KIND_DC, &dc, &which_face))
		object_end(dc);
}

/* ---- components -------------------------------------------------------------------------- */

static void component_put(unsigned index, unsigned which, cap_t key)
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

static void component_get(unsigned index, unsigned which, cap_t to)
{
	if (which < 16) {
		object_get(index, SLOT_COMPONENTS, CR_TMP0);
		node_fetch(CR_TMP0, which, to);
	} else {
		object_get(index, SLOT_KEEPER + which - COMPONENT_KEEPER, to);
	}
}

static uint32_t install_sensory(unsigned index, unsigned which)
{
	uint64_t hole = 1;

	discrim_discreet(R_DISCRIM, K0, &hole);
	if (hole)
		return RC_NOT_FITTING;
	component_put(index, which, K0);
	return RC_OK;
}

static uint32_t install_hole(unsigned index, unsigned which)
{
	struct object *o = &objects[index];
	struct entry e;

	keyset_bits(K0, &e);
	if (!keyset_find(index, o->factory.holes, &e, ARENA_A)) {
		if (o->factory.complete)
			return RC_NOT_FITTING;
		if (o->factory.holes >= o->factory.limit || keyset_add(index, &o->factory.holes, &e) != RC_OK)
			return RC_HOLE_LIMIT;
	}
	component_put(index, which, K0);
	return RC_OK;
}

static bool holes_within(unsigned inner, unsigned outer)
{
	return keyset_within(inner, objects[inner].factory.holes, outer, objects[outer].factory.holes);
}

static bool holes_join(unsigned to, unsigned from)
{
	struct object *o = &objects[to];

	return keyset_join(to, &o->factory.holes, o->factory.limit, from, objects[from].factory.holes) == RC_OK;
}

static bool is_weak(cap_t key, unsigned kind)
{
	unsigned index, key_face;

	return key_open(key, kind, &index, &key_face) && key_face != 0;
}

/* Another factory, a maker, which has no holes, or a creator that can neither look into nor destroy what it made. */
static uint32_t install_factory(unsigned index, unsigned which)
{
	unsigned other, other_face;

	if (key_open(K0, KIND_FACTORY, &other, &other_face) && (other_face == REQUESTOR || other_face == FETCHER)) {
		if (objects[index].factory.complete && !holes_within(other, index))
			return RC_WOULD_ADD;
		if (!holes_join(index, other))
			return RC_HOLE_LIMIT;
	} else if (!is_weak(K0, KIND_FC) && !is_weak(K0, KIND_DC) && !key_is_maker(K0, &other)) {
		return RC_NOT_FITTING;
	}
	component_put(index, which, K0);
	objects[index].factory.factories |= 1u << which;
	return RC_OK;
}

/* ---- yields ------------------------------------------------------------------------------ */

/* The memory: slot 0 the program in R_E, slot 1 the first page of the stack.  In R_B, or nothing is left of it. */
static bool memory_make(unsigned bank)
{
	if (bank_take(bank, 0, R_B) != RC_OK)
		return false;
	if (bank_take(bank, 1, R_C) != RC_OK) {
		bank_give(bank, 0, R_B);
		return false;
	}
	node_swap(R_B, 0, R_E, CR_VOID);
	node_swap(R_B, 1, R_C, CR_VOID);
	node_make_node(R_B, 5, R_B);
	return true;
}

static void give(unsigned slot, cap_t key)
{
	process_swap_reg(R_A, KEY_REGISTER + slot, key, CR_VOID);
}

static bool is_loaded(unsigned index)
{
	return objects[index].factory.address == LOADED_1 || objects[index].factory.address == LOADED_3;
}

/* Fills the domain in R_A with memory R_B and keeper R_F.  Slots: keykos.md 6.4. */
static void domain_fill(unsigned index)
{
	process_swap_slot(R_A, PSLOT_SPACE, R_B, CR_VOID);
	process_swap_slot(R_A, PSLOT_SCHEDULE, K1, CR_VOID);
	process_swap_slot(R_A, PSLOT_KEEPER, R_F, CR_VOID);
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
}

/* The domain itself, of psb K0, meter K1, third key K2, caller CR_RETURN, program R_E and keeper R_F. */
static uint32_t domain_start(unsigned index, uint32_t order)
{
	const struct object *o = &objects[index];
	struct reg_image regs = { .rflags = 0x202, .rip = o->factory.address, .rsp = STACK_BASE + PAGE_SIZE - 16,
				  .rdi = order, .rsi = o->factory.ordinal };
	uint64_t class = 0;
	unsigned bank, dc, dc_face;

	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	object_get(index, SLOT_DC, R_D);
	discrim_classify(R_DISCRIM, K1, &class);
	if (class != CLASS_METER || !key_open(R_D, KIND_DC, &dc, &dc_face) || domain_make(dc, bank, R_A) != RC_OK)
		return RC_NO_SPACE;
	if (!memory_make(bank)) {
		bank_give(bank, 2, R_A);
		return RC_NO_SPACE;
	}
	domain_fill(index);
	object_key(dc, 1, R_D);
	give(6, R_D);
	if (is_loaded(index)) {
		regs.rip = LOADED_ENTRY;
		object_get(index, SLOT_PROGRAM, R_D);
		give(SLOT_LOADER, R_D);
	}
	if (process_set_regs(R_A, &regs, sizeof regs) != RC_OK || process_run(R_A) != RC_OK) {
		bank_give(bank, 1, R_C);
		bank_give(bank, 0, R_B);
		bank_give(bank, 2, R_A);
		return RC_NO_SPACE;
	}
	return NO_REPLY;
}

/* ---- births: components that are factories ------------------------------------------------ */

/* Tells the caller of a birth that nothing came of it, and forgets it.  A caller may be a birth itself. */
static void birth_fail(unsigned index, uint32_t rc)
{
	struct msg m = { .order = rc };
	unsigned other, which_face;

	object_get(index, SLOT_CALLER, R_D);
	if (key_open(R_D, KIND_BIRTH, &other, &which_face)) {
		object_end(index);
		birth_fail(other, rc);
		return;
	}
	object_answer(index, SLOT_CALLER, &m);
	object_end(index);
}

/* Memory that the server made for it ends with it, unless a domain has it. */
void birth_end(unsigned index)
{
	struct msg m = { .order = RC_VOID };
	unsigned memory, which_face;

	object_answer(index, SLOT_CALLER, &m);
	object_get(index, SLOT_MEMORY, R_D);
	if (objects[index].birth.made && key_open(R_D, KIND_VCS, &memory, &which_face))
		object_end(memory);
}

/*
 * Asks the component for what a birth needs.  RC_OK: it is there, in its slot.  NO_REPLY: it will come as a message to
 * the birth.  Anything else is an error.
 */
static uint32_t birth_ask(unsigned birth, unsigned factory, unsigned which, unsigned slot)
{
	unsigned other, other_face;
	uint32_t rc;

	component_get(factory, which, R_D);
	if (which == COMPONENT_PROGRAM && is_loaded(factory)) {
		if (!key_open(R_D, KIND_FACTORY, &other, &other_face))
			return RC_VOID;
		component_get(other, LOADED_PROGRAM, R_A);
		if (key_is_null(R_A))
			return RC_VOID;
		object_put(birth, slot, R_A);
		return RC_OK;
	}
	if (key_open(R_D, KIND_FACTORY, &other, &other_face)) {
		object_key(birth, 0, CR_RETURN);
		rc = yield(other, OC_FOR_FACTORY);
	} else if (key_is_maker(R_D, &other) && kinds[objects[other].kind].make) {
		rc = kinds[objects[other].kind].make(other, OC_FOR_FACTORY, R_A);
		if (rc == RC_OK) {
			object_put(birth, slot, R_A);
			objects[birth].birth.made |= slot == SLOT_MEMORY;
		}
	} else {
		rc = RC_VOID;
	}
	return rc;
}

/* Goes on with a birth as far as it can. */
static uint32_t birth_go_on(unsigned index)
{
	struct object *o = &objects[index];
	unsigned factory, which_face;
	uint32_t rc = RC_OK, order = o->birth.order;

	object_get(index, SLOT_FACTORY, R_D);
	if (!key_open(R_D, KIND_FACTORY, &factory, &which_face))
		return RC_VOID;
	for (unsigned i = 0; i < 3; i++)
		object_get(index, SLOT_PSB + i, K0 + i);
	if (o->birth.stage == NEEDS_MEMORY && objects[factory].factory.factories >> COMPONENT_PROGRAM & 1)
		rc = birth_ask(index, factory, COMPONENT_PROGRAM, SLOT_MEMORY);
	if (rc != RC_OK)
		return rc;
	if (o->birth.stage == NEEDS_MEMORY)
		o->birth.stage = NEEDS_KEEPER;
	if (o->birth.stage == NEEDS_KEEPER && objects[factory].factory.factories >> COMPONENT_KEEPER & 1)
		rc = birth_ask(index, factory, COMPONENT_KEEPER, SLOT_MADE_KEEPER);
	if (rc != RC_OK)
		return rc;
	o->birth.stage = COMPLETE;
	object_get(index, SLOT_CALLER, CR_RETURN);
	object_get(index, SLOT_MEMORY, R_E);
	if (!(objects[factory].factory.factories >> COMPONENT_PROGRAM & 1))
		object_get(factory, SLOT_PROGRAM, R_E);
	object_get(index, SLOT_MADE_KEEPER, R_F);
	if (!(objects[factory].factory.factories >> COMPONENT_KEEPER & 1))
		object_get(factory, SLOT_KEEPER, R_F);
	rc = domain_start(factory, order);
	if (rc == NO_REPLY) {
		if (o->birth.made)
			segment_belongs(R_E, R_A);
		o->birth.made = 0;
		object_put(index, SLOT_CALLER, CR_VOID);
		object_end(index);
	}
	return rc;
}

/* The component's yield answers, as if to its caller. */
uint32_t birth_serve(unsigned index, uint32_t order)
{
	struct object *o = &objects[index];
	uint32_t rc = order;

	if (o->birth.stage == COMPLETE)
		return RC_VOID;
	if (rc == RC_OK) {
		object_put(index, o->birth.stage == NEEDS_MEMORY ? SLOT_MEMORY : SLOT_MADE_KEEPER, K0);
		o->birth.stage++;
		rc = birth_go_on(index);
	}
	if (rc != NO_REPLY)
		birth_fail(index, rc);
	return NO_REPLY;
}

static uint32_t birth_begin(unsigned factory, uint32_t order, unsigned bank)
{
	unsigned index;
	uint32_t rc;

	if (object_make(KIND_BIRTH, bank, &index) != RC_OK)
		return RC_NO_SPACE;
	for (unsigned i = 0; i < 3; i++)
		object_put(index, SLOT_PSB + i, K0 + i);
	object_put(index, SLOT_CALLER, CR_RETURN);
	object_key(factory, REQUESTOR, R_D);
	object_put(index, SLOT_FACTORY, R_D);
	objects[index].birth.order = order;
	rc = birth_go_on(index);
	if (rc != NO_REPLY) {
		object_get(index, SLOT_CALLER, CR_RETURN);
		object_put(index, SLOT_CALLER, CR_VOID);
		object_end(index);
	}
	return rc;
}

static uint32_t yield(unsigned index, uint32_t order)
{
	unsigned bank;

	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	/* A fetcher that is asked for memory has no program to make any. */
	object_get(index, SLOT_PROGRAM, R_E);
	if (key_is_null(R_E))
		return RC_VOID;
	if (objects[index].factory.factories & (1u << COMPONENT_PROGRAM | 1u << COMPONENT_KEEPER))
		return birth_begin(index, order, bank);
	object_get(index, SLOT_PROGRAM, R_E);
	object_get(index, SLOT_KEEPER, R_F);
	return domain_start(index, order);
}

/* ---- faces ------------------------------------------------------------------------------- */

static uint32_t tell(unsigned index, unsigned which)
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

/* As published, what has no program can be looked into and compared, and there is nothing to request of it. */
static uint32_t requestor_and_fetcher(unsigned index)
{
	object_get(index, SLOT_PROGRAM, R_B);
	object_key(index, key_is_null(R_B) ? FETCHER : REQUESTOR, R_A);
	object_key(index, FETCHER, R_B);
	reply_key(0, R_A);
	reply_key(1, R_B);
	return RC_OK;
}

static uint32_t builder(unsigned index, uint32_t order)
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
	case 69: object_get(index, SLOT_DC, R_A); break;
	case KT: return 0x11E;
	case OC_DESTROY: object_end(index); return RC_OK;
	default: return RC_UNKNOWN;
	}
	reply_key(0, R_A);
	return RC_OK;
}

uint32_t key_compares(cap_t key, unsigned factory, uint32_t holes)
{
	unsigned other, other_face;

	if (key_is_maker(key, &other) || key_open(key, KIND_FC, &other, &other_face) || key_open(key, KIND_DC, &other, &other_face))
		return 0;
	if (!key_open(key, KIND_FACTORY, &other, &other_face) || (other_face != REQUESTOR && other_face != FETCHER))
		return 2;
	return !keyset_within(other, objects[other].factory.holes, factory, holes);
}

static uint32_t compare(unsigned index)
{
	return key_compares(K0, index, objects[index].factory.holes);
}

static uint32_t requestor(unsigned index, uint32_t order)
{
	if (order == RC_FOREIGN)
		return compare(index);
	if (order == KT)
		return objects[index].factory.akt;
	if (order > 0xC0000000u)
		return RC_UNKNOWN;
	return yield(index, order);
}

static uint32_t fetcher(unsigned index, uint32_t order)
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

/* A new factory with its node of components; its creator is the one in R_D, or its own. */
static uint32_t factory_make(unsigned bank, bool shared, uint32_t limit, unsigned *index)
{
	unsigned dc = 0;

	if (object_make(KIND_FACTORY, bank, index) != RC_OK)
		return RC_NO_SPACE;
	objects[*index].factory.shared = true;
	if ((!shared && dc_make(bank, &dc) != RC_OK) || bank_take(bank, 0, R_A) != RC_OK) {
		if (dc)
			object_end(dc);
		object_end(*index);
		return RC_NO_SPACE;
	}
	object_put(*index, SLOT_COMPONENTS, R_A);
	if (!shared)
		object_key(dc, 0, R_D);
	object_put(*index, SLOT_DC, R_D);
	objects[*index].factory.shared = shared;
	objects[*index].factory.akt = 0xFF1E;
	objects[*index].factory.limit = limit > HOLES_SMALL ? limit : HOLES_SMALL;
	/* As the ancestor's: a yield can have copies of its own factory made (a frozen segment is one). */
	object_key(*index, COPY, R_A);
	component_put(*index, COMPONENT_COPY, R_A);
	return RC_OK;
}

static bool is_own_copy_key(unsigned index, cap_t key)
{
	unsigned factory, key_face;

	return key_open(key, KIND_FACTORY, &factory, &key_face) && factory == index && key_face == COPY;
}

/* The capacity of a hole set: small ones for nothing, larger ones if the third key is a bank too. */
static uint32_t capacity_check(uint32_t capacity)
{
	unsigned bank;

	if (capacity > 500000)
		return 4;
	return capacity > HOLES_SMALL && !bank_open(K2, &bank) ? 3 : RC_OK;
}

static uint32_t copy(unsigned index, uint32_t order)
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
	if (capacity_check(arg32(0)) != RC_OK)
		return capacity_check(arg32(0));
	if (factory_make(bank, false, arg32(0), &made) != RC_OK)
		return RC_NO_SPACE;
	if (!holes_join(made, index)) {
		object_end(made);
		return RC_HOLE_LIMIT;
	}
	for (unsigned i = 0; i < COMPONENTS; i++) {
		component_get(index, i, R_A);
		if ((i != COMPONENT_PROGRAM || order == 0) && !is_own_copy_key(index, R_A))
			component_put(made, i, R_A);
	}
	objects[made].factory.creator = objects[index].factory.creator;
	objects[made].factory.akt = objects[index].factory.akt;
	objects[made].factory.ordinal = objects[index].factory.ordinal;
	objects[made].factory.address = order ? 0 : objects[index].factory.address;
	objects[made].factory.factories = objects[index].factory.factories & ~(order ? 1u << COMPONENT_PROGRAM : 0);
	object_key(made, BUILDER, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

uint32_t factory_serve(unsigned index, uint32_t order)
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

bool fc_make(unsigned bank, unsigned *index)
{
	static uint64_t serials;

	if (object_make(KIND_FC, bank, index) != RC_OK)
		return false;
	objects[*index].maker.serial = ++serials;
	return true;
}

static uint32_t fc_create(unsigned creator, uint32_t order)
{
	unsigned bank, index, other, other_face;
	uint32_t limit = order >= 2 ? arg32(0) : 0, rc = capacity_check(limit);

	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (rc != RC_OK)
		return rc;
	if (order & 1) {
		if (!key_open(K1, KIND_FACTORY, &other, &other_face) || (other_face != BUILDER && other_face != FETCHER))
			return RC_BAD_DC;
		object_get(other, SLOT_DC, R_D);
	}
	if (factory_make(bank, order & 1, limit, &index) != RC_OK)
		return RC_NO_SPACE;
	objects[index].factory.creator = objects[creator].maker.serial;
	object_key(index, BUILDER, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

/*
 * Faces: 0 full, 1 no recall of builders, 2 no recall.  Only what this very creator made: anybody can get a creator, and
 * would see into everything.
 */
static uint32_t fc_recall(unsigned creator, uint32_t order)
{
	unsigned index, other_face;

	if (face == 2 || (face == 1 && order == 7))
		return RC_UNKNOWN;
	if (!key_open(K0, KIND_FACTORY, &index, &other_face) || objects[index].factory.creator != objects[creator].maker.serial)
		return RC_FOREIGN;
	object_key(index, order == 6 ? FETCHER : BUILDER, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

uint32_t fc_serve(unsigned index, uint32_t order)
{
	switch (order) {
	case 0: case 1: case 2: case 3: return fc_create(index, order);
	case 4: case 5:
		object_key(index, order == 4 || face == 2 ? 2 : 1, R_A);
		reply_key(0, R_A);
		return RC_OK;
	case 6: case 7: return fc_recall(index, order);
	case KT: return 0x1E;
	case OC_DESTROY:
		if (face != 0)
			return RC_UNKNOWN;
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

uint32_t fcc_serve(unsigned index, uint32_t order)
{
	unsigned bank, fc;

	(void)index;
	if (order == KT)
		return 0x31E;
	if (order != 0)
		return RC_UNKNOWN;
	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (!fc_make(bank, &fc))
		return RC_NO_SPACE;
	object_key(fc, 0, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

/* ---- the system's own -------------------------------------------------------------------- */

/* A factory of the program in R_C with that entry, made at the system's start; its builder's components come by builtin_component. */
bool builtin_make(unsigned bank, uint32_t entry, uint32_t type, unsigned *index)
{
	if (factory_make(bank, false, 0, index) != RC_OK)
		return false;
	component_put(*index, COMPONENT_PROGRAM, R_C);
	objects[*index].factory.address = entry;
	objects[*index].factory.akt = type;
	return true;
}

/* The key in R_C: a maker or another of the system's own factories, or a key that the system vouches for. */
void builtin_component(unsigned index, unsigned which)
{
	unsigned other, other_face;

	component_put(index, which, R_C);
	if (key_is_maker(R_C, &other) || key_open(R_C, KIND_FACTORY, &other, &other_face))
		objects[index].factory.factories |= 1u << which;
}

/* Its requestor, in `to`. */
void builtin_requestor(unsigned index, cap_t to)
{
	objects[index].factory.complete = 1;
	object_key(index, REQUESTOR, to);
}
