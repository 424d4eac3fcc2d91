/*
 * mem.c - the memory calls: mmap and its family, brk.
 *
 * Rules
 *   1. Reservations cost nothing: an area is a record, pages come when touched.  Only a private
 *      writable request that the sandbox's bank could never fill is refused at once.
 *   2. Addresses given by the program are taken if the range is free (or MAP_FIXED); else the
 *      lowest free range of the mapping area: low addresses need fewest nodes (mm.h).
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "mm.h"
#include "process.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define PAGE_MASK (~(uint64_t)(PAGE_SIZE - 1))

static uint64_t page_up(uint64_t n)
{
	return (n + PAGE_SIZE - 1) & PAGE_MASK;
}

/* ---- what areas hold --------------------------------------------------------------------------- */

struct shm *shm_new(uint64_t pages)
{
	struct shm *s = pages < (1u << 20) ? calloc(1, sizeof *s + pages * sizeof(pageno)) : NULL;

	if (s)
		s->pages = pages;
	return s;
}

void vma_hold(const struct vma *v)
{
	if (v->inode) {
		inode_get(v->inode);
		inode_mapped(v->inode, 1);
	}
	if (v->shm)
		v->shm->refs++;
}

void vma_drop(const struct vma *v)
{
	struct shm *s = v->shm;

	if (v->inode) {
		inode_mapped(v->inode, -1);
		inode_put(v->inode);
	}
	if (!s || --s->refs)
		return;
	for (uint32_t i = 0; i < s->pages; i++)
		page_put(s->page[i]);
	free(s);
}

/* ---- maps -------------------------------------------------------------------------------------- */

int mm_unmap(struct mm *mm, uint64_t start, uint64_t end)
{
	int err;

	if (vma_range_free(&mm->areas, start, end))
		return 0;
	err = vma_remove(&mm->areas, start, end);
	if (!err)
		mm_drop_pages(mm, start, end);
	return err;
}

int mm_map(struct mm *mm, const struct vma *area)
{
	int err = mm_unmap(mm, area->start, area->end);

	return err ? err : vma_insert(&mm->areas, area);
}

/* ---- calls ------------------------------------------------------------------------------------- */

static bool range_bad(uint64_t start, uint64_t length)
{
	return (start & ~PAGE_MASK) || start >= USER_END || length > USER_END || start + page_up(length) > USER_END;
}

/* Whether so many more bytes of private memory could ever be had, and the limit allows them. */
static bool commit_refused(struct proc *p, uint64_t length)
{
	return length >> PAGE_SHIFT > pages_limit() ||
	       p->mm->areas.bytes + length > p->rlimit[RLIMIT_AS][0];
}

static long map_place(struct mm *mm, uint64_t hint, uint64_t length, int flags, uint64_t *at)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (range_bad(hint, length))
			return (hint & ~PAGE_MASK) ? -EINVAL : -ENOMEM;
		if (hint < USER_START)
			return -EPERM;
		if ((flags & MAP_FIXED_NOREPLACE) && !vma_range_free(&mm->areas, hint, hint + length))
			return -EEXIST;
		*at = hint;
		return 0;
	}
	hint = page_up(hint);
	if (hint >= USER_START && !range_bad(hint, length) && vma_range_free(&mm->areas, hint, hint + length)) {
		*at = hint;
		return 0;
	}
	*at = vma_gap(&mm->areas, MMAP_LOW, MMAP_HIGH, length);
	return *at ? 0 : -ENOMEM;
}

static long map_file(struct proc *p, int fd, uint64_t length, uint64_t prot, int flags, struct vma *v)
{
	struct file *f = fd_get(p, fd);
	unsigned mode;

	if (!f || (f->flags & O_PATH_K))
		return -EBADF;
	if (!f->inode || !S_ISREG(inode_mode(f->inode)))
		return -ENODEV;
	mode = f->flags & 3;
	/* A shared mapping of what another serves could not be kept the same as the file. */
	if (inode_is_share(f->inode) && (flags & MAP_SHARED) && (prot & PROT_WRITE))
		return -EINVAL;
	if (mode == 1 || ((flags & MAP_SHARED) && (prot & PROT_WRITE) && mode != 2))
		return -EACCES;
	v->inode = f->inode;
	return inode_load(p, f->inode, v->offset, length);
}

