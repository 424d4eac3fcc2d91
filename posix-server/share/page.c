/*
 * page.c - pages of a share's file, loaded for exec and for mappings alone.
 *
 * They are as old as the attributes that they were loaded for, and loaded anew when those have changed; a file that
 * changes while it is mapped is mixed: its pages may be of several times, and each call that needs them loads them.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

static long reader_opened(struct proc *p, struct job *j)
{
	int error = job_error(j);
	capno cap;

	if (error)
		return error;
	cap = job_cap(j);
	if (!cap || !p || j->inode->share->reader) {
		cap_close(cap, FILE_OC_CLOSE);
		return cap ? RERUN : -ENFILE;
	}
	j->inode->share->reader = cap;
	return RERUN;
}

/* Bytes of the file from value[0] on become its pages; what is past the end is zero. */
static long pages_came(struct proc *p, struct job *j)
{
	struct inode *i = j->inode;
	uint64_t first = j->value[0] / PAGE_BYTES, count = j->value[1];
	int error = job_error(j);

	if (!p)
		return 0;
	if (error)
		return error;
	for (uint64_t k = 0; k < count; k++) {
		pageno *slot = pagevec_slot(&i->data.pages, first + k), page = page_alloc_raw();
		size_t from = k * PAGE_BYTES, n = j->m.recv_length > from ? j->m.recv_length - from : 0;

		if (!slot || !page) {
			if (page)
				page_put(page);
			return -ENOMEM;
		}
		if (n > PAGE_BYTES)
			n = PAGE_BYTES;
		if (!page_move(page_addr(page), j->buffer + from, n, true) ||
		    !page_move((char *)page_addr(page) + n, zero_page, PAGE_BYTES - n, true)) {
			page_put(page);
			return -EIO;
		}
		if (*slot)
			page_put(*slot);
		else
			i->data.held++;
		*slot = page;
	}
	p->progress = first + count;           /* so far this call has loaded */
	return RERUN;
}

static void pages_of_now(struct inode *i)
{
	struct share *s = i->share;

	if (s->copy)
		return;
	bool same = s->page_mtime == i->mtime && s->page_ctime == i->ctime && s->page_size == i->size;

	if (same)
		return;
	s->mixed = s->maps != 0;
	s->loaded_seq = 0;
	if (!s->maps) {
		data_free(i);
		i->data.held = 0;
	}
	s->page_mtime = i->mtime;
	s->page_ctime = i->ctime;
	s->page_size = i->size;
}

/* A capability to the data, from which pages are read until all that a call needs are there. */
static int reader_ask(struct proc *p, struct inode *i)
{
	long error;
	struct job *j = share_job(p, i, NULL, DIRECTORY_OC_OPEN, &error);

	if (!j)
		return (int)error;
	j->m.w[0] = FILES_READ;
	job_inode(j, i);
	return (int)job_send(j, reader_opened);
}

static int pages_ask(struct proc *p, struct inode *i, uint64_t first, uint64_t count)
{
	struct job *j;

	if (pages_used() + count > pages_limit())
		return -ENOMEM;
	j = job_new(p, i->share->reader, FILE_OC_READ);
	if (!j)
		return BLOCKED;
	j->m.recv[0] = CR_VOID;
	j->m.w[0] = j->value[0] = first * PAGE_BYTES;
	j->m.w[1] = count * PAGE_BYTES;
	j->value[1] = count;
	job_inode(j, i);
	return (int)job_send(j, pages_came);
}

int share_load(struct proc *p, struct inode *i, uint64_t offset, uint64_t length)
{
	struct share *s = i->share;
	uint64_t index = offset / PAGE_BYTES, end, count = 0;

	pages_of_now(i);
	if (offset + length > i->size)
		length = i->size > offset ? i->size - offset : 0;
	end = (offset + length + PAGE_BYTES - 1) / PAGE_BYTES;
	if (s->mixed && p->progress > index)
		index = p->progress;
	while (index < end && !s->mixed && pagevec_get(&i->data.pages, index))
		index++;
	if (index >= end || (s->mixed && s->loaded_seq >= p->call_seq)) {
		s->loaded_seq = job_seq;
		if (s->reader)
			cap_close(s->reader, FILE_OC_CLOSE);
		s->reader = 0;
		p->progress = 0;
		return 0;
	}
	if (!s->reader)
		return reader_ask(p, i);
	while (index + count < end && count < JOB_BYTES / PAGE_BYTES &&
	       (s->mixed || !pagevec_get(&i->data.pages, index + count)))
		count++;
	return pages_ask(p, i, index, count);
}
