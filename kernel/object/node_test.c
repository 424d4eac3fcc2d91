/*
 * node_test.c - the operations of a node, and the tree operations against a model that walks one
 * level at a time: what the kernel remembers of paths must never show.
 */
#include "machine_test.h"
#include "kernel/node.h"
#include "mem/space.h"

#define NODES 10
#define STEPS 50000

static struct process *p;
static struct node *node[NODES];

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 24 });
	p = machine_process(3);
	for (unsigned i = 0; i < NODES; i++)
		node[i] = machine_node();
	p->caps[9] = node_cap(node[0], CAP_NODE, 0x35);
	p->caps[10] = cap_number(0xABCDEF, 7, 8);
}

static void fetch_and_swap(void **state)
{
	(void)state;
	make_world();
	for (unsigned slot = 0; slot < NODE_SLOTS; slot++) {
		p->caps[10].ref = slot;
		assert_int_equal(CALL(p, 9, .order = NODE_OC_SWAP + slot, .send = { 10 }, .receive = { 11 }), RC_OK);
		assert_true(cap_is_void(&p->caps[11]));
	}
	for (unsigned slot = 0; slot < NODE_SLOTS; slot++) {
		assert_int_equal(CALL(p, 9, .order = NODE_OC_FETCH + slot, .receive = { 11 }), RC_OK);
		assert_int_equal(p->caps[11].ref, slot);
		assert_int_equal(CALL(p, 9, .order = NODE_OC_SWAP + slot, .receive = { 12 }), RC_OK);
		assert_true(cap_same(&p->caps[11], &p->caps[12]));
		assert_true(cap_is_void(&node[0]->slot[slot]));
	}
	assert_int_equal(CALL(p, 9, .order = NODE_OC_WRITE_NUMBER, .w = { 3, 5, 0x123456789ABC }), RC_OK);
	assert_int_equal(node[0]->slot[3].ref, 5);
	assert_int_equal(node[0]->slot[3].count, 0x56789ABC);
	assert_int_equal(node[0]->slot[3].data, 0x1234);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_WRITE_NUMBER, .w = { 16, 5, 0 }), RC_REQUEST);
	machine_stop();
}

static void other_forms_of_the_same_node(void **state)
{
	static const struct { uint32_t order; uint8_t type; uint32_t alleged; } forms[] = {
		{ NODE_OC_MAKE_FETCH, CAP_FETCH, 0x0004 }, { NODE_OC_MAKE_SEGMENT, CAP_SEGMENT, 0x0305 },
		{ NODE_OC_MAKE_SCHEDULE, CAP_SCHEDULE, 0x0006 }, { NODE_OC_MAKE_NODE, CAP_NODE, NODE_TYPE },
		{ NODE_OC_MAKE_SENSE, CAP_SENSE, 0x0001 }, { NODE_OC_MAKE_FRONTEND, CAP_FRONTEND, 0x0005 },
	};

	(void)state;
	make_world();
	for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		assert_int_equal(CALL(p, 9, .order = forms[i].order, .w = { 3 }, .receive = { 11 }), RC_OK);
		assert_int_equal(p->caps[11].type, forms[i].type);
		assert_ptr_equal(cap_node(&p->caps[11]), node[0]);
		assert_int_equal(CALL(p, 11, .order = KT), RC_OK);
		assert_int_equal(p->regs.rdi, forms[i].alleged);
		CALL(p, 9, .order = NODE_OC_COMPARE, .send = { 11 });
		assert_int_equal(p->regs.rdi, 0);
	}
	CALL(p, 9, .order = NODE_OC_DATA_BYTE);
	assert_int_equal(p->regs.rdi, 0x35);
	p->caps[11] = node_cap(node[1], CAP_NODE, 0);
	CALL(p, 9, .order = NODE_OC_COMPARE, .send = { 11 });
	assert_int_equal(p->regs.rdi, 1);
	machine_stop();
}

/* ---- trees -------------------------------------------------------------------------------- */

/* One level at a time, as a program with only fetch would go. */
static struct cap model_fetch(struct cap root, uint64_t path, uint64_t depth, bool *there)
{
	struct cap c = root;

