/*
 * image.c - program images: from an ELF file to a node, and from the node to a process.
 *
 * Invariants
 *   1. image_parse trusts nothing in the file: every offset is checked against the length,
 *      every address against IMAGE_LOW..IMAGE_HIGH, before either is used.
 *   2. An image has at most one writable segment, and it is the highest: so the memory of an
 *      instance is shared pages, copied pages, zero pages, in this order.
 *   3. Nothing of an instance is shared with another one except through sensory capabilities.
 */
#include <elf.h>
#include <string.h>
#include <keros/image.h>
#include <keros/node.h>
#include <keros/number.h>
#include <keros/page.h>
#include <keros/process.h>

#define LSS_PROGRAM 5                  /* 16 MiB: program and stack */

static uint64_t page_round(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

/* ---- reading an ELF file ------------------------------------------------------------------- */

static const char *segment_parse(const Elf64_Phdr *ph, uint64_t length, struct image_file *file)
{
	struct image_layout *l = &file->layout;
	uint64_t start = ph->p_vaddr & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t skew = ph->p_vaddr - start;

	if (ph->p_vaddr < IMAGE_LOW || ph->p_vaddr >= IMAGE_HIGH || ph->p_memsz > IMAGE_HIGH - ph->p_vaddr)
		return "a segment is outside 4..14 MiB";
	if (ph->p_filesz > ph->p_memsz || ph->p_offset > length || ph->p_filesz > length - ph->p_offset)
		return "a segment is outside the file";
	if ((ph->p_offset & (PAGE_SIZE - 1)) != skew)
		return "a segment is not page-aligned in the file";
	if (l->end != 0)
		return "a segment follows the writable one";
	if (file->count == IMAGE_SEGMENTS)
		return "too many segments";
	for (unsigned i = 0; i < file->count; i++)
		if (file->segment[i].address + file->segment[i].pages * PAGE_SIZE > start)
			return "segments overlap";

	uint64_t file_bytes = ph->p_filesz == 0 ? 0 : skew + ph->p_filesz;
	if (file_bytes != 0)
		file->segment[file->count++] =
			(struct image_segment){ start, ph->p_offset - skew, page_round(file_bytes) / PAGE_SIZE };
	if (ph->p_flags & PF_W) {
		l->data = start;
		l->data_bytes = file_bytes;
		l->end = page_round(ph->p_vaddr + ph->p_memsz);
	} else if (ph->p_memsz > ph->p_filesz) {
		return "a read-only segment is larger than its file part";
	}
	return NULL;
}

const char *image_parse(const void *head, size_t head_length, uint64_t length, struct image_file *file)
{
	Elf64_Ehdr eh;

	memset(file, 0, sizeof *file);
	if (head_length < sizeof eh || length < sizeof eh)
		return "shorter than an ELF header";
	memcpy(&eh, head, sizeof eh);
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_machine != EM_X86_64 || eh.e_type != ET_EXEC)
		return "not an x86-64 ELF executable";
	if (eh.e_phentsize != sizeof(Elf64_Phdr) || eh.e_phnum > 64 || eh.e_phoff > head_length ||
	    eh.e_phnum * sizeof(Elf64_Phdr) > head_length - eh.e_phoff)
		return "its program headers are not in the first page";

	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;
		const char *why;

		memcpy(&ph, (const char *)head + eh.e_phoff + i * sizeof ph, sizeof ph);
		if (ph.p_type != PT_LOAD || ph.p_memsz == 0)
			continue;
		if ((why = segment_parse(&ph, length, file)) != NULL)
			return why;
	}
	if (file->count == 0 || eh.e_entry < IMAGE_LOW || eh.e_entry >= IMAGE_HIGH)
		return "no code, or its entry is outside";
	file->layout.entry = eh.e_entry;

	/* A program without data: the writable memory is empty and above everything. */
	if (file->layout.end == 0)
		file->layout.data = file->layout.end = IMAGE_HIGH;
	return NULL;
}

/* ---- making the node ----------------------------------------------------------------------- */

