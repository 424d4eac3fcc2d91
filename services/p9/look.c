/*
 * look.c - what finds something and changes nothing: walks, folders, files that are opened (or made), listings.
 */
#include "p9.h"
#include <string.h>
#include <keros/process.h>

static uint8_t answer[MESSAGE];

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

uint32_t do_walk(void *ctx, struct msg *m, const void *path, size_t length, uint64_t *found, uint64_t *last,
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

uint32_t do_lookup(void *ctx, struct msg *m, const void *path, size_t length, cap_t *directory,
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

	/* Somebody on the host was faster: then it is there to be opened. */
	if (rpc_error(o) == E_EXIST && !(o->w[0] & FILES_EXCLUSIVE) && !o->retried) {
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
	struct wire *w = rpc(o, TLCREATE);

	put32(w, o->fid);
	put_last(w, o, 0);
	put32(w, open_flags(o) | OPEN_FLAG_CREATE | OPEN_FLAG_EXCL);
	put32(w, (uint32_t)o->w[1] & MODE_BITS);
	put32(w, 0);
	rpc_send(o, 0, MESSAGE, 0, open_created);
}

/* The name is not there: a fid of the folder becomes the file. */
static void open_missing(struct op *o)
{
	if (!(o->w[0] & FILES_CREATE) || o->found != E_NOENT)
		op_fail(o, (int)o->found);
	else
		walk_clone(o, o->parent[0], open_create);
}

static void open_last(struct op *o)
{
	walk_last(o, 0, &o->fid, open_found, open_missing);
}

static void open_begin(struct op *o)
{
	walk_parent(o, 0, open_last, no_folder);
}

uint32_t do_open(void *ctx, struct msg *m, uint64_t flags, uint64_t mode, const void *path, size_t length,
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
	struct wire *w = rpc(o, TLOPEN);

	put32(w, o->fid);
	put32(w, OPEN_FLAG_DIRECTORY | OPEN_FLAG_NOFOLLOW | OPEN_FLAG_NONBLOCK);
	rpc_send(o, 0, MESSAGE, 0, list_opened);
}

static void list_begin(struct op *o)
{
	if (o->handle->list_fid != NO_FID)
		list_ask(o);
	else
		walk_clone(o, o->handle->fid, list_cloned);
}

uint32_t do_list(void *ctx, struct msg *m, uint64_t cookie, uint64_t limit, const void **entries, size_t *length)
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
