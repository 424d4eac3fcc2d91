/*
 * domain.c - a process as KeyKOS's domain: the order codes of the domain key.
 *
 * The sixteen general keys are the capability registers from DOMAIN_KEY0 on; KeyKOS's slot 10 is the symbol slot and
 * slot 11 a register that programs of the dialect do not name.  The machine-dependent codes are 301 to 314, with
 * x86-64's registers; the ancestor's, 201 to 213, see the same registers through a view of 32 bits.
 *
 * Rules
 *   1. Busy is every state but available.  A domain's brand and its other registers are out of reach.
 *   2. A trap stays until a reset clears it: a domain that is let go before that meets it again.
 *   3. One that trapped with nobody to keep it is parked; a new keeper or a reset lets it go, the one to be told of the
 *      same trap, the other behind it.
 * Source: keykos.md 2.6 and 3.6.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/process.h"
#include "mem/space.h"
#include "object/process.h"
#include "sched/sched.h"

#define DOMAIN_KEY0   8u
#define DOMAIN_SLOT11 24u
#define INSTRUCTION_MAX 15u                /* bytes, on x86-64 */

#define OC_SWAP 32u

enum { RC_BUSY = 1, RC_MALFORMED = 2, RC_LENGTH = 3 };

enum {
	OC_MAKE_START = 64, OC_MAKE_AVAILABLE, OC_MAKE_FAULT, OC_MAKE_BUSY, OC_MAKE_RETURN = 73,
	OC_REPLACE_MEMORY = 74, OC_COMPARE = 80,
	OC_VIEW = 200, OC_VIEW_QUEUE = 209, OC_VIEW_WINDOWS_CLEAR = 212, OC_VIEW_COPY_CALLER,
	OC_GET_CONTROL = 301, OC_PUT_CONTROL, OC_RESET_CONTROL, OC_GET_REGS, OC_PUT_REGS,
	OC_GET_STUFF, OC_PUT_STUFF, OC_RESET_STUFF, OC_COPY_CALLER = 313, OC_START_MEMORY,
};

/* Why the tree does not give what was asked of it, in KeyKOS's numbers. */
static unsigned memory_code(struct process *p)
{
	struct walk w;

	space_walk(p, p->fault_info, NULL, &w);
	return w.code ? w.code : 1;
}

/* Whether it was the instruction that is not there: of a data fault in its own bytes it would be. */
static bool is_fetch_fault(struct process *p)
{
	return p->fault_code == FAULT_MEMORY && p->fault_info - p->regs.rip < INSTRUCTION_MAX && memory_code(p) != 1;
}

/* Trap codes below 0x100 are the machine's, on any machine; keykos.md 3.6. */
static uint32_t trap_code(struct process *p)
{
	static const uint16_t codes[] = {
		[FAULT_MEMORY] = 9, [FAULT_OPCODE] = 2, [FAULT_PROTECTION] = 3, [FAULT_FPU] = 8, [FAULT_SIMD] = 8,
		[FAULT_FOREIGN] = 0x80, [FAULT_DIVIDE] = 0x82, [FAULT_INVOCATION] = 0x304, [FAULT_NO_SCHEDULE] = 0x404,
	};

	if (p->fault_code == FAULT_TRAP)
		return (uint16_t)p->fault_info;
	if (is_fetch_fault(p))
		return 0x21;
	if (p->fault_code == FAULT_ARGUMENT)
		return 0x200 + 4 * memory_code(p);
	if (p->fault_code == FAULT_NO_SCHEDULE && schedule_trap(p))
		return schedule_trap(p);
	if (p->fault_code < sizeof codes / sizeof codes[0] && codes[p->fault_code])
		return codes[p->fault_code];
	return p->fault_code ? 0x40 + p->fault_code : 0;
}

static void control_get(struct process *p, struct domain_control *c)
{
	*c = (struct domain_control){ p->regs.rip, p->regs.rflags, p->regs.rsp, trap_code(p), 0, { 0, 0 } };
	if (p->flags & PROCESS_FAULT_KEEPER || p->fault_code == FAULT_USER) {
		c->trap_code = 0x100;
		c->trap_words[0] = p->refusal;
	} else if (p->fault_code == FAULT_TRAP) {
		c->trap_words[0] = p->regs.rdi;
		c->trap_words[1] = p->regs.rsi;
	} else if (p->fault_code) {
		c->trap_words[0] = p->fault_info;
		c->trap_words[1] = p->fault_code == FAULT_MEMORY ? memory_code(p) : 0;
	}
}

static void stuff_get(struct process *p, struct domain_stuff *stuff)
{
	process_regs_get(p, &stuff->regs);
	control_get(p, &stuff->control);
}