uint32_t image_build(const struct image_file *file, uint32_t (*page)(void *ctx, uint64_t index, cap_t to), void *ctx,
	    const struct space_maker *maker, cap_t to)
{
	const struct image_layout *l = &file->layout;
	uint32_t rc = space_node_make(maker, LSS_PROGRAM, to);

	/* Until the end, to holds the tree, since space_map leaves us one register only. */
	for (unsigned s = 0; s < file->count; s++) {
		const struct image_segment *seg = &file->segment[s];

		for (uint64_t i = 0; i < seg->pages && rc == RC_OK; i++) {
			if ((rc = page(ctx, seg->offset / PAGE_SIZE + i, CR_TMP0)) == RC_OK)
				rc = space_map(to, seg->address + i * PAGE_SIZE, CR_TMP0, DB_READONLY, maker);
		}
	}
	if (rc != RC_OK || (rc = node_make_sense(to, CR_TMP1)) != RC_OK ||
	    (rc = maker->make(maker->ctx, MAKE_NODE, CR_TMP0)) != RC_OK)
		return rc;
	node_swap(CR_TMP0, IMAGE_TREE, CR_TMP1, CR_VOID);
	node_write_number(CR_TMP0, IMAGE_ENTRY, l->entry, IMAGE_MAGIC);
	node_write_number(CR_TMP0, IMAGE_DATA, l->data, l->data_bytes);
	node_write_number(CR_TMP0, IMAGE_BSS, l->end, IMAGE_STACK_PAGES);
	cap_copy(to, CR_TMP0);
	return RC_OK;
}

/* A number answers RC_VOID as data keys do; its value is in the words all the same. */
static uint32_t image_number(cap_t image, unsigned slot, uint64_t *low, uint64_t *high)
{
	uint32_t rc = node_fetch(image, slot, CR_TMP0);

	*low = *high = 0;
	if (rc == RC_OK)
		number_get(CR_TMP0, low, high);
	return rc;
}

uint32_t image_layout_get(cap_t image, struct image_layout *l)
{
	uint64_t magic, stack = 0;
	uint32_t rc = image_number(image, IMAGE_ENTRY, &l->entry, &magic);

	if (rc == RC_OK)
		rc = image_number(image, IMAGE_DATA, &l->data, &l->data_bytes);
	if (rc == RC_OK)
		rc = image_number(image, IMAGE_BSS, &l->end, &stack);
	l->root_lss = stack >> IMAGE_ROOT_SHIFT & 15 ? stack >> IMAGE_ROOT_SHIFT & 15 : SPACE_LSS_ROOT;
	if (rc != RC_OK || magic != IMAGE_MAGIC || (l->root_lss != 7 && l->root_lss != SPACE_LSS_ROOT) ||
	    (l->data | l->end) & (PAGE_SIZE - 1) || l->data < IMAGE_LOW ||
	    l->end > IMAGE_HIGH || l->data > l->end || l->data_bytes > l->end - l->data)
		return RC_REQUEST;
	return RC_OK;
}

uint64_t image_frames_needed(const struct image_layout *l)
{
	uint64_t pages = (l->end - l->data) / PAGE_SIZE + IMAGE_STACK_PAGES;
	uint64_t nodes = 3 + 2 + (pages / 16 + 2) + (pages / 256 + 2);

	return 1 + pages + nodes / 15 + 2;
}

/* ---- making a process ---------------------------------------------------------------------- */

/*
 * Puts into a slot of parent a node of our own with that lss, which begins as a sensory copy
 * of what was there, so that its unchanged slots stay shared.  The node is left in to.
 */
static uint32_t node_own(cap_t parent, unsigned slot, unsigned lss_and_flags, const struct space_maker *maker, cap_t to)
{
	uint64_t data_byte;
	uint32_t rc = space_node_make(maker, lss_and_flags, to);

	if (rc == RC_OK)
		rc = node_fetch(parent, slot, CR_TMP1);
	if (rc == RC_OK && node_data_byte(CR_TMP1, &data_byte) == RC_OK)
		rc = node_clone(to, CR_TMP1);
	return rc == RC_OK ? node_swap(parent, slot, to, CR_VOID) : rc;
}

