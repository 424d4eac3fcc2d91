/*
 * directory.c - what a system begins with: a table of names and keys, and the command interpreter that is handed it,
 * if the server is the program of the run; else whoever holds the server's start capability calls the directory.
 *
 *	DIRECTORY(0,(name) ==> 0;K)        4 if there is none of that name
 *	DIRECTORY(1,(4,n) ==> 0,(name))    the n-th name; 4 past the last
 *	DIRECTORY(2,(4,n) ==> c)           0: the n-th came with this start of the system, 5: with an earlier one
 * The programs that came with the boot pack stand in it as sensory segments: PROG.s, ready to be a factory's program, and
 * files of commands under their names.  Of two of one name the later is found: a user's program before one of ours.
 * A system that goes on from its store is started with a pack again: what is new in that, or other than it was, is copied.
 */
#include <stdio.h>
#include <keros/checkpoint.h>
#include <keros/image.h>
#include <keros/native.h>
#include <keros/page.h>
#include <keros/physmem.h>
#include <keros/schedule.h>
#include <keros/timer.h>
#include "object.h"

#define WINDOW 0x20000000ull               /* the pack's header, and the first page of a program */
#define NAMES 200
#define PROGRAM_PAGES 256u
#define USER_PRIORITY 6u                   /* of the meter m; as a sandbox's */
#define RC_ABSENT 4u
#define RC_EARLIER 5u

static struct { char name[40]; uint64_t life; } names[NAMES];
static unsigned name_count, directory, first_bank;
static uint64_t life;                      /* the start of the system that the directory knows of */
static cap_t bank_register = CR_BANK;
static struct space_maker maker;

static void fatal(const char *what, const char *of)
{
	fprintf(stderr, "keykos: %s %s failed at the start\n", what, of);
	native_exit(1);
}

/* Keys are kept in a tree of their own: two levels below a node in the directory's slot 0. */
static bool name_put(unsigned i, const char *name, cap_t key)
{
	if (i == NAMES)
		return false;
	object_get(directory, i / 16, CR_TMP0);
	if (key_is_null(CR_TMP0)) {
		if (bank_alloc_node(CR_BANK, CR_TMP0) != RC_OK)
			return false;
		object_put(directory, i / 16, CR_TMP0);
	}
	node_swap(CR_TMP0, i % 16, key, CR_VOID);
	snprintf(names[i].name, sizeof names[0].name, "%s", name);
	names[i].life = life;
	if (i == name_count)
		name_count++;
	return true;
}

static void name_add(const char *name, cap_t key)
{
	if (!name_put(name_count, name, key))
		fatal("naming", name);
}

/* The latest of that name; name_count if there is none. */
static unsigned name_find(const char *name)
{
	for (unsigned i = name_count; i-- > 0;)
		if (strcmp(names[i].name, name) == 0)
			return i;
	return name_count;
}

static void name_key(unsigned i, cap_t to)
{
	object_get(directory, i / 16, to);
	node_fetch(to, i % 16, to);
}

unsigned directory_index(void)
{
	return directory;
}

static void life_check(void);

uint32_t directory_serve(unsigned index, uint32_t order)
{
	unsigned i = arg32(0);

	(void)index;
	life_check();
	if (order == 1 || order == 2) {
		if (i >= name_count)
			return RC_ABSENT;
		if (order == 2)
			return names[i].life == life ? RC_OK : RC_EARLIER;
		reply_bytes(names[i].name, strlen(names[i].name));
		return RC_OK;
	}
	if (order != 0)
		return RC_UNKNOWN;
	message_string[sizeof names[0].name - 1] = 0;
	i = name_find((const char *)message_string);
	if (i == name_count)
		return RC_ABSENT;
	name_key(i, R_A);
	reply_key(0, R_A);
	return RC_OK;
}

/* ---- the boot pack ----------------------------------------------------------------------- */

static const struct pack_header *const pack = (const struct pack_header *)WINDOW;

static void window_map(uint64_t va, uint64_t page)
{
	if (process_get_slot(CR_SELF, PSLOT_SPACE, R_B) != RC_OK || physmem_pack_page(R_PHYSMEM, page, CR_TMP0) != RC_OK ||
	    space_map(R_B, va, CR_TMP0, 0, &maker) != RC_OK)
		fatal("mapping", "the boot pack");
}

static uint32_t section_page(void *ctx, uint64_t index, cap_t to)
{
	const struct pack_section *s = ctx;

	return physmem_pack_page(R_PHYSMEM, s->offset / PAGE_SIZE + index, to);
}

/* A file of commands keeps its name. */
static void program_name(const struct pack_section *s, char name[48])
{
	snprintf(name, 48, "%.*s%s", 44, s->name, strstr(s->name, ".cmd") ? "" : ".s");
}

