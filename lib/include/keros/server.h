/*
 * server.h - the loop of a server.
 *
 *	struct msg m;
 *	server_first(&m, buffer, sizeof buffer);
 *	for (;;)
 *		server_next(&m, NAME_serve(&handlers, NULL, &m));
 *
 * Invariant: only a resume capability is ever answered.  Somebody may SEND with any capability
 * in position 3; answering a start capability there could make the server wait for its owner.
 */
#ifndef KEROS_SERVER_H
#define KEROS_SERVER_H
#include <stdbool.h>
#include <string.h>
#include <keros/inv.h>

/* Becomes available and waits for the first message. */
static inline void server_first(struct msg *m, void *buffer, size_t limit)
{
	memset(m, 0, sizeof *m);
	m->recv[0] = CR_ARG0;
	m->recv[1] = CR_ARG1;
	m->recv[2] = CR_ARG2;
	m->recv[3] = CR_RETURN;
	m->recv_string = buffer;
	m->recv_limit = limit;
	inv_return(CR_VOID, m);
}

#define SERVER_RECV ((uint64_t)(CR_ARG0 | CR_ARG1 << 8 | CR_ARG2 << 16) << 32 | (uint64_t)CR_RETURN << 56)

/*
 * Answers the message that m was, if it is to be answered and awaits that, and waits for the next; words: the answer's
 * words are m->w, else 0.  Inlined, with the registers that server_first names: every message comes by here.
 */
static inline __attribute__((always_inline)) void server_turn(struct msg *m, bool reply, const bool words)
{
	const bool answers = reply && (m->got & INV_GOT_RESUME);
	const void *string = answers ? m->send_string : NULL;
	uint64_t control = INV_CONTROL(m->order, INV_RETURN | INV_RECV_CAPS, answers ? CR_RETURN : CR_VOID);
	uint32_t send = 0;
	uint64_t w0 = words ? m->w[0] : 0, w1 = words ? m->w[1] : 0, w2 = words ? m->w[2] : 0;
	register uint64_t r10 __asm__("r10") = words ? m->w[3] : 0;
	register uint64_t r8 __asm__("r8") = words ? m->w[4] : 0;
	register uint64_t r9 __asm__("r9") = words ? m->w[5] : 0;
	register uint64_t r12 __asm__("r12") = (uint64_t)string;
	register uint64_t r13 __asm__("r13") = m->send_length;
	register uint64_t r14 __asm__("r14") = (uint64_t)m->recv_string;
	register uint64_t r15 __asm__("r15") = m->recv_limit;

	if (answers)
		__builtin_memcpy(&send, m->send, sizeof send);
	if (send)
		control |= INV_SEND_CAPS;
	if (string)
		control |= INV_SEND_STRING;
	if (m->recv_string)
		control |= INV_RECV_STRING;
	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(w0), "+S"(w1), "+d"(w2), "+r"(r10), "+r"(r8), "+r"(r9), "+r"(r13)
			 : "b"(SERVER_RECV | send), "r"(r12), "r"(r14), "r"(r15)
			 : "rcx", "r11", "memory");
	m->order = control >> 32;
	m->got = (uint32_t)control;
	m->w[0] = w0;
	m->w[1] = w1;
	m->w[2] = w2;
	m->w[3] = r10;
	m->w[4] = r8;
	m->w[5] = r9;
	m->recv_length = m->recv_string ? r13 : 0;
	m->send_string = NULL;
	__builtin_memset(m->send, CR_VOID, sizeof m->send);
}

static inline __attribute__((always_inline)) void server_next(struct msg *m, bool reply)
{
	server_turn(m, reply, true);
}
#endif
