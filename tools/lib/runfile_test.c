/*
 * runfile_test.c - run manifests: what is read is what was written, every mistake has its line, a union is one.
 */
/* TEST WITH: tools/lib/util.c tools/lib/runfile_text.c tools/lib/runfile_merge.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/runfile.h"

/* The command is short, so nothing is given back (runfile.h): that is no leak. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static const char whole[] =
	"# comment\n"
	"keros-run = 1\n"
	"program = \"/bin/tar\"   # which\n"
	"arguments = [\"-xf\", '/in\\a.tar',\n"
	"\t\"a\\\"b\\\\c\\n\\xff\" ]\n"
	"directory = \"/root\"\n"
	"input = false\n"
	"clock = \"coarse\"\n"
	"random = false\n"
	"\n"
	"[environment]\n"
	"PATH = \"/bin\"\n"
	"HOME = \"/root\"\n"
	"\n"
	"[limits]\n"
	"storage = \"64M\"\n"
	"seconds = 60\n"
	"\r\n"
	"[[grant]]\n"
	"path = \"/in\"\n"
	"host = \"./in\"\n"
	"rights = \"read\"\n"
	"evidence = 12\n"
	"uses = [\"read\", \"list\"]\n"
	"[[grant]]\n"
	"path = \"/bin/tar\"\n"
	"kind = \"base\"\n";

static struct runfile good(const char *text)
{
	struct runfile r;
	char *wrong = runfile_parse(&r, text, strlen(text));

	if (wrong)
		fail_msg("%s", wrong);
	return r;
}

static void test_read(void **state)
{
	struct runfile r = good(whole);

	(void)state;
	assert_string_equal(r.program, "/bin/tar");
	assert_int_equal(r.arguments.count, 3);
	assert_string_equal(r.arguments.list[1], "/in\\a.tar");
	assert_string_equal(r.arguments.list[2], "a\"b\\c\n\xff");
	assert_false(r.input);
	assert_false(r.random);
	assert_true(r.proc);
	assert_int_equal(r.clock, RUN_CLOCK_COARSE);
	assert_int_equal(r.seconds, 60);
	assert_string_equal(r.environment.list[0], "HOME=/root");
	assert_int_equal(r.grant_count, 2);
	assert_string_equal(r.grants[0].path, "/bin/tar");
	assert_int_equal(r.grants[1].kind, RUN_SHARE);
	assert_int_equal(r.grants[1].evidence, 12);
	assert_string_equal(r.grants[1].uses.list[0], "list");
}

/* The canonical text is a fixed point, and says the same. */
static void test_text(void **state)
{
	struct runfile r = good(whole), again;
	struct buffer first = runfile_text(&r), second;
	struct buffer none = { 0 };

	(void)state;
	assert_null(runfile_parse(&again, (char *)first.data, first.length));
	assert_int_equal(runfile_diff(&r, &again, &none), 0);
	second = runfile_text(&again);
	assert_int_equal(first.length, second.length);
	assert_memory_equal(first.data, second.data, first.length);
}

