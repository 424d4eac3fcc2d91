/*
 * damage_test.c - bits that flip and frames that turn to garbage on a disk nobody runs: detected, or harmless.
 *
 * An image as a power cut leaves it is damaged in one to three places, chosen by what is there (super block, headers,
 * journal, log, tags, homes).  Then
 *   1. it is refused, with the number of a condition; or it restarts, and every object is what it was or is
 *      reported; or it restarts from the older header, and says so (status.older_header)
 *   2. the offline checker finds it sound only if everything was as before
 *   3. it lives on for a while, changes what it can read and migrates: what is read after that is still right
 * The one loss that cannot be told is of the last journal record (doc/store.md): `tails` counts them.
 * DAMAGE in the environment says how many images, SEED which.
 */
#include "world_test.h"

static uint64_t images, flips, refused, reported, older, tails, harmless, conditions[C326_JOURNAL - C310_SUPER + 1];

enum region { R_SUPER = 0, R_HEADER, R_JOURNAL, R_LOG, R_TAG, R_HOME, REGIONS };
static const char *const region_name[REGIONS] = { "super", "header", "journal", "log", "tag", "home" };
static uint64_t region_count[REGIONS];

static uint64_t region_frame(struct world *w, enum region region)
{
	const struct disk_super *s = &w->super;
	uint64_t random = disksim_random(&w->sim);

	switch (region) {
	case R_SUPER:
		return SUPER_FRAME;
	case R_HEADER:
		return header_place(s, random % header_places(s));
	case R_JOURNAL:
		return s->journal_first + random % s->journal_frames;
	case R_LOG:
		random %= s->log_frames;
		/* No seat: that is R_HEADER's. */
		return s->log_first + random + (random < seats_end(s) && random % s->seat_step == 0);
	case R_TAG:
		return home_tag_frame(s, oid_of(random % OBJECTS));
	default:
		return home_frame(s, oid_of(random % OBJECTS));
	}
}

static void flip_bits(struct world *w, uint8_t *frame, unsigned count)
{
	for (; count; count--) {
		uint64_t bit = disksim_random(&w->sim) % (DISK_FRAME * 8);

		frame[bit / 8] ^= 1u << bit % 8;
		flips++;
	}
}

static void garble(struct world *w, uint8_t *at, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		at[i] = (uint8_t)disksim_random(&w->sim);
}

/* In frame `frame` of the inner world's disk.  A tag and its home that are both gone cannot be told from ones never
 * written, so only the first damage makes a frame all zero or another's. */
static void damage_one(struct world *w, uint64_t frame, bool first)
{
	struct disksim *sim = &w->inner->sim;
	uint8_t *data = disksim_frame(sim, frame);
	uint64_t random = disksim_random(&w->sim), other = disksim_random(&w->sim) % FRAMES;

	switch (first ? random % 8 : random % 2 * 4) {
	case 0:
		garble(w, data + random / 8 % COPIES * DISK_SECTOR, DISK_SECTOR);
		break;
	case 1:
		garble(w, data, DISK_FRAME);
		break;
	case 2:
		memset(data, 0, DISK_FRAME);
		break;
	case 3:                                /* what another frame should hold: a write that went astray */
		memmove(data, disksim_frame(sim, other), DISK_FRAME);
		break;
	case 4:
		flip_bits(w, data, 8);
		break;
	default:
		flip_bits(w, data, 1);
	}
	sim->stale[frame] = 1;
}

/* Which regions were hit: a bit each. */
static unsigned damage(struct world *w)
{
	unsigned hit = 0, count = 1 + (disksim_random(&w->sim) % 4 == 0) * (disksim_random(&w->sim) % 3);

	for (; count; count--) {
		enum region region = disksim_random(&w->sim) % REGIONS;

		region_count[region]++;
		damage_one(w, region_frame(w, region), !hit);
		hit |= 1u << region;
	}
	return hit;
}

static void detect(int condition, bool is_super)
{
	if (condition < (is_super ? C310_SUPER : C311_HEADER) || condition > C326_JOURNAL) {
		fprintf(stderr, "SEED=%llu, image %llu: condition %d\n", (unsigned long long)seed0, (unsigned long long)images,
			condition);
		abort();
	}
	conditions[condition - C310_SUPER]++;
}

/* Everything that could be read is what the generation had, with journal records up to `last`. */
static bool reads_as(struct world *w, struct world *in, const struct image *base, uint64_t last)
{
	image_with_journal(w, base, last, &in->now);
	for (unsigned i = 0; i < OBJECTS; i++)
		if (!in->gone[i] && !object_same(&in->now.object[i], &in->check.object[i]))
			return false;
	return true;
}