static long sys_mmap(struct proc *p, uint64_t *a)
{
	uint64_t length = page_up(a[1]);
	int flags = a[3], type = flags & MAP_TYPE;
	bool shared = type == MAP_SHARED || type == 3;
	struct vma v = { .prot = a[2] & 7, .flags = shared ? VMA_SHARED : 0, .offset = a[5] };
	long err;

	if (!a[1] || !type || type > 3 || (a[5] & ~PAGE_MASK))
		return -EINVAL;
	if (length < a[1] || length > USER_END)
		return -ENOMEM;
	if (flags & MAP_NORESERVE)
		v.flags |= VMA_NORESERVE;
	if (!(flags & MAP_ANONYMOUS) && (err = map_file(p, (int)a[4], length, a[2], flags, &v)))
		return err;
	if ((v.prot & VMA_WRITE) && !(flags & MAP_NORESERVE) && commit_refused(p, length))
		return -ENOMEM;
	err = map_place(p->mm, a[0], length, flags, &v.start);
	if (err)
		return err;
	v.end = v.start + length;
	if (shared && !v.inode) {
		v.offset = 0;
		v.shm = shm_new(length >> PAGE_SHIFT);
		if (!v.shm)
			return -ENOMEM;
	} else if (!v.inode) {
		v.offset = 0;
	}
	err = mm_map(p->mm, &v);
	if (err && v.shm)
		free(v.shm);
	return err ? err : (long)v.start;
}

static long sys_munmap(struct proc *p, uint64_t *a)
{
	if (!a[1] || range_bad(a[0], a[1]))
		return -EINVAL;
	return mm_unmap(p->mm, a[0], a[0] + page_up(a[1]));
}

/* Whether a shared mapping of a file that the process may not write is in the range. */
static bool shared_file_refuses(struct proc *p, uint64_t start, uint64_t end)
{
	const struct vma_set *s = &p->mm->areas;

	for (struct vma *v = vma_after(s, start); v && v < s->v + s->count && v->start < end; v++)
		if (v->inode && (v->flags & VMA_SHARED) && (inode_access(v->inode, p, 2) || inode_is_share(v->inode)))
			return true;
	return false;
}

static long sys_mprotect(struct proc *p, uint64_t *a)
{
	uint64_t end = a[0] + page_up(a[1]);
	int err;

	if (a[0] & ~PAGE_MASK)
		return -EINVAL;
	if (!a[1])
		return 0;
	if (range_bad(a[0], a[1]))
		return -ENOMEM;
	if ((a[2] & PROT_WRITE) && shared_file_refuses(p, a[0], end))
		return -EACCES;
	err = vma_protect(&p->mm->areas, a[0], end, a[2] & 7);
	if (!err)
		mm_restrict(p->mm, a[0], end, a[2] & 7);
	return err;
}

static long sys_brk(struct proc *p, uint64_t *a)
{
	struct mm *mm = p->mm;
	uint64_t old = page_up(mm->brk), new = page_up(a[0]);

	if (a[0] < mm->brk_start || a[0] > USER_END)
		return mm->brk;
	if (new > old) {
		struct vma v = { .start = old, .end = new, .prot = VMA_READ | VMA_WRITE };

		if (new - mm->brk_start > p->rlimit[RLIMIT_DATA][0] || commit_refused(p, new - old) ||
		    !vma_range_free(&mm->areas, old, new) || vma_insert(&mm->areas, &v))
			return mm->brk;
	} else if (new < old && mm_unmap(mm, new, old)) {
		return mm->brk;
	}
	mm->brk = a[0];
	return mm->brk;
}

