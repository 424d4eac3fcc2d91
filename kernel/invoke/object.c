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
#include "mem/space.h"
#include "object/persist.h"
#include "sched/sched.h"

/* Gives the answer in inv to q, which waits for it (or is the caller itself). */
static inline __attribute__((always_inline)) void answer(struct process *q, struct inv *inv)
{
	uint32_t got = 0, names = receives_caps(q) ? q->regs.rbx >> 32 : 0;

	q->flags |= PROCESS_SYSRET;
	if (q->recv_control & INV_RAW_REPLY) {
		q->regs.rax = inv->out_w[0];
		return;
	}
	for (unsigned i = 0; names; i++, names >>= 8) {
		unsigned reg = names & 0xFF;

		if (reg == CR_VOID || reg >= CAP_REGISTERS)
			continue;
		q->caps[reg] = i < inv->out_caps ? inv->out[i] : cap_void();
		q->givers[reg] = process_giver(q);
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
	if (c->type >= CAP_RANGE || c->type == CAP_NUMBER)
		return true;
	if (c->type == CAP_NODE)
		return cap_node(c);
	if (c->type == CAP_PROCESS)
		return cap_process(c);
	return cap_is_live(c);
}

/* The operation itself.  False: there is nobody to answer, since it will be made again or was the end of the sender. */
static inline __attribute__((always_inline)) bool invoke_object_serve(struct inv *inv)
{
	const struct frame *own = process_frame(inv->sender);
	const uint32_t count = own->alloc_count;

	if (inv->control & INV_KEYKOS)
		keykos_dispatch(inv);
	else if (!target_valid(&inv->target) && !page_overwritten(inv))
		inv_fail(inv, RC_VOID);
	else
		dispatch[inv->target.type](inv, inv->order);
	if (inv->stalled || own->kind != FRAME_PROCESS || own->alloc_count != count)
		return false;
	if (inv->order == KT && !(inv->control & INV_KEYKOS))
		type_exact(inv);
	return true;
}

/* What sched_continue asks: p, which is current, goes on as it was. */
static inline __attribute__((always_inline)) bool goes_on(const struct process *p)
{
	return cpu.current == p && p->state == PROC_RUNNING && p->queue == QUEUE_NONE &&
	       !(cpu.ready_mask >> p->priority >> 1) &&
	       spaces[p->space].generation == p->space_generation && cpu.loaded;
}

/* Long: the fast path for a CALL of such an object, which is most of them.  Comes back if it is not for it. */
void invoke_object_call(struct process *p, uint32_t control)
{
	struct inv inv;

	if ((control & (INV_OP_MASK | 0x00FF00E0)) || (p->flags & (PROCESS_RESTART | PROCESS_TRACED)) || persist_tight)
		return;
	p->recv_control = control;
	inv_begin(&inv, p, control);
	inv.target = p->caps[control & 31];
	if (invoke_object_serve(&inv)) {
		answer(p, &inv);
		if (goes_on(p))
			arch_enter(p);
	}
	sched_continue();
}

/*
 * A kernel object is invoked.  CALL answers the sender; RETURN and SEND answer the resume
 * capability in position 3, if it is one (eros.md 3.1, the invoker/invokee matrix).
 */
void invoke_object(struct inv *inv)
{
	struct process *p = inv->sender, *q;
	const struct cap *last;
	uint32_t op = inv->control & INV_OP_MASK;

	if (p->flags & PROCESS_RESTART)
		sched_pass_turn(p);
	if (!invoke_object_serve(inv))
		return;
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
