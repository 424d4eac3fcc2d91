/*
 * fixture.c - machine_test.h: machines, objects and invocations for unit tests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine_test.h"
#include "mem/space.h"
#include "object/device.h"
#include "object/persist.h"

#define DIRECTORY_SIZE 64              /* small, so that chains are long */
#define ROOT_LSS 5

static uint8_t *arena, *persist_memory;
static struct frame *headers;
static uint32_t directory[DIRECTORY_SIZE];
static struct frame *node_frame;
static unsigned nodes_used;

void machine_start(const struct machine_config *config)
{
	unsigned tables = config->tables ? config->tables : 64;
	uint64_t first_table = 1 + config->frames, first_dma = first_table + tables;
	uint64_t first_pack = first_dma + config->dma, count = first_pack + config->pack_pages;

	bool panic_exits = machine.panic_exits;
	struct disksim *disk = machine.disk;

	memset(&machine, 0, sizeof machine);
	machine.panic_exits = panic_exits;
	machine.disk = disk;
	memset(directory, 0, sizeof directory);
	memset(&kernel_stats, 0, sizeof kernel_stats);
	memset(&cpu, 0, sizeof cpu);
	machine.random = 0x4B45524F53ull;
	machine.timer_ns = cpu.timer_ns = ~0ull;
	machine.now_ns = 1;
	machine.next_oid = 1;
	arena = aligned_alloc(PAGE_SIZE, count * PAGE_SIZE);
	headers = calloc(count, sizeof *headers);
	memset(arena, 0, count * PAGE_SIZE);
	arch_physical_base = (uint64_t)arena;
	frame_cache_init(headers, count, directory, DIRECTORY_SIZE);
	for (uint64_t pfn = config->frames; pfn > 0; pfn--)
		frame_release(pfn);
	space_tables_init(first_table, tables);
	physmem_init(config->pack_pages ? first_pack << PAGE_SHIFT : 0, config->pack_pages * (uint64_t)PAGE_SIZE,
		     first_dma, config->dma);
	node_frame = NULL;
	nodes_used = 0;
	persist_memory = NULL;
	if (disk) {
		persist_memory = aligned_alloc(PAGE_SIZE, (persist_plan(count) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull));
		memset(persist_memory, 0, persist_plan(count));
		persist_open(persist_memory, count, config->pack_pages);
	}
}

bool machine_goes_on(void)
{
	bool on = persist_restart(0);

	if (on)
		machine.next_oid = persist_high;
	return on;
}

void machine_stop(void)
{
	for (uint64_t pfn = 1; pfn < frame_count; pfn++) {
		struct frame *f = &frames[pfn];

		if (f->kind != FRAME_PROCESS)
			continue;
		sched_alarm(frame_data(f), 0, 0);
		frame_retype(f, FRAME_PAGE);
	}
	space_flush_all();
	free(arena);
	free(headers);
	free(persist_memory);
	arena = NULL;
	headers = NULL;
}

int machine_broken(void (*f)(void *context), void *context)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		machine.panic_exits = true;
		f(context);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

uint64_t machine_random(void)
{
	machine.random ^= machine.random << 13;
	machine.random ^= machine.random >> 7;
	machine.random ^= machine.random << 17;
	return machine.random * 0x2545F4914F6CDD1Dull >> 11;
}

/* ---- objects ----------------------------------------------------------------------------- */

static struct frame *new_frame(enum frame_kind kind)
{
	struct frame *f = frame_get(machine.next_oid++);

	if (!f) {
		fprintf(stderr, "the test needs a machine of more frames\n");
		abort();
	}
	if (kind != FRAME_PAGE)
		frame_retype(f, kind);
	return f;
}

struct frame *machine_page(void)
{
	return new_frame(FRAME_PAGE);
}

struct node *machine_node(void)
{
	if (!node_frame || nodes_used == NODES_PER_POT) {
		node_frame = new_frame(FRAME_POT);
		nodes_used = 0;
	}
	return node_at(node_frame, nodes_used++);
}

struct process *machine_process(unsigned priority)
{
	struct process *p = frame_data(new_frame(FRAME_PROCESS));

	p->slots[PSLOT_SCHEDULE] = cap_misc(CAP_SCHEDULE, priority, 0);
	schedule_refresh(p);
	p->regs.rip = MACHINE_SYSCALL;
	return p;
}

struct cap machine_range(void)
{
	return (struct cap){ .type = CAP_RANGE, .count = (uint32_t)range_frames + 1 };
}

static struct node *child_node(struct node *n, unsigned slot, unsigned lss)
{
	struct cap c;

	if (n->slot[slot].type == CAP_NODE)
		return cap_node(&n->slot[slot]);
	c = node_cap(machine_node(), CAP_NODE, lss);
	node_store(n, slot, &c);
	return cap_node(&c);
}

