/*
 * space_test.c - page tables agree with the memory tree, whatever is done to the tree.
 *
 * The property: after each of 100,000 random operations on nodes, slots, pages and spaces of
 * random trees (red nodes, windows, shared subtrees), every present leaf of every space agrees
 * with a walk (C201), every mark is there (C202) and writable leaves name dirty pages (C203).
 * Below it, each condition broken on purpose is reported under its own number.
 */
#include "machine_test.h"
#include <unistd.h>
#include "kernel/node.h"
#include "kernel/page.h"
#include "mem/space.h"

#define NODES 24
#define PAGES 20
#define PROCESSES 4
#define OPERATIONS 100000

static struct node *node[NODES];
static struct frame *page[PAGES];
static struct process *process[PROCESSES];

/* A format key: ssc 3..6, all or fewer slots initial, sometimes a background slot. */
static struct cap random_format(void)
{
	uint64_t background = machine_below(3) ? 15 : machine_below(15);
	uint64_t keeper = machine_below(3) ? 15 : machine_below(15);

	return cap_number(0x0FF00F00ull | background << 16 | keeper << 12 | (1 + machine_below(15)) << 4 | (3 + machine_below(4)), 0, 0);
}

/* A window, local or onto the background, at a small multiple of some span. */
static struct cap random_window(void)
{
	uint64_t target = machine_below(4) << (12 + 4 * machine_below(3));

	uint64_t which = machine_below(2) ? 1 : machine_below(16) << 4;

	return cap_number(target | which | (machine_below(4) ? 0 : 8) | 2, 0, 0);
}

/* Node i of a third stands mostly at its level: lss 3, 4 or 5. */
static unsigned level_of(unsigned i)
{
	return 3 + i * 3 / NODES;
}

static struct cap random_node_cap(unsigned level)
{
	static const uint8_t types[] = { CAP_NODE, CAP_NODE, CAP_NODE, CAP_SEGMENT, CAP_SENSE, CAP_FETCH };
	unsigned i = (level - 3) * NODES / 3 + machine_below(NODES / 3);
	uint16_t data = machine_below(6) ? level : 0;

	if (!machine_below(8))
		data |= DB_READONLY;
	if (!machine_below(8))
		data |= DB_NOEXEC;
	return node_cap(node[i], types[machine_below(sizeof types)], data);
}

/* What may stand in a node of this level: mostly what makes sense there. */
static struct cap random_cap(unsigned level)
{
	switch (machine_below(12)) {
	case 0:
		return cap_void();
	case 1:
		return random_window();
	case 2:
		return random_node_cap(3 + machine_below(3));
	case 3:
		level = 3;
	}
	if (level == 3)
		return page_cap(page[machine_below(PAGES)], machine_below(4) ? 0 : DB_READONLY);
	return random_node_cap(level - 1);
}

static struct frame *random_frame(void)
{
	return machine_below(2) ? page[machine_below(PAGES)] : node_pot(node[machine_below(NODES)]);
}

static void random_touch(void)
{
	struct process *p = process[machine_below(PROCESSES)];
	uint64_t va = machine_below(16) << 12;
	struct walk w;

	if (machine_below(3))
		va |= machine_below(16) << 16;
	if (machine_below(2))
		va |= machine_below(16) << 20;
	space_fill(p, va, machine_below(2), machine_below(2), &w);
}

static void random_store(unsigned i)
{
	struct cap c = random_cap(level_of(i));

	node_store(node[i], machine_below(12) ? machine_below(16) : 15, &c);
}

/* A node is emptied by many operations: it is filled again at once. */
static void fill_node(unsigned i)
{
	struct cap format = random_format();

	for (unsigned stores = 0; stores < 12; stores++)
		random_store(i);
	if (machine_below(2))
		node_store(node[i], 15, &format);
}

static void random_red(void)
{
	struct cap format = random_format();

	node_store(node[machine_below(NODES)], 15, &format);
}

static void random_root(void)
{
	process[machine_below(PROCESSES)]->slots[PSLOT_SPACE] = random_node_cap(3 + machine_below(3));
	for (unsigned i = 0; i < PROCESSES; i++)
		process[i]->space = SPACE_NONE;
}

