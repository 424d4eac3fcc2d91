/*
 * loop.c - see loop.h; the parts are said in loop_inner.h.
 */
#include "loop_inner.h"
#include <keros/discrim.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/stream.h>
#include <keros/timer.h>
#include "heap.h"
#include "keykos.h"
#include "modules.h"

#define PEEK_BASE  0x1F000000ull       /* in the shim's slot of memory, which it does not use to its end */
#define TYPE_PAGE_READONLY 0x1202u

lua_State *loop_state;
const struct loop_tables loop_tables;
static uint64_t posted;

/* ---- registry tables ---------------------------------------------------------------------------- */

void registry_table(lua_State *L, const void *key)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, key);
}

static void registry_make(lua_State *L, const void *key)
{
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* A function of the prelude that the loop calls, by name. */
bool push_handler(lua_State *L, const char *name)
{
	registry_table(L, &loop_tables.handlers);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	if (lua_isfunction(L, -1))
		return true;
	lua_pop(L, 1);
	return false;
}

/* Calls the function below n arguments; an error is told to standard error, since there is nobody else. */
void call_told(lua_State *L, int n)
{
	int base = lua_gettop(L) - n;

	lua_pushcfunction(L, lib_traceback);
	lua_insert(L, base);
	if (lua_pcall(L, n, 0, base) != LUA_OK) {
		err_text("lua: ");
		err_text(lua_isstring(L, -1) ? lua_tostring(L, -1) : "(error object is not a string)");
		err_text("\n");
	}
	lua_settop(L, base - 1);
}

void loop_ask(lua_State *L, int index)
{
	lua_State *before = loop_state;

	module_load(L, "tasks");
	if (!push_handler(L, "ask"))
		return;
	lua_pushvalue(L, index);
	loop_state = L;
	lua_call(L, 1, 0);
	loop_state = before;
}

/* ---- notices ------------------------------------------------------------------------------------ */

static int ready_body(lua_State *L)
{
	registry_table(L, &loop_tables.ready);
	registry_make(L, &loop_tables.ready);
	for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, 1); i <= n; i++) {
		lua_pushcfunction(L, loop_resume);
		lua_rawgeti(L, 1, i);
		if (lua_pcall(L, 1, 0, 0) != LUA_OK)
			lua_pop(L, 1);
	}
	return 0;
}

static void take_notice(lua_State *L, uint64_t bits)
{
	posted |= bits & ~(uint64_t)LOOP_READY;
	if (bits & LOOP_READY) {
		lua_pushcfunction(L, ready_body);
		call_told(L, 0);
	}
	if (bits & LOOP_TIMER && push_handler(L, "timer"))
		call_told(L, 0);
	for (unsigned i = 0; i < 8; i++)
		if (bits & LOOP_USER << i && push_handler(L, "notice")) {
			lua_pushinteger(L, i);
			call_told(L, 1);
		}
}

/* ---- the loop ----------------------------------------------------------------------------------- */

/* One message, whatever it is. */
static void loop_step(void)
{
	lua_State *L = loop_state;
	struct msg m = { 0 };
	char *string = call_buffer(L);
	cap_t to = CR_VOID;
	int top = lua_gettop(L);

	out_flush();
	if (answer_take(&m))
		to = CR_RETURN;
	else
		requests_hold();
	m.recv[0] = CR_ARG0;
	m.recv[1] = CR_ARG1;
	m.recv[2] = CR_ARG2;
	m.recv[3] = CR_RETURN;
	m.recv_string = string;
	m.recv_limit = INV_STRING_MAX;
	inv_return(to, &m);
	luaL_checkstack(L, 20, "the loop");
	if (m.got & INV_GOT_NOTICE)
		take_notice(L, m.w[0]);
	else if ((m.got & INV_GOT_DATA) >= LOOP_COURIER)
		take_answer(L, &m);
	else
		take_call(L, &m, string);
	lua_settop(L, top);
}

uint64_t loop_wait(uint64_t bits)
{
	while (!(posted & bits))
		loop_step();
	answer_flush();
	bits &= posted;
	posted &= ~bits;
	return bits;
}

__attribute__((noreturn)) void loop_run(void)
{
	for (;;)
		loop_step();
}

bool loop_watch(cap_t stream)
{
	return process_make_notice(CR_SELF, LOOP_STREAM, CR_TMP0) == RC_OK && stream_watch(stream, CR_TMP0) == RC_OK;
}

/* ---- the library -------------------------------------------------------------------------------- */

/* loop.step(): waits for one message. */
static int lib_step(lua_State *L)
{
	lua_State *before = loop_state;

	loop_state = L;
	loop_step();
	answer_flush();
	loop_state = before;
	if (posted & LOOP_STREAM && prompt_interrupted())
		return luaL_error(L, "interrupted!");
	return 0;
}

