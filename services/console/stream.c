/*
 * stream.c - the operations of a stream, and VTIME.
 *
 * A read that finds too little answers RC_AGAIN; a notice follows when bytes, or the end of the time, came.
 */
#include <keros/discrim.h>
#include <keros/node.h>
#include <keros/stream.h>
#include <keros/timer.h>
#include "console.h"
#include "ports.h"

#define POLL_ROOM     4096u                /* so much room is called writable */
#define ALARM_UNIT_NS 100000000ull         /* VTIME counts tenths of a second */

enum { READY_READ = 1, READY_WRITE = 2, READY_HUNG_UP = 4 };

static uint8_t reply_bytes[INV_STRING_MAX];

/* ---- VTIME ------------------------------------------------------------------------------------- */

static uint64_t clock_now(void)
{
	uint64_t now = 0;

	timer_now(CR_TIMER, &now);
	return now;
}

/* Sets the alarm of the process to the earliest of the terminals' times; expires what is due. */
void alarm_update(void)
{
	static uint64_t set_ns;
	uint64_t next = 0, now = 0;

	for (struct session *s = sessions; s < sessions + session_count; s++) {
		struct stream *t = &s->stream[TERMINAL];

		if (!t->alarm_ns)
			continue;
		if (!now)
			now = clock_now();
		if (t->alarm_ns == 1)
			t->alarm_ns = now + t->discipline->t.cc[VTIME_INDEX] * ALARM_UNIT_NS;
		if (t->alarm_ns <= now) {
			t->alarm_ns = 0;
			t->expired = t->news = true;
		} else if (!next || t->alarm_ns < next)
			next = t->alarm_ns;
	}
	if (next != set_ns)
		timer_notify_at(CR_TIMER, next, CR_ALARM_NOTICE);
	set_ns = next;
}

/* A read found too little: does time run?  With VMIN it runs from the first byte on. */
static void alarm_start(struct stream *t)
{
	const struct ldisc_termios *a = &t->discipline->t;

	if (ldisc_is_canonical(t->discipline) || !a->cc[VTIME_INDEX] || t->alarm_ns)
		return;
	if (!a->cc[VMIN_INDEX] || ldisc_available(t->discipline))
		t->alarm_ns = 1;
}

/* ---- operations ------------------------------------------------------------------------------- */

static bool input_over(const struct session *s)
{
	return s->ended && !ring_used(&s->in);
}

static uint32_t terminal_read(struct stream *s, size_t limit, size_t *got)
{
	bool expired = s->expired;

	terminal_feed(s);
	s->expired = false;
	if (ldisc_read(s->discipline, reply_bytes, limit, expired, got) == LDISC_DATA) {
		s->alarm_ns = 0;
		terminal_feed(s);
		return RC_OK;
	}
	if (s->hung_up || input_over(s->session))
		return RC_OK;                  /* the end of the input */
	alarm_start(s);
	return RC_AGAIN;
}

static uint32_t do_read(void *ctx, struct msg *m, uint64_t limit, const void **data, size_t *length)
{
	struct stream *s = ctx;

	(void)m;
	if (limit > sizeof reply_bytes)
		limit = sizeof reply_bytes;
	*data = reply_bytes;
	*length = 0;
	if (s->channel == TERMINAL)
		return terminal_read(s, limit, length);
	if (s->channel != INPUT)
		return RC_NOACCESS;
	*length = ring_get(&s->session->in, reply_bytes, limit);
	s->session->owed += *length;
	return *length || limit == 0 || s->session->ended ? RC_OK : RC_AGAIN;
}

static uint32_t do_write(void *ctx, struct msg *m, const void *data, size_t length, uint64_t *accepted)
{
	struct stream *s = ctx;

	(void)m;
	if (s->channel == INPUT)
		return RC_NOACCESS;
	if (s->hung_up)
		return RC_VOID;
	*accepted = s->discipline ? ldisc_output(s->discipline, data, length) : ring_put(&s->out, data, length);
	if (*accepted < length)
		s->want_room = true;
	return *accepted || !length ? RC_OK : RC_AGAIN;
}

cap_t watcher_node(const struct stream *s)
{
	return (cap_t)(CR_WATCHERS + stream_number(s) / NODE_SLOTS);
}

static uint32_t do_watch(void *ctx, struct msg *m, cap_t notice)
{
	struct stream *s = ctx;
	uint64_t no = 1;

	(void)m;
	if (discrim_is_notice(CR_DISCRIM, notice, &no) != RC_OK || no)
		return RC_REQUEST;
	node_swap(watcher_node(s), stream_number(s) % NODE_SLOTS, notice, CR_VOID);
	s->watched = true;
	return RC_OK;
}