/* The operations that a test process makes by invocation: clone, clear, link, swap. */
static void random_invocation(void)
{
	static const uint32_t orders[] = { NODE_OC_CLONE, NODE_OC_CLEAR, NODE_OC_TREE_LINK, NODE_OC_TREE_CLONE,
					   NODE_OC_TREE_CLEAR, NODE_OC_TREE_SWAP, NODE_OC_SWAP + 3 };
	struct process *p = process[0];

	p->caps[10] = node_cap(node[machine_below(NODES)], CAP_NODE, 4);
	p->caps[11] = random_cap(3 + machine_below(3));
	CALL(p, 10, .order = orders[machine_below(7)],
	     .w = { machine_below(256), machine_below(3), machine_below(16), machine_below(256), machine_below(3),
		    machine_below(2) ? DB_READONLY : machine_below(8) },
	     .send = { 11 });
}

/* A new epoch; some pages go on to be dirty in it, and what of their leaves was protected last is writable at once. */
static void random_demarcation(void)
{
	store_epoch++;
	if (machine_below(4))
		assert_true(space_protect_all());
	else
		space_flush_all();
	for (uint64_t pfn = 1; pfn < frame_count; pfn++) {
		struct frame *f = &frames[pfn];

		if (!(f->flags & FRAME_DIRTY) || f->epoch == store_epoch)
			continue;
		if (f->kind == FRAME_PAGE && !f->zero && machine_below(2) && arch_leaf_unprotect(f)) {
			f->epoch = f->ready_epoch = store_epoch;
		} else {
			f->flags &= ~FRAME_DIRTY;
			f->ready_epoch = 0;
		}
	}
}

static void random_operation(void)
{
	switch (machine_below(34)) {
	case 32:
		random_demarcation();
		break;
	case 0:
		random_red();
		break;
	case 1:
		random_root();
		break;
	case 2:
		if (!machine_below(16))
			frame_retype(random_frame(), machine_below(2) ? FRAME_PAGE : FRAME_POT);
		break;
	case 3:
		if (!machine_below(8))
			node_rescind(node[machine_below(NODES)]);
		break;
	case 4: case 5: case 6:
		random_invocation();
		break;
	case 7: case 8: case 9: case 10: case 11: case 12:
		random_store(machine_below(NODES));
		break;
	default:
		for (unsigned i = 0; i < 4; i++)
			random_touch();
	}
}

/* Frames that changed kind change back, and empty nodes are filled. */
static void restore(void)
{
	for (unsigned i = 0; i < NODES; i++)
		if (node_pot(node[i])->kind != FRAME_POT)
			frame_retype(node_pot(node[i]), FRAME_POT);
	for (unsigned i = 0; i < NODES; i++)
		if (node[i]->slot[0].type == CAP_VOID && node[i]->slot[1].type == CAP_VOID)
			fill_node(i);
	for (unsigned i = 0; i < PAGES; i++)
		if (page[i]->kind != FRAME_PAGE)
			frame_retype(page[i], FRAME_PAGE);
}

static void make_world(unsigned tables)
{
	machine_start(&(struct machine_config){ .frames = 64, .tables = tables });
	for (unsigned i = 0; i < PROCESSES; i++)
		process[i] = machine_process(3);
	for (unsigned i = 0; i < NODES; i++)
		node[i] = machine_node();
	for (unsigned i = 0; i < PAGES; i++)
		page[i] = machine_page();
	restore();
	for (unsigned i = 0; i < 20; i++)
		random_root();
}

static void leaves_agree_with_walks(unsigned tables, unsigned operations)
{
	make_world(tables);
	for (unsigned i = 0; i < operations; i++) {
		int broken;

		random_operation();
		restore();
		broken = space_check();
		if (broken)
			fail_msg("C%d after %u operations", broken, i + 1);
	}
	assert_int_equal(object_check(), 0);
	print_message("%lu translations made, %lu flushes\n", kernel_stats.fills, kernel_stats.space_flushes);
	assert_true(kernel_stats.fills > operations / 50);
	machine_stop();
}

