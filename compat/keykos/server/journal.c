/*
 * journal.c - the kernel page: times that programs read without asking anybody.
 *
 *	JOURNALNODE(0 ==> 0;PAGE)      a read-only key to it (kernelpk.h); (1..15 ==> 0;DK(0)), KT 4
 *
 * Five words of the system timer: last checkpoint, checkpoint of the last restart, last restart, when the time was set,
 * now.  The page is made when it is first asked for; from then on "now" is renewed each JOURNAL_PERIOD_US, and is no
 * later than the timer.  The last checkpoint is told no later than it was: what was done before that time is saved.
 * Source: keykos.md 7.3.
 */
#include <keros/checkpoint.h>
#include "object.h"

#define WINDOW 0x28000000ull               /* where the server sees it */
#define UNITS  4096u                       /* a microsecond */

enum { SLOT_PAGE };
struct kernel_page { uint64_t last_checkpoint, restart_checkpoint, restart, last_set, now; };

static volatile struct kernel_page *page;  /* NULL until somebody asks */
static uint64_t restarted, generation;
static cap_t bank_register = CR_BANK;

void journal_restart(void)
{
	restarted = time_now();
	if (!page)
		return;
	page->restart_checkpoint = page->last_checkpoint;
	page->restart = page->now = restarted;
}

/* A checkpoint that is new since the last time was begun after that, less what it took until its commit. */
static void checkpoint_tell(void)
{
	uint64_t newest = 0, commit_ns = 0;

	if (checkpoint_committed(R_CHECKPOINT, &newest) != RC_OK || newest == generation)
		return;
	generation = newest;
	if (checkpoint_times(R_CHECKPOINT, NULL, NULL, NULL, NULL, &commit_ns, NULL) == RC_OK &&
	    page->now > commit_ns / 1000 * UNITS && page->now - commit_ns / 1000 * UNITS > page->last_checkpoint)
		page->last_checkpoint = page->now - commit_ns / 1000 * UNITS;
}

bool journal_runs(void)
{
	return page != NULL;
}

void journal_tick(void)
{
	if (!page)
		return;
	checkpoint_tell();
	page->now = time_now();
}

static uint32_t page_make(unsigned index)
{
	struct space_maker maker = space_bank_maker(&bank_register);

	if (bank_alloc_page(CR_BANK, R_A) != RC_OK)
		return RC_NO_SPACE;
	process_get_slot(CR_SELF, PSLOT_SPACE, R_B);
	if (space_map(R_B, WINDOW, R_A, 0, &maker) != RC_OK) {
		bank_free(CR_BANK, R_A);
		return RC_NO_SPACE;
	}
	page = (volatile struct kernel_page *)WINDOW;
	page->restart = restarted;
	journal_tick();
	primary(R_A, 0, CR_VOID, R_A);         /* read-only from here on */
	object_put(index, SLOT_PAGE, R_A);
	alarm_set();
	return RC_OK;
}

uint32_t journal_serve(unsigned index, uint32_t order)
{
	if (order == KT)
		return 4;
	if (order >= 16)
		return order == 40 ? RC_OK : RC_UNKNOWN;
	if (order == 0) {
		if (!page && page_make(index) != RC_OK)
			return RC_NO_SPACE;
		object_get(index, SLOT_PAGE, R_A);
		reply_key(0, R_A);
	}
	return RC_OK;
}
