/*
 * systrace.c - processes and what they hold, for people; and a recorder of what they do.
 *
 * The recorder is one ring for all processes that are recorded: the newest TRACE_RECORDS things that happened.  A
 * position counts records since the start, so that a reader who comes too late is told how many it has missed.
 *
 * Invariants
 *   1. No capability leaves through here, and nothing is changed but the flag of a process that is to be recorded.
 *   2. No operation looks at more than SCAN_FRAMES frames, or copies more than a page.
 * Source: EROS's SysTrace key; what it shows of a capability is what keybits shows.
 */
#include "arch.h"
#include "invoke/message.h"
#include "kernel/systrace.h"
#include "object/systrace.h"
#include "log.h"

#define TRACE_RECORDS 512u             /* a power of two */
#define READ_RECORDS  46u
#define SCAN_FRAMES   4096u
#define LOG_READ      4096u

static struct trace_record ring[TRACE_RECORDS];
static struct trace_record pending;    /* between trace_begin and trace_end: there is one invocation at a time */
static uint64_t ring_end;              /* records made since the start */

/* ---- recording --------------------------------------------------------------------------- */

static void record_add(const struct trace_record *r)
{
	ring[ring_end++ % TRACE_RECORDS] = *r;
}

static uint32_t oid_of(const struct process *p)
{
	return process_giver(p);
}

static uint8_t invocation_kind(const struct inv *inv)
{
	switch (inv->control & INV_OP_MASK) {
	case INV_CALL: return TRACE_CALL;
	case INV_RETURN: return TRACE_RETURN;
	default: return TRACE_SEND;
	}
}

/* The process that an invocation of the capability goes to, or 0. */
static uint32_t peer_of(const struct cap *c)
{
	struct process *q = c->type == CAP_RESUME ? cap_resume(c) : c->type == CAP_START ? cap_process(c) : NULL;

	return q ? oid_of(q) : 0;
}

struct trace_record *trace_begin(const struct inv *inv)
{
	struct process *p = inv->sender;
	const struct cap *c = &inv->target;

	pending = (struct trace_record){
		.ns = arch_now_ns(), .process = oid_of(p), .peer = peer_of(c), .kind = invocation_kind(inv),
		.cap_type = c->type, .reg = inv->control & 31, .op = (inv->control & INV_OP_MASK) >> 8, .data = c->data,
		.order = inv->order,
		.string_length = inv->control & INV_SEND_STRING ? (uint32_t)p->regs.r13 : 0,
	};
	for (unsigned i = 0; i < INV_WORDS; i++)
		pending.w[i] = inv_word(inv, i);
	for (unsigned i = 0; i < INV_CAPS; i++)
		if (sent_cap(p, inv->control, i)->type != CAP_VOID)
			pending.caps |= 1u << i;
	return &pending;
}

void trace_end(struct trace_record *r, const struct inv *inv)
{
	if (inv->stalled)
		return;
	if (!r->peer && r->cap_type != CAP_START && r->cap_type != CAP_RESUME)
		r->kind = TRACE_OBJECT;
	r->result = inv->result;
	record_add(r);
}

void trace_delivery(const struct process *p, const struct process *q, uint32_t order, uint32_t got, uint64_t string_length)
{
	struct trace_record r = {
		.ns = arch_now_ns(), .process = oid_of(q), .peer = oid_of(p),
		.kind = q->state == PROC_AVAILABLE ? TRACE_REQUEST : TRACE_REPLY, .data = (uint16_t)got, .order = order,
		.string_length = (uint32_t)string_length,
	};

	r.w[0] = q->regs.rdi;
	r.w[1] = q->regs.rsi;
	r.w[2] = q->regs.rdx;
	r.w[3] = q->regs.r10;
	r.w[4] = q->regs.r8;
	r.w[5] = q->regs.r9;
	/* A raw reply is the word that went to rax. */
	if (q->recv_control & INV_RAW_REPLY)
		r.w[0] = q->regs.rax;
	record_add(&r);
}

void trace_fault(const struct process *p, const struct fault_message *m)
{
	struct trace_record r = { .ns = arch_now_ns(), .process = oid_of(p), .kind = TRACE_FAULT, .order = (uint32_t)m->w[0] };

	r.w[0] = m->w[1];
	r.w[1] = m->w[3];
	record_add(&r);
}

