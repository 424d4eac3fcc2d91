/*
 * persist_open.c - a disk becomes the store of this machine, and the system in it goes on.
 *
 * Invariants
 *   1. A disk that is refused is left as it was: nothing is written before store_open has found a store that it knows.
 *   2. All memory that the store will use is given here (persist_plan says how much), and never more.
 *   3. Every process of the stored system is in memory before any of them runs.
 *
 * Interface
 *   1. Boot calls persist_plan, persist_open and persist_restart once each, in this order, and nothing else does.
 *   2. What cannot be gone on with ends in a message that says what to do, and in a status that the host's command knows.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "object/device.h"
#include "object/layout.h"
#include "object/persist_inner.h"
#include "panic.h"
#include "sched/sched.h"

#define FRAMES_LOW   192               /* enough for the largest single operation */
#define FRAMES_HIGH  448
#define FRAMES_PART  4                 /* of a small machine, no more than one frame in so many is kept free */
#define SCAN_STEP    512
#define JOURNAL_FRAMES_MAX 4096
#ifdef KEROS_TORMENT
#define COPIES_KEPT  2                 /* frames that can be copied on write at once */
#define WRITE_SLOTS  3                 /* objects written at once */
#else
#define COPIES_KEPT  STORE_COPIES
#define WRITE_SLOTS  0                 /* as many as there are requests */
#endif

bool persist_on;
uint32_t persist_life;
uint64_t persist_high, persist_range_end, persist_homes;
uint64_t persist_frames_low;
uint64_t persist_programs_abi, persist_programs_stamp, persist_system_end;
struct store *persist_store;

static struct store_disk disk;
static struct disk_super super;

static uint32_t version_total(uint64_t frame_total)
{
	return frame_total * 2 < 8192 ? 8192 : frame_total * 2;
}

static uint32_t hash_total(uint64_t frame_total)
{
	uint32_t size = 8192;

	while (size < version_total(frame_total))
		size *= 2;
	return size;
}

static uint64_t log_bits(uint64_t frame_total)
{
	return frame_total * 8 < 1 << 20 ? 1 << 20 : frame_total * 8;
}

static uint64_t dir_total(uint64_t frame_total)
{
	return version_total(frame_total) / DIR_ENTRIES + 2;
}

struct plan {
	uint64_t frames, dirty, dirty_words, store, versions, live, hash, log_map, heap, dirs, journal, end;
};

/* Where everything lies in the memory given, as offsets. */
static struct plan plan_of(uint64_t total)
{
	struct plan at = { .frames = 0 };

	at.dirty = (STORE_BUFFERS + STORE_COPIES) * (uint64_t)DISK_FRAME;
	at.dirty_words = at.dirty + (total / 64 + 1) * 8;
	at.store = at.dirty_words + (total / 64 / 64 + 1) * 8;
	at.versions = at.store + (store_size() + 63) / 64 * 64;
	at.live = at.versions + version_total(total) * store_version_bytes();
	at.hash = at.live + version_total(total) * 4ull;
	at.log_map = at.hash + hash_total(total) * 4ull;
	at.heap = at.log_map + log_bits(total) / 8;
	at.dirs = at.heap + version_total(total) * 4ull;
	at.journal = at.dirs + 2 * ((dir_total(total) * 4 + 7) & ~7ull);
	at.end = at.journal + JOURNAL_FRAMES_MAX * JOURNAL_PAGES * 4ull;
	return at;
}

uint64_t persist_plan(uint64_t frame_total)
{
	return arch_disk_find(&disk) ? plan_of(frame_total).end : 0;
}

static __attribute__((noreturn)) void refuse(const char *why)
{
	kprintf("keros: the disk %s; it is left as it is. Give another file with --disk.\n", why);
	arch_power_off(STORE_END_REFUSED);
}

static volatile uint32_t boot_read_answer;

/* Before the store is open: one frame, waited for. */
static void boot_read(uint64_t frame, void *data)
{
	struct disk_request r = { .frame = frame, .data = data, .op = DISK_READ };

	boot_read_answer = 0;
	KCHECK(27, disk.submit(disk.context, &r, 1) == 1, "an idle disk takes a request");
	while (!boot_read_answer)
		arch_disk_poll();
	if (boot_read_answer != 1)
		refuse("cannot be read");
}

