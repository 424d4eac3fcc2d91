/*
 * t.h - what the native test programs share: results, capability registers, storage, helpers
 * that run beside the test.
 *
 * A test program is started with `native=NAME` (doc/run-config.md).  It prints lines
 *     ok N sentence        not ok N sentence        # remark        skip: sentence
 * to the log, ends with `1..N`, and switches the machine off with status 0 or 1.
 *
 * Rules
 *   1. t_begin looks at what the program was given, by alleged type, and puts each thing into
 *      the register named below, whatever register it came in.  What is not there is void.
 *   2. Storage comes from CR_BANK; without a bank (the program runs as the first of the system,
 *      in prime's place) from the range.
 *   3. A helper is a process of its own that runs one function of this program on a stack of
 *      its own, in this address space or in a second one with the same pages.  A helper uses
 *      inv_ functions and plain memory only: libc's thread pointer is the test's.
 */
#ifndef KEROS_NATIVE_T_H
#define KEROS_NATIVE_T_H
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <keros/abi.h>
#include <keros/bank.h>
#include <keros/checkpoint.h>
#include <keros/constructor.h>
#include <keros/discrim.h>
#include <keros/inv.h>
#include <keros/ioport.h>
#include <keros/irq.h>
#include <keros/keybits.h>
#include <keros/log.h>
#include <keros/metaconstructor.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/notice.h>
#include <keros/number.h>
#include <keros/page.h>
#include <keros/physmem.h>
#include <keros/proccre.h>
#include <keros/process.h>
#include <keros/proctool.h>
#include <keros/range.h>
#include <keros/returner.h>
#include <keros/schedule.h>
#include <keros/segment.h>
#include <keros/timer.h>
#include <keros/vcs.h>

enum t_register {
	T_DISCRIM = 8, T_TIMER, T_PROCTOOL, T_KEYBITS, T_RANGE, T_SERVICE,
	T_A, T_B, T_C, T_D, T_E, T_F, T_G, T_H, T_I, T_J,     /* 14..23: the test's own */
	T_SCRATCH = CR_TMP0,
};

enum { T_PAGE = 1, T_NODE = 2, T_PROCESS = 3 };               /* kinds, as in bank and range */

static unsigned t_count, t_failed;
static uint64_t t_next_frame;

/* ---- results ------------------------------------------------------------------------------------ */

static void t_print(const char *text)
{
	native_log(text, strlen(text));
}

static inline void t_note(const char *format, ...)
{
	char line[512], text[480];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	snprintf(line, sizeof line, "# %s\n", text);
	t_print(line);
}

/* One result.  Failures tell the line of the source that found them. */
#define t_ok(condition, ...) t_result((condition), __LINE__, __VA_ARGS__)

static inline bool t_result(bool good, int source_line, const char *format, ...)
{
	char line[600], text[480];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	t_count++;
	t_failed += !good;
	if (good)
		snprintf(line, sizeof line, "ok %u %s\n", t_count, text);
	else
		snprintf(line, sizeof line, "not ok %u %s (line %d)\n", t_count, text, source_line);
	t_print(line);
	return good;
}

/* A result code that must be what was expected; prints both if it is not. */
#define t_rc(got, expected, ...) t_code((got), (expected), __LINE__, __VA_ARGS__)

static inline bool t_code(uint32_t got, uint32_t expected, int source_line, const char *format, ...)
{
	char text[480];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	t_result(got == expected, source_line, "%s", text);
	if (got != expected)
		t_note("answered %#x, expected %#x", got, expected);
	return got == expected;
}

static inline void t_skip(const char *why)
{
	char line[600];

	snprintf(line, sizeof line, "skip: %s\n", why);
	t_print(line);
}

static inline int t_end(void)
{
	char line[100];

	snprintf(line, sizeof line, "1..%u\n# %u failed\n", t_count, t_failed);
	t_print(line);
	log_power_off(CR_LOG, t_failed ? 1 : 0);
	return t_failed ? 1 : 0;
}

/* ---- capabilities --------------------------------------------------------------------------------- */

/* ---- tables ---- */

/* A row asks one thing of one capability. */
struct t_row {
	cap_t target;
	uint32_t order;
	uint64_t w[3];
	cap_t send;
	uint32_t expected;
	const char *what;
};

