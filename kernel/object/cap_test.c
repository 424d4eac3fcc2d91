/*
 * cap_test.c - validity, sensory access and discretion, against an executable model.
 *
 * The model says what a capability can come to in the worst case: everybody else may put anything
 * into any node, and the holder may repeat every operation that yields capabilities.  A capability
 * is discreet if nothing in that closure can change or signal anything.  Model and kernel must
 * agree on every kind of capability; then 10,000 random graphs are attacked through discreet
 * capabilities by random operations, and nothing outside the caller may have changed.
 */
#include "machine_test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"
#include "kernel/discrim.h"
#include "kernel/keybits.h"
#include "kernel/node.h"
#include "kernel/page.h"
#include "kernel/process.h"
#include "kernel/range.h"
#include "kernel/segment.h"
#include "mem/space.h"

#define GRAPHS 10000
#define NODES 8
#define PAGES 4
#define TARGET 8                       /* the register attacked; what comes back lands above it */

static struct process *caller, *other;
static struct node *node[NODES];
static struct frame *page[PAGES];

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 40, .tables = 8 });
	caller = machine_process(4);
	other = machine_process(4);
	for (unsigned i = 0; i < NODES; i++)
		node[i] = machine_node();
	for (unsigned i = 0; i < PAGES; i++)
		page[i] = machine_page();
	arch_set_current(caller);
}

/* A valid capability of a type with given data; the object is one of those of the world. */
static struct cap make(unsigned type, uint16_t data)
{
	switch (type) {
	case CAP_PAGE:
		return page_cap(page[machine_below(PAGES)], data & DB_READONLY);
	case CAP_NODE: case CAP_FETCH: case CAP_SENSE: case CAP_SEGMENT: case CAP_FRONTEND: case CAP_SCHEDULE:
		return node_cap(node[machine_below(NODES)], type, data & 0xFF);
	case CAP_PROCESS: case CAP_START: case CAP_NOTICE:
		return process_cap(other, type, data);
	case CAP_RESUME:
		return process_resume_cap(other, RESUME_RETURN);
	case CAP_RANGE:
		return machine_range();
	case CAP_NUMBER:
		return cap_number(machine_random(), 0, 0);
	}
	return cap_misc(type, 0, 0);
}

static struct cap random_cap(void)
{
	unsigned type;

	do
		type = machine_below(CAP_TYPES);
	while (!(cap_types_known >> type & 1));
	return make(type, machine_below(65536));
}

/* ---- the model ---------------------------------------------------------------------------- */

/* A kind of capability: all of a capability that matters to what it conveys. */
struct kind {
	uint8_t type;
	bool readonly, nocall;
};

static struct kind kind_of(const struct cap *c)
{
	return (struct kind){ c->type, c->data & DB_READONLY, c->data & DB_NOCALL };
}

/* An invocation of it, or a store through a mapping of it, may change or signal something. */
static bool kind_acts(struct kind k)
{
	switch (k.type) {
	case CAP_VOID: case CAP_NUMBER: case CAP_DISCRIM: case CAP_RETURNER: case CAP_CREATOR: case CAP_FETCH: case CAP_SENSE:
		return false;
	case CAP_PAGE:
		return !k.readonly;
	case CAP_SEGMENT:                      /* a tree to store into, or a keeper to call */
		return !k.readonly || !k.nocall;
	}
	return true;
}

/* What a sense capability gives of a kind: void if the kind has no harmless form. */
static struct kind kind_sensed(struct kind k)
{
	switch (k.type) {
	case CAP_NUMBER: case CAP_DISCRIM: case CAP_RETURNER: case CAP_CREATOR:
		return k;
	case CAP_PAGE:
		return (struct kind){ CAP_PAGE, true, false };
	case CAP_SEGMENT:
		return (struct kind){ CAP_SEGMENT, true, true };
	case CAP_NODE: case CAP_FETCH: case CAP_SENSE:
		return (struct kind){ CAP_SENSE, true, true };
	}
	return (struct kind){ CAP_VOID, false, false };
}

