/*
 * iolib.c - Lua's io library: the standard streams, and the files of the run's read-only tree.
 *
 * What a file needs a capability for and there is none is refused with the words that say so; nothing here reaches
 * further than streams.c and files.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <lualib.h>
#include "loop.h"
#include "streams.h"

#define FILE_TYPE "FILE*"
#define NUMBER_MAX 200

enum handle_kind { HANDLE_CLOSED, HANDLE_IN, HANDLE_OUT, HANDLE_ERR, HANDLE_FILE };

struct handle {
	enum handle_kind kind;
	const char *data;              /* HANDLE_FILE: in the tree's image */
	size_t length, at;
};

static struct handle *handle_check(lua_State *L, int index)
{
	struct handle *h = luaL_checkudata(L, index, FILE_TYPE);

	if (h->kind == HANDLE_CLOSED)
		luaL_error(L, "attempt to use a closed file");
	return h;
}

static struct handle *handle_push(lua_State *L, enum handle_kind kind)
{
	struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);

	*h = (struct handle){ .kind = kind };
	luaL_setmetatable(L, FILE_TYPE);
	return h;
}

/* io.stdin and its like, kept in the registry under these names. */
static struct handle *standard(lua_State *L, const char *name)
{
	lua_getfield(L, LUA_REGISTRYINDEX, name);
	return handle_check(L, -1);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int handle_peek(struct handle *h)
{
	if (h->kind == HANDLE_IN)
		return in_peek();
	return h->kind == HANDLE_FILE && h->at < h->length ? (unsigned char)h->data[h->at] : -1;
}

static int handle_get(struct handle *h)
{
	int c = handle_peek(h);

	if (c >= 0 && h->kind == HANDLE_IN)
		in_get();
	else if (c >= 0)
		h->at++;
	return c;
}

static bool read_line(lua_State *L, struct handle *h, bool chop)
{
	luaL_Buffer b;
	int c = 0;
	bool any = false;

	luaL_buffinit(L, &b);
	while ((c = handle_get(h)) >= 0) {
		any = true;
		if (c == '\n')
			break;
		luaL_addchar(&b, (char)c);
	}
	if (c == '\n' && !chop)
		luaL_addchar(&b, '\n');
	luaL_pushresult(&b);
	return any;
}

static void read_all(lua_State *L, struct handle *h)
{
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	if (h->kind == HANDLE_FILE) {
		luaL_addlstring(&b, h->data + h->at, h->length - h->at);
		h->at = h->length;
	}
	while (h->kind == HANDLE_IN && in_peek() >= 0) {
		size_t n = in_read(luaL_prepbuffer(&b), LUAL_BUFFERSIZE);

		luaL_addsize(&b, n);
	}
	luaL_pushresult(&b);
}

static bool read_bytes(lua_State *L, struct handle *h, size_t n)
{
	luaL_Buffer b;
	size_t got = 0;
	int c;

	luaL_buffinit(L, &b);
	while (got < n && (c = handle_get(h)) >= 0) {
		luaL_addchar(&b, (char)c);
		got++;
	}
	luaL_pushresult(&b);
	return got > 0 || (n == 0 && handle_peek(h) >= 0);
}

/* As Lua's: takes what can be the beginning of a numeral, and converts it. */
static bool read_number(lua_State *L, struct handle *h)
{
	char text[NUMBER_MAX + 1];
	size_t n = 0;
	bool hex = false;
	int c;

	while ((c = handle_peek(h)) >= 0 && isspace(c))
		handle_get(h);
	while (n < NUMBER_MAX && (c = handle_peek(h)) >= 0) {
		bool sign = (c == '+' || c == '-') &&
			    (n == 0 || strchr(hex ? "pP" : "eE", text[n - 1]) != NULL);

		if (n > 0 && text[n - 1] == '0' && (c == 'x' || c == 'X') && n <= 2)
			hex = true;
		else if (!sign && c != '.' && !(hex ? isxdigit(c) || strchr("pP", c) : isdigit(c) || strchr("eE", c)))
			break;
		text[n++] = (char)handle_get(h);
	}
	text[n] = 0;
	if (lua_stringtonumber(L, text))
		return true;
	lua_pushnil(L);
	return false;
}

static int do_read(lua_State *L, struct handle *h, int first)
{
	int formats = lua_gettop(L) - first + 1, n;
	bool good = true;

	loop_state = L;                /* which waits for input, if there is none */
	if (h->kind != HANDLE_IN && h->kind != HANDLE_FILE) {
		luaL_pushfail(L);
		lua_pushliteral(L, "this file is not open for reading");
		return 2;
	}
	if (formats == 0) {
		if (!read_line(L, h, true))
			luaL_pushfail(L);
		return 1;
	}
	luaL_checkstack(L, formats + LUA_MINSTACK, "too many arguments");
	for (n = first; formats-- && good; n++) {
		const char *p;

		if (lua_type(L, n) == LUA_TNUMBER) {
			good = read_bytes(L, h, (size_t)luaL_checkinteger(L, n));
			continue;
		}
		p = luaL_checkstring(L, n);
		if (*p == '*')
			p++;
		switch (*p) {
		case 'n': good = read_number(L, h); break;
		case 'l': good = read_line(L, h, true); break;
		case 'L': good = read_line(L, h, false); break;
		case 'a': read_all(L, h); break;
		default: return luaL_argerror(L, n, "invalid format");
		}
	}
	if (!good) {
		lua_pop(L, 1);
		luaL_pushfail(L);
	}
	return n - first;
}

static int f_read(lua_State *L)
{
	return do_read(L, handle_check(L, 1), 2);
}

static int io_read(lua_State *L)
{
	struct handle *h = standard(L, "_IO_input");

	lua_insert(L, 1);
	return do_read(L, h, 2);
}

static int lines_next(lua_State *L)
{
	struct handle *h = lua_touserdata(L, lua_upvalueindex(1));
	int n = (int)lua_tointeger(L, lua_upvalueindex(2)), got;

	if (h->kind == HANDLE_CLOSED)
		return luaL_error(L, "file is already closed");
	lua_settop(L, 1);
	for (int i = 1; i <= n; i++)
		lua_pushvalue(L, lua_upvalueindex(3 + i));
	got = do_read(L, h, 2);
	if (lua_toboolean(L, -got))
		return got;
	if (lua_toboolean(L, lua_upvalueindex(3)))
		h->kind = HANDLE_CLOSED;
	return 0;
}

/* The handle is at index 1, the formats follow. */
static int lines_push(lua_State *L, bool close)
{
	int n = lua_gettop(L) - 1;

	luaL_argcheck(L, n <= 250, 252, "too many arguments");
	lua_pushvalue(L, 1);
	lua_pushinteger(L, n);
	lua_pushboolean(L, close);
	lua_rotate(L, 2, 3);
	lua_pushcclosure(L, lines_next, 3 + n);
	return 1;
}

static int f_lines(lua_State *L)
{
	handle_check(L, 1);
	return lines_push(L, false);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int io_open(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1), *mode = luaL_optstring(L, 2, "r"), *why = NULL, *data;
	size_t length = 0;
	struct handle *h;

	if (!strchr("rwa", mode[0]) || strspn(mode + 1, "+b") != strlen(mode + 1))
		return luaL_argerror(L, 2, "invalid mode");
	data = mode[0] == 'r' && !strchr(mode, '+') ? files_find(path, &length, &why) : NULL;
	if (!data) {
		luaL_pushfail(L);
		if (!why)
			lua_pushfstring(L, "%s: no capability covers writing it; files of --tree are read-only", path);
		else
			lua_pushfstring(L, "%s: %s", path, why);
		lua_pushinteger(L, why ? 2 : 13);
		return 3;
	}
	h = handle_push(L, HANDLE_FILE);
	h->data = data;
	h->length = length;
	return 1;
}

/* Pushes the file that is opened by the name at index 1; no such file is an error of the caller's. */
static void named_push(lua_State *L)
{
	lua_pushcfunction(L, io_open);
	lua_pushvalue(L, 1);
	lua_call(L, 1, 2);
	if (lua_isnil(L, -2))
		luaL_error(L, "%s", lua_tostring(L, -1));
	lua_pop(L, 1);
}

static int io_lines(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		standard(L, "_IO_input");
		lua_replace(L, 1);
		return lines_push(L, false);
	}
	named_push(L);
	lua_replace(L, 1);
	return lines_push(L, true);
}

