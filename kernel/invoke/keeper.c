/*
 * keeper.c - faults and who is told of them.
 *
 * A memory fault goes to the innermost keeper on the way to the address (space_walk found
 * it); any other fault, one without such a keeper, and one that a segment keeper refused, go
 * to the process keeper.  The process waits; its registers are as at the faulting instruction.
 * Source: eros.md 3.6.
 */
#include "invoke/inv.h"
#include "mem/space.h"
#include "object/persist.h"
#include "panic.h"
#include "sched/sched.h"

void fault_raise_process(struct process *p, unsigned code, uint64_t info)
{
	struct fault_message m = { .order = OC_FAULT_PROCESS, .w = { code, info, p->regs.error, p->regs.rip } };

	m.subject = process_cap(p, CAP_PROCESS, 0);
	fault_to_keeper(p, &p->slots[PSLOT_KEEPER], &m);
}

/*
 * The page, or a node above it, is one that the disk cannot give back.  The keeper of that memory is not asked: to it this
 * would look like memory that was never there, and it would fill in another.
 */
static void fault_raise_lost(struct process *p, uint64_t va)
{
	if (p->regs.r11 != FAULT_GUARD) {
		fault_raise_process(p, FAULT_DISK, va);
		return;
	}
	frame_dirty(process_frame(p));
	p->regs.rip = p->regs.r10;
	p->regs.rax = va;
	p->regs.r11 = 0;
}

void fault_raise(struct process *p, const struct walk *w, uint64_t va, unsigned access)
{
	struct fault_message m = { .order = OC_FAULT_MEMORY };

	if (p->fault_page != (uint32_t)(va >> PAGE_SHIFT))
		p->flags &= ~PROCESS_FAULT_KEEPER;
	p->fault_page = va >> PAGE_SHIFT;
	if (w->code == WALK_LOST) {
		fault_raise_lost(p, va);
		return;
	}
	m.w[0] = FAULT_MEMORY;
	/* The tree says whether a page is there; the processor knows its translations only. */
	m.w[2] = (access & (FAULT_ACCESS_WRITE | FAULT_ACCESS_EXEC)) | (w->page ? FAULT_ACCESS_PRESENT : 0);
	m.w[3] = p->regs.rip;
	if (keeper_process(&w->keeper) && !(p->flags & PROCESS_FAULT_KEEPER)) {
		m.w[1] = w->keeper_offset;
		m.subject = w->kept_node;
		fault_to_keeper(p, &w->keeper, &m);
		return;
	}
	m.order = OC_FAULT_PROCESS;
	if (access & FAULT_ACCESS_ARGUMENT)
		m.w[0] = FAULT_ARGUMENT;
	m.w[1] = va;
	m.subject = process_cap(p, CAP_PROCESS, 0);
	fault_to_keeper(p, &p->slots[PSLOT_KEEPER], &m);
}

/* A page fault of the current process: bring the translation in, or tell its keeper. */
void fault_memory(uint64_t va, unsigned access)
{
	struct process *p = cpu.current;
	struct walk w;

	p->flags &= ~PROCESS_SYSRET;
	if (persist_guard())
		sched_continue();
	if (!space_fill(p, va, access & FAULT_ACCESS_WRITE, access & FAULT_ACCESS_EXEC, &w))
		fault_raise(p, &w, va, access);
	else if (p->fault_page == (uint32_t)(va >> PAGE_SHIFT))
		p->flags &= ~PROCESS_FAULT_KEEPER;     /* not of another page, such as its code's: that says nothing */
	sched_continue();
}

void fault_process(unsigned code, uint64_t info)
{
	struct process *p = cpu.current;

	p->flags &= ~PROCESS_SYSRET;
	fault_raise_process(p, code, info);
	sched_continue();
}