/* A program of the dialect as a sensory segment of lss 3, or 4 if it must be: its pages are the pack's own. */
static void program_add(const struct pack_section *s)
{
	uint64_t pages = (s->length + PAGE_SIZE - 1) / PAGE_SIZE;
	char name[48];

	if (pages == 0 || pages > PROGRAM_PAGES || (pages > NODE_SLOTS && space_node_make(&maker, 4, R_A) != RC_OK))
		fatal("installing", s->name);
	for (uint64_t at = 0; at < pages; at += NODE_SLOTS) {
		uint64_t n = pages - at < NODE_SLOTS ? pages - at : NODE_SLOTS;

		if (space_node_make(&maker, 3, R_B) != RC_OK ||
		    physmem_pack_fill(R_PHYSMEM, s->offset / PAGE_SIZE + at, n, R_B) != RC_OK)
			fatal("installing", s->name);
		if (pages > NODE_SLOTS)
			node_swap(R_A, at / NODE_SLOTS, R_B, CR_VOID);
	}
	node_make_sense(pages > NODE_SLOTS ? R_A : R_B, R_A);
	program_name(s, name);
	name_add(name, R_A);
}

/* ---- KeyKOS's objects that are domains --------------------------------------------------- */

/* Programs of ../object/, the factory that each becomes, and its components in their order: names of the directory. */
static const struct builtin {
	const char *program, *factory;
	uint32_t type;
	const char *components[8];
} builtins[] = {
	{ "join", "joinf", 0x131, { NULL } },
	{ "msgbuf", "msgbuff", 0x1FF1E, { NULL } },
	{ "forkf", "forkf", 0x3D, { NULL } },
	{ "mkeeper", "mkeeperf", 0x206, { "snodef" } },
	{ "bsload", "bsloadf", 0x111, { "copy" } },
	{ "callseg", "callsegf", 0x120D, { "copy" } },
	{ "switcher", "switcherf", 0x1090D, { "tssf", "rcf" } },
	{ "auth", "authf", 0x165, { "rcf" } },
	{ "recep", "recepf", 0x23E, { "tssf" } },
	{ "psched", "pschedf", 0x168, { "snodef", "waitf", "discrim" } },
};

/* The first of that name, which is the system's own: a user's program of the same name does not take its place. */
bool directory_find(const char *name, cap_t to)
{
	unsigned i = 0;

	while (i < name_count && strcmp(names[i].name, name) != 0)
		i++;
	if (i == name_count)
		return false;
	name_key(i, to);
	return true;
}

/* The key of that name, in R_C. */
static void name_get(const char *name)
{
	if (!directory_find(name, R_C))
		fatal("finding", name);
}

static void builtin_add(const struct pack_section *s, const struct builtin *b)
{
	const uint32_t *header = (const uint32_t *)(WINDOW + PAGE_SIZE);
	char name[48];
	unsigned index;

	window_map(WINDOW + PAGE_SIZE, s->offset / PAGE_SIZE);
	snprintf(name, sizeof name, "%s.s", s->name);
	name_get(name);
	if (!builtin_make(first_bank, header[4], b->type, &index))
		fatal("making", b->factory);
	for (unsigned i = 0; i < 8 && b->components[i]; i++) {
		name_get(b->components[i]);
		builtin_component(index, i);
	}
	builtin_requestor(index, R_A);
	name_add(b->factory, R_A);
}

static void builtins_add(void)
{
	for (unsigned i = 0; i < sizeof builtins / sizeof builtins[0]; i++)
		for (unsigned j = 0; j < pack->count && j < PACK_SECTIONS; j++)
			if (pack->section[j].kind == PACK_KEYKOS && strcmp(pack->section[j].name, builtins[i].program) == 0) {
				builtin_add(&pack->section[j], &builtins[i]);
				break;
			}
}

/* The interpreter: a native program of the pack, with the directory, the console and storage of its own. */
static void interpreter_start(const struct pack_section *s)
{
	static const struct { cap_t reg, from; } grants[] = {
		{ CR_BANK, CR_BANK }, { CR_SCHED, CR_SCHED }, { CR_LOG, CR_LOG }, { CR_RETURNER, CR_RETURNER }, { 8, R_C },
		{ 9, R_CONSOLE }, { 10, R_TIMER }, { CR_RETURN, CR_RETURN },
	};
	static struct image_file file;

	window_map(WINDOW + PAGE_SIZE, s->offset / PAGE_SIZE);
	if (image_parse((const void *)(WINDOW + PAGE_SIZE), PAGE_SIZE, s->length, &file) != NULL ||
	    image_build(&file, section_page, (void *)s, &maker, R_A) != RC_OK ||
	    image_instantiate(R_A, &maker, CR_SCHED, R_B, R_D) != RC_OK)
		fatal("starting", s->name);
	object_key(directory, 0, R_C);
	for (unsigned i = 0; i < sizeof grants / sizeof grants[0]; i++)
		process_swap_reg(R_B, grants[i].reg, grants[i].from, CR_VOID);
	if (image_run(R_A, R_B, NULL) != RC_OK)
		fatal("starting", s->name);
}

