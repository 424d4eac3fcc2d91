/*
 * facet.c - what this domain serves: a facet is a start capability of ours with its number as data.
 *
 * A number is used once: what is revoked stays void for whoever holds it.
 */
#include "loop_inner.h"
#include <keros/discrim.h>
#include <keros/process.h>
#include "guard.h"
#include "heap.h"

#define TYPE_RAW 0x0A02u               /* alleged by what a function serves */

struct facet *facets;
unsigned facet_next = 1;
static unsigned facet_room;

static unsigned facet_new(lua_State *L)
{
	unsigned more = facet_room ? facet_room * 2 : 16;

	if (facet_next > LOOP_FACETS)
		luaL_error(L, "this domain has served all the %d objects it can", (int)LOOP_FACETS);
	if (facet_next >= facet_room) {
		struct facet *to = heap_alloc(NULL, facets, facet_room * sizeof *to, more * sizeof *to);

		if (!to)
			luaL_error(L, "not enough memory");
		facets = to;
		facet_room = more;
	}
	return facet_next;
}

/*
 * loop.serve(handler, options): a start capability.  The handler is a table of methods, or a function of messages.
 * options: only = {name = true}, badge = value, type = an interface's name, in whose name a function answers.
 */
int loop_serve(lua_State *L)
{
	bool function = lua_isfunction(L, 1);
	const struct idl_interface *interface = NULL;
	struct capability *c;
	unsigned n;

	if (!function)
		luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	if (lua_istable(L, 2) && lua_getfield(L, 2, "type") == LUA_TSTRING) {
		interface = interface_named(lua_tostring(L, -1));
		luaL_argcheck(L, interface, 2, "there is no interface of that name; see interfaces()");
	}
	lua_settop(L, 2);
	if (!guard_start())
		return luaL_error(L, "the bank has no process to give");
	n = facet_new(L);
	if (process_make_start(CR_SELF, n, CR_ARG0) != RC_OK)
		return luaL_error(L, "no start capability could be made");
	c = capability_push(L, CR_ARG0, function ? interface : interface_named("object"), NULL);
	c->own = (uint16_t)n;
	registry_table(L, &loop_tables.facets);
	lua_pushvalue(L, 1);
	lua_rawseti(L, -2, (lua_Integer)n);
	registry_table(L, &loop_tables.options);
	lua_pushvalue(L, 2);
	lua_rawseti(L, -2, (lua_Integer)n);
	lua_pop(L, 2);
	facets[n] = (struct facet){ true, lua_istable(L, 2), function, interface ? interface->type :
				    function ? TYPE_RAW : interface_named("object")->type };
	facet_next++;
	return 1;
}

unsigned loop_facet_of(lua_State *L, cap_t reg)
{
	(void)L;
	for (unsigned n = 1; n < facet_next; n++) {
		uint64_t different = 1;

		if (facets[n].alive && process_make_start(CR_SELF, n, CR_TMP1) == RC_OK &&
		    discrim_compare(CR_DISCRIM, reg, CR_TMP1, &different) == RC_OK && !different)
			return n;
	}
	return 0;
}

static unsigned facet_arg(lua_State *L, int index)
{
	struct capability *c = capability_check(L, index);

	if (!c->own)
		c->own = (uint16_t)loop_facet_of(L, slot_use(c->slot));
	luaL_argcheck(L, c->own, index, "this domain serves no such object");
	return c->own;
}

/* loop.revoke(cap): whoever holds this facet finds it void from now on. */
int loop_revoke(lua_State *L)
{
	unsigned n = facet_arg(L, 1);

	facets[n].alive = false;
	registry_table(L, &loop_tables.facets);
	lua_pushnil(L);
	lua_rawseti(L, -2, (lua_Integer)n);
	registry_table(L, &loop_tables.options);
	lua_pushnil(L);
	lua_rawseti(L, -2, (lua_Integer)n);
	return 0;
}

/* loop.handler(cap [, new]): what serves a facet of ours; with a second argument, what serves it from now on. */
int loop_handler(lua_State *L)
{
	unsigned n = facet_arg(L, 1);

	if (!facets[n].alive)
		return luaL_error(L, "this facet was revoked");
	if (!lua_isnone(L, 2)) {
		bool function = lua_isfunction(L, 2);

		if (!function)
			luaL_checktype(L, 2, LUA_TTABLE);
		luaL_argcheck(L, function == facets[n].function, 2,
			      "a function takes the place of a function, a table that of a table");
		registry_table(L, &loop_tables.facets);
		lua_pushvalue(L, 2);
		lua_rawseti(L, -2, (lua_Integer)n);
	}
	loop_push_handler(L, n);
	return 1;
}
