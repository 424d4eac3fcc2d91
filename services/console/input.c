/*
 * input.c - bytes from the device: to the session they are for, and through its terminal's line discipline.
 */
#include <stdio.h>
#include "console.h"

#define INPUT_RING 131072u                 /* twice the credit: a host that comes after a restart begins with it anew */

static struct link_parser parser;

bool session_has_input(struct session *s)
{
	if (!s->in.size)
		ring_init(&s->in, INPUT_RING);
	if (session_count <= session_number(s))
		session_count = session_number(s) + 1;
	return s->in.size != 0;
}

/* Moves keys into the line discipline as far as none need be dropped. */
void terminal_feed(struct stream *t)
{
	struct session *s = t->session;
	struct ldisc *l = t->discipline;

	for (;;) {
		size_t n, room = ldisc_room(l);
		const uint8_t *keys = ring_front(&s->in, &n);

		if (!n)
			return;
		/* Ctrl-C must work though nobody reads what came before it. */
		if (n > room && !ldisc_has_signal(l, keys, n))
			n = room;
		if (!n)
			return;
		ldisc_input(l, keys, n);
		ring_drop(&s->in, n);
		s->owed += n;
		t->news = true;
		if (t->alarm_ns)
			t->alarm_ns = 1;           /* a byte came: the time between bytes begins anew */
	}
}

static void session_input(struct session *s, const uint8_t *bytes, size_t n)
{
	/* More than the credit allows is the host's error, and is dropped. */
	if (s->ended || !session_has_input(s))
		return;
	ring_put(&s->in, bytes, n);
	if (s->stream[TERMINAL].open)
		terminal_feed(&s->stream[TERMINAL]);
	s->stream[INPUT].news = true;
}

static void session_ended(struct session *s)
{
	s->ended = true;
	s->stream[INPUT].news = s->stream[TERMINAL].news = true;
}

/* ---- the link --------------------------------------------------------------------------------- */

static void link_data(void *ctx, uint8_t channel, const uint8_t *bytes, size_t n)
{
	(void)ctx;
	if (channel / 4u < SESSIONS && channel % 4u == INPUT)
		session_input(&sessions[channel / 4u], bytes, n);
}

static void hang_up(struct stream *s)
{
	s->hung_up = s->news = true;
	ring_clear(&s->out);
	if (s->channel == TERMINAL && s->open)
		s->discipline->events |= EVENT_HUP;
}

static void link_control(void *ctx, uint8_t type, uint8_t channel, const uint8_t *payload, size_t n)
{
	struct session *s;
	struct stream *t;

	(void)ctx, (void)n;
	if (channel / 4u >= SESSIONS)
		return;
	s = &sessions[channel / 4u];
	t = &s->stream[TERMINAL];
	switch (type) {
	case LINK_EOF:
		if (channel % 4u == INPUT)
			session_ended(s);
		break;
	case LINK_WINSIZE:
		s->rows = link_u16(payload);
		s->columns = link_u16(payload + 2);
		if (t->open) {
			ldisc_set_size(t->discipline, s->rows, s->columns);
			t->news = true;
		}
		break;
	case LINK_CREDIT:
		if (channel == LINK_OUTPUT_CHANNEL)
			link_credit(&flight, link_u32(payload));
		break;
	case LINK_HANGUP:
		if (channel % 4u == OUTPUT || channel % 4u == ERRORS)
			hang_up(&s->stream[channel % 4u]);
		if (channel % 4u == OUTPUT)
			hang_up(t);
		break;
	}
}

static const struct link_sink link_sink = { link_data, link_control };

void input_received(const uint8_t *bytes, size_t n)
{
	bool was_broken = parser.broken;

	if (!on_link) {
		session_input(&sessions[0], bytes, n);
		return;
	}
	link_feed(&parser, bytes, n);
	if (parser.broken && !was_broken)
		fprintf(stderr, "console: the host sent a frame that cannot be; no more input\n");
}

void input_begin(void)
{
	link_init(&parser, &link_sink, NULL);
}
