/*
 * restart.c - from a disk to the newest committed generation.  It writes nothing before it is done (and then only
 * mend_step), so a cut during it is harmless.
 *
 *     HEADERS   all places are read; the valid one with the highest generation is in force
 *     DIRECTORY its chain of frames; each must be the one expected, and name each object and each frame once
 *     PROOF     the versions of its own generation are read, if the header has to prove itself: then whatever is wrong
 *               with it or its directory says that its flush was never answered, and the other header is in force
 *     RECORD    the next journal record, if there is one and it holds; PAGES  its pages;  BASE  does each still
 *               have the allocation count it was journalled with?  Those that have become versions of the new epoch
 *     SUCCESSOR a record that is not there, or does not hold, must be the last
 *     TAGS, RING only if one header frame has no valid copy: was it the newest header, torn while it was written, or one
 *               long committed?  Then homes may be newer than the other header, or records that it does not lead to may
 *               lie in the ring, and would pass for good when this life has come to their numbers: all are looked at
 */
#include "panic.h"
#include "store/inner.h"

enum { RESTART_HEADERS = 1, RESTART_DIRECTORY, RESTART_PROOF, RESTART_RECORD, RESTART_PAGES, RESTART_BASE, RESTART_SUCCESSOR,
       RESTART_TAGS, RESTART_RING };

static void restart_read(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	s->restart_left--;
}

static void restart_ask(struct store *s, uint64_t frame, unsigned buffer)
{
	s->restart_left++;
	io_start(s, DISK_READ, frame, store_buffer(s, buffer), restart_read, 0);
}

static void ask_record(struct store *s)
{
	s->restart = RESTART_RECORD;
	restart_ask(s, s->super.journal_first + s->journal_next % s->super.journal_frames, B_JOURNAL);
}

void restart_start(struct store *s)
{
	s->phase = STORE_RESTARTING;
	s->restart = RESTART_HEADERS;
	for (unsigned place = 0; place < header_places(&s->super); place++)
		restart_ask(s, header_place(&s->super, place), B_MIG + place);
}

/* ---- header and directory ---------------------------------------------------------------- */

static bool lid_known(const struct store *s, uint32_t lid)
{
	return lid >= s->super.log_first && lid < s->super.log_first + s->super.log_frames;
}

static void header_broken(struct store *s, int condition);

static void ask_directory(struct store *s, uint32_t lid)
{
	if (!lid_known(s, lid) || log_used(s, lid)) {
		header_broken(s, C315_LOG_ONCE);
		return;
	}
	log_mark(s, lid);
	s->m.dirs[0][s->dir_count[0]++] = lid;
	restart_ask(s, lid, B_DIR);
}

/* The header is in force, for all that is known. */
static void header_take(struct store *s)
{
	s->epoch = s->header.generation + 1;
	s->journal_next = s->header.journal_sequence + 1;
	s->restart_index = s->restart_proven = s->restart_batch = 0;
	s->restart_dir_sum = 0;
	if (s->header.dir_entries >= s->m.version_count ||
	    s->header.dir_frames != (s->header.dir_entries + DIR_ENTRIES - 1) / DIR_ENTRIES) {
		store_fail(s, s->header.dir_entries >= s->m.version_count ? STORE_FULL : STORE_BAD, C311_HEADER);
		return;
	}
	s->restart = RESTART_DIRECTORY;
	if (s->header.dir_frames)
		ask_directory(s, s->header.dir_first);
}

/* One more of them: the newest is in force, the next may have to be fallen back to. */
static void header_found(struct store *s, const struct disk_header *h, unsigned place)
{
	if (h->generation > s->header.generation) {
		s->restart_other = s->header;
		s->restart_other_at = s->header_at;
		s->header = *h;
		s->header_at = place;
		s->restart_alone = true;
	} else if (h->generation == s->header.generation) {
		s->restart_alone = false;
		/* The next one goes where its generation says. */
		if (s->header_at == ((h->generation + 1) & 1))
			s->header_at = place;
	} else if (h->generation > s->restart_other.generation) {
		s->restart_other = *h;
		s->restart_other_at = place;
	}
}

