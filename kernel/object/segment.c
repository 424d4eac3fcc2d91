/*
 * segment.c - segments that are not forwarded to a keeper: opaque, and all one can do by
 * invocation is weaken them.  Forwarding is in invoke/invoke.c.  keykos.md 2.4.
 */
#include "invoke/inv.h"
#include "kernel/segment.h"

void segment_op_make_readonly(struct inv *inv)
{
	struct cap readonly = inv->target;

	commit_point();
	readonly.data |= DB_READONLY;
	inv_out_cap(inv, 0, readonly);
}
