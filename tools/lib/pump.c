/*
 * pump.c - the host's end of the link (doc/link.md), and the terminal.
 *
 * Invariants
 *   1. Nothing but the sandbox's bytes goes to standard output; all of them do before we exit.
 *   2. Input is sent only against credit, so a command that never reads costs no memory here and control
 *      frames are never stuck; output waits in the socket once QUEUE_MAX bytes wait for a slow reader.
 *   3. The terminal is as we found it after every way out: return, die, signal.
 *   4. Our own streams stay blocking (they are shared with others): poll says when PIPE_BUF bytes can be
 *      written to a pipe, and no more are written at once.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "lib/control.h"
#include "lib/json.h"
#include "lib/pump.h"
#include "lib/refusals.h"

enum { FRAME_DATA = 1, FRAME_EOF, FRAME_WINSIZE, FRAME_CREDIT, FRAME_EXIT, FRAME_HELLO, FRAME_HANGUP };

#define FRAME_HEADER  8u
#define FRAME_MAX     65536u
#define FIRST_CREDIT  65536u
#define INPUT_CHUNK   16384u
#define CREDIT_BYTES  16384u       /* output taken, or frames, before the guest is told */
#define CREDIT_FRAMES 16u
#define OUTPUT_CHANNEL 1
#define RECORD_CHANNEL 3           /* of each session */
#define QUEUE_MAX     (1u << 20)
#define CONTROL_CHANNEL 60         /* input of session 15; its output is the next */
#define ASKERS        8
#define LOG_KEPT      65536u
#define LOG_SHOWN     40           /* lines after a failure */
#define END_WAIT_MS   2000         /* from the session's end to the machine's */
#define END_WAIT_DISK_MS 60000     /* if it saves its state first */
#define SAVE_WAIT_MS  10000
#define SAVE_ID       0u           /* of our own request; those of askers begin at 1 */
#define KERNEL_FAILED 171          /* (0x55 << 1) | 1: isa-debug-exit */
#define STATUS_STOPPED 122              /* services/control: the owner has asked for it */
#define STATUS_FAILED 125
#define STATUS_TIME_OVER 124       /* as timeout(1) has it */
#define LEAVE_KEY     1            /* Ctrl-A */
#define HIDDEN_KEPT   16384u       /* of what the terminal that is not shown prints */

/* One of our output streams. */
struct sink {
	int fd;
	bool pipe_like;                /* may block: not a regular file */
	bool gone;                     /* nobody reads: what comes is dropped */
	struct buffer queue;
	size_t written;                /* of queue, already out */
};

struct pump {
	const struct run *run;
	const struct machine *machine;

	/* The machine's side. */
	struct buffer in;              /* from the link, not yet a whole frame */
	struct buffer out;             /* to the link */
	bool hello, link_closed, log_closed;
	int qemu_status;               /* -1: runs */
	int exit_status;               /* -1: session 0 goes on */
	struct timespec end_by;        /* valid once exit_status is */
	struct timespec limit;         /* --time ends then */
	bool time_over;
	bool killed;

	/* Requests from other commands (lib/control.c): the guest answers each with the number it came with. */
	int listener;                  /* -1: none */
	struct asker {
		int fd;                /* 0: free */
		unsigned id;           /* of its request; 0: not complete yet */
		struct buffer line;
	} askers[ASKERS];
	unsigned last_id;
	uint32_t control_credit;
	struct buffer answers;         /* from the guest, not yet a whole line */

	/* Our side. */
	uint32_t credit[2];            /* of sessions 0 and 1 */
	unsigned shown;                /* which of them has the terminal; always 0 without run->lua_beside */
	bool beside_ended;
	struct buffer hidden;          /* what the other one has printed meanwhile */
	uint32_t taken_bytes, taken_frames; /* of output, since credit was last given */
	bool input_ended;
	bool full_told;                /* that the disk is nearly full */
	bool prefix;                   /* Ctrl-A was typed */
	bool leaving;
	enum { SAVE_NONE, SAVE_ASKED, SAVE_DONE } save; /* of a system with a disk, before we leave */
	struct timespec save_by;
	int stopped_by;                /* signal, or 0 */
	struct sink outputs[2];        /* 1 and 2 */
	struct buffer log;             /* its last LOG_KEPT bytes */
	int record;                    /* file for the record of session 0; -1: none */
	struct refusals refusals;      /* without one: what it was refused */
};

