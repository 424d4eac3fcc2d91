/*
 * domain.h - what the files of the Lua domain share: its registers, its streams, its life.
 *
 * One process runs one Lua state.  It is made by a constructor without holes, answers its maker with the sandbox
 * interface (idl/sandbox.idl), is given streams and capabilities by name, and runs a script, or the prompt.
 *
 * Invariants
 *   1. CR_TMP0..CR_TMP3 hold nothing over a call into Lua: the heap and the stack grow through them.
 *   2. A capability that a script holds is in the keystore (slots.h) and nowhere else but its cache.
 *   3. The process is available to callers only in loop_wait; a handler never runs in the midst of other code.
 */
#ifndef LUA_DOMAIN_H
#define LUA_DOMAIN_H
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <limits.h>
#undef PAGE_SIZE                       /* limits.h says it in another spelling */
#include <keros/inv.h>
#include <keros/space.h>
#include <lua.h>
#include <lauxlib.h>

enum domain_register {
	CR_KEYS = CR_STORE,            /* root of the keystore */
	CR_STDIN = 8, CR_STDOUT = 9, CR_STDERR = 10, CR_TERMINAL = 11,
	CR_TIMER = 12,
	CR_SPACE = 13,                 /* root of our memory */
	CR_DISCRIM = 14,
	CR_RUN = 15,                   /* who waits for the end of the run */
	CR_ARGUMENT = CR_LOG,          /* what came with the yield of a frozen domain's instance; a yield has no log */
	CR_CACHE = 16, CACHE_REGISTERS = 8,
};

/*
 * Slots of the constituents node (CR_CONST).  With a program (lua/making.lua writes it) the domain is an instance of
 * that script; from CONST_LENGTH + 1 on are the capabilities it names.  Without, it is given its script by a session.
 */
enum constituent { CONST_DISCRIM, CONST_IMAGE, CONST_META, CONST_POSIX, CONST_BASE, CONST_PROGRAM, CONST_LENGTH };

#define DATA_SANDBOX 0xFFFFu           /* start capability data: the sandbox interface */

/* The low 4 GiB: slots of the lss-7 node.  0 is the program with the heap's beginning and the stack, 1 the shim's heap. */
#define HEAP_START   0x20000000ull
#define HEAP_LIMIT   0xF0000000ull
#define FILES_BASE   0xF0000000ull

/* memory.c */
bool memory_init(void);
void memory_thaw(void);                /* in an instance of a frozen domain: the stack is a new one */
extern struct space_maker domain_maker;

/* files.c: the read-only file tree that was laid under the run, if any. */
bool files_set(cap_t tree, uint64_t length);
/* NULL: there is no such file (why says in words). */
const char *files_find(const char *path, size_t *length, const char **why);

/* streams.c */
enum stream_which { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAM_TTY, STREAMS };
void stream_present(unsigned which);
bool stream_is_terminal(void);
void out_write(const char *bytes, size_t length);      /* standard output, buffered */
void out_flush(void);
void err_write(const char *bytes, size_t length);
void err_text(const char *text);
int luaopen_io(lua_State *L);

/* child.c: the life of an instance of a script; never returns. */
__attribute__((noreturn)) void child_live(lua_State *(*state_make)(void));
bool child_is(void);

/* main.c: ends the run with this status, by way of domain_ending; never returns. */
extern jmp_buf domain_ending;
__attribute__((noreturn)) void domain_exit(int status);

/* prompt.c: Ctrl-C since this was last asked. */
void prompt_open(lua_State *L);
bool prompt_interrupted(void);
/* Whether what runs was typed at the prompt: then others are called by way of couriers, so that Ctrl-C ends the wait. */
bool prompt_guarded(void);

/* lib.c */
void lib_open(lua_State *L);
int lib_traceback(lua_State *L);       /* a message handler */
int lib_load_file(lua_State *L, const char *path);     /* of the tree: pushes the function or a message; LUA_OK or not */
#endif
