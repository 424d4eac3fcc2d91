/*
 * virtio.h - legacy (transitional) virtio devices on PCI bus 0, for drivers in user space.
 *
 * Interface
 *   1. The caller holds ioport, physmem and its own memory tree; it says in which registers (struct virtio_caps).
 *   2. Rings and buffers are DMA pages, mapped by virtio_dma; a queue's rings take VIRTIO_RING_BYTES at most.
 *   3. Nothing that the device writes is believed: a used entry names a descriptor below the queue's size or is dropped.
 * Virtio 1.1: 2.6 (split queues), 4.1.4.8 (legacy register layout).
 */
#ifndef KEROS_VIRTIO_H
#define KEROS_VIRTIO_H
#include <stdbool.h>
#include <keros/inv.h>

#define VIRTIO_VENDOR     0x1AF4u
#define VIRTIO_CONFIG     20u          /* first register of the device's own configuration */
#define VIRTIO_RING_BYTES (3 * 4096u)  /* of one queue, up to 256 descriptors */

enum { VIRTIO_DESC_NEXT = 1, VIRTIO_DESC_WRITE = 2 };

struct virtio_caps { cap_t ioport, physmem, root; };

struct virtio_descriptor { uint64_t address; uint32_t length; uint16_t flags, next; };
_Static_assert(sizeof(struct virtio_descriptor) == 16, "Virtio 1.1, 2.6.5");
struct virtio_available { volatile uint16_t flags, index; volatile uint16_t ring[]; };
struct virtio_used {
	volatile uint16_t flags, index;
	struct { volatile uint32_t id, length; } ring[];
};

struct virtio_device {
	struct virtio_caps caps;
	uint64_t io;                   /* first port */
	unsigned line;                 /* of its interrupt */
};
struct virtio_queue {
	struct virtio_device *device;
	struct virtio_descriptor *descriptor;
	struct virtio_available *available;
	struct virtio_used *used;
	uint16_t number, size, seen;   /* seen: used entries dealt with */
};

/* The nth (from 0) device with that PCI device id; false: there are not so many.  Switches it on. */
bool virtio_find(const struct virtio_caps *caps, uint16_t device_id, unsigned nth, struct virtio_device *d);
/* A fresh run of contiguous DMA pages (1..16) mapped at a 64 KiB boundary; its physical address, or 0. */
uint64_t virtio_dma(const struct virtio_caps *caps, uint64_t at, unsigned pages);
/* Where the DMA page mapped at an address is in this life of the machine; 0: none. */
uint64_t virtio_dma_address(const struct virtio_caps *caps, uint64_t at);
/* A register of the device, 1, 2 or 4 bytes wide. */
uint32_t virtio_read(const struct virtio_device *d, unsigned reg, unsigned size);
void virtio_write(const struct virtio_device *d, unsigned reg, unsigned size, uint32_t value);
void virtio_reset(const struct virtio_device *d);       /* and: there is a driver; no features */
void virtio_ready(const struct virtio_device *d);       /* after its queues are set up */
bool virtio_lost(const struct virtio_device *d);        /* it was reset behind our back: another life of the machine */
/* Rings at a page boundary of DMA memory, zeroed.  False: the device has no such queue. */
bool virtio_queue_init(struct virtio_queue *q, struct virtio_device *d, unsigned number, void *at, uint64_t physical);
void virtio_offer(struct virtio_queue *q, unsigned descriptor); /* the head of a chain */
void virtio_notify(struct virtio_queue *q);
/* Whether the device is to interrupt for this queue.  False: it was to, and has done something meanwhile that may raise
 * none: look with virtio_next before waiting. */
bool virtio_want(struct virtio_queue *q, bool wanted);
bool virtio_next(struct virtio_queue *q, unsigned *descriptor, uint32_t *length); /* false: nothing more */
bool virtio_acknowledge(const struct virtio_device *d); /* lowers the interrupt line; false: it had raised none */
#endif
