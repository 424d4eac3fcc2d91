/*
 * put.c - writing all of something to a stream.  See put.h.
 */
#include <keros/put.h>
#include <keros/stream.h>
#include <keros/timer.h>

#define RETRY_NS 1000000u

bool stream_put(cap_t stream, cap_t timer, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length > 0) {
		uint64_t accepted = 0, now = 0;
		uint32_t rc = stream_write(stream, at, length < INV_STRING_MAX ? length : INV_STRING_MAX, &accepted);

		if (rc == RC_AGAIN || (rc == RC_OK && accepted == 0)) {
			timer_now(timer, &now);
			timer_sleep_until(timer, now + RETRY_NS);
		} else if (rc != RC_OK || accepted > length) {
			return false;
		} else {
			at += accepted;
			length -= accepted;
		}
	}
	return true;
}
