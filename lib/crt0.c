/*
 * crt0.c - from the first instruction of a native program to main().
 *
 * The maker of the process has set rip, rsp and the capability registers, and nothing
 * else: the argument vector that musl's start-up wants is made here.  The three start
 * words (rdi, rsi, rdx, r10: see the program's entry in doc/registers.md) are kept in
 * start_words.  The foreign entry is set before musl runs, since its first act is a
 * system call that sets the thread pointer.
 */
#include <elf.h>
#include "keros/inv.h"

int main(int argc, char **argv);
int __libc_start_main(int (*main)(int, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void));
void _init(void);
void _fini(void);
void shim_native_entry(void);

extern const Elf64_Ehdr __ehdr_start;

uint64_t start_words[4];

static struct {
	uint64_t argc;
	const char *argv[2];
	const char *envp[1];
	uint64_t auxv[16];
} start_block;

static uint64_t start_random[2] = { 0x6b65726f732d7374ull, 0x61636b2d70726f74ull };

#define PROCESS_OC_SET_FOREIGN_ENTRY 19

__attribute__((used, noreturn)) static void start_c(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	uint64_t entry = (uint64_t)shim_native_entry, unused1 = 0, unused2 = 0;
	uint64_t *aux = start_block.auxv;

	start_words[0] = w0;
	start_words[1] = w1;
	start_words[2] = w2;
	start_words[3] = w3;
	inv_call3(CR_SELF, PROCESS_OC_SET_FOREIGN_ENTRY, &entry, &unused1, &unused2);
	start_block.argc = 1;
	start_block.argv[0] = "native";
	*aux++ = AT_PHDR;
	*aux++ = (uint64_t)&__ehdr_start + __ehdr_start.e_phoff;
	*aux++ = AT_PHNUM;
	*aux++ = __ehdr_start.e_phnum;
	*aux++ = AT_PHENT;
	*aux++ = __ehdr_start.e_phentsize;
	*aux++ = AT_PAGESZ;
	*aux++ = PAGE_SIZE;
	*aux++ = AT_RANDOM;
	*aux++ = (uint64_t)start_random;
	*aux++ = AT_NULL;
	*aux = 0;
	__libc_start_main(main, 1, (char **)start_block.argv, _init, _fini, 0);
	__builtin_unreachable();
}

__asm__(".globl _start\n"
	"_start:\n\t"
	"xor %ebp, %ebp\n\t"
	"and $-16, %rsp\n\t"
	"mov %r10, %rcx\n\t"
	"call start_c\n\t"
	"ud2\n"
	".globl _init\n_init:\n.globl _fini\n_fini:\n\tret\n");