/* ---- Terminal ----------------------------------------------------------------------------------------------- */

static struct termios terminal_before;
static bool terminal_is_raw;

static void terminal_restore(void)
{
	if (terminal_is_raw)
		tcsetattr(0, TCSADRAIN, &terminal_before);
	terminal_is_raw = false;
}

static void terminal_make_raw(void)
{
	struct termios raw;

	if (tcgetattr(0, &terminal_before))
		return;
	raw = terminal_before;
	cfmakeraw(&raw);
	terminal_is_raw = true;
	tool_cleanup = terminal_restore;
	atexit(terminal_restore);
	tcsetattr(0, TCSADRAIN, &raw);
}

static void terminal_size(unsigned *rows, unsigned *columns)
{
	struct winsize size = { 0 };

	ioctl(1, TIOCGWINSZ, &size);
	*rows = size.ws_row ? size.ws_row : 24;
	*columns = size.ws_col ? size.ws_col : 80;
}

bool terminal_is_there(unsigned *rows, unsigned *columns)
{
	if (!isatty(0) || !isatty(1))
		return false;
	terminal_size(rows, columns);
	return true;
}

/* ---- To the machine ----------------------------------------------------------------------------------------- */

static void send_frame(struct pump *p, uint8_t type, uint8_t channel, const void *payload, uint32_t length)
{
	uint8_t header[FRAME_HEADER] = { type, channel };
	uint32_t le = htole32(length);

	if (p->link_closed)
		return;
	memcpy(header + 4, &le, sizeof le);
	buffer_add(&p->out, header, sizeof header);
	buffer_add(&p->out, payload, length);
}

static void send_size(struct pump *p)
{
	unsigned rows, columns;
	uint16_t size[2];

	terminal_size(&rows, &columns);
	size[0] = htole16((uint16_t)rows);
	size[1] = htole16((uint16_t)columns);
	send_frame(p, FRAME_WINSIZE, 0, size, sizeof size);
	if (p->run->lua_beside)
		send_frame(p, FRAME_WINSIZE, 4, size, sizeof size);
}

static void send_input(struct pump *p, const uint8_t *bytes, size_t length)
{
	if (!length)
		return;
	send_frame(p, FRAME_DATA, (uint8_t)(p->shown * 4), bytes, (uint32_t)length);
	p->credit[p->shown] -= (uint32_t)length;
}

static void sink_add(struct sink *s, const void *data, size_t length);

static void say(struct pump *p, const char *text)
{
	sink_add(&p->outputs[0], text, strlen(text));
}

/* The other of the two terminals, with what it has printed since it was last shown. */
static void switch_terminal(struct pump *p)
{
	if (!p->run->lua_beside)
		return;
	if (p->beside_ended && p->shown == 0) {
		say(p, "\r\n[the Lua prompt has ended]\r\n");
		return;
	}
	p->shown = !p->shown;
	say(p, p->shown ? "\r\n[Lua; Ctrl-A L goes back to the shell]\r\n" : "\r\n[shell; Ctrl-A L goes to Lua]\r\n");
	sink_add(&p->outputs[0], p->hidden.data, p->hidden.length);
	p->hidden.length = 0;
}

/* What a terminal prints: at once, or when it is shown again. */
static void terminal_take(struct pump *p, unsigned session, const uint8_t *bytes, uint32_t length)
{
	if (session == p->shown) {
		sink_add(&p->outputs[0], bytes, length);
		return;
	}
	buffer_add(&p->hidden, bytes, length);
	if (p->hidden.length > HIDDEN_KEPT)
		buffer_drop(&p->hidden, p->hidden.length - HIDDEN_KEPT);
}

/*
 * Ctrl-A X leaves, Ctrl-A L switches between the shell and Lua, Ctrl-A Ctrl-A is one Ctrl-A, and before anything else it
 * stands for itself.
 */
