/*
 * t_keepers.c - faults and their keepers, segments with keepers, windows.
 *
 * The test itself plays the keeper; helpers play the faulter.
 */
#include "t_message.h"

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static struct {
	volatile uint64_t address, value, done;
} fault;

static void do_read(void *unused)
{
	(void)unused;
	fault.value = *(volatile uint8_t *)fault.address;
	fault.done++;
}

static void do_write(void *unused)
{
	(void)unused;
	*(volatile uint8_t *)fault.address = (uint8_t)fault.value;
	fault.done++;
}

static void do_divide(void *unused)
{
	(void)unused;
	fault.value = fault.value / fault.address;
	fault.done++;
}

static void do_illegal(void *unused)
{
	(void)unused;
	__asm__ volatile("ud2");
}

static void do_foreign(void *unused)
{
	uint64_t rax = 39;

	(void)unused;
	__asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
	fault.value = rax;
	fault.done++;
}

static void do_malformed(void *unused)
{
	uint64_t rax = (uint64_t)INV_MARK << INV_MARK_SHIFT | 0x10000;

	(void)unused;
	__asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
	fault.done++;
}

static void do_call_self(void *unused)
{
	struct msg m = { 0 };

	(void)unused;
	inv_call(T_A, &m);
	fault.done++;
}

static void do_send_missing(void *unused)
{
	struct msg m = { .order = 1, .send_string = (void *)fault.address, .send_length = fault.value };

	(void)unused;
	inv_call(T_A, &m);
	fault.value = m.order;
	fault.done++;
}

/* The faulter runs in T_A, in the second space of T_J, and is kept by us with data 0x99. */
static bool make_faulter(void (*run)(void *), uint64_t address, uint64_t value)
{
	fault.address = address;
	fault.value = value;
	fault.done = 0;
	make_own_start(0x99, T_I);
	if (!t_helper(T_A, 2, T_J, run, NULL))
		return false;
	return process_swap_slot(T_A, PSLOT_KEEPER, T_I, CR_VOID) == RC_OK;
}

static bool start_faulter(void (*run)(void *), uint64_t address, uint64_t value)
{
	return make_faulter(run, address, value) && process_run(T_A) == RC_OK;
}

/* The faulter's keeper message arrives, with this code and information. */
static bool expect_fault(struct msg *m, uint64_t code, const char *what)
{
	uint64_t state = 9;
	bool came = receive_fresh(m);

	t_ok(came, "%s: the keeper is called", what);
	if (!came) {
		uint64_t fault_code = 0, rip = 0;

		process_get_state(T_A, &state, &fault_code, NULL, &rip);
		t_note("state %u, fault %u, rip %lx", (unsigned)state, (unsigned)fault_code, (unsigned long)rip);
		return false;
	}
	t_ok(m->order == OC_FAULT_PROCESS && m->w[0] == code, "%s: with fault code %u", what, (unsigned)code);
	if (m->w[0] != code)
		t_note("order %#x code %u info %#lx", m->order, (unsigned)m->w[0], (unsigned long)m->w[1]);
	t_ok((m->got & INV_GOT_FAULT) && (m->got & INV_GOT_RESUME) && (m->got & INV_GOT_DATA) == 0x99,
	     "%s: marked as the kernel's, with the keeper's data", what);
	t_ok(t_same(CR_ARG2, T_A), "%s: position 2 is the process", what);
	process_get_state(T_A, &state, NULL, NULL, NULL);
	t_ok(state == 2, "%s: it waits", what);
	return true;
}

static void answer_fault(uint32_t code)
{
	struct msg m = { .order = code };

	inv_send(CR_RETURN, &m);
}

