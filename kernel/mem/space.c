/*
 * space.c - spaces: making, finding, filling and throwing away page tables.
 * See space.h for the invariants.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "mem/space.h"
#include "panic.h"
#include "sched/sched.h"

struct space spaces[SPACES + 1] = { [SPACE_NONE] = { .generation = ~0u } };

#define ROOT_HEADS 256
#define TABLES_LOOKED_AT 1024          /* by space_protect_all */
static uint16_t root_heads[ROOT_HEADS];

static uint32_t table_free_list;
static uint64_t table_used;            /* of all spaces */
static uint64_t live[SPACES / 64];     /* a bit for each space that is in use */
static uint32_t next_generation = 1;
static uint32_t flush_floor;           /* marks older than this mean nothing: all tables were dropped since */
uint64_t space_use_clock;
uint64_t space_marks;                  /* how often a mark was made anew: space_check asks */

static void roots_forget(void)
{
	for (unsigned i = 0; i < ROOT_HEADS; i++)
		root_heads[i] = SPACE_NONE;
}

void space_tables_init(uint64_t first_pfn, uint64_t count)
{
	roots_forget();
	table_free_list = 0;
	table_used = 0;
	__builtin_memset(live, 0, sizeof live);
	for (uint64_t i = 0; i < count; i++) {
		frames[first_pfn + i].kind = FRAME_TABLE;
		frames[first_pfn + i].list_next = table_free_list;
		table_free_list = first_pfn + i;
	}
}

/* ---- table frames ------------------------------------------------------------------------ */

static uint16_t *root_head(const struct cap *root)
{
	return &root_heads[(root->ref >> REF_HINT_BITS ^ root->ref >> 32) % ROOT_HEADS];
}

/* Its tables are free, and whoever had it looks for another.  Not yet: its place in the chain of its root. */
static void space_empty(struct space *s)
{
	if (s->tables) {
		frames[s->tables_last].list_next = table_free_list;
		table_free_list = s->tables;
		s->tables = 0;
		table_used -= s->table_count;
		s->table_count = 0;
	}
	s->root_pfn = 0;
	s->leaf_node = NULL;
	s->generation = next_generation++;
	kernel_stats.space_flushes++;
}

static void space_unload(void)
{
	arch_space_unload();
	cpu.loaded = NULL;
}

static void space_drop(struct space *s)
{
	uint16_t *link = root_head(&s->root);

	while (*link != s - spaces)
		link = &spaces[*link].hash_next;
	*link = s->hash_next;
	if (cpu.loaded == s)
		space_unload();
	space_empty(s);
	live[(s - spaces) / 64] &= ~(1ull << (s - spaces) % 64);
}

/* The space longest unused that is neither `keep` nor loaded; NULL if there is none. */
static struct space *space_victim(const struct space *keep)
{
	struct space *victim = NULL;

	for (unsigned i = 0; i < SPACES; i++) {
		struct space *s = &spaces[i];

		if (s->root_pfn && s != keep && s != cpu.loaded && (!victim || s->last_used < victim->last_used))
			victim = s;
	}
	return victim;
}

uint32_t space_table_take(struct space *s)
{
	uint32_t pfn;

	if (!table_free_list) {
		struct space *victim = space_victim(s);

		if (!victim)
			return 0;
		space_drop(victim);
	}
	pfn = table_free_list;
	table_free_list = frames[pfn].list_next;
	if (!s->tables)
		s->tables_last = pfn;
	frames[pfn].list_next = s->tables;
	frames[pfn].used_first = frames[pfn].write_first = PAGE_SIZE / 8;
	frames[pfn].used_end = frames[pfn].write_end = 0;
	s->tables = pfn;
	s->table_count++;
	table_used++;
	zero_words(arch_frame_pointer(pfn), PAGE_SIZE / 8);
	return pfn;
}

/* ---- spaces by root ---------------------------------------------------------------------- */

static bool same_root(const struct cap *a, const struct cap *b)
{
	return a->ref == b->ref && a->count == b->count && a->type == b->type && a->data == b->data &&
	       a->rights == b->rights;
}