static void pack_install(void)
{
	const struct pack_section *interpreter = NULL;

	checkpoint_status(R_CHECKPOINT, NULL, NULL, NULL, &life, NULL, NULL);
	window_map(WINDOW, 0);
	for (unsigned i = 0; i < pack->count && i < PACK_SECTIONS; i++) {
		if (pack->section[i].kind == PACK_KEYKOS)
			program_add(&pack->section[i]);
		if (pack->section[i].kind == PACK_PROGRAM && strcmp(pack->section[i].name, "keykos-cmd") == 0)
			interpreter = &pack->section[i];
	}
	builtins_add();
	if (key_is_null(CR_RETURN))
		return;                        /* nobody waits for an interpreter's end: a service */
	if (interpreter == NULL)
		fatal("finding", "the command interpreter");
	interpreter_start(interpreter);
}

/* ---- a later start ----------------------------------------------------------------------- */

static bool space_show(uint64_t va, cap_t page)
{
	return process_get_slot(CR_SELF, PSLOT_SPACE, R_B) == RC_OK && space_map(R_B, va, page, 0, &maker) == RC_OK;
}

/* A page of the pack that was loaded at this start, where it can be read; NULL if it cannot. */
static const void *loaded_see(uint64_t va, uint64_t page)
{
	return physmem_loaded_page(R_PHYSMEM, page, R_C) == RC_OK && space_show(va, R_C) ? (const void *)va : NULL;
}

/* The page of a program's segment in R_A, in R_C: nothing past its end. */
static void program_page(uint64_t pages, uint64_t i)
{
	cap_copy(R_C, R_A);
	if (pages > NODE_SLOTS)
		node_fetch(R_C, i / NODE_SLOTS, R_C);
	node_fetch(R_C, i % NODE_SLOTS, R_C);
}

/* Whether the segment in R_A is that program. */
static bool program_same(const struct pack_section *s, uint64_t pages)
{
	const void *loaded, *ours = (const void *)(WINDOW + 2 * PAGE_SIZE);

	for (uint64_t i = 0; i < pages; i++) {
		program_page(pages, i);
		if (key_type(R_C) != TYPE_PAGE || !space_show(WINDOW + 2 * PAGE_SIZE, R_C))
			return false;
		loaded = loaded_see(WINDOW + PAGE_SIZE, s->offset / PAGE_SIZE + i);
		if (loaded == NULL || memcmp(loaded, ours, PAGE_SIZE) != 0)
			return false;
	}
	if (pages % NODE_SLOTS == 0)
		return true;
	program_page(pages, pages);
	return key_is_null(R_C);
}

/* A copy of it in R_A: the loaded pack is there for this start only. */
static bool program_copy(const struct pack_section *s, uint64_t pages)
{
	if (pages > NODE_SLOTS && space_node_make(&maker, 4, R_A) != RC_OK)
		return false;
	for (uint64_t i = 0; i < pages; i++) {
		const void *loaded = loaded_see(WINDOW + PAGE_SIZE, s->offset / PAGE_SIZE + i);

		if (i % NODE_SLOTS == 0 && space_node_make(&maker, 3, R_D) != RC_OK)
			return false;
		if (i % NODE_SLOTS == 0 && pages > NODE_SLOTS)
			node_swap(R_A, i / NODE_SLOTS, R_D, CR_VOID);
		if (loaded == NULL || bank_alloc_page(CR_BANK, R_C) != RC_OK || page_write(R_C, 0, loaded, PAGE_SIZE) != RC_OK)
			return false;
		node_swap(R_D, i % NODE_SLOTS, R_C, CR_VOID);
	}
	node_make_sense(pages > NODE_SLOTS ? R_A : R_D, R_A);
	return true;
}

static bool is_last_of_name(unsigned which)
{
	for (unsigned i = which + 1; i < pack->count && i < PACK_SECTIONS; i++)
		if (pack->section[i].kind == PACK_KEYKOS && strcmp(pack->section[i].name, pack->section[which].name) == 0)
			return false;
	return true;
}

