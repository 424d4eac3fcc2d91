/*
 * sys_stat.c - looking: stat in all its forms, access, statfs, directories, links, the current directory.
 */
#include <string.h>
#include "vfs/vfs.h"
#include "sys_file.h"
#include "record.h"

/* ---- stat ----------------------------------------------------------------------------------------------- */

static struct timespec time_split(int64_t ns)
{
	struct timespec t = {ns / 1000000000, ns % 1000000000};
	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	}
	return t;
}

static long stat_write(struct proc *p, uint64_t to, const struct inode *i)
{
	struct stat st = {0};             /* the C library's layout is the kernel's on x86-64 */
	st.st_blksize = PAGE_BYTES;
	st.st_nlink = 1;
	if (i) {
		st.st_dev = inode_device(i);
		st.st_ino = i->number;
		st.st_mode = i->mode;
		st.st_nlink = i->nlink;
		st.st_uid = i->uid;
		st.st_gid = i->gid;
		st.st_rdev = S_ISFIFO(i->mode) ? 0 : i->rdev;
		st.st_size = i->size;
		st.st_blocks = inode_blocks(i);
		st.st_atim = time_split(i->atime);
		st.st_mtim = time_split(i->mtime);
		st.st_ctim = time_split(i->ctime);
	} else {
		st.st_mode = 0600;
	}
	return user_write(p, to, &st, sizeof st);
}

static long stat_path(struct proc *p, int dirfd, uint64_t path, unsigned flags, uint64_t to)
{
	struct walk w;
	int error = user_walk(p, dirfd, path, flags, 0, &w);
	return error ? error : stat_write(p, to, w.inode);
}

long sys_stat(struct proc *p, uint64_t *a)
{
	return stat_path(p, K_AT_FDCWD, a[0], WALK_FOLLOW, a[1]);
}

long sys_lstat(struct proc *p, uint64_t *a)
{
	return stat_path(p, K_AT_FDCWD, a[0], 0, a[1]);
}

static long stat_fd(struct proc *p, int fd, uint64_t to)
{
	struct file *f = fd_get(p, fd);
	int error = !f ? -EBADF : f->inode && f->inode->share ? share_refresh(p, f->inode) : 0;
	return error ? error : stat_write(p, to, f->inode);
}

long sys_fstat(struct proc *p, uint64_t *a)
{
	return stat_fd(p, a[0], a[1]);
}

#define STAT_FLAGS (K_AT_SYMLINK_NOFOLLOW | K_AT_NO_AUTOMOUNT | K_AT_EMPTY_PATH)

