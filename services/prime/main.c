/*
 * main.c - the first program: from the kernel's primordial authority to running sandboxes.
 *
 * Order of things: the bank first, out of prime's own range, and it gets the rest of that range;
 * then everything else with storage from the bank.  After the start prime is a server: it hears of
 * the ends of sessions and, as keeper, of the deaths of services.
 *
 * Invariants
 *   1. Nothing is taken from the range after the bank has its part of it.
 *   2. Pages of the boot pack are used in place: text pages of programs and pages of file trees are
 *      the pack's own, read-only by the kernel.
 *   3. The posix-server's constructor is used only if it has no hole.
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
#include "../session/session.h"

/* Prime's registers beyond those of every program. */
enum {
	PR_RANGE = 1, PR_STORE = 2, PR_DISCRIM = 8, PR_PROCTOOL, PR_KEYBITS, PR_TIMER, PR_IRQ, PR_IOPORT, PR_PHYSMEM,
	PR_CHECKPOINT, PR_SPACE, PR_IMAGE, PR_PROCESS, PR_WORK, PR_LOG_TEXT, PR_SCHEDULE, PR_SERVICE_BANK, PR_CONSOLE,
	PR_A = CR_ARG0,
};

/* Slots of the node in PR_STORE, written in grants as STORED + slot. */
enum { ST_VCS, ST_META, ST_PROCCRE, ST_CONSOLE, ST_REQUESTOR, ST_BASE, ST_OVERLAY, ST_SESSION_IMAGE, ST_TEST_RANGE,
       ST_BANKS, ST_SESSIONS };
#define STORED 32
_Static_assert(CONFIG_SANDBOXES <= NODE_SLOTS, "one node keeps the banks of all sandboxes");

/* Data of prime's own start capabilities; the low byte says whose. */
enum { DATA_NATIVE = 0, DATA_SESSION = 0x100, DATA_SERVICE_DEATH = 0x200, DATA_SANDBOX_DEATH = 0x300 };

#define STATUS_NO_START 120
#define STATUS_DEATH    121
#define STATUS_NOT_RUN  125

#define WINDOW_HEADER  0x20000000ull           /* the pack's first page, and the first of a program */
#define WINDOW_PROGRAM 0x20001000ull
#define WINDOW_CONFIG  0x20010000ull
#define CONFIG_LIMIT   65536ull

#define TREE_LSS    6u                         /* every file tree is four levels of nodes: 256 MiB */
#define TREE_LIMIT  (1ull << 28)
#define TEST_FRAMES 256u                       /* of the range, for a native test */
#define BANK_RESERVE 256u                      /* frames that sandboxes leave to the services */

enum { BANK_ALLOC = 1, BANK_FREE = 2, BANK_SUB = 4, BANK_DESTROY = 8, BANK_ALL = 31 };
#define BANK_INDEX_BITS 11

static const struct pack_header *const pack = (const struct pack_header *)WINDOW_HEADER;
static struct space_range first_frames = { .range = PR_RANGE };
static struct space_maker maker;
static cap_t root_bank = CR_BANK;
static struct config config;
static bool pack_is_loaded;                    /* the pack in the window is this start's, not the first one */
static uint64_t tree_length[2];

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

static void
config_load(void)
{
	const struct pack_section *s = section_find(PACK_CONFIG, NULL);
	const char *why;

	if (s == NULL)
		fatal("there is no run config in the boot pack");
	if (s->length > CONFIG_LIMIT)
		fatal("the run config is longer than 64 KiB");
	for (uint64_t at = 0; at < s->length; at += PAGE_SIZE)
		window_map(WINDOW_CONFIG + at, (s->offset + at) / PAGE_SIZE);
	if ((why = config_read((const char *)WINDOW_CONFIG, s->length, &config)) != NULL)
		fatal("the run config: %s", why);
}

/* ---- processes ------------------------------------------------------------------------------- */

struct grant { cap_t reg, from; };             /* from: a register of ours, or STORED + slot */

static void
process_give(cap_t reg, cap_t from)
{
	if (from >= STORED) {
		must(node_fetch(PR_STORE, from - STORED, CR_TMP0), "reading", "the store");
		from = CR_TMP0;
	}
	must(process_swap_reg(PR_PROCESS, reg, from, CR_VOID), "filling", "a register");
}

