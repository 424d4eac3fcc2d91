/*
 * capability.c - see capability.h.
 */
#include "capability.h"
#include <keros/discrim.h>
#include <keros/node.h>
#include <keros/process.h>
#include <stdio.h>
#include "call.h"
#include "heap.h"
#include "loop.h"

static struct capability **owner;      /* by slot */
static slotno owners;                  /* room in owner */
static const void *metatable;          /* of all capabilities */
static uint8_t age;                    /* grows with each thawing */

/* ---- making and ending -------------------------------------------------------------------------- */

static bool owner_room(slotno slot)
{
	slotno more = owners ? owners * 2 : 64;
	struct capability **to;

	if (slot < owners)
		return true;
	while (more <= slot)
		more *= 2;
	to = heap_alloc(NULL, owner, owners * sizeof *to, more * sizeof *to);
	if (!to)
		return false;
	memset(to + owners, 0, (more - owners) * sizeof *to);
	owner = to;
	owners = more;
	return true;
}

slotno capability_hold(cap_t from)
{
	slotno slot = slot_new();

	if (slot)
		slot_put(slot, from);
	return slot;
}

struct capability *capability_adopt(lua_State *L, slotno slot, const struct idl_interface *interface, const char *label)
{
	struct capability *c;

	if (!slot || !owner_room(slot)) {
		if (slot)
			slot_free(slot);
		luaL_error(L, "no room for another capability: the bank, or the keystore of %d, is full", (int)SLOTS_MAX);
	}
	c = lua_newuserdatauv(L, sizeof *c, 1);
	*c = (struct capability){ .slot = slot, .interface = interface, .asked = interface != NULL, .age = age };
	c->remote = interface && interface == interface_named("object");
	owner[slot] = c;
	luaL_setmetatable(L, CAPABILITY);
	if (label) {
		lua_pushstring(L, label);
		lua_setiuservalue(L, -2, 1);
	}
	return c;
}

struct capability *capability_push(lua_State *L, cap_t from, const struct idl_interface *interface, const char *label)
{
	return capability_adopt(L, capability_hold(from), interface, label);
}

/* ---- instances of frozen domains ------------------------------------------------------------------ */

void capability_thaw(void)
{
	age++;
	slots_forget();
}

/* A value of the frozen domain's that is used here for the first time. */
static void restore(struct capability *c)
{
	c->age = age;
	slots_ready();
	if (c->own) {
		process_make_start(CR_SELF, c->own, CR_TMP0);
	} else if (c->origin == ORIGIN_ARGUMENT) {
		cap_copy(CR_TMP0, CR_ARGUMENT);
	} else if (c->origin >= ORIGIN_COMPONENT) {
		node_fetch(CR_CONST, c->origin - ORIGIN_COMPONENT, CR_TMP0);
	} else if (c->origin >= ORIGIN_REGISTER) {
		slot_put(c->slot, (cap_t)(c->origin - ORIGIN_REGISTER));
		return;
	} else {
		return;
	}
	slot_put(c->slot, CR_TMP0);
}

static bool is_owner(struct capability *c)
{
	if (!c->slot || c->slot >= owners || owner[c->slot] != c)
		return false;
	if (c->age != age)
		restore(c);
	return true;
}

/*
 * As luaL_testudata, which finds the metatable by its name each time: slower, but it is also what a script that wrote
 * into the registry gets its values' metatable from.  Whether it is a capability, is_owner says.
 */
static struct capability *capability_any(lua_State *L, int index)
{
	struct capability *c = lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;
	bool good;

	if (!c || !lua_getmetatable(L, index))
		return NULL;
	good = lua_topointer(L, -1) == metatable;
	lua_pop(L, 1);
	return good ? c : luaL_testudata(L, index, CAPABILITY);
}

struct capability *capability_test(lua_State *L, int index)
{
	struct capability *c = capability_any(L, index);

	return c && is_owner(c) ? c : NULL;
}

struct capability *capability_check(lua_State *L, int index)
{
	struct capability *c = capability_any(L, index);

	if (!c)
		luaL_typeerror(L, index, CAPABILITY);
	if (!is_owner(c))
		luaL_argerror(L, index, "this capability was closed");
	return c;
}

cap_t capability_reg(struct capability *c, cap_t spare)
{
	cap_t reg = slot_cached(c->slot);

	if (reg != CR_VOID)
		return reg;
	slot_get(c->slot, spare);
	return spare;
}

static int cap_close(lua_State *L)
{
	struct capability *c = luaL_checkudata(L, 1, CAPABILITY);

	if (is_owner(c)) {
		owner[c->slot] = NULL;
		slot_free(c->slot);
		c->slot = 0;
	}
	return 0;
}

/* ---- what it is --------------------------------------------------------------------------------- */

