/*
 * ldisc.c - see ldisc.h.
 *
 * Sections: output, echo, erasing, input, reading, settings.
 */
#define _GNU_SOURCE
#include "ldisc.h"
#include <ctype.h>
#include <termios.h>

/* The C libraries' headers leave these out in places; the values are Linux's. */
#ifndef IUTF8
#define IUTF8 0040000
#endif
#ifndef IUCLC
#define IUCLC 0001000
#endif
#ifndef OLCUC
#define OLCUC 0000002
#endif
#ifndef TABDLY
#define TABDLY 0014000
#endif
#ifndef TAB3
#define TAB3 0014000
#endif

_Static_assert(VTIME == VTIME_INDEX && VMIN == VMIN_INDEX, "the header's numbers are Linux's");

enum mark { MARK_NONE, MARK_LINE, MARK_EOF };

static bool iflag(const struct ldisc *l, uint32_t bit) { return (l->t.iflag & bit) != 0; }
static bool oflag(const struct ldisc *l, uint32_t bit) { return (l->t.oflag & bit) != 0; }
static bool lflag(const struct ldisc *l, uint32_t bit) { return (l->t.lflag & bit) != 0; }

/* A control character that is set to NUL is switched off. */
static bool is_cc(const struct ldisc *l, unsigned which, uint8_t c)
{
	return c && l->t.cc[which] == c;
}

static bool is_control(uint8_t c)
{
	return c < 32 || c == 127;
}

/* The second and later bytes of a UTF-8 character take no column of their own. */
static bool is_continuation(const struct ldisc *l, uint8_t c)
{
	return iflag(l, IUTF8) && (c & 0xC0) == 0x80;
}

static uint8_t queue_byte(const struct ldisc *l, uint32_t at)
{
	return l->byte[at & (LDISC_QUEUE - 1)];
}

static uint8_t queue_mark(const struct ldisc *l, uint32_t at)
{
	return l->mark[at & (LDISC_QUEUE - 1)];
}

/* ---- output ------------------------------------------------------------------------------- */

static void put_raw(struct ldisc *l, const char *bytes, size_t n)
{
	/* Half an escape would be worse than none: echo that does not fit is dropped whole. */
	if (ring_room(l->out) >= n)
		ring_put(l->out, bytes, n);
}

static void put_byte(struct ldisc *l, uint8_t c)
{
	put_raw(l, (const char *)&c, 1);
}

/* One byte through output processing.  Needs room for eight bytes. */
static void put_processed(struct ldisc *l, uint8_t c)
{
	uint32_t spaces;

	switch (c) {
	case '\n':
		if (oflag(l, ONLRET))
			l->column = 0;
		if (oflag(l, ONLCR)) {
			l->column = l->line_column = 0;
			put_raw(l, "\r\n", 2);
			return;
		}
		l->line_column = l->column;
		break;
	case '\r':
		if (oflag(l, ONOCR) && l->column == 0)
			return;
		if (oflag(l, OCRNL)) {
			c = '\n';
			if (oflag(l, ONLRET))
				l->column = l->line_column = 0;
			break;
		}
		l->column = l->line_column = 0;
		break;
	case '\t':
		spaces = 8 - (l->column & 7);
		l->column += spaces;
		if ((l->t.oflag & TABDLY) == TAB3) {
			put_raw(l, "        ", spaces);
			return;
		}
		break;
	case '\b':
		if (l->column)
			l->column--;
		break;
	default:
		if (is_control(c))
			break;
		if (oflag(l, OLCUC))
			c = (uint8_t)toupper(c);
		if (!is_continuation(l, c))
			l->column++;
	}
	put_byte(l, c);
}

size_t ldisc_output(struct ldisc *l, const uint8_t *bytes, size_t n)
{
	size_t done = 0;
	uint32_t room = ring_room(l->out);

	if (room <= LDISC_ECHO_ROOM)
		return 0;
	if (!oflag(l, OPOST))
		return ring_put(l->out, bytes, n < room - LDISC_ECHO_ROOM ? n : room - LDISC_ECHO_ROOM);
	while (done < n && ring_room(l->out) >= LDISC_ECHO_ROOM + 8)
		put_processed(l, bytes[done++]);
	return done;
}

/* ---- echo --------------------------------------------------------------------------------- */

static void echo_raw(struct ldisc *l, uint8_t c)
{
	if (oflag(l, OPOST))
		put_processed(l, c);
	else
		put_byte(l, c);
}

