/*
 * sent.c - calls that a script sends and does not wait for: a courier makes each, and its answer settles a promise.
 */
#include "loop_inner.h"
#include "courier.h"
#include "guard.h"
#include "wire.h"

enum sent_kind { SENT_RAW, SENT_REMOTE, SENT_OP };

struct answered { unsigned number; struct msg *m; slotno held[3]; };

/* The values of a method of an object in another domain, or the error that it raised there. */
static void remote_values(lua_State *L, struct answered *a, const struct courier *c)
{
	struct msg *m = a->m;
	unsigned caps = m->w[0] < 3 ? (unsigned)m->w[0] : 3;
	int base, n;

	lua_pushboolean(L, m->order == RC_OK);
	lua_pushlstring(L, c->buffer, m->recv_length);
	base = lua_gettop(L) + 1;
	for (unsigned i = 0; i < caps; i++)
		capability_adopt(L, a->held[i], NULL, NULL);
	n = wire_unpack(L, lua_tostring(L, base - 1), m->recv_length, base, caps);
	if (n < 0)
		luaL_error(L, "the answer is no values: %s (to blame: the callee)", lua_tostring(L, -1));
	for (unsigned i = 0; i <= caps; i++)
		lua_remove(L, base - 1);
	if (m->order == 1 && n > 0 && lua_istable(L, base - 1))
		luaL_setmetatable(L, "error");
}

/* The results of an operation of idl/. */
static void op_values(lua_State *L, struct answered *a, const struct courier *c)
{
	lua_pushboolean(L, 1);
	for (unsigned i = 0; i < c->op->outputs; i++) {
		const struct idl_param *out = &c->op->out[i];

		if (out->kind == IDL_CAP)
			capability_adopt(L, a->held[out->index], interface_of_result(c->of, out), NULL);
		else if (out->kind == IDL_STRING)
			lua_pushlstring(L, c->buffer, a->m->recv_length);
		else
			lua_pushinteger(L, (lua_Integer)a->m->w[out->index]);
	}
}

/* Pushes true and the results, or false and the error's value. */
static void answered_values(lua_State *L, struct answered *a, const struct courier *c)
{
	struct msg *m = a->m;

	m->recv_length = c->length < c->room ? c->length : c->room;
	if (c->asked == SENT_RAW) {
		for (unsigned i = 0; i < 3; i++)
			if (!a->held[i])
				capability_adopt(L, 0, NULL, NULL);    /* there was no room: raises that */
		lua_pushboolean(L, 1);
		call_push_held(L, m, c->buffer, a->held);
	} else if (c->asked == SENT_REMOTE && (m->order == RC_OK || m->order == 1)) {
		remote_values(L, a, c);
	} else if (m->order != RC_OK) {
		capability_error(L, c->of ? c->of->name : "object", c->op ? c->op->name : "method", m->order, c->op);
	} else {
		op_values(L, a, c);
	}
}

static int values_body(lua_State *L)
{
	struct answered *a = lua_touserdata(L, 1);

	lua_settop(L, 0);
	answered_values(L, a, courier_at(a->number));
	return lua_gettop(L);
}

/* Calls the prelude's settle(promise, ok, ...). */
static int answered_body(lua_State *L)
{
	struct answered *a = lua_touserdata(L, 1);
	int top;

	lua_settop(L, 1);
	if (!push_handler(L, "settle"))
		return 0;
	registry_table(L, &loop_tables.answers);
	lua_rawgeti(L, -1, (lua_Integer)a->number);
	lua_pushnil(L);
	lua_rawseti(L, -3, (lua_Integer)a->number);
	lua_remove(L, -2);
	top = lua_gettop(L);
	lua_pushcfunction(L, values_body);
	lua_pushvalue(L, 1);
	if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK) {
		lua_pushboolean(L, 0);
		lua_insert(L, -2);
	}
	courier_done(a->number, false);
	lua_call(L, lua_gettop(L) - top + 1, 0);
	return 0;
}

