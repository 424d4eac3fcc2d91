/*
 * store.h - the single-level store: checkpoints of a cache of objects on a disk.
 *
 * Interface
 *   1. store_open starts to read a store; store_step drives everything; nothing here waits or allocates.
 *      store_disk_done may be called from an interrupt of the same processor with interrupts off; all the
 *      other functions and callbacks are one thread of control.
 *   2. An object is fetched (store_fetch), changed after store_dirty said STORE_OK, and written out by a
 *      checkpoint or by store_clean.  While it is being written store_dirty answers STORE_WAIT.
 *   3. A checkpoint: the cache's own check; demarcation (the epoch is bumped, the cache write-protects); the
 *      frames dirty in the old epoch are written to the log while the cache goes on (store_dirty copies what
 *      is about to change); directory; flush; header; flush: committed.  Then homes are brought up to date.
 *   4. Answers: STORE_OK; STORE_WAIT, try again after the room callback or a step; STORE_FULL, it can never be;
 *      STORE_IO, the disk failed three times; STORE_BAD, what the disk holds breaks a condition (status.condition).
 *
 * Invariants (store_check; their numbers in format.h)
 *   1. Every dirty object of the cache holds one reservation; free frames of the log always suffice for all
 *      reservations and for two directories: what was allowed to become dirty can be saved.
 *   2. No state that breaks a condition is ever committed.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include "store/disk.h"
#include "store/format.h"

struct store;

enum store_result { STORE_OK = 0, STORE_WAIT, STORE_FULL, STORE_IO, STORE_BAD };

/* A version of an object.  kind is the cache's (0 = never made); epoch the one in which it was last dirty. */
struct store_object {
	uint64_t oid;
	uint32_t alloc_count, call_count, epoch;
	uint8_t kind;
	bool moving;                   /* its frame changes unannounced: it is copied, and then written */
	void *data;
};

/* What the store asks of the object cache. */
struct store_cache {
	void *context;
	/* The next dirty object at or after *cursor whose epoch is at most `epoch`; moves the cursor past it. */
	bool (*next_dirty)(void *context, uint64_t *cursor, uint32_t epoch, struct store_object *object);
	/* The log holds it: it is clean if it still has this epoch, but for store_dirty_again.  changed: the version
	 * before, if it is still known, was another.  Not changed: it may not have been written at all. */
	void (*cleaned)(void *context, uint64_t oid, uint32_t epoch, bool changed);
	void (*fetched)(void *context, uint64_t cookie, const struct store_object *object, int result);
	void (*journalled)(void *context, uint64_t cookie, int result);
	/* 0, or the number of a condition broken: then there will be no demarcation. */
	int (*check)(void *context);
	uint64_t (*dirty_count)(void *context);
	/* The epoch is now this one: write-protect; say what the next life must know. */
	void (*demarcated)(void *context, uint32_t epoch, uint64_t root[ROOT_WORDS]);
	void (*committed)(void *context, uint32_t generation);
	void (*room)(void *context);   /* what was answered STORE_WAIT may be tried again */
};

#define STORE_BUFFERS 112
#define STORE_COPIES  256

/* All memory the store uses; given once, never more. */
struct store_memory {
	struct store_version *versions;
	uint32_t version_count;        /* objects that can be in the log at once, with their older versions */
	uint32_t *live;                /* version_count: those in use, so that a walk costs what is there */
	uint32_t *hash;                /* a power of two */
	uint32_t hash_size;
	uint64_t *log_map;             /* a bit for each log frame */
	uint32_t *heap;                /* version_count: the order of migration */
	uint32_t *dirs[2];             /* each version_count / 127 + 2 */
	uint32_t *journal_lids;        /* journal frames * JOURNAL_PAGES */
	uint8_t *frames;               /* STORE_BUFFERS + copy_count frames of 4 KiB */
	uint32_t write_slots;          /* objects being written at once; 0 = as many as there are requests */
	uint32_t move_batch;           /* objects brought home at once; 0 = as many as there are buffers */
	uint32_t scan_step;            /* versions looked at in one step: the machine stands still meanwhile */
	uint32_t copy_count;           /* frames that can be copied on write at once; at most STORE_COPIES */
};

enum store_phase { STORE_CLOSED, STORE_RESTARTING, STORE_IDLE, STORE_WRITING, STORE_DIRECTORY, STORE_FLUSH_1, STORE_HEADER,
		   STORE_SETTLE, STORE_FLUSH_2, STORE_APPLY, STORE_FAILED };

