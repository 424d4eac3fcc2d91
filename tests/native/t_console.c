/*
 * t_console.c - the console's streams as a client meets them, a hostile one too.
 *
 * The sessions of this test are not the first, so what is written comes out on the host's stderr.
 */
#include "t.h"
#include <keros/console.h>
#include <keros/stream.h>
#include <termios.h>

enum { INPUT, OUTPUT, ERRORS, TERMINAL };
enum { WATCH_BITS = 4, ALARM_BITS = 0x8000 };

struct kernel_termios { uint32_t iflag, oflag, cflag, lflag; uint8_t line, cc[19]; uint32_t speed[2]; };

/* Waits for notices; their bits, 0 if none came in time. */
static uint64_t wait_notice(unsigned ms)
{
	struct msg m = { .recv = { 0, 0, 0, CR_RETURN } };

	process_make_notice(CR_SELF, ALARM_BITS, CR_TMP1);
	timer_notify_at(T_TIMER, t_now() + ms * 1000000ull, CR_TMP1);
	inv_return(CR_VOID, &m);
	timer_notify_at(T_TIMER, 0, CR_TMP1);
	return (m.got & INV_GOT_NOTICE) ? m.w[0] & ~(uint64_t)ALARM_BITS : 0;
}

static void test_open(void)
{
	t_rc(console_open(T_SERVICE, 14, INPUT, T_A), RC_OK, "an input is opened");
	t_rc(console_open(T_SERVICE, 14, OUTPUT, T_B), RC_OK, "and an output");
	t_rc(console_open(T_SERVICE, 15, TERMINAL, T_C), RC_OK, "and a terminal");
	t_ok(t_type(T_A) == STREAM_TYPE && t_type(T_SERVICE) == CONSOLE_TYPE, "they tell their types");
	t_rc(console_open(T_SERVICE, 16, INPUT, T_D), RC_REQUEST, "there is no session 16");
	t_rc(console_open(T_SERVICE, ~0ull, INPUT, T_D), RC_REQUEST, "nor the last of all");
	t_rc(console_open(T_SERVICE, 0, 5, T_D), RC_REQUEST, "nor a channel 5");
	console_open(T_SERVICE, 14, INPUT, T_D);
	t_ok(t_same(T_A, T_D), "opened again it is the same stream");
	t_rc(console_finish(T_SERVICE, 14, 256), RC_REQUEST, "256 is no status");
}

static void test_directions(void)
{
	static char bytes[70000];
	uint64_t ready = 9, events = 9, n = 9;
	size_t got = 9;

	t_rc(stream_read(T_A, 100, bytes, sizeof bytes, &got), RC_AGAIN, "an input without bytes says so");
	t_rc(stream_write(T_A, "x", 1, &n), RC_NOACCESS, "an input is not written");
	t_rc(stream_read(T_B, 100, bytes, sizeof bytes, &got), RC_NOACCESS, "an output is not read");
	t_rc(stream_get_termios(T_A, bytes, 60, &got), RC_UNKNOWN, "neither is a terminal");
	t_rc(stream_set_winsize(T_B, 1, 1), RC_UNKNOWN, "nor has a window");
	stream_get_attr(T_C, &n, NULL, NULL);
	t_ok(n == 1, "a terminal is one");
	stream_poll(T_A, &ready, &events);
	t_ok(ready == 0 && events == 0, "an input is not ready");
	stream_poll(T_B, &ready, &events);
	t_ok(ready == 2, "an output is");
	t_rc(stream_flush(T_A, 3), RC_REQUEST, "there is no queue 3");
	memset(bytes, '.', sizeof bytes);
	struct msg m = { .order = STREAM_OC_WRITE, .send_string = bytes, .send_length = 65536 };
	t_rc(inv_call(T_B, &m), RC_OK, "64 KiB are written at once");
	t_ok(m.w[0] == 65536, "and taken whole");
	m = (struct msg){ .order = 99 };
	t_rc(inv_call(T_B, &m), RC_UNKNOWN, "there is no order code 99");
}

static void hold(void *unused)
{
	(void)unused;
	for (;;)
		timer_sleep_until(T_TIMER, ~0ull >> 2);
}