/* The worst that a slot of a node may hold is anything at all. */
static bool model_discreet(struct kind k, unsigned depth)
{
	if (kind_acts(k))
		return false;
	if (depth == 0 || (k.type != CAP_FETCH && k.type != CAP_SENSE))
		return true;
	for (unsigned type = 0; type < CAP_TYPES; type++)
		for (unsigned bits = 0; bits < 4; bits++) {
			struct kind held = { type, bits & 1, bits & 2 };

			if (!model_discreet(k.type == CAP_SENSE ? kind_sensed(held) : held, depth - 1))
				return false;
		}
	return true;
}

static void discretion_is_the_models(void **state)
{
	unsigned discreet = 0;

	(void)state;
	make_world();
	caller->caps[9] = cap_misc(CAP_DISCRIM, 0, 0);
	for (unsigned type = 0; type < CAP_TYPES; type++)
		for (unsigned data = 0; data < 256; data++) {
			struct cap c = make(type, data);
			bool expected = model_discreet(kind_of(&c), 3);

			if (cap_discreet(&c) != expected)
				fail_msg("%s with data %x is %sdiscreet", cap_type_name(type), data, expected ? "" : "not ");
			caller->caps[10] = c;
			assert_int_equal(CALL(caller, 9, .order = DISCRIM_OC_DISCREET, .send = { 10 }), RC_OK);
			assert_int_equal(caller->regs.rdi, !expected);
			discreet += expected;
		}
	assert_in_range(discreet, 256 * 5, 256 * 8);
	machine_stop();
}

/* ---- the attack --------------------------------------------------------------------------- */

struct snapshot {
	uint8_t *data;
	struct frame *headers;
};

/* Everything but the caller and what page tables have left in the objects. */
static void take_snapshot(struct snapshot *s)
{
	memcpy(s->data, arch_frame_pointer(0), frame_count * PAGE_SIZE);
	memcpy(s->headers, frames, frame_count * sizeof(struct frame));
}

static void clear_marks(uint8_t *data)
{
	for (unsigned i = 0; i < NODES_PER_POT; i++) {
		struct node *n = (struct node *)data + i;

		n->dep_space = n->dep_shift = n->dep_flags = n->dep_generation = n->dep_page = 0;
	}
}

/* The first object frame that differs, or 0. */
static uint64_t changed_since(const struct snapshot *s)
{
	static uint8_t before[PAGE_SIZE], now[PAGE_SIZE];

	for (uint64_t pfn = 1; pfn < frame_count; pfn++) {
		if (frames[pfn].kind != s->headers[pfn].kind || frames[pfn].alloc_count != s->headers[pfn].alloc_count)
			return pfn;
		if (pfn == caller->pfn || frames[pfn].kind < FRAME_PAGE || frames[pfn].kind > FRAME_PROCESS)
			continue;
		memcpy(before, s->data + pfn * PAGE_SIZE, PAGE_SIZE);
		memcpy(now, frame_data(&frames[pfn]), PAGE_SIZE);
		if (frames[pfn].kind == FRAME_POT) {
			clear_marks(before);
			clear_marks(now);
		}
		if (memcmp(before, now, PAGE_SIZE) || frames[pfn].call_count != s->headers[pfn].call_count)
			return pfn;
	}
	return 0;
}

static void random_graph(void)
{
	for (unsigned i = 0; i < NODES; i++)
		for (unsigned slot = 0; slot < NODE_SLOTS; slot++) {
			struct cap c = machine_below(2) ? random_cap() : make(CAP_PAGE + machine_below(5), machine_below(256));

			node_store(node[i], slot, &c);
		}
	/* Some nodes are red with a keeper: a walk through a segment must not reach it. */
	for (unsigned i = 0; i < NODES; i += 3) {
		struct cap format = cap_number(0x0FF00FE4 | 15 << 16 | 1 << 12, 0, 0), keeper = make(CAP_START, 0);

		node_store(node[i], 15, &format);
		node_store(node[i], 1, &keeper);
	}
}

