/*
 * checkpoint.c - demarcation, stabilisation, commit.
 *
 *     IDLE -> WRITING -> DIRECTORY -> FLUSH_1 -> HEADER -> FLUSH_2 -> APPLY -> IDLE         large
 *     IDLE -> WRITING -> DIRECTORY -> HEADER -> SETTLE -> FLUSH_2 -> APPLY -> IDLE          small
 *     IDLE -> WRITING -> DIRECTORY -> HEADER -> SETTLE -> APPLY -> IDLE                     small, written through
 *
 *   demarcate   conditions checked; the epoch is bumped; the cache write-protects.  All reservations become old.
 *   WRITING     copies first, because they hold up writers, then the cache's frames dirty in the old epoch.  The log
 *               is filled from its beginning, so that a disk that is busy with small commits stays small; first come
 *               the seats, and a small generation goes after one of them.
 *   DIRECTORY   one entry for every object whose home is not up to date; their writes are all under way.
 *   FLUSH_1     nothing that the header names, and no home that it relies on, may be younger than the header.
 *   HEADER      in a frame that does not hold the committed header: one of the first two, or the seat.
 *   SETTLE      a small one's header is on its way together with what it names, and must prove itself at a restart
 *               (format.h, invariant 6): then one flush is enough.  It waits until all of that is answered.  If all of
 *               it was written through, to a seat and the frames after it, it is durable by then, without a flush: the
 *               host does at once what would be two round trips.
 *   FLUSH_2     when it is answered, the generation is committed.
 *   APPLY       what only the older generation needed is free.  It waits for migration's and the journal's requests
 *               under way, because they may use what it frees.
 */
#include "panic.h"
#include "store/inner.h"

#define SMALL_OBJECTS  40              /* dirty: all goes out in one step, to lie in one run of frames if there is one */
#define QUICK_PROVES   192             /* versions that a restart may have to read to judge one header */
#define QUICK_VERSIONS 2048            /* in the directory, which is then some 16 frames at most */
#define QUICK_RUN      64              /* generations; the next leaves out what has moved home, which needs two flushes */
#define QUICK_MOVED    254             /* versions, or two frames of the directory, that it is worth to leave out at once */

/* ---- demarcation ------------------------------------------------------------------------- */

/* Whether this one may be small; what it writes is known when its directory is. */
static bool quick_may(const struct store *s)
{
	return s->super.version >= 3 && s->quick_run < QUICK_RUN && s->version_live <= QUICK_VERSIONS &&
	       s->status.migrated <= QUICK_MOVED && !s->starved && !store_pressed(s);
}

/* Where in the log `count` frames go: after a seat if they can be written through. */
static void log_place(struct store *s, uint64_t count)
{
	s->log_rest = s->log_cursor < seats_end(&s->super) ? seats_end(&s->super) : s->log_cursor;
	s->through = 0;
	s->seat = 0;
	if (!s->small) {
		s->log_cursor = seats_end(&s->super);
		return;
	}
	log_seek(s, count);
	s->log_cold = s->log_cursor;
	if (!s->disk.through || !quick_may(s) || header_places(&s->super) == 2)
		return;
	s->seat = log_seat(s, count);
	s->seat_missed |= !s->seat;
}

static void demarcate(struct store *s)
{
	int broken = s->cache.check(s->cache.context);

	s->want_checkpoint = false;
	if (!broken)
		broken = store_check(s, false);
	if (broken) {
		s->status.condition = broken;
		s->status.refused++;
		s->starved = false;
		return;
	}
	KCHECK(339, s->reserved_old == 0 && s->copy_waiting == 0, "one generation is stabilised at a time");
	s->stable_epoch = s->epoch++;
	s->reserved_old = s->reserved_new;
	s->reserved_new = 0;
	s->scan = 0;
	s->scan_done = false;
	s->small = s->reserved_old <= SMALL_OBJECTS;
	log_place(s, s->reserved_old + (s->version_live + s->reserved_old) / DIR_ENTRIES + 1);
	s->next_header = (struct disk_header){ .store_id = s->super.store_id, .generation = s->stable_epoch,
					       .journal_sequence = s->journal_next - 1 };
	s->phase = STORE_WRITING;
	s->cache.demarcated(s->cache.context, s->epoch, s->next_header.root);
}

