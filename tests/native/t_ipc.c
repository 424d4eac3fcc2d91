/*
 * t_ipc.c - messages between processes: words, strings, capabilities, notices, queues, keepers,
 * segments.
 *
 * The test itself plays the keeper and the caller; helpers play the server, the sender, the
 * faulter.  Every case that crosses address spaces runs twice: with the helper in this space,
 * and in a second one.
 */
#include "t.h"

#define BIG 65536u
#define EDGE 8192u                     /* room for offsets, and guards behind */

static uint8_t source[BIG + EDGE] __attribute__((aligned(4096)));
static uint8_t arrived[BIG + EDGE] __attribute__((aligned(4096)));
static uint8_t returned[BIG + EDGE] __attribute__((aligned(4096)));

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

static void test_words(bool second)
{
	struct msg m = { .order = 41, .w = { 1, 2, 3, 4, 5, 6 } };
	const char *where = second ? "other space" : "same space";

	t_ok(start_server(second), "%s: a server starts", where);
	t_rc(inv_call(T_B, &m), 42, "%s: a call is answered", where);
	t_ok(m.w[0] == 6 && m.w[1] == 5 && m.w[2] == 4 && m.w[3] == 3 && m.w[4] == 2 && m.w[5] == 1,
	     "%s: six words go both ways", where);
	t_ok(server.seen.order == 41 && (server.seen.got & INV_GOT_DATA) == 0xBEEF, "%s: order code and data arrive", where);
	t_ok(server.seen.got & INV_GOT_RESUME, "%s: a reply is awaited", where);
	t_ok(m.got == 0, "%s: the reply has no flags", where);
	m = (struct msg){ .order = ~0u, .w = { ~0ull, 0, 0, 0, 0, 1ull << 63 } };
	inv_call(T_B, &m);
	t_ok(m.order == 0 && m.w[5] == ~0ull && m.w[0] == 1ull << 63, "%s: all bits of words and order code arrive", where);
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t a = i, b = 0, c = 0;

		if (inv_call3(T_B, (uint32_t)i, &a, &b, &c) != i + 1) {
			t_ok(false, "%s: call %u of 2000", where, (unsigned)i);
			break;
		}
	}
	t_ok(server.served == 2002, "%s: two thousand calls in a row", where);
}

/* ---- strings ------------------------------------------------------------------------------------------ */

static void fill(uint8_t *to, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + seed);
}

static bool untouched(const uint8_t *p, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != with)
			return false;
	return true;
}

/* One string out and back at these offsets into their pages. */
static bool echo_string(size_t n, unsigned from, unsigned at, unsigned back)
{
	struct msg m = { .order = 1 };

	fill(source + from, n, (unsigned)n);
	memset(arrived, 0xA5, sizeof arrived);
	memset(returned, 0x5A, sizeof returned);
	server.buffer = arrived + at;
	server.limit = BIG;
	inv_call(T_B, &m);                     /* so that the server waits with the new buffer */
	m = (struct msg){ .order = 1, .send_string = source + from, .send_length = n,
			  .recv_string = returned + back, .recv_limit = BIG };
	inv_call(T_B, &m);
	return server.seen.recv_length == n && !(server.seen.got & INV_GOT_TRUNCATED) &&
	       m.recv_length == n && !(m.got & INV_GOT_TRUNCATED) && !memcmp(arrived + at, source + from, n) &&
	       !memcmp(returned + back, source + from, n) && untouched(arrived, at, 0xA5) &&
	       untouched(arrived + at + n, sizeof arrived - at - n, 0xA5) && untouched(returned, back, 0x5A) &&
	       untouched(returned + back + n, sizeof returned - back - n, 0x5A);
}

static void test_strings(bool second)
{
	static const size_t lengths[] = { 0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 4095, 4096, 4097, 8191, 8192, 8193, 12288,
					  65535, 65536 };
	static const unsigned offsets[] = { 0, 1, 8, 4095 };
	const char *where = second ? "other space" : "same space";

	start_server(second);
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		bool good = true;

		for (unsigned j = 0; j < 64; j++)
			good &= echo_string(lengths[i], offsets[j & 3], offsets[j >> 2 & 3], offsets[j >> 4]);
		t_ok(good, "%s: strings of %u bytes at every page edge", where, (unsigned)lengths[i]);
	}
}