static void every_leaf_agrees_with_a_walk_after_random_operations(void **state)
{
	(void)state;
	leaves_agree_with_walks(64, OPERATIONS);
}

static void every_leaf_agrees_with_a_walk_when_tables_are_short(void **state)
{
	(void)state;
	leaves_agree_with_walks(9, OPERATIONS / 4);
}

/* ---- what once went wrong ----------------------------------------------------------------- */

/* A tree of one lss-4 node over lss-3 nodes of pages; the process has used `va` of it. */
static struct process *small_world(uint64_t va)
{
	struct walk w;

	make_world(64);
	process[0]->slots[PSLOT_SPACE] = cap_void();
	machine_memory(process[0], 0, 4);
	assert_true(space_fill(process[0], va, true, false, &w));
	assert_int_equal(space_check(), 0);
	return process[0];
}

/* The format key of a red node governs all of it, not what slot 15 covers: it was not invalidated. */
static void a_changed_format_key_reaches_the_whole_red_node(void **state)
{
	struct process *p;
	struct node *red, *leaf;
	struct cap c;
	struct walk w;

	(void)state;
	make_world(64);
	p = process[0];
	red = machine_node();
	leaf = machine_node();
	c = page_cap(page[0], 0);
	node_store(leaf, 2, &c);
	c = node_cap(leaf, CAP_NODE, 3);
	node_store(red, 1, &c);
	c = cap_number(0x0FFFFFF4, 0, 0);
	node_store(red, 15, &c);
	p->slots[PSLOT_SPACE] = node_cap(red, CAP_NODE, 0);
	assert_true(space_fill(p, 0x12000, false, false, &w));
	c = cap_number(0x0FFFFF14, 0, 0);          /* one initial slot only */
	node_store(red, 15, &c);
	assert_int_equal(space_check(), 0);
	assert_false(space_fill(p, 0x12000, false, false, &w));
	assert_null(space_user_pointer(p, 0x12000, false));
	machine_stop();
}

/* A window of one page into another node does not bring in that node's other pages. */
static void a_window_of_one_page_brings_in_one_page(void **state)
{
	struct process *p;
	struct node *outer, *inner;
	struct cap c;
	struct walk w;

	(void)state;
	make_world(64);
	p = process[0];
	outer = machine_node();
	inner = machine_node();
	c = cap_number(0x2000 | 5 << 4 | 2, 0, 0);    /* page 2 of what is in slot 5 */
	node_store(outer, 2, &c);
	c = node_cap(inner, CAP_NODE, 3);
	node_store(outer, 5, &c);
	for (unsigned i = 0; i < 4; i++) {
		c = page_cap(page[i], 0);
		node_store(inner, i, &c);
	}
	p->slots[PSLOT_SPACE] = node_cap(outer, CAP_NODE, 3);
	assert_true(space_fill(p, 0x2000, false, false, &w));
	assert_ptr_equal(w.page, page[2]);
	assert_false(arch_leaf_present(*arch_leaf_find(space_of(p), 0x3000)));
	assert_int_equal(space_check(), 0);
	c = page_cap(page[7], 0);                     /* the window's target changes elsewhere than in its own slot */
	node_store(inner, 2, &c);
	assert_int_equal(space_check(), 0);
	c = cap_void();
	assert_true(space_fill(p, 0x2000, false, false, &w));
	node_store(outer, 5, &c);
	assert_int_equal(space_check(), 0);
	assert_null(space_user_pointer(p, 0x2000, false));
	machine_stop();
}

/* ---- every condition is told from the others ---------------------------------------------- */

#define VA 0x1000ull

static void report(void *context)
{
	(void)context;
	_exit(space_check());
}

static void a_leaf_to_another_page_is_c201(void **state)
{
	struct process *p = small_world(VA);
	uint64_t *leaf = arch_leaf_find(space_of(p), VA), was = *leaf;

	(void)state;
	*leaf = arch_leaf_make(frame_pfn(page[3]), true, true);
	assert_int_equal(machine_broken(report, NULL), 201);
	*leaf = was;
	assert_int_equal(machine_broken(report, NULL), 0);
	machine_stop();
}

