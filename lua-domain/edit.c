/*
 * edit.c - see edit.h.
 */
#include <stdio.h>
#include <string.h>
#include "edit.h"

#define CTRL(c) ((c) & 31)

enum { PLAIN, ESCAPE, BRACKET, SS3 };

static void put(struct edit *e, const char *text)
{
	e->put(e->ctx, text, strlen(text));
}

/* ---- characters ---------------------------------------------------------------------------------- */

static bool is_inner(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t before(const struct edit *e, size_t at)
{
	while (at > 0 && is_inner(e->line[--at]))
		;
	return at;
}

static size_t after(const struct edit *e, size_t at)
{
	if (at < e->length)
		at++;
	while (at < e->length && is_inner(e->line[at]))
		at++;
	return at;
}

static size_t width(const char *s, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++)
		w += !is_inner(s[i]);
	return w;
}

/* ---- showing ------------------------------------------------------------------------------------- */

void edit_show(struct edit *e)
{
	size_t prompt = strlen(e->prompt), room = e->columns > prompt + 8 ? e->columns - prompt - 1 : 8;
	size_t from = 0, to = e->length, cursor;
	char move[24];

	while (width(e->line + from, e->at - from) >= room)
		from = after(e, from);
	while (width(e->line + from, to - from) > room)
		to = before(e, to);
	put(e, "\r");
	put(e, e->prompt);
	e->put(e->ctx, e->line + from, to - from);
	put(e, "\033[K\r");
	cursor = prompt + width(e->line + from, e->at - from);
	if (cursor) {
		snprintf(move, sizeof move, "\033[%zuC", cursor);
		put(e, move);
	}
}

void edit_begin(struct edit *e, const char *prompt, unsigned columns)
{
	e->length = e->at = 0;
	e->back = 0;
	e->state = PLAIN;
	e->prompt = prompt;
	e->columns = columns ? columns : 80;
	edit_show(e);
}

/* ---- changing ------------------------------------------------------------------------------------ */

void edit_insert(struct edit *e, const char *text, size_t n)
{
	if (n >= EDIT_LINE - e->length) {
		put(e, "\a");
		return;
	}
	memmove(e->line + e->at + n, e->line + e->at, e->length - e->at);
	memcpy(e->line + e->at, text, n);
	e->length += n;
	e->at += n;
}

static void cut(struct edit *e, size_t from, size_t to, bool keep)
{
	if (keep && to - from > 0) {
		e->killed_length = to - from < sizeof e->killed ? to - from : sizeof e->killed;
		memcpy(e->killed, e->line + from, e->killed_length);
	}
	memmove(e->line + from, e->line + to, e->length - to);
	e->length -= to - from;
	e->at = from;
}

static void word_cut(struct edit *e)
{
	size_t from = e->at;

	while (from > 0 && e->line[from - 1] == ' ')
		from--;
	while (from > 0 && e->line[from - 1] != ' ')
		from--;
	cut(e, from, e->at, true);
}

static void swap_characters(struct edit *e)
{
	size_t second = e->at == e->length ? before(e, e->at) : e->at, first = before(e, second), end = after(e, second);
	char kept[8];
	size_t n = second - first;

	if (second == 0 || n > sizeof kept)
		return;
	memcpy(kept, e->line + first, n);
	memmove(e->line + first, e->line + second, end - second);
	memcpy(e->line + first + (end - second), kept, n);
	e->at = end;
}

/* ---- history ------------------------------------------------------------------------------------- */

/* The n-th line from the end, or NULL. */
static const char *history_line(const struct edit *e, unsigned n)
{
	size_t at = e->history_length;

	while (n-- > 0) {
		if (at == 0)
			return NULL;
		at--;
		while (at > 0 && e->history[at - 1] != 0)
			at--;
	}
	return e->history + at;
}

void edit_remember(struct edit *e, const char *line)
{
	size_t n = strlen(line) + 1;
	const char *last = history_line(e, 1);

	if (n == 1 || n > EDIT_HISTORY || (last && strcmp(last, line) == 0))
		return;
	while (e->history_length + n > EDIT_HISTORY) {
		size_t first = strlen(e->history) + 1;

		e->history_length -= first;
		memmove(e->history, e->history + first, e->history_length);
	}
	memcpy(e->history + e->history_length, line, n);
	e->history_length += n;
}

