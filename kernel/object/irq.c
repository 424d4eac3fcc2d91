/*
 * irq.c - interrupt lines as notices.
 *
 * Invariant: a line is unmasked only between irq_enable and its next interrupt, so a driver
 * that does not answer costs one interrupt and no more.  ref of the capability: the line, or
 * IRQ_ANY.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/irq.h"
#include "object/device.h"
#include "sched/sched.h"

static struct cap bound[IRQ_LINES];

static bool line_allowed(struct inv *inv, uint64_t line)
{
	if (line >= IRQ_LINES || (1u << line & IRQ_KERNEL_LINES)) {
		inv_fail(inv, RC_REQUEST);
		return false;
	}
	if (inv->target.ref != IRQ_ANY && inv->target.ref != line) {
		inv_fail(inv, RC_NOACCESS);
		return false;
	}
	return true;
}

void irq_op_bind(struct inv *inv)
{
	uint64_t line = inv_word(inv, 0);
	const struct cap *c = inv_cap(inv, 0);

	if (!line_allowed(inv, line))
		return;
	if (c->type != CAP_NOTICE || !cap_process(c)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	frame_dirty(process_frame(cap_process(c)));
	cap_process(c)->irq_bits |= c->data;   /* after a restart they tell it that the device begins anew */
	bound[line] = *c;
}

void irq_op_enable(struct inv *inv)
{
	uint64_t line = inv_word(inv, 0);

	if (!line_allowed(inv, line))
		return;
	commit_point();
	arch_irq_mask(line, false);
}

void irq_op_narrow(struct inv *inv)
{
	uint64_t line = inv_word(inv, 0);

	if (!line_allowed(inv, line))
		return;
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_IRQ, 0, line));
}

void irq_fired(unsigned line)
{
	struct process *p = line < IRQ_LINES ? cap_process(&bound[line]) : NULL;

	/* The store's disk may share its line with a driver, or have it alone. */
	if (p || !arch_disk_line(line))
		arch_irq_mask(line, true);
	if (p && arch_disk_line(line))
		timer_disk_masked();
	if (p)
		notice_deliver(p, bound[line].data);
}