static void test_truncation(bool second)
{
	const char *where = second ? "other space" : "same space";
	struct msg m = { 0 };

	start_server(second);
	server.limit = 5000;
	inv_call(T_B, &(struct msg){ 0 });     /* so that the server waits with the new limit */
	memset(arrived, 0xA5, sizeof arrived);
	memset(returned, 0x5A, sizeof returned);
	fill(source, BIG, 3);
	m = (struct msg){ .send_string = source, .send_length = 5001, .recv_string = returned, .recv_limit = 4999 };
	inv_call(T_B, &m);
	t_ok(server.seen.recv_length == 5000 && (server.seen.got & INV_GOT_TRUNCATED),
	     "%s: a string longer than the server's limit is cut and flagged", where);
	t_ok(!memcmp(arrived, source, 5000) && untouched(arrived + 5000, 100, 0xA5), "%s: exactly there", where);
	t_ok(m.recv_length == 4999 && (m.got & INV_GOT_TRUNCATED), "%s: so is a reply", where);
	t_ok(!memcmp(returned, source, 4999) && untouched(returned + 4999, 100, 0x5A), "%s: exactly there", where);

	server.limit = 0;
	inv_call(T_B, &(struct msg){ 0 });
	m = (struct msg){ .send_string = source, .send_length = 10 };
	inv_call(T_B, &m);
	t_ok(server.seen.recv_length == 0 && (server.seen.got & INV_GOT_TRUNCATED), "%s: a limit of 0 takes nothing", where);
	server.limit = ~0ull;
	inv_call(T_B, &(struct msg){ 0 });
	m = (struct msg){ .send_string = source, .send_length = BIG };
	inv_call(T_B, &m);
	t_ok(server.seen.recv_length == BIG, "%s: a limit beyond all memory is 64 KiB", where);
}

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

static void test_missing_buffers(bool second)
{
	const char *where = second ? "other space" : "same space";
	struct msg m;

	fill(source, BIG, 9);
	start_server(second);
	inv_call(T_B, &(struct msg){ 0 });
	server.limit = 3 * 4096;
	server.reply = source;

	map_pages(0, 0);
	server.buffer = (void *)T_WINDOW;
	inv_call(T_B, &(struct msg){ 0 });
	m = (struct msg){ .order = 6, .send_string = source, .send_length = 100 };
	t_rc(inv_call(T_B, &m), 7, "%s: a server without its receive buffer serves", where);
	t_ok(server.seen.recv_length == 0 && (server.seen.got & INV_GOT_TRUNCATED), "%s: and sees that the string is lost", where);

	map_pages(1, 0);
	m = (struct msg){ .order = 6, .send_string = source, .send_length = 5000 };
	t_rc(inv_call(T_B, &m), 7, "%s: a receive buffer with one page of two", where);
	t_ok(server.seen.recv_length == 4096 && (server.seen.got & INV_GOT_TRUNCATED), "%s: takes one page", where);
	t_ok(!memcmp((void *)T_WINDOW, source, 4096), "%s: of the right bytes", where);

	map_pages(4, 2);
	server.buffer = (void *)(T_WINDOW + 4096);
	inv_call(T_B, &(struct msg){ 0 });
	m = (struct msg){ .order = 6, .send_string = source, .send_length = 5000 };
	t_rc(inv_call(T_B, &m), 7, "%s: a receive buffer that is read-only", where);
	t_ok(server.seen.recv_length == 0 && (server.seen.got & INV_GOT_TRUNCATED), "%s: takes nothing", where);
	t_ok(*(volatile uint8_t *)(T_WINDOW + 4096) == 0, "%s: and is not written", where);

	server.buffer = arrived;
	server.limit = BIG;
	inv_call(T_B, &(struct msg){ 0 });
	m = (struct msg){ .order = 6, .send_string = source, .send_length = 100,
			  .recv_string = (void *)(T_WINDOW + 0x8000), .recv_limit = 100 };
	t_rc(inv_call(T_B, &m), 7, "%s: a reply into a buffer that is not there completes", where);
	t_ok(m.recv_length == 0 && (m.got & INV_GOT_TRUNCATED), "%s: and the caller is told", where);
	m = (struct msg){ .order = 6, .send_string = source, .send_length = 100,
			  .recv_string = (void *)0x7FFFFFFFFFF0ull, .recv_limit = 100 };
	t_rc(inv_call(T_B, &m), 7, "%s: a reply across the end of the address space completes", where);
	m = (struct msg){ .order = 6, .send_string = source, .send_length = 100,
			  .recv_string = (void *)~0ull, .recv_limit = ~0ull };
	t_rc(inv_call(T_B, &m), 7, "%s: a reply into the last byte of all completes", where);
	m = (struct msg){ .order = 6, .send_string = source, .send_length = 100,
			  .recv_string = (void *)0xFFFFFFFF80000000ull, .recv_limit = 100 };
	t_rc(inv_call(T_B, &m), 7, "%s: a reply into the kernel completes", where);
	t_ok(m.recv_length == 0, "%s: without a byte", where);
	t_map(3, CR_VOID);
}

/* ---- capabilities ----------------------------------------------------------------------------------------- */

