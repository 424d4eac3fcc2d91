/*
 * mm.c - the software page table and its mirror in the kernel's memory tree.  See mm.h.
 *
 * A change is made in the mirror node first and then noted here; both always succeed together,
 * since what may fail (a node, a page, heap) is taken before either.
 */
#include <stdlib.h>
#include <string.h>
#include "mm.h"
#include "process.h"

static struct leaf *free_leaves;       /* linked through m.base */
static struct table *free_tables;
static struct mm *free_mms;
static pageno shim_text;

/* ---- the shim ---------------------------------------------------------------------------------- */

bool shim_init(void)
{
	shim_text = page_alloc();
	if (!shim_text)
		return false;
	memcpy(page_addr(shim_text), shim_start, shim_end - shim_start);
	return true;
}

/* The parameters of the clock, for programs to read; set once, since a reader has no lock. */
void shim_clock_set(const struct shim_clock *clock)
{
	memcpy((char *)page_addr(shim_text) + (shim_clock - shim_start), clock, sizeof *clock);
}

void shim_count_clocks(void)
{
	static const uint8_t identity[] = { 39, 102, 104, 107, 108, 110, 186 };
	uint64_t *table = (uint64_t *)((char *)page_addr(shim_text) + (shim_table - shim_start));

	for (unsigned i = 0; i < sizeof identity; i++)
		table[identity[i]] = SHIM_AT(shim_slow);
	table[228] = SHIM_AT(shim_count);
}

void shim_pass_clocks(void)
{
	uint64_t *table = (uint64_t *)((char *)page_addr(shim_text) + (shim_table - shim_start));
	struct shim_clock none = { 0 };

	table[228] = SHIM_AT(shim_slow);
	shim_clock_set(&none);         /* its page is readable: the time would follow from it */
}

struct shim_data *mm_shim(const struct mm *mm)
{
	return page_addr(mm->shim_page);
}

/* ---- nodes of the table ------------------------------------------------------------------------ */

static uint64_t span(unsigned lss)
{
	return 16ull << (4 * lss);
}

static unsigned slot_of(const struct mnode *m, uint64_t address)
{
	return address >> (4 * m->lss) & 15;
}

/* clean: the node's slots must be void; the caller of a leaf that is cloned over does not care. */
static struct leaf *leaf_new(uint64_t base, bool want_clean)
{
	struct leaf *l = free_leaves;
	nodeno n = node_alloc(want_clean);

	if (!n)
		return NULL;
	if (l)
		free_leaves = (struct leaf *)l->m.base;
	else if (!(l = malloc(sizeof *l))) {
		node_free(n);
		return NULL;
	}
	memset(l, 0, sizeof *l);
	l->m = (struct mnode){ base, n, LEAF_LSS };
	return l;
}

static struct table *table_new(uint64_t base, unsigned lss)
{
	struct table *t = free_tables;
	nodeno n = node_alloc(true);

	if (!n)
		return NULL;
	if (t)
		free_tables = (struct table *)t->m.base;
	else if (!(t = malloc(sizeof *t))) {
		node_free(n);
		return NULL;
	}
	memset(t, 0, sizeof *t);
	t->m = (struct mnode){ base, n, lss };
	return t;
}

static void mnode_free(struct mnode *m)
{
	node_free(m->node);
	if (m->lss == LEAF_LSS) {
		m->base = (uint64_t)free_leaves;
		free_leaves = (struct leaf *)m;
	} else {
		m->base = (uint64_t)free_tables;
		free_tables = (struct table *)m;
	}
}

static void attach(struct table *t, struct mnode *child)
{
	unsigned slot = slot_of(&t->m, child->base);

	t->child[slot] = child;
	tree_link_node(t->m.node, slot, child->node, child->lss);
}

static bool covers(const struct mnode *m, uint64_t address)
{
	return address - m->base < span(m->lss);
}

static struct leaf *leaf_search(const struct mm *mm, uint64_t address)
{
	const struct mnode *m = &mm->root->m;

	if (!covers(m, address))
		return NULL;
	while (m->lss != LEAF_LSS) {
		m = ((const struct table *)m)->child[slot_of(m, address)];
		if (!m || !covers(m, address))
			return NULL;
	}
	return (struct leaf *)m;
}

struct leaf *mm_leaf(struct mm *mm, uint64_t address)
{
	struct leaf *l = mm->last;

