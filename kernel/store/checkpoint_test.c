/*
 * checkpoint_test.c - how a small checkpoint reaches the disk: in one write-through if all of it is of late generations, with
 * one flush else; and who may go on meanwhile.  That nothing is lost by it is proved by cuts_test.c.
 */
#include "world_test.h"

static struct world *w;

static struct core *take(uint64_t number)
{
	struct core *c;

	while (!(c = core_take(w, number)) || !core_dirty(w, c))
		world_step(w);
	return c;
}

static void change(uint64_t number)
{
	struct core *c = take(number);

	w->now.object[number] = (struct object){ .alloc_count = 1, .seed = disksim_random(&w->sim) | 1, .kind = 1 };
	content_fill(c->data, w->now.object[number].seed);
}

static void commit(void)
{
	uint32_t epoch = w->store->epoch;

	store_checkpoint(w->store);
	while (w->committed < epoch)
		world_step(w);
}

/* One generation of the first `count` objects: how many flushes it took. */
static uint64_t flushes(unsigned count)
{
	uint64_t before = w->sim.flushes;

	for (unsigned i = 0; i < count; i++)
		change(i);
	commit();
	return w->sim.flushes - before;
}

static void begin(uint64_t seed)
{
	seed0 = seed;
	w = world_new(DEPTH);
	world_format(w);
	world_restart(w);
	store_migration(w->store, false);
	while (w->store->mend)
		world_step(w);
}

static void end(void)
{
	world_restart(w);
	world_read(w);
	assert_true(image_same(&w->now, &w->check));
	world_free(w);
}

static void what_changes_each_time_needs_no_flush(void **state)
{
	(void)state;
	begin(50);
	assert_int_equal(flushes(4), 1);       /* new */
	for (unsigned i = 0; i < 20; i++) {
		uint8_t before = w->store->header_at;

		assert_int_equal(flushes(4), 0);
		assert_true(w->store->header_at >= 2 && w->store->header_at != before);
	}
	assert_true(w->store->status.through == 20);
	end();
}

static void what_is_new_does(void **state)
{
	uint64_t cold;

	(void)state;
	begin(50);
	for (unsigned i = 0; i < 5; i++)
		flushes(4);
	assert_int_equal(flushes(5), 1);
	/* It does not lie among the seats. */
	cold = version_newest(w->store, oid_of(4), ~0u)->lid;
	assert_true(cold >= w->super.log_first + seats_end(&w->super));
	assert_int_equal(flushes(5), 0);
	end();
}

static void a_disk_that_cannot_gets_a_flush(void **state)
{
	(void)state;
	begin(55);                             /* 55 % 7 == 6: see world_plan */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(flushes(4), 1);
	assert_int_equal(w->sim.throughs, 0);
	end();
}

static void an_image_without_seats_gets_a_flush(void **state)
{
	(void)state;
	begin(53);                             /* 53 % 5 == 3: of format 3 */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(flushes(4), 1);
	assert_int_equal(w->sim.throughs, 0);
	end();
}

/* It is saved from a copy: who changes it again does not wait for the disk. */
static void a_page_that_is_being_saved_can_be_changed(void **state)
{
	struct core *c;
	struct object saved;

	(void)state;
	begin(50);
	flushes(4);
	change(1);
	saved = w->now.object[1];
	store_checkpoint(w->store);
	while (w->store->phase != STORE_HEADER)
		store_step(w->store);
	assert_true(w->sim.queued > 0);
	c = core_find(w, 1);
	assert_true(core_dirty(w, c));
	w->now.object[1].seed = 99;
	content_fill(c->data, 99);
	while (w->committed < w->store->epoch - 1)
		world_step(w);
	w->now.object[1] = saved;
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changes_each_time_needs_no_flush),
		cmocka_unit_test(what_is_new_does),
		cmocka_unit_test(a_disk_that_cannot_gets_a_flush),
		cmocka_unit_test(an_image_without_seats_gets_a_flush),
		cmocka_unit_test(a_page_that_is_being_saved_can_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
