/*
 * check_test.c - each condition of object_check, broken on purpose, is told from all others.
 *
 * The checker itself must be right before its silence means anything: every test breaks one rule
 * in an otherwise sound machine, sees its number, and mends it again.
 */
#include "machine_test.h"
#include "boot.h"
#include "mem/space.h"

static struct process *p, *q;
static struct node *n;
static struct frame *page;

static void make_world(void)
{
	machine_start(&(struct machine_config){ .frames = 16 });
	p = machine_process(3);
	q = machine_process(9);
	n = machine_node();
	page = machine_page();
	p->state = PROC_RUNNING;
	sched_ready(p);
	machine_execute(q);
	assert_int_equal(object_check(), 0);
}

/* object_check says `number` while *byte has another value. */
static void broken_by(void *at, uint8_t value, int number)
{
	uint8_t *byte = at, was = *byte;

	*byte = value;
	assert_int_equal(object_check(), number);
	*byte = was;
	assert_int_equal(object_check(), 0);
}

static void object_conditions(void **state)
{
	uint64_t oid;

	(void)state;
	make_world();
	oid = page->oid;
	page->oid = node_pot(n)->oid;          /* two frames of one oid */
	assert_int_equal(object_check(), 101);
	page->oid = oid + 1000;                /* one that is not in the directory */
	assert_int_equal(object_check(), 101);
	page->oid = oid;
	broken_by(&n->alloc_count, node_pot(n)->alloc_count + 1, 102);
	page->epoch = store_epoch + 5;
	broken_by(&page->flags, FRAME_DIRTY, 103);
	broken_by(&q->state, 3, 104);
	machine_stop();
}

/* Only a page that was cleared is marked zero; whatever is then found in it was not announced. */
static void a_zero_page_is_zero(void **state)
{
	uint64_t *word;

	(void)state;
	make_world();
	word = frame_data(page);
	word[77] = 1;
	frame_retype(page, FRAME_PAGE);
	assert_true(page->zero);
	assert_int_equal(word[77], 0);
	assert_int_equal(object_check(), 0);
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++) {
		word[i] = 1;
		assert_int_equal(object_check(), 113);
		assert_int_equal(frame_check(page), i % 8 == store_epoch % 8 ? 113 : 0);
		word[i] = 0;
	}
	frame_dirty(page);
	word[5] = 1;
	assert_int_equal(object_check(), 0);
	node_pot(n)->zero = true;              /* a pot is never */
	assert_int_equal(frame_check(node_pot(n)), 113);
	node_pot(n)->zero = false;
	assert_int_equal(object_check(), 0);
	machine_stop();
}

static void process_conditions(void **state)
{
	(void)state;
	make_world();
	broken_by(&p->state, PROC_WAITING, 105);       /* waiting, but in the ready queue */
	broken_by(&p->queue, QUEUE_NONE, 105);         /* running, in no queue and not current */
	broken_by(&p->queue, QUEUE_STALL, 108);        /* says another queue than it is in */
	cpu.ready_mask ^= 1u << 7;
	assert_int_equal(object_check(), 109);
	cpu.ready_mask ^= 1u << 7;
	broken_by(&p->caps[CR_VOID].type, CAP_NUMBER, 110);
	broken_by(&p->pfn, p->pfn + 1, 111);
	broken_by(&p->caps[5].type, CAP_TYPES - 2, 112);
	broken_by(&p->slots[PSLOT_BRAND].type, 31, 112);
	broken_by(&n->slot[3].type, 200, 112);
	machine_stop();
}

static void links_of_queues(void **state)
{
	struct process *a, *b;

	(void)state;
	make_world();
	a = machine_process(3);
	b = machine_process(3);
	a->state = b->state = PROC_RUNNING;
	sched_ready(a);
	sched_ready(b);
	assert_int_equal(object_check(), 0);
	b->prev = p;
	assert_int_equal(object_check(), 108);
	b->prev = a;
	sched_remove(a);
	sched_sleep(a, 1000);
	assert_int_equal(object_check(), 0);
	broken_by(&a->queue, QUEUE_READY, 108);
	machine_stop();
}

/* ---- what the kernel checks as it goes (KCHECK) ------------------------------------------- */

static void ready_twice(void *context)
{
	(void)context;
	sched_ready(p);
}

static void stall_in_a_queue(void *context)
{
	(void)context;
	sched_stall(p, q);
}

static void sleep_in_a_queue(void *context)
{
	(void)context;
	sched_sleep(p, 1000);
}

static void release_twice(void *context)
{
	(void)context;
	frame_release(frame_pfn(page));
}

static void odd_directory(void *context)
{
	(void)context;
	frame_cache_init(frames, frame_count, NULL, 48);
}

