/*
 * change.c - what changes names and attributes, and what weakens or ends a handle.
 */
#include "p9.h"
#include <stdlib.h>
#include <string.h>
#include <keros/process.h>

/* ---- changes of names ----------------------------------------------------------------------------- */

void change_done(struct op *o)
{
	struct wire w;
	uint8_t type = o->lane->t[4];          /* of our own message */

	if (type == TRENAMEAT || type == TUNLINKAT)
		prefixes_flush(o->share);
	if (rpc_reply(o, type, &w))
		op_result(o, RC_OK);
}

static void make_directory_ask(struct op *o)
{
	struct wire *w = rpc(o, TMKDIR);

	put32(w, o->parent[0]);
	put_last(w, o, 0);
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
	*rc = RC_OK;
	if (h->only)
		*rc = FILES_ERROR + E_ACCES;
	else if (o->count[0] == 0 || (second && o->count[1] == 0))
		*rc = FILES_ERROR + E_EXIST;
	if (*rc == RC_OK)
		return o;
	op_end(o);
	return NULL;
}

uint32_t do_make_directory(void *ctx, struct msg *m, uint64_t mode, const void *path, size_t length)
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
	size_t at = o->w[0];           /* where the target begins */

	put32(w, o->parent[0]);
	put_last(w, o, 0);
	put_string(w, o->text + at, o->text_length - at);
	put32(w, 0);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

static void make_link_begin(struct op *o)
{
	walk_parent(o, 0, make_link_ask, no_folder);
}

uint32_t do_make_link(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length)
{
	struct handle *h = ctx;
	uint32_t rc = handle_writable(h);
	struct op *o;

	if (rc != RC_OK)
		return rc;
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
	o->w[0] = at;
	return op_begin(o, m, make_link_begin);
}

static void make_name_ask(struct op *o)
{
	struct wire *w = rpc(o, TLINK);

	put32(w, o->parent[1]);
	put32(w, o->fid);
	put_last(w, o, 1);
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

static void rename_ask(struct op *o)
{
	struct wire *w = rpc(o, TRENAMEAT);

	put32(w, o->parent[0]);
	put_last(w, o, 0);
	put32(w, o->parent[1]);
	put_last(w, o, 1);
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

/* What begins with two paths, the second of which is at `at` of `both`. */
static uint32_t change_pair(struct handle *h, struct msg *m, uint64_t at, const void *both, size_t length,
			    void (*begin)(struct op *))
{
	uint32_t rc = RC_REQUEST;
	struct op *o = at ? op_change(h, both, length, at, &rc) : NULL;

	return o ? op_begin(o, m, begin) : rc;
}

uint32_t do_make_name(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length)
{
	return change_pair(ctx, m, at, both, length, make_name_begin);
}

uint32_t do_rename(void *ctx, struct msg *m, uint64_t at, const void *both, size_t length)
{
	return change_pair(ctx, m, at, both, length, rename_begin);
}

static void remove_ask(struct op *o)
{
	struct wire *w = rpc(o, TUNLINKAT);

	put32(w, o->parent[0]);
	put_last(w, o, 0);
	put32(w, o->w[0] ? UNLINK_DIRECTORY : 0);
	rpc_send(o, 0, MESSAGE, 0, change_done);
}

static void remove_begin(struct op *o)
{
	walk_parent(o, 0, remove_ask, no_folder);
}

uint32_t do_remove(void *ctx, struct msg *m, uint64_t kind, const void *path, size_t length)
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

void set_ask(struct op *o, uint32_t fid)
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
		op_fail(o, E_OPNOTSUPP);
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

void set_words(struct op *o, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime, uint64_t mtime)
{
	const uint64_t words[] = { which, mode, size, atime, mtime };

	memcpy(o->w, words, sizeof words);
}

uint32_t do_set(void *ctx, struct msg *m, uint64_t which, uint64_t mode, uint64_t size, uint64_t atime,
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

uint32_t do_attributes(void *ctx, struct msg *m, const void **attributes, size_t *length)
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

uint32_t do_space(void *ctx, struct msg *m, uint64_t *block, uint64_t *blocks, uint64_t *free_blocks,
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
	char *only = o->handle->only;
	struct handle *h = handle_new(o->handle->data >> GROUP_SHIFT, o->share);

	if (!h || (only && !(h->only = strdup(only)))) {
		op_fail(o, E_NFILE);
		return;
	}
	h->kind = HANDLE_DIRECTORY;
	h->fid = o->fid;
	h->readonly = true;
	o->fid = NO_FID;
	process_make_start(CR_SELF, h->data, CR_TMP1);
	op_reply(o, RC_OK, NULL, 0, NULL, 0, CR_TMP1);
}

static void readonly_begin(struct op *o)
{
	walk_clone(o, o->handle->fid, readonly_cloned);
}

uint32_t do_make_readonly(void *ctx, struct msg *m, cap_t *directory)
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

uint32_t do_close(void *ctx, struct msg *m)
{
	struct handle *h = ctx;

	(void)m;
	ahead_drop(h);
	h->closed = true;
	h->users++;
	handle_leave(h);
	return RC_OK;
}
