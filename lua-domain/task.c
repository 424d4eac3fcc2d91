/*
 * task.c - tasks: what one does, how it ends, waits and goes on; see loop_inner.h.
 */
#include "loop_inner.h"
#include <keros/notice.h>
#include <keros/process.h>

#define OWED       "owed"
#define IDLE_TASKS 8u

static lua_State *idle[IDLE_TASKS];
static unsigned idle_count;

static int no_method;                  /* its address is an error value: the object has no such method */

/* ---- what a task does, and how it ends ----------------------------------------------------------- */

/* Results first.. of a method, packed. */
static int method_done(lua_State *L, int status, lua_KContext context)
{
	(void)status, (void)context;
	answer_begin(RC_OK);
	call_pack(L, 1, lua_gettop(L), answer_small, &answer, answer_caps);
	return 0;
}

/* object, name, arguments */
int method_body(lua_State *L)
{
	const char *name = lua_tostring(L, 2);

	if (!name || name[0] == '_')
		return lua_pushlightuserdata(L, &no_method), lua_error(L);
	lua_pushvalue(L, 2);
	if (lua_gettable(L, 1) != LUA_TFUNCTION)
		return lua_pushlightuserdata(L, &no_method), lua_error(L);
	lua_pushvalue(L, 1);
	lua_replace(L, 2);
	lua_replace(L, 1);
	lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, method_done);
	return method_done(L, LUA_OK, 0);
}

static int function_done(lua_State *L, int status, lua_KContext context)
{
	(void)status, (void)context;
	answer_begin(RC_OK);
	if (lua_gettop(L) == 0 || lua_isnil(L, 1))
		return 0;
	if (lua_isinteger(L, 1))
		answer.order = (uint32_t)lua_tointeger(L, 1);
	else if (lua_istable(L, 1))
		call_read_message(L, 1, &answer, answer_caps);
	else if (!lua_isboolean(L, 1))
		return luaL_error(L, "a handler answers with nil, a result code or a message {order=...}, not a %s",
				  luaL_typename(L, 1));
	else
		answer.order = lua_toboolean(L, 1) ? RC_OK : RC_REQUEST;
	/* The strings and capabilities that it points to stay on the stack until the answer is out. */
	return lua_gettop(L);
}

/* function, message */
int function_body(lua_State *L)
{
	lua_callk(L, 1, LUA_MULTRET, 0, function_done);
	return function_done(L, LUA_OK, 0);
}

/* An error's value as an answer: protected, since packing may fail as well. */
static int error_pack(lua_State *L)
{
	answer_begin(1);
	if (lua_type(L, 1) != LUA_TSTRING && !lua_istable(L, 1)) {
		lua_pushfstring(L, "an error that is a %s", luaL_typename(L, 1));
		lua_replace(L, 1);
	}
	call_pack(L, 1, 1, answer_small, &answer, answer_caps);
	return 0;
}

static void answer_error(lua_State *L, lua_State *task, struct request *r)
{
	if (lua_touserdata(task, -1) == &no_method) {
		answer_code(r, RC_UNKNOWN);
		return;
	}
	lua_pushcfunction(L, error_pack);
	lua_xmove(task, L, 1);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
		lua_pop(L, 1);
		answer_begin(RC_LIMIT);
	}
	answer_send(r);
}

/* ---- tasks -------------------------------------------------------------------------------------- */

static int owed_gc(lua_State *L)
{
	struct request *r = luaL_checkudata(L, 1, OWED);

	if (r->awaited) {
		struct msg m = { .order = RC_RESTART };

		slot_get(r->slot, CR_TMP3);
		inv_send(CR_TMP3, &m);
		slot_free(r->slot);
		r->awaited = false;
	}
	return 0;
}

lua_State *task_take(lua_State *L)
{
	lua_State *task;

	if (idle_count)
		return idle[--idle_count];
	task = lua_newthread(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, task);
	return task;
}

/* A task that has ended. */
void task_put(lua_State *L, lua_State *task, bool well)
{
	if (well && idle_count < IDLE_TASKS) {
		lua_settop(task, 0);
		idle[idle_count++] = task;
		return;
	}
	lua_pushnil(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, task);
}