/* What the kernel alone knows: harmless, whatever the capability is. */
static void classify(struct capability *c)
{
	uint64_t class = CLASS_OTHER;

	if (c->class == CLASS_UNKNOWN && discrim_classify(CR_DISCRIM, slot_use(c->slot), &class) == RC_OK)
		c->class = (uint8_t)class;
}

static bool is_void(struct capability *c)
{
	uint64_t different = 1;

	return discrim_compare(CR_DISCRIM, slot_use(c->slot), CR_VOID, &different) == RC_OK && !different;
}

void capability_learn(struct capability *c, uint32_t rc, uint64_t type)
{
	unsigned lss;

	if (c->asked)
		return;
	if (rc == RC_VOID) {
		c->gone = true;        /* it may be another thing when it is looked at again */
		return;
	}
	if (rc == RC_SELF) {
		c->interface = interface_named("object");      /* it leads to ourselves: what we serve */
		c->remote = true;
	} else if (rc == RC_OK) {
		c->interface = interface_of_type(type, &c->readonly, &lss);
		c->lss = (uint8_t)lss;
		c->remote = c->interface && c->interface == interface_named("object");
	}
	c->asked = true;
}

void capability_ask(struct capability *c)
{
	struct msg m = { .order = KT };

	if (c->asked)
		return;
	classify(c);
	if (c->class == CLASS_NUMBER) {
		if (is_void(c))
			return;
		c->interface = interface_named("number");
		c->asked = true;
	} else if (c->class == CLASS_RESUME) {
		c->asked = true;
	} else {
		message_call(slot_use(c->slot), INV_CALL, &m);
		capability_learn(c, m.order, m.w[0]);
	}
}

void capability_ask_in(lua_State *L, int index, struct capability *c)
{
	if (c->asked)
		return;
	classify(c);
	if (prompt_guarded() && c->class == CLASS_OTHER && !c->own)
		loop_ask(L, index);
	else
		capability_ask(c);
}

bool capability_known(struct capability *c)
{
	if (c->asked)
		return true;
	classify(c);
	/* Memory may have a keeper, who would be called for it. */
	if (c->class == CLASS_OTHER || c->class == CLASS_MEMORY)
		return false;
	capability_ask(c);
	return true;
}

/* ---- printing and comparing --------------------------------------------------------------------- */

/* For what is certainly the kernel's own, so that asking is safe. */
static void rights_format(struct capability *c, char *to, size_t size)
{
	to[0] = 0;
	if (c->interface && c->readonly)
		snprintf(to, size, ", read-only");
	if (c->interface && strcmp(c->interface->name, "segment") == 0)
		snprintf(to, size, "%s, spans 16^%u bytes", c->readonly ? ", read-only" : "", c->lss + 1u);
}

static int cap_tostring(lua_State *L)
{
	static const char *const classes[] = { "capability", "number", "resume", "memory", "schedule", "capability" };
	struct capability *c = luaL_checkudata(L, 1, CAPABILITY);
	char rights[64];
	const char *what;

	if (!is_owner(c)) {
		lua_pushliteral(L, "<closed capability>");
		return 1;
	}
	classify(c);
	what = c->interface ? c->interface->name : classes[c->class];
	if (c->class == CLASS_NUMBER && is_void(c))
		what = "void";
	rights_format(c, rights, sizeof rights);
	lua_getiuservalue(L, 1, 1);
	if (lua_isstring(L, -1))
		lua_pushfstring(L, "<%s '%s'%s>", what, lua_tostring(L, -1), rights);
	else
		lua_pushfstring(L, "<%s #%d%s>", what, (int)c->slot, rights);
	return 1;
}

static int cap_equal(lua_State *L)
{
	struct capability *a = capability_test(L, 1), *b = capability_test(L, 2);
	uint64_t different = 1;
	cap_t first;

	if (a && b) {
		first = slot_use(a->slot);
		discrim_compare(CR_DISCRIM, first, capability_reg(b, CR_TMP0), &different);
	}
	lua_pushboolean(L, a && b && !different);
	return 1;
}

/* kind(cap): what it is, as far as it is known or can be asked; nil for what is no capability. */
static int lib_kind(lua_State *L)
{
	struct capability *c = capability_test(L, 1);

	luaL_checkany(L, 1);
	if (!c) {
		luaL_pushfail(L);
		return 1;
	}
	capability_ask_in(L, 1, c);
	if (c->interface)
		lua_pushstring(L, c->interface->name);
	else if (c->class == CLASS_NUMBER)
		lua_pushliteral(L, "void");
	else
		lua_pushliteral(L, "unknown");
	return 1;
}

/* is_void(cap): whether it names nothing (any more).  Asks the kernel only. */
static int lib_is_void(lua_State *L)
{
	lua_pushboolean(L, is_void(capability_check(L, 1)));
	return 1;
}

