/*
 * config_test.c - the run config, hosted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "config.h"

/* CONFIG0001 the records of a sandbox are those after its name and before the next one's. */
static void test_two(void **state)
{
	static const char text[] = "console=serial\0sandbox=a\0arg=sh\0arg=-c\0tty=1\0bank=100\0sandbox=b\0arg=x\0caps=1";
	struct config c;

	(void)state;
	assert_null(config_read(text, sizeof text, &c));
	assert_true(c.serial);
	assert_int_equal(c.count, 2);
	assert_string_equal(c.sandbox[0].name, "a");
	assert_int_equal(c.sandbox[0].length, strlen("arg=sh arg=-c tty=1 bank=100 "));
	assert_memory_equal(c.sandbox[0].records, "arg=sh\0arg=-c", 13);
	assert_true(c.sandbox[0].tty);
	assert_int_equal(c.sandbox[0].bank_frames, 100);
	assert_int_equal(c.sandbox[1].length, strlen("arg=x caps=1 "));
	assert_true(c.sandbox[1].caps);
	assert_false(c.sandbox[1].tty);
}

/* CONFIG0002 a native program needs no sandbox; nothing at all is refused. */
static void test_native(void **state)
{
	struct config c;

	(void)state;
	assert_null(config_read("native=t_objects", 17, &c));
	assert_string_equal(c.native, "t_objects");
	assert_non_null(config_read("", 0, &c));
	assert_non_null(config_read("console=link", 13, &c));
}

/* CONFIG0003 text without its last NUL, unknown globals and bad numbers are refused. */
static void test_bad(void **state)
{
	struct config c;
	char many[CONFIG_SANDBOXES + 1][10];

	(void)state;
	assert_non_null(config_read("sandbox=a", 9, &c));
	assert_non_null(config_read("arg=a", 6, &c));
	assert_non_null(config_read("sandbox=a\0bank=1x", 18, &c));
	assert_non_null(config_read("sandbox=a\0bank=", 16, &c));
	assert_non_null(config_read("sandbox=a\0bank=99999999999999999999", 36, &c));
	for (unsigned i = 0; i <= CONFIG_SANDBOXES; i++)
		memcpy(many[i], "sandbox=a", 10);
	assert_null(config_read(many[0], sizeof many - 10, &c));
	assert_non_null(config_read(many[0], sizeof many, &c));
}

/* CONFIG0004 a record's value may hold anything but NUL, also a word that looks like a key. */
static void test_values(void **state)
{
	static const char text[] = "sandbox=\0env=sandbox=x\0arg=\n\"=\xff";
	struct config c;

	(void)state;
	assert_null(config_read(text, sizeof text, &c));
	assert_int_equal(c.count, 1);
	assert_string_equal(c.sandbox[0].name, "");
	assert_int_equal(c.sandbox[0].length, sizeof text - 9);
}

/* CONFIG0005 the kind of a sandbox is posix if it is not said; with= turns on what the manifest has under that word. */
static void test_kinds(void **state)
{
	static const char text[] = "with=share\0sandbox=a\0arg=x\0sandbox=b\0kind=lua";
	struct config c;

	(void)state;
	assert_null(config_read(text, sizeof text, &c));
	assert_string_equal(c.sandbox[0].kind, "posix");
	assert_string_equal(c.sandbox[1].kind, "lua");
	assert_true(config_has(&c, "always") && config_has(&c, "system") && config_has(&c, "share"));
	assert_false(config_has(&c, "native") || config_has(&c, "network"));
	assert_null(config_read("native=t", 9, &c));
	assert_true(config_has(&c, "native") && !config_has(&c, "system"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two), cmocka_unit_test(test_native), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_values), cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