static void type_keys(struct pump *p, const uint8_t *keys, size_t length)
{
	uint8_t send[INPUT_CHUNK + 2];
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		if (!p->prefix && keys[i] == LEAVE_KEY) {
			p->prefix = true;
			continue;
		}
		if (p->prefix && (keys[i] == 'x' || keys[i] == 'X')) {
			if (p->leaving)
				p->save = SAVE_DONE;   /* a second time: at once */
			p->leaving = true;
			break;
		}
		if (p->prefix && p->run->lua_beside && (keys[i] == 'l' || keys[i] == 'L')) {
			send_input(p, send, n);
			n = 0;
			p->prefix = false;
			switch_terminal(p);
			continue;
		}
		if (p->prefix && keys[i] != LEAVE_KEY)
			send[n++] = LEAVE_KEY;
		p->prefix = false;
		send[n++] = keys[i];
		if (n >= INPUT_CHUNK) {
			send_input(p, send, n);
			n = 0;
		}
	}
	send_input(p, send, n);
}

/* One byte of credit is kept back, for the Ctrl-A that type_keys may add. */
static bool wants_input(const struct pump *p)
{
	return p->hello && !p->input_ended && p->credit[p->shown] > 1 && p->out.length < FRAME_MAX && !p->link_closed &&
		p->exit_status < 0;
}

static void read_input(struct pump *p)
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
			send_frame(p, FRAME_EOF, 0, NULL, 0);
	} else if (p->run->tty) {
		type_keys(p, bytes, (size_t)n);
	} else {
		send_input(p, bytes, (size_t)n);
	}
}

static void write_link(struct pump *p)
{
	ssize_t n = send(p->machine->link, p->out.data, p->out.length, MSG_NOSIGNAL);

	if (n > 0)
		buffer_drop(&p->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->out.length = 0;         /* the machine is gone; reading will tell */
}

/* ---- To our streams ----------------------------------------------------------------------------------------- */

static size_t sink_waiting(const struct sink *s)
{
	return s->queue.length - s->written;
}

static void sink_add(struct sink *s, const void *data, size_t length)
{
	if (!s->gone)
		buffer_add(&s->queue, data, length);
}

static void sink_write(struct pump *p, unsigned i)
{
	struct sink *s = &p->outputs[i];
	size_t length = sink_waiting(s);
	ssize_t n;

	if (s->pipe_like && length > PIPE_BUF)
		length = PIPE_BUF;
	n = write(s->fd, s->queue.data + s->written, length);
	if (n > 0) {
		s->written += (size_t)n;
	} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
		s->gone = true;
		s->written = s->queue.length;
		send_frame(p, FRAME_HANGUP, (uint8_t)(i + 1), NULL, 0);
	}
	if (s->written == s->queue.length)
		s->written = s->queue.length = 0;
}