/* A free entry; the cursor goes round, since what was used last is likely in use. */
static struct space *space_take(void)
{
	static unsigned cursor;
	struct space *victim;

	for (unsigned tries = 0; tries < SPACES; tries++) {
		cursor = (cursor + 1) % SPACES;
		if (!spaces[cursor].root_pfn)
			return &spaces[cursor];
	}
	victim = space_victim(NULL);
	KCHECK(204, victim, "there are more spaces than processors");
	space_drop(victim);
	return victim;
}

static struct space *space_find(const struct cap *root)
{
	for (uint16_t i = *root_head(root); i != SPACE_NONE; i = spaces[i].hash_next)
		if (same_root(&spaces[i].root, root))
			return &spaces[i];
	return NULL;
}

static struct space *space_make(const struct cap *root)
{
	struct space *s = space_take();

	s->root = *root;
	s->generation = next_generation++;
	s->tables = 0;
	arch_space_create(s);
	if (!s->root_pfn) {            /* the loaded space holds every table */
		space_flush_all();
		arch_space_create(s);
	}
	if (!s->root_pfn)
		return NULL;
	s->hash_next = *root_head(root);
	*root_head(root) = s - spaces;
	live[(s - spaces) / 64] |= 1ull << (s - spaces) % 64;
	return s;
}

struct space *space_of(struct process *p)
{
	struct space *s;
	struct cap root;

	if (p->space != SPACE_NONE && spaces[p->space].generation == p->space_generation) {
		s = &spaces[p->space];
		s->last_used = ++space_use_clock;
		return s;
	}
	p->space = SPACE_NONE;
	root = cap_disk_form(&p->slots[PSLOT_SPACE]);
	if (root.type < CAP_PAGE || root.type > CAP_SEGMENT)
		return NULL;
	s = space_find(&root);
	if (!s)
		s = space_make(&root);
	if (!s)
		return NULL;
	p->space = s - spaces;
	p->space_generation = s->generation;
	s->last_used = ++space_use_clock;
	return s;
}

/* ---- dependency marks -------------------------------------------------------------------- */

/* Node n begins at address base of space s, with slots of 2^shift bytes. */
void space_mark_node(struct node *n, struct space *s, uint64_t base, unsigned shift)
{
	uint64_t page = base >> PAGE_SHIFT;
	bool live = n->dep_flags && n->dep_generation >= flush_floor;

	if (live && ((n->dep_flags & NODE_MULTI) || (n->dep_space == s - spaces &&
	    n->dep_generation == s->generation && n->dep_page == page && n->dep_shift == shift)))
		return;
	space_marks++;
	/* A mark for a space that is gone binds nobody. */
	if (live && !(n->dep_flags & NODE_MULTI) && spaces[n->dep_space].generation != n->dep_generation)
		live = false;
	n->dep_flags = live || page >> 32 ? NODE_MAPPED | NODE_MULTI : NODE_MAPPED;
	n->dep_space = s - spaces;
	n->dep_generation = next_generation > s->generation && n->dep_flags & NODE_MULTI ? next_generation - 1
											 : s->generation;
	n->dep_page = (uint32_t)page;
	n->dep_shift = shift;
}

static void mark_page(struct frame *f, struct space *s, uint64_t va)
{
	bool live = (f->flags & FRAME_MAPPED) && f->map_generation >= flush_floor;

	f->flags &= ~FRAME_AGED;
	if (f->flags & FRAME_FIXED)
		return;                        /* never rescinded, never written: nothing depends on it */
	if (live && !(f->flags & FRAME_MULTI)) {
		if (f->map_space == s - spaces && f->map_generation == s->generation && f->map_va == va)
			return;
		if (spaces[f->map_space].generation != f->map_generation)
			live = false;
	}
	f->flags = (f->flags & ~FRAME_MULTI) | FRAME_MAPPED | (live ? FRAME_MULTI : 0);
	f->map_space = s - spaces;
	f->map_generation = live ? next_generation - 1 : s->generation;
	f->map_va = va;
}

