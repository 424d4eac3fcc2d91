/*
 * heap.h - Lua's memory: an allocator for a program that knows the size of what it frees.
 *
 * Interface
 *   1. heap_alloc is a lua_Alloc; NULL means that the bank is at its limit, which Lua makes an error.
 *   2. The heap is one run of addresses, and when that is full a second one, which is the last; heap_map (the domain's,
 *      or a test's) puts memory there.
 *   3. What was freed is used again; a free end of more than a mebibyte is given back (heap_unmap).
 *
 * Small blocks (to HEAP_SMALL bytes) lie in slabs of 2 KiB, each of one size class; all others have a header of 16
 * bytes with the sizes of their neighbours, and free ones are merged.
 */
#ifndef LUA_DOMAIN_HEAP_H
#define LUA_DOMAIN_HEAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_SMALL 256u
#define HEAP_STEP  65536u              /* memory is mapped in portions of this size */

struct heap_region { uintptr_t start, limit; };       /* start: a multiple of 16; limit: of HEAP_STEP */
void heap_init(struct heap_region first, struct heap_region second);
void *heap_alloc(void *unused, void *block, size_t old_size, size_t new_size);

/* Bytes in blocks that are in use, and bytes mapped. */
size_t heap_used(void);
size_t heap_mapped(void);
/*
 * The heap is to end with the page after what is in use: where that is, and where it ends now.  What was mapped beyond
 * is forgotten.  False once the second region is used.
 */
bool heap_cut(uintptr_t *used_end, uintptr_t *end);

/* Given by whoever links this: memory from..to, zeroed or not; false if there is none. */
bool heap_map(uintptr_t from, uintptr_t to);
void heap_unmap(uintptr_t from, uintptr_t to);
#endif
