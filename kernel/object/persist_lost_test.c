/*
 * persist_lost_test.c - objects that the disk cannot give back: who is told, that nobody else is, and how they come to an end.
 *
 * Each test makes a machine over a disk in memory, lets an object go out to it, spoils what the disk has of that object, and
 * then somebody asks for it.  A kernel opens one store in its life: each runs in a process of its own.
 */
#include "machine_test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kernel/checkpoint.h"
#include "kernel/discrim.h"
#include "kernel/node.h"
#include "kernel/page.h"
#include "kernel/physmem.h"
#include "kernel/process.h"
#include "kernel/range.h"
#include "mem/space.h"
#include "object/device.h"
#include "object/layout.h"
#include "object/persist_inner.h"

#define LOG   420
#define RING  16
#define DISK  (3 + RING + LOG + 33 * (GROUP_HOMES + 1))
#define VA    0x20000ull               /* the lost page of p */
#define KEPT  0x100000ull              /* the same page in a segment with a keeper of its own */
#define NOTE  0x6C6F7374206E6F77ull    /* what the lost page holds, and the lost node: to find them on the disk */

enum { R_PAGE = 9, R_NODE, R_RANGE, R_DISCRIM, R_CHECKPOINT, R_GOT, R_SIBLING, R_OTHER, R_FROM, R_TO, RESUME = 31 };

static struct disksim disk;
static void *disk_memory;              /* shared by those processes */
static struct process *p, *process_keeper, *segment_keeper;
static uint64_t page_oid, pot_oid;
static struct shared { uint64_t p_oid, victim_oid, caller_oid, stopped_oid; } *shared;

/* ---- the world ------------------------------------------------------------------------------------ */

static void disk_make(void)
{
	struct disk_super super;

	memset(disk_memory, 0, DISK * (size_t)DISK_FRAME);
	disksim_over(&disk, DISK, disk_memory, 7);
	super_plan(&super, DISK, LOG, RING, 7);
	disksim_format(&disk, &super);
}

static void committed(void)
{
	uint32_t generation = persist_force();

	for (unsigned i = 0; i < 10000 && !persist_committed(generation); i++) {
		persist_guard();
		persist_step();
	}
	assert_true(persist_committed(generation));
}

/* All pages and pots leave memory; processes stay. */
static void out(void)
{
	uint64_t high = persist_frames_high;

	committed();
	persist_frames_high = ~0ull;
	for (unsigned i = 0; i < 200 && (frame_lookup(page_oid) || frame_lookup(pot_oid)); i++) {
		persist_age();
		persist_step();
	}
	persist_frames_high = high;
	assert_true(!frame_lookup(page_oid) && !frame_lookup(pot_oid));
}

/* Every frame of the disk that holds this word, in the log or at home, is spoilt; the last one. */
static uint64_t spoil(uint64_t word)
{
	uint64_t last = 0;

	for (uint64_t frame = 3 + RING; frame < DISK; frame++) {
		uint64_t *words = disksim_frame(&disk, frame);

		for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
			if (words[i] == word) {
				words[i] ^= 1;
				last = frame;
			}
	}
	assert_true(last);
	return last;
}

static void available(struct process *keeper)
{
	RETURN(keeper, CR_VOID, .receive = { [3] = RESUME });
	assert_int_equal(keeper->state, PROC_AVAILABLE);
}

/* p has the page at VA; and in a red segment whose keeper would fill in another page if it were told that none is there. */
static void segment_make(struct cap page)
{
	struct node *red = machine_node(), *low = machine_node();
	struct cap c = node_cap(low, CAP_NODE, 3);

	node_store(low, 1, &page);
	node_store(red, 0, &c);
	c = process_cap(segment_keeper, CAP_START, 0x22);
	node_store(red, 14, &c);
	c = cap_number(0x0FF00F00 | 15 << 16 | 14 << 12 | 4 << 4 | 4, 0, 0);
	node_store(red, 15, &c);
	c = node_cap(red, CAP_SEGMENT, 0);
	node_store(cap_node(&p->slots[PSLOT_SPACE]), KEPT >> 20, &c);
}