static void test_mistakes(void **state)
{
	static const struct { const char *text, *says; } table[] = {
		{ "", "line 1: a run manifest begins with keros-run = 1" },
		{ "program = \"x\"\n", "line 1: a run manifest begins with keros-run = 1" },
		{ "keros-run = 2\n", "line 1: keros-run = 2 is not known" },
		{ "keros-run = 1\n", "program is missing" },
		{ "keros-run = 1\n\nprogam = \"x\"\n", "line 3: no key 'progam'; there are keros-run, program, arguments" },
		{ "keros-run = 1\nprogram = x\n", "line 2: 'x' is no value; text goes in quotes" },
		{ "keros-run = 1\nprogram = 7\n", "line 2: program must be a string in quotes" },
		{ "keros-run = 1\nprogram =\n", "line 2: there is no value" },
		{ "keros-run = 1\nprogram = \"x\n", "line 2: a string has no closing \"" },
		{ "keros-run = 1\nprogram = \"x\\q\"\n", "line 2: a string has the escape \\q" },
		{ "keros-run = 1\nprogram = \"x\\x00\"\n", "line 2: a string has the escape \\x" },
		{ "keros-run = 1\nprogram = \"x\" 7\n", "line 2: something follows the value: 7" },
		{ "keros-run = 1\nprogram = \"x\"\nprogram = \"y\"\n", "line 3: program is set twice" },
		{ "keros-run = 1\nprogram \"x\"\n", "line 2: after program there is no =" },
		{ "keros-run = 1\narguments = [\"a\" \"b\"]\n", "line 2: a comma is missing in a list" },
		{ "keros-run = 1\narguments = [\"a\",\n\n7]\n", "line 4: a list holds strings" },
		{ "keros-run = 1\ndirectory = \"a/b\"\n", "line 2: directory 'a/b' is not an absolute path" },
		{ "keros-run = 1\nclock = \"slow\"\n", "line 2: clock = \"slow\" is not one of full, coarse, none" },
		{ "keros-run = 1\n[limit]\n", "line 2: no section 'limit'; there are" },
		{ "keros-run = 1\n[grant]\n", "line 2: write [[grant]]" },
		{ "keros-run = 1\n[[limits]]\n", "line 2: write [limits]" },
		{ "keros-run = 1\n[limits\n", "line 2: a section is [name]" },
		{ "keros-run = 1\n[limits]\nstorage = \"big\"\n", "line 3: storage = \"big\" is not a size" },
		{ "keros-run = 1\n[limits]\nmemory = \"1M\"\n", "line 3: no key 'memory' in limits; there are storage, machine, seconds" },
		{ "keros-run = 1\nprogram = \"x\"\n[[grant]]\n", "line 3: this grant has no path" },
		{ "keros-run = 1\nprogram = \"x\"\n\n[[grant]]\npath = \"/a\"\n", "line 4: the share at /a needs host" },
		{ "keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"/a/../b\"\n", "line 4: path '/a/../b' is not" },
		{ "keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"/a//b\"\n", "line 4: path '/a//b' is not" },
		{ "keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"/a\"\nhost = \"a\"\nrights = \"all\"\n", "line 6: rights = \"all\"" },
		{ "keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"/a\"\nkind = \"base\"\nrights = \"write\"\n", "line 3: the base at /a is the sandbox's own" },
		{ "keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"/a\"\nkind = \"base\"\n[[grant]]\npath = \"/a\"\nhost = \"b\"\n",
		  "line 6: /a is granted twice; the other is on line 3" },
		{ "keros-run = 1\n[environment]\nA = 1\n", "line 3: A must be a string" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
		struct runfile r;
		char *wrong = runfile_parse(&r, table[i].text, strlen(table[i].text));

		if (!wrong || !strstr(wrong, table[i].says))
			fail_msg("%u: '%s' instead of '%s'", i, wrong ? wrong : "nothing", table[i].says);
	}
	struct runfile r;
	assert_non_null(runfile_parse(&r, "keros-run = 1\0x", 16));
}

/* Whatever the bytes are, the parser stays within them and answers. */
static void test_spoilt(void **state)
{
	unsigned refused = 0;

	(void)state;
	srand(20261126);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = sizeof whole - 1;
		char *copy = malloc(n);
		struct runfile r;

		memcpy(copy, whole, n);
		for (unsigned k = rand() % 4; k < 4; k++)
			copy[rand() % n] = rand() % 3 ? "\"[]=\\\n#x'"[rand() % 9] : rand();
		if (rand() % 2)
			n = rand() % n;
		copy = realloc(copy, n ? n : 1);
		refused += runfile_parse(&r, copy, n) != NULL;
		free(copy);
	}
	assert_in_range(refused, 10000, 20000);
}

static void test_diff(void **state)
{
	struct runfile a = good(whole), b = good(whole);
	struct buffer to = { 0 };

	(void)state;
	b.grants[1].write = true;
	b.grants[1].evidence = 99;
	assert_int_equal(runfile_diff(&a, &b, &to), 2);
	buffer_add(&to, "", 1);
	assert_string_equal((char *)to.data, "- grant ./in at /in, read\n+ grant ./in at /in, read and write\n");
}

static void test_merge(void **state)
{
	struct runfile a = good(whole), b = good(whole);
	struct buffer none = { 0 };

	(void)state;
	b.grants[1].write = true;
	b.grants[0].path = "/bin/gzip";
	b.seconds = 0;
	b.storage = "1G";
	b.clock = RUN_CLOCK_FULL;
	assert_null(runfile_merge(&a, &b));
	assert_int_equal(a.grant_count, 3);
	assert_true(a.grants[2].write);
	assert_int_equal(a.grants[2].evidence, 24);
	assert_int_equal(a.grants[2].uses.count, 2);
	assert_int_equal(a.seconds, 0);
	assert_string_equal(a.storage, "1G");
	assert_int_equal(a.clock, RUN_CLOCK_FULL);
	/* A union with itself adds nothing. */
	struct runfile c = a;
	assert_null(runfile_merge(&c, &b));
	assert_int_equal(runfile_diff(&a, &c, &none), 0);

	b = good(whole);
	b.program = "/bin/cp";
	assert_non_null(strstr(runfile_merge(&a, &b), "a manifest is for one program"));
	b = good(whole);
	b.grants[1].host = "./elsewhere";
	assert_non_null(strstr(runfile_merge(&a, &b), "/in is ./in at /in"));
	b = good(whole);
	b.environment.list[0] = "HOME=/home";
	assert_non_null(strstr(runfile_merge(&a, &b), "HOME is '/root' in one and '/home' in the other"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read), cmocka_unit_test(test_text), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_spoilt), cmocka_unit_test(test_diff), cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
