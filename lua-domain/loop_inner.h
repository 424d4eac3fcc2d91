/*
 * loop_inner.h - what the parts of the loop know of each other.
 *
 * Tasks.  Every call that comes is a coroutine; those that end are used again.  A coroutine is anchored in the
 * registry under its own address while it is a task.  One that yields is parked: what it owes its caller is then a
 * userdata of type OWED in the registry's table parked, under the coroutine; task.c takes it from there.
 *
 * Answers.  One answer at a time is being made, in `answer`; what its strings and capabilities point to stays on the
 * stack of the task that made it until it is out.  It goes out at once if its caller's resume capability is held in a
 * slot; one that is still in CR_RETURN is answered by the next wait.
 */
#ifndef LUA_DOMAIN_LOOP_INNER_H
#define LUA_DOMAIN_LOOP_INNER_H
#include "loop.h"
#include "call.h"
#include "capability.h"

/* Tables of the registry, by the address of a member: handlers by name, facets' handlers and options by number, what
 * parked tasks owe, promises by courier, tasks that gave up their turn. */
struct loop_tables { char handlers, facets, options, parked, answers, ready; };
extern const struct loop_tables loop_tables;

/* What somebody holds a start capability to. */
struct facet { bool alive, options, function; uint32_t type; };
extern struct facet *facets;               /* by number, from 1; below facet_next */
extern unsigned facet_next;

/* Who is owed an answer for what runs now. */
struct request {
	bool awaited, held;            /* held: in a slot, else in CR_RETURN */
	slotno slot;
	struct request *outer;
};
extern struct request *current;

/* ---- loop.c ------------------------------------------------------------------------------------------- */
#define LOOP_READY 4u                  /* a notice to ourselves: tasks that gave up their turn wait to go on */

void registry_table(lua_State *L, const void *key);            /* pushes it */
bool push_handler(lua_State *L, const char *name);             /* a function of the prelude that the loop calls */
void call_told(lua_State *L, int n);                           /* an error goes to standard error */

/* ---- answer.c ------------------------------------------------------------------------------------------- */
extern struct msg answer;
extern struct capability *answer_caps[3];
extern char answer_small[CALL_SMALL];

void answer_begin(uint32_t order);                             /* an empty one with that code; what follows fills it in */
void answer_send(struct request *r);                           /* to whoever is owed it, who is owed nothing then */
void answer_code(struct request *r, uint32_t order);           /* both: an answer that is nothing but a code */
bool answer_take(struct msg *m);                               /* what the next wait answers to CR_RETURN, if anything */
void answer_flush(void);                                       /* ... or at once, when there will be none soon */
/* who is owed what in CR_RETURN is kept in slots: that register is needed */
void requests_hold(void);

/* ---- task.c ---------------------------------------------------------------------------------------------- */
int method_body(lua_State *L);                                 /* what a task for a call runs: a method of a served table */
int function_body(lua_State *L);                               /* ... a served function */
lua_State *task_take(lua_State *L);                            /* a coroutine that is no task yet */
void task_put(lua_State *L, lua_State *task, bool well);       /* it ended; well: it may be used again */
void task_resume(lua_State *L, lua_State *task, int n, struct request *r);     /* with n values; r: who is owed its answer */
void task_open(lua_State *L);
int loop_start(lua_State *L);
int loop_resume(lua_State *L);
int loop_is_task(lua_State *L);

/* ---- arrival.c, sent.c, facet.c: calls to us, answers to us, what we serve -------------------------------------- */
void take_call(lua_State *L, struct msg *m, const char *string);       /* a message to a facet; string: where its string came */
void take_answer(lua_State *L, struct msg *m);                         /* a courier's message: what was sent is answered */
int loop_send(lua_State *L);
int loop_cancel(lua_State *L);
int loop_known(lua_State *L);
int loop_learn(lua_State *L);
int loop_serve(lua_State *L);
int loop_revoke(lua_State *L);
int loop_handler(lua_State *L);
#endif