static void test_caps(bool second)
{
	const char *where = second ? "other space" : "same space";
	struct msg m;

	start_server(second);
	t_alloc(T_PAGE, T_C);
	t_alloc(T_NODE, T_D);
	m = (struct msg){ .send = { T_C, T_D, CR_RETURNER }, .recv = { T_E, T_F, T_G, T_H } };
	cap_copy(T_H, T_C);
	inv_call(T_B, &m);
	t_ok(t_same(T_E, CR_RETURNER) && t_same(T_F, T_D) && t_same(T_G, T_C), "%s: three capabilities go both ways", where);
	t_ok(t_is_void(T_H), "%s: a reply has no fourth unless it is sent", where);
	m = (struct msg){ .send = { T_C, T_D, CR_RETURNER }, .recv = { T_D, T_C, CR_VOID } };
	inv_call(T_B, &m);
	t_ok(t_same(T_D, CR_RETURNER) && t_type(T_C) == NODE_TYPE && t_is_void(CR_VOID), "%s: into registers that were sent", where);
	m = (struct msg){ .recv = { T_C, T_D } };
	inv_call(T_B, &m);
	t_ok(t_is_void(T_C) && t_is_void(T_D), "%s: positions not sent arrive as void", where);
}

/* A raw call: nothing but rax changes, and it is the reply's first word. */
static uint64_t raw_call(cap_t target, uint64_t w0, uint64_t *clobbered)
{
	uint64_t rax = INV_CONTROL(3, INV_CALL | INV_RAW_REPLY, target);
	register uint64_t r10 __asm__("r10") = 0x10;
	register uint64_t r8 __asm__("r8") = 0x8;
	register uint64_t r9 __asm__("r9") = 0x9;
	uint64_t rdi = w0, rsi = 0x51, rdx = 0xD;

	__asm__ volatile("syscall" : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
			 : : "rcx", "r11", "memory");
	*clobbered = rdi != w0 || rsi != 0x51 || rdx != 0xD || r10 != 0x10 || r8 != 8 || r9 != 9;
	return rax;
}

static void test_raw(bool second)
{
	const char *where = second ? "other space" : "same space";
	uint64_t clobbered = 9;

	start_server(second);
	t_ok(raw_call(T_B, 0x77, &clobbered) == 9, "%s: a raw call gives the first word", where);
	t_ok(clobbered == 0, "%s: and leaves every other register", where);
	t_ok(server.seen.order == 3 && server.seen.w[0] == 0x77, "%s: the message is an ordinary one", where);
}

/* ---- SEND, queues --------------------------------------------------------------------------------------------- */

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

static void test_queue(void)
{
	struct msg m;
	bool order = true, data = true;
	unsigned i;

	t_second_space(T_J);
	for (i = 0; i < 6; i++) {
		make_own_start(0x100 + i, T_C);
		make_caller(T_A, i, INV_CALL, T_C);
		process_run(T_A);
		t_sleep_ms(2);                     /* it runs into its call and waits */
	}
	memset(&m, 0, sizeof m);
	for (i = 0; i < 6; i++) {
		if (!receive(&m, i ? CR_RETURN : CR_VOID, 1000))
			break;
		order &= m.order == i;
		data &= (m.got & INV_GOT_DATA) == 0x100 + i && m.w[0] == 100 + i;
		m = (struct msg){ .w = { 500 + i } };
	}
	t_ok(i == 6, "six callers wait for a busy process and are all heard");
	t_ok(order, "in the order in which they came");
	t_ok(data, "each with its own data and words");
	inv_send(CR_RETURN, &m);
	t_ok(t_wait(&sent[5], 1), "all six get an answer");
	for (i = 0; i < 6; i++)
		order &= answers[i] == 500 + i && sent[i] == 1;
	t_ok(order, "their own");
}

static void test_send(void)
{
	struct msg m;

	make_own_start(7, T_C);
	make_caller(T_A, 0, INV_SEND, T_C);
	process_run(T_A);
	t_sleep_ms(2);
	t_ok(sent[0] == 0, "a sender waits while the receiver is busy");
	t_ok(receive_fresh(&m) && (m.got & INV_GOT_DATA) == 7, "its message arrives when the receiver is available");
	t_ok(!(m.got & INV_GOT_RESUME), "and awaits no reply");
	t_ok(t_is_void(CR_RETURN), "the fourth capability is void");
	t_ok(t_wait(&sent[0], 1), "the sender has gone on");

	start_server(true);
	t_sleep_ms(1);
	m = (struct msg){ .order = 3 };
	inv_send(T_B, &m);
	t_ok(t_wait(&server.served, 1), "a message sent to a server is served");
	m = (struct msg){ .order = 8 };
	t_rc(inv_call(T_B, &m), 9, "which then answers a void register and goes on");
}

/* ---- notices ------------------------------------------------------------------------------------------------- */

