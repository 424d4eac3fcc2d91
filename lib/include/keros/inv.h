/*
 * inv.h - invoking capabilities from C.
 *
 * Interface
 *   inv_call    sends a message and waits for the reply, which replaces the message
 *   inv_return  answers through a resume capability (or CR_VOID: nobody) and waits for the next message
 *   inv_send    sends and goes on; blocks only while a start capability's process is busy
 *   inv_call3, inv_reply3   the same for three words and nothing else, inlined for speed
 *   cap_copy    copies a capability between registers (through the returner)
 * A register number of 0 (CR_VOID) sends nothing and receives nothing.
 */
#ifndef KEROS_INV_H
#define KEROS_INV_H
#include <stddef.h>
#include <stdint.h>
#include "keros/abi.h"

typedef uint8_t cap_t;             /* the number of a capability register, 0..31 */

struct msg {
	uint32_t order;                /* order code; in a reply, the result code */
	uint32_t got;                  /* received only: INV_GOT_* and the start capability's data */
	uint64_t w[INV_WORDS];

	/* Positions 0..3.  On inv_call position 3 is made by the kernel. */
	cap_t send[INV_CAPS], recv[INV_CAPS];

	/* Valid if the pointer is not NULL. */
	const void *send_string;
	size_t send_length;
	void *recv_string;
	size_t recv_limit, recv_length;
};

/* Runs one invocation of kind op (INV_CALL, _RETURN or _SEND) with everything m says. */
void inv_raw(uint32_t op, cap_t target, struct msg *m);

static inline uint32_t inv_call(cap_t target, struct msg *m)
{
	inv_raw(INV_CALL, target, m);
	return m->order;
}

static inline void inv_return(cap_t target, struct msg *m)
{
	inv_raw(INV_RETURN, target, m);
}

static inline void inv_send(cap_t target, struct msg *m)
{
	inv_raw(INV_SEND, target, m);
}

#define INV_CONTROL(order, op, target) \
	((uint64_t)(order) << 32 | (uint64_t)INV_MARK << INV_MARK_SHIFT | (op) | (target))

/* A call with three words each way: no strings, no capabilities. */
static inline uint32_t inv_call3(cap_t target, uint32_t order, uint64_t *w0, uint64_t *w1, uint64_t *w2)
{
	uint64_t control = INV_CONTROL(order, INV_CALL, target);
	register uint64_t r10 __asm__("r10") = 0;
	register uint64_t r8 __asm__("r8") = 0;
	register uint64_t r9 __asm__("r9") = 0;

	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(*w0), "+S"(*w1), "+d"(*w2), "+r"(r10), "+r"(r8), "+r"(r9)
			 :
			 : "rcx", "r11", "memory");
	return control >> 32;
}

/* A server's turn with words only: answers `to` and waits; the next caller's resume capability arrives
 * in register `resume`.  Returns the next message's rax: order code in the high half, INV_GOT_* below. */
static inline uint64_t inv_reply3(cap_t to, uint32_t result, cap_t resume, uint64_t *w0, uint64_t *w1, uint64_t *w2)
{
	uint64_t control = INV_CONTROL(result, INV_RETURN | INV_RECV_CAPS, to);
	register uint64_t r10 __asm__("r10") = 0;
	register uint64_t r8 __asm__("r8") = 0;
	register uint64_t r9 __asm__("r9") = 0;

	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(*w0), "+S"(*w1), "+d"(*w2), "+r"(r10), "+r"(r8), "+r"(r9)
			 : "b"((uint64_t)resume << 56)
			 : "rcx", "r11", "memory");
	return control;
}

/* Copies a capability register through the returner in CR_RETURNER. */
void cap_copy(cap_t to, cap_t from);

#endif
