/*
 * loop.h - waiting: the one place where the domain is available to others.
 */
#ifndef LUA_DOMAIN_LOOP_H
#define LUA_DOMAIN_LOOP_H
#include "domain.h"

/* Notice bits of our own; a script has those from LOOP_USER on. */
#define LOOP_STREAM 1u
#define LOOP_TIMER  2u
#define LOOP_USER   0x100u

bool loop_init(void);
/* Posts LOOP_STREAM when the stream's readiness changes. */
bool loop_watch(cap_t stream);
/* Serves whatever comes until one of the bits is posted; takes and returns those.  0: it will not come. */
uint64_t loop_wait(uint64_t bits);
#endif