static void nodes_to_copy(struct cap page)
{
	struct node *from = machine_node(), *to = machine_node();
	struct cap other = page_cap(machine_page(), 0);

	node_store(from, 0, &page);
	node_store(to, 0, &other);
	p->caps[R_FROM] = node_cap(from, CAP_NODE, 3);
	p->caps[R_TO] = node_cap(to, CAP_NODE, 3);
}

/* A pot of its own for the node that is lost, and one beside it. */
static void node_make(void)
{
	struct cap number = cap_number(NOTE, 1, 1);
	struct node *n;

	do
		n = machine_node();
	while (n != node_at(node_pot(n), 0));
	node_store(n, 3, &number);
	pot_oid = node_pot(n)->oid;
	p->caps[R_NODE] = node_cap(n, CAP_NODE, 0);
	p->caps[R_SIBLING] = node_cap(machine_node(), CAP_NODE, 0);
}

static void world_make(void)
{
	struct cap page;

	disk_make();
	machine.disk = &disk;
	machine_start(&(struct machine_config){ .frames = 128, .tables = 48, .pack_pages = 2 });
	p = machine_process(4);
	process_keeper = machine_process(4);
	segment_keeper = machine_process(4);
	p->slots[PSLOT_KEEPER] = process_cap(process_keeper, CAP_START, 0x11);
	machine_memory(p, VA, 2);
	*(uint64_t *)machine_user(p, VA) = NOTE;
	page = cap_void();
	for (uint64_t oid = 1; oid < machine.next_oid; oid++)
		if (frame_lookup(oid)->kind == FRAME_PAGE && *(uint64_t *)frame_data(frame_lookup(oid)) == NOTE)
			page = page_cap(frame_lookup(oid), 0);
	page_oid = REF_OID(page.ref);
	p->caps[R_PAGE] = page;
	segment_make(page);
	nodes_to_copy(page);
	node_make();
	p->caps[R_RANGE] = machine_range();
	p->caps[R_DISCRIM] = cap_misc(CAP_DISCRIM, 0, 0);
	p->caps[R_CHECKPOINT] = cap_misc(CAP_CHECKPOINT, 0, 0);
	available(process_keeper);
	available(segment_keeper);
	out();
}

static void page_lose(void)
{
	world_make();
	spoil(NOTE);
}

static void finish(void)
{
	assert_int_equal(object_check(), 0);
	assert_int_equal(space_check(), 0);
	assert_int_equal(persist_check(), 0);
	committed();
}

static void apart(void (*test)(void))
{
	int status;

	fflush(NULL);
	if (fork() == 0) {
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		test();
		_exit(0);
	}
	wait(&status);
	assert_int_equal(status, 0);
}

static uint64_t lost_told(void)
{
	assert_int_equal(CALL(p, R_CHECKPOINT, .order = CHECKPOINT_OC_DAMAGE), RC_OK);
	return p->regs.rdi;
}

/* p faults there, and again if the machine had to make room first (in the torment build it always has). */
static void fault(uint64_t va, unsigned access)
{
	uint64_t rip = p->regs.rip, fills = kernel_stats.fills;

	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(machine_fault(p, va, access), MACHINE_ENTERED);
		if (cpu.current != p || p->regs.rip != rip || kernel_stats.fills != fills)
			return;
	}
	fail_msg("the fault at %lx was never seen to", va);
}

/* ---- the tests ------------------------------------------------------------------------------------ */

/* To a segment's keeper it would look like memory that was never there. */
static void memory_faults_to_the_process_keeper_only_apart(void)
{
	const uint64_t at[] = { VA, KEPT + 0x1000 };

	page_lose();
	for (unsigned i = 0; i < 2; i++) {
		fault(at[i] + 8, i ? FAULT_ACCESS_WRITE : 0);
		assert_ptr_equal(cpu.current, process_keeper);
		assert_int_equal(process_keeper->regs.rax, (uint64_t)OC_FAULT_PROCESS << 32 | INV_GOT_FAULT | INV_GOT_RESUME | 0x11);
		assert_int_equal(process_keeper->regs.rdi, FAULT_DISK);
		assert_int_equal(process_keeper->regs.rsi, at[i] + 8);
		RETURN(process_keeper, RESUME, .receive = { [3] = RESUME });
	}
	assert_int_equal(segment_keeper->state, PROC_AVAILABLE);
	/* The page beside it is as it was. */
	fault(VA + PAGE_SIZE, 0);
	assert_ptr_equal(cpu.current, p);
	assert_int_equal(lost_told(), 1);
	finish();
}