static inline void t_run_rows(const struct t_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct msg m = { .order = rows[i].order, .send = { rows[i].send } };

		memcpy(m.w, rows[i].w, sizeof rows[i].w);
		t_rc(inv_call(rows[i].target, &m), rows[i].expected, "%s", rows[i].what);
	}
}
#define T_RUN(rows) t_run_rows(rows, sizeof rows / sizeof *rows)

/* What a capability answers to KT; 0 if it does not say. */
static inline uint32_t t_type(cap_t c)
{
	struct msg m = { .order = KT };

	return inv_call(c, &m) == RC_OK ? (uint32_t)m.w[0] : 0;
}

/* Without invoking it, which would use up a resume capability.  Numbers count as void here. */
static inline bool t_is_void(cap_t c)
{
	uint64_t class = 0;

	return discrim_classify(T_DISCRIM, c, &class) == RC_OK && class == 1;
}

static inline bool t_same(cap_t a, cap_t b)
{
	uint64_t different = 1;

	return discrim_compare(T_DISCRIM, a, b, &different) == RC_OK && !different;
}

static inline void t_void(cap_t c)
{
	cap_copy(c, CR_VOID);
}

/* A capability of an alleged type among those given at start, into a register; false if there is none. */
static uint32_t t_given_type[24];
static bool t_given_kept;

static inline bool t_given(uint32_t type, cap_t to)
{
	for (unsigned i = CR_APP0; t_given_kept && i < 24; i++)
		if (t_given_type[i] == type)
			return node_fetch(CR_TMP3, i - CR_APP0, to) == RC_OK;
	return false;
}

/* ---- storage --------------------------------------------------------------------------------------- */

static inline bool t_has_bank(void)
{
	return t_given_type[CR_BANK] == BANK_TYPE;
}

static inline uint32_t t_alloc(unsigned kind, cap_t to)
{
	if (t_has_bank())
		return kind == T_PAGE ? bank_alloc_page(CR_BANK, to) :
		       kind == T_NODE ? bank_alloc_node(CR_BANK, to) : bank_alloc_process(CR_BANK, to);
	t_next_frame++;
	return range_get(T_RANGE, kind, kind == T_NODE ? t_next_frame * 16 : t_next_frame, to);
}

static inline uint32_t t_free(cap_t object)
{
	uint64_t kind, offset;
	uint32_t rc;

	if (t_has_bank())
		return bank_free(CR_BANK, object);
	rc = range_identify(T_RANGE, object, &kind, &offset);
	return rc == RC_OK ? range_rescind(T_RANGE, kind, offset, 1) : rc;
}

/* A fresh node of the given lss. */
static inline uint32_t t_node(cap_t to, unsigned lss)
{
	uint32_t rc = t_alloc(T_NODE, to);

	return rc == RC_OK && lss ? node_make_node(to, lss, to) : rc;
}

/* ---- memory ------------------------------------------------------------------------------------------ */

#define T_WINDOW 0x30000000ull             /* slot 3 of our lss-7 node: free for mappings */

/* Puts a memory tree (spanning at most 256 MiB) at slot 2..15 of our lss-7 node; scratch is used. */
static inline uint32_t t_map(unsigned slot, cap_t tree)
{
	process_get_slot(CR_SELF, PSLOT_SPACE, T_SCRATCH);
	node_fetch(T_SCRATCH, 0, T_SCRATCH);
	return node_swap(T_SCRATCH, slot, tree, CR_VOID);
}

/* ---- helpers ------------------------------------------------------------------------------------------- */

#define T_HELPERS 8
#define T_STACK 16384
static uint8_t t_stack[T_HELPERS][T_STACK] __attribute__((aligned(4096)));

/* What is left to a helper whose function has returned. */
static void t_helper_end(void)
{
	for (;;) {
		struct msg m = { 0 };

		inv_return(CR_VOID, &m);
	}
}

static inline uint32_t t_helper_regs(cap_t process, unsigned number, void (*run)(void *), void *argument)
{
	struct reg_image r = { 0 };
	uint64_t *top = (uint64_t *)(t_stack[number] + T_STACK) - 1;  /* as a call leaves the stack */

	top[0] = (uint64_t)t_helper_end;       /* the function returns here */
	r.rip = (uint64_t)run;
	r.rsp = (uint64_t)top;
	r.rdi = (uint64_t)argument;
	r.rflags = 0x202;
	return process_set_regs(process, &r, sizeof r);
}

