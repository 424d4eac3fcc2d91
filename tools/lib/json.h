/*
 * json.h - fields of flat JSON objects, one a line, as the control service writes them; and text for those we write.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/util.h"

/* The number of a field; 0 if it is not there. */
uint64_t json_number(const char *object, const char *name);
bool json_has(const char *object, const char *name);
/* The text of a field, freshly allocated; its length in *length if that is not NULL.  "" if it is not there. */
char *json_string(const char *object, const char *name, size_t *length);
/* Appends text as a JSON string, with its quotes. */
void json_add(struct buffer *b, const char *text, size_t length);
/* Dies with the text of the field "error", if there is one. */
void json_die_of_error(const char *object);

#endif