struct store_status {
	uint8_t phase;
	int failure;                   /* if phase is STORE_FAILED: STORE_IO or STORE_BAD */
	int condition;                 /* the last condition found broken */
	uint32_t generation, epoch;    /* the newest committed; the current */
	uint64_t log_frames, log_free, reserved, versions, migrated, homes;
	uint64_t checkpoints, copies, throttled, replayed, retried, refused, quick, through, same;
	bool older_header;             /* restart found one header frame without a valid copy */
	bool unproven_header;          /* the newest header proved nothing: it was never finished, or was damaged since */
};

uint64_t store_size(void);             /* of struct store */
uint64_t store_version_bytes(void);    /* of one of store_memory.versions */
/* An empty store is a few frames on a disk that is otherwise zero: what the index-th holds goes into `data`; returns which
 * frame it is.  The super block is the last: without it, it is no store.  STORE_FORMAT_END: there are no more. */
#define STORE_FORMAT_END (~0ull)
uint64_t store_format(const struct disk_super *super, unsigned index, void *data);

void store_open(struct store *s, const struct store_disk *disk, const struct store_cache *cache,
		const struct store_memory *memory, const struct disk_super *super);
bool store_ready(const struct store *s);
const uint64_t *store_root(const struct store *s);
/* One round of work; true if there is more that does not wait for the disk. */
bool store_step(struct store *s);
void store_disk_done(struct store *s, uint32_t tag, bool ok);

/* May `count` more objects become dirty?  STORE_WAIT also starts what will make room. */
int store_room(struct store *s, uint64_t count);
/* Before an object becomes dirty, or changes while it is dirty in an older epoch.  was_dirty: its flag now. */
int store_dirty(struct store *s, const struct store_object *object, bool was_dirty);
/* In `cleaned`: is there room for the object to stay dirty; it does, now in the current epoch. */
bool store_room_again(const struct store *s);
void store_dirty_again(struct store *s);
/* Writes a dirty object out so that its frame can be taken: `cleaned` follows. */
int store_clean(struct store *s, const struct store_object *object);
int store_fetch(struct store *s, uint64_t oid, void *data, uint64_t cookie);
int store_checkpoint(struct store *s);
int store_journal(struct store *s, const struct store_object *objects, unsigned count, uint64_t cookie);
uint32_t store_current_epoch(const struct store *s);
void store_get_status(const struct store *s, struct store_status *status);
/* 0, or the first condition broken.  full: also walks all tables. */
int store_check(struct store *s, bool full);
/* While it is held no demarcation happens: the cache is in the middle of something. */
void store_hold(struct store *s, bool on);
/* Something is under way that the disk must answer. */
bool store_busy(const struct store *s);
/* A checkpoint is under way, of so few objects that its steps are soon done. */
bool store_small(const struct store *s);
/* The kind of an object's newest version; STORE_WAIT: its tag is being read. */
int store_kind(struct store *s, uint64_t oid, uint8_t *kind);
/* Whether this is what the newest version of an object holds: STORE_OK, STORE_BAD, STORE_IO; STORE_WAIT: its tag is being read. */
int store_compare(struct store *s, uint64_t oid, const void *data);
#define STORE_TAGS_AHEAD 6             /* groups; more would take the place of those not asked about yet */
/* It will be asked about the objects of that group soon: their tags begin to be read. */
void store_tags_ahead(struct store *s, uint64_t group);
void store_migration(struct store *s, bool on);
/* Whether somebody asks for one generation after the other: then homes wait, for a while, and if there is room. */
void store_hurry(struct store *s, bool on);

/* ---- verify.c: an image, offline ---- */
struct store_verdict {
	uint32_t generation, journal_records;
	bool older_header;             /* one header frame has no valid copy: the generation may not be the newest */
	uint64_t filled;               /* objects that are not all zero */
	uint64_t kinds[8], in_log, in_homes, homes, log_frames, log_used, broken;
};
struct store_reader {
	void *context;
	uint64_t frames;
	bool (*read)(void *context, uint64_t frame, void *data);
	/* These frames are known to be zero without reading them; may be NULL. */
	bool (*never_written)(void *context, uint64_t first, uint64_t count);
	void (*report)(void *context, int condition, uint64_t where);
};
/* `map` has a bit for each disk frame, `seen` one for each home; zero.  False: it is no store. */
/* The header in force, without looking further; false: it is no store, or has none. */
bool store_header(const struct store_reader *reader, struct disk_super *super, struct disk_header *header);
bool store_verify(const struct store_reader *reader, uint64_t *map, uint64_t *seen, struct store_verdict *verdict);
#endif
