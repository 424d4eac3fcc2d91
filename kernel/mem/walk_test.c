/*
 * walk_test.c - memory trees: spans, rights, red nodes, windows, backgrounds, and the error of each
 * way that a walk can fail (keykos.md 1.6).
 */
#include "machine_test.h"
#include "mem/space.h"

static struct process *p;
static struct node *top, *low, *red;
static struct frame *page;

static void make_world(void)
{
	struct cap c;

	machine_start(&(struct machine_config){ .frames = 16 });
	p = machine_process(1);
	top = machine_node();
	low = machine_node();
	red = machine_node();
	page = machine_page();
	c = page_cap(page, 0);
	node_store(low, 5, &c);
	c = node_cap(low, CAP_NODE, 3);
	node_store(top, 2, &c);
	p->slots[PSLOT_SPACE] = node_cap(top, CAP_NODE, 4);
}

static void store(struct node *n, unsigned slot, struct cap c)
{
	node_store(n, slot, &c);
}

static struct walk walk(uint64_t va)
{
	struct walk w;

	space_walk(p, va, NULL, &w);
	return w;
}

static struct cap format(unsigned background, unsigned keeper, unsigned initial, unsigned ssc)
{
	return cap_number(0x0FF00F00 | background << 16 | keeper << 12 | initial << 4 | ssc, 0, 0);
}

/* A window of KeyKOS: offset, slot, and bits; bit 1 says it is one. */
static struct cap window(uint64_t offset, unsigned slot, unsigned bits)
{
	return cap_number(offset | slot << 4 | 2 | bits, 0, 0);
}

static void a_tree_leads_to_its_page(void **state)
{
	(void)state;
	make_world();
	assert_ptr_equal(walk(0x25000).page, page);
	assert_ptr_equal(walk(0x25FFF).page, page);
	assert_true(walk(0x25000).writable && walk(0x25000).executable);
	assert_ptr_equal(walk(0x25000).leaf_node, low);
	assert_null(walk(0x26000).page);
	assert_int_equal(walk(0x26000).code, 5);
	assert_int_equal(walk(0x100000).code, 3);      /* beyond the root's span */
	machine_stop();
}

static void levels_may_be_skipped_and_of_a_taller_child_its_beginning_is_seen(void **state)
{
	(void)state;
	make_world();
	p->slots[PSLOT_SPACE] = node_cap(top, CAP_NODE, 9);
	assert_ptr_equal(walk(0x2000005000).page, page);
	assert_int_equal(walk(0x2000015000).code, 3);  /* what is left must fit the child */
	/* A child as tall as its parent: one page is seen of it, and its other slots are nobody's neighbours. */
	p->slots[PSLOT_SPACE] = node_cap(top, CAP_NODE, 3);
	assert_int_equal(walk(0x2000).code, 5);
	store(low, 0, page_cap(page, 0));
	assert_ptr_equal(walk(0x2000).page, page);
	assert_null(walk(0x2000).leaf_node);
	assert_int_equal(walk(0x3000).code, 5);
	/* A loop is too deep. */
	store(low, 0, node_cap(low, CAP_NODE, 3));
	assert_int_equal(walk(0x2000).code, 6);
	store(low, 0, cap_void());
	p->slots[PSLOT_SPACE] = node_cap(top, CAP_NODE, 2);
	assert_int_equal(walk(0x0).code, 9);
	p->slots[PSLOT_SPACE] = page_cap(page, 0);
	assert_ptr_equal(walk(0x10).page, page);
	assert_int_equal(walk(0x1000).code, 3);
	machine_stop();
}

static void rights_accumulate_downwards(void **state)
{
	static const struct { uint16_t above, below; bool writable, executable; } cases[] = {
		{ 0, 0, true, true }, { DB_READONLY, 0, false, true }, { 0, DB_READONLY, false, true },
		{ DB_NOEXEC, 0, true, false }, { 0, DB_NOEXEC, true, false }, { DB_NOEXEC, DB_READONLY, false, false },
	};

	(void)state;
	make_world();
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		p->slots[PSLOT_SPACE] = node_cap(top, CAP_NODE, 4 | cases[i].above);
		store(top, 2, node_cap(low, CAP_NODE, 3 | cases[i].below));
		assert_int_equal(walk(0x25000).writable, cases[i].writable);
		assert_int_equal(walk(0x25000).executable, cases[i].executable);
		assert_int_equal(walk(0x25000).leaf_writable, cases[i].writable);
	}
	store(top, 2, node_cap(low, CAP_SENSE, 3));
	p->slots[PSLOT_SPACE] = node_cap(top, CAP_SEGMENT, 4);
	assert_false(walk(0x25000).writable);
	machine_stop();
}

