/*
 * checkpoint.c - the checkpoint capability: when what was done is durable, and asking for it.
 *
 * Data 1 marks the weaker capability, which sandboxes get for fsync: it can make the system write, as any
 * work does, and learns nothing but generation numbers.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/checkpoint.h"
#include "object/persist.h"
#include "sched/sched.h"

#define SYNC_ONLY 1
#define WAITERS   64

static struct cap waiters[WAITERS];    /* notice capabilities of those who asked for one; void: free */

static bool has_store(struct inv *inv, bool full)
{
	if (persist_on && !(full && inv->target.data == SYNC_ONLY))
		return true;
	inv_fail(inv, RC_NOACCESS);
	return false;
}

void checkpoint_op_status(struct inv *inv)
{
	struct persist_status s = { 0 };

	commit_point();
	persist_status(&s);
	inv->out_w[0] = s.store.generation;
	inv->out_w[1] = s.dirty;
	inv->out_w[2] = persist_on;
	inv->out_w[3] = persist_life;
	inv->out_w[4] = s.store.log_free;
	inv->out_w[5] = s.store.log_frames;
}

void checkpoint_op_force(struct inv *inv)
{
	if (!has_store(inv, false))
		return;
	commit_point();
	inv->out_w[0] = persist_force();
}

void checkpoint_op_wait(struct inv *inv)
{
	uint32_t generation = inv_word(inv, 0);

	if (!has_store(inv, false))
		return;
	if (!persist_committed(generation)) {
		inv_stall(inv);
		sched_commit_wait(inv->sender);
		return;
	}
	commit_point();
}

void checkpoint_op_committed(struct inv *inv)
{
	struct persist_status s = { 0 };

	if (!has_store(inv, false))
		return;
	commit_point();
	persist_status(&s);
	inv->out_w[0] = s.store.generation;
}

static struct cap *waiter_of(struct process *p)
{
	struct cap *spare = NULL;

	for (unsigned i = 0; i < WAITERS; i++) {
		struct process *owner = cap_process(&waiters[i]);

		if (owner == p)
			return &waiters[i];
		if (!owner)
			spare = &waiters[i];
	}
	return spare;
}

/* The process of the notice in position 0; NULL, and the invocation has failed, if there is none. */
static struct process *notice_process(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);
	struct process *p = c->type == CAP_NOTICE ? cap_process(c) : NULL;

	if (!p)
		inv_fail(inv, RC_REQUEST);
	return p;
}

void checkpoint_op_notify(struct inv *inv)
{
	struct process *p;
	struct cap *waiter;

	if (!has_store(inv, false) || !(p = notice_process(inv)))
		return;
	waiter = waiter_of(p);
	if (!waiter) {
		inv_fail(inv, RC_LIMIT);
		return;
	}
	commit_point();
	if (persist_committed(inv_word(inv, 0))) {
		notice_deliver(p, inv_cap(inv, 0)->data);
		return;
	}
	frame_dirty(process_frame(p));
	p->commit_generation = inv_word(inv, 0);
	p->commit_bits = inv_cap(inv, 0)->data;
	*waiter = *inv_cap(inv, 0);
}

/* A generation is committed. */
void checkpoint_tell(uint32_t generation)
{
	for (unsigned i = 0; i < WAITERS; i++) {
		struct process *p = cap_process(&waiters[i]);

		if (!p || p->commit_generation > generation)
			continue;
		frame_dirty(process_frame(p));
		p->commit_generation = 0;
		notice_deliver(p, waiters[i].data);
		waiters[i] = cap_void();
	}
	sched_commit_wake();
}

void checkpoint_op_at_restart(struct inv *inv)
{
	struct process *p;

	if (!has_store(inv, false) || !(p = notice_process(inv)))
		return;
	commit_point();
	frame_dirty(process_frame(p));
	p->restart_bits = inv_cap(inv, 0)->data;
}

void checkpoint_op_interval(struct inv *inv)
{
	struct persist_status s = { 0 };

	if (!has_store(inv, true))
		return;
	commit_point();
	persist_status(&s);
	inv->out_w[0] = s.interval_ns;
	if (inv_word(inv, 0))
		persist_interval(inv_word(inv, 0));
}

void checkpoint_op_mark(struct inv *inv)
{
	if (!has_store(inv, true))
		return;
	commit_point();
	inv->out_w[0] = persist_mark(inv_word(inv, 0));
}

void checkpoint_op_damage(struct inv *inv)
{
	struct persist_status s = { 0 };

	if (!has_store(inv, true))
		return;
	commit_point();
	persist_status(&s);
	inv->out_w[0] = s.lost;
}

void checkpoint_op_system(struct inv *inv)
{
	if (!has_store(inv, true))
		return;
	commit_point();
	persist_system();
}

void checkpoint_op_times(struct inv *inv)
{
	struct persist_status s = { 0 };

	if (!has_store(inv, true))
		return;
	commit_point();
	persist_status(&s);
	inv->out_w[0] = s.stop_ticks;
	inv->out_w[1] = s.longest_ticks;
	inv->out_w[2] = s.check_ticks;
	inv->out_w[3] = s.written;
	inv->out_w[4] = s.last_commit_ns;
	inv->out_w[5] = s.store.copies;
}

void checkpoint_op_space(struct inv *inv)
{
	struct persist_status s = { 0 };

	if (!has_store(inv, true))
		return;
	commit_point();
	persist_status(&s);
	inv->out_w[0] = persist_homes;
	inv->out_w[1] = persist_high;
	inv->out_w[2] = s.store.log_frames;
	inv->out_w[3] = s.store.log_free;
	inv->out_w[4] = s.frames_free;
	inv->out_w[5] = s.store.throttled;
}

void checkpoint_op_sync_only(struct inv *inv)
{
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_CHECKPOINT, SYNC_ONLY, 0));
}
