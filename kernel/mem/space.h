/*
 * space.h - the page-table cache.
 *
 * A space is the hardware form of one memory tree, named by its root capability; processes
 * with the same root share it.  Its tables hold only what a walk of the tree gave, and may be
 * thrown away at any time.
 *
 * Invariants
 *   C201 every present leaf of a space agrees with a walk of its tree: same page, no more rights, also if it is protected
 *   C202 a node that a walk passed through is marked NODE_MAPPED with that space and place, or
 *        NODE_MULTI; a page that a leaf names is marked FRAME_MAPPED likewise
 *   C203 a writable leaf names a page that is dirty in this epoch, and none that is marked zero
 *   C207 a space in use has tables, all of them table frames; the loaded space is in use
 *   C208 the leaf node that a space remembers is the one that a walk finds, with no keeper on the way
 * Dependency tracking: each node and page remembers one place exactly; a second place sets
 * MULTI, and then a change flushes every space.  Exact for private memory, which is what
 * changes; cheap and bounded for shared memory, which hardly ever does.
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H
#include "object/object.h"

struct space {
	struct cap root;               /* its name: disk form */
	uint32_t root_pfn;             /* the top table; 0 = this entry is free */
	uint32_t generation;           /* bumped when the entry is freed */
	uint32_t tables, tables_last;  /* list of its table frames, through frame.list_next; its last, if there is one */
	uint64_t last_used;
	uint32_t table_count;          /* in that list */
	uint16_t hash_next;            /* chain of spaces by root; SPACE_NONE = end */

	/* C208.  The last leaf node that a walk ended in, valid until anything above it changes: faults come in
	 * runs.  leaf_va is where it begins, with LEAF_* in its low bits. */
	struct node *leaf_node;
	uint64_t leaf_va;
};
_Static_assert(sizeof(struct space) == 64, "the fast path indexes by shifting");

#define SPACES 1024
#define SPACE_NONE SPACES              /* one more entry, never made, which no process's generation fits */
#define USER_END 0x7FFFFFFFF000ull     /* the last page below the canonical hole is never mapped */

extern struct space spaces[SPACES + 1];
extern uint64_t space_use_clock;

/* The entry of va, or NULL if no table is there. */
static inline uint64_t *arch_leaf_find(const struct space *s, uint64_t va)
{
	return arch_leaf_below(s->root_pfn, va);
}

/* Boot: these frames are for page tables, and nothing else ever is. */
void space_tables_init(uint64_t first_pfn, uint64_t count);
uint32_t space_table_take(struct space *s);    /* a zeroed table frame; 0 if none: spaces but s were tried */

/* The space of a process, made if need be; NULL if it has no memory tree. */
struct space *space_of(struct process *p);

#define WALK_LOST 15                   /* walk.code, beside KeyKOS's: the disk cannot give back what is there */

struct walk {
	struct frame *page;            /* NULL: fault */
	bool writable, executable;
	unsigned code;                 /* of the fault: keykos.md 1.6 translation errors */
	struct node *leaf_node;        /* the lss-3 node the page was in, or NULL */
	bool leaf_writable, leaf_executable; /* rights down to leaf_node, for its other slots */
	struct cap keeper, kept_node;  /* innermost keeper on the way; void if none */
	uint64_t keeper_offset;
};
/* Walks the tree of p for va; marks what it passes as mapped in s (s may be NULL: no marks). */
void space_walk(struct process *p, uint64_t va, struct space *s, struct walk *w);

/* n begins at address base of s, with slots of 2^shift bytes: who changes it drops what the tables have of it. */
void space_mark_node(struct node *n, struct space *s, uint64_t base, unsigned shift);

/* Brings in a translation for this access.  False: w tells the fault. */
bool space_fill(struct process *p, uint64_t va, bool write, bool execute, struct walk *w);

/* The kernel's address of user memory, for ucopy.c alone; NULL if it is not there with that right. */
void *space_user_pointer(struct process *p, uint64_t va, bool write);

void space_node_changed(struct node *n, unsigned slot);  /* before the slot changes */
void space_node_gone(struct node *n);                    /* before all slots change */
/* A page was stored into a slot where none was: if that is where a fault just was, it is mapped at once. */
void space_page_stored(struct node *n, unsigned slot);
void space_page_gone(struct frame *f);                   /* before a page loses rights or content */
void space_flush_all(void);
/* No leaf is writable any more, at the price of looking at all tables, and of a span of leaves in those that had writable
 * ones.  False: there are so many tables that it is cheaper to do without all of them, and nothing was done. */
bool space_protect_all(void);
extern uint64_t space_marks;
int space_check(void);                                   /* 0, or a condition number */
#endif
