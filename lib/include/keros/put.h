/*
 * put.h - writing all of something to a stream (doc/object/stream.md), which takes what it has room for.
 */
#ifndef KEROS_PUT_H
#define KEROS_PUT_H
#include <stdbool.h>
#include <stddef.h>
#include <keros/inv.h>

/*
 * Writes `length` bytes to a stream.  One that is full is tried again after a millisecond by `timer`, so the caller waits
 * for whoever reads: it is for those who may.  False: the stream takes no more, and the rest is not written.
 */
bool stream_put(cap_t stream, cap_t timer, const void *bytes, size_t length);
#endif
