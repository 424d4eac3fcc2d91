/*
 * keykos_test.c - the kernel's objects in KeyKOS's form: codes, strings, capabilities, by tables; traps and keepers.
 */
#include "machine_test.h"
#include "object/process.h"
#include "sched/sched.h"

#define STRING 0x10000ull              /* of the caller's memory: what it sends, and where it receives */
#define BUFFER 0x12000ull

enum { PAGE = 9, PAGE_RO, NODE, FETCH, SENSE, SEGMENT, METER, DOMAIN, NUMBER, DISCRIM, CREATOR, RETURNER, OTHER = 22,
       OUT0 = 24, OUT1, OUT2 };

static struct process *p, *q;

static void start(void)
{
	struct node *n;

	machine_start(&(struct machine_config){ .frames = 32 });
	p = machine_process(3);
	q = machine_process(3);
	machine_memory(p, STRING, 4);
	n = machine_node();
	p->caps[PAGE] = page_cap(machine_page(), 0);
	p->caps[PAGE_RO] = p->caps[PAGE];
	p->caps[PAGE_RO].data = DB_READONLY;
	p->caps[NODE] = node_cap(n, CAP_NODE, 3);
	p->caps[FETCH] = node_cap(n, CAP_FETCH, 3);
	p->caps[SENSE] = node_cap(n, CAP_SENSE, 0xC3);
	p->caps[SEGMENT] = node_cap(n, CAP_SEGMENT, 5);
	p->caps[METER] = node_cap(n, CAP_SCHEDULE, 0);
	p->caps[DOMAIN] = process_cap(q, CAP_PROCESS, 0);
	p->caps[NUMBER] = cap_number(0x1122334455667788, 0x99AABB, 0);
	p->caps[DISCRIM] = cap_misc(CAP_DISCRIM, 0, 0);
	p->caps[CREATOR] = cap_misc(CAP_CREATOR, 0, 0);
	p->caps[RETURNER] = cap_misc(CAP_RETURNER, 0, 0);
	p->caps[OTHER] = node_cap(machine_node(), CAP_NODE, 0);
}

static uint32_t invoke(unsigned key, uint32_t order, const void *string, unsigned length, unsigned k0, unsigned k1)
{
	if (length)
		memcpy(machine_user(p, STRING), string, length);
	memset(machine_user(p, BUFFER), 0xEE, 4096);
	return CALL(p, key, .order = order, .control = INV_KEYKOS, .string = length ? STRING : 0, .length = length,
		    .buffer = BUFFER, .limit = 4096, .send = { k0, k1 }, .receive = { OUT0, OUT1, OUT2 });
}

