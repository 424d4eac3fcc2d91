/*
 * world_test.h - a store on a disk that loses power, the cache over it, and a model of what it must hold.  For the
 * tests of this folder.
 *
 * The model is an array of what every object is; a copy of it is taken at each demarcation.  A random load changes,
 * rescinds, evicts, fetches, journals and checkpoints; profiles[] says in what proportion.  A world has an inner
 * world, where its disk is restarted as a power cut would leave it; the inner world can live on and be cut again.
 * campaign says where the cuts fall; what breaks prints the seed and aborts.
 */
#ifndef STORE_WORLD_TEST_H
#define STORE_WORLD_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "disksim.h"
#include "store/inner.h"

#define OBJECTS    96                  /* of 256 homes: in two groups */
#define CORE       20
#define LOG        88                  /* some seeds use less of it */
#define RING       16
#define FRAMES     (3 + RING + LOG + 2 * (GROUP_HOMES + 1))
#define VERSIONS   160
#define SNAPSHOTS  8
#define RECORDS    64
#define DEPTH      3
#define VERIFY_COOKIE 1000             /* of world_read's fetches; others are numbers of core frames */

#pragma GCC diagnostic ignored "-Wunused-function"     /* no test needs all of it */

#ifdef CUTS_ALONE                      /* linked without the kernel */
#include "panic.h"
void panic_condition(int number, const char *text, const char *file, int line)
{
	fprintf(stderr, "C%d: %s (%s:%d)\n", number, text, file, line);
	abort();
}
#endif

struct object {
	uint32_t alloc_count, call_count;
	uint64_t seed;                 /* of the content; 0 = all zero */
	uint8_t kind;
};

/* What a load asks for, in 128ths of its requests; the rest is nothing, so that the disk catches up. */
static const struct profile {
	const char *name;
	uint8_t change, evict, journal, checkpoint;
	uint8_t objects;               /* those it changes */
	uint8_t contents;              /* so many different ones, so that lives write the same again; 0: always another */
	uint8_t steadiness;            /* of so many migration switches one turns it off; 0: it stays on */
} profiles[] = {
	{ "mixed",       80, 30,  8, 1, OBJECTS, 0, 2 },
	{ "journal",     40, 10, 60, 1, OBJECTS, 0, 2 },
	{ "few objects", 60, 20, 10, 8, 6, 3, 0 },
	{ "full log",    70, 50,  0, 0, OBJECTS, 0, 2 },
	{ "commits",     50, 10, 10, 30, 30, 0, 0 },
	{ "the same",    60,  2,  4, 20,  9, 1, 0 },
};
#define PROFILES (sizeof profiles / sizeof *profiles)

/* Where cuts fall: see world_cuts. */
enum campaign { CUTS_NONE, CUTS_LINEAR, CUTS_TORN, CUTS_NESTED, CUTS_TWICE, CUTS_KILLED };

struct image {
	struct object object[OBJECTS];
	uint64_t journal;              /* the last record that is in it */
	uint32_t generation;
};

struct record {
	uint64_t sequence;
	unsigned count;
	bool answered;
	uint64_t number[JOURNAL_PAGES];
	struct object object[JOURNAL_PAGES];
};

enum core_state { CORE_FREE = 0, CORE_FETCHING, CORE_HELD, CORE_LEAVING };

struct core {
	uint8_t state;
	bool dirty;
	uint64_t number;
	uint32_t epoch;
	uint8_t *data;
};

struct world {
	struct disksim sim;
	struct store *store;
	struct store_memory memory;
	struct disk_super super;
	struct core core[CORE];
	struct image now, taken[SNAPSHOTS];
	struct record record[RECORDS];
	uint64_t record_first, record_next;    /* sequence numbers */
	uint32_t committed;
	int break_check;
	unsigned depth, fetched_bad;
	struct world *inner;           /* where its cuts restart */
	struct image check;            /* what verification found */
	bool journalling;
	bool damaged;                  /* its disk was damaged: what cannot be read is no mistake */
	bool gone[OBJECTS];            /* what could not be read, and was reported */
	unsigned verified;
	uint8_t *scratch;
};

static uint64_t seed0 = 1;
static enum campaign campaign;
static uint64_t cuts_made, images_checked, checkpoints, replays, copies, throttled, quick, through, same;

static const struct profile *profile(void)
{
	return &profiles[seed0 % PROFILES];
}

