/*
 * t_objects.c - every kernel object, every operation, every strength of capability.
 *
 * Most of it is tables: what a capability is asked, and what it must answer.  Registers:
 * T_A.. are set up by each section for itself.
 */
#include "t.h"

/* A row asks one thing of one capability. */
struct row {
	cap_t target;
	uint32_t order;
	uint64_t w[3];
	cap_t send;
	uint32_t expected;
	const char *what;
};

static void run_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct msg m = { .order = rows[i].order, .send = { rows[i].send } };

		memcpy(m.w, rows[i].w, sizeof rows[i].w);
		t_rc(inv_call(rows[i].target, &m), rows[i].expected, "%s", rows[i].what);
	}
}
#define RUN(rows) run_rows(rows, sizeof rows / sizeof *rows)

/* ---- registers ------------------------------------------------------------------------------------ */

static void test_registers(void)
{
	struct msg m;

	t_alloc(T_PAGE, T_A);
	t_alloc(T_NODE, T_B);
	cap_copy(CR_VOID, T_A);
	t_ok(t_is_void(CR_VOID), "register 0 stays void when it is received into");
	process_swap_reg(CR_SELF, CR_VOID, T_A, CR_VOID);
	t_ok(t_is_void(CR_VOID), "register 0 stays void when it is swapped");

	m = (struct msg){ .send = { T_A, T_B }, .recv = { T_B, T_A } };
	inv_call(CR_RETURNER, &m);
	t_ok(t_type(T_A) == NODE_TYPE && t_type(T_B) == PAGE_TYPE, "sent and received registers may overlap: a swap");

	m = (struct msg){ .send = { T_A, T_B }, .recv = { T_C, T_C } };
	inv_call(CR_RETURNER, &m);
	t_ok(t_type(T_C) == PAGE_TYPE, "a register named twice holds what came last");

	m = (struct msg){ .send = { T_A }, .recv = { T_C, T_D, T_E, T_F } };
	cap_copy(T_D, T_A);
	cap_copy(T_E, T_A);
	cap_copy(T_F, T_A);
	inv_call(CR_RETURNER, &m);
	t_ok(t_is_void(T_D) && t_is_void(T_E) && t_is_void(T_F), "positions that carry nothing arrive as void");

	m = (struct msg){ .order = 77, .w = { 1, 2, 3, 4, 5, ~0ull } };
	inv_call(CR_RETURNER, &m);
	t_ok(m.order == 77 && m.w[0] == 1 && m.w[1] == 2 && m.w[2] == 3 && m.w[3] == 4 && m.w[4] == 5 && m.w[5] == ~0ull,
	     "the returner answers order code and all six words");
	t_ok(t_type(CR_RETURNER) == RETURNER_TYPE, "the returner tells its type");
	m = (struct msg){ .order = 1 };
	t_rc(inv_call(CR_VOID, &m), RC_VOID, "void answers RC_VOID");
	m = (struct msg){ .order = KT };
	t_rc(inv_call(CR_VOID, &m), RC_VOID, "void answers RC_VOID to the type question as well");
}

/* ---- numbers ---------------------------------------------------------------------------------------- */

static void test_numbers(void)
{
	uint64_t low = 0, high = 0;
	struct msg m;

	t_alloc(T_NODE, T_A);
	t_rc(node_write_number(T_A, 3, 0x1122334455667788ull, 0x99AABBCCDDEEull), RC_OK, "a number is written");
	node_fetch(T_A, 3, T_B);
	t_rc(number_get(T_B, &low, &high), RC_VOID, "a number answers RC_VOID");
	t_ok(low == 0x1122334455667788ull && high == 0x99AABBCCDDEEull, "and gives all 112 bits");
	m = (struct msg){ .order = 4711 };
	t_rc(inv_call(T_B, &m), RC_VOID, "whatever the order code");
	t_ok(m.w[0] == 0x1122334455667788ull, "with the value");
	node_write_number(T_A, 4, 1, 0xFFFF000000000000ull);
	node_fetch(T_A, 4, T_B);
	number_get(T_B, &low, &high);
	t_ok(low == 1 && high == 0, "bits above the 112 are dropped");
	t_rc(node_write_number(T_A, 16, 1, 1), RC_REQUEST, "there is no slot 16");
}

/* ---- pages -------------------------------------------------------------------------------------------- */

static void test_pages(void)
{
	static const uint8_t bytes[16] = "sixteen bytes..";
	uint64_t nonzero = 7;

	t_alloc(T_PAGE, T_A);
	t_alloc(T_PAGE, T_C);
	t_rc(page_make_readonly(T_A, T_B), RC_OK, "a read-only capability is made");
	t_ok(t_type(T_A) == 0x0202 && t_type(T_B) == 0x1202, "the types tell the two apart");
	page_test_zero(T_A, &nonzero);
	t_ok(nonzero == 0, "a new page is zero");
	t_rc(page_write(T_A, 4090, bytes, 6), RC_OK, "the last six bytes are written");
	page_test_zero(T_B, &nonzero);
	t_ok(nonzero == 1, "and seen through the other capability");
	t_rc(page_write(T_A, 4090, bytes, 7), RC_REQUEST, "a seventh is refused");
	t_rc(page_write(T_A, 0, bytes, 0), RC_OK, "no bytes are written");
	t_rc(page_clone(T_C, T_B), RC_OK, "a page is cloned from a read-only capability");
	page_test_zero(T_C, &nonzero);
	t_ok(nonzero == 1, "with its content");
	t_rc(page_clone(T_C, T_C), RC_OK, "a page is cloned from itself");
	t_rc(page_clear(T_A), RC_OK, "a page is cleared");
	page_test_zero(T_B, &nonzero);
	t_ok(nonzero == 0, "wholly");
	t_alloc(T_NODE, T_D);

	const struct row rows[] = {
		{ T_B, PAGE_OC_CLEAR, { 0 }, 0, RC_NOACCESS, "read-only: clear" },
		{ T_B, PAGE_OC_CLONE, { 0 }, T_C, RC_NOACCESS, "read-only: clone" },
		{ T_B, PAGE_OC_WRITE, { 0 }, 0, RC_NOACCESS, "read-only: write" },
		{ T_B, PAGE_OC_MAKE_READONLY, { 0 }, 0, RC_OK, "read-only: make_readonly" },
		{ T_A, PAGE_OC_CLONE, { 0 }, T_D, RC_REQUEST, "a page is not cloned from a node" },
		{ T_A, PAGE_OC_CLONE, { 0 }, CR_VOID, RC_REQUEST, "nor from void" },
		{ T_A, 1, { 0 }, 0, RC_UNKNOWN, "page: order code 1 is not there" },
		{ T_A, 8192, { 0 }, 0, RC_UNKNOWN, "page: order code 8192 is not there" },
		{ T_A, KT + 1, { 0 }, 0, RC_UNKNOWN, "page: order code KT+1 is not there" },
	};
	RUN(rows);
}

