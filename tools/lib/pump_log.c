/*
 * pump_log.c - the machine's log: shown, kept for a failure, and read for what the user should know at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/pump_inner.h"

#define LOG_KEPT  65536u
#define LOG_SHOWN 40               /* lines after a failure */

static void log_show(const uint8_t *bytes, size_t length, int fd)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n' && terminal_raw())
			write_all(fd, "\r", 1, "log");
		if (bytes[i] != '\r')
			write_all(fd, bytes + i, 1, "log");
	}
}

/* What the kernel says of the disk's room is the user's to know. */
static void log_tell_full(struct pump *p)
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

void log_read(struct pump *p)
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
		log_show(bytes, (size_t)n, 2);
	buffer_add(&p->log, bytes, (size_t)n);
	log_tell_full(p);
	if (p->log.length > LOG_KEPT)
		buffer_drop(&p->log, p->log.length - LOG_KEPT);
}

int log_fail(const struct pump *p, const char *format, ...)
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