	*there = depth >= 1 && depth <= 8;
	for (uint64_t level = depth; *there && level > 0; level--) {
		struct node *n = c.type >= CAP_NODE && c.type <= CAP_SENSE ? cap_node(&c) : NULL;

		*there = n;
		if (n)
			c = c.type == CAP_SENSE ? cap_diminish(&n->slot[path >> (4 * (level - 1)) & 15])
						: n->slot[path >> (4 * (level - 1)) & 15];
	}
	return c;
}

static struct cap random_cap(void)
{
	static const uint8_t types[] = { CAP_NODE, CAP_NODE, CAP_NODE, CAP_NODE, CAP_FETCH, CAP_SENSE, CAP_SEGMENT };

	if (!machine_below(4))
		return cap_number(machine_random(), 0, 0);
	return node_cap(node[machine_below(NODES)], types[machine_below(sizeof types)], machine_below(256));
}

/* Paths of few distinct nibbles, so that trees are deep and paths come again. */
static uint64_t random_path(void)
{
	uint64_t path = 0;

	for (unsigned i = 0; i < 4; i++)
		path = path << 4 | machine_below(3);
	return path;
}

static void random_change(void)
{
	struct node *n = node[machine_below(NODES)];
	struct cap c = random_cap();

	switch (machine_below(200)) {
	case 0:
		node_rescind(n);
		break;
	case 1:
		if (machine_below(4))
			break;
		frame_retype(node_pot(n), FRAME_PAGE);
		frame_retype(node_pot(n), FRAME_POT);
		break;
	case 2:
		p->caps[11] = node_cap(n, CAP_NODE, 0);
		p->caps[12] = c;
		CALL(p, 11, .order = machine_below(2) ? NODE_OC_CLONE : NODE_OC_CLEAR, .send = { 12 });
		break;
	default:
		node_store(n, machine_below(3), &c);
	}
}

static unsigned paths_found;

static void check_fetch(void)
{
	uint64_t path = random_path(), depth = machine_below(10);
	bool there;
	struct cap expected;

	p->caps[9] = machine_below(8) ? node_cap(node[0], CAP_NODE, 0) : node_cap(node[1], CAP_SENSE, 0xC0);
	expected = model_fetch(p->caps[9], path, depth, &there);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_TREE_FETCH, .w = { path, depth }, .receive = { 11 }),
			 there ? RC_OK : RC_REQUEST);
	if (there)
		assert_true(cap_same(&p->caps[11], &expected));
	paths_found += there && depth > 1;
}

/* tree_link stores what the model finds at the source into the node the model finds at the target. */
static void check_link(void)
{
	uint64_t to = random_path(), source = random_path(), slot = machine_below(3);
	uint64_t to_depth = 1 + machine_below(3), source_depth = 1 + machine_below(3);
	bool to_there, source_there;
	struct cap target, value;
	struct node *n;

	p->caps[9] = node_cap(node[0], CAP_NODE, 0);
	target = model_fetch(p->caps[9], to, to_depth, &to_there);
	value = model_fetch(p->caps[9], source, source_depth, &source_there);
	n = to_there && target.type == CAP_NODE ? cap_node(&target) : NULL;
	assert_int_equal(CALL(p, 9, .order = NODE_OC_TREE_LINK, .w = { to, to_depth, slot, source, source_depth, 0 }),
			 n && source_there ? RC_OK : RC_REQUEST);
	if (n && source_there)
		assert_true(cap_same(&n->slot[slot], &value));
}

static void trees_are_as_a_walk_by_hand(void **state)
{
	(void)state;
	make_world();
	for (unsigned i = 0; i < STEPS; i++) {
		random_change();
		for (unsigned j = 0; j < 3; j++)
			check_fetch();
		if (!machine_below(4))
			check_link();
	}
	print_message("%u of %u paths led somewhere\n", paths_found, 3 * STEPS);
	assert_true(paths_found > STEPS / 4);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void a_link_weakens_as_asked(void **state)
{
	struct cap c;

	(void)state;
	make_world();
	c = page_cap(machine_page(), 0);
	node_store(node[0], 1, &c);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_TREE_LINK, .w = { 0, 0, 2, 1, 1, DB_READONLY | DB_NOEXEC }), RC_OK);
	assert_int_equal(node[0]->slot[2].data, DB_READONLY);
	assert_int_equal(node[0]->slot[2].rights, CAP_NOEXEC);
	c = node_cap(node[1], CAP_NODE, 3);
	node_store(node[0], 1, &c);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_TREE_LINK, .w = { 0, 0, 2, 1, 1, DB_NOCALL | 5 }), RC_OK);
	assert_int_equal(node[0]->slot[2].data, DB_NOCALL | 5);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_TREE_LINK, .w = { 0, 0, 2, 1ull << 63 }), RC_OK);
	assert_true(cap_is_void(&node[0]->slot[2]));
	assert_int_equal(CALL(p, 9, .order = NODE_OC_TREE_LINK, .w = { 0, 0, 16, 1, 1 }), RC_REQUEST);
	machine_stop();
}

