/*
 * courier.h - calls that the interpreter does not wait for.
 *
 * A courier is a process in our memory that makes one CALL with the registers it was given, and brings the answer as
 * a message to us (data LOOP_COURIER + its number).  One that is not wanted any more is stopped: its caller's patience
 * is over, and the resume capability with the callee is void.
 *
 * Invariants
 *   1. What its message points to stays where it is until it is done or stopped.
 *   2. A courier's own buffer receives the string; the answer's words and capabilities come with the message.
 */
#ifndef LUA_DOMAIN_COURIER_H
#define LUA_DOMAIN_COURIER_H
#include "domain.h"
#include "capability.h"

#define COURIERS 256u

struct courier {
	/* Written by the courier itself: bytes of string that came, and the answer's control word. */
	volatile uint64_t length, got;

	bool busy;
	slotno process;
	char *buffer;
	size_t room;

	/* What was asked, for who reads the answer (loop.c). */
	uint8_t asked;
	const struct idl_op *op;
	const struct idl_interface *of;
};

/*
 * Sends m, with its capabilities, and target: an answer will come.  limit: bytes of string that it may have.  The number
 * of the courier, or -1: the bank has no more, or COURIERS are on their way.
 */
int courier_send(struct capability *target, uint32_t op, const struct msg *m, struct capability *const caps[3], size_t limit);
struct courier *courier_at(unsigned number);
/* It is free again; stop: it may still be waiting. */
void courier_done(unsigned number, bool stop);
/* In a new instance of a frozen domain: they stayed behind. */
void couriers_forget(void);
#endif
