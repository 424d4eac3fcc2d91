/*
 * store.c - opening, stepping, and the promises made to the cache: reservations and copies on write.
 *
 * What may become dirty is decided here and nowhere else.  A reservation is one frame of the log; it is taken when
 * an object becomes dirty, and used up when its write starts (version_write).  An object about to change that is
 * dirty in an older epoch is copied first: the copy keeps the old reservation, the object takes a new one.
 */
#include "panic.h"
#include "store/inner.h"

#define PRESSURE_PERCENT 65            /* of the log in use or promised: a checkpoint is started */

uint64_t store_size(void)
{
	return sizeof(struct store);
}

uint64_t store_version_bytes(void)
{
	return sizeof(struct store_version);
}

void tables_clear(struct store *s)
{
	uint64_t log_frames = s->super.log_frames;

	__builtin_memset(s->m.hash, 0, s->m.hash_size * sizeof *s->m.hash);
	__builtin_memset(s->m.log_map, 0, (log_frames + 63) / 64 * 8);
	s->log_free = log_frames;
	/* The bits beyond the log's end are never free. */
	if (log_frames % 64)
		s->m.log_map[log_frames / 64] = ~0ull << log_frames % 64;
	for (unsigned place = 2; place < header_places(&s->super); place++)
		log_mark(s, header_place(&s->super, place));
	s->version_free = s->version_live = 0;
	s->version_top = 1;
	s->dir_count[0] = s->dir_count[1] = 0;
}

void store_open(struct store *s, const struct store_disk *disk, const struct store_cache *cache,
		const struct store_memory *memory, const struct disk_super *super)
{
	__builtin_memset(s, 0, sizeof *s);
	s->disk = *disk;
	s->cache = *cache;
	s->m = *memory;
	s->super = *super;
	KCHECK(337, (s->m.hash_size & (s->m.hash_size - 1)) == 0, "the hash's size is a power of two");
	KCHECK(338, s->m.copy_count <= STORE_COPIES, "there is a header for every copy");
	tables_clear(s);
	__builtin_memset(s->io_free, 0xFF, sizeof s->io_free);
	s->io_free_count = IO_SLOTS;
	restart_start(s);
}

void store_fail(struct store *s, int failure, int condition)
{
	s->phase = STORE_FAILED;
	s->status.failure = failure;
	if (condition)
		s->status.condition = condition;
}

bool store_ready(const struct store *s)
{
	return s->phase >= STORE_IDLE && s->phase != STORE_FAILED;
}

const uint64_t *store_root(const struct store *s)
{
	return s->header.root;
}

uint32_t store_current_epoch(const struct store *s)
{
	return s->epoch;
}

void store_migration(struct store *s, bool on)
{
	s->migration_off = !on;
}

void store_hurry(struct store *s, bool on)
{
	s->mig_hurry = on;
	if (!on)
		s->mig_put_off = 0;
}

void store_hold(struct store *s, bool on)
{
	s->held = on;
}

bool store_busy(const struct store *s)
{
	if (s->phase != STORE_IDLE)
		return true;
	if (s->io_free_count < IO_SLOTS)
		return true;
	return migrate_wanted(s);
}

bool store_small(const struct store *s)
{
	return s->phase > STORE_IDLE && s->phase != STORE_FAILED && s->small;
}

void store_tags_ahead(struct store *s, uint64_t group)
{
	bool failed;

	if (store_ready(s))
		tag_get(s, group * GROUP_HOMES, &failed);
}

int store_kind(struct store *s, uint64_t oid, uint8_t *kind)
{
	struct store_version *v = version_newest(s, oid, ~0u);
	struct disk_tag *tag;
	bool failed;
	int broken;

	if (v) {
		*kind = v->kind;
		return STORE_OK;
	}
	tag = tag_get(s, oid, &failed);
	if (!tag)
		return failed ? STORE_IO : STORE_WAIT;
	broken = tag_judge(tag, oid, s->header.generation);
	if (broken) {
		s->status.condition = broken;
		return STORE_BAD;
	}
	*kind = tag->kind;
	return STORE_OK;
}

