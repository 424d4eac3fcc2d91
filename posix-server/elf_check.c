/*
 * elf_check.c - see elf_check.h.  Pure: bytes in, plan or refusal out.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include "elf_check.h"

#define PAGE 4096ull
#define ADDRESS_LOW 0x10000ull
#define ADDRESS_HIGH 0x1000000000ull   /* programs that choose their addresses stay in the first 64 GiB */

int elf_header(const uint8_t header[ELF_HEADER_SIZE], uint64_t file_size, struct elf_plan *plan)
{
	Elf64_Ehdr e;

	memset(plan, 0, sizeof *plan);
	memcpy(&e, header, sizeof e);
	if (file_size < sizeof e || memcmp(e.e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB || e.e_ident[EI_VERSION] != EV_CURRENT)
		return -ENOEXEC;
	if (e.e_machine != EM_X86_64 || (e.e_type != ET_EXEC && e.e_type != ET_DYN))
		return -ENOEXEC;
	if (e.e_phentsize != ELF_PHDR_SIZE || e.e_phnum == 0 || e.e_phnum > ELF_HEADERS_MAX)
		return -ENOEXEC;
	if (e.e_phoff > file_size || file_size - e.e_phoff < (uint64_t)e.e_phnum * ELF_PHDR_SIZE)
		return -ENOEXEC;
	plan->dynamic = e.e_type == ET_DYN;
	plan->entry = e.e_entry;
	plan->phoff = e.e_phoff;
	plan->phnum = e.e_phnum;
	return 0;
}

static uint32_t prot_of(uint32_t flags)
{
	return (flags & PF_R ? 1 : 0) | (flags & PF_W ? 2 : 0) | (flags & PF_X ? 4 : 0);
}

static int add_load(const Elf64_Phdr *h, uint64_t file_size, struct elf_plan *plan)
{
	const struct elf_segment *last = plan->count ? &plan->segment[plan->count - 1] : NULL;

	if (h->p_memsz == 0)
		return 0;
	if (plan->count == ELF_SEGMENTS_MAX || h->p_filesz > h->p_memsz)
		return -ENOEXEC;
	if (h->p_offset > file_size || file_size - h->p_offset < h->p_filesz)
		return -ENOEXEC;
	if (h->p_vaddr >= ADDRESS_HIGH || h->p_memsz > ADDRESS_HIGH - h->p_vaddr)
		return -ENOEXEC;
	if (!plan->dynamic && h->p_vaddr < ADDRESS_LOW)
		return -ENOEXEC;
	if ((h->p_vaddr ^ h->p_offset) & (PAGE - 1))
		return -ENOEXEC;
	if (last && h->p_vaddr < last->address + last->memory)
		return -ENOEXEC;
	plan->segment[plan->count++] = (struct elf_segment){ h->p_vaddr, h->p_memsz, h->p_offset, h->p_filesz,
							     prot_of(h->p_flags) };
	return 0;
}

/* Where the program headers are in memory: in the segment that holds their part of the file. */
static void find_phdrs(struct elf_plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++) {
		const struct elf_segment *s = &plan->segment[i];

		if (plan->phoff >= s->offset && plan->phoff - s->offset < s->bytes)
			plan->phdr_address = s->address + (plan->phoff - s->offset);
	}
}

int elf_segments(const uint8_t *phdrs, uint64_t file_size, struct elf_plan *plan)
{
	const struct elf_segment *last;

	for (unsigned i = 0; i < plan->phnum; i++) {
		Elf64_Phdr h;

		memcpy(&h, phdrs + i * ELF_PHDR_SIZE, sizeof h);
		if (h.p_type == PT_LOAD && add_load(&h, file_size, plan))
			return -ENOEXEC;
		if (h.p_type != PT_INTERP)
			continue;
		if (h.p_filesz < 2 || h.p_filesz > ELF_INTERP_MAX || h.p_offset > file_size ||
		    file_size - h.p_offset < h.p_filesz)
			return -ENOEXEC;
		plan->interp_offset = h.p_offset;
		plan->interp_bytes = h.p_filesz;
	}
	if (!plan->count)
		return -ENOEXEC;
	last = &plan->segment[plan->count - 1];
	plan->low = plan->segment[0].address & ~(PAGE - 1);
	plan->high = (last->address + last->memory + PAGE - 1) & ~(PAGE - 1);
	find_phdrs(plan);
	return 0;
}
