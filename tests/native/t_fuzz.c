/*
 * t_fuzz.c - 100,000 random invocations on everything a native program can hold.
 *
 * A helper, the fuzzer, invokes; the test watches.  Half of what it does follows the table of
 * operations made from idl/ (fuzz.h), the rest is random.  Whenever the fuzzer makes no
 * progress (it sleeps for ever, waits for somebody who will not answer, or has faulted) the
 * test stops it and starts it again at the next invocation.  Nothing it holds leads to its own
 * memory, to the log's power switch or to devices that matter; anything else is fair.
 *
 * What must hold: the kernel lives, every object's books are right, and services still serve.
 */
#include "t.h"
#include <fuzz.h>

#define INVOCATIONS 100000u
#define BAGS        2u
#define BAG         (BAGS * NODE_SLOTS)
#define FIRST_REG   8u                 /* the fuzzer plays with registers 8..23 */
#define REGS        16u
#define BUFFER      (65536u + 4096u)

enum { FUZZ_BAG0 = 1, FUZZ_BAG1 = 2 }; /* the fuzzer's own: fetch capabilities to the bags */

static uint8_t random_bytes[BUFFER], received[BUFFER];
static uint32_t bag_type[BAG];
static unsigned bag_count;

static struct {
	uint64_t random;               /* xorshift; never 0 */
	volatile uint64_t done;
	uint64_t results[16];          /* by the low bits of the result code, for the curious */
} state;

static uint64_t next_random(void)
{
	state.random ^= state.random << 13;
	state.random ^= state.random >> 7;
	state.random ^= state.random << 17;
	return state.random;
}

static uint64_t below(uint64_t n)
{
	return next_random() % n;
}

/* A word that is likely to be near the edge of something. */
static uint64_t random_word(void)
{
	switch (below(8)) {
	case 0: return below(4);
	case 1: return below(20);
	case 2: return below(300);
	case 3: return (1ull << below(64)) + below(3) - 1;
	case 4: return ~0ull - below(20);
	case 5: return (uint64_t)random_bytes + below(BUFFER);
	case 6: return below(1 << 20) << 12;
	default: return next_random();
	}
}

static size_t random_length(void)
{
	static const uint32_t usual[] = { 0, 1, 8, 36, 60, 168, 512, 1024, 1088, 4096, 65535, 65536, 65537 };

	return below(2) ? usual[below(sizeof usual / sizeof *usual)] : below(9000);
}

static void *random_address(uint8_t *buffer)
{
	switch (below(24)) {
	case 0: return (void *)next_random();
	case 1: return (void *)0x7FFFFFFFF000ull;
	case 2: return (void *)0xFFFFFFFF80000000ull;
	case 3: return (void *)0x400000;
	default: return buffer + below(4096);
	}
}

/* Operations that would end the test instead of testing anything. */
static bool is_excluded(uint32_t type, uint32_t order)
{
	return (type == LOG_TYPE && order == LOG_OC_PUT) ||                  /* noise on the log */
	       (type == PHYSMEM_TYPE && order == PHYSMEM_OC_PAGE);           /* the clock's registers, and worse */
}

static uint32_t random_order(uint32_t type)
{
	uint32_t order = KT;

	switch (below(10)) {
	case 0:
		order = (uint32_t)next_random();
		break;
	case 1:
		order = (uint32_t)below(100);
		break;
	case 2:
		break;
	default:
		for (unsigned tries = 0; tries < 200; tries++) {
			const struct fuzz_op *op = &fuzz_ops[below(sizeof fuzz_ops / sizeof *fuzz_ops)];

			if (op->type != type && tries < 190)
				continue;
			order = op->first + (uint32_t)below(op->last - op->first + 1ull);
			break;
		}
	}
	return is_excluded(LOG_TYPE, order) && type == LOG_TYPE ? KT :
	       is_excluded(PHYSMEM_TYPE, order) && type == PHYSMEM_TYPE ? KT : order;
}