/* One operation on a capability that the caller holds; what it yields goes to the registers. */
static void attack_once(unsigned held)
{
	unsigned reg = TARGET + (machine_below(2) ? 0 : machine_below(held));
	const struct fuzz_op *op = &fuzz_ops[machine_below(sizeof fuzz_ops / sizeof fuzz_ops[0])];
	struct call c = { .order = op->first + machine_below(op->last - op->first + 1) };

	c.op = machine_below(4) ? INV_CALL : INV_SEND;
	if (machine_below(2))
		c.order = machine_below(2) ? machine_below(16) : NODE_OC_TREE_FETCH;
	for (unsigned i = 0; i < INV_WORDS; i++)
		c.w[i] = machine_below(4) ? machine_below(64) : machine_random();
	for (unsigned i = 0; i < INV_CAPS; i++)
		c.send[i] = TARGET + machine_below(held);
	c.receive[machine_below(2) * machine_below(3)] = TARGET + 1 + machine_below(held - 1);
	machine_call(caller, reg, &c);
	if (caller->state != PROC_RUNNING)
		fail_msg("%s.%s stopped the caller", op->interface, op->op);
}

/* The same capability as somebody's memory: no page of it can be written, no keeper is on the way. */
static void attack_as_memory(struct cap c)
{
	struct process *prober = other;
	struct cap was = prober->slots[PSLOT_SPACE];
	struct walk w;

	prober->slots[PSLOT_SPACE] = c;
	for (unsigned i = 0; i < 8; i++) {
		space_walk(prober, machine_below(1 << 24) & ~0xFFFull >> machine_below(12), NULL, &w);
		assert_true(!w.page || !w.writable);
		assert_true(w.kept_node.type == CAP_VOID);
	}
	prober->slots[PSLOT_SPACE] = was;
}

static void nothing_changes_through_discreet_capabilities(void **state)
{
	const unsigned held = 6;
	unsigned yielded = 0;
	struct snapshot before;

	(void)state;
	make_world();
	before.data = malloc(frame_count * PAGE_SIZE);
	before.headers = malloc(frame_count * sizeof(struct frame));
	for (unsigned graph = 0; graph < GRAPHS; graph++) {
		uint64_t changed;
		struct cap c;

		random_graph();
		other->state = PROC_WAITING;
		do
			c = machine_below(2) ? random_cap() : make(CAP_SENSE, DB_READONLY | DB_NOCALL);
		while (!cap_discreet(&c) || (cap_is_void(&c) && machine_below(16)));
		attack_as_memory(c);
		for (unsigned i = 0; i < held; i++)
			caller->caps[TARGET + i] = i ? cap_void() : c;
		take_snapshot(&before);
		for (unsigned i = 0; i < 16; i++)
			attack_once(held);
		changed = changed_since(&before);
		if (changed)
			fail_msg("graph %u: through a %s with data %x, frame %lu changed", graph, cap_type_name(c.type), c.data,
				 changed);
		for (unsigned i = 1; i < held; i++) {
			assert_true(cap_discreet(&caller->caps[TARGET + i]));
			attack_as_memory(caller->caps[TARGET + i]);
			yielded += !cap_is_void(&caller->caps[TARGET + i]);
		}
	}
	free(before.data);
	free(before.headers);
	print_message("%u capabilities came through\n", yielded);
	assert_true(yielded > GRAPHS / 2);
	machine_stop();
}

/* ---- sensory access ----------------------------------------------------------------------- */

