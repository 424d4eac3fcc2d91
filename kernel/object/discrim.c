/*
 * discrim.c - what kind of capability is this?  Asked without invoking it.  keykos.md 2.12.
 */
#include "invoke/inv.h"
#include "kernel/discrim.h"

enum { CLASS_NUMBER = 1, CLASS_RESUME, CLASS_MEMORY, CLASS_SCHEDULE, CLASS_OTHER };

void discrim_op_classify(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);

	commit_point();
	if (cap_is_void(c) || c->type == CAP_NUMBER)
		inv->out_w[0] = CLASS_NUMBER;
	else if (c->type == CAP_RESUME)
		inv->out_w[0] = CLASS_RESUME;
	else if (c->type == CAP_PAGE || c->type == CAP_NODE || c->type == CAP_SENSE || c->type == CAP_SEGMENT)
		inv->out_w[0] = CLASS_MEMORY;
	else if (c->type == CAP_SCHEDULE)
		inv->out_w[0] = CLASS_SCHEDULE;
	else
		inv->out_w[0] = CLASS_OTHER;
}

void discrim_op_discreet(struct inv *inv)
{
	commit_point();
	inv->out_w[0] = !cap_discreet(inv_cap(inv, 0));
}

/* For servers that post for their clients: posting through a start capability could block them. */
void discrim_op_is_notice(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);

	commit_point();
	inv->out_w[0] = !(c->type == CAP_NOTICE && cap_process(c));
}

void discrim_op_make_creator(struct inv *inv)
{
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_CREATOR, 0, 0));
}

void discrim_op_compare(struct inv *inv)
{
	commit_point();
	inv->out_w[0] = !cap_same(inv_cap(inv, 0), inv_cap(inv, 1));
}
