/*
 * call.c - from a method's name to the call: operations of idl/, methods of objects that other Lua domains serve.
 *
 * How a message is made and taken apart, and the rules for that, are in message.c.
 */
#include "call.h"
#include "capability.h"
#include "loop.h"
#include "modules.h"

#define NUMBER_TYPE_ANSWER RC_VOID             /* a data key answers so to everything (idl/number.idl) */

/* ---- arguments ---------------------------------------------------------------------------------- */

static int argument_error(lua_State *L, const struct idl_interface *of, const struct idl_op *op, const struct idl_param *p,
			  int index, const char *wanted)
{
	static const char *const units[] = { "", " (bytes)", " (frames)", " (ns)" };

	return luaL_error(L, "%s.%s: argument '%s'%s must be %s, not %s%s%s%s (to blame: the caller)", of->name, op->name,
			  p->name, units[p->unit], wanted, luaL_typename(L, index), p->note ? " [" : "",
			  p->note ? p->note : "", p->note ? "]" : "");
}

/*
 * A quantity (lua/units.lua) is a table with a value and a unit: bytes or ns.  It fits an argument of the same
 * dimension; frames are 4096 bytes.  False: it does not.
 */
static bool quantity_read(lua_State *L, int index, unsigned unit, uint64_t *word)
{
	lua_Integer value;
	bool bytes, whole;

	lua_getfield(L, index, "value");
	lua_getfield(L, index, "unit");
	value = lua_tointegerx(L, -2, NULL);
	bytes = lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), "bytes") == 0;
	lua_pop(L, 2);
	whole = unit != IDL_FRAMES || value % PAGE_SIZE == 0;
	*word = unit == IDL_FRAMES ? (uint64_t)value / PAGE_SIZE : (uint64_t)value;
	return whole && (unit == IDL_NS ? !bytes : bytes && unit != IDL_NONE);
}

static uint64_t word_read(lua_State *L, int index, const struct idl_interface *of, const struct idl_op *op,
			  const struct idl_param *p)
{
	uint64_t word;
	int whole;

	if (lua_type(L, index) == LUA_TNUMBER) {
		word = (uint64_t)lua_tointegerx(L, index, &whole);
		if (!whole)
			argument_error(L, of, op, p, index, "an integer");
		return word;
	}
	if (lua_isboolean(L, index))
		return (uint64_t)lua_toboolean(L, index);
	if (lua_istable(L, index) && luaL_getmetafield(L, index, "__quantity") != LUA_TNIL) {
		lua_pop(L, 1);
		if (!quantity_read(L, index, p->unit, &word))
			argument_error(L, of, op, p, index, "a quantity of that unit");
		return word;
	}
	argument_error(L, of, op, p, index, p->unit == IDL_NONE ? "an integer" : "an integer or a quantity");
	return 0;
}

struct prepared {
	struct msg m;
	struct capability *caps[3];
};

/* From the stack, where the arguments begin at `first`, into a message: all but the registers of capabilities. */
static void arguments_read(lua_State *L, int first, const struct idl_interface *of, const struct idl_op *op,
			   struct prepared *p)
{
	int count = lua_gettop(L) - first + 1;

	p->m.order = op->first;
	if (count > op->inputs)
		luaL_error(L, "%s.%s takes %d arguments, not %d (to blame: the caller); see help(cap, '%s')", of->name,
			   op->name, op->inputs, count, op->name);
	for (unsigned i = 0; i < op->inputs; i++) {
		const struct idl_param *in = &op->in[i];
		int index = first + (int)i;
		size_t length;

		switch (in->kind) {
		case IDL_CAP:
			if (lua_isnoneornil(L, index))
				break;
			if (!(p->caps[in->index] = capability_test(L, index)))
				argument_error(L, of, op, in, index, "a capability or nil");
			break;
		case IDL_STRING:
			if (lua_type(L, index) != LUA_TSTRING)
				argument_error(L, of, op, in, index, "a string");
			p->m.send_string = lua_tolstring(L, index, &length);
			p->m.send_length = length;
			if (length > in->max)
				luaL_error(L, "%s.%s: '%s' has %d bytes; at most %d are taken (to blame: the caller)", of->name,
					   op->name, in->name, (int)length, (int)in->max);
			break;
		case IDL_ORDER: {
			uint64_t offset = word_read(L, index, of, op, in);

			if (offset > op->last - op->first)
				luaL_error(L, "%s.%s: '%s' is %I; it goes from 0 to %d (to blame: the caller)", of->name,
					   op->name, in->name, (LUAI_UACINT)offset, (int)(op->last - op->first));
			p->m.order += (uint32_t)offset;
			break;
		}
		default:
			p->m.w[in->index] = word_read(L, index, of, op, in);
		}
	}
}

