/*
 * boot.c - from a memory map to the first process.
 *
 * The first program is the pack's section "prime".  It gets every authority there is
 * (registers below) and divides it among the services; nothing else is made by the kernel.
 *
 *     1 prime range   2 scratch node   3 self      5 super-schedule   6 log with power switch
 *     7 returner      8 discrim        9 proctool  10 keybits         11 timer    12 irq
 *     13 ioport       14 physmem       15 checkpoint  23 systrace
 *     words: first unused frame of the range, its length, the pack's address and length
 */
#include "arch.h"
#include "boot.h"
#include "keros/abi.h"
#include "object/device.h"
#include "object/object.h"
#include "object/persist.h"
#include "mem/space.h"
#include "panic.h"
#include "sched/sched.h"

#define PRIME_STACK_TOP   0xF00000ull
#define PRIME_STACK_PAGES 16
#define PROGRAM_END       0x1000000ull

/* The parts of ELF64 that a native program needs. */
struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

#define ELF_LOAD 1
#define ELF_X 1
#define ELF_W 2

static uint64_t next_oid = 1;          /* frame 0 of the range stays unused: its reference would be 0 */

static struct frame *boot_frame(enum frame_kind kind)
{
	struct frame *f = frame_get(next_oid++);

	KCHECK(10, f, "memory suffices for the first program");
	if (kind != FRAME_PAGE)
		frame_retype(f, kind);
	frame_dirty(f);
	return f;
}

static struct node *boot_node(void)
{
	static struct frame *pot;
	static unsigned used = NODES_PER_POT;

	if (used == NODES_PER_POT) {
		pot = boot_frame(FRAME_POT);
		used = 0;
	}
	return node_at(pot, used++);
}

/* The node below slot `slot` of n, made with this lss if it is not there. */
static struct node *boot_child(struct node *n, unsigned slot, unsigned lss)
{
	struct cap c;

	if (n->slot[slot].type == CAP_NODE)
		return cap_node(&n->slot[slot]);
	c = node_cap(boot_node(), CAP_NODE, lss);
	node_store(n, slot, &c);
	return cap_node(&c);
}

static void boot_map(struct node *root, uint64_t va, struct cap page)
{
	static const uint8_t lss_below[] = { 7, 5, 4, 3 };
	struct node *n = root;
	unsigned lss = 9;

	for (unsigned i = 0; i < sizeof lss_below; i++) {
		n = boot_child(n, va >> (4 * lss) & 15, lss_below[i]);
		lss = lss_below[i];
	}
	node_store(n, va >> PAGE_SHIFT & 15, &page);
}

static void boot_map_segment(struct node *root, const uint8_t *file, const struct elf_segment *ph)
{
	uint64_t start = ph->vaddr & ~(PAGE_SIZE - 1ull);
	uint64_t file_end = ph->vaddr + ph->filesz;

	for (uint64_t va = start; va < ph->vaddr + ph->memsz; va += PAGE_SIZE) {
		struct frame *f = boot_frame(FRAME_PAGE);
		struct cap page = page_cap(f, ph->flags & ELF_W ? 0 : DB_READONLY);
		uint64_t first = va < ph->vaddr ? ph->vaddr : va;
		uint64_t last = va + PAGE_SIZE < file_end ? va + PAGE_SIZE : file_end;

		if (first < last)
			__builtin_memcpy((uint8_t *)frame_data(f) + (first - va),
					 file + ph->offset + (first - ph->vaddr), last - first);
		if (!(ph->flags & ELF_X))
			page.rights |= CAP_NOEXEC;
		boot_map(root, va, page);
	}
}

/* Builds the program's memory; returns its entry. */
static uint64_t boot_load(struct node *root, const uint8_t *file, uint64_t length)
{
	const struct elf_header *eh = (const struct elf_header *)file;

	KCHECK(11, length > sizeof *eh && *(const uint32_t *)file == 0x464C457F && eh->machine == 62 &&
	       eh->phoff + eh->phnum * sizeof(struct elf_segment) <= length, "the pack's prime is an x86-64 ELF file");
	for (unsigned i = 0; i < eh->phnum; i++) {
		const struct elf_segment *ph = (const struct elf_segment *)(file + eh->phoff) + i;

		if (ph->type != ELF_LOAD)
			continue;
		KCHECK(12, ph->offset + ph->filesz <= length && ph->vaddr + ph->memsz <= PROGRAM_END,
		       "prime's segments lie in the file and below 16 MiB");
		boot_map_segment(root, file, ph);
	}
	return eh->entry;
}

static bool name_is(const char *name, const char *wanted)
{
	while (*name && *name == *wanted) {
		name++;
		wanted++;
	}
	return *name == *wanted;
}

