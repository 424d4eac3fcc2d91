/*
 * shim.S - a foreign system call, inside the process that makes it.  See shim.h for the rules.
 *
 * Invariants
 *   1. No stack: the caller's red zone is live.  Only rax and rcx are free, r11 is the way back.
 *   2. Every instruction may be the last one before a signal: a range of addresses says how far
 *      the call is, and nothing else does.
 *   3. Position-independent: it is linked in the server (shim_blob.S) and runs at SHIM_TEXT.
 */
#include "shim.h"

#define NR_LAST 231

	.section .rodata.shim, "a"
	.balign 4096
	.globl shim_start, shim_start_no_clock, shim_end, shim_shift, shim_call, shim_called, shim_slow
	.globl shim_table, shim_count, shim_time, shim_time_saved, shim_time_store, shim_time_done, shim_time_end, shim_clock

shim_start:
	cmp	$NR_LAST, %rax
	ja	shim_slow
	lea	table(%rip), %rcx
	jmp	*(%rcx,%rax,8)
	/* Where a process without a clock enters: at an odd address, which the kernel knows it by. */
	.balign	2
	nop
shim_start_no_clock:
	jmp	shim_start

	.macro answer offset
	mov	%gs:\offset, %eax
	jmp	*%r11
	.endm
do_getpid:	answer SHIM_PID
do_gettid:	answer SHIM_TID
do_getppid:	answer SHIM_PPID
do_getuid:	answer SHIM_UID
do_geteuid:	answer SHIM_EUID
do_getgid:	answer SHIM_GID
do_getegid:	answer SHIM_EGID

/* arch_prctl(ARCH_SET_FS, address below the canonical hole). */
do_arch_prctl:
	cmp	$0x1002, %edi
	jne	shim_slow
	mov	%rsi, %rcx
	shr	$47, %rcx
	jnz	shim_slow
	wrfsbase %rsi
	xor	%eax, %eax
	jmp	*%r11

/* clock_gettime in a sandbox that is recorded: counted; a process's first look at a clock goes to the server. */
shim_count:
	cmp	$7, %rdi
	ja	shim_slow
	mov	$0xF3, %ecx
	bt	%edi, %ecx
	jnc	shim_slow
	mov	%edi, %ecx
	incl	%gs:SHIM_CLOCKS(,%rcx,4)
	cmpl	$1, %gs:SHIM_CLOCKS(,%rcx,4)
	je	shim_slow
	jmp	shim_time

/* rt_sigreturn, which has no arguments: the server is told what it would have to ask the kernel for. */
do_sigreturn:
	mov	%rsp, %rdi
	rdfsbase %rsi
/* The way of every other call: the six arguments stay in their registers. */
shim_slow:
	mov	%r11, %gs:SHIM_RET
	mov	$SHIM_CONTROL, %ecx
	shl	$32, %rax
shim_shift:
	or	%rcx, %rax
shim_call:
	syscall
shim_called:
	jmp	*%gs:SHIM_RET

/* clock_gettime of the clocks that are real time or monotonic time: bits of the first two masks. */
do_clock_gettime:
	cmp	$7, %rdi
	ja	shim_slow
	mov	$0xF3, %ecx
	bt	%edi, %ecx
	jnc	shim_slow
shim_time:
	mov	%rdx, %gs:SHIM_SAVED_RDX
shim_time_saved:
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	sub	shim_clock(%rip), %rax
	mulq	shim_clock+16(%rip)
	shrd	$32, %rdx, %rax
	add	shim_clock+8(%rip), %rax
	mov	$0x21, %ecx
	bt	%edi, %ecx
	jnc	1f
	add	shim_clock+24(%rip), %rax
1:	xor	%edx, %edx
	mov	$1000000000, %ecx
	div	%rcx
shim_time_store:
	mov	%rax, (%rsi)
	mov	%rdx, 8(%rsi)
shim_time_done:
	mov	%gs:SHIM_SAVED_RDX, %rdx
	xor	%eax, %eax
	jmp	*%r11
shim_time_end:

	.balign 8
shim_clock:
	.quad	0, 0, 0, 0

	.macro entry label
	.quad	SHIM_TEXT + \label - shim_start
	.endm
/* By number, 0..NR_LAST. */
shim_table:
table:
	.set	nr, 0
	.rept	NR_LAST + 1
	.if nr == 15
	entry do_sigreturn
	.elseif nr == 39
	entry do_getpid
	.elseif nr == 102
	entry do_getuid
	.elseif nr == 104
	entry do_getgid
	.elseif nr == 107
	entry do_geteuid
	.elseif nr == 108
	entry do_getegid
	.elseif nr == 110
	entry do_getppid
	.elseif nr == 158
	entry do_arch_prctl
	.elseif nr == 186
	entry do_gettid
	.elseif nr == 228
	entry do_clock_gettime
	.else
	entry shim_slow
	.endif
	.set	nr, nr + 1
	.endr
shim_end:
	.section .note.GNU-stack, "", @progbits
