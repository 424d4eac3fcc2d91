/*
 * migrate_test.c - when homes are brought up to date: not while somebody asks for one generation after the other, but not
 * put off for ever either.  What migration does is proved by cuts_test.c.
 */
#include "world_test.h"

#define EACH 12                        /* few enough that there is room in core, also with those that stay dirty */

/* Makes the objects from that one on dirty and saves them: one generation. */
static void generation(struct world *w, uint64_t first)
{
	uint32_t epoch = w->store->epoch;

	for (unsigned i = 0; i < CORE; i++)
		if (w->core[i].state == CORE_HELD && !w->core[i].dirty)
			w->core[i].state = CORE_FREE;
	for (unsigned i = 0; i < EACH; i++) {
		struct core *c;

		while (!(c = core_take(w, first + i)) || !core_dirty(w, c))
			world_step(w);
		w->now.object[first + i] = (struct object){ .alloc_count = 1, .seed = epoch, .kind = 1 };
		content_fill(c->data, epoch);
	}
	store_checkpoint(w->store);
	while (w->committed < epoch)
		world_step(w);
	for (unsigned i = 0; i < 300; i++)
		world_step(w);
}

/* So many versions are in the log that they shall go home; nothing has yet. */
static struct world *begin(void)
{
	struct world *w;

	seed0 = 56;                            /* the largest log */
	w = world_new(DEPTH);
	world_format(w);
	world_restart(w);
	store_hurry(w->store, true);
	generation(w, 0);
	generation(w, EACH);
	assert_true(w->store->version_live * 8 > VERSIONS);
	assert_int_equal(w->store->status.migrated, 0);
	return w;
}

static bool went_home(struct world *w)
{
	return w->store->status.migrated || w->store->version_live * 8 <= VERSIONS;
}

static void homes_wait_for_who_is_in_a_hurry(void **state)
{
	struct world *w = begin();

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		generation(w, 0);
		assert_false(went_home(w));
	}
	store_hurry(w->store, false);
	for (unsigned i = 0; i < 1000; i++)
		world_step(w);
	assert_true(went_home(w));
	world_free(w);
}

static void homes_do_not_wait_for_ever(void **state)
{
	struct world *w = begin();
	unsigned waited = 0;

	(void)state;
	while (!went_home(w) && waited < 100) {
		generation(w, 0);
		waited++;
	}
	assert_in_range(waited, 20, 60);
	world_free(w);
}

/* Whoever waits for room in the log waits for homes. */
static void homes_do_not_wait_when_room_is_short(void **state)
{
	struct world *w = begin();

	(void)state;
	w->store->starved = true;
	for (unsigned i = 0; i < 1000; i++)
		world_step(w);
	assert_true(went_home(w));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(homes_wait_for_who_is_in_a_hurry),
		cmocka_unit_test(homes_do_not_wait_for_ever),
		cmocka_unit_test(homes_do_not_wait_when_room_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
