/*
 * util.c - see util.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/util.h"

const char *tool_name = "keros";
void (*tool_cleanup)(void);

static void say(const char *format, va_list arguments)
{
	fprintf(stderr, "%s: ", tool_name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void die(const char *format, ...)
{
	va_list arguments;

	if (tool_cleanup)
		tool_cleanup();
	va_start(arguments, format);
	say(format, arguments);
	exit(1);
}

void misuse(const char *format, ...)
{
	va_list arguments;

	if (tool_cleanup)
		tool_cleanup();
	va_start(arguments, format);
	say(format, arguments);
	exit(2);
}

void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		die("no memory for %zu bytes", size);
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		die("no memory for %zu times %zu bytes", count, size);
	return p;
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		die("no memory for %zu bytes", size);
	return p;
}

char *xstrdup(const char *text)
{
	size_t length = strlen(text) + 1;

	return memcpy(xmalloc(length), text, length);
}

char *xasprintf(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		die("no memory");
	va_end(arguments);
	return text;
}

static void buffer_reserve(struct buffer *b, size_t more)
{
	if (b->room - b->length >= more)
		return;
	b->room = b->length + more > b->room * 2 ? b->length + more : b->room * 2;
	b->data = xrealloc(b->data, b->room);
}

void buffer_add(struct buffer *b, const void *data, size_t length)
{
	if (!length)
		return;
	buffer_reserve(b, length);
	memcpy(b->data + b->length, data, length);
	b->length += length;
}

void buffer_text(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

void buffer_drop(struct buffer *b, size_t length)
{
	b->length -= length;
	memmove(b->data, b->data + length, b->length);
}

struct buffer read_all(int fd, const char *what)
{
	struct buffer b = { 0 };

	for (;;) {
		ssize_t n;

		buffer_reserve(&b, 65536);
		n = read(fd, b.data + b.length, b.room - b.length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("%s: %s", what, strerror(errno));
		if (n == 0)
			return b;
		b.length += (size_t)n;
	}
}

struct buffer read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buffer b;

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	b = read_all(fd, path);
	close(fd);
	return b;
}

void write_all(int fd, const void *data, size_t length, const char *what)
{
	const uint8_t *p = data;

	while (length) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("%s: %s", what, strerror(errno));
		p += n;
		length -= (size_t)n;
	}
}

void write_file(const char *path, const void *data, size_t length)
{
	char *fresh = xasprintf("%s.%d.new", path, (int)getpid());
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		die("%s: %s", fresh, strerror(errno));
	write_all(fd, data, length, fresh);
	if (close(fd) || rename(fresh, path)) {
		int why = errno;

		unlink(fresh);
		die("%s: %s", path, strerror(why));
	}
	free(fresh);
}