static bool outputs_full(const struct pump *p)
{
	return sink_waiting(&p->outputs[0]) > QUEUE_MAX || sink_waiting(&p->outputs[1]) > QUEUE_MAX;
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

/* ---- Requests of other commands ----------------------------------------------------------------------------- */

static void asker_close(struct asker *a)
{
	close(a->fd);
	free(a->line.data);
	*a = (struct asker){ 0 };
}

static void asker_accept(struct pump *p)
{
	int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (unsigned i = 0; fd >= 0 && i < ASKERS; i++)
		if (!p->askers[i].fd) {
			p->askers[i].fd = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static void asker_tell(struct asker *a, struct buffer *line)
{
	if (send(a->fd, line->data, line->length, MSG_NOSIGNAL) != (ssize_t)line->length)
		note("an answer was longer than its asker could take\r");
	free(line->data);
	*line = (struct buffer){ 0 };
}

/* "grants": what the owner gave and can take back: shares of the host, and the three streams. */
static void grants_tell(struct pump *p, struct asker *a)
{
	static const char *const modes[] = { "read-only", "read and write", "copy on write" };
	static const char *const streams[] = { "stdin", "stdout", "stderr" };
	const struct grants *g = &p->run->grants;
	struct buffer line = { 0 };

	for (unsigned i = 0; i < g->count; i++) {
		const struct grant *grant = &g->grant[i];

		buffer_text(&line, "0 +{\"kind\":\"share\",\"mode\":");
		json_add(&line, modes[grant->mode], strlen(modes[grant->mode]));
		buffer_text(&line, ",\"host\":");
		json_add(&line, grant->host, strlen(grant->host));
		buffer_text(&line, ",\"guest\":");
		json_add(&line, grant->guest, strlen(grant->guest));
		buffer_text(&line, "}\n");
		asker_tell(a, &line);
	}
	for (unsigned i = 0; i < 3 && !p->run->tty; i++) {
		buffer_text(&line, "0 +{\"kind\":\"stream\",\"guest\":");
		json_add(&line, streams[i], strlen(streams[i]));
		buffer_text(&line, "}\n");
		asker_tell(a, &line);
	}
	buffer_text(&line, "0 {}\n");
	asker_tell(a, &line);
}

/* "hangup N": the stream has no other end from now on. */
static void stream_hang_up(struct pump *p, unsigned stream)
{
	if (stream == 0 && !p->input_ended) {
		p->input_ended = true;
		send_frame(p, FRAME_EOF, 0, NULL, 0);
	} else if (stream) {
		send_frame(p, FRAME_HANGUP, (uint8_t)stream, NULL, 0);
	}
}

/* Requests that this command answers itself. */
static bool asker_serve(struct pump *p, struct asker *a)
{
	struct buffer line = { 0 };
	unsigned stream;

	buffer_add(&a->line, "", 1);
	if (strcmp((char *)a->line.data, "grants\n") == 0) {
		grants_tell(p, a);
	} else if (sscanf((char *)a->line.data, "hangup %u", &stream) == 1 && stream < 3) {
		stream_hang_up(p, stream);
		buffer_text(&line, "0 {}\n");
		asker_tell(a, &line);
	} else {
		a->line.length--;
		return false;
	}
	asker_close(a);
	return true;
}

/* One line is a request; it goes to the guest with a number before it. */
static void asker_read(struct pump *p, struct asker *a)
{
	char bytes[256], *request;
	ssize_t n = read(a->fd, bytes, sizeof bytes);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	buffer_add(&a->line, bytes, n > 0 ? (size_t)n : 0);
	if (n <= 0 || a->line.length > 200 || (a->id && n > 0)) {
		asker_close(a);
		return;
	}
	if (!memchr(a->line.data, '\n', a->line.length) || asker_serve(p, a))
		return;
	a->id = ++p->last_id;
	request = xasprintf("%u-%d %.*s", a->id, (int)getpid(), (int)a->line.length, (char *)a->line.data);
	if (p->hello && p->control_credit >= strlen(request)) {
		p->control_credit -= (uint32_t)strlen(request);
		send_frame(p, FRAME_DATA, CONTROL_CHANNEL, request, (uint32_t)strlen(request));
	} else {
		asker_close(a);
	}
	free(request);
}

static void answer_give(struct pump *p, const char *line, size_t length)
{
	int pid = 0;
	unsigned id = 0;
	bool more;

	if (sscanf(line, "%u-%d ", &id, &pid) != 2 || pid != (int)getpid())
		return;                /* to somebody of an earlier life */
	if (id == SAVE_ID)
		p->save = SAVE_DONE;
	more = strchr(line, ' ') && strchr(line, ' ')[1] == '+';
	for (unsigned i = 0; i < ASKERS; i++)
		if (p->askers[i].fd && p->askers[i].id == id) {
			bool taken = send(p->askers[i].fd, line, length, MSG_NOSIGNAL) == (ssize_t)length;

			/* One that does not read loses the rest, and sees the end of the stream. */
			if (!taken || !more)
				asker_close(&p->askers[i]);
		}
}

static void answers_take(struct pump *p, const uint8_t *bytes, uint32_t length)
{
	char *end;

	buffer_add(&p->answers, bytes, length);
	while (p->answers.length && (end = memchr(p->answers.data, '\n', p->answers.length))) {
		size_t whole = (size_t)(end - (char *)p->answers.data) + 1;

		answer_give(p, (const char *)p->answers.data, whole);
		buffer_drop(&p->answers, whole);
	}
}

/* What session 0 uses of its authority; the file ends where a full disk says so, and the sandbox goes on. */
static void record_take(struct pump *p, uint8_t channel, const uint8_t *bytes, uint32_t length)
{
	if (channel == RECORD_CHANNEL && !p->run->record_file)
		refusals_take(&p->refusals, bytes, length);
	while (channel == RECORD_CHANNEL && p->record >= 0 && length) {
		ssize_t n = write(p->record, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			note("%s: %s; the record ends here\r", p->run->record_file, strerror(errno));
			close(p->record);
			p->record = -1;
			return;
		}
		bytes += n;
		length -= (uint32_t)n;
	}
}

static int record_create(const struct run *r)
{
	int fd;

	if (!r->record_file)
		return -1;
	fd = open(r->record_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		die("--record %s: %s", r->record_file, strerror(errno));
	return fd;
}

/* A second sandbox has no streams of its own here: what it prints goes to standard error. */
static void handle_frame(struct pump *p, uint8_t type, uint8_t channel, const uint8_t *payload, uint32_t length)
{
	switch (type) {
	case FRAME_DATA:
		if (channel == CONTROL_CHANNEL + 1)
			answers_take(p, payload, length);
		else if (channel % 4 == RECORD_CHANNEL)
			record_take(p, channel, payload, length);
		else if (p->run->lua_beside && (channel == 1 || channel == 5))
			terminal_take(p, channel / 4, payload, length);
		else
			sink_add(&p->outputs[channel == 1 ? 0 : 1], payload, length);
		break;
	case FRAME_CREDIT:
		if (channel == 0 || channel == 4)
			p->credit[channel / 4] += payload32(payload, length);
		if (channel == CONTROL_CHANNEL)
			p->control_credit += payload32(payload, length);
		break;
	case FRAME_HELLO:
		p->hello = true;
		p->credit[0] = p->credit[1] = p->control_credit = FIRST_CREDIT;
		if (p->run->tty)
			send_size(p);
		if (p->run->second)
			send_frame(p, FRAME_EOF, 4, NULL, 0);
		break;
	case FRAME_EXIT:
		if (channel / 4 == 0)
			session_ended(p, payload32(payload, length));
		else if (p->run->lua_beside && channel / 4 == 1) {
			if (p->shown == 1)
				switch_terminal(p);
			p->beside_ended = true;
		} else if (p->run->verbose)
			note("the second sandbox ended with status %u\r", payload32(payload, length));
		break;
	default:
		note("a frame of unknown type %u from the machine (is build/ older than this command?)\r", type);
	}
}

static void parse_frames(struct pump *p)
{
	size_t at = 0;

	while (p->in.length - at >= FRAME_HEADER) {
		const uint8_t *frame = p->in.data + at;
		uint32_t length = payload32(frame + 4, 4);

		if (length > FRAME_MAX)
			die("the machine sent a frame of %u bytes; at most %u are allowed", length, FRAME_MAX);
		if (p->in.length - at - FRAME_HEADER < length)
			break;
		handle_frame(p, frame[0], frame[1], frame + FRAME_HEADER, length);
		at += FRAME_HEADER + length;
		p->taken_frames++;
	}
	if (!at)
		return;
	buffer_drop(&p->in, at);
	p->taken_bytes += (uint32_t)at;
	if (p->taken_bytes >= CREDIT_BYTES || p->taken_frames >= CREDIT_FRAMES) {
		uint32_t le = htole32(p->taken_bytes);

		send_frame(p, FRAME_CREDIT, OUTPUT_CHANNEL, &le, sizeof le);
		p->taken_bytes = p->taken_frames = 0;
	}
}

static void read_link(struct pump *p)
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
	parse_frames(p);
}

static void show_log(const uint8_t *bytes, size_t length, int fd)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n' && terminal_is_raw)
			write_all(fd, "\r", 1, "log");
		if (bytes[i] != '\r')
			write_all(fd, bytes + i, 1, "log");
	}
}

/* What the kernel says of the disk's room is the user's to know. */
static void full_tell(struct pump *p)
{
	static const char line[] = "keros: the disk is nearly full: ";
	char *found;

	if (p->full_told || p->run->verbose || !p->log.length)
		return;
	found = memmem(p->log.data, p->log.length, line, sizeof line - 1);
	if (!found || !memchr(found, '\n', p->log.length - (size_t)(found - (char *)p->log.data)))
		return;
	p->full_told = true;
	found += sizeof line - 1;
	note("%s is nearly full: %.*s\r", p->run->disk, (int)strcspn(found, "\r\n"), found);
}

static void read_log(struct pump *p)
{
	uint8_t bytes[4096];
	ssize_t n = read(p->machine->log, bytes, sizeof bytes);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		p->log_closed = true;
		return;
	}
	if (p->run->native)
		sink_add(&p->outputs[0], bytes, (size_t)n);
	else if (p->run->verbose)
		show_log(bytes, (size_t)n, 2);
	buffer_add(&p->log, bytes, (size_t)n);
	full_tell(p);
	if (p->log.length > LOG_KEPT)
		buffer_drop(&p->log, p->log.length - LOG_KEPT);
}

