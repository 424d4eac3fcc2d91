/*
 * native.c - what the kernel's own operations cost, measured by a native program.
 *
 * Started by `keros run --icount --native bench-native`; prints lines as posix/main.c does:
 *     BENCH name=ROW iters=N reps=R tsc_med=T
 *     BENCH name=ROW error=TEXT
 *
 * Invariants
 *   1. A server that a row calls is a helper process in an address space of its own
 *      (t_second_space), so that each call changes the address space twice.
 *   2. Stubs are part of the cost: what is timed is C calling inv_call3 or a generated stub.
 *   3. Helpers and what else a row makes come from a sub-bank that dies with the row.
 */
#include "../../tests/native/t.h"
#include "tsc.h"
#include <keros/image.h>

#define REPS    5
#define MESSAGE (64 * 1024)

/* Registers of a row: T_A.. as in t.h. */
enum {
	B_SERVER = T_A,                        /* process of the server */
	B_START = T_B,                         /* start capability to it */
	B_SPACE = T_C,
	B_SECOND = T_D, B_SECOND_START = T_E, B_SECOND_SPACE = T_F,
	B_OBJECT = T_G, B_BUILDER = T_H, B_IMAGE = T_I, B_SUB = T_J,
};

static uint8_t sent[MESSAGE] __attribute__((aligned(4096)));
static uint8_t skew[3 * 4096] __attribute__((used));
static uint8_t received[MESSAGE] __attribute__((aligned(4096)));
static unsigned failures;

/* ---- results --------------------------------------------------------------------------------- */

static void print_error(const char *name, uint32_t rc)
{
	char line[120];

	snprintf(line, sizeof line, "BENCH name=%s error=result %#x\n", name, rc);
	t_print(line);
	failures++;
}

static void print_result(const char *name, unsigned iters, uint64_t ticks[REPS])
{
	char line[120];

	for (unsigned i = 1; i < REPS; i++)
		for (unsigned j = i; j > 0 && ticks[j] < ticks[j - 1]; j--) {
			uint64_t swap = ticks[j];

			ticks[j] = ticks[j - 1];
			ticks[j - 1] = swap;
		}
	snprintf(line, sizeof line, "BENCH name=%s iters=%u reps=%u tsc_med=%llu\n", name, iters, REPS,
		 (unsigned long long)ticks[REPS / 2]);
	t_print(line);
}

/* Times one operation, once to warm up and REPS times in earnest. */
static void measure(const char *name, unsigned iters, uint32_t (*operation)(void))
{
	uint64_t ticks[REPS];

	for (int rep = -1; rep < REPS; rep++) {
		uint64_t start = read_tsc();

		for (unsigned i = 0; i < iters; i++) {
			uint32_t rc = operation();

			if (rc != RC_OK) {
				print_error(name, rc);
				return;
			}
		}
		if (rep >= 0)
			ticks[rep] = (read_tsc() - start + iters / 2) / iters;
	}
	print_result(name, iters, ticks);
}

/* ---- a kernel object --------------------------------------------------------------------------- */

/* A number tells its type, as KeyKOS has it, by the result code: KT + 1. */
static uint32_t ask_type(void)
{
	uint64_t low = 0, high = 0, unused = 0;
	uint32_t type = inv_call3(B_OBJECT, KT, &low, &high, &unused);

	return type == NUMBER_TYPE ? RC_OK : RC_REQUEST;
}

static void row_kernel_object(void)
{
	uint32_t rc = t_node(T_SCRATCH, 0);

	rc |= node_write_number(T_SCRATCH, 0, 4711, 0);
	rc |= node_fetch(T_SCRATCH, 0, B_OBJECT);
	if (rc != RC_OK)
		print_error("kernel_object_call", rc);
	else
		measure("kernel_object_call", 2000, ask_type);
}

/* ---- calls between processes --------------------------------------------------------------------- */

static void serve_words(void *unused)
{
	uint64_t w0 = 0, w1 = 0, w2 = 0;

	(void)unused;
	inv_reply3(CR_VOID, 0, CR_RETURN, &w0, &w1, &w2);
	for (;;) {
		w0 += w1 + w2;
		inv_reply3(CR_RETURN, RC_OK, CR_RETURN, &w0, &w1, &w2);
	}
}

/* Passes each call on to the start capability in T_A. */
static void serve_by_calling(void *unused)
{
	uint64_t w0 = 0, w1 = 0, w2 = 0;

	(void)unused;
	inv_reply3(CR_VOID, 0, CR_RETURN, &w0, &w1, &w2);
	for (;;) {
		uint32_t rc = inv_call3(T_A, 1, &w0, &w1, &w2);

		inv_reply3(CR_RETURN, rc, CR_RETURN, &w0, &w1, &w2);
	}
}

