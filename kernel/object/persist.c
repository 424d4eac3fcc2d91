/*
 * persist.c - the object cache as the store's client.  Rules in persist.h.
 *
 * Invariants
 *   C120 a bit of dirty_map is set if and only if the frame is dirty and belongs to the store; one of dirty_words, if
 *        and only if there is one in its word of dirty_map
 *   C121 a frame that is ready (may be changed unasked) is dirty in the current epoch
 * A process frame changes in ways that nobody announces (queue links, registers at a trap), and so does a pot of
 * nodes (where they are mapped, hints), so the store copies them before it writes them (store_object.moving);
 * pages are written from their place, and frame_dirty_slow waits while that lasts.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "mem/space.h"
#include "object/device.h"
#include "object/layout.h"
#include "object/persist.h"
#include "panic.h"
#include "sched/sched.h"


#define FRAMES_LOW   192               /* enough for the largest single operation */
#define FRAMES_HIGH  448
#define FRAMES_PART  4                 /* of a small machine, no more than one frame in so many is kept free */
#define AGE_BATCH    2048
#define ROOM_MARGIN  96                /* objects that an operation may dirty beyond the processes */
#define AHEAD_MOST   15                /* objects fetched with the one that is asked for */
#define AHEAD_GAP    4                 /* what lies between is something else's */
#define STEP_ROUNDS  8
#define SCAN_STEP    512
#define PACE         5                 /* while somebody computes, the store gets one part in this and one */
#define INTERVAL_NS  2000000000ull
#define KEPT_MOST    4                 /* generations in which a page stays dirty that is not changed */
#define PROTECT_DIRTY 64               /* so few pages are worth to be looked for in the tables: those are kept */
#ifdef KEROS_TORMENT
#define COPIES_KEPT  2                 /* frames that can be copied on write at once */
#define WRITE_SLOTS  3                 /* objects written at once */
#else
#define COPIES_KEPT  STORE_COPIES
#define WRITE_SLOTS  0                 /* as many as there are requests */
#endif

bool persist_on, persist_tight;
uint32_t persist_life;
uint64_t persist_high, persist_range_end, persist_homes;
uint64_t persist_due_ns = ~0ull;

static struct store *store;
static struct store_disk disk;
static struct disk_super super;
static uint64_t *dirty_map;
static uint64_t *dirty_words;          /* a bit for each word of dirty_map that is not zero */
static uint64_t dirty_total, process_total;
static uint64_t interval_ns = INTERVAL_NS;
static uint64_t last_commit_ns, demarcated_ns;
static uint64_t stop_ticks, longest_ticks, check_ticks, written;       /* of the last checkpoint, or the one under way */
static uint64_t pace_until;            /* ticks: those who compute are not stopped again before then */
static uint64_t demarcation_check_ticks;       /* of stop_ticks */
static bool journal_waits;             /* somebody found the journal busy */
static bool force_wanted;
static uint32_t forced_epoch;          /* the last one that somebody asked to be saved */
static uint64_t programs_abi, programs_stamp, mark;     /* root words that only a system knows: layout.h */
static struct arriving {               /* asked of the store by persist_fetch, which waits for all of them */
	struct frame *frame;
	int result;                    /* -1: on its way */
} arriving[AHEAD_MOST + 1];
static unsigned arriving_count, arriving_left;
static uint64_t ahead_next;            /* who reads on in order asks for this one next */
static unsigned ahead;                 /* how many are then fetched with it */
uint64_t persist_frames_low;
static uint64_t age_hand, frames_high;

/* failure: what the store has answered, if it has not failed as a whole; STORE_OK else. */
static __attribute__((noreturn)) void store_failed(int failure)
{
	struct store_status status;

	store_get_status(store, &status);
	if (status.phase == STORE_FAILED)
		failure = status.failure;
	if (failure != STORE_IO) {
		kprintf("keros: the store stops: the disk holds what was not written (condition C%d).\n", status.condition);
		arch_power_off(STORE_END_DAMAGED);
	}
	kprintf("keros: the store stops: the disk answers with errors.\n");
	if (status.generation)
		kprintf("keros: generation %u is what is saved.\n", status.generation);
	arch_power_off(STORE_END_FAILED);
}

