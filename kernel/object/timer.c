/*
 * timer.c - time as a capability: now, sleep, alarms by notice.
 *
 * A sleeper is parked in the kernel's sleep queue and makes its invocation again when it is
 * due; nothing is allocated.  Source: eros.md 1.11 (Sleep).
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/timer.h"
#include "object/primary.h"
#include "sched/sched.h"

void timer_op_now(struct inv *inv)
{
	commit_point();
	inv->out_w[0] = arch_now_ns();
}

void timer_op_sleep_until(struct inv *inv)
{
	uint64_t when_ns = inv_word(inv, 0);

	if (when_ns > arch_now_ns()) {
		inv_stall(inv);
		sched_sleep(inv->sender, when_ns);
		return;
	}
	commit_point();
}

void timer_op_notify_at(struct inv *inv)
{
	uint64_t when_ns = inv_word(inv, 0);
	const struct cap *c = inv_cap(inv, 0);
	struct process *p = c->type == CAP_NOTICE ? cap_process(c) : NULL;

	if (!p) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	if (!sched_alarm(p, c->data, when_ns))
		inv_fail(inv, RC_LIMIT);
}

void timer_op_wall(struct inv *inv)
{
	uint64_t now_ns = arch_now_ns();

	commit_point();
	inv->out_w[0] = arch_wall_seconds() + now_ns / 1000000000;
	inv->out_w[1] = now_ns % 1000000000;
}

void timer_op_tsc(struct inv *inv)
{
	uint64_t tsc = 0, now_ns = 0, best = ~0ull;

	commit_point();
	/* The two clocks cannot be read at once: of some tries the quickest is the truest. */
	for (int i = 0; i < 4; i++) {
		uint64_t before = arch_tsc(), now = arch_now_ns(), after = arch_tsc();

		if (after - before >= best)
			continue;
		best = after - before;
		tsc = before + best / 2;
		now_ns = now;
	}
	inv->out_w[0] = tsc;
	inv->out_w[1] = now_ns;
	inv->out_w[2] = tsc >> 20 ? mul_div(now_ns, 1ull << 32, tsc) : 0;
}

void timer_op_make_bwait(struct inv *inv)
{
	uint64_t number = inv_word(inv, 0);

	if (number < 1 || number > BWAITS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_PRIMARY, number, 0));
}

void timer_op_make_calendar(struct inv *inv)
{
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_PRIMARY, PRIMARY_CALENDAR, 0));
}

void timer_op_make_copier(struct inv *inv)
{
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_PRIMARY, PRIMARY_COPY, 0));
}
