/*
 * keystore.c - the tree of all capabilities, and the invocations that change it.  See server.h.
 *
 * An operation on the tree is one call of six words to the kernel, so it is made here by hand:
 * the general stub would fill and read back a whole struct msg for each page that is mapped.
 */
#include <stdlib.h>
#include "server.h"
#include <keros/bank.h>
#include <keros/node.h>
#include <keros/page.h>
#include <keros/process.h>
#include "shim/shim.h"

enum { KS_PAGES, KS_NODES, KS_PROCESSES, KS_PACK, KS_WORK = 5 };
enum { BANK_PAGE = 1, BANK_NODE = 2 };
#define LSS_LEAF 3u
#define PROCESS_LEVELS 3
#define PACK_LEVELS 4
#define SOURCE_VOID (1ull << 63)

_Static_assert(SHIM_CONTROL == ((INV_MARK << INV_MARK_SHIFT) | INV_RAW_REPLY | INV_CALL | SHIM_SERVER_REG),
	       "the shim cannot include abi.h");

unsigned keystore_levels;

static nodeno node_next;               /* the first number never filled */
static nodeno *clean, *dirty;          /* stacks of free nodes */
static uint32_t clean_count, dirty_count, stack_size;
static uint16_t cached[PROC_CACHE];    /* process index + 1 in CR_PROC0 + i */
static uint8_t process_paths[1 << 8];  /* which 16-slot leaves of the process subtree exist */

static inline uint32_t call6(uint32_t order, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	uint64_t control = INV_CONTROL(order, INV_CALL, CR_KEYSTORE);
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9)
			 :
			 : "rcx", "r11", "memory");
	return control >> 32;
}

static uint64_t path_of(unsigned subtree, uint64_t number)
{
	return (uint64_t)subtree << (4 * keystore_levels) | number;
}

static uint64_t node_path(nodeno n)
{
	return path_of(KS_NODES, n);
}

#define DEPTH (keystore_levels + 1u)

static void check(uint32_t result, const char *what)
{
	if (result == RC_OK)
		return;
	server_log("posix-server: %s answered %x%s\n", what, result,
		   result == RC_DISK ? ": the disk cannot give back what the sandbox is made of" : "");
	__builtin_trap();              /* a fault: our keeper ends the sandbox.  abort would only have us wait for nobody */
}

/* ---- growth ------------------------------------------------------------------------------------ */

/* A fresh node of that lss in a register. */
static bool fresh_node(unsigned lss, cap_t to)
{
	return bank_alloc_node(CR_BANK, to) == RC_OK && node_make_node(to, lss, to) == RC_OK;
}

/* Puts a node at height above the leaves, at its index on that height. */
static bool place_node(unsigned subtree, unsigned height, uint64_t index)
{
	unsigned depth = keystore_levels - height;
	uint64_t path = (uint64_t)subtree << (4 * (depth - 1)) | index;

	return fresh_node(LSS_LEAF + height, CR_TMP1) &&
	       node_tree_swap(CR_KEYSTORE, path, depth, CR_TMP1, CR_VOID) == RC_OK;
}

/* Makes the nodes on the way to chunk (of 16 numbers) that do not exist yet, and fills it. */
static unsigned chunk_fill(unsigned subtree, unsigned kind, uint64_t chunk)
{
	uint64_t got = 0;

	for (unsigned height = keystore_levels - 2; height > 0; height--)
		if (chunk % (1ull << (4 * height)) == 0 && !place_node(subtree, height, chunk >> (4 * height)))
			return 0;
	if (!place_node(subtree, 0, chunk))
		return 0;
	if (node_tree_fetch(CR_KEYSTORE, path_of(subtree, chunk << 4) >> 4, DEPTH - 1, CR_TMP1) != RC_OK ||
	    bank_alloc_many(CR_BANK, kind, NODE_SLOTS, CR_TMP1, &got) != RC_OK)
		return 0;
	return got;
}

