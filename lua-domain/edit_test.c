/*
 * edit_test.c - the line editor: what keys make of a line, against a model and by examples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "edit.h"

static struct edit e;
static size_t written;

static void count(void *ctx, const char *bytes, size_t n)
{
	(void)ctx, (void)bytes;
	written += n;
}

static enum edit_event type(const char *keys)
{
	enum edit_event event = EDIT_MORE;

	for (; *keys; keys++)
		event = edit_key(&e, (unsigned char)*keys);
	return event;
}

static void begin(void)
{
	e.put = count;
	edit_begin(&e, "> ", 20);
}

static void expect_line(const char *keys, const char *line, size_t at)
{
	begin();
	type(keys);
	e.line[e.length] = 0;
	assert_string_equal(e.line, line);
	assert_int_equal(e.at, at);
}

/* EDIT0001 each key does to the line what it is for. */
static void test_keys(void **state)
{
	(void)state;
	memset(&e, 0, sizeof e);
	expect_line("abc", "abc", 3);
	expect_line("abc\x7f", "ab", 2);
	expect_line("abc\x01x", "xabc", 1);
	expect_line("abc\033[D\033[Dx", "axbc", 2);
	expect_line("abc\033[H\033[3~", "bc", 0);
	expect_line("abc\033[1~\033OFx", "abcx", 4);
	expect_line("one two\x17", "one ", 4);
	expect_line("one two\x17\x19\x19", "one twotwo", 10);
	expect_line("abcd\x02\x02\x0b", "ab", 2);
	expect_line("abcd\x02\x02\x15", "cd", 0);
	expect_line("ab\x14", "ba", 2);
	expect_line("\xc3\xa9\xc3\xa8\x7f", "\xc3\xa9", 2);
	expect_line("\xc3\xa9x\033[D\033[D\x04", "x", 0);
	expect_line("a\033[99;5~b", "ab", 2);
	expect_line("\x01\x02\x06\x7f\x04z", "z", 1);
	begin();
	assert_int_equal(type("\x04"), EDIT_END);
	begin();
	assert_int_equal(type("abc\x03"), EDIT_CANCEL);
	begin();
	assert_int_equal(type("abc\r"), EDIT_DONE);
	assert_string_equal(e.line, "abc");
	begin();
	assert_int_equal(type("abc\t"), EDIT_COMPLETE);
}

/* EDIT0002 the history gives back what was typed, newest first, and keeps the line that was begun. */
static void test_history(void **state)
{
	(void)state;
	memset(&e, 0, sizeof e);
	edit_remember(&e, "one");
	edit_remember(&e, "two");
	edit_remember(&e, "two");
	edit_remember(&e, "");
	expect_line("x\033[A", "two", 3);
	expect_line("x\033[A\033[A", "one", 3);
	expect_line("x\033[A\033[A\033[A", "one", 3);
	expect_line("x\033[A\033[A\033[B", "two", 3);
	expect_line("x\033[A\033[B", "x", 1);
	expect_line("x\033[B", "x", 1);
	for (unsigned i = 0; i < 5000; i++) {
		char line[32];

		snprintf(line, sizeof line, "line %u", i);
		edit_remember(&e, line);
	}
	expect_line("\x10\x10", "line 4998", 9);
	assert_true(e.history_length <= EDIT_HISTORY);
}

/* EDIT0003 no keys whatever break the line's bounds, and a full line takes no more. */
static void test_any_keys(void **state)
{
	uint64_t seed = 7;

	(void)state;
	memset(&e, 0, sizeof e);
	begin();
	for (unsigned i = 0; i < 300000; i++) {
		enum edit_event event;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		event = edit_key(&e, (unsigned char)(seed >> 40 & 3 ? seed >> 33 | 32 : seed >> 33));
		assert_true(e.at <= e.length && e.length < EDIT_LINE);
		if (event == EDIT_DONE)
			edit_remember(&e, e.line);
		if (event != EDIT_MORE && event != EDIT_COMPLETE)
			begin();
	}
	begin();
	for (unsigned i = 0; i < EDIT_LINE + 100; i++)
		type("x");
	assert_int_equal(e.length, EDIT_LINE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_any_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
