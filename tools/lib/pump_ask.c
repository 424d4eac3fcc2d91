/*
 * pump_ask.c - requests of other commands, at the socket of lib/control.h.
 *
 * What only this command knows it answers itself; the rest goes to the guest's control service, each request with
 * a number, and the answer's number says whose it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/json.h"
#include "lib/pump_inner.h"

#define ANSWER_MOST (16u << 20)    /* bytes that wait for an asker */

static void asker_close(struct asker *a)
{
	close(a->fd);
	free(a->line.data);
	free(a->out.data);
	*a = (struct asker){ 0 };
}

void asker_accept(struct pump *p)
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

/* What it can take of its answer; who has all of it, or is not there any more, is let go. */
void asker_write(struct asker *a)
{
	ssize_t n = a->out.length ? send(a->fd, a->out.data, a->out.length, MSG_NOSIGNAL) : 0;

	if (n > 0)
		buffer_drop(&a->out, (size_t)n);
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || (a->ends && !a->out.length))
		asker_close(a);
}

/* One that does not read for long loses the rest, and sees the end of the stream. */
static void asker_give(struct asker *a, const char *line, size_t length, bool ends)
{
	if (a->out.length + length > ANSWER_MOST) {
		asker_close(a);
		return;
	}
	buffer_add(&a->out, line, length);
	a->ends = ends;
	asker_write(a);
}

static void asker_tell(struct asker *a, struct buffer *line, bool ends)
{
	asker_give(a, (const char *)line->data, line->length, ends);
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
		asker_tell(a, &line, false);
	}
	for (unsigned i = 0; i < 3 && !p->run->tty; i++) {
		buffer_text(&line, "0 +{\"kind\":\"stream\",\"guest\":");
		json_add(&line, streams[i], strlen(streams[i]));
		buffer_text(&line, "}\n");
		asker_tell(a, &line, false);
	}
	buffer_text(&line, "0 {}\n");
	asker_tell(a, &line, true);
}

/* "hangup N": the stream has no other end from now on. */
static void stream_hang_up(struct pump *p, unsigned stream)
{
	if (stream == 0 && !p->input_ended) {
		p->input_ended = true;
		frame_send(p, LINK_EOF, 0, NULL, 0);
	} else if (stream) {
		frame_send(p, LINK_HANGUP, (uint8_t)stream, NULL, 0);
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
		asker_tell(a, &line, true);
	} else {
		a->line.length--;
		return false;
	}
	return true;
}

/* One line is a request; it goes to the guest with a number before it. */
void asker_read(struct pump *p, struct asker *a)
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
		frame_send(p, LINK_DATA, CONTROL_CHANNEL, request, (uint32_t)strlen(request));
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
		if (p->askers[i].fd && p->askers[i].id == id)
			asker_give(&p->askers[i], line, length, !more);
}

void answers_take(struct pump *p, const uint8_t *bytes, uint32_t length)
{
	char *end;

	buffer_add(&p->answers, bytes, length);
	while (p->answers.length && (end = memchr(p->answers.data, '\n', p->answers.length))) {
		size_t whole = (size_t)(end - (char *)p->answers.data) + 1;

		answer_give(p, (const char *)p->answers.data, whole);
		buffer_drop(&p->answers, whole);
	}
}
