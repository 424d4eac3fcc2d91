/*
 * format.h - what the store keeps on disk.  Drawn with its reasons in doc/store.md.
 *
 *     frame 0     1..2       journal_first..     log_first..              home_first..
 *     +-------+---------+---------------------+-----------------------+--------------------------------+
 *     | super | headers | journal records     | log: versions and     | group: 1 tag frame, 128 homes; |
 *     |       | A and B | (a ring)            | directories, any order| group; group; ...              |
 *     +-------+---------+---------------------+-----------------------+--------------------------------+
 *
 * A header is in frame 1 or 2, or at one of a few places in the log that are kept for it (seats): then it lies next to
 * what it names, and all of that can go out as one write.
 *
 * Invariants
 *   1. The state of the system is: the directory that the newest valid header names; for an object that it
 *      does not name, its home; over both, the journal records after the header's journal_sequence.
 *   2. A frame of the log that the newest header's directory or a later journal record names is never written.
 *   3. A home is written only with a committed version, and stays covered by the directory until it is durable.
 *   4. Super, headers and journal records are 512 bytes, eight times in their frame: a torn write leaves whole copies, one flipped
 *      bit leaves seven.  A tag is 32 bytes, so that no tear divides it.
 *   5. An all-zero tag, the state of a new image, means an object that was never written.  Its home, and no other, is
 *      zero: a tag that was lost does not pass for one that never was.
 *   6. A header with a number in `proves` was written in one flush with what it names: it counts only if its directory
 *      is whole and the versions of its own generation, so many, are what the directory says; else the other header
 *      is in force.  Its dir_sum says which directory: one of the same generation that an earlier life left unfinished
 *      may lie where it should be.
 * Numbers are little-endian.  Checksums are XXH64 of what comes before them, or of the frame; the seed says
 * what the frame is (an oid, a generation, a sequence number), so that a good frame in a wrong place is bad.
 */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H
#include <stdint.h>
#include "store/disk.h"

#define SUPER_MAGIC   0x31524F54534F524Bull    /* "KROSTOR1" */
#define HEADER_MAGIC  0x4B43524845524F4Bull
#define DIR_MAGIC     0x5249444Bu
#define JOURNAL_MAGIC 0x4C4E524A4F52454Bull
#define STORE_VERSION 4                /* of new images; 3: no seats; 2: no header proves anything either */
#define STORE_VERSION_OLDEST 2

#define SUPER_FRAME   0
#define HEADER_FRAME  1                /* and the next: the header of generation g is in HEADER_FRAME + (g & 1), or a seat */
#define SEATS         16
#define SEAT_STEP     32               /* frames from seat to seat, in a log that is not very small */
#define HEADER_PLACES (2 + SEATS)      /* at most */
#define COPIES        (DISK_FRAME / DISK_SECTOR)
#define GROUP_HOMES   128              /* after each tag frame */
#define ROOT_WORDS    32
#define JOURNAL_PAGES 8                /* at most, in one record */

struct disk_super {
	uint64_t magic;
	uint32_t version, journal_first, journal_frames, log_first;
	uint64_t log_frames, home_first, homes, disk_frames, store_id;
	uint32_t seats, seat_step;     /* from version 4 on: frames of the log for headers, the first and each seat_step-th */
	uint64_t reserved[54];
	uint64_t checksum;
};
_Static_assert(sizeof(struct disk_super) == DISK_SECTOR, "a sector");

struct disk_header {
	uint64_t magic, store_id;
	uint32_t generation, dir_first, dir_frames, dir_entries;
	uint64_t journal_sequence;     /* of the last record that this generation holds already */
	uint64_t root[ROOT_WORDS];     /* the cache's own: what it needs to start again */
	uint32_t proves;               /* invariant 6; versions with a frame */
	uint32_t stands_in;            /* 1: in the other frame, whose header was never finished */
	uint64_t dir_sum;              /* of all frames of the directory (dir_add); 0: not recorded */
	uint32_t frame, reserved1;     /* where it belongs; 0, in images without seats: generation and stands_in say */
	uint64_t reserved[23];
	uint64_t checksum;
};
_Static_assert(sizeof(struct disk_header) == DISK_SECTOR, "a sector");

/* Where a version of an object is.  lid is the disk frame; 0 = all zero, and nothing was written. */
struct disk_entry {
	uint64_t oid_kind;             /* kind in the top 8 bits */
	uint64_t checksum;
	uint32_t lid, alloc_count, call_count, epoch;
};
_Static_assert(sizeof(struct disk_entry) == 32, "127 entries and a head fill a frame");

#define DIR_ENTRIES 127
struct disk_dir {
	uint32_t magic, generation, index, count;
	uint32_t next, reserved;
	uint64_t checksum;             /* of all the rest of the frame */
	struct disk_entry entry[DIR_ENTRIES];
};
_Static_assert(sizeof(struct disk_dir) == DISK_FRAME, "a frame");

