/*
 * lib.c - the libraries of a script: Lua's own, but for what would reach outside or load what nobody can check.
 */
#include "domain.h"
#include <stdio.h>
#include <time.h>
#include <errno.h>
#include <sys/syscall.h>
#include <lualib.h>
#include <keros/timer.h>

/* ---- what Lua's libraries ask of libc, answered from our capabilities -------------------------- */

long native_foreign(long nr, uint64_t a, uint64_t b);

/* The shim passes on what it does not know. */
long native_foreign(long nr, uint64_t a, uint64_t b)
{
	struct timespec *t = (struct timespec *)b;
	uint64_t seconds = 0, ns = 0;

	if (nr != SYS_clock_gettime)
		return -ENOSYS;
	/* libc's time() takes what is there even if we refuse: without a clock it is the epoch. */
	t->tv_sec = 0;
	t->tv_nsec = 0;
	if (a == CLOCK_REALTIME) {
		if (timer_wall(CR_TIMER, &seconds, &ns) != RC_OK)
			return -EINVAL;
	} else if (timer_now(CR_TIMER, &ns) != RC_OK) {
		return -EINVAL;
	}
	t->tv_sec = (time_t)(seconds + ns / 1000000000u);
	t->tv_nsec = (long)(ns % 1000000000u);
	return 0;
}

void err_format(const char *format, const char *argument);

void err_format(const char *format, const char *argument)
{
	char line[512];

	snprintf(line, sizeof line, format, argument);
	err_text(line);
}

/* ---- loading ----------------------------------------------------------------------------------- */

/* Lua does not check precompiled code, which can do anything to the interpreter: text only. */
static int lib_load(lua_State *L)
{
	const char *mode = luaL_optstring(L, 3, "bt");

	if (!strchr(mode, 't')) {
		luaL_pushfail(L);
		lua_pushliteral(L, "precompiled chunks are refused; load the source text");
		return 2;
	}
	/* Without a fourth argument the chunk's environment is the globals; an explicit nil is another thing. */
	if (lua_gettop(L) < 3)
		lua_settop(L, 3);
	lua_pushliteral(L, "t");
	lua_replace(L, 3);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* A first line that begins with # is skipped, as Lua's own interpreter does it. */
int lib_load_file(lua_State *L, const char *path)
{
	size_t length;
	const char *why, *text = files_find(path, &length, &why), *line;
	int status;

	if (!text) {
		lua_pushfstring(L, "cannot open %s (%s)", path, why);
		return LUA_ERRFILE;
	}
	/* A mark of the encoding, and a first line for a shell. */
	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
		text += 3;
		length -= 3;
	}
	if (length > 0 && *text == '#') {
		line = memchr(text, '\n', length);
		length = line ? length - (size_t)(line - text) : 0;
		text = line ? line : text;
	}
	status = luaL_loadbufferx(L, text, length, lua_pushfstring(L, "@%s", path), "t");
	lua_remove(L, -2);
	return status;
}

static int lib_loadfile(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	bool env = !lua_isnone(L, 3);

	if (lib_load_file(L, path) != LUA_OK) {
		luaL_pushfail(L);
		lua_insert(L, -2);
		return 2;
	}
	if (env) {
		lua_pushvalue(L, 3);
		if (!lua_setupvalue(L, -2, 1))
			lua_pop(L, 1);
	}
	return 1;
}

static int lib_dofile(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);

	if (lib_load_file(L, path) != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, LUA_MULTRET);
	return lua_gettop(L) - 1;
}

/* The file of the tree that package.path and the name lead to; it stays on the stack. */
static const char *module_find(lua_State *L, const char *name)
{
	const char *path, *at, *file, *why;
	size_t length;

	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(L, -1, "package");
	if (!lua_istable(L, -1))
		luaL_error(L, "package.loaded.package is gone");
	lua_getfield(L, -1, "path");
	path = luaL_optstring(L, -1, "?.lua");
	for (at = path; *at; at += strcspn(at, ";"), at += *at == ';') {
		int top = lua_gettop(L);
		const char *pattern = lua_pushlstring(L, at, strcspn(at, ";")), *slashed = luaL_gsub(L, name, ".", "/");

		file = luaL_gsub(L, pattern, "?", slashed);
		if (files_find(file, &length, &why))
			return file;
		lua_settop(L, top);
	}
	luaL_error(L, "module '%s' not found: no package.preload['%s'], and no file of the tree that '%s' names; "
		      "give one with --tree", name, name, path);
	return NULL;
}

