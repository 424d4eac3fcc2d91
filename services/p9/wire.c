/*
 * wire.c - see wire.h.
 */
#include "wire.h"
#include <string.h>
#include <keros/files.h>

/* ---- packing ----------------------------------------------------------------------------------- */

void put_bytes(struct wire *w, const void *bytes, size_t n)
{
	if (w->bad || n > (size_t)(w->end - w->at)) {
		w->bad = true;
		return;
	}
	memcpy(w->at, bytes, n);
	w->at += n;
}

void put8(struct wire *w, uint8_t v)
{
	put_bytes(w, &v, 1);
}

void put16(struct wire *w, uint16_t v)
{
	put_bytes(w, &v, 2);               /* both ends are little-endian */
}

void put32(struct wire *w, uint32_t v)
{
	put_bytes(w, &v, 4);
}

void put64(struct wire *w, uint64_t v)
{
	put_bytes(w, &v, 8);
}

void put_string(struct wire *w, const char *text, size_t n)
{
	if (n > 0xFFFF)
		w->bad = true;
	put16(w, (uint16_t)n);
	put_bytes(w, text, n);
}

void wire_begin(struct wire *w, void *buffer, size_t room, enum wire_type type, uint16_t tag)
{
	*w = (struct wire){ .at = buffer, .start = buffer, .end = (uint8_t *)buffer + room };
	put32(w, 0);
	put8(w, (uint8_t)type);
	put16(w, tag);
}

size_t wire_end(struct wire *w, size_t extra)
{
	size_t length = (size_t)(w->at - w->start);
	uint32_t size = (uint32_t)(length + extra);

	if (w->bad)
		return 0;
	memcpy(w->start, &size, sizeof size);
	return length;
}

/* ---- unpacking --------------------------------------------------------------------------------- */

static const uint8_t *take(struct wire *w, size_t n)
{
	const uint8_t *at = w->at;

	if (w->bad || n > (size_t)(w->end - w->at)) {
		w->bad = true;
		return NULL;
	}
	w->at += n;
	return at;
}

static uint64_t take_number(struct wire *w, size_t n)
{
	const uint8_t *at = take(w, n);
	uint64_t v = 0;

	if (at)
		memcpy(&v, at, n);
	return v;
}

uint8_t get8(struct wire *w)
{
	return (uint8_t)take_number(w, 1);
}

uint16_t get16(struct wire *w)
{
	return (uint16_t)take_number(w, 2);
}

uint32_t get32(struct wire *w)
{
	return (uint32_t)take_number(w, 4);
}

uint64_t get64(struct wire *w)
{
	return take_number(w, 8);
}

const char *get_string(struct wire *w, size_t *n)
{
	*n = get16(w);
	return (const char *)take(w, *n);
}

struct qid get_qid(struct wire *w)
{
	struct qid q;

	q.type = get8(w);
	q.version = get32(w);
	q.path = get64(w);
	return q;
}

bool wire_open(struct wire *w, const void *buffer, size_t length, uint8_t *type, uint16_t *tag)
{
	uint32_t size;

	*w = (struct wire){ .at = (uint8_t *)buffer, .start = (uint8_t *)buffer, .end = (uint8_t *)buffer + length };
	size = get32(w);
	*type = get8(w);
	*tag = get16(w);
	if (w->bad || size < WIRE_HEADER)
		return false;
	if (size < length)
		w->end = w->start + size;
	return true;
}

/* ---- listings ---------------------------------------------------------------------------------- */

long wire_entries(uint8_t *entries, size_t bytes)
{
	struct wire w = { .at = entries, .start = entries, .end = entries + bytes };
	uint8_t *to = entries;

	while (w.at < w.end) {
		struct qid q = get_qid(&w);
		uint64_t next = get64(&w);
		uint8_t type = get8(&w);
		size_t n;
		const char *name = get_string(&w, &n);
		struct file_entry e = { q.path, next, type, (uint8_t)n };

		if (w.bad)
			return -1;
		if (n == 0 || n > FILES_NAME_MAX || memchr(name, '/', n) || memchr(name, 0, n))
			continue;
		/* Shorter than what was read, so nothing unread is overwritten. */
		memcpy(to, &e, sizeof e);
		memmove(to + sizeof e, name, n);
		to += sizeof e + n;
	}
	return to - entries;
}

/* ---- paths ------------------------------------------------------------------------------------- */

int path_split(const char *path, size_t length, struct part *parts, unsigned limit)
{
	const char *at = path, *end = path + length;
	unsigned count = 0;

	if (length == 0)
		return 0;
	for (;;) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t n = (size_t)((slash ? slash : end) - at);

		if (n == 0 || n > FILES_NAME_MAX || count == limit || memchr(at, 0, n))
			return -1;
		if (at[0] == '.' && (n == 1 || (n == 2 && at[1] == '.')))
			return -1;
		parts[count++] = (struct part){ at, (uint16_t)n };
		if (!slash)
			return (int)count;
		at = slash + 1;
	}
}
