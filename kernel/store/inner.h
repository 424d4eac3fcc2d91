/*
 * inner.h - the store's own state, shared by its files.  No one else includes this (but its tests).
 *
 * A version is one object as of one epoch, in the log (or all zero, then only in here).  An object may have
 * several: at most one an epoch.  The newest is what a fetch gets; the newest not later than generation g
 * is what directory g names.  Versions older than the committed generation's go when it is committed.
 */
#ifndef STORE_INNER_H
#define STORE_INNER_H
#include <stddef.h>
#include "store/format.h"
#include "store/store.h"

#define V_WRITING  0x02                /* its write is under way: its object is still in core */
#define V_MOVED    0x04                /* its home is written; durable by the next flush */
#define V_OMITTED  0x10                /* the directory being written leaves it to its home */
#define V_BORROWED 0x20                /* its frame belongs to a journal record until the next commit */
#define V_OWN      0x08                /* with V_WRITING: from its object's own frame, not from a copy */
#define V_BAD      0x40                /* its frame does not hold it, or its group's tags cannot be read: it stays in the log */
#define V_SAME     0x80                /* with V_OWN: the version before it was the same */

struct store_version {
	uint64_t oid, checksum;
	uint32_t epoch, lid, alloc_count, call_count;
	uint32_t next;                 /* hash chain, or free list */
	uint32_t at;                   /* its place in store_memory.live, if it is */
	uint8_t kind, flags;
};

#define WRITE_STEP 32                  /* objects written in one step, each checked and summed */
#define IO_WORDS 4
#define IO_SLOTS (64 * IO_WORDS)       /* requests at once: what a disk that is far away needs to be busy */
#define IO_SPARE 16                    /* kept for fetches when much is being written */
#define IO_LAST  4                     /* kept for flushes and headers, which do not ask */
#define IO_TRIES 3

enum io_state { IO_FREE = 0, IO_QUEUED, IO_SUBMITTED, IO_DONE, IO_ERROR };

struct store_io {
	volatile uint8_t state;
	uint8_t op, tries;
	uint64_t frame;
	void *data;
	void (*done)(struct store *s, struct store_io *io, bool ok);
	uint64_t arg, arg2;
};

#define SAME_COPIES 24                 /* pages that may be found to be as they were saved: same.c */

/* Buffers, by number; a frame each. */
enum { B_HEADER = 0, B_DIR = 1, DIR_BUFFERS = 4, B_MIG_TAG = B_DIR + DIR_BUFFERS, B_MIG = B_MIG_TAG + 1, MIG_BATCH = 64,
       B_TAG = B_MIG + MIG_BATCH, TAG_LINES = 8, B_JOURNAL = B_TAG + TAG_LINES, B_SAME = B_JOURNAL + 1 + JOURNAL_PAGES,
       B_END = B_SAME + SAME_COPIES };
_Static_assert(B_END <= STORE_BUFFERS, "the buffers fit");

struct store_copy {                    /* what a frozen object held when it was about to change */
	struct store_object object;    /* its data is in frame B_END + index */
	uint8_t used, writing;
};

struct store_same {                    /* its data is in frame B_SAME + index */
	uint64_t oid;
	uint32_t epoch;                /* 0: nothing is kept */
};

enum fetch_state { FETCH_FREE = 0, FETCH_LOOK, FETCH_READING };

#define FETCHES 32
struct store_fetch {
	uint8_t state, tries;
	uint64_t oid, cookie, checksum;
	void *data;
	struct store_object object;
	int broken;                    /* the condition, if the checksum is wrong */
	bool zero;                     /* its home was never written, and must be zero */
};

_Static_assert(STORE_TAGS_AHEAD < TAG_LINES, "what is read ahead does not take the place of what is in use");

enum line_state { LINE_FREE = 0, LINE_LOADING, LINE_STALE /* loading what has since changed */, LINE_GOOD, LINE_ERROR };

struct tag_line {
	uint64_t group;
	uint8_t state;
	uint32_t used;
};

enum mend_state { MEND_NONE = 0, MEND_WANTED, MEND_WRITING };

enum mig_state { MIG_IDLE = 0, MIG_READING, MIG_TAKING, MIG_WRITING };

