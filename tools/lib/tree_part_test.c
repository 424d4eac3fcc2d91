/*
 * tree_part_test.c - what a part of a tree image holds: what was wanted, the folders above it, and nothing else.
 */
/* TEST WITH: tools/lib/util.c tools/lib/tree.c tools/lib/tree_dir.c tools/lib/tree_tar.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "lib/tree.h"

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static void file_add(struct tree *t, const char *path, const char *content)
{
	struct tree_attributes a = { .mode = S_IFREG | 0640, .uid = 7, .mtime_ns = 5 };

	entry_set_data(tree_add(t, path, &a), xstrdup(content), strlen(content));
}

static struct buffer sample(void)
{
	struct tree *t = tree_new(1);
	struct tree_attributes folder = { .mode = S_IFDIR | 01777 }, link = { .mode = S_IFLNK | 0777 };
	struct tree_attributes device = { .mode = S_IFCHR | 0666 };

	tree_add(t, "/a", &folder);
	file_add(t, "/a/one", "first");
	file_add(t, "/a/two", "second");
	file_add(t, "/a/deep/er/three", "third");
	file_add(t, "/b/four", "");
	entry_set_target(tree_add(t, "/a/link", &link), "one");
	entry_set_device(tree_add(t, "/dev/null", &device), 0x103);
	assert_true(tree_add_link(t, "/b/again", "/a/one"));
	return tree_image(t);
}

struct wish { const char *names[8]; };

static bool wants(void *ctx, const char *path)
{
	const struct wish *w = ctx;

	for (unsigned i = 0; w->names[i]; i++)
		if (!strcmp(w->names[i], path))
			return true;
	return false;
}

static struct tree *part(struct wish w, size_t expected)
{
	struct buffer image = sample();
	struct tree *t = tree_new(1);

	assert_int_equal(tree_add_part(t, &image, wants, &w), expected);
	free(image.data);
	return t;
}

static void test_part(void **state)
{
	struct tree *t = part((struct wish){ { "/a/deep/er/three", "/a/link", "/dev/null", NULL } }, 3);

	(void)state;
	assert_non_null(tree_find(t, "/a/deep/er/three"));
	assert_non_null(tree_find(t, "/a/link"));
	assert_non_null(tree_find(t, "/dev/null"));
	assert_null(tree_find(t, "/a/one"));
	assert_null(tree_find(t, "/b"));
	assert_int_equal(tree_count(t), 8);
	/* Attributes of the folders above come along: the whole image of such a part is that of the same tree by hand. */
	struct tree *same = tree_new(1);
	struct tree_attributes folder = { .mode = S_IFDIR | 01777 }, link = { .mode = S_IFLNK | 0777 };
	tree_add(same, "/a", &folder);
	entry_set_target(tree_add(same, "/a/link", &link), "one");
	struct tree *again = part((struct wish){ { "/a/link", NULL } }, 1);
	struct buffer x = tree_image(same), y = tree_image(again);
	assert_int_equal(x.length, y.length);
	assert_memory_equal(x.data, y.data, x.length);
}

/* A second name stands for the file even where the first is not wanted. */
static void test_hard_links(void **state)
{
	struct tree *t = part((struct wish){ { "/b/again", NULL } }, 1), *same = tree_new(1);

	(void)state;
	file_add(same, "/b/again", "first");
	struct buffer x = tree_image(t), y = tree_image(same);
	assert_int_equal(x.length, y.length);
	assert_memory_equal(x.data, y.data, x.length);
	assert_int_equal(tree_count(part((struct wish){ { "/b/again", "/a/one", NULL } }, 2)), 5);
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(tree_count(part((struct wish){ { "/none", NULL } }, 0)), 1);
}

/* A spoilt image ends the command with a sentence, whatever its bytes are. */
static void test_spoilt(void **state)
{
	struct buffer image = sample();
	struct wish w = { { "/a/one", "/b/again", NULL } };
	unsigned refused = 0;

	(void)state;
	srand(7);
	for (unsigned i = 0; i < 300; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			struct buffer copy = { 0 };

			buffer_add(&copy, image.data, rand() % 4 ? image.length : (size_t)rand() % image.length);
			for (unsigned k = 0; k < 3; k++)
				copy.data[(unsigned)(rand() + i * 7919) % (copy.length < 600 ? copy.length : 600)] = rand() + i;
			close(2);
			tree_add_part(tree_new(1), &copy, wants, &w);
			_exit(0);
		}
		waitpid(child, &status, 0);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) <= 1);
		refused += WEXITSTATUS(status);
		rand();
	}
	assert_in_range(refused, 20, 299);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part), cmocka_unit_test(test_hard_links), cmocka_unit_test(test_nothing), cmocka_unit_test(test_spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