/* ---- operations -------------------------------------------------------------------------- */

static struct process *process_of(uint64_t oid)
{
	struct frame *f = frame_lookup(oid);

	return f && f->kind == FRAME_PROCESS ? frame_data(f) : NULL;
}

void systrace_op_next_process(struct inv *inv)
{
	uint64_t pfn = inv_word(inv, 0) ? inv_word(inv, 0) : 1, end;
	struct process *p = NULL;

	commit_point();
	end = pfn < frame_count && frame_count - pfn > SCAN_FRAMES ? pfn + SCAN_FRAMES : frame_count;
	while (pfn < end && !p)
		if (frames[pfn++].kind == FRAME_PROCESS)
			p = frame_data(&frames[pfn - 1]);
	inv->out_w[0] = p || pfn < frame_count ? pfn : 0;
	if (!p)
		return;
	inv->out_w[1] = process_frame(p)->oid;
	inv->out_w[2] = p->state | p->fault_code << 8 | p->priority << 16 | (p->flags & PROCESS_TRACED ? 1u << 24 : 0);
	inv->out_w[3] = p->regs.rip;
	inv->out_w[4] = p->queue_owner ? process_frame(p->queue_owner)->oid : 0;
	inv->out_string = p->name;
	inv->out_length = sizeof p->name;
}

/* As keybits, and what is designated. */
static void cap_show(struct inv *inv, const struct cap *c)
{
	struct cap form = cap_disk_form(c);
	bool object = (c->type >= CAP_PAGE && c->type <= CAP_NOTICE) && c->type != CAP_NUMBER;

	inv->out_w[0] = (uint64_t)form.count << 32 | (uint32_t)form.data << 16 | form.rights << 8 | form.type;
	inv->out_w[1] = form.ref;
	inv->out_w[2] = !cap_is_void(c);
	inv->out_w[3] = object ? REF_OID(c->ref) : 0;
}

void systrace_op_process_cap(struct inv *inv)
{
	struct process *p = process_of(inv_word(inv, 0));
	uint64_t index = inv_word(inv, 1);

	if (!p || index >= CAP_REGISTERS + PROCESS_SLOTS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	cap_show(inv, index < CAP_REGISTERS ? &p->caps[index] : &p->slots[index - CAP_REGISTERS]);
	inv->out_w[4] = index < CAP_REGISTERS ? p->givers[index] : 0;
}

void systrace_op_node_cap(struct inv *inv)
{
	uint64_t ref = inv_word(inv, 0), slot = inv_word(inv, 1);
	struct frame *f = frame_lookup(REF_OID(ref));

	if (slot >= NODE_SLOTS || REF_INDEX(ref) >= NODES_PER_POT || (f && f->kind != FRAME_POT)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	if (!f) {
		inv_fail(inv, RC_AGAIN);
		return;
	}
	commit_point();
	cap_show(inv, &node_at(f, REF_INDEX(ref))->slot[slot]);
}

void systrace_op_record(struct inv *inv)
{
	struct process *p = process_of(inv_word(inv, 0));

	if (!p || inv_word(inv, 1) > 1) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	frame_dirty(process_frame(p));
	p->flags = (p->flags & ~PROCESS_TRACED) | (inv_word(inv, 1) ? PROCESS_TRACED : 0);
}

void systrace_op_read(struct inv *inv)
{
	static struct trace_record out[READ_RECORDS];
	uint64_t from = inv_word(inv, 0), oldest = ring_end > TRACE_RECORDS ? ring_end - TRACE_RECORDS : 0;
	uint32_t count = 0;

	commit_point();
	/* A position of an earlier life is past the end of this one's. */
	if (from > ring_end)
		from = oldest;
	inv->out_w[1] = from < oldest ? oldest - from : 0;
	for (from = from < oldest ? oldest : from; from < ring_end && count < READ_RECORDS; from++)
		out[count++] = ring[from % TRACE_RECORDS];
	inv->out_w[0] = from;
	inv->out_string = out;
	inv->out_length = count * sizeof out[0];
}

void systrace_op_read_log(struct inv *inv)
{
	static char text[LOG_READ];
	uint64_t position = inv_word(inv, 0);

	commit_point();
	inv->out_length = log_read(&position, text, sizeof text);
	inv->out_w[0] = position;
	inv->out_string = text;
}
