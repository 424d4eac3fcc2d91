/*
 * fault.c - what happens when a page is touched that is not there, or not with that right; and
 * the windows through which the server reads and writes user memory, which fault the same way.
 *
 * Invariants
 *   1. After MM_OK the access will succeed: the page is linked with the rights that the area
 *      gives now.  It is linked again even if we thought it was, so a fault never repeats.
 *   2. A private page is written only by its one holder; otherwise it is copied first.
 */
#include <string.h>
#include "mm.h"
#include "vfs/vfs.h"

static uint64_t area_offset(const struct vma *v, uint64_t address)
{
	return (address & ~(uint64_t)(PAGE_SIZE - 1)) - v->start + v->offset;
}

/* ---- where a page comes from ------------------------------------------------------------------- */

static enum mm_fault anonymous_page(pageno *page)
{
	*page = page_alloc();
	return *page ? MM_OK : MM_NO_MEMORY;
}

static enum mm_fault shm_page(const struct vma *v, uint64_t address, pageno *page)
{
	uint64_t i = area_offset(v, address) >> PAGE_SHIFT;

	if (i >= v->shm->pages)
		return MM_BUS;
	if (!v->shm->page[i])
		v->shm->page[i] = page_alloc();
	*page = v->shm->page[i];
	page_get(*page);
	return *page ? MM_OK : MM_NO_MEMORY;
}

/* A page of the file itself.  A hole of a private mapping is a page of zeroes of our own (*own). */
static enum mm_fault file_page(const struct vma *v, uint64_t address, bool write, pageno *page, bool *own)
{
	uint64_t offset = area_offset(v, address);
	int err = 0;

	*own = false;
	if (offset >= inode_size(v->inode))
		return MM_BUS;
	if (v->flags & VMA_SHARED && write) {
		*page = inode_page_write(v->inode, offset, &err);
		return *page ? MM_OK : err ? MM_NO_MEMORY : MM_BUS;
	}
	*page = inode_page(v->inode, offset, &err);
	if (*page)
		return MM_OK;
	if (err)
		return MM_BUS;
	*own = true;
	return anonymous_page(page);
}

/* ---- bringing a page in ------------------------------------------------------------------------ */

/* Makes *page one that its holder may write: itself, if there is no other holder. */
static enum mm_fault make_private(pageno *page)
{
	pageno copy;

	if (page_refs(*page) == 1)
		return MM_OK;
	copy = page_alloc_raw();
	if (!copy)
		return MM_NO_MEMORY;
	if (!page_move(page_addr(copy), page_addr(*page), PAGE_SIZE, true)) {
		page_put(copy);
		return MM_BUS;
	}
	page_put(*page);
	*page = copy;
	return MM_OK;
}

/* Links the file's pages around a fault that are in the same leaf: the next faults are saved. */
static void file_around(struct mm *mm, struct leaf *l, const struct vma *v)
{
	uint64_t size = inode_size(v->inode);

	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		uint64_t at = l->m.base + i * PAGE_SIZE;
		int err;
		pageno page;

		if (l->page[i] || at < v->start || at >= v->end || area_offset(v, at) >= size)
			continue;
		page = inode_page(v->inode, area_offset(v, at), &err);
		if (page)
			leaf_set(mm, l, i, page, v->prot, false);
	}
}

/* How many pages more to bring in: those below, of the bits given, have been touched in order. */
static unsigned pages_ahead(uint16_t touched, unsigned slot)
{
	if (slot < 2 || (touched >> (slot - 2) & 3) != 3 || pages_used() > pages_limit() / 2)
		return 0;
	return slot >= 4 && (touched >> (slot - 4) & 3) == 3 ? 3 : 1;
}

/* The same for private pages that are written in order: further ones are copied before they are asked for. */
static void private_ahead(struct mm *mm, struct leaf *l, const struct vma *v, unsigned slot)
{
	unsigned more = pages_ahead(l->writable, slot);

	while (more-- && ++slot < NODE_SLOTS && l->m.base + slot * PAGE_SIZE < v->end && !(l->writable >> slot & 1)) {
		pageno page = l->page[slot];
		int err;

		if (!page && v->inode)
			page = inode_page(v->inode, area_offset(v, l->m.base + slot * PAGE_SIZE), &err);
		if (!page)
			return;
		if (make_private(&page) != MM_OK) {
			if (!l->page[slot])
				page_put(page);
			return;
		}
		leaf_set(mm, l, slot, page, v->prot, true);
	}
}

/*
 * Anonymous memory that is touched in order will be touched further on: after two pages in a row
 * one more is brought in, after four three more.  What is wasted is at most three pages a place.
 */
static void anonymous_ahead(struct mm *mm, struct leaf *l, const struct vma *v, unsigned slot)
{
	unsigned more = pages_ahead(l->linked, slot);

	while (more-- && ++slot < NODE_SLOTS && !l->page[slot] && l->m.base + slot * PAGE_SIZE < v->end) {
		pageno page = page_alloc();

		if (!page)
			return;
		leaf_set(mm, l, slot, page, v->prot, v->prot & VMA_WRITE);
	}
}

static enum mm_fault first_touch(struct mm *mm, const struct vma *v, struct leaf *l, uint64_t address, bool write)
{
	unsigned slot = address >> PAGE_SHIFT & 15;
	bool writable = v->prot & VMA_WRITE, own = true;
	enum mm_fault result;
	pageno page = 0;