/* ---- nodes ---------------------------------------------------------------------------------------------- */

/* Every operation of a node and whether the weaker capabilities know it. */
static const struct {
	uint32_t order;
	bool reading;
	const char *name;
} node_ops[] = {
	{ 5, true, "fetch" }, { 16, false, "swap" }, { 32, false, "make_fetch" }, { 33, false, "make_segment" },
	{ 34, false, "make_schedule" }, { 35, false, "make_node" }, { 36, false, "make_sense" },
	{ 37, false, "make_frontend" }, { 38, false, "compare" }, { 39, false, "clear" },
	{ 40, true, "data_byte" }, { 45, false, "write_number" }, { 64, false, "clone" },
	{ 70, true, "tree_fetch" }, { 71, false, "tree_swap" }, { 72, false, "tree_link" },
	{ 73, false, "tree_clone" }, { 74, false, "tree_clear" },
};

/* T_A node, T_B fetch, T_C sense, T_D segment: all to one node with itself-like content. */
static void test_node_strengths(void)
{
	static const char *const names[] = { "node", "fetch", "sense", "segment" };
	static const uint32_t types[] = { 0x0003, 0x0004, 0x0001, 0x0305 };

	t_node(T_A, 3);
	node_make_fetch(T_A, 3, T_B);
	node_make_sense(T_A, T_C);
	node_make_segment(T_A, 3, T_D);
	for (unsigned s = 0; s < 4; s++) {
		cap_t c = (cap_t)(T_A + s);

		t_ok(t_type(c) == types[s], "a %s tells its type", names[s]);
		for (unsigned i = 0; i < sizeof node_ops / sizeof *node_ops; i++) {
			struct msg m = { .order = node_ops[i].order, .w = { 0, 1 }, .send = { T_A } };
			bool known = s == 0 || (s < 3 && node_ops[i].reading);
			uint32_t rc = inv_call(c, &m);

			t_ok((rc != RC_UNKNOWN) == known, "a %s %s %s", names[s], known ? "knows" : "does not know",
			     node_ops[i].name);
			if (s > 0 && !known)
				t_ok(rc == RC_UNKNOWN, "and says so in the right way: %s", node_ops[i].name);
		}
		t_rc(inv_call(c, &(struct msg){ .order = 99 }), RC_UNKNOWN, "a %s does not know order code 99", names[s]);
	}
}

static void test_node_slots(void)
{
	uint64_t byte = 0, different = 9;
	bool good = true;

	t_alloc(T_NODE, T_A);
	t_alloc(T_NODE, T_E);
	for (unsigned i = 0; i < 16; i++)
		node_write_number(T_A, i, 100 + i, 0);
	for (unsigned i = 0; i < 16; i++) {
		uint64_t value;

		node_fetch(T_A, i, T_B);
		number_get(T_B, &value, NULL);
		good &= value == 100 + i;
	}
	t_ok(good, "sixteen slots hold sixteen things");
	t_rc(node_swap(T_A, 15, T_E, T_B), RC_OK, "swap");
	number_get(T_B, &byte, NULL);
	t_ok(byte == 115, "swap gives what was there");
	node_fetch(T_A, 15, T_B);
	t_ok(t_same(T_B, T_E), "and stores what was sent");
	t_rc(node_clone(T_E, T_A), RC_OK, "clone");
	node_fetch(T_E, 7, T_B);
	number_get(T_B, &byte, NULL);
	t_ok(byte == 107, "clone copies slots");
	t_rc(node_clone(T_E, CR_RETURNER), RC_REQUEST, "clone from something that is no node");
	node_make_segment(T_A, 3, T_C);
	t_rc(node_clone(T_E, T_C), RC_REQUEST, "clone from a segment, which is opaque");
	t_rc(node_compare(T_A, T_E, &different), RC_OK, "compare");
	t_ok(different == 1, "two nodes differ");
	node_make_fetch(T_A, 3, T_B);
	node_compare(T_A, T_B, &different);
	t_ok(different == 0, "a node and its fetch capability name the same node");
	node_clear(T_A);
	node_fetch(T_A, 3, T_B);
	t_ok(t_is_void(T_B), "clear makes every slot void");
}

static void test_data_bytes(void)
{
	static const uint16_t bytes[] = { 0, 3, 9, 0x80 | 5, 0x40 | 4, 0xC0, 0x30, 0xFF };
	bool node = true, fetch = true;

	t_alloc(T_NODE, T_A);
	for (unsigned i = 0; i < sizeof bytes / sizeof *bytes; i++) {
		uint64_t got = ~0ull;

		node_make_node(T_A, bytes[i], T_B);
		node_data_byte(T_B, &got);
		node &= got == bytes[i];
		node_make_fetch(T_A, bytes[i], T_B);
		node_data_byte(T_B, &got);
		fetch &= got == bytes[i];
	}
	t_ok(node, "a node capability carries its data byte");
	t_ok(fetch, "so does a fetch capability");
	node_make_node(T_A, 5, T_B);
	t_ok(!t_same(T_A, T_B), "another data byte is another capability");
}

