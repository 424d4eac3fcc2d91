/*
 * verify.c - checks an image that nobody runs: every frame that the newest generation needs is read and judged.
 *
 * It shares no code with restart.c but the judges of single frames: two readers of one format.  It never trusts a
 * number in a frame before it is in range, so it ends on any input.
 */
#include "store/format.h"
#include "store/store.h"

struct verify {
	const struct store_reader *reader;
	uint64_t *map, *seen;
	struct store_verdict *verdict;
	struct disk_super super;
	struct disk_header header;
};

/* Two frames: not on the stack, which may be small. */
static uint8_t verify_frame[2][DISK_FRAME] __attribute__((aligned(8)));

static void broken(struct verify *v, int condition, uint64_t where)
{
	v->verdict->broken++;
	v->reader->report(v->reader->context, condition, where);
}

static bool read_frame(struct verify *v, uint64_t frame, void *data, int condition)
{
	if (frame < v->reader->frames && v->reader->read(v->reader->context, frame, data))
		return true;
	broken(v, condition, frame);
	return false;
}

static bool bit_take(uint64_t *map, uint64_t bit)
{
	bool was = map[bit / 64] >> bit % 64 & 1;

	map[bit / 64] |= 1ull << bit % 64;
	return !was;
}

static void verify_entry(struct verify *v, const struct disk_entry *e)
{
	int condition = entry_judge(e, &v->super, v->header.generation);

	if (condition) {
		broken(v, condition, ENTRY_OID(e));
		return;
	}
	if (!bit_take(v->seen, ENTRY_OID(e)))
		broken(v, C313_DIR_ONCE, ENTRY_OID(e));
	v->verdict->in_log++;
	v->verdict->kinds[ENTRY_KIND(e) & 7]++;
	v->verdict->filled += e->lid != 0;
	if (!e->lid)
		return;
	v->verdict->log_used++;
	if (!bit_take(v->map, e->lid))
		broken(v, C315_LOG_ONCE, e->lid);
	if (read_frame(v, e->lid, verify_frame[1], C320_VERSION) &&
	    checksum_frame(verify_frame[1], ENTRY_OID(e)) != e->checksum)
		broken(v, C320_VERSION, ENTRY_OID(e));
}

static void verify_directory(struct verify *v)
{
	const struct disk_dir *dir = (const void *)verify_frame[0];
	uint64_t lid = v->header.dir_first, entries = 0, sum = 0;

	for (uint32_t index = 0; index < v->header.dir_frames; index++) {
		if (lid < v->super.log_first || lid >= v->super.log_first + v->super.log_frames || !bit_take(v->map, lid)) {
			broken(v, C315_LOG_ONCE, lid);
			return;
		}
		if (!read_frame(v, lid, verify_frame[0], C312_DIR))
			return;
		if (dir_judge(dir, &v->super, v->header.generation, index)) {
			broken(v, C312_DIR, lid);
			return;
		}
		v->verdict->log_used++;
		entries += dir->count;
		sum = dir_add(sum, dir);
		for (uint32_t i = 0; i < dir->count; i++)
			verify_entry(v, &dir->entry[i]);
		lid = dir->next;
	}
	if (lid != 0 || entries != v->header.dir_entries || (v->header.dir_sum && sum != v->header.dir_sum))
		broken(v, C312_DIR, lid);
}

/* A tag that was lost reads as one of an object never made: its home tells. */
static void verify_unused(struct verify *v, uint64_t oid)
{
	uint64_t home = home_frame(&v->super, oid);

	if (v->reader->never_written && v->reader->never_written(v->reader->context, home, 1))
		return;
	if (read_frame(v, home, verify_frame[1], C322_HOME) && !frame_is_zero(verify_frame[1]))
		broken(v, C321_TAG, oid);
}

