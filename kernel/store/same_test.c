/*
 * same_test.c - a page that is as it was saved is not written again; one that differs in a byte, or in a count, is.
 */
#include "world_test.h"

static struct world *w;
static struct core *page;

/* The object that is not `moving`, and stays dirty in no epoch by itself (world_test.h). */
#define NUMBER 1

static void dirty(void)
{
	while (!core_dirty(w, page))
		world_step(w);
}

/* One generation with the page in it: how many objects were found the same. */
static uint64_t saved(void)
{
	uint64_t before = w->store->status.same;
	uint32_t epoch = w->store->epoch;

	dirty();
	store_checkpoint(w->store);
	while (w->committed < epoch)
		world_step(w);
	return w->store->status.same - before;
}

static void begin(void)
{
	seed0 = 54;
	w = world_new(DEPTH);
	world_format(w);
	world_restart(w);
	while (!(page = core_take(w, NUMBER)))
		world_step(w);
	dirty();
	w->now.object[NUMBER] = (struct object){ .alloc_count = 1, .call_count = 1, .seed = 77, .kind = 1 };
	content_fill(page->data, 77);
	assert_int_equal(saved(), 0);          /* it is new */
	assert_int_equal(saved(), 0);          /* it came back the same: from here on there is a copy */
	assert_int_equal(saved(), 1);
}

static void end(void)
{
	world_restart(w);
	world_read(w);
	assert_true(object_same(&w->now.object[NUMBER], &w->check.object[NUMBER]));
	assert_int_equal(w->fetched_bad, 0);
	world_free(w);
}

static void the_same_is_not_written(void **state)
{
	uint32_t lid;

	(void)state;
	begin();
	lid = version_newest(w->store, oid_of(NUMBER), ~0u)->lid;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(saved(), 1);
	assert_int_equal(version_newest(w->store, oid_of(NUMBER), ~0u)->lid, lid);
	end();
}

static void one_byte_is_a_change(void **state)
{
	(void)state;
	begin();
	dirty();
	w->now.object[NUMBER].seed = 79;
	content_fill(page->data, 79);
	assert_int_equal(saved(), 0);
	assert_int_equal(saved(), 0);
	assert_int_equal(saved(), 1);
	dirty();
	page->data[4095] ^= 1;
	assert_int_equal(saved(), 0);
	page->data[4095] ^= 1;
	assert_int_equal(saved(), 0);          /* as in the copy, but that is not what was saved last */
	end();
}

static void a_count_is_a_change(void **state)
{
	(void)state;
	begin();
	dirty();
	w->now.object[NUMBER].call_count++;
	assert_int_equal(saved(), 0);
	dirty();
	w->now.object[NUMBER].alloc_count++;
	assert_int_equal(saved(), 0);
	end();
}

/* A life begins without copies. */
static void a_restart_forgets(void **state)
{
	(void)state;
	begin();
	world_restart(w);
	while (w->store->mend)
		world_step(w);
	while (!(page = core_take(w, NUMBER)) || page->state != CORE_HELD)
		world_step(w);
	assert_int_equal(saved(), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_not_written),
		cmocka_unit_test(one_byte_is_a_change),
		cmocka_unit_test(a_count_is_a_change),
		cmocka_unit_test(a_restart_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
