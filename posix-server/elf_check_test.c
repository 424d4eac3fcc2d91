/*
 * elf_check_test.c - good files pass, bad ones are refused, and whatever passes keeps the promises
 * that exec relies on: 2,000 mutations of a real file's headers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "elf_check.h"

#define FILE_SIZE 0x3000u

static uint8_t file[FILE_SIZE];

static Elf64_Ehdr *ehdr(void) { return (Elf64_Ehdr *)file; }
static Elf64_Phdr *phdr(int i) { return (Elf64_Phdr *)(file + 64) + i; }

/* A program with text, data and bss, as a linker makes it. */
static void make_good(void)
{
	memset(file, 0, sizeof file);
	memcpy(ehdr()->e_ident, ELFMAG "\2\1\1", 7);
	ehdr()->e_type = ET_EXEC;
	ehdr()->e_machine = EM_X86_64;
	ehdr()->e_entry = 0x401000;
	ehdr()->e_phoff = 64;
	ehdr()->e_phentsize = ELF_PHDR_SIZE;
	ehdr()->e_phnum = 3;
	*phdr(0) = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0x400000, 0x1800, 0x1800, 0x1000 };
	*phdr(1) = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x1800, 0x402800, 0x402800, 0x900, 0x2000, 0x1000 };
	*phdr(2) = (Elf64_Phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
}

static int check(struct elf_plan *plan, uint64_t size)
{
	int err = elf_header(file, size, plan);

	if (err)
		return err;
	assert_true(plan->phoff + plan->phnum * ELF_PHDR_SIZE <= size);
	return elf_segments(file + plan->phoff, size, plan);
}

static void a_good_file_passes(void **state)
{
	struct elf_plan plan;

	(void)state;
	make_good();
	assert_int_equal(check(&plan, FILE_SIZE), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.low, 0x400000);
	assert_int_equal(plan.high, 0x405000);
	assert_int_equal(plan.phdr_address, 0x400040);
	assert_int_equal(plan.segment[1].prot, 3);
}

static void bad_files_are_refused(void **state)
{
	struct elf_plan plan;

	(void)state;
#define REFUSED(change) do { make_good(); change; assert_int_equal(check(&plan, FILE_SIZE), -ENOEXEC); } while (0)
	REFUSED(file[0] = 'x');
	REFUSED(ehdr()->e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(ehdr()->e_machine = EM_AARCH64);
	REFUSED(ehdr()->e_type = ET_REL);
	REFUSED(ehdr()->e_phnum = 0);
	REFUSED(ehdr()->e_phoff = FILE_SIZE - 10);
	REFUSED(phdr(1)->p_vaddr = 0x400800);
	REFUSED(phdr(1)->p_filesz = 0x2001);
	REFUSED(phdr(1)->p_offset = 0x2800);
	REFUSED(phdr(1)->p_memsz = ~0ull);
	REFUSED(phdr(1)->p_vaddr += 1);
	REFUSED(phdr(0)->p_vaddr = phdr(0)->p_offset = 0);
	REFUSED(phdr(0)->p_type = phdr(1)->p_type = PT_NOTE);
	make_good();
	assert_int_equal(check(&plan, 0x1900), -ENOEXEC);
	assert_int_equal(check(&plan, 63), -ENOEXEC);
}

static void promises_hold(const struct elf_plan *p, uint64_t size)
{
	uint64_t end = 0;

	assert_true(p->count > 0 && p->count <= ELF_SEGMENTS_MAX);
	for (unsigned i = 0; i < p->count; i++) {
		const struct elf_segment *s = &p->segment[i];

		assert_true(s->address >= end && s->memory > 0 && s->bytes <= s->memory);
		assert_true(s->address + s->memory > s->address && s->address + s->memory <= 0x1000000000ull);
		assert_true(s->offset + s->bytes <= size);
		assert_int_equal((s->address - s->offset) & 4095, 0);
		end = s->address + s->memory;
	}
	assert_true(p->low < p->high && p->interp_bytes <= ELF_INTERP_MAX);
}

static void mutations_never_break_a_promise(void **state)
{
	static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff };
	unsigned passed = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 2000; i++) {
		struct elf_plan plan;

		make_good();
		for (int n = 1 + rand() % 4; n > 0; n--)
			file[rand() % (64 + 3 * ELF_PHDR_SIZE)] = rand() % 2 ? rand() : telling[rand() % 5];
		if (check(&plan, FILE_SIZE) == 0) {
			promises_hold(&plan, FILE_SIZE);
			passed++;
		}
	}
	assert_true(passed > 0 && passed < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_passes), cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(mutations_never_break_a_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