/*
 * require: package.loaded, package.preload, then the files of the tree by package.path's patterns, as Lua's own does
 * it but for libraries in C, which there are none of.
 */
static int lib_require(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	lua_settop(L, 1);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(L, 2, name);
	if (lua_toboolean(L, -1))
		return 1;
	lua_settop(L, 2);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	if (lua_getfield(L, -1, name) == LUA_TFUNCTION) {
		lua_pushliteral(L, ":preload:");
	} else {
		const char *file = module_find(L, name);

		if (lib_load_file(L, file) != LUA_OK)
			return luaL_error(L, "error loading module '%s':\n\t%s", name, lua_tostring(L, -1));
		lua_pushstring(L, file);
	}
	lua_pushvalue(L, 1);
	lua_insert(L, -2);
	lua_call(L, 2, 1);
	if (!lua_isnil(L, -1)) {
		lua_pushvalue(L, -1);
		lua_setfield(L, 2, name);
	} else if (lua_getfield(L, 2, name) == LUA_TNIL) {
		lua_pushboolean(L, 1);
		lua_pushvalue(L, -1);
		lua_setfield(L, 2, name);
	}
	return 1;
}

static void package_open(lua_State *L)
{
	lua_newtable(L);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_setfield(L, -2, "loaded");
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	lua_setfield(L, -2, "preload");
	lua_pushliteral(L, "?.lua;?/init.lua");
	lua_setfield(L, -2, "path");
	lua_pushliteral(L, "/\n;\n?\n!\n-\n");
	lua_setfield(L, -2, "config");
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, "package");
	lua_pop(L, 1);
	lua_setglobal(L, "package");
	lua_pushcfunction(L, lib_require);
	lua_setglobal(L, "require");
}

/* ---- os ---------------------------------------------------------------------------------------- */

static int lib_exit(lua_State *L)
{
	int status;

	if (lua_isboolean(L, 1))
		status = lua_toboolean(L, 1) ? 0 : 1;
	else
		status = (int)luaL_optinteger(L, 1, 0);
	domain_exit(status & 0xFF);
}

static int lib_execute(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		lua_pushboolean(L, 0);
		return 1;
	}
	luaL_pushfail(L);
	lua_pushliteral(L, "there is no shell here; see posix.run");
	lua_pushinteger(L, 1);
	return 3;
}

/* ---- all of it --------------------------------------------------------------------------------- */

/* An error that is an object keeps being one; a message gets the calls that led to it. */
int lib_traceback(lua_State *L)
{
	const char *text = lua_tostring(L, 1);

	if (!text) {
		if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
			text = lua_tostring(L, -1);
		else
			text = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
	}
	luaL_traceback(L, L, text, 1);
	return 1;
}

void lib_open(lua_State *L)
{
	static const luaL_Reg libraries[] = {
		{ LUA_GNAME, luaopen_base }, { LUA_COLIBNAME, luaopen_coroutine }, { LUA_TABLIBNAME, luaopen_table },
		{ LUA_IOLIBNAME, luaopen_io }, { LUA_OSLIBNAME, luaopen_os }, { LUA_STRLIBNAME, luaopen_string },
		{ LUA_MATHLIBNAME, luaopen_math }, { LUA_UTF8LIBNAME, luaopen_utf8 }, { LUA_DBLIBNAME, luaopen_debug },
	};

	for (unsigned i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
		lua_pop(L, 1);
	}
	lua_getglobal(L, "load");
	lua_pushcclosure(L, lib_load, 1);
	lua_setglobal(L, "load");
	lua_pushcfunction(L, lib_loadfile);
	lua_setglobal(L, "loadfile");
	lua_pushcfunction(L, lib_dofile);
	lua_setglobal(L, "dofile");
	package_open(L);
	lua_getglobal(L, "os");
	lua_pushcfunction(L, lib_exit);
	lua_setfield(L, -2, "exit");
	lua_pushcfunction(L, lib_execute);
	lua_setfield(L, -2, "execute");
	lua_pop(L, 1);
}
