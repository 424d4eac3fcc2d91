/*
 * sys_file.c - the table of file calls, and those on descriptors: open, close, dup, fcntl, ioctl, pipe.
 *
 * Every sys_* takes the arguments as the process passed them and returns what Linux would, or BLOCKED.
 */
#include "vfs/vfs.h"
#include "refusal.h"
#include "sys_file.h"

#define X(number, name) {number, #name, sys_##name},
const struct syscall file_syscalls[] = {
	FILE_SYSCALLS(X)
	{0, NULL, NULL},
};
#undef X

/* ---- open and close ----------------------------------------------------------------------------------- */

static long open_at(struct proc *p, int dirfd, uint64_t path, uint32_t flags, uint32_t mode)
{
	struct file *f;
	if (!fd_room(p))
		return -EMFILE;
	long r = file_open(p, dirfd, path, flags, mode, &f);
	if (r)
		return r;
	r = fd_install(p, f, 0, flags & K_O_CLOEXEC);
	if (r < 0)
		file_put(f);
	return r;
}

long sys_open(struct proc *p, uint64_t *a)
{
	return open_at(p, K_AT_FDCWD, a[0], a[1], a[2]);
}

long sys_openat(struct proc *p, uint64_t *a)
{
	return open_at(p, a[0], a[1], a[2], a[3]);
}

long sys_creat(struct proc *p, uint64_t *a)
{
	return open_at(p, K_AT_FDCWD, a[0], 1 | K_O_CREAT | K_O_TRUNC, a[1]);
}

long sys_close(struct proc *p, uint64_t *a)
{
	return fd_close(p, a[0]);
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

long sys_close_range(struct proc *p, uint64_t *a)
{
	uint32_t first = a[0], last = a[1], flags = a[2];
	if (first > last || flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) && p->fds->refs > 1) {
		struct fdtable *own = fdtable_copy(p->fds);
		if (!own)
			return -ENOMEM;
		fdtable_put(p->fds);
		p->fds = own;
	}
	for (uint32_t fd = first; fd <= last && fd < p->fds->size; fd++) {
		if (!p->fds->fd[fd].file)
			continue;
		if (flags & CLOSE_RANGE_CLOEXEC)
			p->fds->fd[fd].cloexec = true;
		else
			fd_close(p, fd);
	}
	return 0;
}

static long pipe_install(struct proc *p, uint64_t at, uint32_t flags)
{
	struct file *end[2];
	int fd[2];
	if (flags & ~(K_O_CLOEXEC | K_O_NONBLOCK | K_O_DIRECT))
		return -EINVAL;
	long r = pipe_pair(&end[0], &end[1], flags & K_O_NONBLOCK);
	if (r)
		return r;
	fd[0] = fd_install(p, end[0], 0, flags & K_O_CLOEXEC);
	fd[1] = fd[0] < 0 ? fd[0] : fd_install(p, end[1], 0, flags & K_O_CLOEXEC);
	if (fd[1] >= 0 && !user_write(p, at, fd, sizeof fd))
		return 0;
	r = fd[1] < 0 ? fd[1] : -EFAULT;
	if (fd[0] >= 0)
		fd_close(p, fd[0]);
	else
		file_put(end[0]);
	if (fd[1] >= 0)
		fd_close(p, fd[1]);
	else
		file_put(end[1]);
	return r;
}

long sys_pipe(struct proc *p, uint64_t *a)
{
	return pipe_install(p, a[0], 0);
}

long sys_pipe2(struct proc *p, uint64_t *a)
{
	return pipe_install(p, a[0], a[1]);
}

/* ---- dup and fcntl --------------------------------------------------------------------------------------- */

static long dup_from(struct proc *p, int fd, int lowest, bool cloexec)
{
	struct file *f = fd_get(p, fd);
	if (!f)
		return -EBADF;
	long r = fd_install(p, f, lowest, cloexec);
	if (r >= 0)
		f->refs++;
	return r;
}

long sys_dup(struct proc *p, uint64_t *a)
{
	return dup_from(p, a[0], 0, false);
}

long sys_dup2(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	if (!f)
		return -EBADF;
	return (int)a[0] == (int)a[1] ? (int)a[1] : fd_place(p, f, a[1], false);
}

long sys_dup3(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	if ((a[2] & ~(uint64_t)K_O_CLOEXEC) || (int)a[0] == (int)a[1])
		return -EINVAL;
	return f ? fd_place(p, f, a[1], a[2] & K_O_CLOEXEC) : -EBADF;
}

