/*
 * hostlink.h - the numbers of the host link (doc/link.md), for both of its ends.
 *
 *     byte 0     type           1          channel        2, 3       0
 *     byte 4..7  length of the payload, little-endian     8..        payload
 */
#ifndef KEROS_HOSTLINK_H
#define KEROS_HOSTLINK_H

enum link_type {
	LINK_DATA = 1, LINK_EOF = 2, LINK_WINSIZE = 3, LINK_CREDIT = 4,
	LINK_EXIT = 5, LINK_HELLO = 6, LINK_HANGUP = 7,
};
#define LINK_HEADER       8u
#define LINK_PAYLOAD_MAX  65536u
#define LINK_CONTROL_MAX  8u         /* no control frame has a longer payload */
#define LINK_VERSION      1u
#define LINK_WINDOW       65536u     /* bytes the host may send on an input channel unasked */
#define LINK_OUTPUT_WINDOW  65536u   /* bytes, and device buffers, that may be out without the host's credit */
#define LINK_OUTPUT_BUFFERS 64u
#define LINK_OUTPUT_CHANNEL 1u       /* the channel of that credit */
enum link_stream { LINK_INPUT, LINK_OUTPUT, LINK_ERRORS, LINK_RECORD };  /* of a session; a terminal has the first two */
#define LINK_CHANNEL(session, stream) ((session) * 4u + (stream))
#endif