static bool is_task(lua_State *L, lua_State *task)
{
	bool there = lua_rawgetp(L, LUA_REGISTRYINDEX, task) == LUA_TTHREAD;

	lua_pop(L, 1);
	return there;
}

static int park_body(lua_State *L)
{
	struct request *r = lua_touserdata(L, 1), *owed;
	lua_State *task = lua_tothread(L, 2);

	registry_table(L, &loop_tables.parked);
	owed = lua_newuserdatauv(L, sizeof *owed, 0);
	*owed = (struct request){ 0 };
	luaL_setmetatable(L, OWED);
	lua_rawsetp(L, -2, task);
	*owed = *r;
	owed->outer = NULL;
	return 0;
}

/* It waits for something, or has given up its turn: yielded tells (0 values). */
static void task_park(lua_State *L, lua_State *task, struct request *r, int yielded)
{
	bool again = yielded == 0;

	lua_pop(task, yielded);
	requests_hold();
	lua_pushcfunction(L, park_body);
	lua_pushlightuserdata(L, r);
	lua_pushthread(task);
	lua_xmove(task, L, 1);
	if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
		lua_pop(L, 1);
		answer_code(r, RC_LIMIT);
		task_put(L, task, false);
		return;
	}
	if (!again)
		return;
	registry_table(L, &loop_tables.ready);
	lua_pushthread(task);
	lua_xmove(task, L, 1);
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
	lua_pop(L, 1);
	if (process_make_notice(CR_SELF, LOOP_READY, CR_TMP0) == RC_OK)
		notice_post(CR_TMP0);
}

/* Lets a task go on, with n values from its own stack. */
void task_resume(lua_State *L, lua_State *task, int n, struct request *r)
{
	lua_State *before = loop_state;
	int results = 0, status;

	r->outer = current;
	current = r;
	status = lua_resume(task, L, n, &results);
	loop_state = before;
	current = r->outer;
	if (status == LUA_YIELD) {
		current = r;
		task_park(L, task, r, results);
		current = r->outer;
		return;
	}
	if (status == LUA_OK) {
		answer_send(r);
		/* What the answer points to is on the task's stack: it is out before anything of Lua's runs again. */
	} else if (r->awaited) {
		answer_error(L, task, r);
	} else {
		luaL_traceback(L, task, lua_tostring(task, -1) ? lua_tostring(task, -1) : "an error in a task", 0);
		err_text("lua: ");
		err_text(lua_tostring(L, -1));
		err_text("\n");
		lua_pop(L, 1);
	}
	if (status != LUA_OK)
		lua_resetthread(task);
	task_put(L, task, status == LUA_OK);
}

/* loop.start(f, ...): f runs as a task, until it waits for the first time. */
int loop_start(lua_State *L)
{
	struct request none = { 0 };
	lua_State *task;
	int n = lua_gettop(L);

	luaL_checktype(L, 1, LUA_TFUNCTION);
	task = task_take(L);
	if (!lua_checkstack(task, n + 4))
		return luaL_error(L, "too many arguments");
	lua_xmove(L, task, n);
	task_resume(L, task, n - 1, &none);
	return 0;
}

/* loop.resume(task, ...): one that waits goes on with these values. */
int loop_resume(lua_State *L)
{
	lua_State *task = lua_tothread(L, 1);
	struct request r, *owed;
	int n = lua_gettop(L) - 1;

	luaL_argcheck(L, task && is_task(L, task), 1, "not a task");
	registry_table(L, &loop_tables.parked);
	lua_rawgetp(L, -1, task);
	owed = luaL_testudata(L, -1, OWED);
	if (!owed || lua_status(task) != LUA_YIELD)
		return luaL_error(L, "this task does not wait");
	r = *owed;
	owed->awaited = false;
	lua_pushnil(L);
	lua_rawsetp(L, -3, task);
	lua_pop(L, 2);
	if (!lua_checkstack(task, n + 4))
		return luaL_error(L, "too many values");
	lua_xmove(L, task, n);
	task_resume(L, task, n, &r);
	return 0;
}

/* loop.is_task(): whether the running coroutine may be parked. */
int loop_is_task(lua_State *L)
{
	lua_pushboolean(L, lua_isyieldable(L) && is_task(L, L));
	return 1;
}

void task_open(lua_State *L)
{
	luaL_newmetatable(L, OWED);
	lua_pushcfunction(L, owed_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
}