static void a_guarded_access_goes_on_elsewhere_apart(void)
{
	page_lose();
	p->regs.r11 = FAULT_GUARD;
	p->regs.r10 = 0x401234;
	fault(VA + 0x18, 0);
	assert_ptr_equal(cpu.current, p);
	assert_int_equal(p->regs.rip, 0x401234);
	assert_int_equal(p->regs.rax, VA + 0x18);
	assert_int_equal(p->regs.r11, 0);
	/* Any other fault is its keeper's, guard or not. */
	p->regs.r11 = FAULT_GUARD;
	fault(0x30000, 0);
	assert_ptr_equal(cpu.current, process_keeper);
	assert_int_equal(process_keeper->regs.rdi, FAULT_MEMORY);
	finish();
}

static void an_invocation_that_needs_it_says_so_apart(void)
{
	page_lose();
	p->caps[R_OTHER] = page_cap(machine_page(), 0);
	assert_int_equal(CALL(p, R_PAGE, .order = PAGE_OC_MAKE_READONLY, .receive = { R_GOT }), RC_DISK);
	assert_int_equal(CALL(p, R_OTHER, .order = PAGE_OC_CLONE, .send = { R_PAGE }), RC_DISK);
	/* Others fail as ever, and go on as ever. */
	assert_int_equal(CALL(p, R_OTHER, .order = PAGE_OC_CLONE, .send = { R_DISCRIM }), RC_REQUEST);
	assert_int_equal(CALL(p, R_OTHER, .order = PAGE_OC_CLEAR), RC_OK);
	/* It is not void: what it was is not forgotten, so nobody is told that it conveys nothing. */
	assert_false(cap_is_void(&p->caps[R_PAGE]));
	assert_int_equal(CALL(p, R_DISCRIM, .order = DISCRIM_OC_CLASSIFY, .send = { R_PAGE }), RC_OK);
	assert_int_equal(p->regs.rdi, 3);
	assert_int_equal(CALL(p, R_DISCRIM, .order = DISCRIM_OC_DISCREET, .send = { R_PAGE }), RC_OK);
	assert_int_equal(p->regs.rdi, 1);
	/* One that was rescinded before is void, lost or not. */
	p->caps[R_GOT] = p->caps[R_PAGE];
	p->caps[R_GOT].count--;
	assert_true(cap_is_void(&p->caps[R_GOT]));
	finish();
}

static void a_copy_does_not_leave_it_out_apart(void)
{
	page_lose();
	assert_int_equal(CALL(p, R_TO, .order = NODE_OC_COPY_PAGES, .w = { 1 }, .send = { R_FROM }), RC_DISK);
	finish();
}

static void overwritten_it_is_there_again_apart(void)
{
	page_lose();
	assert_null(cap_page(&p->caps[R_PAGE]));
	assert_int_equal(CALL(p, R_PAGE, .order = PAGE_OC_CLEAR), RC_OK);
	assert_non_null(cap_page(&p->caps[R_PAGE]));
	assert_int_equal(*(uint64_t *)machine_user(p, VA), 0);
	fault(KEPT + 0x1000, FAULT_ACCESS_WRITE);
	assert_ptr_equal(cpu.current, p);
	out();
	assert_int_equal(*(uint64_t *)machine_user(p, VA), 0);
	assert_int_equal(lost_told(), 1);
	finish();
}

/* The holder of a capability that may not write cannot end it so. */
static void who_may_only_read_cannot_overwrite_it_apart(void)
{
	page_lose();
	p->caps[R_GOT] = p->caps[R_PAGE];
	p->caps[R_GOT].data |= DB_READONLY;
	assert_int_equal(CALL(p, R_GOT, .order = PAGE_OC_CLEAR), RC_DISK);
	assert_true(cap_is_lost(&p->caps[R_PAGE]));
	finish();
}

