/*
 * walk.c - from paths to fids: the folder of the last name, then the last name.
 *
 * The host's fids are paths inside the share, looked at anew by every message.  So a fid that was walked to once (a
 * prefix) means later what its path means later, and walking from it sees the same as walking from the root would;
 * only our own renames move fids along, and forget the prefixes for that.
 */
#include "p9.h"
#include <stdlib.h>
#include <string.h>

#define GETATTR_BASIC 0x7FFu
#define WALK_NAMES    16u              /* of one Twalk */

static uint64_t clock_ticks;

static const struct part *last_part(const struct op *o, unsigned which)
{
	return &o->part[which][o->count[which] - 1];
}

static size_t parent_length(const struct op *o, unsigned which)
{
	return (size_t)(last_part(o, which)->text - o->part[which][0].text) - 1;
}

void put_last(struct wire *w, const struct op *o, unsigned which)
{
	put_string(w, last_part(o, which)->text, last_part(o, which)->length);
}

/* ---- prefixes ------------------------------------------------------------------------------------ */

static void prefix_drop(struct share *s, struct prefix *p)
{
	share_clunk(s, p->fid);
	free(p->text);
	*p = (struct prefix){ 0 };
}

void prefixes_flush(struct share *s)
{
	for (struct prefix *p = s->prefix; p < s->prefix + PREFIXES; p++) {
		if (!p->handle)
			continue;
		if (p->users)
			p->stale = true;
		else
			prefix_drop(s, p);
	}
}

/* The handle goes, and with it what was found from it; nobody uses those, since the handle has no users. */
void prefixes_forget(struct share *s, const struct handle *h)
{
	for (struct prefix *p = s->prefix; p < s->prefix + PREFIXES; p++)
		if (p->handle == h)
			prefix_drop(s, p);
}

void prefix_leave(struct op *o)
{
	for (unsigned i = 0; i < 2; i++) {
		struct prefix *p = o->prefix[i];

		o->prefix[i] = NULL;
		if (p && --p->users == 0 && p->stale)
			prefix_drop(o->share, p);
	}
}

static struct prefix *prefix_find(struct op *o, const char *text, size_t length)
{
	for (struct prefix *p = o->share->prefix; p < o->share->prefix + PREFIXES; p++)
		if (p->handle == o->handle && !p->stale && p->length == length && memcmp(p->text, text, length) == 0)
			return p;
	return NULL;
}

/* A place for one more: a free one, or that which was unused longest; NULL: all are in use. */
static struct prefix *prefix_place(struct share *s)
{
	struct prefix *best = NULL;

	for (struct prefix *p = s->prefix; p < s->prefix + PREFIXES; p++) {
		if (!p->handle)
			return p;
		if (!p->users && (!best || p->used_at < best->used_at))
			best = p;
	}
	if (best)
		prefix_drop(s, best);
	return best;
}

/* ---- the folder ---------------------------------------------------------------------------------- */

static void put_walk(struct op *o, uint32_t from, uint32_t to, const struct part *parts, unsigned count)
{
	struct wire *w = rpc(o, TWALK);

	put32(w, from);
	put32(w, to);
	put16(w, (uint16_t)count);
	for (unsigned i = 0; i < count; i++)
		put_string(w, parts[i].text, parts[i].length);
}

static void (*parent_next[OPS])(struct op *), (*parent_partial[OPS])(struct op *);
static uint32_t parent_fid[OPS];
static unsigned parent_done[OPS];      /* names walked */

static void parent_answered(struct op *o);

static void parent_ask(struct op *o, uint32_t from)
{
	unsigned done = parent_done[o->index], left = o->count[o->which] - 1 - done;

	put_walk(o, from, parent_fid[o->index], o->part[o->which] + done, left < WALK_NAMES ? left : WALK_NAMES);
	rpc_send(o, 0, MESSAGE, 0, parent_answered);
}

/* How many names of the walk exist, and what the last is. */
static bool walked(struct op *o, unsigned *count, struct qid *last)
{
	struct wire w;

	if (!rpc_reply(o, TWALK, &w))
		return false;
	*count = get16(&w);
	for (unsigned i = 0; i < *count && !w.bad; i++)
		*last = get_qid(&w);
	if (w.bad) {
		op_fail(o, E_IO);
		return false;
	}
	return true;
}

/* The way ends after `found` names, the last of which is no folder or (`no_folder` false) is one without the next. */
static void parent_ends(struct op *o, unsigned found, bool has_fid, bool no_folder)
{
	if (has_fid)
		share_clunk(o->share, parent_fid[o->index]);
	o->found = found;
	o->made = no_folder;
	parent_partial[o->index](o);
}

/* Keeps the folder at hand for the next look below it; if there is no place, it is the operation's alone. */
static void parent_keep(struct op *o, unsigned which, uint32_t fid)
{
	struct prefix *p = prefix_place(o->share);

	if (p) {
		p->length = parent_length(o, which);
		p->text = malloc(p->length);
	}
	if (p && p->text) {
		memcpy(p->text, o->part[which][0].text, p->length);
		p->handle = o->handle;
		p->fid = fid;
		p->users = 1;
		p->used_at = ++clock_ticks;
		o->prefix[which] = p;
	} else if (o->fid2 == NO_FID) {
		o->fid2 = fid;
	}
}

