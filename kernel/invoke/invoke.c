/*
 * invoke.c - the one system call.
 *
 * Rules
 *   1. Everything is asked before commit_point(); what must wait leaves the sender's
 *      registers as they were, so that the instruction is executed again.
 *   2. A server is never hostage to a client: a reply completes at once, nothing of the
 *      receiver is called for it, and what does not fit its buffer is cut off.
 *   3. A fault on the sender's side (its string is not there) is the sender's own.
 *   4. A process calls itself never: that would wait for ever, so it is a fault.
 * invoke_entry is the fast path for CALL and RETURN between two ready processes with words
 * only; it repeats the questions of the slow path and falls to it by one named jump.
 */
#include "invoke/inv.h"
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
#include "kernel/timer.h"
#include "mem/space.h"
#include "panic.h"
#include "sched/sched.h"
#include "switch.h"

struct kernel_stats kernel_stats;

static const struct cap void_cap;

#define SYSCALL_LENGTH 2               /* bytes of the syscall instruction */

/* ---- the sender's side ------------------------------------------------------------------- */

/* A capability the sender names in byte i of rbx. */
static const struct cap *sent_cap(const struct process *p, uint32_t control, unsigned i)
{
	uint8_t reg = p->regs.rbx >> (8 * i);

	return (control & INV_SEND_CAPS) && reg < CAP_REGISTERS ? &p->caps[reg] : &void_cap;
}

const struct cap *inv_cap(const struct inv *inv, unsigned i)
{
	return sent_cap(inv->sender, inv->control, i);
}

void inv_stall(struct inv *inv)
{
	inv->stalled = true;
	inv->sender->regs.rip -= SYSCALL_LENGTH;
	kernel_stats.stalls++;
}

/* Registers as at the instruction: if the keeper is busy, the invocation is made, and faults, again. */
static void invocation_fault(struct process *p, uint64_t info)
{
	p->regs.rip -= SYSCALL_LENGTH;
	fault_raise_process(p, FAULT_INVOCATION, info);
}

/* The sender's string is not there: its own keeper is called, and then it tries again. */
static void sender_fault(struct process *p, uint64_t va)
{
	struct walk w;

	p->regs.rip -= SYSCALL_LENGTH;
	space_walk(p, va, NULL, &w);
	fault_raise(p, &w, va, 0);
}

long inv_string(struct inv *inv, void *to, uint32_t limit)
{
	struct process *p = inv->sender;
	struct ustring from = { p, p->regs.r12, p->regs.r13 };
	uint64_t fault_va;

	if (!(inv->control & INV_SEND_STRING))
		return 0;
	if (from.length > limit)
		from.length = limit;
	if (!ustring_probe(&from, false, &fault_va)) {
		sender_fault(p, fault_va);
		inv->stalled = true;
		return -1;
	}
	return ustring_fetch(to, &from);
}

/* ---- the receiver's side ----------------------------------------------------------------- */

/* Stores into the registers that the receiver named for positions 0..3. */
static void receive_caps(struct process *q, const struct cap *const caps[INV_CAPS])
{
	uint64_t names = q->regs.rbx >> 32;

	if (!(q->recv_control & INV_RECV_CAPS))
		return;
	for (unsigned i = 0; i < INV_CAPS; i++) {
		uint8_t reg = names >> (8 * i);

		if (reg != CR_VOID && reg < CAP_REGISTERS)
			q->caps[reg] = *caps[i];
	}
}

static void receive_words(struct process *q, uint32_t order, uint32_t got, const uint64_t *w)
{
	q->regs.rax = (uint64_t)order << 32 | got;
	q->regs.rdi = w[0];
	q->regs.rsi = w[1];
	q->regs.rdx = w[2];
	q->regs.r10 = w[3];
	q->regs.r8 = w[4];
	q->regs.r9 = w[5];
	q->flags |= PROCESS_SYSRET;
}

static bool receives_string(const struct process *q)
{
	return q->recv_control & INV_RECV_STRING;
}

static struct ustring receive_buffer(struct process *q)
{
	uint64_t limit = q->regs.r15;