static void test_memory_faults(void)
{
	struct msg m;

	t_second_space(T_J);
	map_pages(1, 2);
	start_faulter(do_read, T_WINDOW + 0x5123, 0);
	if (expect_fault(&m, FAULT_MEMORY, "reading where nothing is")) {
		t_ok(m.w[1] == T_WINDOW + 0x5123 && !(m.w[2] & (FAULT_ACCESS_WRITE | FAULT_ACCESS_PRESENT)),
		     "with the address, and that it read");
		t_alloc(T_PAGE, T_D);
		page_write(T_D, 0x123, "K", 1);
		node_swap(T_C, 5, T_D, CR_VOID);
		answer_fault(RC_OK);
		t_ok(t_wait(&fault.done, 1) && fault.value == 'K', "a page put there lets it read");
	}
	start_faulter(do_write, T_WINDOW + 0x1FFF, 0x42);
	if (expect_fault(&m, FAULT_MEMORY, "writing a read-only page")) {
		t_ok(m.w[1] == T_WINDOW + 0x1FFF && (m.w[2] & FAULT_ACCESS_WRITE) && (m.w[2] & FAULT_ACCESS_PRESENT),
		     "with the address, that it wrote, and that a page is there");
		t_alloc(T_PAGE, T_D);
		node_swap(T_C, 1, T_D, CR_VOID);
		answer_fault(RC_OK);
		t_ok(t_wait(&fault.done, 1) && *(volatile uint8_t *)(T_WINDOW + 0x1FFF) == 0x42,
		     "a writable one in its place lets it write");
	}
	page_make_readonly(T_D, T_D);
	node_swap(T_C, 1, T_D, CR_VOID);
	start_faulter(do_write, T_WINDOW + 0x1000, 0x43);
	expect_fault(&m, FAULT_MEMORY, "a page made read-only after it was written");
	answer_fault(RC_REQUEST);
	if (receive_fresh(&m))
		t_ok(m.order == OC_FAULT_PROCESS && t_same(CR_ARG2, T_A), "a keeper that answers an error is told again");
	else
		t_ok(false, "a keeper that answers an error is told again");
	process_stop(T_A, NULL);
	node_make_sense(T_C, T_D);
	t_map(3, T_D);
	start_faulter(do_write, T_WINDOW, 1);
	expect_fault(&m, FAULT_MEMORY, "writing through a sense capability");
	process_stop(T_A, NULL);
	start_faulter(do_read, 0xFFFFFFFF80000000ull, 1);
	expect_fault(&m, FAULT_MEMORY, "reading the kernel");
	process_stop(T_A, NULL);
	start_faulter(do_read, 1ull << 62, 1);
	if (receive_fresh(&m))
		t_ok(m.order == OC_FAULT_PROCESS, "an address that is not canonical is a fault of the process");
	process_stop(T_A, NULL);
	t_map(3, CR_VOID);
	start_faulter(do_read, T_WINDOW, 0);
	expect_fault(&m, FAULT_MEMORY, "reading where a tree was unmapped");
	process_stop(T_A, NULL);
}

static void test_other_faults(void)
{
	struct msg m;

	t_second_space(T_J);
	start_faulter(do_divide, 0, 5);
	expect_fault(&m, FAULT_DIVIDE, "dividing by zero");
	process_stop(T_A, NULL);
	start_faulter(do_illegal, 0, 0);
	expect_fault(&m, FAULT_OPCODE, "an illegal instruction");
	process_stop(T_A, NULL);
	start_faulter(do_malformed, 0, 0);
	expect_fault(&m, FAULT_INVOCATION, "an invocation with a reserved bit");
	process_stop(T_A, NULL);

	start_faulter(do_foreign, 0, 0);
	if (expect_fault(&m, FAULT_FOREIGN, "a foreign call without an entry")) {
		struct reg_image r;

		t_ok(m.w[1] == 39, "with its number");
		process_get_regs(T_A, &r, sizeof r, NULL);
		t_ok(r.rax == 39, "its registers are as at the call");
		r.rax = 4711;
		r.rip += 2;
		process_set_regs(T_A, &r, sizeof r);
		answer_fault(RC_OK);
		t_ok(t_wait(&fault.done, 1) && fault.value == 4711, "and the keeper can answer it by setting them");
	}

	make_faulter(do_call_self, 0, 0);
	process_make_start(T_A, 0, T_D);
	process_swap_reg(T_A, T_A, T_D, CR_VOID);
	process_run(T_A);
	expect_fault(&m, FAULT_INVOCATION, "a process that calls itself");
	process_stop(T_A, NULL);

	/* A process without a keeper stops, and nobody else is harmed. */
	t_helper(T_A, 2, T_J, do_illegal, NULL);
	process_run(T_A);
	t_sleep_ms(5);
	uint64_t state = 0, code = 0;
	process_get_state(T_A, &state, &code, NULL, NULL);
	t_ok(state == 2 && code == FAULT_OPCODE, "a fault without a keeper stops the process alone");
}

