/*
 * node.c - nodes: sixteen capabilities; memory trees, supernodes, wrappers.
 *
 * Rules
 *   1. A slot changes only through node_store, which first throws away what page tables
 *      hold because of the old capability, and marks the pot dirty.
 *   2. Through a sense capability everything fetched is sensory; through fetch, nothing can
 *      be stored; a segment is opaque.  A node capability's own data byte restricts memory
 *      access and not these operations, as in KeyKOS.
 *   3. The tree_ operations walk nodes only, at most 8 deep, and never through a sense or
 *      segment capability to a store.
 * Source of the order codes: keykos.md 2.3.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/node.h"
#include "mem/space.h"
#include "sched/sched.h"

#define TREE_DEPTH_MAX 8

struct frame *node_pot(const struct node *n)
{
	uint64_t base = (uint64_t)arch_frame_pointer(0);

	return &frames[((uint64_t)n - base) >> PAGE_SHIFT];
}

static unsigned node_index(const struct node *n)
{
	return ((uint64_t)n & (PAGE_SIZE - 1)) / sizeof(struct node);
}

struct cap node_cap(struct node *n, enum cap_type type, uint16_t data)
{
	struct frame *pot = node_pot(n);

	return (struct cap){ .type = type, .data = data & 0xFF, .rights = data & DB_NOEXEC ? CAP_NOEXEC : 0,
			     .count = n->alloc_count, .ref = REF_MAKE(pot->oid, node_index(n), frame_pfn(pot)) };
}

void node_dirty(struct node *n)
{
	frame_dirty(node_pot(n));
}

/*
 * Where tree paths led, so that a server's keystore is not walked anew for each page.  An entry is
 * good as long as no slot that held a node was changed and no node was rescinded: tree_epoch counts
 * both, which are rare beside the use.
 */
#define TREE_CACHE 64
static uint64_t tree_epoch = 1;       /* 64 bits: it never comes round */
static struct tree_entry {
	const struct node *root;
	uint64_t path;                 /* without its last four bits */
	struct node *node;
	uint64_t epoch, depth;
} tree_cache[TREE_CACHE];

static inline bool is_tree(const struct cap *c)
{
	return c->type >= CAP_NODE && c->type <= CAP_SENSE;
}

static inline bool is_memory(const struct cap *c)
{
	return (c->type >= CAP_PAGE && c->type <= CAP_SEGMENT) || c->type == CAP_NUMBER;
}

/*
 * Page tables cache what was there, never what was not; so only replacing a memory capability
 * (or a number, which may be a window or a format key) can make them stale.
 */
void node_store(struct node *n, unsigned slot, const struct cap *c)
{
	if (n->dep_flags && is_memory(&n->slot[slot]))
		space_node_changed(n, slot);
	tree_epoch += is_tree(&n->slot[slot]);
	node_dirty(n);
	n->slot[slot] = *c;
	if (n->dep_flags && c->type == CAP_PAGE)
		space_page_stored(n, slot);
}

void node_rescind(struct node *n)
{
	struct frame *pot = node_pot(n);

	space_node_gone(n);
	node_dirty(n);
	tree_epoch++;
	n->alloc_count++;
	if (pot->alloc_count < n->alloc_count)
		pot->alloc_count = n->alloc_count;
	for (unsigned i = 0; i < NODE_SLOTS; i++)
		n->slot[i] = cap_void();
}

/* Its nodes' places in page tables and in the cache of paths are forgotten. */
void node_pot_leaves(struct frame *pot)
{
	tree_epoch++;
	for (unsigned i = 0; i < NODES_PER_POT; i++)
		space_node_gone(node_at(pot, i));
	for (unsigned i = 0; i < SPACES; i++)
		if (spaces[i].leaf_node && node_pot(spaces[i].leaf_node) == pot)
			spaces[i].leaf_node = NULL;
}

static void node_clear(struct node *n)
{
	space_node_gone(n);
	node_dirty(n);
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		tree_epoch += is_tree(&n->slot[i]);
		n->slot[i] = cap_void();
	}
}

/* The node, for operations that change it or make capabilities to it: a node capability only. */
static struct node *full_node(struct inv *inv)
{
	if (inv->target.type != CAP_NODE) {
		inv_fail(inv, RC_UNKNOWN);
		return NULL;
	}
	return cap_node(&inv->target);
}

static bool readable(struct inv *inv)
{
	if (inv->target.type <= CAP_SENSE)
		return true;
	inv_fail(inv, RC_UNKNOWN);
	return false;
}

void node_op_fetch(struct inv *inv)
{
	struct node *n = cap_node(&inv->target);

	if (!readable(inv))
		return;
	commit_point();
	inv_out_cap(inv, 0, inv->target.type == CAP_SENSE ? cap_diminish(&n->slot[inv->order]) : n->slot[inv->order]);
}

