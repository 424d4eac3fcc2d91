/*
 * virtio_serial.c - driver of a legacy (transitional) virtio serial device over I/O ports.
 *
 * Without VIRTIO_CONSOLE_F_MULTIPORT the device is one port with two queues: 0 to receive,
 * 1 to transmit (Virtio 1.1, section 5.3; legacy register layout in 4.1.4.8).
 *
 * Invariants
 *   1. Rings and buffers are DMA pages at DMA_BASE: 16 contiguous pages for the rings and
 *      the receive buffers, 16 for the transmit buffers; both runs are physically contiguous.
 *   2. Descriptor i of a queue always names buffer i.
 *   3. The interrupt line is level-triggered and stays masked from an interrupt to
 *      virtio_serial_rearm; reading the ISR register lowers it.
 */
#include "virtio_serial.h"
#include <keros/bank.h>
#include <keros/irq.h>
#include <keros/node.h>
#include <keros/physmem.h>
#include <keros/space.h>
#include <string.h>
#include "ports.h"

#define DMA_BASE      0x20000000ull
#define DMA_PAGES     16u
#define RING_PAGES    3u               /* of one queue: enough for 256 descriptors */
#define QUEUE_LIMIT   256u
#define RX_FIRST_PAGE (2 * RING_PAGES)
#define RX_BUFFERS    (DMA_PAGES - RX_FIRST_PAGE)
#define TX_BUFFERS    DMA_PAGES

enum { QUEUE_RX = 0, QUEUE_TX = 1 };

enum legacy_register {
	REG_DEVICE_FEATURES = 0, REG_DRIVER_FEATURES = 4, REG_QUEUE_PFN = 8, REG_QUEUE_SIZE = 12,
	REG_QUEUE_SELECT = 14, REG_QUEUE_NOTIFY = 16, REG_STATUS = 18, REG_ISR = 19,
};
enum device_status { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_FAILED = 128 };

#define DESC_WRITE          2u         /* the device writes this buffer */
#define AVAIL_NO_INTERRUPT  1u
#define USED_NO_NOTIFY      1u

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};
struct available {
	volatile uint16_t flags, index;
	volatile uint16_t ring[];
};
struct used {
	volatile uint16_t flags, index;
	struct { volatile uint32_t id, length; } ring[];
};

struct queue {
	struct descriptor *descriptor;
	struct available *available;
	struct used *used;
	uint16_t size;
	uint16_t seen;                     /* used entries we have dealt with */
	uint64_t physical;                 /* of its buffers */
	uint8_t *buffers;
	unsigned number;
};

static struct queue rx, tx;
static uint64_t io_base;
static unsigned line;
static uint64_t tx_sent, tx_done;
static uint32_t tx_busy;                   /* bit i: buffer i is with the device */
static int tx_next = -1;                   /* the buffer being filled */
static bool tx_unannounced;

/* ---- finding it ----------------------------------------------------------------------------- */

static uint32_t pci_read(unsigned bus, unsigned device, unsigned function, unsigned offset)
{
	port_out(0xCF8, 4, 0x80000000u | bus << 16 | device << 11 | function << 8 | (offset & 0xFC));
	return port_in(0xCFC, 4);
}

static void pci_write(unsigned bus, unsigned device, unsigned function, unsigned offset, uint32_t value)
{
	port_out(0xCF8, 4, 0x80000000u | bus << 16 | device << 11 | function << 8 | (offset & 0xFC));
	port_out(0xCFC, 4, value);
}

/* Only bus 0 is searched: the machines we run on have no bridge before the port. */
static bool pci_find(void)
{
	for (unsigned device = 0; device < 32; device++) {
		uint32_t bar;

		if (pci_read(0, device, 0, 0) != 0x10031AF4u)
			continue;
		bar = pci_read(0, device, 0, 0x10);
		if (!(bar & 1) || (bar & ~3u) == 0)
			continue;
		io_base = bar & ~3u;
		line = pci_read(0, device, 0, 0x3C) & 0xFF;
		/* I/O space and bus mastering on, interrupt not disabled. */
		pci_write(0, device, 0, 4, (pci_read(0, device, 0, 4) & 0xFBFFu) | 5);
		return true;
	}
	return false;
}