/* Says what happened, with the last lines of the log if they were not shown already. */
__attribute__((format(printf, 2, 3))) static int fail(const struct pump *p, const char *format, ...)
{
	const char *text = (const char *)p->log.data;
	size_t length = p->log.length, at, end;
	unsigned lines = 0;
	char what[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		length--;
	if (p->run->verbose || p->run->native || !length) {
		note("%s", what);
		return STATUS_FAILED;
	}
	note("%s; its log ends:", what);
	for (at = length; at > 0; at--)
		if (text[at - 1] == '\n' && ++lines == LOG_SHOWN)
			break;
	for (; at < length; at = end + 1) {
		for (end = at; end < length && text[end] != '\n'; end++)
			;
		fprintf(stderr, "  | %.*s\n", (int)(end - at - (end > at && text[end - 1] == '\r')), text + at);
	}
	return STATUS_FAILED;
}

/* ---- The loop ----------------------------------------------------------------------------------------------- */

static void kill_machine(struct pump *p)
{
	if (!p->killed && p->qemu_status < 0)
		kill(p->machine->pid, SIGKILL);
	p->killed = true;
}

static void handle_signals(struct pump *p, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			if (p->qemu_status < 0)
				waitpid(p->machine->pid, &p->qemu_status, WNOHANG);
			break;
		case SIGWINCH:
			if (p->run->tty && p->hello)
				send_size(p);
			break;
		default:
			p->stopped_by = (int)info.ssi_signo;
		}
	}
}

