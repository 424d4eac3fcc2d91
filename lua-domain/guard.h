/*
 * guard.h - the domain's own keeper: a second process in its memory.
 *
 * A process that calls itself would wait for ever, so the kernel makes that a fault.  For a script it is to be an error
 * like another (a capability that came back from far away may well lead home), so the guard answers such a fault with
 * the result code RC_SELF.  Every other fault is passed on to the keeper that the domain had.
 */
#ifndef LUA_DOMAIN_GUARD_H
#define LUA_DOMAIN_GUARD_H
#include <stdbool.h>

/* Before the first capability to this process leaves it.  False: the bank has no process to give. */
bool guard_start(void);
/* In a new instance of a frozen domain: the guard stayed behind. */
void guard_forget(void);
#endif