/* A process from PR_IMAGE with what all have; its keeper is prime's start capability with that data. */
static void
process_prepare(const char *name, unsigned priority, unsigned keeper_data)
{
	must(schedule_narrow(CR_SCHED, priority, PR_SCHEDULE), "making the schedule of", name);
	must(image_instantiate(PR_IMAGE, &maker, PR_SCHEDULE, PR_PROCESS, PR_WORK), "making the process of", name);
	process_give(CR_SCHED, PR_SCHEDULE);
	process_give(CR_LOG, PR_LOG_TEXT);
	process_give(CR_RETURNER, CR_RETURNER);
	if (keeper_data != 0) {
		must(process_make_start(CR_SELF, keeper_data, CR_TMP0), "making the keeper of", name);
		must(process_swap_slot(PR_PROCESS, PSLOT_KEEPER, CR_TMP0, CR_VOID), "setting the keeper of", name);
	}
}

struct service {
	const char *name;
	unsigned priority;
	uint16_t data;                         /* of the start capability that goes to the store */
	uint8_t slot;
	struct grant grant[7];                 /* ended by register 0 */
};

/* The bank is not among them: it starts before there is a bank. */
static const struct service services[] = {
	{ "vcs", 13, 0, ST_VCS, { { CR_BANK, PR_SERVICE_BANK }, { 9, PR_PROCTOOL } } },
	{ "constructor", 12, 0x7FFF, ST_META,
	  { { CR_BANK, PR_SERVICE_BANK }, { 8, PR_DISCRIM }, { 9, PR_PROCTOOL } } },
	{ "proccre", 12, 0, ST_PROCCRE, { { CR_BANK, PR_SERVICE_BANK }, { 9, PR_PROCTOOL } } },
	{ "console", 13, 0, ST_CONSOLE,
	  { { CR_BANK, PR_SERVICE_BANK }, { 8, PR_IRQ }, { 9, PR_IOPORT }, { 10, PR_PHYSMEM }, { 11, PR_TIMER },
	    { 12, PR_DISCRIM } } },
};
#define SERVICES (sizeof services / sizeof services[0])
#define SERVICE_BANK 0xFFu                     /* in the data of a death: the bank */
#define SERVICE_CONTROL 0xFEu
#define SESSION_CONTROL 15u                    /* the console's session of requests from outside: no sandbox has it */

static void
service_start(unsigned index)
{
	const struct service *s = &services[index];

	program_image(s->name);
	process_prepare(s->name, s->priority, DATA_SERVICE_DEATH | index);
	for (const struct grant *g = s->grant; g->reg != 0; g++)
		process_give(g->reg, g->from);
	must(process_make_start(PR_PROCESS, s->data, CR_TMP0), "starting", s->name);
	must(node_swap(PR_STORE, s->slot, CR_TMP0, CR_VOID), "starting", s->name);
	must(image_run(PR_IMAGE, PR_PROCESS, NULL), "starting", s->name);
}

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
	must(bank_make_restricted(CR_BANK, BANK_ALLOC | BANK_FREE | BANK_SUB, PR_SERVICE_BANK), "asking", "the bank");
}

/* ---- sandboxes ------------------------------------------------------------------------------- */

/* Whoever runs a sandbox must be able to believe that it is confined: a hole is an error here. */
static void
posix_seal(void)
{
	uint64_t hole = 0, holes = 0, slot, class;

	program_image("posix-server");
	must(node_fetch(PR_STORE, ST_META, PR_A), "finding", "the constructor");
	must(metaconstructor_make(PR_A, PR_SERVICE_BANK, PR_A), "making", "the posix-server's constructor");
	must(constructor_set_program(PR_A, 0, PR_IMAGE), "setting", "the posix-server's program");
	must(constructor_insert(PR_A, 0, PR_DISCRIM, &hole), "inserting", "discrim");
	must(constructor_insert(PR_A, 1, PR_IMAGE, &hole), "inserting", "the image");
	must(constructor_seal(PR_A, PR_A), "sealing", "the posix-server's constructor");
	must(constructor_is_discreet(PR_A, &holes), "checking", "the posix-server's constructor");
	for (uint64_t i = 0; i < holes; i++) {
		constructor_get_hole(PR_A, i, &slot, &class);
		fprintf(stderr, "prime: constituent %lu of the posix-server is a hole (class %lu)\n",
			(unsigned long)slot, (unsigned long)class);
	}
	if (holes != 0)
		fatal("the posix-server would not be confined");
	must(node_swap(PR_STORE, ST_REQUESTOR, PR_A, CR_VOID), "keeping", "the requestor");
}

/* Gives the session's process its streams. */
static void
streams_give(unsigned number, bool tty)
{
	if (tty) {
		must(console_open(PR_CONSOLE, number, 3, PR_A), "opening", "the terminal");
		process_give(CR_STDIN, PR_A);
		return;
	}
	for (unsigned channel = 0; channel < 3; channel++) {
		must(console_open(PR_CONSOLE, number, channel, PR_A), "opening", "a standard stream");
		process_give(CR_STDIN + channel, PR_A);
	}
}