/* One of which there are two was proven when the second was written (mend_step): there is no falling back from it. */
static void headers_read(struct store *s)
{
	for (unsigned place = 0; place < header_places(&s->super); place++) {
		struct disk_header h;

		if (header_newest(store_buffer(s, B_MIG + place), &s->super, place, &h))
			header_found(s, &h, place);
		else
			s->mend_headers |= 1u << place;
	}
	s->status.older_header = s->mend_headers != 0;
	/* A loss of power leaves one place without a header at most; whoever lost more may have lost the newest ones. */
	if (s->mend_headers & (s->mend_headers - 1)) {
		store_fail(s, STORE_BAD, C311_HEADER);
		return;
	}
	s->restart_prove = s->header.proves != 0;
	s->restart_other_there = s->restart_alone && s->restart_prove &&
				 s->restart_other.generation + 1 == s->header.generation;
	header_take(s);
}

/* The newest header is not what one flush would have left: if it had to prove that, the one before it is in force. */
static void header_broken(struct store *s, int condition)
{
	if (!s->restart_other_there) {
		store_fail(s, STORE_BAD, condition);
		return;
	}
	s->restart_prove = s->restart_other_there = false;
	s->mend_headers |= 1u << s->header_at;
	s->status.unproven_header = true;
	s->header = s->restart_other;
	s->header_at = s->restart_other_at;
	tables_clear(s);
	header_take(s);
}

static int entry_take(struct store *s, const struct disk_entry *e)
{
	int broken = entry_judge(e, &s->super, s->header.generation);
	struct store_version *v;

	if (broken)
		return broken;
	if (version_newest(s, ENTRY_OID(e), ~0u))
		return C313_DIR_ONCE;
	if (e->lid && log_used(s, e->lid))
		return C315_LOG_ONCE;
	if (s->version_live + 1 >= s->m.version_count)
		return C312_DIR;
	v = version_add(s, ENTRY_OID(e), e->epoch);
	v->checksum = e->checksum;
	v->alloc_count = e->alloc_count;
	v->call_count = e->call_count;
	v->kind = ENTRY_KIND(e);
	v->lid = e->lid;
	if (e->lid)
		log_mark(s, e->lid);
	return 0;
}

static void directory_read(struct store *s)
{
	const struct disk_dir *dir = store_buffer(s, B_DIR);
	int broken = 0;

	if (s->restart_index < s->header.dir_frames) {
		broken = dir_judge(dir, &s->super, s->header.generation, s->restart_index);
		s->restart_dir_sum = dir_add(s->restart_dir_sum, dir);
		for (uint32_t i = 0; !broken && i < dir->count; i++)
			broken = entry_take(s, &dir->entry[i]);
		s->restart_index++;
		if (!broken && (dir->next != 0) != (s->restart_index < s->header.dir_frames))
			broken = C312_DIR;
		if (!broken && dir->next) {
			ask_directory(s, dir->next);
			return;
		}
	}
	if (!broken && (s->version_live != s->header.dir_entries ||
			(s->header.dir_sum && s->restart_dir_sum != s->header.dir_sum)))
		broken = C312_DIR;
	if (broken) {
		header_broken(s, broken);
		return;
	}
	s->restart = RESTART_PROOF;
}

/* Reads the next few versions of the header's own generation; false: there are no more. */
static bool proof_ask(struct store *s)
{
	s->restart_batch = 0;
	for (; s->restart_index < s->version_live && s->restart_batch < MIG_BATCH; s->restart_index++) {
		uint32_t i = s->m.live[s->restart_index];
		struct store_version *v = &s->m.versions[i];

		if (v->epoch != s->header.generation || !v->lid)
			continue;
		restart_ask(s, v->lid, B_MIG + s->restart_batch);
		s->restart_version[s->restart_batch++] = i;
	}
	s->restart_proven += s->restart_batch;
	return s->restart_batch != 0;
}

static void proof_step(struct store *s)
{
	if (!s->restart_prove) {
		ask_record(s);
		return;
	}
	for (uint32_t i = 0; i < s->restart_batch; i++) {
		struct store_version *v = &s->m.versions[s->restart_version[i]];

		if (checksum_frame(store_buffer(s, B_MIG + i), v->oid) != v->checksum) {
			header_broken(s, C320_VERSION);
			return;
		}
	}
	if (s->restart_batch == 0)
		s->restart_index = 0;
	if (proof_ask(s))
		return;
	if (s->restart_proven != s->header.proves)
		header_broken(s, C312_DIR);
	else
		ask_record(s);
}

/* ---- mending ----------------------------------------------------------------------------- */

