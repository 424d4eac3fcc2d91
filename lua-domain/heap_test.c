/*
 * heap_test.c - the allocator against a model that knows every block's content, and its failures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "heap.h"

#define START 0x20000000ul
#define LIMIT (64ul << 20)

static size_t pages_left, most_mapped;

bool heap_map(uintptr_t from, uintptr_t to)
{
	size_t pages = (to - from) / 4096;

	if (pages > pages_left)
		return false;
	pages_left -= pages;
	if (to - START > most_mapped)
		most_mapped = to - START;
	return mmap((void *)from, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

void heap_unmap(uintptr_t from, uintptr_t to)
{
	pages_left += (to - from) / 4096;
	assert_int_equal(munmap((void *)from, to - from), 0);
}

static void begin(size_t pages)
{
	munmap((void *)START, LIMIT);
	pages_left = pages;
	most_mapped = 0;
	heap_init((struct heap_region){ START, START + LIMIT }, (struct heap_region){ 0 });
}

static uint64_t seed = 1;
static unsigned random_below(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

static size_t random_size(void)
{
	switch (random_below(8)) {
	case 0: return 1 + random_below(100000);
	case 1: return 1 + random_below(5000);
	case 2: return 500 + random_below(30);
	default: return 1 + random_below(200);
	}
}

struct block { uint8_t *at; size_t size; uint8_t fill; };

static void check(const struct block *b)
{
	assert_int_equal((uintptr_t)b->at % 16, 0);
	for (size_t i = 0; i < b->size; i++)
		if (b->at[i] != b->fill)
			fail_msg("byte %zu of a block of %zu changed", i, b->size);
}

/* HEAP0001 no block is touched by what happens to others, whatever is allocated, resized and freed. */
static void test_model(void **state)
{
	static struct block blocks[1000];
	size_t live = 0;

	(void)state;
	begin(~0ul >> 20);
	for (unsigned step = 0; step < 200000; step++) {
		struct block *b = &blocks[random_below(1000)];
		size_t size = random_below(3) ? random_size() : 0;
		uint8_t *to;

		if (b->at)
			check(b);
		to = heap_alloc(NULL, b->at, b->at ? b->size : 4, size);
		live += size - (b->at ? b->size : 0);
		if (size == 0) {
			assert_null(to);
			b->at = NULL;
			continue;
		}
		assert_non_null(to);
		if (b->at) {
			struct block moved = { to, size < b->size ? size : b->size, b->fill };
			check(&moved);
		}
		b->at = to;
		b->size = size;
		b->fill = (uint8_t)step;
		memset(to, b->fill, size);
		assert_int_equal(heap_used(), live);
	}
	for (unsigned i = 0; i < 1000; i++)
		if (blocks[i].at)
			heap_alloc(NULL, blocks[i].at, blocks[i].size, 0);
	memset(blocks, 0, sizeof blocks);
	assert_int_equal(heap_used(), 0);
}

/* HEAP0002 without memory the answer is NULL, what there is stays whole, and what is freed serves again. */
static void test_limit(void **state)
{
	static void *list[100000];
	unsigned n = 0, again = 0;

	(void)state;
	begin(64);
	while (n < 100000 && (list[n] = heap_alloc(NULL, NULL, 0, 48)))
		memset(list[n++], 1, 48);
	assert_in_range(n, 64 * 4096 / 48 * 9 / 10, 64 * 4096 / 48);
	assert_null(heap_alloc(NULL, NULL, 0, 8192));
	assert_null(heap_alloc(NULL, NULL, 0, LIMIT * 2));
	assert_null(heap_alloc(NULL, NULL, 0, ~0ul - 8));
	assert_null(heap_alloc(NULL, list[0], 48, 1 << 20));
	assert_int_equal(pages_left, 0);
	for (unsigned i = 0; i < n; i++)
		heap_alloc(NULL, list[i], 48, 0);
	/* Slabs went back: the same memory now serves a large block. */
	list[0] = heap_alloc(NULL, NULL, 0, 55 * 4096);
	assert_non_null(list[0]);
	heap_alloc(NULL, list[0], 55 * 4096, 0);
	while (again < 100000 && (list[again] = heap_alloc(NULL, NULL, 0, 48)))
		again++;
	assert_in_range(again, n - n / 20, n + n / 20);
}

