/*
 * process.c - processes, wholly controlled through their process capability.
 *
 * Rules
 *   1. A process that is running belongs to the ready queue or is current; any operation that
 *      changes its state takes it out first.
 *   2. At most one resume capability to a process is valid: the one that carries its call
 *      count.  Whatever ends a wait bumps the count.
 *   3. Registers that come from outside are made safe before they are stored: flags masked,
 *      addresses canonical, the FPU image one that the processor will load.
 * Source: eros.md 1.5; the register block is ours (idl/process.idl).
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/process.h"
#include "object/process.h"
#include "mem/space.h"
#include "sched/sched.h"

struct cap process_cap(struct process *p, enum cap_type type, uint16_t data)
{
	struct frame *f = process_frame(p);

	return (struct cap){ .type = type, .data = data, .count = f->alloc_count, .ref = p->self_ref };
}

struct cap process_resume_cap(struct process *p, uint16_t kind)
{
	struct frame *f = process_frame(p);

	return (struct cap){ .type = CAP_RESUME, .data = kind, .count = f->call_count, .ref = p->self_ref };
}

void process_init(struct frame *f)
{
	struct process *p = frame_data(f);

	p->pfn = frame_pfn(f);
	p->self_ref = REF_MAKE(f->oid, 0, p->pfn);
	p->state = PROC_WAITING;
	p->space = SPACE_NONE;
	arch_process_init(p);
}

void process_arrived(struct frame *f)
{
	struct process *p = frame_data(f);

	p->pfn = frame_pfn(f);
	p->self_ref = REF_MAKE(f->oid, 0, p->pfn);
	p->space = SPACE_NONE;
	p->space_generation = 0;
	p->priority = 0;
	p->queue = QUEUE_NONE;
	p->next = p->prev = p->stall_head = p->stall_tail = p->queue_owner = NULL;
	p->wake_ns = p->slice_end_ns = p->journal_oid = 0;
	p->journal_ticket = p->journal_done = 0;
	p->flags &= ~(PROCESS_RESTART | PROCESS_TRACED);
}

/* Ends whatever it was doing; its callers and its resume capabilities are let go. */
void process_halt(struct process *p)
{
	frame_dirty(process_frame(p));
	sched_remove(p);
	sched_pass_turn(p);
	p->state = PROC_WAITING;
	p->flags &= ~PROCESS_PARKED;
	process_frame(p)->call_count++;
}

void process_rescind(struct process *p)
{
	process_halt(p);
	sched_wake_all_stalled(p);
	arch_fpu_forget(p);
	if (cpu.bases_owner == p)              /* else the next switch stored them into what the frame holds then */
		cpu.bases_owner = NULL;
	process_frame(p)->alloc_count++;
}

static struct process *subject(struct inv *inv)
{
	return cap_process(&inv->target);
}

/* Before p is changed by somebody else: it may not do then what it was woken to do. */
void process_mark_dirty(struct process *p)
{
	sched_pass_turn(p);
	frame_dirty(process_frame(p));
}

void process_free_for_callers(struct process *p)
{
	process_mark_dirty(p);
	process_halt(p);
	p->state = PROC_AVAILABLE;
	if (p->notices)
		notice_deliver(p, 0);
	else
		sched_wake_stalled(p);
}

void process_cap_put(struct process *p, struct cap *place, const struct cap *value)
{
	*place = *value;
	if (place == &p->slots[PSLOT_SPACE])
		p->space = SPACE_NONE;
	if (place == &p->slots[PSLOT_SCHEDULE]) {
		schedule_refresh(p);
		/* It may have slept for the old one; if for anything else, it does so again. */
		if (p->queue == QUEUE_SLEEP) {
			sched_remove(p);
			sched_ready(p);
		}
	}
}

/* The slot that a message names; NULL and a result if it names none, or the brand, which is nobody's to see. */
static struct cap *slot_named(struct inv *inv)
{
	uint64_t which = inv_word(inv, 0);

	if (which < PROCESS_SLOTS && which != PSLOT_BRAND)
		return &subject(inv)->slots[which];
	inv_fail(inv, which == PSLOT_BRAND ? RC_NOACCESS : RC_REQUEST);
	return NULL;
}

void process_op_get_slot(struct inv *inv)
{
	struct cap *slot = slot_named(inv);

	if (!slot)
		return;
	commit_point();
	inv_out_cap(inv, 0, *slot);
}

void process_op_swap_slot(struct inv *inv)
{
	struct process *p = subject(inv);
	struct cap *slot = slot_named(inv);

	if (!slot)
		return;
	commit_point();
	process_mark_dirty(p);
	inv_out_cap(inv, 0, *slot);
	process_cap_put(p, slot, inv_cap(inv, 0));
}

