/*
 * loop.c - see loop.h.
 *
 * Tasks.  Every call that comes is a coroutine; those that end are used again (`idle`).  A coroutine is anchored in the
 * registry under its own address while it is a task.  One that yields is parked: what it owes its caller is then a
 * userdata of type OWED in the registry's table PARKED, under the coroutine; resume_task takes it from there.
 */
#include "loop.h"
#include <keros/discrim.h>
#include <keros/node.h>
#include <keros/notice.h>
#include <keros/process.h>
#include <keros/stream.h>
#include <keros/timer.h>
#include "call.h"
#include "capability.h"
#include "courier.h"
#include "guard.h"
#include "heap.h"
#include "keykos.h"
#include "modules.h"
#include "wire.h"

#define OWED       "owed"
#define IDLE_TASKS 8u
#define LOOP_READY 4u                  /* a notice to ourselves: tasks that gave up their turn wait to go on */
#define PEEK_BASE  0x1F000000ull       /* in the shim's slot of memory, which it does not use to its end */
#define TYPE_PAGE_READONLY 0x1202u
#define TYPE_RAW   0x0A02u             /* alleged by what a function serves */

lua_State *loop_state;

/* Keys of the registry. */
static const char FACETS, OPTIONS, PARKED, ANSWERS, READY, HANDLERS;

struct facet { bool alive, options, function; uint32_t type; };
static struct facet *facets;
static unsigned facet_room, facet_next = 1;

/* Who is owed an answer for what runs now. */
struct request {
	bool awaited, held;            /* held: in a slot, else in CR_RETURN */
	slotno slot;
	struct request *outer;
};
static struct request *current;

/* What a task that has ended wants answered; the registers are filled when it goes out. */
static struct msg answer;
static struct capability *answer_caps[3];
static char answer_small[CALL_SMALL];
static bool answer_waits;              /* for the next wait, to CR_RETURN */

static uint64_t posted;
static lua_State *idle[IDLE_TASKS];
static unsigned idle_count;

static int no_method;                  /* its address is an error value: the object has no such method */

/* ---- registry tables ---------------------------------------------------------------------------- */

static void registry_table(lua_State *L, const void *key)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, key);
}

static void registry_make(lua_State *L, const void *key)
{
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* A function of the prelude that the loop calls, by name. */
static bool push_handler(lua_State *L, const char *name)
{
	registry_table(L, &HANDLERS);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	if (lua_isfunction(L, -1))
		return true;
	lua_pop(L, 1);
	return false;
}

/* Calls the function below n arguments; an error is told to standard error, since there is nobody else. */
static void call_told(lua_State *L, int n)
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

/* ---- answering ---------------------------------------------------------------------------------- */

static void answer_begin(uint32_t order)
{
	memset(&answer, 0, sizeof answer);
	memset(answer_caps, 0, sizeof answer_caps);
	answer.order = order;
}

/* Sends what is in `answer` to whom the request is from. */
static void answer_send(struct request *r)
{
	if (!r->awaited)
		return;
	r->awaited = false;
	if (!r->held) {
		answer_waits = true;
		return;
	}
	slot_get(r->slot, CR_TMP3);
	call_fill_registers(&answer, answer_caps);
	inv_send(CR_TMP3, &answer);
	slot_free(r->slot);
}

static void answer_code(struct request *r, uint32_t order)
{
	answer_begin(order);
	answer_send(r);
}

/* Before anything waits again, whoever is to be answered from CR_RETURN must be kept elsewhere. */
static void requests_hold(void)
{
	for (struct request *r = current; r; r = r->outer)
		if (r->awaited && !r->held) {
			struct msg refusal = { .order = RC_LIMIT };

			r->slot = capability_hold(CR_RETURN);
			r->held = r->slot != 0;
			r->awaited = r->held;
			if (!r->held)
				inv_send(CR_RETURN, &refusal);
		}
}

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
static int method_body(lua_State *L)
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
static int function_body(lua_State *L)
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

static lua_State *task_take(lua_State *L)
{
	lua_State *task;

	if (idle_count)
		return idle[--idle_count];
	task = lua_newthread(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, task);
	return task;
}

/* A task that has ended. */
static void task_put(lua_State *L, lua_State *task, bool well)
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

	registry_table(L, &PARKED);
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
	registry_table(L, &READY);
	lua_pushthread(task);
	lua_xmove(task, L, 1);
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
	lua_pop(L, 1);
	if (process_make_notice(CR_SELF, LOOP_READY, CR_TMP0) == RC_OK)
		notice_post(CR_TMP0);
}

