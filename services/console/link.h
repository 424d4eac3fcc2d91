/*
 * link.h - frames of the host link (doc/link.md): an incremental parser and an encoder.
 *
 * Invariants
 *   1. No memory is allocated; the payload of DATA is handed on as it comes, in pieces.
 *   2. Whatever the bytes are, the parser stays within its struct.  A header that cannot
 *      be right breaks the link for good, since there is nothing to resynchronise on.
 *
 * Interface
 *   link_feed   takes bytes in pieces of any size and calls the sink.
 *   link_header writes the eight bytes that come before a payload.
 */
#ifndef CONSOLE_LINK_H
#define CONSOLE_LINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <keros/hostlink.h>

struct link_sink {
	void (*data)(void *ctx, uint8_t channel, const uint8_t *bytes, size_t n);
	/* payload is zero-filled up to LINK_CONTROL_MAX bytes, so that short frames read as zero. */
	void (*control)(void *ctx, uint8_t type, uint8_t channel, const uint8_t *payload, size_t n);
};

struct link_parser {
	const struct link_sink *sink;
	void *ctx;
	uint8_t header[LINK_HEADER];
	uint8_t control[LINK_CONTROL_MAX];
	uint32_t have;                 /* header bytes read; LINK_HEADER: in the payload */
	uint32_t length, done;         /* of the payload */
	bool broken;
};

/* A parser at the start of a frame; ctx: the first argument of the sink's functions. */
void link_init(struct link_parser *p, const struct link_sink *sink, void *ctx);
void link_feed(struct link_parser *p, const uint8_t *bytes, size_t n);
/* length: of the payload, in bytes. */
void link_header(uint8_t to[LINK_HEADER], uint8_t type, uint8_t channel, uint32_t length);

/* What is on its way to the host and not taken yet, by device buffer. */
struct link_flight {
	uint32_t size[LINK_OUTPUT_BUFFERS];
	uint32_t first, count, bytes;
	uint32_t taken;                /* of the first, in part */
};

bool link_may_send(const struct link_flight *f, size_t n);     /* a buffer of n bytes: there is room on the way */
void link_sent(struct link_flight *f, size_t n);               /* it is on its way */
void link_credit(struct link_flight *f, uint32_t bytes);       /* the host has taken so many; more than were sent do no harm */

static inline uint32_t link_u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint16_t link_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}
#endif
