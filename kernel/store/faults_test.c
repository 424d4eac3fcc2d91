/*
 * faults_test.c - a disk that answers with errors: once, for ever, or for one frame.
 *
 *   once      every read and every write of a life fails once: it is tried again, and nothing is lost; every flush
 *             of a life fails once, with what it covered: the store stops, and restarts as after a cut; the same of
 *             every write-through
 *   for ever  from every write on, all fail: the store stops, says STORE_IO to whoever asks, and what the disk holds
 *             restarts as after a cut; from every read on: the same, or the one who asked is told
 *   a frame   whose reads always fail: what is not in it is read as it was, what is in it is an error, and the store goes on
 */
#include "world_test.h"

#define STEPS 500

/* One world serves for all lives: it begins anew. */
static struct world *life_begin(uint64_t seed)
{
	static struct world *w;

	seed0 = seed;
	if (!w)
		w = world_new(DEPTH - 1);
	world_again(w);
	return w;
}

/* Everything that is dirty now is committed, and the disk is idle. */
static void settle(struct world *w)
{
	uint32_t before = w->store->epoch;

	store_migration(w->store, true);
	for (unsigned i = 0; i < 5000 && w->committed < before && w->store->phase != STORE_FAILED; i++) {
		store_checkpoint(w->store);
		world_step(w);
	}
	while (w->store->phase != STORE_FAILED && (w->store->phase != STORE_IDLE || w->sim.queued))
		world_step(w);
}

static void same_after_restart(struct world *w)
{
	assert_int_equal(store_check(w->store, true), 0);
	world_restart(w);
	assert_true(store_ready(w->store));
	world_read(w);
	assert_int_equal(w->fetched_bad, 0);
	assert_true(image_same(&w->now, &w->check));
}

static uint64_t life_requests(uint64_t seed, enum disk_op op)
{
	struct world *w = life_begin(seed);

	world_load(w, STEPS);
	settle(w);
	return op == DISK_READ ? w->sim.reads : op == DISK_WRITE ? w->sim.writes : op == DISK_FLUSH ? w->sim.flushes :
	       w->sim.throughs;
}

static void fail_once(bool reads)
{
	uint64_t retried = 0, lives = 0;

	for (uint64_t seed = 75; seed < 75 + PROFILES; seed++) {
		uint64_t last = life_requests(seed, reads ? DISK_READ : DISK_WRITE);

		for (uint64_t n = 1; n <= last; n++, lives++) {
			struct world *w = life_begin(seed);

			*(reads ? &w->sim.fail_read : &w->sim.fail_write) = n;
			world_load(w, STEPS);
			settle(w);
			assert_true(w->store->phase == STORE_IDLE && w->store->status.retried <= 1);
			retried += w->store->status.retried;
			same_after_restart(w);
		}
	}
	/* The retried request moves the random load, so that a life may end before its n-th request. */
	assert_in_range(retried, lives * 8 / 10, lives);
	printf("%llu of %llu %s failed once, 0 lost\n", (unsigned long long)retried, (unsigned long long)lives,
	       reads ? "reads" : "writes");
}

static void every_read_fails_once(void **state)
{
	(void)state;
	fail_once(true);
}

static void every_write_fails_once(void **state)
{
	(void)state;
	fail_once(false);
}

static uint64_t all_requests(const struct world *w)
{
	return w->sim.reads + w->sim.writes + w->sim.flushes + w->sim.throughs;
}

