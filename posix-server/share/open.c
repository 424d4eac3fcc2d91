/*
 * open.c - opening and making files of a share, and what an open one is.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/directory.h>
#include <keros/file.h>
#include <keros/files.h>
#include "share.h"

static void file_link(struct share_file *sf, struct inode *i)
{
	sf->next = i->share->files;
	sf->prev = &i->share->files;
	if (sf->next)
		sf->next->prev = &sf->next;
	i->share->files = sf;
}

static void share_release(struct file *f)
{
	struct share_file *sf = f->data;

	if (!sf)
		return;
	if (sf->prev) {
		*sf->prev = sf->next;
		if (sf->next)
			sf->next->prev = sf->prev;
	}
	if (sf->cap)
		cap_close(sf->cap, S_ISDIR(f->inode->mode) ? DIRECTORY_OC_CLOSE : FILE_OC_CLOSE);
	free(sf->bytes);
	free(sf);
}

/* An open file without a capability yet; NULL = no memory. */
static struct file *share_file_new(struct inode *i, uint32_t flags)
{
	struct share_file *sf = calloc(1, sizeof *sf);
	struct file *f = sf ? file_new(&share_ops, i, flags, sf) : NULL;

	if (!f)
		free(sf);
	return f;
}

/* The file of a capability that an open answered with; the call takes it when it runs again. */
static struct file *file_of(struct job *j, struct inode *i, uint32_t flags)
{
	struct file *f = share_file_new(i, flags);
	struct share_file *sf = f ? f->data : NULL;

	if (!f)
		return NULL;
	sf->cap = (capno)j->value[3];
	sf->writable = (flags & K_O_ACCMODE) != 0;
	if (i->share)
		file_link(sf, i);
	return f;
}

static void told(struct inode *i, const struct job *j)
{
	if (!share_is_live(i))
		return;
	const struct file_attr *a = (const void *)j->buffer;

	if (j->m.recv_length < sizeof *a)
		return;
	i->size = a->size;
	i->mtime = a->mtime_ns;
	i->ctime = a->ctime_ns;
	i->number = a->number;
}

static long open_done(struct proc *p, struct job *j)
{
	int error = job_error(j);

	if (error)
		return error;
	j->value[3] = job_cap(j);
	if (!j->value[3])
		return -ENFILE;
	if (p)
		p->opened = file_of(j, j->inode, (uint32_t)j->value[0]);
	if (!p || !p->opened) {
		cap_close((capno)j->value[3], FILE_OC_CLOSE);
		return -ENOMEM;
	}
	told(j->inode, j);
	return RERUN;
}

static uint32_t files_flags(uint32_t flags)
{
	uint32_t mode = flags & K_O_ACCMODE, want = mode == 0 ? FILES_READ : mode == 1 ? FILES_WRITE : FILES_READ | FILES_WRITE;

	if (flags & K_O_TRUNC)
		want |= FILES_CUT | FILES_WRITE;
	return want | (flags & K_O_APPEND ? FILES_APPEND : 0);
}

#define KEPT_FLAGS(flags) (((flags) & ~(K_O_CREAT | K_O_EXCL | K_O_NOCTTY | K_O_TRUNC | K_O_CLOEXEC)) | K_O_LARGEFILE)

long share_open(struct proc *p, struct inode *i, uint32_t flags, struct file **out)
{
	struct job *j;
	long error;

	if (S_ISDIR(i->mode)) {
		*out = share_file_new(i, KEPT_FLAGS(flags));
		return *out ? 0 : -ENOMEM;
	}
	if ((files_flags(flags) & FILES_WRITE) && share_readonly(i))
		return share_refuse(p, i, NULL);
	j = share_job(p, i, NULL, DIRECTORY_OC_OPEN, &error);
	if (!j)
		return error;
	j->m.w[0] = files_flags(flags);
	job_inode(j, i);
	j->value[0] = KEPT_FLAGS(flags);
	return job_send(j, open_done);
}

/* A file was made, or somebody else had made it meanwhile: its inode is found by the path when the call runs again, but
 * the file is opened already. */
static long create_done(struct proc *p, struct job *j)
{
	const struct file_attr *a = (const void *)j->buffer;
	struct inode *i;
	struct name name;
	int error = job_error(j);

	if (error)
		return error;
	j->value[3] = job_cap(j);
	name = name_of(j->text, strlen(j->text));
	i = p && j->value[3] && j->m.recv_length >= sizeof *a ? share_child(j->inode, &name, a, j->seq) : NULL;
	if (i && i->share)
		p->opened = file_of(j, i, (uint32_t)j->value[0]);
	if (!p || !p->opened) {
		cap_close((capno)j->value[3], FILE_OC_CLOSE);
		return -ENOMEM;
	}
	return RERUN;
}

long share_create(struct proc *p, struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{
	struct job *j;
	long error;

	(void)out;
	if (share_readonly(w->dir))
		return (long)share_refuse(p, w->dir, &w->name);
	if (w->slash)
		return -EISDIR;
	j = share_job(p, w->dir, &w->name, DIRECTORY_OC_OPEN, &error);
	if (!j)
		return error;
	if (!job_name(j, &w->name))
		return -ENOMEM;
	j->m.w[0] = files_flags(flags & ~K_O_TRUNC) | FILES_CREATE | (flags & K_O_EXCL ? FILES_EXCLUSIVE : 0);
	j->m.w[1] = mode & 0777 & ~p->fs->umask;
	job_inode(j, w->dir);
	j->value[0] = KEPT_FLAGS(flags);
	return job_send(j, create_done);
}

static unsigned share_poll(struct file *f, struct waitq **q)
{
	(void)f;
	*q = NULL;
	return K_POLLIN | K_POLLOUT | K_POLLRDNORM | K_POLLWRNORM;
}

const struct file_ops share_ops = {
	.name = "share", .read = share_file_read, .write = share_file_write, .poll = share_poll, .release = share_release,
	.seekable = true,
};
