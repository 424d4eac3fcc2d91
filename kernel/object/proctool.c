/*
 * proctool.c - rights amplification by brand.  Who holds this and the brand may open a start,
 * resume or process capability, or a red segment whose keeper bears the brand.
 * Source: keykos.md 2.9, eros.md 1.9.
 */
#include "invoke/inv.h"
#include "kernel/proctool.h"

static bool brand_fits(const struct process *p, const struct cap *brand)
{
	return p && !cap_is_void(brand) && !cap_is_void(&p->slots[PSLOT_BRAND]) &&
	       cap_same(&p->slots[PSLOT_BRAND], brand);
}

void proctool_op_set_brand(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);
	struct process *p = c->type == CAP_PROCESS ? cap_process(c) : NULL;

	if (!p || !cap_is_void(&p->slots[PSLOT_BRAND])) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	frame_dirty(process_frame(p));
	p->slots[PSLOT_BRAND] = *inv_cap(inv, 1);
}

static void identify(struct inv *inv, struct process *p)
{
	const struct cap *c = inv_cap(inv, 0);

	if (!brand_fits(p, inv_cap(inv, 1))) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv->out_w[0] = c->data;
	inv_out_cap(inv, 0, process_cap(p, CAP_PROCESS, 0));
}

void proctool_op_identify_start(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);

	identify(inv, c->type == CAP_START ? cap_process(c) : NULL);
}

void proctool_op_identify_resume(struct inv *inv)
{
	identify(inv, cap_resume(inv_cap(inv, 0)));
}

void proctool_op_identify_process(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);

	identify(inv, c->type == CAP_PROCESS ? cap_process(c) : NULL);
}

void proctool_op_identify_segment(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);
	struct node *n = c->type == CAP_SEGMENT || c->type == CAP_FRONTEND ? cap_node(c) : NULL;
	const struct cap *keeper;
	uint32_t format;

	if (!n || (c->data & (DB_NOCALL | DB_LSS)) || n->slot[15].type != CAP_NUMBER) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	format = (uint32_t)n->slot[15].ref;
	keeper = &n->slot[format >> 12 & 15];
	if ((format >> 12 & 15) == 15 || keeper->type != CAP_START || !brand_fits(cap_process(keeper), inv_cap(inv, 1))) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv->out_w[0] = forward_data(keeper, c);
	inv_out_cap(inv, 0, node_cap(n, CAP_NODE, c->data));
}
