/*
 * t_replace.c - a running service's program is replaced: what doc/upgrade.md tells to do, done.
 *
 * A service is a process that counts; the older program answers 1000 + count, the newer 2000 + count.
 */
#include "t.h"

enum { OC_COUNT = 1, OC_LONG, OC_HAND_OVER, OC_TAKE_OVER };

static struct version {
	uint64_t base, count;
} versions[2] = { { 1000, 0 }, { 2000, 0 } };

static volatile uint64_t in_long;      /* the older program is in the middle of somebody's call */

/* One program or the other, by the version it is given. */
static void serve(struct version *v, struct msg m)
{
	for (;;) {
		struct msg reply = { .order = RC_OK, .recv = { [3] = CR_RETURN } };

		if (m.order == OC_LONG) {
			in_long = 1;
			for (;;)
				timer_sleep_until(T_TIMER, ~0ull >> 1);
		} else if (m.order == OC_COUNT) {
			reply.w[0] = v->base + ++v->count;
		} else if (m.order == OC_HAND_OVER) {
			reply.w[0] = v->count;
		} else if (m.order == OC_TAKE_OVER) {
			v->count = m.w[0];
		} else {
			reply.order = RC_REQUEST;
		}
		m = reply;
		inv_return(CR_RETURN, &m);
	}
}

static void serve_anew(void *argument)
{
	struct msg m = { .recv = { [3] = CR_RETURN } };

	inv_return(CR_VOID, &m);
	serve(argument, m);
}

/* The program that takes another's place: whoever was being served is told so, as after a restart. */
static void serve_in_place(void *argument)
{
	struct msg m = { .order = RC_RESTART, .recv = { [3] = CR_RETURN } };

	inv_return(CR_RETURN, &m);
	serve(argument, m);
}

static struct call {
	uint64_t order;
	volatile uint64_t done, result, value;
} calls[2];

static void call_once(void *argument)
{
	struct call *c = argument;
	struct msg m = { .order = c->order };

	c->result = inv_call(T_C, &m);
	c->value = m.w[0];
	c->done = 1;
}

static void caller_start(cap_t process, unsigned number, uint64_t order)
{
	struct call *c = &calls[number];

	*c = (struct call){ .order = order };
	t_ok(t_helper(process, 2 + number, CR_VOID, call_once, c), "a caller");
	process_swap_reg(process, T_C, T_C, CR_VOID);
	process_run(process);
}

static uint64_t count_by(cap_t service)
{
	struct msg m = { .order = OC_COUNT };
	uint32_t rc = inv_call(service, &m);

	return rc == RC_OK ? m.w[0] : rc;
}

static void service_start(cap_t process, unsigned number, cap_t space)
{
	t_second_space(space);
	t_ok(t_helper(process, number, space, serve_anew, &versions[number]), "a service");
	process_run(process);
}

/* ---- a service without state of its own: its process stays, and gets another space and another program ------------- */

static void test_in_place(void)
{
	struct reg_image regs = { 0 };
	uint64_t state = 0;

	service_start(T_A, 0, T_B);
	process_make_start(T_A, 0, T_C);
	cap_copy(T_D, T_C);
	t_ok(count_by(T_C) == 1001 && count_by(T_D) == 1002, "the older program answers");

	caller_start(T_E, 0, OC_LONG);
	t_ok(t_wait(&in_long, 1), "it is in the middle of a call");
	caller_start(T_F, 1, OC_COUNT);
	t_sleep_ms(5);
	t_ok(!calls[0].done && !calls[1].done, "and somebody else waits");

	t_rc(process_stop(T_A, &state), RC_OK, "whoever holds the process stops it");
	t_ok(state != 0, "which was not free");
	t_second_space(T_G);
	t_ok(t_helper_regs(T_A, 1, serve_in_place, &versions[1]) == RC_OK, "it gets the registers of another program's start");
	t_ok(process_get_regs(T_A, &regs, sizeof regs, NULL) == RC_OK, "which it has");
	t_rc(process_set_space_and_pc(T_A, regs.rip, regs.rsp, T_G, T_H), RC_OK, "and that program's space");
	t_ok(t_same(T_H, T_B), "instead of its own");
	t_rc(process_run(T_A), RC_OK, "and goes on");

	t_ok(t_wait(&calls[0].done, 1) && calls[0].result == RC_RESTART, "whose call was under way is told that it restarted");
	t_ok(t_wait(&calls[1].done, 1) && calls[1].result == RC_OK && calls[1].value == 2001, "who waited is served by the newer program");
	t_ok(count_by(T_C) == 2002 && count_by(T_D) == 2003, "and every start capability leads to it");
	t_free(T_A);
	t_ok(count_by(T_C) == RC_VOID, "until its process is no more");
}

/* ---- a service with state: it hands over to another process, to which its front end is turned ----------------------- */

#define FORMAT_FRONTEND ((uint64_t)(0xFu << 24 | 0xFu << 20 | 0xFu << 16 | 14u << 12 | 0xFu << 8 | 0u << 4 | 3u))

static void test_front_end(void)
{
	struct msg m = { .order = OC_HAND_OVER };

	versions[0].count = versions[1].count = 0;
	service_start(T_A, 0, T_B);
	process_make_start(T_A, 0, T_D);
	t_ok(t_node(T_E, 3) == RC_OK, "a front end");
	node_swap(T_E, 14, T_D, CR_VOID);
	node_write_number(T_E, 15, FORMAT_FRONTEND, 0);
	t_rc(node_make_frontend(T_E, 0, T_C), RC_OK, "through which clients hold the service");
	t_ok(count_by(T_C) == 1001 && count_by(T_C) == 1002, "answers as the service does");

	service_start(T_F, 1, T_G);
	process_make_start(T_F, 0, T_H);
	t_rc(inv_call(T_D, &m), RC_OK, "the older program hands over what it knows");
	t_rc(inv_call(T_H, &(struct msg){ .order = OC_TAKE_OVER, .w = { m.w[0] } }), RC_OK, "the newer takes it over");
	t_rc(node_swap(T_E, 14, T_H, CR_VOID), RC_OK, "the front end is turned");
	t_ok(count_by(T_C) == 2003, "and clients go on where they were, with the newer one");
	t_free(T_A);
	t_ok(count_by(T_C) == 2004, "which needs the older one no more");
	t_free(T_F);
}

int main(void)
{
	t_begin("replace: a running service gets another program");
	test_in_place();
	test_front_end();
	return t_end();
}
