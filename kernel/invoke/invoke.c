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
 * only; it repeats the questions of the slow path and falls to it by one named jump.  long_message
 * does the same for a string within a page and for capabilities, and through a wrapper.
 */
#include "invoke/message.h"
#include "invoke/supernode.h"
#include "mem/space.h"
#include "object/persist.h"
#include "object/systrace.h"
#include "sched/sched.h"
#include "switch.h"

struct kernel_stats kernel_stats;

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
		receive_caps(q, m->caps, process_giver(p));
		receive_words(q, m->order, m->got, w);
	}
	if (q->flags & PROCESS_TRACED)
		trace_delivery(p, q, m->order, m->got, m->string.length);
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
		/* If others wait for p they come before whom it has just served, who may come back at once. */
		if (p->stall_head)
			sched_ready(m->q);
		else
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
	frame_dirty(process_frame(q));
	if (p->queue_owner == q)
		p->flags &= ~PROCESS_RESTART;
	sched_pass_turn(p);                    /* if it was woken for a turn elsewhere */
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
		if (inv->control & INV_KEYKOS)
			keykos_trap(p, 0x300);
		else
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
	frame_dirty(process_frame(q));
	process_frame(q)->call_count++;
	set_running(q);
	if (inv->target.data == RESUME_FAULT)
		fault_answered(q, inv->order);
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
	if (inv->target.data == RESUME_FAULT || inv->target.data == RESUME_RESTART) {
		answer_fault(inv, q);
		return;
	}
	inv->target.data = 0;
	invoke_process(inv, q, NULL);
}

static inline __attribute__((always_inline)) uint32_t wrapper_format(const struct cap *c, const struct node *n)
{
	uint32_t format;

	if (!n || (c->data & (DB_NOCALL | DB_LSS)) || n->slot[15].type != CAP_NUMBER)
		return 0;
	format = (uint32_t)n->slot[15].ref;
	return (format >> 12 & 15) == 15 || format >> 28 & 0xA ? 0 : format;
}

uint32_t segment_format(const struct cap *c)
{
	return wrapper_format(c, c->type == CAP_SEGMENT || c->type == CAP_FRONTEND ? cap_node(c) : NULL);
}

#define FRONTENDS_MAX 20

/*
 * A red segment with a keeper, or a front-end: the whole message goes to the keeper, with the node in position 2 unless
 * format flag 1 says no, and what was in position 2 in the node's local slot, if the format names one.  Front-ends may
 * stand before each other (keykos.md 2.4).
 */
static bool invoke_forward(struct inv *inv)
{
	struct cap keeper = inv->target, wrapper = keeper, node;
	struct node *n = NULL;
	uint32_t format = 0, local;

	for (unsigned depth = 0; keeper.type == CAP_FRONTEND || (depth == 0 && keeper.type == CAP_SEGMENT); depth++) {
		if (depth == FRONTENDS_MAX) {
			keykos_trap(inv->sender, 0x64C);
			return true;
		}
		format = segment_format(&keeper);
		if (!format)
			return false;
		wrapper = keeper;
		n = cap_node(&wrapper);
		if (depth == 0 && keeper.type == CAP_SEGMENT) {
			enum supernode whose = supernode_whose(inv, n, format);

			if (whose != SUPERNODE_KEEPER)
				return whose == SUPERNODE_STALLED;
		}
		keeper = n->slot[format >> 12 & 15];
	}
	local = format >> 20 & 15;
	node = node_cap(n, CAP_NODE, wrapper.data);
	if (keeper.type == CAP_RESUME && keeper.data == RESUME_RETURN && cap_resume(&keeper)) {
		sched_pass_turn(inv->sender);
		inv->target = keeper;
		inv->target.data = 0;
		invoke_process(inv, cap_resume(&keeper), format >> 28 & 1 ? NULL : &node);
		return true;
	}
	if (keeper.type != CAP_START || !cap_process(&keeper))
		return false;
	if (local != 15 && cap_process(&keeper)->state == PROC_AVAILABLE)
		node_store(n, local, sent_cap(inv->sender, inv->control, 2));
	keeper.data = forward_data(&keeper, &wrapper);
	invoke_start(inv, &keeper, format >> 28 & 1 ? NULL : &node);
	return true;
}

/* ---- entries ----------------------------------------------------------------------------- */