int store_compare(struct store *s, uint64_t oid, const void *data)
{
	struct store_version *v = version_newest(s, oid, ~0u);
	struct disk_tag *tag;
	bool failed;

	if (v)
		return v->lid && v->checksum == checksum_frame(data, oid) ? STORE_OK : STORE_BAD;
	tag = tag_get(s, oid, &failed);
	if (!tag)
		return failed ? STORE_IO : STORE_WAIT;
	if (tag_judge(tag, oid, s->header.generation) || !tag->kind || tag->null)
		return STORE_BAD;
	return tag->checksum == checksum_frame(data, oid) ? STORE_OK : STORE_BAD;
}

bool store_step(struct store *s)
{
	bool did;

	/* The demarcation stops everything: nothing else is done in its step. */
	if (s->phase == STORE_IDLE && checkpoint_step(s))
		return true;
	did = io_step(s);
	if (s->phase == STORE_FAILED)
		return did;
	if (s->phase == STORE_RESTARTING) {
		did |= restart_step(s);
	} else {
		did |= mend_step(s);
		did |= fetch_step(s);
		did |= migrate_step(s);
		did |= checkpoint_step(s);
	}
	return io_step(s) || did;
}

/* ---- what may become dirty --------------------------------------------------------------- */

static bool versions_full(const struct store *s, uint64_t more)
{
	return s->version_live + s->reserved_new + s->reserved_old + more + 1 > s->m.version_count;
}

int store_room(struct store *s, uint64_t count)
{
	if (s->phase == STORE_FAILED)
		return s->status.failure;
	if (!store_ready(s) || s->mend)
		return STORE_WAIT;
	if (count + 2 * (count / DIR_ENTRIES + 1) + header_places(&s->super) - 2 > s->super.log_frames ||
	    count + 1 > s->m.version_count)
		return STORE_FULL;
	if (log_needed(s, count) <= s->log_free && !versions_full(s, count))
		return STORE_OK;
	s->starved = true;
	s->status.throttled++;
	return STORE_WAIT;
}

/* A free frame for a copy, filled and taken; NULL if there is none. */
static struct store_copy *copy_take(struct store *s, const struct store_object *o)
{
	for (uint32_t i = 0; i < s->m.copy_count; i++) {
		struct store_copy *copy = &s->copy[i];

		if (copy->used)
			continue;
		copy->object = *o;
		copy->object.data = store_buffer(s, STORE_BUFFERS + i);
		copy->used = 1;
		__builtin_memcpy(copy->object.data, o->data, DISK_FRAME);
		s->status.copies++;
		return copy;
	}
	s->status.throttled++;
	return NULL;
}

int copy_frozen(struct store *s, const struct store_object *o)
{
	if (!copy_take(s, o))
		return STORE_WAIT;
	s->copy_waiting++;
	return STORE_OK;
}

int write_moving(struct store *s, const struct store_object *o)
{
	struct store_copy *copy = copy_take(s, o);
	bool same;

	if (!copy)
		return STORE_WAIT;
	copy->writing = 1;
	same = version_write(s, o, copy->object.data, copy - s->copy + 1);
	s->cache.cleaned(s->cache.context, o->oid, o->epoch, !same);
	return STORE_OK;
}

int store_dirty(struct store *s, const struct store_object *o, bool was_dirty)
{
	int result;

	if (o->oid >= s->super.homes)
		return STORE_FULL;
	if (s->phase == STORE_FAILED)
		return s->status.failure;
	if (was_dirty && version_in_flight(s, o->oid))
		return STORE_WAIT;
	if (was_dirty && o->epoch == s->epoch)
		return STORE_OK;
	result = store_room(s, 1);
	if (result == STORE_OK && was_dirty)
		result = copy_frozen(s, o);
	if (result == STORE_OK)
		s->reserved_new++;
	return result;
}

