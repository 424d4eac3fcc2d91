/*
 * io.c - the store's requests to the disk.
 *
 * A slot goes FREE, QUEUED, SUBMITTED, DONE or ERROR, and FREE again before its done function runs, so that this
 * may start another.  Only store_disk_done may run in an interrupt, and it changes the state alone.
 * A read or write that fails is tried again, IO_TRIES times in all.  A flush is not: a host may have dropped what it
 * could not write when it said so, and the next flush then has nothing left to fail with.  Nor is a write-through, which
 * has a flush in it.
 */
#include "panic.h"
#include "store/inner.h"

unsigned io_room(const struct store *s)
{
	return s->io_free_count;
}

struct store_io *io_start(struct store *s, enum disk_op op, uint64_t frame, void *data, io_done *done, uint64_t arg)
{
	struct store_io *io;
	unsigned word = 0;

	KCHECK(330, s->io_free_count, "whoever starts a request has asked whether a slot is free");
	while (!s->io_free[word])
		word++;
	io = &s->io[word * 64 + __builtin_ctzll(s->io_free[word])];
	s->io_free[word] &= s->io_free[word] - 1;
	s->io_free_count--;
	*io = (struct store_io){ .op = op, .frame = frame, .data = data, .done = done, .arg = arg };
	io->state = IO_QUEUED;
	return io;
}

void store_disk_done(struct store *s, uint32_t tag, bool ok)
{
	KCHECK(331, tag < IO_SLOTS && s->io[tag].state == IO_SUBMITTED, "the disk answers what it was asked, once");
	s->io[tag].state = ok ? IO_DONE : IO_ERROR;
}

static bool io_answer(struct store *s, struct store_io *io)
{
	struct store_io done = *io;
	bool ok = io->state == IO_DONE;

	if (!ok && io->op <= DISK_WRITE && ++io->tries < IO_TRIES) {
		s->status.retried++;
		io->state = IO_QUEUED;
		return true;
	}
	io->state = IO_FREE;
	s->io_free[(io - s->io) / 64] |= 1ull << (io - s->io) % 64;
	s->io_free_count++;
	done.done(s, &done, ok);
	return true;
}

static void io_submit(struct store *s)
{
	struct disk_request *batch = s->io_batch;
	unsigned count = 0, taken;

	for (unsigned i = io_busy_next(s, 0); i < IO_SLOTS; i = io_busy_next(s, i + 1)) {
		struct store_io *io = &s->io[i];

		if (io->state == IO_QUEUED)
			batch[count++] = (struct disk_request){ .frame = io->frame, .data = io->data, .tag = i, .op = io->op };
	}
	if (!count)
		return;
	for (unsigned i = 0; i < count; i++)
		s->io[batch[i].tag].state = IO_SUBMITTED;
	taken = s->disk.submit(s->disk.context, batch, count);
	for (unsigned i = taken; i < count; i++)
		s->io[batch[i].tag].state = IO_QUEUED;
}

bool io_step(struct store *s)
{
	bool did = false;

	for (unsigned i = io_busy_next(s, 0); i < IO_SLOTS; i = io_busy_next(s, i + 1)) {
		struct store_io *io = &s->io[i];

		if (io->state == IO_DONE || io->state == IO_ERROR)
			did |= io_answer(s, io);
	}
	io_submit(s);
	return did;
}
