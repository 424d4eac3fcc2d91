/*
 * t_objects.c - kernel objects, every operation, every strength of capability.  Nodes are in t_nodes.c, processes in
 * t_process.c.
 *
 * Most of it is tables: what a capability is asked, and what it must answer.  Registers: T_A.. are set up by each
 * section for itself.
 */
#include "t.h"

/* ---- registers ------------------------------------------------------------------------------------ */

static void test_registers(void)
{
	struct msg m;

	t_alloc(T_PAGE, T_A);
	t_alloc(T_NODE, T_B);
	cap_copy(CR_VOID, T_A);
	t_ok(t_is_void(CR_VOID), "register 0 stays void when it is received into");
	process_swap_reg(CR_SELF, CR_VOID, T_A, CR_VOID);
	t_ok(t_is_void(CR_VOID), "register 0 stays void when it is swapped");

	m = (struct msg){ .send = { T_A, T_B }, .recv = { T_B, T_A } };
	inv_call(CR_RETURNER, &m);
	t_ok(t_type(T_A) == NODE_TYPE && t_type(T_B) == PAGE_TYPE, "sent and received registers may overlap: a swap");

	m = (struct msg){ .send = { T_A, T_B }, .recv = { T_C, T_C } };
	inv_call(CR_RETURNER, &m);
	t_ok(t_type(T_C) == PAGE_TYPE, "a register named twice holds what came last");

	m = (struct msg){ .send = { T_A }, .recv = { T_C, T_D, T_E, T_F } };
	cap_copy(T_D, T_A);
	cap_copy(T_E, T_A);
	cap_copy(T_F, T_A);
	inv_call(CR_RETURNER, &m);
	t_ok(t_is_void(T_D) && t_is_void(T_E) && t_is_void(T_F), "positions that carry nothing arrive as void");

	m = (struct msg){ .order = 77, .w = { 1, 2, 3, 4, 5, ~0ull } };
	inv_call(CR_RETURNER, &m);
	t_ok(m.order == 77 && m.w[0] == 1 && m.w[1] == 2 && m.w[2] == 3 && m.w[3] == 4 && m.w[4] == 5 && m.w[5] == ~0ull,
	     "the returner answers order code and all six words");
	t_ok(t_type(CR_RETURNER) == RETURNER_TYPE, "the returner tells its type");
	m = (struct msg){ .order = 1 };
	t_rc(inv_call(CR_VOID, &m), RC_VOID, "void answers RC_VOID");
	m = (struct msg){ .order = KT };
	t_rc(inv_call(CR_VOID, &m), RC_VOID, "void answers RC_VOID to the type question as well");
}

/* ---- numbers ---------------------------------------------------------------------------------------- */

static void test_numbers(void)
{
	uint64_t low = 0, high = 0;
	struct msg m;

	t_alloc(T_NODE, T_A);
	t_rc(node_write_number(T_A, 3, 0x1122334455667788ull, 0x99AABBCCDDEEull), RC_OK, "a number is written");
	node_fetch(T_A, 3, T_B);
	t_rc(number_get(T_B, &low, &high), RC_VOID, "a number answers RC_VOID");
	t_ok(low == 0x1122334455667788ull && high == 0x99AABBCCDDEEull, "and gives all 112 bits");
	m = (struct msg){ .order = 4711 };
	t_rc(inv_call(T_B, &m), RC_VOID, "whatever the order code");
	t_ok(m.w[0] == 0x1122334455667788ull, "with the value");
	node_write_number(T_A, 4, 1, 0xFFFF000000000000ull);
	node_fetch(T_A, 4, T_B);
	number_get(T_B, &low, &high);
	t_ok(low == 1 && high == 0, "bits above the 112 are dropped");
	t_rc(node_write_number(T_A, 16, 1, 1), RC_REQUEST, "there is no slot 16");
}

/* ---- pages -------------------------------------------------------------------------------------------- */