/* Fields that are not named are zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const struct row {
	unsigned key;
	uint32_t order;
	const char *string;
	unsigned length, k0, k1;
	uint32_t code;
} rows[] = {
	{ PAGE, KT, .code = 0x202 }, { PAGE_RO, KT, .code = 0x1202 }, { NODE, KT, .code = 3 }, { FETCH, KT, .code = 4 },
	{ SENSE, KT, .code = 1 }, { SEGMENT, KT, .code = 0x505 }, { METER, KT, .code = 6 }, { DOMAIN, KT, .code = 7 },
	{ DISCRIM, KT, .code = 0x409 }, { CREATOR, KT, .code = 0x309 }, { NUMBER, KT, .code = KT + 1 }, { 0, KT, .code = KT + 1 },
	{ PAGE, 0 }, { PAGE, 41 }, { PAGE, 4096 + 7, "abc", 3 }, { PAGE, 41, .code = 1 }, { PAGE, 39 }, { PAGE, 41 },
	{ PAGE, 4096 + 4094, "abc", 3, .code = 1 }, { PAGE, 8192, .code = KT + 2 }, { PAGE, 2, .code = KT + 2 },
	{ PAGE_RO, 39, .code = KT + 2 }, { PAGE_RO, 4096, "abc", 3, .code = KT + 2 }, { PAGE_RO, 41 }, { PAGE_RO, 0 },
	{ NODE, 16 + 2, .k0 = NUMBER }, { NODE, 2 }, { FETCH, 2 }, { SENSE, 2 }, { FETCH, 16, .code = KT + 2 },
	{ SENSE, 16, .code = KT + 2 }, { NODE, 40, .code = 3 }, { SENSE, 40, .code = 0xC3 }, { NODE, 32, "\5", 1 },
	{ NODE, 33 }, { NODE, 34 }, { NODE, 35, "\7", 1 }, { NODE, 36 }, { NODE, 37 }, { FETCH, 35, .code = KT + 2 },
	{ NODE, 38, .k0 = FETCH }, { NODE, 38, .k0 = METER }, { NODE, 38, .k0 = OTHER, .code = 1 },
	{ NODE, 38, .k0 = PAGE, .code = 1 }, { NODE, 64, .code = KT + 2 }, { NODE, 70, .code = KT + 2 },
	{ NODE, 45, "\0\0\0\0\20\0\0\0", 8, .code = 1 }, { NODE, 45, "\1\0\0\0\1\0\0\0\0\1", 10, .code = 2 },
	{ FETCH, 45, .code = KT + 2 }, { NODE, 39 }, { FETCH, 39, .code = KT + 2 },
	{ SEGMENT, 0 }, { SEGMENT, 1, .code = KT + 2 }, { METER, 0, .code = KT + 2 }, { METER, 1, .code = KT + 2 },
	{ DISCRIM, 0, .k0 = NUMBER, .code = 1 }, { DISCRIM, 0, .code = 1 }, { DISCRIM, 0, .k0 = PAGE, .code = 3 },
	{ DISCRIM, 0, .k0 = METER, .code = 4 }, { DISCRIM, 0, .k0 = FETCH, .code = 5 }, { DISCRIM, 0, .k0 = DOMAIN, .code = 5 },
	{ DISCRIM, 1, .k0 = PAGE, .code = 1 }, { DISCRIM, 1, .k0 = PAGE_RO }, { DISCRIM, 1, .k0 = SENSE },
	{ DISCRIM, 1, .k0 = CREATOR, .code = 1 }, { DISCRIM, 1, .k0 = NUMBER, .code = 1 }, { DISCRIM, 2, .k0 = PAGE, .k1 = PAGE }, { DISCRIM, 2, .k0 = PAGE, .k1 = PAGE_RO, .code = 1 },
	{ DISCRIM, 2 }, { DISCRIM, 3, .code = KT + 2 },
	{ CREATOR, 0, "\1\2\3\4\5\6", 6 }, { CREATOR, 1, "\0\0\0\0\0\1", 6 }, { CREATOR, 1, "\1", 1, .code = 1 },
	{ CREATOR, 2, .code = KT + 2 }, { RETURNER, 1234, .code = 1234 }, { RETURNER, KT, .code = KT },
	{ DOMAIN, 1 }, { DOMAIN, 2 }, { DOMAIN, 3 }, { DOMAIN, 4, .code = KT + 2 }, { DOMAIN, 10 }, { DOMAIN, 11 },
	{ DOMAIN, 13, .code = KT + 2 }, { DOMAIN, 32, .code = KT + 2 }, { DOMAIN, 36, .code = KT + 2 },
	{ DOMAIN, 16 + 5 }, { DOMAIN, 48 + 5, .k0 = NUMBER }, { DOMAIN, 42, .k0 = NUMBER }, { DOMAIN, 64, "\7", 1 },
	{ DOMAIN, 66, .code = 1 }, { DOMAIN, 65, .code = 1 }, { DOMAIN, 65 }, { DOMAIN, 66 }, { DOMAIN, 73, .code = 1 },
	{ DOMAIN, 67, .code = 1 }, { DOMAIN, 80, .k0 = PAGE, .code = 1 }, { DOMAIN, 200, .code = KT + 2 }, { DOMAIN, 201 },
	{ DOMAIN, 301 },
	{ DOMAIN, 302, "abc", 3, .code = 3 }, { DOMAIN, 304 }, { DOMAIN, 306 }, { DOMAIN, 309, .code = KT + 2 },
};

static void codes_are_keykoss(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		uint32_t code = invoke(r->key, r->order, r->string, r->length, r->k0, r->k1);

		if (code != r->code)
			fail_msg("row %u: key %u, order %u answers %#x, not %#x", i, r->key, r->order, code, r->code);
	}
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void data_keys_are_big_endian(void **state)
{
	static const uint8_t body[16] = { 0, 0, 0, 0, 0, 0x99, 0xAA, 0xBB, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };

	(void)state;
	start();
	invoke(NUMBER, 0, NULL, 0, 0, 0);
	assert_int_equal(p->regs.r13, 6);
	assert_memory_equal(machine_user(p, BUFFER), body + 10, 6);
	invoke(NUMBER, 1, NULL, 0, 0, 0);
	assert_int_equal(p->regs.r13, 16);
	assert_memory_equal(machine_user(p, BUFFER), body, 16);
	assert_int_equal(invoke(CREATOR, 1, body, 16, 0, 0), 0);
	assert_true(cap_same(&p->caps[OUT0], &p->caps[NUMBER]));
	assert_int_equal(invoke(CREATOR, 0, body + 10, 6, 0, 0), 0);
	assert_int_equal(p->caps[OUT0].ref, 0x334455667788);
	machine_stop();
}

static void write_data_wraps(void **state)
{
	struct { uint32_t first, last; uint8_t body[3][16]; } arg = { 15, 1, { { [15] = 1 }, { [15] = 2 }, { [15] = 3 } } };
	const struct node *n;

	(void)state;
	start();
	n = cap_node(&p->caps[NODE]);
	assert_int_equal(invoke(NODE, 45, &arg, sizeof arg, 0, 0), 0);
	assert_int_equal(n->slot[15].ref, 1);
	assert_int_equal(n->slot[0].ref, 2);
	assert_int_equal(n->slot[1].ref, 3);
	assert_int_equal(n->slot[2].type, CAP_VOID);
	machine_stop();
}

static void returner_gives_back_string_and_keys(void **state)
{
	(void)state;
	start();
	assert_int_equal(invoke(RETURNER, 77, "hello", 5, PAGE, NODE), 77);
	assert_int_equal(p->regs.r13, 5);
	assert_memory_equal(machine_user(p, BUFFER), "hello", 5);
	assert_true(cap_same(&p->caps[OUT0], &p->caps[PAGE]));
	assert_true(cap_same(&p->caps[OUT1], &p->caps[NODE]));
	assert_true(cap_is_void(&p->caps[OUT2]));
	machine_stop();
}

/* A server becomes available in KeyKOS's form and keeps q: it hears the trap as KeyKOS's implicit jump. */
static void a_trap_goes_to_the_keeper(void **state)
{
	struct process *keeper;
	struct domain_report report;

	(void)state;
	start();
	keeper = p;
	assert_int_equal(RETURN(keeper, 0, .control = INV_KEYKOS, .buffer = BUFFER, .limit = 4096, .receive = { 0, 0, OUT0, OUT1 }),
			 MACHINE_AWAY);
	q->slots[PSLOT_KEEPER] = process_cap(keeper, CAP_START, 0);
	CALL(q, 0, .op = INV_OP_MASK, .order = 0x100, .control = INV_KEYKOS, .w = { 42, 43 });
	assert_int_equal(keeper->regs.rax >> 32, KT + 0x100);
	assert_int_equal(keeper->regs.r13, sizeof report);
	memcpy(&report, machine_user(keeper, BUFFER), sizeof report);
	assert_int_equal(report.stuff.control.trap_code, 0x100);
	assert_int_equal(report.view.trap_code, 0x100);
	assert_int_equal(report.stuff.control.trap_words[0], 42);
	assert_int_equal(report.stuff.control.trap_words[1], 43);
	assert_int_equal(keeper->caps[OUT0].type, CAP_PROCESS);
	assert_int_equal(keeper->caps[OUT1].data, RESUME_FAULT);
	/* Reset clears it, and the domain goes on behind the instruction. */
	machine_execute(keeper);
	assert_int_equal(CALL(keeper, OUT0, .order = 303, .control = INV_KEYKOS), 0);
	assert_int_equal(q->regs.rip, report.stuff.control.pc + 2);
	assert_int_equal(q->fault_code, FAULT_NONE);
	machine_stop();
}