void process_op_get_reg(struct inv *inv)
{
	uint64_t number = inv_word(inv, 0);

	if (number >= CAP_REGISTERS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv_out_cap(inv, 0, subject(inv)->caps[number]);
}

void process_op_swap_reg(struct inv *inv)
{
	struct process *p = subject(inv);
	uint64_t number = inv_word(inv, 0);

	if (number >= CAP_REGISTERS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_mark_dirty(p);
	inv_out_cap(inv, 0, p->caps[number]);
	if (number != CR_VOID) {
		p->caps[number] = *inv_cap(inv, 0);
		p->givers[number] = process_giver(inv->sender);
	}
}

void process_op_set_name(struct inv *inv)
{
	char name[PROCESS_NAME_BYTES] = { 0 };
	struct process *p = subject(inv);

	if (inv_string(inv, name, sizeof name) < 0)
		return;
	commit_point();
	frame_dirty(process_frame(p));
	__builtin_memcpy(p->name, name, sizeof name);
}

void process_regs_get(struct process *p, struct reg_image *image)
{
	if (p == cpu.current)
		arch_bases_save(p);
	__builtin_memcpy(image, &p->regs, 15 * sizeof(uint64_t));
	image->rip = p->regs.rip;
	image->rflags = p->regs.rflags;
	image->rsp = p->regs.rsp;
	image->fs_base = p->fs_base;
	image->gs_base = p->gs_base;
	image->foreign_entry = p->foreign_entry;
}

bool process_regs_valid(const struct reg_image *image)
{
	return arch_regs_valid(image->rip, image->fs_base, image->gs_base) &&
	       arch_regs_valid(image->foreign_entry, 0, 0);
}

void process_regs_set(struct process *p, const struct reg_image *image)
{
	__builtin_memcpy(&p->regs, image, 15 * sizeof(uint64_t));
	p->regs.rip = image->rip;
	p->regs.rflags = arch_flags_safe(image->rflags);
	p->regs.rsp = image->rsp;
	p->fs_base = image->fs_base;
	p->gs_base = image->gs_base;
	p->foreign_entry = image->foreign_entry;
	if (p->foreign_entry & 1)
		arch_tsc_trap();
	p->flags &= ~PROCESS_SYSRET;
}

static void fpu_from_image(struct process *p, const void *image, size_t length)
{
	arch_fpu_forget(p);
	p->flags &= ~PROCESS_FPU_USED;
	if (!length)
		return;
	copy_bytes(p->fpu, image, length);
	zero_words(p->fpu + length, (PROCESS_FPU_BYTES - length) / 8);
	p->flags |= PROCESS_FPU_USED;
}

void process_op_get_regs(struct inv *inv)
{
	static struct reg_image image;

	commit_point();
	process_regs_get(subject(inv), &image);
	inv->out_string = &image;
	inv->out_length = sizeof image;
}

void process_op_set_regs(struct inv *inv)
{
	struct process *p = subject(inv);
	struct reg_image image;
	long length = inv_string(inv, &image, sizeof image);

	if (length < 0)
		return;
	if (length != sizeof image || !process_regs_valid(&image) || p == cpu.current) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_mark_dirty(p);
	process_regs_set(p, &image);
}

void process_op_get_fpu(struct inv *inv)
{
	struct process *p = subject(inv);

	commit_point();
	arch_fpu_save(p);
	inv->out_string = p->fpu;
	inv->out_length = p->flags & PROCESS_FPU_USED ? PROCESS_FPU_BYTES : 0;
}

void process_op_set_fpu(struct inv *inv)
{
	static uint8_t image[PROCESS_FPU_BYTES] __attribute__((aligned(64)));
	struct process *p = subject(inv);
	long length = inv_string(inv, image, sizeof image);

	if (length < 0)
		return;
	if (length != 0 && !arch_fpu_valid(image, length)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_mark_dirty(p);
	fpu_from_image(p, image, length);
}

/* Registers and FPU state together: what a signal handler's way in and out moves. */
static struct context {
	struct reg_image regs;
	uint64_t fpu[PROCESS_FPU_BYTES / 8];
} context;

void process_op_get_context(struct inv *inv)
{
	struct process *p = subject(inv);

	if (inv_word(inv, 0) && p == cpu.current) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv->out_w[0] = p->state;
	if (inv_word(inv, 0)) {
		process_mark_dirty(p);
		process_halt(p);
		p->recv_control |= RECV_STOPPED;
	}
	process_regs_get(p, &context.regs);
	arch_fpu_save(p);
	inv->out_string = &context;
	inv->out_length = sizeof context.regs;
	if (p->flags & PROCESS_FPU_USED) {
		copy_words(context.fpu, p->fpu, PROCESS_FPU_BYTES / 8);
		inv->out_length = sizeof context;
	}
}

void process_op_set_context(struct inv *inv)
{
	struct process *p = subject(inv);
	bool run = inv_word(inv, 0);
	long length = inv_string(inv, &context, sizeof context);
	long fpu = length - (long)sizeof context.regs;

	if (length < 0)
		return;
	if (fpu < 0 || (fpu && !arch_fpu_valid(context.fpu, fpu)) || !process_regs_valid(&context.regs) || p == cpu.current ||
	    (run && !schedule_refresh(p))) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_mark_dirty(p);
	process_regs_set(p, &context.regs);
	fpu_from_image(p, context.fpu, fpu);
	if (!run)
		return;
	process_halt(p);
	p->state = PROC_RUNNING;
	p->flags &= ~PROCESS_FAULT_KEEPER;
	sched_ready(p);
}

void process_op_make_start(struct inv *inv)
{
	commit_point();
	inv_out_cap(inv, 0, process_cap(subject(inv), CAP_START, (uint16_t)inv_word(inv, 0)));
}

/* The process invoked, for what nobody can do to himself; NULL, and the invocation failed: he tries to. */
static struct process *subject_other(struct inv *inv)
{
	struct process *p = subject(inv);

	if (p != cpu.current)
		return p;
	inv_fail(inv, RC_REQUEST);
	return NULL;
}

static void make_resume(struct inv *inv, uint16_t kind)
{
	struct process *p = subject_other(inv);

	if (!p)
		return;
	commit_point();
	process_mark_dirty(p);
	process_halt(p);
	inv_out_cap(inv, 0, process_resume_cap(p, kind));
}

void process_op_make_resume(struct inv *inv)
{
	make_resume(inv, RESUME_RETURN);
}

void process_op_make_fault_resume(struct inv *inv)
{
	make_resume(inv, RESUME_FAULT);
}

/* Makes it ready to run from its registers; false, and the invocation failed, if it cannot. */
static bool start_running(struct inv *inv, struct process *p)
{
	if (!schedule_refresh(p)) {
		inv_fail(inv, RC_REQUEST);
		return false;
	}
	commit_point();
	process_mark_dirty(p);
	process_halt(p);
	p->state = PROC_RUNNING;
	sched_ready(p);
	return true;
}

void process_op_run(struct inv *inv)
{
	struct process *p = subject_other(inv);

	if (p && start_running(inv, p))
		p->flags &= ~PROCESS_FAULT_KEEPER;
}

void process_op_stop(struct inv *inv)
{
	struct process *p = subject_other(inv);

	if (!p)
		return;
	commit_point();
	process_mark_dirty(p);
	inv->out_w[0] = p->state;
	process_halt(p);
	p->recv_control |= RECV_STOPPED;
}

void process_op_clone(struct inv *inv)
{
	struct process *to = subject(inv);
	const struct cap *source = inv_cap(inv, 0);
	struct process *from = source->type == CAP_PROCESS ? cap_process(source) : NULL;

	if (!from || to == cpu.current) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_mark_dirty(to);
	arch_fpu_save(from);
	arch_fpu_forget(to);
	if (from == cpu.current)
		arch_bases_save(from);
	to->regs = from->regs;
	to->fs_base = from->fs_base;
	to->gs_base = from->gs_base;
	to->foreign_entry = from->foreign_entry;
	to->recv_control = from->recv_control;
	__builtin_memcpy(to->name, from->name, sizeof to->name);
	to->flags = (from->flags & (PROCESS_SYSRET | PROCESS_FPU_USED)) |
		    (to->flags & ~(PROCESS_SYSRET | PROCESS_FPU_USED));
	if (from->flags & PROCESS_FPU_USED)
		__builtin_memcpy(to->fpu, from->fpu, PROCESS_FPU_BYTES);
}

void process_op_wake(struct inv *inv)
{
	struct process *p = subject(inv);

	if (p->state != PROC_WAITING) {
		inv_fail(inv, RC_AGAIN);
		return;
	}
	if (start_running(inv, p))
		p->regs.rax = inv_word(inv, 0);
}

void process_op_set_space_and_pc(struct inv *inv)
{
	struct process *p = subject(inv);

	if (!arch_regs_valid(inv_word(inv, 0), 0, 0) || p == cpu.current) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_mark_dirty(p);
	inv_out_cap(inv, 0, p->slots[PSLOT_SPACE]);
	p->slots[PSLOT_SPACE] = *inv_cap(inv, 0);
	p->space = SPACE_NONE;
	p->regs.rip = inv_word(inv, 0);
	p->regs.rsp = inv_word(inv, 1);
	p->flags &= ~PROCESS_SYSRET;
}

void process_op_make_notice(struct inv *inv)
{
	commit_point();
	inv_out_cap(inv, 0, process_cap(subject(inv), CAP_NOTICE, (uint16_t)inv_word(inv, 0)));
}

void process_op_get_state(struct inv *inv)
{
	struct process *p = subject(inv);

	commit_point();
	inv->out_w[0] = p->state;
	inv->out_w[1] = p->fault_code;
	inv->out_w[2] = p->fault_info;
	inv->out_w[3] = p->regs.rip;
}

void process_op_set_foreign_entry(struct inv *inv)
{
	struct process *p = subject(inv);

	if (!arch_regs_valid(inv_word(inv, 0), 0, 0)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_mark_dirty(p);
	p->foreign_entry = inv_word(inv, 0);
	if (p->foreign_entry & 1)
		arch_tsc_trap();
}

void process_op_make_available(struct inv *inv)
{
	struct process *p = subject(inv);

	if (p == cpu.current || !schedule_refresh(p)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	process_free_for_callers(p);
}
