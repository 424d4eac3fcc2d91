/*
 * image_test.c - reading ELF files as program images, hosted.  Nothing here invokes anything: the
 * invocations that image.c names are stand-ins that stop the test.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <keros/image.h>

void inv_raw(uint32_t op, cap_t target, struct msg *m)
{
	(void)op, (void)target, (void)m;
	fail();
}

void cap_copy(cap_t to, cap_t from)
{
	(void)to, (void)from;
	fail();
}

uint32_t space_map(cap_t root, uint64_t va, cap_t page, unsigned data_byte, const struct space_maker *maker)
{
	(void)root, (void)va, (void)page, (void)data_byte, (void)maker;
	fail();
	return RC_VOID;
}

uint32_t space_node_make(const struct space_maker *maker, unsigned lss, cap_t to)
{
	(void)maker, (void)lss, (void)to;
	fail();
	return RC_VOID;
}

#define FILE_LENGTH 0x5000u

struct head {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[4];
};

/* Text, read-only data, data with bss, as the linker lays out a native program. */
static struct head head_good(void)
{
	struct head h = {
		.eh = { .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_entry = 0x401010, .e_phoff = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 4 },
		.ph = {
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x1000, .p_vaddr = 0x401000,
			  .p_filesz = 0x1800, .p_memsz = 0x1800 },
			{ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W },
			{ .p_type = PT_LOAD, .p_flags = PF_R, .p_offset = 0x3000, .p_vaddr = 0x403000, .p_filesz = 0x10,
			  .p_memsz = 0x10 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x3e50, .p_vaddr = 0x404e50,
			  .p_filesz = 0x300, .p_memsz = 0x2000 },
		},
	};

	memcpy(h.eh.e_ident, ELFMAG, SELFMAG);
	h.eh.e_ident[EI_CLASS] = ELFCLASS64;
	return h;
}

static const char *parse(const struct head *h, struct image_file *file)
{
	return image_parse(h, sizeof *h, FILE_LENGTH, file);
}

/* IMAGE0001 a program's segments become pages of the file, and what is writable is known to the byte. */
static void test_good(void **state)
{
	struct head h = head_good();
	struct image_file f;

	(void)state;
	assert_null(parse(&h, &f));
	assert_int_equal(f.count, 3);
	assert_int_equal(f.segment[0].address, 0x401000);
	assert_int_equal(f.segment[0].pages, 2);
	assert_int_equal(f.segment[2].address, 0x404000);
	assert_int_equal(f.segment[2].offset, 0x3000);
	assert_int_equal(f.segment[2].pages, 2);
	assert_int_equal(f.layout.entry, 0x401010);
	assert_int_equal(f.layout.data, 0x404000);
	assert_int_equal(f.layout.data_bytes, 0x1150);
	assert_int_equal(f.layout.end, 0x407000);
	assert_true(image_frames_needed(&f.layout) >= 1 + 3 + IMAGE_STACK_PAGES);
}

/* IMAGE0002 what is not such a program is refused in words. */
static void test_refused(void **state)
{
	struct image_file f;
	struct head h;

	(void)state;
#define REFUSED(change) do { h = head_good(); change; assert_non_null(parse(&h, &f)); } while (0)
	REFUSED(h.eh.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(h.eh.e_machine = EM_AARCH64);
	REFUSED(h.eh.e_type = ET_DYN);
	REFUSED(h.eh.e_phnum = 64);
	REFUSED(h.eh.e_phoff = ~0ull);
	REFUSED(h.eh.e_entry = 0);
	REFUSED(h.ph[0].p_filesz = FILE_LENGTH);
	REFUSED(h.ph[0].p_offset = ~0ull - 0xFFF);
	REFUSED(h.ph[0].p_vaddr = 0x1000);
	REFUSED(h.ph[0].p_memsz = ~0ull);
	REFUSED(h.ph[2].p_vaddr = 0x402000);
	REFUSED(h.ph[2].p_memsz = 0x20);
	REFUSED(h.ph[2].p_vaddr = 0x403001);
	REFUSED(h.ph[0].p_flags = PF_R | PF_W);
	REFUSED(h.ph[3].p_memsz = 0xB00000);
	h = head_good();
	for (size_t n = 0; n < sizeof h; n++)
		assert_non_null(image_parse(&h, n, FILE_LENGTH, &f));
}

/* IMAGE0003 whatever the bytes, what is accepted lies in the file and in the address window, without overlap. */
static void test_mutated(void **state)
{
	uint64_t seed = 7;
	unsigned accepted = 0;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		struct head h = head_good();
		struct image_file f;

		for (unsigned changes = 1 + i % 3; changes > 0; changes--) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			((uint8_t *)&h)[(seed >> 20) % sizeof h] ^= 1u << (seed >> 60 & 7);
		}
		if (parse(&h, &f) != NULL)
			continue;
		accepted++;
		for (unsigned s = 0; s < f.count; s++) {
			assert_true(f.segment[s].offset % PAGE_SIZE == 0 && f.segment[s].address % PAGE_SIZE == 0);
			assert_true(f.segment[s].offset + (f.segment[s].pages - 1) * PAGE_SIZE < FILE_LENGTH);
			assert_true(f.segment[s].address >= IMAGE_LOW);
			assert_true(f.segment[s].address + f.segment[s].pages * PAGE_SIZE <= IMAGE_HIGH);
			for (unsigned t = 0; t < s; t++)
				assert_true(f.segment[t].address + f.segment[t].pages * PAGE_SIZE <= f.segment[s].address ||
					    f.segment[s].address + f.segment[s].pages * PAGE_SIZE <= f.segment[t].address);
		}
		assert_true(f.layout.data <= f.layout.end && f.layout.data_bytes <= f.layout.end - f.layout.data);
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_refused), cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