static int signals_open(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, before);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Leaving a system that lives on a disk: what was done until now is saved first. */
static void save_begin(struct pump *p)
{
	char *request = xasprintf("%u-%d ckpt\n", SAVE_ID, (int)getpid());

	p->save = SAVE_DONE;
	if (p->run->disk && p->hello && p->exit_status < 0 && p->control_credit >= strlen(request)) {
		send_frame(p, FRAME_DATA, CONTROL_CHANNEL, request, (uint32_t)strlen(request));
		clock_gettime(CLOCK_MONOTONIC, &p->save_by);
		p->save_by.tv_sec += SAVE_WAIT_MS / 1000;
		p->save = SAVE_ASKED;
	}
	free(request);
}

static long ms_until(const struct timespec *when)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (when->tv_sec - now.tv_sec) * 1000 + (when->tv_nsec - now.tv_nsec) / 1000000;
}

/* Whether we go now. */
static bool leaves_now(struct pump *p)
{
	if (!p->leaving)
		return false;
	if (p->save == SAVE_NONE)
		save_begin(p);
	return p->save == SAVE_DONE || ms_until(&p->save_by) <= 0 || p->link_closed;
}

/* How long poll may sleep: for ever, or until the machine must have ended. */
static int patience_ms(const struct pump *p)
{
	long ms;

	if (p->killed)
		return -1;
	if (p->exit_status >= 0)
		ms = ms_until(&p->end_by);
	else if (p->save == SAVE_ASKED)
		ms = ms_until(&p->save_by);
	else if (p->run->time_ms)
		ms = ms_until(&p->limit);
	else
		return -1;
	return ms <= 0 ? 0 : ms < 3600000 ? (int)ms : 3600000;
}

static bool finished(const struct pump *p)
{
	if (p->qemu_status < 0)
		return false;
	if (p->leaving || p->stopped_by || p->time_over)
		return true;
	return p->link_closed && p->log_closed && !sink_waiting(&p->outputs[0]) && !sink_waiting(&p->outputs[1]);
}