/* Grows the area in place, if what follows is free. */
static bool remap_grow(struct mm *mm, struct vma v, uint64_t old_end, uint64_t new_end)
{
	if (v.end != old_end || new_end > USER_END || !vma_range_free(&mm->areas, old_end, new_end))
		return false;
	if (v.shm && v.offset + (new_end - v.start) > (uint64_t)v.shm->pages << PAGE_SHIFT)
		return false;
	v.offset += old_end - v.start;
	if (!v.inode && !v.shm)
		v.offset = 0;
	v.start = old_end;
	v.end = new_end;
	return vma_insert(&mm->areas, &v) == 0;
}

static long remap_move(struct mm *mm, struct vma v, uint64_t old, uint64_t old_length, uint64_t to, uint64_t new_length)
{
	v.offset += v.inode || v.shm ? old - v.start : 0;
	v.start = to;
	v.end = to + new_length;
	if (mm_map(mm, &v))
		return -ENOMEM;
	if (!mm_move_pages(mm, old, to, old_length < new_length ? old_length : new_length)) {
		/* What has been moved goes back: the nodes there still exist. */
		mm_move_pages(mm, to, old, old_length < new_length ? old_length : new_length);
		mm_unmap(mm, to, to + new_length);
		return -ENOMEM;
	}
	mm_unmap(mm, old, old + old_length);
	return to;
}

static long sys_mremap(struct proc *p, uint64_t *a)
{
	uint64_t old = a[0], old_length = page_up(a[1]), new_length = page_up(a[2]), to;
	struct mm *mm = p->mm;
	struct vma *v;
	bool fixed = a[3] & MREMAP_FIXED;

	if ((a[3] & ~3ull) || (fixed && !(a[3] & MREMAP_MAYMOVE)) || range_bad(old, old_length) || !new_length ||
	    new_length > USER_END || !old_length)
		return -EINVAL;
	if (fixed && (range_bad(a[4], new_length) || a[4] < USER_START ||
		      (a[4] < old + old_length && old < a[4] + new_length)))
		return -EINVAL;
	v = vma_find(&mm->areas, old);
	if (!v || v->end < old + old_length)
		return -EFAULT;
	if (new_length > old_length && (v->prot & VMA_WRITE) && !(v->flags & VMA_NORESERVE) &&
	    commit_refused(p, new_length - old_length))
		return -ENOMEM;
	if (!fixed) {
		if (new_length < old_length)
			return mm_unmap(mm, old + new_length, old + old_length) ? -ENOMEM : (long)old;
		if (new_length == old_length || remap_grow(mm, *v, old + old_length, old + new_length))
			return old;
		if (!(a[3] & MREMAP_MAYMOVE))
			return -ENOMEM;
		to = vma_gap(&mm->areas, MMAP_LOW, MMAP_HIGH, new_length);
		if (!to)
			return -ENOMEM;
	} else {
		to = a[4];
		if (mm_unmap(mm, to, to + new_length))
			return -ENOMEM;
		v = vma_find(&mm->areas, old);
	}
	return remap_move(mm, *v, old, old_length, to, new_length);
}

static long sys_madvise(struct proc *p, uint64_t *a)
{
	uint64_t end = a[0] + page_up(a[1]);

	if (range_bad(a[0], a[1]))
		return -EINVAL;
	if (!vma_range_full(&p->mm->areas, a[0], end))
		return -ENOMEM;
	switch (a[2]) {
	case MADV_DONTNEED:
	case MADV_FREE:
		mm_drop_pages(p->mm, a[0], end);
		return 0;
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED:
	case MADV_DONTFORK: case MADV_DOFORK: case MADV_MERGEABLE: case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE: case MADV_NOHUGEPAGE: case MADV_DONTDUMP: case MADV_DODUMP:
		return 0;
	}
	return -EINVAL;
}

