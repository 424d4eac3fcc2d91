/*
 * log.c - frames of the log, and the versions of objects in them.
 *
 * A frame of the log is taken next-fit, so that what is written together lies together, and is free again when
 * the committed directory does not name it and no version or journal record has it.  A version's frame is never
 * written a second time.
 */
#include "panic.h"
#include "store/inner.h"

#define SEEK_FRAMES 512                /* of the log, looked through for a run */
#define HOT_GENERATIONS 8              /* what was in one of the last so many soon leaves a frame again */

/* ---- frames ------------------------------------------------------------------------------ */

bool log_used(const struct store *s, uint32_t lid)
{
	uint64_t bit = lid - s->super.log_first;

	return s->m.log_map[bit / 64] >> bit % 64 & 1;
}

void log_mark(struct store *s, uint32_t lid)
{
	uint64_t bit = lid - s->super.log_first;

	KCHECK(332, !log_used(s, lid), "a frame of the log has one owner");
	s->m.log_map[bit / 64] |= 1ull << bit % 64;
	s->log_free--;
}

void log_free(struct store *s, uint32_t lid)
{
	uint64_t bit = lid - s->super.log_first;

	KCHECK(333, lid && log_used(s, lid), "a frame of the log is freed once");
	s->m.log_map[bit / 64] &= ~(1ull << bit % 64);
	s->log_free++;
}

uint32_t log_alloc(struct store *s)
{
	KCHECK(334, s->log_free != 0, "a frame of the log was reserved before it is taken");
	for (;;) {
		uint64_t word;

		if (s->log_cursor >= s->super.log_frames)
			s->log_cursor = 0;
		word = ~s->m.log_map[s->log_cursor / 64] >> s->log_cursor % 64;
		if (word & 1)
			break;
		/* To the next free frame of this word, or to the next word. */
		s->log_cursor += word ? (unsigned)__builtin_ctzll(word) : 64 - s->log_cursor % 64;
	}
	log_mark(s, s->super.log_first + s->log_cursor);
	return s->super.log_first + s->log_cursor++;
}

/*
 * Where the next so many frames lie together, near the beginning: what is written at once goes out as one request.
 * Only a guess for what follows; log_alloc takes what is free from there on.
 */
void log_seek(struct store *s, uint64_t count)
{
	uint64_t run = 0, first = seats_end(&s->super), end = first + SEEK_FRAMES;

	s->log_cursor = first;
	for (uint64_t i = first; i < end && i < s->super.log_frames && run < count; i++) {
		run = s->m.log_map[i / 64] >> i % 64 & 1 ? 0 : run + 1;
		if (run == count)
			s->log_cursor = i + 1 - count;
	}
}

uint32_t log_alloc_cold(struct store *s)
{
	uint64_t cursor = s->log_cursor;
	uint32_t lid;

	s->log_cursor = s->log_cold;
	lid = log_alloc(s);
	s->log_cold = s->log_cursor;
	s->log_cursor = cursor;
	return lid;
}

unsigned log_seat(struct store *s, uint64_t count)
{
	unsigned seats = header_places(&s->super) - 2;

	for (unsigned n = 1; n <= seats; n++) {
		unsigned place = 2 + (s->seat_last + n) % seats;
		uint64_t first = (uint64_t)(place - 2) * s->super.seat_step + 1, run = 0;

		if (place == s->header_at)
			continue;
		while (run < count && run + 1 < s->super.seat_step && !log_used(s, s->super.log_first + first + run))
			run++;
		if (run < count)
			continue;
		s->seat_last = place - 2;
		s->log_cursor = first;
		return place;
	}
	return 0;
}

static uint64_t dir_frames(uint64_t entries)
{
	return entries / DIR_ENTRIES + 1;
}

/* Free frames that must be there for what is promised and `more`: the directory of the checkpoint under way or
 * next, and that of the one after, which is written while the first is still the committed one. */
uint64_t log_needed(const struct store *s, uint64_t more)
{
	uint64_t objects = s->reserved_new + s->reserved_old + more;

	return objects + 2 * dir_frames(s->version_live + s->journal_pages + objects);
}

/* ---- versions ---------------------------------------------------------------------------- */

static uint32_t *version_head(struct store *s, uint64_t oid)
{
	return &s->m.hash[(oid * 0x9E3779B97F4A7C15ull >> 32) & (s->m.hash_size - 1)];
}

struct store_version *version_exact(struct store *s, uint64_t oid, uint32_t epoch)
{
	for (uint32_t i = *version_head(s, oid); i; i = s->m.versions[i].next)
		if (s->m.versions[i].oid == oid && s->m.versions[i].epoch == epoch)
			return &s->m.versions[i];
	return NULL;
}

struct store_version *version_newest(struct store *s, uint64_t oid, uint32_t epoch_limit)
{
	struct store_version *newest = NULL;

	for (uint32_t i = *version_head(s, oid); i; i = s->m.versions[i].next) {
		struct store_version *v = &s->m.versions[i];

		if (v->oid == oid && v->epoch <= epoch_limit && (!newest || v->epoch > newest->epoch))
			newest = v;
	}
	return newest;
}

/* Both of one walk: the version of this epoch, and the newest before it. */
static struct store_version *version_before(struct store *s, uint64_t oid, uint32_t epoch, struct store_version **before)
{
	struct store_version *exact = NULL;