static void adopt_an_object(void *context)
{
	(void)context;
	frame_adopt(frame_pfn(page), OID_PHYS | frame_pfn(page), 0, 0);
}

static void evict_what_is_dirty(void *context)
{
	(void)context;
	page->flags |= FRAME_DIRTY;
	frame_evict(page);
}

static void enter_a_waiting_process(void *context)
{
	(void)context;
	q->state = PROC_WAITING;
	arch_enter(q);
}

static void checks_on_the_way(void **state)
{
	(void)state;
	make_world();
	assert_int_equal(machine_broken(odd_directory, NULL), 1);
	assert_int_equal(machine_broken(release_twice, NULL), 2);
	assert_int_equal(machine_broken(adopt_an_object, NULL), 3);
	assert_int_equal(machine_broken(evict_what_is_dirty, NULL), 4);
	assert_int_equal(machine_broken(ready_twice, NULL), 105);
	assert_int_equal(machine_broken(stall_in_a_queue, NULL), 106);
	assert_int_equal(machine_broken(sleep_in_a_queue, NULL), 107);
	assert_int_equal(machine_broken(enter_a_waiting_process, NULL), 250);
	machine_stop();
}

/* ---- the start ---------------------------------------------------------------------------- */

static struct boot_info boot;

static void start_right(void)
{
	kernel_start(&boot);
}

static void start(void *context)
{
	(void)context;
	kernel_start(&boot);
}

static struct pack_header *pack(void)
{
	return arch_frame_pointer(boot.pack_address >> PAGE_SHIFT);
}

/* A pack of three pages: the header, and a program named prime whose ELF header is at page 2. */
static void make_pack(void)
{
	struct pack_header *h = pack();
	uint8_t *elf = (uint8_t *)h + 2 * PAGE_SIZE;

	h->magic = PACK_MAGIC;
	h->version = 1;
	h->count = 1;
	h->section[0] = (struct pack_section){ .kind = PACK_PROGRAM, .offset = 2 * PAGE_SIZE, .length = PAGE_SIZE,
					       .name = "prime" };
	*(uint32_t *)elf = 0x464C457F;
	elf[18] = 62;                          /* machine */
	elf[32] = 64;                          /* program headers follow */
	elf[56] = 1;
	*(uint32_t *)(elf + 64) = 1;           /* load */
	*(uint32_t *)(elf + 68) = 5;
	*(uint64_t *)(elf + 64 + 16) = 0x400000;
	*(uint64_t *)(elf + 64 + 32) = 200;
	*(uint64_t *)(elf + 64 + 40) = 300;
}

static void start_machine(void)
{
	machine_start(&(struct machine_config){ .frames = 64, .tables = 32, .pack_pages = 3 });
	boot = (struct boot_info){ .pack_address = (frame_count - 3) << PAGE_SHIFT, .pack_length = 3 * PAGE_SIZE,
				   .table_first_pfn = 65, .table_count = 32 };
	make_pack();
}

static void the_first_process_is_prime(void **state)
{
	struct walk w;

	(void)state;
	start_machine();
	assert_int_equal(machine_run(start_right), MACHINE_ENTERED);
	assert_int_equal(cpu.current->caps[1].type, CAP_RANGE);
	assert_ptr_equal(cap_process(&cpu.current->caps[CR_SELF]), cpu.current);
	assert_true(space_fill(cpu.current, 0x400000, false, true, &w));
	assert_false(space_fill(cpu.current, 0x400000, true, false, &w));
	assert_true(space_fill(cpu.current, 0xEFF000, true, false, &w));
	assert_int_equal(object_check(), 0);
	assert_int_equal(space_check(), 0);
	machine_stop();
}

static void wrong_starts_are_told_apart(void **state)
{
	uint8_t *elf;

	(void)state;
	start_machine();
	elf = (uint8_t *)pack() + 2 * PAGE_SIZE;
	elf[64 + 40 + 3] = 1;                  /* ends beyond 16 MiB */
	assert_int_equal(machine_broken(start, NULL), 12);
	elf[18] = 3;
	assert_int_equal(machine_broken(start, NULL), 11);
	pack()->section[0].length = 1 << 20;
	assert_int_equal(machine_broken(start, NULL), 14);
	pack()->section[0].name[0] = 'x';
	assert_int_equal(machine_broken(start, NULL), 15);
	pack()->magic++;
	assert_int_equal(machine_broken(start, NULL), 13);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_conditions),
		cmocka_unit_test(a_zero_page_is_zero),
		cmocka_unit_test(process_conditions),
		cmocka_unit_test(links_of_queues),
		cmocka_unit_test(checks_on_the_way),
		cmocka_unit_test(the_first_process_is_prime),
		cmocka_unit_test(wrong_starts_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
