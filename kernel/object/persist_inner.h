/*
 * persist_inner.h - what the files of the store's client (persist*.c) share.  No one else includes this.
 *
 * Who may write what
 *   persist_open.c   all of it, until persist_restart has answered
 *   persist_save.c   persist_dirty, persist_times
 *   persist.c        persist_due_ns, persist_interval_ns, persist_forced_epoch, persist_mark_word, persist_system_end
 *   persist_lost.c   persist_lost_count, persist_lost_total, persist_lost_at
 * persist_tight is set by whoever finds that there is little left, and cleared by persist_relieve.
 */
#ifndef KERNEL_PERSIST_INNER_H
#define KERNEL_PERSIST_INNER_H
#include "object/persist.h"

extern struct store *persist_store;
extern uint64_t persist_dirty;         /* frames that are dirty and belong to the store */
extern uint64_t persist_processes;     /* that were in the store at the start */
extern uint64_t persist_frames_high;   /* at a safe point, so many are made free if fewer are */
extern uint64_t persist_interval_ns;
extern uint32_t persist_forced_epoch;  /* the last one that somebody asked to be saved */
extern uint64_t persist_system_end;    /* of the frames that are the system's own; 0: nobody has said */
/* Root words that only a system knows: layout.h. */
extern uint64_t persist_programs_abi, persist_programs_stamp, persist_mark_word;

/* Of the last checkpoint, or the one under way. */
extern struct persist_times {
	uint64_t last_commit_ns;
	uint64_t stop_ticks, longest_ticks, check_ticks, written;
} persist_times;

/* ---- persist.c ---- */
/* The machine stops.  failure: what the store has answered, if it has not failed as a whole; STORE_OK else. */
__attribute__((noreturn)) void persist_failed(int failure);
/* Inside an operation: the disk goes on, but there is no demarcation. */
void persist_wait(void);
bool persist_has_room(void);           /* for what one operation may dirty */
void persist_due_arm(void);            /* something is dirty: a checkpoint will start by itself */
void persist_journalled(void *context, uint64_t cookie, int result);

/* ---- persist_save.c ---- */
extern const struct store_cache persist_cache;
/* Memory for a bit for each frame, and one for each word of those; zero. */
void persist_dirty_map(uint64_t *map, uint64_t *words);
struct store_object persist_object(struct frame *f);
void persist_frame_check(struct frame *f);
bool persist_step_timed(void);         /* store_step, at a safe point; true: there is more */

/* ---- persist_fetch.c ---- */
void persist_fetched(void *context, uint64_t cookie, const struct store_object *object, int result);
void persist_hints_forget(struct cap *c, unsigned count);

/* ---- persist_groups.c ---- */
void persist_groups_save(uint64_t *words);
/* The first group from this one on, before end, that these words do not say is without processes; end: there is none. */
uint64_t persist_group_next(const uint64_t *words, uint64_t group, uint64_t end);

/* ---- persist_lost.c ---- */
/* f, which has just been tried and is still in the directory, cannot be read; known: the store knew what it is. */
void persist_lose(const struct frame *f, bool known, int result);
void persist_found(uint64_t oid);      /* it could be read, after all */
void persist_mended(uint64_t oid);     /* it could not, but what it held is here */

/* ---- persist_age.c ---- */
void persist_age(void);                /* at a safe point */
#ifdef KEROS_TORMENT
void persist_torment(void);
#endif
#endif
