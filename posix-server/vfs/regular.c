/*
 * regular.c - the data of regular files, and reading and writing it.
 *
 * A page of a file is, in this order: its own page, the image's page, or a hole.  Own pages are written in
 * place, never replaced, so that a shared mapping and write(2) see one another.
 *
 * Invariants
 *   1. Own pages hold zeroes past the end of the file (vfs.h invariant 4).
 *   2. held counts own pages; image_hidden counts those of them below image_pages.
 *   3. A page is asked for after the user's window is known: no failure leaves a page half written.
 */
#include <string.h>
#include "vfs.h"

const char zero_page[PAGE_BYTES];

static uint64_t page_count(uint64_t size)
{
	return (size + PAGE_BYTES - 1) / PAGE_BYTES;
}

pageno data_page(struct inode *i, uint64_t index)
{
	struct filedata *d = &i->data;
	pageno p = pagevec_get(&d->pages, index);
	if (p || index >= d->image_pages)
		return p;
	return pack_page(d->tree, d->image_offset + index * PAGE_BYTES);
}

/* Whole: the caller overwrites every byte, so what was there need not be copied. */
int data_page_write(struct inode *i, uint64_t index, bool whole, char **page)
{
	struct filedata *d = &i->data;
	pageno *slot = pagevec_slot(&d->pages, index);
	if (!slot)
		return -ENOSPC;
	if (*slot) {
		*page = page_addr(*slot);
		return 0;
	}
	bool image = index < d->image_pages;
	if ((i->quota && i->quota->used >= i->quota->pages) || !pages_for_data())
		return -ENOSPC;
	pageno p = image || whole ? page_alloc_raw() : page_alloc();
	if (!p)
		return -ENOSPC;
	char *to = *page = page_addr(p);
	if (image && !whole) {
		uint64_t start = index * PAGE_BYTES;
		size_t valid = i->size > start ? i->size - start : 0;
		if (valid > PAGE_BYTES)
			valid = PAGE_BYTES;
		if (!page_move(to, page_addr(pack_page(d->tree, d->image_offset + start)), valid, true)) {
			page_put(p);
			return -EIO;
		}
		memset(to + valid, 0, PAGE_BYTES - valid);
	}
	d->image_hidden += image;
	d->held++;
	if (i->quota)
		i->quota->used++;
	*slot = p;
	return 0;
}

/* Before the end moves up from inside a page of the image: what lies behind the end there must read as zero. */
static int data_clear_tail(struct inode *i)
{
	uint64_t last = i->size / PAGE_BYTES;
	char *page;
	if (i->size % PAGE_BYTES == 0 || last >= i->data.image_pages || pagevec_get(&i->data.pages, last))
		return 0;
	return data_page_write(i, last, false, &page);
}

/* -EIO, and nothing is changed: the disk has lost the page that the end will be in. */
static int data_shrink(struct inode *i, uint64_t size)
{
	struct filedata *d = &i->data;
	uint64_t keep = page_count(size), below;
	size_t in_page = size % PAGE_BYTES;
	pageno last = in_page ? pagevec_get(&d->pages, size / PAGE_BYTES) : 0;
	if (last && !page_move((char *)page_addr(last) + in_page, zero_page, PAGE_BYTES - in_page, false))
		return -EIO;
	uint64_t cut = pagevec_cut(&d->pages, keep, d->image_pages, &below);
	d->held -= cut;
	if (i->quota)
		i->quota->used -= cut;
	d->image_hidden -= below;
	if (d->image_pages > keep)
		d->image_pages = keep;
	i->size = size;
	return 0;
}

int data_truncate(struct inode *i, uint64_t size)
{
	if (size > FILE_LIMIT)
		return -EFBIG;
	int error = size > i->size ? data_clear_tail(i) : data_shrink(i, size);
	if (error)
		return error;
	i->size = size;
	inode_touch(i);
	return 0;
}

void data_free(struct inode *i)
{
	if (i->quota)
		i->quota->used -= i->data.held;
	pagevec_free(&i->data.pages);
}

uint64_t data_blocks(const struct inode *i)
{
	return (i->data.held + i->data.image_pages - i->data.image_hidden) * (PAGE_BYTES / 512);
}

/* SEEK_DATA and SEEK_HOLE; the caller has checked offset < size. */
int64_t data_seek(struct inode *i, int64_t offset, bool hole)
{
	uint64_t index = (uint64_t)offset / PAGE_BYTES, first = index;
	if (hole) {
		while (index < page_count(i->size) && data_page(i, index))
			index++;
	} else if (index >= i->data.image_pages) {
		index = pagevec_next(&i->data.pages, index);
		if (index == ~0ull)
			return -ENXIO;
	}
	uint64_t at = index == first ? (uint64_t)offset : index * PAGE_BYTES;
	if (at < i->size)
		return at;
	return hole ? (int64_t)i->size : -ENXIO;
}

/* fallocate: pages for [from, to), without touching the size. */
int data_reserve(struct inode *i, uint64_t from, uint64_t to)
{
	int error = 0;
	char *page;
	for (uint64_t index = from / PAGE_BYTES; index < page_count(to) && !error; index++)
		if (!data_page(i, index))
			error = data_page_write(i, index, false, &page);
	return error;
}

