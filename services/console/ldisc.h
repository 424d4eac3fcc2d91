/*
 * ldisc.h - the line discipline of a terminal: what stands between keys and read().
 *
 * It behaves as Linux's N_TTY does, byte for byte where a program can see it: editing in
 * canonical mode, echo, signals from the keyboard, input and output translation, VMIN.
 *
 * Invariants
 *   1. Pure C: no capability, no clock, no blocking.  The owner gives it an output ring.
 *   2. Bytes tail..line_head are complete lines (canonical) or all of the input (raw);
 *      line_head..head is the line being edited and can still be erased.
 *   3. column is where the cursor is, as far as the bytes written tell; line_column is
 *      where the line being edited began, so that a tab can be erased exactly.
 *
 * Interface
 *   ldisc_input   keys from the outside; echoes into out, raises events
 *   ldisc_output  bytes from a program; returns how many were taken
 *   ldisc_read    what a read gives now
 *   ldisc_set     tcsetattr; ldisc_set_size: window size, raises WINCH if it changed
 *
 * VTIME is the owner's: it has the clock.  It calls ldisc_read with expired = true when
 * the time between bytes (or for the read, if VMIN is 0) has passed.
 */
#ifndef CONSOLE_LDISC_H
#define CONSOLE_LDISC_H
#include "ring.h"

#define LDISC_CC        19
#define LDISC_QUEUE     8192u         /* a power of two */
#define LDISC_LINE_MAX  4095u         /* bytes of a line with its end, as Linux has it */
#define LDISC_ECHO_ROOM 4096u         /* output room that only echo may use */

enum ldisc_event { EVENT_INTR = 1, EVENT_QUIT = 2, EVENT_SUSP = 4, EVENT_WINCH = 8, EVENT_HUP = 16 };
enum ldisc_result { LDISC_DATA, LDISC_AGAIN };

/* Where the owner finds VMIN and VTIME, without the C library's header. */
enum { VTIME_INDEX = 5, VMIN_INDEX = 6 };

/* As TCGETS2 gives it; its first 36 bytes are what TCGETS gives. */
struct ldisc_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[LDISC_CC];
	uint32_t ispeed, ospeed;
};
#define LDISC_TERMIOS_SHORT 36u
_Static_assert(sizeof(struct ldisc_termios) == 44, "the kernel's struct termios2");

struct ldisc {
	struct ldisc_termios t;
	uint16_t rows, columns;
	uint32_t events;              /* raised since the owner last cleared them */
	bool stopped;                 /* output is held by VSTOP */

	/* Input queue: a byte, and whether it ends a line. */
	uint8_t byte[LDISC_QUEUE];
	uint8_t mark[LDISC_QUEUE];    /* enum in ldisc.c: none, end of line, end of file */
	uint32_t head, line_head, tail;
	bool literal;                 /* the next key is taken as it is (VLNEXT) */

	struct ring *out;
	uint32_t column, line_column;
};

/* Keys go in, what programs write goes through to out, and a read takes what is ready; see the rules above. */
void ldisc_init(struct ldisc *l, struct ring *out);
void ldisc_input(struct ldisc *l, const uint8_t *bytes, size_t n);
size_t ldisc_output(struct ldisc *l, const uint8_t *bytes, size_t n);
enum ldisc_result ldisc_read(struct ldisc *l, uint8_t *to, size_t limit, bool expired, size_t *got);
void ldisc_set(struct ldisc *l, const void *termios, size_t length);
void ldisc_set_size(struct ldisc *l, uint16_t rows, uint16_t columns);
void ldisc_flush_input(struct ldisc *l);

/* Whether a read gives a line (ICANON). */
bool ldisc_is_canonical(const struct ldisc *l);
/* Whether poll() finds input. */
bool ldisc_readable(const struct ldisc *l);
/* Bytes that a read would give now (FIONREAD). */
size_t ldisc_available(const struct ldisc *l);
/* Keys that can surely be taken without dropping any. */
size_t ldisc_room(const struct ldisc *l);
/* Whether one of the keys raises a signal: such a key must not wait behind unread input. */
bool ldisc_has_signal(const struct ldisc *l, const uint8_t *bytes, size_t n);
#endif