void machine_map(struct node *root, uint64_t va, struct cap value)
{
	struct node *n = root;

	for (unsigned lss = ROOT_LSS; lss > 3; lss--)
		n = child_node(n, va >> (4 * lss) & 15, lss - 1);
	node_store(n, va >> PAGE_SHIFT & 15, &value);
}

void machine_memory(struct process *p, uint64_t va, unsigned pages)
{
	struct node *root = cap_node(&p->slots[PSLOT_SPACE]);

	if (!root) {
		root = machine_node();
		p->slots[PSLOT_SPACE] = node_cap(root, CAP_NODE, ROOT_LSS);
		p->space = SPACE_NONE;
	}
	for (unsigned i = 0; i < pages; i++)
		machine_map(root, va + i * PAGE_SIZE, page_cap(machine_page(), 0));
}

void *machine_user(struct process *p, uint64_t va)
{
	return space_user_pointer(p, va, true);
}

/* ---- invocations ------------------------------------------------------------------------- */

/* The current process, unless its frame holds something else by now or it is not executing. */
static struct process *executing(void)
{
	struct process *p = cpu.current;

	if (!p || frames[((uint64_t)p - arch_physical_base) >> PAGE_SHIFT].kind != FRAME_PROCESS)
		return NULL;
	return p->state == PROC_RUNNING && p->queue == QUEUE_NONE ? p : NULL;
}

void machine_execute(struct process *p)
{
	struct process *before = executing();

	sched_remove(p);
	if (before && before != p)
		sched_ready(before);
	frame_dirty(process_frame(p));
	p->state = PROC_RUNNING;
	arch_set_current(p);
}

static uint64_t control_of(unsigned reg, const struct call *c)
{
	uint64_t control = (uint64_t)c->order << 32 | (uint64_t)INV_MARK << INV_MARK_SHIFT | c->op | c->control | reg;

	if (c->send[0] || c->send[1] || c->send[2] || c->send[3])
		control |= INV_SEND_CAPS;
	if (c->receive[0] || c->receive[1] || c->receive[2] || c->receive[3])
		control |= INV_RECV_CAPS;
	if (c->string)
		control |= INV_SEND_STRING;
	if (c->buffer)
		control |= INV_RECV_STRING;
	return control;
}

static void set_registers(struct process *p, unsigned reg, const struct call *c)
{
	struct regs *r = &p->regs;

	r->rax = control_of(reg, c);
	r->rdi = c->w[0];
	r->rsi = c->w[1];
	r->rdx = c->w[2];
	r->r10 = c->w[3];
	r->r8 = c->w[4];
	r->r9 = c->w[5];
	r->rbx = 0;
	for (unsigned i = 0; i < INV_CAPS; i++)
		r->rbx |= (uint64_t)c->send[i] << (8 * i) | (uint64_t)c->receive[i] << (8 * i + 32);
	r->r12 = c->string;
	r->r13 = c->length;
	r->r14 = c->buffer;
	r->r15 = c->limit;
}

uint32_t machine_call(struct process *p, unsigned reg, const struct call *c)
{
	bool tight;

	if (executing() != p)
		machine_execute(p);
	set_registers(p, reg, c);
	/* At a safe point it may have to wait: then it executes the instruction again. */
	do {
		tight = persist_tight;
		p->regs.rip = MACHINE_SYSCALL + 2;
		if (machine_run(invoke_entry) != MACHINE_ENTERED || cpu.current != p)
			return MACHINE_AWAY;
	} while (tight && p->regs.rip == MACHINE_SYSCALL);
	return p->regs.rip == MACHINE_SYSCALL ? MACHINE_AWAY : (uint32_t)(p->regs.rax >> 32);
}

enum machine_outcome machine_again(void)
{
	if (cpu.current->regs.rip != MACHINE_SYSCALL) {
		fprintf(stderr, "the current process is not at its syscall instruction\n");
		abort();
	}
	cpu.current->regs.rip += 2;
	return machine_run(invoke_entry);
}

static struct {
	uint64_t va;
	unsigned access;
} fault;

static void take_fault(void)
{
	fault_memory(fault.va, fault.access);
}

enum machine_outcome machine_fault(struct process *p, uint64_t va, unsigned access)
{
	if (executing() != p)
		machine_execute(p);
	fault.va = va;
	fault.access = access;
	return machine_run(take_fault);
}

static void take_time(void)
{
	if (machine.now_ns >= machine.timer_ns) {
		machine.timer_ns = ~0ull;
		sched_timer();
	}
	sched_continue();
}

enum machine_outcome machine_pass(uint64_t ns)
{
	machine.now_ns += ns;
	return machine_run(take_time);
}

enum machine_outcome machine_next(void)
{
	struct process *before = executing();

	if (before)
		sched_ready(before);
	return machine_run(sched_next);
}