static void loop(struct pump *p, int signals)
{
	while (!finished(p)) {
		enum { SIGNALS, LINK, LOG, INPUT, OUTPUT, ERROR, LISTENER, ASKER0, FDS = ASKER0 + ASKERS };
		struct pollfd fds[FDS] = {
			[SIGNALS] = { .fd = signals, .events = POLLIN },
			[LINK] = { .fd = p->link_closed ? -1 : p->machine->link,
				   .events = (short)((outputs_full(p) ? 0 : POLLIN) | (p->out.length ? POLLOUT : 0)) },
			[LOG] = { .fd = p->log_closed ? -1 : p->machine->log, .events = POLLIN },
			[INPUT] = { .fd = wants_input(p) ? 0 : -1, .events = POLLIN },
			[OUTPUT] = { .fd = sink_waiting(&p->outputs[0]) ? p->outputs[0].fd : -1, .events = POLLOUT },
			[ERROR] = { .fd = sink_waiting(&p->outputs[1]) ? p->outputs[1].fd : -1, .events = POLLOUT },
			[LISTENER] = { .fd = p->hello ? p->listener : -1, .events = POLLIN },
		};

		for (unsigned i = 0; i < ASKERS; i++)
			fds[ASKER0 + i] = (struct pollfd){ .fd = p->askers[i].fd ? p->askers[i].fd : -1, .events = POLLIN };
		if (outputs_full(p) && !p->out.length)
			fds[LINK].fd = -1;     /* else a hang-up would spin */
		if (poll(fds, FDS, patience_ms(p)) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (fds[SIGNALS].revents)
			handle_signals(p, signals);
		if (fds[LOG].revents)
			read_log(p);
		if ((fds[LINK].revents & POLLOUT) && p->out.length)
			write_link(p);
		if ((fds[LINK].revents & (POLLIN | POLLHUP | POLLERR)) && !outputs_full(p))
			read_link(p);
		if (fds[INPUT].revents)
			read_input(p);
		for (unsigned i = 0; i < ASKERS; i++)
			if (fds[ASKER0 + i].revents)
				asker_read(p, &p->askers[i]);
		if (fds[LISTENER].revents)
			asker_accept(p);
		if (fds[OUTPUT].revents)
			sink_write(p, 0);
		if (fds[ERROR].revents)
			sink_write(p, 1);
		if (p->run->time_ms && !p->killed && p->exit_status < 0 && ms_until(&p->limit) <= 0)
			p->time_over = true;
		if (leaves_now(p) || p->stopped_by || p->time_over || (p->exit_status >= 0 && patience_ms(p) == 0))
			kill_machine(p);
	}
}

static int verdict(const struct pump *p)
{
	int code = WIFEXITED(p->qemu_status) ? WEXITSTATUS(p->qemu_status) : -1;

	if (p->stopped_by)
		return 128 + p->stopped_by;
	if (p->time_over) {
		note("the command's time is over (--time); it was ended");
		return STATUS_TIME_OVER;
	}
	if (p->leaving) {
		if (p->run->disk)
			note("left%s; it goes on with --disk %s", p->save == SAVE_ASKED ? " before it was saved" : "", p->run->disk);
		else
			note("left");
		return 128 + SIGHUP;
	}
	if (code == KERNEL_FAILED) {
		return fail(p, "the kernel failed");
	}
	if (p->exit_status >= 0)
		return p->exit_status;
	if (code == (STATUS_STOPPED << 1 | 1)) {
		note("stopped by `keros stop`");
		return 128 + SIGTERM;
	}
	if (p->run->native && code >= 0 && (code & 1))
		return code >> 1;
	if (code == 0)
		return fail(p, "the machine was reset before the command ended (a triple fault?)");
	if (code > 1 && (code & 1))
		return fail(p, "the machine switched itself off, with status %d, before the command ended", code >> 1);
	if (code >= 0)
		return fail(p, "QEMU ended with status %d", code);
	return fail(p, "QEMU was killed by signal %d", WTERMSIG(p->qemu_status));
}

static void sink_open(struct sink *s, int fd)
{
	struct stat st;

	s->fd = fd;
	s->pipe_like = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
}

int pump_run(const struct machine *m, const struct run *r)
{
	struct pump p = { .run = r, .machine = m, .qemu_status = -1, .exit_status = -1, .listener = control_listen(r),
		.record = record_create(r), .refusals = { .run = r } };
	sigset_t before;
	int signals = signals_open(&before), status;

	if (signals < 0)
		die("signalfd: %s", strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &p.limit);
	p.limit.tv_sec += (time_t)(r->time_ms / 1000);
	p.limit.tv_nsec += (long)(r->time_ms % 1000) * 1000000;
	sink_open(&p.outputs[0], 1);
	sink_open(&p.outputs[1], 2);
	if (r->tty)
		terminal_make_raw();
	if (waitpid(m->pid, &p.qemu_status, WNOHANG) == 0)
		p.qemu_status = -1;
	loop(&p, signals);
	terminal_restore();
	refusals_say(&p.refusals, p.exit_status != 0);
	if (p.record >= 0)
		close(p.record);
	status = verdict(&p);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
