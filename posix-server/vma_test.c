/*
 * vma_test.c - areas against a model: one small record for each page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include "vma.h"

#define PAGES 64
#define PAGE 4096ull

static long held;

void vma_hold(const struct vma *v) { (void)v; held++; }
void vma_drop(const struct vma *v) { (void)v; held--; }

struct model { bool there; uint32_t prot; struct inode *inode; uint64_t offset; };
static struct model model[PAGES];

static void compare(const struct vma_set *s)
{
	uint64_t bytes = 0;

	assert_int_equal(held, s->count);
	for (uint32_t i = 0; i < s->count; i++) {
		assert_true(s->v[i].start < s->v[i].end);
		assert_true(i == 0 || s->v[i - 1].end <= s->v[i].start);
		bytes += s->v[i].end - s->v[i].start;
	}
	assert_int_equal(bytes, s->bytes);
	for (uint64_t p = 0; p < PAGES; p++) {
		struct vma *v = vma_find(s, p * PAGE + 17);

		assert_int_equal(v != NULL, model[p].there);
		if (!v)
			continue;
		assert_int_equal(v->prot, model[p].prot);
		assert_ptr_equal(v->inode, model[p].inode);
		if (v->inode)
			assert_int_equal(v->offset + p * PAGE - v->start, model[p].offset);
	}
}

static bool all(uint64_t from, uint64_t to, bool there)
{
	for (; from < to; from++)
		if (model[from].there != there)
			return false;
	return true;
}

static void insert(struct vma_set *s, uint64_t from, uint64_t to)
{
	struct vma v = { .start = from * PAGE, .end = to * PAGE, .prot = rand() % 8 };

	if (rand() % 2)
		v.inode = (struct inode *)(uintptr_t)(8 + rand() % 2 * 8);
	v.offset = v.inode ? rand() % 4 * PAGE : 0;
	assert_int_equal(vma_range_free(s, v.start, v.end), all(from, to, false));
	if (!all(from, to, false))
		return;
	assert_int_equal(vma_insert(s, &v), 0);
	for (uint64_t p = from; p < to; p++)
		model[p] = (struct model){ true, v.prot, v.inode, v.offset + (p - from) * PAGE };
}

static void step(struct vma_set *s)
{
	uint64_t from = rand() % PAGES, to = from + 1 + rand() % (PAGES - from);
	uint32_t prot = rand() % 8;

	switch (rand() % 4) {
	case 0:
	case 1:
		insert(s, from, to < from + 9 ? to : from + 9);
		break;
	case 2:
		assert_int_equal(vma_remove(s, from * PAGE, to * PAGE), 0);
		for (; from < to; from++)
			model[from].there = false;
		break;
	case 3:
		assert_int_equal(vma_range_full(s, from * PAGE, to * PAGE), all(from, to, true));
		if (vma_protect(s, from * PAGE, to * PAGE, prot) == 0)
			for (; from < to; from++)
				model[from].prot = prot;
		break;
	}
}

static void gap_is_the_lowest(const struct vma_set *s)
{
	uint64_t length = 1 + rand() % 8, low = rand() % PAGES, p;
	uint64_t got = vma_gap(s, low * PAGE, PAGES * PAGE, length * PAGE);

	for (p = low; p + length <= PAGES && !all(p, p + length, false); p++)
		;
	assert_int_equal(got, p + length <= PAGES ? p * PAGE : 0);
}

static void operations_follow_the_model(void **state)
{
	struct vma_set s = { 0 }, copy;

	(void)state;
	srand(2);
	for (int i = 0; i < 20000; i++) {
		step(&s);
		compare(&s);
		gap_is_the_lowest(&s);
	}
	assert_int_equal(vma_copy(&copy, &s), 0);
	vma_clear(&s);
	compare(&copy);
	vma_clear(&copy);
	assert_int_equal(held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(operations_follow_the_model) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
