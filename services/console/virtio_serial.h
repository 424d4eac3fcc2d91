/*
 * virtio_serial.h - the legacy virtio serial port that carries the host link.
 *
 * Interface
 *   virtio_serial_start    finds the device and takes it over; false if there is none
 *   virtio_serial_service  after an interrupt, or at any time: hands on what has arrived,
 *                          takes back buffers that are written out
 *   virtio_serial_buffer, virtio_serial_send, virtio_serial_kick   the way out
 *   virtio_serial_rearm    before waiting: interrupts for output only if somebody wants them
 */
#ifndef CONSOLE_VIRTIO_SERIAL_H
#define CONSOLE_VIRTIO_SERIAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool virtio_serial_start(void);
/* The device was reset behind our back: the system went on from its store.  What was in the buffers is lost. */
bool virtio_serial_lost(void);
bool virtio_serial_restart(void);
void virtio_serial_service(void (*received)(const uint8_t *bytes, size_t n));
/* A free buffer of *size bytes, the same one until it is sent; NULL if all are on their way. */
uint8_t *virtio_serial_buffer(size_t *size);
void virtio_serial_send(size_t n);
void virtio_serial_kick(void);
/* Unmasks the line.  False: output was finished meanwhile; call virtio_serial_service again. */
bool virtio_serial_rearm(bool want_output);
/* Buffers sent, and buffers the device is done with: a buffer sent as number n is out when done >= n. */
uint64_t virtio_serial_sent(void), virtio_serial_done(void);
#endif
