/*
 * child.c - a domain that a script made: its program and what it holds are constituents of its constructor.
 *
 * The chunk runs once.  What it returns is what the yield gives: a table of methods or a function, which is served, or a
 * capability; after an error, the error's message.  Then the domain serves for ever.  os.exit ends it: its capabilities
 * become void.
 *
 * Freezing.  A domain that is made to be frozen (making.lua) gives, instead of its product, an image of its own memory
 * as it is when the chunk has run: its program's tree, seen through a sense capability, with thaw_start as the entry.
 * Then it ends, so that nobody can change that memory.  An instance of that image begins at thaw_start with copies of the
 * writable pages: it makes itself a keystore, finds what its values name among what it holds now, and serves.  Capabilities
 * that came from nowhere else than the old instance are void in the new one.
 */
#include "domain.h"
#include <elf.h>
#include <keros/bank.h>
#include <keros/discrim.h>
#include <keros/image.h>
#include <keros/node.h>
#include <keros/number.h>
#include <keros/page.h>
#include <keros/process.h>
#include "call.h"
#include "capability.h"
#include "courier.h"
#include "guard.h"
#include "heap.h"
#include "loop.h"
#include "wire.h"

#define PROGRAM_MAX (1ull << 20)

#define FREEZE_MARK 1u                         /* the high word of the program's length */

static slotno argument;
static bool to_freeze;
static cap_t register_of[NODE_SLOTS];          /* where a component has a register of its own */

/* Whether this is an instance of a script; then what came with the yield is kept. */
bool child_is(void)
{
	uint64_t different = 0;

	if (node_fetch(CR_CONST, CONST_PROGRAM, CR_ARG1) != RC_OK ||
	    discrim_compare(CR_DISCRIM, CR_ARG1, CR_VOID, &different) != RC_OK || !different)
		return false;
	cap_copy(CR_RUN, CR_RETURN);
	argument = capability_hold(CR_ARG0);
	return true;
}

/* A component that is a stream or the clock takes its place; all are globals. */
static void component_take(lua_State *L, const char *name, cap_t value, unsigned slot)
{
	static const struct { const char *name; cap_t reg; int stream; } places[] = {
		{ "timer", CR_TIMER, -1 }, { "stdin", CR_STDIN, STREAM_IN }, { "stdout", CR_STDOUT, STREAM_OUT },
		{ "stderr", CR_STDERR, STREAM_ERR }, { "terminal", CR_TERMINAL, STREAM_TTY },
	};

	for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
		if (strcmp(name, places[i].name) == 0) {
			cap_copy(places[i].reg, value);
			register_of[slot] = places[i].reg;
			if (places[i].stream >= 0)
				stream_present((unsigned)places[i].stream);
		}
	capability_push(L, value, NULL, name)->origin = (uint8_t)(ORIGIN_COMPONENT + slot);
	lua_setglobal(L, name);
}

/* The program as making.lua packed it: pushes source, name, slots and values. */
static void program_unpack(lua_State *L)
{
	uint64_t hole = 1, length = 0, freeze = 0;

	if (discrim_discreet(CR_DISCRIM, CR_ARG1, &hole) != RC_OK || hole ||
	    space_place(CR_SPACE, FILES_BASE, CR_ARG1, 4, &domain_maker) != RC_OK)
		luaL_error(L, "the program cannot be read");
	node_fetch(CR_CONST, CONST_LENGTH, CR_ARG1);
	number_get(CR_ARG1, &length, &freeze);
	if (length > PROGRAM_MAX || wire_unpack(L, (const char *)FILES_BASE, length, 0, 0) != 4 || !lua_isstring(L, -4) ||
	    !lua_isstring(L, -3) || !lua_istable(L, -2) || !lua_istable(L, -1))
		luaL_error(L, "the program is none");
	to_freeze = freeze == FREEZE_MARK;
}

static void components_take(lua_State *L, int slots, int values)
{
	lua_pushnil(L);
	while (lua_next(L, slots)) {
		lua_Integer slot = lua_tointeger(L, -2);
		const char *name = lua_tostring(L, -1);

		if (name && slot > CONST_LENGTH && slot < NODE_SLOTS &&
		    node_fetch(CR_CONST, (uint64_t)slot, CR_ARG1) == RC_OK)
			component_take(L, name, CR_ARG1, (unsigned)slot);
		lua_pop(L, 1);
	}
	lua_pushnil(L);
	while (lua_next(L, values)) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_pushglobaltable(L);
		lua_insert(L, -3);
		lua_settable(L, -3);
		lua_pop(L, 1);
	}
}

