/*
 * data.c - reading, reading ahead, writing, syncing.
 *
 * A reader that asks in order, LANE_DATA at a time, finds the next pieces read already.  They are given out while they are
 * fresh, and only whole: where the file may end, or another writes, the host is asked anew.
 */
#include "p9.h"
#include <stdlib.h>
#include <string.h>
#include <keros/file.h>
#include <keros/node.h>

#define AHEAD_FRESH_NS 20000000ull     /* so old may data read ahead be */

/* ---- reading and writing --------------------------------------------------------------------------- */

/* The place of an operation that reads ahead; NULL: it does not, or nobody wants it any more. */
struct ahead *ahead_of(const struct op *o)
{
	for (struct ahead *a = o->handle->ahead; a < o->handle->ahead + AHEADS; a++)
		if (a->op == o)
			return a;
	return NULL;
}

/* Lets go of data read ahead, now or when they come. */
void ahead_drop(struct handle *h)
{
	for (struct ahead *a = h->ahead; a < h->ahead + AHEADS; a++) {
		struct op *o = a->op;

		a->op = NULL;
		if (o && !o->lane->share)
			op_end(o);     /* else it is on its way, and ahead_came ends it */
	}
	h->ahead_end = false;
}

static void read_ahead(struct handle *h);

static void read_send(struct op *o, void (*next)(struct op *))
{
	struct wire *w = rpc(o, TREAD);

	put32(w, o->handle->fid);
	put64(w, o->w[0]);
	put32(w, (uint32_t)o->w[1]);
	rpc_send(o, 0, WIRE_READ_HEADER, o->w[1], next);
}

/* How many bytes came, or -1 and the operation has failed. */
static long read_bytes(struct op *o)
{
	struct wire w;
	uint32_t bytes;

	if (!rpc_reply(o, TREAD, &w))
		return -1;
	bytes = get32(&w);
	if (!w.bad && bytes <= o->w[1])
		return bytes;
	op_fail(o, E_IO);
	return -1;
}

static void read_answered(struct op *o)
{
	long bytes = read_bytes(o);

	if (bytes >= 0)
		op_reply(o, RC_OK, NULL, 0, o->lane->d, (size_t)bytes, CR_VOID);
}

static void read_begin(struct op *o)
{
	read_send(o, read_answered);
}

/* Answers who waits with a part of what was read ahead, which stays. */
static void part_reply(struct op *o, uint64_t offset)
{
	struct msg m = { .order = RC_OK, .send_string = o->lane->d + (offset - o->w[0]), .send_length = LANE_DATA };

	o->awaited = false;
	if (node_fetch(resume_node(o), o->index % NODE_SLOTS, CR_TMP0) == RC_OK)
		inv_send(CR_TMP0, &m);
}

/* A reader has had the last part of a piece: the next one is asked for. */
static void piece_used(struct handle *h, struct ahead *a)
{
	struct op *o = a->op;

	a->op = NULL;
	h->users++;
	op_end(o);
	read_ahead(h);
	handle_leave(h);
}

/* Bytes of a piece from an offset on. */
static uint64_t piece_has(const struct ahead *a, uint64_t offset)
{
	return a->offset + a->came > offset ? a->offset + a->came - offset : 0;
}

/* The reader who waits is answered; by asking the host anew if the file's end may be there. */
static void piece_awaited(struct op *o, struct ahead *a)
{
	struct handle *h = o->handle;
	uint64_t offset = o->w[2];

	if (a && piece_has(a, offset) >= LANE_DATA) {
		part_reply(o, offset);
		if (offset + LANE_DATA == a->offset + LANE_AHEAD)
			piece_used(h, a);
		return;
	}
	if (a)
		a->op = NULL;
	o->w[0] = offset;
	o->w[1] = LANE_DATA;
	read_send(o, read_answered);
}

/* Data read ahead are here: for the reader who waits for them, or kept for a moment. */
static void ahead_came(struct op *o)
{
	struct handle *h = o->handle;
	struct ahead *a = ahead_of(o);
	struct wire w;
	uint8_t type = 0;
	uint16_t tag;
	uint32_t bytes = 0;

	if (!wire_open(&w, o->lane->r, o->lane->came < MESSAGE ? o->lane->came : MESSAGE, &type, &tag) || type != TREAD + 1 ||
	    (bytes = get32(&w)) > o->w[1] || w.bad)
		bytes = 0;
	h->ahead_end |= bytes < LANE_AHEAD;
	if (a) {
		a->came = bytes;
		a->at_ns = now_ns();
	}
	if (o->awaited)
		piece_awaited(o, a);
	else if (!a)
		op_end(o);                     /* nobody wants them any more */
}

/* Asks for what a reader in order will want next, and leaves some lanes to others. */
static void read_ahead(struct handle *h)
{
	for (struct ahead *a = h->ahead; a < h->ahead + AHEADS && !h->ahead_end && !h->closed; a++) {
		struct op *o;

		if (a->op || waiting || lanes_idle() < 3)
			continue;
		o = op_new(h, h->share);
		if (!o)
			return;
		o->lane = lane_take();
		o->w[0] = a->offset = h->ahead_next;
		o->w[1] = LANE_AHEAD;
		h->ahead_next += LANE_AHEAD;
		a->op = o;
		a->came = 0;
		read_send(o, ahead_came);
	}
}