/* ---- what the store asks ------------------------------------------------------------------- */

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
	dirty_total += on ? 1 : -1;
}

static struct store_object object_of(struct frame *f)
{
	return (struct store_object){ .oid = f->oid, .alloc_count = f->alloc_count, .call_count = f->call_count,
				      .epoch = f->epoch, .kind = f->kind, .moving = f->kind != FRAME_PAGE,
				      .data = frame_data(f) };
}

/* Every frame is checked before it is written: a broken one ends this life before it is committed. */
static void frame_check_saved(struct frame *f)
{
	uint64_t start = arch_tsc();
	int broken = frame_check(f);

	if (broken)
		panic_condition(broken, "the state is sound before it is saved", __FILE__, __LINE__);
	check_ticks += arch_tsc() - start;
	written++;
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
			frame_check_saved(&frames[pfn]);
			*object = object_of(&frames[pfn]);
			*cursor = pfn + 1;
			return true;
		}
		pfn++;
	}
	*cursor = frame_count;
	return false;
}

static void due_arm(void)
{
	if (persist_due_ns == ~0ull)
		persist_due_ns = arch_now_ns() + interval_ns;
}

/*
 * Whoever syncs often changes the same few pages each time, and each would fault again: such a page goes on to be dirty, in
 * the new epoch, and writable.  It goes out with the next generation too, changed or not; that ends when it was not for a
 * while, or when nobody asked for the generation.
 */
