/*
 * main.c - the domain's life: it answers its maker with the sandbox interface, takes what it is given, runs a script,
 * and reports its end.  See domain.h.
 */
#include "domain.h"
#include <stdio.h>
#include <keros/checkpoint.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/instance.h>
#include <keros/process.h>
#include <keros/sandbox.h>
#include "capability.h"
#include "heap.h"
#include "loop.h"
#include "modules.h"
#include "slots.h"
#include "streams.h"
#include "wire.h"

#define STATUS_ERROR 1

static lua_State *L;
static char *config;                   /* the run config's records, INV_STRING_MAX bytes */
static size_t config_length;
jmp_buf domain_ending;
#define GRANTS 16
static struct grant { slotno slot; char name[65]; } *granted; /* GRANTS of them, once there is one */
static unsigned granted_count;
static int end_status;

void domain_exit(int status)
{
	end_status = status;
	longjmp(domain_ending, 1);
}

/* ---- what the domain holds, as globals ----------------------------------------------------------- */

static void held_push(cap_t reg, const char *interface, const char *name)
{
	capability_push(L, reg, interface_named(interface), name)->origin = (uint8_t)(ORIGIN_REGISTER + reg);
	lua_setglobal(L, name);
}

static void component_push(enum constituent slot, const char *interface, const char *name)
{
	if (node_fetch(CR_CONST, slot, CR_ARG0) != RC_OK)
		return;
	capability_push(L, CR_ARG0, interface_named(interface), name)->origin = (uint8_t)(ORIGIN_COMPONENT + slot);
	lua_setglobal(L, name);
}

static void held_open(void)
{
	held_push(CR_BANK, "bank", "bank");
	held_push(CR_SCHED, "schedule", "schedule");
	held_push(CR_SELF, "process", "self");
	held_push(CR_TIMER, "timer", "timer");
	held_push(CR_DISCRIM, "discrim", "discrim");
	component_push(CONST_META, "metaconstructor", "metaconstructor");
	component_push(CONST_IMAGE, "node", "lua_image");
	component_push(CONST_POSIX, "constructor", "posix_constructor");
	component_push(CONST_BASE, "node", "base_tree");
	for (unsigned i = 0; i < granted_count; i++) {
		capability_adopt(L, granted[i].slot, NULL, granted[i].name);
		lua_setglobal(L, granted[i].name);
	}
}

/* ---- running ----------------------------------------------------------------------------------- */

static void report(void)
{
	const char *text = lua_tostring(L, -1);

	err_text("lua: ");
	err_text(text ? text : "(error object is not a string)");
	err_text("\n");
	lua_pop(L, 1);
}

/* Calls the function below its arguments; an error is reported, with the calls that led to it. */
static bool call_reported(int arguments)
{
	int base = lua_gettop(L) - arguments;

	lua_pushcfunction(L, lib_traceback);
	lua_insert(L, base);
	if (lua_pcall(L, arguments, 0, base) != LUA_OK) {
		report();
		lua_remove(L, base);
		return false;
	}
	lua_remove(L, base);
	return true;
}

static bool code_run(const char *code)
{
	if (luaL_loadbufferx(L, code, strlen(code), "=(command line)", "t") != LUA_OK) {
		report();
		return false;
	}
	return call_reported(0);
}

/* The value of a record with this key, or NULL. */
static const char *value_of(const char *record, const char *key)
{
	size_t n = strlen(key);

	return strncmp(record, key, n) == 0 && record[n] == '=' ? record + n + 1 : NULL;
}

#define EACH_RECORD(r) (const char *r = config; r < config + config_length; r += strlen(r) + 1)

/* Makes the global `arg`, and pushes the arguments; their count. */
static int arguments_push(const char *script)
{
	int n = 0;

	lua_newtable(L);
	lua_pushstring(L, script);
	lua_rawseti(L, -2, 0);
	lua_setglobal(L, "arg");
	for EACH_RECORD(r) {
		const char *value = value_of(r, "arg");

		if (!value)
			continue;
		luaL_checkstack(L, 2, "too many arguments");
		lua_getglobal(L, "arg");
		lua_pushstring(L, value);
		lua_rawseti(L, -2, ++n);
		lua_pop(L, 1);
		lua_pushstring(L, value);
	}
	return n;
}

static bool script_run(const char *path)
{
	int n = arguments_push(path);

	if (lib_load_file(L, path) != LUA_OK) {
		report();
		return false;
	}
	lua_insert(L, -1 - n);
	return call_reported(n);
}

static bool prompt_run(void)
{
	prompt_open(L);
	module_load(L, "repl");
	return true;
}

/* Without a terminal the standard input is the script. */
static bool input_run(void)
{
	luaL_Buffer b;
	size_t n;

	luaL_buffinit(L, &b);
	while ((n = in_read(luaL_prepbuffer(&b), LUAL_BUFFERSIZE)) > 0)
		luaL_addsize(&b, n);
	luaL_pushresult(&b);
	if (luaL_loadbufferx(L, lua_tostring(L, -1), lua_rawlen(L, -1), "=stdin", "t") != LUA_OK) {
		report();
		return false;
	}
	return call_reported(0);
}

static int run(lua_State *state)
{
	const char *script = NULL, *value;
	bool any = false, good = true;

	(void)state;
	for EACH_RECORD(r) {
		if ((value = value_of(r, "script")))
			script = value;
	}
	if (!script)
		lua_pop(L, arguments_push("lua"));
	for EACH_RECORD(r) {
		if (good && (value = value_of(r, "code"))) {
			any = true;
			good = code_run(value);
		}
	}
	if (script && good)
		good = script_run(script);
	if (!script && !any)
		good = stream_is_terminal() ? prompt_run() : input_run();
	lua_pushboolean(L, good);
	return 1;
}