	if (!v->inode) {
		result = v->shm ? shm_page(v, address, &page) : anonymous_page(&page);
	} else {
		result = file_page(v, address, write, &page, &own);
		writable = writable && (own || write);
	}
	if (result != MM_OK)
		return result;
	if (v->inode && !(v->flags & VMA_SHARED) && write && !own && (result = make_private(&page)) != MM_OK) {
		page_put(page);
		return result;
	}
	leaf_set(mm, l, slot, page, v->prot, writable);
	if (v->inode && !write)
		file_around(mm, l, v);
	else if (v->inode && !(v->flags & VMA_SHARED))
		private_ahead(mm, l, v, slot);
	else if (!v->inode && !v->shm)
		anonymous_ahead(mm, l, v, slot);
	return MM_OK;
}

/* A page is there: gives it the rights that it lacks. */
static enum mm_fault touch_again(struct mm *mm, const struct vma *v, struct leaf *l, uint64_t address, bool write)
{
	unsigned slot = address >> PAGE_SHIFT & 15;
	pageno page = l->page[slot];
	bool writable = l->writable >> slot & 1, copied;
	enum mm_fault result;

	if (write && !writable) {
		if (v->flags & VMA_SHARED) {
			if (v->inode) {
				int err = 0;
				pageno own = inode_page_write(v->inode, area_offset(v, address), &err);

				if (!own)
					return err ? MM_NO_MEMORY : MM_BUS;
				page_put(page);
				page = own;
			}
		} else if ((result = make_private(&page)) != MM_OK) {
			return result;
		}
		writable = true;
	}
	copied = page != l->page[slot];
	leaf_set(mm, l, slot, page, v->prot, writable);
	if (copied && !(v->flags & VMA_SHARED))
		private_ahead(mm, l, v, slot);
	return MM_OK;
}

enum mm_fault mm_fault(struct mm *mm, uint64_t address, unsigned access)
{
	bool write = access & FAULT_ACCESS_WRITE;
	struct vma *v = address < USER_END ? vma_find(&mm->areas, address) : NULL;
	struct leaf *l;

	if (!v)
		return MM_UNMAPPED;
	if (!(v->prot & (write ? VMA_WRITE : access & FAULT_ACCESS_EXEC ? VMA_EXEC : VMA_READ | VMA_WRITE | VMA_EXEC)))
		return MM_DENIED;
	l = mm_leaf_make(mm, address);
	if (!l)
		return MM_NO_MEMORY;
	if (l->page[address >> PAGE_SHIFT & 15])
		return touch_again(mm, v, l, address, write);
	return first_touch(mm, v, l, address, write);
}

/* ---- windows ----------------------------------------------------------------------------------- */

void *mm_window(struct mm *mm, uint64_t at, size_t *n, bool write)
{
	unsigned slot = at >> PAGE_SHIFT & 15, offset = at & (PAGE_SIZE - 1);
	struct leaf *l;

	if (at >= USER_END)
		return NULL;
	l = mm_leaf(mm, at);
	if (!l || !((write ? l->writable : l->linked) >> slot & 1)) {
		if (mm_fault(mm, at, write ? FAULT_ACCESS_WRITE : 0) != MM_OK)
			return NULL;
		l = mm_leaf(mm, at);
	}
	if (*n > PAGE_SIZE - offset)
		*n = PAGE_SIZE - offset;
	return (char *)page_addr(l->page[slot]) + offset;
}

int mm_write(struct mm *mm, uint64_t to, const void *from, size_t n)
{
	while (n) {
		size_t part = n;
		void *at = mm_window(mm, to, &part, true);

		if (!at)
			return -EFAULT;
		if (!page_move(at, from, part, false))
			return -EFAULT;
		from = (const char *)from + part;
		to += part;
		n -= part;
	}
	return 0;
}

int mm_zero(struct mm *mm, uint64_t to, size_t n)
{
	while (n) {
		size_t part = n;
		void *at = mm_window(mm, to, &part, true);

		if (!at)
			return -EFAULT;
		if (!page_move(at, zero_page, part, part == PAGE_SIZE))
			return -EFAULT;
		to += part;
		n -= part;
	}
	return 0;
}

void *user_window(struct proc *p, uint64_t at, size_t *n, bool write)
{
	return mm_window(p->mm, at, n, write);
}

int user_write(struct proc *p, uint64_t to, const void *from, size_t n)
{
	return mm_write(p->mm, to, from, n);
}

int user_read(struct proc *p, void *to, uint64_t from, size_t n)
{
	while (n) {
		size_t part = n;
		const void *at = mm_window(p->mm, from, &part, false);

		if (!at)
			return -EFAULT;
		if (!page_move(to, at, part, false))
			return -EFAULT;
		to = (char *)to + part;
		from += part;
		n -= part;
	}
	return 0;
}

long user_string(struct proc *p, char *to, uint64_t from, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t part = size - done;
		const char *at = mm_window(p->mm, from + done, &part, false), *end;

		if (!at || copy_guarded(to + done, at, 1))
			return -EFAULT;
		end = memchr(at, 0, part);     /* of one page, which is there */
		if (end) {
			memcpy(to + done, at, end - at + 1);
			return done + (end - at);
		}
		memcpy(to + done, at, part);
		done += part;
	}
	return -ENAMETOOLONG;
}