/* Whatever is got through a sense capability by one operation; each names the register it fills. */
static void everything_through_sense_is_sensory(void **state)
{
	(void)state;
	make_world();
	for (unsigned round = 0; round < 2000; round++) {
		unsigned slot = machine_below(15);
		struct cap sense, got[4];

		random_graph();
		caller->caps[10] = node_cap(node[0], CAP_NODE, 0);
		sense = node_cap(node[1], CAP_SENSE, DB_READONLY | DB_NOCALL);
		caller->caps[9] = sense;
		node_store(node[0], 2, &sense);
		/* fetch, and tree_fetch from a sense root, and through a sense capability on the way */
		CALL(caller, 9, .order = NODE_OC_FETCH + slot, .receive = { 12 });
		CALL(caller, 9, .order = NODE_OC_TREE_FETCH, .w = { slot, 1 }, .receive = { 13 });
		CALL(caller, 10, .order = NODE_OC_TREE_FETCH, .w = { 0x20 | slot, 2 }, .receive = { 14 });
		for (unsigned i = 0; i < 3; i++)
			got[i] = caller->caps[12 + i];
		/* clone from a sense capability, and tree_link from behind one */
		caller->caps[11] = node_cap(node[7], CAP_NODE, 0);
		CALL(caller, 11, .order = NODE_OC_CLONE, .send = { 9 });
		got[3] = node[7]->slot[slot];
		CALL(caller, 10, .order = NODE_OC_TREE_LINK, .w = { 0, 0, 5, 0x20 | slot, 2, 0 });
		for (unsigned i = 0; i < 4; i++) {
			struct cap expected = cap_diminish(&node[1]->slot[slot]);

			assert_true(cap_same(&got[i], &expected));
			assert_true(cap_discreet(&got[i]));
		}
		assert_true(cap_discreet(&node[0]->slot[5]));
		/* tree_clone of a node behind a sense capability, or of the sense capability itself */
		node_store(node[0], 6, &caller->caps[11]);
		CALL(caller, 10, .order = NODE_OC_TREE_CLONE, .w = { 6, 1, round & 1 ? 2 : 0x20 | slot, round & 1 ? 1 : 2 });
		for (unsigned i = 0; i < NODE_SLOTS; i++)
			assert_true(cap_discreet(&node[7]->slot[i]));
	}
	machine_stop();
}

/* No operation changes a node that is reached through a fetch or sense capability. */
static void nothing_is_stored_through_fetch_and_sense(void **state)
{
	static const uint32_t orders[] = { NODE_OC_SWAP + 1, NODE_OC_CLEAR, NODE_OC_WRITE_NUMBER, NODE_OC_CLONE,
					   NODE_OC_TREE_SWAP, NODE_OC_TREE_LINK, NODE_OC_TREE_CLONE, NODE_OC_TREE_CLEAR,
					   NODE_OC_MAKE_NODE, NODE_OC_MAKE_SEGMENT, NODE_OC_MAKE_SCHEDULE,
					   NODE_OC_MAKE_FRONTEND };

	(void)state;
	make_world();
	for (unsigned type = CAP_FETCH; type <= CAP_SEGMENT; type++)
		for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++) {
			random_graph();
			caller->caps[9] = node_cap(node[1], type, type == CAP_FETCH ? 0 : DB_READONLY | DB_NOCALL);
			caller->caps[10] = node_cap(node[2], CAP_NODE, 0);
			assert_int_equal(CALL(caller, 9, .order = orders[i], .w = { 1, 1, 1, 1, 1 }, .send = { 10 },
					      .receive = { 12 }), RC_UNKNOWN);
			assert_true(cap_is_void(&caller->caps[12]));
		}
	/* A path through a sense capability leads to no node that may be changed. */
	for (unsigned i = 0; i < 4; i++) {
		struct cap sense = node_cap(node[1], CAP_SENSE, DB_READONLY | DB_NOCALL), full = node_cap(node[2], CAP_NODE, 0);
		static const uint32_t tree[] = { NODE_OC_TREE_CLEAR, NODE_OC_TREE_SWAP, NODE_OC_TREE_LINK, NODE_OC_TREE_CLONE };

		node_store(node[0], 3, &sense);
		node_store(node[1], 4, &full);
		caller->caps[9] = node_cap(node[0], CAP_NODE, 0);
		assert_int_equal(CALL(caller, 9, .order = tree[i], .w = { 0x34, 2, 0, 0x34, 2 }), RC_REQUEST);
		assert_int_equal(CALL(caller, 9, .order = tree[i], .w = { 3, 1, 0, 3, 1 }),
				 tree[i] == NODE_OC_TREE_SWAP ? RC_OK : RC_REQUEST);
	}
	machine_stop();
}

/* ---- validity ----------------------------------------------------------------------------- */

static void check_dead(struct cap c)
{
	assert_true(cap_is_void(&c));
	assert_true(cap_discreet(&c));
	caller->caps[9] = c;
	caller->caps[10] = cap_misc(CAP_KEYBITS, 0, 0);
	caller->caps[11] = cap_misc(CAP_DISCRIM, 0, 0);
	for (uint32_t order = 0; order < 80; order++)
		assert_int_equal(CALL(caller, 9, .order = order), RC_VOID);
	assert_int_equal(CALL(caller, 9, .order = KT), RC_VOID);
	CALL(caller, 10, .order = KEYBITS_OC_SHOW, .send = { 9 });
	assert_int_equal(caller->regs.rdx, 0);
	CALL(caller, 11, .order = DISCRIM_OC_CLASSIFY, .send = { 9 });
	assert_int_equal(caller->regs.rdi, 1);
}