static void test_pages(void)
{
	static const uint8_t bytes[16] = "sixteen bytes..";
	uint64_t nonzero = 7;

	t_alloc(T_PAGE, T_A);
	t_alloc(T_PAGE, T_C);
	t_rc(page_make_readonly(T_A, T_B), RC_OK, "a read-only capability is made");
	t_ok(t_type(T_A) == 0x0202 && t_type(T_B) == 0x1202, "the types tell the two apart");
	page_test_zero(T_A, &nonzero);
	t_ok(nonzero == 0, "a new page is zero");
	t_rc(page_write(T_A, 4090, bytes, 6), RC_OK, "the last six bytes are written");
	page_test_zero(T_B, &nonzero);
	t_ok(nonzero == 1, "and seen through the other capability");
	t_rc(page_write(T_A, 4090, bytes, 7), RC_REQUEST, "a seventh is refused");
	t_rc(page_write(T_A, 0, bytes, 0), RC_OK, "no bytes are written");
	t_rc(page_clone(T_C, T_B), RC_OK, "a page is cloned from a read-only capability");
	page_test_zero(T_C, &nonzero);
	t_ok(nonzero == 1, "with its content");
	t_rc(page_clone(T_C, T_C), RC_OK, "a page is cloned from itself");
	t_rc(page_clear(T_A), RC_OK, "a page is cleared");
	page_test_zero(T_B, &nonzero);
	t_ok(nonzero == 0, "wholly");
	t_alloc(T_NODE, T_D);

	const struct t_row rows[] = {
		{ T_B, PAGE_OC_CLEAR, { 0 }, 0, RC_NOACCESS, "read-only: clear" },
		{ T_B, PAGE_OC_CLONE, { 0 }, T_C, RC_NOACCESS, "read-only: clone" },
		{ T_B, PAGE_OC_WRITE, { 0 }, 0, RC_NOACCESS, "read-only: write" },
		{ T_B, PAGE_OC_MAKE_READONLY, { 0 }, 0, RC_OK, "read-only: make_readonly" },
		{ T_A, PAGE_OC_CLONE, { 0 }, T_D, RC_REQUEST, "a page is not cloned from a node" },
		{ T_A, PAGE_OC_CLONE, { 0 }, CR_VOID, RC_REQUEST, "nor from void" },
		{ T_A, 1, { 0 }, 0, RC_UNKNOWN, "page: order code 1 is not there" },
		{ T_A, 8192, { 0 }, 0, RC_UNKNOWN, "page: order code 8192 is not there" },
		{ T_A, KT + 1, { 0 }, 0, RC_UNKNOWN, "page: order code KT+1 is not there" },
	};
	T_RUN(rows);
}

/* ---- rescinding ------------------------------------------------------------------------------------------- */

static void test_rescind(void)
{
	uint64_t nonzero = 1;

	t_alloc(T_NODE, T_J);
	t_alloc(T_PAGE, T_A);
	page_make_readonly(T_A, T_B);
	node_swap(T_J, 0, T_A, CR_VOID);
	page_write(T_A, 0, "old", 3);
	t_rc(t_free(T_B), RC_REQUEST, "a read-only capability does not free its page");
	t_rc(t_free(T_A), RC_OK, "a page is freed");
	node_fetch(T_J, 0, T_C);
	t_ok(t_is_void(T_A) && t_is_void(T_B) && t_is_void(T_C), "all capabilities to it are void");
	t_rc(t_free(T_A), RC_REQUEST, "it is not freed twice");
	for (unsigned i = 0; i < 40; i++) {
		t_alloc(T_PAGE, T_D);
		page_test_zero(T_D, &nonzero);
		if (nonzero || !t_is_void(T_A) || !t_is_void(T_C))
			break;
		node_swap(T_J, 1 + i % 8, T_D, CR_VOID);
	}
	t_ok(nonzero == 0, "pages given again are zero");
	t_ok(t_is_void(T_A) && t_is_void(T_C), "and old capabilities stay void");

	t_alloc(T_NODE, T_A);
	node_make_sense(T_A, T_B);
	node_make_segment(T_A, 3, T_C);
	node_make_schedule(T_A, T_D);
	node_swap(T_A, 0, T_J, CR_VOID);
	t_rc(t_free(T_B), RC_REQUEST, "a sense capability does not free its node");
	t_rc(t_free(T_A), RC_OK, "a node is freed");
	t_ok(t_is_void(T_A) && t_is_void(T_B) && t_is_void(T_C) && t_is_void(T_D), "all its capabilities are void");

	t_alloc(T_PROCESS, T_A);
	process_make_start(T_A, 7, T_B);
	process_make_notice(T_A, 7, T_C);
	process_make_resume(T_A, T_D);
	t_rc(t_free(T_B), RC_REQUEST, "a start capability does not free its process");
	t_rc(t_free(T_A), RC_OK, "a process is freed");
	t_ok(t_is_void(T_A) && t_is_void(T_B) && t_is_void(T_C) && t_is_void(T_D), "start, notice and resume are void");
}