bool store_room_again(const struct store *s)
{
	return !s->starved && !store_pressed(s) && log_needed(s, 1) <= s->log_free && !versions_full(s, 1);
}

void store_dirty_again(struct store *s)
{
	s->reserved_new++;
}

int store_clean(struct store *s, const struct store_object *o)
{
	if (s->phase == STORE_FAILED)
		return s->status.failure;
	if (!store_ready(s) || s->mend || !version_may_write(s) || version_busy(s, o->oid, o->epoch))
		return STORE_WAIT;
	if (o->moving)
		return write_moving(s, o);
	version_write(s, o, o->data, 0);
	return STORE_OK;
}

int store_checkpoint(struct store *s)
{
	if (s->phase == STORE_FAILED)
		return s->status.failure;
	s->want_checkpoint = true;
	return STORE_OK;
}

bool store_pressed(const struct store *s)
{
	uint64_t used = s->super.log_frames - s->log_free + s->reserved_new + s->reserved_old;

	return used * 100 > s->super.log_frames * PRESSURE_PERCENT ||
	       s->version_live * 100ull > s->m.version_count * (uint64_t)PRESSURE_PERCENT;
}

void store_get_status(const struct store *s, struct store_status *status)
{
	*status = s->status;
	status->phase = s->phase;
	status->generation = s->header.generation;
	status->epoch = s->epoch;
	status->log_frames = s->super.log_frames;
	status->log_free = s->log_free;
	status->reserved = s->reserved_new + s->reserved_old;
	status->versions = s->version_live;
	status->homes = s->super.homes;
}

/* ---- the conditions ---------------------------------------------------------------------- */

static int check_version(struct store *s, struct store_version *v)
{
	if (v->epoch > s->epoch)
		return C324_EPOCH;
	if (v->oid >= s->super.homes || version_exact(s, v->oid, v->epoch) != v)
		return C325_VERSION_ONCE;
	if (v->lid && (v->lid < s->super.log_first || v->lid >= s->super.log_first + s->super.log_frames))
		return C314_ENTRY;
	return v->lid && !log_used(s, v->lid) ? C316_LOG_MAP : 0;
}

/* Every used frame of the log has exactly one owner: counted, as the map has one bit each. */
static int check_map(struct store *s)
{
	uint64_t owned = s->dir_count[0] + s->dir_count[1] + header_places(&s->super) - 2, used = 0;
	uint64_t pages = JOURNAL_PAGES;

	for (uint32_t i = 0; i < s->version_live; i++) {
		struct store_version *v = &s->m.versions[s->m.live[i]];
		int broken = check_version(s, v);

		if (broken)
			return broken;
		owned += v->lid && !(v->flags & V_BORROWED);
	}
	for (uint64_t q = s->header.journal_sequence + 1; q < s->journal_next; q++)
		for (unsigned i = 0; i < pages; i++)
			owned += s->m.journal_lids[q % s->super.journal_frames * pages + i] != 0;
	for (uint64_t i = 0; i < s->super.log_frames; i++)
		used += log_used(s, s->super.log_first + i);
	if (used != s->super.log_frames - s->log_free)
		return C316_LOG_MAP;
	return owned != used ? C315_LOG_ONCE : 0;
}

static uint32_t copies_waiting(const struct store *s)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->m.copy_count; i++)
		count += s->copy[i].used && !s->copy[i].writing;
	return count;
}

int store_check(struct store *s, bool full)
{
	uint64_t held = s->cache.dirty_count(s->cache.context) + s->copy_waiting - s->own_writes;

	if (held != s->reserved_new + s->reserved_old)
		return C317_RESERVED;
	if (log_needed(s, 0) > s->log_free)
		return C318_ROOM;
	if (!full)
		return 0;
	return copies_waiting(s) != s->copy_waiting ? C317_RESERVED : check_map(s);
}
