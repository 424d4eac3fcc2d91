/*
 * disksim.c - disksim.h: the disk that loses power.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "disksim.h"

uint64_t disksim_random(struct disksim *sim)
{
	sim->random ^= sim->random << 13;
	sim->random ^= sim->random >> 7;
	sim->random ^= sim->random << 17;
	return sim->random >> 11;
}

void *disksim_frame(struct disksim *sim, uint64_t frame)
{
	return sim->durable + frame * DISK_FRAME;
}

void disksim_over(struct disksim *sim, uint64_t frames, void *memory, uint64_t seed)
{
	memset(sim, 0, sizeof *sim);
	sim->frames = frames;
	sim->durable = memory;
	sim->stale = malloc(frames);
	sim->cached = calloc(SIM_CACHED, sizeof *sim->cached);
	disksim_reset(sim, seed);
}

void disksim_init(struct disksim *sim, uint64_t frames, uint64_t seed)
{
	disksim_over(sim, frames, calloc(frames, DISK_FRAME), seed);
}

static void cache_drop(struct disksim *sim)
{
	for (unsigned i = 0; i < sim->cached_count; i++)
		free(sim->cached[i].data);
	sim->cached_count = sim->queued = 0;
}

void disksim_reset(struct disksim *sim, uint64_t seed)
{
	cache_drop(sim);
	memset(sim->stale, 1, sim->frames);
	sim->bad_frame = ~0ull;
	sim->fail_read = sim->fail_write = sim->fail_flush = sim->fail_through = sim->failed = 0;
	sim->reads = sim->writes = sim->flushes = sim->throughs = 0;
	sim->fail_on = false;
	sim->random = seed * 0x9E3779B97F4A7C15ull + 1;
	for (int i = 0; i < 8; i++)
		disksim_random(sim);
}

void disksim_format(struct disksim *sim, const struct disk_super *super)
{
	uint64_t frame[DISK_FRAME / 8], at;

	for (unsigned i = 0; (at = store_format(super, i, frame)) != STORE_FORMAT_END; i++)
		memcpy(disksim_frame(sim, at), frame, DISK_FRAME);
}

void disksim_free(struct disksim *sim)
{
	cache_drop(sim);
	free(sim->durable);
	free(sim->stale);
	free(sim->cached);
}

/* ---- requests ---------------------------------------------------------------------------- */

static bool is_write(const struct disk_request *r)
{
	return r->op == DISK_WRITE || r->op == DISK_THROUGH;
}

static uint64_t data_sum(const struct disk_request *r)
{
	return is_write(r) ? checksum_frame(r->data, 0) : 0;
}

static unsigned sim_submit(void *context, const struct disk_request *batch, unsigned count)
{
	struct disksim *sim = context;
	unsigned taken = 0;

	for (; taken < count && sim->queued < SIM_QUEUE; taken++) {
		if (batch[taken].op == DISK_THROUGH && sim->no_through) {
			fprintf(stderr, "disksim: this disk does not write through\n");
			abort();
		}
		if (batch[taken].op != DISK_FLUSH && batch[taken].frame >= sim->frames) {
			fprintf(stderr, "disksim: frame %llu is beyond the disk\n", (unsigned long long)batch[taken].frame);
			abort();
		}
		sim->queue[sim->queued++] = (struct sim_request){ .request = batch[taken], .sum = data_sum(&batch[taken]),
								  .covers = sim->cached_count };
	}
	return taken;
}

struct store_disk disksim_disk(struct disksim *sim)
{
	return (struct store_disk){ .context = sim, .frames = sim->frames, .through = !sim->no_through, .submit = sim_submit };
}

static void durable_write(struct disksim *sim, uint64_t frame, const uint8_t *data, unsigned sectors)
{
	uint8_t *to = disksim_frame(sim, frame);

	for (unsigned i = 0; i < DISK_FRAME / DISK_SECTOR; i++)
		if (sectors >> i & 1)
			memcpy(to + i * DISK_SECTOR, data + i * DISK_SECTOR, DISK_SECTOR);
	sim->stale[frame] = 1;
	if (sim->child)
		sim->child->stale[frame] = 1;
}

