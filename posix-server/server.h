/*
 * server.h - the server process as the kernel sees it: its capability registers, and the
 * keystore that holds every capability of the sandbox's objects.
 *
 * The keystore is one tree of nodes in CR_KEYSTORE.  Objects have numbers, and a number is
 * the path to the object's capability, four bits a level:
 *     slot 0  pages       5 levels, 4 when the bank's limit allows (keystore_levels)
 *     slot 1  nodes       the same
 *     slot 2  processes   3 levels
 *     slot 3, 4  the trees of the boot pack (base, overlay): 4 levels, sensory
 *     slot 5  a node of 16 slots to work in
 * The subtree of the pages is also the server's own memory at POOL_BASE, and the trees of the
 * pack are seen at PACK_BASE: whatever is in the keystore can be read without asking anyone.
 *
 * Invariants
 *   1. Numbers are given out in order and never given back to the bank; free ones are kept.
 *   2. A node of a process's memory tree is in that tree only: the kernel tracks one place of a
 *      node exactly, and flushes everything when a node with two places changes.
 *   3. malloc may use CR_TMP0..3 (the heap grows by capabilities), so nothing is left in them.
 */
#ifndef SERVER_H
#define SERVER_H
#include <keros/inv.h>
#include "posix.h"

enum server_register {
	CR_KEYSTORE = CR_APP0,         /* 8 */
	CR_SPACE = 9,                  /* the root of the server's own memory */
	CR_STDIN = 10, CR_STDOUT = 11, CR_STDERR = 12, CR_TERMINAL = 13,
	CR_TIMER = 14,
	CR_TIMER_NOTICE = CR_STORE,    /* 2: posts NOTICE_TIMER to us */
	CR_SYNC = CR_CONST,            /* 1: checkpoint, for waiting only; void: nothing outlives the machine */
	CR_RUN = 15,                   /* who waits for the end of the sandbox */
	CR_PROC0 = 16, PROC_CACHE = 8, /* 16..23: process capabilities used lately */
};

#define DATA_SANDBOX 0xFFFFu           /* start capability data: the sandbox interface */

/* Notice bits. */
#define NOTICE_TIMER 1u
#define NOTICE_SYNC  0x100u            /* a generation was committed */
#define NOTICE_RESTART 0x200u          /* the system goes on after a loss of power */
#define NOTICE_STREAM0 2u              /* << stream: input, output, error, terminal */

#define POOL_BASE 0x1000000000ull
#define PACK_BASE 0x2000000000ull      /* tree t is at PACK_BASE + t * PACK_STRIDE */
#define PACK_STRIDE 0x1000000000ull
#define PACK_INDEX_BITS 24             /* a pack page number: PAGE_PACK | tree << 24 | index */

typedef uint32_t nodeno;               /* 0 = none */

extern unsigned keystore_levels;

/* Makes the tops of the trees, for as many pages as the bank gives at most. */
bool keystore_init(uint64_t limit_frames);
/* Where a file tree of the pack is found from now on. */
bool keystore_pack(unsigned tree, cap_t value);
/* Fills sixteen page numbers from first (a multiple of 16) with fresh pages; how many there are. */
unsigned keystore_more_pages(pageno first);

/* Fills a page with zeroes by invocation; one that the disk has lost is made anew by that. */
bool keystore_page_clear(pageno p);

/* Clean: all slots void.  Otherwise the caller overwrites every slot.  0 at the bank's limit. */
nodeno node_alloc(bool clean);
void node_free(nodeno n);

/* Data-byte bits of a mapping. */
#define MAP_READONLY DB_READONLY
#define MAP_NOEXEC DB_NOEXEC
void tree_link_node(nodeno parent, unsigned slot, nodeno child, unsigned lss);
void tree_link_page(nodeno leaf, unsigned slot, pageno page, unsigned data_byte);
void tree_unlink(nodeno node, unsigned slot);
void tree_copy_readonly(nodeno to, nodeno from);
/* A node as the root of an address space, into a register. */
void tree_root(nodeno node, unsigned lss, cap_t to);

/* Processes by index.  process_cap gives a register that holds the capability now. */
bool process_make(unsigned index);
cap_t process_cap(unsigned index);
/* After a loss of power: the disk cannot give it back.  process_renew makes another in its place. */
bool process_is_lost(unsigned index);
bool process_renew(unsigned index);
/* The same without the cache, for the second of two processes in one invocation. */
void process_fetch(unsigned index, cap_t to);

/* limit: frames that the bank gives at most; length: bytes of a file tree of the pack. */
void page_init(uint64_t limit);
void pack_set(unsigned tree, uint64_t length);
#endif
