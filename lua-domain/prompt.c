/*
 * prompt.c - the terminal of the prompt: lines by the line editor, and Ctrl-C while something runs.
 *
 * While a line is edited the terminal gives every key; while it runs, the line discipline is the usual one, so that
 * io.read works as programs expect and Ctrl-C becomes an event, which a count hook and the loop ask for.
 */
#include "domain.h"
#include <keros/stream.h>
#include "edit.h"
#include "heap.h"
#include "loop.h"
#include "streams.h"

#define TERMIOS_BYTES 44u
#define LFLAG_OFFSET  12u
#define CC_OFFSET     17u
#define CC_TIME       5u
#define CC_MIN        6u
#define EVENT_INTR    1u
#define HOOK_COUNT    20000

static struct edit *editor;
static bool guarded;                   /* what runs was typed, and Ctrl-C ends it */
static unsigned char usual[64];
static size_t usual_length;

static void show_bytes(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	out_write(bytes, n);
}

static bool editor_open(void)
{
	if (editor)
		return true;
	editor = heap_alloc(NULL, NULL, 0, sizeof *editor);
	if (!editor)
		return false;
	memset(editor, 0, sizeof *editor);
	editor->put = show_bytes;
	return stream_get_termios(CR_TERMINAL, usual, sizeof usual, &usual_length) == RC_OK && usual_length >= TERMIOS_BYTES;
}

static void keys_raw(bool raw)
{
	unsigned char t[sizeof usual];

	memcpy(t, usual, sizeof usual);
	if (raw) {
		memset(t, 0, 4);                       /* iflag: a return is a return */
		memset(t + LFLAG_OFFSET, 0, 4);
		t[CC_OFFSET + CC_TIME] = 0;
		t[CC_OFFSET + CC_MIN] = 1;
	}
	stream_set_termios(CR_TERMINAL, 0, t, usual_length);
}

/* ---- interrupting -------------------------------------------------------------------------------- */

bool prompt_interrupted(void)
{
	uint64_t ready, events = 0;

	return editor && stream_poll(CR_TERMINAL, &ready, &events) == RC_OK && events & EVENT_INTR;
}

bool prompt_guarded(void)
{
	return guarded;
}

static void hook(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	if (prompt_interrupted())
		luaL_error(L, "interrupted!");
}

/* prompt.guard(on): whether Ctrl-C ends what runs. */
static int lib_guard(lua_State *L)
{
	bool on = lua_toboolean(L, 1);

	guarded = on;
	lua_sethook(L, on ? hook : NULL, on ? LUA_MASKCOUNT : 0, HOOK_COUNT);
	return 0;
}

/* ---- lines --------------------------------------------------------------------------------------- */

/*
 * The script's function says what to put in, and what to show above the line: complete(text before the cursor).
 */
static void complete(lua_State *L, int function)
{
	const char *more, *list;
	size_t n = 0;

	lua_pushvalue(L, function);
	lua_pushlstring(L, editor->line, editor->at);
	if (lua_pcall(L, 1, 2, 0) != LUA_OK) {
		lua_pop(L, 1);
		return;
	}
	more = lua_tolstring(L, -2, &n);
	list = lua_tostring(L, -1);
	if (list) {
		out_write("\r\n", 2);
		out_write(list, strlen(list));
		out_write("\r\n", 2);
	}
	if (more)
		edit_insert(editor, more, n);
	edit_show(editor);
	lua_pop(L, 2);
}

/* prompt.line(prompt, complete): a line; false after Ctrl-C; nil at the end of the input. */
static int lib_line(lua_State *L)
{
	const char *prompt = luaL_checkstring(L, 1);
	enum edit_event event = EDIT_MORE;
	uint64_t is_tty = 0, rows = 0, columns = 80;

	loop_state = L;
	if (!editor_open())
		return luaL_error(L, "no terminal, or no memory for its line");
	stream_get_attr(CR_TERMINAL, &is_tty, &rows, &columns);
	keys_raw(true);
	edit_begin(editor, prompt, (unsigned)columns);
	while (event == EDIT_MORE || event == EDIT_COMPLETE) {
		int c = in_get();

		if (c < 0) {
			keys_raw(false);
			return 0;
		}
		event = edit_key(editor, (unsigned char)c);
		if (event == EDIT_COMPLETE && lua_isfunction(L, 2))
			complete(L, 2);
	}
	out_flush();
	keys_raw(false);
	if (event == EDIT_END)
		return 0;
	if (event == EDIT_CANCEL)
		lua_pushboolean(L, 0);
	else
		lua_pushlstring(L, editor->line, editor->length);
	return 1;
}

/* prompt.remember(line) */
static int lib_remember(lua_State *L)
{
	const char *line = luaL_checkstring(L, 1);

	if (editor_open())
		edit_remember(editor, line);
	return 0;
}

void prompt_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "line", lib_line }, { "remember", lib_remember }, { "guard", lib_guard }, { NULL, NULL },
	};

	luaL_newlib(L, functions);
	lua_setglobal(L, "prompt");
}
