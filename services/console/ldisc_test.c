/*
 * ldisc_test.c - the line discipline, hosted (cmocka).
 *
 * Two kinds: cases told in sentences, and random keys and settings compared with the
 * host's own pseudo-terminal, which is the reference for what programs expect.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "ldisc.h"

static struct ldisc l;
static struct ring out;

static int setup(void **state)
{
	(void)state;
	free(out.bytes);
	ring_init(&out, 131072);
	ldisc_init(&l, &out);
	return 0;
}

static void keys(const char *s)
{
	ldisc_input(&l, (const uint8_t *)s, strlen(s));
}

static void expect_echo(const char *s)
{
	char have[4096];
	size_t n = ring_get(&out, have, sizeof have - 1);

	have[n] = 0;
	assert_string_equal(have, s);
}

static void expect_read(const char *s)
{
	char have[4097];
	size_t n;

	assert_int_equal(ldisc_read(&l, (uint8_t *)have, 4096, false, &n), LDISC_DATA);
	have[n] = 0;
	assert_string_equal(have, s);
}

static void expect_again(void)
{
	uint8_t have[16];
	size_t n;

	assert_int_equal(ldisc_read(&l, have, sizeof have, false, &n), LDISC_AGAIN);
	assert_int_equal(n, 0);
}

static void a_line_is_read_when_it_ends(void **state)
{
	(void)state;
	keys("ab");
	expect_again();
	assert_false(ldisc_readable(&l));
	keys("c\r");
	assert_true(ldisc_readable(&l));
	assert_int_equal(ldisc_available(&l), 4);
	expect_read("abc\n");
	expect_echo("abc\r\n");
	expect_again();
}

static void a_long_line_is_read_in_parts(void **state)
{
	uint8_t part[4];
	size_t n;

	(void)state;
	keys("abcdef\n");
	assert_int_equal(ldisc_read(&l, part, 4, false, &n), LDISC_DATA);
	assert_int_equal(n, 4);
	expect_read("ef\n");
	expect_again();
}

static void erase_goes_back_over_characters(void **state)
{
	(void)state;
	keys("ab\177c\n");
	expect_echo("ab\b \bc\r\n");
	expect_read("ac\n");
	keys("\177");
	expect_echo("");
	keys("\026\001\177\n");             /* a control character takes two columns */
	expect_echo("^\b^A\b \b\b \b\r\n");
	expect_read("\n");
}

static void erase_takes_a_whole_utf8_character(void **state)
{
	(void)state;
	keys("a\303\251\177\n");
	expect_echo("a\303\251\b \b\r\n");
	expect_read("a\n");
}

static void a_tab_is_erased_by_its_columns(void **state)
{
	(void)state;
	ldisc_output(&l, (const uint8_t *)"$ ", 2);
	keys("a\tb\177\177");
	expect_echo("$ a\tb\b \b\b\b\b\b\b");
	keys("\t\t\177");
	expect_echo("\t\t\b\b\b\b\b\b\b\b");
}

static void word_and_line_kill(void **state)
{
	(void)state;
	keys("one two  \027x\n");
	expect_read("one x\n");
	keys("all of it\025y\n");
	expect_read("y\n");
	l.t.lflag &= ~ECHOKE;
	ring_clear(&out);
	keys("ab\025");
	expect_echo("ab^U\r\n");
}

static void end_of_file(void **state)
{
	uint8_t part[3];
	size_t n;

	(void)state;
	keys("\004");
	expect_read("");
	expect_again();
	keys("abc\004");
	assert_int_equal(ldisc_read(&l, part, 3, false, &n), LDISC_DATA);
	assert_int_equal(n, 3);
	expect_again();                     /* the end of file went with the three bytes */
	expect_echo("abc");
}

static void signals_flush_unless_told_not_to(void **state)
{
	(void)state;
	keys("abc\003");
	assert_int_equal(l.events, EVENT_INTR);
	expect_echo("^C");
	keys("x\n");
	expect_read("x\n");
	l.events = 0;
	l.t.lflag |= NOFLSH;
	keys("ab\034\032c\n");
	assert_int_equal(l.events, EVENT_QUIT | EVENT_SUSP);
	expect_read("abc\n");
	l.t.lflag &= ~ISIG;
	keys("\003\n");
	expect_read("\003\n");
}

static void literal_next_takes_any_key(void **state)
{
	(void)state;
	keys("\026\003\026\n\n");
	assert_int_equal(l.events, 0);
	expect_read("\003\n\n");
}

static void stop_and_start(void **state)
{
	(void)state;
	keys("\023");
	assert_true(l.stopped);
	keys("\021");
	assert_false(l.stopped);
	keys("\023");
	l.t.iflag |= IXANY;
	keys("a");
	assert_false(l.stopped);
}

