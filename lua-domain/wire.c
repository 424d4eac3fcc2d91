/*
 * wire.c - see wire.h.
 */
#include "wire.h"

enum { NIL, FALSE, TRUE, INTEGER, FLOAT, SHORT, LONG, TABLE, END, CAP, SMALL };

struct out {
	lua_State *L;
	char *at, *end;
	size_t over;                   /* bytes that had no room */
	struct wire_caps *caps;
	const char *why;
};

static void put(struct out *o, const void *bytes, size_t n)
{
	if ((size_t)(o->end - o->at) < n) {
		o->over += n;
		return;
	}
	memcpy(o->at, bytes, n);
	o->at += n;
}

static void put_byte(struct out *o, unsigned byte)
{
	char c = (char)byte;

	put(o, &c, 1);
}

static void put_integer(struct out *o, lua_Integer n)
{
	if (n >= -128 && n < 128) {
		put_byte(o, SMALL);
		put_byte(o, (unsigned)n & 0xFF);
		return;
	}
	put_byte(o, INTEGER);
	put(o, &n, sizeof n);
}

static void put_string(struct out *o, const char *s, size_t n)
{
	uint32_t length = (uint32_t)n;

	if (n < 256) {
		put_byte(o, SHORT);
		put_byte(o, length);
	} else {
		put_byte(o, LONG);
		put(o, &length, sizeof length);
	}
	put(o, s, n);
}

/* Each capability is kept at the place that wire_pack reserved for its position. */
static void put_capability(struct out *o, int index)
{
	unsigned i = 0;

	while (i < o->caps->count && !lua_rawequal(o->L, o->caps->base + (int)i, index))
		i++;
	if (i == WIRE_CAPS) {
		o->why = "a message carries at most three capabilities; send them one after the other, or a node";
		return;
	}
	if (i == o->caps->count) {
		lua_pushvalue(o->L, index);
		lua_replace(o->L, o->caps->base + (int)o->caps->count++);
	}
	put_byte(o, CAP);
	put_byte(o, i);
}

static bool put_value(struct out *o, int index, unsigned depth);

static bool put_table(struct out *o, int index, unsigned depth)
{
	if (depth == WIRE_DEPTH || !lua_checkstack(o->L, 4)) {
		o->why = "a table is nested too deeply, or contains itself";
		return false;
	}
	put_byte(o, TABLE);
	lua_pushnil(o->L);
	while (lua_next(o->L, index)) {
		int value = lua_gettop(o->L);
		bool good = put_value(o, value - 1, depth + 1) && put_value(o, value, depth + 1);

		lua_settop(o->L, value - 1);
		/* Enough is known: it does not fit, even in a message of the largest size. */
		if (!good || o->over > INV_STRING_MAX) {
			lua_settop(o->L, value - 2);
			return good;
		}
	}
	put_byte(o, END);
	return true;
}

static bool put_value(struct out *o, int index, unsigned depth)
{
	lua_State *L = o->L;
	lua_Number number;
	size_t n;
	const char *s;

	switch (lua_type(L, index)) {
	case LUA_TNIL:
		put_byte(o, NIL);
		return true;
	case LUA_TBOOLEAN:
		put_byte(o, lua_toboolean(L, index) ? TRUE : FALSE);
		return true;
	case LUA_TNUMBER:
		if (lua_isinteger(L, index)) {
			put_integer(o, lua_tointeger(L, index));
			return true;
		}
		number = lua_tonumber(L, index);
		put_byte(o, FLOAT);
		put(o, &number, sizeof number);
		return true;
	case LUA_TSTRING:
		s = lua_tolstring(L, index, &n);
		put_string(o, s, n);
		return true;
	case LUA_TTABLE:
		return put_table(o, index, depth);
	case LUA_TUSERDATA:
		if (capability_test(L, index)) {
			put_capability(o, index);
			return !o->why;
		}
		break;
	}
	o->why = lua_pushfstring(L, "a %s cannot be sent; what others are to call is made with serve()",
				 luaL_typename(L, index));
	return false;
}

long wire_pack(lua_State *L, int first, int last, char *to, size_t room, struct wire_caps *caps)
{
	struct out o = { .L = L, .at = to, .end = to + room, .caps = caps };
	int top = lua_gettop(L);

	*caps = (struct wire_caps){ .base = top + 1 };
	luaL_checkstack(L, WIRE_CAPS + 4, "too many values");
	lua_settop(L, top + WIRE_CAPS);
	for (int i = first; i <= last; i++)
		if (!put_value(&o, i, 0)) {
			lua_pushstring(L, o.why);
			lua_replace(L, top + 1);
			lua_settop(L, top + 1);
			return -1;
		}
	if (o.over)
		return (long)(room + o.over);
	return o.at - to;
}

/* ---- unpacking ---------------------------------------------------------------------------------- */