#define SETTABLE (K_O_APPEND | K_O_NONBLOCK | K_O_ASYNC | K_O_DIRECT | K_O_NOATIME)

static long fcntl_setfl(struct proc *p, struct file *f, uint32_t flags)
{
	if ((flags & ~f->flags & K_O_NOATIME) && f->inode && !inode_owned(f->inode, p))
		return -EPERM;
	f->flags = (f->flags & ~SETTABLE) | (flags & SETTABLE);
	return 0;
}

static long fcntl_pipe_size(struct file *f, bool set, uint64_t size)
{
	if (f->ops != &pipe_ops)
		return -EBADF;
	if (set && size > 65536)
		return size > 0x80000000u ? -EINVAL : -EPERM;
	return 65536;
}

long sys_fcntl(struct proc *p, uint64_t *a)
{
	int command = a[1];
	struct file *f = fd_get(p, a[0]);
	if (!f)
		return -EBADF;
	struct fd *slot = p->fds->fd + (int)a[0];
	bool dup = command == 0 || command == 1030;
	if ((f->flags & K_O_PATH) && !dup && (command < 1 || command > 3))
		return -EBADF;
	switch (command) {
	case 0: case 1030:                                   /* F_DUPFD, F_DUPFD_CLOEXEC */
		return a[2] >= p->fds->limit ? -EINVAL : dup_from(p, a[0], a[2], command == 1030);
	case 1: return slot->cloexec;
	case 2: slot->cloexec = a[2] & 1; return 0;
	case 3: return f->flags;
	case 4: return fcntl_setfl(p, f, a[2]);
	case 5: case 6: case 7: case 36: case 37: case 38:
		return lock_fcntl(p, f, command, a[2]);
	case 8: case 10: return 0;                           /* F_SETOWN, F_SETSIG: nothing is ever sent */
	case 9: case 11: return 0;
	case 1031: case 1032: return fcntl_pipe_size(f, command == 1031, a[2]);
	default: return -EINVAL;
	}
}

long sys_flock(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	return f && !(f->flags & K_O_PATH) ? lock_flock(p, f, a[1]) : -EBADF;
}

/* ---- ioctl ------------------------------------------------------------------------------------------------- */

#define FIONREAD_K  0x541B
#define FIONBIO_K   0x5421
#define FIONCLEX_K  0x5450
#define FIOCLEX_K   0x5451
#define FIOASYNC_K  0x5452

static long ioctl_flag(struct proc *p, struct file *f, uint64_t arg, uint32_t flag)
{
	int on;
	if (user_read(p, &on, arg, sizeof on))
		return -EFAULT;
	f->flags = on ? f->flags | flag : f->flags & ~flag;
	return 0;
}

long sys_ioctl(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	uint32_t request = a[1];
	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	switch (request) {
	case FIOCLEX_K: case FIONCLEX_K:
		p->fds->fd[(int)a[0]].cloexec = request == FIOCLEX_K;
		return 0;
	case FIONBIO_K:
		return ioctl_flag(p, f, a[2], K_O_NONBLOCK);
	case FIOASYNC_K:
		return ioctl_flag(p, f, a[2], K_O_ASYNC);
	}
	if (request == FIONREAD_K && f->ops == &regular_ops) {
		int left = (uint64_t)f->offset < f->inode->size ? f->inode->size - f->offset : 0;
		return user_write(p, a[2], &left, sizeof left);
	}
	return f->ops->ioctl ? f->ops->ioctl(f, p, request, a[2]) : -ENOTTY;
}

/* ---- small ones --------------------------------------------------------------------------------------------- */

long sys_umask(struct proc *p, uint64_t *a)
{
	uint32_t old = p->fs->umask;
	p->fs->umask = a[0] & 0777;
	return old;
}

/* The root of the sandbox is where its authority ends; nothing may move it. */
long sys_chroot(struct proc *p, uint64_t *a)
{
	(void)p, (void)a;
	return -EPERM;
}

long sys_getrandom(struct proc *p, uint64_t *a)
{
	if (a[2] & ~7ull)
		return -EINVAL;
	if (random_refused) {
		refusal_quiet("getrandom", "--random");
		return -EPERM;
	}
	return user_fill(p, a[0], a[1] > 33554431 ? 33554431 : a[1], random_fill);
}
