/*
 * virtio_serial.c - driver of a legacy (transitional) virtio serial device, by lib/virtio.c.
 *
 * Without VIRTIO_CONSOLE_F_MULTIPORT the device is one port with two queues: 0 to receive, 1 to transmit
 * (Virtio 1.1, section 5.3).
 *
 * Invariants
 *   1. Rings and buffers are DMA pages at DMA_BASE: 16 contiguous pages for the rings and the receive buffers,
 *      16 for the transmit buffers.
 *   2. Descriptor i of a queue always names buffer i of its side.
 *   3. The interrupt line is level-triggered and stays masked from an interrupt to virtio_serial_rearm; reading
 *      the device's interrupt register lowers it.
 */
#include "virtio_serial.h"
#include <keros/irq.h>
#include <keros/virtio.h>
#include <string.h>
#include "ports.h"

#define DEVICE_SERIAL 0x1003u
#define DMA_BASE      0x20000000ull
#define DMA_PAGES     16u
#define RX_FIRST_PAGE (2 * VIRTIO_RING_BYTES / PAGE_SIZE)
#define RX_BUFFERS    (DMA_PAGES - RX_FIRST_PAGE)
#define TX_BUFFERS    DMA_PAGES

enum { QUEUE_RX = 0, QUEUE_TX = 1 };

/* One direction: a queue, and its buffers of a page each. */
struct side { struct virtio_queue queue; unsigned buffer_count; uint8_t *buffers; uint64_t physical; };

static const struct virtio_caps caps = { CR_IOPORT, CR_PHYSMEM, CR_ROOT };
static struct virtio_device device;
static struct side rx = { .buffer_count = RX_BUFFERS }, tx = { .buffer_count = TX_BUFFERS };
static uint64_t tx_sent, tx_done;
static uint32_t tx_busy;                   /* bit i: buffer i is with the device */
static int tx_next = -1;                   /* the buffer being filled */
static bool tx_unannounced;

/* ---- setting up ------------------------------------------------------------------------------- */

static void side_offer(struct side *s, unsigned buffer, uint32_t length, uint16_t flags)
{
	s->queue.descriptor[buffer] = (struct virtio_descriptor){ s->physical + buffer * PAGE_SIZE, length, flags, 0 };
	virtio_offer(&s->queue, buffer);
}

/* Tells the device where its rings are, and begins. */
static bool device_begin(uint64_t rings, uint64_t buffers)
{
	virtio_reset(&device);
	if (!virtio_queue_init(&rx.queue, &device, QUEUE_RX, (void *)DMA_BASE, rings) ||
	    !virtio_queue_init(&tx.queue, &device, QUEUE_TX, (void *)(DMA_BASE + VIRTIO_RING_BYTES),
			       rings + VIRTIO_RING_BYTES) ||
	    irq_bind(CR_IRQ, device.line, CR_DEVICE_NOTICE) != RC_OK)
		return false;
	rx.buffers = (uint8_t *)DMA_BASE + RX_FIRST_PAGE * PAGE_SIZE;
	rx.physical = rings + RX_FIRST_PAGE * PAGE_SIZE;
	tx.buffers = (uint8_t *)DMA_BASE + DMA_PAGES * PAGE_SIZE;
	tx.physical = buffers;
	virtio_ready(&device);
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		side_offer(&rx, i, PAGE_SIZE, VIRTIO_DESC_WRITE);
	virtio_notify(&rx.queue);
	virtio_serial_rearm(false);
	return true;
}

bool virtio_serial_start(void)
{
	uint64_t rings, buffers;

	if (!virtio_find(&caps, DEVICE_SERIAL, 0, &device))
		return false;
	rings = virtio_dma(&caps, DMA_BASE, DMA_PAGES);
	buffers = virtio_dma(&caps, DMA_BASE + DMA_PAGES * PAGE_SIZE, DMA_PAGES);
	return rings && buffers && device_begin(rings, buffers);
}

bool virtio_serial_lost(void)
{
	return virtio_lost(&device);
}

bool virtio_serial_restart(void)
{
	uint64_t rings, buffers;

	if (!virtio_find(&caps, DEVICE_SERIAL, 0, &device))
		return false;
	rings = virtio_dma_address(&caps, DMA_BASE);
	buffers = virtio_dma_address(&caps, DMA_BASE + DMA_PAGES * PAGE_SIZE);
	if (!rings || !buffers)
		return false;
	memset((void *)DMA_BASE, 0, 2 * DMA_PAGES * PAGE_SIZE);
	tx_busy = 0;
	tx_next = -1;
	tx_unannounced = false;
	tx_done = tx_sent;
	return device_begin(rings, buffers);
}

/* ---- running ------------------------------------------------------------------------------------ */

/* The next buffer that the device is done with; false if there is none.  It is not trusted with our memory. */
static bool side_next(struct side *s, unsigned *buffer, uint32_t *length)
{
	while (virtio_next(&s->queue, buffer, length))
		if (*buffer < s->buffer_count)
			return true;
	return false;
}

static void reap_output(void)
{
	unsigned buffer;
	uint32_t length;

	while (side_next(&tx, &buffer, &length)) {
		tx_busy &= ~(1u << buffer);
		tx_done++;
	}
}

void virtio_serial_service(void (*received)(const uint8_t *bytes, size_t n))
{
	unsigned buffer;
	uint32_t length;
	bool any = false;

	virtio_acknowledge(&device);
	reap_output();
	while (side_next(&rx, &buffer, &length)) {
		received(rx.buffers + buffer * PAGE_SIZE, length < PAGE_SIZE ? length : PAGE_SIZE);
		side_offer(&rx, buffer, PAGE_SIZE, VIRTIO_DESC_WRITE);
		any = true;
	}
	if (any)
		virtio_notify(&rx.queue);
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
	side_offer(&tx, (unsigned)tx_next, (uint32_t)n, 0);
	tx_next = -1;
	tx_sent++;
	tx_unannounced = true;
}

void virtio_serial_kick(void)
{
	if (tx_unannounced)
		virtio_notify(&tx.queue);
	tx_unannounced = false;
}

bool virtio_serial_rearm(bool want_output)
{
	bool quiet = virtio_want(&tx.queue, want_output);

	irq_enable(CR_IRQ, device.line);
	return quiet;
}

uint64_t virtio_serial_sent(void)
{
	return tx_sent;
}

uint64_t virtio_serial_done(void)
{
	return tx_done;
}