/* As echo_raw, but shows control characters as ^X if asked to. */
static void echo(struct ldisc *l, uint8_t c)
{
	if (lflag(l, ECHOCTL) && is_control(c) && c != '\t') {
		char shown[2] = { '^', (char)(c ^ 0x40) };

		put_raw(l, shown, 2);
		l->column += 2;
		return;
	}
	echo_raw(l, c);
}

static void echo_wipe(struct ldisc *l, uint32_t columns)
{
	while (columns--) {
		echo_raw(l, '\b');
		echo_raw(l, ' ');
		echo_raw(l, '\b');
	}
}

/* A tab is blank already: the cursor only goes back. */
static void echo_back(struct ldisc *l, uint32_t columns)
{
	while (columns--) {
		put_byte(l, '\b');
		if (l->column)
			l->column--;
	}
}

/* ---- erasing -------------------------------------------------------------------------------- */

/* How many columns the tab at l->head took, from what stands before it on the line. */
static uint32_t tab_columns(const struct ldisc *l)
{
	uint32_t at = l->head, columns = 0;

	while (at != l->line_head) {
		uint8_t c = queue_byte(l, --at);

		if (c == '\t')
			return 8 - (columns & 7);
		if (is_control(c))
			columns += lflag(l, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(l, c))
			columns++;
	}
	return 8 - ((columns + l->line_column) & 7);
}

/* Shows that character c, now gone from the queue, is erased. */
static void echo_erased(struct ldisc *l, uint8_t c, bool single)
{
	if (!lflag(l, ECHO))
		return;
	if (single && !lflag(l, ECHOE))
		echo(l, l->t.cc[VERASE]);
	else if (c == '\t')
		echo_back(l, tab_columns(l));
	else if (!is_control(c))
		echo_wipe(l, 1);
	else if (lflag(l, ECHOCTL))
		echo_wipe(l, 2);
}

static void erase(struct ldisc *l, unsigned which)
{
	bool in_word = false;

	if (l->head == l->line_head)
		return;
	if (which == VKILL && !lflag(l, ECHO)) {
		l->head = l->line_head;
		return;
	}
	if (which == VKILL && !(lflag(l, ECHOK) && lflag(l, ECHOKE) && lflag(l, ECHOE))) {
		l->head = l->line_head;
		echo(l, l->t.cc[VKILL]);
		if (lflag(l, ECHOK))
			echo_raw(l, '\n');
		return;
	}
	while (l->head != l->line_head) {
		uint32_t at = l->head;
		uint8_t c;

		do
			c = queue_byte(l, --at);
		while (is_continuation(l, c) && at != l->line_head);
		if (is_continuation(l, c))
			break;               /* a line of stray continuation bytes: leave it */
		if (which == VWERASE) {
			bool word = isalnum(c) || c == '_' || c >= 0x80;

			if (!word && in_word)
				break;
			in_word |= word;
		}
		l->head = at;
		echo_erased(l, c, which == VERASE);
		if (which == VERASE)
			break;
	}
}

/* ---- input ---------------------------------------------------------------------------------- */

static void enqueue(struct ldisc *l, uint8_t c, enum mark mark)
{
	uint32_t at;

	/* One place is kept free for the end of a line, so that a full queue can be read. */
	if (l->head - l->tail >= LDISC_QUEUE - (mark == MARK_NONE))
		return;
	/* A line that is too long keeps its end: the last byte is replaced, as on Linux. */
	if (lflag(l, ICANON) && l->head - l->line_head >= LDISC_LINE_MAX - (mark == MARK_NONE))
		l->head--;
	at = l->head++ & (LDISC_QUEUE - 1);
	l->byte[at] = c;
	l->mark[at] = mark;
	if (mark != MARK_NONE)
		l->line_head = l->head;
}

void ldisc_flush_input(struct ldisc *l)
{
	l->head = l->line_head = l->tail;
	l->literal = false;
}

static uint32_t signal_of(const struct ldisc *l, uint8_t c)
{
	if (!lflag(l, ISIG))
		return 0;
	if (is_cc(l, VINTR, c))
		return EVENT_INTR;
	if (is_cc(l, VQUIT, c))
		return EVENT_QUIT;
	return is_cc(l, VSUSP, c) ? EVENT_SUSP : 0;
}

bool ldisc_has_signal(const struct ldisc *l, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (signal_of(l, bytes[i]))
			return true;
	return false;
}

static void raise_signal(struct ldisc *l, uint32_t event, uint8_t c)
{
	if (!lflag(l, NOFLSH)) {
		ldisc_flush_input(l);
		ring_clear(l->out);
	}
	l->events |= event;
	if (iflag(l, IXON))
		l->stopped = false;
	if (lflag(l, ECHO))
		echo(l, c);
}