/*
 * A capability that leads to this domain by way of others (a forwarder): another process makes the call, and the loop
 * serves it meanwhile.  The stack: the capability, then what send() takes.
 */
static int call_by_way(lua_State *L)
{
	lua_State *before = loop_state;

	module_load(L, "tasks");
	lua_getglobal(L, "send");
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	lua_getglobal(L, "await");
	lua_insert(L, 1);
	loop_state = L;
	lua_call(L, 1, LUA_MULTRET);
	loop_state = before;
	return lua_gettop(L);
}

/* ---- operations of idl/ ------------------------------------------------------------------------- */

/* upvalues: the operation, its interface */
static int op_call(lua_State *L)
{
	const struct idl_op *op = lua_touserdata(L, lua_upvalueindex(1));
	const struct idl_interface *of = lua_touserdata(L, lua_upvalueindex(2));
	struct capability *self = capability_check(L, 1);
	struct prepared p = { .m = { 0 } };
	char small[CALL_SMALL];
	slotno held[3];
	int top = lua_gettop(L);
	cap_t target;

	arguments_read(L, 2, of, op, &p);
	for (unsigned i = 0; i < op->outputs; i++) {
		const struct idl_param *out = &op->out[i];

		if (out->kind == IDL_CAP)
			p.m.recv[out->index] = arg_register[out->index];
		if (out->kind == IDL_STRING) {
			p.m.recv_string = out->max <= sizeof small ? small : call_buffer(L);
			p.m.recv_limit = out->max;
		}
	}
	target = slot_use(self->slot);
	call_fill_registers(&p.m, p.caps);
	message_call(target, INV_CALL, &p.m);
	if (p.m.order == RC_SELF) {
		lua_settop(L, top);
		lua_pushstring(L, op->name);
		lua_insert(L, 2);
		return call_by_way(L);
	}
	if (p.m.order != RC_OK && !(p.m.order == NUMBER_TYPE_ANSWER && of == interface_named("number")))
		return capability_error(L, of->name, op->name, p.m.order, op);

	for (unsigned i = 0; i < 3; i++)
		held[i] = p.m.recv[i] != CR_VOID ? capability_hold(arg_register[i]) : 0;
	luaL_checkstack(L, op->outputs + 2, NULL);
	for (unsigned i = 0; i < op->outputs; i++)
		if (op->out[i].kind == IDL_STRING)
			lua_pushlstring(L, p.m.recv_string, p.m.recv_length);
	for (unsigned i = 0; i < op->outputs; i++) {
		const struct idl_param *out = &op->out[i];

		if (out->kind == IDL_CAP)
			capability_adopt(L, held[out->index], interface_of_result(of, out), NULL);
		else if (out->kind == IDL_WORD)
			lua_pushinteger(L, (lua_Integer)p.m.w[out->index]);
		else
			lua_pushvalue(L, top + 1);
	}
	return op->outputs;
}

/* ---- objects that other Lua domains serve --------------------------------------------------------- */

/*
 * An object of our own: its method is called as a function, with the values themselves.  The stack: self, arguments;
 * upvalue 1: the name.
 */
