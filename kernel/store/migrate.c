/*
 * migrate.c - brings homes up to date with the committed generation, in the background.
 *
 * Objects go home in the order of their oids, up to MIG_BATCH of one group at a time (half a group, so that runs of
 * frames are few requests and what a first checkpoint leaves is soon gone): read the group's tags and the
 * objects from the log; check them; write the homes and the tags.  In between the directory still covers all of
 * them, so the order of these writes does not matter and a cut among them does no harm.  The next directory leaves out
 * what has moved (V_MOVED): the flush before its header makes the homes durable too, so migration needs none itself.
 * This goes on while a checkpoint is under way, but not in the way of its objects, nor while its commit is taken over,
 * which begins a pass anew: then what the heap holds may be superseded.
 */
#include "panic.h"
#include "store/inner.h"

/* ---- the heap: versions to move, the lowest oid first ------------------------------------ */

static uint64_t heap_oid(const struct store *s, uint32_t at)
{
	return s->m.versions[s->m.heap[at]].oid;
}

static void heap_sink(struct store *s, uint32_t at)
{
	for (;;) {
		uint32_t child = 2 * at + 1, other;

		if (child >= s->heap_count)
			return;
		if (child + 1 < s->heap_count && heap_oid(s, child + 1) < heap_oid(s, child))
			child++;
		if (heap_oid(s, at) <= heap_oid(s, child))
			return;
		other = s->m.heap[at];
		s->m.heap[at] = s->m.heap[child];
		s->m.heap[child] = other;
		at = child;
	}
}

static uint32_t heap_pop(struct store *s)
{
	uint32_t top = s->m.heap[0];

	s->m.heap[0] = s->m.heap[--s->heap_count];
	heap_sink(s, 0);
	return top;
}

/* No home is newer than the header that a restart may fall back to (format.h, invariant 6). */
static bool version_moves(const struct store *s, const struct store_version *v)
{
	return !(v->flags & (V_MOVED | V_BAD | V_WRITING | V_BORROWED)) &&
	       v->epoch <= s->header.generation - (s->header.proves != 0);
}

/* One piece of the building; false: the heap is there.  Nothing in it goes before the next commit begins anew. */
static bool heap_build(struct store *s)
{
	uint32_t end = s->heap_scan + s->m.scan_step;

	if (s->heap_scan < s->version_live) {
		for (; s->heap_scan < end && s->heap_scan < s->version_live; s->heap_scan++)
			if (version_moves(s, &s->m.versions[s->m.live[s->heap_scan]]))
				s->m.heap[s->heap_count++] = s->m.live[s->heap_scan];
		s->heap_sift = s->heap_count / 2;
		return true;
	}
	for (end = s->m.scan_step; s->heap_sift && end; end--)
		heap_sink(s, --s->heap_sift);
	return s->heap_sift || !end;
}

void migrate_renew(struct store *s)
{
	s->heap_count = s->heap_sift = 0;
	s->heap_scan = 0;
	s->mig_pass = true;
	s->mig_put_off += s->mig_hurry;
}

/* ---- one batch --------------------------------------------------------------------------- */

static void batch_written(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	if (--s->mig_left)
		return;
	s->mig = MIG_IDLE;
	if (s->phase == STORE_FAILED)
		return;
	for (unsigned i = 0; i < s->mig_count; i++) {
		s->m.versions[s->mig_version[i]].flags |= V_MOVED;
		s->status.migrated++;
	}
	tag_changed(s, s->mig_group, store_buffer(s, B_MIG_TAG));
}

static void home_write(struct store *s, unsigned i)
{
	struct store_version *v = &s->m.versions[s->mig_version[i]];

	s->mig_left++;
	io_start(s, DISK_WRITE, home_frame(&s->super, v->oid), store_buffer(s, B_MIG + i), batch_written, 0);
}

/* What the log held is good: to its home, and its tag.  Otherwise it stays where it is, and is reported.  An object that
 * is all zero has no need of a home; but the first time it gets something there, for invariant 5 of format.h. */
static bool batch_take(struct store *s, unsigned i)
{
	struct store_version *v = &s->m.versions[s->mig_version[i]];
	struct disk_tag *tag = (struct disk_tag *)store_buffer(s, B_MIG_TAG) + v->oid % GROUP_HOMES;
	bool first = !tag->kind;

	if (v->flags & V_BAD)
		return false;
	if (v->lid && checksum_frame(store_buffer(s, B_MIG + i), v->oid) != v->checksum) {
		v->flags |= V_BAD;
		s->status.condition = C320_VERSION;
		return false;
	}
	*tag = (struct disk_tag){ .checksum = v->checksum, .alloc_count = v->alloc_count, .call_count = v->call_count,
				  .epoch = v->epoch, .kind = v->kind, .null = !v->lid };
	tag_seal(tag, v->oid);
	if (!v->lid && first)
		__builtin_memset(store_buffer(s, B_MIG + i), 0xFF, DISK_FRAME);
	if (v->lid || first)
		home_write(s, i);
	return true;
}