static void __attribute__((noreturn, noinline)) invoke_slow(struct process *p)
{
	struct trace_record *trace = NULL;
	struct inv inv;
	uint32_t control = (uint32_t)p->regs.rax;

	if (persist_tight) {
		p->regs.rip -= SYSCALL_LENGTH;
		persist_relieve();
		sched_continue();
	}
	inv_begin(&inv, p, control);
	if ((control & 0xE0) || (control & INV_OP_MASK) == INV_OP_MASK || (control & 0x00FF0000)) {
		if ((control & (INV_KEYKOS | INV_OP_MASK)) == (INV_KEYKOS | INV_OP_MASK))
			keykos_trap(p, inv.order);
		else
			invocation_fault(p, control);
		sched_next();
	}
	inv.target = p->caps[control & 31];
	if ((control & INV_OP_MASK) != INV_SEND)
		p->recv_control = control;
	if (p->flags & PROCESS_TRACED)
		trace = trace_begin(&inv);
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
	if (trace)
		trace_end(trace, &inv);
	sched_continue();
}

/* A process that a word-only message can be given to without a question more. */
static inline __attribute__((always_inline)) bool fast_target(const struct process *q)
{
	return spaces[q->space].generation == q->space_generation && !(cpu.ready_mask >> q->priority >> 1) &&
	       !(q->flags & PROCESS_TRACED);
}