static void verify_home(struct verify *v, uint64_t oid, const struct disk_tag *tag)
{
	int condition = tag_judge(tag, oid, v->header.generation);

	if (condition) {
		broken(v, condition, oid);
		return;
	}
	if (!tag->kind) {
		verify_unused(v, oid);
		return;
	}
	v->verdict->in_homes++;
	v->verdict->kinds[tag->kind & 7]++;
	v->verdict->filled += !tag->null;
	if (!tag->null && read_frame(v, home_frame(&v->super, oid), verify_frame[1], C322_HOME) &&
	    checksum_frame(verify_frame[1], oid) != tag->checksum)
		broken(v, C322_HOME, oid);
}

/* Homes that the directory covers may hold anything: migration may have been cut there. */
static void verify_group(struct verify *v, uint64_t group)
{
	const struct disk_tag *tags = (const void *)verify_frame[0];
	uint64_t first = group * GROUP_HOMES, frame = home_tag_frame(&v->super, first);

	if (v->reader->never_written && v->reader->never_written(v->reader->context, frame, GROUP_HOMES + 1))
		return;
	if (!read_frame(v, frame, verify_frame[0], C321_TAG))
		return;
	if (v->verdict->older_header && tags_newer(tags, group, v->header.generation))
		broken(v, C323_HOME_NEWER, first);
	for (uint64_t oid = first; oid < first + GROUP_HOMES; oid++)
		if (!(v->seen[oid / 64] >> oid % 64 & 1))
			verify_home(v, oid, &tags[oid % GROUP_HOMES]);
}

static void verify_homes(struct verify *v)
{
	for (uint64_t group = 0; group < v->super.homes / GROUP_HOMES; group++)
		verify_group(v, group);
}

/* Whether record `sequence` can be read whole, apart from its pages. */
static bool record_read(struct verify *v, uint64_t sequence, struct disk_journal *record)
{
	return read_frame(v, v->super.journal_first + sequence % v->super.journal_frames, verify_frame[0], C326_JOURNAL) &&
	       journal_judge(verify_frame[0], &v->super, sequence, record);
}

static bool record_pages_good(struct verify *v, const struct disk_journal *record)
{
	for (uint32_t i = 0; i < record->count; i++) {
		const struct disk_entry *e = &record->entry[i];

		if (v->map[e->lid / 64] >> e->lid % 64 & 1 || !read_frame(v, e->lid, verify_frame[1], C320_VERSION) ||
		    checksum_frame(verify_frame[1], journal_seed(ENTRY_OID(e), record->sequence)) != e->checksum)
			return false;
	}
	return true;
}

static void verify_ring(struct verify *v, uint64_t sequence)
{
	for (uint32_t i = 0; i < v->super.journal_frames; i++)
		if (read_frame(v, v->super.journal_first + i, verify_frame[0], C326_JOURNAL) &&
		    journal_later(verify_frame[0], &v->super, sequence))
			broken(v, C326_JOURNAL, i);
}

/* Records in force.  One that is not whole was never promised, unless there is one after it. */
static void verify_journal(struct verify *v)
{
	struct disk_journal record;
	uint64_t sequence = v->header.journal_sequence + 1;

	for (uint32_t n = 0; n < v->super.journal_frames; n++, sequence++) {
		if (!record_read(v, sequence, &record) || !record_pages_good(v, &record)) {
			if (n + 1 < v->super.journal_frames && record_read(v, sequence + 1, &record))
				broken(v, C326_JOURNAL, sequence);
			break;
		}
		for (uint32_t i = 0; i < record.count; i++)
			if (!bit_take(v->map, record.entry[i].lid))
				broken(v, C315_LOG_ONCE, record.entry[i].lid);
		v->verdict->journal_records++;
		v->verdict->log_used += record.count;
	}
	if (v->verdict->older_header)
		verify_ring(v, sequence);
}

