/*
 * json.c - fields of flat JSON objects.  Not a parser of JSON: what it reads was written by our own control service,
 * whose strings hold no quote or backslash but in escapes of the form \\u00XX.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/json.h"

/* What follows "name": in the object, or NULL. */
static const char *find(const char *object, const char *name)
{
	char *key = xasprintf("\"%s\":", name);
	const char *at = strstr(object, key);

	at = at ? at + strlen(key) : NULL;
	free(key);
	return at;
}

uint64_t json_number(const char *object, const char *name)
{
	const char *at = find(object, name);

	return at ? strtoull(at, NULL, 10) : 0;
}

bool json_has(const char *object, const char *name)
{
	return find(object, name) != NULL;
}

char *json_string(const char *object, const char *name, size_t *length)
{
	const char *at = find(object, name);
	struct buffer b = { 0 };

	if (at && *at == '"')
		for (at++; *at && *at != '"'; at++) {
			unsigned code = (unsigned char)*at;

			if (*at == '\\' && sscanf(at, "\\u%4x", &code) == 1)
				at += 5;
			buffer_add(&b, &(char){ (char)code }, 1);
		}
	if (length)
		*length = b.length;
	buffer_add(&b, "", 1);
	return (char *)b.data;
}

void json_add(struct buffer *b, const char *text, size_t length)
{
	buffer_add(b, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			buffer_add(b, "\\", 1);
		if (c >= 0x20) {
			buffer_add(b, text + i, 1);
		} else {
			char escape[8];

			buffer_add(b, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
		}
	}
	buffer_add(b, "\"", 1);
}

void json_die_of_error(const char *object)
{
	if (json_has(object, "error"))
		die("%s", json_string(object, "error", NULL));
}