static void history_go(struct edit *e, int step)
{
	const char *line;
	size_t n;

	if (step < 0 && e->back == 0)
		return;
	if (e->back == 0) {
		n = e->length < sizeof e->typed ? e->length : sizeof e->typed - 1;
		memcpy(e->typed, e->line, n);
		e->typed[n] = 0;
	}
	line = e->back + (unsigned)step == 0 ? e->typed : history_line(e, e->back + (unsigned)step);
	if (!line) {
		put(e, "\a");
		return;
	}
	e->back += (unsigned)step;
	n = strlen(line);
	if (n >= EDIT_LINE)
		n = EDIT_LINE - 1;
	memcpy(e->line, line, n);
	e->length = e->at = n;
}

/* ---- keys ---------------------------------------------------------------------------------------- */

/* The last byte of a sequence such as ESC [ 3 ~. */
static void sequence(struct edit *e, unsigned char key)
{
	switch (key) {
	case 'A': history_go(e, 1); break;
	case 'B': history_go(e, -1); break;
	case 'C': e->at = after(e, e->at); break;
	case 'D': e->at = before(e, e->at); break;
	case 'H': e->at = 0; break;
	case 'F': e->at = e->length; break;
	case '~':
		if (e->parameter == '1' || e->parameter == '7')
			e->at = 0;
		if (e->parameter == '4' || e->parameter == '8')
			e->at = e->length;
		if (e->parameter == '3')
			cut(e, e->at, after(e, e->at), false);
		break;
	}
}

static enum edit_event finish(struct edit *e, enum edit_event event)
{
	e->at = e->length;
	edit_show(e);
	put(e, event == EDIT_CANCEL ? "^C\r\n" : "\r\n");
	e->line[e->length] = 0;
	return event;
}

enum edit_event edit_key(struct edit *e, unsigned char key)
{
	char c = (char)key;

	if (e->state == ESCAPE) {
		e->state = key == '[' ? BRACKET : key == 'O' ? SS3 : PLAIN;
		e->parameter = 0;
		return EDIT_MORE;
	}
	if (e->state == BRACKET || e->state == SS3) {
		if ((key >= '0' && key <= '9') || key == ';') {
			if (!e->parameter)
				e->parameter = c;
			return EDIT_MORE;
		}
		e->state = PLAIN;
		sequence(e, key);
		edit_show(e);
		return EDIT_MORE;
	}
	switch (key) {
	case '\r': case '\n': return finish(e, EDIT_DONE);
	case '\t': return EDIT_COMPLETE;
	case 27: e->state = ESCAPE; return EDIT_MORE;
	case CTRL('C'): return finish(e, EDIT_CANCEL);
	case CTRL('D'):
		if (e->length == 0)
			return finish(e, EDIT_END);
		cut(e, e->at, after(e, e->at), false);
		break;
	case CTRL('A'): e->at = 0; break;
	case CTRL('E'): e->at = e->length; break;
	case CTRL('B'): e->at = before(e, e->at); break;
	case CTRL('F'): e->at = after(e, e->at); break;
	case CTRL('K'): cut(e, e->at, e->length, true); break;
	case CTRL('U'): cut(e, 0, e->at, true); break;
	case CTRL('W'): word_cut(e); break;
	case CTRL('Y'): edit_insert(e, e->killed, e->killed_length); break;
	case CTRL('T'): swap_characters(e); break;
	case CTRL('L'): put(e, "\033[H\033[J"); break;
	case CTRL('P'): history_go(e, 1); break;
	case CTRL('N'): history_go(e, -1); break;
	case CTRL('H'): case 127: cut(e, before(e, e->at), e->at, false); break;
	default:
		if (key < 32)
			return EDIT_MORE;
		edit_insert(e, &c, 1);
		/* The usual case, a key at the end of a line that fits, needs no more than its echo. */
		if (key < 0x80 && e->at == e->length && strlen(e->prompt) + width(e->line, e->length) < e->columns - 1) {
			e->put(e->ctx, &c, 1);
			return EDIT_MORE;
		}
	}
	edit_show(e);
	return EDIT_MORE;
}