/* as(cap, "interface"): the same capability, taken to be of that interface without asking it. */
static int lib_as(lua_State *L)
{
	struct capability *c = capability_check(L, 1);
	const char *name = luaL_checkstring(L, 2);
	const struct idl_interface *interface = interface_named(name);

	if (!interface)
		return luaL_error(L, "there is no interface '%s'; see interfaces()", name);
	c->interface = interface;
	c->asked = true;
	c->remote = strcmp(name, "object") == 0;
	lua_settop(L, 1);
	return 1;
}

/* label(cap [, text]): the name it is printed with. */
static int lib_label(lua_State *L)
{
	capability_check(L, 1);
	if (!lua_isnone(L, 2)) {
		luaL_checkstring(L, 2);
		lua_settop(L, 2);
		lua_setiuservalue(L, 1, 1);
		return 1;
	}
	lua_getiuservalue(L, 1, 1);
	return 1;
}

/* interfaces(): the names of all; operations(name or cap): of its operations. */
static int lib_interfaces(lua_State *L)
{
	lua_createtable(L, (int)interface_count(), 0);
	for (unsigned i = 0; i < interface_count(); i++) {
		lua_pushstring(L, interface_at(i)->name);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

static const struct idl_interface *interface_arg(lua_State *L, int index)
{
	struct capability *c = capability_test(L, index);
	const struct idl_interface *interface;

	if (c) {
		capability_ask(c);
		return c->interface;
	}
	interface = interface_named(luaL_checkstring(L, index));
	luaL_argcheck(L, interface, index, "there is no interface of that name; see interfaces()");
	return interface;
}

static int lib_operations(lua_State *L)
{
	const struct idl_interface *interface = interface_arg(L, 1);

	lua_newtable(L);
	for (unsigned i = 0; interface && i < interface->count; i++) {
		lua_pushstring(L, interface->ops[i].name);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

/* page(name or cap [, operation]): the text that help prints. */
static int lib_page(lua_State *L)
{
	const struct idl_interface *interface = interface_arg(L, 1);
	const char *name = luaL_optstring(L, 2, NULL);
	const struct idl_op *op = NULL;
	size_t length;
	luaL_Buffer b;

	if (!interface) {
		lua_pushliteral(L, "an object whose interface nobody described; cap:call{order=...} sends it a message\n");
		return 1;
	}
	if (name && !(op = op_named(interface, name)))
		return luaL_error(L, "%s has no operation '%s'", interface->name, name);
	length = page_format(NULL, 0, interface, op);
	page_format(luaL_buffinitsize(L, &b, length + 1), length + 1, interface, op);
	luaL_pushresultsize(&b, length);
	return 1;
}

/* ---- errors ------------------------------------------------------------------------------------- */

static int error_tostring(lua_State *L)
{
	if (lua_getfield(L, 1, "message") != LUA_TSTRING)
		lua_pushliteral(L, "(an error without a message)");
	return 1;
}

int capability_error(lua_State *L, const char *interface, const char *op, uint32_t code, const struct idl_op *of)
{
	const struct result_code *r = result_code_of(code);
	const char *why = r->words;

	for (unsigned i = 0; of && i < of->errors; i++)
		if (of->error[i].code == code)
			why = of->error[i].why;
	lua_createtable(L, 0, 6);
	lua_pushinteger(L, code);
	lua_setfield(L, -2, "code");
	lua_pushstring(L, r->name);
	lua_setfield(L, -2, "name");
	lua_pushfstring(L, "%s.%s", interface, op);
	lua_setfield(L, -2, "operation");
	lua_pushstring(L, r->blame);
	lua_setfield(L, -2, "blame");
	luaL_where(L, 1);
	lua_pushfstring(L, "%s.%s: %s: %s (to blame: %s)", interface, op, r->name, why, r->blame);
	lua_concat(L, 2);
	lua_setfield(L, -2, "message");
	luaL_setmetatable(L, "error");
	return lua_error(L);
}

/* ---- the metatable ------------------------------------------------------------------------------ */

void capability_open(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{ "__gc", cap_close }, { "__close", cap_close }, { "__tostring", cap_tostring }, { "__eq", cap_equal },
		{ "__index", call_index }, { NULL, NULL },
	};
	static const luaL_Reg globals[] = {
		{ "kind", lib_kind }, { "is_void", lib_is_void }, { "as", lib_as }, { "label", lib_label },
		{ "interfaces", lib_interfaces }, { "operations", lib_operations }, { "page", lib_page }, { NULL, NULL },
	};

	luaL_newmetatable(L, CAPABILITY);
	metatable = lua_topointer(L, -1);
	luaL_setfuncs(L, meta, 0);
	lua_pushcfunction(L, cap_close);
	lua_setfield(L, -2, "close");          /* where call_index looks first */
	lua_pushcfunction(L, call_raw);
	lua_setfield(L, -2, "call");
	lua_pop(L, 1);
	luaL_newmetatable(L, "error");
	lua_pushcfunction(L, error_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 1);
	lua_pushglobaltable(L);
	luaL_setfuncs(L, globals, 0);
	lua_pop(L, 1);
}