static int panic(lua_State *state)
{
	(void)state;
	err_text("lua: not enough memory to begin\n");
	domain_exit(STATUS_ERROR);
}

static int open_body(lua_State *state)
{
	lib_open(state);
	capability_open(state);
	wire_open(state);
	loop_open(state);
	modules_open(state);
	held_open();
	return 0;
}

/* A state with all libraries, and what the domain holds as globals; NULL: the bank is too small. */
static lua_State *state_make(void)
{
	L = lua_newstate(heap_alloc, NULL);
	if (!L)
		return NULL;
	lua_atpanic(L, panic);
	lua_pushcfunction(L, open_body);
	if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
		lua_close(L);
		return L = NULL;
	}
	return L;
}

static int domain_run(void)
{
	if (setjmp(domain_ending) == 0) {
		if (!state_make()) {
			err_text("lua: the bank is too small to begin\n");
			return STATUS_ERROR;
		}
		lua_pushcfunction(L, run);
		if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
			report();
			end_status = STATUS_ERROR;
		} else {
			end_status = lua_toboolean(L, -1) ? 0 : STATUS_ERROR;
		}
	}
	out_flush();
	return end_status;
}

/* ---- the sandbox interface --------------------------------------------------------------------- */

static uint32_t granted_add(const char *name, cap_t value)
{
	if (!granted)
		granted = heap_alloc(NULL, NULL, 0, GRANTS * sizeof *granted);
	if (!granted)
		return RC_LIMIT;
	if (granted_count == GRANTS)
		return RC_REQUEST;
	granted[granted_count].slot = slot_new();
	if (!granted[granted_count].slot)
		return RC_LIMIT;
	slot_put(granted[granted_count].slot, value);
	strcpy(granted[granted_count++].name, name);
	return RC_OK;
}

/*
 * The store: a global, and a notice when the system goes on after a loss of power, since the clock's alarms and the
 * console's notices of before may be lost.
 */
static uint32_t sync_take(cap_t value)
{
	if (process_make_notice(CR_SELF, LOOP_TIMER | LOOP_STREAM, CR_TMP0) == RC_OK)
		checkpoint_at_restart(value, CR_TMP0);
	return granted_add("store", value);
}

static uint32_t do_setup(void *ctx, struct msg *m, uint64_t which, uint64_t length, cap_t value)
{
	static const cap_t registers[] = { 0, CR_STDIN, CR_STDOUT, CR_STDERR, CR_TERMINAL, 0, 0, CR_TIMER };

	(void)ctx, (void)m;
	if (which == 6)
		return files_set(value, length) ? RC_OK : RC_REQUEST;
	if (which == 5)
		return RC_OK;
	if (which == 8)
		return sync_take(value);
	if (which < 1 || which > 7)
		return RC_REQUEST;
	cap_copy(registers[which], value);
	if (which <= 4)
		stream_present((unsigned)which - 1);
	return RC_OK;
}

static uint32_t do_run(void *ctx, struct msg *m, const void *text, size_t length, uint64_t *status)
{
	(void)ctx, (void)m, (void)text, (void)status;
	if (config_length || !length || config[length - 1] != 0)
		return RC_REQUEST;
	config_length = length;
	config = heap_alloc(NULL, config, INV_STRING_MAX, length);     /* where it is: a block that shrinks does not move */
	cap_copy(CR_RUN, CR_RETURN);
	return SANDBOX_NOREPLY;
}

static uint32_t do_grant(void *ctx, struct msg *m, const void *name, size_t length, cap_t value)
{
	char text[sizeof granted[0].name] = { 0 };

	(void)ctx, (void)m;
	if (config_length || length == 0 || length >= sizeof text)
		return RC_REQUEST;
	memcpy(text, name, length);
	return granted_add(text, value);
}

static uint32_t do_report(void *ctx, struct msg *m, const void **data, size_t *length)
{
	static char text[160];

	(void)ctx, (void)m;
	*length = (size_t)snprintf(text, sizeof text, "lua: %zu KiB of heap mapped, %zu in use\n", heap_mapped() / 1024,
				   heap_used() / 1024);
	*data = text;
	return RC_OK;
}

static const struct sandbox_server interface = { .setup = do_setup, .run = do_run, .grant = do_grant, .report = do_report };

static void config_receive(struct msg *m)
{
	m->recv_string = config_length ? NULL : config;
	m->recv_limit = config_length ? 0 : INV_STRING_MAX;
}

static uint64_t run_live(void)
{
	return (uint64_t)domain_run() << 8;
}

int main(void)
{
	static const struct instance instance = { &interface, DATA_SANDBOX, CR_RUN, config_receive, run_live };

	if (!memory_init() || !slots_init() || node_fetch(CR_CONST, CONST_DISCRIM, CR_DISCRIM) != RC_OK)
		return 1;
	process_set_name(CR_SELF, "lua", 3);
	if (child_is())
		child_live(state_make);
	/* Whoever keeps the sandbox is told if we fail. */
	process_swap_slot(CR_SELF, PSLOT_KEEPER, CR_ARG0, CR_VOID);
	config = heap_alloc(NULL, NULL, 0, INV_STRING_MAX);
	if (!config)
		return 1;
	instance_serve(&instance);
}