void persist_disk_done(uint32_t tag, bool ok)
{
	if (persist_on)
		store_disk_done(persist_store, tag, ok);
	else
		boot_read_answer = ok ? 1 : 2;
}

void persist_open(void *memory, uint64_t frame_total, uint64_t pack_pages)
{
	struct plan at = plan_of(frame_total);
	struct store_status status;
	uint8_t *base = memory;
	struct store_memory m = { .versions = (void *)(base + at.versions), .version_count = version_total(frame_total),
		.live = (void *)(base + at.live), .hash = (void *)(base + at.hash), .hash_size = hash_total(frame_total),
		.log_map = (void *)(base + at.log_map), .heap = (void *)(base + at.heap),
		.journal_lids = (void *)(base + at.journal), .frames = base, .copy_count = COPIES_KEPT,
		.write_slots = WRITE_SLOTS, .scan_step = SCAN_STEP };

	m.dirs[0] = (void *)(base + at.dirs);
	m.dirs[1] = (void *)(base + at.dirs + ((dir_total(frame_total) * 4 + 7) & ~7ull));
	boot_read(SUPER_FRAME, base);
	if (super_judge(base, disk.frames, &super))
		refuse("holds no store that this kernel knows");
	if (super.log_frames > log_bits(frame_total) || super.journal_frames > JOURNAL_FRAMES_MAX)
		refuse("has a log too large for this machine's memory (--mem)");
	persist_frames_high = range_frames / FRAMES_PART < FRAMES_HIGH ? range_frames / FRAMES_PART : FRAMES_HIGH;
	persist_frames_low = range_frames / FRAMES_PART < FRAMES_HIGH ? persist_frames_high / 2 : FRAMES_LOW;
	persist_dirty_map((void *)(base + at.dirty), (void *)(base + at.dirty_words));
	persist_store = (void *)(base + at.store);
	persist_homes = super.homes;
	(void)layout_sum();            /* now, and not in the first demarcation */
	persist_on = true;
	persist_programs_abi = KERNEL_ABI_NOW;
	store_open(persist_store, &disk, &persist_cache, &m, &super);
	while (!store_ready(persist_store))
		persist_wait();
	store_get_status(persist_store, &status);
	if (status.unproven_header)
		kprintf("keros: a generation was not finished when power went; generation %u goes on\n", status.generation);
	if (status.older_header)
		kprintf("keros: one header of the disk is damaged, or was being written when power went: generation %u may not\n"
			"be the newest that was committed\n", status.generation);
	arch_disk_interrupts();
	store_epoch = store_current_epoch(persist_store);
	persist_range_end = super.homes > pack_pages ? super.homes - pack_pages : 0;
	if (persist_range_end < 4096)
		refuse("is too small for the boot pack");
}

/*
 * A process that the disk cannot give back.  One of the system's own, and all would wait for it for ever: then it is better to
 * say so and stop.  Any other is missed by those who hold capabilities to it, and they are told (RC_DISK).
 */
static void process_lost(uint64_t oid, int result)
{
	if (persist_system_end && oid >= persist_system_end)
		return;
	kprintf("keros: object %lu may be a process of the system itself: without it nothing goes on. 'keros store FILE' lists what\n"
		"is wrong; go back to an older copy of the image, or give another file with --disk.\n", oid);
	persist_failed(result);
}

/* An object of a group that may have processes: it is brought in if it is one. */
static void process_fetch(uint64_t oid)
{
	uint8_t kind = 0;
	int result;

	while ((result = store_kind(persist_store, oid, &kind)) == STORE_WAIT)
		persist_wait();
	if (result != STORE_OK) {
		struct frame unknown = { .oid = oid };

		process_lost(oid, result);
		persist_lose(&unknown, false, result);
	} else if (kind == FRAME_PROCESS && !frame_get(oid)) {
		if (!persist_lost(oid))
			refuse("holds more processes than this machine's memory (--mem)");
		process_lost(oid, STORE_BAD);
	}
	if (kind == FRAME_PROCESS)
		persist_process_made(oid);
}

