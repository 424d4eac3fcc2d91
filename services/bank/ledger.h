/*
 * ledger.h - the books of the space bank: which bank owns which frame, and who is at his limit.
 *
 * Invariants (ledger_check tests each)
 *   1. A frame is free, or has one kind and one live bank; the free map says the same.
 *   2. used of a bank = frames of that bank and of every bank below it, and is at most its limit
 *      (unless the limit was lowered below what was used already).
 *   3. A pot of nodes is in its bank's partial list if and only if a node of it is free; a pot
 *      without a node in use is a free frame.
 *   4. Every frame of a bank lies in low..high of that bank.
 *   5. Every frame of a bank's stretch, if it has one, is a page of that very bank.
 *
 * Interface: pure C, no invocation, no allocation; the caller makes and rescinds the objects.
 * Objects are named as in idl/range.idl: kind and offset, a node's being frame*16 + index.
 */
#ifndef BANK_LEDGER_H
#define BANK_LEDGER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "keros/abi.h"

enum ledger_kind { LEDGER_FREE = 0, LEDGER_PAGE = 1, LEDGER_NODE = 2, LEDGER_PROCESS = 3, LEDGER_HELD = 4 };

#define LEDGER_BANKS     2048
#define LEDGER_NO_LIMIT  0xFFFFFFFFu
#define LEDGER_NONE      0xFFFFFFFFu
#define LEDGER_POT_NODES 15u
#define LEDGER_POT_FULL  0x7FFFu

struct ledger_frame {
	uint16_t owner;                /* bank index | kind << 12 */
	uint16_t map;                  /* pot: the nodes in use, bits 0..14 */
	uint32_t next, prev;           /* pot with a free node: its bank's partial list */
};

struct ledger_bank {
	uint16_t parent, child, sibling;
	bool live;
	uint16_t subs_left;            /* banks that may yet be made below it (not of the root) */
	uint32_t limit, used;
	uint32_t partial;              /* head of the list of pots with a free node */
	uint32_t low, high;            /* bounds of its frames; low > high if it has none */
	uint32_t stretch, stretch_end; /* pages of its own in a row, where it last got or renewed one; equal: none */
};

struct ledger {
	struct ledger_frame *frame;
	uint64_t *free;                /* one bit a frame, 1 = free */
	uint32_t frames, free_count;
	uint32_t hint;                 /* no word of the free map before this one has a bit set */
	uint32_t run_hint;             /* frame after the last run given out */
	uint32_t banks;                /* indices below this have been used; none is used twice */
	struct ledger_bank bank[LEDGER_BANKS];
};

/* A run of objects of one kind, as range_rescind takes it. */
struct ledger_run { unsigned kind; uint64_t first; uint32_t count; };

/* Bytes of memory that the tables for so many frames take. */
size_t ledger_bytes(uint32_t frames);
/* memory must be zeroed.  The first held frames are never given out.  Bank 0 is the root. */
void ledger_init(struct ledger *l, void *memory, uint32_t frames, uint32_t held);

/*
 * Up to count objects with consecutive offsets for the bank; how many is returned and the first
 * offset set.  0: a bank on the path is at its limit, or nothing is free.
 */
uint32_t ledger_alloc(struct ledger *l, unsigned bank, unsigned kind, uint32_t count, uint64_t *first);

/* Whether the object exists and belongs to the bank or to one below it. */
bool ledger_owns(const struct ledger *l, unsigned bank, unsigned kind, uint64_t offset);
/* As ledger_owns, but only of this very bank. */
bool ledger_owns_itself(const struct ledger *l, unsigned bank, unsigned kind, uint64_t offset);
/* Pages of this very bank in a row, known without looking: how many, 0 or more, from *first on. */
static inline uint32_t ledger_stretch(const struct ledger *l, unsigned bank, uint64_t *first)
{
	*first = l->bank[bank].stretch;
	return l->bank[bank].stretch_end - l->bank[bank].stretch;
}
/* From now on those around this page, which is the bank's own. */
void ledger_stretch_move(struct ledger *l, unsigned bank, uint64_t page);
/* The object must exist (ledger_owns).  Its bank gets the frame back when nothing is left in it. */
void ledger_free(struct ledger *l, unsigned kind, uint64_t offset);

/* 0 if there cannot be another bank (0 is the root, which nobody makes). */
unsigned ledger_bank_make(struct ledger *l, unsigned parent, uint64_t limit);
static inline bool ledger_bank_live(const struct ledger *l, unsigned bank)
{
	return bank < l->banks && l->bank[bank].live;
}
void ledger_limit_set(struct ledger *l, unsigned bank, uint64_t limit);
/* Frames it could still get: the least that a bank on the path has left, or what is free. */
uint32_t ledger_available(const struct ledger *l, unsigned bank);

/*
 * Destroys the bank and all below it.  Call until it returns false; after each true, rescind the
 * run.  The bank is dead from the first call on.
 */
bool ledger_destroy_step(struct ledger *l, unsigned bank, struct ledger_run *run);
/* As ledger_destroy_step, but the bank itself lives on, empty. */
bool ledger_empty_step(struct ledger *l, unsigned bank, struct ledger_run *run);
/* The bank dies; frames and banks below pass to its parent.  Not for the root. */
void ledger_merge(struct ledger *l, unsigned bank);

/* 0, or the number of the invariant that does not hold. */
int ledger_check(const struct ledger *l);
#endif
