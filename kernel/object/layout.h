/*
 * layout.h - what a kernel and the host must agree on about a stored system before one goes on with it.
 *
 * The root words of a header (store/format.h) are the kernel's; these are they.  How a number changes, and what a
 * newer kernel does with an older system, is in doc/upgrade.md.
 */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H
#include <stdint.h>

enum root_word {
	ROOT_LAYOUT, ROOT_HIGH, ROOT_NOW_NS, ROOT_LIFE, ROOT_RANGE_END, ROOT_DMA, ROOT_TSC, ROOT_TSC_USER,
	ROOT_SUM,                      /* layout_sum of the kernel that wrote it */
	ROOT_ABI,                      /* what the programs in it call: the KERNEL_ABI they were started with */
	ROOT_PROGRAMS,                 /* stamp of the boot pack that it was started from (abi.h) */
	ROOT_MARK,                     /* prime's: enum root_mark */
	ROOT_INTERVAL_NS,              /* from a change to the checkpoint that saves it; 0 in older images: the default */
	ROOT_SYSTEM,                   /* frames below are the system's own (checkpoint.system); 0: all may be */
	ROOT_GROUPS = 16,              /* and the 16 words behind it: which groups of homes a process was ever made in;
					* all 0 in older images: any.  persist_groups.c */
};
/* What the machine ends with when it is the store that ends it. */
enum store_end { STORE_END_FAILED = 0x56, STORE_END_REFUSED = 0x57, STORE_END_DAMAGED = 0x58 };
enum root_mark { MARK_LIVES = 0, MARK_ENDED = 1 };     /* ended: nobody's work is in it */

#define GROUP_WORDS 16

/* How the kernel keeps objects.  3 had no sum. */
#ifndef LAYOUT_NOW
#define LAYOUT_NOW    4
#endif
#ifndef LAYOUT_OLDEST
#define LAYOUT_OLDEST 3
#endif

/* What programs may call; a number for each change that a program could notice. */
#define KERNEL_ABI_NOW    1
#define KERNEL_ABI_OLDEST 1

/* A number for the layout of everything that reaches the disk: it changes by itself. */
uint64_t layout_sum(void);
/* NULL, or why this kernel does not go on with a system that has these root words: the end of "FILE ...". */
const char *layout_judge(const uint64_t *root);
#endif
