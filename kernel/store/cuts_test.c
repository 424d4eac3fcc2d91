/*
 * cuts_test.c - power is cut after every write, and what restarts is compared with a model (world_test.h).
 *
 * At a cut, a second store restarts from what the disk would hold, and every object is fetched from it:
 *   P1  all of it is the copy of one demarcation, not older than the newest commit that was reported
 *   P2  the same when power is cut again during restart and migration, and in the lives that follow (nested)
 *   P4  counts are those of that copy: nothing rescinded before it comes back
 *   P9  over it, journal records that were answered and whose pages still have their counts; one that was on its
 *       way may hold or not, as a whole
 * Every eighth image also goes through store_verify, which must find it sound and count the same objects.
 * LINEAR, TORN, NESTED, TWICE and KILLED in the environment say how many cuts of each kind, SEED which: `make cuts` sets them.
 */
#include "world_test.h"

static void campaign_run(enum campaign which, const char *name, const char *variable, uint64_t otherwise)
{
	uint64_t wanted = from_environment(variable, otherwise), first = from_environment("SEED", 1);

	campaign = which;
	cuts_made = images_checked = checkpoints = quick = through = same = replays = copies = throttled = 0;
	for (seed0 = first; cuts_made < wanted; seed0++) {
		struct world *w = world_new(0);
		uint64_t end = cuts_made + wanted / (2 * PROFILES) + 1;

		world_format(w);
		world_restart(w);
		for (unsigned i = 0; i < 8 && cuts_made < wanted && cuts_made < end; i++)
			world_load(w, 400);
		world_free(w);
	}
	campaign = CUTS_NONE;
	printf("%llu cuts, 0 lost: %s (%llu images also checked offline, %llu checkpoints, "
	       "of which %llu in one flush and %llu of these written through, %llu objects found the same, %llu pages replayed, "
	       "%llu copied on write, %llu throttled; seeds %llu..%llu)\n", (unsigned long long)cuts_made, name,
	       (unsigned long long)images_checked, (unsigned long long)checkpoints, (unsigned long long)quick,
	       (unsigned long long)through, (unsigned long long)same, (unsigned long long)replays,
	       (unsigned long long)copies, (unsigned long long)throttled, (unsigned long long)first,
	       (unsigned long long)(seed0 - 1));
}

static void after_every_write(void **state)
{
	(void)state;
	campaign_run(CUTS_LINEAR, "after every write", "LINEAR", 5000);
}

static void torn_and_reordered(void **state)
{
	(void)state;
	campaign_run(CUTS_TORN, "torn and reordered between two flushes", "TORN", 4000);
}

static void nested(void **state)
{
	(void)state;
	campaign_run(CUTS_NESTED, "nested to depth 3, during restart and migration", "NESTED", 2000);
}

static void killed_and_cut(void **state)
{
	(void)state;
	campaign_run(CUTS_KILLED, "of the host, after one of the machine alone", "KILLED", 4000);
}

static void unfinished_twice(void **state)
{
	(void)state;
	campaign_run(CUTS_TWICE, "a generation unfinished, and another of its number", "TWICE", 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_every_write),
		cmocka_unit_test(torn_and_reordered),
		cmocka_unit_test(nested),
		cmocka_unit_test(unfinished_twice),
		cmocka_unit_test(killed_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
