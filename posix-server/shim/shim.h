/*
 * shim.h - what the shim and the server agree on: addresses, the data page, restart rules.
 *
 * The shim is one page of code (shim.S), mapped read-only at SHIM_TEXT in every process, and one
 * page of data at SHIM_DATA, the gs base.  The kernel continues a foreign system call there with
 * rax = number and r11 = return address; rcx is free, everything else is the caller's.
 *
 * Restart rules: the server, when it delivers a signal to a process whose rip is in the shim,
 * first brings it out, so that no frame ever points into the shim:
 *   at a jmp *%r11                          the call is complete: rip = r11
 *   before shim_shift                       not begun: rip = r11 - 2, rax as it is
 *   shim_shift .. shim_call                 not begun: the number is rax >> 32, rip = ret of the data page - 2
 *                                           (a CALL that found us busy is put back, with r11 spoilt)
 *   shim_called                             complete: rip = ret of the data page
 *   shim_time .. shim_time_store_end        not begun: rdx = saved_rdx, rax = 228, rip = r11 - 2
 *   shim_time_done                          complete: rdx = saved_rdx, rax = 0, rip = r11
 *   shim_count .. (before shim_shift)       not begun
 * A fault of the time call's stores (a bad pointer) is turned into the slow path, which answers
 * EFAULT: rip = shim_slow with rdx and rax restored.
 * The text is the same for all, so nothing secret is in it; the data page is the process's own to
 * spoil: the server takes nothing from it but addresses to return to.
 */
#ifndef SHIM_H
#define SHIM_H

#define SHIM_TEXT 0xF00000E000
#define SHIM_DATA 0xF00000F000
#define SHIM_SERVER_REG 1              /* the one capability register of a process that is not void */
#define SHIM_CONTROL 0xCA004001        /* CALL it, wanting nothing but rax (abi.h; keystore.c asserts it) */

/* Offsets in the data page. */
#define SHIM_RET 0
#define SHIM_SAVED_RDX 8
#define SHIM_PID 16
#define SHIM_TID 20
#define SHIM_PPID 24
#define SHIM_UID 28
#define SHIM_EUID 32
#define SHIM_GID 36
#define SHIM_EGID 40
#define SHIM_CLOCKS 48

#ifndef __ASSEMBLER__
#include <stdint.h>
struct shim_data {
	uint64_t ret, saved_rdx;
	int32_t pid, tid, ppid;
	uint32_t uid, euid, gid, egid;
	uint32_t pad;
	uint32_t clocks[8];            /* looks at each clock, where the sandbox is recorded */
};
_Static_assert(__builtin_offsetof(struct shim_data, clocks) == SHIM_CLOCKS, "shim.S counts there");
/* The time parameters, in the text page: ns = base_ns + ((tsc - base_tsc) * mult >> 32). */
struct shim_clock { uint64_t base_tsc, base_ns, mult, wall_ns; };

extern const char shim_start[], shim_start_no_clock[], shim_end[], shim_shift[], shim_call[], shim_called[], shim_slow[];
extern const char shim_time[], shim_time_saved[], shim_time_store[], shim_time_done[], shim_time_end[];
extern const char shim_clock[], shim_table[], shim_count[];
/* Where a label of the blob is in a process. */
#define SHIM_AT(label) (SHIM_TEXT + (uint64_t)((label) - shim_start))
#endif
#endif