static void raw_mode_honours_vmin(void **state)
{
	uint8_t part[16];
	size_t n;

	(void)state;
	l.t.lflag &= ~(ICANON | ECHO | ISIG);
	l.t.cc[VMIN] = 3;
	keys("ab");
	expect_again();
	assert_int_equal(ldisc_read(&l, part, 2, false, &n), LDISC_DATA); /* asked for less than VMIN */
	assert_int_equal(n, 2);
	keys("c\003d");
	expect_read("c\003d");
	l.t.cc[VMIN] = 0;
	expect_read("");
	l.t.cc[VTIME] = 1;
	expect_again();
	assert_int_equal(ldisc_read(&l, part, 2, true, &n), LDISC_DATA);
	assert_int_equal(n, 0);
	l.t.cc[VMIN] = 5;
	assert_int_equal(ldisc_read(&l, part, 2, true, &n), LDISC_AGAIN);
	keys("x");
	assert_int_equal(ldisc_read(&l, part, 2, true, &n), LDISC_DATA);
	assert_int_equal(n, 1);
}

static void input_survives_a_change_of_mode(void **state)
{
	struct ldisc_termios t = l.t;

	(void)state;
	keys("one\ntw");
	t.lflag &= ~ICANON;
	ldisc_set(&l, &t, LDISC_TERMIOS_SHORT);
	expect_read("one\ntw");
	keys("x");
	t.lflag |= ICANON;
	ldisc_set(&l, &t, sizeof t);
	expect_read("x");
	expect_again();
}

static void an_endless_line_keeps_its_end(void **state)
{
	static char line[LDISC_LINE_MAX + 2], have[2 * LDISC_LINE_MAX];
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 3 * LDISC_QUEUE; i++)
		keys("q");
	assert_int_equal(ldisc_room(&l), LDISC_LINE_MAX);
	keys("\n");
	assert_int_equal(ldisc_read(&l, (uint8_t *)have, sizeof have, false, &n), LDISC_DATA);
	assert_int_equal(n, LDISC_LINE_MAX);
	memset(line, 'q', sizeof line);
	assert_memory_equal(have, line, n - 1);
	assert_int_equal(have[n - 1], '\n');
}

static void a_full_queue_can_still_be_read(void **state)
{
	unsigned lines = 0;

	(void)state;
	for (unsigned i = 0; i < LDISC_QUEUE; i++)
		keys("k\n");
	assert_int_equal(ldisc_room(&l), 0);
	while (ldisc_readable(&l)) {
		uint8_t have[16];
		size_t n;

		ldisc_read(&l, have, sizeof have, false, &n);
		lines++;
	}
	assert_in_range(lines, LDISC_QUEUE / 2 - 8, LDISC_QUEUE);
	keys("ok\n");
	expect_read("ok\n");
}

static void output_is_translated(void **state)
{
	(void)state;
	assert_int_equal(ldisc_output(&l, (const uint8_t *)"a\nb\tc", 5), 5);
	expect_echo("a\r\nb\tc");
	l.t.oflag |= TAB3;
	ldisc_output(&l, (const uint8_t *)"\rab\tc", 5);
	expect_echo("\rab      c");
	l.t.oflag |= ONOCR;
	ldisc_output(&l, (const uint8_t *)"\r\rx", 3);
	expect_echo("\rx");
	l.t.oflag = 0;
	ldisc_output(&l, (const uint8_t *)"\n", 1);
	expect_echo("\n");
}

static void output_leaves_room_for_echo(void **state)
{
	static uint8_t lots[200000];
	size_t n;

	(void)state;
	memset(lots, '\n', sizeof lots);
	n = ldisc_output(&l, lots, sizeof lots);
	assert_in_range(n, 32000, 65536);
	assert_int_equal(ldisc_output(&l, lots, 1), 0);
	assert_in_range(ring_room(&out), LDISC_ECHO_ROOM - 8, LDISC_ECHO_ROOM + 8);
}

static void window_size_raises_an_event_once(void **state)
{
	(void)state;
	ldisc_set_size(&l, 24, 80);
	assert_int_equal(l.events, 0);
	ldisc_set_size(&l, 30, 100);
	assert_int_equal(l.events, EVENT_WINCH);
}

/* ---- against the host's terminal -------------------------------------------------------------- */

struct pty { int master, slave; };

static bool pty_open(struct pty *p)
{
	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (p->master < 0 || grantpt(p->master) || unlockpt(p->master))
		return false;
	p->slave = open(ptsname(p->master), O_RDWR | O_NOCTTY | O_NONBLOCK);
	return p->slave >= 0;
}