	if (l && address - l->m.base < LEAF_BYTES)
		return l;
	l = leaf_search(mm, address);
	if (l)
		mm->last = l;
	return l;
}

/* The smallest node at that base that spans the address. */
static unsigned lss_for(uint64_t base, uint64_t address)
{
	unsigned lss = LEAF_LSS;

	while (address - base >= span(lss))
		lss++;
	return lss;
}

/* Puts a node into the empty slot of t where the address is. */
static struct mnode *child_make(struct table *t, uint64_t address)
{
	uint64_t base = address >> (4 * t->m.lss) << (4 * t->m.lss);
	unsigned lss = lss_for(base, address);
	struct mnode *child;

	if (lss == LEAF_LSS) {
		struct leaf *l = leaf_new(base, true);

		child = l ? &l->m : NULL;
	} else {
		struct table *n = table_new(base, lss);

		child = n ? &n->m : NULL;
	}
	if (child)
		attach(t, child);
	return child;
}

/* The child of t is too small for the address: puts a bigger table over it. */
static struct mnode *child_raise(struct table *t, struct mnode *child, uint64_t address)
{
	struct table *n = table_new(child->base, lss_for(child->base, address));

	if (!n)
		return NULL;
	attach(n, child);
	attach(t, &n->m);
	return &n->m;
}

struct leaf *mm_leaf_make(struct mm *mm, uint64_t address)
{
	struct leaf *l = mm_leaf(mm, address);
	struct mnode *m = &mm->root->m;

	if (l)
		return l;
	while (m->lss != LEAF_LSS) {
		struct table *t = (struct table *)m;

		m = t->child[slot_of(m, address)];
		if (!m)
			m = child_make(t, address);
		else if (!covers(m, address))
			m = child_raise(t, m, address);
		if (!m)
			return NULL;
	}
	mm->last = (struct leaf *)m;
	return mm->last;
}

/* ---- pages of a leaf --------------------------------------------------------------------------- */

static unsigned data_byte(uint32_t prot, bool writable)
{
	return (writable ? 0 : MAP_READONLY) | (prot & VMA_EXEC ? 0 : MAP_NOEXEC);
}

void leaf_set(struct mm *mm, struct leaf *l, unsigned slot, pageno page, uint32_t prot, bool writable)
{
	uint16_t bit = 1u << slot;

	if (!l->page[slot])
		mm->resident++;
	l->page[slot] = page;
	l->linked |= bit;
	if (writable)
		l->writable |= bit;
	else
		l->writable &= ~bit;
	tree_link_page(l->m.node, slot, page, data_byte(prot, writable));
}

static void page_unlink(struct leaf *l, unsigned slot)
{
	uint16_t bit = 1u << slot;

	if (l->linked & bit)
		tree_unlink(l->m.node, slot);
	l->linked &= ~bit;
	l->writable &= ~bit;
}

/* Takes the pages in slots first..last-1 away.  The node's slots too, unless it is going away itself. */
static void leaf_drop(struct mm *mm, struct leaf *l, unsigned first, unsigned last, bool unlink)
{
	for (unsigned i = first; i < last; i++) {
		if (!l->page[i])
			continue;
		if (unlink)
			page_unlink(l, i);
		page_put(l->page[i]);
		l->page[i] = 0;
		mm->resident--;
	}
}

static bool leaf_empty_but(const struct leaf *l, unsigned first, unsigned last)
{
	for (unsigned i = 0; i < NODE_SLOTS; i++)
		if (l->page[i] && (i < first || i >= last))
			return false;
	return true;
}

/* ---- ranges ------------------------------------------------------------------------------------ */

typedef void (*leaf_fn)(struct mm *, struct table *parent, struct leaf *, uint64_t start, uint64_t end, void *ctx);

/* Calls fn for every leaf that has addresses in start..end. */
static void leaves_do(struct mm *mm, struct table *t, uint64_t start, uint64_t end, leaf_fn fn, void *ctx)
{
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		struct mnode *m = t->child[i];

		if (!m || m->base >= end || m->base + span(m->lss) <= start)
			continue;
		if (m->lss == LEAF_LSS)
			fn(mm, t, (struct leaf *)m, start, end, ctx);
		else
			leaves_do(mm, (struct table *)m, start, end, fn, ctx);
	}
}

static unsigned first_slot(const struct leaf *l, uint64_t start)
{
	return start <= l->m.base ? 0 : (start - l->m.base) >> PAGE_SHIFT;
}

