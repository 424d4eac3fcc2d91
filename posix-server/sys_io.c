/*
 * sys_io.c - moving data: read and write in all their forms, sendfile, sizes, syncing.
 *
 * Calls of several parts (vectors) may block between parts.  Then p->progress2 holds the bytes of the parts
 * that are done, and p->progress belongs to the part under way (its ops); a call that runs again goes on there.
 */
#include <keros/files.h>
#include "vfs/vfs.h"
#include "sys_file.h"

#define IOV_LIMIT 1024
#define ATOMIC 4096

static struct span vector[IOV_LIMIT];

static struct file *file_for(struct proc *p, int fd, bool write, long *error)
{
	struct file *f = fd_get(p, fd);
	*error = -EBADF;
	if (!f || !(write ? file_writable(f) : file_readable(f)))
		return NULL;
	*error = -EINVAL;
	return (write ? (void *)f->ops->write : (void *)f->ops->read) ? f : NULL;
}

/* With an offset: that a stream has none is told before how it was opened. */
static struct file *seekable_for(struct proc *p, int fd, bool write, long *error)
{
	struct file *f = fd_get(p, fd);
	*error = -ESPIPE;
	if (f && !(f->flags & K_O_PATH) && !f->ops->seekable)
		return NULL;
	return file_for(p, fd, write, error);
}

static inline long size_checked(uint64_t n)
{
	if ((int64_t)n < 0)
		return -EINVAL;
	return n < RW_LIMIT ? n : RW_LIMIT;
}

long sys_read(struct proc *p, uint64_t *a)
{
	long error, n = size_checked(a[2]);
	struct file *f = file_for(p, a[0], false, &error);
	if (!f || n < 0)
		return f ? n : error;
	return f->ops->read(f, p, a[1], n, &f->offset, f->flags & K_O_NONBLOCK);
}

/* With O_SYNC or O_DSYNC whatever writes to a file answers when that is durable: it is done once, and then waited for. */
static bool write_is_durable(const struct file *f)
{
	return f->ops->seekable && f->ops != &share_ops && (f->flags & K_O_DSYNC);
}

/* Its writing was done when it was called first: only write_answer is left to do. */
static bool write_waits(const struct file *f, const struct proc *p)
{
	return write_is_durable(f) && p->progress;
}

/* What a call answers that has written n bytes, or failed, or waits. */
static long write_answer(struct file *f, struct proc *p, long n)
{
	long error;

	if (!write_waits(f, p)) {
		if (!write_is_durable(f) || n <= 0)
			return n;
		p->sync_result = n;
	}
	error = store_sync(p);
	return error ? error : p->sync_result;
}

static long write_through(struct file *f, struct proc *p, uint64_t *a, long n, int64_t *offset)
{
	if (!write_waits(f, p))
		n = f->ops->write(f, p, a[1], n, offset, f->flags & K_O_NONBLOCK);
	return write_answer(f, p, n);
}

long sys_write(struct proc *p, uint64_t *a)
{
	long error, n = size_checked(a[2]);
	struct file *f = file_for(p, a[0], true, &error);
	if (!f || n < 0)
		return f ? n : error;
	return write_through(f, p, a, n, &f->offset);
}

static long positioned(struct proc *p, uint64_t *a, bool write)
{
	long error, n = size_checked(a[2]);
	int64_t offset = a[3];
	if (offset < 0)
		return -EINVAL;
	struct file *f = seekable_for(p, a[0], write, &error);
	if (!f || n < 0)
		return f ? n : error;
	if (write)
		return write_through(f, p, a, n, &offset);
	return f->ops->read(f, p, a[1], n, &offset, f->flags & K_O_NONBLOCK);
}

long sys_pread64(struct proc *p, uint64_t *a)
{
	return positioned(p, a, false);
}

long sys_pwrite64(struct proc *p, uint64_t *a)
{
	return positioned(p, a, true);
}

/* ---- vectors --------------------------------------------------------------------------------------------- */

long spans_read(struct proc *p, struct span *to, uint64_t at, uint64_t count)
{
	uint64_t total = 0;
	if (user_read(p, to, at, count * sizeof *to))
		return -EFAULT;
	for (uint64_t i = 0; i < count; i++) {
		if ((int64_t)to[i].length < 0)
			return -EINVAL;
		if (to[i].length > RW_LIMIT - total)
			to[i].length = RW_LIMIT - total;
		total += to[i].length;
	}
	return total;
}

