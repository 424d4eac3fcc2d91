/*
 * keykos.h - see keykos.c.
 */
#ifndef LUA_DOMAIN_KEYKOS_H
#define LUA_DOMAIN_KEYKOS_H
#include "domain.h"

int keykos_number(lua_State *L);
#endif
