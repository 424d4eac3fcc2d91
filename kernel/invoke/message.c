/*
 * message.c - the two sides of a message: what the sender offers, what the receiver will take.
 *
 * Rules
 *   1. What a process will take stands in its registers and in recv_control, as its last CALL or
 *      RETURN left them; positions it did not name are dropped, and register 0 never changes.
 *   2. A string is written as far as the receiver's pages are there: nobody is called for the rest.
 */
#include "invoke/message.h"
#include "mem/space.h"
#include "object/persist.h"
#include "object/systrace.h"
#include "panic.h"
#include "sched/sched.h"

const struct cap void_cap;

/* ---- the sender's side ------------------------------------------------------------------- */

void inv_stall(struct inv *inv)
{
	inv->stalled = true;
	inv->sender->regs.rip -= SYSCALL_LENGTH;
	kernel_stats.stalls++;
}

/* Registers as at the instruction: if the keeper is busy, the invocation is made, and faults, again. */
void invocation_fault(struct process *p, uint64_t info)
{
	p->regs.rip -= SYSCALL_LENGTH;
	fault_raise_process(p, FAULT_INVOCATION, info);
}

/* The sender's string is not there: its own keeper is called, and then it tries again. */
void sender_fault(struct process *p, uint64_t va)
{
	struct walk w;

	p->regs.rip -= SYSCALL_LENGTH;
	space_walk(p, va, NULL, &w);
	fault_raise(p, &w, va, p->regs.rax & INV_KEYKOS ? FAULT_ACCESS_ARGUMENT : 0);
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

/* Stores into the registers that the receiver named for positions 0..3; giver is whom to name as their sender. */
void receive_caps(struct process *q, const struct cap *const caps[INV_CAPS], uint32_t giver)
{
	uint64_t names = q->regs.rbx >> 32;

	if (!(q->recv_control & INV_RECV_CAPS))
		return;
	for (unsigned i = 0; i < INV_CAPS; i++) {
		uint8_t reg = names >> (8 * i);

		if (reg == CR_VOID || reg >= CAP_REGISTERS)
			continue;
		q->caps[reg] = *caps[i];
		q->givers[reg] = giver;
	}
}

void receive_words(struct process *q, uint32_t order, uint32_t got, const uint64_t *w)
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

struct ustring receive_buffer(struct process *q)
{
	uint64_t limit = q->regs.r15;

	return (struct ustring){ q, q->regs.r14, limit < INV_STRING_MAX ? limit : INV_STRING_MAX };
}

/* A message of the kernel's own to a process that waits for one: notices and faults. */
static void receive_kernel_message(struct process *q, uint32_t order, uint32_t got, const uint64_t *w,
				   const struct cap *subject, const struct cap *resume, const void *string,
				   uint32_t length)
{
	const struct cap *const caps[INV_CAPS] = { &void_cap, &void_cap, subject, resume };

	frame_dirty(process_frame(q));
	receive_caps(q, caps, 0);
	receive_words(q, order, got, w);
	if (receives_string(q)) {
		struct ustring to = receive_buffer(q);

		q->regs.r13 = length ? ustring_put(&to, string, length) : 0;
	}
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
	receive_kernel_message(p, OC_NOTICE, INV_GOT_NOTICE, w, &void_cap, &void_cap, NULL, 0);
	sched_ready(p);
}

bool answer_void(const struct cap *c)
{
	static const uint64_t no_words[INV_WORDS];
	struct process *q = c->type == CAP_RESUME ? cap_resume(c) : NULL;

	if (!q || q->state != PROC_WAITING)
		return false;
	frame_dirty(process_frame(q));
	process_frame(q)->call_count++;
	if (c->data == RESUME_RETURN) {
		receive_kernel_message(q, RC_VOID, 0, no_words, &void_cap, &void_cap, NULL, 0);
	} else {
		set_running(q);
		if (c->data == RESUME_FAULT)
			fault_answered(q, RC_VOID);
	}
	sched_ready(q);
	return true;
}

/* Whom a process waits for since it made its CALL; NULL: it does not, or that is not a start capability. */
static const struct cap *called(struct process *p)
{
	const struct cap *c = &p->caps[p->recv_control & 31];
	uint32_t format;

	if (p->state != PROC_WAITING || (uint32_t)p->regs.rax != p->recv_control || (p->recv_control & INV_OP_MASK) != INV_CALL)
		return NULL;
	format = segment_format(c);
	if (format)
		c = &cap_node(c)->slot[format >> 12 & 15];
	return c->type == CAP_START ? c : NULL;
}

void answer_lost(struct process *p)
{
	static const uint64_t no_words[INV_WORDS];
	const struct cap *c = called(p);

	if (!c || !cap_is_lost(c))
		return;
	frame_dirty(process_frame(p));
	process_frame(p)->call_count++;
	receive_kernel_message(p, RC_DISK, 0, no_words, &void_cap, &void_cap, NULL, 0);
	sched_ready(p);
}

void become_available(struct process *p)
{
	frame_dirty(process_frame(p));
	p->state = PROC_AVAILABLE;
	if (p->notices)
		notice_deliver(p, 0);
	else if (p->stall_head)
		sched_wake_stalled(p);
}

/* Who hears of a fault through that capability: a process, or one that waits for an answer (once). */
struct process *keeper_process(const struct cap *keeper)
{
	if (keeper->type == CAP_START)
		return cap_process(keeper);
	return keeper->type == CAP_RESUME && keeper->data == RESUME_RETURN ? cap_resume(keeper) : NULL;
}

void fault_to_keeper(struct process *p, const struct cap *keeper, const struct fault_message *m)
{
	struct process *q = keeper_process(keeper);
	uint64_t w[INV_WORDS] = { m->w[0], m->w[1], m->w[2], m->w[3] };
	const void *string = NULL;
	uint32_t order = m->order, length = 0, data = keeper->type == CAP_START ? keeper->data : 0;
	uint16_t kind = RESUME_FAULT;
	struct cap resume, subject = m->subject;

	kernel_stats.faults++;
	if (p->flags & PROCESS_TRACED)
		trace_fault(p, m);
	if (p->queue_owner != q)
		sched_pass_turn(p);            /* it was woken for another process, and faults first */
	p->fault_code = m->w[0];
	p->fault_info = m->w[1];
	if (!q || q == p) {
		p->state = PROC_WAITING;
		p->flags = (p->flags & ~PROCESS_FAULT_KEEPER) | PROCESS_PARKED;
		kprintf("process %lx: fault %lu at %lx, rip %lx, rsp %lx: no keeper, it stays stopped\n",
			process_frame(p)->oid, m->w[0], m->w[1], p->regs.rip, p->regs.rsp);
		persist_parked(p);
		return;
	}
	if (keeper->type == CAP_RESUME) {
		commit_point();
		frame_dirty(process_frame(q));
		process_frame(q)->call_count++;
	} else if (q->state != PROC_AVAILABLE) {
		sched_stall(p, q);
		return;
	}
	commit_point();
	if (q->recv_control & INV_KEYKOS) {
		order = keykos_fault(p, m, &string, &length);
		if (subject.type == CAP_NODE)
			subject.data = 0;              /* whatever the data byte by which the node stood in the tree */
		if (m->w[0] == FAULT_SCHEDULE_EMPTY)
			kind = RESUME_RESTART;
	}
	p->state = PROC_WAITING;
	if (p->flags & PROCESS_FAULT_KEEPER)
		p->fault_code = FAULT_USER;        /* what it stopped of, for whoever asks it later */
	p->flags &= ~PROCESS_FAULT_KEEPER;     /* not before: with the keeper busy the fault comes once more */
	resume = process_resume_cap(p, kind);
	receive_kernel_message(q, order, data | INV_GOT_FAULT | INV_GOT_RESUME, w, &subject, &resume,
			       string, length);
	sched_ready_first(q);
}
