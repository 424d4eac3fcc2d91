/*
 * range.c - the authority to make objects: a run of frames of the object space.
 *
 * The capability: ref = first frame << 28 (no hint), count = number of frames.
 * A frame holds one page, one process or a pot of 15 nodes; asking for another kind than it
 * holds retypes it, and every capability into it dies.  Source: eros.md 1.8.
 */
#include "invoke/inv.h"
#include "kernel/range.h"
#include "mem/space.h"
#include "object/persist.h"
#include "object/process.h"
#include "sched/sched.h"

enum { KIND_PAGE = 1, KIND_NODE = 2, KIND_PROCESS = 3 };

struct place {
	uint64_t kind, oid;
	unsigned index;
};

/* The place that kind and offset name in this range.  Frame 0 is none: its reference would be 0. */
static bool place_of(struct inv *inv, uint64_t kind, uint64_t offset, struct place *at)
{
	uint64_t frame = kind == KIND_NODE ? offset / 16 : offset;

	at->kind = kind;
	at->index = kind == KIND_NODE ? offset % 16 : 0;
	at->oid = REF_OID(inv->target.ref) + frame;
	return kind >= KIND_PAGE && kind <= KIND_PROCESS && frame < inv->target.count && at->index < NODES_PER_POT &&
	       at->oid != 0;
}

static enum frame_kind frame_kind_of(uint64_t kind)
{
	return kind == KIND_PAGE ? FRAME_PAGE : kind == KIND_NODE ? FRAME_POT : FRAME_PROCESS;
}

/* Whether one that the disk cannot give back may be made anew: as a whole, and not for one node of a pot that others may use. */
static bool lost_renewable(const struct place *at)
{
	return at->kind != KIND_NODE && persist_lost(at->oid) && frame_free_count();
}

/* Whether there is a frame for it now. */
static bool frame_ready(const struct place *at)
{
	struct frame *f = frame_lookup(at->oid);

	return f || frame_get(at->oid) || lost_renewable(at);
}

static struct frame *frame_made(const struct place *at)
{
	struct frame *f = frame_get(at->oid);

	return f ? f : frame_anew(at->oid, false);
}

static inline struct cap make_cap_in(struct frame *f, const struct place *at)
{
	if (f->kind != frame_kind_of(at->kind))
		frame_retype(f, frame_kind_of(at->kind));
	if (at->kind == KIND_PAGE)
		return page_cap(f, 0);
	if (at->kind == KIND_NODE)
		return node_cap(node_at(f, at->index), CAP_NODE, 0);
	return process_cap(frame_data(f), CAP_PROCESS, 0);
}

static struct cap make_cap(const struct place *at)
{
	return make_cap_in(frame_made(at), at);
}

void range_op_get(struct inv *inv)
{
	struct place at;

	if (!place_of(inv, inv_word(inv, 0), inv_word(inv, 1), &at)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	if (!frame_ready(&at)) {
		inv_fail(inv, RC_LIMIT);
		return;
	}
	commit_point();
	inv_out_cap(inv, 0, make_cap(&at));
}

void range_op_fill(struct inv *inv)
{
	uint64_t kind = inv_word(inv, 0), first = inv_word(inv, 1), count = inv_word(inv, 2);
	const struct cap *c = inv_cap(inv, 0);
	struct node *to = c->type == CAP_NODE ? cap_node(c) : NULL;
	struct place at;

	if (!to || count == 0 || count > NODE_SLOTS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!place_of(inv, kind, first + i, &at)) {
			inv_fail(inv, RC_REQUEST);
			return;
		}
		if (!frame_ready(&at)) {
			inv_fail(inv, RC_LIMIT);
			return;
		}
		/* The node itself must not become something else on the way. */
		if (kind != KIND_NODE && frame_lookup(at.oid) == node_pot(to)) {
			inv_fail(inv, RC_REQUEST);
			return;
		}
	}
	commit_point();
	for (uint64_t i = 0; i < count; i++) {
		struct cap value;

		place_of(inv, kind, first + i, &at);
		value = make_cap(&at);
		node_store(to, i, &value);
	}
}

static bool lost_is(const struct place *at)
{
	enum frame_kind kind = frame_lost_kind(at->oid);

	return kind == FRAME_NONE || kind == frame_kind_of(at->kind);
}

static void rescind_in(struct frame *f, const struct place *at)
{
	if (f->kind != frame_kind_of(at->kind))
		return;
	if (at->kind == KIND_NODE)
		node_rescind(node_at(f, at->index));
	else
		frame_retype(f, f->kind);
}

static void rescind_place(const struct place *at)
{
	struct frame *f = frame_find(at->oid);

	if (f)
		rescind_in(f, at);
	else if (persist_lost(at->oid) && lost_is(at))
		frame_anew(at->oid, false);    /* which rescinds what was there; of a pot, all its nodes, which are lost with it */
}

/* Each may become dirty, and within an operation the store cannot make room: no more than it keeps (persist.c, ROOM_MARGIN). */
#define RESCIND_MAX 64

void range_op_rescind(struct inv *inv)
{
	uint64_t kind = inv_word(inv, 0), first = inv_word(inv, 1), count = inv_word(inv, 2);
	struct place at;

	if (count > RESCIND_MAX) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!place_of(inv, kind, first + i, &at)) {
			inv_fail(inv, RC_REQUEST);
			return;
		}
	}
	commit_point();
	for (uint64_t i = 0; i < count; i++) {
		place_of(inv, kind, first + i, &at);
		rescind_place(&at);
	}
}

#define FAREWELLS_MAX 32u                  /* of who is answered, each becomes dirty */

