/*
 * format_test.c - what a super block is taken for, so that a refusal can say why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "store/format.h"
#include "store/store.h"

#define FRAMES 65536u

static uint8_t frame[DISK_FRAME];

static struct disk_super sealed(uint32_t version)
{
	struct disk_super super;

	super_plan(&super, FRAMES, FRAMES / 8, 16, 7);
	super.version = version;
	super_seal(&super, frame);
	return super;
}

static enum super_state look(uint64_t frames)
{
	struct disk_super super;
	enum super_state state = super_look(frame, frames, &super);

	assert_int_equal(super_judge(frame, frames, &super), state == SUPER_GOOD ? 0 : C310_SUPER);
	return state;
}

/* SUPER0001 a good one is good on a disk of its size or larger, and short on a smaller one. */
static void test_sizes(void **state)
{
	struct disk_super super;

	(void)state;
	sealed(STORE_VERSION);
	assert_int_equal(look(FRAMES), SUPER_GOOD);
	assert_int_equal(look(FRAMES * 2), SUPER_GOOD);
	assert_int_equal(look(FRAMES - 1), SUPER_SHORT);
	assert_int_equal(super_look(frame, 1, &super), SUPER_SHORT);
	assert_int_equal(super.disk_frames, FRAMES);
}

/* SUPER0002 a version outside what is known is told, with its number. */
static void test_versions(void **state)
{
	struct disk_super super;

	(void)state;
	for (uint32_t version = STORE_VERSION_OLDEST; version <= STORE_VERSION; version++) {
		sealed(version);
		assert_int_equal(look(FRAMES), SUPER_GOOD);
	}
	sealed(STORE_VERSION + 1);
	assert_int_equal(look(FRAMES), SUPER_VERSION);
	assert_int_equal(super_look(frame, FRAMES, &super), SUPER_VERSION);
	assert_int_equal(super.version, STORE_VERSION + 1);
	sealed(STORE_VERSION_OLDEST - 1);
	assert_int_equal(look(FRAMES), SUPER_VERSION);
}

/* SUPER0003 one whole copy is enough; none is damage; without the magic number it is no store. */
static void test_damage(void **state)
{
	(void)state;
	sealed(STORE_VERSION);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(look(FRAMES), SUPER_GOOD);
		frame[i * DISK_SECTOR + 40] ^= 1;
	}
	assert_int_equal(look(FRAMES), SUPER_DAMAGED);
	memset(frame, 0, sizeof frame);
	assert_int_equal(look(FRAMES), SUPER_NONE);
	memset(frame, 'x', sizeof frame);
	assert_int_equal(look(FRAMES), SUPER_NONE);
}

/* SUPER0004 numbers that contradict each other are damage, however well they are sealed. */
static void test_nonsense(void **state)
{
	struct disk_super super = sealed(STORE_VERSION);

	(void)state;
	super.homes++;
	super_seal(&super, frame);
	assert_int_equal(look(FRAMES), SUPER_DAMAGED);
	super = sealed(STORE_VERSION);
	super.log_frames = ~0ull;
	super_seal(&super, frame);
	assert_int_equal(look(FRAMES), SUPER_DAMAGED);
	super = sealed(STORE_VERSION);
	super.disk_frames = 0;
	super_seal(&super, frame);
	assert_int_equal(look(FRAMES), SUPER_DAMAGED);
}

/* SUPER0005 seats lie in the log, at the beginning; those of an image with other ones, or of an older one, do not count. */
static void test_seats(void **state)
{
	struct disk_super super = sealed(STORE_VERSION);

	(void)state;
	assert_int_equal(header_places(&super), 2 + super.seats);
	assert_true(super.seats > 0 && header_places(&super) <= HEADER_PLACES);
	assert_int_equal(header_place(&super, 2), super.log_first);
	assert_true(seats_end(&super) <= super.log_frames / 2);
	super.seats--;
	super_seal(&super, frame);
	assert_int_equal(look(FRAMES), SUPER_DAMAGED);
	super = sealed(3);
	assert_int_equal(header_places(&super), 2);
	assert_int_equal(seats_end(&super), 0);
}

/* SUPER0006 a header is good in its place and in no other, whatever its generation. */
static void test_header_places(void **state)
{
	struct disk_super super = sealed(STORE_VERSION);
	struct disk_header header = { .store_id = super.store_id, .generation = 7 }, found;

	(void)state;
	for (unsigned place = 0; place < header_places(&super); place++) {
		header_put(&header, &super, place);
		header_seal(&header, frame);
		for (unsigned at = 0; at < header_places(&super); at++)
			assert_int_equal(header_newest(frame, &super, at, &found), at == place);
	}
	super.version = 3;
	for (unsigned place = 0; place < 2; place++) {
		header_put(&header, &super, place);
		header_seal(&header, frame);
		assert_true(header_newest(frame, &super, place, &found));
		assert_false(header_newest(frame, &super, !place, &found));
		assert_int_equal(found.stands_in, place == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_versions), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_nonsense), cmocka_unit_test(test_seats), cmocka_unit_test(test_header_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