static void a_red_node_names_span_keeper_and_background(void **state)
{
	struct process *keeper;

	(void)state;
	make_world();
	keeper = machine_process(1);
	store(red, 0, node_cap(low, CAP_NODE, 3));
	store(red, 14, process_cap(keeper, CAP_START, 3));
	store(red, 15, format(15, 14, 2, 4));
	store(top, 1, node_cap(red, CAP_SEGMENT, 0));
	p->slots[PSLOT_SPACE] = node_cap(top, CAP_NODE, 5);
	assert_ptr_equal(walk(0x105000).page, page);
	assert_int_equal(walk(0x106000).code, 5);
	assert_ptr_equal(cap_process(&(struct cap){ .type = CAP_START, .count = walk(0x106000).keeper.count,
						    .ref = walk(0x106000).keeper.ref }), keeper);
	assert_ptr_equal(cap_node(&(struct cap){ .type = CAP_NODE, .count = walk(0x106000).kept_node.count,
						 .ref = walk(0x106000).kept_node.ref }), red);
	assert_int_equal(walk(0x106000).keeper_offset, 0x6000);
	assert_int_equal(walk(0x120000).code, 3);      /* slot 2 is no initial slot */
	/* With no-call on the way the keeper is not reached. */
	store(top, 1, node_cap(red, CAP_SEGMENT, DB_NOCALL));
	assert_int_equal(walk(0x106000).kept_node.type, CAP_VOID);
	store(red, 15, cap_number(0x0FF00E24, 0, 0));
	assert_int_equal(walk(0x105000).code, 8);
	store(red, 15, format(15, 15, 2, 2));
	assert_int_equal(walk(0x105000).code, 9);
	store(red, 15, cap_void());
	assert_int_equal(walk(0x105000).code, 7);
	store(top, 1, node_cap(red, CAP_FETCH, 0));
	assert_int_equal(walk(0x105000).code, 2);
	machine_stop();
}

static void windows_look_elsewhere(void **state)
{
	(void)state;
	make_world();
	/* A local window: slot 7 shows what is in slot 2, from its start. */
	store(top, 7, window(0, 2, 0));
	assert_ptr_equal(walk(0x75000).page, page);
	store(top, 7, window(0, 2, 8));
	assert_false(walk(0x75000).writable);
	store(top, 7, window(0x10000, 2, 0));
	assert_int_equal(walk(0x75000).code, 3);
	store(top, 7, window(0, 7, 0));
	assert_int_equal(walk(0x75000).code, 5);       /* a window onto a window: a number that is no memory */
	store(top, 7, cap_number(2 | 1 | 0x20, 0, 0));
	assert_int_equal(walk(0x75000).code, 10);      /* one onto the background that names a slot */
	store(top, 7, cap_number(1ull << 48 | 0x102, 0, 0));
	assert_int_equal(walk(0x75000).code, 14);
	store(top, 7, window(0x1000, 2, 0));
	assert_int_equal(walk(0x75000).code, 10);      /* an offset that is no multiple of the span */
	store(top, 7, cap_number(1ull << 48 | 2, 0, 0));
	assert_int_equal(walk(0x75000).code, 14);
	store(top, 7, cap_number(0x20, 0, 0));
	assert_int_equal(walk(0x75000).code, 5);       /* a number that is no window */
	store(top, 7, window(0, 0, 1));
	assert_int_equal(walk(0x75000).code, 13);      /* there is no background */
	store(red, 14, node_cap(top, CAP_NODE, 4 | DB_READONLY));
	store(red, 0, window(0x20000, 0, 1));
	store(red, 15, format(14, 15, 2, 4));
	p->slots[PSLOT_SPACE] = node_cap(red, CAP_SEGMENT, 0);
	assert_ptr_equal(walk(0x5000).page, page);
	assert_false(walk(0x5000).writable);
	machine_stop();
}

static void a_tree_without_end_is_too_deep(void **state)
{
	(void)state;
	make_world();
	store(top, 0, window(0, 1, 0));
	store(top, 1, node_cap(top, CAP_NODE, 4));
	assert_int_equal(walk(0).code, 6);
	machine_stop();
}

static void a_rescinded_part_is_void(void **state)
{
	(void)state;
	make_world();
	page_rescind(page);
	assert_int_equal(walk(0x25000).code, 5);
	node_rescind(low);
	assert_int_equal(walk(0x25000).code, 5);
	store(top, 2, process_cap(p, CAP_START, 0));
	assert_int_equal(walk(0x25000).code, 2);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_leads_to_its_page),
		cmocka_unit_test(levels_may_be_skipped_and_of_a_taller_child_its_beginning_is_seen),
		cmocka_unit_test(rights_accumulate_downwards),
		cmocka_unit_test(a_red_node_names_span_keeper_and_background),
		cmocka_unit_test(windows_look_elsewhere),
		cmocka_unit_test(a_tree_without_end_is_too_deep),
		cmocka_unit_test(a_rescinded_part_is_void),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
