/*
 * child.c - a domain that a script made: its program and what it holds are constituents of its constructor.
 *
 * The chunk runs once.  What it returns is what the yield gives: a table of methods or a function, which is served, or a
 * capability; after an error, the error's message.  Then the domain serves for ever.  os.exit ends it: its capabilities
 * become void.
 */
#include "domain.h"
#include <keros/bank.h>
#include <keros/discrim.h>
#include <keros/node.h>
#include <keros/number.h>
#include <keros/process.h>
#include "call.h"
#include "capability.h"
#include "loop.h"
#include "wire.h"

#define PROGRAM_MAX (1ull << 20)

static slotno argument;

/* Whether this is an instance of a script; then what came with the yield is kept. */
bool child_is(void)
{
	uint64_t different = 0;

	if (node_fetch(CR_CONST, CONST_PROGRAM, CR_ARG1) != RC_OK ||
	    discrim_compare(CR_DISCRIM, CR_ARG1, CR_VOID, &different) != RC_OK || !different)
		return false;
	cap_copy(CR_RUN, CR_RETURN);
	argument = capability_hold(CR_ARG0);
	return true;
}

/* A component that is a stream or the clock takes its place; all are globals. */
static void component_take(lua_State *L, const char *name, cap_t value)
{
	static const struct { const char *name; cap_t reg; int stream; } places[] = {
		{ "timer", CR_TIMER, -1 }, { "stdin", CR_STDIN, STREAM_IN }, { "stdout", CR_STDOUT, STREAM_OUT },
		{ "stderr", CR_STDERR, STREAM_ERR }, { "terminal", CR_TERMINAL, STREAM_TTY },
	};

	for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
		if (strcmp(name, places[i].name) == 0) {
			cap_copy(places[i].reg, value);
			if (places[i].stream >= 0)
				stream_present((unsigned)places[i].stream);
		}
	capability_push(L, value, NULL, name);
	lua_setglobal(L, name);
}

/* The program as making.lua packed it: pushes source, name, slots and values. */
static void program_unpack(lua_State *L)
{
	uint64_t hole = 1, length = 0;

	if (discrim_discreet(CR_DISCRIM, CR_ARG1, &hole) != RC_OK || hole ||
	    space_place(CR_SPACE, FILES_BASE, CR_ARG1, 4, &domain_maker) != RC_OK)
		luaL_error(L, "the program cannot be read");
	node_fetch(CR_CONST, CONST_LENGTH, CR_ARG1);
	number_get(CR_ARG1, &length, NULL);
	if (length > PROGRAM_MAX || wire_unpack(L, (const char *)FILES_BASE, length, 0, 0) != 4 || !lua_isstring(L, -4) ||
	    !lua_isstring(L, -3) || !lua_istable(L, -2) || !lua_istable(L, -1))
		luaL_error(L, "the program is none");
}

static void components_take(lua_State *L, int slots, int values)
{
	lua_pushnil(L);
	while (lua_next(L, slots)) {
		lua_Integer slot = lua_tointeger(L, -2);
		const char *name = lua_tostring(L, -1);

		if (name && slot > CONST_LENGTH && slot < NODE_SLOTS &&
		    node_fetch(CR_CONST, (uint64_t)slot, CR_ARG1) == RC_OK)
			component_take(L, name, CR_ARG1);
		lua_pop(L, 1);
	}
	lua_pushnil(L);
	while (lua_next(L, values)) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_pushglobaltable(L);
		lua_insert(L, -3);
		lua_settable(L, -3);
		lua_pop(L, 1);
	}
}

/* Leaves the product on the stack: a capability or nil. */
static int child_body(lua_State *L)
{
	program_unpack(L);
	components_take(L, 3, 4);
	if (argument)
		capability_adopt(L, argument, NULL, "argument");
	else
		lua_pushnil(L);
	lua_setglobal(L, "argument");
	if (luaL_loadbufferx(L, lua_tostring(L, 1), lua_rawlen(L, 1), lua_pushfstring(L, "=%s", lua_tostring(L, 2)), "t") !=
	    LUA_OK)
		return lua_error(L);
	lua_getglobal(L, "argument");
	lua_call(L, 1, 1);
	if (lua_istable(L, -1) || lua_isfunction(L, -1)) {
		lua_getglobal(L, "loop");
		lua_getfield(L, -1, "serve");
		lua_pushvalue(L, -3);
		lua_call(L, 1, 1);
	}
	if (!lua_isnil(L, -1))
		capability_check(L, -1);
	return 1;
}

static int error_body(lua_State *L)
{
	struct capability *caps[3];
	struct msg m = { .order = 1 };
	char small[CALL_SMALL];

	lua_settop(L, 1);
	luaL_tolstring(L, 1, NULL);
	call_pack(L, 2, 2, small, &m, caps);
	m.w[0] = 0;
	inv_send(CR_RUN, &m);
	return 0;
}

static void caller_release(cap_t caller)
{
	struct msg m = { .order = RC_VOID };
	uint64_t class = CLASS_OTHER;

	if (discrim_classify(CR_DISCRIM, caller, &class) == RC_OK && class == CLASS_RESUME)
		inv_send(caller, &m);
}

/*
 * The end: whoever calls finds us void.  Who has called already would wait for ever for a process that is no more, so
 * every resume capability that we hold, in the keystore or as the last that came, is answered.
 */
static _Noreturn void child_end(void)
{
	caller_release(CR_RETURN);
	for (slotno slot = 1; slot < slots_end(); slot++) {
		slot_get(slot, CR_TMP3);
		caller_release(CR_TMP3);
	}
	bank_free(CR_BANK, CR_SELF);
	for (;;) {
		struct msg m = { 0 };

		inv_return(CR_VOID, &m);
	}
}

void child_live(lua_State *(*state_make)(void))
{
	static bool yielded;
	struct msg m = { .order = RC_LIMIT };
	lua_State *L;

	if (setjmp(domain_ending)) {
		out_flush();
		m.order = RC_VOID;
		if (!yielded)
			inv_send(CR_RUN, &m);
		child_end();
	}
	L = state_make();
	if (!L) {
		inv_send(CR_RUN, &m);
		child_end();
	}
	lua_pushcfunction(L, lib_traceback);
	lua_pushcfunction(L, child_body);
	if (lua_pcall(L, 0, 1, 1) != LUA_OK) {
		lua_pushcfunction(L, error_body);
		lua_insert(L, -2);
		if (lua_pcall(L, 1, 0, 0) != LUA_OK)
			inv_send(CR_RUN, &m);
		child_end();
	}
	out_flush();
	m.order = RC_OK;
	if (lua_isuserdata(L, -1)) {
		struct capability *product = capability_test(L, -1);

		if (product)
			m.send[0] = capability_reg(product, CR_TMP0);
	}
	yielded = true;
	inv_send(CR_RUN, &m);
	lua_settop(L, 0);
	loop_state = L;
	loop_run();
}
