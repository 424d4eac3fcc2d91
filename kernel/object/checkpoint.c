/*
 * checkpoint.c - the checkpoint capability.  This kernel has no store yet: it says so.
 */
#include "invoke/inv.h"
#include "kernel/checkpoint.h"

void checkpoint_op_status(struct inv *inv)
{
	commit_point();
	inv->out_w[0] = store_epoch;
	for (uint64_t pfn = 0; pfn < frame_count; pfn++)
		inv->out_w[1] += frames[pfn].flags & FRAME_DIRTY;
	inv->out_w[2] = 0;
}

void checkpoint_op_force(struct inv *inv)
{
	inv_fail(inv, RC_NOACCESS);
}
