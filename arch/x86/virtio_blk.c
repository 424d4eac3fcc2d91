/*
 * virtio_blk.c - the store's disk: a legacy (transitional) virtio block device over I/O ports.
 *
 * Virtio 1.1, section 5.2; legacy registers in 4.1.4.8.  A request is three descriptors: what to do, the
 * frame, one byte of answer; request slot i always has descriptors 3i..3i+2.  Frames that follow each other on the
 * disk are one request of the device: the first slot's, in whose chain the frame descriptors of the others stand.
 *
 * Invariants
 *   1. A slot is free or with the device; its tag and answer byte are valid in the latter case only.
 *   2. The device reads and writes only the ring below and frames that lie in the kernel's map of all memory.
 *   3. Reading the ISR register lowers the interrupt line, which other devices may share.  It costs the emulator
 *      a lock, so it is read when something is done, and when the line interrupts.
 *   4. The device writes through or back as its configuration says when it takes a request up (5.2.6.2; QEMU reads it
 *      then): it is not told to write back while a write-through is with it.
 */
#include "arch.h"
#include "object/persist.h"
#include "panic.h"
#include "pci.h"
#include "x86.h"

#define SLOTS       256u
#define QUEUE_LIMIT 1024u
#define SECTORS     (DISK_FRAME / DISK_SECTOR)

enum legacy_register {
	REG_DEVICE_FEATURES = 0, REG_DRIVER_FEATURES = 4, REG_QUEUE_PFN = 8, REG_QUEUE_SIZE = 12,
	REG_QUEUE_SELECT = 14, REG_QUEUE_NOTIFY = 16, REG_STATUS = 18, REG_ISR = 19, REG_CAPACITY = 20,
};
enum device_status { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4 };

#define FEATURE_FLUSH (1u << 9)
#define FEATURE_MODE  (1u << 11)       /* the driver may choose between write-back and write-through */
#define REG_MODE      (20 + 32)        /* device configuration: 1, writes are cached until a flush; 0, they are durable */
#define DESC_NEXT  1
#define DESC_WRITE 2

enum { BLK_IN = 0, BLK_OUT = 1, BLK_FLUSH = 4 };

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

/* The layout is the device's: descriptors, available ring; then the used ring on its own page. */
static uint8_t ring[16 * QUEUE_LIMIT + 2 * QUEUE_LIMIT + 8192 + 8 * QUEUE_LIMIT + 4096] __attribute__((aligned(4096)));

static struct {
	struct { uint32_t type, reserved; uint64_t sector; } head;
	uint32_t tag;
	volatile uint8_t answer;       /* of the first slot of a request */
	bool busy, through;
	uint16_t next;                 /* the slot whose frame follows, or NO_SLOT */
} slots[SLOTS];

#define NO_SLOT    0xFFFFu
static uint16_t free_slots[SLOTS];     /* a stack */
static unsigned free_count;
static unsigned through_count;         /* write-throughs that are with the device */
static bool writes_through;            /* the device's mode */
#define RUN_FRAMES 64u                 /* in one request */

static uint16_t io_base, queue_size, used_seen, slot_total;
static int irq_line = -1;
static struct descriptor *descriptors;
static volatile uint16_t *available, *used;

static uint64_t image_address(const void *p)
{
	return (uint64_t)p - KERNEL_VIRTUAL;
}

static bool pci_find_disk(void)
{
	for (unsigned device = 0; device < 32; device++) {
		uint32_t bar;

		if (pci_read(device, 0) != 0x10011AF4u)
			continue;
		bar = pci_read(device, 0x10);
		if (!(bar & 1) || (bar & ~3u) == 0)
			continue;
		io_base = bar & ~3u;
		irq_line = pci_read(device, 0x3C) & 0xFF;
		/* I/O space and bus mastering on, interrupt not disabled. */
		pci_write(device, 4, (pci_read(device, 4) & 0xFBFFu) | 5);
		return true;
	}
	return false;
}

static void slot_fill(unsigned i, const struct disk_request *r)
{
	struct descriptor *d = &descriptors[3 * i];
	bool flush = r->op == DISK_FLUSH;

	slots[i].head.type = flush ? BLK_FLUSH : r->op == DISK_READ ? BLK_IN : BLK_OUT;
	slots[i].through = r->op == DISK_THROUGH;
	through_count += slots[i].through;
	slots[i].head.reserved = 0;
	slots[i].head.sector = flush ? 0 : r->frame * SECTORS;
	slots[i].tag = r->tag;
	slots[i].answer = 0xFF;
	slots[i].busy = true;
	slots[i].next = NO_SLOT;
	d[0] = (struct descriptor){ image_address(&slots[i].head), 16, DESC_NEXT, 3 * i + (flush ? 2 : 1) };
	if (!flush)
		d[1] = (struct descriptor){ (uint64_t)r->data - arch_physical_base, DISK_FRAME,
					    DESC_NEXT | (r->op == DISK_READ ? DESC_WRITE : 0), 3 * i + 2 };
	d[2] = (struct descriptor){ image_address((const void *)&slots[i].answer), 1, DESC_WRITE, 0 };
}

