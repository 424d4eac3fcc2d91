/*
 * elf.h - 32-bit ELF files, for programs that load them.
 */
#ifndef _H_sys_elf
#define _H_sys_elf
typedef unsigned long  Elf32_Addr, Elf32_Off, Elf32_Word;
typedef long           Elf32_Sword;
typedef unsigned short Elf32_Half;

#define EI_NIDENT 16

typedef struct {
	unsigned char e_ident[EI_NIDENT];
	Elf32_Half e_type, e_machine;
	Elf32_Word e_version;
	Elf32_Addr e_entry;
	Elf32_Off e_phoff, e_shoff;
	Elf32_Word e_flags;
	Elf32_Half e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
} Elf32_Ehdr;

#define ET_EXEC 2
#define ET_DYN  3

typedef struct {
	Elf32_Word p_type;
	Elf32_Off p_offset;
	Elf32_Addr p_vaddr, p_paddr;
	Elf32_Word p_filesz, p_memsz, p_flags, p_align;
} Elf32_Phdr;

#define PT_NULL    0
#define PT_LOAD    1
#define PT_DYNAMIC 2
#define PT_INTERP  3
#define PT_NOTE    4
#define PT_PHDR    6

#define PF_X 1
#define PF_W 2
#define PF_R 4

#endif
