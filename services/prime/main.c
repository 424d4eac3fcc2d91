/*
 * main.c - the first program: from the kernel's primordial authority to running sandboxes.
 *
 * Order of things: the bank first, out of prime's own range, and it gets the rest of that range;
 * then what the system manifest (doc/manifest.md) describes, in its order, with storage from the
 * bank.  After the start prime is a server: it hears of the ends of sessions and, as keeper, of the
 * deaths of services.
 *
 * Invariants
 *   1. Nothing is taken from the range after the bank has its part of it.
 *   2. Pages of the boot pack are used in place: text pages of programs and pages of file trees are
 *      the pack's own, read-only by the kernel.
 *   3. A constructor that the manifest calls confined is used only if it has no hole.
 *   4. No malloc: there is no bank at the beginning, and lib's temporary registers would change.
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
#include <keros/page.h>
#include <keros/physmem.h>
#include <keros/process.h>
#include <keros/range.h>
#include <keros/schedule.h>
#include <keros/server.h>
#include <keros/space.h>
#include "config.h"
#include "manifest.h"
#include "../session/session.h"

/* Prime's registers beyond those of every program. */
enum {
	PR_RANGE = 1, PR_STORE = 2, PR_DISCRIM = 8, PR_PROCTOOL, PR_KEYBITS, PR_TIMER, PR_IRQ, PR_IOPORT, PR_PHYSMEM,
	PR_CHECKPOINT, PR_SPACE, PR_IMAGE, PR_PROCESS, PR_WORK, PR_LOG_TEXT, PR_SCHEDULE, PR_SERVICE_BANK,
	PR_SYSTRACE,
	PR_A = CR_ARG0,
};

/* Slots of the node in PR_STORE. */
enum {
	ST_BASE, ST_OVERLAY, ST_TEST_RANGE, ST_BANKS, ST_SCRATCH,
	ST_ENTRIES,                            /* nodes with the processes and requestors of the manifest's entries */
	ST_IMAGES = ST_ENTRIES + MANIFEST_ENTRIES / NODE_SLOTS, /* nodes with the images of programs */
};
_Static_assert(CONFIG_SANDBOXES <= NODE_SLOTS, "one node keeps the banks of all sandboxes");

/* Data of prime's own start capabilities; the low byte says whose. */
enum { DATA_NATIVE = 0, DATA_SESSION = 0x100, DATA_SERVICE_DEATH = 0x200, DATA_SANDBOX_DEATH = 0x300 };

enum { MARK_LIVES = 0, MARK_ENDED = 1 };       /* of the checkpoint: doc/upgrade.md */

#define SHARE_PERIOD_US 500000ull          /* of a share of the processor (cpu=) */
#define STATUS_NO_START 120
#define STATUS_DEATH    121
#define STATUS_NOT_RUN  125

#define WINDOW_HEADER  0x20000000ull           /* the pack's first page, and the first of a program */
#define WINDOW_PROGRAM 0x20001000ull
#define WINDOW_CONFIG  0x20010000ull
#define WINDOW_MANIFEST 0x20020000ull
#define CONFIG_LIMIT   65536ull

#define TREE_LSS    6u                         /* every file tree is four levels of nodes: 256 MiB */
#define TREE_LIMIT  (1ull << 28)
#define TEST_FRAMES 256u                       /* of the range, for a native test */
#define BANK_RESERVE 256u                      /* frames that sandboxes leave to the services */

enum { BANK_ALLOC = 1, BANK_FREE = 2, BANK_SUB = 4, BANK_DESTROY = 8, BANK_ALL = 31,
       BANK_SERVICE = BANK_ALLOC | BANK_FREE | BANK_SUB };
#define BANK_INDEX_BITS 11

