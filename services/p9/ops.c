/*
 * ops.c - handles, operations, and what every request begins with.
 *
 * A request goes: decode (names, rights), op_begin (a lane, or a place in the queue for one), a chain of messages, and
 * op_reply.  Whoever writes a chain ends it in op_reply, op_fail or op_result; fids and prefixes are given back there.
 */
#include "p9.h"
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/node.h>

struct op ops[OPS];
struct op *waiting;                                    /* for a lane, longest first */
static struct op **waiting_end = &waiting;
struct lane *reserve;                                  /* strings that come are in this one's data */
static struct { struct handle **handle; unsigned next; } groups[GROUPS];

/* ---- handles ------------------------------------------------------------------------------------- */

struct handle *handle_of(unsigned data)
{
	struct handle **handles = data >> GROUP_SHIFT < GROUPS ? groups[data >> GROUP_SHIFT].handle : NULL;

	return handles ? handles[data & (GROUP_HANDLES - 1)] : NULL;
}

/* The place that has been free longest is taken next: a capability that outlived its handle stays dead for long. */
struct handle *handle_new(unsigned group, struct share *s)
{
	struct handle *h;

	if (!groups[group].handle && !(groups[group].handle = calloc(GROUP_HANDLES, sizeof *groups[group].handle)))
		return NULL;
	for (unsigned i = 0; i < GROUP_HANDLES; i++) {
		unsigned at = groups[group].next++ % GROUP_HANDLES;

		if (groups[group].handle[at])
			continue;
		if (!(h = calloc(1, sizeof *h)))
			return NULL;
		groups[group].handle[at] = h;
		h->share = s;
		h->epoch = s->epoch;
		h->data = (uint16_t)(group << GROUP_SHIFT | at);
		h->fid = h->list_fid = NO_FID;
		return h;
	}
	return NULL;
}

static void handle_free(struct handle *h)
{
	struct share *s = h->share;

	if (h->epoch == s->epoch) {
		if (!h->root)
			share_clunk(s, h->fid);
		share_clunk(s, h->list_fid);
	}
	prefixes_forget(s, h);
	groups[h->data >> GROUP_SHIFT].handle[h->data & (GROUP_HANDLES - 1)] = NULL;
	free(h->only);
	free(h);
}

void handle_leave(struct handle *h)
{
	if (--h->users == 0 && h->closed)
		handle_free(h);
}

/* ---- operations ---------------------------------------------------------------------------------- */

cap_t resume_node(const struct op *o)
{
	return (cap_t)(CR_RESUMES + o->index / NODE_SLOTS);
}

struct op *op_new(struct handle *h, struct share *s)
{
	unsigned same = 0;

	/* No group takes all of them from the others. */
	for (unsigned i = 0; i < OPS; i++)
		same += h && ops[i].used && ops[i].handle && ops[i].handle->data >> GROUP_SHIFT == h->data >> GROUP_SHIFT;
	for (unsigned i = 0; i < OPS && same < OPS_GROUP; i++) {
		struct op *o = &ops[i];

		if (o->used)
			continue;
		*o = (struct op){ .used = true, .index = i, .handle = h, .share = s, .fid = NO_FID, .fid2 = NO_FID };
		if (h)
			h->users++;
		return o;
	}
	return NULL;
}

void op_end(struct op *o)
{
	share_clunk(o->share, o->fid);
	share_clunk(o->share, o->fid2);
	prefix_leave(o);
	if (o->lane)
		lane_give(o->lane);
	o->lane = NULL;
	if (o->handle)
		handle_leave(o->handle);
	free(o->text);
	free(o->part[0]);
	free(o->data);
	o->used = false;
	/* Its lane serves who waited longest. */
	if (waiting) {
		struct op *next = waiting;

		next->lane = lane_take();
		if (!next->lane)
			return;
		waiting = next->queue_next;
		if (!waiting)
			waiting_end = &waiting;
		if (next->data) {
			memcpy(next->lane->d, next->data, next->data_length);
			free(next->data);
			next->data = NULL;
		}
		next->start(next);
	}
}

void op_reply(struct op *o, uint32_t rc, const uint64_t *words, unsigned count, const void *string, size_t length,
		     cap_t cap)
{
	struct msg m = { .order = rc, .send = { cap }, .send_string = string, .send_length = length };

	for (unsigned i = 0; i < count; i++)
		m.w[i] = words[i];
	if (o->awaited && node_fetch(resume_node(o), o->index % NODE_SLOTS, CR_TMP0) == RC_OK)
		inv_send(CR_TMP0, &m);
	op_end(o);
}