int data_zero(struct inode *i, uint64_t from, uint64_t to)
{
	int error = 0;
	if (to > i->size)
		to = i->size;
	while (from < to && !error) {
		uint64_t n = PAGE_BYTES - from % PAGE_BYTES;
		if (n > to - from)
			n = to - from;
		char *page;
		if (data_page(i, from / PAGE_BYTES)) {
			error = data_page_write(i, from / PAGE_BYTES, n == PAGE_BYTES, &page);
			if (!error && !page_move(page + from % PAGE_BYTES, zero_page, n, n == PAGE_BYTES))
				error = -EIO;
		}
		from += n;
	}
	inode_touch(i);
	return error;
}

/* ---- pages for exec and mmap ---------------------------------------------------------------------- */

pageno inode_page(struct inode *i, uint64_t offset, int *err)
{
	*err = 0;
	if (!S_ISREG(i->mode) || i->virtual || offset >= i->size)
		return 0;
	pageno p = data_page(i, offset / PAGE_BYTES);
	if (p)
		page_get(p);
	return p;
}

pageno inode_page_write(struct inode *i, uint64_t offset, int *err)
{
	*err = 0;
	if (!S_ISREG(i->mode) || i->virtual || offset >= i->size)
		return 0;
	char *page;
	int error = data_page_write(i, offset / PAGE_BYTES, false, &page);
	if (error) {
		*err = error == -ENOSPC ? ENOSPC : 0;  /* 0: SIGBUS */
		return 0;
	}
	pageno p = pagevec_get(&i->data.pages, offset / PAGE_BYTES);
	page_get(p);
	return p;
}

/* ---- reading and writing ----------------------------------------------------------------------------- */

static long data_read(struct inode *i, struct proc *p, uint64_t to, size_t n, uint64_t offset)
{
	if (offset >= i->size)
		return 0;
	if (n > i->size - offset)
		n = i->size - offset;
	size_t done = 0;
	bool lost = false;
	while (done < n) {
		size_t in_page = offset % PAGE_BYTES, chunk = PAGE_BYTES - in_page;
		if (chunk > n - done)
			chunk = n - done;
		char *out = window(p, to + done, &chunk, true);
		if (!out)
			return done ? (long)done : -EFAULT;
		pageno page = data_page(i, offset / PAGE_BYTES);
		if (page)
			lost = !page_move(out, (char *)page_addr(page) + in_page, chunk, false);
		else
			zero_words(out, chunk);
		if (lost)
			return done ? (long)done : -EIO;
		done += chunk;
		offset += chunk;
	}
	return done;
}

static long data_write(struct inode *i, struct proc *p, uint64_t from, size_t n, uint64_t offset)
{
	if (offset > i->size) {
		int error = data_clear_tail(i);
		if (error)
			return error;
	}
	size_t done = 0;
	long error = 0;
	while (done < n) {
		size_t in_page = offset % PAGE_BYTES, chunk = PAGE_BYTES - in_page;
		if (chunk > n - done)
			chunk = n - done;
		const char *in = window(p, from + done, &chunk, false);
		error = -EFAULT;
		if (!in)
			break;
		char *page;
		error = data_page_write(i, offset / PAGE_BYTES, chunk == PAGE_BYTES, &page);
		if (error)
			break;
		if (!page_move(page + in_page, in, chunk, chunk == PAGE_BYTES)) {
			error = -EIO;
			break;
		}
		done += chunk;
		offset += chunk;
		if (offset > i->size)
			i->size = offset;
	}
	if (done)
		inode_touch(i);
	return done || !n ? (long)done : error;
}

long inode_pread(struct inode *i, void *to, size_t n, uint64_t offset)
{
	if (!S_ISREG(i->mode) || i->virtual)
		return -EINVAL;
	return data_read(i, NULL, (uintptr_t)to, n, offset);
}

long data_write_kernel(struct inode *i, const void *from, size_t n, uint64_t offset)
{
	return data_write(i, NULL, (uintptr_t)from, n, offset);
}

static long regular_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)nonblock;
	long r = data_read(f->inode, p, buf, n, *offset);
	if (r > 0) {
		*offset += r;
		if (!(f->flags & K_O_NOATIME))
			inode_read(f->inode);
	}
	return r;
}

/* How much of n may be written at offset: the file size limit of the process, then our own. */
static long write_limit(struct proc *p, uint64_t offset, size_t n)
{
	uint64_t soft = p->rlimit[1][0];
	if (offset + n > soft) {
		if (offset >= soft) {
			signal_send(p, K_SIGXFSZ, 0, p->pid);
			return -EFBIG;
		}
		n = soft - offset;
	}
	if (offset >= FILE_LIMIT)
		return -EFBIG;
	return n < FILE_LIMIT - offset ? n : FILE_LIMIT - offset;
}

static long regular_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)nonblock;
	struct inode *i = f->inode;
	uint64_t at = f->flags & K_O_APPEND ? i->size : (uint64_t)*offset;
	if (n == 0)
		return 0;
	long allowed = write_limit(p, at, n);
	if (allowed <= 0)
		return allowed;
	long r = data_write(i, p, buf, allowed, at);
	if (r > 0) {
		*offset = at + r;
		inode_lose_privilege(i, p);
	}
	return r;
}

static unsigned regular_poll(struct file *f, struct waitq **q)
{
	(void)f;
	*q = NULL;
	return K_POLLIN | K_POLLOUT | K_POLLRDNORM | K_POLLWRNORM;
}

const struct file_ops regular_ops = {
	.name = "regular", .read = regular_read, .write = regular_write, .poll = regular_poll, .seekable = true,
};