unsigned keystore_more_pages(pageno first)
{
	return chunk_fill(KS_PAGES, BANK_PAGE, first >> 4);
}

bool keystore_page_clear(pageno p)
{
	return node_tree_fetch(CR_KEYSTORE, path_of(KS_PAGES, p), DEPTH, CR_TMP1) == RC_OK && page_clear(CR_TMP1) == RC_OK;
}

static bool stacks_grow(void)
{
	uint32_t size = stack_size ? stack_size * 2 : 256;
	nodeno *more = realloc(clean, size * sizeof *more);

	if (!more)
		return false;
	clean = more;
	more = realloc(dirty, size * sizeof *more);
	if (!more)
		return false;
	dirty = more;
	stack_size = size;
	return true;
}

static bool nodes_more(void)
{
	unsigned got;

	if (node_next + NODE_SLOTS > stack_size && !stacks_grow())
		return false;
	got = chunk_fill(KS_NODES, BANK_NODE, node_next >> 4);
	for (unsigned i = got; i-- > 0;)
		if (node_next + i != 0)
			clean[clean_count++] = node_next + i;
	node_next += got ? NODE_SLOTS : 0;
	return got > 0;
}

/* ---- the tree ---------------------------------------------------------------------------------- */

static bool subtree_root(unsigned slot, unsigned lss)
{
	return fresh_node(lss, CR_TMP1) && node_swap(CR_KEYSTORE, slot, CR_TMP1, CR_VOID) == RC_OK;
}

bool keystore_init(uint64_t limit_frames)
{
	unsigned top;

	keystore_levels = limit_frames <= 65536 ? 4 : 5;
	top = LSS_LEAF + keystore_levels - 1;
	if (process_get_slot(CR_SELF, PSLOT_SPACE, CR_SPACE) != RC_OK || bank_alloc_node(CR_BANK, CR_KEYSTORE) != RC_OK)
		return false;
	if (!subtree_root(KS_PAGES, top) || node_swap(CR_SPACE, POOL_BASE >> 36, CR_TMP1, CR_VOID) != RC_OK)
		return false;
	return subtree_root(KS_NODES, top) && subtree_root(KS_PROCESSES, LSS_LEAF + PROCESS_LEVELS - 1) &&
	       subtree_root(KS_WORK, 0) && nodes_more();
}

bool keystore_pack(unsigned tree, cap_t value)
{
	return node_swap(CR_KEYSTORE, KS_PACK + tree, value, CR_VOID) == RC_OK &&
	       node_swap(CR_SPACE, (PACK_BASE + tree * PACK_STRIDE) >> 36, value, CR_VOID) == RC_OK;
}

nodeno node_alloc(bool want_clean)
{
	nodeno n;

	if (dirty_count && (!want_clean || !clean_count)) {
		n = dirty[--dirty_count];
		if (want_clean)
			check(call6(NODE_OC_TREE_CLEAR, node_path(n), DEPTH, 0, 0, 0, 0), "tree_clear");
		return n;
	}
	if (!clean_count && !nodes_more())
		return 0;
	return clean[--clean_count];
}

void node_free(nodeno n)
{
	dirty[dirty_count++] = n;
}

void tree_link_node(nodeno parent, unsigned slot, nodeno child, unsigned lss)
{
	check(call6(NODE_OC_TREE_LINK, node_path(parent), DEPTH, slot, node_path(child), DEPTH, lss), "tree_link");
}

void tree_link_page(nodeno leaf, unsigned slot, pageno page, unsigned data_byte)
{
	uint64_t path = path_of(KS_PAGES, page), depth = DEPTH;

	if (page & PAGE_PACK) {
		unsigned tree = page >> PACK_INDEX_BITS & 1;

		path = (uint64_t)(KS_PACK + tree) << (4 * PACK_LEVELS) | (page & ((1u << PACK_INDEX_BITS) - 1));
		depth = PACK_LEVELS + 1;
	}
	check(call6(NODE_OC_TREE_LINK, node_path(leaf), DEPTH, slot, path, depth, data_byte), "tree_link");
}

