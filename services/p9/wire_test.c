/* wire_test.c - messages, listings and paths, with what a hostile host or client may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include <cmocka.h>
#include <keros/files.h>
#include "wire.h"

static void test_round_trip(void **state)
{
	uint8_t buffer[64], type;
	uint16_t tag;
	struct wire w;
	size_t n;
	const char *s;

	(void)state;
	wire_begin(&w, buffer, sizeof buffer, TWALK, 7);
	put32(&w, 0x11223344);
	put_string(&w, "name", 4);
	put64(&w, 0x5566778899aabbccull);
	assert_int_equal(wire_end(&w, 0), 7 + 4 + 6 + 8);
	assert_true(wire_open(&w, buffer, 25, &type, &tag));
	assert_int_equal(type, TWALK);
	assert_int_equal(tag, 7);
	assert_int_equal(get32(&w), 0x11223344);
	s = get_string(&w, &n);
	assert_true(n == 4 && memcmp(s, "name", 4) == 0);
	assert_true(get64(&w) == 0x5566778899aabbccull && !w.bad);
	get8(&w);
	assert_true(w.bad);
}

static void test_no_room(void **state)
{
	uint8_t buffer[16];
	struct wire w;

	(void)state;
	wire_begin(&w, buffer, sizeof buffer, TWALK, 1);
	put_string(&w, "longer than it", 14);
	assert_int_equal(wire_end(&w, 0), 0);
}

static void test_short_messages(void **state)
{
	uint8_t buffer[32] = { 0 }, type;
	uint16_t tag;
	struct wire w;

	(void)state;
	for (size_t n = 0; n < 7; n++)
		assert_false(wire_open(&w, buffer, n, &type, &tag));
	buffer[0] = 3;                         /* says less than a header */
	assert_false(wire_open(&w, buffer, sizeof buffer, &type, &tag));
	buffer[0] = 255;                       /* says more than came: what came is the end */
	assert_true(wire_open(&w, buffer, 9, &type, &tag));
	get32(&w);
	assert_true(w.bad);
}

static size_t entry_put(uint8_t *to, const char *name, size_t n)
{
	struct wire w = { .at = to, .start = to, .end = to + 400 };

	put8(&w, 0);
	put32(&w, 0);
	put64(&w, 42);
	put64(&w, 99);
	put8(&w, 8);
	put_string(&w, name, n);
	return (size_t)(w.at - to);
}

static void test_entries(void **state)
{
	uint8_t bytes[2000];
	struct file_entry e;
	char longest[255];
	size_t n = 0;
	long out;

	(void)state;
	memset(longest, 'x', sizeof longest);
	n += entry_put(bytes + n, "a", 1);
	n += entry_put(bytes + n, "b/c", 3);
	n += entry_put(bytes + n, "d\0e", 3);
	n += entry_put(bytes + n, "", 0);
	n += entry_put(bytes + n, longest, sizeof longest);
	n += entry_put(bytes + n, "\xff\xfe", 2);
	out = wire_entries(bytes, n);
	assert_int_equal(out, 3 * sizeof e + 1 + 255 + 2);
	memcpy(&e, bytes, sizeof e);
	assert_true(e.number == 42 && e.next == 99 && e.type == 8 && e.length == 1 && bytes[sizeof e] == 'a');
	for (size_t cut = 1; cut < 20; cut++) {
		n = entry_put(bytes, "name", 4);
		assert_int_equal(wire_entries(bytes, n - cut), -1);
	}
}

static int split(const char *path)
{
	struct part parts[FILES_NAMES];

	return path_split(path, strlen(path), parts, FILES_NAMES);
}

static void test_paths(void **state)
{
	char name[300];
	struct part parts[FILES_NAMES];

	(void)state;
	assert_int_equal(split(""), 0);
	assert_int_equal(split("a"), 1);
	assert_int_equal(split("a/b/..."), 3);
	for (unsigned i = 0; i < FILES_NAMES; i++)
		memcpy(name + 2 * i, "d/", 2);
	assert_int_equal(path_split(name, 2 * FILES_NAMES - 1, parts, FILES_NAMES), FILES_NAMES);
	memcpy(name + 2 * FILES_NAMES, "d", 1);
	assert_int_equal(path_split(name, 2 * FILES_NAMES + 1, parts, FILES_NAMES), -1);
	const char *bad[] = { "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a/../../b" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(split(bad[i]), -1);
	assert_int_equal(path_split("a\0b", 3, parts, FILES_NAMES), -1);
	memset(name, 'n', sizeof name);
	assert_int_equal(path_split(name, 255, parts, FILES_NAMES), 1);
	assert_int_equal(path_split(name, 256, parts, FILES_NAMES), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_no_room), cmocka_unit_test(test_short_messages),
		cmocka_unit_test(test_entries), cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
