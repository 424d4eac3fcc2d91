/*
 * journal.c - pages that are promised at once, between checkpoints.
 *
 * A record is one sector, eight times in a frame of the ring (sequence % journal_frames), and up to JOURNAL_PAGES
 * frames in the log, written together and made durable by one flush: whether a record holds is told by the checksums,
 * not by an order.
 * Records are written one at a time, so those in force are an unbroken run of sequence numbers after the header's.
 * A record counts for nothing if the page was rescinded or retyped in between, as seen from the generation that is
 * restored: its allocation count differs.  Its frames are kept until a generation demarcated later is committed.
 */
#include "panic.h"
#include "store/inner.h"

enum { JOURNAL_IDLE = 0, JOURNAL_WRITING, JOURNAL_FLUSHING };

static uint32_t *journal_lids(struct store *s, uint64_t sequence)
{
	return &s->m.journal_lids[sequence % s->super.journal_frames * JOURNAL_PAGES];
}

static void journal_end(struct store *s, int result)
{
	s->journal_state = JOURNAL_IDLE;
	s->cache.journalled(s->cache.context, s->journal_cookie, result);
}

static void journal_flushed(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	journal_end(s, ok ? STORE_OK : STORE_IO);
}

static void journal_written(struct store *s, struct store_io *io, bool ok)
{
	(void)io;
	if (!ok)
		store_fail(s, STORE_IO, 0);
	if (--s->journal_left)
		return;
	if (s->phase == STORE_FAILED) {
		journal_end(s, STORE_IO);
		return;
	}
	s->journal_state = JOURNAL_FLUSHING;
	io_start(s, DISK_FLUSH, 0, NULL, journal_flushed, 0);
}

static int journal_ready(struct store *s, unsigned count)
{
	if (s->phase == STORE_FAILED)
		return s->status.failure;
	if (count == 0 || count > JOURNAL_PAGES)
		return STORE_FULL;
	if (!store_ready(s) || s->journal_state || s->phase == STORE_APPLY || io_room(s) < count + 1 + IO_LAST)
		return STORE_WAIT;
	/* The ring is full until a later generation is committed. */
	if (s->journal_next - s->header.journal_sequence > s->super.journal_frames) {
		s->want_checkpoint |= s->phase == STORE_IDLE;
		return STORE_WAIT;
	}
	return store_room(s, count);
}

int store_journal(struct store *s, const struct store_object *objects, unsigned count, uint64_t cookie)
{
	int result = journal_ready(s, count);
	uint64_t sequence = s->journal_next;
	struct disk_journal record = { .store_id = s->super.store_id, .sequence = sequence, .count = count };
	uint32_t *lids = journal_lids(s, sequence);

	for (unsigned i = 0; i < count && result == STORE_OK; i++)
		if (objects[i].oid >= s->super.homes)
			result = STORE_FULL;
	if (result != STORE_OK)
		return result;
	__builtin_memset(lids, 0, JOURNAL_PAGES * sizeof *lids);
	s->journal_left = count + 1;
	for (unsigned i = 0; i < count; i++) {
		const struct store_object *o = &objects[i];
		void *data = store_buffer(s, B_JOURNAL + 1 + i);

		lids[i] = log_alloc(s);
		__builtin_memcpy(data, o->data, DISK_FRAME);
		record.entry[i] = (struct disk_entry){ .oid_kind = ENTRY_OID_KIND(o->oid, o->kind), .lid = lids[i],
			.checksum = checksum_frame(data, journal_seed(o->oid, sequence)), .alloc_count = o->alloc_count,
			.call_count = o->call_count, .epoch = s->epoch };
		io_start(s, DISK_WRITE, lids[i], data, journal_written, 0);
	}
	journal_seal(&record, store_buffer(s, B_JOURNAL));
	io_start(s, DISK_WRITE, s->super.journal_first + sequence % s->super.journal_frames, store_buffer(s, B_JOURNAL),
		 journal_written, 0);
	s->journal_pages += count;
	s->journal_next++;
	s->journal_cookie = cookie;
	s->journal_state = JOURNAL_WRITING;
	return STORE_OK;
}

void journal_committed(struct store *s, uint64_t from, uint64_t to)
{
	for (uint64_t q = from + 1; q <= to; q++)
		for (unsigned i = 0; i < JOURNAL_PAGES; i++)
			if (journal_lids(s, q)[i])
				log_free(s, journal_lids(s, q)[i]);
	s->journal_pages = 0;
	for (uint64_t q = to + 1; q < s->journal_next; q++)
		for (unsigned i = 0; i < JOURNAL_PAGES; i++)
			s->journal_pages += journal_lids(s, q)[i] != 0;
}