static void rescinded_its_frame_serves_again_apart(void)
{
	page_lose();
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_IDENTIFY, .send = { R_PAGE }), RC_OK);
	assert_int_equal(p->regs.rdi, 1);
	assert_int_equal(p->regs.rsi, page_oid);
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_RESCIND, .w = { 1, page_oid, 1 }), RC_OK);
	assert_true(cap_is_void(&p->caps[R_PAGE]));
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_GET, .w = { 1, page_oid }, .receive = { R_GOT }), RC_OK);
	assert_non_null(cap_page(&p->caps[R_GOT]));
	out();
	assert_non_null(cap_page(&p->caps[R_GOT]));
	assert_true(cap_is_void(&p->caps[R_PAGE]));
	finish();
}

static void renewed_it_is_another_page_apart(void)
{
	page_lose();
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_RENEW_WITHIN, .w = { 1, 0, 128 }, .send = { R_PAGE },
			      .receive = { R_GOT }), RC_OK);
	assert_int_equal(p->regs.rdx, 1);
	assert_non_null(cap_page(&p->caps[R_GOT]));
	assert_true(cap_is_void(&p->caps[R_PAGE]));
	finish();
}

/* Nobody is there to say so, and all would wait for it. */
static void without_the_first_program_the_machine_ends_apart(void)
{
	page_lose();
	assert_int_equal(process_frame(p)->oid, 1);
	p->slots[PSLOT_KEEPER] = cap_void();
	persist_system();
	while (p->state == PROC_RUNNING || p->state == PROC_WAITING)
		if (machine_fault(p, VA, 0) == MACHINE_OFF)
			break;
	assert_int_equal(machine.off_status, STORE_END_DAMAGED);
	assert_non_null(strstr(machine.log, "the first program cannot go on"));
}

/* A pot's nodes are on one frame: they are lost together, and end together. */
static void nodes_are_lost_with_their_pot_apart(void)
{
	world_make();
	spoil(NOTE);                           /* the page too */
	assert_int_equal(CALL(p, R_NODE, .order = NODE_OC_FETCH + 3, .receive = { R_GOT }), RC_DISK);
	assert_int_equal(CALL(p, R_SIBLING, .order = NODE_OC_FETCH + 3, .receive = { R_GOT }), RC_DISK);
	/* For one of them no other is given up. */
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_GET, .w = { 2, pot_oid * 16 + 9 }, .receive = { R_GOT }), RC_DISK);
	assert_true(cap_is_lost(&p->caps[R_SIBLING]));
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_RESCIND, .w = { 2, pot_oid * 16, 1 }), RC_OK);
	assert_true(cap_is_void(&p->caps[R_NODE]) && cap_is_void(&p->caps[R_SIBLING]));
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_GET, .w = { 2, pot_oid * 16 }, .receive = { R_GOT }), RC_OK);
	assert_int_equal(CALL(p, R_GOT, .order = NODE_OC_FETCH + 3, .receive = { R_GOT }), RC_OK);
	finish();
}

/* A node in the way to memory is like the page itself. */
static void memory_below_a_lost_node_faults_so_too_apart(void)
{
	struct cap c;

	world_make();
	spoil(NOTE);
	c = p->caps[R_NODE];
	c.data = 4;
	node_store(cap_node(&p->slots[PSLOT_SPACE]), 2, &c);
	fault(0x200000, FAULT_ACCESS_WRITE);
	assert_ptr_equal(cpu.current, process_keeper);
	assert_int_equal(process_keeper->regs.rdi, FAULT_DISK);
	assert_int_equal(process_keeper->regs.rsi, 0x200000);
	finish();
}