static void test_trees(void)
{
	uint64_t value = 0;

	t_alloc(T_NODE, T_A);
	t_alloc(T_NODE, T_B);
	t_alloc(T_NODE, T_C);
	node_swap(T_A, 1, T_B, CR_VOID);
	node_swap(T_B, 2, T_C, CR_VOID);
	node_write_number(T_C, 3, 333, 0);
	t_rc(node_tree_fetch(T_A, 0x123, 3, T_D), RC_OK, "tree_fetch three levels deep");
	number_get(T_D, &value, NULL);
	t_ok(value == 333, "reads its path most significant level first");
	t_rc(node_tree_fetch(T_A, 0x133, 3, T_D), RC_REQUEST, "a level that is no node is refused");
	t_rc(node_tree_fetch(T_A, 0x123, 0, T_D), RC_REQUEST, "a depth of 0 is refused");
	t_rc(node_tree_fetch(T_A, 0x123, 9, T_D), RC_REQUEST, "a depth of 9 is refused");
	t_rc(node_tree_swap(T_A, 0x124, 3, T_A, T_D), RC_OK, "tree_swap");
	node_fetch(T_C, 4, T_D);
	t_ok(t_same(T_D, T_A), "stores at the end of the path");
	t_alloc(T_PAGE, T_E);
	node_swap(T_A, 0, T_E, CR_VOID);
	t_rc(node_tree_link(T_A, 0x12, 2, 6, 0x0, 1, DB_READONLY), RC_OK, "tree_link");
	node_fetch(T_C, 6, T_D);
	t_ok(t_type(T_D) == 0x1202, "ORs into the data byte of what it links");
	t_rc(node_tree_link(T_A, 0x12, 2, 16, 0x0, 1, 0), RC_REQUEST, "tree_link to slot 16 is refused");
	t_rc(node_tree_link(T_A, 0x12, 2, 6, 1ull << 63, 0, 0), RC_OK, "tree_link of void");
	node_fetch(T_C, 6, T_D);
	t_ok(t_is_void(T_D), "stores void");
	node_make_sense(T_B, T_D);
	node_swap(T_A, 5, T_D, CR_VOID);
	t_rc(node_tree_swap(T_A, 0x52, 2, T_A, T_D), RC_REQUEST, "tree_swap through a sense capability is refused");
	t_rc(node_tree_link(T_A, 0x52, 2, 0, 0x0, 1, 0), RC_REQUEST, "so is tree_link");
	t_rc(node_tree_clear(T_A, 0x52, 2), RC_REQUEST, "and tree_clear");
	t_rc(node_tree_fetch(T_A, 0x52, 2, T_D), RC_OK, "tree_fetch through it works");
	t_ok(t_type(T_D) == 0x0001, "and what it gives is sensory");
	t_rc(node_tree_clone(T_A, 0x1, 1, 0x12, 2, 1), RC_OK, "tree_clone, sensory");
	node_fetch(T_B, 3, T_D);
	number_get(T_D, &value, NULL);
	t_ok(value == 333, "copies the slots");
	t_rc(node_tree_clear(T_A, 0x1, 1), RC_OK, "tree_clear");
	node_fetch(T_B, 3, T_D);
	t_ok(t_is_void(T_D), "empties the node");
}

/* ---- sensory access ------------------------------------------------------------------------------------ */

enum { S_PAGE, S_NODE, S_FETCH, S_SEGMENT, S_SENSE, S_NUMBER, S_PROCESS, S_START, S_SCHEDULE, S_RETURNER, S_DISCRIM,
       S_LOG, S_NOTICE, S_TIMER, S_RO_PAGE, S_FRONTEND };

/* Fills the node in T_A with one of everything; T_B, T_C are an inner node and a process. */
static void make_zoo(void)
{
	t_alloc(T_NODE, T_A);
	t_alloc(T_NODE, T_B);
	t_alloc(T_PROCESS, T_C);
	t_alloc(T_PAGE, T_D);
	node_swap(T_A, S_PAGE, T_D, CR_VOID);
	node_swap(T_B, 0, T_D, CR_VOID);
	page_make_readonly(T_D, T_E);
	node_swap(T_A, S_RO_PAGE, T_E, CR_VOID);
	node_swap(T_B, 1, T_B, CR_VOID);
	node_swap(T_B, 2, CR_SELF, CR_VOID);
	node_swap(T_A, S_NODE, T_B, CR_VOID);
	node_make_fetch(T_B, 0, T_D);
	node_swap(T_A, S_FETCH, T_D, CR_VOID);
	node_make_segment(T_B, 3, T_D);
	node_swap(T_A, S_SEGMENT, T_D, CR_VOID);
	node_make_sense(T_B, T_D);
	node_swap(T_A, S_SENSE, T_D, CR_VOID);
	node_make_frontend(T_B, 0, T_D);
	node_swap(T_A, S_FRONTEND, T_D, CR_VOID);
	node_write_number(T_A, S_NUMBER, 42, 0);
	node_swap(T_A, S_PROCESS, T_C, CR_VOID);
	process_make_start(T_C, 1, T_D);
	node_swap(T_A, S_START, T_D, CR_VOID);
	process_make_notice(T_C, 1, T_D);
	node_swap(T_A, S_NOTICE, T_D, CR_VOID);
	node_swap(T_A, S_SCHEDULE, CR_SCHED, CR_VOID);
	node_swap(T_A, S_RETURNER, CR_RETURNER, CR_VOID);
	node_swap(T_A, S_DISCRIM, T_DISCRIM, CR_VOID);
	node_swap(T_A, S_LOG, CR_LOG, CR_VOID);
	node_swap(T_A, S_TIMER, T_TIMER, CR_VOID);
}

