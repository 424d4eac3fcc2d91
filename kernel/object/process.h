/*
 * process.h - what process.c and domain.c share: the two interfaces to one object.
 */
#ifndef KERNEL_PROCESS_OBJECT_H
#define KERNEL_PROCESS_OBJECT_H
#include "object/object.h"

/* Before p is changed by somebody else: it may not do then what it was woken to do. */
void process_mark_dirty(struct process *p);
/* Ends whatever it was doing; its callers and its resume capabilities are let go. */
void process_halt(struct process *p);
/* The same, and it waits for whoever calls it next, beginning with those who wait in its queue. */
void process_free_for_callers(struct process *p);
/* Puts a capability into a slot or a register of p, which is dirty. */
void process_cap_put(struct process *p, struct cap *place, const struct cap *value);

/* The registers that programs see, out of the process's frame; whether an image may go there; and into it, if it may and p
 * is dirty. */
void process_regs_get(struct process *p, struct reg_image *image);
bool process_regs_valid(const struct reg_image *image);
void process_regs_set(struct process *p, const struct reg_image *image);

/* The state of a domain as KeyKOS's keepers see it: its order codes 301 to 308 move parts of it. */
struct domain_control {
	uint64_t pc, flags, sp;
	uint32_t trap_code, reserved;
	uint64_t trap_words[2];
};
struct domain_stuff {
	struct reg_image regs;
	struct domain_control control;
};

/*
 * The same state in the ancestor's form of 164 bytes, for programs that were written for it: order codes 201 to 208.
 * Each field is the low half of a register of x86-64; doc/keykos/kernel.md has the table.
 */
struct domain_view {
	uint32_t g[8], o[8], l[8], i[8];
	uint32_t pc, next_pc, status, trap_code, trap_words[2], float_status, float_queue[2];
};
_Static_assert(sizeof(struct domain_view) == 164, "the view is part of the interface");
_Static_assert(sizeof(struct domain_control) == 48 && sizeof(struct domain_stuff) == 216, "as doc/keykos/kernel.md has them");

/* The string of a message to a domain keeper. */
struct domain_report {
	struct domain_view view;
	uint32_t reserved;
	struct domain_stuff stuff;
};
_Static_assert(sizeof(struct domain_report) == 384, "keepers take it apart");
/* Fills it in with what p is now. */
void domain_report_get(struct process *p, struct domain_report *report);
#endif
