/*
 * persist_save.c - what the cache has changed and the store must write: the map of dirty frames, and the store's questions
 * at a checkpoint.
 *
 * Invariants
 *   C120 a bit of dirty_map is set if and only if the frame is dirty and belongs to the store; one of dirty_words, if
 *        and only if there is one in its word of dirty_map
 *   C121 a frame that is ready (may be changed unasked) is dirty in the current epoch
 * A process frame changes in ways that nobody announces (queue links, registers at a trap), and so does a pot of
 * nodes (where they are mapped, hints), so the store copies them before it writes them (store_object.moving);
 * pages are written from their place, and frame_dirty_slow waits while that lasts; only a small checkpoint copies them too.
 *
 * Interface
 *   1. frame_dirty_slow (frame_dirty of object.h) is the only way for a frame to become dirty; `cleaned` the only one back.
 *   2. Whatever leaves for the disk has passed persist_frame_check.
 *   3. The functions of persist_cache are called by the store alone, from store_step and store_dirty.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "mem/space.h"
#include "object/device.h"
#include "object/layout.h"
#include "object/persist_inner.h"
#include "panic.h"
#include "sched/sched.h"

#define KEPT_MOST     4                /* generations in which a page stays dirty that is not changed */
#define PROTECT_DIRTY 64               /* so few pages are worth to be looked for in the tables: those are kept */

uint64_t persist_dirty;
struct persist_times persist_times;

static uint64_t *dirty_map;
static uint64_t *dirty_words;          /* a bit for each word of dirty_map that is not zero */
static uint64_t demarcated_ns;
static uint64_t demarcation_check_ticks;       /* of stop_ticks */

void persist_dirty_map(uint64_t *map, uint64_t *words)
{
	dirty_map = map;
	dirty_words = words;
}

static void dirty_mark(const struct frame *f, bool on)
{
	uint64_t pfn = frame_pfn(f), bit = 1ull << pfn % 64;

	if (on)
		dirty_map[pfn / 64] |= bit;
	else
		dirty_map[pfn / 64] &= ~bit;
	bit = 1ull << pfn / 64 % 64;
	if (dirty_map[pfn / 64])
		dirty_words[pfn / 64 / 64] |= bit;
	else
		dirty_words[pfn / 64 / 64] &= ~bit;
	persist_dirty += on ? 1 : -1;
}

struct store_object persist_object(struct frame *f)
{
	return (struct store_object){ .oid = f->oid, .alloc_count = f->alloc_count, .call_count = f->call_count,
				      .epoch = f->epoch, .kind = f->kind, .moving = f->kind != FRAME_PAGE,
				      .data = frame_data(f) };
}

/* Every frame is checked before it is written: a broken one ends this life before it is committed. */
void persist_frame_check(struct frame *f)
{
	uint64_t start = arch_tsc();
	int broken = frame_check(f);

	if (broken)
		panic_condition(broken, "the state is sound before it is saved", __FILE__, __LINE__);
	persist_times.check_ticks += arch_tsc() - start;
	persist_times.written++;
}

/* The first frame, of those from this one on, whose word of dirty_map is not zero; frame_count or more: none. */
static uint64_t dirty_from(uint64_t pfn)
{
	for (uint64_t word = pfn / 64; word * 64 < frame_count; word = (word | 63) + 1) {
		uint64_t bits = dirty_words[word / 64] >> word % 64;

		if (bits) {
			word += __builtin_ctzll(bits);
			return word * 64 > pfn ? word * 64 : pfn;
		}
	}
	return frame_count;
}

static bool next_dirty(void *context, uint64_t *cursor, uint32_t epoch, struct store_object *object)
{
	uint64_t pfn = *cursor;

	(void)context;
	while ((pfn = dirty_from(pfn)) < frame_count) {
		uint64_t word = dirty_map[pfn / 64] >> pfn % 64;

		if (!word) {
			pfn = (pfn | 63) + 1;
			continue;
		}
		pfn += __builtin_ctzll(word);
		if (frames[pfn].epoch <= epoch) {
			persist_frame_check(&frames[pfn]);
			*object = persist_object(&frames[pfn]);
			*cursor = pfn + 1;
			return true;
		}
		pfn++;
	}
	*cursor = frame_count;
	return false;
}

void frame_dirty_slow(struct frame *f)
{
	if (persist_on && f->oid < persist_homes) {
		for (;;) {
			struct store_object o = persist_object(f);
			int result;

			/* What is about to be copied is saved as it is. */
			if (f->kind == FRAME_POT && (f->flags & FRAME_DIRTY) && f->epoch != store_epoch)
				persist_frame_check(f);
			result = store_dirty(persist_store, &o, f->flags & FRAME_DIRTY);

			if (result == STORE_OK)
				break;
			if (result != STORE_WAIT)
				persist_failed(result);
			persist_wait();
		}
		if (!(f->flags & FRAME_DIRTY)) {
			dirty_mark(f, true);
			persist_due_arm();
			if (!persist_has_room())
				persist_tight = true;
		}
	}
	if (f->epoch != store_epoch) {
		f->flags = f->epoch + 1 == store_epoch ? f->flags | FRAME_AGAIN : f->flags & ~FRAME_AGAIN;
		f->kept = 0;
	}
	f->flags |= FRAME_DIRTY;
	f->epoch = f->ready_epoch = store_epoch;
}

/*
 * Whoever syncs often changes the same few pages each time, and each would fault again: such a page goes on to be dirty, in
 * the new epoch, and writable.  It goes out with the next generation too, changed or not; that ends when it was not for a
 * while, or when nobody asked for the generation.
 */