static const struct pack_section *find_prime(const struct boot_info *info)
{
	const struct pack_header *pack = (const void *)(arch_physical_base + info->pack_address);

	KCHECK(13, info->pack_length > sizeof *pack && pack->magic == PACK_MAGIC && pack->version == 1 &&
	       pack->count <= PACK_SECTIONS, "the loader gave a boot pack (QEMU -initrd, GRUB module2)");
	for (unsigned i = 0; i < pack->count; i++) {
		const struct pack_section *s = &pack->section[i];

		if (s->kind == PACK_PROGRAM && name_is(s->name, "prime")) {
			KCHECK(14, s->offset + s->length <= info->pack_length, "prime lies inside the pack");
			return s;
		}
	}
	KCHECK(15, false, "the pack has a program named prime");
	return NULL;
}

static uint64_t pack_stamp(const struct boot_info *info)
{
	const struct pack_header *pack = (const void *)(arch_physical_base + info->pack_address);

	return info->pack_length > sizeof *pack && pack->magic == PACK_MAGIC ? pack->stamp : 0;
}

/* Frames of the object space: those of the store, or else of memory. */
static uint64_t range_length(void)
{
	return persist_on ? persist_range_end : range_frames;
}

static void give_registers(struct process *p)
{
	struct cap *reg = p->caps;

	reg[1] = (struct cap){ .type = CAP_RANGE, .count = (uint32_t)range_length() };
	reg[2] = node_cap(boot_node(), CAP_NODE, 0);
	reg[CR_SELF] = process_cap(p, CAP_PROCESS, 0);
	reg[CR_SCHED] = cap_misc(CAP_SCHEDULE, PRIORITIES - 1, 0);
	reg[CR_LOG] = cap_misc(CAP_LOG, LOG_POWER, 0);
	reg[CR_RETURNER] = cap_misc(CAP_RETURNER, 0, 0);
	reg[8] = cap_misc(CAP_DISCRIM, 0, 0);
	reg[9] = cap_misc(CAP_PROCTOOL, 0, 0);
	reg[10] = cap_misc(CAP_KEYBITS, 0, 0);
	reg[11] = cap_misc(CAP_TIMER, 0, 0);
	reg[12] = cap_misc(CAP_IRQ, 0, IRQ_ANY);
	reg[13] = cap_misc(CAP_IOPORT, 0, 0);
	reg[14] = cap_misc(CAP_PHYSMEM, 0, 0);
	reg[15] = cap_misc(CAP_CHECKPOINT, 0, 0);
	reg[23] = cap_misc(CAP_SYSTRACE, 0, 0);
	p->slots[PSLOT_SCHEDULE] = reg[CR_SCHED];
}

static struct process *boot_prime(const struct boot_info *info)
{
	const struct pack_section *s = find_prime(info);
	const uint8_t *file = (const uint8_t *)(arch_physical_base + info->pack_address) + s->offset;
	struct process *p = frame_data(boot_frame(FRAME_PROCESS));
	struct node *root = boot_node();

	p->regs.rip = boot_load(root, file, s->length);
	p->regs.rsp = PRIME_STACK_TOP;
	for (unsigned i = 1; i <= PRIME_STACK_PAGES; i++) {
		struct cap page = page_cap(boot_frame(FRAME_PAGE), 0);

		page.rights |= CAP_NOEXEC;
		boot_map(root, PRIME_STACK_TOP - i * PAGE_SIZE, page);
	}
	p->slots[PSLOT_SPACE] = node_cap(root, CAP_NODE, 9);
	give_registers(p);
	p->regs.rdi = next_oid;
	p->regs.rsi = range_length();
	p->regs.rdx = info->pack_address;
	p->regs.r10 = info->pack_length;
	return p;
}

void kernel_start(const struct boot_info *info)
{
	struct process *p;

	for (unsigned i = 0; i < info->regions; i++)
		for (uint64_t pfn = info->region[i].first_pfn; pfn < info->region[i].first_pfn + info->region[i].count; pfn++)
			frame_release(pfn);
	space_tables_init(info->table_first_pfn, info->table_count);
	physmem_init(info->pack_address, info->pack_length, info->dma_first_pfn, info->dma_count);
	kprintf("keros: %lu MiB for objects, pack of %lu KiB\n", range_frames >> 8, info->pack_length >> 10);
	cpu.timer_ns = ~0ull;
	if (info->persist_memory)
		persist_open(info->persist_memory, frame_count, (info->pack_length + PAGE_SIZE - 1) >> PAGE_SHIFT);
	if (persist_on && persist_restart(pack_stamp(info)))
		sched_next();
	p = boot_prime(info);
	schedule_refresh(p);
	p->state = PROC_RUNNING;
	sched_ready(p);
	sched_next();
}
