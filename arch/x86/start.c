/*
 * start.c - boot_main: from the loader's words to kernel_start.
 *
 * Memory is divided once: the kernel's image, the pack, the frame headers, the object
 * directory, the page-table frames, the DMA frames; the rest holds objects.
 */
#include "arch.h"
#include "boot.h"
#include "mem/space.h"
#include "object/object.h"
#include "object/persist.h"
#include "panic.h"
#include "sched/sched.h"
#include "x86.h"

#define PVH_MAGIC 0x336EC578u
#define MULTIBOOT_MAGIC 0x36D76289u
/* For drivers: the console's 128 KiB, and on a machine that can spare it what the host's shares work with. */
#define DMA_FRAMES_LEAST 64
#define DMA_FRAMES_MOST  384
#define DMA_MOST_FROM    (40ull << 20)
#define LOW_MEMORY_END 0x100000ull     /* the first MiB is left alone: firmware, SMP later */

struct pvh_info {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, command_line, rsdp, memory_map;
	uint32_t memory_entries, reserved;
};

struct pvh_module {
	uint64_t address, size, command_line, reserved;
};

struct pvh_memory {
	uint64_t address, size;
	uint32_t type, reserved;
};

_Static_assert(sizeof(struct pvh_info) == 56 && sizeof(struct pvh_module) == 32 && sizeof(struct pvh_memory) == 24,
	       "the PVH boot protocol");

struct multiboot_tag {
	uint32_t type, size;
};

struct multiboot_module {
	uint32_t type, size, start, end;
};

struct multiboot_memory {
	uint32_t type, size, entry_size, version;
	struct {
		uint64_t address, length;
		uint32_t type, reserved;
	} entry[];
};

struct range {
	uint64_t start, end;           /* bytes */
};

extern const uint8_t image_end[];
static struct range memory[32];
static unsigned memory_count;
static uint64_t pack_start, pack_size;
static uint64_t take_next, take_end;   /* where the boot structures go */

static void *physical(uint64_t address)
{
	return (void *)(PHYSICAL_BASE + address);
}

