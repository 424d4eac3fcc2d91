/*
 * page_test.c - clone, clear, test and write of pages, and who may.
 */
#include "machine_test.h"
#include <string.h>
#include "kernel/page.h"
#include "mem/space.h"

#define BUFFER 0x40000ull

static struct process *p;
static struct frame *page, *source;

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 16 });
	p = machine_process(3);
	machine_memory(p, BUFFER, 2);
	page = machine_page();
	source = machine_page();
	p->caps[9] = page_cap(page, 0);
	p->caps[10] = page_cap(source, DB_READONLY);
	memset(frame_data(source), 0x5A, PAGE_SIZE);
}

static void clone_clear_and_test(void **state)
{
	(void)state;
	make_world();
	CALL(p, 9, .order = PAGE_OC_TEST_ZERO);
	assert_int_equal(p->regs.rdi, 0);
	assert_int_equal(CALL(p, 9, .order = PAGE_OC_CLONE, .send = { 10 }), RC_OK);
	assert_memory_equal(frame_data(page), frame_data(source), PAGE_SIZE);
	assert_true(page->flags & FRAME_DIRTY);
	CALL(p, 9, .order = PAGE_OC_TEST_ZERO);
	assert_int_equal(p->regs.rdi, 1);
	assert_int_equal(CALL(p, 9, .order = PAGE_OC_CLEAR), RC_OK);
	CALL(p, 9, .order = PAGE_OC_TEST_ZERO);
	assert_int_equal(p->regs.rdi, 0);
	assert_int_equal(CALL(p, 9, .order = PAGE_OC_CLONE), RC_REQUEST);
	machine_stop();
}

static void bytes_are_written_where_the_order_says(void **state)
{
	(void)state;
	make_world();
	memset(machine_user(p, BUFFER), 0x33, PAGE_SIZE);
	memset(machine_user(p, BUFFER + PAGE_SIZE), 0x33, PAGE_SIZE);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t offset = machine_below(PAGE_SIZE);
		uint64_t length = machine_below(PAGE_SIZE + 1);
		bool fits = offset + length <= PAGE_SIZE;
		uint8_t *bytes = frame_data(page);

		memset(bytes, 0, PAGE_SIZE);
		assert_int_equal(CALL(p, 9, .order = PAGE_OC_WRITE + offset, .string = BUFFER + machine_below(4096), .length = length),
				 fits ? RC_OK : RC_REQUEST);
		for (unsigned j = 0; j < PAGE_SIZE; j++)
			assert_int_equal(bytes[j], fits && j >= offset && j < offset + length ? 0x33 : 0);
	}
	machine_stop();
}

static void read_only_is_read_only(void **state)
{
	(void)state;
	make_world();
	assert_int_equal(CALL(p, 9, .order = PAGE_OC_MAKE_READONLY, .receive = { 11 }), RC_OK);
	assert_int_equal(CALL(p, 11, .order = PAGE_OC_CLEAR), RC_NOACCESS);
	assert_int_equal(CALL(p, 11, .order = PAGE_OC_CLONE, .send = { 10 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 11, .order = PAGE_OC_WRITE, .string = BUFFER, .length = 8), RC_NOACCESS);
	assert_int_equal(CALL(p, 11, .order = PAGE_OC_TEST_ZERO), RC_OK);
	CALL(p, 11, .order = KT);
	assert_int_equal(p->regs.rdi, 0x1202);
	CALL(p, 9, .order = KT);
	assert_int_equal(p->regs.rdi, 0x0202);
	assert_int_equal(CALL(p, 9, .order = 3), RC_UNKNOWN);
	assert_int_equal(CALL(p, 9, .order = PAGE_OC_JOURNAL), RC_NOACCESS);           /* there is no store */
	assert_int_equal(CALL(p, 11, .order = PAGE_OC_JOURNAL), RC_NOACCESS);
	machine_stop();
}

/* As one who gets the page anew: it is zero, and marked so, whatever was done to it and however that was let. */
static void got_anew(struct frame *f)
{
	frame_retype(f, FRAME_PAGE);
	assert_true(f->zero);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(((uint8_t *)frame_data(f))[i], 0);
	assert_int_equal(object_check(), 0);
	assert_int_equal(space_check(), 0);
}

/* Through its address, with a translation that is there already: nobody is asked. */
static void store_by_user(struct process *by, uint64_t va)
{
	uint64_t *entry = arch_leaf_find(space_of(by), va);

	assert_true(arch_leaf_present(*entry) && arch_leaf_writable(*entry));
	*(uint8_t *)arch_frame_pointer(arch_leaf_pfn(*entry)) = 1;
}

static void whoever_may_write_a_page_takes_its_zero_mark(void **state)
{
	struct node *leaf;
	struct cap c;
	struct walk w;

	(void)state;
	make_world();
	memset(machine_user(p, BUFFER), 0x33, PAGE_SIZE);
	got_anew(page);
	p->caps[9] = page_cap(page, 0);
	CALL(p, 9, .order = PAGE_OC_CLONE, .send = { 10 });
	got_anew(page);
	p->caps[9] = page_cap(page, 0);
	CALL(p, 9, .order = PAGE_OC_WRITE + 4095, .string = BUFFER, .length = 1);
	got_anew(page);

	/* By a fault of its own: to read while it is clean for the store, then to write. */
	leaf = machine_node();
	p->slots[PSLOT_SPACE] = node_cap(leaf, CAP_NODE, 3);
	p->space = SPACE_NONE;
	c = page_cap(page, 0);
	node_store(leaf, 3, &c);
	page->ready_epoch = 0;
	assert_true(space_fill(p, 0x3000, false, false, &w));
	assert_false(arch_leaf_writable(*arch_leaf_find(space_of(p), 0x3000)));
	assert_true(page->zero);
	assert_true(space_fill(p, 0x3000, true, false, &w));
	store_by_user(p, 0x3000);
	got_anew(page);

	/* By a fault on its neighbour. */
	c = page_cap(page, 0);
	node_store(leaf, 3, &c);
	c = page_cap(source, 0);
	node_store(leaf, 4, &c);
	assert_true(space_fill(p, 0x4000, true, false, &w));
	store_by_user(p, 0x3000);
	got_anew(page);

	/* By a store into the leaf at hand. */
	c = page_cap(page, 0);
	node_store(leaf, 3, &c);
	store_by_user(p, 0x3000);
	got_anew(page);

	/* A read-only translation lets the mark be. */
	c = page_cap(page, DB_READONLY);
	node_store(leaf, 3, &c);
	assert_true(space_fill(p, 0x3000, false, false, &w));
	assert_true(page->zero);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clone_clear_and_test),
		cmocka_unit_test(bytes_are_written_where_the_order_says),
		cmocka_unit_test(read_only_is_read_only),
		cmocka_unit_test(whoever_may_write_a_page_takes_its_zero_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