static long vector_read(struct proc *p, struct file *f, unsigned count, int64_t *offset)
{
	bool nonblock = f->flags & K_O_NONBLOCK;
	long done = 0;
	for (unsigned i = 0; i < count; i++) {
		if (vector[i].length == 0)
			continue;
		/* What has been read is returned rather than waited upon. */
		long r = f->ops->read(f, p, vector[i].base, vector[i].length, offset, nonblock || done);
		if (r < 0)
			return done ? done : r;
		done += r;
		if ((uint64_t)r < vector[i].length)
			break;
	}
	return done;
}

static long vector_write(struct proc *p, struct file *f, unsigned count, long total, int64_t *offset)
{
	bool nonblock = f->flags & K_O_NONBLOCK;
	uint64_t done = p->progress2, skip = done;
	/* A short write to a pipe goes in whole, also when it comes in parts. */
	if (f->ops == &pipe_ops && total <= ATOMIC && !done && !p->progress && pipe_room(f) < (size_t)total)
		return pipe_wait(f, p, nonblock);
	for (unsigned i = 0; i < count; i++) {
		if (skip >= vector[i].length) {
			skip -= vector[i].length;
			continue;
		}
		long r = f->ops->write(f, p, vector[i].base, vector[i].length, offset, nonblock);
		if (r == BLOCKED)
			p->progress2 = done;
		if (r < 0)
			return r == BLOCKED || !done ? r : (long)done;
		p->progress = 0;
		done += r;
		if ((uint64_t)r < vector[i].length)
			break;
	}
	return done;
}

static long vectored(struct proc *p, uint64_t *a, bool write, int64_t *offset)
{
	long error;
	struct file *f = (offset ? seekable_for : file_for)(p, a[0], write, &error);
	if (!f)
		return error;
	if (write && write_waits(f, p))
		return write_answer(f, p, 0);
	if (!offset)
		offset = &f->offset;
	long total = a[2] > IOV_LIMIT ? -EINVAL : spans_read(p, vector, a[1], a[2]);
	if (total <= 0)
		return total;
	return write ? write_answer(f, p, vector_write(p, f, a[2], total, offset)) : vector_read(p, f, a[2], offset);
}

long sys_readv(struct proc *p, uint64_t *a)
{
	return vectored(p, a, false, NULL);
}

long sys_writev(struct proc *p, uint64_t *a)
{
	return vectored(p, a, true, NULL);
}

long sys_preadv(struct proc *p, uint64_t *a)
{
	int64_t offset = a[3];
	return offset < 0 ? -EINVAL : vectored(p, a, false, &offset);
}

long sys_pwritev(struct proc *p, uint64_t *a)
{
	int64_t offset = a[3];
	return offset < 0 ? -EINVAL : vectored(p, a, true, &offset);
}

/* ---- file to file ------------------------------------------------------------------------------------------ */

static long chunk_send(struct proc *p, struct file *out, const char *from, size_t n, int64_t *to)
{
	if (out->ops == &pipe_ops)
		return pipe_put(out, p, from, n);
	long r = data_write_kernel(out->inode, from, n, *to);
	if (r > 0)
		*to += r;
	return r;
}

/* Copies from the regular file at *from; stops where the target takes no more.  Bytes, or -errno if none. */
static long file_send(struct proc *p, struct file *in, int64_t *from, struct file *out, int64_t *to, uint64_t n)
{
	struct inode *i = in->inode;
	long done = 0, r = 0;
	while ((uint64_t)done < n && (uint64_t)*from < i->size) {
		size_t in_page = *from % PAGE_BYTES, chunk = PAGE_BYTES - in_page;
		if (chunk > n - done)
			chunk = n - done;
		if (chunk > i->size - *from)
			chunk = i->size - *from;
		pageno page = data_page(i, *from / PAGE_BYTES);
		const char *bytes = page ? (char *)page_addr(page) + in_page : zero_page;
		r = chunk_send(p, out, bytes, chunk, to);
		if (r <= 0)
			break;
		done += r;
		*from += r;
	}
	if (done)
		inode_read(i);
	return done ? done : r;
}

/* Only regular files are sent, to regular files and pipes: for all else programs fall back to read and
 * write when they see EINVAL, as the manual tells them. */