void op_result(struct op *o, uint32_t rc)
{
	op_reply(o, rc, NULL, 0, NULL, 0, CR_VOID);
}

void op_fail(struct op *o, int error)
{
	op_result(o, FILES_ERROR + (uint32_t)error);
}

/* The answer comes later; with no lane free the operation begins when there is one. */
uint32_t op_begin(struct op *o, struct msg *m, void (*start)(struct op *))
{
	o->awaited = m->got & INV_GOT_RESUME;
	if (o->awaited)
		node_swap(resume_node(o), o->index % NODE_SLOTS, CR_RETURN, CR_VOID);
	o->start = start;
	if (!o->lane)
		o->lane = lane_take();
	if (!o->lane && reserve) {
		o->lane = reserve;     /* what came there has been copied */
		reserve = NULL;
	}
	if (o->lane) {
		start(o);
		return DIRECTORY_NOREPLY;
	}
	*waiting_end = o;
	waiting_end = &o->queue_next;
	o->queue_next = NULL;
	return DIRECTORY_NOREPLY;
}


void ops_restart(struct share *s)
{
	struct op **at = &waiting;

	while (*at)
		if ((*at)->share == s)
			*at = (*at)->queue_next;
		else
			at = &(*at)->queue_next;
	waiting_end = at;
	for (struct op *o = ops; o < ops + OPS; o++) {
		if (!o->used || o->share != s)
			continue;
		if (o->lane)
			o->lane->share = NULL;
		o->fid = o->fid2 = NO_FID;
		if (o->handle && ahead_of(o))
			ahead_of(o)->op = NULL;
		op_result(o, RC_RESTART);
	}
	for (struct prefix *p = s->prefix; p < s->prefix + PREFIXES; p++) {
		free(p->text);
		*p = (struct prefix){ 0 };
	}
}

/* ---- decoding ------------------------------------------------------------------------------------ */

/* What every request on a handle needs; 0 or the result that refuses it. */
uint32_t handle_ready(const struct handle *h)
{
	bool same = h->root ? h->number == h->share->root_number : h->epoch == h->share->epoch;

	return same && h->share->ready ? RC_OK : RC_RESTART;
}

/* ... and what one that changes something needs. */
uint32_t handle_writable(const struct handle *h)
{
	uint32_t rc = handle_ready(h);

	return rc == RC_OK && h->readonly ? FILES_ERROR + E_ROFS : rc;
}

/* Takes one path (second: the other one of two) into an operation.  0 or a Linux error number. */
static int path_take(struct op *o, unsigned which, const char *path, size_t length)
{
	int count = path_split(path, length, o->part[which], FILES_NAMES);
	const char *only = o->handle->only;

	if (count < 0)
		return E_INVAL;
	o->count[which] = (unsigned)count;
	if (only && (count != 1 || o->part[which][0].length != strlen(only) ||
		     memcmp(o->part[which][0].text, only, strlen(only))))
		return E_NOENT;
	return 0;
}

/* A new operation with its own copy of the string, and its paths.  NULL: *rc says why not. */
struct op *op_paths(struct handle *h, bool changes, const void *text, size_t length, size_t second, uint32_t *rc)
{
	struct op *o;
	int error;

	*rc = changes ? handle_writable(h) : handle_ready(h);
	if (*rc != RC_OK)
		return NULL;
	*rc = RC_REQUEST;
	if (second > length)
		return NULL;
	*rc = FILES_ERROR + E_NFILE;
	if (!(o = op_new(h, h->share)))
		return NULL;
	o->text = malloc(length + 1);
	o->text_length = length;
	o->part[0] = malloc(2 * FILES_NAMES * sizeof *o->part[0]);
	if (!o->text || !o->part[0]) {
		op_end(o);
		return NULL;
	}
	o->part[1] = o->part[0] + FILES_NAMES;
	memcpy(o->text, text, length);
	o->text[length] = 0;
	error = path_take(o, 0, o->text, second ? second : length);
	if (!error && second)
		error = path_take(o, 1, o->text + second, length - second);
	if (error) {
		*rc = FILES_ERROR + (uint32_t)error;
		op_end(o);
		return NULL;
	}
	return o;
}

/* For operations that take a folder and a last name: the path must have one, and the folder must be there. */
void no_folder(struct op *o)
{
	op_fail(o, o->made ? E_NOTDIR : E_NOENT);
}

void no_name(struct op *o)
{
	op_fail(o, (int)o->found);
}
