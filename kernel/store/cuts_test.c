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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
