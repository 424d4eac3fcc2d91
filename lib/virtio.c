/*
 * virtio.c - see virtio.h.
 */
#include "keros/virtio.h"
#include <string.h>
#include <keros/ioport.h>
#include <keros/node.h>
#include <keros/physmem.h>
#include <keros/space.h>

#define PCI_ADDRESS 0xCF8u
#define PCI_DATA    0xCFCu

enum { PCI_ID = 0, PCI_COMMAND = 4, PCI_HEADER = 0xC, PCI_BAR0 = 0x10, PCI_LINE = 0x3C };
enum virtio_register {
	REG_DRIVER_FEATURES = 4, REG_QUEUE_PFN = 8, REG_QUEUE_SIZE = 12, REG_QUEUE_SELECT = 14, REG_QUEUE_NOTIFY = 16,
	REG_STATUS = 18, REG_ISR = 19,
};
enum { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4 };

#define USED_NO_NOTIFY     1u
#define AVAIL_NO_INTERRUPT 1u
#define RING_LIMIT         256u

/* ---- PCI: bus 0 only, since the machines we run on have no bridge before these devices ------------- */

static uint32_t pci_read(cap_t ioport, unsigned function, unsigned offset)
{
	uint64_t value = ~0ull;

	ioport_out(ioport, PCI_ADDRESS, 4, 0x80000000u | function << 8 | (offset & 0xFC));
	ioport_in(ioport, PCI_DATA, 4, &value);
	return (uint32_t)value;
}

static void pci_write(cap_t ioport, unsigned function, unsigned offset, uint32_t value)
{
	ioport_out(ioport, PCI_ADDRESS, 4, 0x80000000u | function << 8 | (offset & 0xFC));
	ioport_out(ioport, PCI_DATA, 4, value);
}

bool virtio_find(const struct virtio_caps *caps, uint16_t device_id, unsigned nth, struct virtio_device *d)
{
	/* function: device << 3 | function.  A device without function 0 has no others, and one that is no
	 * multifunction device (bit 23 of the header word) answers for function 0 only. */
	for (unsigned function = 0; function < 256; function++) {
		uint32_t id = pci_read(caps->ioport, function, PCI_ID), bar;

		if (function % 8 == 0 && (id == ~0u || !(pci_read(caps->ioport, function, PCI_HEADER) & 1u << 23))) {
			if (id != ((uint32_t)device_id << 16 | VIRTIO_VENDOR)) {
				function += 7;
				continue;
			}
		}
		if (id != ((uint32_t)device_id << 16 | VIRTIO_VENDOR))
			continue;
		bar = pci_read(caps->ioport, function, PCI_BAR0);
		if (!(bar & 1) || !(bar & ~3u) || nth-- > 0)
			continue;
		d->caps = *caps;
		d->io = bar & ~3u;
		d->line = pci_read(caps->ioport, function, PCI_LINE) & 0xFF;
		/* I/O space and bus mastering on, interrupt not disabled. */
		pci_write(caps->ioport, function, PCI_COMMAND,
			  (pci_read(caps->ioport, function, PCI_COMMAND) & 0xFBFFu) | 5);
		return true;
	}
	return false;
}

/* ---- memory ------------------------------------------------------------------------------------------ */

uint64_t virtio_dma(const struct virtio_caps *caps, uint64_t at, unsigned pages)
{
	cap_t bank = CR_BANK;
	struct space_maker maker = space_bank_maker(&bank);
	uint64_t physical = 0;

	if (space_node_make(&maker, 3, CR_TMP0) != RC_OK ||
	    physmem_dma(caps->physmem, pages, CR_TMP0, &physical) != RC_OK ||
	    space_place(caps->root, at, CR_TMP0, 3, &maker) != RC_OK)
		return 0;
	memset((void *)at, 0, pages * PAGE_SIZE);
	return physical;
}

uint64_t virtio_dma_address(const struct virtio_caps *caps, uint64_t at)
{
	uint64_t physical = 0;
	cap_t node;

	if (space_find(caps->root, at, SPACE_LSS_PAGE + 1, NULL, &node) != RC_OK ||
	    node_fetch(node, at >> PAGE_SHIFT & 15, CR_TMP0) != RC_OK)
		return 0;
	physmem_address(caps->physmem, CR_TMP0, &physical);
	return physical;
}

/* ---- the device ---------------------------------------------------------------------------------------- */

uint32_t virtio_read(const struct virtio_device *d, unsigned reg, unsigned size)
{
	uint64_t value = ~0ull;

	ioport_in(d->caps.ioport, d->io + reg, size, &value);
	return (uint32_t)value;
}

void virtio_write(const struct virtio_device *d, unsigned reg, unsigned size, uint32_t value)
{
	ioport_out(d->caps.ioport, d->io + reg, size, value);
}

void virtio_reset(const struct virtio_device *d)
{
	virtio_write(d, REG_STATUS, 1, 0);
	virtio_write(d, REG_STATUS, 1, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	virtio_write(d, REG_DRIVER_FEATURES, 4, 0);
}

void virtio_ready(const struct virtio_device *d)
{
	virtio_write(d, REG_STATUS, 1, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
}

bool virtio_lost(const struct virtio_device *d)
{
	return virtio_read(d, REG_STATUS, 1) == 0;
}

bool virtio_acknowledge(const struct virtio_device *d)
{
	return virtio_read(d, REG_ISR, 1) & 1;
}

/* ---- queues --------------------------------------------------------------------------------------------- */

bool virtio_queue_init(struct virtio_queue *q, struct virtio_device *d, unsigned number, void *at, uint64_t physical)
{
	size_t used_at;

	virtio_write(d, REG_QUEUE_SELECT, 2, number);
	*q = (struct virtio_queue){ .device = d, .number = (uint16_t)number };
	q->size = (uint16_t)virtio_read(d, REG_QUEUE_SIZE, 2);
	if (!q->size || q->size > RING_LIMIT)
		return false;
	/* The layout is the device's: descriptors, available ring, then used ring on its own page. */
	used_at = (16u * q->size + 6 + 2u * q->size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
	q->descriptor = at;
	q->available = (void *)((char *)at + 16u * q->size);
	q->used = (void *)((char *)at + used_at);
	virtio_write(d, REG_QUEUE_PFN, 4, (uint32_t)(physical >> PAGE_SHIFT));
	return true;
}

void virtio_offer(struct virtio_queue *q, unsigned descriptor)
{
	q->available->ring[q->available->index & (q->size - 1)] = (uint16_t)descriptor;
	__sync_synchronize();
	q->available->index++;
}

void virtio_notify(struct virtio_queue *q)
{
	__sync_synchronize();
	if (!(q->used->flags & USED_NO_NOTIFY))
		virtio_write(q->device, REG_QUEUE_NOTIFY, 2, q->number);
}

/* More than the queue holds is no answer: the memory is another life's. */
static bool queue_has(const struct virtio_queue *q)
{
	return (uint16_t)(q->used->index - q->seen - 1) < q->size;
}

bool virtio_want(struct virtio_queue *q, bool wanted)
{
	q->available->flags = wanted ? 0 : AVAIL_NO_INTERRUPT;
	__sync_synchronize();
	return !wanted || !queue_has(q);
}

bool virtio_next(struct virtio_queue *q, unsigned *descriptor, uint32_t *length)
{
	while (queue_has(q)) {
		unsigned at = q->seen & (q->size - 1u);

		__sync_synchronize();
		*descriptor = q->used->ring[at].id;
		*length = q->used->ring[at].length;
		q->seen++;
		if (*descriptor < q->size)
			return true;
	}
	return false;
}
