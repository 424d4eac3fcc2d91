/*
 * walk.c - the memory tree: from an address to a page.
 *
 * A tree is pages under nodes.  A node's capability tells in its data byte how many bytes a
 * slot spans (lss); 0 means red: slot 15 holds a format key with the initial slots, the keeper,
 * the background and the span.  A number with bit 1 set in a slot is a window onto another
 * part: of the same node (local) or of the background.  Read-only, no-call and no-execute
 * accumulate downwards.  Source: keykos.md 1.6, whose error codes walk.code gives.
 *
 * What stands in a slot may span more than the slot: of that its beginning is seen, as in the ancestor's kernel, whose
 * programs map segments of any size into slots of a MiB.  A tree that is a loop is too deep.
 *
 *     format key, low 32 bits:  flags 4 | F | local slot 4 | background 4 | keeper 4 | F | initial 4 | ssc 4
 */
#include "mem/space.h"

#define DEPTH_MAX 20

#define FORMAT_BACKGROUND(f) ((f) >> 16 & 15)
#define FORMAT_KEEPER(f)     ((f) >> 12 & 15)
#define FORMAT_INITIAL(f)    ((f) >> 4 & 15)
#define FORMAT_SSC(f)        ((f) & 15)

#define WINDOW_BACKGROUND 1u
#define WINDOW            2u
#define WINDOW_NOCALL     4u
#define WINDOW_READONLY   8u

enum { ERR_READONLY = 1, ERR_TYPE, ERR_BEYOND, ERR_LOCKED, ERR_DATA, ERR_DEEP, ERR_FORMAT_KEY, ERR_FORMAT,
       ERR_SSC, ERR_WINDOW, ERR_BACKGROUND = 13, ERR_WINDOW_BIG = 14 };            /* and WALK_LOST */

struct step {
	const struct cap *c;           /* the capability that applies to offset */
	uint64_t offset;
	bool readonly, nocall, noexec;
	bool single;                 /* one page is seen of it: its neighbours in the node are not ours */
	struct cap background;         /* of the nearest red node that names one */
};

/* What a red node says: its span and keeper.  0, or an error code. */
static unsigned walk_red(struct node *n, struct step *at, struct walk *w, unsigned *lss)
{
	uint32_t format = (uint32_t)n->slot[15].ref;

	if (n->slot[15].type != CAP_NUMBER)
		return ERR_FORMAT_KEY;
	if ((format | 0x100FF0FF) != 0x1FFFFFFF)
		return ERR_FORMAT;
	*lss = FORMAT_SSC(format);
	if (*lss < 3 || *lss > 12)
		return ERR_SSC;
	if (FORMAT_BACKGROUND(format) != 15)
		at->background = n->slot[FORMAT_BACKGROUND(format)];
	if (FORMAT_KEEPER(format) != 15 && !at->nocall) {
		w->keeper = n->slot[FORMAT_KEEPER(format)];
		w->kept_node = node_cap(n, CAP_NODE, at->c->data);
		w->keeper_offset = at->offset;
	}
	if (at->offset >> (4 * *lss) >= FORMAT_INITIAL(format))
		return ERR_BEYOND;
	return 0;
}

/* A window: the offset moves, and another capability applies.  0, or an error code. */
static unsigned walk_window(struct node *n, struct step *at, unsigned lss, const struct cap *window)
{
	uint64_t value = window->ref;
	uint64_t target = value & 0xFFFFFFFFF000ull;

	if (!(value & WINDOW))
		return ERR_DATA;
	if (value >> 48 || window->count || window->data)
		return ERR_WINDOW_BIG;
	/* One onto the background names no slot. */
	if (value & (value & WINDOW_BACKGROUND ? 0xFF0 : 0xF00))
		return ERR_WINDOW;
	if (target & ((1ull << (4 * lss)) - 1))
		return ERR_WINDOW;
	at->nocall |= (value & WINDOW_NOCALL) != 0;
	at->readonly |= (value & WINDOW_READONLY) != 0;
	at->offset = (at->offset & ((1ull << (4 * lss)) - 1)) + target;
	if (value & WINDOW_BACKGROUND) {
		if (at->background.type == CAP_VOID)
			return ERR_BACKGROUND;
		at->c = &at->background;
	} else {
		/* Another window there is a number like any other: one window is not looked at through another. */
		at->c = &n->slot[value >> 4 & 15];
	}
	return 0;
}

static unsigned walk_page(struct step *at, struct walk *w)
{
	if (at->offset >= PAGE_SIZE)
		return ERR_BEYOND;
	w->page = cap_page(at->c);
	if (!w->page)
		return cap_is_lost(at->c) ? WALK_LOST : ERR_DATA;
	w->writable = !at->readonly && !(at->c->data & DB_READONLY) && !(w->page->flags & FRAME_FIXED);
	w->executable = !at->noexec && !(at->c->rights & CAP_NOEXEC);
	return 0;
}

/* Long: an interpreter of trees, one level a turn. */
void space_walk(struct process *p, uint64_t va, struct space *s, struct walk *w)
{
	struct step at = { .c = &p->slots[PSLOT_SPACE], .offset = va };

	*w = (struct walk){ 0 };
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		struct node *n;
		unsigned lss, slot;
		const struct cap *child;

		if (at.c->type == CAP_PAGE) {
			w->code = walk_page(&at, w);
			return;
		}
		n = at.c->type >= CAP_NODE && at.c->type <= CAP_SEGMENT ? cap_node(at.c) : NULL;
		if (!n) {
			w->code = cap_is_lost(at.c) ? WALK_LOST
				: at.c->type == CAP_NUMBER || cap_is_void(at.c) ? ERR_DATA : ERR_TYPE;
			return;
		}
		lss = at.c->data & DB_LSS;
		at.readonly |= (at.c->data & DB_READONLY) != 0 || at.c->type == CAP_SENSE;
		at.nocall |= (at.c->data & DB_NOCALL) != 0 || at.c->type == CAP_SENSE;
		at.noexec |= (at.c->rights & CAP_NOEXEC) != 0;
		if (lss == 0 && at.c->type == CAP_FETCH) {
			w->code = ERR_TYPE;
			return;
		}
		if (s && lss)
			space_mark_node(n, s, va - at.offset, 4 * lss);
		if (lss == 0) {
			w->code = walk_red(n, &at, w, &lss);
			if (s && lss) {
				space_mark_node(n, s, va - at.offset, 4 * lss);
				n->dep_flags |= NODE_WHOLE;
			}
			if (w->code)
				return;
		}
		if (lss < 3 || lss > 12 || at.offset >> (4 * lss) >= NODE_SLOTS) {
			w->code = lss < 3 || lss > 12 ? ERR_SSC : ERR_BEYOND;
			return;
		}
		slot = at.offset >> (4 * lss);
		child = &n->slot[slot];
		if (child->type == CAP_NUMBER) {
			w->code = walk_window(n, &at, lss, child);
			if (w->code)
				return;
			if (s)
				n->dep_flags |= NODE_WHOLE;
			at.single |= lss == 3;
			continue;
		}
		if (lss == 3 && child->type >= CAP_NODE && child->type <= CAP_SEGMENT)
			at.single = true;
		else if (lss == 3 && (at.c->data & DB_LSS) && !at.single) {
			w->leaf_node = n;
			w->leaf_writable = !at.readonly;
			w->leaf_executable = !at.noexec;
		}
		at.offset &= (1ull << (4 * lss)) - 1;
		at.c = child;
	}
	w->page = NULL;
	w->code = ERR_DEEP;
}