/* A writable page that begins as the file's page at va; from keep bytes on it is zeroed. */
static uint32_t data_page_copy(cap_t node, unsigned slot, uint64_t keep, const struct space_maker *maker)
{
	static const char zeroes[PAGE_SIZE];
	uint32_t rc = maker->make(maker->ctx, MAKE_PAGE, CR_TMP0);

	if (rc == RC_OK)
		rc = node_fetch(node, slot, CR_TMP1);
	if (rc == RC_OK)
		rc = page_clone(CR_TMP0, CR_TMP1);
	if (rc == RC_OK && keep < PAGE_SIZE)
		rc = page_write(CR_TMP0, keep, zeroes, PAGE_SIZE - keep);
	return rc == RC_OK ? node_swap(node, slot, CR_TMP0, CR_VOID) : rc;
}

/* Pages from va to end, and no further than the lss-3 node's last slot. */
static unsigned pages_here(uint64_t va, uint64_t end)
{
	unsigned room = 16u - (va >> PAGE_SHIFT & 15);

	return (end - va) >> PAGE_SHIFT < room ? (end - va) >> PAGE_SHIFT : room;
}

/*
 * A node of our own for what stands in a slot of parent, with pages of our own from its first slot on: all made at once,
 * and filled at once from the file's, which are found in the node that was there; what it has no page for is zero.  The
 * last part of a page that is only partly the file's is made zero again.
 */