void space_flush_all(void)
{
	if (cpu.loaded)
		space_unload();
	roots_forget();
	for (unsigned word = 0; word < SPACES / 64; word++) {
		for (uint64_t bits = live[word]; bits; bits &= bits - 1)
			space_empty(&spaces[word * 64 + __builtin_ctzll(bits)]);
		live[word] = 0;
	}
	flush_floor = next_generation;
}

bool space_protect_all(void)
{
	if (table_used > TABLES_LOOKED_AT)
		return false;
	for (unsigned word = 0; word < SPACES / 64; word++)
		for (uint64_t bits = live[word]; bits; bits &= bits - 1)
			arch_space_protect(&spaces[word * 64 + __builtin_ctzll(bits)]);
	return true;
}

/* The change of a node reaches [first, +size) of the places it is mapped at. */
static void node_invalidate(struct node *n, uint64_t first, uint64_t size)
{
	if (!n->dep_flags || n->dep_generation < flush_floor)
		return;
	if (n->dep_flags & NODE_MULTI) {
		space_flush_all();
		return;
	}
	if (spaces[n->dep_space].generation != n->dep_generation)
		return;
	arch_unmap_range(&spaces[n->dep_space], ((uint64_t)n->dep_page << PAGE_SHIFT) + first, size);
	if (size > PAGE_SIZE)
		spaces[n->dep_space].leaf_node = NULL;
}

/* A format key, a background or the target of a window matters elsewhere than in its own slot's place. */
void space_node_changed(struct node *n, unsigned slot)
{
	if (n->dep_flags & NODE_WHOLE)
		node_invalidate(n, 0, 16ull << n->dep_shift);
	else
		node_invalidate(n, (uint64_t)slot << n->dep_shift, 1ull << n->dep_shift);
}

/* All slots. */
void space_node_gone(struct node *n)
{
	node_invalidate(n, 0, 16ull << n->dep_shift);
	n->dep_flags = 0;
}

void space_page_gone(struct frame *f)
{
	if (!(f->flags & FRAME_MAPPED) || f->map_generation < flush_floor)
		return;
	if (f->flags & FRAME_MULTI)
		space_flush_all();
	else if (spaces[f->map_space].generation == f->map_generation)
		arch_unmap_range(&spaces[f->map_space], f->map_va, PAGE_SIZE);
	f->flags &= ~(FRAME_MAPPED | FRAME_MULTI);
}

/* ---- filling ----------------------------------------------------------------------------- */

/* The other pages of the same leaf node, while the table is at hand: most faults come in runs. */
static void fill_around(struct space *s, uint64_t va, uint64_t *entries, const struct walk *w)
{
	uint64_t base = va & ~0xFFFFull;

	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		const struct cap *c = &w->leaf_node->slot[i];
		struct frame *f;
		bool writable;

		if (c->type != CAP_PAGE || arch_leaf_present(entries[i]))
			continue;
		f = cap_page(c);
		if (!f)
			continue;
		writable = w->leaf_writable && !(c->data & DB_READONLY) && frame_writable(f);
		mark_page(f, s, base + i * PAGE_SIZE);
		arch_leaf_fill(&entries[i],
			       arch_leaf_make(frame_pfn(f), writable, w->leaf_executable && !(c->rights & CAP_NOEXEC)));
	}
}

/* ---- the leaf remembered ------------------------------------------------------------------ */

#define LEAF_WRITABLE   1
#define LEAF_EXECUTABLE 2
#define LEAF_BYTES      0x10000ull

static void leaf_remember(struct space *s, uint64_t va, const struct walk *w)
{
	s->leaf_node = w->kept_node.type == CAP_VOID ? w->leaf_node : NULL;
	s->leaf_va = (va & ~(LEAF_BYTES - 1)) | (w->leaf_writable ? LEAF_WRITABLE : 0) |
		     (w->leaf_executable ? LEAF_EXECUTABLE : 0);
}