/* Whoever waits for an answer through a resume capability among these gets RC_VOID; how many did, at most `most`. */
static unsigned caps_farewell(const struct cap *caps, unsigned count, unsigned most)
{
	unsigned answered = 0;

	for (unsigned i = 0; i < count && answered < most; i++)
		if (caps[i].type == CAP_RESUME && answer_void(&caps[i]))
			answered++;
	return answered;
}

static unsigned place_farewell(const struct place *at, unsigned most)
{
	struct frame *f = frame_find(at->oid);

	if (!f || f->kind != frame_kind_of(at->kind))
		return 0;
	if (at->kind == KIND_NODE)
		return caps_farewell(node_at(f, at->index)->slot, NODE_SLOTS, most);
	return caps_farewell(((struct process *)frame_data(f))->caps, CAP_REGISTERS, most);
}

void range_op_farewell(struct inv *inv)
{
	uint64_t kind = inv_word(inv, 0), first = inv_word(inv, 1), count = inv_word(inv, 2);
	unsigned answered = 0;
	struct place at;

	for (uint64_t i = 0; i < count; i++) {
		if (count > RESCIND_MAX || kind == KIND_PAGE || !place_of(inv, kind, first + i, &at)) {
			inv_fail(inv, RC_REQUEST);
			return;
		}
	}
	commit_point();
	for (uint64_t i = 0; i < count && answered < FAREWELLS_MAX; i++) {
		place_of(inv, kind, first + i, &at);
		answered += place_farewell(&at, FAREWELLS_MAX - answered);
	}
	inv->out_w[0] = answered;
}

/* Rescind and get at once: for who takes storage back and keeps it ready for the next. */
static struct cap renew_in(struct frame *f, const struct place *at)
{
	if (__builtin_expect(f != NULL, 1))
		rescind_in(f, at);
	else
		f = frame_anew(at->oid, false);
	return make_cap_in(f, at);
}

void range_op_renew(struct inv *inv)
{
	struct place at;

	if (!place_of(inv, inv_word(inv, 0), inv_word(inv, 1), &at)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	if (!frame_ready(&at) && !(persist_lost(at.oid) && frame_free_count())) {
		inv_fail(inv, RC_LIMIT);
		return;
	}
	commit_point();
	inv_out_cap(inv, 0, renew_in(frame_get(at.oid), &at));
}

/* Only processes: a page or a node is rescinded and made again by whoever keeps its content meanwhile. */
void range_op_sever(struct inv *inv)
{
	struct place at;
	struct frame *f = NULL;
	struct process *p;

	if (place_of(inv, KIND_PROCESS, inv_word(inv, 0), &at))
		f = frame_find(at.oid);
	if (!f || f->kind != FRAME_PROCESS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	p = frame_data(f);
	frame_dirty(f);
	f->alloc_count++;
	f->call_count++;
	sched_wake_all_stalled(p);
	inv_out_cap(inv, 0, process_cap(p, CAP_PROCESS, 0));
}

/* Full strength only: a holder of a weaker capability must not be able to free the object. */
static bool place_of_cap(struct inv *inv, const struct cap *c, struct place *at, uint64_t *offset)
{
	uint64_t frame = REF_OID(c->ref) - REF_OID(inv->target.ref);
	bool valid = false;

	at->oid = REF_OID(c->ref);
	at->index = 0;
	*offset = frame;
	if (c->type == CAP_PAGE) {
		at->kind = KIND_PAGE;
		valid = cap_page(c) && !(c->data & DB_READONLY);
	} else if (c->type == CAP_NODE) {
		at->kind = KIND_NODE;
		at->index = REF_INDEX(c->ref);
		*offset = frame * 16 + at->index;
		valid = cap_node(c);
	} else if (c->type == CAP_PROCESS) {
		at->kind = KIND_PROCESS;
		valid = cap_process(c);
	}
	/* One that is lost can be given back, if it is known to be what the capability says. */
	if (__builtin_expect(!valid, 0) && cap_is_lost(c))
		valid = frame_lost_kind(at->oid) != FRAME_NONE && frame_free_count() && !(c->type == CAP_PAGE && c->data & DB_READONLY);
	if (!valid || frame >= inv->target.count) {
		inv_fail(inv, RC_REQUEST);
		return false;
	}
	return true;
}

void range_op_identify(struct inv *inv)
{
	struct place at;
	uint64_t offset;

	if (!place_of_cap(inv, inv_cap(inv, 0), &at, &offset))
		return;
	commit_point();
	inv->out_w[0] = at.kind;
	inv->out_w[1] = offset;
}

void range_op_renew_within(struct inv *inv)
{
	const struct cap *c = inv_cap(inv, 0);
	struct place at;
	uint64_t offset;

	if (!place_of_cap(inv, c, &at, &offset))
		return;
	commit_point();
	inv->out_w[0] = at.kind;
	inv->out_w[1] = offset;
	if (at.kind != inv_word(inv, 0) || offset - inv_word(inv, 1) >= inv_word(inv, 2))
		return;
	inv->out_w[2] = 1;
	inv_out_cap(inv, 0, renew_in(cap_frame(c), &at));
}

void range_op_length(struct inv *inv)
{
	commit_point();
	inv->out_w[0] = inv->target.count;
	inv->out_w[1] = persist_on ? persist_range_end - persist_high : frame_free_count();
}

void range_op_subrange(struct inv *inv)
{
	uint64_t first = inv_word(inv, 0), count = inv_word(inv, 1);
	struct cap sub = inv->target;

	if (first > inv->target.count || count > inv->target.count - first) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	sub.ref = REF_MAKE(REF_OID(inv->target.ref) + first, 0, 0);
	sub.count = (uint32_t)count;
	inv_out_cap(inv, 0, sub);
}