static long send_between(struct proc *p, struct file *in, int64_t *from, struct file *out, int64_t *to, uint64_t n)
{
	if (in->ops != &regular_ops || (out->ops != &regular_ops && out->ops != &pipe_ops))
		return -EINVAL;
	if (*from < 0 || *to < 0 || (int64_t)n < 0)
		return -EINVAL;
	if (n > RW_LIMIT)
		n = RW_LIMIT;
	if (in->inode == out->inode && *from < *to + (int64_t)n && *to < *from + (int64_t)n)
		return -EINVAL;
	if (out->ops == &regular_ops && (uint64_t)*to + n > FILE_LIMIT)
		return -EFBIG;
	bool nothing = n == 0 || (uint64_t)*from >= in->inode->size;
	if (out->ops == &pipe_ops && !nothing && pipe_room(out) == 0)
		return pipe_wait(out, p, out->flags & K_O_NONBLOCK);
	return file_send(p, in, from, out, to, n);
}

/* An offset by pointer (the file's own stays) or the file's own. */
static int offset_fetch(struct proc *p, uint64_t at, struct file *f, int64_t *offset)
{
	*offset = f->offset;
	if (!at)
		return 0;
	return user_read(p, offset, at, sizeof *offset);
}

static int offset_store(struct proc *p, uint64_t at, struct file *f, int64_t offset)
{
	if (at)
		return user_write(p, at, &offset, sizeof offset);
	if (f->ops->seekable)
		f->offset = offset;
	return 0;
}

long sys_sendfile(struct proc *p, uint64_t *a)
{
	struct file *out = fd_get(p, a[0]), *in = fd_get(p, a[1]);
	int64_t from, to;
	if (!in || !out || !file_readable(in) || !file_writable(out))
		return -EBADF;
	if (out->flags & K_O_APPEND)
		return -EINVAL;
	if (write_waits(out, p))
		return write_answer(out, p, 0);
	to = out->offset;
	if (offset_fetch(p, a[2], in, &from))
		return -EFAULT;
	long r = send_between(p, in, &from, out, &to, a[3]);
	if (r < 0)
		return r;
	if (out->ops->seekable)
		out->offset = to;
	return offset_store(p, a[2], in, from) ? -EFAULT : write_answer(out, p, r);
}

long sys_copy_file_range(struct proc *p, uint64_t *a)
{
	struct file *in = fd_get(p, a[0]), *out = fd_get(p, a[2]);
	int64_t from, to;
	if (!in || !out || !file_readable(in) || !file_writable(out) || (out->flags & K_O_APPEND))
		return -EBADF;
	if (a[5])
		return -EINVAL;
	if (in->ops == &dir_ops || out->ops == &dir_ops)
		return -EISDIR;
	if (in->ops != &regular_ops || out->ops != &regular_ops)
		return -EINVAL;
	if (write_waits(out, p))
		return write_answer(out, p, 0);
	if (offset_fetch(p, a[1], in, &from) || offset_fetch(p, a[3], out, &to))
		return -EFAULT;
	long r = send_between(p, in, &from, out, &to, a[4]);
	if (r < 0)
		return r;
	return offset_store(p, a[1], in, from) || offset_store(p, a[3], out, to) ? -EFAULT : write_answer(out, p, r);
}

/* ---- offsets and sizes --------------------------------------------------------------------------------------- */

long sys_lseek(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	int64_t by = a[1], base = 0;
	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	if (!f->ops->seekable)
		return -ESPIPE;
	bool regular = f->ops == &regular_ops, share = f->ops == &share_ops;
	if (!regular && !share && f->ops != &dir_ops && f->ops != &text_ops)
		return 0;                 /* /dev/null and its kin have no place to be at */
	switch ((uint32_t)a[2]) {
	case 0:
		break;
	case 1:
		base = f->offset;
		break;
	case 2:
		if (share) {
			int error = share_refresh(p, f->inode);
			if (error)
				return error;
		}
		base = f->inode->size;
		break;
	case 3: case 4:
		if (share && S_ISREG(f->inode->mode)) {       /* all of it is data, as far as we know */
			int error = share_refresh(p, f->inode);
			if (error)
				return error;
			if (by < 0 || (uint64_t)by >= f->inode->size)
				return -ENXIO;
			return f->offset = a[2] == 4 ? (int64_t)f->inode->size : by;
		}
		if (!regular)
			return -EINVAL;
		if (by < 0 || (uint64_t)by >= f->inode->size)
			return -ENXIO;
		by = data_seek(f->inode, by, a[2] == 4);
		if (by < 0)
			return by;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, by, &base))
		return -EOVERFLOW;
	return base < 0 ? -EINVAL : (f->offset = base);
}

