/*
 * main.c - the first program: from the kernel's primordial authority to running sandboxes.
 *
 * Order of things: the bank first, out of prime's own range, and it gets the rest of that range;
 * then what the system manifest (doc/manifest.md) describes, in its order, with storage from the
 * bank.  After the start prime is a server: it hears of the ends of sessions and, as keeper, of the
 * deaths of services.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/checkpoint.h>
#include <keros/console.h>
#include <keros/constructor.h>
#include <keros/image.h>
#include <keros/log.h>
#include <keros/metaconstructor.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/range.h>
#include <keros/schedule.h>
#include <keros/server.h>
#include "prime.h"

#define STATUS_NO_START 120
#define STATUS_DEATH    121
#define STATUS_NOT_RUN  125

#define TEST_FRAMES     256u                   /* of the range, for a native test */
#define BANK_INDEX_BITS 11
#define SERVICE_BANK    0xFFu                  /* in the data of a death: the bank, else the manifest's entry */

enum { MARK_LIVES = 0, MARK_ENDED = 1 };       /* of the checkpoint: doc/upgrade.md */

static struct space_range first_frames = { .range = PR_RANGE };
struct space_maker maker;
static cap_t root_bank = CR_BANK;

void __attribute__((noreturn, format(printf, 1, 2)))
fatal(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fprintf(stderr, "prime: %s\n", text);
	log_power_off(CR_LOG, STATUS_NO_START);
	for (;;)
		;
}

void must(uint32_t rc, const char *what, const char *of)
{
	if (rc != RC_OK)
		fatal("%s %s: result %#x", what, of, rc);
}

/* ---- processes ------------------------------------------------------------------------------- */

/* Fills a register of the process in PR_PROCESS. */
void process_give(cap_t reg, cap_t from)
{
	must(process_swap_reg(PR_PROCESS, reg, from, CR_VOID), "filling", "a register");
}

/* A process from PR_IMAGE with what all have; its keeper is prime's start capability with that data. */
void process_prepare(const char *name, unsigned priority, unsigned keeper_data)
{
	must(schedule_narrow(CR_SCHED, priority, PR_SCHEDULE), "making the schedule of", name);
	must(image_instantiate(PR_IMAGE, &maker, PR_SCHEDULE, PR_PROCESS, PR_WORK), "making the process of", name);
	process_set_name(PR_PROCESS, name, strnlen(name, PROCESS_NAME_BYTES));
	process_give(CR_SCHED, PR_SCHEDULE);
	process_give(CR_LOG, PR_LOG_TEXT);
	process_give(CR_RETURNER, CR_RETURNER);
	must(process_make_start(CR_SELF, keeper_data, CR_TMP0), "making the keeper of", name);
	must(process_swap_slot(PR_PROCESS, PSLOT_KEEPER, CR_TMP0, CR_VOID), "setting the keeper of", name);
}

/* From here on storage comes from the bank, and the range is no longer touched. */
static void bank_start(void)
{
	uint64_t frames = start_words[1], first;

	program_image("bank");
	process_prepare("bank", 14, DATA_SERVICE_DEATH | SERVICE_BANK);
	first = first_frames.next;
	if (config.native != NULL) {
		must(range_subrange(PR_RANGE, first, TEST_FRAMES, CR_TMP0), "making", "the test's range");
		must(node_swap(PR_STORE, ST_TEST_RANGE, CR_TMP0, CR_VOID), "making", "the test's range");
		first += TEST_FRAMES;
	}
	if (first >= frames)
		fatal("there is no memory left for the bank");
	must(range_subrange(PR_RANGE, first, frames - first, CR_TMP0), "making", "the bank's range");
	process_give(CR_APP0, CR_TMP0);
	process_give(CR_APP0 + 1, PR_PROCTOOL);
	must(process_make_start(PR_PROCESS, BANK_ALL << BANK_INDEX_BITS, CR_BANK), "starting", "bank");
	must(image_run(PR_IMAGE, PR_PROCESS, NULL), "starting", "bank");
	maker = space_bank_maker(&root_bank);
	must(bank_make_restricted(CR_BANK, BANK_SERVICE, PR_SERVICE_BANK), "asking", "the bank");
}