/* When nobody asked: the log is filling, or somebody waits for room that only a commit can free. */
static bool checkpoint_due(const struct store *s)
{
	bool changed = s->reserved_new || s->status.migrated || s->version_live > s->live_at_commit;
	bool moving = s->mig != MIG_IDLE || migrate_wanted(s);

	if (s->held || s->mend)
		return false;
	if (s->want_checkpoint)
		return true;
	if (s->starved)
		return !moving;
	return changed && store_pressed(s) && (!moving || s->reserved_new * 4 > s->super.log_frames);
}

/* ---- objects ----------------------------------------------------------------------------- */

static bool write_copies(struct store *s)
{
	bool did = false;

	for (uint32_t i = 0; s->copy_waiting && i < s->m.copy_count && version_may_write(s); i++) {
		struct store_copy *copy = &s->copy[i];

		if (!copy->used || copy->writing || version_busy(s, copy->object.oid, copy->object.epoch))
			continue;
		copy->writing = 1;
		s->copy_waiting--;
		version_write(s, &copy->object, copy->object.data, i + 1);
		did = true;
	}
	return did;
}

static bool write_objects(struct store *s)
{
	struct store_object object;
	bool did = write_copies(s);

	unsigned most = s->small ? IO_SLOTS : WRITE_STEP;

	for (unsigned n = 0; n < most && !s->scan_done && version_may_write(s) && s->phase == STORE_WRITING; n++) {
		uint64_t before = s->scan;

		if (!s->cache.next_dirty(s->cache.context, &s->scan, s->stable_epoch, &object)) {
			s->scan_done = true;
		} else if (version_in_flight(s, object.oid)) {
			continue;      /* written out early: it is clean when that is done */
		} else if (version_busy(s, object.oid, object.epoch) ||
			   (object.moving && write_moving(s, &object) != STORE_OK)) {
			s->scan = before;
			return did;
		} else if (!object.moving && s->small && same_as_saved(s, &object)) {
			s->reserved_old--;
			s->status.same++;
			s->cache.cleaned(s->cache.context, object.oid, object.epoch, false);
		} else if (!object.moving && !(s->small && write_moving(s, &object) == STORE_OK)) {
			version_write(s, &object, object.data, 0);
		}
		did = true;
	}
	if (!s->scan_done || s->copy_waiting || s->reserved_old || s->phase != STORE_WRITING)
		return did;
	s->quick = quick_may(s);
	s->dir_scan = 0;
	s->dir_open = NULL;
	s->dir_next_lid = 0;
	s->phase = STORE_DIRECTORY;
	return true;
}

/* ---- directory --------------------------------------------------------------------------- */

static void dir_written(struct store *s, struct store_io *io, bool ok)
{
	s->dir_busy[io->arg] = false;
	if (!ok)
		store_fail(s, STORE_IO, 0);
}

static void dir_close(struct store *s, uint32_t next)
{
	unsigned buffer = ((uint8_t *)s->dir_open - (uint8_t *)store_buffer(s, B_DIR)) / DISK_FRAME;
	uint8_t slot = !s->dir_slot;

	s->dir_open->next = next;
	dir_seal(s->dir_open);
	s->next_header.dir_sum = dir_add(s->next_header.dir_sum, s->dir_open);
	io_start(s, s->seat ? DISK_THROUGH : DISK_WRITE, s->m.dirs[slot][s->dir_count[slot] - 1], s->dir_open, dir_written,
		 buffer);
	s->dir_open = NULL;
	s->dir_next_lid = next;
}

/* A frame of the directory to fill: false if all buffers are on their way. */
static bool dir_begin(struct store *s)
{
	uint8_t slot = !s->dir_slot;

	for (unsigned i = 0; i < DIR_BUFFERS; i++) {
		if (s->dir_busy[i])
			continue;
		if (!s->dir_next_lid)
			s->dir_next_lid = s->next_header.dir_first = log_alloc(s);
		s->m.dirs[slot][s->dir_count[slot]] = s->dir_next_lid;
		s->dir_busy[i] = true;
		s->dir_open = store_buffer(s, B_DIR + i);
		__builtin_memset(s->dir_open, 0, DISK_FRAME);
		s->dir_open->generation = s->stable_epoch;
		s->dir_open->index = s->dir_count[slot]++;
		return true;
	}
	return false;
}