struct store {
	struct store_disk disk;
	struct store_cache cache;
	struct store_memory m;
	struct disk_super super;
	struct store_status status;
	uint8_t phase;
	bool want_checkpoint, starved, migration_off, held;

	/* The log. */
	uint64_t log_free, log_cursor;
	uint32_t version_free, version_live, version_top;   /* free list; live; first never used */

	/* Epochs and what is promised of the log's free frames. */
	uint32_t epoch, stable_epoch;          /* stable_epoch: being stabilised, if phase says so */
	struct disk_header header;             /* the newest committed */
	unsigned own_writes;                   /* versions with V_OWN */
	uint64_t reserved_new, reserved_old;   /* dirty in epoch; in an older one and not yet on its way out */

	/* A checkpoint under way. */
	uint64_t scan;                         /* of the cache's dirty objects */
	bool scan_done;
	uint32_t dir_scan, dir_next_lid, live_at_commit;
	struct disk_dir *dir_open;             /* being filled, or NULL */
	struct disk_header next_header;
	bool small;                            /* so little was dirty that it goes out in one step */
	bool quick;                            /* one flush for the header and what it names */
	uint32_t quick_run;                    /* generations since one that was not */
	uint8_t header_at, next_at;            /* places of the header in force; of the one being written */
	uint8_t seat;                          /* the place next to which a small one is written through; 0: it is not */
	uint8_t seat_last;
	uint32_t through;                      /* versions of this generation that were written through */
	uint64_t log_rest;                     /* where the log is filled when that is done */
	uint64_t log_cold;                     /* where a small one puts what seldom changes */
	bool seat_missed;                      /* none was free: what is old must leave the log */
	uint8_t dir_slot;                      /* which of m.dirs is the committed one's */
	uint32_t dir_count[2];
	bool dir_busy[DIR_BUFFERS];

	/* What is committed is taken over, in pieces, while phase is STORE_APPLY; 0: not begun. */
	uint8_t apply_round;
	uint32_t apply_scan;

	/* Migration.  The heap is collected up to heap_scan, then sunk from heap_sift down, then emptied. */
	uint8_t mig;
	uint32_t heap_count, heap_scan, heap_sift, mig_count, mig_left;
	uint32_t mig_taken, mig_good;          /* looked at after they were read; good ones among them, which come first */
	bool mig_hurry;                        /* somebody waits for each generation: store_hurry */
	uint32_t mig_put_off;                  /* generations for which homes have waited for that */
	bool mig_pass, mig_begun;              /* there may be something to move; a pass goes on over commits */
	uint64_t mig_group;
	uint32_t mig_version[MIG_BATCH];

	/* Journal.  Records in use: sequence header.journal_sequence + 1 .. journal_next - 1. */
	uint64_t journal_next, journal_cookie;
	uint32_t journal_left;
	uint32_t journal_pages;                /* written in this life and kept: versions of the next, if it restarts */
	uint8_t journal_state;

	/* Restart. */
	uint8_t restart;
	uint8_t mend, mend_left;               /* enum mend_state: the disk holds what was never finished, and it must go */
	uint32_t mend_headers;                 /* a bit for each place whose header is not to be found again */
	bool mend_record;
	bool restart_prove;                    /* the header in force must prove itself */
	bool restart_other_there;              /* restart_other is valid, and may have to be fallen back to */
	struct disk_header restart_other;
	uint8_t restart_other_at;
	bool restart_alone;                    /* no other place holds a header of that generation */
	uint64_t restart_dir_sum;
	uint32_t restart_proven, restart_batch, restart_version[MIG_BATCH];
	bool borrowed;                         /* there are V_BORROWED versions */
	uint32_t restart_left, restart_index, restart_lid;
	uint64_t restart_scan, restart_scanned;        /* the frames in between are in buffers B_MIG.. */
	struct disk_journal restart_record;

	struct store_io io[IO_SLOTS];
	uint64_t io_free[IO_WORDS];            /* a bit for each slot that is free */
	unsigned io_free_count;
	struct disk_request io_batch[IO_SLOTS];        /* only within io_submit */
	struct store_copy copy[STORE_COPIES];
	uint32_t copy_waiting;         /* used, and not being written yet */
	struct store_same same[SAME_COPIES];
	unsigned same_hand;
	struct store_fetch fetch[FETCHES];
	struct tag_line line[TAG_LINES];
	uint32_t line_clock;
};

