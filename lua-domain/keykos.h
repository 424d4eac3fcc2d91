/*
 * keykos.h - see keykos.c.
 */
#ifndef LUA_DOMAIN_KEYKOS_H
#define LUA_DOMAIN_KEYKOS_H
#include "domain.h"

/* A function of Lua: the number that a name of KeyKOS's headers has; nil if there is none. */
int keykos_number(lua_State *L);
#endif