static void
keeper_give(cap_t reg, unsigned data)
{
	must(process_make_start(CR_SELF, data, PR_A), "making", "a start capability");
	process_give(reg, PR_A);
}

/*
 * The bank without its limit right, since its holder must not raise it, and a schedule below
 * that of every service.
 */
static void
resources_give(unsigned number, const struct config_sandbox *c, uint64_t limit)
{
	must(bank_make_sub(CR_BANK, limit, PR_A), "making the bank of sandbox", c->name);
	must(bank_make_restricted(PR_A, BANK_ALLOC | BANK_FREE | BANK_SUB | BANK_DESTROY, PR_A), "making the bank of", c->name);
	process_give(CR_SANDBOX_BANK, PR_A);
	must(node_fetch(PR_STORE, ST_BANKS, CR_TMP0), "finding", "the banks");
	must(node_swap(CR_TMP0, number, PR_A, CR_VOID), "keeping", "the bank");
	must(schedule_narrow(CR_SCHED, 6, PR_A), "making the schedule of sandbox", c->name);
	process_give(CR_SANDBOX_SCHED, PR_A);
}

static void
session_start(unsigned number, uint64_t limit)
{
	static const struct grant common[] = {
		{ CR_BANK, PR_SERVICE_BANK }, { CR_REQUESTOR, STORED + ST_REQUESTOR }, { CR_BASE, STORED + ST_BASE },
		{ CR_OVERLAY, STORED + ST_OVERLAY }, { CR_TIMER, PR_TIMER }, { CR_CONSOLE, PR_CONSOLE },
	};
	const struct config_sandbox *c = &config.sandbox[number];
	struct msg m = { .order = SESSION_RUN };
	uint64_t persistent = 0;
	bool again;

	must(node_fetch(PR_STORE, ST_SESSIONS, CR_TMP0), "finding", "the sessions");
	must(node_fetch(CR_TMP0, number, PR_PROCESS), "finding", "a session");
	again = process_get_state(PR_PROCESS, NULL, NULL, NULL, NULL) == RC_OK;
	if (!again) {
		must(node_fetch(PR_STORE, ST_SESSION_IMAGE, PR_IMAGE), "finding", "the session's image");
		process_prepare("session", 10, DATA_SANDBOX_DEATH | number);
		must(node_fetch(PR_STORE, ST_SESSIONS, CR_TMP0), "finding", "the sessions");
		must(node_swap(CR_TMP0, number, PR_PROCESS, CR_VOID), "keeping", "a session");
	}
	for (unsigned i = 0; i < sizeof common / sizeof common[0]; i++)
		process_give(common[i].reg, common[i].from);
	resources_give(number, c, limit);
	checkpoint_status(PR_CHECKPOINT, NULL, NULL, &persistent, NULL, NULL, NULL);
	if (persistent) {
		must(checkpoint_sync_only(PR_CHECKPOINT, PR_A), "making", "the capability to wait for the store");
		process_give(CR_SYNC, PR_A);
	}
	streams_give(number, c->tty);
	keeper_give(CR_REPORT, DATA_SESSION | number);
	keeper_give(CR_KEEPER, DATA_SANDBOX_DEATH | number);
	must(process_make_start(PR_PROCESS, 0, PR_A), "starting", "a session");
	if (!again)
		must(image_run(PR_IMAGE, PR_PROCESS, NULL), "starting", "a session");

	m.w[0] = number;
	m.w[1] = (persistent ? SESSION_SYNC : 0) | (c->tty ? SESSION_TTY : 0) | (c->caps ? SESSION_CAPS : 0) | (c->verbose ? SESSION_VERBOSE : 0);
	m.w[2] = tree_length[0];
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

/* Answers the owner outside; on a machine with a serial line alone nobody there can ask. */
static void
control_start(void)
{
	if (console_open(PR_CONSOLE, SESSION_CONTROL, 0, PR_A) == RC_REQUEST)
		return;
	program_image("control");
	process_prepare("control", 12, DATA_SERVICE_DEATH | SERVICE_CONTROL);
	process_give(CR_BANK, PR_SERVICE_BANK);
	for (unsigned channel = 0; channel < 2; channel++) {
		must(console_open(PR_CONSOLE, SESSION_CONTROL, channel, PR_A), "opening", "the stream of requests");
		process_give(CR_APP0 + channel, PR_A);
	}
	process_give(CR_APP0 + 2, PR_CHECKPOINT);
	process_give(CR_APP0 + 3, PR_TIMER);
	must(image_run(PR_IMAGE, PR_PROCESS, NULL), "starting", "control");
}

/* What all sandboxes are made of. */
static void
sandboxes_prepare(void)
{
	tree_map("base", ST_BASE, &tree_length[0]);
	tree_map("overlay", ST_OVERLAY, &tree_length[1]);
	posix_seal();
	program_image("session");
	must(node_swap(PR_STORE, ST_SESSION_IMAGE, PR_IMAGE, CR_VOID), "keeping", "the session's image");
	must(node_fetch(PR_STORE, ST_CONSOLE, PR_CONSOLE), "finding", "the console");
	control_start();
	must(bank_alloc_node(CR_BANK, CR_TMP0), "making", "the node of banks");
	must(node_swap(PR_STORE, ST_BANKS, CR_TMP0, CR_VOID), "keeping", "the node of banks");
	must(bank_alloc_node(CR_BANK, CR_TMP0), "making", "the node of sessions");
	must(node_swap(PR_STORE, ST_SESSIONS, CR_TMP0, CR_VOID), "keeping", "the node of sessions");
}

/* ---- a native program ------------------------------------------------------------------------ */

static void
native_start(const char *name)
{
	static const struct grant grants[] = {
		{ CR_BANK, CR_BANK }, { CR_SCHED, CR_SCHED }, { CR_LOG, CR_LOG }, { 8, PR_DISCRIM }, { 9, PR_PROCTOOL },
		{ 10, PR_KEYBITS }, { 11, PR_TIMER }, { 12, PR_IRQ }, { 13, PR_IOPORT }, { 14, PR_PHYSMEM },
		{ 15, PR_CHECKPOINT }, { 16, STORED + ST_VCS }, { 17, STORED + ST_META }, { 18, STORED + ST_PROCCRE },
		{ 19, STORED + ST_CONSOLE }, { 20, STORED + ST_TEST_RANGE },
	};

	program_image(name);
	process_prepare(name, 8, DATA_SERVICE_DEATH | SERVICES);
	for (unsigned i = 0; i < sizeof grants / sizeof grants[0]; i++)
		process_give(grants[i].reg, grants[i].from);
	keeper_give(CR_RETURN, DATA_NATIVE);
	must(image_run(PR_IMAGE, PR_PROCESS, NULL), "starting", name);
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
	if (checkpoint_force(PR_CHECKPOINT, &generation) == RC_OK)
		checkpoint_wait(PR_CHECKPOINT, generation);
	checkpoint_status(PR_CHECKPOINT, NULL, NULL, NULL, &now, NULL, NULL);
	if (now == life)
		log_power_off(CR_LOG, status);
	pack_is_loaded = true;
	pack_open();
	config_load();
	sandboxes_start();
}

static void
service_died(unsigned index, const struct msg *m)
{
	const char *name = index < SERVICES ? services[index].name : index == SERVICES ? config.native :
			   index == SERVICE_CONTROL ? "control" : "bank";

	fprintf(stderr, "prime: %s died: fault %lu at %#lx, rip %#lx\n", name, (unsigned long)m->w[0],
		(unsigned long)m->w[1], (unsigned long)m->w[3]);
	log_power_off(CR_LOG, STATUS_DEATH);
}

/* The session waits for a sandbox that will never answer: we end it in its place, and take its storage back. */
static uint64_t
sandbox_died(unsigned number, const struct msg *m)
{
	fprintf(stderr, "prime: the server of sandbox %u died: fault %lu at %#lx, rip %#lx\n", number,
		(unsigned long)m->w[0], (unsigned long)m->w[1], (unsigned long)m->w[3]);
	if (node_fetch(PR_STORE, ST_BANKS, CR_TMP0) == RC_OK && node_fetch(CR_TMP0, number, CR_TMP0) == RC_OK)
		bank_destroy_all(CR_TMP0);
	console_finish(PR_CONSOLE, number, STATUS_NOT_RUN);
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
	pack_open();
	config_load();
	must(log_text_only(CR_LOG, PR_LOG_TEXT), "making", "the services' log");
	bank_start();
	for (unsigned i = 0; i < SERVICES; i++)
		if (config.native == NULL || section_find(PACK_PROGRAM, services[i].name) != NULL)
			service_start(i);
	if (config.native != NULL) {
		native_start(config.native);
	} else {
		sandboxes_prepare();
		sandboxes_start();
	}

	server_first(&m, NULL, 0);
	for (;;) {
		message_handle(&m);
		server_next(&m, false);
	}
}
