/*
 * words.c - the text of the command language: words, lists, numbers and strings.
 *
 * Rules
 *   1. A word ends at a blank or before a parenthesis; # in front of a word begins a comment.
 *   2. A list ends at its closing parenthesis, a field at a comma; in %a"..." neither counts, and \ takes what follows
 *      as it is: \n, \r, \t, \0 and \xHH are bytes, any other is itself.
 *   3. Nothing here knows keys: a variable is asked for by a function.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "words.h"

/* Whether at begins %a" or %e". */
static bool quote_begins(const char *at)
{
	return at[0] == '%' && (tolower((unsigned char)at[1]) == 'a' || tolower((unsigned char)at[1]) == 'e') && at[2] == '"';
}

/* Behind the quoted text that begins with %a" at `at`, or at the end of all text. */
static char *quote_skip(char *at)
{
	for (at += 3; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/* At the first of those characters outside of quotes; at the end if there is none. */
static char *text_skip(char *at, const char *ends)
{
	while (*at && !strchr(ends, *at))
		at = quote_begins(at) ? quote_skip(at) : at + 1;
	return at;
}

char *word_cut(char **text)
{
	char *p = *text, *word;

	while (isspace((unsigned char)*p))
		p++;
	if (!*p || *p == '#')
		return NULL;
	word = p;
	if (*p == '(') {
		p = text_skip(p, ")");
		p += *p != 0;
	} else {
		while (*p && !isspace((unsigned char)*p) && *p != '(')
			p = quote_begins(p) ? quote_skip(p) : p + 1;
	}
	if (*p && isspace((unsigned char)*p)) {
		*p++ = 0;
	} else if (*p) {
		/* What follows at once is the next word: room for the end of this one.  The line has it (line_read). */
		memmove(p + 1, p, strlen(p) + 1);
		*p++ = 0;
	}
	*text = p;
	return word;
}

static char *trimmed(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	/* The blanks that end a text to send are part of it. */
	if (*text == '%')
		return text;
	for (n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--)
		text[n - 1] = 0;
	return text;
}

int list_read(char *text, char *field[FIELDS], unsigned most)
{
	static char empty[] = "";
	unsigned n = 0;
	char *p, end;

	for (unsigned i = 0; i < FIELDS; i++)
		field[i] = empty;
	if (!text)
		return 0;
	p = text_skip(text, ")");
	if (*text != '(' || !*p || p[1])
		return -1;
	for (p = text + 1, end = ','; end == ','; p++) {
		char *from = p;

		p = text_skip(p, ",)");
		end = *p;
		*p = 0;
		if (n == most || n == FIELDS)
			return -1;
		field[n++] = trimmed(from);
	}
	return (int)n;
}

static bool term_read(const char **text, value_of *value, uint32_t *number)
{
	char word[NAME_LIMIT + 1], *end;
	const uint8_t *bytes;
	size_t n = 0, length;

	if (isdigit((unsigned char)**text)) {
		unsigned long long big = strtoull(*text, &end, 0);

		*text = end;
		*number = (uint32_t)big;
		return big <= UINT32_MAX;
	}
	while (n + 1 < sizeof word && (isalnum((unsigned char)**text) || **text == '_'))
		word[n++] = *(*text)++;
	word[n] = 0;
	if (strcasecmp(word, "kt") == 0) {
		*number = 0x80000000u;
		return true;
	}
	if (n == 0 || !value(word, &bytes, &length))
		return false;
	*number = 0;
	memcpy(number, bytes, length < 4 ? length : 4);
	return true;
}

bool number_read(const char *text, value_of *value, uint32_t *number)
{
	uint32_t term;
	char op = '+';

	*number = 0;
	if (*text == '-')
		op = *text++;
	for (;;) {
		if (!term_read(&text, value, &term))
			return false;
		*number += op == '+' ? term : -term;
		if (*text == 0)
			return true;
		op = *text++;
		if (op != '+' && op != '-')
			return false;
	}
}

static int digit(char c)
{
	return !isxdigit((unsigned char)c) ? -1 : isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static const char *hex_read(const char *text, uint8_t *to, size_t *length)
{
	for (*length = 0; *text; text += 2) {
		if (digit(text[0]) < 0 || digit(text[1]) < 0)
			return "%x takes an even number of hexadecimal digits";
		if (*length == STRING_LIMIT)
			return "a string has at most 4096 bytes";
		to[(*length)++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	}
	return NULL;
}

/* The byte that a \ and what follows mean; *text is left at its last character. */
static uint8_t escape_read(const char **text)
{
	static const char names[] = "nrt0", bytes[] = "\n\r\t";
	const char *name;

	if (**text == 'x' && digit((*text)[1]) >= 0 && digit((*text)[2]) >= 0) {
		*text += 2;
		return (uint8_t)(digit((*text)[-1]) << 4 | digit((*text)[0]));
	}
	name = strchr(names, **text);
	return (uint8_t)(name && *name ? bytes[name - names] : **text);
}

static const char *text_read(const char *text, uint8_t *to, size_t *length)
{
	bool quoted = *text == '"';

	for (text += quoted; *text && !(quoted && *text == '"'); text++) {
		if (*length == STRING_LIMIT)
			return "a string has at most 4096 bytes";
		if (quoted && *text == '\\' && text[1]) {
			text++;
			to[(*length)++] = escape_read(&text);
		} else {
			to[(*length)++] = (uint8_t)*text;
		}
	}
	if (!quoted)
		return NULL;
	if (*text != '"')
		return "the quoted text is not closed";
	while (isspace((unsigned char)*++text))
		;
	return *text ? "something stands behind the quoted text" : NULL;
}

const char *string_read(const char *text, value_of *value, uint8_t *to, size_t *length)
{
	const uint8_t *bytes;
	uint32_t number;
	char form = (char)(text[0] == '%' ? tolower((unsigned char)text[1]) : 0);

	*length = 0;
	if (!*text)
		return NULL;
	if (form == 'x') {
		char digits[2 * STRING_LIMIT + 3];
		size_t n = strlen(text + 2);

		while (n > 0 && isspace((unsigned char)text[n + 1]))
			n--;
		if (n > sizeof digits - 1)
			return "a string has at most 4096 bytes";
		memcpy(digits, text + 2, n);
		digits[n] = 0;
		return hex_read(digits, to, length);
	}
	if (form == 'a' || form == 'e')
		return text_read(text + 2, to, length);
	if (value(text, &bytes, length)) {
		memcpy(to, bytes, *length);
		return NULL;
	}
	if (!number_read(text, value, &number))
		return "it is no string: %xHEX, %aTEXT, a number of 32 bits or a variable";
	memcpy(to, &number, *length = sizeof number);
	return NULL;
}

bool name_valid(const char *name)
{
	return *name && *name != '%' && strlen(name) <= NAME_LIMIT;
}

bool variable_valid(const char *name)
{
	if (!isalpha((unsigned char)*name) || strlen(name) > NAME_LIMIT || strcasecmp(name, "kt") == 0)
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return *name == 0;
}