static void test_range(void)
{
	uint64_t frames = 0, free_hint, kind, offset;

	if (t_type(T_RANGE) != RANGE_TYPE) {
		t_skip("no range was given: its operations are tested by the bank's tests alone");
		return;
	}
	t_rc(range_length(T_RANGE, &frames, &free_hint), RC_OK, "a range tells its length");
	const struct t_row rows[] = {
		{ T_RANGE, RANGE_OC_GET, { 0, 0 }, 0, RC_REQUEST, "range: kind 0" },
		{ T_RANGE, RANGE_OC_GET, { 4, 0 }, 0, RC_REQUEST, "range: kind 4" },
		{ T_RANGE, RANGE_OC_GET, { T_PAGE, frames }, 0, RC_REQUEST, "range: a page past the end" },
		{ T_RANGE, RANGE_OC_GET, { T_PAGE, ~0ull }, 0, RC_REQUEST, "range: the last frame of all" },
		{ T_RANGE, RANGE_OC_GET, { T_NODE, (frames - 1) * 16 + 15 }, 0, RC_REQUEST, "range: node 15 of a pot" },
		{ T_RANGE, RANGE_OC_FILL, { T_PAGE, 0, 17 }, T_J, RC_REQUEST, "range: seventeen at once" },
		{ T_RANGE, RANGE_OC_FILL, { T_PAGE, 0, 1 }, T_RANGE, RC_REQUEST, "range: fill of no node" },
		{ T_RANGE, RANGE_OC_RESCIND, { T_PAGE, frames, 1 }, 0, RC_REQUEST, "range: rescind past the end" },
		{ T_RANGE, RANGE_OC_SUBRANGE, { frames, 1 }, 0, RC_REQUEST, "range: a subrange past the end" },
		{ T_RANGE, RANGE_OC_SUBRANGE, { 1, ~0ull }, 0, RC_REQUEST, "range: a subrange that wraps" },
		{ T_RANGE, RANGE_OC_IDENTIFY, { 0 }, CR_RETURNER, RC_REQUEST, "range: the returner is not of it" },
	};
	T_RUN(rows);
	t_rc(range_get(T_RANGE, T_PAGE, frames - 1, T_A), RC_OK, "the last frame as a page");
	t_rc(range_identify(T_RANGE, T_A, &kind, &offset), RC_OK, "identify");
	t_ok(kind == T_PAGE && offset == frames - 1, "tells kind and place");
	page_make_readonly(T_A, T_B);
	t_rc(range_identify(T_RANGE, T_B, &kind, &offset), RC_REQUEST, "identify wants full strength");
	range_get(T_RANGE, T_PAGE, frames - 1, T_C);
	t_ok(t_same(T_A, T_C), "the same object again is the same capability");
	t_rc(range_get(T_RANGE, T_NODE, (frames - 1) * 16 + 3, T_D), RC_OK, "the same frame as a pot of nodes");
	t_ok(t_is_void(T_A), "makes the page void");
	t_rc(range_rescind(T_RANGE, T_NODE, (frames - 1) * 16 + 3, 1), RC_OK, "rescind");
	t_ok(t_is_void(T_D), "makes the node void");
	range_get(T_RANGE, T_NODE, (frames - 1) * 16 + 3, T_E);
	t_ok(!t_is_void(T_E) && t_is_void(T_D), "a new capability is good, the old one not");
	t_rc(range_subrange(T_RANGE, frames - 1, 1, T_F), RC_OK, "a subrange of one frame");
	t_rc(range_identify(T_F, T_E, &kind, &offset), RC_OK, "knows its node");
	t_ok(kind == T_NODE && offset == 3, "counted from its own start");
	range_rescind(T_RANGE, T_NODE, (frames - 1) * 16 + 3, 1);
}

/* ---- schedules, time, devices, the log --------------------------------------------------------------------- */

