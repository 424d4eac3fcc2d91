/*
 * console.c - the console service: sessions of byte streams and terminals over one device.
 *
 * The device is the host link if the machine has a virtio serial port, else the first
 * serial line, which is session 0 and carries no frames.
 *
 * Invariants
 *   1. No client is ever called, and no reply waits for anybody: a capability is kept as a
 *      watcher only if discrim says that it is a notice, and what is answered later is a
 *      resume capability.  So the only processes we wait for are the kernel and our bank.
 *   2. Bytes wait in rings: session.in until a client reads them, stream.out until the
 *      device takes them.  A full ring is RC_AGAIN (out) or withheld credit (in).
 *   3. Whoever was told "not ready" gets a notice when that changes.
 *   4. EXIT goes out after all output of its session; finish is answered when the device is
 *      done with the EXIT frame (or, on the serial line, with the output).
 *
 * Capabilities to us carry data = session*8 + 1 + channel for a stream; data whose low three
 * bits are 0 is the console interface itself.
 */
#include <keros/bank.h>
#include <keros/console.h>
#include <keros/discrim.h>
#include <keros/inv.h>
#include <keros/node.h>
#include <keros/notice.h>
#include <keros/process.h>
#include <keros/stream.h>
#include <keros/timer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ldisc.h"
#include "link.h"
#include "ports.h"
#include "uart.h"
#include "virtio_serial.h"

#define SESSIONS       16u
#define INPUT_RING     131072u            /* twice the credit: a host that comes after a restart begins with it anew */
#define HISTORY        2048u              /* of terminal output, shown again after a restart; a power of two */
#define OUTPUT_RING    131072u
#define OUTPUT_LOW     (OUTPUT_RING / 2)  /* so much room ends a writer's waiting */
#define POLL_ROOM      4096u              /* so much room is called writable */
#define CREDIT_STEP    16384u             /* credit is given back in portions */
#define ALARM_UNIT_NS  100000000ull       /* VTIME counts tenths of a second */

enum { NOTICE_DEVICE = 1, NOTICE_ALARM = 2 };
enum channel { INPUT, OUTPUT, ERRORS, TERMINAL, RECORD, CHANNELS };
enum { READY_READ = 1, READY_WRITE = 2, READY_HUNG_UP = 4 };
enum finish { FINISH_NONE, FINISH_WAITING, FINISH_SENT, FINISH_DONE };

struct stream {
	struct session *session;
	enum channel channel;
	bool open, watched, hung_up;
	bool want_room, want_drain;        /* a client was told to wait for it */
	bool news;                         /* its watcher is to be posted */
	struct ring out;                   /* OUTPUT, ERRORS, TERMINAL */
	struct ldisc *discipline;          /* TERMINAL */

	/* VTIME: when the time runs out (0: it does not run), and that it has. */
	uint64_t alarm_ns;
	bool expired;
};

struct session {
	struct stream stream[CHANNELS];
	struct ring in;                    /* from the host, not yet read; made at first use */
	bool ended;                        /* the host sends no more input */
	uint32_t owed;                     /* bytes read since credit was last given */
	enum finish finish;
	bool reply_awaited;
	uint32_t status;
	uint16_t rows, columns;            /* the host's last word on the window; 0: none */
	uint64_t exit_number;              /* the device buffer that holds EXIT */
	uint8_t history[HISTORY];          /* the last of the terminal's output: byte i is at i % HISTORY */
	uint32_t history_end;
	bool replay;                       /* it is to be shown once more */
};

static struct session sessions[SESSIONS];
static unsigned session_count;             /* sessions from here on were never used */
static struct link_parser parser;
static struct link_flight flight;
static bool on_link, hello_sent;
static uint8_t request_bytes[INV_STRING_MAX], reply_bytes[INV_STRING_MAX];

static unsigned session_number(const struct session *s)
{
	return (unsigned)(s - sessions);
}