/* Each kind of capability to an object, before and after the object's place is rescinded or retyped. */
static void capabilities_to_what_was_there_are_dead(void **state)
{
	static const uint8_t types[] = { CAP_PAGE, CAP_NODE, CAP_FETCH, CAP_SENSE, CAP_SEGMENT, CAP_FRONTEND, CAP_SCHEDULE,
					 CAP_PROCESS, CAP_START, CAP_NOTICE, CAP_RESUME };

	(void)state;
	for (unsigned i = 0; i < sizeof types; i++)
		for (unsigned end = 0; end < 4; end++) {
			struct cap c;
			struct frame *f;
			uint64_t kind = types[i] == CAP_PAGE ? 1 : types[i] <= CAP_SCHEDULE ? 2 : 3;

			make_world();
			other->state = PROC_WAITING;
			c = make(types[i], 0);
			assert_false(cap_is_void(&c));
			f = frame_lookup(REF_OID(c.ref));
			caller->caps[12] = machine_range();
			if (end == 0)              /* rescinded */
				CALL(caller, 12, .order = RANGE_OC_RESCIND,
				     .w = { kind, kind == 2 ? f->oid * 16 + REF_INDEX(c.ref) : f->oid, 1 });
			else                       /* made another kind, or another and back */
				frame_retype(f, (enum frame_kind)(FRAME_PAGE + (f->kind - FRAME_PAGE + end) % 3));
			if (end == 3)
				frame_retype(f, (enum frame_kind)(FRAME_PAGE + (kind - 1)));
			check_dead(c);
			assert_int_equal(object_check(), 0);
			machine_stop();
		}
}

static void a_rescinded_node_leaves_its_neighbours_alive(void **state)
{
	struct cap first, second;

	(void)state;
	make_world();
	first = node_cap(node[0], CAP_NODE, 0);
	second = node_cap(node[1], CAP_NODE, 0);
	node_rescind(node[0]);
	assert_true(cap_is_void(&first));
	assert_false(cap_is_void(&second));
	machine_stop();
}

static void a_stale_hint_is_not_believed(void **state)
{
	struct cap c;

	(void)state;
	make_world();
	c = page_cap(page[0], 0);
	for (uint64_t hint = 0; hint < frame_count + 4; hint++) {
		c.ref = REF_MAKE(page[0]->oid, 0, hint);
		assert_ptr_equal(cap_page(&c), page[0]);
	}
	machine_stop();
}

static void identity_is_of_type_object_and_rights(void **state)
{
	struct cap a, b;

	(void)state;
	make_world();
	for (unsigned i = 0; i < 20000; i++) {
		a = random_cap();
		b = machine_below(2) ? random_cap() : a;
		if (machine_below(2))
			b.ref = (b.ref & ~REF_HINT_MASK) | (a.type == CAP_NUMBER || a.type >= CAP_RANGE ? b.ref & REF_HINT_MASK : 0);
		assert_int_equal(cap_same(&a, &b), cap_same(&b, &a));
		assert_true(cap_same(&a, &a));
		if (cap_same(&a, &b))
			assert_true(cap_is_void(&a) ? cap_is_void(&b) : a.type == b.type && a.data == b.data &&
				    a.rights == b.rights && a.count == b.count);
	}
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(discretion_is_the_models),
		cmocka_unit_test(nothing_changes_through_discreet_capabilities),
		cmocka_unit_test(everything_through_sense_is_sensory),
		cmocka_unit_test(nothing_is_stored_through_fetch_and_sense),
		cmocka_unit_test(capabilities_to_what_was_there_are_dead),
		cmocka_unit_test(a_rescinded_node_leaves_its_neighbours_alive),
		cmocka_unit_test(a_stale_hint_is_not_believed),
		cmocka_unit_test(identity_is_of_type_object_and_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