static void clear_trap(struct process *p, bool moved)
{
	/* The trap instruction is behind it then, and not made again; unless it was told to go on elsewhere. */
	if (p->fault_code == FAULT_TRAP && !moved)
		p->regs.rip += 2;
	p->fault_code = FAULT_NONE;
	p->flags &= ~PROCESS_FAULT_KEEPER;
}

/* Its trap, or who keeps it, is another now: it tries again. */
static void unpark(struct process *p)
{
	if (!(p->flags & PROCESS_PARKED))
		return;
	process_halt(p);
	p->state = PROC_RUNNING;
	sched_ready(p);
}

static struct process *subject(struct inv *inv)
{
	return cap_process(&inv->target);
}

/* ---- keys -------------------------------------------------------------------------------- */

/* Where the key that an order code's low bits name is kept; NULL if they name none. */
static struct cap *domain_key(struct process *p, uint32_t which)
{
	switch (which) {
	case 1: return &p->slots[PSLOT_SCHEDULE];
	case 2: return &p->slots[PSLOT_KEEPER];
	case 3: return &p->slots[PSLOT_SPACE];
	case 10: return &p->slots[PSLOT_SYMBOL];
	case 11: return &p->caps[DOMAIN_SLOT11];
	}
	return which >= 16 && which < 32 ? &p->caps[DOMAIN_KEY0 + which - 16] : NULL;
}

static void get_key(struct inv *inv, const struct cap *key)
{
	commit_point();
	inv_out_cap(inv, 0, *key);
}

static void swap_key(struct inv *inv, struct process *p, struct cap *key)
{
	commit_point();
	process_mark_dirty(p);
	inv_out_cap(inv, 0, *key);
	process_cap_put(p, key, inv_cap(inv, 0));
	if (key == &p->slots[PSLOT_KEEPER])
		unpark(p);
}

/* ---- states ------------------------------------------------------------------------------ */

static void make_start(struct inv *inv, struct process *p)
{
	uint8_t data;

	if (!keykos_argument(inv, &data, 1))
		return;
	commit_point();
	inv_out_cap(inv, 0, process_cap(p, CAP_START, data));
}

static void make_available(struct inv *inv, struct process *p)
{
	bool busy = p->state != PROC_AVAILABLE;

	if (p == cpu.current) {
		inv_fail(inv, RC_MALFORMED);
		return;
	}
	commit_point();
	inv_fail(inv, busy ? RC_BUSY : 0);
	if (!busy)
		return;
	process_free_for_callers(p);
}

/* 66, 67 and 73: always or only if it was available, a resume key of that kind. */
static void make_resume(struct inv *inv, struct process *p, uint16_t kind, bool always)
{
	bool busy = p->state != PROC_AVAILABLE;

	if (p == cpu.current && always) {
		inv_fail(inv, RC_MALFORMED);
		return;
	}
	commit_point();
	inv_fail(inv, busy ? RC_BUSY : 0);
	if (busy && !always)
		return;
	process_mark_dirty(p);
	process_halt(p);
	inv_out_cap(inv, 0, process_resume_cap(p, kind));
}

/* Its own memory too: the next instruction is then that of the new one. */
static void replace_memory(struct inv *inv, struct process *p)
{
	uint64_t pc = inv_word(inv, 0);

	/* 314 has it in a register: who gives up its memory has nowhere left to keep a string. */
	if (inv->order == OC_REPLACE_MEMORY && !keykos_argument(inv, &pc, sizeof pc))
		return;
	if (!arch_regs_valid(pc, 0, 0)) {
		inv_fail(inv, RC_MALFORMED);
		return;
	}
	swap_key(inv, p, &p->slots[PSLOT_SPACE]);
	p->regs.rip = pc;
}

static void compare(struct inv *inv, struct process *p)
{
	const struct cap *c = inv_cap(inv, 0);

	commit_point();
	inv_fail(inv, !((c->type == CAP_START && cap_process(c) == p) ||
			(c->type == CAP_RESUME && c->data != RESUME_FAULT && cap_resume(c) == p)));
}

/* ---- registers --------------------------------------------------------------------------- */

static void get_state(struct inv *inv, struct process *p)
{
	static struct domain_stuff stuff;

	commit_point();
	stuff_get(p, &stuff);
	inv->out_string = &stuff;
	inv->out_length = sizeof stuff;
	if (inv->order == OC_GET_REGS)
		inv->out_length = sizeof stuff.regs;
	if (inv->order == OC_GET_CONTROL) {
		inv->out_string = &stuff.control;
		inv->out_length = sizeof stuff.control;
	}
}