/* Leaves the product on the stack: a capability or nil. */
static int child_body(lua_State *L)
{
	program_unpack(L);
	components_take(L, 3, 4);
	if (argument)
		capability_adopt(L, argument, NULL, "argument")->origin = ORIGIN_ARGUMENT;
	else
		lua_pushnil(L);
	lua_setglobal(L, "argument");
	if (luaL_loadbufferx(L, lua_tostring(L, 1), lua_rawlen(L, 1), lua_pushfstring(L, "=%s", lua_tostring(L, 2)), "t") !=
	    LUA_OK)
		return lua_error(L);
	lua_getglobal(L, "argument");
	lua_call(L, 1, 1);
	if (lua_istable(L, -1) || lua_isfunction(L, -1)) {
		lua_getglobal(L, "loop");
		lua_getfield(L, -1, "serve");
		lua_pushvalue(L, -3);
		lua_call(L, 1, 1);
	}
	if (!lua_isnil(L, -1))
		capability_check(L, -1);
	return 1;
}

static int error_body(lua_State *L)
{
	struct capability *caps[3];
	struct msg m = { .order = 1 };
	char small[CALL_SMALL];

	lua_settop(L, 1);
	luaL_tolstring(L, 1, NULL);
	call_pack(L, 2, 2, small, &m, caps);
	m.w[0] = 0;
	inv_send(CR_RUN, &m);
	return 0;
}

static void caller_release(cap_t caller)
{
	struct msg m = { .order = RC_VOID };
	uint64_t class = CLASS_OTHER;

	if (discrim_classify(CR_DISCRIM, caller, &class) == RC_OK && class == CLASS_RESUME)
		inv_send(caller, &m);
}

/*
 * The end: whoever calls finds us void.  Who has called already would wait for ever for a process that is no more, so
 * every resume capability that we hold, in the keystore or as the last that came, is answered.
 */
static _Noreturn void child_end(void)
{
	caller_release(CR_RETURN);
	for (slotno slot = 1; slot < slots_end(); slot++) {
		slot_get(slot, CR_TMP3);
		caller_release(CR_TMP3);
	}
	bank_free(CR_BANK, CR_SELF);
	for (;;) {
		struct msg m = { 0 };

		inv_return(CR_VOID, &m);
	}
}

/* Whoever asked for the yield gets the error on the stack as text; without the memory for that, RC_LIMIT. */
static _Noreturn void child_fail(lua_State *L)
{
	struct msg m = { .order = RC_LIMIT };

	lua_pushcfunction(L, error_body);
	lua_insert(L, -2);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK)
		inv_send(CR_RUN, &m);
	child_end();
}

/* ---- freezing ------------------------------------------------------------------------------------ */

static lua_State *frozen_state;                /* with the product on its stack */
static uint64_t frozen_fs;                     /* libc's thread pointer */

extern const Elf64_Ehdr __ehdr_start;
void thaw_start(void);
void shim_native_entry(void);

/* Where the program's writable memory begins. */
static uint64_t data_begin(void)
{
	const Elf64_Phdr *ph = (const Elf64_Phdr *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);

	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_W)
			return ph[i].p_vaddr & ~(uint64_t)(PAGE_SIZE - 1);
	return IMAGE_HIGH;
}

/* What is zero anyhow need not be copied: its page leaves the tree. */
static void zero_pages_leave(uint64_t from, uint64_t to)
{
	uint64_t nonzero = 1;
	cap_t leaf;

	for (; from < to; from += PAGE_SIZE)
		if (space_find(CR_SPACE, from, SPACE_LSS_PAGE + 1, NULL, &leaf) == RC_OK &&
		    node_fetch(leaf, from >> PAGE_SHIFT & 15, CR_TMP1) == RC_OK &&
		    page_test_zero(CR_TMP1, &nonzero) == RC_OK && !nonzero)
			node_swap(leaf, from >> PAGE_SHIFT & 15, CR_VOID, CR_VOID);
}

