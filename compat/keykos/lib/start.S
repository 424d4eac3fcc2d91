/*
 * start.S - the header that the loader reads, the first instruction, the end, and the few jumps that are made with no
 * stack under them: the memory that a domain gives back includes its stack.
 *
 * A program of the dialect is one flat image at address 0.  keykos-cc fills in the numbers of the header from the
 * linked program's symbols; doc/keykos/program.md describes it.  A domain comes to _start in one of two ways:
 *
 *	with a stack       the factory has made the memory; edi is the order code of the request, esi the ordinal
 *	with rsp = 0       another program has put this one in its own place (repmem): memory is the program alone, and
 *	                   rbp is ordinal << 32 | order code; the rest is made here, out of the prompt bank
 *
 * Registers that a jump keeps: rbx is its keys, r12..r15 its strings, rbp and rsp are not touched.  Capability
 * registers 26..31 are the library's own; slots 2 to 6 hold what a factory gives (factory.h).
 */
#define SLOT(n)  (8 + (n))
#define CALLER   SLOT(2)
#define DOMKEY   SLOT(3)
#define PSB      SLOT(4)
#define DC       SLOT(6)
#define R_ROOT   26                        /* the node of the memory that is given back */
#define R_FIRST  27                        /* what stands in its slot 0 */
#define R_ITEM   28
#define R_INNER  29
#define R_CODE   30                        /* the program itself */

/* CALL a register: the order code in eax, or as a number; keys: low half sent, high half received.  Answers in eax. */
#define JUMP_(reg, keys, control) \
	shlq $32, %rax; movl $(0xCA008000 + control + reg), %ecx; orq %rcx, %rax; movabsq $(keys), %rbx; syscall; shrq $32, %rax
#define JUMP(reg, keys)           JUMP_(reg, keys, 0x3000)
#define CALL(reg, order, keys)    movl $(order), %eax; JUMP(reg, keys)
#define CALL_STRING(reg, order, keys) movl $(order), %eax; JUMP_(reg, keys, 0x3400)
#define TO(reg) ((reg) << 32)

	.section .header, "a"
	.globl	_kk_header
_kk_header:
	.ascii	"FACTORY "
	.skip	40
	/* At 48: where a primordial domain waits for the message that starts it; rax and rbx are set for the jump. */
	syscall
	movq	%rax, %rbp
	shrq	$32, %rbp
	xorl	%esp, %esp
	jmp	_start
	/* At 64: the first instruction, for who does not read it out of the header (a loader's factory, factory.c). */
	.org	_kk_header + 64
	jmp	_start

	.text
	.weak	_kk_heap_end
	.globl	_start
_start:
	testq	%rsp, %rsp
	jz	memory_make
	movl	%esi, %ebp
	shlq	$32, %rbp
	movl	%edi, %edi
	orq	%rdi, %rbp
has_stack:
	call	_kk_start              /* where the stack begins now; 0: no space */
	movl	%eax, %esp
	testl	%eax, %eax
	jz	no_space
	movl	%ebp, %edi
	movq	%rbp, %rsi
	shrq	$32, %rsi
	xorl	%ebp, %ebp
	call	factory
	xorl	%edi, %edi
	jmp	exit

memory_make:
	CALL(PSB, 0, TO(R_ROOT))                     /* SB_CreateNode */
	testl	%eax, %eax
	jnz	no_space
	CALL(DOMKEY, 3, TO(R_CODE))                  /* Domain_GetMemory */
	CALL(R_ROOT, 16, R_CODE)                     /* Node_Swap+0 */
	leaq	five(%rip), %r12
	movl	$1, %r13d
	CALL_STRING(R_ROOT, 35, TO(R_ROOT))            /* Node_MakeNodeKey */
	CALL(PSB, 16, TO(R_ITEM))                    /* SB_CreatePage */
	testl	%eax, %eax
	jnz	1f
	CALL(R_ROOT, 17, R_ITEM)
	CALL(DOMKEY, 35, R_ROOT)                     /* Domain_SwapMemory */
	movl	$0x101000, %esp
	jmp	has_stack
1:	CALL(PSB, 1, R_ROOT)                         /* SB_DestroyNode */
no_space:
	movl	$2, %edi
	/* fall through */

/*
 * exit(code): what _start and the factory made goes back to the bank, and CALLER hears the code.  The domain then runs
 * in its program alone.
 */
	.globl	exit
exit:
	movl	%edi, %ebp
	testl	%esp, %esp                             /* there was no space for a stack, and so nothing on a heap */
	jz	1f
	movl	$_kk_heap_end, %eax                    /* 0 if the program has no heap */
	testl	%eax, %eax
	jz	1f
	call	*%rax
1:	leaq	destroy_me(%rip), %r15
	xorl	%r14d, %r14d
	jmp	memory_sell
destroy_me:
	leaq	codes(%rip), %r12                      /* the code has to be in memory that is still there */
	movl	$(codes_end - codes) / 4, %ecx
1:	cmpl	(%r12), %ebp
	je	2f
	addq	$4, %r12
	decl	%ecx
	jnz	1b
	leaq	codes(%rip), %r12                      /* none of the usual ones: it is in word 0, and the string is empty */
	xorl	%r13d, %r13d
	movl	$0x3000, %edx
	jmp	3f