/* As space_walk, from the leaf remembered; false if that does not tell. */
static bool leaf_walk(struct space *s, uint64_t va, struct walk *w)
{
	const struct cap *c;

	if (!s->leaf_node || (va ^ s->leaf_va) >= LEAF_BYTES)
		return false;
	c = &s->leaf_node->slot[va >> PAGE_SHIFT & 15];
	if (c->type != CAP_PAGE && c->type != CAP_VOID)
		return false;
	w->keeper.type = CAP_VOID;
	w->leaf_node = s->leaf_node;
	w->leaf_writable = s->leaf_va & LEAF_WRITABLE;
	w->leaf_executable = s->leaf_va & LEAF_EXECUTABLE;
	w->page = cap_page(c);
	w->code = w->page ? 0 : cap_is_lost(c) ? WALK_LOST : 5;
	if (w->page) {
		w->writable = w->leaf_writable && !(c->data & DB_READONLY) && !(w->page->flags & FRAME_FIXED);
		w->executable = w->leaf_executable && !(c->rights & CAP_NOEXEC);
	}
	return true;
}

void space_page_stored(struct node *n, unsigned slot)
{
	struct space *s = &spaces[n->dep_space];
	uint64_t va = (s->leaf_va & ~(LEAF_BYTES - 1)) + slot * PAGE_SIZE;
	uint64_t *entry;
	struct walk w;

	if (s->leaf_node != n || n->dep_generation != s->generation || (n->dep_flags & NODE_MULTI) ||
	    !leaf_walk(s, va, &w) || !w.page)
		return;
	entry = arch_leaf_find(s, va);
	if (!entry || arch_leaf_present(*entry))
		return;
	mark_page(w.page, s, va);
	arch_leaf_fill(entry, arch_leaf_make(frame_pfn(w.page), w.writable && frame_writable(w.page), w.executable));
}

/* Table frames ran out, held by s or by the loaded space: all begin anew.  NULL: p has no memory. */
static uint64_t *leaf_entries_hard(struct process *p, struct space **s, uint64_t va)
{
	uint64_t *entries = arch_leaf_entries(*s, va);

	if (entries)
		return entries;
	space_flush_all();
	*s = space_of(p);
	if (!*s)
		return NULL;           /* its root was rescinded; only the old tables still stood */
	entries = arch_leaf_entries(*s, va);
	KCHECK(206, entries, "the table frames suffice for one address");
	return entries;
}

bool space_fill(struct process *p, uint64_t va, bool write, bool execute, struct walk *w)
{
	struct space *s = va < USER_END ? space_of(p) : NULL;
	uint64_t *entries;
	bool known = s && leaf_walk(s, va, w);

	if (known && !w->page)
		return false;
	entries = s ? leaf_entries_hard(p, &s, va) : NULL;
	if (!entries) {
		*w = (struct walk){ .code = 2 };
		return false;
	}
	if (!known) {
		space_walk(p, va, s, w);
		leaf_remember(s, va, w);
	}
	if (!w->page)
		return false;
	if ((write && !w->writable) || (execute && !w->executable)) {
		w->code = 1;
		return false;
	}
	kernel_stats.fills++;
	if (write)
		frame_dirty(w->page);
	mark_page(w->page, s, va & ~(PAGE_SIZE - 1ull));
	arch_leaf_set(s, va, &entries[va >> PAGE_SHIFT & 15],
		      arch_leaf_make(frame_pfn(w->page), w->writable && frame_writable(w->page), w->executable));
	if (w->leaf_node)
		fill_around(s, va, entries, w);
	return true;
}

void *space_user_pointer(struct process *p, uint64_t va, bool write)
{
	struct space *s = va < USER_END ? space_of(p) : NULL;
	uint8_t *page = s ? arch_leaf_page(s->root_pfn, va, write) : NULL;
	struct walk w;

	if (!page) {
		if (!s || !space_fill(p, va, write, false, &w))
			return NULL;
		page = frame_data(w.page);
	}
	return page + (va & (PAGE_SIZE - 1));
}
