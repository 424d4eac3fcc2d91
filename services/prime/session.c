/*
 * session.c - a session for each sandbox of the run config, with what the manifest says one gets.
 */
#include <stdio.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/checkpoint.h>
#include <keros/image.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/schedule.h>
#include "prime.h"
#include "../session/session.h"

#define SHARE_PERIOD_US 500000ull              /* of a share of the processor (cpu=) */
#define BANK_RESERVE    256u                   /* frames that sandboxes leave to the services */

/*
 * The bank of a session, without its limit right, since its holder must not raise it.  The session empties it at its
 * end, and it serves the next one of that number: a system has only so many banks in all its life.
 */
static void session_bank(cap_t reg, unsigned number, uint64_t limit)
{
	const char *name = config.sandbox[number].name;

	must(node_fetch(PR_STORE, ST_BANKS, PR_WORK), "finding", "the banks");
	must(node_fetch(PR_WORK, number, PR_A), "finding", "the bank");
	/* What may have made banks below it has used up numbers of its own, and gets another with all of them. */
	if (strcmp(config.sandbox[number].kind, "posix") != 0)
		bank_destroy_all(PR_A);
	if (bank_empty(PR_A) != RC_OK || bank_set_limit(PR_A, limit) != RC_OK) {
		must(bank_make_sub(CR_BANK, limit, PR_A), "making the bank of sandbox", name);
		must(node_swap(PR_WORK, number, PR_A, CR_VOID), "keeping", "the bank");
	}
	must(bank_make_restricted(PR_A, BANK_ALLOC | BANK_FREE | BANK_SUB | BANK_DESTROY, PR_A), "making the bank of",
	     name);
	process_give(reg, PR_A);
}

/* Three streams in a row, or the terminal in the first register. */
static void session_stdio(cap_t reg, unsigned number)
{
	struct manifest_grant g = { .name = "console", .name_length = 7, .a = number };

	if (config.sandbox[number].tty) {
		g.b = 3;
		must(stream_get(&g, CR_TMP0), "opening", "the terminal");
		process_give(reg, CR_TMP0);
		return;
	}
	for (g.b = 0; g.b < 3; g.b++) {
		must(stream_get(&g, CR_TMP0), "opening", "a standard stream");
		process_give(reg + g.b, CR_TMP0);
	}
}

/*
 * What the machine's owner hands a session by name (grant=NAME=CAP): the system's bank, one of our own, or the
 * capability to a domain or a constructor of the manifest.  Into PR_A; void if there is none of that name.
 */
static void named_get(const char *name)
{
	struct manifest_grant g = { .name = name, .name_length = strlen(name), .a = MANIFEST_DATA_OWN, .b = 1 };
	struct manifest_entry e = { 0 };

	cap_copy(PR_A, CR_VOID);
	if (manifest_name_is(&g, "bank")) {
		cap_copy(PR_A, CR_BANK);
		return;
	}
	if (own_get(&g, PR_A))
		return;
	while (manifest_next(manifest, manifest_length, &e)) {
		if (!manifest_name_is(&g, e.name) || e.for_each != NULL || !config_has(&config, e.when))
			continue;
		g.source = e.is_constructor ? FROM_YIELDS : FROM_START;
		source_get(&g, CR_TMP0);
		cap_copy(PR_A, CR_TMP0);
		return;
	}
	fprintf(stderr, "prime: there is no capability '%s' to grant\n", name);
}

/* A node with what the session's records grant, in their order, for the session to hand on. */
static void session_grants(cap_t reg, unsigned number)
{
	const struct config_sandbox *c = &config.sandbox[number];
	unsigned count = 0;

	for (const char *r = c->records; r < c->records + c->length; r += strlen(r) + 1) {
		const char *name = strncmp(r, "grant=", 6) == 0 ? strchr(r + 6, '=') : NULL;

		if (name == NULL || count == NODE_SLOTS)
			continue;
		if (count == 0)
			must(bank_alloc_node(CR_BANK, PR_WORK), "making the grants of", c->name);
		named_get(name + 1);
		must(node_swap(PR_WORK, count++, PR_A, CR_VOID), "making the grants of", c->name);
	}
	process_give(reg, count > 0 ? PR_WORK : CR_VOID);
}

/*
 * The schedule in PR_A becomes one below it that has so many percent of the processor's time, given out anew
 * every period (the layout of kernel/object/schedule.c).
 */
static void schedule_reserve(unsigned priority, uint64_t percent)
{
	uint64_t budget_ns = SHARE_PERIOD_US * 1000 * percent / 100;

	must(bank_alloc_node(CR_BANK, PR_WORK), "making", "the reserve of a session");
	must(node_swap(PR_WORK, 1, PR_A, CR_VOID), "making", "the reserve of a session");
	must(node_write_number(PR_WORK, 3, budget_ns, 0), "making", "the reserve of a session");
	must(node_write_number(PR_WORK, 4, budget_ns, SHARE_PERIOD_US | (uint64_t)priority << 32), "making", "the reserve");
	must(node_make_schedule(PR_WORK, PR_A), "making", "the reserve of a session");
}