/* Slot i goes on where the slot `last` ends, in the request that `first` began. */
static void slot_join(unsigned first, unsigned last, unsigned i)
{
	slots[last].next = i;
	descriptors[3 * last + 1].next = 3 * i + 1;
	descriptors[3 * i + 1].next = 3 * first + 2;
}

static void slot_publish(unsigned first)
{
	available[2 + available[1] % queue_size] = 3 * first;
	__sync_synchronize();
	available[1]++;
}

static bool follows(const struct disk_request *a, const struct disk_request *b)
{
	return a->op == b->op && a->op != DISK_FLUSH && a->frame + 1 == b->frame;
}

/* The mode in which the device shall take up what is about to be submitted. */
static void mode_choose(const struct disk_request *batch, unsigned count)
{
	bool back = false, through = through_count != 0;

	for (unsigned i = 0; i < count && i < free_count; i++) {
		back |= batch[i].op == DISK_WRITE;
		through |= batch[i].op == DISK_THROUGH;
	}
	if (writes_through ? through || !back : !through)
		return;
	writes_through = !writes_through;
	arch_port_out(io_base + REG_MODE, 1, !writes_through);
}

static unsigned disk_submit(void *context, const struct disk_request *batch, unsigned count)
{
	unsigned taken = 0, first = NO_SLOT, last = 0, run = 0;

	(void)context;
	mode_choose(batch, count);
	while (free_count && taken < count) {
		unsigned i = free_slots[--free_count];

		slot_fill(i, &batch[taken]);
		if (first != NO_SLOT && run < RUN_FRAMES && follows(&batch[taken - 1], &batch[taken])) {
			slot_join(first, last, i);
			run++;
		} else {
			if (first != NO_SLOT)
				slot_publish(first);
			first = i;
			run = 1;
		}
		last = i;
		taken++;
	}
	if (first != NO_SLOT)
		slot_publish(first);
	__sync_synchronize();
	if (taken)
		arch_port_out(io_base + REG_QUEUE_NOTIFY, 2, 0);
	return taken;
}

static void run_done(unsigned first, bool ok)
{
	for (unsigned i = first; i != NO_SLOT; i = slots[i].next) {
		slots[i].busy = false;
		through_count -= slots[i].through;
		free_slots[free_count++] = i;
		persist_disk_done(slots[i].tag, ok);
	}
}

bool arch_disk_interrupted(void)
{
	return arch_port_in(io_base + REG_ISR, 1) & 1;
}

void arch_disk_poll(void)
{
	if (irq_line < 0 || used_seen == used[1])
		return;
	(void)arch_port_in(io_base + REG_ISR, 1);
	while (used_seen != used[1]) {
		unsigned i = *(volatile uint32_t *)&used[2 + 4 * (used_seen % queue_size)] / 3;

		used_seen++;
		if (i >= slot_total || !slots[i].busy)
			continue;
		run_done(i, slots[i].answer == 0);
	}
}

void arch_disk_interrupts(void)
{
	arch_irq_mask(irq_line, false);
}

bool arch_disk_masked(void)
{
	return irq_masked(irq_line);
}

bool arch_disk_line(unsigned line)
{
	return irq_line == (int)line;
}

/* Whether it does what it is told; it writes back then. */
static bool mode_obeys(void)
{
	arch_port_out(io_base + REG_MODE, 1, 0);
	if (arch_port_in(io_base + REG_MODE, 1) != 0)
		return false;
	arch_port_out(io_base + REG_MODE, 1, 1);
	return arch_port_in(io_base + REG_MODE, 1) == 1;
}

bool arch_disk_find(struct store_disk *disk)
{
	uint32_t features;
	uint64_t used_at;

	if (!pci_find_disk())
		return false;
	arch_port_out(io_base + REG_STATUS, 1, 0);
	arch_port_out(io_base + REG_STATUS, 1, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	features = arch_port_in(io_base + REG_DEVICE_FEATURES, 4);
	KCHECK(25, features & FEATURE_FLUSH, "the disk can be told to flush (QEMU: cache=writeback)");
	arch_port_out(io_base + REG_DRIVER_FEATURES, 4, features & (FEATURE_FLUSH | FEATURE_MODE));
	arch_port_out(io_base + REG_QUEUE_SELECT, 2, 0);
	queue_size = arch_port_in(io_base + REG_QUEUE_SIZE, 2);
	KCHECK(26, queue_size >= 3 && queue_size <= QUEUE_LIMIT, "the disk's queue is of a size that fits");
	slot_total = queue_size / 3 < SLOTS ? queue_size / 3 : SLOTS;
	for (unsigned i = slot_total; i > 0; i--)
		free_slots[free_count++] = i - 1;
	used_at = (18ull * queue_size + 6 + 4095) & ~4095ull;
	descriptors = (void *)ring;
	available = (void *)(ring + 16 * queue_size);
	used = (void *)(ring + used_at);
	arch_port_out(io_base + REG_QUEUE_PFN, 4, image_address(ring) >> 12);
	arch_port_out(io_base + REG_STATUS, 1, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
	disk->context = NULL;
	disk->frames = (arch_port_in(io_base + REG_CAPACITY, 4) |
			(uint64_t)arch_port_in(io_base + REG_CAPACITY + 4, 4) << 32) / SECTORS;
	disk->submit = disk_submit;
	disk->through = (features & FEATURE_MODE) && mode_obeys();
	return true;
}
