/*
 * main.c - the driver's loop, its operations, and the capabilities it gives out.  See p9.h.
 *
 * A request goes: decode (names, rights), op_begin (a lane, or a place in the queue for one), a chain of messages, and
 * op_reply.  Whoever writes a chain here ends it in op_reply, op_fail or op_result; fids and prefixes are given back
 * there.
 */
#include "p9.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/irq.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/share.h>

#define AHEAD_FRESH_NS 20000000ull     /* so old may data read ahead be */
#define MODE_BITS 01777u               /* of what is made: never set-id */

enum { E_PERM = 1, E_NOENT = 2, E_IO = 5, E_NXIO = 6, E_NOMEM = 12, E_ACCES = 13, E_EXIST = 17, E_NOTDIR = 20, E_ISDIR = 21,
       E_INVAL = 22, E_NFILE = 23, E_ROFS = 30, E_LOOP = 40 };
#define TYPE_BITS 0170000u
#define TYPE_FILE 0100000u
#define TYPE_DIRECTORY 0040000u
#define TYPE_LINK 0120000u

static struct op ops[OPS];
static struct op *waiting, **waiting_end = &waiting;   /* for a lane */
static struct { struct handle **handle; unsigned next; } groups[GROUPS];
static uint8_t spare[INV_STRING_MAX];                  /* strings come here when no lane is free */
static struct lane *reserve;                           /* or into this one's data */
static uint8_t answer[MESSAGE];

/* ---- handles ------------------------------------------------------------------------------------- */

static struct handle *handle_of(unsigned data)
{
	struct handle **handles = data >> GROUP_SHIFT < GROUPS ? groups[data >> GROUP_SHIFT].handle : NULL;

	return handles ? handles[data & (GROUP_HANDLES - 1)] : NULL;
}

/* The place that has been free longest is taken next: a capability that outlived its handle stays dead for long. */
static struct handle *handle_new(unsigned group, struct share *s)
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

static void handle_leave(struct handle *h)
{
	if (--h->users == 0 && h->closed)
		handle_free(h);
}

/* ---- operations ---------------------------------------------------------------------------------- */

static cap_t resume_node(const struct op *o)
{
	return (cap_t)(CR_RESUMES + o->index / NODE_SLOTS);
}

