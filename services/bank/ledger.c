/*
 * ledger.c - the books of the space bank (see ledger.h).
 *
 * Finding a free frame looks at one word of the free map in the common case, since the hint
 * moves only over full words.  Destroying scans low..high of the banks that die, which costs
 * some ten instructions a frame and needs no list through the frames of a bank.
 */
#include "ledger.h"
#include <string.h>

#define KIND_SHIFT 12
#define RUN_SEARCH_WORDS 256       /* bounds the search for a run: a short one does as well */
#define OWNER(bank, kind) ((uint16_t)((bank) | (kind) << KIND_SHIFT))

static unsigned frame_kind(const struct ledger *l, uint32_t f)
{
	return l->frame[f].owner >> KIND_SHIFT;
}

static unsigned frame_bank(const struct ledger *l, uint32_t f)
{
	return l->frame[f].owner & ((1u << KIND_SHIFT) - 1);
}

static bool frame_is_free(const struct ledger *l, uint32_t f)
{
	return l->free[f / 64] >> (f % 64) & 1;
}

static uint32_t map_words(uint32_t frames)
{
	return (frames + 63) / 64;
}

size_t ledger_bytes(uint32_t frames)
{
	return map_words(frames) * sizeof(uint64_t) + (size_t)frames * sizeof(struct ledger_frame);
}