/* An error of the disk may pass; a checksum that is wrong does not. */
static void errors_are_tried_again_later_apart(void)
{
	uint64_t frame;

	world_make();
	frame = spoil(NOTE);
	spoil(NOTE ^ 1);                       /* good again */
	disk.bad_frame = frame;
	p->caps[R_GOT] = p->caps[R_PAGE];
	while (cap_page(&p->caps[R_PAGE])) {   /* the other copy of it was the one in force */
		disk.bad_frame = disk.bad_frame == frame ? 3 + RING : disk.bad_frame + 1;
		assert_true(disk.bad_frame < DISK);
		out();
	}
	assert_true(cap_is_lost(&p->caps[R_PAGE]));
	disk.bad_frame = 0;
	assert_null(cap_page(&p->caps[R_PAGE]));
	machine.now_ns += 11000000000ull;
	assert_non_null(cap_page(&p->caps[R_PAGE]));
	assert_int_equal(*(uint64_t *)machine_user(p, VA), NOTE);
	assert_int_equal(lost_told(), 1);
	finish();
}

/* ---- the boot pack ---------------------------------------------------------------------------------- */

static struct frame *pack_frame(uint64_t index)
{
	p->caps[R_OTHER] = cap_misc(CAP_PHYSMEM, 0, 0);
	assert_int_equal(CALL(p, R_OTHER, .order = PHYSMEM_OC_PACK_PAGE, .w = { index }, .receive = { R_GOT }), RC_OK);
	return cap_page(&p->caps[R_GOT]);
}

/* Two pages of the pack are in the store and spoilt there; the pack still has the first as it was. */
static void a_page_of_the_pack_is_mended_from_the_pack_apart(void)
{
	uint64_t *pack;

	world_make();
	pack = (uint64_t *)(uintptr_t)physmem_pack_page(0);
	pack[9] = NOTE * 5;
	pack[512 + 9] = NOTE * 7;
	assert_null(physmem_pack_page(2));
	assert_true(pack_frame(0) && pack_frame(1));
	committed();
	page_oid = persist_range_end;
	pot_oid = persist_range_end + 1;
	out();
	spoil(NOTE * 5);
	spoil(NOTE * 7);
	pack[512 + 9]++;                       /* another build's */
	assert_int_equal(((uint64_t *)frame_data(pack_frame(0)))[9], NOTE * 5);
	assert_int_equal(lost_told(), 0);
	assert_int_equal(CALL(p, R_OTHER, .order = PHYSMEM_OC_PACK_PAGE, .w = { 1 }, .receive = { R_GOT }), RC_DISK);
	assert_int_equal(lost_told(), 1);
	/* It goes to the disk anew. */
	pot_oid = page_oid;
	out();
	pack[9] = 0;
	assert_int_equal(((uint64_t *)frame_data(pack_frame(0)))[9], NOTE * 5);
	finish();
}

/* ---- a process, at a restart ----------------------------------------------------------------------- */

static void process_lose(bool of_the_system)
{
	struct process *victim;

	world_make();
	if (!of_the_system)
		persist_system();
	victim = machine_process(4);
	if (of_the_system)
		persist_system();
	p->caps[R_OTHER] = process_cap(victim, CAP_PROCESS, 0);
	/* Two wait for its answer; one was stopped since. */
	for (unsigned i = 0; i < 2; i++) {
		struct process *caller = i ? segment_keeper : process_keeper;

		caller->caps[R_OTHER] = process_cap(victim, CAP_START, i);
		caller->state = PROC_RUNNING;
		available(victim);
		assert_int_equal(CALL(caller, R_OTHER, .order = 5), MACHINE_AWAY);
	}
	p->caps[R_GOT] = process_cap(segment_keeper, CAP_PROCESS, 0);
	assert_int_equal(CALL(p, R_GOT, .order = PROCESS_OC_STOP), RC_OK);
	shared->caller_oid = process_frame(process_keeper)->oid;
	shared->stopped_oid = process_frame(segment_keeper)->oid;
	memcpy(victim->name, &(uint64_t){ NOTE * 3 }, 8);      /* on the disk in its frame only */
	frame_dirty(process_frame(victim));
	frame_dirty(process_frame(p));
	shared->p_oid = process_frame(p)->oid;
	shared->victim_oid = process_frame(victim)->oid;
	committed();
	for (unsigned i = 0; i < 2000; i++)    /* home, if it goes there */
		persist_step();
	/* One more, that need not prove itself by what is spoilt. */
	frame_dirty(process_frame(p));
	committed();
	spoil(NOTE * 3);
}