/* Decoded: the state that p gets, and whether its trap is over. */
static void state_set(struct inv *inv, struct process *p, struct domain_stuff *stuff, bool reset)
{
	bool moved;

	stuff->regs.rip = stuff->control.pc;
	stuff->regs.rflags = stuff->control.flags;
	stuff->regs.rsp = stuff->control.sp;
	if (p == cpu.current || !process_regs_valid(&stuff->regs)) {
		inv_fail(inv, RC_MALFORMED);
		return;
	}
	commit_point();
	moved = stuff->regs.rip != p->regs.rip;
	process_mark_dirty(p);
	process_regs_set(p, &stuff->regs);
	/* What it will accept stands in its registers, as the ancestor's entry block did. */
	if ((stuff->regs.rax >> INV_MARK_SHIFT & 0xFF) == INV_MARK)
		p->recv_control = (uint32_t)stuff->regs.rax;
	if (reset) {
		clear_trap(p, moved);
		unpark(p);
	}
}

/* What of the state is sent replaces what was there; a short string leaves the rest. */
static void put_state(struct inv *inv, struct process *p)
{
	struct domain_stuff stuff;
	bool control = inv->order <= OC_RESET_CONTROL, reset = inv->order == OC_RESET_CONTROL || inv->order == OC_RESET_STUFF;
	long length, limit = control ? sizeof stuff.control : inv->order == OC_PUT_REGS ? sizeof stuff.regs : sizeof stuff;

	stuff_get(p, &stuff);
	length = inv_string(inv, control ? (void *)&stuff.control : &stuff, limit);
	if (length < 0)
		return;
	if (length % 4) {
		inv_fail(inv, RC_LENGTH);
		return;
	}
	if (!control && length <= (long)sizeof stuff.regs)
		stuff.control = (struct domain_control){ .pc = stuff.regs.rip, .flags = stuff.regs.rflags,
							 .sp = stuff.regs.rsp };
	state_set(inv, p, &stuff, reset);
}

/* ---- the view ---------------------------------------------------------------------------- */

/* The register behind the n-th word of the view; NULL if nothing is. */
static uint64_t *view_register(struct reg_image *r, unsigned n)
{
	switch (n) {
	case 1: return &r->rax;                       /* g1.. */
	case 2: return &r->r10;
	case 3: return &r->r11;
	case 8: return &r->rdi;                       /* o0..: arguments, and o6 the stack */
	case 9: return &r->rsi;
	case 10: return &r->rdx;
	case 11: return &r->rcx;
	case 12: return &r->r8;
	case 13: return &r->r9;
	case 14: return &r->rsp;
	case 16: return &r->rbx;                      /* l0..: what a called function keeps */
	case 17: return &r->rbp;
	case 18: return &r->r12;
	case 19: return &r->r13;
	case 20: return &r->r14;
	case 21: return &r->r15;
	}
	return NULL;
}

static void view_get(const struct domain_stuff *stuff, struct domain_view *view)
{
	struct reg_image regs = stuff->regs;
	uint32_t *word = (uint32_t *)view;

	__builtin_memset(view, 0, sizeof *view);
	for (unsigned n = 0; n < 32; n++)
		if (view_register(&regs, n))
			word[n] = (uint32_t)*view_register(&regs, n);
	view->pc = (uint32_t)stuff->control.pc;
	view->next_pc = view->pc + 4;
	view->status = 0x80;                          /* gate jumps permitted */
	view->trap_code = stuff->control.trap_code;
	view->trap_words[0] = (uint32_t)stuff->control.trap_words[0];
	view->trap_words[1] = (uint32_t)stuff->control.trap_words[1];
}

/* A word that was not changed leaves the whole register as it is. */
static void view_put(struct domain_stuff *stuff, const struct domain_view *view)
{
	const uint32_t *word = (const uint32_t *)view;

	stuff->regs.rsp = stuff->control.sp;
	for (unsigned n = 0; n < 32; n++) {
		uint64_t *reg = view_register(&stuff->regs, n);

		if (reg && (uint32_t)*reg != word[n])
			*reg = word[n];
	}
	stuff->control.sp = stuff->regs.rsp;
	if ((uint32_t)stuff->control.pc != view->pc)
		stuff->control.pc = view->pc;
}

void domain_report_get(struct process *p, struct domain_report *report)
{
	stuff_get(p, &report->stuff);
	view_get(&report->stuff, &report->view);
	report->reserved = 0;
}

/* The part of the view that an order code is about: 1..3 control, 4, 5 registers, 6..8 both. */
static uint8_t *view_part(struct domain_view *view, unsigned which, uint32_t *length)
{
	*length = which <= 3 ? 36 : which <= 5 ? 128 : sizeof *view;
	return which <= 3 ? (uint8_t *)&view->pc : (uint8_t *)view;
}

