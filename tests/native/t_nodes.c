/*
 * t_nodes.c - nodes: operations and strengths, trees of them, access through sense capabilities, and what discrim says
 * of every kind of capability that a node can hold.
 */
#include "t.h"

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

int main(void)
{
	t_begin("nodes: strengths, trees, sensory access, discrim");
	test_node_strengths();
	test_node_slots();
	test_data_bytes();
	test_trees();
	test_sensory();
	test_discrim();
	return t_end();
}
