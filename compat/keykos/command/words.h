/*
 * words.h - the text of the command language: words, lists, numbers and strings (words.c).
 */
#ifndef KEYKOS_WORDS_H
#define KEYKOS_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRING_LIMIT 4096u
#define FIELDS 17u                         /* of a list: a string, and sixteen keys */

/* The value of a variable by its name; false if there is none.  bytes stay the teller's. */
typedef bool value_of(const char *name, const uint8_t **bytes, size_t *length);

/* The next word of *text, or a parenthesis as a whole; NULL at the end or at a comment. */
char *word_cut(char **text);

/*
 * "(a, b,,c)" into fields without the blanks around them; those that are not there are empty.  Returns how many there
 * were, or -1 if it is no list: not in parentheses, not closed, more than most fields.
 */
int list_read(char *text, char *field[FIELDS], unsigned most);

/* Numbers, kt and variables joined by + and -, modulo 2^32.  false: it is none, or does not fit into 32 bits. */
bool number_read(const char *text, value_of *value, uint32_t *number);

/* What a field says to send, into to (STRING_LIMIT bytes).  NULL, or what is wrong with it. */
const char *string_read(const char *text, value_of *value, uint8_t *to, size_t *length);

/* Whether it can name a key: something without % in front that fits (NAME_LIMIT bytes). */
#define NAME_LIMIT 39u
bool name_valid(const char *name);
/* The same for a variable: letters, digits and _, a letter in front, and not kt. */
bool variable_valid(const char *name);

#endif