static void data_check(const struct sim_request *r)
{
	if (data_sum(&r->request) == r->sum)
		return;
	fprintf(stderr, "disksim: the data for frame %llu changed while it was being written\n",
		(unsigned long long)r->request.frame);
	abort();
}

/* What the cache has for the frame is older, and no flush may bring it back. */
static void sim_through(struct disksim *sim, const struct sim_request *r)
{
	data_check(r);
	for (unsigned i = 0; i < sim->cached_count; i++)
		if (sim->cached[i].frame == r->request.frame)
			memcpy(sim->cached[i].data, r->request.data, DISK_FRAME);
	durable_write(sim, r->request.frame, r->request.data, 0xFF);
}

static void sim_write(struct disksim *sim, const struct sim_request *r)
{
	struct sim_write *w = &sim->cached[sim->cached_count++];

	data_check(r);
	if (sim->cached_count == SIM_CACHED) {
		fprintf(stderr, "disksim: too many writes without a flush\n");
		abort();
	}
	w->frame = r->request.frame;
	w->data = malloc(DISK_FRAME);
	memcpy(w->data, r->request.data, DISK_FRAME);
}

void disksim_read(struct disksim *sim, uint64_t frame, void *data)
{
	const uint8_t *from = disksim_frame(sim, frame);

	for (unsigned i = 0; i < sim->cached_count; i++)
		if (sim->cached[i].frame == frame)
			from = sim->cached[i].data;
	memcpy(data, from, DISK_FRAME);
}

static unsigned torn_sectors(struct disksim *sim)
{
	switch (disksim_random(sim) % 4) {
	case 0:
		return 0;
	case 1:
		return disksim_random(sim) & 0xFF;
	default:
		return 0xFF;
	}
}

static void sim_flush(struct disksim *sim, uint64_t covers, bool ok)
{
	for (unsigned i = 0; i < covers; i++) {
		durable_write(sim, sim->cached[i].frame, sim->cached[i].data, ok ? 0xFF : torn_sectors(sim));
		free(sim->cached[i].data);
	}
	memmove(sim->cached, sim->cached + covers, (sim->cached_count - covers) * sizeof *sim->cached);
	sim->cached_count -= covers;
	for (unsigned i = 0; i < sim->queued; i++)
		sim->queue[i].covers -= sim->queue[i].covers < covers ? sim->queue[i].covers : covers;
}

static bool count_down(struct disksim *sim, uint64_t *left)
{
	if (!*left || --*left)
		return true;
	*left = sim->fail_on;
	return false;
}

/* It may have changed some of the frame. */
static void write_failed(struct disksim *sim, const struct disk_request *r)
{
	if (disksim_random(sim) % 2)
		durable_write(sim, r->frame, r->data, disksim_random(sim) & 0xFF);
}

int disksim_answer(struct disksim *sim, void (*done)(void *context, uint32_t tag, bool ok), void *context)
{
	unsigned i = sim->queued && !sim->in_order ? disksim_random(sim) % sim->queued : 0;
	struct sim_request r;
	bool ok = true;

	if (!sim->queued)
		return 0;
	r = sim->queue[i];
	sim->queued--;
	memmove(&sim->queue[i], &sim->queue[i + 1], (sim->queued - i) * sizeof r);
	switch (r.request.op) {
	case DISK_READ:
		sim->reads++;
		ok = count_down(sim, &sim->fail_read) && r.request.frame != sim->bad_frame;
		disksim_read(sim, r.request.frame, r.request.data);
		if (!ok)
			memset(r.request.data, 0x5A, DISK_FRAME);
		break;
	case DISK_WRITE:
		sim->writes++;
		ok = count_down(sim, &sim->fail_write);
		if (ok)
			sim_write(sim, &r);
		else
			write_failed(sim, &r.request);
		break;
	case DISK_THROUGH:
		sim->throughs++;
		ok = count_down(sim, &sim->fail_through) && !(sim->fail_on && sim->fail_write && sim->failed);
		if (ok) {
			sim_through(sim, &r);
		} else {
			write_failed(sim, &r.request);
			sim_flush(sim, sim->cached_count, false);
		}
		break;
	case DISK_FLUSH:
		sim->flushes++;
		ok = count_down(sim, &sim->fail_flush) && !(sim->fail_on && sim->fail_write && sim->failed);
		sim_flush(sim, r.covers, ok);
		break;
	}
	sim->failed += !ok;
	done(context, r.request.tag, ok);
	return r.request.op;
}

