/*
 * modules.c - see modules.h.
 */
#include "modules.h"
#include "lua_modules.h"

static const char LOADED, FUNCTIONS;    /* keys of the registry: modules by name; what a stub stands for */

static const struct { const char *module, *globals; } exports[] = {
	{ "units", "bytes KiB MiB GiB pages ns us ms seconds" },
	{ "tasks", "after every promise await all first spawn sleep send tell run stop notice save" },
	{ "serving", "serve facet revoke upgrade forwarder membrane keeper computed" },
	{ "making", "constructor meter memory peek" },
	{ "help", "help show dir" },
};
/* Globals that are tables. */
static const char *const tables[] = { "posix", "keykos" };

void module_load(lua_State *L, const char *name)
{
	unsigned i = 0;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &LOADED);
	if (lua_getfield(L, -1, name) != LUA_TNIL) {
		lua_pop(L, 2);
		return;
	}
	lua_pop(L, 1);
	while (i < sizeof modules / sizeof modules[0] && strcmp(modules[i].name, name) != 0)
		i++;
	if (i == sizeof modules / sizeof modules[0])
		luaL_error(L, "there is no library '%s'", name);
	lua_pushboolean(L, 1);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
	if (luaL_loadbufferx(L, (const char *)modules[i].code, modules[i].length, "=library", "b") != LUA_OK)
		lua_error(L);
	lua_call(L, 0, 0);
}

static int stub_done(lua_State *L, int status, lua_KContext context)
{
	(void)status, (void)context;
	return lua_gettop(L);
}

/* upvalues: the global's name, the module's */
static int stub(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1));

	module_load(L, lua_tostring(L, lua_upvalueindex(2)));
	lua_rawgetp(L, LUA_REGISTRYINDEX, &FUNCTIONS);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	if (lua_isnil(L, -1)) {
		/* Kept, so that a stub that somebody has copied finds it even if the global was changed since. */
		lua_pop(L, 1);
		lua_getglobal(L, name);
		if (lua_tocfunction(L, -1) == stub || !lua_isfunction(L, -1))
			return luaL_error(L, "the library does not have '%s'", name);
		lua_rawgetp(L, LUA_REGISTRYINDEX, &FUNCTIONS);
		lua_pushvalue(L, -2);
		lua_setfield(L, -2, name);
		lua_pop(L, 1);
	}
	lua_insert(L, 1);
	lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, stub_done);
	return stub_done(L, LUA_OK, 0);
}

/* __index of a table that stands for a module's; upvalue: its name, and the module's */
static int stub_index(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1));

	module_load(L, name);
	lua_getglobal(L, name);
	if (lua_rawequal(L, 1, -1))
		return luaL_error(L, "the library does not have '%s'", name);
	lua_pushvalue(L, 2);
	lua_gettable(L, -2);
	return 1;
}


/* __call of such a table. */
static int stub_call(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1));

	module_load(L, name);
	lua_getglobal(L, name);
	if (lua_rawequal(L, 1, -1))
		return luaL_error(L, "the library does not have '%s'", name);
	lua_replace(L, 1);
	lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, stub_done);
	return stub_done(L, LUA_OK, 0);
}

void modules_open(lua_State *L)
{
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &LOADED);
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &FUNCTIONS);
	for (unsigned i = 0; i < sizeof exports / sizeof exports[0]; i++) {
		const char *at = exports[i].globals;

		while (*at) {
			size_t n = strcspn(at, " ");
			const char *name = lua_pushlstring(L, at, n);

			lua_pushvalue(L, -1);
			lua_pushstring(L, exports[i].module);
			lua_pushcclosure(L, stub, 2);
			lua_setglobal(L, name);
			lua_pop(L, 1);
			at += n + (at[n] == ' ');
		}
	}
	for (unsigned i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		lua_newtable(L);
		lua_createtable(L, 0, 2);
		lua_pushstring(L, tables[i]);
		lua_pushcclosure(L, stub_index, 1);
		lua_setfield(L, -2, "__index");
		lua_pushstring(L, tables[i]);
		lua_pushcclosure(L, stub_call, 1);
		lua_setfield(L, -2, "__call");
		lua_setmetatable(L, -2);
		lua_setglobal(L, tables[i]);
	}
}
