/*
 * disksim.h - a disk in memory that can lose power at any moment.
 *
 * Rules
 *   1. Requests are answered only by disksim_run, one at a time, in a random order.  A write counts from its
 *      answer on; its data must not change before that (checked).
 *   2. What was answered since the last flush is in the disk's volatile cache.  disksim_cut makes a second disk as
 *      power would leave it: LINEAR, all that was answered; ANY, any of the writes since the flush, answered or only
 *      submitted, in any order, each whole or torn in steps of 512 bytes; in frames of headers also to nothing; SUBSET,
 *      those of them that have a bit in `subset`, oldest first, each whole; KILLED, the machine ends and its host does not:
 *      the volatile cache goes on, and can still be lost.
 *   3. A write-through is durable when it is answered; before that it is like any write.
 *   4. fail_read, fail_write, fail_flush and fail_through count down; the request at which they reach 0 fails, once, or
 *      with fail_on it and all after it, and flushes after a write that failed.  A write that fails may have torn its frame.  A flush
 *      that fails may have lost any of the writes that it covers, and no later one brings them back: so do hosts.  A
 *      write-through that fails is both.
 *      Reads of bad_frame always fail.
 */
#ifndef HOSTED_DISKSIM_H
#define HOSTED_DISKSIM_H
#include "store/disk.h"
#include "store/store.h"

#define SIM_QUEUE 24
#define SIM_CACHED 8192

enum cut { CUT_LINEAR, CUT_ANY, CUT_SUBSET, CUT_KILLED };

struct sim_request {
	struct disk_request request;
	uint64_t sum, covers;          /* covers: of a flush, the writes answered when it came */
};

struct sim_write {
	uint64_t frame;
	uint8_t *data;
};

struct disksim {
	uint64_t frames, random;
	uint8_t *durable;
	uint8_t *stale;                /* frame differs from the parent's: see disksim_cut */
	struct disksim *child;
	struct sim_request queue[SIM_QUEUE];
	unsigned queued;
	struct sim_write *cached;
	unsigned cached_count;
	uint64_t reads, writes, flushes, throughs;
	uint64_t fail_read, fail_write, fail_flush, fail_through, bad_frame;
	uint64_t failed;               /* requests answered with an error */
	bool fail_on;
	const struct disk_super *headers;      /* where they are, a torn write may leave nothing good; or NULL */
	bool in_order;
	bool no_through;               /* set before disksim_disk: it cannot write through */
	uint32_t subset;
};

/* A disk of so many frames, all zero, whose memory is malloc'ed; seed: of its random numbers. */
void disksim_init(struct disksim *sim, uint64_t frames, uint64_t seed);
/* Over what `memory` holds, which stays the caller's. */
void disksim_over(struct disksim *sim, uint64_t frames, void *memory, uint64_t seed);
/* As new but for what it holds: nothing asked, this seed's random numbers. */
void disksim_reset(struct disksim *sim, uint64_t seed);
/* Makes it an empty store, on what is otherwise left as it was. */
void disksim_format(struct disksim *sim, const struct disk_super *super);
void disksim_free(struct disksim *sim);
struct store_disk disksim_disk(struct disksim *sim);   /* what the store is given to ask it */
/* Answers one request; returns its disk_op, 0 if there was none. */
int disksim_run(struct disksim *sim, struct store *s);
/* The same for another client than a store. */
int disksim_answer(struct disksim *sim, void (*done)(void *context, uint32_t tag, bool ok), void *context);
/* `out` was initialised with as many frames; it is always cut from the same sim. */
void disksim_cut(struct disksim *sim, struct disksim *out, enum cut how);
/* The writes of which a cut leaves any. */
unsigned disksim_pending(const struct disksim *sim);
uint64_t disksim_random(struct disksim *sim);          /* the next of its numbers: all 64 bits */
void *disksim_frame(struct disksim *sim, uint64_t frame);      /* what is durable of it; may be changed */
void disksim_read(struct disksim *sim, uint64_t frame, void *data);     /* what a request would read */
#endif