static void get_view(struct inv *inv, struct process *p)
{
	static struct domain_report report;

	commit_point();
	domain_report_get(p, &report);
	inv->out_string = view_part(&report.view, inv->order - OC_VIEW, &inv->out_length);
}

static void put_view(struct inv *inv, struct process *p)
{
	struct domain_report report;
	unsigned which = inv->order - OC_VIEW;
	uint32_t limit;
	uint8_t *part = view_part(&report.view, which, &limit);
	long length;

	domain_report_get(p, &report);
	length = inv_string(inv, part, limit);
	if (length < 0)
		return;
	if (length % 4) {
		inv_fail(inv, RC_LENGTH);
		return;
	}
	view_put(&report.stuff, &report.view);
	state_set(inv, p, &report.stuff, which == 3 || which == 8);
}

/* The caller's state into another domain, which is then waiting where the caller waits: what fork() is made of. */
static void copy_caller(struct inv *inv, struct process *to)
{
	struct { uint8_t what, domain_slot; uint16_t keys; } arg;
	struct process *from = inv->sender;
	struct reg_image image;

	if (!keykos_argument(inv, &arg, sizeof arg))
		return;
	if (to == from) {
		inv_fail(inv, RC_MALFORMED);
		return;
	}
	commit_point();
	process_mark_dirty(to);
	if (arg.what & 1) {
		process_regs_get(from, &image);
		process_regs_set(to, &image);
		to->recv_control = inv->control;
		to->flags |= PROCESS_SYSRET;
	}
	if (arg.what & 2) {
		arch_fpu_save(from);
		arch_fpu_forget(to);
		to->flags = (to->flags & ~PROCESS_FPU_USED) | (from->flags & PROCESS_FPU_USED);
		__builtin_memcpy(to->fpu, from->fpu, PROCESS_FPU_BYTES);
	}
	for (unsigned i = 0; i < 16 && (arg.what & 4); i++)
		if (arg.keys & 0x8000u >> i)
			to->caps[DOMAIN_KEY0 + i] = from->caps[DOMAIN_KEY0 + i];
	if (arg.what & 8)
		to->slots[PSLOT_SYMBOL] = from->slots[PSLOT_SYMBOL];
	if (arg.what & 16)
		to->caps[DOMAIN_SLOT11] = from->caps[DOMAIN_SLOT11];
	if (arg.what & 32)
		to->caps[DOMAIN_KEY0 + (arg.domain_slot & 15)] = process_cap(to, CAP_PROCESS, 0);
	to->caps[CR_RETURNER] = from->caps[CR_RETURNER];
}

void domain_dispatch(struct inv *inv)
{
	struct process *p = subject(inv);
	uint32_t order = inv->order;
	struct cap *key;

	if (order < 64) {
		key = domain_key(p, order & ~OC_SWAP);
		if (!key)
			inv_fail(inv, RC_UNKNOWN);
		else if (order & OC_SWAP)
			swap_key(inv, p, key);
		else
			get_key(inv, key);
		return;
	}
	switch (order) {
	case OC_MAKE_START: make_start(inv, p); break;
	case OC_MAKE_AVAILABLE: make_available(inv, p); break;
	case OC_MAKE_FAULT: make_resume(inv, p, RESUME_FAULT, false); break;
	case OC_MAKE_BUSY: make_resume(inv, p, RESUME_FAULT, true); break;
	case OC_MAKE_RETURN: make_resume(inv, p, RESUME_RETURN, false); break;
	case OC_REPLACE_MEMORY: case OC_START_MEMORY: replace_memory(inv, p); break;
	case OC_COMPARE: compare(inv, p); break;
	case OC_GET_CONTROL: case OC_GET_REGS: case OC_GET_STUFF: get_state(inv, p); break;
	case OC_PUT_CONTROL: case OC_RESET_CONTROL: case OC_PUT_REGS: case OC_PUT_STUFF: case OC_RESET_STUFF:
		put_state(inv, p);
		break;
	case OC_VIEW + 1: case OC_VIEW + 4: case OC_VIEW + 6: get_view(inv, p); break;
	case OC_VIEW + 2: case OC_VIEW + 3: case OC_VIEW + 5: case OC_VIEW + 7: case OC_VIEW + 8: put_view(inv, p); break;
	case OC_COPY_CALLER: case OC_VIEW_COPY_CALLER: copy_caller(inv, p); break;
	default:
		/* There are no queued floating-point operations and no register windows: none to get, and none to clear. */
		if (order < OC_VIEW_QUEUE || order > OC_VIEW_WINDOWS_CLEAR)
			inv_fail(inv, order == KT ? 7 : RC_UNKNOWN);
	}
}