	return (struct ustring){ q, q->regs.r14, limit < INV_STRING_MAX ? limit : INV_STRING_MAX };
}

static void set_running(struct process *q)
{
	q->state = PROC_RUNNING;
	frame_dirty(process_frame(q));
}

/* A message of the kernel's own to a process that waits for one: notices and faults. */
static void receive_kernel_message(struct process *q, uint32_t order, uint32_t got, const uint64_t *w,
				   const struct cap *subject, const struct cap *resume)
{
	const struct cap *const caps[INV_CAPS] = { &void_cap, &void_cap, subject, resume };

	receive_caps(q, caps);
	receive_words(q, order, got, w);
	if (receives_string(q))
		q->regs.r13 = 0;
	set_running(q);
}

void notice_deliver(struct process *p, uint32_t bits)
{
	uint64_t w[INV_WORDS] = { 0 };

	frame_dirty(process_frame(p));
	p->notices |= bits;
	if (p->state != PROC_AVAILABLE || !p->notices)
		return;
	w[0] = p->notices;
	p->notices = 0;
	kernel_stats.notices++;
	receive_kernel_message(p, OC_NOTICE, INV_GOT_NOTICE, w, &void_cap, &void_cap);
	sched_ready(p);
}

/* The sender's RETURN is done: it takes the next notice, or the next caller may come. */
static void become_available(struct process *p)
{
	p->state = PROC_AVAILABLE;
	frame_dirty(process_frame(p));
	if (p->notices)
		notice_deliver(p, 0);
	else if (p->stall_head)
		sched_wake_stalled(p);
}

void fault_to_keeper(struct process *p, const struct cap *keeper, const struct fault_message *m)
{
	struct process *q = keeper->type == CAP_START ? cap_process(keeper) : NULL;
	uint64_t w[INV_WORDS] = { m->w[0], m->w[1], m->w[2], m->w[3] };
	struct cap resume;

	kernel_stats.faults++;
	if (p->queue_owner != q)
		sched_pass_turn(p);            /* it was woken for another process, and faults first */
	p->fault_code = m->w[0];
	p->fault_info = m->w[1];
	if (!q || q == p) {
		p->state = PROC_WAITING;
		p->flags &= ~PROCESS_FAULT_KEEPER;
		kprintf("process %lx: fault %lu at %lx, rip %lx, rsp %lx: no keeper, it stays stopped\n",
			process_frame(p)->oid, m->w[0], m->w[1], p->regs.rip, p->regs.rsp);
		return;
	}
	if (q->state != PROC_AVAILABLE) {
		sched_stall(p, q);
		return;
	}
	commit_point();
	p->state = PROC_WAITING;
	p->flags &= ~PROCESS_FAULT_KEEPER;     /* not before: with the keeper busy the fault comes once more */
	resume = process_resume_cap(p, RESUME_FAULT);
	receive_kernel_message(q, m->order, keeper->data | INV_GOT_FAULT | INV_GOT_RESUME, w, &m->subject, &resume);
	sched_ready_first(q);
}

/* ---- answers of kernel objects ----------------------------------------------------------- */

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

		receive_caps(q, caps);
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
	return c->type >= CAP_RANGE || !cap_is_void(c);
}

/*
 * A kernel object is invoked.  CALL answers the sender; RETURN and SEND answer the resume
 * capability in position 3, if it is one (eros.md 3.1, the invoker/invokee matrix).
 */
static void invoke_object(struct inv *inv)
{
	struct process *p = inv->sender, *q;
	struct frame *own = process_frame(p);
	uint32_t count = own->alloc_count;
	uint32_t op = inv->control & INV_OP_MASK;

	if (p->flags & PROCESS_RESTART)
		sched_pass_turn(p);
	if (!target_valid(&inv->target))
		inv_fail(inv, RC_VOID);
	else
		dispatch[inv->target.type](inv, inv->order);
	/* The operation may have been the end of the sender itself. */
	if (inv->stalled || own->kind != FRAME_PROCESS || own->alloc_count != count)
		return;
	if (inv->order == KT)
		type_exact(inv);
	if (op == INV_CALL) {
		answer(p, inv);
		return;
	}
	q = cap_resume(sent_cap(p, inv->control, 3));
	if (q && q->state == PROC_WAITING) {
		process_frame(q)->call_count++;
		answer(q, inv);
		set_running(q);
		sched_ready(q);
	}
	if (op == INV_SEND)
		p->flags |= PROCESS_SYSRET;
	if (op == INV_RETURN)
		become_available(p);
}