void ledger_init(struct ledger *l, void *memory, uint32_t frames, uint32_t held)
{
	memset(l, 0, sizeof *l);
	l->free = memory;
	l->frame = (struct ledger_frame *)(l->free + map_words(frames));
	l->frames = frames;
	l->free_count = frames - held;
	l->banks = 1;
	l->bank[0] = (struct ledger_bank){ .live = true, .limit = LEDGER_NO_LIMIT, .partial = LEDGER_NONE, .low = frames };
	for (uint32_t f = 0; f < held; f++)
		l->frame[f].owner = OWNER(0, LEDGER_HELD);
	for (uint32_t f = held; f < frames; f++)
		l->free[f / 64] |= 1ull << f % 64;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static uint32_t bank_left(const struct ledger_bank *b)
{
	return b->used >= b->limit ? 0 : b->limit - b->used;
}

uint32_t ledger_available(const struct ledger *l, unsigned bank)
{
	uint32_t least = l->free_count;

	for (unsigned b = bank;; b = l->bank[b].parent) {
		uint32_t left = l->bank[b].limit == LEDGER_NO_LIMIT ? LEDGER_NO_LIMIT : bank_left(&l->bank[b]);

		if (left < least)
			least = left;
		if (b == 0)
			return least;
	}
}

static void charge(struct ledger *l, unsigned bank, int32_t frames)
{
	for (unsigned b = bank;; b = l->bank[b].parent) {
		l->bank[b].used += frames;
		if (b == 0)
			return;
	}
}

void ledger_limit_set(struct ledger *l, unsigned bank, uint64_t limit)
{
	l->bank[bank].limit = limit > LEDGER_NO_LIMIT ? LEDGER_NO_LIMIT : (uint32_t)limit;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* The lowest free frame; there must be one. */
static uint32_t frame_lowest_free(struct ledger *l)
{
	while (l->free[l->hint] == 0)
		l->hint++;
	return l->hint * 64 + __builtin_ctzll(l->free[l->hint]);
}

/* One more at its end, or the first of another. */
static void stretch_add(struct ledger_bank *b, uint32_t f)
{
	if (b->stretch == b->stretch_end || f != b->stretch_end)
		b->stretch = f;
	b->stretch_end = f + 1;
}

/* What is left of it on one side of a page that is given back: the longer one. */
static void stretch_cut(struct ledger_bank *b, uint32_t f)
{
	if (f < b->stretch || f >= b->stretch_end)
		return;
	if (f - b->stretch > b->stretch_end - (f + 1))
		b->stretch_end = f;
	else
		b->stretch = f + 1;
}

static void frame_take(struct ledger *l, uint32_t f, unsigned bank, unsigned kind)
{
	struct ledger_bank *b = &l->bank[bank];

	l->free[f / 64] &= ~(1ull << f % 64);
	l->free_count--;
	l->frame[f] = (struct ledger_frame){ .owner = OWNER(bank, kind), .next = LEDGER_NONE, .prev = LEDGER_NONE };
	if (f < b->low)
		b->low = f;
	if (f > b->high)
		b->high = f;
	if (kind == LEDGER_PAGE)
		stretch_add(b, f);
}

static void frame_give(struct ledger *l, uint32_t f)
{
	stretch_cut(&l->bank[frame_bank(l, f)], f);
	l->frame[f].owner = OWNER(0, LEDGER_FREE);
	l->free[f / 64] |= 1ull << f % 64;
	l->free_count++;
	if (f / 64 < l->hint)
		l->hint = f / 64;
}

static uint32_t run_length(const struct ledger *l, uint32_t f, uint32_t count)
{
	uint32_t n = 0;

	while (n < count && f + n < l->frames && frame_is_free(l, f + n))
		n++;
	return n;
}

/*
 * Where count free frames stand in a row, or the best that is quickly found: after the last
 * run given out, else at the lowest free frame.  Sets *length to what there is.
 */
static uint32_t run_find(struct ledger *l, uint32_t count, uint32_t *length)
{
	uint32_t lowest = frame_lowest_free(l), best = lowest;

	*length = run_length(l, lowest, count);
	if (*length < count && l->run_hint > lowest) {
		uint32_t n = run_length(l, l->run_hint, count);

		if (n > *length) {
			*length = n;
			best = l->run_hint;
		}
	}
	/* Somewhere above there may be an untouched stretch: the first wholly free word shows it. */
	uint32_t end = map_words(l->frames);

	if (end > l->hint + RUN_SEARCH_WORDS)
		end = l->hint + RUN_SEARCH_WORDS;
	for (uint32_t w = l->hint; *length < count && w < end; w++) {
		if (l->free[w] == ~0ull) {
			*length = count < 64 ? count : 64;
			best = w * 64;
		}
	}
	l->run_hint = best + *length;
	return best;
}

/* ---- pots of nodes --------------------------------------------------------------------------- */

static void partial_push(struct ledger *l, struct ledger_bank *b, uint32_t pot)
{
	l->frame[pot].prev = LEDGER_NONE;
	l->frame[pot].next = b->partial;
	if (b->partial != LEDGER_NONE)
		l->frame[b->partial].prev = pot;
	b->partial = pot;
}

static void partial_remove(struct ledger *l, struct ledger_bank *b, uint32_t pot)
{
	struct ledger_frame *f = &l->frame[pot];

	if (f->prev != LEDGER_NONE)
		l->frame[f->prev].next = f->next;
	else
		b->partial = f->next;
	if (f->next != LEDGER_NONE)
		l->frame[f->next].prev = f->prev;
}

/* A run of nodes in one pot: the bank's first partial pot, or a new one. */
static uint32_t nodes_alloc(struct ledger *l, unsigned bank, uint32_t count, uint64_t *first)
{
	struct ledger_bank *b = &l->bank[bank];
	uint32_t pot = b->partial, n = 0;

	/* A whole pot is wanted: then a new one keeps the run in one piece. */
	if (pot == LEDGER_NONE || (count >= LEDGER_POT_NODES && ledger_available(l, bank) > 0)) {
		if (ledger_available(l, bank) == 0)
			return 0;
		pot = frame_lowest_free(l);
		frame_take(l, pot, bank, LEDGER_NODE);
		charge(l, bank, 1);
		partial_push(l, b, pot);
	}

	struct ledger_frame *f = &l->frame[pot];
	unsigned index = __builtin_ctz(~f->map);

	while (n < count && index + n < LEDGER_POT_NODES && !(f->map >> (index + n) & 1)) {
		f->map |= 1u << (index + n);
		n++;
	}
	if (f->map == LEDGER_POT_FULL)
		partial_remove(l, b, pot);
	*first = (uint64_t)pot * 16 + index;
	return n;
}

static void node_give(struct ledger *l, uint32_t pot, unsigned index)
{
	struct ledger_frame *f = &l->frame[pot];
	unsigned bank = frame_bank(l, pot);

	if (f->map == LEDGER_POT_FULL)
		partial_push(l, &l->bank[bank], pot);
	f->map &= ~(1u << index);
	if (f->map == 0) {
		partial_remove(l, &l->bank[bank], pot);
		charge(l, bank, -1);
		frame_give(l, pot);
	}
}

/* ---- objects --------------------------------------------------------------------------------- */

uint32_t ledger_alloc(struct ledger *l, unsigned bank, unsigned kind, uint32_t count, uint64_t *first)
{
	uint32_t available, f;

	if (kind == LEDGER_NODE)
		return nodes_alloc(l, bank, count, first);

	if ((available = ledger_available(l, bank)) == 0)
		return 0;
	if (count > available)
		count = available;
	if (count == 1)
		f = frame_lowest_free(l);
	else
		f = run_find(l, count, &count);
	for (uint32_t i = 0; i < count; i++)
		frame_take(l, f + i, bank, kind);
	charge(l, bank, (int32_t)count);
	*first = f;
	return count;
}

static bool bank_is_below(const struct ledger *l, unsigned bank, unsigned above)
{
	while (bank != above && bank != 0)
		bank = l->bank[bank].parent;
	return bank == above;
}

bool ledger_owns(const struct ledger *l, unsigned bank, unsigned kind, uint64_t offset)
{
	uint64_t f = kind == LEDGER_NODE ? offset / 16 : offset;

	if (kind < LEDGER_PAGE || kind > LEDGER_PROCESS || f >= l->frames || frame_kind(l, f) != kind)
		return false;
	if (kind == LEDGER_NODE && (offset % 16 >= LEDGER_POT_NODES || !(l->frame[f].map >> offset % 16 & 1)))
		return false;
	return bank_is_below(l, frame_bank(l, f), bank);
}

bool ledger_owns_itself(const struct ledger *l, unsigned bank, unsigned kind, uint64_t offset)
{
	uint64_t f = kind == LEDGER_NODE ? offset / 16 : offset;

	return kind >= LEDGER_PAGE && kind <= LEDGER_PROCESS && f < l->frames && l->frame[f].owner == OWNER(bank, kind) &&
	       (kind != LEDGER_NODE || (offset % 16 < LEDGER_POT_NODES && l->frame[f].map >> offset % 16 & 1));
}

#define STRETCH_LOOK 32            /* frames on either side */

void ledger_stretch_move(struct ledger *l, unsigned bank, uint64_t page)
{
	struct ledger_bank *b = &l->bank[bank];
	uint32_t first = page, end = page + 1;

	while (first > 0 && page - first < STRETCH_LOOK && l->frame[first - 1].owner == OWNER(bank, LEDGER_PAGE))
		first--;
	while (end < l->frames && end - page < STRETCH_LOOK && l->frame[end].owner == OWNER(bank, LEDGER_PAGE))
		end++;
	b->stretch = first;
	b->stretch_end = end;
}

void ledger_free(struct ledger *l, unsigned kind, uint64_t offset)
{
	if (kind == LEDGER_NODE) {
		node_give(l, offset / 16, offset % 16);
		return;
	}
	charge(l, frame_bank(l, offset), -1);
	frame_give(l, offset);
}

/* ---- banks ----------------------------------------------------------------------------------- */

/*
 * An index is never used again, since a start capability to a dead bank would then name a
 * living one.  So that nobody uses up the indices of others, every bank has an allowance of banks
 * that may be made below it: a child of the root a fixed one, any other a quarter of what its
 * parent has left.  Each bank made is taken from the allowances of all above it.
 */
#define SUBS_ALLOWED 128

unsigned ledger_bank_make(struct ledger *l, unsigned parent, uint64_t limit)
{
	struct ledger_bank *p = &l->bank[parent];
	unsigned index = l->banks;

	for (unsigned b = parent; b != 0; b = l->bank[b].parent)
		if (l->bank[b].subs_left == 0)
			return 0;
	if (index == LEDGER_BANKS)
		return 0;
	for (unsigned b = parent; b != 0; b = l->bank[b].parent)
		l->bank[b].subs_left--;
	l->banks++;
	l->bank[index] = (struct ledger_bank){ .parent = parent, .sibling = p->child, .live = true,
					       .subs_left = parent ? p->subs_left / 4 : SUBS_ALLOWED,
					       .partial = LEDGER_NONE, .low = l->frames };
	ledger_limit_set(l, index, limit);
	p->child = index;
	return index;
}

static void bank_unlink(struct ledger *l, unsigned bank)
{
	uint16_t *at = &l->bank[l->bank[bank].parent].child;

	while (*at != bank)
		at = &l->bank[*at].sibling;
	*at = l->bank[bank].sibling;
}

/* The bank or one below it that may still have frames; deepest first, so that leaves go first. */
static unsigned bank_deepest(const struct ledger *l, unsigned bank)
{
	while (l->bank[bank].child != 0)
		bank = l->bank[bank].child;
	return bank;
}

/* Takes the next run of the bank's own frames out of the books.  False: it has none left. */
static bool bank_run_take(struct ledger *l, unsigned bank, struct ledger_run *run)
{
	struct ledger_bank *b = &l->bank[bank];
	uint32_t f, n = 0;

	for (f = b->low; f <= b->high && f < l->frames; f++)
		if (frame_bank(l, f) == bank && frame_kind(l, f) != LEDGER_FREE && frame_kind(l, f) != LEDGER_HELD)
			break;
	b->low = f;
	if (f > b->high || f >= l->frames)
		return false;

	unsigned kind = frame_kind(l, f);
	uint32_t most = kind == LEDGER_NODE ? 1 : LEDGER_NO_LIMIT;
	while (n < most && f + n <= b->high && l->frame[f + n].owner == OWNER(bank, kind)) {
		frame_give(l, f + n);
		n++;
	}
	charge(l, bank, -(int32_t)n);
	b->low = f + n;
	*run = kind == LEDGER_NODE ? (struct ledger_run){ kind, (uint64_t)f * 16, LEDGER_POT_NODES }
				   : (struct ledger_run){ kind, f, n };
	return true;
}

/* Marks the bank and everything below it dead, so that no message can allocate from it again. */
static void banks_kill(struct ledger *l, unsigned bank)
{
	l->bank[bank].live = false;
	for (unsigned c = l->bank[bank].child; c != 0; c = l->bank[c].sibling)
		banks_kill(l, c);
}

bool ledger_destroy_step(struct ledger *l, unsigned bank, struct ledger_run *run)
{
	if (l->bank[bank].live)
		banks_kill(l, bank);
	for (;;) {
		unsigned b = bank_deepest(l, bank);

		if (bank_run_take(l, b, run))
			return true;
		if (b != 0)
			bank_unlink(l, b);
		l->bank[b].partial = LEDGER_NONE;
		if (b == bank)
			return false;
	}
}

bool ledger_empty_step(struct ledger *l, unsigned bank, struct ledger_run *run)
{
	for (unsigned b = bank_deepest(l, bank); b != bank; b = bank_deepest(l, bank)) {
		l->bank[b].live = false;
		if (bank_run_take(l, b, run))
			return true;
		bank_unlink(l, b);
		l->bank[b].partial = LEDGER_NONE;
	}
	if (bank_run_take(l, bank, run))
		return true;
	l->bank[bank].partial = LEDGER_NONE;
	l->bank[bank].low = l->frames;
	l->bank[bank].high = 0;
	return false;
}

void ledger_merge(struct ledger *l, unsigned bank)
{
	struct ledger_bank *b = &l->bank[bank];
	struct ledger_bank *p = &l->bank[b->parent];

	b->live = false;
	bank_unlink(l, bank);

	/* Banks below move up; what they use was counted above already. */
	while (b->child != 0) {
		unsigned c = b->child;

		b->child = l->bank[c].sibling;
		l->bank[c].parent = b->parent;
		l->bank[c].sibling = p->child;
		p->child = c;
	}

	/* Its own frames change owner, and its partial pots list. */
	for (uint32_t f = b->low; f <= b->high && f < l->frames; f++) {
		if (frame_bank(l, f) != bank || frame_kind(l, f) == LEDGER_FREE)
			continue;
		l->frame[f].owner = OWNER(b->parent, frame_kind(l, f));
		if (f < p->low)
			p->low = f;
		if (f > p->high)
			p->high = f;
	}
	while (b->partial != LEDGER_NONE) {
		uint32_t pot = b->partial;

		partial_remove(l, b, pot);
		partial_push(l, p, pot);
	}
}

/* ---- checking -------------------------------------------------------------------------------- */

static int check_frame(const struct ledger *l, uint32_t f)
{
	unsigned kind = frame_kind(l, f);
	const struct ledger_bank *b = &l->bank[frame_bank(l, f)];

	if ((kind == LEDGER_FREE) != frame_is_free(l, f))
		return 1;
	if (kind == LEDGER_FREE || kind == LEDGER_HELD)
		return 0;
	if (!b->live)
		return 1;
	if (kind == LEDGER_NODE && (l->frame[f].map == 0 || l->frame[f].map & ~LEDGER_POT_FULL))
		return 3;
	return f < b->low || f > b->high ? 4 : 0;
}

static bool check_stretch(const struct ledger *l, unsigned bank)
{
	const struct ledger_bank *b = &l->bank[bank];

	for (uint32_t f = b->stretch; f < b->stretch_end; f++)
		if (f >= l->frames || l->frame[f].owner != OWNER(bank, LEDGER_PAGE))
			return false;
	return b->stretch <= b->stretch_end;
}

static uint32_t check_used(const struct ledger *l, unsigned bank)
{
	uint32_t used = 0;

	for (uint32_t f = 0; f < l->frames; f++)
		if (frame_kind(l, f) != LEDGER_FREE && frame_kind(l, f) != LEDGER_HELD)
			used += bank_is_below(l, frame_bank(l, f), bank);
	return used;
}

static uint32_t check_partial(const struct ledger *l, unsigned bank)
{
	uint32_t pots = 0;

	for (uint32_t f = l->bank[bank].partial; f != LEDGER_NONE && pots <= l->frames; f = l->frame[f].next) {
		if (l->frame[f].owner != OWNER(bank, LEDGER_NODE) || l->frame[f].map == LEDGER_POT_FULL)
			return LEDGER_NONE;
		pots++;
	}
	for (uint32_t f = 0; f < l->frames; f++)
		if (l->frame[f].owner == OWNER(bank, LEDGER_NODE) && l->frame[f].map != LEDGER_POT_FULL)
			pots--;
	return pots;
}

int ledger_check(const struct ledger *l)
{
	uint32_t free_count = 0;

	for (uint32_t f = 0; f < l->frames; f++) {
		int broken = check_frame(l, f);

		if (broken)
			return broken;
		free_count += frame_is_free(l, f);
	}
	if (free_count != l->free_count)
		return 1;
	for (unsigned b = 0; b < l->banks; b++) {
		if (!l->bank[b].live)
			continue;
		if (check_used(l, b) != l->bank[b].used)
			return 2;
		if (check_partial(l, b) != 0)
			return 3;
		if (!check_stretch(l, b))
			return 5;
	}
	return 0;
}