static unsigned last_slot(const struct leaf *l, uint64_t end)
{
	return end - l->m.base >= LEAF_BYTES ? NODE_SLOTS : (end - l->m.base) >> PAGE_SHIFT;
}

#define SPARES_MAX 32u

/* So little is in it that it is cheaper to leave the node where it is, for what is mapped there next. */
static bool leaf_spared(struct mm *mm, struct leaf *l)
{
	if (__builtin_popcount(l->linked) > 4 || (!l->spare && mm->spares == SPARES_MAX))
		return false;
	mm->spares += !l->spare;
	l->spare = true;
	return true;
}

static void drop_leaf(struct mm *mm, struct table *parent, struct leaf *l, uint64_t start, uint64_t end, void *ctx)
{
	unsigned first = first_slot(l, start), last = last_slot(l, end);
	bool whole = leaf_empty_but(l, first, last) && !leaf_spared(mm, l);

	(void)ctx;
	if (whole) {
		unsigned slot = slot_of(&parent->m, l->m.base);

		tree_unlink(parent->m.node, slot);
		parent->child[slot] = NULL;
		mm->spares -= l->spare;
	}
	leaf_drop(mm, l, first, last, !whole);
	if (!whole)
		return;
	if (mm->last == l)
		mm->last = NULL;
	mnode_free(&l->m);
}

void mm_drop_pages(struct mm *mm, uint64_t start, uint64_t end)
{
	leaves_do(mm, mm->root, start, end, drop_leaf, NULL);
}

static void restrict_leaf(struct mm *mm, struct table *parent, struct leaf *l, uint64_t start, uint64_t end, void *ctx)
{
	uint32_t prot = *(uint32_t *)ctx;

	(void)parent;
	for (unsigned i = first_slot(l, start); i < last_slot(l, end); i++) {
		if (!l->page[i])
			continue;
		if (!prot)
			page_unlink(l, i);
		else if (l->linked >> i & 1)
			leaf_set(mm, l, i, l->page[i], prot,
				 (prot & VMA_WRITE) && ((l->writable >> i & 1) || page_refs(l->page[i]) == 1));
	}
}

/* Takes away what the new rights do not allow; what they add comes by faults, but for pages that are only ours. */
void mm_restrict(struct mm *mm, uint64_t start, uint64_t end, uint32_t prot)
{
	leaves_do(mm, mm->root, start, end, restrict_leaf, &prot);
}

struct move { uint64_t to_minus_from; bool failed; };

static void move_leaf(struct mm *mm, struct table *parent, struct leaf *l, uint64_t start, uint64_t end, void *ctx)
{
	struct move *mv = ctx;

	(void)parent;
	for (unsigned i = first_slot(l, start); i < last_slot(l, end) && !mv->failed; i++) {
		uint64_t to = l->m.base + i * PAGE_SIZE + mv->to_minus_from;
		struct leaf *target;
		pageno page = l->page[i];

		if (!page)
			continue;
		target = mm_leaf_make(mm, to);
		if (!target) {
			mv->failed = true;
			return;
		}
		/* Not linked there yet: the first touch asks the new area for the rights. */
		page_unlink(l, i);
		l->page[i] = 0;
		target->page[(to - target->m.base) >> PAGE_SHIFT] = page;
	}
}

/* Moves the pages of a range to one where nothing is.  False: some nodes were not to be had. */
bool mm_move_pages(struct mm *mm, uint64_t from, uint64_t to, uint64_t length)
{
	struct move mv = { to - from, false };

	leaves_do(mm, mm->root, from, from + length, move_leaf, &mv);
	return !mv.failed;
}

/* ---- whole spaces ------------------------------------------------------------------------------ */

static void leaf_free(struct mm *mm, struct table *parent, struct leaf *l, uint64_t start, uint64_t end, void *ctx)
{
	(void)parent, (void)start, (void)end, (void)ctx;
	leaf_drop(mm, l, 0, NODE_SLOTS, false);
	mnode_free(&l->m);
}

static void tables_free(struct table *t)
{
	for (unsigned i = 0; i < NODE_SLOTS; i++)
		if (t->child[i] && t->child[i]->lss != LEAF_LSS)
			tables_free((struct table *)t->child[i]);
	mnode_free(&t->m);
}

