/*
 * t_ipc.c - messages between processes: words, strings, capabilities, notices, queues, and receivers
 * that go away.
 *
 * The test itself plays the caller; helpers play the server and the sender.  Every case that crosses
 * address spaces runs twice: with the helper in this space, and in a second one.
 */
#include "t_message.h"

static uint8_t returned[BIG + EDGE] __attribute__((aligned(4096)));

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

int main(void)
{
	t_begin("ipc: messages, notices, queues");
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
	test_receiver_dies();
	return t_end();
}