/* What the copy in T_E of slot `which` must be if it came by a sensory way. */
static void check_sensory(unsigned which, const char *way)
{
	static const struct { uint32_t type; const char *name; } want[] = {
		[S_PAGE] = { 0x1202, "a page becomes read-only" }, [S_RO_PAGE] = { 0x1202, "a read-only page stays" },
		[S_NODE] = { 0x0001, "a node becomes sensory" }, [S_FETCH] = { 0x0001, "a fetch capability becomes sensory" },
		[S_SENSE] = { 0x0001, "a sense capability stays" }, [S_SEGMENT] = { 0x1305, "a segment becomes read-only" },
		[S_RETURNER] = { RETURNER_TYPE, "the returner stays" }, [S_DISCRIM] = { DISCRIM_TYPE, "discrim stays" },
		[S_PROCESS] = { 0, "a process becomes void" }, [S_START] = { 0, "a start capability becomes void" },
		[S_SCHEDULE] = { 0, "a schedule becomes void" }, [S_LOG] = { 0, "the log becomes void" },
		[S_NOTICE] = { 0, "a notice becomes void" }, [S_TIMER] = { 0, "the timer becomes void" },
		[S_FRONTEND] = { 0, "a front-end becomes void" },
	};
	uint64_t value = 0, hole = 1;

	if (which == S_NUMBER) {
		number_get(T_E, &value, NULL);
		t_ok(value == 42, "%s: a number stays", way);
		return;
	}
	if (want[which].type)
		t_ok(t_type(T_E) == want[which].type, "%s: %s", way, want[which].name);
	else
		t_ok(t_is_void(T_E), "%s: %s", way, want[which].name);
	discrim_discreet(T_DISCRIM, T_E, &hole);
	t_ok(hole == 0, "%s: and is discreet", way);
}

static void test_sensory(void)
{
	make_zoo();
	node_make_sense(T_A, T_F);
	for (unsigned i = 0; i < 16; i++) {
		node_fetch(T_F, i, T_E);
		check_sensory(i, "fetched through sense");
	}
	t_alloc(T_NODE, T_G);
	t_rc(node_clone(T_G, T_F), RC_OK, "cloned from a sense capability");
	for (unsigned i = 0; i < 16; i++) {
		node_fetch(T_G, i, T_E);
		check_sensory(i, "cloned from sense");
	}
	node_fetch(T_F, S_NODE, T_E);
	node_fetch(T_E, 1, T_E);
	node_fetch(T_E, 1, T_E);
	t_ok(t_type(T_E) == 0x0001, "sensory access holds three levels down");
	t_rc(node_swap(T_E, 0, CR_VOID, CR_VOID), RC_UNKNOWN, "and stores nothing there");
	node_fetch(T_E, 2, T_G);
	t_ok(t_is_void(T_G), "a process is not to be had there either");
	node_fetch(T_E, 0, T_E);
	t_rc(page_clear(T_E), RC_NOACCESS, "nor is a page written");
	node_fetch(T_A, S_FETCH, T_E);
	node_fetch(T_E, 0, T_E);
	t_rc(page_clear(T_E), RC_OK, "through fetch, which is not transitive, it is");
}

/* ---- discrim ----------------------------------------------------------------------------------------------- */

static void classify(cap_t c, uint64_t class, uint64_t hole, const char *name)
{
	uint64_t got = 0, leak = 9;

	discrim_classify(T_DISCRIM, c, &got);
	t_ok(got == class, "%s is of class %u", name, (unsigned)class);
	discrim_discreet(T_DISCRIM, c, &leak);
	t_ok(leak == hole, "%s %s", name, hole ? "is not discreet" : "is discreet");
}

static void test_discrim(void)
{
	static const struct { unsigned slot, class, hole; const char *name; } zoo[] = {
		{ S_PAGE, 3, 1, "a page" }, { S_RO_PAGE, 3, 0, "a read-only page" }, { S_NODE, 3, 1, "a node" },
		{ S_FETCH, 5, 1, "a fetch capability" }, { S_SENSE, 3, 0, "a sense capability" },
		{ S_SEGMENT, 3, 1, "a segment" }, { S_FRONTEND, 5, 1, "a front-end" }, { S_NUMBER, 1, 0, "a number" },
		{ S_PROCESS, 5, 1, "a process" }, { S_START, 5, 1, "a start capability" },
		{ S_NOTICE, 5, 1, "a notice" }, { S_SCHEDULE, 4, 1, "a schedule" }, { S_RETURNER, 5, 0, "the returner" },
		{ S_DISCRIM, 5, 0, "discrim" }, { S_LOG, 5, 1, "the log" }, { S_TIMER, 5, 1, "the timer" },
	};
	uint64_t no;

	make_zoo();
	for (unsigned i = 0; i < sizeof zoo / sizeof *zoo; i++) {
		node_fetch(T_A, zoo[i].slot, T_E);
		classify(T_E, zoo[i].class, zoo[i].hole, zoo[i].name);
		no = 7;
		t_rc(discrim_is_notice(T_DISCRIM, T_E, &no), RC_OK, "is_notice answers for %s", zoo[i].name);
		t_ok(no == (zoo[i].slot != S_NOTICE), "is_notice is right about %s", zoo[i].name);
	}
	classify(CR_VOID, 1, 0, "void");
	process_make_resume(T_C, T_E);
	classify(T_E, 2, 1, "a resume capability");
	node_make_segment(T_B, DB_READONLY | 3, T_E);
	classify(T_E, 3, 1, "a read-only segment that may call its keeper");
	node_make_segment(T_B, DB_NOCALL | 3, T_E);
	classify(T_E, 3, 1, "a no-call segment that may be written");
	node_make_segment(T_B, DB_READONLY | DB_NOCALL | 3, T_E);
	classify(T_E, 3, 0, "a read-only no-call segment");
	node_make_node(T_B, DB_READONLY | DB_NOCALL | 3, T_E);
	classify(T_E, 3, 1, "a node capability with the same data byte");
	t_free(T_C);
	node_fetch(T_A, S_START, T_E);
	classify(T_E, 1, 0, "a rescinded start capability");
	node_fetch(T_A, S_NOTICE, T_E);
	discrim_is_notice(T_DISCRIM, T_E, &no);
	t_ok(no == 1, "a rescinded notice is none");
	t_ok(t_same(CR_SELF, CR_SELF) && !t_same(CR_SELF, CR_SCHED), "compare knows same and different");
	node_fetch(T_A, S_PAGE, T_E);
	node_fetch(T_A, S_RO_PAGE, T_F);
	t_ok(!t_same(T_E, T_F), "two strengths of one page differ");
}

