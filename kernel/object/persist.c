/*
 * persist.c - the object cache as the store's client: waiting, safe points, the checkpoint capability and the journal.
 * Rules in persist.h.  What is dirty and is saved: persist_save.c; what comes in: persist_fetch.c; what leaves:
 * persist_age.c; how it begins: persist_open.c.
 *
 * Invariants
 *   1. The store takes a step only in persist_wait, where no demarcation can happen, and at a safe point.
 *   2. If the store has failed the machine stops: what it would do from then on could not be kept.
 */
#include "arch.h"
#include "object/layout.h"
#include "object/persist_inner.h"
#include "panic.h"
#include "sched/sched.h"

#define ROOM_MARGIN  96                /* objects that an operation may dirty beyond the processes */
#define STEP_ROUNDS  8
#define FIRST_PROGRAM 1                /* the frame of its process: boot.c makes that first */
#define PACE         5                 /* while somebody computes, the store gets one part in this and one */
#define INTERVAL_NS  2000000000ull
#define HURRY_NS     20000000ull       /* whoever asks again before that has waited for what came in between */

bool persist_tight;
uint64_t persist_due_ns = ~0ull;
uint64_t persist_interval_ns = INTERVAL_NS;
uint64_t persist_processes;
uint32_t persist_forced_epoch;
uint64_t persist_mark_word;

static uint64_t pace_until;            /* ticks: those who compute are not stopped again before then */
static bool journal_waits;             /* somebody found the journal busy */
static bool force_wanted;
static uint64_t hurry_until_ns;        /* 0: nobody has asked for a generation of late */

void persist_failed(int failure)
{
	struct store_status status;

	store_get_status(persist_store, &status);
	if (status.phase == STORE_FAILED)
		failure = status.failure;
	if (failure != STORE_IO) {
		kprintf("keros: the store stops: the disk holds what was not written (condition C%d).\n", status.condition);
		arch_power_off(STORE_END_DAMAGED);
	}
	kprintf("keros: the store stops: the disk answers with errors.\n");
	if (status.generation)
		kprintf("keros: generation %u is what is saved.\n", status.generation);
	arch_power_off(STORE_END_FAILED);
}

/* ---- waiting ------------------------------------------------------------------------------- */

void persist_due_arm(void)
{
	if (persist_due_ns == ~0ull)
		persist_due_ns = arch_now_ns() + persist_interval_ns;
}

void persist_wait(void)
{
	struct store_status status;

	store_hold(persist_store, true);
	arch_disk_poll();
	store_step(persist_store);
	store_hold(persist_store, false);
	store_get_status(persist_store, &status);
	if (status.phase == STORE_FAILED)
		persist_failed(STORE_OK);
}

bool persist_has_room(void)
{
	int result = store_room(persist_store, ROOM_MARGIN + persist_processes);

	if (result == STORE_IO || result == STORE_BAD)
		persist_failed(result);
	return result != STORE_WAIT;
}

/* ---- safe points --------------------------------------------------------------------------- */

void persist_relieve(void)
{
	struct store_status status;

#ifdef KEROS_TORMENT
	if (torment_points >= KEROS_TORMENT)
		persist_torment();
#endif
	while (persist_on && (frame_free_count() < persist_frames_high || !persist_has_room())) {
		arch_disk_poll();
		for (unsigned i = 0; i < STEP_ROUNDS && persist_step_timed(); i++)
			;
		if (frame_free_count() < persist_frames_high)
			persist_age();
		store_get_status(persist_store, &status);
		if (status.phase == STORE_FAILED)
			persist_failed(STORE_OK);
	}
	persist_tight = false;
	/* Somebody who waits has asked: the demarcation, if none is under way, and the first writes. */
	for (unsigned i = 0; i < STEP_ROUNDS && force_wanted && persist_step_timed(); i++)
		;
	force_wanted = false;
}

bool persist_busy(void)
{
	return persist_on && store_busy(persist_store);
}

bool persist_paced(void)
{
	return persist_on && !store_small(persist_store);
}