/* A read that what is read ahead answers.  False: it does not. */
static bool read_from_ahead(struct handle *h, struct msg *m, uint64_t offset, uint64_t limit)
{
	struct ahead *a = h->ahead;
	struct op *o;

	while (a < h->ahead + AHEADS && (!a->op || (a->offset != offset && a->offset + LANE_DATA != offset)))
		a++;
	if (a == h->ahead + AHEADS || limit != LANE_DATA || a->op->awaited) {
		ahead_drop(h);
		return false;
	}
	o = a->op;
	if (!o->lane->share && (now_ns() - a->at_ns > AHEAD_FRESH_NS || piece_has(a, offset) < LANE_DATA)) {
		ahead_drop(h);         /* old, or it ended there: ask anew */
		return false;
	}
	h->expected = offset + limit;
	if (!(m->got & INV_GOT_RESUME))
		return true;
	o->awaited = true;
	o->w[2] = offset;
	node_swap(resume_node(o), o->index % NODE_SLOTS, CR_RETURN, CR_VOID);
	if (!o->lane->share)
		piece_awaited(o, a);
	return true;
}

/* Whether an answer of the host is waited for: else its interrupts can wait. */
bool share_awaited(const struct share *s)
{
	for (unsigned i = 0; i < OPS; i++)
		if (ops[i].used && ops[i].lane && ops[i].lane->share == s &&
		    (ops[i].awaited || !ops[i].handle || !ahead_of(&ops[i])))
			return true;
	return false;
}

uint32_t do_read(void *ctx, struct msg *m, uint64_t offset, uint64_t limit, const void **data, size_t *length)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	bool in_order = offset == h->expected;
	struct op *o;

	(void)data, (void)length;
	if (rc != RC_OK)
		return rc;
	if (!h->can_read)
		return RC_NOACCESS;
	if (!limit || (int64_t)offset < 0)
		return RC_REQUEST;
	if (limit > LANE_DATA)
		limit = LANE_DATA;
	if (read_from_ahead(h, m, offset, limit))
		return FILE_NOREPLY;
	if (!(o = op_new(h, h->share)))
		return FILES_ERROR + E_NFILE;
	o->w[0] = offset;
	o->w[1] = limit;
	h->expected = offset + limit;
	rc = op_begin(o, m, read_begin);
	if (in_order && limit == LANE_DATA && h->share->reads_ahead) {
		h->ahead_next = offset + limit;
		read_ahead(h);
	}
	return rc;
}

/* What was read ahead may be of a file that is to be changed, by whatever name. */
static void share_changes(struct share *s)
{
	for (unsigned i = 0; i < OPS; i++)
		if (ops[i].used && ops[i].share == s && ops[i].handle && !ops[i].awaited && ahead_of(&ops[i]))
			ahead_drop(ops[i].handle);
}

static void write_answered(struct op *o)
{
	struct wire w;
	uint64_t written;

	if (!rpc_reply(o, TWRITE, &w))
		return;
	written = get32(&w);
	if (w.bad || written > o->w[1])
		op_fail(o, E_IO);
	else
		op_reply(o, RC_OK, &written, 1, NULL, 0, CR_VOID);
}

static void write_begin(struct op *o)
{
	struct wire *w = rpc(o, TWRITE);

	put32(w, o->handle->fid);
	put64(w, o->w[0]);
	put32(w, (uint32_t)o->w[1]);
	rpc_send(o, o->w[1], MESSAGE, 0, write_answered);
}

uint32_t do_write(void *ctx, struct msg *m, uint64_t offset, const void *data, size_t length, uint64_t *written)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	if (rc != RC_OK)
		return rc;
	if (!h->can_write)
		return RC_NOACCESS;
	if ((int64_t)offset < 0)
		return RC_REQUEST;
	if (!length) {
		*written = 0;
		return RC_OK;
	}
	if (!(o = op_new(h, h->share)))
		return FILES_ERROR + E_NFILE;
	o->w[0] = offset;
	o->w[1] = length;
	share_changes(h->share);
	if (reserve && data == reserve->d) {
		o->lane = reserve;     /* they are already where the device reads them */
		reserve = NULL;
	} else {
		o->data = malloc(length);
		o->data_length = length;
		if (!o->data) {
			op_end(o);
			return FILES_ERROR + E_NOMEM;
		}
		memcpy(o->data, data, length);
		if ((o->lane = lane_take()))
			memcpy(o->lane->d, data, length);
	}
	return op_begin(o, m, write_begin);
}

static void set_file_begin(struct op *o)
{
	set_ask(o, o->handle->fid);
}

uint32_t do_set_file(void *ctx, struct msg *m, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime,
			    uint64_t mtime)
{
	struct handle *h = ctx;
	uint32_t rc = handle_writable(h);
	struct op *o;

	if (rc != RC_OK)
		return rc;
	if ((which & FILES_SET_SIZE) && !h->can_write)
		return RC_NOACCESS;
	if (!(o = op_new(h, h->share)))
		return FILES_ERROR + E_NFILE;
	share_changes(h->share);
	set_words(o, which, mode, size, atime, mtime);
	return op_begin(o, m, set_file_begin);
}

static void sync_begin(struct op *o)
{
	struct wire *w = rpc(o, TFSYNC);

	put32(w, o->handle->fid);
	put32(w, (uint32_t)o->w[0]);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

uint32_t do_sync(void *ctx, struct msg *m, uint64_t data_only)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	if (rc != RC_OK)
		return rc;
	if (!(o = op_new(h, h->share)))
		return FILES_ERROR + E_NFILE;
	o->w[0] = data_only != 0;
	return op_begin(o, m, sync_begin);
}
