/*
 * terminal.c - the simple terminal system: terminals of many branches, and zappers.
 *
 *	TSSF(KT+5;psb,m,sb ==> KT+5;,,,X) and then X(KT+5;SIK,SOK,CCK ==> KT+5;,,,X) and X(oc ...); or TSSF(oc;psb,m,sb)
 *	oc 2;CONSOLE ==> 0;SIK,SOK,CCK      the console's circuit; 3 it is another device
 *	oc 3 ==> 0;ZMK,SIK,SOK,CCK          a zapper and the circuit above it
 *	oc 4,(1,switch);bid ==> 0;TMMK,SIK,SOK,CCK   a terminal of many branches on the circuit given, and its control branch
 *
 *	TMMK(0;bid ==> c;SIK,SOK,CCK)       a branch; (1;CCK ==> c) destroys it: 1 no branch, 2 the control branch
 *	TMMK(2, 3;CCK ==> c)                switches input, output;  (4 ==> 0;SIK,SOK,CCK) destroys, the circuit is free again
 *	TMMK(5,(bytes);CCK ==> c)           as if typed;  (7 ==> reason;CCK,bid) waits for a branch that wants attention: 1 output
 *	                                    waits, 2 input came; -1 somebody waits
 *	TMMK(8;CCK ==> bits)                2 control, 4 output waits, 8 has output, 0x10 has input, 0x20 reads
 *	ZMK(0;SIK,SOK,CCK ==> c)            connects: 1 it is connected;  (1 ==> c) waits for disconnection, (2) disconnects: 2 no circuit
 *
 * The circuits given must be of this system (circuit.c); a device or a circuit of a program's own answers 3.
 * A branch stands in the terminal's key tree under its number; 0 is the control branch.
 * Source: keykos.md 4.12.
 */
#include "object.h"

enum { SLOT_BASE, SLOT_WAITER };                               /* of a terminal */
enum { SLOT_CIRCUIT, SLOT_DISCONNECT_WAITER };                 /* of a zapper */
enum { SLOT_PSB, SLOT_METER, SLOT_SB, SLOT_GIVEN };            /* of an extension: three keys each */
#define SLOT_UPPER_KEY 4                   /* of a circuit (circuit.c) */
#define SLOT_BID       6
#define BRANCHES       256u
#define NO_BRANCH      0xFFFFFFFFu
#define UNSUPPORTED    3u
enum { NOT_A_BRANCH = 1, IS_CONTROL = 2 };
enum { REASON_OUTPUT = 1, REASON_INPUT = 2 };
enum { ALREADY = 1, NO_CIRCUIT = 2 };

/* ---- branches ---------------------------------------------------------------------------- */

static bool branch_at(unsigned terminal, unsigned id, unsigned *index)
{
	unsigned which_face;

	keytree_fetch(terminal, id, R_F);
	return key_open(R_F, KIND_CIRCUIT, index, &which_face);
}

static uint32_t branch_of(unsigned terminal, cap_t cck, unsigned *index)
{
	unsigned which_face, lower;

	if (!key_open(cck, KIND_CIRCUIT, index, &which_face) || objects[*index].circuit.type != CIRCUIT_BRANCH ||
	    !circuit_lower(*index, KIND_TERMINAL, &lower) || lower != terminal)
		return NO_BRANCH;
	return objects[*index].circuit.id;
}

static bool base_of(unsigned terminal, unsigned *base)
{
	unsigned which_face;

	object_get(terminal, SLOT_BASE, CR_TMP0);
	return key_open(CR_TMP0, KIND_CIRCUIT, base, &which_face);
}

/* Whether a branch has the output of its terminal; then lower is the circuit it goes to. */
bool terminal_outputs(unsigned branch, unsigned *lower)
{
	unsigned terminal;

	return circuit_lower(branch, KIND_TERMINAL, &terminal) &&
	       objects[terminal].terminal.output == objects[branch].circuit.id && base_of(terminal, lower);
}

