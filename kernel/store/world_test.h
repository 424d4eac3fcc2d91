/*
 * world_test.h - a store on a disk that loses power, the cache over it, and a model of what it must hold.  For the
 * tests of this folder.
 *
 * The model is an array of what every object is; a copy of it is taken at each demarcation.  A random load changes,
 * rescinds, evicts, fetches, journals and checkpoints.  A world has an inner world, where its disk is restarted as a
 * power cut would leave it; the inner world can live on and be cut again.
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
	bool verifying, journalling;
	unsigned verified;
	uint8_t *scratch;
};

static uint64_t seed0 = 1;
static uint64_t cuts_linear, cuts_any, cuts_nested, checkpoints, replays, copies, throttled;

static uint64_t oid_of(uint64_t number)
{
	return number < OBJECTS / 2 ? number + 3 : number + GROUP_HOMES;
}

static uint64_t number_of(uint64_t oid)
{
	return oid < GROUP_HOMES ? oid - 3 : oid - GROUP_HOMES;
}

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

static void cache_cleaned(void *context, uint64_t oid, uint32_t epoch)
{
	struct world *w = context;
	struct core *c = core_find(w, number_of(oid));

	assert_non_null(c);
	if (c->epoch != epoch)
		return;
	c->dirty = false;
	if (c->state == CORE_LEAVING)
		c->state = CORE_FREE;
}

static void cache_fetched(void *context, uint64_t cookie, const struct store_object *o, int result)
{
	struct world *w = context;
	struct core *c = &w->core[cookie % CORE];
	struct object got = { o->alloc_count, o->call_count, content_seed(o->data), o->kind };

	if (w->verifying) {
		w->verified++;
		w->fetched_bad += result != STORE_OK;
		w->check.object[number_of(o->oid)] = got;
		return;
	}
	assert_int_equal(result, STORE_OK);
	assert_memory_equal(&got, &w->now.object[c->number], offsetof(struct object, kind) + 1);
	c->state = CORE_HELD;
	c->dirty = false;
}

static void cache_journalled(void *context, uint64_t cookie, int result)
{
	struct world *w = context;

	assert_int_equal(result, STORE_OK);
	w->record[cookie % RECORDS].answered = true;
	w->journalling = false;
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

static struct world *world_new(unsigned depth)
{
	struct world *w = calloc(1, sizeof *w);

	w->depth = depth;
	disksim_init(&w->sim, FRAMES, seed0 + depth);
	w->sim.garble_first = HEADER_FRAME;
	w->sim.garble_end = HEADER_FRAME + 2;
	w->store = calloc(1, store_size());
	w->memory = (struct store_memory){ .version_count = VERSIONS, .hash_size = 64, .copy_count = 4,
					  .write_slots = seed0 % 4 * 3, .scan_step = 1 + seed0 % 50 };
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
	super_plan(&w->super, FRAMES, 48 + seed0 % 3 * 20, RING, 0xC0FFEE);
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
	w->journalling = false;
	store_open(w->store, &disk, &cache, &w->memory, &w->super);
}

static void world_format(struct world *w)
{
	memset(w->sim.durable, 0, FRAMES * (size_t)DISK_FRAME);
	memset(w->sim.stale, 1, FRAMES);
	store_format(&w->super, disksim_frame(&w->sim, 0), disksim_frame(&w->sim, 1), disksim_frame(&w->sim, 2));
	if (w->inner)
		memset(w->inner->sim.stale, 1, FRAMES);
	memset(&w->now, 0, sizeof w->now);
	memset(w->taken, 0, sizeof w->taken);
	w->taken[1].generation = w->committed = 1;
	w->record_first = w->record_next = 1;
	world_open(w);
}

/* One step; the disk answers one request. */
static int world_step(struct world *w)
{
	int op;

	store_step(w->store);
	op = disksim_run(&w->sim, w->store);
	return op;
}

static void world_restart(struct world *w)
{
	world_open(w);
	for (unsigned i = 0; i < 10000 && w->store->phase == STORE_RESTARTING; i++)
		world_step(w);
}

/* Fetches everything into check. */
static void world_read(struct world *w)
{
	w->verifying = true;
	w->verified = w->fetched_bad = 0;
	for (unsigned i = 0; i < OBJECTS; i++)
		while (store_fetch(w->store, oid_of(i), w->scratch + i * DISK_FRAME, 0) != STORE_OK)
			world_step(w);
	while (w->verified < OBJECTS)
		world_step(w);
	w->verifying = false;
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
	fprintf(stderr, "SEED=%llu, after %llu + %llu + %llu cuts: %s\n", (unsigned long long)seed0,
		(unsigned long long)cuts_linear, (unsigned long long)cuts_any, (unsigned long long)cuts_nested, why);
	abort();
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
	if (w->depth)
		cuts_nested++;
	else if (how == CUT_LINEAR)
		cuts_linear++;
	else
		cuts_any++;
	if (nest && in->depth < DEPTH)
		world_load(in, 40 + disksim_random(&in->sim) % 200);
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

	assert_true(result == STORE_OK || result == STORE_WAIT);
	if (result != STORE_OK)
		return false;
	c->dirty = true;
	c->epoch = store_current_epoch(w->store);
	return true;
}

static void load_change(struct world *w)
{
	struct core *c = core_take(w, disksim_random(&w->sim) % OBJECTS);
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
		o->seed = what % 16 == 1 ? 0 : what | 1;
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
	uint64_t what = disksim_random(&w->sim) % 128;

	if (what < 80)
		load_change(w);
	else if (what < 110)
		load_evict(w);
	else if (what < 118)
		load_journal(w);
	else if (what == 127)
		store_checkpoint(w->store);
}

static void world_load(struct world *w, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		int op;

		for (unsigned n = disksim_random(&w->sim) % 4; n > 0; n--)
			load_one(w);
		if (disksim_random(&w->sim) % 64 == 0)
			store_migration(w->store, disksim_random(&w->sim) % 2);
		op = world_step(w);
		if (w->store->phase == STORE_FAILED || w->store->status.refused)
			image_differs(&w->now, &w->now, "the store failed, or refused a demarcation");
		if (!w->inner || (op != DISK_WRITE && op != DISK_FLUSH))
			continue;
		if (w->depth == 0) {
			world_cut(w, CUT_LINEAR, false);
			world_cut(w, CUT_ANY, disksim_random(&w->sim) % 8 == 0);
		} else if (disksim_random(&w->sim) % 8 == 0) {
			world_cut(w, disksim_random(&w->sim) % 2, disksim_random(&w->sim) % 4 == 0);
		}
	}
	copies += w->store->status.copies;
	throttled += w->store->status.throttled;
	w->store->status.copies = w->store->status.throttled = 0;
}

/* ---- for the tests ---- */

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}
#endif