bool persist_step(void)
{
	struct store_status status;
	bool more = persist_on;

	if (!persist_on)
		return false;
	arch_disk_poll();
	if (persist_due_ns != ~0ull && arch_now_ns() >= persist_due_ns) {
		persist_due_ns = ~0ull;
		store_checkpoint(persist_store);
	}
	if (hurry_until_ns && arch_now_ns() >= hurry_until_ns) {
		hurry_until_ns = 0;
		store_hurry(persist_store, false);
	}
	/* A small checkpoint is a few steps, and somebody waits for it. */
	if (!cpu.idle && persist_paced() && arch_tsc() < pace_until)
		return false;
	pace_until = arch_tsc();
	for (unsigned i = 0; i < STEP_ROUNDS && more; i++)
		more = persist_step_timed();
	pace_until += (arch_tsc() - pace_until) * (1 + PACE);
	store_get_status(persist_store, &status);
	if (status.phase == STORE_FAILED)
		persist_failed(STORE_OK);
	if (frame_free_count() < persist_frames_high)
		persist_age();
	if (journal_waits) {
		journal_waits = false;
		sched_commit_wake();
	}
	return more;
}

/* ---- the checkpoint capability -------------------------------------------------------------- */

void persist_status(struct persist_status *status)
{
	if (persist_on)
		store_get_status(persist_store, &status->store);
	status->dirty = persist_dirty;
	status->lost = persist_lost_total;
	status->frames_free = frame_free_count();
	status->interval_ns = persist_interval_ns;
	status->last_commit_ns = persist_times.last_commit_ns;
	status->stop_ticks = persist_times.stop_ticks;
	status->longest_ticks = persist_times.longest_ticks;
	status->check_ticks = persist_times.check_ticks;
	status->written = persist_times.written;
}

uint32_t persist_force(void)
{
	store_checkpoint(persist_store);
	store_hurry(persist_store, true);
	hurry_until_ns = arch_now_ns() + HURRY_NS;
	force_wanted = persist_tight = true;
	persist_forced_epoch = store_epoch;
	return store_epoch;
}

bool persist_committed(uint32_t generation)
{
	struct store_status status;

	store_get_status(persist_store, &status);
	return status.generation >= generation;
}

void persist_interval(uint64_t ns)
{
	persist_interval_ns = ns;
	if (persist_dirty)
		persist_due_ns = arch_now_ns() + ns;
}

void persist_system(void)
{
	persist_system_end = persist_high;
}

void persist_parked(const struct process *p)
{
	if (!persist_system_end || process_frame(p)->oid != FIRST_PROGRAM)
		return;
	kprintf("keros: the first program cannot go on, and without it nothing does. 'keros store FILE' lists what is wrong with\n"
		"the image; go back to an older copy of it, or give another file with --disk.\n");
	arch_power_off(STORE_END_DAMAGED);
}

uint64_t persist_mark(uint64_t value)
{
	uint64_t before = persist_mark_word;

	persist_mark_word = value;
	return before;
}

/* ---- the journal ---------------------------------------------------------------------------- */

/* The cookie is the frame of the process that waits and its ticket: it may have been stopped, or have left since. */
void persist_journalled(void *context, uint64_t cookie, int result)
{
	struct frame *f = &frames[(uint32_t)cookie];
	struct process *p = frame_data(f);

	(void)context;
	if (result == STORE_OK && f->kind == FRAME_PROCESS && p->journal_ticket == cookie >> 32)
		p->journal_done = p->journal_ticket;
	sched_commit_wake();           /* also those whose turn is next */
}

/*
 * A record must not be laid over a state in which the page was not yet given to anybody: it would hold something when it is
 * given to the next.  So the first time there is a checkpoint, which knows it as given; after that the journal does.
 */
static bool journal_based(struct frame *page)
{
	if (!page->journal_base)
		page->journal_base = persist_force();
	return persist_committed(page->journal_base);
}

bool persist_journal(struct process *p, struct frame *page)
{
	static uint32_t tickets;
	struct store_object o = persist_object(page);
	int result;

	if (p->journal_ticket && p->journal_oid == page->oid) {
		if (p->journal_done != p->journal_ticket)
			return false;
		p->journal_ticket = 0;
		return true;
	}
	if (!journal_based(page))
		return false;
	tickets += tickets + 1 ? 1 : 2;        /* never 0 */
	result = store_journal(persist_store, &o, 1, (uint64_t)tickets << 32 | frame_pfn(process_frame(p)));
	if (result == STORE_OK) {
		p->journal_oid = page->oid;
		p->journal_ticket = tickets;
		p->journal_done = 0;
		force_wanted = persist_tight = true;   /* the next safe point gives it to the disk */
	} else if (result == STORE_WAIT) {
		journal_waits = true;
	} else {
		persist_failed(result);
	}
	return false;
}