static uint64_t oid_of(uint64_t number)
{
	return number < OBJECTS / 2 ? number + 3 : number + GROUP_HOMES;
}

static uint64_t number_of(uint64_t oid)
{
	return oid < GROUP_HOMES ? oid - 3 : oid - GROUP_HOMES;
}

static int world_step(struct world *w);

static void content_fill(uint8_t *data, uint64_t seed)
{
	uint64_t *word = (uint64_t *)data;

	for (unsigned i = 0; i < DISK_FRAME / 8; i++)
		word[i] = seed ? seed * (2 * i + 1) : 0;
}

/* The seed, or ~0 if it is no whole content. */
static uint64_t content_seed(const uint8_t *data)
{
	const uint64_t *word = (const uint64_t *)data;

	for (unsigned i = 0; i < DISK_FRAME / 8; i++)
		if (word[i] != word[0] * (2 * i + 1))
			return ~0ull;
	return word[0];
}

static void image_differs(const struct image *want, const struct image *got, const char *why);
static bool object_same(const struct object *a, const struct object *b);

/* ---- the cache that the store sees -------------------------------------------------------- */

static struct store_object core_object(struct world *w, struct core *c)
{
	struct object *o = &w->now.object[c->number];

	return (struct store_object){ .oid = oid_of(c->number), .alloc_count = o->alloc_count, .call_count = o->call_count,
				      .epoch = c->epoch, .kind = o->kind, .moving = c->number % 3 == 0, .data = c->data };
}

static bool cache_next_dirty(void *context, uint64_t *cursor, uint32_t epoch, struct store_object *object)
{
	struct world *w = context;

	while (*cursor < CORE) {
		struct core *c = &w->core[(*cursor)++];

		if (c->state < CORE_HELD || !c->dirty || c->epoch > epoch)
			continue;
		*object = core_object(w, c);
		return true;
	}
	return false;
}

static struct core *core_find(struct world *w, uint64_t number)
{
	for (unsigned i = 0; i < CORE; i++)
		if (w->core[i].state && w->core[i].number == number)
			return &w->core[i];
	return NULL;
}

static void cache_cleaned(void *context, uint64_t oid, uint32_t epoch, bool changed)
{
	struct world *w = context;
	struct core *c = core_find(w, number_of(oid));

	assert_non_null(c);
	if (c->epoch != epoch)
		return;
	/* Some stay dirty, as those do in persist_save.c that were changed in two epochs running. */
	if (changed && c->state != CORE_LEAVING && epoch < store_current_epoch(w->store) && oid % 3 == 0 &&
	    store_room_again(w->store)) {
		store_dirty_again(w->store);
		c->epoch = store_current_epoch(w->store);
		return;
	}
	c->dirty = false;
	if (c->state == CORE_LEAVING)
		c->state = CORE_FREE;
}

static void cache_fetched(void *context, uint64_t cookie, const struct store_object *o, int result)
{
	struct world *w = context;
	struct core *c = &w->core[cookie % CORE];
	struct object got = { o->alloc_count, o->call_count, content_seed(o->data), o->kind };

	if (cookie == VERIFY_COOKIE) {
		w->verified++;
		w->fetched_bad += result != STORE_OK;
		w->gone[number_of(o->oid)] = result != STORE_OK;
		w->check.object[number_of(o->oid)] = got;
		return;
	}
	if (w->damaged && result != STORE_OK) {
		w->gone[c->number] = true;
		c->state = CORE_FREE;
		return;
	}
	assert_int_equal(result, STORE_OK);
	if (!object_same(&got, &w->now.object[c->number])) {
		w->check = w->now;
		w->check.object[c->number] = got;
		image_differs(&w->now, &w->check, "a fetch brought something else than what was written");
	}
	c->state = CORE_HELD;
	c->dirty = false;
}

static void cache_journalled(void *context, uint64_t cookie, int result)
{
	struct world *w = context;

	w->journalling = false;
	if (w->store->phase == STORE_FAILED)
		return;
	assert_int_equal(result, STORE_OK);
	w->record[cookie % RECORDS].answered = true;
}

static int cache_check(void *context)
{
	return ((struct world *)context)->break_check;
}

static uint64_t cache_dirty_count(void *context)
{
	struct world *w = context;
	uint64_t count = 0;

	for (unsigned i = 0; i < CORE; i++)
		count += w->core[i].state >= CORE_HELD && w->core[i].dirty;
	return count;
}