/* The tags of the groups to come are on their way while those of one are looked at. */
static void processes_fetch(const uint64_t *words)
{
	uint64_t end = (persist_high + GROUP_HOMES - 1) / GROUP_HOMES, ahead = 0;

	for (uint64_t group = persist_group_next(words, 0, end), left = 0; group < end; left--) {
		for (; ahead < end && left < STORE_TAGS_AHEAD; left++) {
			store_tags_ahead(persist_store, ahead);
			ahead = persist_group_next(words, ahead + 1, end);
		}
		for (uint64_t oid = group * GROUP_HOMES; oid < (group + 1) * GROUP_HOMES && oid < persist_high; oid++)
			if (oid)
				process_fetch(oid);
		group = persist_group_next(words, group + 1, end);
	}
}

/* What the last life had asked the machine for. */
static void process_resume(struct process *p)
{
	uint16_t bits = p->irq_bits | p->restart_bits | (p->commit_generation ? p->commit_bits : 0);

	persist_processes++;
	if (p->commit_generation) {
		frame_dirty(process_frame(p));
		p->commit_generation = 0;
	}
	schedule_refresh(p);                   /* also of those who wait: it is what they will run with */
	if (p->state == PROC_RUNNING)
		sched_ready(p);
	if (p->alarm_ns)
		sched_alarm(p, p->alarm_bits, p->alarm_ns);
	if (bits)
		notice_deliver(p, bits);
}

static __attribute__((noreturn)) void refuse_system(const uint64_t *root, const char *why)
{
	kprintf("keros: the disk %s (layout %lu, sum %lx, ABI %lu; here %u, %lx, %u); it is left as it is. Go on with the build\n"
		"that made it, or give another file with --disk; doc/upgrade.md says more.\n", why, root[ROOT_LAYOUT], root[ROOT_SUM],
		root[ROOT_ABI], LAYOUT_NOW, layout_sum(), KERNEL_ABI_NOW);
	arch_power_off(STORE_END_REFUSED);
}

bool persist_restart(uint64_t pack_stamp)
{
	const uint64_t *root = store_root(persist_store);
	const char *why;
	uint64_t start_ns = arch_now_ns();

	persist_life = 1;
	persist_programs_stamp = pack_stamp;
	if (root[ROOT_LAYOUT] == 0)
		return false;
	why = layout_judge(root);
	if (why)
		refuse_system(root, why);
	persist_programs_abi = root[ROOT_LAYOUT] > 3 ? root[ROOT_ABI] : KERNEL_ABI_NOW;
	persist_programs_stamp = root[ROOT_PROGRAMS];
	persist_mark_word = root[ROOT_MARK];
	persist_system_end = root[ROOT_SYSTEM];
	if (root[ROOT_INTERVAL_NS])
		persist_interval_ns = root[ROOT_INTERVAL_NS];
	persist_high = root[ROOT_HIGH];
	persist_life = root[ROOT_LIFE] + 1;
	persist_range_end = root[ROOT_RANGE_END];
	arch_time_continue(root[ROOT_NOW_NS], root[ROOT_TSC], root[ROOT_TSC_USER]);
	physmem_continue(root[ROOT_DMA]);
	processes_fetch(&root[ROOT_GROUPS]);
	for (uint64_t pfn = 1; pfn < frame_count; pfn++)
		if (frames[pfn].kind == FRAME_PROCESS)
			process_resume(frame_data(&frames[pfn]));
	for (uint64_t pfn = 1; persist_lost_count && pfn < frame_count; pfn++)
		if (frames[pfn].kind == FRAME_PROCESS)
			answer_lost(frame_data(&frames[pfn]));
	kprintf("keros: life %u goes on from generation %u, %lu processes, %lu us after the start\n", persist_life,
		store_current_epoch(persist_store) - 1, persist_processes, (start_ns + arch_now_ns() - root[ROOT_NOW_NS]) / 1000);
	if (persist_programs_stamp != pack_stamp)
		kprintf("keros: it goes on with the programs that it was started with; the loader's are others\n");
	return true;
}