static unsigned stream_number(const struct stream *s)
{
	return session_number(s->session) * CHANNELS + s->channel;
}

/* ---- watchers --------------------------------------------------------------------------------- */

static cap_t watcher_node(const struct stream *s)
{
	return (cap_t)(CR_WATCHERS + stream_number(s) / NODE_SLOTS);
}

static void watcher_post(struct stream *s)
{
	s->news = false;
	if (s->watched && node_fetch(watcher_node(s), stream_number(s) % NODE_SLOTS, CR_TMP0) == RC_OK)
		notice_post(CR_TMP0);
}

/* ---- input ------------------------------------------------------------------------------------ */

static bool session_has_input(struct session *s)
{
	if (!s->in.size)
		ring_init(&s->in, INPUT_RING);
	if (session_count <= session_number(s))
		session_count = session_number(s) + 1;
	return s->in.size != 0;
}

/* Moves keys into the line discipline as far as none need be dropped. */
static void terminal_feed(struct stream *t)
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

static void received(const uint8_t *bytes, size_t n)
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

/* ---- output ----------------------------------------------------------------------------------- */

/* Appends a frame to a device buffer if it fits whole; returns the bytes it took. */
static size_t put_frame(uint8_t *to, size_t room, uint8_t type, unsigned channel, const void *payload, size_t n)
{
	if (room < LINK_HEADER + n)
		return 0;
	link_header(to, type, (uint8_t)channel, (uint32_t)n);
	memcpy(to + LINK_HEADER, payload, n);
	return LINK_HEADER + n;
}

static size_t put_number(uint8_t *to, size_t room, uint8_t type, unsigned channel, uint32_t value)
{
	uint8_t payload[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24) };

	return put_frame(to, room, type, channel, payload, sizeof payload);
}

/* A terminal's output is the session's channel 1 on the wire, and the record is 3. */
static unsigned wire_channel(const struct stream *s)
{
	static const uint8_t wire[CHANNELS] = { 0, 1, 2, 1, 3 };

	return LINK_CHANNEL(session_number(s->session), wire[s->channel]);
}

/* Output that may go out now: a terminal can be stopped, but not for ever. */
static bool stream_can_send(const struct stream *s)
{
	if (!ring_used(&s->out))
		return false;
	return !s->discipline || !s->discipline->stopped || s->session->finish != FINISH_NONE;
}

static bool session_has_output(const struct session *s)
{
	for (unsigned i = 0; i < CHANNELS; i++)
		if (ring_used(&s->stream[i].out))
			return true;
	return false;
}

static void history_add(struct session *s, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->history[s->history_end++ % HISTORY] = bytes[i];
}

static size_t put_data(struct stream *s, uint8_t *to, size_t room)
{
	size_t n = ring_used(&s->out);

	if (!stream_can_send(s) || room <= LINK_HEADER)
		return 0;
	if (n > room - LINK_HEADER)
		n = room - LINK_HEADER;
	link_header(to, LINK_DATA, (uint8_t)wire_channel(s), (uint32_t)n);
	ring_get(&s->out, to + LINK_HEADER, n);
	if (s->channel == TERMINAL)
		history_add(s->session, to + LINK_HEADER, n);
	return LINK_HEADER + n;
}

/* What the terminal showed last, from the beginning of a line if one begins there. */
static size_t put_history(struct session *s, uint8_t *to, size_t room)
{
	uint32_t n = s->history_end < HISTORY ? s->history_end : HISTORY, from = s->history_end - n;
	size_t at = LINK_HEADER;

	if (room < LINK_HEADER + HISTORY)
		return 0;
	if (n == HISTORY)
		while (from != s->history_end && s->history[from++ % HISTORY] != '\n')
			;
	while (from != s->history_end)
		to[at++] = s->history[from++ % HISTORY];
	link_header(to, LINK_DATA, (uint8_t)wire_channel(&s->stream[TERMINAL]), (uint32_t)(at - LINK_HEADER));
	s->replay = false;
	return at;
}

