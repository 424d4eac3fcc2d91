/*
 * transport.c - lanes, and messages over the queues of the virtio-9p devices.
 *
 * Lane l has the descriptors 4l..4l+3 of every share's queue: message out, data out, reply, data in.  Clunks, whose
 * answer nobody awaits, have slots of their own behind those.
 *
 * Invariants
 *   1. A lane is on at most one queue, between rpc_send and the completion that clears its share.
 *   2. The interrupt line stays masked from an interrupt until transport_service has looked at every queue.
 */
#include "p9.h"
#include <string.h>
#include <keros/irq.h>
#include <keros/timer.h>

#define DMA_BASE     0x20000000ull     /* runs of 64 KiB */
#define RUN          65536ull
#define DEVICE_9P    0x1009u
#define MESSAGE_RUN_LANES 4u           /* lanes whose messages fit in one run */
#define CLUNK_FIRST  (LANES * 4)       /* descriptors */
#define CLUNKS       32u
#define CLUNKS_WAITING 256u
#define CLUNK_BYTES  64u               /* message at 0, reply at 32 */
#define TAG_CLUNK    0x100u
#define RING_PAGES   2u                /* 128 descriptors */

unsigned lane_count;
static struct lane lanes[LANES], *lanes_free;
static unsigned idle;
static struct share shares[SHARES];
static unsigned share_count;
static uint32_t lines_bound;
static uint64_t dma_next = DMA_BASE;
static const struct virtio_caps caps = { CR_IOPORT, CR_PHYSMEM, CR_ROOT };
static uint8_t *clunk_memory;
static uint64_t clunk_at;
static uint32_t clunk_busy;            /* bit: slot; a slot serves one share at a time */
static struct clunk { struct share *share; uint32_t fid; } clunk_waiting[CLUNKS_WAITING];
static unsigned clunks_waiting;

uint64_t now_ns(void)
{
	uint64_t now = 0;

	timer_now(CR_TIMER, &now);
	return now;
}

/* ---- memory -------------------------------------------------------------------------------------- */

static uint64_t run_make(unsigned pages, uint64_t *physical)
{
	uint64_t at = dma_next;

	*physical = virtio_dma(&caps, at, pages);
	if (!*physical)
		return 0;
	dma_next += RUN;
	return at;
}

static void lane_place(struct lane *l, uint64_t messages, uint64_t messages_at, uint64_t data, const uint64_t *data_at)
{
	uint64_t offset = l->index % MESSAGE_RUN_LANES * 2 * MESSAGE;

	l->t = (uint8_t *)messages + offset;
	l->t_at = messages_at + offset;
	l->r = l->t + MESSAGE;
	l->r_at = l->t_at + MESSAGE;
	l->d = (uint8_t *)data;
	l->d_at[0] = data_at[0];
	l->d_at[1] = data_at[1];
}

/* As many lanes as there is DMA memory for. */
bool transport_start(void)
{
	uint64_t messages = 0, messages_at = 0;
	uint64_t clunk = run_make(1, &clunk_at);

	if (!clunk)
		return false;
	clunk_memory = (uint8_t *)clunk;
	for (lane_count = 0; lane_count < LANES; lane_count++) {
		struct lane *l = &lanes[lane_count];
		uint64_t data, data_at[2];

		l->index = lane_count;
		if (lane_count % MESSAGE_RUN_LANES == 0 && !(messages = run_make(MESSAGE_RUN_LANES * 4, &messages_at)))
			break;
		/* The second run lies behind the first, for us; where there is none, nothing is read ahead. */
		if (!(data = run_make(16, &data_at[0])) || (!run_make(16, &data_at[1]) && lane_count > 0))
			break;
		lane_place(l, messages, messages_at, data, data_at);
		lane_give(l);
	}
	return lane_count > 0;
}

struct lane *lane_take(void)
{
	struct lane *l = lanes_free;

	if (l) {
		lanes_free = l->next;
		idle--;
	}
	return l;
}

unsigned lanes_idle(void)
{
	return idle;
}

void lane_give(struct lane *l)
{
	l->op = NULL;
	l->next = lanes_free;
	lanes_free = l;
	idle++;
}

/* ---- shares -------------------------------------------------------------------------------------- */

