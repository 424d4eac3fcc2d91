/*
 * t_message.h - messages for tests: waiting for one as a server does, an echo server, processes that call once.
 */
#ifndef KEROS_NATIVE_T_MESSAGE_H
#define KEROS_NATIVE_T_MESSAGE_H
#include "t.h"

#define BIG 65536u
#define EDGE 8192u                     /* room for offsets, and guards behind */

static uint8_t source[BIG + EDGE] __attribute__((aligned(4096)));
static uint8_t arrived[BIG + EDGE] __attribute__((aligned(4096)));

enum { ALARM_BITS = 0x8000 };

/* Waits for a message as a server does, at most so long; false if none came. */
static bool receive(struct msg *m, cap_t answer_to, unsigned ms)
{
	process_make_notice(CR_SELF, ALARM_BITS, CR_TMP1);
	timer_notify_at(T_TIMER, t_now() + ms * 1000000ull, CR_TMP1);
	m->recv[0] = CR_ARG0;
	m->recv[1] = CR_ARG1;
	m->recv[2] = CR_ARG2;
	m->recv[3] = CR_RETURN;
	inv_return(answer_to, m);
	if ((m->got & INV_GOT_NOTICE) && (m->w[0] & ALARM_BITS))
		return false;
	timer_notify_at(T_TIMER, 0, CR_TMP1);
	return true;
}

static bool receive_fresh(struct msg *m)
{
	memset(m, 0, sizeof *m);
	return receive(m, CR_VOID, 1000);
}

/* Our own start capability with this data. */
static void make_own_start(uint64_t data, cap_t to)
{
	process_make_start(CR_SELF, data, to);
}

/* ---- the echo server ------------------------------------------------------------------------------- */

static struct {
	void *buffer;                  /* where it receives strings */
	size_t limit;
	const void *reply;             /* NULL: it answers what arrived */
	struct msg seen;               /* its last message */
	volatile uint64_t served;
} server;

/* Answers order+1, the words in reverse, the string, and the three capabilities in reverse. */
static void serve_echo(void *unused)
{
	struct msg m = { 0 };
	bool first = true;

	(void)unused;
	for (;;) {
		m.recv[0] = CR_ARG0;
		m.recv[1] = CR_ARG1;
		m.recv[2] = CR_ARG2;
		m.recv[3] = CR_RETURN;
		m.recv_string = server.buffer;
		m.recv_limit = server.limit;
		inv_return(first ? CR_VOID : CR_RETURN, &m);
		first = false;
		server.seen = m;
		server.served++;
		for (unsigned i = 0; i < 3; i++) {
			uint64_t w = m.w[i];

			m.w[i] = m.w[5 - i];
			m.w[5 - i] = w;
		}
		m.order++;
		m.send[0] = CR_ARG2;
		m.send[1] = CR_ARG1;
		m.send[2] = CR_ARG0;
		m.send[3] = CR_VOID;
		m.send_string = server.reply ? server.reply : server.buffer;
		m.send_length = m.recv_length;
	}
}

/* Server in T_A, its start capability in T_B; second space in T_J if wanted. */
static bool start_server(bool second)
{
	if (second)
		t_second_space(T_J);
	if (!t_helper(T_A, 0, second ? T_J : CR_VOID, serve_echo, NULL))
		return false;
	process_make_start(T_A, 0xBEEF, T_B);
	server.buffer = arrived;
	server.limit = BIG;
	server.reply = NULL;
	server.served = 0;
	return process_run(T_A) == RC_OK;
}

/* ---- missing pages ------------------------------------------------------------------------------------ */

/* A lss-3 tree in T_C with pages where bits are set, mapped at T_WINDOW (slot 3). */
static void map_pages(unsigned bits, unsigned readonly_bits)
{
	t_node(T_C, 3);
	for (unsigned i = 0; i < 16; i++)
		if ((bits | readonly_bits) >> i & 1) {
			t_alloc(T_PAGE, T_D);
			if (readonly_bits >> i & 1)
				page_make_readonly(T_D, T_D);
			node_swap(T_C, i, T_D, CR_VOID);
		}
	t_map(3, T_C);
}

/* ---- processes that call once --------------------------------------------------------------------------- */

static volatile uint64_t sent[T_HELPERS], answers[T_HELPERS];

struct caller { unsigned number; uint32_t op; };
static struct caller callers[T_HELPERS];

/* Calls (or sends to) the capability in its T_A, with its number. */
static void call_once(void *argument)
{
	struct caller *c = argument;
	struct msg m = { .order = c->number, .w = { 100 + c->number } };

	inv_raw(c->op, T_A, &m);
	sent[c->number]++;
	answers[c->number] = m.w[0];
}

static bool make_caller(cap_t process, unsigned number, uint32_t op, cap_t target)
{
	bool good;

	callers[number] = (struct caller){ number, op };
	sent[number] = answers[number] = 0;
	good = t_helper(process, number, number & 1 ? T_J : CR_VOID, call_once, &callers[number]);
	return good && process_swap_reg(process, T_A, target, CR_VOID) == RC_OK;
}
#endif