static void test_schedules(void)
{
	uint64_t own = 0, priority = 99;

	t_rc(schedule_get_priority(CR_SCHED, &own), RC_OK, "a schedule tells its priority");
	t_alloc(T_NODE, T_A);
	node_make_schedule(T_A, T_B);
	t_rc(schedule_get_priority(T_B, &priority), RC_REQUEST, "a chain that ends nowhere has none");
	node_swap(T_A, 1, CR_SCHED, CR_VOID);
	t_rc(schedule_get_priority(T_B, &priority), RC_OK, "under a superior it has");
	t_ok(priority == own, "its superior's");
	node_write_number(T_A, 4, 0, 1ull << 32);          /* priority 1 in the upper sixteen bits */
	schedule_get_priority(T_B, &priority);
	t_ok(priority == 1, "or a lower one of its own");
	t_rc(schedule_narrow(T_B, 0, T_C), RC_UNKNOWN, "a node's schedule is not narrowed");
	node_swap(T_A, 1, T_B, CR_VOID);
	t_rc(schedule_get_priority(T_B, &priority), RC_REQUEST, "a chain that bites its tail is refused");
	if (schedule_narrow(CR_SCHED, own, T_C) == RC_UNKNOWN) {
		t_skip("the schedule given is not the super-schedule");
		return;
	}
	t_rc(schedule_narrow(CR_SCHED, own + 1, T_C), RC_REQUEST, "the super-schedule is not raised");
	if (own) {
		t_rc(schedule_narrow(CR_SCHED, own - 1, T_C), RC_OK, "but narrowed");
		schedule_get_priority(T_C, &priority);
		t_ok(priority == own - 1, "to the priority asked for");
		t_rc(schedule_narrow(T_C, own, T_D), RC_REQUEST, "and not widened again");
	}
}

static void test_time(void)
{
	uint64_t a = 0, b = 0, seconds = 0, nanoseconds = ~0ull, mult = 0;

	timer_now(T_TIMER, &a);
	t_rc(timer_sleep_until(T_TIMER, a + 5000000), RC_OK, "five milliseconds are slept");
	timer_now(T_TIMER, &b);
	t_ok(b >= a + 5000000, "at least");
	t_ok(b < a + 500000000, "and not half a second");
	t_rc(timer_sleep_until(T_TIMER, 0), RC_OK, "a time that has passed is not waited for");
	t_rc(timer_wall(T_TIMER, &seconds, &nanoseconds), RC_OK, "there is a wall clock");
	t_ok(seconds > 1500000000 && nanoseconds < 1000000000, "of this century");
	t_rc(timer_tsc(T_TIMER, &a, &b, &mult), RC_OK, "there is a cycle counter");
	t_ok(mult != 0, "with a rate");
	t_rc(timer_notify_at(T_TIMER, 0, CR_RETURNER), RC_REQUEST, "an alarm needs a notice");
}

static void test_irq(void)
{
	if (!t_given(IRQ_TYPE, T_A))
		return;
	process_make_notice(CR_SELF, 1, T_J);
	const struct t_row rows[] = {
		{ T_A, IRQ_OC_BIND, { 999 }, T_J, RC_REQUEST, "irq: there is no line 999" },
		{ T_A, IRQ_OC_BIND, { 5 }, CR_RETURNER, RC_REQUEST, "irq: a line is bound to a notice only" },
		{ T_A, IRQ_OC_NARROW, { 5 }, 0, RC_OK, "irq: one line" },
		{ T_A, 77, { 0 }, 0, RC_UNKNOWN, "irq: order code 77 is not there" },
	};
	T_RUN(rows);
	irq_narrow(T_A, 5, T_B);
	t_rc(irq_bind(T_B, 6, T_J), RC_NOACCESS, "irq: and no other");
	t_rc(irq_narrow(T_B, 6, T_C), RC_NOACCESS, "irq: nor made from it");
}