/*
 * A header that proved nothing is overwritten by the one in force, and a journal record that was not whole by nothing,
 * before anything goes to the log: this life may do what the last one did, and write the very frames that were missing;
 * then what was never finished would come back, though this life has promised something else.  So are places that hold
 * no header: the next restart need not look through all tags again.
 * And all that was read may be no more than what the host's cache holds, if only the machine had ended: a flush makes
 * it durable, before anything goes where only the header before it leads.
 */
static void mend_flushed(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	s->mend = MEND_NONE;
	if (s->mend_headers >> (s->header.generation & 1) & 1)
		s->header_at = s->header.generation & 1;
	s->cache.room(s->cache.context);
}

static void mend_written(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	else if (--s->mend_left == 0)
		io_start(s, DISK_FLUSH, 0, NULL, mend_flushed, 0);
}

static void mend_write(struct store *s, uint64_t frame, void *data)
{
	s->mend_left++;
	io_start(s, DISK_WRITE, frame, data, mend_written, 0);
}

static void mend_write_header(struct store *s, unsigned place)
{
	struct disk_header header = s->header;
	void *frame = store_buffer(s, B_MIG + place);

	header_put(&header, &s->super, place);
	header_seal(&header, frame);
	mend_write(s, header_place(&s->super, place), frame);
}

bool mend_step(struct store *s)
{
	if (s->mend != MEND_WANTED || io_room(s) <= IO_LAST + HEADER_PLACES)
		return false;
	s->mend = MEND_WRITING;
	for (unsigned place = 0; place < header_places(&s->super); place++)
		if (s->mend_headers >> place & 1)
			mend_write_header(s, place);
	if (s->mend_record) {
		__builtin_memset(store_buffer(s, B_JOURNAL), 0, DISK_FRAME);
		mend_write(s, s->super.journal_first + s->journal_next % s->super.journal_frames, store_buffer(s, B_JOURNAL));
	}
	if (!s->mend_left)
		io_start(s, DISK_FLUSH, 0, NULL, mend_flushed, 0);
	return true;
}

/* ---- journal ----------------------------------------------------------------------------- */

static void restart_done(struct store *s)
{
	s->phase = STORE_IDLE;
	s->mend = MEND_WANTED;
	migrate_renew(s);
	s->live_at_commit = s->version_live;
	s->cache.room(s->cache.context);
}

static void restart_end(struct store *s)
{
	if (!s->status.older_header) {
		restart_done(s);
		return;
	}
	s->restart = RESTART_TAGS;
	s->restart_scan = s->restart_scanned = 0;
}

static void ask_successor(struct store *s)
{
	s->restart = RESTART_SUCCESSOR;
	restart_ask(s, s->super.journal_first + (s->journal_next + 1) % s->super.journal_frames, B_JOURNAL);
}

static void record_read(struct store *s)
{
	if (s->journal_next - s->header.journal_sequence > s->super.journal_frames) {
		restart_end(s);
		return;
	}
	if (!journal_judge(store_buffer(s, B_JOURNAL), &s->super, s->journal_next, &s->restart_record)) {
		ask_successor(s);
		return;
	}
	for (unsigned i = 0; i < s->restart_record.count; i++)
		restart_ask(s, s->restart_record.entry[i].lid, B_JOURNAL + 1 + i);
	s->restart = RESTART_PAGES;
}

/* A record that did not reach the disk with all its pages was never promised, and is the last: one after it says that
 * this one was durable, and has been damaged since. */
static void successor_read(struct store *s)
{
	if (s->journal_next + 1 - s->header.journal_sequence <= s->super.journal_frames &&
	    journal_judge(store_buffer(s, B_JOURNAL), &s->super, s->journal_next + 1, &s->restart_record))
		store_fail(s, STORE_BAD, C326_JOURNAL);
	else
		restart_end(s);
}

static void pages_read(struct store *s)
{
	struct disk_journal *record = &s->restart_record;

	for (unsigned i = 0; i < record->count; i++) {
		struct disk_entry *e = &record->entry[i];

		if (!e->lid || log_used(s, e->lid) ||
		    checksum_frame(store_buffer(s, B_JOURNAL + 1 + i), journal_seed(ENTRY_OID(e), s->journal_next)) != e->checksum) {
			s->mend_record = true;
			ask_successor(s);
			return;
		}
	}
	s->restart_index = 0;
	s->restart = RESTART_BASE;
}