static inline void *store_buffer(struct store *s, unsigned number)
{
	return s->m.frames + (uint64_t)number * DISK_FRAME;
}

/* store.c */
int copy_frozen(struct store *s, const struct store_object *o);  /* STORE_WAIT: no frame for it is free */
/* Writes an object whose frame goes on changing, or shall not keep anybody waiting, from a copy; it is clean at once.
 * STORE_WAIT as above. */
int write_moving(struct store *s, const struct store_object *o);
void tables_clear(struct store *s);        /* of the log and the versions in it */
void store_fail(struct store *s, int failure, int condition);
bool store_pressed(const struct store *s);   /* so much of the log is in use that a checkpoint is due */
/* ---- io.c ---- */
typedef void io_done(struct store *s, struct store_io *io, bool ok);
unsigned io_room(const struct store *s);
/* The first slot from there on that is not free; IO_SLOTS: there is none. */
static inline unsigned io_busy_next(const struct store *s, unsigned from)
{
	for (unsigned word = from / 64; word < IO_WORDS; word++, from = word * 64) {
		uint64_t busy = ~s->io_free[word] >> from % 64;

		if (busy)
			return from + __builtin_ctzll(busy);
	}
	return IO_SLOTS;
}
struct store_io *io_start(struct store *s, enum disk_op op, uint64_t frame, void *data, io_done *done, uint64_t arg);
bool io_step(struct store *s);         /* answers what is done, submits what is queued */

/* ---- log.c ---- */
void log_seek(struct store *s, uint64_t count);
/* A seat with so many free frames after it, to which the log is then moved; 0: there is none. */
unsigned log_seat(struct store *s, uint64_t count);
uint32_t log_alloc_cold(struct store *s);      /* log_alloc, but away from the seats */
uint32_t log_alloc(struct store *s);   /* never fails: the frame was reserved */
void log_free(struct store *s, uint32_t lid);
bool log_used(const struct store *s, uint32_t lid);
void log_mark(struct store *s, uint32_t lid);
struct store_version *version_newest(struct store *s, uint64_t oid, uint32_t epoch_limit);
struct store_version *version_exact(struct store *s, uint64_t oid, uint32_t epoch);
struct store_version *version_add(struct store *s, uint64_t oid, uint32_t epoch);
void version_free(struct store *s, struct store_version *v);
/* Starts the write of an object into the log; its reservation is used up.  True: the version before was the same. */
bool version_write(struct store *s, const struct store_object *o, void *data, int copy);
/* Whether one more may be written now: some requests are kept for fetches. */
bool version_may_write(const struct store *s);
bool version_in_flight(struct store *s, uint64_t oid);
/* Whether this version is being written, from its own frame or from a copy: it must not be begun again. */
bool version_busy(struct store *s, uint64_t oid, uint32_t epoch);
unsigned versions_in_flight(const struct store *s, uint32_t epoch_limit);
uint64_t log_needed(const struct store *s, uint64_t more);

/* ---- same.c ---- */
/* This is what the version that is about to be written will hold, as did the one before it. */
void same_keep(struct store *s, const struct store_version *v, const void *data);
/* Whether the newest version of this dirty object, which is committed, is byte for byte what it is now. */
bool same_as_saved(struct store *s, const struct store_object *o);

/* ---- the machines, one step each; true if something was done ---- */
bool checkpoint_step(struct store *s);
bool migrate_step(struct store *s);
bool migrate_wanted(const struct store *s);
void migrate_renew(struct store *s);   /* a generation was committed: there may be something to move */
bool fetch_step(struct store *s);
bool restart_step(struct store *s);
void restart_start(struct store *s);
bool mend_step(struct store *s);
void journal_committed(struct store *s, uint64_t from, uint64_t to);

/* ---- tag.c: the tags of the groups read last ---- */
/* NULL: not here yet, or (*failed) unreadable. */
struct disk_tag *tag_get(struct store *s, uint64_t oid, bool *failed);
void tag_changed(struct store *s, uint64_t group, const void *frame);
#endif