static const struct pack_header *const pack = (const struct pack_header *)WINDOW_HEADER;
static struct space_range first_frames = { .range = PR_RANGE };
static struct space_maker maker;
static cap_t root_bank = CR_BANK;
static struct config config;
static bool pack_is_loaded;                    /* the pack in the window is this start's, not the first one */
static uint64_t tree_length[2];
static const char *const manifest = (const char *)WINDOW_MANIFEST;
static size_t manifest_length;
static bool tree_is_mapped[2];
static char images[MANIFEST_ENTRIES][sizeof((struct pack_section *)0)->name]; /* whose image is at ST_IMAGES */
static unsigned image_count;

static void __attribute__((noreturn, format(printf, 1, 2)))
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

static void
must(uint32_t rc, const char *what, const char *of)
{
	if (rc != RC_OK)
		fatal("%s %s: result %#x", what, of, rc);
}

/* ---- the pack -------------------------------------------------------------------------------- */

static void
window_map(uint64_t va, uint64_t pack_page)
{
	must((pack_is_loaded ? physmem_loaded_page : physmem_pack_page)(PR_PHYSMEM, pack_page, CR_TMP0), "reading",
	     "the boot pack");
	must(space_map(PR_SPACE, va, CR_TMP0, 0, &maker), "mapping", "the boot pack");
}

static void
pack_open(void)
{
	must(process_get_slot(CR_SELF, PSLOT_SPACE, PR_SPACE), "reading", "its own space");
	window_map(WINDOW_HEADER, 0);
	if (pack->magic != PACK_MAGIC || pack->version != 1 || pack->count > PACK_SECTIONS)
		fatal("the boot pack is not one (no initrd, or of another version)");
	for (uint32_t i = 0; i < pack->count; i++) {
		const struct pack_section *s = &pack->section[i];

		if (s->offset % PAGE_SIZE != 0 || s->offset > pack->length || s->length > pack->length - s->offset)
			fatal("section %u of the boot pack is outside of it", i);
	}
}

/* NULL if there is none; name may be NULL for any. */
static const struct pack_section *
section_find(enum pack_kind kind, const char *name)
{
	for (uint32_t i = 0; i < pack->count; i++) {
		const struct pack_section *s = &pack->section[i];

		if (s->kind == kind && (name == NULL || strncmp(s->name, name, sizeof s->name) == 0))
			return s;
	}
	return NULL;
}

static uint32_t
section_page(void *ctx, uint64_t index, cap_t to)
{
	const struct pack_section *s = ctx;

	return physmem_pack_page(PR_PHYSMEM, s->offset / PAGE_SIZE + index, to);
}

/* Tables of capabilities: nodes in consecutive slots of the store, made when they are needed. */
static void
table_put(unsigned table, unsigned index, cap_t from, const char *what)
{
	unsigned slot = table + index / NODE_SLOTS;

	if (index % NODE_SLOTS == 0) {
		must(maker.make(maker.ctx, MAKE_NODE, CR_TMP1), "keeping", what);
		must(node_swap(PR_STORE, slot, CR_TMP1, CR_VOID), "keeping", what);
	}
	must(node_tree_swap(PR_STORE, slot << 4 | index % NODE_SLOTS, 2, from, CR_VOID), "keeping", what);
}

static void
table_get(unsigned table, unsigned index, cap_t to, const char *what)
{
	must(node_tree_fetch(PR_STORE, (table + index / NODE_SLOTS) << 4 | index % NODE_SLOTS, 2, to), "finding", what);
}

/* Makes the image of a program of the pack in PR_IMAGE, already sensory. */
static void
program_image(const char *name)
{
	const struct pack_section *s = section_find(PACK_PROGRAM, name);
	static struct image_file file;
	const char *why;

	if (s == NULL)
		fatal("there is no program '%s' in the boot pack", name);
	if (s->length == 0)
		fatal("the program '%s' is empty", name);
	window_map(WINDOW_PROGRAM, s->offset / PAGE_SIZE);
	why = image_parse((const void *)WINDOW_PROGRAM, s->length < PAGE_SIZE ? s->length : PAGE_SIZE, s->length, &file);
	if (why != NULL)
		fatal("the program '%s' cannot be started: %s", name, why);
	must(image_build(&file, section_page, (void *)s, &maker, PR_IMAGE), "making the image of", name);
	must(node_make_sense(PR_IMAGE, PR_IMAGE), "making the image of", name);
}