/* Fills a device buffer with whatever is to be said: control first, then data, the streams in turn. */
static size_t fill_buffer(uint8_t *to, size_t size)
{
	static unsigned turn;
	size_t at = 0;

	if (!hello_sent) {
		at += put_number(to, size, LINK_HELLO, 0, LINK_VERSION);
		hello_sent = true;
	}
	for (struct session *s = sessions; s < sessions + session_count; s++)
		if (s->replay)
			at += put_history(s, to + at, size - at);
	for (struct session *s = sessions; s < sessions + session_count; s++) {
		size_t n;

		if (s->owed < CREDIT_STEP)
			continue;
		n = put_number(to + at, size - at, LINK_CREDIT, LINK_CHANNEL(session_number(s), INPUT), s->owed);
		if (n)
			s->owed = 0;
		at += n;
	}
	for (unsigned i = 0; i < session_count * CHANNELS; i++, turn++) {
		unsigned which = turn % (session_count * CHANNELS);

		at += put_data(&sessions[which / CHANNELS].stream[which % CHANNELS], to + at, size - at);
		if (size - at <= LINK_HEADER)
			break;
	}
	for (struct session *s = sessions; s < sessions + session_count; s++) {
		size_t n;

		if (s->finish != FINISH_WAITING || session_has_output(s))
			continue;
		n = put_number(to + at, size - at, LINK_EXIT, LINK_CHANNEL(session_number(s), INPUT), s->status);
		if (n) {
			s->finish = FINISH_SENT;
			s->exit_number = virtio_serial_sent() + 1;
		}
		at += n;
	}
	return at;
}

static void pump_link(void)
{
	uint8_t *buffer;
	size_t size;

	/* The device drops what its host end cannot take at once, so no more may be out than that is sure to hold. */
	while ((buffer = virtio_serial_buffer(&size)) && link_may_send(&flight, size)) {
		size_t n = fill_buffer(buffer, size);

		if (!n)
			break;
		virtio_serial_send(n);
		link_sent(&flight, n);
	}
	virtio_serial_kick();
}

static void pump_serial(void)
{
	struct session *s = &sessions[0];
	bool full = false;

	s->owed = 0;
	for (unsigned i = 0; i < CHANNELS && !full; i++) {
		struct stream *t = &s->stream[i];

		while (stream_can_send(t) && !full) {
			size_t n, done;
			const uint8_t *bytes = ring_front(&t->out, &n);

			done = uart_put(bytes, n);
			ring_drop(&t->out, done);
			full = done < n;
		}
	}
	if (s->finish == FINISH_WAITING && !session_has_output(s))
		s->finish = FINISH_SENT;
}

/* Whether an interrupt is wanted when the device has taken output. */
static bool output_waits(void)
{
	for (struct session *s = sessions; s < sessions + session_count; s++) {
		if (s->finish == FINISH_WAITING || s->finish == FINISH_SENT)
			return true;
		for (unsigned i = 0; i < CHANNELS; i++)
			if (stream_can_send(&s->stream[i]))
				return true;
	}
	return false;
}

/* Answers finish calls whose last frame is out. */
static void answer_finished(void)
{
	for (struct session *s = sessions; s < sessions + session_count; s++) {
		struct msg m = { .order = RC_OK };

		if (s->finish != FINISH_SENT || (on_link && virtio_serial_done() < s->exit_number))
			continue;
		s->finish = FINISH_DONE;
		if (!s->reply_awaited)
			continue;
		s->reply_awaited = false;
		node_swap(CR_FINISHERS, session_number(s), CR_VOID, CR_TMP0);
		inv_send(CR_TMP0, &m);
	}
}

static void post_news(void)
{
	for (struct session *s = sessions; s < sessions + session_count; s++)
		for (struct stream *t = s->stream; t < s->stream + CHANNELS; t++) {
			if (t->want_room && (t->hung_up || ring_room(&t->out) >= OUTPUT_LOW)) {
				t->want_room = false;
				t->news = true;
			}
			if (t->want_drain && !ring_used(&t->out)) {
				t->want_drain = false;
				t->news = true;
			}
			if (t->news)
				watcher_post(t);
		}
}

