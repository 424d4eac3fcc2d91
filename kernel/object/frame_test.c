/*
 * frame_test.c - the object cache against a model: what each oid holds, and its counts.
 */
#include "machine_test.h"
#include "mem/space.h"

#define OIDS 60
#define FRAMES 40

static void objects_are_where_the_model_says(void **state)
{
	static struct { struct frame *f; uint32_t count; enum frame_kind kind; } model[OIDS];
	unsigned used = 0;

	(void)state;
	machine_start(&(struct machine_config){ .frames = FRAMES });
	for (unsigned i = 0; i < OIDS; i++)
		model[i].f = NULL;
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t n = machine_below(OIDS), oid = 1 + n * 64;    /* all in one chain of the directory, or few */
		struct frame *f = machine_below(3) ? frame_lookup(oid) : frame_get(oid);

		if (f && !model[n].f) {
			used++;
			model[n].f = f;
			model[n].kind = FRAME_PAGE;
			model[n].count = 0;
			for (unsigned j = 0; j < PAGE_SIZE / 8; j++)
				assert_int_equal(((uint64_t *)frame_data(f))[j], 0);
		}
		assert_ptr_equal(f, model[n].f ? model[n].f : NULL);
		assert_int_equal(frame_free_count(), FRAMES - used);
		if (!f)
			continue;
		assert_int_equal(f->oid, oid);
		assert_int_equal(f->kind, model[n].kind);
		assert_true(f->alloc_count >= model[n].count);
		model[n].count = f->alloc_count;
		if (!machine_below(3)) {
			uint32_t calls = f->call_count;

			model[n].kind = FRAME_PAGE + machine_below(3);
			frame_retype(f, model[n].kind);
			assert_true(f->alloc_count > model[n].count);
			assert_true(f->call_count > calls);
		}
		if (!machine_below(50))
			assert_int_equal(object_check(), 0);
	}
	assert_int_equal(used, FRAMES);
	machine_stop();
}

static void a_place_in_memory_is_adopted_once(void **state)
{
	uint64_t pfn;

	(void)state;
	machine_start(&(struct machine_config){ .frames = 4, .pack_pages = 2 });
	pfn = frame_count - 1;
	assert_ptr_equal(frame_adopt(pfn, OID_PHYS | pfn, FRAME_FIXED, 0), &frames[pfn]);
	assert_ptr_equal(frame_adopt(pfn, OID_PHYS | pfn, FRAME_FIXED, 0), &frames[pfn]);
	assert_ptr_equal(frame_lookup(OID_PHYS | pfn), &frames[pfn]);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_where_the_model_says),
		cmocka_unit_test(a_place_in_memory_is_adopted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