static long size_set(struct proc *p, struct inode *i, int64_t size)
{
	if (size < 0)
		return -EINVAL;
	if ((uint64_t)size > p->rlimit[1][0] && (uint64_t)size > i->size) {
		signal_send(p, K_SIGXFSZ, 0, p->pid);
		return -EFBIG;
	}
	int failed = share_own(p, i, size == 0);
	if (failed)
		return failed;
	if (i->share)
		return share_set(p, i, &(struct share_change){.which = FILES_SET_SIZE, .size = size});
	int error = data_truncate(i, size);
	if (!error)
		inode_lose_privilege(i, p);
	return error;
}

long sys_truncate(struct proc *p, uint64_t *a)
{
	struct walk w;
	int error = (int64_t)a[1] < 0 ? -EINVAL : user_walk(p, K_AT_FDCWD, a[0], WALK_FOLLOW, 0, &w);
	if (error)
		return error;
	if (!S_ISREG(w.inode->mode))
		return S_ISDIR(w.inode->mode) ? -EISDIR : -EINVAL;
	error = w.inode->virtual ? -EACCES : inode_may(w.inode, p, K_W_OK);
	return error ? error : size_set(p, w.inode, a[1]);
}

long sys_ftruncate(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	if ((f->ops != &regular_ops && f->ops != &share_ops) || !file_writable(f))
		return -EINVAL;
	return size_set(p, f->inode, a[1]);
}

#define KEEP_SIZE  1u
#define PUNCH_HOLE 2u
#define ZERO_RANGE 16u

long sys_fallocate(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	uint32_t mode = a[1];
	int64_t from = a[2], length = a[3], to;
	if (!f || !file_writable(f))
		return -EBADF;
	if (from < 0 || length <= 0)
		return -EINVAL;
	if (mode & ~(KEEP_SIZE | PUNCH_HOLE | ZERO_RANGE) || (mode & (PUNCH_HOLE | KEEP_SIZE)) == PUNCH_HOLE)
		return -EOPNOTSUPP;
	if (f->ops == &share_ops)
		return -EOPNOTSUPP;
	if (f->ops != &regular_ops)
		return f->ops == &pipe_ops ? -ESPIPE : -ENODEV;
	if (__builtin_add_overflow(from, length, &to) || (uint64_t)to > FILE_LIMIT)
		return -EFBIG;
	struct inode *i = f->inode;
	inode_lose_privilege(i, p);
	int error = mode & (PUNCH_HOLE | ZERO_RANGE) ? data_zero(i, from, to) : 0;
	if (error || mode & PUNCH_HOLE)
		return error;
	/* What cannot be provided must be known before the file grows. */
	if ((uint64_t)(to - from) / PAGE_BYTES > pages_for_data())
		return -ENOSPC;
	error = data_reserve(i, from, to);
	if (!error && !(mode & KEEP_SIZE) && (uint64_t)to > i->size)
		error = size_set(p, i, to);
	return error;
}

/* ---- syncing (sync.c) ------------------------------------------------------------------------------ */

static long sync_one(struct proc *p, int fd, bool data_only)
{
	struct file *f = fd_get(p, fd);
	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	if (f->ops == &share_ops)
		return share_sync(p, f, data_only);
	return f->ops->seekable ? store_sync(p) : -EINVAL;
}

long sys_fsync(struct proc *p, uint64_t *a)
{
	return sync_one(p, a[0], false);
}

long sys_fdatasync(struct proc *p, uint64_t *a)
{
	return sync_one(p, a[0], true);
}

long sys_sync(struct proc *p, uint64_t *a)
{
	(void)a;
	return store_sync(p);
}

long sys_syncfs(struct proc *p, uint64_t *a)
{
	return fd_get(p, a[0]) ? store_sync(p) : -EBADF;
}

/* Linux promises less by it; a part of a file is no cheaper to wait for than the whole. */
long sys_sync_file_range(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	uint64_t end = a[1] + a[2];

	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	if ((int64_t)a[1] < 0 || (int64_t)a[2] < 0 || (int64_t)end < 0 || (a[3] & ~7ull))
		return -EINVAL;
	if (!f->ops->seekable)
		return -ESPIPE;
	return a[3] ? sync_one(p, a[0], true) : 0;
}

static long advice(struct proc *p, int fd)
{
	struct file *f = fd_get(p, fd);
	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	return f->ops == &pipe_ops ? -ESPIPE : 0;
}

long sys_fadvise64(struct proc *p, uint64_t *a)
{
	long r = advice(p, a[0]);
	return r ? r : a[3] > 5 ? -EINVAL : 0;
}

long sys_readahead(struct proc *p, uint64_t *a)
{
	long r = advice(p, a[0]);
	return r == -ESPIPE ? -EINVAL : r;
}