static bool stream_readable(struct stream *s)
{
	if (s->channel == INPUT)
		return ring_used(&s->session->in) || s->session->ended;
	if (s->channel != TERMINAL)
		return false;
	terminal_feed(s);
	return ldisc_readable(s->discipline) || s->hung_up || input_over(s->session);
}

static uint32_t do_poll(void *ctx, struct msg *m, uint64_t *ready, uint64_t *events)
{
	struct stream *s = ctx;
	uint32_t kept = s->channel == TERMINAL ? LDISC_ECHO_ROOM : 0;

	(void)m;
	*ready = stream_readable(s) ? READY_READ : 0;
	if (s->channel != INPUT && (s->hung_up || ring_room(&s->out) >= kept + POLL_ROOM))
		*ready |= READY_WRITE;
	else if (s->channel != INPUT)
		s->want_room = true;
	if (s->hung_up)
		*ready |= READY_HUNG_UP;
	*events = s->discipline ? s->discipline->events : 0;
	if (s->discipline)
		s->discipline->events = 0;
	return RC_OK;
}

static uint32_t do_get_attr(void *ctx, struct msg *m, uint64_t *is_tty, uint64_t *rows, uint64_t *columns)
{
	struct stream *s = ctx;

	(void)m;
	*is_tty = s->channel == TERMINAL;
	if (*is_tty) {
		*rows = s->discipline->rows;
		*columns = s->discipline->columns;
	}
	return RC_OK;
}

static uint32_t do_get_termios(void *ctx, struct msg *m, const void **termios, size_t *length)
{
	struct stream *s = ctx;

	(void)m;
	if (!s->discipline)
		return RC_UNKNOWN;
	*termios = &s->discipline->t;
	*length = sizeof s->discipline->t;
	return RC_OK;
}

static uint32_t do_flush(void *ctx, struct msg *m, uint64_t queue)
{
	struct stream *s = ctx;

	(void)m;
	if (queue > 2)
		return RC_REQUEST;
	if (queue != 1 && (s->channel == INPUT || s->channel == TERMINAL)) {
		s->session->owed += ring_used(&s->session->in);
		ring_clear(&s->session->in);
		if (s->discipline)
			ldisc_flush_input(s->discipline);
	}
	if (queue != 0)
		ring_clear(&s->out);
	return RC_OK;
}

/*
 * Action 1 (drain) needs no waiting here: what was written before has been through output
 * processing already, so new settings cannot change it.
 */
static uint32_t do_set_termios(void *ctx, struct msg *m, uint64_t action, const void *termios, size_t length)
{
	struct stream *s = ctx;

	if (!s->discipline)
		return RC_UNKNOWN;
	if (action > 2 || length < LDISC_TERMIOS_SHORT)
		return RC_REQUEST;
	if (action == 2)
		do_flush(s, m, 0);
	ldisc_set(s->discipline, termios, length);
	s->alarm_ns = 0;
	s->expired = false;
	s->news = true;                        /* what can be read may have changed */
	return RC_OK;
}

static uint32_t do_set_winsize(void *ctx, struct msg *m, uint64_t rows, uint64_t columns)
{
	struct stream *s = ctx;

	(void)m;
	if (!s->discipline)
		return RC_UNKNOWN;
	if (rows > 0xFFFF || columns > 0xFFFF)
		return RC_REQUEST;
	ldisc_set_size(s->discipline, (uint16_t)rows, (uint16_t)columns);
	s->news |= s->discipline->events != 0;
	return RC_OK;
}

static uint32_t do_drained(void *ctx, struct msg *m, uint64_t *pending)
{
	struct stream *s = ctx;

	(void)m;
	*pending = ring_used(&s->out);
	s->want_drain = *pending != 0;
	return RC_OK;
}

static uint32_t do_available(void *ctx, struct msg *m, uint64_t *bytes)
{
	struct stream *s = ctx;

	(void)m;
	if (s->channel == TERMINAL) {
		terminal_feed(s);
		*bytes = ldisc_available(s->discipline);
	} else if (s->channel == INPUT)
		*bytes = ring_used(&s->session->in);
	return RC_OK;
}

const struct stream_server stream_server = {
	.read = do_read, .write = do_write, .watch = do_watch, .poll = do_poll,
	.get_attr = do_get_attr, .get_termios = do_get_termios, .set_termios = do_set_termios,
	.set_winsize = do_set_winsize, .flush = do_flush, .drained = do_drained,
	.available = do_available,
};