/*
 * The host handles keys in a worker of its own, which may be slow: what is expected is waited
 * for, and then a little longer for what is not.
 */
static size_t pty_settle(int fd, char *to, size_t size, size_t expected)
{
	size_t n = 0;
	struct pollfd p = { fd, POLLIN, 0 };

	while (n < size && poll(&p, 1, n < expected ? 5000 : 3) > 0) {
		ssize_t got = read(fd, to + n, size - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

static const char alphabet[] = "abc _\t\177\025\027\004\022\026\r\n\001\033x\303\251\021";

static uint32_t pick(const uint32_t *bits, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		if (rand() % 5 == 0)
			v |= bits[i];
	return v;
}

static void random_settings(struct ldisc_termios *t)
{
	static const uint32_t in[] = { ICRNL, INLCR, IGNCR, ISTRIP, IXON };
	static const uint32_t outs[] = { ONLCR, OCRNL, ONOCR, TAB3, ONLRET, OPOST };
	static const uint32_t local[] = { ECHO, ECHOE, ECHOK, ECHOKE, ECHOCTL, ECHONL, IEXTEN };

	t->iflag ^= pick(in, 5);
	t->oflag ^= pick(outs, 6);
	t->lflag ^= pick(local, 7);
}

static void it_behaves_as_the_host_does(void **state)
{
	struct pty p;
	unsigned rounds = getenv("LDISC_ROUNDS") ? (unsigned)atoi(getenv("LDISC_ROUNDS")) : 60;

	(void)state;
	srand(getenv("LDISC_SEED") ? (unsigned)atoi(getenv("LDISC_SEED")) : 1);
	for (unsigned round = 0; round < rounds; round++) {
		struct ldisc_termios t;
		char typed[41], host[4096], ours[4096];
		size_t n, m;

		if (!pty_open(&p))
			skip();
		setup(NULL);
		t = l.t;
		if (round)
			random_settings(&t);
		ldisc_set(&l, &t, LDISC_TERMIOS_SHORT);
		assert_int_equal(ioctl(p.slave, TCSETS, &t), 0);
		for (n = 0; n < sizeof typed - 1; n++)
			typed[n] = alphabet[(unsigned)rand() % (sizeof alphabet - 1)];
		typed[n++] = '\n';

		assert_int_equal(write(p.master, typed, n), n);
		ldisc_input(&l, (const uint8_t *)typed, n);
		n = ring_get(&out, ours, sizeof ours);
		m = pty_settle(p.master, host, sizeof host, n);
		if (n != m || memcmp(host, ours, n)) {
			fprintf(stderr, "round %u iflag %#x oflag %#x lflag %#x\n", round, t.iflag, t.oflag, t.lflag);
			for (size_t i = 0; i < sizeof typed; i++)
				fprintf(stderr, "%02x ", (uint8_t)typed[i]);
			fprintf(stderr, "\nhost ");
			for (size_t i = 0; i < m; i++)
				fprintf(stderr, "%02x ", (uint8_t)host[i]);
			fprintf(stderr, "\nours ");
			for (size_t i = 0; i < n; i++)
				fprintf(stderr, "%02x ", (uint8_t)ours[i]);
			fprintf(stderr, "\n");
		}
		assert_int_equal(n, m);
		assert_memory_equal(host, ours, n);

		for (;;) {
			enum ldisc_result r = ldisc_read(&l, (uint8_t *)ours, 17, false, &n);
			struct pollfd ready = { p.slave, POLLIN, 0 };
			ssize_t got;

			if (r == LDISC_DATA)
				poll(&ready, 1, 5000);
			got = read(p.slave, host, 17);
			assert_int_equal(r == LDISC_AGAIN, got < 0);
			if (got < 0)
				break;
			assert_int_equal(n, got);
			assert_memory_equal(host, ours, n);
		}
		close(p.slave);
		close(p.master);
	}
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_line_is_read_when_it_ends), CASE(a_long_line_is_read_in_parts),
		CASE(erase_goes_back_over_characters), CASE(erase_takes_a_whole_utf8_character),
		CASE(a_tab_is_erased_by_its_columns), CASE(word_and_line_kill), CASE(end_of_file),
		CASE(signals_flush_unless_told_not_to), CASE(literal_next_takes_any_key),
		CASE(stop_and_start), CASE(raw_mode_honours_vmin), CASE(input_survives_a_change_of_mode),
		CASE(an_endless_line_keeps_its_end), CASE(a_full_queue_can_still_be_read),
		CASE(output_is_translated), CASE(output_leaves_room_for_echo),
		CASE(window_size_raises_an_event_once), CASE(it_behaves_as_the_host_does),
	};

	return cmocka_run_group_tests_name("console line discipline", tests, NULL, NULL);
}