static bool stays_dirty(struct frame *f, bool changed)
{
	if (!(f->flags & FRAME_AGAIN) || f->kind != FRAME_PAGE || f->zero || f->epoch == store_epoch ||
	    f->epoch > persist_forced_epoch || !store_room_again(persist_store))
		return false;
	f->kept = changed ? 0 : f->kept + 1;
	if (f->kept > KEPT_MOST || !arch_leaf_unprotect(f))
		return false;
	store_dirty_again(persist_store);
	f->epoch = f->ready_epoch = store_epoch;
	persist_due_arm();
	return true;
}

static void cleaned(void *context, uint64_t oid, uint32_t epoch, bool changed)
{
	struct frame *f = frame_lookup(oid);

	(void)context;
	if (!f || !(f->flags & FRAME_DIRTY) || f->epoch != epoch)
		return;
	if (stays_dirty(f, changed))
		return;
	f->flags &= ~(FRAME_DIRTY | FRAME_AGAIN);
	f->ready_epoch = 0;
	dirty_mark(f, false);
}

/* What the processor holds goes into the frames, and what no frame holds is checked. */
static int check(void *context)
{
	uint64_t start = arch_tsc();
	int broken = sched_queues_check();

	(void)context;
	if (broken)
		panic_condition(broken, "the state is sound before it is saved", __FILE__, __LINE__);
	demarcation_check_ticks = arch_tsc() - start;
	if (cpu.fpu_owner)
		arch_fpu_save(cpu.fpu_owner);
	if (cpu.bases_owner)
		arch_bases_save(cpu.bases_owner);
	return 0;
}

static uint64_t dirty_count(void *context)
{
	(void)context;
	return persist_dirty;
}

/* Once in a life; the host's command looks for the line. */
static void fullness_tell(void)
{
	static bool told;

	if (told || persist_high * 10 < persist_range_end * 9)
		return;
	told = true;
	kprintf("keros: the disk is nearly full: up to %lu of %lu MiB are in use\n", persist_high >> 8, persist_range_end >> 8);
}

static void demarcated(void *context, uint32_t epoch, uint64_t root[ROOT_WORDS])
{
	struct process *p = cpu.current;

	(void)context;
	store_epoch = epoch;
	if (persist_dirty > PROTECT_DIRTY || !space_protect_all())
		space_flush_all();
	demarcated_ns = arch_now_ns();
	persist_due_ns = ~0ull;
	fullness_tell();
	root[ROOT_LAYOUT] = LAYOUT_NOW;
	root[ROOT_SUM] = layout_sum();
	root[ROOT_ABI] = persist_programs_abi;
	root[ROOT_PROGRAMS] = persist_programs_stamp;
	root[ROOT_MARK] = persist_mark_word;
	root[ROOT_SYSTEM] = persist_system_end;
	persist_groups_save(&root[ROOT_GROUPS]);
	root[ROOT_INTERVAL_NS] = persist_interval_ns;
	root[ROOT_HIGH] = persist_high;
	root[ROOT_NOW_NS] = demarcated_ns;
	root[ROOT_LIFE] = persist_life;
	root[ROOT_RANGE_END] = persist_range_end;
	root[ROOT_DMA] = physmem_dma_used();
	root[ROOT_TSC] = arch_tsc();
	root[ROOT_TSC_USER] = arch_tsc_user();
	/* The next trap saves its registers unasked. */
	if (p && process_frame(p)->kind == FRAME_PROCESS)
		frame_dirty(process_frame(p));
}

static void committed(void *context, uint32_t generation)
{
	(void)context;
	persist_times.last_commit_ns = arch_now_ns() - demarcated_ns;
	checkpoint_tell(generation);
}

static void room(void *context)
{
	(void)context;
}

const struct store_cache persist_cache = { NULL, next_dirty, cleaned, persist_fetched, persist_journalled, check, dirty_count,
					   demarcated, committed, room };

/* A demarcation that the store itself refused: a state that breaks a condition is never saved, and this life ends. */
static void refused_check(void)
{
	struct store_status status;

	store_get_status(persist_store, &status);
	if (status.refused)
		panic_condition(status.condition, "the store's state is sound before it is saved", __FILE__, __LINE__);
}

/* One step, timed: how long the machine stood still for the demarcation, and for any step at most. */
bool persist_step_timed(void)
{
	uint64_t start = arch_tsc(), took;
	uint32_t epoch = store_epoch;
	bool more = store_step(persist_store);

	took = arch_tsc() - start;
	refused_check();
	if (store_epoch != epoch) {
		persist_times.stop_ticks = took;
		persist_times.longest_ticks = persist_times.written = 0;
		persist_times.check_ticks = demarcation_check_ticks;
	}
	if (took > persist_times.longest_ticks)
		persist_times.longest_ticks = took;
	return more;
}

/* ---- checking ------------------------------------------------------------------------------- */

int persist_check(void)
{
	uint64_t dirty = 0;

	for (uint64_t pfn = 0; persist_on && pfn < frame_count; pfn++) {
		const struct frame *f = &frames[pfn];
		bool object = f->kind == FRAME_PAGE || f->kind == FRAME_POT || f->kind == FRAME_PROCESS;
		bool is = object && (f->flags & FRAME_DIRTY) && f->oid < persist_homes;

		dirty += is;
		if (is != (dirty_map[pfn / 64] >> pfn % 64 & 1) ||
		    (dirty_map[pfn / 64] != 0) != (dirty_words[pfn / 64 / 64] >> pfn / 64 % 64 & 1))
			return 120;
		if (object && f->ready_epoch == store_epoch && (!(f->flags & FRAME_DIRTY) || f->epoch != store_epoch))
			return 121;
	}
	if (persist_on && dirty != persist_dirty)
		return 120;
	return persist_on ? store_check(persist_store, true) : 0;
}