/* ---- rescinding ------------------------------------------------------------------------------------------- */

static void test_rescind(void)
{
	uint64_t nonzero = 1;

	t_alloc(T_NODE, T_J);
	t_alloc(T_PAGE, T_A);
	page_make_readonly(T_A, T_B);
	node_swap(T_J, 0, T_A, CR_VOID);
	page_write(T_A, 0, "old", 3);
	t_rc(t_free(T_B), RC_REQUEST, "a read-only capability does not free its page");
	t_rc(t_free(T_A), RC_OK, "a page is freed");
	node_fetch(T_J, 0, T_C);
	t_ok(t_is_void(T_A) && t_is_void(T_B) && t_is_void(T_C), "all capabilities to it are void");
	t_rc(t_free(T_A), RC_REQUEST, "it is not freed twice");
	for (unsigned i = 0; i < 40; i++) {
		t_alloc(T_PAGE, T_D);
		page_test_zero(T_D, &nonzero);
		if (nonzero || !t_is_void(T_A) || !t_is_void(T_C))
			break;
		node_swap(T_J, 1 + i % 8, T_D, CR_VOID);
	}
	t_ok(nonzero == 0, "pages given again are zero");
	t_ok(t_is_void(T_A) && t_is_void(T_C), "and old capabilities stay void");

	t_alloc(T_NODE, T_A);
	node_make_sense(T_A, T_B);
	node_make_segment(T_A, 3, T_C);
	node_make_schedule(T_A, T_D);
	node_swap(T_A, 0, T_J, CR_VOID);
	t_rc(t_free(T_B), RC_REQUEST, "a sense capability does not free its node");
	t_rc(t_free(T_A), RC_OK, "a node is freed");
	t_ok(t_is_void(T_A) && t_is_void(T_B) && t_is_void(T_C) && t_is_void(T_D), "all its capabilities are void");

	t_alloc(T_PROCESS, T_A);
	process_make_start(T_A, 7, T_B);
	process_make_notice(T_A, 7, T_C);
	process_make_resume(T_A, T_D);
	t_rc(t_free(T_B), RC_REQUEST, "a start capability does not free its process");
	t_rc(t_free(T_A), RC_OK, "a process is freed");
	t_ok(t_is_void(T_A) && t_is_void(T_B) && t_is_void(T_C) && t_is_void(T_D), "start, notice and resume are void");
}

static void test_range(void)
{
	uint64_t frames = 0, free_hint, kind, offset;

	if (t_type(T_RANGE) != RANGE_TYPE) {
		t_skip("no range was given: its operations are tested by the bank's tests alone");
		return;
	}
	t_rc(range_length(T_RANGE, &frames, &free_hint), RC_OK, "a range tells its length");
	const struct row rows[] = {
		{ T_RANGE, RANGE_OC_GET, { 0, 0 }, 0, RC_REQUEST, "range: kind 0" },
		{ T_RANGE, RANGE_OC_GET, { 4, 0 }, 0, RC_REQUEST, "range: kind 4" },
		{ T_RANGE, RANGE_OC_GET, { T_PAGE, frames }, 0, RC_REQUEST, "range: a page past the end" },
		{ T_RANGE, RANGE_OC_GET, { T_PAGE, ~0ull }, 0, RC_REQUEST, "range: the last frame of all" },
		{ T_RANGE, RANGE_OC_GET, { T_NODE, (frames - 1) * 16 + 15 }, 0, RC_REQUEST, "range: node 15 of a pot" },
		{ T_RANGE, RANGE_OC_FILL, { T_PAGE, 0, 17 }, T_J, RC_REQUEST, "range: seventeen at once" },
		{ T_RANGE, RANGE_OC_FILL, { T_PAGE, 0, 1 }, T_RANGE, RC_REQUEST, "range: fill of no node" },
		{ T_RANGE, RANGE_OC_RESCIND, { T_PAGE, frames, 1 }, 0, RC_REQUEST, "range: rescind past the end" },
		{ T_RANGE, RANGE_OC_SUBRANGE, { frames, 1 }, 0, RC_REQUEST, "range: a subrange past the end" },
		{ T_RANGE, RANGE_OC_SUBRANGE, { 1, ~0ull }, 0, RC_REQUEST, "range: a subrange that wraps" },
		{ T_RANGE, RANGE_OC_IDENTIFY, { 0 }, CR_RETURNER, RC_REQUEST, "range: the returner is not of it" },
	};
	RUN(rows);
	t_rc(range_get(T_RANGE, T_PAGE, frames - 1, T_A), RC_OK, "the last frame as a page");
	t_rc(range_identify(T_RANGE, T_A, &kind, &offset), RC_OK, "identify");
	t_ok(kind == T_PAGE && offset == frames - 1, "tells kind and place");
	page_make_readonly(T_A, T_B);
	t_rc(range_identify(T_RANGE, T_B, &kind, &offset), RC_REQUEST, "identify wants full strength");
	range_get(T_RANGE, T_PAGE, frames - 1, T_C);
	t_ok(t_same(T_A, T_C), "the same object again is the same capability");
	t_rc(range_get(T_RANGE, T_NODE, (frames - 1) * 16 + 3, T_D), RC_OK, "the same frame as a pot of nodes");
	t_ok(t_is_void(T_A), "makes the page void");
	t_rc(range_rescind(T_RANGE, T_NODE, (frames - 1) * 16 + 3, 1), RC_OK, "rescind");
	t_ok(t_is_void(T_D), "makes the node void");
	range_get(T_RANGE, T_NODE, (frames - 1) * 16 + 3, T_E);
	t_ok(!t_is_void(T_E) && t_is_void(T_D), "a new capability is good, the old one not");
	t_rc(range_subrange(T_RANGE, frames - 1, 1, T_F), RC_OK, "a subrange of one frame");
	t_rc(range_identify(T_F, T_E, &kind, &offset), RC_OK, "knows its node");
	t_ok(kind == T_NODE && offset == 3, "counted from its own start");
	range_rescind(T_RANGE, T_NODE, (frames - 1) * 16 + 3, 1);
}