static void leaves_free(struct mm *mm, struct table *t)
{
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		struct mnode *m = t->child[i];

		if (!m)
			continue;
		if (m->lss == LEAF_LSS) {
			leaf_free(mm, t, (struct leaf *)m, 0, 0, NULL);
			t->child[i] = NULL;
		} else {
			leaves_free(mm, (struct table *)m);
		}
	}
}

void mm_put(struct mm *mm)
{
	if (--mm->refs)
		return;
	if (mm->root) {
		leaves_free(mm, mm->root);
		tables_free(mm->root);
	}
	vma_clear(&mm->areas);
	mm->root = (struct table *)free_mms;
	free_mms = mm;
}

static struct mm *mm_blank(void)
{
	struct mm *mm = free_mms;

	if (mm)
		free_mms = (struct mm *)mm->root;
	else if (!(mm = malloc(sizeof *mm)))
		return NULL;
	memset(mm, 0, sizeof *mm);
	mm->refs = 1;
	mm->root = table_new(0, ROOT_LSS);
	if (mm->root)
		return mm;
	mm_put(mm);
	return NULL;
}

static unsigned shim_slot(uint64_t address)
{
	return address >> PAGE_SHIFT & 15;
}

/* The process's own page of the shim, linked for it to write. */
static bool shim_data_link(struct mm *mm, struct leaf *l)
{
	mm->shim_page = page_alloc();
	if (!mm->shim_page)
		return false;
	leaf_set(mm, l, shim_slot(SHIM_DATA), mm->shim_page, VMA_READ, true);
	return true;
}

struct mm *mm_new(void)
{
	struct mm *mm = mm_blank();
	struct leaf *l = mm ? mm_leaf_make(mm, SHIM_TEXT) : NULL;

	if (l) {
		page_get(shim_text);
		leaf_set(mm, l, shim_slot(SHIM_TEXT), shim_text, VMA_READ | VMA_EXEC, false);
		if (shim_data_link(mm, l))
			return mm;
	}
	if (mm)
		mm_put(mm);
	return NULL;
}

/* Both sides see the pages read-only from now on. */
static struct leaf *leaf_fork(struct mm *to, struct leaf *from)
{
	struct leaf *l = leaf_new(from->m.base, false);

	if (!l)
		return NULL;
	tree_copy_readonly(l->m.node, from->m.node);
	if (from->writable)
		tree_copy_readonly(from->m.node, from->m.node);
	from->writable = 0;
	l->linked = from->linked;
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		pageno page = from->page[i];

		l->page[i] = page;
		if (!page)
			continue;
		page_get(page);
		to->resident++;
	}
	return l;
}

static bool table_fork(struct mm *to, struct table *target, const struct table *from)
{
	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		struct mnode *m = from->child[i];

		if (!m || (m->lss == LEAF_LSS && leaf_empty_but((struct leaf *)m, 0, 0)))
			continue;
		if (m->lss == LEAF_LSS) {
			struct leaf *l = leaf_fork(to, (struct leaf *)m);

			if (!l)
				return false;
			attach(target, &l->m);
		} else {
			struct table *t = table_new(m->base, m->lss);

			if (!t)
				return false;
			attach(target, &t->m);
			if (!table_fork(to, t, (struct table *)m))
				return false;
		}
	}
	return true;
}

/* The shim's data is not shared: the parent's is made writable again, the child gets a copy. */
static bool shim_fork(struct mm *mm, struct mm *from)
{
	struct leaf *old = mm_leaf(from, SHIM_DATA), *l = mm_leaf(mm, SHIM_DATA);
	unsigned slot = shim_slot(SHIM_DATA);

	leaf_set(from, old, slot, from->shim_page, VMA_READ, true);
	page_put(l->page[slot]);
	l->page[slot] = 0;
	mm->resident--;
	if (!shim_data_link(mm, l))
		return false;
	*mm_shim(mm) = *mm_shim(from);
	return true;
}

struct mm *mm_fork(struct mm *from)
{
	struct mm *mm = mm_blank();

	if (!mm)
		return NULL;
	mm->brk_start = from->brk_start;
	mm->brk = from->brk;
	if (vma_copy(&mm->areas, &from->areas) == 0 && table_fork(mm, mm->root, from->root)) {
		if (shim_fork(mm, from))
			return mm;
	} else {
		/* The parent's page of the shim may have become read-only on the way. */
		struct leaf *l = mm_leaf(from, SHIM_DATA);

		leaf_set(from, l, shim_slot(SHIM_DATA), from->shim_page, VMA_READ, true);
	}
	mm_put(mm);
	return NULL;
}