static void reprint(struct ldisc *l)
{
	echo(l, l->t.cc[VREPRINT]);
	echo_raw(l, '\n');
	for (uint32_t at = l->line_head; at != l->head; at++)
		echo(l, queue_byte(l, at));
}

/* A newline that comes by VLNEXT is part of the line, and is shown as ^J. */
static void echo_input(struct ldisc *l, uint8_t c, bool literal)
{
	if (c == '\n' && !literal) {
		echo_raw(l, c);
		return;
	}
	if (l->head == l->line_head)
		l->line_column = l->column;
	echo(l, c);
}

/* Canonical mode's special keys.  True if the key is done with. */
static bool input_editing(struct ldisc *l, uint8_t c)
{
	bool extended = lflag(l, IEXTEN);

	if (is_cc(l, VERASE, c))
		erase(l, VERASE);
	else if (is_cc(l, VKILL, c))
		erase(l, VKILL);
	else if (extended && is_cc(l, VWERASE, c))
		erase(l, VWERASE);
	else if (extended && is_cc(l, VREPRINT, c) && lflag(l, ECHO))
		reprint(l);
	else if (c == '\n') {
		if (lflag(l, ECHO) || lflag(l, ECHONL))
			echo_raw(l, '\n');
		enqueue(l, c, MARK_LINE);
	} else if (is_cc(l, VEOF, c))
		enqueue(l, c, MARK_EOF);
	else if (is_cc(l, VEOL, c) || (extended && is_cc(l, VEOL2, c))) {
		if (lflag(l, ECHO))
			echo_input(l, c, false);
		enqueue(l, c, MARK_LINE);
	} else
		return false;
	return true;
}

static void input_plain(struct ldisc *l, uint8_t c, bool literal)
{
	if (lflag(l, ECHO))
		echo_input(l, c, literal);
	if (iflag(l, PARMRK) && c == 0xFF)
		enqueue(l, c, MARK_NONE);
	enqueue(l, c, MARK_NONE);
}

/* VLNEXT: the caret shows that a key is awaited, and the key is drawn over it. */
static void input_literal_next(struct ldisc *l)
{
	l->literal = true;
	if (!lflag(l, ECHO) || !lflag(l, ECHOCTL))
		return;
	if (l->head == l->line_head)
		l->line_column = l->column;
	put_raw(l, "^\b", 2);
}

/* The order of the questions is Linux's, and programs can tell. */
static void input_byte(struct ldisc *l, uint8_t c)
{
	uint32_t event;

	if (iflag(l, ISTRIP))
		c &= 0x7F;
	if (iflag(l, IUCLC) && lflag(l, IEXTEN))
		c = (uint8_t)tolower(c);
	if (l->literal) {
		l->literal = false;
		input_plain(l, c, true);
		return;
	}

	/* Does it start or stop the output? */
	if (iflag(l, IXON) && is_cc(l, VSTART, c)) {
		l->stopped = false;
		return;
	}
	if (iflag(l, IXON) && is_cc(l, VSTOP, c)) {
		l->stopped = true;
		return;
	}

	/* Is it a signal? */
	event = signal_of(l, c);
	if (event) {
		raise_signal(l, event, c);
		return;
	}
	if (l->stopped && iflag(l, IXON) && iflag(l, IXANY))
		l->stopped = false;

	/* Which newline is it? */
	if (c == '\r') {
		if (iflag(l, IGNCR))
			return;
		if (iflag(l, ICRNL))
			c = '\n';
	} else if (c == '\n' && iflag(l, INLCR))
		c = '\r';

	if (!lflag(l, ICANON)) {
		input_plain(l, c, false);
		return;
	}
	if (lflag(l, IEXTEN) && is_cc(l, VLNEXT, c)) {
		input_literal_next(l);
		return;
	}
	if (!input_editing(l, c))
		input_plain(l, c, false);
}

void ldisc_input(struct ldisc *l, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		input_byte(l, bytes[i]);
	if (!lflag(l, ICANON))
		l->line_head = l->head;
}