void tree_unlink(nodeno node, unsigned slot)
{
	check(call6(NODE_OC_TREE_LINK, node_path(node), DEPTH, slot, SOURCE_VOID, 1, 0), "tree_link");
}

void tree_copy_readonly(nodeno to, nodeno from)
{
	check(call6(NODE_OC_TREE_CLONE, node_path(to), DEPTH, node_path(from), DEPTH, 1, 0), "tree_clone");
}

void tree_root(nodeno node, unsigned lss, cap_t to)
{
	check(node_tree_fetch(CR_KEYSTORE, node_path(node), DEPTH, to), "tree_fetch");
	check(node_make_node(to, lss, to), "make_node");
}

/* ---- processes --------------------------------------------------------------------------------- */

static uint64_t process_path(unsigned index)
{
	return (uint64_t)KS_PROCESSES << (4 * PROCESS_LEVELS) | index;
}

static bool process_leaf(unsigned index)
{
	unsigned leaf = index >> 4, middle = index >> 8;

	if (process_paths[leaf])
		return true;
	if (node_tree_fetch(CR_KEYSTORE, (uint64_t)KS_PROCESSES << 4 | middle, 2, CR_TMP1) != RC_OK)
		return false;
	/* A void slot answers every order so. */
	if (node_data_byte(CR_TMP1, NULL) != RC_OK &&
	    (!fresh_node(LSS_LEAF + 1, CR_TMP1) ||
	     node_tree_swap(CR_KEYSTORE, (uint64_t)KS_PROCESSES << 4 | middle, 2, CR_TMP1, CR_VOID) != RC_OK))
		return false;
	if (!fresh_node(LSS_LEAF, CR_TMP1) ||
	    node_tree_swap(CR_KEYSTORE, (uint64_t)KS_PROCESSES << 8 | leaf, 3, CR_TMP1, CR_VOID) != RC_OK)
		return false;
	process_paths[leaf] = 1;
	return true;
}

/*
 * A new process for this index: kept by us, calling us, on our schedule.  All of it stays so for
 * every program that will run in it; exec and fork change the memory and the registers only.
 */
bool process_make(unsigned index)
{
	if (!process_leaf(index) || bank_alloc_process(CR_BANK, CR_TMP1) != RC_OK)
		return false;
	check(node_tree_swap(CR_KEYSTORE, process_path(index), PROCESS_LEVELS + 1, CR_TMP1, CR_VOID), "tree_swap");
	check(process_make_start(CR_SELF, index, CR_TMP2), "make_start");
	check(process_swap_slot(CR_TMP1, PSLOT_KEEPER, CR_TMP2, CR_VOID), "swap_slot");
	check(process_swap_slot(CR_TMP1, PSLOT_SCHEDULE, CR_SCHED, CR_VOID), "swap_slot");
	check(process_swap_reg(CR_TMP1, SHIM_SERVER_REG, CR_TMP2, CR_VOID), "swap_reg");
	return true;
}

bool process_is_lost(unsigned index)
{
	return process_get_state(process_cap(index), NULL, NULL, NULL, NULL) == RC_DISK;
}

bool process_renew(unsigned index)
{
	cached[index % PROC_CACHE] = 0;
	process_fetch(index, CR_TMP1);
	bank_free(CR_BANK, CR_TMP1);
	return process_make(index);
}

void process_fetch(unsigned index, cap_t to)
{
	check(node_tree_fetch(CR_KEYSTORE, process_path(index), PROCESS_LEVELS + 1, to), "tree_fetch");
}

cap_t process_cap(unsigned index)
{
	unsigned i = index % PROC_CACHE;

	if (cached[i] != index + 1) {
		process_fetch(index, CR_PROC0 + i);
		cached[i] = index + 1;
	}
	return CR_PROC0 + i;
}
