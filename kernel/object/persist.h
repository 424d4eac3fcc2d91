/*
 * persist.h - the object cache as the store's client: memory as a cache of one persistent image.
 *
 * Interface
 *   1. Without a disk persist_on is false, and nothing here does anything: objects live as long as the machine.
 *   2. An object that is not in memory is brought in where it is asked for (frame_find, frame_get): the machine
 *      waits for the disk there.  Nothing is thrown out at such a place, so no pointer into the cache dies.
 *   3. Safe points (persist_step, persist_guard) are where nothing is half done: the entry of a kernel call, an
 *      interrupt, the idle loop.  Only there frames leave memory and demarcations happen.
 *   4. Process frames stay in memory while the process exists; all of them come in at a restart.
 */
#ifndef KERNEL_PERSIST_H
#define KERNEL_PERSIST_H
#include "object/object.h"
#include "store/store.h"

extern bool persist_on;
extern bool persist_tight;             /* memory or the log runs out: the next safe point must mend it */
extern uint32_t persist_life;          /* how often the image has been started */
extern uint64_t persist_high;          /* no frame from here on was ever made, but for the pack's copies */
extern uint64_t persist_range_end;     /* frames of the range; from here on: copies of the boot pack's pages */
extern uint64_t persist_homes;
extern uint64_t persist_due_ns;        /* when the next checkpoint starts by itself; ~0 = nothing to save */

extern uint64_t persist_frames_low;    /* so many free frames an operation may need; 0 without a disk */

/* A frame was taken: so many are left. */
static inline void persist_taken(uint64_t frames_left)
{
	if (frames_left < persist_frames_low)
		persist_tight = true;
}
static inline bool persist_has(uint64_t oid)
{
	return persist_on && (oid < persist_high || (oid >= persist_range_end && oid < persist_homes));
}
static inline void persist_made(uint64_t oid)
{
	if (oid >= persist_high && oid < persist_range_end)
		persist_high = oid + 1;
}

/* Fills a frame just entered into the directory with what the store holds.  False: it cannot, and the frame is free again. */
bool persist_fetch(struct frame *f);
/* A frame becomes a process: a restart must find it (persist_groups.c). */
void persist_process_made(uint64_t oid);

/* ---- objects that the disk cannot give back (persist_lost.c) ---- */
extern unsigned persist_lost_count;
extern uint64_t persist_lost_total;    /* found in this life */
bool persist_lost_known(uint64_t oid);
bool cap_frame_lost(const struct cap *c);     /* of a capability that names an object: ask cap_is_lost */
/* It is one of them, and not worth to be read again now. */
static inline bool persist_lost(uint64_t oid)
{
	return __builtin_expect(persist_lost_count != 0, 0) && persist_lost_known(oid);
}
/* p stays stopped for ever.  If it is the first program of a system that has a store, so would the machine: it ends. */
void persist_parked(const struct process *p);
/* All frames made so far are the system's own: without a process among them it does not go on (checkpoint.system). */
void persist_system(void);

/* A safe point with time to work: interrupts and the idle loop.  True: there is more to do at once. */
bool persist_step(void);
/* The store has work that waits for the disk. */
bool persist_busy(void);
bool persist_paced(void);               /* what it has to do takes turns with those who compute */

/* Waits for the disk while too few frames are free, or the store has no room for what becomes dirty. */
void persist_relieve(void);
/* A safe point at the entry of a call: true if the machine had to wait, and the caller starts again. */
static inline bool persist_guard(void)
{
	if (__builtin_expect(!persist_tight, 1))
		return false;
	persist_relieve();
	return true;
}

/* A request of the disk's driver is answered. */
void persist_disk_done(uint32_t tag, bool ok);

/* Boot.  Bytes of kernel memory needed for a machine of so many frames; 0: there is no disk. */
uint64_t persist_plan(uint64_t frame_total);
/* With that memory.  Opens the store; refuses a disk that holds something else. */
void persist_open(void *memory, uint64_t frame_total, uint64_t pack_pages);
/* Whether the store holds a system that goes on; else persist_begin makes the range for the first program. */
bool persist_restart(uint64_t pack_stamp);

/* 0, or the first condition broken: C120, C121, or one of the store's tables.  Looks at all of memory. */
int persist_check(void);

/* ---- the checkpoint capability ---- */
struct persist_status {
	struct store_status store;
	uint64_t lost;                 /* objects that could not be read, in this life */
	uint64_t dirty, frames_free, interval_ns, last_commit_ns;
	uint64_t stop_ticks, longest_ticks, check_ticks, written;
};
void persist_status(struct persist_status *status);
/* Asks for a checkpoint; the generation that will hold everything done until now. */
uint32_t persist_force(void);
bool persist_committed(uint32_t generation);
void persist_interval(uint64_t ns);
/* Whether what the page held when p first asked is on the disk; if not, p waits (sched_commit_wait) and asks again. */
bool persist_journal(struct process *p, struct frame *page);
/* From the next checkpoint on: what the host may read of the system without running it (layout.h). */
uint64_t persist_mark(uint64_t value);
#endif