static uint32_t leaf_fill(cap_t parent, uint64_t va, uint64_t file_end, unsigned count, const struct space_maker *maker)
{
	static const char zeroes[PAGE_SIZE];
	unsigned slot = va >> 16 & 15, files = 0;
	uint32_t rc = space_node_make(maker, 3 | DB_NOEXEC, CR_TMP2);

	if (va < file_end)
		files = (file_end - va + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (files > count)
		files = count;
	if (rc == RC_OK)
		rc = maker->make_many(maker->ctx, MAKE_PAGE, count, CR_TMP2);
	if (rc == RC_OK && files > 0)
		rc = node_fetch(parent, slot, CR_TMP1);
	if (rc == RC_OK && files > 0)
		rc = node_copy_pages(CR_TMP2, files, CR_TMP1);
	if (rc == RC_OK && files > 0 && va + ((uint64_t)files << PAGE_SHIFT) > file_end) {
		uint64_t keep = file_end & (PAGE_SIZE - 1);

		rc = node_fetch(CR_TMP2, files - 1, CR_TMP0);
		if (rc == RC_OK)
			rc = page_write(CR_TMP0, keep, zeroes, PAGE_SIZE - keep);
	}
	return rc == RC_OK ? node_swap(parent, slot, CR_TMP2, CR_VOID) : rc;
}

/* The same where the node keeps some of what it had: page by page. */
static uint32_t leaf_change(cap_t parent, uint64_t va, uint64_t file_end, unsigned count, const struct space_maker *maker)
{
	uint32_t rc = node_own(parent, va >> 16 & 15, va & 0xFFFF ? 3 : 3 | DB_NOEXEC, maker, CR_TMP2);

	for (; count > 0 && rc == RC_OK; count--, va += PAGE_SIZE) {
		unsigned slot = va >> PAGE_SHIFT & 15;

		if (va < file_end) {
			rc = data_page_copy(CR_TMP2, slot, file_end - va < PAGE_SIZE ? file_end - va : PAGE_SIZE, maker);
			continue;
		}
		rc = maker->make(maker->ctx, MAKE_PAGE, CR_TMP0);
		if (rc == RC_OK)
			rc = node_swap(CR_TMP2, slot, CR_TMP0, CR_VOID);
	}
	return rc;
}

/* Gives the program tree (lss 5, of our own) its writable memory from start to end. */
static uint32_t writable_fill(cap_t program, uint64_t start, uint64_t file_end, uint64_t end,
			      const struct space_maker *maker)
{
	uint64_t va = start;
	uint32_t rc = RC_OK;

	while (va < end && rc == RC_OK) {
		unsigned count = pages_here(va, end);

		if (va == start || (va & 0xFFFFF) == 0)
			rc = node_own(program, va >> 20 & 15, 4, maker, CR_TMP3);
		if (rc != RC_OK)
			break;
		rc = (va & 0xFFFF) == 0 && count > 1 ? leaf_fill(CR_TMP3, va, file_end, count, maker)
						     : leaf_change(CR_TMP3, va, file_end, count, maker);
		va += (uint64_t)count << PAGE_SHIFT;
	}
	return rc;
}

/* The program tree into the register space, then the nodes above it, which take that register. */
static uint32_t space_fill(cap_t image, const struct image_layout *l, const struct space_maker *maker, cap_t space)
{
	uint64_t stack = IMAGE_STACK_TOP - IMAGE_STACK_PAGES * PAGE_SIZE;
	uint32_t rc = space_node_make(maker, LSS_PROGRAM, space);

	if (rc == RC_OK)
		rc = node_fetch(image, IMAGE_TREE, CR_TMP0);
	if (rc == RC_OK)
		rc = node_clone(space, CR_TMP0);
	if (rc == RC_OK)
		rc = writable_fill(space, l->data, l->data + l->data_bytes, l->end, maker);
	if (rc == RC_OK)
		rc = writable_fill(space, stack, stack, IMAGE_STACK_TOP, maker);

	/* A node of lss 7 for the low 4 GiB, where heap and mappings join the program; then the root. */
	for (unsigned lss = 7; lss <= l->root_lss && rc == RC_OK; lss += 2) {
		rc = space_node_make(maker, lss, CR_TMP1);
		if (rc == RC_OK)
			rc = node_swap(CR_TMP1, 0, space, CR_VOID);
		if (rc == RC_OK)
			cap_copy(space, CR_TMP1);
	}
	return rc;
}

uint32_t image_instantiate_as(cap_t image, const struct image_layout *l, const struct space_maker *maker, cap_t schedule,
		     cap_t process, cap_t work)
{
	uint32_t rc = space_fill(image, l, maker, work);

	if (rc == RC_OK)
		rc = maker->make(maker->ctx, MAKE_PROCESS, process);
	if (rc == RC_OK)
		rc = process_swap_slot(process, PSLOT_SPACE, work, CR_VOID);
	if (rc == RC_OK)
		rc = process_swap_slot(process, PSLOT_SCHEDULE, schedule, CR_VOID);
	if (rc == RC_OK)
		rc = process_swap_reg(process, CR_SELF, process, CR_VOID);
	return rc;
}

uint32_t image_instantiate(cap_t image, const struct space_maker *maker, cap_t schedule, cap_t process, cap_t work)
{
	struct image_layout l;
	uint32_t rc = image_layout_get(image, &l);

	return rc == RC_OK ? image_instantiate_as(image, &l, maker, schedule, process, work) : rc;
}

uint32_t image_run_as(const struct image_layout *l, cap_t process, const uint64_t *words)
{
	struct reg_image regs;
	uint32_t rc;

	memset(&regs, 0, sizeof regs);
	regs.rip = l->entry;
	regs.rsp = IMAGE_STACK_TOP - 64;
	regs.rflags = 0x202;
	if (words != NULL) {
		regs.rdi = words[0];
		regs.rsi = words[1];
		regs.rdx = words[2];
		regs.r10 = words[3];
	}
	rc = process_set_regs(process, &regs, sizeof regs);
	return rc == RC_OK ? process_run(process) : rc;
}

uint32_t image_run(cap_t image, cap_t process, const uint64_t *words)
{
	struct image_layout l;
	uint32_t rc = image_layout_get(image, &l);

	return rc == RC_OK ? image_run_as(&l, process, words) : rc;
}