void node_op_swap(struct inv *inv)
{
	struct node *n = full_node(inv);
	unsigned slot = inv->order - 16;

	if (!n)
		return;
	commit_point();
	inv_out_cap(inv, 0, n->slot[slot]);
	node_store(n, slot, inv_cap(inv, 0));
	if (slot <= 3)                         /* those of a schedule: schedule.c */
		sched_schedule_changed();
}

/* The make_ operations: the same node under another type, with the data byte of word 0. */
static void make_type(struct inv *inv, enum cap_type type, uint16_t data)
{
	struct node *n = full_node(inv);

	if (!n)
		return;
	commit_point();
	inv_out_cap(inv, 0, node_cap(n, type, data));
}

void node_op_make_fetch(struct inv *inv)
{
	make_type(inv, CAP_FETCH, inv_word(inv, 0));
}

void node_op_make_segment(struct inv *inv)
{
	make_type(inv, CAP_SEGMENT, inv_word(inv, 0));
}

void node_op_make_schedule(struct inv *inv)
{
	make_type(inv, CAP_SCHEDULE, 0);
}

void node_op_make_node(struct inv *inv)
{
	make_type(inv, CAP_NODE, inv_word(inv, 0));
}

void node_op_make_sense(struct inv *inv)
{
	make_type(inv, CAP_SENSE, inv->target.data | DB_READONLY | DB_NOCALL);
}

void node_op_make_frontend(struct inv *inv)
{
	make_type(inv, CAP_FRONTEND, inv_word(inv, 0));
}

void node_op_compare(struct inv *inv)
{
	if (!full_node(inv))
		return;
	commit_point();
	inv->out_w[0] = !cap_same_object(&inv->target, inv_cap(inv, 0));
}

void node_op_clear(struct inv *inv)
{
	struct node *n = full_node(inv);

	if (!n)
		return;
	commit_point();
	node_clear(n);
}

void node_op_data_byte(struct inv *inv)
{
	if (!readable(inv))
		return;
	commit_point();
	inv->out_w[0] = inv->target.data;
}