static int io_redirect(lua_State *L, const char *name)
{
	if (!lua_isnoneornil(L, 1)) {
		if (lua_type(L, 1) == LUA_TSTRING) {
			named_push(L);
		} else {
			handle_check(L, 1);
			lua_pushvalue(L, 1);
		}
		lua_setfield(L, LUA_REGISTRYINDEX, name);
	}
	lua_getfield(L, LUA_REGISTRYINDEX, name);
	return 1;
}

static int io_input(lua_State *L) { return io_redirect(L, "_IO_input"); }
static int io_output(lua_State *L) { return io_redirect(L, "_IO_output"); }

static int io_type(lua_State *L)
{
	struct handle *h;

	luaL_checkany(L, 1);
	h = luaL_testudata(L, 1, FILE_TYPE);
	if (!h)
		luaL_pushfail(L);
	else
		lua_pushstring(L, h->kind == HANDLE_CLOSED ? "closed file" : "file");
	return 1;
}

/* ---- writing and the rest -------------------------------------------------------------------- */

static int do_write(lua_State *L, struct handle *h, int first)
{
	int top = lua_gettop(L);

	if (h->kind != HANDLE_OUT && h->kind != HANDLE_ERR) {
		luaL_pushfail(L);
		lua_pushliteral(L, "this file is not open for writing");
		return 2;
	}
	for (int i = first; i <= top; i++) {
		size_t n;
		const char *s = luaL_checklstring(L, i, &n);

		if (h->kind == HANDLE_ERR)
			err_write(s, n);
		else
			out_write(s, n);
	}
	return 1;
}