static void serve_strings(void *unused)
{
	struct msg m = { .recv = { [3] = CR_RETURN }, .recv_string = received, .recv_limit = sizeof received };

	(void)unused;
	inv_return(CR_VOID, &m);
	for (;;) {
		m.order = RC_OK;
		m.w[0] = m.recv_length;
		inv_return(CR_RETURN, &m);
	}
}

/* A helper that serves, in an address space of its own, and a start capability to it. */
static uint32_t start_server(unsigned number, cap_t process, cap_t space, cap_t start, void (*serve)(void *))
{
	uint32_t rc = t_second_space(space);

	if (rc != RC_OK || !t_helper(process, number, space, serve, NULL))
		return rc ? rc : RC_LIMIT;
	rc = process_make_start(process, 0, start);
	return rc == RC_OK ? process_run(process) : rc;
}

static uint32_t call_words(void)
{
	uint64_t w0 = 1, w1 = 2, w2 = 3;
	uint32_t rc = inv_call3(B_START, 1, &w0, &w1, &w2);

	return rc == RC_OK && w0 != 6 ? RC_REQUEST : rc;
}

static size_t string_length;

static uint32_t call_string(void)
{
	struct msg m = { .order = 1, .send_string = sent, .send_length = string_length };
	uint32_t rc = inv_call(B_START, &m);

	return rc == RC_OK && m.w[0] != string_length ? RC_REQUEST : rc;
}

static void stop_server(cap_t process)
{
	process_stop(process, NULL);
	t_free(process);
}

static void row_ipc_words(void)
{
	uint32_t rc = start_server(0, B_SERVER, B_SPACE, B_START, serve_words);

	if (rc != RC_OK)
		print_error("ipc_call_return", rc);
	else
		measure("ipc_call_return", 2000, call_words);
	stop_server(B_SERVER);
}

static void row_ipc_strings(void)
{
	static const struct { const char *name; size_t length; unsigned iters; } rows[] = {
		{ "ipc_call_return_16B", 16, 1000 }, { "ipc_call_return_64B", 64, 1000 },
		{ "ipc_call_return_4KiB", 4096, 300 },
		{ "ipc_call_return_64KiB", 65536, 50 },
	};
	uint32_t rc = start_server(0, B_SERVER, B_SPACE, B_START, serve_strings);

	memset(sent, 's', sizeof sent);
	memset(received, 'r', sizeof received);
	for (unsigned i = 0; i < 3; i++) {
		string_length = rows[i].length;
		if (rc != RC_OK)
			print_error(rows[i].name, rc);
		else
			measure(rows[i].name, rows[i].iters, call_string);
	}
	stop_server(B_SERVER);
}

static void row_ipc_nested(void)
{
	uint32_t rc = start_server(1, B_SECOND, B_SECOND_SPACE, B_SECOND_START, serve_words);

	if (rc == RC_OK)
		rc = t_second_space(B_SPACE);
	if (rc == RC_OK && !t_helper(B_SERVER, 0, B_SPACE, serve_by_calling, NULL))
		rc = RC_LIMIT;
	if (rc == RC_OK)
		rc = process_swap_reg(B_SERVER, T_A, B_SECOND_START, CR_VOID);
	if (rc == RC_OK)
		rc = process_make_start(B_SERVER, 0, B_START);
	if (rc == RC_OK)
		rc = process_run(B_SERVER);
	if (rc != RC_OK)
		print_error("ipc_nested", rc);
	else
		measure("ipc_nested", 1000, call_words);
	stop_server(B_SERVER);
	stop_server(B_SECOND);
}

/* ---- a fault and its keeper ------------------------------------------------------------------------ */

#define FAULTS 300

static struct {
	volatile uint64_t finished;
	uint64_t ticks[REPS];
} keeper;

/*
 * Answers every fault at once without curing it, so that the faulter runs into it again: from
 * one fault to the next is one round through the keeper.
 */
static void serve_faults(void *unused)
{
	uint64_t w0 = 0, w1 = 0, w2 = 0, start = 0;

	(void)unused;
	inv_reply3(CR_VOID, 0, CR_RETURN, &w0, &w1, &w2);
	for (int rep = -1; rep < REPS; rep++) {
		start = read_tsc();
		for (unsigned i = 0; i < FAULTS; i++)
			inv_reply3(CR_RETURN, RC_OK, CR_RETURN, &w0, &w1, &w2);
		if (rep >= 0)
			keeper.ticks[rep] = (read_tsc() - start + FAULTS / 2) / FAULTS;
	}
	keeper.finished = 1;
	t_helper_end();
}

