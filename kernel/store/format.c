/*
 * format.c - making and judging single frames of the store.
 *
 * Nothing in here trusts a frame before its checksum is right, and no number in it before it is in range: a
 * disk may hold anything.
 */
#include <stdbool.h>
#include <stddef.h>
#define XXH_INLINE_ALL
#define XXH_FORCE_MEMORY_ACCESS 1      /* no call of memcpy for each word, which a freestanding compiler leaves in */
#include <xxhash.h>
#include "store/format.h"
#include "store/store.h"

uint64_t checksum_bytes(const void *bytes, uint64_t length, uint64_t seed)
{
	return XXH64(bytes, length, seed);
}

uint64_t checksum_frame(const void *frame, uint64_t seed)
{
	return XXH64(frame, DISK_FRAME, seed);
}

bool frame_is_zero(const void *frame)
{
	const uint64_t *word = frame;
	uint64_t any = 0;

	/* What holds something often does so in few places, and seldom at its beginning: first a look here and there. */
	for (unsigned i = 0; i < DISK_FRAME / 8; i += 32)
		any |= word[i + 1] | word[i + 13];
	for (unsigned i = 0; i < DISK_FRAME / 8 && !any; i += 8)
		any = word[i] | word[i + 1] | word[i + 2] | word[i + 3] | word[i + 4] | word[i + 5] | word[i + 6] | word[i + 7];
	return !any;
}

/* Eight copies of a sector whose last word is its checksum. */
static void sector_seal(void *sector, void *frame)
{
	uint64_t sum = XXH64(sector, DISK_SECTOR - 8, 0);

	__builtin_memcpy((uint8_t *)sector + DISK_SECTOR - 8, &sum, 8);
	for (unsigned i = 0; i < COPIES; i++)
		__builtin_memcpy((uint8_t *)frame + i * DISK_SECTOR, sector, DISK_SECTOR);
}

static bool sector_good(const void *sector)
{
	uint64_t sum;

	__builtin_memcpy(&sum, (const uint8_t *)sector + DISK_SECTOR - 8, 8);
	return sum == XXH64(sector, DISK_SECTOR - 8, 0);
}

/* A log that is very small has fewer of them, in its first half. */
static void seats_plan(struct disk_super *super)
{
	bool small = super->log_frames < 4 * SEATS * SEAT_STEP;

	super->seats = small ? 3 : SEATS;
	super->seat_step = small ? super->log_frames / (2 * super->seats) : SEAT_STEP;
	if (super->seat_step < 4)
		super->seats = super->seat_step = 0;
}

void super_plan(struct disk_super *super, uint64_t disk_frames, uint64_t log_frames, uint32_t journal_frames,
		uint64_t store_id)
{
	*super = (struct disk_super){ .magic = SUPER_MAGIC, .version = STORE_VERSION, .store_id = store_id,
		.journal_first = HEADER_FRAME + 2, .journal_frames = journal_frames, .log_frames = log_frames,
		.disk_frames = disk_frames };
	super->log_first = super->journal_first + journal_frames;
	seats_plan(super);
	super->home_first = super->log_first + log_frames;
	if (disk_frames > super->home_first)
		super->homes = (disk_frames - super->home_first) / (GROUP_HOMES + 1) * GROUP_HOMES;
}

void super_seal(struct disk_super *super, void *frame)
{
	sector_seal(super, frame);
}

static bool super_fits(const struct disk_super *s, uint64_t disk_frames)
{
	struct disk_super planned;

	if (s->disk_frames > disk_frames || s->log_frames > disk_frames || s->journal_frames == 0)
		return false;
	super_plan(&planned, s->disk_frames, s->log_frames, s->journal_frames, s->store_id);
	if (s->version >= 4 && (s->seats != planned.seats || s->seat_step != planned.seat_step))
		return false;
	return planned.journal_first == s->journal_first && planned.log_first == s->log_first &&
	       planned.home_first == s->home_first && planned.homes == s->homes && s->homes != 0 &&
	       s->home_first < 0xFFFFFFFFull;
}

static enum super_state super_copy_state(const struct disk_super *s, uint64_t disk_frames)
{
	if (s->magic != SUPER_MAGIC)
		return SUPER_NONE;
	if (!sector_good(s))
		return SUPER_DAMAGED;
	if (s->version < STORE_VERSION_OLDEST || s->version > STORE_VERSION)
		return SUPER_VERSION;
	if (super_fits(s, disk_frames))
		return SUPER_GOOD;
	return super_fits(s, s->disk_frames) ? SUPER_SHORT : SUPER_DAMAGED;
}

enum super_state super_look(const void *frame, uint64_t disk_frames, struct disk_super *super)
{
	enum super_state best = SUPER_NONE;

	for (unsigned i = 0; i < COPIES; i++) {
		struct disk_super copy;
		enum super_state state;

		__builtin_memcpy(&copy, (const uint8_t *)frame + i * DISK_SECTOR, DISK_SECTOR);
		state = super_copy_state(&copy, disk_frames);
		if (i == 0 || state > best)
			*super = copy;
		best = state > best ? state : best;
	}
	return best;
}

int super_judge(const void *frame, uint64_t disk_frames, struct disk_super *super)
{
	return super_look(frame, disk_frames, super) == SUPER_GOOD ? 0 : C310_SUPER;
}

void header_seal(struct disk_header *header, void *frame)
{
	header->magic = HEADER_MAGIC;
	sector_seal(header, frame);
}

