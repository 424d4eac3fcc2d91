/*
 * modules.h - the libraries that are written in Lua (the folder lua): part of the program, loaded when they are first used.
 *
 * Their globals are there from the start, as stubs that load what they stand for.  rules.mk compiles them with the same
 * Lua, since loading compiled text is ten times as quick; what a script gives is never loaded so.
 */
#ifndef LUA_DOMAIN_MODULES_H
#define LUA_DOMAIN_MODULES_H
#include "domain.h"

/* Puts the stubs in place. */
void modules_open(lua_State *L);
/* Loads a module, if it is not loaded yet.  Raises an error if there is none of that name. */
void module_load(lua_State *L, const char *name);
#endif
