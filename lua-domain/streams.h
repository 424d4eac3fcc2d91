/*
 * streams.h - the standard streams, and Lua's io library over them.
 *
 * Output is gathered and goes out when a line ends on a terminal, when much has come together, before input is
 * waited for, and at the end.  Reading waits in loop_wait: other messages are served meanwhile.
 */
#ifndef LUA_DOMAIN_STREAMS_H
#define LUA_DOMAIN_STREAMS_H
#include "domain.h"

/* Reads up to `limit` bytes; waits for at least one.  0: the end of the input. */
size_t in_read(char *to, size_t limit);
/* A byte of standard input that is not taken, or -1 at its end. */
int in_peek(void);
int in_get(void);
#endif
