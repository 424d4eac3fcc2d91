/*
 * persist_lost.c - objects that the disk cannot give back: their frame's checksum is wrong, or it cannot be read.
 *
 * Only who asks for one is refused: an invocation that needs it fails with RC_DISK, a process whose memory it is gets
 * FAULT_DISK; everybody else, and the checkpoints, go on.  A capability to it is not void, and becomes good again with it.
 *
 * Invariants
 *   1. An object in this table is not in memory, and frame_lookup does not find it.
 *   2. What is known of it (kind and counts) came from a tag or directory entry that was sound.
 *   3. An object that is made anew has a higher allocation count, but for a page that is overwritten as a whole.  If its
 *      count is not known the new one is drawn from a range that no count ever reaches by being counted up, so that no
 *      capability of its former lives is good again.
 *
 * Interface
 *   1. persist_fetch enters it here (persist_lose); it leaves when it is made anew.  If it was the disk that answered with
 *      errors, which may pass, it is read again every RETRY_NS when it is asked for, and leaves when that succeeds.
 *   2. The table is of a fixed size: the one that is longest in it makes room, and is read once more when it is asked for.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "object/persist_inner.h"
#include "panic.h"

#define LOST_MOST  512
#define LINES_MOST 16                  /* one for each object, and then no more in this life */
#define RETRY_NS   10000000000ull

static struct lost {
	uint64_t oid, retry_ns;        /* retry_ns: when it is worth to read it again; ~0 = never in this life */
	uint32_t alloc_count, call_count;
	uint8_t kind;                  /* FRAME_NONE: not known */
} lost[LOST_MOST];
static unsigned lost_next;             /* the place to fill next, once all are */

unsigned persist_lost_count;           /* in the table */
uint64_t persist_lost_total;
uint64_t persist_lost_at = ~0ull;      /* the number of the invocation that asked for one last */

static struct lost *lost_find(uint64_t oid)
{
	for (unsigned i = 0; i < persist_lost_count; i++)
		if (lost[i].oid == oid)
			return &lost[i];
	return NULL;
}

static void lost_leave(struct lost *l)
{
	*l = lost[--persist_lost_count];
}

bool persist_lost_known(uint64_t oid)
{
	struct lost *l = lost_find(oid);

	if (!l)
		return false;
	persist_lost_at = kernel_stats.invocations;
	if (arch_now_ns() < l->retry_ns)
		return true;
	l->retry_ns = arch_now_ns() + RETRY_NS;
	return false;
}

void persist_found(uint64_t oid)
{
	struct lost *l = lost_find(oid);

	if (l)
		lost_leave(l);
}

void persist_mended(uint64_t oid)
{
	static unsigned told;

	persist_found(oid);
	if (told++ < LINES_MOST)
		kprintf("keros: object %lu did not hold what was written, and is mended: the loader's pack has the same page\n", oid);
}

/* Once for each object: which, and what to do. */
static void lost_tell(uint64_t oid, int result)
{
	persist_lost_total++;
	if (persist_lost_total <= LINES_MOST)
		kprintf("keros: object %lu cannot be read from the disk (%s): who needs it is refused, all others go on\n",
			oid, result == STORE_IO ? "it answers with errors" : "it does not hold what was written");
	if (persist_lost_total == 1)
		kprintf("keros: 'keros ckpt' counts such objects, 'keros store FILE' lists them; an older copy of the image may "
			"have them\n");
	if (persist_lost_total == LINES_MOST)
		kprintf("keros: further such objects are counted only\n");
}

void persist_lose(const struct frame *f, bool known, int result)
{
	struct lost *l = lost_find(f->oid);

	if (!l) {
		lost_tell(f->oid, result);
		l = persist_lost_count < LOST_MOST ? &lost[persist_lost_count++] : &lost[lost_next++ % LOST_MOST];
	}
	*l = (struct lost){ .oid = f->oid, .alloc_count = f->alloc_count, .call_count = f->call_count,
			    .kind = known ? f->kind : FRAME_NONE,
			    .retry_ns = result == STORE_IO ? arch_now_ns() + RETRY_NS : ~0ull };
	persist_lost_at = kernel_stats.invocations;
}

enum frame_kind frame_lost_kind(uint64_t oid)
{
	struct lost *l = persist_lost(oid) ? lost_find(oid) : NULL;

	return l ? l->kind : FRAME_NONE;
}

static enum frame_kind cap_kind(const struct cap *c)
{
	if (c->type == CAP_PAGE)
		return FRAME_PAGE;
	if (c->type >= CAP_NODE && c->type <= CAP_SCHEDULE)
		return FRAME_POT;
	return FRAME_PROCESS;
}

bool cap_frame_lost(const struct cap *c)
{
	struct lost *l = persist_lost(REF_OID(c->ref)) ? lost_find(REF_OID(c->ref)) : NULL;

	if (!l || l->kind == FRAME_NONE)
		return l;
	if (l->kind != cap_kind(c))
		return false;
	if (l->kind == FRAME_POT)              /* which counts its nodes had is lost with them */
		return c->count <= l->alloc_count;
	return c->count == (c->type == CAP_RESUME ? l->call_count : l->alloc_count);
}

/* Far above what counting gives, and with room above it. */
static uint32_t count_drawn(uint64_t oid)
{
	uint64_t mixed = (arch_tsc() ^ oid << 32 ^ store_epoch) * 0x9E3779B97F4A7C15ull;

	return 0x80000000u | (uint32_t)(mixed >> 34);
}

/* Long: what each kind of object is, fresh. */
struct frame *frame_anew(uint64_t oid, bool same)
{
	struct lost *entry = lost_find(oid), l;
	struct frame *f;

	if (!entry || !(f = frame_take(oid)))
		return NULL;
	l = *entry;
	lost_leave(entry);
	if (l.kind == FRAME_NONE) {
		l.kind = FRAME_PAGE;
		l.alloc_count = count_drawn(oid);
		l.call_count = count_drawn(~oid);
	}
	zero_words(frame_data(f), PAGE_SIZE / 8);
	f->zero = false;
	f->kind = l.kind;
	f->alloc_count = l.alloc_count + !same;
	f->call_count = l.call_count + !same;
	frame_dirty(f);
	if (f->kind == FRAME_POT)
		for (unsigned i = 0; i < NODES_PER_POT; i++)
			node_at(f, i)->alloc_count = f->alloc_count;
	if (f->kind == FRAME_PROCESS) {
		persist_process_made(oid);
		process_init(f);
	}
	return f;
}