static bool stays_dirty(struct frame *f, bool changed)
{
	if (!(f->flags & FRAME_AGAIN) || f->kind != FRAME_PAGE || f->zero || f->epoch == store_epoch ||
	    f->epoch > forced_epoch || !store_room_again(store))
		return false;
	f->kept = changed ? 0 : f->kept + 1;
	if (f->kept > KEPT_MOST || !arch_leaf_unprotect(f))
		return false;
	store_dirty_again(store);
	f->epoch = f->ready_epoch = store_epoch;
	due_arm();
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

static void fetched(void *context, uint64_t cookie, const struct store_object *object, int result)
{
	struct frame *f = &frames[cookie];

	(void)context;
	for (unsigned i = 0; i < arriving_count; i++)
		if (arriving[i].frame == f)
			arriving[i].result = result;
	arriving_left--;
	f->alloc_count = object->alloc_count;
	f->call_count = object->call_count;
	f->kind = object->kind ? object->kind : FRAME_PAGE;
	f->epoch = object->epoch;
}

/* The cookie is the frame of the process that waits and its ticket: it may have been stopped, or have left since. */
static void journalled(void *context, uint64_t cookie, int result)
{
	struct frame *f = &frames[(uint32_t)cookie];
	struct process *p = frame_data(f);

	(void)context;
	if (result == STORE_OK && f->kind == FRAME_PROCESS && p->journal_ticket == cookie >> 32)
		p->journal_done = p->journal_ticket;
	sched_commit_wake();           /* also those whose turn is next */
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
	return dirty_total;
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
	if (dirty_total > PROTECT_DIRTY || !space_protect_all())
		space_flush_all();
	demarcated_ns = arch_now_ns();
	persist_due_ns = ~0ull;
	fullness_tell();
	root[ROOT_LAYOUT] = LAYOUT_NOW;
	root[ROOT_SUM] = layout_sum();
	root[ROOT_ABI] = programs_abi;
	root[ROOT_PROGRAMS] = programs_stamp;
	root[ROOT_MARK] = mark;
	root[ROOT_INTERVAL_NS] = interval_ns;
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
	last_commit_ns = arch_now_ns() - demarcated_ns;
	checkpoint_tell(generation);
}

static void room(void *context)
{
	(void)context;
}

/* A demarcation that the store itself refused: a state that breaks a condition is never saved, and this life ends. */
static void refused_check(void)
{
	struct store_status status;

	store_get_status(store, &status);
	if (status.refused)
		panic_condition(status.condition, "the store's state is sound before it is saved", __FILE__, __LINE__);
}

/* One step, timed: how long the machine stood still for the demarcation, and for any step at most. */
static bool step_timed(void)
{
	uint64_t start = arch_tsc(), took;
	uint32_t epoch = store_epoch;
	bool more = store_step(store);

	took = arch_tsc() - start;
	refused_check();
	if (store_epoch != epoch) {
		stop_ticks = took;
		longest_ticks = written = 0;
		check_ticks = demarcation_check_ticks;
	}
	if (took > longest_ticks)
		longest_ticks = took;
	return more;
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* Inside an operation: the disk goes on, but there is no demarcation. */
static void wait_held(void)
{
	struct store_status status;

	store_hold(store, true);
	arch_disk_poll();
	store_step(store);
	store_hold(store, false);
	store_get_status(store, &status);
	if (status.phase == STORE_FAILED)
		store_failed(STORE_OK);
}

static bool has_room(void)
{
	int result = store_room(store, ROOM_MARGIN + process_total);

	if (result == STORE_IO || result == STORE_BAD)
		store_failed(result);
	return result != STORE_WAIT;
}

static void note_tightness(void)
{
	if (!has_room())
		persist_tight = true;
}

void frame_dirty_slow(struct frame *f)
{
	if (persist_on && f->oid < persist_homes) {
		for (;;) {
			struct store_object o = object_of(f);
			int result;

			/* What is about to be copied is saved as it is. */
			if (f->kind == FRAME_POT && (f->flags & FRAME_DIRTY) && f->epoch != store_epoch)
				frame_check_saved(f);
			result = store_dirty(store, &o, f->flags & FRAME_DIRTY);

			if (result == STORE_OK)
				break;
			if (result != STORE_WAIT)
				store_failed(result);
			wait_held();
		}
		if (!(f->flags & FRAME_DIRTY)) {
			dirty_mark(f, true);
			due_arm();
			note_tightness();
		}
	}
	if (f->epoch != store_epoch) {
		f->flags = f->epoch + 1 == store_epoch ? f->flags | FRAME_AGAIN : f->flags & ~FRAME_AGAIN;
		f->kept = 0;
	}
	f->flags |= FRAME_DIRTY;
	f->epoch = f->ready_epoch = store_epoch;
}

/* Node capabilities carry a guess at the frame; one of a larger machine would be out of bounds. */
static void hints_forget(struct cap *c, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		c[i] = cap_without_hint(&c[i]);
}

static void pot_arrived(struct frame *f)
{
	for (unsigned i = 0; i < NODES_PER_POT; i++) {
		node_at(f, i)->dep_flags = 0;
		hints_forget(node_at(f, i)->slot, NODE_SLOTS);
	}
}

/* It is in memory; what only memory knows of it begins anew. */
static void arrived(struct frame *f)
{
	f->ready_epoch = 0;
	if (f->oid >= persist_range_end)
		f->flags |= FRAME_FIXED;
	if (f->kind == FRAME_POT)
		pot_arrived(f);
	if (f->kind == FRAME_PROCESS) {
		struct process *p = frame_data(f);

		hints_forget(p->caps, CAP_REGISTERS);
		hints_forget(p->slots, PROCESS_SLOTS);
		process_arrived(f);
	}
}

static bool fetch_begin(struct frame *f)
{
	arriving[arriving_count] = (struct arriving){ f, -1 };
	if (store_fetch(store, f->oid, frame_data(f), frame_pfn(f)) != STORE_OK)
		return false;
	arriving_count++;
	arriving_left++;
	return true;
}

/* Whoever goes through objects in the order in which they were made gets the next ones too, more each time. */
static void fetch_ahead(uint64_t oid)
{
	ahead = oid - ahead_next < AHEAD_GAP ? (2 * ahead + 1 < AHEAD_MOST ? 2 * ahead + 1 : AHEAD_MOST) : 0;
	ahead_next = oid + 1;
	for (unsigned i = 0; i < ahead; i++, ahead_next++) {
		struct frame *f;

		if (!persist_has(ahead_next) || frame_free_count() <= persist_frames_low || frame_lookup(ahead_next))
			return;
		f = frame_take(ahead_next);
		if (!fetch_begin(f)) {
			frame_evict(f);
			return;
		}
	}
}

void persist_fetch(struct frame *f)
{
	arriving_count = arriving_left = 0;
	while (!fetch_begin(f))
		wait_held();
	fetch_ahead(f->oid);
	while (arriving_left)
		wait_held();
	if (arriving[0].result != STORE_OK) {
		kprintf("keros: object %lx cannot be read from the disk\n", f->oid);
		store_failed(arriving[0].result);
	}
	arrived(f);
	for (unsigned i = 1; i < arriving_count; i++) {
		if (arriving[i].result == STORE_OK)
			arrived(arriving[i].frame);
		else
			frame_evict(arriving[i].frame);        /* nobody asked for it yet */
	}
}

/* ---- ageing -------------------------------------------------------------------------------- */

static bool may_leave(const struct frame *f)
{
	return (f->kind == FRAME_PAGE || f->kind == FRAME_POT) && !(f->flags & FRAME_PINNED) && f->oid < persist_homes;
}

static bool pot_mapped(struct frame *f)
{
	for (unsigned i = 0; i < NODES_PER_POT; i++)
		if (node_at(f, i)->dep_flags)
			return true;
	return false;
}

/* The first visit takes a frame's translations away.  True: that needs all spaces to be flushed. */
static bool age_first(struct frame *f)
{
	f->flags |= FRAME_AGED;
	if (f->kind == FRAME_POT)
		return pot_mapped(f);
	if (f->flags & (FRAME_FIXED | FRAME_MULTI))
		return true;
	space_page_gone(f);
	return false;
}

/* The second visit, if nobody asked for it since. */
static void age_second(struct frame *f)
{
	struct store_object o = object_of(f);

	if (f->flags & FRAME_DIRTY)
		frame_check_saved(f);
	if (!(f->flags & FRAME_DIRTY))
		frame_evict(f);
	else if (f->ready_epoch == store_epoch && store_clean(store, &o) == STORE_OK)
		f->ready_epoch = 0;
}

static void age(void)
{
	bool flush = false;

	for (unsigned i = 0; i < AGE_BATCH && frame_free_count() < frames_high; i++) {
		struct frame *f = &frames[age_hand = (age_hand + 1) % frame_count];

		if (!may_leave(f))
			continue;
		if (f->flags & FRAME_AGED)
			age_second(f);
		else
			flush |= age_first(f);
	}
	if (flush)
		space_flush_all();
}

/* ---- torment: as little prepared, and as much saved, as can be ------------------------------- */

#ifdef KEROS_TORMENT
uint32_t torment_points;

static void hints_forget_all(void)
{
	for (uint64_t pfn = 1; pfn < frame_count; pfn++) {
		if (frames[pfn].kind == FRAME_POT) {
			for (unsigned i = 0; i < NODES_PER_POT; i++)
				hints_forget(node_at(&frames[pfn], i)->slot, NODE_SLOTS);
		} else if (frames[pfn].kind == FRAME_PROCESS) {
			struct process *p = frame_data(&frames[pfn]);

			hints_forget(p->caps, CAP_REGISTERS);
			hints_forget(p->slots, PROCESS_SLOTS);
		}
	}
}

/* No translation, no hint; with a store nothing in memory that need not be there, and a checkpoint. */
static void torment(void)
{
	uint64_t high = frames_high;

	torment_points = 0;
	space_flush_all();
	hints_forget_all();
	if (!persist_on)
		return;
	store_checkpoint(store);
	frames_high = ~0ull;
	for (uint64_t i = 0; i < 2 * (frame_count / AGE_BATCH + 1); i++)
		age();
	frames_high = high;
}
#endif

/* ---- safe points --------------------------------------------------------------------------- */

void persist_relieve(void)
{
	struct store_status status;

#ifdef KEROS_TORMENT
	if (torment_points >= KEROS_TORMENT)
		torment();
#endif
	while (persist_on && (frame_free_count() < frames_high || !has_room())) {
		arch_disk_poll();
		for (unsigned i = 0; i < STEP_ROUNDS && step_timed(); i++)
			;
		if (frame_free_count() < frames_high)
			age();
		store_get_status(store, &status);
		if (status.phase == STORE_FAILED)
			store_failed(STORE_OK);
	}
	persist_tight = false;
	/* Somebody who waits has asked: the demarcation, if none is under way, and the first writes. */
	for (unsigned i = 0; i < STEP_ROUNDS && force_wanted && step_timed(); i++)
		;
	force_wanted = false;
}

bool persist_busy(void)
{
	return persist_on && store_busy(store);
}

bool persist_paced(void)
{
	return persist_on && !store_small(store);
}

bool persist_step(void)
{
	struct store_status status;
	bool more = persist_on;

	if (!persist_on)
		return false;
	arch_disk_poll();
	if (persist_due_ns != ~0ull && arch_now_ns() >= persist_due_ns) {
		persist_due_ns = ~0ull;
		store_checkpoint(store);
	}
	/* A small checkpoint is a few steps, and somebody waits for it. */
	if (!cpu.idle && persist_paced() && arch_tsc() < pace_until)
		return false;
	pace_until = arch_tsc();
	for (unsigned i = 0; i < STEP_ROUNDS && more; i++)
		more = step_timed();
	pace_until += (arch_tsc() - pace_until) * (1 + PACE);
	store_get_status(store, &status);
	if (status.phase == STORE_FAILED)
		store_failed(STORE_OK);
	if (frame_free_count() < frames_high)
		age();
	if (journal_waits) {
		journal_waits = false;
		sched_commit_wake();
	}
	return more;
}

/* ---- start --------------------------------------------------------------------------------- */

static uint32_t version_total(uint64_t frame_total)
{
	return frame_total * 2 < 8192 ? 8192 : frame_total * 2;
}

static uint32_t hash_total(uint64_t frame_total)
{
	uint32_t size = 8192;

	while (size < version_total(frame_total))
		size *= 2;
	return size;
}

static uint64_t log_bits(uint64_t frame_total)
{
	return frame_total * 8 < 1 << 20 ? 1 << 20 : frame_total * 8;
}

static uint64_t dir_total(uint64_t frame_total)
{
	return version_total(frame_total) / DIR_ENTRIES + 2;
}

#define JOURNAL_FRAMES_MAX 4096

struct plan {
	uint64_t frames, dirty, dirty_words, store, versions, live, hash, log_map, heap, dirs, journal, end;
};

/* Where everything lies in the memory given, as offsets. */
static struct plan plan_of(uint64_t total)
{
	struct plan at = { .frames = 0 };

	at.dirty = (STORE_BUFFERS + STORE_COPIES) * (uint64_t)DISK_FRAME;
	at.dirty_words = at.dirty + (total / 64 + 1) * 8;
	at.store = at.dirty_words + (total / 64 / 64 + 1) * 8;
	at.versions = at.store + (store_size() + 63) / 64 * 64;
	at.live = at.versions + version_total(total) * store_version_bytes();
	at.hash = at.live + version_total(total) * 4ull;
	at.log_map = at.hash + hash_total(total) * 4ull;
	at.heap = at.log_map + log_bits(total) / 8;
	at.dirs = at.heap + version_total(total) * 4ull;
	at.journal = at.dirs + 2 * ((dir_total(total) * 4 + 7) & ~7ull);
	at.end = at.journal + JOURNAL_FRAMES_MAX * JOURNAL_PAGES * 4ull;
	return at;
}

uint64_t persist_plan(uint64_t frame_total)
{
	return arch_disk_find(&disk) ? plan_of(frame_total).end : 0;
}

static __attribute__((noreturn)) void refuse(const char *why)
{
	kprintf("keros: the disk %s; it is left as it is. Give another file with --disk.\n", why);
	arch_power_off(STORE_END_REFUSED);
}

static volatile uint32_t boot_read_answer;

/* Before the store is open: one frame, waited for. */
static void boot_read(uint64_t frame, void *data)
{
	struct disk_request r = { .frame = frame, .data = data, .op = DISK_READ };

	boot_read_answer = 0;
	KCHECK(27, disk.submit(disk.context, &r, 1) == 1, "an idle disk takes a request");
	while (!boot_read_answer)
		arch_disk_poll();
	if (boot_read_answer != 1)
		refuse("cannot be read");
}

void persist_disk_done(uint32_t tag, bool ok)
{
	if (persist_on)
		store_disk_done(store, tag, ok);
	else
		boot_read_answer = ok ? 1 : 2;
}

void persist_open(void *memory, uint64_t frame_total, uint64_t pack_pages)
{
	static const struct store_cache cache = { NULL, next_dirty, cleaned, fetched, journalled, check, dirty_count,
						  demarcated, committed, room };
	struct plan at = plan_of(frame_total);
	struct store_status status;
	uint8_t *base = memory;
	struct store_memory m = { .versions = (void *)(base + at.versions), .version_count = version_total(frame_total),
		.live = (void *)(base + at.live), .hash = (void *)(base + at.hash), .hash_size = hash_total(frame_total),
		.log_map = (void *)(base + at.log_map), .heap = (void *)(base + at.heap),
		.journal_lids = (void *)(base + at.journal), .frames = base, .copy_count = COPIES_KEPT,
		.write_slots = WRITE_SLOTS, .scan_step = SCAN_STEP };

	m.dirs[0] = (void *)(base + at.dirs);
	m.dirs[1] = (void *)(base + at.dirs + ((dir_total(frame_total) * 4 + 7) & ~7ull));
	boot_read(SUPER_FRAME, base);
	if (super_judge(base, disk.frames, &super))
		refuse("holds no store that this kernel knows");
	if (super.log_frames > log_bits(frame_total) || super.journal_frames > JOURNAL_FRAMES_MAX)
		refuse("has a log too large for this machine's memory (--mem)");
	frames_high = range_frames / FRAMES_PART < FRAMES_HIGH ? range_frames / FRAMES_PART : FRAMES_HIGH;
	persist_frames_low = range_frames / FRAMES_PART < FRAMES_HIGH ? frames_high / 2 : FRAMES_LOW;
	dirty_map = (void *)(base + at.dirty);
	dirty_words = (void *)(base + at.dirty_words);
	store = (void *)(base + at.store);
	persist_homes = super.homes;
	(void)layout_sum();            /* now, and not in the first demarcation */
	persist_on = true;
	programs_abi = KERNEL_ABI_NOW;
	store_open(store, &disk, &cache, &m, &super);
	while (!store_ready(store))
		wait_held();
	store_get_status(store, &status);
	if (status.unproven_header)
		kprintf("keros: a generation was not finished when power went; generation %u goes on\n", status.generation);
	if (status.older_header)
		kprintf("keros: one header of the disk is damaged, or was being written when power went: generation %u may not\n"
			"be the newest that was committed\n", status.generation);
	arch_disk_interrupts();
	store_epoch = store_current_epoch(store);
	persist_range_end = super.homes > pack_pages ? super.homes - pack_pages : 0;
	if (persist_range_end < 4096)
		refuse("is too small for the boot pack");
}

static void processes_fetch(void)
{
	for (uint64_t oid = 1; oid < persist_high; oid++) {
		uint8_t kind = 0;
		int result;

		while ((result = store_kind(store, oid, &kind)) == STORE_WAIT)
			wait_held();
		if (result != STORE_OK) {
			kprintf("keros: what object %lx is cannot be read from the disk\n", oid);
			store_failed(result);
		}
		if (kind == FRAME_PROCESS && !frame_get(oid))
			refuse("holds more processes than this machine's memory (--mem)");
	}
}

/* What the last life had asked the machine for. */
static void process_resume(struct process *p)
{
	uint16_t bits = p->irq_bits | p->restart_bits | (p->commit_generation ? p->commit_bits : 0);

	process_total++;
	if (p->commit_generation) {
		frame_dirty(process_frame(p));
		p->commit_generation = 0;
	}
	schedule_refresh(p);                   /* also of those who wait: it is what they will run with */
	if (p->state == PROC_RUNNING)
		sched_ready(p);
	if (p->alarm_ns)
		sched_alarm(p, p->alarm_bits, p->alarm_ns);
	if (bits)
		notice_deliver(p, bits);
}

static __attribute__((noreturn)) void refuse_system(const uint64_t *root, const char *why)
{
	kprintf("keros: the disk %s (layout %lu, sum %lx, ABI %lu; here %u, %lx, %u); it is left as it is. Go on with the build\n"
		"that made it, or give another file with --disk; doc/upgrade.md says more.\n", why, root[ROOT_LAYOUT], root[ROOT_SUM],
		root[ROOT_ABI], LAYOUT_NOW, layout_sum(), KERNEL_ABI_NOW);
	arch_power_off(STORE_END_REFUSED);
}

bool persist_restart(uint64_t pack_stamp)
{
	const uint64_t *root = store_root(store);
	const char *why;
	uint64_t start_ns = arch_now_ns();

	persist_life = 1;
	programs_stamp = pack_stamp;
	if (root[ROOT_LAYOUT] == 0)
		return false;
	why = layout_judge(root);
	if (why)
		refuse_system(root, why);
	programs_abi = root[ROOT_LAYOUT] > 3 ? root[ROOT_ABI] : KERNEL_ABI_NOW;
	programs_stamp = root[ROOT_PROGRAMS];
	mark = root[ROOT_MARK];
	if (root[ROOT_INTERVAL_NS])
		interval_ns = root[ROOT_INTERVAL_NS];
	persist_high = root[ROOT_HIGH];
	persist_life = root[ROOT_LIFE] + 1;
	persist_range_end = root[ROOT_RANGE_END];
	arch_time_continue(root[ROOT_NOW_NS], root[ROOT_TSC], root[ROOT_TSC_USER]);
	physmem_continue(root[ROOT_DMA]);
	processes_fetch();
	for (uint64_t pfn = 1; pfn < frame_count; pfn++)
		if (frames[pfn].kind == FRAME_PROCESS)
			process_resume(frame_data(&frames[pfn]));
	kprintf("keros: life %u goes on from generation %u, %lu processes, %lu us after the start\n", persist_life,
		store_current_epoch(store) - 1, process_total, (start_ns + arch_now_ns() - root[ROOT_NOW_NS]) / 1000);
	if (programs_stamp != pack_stamp)
		kprintf("keros: it goes on with the programs that it was started with; the loader's are others\n");
	return true;
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
	if (persist_on && dirty != dirty_total)
		return 120;
	return persist_on ? store_check(store, true) : 0;
}

/* ---- the checkpoint capability -------------------------------------------------------------- */

void persist_status(struct persist_status *status)
{
	if (persist_on)
		store_get_status(store, &status->store);
	status->dirty = dirty_total;
	status->frames_free = frame_free_count();
	status->interval_ns = interval_ns;
	status->last_commit_ns = last_commit_ns;
	status->stop_ticks = stop_ticks;
	status->longest_ticks = longest_ticks;
	status->check_ticks = check_ticks;
	status->written = written;
}

uint32_t persist_force(void)
{
	store_checkpoint(store);
	force_wanted = persist_tight = true;
	forced_epoch = store_epoch;
	return store_epoch;
}

bool persist_committed(uint32_t generation)
{
	struct store_status status;

	store_get_status(store, &status);
	return status.generation >= generation;
}

/* ---- the journal ---------------------------------------------------------------------------- */

/*
 * A record must not be laid over a state in which the page was not yet given to anybody: it would hold something when it is
 * given to the next.  So the first time there is a checkpoint, which knows it as given; after that the journal does.
 */
static bool journal_based(struct frame *page)
{
	if (!page->journal_base)
		page->journal_base = persist_force();
	return persist_committed(page->journal_base);
}

bool persist_journal(struct process *p, struct frame *page)
{
	static uint32_t tickets;
	struct store_object o = object_of(page);
	int result;

	if (p->journal_ticket && p->journal_oid == page->oid) {
		if (p->journal_done != p->journal_ticket)
			return false;
		p->journal_ticket = 0;
		return true;
	}
	if (!journal_based(page))
		return false;
	tickets += tickets + 1 ? 1 : 2;        /* never 0 */
	result = store_journal(store, &o, 1, (uint64_t)tickets << 32 | frame_pfn(process_frame(p)));
	if (result == STORE_OK) {
		p->journal_oid = page->oid;
		p->journal_ticket = tickets;
		p->journal_done = 0;
		force_wanted = persist_tight = true;   /* the next safe point gives it to the disk */
	} else if (result == STORE_WAIT) {
		journal_waits = true;
	} else {
		store_failed(result);
	}
	return false;
}

uint64_t persist_mark(uint64_t value)
{
	uint64_t before = mark;

	mark = value;
	return before;
}

void persist_interval(uint64_t ns)
{
	interval_ns = ns;
	if (dirty_total)
		persist_due_ns = arch_now_ns() + ns;
}
