/*
 * boot.S - from the loader to boot_main in long mode.
 *
 * Two loaders, one entry in 32-bit protected mode, paging off:
 *   PVH (QEMU -kernel)      ebx = hvm_start_info, whose first word is 0x336ec578
 *   Multiboot 2 (GRUB)      eax = 0x36d76289, ebx = information structure
 * The boot tables map the first 4 GiB three times: where they are, at PHYSICAL_BASE, and
 * (1 GiB) at KERNEL_VIRTUAL.  boot_main replaces them.
 */
#include "x86.h"

#define LOW(symbol) ((symbol) - KERNEL_VIRTUAL)

	.section .boot.header, "ax"
	.balign 8
multiboot_header:
	.long 0xE85250D6, 0, multiboot_end - multiboot_header
	.long -(0xE85250D6 + 0 + (multiboot_end - multiboot_header))
	.balign 8
	.short 3, 0                    /* entry address */
	.long 12, LOW(boot_entry)
	.balign 8
	.short 6, 0                    /* modules on page boundaries */
	.long 8
	.balign 8
	.short 0, 0
	.long 8
multiboot_end:

	.section .note.Xen, "a"
	.balign 4
	.long 4, 8, 18                 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad LOW(boot_entry)

	.section .boot, "ax"
	.code32
	.globl boot_entry
boot_entry:
	cli
	cld
	mov $LOW(boot_stack_top), %esp
	mov %eax, %esi                 /* the loader's magic, if multiboot */
	mov %ebx, %ebp                 /* the loader's information */

	/* Four page directories of 2 MiB pages: 4 GiB. */
	mov $LOW(boot_pd), %edi
	mov $0x83, %eax
	xor %edx, %edx
	mov $2048, %ecx
1:	mov %eax, (%edi)
	mov %edx, 4(%edi)
	add $0x200000, %eax
	adc $0, %edx
	add $8, %edi
	loop 1b

	mov $LOW(boot_pd) + 3, %eax
	mov $LOW(boot_pdpt), %edi
	mov $4, %ecx
2:	mov %eax, (%edi)
	add $4096, %eax
	add $8, %edi
	loop 2b
	movl $LOW(boot_pd) + 3, LOW(boot_pdpt_high) + 510 * 8
	movl $LOW(boot_pdpt) + 3, LOW(boot_pml4)
	movl $LOW(boot_pdpt) + 3, LOW(boot_pml4) + 256 * 8
	movl $LOW(boot_pdpt_high) + 3, LOW(boot_pml4) + 511 * 8

	mov %cr4, %eax
	or $0x20, %eax                 /* PAE */
	mov %eax, %cr4
	mov $LOW(boot_pml4), %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $0x901, %eax                /* NXE, LME, SCE */
	wrmsr
	mov %cr0, %eax
	or $0x80010001, %eax           /* PG, WP, PE */
	mov %eax, %cr0
	lgdt LOW(boot_gdt_pointer)
	ljmp $8, $LOW(boot_long)

	.code64
boot_long:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	mov $boot_stack_top, %rsp
	mov %esi, %edi
	mov %ebp, %esi
	xor %ebp, %ebp
	mov $boot_main, %rax
	call *%rax
	ud2

	.balign 8
boot_gdt:
	.quad 0, 0x00AF9A000000FFFF, 0x00CF92000000FFFF
boot_gdt_pointer:
	.short 23
	.long LOW(boot_gdt)

	.bss
	.balign 4096
boot_pml4:	.skip 4096
boot_pdpt:	.skip 4096
boot_pdpt_high:	.skip 4096
boot_pd:	.skip 4 * 4096
	.globl boot_stack_top
	.skip 16384
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