/* ---- processes ------------------------------------------------------------------------------------------------ */

static void test_process_operations(void)
{
	static uint8_t image[1088];
	struct reg_image r = { 0 }, back;
	uint64_t state, code;
	size_t length;

	t_alloc(T_PROCESS, T_A);
	t_ok(t_type(T_A) == PROCESS_TYPE, "a process tells its type");
	process_get_state(T_A, &state, &code, NULL, NULL);
	t_ok(state == 2 && code == 0, "a new process waits, without a fault");
	const struct row rows[] = {
		{ T_A, PROCESS_OC_GET_SLOT, { PSLOT_BRAND }, 0, RC_NOACCESS, "the brand cannot be read" },
		{ T_A, PROCESS_OC_SWAP_SLOT, { PSLOT_BRAND }, T_A, RC_NOACCESS, "nor set" },
		{ T_A, PROCESS_OC_GET_SLOT, { PROCESS_SLOTS }, 0, RC_REQUEST, "there is no slot 5" },
		{ T_A, PROCESS_OC_GET_SLOT, { ~0ull }, 0, RC_REQUEST, "nor the last of all" },
		{ T_A, PROCESS_OC_GET_REG, { 32 }, 0, RC_REQUEST, "nor a register 32" },
		{ T_A, PROCESS_OC_SWAP_REG, { 32 }, T_A, RC_REQUEST, "to swap either" },
		{ T_A, PROCESS_OC_RUN, { 0 }, 0, RC_REQUEST, "a process without a schedule does not run" },
		{ T_A, PROCESS_OC_WAKE, { 0 }, 0, RC_REQUEST, "and is not woken" },
		{ T_A, PROCESS_OC_SET_REGS, { 0 }, 0, RC_REQUEST, "a register image of no bytes is refused" },
		{ T_A, PROCESS_OC_CLONE, { 0 }, CR_RETURNER, RC_REQUEST, "a process is not cloned from the returner" },
		{ T_A, PROCESS_OC_SET_FOREIGN_ENTRY, { 1ull << 47 }, 0, RC_REQUEST, "a foreign entry must be canonical" },
		{ T_A, PROCESS_OC_SET_SPACE_AND_PC, { 1ull << 63 }, 0, RC_REQUEST, "so must a program counter" },
		{ CR_SELF, PROCESS_OC_STOP, { 0 }, 0, RC_REQUEST, "a process does not stop itself" },
		{ CR_SELF, PROCESS_OC_RUN, { 0 }, 0, RC_REQUEST, "nor run itself" },
		{ CR_SELF, PROCESS_OC_MAKE_RESUME, { 0 }, 0, RC_REQUEST, "nor make a resume capability to itself" },
		{ CR_SELF, PROCESS_OC_WAKE, { 0 }, 0, RC_AGAIN, "a running process is not woken" },
		{ T_A, 999, { 0 }, 0, RC_UNKNOWN, "process: order code 999 is not there" },
	};
	RUN(rows);

	process_swap_reg(T_A, 5, CR_RETURNER, CR_VOID);
	process_get_reg(T_A, 5, T_B);
	t_ok(t_same(T_B, CR_RETURNER), "a capability register is set and read");
	process_swap_reg(T_A, 0, CR_RETURNER, CR_VOID);
	process_get_reg(T_A, 0, T_B);
	t_ok(t_is_void(T_B), "but for register 0");

	r.rip = 0x400000;
	r.rax = 1, r.r15 = 15, r.rflags = ~0ull, r.rsp = ~0ull;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_OK, "registers are set");
	process_get_regs(T_A, &back, sizeof back, &length);
	t_ok(length == sizeof back && back.rax == 1 && back.r15 == 15 && back.rip == 0x400000, "and read");
	t_ok((back.rflags & 0x3000) == 0 && (back.rflags & 0x200) && !(back.rflags & 0x4000),
	     "flags are made safe: no I/O privilege, interrupts on, no nested task");
	r.rip = 1ull << 47;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_REQUEST, "a program counter that is not canonical is refused");
	r.rip = 0xFFFFFFFF80000000ull;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_REQUEST, "and one in the kernel");
	r.rip = 0x400000;
	r.gs_base = 1ull << 60;
	t_rc(process_set_regs(T_A, &r, sizeof r), RC_REQUEST, "and such a base");
	r.gs_base = 0;
	t_rc(process_set_regs(T_A, &r, sizeof r - 1), RC_REQUEST, "and an image one byte short");
	memset(image, 0xFF, sizeof image);
	t_rc(process_set_fpu(T_A, image, sizeof image), RC_REQUEST, "an FPU image that the processor would refuse is refused");
	t_rc(process_set_fpu(T_A, image, 100), RC_REQUEST, "so is a short one");
	t_rc(process_get_fpu(T_A, image, sizeof image, &length), RC_OK, "the FPU image is read");
	t_rc(process_set_fpu(T_A, image, length), RC_OK, "and set again");
}

static volatile uint64_t resumed;

static void count_resumes(void *unused)
{
	(void)unused;
	resumed++;
}

