/*
 * mm.h - an address space: its areas, and a software page table that mirrors the memory tree
 * which the kernel walks.
 *
 * The mirror.  A leaf is a node of lss 3: sixteen pages.  A table is a node above; its child in
 * a slot may be of any smaller lss, so long as all that is there lies at the start of that slot
 * (the kernel's rule for skipped levels).  So a space with little in it has few nodes, and a table
 * is put in between only when something further up its slot is mapped.
 *
 * Invariants
 *   1. page[i] == 0: slot i of the leaf's node is void.
 *   2. Bit i of linked: the node holds that page's capability (clear: PROT_NONE keeps the page).
 *   3. Bit i of writable: that capability lets it be written; then page[i] has no other holder,
 *      or lies in a shared area.
 *   4. Every page[i] is one reference.
 *   5. The pages of the shim are in the leaf of USER_END, outside every area.
 */
#ifndef MM_H
#define MM_H
#include "server.h"
#include "vma.h"

#define USER_START 0x10000ull
#define USER_END   0xF00000D000ull     /* the stack ends here; the shim is above */
#define STACK_TOP  USER_END
#define STACK_SIZE (8ull << 20)
#define MMAP_LOW   0x1000000000ull     /* grows up from here: each 64 GiB slot starts small */
#define MMAP_HIGH  0xD000000000ull
#define PIE_BASE   0xD000000000ull     /* slot 13: a static-PIE and its heap */
#define INTERP_BASE 0xE000000000ull
#define ROOT_LSS 9u
#define LEAF_LSS 3u
#define LEAF_BYTES 0x10000ull

struct mnode { uint64_t base; nodeno node; uint8_t lss; };
struct leaf { struct mnode m; bool spare; uint16_t linked, writable; pageno page[NODE_SLOTS]; };
struct table { struct mnode m; struct mnode *child[NODE_SLOTS]; };

struct mm {
	uint32_t refs;
	struct table *root;
	struct leaf *last;             /* where the last look-up ended */
	struct vma_set areas;
	uint64_t brk_start, brk;
	uint64_t resident;             /* pages */
	uint32_t spares;               /* leaves that were left in place when their last page went */
	pageno shim_page;
};

/* Shared anonymous memory: pages by index, made on first touch. */
struct shm { uint32_t refs; uint32_t pages; pageno page[]; };
struct shm *shm_new(uint64_t pages);

bool shim_init(void);                  /* makes the page of text; false: no memory */
struct mm *mm_new(void);               /* one reference; NULL at the bank's limit */
struct mm *mm_fork(struct mm *);
void mm_put(struct mm *);
struct shim_data *mm_shim(const struct mm *);

struct leaf *mm_leaf(struct mm *, uint64_t address);        /* or NULL */
struct leaf *mm_leaf_make(struct mm *, uint64_t address);   /* or NULL at the limit */
void leaf_set(struct mm *, struct leaf *, unsigned slot, pageno page, uint32_t prot, bool writable); /* takes the reference */
void mm_drop_pages(struct mm *, uint64_t start, uint64_t end);
void mm_restrict(struct mm *, uint64_t start, uint64_t end, uint32_t prot);
bool mm_move_pages(struct mm *, uint64_t from, uint64_t to, uint64_t length);

enum mm_fault { MM_OK, MM_UNMAPPED, MM_DENIED, MM_BUS, MM_NO_MEMORY };
enum mm_fault mm_fault(struct mm *, uint64_t address, unsigned access);  /* FAULT_ACCESS_* */

/* The server's address of a user byte, contiguous for *n; NULL = it may not be touched so. */
void *mm_window(struct mm *, uint64_t at, size_t *n, bool write);
int mm_write(struct mm *, uint64_t to, const void *from, size_t n);
int mm_zero(struct mm *, uint64_t to, size_t n);

/* Maps without asking whose limits; the range is emptied first.  0 or -ENOMEM. */
int mm_map(struct mm *, const struct vma *area);
int mm_unmap(struct mm *, uint64_t start, uint64_t end);
#endif
