/*
 * output.c - bytes to the device: frames of the link made from all streams in turn, or the serial line's bytes.
 *
 * On the link, control goes before data and data before EXIT; no more is on its way than the host gave credit for.
 */
#include <string.h>
#include <keros/node.h>
#include "console.h"
#include "ports.h"
#include "uart.h"
#include "virtio_serial.h"

#define CREDIT_STEP 16384u                 /* credit for input is given back in portions */

struct link_flight flight;
static bool hello_sent;

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
	static const uint8_t wire[CHANNELS] = { LINK_INPUT, LINK_OUTPUT, LINK_ERRORS, LINK_OUTPUT, LINK_RECORD };

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

void output_pump(void)
{
	if (on_link)
		pump_link();
	else
		pump_serial();
}

void output_begin(void)
{
	memset(&flight, 0, sizeof flight);
	hello_sent = false;
}

/* Whether an interrupt is wanted when the device has taken output. */
bool output_waits(void)
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
void answer_finished(void)
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
