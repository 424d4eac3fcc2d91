/*
 * config.h - what every file of Lua's own source is compiled with before its own text (rules.mk): the places where
 * Lua asks its surroundings, answered by the domain.
 */
#ifndef LUA_DOMAIN_CONFIG_H
#define LUA_DOMAIN_CONFIG_H
#include <stddef.h>
#include "stack.h"

/* streams.c: standard output; standard error, by a format with one %s. */
void out_write(const char *bytes, size_t length);
void err_format(const char *format, const char *argument);

/* print, warn and panic write here. */
#define lua_writestring(s, l)       out_write((s), (l))
#define lua_writeline()             out_write("\n", 1)
#define lua_writestringerror(f, a)  err_format((f), (a))
#endif
