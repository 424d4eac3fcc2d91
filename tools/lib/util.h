/*
 * util.h - what every host tool needs: failing with a sentence, memory that is there, growing buffers.
 *
 * Interface
 *   die        prints "NAME: text" on stderr and exits with 1
 *   misuse     the same for a wrong command line: exits with 2
 *   x...       as the function without x, but never fails: no memory is a die
 */
#ifndef TOOLS_UTIL_H
#define TOOLS_UTIL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const char *tool_name;

/* Runs before die and misuse end the process; the keros command restores the terminal there. */
extern void (*tool_cleanup)(void);

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void misuse(const char *format, ...);
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);

/* All sizes are in bytes. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
__attribute__((format(printf, 1, 2))) char *xasprintf(const char *format, ...);

struct buffer {
	uint8_t *data;
	size_t length, room;
};
void buffer_add(struct buffer *b, const void *data, size_t length);     /* copies it behind what is there */
void buffer_text(struct buffer *b, const char *text);       /* without its NUL */
void buffer_drop(struct buffer *b, size_t length);          /* from the front */

/* Everything that can be read from fd; what = its name, for the error. */
struct buffer read_all(int fd, const char *what);
struct buffer read_file(const char *path);
void write_all(int fd, const void *data, size_t length, const char *what);

/* Replaces path by the new content, in one step. */
void write_file(const char *path, const void *data, size_t length);

#endif