/* ---- the manifest's entries ------------------------------------------------------------------ */

/* Who relies on an instance being confined must be able to: a hole is an error here. */
static void confined_check(const char *name)
{
	uint64_t holes = 0, slot, class;

	must(constructor_is_discreet(PR_WORK, &holes), "checking", name);
	for (uint64_t i = 0; i < holes; i++) {
		constructor_get_hole(PR_WORK, i, &slot, &class);
		fprintf(stderr, "prime: constituent %lu of %s is a hole (class %lu)\n", (unsigned long)slot, name,
			(unsigned long)class);
	}
	if (holes != 0)
		fatal("%s would not be confined", name);
}

static void constructor_build(unsigned index, const struct manifest_entry *e)
{
	struct manifest_grant maker_of = { .name = "constructor", .name_length = 11, .a = MANIFEST_DATA_OWN };
	struct manifest_grant g = { 0 };
	uint64_t hole = 0;

	/* Mapping a tree takes PR_WORK. */
	while (manifest_grant(e, &g))
		if (g.source == FROM_TREE)
			tree_get(&g, CR_TMP0);
	g = (struct manifest_grant){ 0 };
	start_get(&maker_of, PR_WORK);
	must(metaconstructor_make(PR_WORK, PR_SERVICE_BANK, PR_WORK), "making the constructor", e->name);
	image_find(e->program);
	must(constructor_set_program(PR_WORK, 0, PR_IMAGE), "setting the program of", e->name);
	while (manifest_grant(e, &g)) {
		source_get(&g, CR_TMP0);
		must(constructor_insert(PR_WORK, g.slot, CR_TMP0, &hole), "inserting a component of", e->name);
	}
	must(constructor_seal(PR_WORK, PR_WORK), "sealing", e->name);
	if (e->confined)
		confined_check(e->name);
	table_put(ST_ENTRIES, index, PR_WORK, e->name);
}

/* Whether all its streams are there; if not, an optional domain is left out. */
static bool streams_are_there(const struct manifest_entry *e)
{
	struct manifest_grant g = { 0 };

	while (manifest_grant(e, &g))
		if (g.source == FROM_STREAM && stream_get(&g, CR_TMP0) == RC_REQUEST)
			return false;
	return true;
}

static void domain_start(unsigned index, const struct manifest_entry *e)
{
	struct manifest_grant g = { 0 };

	image_find(e->program);
	process_prepare(e->name, e->priority, DATA_SERVICE_DEATH | index);
	table_put(ST_ENTRIES, index, PR_PROCESS, e->name);
	while (manifest_grant(e, &g)) {
		source_get(&g, CR_TMP0);
		process_give(g.slot, CR_TMP0);
	}
	image_find(e->program);
	must(image_run(PR_IMAGE, PR_PROCESS, NULL), "starting", e->name);
}

static void entry_start(unsigned index, const struct manifest_entry *e)
{
	struct manifest_entry named = *e;

	if (!config_has(&config, e->when)) {
		table_put(ST_ENTRIES, index, CR_VOID, e->name);
	} else if (e->is_constructor) {
		constructor_build(index, e);
	} else if (e->for_each != NULL) {
		must(bank_alloc_node(CR_BANK, PR_A), "making", "the node of sessions");
		table_put(ST_ENTRIES, index, PR_A, e->name);
	} else if (e->optional && !streams_are_there(e)) {
		table_put(ST_ENTRIES, index, CR_VOID, e->name);
	} else {
		if (strcmp(e->program, "?") == 0)
			named.program = config.native;
		domain_start(index, &named);
	}
}

static void manifest_start(void)
{
	struct manifest_entry e = { 0 };

	must(bank_alloc_node(CR_BANK, CR_TMP0), "making", "the node of banks");
	must(node_swap(PR_STORE, ST_BANKS, CR_TMP0, CR_VOID), "keeping", "the node of banks");
	for (unsigned i = 0; manifest_next(manifest, manifest_length, &e); i++)
		entry_start(i, &e);
}

