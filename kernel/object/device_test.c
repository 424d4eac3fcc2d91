/*
 * device_test.c - interrupt lines, ports, physical memory, the log, and the small tools:
 * discrim, keybits, number, process tool.
 */
#include "machine_test.h"
#include <string.h>
#include "kernel/checkpoint.h"
#include "kernel/discrim.h"
#include "kernel/ioport.h"
#include "kernel/irq.h"
#include "kernel/keybits.h"
#include "kernel/log.h"
#include "kernel/number.h"
#include "kernel/physmem.h"
#include "kernel/proctool.h"
#include "mem/space.h"
#include "object/device.h"

#define BUFFER 0x40000ull

static struct process *p, *other;

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 24, .dma = 5, .pack_pages = 3 });
	p = machine_process(6);
	other = machine_process(3);
	machine_memory(p, BUFFER, 1);
	machine_execute(p);
}

static void a_line_is_a_notice_once_enabled(void **state)
{
	(void)state;
	make_world();
	p->caps[9] = cap_misc(CAP_IRQ, 0, IRQ_ANY);
	p->caps[10] = process_cap(p, CAP_NOTICE, 0x100);
	assert_int_equal(CALL(p, 9, .order = IRQ_OC_BIND, .w = { 5 }, .send = { 10 }), RC_OK);
	assert_int_equal(CALL(p, 9, .order = IRQ_OC_ENABLE, .w = { 5 }), RC_OK);
	assert_int_equal(machine.lines_open, 1u << 5);
	irq_fired(5);
	assert_int_equal(machine.lines_open, 0);
	assert_int_equal(p->notices, 0x100);
	assert_int_equal(CALL(p, 9, .order = IRQ_OC_ENABLE, .w = { 0 }), RC_REQUEST);      /* the timer's */
	assert_int_equal(CALL(p, 9, .order = IRQ_OC_ENABLE, .w = { 16 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = IRQ_OC_NARROW, .w = { 7 }, .receive = { 11 }), RC_OK);
	assert_int_equal(CALL(p, 11, .order = IRQ_OC_ENABLE, .w = { 5 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 11, .order = IRQ_OC_ENABLE, .w = { 7 }), RC_OK);
	assert_int_equal(CALL(p, 9, .order = IRQ_OC_BIND, .w = { 5 }), RC_REQUEST);
	process_rescind(other);
	machine_stop();
}

static void ports_stay_in_their_range(void **state)
{
	(void)state;
	make_world();
	p->caps[9] = cap_misc(CAP_IOPORT, 0, 0);
	assert_int_equal(CALL(p, 9, .order = IOPORT_OC_NARROW, .w = { 0x20, 4 }, .receive = { 10 }), RC_OK);
	assert_int_equal(CALL(p, 10, .order = IOPORT_OC_OUT, .w = { 0x22, 2, 0xABCD }), RC_OK);
	assert_int_equal(CALL(p, 10, .order = IOPORT_OC_IN, .w = { 0x22, 1 }), RC_OK);
	assert_int_equal(p->regs.rdi, 0xCD);
	assert_int_equal(CALL(p, 10, .order = IOPORT_OC_IN, .w = { 0x1F, 1 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 10, .order = IOPORT_OC_IN, .w = { 0x22, 4 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 10, .order = IOPORT_OC_IN, .w = { 0x22, 3 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = IOPORT_OC_IN, .w = { 65535, 2 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 9, .order = IOPORT_OC_IN, .w = { ~0ull, 1 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 10, .order = IOPORT_OC_NARROW, .w = { 0x20, 0 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 10, .order = IOPORT_OC_NARROW, .w = { 0x20, 65536 + 2 }), RC_NOACCESS);
	machine_stop();
}

static void physical_memory_is_given_once(void **state)
{
	struct node *n;

	(void)state;
	make_world();
	n = machine_node();
	p->caps[9] = cap_misc(CAP_PHYSMEM, 0, 0);
	p->caps[10] = node_cap(n, CAP_NODE, 3);
	assert_int_equal(CALL(p, 9, .order = PHYSMEM_OC_DMA, .w = { 3 }, .send = { 10 }), RC_OK);
	assert_int_equal(p->regs.rdi >> PAGE_SHIFT, frame_pfn(cap_page(&n->slot[0])));
	assert_int_equal(CALL(p, 9, .order = PHYSMEM_OC_DMA, .w = { 3 }, .send = { 10 }), RC_LIMIT);
	assert_int_equal(CALL(p, 9, .order = PHYSMEM_OC_PACK_FILL, .w = { 1, 2 }, .send = { 10 }), RC_OK);
	assert_int_equal(n->slot[0].data, DB_READONLY);
	assert_true(cap_page(&n->slot[1])->flags & FRAME_FIXED);
	assert_int_equal(CALL(p, 9, .order = PHYSMEM_OC_PACK_FILL, .w = { 2, 2 }, .send = { 10 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PHYSMEM_OC_PACK_PAGE, .w = { ~0ull }), RC_REQUEST);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void the_log_and_its_switch(void **state)
{
	(void)state;
	make_world();
	memcpy(machine_user(p, BUFFER), "a line of the log\n", 18);
	p->caps[9] = cap_misc(CAP_LOG, LOG_POWER, 0);
	assert_int_equal(CALL(p, 9, .order = LOG_OC_PUT, .string = BUFFER, .length = 18), RC_OK);
	assert_non_null(strstr(machine.log, "a line of the log\n"));
	CALL(p, 9, .order = LOG_OC_TEXT_ONLY, .receive = { 10 });
	assert_int_equal(CALL(p, 10, .order = LOG_OC_POWER_OFF, .w = { 3 }), RC_NOACCESS);
	assert_int_equal(CALL(p, 9, .order = LOG_OC_POWER_OFF, .w = { 3 }), MACHINE_AWAY);
	assert_int_equal(machine.off_status, 3);
	machine_stop();
}

static void kinds_are_told_apart(void **state)
{
	(void)state;
	make_world();
	p->caps[9] = cap_misc(CAP_DISCRIM, 0, 0);
	p->caps[10] = process_cap(other, CAP_NOTICE, 1);
	p->caps[11] = process_resume_cap(other, RESUME_RETURN);
	p->caps[12] = page_cap(machine_page(), 0);
	for (unsigned i = 10; i < 13; i++) {
		static const unsigned classes[] = { 5, 2, 3 };

		CALL(p, 9, .order = DISCRIM_OC_CLASSIFY, .send = { i });
		assert_int_equal(p->regs.rdi, classes[i - 10]);
		CALL(p, 9, .order = DISCRIM_OC_IS_NOTICE, .send = { i });
		assert_int_equal(p->regs.rdi, i != 10);
		CALL(p, 9, .order = DISCRIM_OC_COMPARE, .send = { i, 12 });
		assert_int_equal(p->regs.rdi, i != 12);
	}
	machine_stop();
}

static void a_brand_opens_what_bears_it(void **state)
{
	(void)state;
	make_world();
	p->caps[9] = cap_misc(CAP_PROCTOOL, 0, 0);
	p->caps[10] = process_cap(other, CAP_PROCESS, 0);
	p->caps[11] = process_cap(p, CAP_START, 99);           /* the brand: any capability of one's own */
	p->caps[12] = process_cap(other, CAP_START, 0x1234);
	p->caps[13] = process_cap(p, CAP_START, 98);
	assert_int_equal(CALL(p, 9, .order = PROCTOOL_OC_IDENTIFY_START, .send = { 12 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCTOOL_OC_SET_BRAND, .send = { 10, 11 }), RC_OK);
	assert_int_equal(CALL(p, 9, .order = PROCTOOL_OC_SET_BRAND, .send = { 10, 13 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCTOOL_OC_IDENTIFY_START, .send = { 12, 13 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCTOOL_OC_IDENTIFY_START, .send = { 12, 11 }, .receive = { 14 }), RC_OK);
	assert_int_equal(p->regs.rdi, 0x1234);
	assert_true(cap_same(&p->caps[14], &p->caps[10]));
	assert_int_equal(CALL(p, 9, .order = PROCTOOL_OC_IDENTIFY_START, .send = { 10, 11 }), RC_REQUEST);
	assert_int_equal(CALL(p, 9, .order = PROCTOOL_OC_IDENTIFY_PROCESS, .send = { 10, 11 }), RC_OK);
	machine_stop();
}

static void bits_and_numbers_are_shown(void **state)
{
	uint8_t *bytes;

	(void)state;
	make_world();
	p->caps[9] = cap_number(0x1122334455667788, 0x99AABBCC, 0xDDEE);
	bytes = machine_user(p, BUFFER);
	assert_int_equal(CALL(p, 9, .order = NUMBER_OC_GET, .buffer = BUFFER, .limit = 16), RC_VOID);
	assert_int_equal(p->regs.rdi, 0x1122334455667788);
	assert_int_equal(p->regs.rsi, 0xDDEE99AABBCC);
	assert_int_equal(bytes[15], 0x88);
	assert_int_equal(bytes[2], 0xDD);
	p->caps[10] = cap_misc(CAP_KEYBITS, 0, 0);
	p->caps[11] = process_cap(other, CAP_START, 7);
	CALL(p, 10, .order = KEYBITS_OC_SHOW, .send = { 11 });
	assert_int_equal(p->regs.rdi, (uint64_t)process_frame(other)->alloc_count << 32 | 7 << 16 | CAP_START);
	assert_int_equal(p->regs.rsi & REF_HINT_MASK, 0);
	p->caps[12] = cap_misc(CAP_CHECKPOINT, 0, 0);
	assert_int_equal(CALL(p, 12, .order = CHECKPOINT_OC_STATUS), RC_OK);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_notice_once_enabled),
		cmocka_unit_test(ports_stay_in_their_range),
		cmocka_unit_test(physical_memory_is_given_once),
		cmocka_unit_test(the_log_and_its_switch),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(a_brand_opens_what_bears_it),
		cmocka_unit_test(bits_and_numbers_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