static void session_give(const struct manifest_grant *g, unsigned number, uint64_t limit)
{
	if (manifest_name_is(g, "bank")) {
		session_bank(g->slot, number, limit);
	} else if (manifest_name_is(g, "schedule")) {
		must(schedule_narrow(CR_SCHED, g->a, PR_A), "making", "the schedule of a session");
		if (config.sandbox[number].cpu_share != 0)
			schedule_reserve(g->a, config.sandbox[number].cpu_share);
		process_give(g->slot, PR_A);
	} else if (manifest_name_is(g, "stdio")) {
		session_stdio(g->slot, number);
	} else if (manifest_name_is(g, "record")) {
		struct manifest_grant stream = { .name = "console", .name_length = 7, .a = number, .b = 4 };

		if (!config.sandbox[number].record)
			return;
		must(stream_get(&stream, CR_TMP0), "opening", "the stream for the record");
		process_give(g->slot, CR_TMP0);
	} else if (manifest_name_is(g, "grants")) {
		session_grants(g->slot, number);
	} else if (manifest_name_is(g, "report")) {
		self_start(DATA_SESSION | number);
		process_give(g->slot, PR_A);
	} else if (manifest_name_is(g, "keeper")) {
		self_start(DATA_SANDBOX_DEATH | number);
		process_give(g->slot, PR_A);
	} else {
		fatal("a session has no '%.*s'", (int)g->name_length, g->name);
	}
}

/* The entry that sessions of that kind are instances of; its place in the manifest. */
static unsigned session_entry(const char *kind, struct manifest_entry *e)
{
	*e = (struct manifest_entry){ 0 };
	for (unsigned i = 0; manifest_next(manifest, manifest_length, e); i++)
		if (e->for_each != NULL && strcmp(e->for_each, kind) == 0)
			return i;
	fatal("this system has no sessions of the kind '%s'", kind);
}

/* A session's process stays when the session has ended, and serves the next one of the same kind and number. */
static bool session_process(unsigned index, const struct manifest_entry *e, unsigned number)
{
	table_get(ST_ENTRIES, index, PR_A, e->name);
	must(node_fetch(PR_A, number, PR_PROCESS), "finding", "a session");
	if (process_get_state(PR_PROCESS, NULL, NULL, NULL, NULL) == RC_OK)
		return true;
	image_find(e->program);
	process_prepare(e->name, e->priority, DATA_SANDBOX_DEATH | number);
	table_get(ST_ENTRIES, index, PR_A, e->name);
	must(node_swap(PR_A, number, PR_PROCESS, CR_VOID), "keeping", "a session");
	return false;
}

static void session_start(unsigned number, uint64_t limit)
{
	const struct config_sandbox *c = &config.sandbox[number];
	struct msg m = { .order = SESSION_RUN };
	struct manifest_grant g = { 0 };
	struct manifest_entry e;
	unsigned index = session_entry(c->kind, &e);
	bool again = session_process(index, &e, number);
	uint64_t persistent = 0, base_length = 0;

	while (manifest_grant(&e, &g)) {
		if (g.source == FROM_SESSION) {
			session_give(&g, number, limit);
		} else {
			source_get(&g, CR_TMP0);
			process_give(g.slot, CR_TMP0);
		}
		if (g.source == FROM_TREE && manifest_name_is(&g, "base"))
			base_length = tree_length[0];
	}
	must(process_make_start(PR_PROCESS, 0, PR_A), "starting", "a session");
	if (!again) {
		image_find(e.program);
		must(image_run(PR_IMAGE, PR_PROCESS, NULL), "starting", "a session");
	}

	checkpoint_status(PR_CHECKPOINT, NULL, NULL, &persistent, NULL, NULL, NULL);
	m.w[0] = number;
	m.w[1] = (persistent ? SESSION_SYNC : 0) | (c->tty ? SESSION_TTY : 0) | (c->caps ? SESSION_CAPS : 0) |
		 (c->verbose ? SESSION_VERBOSE : 0) | (c->record ? SESSION_RECORD : 0);
	m.w[2] = base_length;
	m.w[3] = tree_length[1];
	m.send_string = c->records;
	m.send_length = c->length;
	inv_send(PR_A, &m);
}

/* Limits are handed out so that their sum leaves the services their reserve. */
void sandboxes_start(void)
{
	uint64_t available = 0;

	must(bank_get_limits(CR_BANK, NULL, NULL, &available), "asking", "the bank");
	for (unsigned i = 0; i < config.count; i++) {
		uint64_t limit = config.sandbox[i].bank_frames, most;

		most = available > BANK_RESERVE ? available - BANK_RESERVE : 0;
		if (limit == 0)
			limit = available / 2;
		if (limit > most)
			limit = most;
		available -= limit;
		session_start(i, limit);
	}
}
