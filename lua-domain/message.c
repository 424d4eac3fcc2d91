/*
 * message.c - messages from Lua's values, and back.  See call.h.
 *
 * Rules
 *   1. Between the filling of CR_TMP0..2 and the invocation nothing of Lua's runs: the heap may grow through them.
 *   2. What came is taken out of CR_ARG0..2 (call_hold) and out of the buffer (lua_pushlstring) before anything else is
 *      made of it: a finalizer, which may run whenever Lua allocates, can make calls of its own.
 */
#include "call.h"
#include "capability.h"
#include "heap.h"
#include "wire.h"

const cap_t arg_register[3] = { CR_ARG0, CR_ARG1, CR_ARG2 };
static const cap_t tmp_register[3] = { CR_TMP0, CR_TMP1, CR_TMP2 };

char *call_buffer(lua_State *L)
{
	static char *buffer;

	if (!buffer) {
		buffer = heap_alloc(NULL, NULL, 0, INV_STRING_MAX);
		if (!buffer) {
			lua_gc(L, LUA_GCCOLLECT);
			buffer = heap_alloc(NULL, NULL, 0, INV_STRING_MAX);
		}
		if (!buffer)
			luaL_error(L, "not enough memory for a message");
	}
	return buffer;
}

uint32_t message_call(cap_t target, uint32_t op, struct msg *m)
{
	inv_raw(op, target, m);
	return m->order;
}

void call_fill_registers(struct msg *m, struct capability *const caps[3])
{
	for (unsigned i = 0; i < 3; i++)
		if (caps[i])
			m->send[i] = capability_reg(caps[i], tmp_register[i]);
}

/* ---- values ------------------------------------------------------------------------------------- */

void call_hold(slotno held[3], unsigned count)
{
	for (unsigned i = 0; i < 3; i++)
		held[i] = i < count ? capability_hold(arg_register[i]) : 0;
}

int call_take_values(lua_State *L, const char *from, size_t length, unsigned caps)
{
	slotno held[3];
	int base = lua_gettop(L) + 2, n;

	if (caps > 3)
		caps = 3;
	call_hold(held, caps);
	lua_pushlstring(L, from, length);
	for (unsigned i = 0; i < caps; i++)
		capability_adopt(L, held[i], NULL, NULL);
	n = wire_unpack(L, lua_tostring(L, base - 1), length, base, caps);
	for (unsigned i = 0; i <= caps; i++)
		lua_remove(L, base - 1);
	return n;
}

void call_pack(lua_State *L, int from, int to, char *small, struct msg *m, struct capability *caps[3])
{
	struct wire_caps wire;
	int top = lua_gettop(L);
	long length = wire_pack(L, from, to, small, CALL_SMALL, &wire);

	m->send_string = small;
	if (length > (long)CALL_SMALL && length <= (long)INV_STRING_MAX * 2) {
		char *large;

		lua_settop(L, top);
		large = lua_newuserdatauv(L, INV_STRING_MAX, 0);
		length = wire_pack(L, from, to, large, INV_STRING_MAX, &wire);
		m->send_string = large;
	}
	if (length < 0)
		lua_error(L);
	if (length > (long)INV_STRING_MAX)
		luaL_error(L, "a message carries at most %d bytes; send it in parts (to blame: the caller)",
			   (int)INV_STRING_MAX);
	m->send_length = (size_t)length;
	for (unsigned i = 0; i < 3; i++)
		caps[i] = i < wire.count ? capability_check(L, wire.base + (int)i) : NULL;
	m->w[0] = wire.count;
}

/* ---- tables of a message ------------------------------------------------------------------------ */

static uint32_t order_read(lua_State *L, int index)
{
	lua_Integer order = luaL_checkinteger(L, index);

	luaL_argcheck(L, order >= 0 && order <= 0xFFFFFFFF, index, "an order code has 32 bits");
	return (uint32_t)order;
}

void call_read_message(lua_State *L, int index, struct msg *m, struct capability *caps[3])
{
	size_t length;

	luaL_checktype(L, index, LUA_TTABLE);
	if (lua_getfield(L, index, "order") != LUA_TNIL)
		m->order = order_read(L, -1);
	lua_pop(L, 1);
	if (lua_getfield(L, index, "words") == LUA_TTABLE)
		for (int i = 0; i < INV_WORDS; i++) {
			int whole = 1;

			if (lua_rawgeti(L, -1, i + 1) != LUA_TNIL)
				m->w[i] = (uint64_t)lua_tointegerx(L, -1, &whole);
			if (!whole)
				luaL_error(L, "word %d is not an integer", i + 1);
			lua_pop(L, 1);
		}
	lua_pop(L, 1);
	if (lua_getfield(L, index, "data") != LUA_TNIL) {
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "data is not a string");
		m->send_string = lua_tolstring(L, -1, &length);
		m->send_length = length;
		if (length > INV_STRING_MAX)
			luaL_error(L, "data has %d bytes; a message carries at most %d", (int)length, (int)INV_STRING_MAX);
	}
	lua_pop(L, 1);
	if (lua_getfield(L, index, "caps") == LUA_TTABLE)
		for (int i = 0; i < 3; i++) {
			if (lua_rawgeti(L, -1, i + 1) != LUA_TNIL && !(caps[i] = capability_test(L, -1)))
				luaL_error(L, "capability %d is none, or closed", i + 1);
			lua_pop(L, 1);
		}
	lua_pop(L, 1);
}

void call_push_held(lua_State *L, const struct msg *m, const char *data, const slotno held[3])
{
	lua_pushlstring(L, data, m->recv_length);
	lua_createtable(L, 0, 6);
	lua_insert(L, -2);
	lua_setfield(L, -2, "data");
	lua_pushinteger(L, m->order);
	lua_setfield(L, -2, "order");
	lua_createtable(L, INV_WORDS, 0);
	for (int i = 0; i < INV_WORDS; i++) {
		lua_pushinteger(L, (lua_Integer)m->w[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "words");
	lua_createtable(L, 3, 0);
	for (int i = 0; i < 3; i++)
		if (held[i]) {
			capability_adopt(L, held[i], NULL, NULL);
			lua_rawseti(L, -2, i + 1);
		}
	lua_setfield(L, -2, "caps");
}

void call_push_message(lua_State *L, const struct msg *m, const char *data)
{
	slotno held[3];

	for (unsigned i = 0; i < 3; i++)
		held[i] = m->recv[i] != CR_VOID ? capability_hold(arg_register[i]) : 0;
	call_push_held(L, m, data, held);
	if (m->got & INV_GOT_TRUNCATED) {
		lua_pushboolean(L, 1);
		lua_setfield(L, -2, "truncated");
	}
}