/* ---- process to process ------------------------------------------------------------------ */

struct message {
	struct process *p, *q;
	uint32_t control, order, got;
	const struct cap *caps[INV_CAPS];
	struct cap resume;
	struct ustring string;
};

/* The string that the sender offers, all of it readable now.  False: the sender faults instead. */
static bool message_string(struct message *m)
{
	uint64_t fault_va;

	m->string = (struct ustring){ m->p, m->p->regs.r12, m->p->regs.r13 };
	if (!(m->control & INV_SEND_STRING)) {
		m->string.length = 0;
		return true;
	}
	if (m->string.length > INV_STRING_MAX) {
		invocation_fault(m->p, m->string.length);
		return false;
	}
	if (!receives_string(m->q) || ustring_probe(&m->string, false, &fault_va))
		return true;
	sender_fault(m->p, fault_va);
	return false;
}

/* Copies the string; tells in got whether it was cut. */
static void message_copy_string(struct message *m)
{
	struct ustring to;

	if (!receives_string(m->q)) {
		if (m->string.length)
			m->got |= INV_GOT_TRUNCATED;
		return;
	}
	to = receive_buffer(m->q);
	m->q->regs.r13 = m->string.length ? ustring_copy(&to, &m->string) : 0;
	if (m->q->regs.r13 < m->string.length)
		m->got |= INV_GOT_TRUNCATED;
}

/* The transfer itself.  After the commit point: cannot fail. */
static void message_transfer(struct message *m)
{
	struct process *p = m->p, *q = m->q;

	if (q->recv_control & INV_RAW_REPLY) {
		q->regs.rax = p->regs.rdi;
		q->flags |= PROCESS_SYSRET;
	} else {
		const uint64_t w[INV_WORDS] = { p->regs.rdi, p->regs.rsi, p->regs.rdx,
						p->regs.r10, p->regs.r8, p->regs.r9 };

		message_copy_string(m);
		receive_caps(q, m->caps);
		receive_words(q, m->order, m->got, w);
	}
	set_running(q);
}

/* What becomes of the sender, and who runs next. */
static void message_sender(struct message *m)
{
	struct process *p = m->p;

	frame_dirty(process_frame(p));
	p->flags |= PROCESS_SYSRET;
	switch (m->control & INV_OP_MASK) {
	case INV_CALL:
		p->state = PROC_WAITING;
		sched_ready_first(m->q);
		break;
	case INV_RETURN:
		sched_ready_first(m->q);
		become_available(p);
		break;
	case INV_SEND:
		sched_ready(m->q);
		break;
	}
}

static void invoke_process(struct inv *inv, struct process *q, const struct cap *override)
{
	struct process *p = inv->sender;
	struct message m = { .p = p, .q = q, .control = inv->control, .order = inv->order };

	m.got = inv->target.data;
	if (!message_string(&m))
		return;
	commit_point();
	p->flags &= ~PROCESS_RESTART;
	if (q->state == PROC_WAITING)
		process_frame(q)->call_count++;        /* the resume capability is used up, everywhere */
	for (unsigned i = 0; i < INV_CAPS; i++)
		m.caps[i] = sent_cap(p, inv->control, i);
	if (override)
		m.caps[2] = override;
	if ((inv->control & INV_OP_MASK) == INV_CALL) {
		m.resume = process_resume_cap(p, RESUME_RETURN);
		m.caps[3] = &m.resume;
	}
	if (m.caps[3]->type == CAP_RESUME)
		m.got |= INV_GOT_RESUME;
	message_transfer(&m);
	message_sender(&m);
}