/* ---- setting up ------------------------------------------------------------------------------- */

/* A run of DMA pages mapped at an address: its physical address, or 0. */
static uint64_t dma_map(uint64_t at)
{
	cap_t bank = CR_BANK;
	struct space_maker maker = space_bank_maker(&bank);
	uint64_t physical = 0;

	if (space_node_make(&maker, 3, CR_TMP0) != RC_OK ||
	    physmem_dma(CR_PHYSMEM, DMA_PAGES, CR_TMP0, &physical) != RC_OK ||
	    space_place(CR_ROOT, at, CR_TMP0, 3, &maker) != RC_OK)
		return 0;
	memset((void *)at, 0, DMA_PAGES * PAGE_SIZE);
	return physical;
}

static bool queue_init(struct queue *q, unsigned number, uint64_t at, uint64_t physical)
{
	size_t used_at;

	q->number = number;
	port_out(io_base + REG_QUEUE_SELECT, 2, number);
	q->size = (uint16_t)port_in(io_base + REG_QUEUE_SIZE, 2);
	if (!q->size || q->size > QUEUE_LIMIT)
		return false;
	/* The layout is the device's: descriptors, available ring, then used ring on its own page. */
	used_at = (16u * q->size + 6 + 2u * q->size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
	q->descriptor = (struct descriptor *)at;
	q->available = (struct available *)(at + 16u * q->size);
	q->used = (struct used *)(at + used_at);
	port_out(io_base + REG_QUEUE_PFN, 4, (uint32_t)(physical >> PAGE_SHIFT));
	return true;
}

static void queue_offer(struct queue *q, unsigned buffer, uint32_t length, uint16_t flags)
{
	q->descriptor[buffer] = (struct descriptor){ q->physical + buffer * PAGE_SIZE, length, flags, 0 };
	q->available->ring[q->available->index & (q->size - 1)] = (uint16_t)buffer;
	__sync_synchronize();
	q->available->index++;
}

static void queue_notify(struct queue *q)
{
	__sync_synchronize();
	if (!(q->used->flags & USED_NO_NOTIFY))
		port_out(io_base + REG_QUEUE_NOTIFY, 2, q->number);
}

/* Tells the device where its rings are, and begins. */
static bool device_begin(uint64_t rings, uint64_t buffers)
{
	port_out(io_base + REG_STATUS, 1, 0);
	port_out(io_base + REG_STATUS, 1, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	port_out(io_base + REG_DRIVER_FEATURES, 4, 0);
	if (!queue_init(&rx, QUEUE_RX, DMA_BASE, rings) ||
	    !queue_init(&tx, QUEUE_TX, DMA_BASE + RING_PAGES * PAGE_SIZE, rings + RING_PAGES * PAGE_SIZE) ||
	    irq_bind(CR_IRQ, line, CR_DEVICE_NOTICE) != RC_OK) {
		port_out(io_base + REG_STATUS, 1, STATUS_FAILED);
		return false;
	}
	rx.buffers = (uint8_t *)DMA_BASE + RX_FIRST_PAGE * PAGE_SIZE;
	rx.physical = rings + RX_FIRST_PAGE * PAGE_SIZE;
	tx.buffers = (uint8_t *)DMA_BASE + DMA_PAGES * PAGE_SIZE;
	tx.physical = buffers;
	port_out(io_base + REG_STATUS, 1, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		queue_offer(&rx, i, PAGE_SIZE, DESC_WRITE);
	queue_notify(&rx);
	virtio_serial_rearm(false);
	return true;
}

bool virtio_serial_start(void)
{
	uint64_t rings, buffers;

	if (!pci_find())
		return false;
	rings = dma_map(DMA_BASE);
	buffers = dma_map(DMA_BASE + DMA_PAGES * PAGE_SIZE);
	return rings && buffers && device_begin(rings, buffers);
}

/* A device that was reset behind our back: the machine was started anew from its store. */
bool virtio_serial_lost(void)
{
	return port_in(io_base + REG_STATUS, 1) == 0;
}

/* The physical address of the DMA page mapped at an address; 0 if there is none. */
static uint64_t dma_address(uint64_t at)
{
	uint64_t physical = 0;
	cap_t node;

	if (space_find(CR_ROOT, at, SPACE_LSS_PAGE + 1, NULL, &node) != RC_OK ||
	    node_fetch(node, at >> PAGE_SHIFT & 15, CR_TMP0) != RC_OK)
		return 0;
	physmem_address(CR_PHYSMEM, CR_TMP0, &physical);
	return physical;
}

bool virtio_serial_restart(void)
{
	uint64_t rings, buffers;

	if (!pci_find())
		return false;
	rings = dma_address(DMA_BASE);
	buffers = dma_address(DMA_BASE + DMA_PAGES * PAGE_SIZE);
	if (!rings || !buffers)
		return false;
	memset((void *)DMA_BASE, 0, 2 * DMA_PAGES * PAGE_SIZE);
	rx.seen = tx.seen = 0;
	tx_busy = 0;
	tx_next = -1;
	tx_unannounced = false;
	tx_done = tx_sent;
	return device_begin(rings, buffers);
}

/* ---- running ------------------------------------------------------------------------------------ */

/* The next entry of the used ring; false if there is none.  The device is not trusted with our memory. */
static bool queue_next(struct queue *q, unsigned limit, unsigned *buffer, uint32_t *length)
{
	while (q->seen != q->used->index) {
		unsigned at = q->seen & (q->size - 1u);

		__sync_synchronize();
		*buffer = q->used->ring[at].id;
		*length = q->used->ring[at].length;
		q->seen++;
		if (*buffer < limit)
			return true;
	}
	return false;
}

static void reap_output(void)
{
	unsigned buffer;
	uint32_t length;

	while (queue_next(&tx, TX_BUFFERS, &buffer, &length)) {
		tx_busy &= ~(1u << buffer);
		tx_done++;
	}
}

void virtio_serial_service(void (*received)(const uint8_t *bytes, size_t n))
{
	unsigned buffer;
	uint32_t length;
	bool any = false;

	port_in(io_base + REG_ISR, 1);
	reap_output();
	while (queue_next(&rx, RX_BUFFERS, &buffer, &length)) {
		received(rx.buffers + buffer * PAGE_SIZE, length < PAGE_SIZE ? length : PAGE_SIZE);
		queue_offer(&rx, buffer, PAGE_SIZE, DESC_WRITE);
		any = true;
	}
	if (any)
		queue_notify(&rx);
}

uint8_t *virtio_serial_buffer(size_t *size)
{
	*size = PAGE_SIZE;
	if (tx_next < 0) {
		reap_output();
		if (!(uint16_t)~tx_busy)
			return NULL;
		tx_next = __builtin_ctz(~tx_busy);
	}
	return tx.buffers + (unsigned)tx_next * PAGE_SIZE;
}

void virtio_serial_send(size_t n)
{
	tx_busy |= 1u << tx_next;
	queue_offer(&tx, (unsigned)tx_next, (uint32_t)n, 0);
	tx_next = -1;
	tx_sent++;
	tx_unannounced = true;
}

void virtio_serial_kick(void)
{
	if (tx_unannounced)
		queue_notify(&tx);
	tx_unannounced = false;
}

bool virtio_serial_rearm(bool want_output)
{
	tx.available->flags = want_output ? 0 : AVAIL_NO_INTERRUPT;
	irq_enable(CR_IRQ, line);
	__sync_synchronize();
	/* What finished before the flag was seen raises no interrupt any more. */
	return !want_output || tx.seen == tx.used->index;
}

uint64_t virtio_serial_sent(void)
{
	return tx_sent;
}

uint64_t virtio_serial_done(void)
{
	return tx_done;
}