static void cache_demarcated(void *context, uint32_t epoch, uint64_t root[ROOT_WORDS])
{
	struct world *w = context;
	struct image *to = &w->taken[(epoch - 1) % SNAPSHOTS];

	*to = w->now;
	to->generation = epoch - 1;
	to->journal = w->record_next - 1;
	root[0] = w->now.object[0].seed;
}

static void cache_committed(void *context, uint32_t generation)
{
	struct world *w = context;

	w->committed = generation;
	w->record_first = w->taken[generation % SNAPSHOTS].journal + 1;
	checkpoints++;
}

static void cache_room(void *context)
{
	(void)context;
}

static struct store_cache cache_of(struct world *w)
{
	return (struct store_cache){ w, cache_next_dirty, cache_cleaned, cache_fetched, cache_journalled, cache_check,
				     cache_dirty_count, cache_demarcated, cache_committed, cache_room };
}

/* ---- worlds -------------------------------------------------------------------------------- */

/* Of some seeds the disk cannot write through, or the image is one without seats. */
static void world_plan(struct world *w)
{
	super_plan(&w->super, FRAMES, 48 + seed0 % 3 * 20, RING, 0xC0FFEE);
	if (seed0 % 5 == 3)
		w->super.version = 3;
	w->sim.no_through = seed0 % 7 == 6;
}

static struct world *world_new(unsigned depth)
{
	struct world *w = calloc(1, sizeof *w);

	w->depth = depth;
	disksim_init(&w->sim, FRAMES, seed0 + depth);
	w->sim.headers = &w->super;
	w->store = calloc(1, store_size());
	w->memory = (struct store_memory){ .version_count = VERSIONS, .hash_size = 64, .copy_count = 4,
					  .write_slots = seed0 % 4 * 3, .scan_step = 1 + seed0 % 50,
					  .move_batch = seed0 % 3 * 8 };
	w->memory.versions = calloc(VERSIONS, sizeof *w->memory.versions);
	w->memory.live = calloc(VERSIONS, 4);
	w->memory.hash = calloc(64, 4);
	w->memory.log_map = calloc(LOG / 64 + 1, 8);
	w->memory.heap = calloc(VERSIONS, 4);
	w->memory.dirs[0] = calloc(VERSIONS / 127 + 2, 4);
	w->memory.dirs[1] = calloc(VERSIONS / 127 + 2, 4);
	w->memory.journal_lids = calloc(RING * JOURNAL_PAGES, 4);
	w->memory.frames = calloc(STORE_BUFFERS + 4, DISK_FRAME);
	w->scratch = calloc(OBJECTS, DISK_FRAME);
	for (unsigned i = 0; i < CORE; i++)
		w->core[i].data = calloc(1, DISK_FRAME);
	world_plan(w);
	if (depth < DEPTH)
		w->inner = world_new(depth + 1);
	return w;
}

static void world_free(struct world *w)
{
	if (w->inner)
		world_free(w->inner);
	for (unsigned i = 0; i < CORE; i++)
		free(w->core[i].data);
	free(w->scratch);
	free(w->memory.versions);
	free(w->memory.live);
	free(w->memory.hash);
	free(w->memory.log_map);
	free(w->memory.heap);
	free(w->memory.dirs[0]);
	free(w->memory.dirs[1]);
	free(w->memory.journal_lids);
	free(w->memory.frames);
	free(w->store);
	disksim_free(&w->sim);
	free(w);
}

static void world_open(struct world *w)
{
	struct store_disk disk = disksim_disk(&w->sim);
	struct store_cache cache = cache_of(w);

	for (unsigned i = 0; i < CORE; i++)
		w->core[i].state = CORE_FREE;
	w->journalling = w->damaged = false;
	w->sim.queued = 0;             /* nobody is left to hear the answers */
	store_open(w->store, &disk, &cache, &w->memory, &w->super);
}

static void world_format(struct world *w)
{
	memset(w->sim.durable, 0, FRAMES * (size_t)DISK_FRAME);
	memset(w->sim.stale, 1, FRAMES);
	disksim_format(&w->sim, &w->super);
	if (w->inner)
		memset(w->inner->sim.stale, 1, FRAMES);
	memset(&w->now, 0, sizeof w->now);
	memset(w->taken, 0, sizeof w->taken);
	w->taken[1].generation = w->committed = 1;
	w->record_first = w->record_next = 1;
	world_open(w);
}