static void test_notices(void)
{
	struct msg m;

	process_make_notice(CR_SELF, 1, T_C);
	process_make_notice(CR_SELF, 6, T_D);
	notice_post(T_C);
	notice_post(T_D);
	notice_post(T_C);
	t_ok(receive_fresh(&m), "notices posted while busy are delivered");
	t_ok((m.got & INV_GOT_NOTICE) && m.order == OC_NOTICE && m.w[0] == 7, "once, all bits together");
	t_ok(!(m.got & INV_GOT_RESUME), "and await no reply");
	t_ok(!receive(&m, CR_VOID, 5), "nothing is left of them");

	make_own_start(1, T_E);
	t_second_space(T_J);
	make_caller(T_A, 1, INV_CALL, T_E);
	process_run(T_A);
	t_sleep_ms(2);
	notice_post(T_C);
	t_ok(receive_fresh(&m) && (m.got & INV_GOT_NOTICE), "a notice goes before callers who wait");
	t_ok(receive_fresh(&m) && m.order == 1, "who come next");
	inv_send(CR_RETURN, &(struct msg){ 0 });
	t_ok(t_type(T_C) == NOTICE_TYPE, "a notice tells its type");
	t_ok(!receive(&m, CR_VOID, 5), "and asking for it posts nothing");
	for (unsigned i = 0; i < 1000; i++)
		notice_post(T_D);
	t_ok(receive_fresh(&m) && m.w[0] == 6, "a thousand notices are one");
	make_caller(T_A, 0, INV_CALL, T_D);    /* a call on a notice is answered by the kernel */
	process_run(T_A);
	t_ok(receive_fresh(&m) && (m.got & INV_GOT_NOTICE) && m.w[0] == 6, "a notice wakes a process that waits");
	t_ok(t_wait(&sent[0], 1), "and its poster goes on");
}

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

/* ---- the receiver goes away ---------------------------------------------------------------------------------- */

static volatile uint64_t held;

/* Takes a call and never answers. */
static void hold(void *unused)
{
	struct msg m = { .recv = { 0, 0, 0, CR_RETURN } };

	(void)unused;
	inv_return(CR_VOID, &m);
	held++;
	for (;;) {
		m = (struct msg){ .order = 0 };
		timer_sleep_until(T_TIMER, ~0ull >> 2);
	}
}

static void test_receiver_dies(void)
{
	uint64_t state = 9;

	t_second_space(T_J);
	held = 0;
	t_helper(T_D, 3, CR_VOID, hold, NULL);
	process_run(T_D);
	process_make_start(T_D, 0, T_E);
	make_caller(T_A, 0, INV_CALL, T_E);
	process_run(T_A);
	t_ok(t_wait(&held, 1), "a caller is served by one that never answers");
	cap_copy(T_F, T_A);
	make_caller(T_A, 1, INV_CALL, T_E);
	process_run(T_A);
	t_sleep_ms(3);
	t_rc(t_free(T_D), RC_OK, "the server is destroyed");
	t_ok(t_is_void(T_E), "its start capability is void");
	t_ok(t_wait(&sent[1], 1), "a caller in its queue goes on");
	process_get_state(T_F, &state, NULL, NULL, NULL);
	t_ok(state == 2 && sent[0] == 0, "the caller being served waits");
	process_make_resume(T_F, T_G);
	inv_send(T_G, &(struct msg){ .order = 1, .w = { 77 } });
	t_ok(t_wait(&sent[0], 1) && answers[0] == 77, "and can be answered by whoever controls it");

	/* The caller is destroyed while it is served. */
	start_server(true);
	held = 0;
	t_helper(T_D, 3, CR_VOID, hold, NULL);
	process_run(T_D);
	process_make_start(T_D, 0, T_E);
	make_caller(T_C, 0, INV_CALL, T_E);
	process_run(T_C);
	t_wait(&held, 1);
	process_get_reg(T_D, CR_RETURN, T_F);
	t_ok(!t_is_void(T_F), "the server holds the resume capability");
	t_free(T_C);
	t_ok(t_is_void(T_F), "which is void when the caller is destroyed");
	t_rc(inv_call(T_F, &(struct msg){ 0 }), RC_VOID, "answering it harms nobody");
	t_free(T_D);
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
	t_begin("ipc: messages, notices, queues, keepers, segments");
	for (unsigned second = 0; second < 2; second++) {
		test_words(second);
		test_strings(second);
		test_truncation(second);
		test_missing_buffers(second);
		test_caps(second);
		test_raw(second);
	}
	test_queue();
	test_send();
	test_notices();
	test_memory_faults();
	test_other_faults();
	test_sender_faults();
	test_receiver_dies();
	test_segment_keeper();
	test_segment_call();
	test_windows();
	test_odd_trees();
	return t_end();
}
