/*
 * vma.h - the areas of an address space: what may be where, with which rights.
 *
 * Invariants
 *   1. Areas are sorted, page-aligned, not empty, and do not overlap.
 *   2. Neighbours that could be one area are one, if inserting or protecting made them so.
 *   3. Every area holds one reference to its inode or shared memory (vma_hold, vma_drop).
 */
#ifndef VMA_H
#define VMA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMA_READ 1u
#define VMA_WRITE 2u
#define VMA_EXEC 4u

#define VMA_SHARED 1u
#define VMA_NORESERVE 2u
#define VMA_STACK 4u

struct inode;
struct shm;

struct vma {
	uint64_t start, end;
	uint32_t prot, flags;
	struct inode *inode;           /* a file mapping; NULL: anonymous */
	struct shm *shm;               /* anonymous and shared */
	uint64_t offset;               /* of start in the file or the shared memory */
};
struct vma_set { struct vma *v; uint32_t count, size; uint64_t bytes; };

/* One more, one less reference to what an area maps. */
void vma_hold(const struct vma *);
void vma_drop(const struct vma *);

struct vma *vma_find(const struct vma_set *, uint64_t address);   /* the area it is in, or NULL */
struct vma *vma_after(const struct vma_set *, uint64_t address);  /* the first that ends above it, or NULL */
bool vma_range_free(const struct vma_set *, uint64_t start, uint64_t end);
bool vma_range_full(const struct vma_set *, uint64_t start, uint64_t end);
/* All answer 0 or -ENOMEM and change nothing then.  insert takes its own reference. */
int vma_insert(struct vma_set *, const struct vma *area);         /* its range must be free */
int vma_remove(struct vma_set *, uint64_t start, uint64_t end);
int vma_protect(struct vma_set *, uint64_t start, uint64_t end, uint32_t prot);
int vma_copy(struct vma_set *to, const struct vma_set *from);
void vma_clear(struct vma_set *);
/* The lowest free range of that length in low..high, or 0. */
uint64_t vma_gap(const struct vma_set *, uint64_t low, uint64_t high, uint64_t length);
#endif
