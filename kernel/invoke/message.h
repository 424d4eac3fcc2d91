/*
 * message.h - the two sides of a message, shared by the files of invoke/ and by nobody else.
 */
#ifndef KERNEL_MESSAGE_H
#define KERNEL_MESSAGE_H
#include "invoke/inv.h"

#define SYSCALL_LENGTH 2               /* bytes of the syscall instruction */

/* ---- the sender's side ---- */

/* p's invocation itself is wrong (info: FAULT_INVOCATION's); p's string cannot be read at va.  p faults, with its registers
 * as at the instruction. */
void invocation_fault(struct process *p, uint64_t info);
void sender_fault(struct process *p, uint64_t va);

/* ---- the receiver's side ---- */

static inline bool receives_string(const struct process *q)
{
	return q->recv_control & INV_RECV_STRING;
}

static inline bool receives_caps(const struct process *q)
{
	return q->recv_control & INV_RECV_CAPS;
}

static inline void set_running(struct process *q)
{
	frame_dirty(process_frame(q));
	q->state = PROC_RUNNING;
}

/* Puts four capabilities into the registers that q named for them; giver: whom to name as their sender. */
void receive_caps(struct process *q, const struct cap *const caps[INV_CAPS], uint32_t giver);
/* The order or result, what came with it (INV_GOT_*) and six words, into the registers of q. */
void receive_words(struct process *q, uint32_t order, uint32_t got, const uint64_t *w);
/* Where q takes a string. */
struct ustring receive_buffer(struct process *q);
/* The sender's RETURN is done: it takes the next notice, or the next caller may come. */
void become_available(struct process *p);

/* A capability that no process stands behind is invoked (object.c). */
void invoke_object(struct inv *inv);
/* The same for the commonest case, from the entry of the call; comes back if it is another. */
void invoke_object_call(struct process *p, uint32_t control);
#endif
