/*
 * arch.h - all that the kernel asks of a machine.  arch/x86 answers with hardware,
 * arch/hosted with an arena and plain data, so that the kernel's own code runs in unit tests.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "machine.h"

struct process;
struct frame;
struct space;
struct store_disk;

/* Memory.  Frame numbers are physical page numbers; all of it is mapped at arch_physical_base. */
extern uint64_t arch_physical_base;

static inline void *arch_frame_pointer(uint64_t pfn)
{
	return (void *)(arch_physical_base + (pfn << 12));
}

/* Page tables of a space (arch/x86/pt.c; the format is plain data, so hosted uses it too).  What an entry says, and where
 * it is: arch_leaf_make, _present, _writable, _executable, _pfn, _below, _page. */
#include "leaf.h"
void arch_space_create(struct space *s);                 /* s->root_pfn holds a fresh table */
/* Makes the leaf table that covers va; returns its 16 entries for the 64 KiB around va, or NULL
 * when no table frame is left. */
uint64_t *arch_leaf_entries(struct space *s, uint64_t va);
/* Writes a leaf into an entry of arch_leaf_entries: one that holds nothing, which the processor cannot know yet; and any
 * one, that of va, where what the processor may know of it is taken from it. */
void arch_leaf_fill(uint64_t *entry, uint64_t value);
void arch_leaf_set(struct space *s, uint64_t va, uint64_t *entry, uint64_t value);
/* The first present leaf at *va or above, whose address is then in *va; NULL if there is none. */
uint64_t *arch_leaf_next(struct space *s, uint64_t *va);
/* Takes the translations of `size` bytes from va on away, where there are any; a range past user memory is cut there. */
void arch_unmap_range(struct space *s, uint64_t va, uint64_t size);
void arch_space_protect(struct space *s);                /* none of its leaves is writable any more */
bool arch_leaf_protected(uint64_t entry);                /* it was until then, and nothing has changed on the way to it */
/* one such that names the page, which is dirty; false: there is none */
bool arch_leaf_unprotect(struct frame *f);
void arch_space_unload(void);                            /* no user translations are loaded any more */

/* Processes. */
void arch_process_init(struct process *p);
bool arch_regs_valid(uint64_t rip, uint64_t fs_base, uint64_t gs_base); /* all three are addresses of user memory */
uint64_t arch_flags_safe(uint64_t rflags);               /* without the bits that a program may not choose */
void arch_fpu_save(struct process *p);                   /* if the processor holds p's FPU state */
void arch_fpu_forget(struct process *p);                 /* the processor's copy is not wanted any more */
bool arch_fpu_valid(const void *image, size_t length);   /* the processor takes that image of so many bytes */
void arch_bases_save(struct process *p);                 /* the FS and GS bases, if p is current */
void arch_set_current(struct process *p);                /* traps save to p from now on; p's space is loaded */

/* Time. */
uint64_t arch_now_ns(void);                              /* monotonic, over all lives of the system; 0 at its first start */
uint64_t arch_tsc(void);                                 /* the same in ticks of the processor */
uint64_t arch_wall_seconds(void);                        /* at the machine's clock, read at boot */
void arch_timer_set(uint64_t when_ns);                   /* one interrupt then; ~0 = none */

/* Interrupt lines and ports. */
void arch_irq_mask(unsigned line, bool masked);
uint32_t arch_port_in(uint16_t port, unsigned size);     /* size: 1, 2 or 4 bytes */
void arch_port_out(uint16_t port, unsigned size, uint32_t value);

/* The store's disk. */
bool arch_disk_find(struct store_disk *disk);            /* fills in what it is and how it is asked; false: there is none */
void arch_disk_poll(void);                               /* answers what is done, through persist_disk_done */
void arch_disk_interrupts(void);                         /* from now on its line interrupts */
bool arch_disk_interrupted(void);                        /* its line did: lowers it; whether it was the disk that did */
bool arch_disk_masked(void);                             /* its line cannot interrupt now */
bool arch_disk_line(unsigned line);                      /* its interrupt */
/* The clock goes on from there: an earlier life got so far, by arch_now_ns, arch_tsc and arch_tsc_user. */
void arch_time_continue(uint64_t now_ns, uint64_t tsc, uint64_t tsc_user);
void arch_tsc_trap(void);                               /* from now on rdtsc traps; see struct process.foreign_entry */
uint64_t arch_tsc_user(void);                            /* what a program's rdtsc says */

/* The early console and the end. */
void arch_log_write(const char *text, size_t length);
__attribute__((noreturn)) void arch_power_off(unsigned status); /* status: for whoever started the machine, if he can see it */
__attribute__((noreturn)) void arch_panic_stop(void);    /* prints registers and trace, ends the machine */

#define IRQ_LINES 16
#endif
