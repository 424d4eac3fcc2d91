/*
 * source.c - where capabilities come from: each source that the system manifest may name.
 */
#include <stdio.h>
#include <keros/bank.h>
#include <keros/checkpoint.h>
#include <keros/console.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/schedule.h>
#include "prime.h"

/* The index-th entry of the manifest. */
bool entry_at(unsigned index, struct manifest_entry *e)
{
	*e = (struct manifest_entry){ 0 };
	for (unsigned i = 0; i <= index; i++)
		if (!manifest_next(manifest, manifest_length, e))
			return false;
	return true;
}

/* Its number, and the entry itself. */
static unsigned entry_find(const struct manifest_grant *g, bool constructor, struct manifest_entry *e)
{
	*e = (struct manifest_entry){ 0 };
	for (unsigned i = 0; manifest_next(manifest, manifest_length, e); i++)
		if (e->is_constructor == constructor && manifest_name_is(g, e->name))
			return i;
	fatal("the system manifest describes no %s '%.*s'", constructor ? "constructor" : "domain", (int)g->name_length,
	      g->name);
}

/* One of our own, by its name. */
bool own_get(const struct manifest_grant *g, cap_t to)
{
	static const struct { const char *name; cap_t reg; } known[] = {
		{ "log", CR_LOG }, { "schedule", CR_SCHED }, { "discrim", PR_DISCRIM }, { "proctool", PR_PROCTOOL },
		{ "keybits", PR_KEYBITS }, { "timer", PR_TIMER }, { "irq", PR_IRQ }, { "ioport", PR_IOPORT },
		{ "physmem", PR_PHYSMEM }, { "checkpoint", PR_CHECKPOINT }, { "systrace", PR_SYSTRACE },
	};

	for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
		if (manifest_name_is(g, known[i].name)) {
			cap_copy(to, known[i].reg);
			return true;
		}
	return false;
}

static void kernel_get(const struct manifest_grant *g, cap_t to)
{
	uint64_t persistent = 0;

	if (own_get(g, to))
		return;
	if (manifest_name_is(g, "range")) {
		must(node_fetch(PR_STORE, ST_TEST_RANGE, to), "finding", "the test's range");
	} else if (manifest_name_is(g, "sync")) {
		checkpoint_status(PR_CHECKPOINT, NULL, NULL, &persistent, NULL, NULL, NULL);
		cap_copy(to, CR_VOID);
		if (persistent)
			must(checkpoint_sync_only(PR_CHECKPOINT, to), "making", "the capability to wait for the store");
	} else {
		fatal("the kernel has no capability '%.*s'", (int)g->name_length, g->name);
	}
}

static void bank_get(const struct manifest_grant *g, cap_t to)
{
	cap_copy(to, g->a == BANK_ALL ? CR_BANK : PR_SERVICE_BANK);
	if (g->b != 0)
		must(bank_make_sub(CR_BANK, g->b, to), "making", "a bank");
	if (g->a != BANK_ALL && (g->b != 0 || g->a != BANK_SERVICE))
		must(bank_make_restricted(g->b ? to : CR_BANK, g->a, to), "making", "a bank");
}

/* A start capability of ours, in PR_A. */
void self_start(unsigned data)
{
	must(process_make_start(CR_SELF, data, PR_A), "making", "a start capability");
}

void start_get(const struct manifest_grant *g, cap_t to)
{
	struct manifest_entry e;
	unsigned index;
	uint32_t rc;

	if (manifest_name_is(g, "prime")) {
		self_start((unsigned)g->a);
		cap_copy(to, PR_A);
		return;
	}
	index = entry_find(g, false, &e);
	table_get(ST_ENTRIES, index, CR_TMP1, e.name);
	rc = process_make_start(CR_TMP1, g->a == MANIFEST_DATA_OWN ? e.data : g->a, to);
	if (rc == RC_VOID && g->b == 1)
		cap_copy(to, CR_VOID);
	else
		must(rc, "making a start capability to", e.name);
}

/* RC_REQUEST: the console has no such stream on this machine. */
uint32_t stream_get(const struct manifest_grant *g, cap_t to)
{
	struct manifest_grant console = *g;

	console.a = MANIFEST_DATA_OWN;
	console.b = 0;
	start_get(&console, to);
	return console_open(to, g->a, g->b, to);
}

void tree_get(const struct manifest_grant *g, cap_t to)
{
	bool overlay = manifest_name_is(g, "overlay");

	if (!overlay && !manifest_name_is(g, "base"))
		fatal("there is no file tree '%.*s'", (int)g->name_length, g->name);
	tree_find(overlay, to);
}

/* Any but those of a session, into the register `to` (never PR_A). */
void source_get(const struct manifest_grant *g, cap_t to)
{
	struct manifest_entry e = { 0 };
	char name[sizeof((struct pack_section *)0)->name];

	switch (g->source) {
	case FROM_KERNEL:
		kernel_get(g, to);
		break;
	case FROM_BANK:
		bank_get(g, to);
		break;
	case FROM_SCHEDULE:
		must(schedule_narrow(CR_SCHED, g->a, to), "making", "a schedule");
		break;
	case FROM_START:
		start_get(g, to);
		break;
	case FROM_STREAM:
		must(stream_get(g, to), "opening", "a stream");
		break;
	case FROM_YIELDS:
		table_get(ST_ENTRIES, entry_find(g, true, &e), to, e.name);
		break;
	case FROM_IMAGE:
		snprintf(name, sizeof name, "%.*s", (int)g->name_length, g->name);
		image_find(name);
		cap_copy(to, PR_IMAGE);
		break;
	case FROM_TREE:
		tree_get(g, to);
		break;
	case FROM_NUMBER:
		must(node_write_number(PR_STORE, ST_SCRATCH, g->a, g->b), "making", "a number");
		must(node_fetch(PR_STORE, ST_SCRATCH, to), "making", "a number");
		break;
	default:
		fatal("'%.*s' is only for what exists once for each session", (int)g->name_length, g->name);
	}
}