static void test_resume(void)
{
	struct msg m = { .order = 5 };

	resumed = 0;
	t_ok(t_helper(T_A, 0, CR_VOID, count_resumes, NULL), "a helper is made");
	t_rc(process_make_resume(T_A, T_B), RC_OK, "a resume capability is made");
	process_make_resume(T_A, T_C);
	t_ok(t_is_void(T_B) && !t_is_void(T_C), "the next one makes it void");
	cap_copy(T_D, T_C);
	t_ok(t_same(T_C, T_D) && resumed == 0, "it can be copied without using it");
	inv_send(T_C, &m);
	t_ok(t_wait(&resumed, 1), "it restarts its process");
	t_ok(t_is_void(T_C) && t_is_void(T_D), "and all copies are void then");
	m = (struct msg){ .order = 5 };
	t_rc(inv_call(T_D, &m), RC_VOID, "calling a used one answers RC_VOID");
	t_sleep_ms(2);
	t_ok(resumed == 1, "and restarts nothing");
	process_make_resume(T_A, T_B);
	process_stop(T_A, NULL);
	t_ok(t_is_void(T_B), "stopping a process makes its resume capability void");
	process_make_fault_resume(T_A, T_B);
	t_helper_regs(T_A, 0, count_resumes, NULL);
	m = (struct msg){ .order = 0 };
	inv_send(T_B, &m);
	t_ok(t_wait(&resumed, 2), "a fault resume with code 0 restarts it from its registers");
}

static void test_brand(void)
{
	uint64_t data = 0;

	if (t_type(T_PROCTOOL) != PROCTOOL_TYPE) {
		t_skip("no proctool was given");
		return;
	}
	t_alloc(T_PROCESS, T_A);
	t_alloc(T_NODE, T_B);                  /* the brand */
	t_alloc(T_NODE, T_C);                  /* another */
	process_make_start(T_A, 0x1234, T_D);
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_B, &data, T_E), RC_REQUEST, "no brand: not identified");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, CR_VOID, &data, T_E), RC_REQUEST, "not even by void");
	t_rc(proctool_set_brand(T_PROCTOOL, T_A, T_B), RC_OK, "a brand is set");
	t_rc(proctool_set_brand(T_PROCTOOL, T_A, T_C), RC_REQUEST, "but once");
	t_rc(proctool_set_brand(T_PROCTOOL, T_B, T_C), RC_REQUEST, "and only on a process");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_C, &data, T_E), RC_REQUEST, "another brand does not open it");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_B, &data, T_E), RC_OK, "its brand does");
	t_ok(data == 0x1234 && t_same(T_E, T_A), "and gives data and process");
	process_make_resume(T_A, T_D);
	t_rc(proctool_identify_resume(T_PROCTOOL, T_D, T_B, &data, T_E), RC_OK, "a resume capability is opened");
	t_ok(t_same(T_E, T_A) && !t_is_void(T_D), "and not used up");
	t_rc(proctool_identify_start(T_PROCTOOL, T_D, T_B, &data, T_E), RC_REQUEST, "it is not a start capability");
	t_rc(proctool_identify_process(T_PROCTOOL, T_A, T_B, T_E), RC_OK, "a process is recognised");
	process_make_start(T_A, 9, T_D);
	t_alloc(T_NODE, T_F);
	node_swap(T_F, 14, T_D, CR_VOID);
	node_write_number(T_F, 15, 0x0FFFEF53, 0);         /* keeper slot 14, five initial slots, lss 3 */
	node_make_segment(T_F, 0, T_G);
	t_rc(proctool_identify_segment(T_PROCTOOL, T_G, T_B, &data, T_E), RC_OK, "a red segment is opened by its keeper's brand");
	t_ok(data == 9 && t_type(T_E) == NODE_TYPE, "and gives data and node");
	t_rc(proctool_identify_segment(T_PROCTOOL, T_G, T_C, &data, T_E), RC_REQUEST, "not by another brand");
	node_make_segment(T_F, DB_NOCALL, T_G);
	t_rc(proctool_identify_segment(T_PROCTOOL, T_G, T_B, &data, T_E), RC_REQUEST, "nor if it is no-call");
}

/* ---- the rest ------------------------------------------------------------------------------------------------- */

static void test_schedules(void)
{
	uint64_t own = 0, priority = 99;

	t_rc(schedule_get_priority(CR_SCHED, &own), RC_OK, "a schedule tells its priority");
	t_alloc(T_NODE, T_A);
	node_make_schedule(T_A, T_B);
	t_rc(schedule_get_priority(T_B, &priority), RC_REQUEST, "a chain that ends nowhere has none");
	node_swap(T_A, 1, CR_SCHED, CR_VOID);
	t_rc(schedule_get_priority(T_B, &priority), RC_OK, "under a superior it has");
	t_ok(priority == own, "its superior's");
	node_write_number(T_A, 4, 0, 1ull << 32);          /* priority 1 in the upper sixteen bits */
	schedule_get_priority(T_B, &priority);
	t_ok(priority == 1, "or a lower one of its own");
	t_rc(schedule_narrow(T_B, 0, T_C), RC_UNKNOWN, "a node's schedule is not narrowed");
	node_swap(T_A, 1, T_B, CR_VOID);
	t_rc(schedule_get_priority(T_B, &priority), RC_REQUEST, "a chain that bites its tail is refused");
	if (schedule_narrow(CR_SCHED, own, T_C) == RC_UNKNOWN) {
		t_skip("the schedule given is not the super-schedule");
		return;
	}
	t_rc(schedule_narrow(CR_SCHED, own + 1, T_C), RC_REQUEST, "the super-schedule is not raised");
	if (own) {
		t_rc(schedule_narrow(CR_SCHED, own - 1, T_C), RC_OK, "but narrowed");
		schedule_get_priority(T_C, &priority);
		t_ok(priority == own - 1, "to the priority asked for");
		t_rc(schedule_narrow(T_C, own, T_D), RC_REQUEST, "and not widened again");
	}
}

static void test_time(void)
{
	uint64_t a = 0, b = 0, seconds = 0, nanoseconds = ~0ull, mult = 0;

	timer_now(T_TIMER, &a);
	t_rc(timer_sleep_until(T_TIMER, a + 5000000), RC_OK, "five milliseconds are slept");
	timer_now(T_TIMER, &b);
	t_ok(b >= a + 5000000, "at least");
	t_ok(b < a + 500000000, "and not half a second");
	t_rc(timer_sleep_until(T_TIMER, 0), RC_OK, "a time that has passed is not waited for");
	t_rc(timer_wall(T_TIMER, &seconds, &nanoseconds), RC_OK, "there is a wall clock");
	t_ok(seconds > 1500000000 && nanoseconds < 1000000000, "of this century");
	t_rc(timer_tsc(T_TIMER, &a, &b, &mult), RC_OK, "there is a cycle counter");
	t_ok(mult != 0, "with a rate");
	t_rc(timer_notify_at(T_TIMER, 0, CR_RETURNER), RC_REQUEST, "an alarm needs a notice");
}