/* ---- VTIME ------------------------------------------------------------------------------------- */

static uint64_t clock_now(void)
{
	uint64_t now = 0;

	timer_now(CR_TIMER, &now);
	return now;
}

/* Sets the alarm of the process to the earliest of the terminals' times; expires what is due. */
static void alarm_update(void)
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

/* ---- stream operations ------------------------------------------------------------------------ */

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

static const struct stream_server stream_server = {
	.read = do_read, .write = do_write, .watch = do_watch, .poll = do_poll,
	.get_attr = do_get_attr, .get_termios = do_get_termios, .set_termios = do_set_termios,
	.set_winsize = do_set_winsize, .flush = do_flush, .drained = do_drained,
	.available = do_available,
};

/* ---- the console interface ------------------------------------------------------------------- */

/* Memory for a stream is got at its first opening and stays with it. */
static bool stream_prepare(struct stream *s)
{
	if (s->open)
		return true;
	if (s->channel != INPUT && !ring_init(&s->out, OUTPUT_RING))
		return false;
	if (s->channel == TERMINAL) {
		s->discipline = malloc(sizeof *s->discipline);
		if (!s->discipline)
			return false;
		ldisc_init(s->discipline, &s->out);
		if (s->session->rows) {
			s->discipline->rows = s->session->rows;
			s->discipline->columns = s->session->columns;
		}
	}
	s->open = true;
	return true;
}

static uint32_t do_open(void *ctx, struct msg *m, uint64_t session, uint64_t channel, cap_t *stream)
{
	struct stream *s;

	(void)ctx, (void)m;
	if (session >= (on_link ? SESSIONS : 1) || channel >= CHANNELS)
		return RC_REQUEST;
	s = &sessions[session].stream[channel];
	if (!session_has_input(s->session) || !stream_prepare(s))
		return RC_LIMIT;
	if (process_make_start(CR_SELF, session * 8 + 1 + channel, CR_OPENED) != RC_OK)
		return RC_LIMIT;
	if (channel == TERMINAL)
		terminal_feed(s);
	*stream = CR_OPENED;
	return RC_OK;
}

static uint32_t do_finish(void *ctx, struct msg *m, uint64_t session, uint64_t status)
{
	struct session *s;

	(void)ctx;
	if (session >= (on_link ? SESSIONS : 1) || status > 255)
		return RC_REQUEST;
	s = &sessions[session];
	if (s->finish != FINISH_NONE || !session_has_input(s))
		return RC_REQUEST;
	s->finish = FINISH_WAITING;
	s->status = (uint32_t)status;
	if (m->got & INV_GOT_RESUME) {
		node_swap(CR_FINISHERS, session, CR_RETURN, CR_VOID);
		s->reply_awaited = true;
	}
	return CONSOLE_NOREPLY;
}

static const struct console_server console_server = { .open = do_open, .finish = do_finish };

/* ---- the loop ----------------------------------------------------------------------------------- */

/* True if the message in m is a reply that is to be sent. */
static bool serve(struct msg *m)
{
	unsigned which = m->got & INV_GOT_DATA, session = which / 8;
	struct stream *s;

	if (which % 8 == 0)
		return console_serve(&console_server, NULL, m);
	if (session < SESSIONS && which % 8 <= CHANNELS) {
		s = &sessions[session].stream[which % 8 - 1];
		if (s->open)
			return stream_serve(&stream_server, s, m);
	}
	*m = (struct msg){ .order = RC_VOID };
	return true;
}

/*
 * The system goes on after a loss of power, and the host's end of the link is a new one: both begin anew.  What
 * was on its way is lost; a terminal shows its last lines again, and full-screen programs hear of a new size.
 */
