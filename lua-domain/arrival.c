/*
 * arrival.c - calls that come: which facet they are for, and the task that answers; see loop_inner.h.
 */
#include "loop_inner.h"
#include "wire.h"

void loop_push_handler(lua_State *L, unsigned facet)
{
	registry_table(L, &loop_tables.facets);
	lua_rawgeti(L, -1, (lua_Integer)facet);
	lua_remove(L, -2);
}

/* Whether the facet's holder may call this method: options.only, a set of names. */
bool loop_method_allowed(lua_State *L, unsigned facet, const char *name, size_t length)
{
	bool allowed;

	if (!facets[facet].options || !facets[facet].alive)
		return true;   /* what is dead is refused elsewhere */
	registry_table(L, &loop_tables.options);
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
			registry_table(L, &loop_tables.options);
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

void take_call(lua_State *L, struct msg *m, const char *string)
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