static void clone_and_clear(void **state)
{
	struct cap self;

	(void)state;
	make_world();
	for (unsigned slot = 0; slot < NODE_SLOTS; slot++) {
		struct cap c = random_cap();

		node_store(node[1], slot, &c);
	}
	p->caps[11] = node_cap(node[1], CAP_FETCH, 0);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_CLONE, .send = { 11 }), RC_OK);
	assert_memory_equal(node[0]->slot, node[1]->slot, sizeof node[0]->slot);
	self = node_cap(node[0], CAP_NODE, 0);
	node_store(node[0], 4, &self);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_TREE_CLONE, .w = { 0, 0, 4, 1, 1 }), RC_OK);
	for (unsigned slot = 0; slot < NODE_SLOTS; slot++)
		assert_true(cap_discreet(&node[0]->slot[slot]));
	p->caps[11] = node_cap(node[1], CAP_SEGMENT, 0);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_CLONE, .send = { 11 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_CLEAR), RC_OK);
	for (unsigned slot = 0; slot < NODE_SLOTS; slot++)
		assert_true(cap_is_void(&node[0]->slot[slot]));
	machine_stop();
}

static void pages_are_copied_where_both_have_one(void **state)
{
	struct frame *from[3], *to[3];

	(void)state;
	make_world();
	for (unsigned i = 0; i < 3; i++) {
		struct cap c;

		from[i] = frame_get(500 + i);
		to[i] = frame_get(510 + i);
		memset(frame_data(from[i]), 0x10 + i, PAGE_SIZE);
		memset(frame_data(to[i]), 0x20 + i, PAGE_SIZE);
		c = page_cap(from[i], DB_READONLY);
		if (i != 1)
			node_store(node[1], i, &c);
		c = page_cap(to[i], 0);
		node_store(node[0], i, &c);
	}
	p->caps[11] = node_cap(node[1], CAP_SENSE, DB_READONLY | DB_NOCALL);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_COPY_PAGES, .w = { 3 }, .send = { 11 }), RC_OK);
	assert_memory_equal(frame_data(to[0]), frame_data(from[0]), PAGE_SIZE);
	assert_int_equal(*(uint8_t *)frame_data(to[1]), 0x21);
	assert_memory_equal(frame_data(to[2]), frame_data(from[2]), PAGE_SIZE);
	assert_true(to[0]->flags & FRAME_DIRTY);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_COPY_PAGES, .w = { 4 }, .send = { 11 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_COPY_PAGES, .w = { 17 }, .send = { 11 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_COPY_PAGES, .w = { 0 }, .send = { 11 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = NODE_OC_COPY_PAGES, .w = { 1 }), RC_REQUEST);
	p->caps[12] = node_cap(node[1], CAP_NODE, 0);
	assert_int_equal(CALL(p, 12, .order = NODE_OC_COPY_PAGES, .w = { 1 }, .send = { 9 }), RC_REQUEST); /* read-only */
	assert_int_equal(CALL(p, 11, .order = NODE_OC_COPY_PAGES, .w = { 1 }, .send = { 9 }), RC_UNKNOWN);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_copied_where_both_have_one),
		cmocka_unit_test(fetch_and_swap),
		cmocka_unit_test(other_forms_of_the_same_node),
		cmocka_unit_test(trees_are_as_a_walk_by_hand),
		cmocka_unit_test(a_link_weakens_as_asked),
		cmocka_unit_test(clone_and_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