static uint8_t random_reg(void)
{
	return below(40) ? (uint8_t)(FIRST_REG + below(REGS)) : (uint8_t)below(256);
}

/*
 * The type of what is in each of the fuzzer's registers is known only while it is fresh from
 * the bag; results of operations are targets as well, with whatever order.
 */
static void invoke_once(void)
{
	static uint32_t reg_type[REGS];
	unsigned reg = (unsigned)below(REGS), slot = (unsigned)below(bag_count);
	/* A RETURN is seldom: nobody calls the fuzzer, so each one costs a restart. */
	uint32_t op = !below(100) ? INV_RETURN : !below(8) ? INV_SEND : INV_CALL;
	struct msg m = { 0 };

	if (below(3)) {
		node_fetch(slot < NODE_SLOTS ? FUZZ_BAG0 : FUZZ_BAG1, slot % NODE_SLOTS, (cap_t)(FIRST_REG + reg));
		reg_type[reg] = bag_type[slot];
	}
	m.order = random_order(reg_type[reg]);
	if (m.order == LOG_OC_PUT && reg_type[reg] == 0)
		m.order = KT;                  /* it may be a log that an operation gave */
	for (unsigned i = 0; i < INV_WORDS; i++)
		m.w[i] = random_word();
	for (unsigned i = 0; i < INV_CAPS; i++) {
		if (below(3))
			m.send[i] = random_reg();
		if (below(3)) {
			m.recv[i] = (cap_t)(FIRST_REG + below(REGS));
			reg_type[m.recv[i] - FIRST_REG] = 0;
		}
	}
	if (below(2)) {
		m.send_string = random_address(random_bytes);
		m.send_length = random_length();
	}
	if (below(2)) {
		m.recv_string = random_address(received);
		m.recv_limit = below(50) ? random_length() : next_random();
	}
	state.done++;
	inv_raw(op, (cap_t)(FIRST_REG + reg), &m);
	state.results[m.order & 15]++;
}

static void fuzz(void *unused)
{
	(void)unused;
	while (state.done < INVOCATIONS)
		invoke_once();
	for (;;) {
		struct msg m = { 0 };

		inv_return(CR_VOID, &m);
	}
}

/* ---- what there is to invoke ------------------------------------------------------------------- */

static void bag_put(cap_t c, uint32_t type)
{
	node_swap(bag_count < NODE_SLOTS ? T_H : T_I, bag_count % NODE_SLOTS, c, CR_VOID);
	bag_type[bag_count++] = type;
}

/* Answers everybody with what came. */
static void serve(void *unused)
{
	struct msg m = { 0 };

	(void)unused;
	for (;;) {
		m.recv[0] = CR_ARG0;
		m.recv[3] = CR_RETURN;
		inv_return(CR_RETURN, &m);
		m.send[0] = CR_ARG0;
	}
}

/* T_A: the victim, a process with memory of its own, kept by the server. */
static void make_victim(void)
{
	t_alloc(T_PROCESS, T_A);
	t_node(T_B, 3);
	t_alloc(T_PAGE, T_C);
	node_swap(T_B, 0, T_C, CR_VOID);
	process_swap_slot(T_A, PSLOT_SPACE, T_B, CR_VOID);
	process_swap_slot(T_A, PSLOT_SCHEDULE, T_J, CR_VOID);
	process_make_start(T_D, 1, T_C);
	process_swap_slot(T_A, PSLOT_KEEPER, T_C, CR_VOID);
}

