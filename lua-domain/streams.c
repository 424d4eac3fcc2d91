/*
 * streams.c - see streams.h.
 */
#include "domain.h"
#include <keros/put.h>
#include <keros/stream.h>
#include "heap.h"
#include "loop.h"
#include "streams.h"

#define OUT_BYTES 2048u
#define IN_BYTES  2048u

static const cap_t stream_register[STREAMS] = { CR_STDIN, CR_STDOUT, CR_STDERR, CR_TERMINAL };
static bool present[STREAMS];
static char *out_bytes;                        /* both are made when they are first needed: most domains have no streams */
static size_t out_count;
static char *in_bytes;
static size_t in_at, in_count;
static bool in_ended;

void stream_present(unsigned which)
{
	present[which] = true;
}

bool stream_is_terminal(void)
{
	return present[STREAM_TTY];
}

static cap_t stream_of(enum stream_which which)
{
	if (present[STREAM_TTY])
		return CR_TERMINAL;
	return present[which] ? stream_register[which] : CR_VOID;
}

/* All of it: who writes wants it written, and the console never makes us wait for anybody but the host's own reader. */
static void put(cap_t stream, const char *bytes, size_t length)
{
	if (stream != CR_VOID)
		stream_put(stream, CR_TIMER, bytes, length);
}

void out_flush(void)
{
	size_t count = out_count;

	if (count == 0)
		return;
	out_count = 0;
	put(stream_of(STREAM_OUT), out_bytes, count);
}

void out_write(const char *bytes, size_t length)
{
	if (stream_of(STREAM_OUT) == CR_VOID)
		return;
	if (!out_bytes)
		out_bytes = heap_alloc(NULL, NULL, 0, OUT_BYTES);
	if (length > OUT_BYTES - out_count)
		out_flush();
	if (length > OUT_BYTES || !out_bytes) {
		put(stream_of(STREAM_OUT), bytes, length);
		return;
	}
	memcpy(out_bytes + out_count, bytes, length);
	out_count += length;
	if (present[STREAM_TTY] && memchr(bytes, '\n', length))
		out_flush();
}

void err_write(const char *bytes, size_t length)
{
	out_flush();
	put(stream_of(STREAM_ERR), bytes, length);
}

void err_text(const char *text)
{
	err_write(text, strlen(text));
}

/* ---- input ----------------------------------------------------------------------------------- */

/* Waits until there is input, and takes some.  False at its end. */
static bool in_fill(void)
{
	cap_t stream = stream_of(STREAM_IN);

	out_flush();
	if (!in_bytes)
		in_bytes = heap_alloc(NULL, NULL, 0, IN_BYTES);
	if (!in_bytes)
		luaL_error(loop_state, "not enough memory");
	while (!in_ended && stream != CR_VOID) {
		size_t got = 0;
		uint32_t rc = stream_read(stream, IN_BYTES, in_bytes, IN_BYTES, &got);

		/* What comes before the stream is watched is told to nobody: so it is asked once more after that. */
		if (rc == RC_AGAIN && loop_watch(stream))
			rc = stream_read(stream, IN_BYTES, in_bytes, IN_BYTES, &got);
		if (rc == RC_AGAIN) {
			if (!loop_wait(LOOP_STREAM))
				break;
			if (present[STREAM_TTY] && prompt_interrupted())
				luaL_error(loop_state, "interrupted!");
			continue;
		}
		if (rc != RC_OK || got == 0)
			break;
		in_at = 0;
		in_count = got;
		return true;
	}
	in_ended = true;
	return false;
}

int in_peek(void)
{
	if (in_at == in_count && !in_fill())
		return -1;
	return (unsigned char)in_bytes[in_at];
}

int in_get(void)
{
	int c = in_peek();

	if (c >= 0)
		in_at++;
	return c;
}

size_t in_read(char *to, size_t limit)
{
	size_t n;

	if (in_peek() < 0)
		return 0;
	n = in_count - in_at < limit ? in_count - in_at : limit;
	memcpy(to, in_bytes + in_at, n);
	in_at += n;
	return n;
}