/* What the state restored says of the page; false: its tag is not here yet. */
static bool base_of(struct store *s, uint64_t oid, uint8_t *kind, uint32_t *alloc_count)
{
	struct store_version *v = version_newest(s, oid, ~0u);
	struct disk_tag *tag;
	bool failed;
	int broken;

	if (v) {
		*kind = v->kind;
		*alloc_count = v->alloc_count;
		return true;
	}
	tag = tag_get(s, oid, &failed);
	if (failed)
		store_fail(s, STORE_IO, 0);
	if (!tag)
		return false;
	*kind = tag->kind;
	*alloc_count = tag->alloc_count;
	broken = tag_judge(tag, oid, s->header.generation);
	if (broken)
		store_fail(s, STORE_BAD, broken);
	return true;
}

static void page_take(struct store *s, unsigned i)
{
	struct disk_entry *e = &s->restart_record.entry[i];
	struct store_version *v = version_exact(s, ENTRY_OID(e), s->epoch);

	if (!v)
		v = version_add(s, ENTRY_OID(e), s->epoch);
	v->flags |= V_BORROWED;
	s->borrowed = true;
	v->lid = e->lid;
	v->checksum = checksum_frame(store_buffer(s, B_JOURNAL + 1 + i), ENTRY_OID(e));
	v->alloc_count = e->alloc_count;
	v->call_count = e->call_count;
	v->kind = ENTRY_KIND(e);
	s->status.replayed++;
}

static bool base_step(struct store *s)
{
	uint32_t *lids = &s->m.journal_lids[s->journal_next % s->super.journal_frames * JOURNAL_PAGES];
	uint32_t alloc_count, i = s->restart_index;
	struct disk_entry *e = &s->restart_record.entry[i];
	uint8_t kind;

	if (s->version_live + 1 >= s->m.version_count) {
		store_fail(s, STORE_FULL, 0);
		return true;
	}
	if (!base_of(s, ENTRY_OID(e), &kind, &alloc_count) || s->phase == STORE_FAILED)
		return false;
	if (i == 0)
		__builtin_memset(lids, 0, JOURNAL_PAGES * sizeof *lids);
	/* Kept though it may count for nothing: the next restart must find the same record whole. */
	lids[i] = e->lid;
	log_mark(s, e->lid);
	if (kind == ENTRY_KIND(e) && alloc_count == e->alloc_count)
		page_take(s, i);
	if (++s->restart_index == s->restart_record.count) {
		s->journal_next++;
		ask_record(s);
	}
	return true;
}

/* ---- after the loss of a header ---------------------------------------------------------- */

/* The next frames of a region of `count`; false: all have been looked at. */
static bool scan_ask(struct store *s, uint64_t count)
{
	s->restart_scanned = s->restart_scan;
	while (s->restart_scan < count && s->restart_left < MIG_BATCH) {
		uint64_t i = s->restart_scan++;

		restart_ask(s, s->restart == RESTART_RING ? s->super.journal_first + i :
			    home_tag_frame(&s->super, i * GROUP_HOMES), B_MIG + s->restart_left);
	}
	return s->restart_left != 0;
}

static void tags_read(struct store *s)
{
	for (uint64_t group = s->restart_scanned; group < s->restart_scan; group++)
		if (tags_newer(store_buffer(s, B_MIG + group - s->restart_scanned), group, s->header.generation)) {
			store_fail(s, STORE_BAD, C323_HOME_NEWER);
			return;
		}
	if (scan_ask(s, s->super.homes / GROUP_HOMES))
		return;
	s->restart = RESTART_RING;
	s->restart_scan = s->restart_scanned = 0;
}

static void ring_read(struct store *s)
{
	for (uint64_t i = s->restart_scanned; i < s->restart_scan; i++)
		if (journal_later(store_buffer(s, B_MIG + i - s->restart_scanned), &s->super, s->journal_next)) {
			store_fail(s, STORE_BAD, C326_JOURNAL);
			return;
		}
	if (!scan_ask(s, s->super.journal_frames))
		restart_done(s);
}

bool restart_step(struct store *s)
{
	if (s->restart_left)
		return false;
	switch (s->restart) {
	case RESTART_HEADERS:
		headers_read(s);
		break;
	case RESTART_DIRECTORY:
		directory_read(s);
		break;
	case RESTART_PROOF:
		proof_step(s);
		break;
	case RESTART_RECORD:
		record_read(s);
		break;
	case RESTART_PAGES:
		pages_read(s);
		break;
	case RESTART_SUCCESSOR:
		successor_read(s);
		break;
	case RESTART_BASE:
		return base_step(s);
	case RESTART_TAGS:
		tags_read(s);
		break;
	case RESTART_RING:
		ring_read(s);
		break;
	}
	return true;
}
