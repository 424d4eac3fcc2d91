/*
 * console.h - what the parts of the console know of each other: sessions, their streams, and who moves bytes.
 *
 * Invariants
 *   1. No client is ever called, and no reply waits for anybody: a capability is kept as a
 *      watcher only if discrim says that it is a notice, and what is answered later is a
 *      resume capability.  So the only processes we wait for are the kernel and our bank.
 *   2. Bytes wait in rings: session.in until a client reads them, stream.out until the
 *      device takes them.  A full ring is RC_AGAIN (out) or withheld credit (in).
 *   3. Whoever was told "not ready" gets a notice when that changes.
 *   4. EXIT goes out after all output of its session; finish is answered when the device is
 *      done with the EXIT frame (or, on the serial line, with the output).
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <keros/inv.h>
#include "ldisc.h"
#include "link.h"
#include "ring.h"

#define SESSIONS       16u
#define HISTORY        2048u              /* of terminal output, shown again after a restart; a power of two */

enum channel { INPUT, OUTPUT, ERRORS, TERMINAL, RECORD, CHANNELS };
enum finish { FINISH_NONE, FINISH_WAITING, FINISH_SENT, FINISH_DONE };

struct stream {
	struct session *session;
	enum channel channel;
	bool open, watched, hung_up;
	bool want_room, want_drain;        /* a client was told to wait for it */
	bool news;                         /* its watcher is to be posted */
	struct ring out;                   /* OUTPUT, ERRORS, TERMINAL */
	struct ldisc *discipline;          /* TERMINAL */

	/* VTIME: when the time runs out (0: it does not run), and that it has. */
	uint64_t alarm_ns;
	bool expired;
};

struct session {
	struct stream stream[CHANNELS];
	struct ring in;                    /* from the host, not yet read; made at first use */
	bool ended;                        /* the host sends no more input */
	uint32_t owed;                     /* bytes read since credit was last given */
	enum finish finish;
	bool reply_awaited;
	uint32_t status;
	uint16_t rows, columns;            /* the host's last word on the window; 0: none */
	uint64_t exit_number;              /* the device buffer that holds EXIT */
	uint8_t history[HISTORY];          /* the last of the terminal's output: byte i is at i % HISTORY */
	uint32_t history_end;
	bool replay;                       /* it is to be shown once more */
};

extern struct session sessions[SESSIONS];
extern unsigned session_count;             /* sessions from here on were never used */
extern struct link_flight flight;          /* of output on the link */
extern bool on_link;                       /* the device is the host link, not the serial line */
extern const struct stream_server stream_server;

static inline unsigned session_number(const struct session *s)
{
	return (unsigned)(s - sessions);
}

static inline unsigned stream_number(const struct stream *s)
{
	return session_number(s->session) * CHANNELS + s->channel;
}

/* ---- input.c: from the device to session.in and the line discipline ------------------------------ */
bool session_has_input(struct session *s);     /* its ring is there, made now if need be; false: no memory */
void terminal_feed(struct stream *t);
void input_received(const uint8_t *bytes, size_t n); /* what the device brought */
void input_begin(void);                        /* the host's end of the link is a new one */

/* ---- output.c: from stream.out to the device ------------------------------------------------------- */
void output_pump(void);                        /* as much as the device takes */
bool output_waits(void);                       /* whether its interrupt is wanted */
void output_begin(void);                       /* the host's end of the link is a new one */
void answer_finished(void);                    /* finish calls whose last frame is out */

/* ---- stream.c: what clients ask of a stream ---------------------------------------------------------- */
void alarm_update(void);                       /* VTIME: expires what is due, sets the next alarm */
cap_t watcher_node(const struct stream *s);    /* the register of the node that holds its watcher */
#endif