/*
 * A root that leads to the same lss-7 node as ours: another address space with the same
 * memory.  to may be given to any number of helpers.
 */
static inline uint32_t t_second_space(cap_t to)
{
	uint32_t rc = t_node(to, 9);

	process_get_slot(CR_SELF, PSLOT_SPACE, T_SCRATCH);
	return rc == RC_OK ? node_clone(to, T_SCRATCH) : rc;
}

/*
 * Makes a helper, not yet running, into a register.  space: CR_VOID for our own.  It holds
 * itself, the schedule, the returner, discrim and the timer; the rest is for the test to give.
 */
static inline bool t_helper(cap_t process, unsigned number, cap_t space, void (*run)(void *), void *argument)
{
	static const uint8_t shared[] = { CR_RETURNER, CR_SCHED, T_DISCRIM, T_TIMER };
	uint32_t rc = t_alloc(T_PROCESS, process);

	if (space == CR_VOID)
		process_get_slot(CR_SELF, PSLOT_SPACE, T_SCRATCH);
	rc |= process_swap_slot(process, PSLOT_SPACE, space == CR_VOID ? (cap_t)T_SCRATCH : space, CR_VOID);
	rc |= process_swap_slot(process, PSLOT_SCHEDULE, CR_SCHED, CR_VOID);
	rc |= process_swap_reg(process, CR_SELF, process, CR_VOID);
	for (unsigned i = 0; i < sizeof shared; i++)
		rc |= process_swap_reg(process, shared[i], shared[i], CR_VOID);
	rc |= t_helper_regs(process, number, run, argument);
	return rc == RC_OK;
}

static inline uint64_t t_now(void)
{
	uint64_t now = 0;

	timer_now(T_TIMER, &now);
	return now;
}

static inline void t_sleep_ms(uint64_t ms)
{
	timer_sleep_until(T_TIMER, t_now() + ms * 1000000);
}

/* Waits until *word is at least value; false after a second. */
static inline bool t_wait(const volatile uint64_t *word, uint64_t value)
{
	for (unsigned i = 0; i < 1000 && *word < value; i++)
		t_sleep_ms(1);
	return *word >= value;
}

/* ---- start ----------------------------------------------------------------------------------------------- */

static inline void t_move(uint32_t type, cap_t to)
{
	for (unsigned i = CR_APP0; i < 24; i++)
		if (t_given_type[i] == type) {
			node_fetch(CR_TMP3, i - CR_APP0, to);
			return;
		}
}

/*
 * CR_TMP3 keeps a node with what came in registers 8..23; a test that needs CR_TMP3 for
 * something else must not call t_given afterwards.
 */
static inline void t_begin(const char *name)
{
	struct msg storage = { .order = RANGE_OC_GET, .w = { T_NODE, (start_words[0] + 8) * 16 }, .recv = { CR_TMP3 } };
	bool prime = t_type(CR_CONST) == RANGE_TYPE;

	t_note("%s", name);
	for (unsigned i = 1; i < 24; i++)
		t_given_type[i] = t_type((cap_t)i);
	t_next_frame = start_words[0] + 8;
	if (t_has_bank())
		t_given_kept = bank_alloc_node(CR_BANK, CR_TMP3) == RC_OK;
	else if (prime)
		t_given_kept = inv_call(CR_CONST, &storage) == RC_OK;
	if (!t_given_kept) {
		t_ok(false, "there is storage for the test");
		return;
	}
	for (unsigned i = CR_APP0; i < 24; i++)
		node_swap(CR_TMP3, i - CR_APP0, (cap_t)i, CR_VOID);
	if (prime && !t_has_bank())
		cap_copy(T_SCRATCH, CR_CONST);
	for (unsigned i = CR_APP0; i < 24; i++)
		t_void((cap_t)i);
	/* The helpers run by this schedule: the test must not be below them. */
	process_swap_slot(CR_SELF, PSLOT_SCHEDULE, CR_SCHED, CR_VOID);
	t_move(DISCRIM_TYPE, T_DISCRIM);
	t_move(TIMER_TYPE, T_TIMER);
	t_move(PROCTOOL_TYPE, T_PROCTOOL);
	t_move(KEYBITS_TYPE, T_KEYBITS);
	if (prime && !t_has_bank())
		cap_copy(T_RANGE, T_SCRATCH);
	else
		t_move(RANGE_TYPE, T_RANGE);
}
#endif
