/*
 * store.c - what a checkpoint costs those who work, measured by a native program.
 *
 * Started by `keros run --disk FILE --native bench-store`; prints lines as posix/main.c does, in ticks of the processor's
 * counter (instructions under --icount):
 *     ckpt_stop_N      the demarcation: nothing runs.  N: MiB that were dirty
 *     ckpt_longest_N   the longest single step of the store until the commit
 *     ckpt_check_N     checking the consistency of all that was written, in its pieces
 *     ckpt_commit_N    from asking to the commit, when nothing else is done
 *     ckpt_load_alone, ckpt_load_saving   a page changed throughout: with nothing to save, and while N MiB are saved
 *
 * Invariant: checkpoints start only here; the interval is set to longer than the program lives.
 */
#include "../../tests/native/t.h"
#include "tsc.h"

#define MiB        (1024 * 1024ull)
#define PAGE_WORDS 512
#define PAGES_MIB  256
#define LOAD_MIB   64
#define SAVED_MIB  256

#define AREA_AT    0x40000000ull       /* the fifth slot of the node that divides the low 4 GiB, and those after it */
#define SLOT_MIB   256
#define PART_MIB   128                 /* a zero segment fills half a slot */

enum { B_CHECKPOINT = T_A, B_SPACE = T_B, B_SEGMENT = T_C };
static const unsigned dirty_mib[] = { 16, 256, 1024 };

static uint64_t stamp;

static void print_row(const char *name, unsigned mib, uint64_t ticks)
{
	char line[120];

	if (mib)
		snprintf(line, sizeof line, "BENCH name=%s_%u iters=1 reps=1 tsc_med=%llu\n", name, mib,
			 (unsigned long long)ticks);
	else
		snprintf(line, sizeof line, "BENCH name=%s iters=1 reps=1 tsc_med=%llu\n", name, (unsigned long long)ticks);
	t_print(line);
}

static void end_badly(const char *name, const char *why)
{
	char line[120];

	snprintf(line, sizeof line, "BENCH name=%s error=%s\n", name, why);
	t_print(line);
	log_power_off(CR_LOG, 1);
	for (;;)
		;
}

static void must(uint32_t rc, const char *what)
{
	if (rc != RC_OK)
		end_badly(what, rc == RC_NOACCESS ? "there is no store" : "it answered an error");
}

/* Zero segments in our own space. */
static void area_make(void)
{
	must(process_get_slot(CR_SELF, PSLOT_SPACE, B_SPACE), "space");
	must(node_fetch(B_SPACE, 0, B_SPACE), "space");
	if (!t_given(VCS_TYPE, T_SERVICE))
		end_badly("ckpt_stop", "there is no segment service");
	for (unsigned i = 0; i < dirty_mib[2] / PART_MIB; i++) {
		must(vcs_make_zero(T_SERVICE, CR_BANK, B_SEGMENT), "segment");
		must(node_swap(B_SPACE, AREA_AT / MiB / SLOT_MIB + i, B_SEGMENT, CR_VOID), "space");
	}
}

/* The page of a number, counted over the segments. */
static uint64_t *page_at(uint64_t number)
{
	uint64_t part = number / (PART_MIB * PAGES_MIB), rest = number % (PART_MIB * PAGES_MIB);

	return (uint64_t *)(AREA_AT + part * SLOT_MIB * MiB + rest * 4096);
}

/* No page is all zero, and none is what it was. */
static void make_dirty(uint64_t mib)
{
	stamp++;
	for (uint64_t i = 0; i < mib * PAGES_MIB; i++)
		page_at(i)[stamp % PAGE_WORDS] = stamp;
}

static uint64_t save_begin(void)
{
	uint64_t generation;

	must(checkpoint_force(B_CHECKPOINT, &generation), "ckpt_force");
	return generation;
}

static bool save_ended(uint64_t generation)
{
	uint64_t committed;

	must(checkpoint_committed(B_CHECKPOINT, &committed), "ckpt_committed");
	return committed >= generation;
}

static void row_stop(unsigned mib)
{
	uint64_t stop, longest, check, written, ns, copies, start;

	make_dirty(mib);
	start = read_tsc();
	must(checkpoint_wait(B_CHECKPOINT, save_begin()), "ckpt_wait");
	print_row("ckpt_commit", mib, read_tsc() - start);
	must(checkpoint_times(B_CHECKPOINT, &stop, &longest, &check, &written, &ns, &copies), "ckpt_times");
	if (written < mib * PAGES_MIB)
		end_badly("ckpt_stop", "less was written than was dirty");
	print_row("ckpt_stop", mib, stop);
	print_row("ckpt_longest", mib, longest);
	print_row("ckpt_check", mib, check);
}

/* One unit of a load: a page is read and written throughout.  The pages of the load are its own. */
static void load_one(void)
{
	static uint64_t at;
	uint64_t *page = page_at(SAVED_MIB * PAGES_MIB + at);

	for (unsigned i = 0; i < PAGE_WORDS; i++)
		page[i] = page[i] * 5 + i;
	at = (at + 1) % (LOAD_MIB * PAGES_MIB);
}

static void row_load(void)
{
	uint64_t alone = LOAD_MIB * PAGES_MIB, saving = 0, start, generation;

	for (uint64_t i = 0; i < alone; i++)
		load_one();
	start = read_tsc();
	for (uint64_t i = 0; i < alone; i++)
		load_one();
	print_row("ckpt_load_alone", 0, (read_tsc() - start) / alone);
	make_dirty(SAVED_MIB);
	start = read_tsc();
	generation = save_begin();
	do {
		for (unsigned i = 0; i < 64; i++)
			load_one();
		saving += 64;
	} while (!save_ended(generation));
	print_row("ckpt_load_saving", 0, (read_tsc() - start) / saving);
}

int main(void)
{
	uint64_t before;

	t_begin("bench-store: what a checkpoint costs");
	if (!t_given(CHECKPOINT_TYPE, B_CHECKPOINT))
		end_badly("ckpt_stop", "there is no checkpoint capability");
	must(checkpoint_interval(B_CHECKPOINT, 3600000000000ull, &before), "ckpt_interval");
	area_make();
	for (unsigned i = 0; i < sizeof dirty_mib / sizeof dirty_mib[0]; i++)
		row_stop(dirty_mib[i]);
	row_load();
	log_power_off(CR_LOG, 0);
	return 1;
}
