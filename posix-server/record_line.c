/*
 * record_line.c - lines of JSON; see record_inner.h and doc/events.md.
 */
#include <string.h>
#include "record_inner.h"

struct line record_line;

void line_put(struct line *l, const char *text)
{
	size_t n = strlen(text);

	if (l->used + n >= sizeof l->text)
		return;
	memcpy(l->text + l->used, text, n);
	l->used += n;
}

/* ,"key":number, without printf, which is the dearest part of a line. */
void line_number(struct line *l, const char *key, uint64_t n)
{
	char digits[24], *at = digits + sizeof digits;

	*--at = 0;
	do
		*--at = '0' + n % 10;
	while (n /= 10);
	line_put(l, key);
	line_put(l, at);
}

/* Every byte that is not plain ASCII becomes \u00XX: a name is bytes, and the host gets the same bytes back. */
void line_string(struct line *l, const char *s, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *at = l->text + l->used, *end = l->text + sizeof l->text - 600;

	*at++ = '"';
	for (size_t i = 0; i < length && at < end; i++) {
		unsigned char c = s[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			*at++ = c;
			continue;
		}
		memcpy(at, "\\u00", 4);
		at[4] = digits[c >> 4];
		at[5] = digits[c & 15];
		at += 6;
	}
	*at++ = '"';
	l->used = at - l->text;
}

void line_end(struct line *l)
{
	l->text[l->used++] = '\n';
	record_sink(l->text, l->used);
	l->used = 0;
}
