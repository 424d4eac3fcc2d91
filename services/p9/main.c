/*
 * main.c - the driver's loop: who attaches shares, and which handle a request is for.  See p9.h.
 */
#include "p9.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/process.h>
#include <keros/share.h>

static uint8_t spare[INV_STRING_MAX];                  /* strings come here when no lane is free */

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
	for (unsigned i = 0; i < GROUP_HANDLES; i++) {
		struct handle *h = handle_of((unsigned)group << GROUP_SHIFT | i);

		if (h && !h->closed)
			do_close(h, m);
	}
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
		for (unsigned i = 0; i < GROUP_HANDLES; i++) {
			struct handle *h = handle_of(group << GROUP_SHIFT | i);

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
	/* What nobody awaits is not done, so that nobody fills us with it; the end of a handle needs no answer. */
	if (h && !h->closed && !(m->got & INV_GOT_RESUME)) {
		if (m->order == (h->kind == HANDLE_FILE ? FILE_OC_CLOSE : DIRECTORY_OC_CLOSE))
			do_close(h, m);
		return false;
	}
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
