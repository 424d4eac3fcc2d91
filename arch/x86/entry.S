/*
 * entry.S - in and out of the kernel.
 *
 * Every trap saves the user's registers straight into the current process's frame: the
 * processor pushes there (TSS.RSP0 is the end of process.regs), and so does the syscall entry.
 * Then the kernel's one stack is taken, empty; nothing is ever left on it between traps.
 * The kernel runs with interrupts off; only arch_idle turns them on.
 * Offsets: struct cpu (sched.h): current 0, frame_top 8, user_rsp 16, kernel_stack 24;
 * struct process (object.h): regs from 8, foreign_entry 192, flags 201.  boot_main asserts them.
 */
#include "x86.h"

#define INV_MARK 0xCA
#define FOREIGN_ENTRY 192
#define FLAGS 201
#define PROCESS_SYSRET 1

	.text

	.macro PUSH_REGS
	push %rsi
	push %rdx
	push %rcx
	push %rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	.endm

	.macro POP_REGS
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	.endm

/* rcx = return address, r11 = flags, the rest the user's. */
	.globl syscall_entry
	.balign 16
syscall_entry:
	mov %rsp, cpu+16(%rip)
	mov cpu+8(%rip), %rsp
	push $SEL_USER_DATA
	push cpu+16(%rip)
	push %r11
	push $SEL_USER_CODE
	push %rcx
	mov %eax, %ecx
	shr $24, %ecx
	cmp $INV_MARK, %ecx
	jne 1f
	push $0
	push %rdi
	PUSH_REGS
	mov cpu+24(%rip), %rsp
	xor %ebp, %ebp
	jmp invoke_entry

/* A foreign call: on at the shim, with the return address in r11 and nothing saved. */
1:	mov cpu(%rip), %rcx
	mov FOREIGN_ENTRY(%rcx), %rcx
	test %rcx, %rcx
	jz 2f
	mov (%rsp), %r11
	mov %rcx, (%rsp)
	iretq

2:	push $0
	push %rdi
	PUSH_REGS
	mov cpu+24(%rip), %rsp
	xor %ebp, %ebp
	jmp invoke_foreign

/* arch_enter(process in rdi): to user mode, all registers from the process. */
	.globl arch_enter
	.balign 16
arch_enter:
	testb $PROCESS_SYSRET, FLAGS(%rdi)
	lea 8(%rdi), %rsp
	POP_REGS
	jz 1f
	mov 8(%rsp), %rcx
	mov 24(%rsp), %r11
	mov 32(%rsp), %rsp
	sysretq
1:	add $8, %rsp
	iretq

/* void arch_idle(void): waits for one interrupt; its handler returns here. */
	.globl arch_idle
arch_idle:
	sti
	hlt
	cli
	ret

	.macro VECTOR number, has_error
	.balign 16
vector_\number:
	.ifeq \has_error
	push $0
	.endif
	push %rdi
	mov $\number, %edi
	jmp trap_common
	.endm

	.altmacro
	.set i, 0
	.rept 48
	.if i == 8 || (i >= 10 && i <= 14) || i == 17 || i == 21 || i == 29 || i == 30
	VECTOR %i, 1
	.else
	VECTOR %i, 0
	.endif
	.set i, i + 1
	.endr

	.balign 16
trap_common:
	PUSH_REGS
	cld
	testb $3, 17 * 8(%rsp)
	jz 1f
	mov cpu+24(%rip), %rsp
	xor %ebp, %ebp
	jmp trap_user

/* From the kernel: an interrupt while idle, or a failure.  The registers are on the kernel's stack. */
1:	mov %rsp, %rsi
	mov %rsp, %rbp
	and $-16, %rsp
	call trap_kernel
	mov %rbp, %rsp
	POP_REGS
	add $8, %rsp
	iretq

	.section .rodata
	.balign 8
	.globl vector_table
vector_table:
	.macro VECTOR_ADDRESS number
	.quad vector_\number
	.endm
	.set i, 0
	.rept 48
	VECTOR_ADDRESS %i
	.set i, i + 1
	.endr
	.section .note.GNU-stack, "", @progbits