2:	movl	$4, %r13d
	movl	$0x3400, %edx
3:	movl	%ebp, %edi
	movl	$8, %eax                               /* DC_DestroyMe */
	shlq	$32, %rax
	leal	0xCA008000 + DC(%rdx), %ecx
	orq	%rcx, %rax
	movl	$(CALLER | PSB << 8), %ebx
	movl	%edx, %r15d
	syscall
	/* There is no creator any more, or it does not know this domain: the bank takes the domain back (bank.c). */
	movl	%ebp, %edi
	movl	$0x4B4F0008, %eax
	shlq	$32, %rax
	leal	0xCA008000 + PSB(%r15), %ecx
	orq	%rcx, %rax
	movl	$(CALLER | DOMKEY << 8), %ebx
	syscall
	/* Nor that: the caller is told all the same, and whoever calls later that nobody is here. */
1:	movl	%ebp, %eax
	shlq	$32, %rax
	movl	$(0xCA00A100 + CALLER), %ecx              /* RETURN */
	orq	%rcx, %rax
	movabsq	$(CALLER << 24 << 32), %rbx
	syscall
	movl	$0x80000001, %ebp                      /* KT+1 */
	jmp	1b

/* repmem(oc, ord, start): this program makes room for another, the memory key in slot 14, which gets oc and ord. */
	.globl	repmem
repmem:
	movl	%esi, %ebp
	shlq	$32, %rbp
	movl	%edi, %edi
	orq	%rdi, %rbp
	movl	%edx, %r14d
	leaq	1f(%rip), %r15
	jmp	memory_sell
1:	xorl	%esp, %esp
	movl	%r14d, %edi
	CALL(DOMKEY, 314, SLOT(14))                  /* Domain_X86StartMemory: the first instruction is in word 0 */
	ud2

/* Sells the memory but for the program, in which it goes on; then jumps to r15.  Uses rsp, r12 and r13. */
memory_sell:
	CALL(DOMKEY, 3, TO(R_ROOT))
	CALL(R_ROOT, 0x80000000, 0)                  /* a domain that _start could make no memory for has none to sell */
	cmpl	$3, %eax
	jne	9f
	CALL(R_ROOT, 40, 0)                          /* the program has put a taller node above it: Node_DataByte */
	andl	$15, %eax
	cmpl	$5, %eax
	jbe	1f
	CALL(R_ROOT, 0, TO(R_FIRST))
	CALL(DOMKEY, 35, R_FIRST)
	CALL(PSB, 1, R_ROOT)
	jmp	memory_sell
1:	CALL(R_ROOT, 0, TO(R_FIRST))
	CALL(R_ROOT, 0, TO(R_CODE))
	CALL(R_FIRST, 0x80000000, 0)
	movl	%eax, %esp                             /* 3: its own copy of the variables; the program is in slot 15 */
	cmpl	$3, %eax
	jne	1f
	CALL(R_FIRST, 15, TO(R_CODE))
1:	CALL(DOMKEY, 35, R_CODE)
	CALL(R_ROOT, 1, TO(R_ITEM))
	CALL(PSB, 17, R_ITEM)                        /* SB_DestroyPage: the stack is a page, or a node of them */
	testl	%eax, %eax
	jz	2f
	leaq	2f(%rip), %r13
	jmp	node_sell
2:	cmpl	$3, %esp
	jne	8f
	xorl	%esp, %esp
3:	movl	%esp, %eax                             /* the pages of variables, three levels above them */
	JUMP(R_FIRST, TO(R_ITEM))
	leaq	4f(%rip), %r13
	jmp	node_sell
4:	incl	%esp
	cmpl	$15, %esp
	jne	3b
	CALL(PSB, 1, R_FIRST)
8:	CALL(PSB, 1, R_ROOT)
9:	jmp	*%r15

/* Sells the node R_ITEM and the pages in it; what is not the bank's stays.  Then jumps to r13. */
node_sell:
	CALL(R_ITEM, 0x80000000, 0)
	cmpl	$3, %eax
	jne	2f
	xorl	%r12d, %r12d
1:	movl	%r12d, %eax
	JUMP(R_ITEM, TO(R_INNER))
	CALL(PSB, 17, R_INNER)
	incl	%r12d
	cmpl	$16, %r12d
	jne	1b
	CALL(PSB, 1, R_ITEM)
2:	jmp	*%r13

/* fork(), fork1(): 0 in the copy, 1 here, 3 no space.  fork1 does not start the copy. */
	.globl	fork1
fork1:
	movl	$1, %edi
	jmp	1f
	.globl	fork
fork:
	xorl	%edi, %edi
1:	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movl	%esp, %esi
	movl	$child, %edx
	movl	%esp, %ebp
	andl	$-16, %esp
	call	_kk_fork
	movl	%ebp, %esp
2:	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
child:
	xorl	%eax, %eax
	jmp	2b

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

	.section .rodata
five:	.byte	5
	.balign	4
codes:	.long	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
	.long	0x80000000, 0x80000001, 0x80000002, 0x80000003, 0x80000004, 0x80000005, 0x80000006, 0x80000007
	.long	0x80000008, 0x80000009, 0xFFFFFFFF
codes_end:
	.section .note.GNU-stack, "", @progbits