static void lose_a_users(void)
{
	process_lose(false);
}

static void lose_the_systems(void)
{
	process_lose(true);
}

static bool went_on;

static void restart_in_machine(void)
{
	went_on = machine_goes_on();
}

static void restart(void)
{
	disksim_over(&disk, DISK, disk_memory, 8);
	machine.disk = &disk;
	machine_start(&(struct machine_config){ .frames = 128, .tables = 48, .pack_pages = 2 });
	machine_run(restart_in_machine);
}

static void a_users_is_missed(void)
{
	restart();
	assert_true(went_on);
	assert_null(frame_lookup(shared->victim_oid));
	p = frame_data(frame_find(shared->caller_oid));
	assert_int_equal(p->state, PROC_RUNNING);
	assert_int_equal(p->regs.rax >> 32, RC_DISK);
	p = frame_data(frame_find(shared->stopped_oid));
	assert_int_equal(p->state, PROC_WAITING);
	p = frame_data(frame_find(shared->p_oid));
	assert_int_equal(CALL(p, R_OTHER, .order = 0), RC_DISK);
	assert_int_equal(lost_told(), 1);
	/* Its frame serves again. */
	assert_int_equal(CALL(p, R_RANGE, .order = RANGE_OC_RENEW, .w = { 3, shared->victim_oid }, .receive = { R_GOT }), RC_OK);
	assert_non_null(cap_process(&p->caps[R_GOT]));
	assert_true(cap_is_void(&p->caps[R_OTHER]));
	finish();
}

static void the_systems_is_not(void)
{
	restart();
	assert_false(went_on);
	assert_int_equal(machine.off_status, STORE_END_DAMAGED);
	assert_non_null(strstr(machine.log, "may be a process of the system itself"));
}

static void a_process_is_missed_by_who_calls_it(void **state)
{
	(void)state;
	apart(lose_a_users);
	apart(a_users_is_missed);
}

static void without_one_of_the_systems_own_it_stops(void **state)
{
	(void)state;
	apart(lose_the_systems);
	apart(the_systems_is_not);
}

#define APART(name) static void name(void **state) { (void)state; apart(name##_apart); }
APART(memory_faults_to_the_process_keeper_only)
APART(a_guarded_access_goes_on_elsewhere)
APART(an_invocation_that_needs_it_says_so)
APART(a_copy_does_not_leave_it_out)
APART(overwritten_it_is_there_again)
APART(who_may_only_read_cannot_overwrite_it)
APART(rescinded_its_frame_serves_again)
APART(renewed_it_is_another_page)
APART(without_the_first_program_the_machine_ends)
APART(nodes_are_lost_with_their_pot)
APART(memory_below_a_lost_node_faults_so_too)
APART(errors_are_tried_again_later)
APART(a_page_of_the_pack_is_mended_from_the_pack)

static int memory_get(void **state)
{
	(void)state;
	disk_memory = mmap(NULL, DISK * (size_t)DISK_FRAME, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return disk_memory == MAP_FAILED || shared == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_faults_to_the_process_keeper_only),
		cmocka_unit_test(a_guarded_access_goes_on_elsewhere),
		cmocka_unit_test(an_invocation_that_needs_it_says_so),
		cmocka_unit_test(a_copy_does_not_leave_it_out),
		cmocka_unit_test(overwritten_it_is_there_again),
		cmocka_unit_test(who_may_only_read_cannot_overwrite_it),
		cmocka_unit_test(rescinded_its_frame_serves_again),
		cmocka_unit_test(renewed_it_is_another_page),
		cmocka_unit_test(without_the_first_program_the_machine_ends),
		cmocka_unit_test(nodes_are_lost_with_their_pot),
		cmocka_unit_test(memory_below_a_lost_node_faults_so_too),
		cmocka_unit_test(errors_are_tried_again_later),
		cmocka_unit_test(a_page_of_the_pack_is_mended_from_the_pack),
		cmocka_unit_test(a_process_is_missed_by_who_calls_it),
		cmocka_unit_test(without_one_of_the_systems_own_it_stops),
	};

	return cmocka_run_group_tests(tests, memory_get, NULL);
}