/* Answers who waits for an active branch, if somebody does, about one that is. */
static bool attention(unsigned terminal, unsigned branch)
{
	struct object *o = &objects[branch];
	struct msg m = { .order = (o->circuit.active_out ? REASON_OUTPUT : 0) | (o->circuit.active_in ? REASON_INPUT : 0) };

	if (m.order == 0 || !objects[terminal].terminal.waits)
		return false;
	o->circuit.active_in = o->circuit.active_out = 0;
	objects[terminal].terminal.waits = 0;
	object_key(branch, 0, R_D);
	object_get(branch, SLOT_BID, R_E);
	m.send[0] = R_D;
	m.send[1] = R_E;
	object_answer(terminal, SLOT_WAITER, &m);
	return true;
}

/* Input that nobody reads came to a branch that has not the input, or output waits at one. */
void terminal_active(unsigned branch, bool input)
{
	struct object *o = &objects[branch];
	unsigned terminal;

	if (o->circuit.type != CIRCUIT_BRANCH || !circuit_lower(branch, KIND_TERMINAL, &terminal))
		return;
	if (input && objects[terminal].terminal.input != o->circuit.id)
		o->circuit.active_in = 1;
	if (!input)
		o->circuit.active_out = 1;
	attention(terminal, branch);
}

/* The branch that has the input. */
bool terminal_branch(unsigned terminal, unsigned *branch)
{
	return branch_at(terminal, objects[terminal].terminal.input, branch);
}

/* A byte from below: the switch character brings the input to the control branch. */
void terminal_input(unsigned terminal, char c)
{
	struct object *o = &objects[terminal];
	unsigned branch;

	if (o->terminal.has_switch && c == o->terminal.switch_character)
		o->terminal.input = 0;
	if (branch_at(terminal, o->terminal.input, &branch))
		circuit_input(branch, c);
}

/* Its keys go to R_A, R_B, R_C. */
static uint32_t branch_make(unsigned terminal, cap_t bid, unsigned *id)
{
	unsigned branch, other;

	for (*id = 0; *id < BRANCHES && branch_at(terminal, *id, &other); ++*id)
		;
	if (*id == BRANCHES || circuit_make(objects[terminal].bank, CIRCUIT_BRANCH, &branch) != RC_OK)
		return 1;
	objects[branch].circuit.id = *id;
	object_put(branch, SLOT_BID, bid);
	circuit_link(branch, terminal);
	object_put(terminal, SLOT_UPPER_KEY, CR_VOID);
	object_key(branch, 0, R_C);
	if (keytree_swap(terminal, *id, R_C, CR_VOID) != RC_OK || circuit_keys(branch) != RC_OK) {
		object_end(branch);
		return 1;
	}
	return RC_OK;
}

static uint32_t reply_circuit(unsigned position)
{
	reply_key(position, R_A);
	reply_key(position + 1, R_B);
	reply_key(position + 2, R_C);
	return RC_OK;
}

static uint32_t branch_destroy(unsigned terminal, unsigned id, unsigned branch)
{
	struct object *o = &objects[terminal];

	if (id == 0)
		return IS_CONTROL;
	circuit_disconnect(branch);
	object_end(branch);
	keytree_swap(terminal, id, CR_VOID, CR_VOID);
	if (o->terminal.input == id)
		o->terminal.input = 0;
	if (o->terminal.output == id)
		o->terminal.output = 0;
	return RC_OK;
}

/* ---- the terminal ------------------------------------------------------------------------ */

void terminal_end(unsigned index)
{
	struct msg m = { .order = RC_VOID };
	unsigned branch, base;

	for (unsigned id = 0; id < BRANCHES; id++)
		if (branch_at(index, id, &branch)) {
			circuit_disconnect(branch);
			object_end(branch);
		}
	if (objects[index].terminal.waits)
		object_answer(index, SLOT_WAITER, &m);
	if (base_of(index, &base))
		object_put(base, SLOT_UPPER_KEY, CR_VOID);
}

static uint32_t destroy(unsigned index)
{
	unsigned base;
	bool there = base_of(index, &base);

	object_end(index);
	if (!there || circuit_keys(base) != RC_OK)
		return RC_OK;
	return reply_circuit(0);
}