static void fault_for_ever(void *address)
{
	*(volatile uint8_t *)address = 1;
}

static void row_keeper_fault(void)
{
	uint32_t rc = start_server(0, B_SERVER, B_SPACE, B_START, serve_faults);

	if (rc == RC_OK && !t_helper(B_SECOND, 1, CR_VOID, fault_for_ever, (void *)0x50000000))
		rc = RC_LIMIT;
	if (rc == RC_OK)
		rc = process_swap_slot(B_SECOND, PSLOT_KEEPER, B_START, CR_VOID);
	if (rc == RC_OK)
		rc = process_run(B_SECOND);
	if (rc == RC_OK && !t_wait(&keeper.finished, 1))
		rc = RC_AGAIN;
	if (rc != RC_OK)
		print_error("keeper_fault", rc);
	else
		print_result("keeper_fault", FAULTS, keeper.ticks);
	stop_server(B_SECOND);
	stop_server(B_SERVER);
}

/* ---- storage and processes ---------------------------------------------------------------------------- */

static uint32_t take_and_free_page(void)
{
	uint32_t rc = bank_alloc_page(CR_BANK, B_OBJECT);

	return rc == RC_OK ? bank_free(CR_BANK, B_OBJECT) : rc;
}

static void row_bank_page(void)
{
	if (!t_has_bank())
		print_error("bank_page", RC_VOID);
	else
		measure("bank_page", 300, take_and_free_page);
}

/* mov $RETURN-to-register-31, %rax; syscall; jmp . - all the program that process_create makes. */
static uint32_t write_program(cap_t page)
{
	uint64_t control = INV_CONTROL(RC_OK, INV_RETURN, CR_RETURN);
	uint8_t code[14] = { 0x48, 0xB8, [10] = 0x0F, 0x05, 0xEB, 0xFE };

	memcpy(code + 2, &control, sizeof control);
	return page_write(page, 0, code, sizeof code);
}

static uint32_t bring_program(void *ctx, uint64_t index, cap_t to)
{
	(void)ctx, (void)index;
	cap_copy(to, B_OBJECT);
	return RC_OK;
}

static uint32_t make_constructor(void)
{
	static const struct image_file file = {
		.layout = { .entry = IMAGE_LOW, .data = IMAGE_LOW + PAGE_SIZE, .end = IMAGE_LOW + PAGE_SIZE },
		.count = 1, .segment = { { IMAGE_LOW, 0, 1 } },
	};
	cap_t bank = CR_BANK;
	struct space_maker maker = space_bank_maker(&bank);
	uint32_t rc = bank_alloc_page(CR_BANK, B_OBJECT);

	if (rc == RC_OK)
		rc = write_program(B_OBJECT);
	if (rc == RC_OK)
		rc = image_build(&file, bring_program, NULL, &maker, B_IMAGE);
	if (rc == RC_OK)
		rc = node_make_sense(B_IMAGE, B_IMAGE);
	if (rc == RC_OK)
		rc = metaconstructor_make(T_SERVICE, CR_BANK, B_BUILDER);
	if (rc == RC_OK)
		rc = constructor_set_program(B_BUILDER, 0, B_IMAGE);
	return rc == RC_OK ? constructor_seal(B_BUILDER, B_BUILDER) : rc;
}

/* The product's storage is a bank of its own: destroying that destroys it. */
static uint32_t create_and_destroy(void)
{
	uint32_t rc = bank_make_sub(CR_BANK, ~0ull, B_SUB);

	if (rc == RC_OK)
		rc = constructor_yield(B_BUILDER, B_SUB, CR_SCHED, CR_VOID, CR_VOID);
	return rc == RC_OK ? bank_destroy_all(B_SUB) : rc;
}

static void row_process_create(void)
{
	uint32_t rc = RC_VOID;

	if (t_given(METACONSTRUCTOR_TYPE, T_SERVICE))
		rc = make_constructor();
	if (rc != RC_OK)
		print_error("process_create", rc);
	else
		measure("process_create", 20, create_and_destroy);
}

int main(void)
{
	t_begin("bench-native: what the kernel's operations cost");
	row_kernel_object();
	row_ipc_words();
	row_ipc_strings();
	row_ipc_nested();
	row_keeper_fault();
	row_bank_page();
	row_process_create();
	log_power_off(CR_LOG, failures ? 1 : 0);
	return 1;
}