/* ---- after the start ------------------------------------------------------------------------- */

/*
 * The first sandbox has ended, and the machine with it.  With a store, what it left is saved first; a system that
 * goes on from there finds itself here, in another life, and runs what the pack loaded then asks for.
 */
static void machine_end(uint64_t status)
{
	uint64_t life = 0, now = 0, generation = 0;

	checkpoint_status(PR_CHECKPOINT, NULL, NULL, NULL, &life, NULL, NULL);
	checkpoint_mark(PR_CHECKPOINT, MARK_ENDED, NULL);
	if (checkpoint_force(PR_CHECKPOINT, &generation) == RC_OK)
		checkpoint_wait(PR_CHECKPOINT, generation);
	checkpoint_status(PR_CHECKPOINT, NULL, NULL, NULL, &now, NULL, NULL);
	if (now == life)
		log_power_off(CR_LOG, status);
	checkpoint_mark(PR_CHECKPOINT, MARK_LIVES, NULL);
	pack_is_loaded = true;
	pack_open();
	config_load();
	sandboxes_start();
}

static const char *fault_meaning(uint64_t code)
{
	return code == FAULT_DISK ? ": the disk cannot give back its memory; an older copy of the image may have it" : "";
}

static void service_died(unsigned index, const struct msg *m)
{
	struct manifest_entry e;
	const char *name = index == SERVICE_BANK ? "bank" : !entry_at(index, &e) ? "?" :
			   strcmp(e.program, "?") == 0 ? config.native : e.name;

	fprintf(stderr, "prime: %s died: fault %lu at %#lx, rip %#lx%s\n", name, (unsigned long)m->w[0],
		(unsigned long)m->w[1], (unsigned long)m->w[3], fault_meaning(m->w[0]));
	log_power_off(CR_LOG, STATUS_DEATH);
}

/* The session waits for a sandbox that will never answer: we end it in its place, and take its storage back. */
static uint64_t sandbox_died(unsigned number, const struct msg *m)
{
	static const struct manifest_grant console = { .name = "console", .name_length = 7, .a = MANIFEST_DATA_OWN };

	fprintf(stderr, "prime: the server of sandbox %u died: fault %lu at %#lx, rip %#lx%s\n", number,
		(unsigned long)m->w[0], (unsigned long)m->w[1], (unsigned long)m->w[3], fault_meaning(m->w[0]));
	if (node_fetch(PR_STORE, ST_BANKS, CR_TMP0) == RC_OK && node_fetch(CR_TMP0, number, CR_TMP0) == RC_OK)
		bank_empty(CR_TMP0);
	start_get(&console, CR_TMP0);
	console_finish(CR_TMP0, number, STATUS_NOT_RUN);
	return STATUS_NOT_RUN;
}

static void message_handle(const struct msg *m)
{
	unsigned data = m->got & INV_GOT_DATA, whose = data & 0xFF;
	uint64_t status = m->w[0];

	switch (data & 0xFF00) {
	case DATA_NATIVE:
		log_power_off(CR_LOG, status);
		break;
	case DATA_SERVICE_DEATH:
		if (m->got & INV_GOT_FAULT)
			service_died(whose, m);
		break;
	case DATA_SANDBOX_DEATH:
		if (!(m->got & INV_GOT_FAULT))
			break;
		status = sandbox_died(whose, m);
		/* fall through */
	case DATA_SESSION:
		if (whose == 0)
			machine_end(status);
		break;
	}
}

int main(void)
{
	struct msg m;

	first_frames.next = start_words[0];
	maker = space_range_maker(&first_frames);
	process_set_name(CR_SELF, "prime", 5);
	pack_open();
	config_load();
	manifest_load();
	must(log_text_only(CR_LOG, PR_LOG_TEXT), "making", "the services' log");
	bank_start();
	manifest_start();
	checkpoint_system(PR_CHECKPOINT);      /* RC_NOACCESS: there is no store */
	if (config.native == NULL)
		sandboxes_start();

	server_first(&m, NULL, 0);
	for (;;) {
		message_handle(&m);
		server_next(&m, false);
	}
}
