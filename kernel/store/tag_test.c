/*
 * tag_test.c - the tags read last, over a disk whose answers the test times.
 *
 * TAG0001 was a bug that no random load shows: a line that is on its way while migration writes its frame must be read
 * again, and the write may be answered first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "store/inner.h"

#define DISK_FRAMES (1u << 16)

static struct store *s;
static struct disk_request asked[64];  /* what the disk was asked for and has not answered */
static unsigned asked_count, asked_total;

static unsigned submit(void *context, const struct disk_request *batch, unsigned count)
{
	(void)context;
	for (unsigned i = 0; i < count; i++)
		asked[asked_count++] = batch[i];
	asked_total += count;
	return count;
}

static int setup(void **state)
{
	(void)state;
	s = calloc(1, sizeof *s);
	s->m.frames = calloc(STORE_BUFFERS, DISK_FRAME);
	s->disk.submit = submit;
	super_plan(&s->super, DISK_FRAMES, 1024, 16, 1);
	memset(s->io_free, 0xFF, sizeof s->io_free);
	s->io_free_count = IO_SLOTS;
	s->phase = STORE_IDLE;
	asked_count = asked_total = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(s->m.frames);
	free(s);
	return 0;
}

/* The disk answers its oldest request with a frame of tags of this epoch. */
static void answer(uint32_t epoch, bool ok)
{
	struct disk_tag *tags = asked[0].data;

	assert_true(asked_count > 0 && asked[0].op == DISK_READ);
	for (unsigned i = 0; i < GROUP_HOMES; i++)
		tags[i] = (struct disk_tag){ .epoch = epoch, .kind = 1 };
	store_disk_done(s, asked[0].tag, ok);
	memmove(asked, asked + 1, --asked_count * sizeof *asked);
	io_step(s);
}

static struct disk_tag *get(uint64_t oid, bool *failed)
{
	struct disk_tag *tag = tag_get(s, oid, failed);

	io_step(s);
	return tag;
}

static void changed(uint64_t group, uint32_t epoch)
{
	static struct disk_tag tags[GROUP_HOMES];

	for (unsigned i = 0; i < GROUP_HOMES; i++)
		tags[i] = (struct disk_tag){ .epoch = epoch, .kind = 1 };
	tag_changed(s, group, tags);
}

/* TAG0001 what was on its way when its frame was written anew is read again; who asks waits, and gets the new one. */
static void test_changed_while_loading(void **state)
{
	bool failed;

	(void)state;
	assert_null(get(5, &failed));
	assert_int_equal(asked_count, 1);
	changed(0, 2);
	assert_null(get(5, &failed));
	answer(1, true);
	assert_null(get(5, &failed));
	assert_false(failed);
	assert_int_equal(asked_total, 2);
	answer(2, true);
	assert_non_null(get(5, &failed));
	assert_int_equal(get(5, &failed)->epoch, 2);
}

/* TAG0002 one that is here is told. */
static void test_changed_when_here(void **state)
{
	bool failed;

	(void)state;
	get(5, &failed);
	answer(1, true);
	assert_int_equal(get(5, &failed)->epoch, 1);
	changed(0, 2);
	changed(1, 3);
	assert_int_equal(get(5, &failed)->epoch, 2);
	assert_int_equal(asked_total, 1);
}

/* TAG0003 an error is told once, after all tries; who asks again has the disk asked again, also if the frame was
 * written anew in between. */
static void test_error(void **state)
{
	bool failed;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		assert_null(get(5, &failed));
		for (unsigned i = 0; i < IO_TRIES; i++) {
			assert_false(failed);
			answer(1, false);
		}
		assert_null(get(5, &failed));
		assert_true(failed);
	}
	get(5, &failed);
	for (unsigned i = 0; i < IO_TRIES; i++)
		answer(1, false);
	changed(0, 2);
	assert_null(get(5, &failed));
	assert_false(failed);
	answer(2, true);
	assert_int_equal(get(5, &failed)->epoch, 2);
}

/* TAG0004 the line used longest ago goes, and none that is on its way. */
static void test_victim(void **state)
{
	bool failed;

	(void)state;
	for (unsigned i = 0; i < TAG_LINES; i++)
		get(i * GROUP_HOMES, &failed);
	assert_null(get(TAG_LINES * GROUP_HOMES, &failed));
	assert_int_equal(asked_total, TAG_LINES);
	for (unsigned i = 0; i < TAG_LINES; i++)
		answer(i, true);
	assert_non_null(get(0, &failed));
	get(TAG_LINES * GROUP_HOMES, &failed);
	assert_int_equal(asked_total, TAG_LINES + 1);
	answer(9, true);
	assert_non_null(get(0, &failed));
	assert_int_equal(get(TAG_LINES * GROUP_HOMES, &failed)->epoch, 9);
	assert_null(get(GROUP_HOMES, &failed));
	assert_int_equal(asked_total, TAG_LINES + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changed_while_loading, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_when_here, setup, teardown),
		cmocka_unit_test_setup_teardown(test_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_victim, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