/* Lets a task go on, with n values from its own stack. */
static void task_resume(lua_State *L, lua_State *task, int n, struct request *r)
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
static int loop_start(lua_State *L)
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
static int loop_resume(lua_State *L)
{
	lua_State *task = lua_tothread(L, 1);
	struct request r, *owed;
	int n = lua_gettop(L) - 1;

	luaL_argcheck(L, task && is_task(L, task), 1, "not a task");
	registry_table(L, &PARKED);
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
static int loop_is_task(lua_State *L)
{
	lua_pushboolean(L, lua_isyieldable(L) && is_task(L, L));
	return 1;
}

/* ---- what comes --------------------------------------------------------------------------------- */

void loop_push_handler(lua_State *L, unsigned facet)
{
	registry_table(L, &FACETS);
	lua_rawgeti(L, -1, (lua_Integer)facet);
	lua_remove(L, -2);
}

/* Whether the facet's holder may call this method: options.only, a set of names. */
bool loop_method_allowed(lua_State *L, unsigned facet, const char *name, size_t length)
{
	bool allowed;

	if (!facets[facet].options || !facets[facet].alive)
		return true;   /* what is dead is refused elsewhere */
	registry_table(L, &OPTIONS);
	lua_rawgeti(L, -1, (lua_Integer)facet);
	if (lua_getfield(L, -1, "only") == LUA_TNIL) {
		lua_pop(L, 3);
		return true;
	}
	lua_pushlstring(L, name, length);
	lua_rawget(L, -2);
	allowed = lua_toboolean(L, -1);
	lua_pop(L, 4);
	return allowed;
}

struct arrival { struct msg *m; const char *string; unsigned facet; lua_State *task; int n; uint32_t refusal; };

static void describe(lua_State *L, struct arrival *a);

/* Makes the task's stack; protected, since memory may end. */
static int arrival_body(lua_State *L)
{
	struct arrival *a = lua_touserdata(L, 1);
	const struct facet *f = &facets[a->facet];
	lua_State *task = a->task = task_take(L);
	const char *name;
	size_t length;

	if (f->function) {
		lua_pushcfunction(task, function_body);
		loop_push_handler(L, a->facet);
		call_push_message(L, a->m, a->string);
		lua_pushinteger(L, a->facet);
		lua_setfield(L, -2, "facet");
		if (a->m->got & INV_GOT_FAULT) {
			lua_pushboolean(L, 1);
			lua_setfield(L, -2, "fault");
		}
		if (f->options) {
			registry_table(L, &OPTIONS);
			lua_rawgeti(L, -1, (lua_Integer)a->facet);
			lua_getfield(L, -1, "badge");
			lua_setfield(L, -4, "badge");
			lua_pop(L, 2);
		}
		lua_xmove(L, task, 2);
		a->n = 2;
		return 0;
	}
	if (a->m->order == 2) {
		describe(L, a);
		return 0;
	}
	if (a->m->order != 1 || a->m->got & INV_GOT_TRUNCATED) {
		a->refusal = a->m->order != 1 ? RC_UNKNOWN : RC_REQUEST;
		return 0;
	}
	lua_pushcfunction(task, method_body);
	loop_push_handler(L, a->facet);
	lua_xmove(L, task, 1);
	a->n = call_take_values(task, a->string, a->m->recv_length, (unsigned)a->m->w[0]);
	if (a->n < 1 || lua_type(task, 3) != LUA_TSTRING) {
		a->refusal = RC_REQUEST;
	} else {
		name = lua_tolstring(task, 3, &length);
		if (!loop_method_allowed(L, a->facet, name, length))
			a->refusal = RC_UNKNOWN;
	}
	a->n++;
	return 0;
}

/* The names of the methods, as an answer that is ready. */
static void describe(lua_State *L, struct arrival *a)
{
	size_t at = 0;

	answer_begin(RC_OK);
	loop_push_handler(L, a->facet);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		size_t n = 0;
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &n) : NULL;
		bool show = name && lua_isfunction(L, -1) && name[0] != '_' && at + n + 1 < sizeof answer_small;

		lua_pop(L, 1);
		if (!show || !loop_method_allowed(L, a->facet, name, n))
			continue;
		memcpy(answer_small + at, name, n);
		at += n;
		answer_small[at++] = '\n';
	}
	answer.send_string = answer_small;
	answer.send_length = at;
	a->n = -1;
}