/* Through a start capability: waits until the process is available. */
static void invoke_start(struct inv *inv, const struct cap *start, const struct cap *override)
{
	struct process *p = inv->sender, *q = cap_process(start);

	if (q == p) {
		invocation_fault(p, inv->control);
		return;
	}
	if (p->queue_owner != q)
		sched_pass_turn(p);
	if (q->state != PROC_AVAILABLE) {
		inv_stall(inv);
		sched_stall(p, q);
		return;
	}
	inv->target.data = start->data;
	invoke_process(inv, q, override);
}

/*
 * A fault resume restarts its process with its registers as they are: data is ignored, and a
 * nonzero code sends it to its process keeper (keykos.md 3.5).
 */
static void answer_fault(struct inv *inv, struct process *q)
{
	struct message m = { .p = inv->sender, .q = q, .control = inv->control };

	commit_point();
	process_frame(q)->call_count++;
	set_running(q);
	if (inv->order)
		q->flags |= PROCESS_FAULT_KEEPER;
	message_sender(&m);
	m.p->flags |= PROCESS_SYSRET;
}

static void invoke_resume(struct inv *inv)
{
	struct process *q = cap_resume(&inv->target);

	sched_pass_turn(inv->sender);
	if (!q || q->state != PROC_WAITING) {
		inv->target = cap_void();
		invoke_object(inv);
		return;
	}
	if (inv->target.data == RESUME_FAULT) {
		answer_fault(inv, q);
		return;
	}
	inv->target.data = 0;
	invoke_process(inv, q, NULL);
}

/*
 * A red segment with a keeper, or a front-end: the whole message goes to the keeper, with the
 * node in position 2 unless format flag 1 says no (keykos.md 2.4).
 */
static bool invoke_forward(struct inv *inv)
{
	const struct cap *c = &inv->target;
	struct node *n = cap_node(c);
	const struct cap *keeper;
	struct cap node;
	uint32_t format;

	if (!n || (c->data & (DB_NOCALL | DB_LSS)) || n->slot[15].type != CAP_NUMBER)
		return false;
	format = (uint32_t)n->slot[15].ref;
	if ((format >> 12 & 15) == 15 || format >> 28 & 0xA)
		return false;
	keeper = &n->slot[format >> 12 & 15];
	if (keeper->type != CAP_START || !cap_process(keeper))
		return false;
	node = node_cap(n, CAP_NODE, c->data);
	invoke_start(inv, keeper, format >> 28 & 1 ? NULL : &node);
	return true;
}

/* ---- entries ----------------------------------------------------------------------------- */

static void __attribute__((noreturn, noinline)) invoke_slow(struct process *p)
{
	struct inv inv;
	uint32_t control = (uint32_t)p->regs.rax;

	inv.sender = p;
	inv.order = p->regs.rax >> 32;
	inv.control = control;
	inv.result = RC_OK;
	inv.stalled = false;
	inv.out_caps = 0;
	inv.out_string = NULL;
	inv.out_length = 0;
	for (unsigned i = 0; i < INV_WORDS; i++)
		inv.out_w[i] = 0;
	if ((control & 0xE0) || (control & INV_OP_MASK) == INV_OP_MASK || (control & 0x00FF8000)) {
		invocation_fault(p, control);
		sched_next();
	}
	inv.target = p->caps[control & 31];
	if ((control & INV_OP_MASK) != INV_SEND)
		p->recv_control = control;
	switch (inv.target.type) {
	case CAP_START:
		if (!cap_process(&inv.target))
			goto object;
		invoke_start(&inv, &inv.target, NULL);
		break;
	case CAP_RESUME:
		invoke_resume(&inv);
		break;
	case CAP_SEGMENT:
	case CAP_FRONTEND:
		if (!invoke_forward(&inv))
			goto object;
		break;
	default:
	object:
		invoke_object(&inv);
	}
	sched_continue();
}

/* A process that a word-only message can be given to without a question more. */
static inline __attribute__((always_inline)) bool fast_target(const struct process *q)
{
	return spaces[q->space].generation == q->space_generation && !(cpu.ready_mask >> q->priority >> 1);
}

