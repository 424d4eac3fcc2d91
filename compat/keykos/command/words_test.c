/*
 * words_test.c - the text of the command language: every form of a word, a list, a number and a string, and none other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "words.h"

static bool value(const char *name, const uint8_t **bytes, size_t *length)
{
	static const uint8_t v[] = { 0x10, 0, 0, 0, 9 };

	*bytes = v;
	*length = strcmp(name, "v") == 0 ? 5 : 2;
	return strcmp(name, "v") == 0 || strcmp(name, "w") == 0;
}

static void words(void **state)
{
	static const struct { const char *line, *words[8]; } rows[] = {
		{ "", { NULL } }, { "  # all", { NULL } }, { "kt sb # why", { "kt", "sb" } }, { "a#b #c", { "a#b" } },
		{ "kc k 0(a,b)(c)", { "kc", "k", "0", "(a,b)", "(c)" } }, { "(a)b c", { "(a)", "b", "c" } },
		{ "x (%a\"),( #\",k) y", { "x", "(%a\"),( #\",k)", "y" } }, { "(%a\"\\\")\") z", { "(%a\"\\\")\")", "z" } },
		{ "( a b", { "( a b" } }, { "\ta\r", { "a" } }, { "(%ait's #1) b", { "(%ait's #1)", "b" } },
		{ "d %a\"x y\" z", { "d", "%a\"x y\"", "z" } }, { "(%a\"open) b", { "(%a\"open) b" } },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char line[100], *at = line;

		strcpy(line, rows[i].line);
		for (unsigned n = 0; rows[i].words[n]; n++) {
			const char *word = word_cut(&at);

			assert_non_null(word);
			assert_string_equal(word, rows[i].words[n]);
		}
		assert_null(word_cut(&at));
	}
}

static void lists(void **state)
{
	static const struct { const char *text; int count; const char *field[5]; } rows[] = {
		{ "()", 1, { "" } }, { "(a)", 1, { "a" } }, { "( a , b,,c )", 4, { "a", "b", "", "c" } }, { "(,)", 2, { "", "" } },
		{ "(%atext, k)", 2, { "%atext", "k" } }, { "(%a\"a,)b\" , k)", 2, { "%a\"a,)b\" ", "k" } }, { "(%aspace )", 1, { "%aspace " } },
		{ "a", -1, { 0 } }, { "(a", -1, { 0 } }, { "(a)b", -1, { 0 } }, { "(a,b,c,d,e,f)", -1, { 0 } }, { "(%a\"x)", -1, { 0 } },
	};
	char *field[FIELDS];

	(void)state;
	assert_int_equal(list_read(NULL, field, 5), 0);
	assert_string_equal(field[FIELDS - 1], "");
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = strdup(rows[i].text);

		assert_int_equal(list_read(text, field, 5), rows[i].count);
		for (int n = 0; n < rows[i].count; n++)
			assert_string_equal(field[n], rows[i].field[n]);
		free(text);
	}
}

static void numbers(void **state)
{
	static const struct { const char *text; bool good; uint32_t number; } rows[] = {
		{ "0", true, 0 }, { "0x10", true, 16 }, { "010", true, 8 }, { "kt+4", true, 0x80000004 }, { "KT", true, 0x80000000 },
		{ "16+15-1", true, 30 }, { "-1", true, 0xFFFFFFFF }, { "v+1", true, 17 }, { "4294967295", true, 0xFFFFFFFF },
		{ "4294967296", false, 0 }, { "99999999999999999999", false, 0 }, { "", false, 0 }, { "16+", false, 0 }, { "0x", false, 0 },
		{ "u", false, 0 }, { "1 2", false, 0 }, { "+1", false, 0 }, { "--1", false, 0 }, { "1*2", false, 0 }, { "9a", false, 0 },
	};
	uint32_t number;

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(number_read(rows[i].text, value, &number), rows[i].good);
		if (rows[i].good)
			assert_int_equal(number, rows[i].number);
	}
}

static void strings(void **state)
{
	static const struct { const char *text; const char *bytes; size_t length; } rows[] = {
		{ "", "", 0 }, { "%x", "", 0 }, { "%X0aFf ", "\x0A\xFF", 2 }, { "%ahello", "hello", 5 }, { "%Ehi there ", "hi there ", 9 },
		{ "%a", "", 0 }, { "%a\"\"", "", 0 }, { "%a\"a,(b)\" ", "a,(b)", 5 }, { "%a\"\\\"\\\\\\n\\0\\x41\\q\"", "\"\\\n\0Aq", 6 },
		{ "%asay \"x\"", "say \"x\"", 7 }, { "v", "\x10\0\0\0\x09", 5 }, { "5", "\5\0\0\0", 4 }, { "kt+1", "\1\0\0\x80", 4 }, { "w", "\x10\0", 2 },
		{ "%x1", NULL, 0 }, { "%xzz", NULL, 0 }, { "%x12 34", NULL, 0 }, { "%a\"x", NULL, 0 }, { "%a\"x\"y", NULL, 0 }, { "%q", NULL, 0 },
		{ "nobody", NULL, 0 }, { "%", NULL, 0 }, { "4294967296", NULL, 0 },
	};
	uint8_t to[STRING_LIMIT];
	size_t length;
	char big[3 * STRING_LIMIT];

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *wrong = string_read(rows[i].text, value, to, &length);

		assert_int_equal(wrong == NULL, rows[i].bytes != NULL);
		if (!wrong) {
			assert_int_equal(length, rows[i].length);
			assert_memory_equal(to, rows[i].bytes, length);
		}
	}
	for (int more = 0; more <= 1; more++) {
		memset(big, '7', sizeof big);
		memcpy(big, "%x", 2);
		big[2 + 2 * (STRING_LIMIT + more)] = 0;
		assert_int_equal(string_read(big, value, to, &length) == NULL, !more);
		memcpy(big, "%a", 2);
		big[2 + STRING_LIMIT + more] = 0;
		assert_int_equal(string_read(big, value, to, &length) == NULL, !more);
	}
	memset(big, '7', sizeof big);
	big[1] = 'x';
	big[0] = '%';
	big[sizeof big - 1] = 0;
	assert_non_null(string_read(big, value, to, &length));
}

static void names(void **state)
{
	(void)state;
	assert_true(name_valid("sb"));
	assert_true(name_valid("user/sys/"));
	assert_true(name_valid("a23456789012345678901234567890123456789"));
	assert_false(name_valid("a234567890123456789012345678901234567890"));
	assert_false(name_valid(""));
	assert_false(name_valid("%x"));
	assert_true(variable_valid("n_1"));
	for (unsigned i = 0; i < 6; i++)
		assert_false(variable_valid((const char *[]){ "", "5", "kt", "a-b", "a/b", "_x" }[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words), cmocka_unit_test(lists), cmocka_unit_test(numbers), cmocka_unit_test(strings), cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