static void fill_bag_objects(void)
{
	t_alloc(T_PAGE, T_B);
	bag_put(T_B, PAGE_TYPE);
	page_make_readonly(T_B, T_C);
	bag_put(T_C, PAGE_TYPE);
	t_alloc(T_NODE, T_E);
	node_swap(T_E, 0, T_B, CR_VOID);
	node_swap(T_E, 1, T_E, CR_VOID);
	bag_put(T_E, NODE_TYPE);
	node_make_fetch(T_E, 4, T_C);
	bag_put(T_C, NODE_TYPE);
	node_make_sense(T_E, T_C);
	bag_put(T_C, NODE_TYPE);
	node_make_segment(T_E, 3, T_C);
	bag_put(T_C, SEGMENT_TYPE);
	node_make_frontend(T_E, 0, T_C);
	bag_put(T_C, NODE_TYPE);
	node_make_schedule(T_E, T_C);
	bag_put(T_C, SCHEDULE_TYPE);
	bag_put(T_J, SCHEDULE_TYPE);
	bag_put(T_A, PROCESS_TYPE);
	process_make_start(T_D, 7, T_C);
	bag_put(T_C, RETURNER_TYPE);
	process_make_start(T_A, 7, T_C);
	bag_put(T_C, PROCESS_TYPE);
	process_make_notice(T_D, 3, T_C);
	bag_put(T_C, NOTICE_TYPE);
	process_make_notice(T_A, 5, T_C);
	bag_put(T_C, NOTICE_TYPE);
	node_write_number(T_E, 2, 77, 0);
	node_fetch(T_E, 2, T_C);
	bag_put(T_C, NUMBER_TYPE);
	/* A red segment with the server as its keeper. */
	t_alloc(T_NODE, T_F);
	process_make_start(T_D, 9, T_C);
	node_swap(T_F, 14, T_C, CR_VOID);
	node_write_number(T_F, 15, 0x0FFFEF83, 0);
	node_make_segment(T_F, 0, T_C);
	bag_put(T_C, SEGMENT_TYPE);
}

static void fill_bag_kernel(void)
{
	uint64_t frames = 0;

	bag_put(T_DISCRIM, DISCRIM_TYPE);
	bag_put(CR_RETURNER, RETURNER_TYPE);
	bag_put(T_TIMER, TIMER_TYPE);
	if (t_type(T_PROCTOOL))
		bag_put(T_PROCTOOL, PROCTOOL_TYPE);
	if (t_type(T_KEYBITS))
		bag_put(T_KEYBITS, KEYBITS_TYPE);
	log_text_only(CR_LOG, T_C);
	bag_put(T_C, LOG_TYPE);
	if (t_given(CHECKPOINT_TYPE, T_C))
		bag_put(T_C, CHECKPOINT_TYPE);
	if (t_given(IRQ_TYPE, T_C) && irq_narrow(T_C, 5, T_C) == RC_OK)
		bag_put(T_C, IRQ_TYPE);
	if (t_given(IOPORT_TYPE, T_C) && ioport_narrow(T_C, 0x80, 1, T_C) == RC_OK)
		bag_put(T_C, IOPORT_TYPE);
	if (t_type(T_RANGE) && range_length(T_RANGE, &frames, NULL) == RC_OK && frames > 64 &&
	    range_subrange(T_RANGE, frames - 64, 64, T_C) == RC_OK)
		bag_put(T_C, RANGE_TYPE);
}

static void fill_bag_services(void)
{
	if (t_has_bank() && bank_make_sub(CR_BANK, 300, T_C) == RC_OK) {
		bag_put(T_C, BANK_TYPE);
		bag_put(T_C, BANK_TYPE);
	}
	if (t_given(VCS_TYPE, T_C))
		bag_put(T_C, VCS_TYPE);
	if (t_given(PROCCRE_TYPE, T_C))
		bag_put(T_C, PROCCRE_TYPE);
	if (t_given(METACONSTRUCTOR_TYPE, T_C)) {
		bag_put(T_C, METACONSTRUCTOR_TYPE);
		if (metaconstructor_make(T_C, CR_BANK, T_B) == RC_OK)
			bag_put(T_B, CONSTRUCTOR_TYPE);
	}
}

/* A sub-bank that was destroyed makes room for a new one. */
static void renew(void)
{
	for (unsigned i = 0; i < bag_count; i++) {
		cap_t bag = i < NODE_SLOTS ? T_H : T_I;

		node_fetch(bag, i % NODE_SLOTS, T_C);
		if (bag_type[i] == BANK_TYPE && t_type(T_C) != BANK_TYPE && bank_make_sub(CR_BANK, 300, T_C) == RC_OK)
			node_swap(bag, i % NODE_SLOTS, T_C, CR_VOID);
	}
}