/* loop.run(): serves until os.exit, or the end of the domain. */
static int lib_run(lua_State *L)
{
	loop_state = L;
	loop_run();
}

/* loop.alarm(ns): the timer's handler runs at that time; 0: not. */
static int loop_alarm(lua_State *L)
{
	uint64_t when = (uint64_t)luaL_checkinteger(L, 1);
	uint32_t rc = process_make_notice(CR_SELF, LOOP_TIMER, CR_TMP0);

	if (rc == RC_OK)
		rc = timer_notify_at(CR_TIMER, when, CR_TMP0);
	if (rc != RC_OK)
		return capability_error(L, "timer", "notify_at", rc, NULL);
	return 0;
}

/* loop.now(): ns since the system first started. */
static int loop_now(lua_State *L)
{
	uint64_t now = 0;

	timer_now(CR_TIMER, &now);
	lua_pushinteger(L, (lua_Integer)now);
	return 1;
}

/* loop.notice(i): the capability that posts bit i of the script's eight. */
static int loop_notice(lua_State *L)
{
	lua_Integer i = luaL_checkinteger(L, 1);

	luaL_argcheck(L, i >= 0 && i < 8, 1, "there are eight bits, 0 to 7");
	if (process_make_notice(CR_SELF, (uint64_t)LOOP_USER << i, CR_ARG0) != RC_OK)
		return luaL_error(L, "no notice could be made");
	capability_push(L, CR_ARG0, interface_named("notice"), NULL);
	return 1;
}

/* loop.handlers{settle=, timer=, notice=}: what the loop calls. */
static int loop_handlers(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &loop_tables.handlers);
	return 0;
}

/*
 * loop.page(tree, index): the 4096 bytes of a page of a sensory memory tree, nil if there is none.  Sensory memory is
 * read without asking anybody: it has no keeper.
 */
static int loop_page(lua_State *L)
{
	struct capability *c = capability_check(L, 1);
	uint64_t index = (uint64_t)luaL_checkinteger(L, 2), hole = 1, data_byte = 0, class = 0, different = 1;
	unsigned lss = SPACE_LSS_ROOT;

	slot_get(c->slot, CR_ARG0);
	if (discrim_classify(CR_DISCRIM, CR_ARG0, &class) != RC_OK || class != CLASS_MEMORY ||
	    discrim_discreet(CR_DISCRIM, CR_ARG0, &hole) != RC_OK || hole)
		return luaL_argerror(L, 1, "not a sensory memory");
	while (node_data_byte(CR_ARG0, &data_byte) == RC_OK) {
		lss = data_byte & DB_LSS;
		if (lss < 3 || (lss < 15 && index >> 4 * (lss - 2)) ||
		    node_fetch(CR_ARG0, index >> 4 * (lss - 3) & 15, CR_ARG0) != RC_OK)
			return 0;
		index &= (1ull << 4 * (lss - 3)) - 1;
	}
	/* What is void now is no page; and an opaque memory that is read-only can still not be read past its end. */
	if (discrim_compare(CR_DISCRIM, CR_ARG0, CR_VOID, &different) != RC_OK || !different || index != 0 ||
	    space_map(CR_SPACE, PEEK_BASE, CR_ARG0, DB_READONLY, &domain_maker) != RC_OK)
		return 0;
	{
		struct msg m = { .order = KT };

		if (inv_call(CR_ARG0, &m) != RC_OK || m.w[0] != TYPE_PAGE_READONLY)
			return 0;
	}
	lua_pushlstring(L, (const char *)PEEK_BASE, PAGE_SIZE);
	return 1;
}

void loop_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "start", loop_start }, { "resume", loop_resume }, { "is_task", loop_is_task }, { "send", loop_send },
		{ "cancel", loop_cancel }, { "known", loop_known }, { "learn", loop_learn }, { "step", lib_step },
		{ "run", lib_run }, { "alarm", loop_alarm },
		{ "now", loop_now }, { "notice", loop_notice }, { "handlers", loop_handlers }, { "serve", loop_serve },
		{ "revoke", loop_revoke }, { "handler", loop_handler }, { "page", loop_page },
		{ "keykos", keykos_number }, { NULL, NULL },
	};

	loop_state = L;
	registry_make(L, &loop_tables.facets);
	registry_make(L, &loop_tables.options);
	registry_make(L, &loop_tables.parked);
	registry_make(L, &loop_tables.answers);
	registry_make(L, &loop_tables.ready);
	registry_make(L, &loop_tables.handlers);
	task_open(L);
	luaL_newlib(L, functions);
	lua_setglobal(L, "loop");
}