/* As a new world of this seed, without its memory being made again. */
static void world_again(struct world *w)
{
	disksim_reset(&w->sim, seed0 + w->depth);
	w->memory.write_slots = seed0 % 4 * 3;
	w->memory.scan_step = 1 + seed0 % 50;
	w->memory.move_batch = seed0 % 3 * 8;
	world_plan(w);
	w->break_check = 0;
	for (struct world *in = w->inner; in; in = in->inner) {
		in->super = w->super;
		in->sim.no_through = w->sim.no_through;
		disksim_reset(&in->sim, seed0 + in->depth);
	}
	world_format(w);
	while (w->store->phase == STORE_RESTARTING)
		world_step(w);
}

/* One step; the disk answers one request. */
static int world_step(struct world *w)
{
	int op;

	store_step(w->store);
	op = disksim_run(&w->sim, w->store);
	return op;
}

/* A restart writes nothing, so that a cut during it is a cut before it. */
static void world_restart(struct world *w)
{
	uint64_t before = w->sim.writes + w->sim.flushes + w->sim.throughs;

	world_open(w);
	for (unsigned i = 0; i < 10000 && w->store->phase == STORE_RESTARTING; i++)
		world_step(w);
	assert_int_equal(w->sim.writes + w->sim.flushes + w->sim.throughs, before);
}

/* Fetches everything into check. */
static void world_read(struct world *w)
{
	w->verified = w->fetched_bad = 0;
	for (unsigned i = 0; i < OBJECTS; i++)
		while (store_fetch(w->store, oid_of(i), w->scratch + i * DISK_FRAME, VERIFY_COOKIE) == STORE_WAIT)
			world_step(w);
	while (w->verified < OBJECTS && w->store->phase != STORE_FAILED)
		world_step(w);
}

/* ---- the offline checker over the same disk ---- */

static int verify_first;               /* the first condition that it reported, or 0 */
static bool verify_reported[STORE_CONDITIONS_END - C310_SUPER];

static bool verify_read(void *context, uint64_t frame, void *data)
{
	struct world *w = context;

	if (frame == w->sim.bad_frame)
		return false;
	disksim_read(&w->sim, frame, data);
	return true;
}

static void verify_report(void *context, int condition, uint64_t where)
{
	(void)context, (void)where;
	if (!verify_first)
		verify_first = condition;
	verify_reported[condition - C310_SUPER] = true;
}

static bool world_verify(struct world *w, struct store_verdict *verdict)
{
	static uint64_t map[FRAMES / 64 + 1], seen[FRAMES / 64 + 1];
	struct store_reader reader = { w, FRAMES, verify_read, NULL, verify_report };

	memset(map, 0, sizeof map);
	memset(seen, 0, sizeof seen);
	verify_first = 0;
	memset(verify_reported, 0, sizeof verify_reported);
	images_checked++;
	return store_verify(&reader, map, seen, verdict);
}

/* ---- verification --------------------------------------------------------------------------- */

static bool object_same(const struct object *a, const struct object *b)
{
	return a->alloc_count == b->alloc_count && a->call_count == b->call_count && a->seed == b->seed && a->kind == b->kind;
}

static bool image_same(const struct image *a, const struct image *b)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (!object_same(&a->object[i], &b->object[i]))
			return false;
	return true;
}

/* The image with the records after it laid over, up to `last`. */
static void image_with_journal(const struct world *w, const struct image *base, uint64_t last, struct image *out)
{
	*out = *base;
	for (uint64_t q = base->journal + 1; q <= last; q++) {
		const struct record *r = &w->record[q % RECORDS];

		for (unsigned i = 0; i < r->count; i++) {
			struct object *o = &out->object[r->number[i]];

			if (o->kind == r->object[i].kind && o->alloc_count == r->object[i].alloc_count)
				*o = r->object[i];
		}
	}
}

static void image_differs(const struct image *want, const struct image *got, const char *why)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		const struct object *a = &want->object[i], *b = &got->object[i];

		if (!object_same(a, b))
			fprintf(stderr, "object %u: want kind %u count %u/%u seed %llx, got kind %u count %u/%u seed %llx\n", i,
				a->kind, a->alloc_count, a->call_count, (unsigned long long)a->seed, b->kind, b->alloc_count,
				b->call_count, (unsigned long long)b->seed);
	}
	fprintf(stderr, "SEED=%llu (%s), campaign %d, after %llu cuts: %s\n", (unsigned long long)seed0, profile()->name,
		campaign, (unsigned long long)cuts_made, why);
	abort();
}