/* HEAP0003 a block that grows step by step uses little more than its size. */
static void test_growth(void **state)
{
	char *block = NULL;
	size_t size = 0;

	(void)state;
	begin(~0ul >> 20);
	for (size_t more = 1024; more <= 16 << 20; more += 1024) {
		block = heap_alloc(NULL, block, size, more);
		assert_non_null(block);
		block[more - 1] = 1;
		size = more;
	}
	assert_in_range(most_mapped, 16 << 20, (16 << 20) + 2 * HEAP_STEP);
}

/* HEAP0004 a request that cannot be met leaves the bank as it was; a large block that is freed goes back to it. */
static void test_giving_back(void **state)
{
	void *small, *large;

	(void)state;
	begin(1024);
	small = heap_alloc(NULL, NULL, 0, 100);
	assert_int_equal(pages_left, 1024 - 16);
	assert_null(heap_alloc(NULL, NULL, 0, 8 << 20));
	assert_int_equal(pages_left, 1024 - 16);
	large = heap_alloc(NULL, NULL, 0, 3 << 20);
	assert_non_null(large);
	memset(large, 1, 3 << 20);
	assert_true(pages_left < 256);
	heap_alloc(NULL, large, 3 << 20, 0);
	assert_true(pages_left > 1024 - 128);
	assert_non_null(heap_alloc(NULL, NULL, 0, 3 << 20));
	heap_alloc(NULL, small, 100, 0);
}

/* HEAP0006 cut off behind what is in use, it goes on growing from there. */
static void test_cut(void **state)
{
	static struct block list[400];
	uintptr_t used, end;

	(void)state;
	begin(1 << 20);
	heap_init((struct heap_region){ START + 4096, START + LIMIT }, (struct heap_region){ 0 });
	for (unsigned n = 0; n < 400; n++) {
		list[n] = (struct block){ heap_alloc(NULL, NULL, 0, 700), 700, (uint8_t)n };
		memset(list[n].at, list[n].fill, 700);
		if (n % 100 == 50) {
			assert_true(heap_cut(&used, &end));
			assert_true(used <= end && end - used < 2 * 4096 && end % 4096 == 0);
			munmap((void *)end, 16 * HEAP_STEP);
		}
	}
	for (unsigned n = 0; n < 400; n++)
		check(&list[n]);
	assert_non_null(heap_alloc(NULL, NULL, 0, 1 << 20));
}

/* HEAP0005 when the first region is full the second takes over; blocks of both live on, and the first is used again. */
static void test_regions(void **state)
{
	static struct block list[3000];
	uintptr_t used, end;
	unsigned n = 0;

	(void)state;
	begin(1 << 20);
	heap_init((struct heap_region){ START + 4096, START + 16 * HEAP_STEP }, (struct heap_region){ START + 32 * HEAP_STEP, START + LIMIT });
	for (; n < 3000; n++) {
		list[n].size = n % 7 ? 1 + random_below(4000) : 1 + random_below(60000);
		list[n].fill = (uint8_t)n;
		list[n].at = heap_alloc(NULL, NULL, 0, list[n].size);
		assert_non_null(list[n].at);
		memset(list[n].at, list[n].fill, list[n].size);
		if (n > 20 && n % 3 == 0) {
			check(&list[n - 20]);
			list[n - 20].at = heap_alloc(NULL, list[n - 20].at, list[n - 20].size, list[n - 20].size / 2 + 1);
			list[n - 20].size = list[n - 20].size / 2 + 1;
		}
	}
	assert_false(heap_cut(&used, &end));
	for (n = 0; n < 3000; n++) {
		check(&list[n]);
		heap_alloc(NULL, list[n].at, list[n].size, 0);
	}
	assert_int_equal(heap_used(), 0);
	for (n = 0; n < 14; n++)
		assert_true((uintptr_t)heap_alloc(NULL, NULL, 0, HEAP_STEP - 100) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_giving_back),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