static uint32_t wait_active(unsigned index)
{
	unsigned branch;

	if (objects[index].terminal.waits)
		return NO_BRANCH;
	if (!object_park(index, SLOT_WAITER))
		return RC_OK;
	objects[index].terminal.waits = 1;
	for (unsigned id = 0; id < BRANCHES; id++)
		if (branch_at(index, id, &branch) && attention(index, branch))
			break;
	return NO_REPLY;
}

static uint32_t status(unsigned index, unsigned id, unsigned branch)
{
	const struct object *t = &objects[index], *o = &objects[branch];

	return (id == 0 ? 2 : 0) | (o->circuit.writing ? 4 : 0) | (t->terminal.output == id ? 8 : 0) |
	       (t->terminal.input == id ? 0x10 : 0) | (o->circuit.reading ? 0x20 : 0);
}

static uint32_t serve_branch(unsigned index, uint32_t order)
{
	struct object *o = &objects[index];
	unsigned branch, id = branch_of(index, K0, &branch), last;

	if (id == NO_BRANCH)
		return NOT_A_BRANCH;
	switch (order) {
	case 1: return branch_destroy(index, id, branch);
	case 2:
		objects[branch].circuit.active_in = 0;
		o->terminal.input = id;
		return RC_OK;
	case 3:
		last = o->terminal.output;
		o->terminal.output = id;
		objects[branch].circuit.active_out = 0;
		writer_try(branch);
		if (last != id && branch_at(index, last, &branch) && objects[branch].circuit.writing)
			terminal_active(branch, false);
		return RC_OK;
	case 5:
		for (size_t i = 0; i < message.recv_length; i++)
			circuit_input(branch, message_string[i]);
		return RC_OK;
	}
	return status(index, id, branch);
}

uint32_t terminal_serve(unsigned index, uint32_t order)
{
	unsigned id;

	switch (order) {
	case 0: return branch_make(index, K0, &id) == RC_OK ? reply_circuit(0) : 1;
	case 1: case 2: case 3: case 5: case 8: return serve_branch(index, order);
	case 4: case OC_DESTROY: return destroy(index);
	case 7: return wait_active(index);
	case KT: return 0x1060E;
	}
	return RC_UNKNOWN;
}

