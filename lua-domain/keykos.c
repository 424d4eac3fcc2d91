/*
 * keykos.c - KeyKOS's names, as the published headers give them (compat/keykos/include), for scripts that call KeyKOS's
 * objects; how they are called is in lua/keykos.lua.
 */
#include "domain.h"
#include "keykos.h"
#include "keykos_names.h"

/* loop.keykos(name): the number of that name, nil if there is none. */
int keykos_number(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	size_t low = 0, high = sizeof keykos_names / sizeof keykos_names[0];

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, keykos_names[middle].name);

		if (order == 0) {
			lua_pushinteger(L, keykos_names[middle].value);
			return 1;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}