static bool tag_is(const struct virtio_device *d, unsigned number)
{
	char want[16] = "keros", tag[16] = { 0 };
	unsigned length = virtio_read(d, VIRTIO_CONFIG, 2), n = 5;

	if (number >= 10)
		want[n++] = (char)('0' + number / 10);
	want[n++] = (char)('0' + number % 10);
	if (length != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		tag[i] = (char)virtio_read(d, VIRTIO_CONFIG + 2 + i, 1);
	return memcmp(tag, want, n) == 0;
}

static bool share_begin(struct share *s)
{
	uint64_t physical = virtio_dma_address(&caps, s->rings);

	memset((void *)s->rings, 0, RING_PAGES * PAGE_SIZE);
	virtio_reset(&s->device);
	if (!virtio_queue_init(&s->queue, &s->device, 0, (void *)s->rings, physical) ||
	    s->queue.size < CLUNK_FIRST + 2 * CLUNKS)
		return false;
	if (!(lines_bound & 1u << (s->device.line & 31)) && irq_bind(CR_IRQ, s->device.line, CR_DEVICE_NOTICE) != RC_OK)
		return false;
	lines_bound |= 1u << (s->device.line & 31);
	virtio_ready(&s->device);
	irq_enable(CR_IRQ, s->device.line);
	s->ready = false;
	s->next_fid = 1;
	s->epoch++;
	return true;
}

struct share *share_by_number(unsigned number)
{
	struct share *s;
	uint64_t physical;

	for (unsigned i = 0; i < share_count; i++)
		if (shares[i].found && shares[i].number == number)
			return &shares[i];
	if (share_count == SHARES)
		return NULL;
	s = &shares[share_count];
	for (unsigned nth = 0; virtio_find(&caps, DEVICE_9P, nth, &s->device); nth++) {
		if (!tag_is(&s->device, number))
			continue;
		s->number = number;
		if (!s->rings && !(s->rings = run_make(RING_PAGES, &physical)))
			return NULL;
		if (!share_begin(s))
			return NULL;
		s->found = true;
		share_count++;
		return s;
	}
	return NULL;
}

uint32_t share_fid(struct share *s)
{
	if (s->next_fid == NO_FID)
		s->next_fid = 1;
	return s->next_fid++;
}

/* ---- messages ------------------------------------------------------------------------------------ */

struct wire *rpc(struct op *o, enum wire_type type)
{
	wire_begin(&o->lane->w, o->lane->t, MESSAGE, type, (uint16_t)o->lane->index);
	return &o->lane->w;
}

static unsigned describe(struct virtio_queue *q, unsigned at, uint64_t address, size_t length, unsigned flags)
{
	q->descriptor[at] = (struct virtio_descriptor){ address, (uint32_t)length, (uint16_t)(flags | VIRTIO_DESC_NEXT),
							(uint16_t)(at + 1) };
	return at + 1;
}

void rpc_send(struct op *o, size_t data_out, size_t reply, size_t data_in, void (*next)(struct op *))
{
	struct lane *l = o->lane;
	struct virtio_queue *q = &o->share->queue;
	size_t length = wire_end(&l->w, data_out);
	unsigned head = l->index * 4, at = head;

	if (!length) {
		op_fail(o, E_NAMETOOLONG);     /* it did not fit */
		return;
	}
	at = describe(q, at, l->t_at, length, 0);
	if (data_out)
		at = describe(q, at, l->d_at[0], data_out, 0);
	at = describe(q, at, l->r_at, reply, VIRTIO_DESC_WRITE);
	if (data_in)
		at = describe(q, at, l->d_at[0], data_in < LANE_DATA ? data_in : LANE_DATA, VIRTIO_DESC_WRITE);
	if (data_in > LANE_DATA)
		at = describe(q, at, l->d_at[1], data_in - LANE_DATA, VIRTIO_DESC_WRITE);
	q->descriptor[at - 1].flags &= (uint16_t)~VIRTIO_DESC_NEXT;
	l->share = o->share;
	l->op = o;
	o->next = next;
	virtio_offer(q, head);
	o->share->unannounced = true;
}

static bool reply_open(const struct op *o, struct wire *w, uint8_t *type)
{
	const struct lane *l = o->lane;
	uint16_t tag;

	return wire_open(w, l->r, l->came < MESSAGE ? l->came : MESSAGE, type, &tag) && tag == l->index;
}

uint32_t rpc_error(const struct op *o)
{
	struct wire w;
	uint8_t type;
	uint32_t error;

	if (!reply_open(o, &w, &type) || type != RLERROR)
		return 0;
	error = get32(&w);
	return error && error < 4096 ? error : E_IO;
}

bool rpc_reply(struct op *o, enum wire_type type, struct wire *w)
{
	uint8_t got;

	if (!reply_open(o, w, &got)) {
		op_fail(o, E_IO);
		return false;
	}
	if (got == RLERROR) {
		op_fail(o, (int)rpc_error(o));
		return false;
	}
	if (got != type + 1) {
		op_fail(o, E_IO);
		return false;
	}
	return true;
}

static void clunk_send(struct share *s, uint32_t fid, unsigned slot)
{
	unsigned at = CLUNK_FIRST + slot * 2;
	struct wire w;
	size_t length;

	wire_begin(&w, clunk_memory + slot * CLUNK_BYTES, 32, TCLUNK, (uint16_t)(TAG_CLUNK + slot));
	put32(&w, fid);
	length = wire_end(&w, 0);
	clunk_busy |= 1u << slot;
	describe(&s->queue, at, clunk_at + slot * CLUNK_BYTES, length, 0);
	describe(&s->queue, at + 1, clunk_at + slot * CLUNK_BYTES + 32, 32, VIRTIO_DESC_WRITE);
	s->queue.descriptor[at + 1].flags = VIRTIO_DESC_WRITE;
	virtio_offer(&s->queue, at);
	s->unannounced = true;
}

/* The fid's end.  Nobody waits for the answer; with so many on their way that no more can be remembered, the fid
 * stays with the host until the machine ends. */
void share_clunk(struct share *s, uint32_t fid)
{
	if (fid == NO_FID || !s->found)
		return;
	if (~clunk_busy)
		clunk_send(s, fid, (unsigned)__builtin_ctz(~clunk_busy));
	else if (clunks_waiting < CLUNKS_WAITING)
		clunk_waiting[clunks_waiting++] = (struct clunk){ s, fid };
}

static void clunk_done(unsigned slot)
{
	clunk_busy &= ~(1u << slot);
	if (clunks_waiting) {
		struct clunk *c = &clunk_waiting[--clunks_waiting];

		clunk_send(c->share, c->fid, slot);
	}
}

void transport_kick(void)
{
	for (struct share *s = shares; s < shares + share_count; s++) {
		if (s->unannounced)
			virtio_notify(&s->queue);
		s->unannounced = false;
	}
}

static void completed(struct share *s, unsigned head, uint32_t length)
{
	struct lane *l;

	if (head >= CLUNK_FIRST) {
		clunk_done((head - CLUNK_FIRST) / 2);
		return;
	}
	l = &lanes[head / 4];
	if (l->share != s || !l->op)
		return;                /* the device repeats itself */
	l->share = NULL;
	l->came = length;
	l->op->next(l->op);
}

/* The machine began another life: the devices know nothing of what was before, and our memory may lie elsewhere. */
static void restart(void)
{
	lines_bound = 0;
	clunk_busy = 0;
	clunks_waiting = 0;
	clunk_at = virtio_dma_address(&caps, (uint64_t)clunk_memory);
	for (unsigned i = 0; i < lane_count; i++) {
		struct lane *l = &lanes[i], *first = &lanes[i - i % MESSAGE_RUN_LANES];

		uint64_t data_at[2] = { virtio_dma_address(&caps, (uint64_t)l->d),
					virtio_dma_address(&caps, (uint64_t)l->d + RUN) };

		lane_place(l, (uint64_t)first->t, virtio_dma_address(&caps, (uint64_t)first->t), (uint64_t)l->d, data_at);
	}
	for (struct share *s = shares; s < shares + share_count; s++) {
		s->found = false;
		s->ready = false;
		ops_restart(s);
		for (unsigned nth = 0; !s->found && virtio_find(&caps, DEVICE_9P, nth, &s->device); nth++)
			s->found = tag_is(&s->device, s->number) && share_begin(s);
		if (s->found)
			share_reattach(s);
		else
			s->epoch++;
	}
}

/* Takes what a device has done. */
static void share_service(struct share *s)
{
	unsigned head;
	uint32_t length;

	while (virtio_next(&s->queue, &head, &length))
		completed(s, head, length);
}

/* A notice that no device has raised an interrupt for may mean that the machine began another life. */
static void lost_check(void)
{
	for (struct share *s = shares; s < shares + share_count; s++)
		if (s->found && virtio_lost(&s->device)) {
			restart();
			return;
		}
}

void transport_service(bool interrupt)
{
	bool raised = false;

	for (struct share *s = shares; interrupt && s < shares + share_count; s++)
		raised |= s->found && virtio_acknowledge(&s->device);
	if (interrupt && !raised)
		lost_check();
	for (struct share *s = shares; s < shares + share_count; s++)
		if (s->found)
			share_service(s);
	for (unsigned line = 0; interrupt && line < 32; line++)
		if (lines_bound & 1u << line)
			irq_enable(CR_IRQ, line);
	transport_kick();
}

bool transport_rearm(void)
{
	bool any = false;

	for (struct share *s = shares; s < shares + share_count; s++)
		any |= s->found && !virtio_want(&s->queue, share_awaited(s));
	return any;
}