	*before = NULL;
	for (uint32_t i = *version_head(s, oid); i; i = s->m.versions[i].next) {
		struct store_version *v = &s->m.versions[i];

		if (v->oid != oid)
			continue;
		if (v->epoch == epoch)
			exact = v;
		else if (v->epoch < epoch && (!*before || v->epoch > (*before)->epoch))
			*before = v;
	}
	return exact;
}

struct store_version *version_add(struct store *s, uint64_t oid, uint32_t epoch)
{
	uint32_t i = s->version_free, *head = version_head(s, oid);
	struct store_version *v;

	if (i)
		s->version_free = s->m.versions[i].next;
	else
		i = s->version_top++;
	KCHECK(335, i < s->m.version_count, "a version was reserved before it is taken");
	v = &s->m.versions[i];
	*v = (struct store_version){ .oid = oid, .epoch = epoch, .next = *head };
	*head = i;
	v->at = s->version_live;
	s->m.live[s->version_live++] = i;
	return v;
}

void version_free(struct store *s, struct store_version *v)
{
	uint32_t i = v - s->m.versions, *link = version_head(s, v->oid);

	while (*link != i)
		link = &s->m.versions[*link].next;
	*link = v->next;
	if (v->lid && !(v->flags & V_BORROWED))
		log_free(s, v->lid);
	s->status.migrated -= (v->flags & V_MOVED) != 0;
	v->flags = 0;
	v->next = s->version_free;
	s->version_free = i;
	s->m.live[v->at] = s->m.live[--s->version_live];
	s->m.versions[s->m.live[v->at]].at = v->at;
}

/* ---- writing ----------------------------------------------------------------------------- */

static void version_written(struct store *s, struct store_io *io, bool ok)
{
	struct store_version *v = &s->m.versions[io->arg];
	uint64_t oid = v->oid;
	uint32_t epoch = v->epoch;

	bool changed = !(v->flags & V_SAME);

	s->own_writes -= (v->flags & V_OWN) != 0;
	v->flags &= ~(V_WRITING | V_OWN | V_SAME);
	if (!ok) {
		store_fail(s, STORE_IO, 0);
		return;
	}
	if (io->arg2)
		s->copy[io->arg2 - 1].used = s->copy[io->arg2 - 1].writing = 0;
	else
		s->cache.cleaned(s->cache.context, oid, epoch, changed);
	s->cache.room(s->cache.context);
}

/* Whether the disk may be reading the object's frame.  A copy is nobody's frame. */
bool version_in_flight(struct store *s, uint64_t oid)
{
	for (uint32_t i = *version_head(s, oid); i; i = s->m.versions[i].next)
		if (s->m.versions[i].oid == oid && (s->m.versions[i].flags & V_OWN))
			return true;
	return false;
}

unsigned versions_in_flight(const struct store *s, uint32_t epoch_limit)
{
	unsigned count = 0;

	for (unsigned i = io_busy_next(s, 0); i < IO_SLOTS; i = io_busy_next(s, i + 1)) {
		const struct store_io *io = &s->io[i];

		count += io->done == version_written && s->m.versions[io->arg].epoch <= epoch_limit;
	}
	return count;
}

bool version_busy(struct store *s, uint64_t oid, uint32_t epoch)
{
	struct store_version *v = version_exact(s, oid, epoch);

	return v && (v->flags & V_WRITING);
}

bool version_may_write(const struct store *s)
{
	return io_room(s) > IO_SPARE && (!s->m.write_slots || versions_in_flight(s, ~0u) < s->m.write_slots);
}

bool version_write(struct store *s, const struct store_object *o, void *data, int copy)
{
	struct store_version *older, *v = version_before(s, o->oid, o->epoch, &older);
	bool null = frame_is_zero(data), small, hot, same;
	struct store_io *io;

	/* Out early in this epoch, and changed again: no directory names the earlier frame yet. */
	if (v) {
		KCHECK(336, !(v->flags & V_WRITING), "an object is written once at a time");
		if (v->lid && !(v->flags & V_BORROWED))
			log_free(s, v->lid);
		v->flags = 0;
	} else {
		v = version_add(s, o->oid, o->epoch);
	}
	if (o->epoch == s->epoch)
		s->reserved_new--;
	else
		s->reserved_old--;
	small = s->small && s->phase == STORE_WRITING && v->epoch == s->stable_epoch;
	hot = small && s->seat && older && older->epoch + HOT_GENERATIONS > v->epoch;
	v->lid = null ? 0 : small && s->seat && !hot ? log_alloc_cold(s) : log_alloc(s);
	v->checksum = null ? 0 : checksum_frame(data, o->oid);
	v->alloc_count = o->alloc_count;
	v->call_count = o->call_count;
	v->kind = o->kind;
	if (older && older->alloc_count > v->alloc_count) {
		store_fail(s, STORE_BAD, C319_COUNTS);
		return false;
	}
	v->flags |= copy ? V_WRITING : V_WRITING | V_OWN;
	same = older && older->checksum == v->checksum && (older->lid == 0) == null;
	v->flags |= same ? V_SAME : 0;
	if (same && !o->moving && small && !null)
		same_keep(s, v, data);
	s->own_writes += !copy;
	if (null) {
		struct store_io none = { .arg = v - s->m.versions, .arg2 = copy };

		version_written(s, &none, true);
		return same;
	}
	s->through += hot;
	io = io_start(s, hot ? DISK_THROUGH : DISK_WRITE, v->lid, data, version_written, v - s->m.versions);
	io->arg2 = copy;
	return same;
}