static void done_store(void *context, uint32_t tag, bool ok)
{
	store_disk_done(context, tag, ok);
}

int disksim_run(struct disksim *sim, struct store *s)
{
	return disksim_answer(sim, done_store, s);
}

/* ---- cuts -------------------------------------------------------------------------------- */

unsigned disksim_pending(const struct disksim *sim)
{
	unsigned count = sim->cached_count;

	for (unsigned i = 0; i < sim->queued; i++)
		count += is_write(&sim->queue[i].request);
	return count;
}

static unsigned pending_list(struct disksim *sim, struct sim_write *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < sim->cached_count; i++)
		list[count++] = sim->cached[i];
	for (unsigned i = 0; i < sim->queued; i++)
		if (is_write(&sim->queue[i].request))
			list[count++] = (struct sim_write){ .frame = sim->queue[i].request.frame,
							    .data = sim->queue[i].request.data };
	return count;
}

static bool of_header(const struct disksim *sim, uint64_t frame)
{
	for (unsigned place = 0; sim->headers && place < header_places(sim->headers); place++)
		if (header_place(sim->headers, place) == frame)
			return true;
	return false;
}

static void cut_any(struct disksim *sim, struct disksim *out, struct sim_write *some, unsigned count)
{
	while (count) {
		unsigned i = disksim_random(sim) % count;

		durable_write(out, some[i].frame, some[i].data, torn_sectors(sim));
		if (of_header(sim, some[i].frame) && disksim_random(sim) % 4 == 0)
			memset(disksim_frame(out, some[i].frame), 0x6B, DISK_FRAME);
		some[i] = some[--count];
	}
}

static void cache_copy(const struct disksim *sim, struct disksim *out)
{
	for (unsigned i = 0; i < sim->cached_count; i++) {
		out->cached[i] = (struct sim_write){ .frame = sim->cached[i].frame, .data = malloc(DISK_FRAME) };
		memcpy(out->cached[i].data, sim->cached[i].data, DISK_FRAME);
	}
	out->cached_count = sim->cached_count;
}

void disksim_cut(struct disksim *sim, struct disksim *out, enum cut how)
{
	static struct sim_write some[SIM_CACHED + SIM_QUEUE];
	unsigned count = pending_list(sim, some);

	sim->child = out;
	cache_drop(out);
	for (uint64_t f = 0; f < sim->frames; f++) {
		if (out->stale[f]) {
			memcpy(disksim_frame(out, f), disksim_frame(sim, f), DISK_FRAME);
			if (out->child)
				out->child->stale[f] = 1;
		}
		out->stale[f] = 0;
	}
	out->fail_read = out->fail_write = out->fail_through = out->failed = 0;
	out->bad_frame = ~0ull;
	out->fail_on = false;
	if (how == CUT_ANY) {
		cut_any(sim, out, some, count);
		return;
	}
	if (how == CUT_KILLED) {
		cache_copy(sim, out);
		return;
	}
	if (how == CUT_LINEAR)
		count = sim->cached_count;
	for (unsigned i = 0; i < count; i++)
		if (how == CUT_LINEAR || sim->subset >> i & 1)
			durable_write(out, some[i].frame, some[i].data, 0xFF);
}