static int own_call(lua_State *L, unsigned facet)
{
	size_t length;
	const char *name = lua_tolstring(L, lua_upvalueindex(1), &length);

	/* The capability may have come from somebody who has no more than that facet. */
	if (name[0] == '_' || !loop_method_allowed(L, facet, name, length))
		return capability_error(L, "object", name, RC_UNKNOWN, NULL);
	loop_push_handler(L, facet);
	if (!lua_istable(L, -1))
		return capability_error(L, "object", lua_tostring(L, lua_upvalueindex(1)), RC_VOID, NULL);
	lua_pushvalue(L, lua_upvalueindex(1));
	if (lua_gettable(L, -2) != LUA_TFUNCTION)
		return capability_error(L, "object", lua_tostring(L, lua_upvalueindex(1)), RC_UNKNOWN, NULL);
	/* self, arguments, object, function: to function, object, arguments */
	lua_insert(L, 1);
	lua_replace(L, 2);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* upvalue: the method's name */
static int remote_call(lua_State *L)
{
	struct capability *self = capability_check(L, 1), *caps[3];
	struct msg m = { .order = 1, .recv = { CR_ARG0, CR_ARG1, CR_ARG2 } };
	char small[CALL_SMALL];
	char *buffer;
	int n;

	if (self->own)
		return own_call(L, self->own);
	if (prompt_guarded()) {
		lua_pushvalue(L, lua_upvalueindex(1));
		lua_insert(L, 2);
		return call_by_way(L);
	}
	buffer = call_buffer(L);

	/* The name takes the place of self, which stays on the stack above. */
	n = lua_gettop(L);
	lua_pushvalue(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_replace(L, 1);
	call_pack(L, 1, n, small, &m, caps);
	m.recv_string = buffer;
	m.recv_limit = INV_STRING_MAX;
	{
		cap_t target = slot_use(self->slot);

		call_fill_registers(&m, caps);
		message_call(target, INV_CALL, &m);
	}
	if (m.order == RC_SELF) {
		self->own = (uint16_t)loop_facet_of(L, slot_use(self->slot));
		lua_settop(L, n + 1);
		lua_replace(L, 1);
		if (self->own)
			return own_call(L, self->own);
		lua_pushvalue(L, lua_upvalueindex(1));
		lua_insert(L, 2);
		return call_by_way(L);
	}
	if (m.order != RC_OK && m.order != 1)
		return capability_error(L, "object", lua_tostring(L, lua_upvalueindex(1)), m.order, NULL);
	lua_settop(L, 0);
	n = call_take_values(L, buffer, m.recv_length, (unsigned)m.w[0]);
	if (n < 0)
		return luaL_error(L, "the answer is no values: %s (to blame: the callee)", lua_tostring(L, -1));
	if (m.order == RC_OK)
		return n;
	lua_settop(L, n > 0 ? 1 : 0);
	if (n == 0)
		lua_pushliteral(L, "the method ended with an error");
	else if (lua_istable(L, 1))
		luaL_setmetatable(L, "error");
	return lua_error(L);
}

void call_prepare(lua_State *L, struct capability *target, int self, char *small, struct msg *m, struct capability *caps[3],
		  const struct idl_op **op, const struct idl_interface **of, size_t *limit)
{
	struct prepared p = { .m = { 0 } };
	const char *name = luaL_checkstring(L, self + 1);

	*op = NULL;
	*of = NULL;
	capability_ask(target);
	if (!target->interface && (target->gone || target->class == CLASS_NUMBER))
		capability_error(L, "object", name, RC_VOID, NULL);
	if (!target->interface)
		luaL_error(L, "nobody described this object's interface; send it a message {order=...}");
	if (target->remote) {
		m->order = 1;
		call_pack(L, self + 1, lua_gettop(L), small, m, caps);
		return;
	}
	*of = target->interface;
	*op = op_named(*of, name);
	if (!*op)
		luaL_error(L, "a %s has no operation '%s'", (*of)->name, name);
	arguments_read(L, self + 2, *of, *op, &p);
	for (unsigned i = 0; i < (*op)->outputs; i++)
		if ((*op)->out[i].kind == IDL_STRING && (*op)->out[i].max > *limit)
			*limit = (*op)->out[i].max;
	*m = p.m;
	memcpy(caps, p.caps, sizeof p.caps);
}

/* ---- the method of a name ------------------------------------------------------------------------- */

/* Pushes the table in the registry for this key, made when it is first needed. */
static void cache_table(lua_State *L, const void *key)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static const char *operations_text(lua_State *L, const struct idl_interface *of)
{
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	for (unsigned i = 0; i < of->count; i++) {
		luaL_addstring(&b, i ? " " : "");
		luaL_addstring(&b, of->ops[i].name);
	}
	luaL_pushresult(&b);
	return lua_tostring(L, -1);
}

int call_index(lua_State *L)
{
	struct capability *c = capability_test(L, 1);
	const char *name = lua_tostring(L, 2);
	const struct idl_op *op;

	if (!name)
		return luaL_error(L, "a capability has operations by name, not by %s", luaL_typename(L, 2));
	/* close and call, which every capability has. */
	if (name[0] == 'c' && (strcmp(name, "close") == 0 || strcmp(name, "call") == 0)) {
		luaL_getmetatable(L, CAPABILITY);
		lua_getfield(L, -1, name);
		return 1;
	}
	if (!c) {
		capability_check(L, 1);
		return 0;
	}
	if (!c->asked)
		capability_ask_in(L, 1, c);
	if (!c->interface) {
		if (c->class == CLASS_NUMBER || c->gone)
			return capability_error(L, "object", name, RC_VOID, NULL);
		return luaL_error(L, "%s: nobody described this object's interface; cap:call{order=...} sends it a message, "
				     "as(cap, 'interface') says what it is", name);
	}
	if (c->remote) {
		cache_table(L, remote_call);
		lua_pushvalue(L, 2);
		if (lua_rawget(L, -2) == LUA_TNIL) {
			lua_pop(L, 1);
			lua_pushvalue(L, 2);
			lua_pushcclosure(L, remote_call, 1);
			lua_pushvalue(L, 2);
			lua_pushvalue(L, -2);
			lua_rawset(L, -4);
		}
		return 1;
	}
	cache_table(L, c->interface);
	lua_pushvalue(L, 2);
	if (lua_rawget(L, -2) != LUA_TNIL)
		return 1;
	lua_pop(L, 1);
	op = op_named(c->interface, name);
	if (!op)
		return luaL_error(L, "a %s has no operation '%s'; it has: %s", c->interface->name, name,
				  operations_text(L, c->interface));
	lua_pushlightuserdata(L, (void *)op);
	lua_pushlightuserdata(L, (void *)c->interface);
	lua_pushcclosure(L, op_call, 2);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -2);
	lua_rawset(L, -4);
	return 1;
}

/* ---- raw messages --------------------------------------------------------------------------------- */

/* cap:call{order=, words={}, data=, caps={}, limit=, keykos=}: the reply as a table, whatever its code. */
int call_raw(lua_State *L)
{
	struct capability *self = capability_check(L, 1), *caps[3] = { NULL };
	struct msg m = { .recv = { CR_ARG0, CR_ARG1, CR_ARG2 } };
	uint32_t op = INV_CALL;
	cap_t target;

	call_read_message(L, 2, &m, caps);
	m.recv_limit = INV_STRING_MAX;
	if (lua_getfield(L, 2, "limit") != LUA_TNIL)
		m.recv_limit = (size_t)luaL_checkinteger(L, -1);
	if (m.recv_limit > INV_STRING_MAX)
		return luaL_error(L, "limit goes from 0 to %d", (int)INV_STRING_MAX);
	if (lua_getfield(L, 2, "keykos"), lua_toboolean(L, -1))
		op |= INV_KEYKOS;
	m.recv_string = call_buffer(L);
	target = slot_use(self->slot);
	call_fill_registers(&m, caps);
	message_call(target, op, &m);
	if (m.order == RC_SELF) {
		lua_settop(L, 2);
		return call_by_way(L);
	}
	call_push_message(L, &m, m.recv_string);
	return 1;
}