/* A piece of what was read; with the last one the tags are written. */
static void batch_write(struct store *s)
{
	uint32_t end = s->mig_taken + WRITE_STEP < s->mig_count ? s->mig_taken + WRITE_STEP : s->mig_count;

	for (; s->mig_taken < end; s->mig_taken++)
		if (batch_take(s, s->mig_taken))
			s->mig_version[s->mig_good++] = s->mig_version[s->mig_taken];
	if (s->mig_taken < s->mig_count)
		return;
	s->mig_count = s->mig_good;
	if (!s->mig_good) {
		s->mig = MIG_IDLE;
		return;
	}
	s->mig = MIG_WRITING;
	io_start(s, DISK_WRITE, s->super.home_first + s->mig_group * (GROUP_HOMES + 1), store_buffer(s, B_MIG_TAG),
		 batch_written, 0);
}

/* Writing starts in migrate_step, when there are slots.  What cannot be read is left where it is. */
static void batch_read(struct store *s, struct store_io *io, bool ok)
{
	if (!ok)
		s->m.versions[s->mig_version[io->arg]].flags |= V_BAD;
	s->mig_left--;
}

/* Without its tags, which are those of others too, a group stays as it is: its objects remain in the log. */
static void tags_read(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	for (unsigned i = 0; !ok && i < s->mig_count; i++)
		s->m.versions[s->mig_version[i]].flags |= V_BAD;
	s->mig_left--;
}

static unsigned batch_most(const struct store *s)
{
	return s->m.move_batch && s->m.move_batch < MIG_BATCH ? s->m.move_batch : MIG_BATCH;
}

static void batch_begin(struct store *s)
{
	s->mig = MIG_READING;
	s->mig_group = heap_oid(s, 0) / GROUP_HOMES;
	s->mig_count = 0;
	s->mig_left = 1;
	io_start(s, DISK_READ, s->super.home_first + s->mig_group * (GROUP_HOMES + 1), store_buffer(s, B_MIG_TAG),
		 tags_read, 0);
	while (s->heap_count && s->mig_count < batch_most(s) && heap_oid(s, 0) / GROUP_HOMES == s->mig_group) {
		uint32_t i = heap_pop(s);
		struct store_version *v = &s->m.versions[i];

		if (v->lid) {
			s->mig_left++;
			io_start(s, DISK_READ, v->lid, store_buffer(s, B_MIG + s->mig_count), batch_read, s->mig_count);
		}
		s->mig_version[s->mig_count++] = i;
	}
}

/* ---- a pass ------------------------------------------------------------------------------ */

#define PUT_OFF_MOST  40               /* generations that may be asked for one after the other before homes are written */
#define LAZY_VERSIONS 380              /* the directory, written at each commit, is then three frames */

/* What changes often need not go home each time: it waits until the log or the directory has become long. */
bool migrate_wanted(const struct store *s)
{
	uint64_t log_used = s->super.log_frames - s->log_free;

	if (!s->mig_pass || s->migration_off)
		return false;
	if (s->mig_hurry && s->mig_put_off < PUT_OFF_MOST && !s->starved && !store_pressed(s))
		return false;
	return s->mig_begun || s->starved || s->seat_missed || log_used * 4 > s->super.log_frames ||
	       s->version_live > LAZY_VERSIONS ||
	       s->version_live * 8ull > s->m.version_count;
}

bool migrate_step(struct store *s)
{
	if (s->mig == MIG_READING && !s->mig_left) {
		s->mig = MIG_TAKING;
		s->mig_left = 1;               /* the tags */
		s->mig_taken = s->mig_good = 0;
	}
	if (s->mig == MIG_TAKING && io_room(s) > WRITE_STEP + IO_LAST) {
		batch_write(s);
		return true;
	}
	if (s->mig != MIG_IDLE || s->mend || s->phase == STORE_WRITING || s->phase == STORE_APPLY || !migrate_wanted(s) ||
	    io_room(s) < IO_SPARE + MIG_BATCH + 1)
		return false;
	s->mig_begun = true;
	if (heap_build(s))
		return true;
	if (s->heap_count) {
		batch_begin(s);
	} else {
		s->mig_pass = s->mig_begun = false;
		s->mig_put_off = 0;
		s->cache.room(s->cache.context);
	}
	return true;
}
