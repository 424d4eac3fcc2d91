/*
 * loop.h - waiting and serving: the one place where the domain is available to others.
 *
 * While code waits (for input, for a promise, for the time), the loop serves what comes: calls on the objects that the
 * script serves, answers to what it sent, notices, faults of what it keeps.  Each call runs as a task, a coroutine of its
 * own; one that waits is parked with its caller's resume capability, and the loop goes on.
 *
 * Invariants
 *   1. Only a resume capability is ever answered, so nobody can make the loop wait.
 *   2. A number given to a facet is never given to another: who held the old one must not reach the new one.
 *   3. A caller whose task is gone is answered (RC_RESTART), at the latest when the collector finds it.
 */
#ifndef LUA_DOMAIN_LOOP_H
#define LUA_DOMAIN_LOOP_H
#include "domain.h"

/* Notice bits of our own; a script has the eight from LOOP_USER on. */
#define LOOP_STREAM 1u
#define LOOP_TIMER  2u
#define LOOP_USER   0x100u

/* Data of our start capabilities: facets from 1 on, answers to what was sent from LOOP_COURIER on. */
#define LOOP_FACETS  0xEFFFu
#define LOOP_COURIER 0xF000u

/* Makes its tables; before any other of these. */
void loop_open(lua_State *L);
/* Posts LOOP_STREAM when the stream's readiness changes. */
bool loop_watch(cap_t stream);
/* Serves whatever comes until one of the bits is posted; takes and returns those. */
uint64_t loop_wait(uint64_t bits);
/* The state whose code waits: where the loop makes its tasks from.  Set by whoever calls into Lua. */
extern lua_State *loop_state;
/* Serves for ever. */
__attribute__((noreturn)) void loop_run(void);

/* Asks the capability at index what it is, as capability_ask does, but with the loop going on. */
void loop_ask(lua_State *L, int index);

/* The handler of a facet, pushed; its number, 0 if the capability is none of ours. */
unsigned loop_facet_of(lua_State *L, cap_t reg);
/* Whether who holds that facet may call a method of this name: its option `only`. */
bool loop_method_allowed(lua_State *L, unsigned facet, const char *name, size_t length);
void loop_push_handler(lua_State *L, unsigned facet);
#endif