/* The checker finds the image sound, and in it what the generation had; records in force are those replayed. */
static void verify_sound(struct world *w, const struct image *base)
{
	struct store_verdict verdict;
	uint64_t kinds[4] = { 0 };

	if (!world_verify(w, &verdict) || verdict.broken) {
		fprintf(stderr, "store_verify: C%d\n", verify_first);
		image_differs(base, base, "the checker finds the image broken");
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		kinds[base->object[i].kind]++;
	for (unsigned k = 1; k < 4; k++)
		if (verdict.kinds[k] != kinds[k])
			image_differs(base, base, "the checker counts other objects");
	/* The header before one that must prove itself may be fallen back to: no home is newer than that. */
	for (uint64_t group = 0; w->store->header.proves && group < w->super.homes / GROUP_HOMES; group++)
		if (tags_newer(disksim_frame(&w->sim, home_tag_frame(&w->super, group * GROUP_HOMES)), group, base->generation - 1))
			image_differs(base, base, "a home is newer than the header that may be fallen back to");
	if (verdict.generation != base->generation || verdict.journal_records != w->store->journal_next - 1 - base->journal)
		image_differs(base, base, "the checker sees another generation, or other journal records");
}

static void cut_verify(struct world *w, struct world *in)
{
	struct store_status status;
	const struct image *base;
	struct image want;
	uint64_t last = w->record_next - 1, answered;

	store_get_status(in->store, &status);
	base = &w->taken[status.generation % SNAPSHOTS];
	if (!store_ready(in->store))
		image_differs(&w->now, &w->now, "the store did not restart");
	if (status.generation < w->committed || base->generation != status.generation)
		image_differs(&w->now, &w->now, "an older generation came back");
	if (store_root(in->store)[0] != base->object[0].seed)
		image_differs(&w->now, &w->now, "the root words are not that generation's");
	if (store_check(in->store, true))
		image_differs(&w->now, &w->now, "a condition is broken after restart");
	if (cuts_made % 8 == 0)
		verify_sound(in, base);
	world_read(in);
	answered = last > base->journal && !w->record[last % RECORDS].answered ? last - 1 : last;
	image_with_journal(w, base, answered, &want);
	if (!in->fetched_bad && image_same(&want, &in->check)) {
		last = answered;
	} else {
		image_with_journal(w, base, last, &in->now);
		if (in->fetched_bad || !image_same(&in->now, &in->check))
			image_differs(&want, &in->check, "what came back is not that generation");
	}
	/* The inner world goes on from here. */
	in->now = in->check;
	in->taken[status.generation % SNAPSHOTS] = *base;
	in->committed = status.generation;
	memcpy(in->record, w->record, sizeof in->record);
	in->record_first = base->journal + 1;
	in->record_next = in->store->journal_next;
	for (uint64_t q = in->record_first; q < in->record_next; q++)
		in->record[q % RECORDS].answered = true;
	replays += in->store->status.replayed;
}

static void world_load(struct world *w, unsigned steps);

/* Cuts power, restarts in the inner world, compares; sometimes lives on there, to be cut again. */
static void world_cut(struct world *w, enum cut how, bool nest)
{
	struct world *in = w->inner;

	disksim_cut(&w->sim, &in->sim, how);
	world_restart(in);
	cut_verify(w, in);
	cuts_made++;
	if (nest && in->depth < DEPTH)
		world_load(in, 40 + disksim_random(&in->sim) % 200);
}

#define SUBSET_WRITES 6                /* so many writes since the flush: every subset of them is tried */

static void cut_subsets(struct world *w)
{
	unsigned pending = disksim_pending(&w->sim);

	if (pending > SUBSET_WRITES)
		return;
	for (w->sim.subset = 0; w->sim.subset < 1u << pending; w->sim.subset++)
		world_cut(w, CUT_SUBSET, false);
}

/* All that one flush must make durable is answered, and the flush not begun; or some of it has been written through. */
static bool at_one_flush(const struct world *w)
{
	return w->store->quick && (w->store->phase == STORE_HEADER || w->store->phase == STORE_SETTLE) &&
	       (!w->sim.queued || w->store->seat);
}

/* What a restart found unfinished is gone before anything else is promised: it can never come to be whole. */
static void mended(struct world *in)
{
	uint32_t places = in->store->mend_headers;
	uint64_t record = in->super.journal_first + in->store->journal_next % in->super.journal_frames;
	struct disk_header there;

	if (!in->store->mend)
		return;
	for (unsigned i = 0; i < 2000 && in->store->mend; i++)
		world_step(in);
	if (in->store->mend)
		image_differs(&in->now, &in->now, "what was never finished is not mended");
	for (unsigned place = 0; places >> place; place++)
		if ((places >> place & 1) &&
		    (!header_newest(disksim_frame(&in->sim, header_place(&in->super, place)), &in->super, place, &there) ||
		     there.generation != in->store->header.generation))
			image_differs(&in->now, &in->now, "a header that was never finished is still there");
	if (in->store->mend_record && !frame_is_zero(disksim_frame(&in->sim, record)))
		image_differs(&in->now, &in->now, "a journal record that was never finished is still there");
}

/* Every subset of a small generation is left by a cut.  Where it was not finished, the life that follows makes another
 * generation of the same number, perhaps in the same frames, and each subset of that is left as well. */
static void cut_twice(struct world *w)
{
	struct world *in = w->inner;
	unsigned pending = disksim_pending(&w->sim);

	if (!at_one_flush(w) || pending > SUBSET_WRITES)
		return;
	for (uint32_t subset = 0; subset < 1u << pending; subset++) {
		w->sim.subset = subset;
		world_cut(w, CUT_SUBSET, false);
		mended(in);
		if (w->depth || in->committed == w->store->stable_epoch)
			continue;
		world_load(in, 4);
		store_checkpoint(in->store);
		world_load(in, 24);
	}
}

/* The machine ends and goes on, on a host that does not; then that loses power.  What was not durable yet may be lost,
 * but not mixed with what the second life has written; and all that one was told is saved is. */
static void cut_killed(struct world *w)
{
	struct world *in = w->inner;

	disksim_cut(&w->sim, &in->sim, CUT_KILLED);
	world_restart(in);
	cut_verify(w, in);
	cuts_made++;
	memcpy(in->taken, w->taken, sizeof in->taken);
	in->committed = w->committed;
	for (uint64_t q = in->record_first; q < in->record_next; q++)
		in->record[q % RECORDS].answered = w->record[q % RECORDS].answered;
	if (w->depth)
		return;
	campaign = CUTS_TORN;
	world_load(in, 60);
	campaign = CUTS_KILLED;
}

/* After each write or flush that the disk has answered:
 *   LINEAR  one cut, which leaves all that was answered
 *   TORN    one that leaves any of the writes since the flush, in any order, torn; sometimes one for every subset
 *   TWICE   see cut_twice
 *   KILLED  see cut_killed
 *   NESTED  now and then one of either, and in the life after it again, to depth 3: while it restarts and migrates */
static void world_cuts(struct world *w)
{
	uint64_t random = disksim_random(&w->sim);

	switch (campaign) {
	case CUTS_NONE:
		return;
	case CUTS_LINEAR:
		world_cut(w, CUT_LINEAR, false);
		return;
	case CUTS_TORN:
		world_cut(w, CUT_ANY, false);
		mended(w->inner);
		if (random % 16 == 0)
			cut_subsets(w);
		return;
	case CUTS_TWICE:
		cut_twice(w);
		return;
	case CUTS_KILLED:
		if (random % 8 == 0)
			cut_killed(w);
		return;
	case CUTS_NESTED:
		if (random % 8 == 0)
			world_cut(w, random / 8 % 2, w->depth == 0 || random / 16 % 4 == 0);
	}
}

/* ---- the load -------------------------------------------------------------------------------- */

static struct core *core_take(struct world *w, uint64_t number)
{
	struct core *c = core_find(w, number);
	unsigned start = disksim_random(&w->sim) % CORE;

	if (c)
		return c->state == CORE_HELD ? c : NULL;
	for (unsigned i = 0; i < CORE; i++) {
		c = &w->core[(start + i) % CORE];
		if (c->state == CORE_FREE) {
			if (store_fetch(w->store, oid_of(number), c->data, c - w->core) != STORE_OK)
				return NULL;
			c->state = CORE_FETCHING;
			c->number = number;
			return NULL;
		}
	}
	return NULL;
}

static void load_evict(struct world *w)
{
	struct core *c = &w->core[disksim_random(&w->sim) % CORE];
	struct store_object o;

	if (c->state != CORE_HELD)
		return;
	if (!c->dirty) {
		c->state = CORE_FREE;
		return;
	}
	o = core_object(w, c);
	c->state = CORE_LEAVING;
	if (store_clean(w->store, &o) != STORE_OK)
		c->state = CORE_HELD;
}

static bool core_dirty(struct world *w, struct core *c)
{
	struct store_object o = core_object(w, c);
	int result = store_dirty(w->store, &o, c->dirty);

	assert_true(result == STORE_OK || result == STORE_WAIT || w->store->phase == STORE_FAILED);
	if (result != STORE_OK)
		return false;
	c->dirty = true;
	c->epoch = store_current_epoch(w->store);
	return true;
}

static void load_change(struct world *w)
{
	struct core *c = core_take(w, disksim_random(&w->sim) % profile()->objects);
	struct object *o;
	uint64_t what = disksim_random(&w->sim);

	if (!c || !core_dirty(w, c))
		return;
	o = &w->now.object[c->number];
	if (o->kind == 0 || what % 8 == 0) {
		/* Rescinded or retyped: all capabilities into it die, and it is zero. */
		o->kind = 1 + what / 8 % 3;
		o->alloc_count++;
		o->call_count++;
		o->seed = 0;
	} else {
		o->call_count += what / 8 % 2;
		if (what % 16 != 2 && what % 16 != 4)  /* else it comes back to what it was */
			o->seed = what % 16 == 1 ? 0 : profile()->contents ? what / 16 % profile()->contents * 2 + 1 : what | 1;
	}
	content_fill(c->data, o->seed);
}

static void load_journal(struct world *w)
{
	struct record *r = &w->record[w->record_next % RECORDS];
	struct store_object objects[JOURNAL_PAGES];
	unsigned count = 0, most = 1 + disksim_random(&w->sim) % 3;

	if (w->journalling)
		return;
	for (unsigned i = 0; i < CORE && count < most; i++) {
		struct core *c = &w->core[i];

		if (c->state != CORE_HELD || w->now.object[c->number].kind != 1 || disksim_random(&w->sim) % 4)
			continue;
		r->number[count] = c->number;
		r->object[count] = w->now.object[c->number];
		objects[count++] = core_object(w, c);
	}
	if (!count || store_journal(w->store, objects, count, w->record_next) != STORE_OK)
		return;
	r->sequence = w->record_next++;
	r->count = count;
	r->answered = false;
	w->journalling = true;
}

static void load_one(struct world *w)
{
	unsigned what = disksim_random(&w->sim) % 128;
	const struct profile *p = profile();

	if (what < p->change)
		load_change(w);
	else if ((what -= p->change) < p->evict)
		load_evict(w);
	else if ((what -= p->evict) < p->journal)
		load_journal(w);
	else if (what - p->journal < p->checkpoint)
		store_checkpoint(w->store);
}

static void load_migration(struct world *w)
{
	uint64_t random = disksim_random(&w->sim);

	if (random % 64 == 0)
		store_migration(w->store, !profile()->steadiness || random / 64 % profile()->steadiness);
	if (random % 128 == 1)
		store_hurry(w->store, random / 128 % 2);
}

/* Ends early if the store has failed in a damaged world, or one whose disk fails. */
static void world_load(struct world *w, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		int op;

		for (unsigned n = disksim_random(&w->sim) % 4; n > 0; n--)
			load_one(w);
		load_migration(w);
		op = world_step(w);
		if (w->store->phase == STORE_FAILED && (w->damaged || w->sim.failed))
			break;
		if (w->store->phase == STORE_FAILED || w->store->status.refused)
			image_differs(&w->now, &w->now, "the store failed, or refused a demarcation");
		if (w->inner && (op == DISK_WRITE || op == DISK_FLUSH || op == DISK_THROUGH))
			world_cuts(w);
	}
	copies += w->store->status.copies;
	throttled += w->store->status.throttled;
	quick += w->store->status.quick;
	through += w->store->status.through;
	same += w->store->status.same;
	w->store->status.quick = w->store->status.through = w->store->status.same = 0;
	w->store->status.copies = w->store->status.throttled = 0;
}

/* ---- for the tests ---- */

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}
#endif