/* A failed store answers so, whatever is asked, and asks the disk for nothing more. */
static void says_so(struct world *w, uint64_t asked)
{
	struct store_object o = { .oid = oid_of(1), .epoch = w->store->epoch, .kind = 1, .data = w->scratch };

	assert_int_equal(w->store->status.failure, STORE_IO);
	assert_int_equal(store_dirty(w->store, &o, false), STORE_IO);
	assert_int_equal(store_clean(w->store, &o), STORE_IO);
	assert_int_equal(store_fetch(w->store, o.oid, w->scratch, 0), STORE_IO);
	assert_int_equal(store_journal(w->store, &o, 1, 0), STORE_IO);
	assert_int_equal(store_checkpoint(w->store), STORE_IO);
	assert_int_equal(store_room(w->store, 1), STORE_IO);
	for (unsigned i = 0; i < 200; i++)
		world_step(w);
	assert_in_range(all_requests(w), asked, asked + SIM_QUEUE + IO_SLOTS * IO_TRIES);
}

/*
 * What the request covered may be gone, and a second one would not say so: nothing after it may be told as saved.  How many
 * there were, all of which stopped the store.
 */
static unsigned long long each_stops(uint64_t first_seed, enum disk_op op)
{
	uint64_t lives = 0, failed = 0;

	for (uint64_t seed = first_seed; seed < first_seed + PROFILES; seed++) {
		uint64_t last = life_requests(seed, op);

		for (uint64_t n = 1; n <= last; n++, lives++) {
			struct world *w = life_begin(seed);

			*(op == DISK_FLUSH ? &w->sim.fail_flush : &w->sim.fail_through) = n;
			world_load(w, STEPS);
			settle(w);
			failed += w->store->phase == STORE_FAILED;
			assert_true(w->store->phase != STORE_FAILED || w->store->status.failure == STORE_IO);
			assert_int_equal(w->store->status.retried, 0);
			world_cut(w, CUT_ANY, false);
		}
	}
	assert_true(lives > 100 && failed == lives);
	return lives;
}

static void every_flush_fails_once(void **state)
{
	unsigned long long lives = each_stops(75, DISK_FLUSH);

	(void)state;
	printf("%llu of %llu flushes failed once, with what they covered: %llu stopped, 0 lost\n", lives, lives, lives);
}

/* A write-through has a flush in it. */
static void every_write_through_fails_once(void **state)
{
	unsigned long long lives = each_stops(80, DISK_THROUGH);

	(void)state;
	printf("%llu of %llu writes through failed once: %llu stopped, 0 lost\n", lives, lives, lives);
}

static void writes_fail_for_ever(void **state)
{
	uint64_t lives = 0, failed = 0;

	(void)state;
	for (uint64_t seed = 30; seed < 30 + PROFILES; seed++) {
		uint64_t last = life_requests(seed, DISK_WRITE);

		for (uint64_t n = 1; n <= last; n += 2, lives++) {
			struct world *w = life_begin(seed);

			w->sim.fail_write = n;
			w->sim.fail_on = true;
			world_load(w, STEPS);
			settle(w);
			if (w->store->phase == STORE_FAILED) {
				failed++;
				says_so(w, all_requests(w));
			}
			world_cut(w, CUT_ANY, false);
		}
	}
	assert_in_range(failed, lives * 8 / 10, lives);
	printf("%llu lives whose disk wrote no more: %llu stopped, 0 lost\n", (unsigned long long)lives,
	       (unsigned long long)failed);
}

/* The machine's own reads are retried and then the store stops; a fetch's error is the asker's. */
static void reads_fail_for_ever(void **state)
{
	uint64_t lives = 0, failed = 0;

	(void)state;
	for (uint64_t seed = 40; seed < 40 + PROFILES; seed++) {
		uint64_t last = life_requests(seed, DISK_READ);

		for (uint64_t n = 1; n <= last; n += 2, lives++) {
			struct world *w = life_begin(seed);

			w->sim.fail_read = n;
			w->sim.fail_on = true;
			w->damaged = true;
			world_load(w, STEPS);
			failed += w->store->phase == STORE_FAILED;
			world_cut(w, CUT_ANY, false);
		}
	}
	printf("%llu lives whose disk read no more: %llu stopped, 0 lost\n", (unsigned long long)lives,
	       (unsigned long long)failed);
}

