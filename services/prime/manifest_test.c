/*
 * manifest_test.c - the system manifest's records, hosted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "manifest.h"

static const char good[] = "domain=a\0program=pa\0when=always\0priority=13\0data=32767\0give=4 bank - 7 0\0"
	"give=17 start b 65536 0\0constructor=c\0program=pc\0confined=1\0give=0 kernel discrim 0 0\0"
	"domain=s\0program=s\0for_each=posix\0priority=1\0optional=1\0give=31 number - 18446744073709551615 2";

/* MANIFEST0001 entries come in order with their fields, their grants in order with name and numbers. */
static void test_good(void **state)
{
	struct manifest_entry e = { 0 };
	struct manifest_grant g = { 0 };

	(void)state;
	assert_null(manifest_check(good, sizeof good));
	assert_true(manifest_next(good, sizeof good, &e));
	assert_string_equal(e.name, "a");
	assert_string_equal(e.program, "pa");
	assert_string_equal(e.when, "always");
	assert_null(e.for_each);
	assert_int_equal(e.priority, 13);
	assert_int_equal(e.data, 0x7FFF);
	assert_true(manifest_grant(&e, &g));
	assert_int_equal(g.slot, 4);
	assert_int_equal(g.source, FROM_BANK);
	assert_int_equal(g.a, 7);
	assert_true(manifest_grant(&e, &g));
	assert_int_equal(g.source, FROM_START);
	assert_true(manifest_name_is(&g, "b") && !manifest_name_is(&g, "bb"));
	assert_int_equal(g.a, MANIFEST_DATA_OWN);
	assert_false(manifest_grant(&e, &g));

	assert_true(manifest_next(good, sizeof good, &e));
	assert_true(e.is_constructor && e.confined);
	assert_string_equal(e.when, "system");

	assert_true(manifest_next(good, sizeof good, &e));
	assert_true(!e.is_constructor && e.optional && !e.confined);
	assert_string_equal(e.for_each, "posix");
	memset(&g, 0, sizeof g);
	assert_true(manifest_grant(&e, &g));
	assert_int_equal(g.a, UINT64_MAX);
	assert_false(manifest_next(good, sizeof good, &e));
}

/* MANIFEST0002 what is no manifest is refused, with a reason. */
static void test_bad(void **state)
{
#define TEXT(t) { t, sizeof t }
	static const struct { const char *text; size_t length; } bad[] = {
		TEXT("domain=a"),
		TEXT("domain=\0program=p"),
		TEXT("program=p"),
		TEXT("domain=a\0program=p\0give=32 bank - 7 0"),
		TEXT("domain=a\0program=p\0give=1 bank - 7"),
		TEXT("domain=a\0program=p\0give=1 bank - 7 0 "),
		TEXT("domain=a\0program=p\0give=1 bunk - 7 0"),
		TEXT("domain=a\0program=p\0give=1 bank - 99999999999999999999 0"),
		TEXT("domain=a\0program=p\0priority=16"),
		TEXT("domain=a\0program=p\0priority="),
		TEXT("domain=a\0program=p\0data=65536"),
		TEXT("domain=a\0program=p\0optional=2"),
		TEXT("domain=a\0program=p\0colour=red"),
		TEXT("domain=a\0program=p\0"),
	};

	(void)state;
	assert_non_null(manifest_check("", 0));
	assert_non_null(manifest_check("domain=a\0program=p", 17));
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(manifest_check(bad[i].text, bad[i].length));
}

/* MANIFEST0003 every cut and every changed byte of a good text is either read or refused, inside its bounds. */
static void test_torn(void **state)
{
	char *copy;

	(void)state;
	for (size_t cut = 0; cut <= sizeof good; cut++)
		for (unsigned change = 0; change < 3; change++) {
			struct manifest_entry e = { 0 };

			copy = malloc(cut ? cut : 1);
			memcpy(copy, good, cut);
			if (cut && change)
				copy[cut / (change + 1)] ^= change == 1 ? 0x80 : ' ';
			if (manifest_check(copy, cut) == NULL)
				while (manifest_next(copy, cut, &e)) {
					struct manifest_grant g = { 0 };

					while (manifest_grant(&e, &g))
						assert_true(g.slot < 32 && g.source < MANIFEST_SOURCES && g.name_length > 0);
				}
			free(copy);
		}
}

/* MANIFEST0004 there are at most 32 entries. */
static void test_many(void **state)
{
	char text[33 * 19];

	(void)state;
	for (unsigned i = 0; i < 33; i++)
		memcpy(text + 19 * i, "domain=a\0program=p", 19);
	assert_null(manifest_check(text, 32 * 19));
	assert_non_null(manifest_check(text, 33 * 19));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_torn), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