struct disk_tag {
	uint64_t checksum;             /* of the home frame */
	uint32_t alloc_count, call_count;
	uint32_t epoch;                /* of the version that is home */
	uint8_t kind, null;
	uint16_t reserved;
	uint32_t reserved2;
	uint32_t check;                /* of the tag, low half of XXH64 */
};
_Static_assert(sizeof(struct disk_tag) * GROUP_HOMES == DISK_FRAME, "the tags of a group fill a frame");

struct disk_journal {
	uint64_t magic, store_id, sequence;
	uint32_t count, reserved;
	struct disk_entry entry[JOURNAL_PAGES];
	uint64_t reserved2[27];
	uint64_t checksum;
};
_Static_assert(sizeof(struct disk_journal) == DISK_SECTOR, "a sector");

#define ENTRY_OID(e)  ((e)->oid_kind & 0xFFFFFFFFFFFFFFull)
#define ENTRY_KIND(e) ((uint8_t)((e)->oid_kind >> 56))
#define ENTRY_OID_KIND(oid, kind) ((oid) | (uint64_t)(kind) << 56)

static inline uint64_t home_tag_frame(const struct disk_super *s, uint64_t oid)
{
	return s->home_first + oid / GROUP_HOMES * (GROUP_HOMES + 1);
}
static inline uint64_t home_frame(const struct disk_super *s, uint64_t oid)
{
	return home_tag_frame(s, oid) + 1 + oid % GROUP_HOMES;
}

/* Where a header may be, by number: frames 1 and 2, then the seats. */
static inline unsigned header_places(const struct disk_super *s)
{
	return 2 + (s->version >= 4 ? s->seats : 0);
}
static inline uint64_t header_place(const struct disk_super *s, unsigned place)
{
	return place < 2 ? HEADER_FRAME + place : s->log_first + (uint64_t)(place - 2) * s->seat_step;
}
/* Frames at the beginning of the log in which seats are, and what lies between them. */
static inline uint64_t seats_end(const struct disk_super *s)
{
	return s->version >= 4 ? (uint64_t)s->seats * s->seat_step : 0;
}

/* ---- format.c: making and judging single frames; each judge returns 0 or the condition broken ---- */
uint64_t checksum_frame(const void *frame, uint64_t seed);
uint64_t checksum_bytes(const void *bytes, uint64_t length, uint64_t seed);
void super_plan(struct disk_super *super, uint64_t disk_frames, uint64_t log_frames, uint32_t journal_frames,
		uint64_t store_id);
void super_seal(struct disk_super *super, void *frame);
int super_judge(const void *frame, uint64_t disk_frames, struct disk_super *super);
/* What the best of its copies, which is then in *super, is: for whoever has to say why an image is refused. */
enum super_state {
	SUPER_NONE,                    /* no copy has the magic number */
	SUPER_DAMAGED,                 /* none is what was written */
	SUPER_VERSION,                 /* of a version that this build does not know */
	SUPER_SHORT,                   /* the disk has fewer frames than it says */
	SUPER_GOOD,
};
enum super_state super_look(const void *frame, uint64_t disk_frames, struct disk_super *super);
void header_seal(struct disk_header *header, void *frame);
/* Says in the header that it belongs to that place. */
void header_put(struct disk_header *header, const struct disk_super *super, unsigned place);
/* The newest valid copy in the frame of that place, if it belongs there; false if there is none. */
bool header_newest(const void *frame, const struct disk_super *super, unsigned place, struct disk_header *header);
void dir_seal(struct disk_dir *dir);
/* The sum of a directory so far, and its next frame. */
uint64_t dir_add(uint64_t sum, const struct disk_dir *dir);
int dir_judge(const struct disk_dir *dir, const struct disk_super *super, uint32_t generation, uint32_t index);
int entry_judge(const struct disk_entry *entry, const struct disk_super *super, uint32_t generation);
void tag_seal(struct disk_tag *tag, uint64_t oid);
int tag_judge(const struct disk_tag *tag, uint64_t oid, uint32_t generation);
/* Whether one of a group's valid tags is newer. */
bool tags_newer(const struct disk_tag *tags, uint64_t group, uint32_t generation);
void journal_seal(struct disk_journal *record, void *frame);
/* The first valid copy of that record; false if there is none. */
bool journal_judge(const void *frame, const struct disk_super *super, uint64_t sequence, struct disk_journal *record);
/* Whether a frame of the ring holds a valid record after that one. */
bool journal_later(const void *frame, const struct disk_super *super, uint64_t sequence);
/* The seed of a journalled page's checksum: no frame of the log can be taken for it. */
uint64_t journal_seed(uint64_t oid, uint64_t sequence);
bool frame_is_zero(const void *frame);

/* The conditions (doc/store.md lists them; conditions_test.c violates each). */
enum store_condition {
	C310_SUPER = 310, C311_HEADER, C312_DIR, C313_DIR_ONCE, C314_ENTRY, C315_LOG_ONCE, C316_LOG_MAP, C317_RESERVED,
	C318_ROOM, C319_COUNTS, C320_VERSION, C321_TAG, C322_HOME, C323_HOME_NEWER, C324_EPOCH, C325_VERSION_ONCE,
	C326_JOURNAL, STORE_CONDITIONS_END,
};
#endif