static void device_resume(void)
{
	bool found = on_link ? virtio_serial_restart() : uart_start();

	if (!found)
		fprintf(stderr, "console: the device did not come back; output will wait for ever\n");
	link_init(&parser, &link_sink, NULL);
	memset(&flight, 0, sizeof flight);
	hello_sent = false;
	for (struct session *s = sessions; s < sessions + session_count; s++) {
		struct stream *t = &s->stream[TERMINAL];

		s->owed = 0;
		s->replay = t->open && s->finish == FINISH_NONE;
		if (s->finish == FINISH_SENT)
			s->finish = FINISH_WAITING;
		if (s->finish == FINISH_DONE) {
			s->finish = FINISH_NONE;   /* the new host may begin another */
			s->ended = false;
			ring_clear(&s->in);
			for (unsigned i = 0; i < CHANNELS; i++)
				s->stream[i].hung_up = false;
		}
		if (t->open) {
			t->discipline->events |= EVENT_WINCH;
			t->news = true;
		}
	}
}

static void device_service(void)
{
	if (on_link ? virtio_serial_lost() : uart_lost())
		device_resume();
	if (on_link)
		virtio_serial_service(received);
	else
		uart_service(received);
}

/* Moves everything that can move, and goes on until the device has nothing new. */
static void settle(bool interrupt)
{
	bool again = interrupt;

	do {
		if (again)
			device_service();
		alarm_update();
		if (on_link)
			pump_link();
		else
			pump_serial();
		answer_finished();
		post_news();
		again = false;
		if (interrupt || output_waits())
			again = !(on_link ? virtio_serial_rearm(output_waits()) : uart_rearm(output_waits()));
		interrupt |= again;
	} while (again);
}

static void expect_message(struct msg *m)
{
	m->recv[0] = CR_ARG0;
	m->recv[1] = CR_ARG1;
	m->recv[2] = CR_ARG2;
	m->recv[3] = CR_RETURN;
	m->recv_string = request_bytes;
	m->recv_limit = sizeof request_bytes;
}

static bool set_up(void)
{
	for (unsigned i = 0; i < WATCHER_NODES; i++)
		if (bank_alloc_node(CR_BANK, (cap_t)(CR_WATCHERS + i)) != RC_OK)
			return false;
	for (unsigned i = 0; i < SESSIONS; i++)
		for (unsigned j = 0; j < CHANNELS; j++) {
			sessions[i].stream[j].session = &sessions[i];
			sessions[i].stream[j].channel = j;
		}
	return bank_alloc_node(CR_BANK, CR_FINISHERS) == RC_OK &&
	       process_make_notice(CR_SELF, NOTICE_DEVICE, CR_DEVICE_NOTICE) == RC_OK &&
	       process_make_notice(CR_SELF, NOTICE_ALARM, CR_ALARM_NOTICE) == RC_OK &&
	       process_get_slot(CR_SELF, PSLOT_SPACE, CR_ROOT) == RC_OK;
}

int main(void)
{
	struct msg m = { 0 };
	bool reply = false;

	if (!set_up()) {
		fprintf(stderr, "console: no storage to start with\n");
		return 1;
	}
	link_init(&parser, &link_sink, NULL);
	on_link = virtio_serial_start();
	if (!on_link && !uart_start())
		fprintf(stderr, "console: no device; output will wait for ever\n");
	settle(true);
	for (;;) {
		/* A reply goes to a resume capability or to nobody: anything else could make us wait. */
		expect_message(&m);
		inv_return(reply ? CR_RETURN : CR_VOID, &m);
		if (m.got & INV_GOT_NOTICE) {
			settle((m.w[0] & NOTICE_DEVICE) != 0);
			m = (struct msg){ 0 };
			reply = false;
			continue;
		}
		reply = (m.got & INV_GOT_RESUME) != 0;
		reply &= serve(&m);
		settle(false);
		if (!reply)
			m = (struct msg){ 0 };
	}
}
