/*
 * link.c - see link.h.
 */
#include "link.h"
#include <string.h>

void link_init(struct link_parser *p, const struct link_sink *sink, void *ctx)
{
	memset(p, 0, sizeof *p);
	p->sink = sink;
	p->ctx = ctx;
}

void link_header(uint8_t to[LINK_HEADER], uint8_t type, uint8_t channel, uint32_t length)
{
	to[0] = type;
	to[1] = channel;
	to[2] = to[3] = 0;
	to[4] = (uint8_t)length;
	to[5] = (uint8_t)(length >> 8);
	to[6] = (uint8_t)(length >> 16);
	to[7] = (uint8_t)(length >> 24);
}

/* A complete header: what it announces must be possible. */
static void header_done(struct link_parser *p)
{
	p->length = link_u32(p->header + 4);
	p->done = 0;
	memset(p->control, 0, sizeof p->control);
	if (p->header[2] || p->header[3] || p->header[0] == 0 || p->length > LINK_PAYLOAD_MAX)
		p->broken = true;
	else if (p->header[0] != LINK_DATA && p->length > LINK_CONTROL_MAX)
		p->broken = true;
}

static void frame_done(struct link_parser *p)
{
	if (p->header[0] != LINK_DATA)
		p->sink->control(p->ctx, p->header[0], p->header[1], p->control, p->length);
	p->have = 0;
}

void link_feed(struct link_parser *p, const uint8_t *bytes, size_t n)
{
	while (!p->broken) {
		size_t run;

		if (p->have < LINK_HEADER) {
			if (!n)
				return;
			p->header[p->have++] = *bytes++;
			n--;
			if (p->have < LINK_HEADER)
				continue;
			header_done(p);
			if (p->broken)
				return;
		}
		if (p->done == p->length) {
			frame_done(p);
			continue;
		}
		if (!n)
			return;
		run = p->length - p->done < n ? p->length - p->done : n;
		if (p->header[0] == LINK_DATA)
			p->sink->data(p->ctx, p->header[1], bytes, run);
		else
			memcpy(p->control + p->done, bytes, run);
		p->done += run;
		bytes += run;
		n -= run;
	}
}

bool link_may_send(const struct link_flight *f, size_t n)
{
	return f->count < LINK_OUTPUT_BUFFERS && f->bytes + n <= LINK_OUTPUT_WINDOW;
}

void link_sent(struct link_flight *f, size_t n)
{
	f->size[(f->first + f->count++) % LINK_OUTPUT_BUFFERS] = (uint32_t)n;
	f->bytes += (uint32_t)n;
}

/* More credit than is out counts as all of it. */
void link_credit(struct link_flight *f, uint32_t bytes)
{
	if (bytes > f->bytes - f->taken)
		bytes = f->bytes - f->taken;
	f->taken += bytes;
	while (f->count && f->taken >= f->size[f->first]) {
		f->taken -= f->size[f->first];
		f->bytes -= f->size[f->first];
		f->first = (f->first + 1) % LINK_OUTPUT_BUFFERS;
		f->count--;
	}
}