/* The image of this domain as it is now, in CR_TMP3, sensory. */
static uint32_t image_freeze(void)
{
	uint64_t data = data_begin();
	uintptr_t used, end;
	uint32_t rc;

	if (!heap_cut(&used, &end))
		return RC_REQUEST;
	zero_pages_leave(data, end);
	rc = node_tree_fetch(CR_SPACE, 0, 2, CR_TMP0);
	if (rc == RC_OK)
		rc = node_make_sense(CR_TMP0, CR_TMP0);
	if (rc == RC_OK)
		rc = bank_alloc_node(CR_BANK, CR_TMP3);
	if (rc != RC_OK)
		return rc;
	node_swap(CR_TMP3, IMAGE_TREE, CR_TMP0, CR_VOID);
	node_write_number(CR_TMP3, IMAGE_ENTRY, (uint64_t)thaw_start, IMAGE_MAGIC);
	node_write_number(CR_TMP3, IMAGE_DATA, data, used - data);
	node_write_number(CR_TMP3, IMAGE_BSS, end, IMAGE_STACK_PAGES | 7ull << IMAGE_ROOT_SHIFT);
	return node_make_sense(CR_TMP3, CR_TMP3);
}

/* The product, or the frozen image, for whoever asked for the yield; then for ever what others ask. */
_Noreturn static void child_serve(lua_State *L)
{
	struct msg m = { .order = RC_OK };
	struct capability *product = lua_isuserdata(L, 1) ? capability_test(L, 1) : NULL;

	if (product)
		m.send[0] = capability_reg(product, CR_TMP0);
	inv_send(CR_RUN, &m);
	loop_state = L;
	loop_run();
}

static _Noreturn void child_freeze(lua_State *L)
{
	struct msg m = { .send = { CR_TMP3 } };

	lua_gc(L, LUA_GCCOLLECT);
	couriers_forget();
	guard_forget();
	frozen_state = L;
	__asm__("rdfsbase %0" : "=r"(frozen_fs));
	m.order = image_freeze();
	if (m.order != RC_OK)
		m.send[0] = CR_VOID;
	inv_send(CR_RUN, &m);
	child_end();
}

/* The first function of an instance of a frozen domain: libc is as it was, but for its thread pointer and its calls. */
__attribute__((used)) static _Noreturn void thaw_main(void)
{
	uint64_t entry = (uint64_t)shim_native_entry, none1 = 0, none2 = 0;

	inv_call3(CR_SELF, PROCESS_OC_SET_FOREIGN_ENTRY, &entry, &none1, &none2);
	__asm__ volatile("wrfsbase %0" : : "r"(frozen_fs));
	cap_copy(CR_RUN, CR_RETURN);
	process_get_slot(CR_SELF, PSLOT_SPACE, CR_SPACE);
	node_fetch(CR_CONST, CONST_DISCRIM, CR_DISCRIM);
	for (unsigned slot = 0; slot < NODE_SLOTS; slot++)
		if (register_of[slot])
			node_fetch(CR_CONST, slot, register_of[slot]);
	memory_thaw();
	cap_copy(CR_ARGUMENT, CR_ARG0);
	capability_thaw();
	if (setjmp(domain_ending))
		child_end();
	lua_getglobal(frozen_state, "thawed");
	if (lua_isfunction(frozen_state, -1)) {
		lua_getglobal(frozen_state, "argument");
		if (lua_pcall(frozen_state, 1, 1, 0) != LUA_OK)
			child_fail(frozen_state);
		if (lua_isuserdata(frozen_state, -1))
			lua_replace(frozen_state, 1);
	}
	lua_settop(frozen_state, 1);
	child_serve(frozen_state);
}

__asm__(".globl thaw_start\n"
	"thaw_start:\n\t"
	"xor %ebp, %ebp\n\t"
	"and $-16, %rsp\n\t"
	"call thaw_main\n\t"
	"ud2\n");

/* ---- living -------------------------------------------------------------------------------------- */

void child_live(lua_State *(*state_make)(void))
{
	static bool yielded;
	struct msg m = { .order = RC_LIMIT };
	lua_State *L;

	if (setjmp(domain_ending)) {
		out_flush();
		m.order = RC_VOID;
		if (!yielded)
			inv_send(CR_RUN, &m);
		child_end();
	}
	L = state_make();
	if (!L) {
		inv_send(CR_RUN, &m);
		child_end();
	}
	lua_pushcfunction(L, lib_traceback);
	lua_pushcfunction(L, child_body);
	if (lua_pcall(L, 0, 1, 1) != LUA_OK)
		child_fail(L);
	out_flush();
	yielded = true;
	lua_remove(L, 1);
	lua_settop(L, 1);
	if (to_freeze)
		child_freeze(L);
	child_serve(L);
}