static void parent_walked(struct op *o)
{
	unsigned which = o->which, names = o->count[which] - 1, count, asked;
	uint32_t fid = parent_fid[o->index];
	struct qid last = { 0 };

	if (!walked(o, &count, &last))
		return;
	/* Long ways go sixteen names at a time, the fid walking on to where it is itself. */
	asked = names - parent_done[o->index] < WALK_NAMES ? names - parent_done[o->index] : WALK_NAMES;
	if (count < asked) {
		parent_ends(o, parent_done[o->index] + count, parent_done[o->index] > 0,
			    count && !(last.type & QID_DIRECTORY));
		return;
	}
	parent_done[o->index] += asked;
	if (count > asked || !(last.type & QID_DIRECTORY)) {
		parent_ends(o, parent_done[o->index], true, true);
		return;
	}
	if (parent_done[o->index] < names) {
		parent_ask(o, fid);
		return;
	}
	parent_keep(o, which, fid);
	o->parent[which] = fid;
	parent_next[o->index](o);
}

/* The name is not there, or is below what is no folder any more; then, a prefix lied. */
static bool is_missing(uint32_t error)
{
	return error == E_NOENT || error == E_NOTDIR || error == E_LOOP;
}

/* A walk whose first name is missing is answered with an error. */
static void parent_answered(struct op *o)
{
	unsigned done = parent_done[o->index];

	if (is_missing(rpc_error(o)))
		parent_ends(o, done, done > 0, false);
	else
		parent_walked(o);
}

void walk_parent(struct op *o, unsigned which, void (*next)(struct op *), void (*partial)(struct op *))
{
	unsigned names = o->count[which] - 1;
	struct prefix *p;

	o->which = which;
	if (names == 0) {
		o->parent[which] = o->handle->fid;
		next(o);
		return;
	}
	p = prefix_find(o, o->part[which][0].text, parent_length(o, which));
	if (p) {
		p->users++;
		p->used_at = ++clock_ticks;
		o->prefix[which] = p;
		o->parent[which] = p->fid;
		next(o);
		return;
	}
	parent_next[o->index] = next;
	parent_partial[o->index] = partial;
	parent_fid[o->index] = share_fid(o->share);
	parent_done[o->index] = 0;
	parent_ask(o, o->handle->fid);
}

/* ---- the last name ------------------------------------------------------------------------------- */

static void (*last_next[OPS])(struct op *), (*last_missing[OPS])(struct op *);
static uint32_t *last_fid[OPS];

static void last_answered(struct op *o)
{
	struct qid last;
	unsigned count;
	uint32_t error = rpc_error(o);

	if (error)
		*last_fid[o->index] = NO_FID;
	if (is_missing(error) && last_missing[o->index]) {
		o->found = error;
		last_missing[o->index](o);
	} else if (walked(o, &count, &last)) {
		last_next[o->index](o);
	}
}

static void last_ask(struct op *o, uint32_t from, const struct part *name, uint32_t *fid, void (*next)(struct op *),
		     void (*missing)(struct op *))
{
	*fid = share_fid(o->share);
	last_next[o->index] = next;
	last_missing[o->index] = missing;
	last_fid[o->index] = fid;
	put_walk(o, from, *fid, name, name ? 1 : 0);
	rpc_send(o, 0, MESSAGE, 0, last_answered);
}

void walk_last(struct op *o, unsigned which, uint32_t *fid, void (*next)(struct op *), void (*missing)(struct op *))
{
	o->which = which;
	if (o->count[which])
		last_ask(o, o->parent[which], last_part(o, which), fid, next, missing);
	else
		last_ask(o, o->handle->fid, NULL, fid, next, missing);
}

void walk_clone(struct op *o, uint32_t from, void (*next)(struct op *))
{
	last_ask(o, from, NULL, &o->fid, next, NULL);
}

/* ---- attributes ---------------------------------------------------------------------------------- */

static int64_t get_time(struct wire *w)
{
	uint64_t seconds = get64(w);

	return (int64_t)(seconds * 1000000000u + get64(w));
}

static void attr_answered(struct op *o)
{
	struct file_attr *a = &o->attr;
	struct wire w;

	if (!rpc_reply(o, TGETATTR, &w))
		return;
	get64(&w);                             /* what is valid: all of basic is */
	a->number = get_qid(&w).path;
	a->mode = get32(&w);
	a->uid = get32(&w);
	a->gid = get32(&w);
	a->links = (uint32_t)get64(&w);
	a->rdev = get64(&w);
	a->size = get64(&w);
	get64(&w);                             /* block size */
	a->blocks = get64(&w);
	a->atime_ns = get_time(&w);
	a->mtime_ns = get_time(&w);
	a->ctime_ns = get_time(&w);
	if (w.bad)
		op_fail(o, E_IO);
	else
		last_next[o->index](o);
}

void walk_attr(struct op *o, uint32_t fid, void (*next)(struct op *))
{
	struct wire *w = rpc(o, TGETATTR);

	last_next[o->index] = next;
	put32(w, fid);
	put64(w, GETATTR_BASIC);
	rpc_send(o, 0, MESSAGE, 0, attr_answered);
}