static void test_watch(void)
{
	t_rc(stream_watch(T_A, CR_VOID), RC_REQUEST, "void is no notice");
	t_rc(stream_watch(T_A, CR_RETURNER), RC_REQUEST, "nor is the returner");
	t_rc(stream_watch(T_A, T_A), RC_REQUEST, "nor is a stream");
	t_helper(T_E, 0, CR_VOID, hold, NULL);
	process_run(T_E);
	process_make_start(T_E, 0, T_F);
	t_rc(stream_watch(T_C, T_F), RC_REQUEST, "nor a process that would keep the console waiting");
	process_make_notice(CR_SELF, WATCH_BITS, T_G);
	t_rc(stream_watch(T_C, T_G), RC_OK, "a notice is");
	wait_notice(1);
	t_rc(stream_set_winsize(T_C, 33, 77), RC_OK, "a window is set");
	t_ok(wait_notice(500) == WATCH_BITS, "the watcher is told");
	uint64_t ready, events = 0, rows = 0, columns = 0;
	stream_poll(T_C, &ready, &events);
	t_ok(events == 8, "that the window changed");
	stream_poll(T_C, &ready, &events);
	t_ok(events == 0, "once");
	stream_get_attr(T_C, NULL, &rows, &columns);
	t_ok(rows == 33 && columns == 77, "its size is as set");
	t_rc(stream_set_winsize(T_C, 70000, 1), RC_REQUEST, "a window of 70000 rows is refused");
	process_make_notice(T_E, 1, T_H);
	t_rc(stream_watch(T_B, T_H), RC_OK, "another process watches");
	t_free(T_E);
	t_rc(stream_write(T_B, "y", 1, NULL), RC_OK, "and its death harms nobody");
}

static void test_termios(void)
{
	struct kernel_termios t;
	char byte;
	size_t length = 0;
	uint64_t start;

	t_rc(stream_get_termios(T_C, &t, sizeof t, &length), RC_OK, "a terminal's settings are read");
	t_ok(length == 44 && (t.lflag & ICANON) && t.cc[VINTR] == 3 && t.cc[VERASE] == 127, "they are the usual ones");
	t_rc(stream_set_termios(T_C, 0, &t, 35), RC_REQUEST, "35 bytes are too few to set them");
	t_rc(stream_set_termios(T_C, 3, &t, 36), RC_REQUEST, "there is no action 3");
	t.lflag &= ~(uint32_t)(ICANON | ECHO);
	t.cc[VMIN] = 0;
	t.cc[VTIME] = 0;
	t_rc(stream_set_termios(T_C, 0, &t, 36), RC_OK, "36 are enough");
	t_rc(stream_read(T_C, 1, &byte, 1, &length), RC_OK, "with VMIN and VTIME 0 a read comes back");
	t_ok(length == 0, "with nothing");
	t.cc[VTIME] = 2;
	stream_set_termios(T_C, 0, &t, 36);
	wait_notice(1);
	start = t_now();
	t_rc(stream_read(T_C, 1, &byte, 1, &length), RC_AGAIN, "with VTIME 2 it waits");
	t_ok(wait_notice(2000) == WATCH_BITS, "until the watcher is told");
	t_ok(t_now() - start >= 200000000, "after two tenths of a second");
	t_rc(stream_read(T_C, 1, &byte, 1, &length), RC_OK, "then it comes back");
	t_ok(length == 0, "with nothing");
	t.cc[VMIN] = 1;
	t.cc[VTIME] = 0;
	stream_set_termios(T_C, 0, &t, 36);
	t_rc(stream_read(T_C, 1, &byte, 1, &length), RC_AGAIN, "with VMIN 1 it waits for a byte");
}

/* Every order code with junk; nothing may come back late or not at all. */
static void test_junk(void)
{
	static uint8_t junk[65536];
	bool good = true;

	for (unsigned i = 0; i < sizeof junk; i++)
		junk[i] = (uint8_t)(i * 7);
	for (unsigned order = 0; order < 20; order++)
		for (unsigned i = 0; i < 6; i++) {
			struct msg m = { .order = order, .w = { i * 0x1111111111111111ull, ~0ull, i },
					 .send = { CR_SELF, T_A, T_B }, .send_string = junk,
					 .send_length = order == STREAM_OC_WRITE ? 0 : i * 13000 };

			inv_call((cap_t)(T_A + i % 3), &m);
		}
	for (unsigned i = 0; i < 3; i++)
		good &= t_type((cap_t)(T_A + i)) == STREAM_TYPE;
	t_ok(good, "every order code with junk is answered");
	process_make_notice(CR_SELF, WATCH_BITS, T_G);
	t_rc(stream_watch(T_C, T_G), RC_OK, "and the console goes on");
	t_rc(console_finish(T_SERVICE, 14, 0), RC_OK, "a session is finished when its output is out");
	t_rc(console_finish(T_SERVICE, 14, 0), RC_REQUEST, "once");
}

int main(void)
{
	t_begin("console: streams");
	if (!t_given(CONSOLE_TYPE, T_SERVICE)) {
		t_skip("no console was given");
		return t_end();
	}
	test_open();
	test_directions();
	test_watch();
	test_termios();
	test_junk();
	return t_end();
}
