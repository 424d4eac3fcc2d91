/*
 * pump_inner.h - what the parts of the pump know of each other: one run, and the ends of its streams.
 *
 * Invariants
 *   1. Nothing but the sandbox's bytes goes to standard output; all of them do before we exit.
 *   2. Input is sent only against credit, so a command that never reads costs no memory here and control
 *      frames are never stuck; output waits in the socket once QUEUE_MAX bytes wait for a slow reader.
 *   3. The terminal is as we found it after every way out: return, die, signal.
 *   4. Our own streams stay blocking (they are shared with others): poll says when PIPE_BUF bytes can be
 *      written to a pipe, and no more are written at once.
 */
#ifndef TOOLS_PUMP_INNER_H
#define TOOLS_PUMP_INNER_H
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <keros/hostlink.h>
#include "lib/pump.h"
#include "lib/refusals.h"
#include "lib/util.h"

#define INPUT_CHUNK     16384u
#define CONTROL_CHANNEL LINK_CHANNEL(15, 0) /* the control service's input; its output is the next */
#define ASKERS          8
#define SAVE_ID         0u         /* of our own request; those of askers begin at 1 */
#define STATUS_FAILED   125

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
		struct buffer out;     /* what it has not taken yet of its answer */
		bool ends;             /* with what is in out */
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

/* ---- pump_link.c: frames (doc/link.md) ------------------------------------------------------------------------ */
void frame_send(struct pump *p, uint8_t type, uint8_t channel, const void *payload, uint32_t length);
void input_send(struct pump *p, const uint8_t *bytes, size_t length);
bool input_wanted(const struct pump *p);
void input_read(struct pump *p);
void link_write(struct pump *p);
void link_read(struct pump *p);

/* ---- pump_terminal.c: the user's terminal ---------------------------------------------------------------------- */
void terminal_make_raw(void);
void terminal_restore(void);
bool terminal_raw(void);                       /* lines want a carriage return */
void terminal_send_size(struct pump *p);
void terminal_switch(struct pump *p);         /* to the other of two */
void terminal_take(struct pump *p, unsigned session, const uint8_t *bytes, uint32_t length);
void keys_type(struct pump *p, const uint8_t *keys, size_t length);

/* ---- pump_output.c: our own streams, and the record ------------------------------------------------------------- */
void sink_open(struct sink *s, int fd);
void sink_add(struct sink *s, const void *data, size_t length);
void sink_write(struct pump *p, unsigned i);
size_t sink_waiting(const struct sink *s);    /* bytes not yet written */
bool outputs_full(const struct pump *p);
int record_create(const struct run *r);       /* -1: none is wanted */
void record_take(struct pump *p, uint8_t channel, const uint8_t *bytes, uint32_t length);

/* ---- pump_ask.c: requests of other commands (lib/control.h) ------------------------------------------------------ */
void asker_accept(struct pump *p);
void asker_read(struct pump *p, struct asker *a);
void asker_write(struct asker *a);
void answers_take(struct pump *p, const uint8_t *bytes, uint32_t length);

/* ---- pump_log.c: the machine's log -------------------------------------------------------------------------------- */
void log_read(struct pump *p);
/* Says what happened, with the log's last lines if they were not shown already; STATUS_FAILED. */
__attribute__((format(printf, 2, 3))) int log_fail(const struct pump *p, const char *format, ...);
#endif