/* False: try again when a buffer is free. */
static bool dir_put(struct store *s, const struct store_version *v)
{
	if (s->dir_open && s->dir_open->count == DIR_ENTRIES)
		dir_close(s, log_alloc(s));
	if (!s->dir_open && !dir_begin(s))
		return false;
	s->dir_open->entry[s->dir_open->count++] = (struct disk_entry){ .oid_kind = ENTRY_OID_KIND(v->oid, v->kind),
		.checksum = v->checksum, .lid = v->lid, .alloc_count = v->alloc_count, .call_count = v->call_count,
		.epoch = v->epoch };
	s->next_header.dir_entries++;
	return true;
}

static bool dir_is_writing(const struct store *s)
{
	for (unsigned i = 0; i < DIR_BUFFERS; i++)
		if (s->dir_busy[i])
			return true;
	return false;
}

/* ---- the header -------------------------------------------------------------------------- */

static void flushed_2(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	else
		s->phase = STORE_APPLY;
}

static void flush_2_start(struct store *s)
{
	s->phase = STORE_FLUSH_2;
	io_start(s, DISK_FLUSH, 0, NULL, flushed_2, 0);
}

static void header_written(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	else if (s->quick)
		s->phase = STORE_SETTLE;
	else
		flush_2_start(s);
}

/* Not all that it names is written through: so nothing is, and a flush follows.  What is under way may be. */
static void through_not(struct store *s)
{
	for (unsigned i = io_busy_next(s, 0); i < IO_SLOTS; i = io_busy_next(s, i + 1))
		if (s->io[i].op == DISK_THROUGH && s->io[i].state == IO_QUEUED)
			s->io[i].op = DISK_WRITE;
	s->seat = 0;
}

/* One of the first two, by its generation, if the header in force does not stand in there for another. */
static unsigned header_next(const struct store *s)
{
	unsigned place = s->next_header.generation & 1;

	return header_places(&s->super) > 2 && place == s->header_at ? !place : place;
}

static bool header_start(struct store *s)
{
	KCHECK(340, s->reserved_old == 0, "everything that was dirty at the demarcation has been written");
	s->next_header.dir_frames = s->dir_count[!s->dir_slot];
	s->phase = STORE_HEADER;
	if (s->seat && (!s->quick || s->through != s->next_header.proves))
		through_not(s);
	s->next_at = s->seat ? s->seat : header_next(s);
	KCHECK(341, s->next_at != s->header_at, "the header in force is not written over");
	header_put(&s->next_header, &s->super, s->next_at);
	header_seal(&s->next_header, store_buffer(s, B_HEADER));
	io_start(s, s->seat ? DISK_THROUGH : DISK_WRITE, header_place(&s->super, s->next_at), store_buffer(s, B_HEADER),
		 header_written, 0);
	if (s->small)
		s->log_cursor = s->log_rest;
	return true;
}

static bool settle(struct store *s)
{
	if (dir_is_writing(s) || versions_in_flight(s, s->stable_epoch))
		return false;
	if (s->seat)
		s->phase = STORE_APPLY;
	else
		flush_2_start(s);
	return true;
}

static bool write_directory(struct store *s)
{
	uint32_t end = s->dir_scan + s->m.scan_step;

	if (s->dir_scan < s->version_live) {
		for (; s->dir_scan < s->version_live && s->dir_scan < end && io_room(s) > IO_LAST; s->dir_scan++) {
			struct store_version *v = &s->m.versions[s->m.live[s->dir_scan]];

			if (v->epoch > s->stable_epoch || (v->epoch < s->stable_epoch &&
			    version_newest(s, v->oid, s->stable_epoch) != v))
				continue;
			if ((v->flags & V_MOVED) && !s->quick)
				v->flags |= V_OMITTED;
			else if (!dir_put(s, v))
				return false;
			else
				s->next_header.proves += v->epoch == s->stable_epoch && v->lid;
		}
		return true;
	}
	if (s->dir_open) {
		if (io_room(s) <= IO_LAST)
			return false;
		dir_close(s, 0);
		return true;
	}
	if (s->quick && s->next_header.proves <= QUICK_PROVES && s->next_header.proves)
		return header_start(s);
	s->quick = false;
	s->next_header.proves = 0;
	if (dir_is_writing(s) || versions_in_flight(s, s->stable_epoch))
		return false;
	s->phase = STORE_FLUSH_1;
	return true;
}

