/*
 * pump_output.c - our own streams: what waits for them is written when poll says so; and the record's file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/pump_inner.h"

#define QUEUE_MAX (1u << 20)

void sink_open(struct sink *s, int fd)
{
	struct stat st;

	s->fd = fd;
	s->pipe_like = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
}

size_t sink_waiting(const struct sink *s)
{
	return s->queue.length - s->written;
}

void sink_add(struct sink *s, const void *data, size_t length)
{
	if (!s->gone)
		buffer_add(&s->queue, data, length);
}

void sink_write(struct pump *p, unsigned i)
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
		frame_send(p, LINK_HANGUP, (uint8_t)(i + 1), NULL, 0);
	}
	if (s->written == s->queue.length)
		s->written = s->queue.length = 0;
}

bool outputs_full(const struct pump *p)
{
	return sink_waiting(&p->outputs[0]) > QUEUE_MAX || sink_waiting(&p->outputs[1]) > QUEUE_MAX;
}

/* ---- The record --------------------------------------------------------------------------------------------- */

int record_create(const struct run *r)
{
	int fd;

	if (!r->record_file)
		return -1;
	fd = open(r->record_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		die("--record %s: %s", r->record_file, strerror(errno));
	return fd;
}

/* What session 0 uses of its authority; the file ends where a full disk says so, and the sandbox goes on. */
void record_take(struct pump *p, uint8_t channel, const uint8_t *bytes, uint32_t length)
{
	if (channel == LINK_CHANNEL(0, LINK_RECORD) && !p->run->record_file)
		refusals_take(&p->refusals, bytes, length);
	while (channel == LINK_CHANNEL(0, LINK_RECORD) && p->record >= 0 && length) {
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