static struct op *op_new(struct handle *h, struct share *s)
{
	for (unsigned i = 0; i < OPS; i++) {
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

static void op_end(struct op *o)
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

static void op_reply(struct op *o, uint32_t rc, const uint64_t *words, unsigned count, const void *string, size_t length,
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
static uint32_t op_begin(struct op *o, struct msg *m, void (*start)(struct op *))
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

static void ahead_drop(struct handle *h);
static struct ahead *ahead_of(const struct op *o);

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
static uint32_t handle_ready(const struct handle *h)
{
	bool same = h->root ? h->number == h->share->root_number : h->epoch == h->share->epoch;

	return same && h->share->ready ? RC_OK : RC_RESTART;
}

/* Takes one path (second: the other one of two) into an operation.  0 or a Linux error number. */
static int path_take(struct op *o, unsigned which, const char *path, size_t length)
{
	int count = path_split(path, length, o->part[which], FILES_NAMES);
	const char *only = o->handle->only;

	if (count < 0)
		return E_INVAL;
	o->count[which] = (unsigned)count;
	if (only && (count != 1 || o->part[which][0].length != strlen(only) || memcmp(o->part[which][0].text, only, strlen(only))))
		return E_NOENT;
	return 0;
}

/* A new operation with its own copy of the string, and its paths.  NULL: *rc says why not. */
static struct op *op_paths(struct handle *h, bool changes, const void *text, size_t length, size_t second, uint32_t *rc)
{
	struct op *o;
	int error;

	*rc = handle_ready(h);
	if (*rc != RC_OK)
		return NULL;
	*rc = FILES_ERROR + E_ROFS;
	if (changes && h->readonly)
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
static void no_folder(struct op *o)
{
	op_fail(o, o->made ? E_NOTDIR : E_NOENT);
}

static void no_name(struct op *o)
{
	op_fail(o, (int)o->found);
}

/* ---- walk ---------------------------------------------------------------------------------------- */

static void walk_reply(struct op *o, bool last, const char *target, size_t target_length)
{
	uint64_t words[2] = { o->found, last };

	memcpy(answer, &o->attr, sizeof o->attr);
	if (target_length > sizeof answer - sizeof o->attr)
		target_length = sizeof answer - sizeof o->attr;
	if (target_length)
		memcpy(answer + sizeof o->attr, target, target_length);
	op_reply(o, RC_OK, words, 2, answer, last ? sizeof o->attr + target_length : 0, CR_VOID);
}

static void walk_target(struct op *o)
{
	struct wire w;
	size_t n;
	const char *target;

	if (!rpc_reply(o, TREADLINK, &w))
		return;
	target = get_string(&w, &n);
	if (w.bad)
		op_fail(o, E_IO);
	else
		walk_reply(o, true, target, n);
}

static void walk_described(struct op *o)
{
	struct wire *w;

	o->found = o->count[0];
	if ((o->attr.mode & TYPE_BITS) != TYPE_LINK) {
		walk_reply(o, true, NULL, 0);
		return;
	}
	w = rpc(o, TREADLINK);
	put32(w, o->fid);
	rpc_send(o, 0, MESSAGE, 0, walk_target);
}

static void walk_found(struct op *o)
{
	walk_attr(o, o->fid, walk_described);
}

static void walk_begin(struct op *o);

/* Only the folder is there. */
static void walk_missing(struct op *o)
{
	/* What was known of the folder was wrong: look from the start. */
	if (o->found != E_NOENT && o->prefix[0] && !o->retried) {
		o->prefix[0]->stale = true;
		prefix_leave(o);
		o->retried = true;
		walk_begin(o);
		return;
	}
	o->found = o->count[0] - 1;
	walk_reply(o, false, NULL, 0);
}

static void walk_last_name(struct op *o)
{
	walk_last(o, 0, &o->fid, walk_found, walk_missing);
}

/* Fewer names than folders are there: the last of them is told if it is none. */
static void walk_partial(struct op *o)
{
	if (!o->made || !o->found) {
		walk_reply(o, false, NULL, 0);
		return;
	}
	o->count[0] = o->found;
	o->made = false;
	walk_parent(o, 0, walk_last_name, walk_partial);
}

static void walk_begin(struct op *o)
{
	if (o->count[0] == 0)
		walk_attr(o, o->handle->fid, walk_described);
	else
		walk_parent(o, 0, walk_last_name, walk_partial);
}

static uint32_t do_walk(void *ctx, struct msg *m, const void *path, size_t length, uint64_t *found, uint64_t *last,
			const void **attributes, size_t *attributes_length)
{
	uint32_t rc;
	struct op *o = op_paths(ctx, false, path, length, 0, &rc);

	(void)found, (void)last, (void)attributes, (void)attributes_length;
	/* A folder in which one name exists has no others. */
	if (!o && rc == FILES_ERROR + E_NOENT) {
		*attributes = NULL;
		return RC_OK;
	}
	return o ? op_begin(o, m, walk_begin) : rc;
}

/* ---- new handles --------------------------------------------------------------------------------- */

/* Answers with a capability to a new handle that takes over o->fid. */
static void reply_handle(struct op *o, bool file, unsigned group, bool readonly)
{
	struct handle *h = handle_new(group, o->share);
	uint64_t made = o->made;

	if (!h) {
		op_fail(o, E_NFILE);
		return;
	}
	h->kind = file ? HANDLE_FILE : HANDLE_DIRECTORY;
	h->fid = o->fid;
	o->fid = NO_FID;
	h->readonly = readonly;
	if (file) {
		h->can_read = o->w[0] & FILES_READ;
		h->can_write = o->w[0] & FILES_WRITE;
	}
	process_make_start(CR_SELF, h->data, CR_TMP1);
	op_reply(o, RC_OK, &made, 1, &o->attr, sizeof o->attr, CR_TMP1);
}

static void lookup_described(struct op *o)
{
	if ((o->attr.mode & TYPE_BITS) != TYPE_DIRECTORY)
		op_fail(o, E_NOTDIR);
	else
		reply_handle(o, false, o->handle->data >> GROUP_SHIFT, o->handle->readonly);
}

static void lookup_found(struct op *o)
{
	walk_attr(o, o->fid, lookup_described);
}

static void lookup_last(struct op *o)
{
	walk_last(o, 0, &o->fid, lookup_found, no_name);
}

static void lookup_begin(struct op *o)
{
	if (o->count[0] == 0)
		lookup_last(o);
	else
		walk_parent(o, 0, lookup_last, no_folder);
}

static uint32_t do_lookup(void *ctx, struct msg *m, const void *path, size_t length, cap_t *directory,
			  const void **attributes, size_t *attributes_length)
{
	uint32_t rc;
	struct op *o = op_paths(ctx, false, path, length, 0, &rc);

	(void)attributes, (void)attributes_length, (void)directory;
	return o ? op_begin(o, m, lookup_begin) : rc;
}

/* ---- open ---------------------------------------------------------------------------------------- */

static uint32_t open_flags(const struct op *o)
{
	uint64_t want = o->w[0];
	uint32_t flags = want & FILES_WRITE ? want & FILES_READ ? 2 : 1 : 0;

	flags |= OPEN_FLAG_NOFOLLOW | OPEN_FLAG_NONBLOCK;
	return flags | (want & FILES_CUT ? OPEN_FLAG_TRUNC : 0) | (want & FILES_APPEND ? OPEN_FLAG_APPEND : 0);
}

static void open_reply(struct op *o)
{
	reply_handle(o, true, o->handle->data >> GROUP_SHIFT, o->handle->readonly);
}

static void open_opened(struct op *o)
{
	struct wire w;

	if (!rpc_reply(o, TLOPEN, &w))
		return;
	if (o->w[0] & FILES_CUT)
		walk_attr(o, o->fid, open_reply);
	else
		open_reply(o);
}

/* Only regular files: the type is asked before the host opens anything, since opening a device or a FIFO acts. */
static void open_described(struct op *o)
{
	uint32_t type = o->attr.mode & TYPE_BITS;
	struct wire *w;

	if (type != TYPE_FILE) {
		op_fail(o, type == TYPE_DIRECTORY ? E_ISDIR : type == TYPE_LINK ? E_LOOP : E_NXIO);
		return;
	}
	w = rpc(o, TLOPEN);
	put32(w, o->fid);
	put32(w, open_flags(o));
	rpc_send(o, 0, MESSAGE, 0, open_opened);
}

static void open_found(struct op *o)
{
	if ((o->w[0] & (FILES_CREATE | FILES_EXCLUSIVE)) == (FILES_CREATE | FILES_EXCLUSIVE))
		op_fail(o, E_EXIST);
	else
		walk_attr(o, o->fid, open_described);
}

static void open_last(struct op *o);

static void open_created(struct op *o)
{
	struct wire w;
	uint8_t type = 0;
	uint16_t tag;

	/* Somebody on the host was faster: then it is there to be opened. */
	if (wire_open(&w, o->lane->r, o->lane->came < MESSAGE ? o->lane->came : MESSAGE, &type, &tag) && type == RLERROR &&
	    get32(&w) == E_EXIST && !(o->w[0] & FILES_EXCLUSIVE) && !o->retried) {
		o->retried = true;
		share_clunk(o->share, o->fid);
		open_last(o);
		return;
	}
	if (!rpc_reply(o, TLCREATE, &w))
		return;
	o->made = true;
	walk_attr(o, o->fid, open_reply);
}

static void open_create(struct op *o)
{
	const struct part *last = &o->part[0][o->count[0] - 1];
	struct wire *w = rpc(o, TLCREATE);

	put32(w, o->fid);
	put_string(w, last->text, last->length);
	put32(w, open_flags(o) | OPEN_FLAG_CREATE | OPEN_FLAG_EXCL);
	put32(w, (uint32_t)o->w[1] & MODE_BITS);
	put32(w, 0);
	rpc_send(o, 0, MESSAGE, 0, open_created);
}

static void open_cloned(struct op *o)
{
	struct wire w;

	if (rpc_reply(o, TWALK, &w))
		open_create(o);
}

/* The name is not there: a fid of the folder becomes the file. */
static void open_missing(struct op *o)
{
	struct wire *w;

	if (!(o->w[0] & FILES_CREATE) || o->found != E_NOENT) {
		op_fail(o, (int)o->found);
		return;
	}
	o->fid = share_fid(o->share);
	w = rpc(o, TWALK);
	put32(w, o->parent[0]);
	put32(w, o->fid);
	put16(w, 0);
	rpc_send(o, 0, MESSAGE, 0, open_cloned);
}

static void open_last(struct op *o)
{
	walk_last(o, 0, &o->fid, open_found, open_missing);
}

static void open_begin(struct op *o)
{
	walk_parent(o, 0, open_last, no_folder);
}

static uint32_t do_open(void *ctx, struct msg *m, uint64_t flags, uint64_t mode, const void *path, size_t length,
			cap_t *file, uint64_t *made, const void **attributes, size_t *attributes_length)
{
	uint32_t rc;
	struct op *o = op_paths(ctx, flags & (FILES_WRITE | FILES_CREATE | FILES_CUT), path, length, 0, &rc);

	(void)made, (void)attributes, (void)attributes_length, (void)file;
	if (!o)
		return rc;
	if (o->count[0] == 0 || !(flags & (FILES_READ | FILES_WRITE))) {
		op_end(o);
		return o->count[0] ? RC_REQUEST : FILES_ERROR + E_ISDIR;
	}
	o->w[0] = flags;
	o->w[1] = mode;
	return op_begin(o, m, open_begin);
}

/* ---- listing ------------------------------------------------------------------------------------- */

static void list_answered(struct op *o)
{
	struct wire w;
	uint32_t bytes;
	long length;

	if (!rpc_reply(o, TREADDIR, &w))
		return;
	bytes = get32(&w);
	length = w.bad || bytes > LANE_DATA ? -1 : wire_entries(o->lane->d, bytes);
	if (length < 0)
		op_fail(o, E_IO);
	else if (length == 0 && bytes)
		op_fail(o, E_IO);      /* nothing but names that cannot be: not the end, and no way on */
	else
		op_reply(o, RC_OK, NULL, 0, o->lane->d, (size_t)length, CR_VOID);
}

static void list_ask(struct op *o)
{
	uint64_t limit = o->w[1] < LANE_DATA - 64 ? o->w[1] : LANE_DATA - 64;
	struct wire *w = rpc(o, TREADDIR);

	put32(w, o->handle->list_fid);
	put64(w, o->w[0]);
	put32(w, (uint32_t)limit);
	rpc_send(o, 0, WIRE_READ_HEADER, limit, list_answered);
}

static void list_opened(struct op *o)
{
	struct wire w;

	if (!rpc_reply(o, TLOPEN, &w))
		return;
	if (o->handle->list_fid == NO_FID) {
		o->handle->list_fid = o->fid;
		o->fid = NO_FID;
	}
	list_ask(o);
}

static void list_cloned(struct op *o)
{
	struct wire w, *t;

	if (!rpc_reply(o, TWALK, &w))
		return;
	t = rpc(o, TLOPEN);
	put32(t, o->fid);
	put32(t, OPEN_FLAG_DIRECTORY | OPEN_FLAG_NOFOLLOW | OPEN_FLAG_NONBLOCK);
	rpc_send(o, 0, MESSAGE, 0, list_opened);
}

static void list_begin(struct op *o)
{
	struct wire *w;

	if (o->handle->list_fid != NO_FID) {
		list_ask(o);
		return;
	}
	o->fid = share_fid(o->share);
	w = rpc(o, TWALK);
	put32(w, o->handle->fid);
	put32(w, o->fid);
	put16(w, 0);
	rpc_send(o, 0, MESSAGE, 0, list_cloned);
}

static uint32_t do_list(void *ctx, struct msg *m, uint64_t cookie, uint64_t limit, const void **entries, size_t *length)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	(void)entries, (void)length;
	if (rc != RC_OK)
		return rc;
	if (limit < 512)
		return RC_REQUEST;
	if (h->only)
		return FILES_ERROR + E_ACCES;
	if (!(o = op_new(h, h->share)))
		return FILES_ERROR + E_NFILE;
	o->w[0] = cookie;
	o->w[1] = limit;
	return op_begin(o, m, list_begin);
}

/* ---- changes of names ----------------------------------------------------------------------------- */

static void change_done(struct op *o)
{
	struct wire w;
	uint8_t type = o->lane->t[4];          /* of our own message */

	if (type == TRENAMEAT || type == TUNLINKAT)
		prefixes_flush(o->share);
	if (rpc_reply(o, type, &w))
		op_result(o, RC_OK);
}

static const struct part *last_of(const struct op *o, unsigned which)
{
	return &o->part[which][o->count[which] - 1];
}

static void make_directory_ask(struct op *o)
{
	struct wire *w = rpc(o, TMKDIR);

	put32(w, o->parent[0]);
	put_string(w, last_of(o, 0)->text, last_of(o, 0)->length);
	put32(w, (uint32_t)o->w[0] & MODE_BITS);
	put32(w, 0);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

static void make_directory_begin(struct op *o)
{
	walk_parent(o, 0, make_directory_ask, no_folder);
}

/* Changes of names are not for a folder in which one name exists. */
static struct op *op_change(struct handle *h, const void *text, size_t length, size_t second, uint32_t *rc)
{
	struct op *o = op_paths(h, true, text, length, second, rc);

	if (!o)
		return NULL;
	*rc = h->only ? FILES_ERROR + E_ACCES : o->count[0] == 0 || (second && o->count[1] == 0) ? FILES_ERROR + E_EXIST : RC_OK;
	if (*rc == RC_OK)
		return o;
	op_end(o);
	return NULL;
}

static uint32_t do_make_directory(void *ctx, struct msg *m, uint64_t mode, const void *path, size_t length)
{
	uint32_t rc;
	struct op *o = op_change(ctx, path, length, 0, &rc);

	if (!o)
		return rc;
	o->w[0] = mode;
	return op_begin(o, m, make_directory_begin);
}

static void make_link_ask(struct op *o)
{
	struct wire *w = rpc(o, TSYMLINK);
	size_t at = (size_t)(last_of(o, 0)->text + last_of(o, 0)->length - o->text);

	put32(w, o->parent[0]);
	put_string(w, last_of(o, 0)->text, last_of(o, 0)->length);
	put_string(w, o->text + at, o->text_length - at);
	put32(w, 0);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

static void make_link_begin(struct op *o)
{
	walk_parent(o, 0, make_link_ask, no_folder);
}

static uint32_t do_make_link(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	if (rc != RC_OK)
		return rc;
	if (h->readonly)
		return FILES_ERROR + E_ROFS;
	if (at == 0 || at >= length || memchr((const char *)both + at, 0, length - at))
		return RC_REQUEST;
	/* The target is no path of ours: only the first is split. */
	o = op_change(h, both, at, 0, &rc);
	if (!o)
		return rc;
	char *text = malloc(length + 1);

	if (!text) {
		op_end(o);
		return FILES_ERROR + E_NOMEM;
	}
	memcpy(text, both, length);
	for (unsigned i = 0; i < o->count[0]; i++)
		o->part[0][i].text = text + (o->part[0][i].text - o->text);
	free(o->text);
	o->text = text;
	o->text_length = length;
	return op_begin(o, m, make_link_begin);
}

static void make_name_ask(struct op *o)
{
	struct wire *w = rpc(o, TLINK);

	put32(w, o->parent[1]);
	put32(w, o->fid);
	put_string(w, last_of(o, 1)->text, last_of(o, 1)->length);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

static void make_name_second(struct op *o)
{
	walk_parent(o, 1, make_name_ask, no_folder);
}

static void make_name_first(struct op *o)
{
	walk_last(o, 0, &o->fid, make_name_second, no_name);
}

static void make_name_begin(struct op *o)
{
	walk_parent(o, 0, make_name_first, no_folder);
}

static uint32_t do_make_name(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length)
{
	uint32_t rc = RC_REQUEST;
	struct op *o = at ? op_change(ctx, both, length, at, &rc) : NULL;

	return o ? op_begin(o, m, make_name_begin) : rc;
}

static void rename_ask(struct op *o)
{
	struct wire *w = rpc(o, TRENAMEAT);

	put32(w, o->parent[0]);
	put_string(w, last_of(o, 0)->text, last_of(o, 0)->length);
	put32(w, o->parent[1]);
	put_string(w, last_of(o, 1)->text, last_of(o, 1)->length);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

static void rename_second(struct op *o)
{
	walk_parent(o, 1, rename_ask, no_folder);
}

static void rename_begin(struct op *o)
{
	walk_parent(o, 0, rename_second, no_folder);
}

static uint32_t do_rename(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length)
{
	uint32_t rc = RC_REQUEST;
	struct op *o = at ? op_change(ctx, both, length, at, &rc) : NULL;

	return o ? op_begin(o, m, rename_begin) : rc;
}

static void remove_ask(struct op *o)
{
	struct wire *w = rpc(o, TUNLINKAT);

	put32(w, o->parent[0]);
	put_string(w, last_of(o, 0)->text, last_of(o, 0)->length);
	put32(w, o->w[0] ? UNLINK_DIRECTORY : 0);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

static void remove_begin(struct op *o)
{
	walk_parent(o, 0, remove_ask, no_folder);
}

static uint32_t do_remove(void *ctx, struct msg *m, uint64_t kind, const void *path, size_t length)
{
	uint32_t rc;
	struct op *o = op_change(ctx, path, length, 0, &rc);

	if (!o)
		return rc;
	o->w[0] = kind;
	return op_begin(o, m, remove_begin);
}

/* ---- attributes ---------------------------------------------------------------------------------- */

enum setattr { SETATTR_MODE = 1, SETATTR_SIZE = 8, SETATTR_ATIME = 16, SETATTR_MTIME = 32, SETATTR_ATIME_SET = 128,
	       SETATTR_MTIME_SET = 256 };

static void put_time(struct wire *w, uint64_t ns)
{
	put64(w, ns / 1000000000u);
	put64(w, ns % 1000000000u);
}

static void set_ask(struct op *o, uint32_t fid)
{
	uint64_t which = o->w[0];
	uint32_t valid = 0;
	struct wire *w = rpc(o, TSETATTR);

	if (which & FILES_SET_MODE)
		valid |= SETATTR_MODE;
	if (which & FILES_SET_SIZE)
		valid |= SETATTR_SIZE;
	if (which & (FILES_SET_ATIME | FILES_SET_ATIME_NOW))
		valid |= SETATTR_ATIME | (which & FILES_SET_ATIME ? SETATTR_ATIME_SET : 0);
	if (which & (FILES_SET_MTIME | FILES_SET_MTIME_NOW))
		valid |= SETATTR_MTIME | (which & FILES_SET_MTIME ? SETATTR_MTIME_SET : 0);
	put32(w, fid);
	put32(w, valid);
	put32(w, (uint32_t)o->w[1] & MODE_BITS);
	put32(w, NO_UID);
	put32(w, NO_UID);
	put64(w, o->w[2]);
	put_time(w, o->w[3]);
	put_time(w, o->w[4]);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

/* A size is of regular files, and a mode not of symbolic links: the host would act on something else. */
static void set_described(struct op *o)
{
	uint32_t type = o->attr.mode & TYPE_BITS;

	if ((o->w[0] & FILES_SET_SIZE) && type != TYPE_FILE)
		op_fail(o, type == TYPE_DIRECTORY ? E_ISDIR : E_INVAL);
	else if ((o->w[0] & FILES_SET_MODE) && type == TYPE_LINK)
		op_fail(o, 95);
	else
		set_ask(o, o->count[0] ? o->fid : o->handle->fid);
}

static void set_found(struct op *o)
{
	walk_attr(o, o->fid, set_described);
}

static void set_last(struct op *o)
{
	walk_last(o, 0, &o->fid, set_found, no_name);
}

static void set_begin(struct op *o)
{
	if (o->count[0] == 0)
		walk_attr(o, o->handle->fid, set_described);
	else
		walk_parent(o, 0, set_last, no_folder);
}

static void set_words(struct op *o, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime, uint64_t mtime)
{
	const uint64_t words[] = { which, mode, size, atime, mtime };

	memcpy(o->w, words, sizeof words);
}

static uint32_t do_set(void *ctx, struct msg *m, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime,
		       uint64_t mtime, const void *path, size_t length)
{
	uint32_t rc;
	struct op *o = op_paths(ctx, true, path, length, 0, &rc);

	if (!o)
		return rc;
	set_words(o, which, mode, size, atime, mtime);
	return op_begin(o, m, set_begin);
}

static void attributes_reply(struct op *o)
{
	op_reply(o, RC_OK, NULL, 0, &o->attr, sizeof o->attr, CR_VOID);
}

static void attributes_begin(struct op *o)
{
	walk_attr(o, o->handle->fid, attributes_reply);
}

static uint32_t do_attributes(void *ctx, struct msg *m, const void **attributes, size_t *length)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	(void)attributes, (void)length;
	if (rc != RC_OK)
		return rc;
	o = op_new(h, h->share);
	return o ? op_begin(o, m, attributes_begin) : FILES_ERROR + E_NFILE;
}

static void space_answered(struct op *o)
{
	struct wire w;
	uint64_t words[6];

	if (!rpc_reply(o, TSTATFS, &w))
		return;
	get32(&w);                             /* its type */
	words[0] = get32(&w);
	for (unsigned i = 1; i < 6; i++)
		words[i] = get64(&w);
	if (w.bad)
		op_fail(o, E_IO);
	else
		op_reply(o, RC_OK, words, 6, NULL, 0, CR_VOID);
}

static void space_begin(struct op *o)
{
	struct wire *w = rpc(o, TSTATFS);

	put32(w, o->handle->fid);
	rpc_send(o, 0, MESSAGE, 0, space_answered);
}

static uint32_t do_space(void *ctx, struct msg *m, uint64_t *block, uint64_t *blocks, uint64_t *free_blocks,
			 uint64_t *available, uint64_t *files, uint64_t *files_free)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	(void)block, (void)blocks, (void)free_blocks, (void)available, (void)files, (void)files_free;
	if (rc != RC_OK)
		return rc;
	o = op_new(h, h->share);
	return o ? op_begin(o, m, space_begin) : FILES_ERROR + E_NFILE;
}

/* ---- facets and ends ------------------------------------------------------------------------------ */

static void readonly_cloned(struct op *o)
{
	struct wire w;
	char *only = o->handle->only;
	struct handle *h;
	uint16_t data;

	if (!rpc_reply(o, TWALK, &w))
		return;
	h = handle_new(o->handle->data >> GROUP_SHIFT, o->share);
	if (!h || (only && !(h->only = strdup(only)))) {
		op_fail(o, E_NFILE);
		return;
	}
	h->kind = HANDLE_DIRECTORY;
	h->fid = o->fid;
	h->readonly = true;
	o->fid = NO_FID;
	data = h->data;
	process_make_start(CR_SELF, data, CR_TMP1);
	op_reply(o, RC_OK, NULL, 0, NULL, 0, CR_TMP1);
}

static void readonly_begin(struct op *o)
{
	struct wire *w = rpc(o, TWALK);

	o->fid = share_fid(o->share);
	put32(w, o->handle->fid);
	put32(w, o->fid);
	put16(w, 0);
	rpc_send(o, 0, MESSAGE, 0, readonly_cloned);
}

static uint32_t do_make_readonly(void *ctx, struct msg *m, cap_t *directory)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	(void)directory;
	if (rc != RC_OK)
		return rc;
	o = op_new(h, h->share);
	return o ? op_begin(o, m, readonly_begin) : FILES_ERROR + E_NFILE;
}

static uint32_t do_close(void *ctx, struct msg *m)
{
	struct handle *h = ctx;

	(void)m;
	ahead_drop(h);
	h->closed = true;
	h->users++;
	handle_leave(h);
	return RC_OK;
}

/* ---- reading and writing --------------------------------------------------------------------------- */

/* The place of an operation that reads ahead; NULL: it does not, or nobody wants it any more. */
static struct ahead *ahead_of(const struct op *o)
{
	for (struct ahead *a = o->handle->ahead; a < o->handle->ahead + AHEADS; a++)
		if (a->op == o)
			return a;
	return NULL;
}

/* Lets go of data read ahead, now or when they come. */
static void ahead_drop(struct handle *h)
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
		if (ops[i].used && ops[i].lane && ops[i].lane->share == s && (ops[i].awaited || !ops[i].handle || !ahead_of(&ops[i])))
			return true;
	return false;
}

static uint32_t do_read(void *ctx, struct msg *m, uint64_t offset, uint64_t limit, const void **data, size_t *length)
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

static uint32_t do_write(void *ctx, struct msg *m, uint64_t offset, const void *data, size_t length, uint64_t *written)
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

static uint32_t do_set_file(void *ctx, struct msg *m, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime,
			    uint64_t mtime)
{
	struct handle *h = ctx;
	uint32_t rc = handle_ready(h);
	struct op *o;

	if (rc != RC_OK)
		return rc;
	if (h->readonly)
		return FILES_ERROR + E_ROFS;
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

static uint32_t do_sync(void *ctx, struct msg *m, uint64_t data_only)
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

/* ---- attaching ------------------------------------------------------------------------------------ */

static void attach_reply(struct op *o)
{
	unsigned group = (unsigned)o->w[1];
	struct handle *h;

	o->share->root_number = o->attr.number;
	o->share->ready = true;
	if (group == GROUPS) {                 /* share_reattach */
		op_end(o);
		return;
	}
	h = handle_new(group, o->share);

	if (!h || (o->text_length && !(h->only = strdup(o->text)))) {
		op_result(o, RC_LIMIT);
		return;
	}
	h->kind = HANDLE_DIRECTORY;
	h->root = true;
	h->number = o->attr.number;
	h->fid = o->share->root;
	h->readonly = o->w[2] & 1;
	process_make_start(CR_SELF, h->data, CR_TMP1);
	op_reply(o, RC_OK, NULL, 0, &o->attr, sizeof o->attr, CR_TMP1);
}

static void attach_describe(struct op *o)
{
	walk_attr(o, o->share->root, attach_reply);
}

static void attach_attached(struct op *o)
{
	struct wire w;

	if (rpc_reply(o, TATTACH, &w))
		attach_describe(o);
}

static void attach_versioned(struct op *o)
{
	struct wire w, *t;
	uint32_t size;

	if (!rpc_reply(o, TVERSION, &w))
		return;
	size = get32(&w);
	if (w.bad || size < LANE_DATA + WIRE_WRITE_HEADER + 1) {
		op_result(o, RC_VOID);
		return;
	}
	o->share->reads_ahead = size >= LANE_AHEAD + WIRE_WRITE_HEADER + 1 && lane_count > 3;
	o->share->root = share_fid(o->share);
	t = rpc(o, TATTACH);
	put32(t, o->share->root);
	put32(t, NO_FID);
	put_string(t, "keros", 5);
	put_string(t, "", 0);
	put32(t, 0);
	rpc_send(o, 0, MESSAGE, 0, attach_attached);
}

static void attach_begin(struct op *o)
{
	struct wire *w;

	if (o->share->ready) {
		attach_describe(o);
		return;
	}
	w = rpc(o, TVERSION);
	put32(w, LANE_AHEAD + 4096);
	put_string(w, "9P2000.L", 8);
	rpc_send(o, 0, MESSAGE, 0, attach_versioned);
}

void share_reattach(struct share *s)
{
	struct op *o = op_new(NULL, s);

	if (!o)
		return;
	o->w[1] = GROUPS;
	o->start = attach_begin;
	if ((o->lane = lane_take()))
		attach_begin(o);
	else
		op_end(o);
}

static bool name_possible(const char *name, size_t length)
{
	struct part part;

	return length == 0 || path_split(name, length, &part, 1) == 1;
}

static uint32_t do_attach(void *ctx, struct msg *m, uint64_t number, uint64_t group, uint64_t flags, const void *name,
			  size_t length, cap_t *directory, const void **attributes, size_t *attributes_length)
{
	struct share *s;
	struct op *o;

	(void)ctx, (void)attributes, (void)attributes_length, (void)directory;
	if (group >= GROUPS || !name_possible(name, length))
		return RC_REQUEST;
	if (!lane_count && !transport_start())
		return RC_LIMIT;
	if (!(s = share_by_number((unsigned)number)) || s->revoked)
		return RC_VOID;
	if (!(o = op_new(NULL, s)))
		return RC_LIMIT;
	if (!(o->text = malloc(length + 1))) {
		op_end(o);
		return RC_LIMIT;
	}
	memcpy(o->text, name, length);
	o->text[length] = 0;
	o->text_length = length;
	o->w[0] = number;
	o->w[1] = group;
	o->w[2] = flags;
	return op_begin(o, m, attach_begin);
}

static uint32_t do_reset(void *ctx, struct msg *m, uint64_t group)
{
	(void)ctx;
	if (group >= GROUPS)
		return RC_REQUEST;
	for (unsigned i = 0; groups[group].handle && i < GROUP_HANDLES; i++)
		if (groups[group].handle[i] && !groups[group].handle[i]->closed)
			do_close(groups[group].handle[i], m);
	return RC_OK;
}

static uint32_t do_revoke(void *ctx, struct msg *m, uint64_t number, uint64_t *dead)
{
	struct share *s = share_by_number((unsigned)number);

	(void)ctx;
	*dead = 0;
	if (!s)
		return RC_VOID;
	s->revoked = true;
	for (unsigned group = 0; group < GROUPS; group++)
		for (unsigned i = 0; groups[group].handle && i < GROUP_HANDLES; i++) {
			struct handle *h = groups[group].handle[i];

			if (!h || h->closed || h->share != s)
				continue;
			do_close(h, m);
			++*dead;
		}
	return RC_OK;
}

/* ---- the loop ------------------------------------------------------------------------------------- */

static const struct directory_server directory_server = {
	.walk = do_walk, .lookup = do_lookup, .open = do_open, .list = do_list, .make_directory = do_make_directory,
	.make_link = do_make_link, .make_name = do_make_name, .rename = do_rename, .remove = do_remove, .set = do_set,
	.space = do_space, .attributes = do_attributes, .make_readonly = do_make_readonly, .close = do_close,
};
static const struct file_server file_server = {
	.read = do_read, .write = do_write, .attributes = do_attributes, .set = do_set_file, .sync = do_sync,
	.close = do_close,
};
static const struct share_server share_server = { .attach = do_attach, .revoke = do_revoke, .reset = do_reset };

static bool serve(struct msg *m)
{
	unsigned data = m->got & INV_GOT_DATA;
	struct handle *h;

	if (data == DATA_SHARE)
		return share_serve(&share_server, NULL, m);
	h = handle_of(data);
	if (!h || h->closed) {
		*m = (struct msg){ .order = RC_VOID };
		return true;
	}
	if (h->kind == HANDLE_FILE)
		return file_serve(&file_server, h, m);
	return directory_serve(&directory_server, h, m);
}

static void expect_message(struct msg *m)
{
	if (!reserve)
		reserve = lane_take();
	m->recv[0] = CR_ARG0;
	m->recv[1] = CR_ARG1;
	m->recv[2] = CR_ARG2;
	m->recv[3] = CR_RETURN;
	m->recv_string = reserve ? reserve->d : spare;
	m->recv_limit = INV_STRING_MAX;
}

static bool set_up(void)
{
	for (unsigned i = 0; i < OP_NODES; i++)
		if (bank_alloc_node(CR_BANK, (cap_t)(CR_RESUMES + i)) != RC_OK)
			return false;
	return process_make_notice(CR_SELF, NOTICE_DEVICE, CR_DEVICE_NOTICE) == RC_OK &&
	       process_get_slot(CR_SELF, PSLOT_SPACE, CR_ROOT) == RC_OK;
}

int main(void)
{
	struct msg m = { 0 };
	bool reply = false;

	if (!set_up()) {
		fprintf(stderr, "p9: no storage to start with\n");
		return 1;
	}
	for (;;) {
		expect_message(&m);
		inv_return(reply ? CR_RETURN : CR_VOID, &m);
		if (m.got & INV_GOT_NOTICE) {
			/* The reserve is no operation's: one that waits may have it. */
			transport_service(true);
			while (transport_rearm())
				transport_service(false);
			m = (struct msg){ 0 };
			reply = false;
			continue;
		}
		reply = (m.got & INV_GOT_RESUME) != 0;
		reply &= serve(&m);
		do
			transport_service(false);
		while (transport_rearm());
		if (!reply)
			m = (struct msg){ 0 };
	}
}
