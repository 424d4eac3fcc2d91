/*
 * device.h - what the machine side calls in the device objects, and their constants.
 */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H
#include <stdint.h>

#define LOG_POWER 1                      /* data of a log capability that may end the machine */
#define IRQ_ANY 0xFFFFull
#define IRQ_KERNEL_LINES (1u << 0 | 1u << 2)   /* the timer, and the cascade */

/* From the trap: masks the line, unless it is the store's alone, and posts the notice that is bound to it. */
void irq_fired(unsigned line);

/* The store committed a generation: whoever waits for it is told (checkpoint.c). */
void checkpoint_tell(uint32_t generation);

/* Boot: the boot pack's place and the run of frames kept for DMA. */
void physmem_init(uint64_t pack_address, uint64_t pack_length, uint64_t dma_first_pfn, uint64_t dma_count);
/* A page of the pack that this life was loaded with; NULL: it has none of that number. */
const void *physmem_pack_page(uint64_t index);
/* How many pages of the DMA pool were given out; at a restart, that an earlier life had given out so many. */
uint64_t physmem_dma_used(void);
void physmem_continue(uint64_t used);
#endif