static void test_ioport(void)
{
	if (!t_given(IOPORT_TYPE, T_A))
		return;
	t_rc(ioport_narrow(T_A, 0x70, 2, T_B), RC_OK, "ioport: two ports");
	const struct t_row rows[] = {
		{ T_B, IOPORT_OC_IN, { 0x71, 1 }, 0, RC_OK, "ioport: the second" },
		{ T_B, IOPORT_OC_IN, { 0x71, 2 }, 0, RC_NOACCESS, "ioport: not past the end" },
		{ T_B, IOPORT_OC_IN, { 0x6F, 1 }, 0, RC_NOACCESS, "ioport: nor before the start" },
		{ T_B, IOPORT_OC_OUT, { 0x72, 1, 0 }, 0, RC_NOACCESS, "ioport: nor written there" },
		{ T_B, IOPORT_OC_IN, { 0x70, 3 }, 0, RC_REQUEST, "ioport: three bytes are no size" },
		{ T_B, IOPORT_OC_NARROW, { 0x70, 3 }, 0, RC_NOACCESS, "ioport: not widened" },
		{ T_A, IOPORT_OC_IN, { 0x10000, 1 }, 0, RC_NOACCESS, "ioport: no port 65536" },
		{ T_A, IOPORT_OC_IN, { ~0ull, 1 }, 0, RC_NOACCESS, "ioport: nor the last of all" },
	};
	T_RUN(rows);
}

static void test_physmem(void)
{
	uint64_t value, length;

	if (!t_given(PHYSMEM_TYPE, T_A))
		return;
	const struct t_row rows[] = {
		{ T_A, PHYSMEM_OC_PAGE, { 0x200000 }, 0, RC_REQUEST, "physmem: not ordinary memory" },
		{ T_A, PHYSMEM_OC_PAGE, { 0xFEC00001 }, 0, RC_REQUEST, "physmem: not between pages" },
		{ T_A, PHYSMEM_OC_DMA, { 17 }, T_A, RC_REQUEST, "physmem: DMA pages go into a node" },
		{ T_A, PHYSMEM_OC_PACK_PAGE, { ~0ull }, 0, RC_REQUEST, "physmem: not past the pack" },
	};
	T_RUN(rows);
	t_rc(physmem_pack(T_A, &value, &length), RC_OK, "physmem: tells where the pack is");
	t_rc(physmem_pack_page(T_A, 0, T_B), RC_OK, "physmem: its first page");
	t_rc(page_clear(T_B), RC_NOACCESS, "physmem: is read-only");
	t_rc(t_free(T_B), RC_REQUEST, "physmem: and is not the bank's to free");
}

static void test_checkpoint(void)
{
	uint64_t generation, dirty, persistent = 9;

	if (!t_given(CHECKPOINT_TYPE, T_A))
		return;
	t_rc(checkpoint_status(T_A, &generation, &dirty, &persistent, NULL, NULL, NULL), RC_OK, "checkpoint: status");
	if (!persistent)
		t_rc(checkpoint_force(T_A, NULL), RC_NOACCESS, "checkpoint: nothing to force without a disk");
}

static void test_keybits(void)
{
	uint64_t first = 0, second = 0, valid = 0;

	if (t_type(T_KEYBITS) != KEYBITS_TYPE)
		return;
	t_alloc(T_PAGE, T_A);
	t_rc(keybits_show(T_KEYBITS, T_A, &first, &second, &valid), RC_OK, "keybits shows a capability");
	t_ok(valid == 1 && (first & 0xFF) == 2, "and its type");
	t_free(T_A);
	keybits_show(T_KEYBITS, T_A, &first, &second, &valid);
	t_ok(valid == 0, "a rescinded one is not valid");
}

static void test_log(void)
{
	uint64_t total = 0, free_frames = 0;

	t_rc(log_stats(CR_LOG, &total, &free_frames, NULL, NULL), RC_OK, "the log has figures");
	t_ok(total > 0 && free_frames <= total, "that can be true");
	t_rc(log_text_only(CR_LOG, T_A), RC_OK, "a log for text only is made");
	t_rc(log_power_off(T_A, 3), RC_NOACCESS, "it does not switch the machine off");
	t_rc(log_put(T_A, "# text\n", 7), RC_OK, "but takes text");
	t_rc(inv_call(CR_LOG, &(struct msg){ .order = 50 }), RC_UNKNOWN, "log: order code 50 is not there");
}

int main(void)
{
	t_begin("objects: types, operations, rights");
	test_registers();
	test_numbers();
	test_pages();
	test_rescind();
	test_range();
	test_schedules();
	test_time();
	test_irq();
	test_ioport();
	test_physmem();
	test_checkpoint();
	test_keybits();
	test_log();
	return t_end();
}
