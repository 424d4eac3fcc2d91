/*
 * cuts_test.c - power is cut after every write, and what restarts is compared with a model (world_test.h).
 *
 * At a cut, a second store restarts from what the disk would hold, and every object is fetched from it:
 *   P1  all of it is the copy of one demarcation, not older than the newest commit that was reported
 *   P2  the same when power is cut again during restart and migration, and in the lives that follow (nested)
 *   P4  counts are those of that copy: nothing rescinded before it comes back
 *   P9  over it, journal records that were answered and whose pages still have their counts; one that was on its
 *       way may hold or not, as a whole
 * CUTS=n and SEED=n in the environment: how many, and which.  `make cuts N=...` sets them.
 */
#include "world_test.h"

static void test_cuts(void **state)
{
	uint64_t cuts = from_environment("CUTS", 9000);
	struct world *w;

	(void)state;
	for (seed0 = from_environment("SEED", 1); cuts_linear + cuts_any + cuts_nested < cuts; seed0++) {
		w = world_new(0);
		world_format(w);
		world_restart(w);
		for (unsigned i = 0; i < 16 && cuts_linear + cuts_any + cuts_nested < cuts; i++)
			world_load(w, 400);
		world_free(w);
	}
	printf("%llu cuts, 0 lost (%llu after every write, %llu torn and reordered, %llu nested; %llu checkpoints, "
	       "%llu pages replayed, %llu copied on write, %llu throttled; seeds %llu..%llu)\n",
	       (unsigned long long)(cuts_linear + cuts_any + cuts_nested), (unsigned long long)cuts_linear,
	       (unsigned long long)cuts_any, (unsigned long long)cuts_nested, (unsigned long long)checkpoints,
	       (unsigned long long)replays, (unsigned long long)copies, (unsigned long long)throttled,
	       (unsigned long long)from_environment("SEED", 1), (unsigned long long)(seed0 - 1));
}

/* Each read, then each write or flush, fails once in a life: it is tried again, and nothing is lost. */
static void test_fail_once(void **state)
{
	uint64_t retried = 0;

	(void)state;
	seed0 = 77;
	for (uint64_t n = 1; n <= 240; n += 3) {
		struct world *w = world_new(DEPTH);
		uint32_t before;

		world_format(w);
		w->sim.fail_read = n % 2 ? n : 0;
		w->sim.fail_write = n % 2 ? 0 : n;
		world_restart(w);
		world_load(w, 500);
		store_migration(w->store, true);
		before = w->store->epoch;
		for (unsigned i = 0; i < 5000 && w->committed < before; i++) {
			store_checkpoint(w->store);
			world_step(w);
		}
		while (w->store->phase != STORE_IDLE || w->sim.queued)
			world_step(w);
		assert_true(w->store->status.retried <= 1);
		retried += w->store->status.retried;
		assert_int_equal(store_check(w->store, true), 0);
		world_restart(w);
		assert_true(store_ready(w->store));
		world_read(w);
		assert_int_equal(w->fetched_bad, 0);
		assert_true(image_same(&w->now, &w->check));
		world_free(w);
	}
	assert_in_range(retried, 20, 80);
}

/* A state that breaks a condition is never demarcated, and the number is reported. */
static void test_condition_refused(void **state)
{
	struct world *w = world_new(DEPTH);
	struct store_status status;

	(void)state;
	world_format(w);
	world_restart(w);
	world_load(w, 50);
	while (w->store->phase != STORE_IDLE)
		world_step(w);
	w->break_check = 105;
	store_checkpoint(w->store);
	world_step(w);
	store_get_status(w->store, &status);
	assert_int_equal(status.condition, 105);
	assert_int_equal(status.phase, STORE_IDLE);
	w->break_check = 0;
	w->store->reserved_new++;
	store_checkpoint(w->store);
	world_step(w);
	store_get_status(w->store, &status);
	assert_int_equal(status.condition, C317_RESERVED);
	assert_int_equal(status.refused, 2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_fail_once),
		cmocka_unit_test(test_condition_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
