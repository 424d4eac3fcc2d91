/*
 * sys_name.c - changing: names (mkdir, unlink, rename, link ...) and attributes (mode, owner, times).
 */
#include <keros/files.h>
#include "vfs/vfs.h"
#include "sys_file.h"

/* ---- making and removing ---------------------------------------------------------------------------------- */

static long make_at(struct proc *p, int dirfd, uint64_t path, uint32_t mode, uint32_t rdev, const char *target)
{
	struct walk w;
	int error = user_walk(p, dirfd, path, WALK_PARENT, 1, &w);
	return error ? error : name_create(p, &w, mode, rdev, target, NULL);
}

static long mkdir_at(struct proc *p, int dirfd, uint64_t path, uint32_t mode)
{
	return make_at(p, dirfd, path, S_IFDIR | (mode & 01777 & ~p->fs->umask), 0, NULL);
}

long sys_mkdir(struct proc *p, uint64_t *a)
{
	return mkdir_at(p, K_AT_FDCWD, a[0], a[1]);
}

long sys_mkdirat(struct proc *p, uint64_t *a)
{
	return mkdir_at(p, a[0], a[1], a[2]);
}

static long mknod_at(struct proc *p, int dirfd, uint64_t path, uint32_t mode, uint32_t rdev)
{
	uint32_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	switch (type) {
	case S_IFREG: case S_IFIFO: case S_IFSOCK:
		rdev = 0;
		break;
	case S_IFCHR: case S_IFBLK:
		if (p->euid != 0)
			return -EPERM;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return make_at(p, dirfd, path, type | (mode & 07777 & ~p->fs->umask), rdev, NULL);
}

long sys_mknod(struct proc *p, uint64_t *a)
{
	return mknod_at(p, K_AT_FDCWD, a[0], a[1], a[2]);
}

long sys_mknodat(struct proc *p, uint64_t *a)
{
	return mknod_at(p, a[0], a[1], a[2], a[3]);
}

static long symlink_at(struct proc *p, uint64_t target, int dirfd, uint64_t path)
{
	static char text[PATH_LIMIT];
	long length = user_string(p, text, target, sizeof text);
	if (length <= 0)
		return length ? length : -ENOENT;
	return make_at(p, dirfd, path, S_IFLNK | 0777, 0, text);
}

long sys_symlink(struct proc *p, uint64_t *a)
{
	return symlink_at(p, a[0], K_AT_FDCWD, a[1]);
}

long sys_symlinkat(struct proc *p, uint64_t *a)
{
	return symlink_at(p, a[0], a[1], a[2]);
}

static long remove_at(struct proc *p, int dirfd, uint64_t path, bool dir)
{
	struct walk w;
	int error = user_walk(p, dirfd, path, WALK_PARENT, 0, &w);
	if (error)
		return error;
	return dir ? name_rmdir(p, &w) : name_unlink(p, &w);
}

long sys_unlink(struct proc *p, uint64_t *a)
{
	return remove_at(p, K_AT_FDCWD, a[0], false);
}

long sys_rmdir(struct proc *p, uint64_t *a)
{
	return remove_at(p, K_AT_FDCWD, a[0], true);
}

long sys_unlinkat(struct proc *p, uint64_t *a)
{
	if (a[2] & ~(uint64_t)K_AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(p, a[0], a[1], a[2] & K_AT_REMOVEDIR);
}

static long link_at(struct proc *p, int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t flags)
{
	struct walk source, w;
	if (flags & ~(uint64_t)(K_AT_SYMLINK_FOLLOW | K_AT_EMPTY_PATH))
		return -EINVAL;
	unsigned how = (flags & K_AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) | (flags & K_AT_EMPTY_PATH ? WALK_EMPTY : 0);
	int error = user_walk(p, from_fd, from, how, 0, &source);
	if (!error)
		error = user_walk(p, to_fd, to, WALK_PARENT | WALK_KEEP, 1, &w);
	return error ? error : name_link(p, source.inode, &w);
}

long sys_link(struct proc *p, uint64_t *a)
{
	return link_at(p, K_AT_FDCWD, a[0], K_AT_FDCWD, a[1], 0);
}

long sys_linkat(struct proc *p, uint64_t *a)
{
	return link_at(p, a[0], a[1], a[2], a[3], a[4]);
}

static long rename_at(struct proc *p, int from_fd, uint64_t from, int to_fd, uint64_t to, uint32_t flags)
{
	struct walk source, target;
	if (flags & ~3u || flags == 3)
		return -EINVAL;
	int error = user_walk(p, from_fd, from, WALK_PARENT, 0, &source);
	if (!error)
		error = user_walk(p, to_fd, to, WALK_PARENT | WALK_KEEP, 1, &target);
	return error ? error : name_rename(p, &source, &target, flags);
}

long sys_rename(struct proc *p, uint64_t *a)
{
	return rename_at(p, K_AT_FDCWD, a[0], K_AT_FDCWD, a[1], 0);
}

long sys_renameat(struct proc *p, uint64_t *a)
{
	return rename_at(p, a[0], a[1], a[2], a[3], 0);
}

long sys_renameat2(struct proc *p, uint64_t *a)
{
	return rename_at(p, a[0], a[1], a[2], a[3], a[4]);
}

/* ---- mode and owner -------------------------------------------------------------------------------------------- */

/* The inode of an open file whose attributes may be changed: not of a mere O_PATH. */
static int inode_of_fd(struct proc *p, int fd, struct inode **out)
{
	struct file *f = fd_get(p, fd);
	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	*out = f->inode;
	return f->inode ? 0 : -EINVAL;
}

static long mode_set(struct proc *p, struct inode *i, uint32_t mode)
{
	if (i->virtual || !inode_owned(i, p))
		return -EPERM;
	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	if (p->euid != 0 && p->egid != i->gid)
		mode &= ~02000u;
	if (share_is_live(i))
		return share_set(p, i, &(struct share_change){.which = FILES_SET_MODE, .mode = mode});
	i->mode = (i->mode & S_IFMT) | (mode & 07777);
	inode_changed(i);
	return 0;
}

static long chmod_at(struct proc *p, int dirfd, uint64_t path, uint32_t mode)
{
	struct walk w;
	int error = user_walk(p, dirfd, path, WALK_FOLLOW, 0, &w);
	return error ? error : mode_set(p, w.inode, mode);
}

long sys_chmod(struct proc *p, uint64_t *a)
{
	return chmod_at(p, K_AT_FDCWD, a[0], a[1]);
}

long sys_fchmodat(struct proc *p, uint64_t *a)
{
	return chmod_at(p, a[0], a[1], a[2]);
}

long sys_fchmod(struct proc *p, uint64_t *a)
{
	struct inode *i;
	int error = inode_of_fd(p, a[0], &i);
	return error ? error : mode_set(p, i, a[1]);
}

static long owner_set(struct proc *p, struct inode *i, uint32_t uid, uint32_t gid)
{
	if (i->virtual)
		return -EPERM;
	if (p->euid != 0 && (uid & gid) != ~0u) {
		bool keeps_uid = uid == ~0u || uid == i->uid;
		bool may_gid = gid == ~0u || gid == i->gid || gid == p->egid;
		if (p->euid != i->uid || !keeps_uid || !may_gid)
			return -EPERM;
	}
	/* What is of a share belongs to whom the host says. */
	if (share_is_live(i))
		return (uid != ~0u && uid != i->uid) || (gid != ~0u && gid != i->gid) ? share_readonly(i) ? -EROFS : -EPERM : 0;
	if (uid != ~0u)
		i->uid = uid;
	if (gid != ~0u)
		i->gid = gid;
	/* A program must not run with an owner's authority that did not make it so. */
	if (!S_ISDIR(i->mode))
		i->mode &= i->mode & 0010 ? ~06000u : ~04000u;
	inode_changed(i);
	return 0;
}

static long chown_at(struct proc *p, int dirfd, uint64_t path, unsigned flags, uint32_t uid, uint32_t gid)
{
	struct walk w;
	int error = user_walk(p, dirfd, path, flags, 0, &w);
	return error ? error : owner_set(p, w.inode, uid, gid);
}

long sys_chown(struct proc *p, uint64_t *a)
{
	return chown_at(p, K_AT_FDCWD, a[0], WALK_FOLLOW, a[1], a[2]);
}

long sys_lchown(struct proc *p, uint64_t *a)
{
	return chown_at(p, K_AT_FDCWD, a[0], 0, a[1], a[2]);
}

long sys_fchownat(struct proc *p, uint64_t *a)
{
	if (a[4] & ~(uint64_t)(K_AT_SYMLINK_NOFOLLOW | K_AT_EMPTY_PATH))
		return -EINVAL;
	unsigned flags = (a[4] & K_AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (a[4] & K_AT_EMPTY_PATH ? WALK_EMPTY : 0);
	return chown_at(p, a[0], a[1], flags, a[2], a[3]);
}

long sys_fchown(struct proc *p, uint64_t *a)
{
	struct inode *i;
	int error = inode_of_fd(p, a[0], &i);
	return error ? error : owner_set(p, i, a[1], a[2]);
}

/* ---- times -------------------------------------------------------------------------------------------------------- */

#define NOW_K  0x3fffffff
#define OMIT_K 0x3ffffffe

/* A pair of times to set; those with OMIT_K stay.  NULL to mean "now, both" is a pair of NOW_K. */
static long times_set(struct proc *p, struct inode *i, const struct timespec64 t[2])
{
	bool both_now = t[0].tv_nsec == NOW_K && t[1].tv_nsec == NOW_K;
	if (t[0].tv_nsec == OMIT_K && t[1].tv_nsec == OMIT_K)
		return 0;
	if (i->virtual)
		return -EPERM;
	if (!inode_owned(i, p)) {
		if (!both_now)
			return -EPERM;
		int error = inode_may(i, p, K_W_OK);
		if (error)
			return error;
	}
	if (share_is_live(i))
		return share_set(p, i, &(struct share_change){
			.which = (t[0].tv_nsec == OMIT_K ? 0 : t[0].tv_nsec == NOW_K ? FILES_SET_ATIME_NOW : FILES_SET_ATIME) |
				 (t[1].tv_nsec == OMIT_K ? 0 : t[1].tv_nsec == NOW_K ? FILES_SET_MTIME_NOW : FILES_SET_MTIME),
			.atime = (int64_t)((uint64_t)t[0].tv_sec * 1000000000u + (uint64_t)t[0].tv_nsec),
			.mtime = (int64_t)((uint64_t)t[1].tv_sec * 1000000000u + (uint64_t)t[1].tv_nsec)});
	int64_t now = time_tick();
	int64_t *to[2] = {&i->atime, &i->mtime};
	for (int k = 0; k < 2; k++) {
		if (t[k].tv_nsec == NOW_K)
			*to[k] = now;
		else if (t[k].tv_nsec != OMIT_K)
			*to[k] = (int64_t)((uint64_t)t[k].tv_sec * 1000000000u + (uint64_t)t[k].tv_nsec);
	}
	i->ctime = now;
	return 0;
}

static bool nsec_valid(const struct timespec64 *t)
{
	return t->tv_nsec == NOW_K || t->tv_nsec == OMIT_K || (uint64_t)t->tv_nsec < 1000000000;
}

static long times_at(struct proc *p, int dirfd, uint64_t path, unsigned flags, const struct timespec64 t[2])
{
	struct walk w;
	struct inode *i;
	if (!nsec_valid(t) || !nsec_valid(t + 1))
		return -EINVAL;
	if (!path && dirfd != K_AT_FDCWD) {
		int error = inode_of_fd(p, dirfd, &i);
		return error ? error : times_set(p, i, t);
	}
	int error = user_walk(p, dirfd, path, flags, 0, &w);
	return error ? error : times_set(p, w.inode, t);
}

static const struct timespec64 both_now[2] = {{0, NOW_K}, {0, NOW_K}};

long sys_utimensat(struct proc *p, uint64_t *a)
{
	struct timespec64 t[2];
	if (a[3] & ~(uint64_t)(K_AT_SYMLINK_NOFOLLOW | K_AT_EMPTY_PATH))
		return -EINVAL;
	if (a[2] && user_read(p, t, a[2], sizeof t))
		return -EFAULT;
	unsigned flags = (a[3] & K_AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (a[3] & K_AT_EMPTY_PATH ? WALK_EMPTY : 0);
	return times_at(p, a[0], a[1], flags, a[2] ? t : both_now);
}

static long times_micro(struct proc *p, int dirfd, uint64_t path, uint64_t at)
{
	struct timespec64 t[2];           /* a timeval pair has the same shape */
	if (!at)
		return times_at(p, dirfd, path, WALK_FOLLOW, both_now);
	if (user_read(p, t, at, sizeof t))
		return -EFAULT;
	for (int k = 0; k < 2; k++) {
		if ((uint64_t)t[k].tv_nsec >= 1000000)
			return -EINVAL;
		t[k].tv_nsec *= 1000;
	}
	return times_at(p, dirfd, path, WALK_FOLLOW, t);
}

long sys_utimes(struct proc *p, uint64_t *a)
{
	return times_micro(p, K_AT_FDCWD, a[0], a[1]);
}

long sys_futimesat(struct proc *p, uint64_t *a)
{
	return times_micro(p, a[0], a[1], a[2]);
}

long sys_utime(struct proc *p, uint64_t *a)
{
	int64_t seconds[2];
	if (!a[1])
		return times_at(p, K_AT_FDCWD, a[0], WALK_FOLLOW, both_now);
	if (user_read(p, seconds, a[1], sizeof seconds))
		return -EFAULT;
	struct timespec64 t[2] = {{seconds[0], 0}, {seconds[1], 0}};
	return times_at(p, K_AT_FDCWD, a[0], WALK_FOLLOW, t);
}