static void test_sender_faults(void)
{
	struct msg m;

	t_second_space(T_J);
	start_server(false);
	inv_call(T_B, &(struct msg){ 0 });
	process_swap_slot(T_A, PSLOT_KEEPER, CR_VOID, CR_VOID);
	cap_copy(T_E, T_A);                    /* the server, while T_A is the sender */
	map_pages(1, 0);
	make_faulter(do_send_missing, T_WINDOW + 4000, 200);
	process_swap_reg(T_A, T_A, T_B, CR_VOID);
	process_run(T_A);
	if (expect_fault(&m, FAULT_MEMORY, "a string whose second page is missing")) {
		t_ok(m.w[1] == T_WINDOW + 4096, "the sender faults, at that page");
		t_ok(server.served == 1, "the server has not seen it");
		t_rc(inv_call(T_B, &(struct msg){ .order = 9 }), 10, "and serves others meanwhile");
		t_alloc(T_PAGE, T_D);
		page_write(T_D, 0, "next", 4);
		node_swap(T_C, 1, T_D, CR_VOID);
		answer_fault(RC_OK);
		t_ok(t_wait(&fault.done, 1) && fault.value == 2, "with the page there the call goes through");
		t_ok(server.seen.recv_length == 200 && !memcmp(arrived + 96, "next", 4), "with all of the string");
	}
	make_faulter(do_send_missing, (uint64_t)source, BIG + 1);
	process_swap_reg(T_A, T_A, T_B, CR_VOID);
	process_run(T_A);
	expect_fault(&m, FAULT_INVOCATION, "a string of more than 64 KiB");
	process_stop(T_A, NULL);
	t_map(3, CR_VOID);
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

#define FORMAT(flags, background, keeper, initial, ssc) \
	((uint64_t)((flags) << 28 | 0xFu << 24 | 0xFu << 20 | (background) << 16 | (keeper) << 12 | 0xFu << 8 | \
		    (initial) << 4 | (ssc)))

/* A red segment in T_C over the node T_D with us as keeper (data 0x55) in slot 14; mapped at T_WINDOW. */
static void map_red(uint64_t format, unsigned data_byte)
{
	t_alloc(T_NODE, T_D);
	make_own_start(0x55, T_E);
	node_swap(T_D, 14, T_E, CR_VOID);
	node_write_number(T_D, 15, format, 0);
	node_make_segment(T_D, data_byte, T_C);
	t_map(3, T_C);
}

static void test_segment_keeper(void)
{
	struct msg m;

	t_second_space(T_J);
	map_red(FORMAT(0u, 15u, 14u, 8u, 3u), 0);
	start_faulter(do_write, T_WINDOW + 0x3456, 0x66);
	t_ok(receive_fresh(&m), "a fault in a red segment calls its keeper");
	t_ok(m.order == OC_FAULT_MEMORY && m.w[0] == FAULT_MEMORY && (m.got & INV_GOT_DATA) == 0x55, "as a memory fault");
	t_ok(m.w[1] == 0x3456, "with the offset in the segment");
	t_ok(m.w[2] & FAULT_ACCESS_WRITE, "that it wrote");
	t_ok(t_type(CR_ARG2) == NODE_TYPE, "and the segment's node");
	t_alloc(T_PAGE, T_F);
	node_swap(CR_ARG2, 3, T_F, CR_VOID);
	answer_fault(RC_OK);
	t_ok(t_wait(&fault.done, 1), "the keeper puts a page there, and it goes on");
	t_ok(*(volatile uint8_t *)(T_WINDOW + 0x3456) == 0x66, "having written there");

	start_faulter(do_read, T_WINDOW + 0x8000, 0);
	t_ok(receive_fresh(&m) && m.order == OC_FAULT_MEMORY && m.w[1] == 0x8000, "beyond the initial slots the keeper is called too");
	answer_fault(RC_LIMIT);
	t_ok(receive_fresh(&m) && m.order == OC_FAULT_PROCESS && (m.got & INV_GOT_DATA) == 0x99,
	     "if it refuses, the process keeper is next");
	t_ok(m.w[1] == T_WINDOW + 0x8000, "with the address");
	process_stop(T_A, NULL);

	node_make_segment(T_D, DB_NOCALL, T_C);
	t_map(3, T_C);
	start_faulter(do_read, T_WINDOW + 0x4000, 0);
	t_ok(receive_fresh(&m) && m.order == OC_FAULT_PROCESS, "a no-call segment calls no keeper of its own");
	process_stop(T_A, NULL);
	node_make_segment(T_D, DB_READONLY, T_C);
	t_map(3, T_C);
	start_faulter(do_write, T_WINDOW + 0x3000, 1);
	t_ok(receive_fresh(&m) && m.order == OC_FAULT_MEMORY && (m.w[2] & FAULT_ACCESS_PRESENT),
	     "a store to a read-only segment calls the keeper: a page is there");
	process_stop(T_A, NULL);

	/* Two red nodes, one in the other: the inner keeper is called. */
	map_red(FORMAT(0u, 15u, 14u, 8u, 3u), 0);
	cap_copy(T_G, T_C);
	t_alloc(T_NODE, T_F);
	make_own_start(0x66, T_E);
	node_swap(T_F, 14, T_E, CR_VOID);
	node_write_number(T_F, 15, FORMAT(0u, 15u, 14u, 8u, 4u), 0);
	node_swap(T_F, 2, T_G, CR_VOID);
	node_make_segment(T_F, 0, T_H);
	t_map(3, T_H);
	start_faulter(do_read, T_WINDOW + 0x21000, 0);
	t_ok(receive_fresh(&m) && (m.got & INV_GOT_DATA) == 0x55 && m.w[1] == 0x1000, "the innermost keeper is called, with its own offset");
	process_stop(T_A, NULL);
	start_faulter(do_read, T_WINDOW + 0x31000, 0);
	t_ok(receive_fresh(&m) && (m.got & INV_GOT_DATA) == 0x66 && m.w[1] == 0x31000, "outside it the outer one");
	process_stop(T_A, NULL);
	t_map(3, CR_VOID);
}

static void test_segment_call(void)
{
	struct msg m;

	t_second_space(T_J);
	map_red(FORMAT(0u, 15u, 14u, 8u, 3u), 0x20);
	node_make_segment(T_D, 0x20, T_C);
	make_caller(T_A, 1, INV_CALL, T_C);
	process_run(T_A);
	t_ok(receive_fresh(&m), "invoking a red segment calls its keeper");
	t_ok(m.order == 1 && m.w[0] == 101 && (m.got & INV_GOT_DATA) == 0x55, "with the caller's message and the keeper's data");
	t_ok(!(m.got & INV_GOT_FAULT), "which is not marked as a fault");
	uint64_t byte = 0, different = 1;
	node_data_byte(CR_ARG2, &byte);
	node_compare(T_D, CR_ARG2, &different);
	t_ok(byte == 0x20 && !different, "and the node, with the segment's data byte, in position 2");
	inv_send(CR_RETURN, &(struct msg){ .w = { 4 } });
	t_ok(t_wait(&sent[1], 1) && answers[1] == 4, "the keeper's answer goes to the caller");

	node_write_number(T_D, 15, FORMAT(1u, 15u, 14u, 8u, 3u), 0);
	make_caller(T_A, 1, INV_CALL, T_C);
	process_run(T_A);
	t_ok(receive_fresh(&m) && t_is_void(CR_ARG2), "with format flag 1 the node is not passed");
	inv_send(CR_RETURN, &(struct msg){ 0 });
	t_wait(&sent[1], 1);

	node_make_frontend(T_D, 0, T_F);
	node_write_number(T_D, 15, FORMAT(0u, 15u, 14u, 0u, 3u), 0);
	make_caller(T_A, 0, INV_CALL, T_F);
	process_run(T_A);
	t_ok(receive_fresh(&m) && m.order == 0 && t_type(CR_ARG2) == NODE_TYPE, "a front-end passes on every message, even order code 0");
	inv_send(CR_RETURN, &(struct msg){ 0 });
	t_wait(&sent[0], 1);

	node_make_segment(T_D, DB_NOCALL, T_C);
	t_ok(t_type(T_C) != 0, "a no-call segment answers by itself");
	node_make_segment(T_D, 3, T_C);
	t_ok(t_type(T_C) == 0x0305, "so does a black one");
	t_map(3, CR_VOID);
}

static uint8_t peek(uint64_t offset)
{
	return *(volatile uint8_t *)(T_WINDOW + offset);
}

static void test_windows(void)
{
	struct msg m;

	/* Sixteen pages under T_F, page i begins with the byte 'a'+i. */
	t_node(T_F, 3);
	for (unsigned i = 0; i < 16; i++) {
		char letter = (char)('a' + i);

		t_alloc(T_PAGE, T_G);
		page_write(T_G, 0, &letter, 1);
		node_swap(T_F, i, T_G, CR_VOID);
	}
	/* A red node of lss 3: slot 0 its own page, slots 1..3 windows; slot 9 holds the pages, 10 is the background. */
	t_second_space(T_J);
	map_red(FORMAT(0u, 10u, 14u, 8u, 3u), 0);
	node_swap(T_D, 9, T_F, CR_VOID);
	node_swap(T_D, 10, T_F, CR_VOID);
	node_fetch(T_F, 0, T_G);
	node_swap(T_D, 0, T_G, CR_VOID);
	node_write_number(T_D, 1, 9 << 4 | 2 | 0x5000, 0);            /* local, slot 9, page 5 */
	node_write_number(T_D, 2, 2 | 1 | 0x7000, 0);                 /* background, page 7 */
	node_write_number(T_D, 3, 9 << 4 | 2 | 8 | 0x3000, 0);        /* local, page 3, read-only */
	node_write_number(T_D, 4, 9 << 4 | 2 | 0x100000000ull, 0);    /* local, past its end */
	node_write_number(T_D, 5, 9 << 4 | 2 | 0x100, 0);             /* reserved bits */
	node_write_number(T_D, 6, 9 << 4, 0);                         /* a number that is no window */
	t_ok(peek(0) == 'a', "a page in a red node is seen");
	t_ok(peek(0x1000) == 'f', "a local window shows another part");
	t_ok(peek(0x2000) == 'h', "a background window shows the background");
	t_ok(peek(0x3000) == 'd', "a read-only window is read");
	*(volatile uint8_t *)(T_WINDOW + 0x1001) = 'X';
	node_swap(T_D, 0, CR_VOID, CR_VOID);
	node_fetch(T_F, 5, T_G);
	node_swap(T_D, 0, T_G, CR_VOID);
	t_ok(peek(1) == 'X' && peek(0x1001) == 'X', "a store through a window changes what it shows");
	start_faulter(do_write, T_WINDOW + 0x3000, 1);
	t_ok(receive_fresh(&m) && m.order == OC_FAULT_MEMORY && m.w[1] == 0x3000 && (m.w[2] & FAULT_ACCESS_WRITE),
	     "a store through a read-only window is a fault");
	process_stop(T_A, NULL);
	for (unsigned i = 4; i < 7; i++) {
		start_faulter(do_read, T_WINDOW + i * 0x1000, 0);
		t_ok(receive_fresh(&m) && m.order == OC_FAULT_MEMORY && m.w[1] == i * 0x1000,
		     i == 4 ? "a window past the end is a fault" :
		     i == 5 ? "a window with reserved bits is a fault" : "a number that is no window is a fault");
		process_stop(T_A, NULL);
	}
	node_write_number(T_D, 1, 9 << 4 | 2 | 0x6000, 0);
	t_ok(peek(0x1000) == 'g', "a window that is moved shows the new place at once");
	node_swap(T_F, 6, CR_VOID, T_G);
	start_faulter(do_read, T_WINDOW + 0x1000, 0);
	t_ok(receive_fresh(&m) && m.order == OC_FAULT_MEMORY, "a page taken away behind a window is gone");
	process_stop(T_A, NULL);
	t_map(3, CR_VOID);
}

/* Loops and depth: a tree that contains itself must not hang anybody. */
static void test_odd_trees(void)
{
	struct msg m;
	static const struct { uint64_t format; const char *what; } bad[] = {
		{ 0, "a format key of zero" }, { 0x0FFFEF82, "a span of lss 2" }, { 0x0FFFEF8D, "a span of lss 13" },
		{ 0x2FFFEF83, "a reserved flag" }, { 0x0F3FEF83, "a local slot in memory" },
	};

	t_second_space(T_J);
	t_node(T_C, 3);
	node_swap(T_C, 0, T_C, CR_VOID);
	t_map(3, T_C);
	start_faulter(do_read, T_WINDOW, 0);
	expect_fault(&m, FAULT_MEMORY, "a node of lss 3 in itself");
	process_stop(T_A, NULL);

	map_red(FORMAT(0u, 15u, 15u, 8u, 3u), 0);
	node_write_number(T_D, 0, 1 << 4 | 2, 0);
	node_swap(T_D, 1, T_C, CR_VOID);               /* a window onto the segment itself, for ever */
	start_faulter(do_read, T_WINDOW, 0);
	expect_fault(&m, FAULT_MEMORY, "a window that leads back to itself");
	process_stop(T_A, NULL);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		map_red(bad[i].format, 0);
		start_faulter(do_read, T_WINDOW, 0);
		expect_fault(&m, FAULT_MEMORY, bad[i].what);
		process_stop(T_A, NULL);
	}
	t_map(3, CR_RETURNER);
	start_faulter(do_read, T_WINDOW, 0);
	expect_fault(&m, FAULT_MEMORY, "the returner as memory");
	process_stop(T_A, NULL);
	t_map(3, CR_VOID);
}

int main(void)
{
	t_begin("keepers: faults, segments, windows");
	test_memory_faults();
	test_other_faults();
	test_sender_faults();
	test_segment_keeper();
	test_segment_call();
	test_windows();
	test_odd_trees();
	return t_end();
}
