/*
 * start.S - the header that the loader reads, the first instruction, and the trap.
 *
 * A program of the dialect is one flat image at address 0.  keykos-cc fills in the numbers of the header from the
 * linked program's symbols; doc/keykos/program.md describes it.  The factory starts a domain at _start with the order
 * code of the request in edi, the ordinal in esi, and the stack at 0x100000.
 */
	.section .header, "a"
	.globl	_kk_header
_kk_header:
	.ascii	"FACTORY "
	.skip	56

	.text
	.globl	_start
_start:
	xorl	%ebp, %ebp
	call	factory
	xorl	%edi, %edi
	call	exit
	ud2

/* _kk_trap(code, first, second): the domain's keeper hears KT + code. */
	.globl	_kk_trap
_kk_trap:
	movl	%edi, %eax
	shlq	$32, %rax
	movl	$0xCA008300, %ecx
	orq	%rcx, %rax
	movl	%esi, %edi
	movl	%edx, %esi
	syscall
	ret

/* setjmp and longjmp: the callee's registers in the first eight of eleven cells. */
	.globl	setjmp
setjmp:
	movq	(%rsp), %rdx
	movq	%rbx, (%rdi)
	movq	%rbp, 8(%rdi)
	movq	%r12, 16(%rdi)
	movq	%r13, 24(%rdi)
	movq	%r14, 32(%rdi)
	movq	%r15, 40(%rdi)
	leaq	8(%rsp), %rcx
	movq	%rcx, 48(%rdi)
	movq	%rdx, 56(%rdi)
	xorl	%eax, %eax
	ret

	.globl	longjmp
longjmp:
	movl	%esi, %eax
	testl	%eax, %eax
	jnz	1f
	incl	%eax
1:	movq	(%rdi), %rbx
	movq	8(%rdi), %rbp
	movq	16(%rdi), %r12
	movq	24(%rdi), %r13
	movq	32(%rdi), %r14
	movq	40(%rdi), %r15
	movq	48(%rdi), %rsp
	jmp	*56(%rdi)
	.section .note.GNU-stack, "", @progbits