static unsigned walk_flags(uint64_t at_flags)
{
	return (at_flags & K_AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (at_flags & K_AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

/* fstat as glibc says it: an empty path and a descriptor, which may have no inode. */
static bool path_is_empty(struct proc *p, uint64_t path)
{
	char first;
	return user_read(p, &first, path, 1) == 0 && first == 0;
}

long sys_newfstatat(struct proc *p, uint64_t *a)
{
	if (a[3] & ~(uint64_t)STAT_FLAGS)
		return -EINVAL;
	if ((a[3] & K_AT_EMPTY_PATH) && (int)a[0] != K_AT_FDCWD && path_is_empty(p, a[1])) {
		return stat_fd(p, a[0], a[2]);
	}
	return stat_path(p, a[0], a[1], walk_flags(a[3]), a[2]);
}

struct statx_time { int64_t sec; uint32_t nsec; int32_t pad; };
struct statx_k {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint64_t spare[13];
};
_Static_assert(sizeof(struct statx_k) == 256, "struct statx is 256 bytes");

#define STATX_BASIC 0x7ffu

static struct statx_time statx_time(int64_t ns)
{
	struct timespec t = time_split(ns);
	return (struct statx_time){t.tv_sec, t.tv_nsec, 0};
}

static uint32_t dev_major(uint64_t dev)
{
	return dev >> 8 & 0xfff;
}

static uint32_t dev_minor(uint64_t dev)
{
	return (dev & 0xff) | (dev >> 12 & 0xffffff00);
}

long sys_statx(struct proc *p, uint64_t *a)
{
	struct walk w;
	if (a[2] & ~(uint64_t)(STAT_FLAGS | K_AT_STATX_TYPE) || (a[3] & 0x80000000u) ||
	    (a[2] & K_AT_STATX_TYPE) == K_AT_STATX_TYPE)
		return -EINVAL;
	int error = user_walk(p, a[0], a[1], walk_flags(a[2]), 0, &w);
	if (error)
		return error;
	const struct inode *i = w.inode;
	struct statx_k x = {
		.mask = STATX_BASIC, .blksize = PAGE_BYTES, .nlink = i->nlink, .uid = i->uid, .gid = i->gid,
		.mode = i->mode, .ino = i->number, .size = i->size, .blocks = inode_blocks(i),
		.atime = statx_time(i->atime), .ctime = statx_time(i->ctime), .mtime = statx_time(i->mtime),
		.rdev_major = dev_major(i->rdev), .rdev_minor = dev_minor(i->rdev),
		.dev_major = dev_major(inode_device(i)), .dev_minor = dev_minor(inode_device(i)),
	};
	return user_write(p, a[4], &x, sizeof x);
}

/* ---- access --------------------------------------------------------------------------------------------- */

#define AT_EACCESS_K 0x200

/* As the real user, unless AT_EACCESS says otherwise; the walk itself is the effective user's, as root's is. */
static long access_at(struct proc *p, int dirfd, uint64_t path, uint32_t mode, uint32_t flags)
{
	struct walk w;
	if (mode & ~7u || flags & ~(uint32_t)(AT_EACCESS_K | K_AT_SYMLINK_NOFOLLOW | K_AT_EMPTY_PATH))
		return -EINVAL;
	int error = user_walk(p, dirfd, path, walk_flags(flags), 0, &w);
	if (error || mode == 0)
		return error;
	if (share_is_live(w.inode) && (mode & K_W_OK) && share_readonly(w.inode))
		return -EROFS;
	bool effective = flags & AT_EACCESS_K;
	return inode_access_as(w.inode, effective ? p->euid : p->uid, effective ? p->egid : p->gid, mode);
}

long sys_access(struct proc *p, uint64_t *a)
{
	return access_at(p, K_AT_FDCWD, a[0], a[1], 0);
}

long sys_faccessat(struct proc *p, uint64_t *a)
{
	return access_at(p, a[0], a[1], a[2], 0);
}

long sys_faccessat2(struct proc *p, uint64_t *a)
{
	return access_at(p, a[0], a[1], a[2], a[3]);
}

/* ---- statfs ----------------------------------------------------------------------------------------------- */

struct statfs_k {
	int64_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct statfs_k) == 120, "struct statfs is 120 bytes");

/* The sandbox's memory is its disk. */
static long statfs_write(struct proc *p, uint64_t to, const struct inode *i)
{
	struct statfs_k s = {
		.type = 0x01021994, .bsize = PAGE_BYTES, .frsize = PAGE_BYTES, .namelen = NAME_LIMIT, .flags = 0x20,
		.blocks = pages_limit(), .bfree = pages_for_data(), .files = pages_limit(),
	};
	s.bavail = s.bfree;
	s.ffree = s.bfree;
	if (i && i->quota) {
		s.blocks = s.files = i->quota->pages;
		s.bfree = s.bavail = s.ffree = i->quota->pages - i->quota->used;
	}
	if (i && share_is_live(i)) {
		struct share_space h;
		long error = share_space(p, (struct inode *)i, &h);
		if (error)
			return error;
		s = (struct statfs_k){
			.type = 0x01021997, .bsize = h.block, .frsize = h.block, .namelen = NAME_LIMIT,
			.flags = h.readonly ? 0x21 : 0x20, .blocks = h.blocks, .bfree = h.free, .bavail = h.available,
			.files = h.files, .ffree = h.files_free,
		};
	}
	if (i && i->virtual) {
		s = (struct statfs_k){
			.type = 0x9fa0, .bsize = PAGE_BYTES, .frsize = PAGE_BYTES, .namelen = NAME_LIMIT, .flags = 0x20,
		};
	}
	return user_write(p, to, &s, sizeof s);
}

long sys_statfs(struct proc *p, uint64_t *a)
{
	struct walk w;
	int error = user_walk(p, K_AT_FDCWD, a[0], WALK_FOLLOW, 0, &w);
	return error ? error : statfs_write(p, a[1], w.inode);
}

long sys_fstatfs(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	return f ? statfs_write(p, a[1], f->inode) : -EBADF;
}

/* ---- directories -------------------------------------------------------------------------------------------- */

/* The file's offset counts names: 0 is ".", 1 is "..", 2 + c the name of cookie c.  text: room for a name that is made. */
static bool list_next(struct inode *dir, struct proc *p, uint64_t place, char text[32], struct listed *l)
{
	l->next = place + 1;
	if (place < 2) {
		l->name = "..";
		l->length = place + 1;
		l->number = place ? dir->parent->number : dir->number;
		l->mode = S_IFDIR;
		return true;
	}
	uint64_t cookie = place - 2;
	if (dir->virtual) {
		if (!dir->virtual->next(dir, p, &cookie, text, &l->number, &l->mode))
			return false;
		l->next = cookie + 3;
		l->name = text;
		l->length = strlen(text);
		return true;
	}
	struct dentry *d = dir_next(dir, cookie);
	if (!d)
		return false;
	l->next = d->cookie + 3;
	l->name = d->name;
	l->length = d->length;
	bool later = !d->inode && d->tree == DENTRY_SHARE;
	l->number = d->inode ? d->inode->number : later ? d->number : tree_number(d->tree, d->entry);
	l->mode = d->inode ? d->inode->mode : later ? d->entry << 12 : tree_mode(d->tree, d->entry);
	return true;
}

size_t listed_lay(char *to, size_t room, const struct listed *l, bool wide)
{
	size_t length = (18 + wide + l->length + 1 + !wide + 7) & ~7ul;
	uint16_t length16 = length;
	if (length > room)
		return 0;
	memset(to, 0, length);
	memcpy(to, &l->number, 8);
	memcpy(to + 8, &l->next, 8);
	memcpy(to + 16, &length16, 2);
	to[wide ? 18 : length - 1] = (l->mode & S_IFMT) >> 12;
	memcpy(to + 18 + wide, l->name, l->length);
	return length;
}

static long list_directory(struct proc *p, uint64_t *a, bool wide)
{
	static char records[32768];
	struct file *f = fd_get(p, a[0]);
	size_t room = (uint32_t)a[2] < sizeof records ? (uint32_t)a[2] : sizeof records, used = 0;
	if (!f || (f->flags & K_O_PATH))
		return -EBADF;
	if (!f->inode || !S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	struct inode *dir = f->inode;
	if (dir->removed)
		return -ENOENT;
	if (f->ops == &share_ops)
		return share_list(p, f, a[1], room, wide);
	int error = share_lay(p, dir);
	if (error)
		return error;
	if (!dir->virtual && dir_open_image(dir))
		return -ENOMEM;
	struct listed l;
	char text[32];
	uint64_t place = f->offset;
	while (list_next(dir, p, place, text, &l)) {
		size_t length = listed_lay(records + used, room - used, &l, wide);
		if (!length) {
			if (!used)
				return -EINVAL;
			break;
		}
		if (record_on)
			record_listed(l.name, l.length);
		used += length;
		place = l.next;
	}
	if (used && user_write(p, a[1], records, used))
		return -EFAULT;
	f->offset = place;
	if (used)
		inode_read(dir);
	return used;
}

long sys_getdents64(struct proc *p, uint64_t *a)
{
	return list_directory(p, a, true);
}

long sys_getdents(struct proc *p, uint64_t *a)
{
	return list_directory(p, a, false);
}

/* ---- links and the current directory ------------------------------------------------------------------------- */

static long readlink_at(struct proc *p, int dirfd, uint64_t path, uint64_t to, int size)
{
	static char text[PATH_LIMIT];
	struct walk w;
	if (size <= 0)
		return -EINVAL;
	int error = user_walk(p, dirfd, path, WALK_EMPTY, 0, &w);
	if (error)
		return error;
	if (!S_ISLNK(w.inode->mode))
		return w.last == LAST_EMPTY ? -ENOENT : -EINVAL;
	const char *target = w.inode->target;
	long length = w.inode->size;
	if (w.inode->virtual) {
		length = w.inode->virtual->target(w.inode, p, text, sizeof text);
		target = text;
		if (length < 0)
			return length;
	}
	if (length > size)
		length = size;
	return user_write(p, to, target, length) ? -EFAULT : length;
}

long sys_readlink(struct proc *p, uint64_t *a)
{
	return readlink_at(p, K_AT_FDCWD, a[0], a[1], a[2]);
}

long sys_readlinkat(struct proc *p, uint64_t *a)
{
	return readlink_at(p, a[0], a[1], a[2], a[3]);
}

long sys_getcwd(struct proc *p, uint64_t *a)
{
	static char text[PATH_LIMIT];
	struct inode *cwd = p->fs->cwd;
	if (cwd->removed)
		return -ENOENT;
	int length = inode_path(cwd, text, sizeof text);
	if (length < 0)
		return length;
	if ((uint64_t)length + 1 > a[1])
		return -ERANGE;
	return user_write(p, a[0], text, length + 1) ? -EFAULT : length + 1;
}

static long cwd_set(struct proc *p, struct inode *dir)
{
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	int error = inode_may(dir, p, K_X_OK);
	if (error)
		return error;
	inode_get(dir);
	inode_put(p->fs->cwd);
	p->fs->cwd = dir;
	return 0;
}

long sys_chdir(struct proc *p, uint64_t *a)
{
	struct walk w;
	int error = user_walk(p, K_AT_FDCWD, a[0], WALK_FOLLOW, 0, &w);
	return error ? error : cwd_set(p, w.inode);
}

long sys_fchdir(struct proc *p, uint64_t *a)
{
	struct file *f = fd_get(p, a[0]);
	if (!f)
		return -EBADF;
	return f->inode ? cwd_set(p, f->inode) : -ENOTDIR;
}