static void a_leaf_with_more_rights_is_c201(void **state)
{
	struct process *p = small_world(VA);
	struct node *root = cap_node(&p->slots[PSLOT_SPACE]);
	struct walk w;

	(void)state;
	machine_map(root, 0x3000, page_cap(page[0], DB_READONLY));
	assert_true(space_fill(p, 0x3000, false, false, &w));
	*arch_leaf_find(space_of(p), 0x3000) = arch_leaf_make(frame_pfn(page[0]), true, true);
	assert_int_equal(machine_broken(report, NULL), 201);
	machine_stop();
}

static void a_missing_mark_of_a_node_is_c202(void **state)
{
	struct process *p = small_world(VA);
	struct walk w;

	(void)state;
	space_walk(p, VA, NULL, &w);
	w.leaf_node->dep_flags = 0;
	assert_int_equal(machine_broken(report, NULL), 202);
	w.leaf_node->dep_flags = NODE_MAPPED | NODE_MULTI;
	assert_int_equal(machine_broken(report, NULL), 0);
	machine_stop();
}

static void a_missing_mark_of_a_page_is_c202(void **state)
{
	struct process *p = small_world(VA);
	struct walk w;

	(void)state;
	space_walk(p, VA, NULL, &w);
	w.page->flags &= ~FRAME_MAPPED;
	assert_int_equal(machine_broken(report, NULL), 202);
	machine_stop();
}

static void a_writable_leaf_of_a_clean_page_is_c203(void **state)
{
	struct process *p = small_world(VA);
	struct walk w;

	(void)state;
	space_walk(p, VA, NULL, &w);
	w.page->flags &= ~FRAME_DIRTY;
	assert_int_equal(machine_broken(report, NULL), 203);
	w.page->flags |= FRAME_DIRTY;
	w.page->zero = true;
	assert_int_equal(machine_broken(report, NULL), 203);
	machine_stop();
}

static void a_table_that_is_no_table_frame_is_c207(void **state)
{
	struct process *p = small_world(VA);

	(void)state;
	frames[space_of(p)->tables].kind = FRAME_PAGE;
	assert_int_equal(machine_broken(report, NULL), 207);
	frames[space_of(p)->tables].kind = FRAME_TABLE;
	machine_stop();
}

static void a_wrong_remembered_leaf_is_c208(void **state)
{
	struct process *p = small_world(VA);
	struct walk w;

	(void)state;
	space_of(p)->leaf_node = NULL;
	assert_true(space_fill(p, VA, false, false, &w));
	assert_ptr_equal(space_of(p)->leaf_node, w.leaf_node);
	space_of(p)->leaf_va ^= 1;
	assert_int_equal(machine_broken(report, NULL), 208);
	space_of(p)->leaf_va ^= 1;
	assert_int_equal(machine_broken(report, NULL), 0);
	machine_stop();
}

static void too_few_tables(void *context)
{
	(void)context;
	make_world(2);
	machine_memory(process[0], 0, 1);
	machine_user(process[0], 0);
}

static void too_few_tables_is_c206(void **state)
{
	(void)state;
	assert_int_equal(machine_broken(too_few_tables, NULL), 206);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_leaf_agrees_with_a_walk_after_random_operations),
		cmocka_unit_test(every_leaf_agrees_with_a_walk_when_tables_are_short),
		cmocka_unit_test(a_changed_format_key_reaches_the_whole_red_node),
		cmocka_unit_test(a_window_of_one_page_brings_in_one_page),
		cmocka_unit_test(a_leaf_to_another_page_is_c201),
		cmocka_unit_test(a_leaf_with_more_rights_is_c201),
		cmocka_unit_test(a_missing_mark_of_a_node_is_c202),
		cmocka_unit_test(a_missing_mark_of_a_page_is_c202),
		cmocka_unit_test(a_writable_leaf_of_a_clean_page_is_c203),
		cmocka_unit_test(a_table_that_is_no_table_frame_is_c207),
		cmocka_unit_test(a_wrong_remembered_leaf_is_c208),
		cmocka_unit_test(too_few_tables_is_c206),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
