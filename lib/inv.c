/*
 * inv.c - the general invocation: every register of the ABI loaded from a struct msg.
 * See inv.h for the interface and abi.h for the registers.
 */
#include "keros/inv.h"

static uint64_t caps_word(const struct msg *m)
{
	uint32_t send, recv;

	__builtin_memcpy(&send, m->send, sizeof send);
	__builtin_memcpy(&recv, m->recv, sizeof recv);
	return (uint64_t)recv << 32 | send;
}

void inv_raw(uint32_t op, cap_t target, struct msg *m)
{
	uint64_t caps = caps_word(m);
	uint64_t control = INV_CONTROL(m->order, op, target);
	register uint64_t r10 __asm__("r10") = m->w[3];
	register uint64_t r8 __asm__("r8") = m->w[4];
	register uint64_t r9 __asm__("r9") = m->w[5];
	register uint64_t r12 __asm__("r12") = (uint64_t)m->send_string;
	register uint64_t r13 __asm__("r13") = m->send_length;
	register uint64_t r14 __asm__("r14") = (uint64_t)m->recv_string;
	register uint64_t r15 __asm__("r15") = m->recv_limit;

	if ((uint32_t)caps)
		control |= INV_SEND_CAPS;
	if (caps >> 32)
		control |= INV_RECV_CAPS;
	if (m->send_string)
		control |= INV_SEND_STRING;
	if (m->recv_string)
		control |= INV_RECV_STRING;
	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(m->w[0]), "+S"(m->w[1]), "+d"(m->w[2]), "+r"(r10), "+r"(r8),
			   "+r"(r9), "+r"(r13)
			 : "b"(caps), "r"(r12), "r"(r14), "r"(r15)
			 : "rcx", "r11", "memory");
	m->order = control >> 32;
	m->got = (uint32_t)control;
	m->w[3] = r10;
	m->w[4] = r8;
	m->w[5] = r9;
	m->recv_length = m->recv_string ? r13 : 0;
	if (op == INV_SEND)
		m->recv_length = 0;
}

void cap_copy(cap_t to, cap_t from)
{
	struct msg m = { .order = 0, .send = { from }, .recv = { to } };

	inv_raw(INV_CALL, CR_RETURNER, &m);
}