static bool range_has_shared_file(const struct mm *mm, uint64_t start, uint64_t end)
{
	for (const struct vma *v = vma_after(&mm->areas, start); v && v->start < end; v = vma_after(&mm->areas, v->end))
		if (v->inode && (v->flags & VMA_SHARED))
			return true;
	return false;
}

/* What a process stores into a file's pages is in the file at once; MS_SYNC waits until it is on the disk as well. */
static long sys_msync(struct proc *p, uint64_t *a)
{
	uint64_t end = a[0] + page_up(a[1]);

	if ((a[0] & ~PAGE_MASK) || (a[2] & ~7ull) || (a[2] & (MS_SYNC | MS_ASYNC)) == (MS_SYNC | MS_ASYNC))
		return -EINVAL;
	if (range_bad(a[0], a[1]) || !vma_range_full(&p->mm->areas, a[0], end))
		return -ENOMEM;
	return (a[2] & MS_SYNC) && range_has_shared_file(p->mm, a[0], end) ? store_sync(p) : 0;
}

static long sys_mincore(struct proc *p, uint64_t *a)
{
	uint64_t pages = page_up(a[1]) >> PAGE_SHIFT;

	if (a[0] & ~PAGE_MASK)
		return -EINVAL;
	if (range_bad(a[0], a[1]) || !vma_range_full(&p->mm->areas, a[0], a[0] + page_up(a[1])))
		return -ENOMEM;
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t at = a[0] + i * PAGE_SIZE;
		struct leaf *l = mm_leaf(p->mm, at);
		uint8_t in = l && l->page[at >> PAGE_SHIFT & 15];

		if (user_write(p, a[2] + i, &in, 1))
			return -EFAULT;
	}
	return 0;
}

/* Nothing is ever paged out. */
static long sys_lock(struct proc *p, uint64_t *a)
{
	(void)p, (void)a;
	return 0;
}

/* ---- for /proc --------------------------------------------------------------------------------- */

void mm_sizes(struct proc *p, uint64_t *virtual_bytes, uint64_t *resident_pages)
{
	*virtual_bytes = p->mm ? p->mm->areas.bytes : 0;
	*resident_pages = p->mm ? p->mm->resident : 0;
}

size_t mm_maps_text(struct proc *p, char *to, size_t size)
{
	size_t done = 0;

	for (uint32_t i = 0; p->mm && i < p->mm->areas.count && size - done > 160; i++) {
		const struct vma *v = &p->mm->areas.v[i];
		char path[256];
		const char *name = v->end == STACK_TOP ? "[stack]" : v->start == p->mm->brk_start ? "[heap]" : "";
		int n = v->inode ? inode_path(v->inode, path, sizeof path - 1) : 0;

		if (n > 0) {
			path[n < 255 ? n : 255] = 0;
			name = path;
		}
		n = snprintf(to + done, size - done, "%08lx-%08lx %c%c%c%c %08lx %s %-10lu %s\n", v->start, v->end,
			     v->prot & VMA_READ ? 'r' : '-', v->prot & VMA_WRITE ? 'w' : '-',
			     v->prot & VMA_EXEC ? 'x' : '-', v->flags & VMA_SHARED ? 's' : 'p',
			     v->inode ? v->offset : 0, v->inode ? "00:01" : "00:00",
			     v->inode ? inode_number(v->inode) : 0, name);
		if (n < 0 || (size_t)n >= size - done)
			break;
		done += n;
	}
	return done;
}

const struct syscall mem_syscalls[] = {
	{ 9, "mmap", sys_mmap }, { 10, "mprotect", sys_mprotect }, { 11, "munmap", sys_munmap },
	{ 12, "brk", sys_brk }, { 25, "mremap", sys_mremap }, { 26, "msync", sys_msync },
	{ 27, "mincore", sys_mincore }, { 28, "madvise", sys_madvise }, { 149, "mlock", sys_lock },
	{ 150, "munlock", sys_lock }, { 151, "mlockall", sys_lock }, { 152, "munlockall", sys_lock },
	{ 325, "mlock2", sys_lock },
	{ 0, NULL, NULL },
};