size_t ldisc_room(const struct ldisc *l)
{
	uint32_t used = l->head - l->tail;

	/* A byte can take two places (PARMRK), and a line being edited bounds itself. */
	if (lflag(l, ICANON) && l->line_head == l->tail)
		return LDISC_LINE_MAX;
	return used + 8 < LDISC_QUEUE ? (LDISC_QUEUE - used - 8) / 2 : 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

static enum ldisc_result read_line(struct ldisc *l, uint8_t *to, size_t limit, size_t *got)
{
	size_t n = 0;

	*got = 0;
	if (l->tail == l->line_head)
		return LDISC_AGAIN;
	if (!limit)
		return LDISC_DATA;
	while (l->tail != l->line_head) {
		uint8_t mark = queue_mark(l, l->tail), c = queue_byte(l, l->tail);

		/* An end of file right behind the last byte asked for belongs to this read. */
		if (mark == MARK_EOF) {
			l->tail++;
			break;
		}
		if (n == limit)
			break;
		to[n++] = c;
		l->tail++;
		if (mark == MARK_LINE)
			break;
	}
	*got = n;
	return LDISC_DATA;
}

enum ldisc_result ldisc_read(struct ldisc *l, uint8_t *to, size_t limit, bool expired, size_t *got)
{
	uint32_t have = l->head - l->tail, least = l->t.cc[VMIN];

	if (lflag(l, ICANON))
		return read_line(l, to, limit, got);
	*got = 0;
	if (least > limit)
		least = (uint32_t)limit;
	if (!least && l->t.cc[VTIME] && limit)
		least = 1;
	if (have < least && !expired)
		return LDISC_AGAIN;
	/* Time without a byte says nothing when VMIN asks for at least one. */
	if (expired && !have && l->t.cc[VMIN])
		return LDISC_AGAIN;
	while (*got < limit && l->tail != l->head)
		to[(*got)++] = queue_byte(l, l->tail++);
	l->line_head = l->head;
	return LDISC_DATA;
}

bool ldisc_is_canonical(const struct ldisc *l)
{
	return lflag(l, ICANON);
}

bool ldisc_readable(const struct ldisc *l)
{
	uint32_t least = 1;

	if (lflag(l, ICANON))
		return l->tail != l->line_head;
	if (!l->t.cc[VTIME] && l->t.cc[VMIN])
		least = l->t.cc[VMIN];
	return l->head - l->tail >= least;
}

size_t ldisc_available(const struct ldisc *l)
{
	size_t n = 0;

	for (uint32_t at = l->tail; at != l->line_head; at++)
		n += queue_mark(l, at) != MARK_EOF;
	return n;
}

/* ---- settings ------------------------------------------------------------------------------- */

/*
 * What is in the queue when the mode changes is kept: all of it is one line in canonical
 * mode, and all of it can be read in raw mode.
 */
static void mode_changed(struct ldisc *l)
{
	for (uint32_t at = l->tail; at != l->head; at++)
		l->mark[at & (LDISC_QUEUE - 1)] = MARK_NONE;
	if (lflag(l, ICANON) && l->head != l->tail)
		l->mark[(l->head - 1) & (LDISC_QUEUE - 1)] = MARK_LINE;
	l->line_head = l->head;
	l->literal = false;
}

void ldisc_set(struct ldisc *l, const void *termios, size_t length)
{
	uint32_t before = l->t.lflag;

	memcpy(&l->t, termios, length >= sizeof l->t ? sizeof l->t : LDISC_TERMIOS_SHORT);
	if ((before ^ l->t.lflag) & ICANON)
		mode_changed(l);
	if (!iflag(l, IXON))
		l->stopped = false;
}

void ldisc_set_size(struct ldisc *l, uint16_t rows, uint16_t columns)
{
	if (l->rows == rows && l->columns == columns)
		return;
	l->rows = rows;
	l->columns = columns;
	l->events |= EVENT_WINCH;
}

void ldisc_init(struct ldisc *l, struct ring *out)
{
	memset(l, 0, sizeof *l);
	l->out = out;
	l->rows = 24;
	l->columns = 80;
	l->t.iflag = ICRNL | IXON | IUTF8;
	l->t.oflag = OPOST | ONLCR;
	l->t.cflag = B38400 | CS8 | CREAD | HUPCL;
	l->t.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	l->t.ispeed = l->t.ospeed = 38400;
	l->t.cc[VINTR] = 'C' - 64;
	l->t.cc[VQUIT] = '\\' - 64;
	l->t.cc[VERASE] = 127;
	l->t.cc[VKILL] = 'U' - 64;
	l->t.cc[VEOF] = 'D' - 64;
	l->t.cc[VMIN] = 1;
	l->t.cc[VSTART] = 'Q' - 64;
	l->t.cc[VSTOP] = 'S' - 64;
	l->t.cc[VSUSP] = 'Z' - 64;
	l->t.cc[VREPRINT] = 'R' - 64;
	l->t.cc[VDISCARD] = 'O' - 64;
	l->t.cc[VWERASE] = 'W' - 64;
	l->t.cc[VLNEXT] = 'V' - 64;
}