/* The image of a program, made when it is first asked for, in PR_IMAGE. */
static void
image_find(const char *name)
{
	unsigned i = 0;

	while (i < image_count && strcmp(images[i], name) != 0)
		i++;
	if (i < image_count) {
		table_get(ST_IMAGES, i, PR_IMAGE, name);
		return;
	}
	if (image_count == MANIFEST_ENTRIES)
		fatal("the system manifest names more than %d programs", MANIFEST_ENTRIES);
	program_image(name);
	table_put(ST_IMAGES, i, PR_IMAGE, name);
	snprintf(images[image_count++], sizeof images[0], "%s", name);
}

/* Makes the memory tree of a file tree's pages, sensory, into a slot of the store. */
static void
tree_map(const char *name, unsigned store_slot, uint64_t *length)
{
	const struct pack_section *s = section_find(PACK_TREE, name);
	uint64_t pages, at = 0;

	*length = 0;
	if (s == NULL || s->length == 0)
		return;
	if (s->length > TREE_LIMIT)
		fatal("the file tree '%s' is larger than 256 MiB", name);
	*length = s->length;
	pages = (s->length + PAGE_SIZE - 1) / PAGE_SIZE;
	must(space_node_make(&maker, TREE_LSS, PR_WORK), "mapping the file tree", name);
	while (at < pages) {
		unsigned n = pages - at < NODE_SLOTS ? pages - at : NODE_SLOTS;

		must(space_node_make(&maker, 3, PR_A), "mapping the file tree", name);
		must(physmem_pack_fill(PR_PHYSMEM, s->offset / PAGE_SIZE + at, n, PR_A), "mapping the file tree", name);
		must(space_place(PR_WORK, at * PAGE_SIZE, PR_A, 3, &maker), "mapping the file tree", name);
		at += n;
	}
	must(node_make_sense(PR_WORK, CR_TMP0), "mapping the file tree", name);
	must(node_swap(PR_STORE, store_slot, CR_TMP0, CR_VOID), "mapping the file tree", name);
}

/* Maps all of a section of text at an address. */
static void
text_map(const struct pack_section *s, uint64_t window)
{
	for (uint64_t at = 0; at < s->length; at += PAGE_SIZE)
		window_map(window + at, (s->offset + at) / PAGE_SIZE);
}

static void
manifest_load(void)
{
	const struct pack_section *s = section_find(PACK_MANIFEST, MANIFEST_SECTION);
	const char *why;

	if (s == NULL || s->length > MANIFEST_LIMIT)
		fatal("there is no system manifest in the boot pack, or it is longer than 64 KiB");
	text_map(s, WINDOW_MANIFEST);
	if ((why = manifest_check(manifest, s->length)) != NULL)
		fatal("the system manifest: %s", why);
	manifest_length = s->length;
}

static void
config_load(void)
{
	const struct pack_section *s = section_find(PACK_CONFIG, NULL);
	const char *why;

	if (s == NULL)
		fatal("there is no run config in the boot pack");
	if (s->length > CONFIG_LIMIT)
		fatal("the run config is longer than 64 KiB");
	text_map(s, WINDOW_CONFIG);
	if ((why = config_read((const char *)WINDOW_CONFIG, s->length, &config)) != NULL)
		fatal("the run config: %s", why);
}

/* ---- processes ------------------------------------------------------------------------------- */

/* Fills a register of the process in PR_PROCESS. */
static void
process_give(cap_t reg, cap_t from)
{
	must(process_swap_reg(PR_PROCESS, reg, from, CR_VOID), "filling", "a register");
}