/* Whether position i of the answer has a capability that will be taken. */
static bool answer_has(const struct courier *c, const struct msg *m, unsigned i)
{
	if (c->asked == SENT_RAW)
		return true;
	if (c->asked == SENT_REMOTE)
		return m->order <= 1 && i < m->w[0];
	for (unsigned o = 0; o < c->op->outputs; o++)
		if (c->op->out[o].kind == IDL_CAP && c->op->out[o].index == i)
			return m->order == RC_OK;
	return false;
}

void take_answer(lua_State *L, struct msg *m)
{
	struct answered a = { .number = (m->got & INV_GOT_DATA) - LOOP_COURIER, .m = m };
	struct courier *c = courier_at(a.number);

	if (!c || !c->busy)
		return;
	for (unsigned i = 0; i < 3; i++)
		a.held[i] = answer_has(c, m, i) ? capability_hold(m->recv[i]) : 0;
	lua_pushcfunction(L, answered_body);
	lua_pushlightuserdata(L, &a);
	call_told(L, 1);
}

/* loop.send(promise, cap, name or message, ...): the answer will settle the promise.  Its number, for loop.cancel. */
int loop_send(lua_State *L)
{
	struct capability *target = capability_check(L, 2), *caps[3] = { NULL };
	struct msg m = { .order = 1 };
	const struct idl_op *op = NULL;
	const struct idl_interface *of = NULL;
	struct courier *c;
	uint8_t asked = SENT_RAW;
	char *small = lua_newuserdatauv(L, CALL_SMALL, 0);
	size_t limit = 4096;
	int number;

	lua_insert(L, 1);              /* anchored in the promise, with all that is sent */
	if (lua_istable(L, 4)) {
		m.order = 0;
		call_read_message(L, 4, &m, caps);
		if (lua_getfield(L, 4, "limit") != LUA_TNIL)
			limit = (size_t)luaL_checkinteger(L, -1);
		lua_pop(L, 1);
		if (limit > INV_STRING_MAX)
			return luaL_error(L, "limit goes from 0 to %d", (int)INV_STRING_MAX);
	} else {
		luaL_checkstring(L, 4);
		call_prepare(L, target, 3, small, &m, caps, &op, &of, &limit);
		asked = op ? SENT_OP : SENT_REMOTE;
	}
	lua_createtable(L, lua_gettop(L), 0);
	lua_insert(L, 2);
	for (int i = lua_gettop(L); i > 2; i--) {
		lua_pushvalue(L, i);
		lua_rawseti(L, 2, i);
	}
	lua_pushvalue(L, 1);
	lua_rawseti(L, 2, 1);
	lua_pushvalue(L, 2);
	lua_setfield(L, 3, "_sent");   /* the promise keeps what the courier reads */
	if (!guard_start())
		return luaL_error(L, "the bank has no process to give");
	number = courier_send(target, INV_CALL, &m, caps, limit);
	if (number < 0) {
		lua_gc(L, LUA_GCCOLLECT);
		number = courier_send(target, INV_CALL, &m, caps, limit);
	}
	if (number < 0)
		return luaL_error(L, "the bank has no more, or %d calls are on their way already", (int)COURIERS);
	c = courier_at((unsigned)number);
	c->asked = asked;
	c->op = op;
	c->of = of;
	registry_table(L, &loop_tables.answers);
	lua_pushvalue(L, 3);
	lua_rawseti(L, -2, number);
	lua_pushinteger(L, number);
	return 1;
}

/* loop.known(cap): whether what it is can be found out without calling a process. */
int loop_known(lua_State *L)
{
	lua_pushboolean(L, capability_known(capability_check(L, 1)));
	return 1;
}

/* loop.learn(cap, result code, type): what it answered to the question for its type. */
int loop_learn(lua_State *L)
{
	capability_learn(capability_check(L, 1), (uint32_t)luaL_checkinteger(L, 2), (uint64_t)luaL_checkinteger(L, 3));
	return 0;
}

/* loop.cancel(number): nobody waits for that answer any more. */
int loop_cancel(lua_State *L)
{
	unsigned number = (unsigned)luaL_checkinteger(L, 1);

	registry_table(L, &loop_tables.answers);
	lua_pushnil(L);
	lua_rawseti(L, -2, (lua_Integer)number);
	courier_done(number, true);
	return 0;
}