/* ---- commit ------------------------------------------------------------------------------ */

static void flushed_1(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	else
		header_start(s);
}

/* What the committed directory supersedes. */
static void version_supersede(struct store *s, struct store_version *v)
{
	if (v->epoch < s->header.generation && version_newest(s, v->oid, s->header.generation) != v)
		version_free(s, v);
}

/* What it leaves to its home. */
static void version_leave(struct store *s, struct store_version *v)
{
	if (v->flags & V_OMITTED)
		version_free(s, v);
}

/* A journal's frames have just gone back (journal_committed): the versions that a restart made of its pages keep
 * theirs.  Once in a life, and only after a restart that found a journal. */
static void borrowed_keep(struct store *s)
{
	for (uint32_t i = 0; i < s->version_live && s->borrowed; i++) {
		struct store_version *v = &s->m.versions[s->m.live[i]];

		if (!(v->flags & V_BORROWED))
			continue;
		log_mark(s, v->lid);
		v->flags &= ~V_BORROWED;
	}
	s->borrowed = false;
}

/* Two rounds over the versions, because an older version must not become the newest when the newest goes first.
 * Each goes down, since the last takes the place of one that goes. */
static void apply_begin(struct store *s)
{
	uint64_t old_sequence = s->header.journal_sequence;

	for (uint32_t i = 0; i < s->dir_count[s->dir_slot]; i++)
		log_free(s, s->m.dirs[s->dir_slot][i]);
	s->dir_count[s->dir_slot] = 0;
	s->dir_slot = !s->dir_slot;
	s->header = s->next_header;
	s->header_at = s->next_at;
	s->quick_run = s->quick ? s->quick_run + 1 : 0;
	s->status.quick += s->quick;
	s->status.through += s->seat != 0;
	s->seat_missed &= s->quick;
	journal_committed(s, old_sequence, s->header.journal_sequence);
	borrowed_keep(s);
	s->apply_round = 1;
	s->apply_scan = s->version_live;
}

static void apply_end(struct store *s)
{
	s->apply_round = 0;
	migrate_renew(s);
	s->starved = false;
	s->live_at_commit = s->version_live;
	s->status.checkpoints++;
	s->phase = STORE_IDLE;
	s->cache.committed(s->cache.context, s->header.generation);
	s->cache.room(s->cache.context);
}

static bool apply(struct store *s)
{
	if (!s->apply_round) {
		if (s->mig != MIG_IDLE || s->journal_state)
			return false;
		apply_begin(s);
		return true;
	}
	for (uint32_t n = s->m.scan_step; n && s->apply_scan; n--) {
		struct store_version *v = &s->m.versions[s->m.live[--s->apply_scan]];

		(s->apply_round == 1 ? version_supersede : version_leave)(s, v);
	}
	if (s->apply_scan)
		return true;
	s->apply_scan = s->version_live;
	/* The directory of a small one leaves nothing out. */
	if (s->apply_round++ == 2 || s->quick)
		apply_end(s);
	return true;
}

bool checkpoint_step(struct store *s)
{
	bool did;

	switch (s->phase) {
	case STORE_IDLE:
		if (!checkpoint_due(s))
			return false;
		demarcate(s);
		return true;
	case STORE_WRITING:
		did = write_objects(s);
		if (!s->small || s->phase != STORE_DIRECTORY)
			return did;
		while (s->phase == STORE_DIRECTORY && write_directory(s))
			;
		return true;
	case STORE_DIRECTORY:
		return write_directory(s);
	case STORE_FLUSH_1:
		/* Once: the phase stays until the answer, which moves it on. */
		if (s->dir_open || s->next_header.magic)
			return false;
		s->next_header.magic = HEADER_MAGIC;
		io_start(s, DISK_FLUSH, 0, NULL, flushed_1, 0);
		return true;
	case STORE_SETTLE:
		return settle(s);
	case STORE_APPLY:
		return apply(s);
	}
	return false;
}