/* On the circuit whose key is in cck, with the control branch's bid; the keys go to R_A, R_B, R_C and R_D. */
static uint32_t terminal_make(unsigned bank, cap_t cck, cap_t bid)
{
	unsigned base, which_face, made, id;

	if (!key_open(cck, KIND_CIRCUIT, &base, &which_face))
		return UNSUPPORTED;
	if (object_make(KIND_TERMINAL, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	circuit_disconnect(base);
	object_key(made, 0, R_D);
	object_put(base, SLOT_UPPER_KEY, R_D);
	object_key(base, 0, R_D);
	object_put(made, SLOT_BASE, R_D);
	objects[made].terminal.has_switch = message.recv_length > 0;
	objects[made].terminal.switch_character = message_string[0];
	if (branch_make(made, bid, &id) != RC_OK) {
		object_end(made);
		return RC_NO_SPACE;
	}
	object_key(made, 0, R_D);
	reply_key(0, R_D);
	return reply_circuit(1);
}

/* ---- zappers ----------------------------------------------------------------------------- */

static bool circuit_above(unsigned zapper, unsigned *index)
{
	unsigned which_face;

	object_get(zapper, SLOT_CIRCUIT, CR_TMP0);
	return key_open(CR_TMP0, KIND_CIRCUIT, index, &which_face);
}

static void waiter_answer(unsigned zapper, uint32_t rc)
{
	struct msg m = { .order = rc };

	if (objects[zapper].terminal.waits) {
		objects[zapper].terminal.waits = 0;
		object_answer(zapper, SLOT_DISCONNECT_WAITER, &m);
	}
}

/* The circuit above a zapper has lost what was below. */
void zapper_lost(unsigned above)
{
	unsigned index;

	for (unsigned i = OBJECT_FIRST; i < objects_used; i++)
		if (objects[i].kind == KIND_ZAPPER && circuit_above(i, &index) && index == above)
			waiter_answer(i, RC_OK);
}

static uint32_t connect(unsigned index)
{
	unsigned above, below, which_face;

	if (!circuit_above(index, &above))
		return RC_VOID;
	if (circuit_lower(above, KIND_CIRCUIT, &below))
		return ALREADY;
	if (!key_open(K2, KIND_CIRCUIT, &below, &which_face) || below == above)
		return UNSUPPORTED;
	circuit_disconnect(below);
	circuit_link(above, below);
	writer_try(above);
	return RC_OK;
}

void zapper_end(unsigned index)
{
	unsigned above, below;

	waiter_answer(index, RC_VOID);
	if (!circuit_above(index, &above))
		return;
	if (circuit_lower(above, KIND_CIRCUIT, &below))
		circuit_disconnect(below);
	object_end(above);
}

uint32_t zapper_serve(unsigned index, uint32_t order)
{
	unsigned above, below;
	bool connected = circuit_above(index, &above) && circuit_lower(above, KIND_CIRCUIT, &below);

	switch (order) {
	case 0: return connect(index);
	case 1:
		if (!connected)
			return NO_CIRCUIT;
		if (objects[index].terminal.waits)
			return ALREADY;
		if (!object_park(index, SLOT_DISCONNECT_WAITER))
			return RC_OK;
		objects[index].terminal.waits = 1;
		return NO_REPLY;
	case 2:
		if (!connected)
			return NO_CIRCUIT;
		circuit_disconnect(below);
		return RC_OK;
	case KT: return 0x1050E;
	case OC_DESTROY:
		object_end(index);
		return RC_OK;
	}
	return RC_UNKNOWN;
}

static uint32_t zapper_make(unsigned bank)
{
	unsigned made, above;

	if (object_make(KIND_ZAPPER, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	if (circuit_make(bank, CIRCUIT_ZAPPED, &above) != RC_OK) {
		object_end(made);
		return RC_NO_SPACE;
	}
	object_key(above, 0, R_D);
	object_put(made, SLOT_CIRCUIT, R_D);
	if (circuit_keys(above) != RC_OK) {
		object_end(made);
		return RC_NO_SPACE;
	}
	object_key(made, 0, R_D);
	reply_key(0, R_D);
	return reply_circuit(1);
}

/* ---- the maker, and the extended jump ---------------------------------------------------- */

static uint32_t make(unsigned bank, uint32_t order, cap_t cck)
{
	unsigned device, which_face;

	switch (order) {
	case 2: return key_open(K0, KIND_CONSOLE, &device, &which_face) ? console_circuit() : UNSUPPORTED;
	case 3: return zapper_make(bank);
	case 4: return terminal_make(bank, cck, K0);
	}
	return RC_UNKNOWN;
}

uint32_t extension_serve(unsigned index, uint32_t order)
{
	unsigned bank = objects[index].bank;
	uint32_t rc;

	if (order == KT + 5) {
		for (unsigned i = 0; i < 3; i++)
			object_put(index, SLOT_GIVEN + i, K0 + i);
		object_key(index, 0, R_A);
		reply_key(3, R_A);
		return KT + 5;
	}
	object_get(index, SLOT_GIVEN + 2, R_E);
	rc = make(bank, order, R_E);
	object_end(index);
	return rc;
}

uint32_t tssf_serve(unsigned index, uint32_t order)
{
	unsigned bank, made;

	(void)index;
	if (order == KT)
		return 0x90E;
	if (order == RC_FOREIGN)
		return key_compares(K0, 0, 0);
	if (order > 0xC0000000u)
		return RC_UNKNOWN;
	if (!bank_open(K0, &bank))
		return RC_BAD_BANK;
	if (order != KT + 5)
		return order == 3 ? make(bank, order, CR_VOID) : UNSUPPORTED;
	if (object_make(KIND_EXTENSION, bank, &made) != RC_OK)
		return RC_NO_SPACE;
	for (unsigned i = 0; i < 3; i++)
		object_put(made, SLOT_PSB + i, K0 + i);
	object_key(made, 0, R_A);
	reply_key(3, R_A);
	return KT + 5;
}