static inline __attribute__((always_inline)) void fast_words(const struct process *p, struct process *q)
{
	q->regs.rdi = p->regs.rdi;
	q->regs.rsi = p->regs.rsi;
	q->regs.rdx = p->regs.rdx;
	q->regs.r10 = p->regs.r10;
	q->regs.r8 = p->regs.r8;
	q->regs.r9 = p->regs.r9;
}

static inline __attribute__((always_inline)) void fast_cap(struct process *q, unsigned reg, struct cap c)
{
	if (reg != CR_VOID && reg < CAP_REGISTERS)
		q->caps[reg] = c;
}

/* The registers that q named for positions 0..2 become void, the fourth holds `last`. */
static inline __attribute__((always_inline)) void fast_caps(struct process *q, struct cap last)
{
	uint32_t names = q->regs.rbx >> 32;

	if (!(q->recv_control & INV_RECV_CAPS))
		return;
	if (names & 0xFFFFFF)
		for (unsigned i = 0; i < 3; i++)
			fast_cap(q, names >> (8 * i) & 0xFF, cap_void());
	fast_cap(q, names >> 24, last);
}

/* As cap_process and cap_resume, but only by the hint: NULL sends the caller to the slow path. */
static inline __attribute__((always_inline)) struct frame *fast_frame(const struct cap *c, const uint32_t count_is_resume)
{
	struct frame *f = &frames[c->ref & REF_HINT_MASK];
	bool valid = f->oid == REF_OID(c->ref) && f->kind == FRAME_PROCESS &&
		     c->count == (count_is_resume ? f->call_count : f->alloc_count);

	return valid ? f : NULL;
}

/* Long: the fast path. */
void invoke_entry(void)
{
	struct process *p = cpu.current, *q;
	uint32_t control = (uint32_t)p->regs.rax;
	const struct cap *c = &p->caps[control & 31];
	struct frame *f, *own = process_frame(p);

	kernel_stats.invocations++;
	if (control & (INV_SEND_STRING | INV_SEND_CAPS | INV_SEND | 0x00FF80E0))
		goto slow;
	if (c->type == CAP_START) {
		f = fast_frame(c, false);
		if (!f || (control & INV_RETURN))
			goto slow;
		q = frame_data(f);
		if (q->state != PROC_AVAILABLE || !fast_target(q))
			goto slow;
		commit_point();
		p->state = PROC_WAITING;
		fast_words(p, q);
		fast_caps(q, (struct cap){ .type = CAP_RESUME, .data = RESUME_RETURN, .count = own->call_count,
					   .ref = p->self_ref });
		q->regs.rax = (p->regs.rax & ~0xFFFFFFFFull) | INV_GOT_RESUME | c->data;
	} else if (c->type == CAP_RESUME) {
		f = fast_frame(c, true);
		if (!f || !(control & INV_RETURN) || p->notices || p->stall_head || c->data != RESUME_RETURN)
			goto slow;
		q = frame_data(f);
		if (q->state != PROC_WAITING || !fast_target(q))
			goto slow;
		commit_point();
		f->call_count++;
		p->state = PROC_AVAILABLE;
		if (q->recv_control & INV_RAW_REPLY) {
			q->regs.rax = p->regs.rdi;
			goto deliver;
		}
		fast_words(p, q);
		fast_caps(q, cap_void());
		q->regs.rax = p->regs.rax & ~0xFFFFFFFFull;
	} else {
		goto slow;
	}
	if (receives_string(q))
		q->regs.r13 = 0;
deliver:
	p->recv_control = control;
	p->flags |= PROCESS_SYSRET;
	q->flags |= PROCESS_SYSRET;
	q->state = PROC_RUNNING;
	frame_dirty(f);
	frame_dirty(own);
	arch_switch(p, q);
	arch_enter(q);
slow:
	invoke_slow(p);
}

void invoke_foreign(void)
{
	struct process *p = cpu.current;

	p->regs.rip -= SYSCALL_LENGTH;
	fault_raise_process(p, FAULT_FOREIGN, p->regs.rax);
	sched_next();
}