/* Nobody keeps q: it is parked, and tells its new keeper of the trap that it is in; a reset lets it go on behind it. */
static void a_parked_domain_waits_for_a_change(void **state)
{
	struct process *keeper;
	struct cap start_key;

	(void)state;
	start();
	keeper = p;
	CALL(q, 0, .op = INV_OP_MASK, .order = 0x100, .control = INV_KEYKOS, .w = { 42, 43 });
	assert_int_equal(q->state, PROC_WAITING);
	assert_true(q->flags & PROCESS_PARKED);
	assert_int_equal(invoke(DOMAIN, 33, NULL, 0, 0, 0), 0);                /* another key changes nothing */
	assert_true(q->flags & PROCESS_PARKED);
	start_key = process_cap(keeper, CAP_START, 0);
	keeper->caps[OTHER] = start_key;
	assert_int_equal(invoke(DOMAIN, 34, NULL, 0, OTHER, 0), 0);
	assert_int_equal(q->state, PROC_RUNNING);
	assert_int_equal(q->queue, QUEUE_READY);
	assert_false(q->flags & PROCESS_PARKED);
	assert_int_equal(invoke(DOMAIN, 67, NULL, 0, 0, 0), 1);
	assert_int_equal(q->state, PROC_WAITING);
	/* Made busy it is no longer parked: it waits for the key that was made. */
	assert_int_equal(invoke(DOMAIN, 34, NULL, 0, 0, 0), 0);
	assert_int_equal(q->state, PROC_WAITING);
	machine_stop();
	start();
	keeper = p;
	CALL(q, 0, .op = INV_OP_MASK, .order = 0x100, .control = INV_KEYKOS, .w = { 42, 43 });
	assert_int_equal(invoke(DOMAIN, 302, NULL, 0, 0, 0), 0);               /* put is no reset */
	assert_true(q->flags & PROCESS_PARKED);
	assert_int_equal(invoke(DOMAIN, 303, NULL, 0, 0, 0), 0);
	assert_int_equal(q->state, PROC_RUNNING);
	assert_int_equal(q->fault_code, FAULT_NONE);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

/* A string that is not there has a code of its own: 0x200 and four times the reason; the address is its word. */
static void a_missing_string_has_its_code(void **state)
{
	struct process *keeper;
	struct domain_report report;

	(void)state;
	start();
	keeper = p;
	assert_int_equal(RETURN(keeper, 0, .control = INV_KEYKOS, .buffer = BUFFER, .limit = 4096, .receive = { 0, 0, OUT0, OUT1 }),
			 MACHINE_AWAY);
	q->slots[PSLOT_KEEPER] = process_cap(keeper, CAP_START, 0);
	q->caps[CREATOR] = p->caps[CREATOR];
	machine_memory(q, STRING, 1);
	CALL(q, CREATOR, .order = 1, .control = INV_KEYKOS, .string = STRING + 4090, .length = 16);
	memcpy(&report, machine_user(keeper, BUFFER), sizeof report);
	assert_int_equal(keeper->regs.rax >> 32, KT + 0x200 + 4 * 5);
	assert_int_equal(report.stuff.control.trap_words[0], STRING + 4096);
	assert_int_equal(report.stuff.control.trap_words[1], 0);
	machine_stop();
}

/* The domain tool by the brand of q: start, resume, domain keys, and what they keep; nothing by another brand. */
static void the_domain_tool_goes_by_the_brand(void **state)
{
	enum { TOOL = 18, BRAND, WRONG, START, FAULT, RESTART = 29, RED };
	struct node *red, *meter;
	struct cap format = cap_number(0x0FFFDF53, 0, 0), keepers[3];

	(void)state;
	start();
	p->caps[TOOL] = cap_misc(CAP_PROCTOOL, 0, 0);
	p->caps[BRAND] = node_cap(machine_node(), CAP_NODE, 0);
	p->caps[WRONG] = p->caps[OTHER];
	q->slots[PSLOT_BRAND] = p->caps[BRAND];
	q->state = PROC_WAITING;
	p->caps[START] = process_cap(q, CAP_START, 0x2A);
	p->caps[FAULT] = process_resume_cap(q, RESUME_FAULT);
	p->caps[RESTART] = process_resume_cap(q, RESUME_RESTART);
	red = machine_node();
	meter = machine_node();
	node_store(red, 15, &format);
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		unsigned brand = wrong ? WRONG : BRAND;
		static const struct { uint32_t order; unsigned key; uint32_t code; } rows[] = {
			{ 1, START, 0x2A }, { 1, FAULT, ~0u }, { 1, DOMAIN, ~0u }, { 2, FAULT, 4 }, { 2, RESTART, ~0u }, { 2, START, ~0u },
			{ 3, DOMAIN, 0 }, { 3, START, ~0u }, { 3, 0, ~0u },
		};

		for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			assert_int_equal(invoke(TOOL, rows[i].order, NULL, 0, rows[i].key, brand), wrong ? ~0u : rows[i].code);
			assert_int_equal(cap_process(&p->caps[OUT0]) == q, !wrong && rows[i].code != ~0u);
		}
		keepers[0] = p->caps[START];
		keepers[1] = p->caps[FAULT];
		keepers[2] = p->caps[DOMAIN];
		for (unsigned kept = 0; kept < 3; kept++) {
			node_store(red, 13, &keepers[kept]);
			node_store(meter, 2, &keepers[kept]);
			for (unsigned asked = 0; asked < 3; asked++) {
				static const uint8_t bytes[3] = { 0x2A, 4, 0 };
				uint32_t code = wrong || asked != kept ? ~0u : 13 * 256u + bytes[kept];

				p->caps[RED] = node_cap(red, CAP_SEGMENT, 0x30);
				assert_int_equal(invoke(TOOL, 5 + asked, NULL, 0, RED, brand), code);
				assert_int_equal(p->caps[OUT0].type == CAP_NODE && p->caps[OUT0].data == 0x30, code != ~0u);
				p->caps[RED] = node_cap(red, CAP_FRONTEND, 0x80);
				assert_int_equal(invoke(TOOL, 5 + asked, NULL, 0, RED, brand), code);
				/* Not callable, or not red by its data byte: nobody keeps it. */
				p->caps[RED] = node_cap(red, CAP_SEGMENT, 0x40);
				assert_int_equal(invoke(TOOL, 5 + asked, NULL, 0, RED, brand), ~0u);
				p->caps[RED] = node_cap(red, CAP_SEGMENT, 5);
				assert_int_equal(invoke(TOOL, 5 + asked, NULL, 0, RED, brand), ~0u);
				p->caps[RED] = node_cap(meter, CAP_SCHEDULE, 0);
				assert_int_equal(invoke(TOOL, 9 + asked, NULL, 0, RED, brand), code == ~0u ? code : 2 * 256u + bytes[kept]);
			}
		}
	}
	assert_int_equal(invoke(TOOL, 4, NULL, 0, 0, 0), KT + 2);
	assert_int_equal(invoke(TOOL, KT, NULL, 0, 0, 0), 0x109);
	assert_int_equal(object_check(), 0);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_keykoss),
		cmocka_unit_test(data_keys_are_big_endian),
		cmocka_unit_test(write_data_wraps),
		cmocka_unit_test(returner_gives_back_string_and_keys),
		cmocka_unit_test(a_trap_goes_to_the_keeper),
		cmocka_unit_test(the_domain_tool_goes_by_the_brand),
		cmocka_unit_test(a_parked_domain_waits_for_a_change),
		cmocka_unit_test(a_missing_string_has_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