static void test_devices(void)
{
	uint64_t value, length;

	process_make_notice(CR_SELF, 1, T_J);
	if (t_given(IRQ_TYPE, T_A)) {
		const struct row rows[] = {
			{ T_A, IRQ_OC_BIND, { 999 }, T_J, RC_REQUEST, "irq: there is no line 999" },
			{ T_A, IRQ_OC_BIND, { 5 }, CR_RETURNER, RC_REQUEST, "irq: a line is bound to a notice only" },
			{ T_A, IRQ_OC_NARROW, { 5 }, 0, RC_OK, "irq: one line" },
			{ T_A, 77, { 0 }, 0, RC_UNKNOWN, "irq: order code 77 is not there" },
		};
		RUN(rows);
		irq_narrow(T_A, 5, T_B);
		t_rc(irq_bind(T_B, 6, T_J), RC_NOACCESS, "irq: and no other");
		t_rc(irq_narrow(T_B, 6, T_C), RC_NOACCESS, "irq: nor made from it");
	}
	if (t_given(IOPORT_TYPE, T_A)) {
		t_rc(ioport_narrow(T_A, 0x70, 2, T_B), RC_OK, "ioport: two ports");
		const struct row rows[] = {
			{ T_B, IOPORT_OC_IN, { 0x71, 1 }, 0, RC_OK, "ioport: the second" },
			{ T_B, IOPORT_OC_IN, { 0x71, 2 }, 0, RC_NOACCESS, "ioport: not past the end" },
			{ T_B, IOPORT_OC_IN, { 0x6F, 1 }, 0, RC_NOACCESS, "ioport: nor before the start" },
			{ T_B, IOPORT_OC_OUT, { 0x72, 1, 0 }, 0, RC_NOACCESS, "ioport: nor written there" },
			{ T_B, IOPORT_OC_IN, { 0x70, 3 }, 0, RC_REQUEST, "ioport: three bytes are no size" },
			{ T_B, IOPORT_OC_NARROW, { 0x70, 3 }, 0, RC_NOACCESS, "ioport: not widened" },
			{ T_A, IOPORT_OC_IN, { 0x10000, 1 }, 0, RC_NOACCESS, "ioport: no port 65536" },
			{ T_A, IOPORT_OC_IN, { ~0ull, 1 }, 0, RC_NOACCESS, "ioport: nor the last of all" },
		};
		RUN(rows);
	}
	if (t_given(PHYSMEM_TYPE, T_A)) {
		const struct row rows[] = {
			{ T_A, PHYSMEM_OC_PAGE, { 0x200000 }, 0, RC_REQUEST, "physmem: not ordinary memory" },
			{ T_A, PHYSMEM_OC_PAGE, { 0xFEC00001 }, 0, RC_REQUEST, "physmem: not between pages" },
			{ T_A, PHYSMEM_OC_DMA, { 17 }, T_A, RC_REQUEST, "physmem: DMA pages go into a node" },
			{ T_A, PHYSMEM_OC_PACK_PAGE, { ~0ull }, 0, RC_REQUEST, "physmem: not past the pack" },
		};
		RUN(rows);
		t_rc(physmem_pack(T_A, &value, &length), RC_OK, "physmem: tells where the pack is");
		t_rc(physmem_pack_page(T_A, 0, T_B), RC_OK, "physmem: its first page");
		t_rc(page_clear(T_B), RC_NOACCESS, "physmem: is read-only");
		t_rc(t_free(T_B), RC_REQUEST, "physmem: and is not the bank's to free");
	}
	if (t_given(CHECKPOINT_TYPE, T_A)) {
		uint64_t generation, dirty, persistent = 9;

		t_rc(checkpoint_status(T_A, &generation, &dirty, &persistent, NULL, NULL, NULL), RC_OK, "checkpoint: status");
		if (!persistent)
			t_rc(checkpoint_force(T_A, NULL), RC_NOACCESS, "checkpoint: nothing to force without a disk");
	}
	if (t_type(T_KEYBITS) == KEYBITS_TYPE) {
		uint64_t first = 0, second = 0, valid = 0;

		t_alloc(T_PAGE, T_A);
		t_rc(keybits_show(T_KEYBITS, T_A, &first, &second, &valid), RC_OK, "keybits shows a capability");
		t_ok(valid == 1 && (first & 0xFF) == 2, "and its type");
		t_free(T_A);
		keybits_show(T_KEYBITS, T_A, &first, &second, &valid);
		t_ok(valid == 0, "a rescinded one is not valid");
	}
}

static void test_log(void)
{
	uint64_t total = 0, free_frames = 0;

	t_rc(log_stats(CR_LOG, &total, &free_frames, NULL, NULL), RC_OK, "the log has figures");
	t_ok(total > 0 && free_frames <= total, "that can be true");
	t_rc(log_text_only(CR_LOG, T_A), RC_OK, "a log for text only is made");
	t_rc(log_power_off(T_A, 3), RC_NOACCESS, "it does not switch the machine off");
	t_rc(log_put(T_A, "# text\n", 7), RC_OK, "but takes text");
	t_rc(inv_call(CR_LOG, &(struct msg){ .order = 50 }), RC_UNKNOWN, "log: order code 50 is not there");
}

int main(void)
{
	t_begin("objects: types, operations, rights");
	test_registers();
	test_numbers();
	test_pages();
	test_node_strengths();
	test_node_slots();
	test_data_bytes();
	test_trees();
	test_sensory();
	test_discrim();
	test_rescind();
	test_range();
	test_process_operations();
	test_resume();
	test_brand();
	test_schedules();
	test_time();
	test_devices();
	test_log();
	return t_end();
}