/* A restart that cannot read what it needs says STORE_IO. */
static void restart_cannot_read(void **state)
{
	struct world *w = life_begin(12);
	uint64_t reads;

	(void)state;
	world_load(w, STEPS);
	settle(w);
	w->sim.reads = 0;
	world_restart(w);
	reads = w->sim.reads;
	assert_true(store_ready(w->store) && reads > 3);
	for (uint64_t n = 1; n <= reads; n++) {
		w->sim.fail_read = n;
		w->sim.fail_on = true;
		world_restart(w);
		assert_int_equal(w->store->phase, STORE_FAILED);
		assert_int_equal(w->store->status.failure, STORE_IO);
		w->sim.fail_on = false;
		w->sim.fail_read = 0;
	}
	world_restart(w);
	assert_true(store_ready(w->store));
}

/* Objects of a frame that cannot be read are errors, and no others are. */
static void one_bad_frame(void **state)
{
	uint64_t unread = 0, refused = 0;

	(void)state;
	for (uint64_t seed = 60; seed < 60 + PROFILES; seed++) {
		struct world *w = life_begin(seed);

		world_load(w, STEPS);
		settle(w);
		for (uint64_t frame = 1; frame < FRAMES; frame++) {
			w->sim.bad_frame = frame;
			world_restart(w);
			if (w->store->phase == STORE_FAILED) {
				assert_int_equal(w->store->status.failure, STORE_IO);
				refused++;
				continue;
			}
			world_read(w);
			for (unsigned i = 0; i < OBJECTS; i++)
				assert_true(w->gone[i] || object_same(&w->now.object[i], &w->check.object[i]));
			assert_true(w->fetched_bad <= GROUP_HOMES);
			unread += w->fetched_bad;
		}
	}
	assert_true(unread > 0 && refused > 0);
	printf("%llu unreadable frames: %llu restarts refused, %llu objects reported, 0 wrong\n",
	       (unsigned long long)PROFILES * (FRAMES - 1), (unsigned long long)refused, (unsigned long long)unread);
}

/*
 * A frame that cannot be read stops nobody but who asks for what is in it: the store goes on to change, move and commit all
 * else, and when the disk reads it again it holds what it held.
 */
static void one_bad_frame_and_the_rest_goes_on(void **state)
{
	uint64_t lives = 0, stuck = 0;

	(void)state;
	for (uint64_t seed = 60; seed < 60 + PROFILES; seed++) {
		for (uint64_t frame = 1 + seed % 3; frame < FRAMES; frame += 3) {
			struct world *w = life_begin(seed);
			uint32_t before;

			world_load(w, STEPS / 2);
			settle(w);
			w->sim.bad_frame = frame;
			world_restart(w);
			if (w->store->phase == STORE_FAILED) {
				w->sim.bad_frame = 0;
				continue;
			}
			lives++;
			w->damaged = true;
			before = w->store->header.generation;
			world_load(w, STEPS);
			settle(w);
			assert_int_equal(w->store->phase, STORE_IDLE);
			assert_true(w->store->header.generation > before);
			for (uint32_t i = 0; i < w->store->version_live; i++)
				stuck += (w->store->m.versions[w->store->m.live[i]].flags & V_BAD) != 0;
			w->sim.bad_frame = 0;
			same_after_restart(w);
		}
	}
	assert_true(stuck > 0);
	printf("%llu lives with an unreadable frame: all went on and committed, %llu objects stayed in the log, 0 lost\n",
	       (unsigned long long)lives, (unsigned long long)stuck);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_read_fails_once),
		cmocka_unit_test(every_write_fails_once),
		cmocka_unit_test(every_flush_fails_once),
		cmocka_unit_test(every_write_through_fails_once),
		cmocka_unit_test(writes_fail_for_ever),
		cmocka_unit_test(reads_fail_for_ever),
		cmocka_unit_test(restart_cannot_read),
		cmocka_unit_test(one_bad_frame),
		cmocka_unit_test(one_bad_frame_and_the_rest_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
