/*
 * object.c - invoking the kernel's own objects: which function serves which capability type, and
 * who gets the answer.
 */
#include "invoke/message.h"
#include "kernel/checkpoint.h"
#include "kernel/discrim.h"
#include "kernel/ioport.h"
#include "kernel/irq.h"
#include "kernel/keybits.h"
#include "kernel/log.h"
#include "kernel/node.h"
#include "kernel/notice.h"
#include "kernel/number.h"
#include "kernel/page.h"
#include "kernel/physmem.h"
#include "kernel/process.h"
#include "kernel/proctool.h"
#include "kernel/range.h"
#include "kernel/returner.h"
#include "kernel/schedule.h"
#include "kernel/segment.h"
#include "kernel/systrace.h"
#include "kernel/timer.h"
#include "sched/sched.h"

/* Gives the answer in inv to q, which waits for it (or is the caller itself). */
static void answer(struct process *q, struct inv *inv)
{
	uint32_t got = 0;

	q->flags |= PROCESS_SYSRET;
	if (q->recv_control & INV_RAW_REPLY) {
		q->regs.rax = inv->out_w[0];
		return;
	}
	if (q->recv_control & INV_RECV_CAPS) {
		const struct cap *const caps[INV_CAPS] = {
			inv->out_caps > 0 ? &inv->out[0] : &void_cap, inv->out_caps > 1 ? &inv->out[1] : &void_cap,
			inv->out_caps > 2 ? &inv->out[2] : &void_cap, &void_cap,
		};

		receive_caps(q, caps, process_giver(q));
	}
	if (receives_string(q)) {
		struct ustring to = receive_buffer(q);
		uint64_t wanted = inv->out_string ? inv->out_length : 0;

		q->regs.r13 = ustring_put(&to, inv->out_string, wanted);
		if (q->regs.r13 < wanted)
			got |= INV_GOT_TRUNCATED;
	}
	receive_words(q, inv->result, got, inv->out_w);
}

static void dispatch_void(struct inv *inv, uint32_t order)
{
	(void)order;
	inv_fail(inv, RC_VOID);
}

static void dispatch_number(struct inv *inv, uint32_t order)
{
	(void)order;
	number_op_get(inv);
}

static void dispatch_returner(struct inv *inv, uint32_t order)
{
	if (order == KT)
		inv_type(inv, RETURNER_TYPE);
	else
		returner_op_echo(inv);
}

static void dispatch_notice(struct inv *inv, uint32_t order)
{
	if (order == KT)
		inv_type(inv, NOTICE_TYPE);
	else
		notice_op_post(inv);
}

/* It has KeyKOS's operations only (keykos.c). */
static void dispatch_creator(struct inv *inv, uint32_t order)
{
	if (order == KT)
		inv_type(inv, CREATOR_TYPE);
	else
		inv_fail(inv, RC_UNKNOWN);
}

static void dispatch_primary(struct inv *inv, uint32_t order)
{
	(void)order;
	inv_fail(inv, RC_UNKNOWN);
}

typedef void (*dispatch_fn)(struct inv *inv, uint32_t order);

static const dispatch_fn dispatch[CAP_TYPES] = {
	[CAP_VOID] = dispatch_void,
	[CAP_NUMBER] = dispatch_number,
	[CAP_PAGE] = page_dispatch,
	[CAP_NODE] = node_dispatch,
	[CAP_FETCH] = node_dispatch,
	[CAP_SENSE] = node_dispatch,
	[CAP_SEGMENT] = segment_dispatch,
	[CAP_FRONTEND] = segment_dispatch,
	[CAP_SCHEDULE] = schedule_dispatch,
	[CAP_PROCESS] = process_dispatch,
	[CAP_NOTICE] = dispatch_notice,
	[CAP_RANGE] = range_dispatch,
	[CAP_DISCRIM] = discrim_dispatch,
	[CAP_RETURNER] = dispatch_returner,
	[CAP_KEYBITS] = keybits_dispatch,
	[CAP_PROCTOOL] = proctool_dispatch,
	[CAP_CHECKPOINT] = checkpoint_dispatch,
	[CAP_TIMER] = timer_dispatch,
	[CAP_IRQ] = irq_dispatch,
	[CAP_IOPORT] = ioport_dispatch,
	[CAP_PHYSMEM] = physmem_dispatch,
	[CAP_LOG] = log_dispatch,
	[CAP_CREATOR] = dispatch_creator,
	[CAP_PRIMARY] = dispatch_primary,
	[CAP_SYSTRACE] = systrace_dispatch,
};

/* Alleged types where one dispatch serves several capability types. */
static void type_exact(struct inv *inv)
{
	const struct cap *c = &inv->target;

	if (c->type == CAP_FETCH)
		inv->out_w[0] = 0x0004;
	if (c->type == CAP_SENSE)
		inv->out_w[0] = 0x0001;
	if (c->type == CAP_PAGE && (c->data & DB_READONLY))
		inv->out_w[0] = 0x1202;
	if (c->type == CAP_SEGMENT)
		inv->out_w[0] = 0x0005 | (c->data & DB_LSS) << 8 | (c->data & DB_READONLY ? 0x1000 : 0);
}

static inline bool target_valid(const struct cap *c)
{
	if (c->type == CAP_NODE)
		return cap_node(c);
	if (c->type == CAP_PROCESS)
		return cap_process(c);
	if (c->type == CAP_NUMBER)
		return true;
	return c->type >= CAP_RANGE || !cap_is_void(c);
}

/*
 * A kernel object is invoked.  CALL answers the sender; RETURN and SEND answer the resume
 * capability in position 3, if it is one (eros.md 3.1, the invoker/invokee matrix).
 */
void invoke_object(struct inv *inv)
{
	struct process *p = inv->sender, *q;
	const struct cap *last;
	struct frame *own = process_frame(p);
	uint32_t count = own->alloc_count;
	uint32_t op = inv->control & INV_OP_MASK;

	if (p->flags & PROCESS_RESTART)
		sched_pass_turn(p);
	if (inv->control & INV_KEYKOS)
		keykos_dispatch(inv);
	else if (!target_valid(&inv->target))
		inv_fail(inv, RC_VOID);
	else
		dispatch[inv->target.type](inv, inv->order);
	/* The operation may have been the end of the sender itself. */
	if (inv->stalled || own->kind != FRAME_PROCESS || own->alloc_count != count)
		return;
	if (inv->order == KT && !(inv->control & INV_KEYKOS))
		type_exact(inv);
	if (op == INV_CALL) {
		answer(p, inv);
		return;
	}
	last = sent_cap(p, inv->control, 3);
	q = cap_resume(last);
	if (q && q->state == PROC_WAITING) {
		frame_dirty(process_frame(q));
		process_frame(q)->call_count++;
		if (last->data == RESUME_FAULT)
			fault_answered(q, inv->result);
		else if (last->data == RESUME_RESTART)
			;
		else
			answer(q, inv);
		set_running(q);
		sched_ready(q);
	}
	if (op == INV_SEND)
		p->flags |= PROCESS_SYSRET;
	if (op == INV_RETURN)
		become_available(p);
}