/* A process from PR_IMAGE with what all have; its keeper is prime's start capability with that data. */
static void
process_prepare(const char *name, unsigned priority, unsigned keeper_data)
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

#define SERVICE_BANK 0xFFu                     /* in the data of a death: the bank, else the manifest's entry */

/* From here on storage comes from the bank, and the range is no longer touched. */
static void
bank_start(void)
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

/* ---- where capabilities come from ------------------------------------------------------------- */

/* The index-th entry of the manifest. */
static bool
entry_at(unsigned index, struct manifest_entry *e)
{
	*e = (struct manifest_entry){ 0 };
	for (unsigned i = 0; i <= index; i++)
		if (!manifest_next(manifest, manifest_length, e))
			return false;
	return true;
}

/* Its number, and the entry itself. */
static unsigned
entry_find(const struct manifest_grant *g, bool constructor, struct manifest_entry *e)
{
	*e = (struct manifest_entry){ 0 };
	for (unsigned i = 0; manifest_next(manifest, manifest_length, e); i++)
		if (e->is_constructor == constructor && manifest_name_is(g, e->name))
			return i;
	fatal("the system manifest describes no %s '%.*s'", constructor ? "constructor" : "domain", (int)g->name_length,
	      g->name);
}

/* One of our own, by its name. */
static bool
own_get(const struct manifest_grant *g, cap_t to)
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

static void
kernel_get(const struct manifest_grant *g, cap_t to)
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

static void
bank_get(const struct manifest_grant *g, cap_t to)
{
	cap_copy(to, g->a == BANK_ALL ? CR_BANK : PR_SERVICE_BANK);
	if (g->b != 0)
		must(bank_make_sub(CR_BANK, g->b, to), "making", "a bank");
	if (g->a != BANK_ALL && (g->b != 0 || g->a != BANK_SERVICE))
		must(bank_make_restricted(g->b ? to : CR_BANK, g->a, to), "making", "a bank");
}

/* A start capability of ours, in PR_A. */
static void
self_start(unsigned data)
{
	must(process_make_start(CR_SELF, data, PR_A), "making", "a start capability");
}

static void
start_get(const struct manifest_grant *g, cap_t to)
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
static uint32_t
stream_get(const struct manifest_grant *g, cap_t to)
{
	struct manifest_grant console = *g;

	console.a = MANIFEST_DATA_OWN;
	console.b = 0;
	start_get(&console, to);
	return console_open(to, g->a, g->b, to);
}

static void
tree_get(const struct manifest_grant *g, cap_t to)
{
	bool overlay = manifest_name_is(g, "overlay");
	unsigned slot = overlay ? ST_OVERLAY : ST_BASE;

	if (!overlay && !manifest_name_is(g, "base"))
		fatal("there is no file tree '%.*s'", (int)g->name_length, g->name);
	if (!tree_is_mapped[overlay])
		tree_map(overlay ? "overlay" : "base", slot, &tree_length[overlay]);
	tree_is_mapped[overlay] = true;
	must(node_fetch(PR_STORE, slot, to), "finding", "a file tree");
}

/* Any but those of a session, into the register `to` (never PR_A). */
static void
source_get(const struct manifest_grant *g, cap_t to)
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

/* ---- sessions -------------------------------------------------------------------------------- */

/*
 * The bank of a session, without its limit right, since its holder must not raise it.  The session empties it at its
 * end, and it serves the next one of that number: a system has only so many banks in all its life.
 */
static void
session_bank(cap_t reg, unsigned number, uint64_t limit)
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
	must(bank_make_restricted(PR_A, BANK_ALLOC | BANK_FREE | BANK_SUB | BANK_DESTROY, PR_A), "making the bank of", name);
	process_give(reg, PR_A);
}