/* What frame_dirty asks.  The first change after a demarcation is the slow path's: the fast one calls no function. */
static inline __attribute__((always_inline)) bool fast_ready(const struct frame *f)
{
	return f->ready_epoch == store_epoch;
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

/* As cap_node, likewise. */
static inline __attribute__((always_inline)) struct node *fast_node(const struct cap *c)
{
	struct frame *f = &frames[c->ref & REF_HINT_MASK];
	struct node *n = node_at(f, REF_INDEX(c->ref));

	return f->oid == REF_OID(c->ref) && f->kind == FRAME_POT && n->alloc_count == c->count ? n : NULL;
}

/* What a message with a string or capabilities needs beside the words: all of it in registers, if nobody takes its address. */
struct fast_long {
	struct process *p, *q;
	struct frame *f;               /* q's */
	struct node *wrapper;          /* its node goes into position 2, if one was invoked and its format says so */
	uint32_t got;
	const void *source;
	void *sink;
	uint64_t bytes;
};

/* Whom a start capability, or a wrapper whose keeper is one, leads to; false: ask the slow path. */
static inline __attribute__((always_inline)) bool fast_start(struct fast_long *m, const struct cap *c)
{
	uint16_t data = c->data;

	m->wrapper = NULL;
	if (c->type != CAP_START) {
		struct node *n = fast_node(c);
		uint32_t format = wrapper_format(c, n);
		const struct cap *keeper = n ? &n->slot[format >> 12 & 15] : NULL;

		/* A callable one (else 0), without a local slot, and no super segment. */
		if ((format & (FORMAT_SUPERNODE | 0xF00000u)) != 0xF00000u || keeper->type != CAP_START)
			return false;
		if (!(format >> 28 & 1))
			m->wrapper = n;
		data = forward_data(keeper, c);
		c = keeper;
	}
	m->f = fast_frame(c, false);
	if (!m->f)
		return false;
	m->q = frame_data(m->f);
	m->got = INV_GOT_RESUME | data;
	return m->q != m->p && m->q->state == PROC_AVAILABLE;
}

static inline __attribute__((always_inline)) bool fast_resume(struct fast_long *m, const struct cap *c)
{
	m->wrapper = NULL;
	m->f = fast_frame(c, true);
	if (!m->f || m->p->notices || m->p->stall_head || c->data != RESUME_RETURN)
		return false;
	m->q = frame_data(m->f);
	m->got = sent_cap(m->p, m->p->regs.rax, 3)->type == CAP_RESUME ? INV_GOT_RESUME : 0;
	return m->q->state == PROC_WAITING && !(m->q->recv_control & INV_RAW_REPLY);
}

/*
 * As ustring_page, by p's tables first, which are known to be good.  A page that they do not have is the tree's to find.
 */
static inline __attribute__((always_inline)) void *fast_page(struct process *p, uint64_t va, uint64_t length, bool write)
{
	struct space *s = &spaces[p->space];
	uint8_t *page;

	if (length > PAGE_SIZE - (va & (PAGE_SIZE - 1)) || va >= USER_END)
		return NULL;
	s->last_used = ++space_use_clock;
	page = arch_leaf_page(s->root_pfn, va, write);
	return page ? page + (va & (PAGE_SIZE - 1)) : ustring_page(&(struct ustring){ p, va, length }, write);
}

/* The string is in one page on either side, and both are there. */
static inline __attribute__((always_inline)) bool fast_string(struct fast_long *m)
{
	uint64_t length = m->p->regs.r13;

	m->bytes = 0;
	if (!length)
		return true;
	if (!receives_string(m->q)) {
		m->got |= INV_GOT_TRUNCATED;
		return length <= INV_STRING_MAX;
	}
	m->bytes = length < m->q->regs.r15 ? length : m->q->regs.r15;
	if (m->bytes < length)
		m->got |= INV_GOT_TRUNCATED;
	if (spaces[m->p->space].generation != m->p->space_generation)
		return false;
	m->source = fast_page(m->p, m->p->regs.r12, length, false);
	/* To find that page may have taken q's tables. */
	if (!m->source || spaces[m->q->space].generation != m->q->space_generation)
		return false;
	m->sink = m->bytes ? fast_page(m->q, m->q->regs.r14, m->bytes, true) : NULL;
	return m->sink || !m->bytes;
}

/*
 * Position i into the register that q named for it, if it did.  Register 0 of the sender is void (C110), so what is not
 * sent is taken from there.
 */
static inline __attribute__((always_inline)) void fast_place(const struct fast_long *m, uint32_t names, uint32_t sent,
							     const unsigned i, uint32_t giver)
{
	unsigned reg = names >> (8 * i) & 0xFF, from = sent >> (8 * i) & 0xFF;

	if (reg == CR_VOID || reg >= CAP_REGISTERS)
		return;
	m->q->givers[reg] = giver;
	m->q->caps[reg] = m->p->caps[from < CAP_REGISTERS ? from : CR_VOID];
}

/* Long: the fast path for CALL and RETURN with capabilities and, if so, a short string.  Comes back if it is not for it. */
static inline __attribute__((always_inline)) void long_message(struct process *p, uint32_t control, const bool calls,
							       const bool string)
{
	const struct cap *c = &p->caps[control & 31];
	struct frame *own = process_frame(p);
	struct fast_long m = { .p = p };
	const uint32_t giver = own->oid < UINT32_MAX ? own->oid : 0;
	uint32_t names, sent;

	if ((control & (INV_OP_MASK | 0x00FF00E0)) != (calls ? INV_CALL : INV_RETURN) ||
	    (p->flags & (PROCESS_RESTART | PROCESS_TRACED)) || persist_tight)
		return;
	if (!(calls ? fast_start(&m, c) : fast_resume(&m, c)) || !fast_target(m.q) || !fast_ready(m.f) || !fast_ready(own))
		return;
	if (string && !fast_string(&m))
		return;
	commit_point();
	names = receives_caps(m.q) ? m.q->regs.rbx >> 32 : 0;
	sent = control & INV_SEND_CAPS ? p->regs.rbx : 0;
	fast_place(&m, names, sent, 0, giver);
	fast_place(&m, names, sent, 1, giver);
	fast_place(&m, names, sent, 2, giver);
	if (m.wrapper && (names >> 16 & 0xFF) < CAP_REGISTERS && (names >> 16 & 0xFF) != CR_VOID)
		m.q->caps[names >> 16 & 0xFF] = node_cap(m.wrapper, CAP_NODE, c->data);
	if (!calls) {
		fast_place(&m, names, sent, 3, giver);
	} else if (names >> 24 != CR_VOID && names >> 24 < CAP_REGISTERS) {
		m.q->givers[names >> 24] = giver;
		m.q->caps[names >> 24] = (struct cap){ .type = CAP_RESUME, .data = RESUME_RETURN,
						       .count = own->call_count, .ref = p->self_ref };
	}
	if (!calls)
		m.f->call_count++;
	p->state = calls ? PROC_WAITING : PROC_AVAILABLE;
	if (string && m.bytes)
		copy_bytes(m.sink, m.source, m.bytes);
	if (receives_string(m.q))
		m.q->regs.r13 = string ? m.bytes : 0;
	fast_words(p, m.q);
	m.q->regs.rax = (p->regs.rax & ~0xFFFFFFFFull) | m.got;
	p->recv_control = control;
	p->flags |= PROCESS_SYSRET;
	m.q->flags |= PROCESS_SYSRET;
	m.q->state = PROC_RUNNING;
	arch_switch(p, m.q);
	arch_enter(m.q);
}

/* With and without a string: the one without calls no function, and keeps everything in registers. */
static void __attribute__((noinline)) invoke_string_call(struct process *p, uint32_t control)
{
	long_message(p, control, true, true);
}

static void __attribute__((noinline)) invoke_caps_call(struct process *p, uint32_t control)
{
	long_message(p, control, true, false);
}

static void __attribute__((noinline)) invoke_string_return(struct process *p, uint32_t control)
{
	long_message(p, control, false, true);
}

static void __attribute__((noinline)) invoke_caps_return(struct process *p, uint32_t control)
{
	long_message(p, control, false, false);
}

/* KeyKOS's commonest jump to the kernel: a slot of a node is fetched.  Comes back if that is not what it is. */
static void __attribute__((noinline)) invoke_fetch(struct process *p, uint32_t control)
{
	const struct cap *c = &p->caps[control & 31];
	uint32_t order = p->regs.rax >> 32, names = p->regs.rbx >> 32;
	struct node *n;

	if ((control & ~(31u | INV_RECV_CAPS | INV_RECV_STRING)) != (INV_MARK << INV_MARK_SHIFT | INV_KEYKOS) ||
	    order >= NODE_SLOTS || (p->flags & (PROCESS_RESTART | PROCESS_TRACED)) || persist_tight ||
	    cpu.ready_mask >> p->priority >> 1 || spaces[p->space].generation != p->space_generation || !cpu.loaded)
		return;
	n = cap_node(c);
	if (!n)
		return;
	commit_point();
	frame_dirty(process_frame(p));
	p->recv_control = control;
	if (control & INV_RECV_CAPS) {
		struct cap fetched = n->slot[order];

		for (unsigned i = 1; names >> (8 * i) && i < INV_CAPS; i++)
			fast_cap(p, names >> (8 * i) & 0xFF, cap_void());
		fast_cap(p, names & 0xFF, fetched);
		if ((names & 0xFF) < CAP_REGISTERS)
			p->givers[names & 0xFF] = process_giver(p);
	}
	if (control & INV_RECV_STRING)
		p->regs.r13 = 0;
	p->regs.rax = p->regs.rdi = p->regs.rsi = p->regs.rdx = p->regs.r10 = p->regs.r8 = p->regs.r9 = 0;
	p->flags |= PROCESS_SYSRET;
	arch_enter(p);
}

/* What is not for the fast path.  By itself, so that the fast path keeps nothing for it in registers. */
static void __attribute__((noreturn, noinline)) invoke_other(struct process *p)
{
	uint32_t control = (uint32_t)p->regs.rax;
	const struct cap *c = &p->caps[control & 31];

	if (1u << c->type & (1u << CAP_START | 1u << CAP_SEGMENT | 1u << CAP_FRONTEND)) {
		if (control & INV_SEND_STRING)
			invoke_string_call(p, control);
		else
			invoke_caps_call(p, control);
	} else if (c->type == CAP_RESUME) {
		if (control & INV_SEND_STRING)
			invoke_string_return(p, control);
		else
			invoke_caps_return(p, control);
	} else {
		if (control & INV_KEYKOS && (c->type == CAP_NODE || c->type == CAP_FETCH))
			invoke_fetch(p, control);
		invoke_object_call(p, control);
	}
	invoke_slow(p);
}

/* Long: the fast path. */
void invoke_entry(void)
{
	struct process *p = cpu.current, *q;
	uint32_t control = (uint32_t)p->regs.rax;
	const struct cap *c = &p->caps[control & 31];
	struct frame *f, *own = process_frame(p);

	kernel_stats.invocations++;
	if ((control & (INV_SEND_STRING | INV_SEND_CAPS | INV_SEND | 0x00FF00E0)) ||
	    (p->flags & (PROCESS_RESTART | PROCESS_TRACED)))
		goto slow;
	if (c->type == CAP_START) {
		f = fast_frame(c, false);
		if (!f || (control & INV_RETURN))
			goto slow;
		q = frame_data(f);
		if (q->state != PROC_AVAILABLE || !fast_target(q) || !fast_ready(f) || !fast_ready(own))
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
		if (q->state != PROC_WAITING || !fast_target(q) || !fast_ready(f) || !fast_ready(own))
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
	arch_switch(p, q);
	arch_enter(q);
slow:
	invoke_other(p);
}

void invoke_foreign(void)
{
	struct process *p = cpu.current;

	p->regs.rip -= SYSCALL_LENGTH;
	fault_raise_process(p, FAULT_FOREIGN, p->regs.rax);
	sched_next();
}