/* Whether the newest header is what one flush must have left; nothing is reported.  The second buffer is the directory's. */
static bool header_proven(struct verify *v)
{
	static uint8_t version[DISK_FRAME] __attribute__((aligned(8)));
	const struct disk_dir *dir = (const void *)verify_frame[1];
	uint32_t proven = 0, entries = 0;
	uint64_t lid = v->header.dir_first, sum = 0;

	for (uint32_t index = 0; index < v->header.dir_frames; index++) {
		if (lid < v->super.log_first || lid >= v->super.log_first + v->super.log_frames ||
		    !v->reader->read(v->reader->context, lid, verify_frame[1]) ||
		    dir_judge(dir, &v->super, v->header.generation, index))
			return false;
		for (uint32_t i = 0; i < dir->count; i++) {
			const struct disk_entry *e = &dir->entry[i];

			if (entry_judge(e, &v->super, v->header.generation))
				return false;
			if (e->epoch != v->header.generation || !e->lid)
				continue;
			if (!v->reader->read(v->reader->context, e->lid, version) ||
			    checksum_frame(version, ENTRY_OID(e)) != e->checksum)
				return false;
			proven++;
		}
		entries += dir->count;
		sum = dir_add(sum, dir);
		lid = dir->next;
	}
	return (!v->header.dir_sum || sum == v->header.dir_sum) && lid == 0 && entries == v->header.dir_entries && proven == v->header.proves;
}

static bool verify_header(struct verify *v)
{
	struct disk_header found[HEADER_PLACES];
	unsigned count = 0, newest = 0, before = HEADER_PLACES, same = 0;

	for (unsigned place = 0; place < header_places(&v->super); place++)
		if (read_frame(v, header_place(&v->super, place), verify_frame[0], C311_HEADER) &&
		    header_newest(verify_frame[0], &v->super, place, &found[count]))
			count++;
	/* One may be torn. */
	if (count + 1 < header_places(&v->super)) {
		broken(v, C311_HEADER, HEADER_FRAME);
		return false;
	}
	v->verdict->older_header = count < header_places(&v->super);
	for (unsigned i = 0; i < count; i++)
		if (found[i].generation > found[newest].generation)
			newest = i;
	for (unsigned i = 0; i < count; i++) {
		same += found[i].generation == found[newest].generation;
		if (found[i].generation + 1 == found[newest].generation)
			before = i;
	}
	v->header = found[newest];
	/* Not finished when the power went: the one before is in force. */
	if (v->header.proves && same == 1 && before < count && !header_proven(v))
		v->header = found[before];
	return true;
}

bool store_header(const struct store_reader *reader, struct disk_super *super, struct disk_header *header)
{
	struct store_verdict verdict = { 0 };
	struct verify v = { .reader = reader, .verdict = &verdict };

	if (!read_frame(&v, SUPER_FRAME, verify_frame[0], C310_SUPER) ||
	    super_judge(verify_frame[0], reader->frames, &v.super) || !verify_header(&v))
		return false;
	*super = v.super;
	*header = v.header;
	return true;
}

bool store_verify(const struct store_reader *reader, uint64_t *map, uint64_t *seen, struct store_verdict *verdict)
{
	struct verify v = { .reader = reader, .map = map, .seen = seen, .verdict = verdict };

	__builtin_memset(verdict, 0, sizeof *verdict);
	if (!read_frame(&v, SUPER_FRAME, verify_frame[0], C310_SUPER))
		return false;
	if (super_judge(verify_frame[0], reader->frames, &v.super)) {
		broken(&v, C310_SUPER, SUPER_FRAME);
		return false;
	}
	verdict->homes = v.super.homes;
	verdict->log_frames = v.super.log_frames;
	if (!verify_header(&v))
		return true;
	verdict->generation = v.header.generation;
	for (unsigned place = 2; place < header_places(&v.super); place++)
		bit_take(v.map, header_place(&v.super, place));
	verify_directory(&v);
	verify_journal(&v);
	verify_homes(&v);
	return true;
}
