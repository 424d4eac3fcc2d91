/*
 * fetch.c - brings the newest version of an object into memory: from the log if a version is there, else from home.
 *
 * The frame that is being read may become free under the read, when a commit leaves the object to its home; then
 * the checksum is wrong, and the object is looked for again.  Wrong FETCH_TRIES times, it is the disk that is bad.
 */
#include "store/inner.h"

#define FETCH_TRIES 3

int store_fetch(struct store *s, uint64_t oid, void *data, uint64_t cookie)
{
	if (oid >= s->super.homes)
		return STORE_FULL;
	if (s->phase == STORE_FAILED)
		return s->status.failure;
	if (!store_ready(s))
		return STORE_WAIT;
	for (unsigned i = 0; i < FETCHES; i++) {
		struct store_fetch *f = &s->fetch[i];

		if (f->state != FETCH_FREE)
			continue;
		*f = (struct store_fetch){ .state = FETCH_LOOK, .oid = oid, .cookie = cookie, .data = data };
		return STORE_OK;
	}
	return STORE_WAIT;
}

static void fetch_end(struct store *s, struct store_fetch *f, int result)
{
	struct store_object object = f->object;
	uint64_t cookie = f->cookie;

	object.oid = f->oid;           /* also of one that was not found out about */
	object.data = f->data;
	f->state = FETCH_FREE;
	s->cache.fetched(s->cache.context, cookie, &object, result);
}

static void fetch_bad(struct store *s, struct store_fetch *f, int condition)
{
	s->status.condition = condition;
	fetch_end(s, f, STORE_BAD);
}

static void fetch_null(struct store *s, struct store_fetch *f)
{
	__builtin_memset(f->data, 0, DISK_FRAME);
	fetch_end(s, f, STORE_OK);
}

static void fetch_read(struct store *s, struct store_io *io, bool ok)
{
	struct store_fetch *f = &s->fetch[io->arg];

	if (!ok)
		fetch_end(s, f, STORE_IO);
	else if (f->zero ? frame_is_zero(f->data) : checksum_frame(f->data, f->oid) == f->checksum)
		fetch_end(s, f, STORE_OK);
	else if (++f->tries < FETCH_TRIES)
		f->state = FETCH_LOOK;
	else
		fetch_bad(s, f, f->broken);
}

static void fetch_start_read(struct store *s, struct store_fetch *f, uint64_t frame, uint64_t checksum, int broken)
{
	f->checksum = checksum;
	f->broken = broken;
	f->state = FETCH_READING;
	io_start(s, DISK_READ, frame, f->data, fetch_read, f - s->fetch);
}

static bool fetch_home(struct store *s, struct store_fetch *f)
{
	bool failed;
	struct disk_tag *tag = tag_get(s, f->oid, &failed);
	int broken;

	if (failed) {
		fetch_end(s, f, STORE_IO);
		return true;
	}
	if (!tag)
		return false;
	broken = tag_judge(tag, f->oid, s->header.generation);
	if (broken) {
		fetch_bad(s, f, broken);
		return true;
	}
	f->object = (struct store_object){ .oid = f->oid, .alloc_count = tag->alloc_count, .call_count = tag->call_count,
					   .kind = tag->kind, .epoch = tag->epoch };
	f->zero = !tag->kind;
	if (f->zero)                   /* a tag that was lost reads as one never written: its home tells */
		fetch_start_read(s, f, home_frame(&s->super, f->oid), 0, C321_TAG);
	else if (tag->null)
		fetch_null(s, f);
	else
		fetch_start_read(s, f, home_frame(&s->super, f->oid), tag->checksum, C322_HOME);
	return true;
}

static bool fetch_look(struct store *s, struct store_fetch *f)
{
	struct store_version *v = version_newest(s, f->oid, ~0u);

	f->zero = false;
	if (!v)
		return fetch_home(s, f);
	if (v->flags & V_WRITING)
		return false;          /* from a copy: its object left memory at once */
	f->object = (struct store_object){ .oid = f->oid, .alloc_count = v->alloc_count, .call_count = v->call_count,
					   .kind = v->kind, .epoch = v->epoch };
	if (v->lid)
		fetch_start_read(s, f, v->lid, v->checksum, C320_VERSION);
	else
		fetch_null(s, f);
	return true;
}

bool fetch_step(struct store *s)
{
	bool did = false;

	for (unsigned i = 0; i < FETCHES && io_room(s) > IO_LAST; i++)
		if (s->fetch[i].state == FETCH_LOOK)
			did |= fetch_look(s, &s->fetch[i]);
	return did;
}