static void add_memory(uint64_t start, uint64_t size)
{
	uint64_t end = (start + size) & ~(PAGE_SIZE - 1ull);

	start = (start + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
	if (start < LOW_MEMORY_END)
		start = LOW_MEMORY_END;
	if (start < end && memory_count < 32)
		memory[memory_count++] = (struct range){ start, end };
}

static void read_pvh(const struct pvh_info *info)
{
	const struct pvh_memory *m = physical(info->memory_map);
	const struct pvh_module *module = physical(info->module_list);

	KCHECK(28, info->magic == PVH_MAGIC, "the loader speaks PVH or Multiboot 2");
	for (uint32_t i = 0; i < info->memory_entries; i++)
		if (m[i].type == 1)
			add_memory(m[i].address, m[i].size);
	if (info->modules) {
		pack_start = module->address;
		pack_size = module->size;
	}
}

static void read_multiboot(const uint8_t *info)
{
	const uint8_t *end = info + *(const uint32_t *)info;

	for (const uint8_t *at = info + 8; at < end;) {
		const struct multiboot_tag *tag = (const void *)at;

		if (tag->type == 0)
			break;
		if (tag->type == 3 && !pack_size) {
			const struct multiboot_module *m = (const void *)at;

			pack_start = m->start;
			pack_size = m->end - m->start;
		}
		if (tag->type == 6) {
			const struct multiboot_memory *m = (const void *)at;

			for (uint32_t i = 0; i < (m->size - 16) / m->entry_size; i++)
				if (m->entry[i].type == 1)
					add_memory(m->entry[i].address, m->entry[i].length);
		}
		at += (tag->size + 7) & ~7u;
	}
}

/* Cuts [start, end) out of the memory ranges. */
static void reserve(uint64_t start, uint64_t end)
{
	start &= ~(PAGE_SIZE - 1ull);
	end = (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
	for (unsigned i = 0; i < memory_count; i++) {
		struct range r = memory[i];

		if (end <= r.start || start >= r.end)
			continue;
		memory[i].end = start > r.start ? start : r.start;
		if (end < r.end && memory_count < 32)
			memory[memory_count++] = (struct range){ end, r.end };
	}
}

/* A run of frames below 4 GiB for the boot structures, from the largest range there. */
static void choose_area(uint64_t bytes)
{
	unsigned best = 0;

	for (unsigned i = 0; i < memory_count; i++)
		if (memory[i].end <= 1ull << 32 && memory[i].end - memory[i].start > memory[best].end - memory[best].start)
			best = i;
	KCHECK(19, memory_count && memory[best].end - memory[best].start > bytes + (4 << 20),
	       "the machine has memory enough (at least 24 MiB)");
	take_next = memory[best].start;
	take_end = take_next + bytes;
	reserve(take_next, take_end);
}

static uint64_t take(uint64_t bytes)
{
	uint64_t at = take_next;

	take_next += (bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
	KCHECK(22, take_next <= take_end, "the boot structures fit their area");
	__builtin_memset(physical(at), 0, take_next - at);
	return at;
}

static uint64_t take_frame(void)
{
	return take(PAGE_SIZE) >> PAGE_SHIFT;
}

static uint64_t round_power(uint64_t n)
{
	uint64_t power = 1024;

	while (power < n)
		power *= 2;
	return power;
}

static void check_offsets(void)
{
	_Static_assert(__builtin_offsetof(struct cpu, frame_top) == 8, "entry.S");
	_Static_assert(__builtin_offsetof(struct cpu, user_rsp) == 16, "entry.S");
	_Static_assert(__builtin_offsetof(struct cpu, kernel_stack) == 24, "entry.S");
	_Static_assert(__builtin_offsetof(struct process, regs) == 8, "entry.S");
	_Static_assert(__builtin_offsetof(struct process, foreign_entry) == 192, "entry.S");
	_Static_assert(__builtin_offsetof(struct process, flags) == 201, "entry.S");
	_Static_assert(PROCESS_SYSRET == 1, "entry.S");
}

static uint64_t memory_end(void)
{
	uint64_t end = pack_start + pack_size;

	for (unsigned i = 0; i < memory_count; i++)
		if (memory[i].end > end)
			end = memory[i].end;
	return (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull);
}

__attribute__((noreturn)) void boot_main(uint32_t magic, uint32_t loader_info);
void boot_main(uint32_t magic, uint32_t loader_info)
{
	static struct boot_info info;
	uint64_t end, count, hash, tables, persist, dma;

	check_offsets();
	serial_init();
	if (magic == MULTIBOOT_MAGIC)
		read_multiboot(physical(loader_info));
	else
		read_pvh(physical(loader_info));
	end = memory_end();
	count = end >> PAGE_SHIFT;
	hash = round_power(count / 2);
	tables = count / 32 < 256 ? 256 : count / 32;
	reserve((uint64_t)0, (uint64_t)image_end - KERNEL_VIRTUAL);
	if (pack_size)
		reserve(pack_start, pack_start + pack_size);
	persist = persist_plan(count);
	dma = end < DMA_MOST_FROM ? DMA_FRAMES_LEAST : DMA_FRAMES_MOST;
	choose_area(persist + PAGE_SIZE + count * sizeof(struct frame) + hash * 4 + (tables + dma) * PAGE_SIZE +
		    (count / 512 + 4 * (end >> 30) + 64) * 8 + 600 * PAGE_SIZE);

	tables_init(end, take_frame);
	descriptors_init();
	fpu_init();
	frame_cache_init(physical(take(count * sizeof(struct frame))), count, physical(take(hash * 4)), hash);
	info.table_first_pfn = take(tables * PAGE_SIZE) >> PAGE_SHIFT;
	info.table_count = tables;
	info.dma_first_pfn = take(dma * PAGE_SIZE) >> PAGE_SHIFT;
	info.dma_count = dma;
	if (persist)
		info.persist_memory = physical(take(persist));
	info.pack_address = pack_start;
	info.pack_length = pack_size;
	for (unsigned i = 0; i < memory_count; i++)
		if (memory[i].start < memory[i].end)
			info.region[info.regions++] = (struct boot_region){ memory[i].start >> PAGE_SHIFT,
				(memory[i].end - memory[i].start) >> PAGE_SHIFT };
	pic_init();
	time_init();
	kernel_start(&info);
}
