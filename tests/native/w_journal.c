/*
 * w_journal.c - a witness of the page journal: one page outlives going back to a checkpoint, the rest goes back.  It never ends.
 *
 * Checkpoints are made at the start, when a page is journalled for the first time, and when the journal is full.  Then each round adds one to the number in the journalled page, asks for
 * page_journal, and prints `J n` when that is answered: a later life must begin with the last n printed, or one or two above.
 * It counts its rounds in ordinary memory too and prints `R n` before: after a restart they go back, since memory is as of
 * the checkpoint.  A page that was journalled and given back must not come back with what it held: `BAD why`.
 */
#include "t.h"

enum { J_CHECKPOINT = T_H, J_PAGE = T_I, J_SPACE = T_J, J_GONE = T_G };

#define PAGE_AT 0x50000000ull

static void say(const char *kind, uint64_t n)
{
	char line[60];

	snprintf(line, sizeof line, "%s %llu\n", kind, (unsigned long long)n);
	t_print(line);
}

static void must(uint32_t rc, const char *what)
{
	char line[80];

	if (rc == RC_OK)
		return;
	snprintf(line, sizeof line, "BAD %s: %#x\n", what, rc);
	t_print(line);
	log_power_off(CR_LOG, 1);
	for (;;)
		;
}

/* The page fills the sixth slot of the node that divides our low 4 GiB. */
static void page_make(void)
{
	must(process_get_slot(CR_SELF, PSLOT_SPACE, J_SPACE), "space");
	must(node_fetch(J_SPACE, 0, J_SPACE), "space");
	must(bank_alloc_page(CR_BANK, J_PAGE), "page");
	must(node_swap(J_SPACE, PAGE_AT >> 28, J_PAGE, CR_VOID), "mapping");
}

static void gone_once(uint64_t round)
{
	uint64_t nonzero = 0;

	must(bank_alloc_page(CR_BANK, J_GONE), "page");
	must(page_test_zero(J_GONE, &nonzero), "test");
	if (nonzero)
		must(RC_REQUEST, "a page given back came back");
	must(page_write(J_GONE, 0, &round, sizeof round), "write");
	must(page_journal(J_GONE), "journal");
	must(bank_free(CR_BANK, J_GONE), "free");
}

int main(void)
{
	volatile uint64_t *number = (volatile uint64_t *)PAGE_AT;
	uint64_t before, generation;

	t_begin("w_journal: a page that survives");
	if (!t_given(CHECKPOINT_TYPE, J_CHECKPOINT))
		must(RC_NOACCESS, "checkpoint");
	must(checkpoint_interval(J_CHECKPOINT, 3600000000000ull, &before), "interval");
	page_make();
	must(checkpoint_force(J_CHECKPOINT, &generation), "force");
	must(checkpoint_wait(J_CHECKPOINT, generation), "wait");
	for (uint64_t round = 1;; round++) {
		say("R", round);
		*number += 1;
		must(page_journal(J_PAGE), "journal");
		say("J", *number);
		if (round % 512 == 0)
			gone_once(round);
	}
}