void node_op_write_number(struct inv *inv)
{
	struct node *n = full_node(inv);
	uint64_t slot = inv_word(inv, 0), high = inv_word(inv, 2);
	struct cap value = cap_number(inv_word(inv, 1), (uint32_t)high, (uint16_t)(high >> 32));

	if (!n)
		return;
	if (slot >= NODE_SLOTS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	node_store(n, slot, &value);
}

static void clone_slots(struct node *to, const struct node *from, bool sensory)
{
	if (to->dep_flags)
		space_node_gone(to);
	node_dirty(to);
	for (unsigned i = 0; i < NODE_SLOTS; i++)
		tree_epoch += is_tree(&to->slot[i]);
	for (unsigned i = 0; i < NODE_SLOTS; i++)
		to->slot[i] = sensory ? cap_diminish(&from->slot[i]) : from->slot[i];
}

/* The page in a slot; NULL if there is none, or (writable) none that may be written. */
static struct frame *slot_page(const struct node *n, unsigned slot, bool writable)
{
	const struct cap *c = &n->slot[slot];

	return writable && c->data & DB_READONLY ? NULL : cap_page(c);
}

void node_op_copy_pages(struct inv *inv)
{
	struct node *to = full_node(inv);
	const struct cap *source = inv_cap(inv, 0);
	struct node *from = source->type <= CAP_SENSE ? cap_node(source) : NULL;
	uint64_t count = inv_word(inv, 0);
	bool good = from && count >= 1 && count <= NODE_SLOTS;

	if (!to)
		return;
	for (unsigned i = 0; good && i < count; i++) {
		/* Brought in now, so that nothing has to wait below; one that is lost must not pass for none. */
		good = (slot_page(from, i, false) || !cap_is_lost(&from->slot[i])) && slot_page(to, i, true);
	}
	if (!good) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	for (unsigned i = 0; i < count; i++) {
		struct frame *page = slot_page(from, i, false), *copy = slot_page(to, i, true);

		if (!page || page == copy)
			continue;
		frame_dirty(copy);
		copy_words(frame_data(copy), frame_data(page), PAGE_SIZE / 8);
	}
}

void node_op_clone(struct inv *inv)
{
	struct node *to = full_node(inv);
	const struct cap *source = inv_cap(inv, 0);
	struct node *from = source->type <= CAP_SENSE ? cap_node(source) : NULL;

	if (!to)
		return;
	if (!from) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	clone_slots(to, from, source->type == CAP_SENSE);
}

/* ---- trees of nodes: KeyKOS's kernel super-node, by words ---- */

struct tree_end {
	struct node *node;             /* the last node of the path */
	unsigned slot;
	bool sensory, writable;
};

/* Follows all but the last four bits of a path.  False: a level is not a node. */
static bool tree_walk(const struct cap *root, uint64_t path, uint64_t depth, struct tree_end *end)
{
	const struct cap *c = root;
	const struct node *top = cap_node(root);
	struct tree_entry *cached;
	uint64_t prefix, levels = depth;

	if (depth == 0 || depth > TREE_DEPTH_MAX)
		return false;
	prefix = path >> 4 & ((1ull << (4 * (depth - 1))) - 1);
	cached = &tree_cache[(prefix ^ prefix >> 6 ^ depth) % TREE_CACHE];
	end->sensory = false;
	end->writable = true;
	if (root->type == CAP_NODE && cached->root == top && cached->path == prefix && cached->depth == depth &&
	    cached->epoch == tree_epoch) {
		end->node = cached->node;
		end->slot = path & 15;
		return true;
	}
	for (;;) {
		struct node *n = c->type <= CAP_SENSE ? cap_node(c) : NULL;

		if (!n)
			return false;
		end->sensory |= c->type == CAP_SENSE;
		end->writable &= c->type == CAP_NODE;
		end->node = n;
		end->slot = path >> (4 * --depth) & 15;
		if (depth == 0)
			break;
		c = &n->slot[end->slot];
	}
	if (end->writable && !end->sensory)
		*cached = (struct tree_entry){ top, prefix, end->node, tree_epoch, levels };
	return true;
}

/* The node that a path leads to, if it may be changed through it. */
static struct node *tree_node(struct inv *inv, uint64_t path, uint64_t depth)
{
	struct tree_end end;
	const struct cap *c;

	if (depth == 0)
		return cap_node(&inv->target);
	if (!tree_walk(&inv->target, path, depth, &end) || end.sensory)
		return NULL;
	c = &end.node->slot[end.slot];
	return c->type == CAP_NODE ? cap_node(c) : NULL;
}

static struct cap tree_value(const struct tree_end *end)
{
	struct cap *c = &end->node->slot[end->slot];

	return end->sensory ? cap_diminish(c) : *c;
}

void node_op_tree_fetch(struct inv *inv)
{
	struct tree_end end;

	if (!readable(inv))
		return;
	if (!tree_walk(&inv->target, inv_word(inv, 0), inv_word(inv, 1), &end)) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv_out_cap(inv, 0, tree_value(&end));
}

void node_op_tree_swap(struct inv *inv)
{
	struct tree_end end;

	if (!full_node(inv))
		return;
	if (!tree_walk(&inv->target, inv_word(inv, 0), inv_word(inv, 1), &end) || !end.writable) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	inv_out_cap(inv, 0, end.node->slot[end.slot]);
	node_store(end.node, end.slot, inv_cap(inv, 0));
}

void node_op_tree_link(struct inv *inv)
{
	uint64_t slot = inv_word(inv, 2), source = inv_word(inv, 3), data = inv_word(inv, 5);
	struct node *to;
	struct cap value = cap_void();
	struct tree_end end;

	if (!full_node(inv))
		return;
	to = tree_node(inv, inv_word(inv, 0), inv_word(inv, 1));
	if (!to || slot >= NODE_SLOTS) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	if (!(source >> 63)) {
		if (!tree_walk(&inv->target, source, inv_word(inv, 4), &end)) {
			inv_fail(inv, RC_REQUEST);
			return;
		}
		value = tree_value(&end);
		if (value.type >= CAP_PAGE && value.type <= CAP_SEGMENT) {
			value.data |= data & (DB_READONLY | DB_NOCALL);
			if (data & DB_NOEXEC)
				value.rights |= CAP_NOEXEC;
			if (value.type != CAP_PAGE && (data & DB_LSS))
				value.data = (value.data & ~DB_LSS) | (data & DB_LSS);
		}
	}
	commit_point();
	node_store(to, slot, &value);
}

void node_op_tree_clone(struct inv *inv)
{
	struct node *to, *from = NULL;
	struct tree_end end;
	bool sensory = inv_word(inv, 4) & 1;

	if (!full_node(inv))
		return;
	to = tree_node(inv, inv_word(inv, 0), inv_word(inv, 1));
	if (inv_word(inv, 3) == 0) {
		from = cap_node(&inv->target);
	} else if (tree_walk(&inv->target, inv_word(inv, 2), inv_word(inv, 3), &end)) {
		const struct cap *source = &end.node->slot[end.slot];

		from = source->type <= CAP_SENSE ? cap_node(source) : NULL;
		sensory |= end.sensory || source->type == CAP_SENSE;
	}
	if (!to || !from) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	clone_slots(to, from, sensory);
}

void node_op_tree_clear(struct inv *inv)
{
	struct node *to;

	if (!full_node(inv))
		return;
	to = tree_node(inv, inv_word(inv, 0), inv_word(inv, 1));
	if (!to) {
		inv_fail(inv, RC_REQUEST);
		return;
	}
	commit_point();
	node_clear(to);
}
