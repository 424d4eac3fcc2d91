/*
 * notice.c - notices: bits posted to a process, which coalesce and never block the poster.
 * plain EROS lacked them; see eros.md 1.11 (Coyotos AppNotice).
 */
#include "invoke/inv.h"
#include "kernel/notice.h"
#include "sched/sched.h"

void notice_op_post(struct inv *inv)
{
	struct process *p = cap_process(&inv->target);

	commit_point();
	notice_deliver(p, inv->target.data);
}