static void take_call(lua_State *L, struct msg *m, const char *string)
{
	struct request r = { .awaited = (m->got & INV_GOT_RESUME) != 0 };
	struct arrival a = { .m = m, .string = string, .facet = m->got & INV_GOT_DATA };
	struct facet *f = a.facet < facet_next && a.facet ? &facets[a.facet] : NULL;

	if (!f || !f->alive) {
		answer_code(&r, RC_VOID);
		return;
	}
	if (m->order == KT && !(m->got & INV_GOT_FAULT)) {
		answer_begin(RC_OK);
		answer.w[0] = f->type;
		answer_send(&r);
		return;
	}
	current = &(struct request){ r.awaited, false, 0, current };
	lua_pushcfunction(L, arrival_body);
	lua_pushlightuserdata(L, &a);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
		lua_pop(L, 1);
		a.refusal = RC_LIMIT;
	}
	/* A finalizer that waited may have moved the resume capability. */
	r = *current;
	current = r.outer;
	if (a.n == -1)
		answer_send(&r);
	else if (a.refusal)
		answer_code(&r, a.refusal);
	if (a.n == -1 || a.refusal) {
		if (a.task)
			task_put(L, a.task, true);
		return;
	}
	task_resume(L, a.task, a.n, &r);
}

/* ---- what we sent is answered --------------------------------------------------------------------- */

enum sent_kind { SENT_RAW, SENT_REMOTE, SENT_OP };

struct answered { unsigned number; struct msg *m; slotno held[3]; };

