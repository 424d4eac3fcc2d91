/*
 * disk.h - what the store asks of a disk: 4 KiB frames, asynchronous, with a volatile cache.
 *
 * Rules
 *   1. submit takes a prefix of the batch and says how many; 0 means that the queue is full.  It never waits.
 *   2. Each request taken is answered once by store_disk_done(store, tag, ok), at any later time and in any
 *      order; not from inside submit.
 *   3. A flush that is answered makes durable every write that was answered before the flush was submitted.
 *      Nothing is promised of other writes: power may leave any subset, each torn in steps of 512 bytes.
 *   4. The data of a request stays in place and unchanged until it is answered.
 *   5. A write-through (DISK_THROUGH; only if the disk says `through`) is a write that is durable when it is answered;
 *      nothing is promised of others by it.  What follows each other on the disk is best submitted in one batch.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H
#include <stdbool.h>
#include <stdint.h>

#define DISK_FRAME 4096
#define DISK_SECTOR 512

enum disk_op { DISK_READ = 1, DISK_WRITE, DISK_FLUSH, DISK_THROUGH };

struct disk_request {
	uint64_t frame;
	void *data;
	uint32_t tag;
	uint8_t op;
};

struct store_disk {
	void *context;
	uint64_t frames;
	bool through;
	unsigned (*submit)(void *context, const struct disk_request *batch, unsigned count);
};
#endif