/* Three streams in a row, or the terminal in the first register. */
static void
session_stdio(cap_t reg, unsigned number)
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
static void
named_get(const char *name)
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
static void
session_grants(cap_t reg, unsigned number)
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
static void
schedule_reserve(unsigned priority, uint64_t percent)
{
	uint64_t budget_ns = SHARE_PERIOD_US * 1000 * percent / 100;

	must(bank_alloc_node(CR_BANK, PR_WORK), "making", "the reserve of a session");
	must(node_swap(PR_WORK, 1, PR_A, CR_VOID), "making", "the reserve of a session");
	must(node_write_number(PR_WORK, 3, budget_ns, 0), "making", "the reserve of a session");
	must(node_write_number(PR_WORK, 4, budget_ns, SHARE_PERIOD_US | (uint64_t)priority << 32), "making", "the reserve");
	must(node_make_schedule(PR_WORK, PR_A), "making", "the reserve of a session");
}

static void
session_give(const struct manifest_grant *g, unsigned number, uint64_t limit)
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
static unsigned
session_entry(const char *kind, struct manifest_entry *e)
{
	*e = (struct manifest_entry){ 0 };
	for (unsigned i = 0; manifest_next(manifest, manifest_length, e); i++)
		if (e->for_each != NULL && strcmp(e->for_each, kind) == 0)
			return i;
	fatal("this system has no sessions of the kind '%s'", kind);
}

/* A session's process stays when the session has ended, and serves the next one of the same kind and number. */
static bool
session_process(unsigned index, const struct manifest_entry *e, unsigned number)
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

static void
session_start(unsigned number, uint64_t limit)
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
static void
sandboxes_start(void)
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

/* ---- the manifest's entries ------------------------------------------------------------------ */

/* Who relies on an instance being confined must be able to: a hole is an error here. */
static void
confined_check(const char *name)
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

static void
constructor_build(unsigned index, const struct manifest_entry *e)
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
static bool
streams_are_there(const struct manifest_entry *e)
{
	struct manifest_grant g = { 0 };

	while (manifest_grant(e, &g))
		if (g.source == FROM_STREAM && stream_get(&g, CR_TMP0) == RC_REQUEST)
			return false;
	return true;
}

static void
domain_start(unsigned index, const struct manifest_entry *e)
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

static void
entry_start(unsigned index, const struct manifest_entry *e)
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

static void
manifest_start(void)
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
static void
machine_end(uint64_t status)
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

static void
service_died(unsigned index, const struct msg *m)
{
	struct manifest_entry e;
	const char *name = index == SERVICE_BANK ? "bank" : !entry_at(index, &e) ? "?" :
			   strcmp(e.program, "?") == 0 ? config.native : e.name;

	fprintf(stderr, "prime: %s died: fault %lu at %#lx, rip %#lx\n", name, (unsigned long)m->w[0],
		(unsigned long)m->w[1], (unsigned long)m->w[3]);
	log_power_off(CR_LOG, STATUS_DEATH);
}

/* The session waits for a sandbox that will never answer: we end it in its place, and take its storage back. */
static uint64_t
sandbox_died(unsigned number, const struct msg *m)
{
	static const struct manifest_grant console = { .name = "console", .name_length = 7, .a = MANIFEST_DATA_OWN };

	fprintf(stderr, "prime: the server of sandbox %u died: fault %lu at %#lx, rip %#lx\n", number,
		(unsigned long)m->w[0], (unsigned long)m->w[1], (unsigned long)m->w[3]);
	if (node_fetch(PR_STORE, ST_BANKS, CR_TMP0) == RC_OK && node_fetch(CR_TMP0, number, CR_TMP0) == RC_OK)
		bank_empty(CR_TMP0);
	start_get(&console, CR_TMP0);
	console_finish(CR_TMP0, number, STATUS_NOT_RUN);
	return STATUS_NOT_RUN;
}

static void
message_handle(const struct msg *m)
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

int
main(void)
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
	if (config.native == NULL)
		sandboxes_start();

	server_first(&m, NULL, 0);
	for (;;) {
		message_handle(&m);
		server_next(&m, false);
	}
}