/* ---- the watch ------------------------------------------------------------------------------------ */

static unsigned watch(void)
{
	uint64_t seen = 0, told = 0;
	unsigned stuck = 0;

	while (state.done < INVOCATIONS) {
		t_sleep_ms(2);
		if (state.done == seen) {
			stuck++;
			process_stop(T_G, NULL);
			process_stop(T_A, NULL);       /* a victim set running may fault to its keeper for ever */
			t_helper_regs(T_G, 1, fuzz, NULL);
			process_run(T_G);
		}
		seen = state.done;
		if (seen / 10000 != told) {
			told = seen / 10000;
			t_note("%lu invocations, %u restarts", (unsigned long)seen, stuck);
			renew();
		}
	}
	process_stop(T_G, NULL);
	return stuck;
}

int main(void)
{
	uint64_t total = 0, free_frames = 0, invocations = 0, value = 0;
	struct msg m = { .order = 5, .w = { 1, 2, 3 } };

	t_begin("fuzz: random invocations");
	state.random = 0x9E3779B97F4A7C15ull;
	for (unsigned i = 0; i < BUFFER; i++)
		random_bytes[i] = (uint8_t)next_random();
	if (schedule_narrow(CR_SCHED, 3, T_J) != RC_OK)
		cap_copy(T_J, CR_SCHED);

	t_alloc(T_NODE, T_H);
	t_alloc(T_NODE, T_I);
	t_ok(t_helper(T_D, 0, CR_VOID, serve, NULL) && process_run(T_D) == RC_OK, "a server runs");
	make_victim();
	fill_bag_objects();
	fill_bag_kernel();
	fill_bag_services();
	t_note("%u capabilities to invoke", bag_count);

	t_helper(T_G, 1, CR_VOID, fuzz, NULL);
	for (unsigned reg = 1; reg < CAP_REGISTERS; reg++)
		process_swap_reg(T_G, reg, CR_VOID, CR_VOID);
	node_make_fetch(T_H, 0, T_C);
	process_swap_reg(T_G, FUZZ_BAG0, T_C, CR_VOID);
	node_make_fetch(T_I, 0, T_C);
	process_swap_reg(T_G, FUZZ_BAG1, T_C, CR_VOID);
	process_swap_slot(T_G, PSLOT_SCHEDULE, T_J, CR_VOID);
	process_run(T_G);
	t_note("%u restarts in all", watch());

	t_ok(state.done >= INVOCATIONS, "%u invocations were made", INVOCATIONS);
	t_rc(log_stats(CR_LOG, &total, &free_frames, &invocations, NULL), RC_OK, "the kernel lives");
	t_note("%lu frames, %lu free, %lu invocations", (unsigned long)total, (unsigned long)free_frames,
	       (unsigned long)invocations);
	t_ok(t_type(CR_RETURNER) == RETURNER_TYPE && inv_call(CR_RETURNER, &m) == 5 && m.w[2] == 3, "the returner answers");
	t_ok(t_alloc(T_NODE, T_A) == RC_OK && t_alloc(T_PAGE, T_B) == RC_OK && node_swap(T_A, 3, T_B, CR_VOID) == RC_OK,
	     "storage is given and works");
	page_test_zero(T_B, &value);
	t_ok(value == 0, "a new page is zero");
	if (t_given(VCS_TYPE, T_C))
		t_rc(vcs_make_zero(T_C, CR_BANK, T_E), RC_OK, "vcs serves");
	if (t_given(METACONSTRUCTOR_TYPE, T_C))
		t_rc(metaconstructor_verify(T_C, CR_BANK, &value), RC_OK, "the constructor serves");
	if (t_given(PROCCRE_TYPE, T_C))
		t_ok(t_type(T_C) == PROCCRE_TYPE, "the process creator serves");
	return t_end();
}
