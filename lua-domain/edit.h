/*
 * edit.h - one line, edited with the keys of a terminal: pure, from bytes to bytes (edit_test.c).
 *
 * Keys: arrows, Home, End, Delete, Backspace and the Emacs ones (Ctrl-A E B F D H K U W Y T L P N); Up and Down walk the
 * history, with what has been typed so far kept at its end.  A line that is wider than the terminal scrolls sideways.
 * Text is UTF-8: the cursor moves by characters.
 *
 * Invariants
 *   1. at <= length < EDIT_LINE, and at is at the beginning of a character.
 *   2. The history is whole lines, oldest first, each ended by NUL; the oldest make room for new ones.
 */
#ifndef LUA_DOMAIN_EDIT_H
#define LUA_DOMAIN_EDIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDIT_LINE    2048u
#define EDIT_HISTORY 4096u

enum edit_event { EDIT_MORE, EDIT_DONE, EDIT_CANCEL, EDIT_END, EDIT_COMPLETE };

struct edit {
	char line[EDIT_LINE];
	size_t length, at;
	char history[EDIT_HISTORY];
	size_t history_length;
	unsigned back;                 /* lines back in the history; 0: the line being typed */
	char typed[256], killed[256];  /* the line being typed, while older ones are looked at; what was cut last */
	size_t killed_length;
	uint8_t state;                 /* of an escape sequence */
	char parameter;
	const char *prompt;
	unsigned columns;
	void (*put)(void *ctx, const char *bytes, size_t n);
	void *ctx;
};

/* Begins a line: shows the prompt. */
void edit_begin(struct edit *e, const char *prompt, unsigned columns);
enum edit_event edit_key(struct edit *e, unsigned char key);
/* Puts text in at the cursor, as if typed. */
void edit_insert(struct edit *e, const char *text, size_t n);
/* Shows prompt and line again, below whatever was printed. */
void edit_show(struct edit *e);
/* A line for the history, unless it is empty or the last one. */
void edit_remember(struct edit *e, const char *line);
#endif