/* Pushes true and the results, or false and the error's value. */
static void answered_values(lua_State *L, struct answered *a, const struct courier *c)
{
	struct msg *m = a->m;
	size_t length = c->length < c->room ? c->length : c->room;
	unsigned caps;
	int base, n;

	m->recv_length = length;
	if (c->asked == SENT_RAW) {
		lua_pushboolean(L, 1);
		lua_pushlstring(L, c->buffer, length);
		lua_createtable(L, 0, 4);
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
		for (int i = 0; i < 3; i++) {
			capability_adopt(L, a->held[i], NULL, NULL);
			lua_rawseti(L, -2, i + 1);
		}
		lua_setfield(L, -2, "caps");
		return;
	}
	if (c->asked == SENT_REMOTE && (m->order == RC_OK || m->order == 1)) {
		lua_pushboolean(L, m->order == RC_OK);
		lua_pushlstring(L, c->buffer, length);
		base = lua_gettop(L) + 1;
		caps = m->w[0] < 3 ? (unsigned)m->w[0] : 3;
		for (unsigned i = 0; i < caps; i++)
			capability_adopt(L, a->held[i], NULL, NULL);
		n = wire_unpack(L, lua_tostring(L, base - 1), length, base, caps);
		if (n < 0)
			luaL_error(L, "the answer is no values: %s (to blame: the callee)", lua_tostring(L, -1));
		for (unsigned i = 0; i <= caps; i++)
			lua_remove(L, base - 1);
		if (m->order == 1 && n > 0 && lua_istable(L, base - 1))
			luaL_setmetatable(L, "error");
		return;
	}
	if (m->order != RC_OK) {
		capability_error(L, c->of ? c->of->name : "object", c->op ? c->op->name : "method", m->order, c->op);
		return;
	}
	lua_pushboolean(L, 1);
	for (unsigned i = 0; i < c->op->outputs; i++) {
		const struct idl_param *out = &c->op->out[i];

		if (out->kind == IDL_CAP)
			capability_adopt(L, a->held[out->index], interface_of_result(c->of, out), NULL);
		else if (out->kind == IDL_STRING)
			lua_pushlstring(L, c->buffer, length);
		else
			lua_pushinteger(L, (lua_Integer)m->w[out->index]);
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
	registry_table(L, &ANSWERS);
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

static void take_answer(lua_State *L, struct msg *m)
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
static int loop_send(lua_State *L)
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
	registry_table(L, &ANSWERS);
	lua_pushvalue(L, 3);
	lua_rawseti(L, -2, number);
	lua_pushinteger(L, number);
	return 1;
}

/* loop.known(cap): whether what it is can be found out without calling a process. */
static int loop_known(lua_State *L)
{
	lua_pushboolean(L, capability_known(capability_check(L, 1)));
	return 1;
}

/* loop.learn(cap, result code, type): what it answered to the question for its type. */
static int loop_learn(lua_State *L)
{
	capability_learn(capability_check(L, 1), (uint32_t)luaL_checkinteger(L, 2), (uint64_t)luaL_checkinteger(L, 3));
	return 0;
}

/* loop.cancel(number): nobody waits for that answer any more. */
static int loop_cancel(lua_State *L)
{
	unsigned number = (unsigned)luaL_checkinteger(L, 1);

	registry_table(L, &ANSWERS);
	lua_pushnil(L);
	lua_rawseti(L, -2, (lua_Integer)number);
	courier_done(number, true);
	return 0;
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
	registry_table(L, &READY);
	registry_make(L, &READY);
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
	if (answer_waits) {
		m = answer;
		call_fill_registers(&m, answer_caps);
		answer_waits = false;
		to = CR_RETURN;
	} else {
		requests_hold();
	}
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

/* An answer that waits for the next wait, when there will be none soon. */
static void answer_flush(void)
{
	if (!answer_waits)
		return;
	answer_waits = false;
	call_fill_registers(&answer, answer_caps);
	inv_send(CR_RETURN, &answer);
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
	lua_rawsetp(L, LUA_REGISTRYINDEX, &HANDLERS);
	return 0;
}

/* ---- serving ------------------------------------------------------------------------------------ */

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
static int loop_serve(lua_State *L)
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
	registry_table(L, &FACETS);
	lua_pushvalue(L, 1);
	lua_rawseti(L, -2, (lua_Integer)n);
	registry_table(L, &OPTIONS);
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
static int loop_revoke(lua_State *L)
{
	unsigned n = facet_arg(L, 1);

	facets[n].alive = false;
	registry_table(L, &FACETS);
	lua_pushnil(L);
	lua_rawseti(L, -2, (lua_Integer)n);
	registry_table(L, &OPTIONS);
	lua_pushnil(L);
	lua_rawseti(L, -2, (lua_Integer)n);
	return 0;
}

/* loop.handler(cap [, new]): what serves a facet of ours; with a second argument, what serves it from now on. */
static int loop_handler(lua_State *L)
{
	unsigned n = facet_arg(L, 1);

	if (!facets[n].alive)
		return luaL_error(L, "this facet was revoked");
	if (!lua_isnone(L, 2)) {
		bool function = lua_isfunction(L, 2);

		if (!function)
			luaL_checktype(L, 2, LUA_TTABLE);
		luaL_argcheck(L, function == facets[n].function, 2, "a function takes the place of a function, a table that of a table");
		registry_table(L, &FACETS);
		lua_pushvalue(L, 2);
		lua_rawseti(L, -2, (lua_Integer)n);
	}
	loop_push_handler(L, n);
	return 1;
}

void loop_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "start", loop_start }, { "resume", loop_resume }, { "is_task", loop_is_task }, { "send", loop_send },
		{ "cancel", loop_cancel }, { "known", loop_known }, { "learn", loop_learn }, { "step", lib_step }, { "run", lib_run }, { "alarm", loop_alarm },
		{ "now", loop_now }, { "notice", loop_notice }, { "handlers", loop_handlers }, { "serve", loop_serve },
		{ "revoke", loop_revoke }, { "handler", loop_handler }, { "page", loop_page }, { "keykos", keykos_number }, { NULL, NULL },
	};

	loop_state = L;
	registry_make(L, &FACETS);
	registry_make(L, &OPTIONS);
	registry_make(L, &PARKED);
	registry_make(L, &ANSWERS);
	registry_make(L, &READY);
	registry_make(L, &HANDLERS);
	luaL_newmetatable(L, OWED);
	lua_pushcfunction(L, owed_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	luaL_newlib(L, functions);
	lua_setglobal(L, "loop");
}