struct in {
	lua_State *L;
	const char *at, *end;
	int base;
	unsigned count;
	const char *why;
};

static bool take(struct in *in, void *to, size_t n)
{
	if ((size_t)(in->end - in->at) < n) {
		in->why = "it ends in the midst of a value";
		return false;
	}
	memcpy(to, in->at, n);
	in->at += n;
	return true;
}

static bool take_string(struct in *in, size_t n)
{
	if ((size_t)(in->end - in->at) < n) {
		in->why = "it ends in the midst of a string";
		return false;
	}
	lua_pushlstring(in->L, in->at, n);
	in->at += n;
	return true;
}

static bool take_value(struct in *in, unsigned depth, bool *end);

static bool take_table(struct in *in, unsigned depth)
{
	bool end = false;

	if (depth == WIRE_DEPTH || !lua_checkstack(in->L, 4)) {
		in->why = "tables are nested too deeply";
		return false;
	}
	lua_newtable(in->L);
	for (;;) {
		if (!take_value(in, depth + 1, &end))
			return false;
		if (end)
			return true;
		bool nan = lua_type(in->L, -1) == LUA_TNUMBER && lua_tonumber(in->L, -1) != lua_tonumber(in->L, -1);

		if (lua_isnil(in->L, -1) || nan) {
			in->why = "a key that cannot be one";
			return false;
		}
		if (!take_value(in, depth + 1, &end))
			return false;
		if (end) {
			in->why = "a key without a value";
			return false;
		}
		lua_rawset(in->L, -3);
	}
}

static bool take_value(struct in *in, unsigned depth, bool *end)
{
	unsigned char kind, byte;
	uint32_t length;
	lua_Integer integer;
	lua_Number number;

	if (!take(in, &kind, 1))
		return false;
	switch (kind) {
	case NIL:
		lua_pushnil(in->L);
		return true;
	case FALSE: case TRUE:
		lua_pushboolean(in->L, kind == TRUE);
		return true;
	case INTEGER:
		if (!take(in, &integer, sizeof integer))
			return false;
		lua_pushinteger(in->L, integer);
		return true;
	case SMALL:
		if (!take(in, &byte, 1))
			return false;
		lua_pushinteger(in->L, (signed char)byte);
		return true;
	case FLOAT:
		if (!take(in, &number, sizeof number))
			return false;
		lua_pushnumber(in->L, number);
		return true;
	case SHORT:
		return take(in, &byte, 1) && take_string(in, byte);
	case LONG:
		return take(in, &length, sizeof length) && take_string(in, length);
	case TABLE:
		return take_table(in, depth);
	case CAP:
		if (!take(in, &byte, 1))
			return false;
		if (byte >= in->count) {
			in->why = "it names a capability that did not come with it";
			return false;
		}
		lua_pushvalue(in->L, in->base + byte);
		return true;
	case END:
		if (depth > 0 && end) {
			*end = true;
			return true;
		}
	}
	in->why = "there is no such kind of value";
	return false;
}

int wire_unpack(lua_State *L, const char *from, size_t length, int base, unsigned count)
{
	struct in in = { .L = L, .at = from, .end = from + length, .base = base, .count = count };
	int top = lua_gettop(L), values = 0;

	while (in.at < in.end) {
		if (!lua_checkstack(L, 4))
			in.why = "more values than there is room for";
		if (in.why || !take_value(&in, 0, NULL)) {
			lua_settop(L, top);
			lua_pushstring(L, in.why);
			return -1;
		}
		values++;
	}
	return values;
}

/* ---- for scripts: values as strings --------------------------------------------------------------- */

static int lib_pack(lua_State *L)
{
	struct wire_caps caps;
	int n = lua_gettop(L);
	size_t room = 1024;
	long length;

	for (;;) {
		char *to = lua_newuserdatauv(L, room, 0);

		length = wire_pack(L, 1, n, to, room, &caps);
		if (length < 0)
			return lua_error(L);
		if (caps.count)
			return luaL_error(L, "a capability is no bytes: it can be held and sent, not written down");
		if ((size_t)length <= room) {
			lua_pushlstring(L, to, (size_t)length);
			return 1;
		}
		if (room > 1u << 28)
			return luaL_error(L, "too much to pack");
		room *= 4;
		lua_settop(L, n);
	}
}

static int lib_unpack(lua_State *L)
{
	size_t length;
	const char *from = luaL_checklstring(L, 1, &length);
	int n = wire_unpack(L, from, length, 0, 0);

	if (n < 0)
		return luaL_error(L, "these bytes are no values: %s", lua_tostring(L, -1));
	return n;
}

void wire_open(lua_State *L)
{
	static const luaL_Reg functions[] = { { "pack", lib_pack }, { "unpack", lib_unpack }, { NULL, NULL } };

	luaL_newlib(L, functions);
	lua_setglobal(L, "wire");
}
