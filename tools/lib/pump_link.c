/*
 * pump_link.c - frames of the host link (doc/link.md), both ways.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/pump_inner.h"

#define CREDIT_BYTES     16384u    /* output taken, or frames, before the guest is told */
#define CREDIT_FRAMES    16u
#define END_WAIT_MS      2000      /* from the session's end to the machine's */
#define END_WAIT_DISK_MS 60000     /* if it saves its state first */

/* ---- To the machine ----------------------------------------------------------------------------------------- */

void frame_send(struct pump *p, uint8_t type, uint8_t channel, const void *payload, uint32_t length)
{
	uint8_t header[LINK_HEADER] = { type, channel };
	uint32_t le = htole32(length);

	if (p->link_closed)
		return;
	memcpy(header + 4, &le, sizeof le);
	buffer_add(&p->out, header, sizeof header);
	buffer_add(&p->out, payload, length);
}

void input_send(struct pump *p, const uint8_t *bytes, size_t length)
{
	if (!length)
		return;
	frame_send(p, LINK_DATA, (uint8_t)(p->shown * 4), bytes, (uint32_t)length);
	p->credit[p->shown] -= (uint32_t)length;
}

/* One byte of credit is kept back, for the Ctrl-A that type_keys may add. */
bool input_wanted(const struct pump *p)
{
	return p->hello && !p->input_ended && p->credit[p->shown] > 1 && p->out.length < LINK_PAYLOAD_MAX && !p->link_closed &&
		p->exit_status < 0;
}

void input_read(struct pump *p)
{
	uint8_t bytes[INPUT_CHUNK];
	size_t credit = p->credit[p->shown] - 1;
	size_t room = credit < sizeof bytes ? credit : sizeof bytes;
	ssize_t n = read(0, bytes, room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		p->input_ended = true;
		if (p->run->tty && p->leaving)
			p->save = SAVE_DONE;
		else if (p->run->tty)
			p->leaving = true;     /* the terminal itself went away */
		else
			frame_send(p, LINK_EOF, 0, NULL, 0);
	} else if (p->run->tty) {
		keys_type(p, bytes, (size_t)n);
	} else {
		input_send(p, bytes, (size_t)n);
	}
}

void link_write(struct pump *p)
{
	ssize_t n = send(p->machine->link, p->out.data, p->out.length, MSG_NOSIGNAL);

	if (n > 0)
		buffer_drop(&p->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->out.length = 0;         /* the machine is gone; reading will tell */
}

/* ---- From the machine --------------------------------------------------------------------------------------- */

static uint32_t payload32(const uint8_t *payload, uint32_t length)
{
	uint32_t value = 0;

	memcpy(&value, payload, length < sizeof value ? length : sizeof value);
	return le32toh(value);
}

static void session_ended(struct pump *p, uint32_t status)
{
	p->exit_status = (int)(status & 0xFF);
	clock_gettime(CLOCK_MONOTONIC, &p->end_by);
	p->end_by.tv_sec += (p->run->disk ? END_WAIT_DISK_MS : END_WAIT_MS) / 1000;
}

/* A second sandbox has no streams of its own here: what it prints goes to standard error. */
static void frame_take(struct pump *p, uint8_t type, uint8_t channel, const uint8_t *payload, uint32_t length)
{
	switch (type) {
	case LINK_DATA:
		if (channel == CONTROL_CHANNEL + 1)
			answers_take(p, payload, length);
		else if (channel % 4 == LINK_RECORD)
			record_take(p, channel, payload, length);
		else if (p->run->lua_beside && (channel == 1 || channel == 5))
			terminal_take(p, channel / 4, payload, length);
		else
			sink_add(&p->outputs[channel == 1 ? 0 : 1], payload, length);
		break;
	case LINK_CREDIT:
		if (channel == 0 || channel == 4)
			p->credit[channel / 4] += payload32(payload, length);
		if (channel == CONTROL_CHANNEL)
			p->control_credit += payload32(payload, length);
		break;
	case LINK_HELLO:
		p->hello = true;
		p->credit[0] = p->credit[1] = p->control_credit = LINK_WINDOW;
		if (p->run->tty)
			terminal_send_size(p);
		if (p->run->second)
			frame_send(p, LINK_EOF, 4, NULL, 0);
		break;
	case LINK_EXIT:
		if (channel / 4 == 0)
			session_ended(p, payload32(payload, length));
		else if (p->run->lua_beside && channel / 4 == 1) {
			if (p->shown == 1)
				terminal_switch(p);
			p->beside_ended = true;
		} else if (p->run->verbose)
			note("the second sandbox ended with status %u\r", payload32(payload, length));
		break;
	default:
		note("a frame of unknown type %u from the machine (is build/ older than this command?)\r", type);
	}
}

static void frames_take(struct pump *p)
{
	size_t at = 0;

	while (p->in.length - at >= LINK_HEADER) {
		const uint8_t *frame = p->in.data + at;
		uint32_t length = payload32(frame + 4, 4);

		if (length > LINK_PAYLOAD_MAX)
			die("the machine sent a frame of %u bytes; at most %u are allowed", length, LINK_PAYLOAD_MAX);
		if (p->in.length - at - LINK_HEADER < length)
			break;
		frame_take(p, frame[0], frame[1], frame + LINK_HEADER, length);
		at += LINK_HEADER + length;
		p->taken_frames++;
	}
	if (!at)
		return;
	buffer_drop(&p->in, at);
	p->taken_bytes += (uint32_t)at;
	if (p->taken_bytes >= CREDIT_BYTES || p->taken_frames >= CREDIT_FRAMES) {
		uint32_t le = htole32(p->taken_bytes);

		frame_send(p, LINK_CREDIT, LINK_OUTPUT_CHANNEL, &le, sizeof le);
		p->taken_bytes = p->taken_frames = 0;
	}
}

void link_read(struct pump *p)
{
	static uint8_t bytes[1 << 18];
	ssize_t n = read(p->machine->link, bytes, sizeof bytes);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		p->link_closed = true;
		p->out.length = 0;
		return;
	}
	buffer_add(&p->in, bytes, (size_t)n);
	frames_take(p);
}