static int f_write(lua_State *L)
{
	struct handle *h = handle_check(L, 1);
	int n = do_write(L, h, 2);

	if (n == 1)
		lua_pushvalue(L, 1);
	return n;
}

static int io_write(lua_State *L)
{
	struct handle *h = standard(L, "_IO_output");
	int n;

	lua_insert(L, 1);
	n = do_write(L, h, 2);
	if (n == 1)
		lua_pushvalue(L, 1);
	return n;
}

static int f_flush(lua_State *L)
{
	handle_check(L, 1);
	out_flush();
	lua_settop(L, 1);
	return 1;
}

static int io_flush(lua_State *L)
{
	out_flush();
	standard(L, "_IO_output");
	return 1;
}

static int f_close(lua_State *L)
{
	struct handle *h = handle_check(L, 1);

	if (h->kind == HANDLE_OUT)
		out_flush();
	h->kind = HANDLE_CLOSED;
	lua_pushboolean(L, 1);
	return 1;
}

static int io_close(lua_State *L)
{
	if (lua_isnone(L, 1))
		standard(L, "_IO_output");
	return f_close(L);
}

static int f_seek(lua_State *L)
{
	static const char *const names[] = { "set", "cur", "end", NULL };
	struct handle *h = handle_check(L, 1);
	int from = luaL_checkoption(L, 2, "cur", names);
	lua_Integer offset = luaL_optinteger(L, 3, 0);
	lua_Integer base;

	if (h->kind != HANDLE_FILE) {
		luaL_pushfail(L);
		lua_pushliteral(L, "Illegal seek");
		lua_pushinteger(L, 29);
		return 3;
	}
	base = from == 0 ? 0 : from == 1 ? (lua_Integer)h->at : (lua_Integer)h->length;
	if (offset < -base || offset > (lua_Integer)h->length - base) {
		luaL_pushfail(L);
		lua_pushliteral(L, "Invalid argument");
		lua_pushinteger(L, 22);
		return 3;
	}
	h->at = (size_t)(base + offset);
	lua_pushinteger(L, (lua_Integer)h->at);
	return 1;
}

static int f_setvbuf(lua_State *L)
{
	handle_check(L, 1);
	lua_pushboolean(L, 1);
	return 1;
}

static int f_tostring(lua_State *L)
{
	struct handle *h = luaL_checkudata(L, 1, FILE_TYPE);

	if (h->kind == HANDLE_CLOSED)
		lua_pushliteral(L, "file (closed)");
	else
		lua_pushfstring(L, "file (%p)", (void *)h);
	return 1;
}

static int f_gc(lua_State *L)
{
	struct handle *h = luaL_checkudata(L, 1, FILE_TYPE);

	if (h->kind == HANDLE_FILE)
		h->kind = HANDLE_CLOSED;
	return 0;
}

static const luaL_Reg methods[] = {
	{ "read", f_read }, { "write", f_write }, { "lines", f_lines }, { "flush", f_flush }, { "close", f_close },
	{ "seek", f_seek }, { "setvbuf", f_setvbuf }, { NULL, NULL },
};

static const luaL_Reg functions[] = {
	{ "close", io_close }, { "flush", io_flush }, { "input", io_input }, { "lines", io_lines }, { "open", io_open },
	{ "output", io_output }, { "read", io_read }, { "type", io_type }, { "write", io_write }, { NULL, NULL },
};

int luaopen_io(lua_State *L)
{
	static const struct { const char *name, *key; enum handle_kind kind; } standards[] = {
		{ "stdin", "_IO_input", HANDLE_IN }, { "stdout", "_IO_output", HANDLE_OUT }, { "stderr", NULL, HANDLE_ERR },
	};

	luaL_newmetatable(L, FILE_TYPE);
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, f_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushcfunction(L, f_gc);
	lua_setfield(L, -2, "__gc");
	lua_pushcfunction(L, f_gc);
	lua_setfield(L, -2, "__close");
	lua_pop(L, 1);
	luaL_newlib(L, functions);
	for (unsigned i = 0; i < 3; i++) {
		handle_push(L, standards[i].kind);
		if (standards[i].key) {
			lua_pushvalue(L, -1);
			lua_setfield(L, LUA_REGISTRYINDEX, standards[i].key);
		}
		lua_setfield(L, -2, standards[i].name);
	}
	return 1;
}