void header_put(struct disk_header *header, const struct disk_super *super, unsigned place)
{
	header->frame = header_places(super) > 2 ? header_place(super, place) : 0;
	header->stands_in = place < 2 && header->generation != 1 && (header->generation & 1) != place;
}

static bool header_belongs(const struct disk_header *header, const struct disk_super *super, unsigned place)
{
	if (header_places(super) > 2)
		return header->frame == header_place(super, place);
	return header->generation == 1 || (header->generation & 1) == (place ^ header->stands_in);
}

bool header_newest(const void *frame, const struct disk_super *super, unsigned place, struct disk_header *header)
{
	struct disk_header copy;
	bool found = false;

	for (unsigned i = 0; i < COPIES; i++) {
		__builtin_memcpy(&copy, (const uint8_t *)frame + i * DISK_SECTOR, DISK_SECTOR);
		if (copy.magic != HEADER_MAGIC || copy.store_id != super->store_id || !sector_good(&copy))
			continue;
		if (!found || copy.generation > header->generation)
			*header = copy;
		found = true;
	}
	return found && header_belongs(header, super, place);
}

/* Of the entries, with the sum of the head before the checksum as the seed. */
static uint64_t dir_checksum(const struct disk_dir *dir)
{
	uint64_t head = XXH64(dir, offsetof(struct disk_dir, checksum), dir->generation);

	return XXH64(dir->entry, sizeof dir->entry, head);
}

void dir_seal(struct disk_dir *dir)
{
	dir->magic = DIR_MAGIC;
	dir->checksum = dir_checksum(dir);
}

uint64_t dir_add(uint64_t sum, const struct disk_dir *dir)
{
	return XXH64(&dir->checksum, sizeof dir->checksum, sum);
}

static bool lid_good(const struct disk_super *super, uint32_t lid)
{
	return lid >= super->log_first && lid < super->log_first + super->log_frames;
}

int dir_judge(const struct disk_dir *dir, const struct disk_super *super, uint32_t generation, uint32_t index)
{
	if (dir->magic != DIR_MAGIC || dir->generation != generation || dir->index != index || dir->count == 0 ||
	    dir->count > DIR_ENTRIES || (dir->next && !lid_good(super, dir->next)) ||
	    dir_checksum(dir) != dir->checksum)
		return C312_DIR;
	return 0;
}

int entry_judge(const struct disk_entry *e, const struct disk_super *super, uint32_t generation)
{
	if (ENTRY_OID(e) >= super->homes || e->epoch > generation || (e->lid && !lid_good(super, e->lid)))
		return C314_ENTRY;
	return 0;
}

static uint32_t tag_check(const struct disk_tag *tag, uint64_t oid)
{
	return (uint32_t)XXH64(tag, offsetof(struct disk_tag, check), ~oid);
}

void tag_seal(struct disk_tag *tag, uint64_t oid)
{
	tag->check = tag_check(tag, oid);
}

int tag_judge(const struct disk_tag *tag, uint64_t oid, uint32_t generation)
{
	static const struct disk_tag virgin;

	if (__builtin_memcmp(tag, &virgin, sizeof virgin) == 0)
		return 0;
	if (tag->check != tag_check(tag, oid))
		return C321_TAG;
	return tag->epoch > generation ? C323_HOME_NEWER : 0;
}

bool tags_newer(const struct disk_tag *tags, uint64_t group, uint32_t generation)
{
	for (unsigned i = 0; i < GROUP_HOMES; i++)
		if (tag_judge(&tags[i], group * GROUP_HOMES + i, generation) == C323_HOME_NEWER)
			return true;
	return false;
}

void journal_seal(struct disk_journal *record, void *frame)
{
	record->magic = JOURNAL_MAGIC;
	sector_seal(record, frame);
}

bool journal_judge(const void *frame, const struct disk_super *super, uint64_t sequence, struct disk_journal *record)
{
	for (unsigned i = 0; i < COPIES; i++) {
		bool good;

		__builtin_memcpy(record, (const uint8_t *)frame + i * DISK_SECTOR, DISK_SECTOR);
		good = record->magic == JOURNAL_MAGIC && record->store_id == super->store_id &&
		       record->sequence == sequence && record->count > 0 && record->count <= JOURNAL_PAGES &&
		       sector_good(record);
		for (unsigned n = 0; good && n < record->count; n++)
			good = record->entry[n].lid && !entry_judge(&record->entry[n], super, ~0u);
		if (good)
			return true;
	}
	return false;
}

bool journal_later(const void *frame, const struct disk_super *super, uint64_t sequence)
{
	struct disk_journal copy, record;

	for (unsigned i = 0; i < COPIES; i++) {
		__builtin_memcpy(&copy, (const uint8_t *)frame + i * DISK_SECTOR, DISK_SECTOR);
		if (copy.sequence > sequence && journal_judge(frame, super, copy.sequence, &record))
			return true;
	}
	return false;
}

uint64_t journal_seed(uint64_t oid, uint64_t sequence)
{
	return oid ^ (sequence * 0x9E3779B97F4A7C15ull | 1ull << 63);
}

uint64_t store_format(const struct disk_super *super, unsigned index, void *data)
{
	struct disk_super first = *super;
	struct disk_header header = { .store_id = super->store_id, .generation = 1 };

	if (index < header_places(super)) {
		header_put(&header, super, index);
		header_seal(&header, data);
		return header_place(super, index);
	}
	if (index > header_places(super))
		return STORE_FORMAT_END;
	super_seal(&first, data);
	return SUPER_FRAME;
}