/* What is there as it was stays, for the programs that run from it; what is not gets its name. */
static void program_renew(const struct pack_section *s)
{
	uint64_t pages = (s->length + PAGE_SIZE - 1) / PAGE_SIZE;
	char name[48];
	unsigned i;

	program_name(s, name);
	i = name_find(name);
	if (i < name_count) {
		name_key(i, R_A);
		if (program_same(s, pages))
			return;
	}
	if (pages == 0 || pages > PROGRAM_PAGES || !program_copy(s, pages) || !name_put(i, name, R_A))
		fprintf(stderr, "keykos: there is no room for the program %s of this start\n", name);
}

/* Once at each start of the system, before anybody is told of the directory. */
static void life_check(void)
{
	uint64_t now = 0;

	checkpoint_status(R_CHECKPOINT, NULL, NULL, NULL, &now, NULL, NULL);
	if (now == life)
		return;
	life = now;
	if (loaded_see(WINDOW, 0) == NULL)
		return;
	for (unsigned i = 0; i < pack->count && i < PACK_SECTIONS; i++)
		if (pack->section[i].kind == PACK_KEYKOS && is_last_of_name(i))
			program_renew(&pack->section[i]);
}

/* ---- the first objects ------------------------------------------------------------------- */

/* An object that was made; 0: it was not. */
static void made_add(const char *name, unsigned index)
{
	if (index == 0)
		fatal("making", name);
	object_key(index, 0, R_A);
	name_add(name, R_A);
}

static void object_add(const char *name, enum kind kind)
{
	unsigned index;

	made_add(name, object_make(kind, 0, &index) == RC_OK ? index : 0);
}

void directory_fill(void)
{
	unsigned index, bank;

	maker = space_bank_maker(&bank_register);
	if (object_make(KIND_DIRECTORY, 0, &directory) != RC_OK || directory == 0)
		fatal("making", "the directory");
	for (bank = OBJECT_FIRST; objects[bank].kind != KIND_BANK; bank++)
		;
	first_bank = bank;
	object_key(bank, 0, R_A);
	name_add("sb", R_A);
	/* Below whoever serves: what users make may compute for ever, and the console and the interpreter go on. */
	name_add("m", schedule_narrow(CR_SCHED, USER_PRIORITY, R_A) == RC_OK ? R_A : CR_SCHED);
	name_add("returner", CR_RETURNER);
	name_add("discrim", R_DISCRIM);
	discrim_make_creator(R_DISCRIM, R_A);
	name_add("dkc", R_A);
	name_add("keybits", R_KEYBITS);
	name_add("systimer", R_TIMER);
	timer_make_calendar(R_TIMER, R_A);
	name_add("calclock", R_A);
	timer_make_copier(R_TIMER, R_A);
	name_add("copy", R_A);
	name_add("checkpoint", R_CHECKPOINT);
	/* By name, and in the node that the ancestor's first command file takes them from. */
	if (bank_alloc_node(CR_BANK, R_B) != RC_OK)
		fatal("making", "bwaitnode");
	for (index = 1; index <= 3; index++) {
		char name[8];

		timer_make_bwait(R_TIMER, index, R_A);
		snprintf(name, sizeof name, "bwait%u", index);
		name_add(name, R_A);
		node_swap(R_B, index, R_A, CR_VOID);
	}
	node_make_fetch(R_B, 0, R_A);
	name_add("bwaitnode", R_A);
	if (!segments_begin())
		fatal("making", "segments");
	stem_highest(R_A);
	name_add("zeroseg", R_A);
	name_add("virtualzeroseg", R_A);
	object_add("sbt", KIND_SBT);
	object_add("dcc", KIND_DCC);
	object_add("fcc", KIND_FCC);
	object_add("kidc", KIND_KIDC);
	object_add("fsf", KIND_FSF);
	object_add("snodef", KIND_SNODEF);
	object_add("rcf", KIND_RCF);
	object_add("tdof", KIND_RCF);
	object_add("waitf", KIND_WAITF);
	object_add("mbwaitf", KIND_MBWAITF);
	object_add("clockf", KIND_CLOCKF);
	object_add("siaf", KIND_SIAF);
	if (!circuits_begin())
		fatal("opening", "the console");
	object_add("console", KIND_CONSOLE);
	object_add("tssf", KIND_TSSF);
	made_add("nrange", range_make(KIND_NODE_RANGE));
	made_add("prange", range_make(KIND_PAGE_RANGE));
	made_add("domtool", tool_make());
	object_add("vcsf", KIND_VCSF);
	if (!fc_make(bank, &index))
		fatal("making", "the factory creator");
	object_key(index, 0, R_A);
	name_add("fc", R_A);
	object_add("journalnode", KIND_JOURNAL);
	if (!rootnode_make(R_A, R_B))
		fatal("making", "rootnode");
	name_add("rootnode", R_A);
	name_add("wombfacil", R_B);
	pack_install();
}
