/*
 * keybits.c - the disk form of a capability, for whoever keeps sets of them.  Closely held:
 * it tells where objects are.
 */
#include "invoke/inv.h"
#include "kernel/keybits.h"

void keybits_op_show(struct inv *inv)
{
	struct cap form = cap_disk_form(inv_cap(inv, 0));

	commit_point();
	inv->out_w[0] = (uint64_t)form.count << 32 | (uint32_t)form.data << 16 | form.rights << 8 | form.type;
	inv->out_w[1] = form.ref;
	inv->out_w[2] = form.type != CAP_VOID;
}
