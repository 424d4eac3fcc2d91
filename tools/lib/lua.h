/*
 * lua.h - the verb `lua`: its own options, and how they reach the domain.
 */
#ifndef TOOLS_LUA_H
#define TOOLS_LUA_H
#include "lib/machine.h"

/*
 * Takes -e, --grant, the script and its arguments out of a command line, into r; what is left, for the options of the
 * machine, is written to rest (room for argc + 1).  Ends the program over a wrong command line.
 */
struct lua_request {
	const char **records;
	const char *script;
};
struct lua_request lua_parse(int argc, char **argv, char **rest);

/* Whether it grants that capability of the system, under whatever name. */
bool lua_grants(const struct lua_request *q, const char *capability);

/* Whether the build made the domain (it needs Lua's source package). */
bool lua_is_there(const char *root);

/* Where a script of the host lies in the domain's file tree: its path without what leads out of the tree. */
const char *lua_script_path(const char *path);
#endif