/* How many of the last records are not there; in->now is then what is. */
static unsigned records_lost(struct world *w, struct world *in, const struct image *base, unsigned hit)
{
	uint64_t last = w->record_next - 1, least = base->journal;
	unsigned most = (last > least && !w->record[last % RECORDS].answered) + !!(hit & (1u << R_JOURNAL | 1u << R_LOG));

	/* One may have been on its way at the cut; one more is lost by damage to it, which no other follows.  Those since
	 * an older header may have been written over. */
	if (base->generation < w->committed)
		most = RECORDS;
	for (unsigned lost = 0; lost <= most && last - lost >= least; lost++) {
		if (in->store->journal_next - 1 <= last - lost && reads_as(w, in, base, last - lost))
			return lost;
	}
	fprintf(stderr, "image %llu: generation %u of %u, regions hit %x, %llu journal records of %llu, %u objects unreadable\n",
		(unsigned long long)images, in->store->header.generation, w->committed, hit,
		(unsigned long long)in->store->journal_next - 1, (unsigned long long)last, in->fetched_bad);
	image_with_journal(w, base, w->record_next - 1, &in->now);
	for (unsigned i = 0; i < OBJECTS; i++)
		if (in->gone[i])
			in->check.object[i] = in->now.object[i];
	image_differs(&in->now, &in->check, "a damaged image was read as something that never was");
	return 0;
}

/* It lives on; whatever can be read afterwards is right. */
static void live_on(struct world *in)
{
	in->damaged = true;
	in->record_next = in->store->journal_next;
	in->record_first = in->store->header.journal_sequence + 1;
	in->committed = in->store->header.generation;
	for (uint64_t q = in->record_first; q < in->record_next; q++)
		in->record[q % RECORDS].answered = true;
	world_load(in, 150);
	if (in->store->phase == STORE_FAILED)
		return;
	/* What is in memory is not on the disk yet. */
	for (unsigned i = 0; i < CORE; i++)
		if (in->core[i].state == CORE_HELD && in->core[i].dirty)
			return;
	world_read(in);
	for (unsigned i = 0; i < OBJECTS && in->store->phase != STORE_FAILED; i++)
		if (!in->gone[i] && !object_same(&in->now.object[i], &in->check.object[i]))
			image_differs(&in->now, &in->check, "a damaged image lived on and became wrong");
}

static void restarted(struct world *w, struct world *in, unsigned hit, bool sound)
{
	uint32_t generation = in->store->header.generation;
	const struct image *base = &w->taken[generation % SNAPSHOTS];
	assert_int_equal(base->generation, generation);
	if (generation < w->committed) {
		/* What was committed by one flush and damaged since passes for never finished. */
		assert_true((in->store->status.older_header && (hit & 1u << R_HEADER)) ||
			    (in->store->status.unproven_header && (hit & 1u << R_LOG)));
		older++;
	}
	in->store->status.condition = 0;
	world_read(in);
	if (in->store->phase == STORE_FAILED) {
		detect(in->store->status.condition, false);
		return;
	}
	if (in->fetched_bad) {
		detect(in->store->status.condition, false);
		reported++;
	}
	tails += records_lost(w, in, base, hit) > 0;
	harmless += !in->fetched_bad && generation >= w->committed;
	if (sound && in->fetched_bad)
		image_differs(&in->now, &in->check, "the offline checker did not see what the restart saw");
	live_on(in);
}

static void damage_image(struct world *w)
{
	struct world *in = w->inner;
	struct store_verdict verdict;
	struct disk_super super;
	unsigned hit;
	bool known, sound;

	images++;
	disksim_cut(&w->sim, &in->sim, CUT_LINEAR);
	memcpy(in->record, w->record, sizeof in->record);
	hit = damage(w);
	known = world_verify(in, &verdict);
	sound = known && !verdict.broken;
	if (super_judge(disksim_frame(&in->sim, SUPER_FRAME), FRAMES, &super)) {
		assert_true(!known && verify_first == C310_SUPER);
		detect(C310_SUPER, true);
		refused++;
		return;
	}
	assert_true(known);
	world_restart(in);
	if (in->store->phase != STORE_FAILED) {
		restarted(w, in, hit, sound);
		return;
	}
	assert_int_equal(in->store->status.failure, STORE_BAD);
	detect(in->store->status.condition, false);
	refused++;
	if (sound)
		image_differs(&w->now, &w->now, "the offline checker calls sound what does not restart");
}

static void damaged_images(void **state)
{
	uint64_t wanted = from_environment("DAMAGE", 3000), first = from_environment("SEED", 1);

	(void)state;
	campaign = CUTS_NONE;
	for (seed0 = first; images < wanted; seed0++) {
		struct world *w = world_new(DEPTH - 1);

		world_format(w);
		world_restart(w);
		for (unsigned i = 0; i < 60 && images < wanted; i++) {
			world_load(w, 20 + disksim_random(&w->sim) % 60);
			for (unsigned n = 0; n < 4; n++)
				damage_image(w);
		}
		world_free(w);
	}
	printf("%llu damaged images, 0 silent: %llu refused, %llu restarted and reported objects, %llu from the older header, "
	       "%llu harmless, of which %llu lost a journal tail (seeds %llu..%llu)\n", (unsigned long long)images,
	       (unsigned long long)refused, (unsigned long long)reported, (unsigned long long)older,
	       (unsigned long long)harmless, (unsigned long long)tails, (unsigned long long)first,
	       (unsigned long long)(seed0 - 1));
	for (unsigned r = 0; r < REGIONS; r++)
		printf("%s %llu%s", region_name[r], (unsigned long long)region_count[r], r + 1 < REGIONS ? ", " : "; ");
	for (unsigned c = 0; c < sizeof conditions / sizeof *conditions; c++)
		if (conditions[c])
			printf("C%u %llu ", C310_SUPER + c, (unsigned long long)conditions[c]);
	printf("\n");
	assert_true(refused && reported && older && harmless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
