/*
 * dev.c - device nodes: the register of drivers, and the memory devices.
 *
 * A device inode is only a name and a number; what opens behind it is the driver registered for the number,
 * so a node made by mknod reaches nothing that the sandbox does not have anyway.
 */
#include "vfs.h"

#define DRIVERS 32

static struct { uint32_t rdev; dev_open_fn open; } drivers[DRIVERS];
static unsigned driver_count;

void dev_register(uint32_t major, uint32_t minor, dev_open_fn open)
{
	uint32_t rdev = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
	if (driver_count < DRIVERS) {
		drivers[driver_count].rdev = rdev;
		drivers[driver_count++].open = open;
	}
}

struct inode *inode_stream(uint32_t major, uint32_t minor)
{
	struct inode *i = inode_new(S_IFIFO | 0600, 0, 0);
	if (!i)
		return NULL;
	i->refs = i->nlink = 1;
	i->number = inode_next_number();
	i->rdev = minor | major << 8;
	i->atime = i->mtime = i->ctime = time_tick();
	return i;
}

uint32_t inode_minor(const struct inode *i)
{
	return (i->rdev & 0xff) | (i->rdev >> 12 & 0xffffff00);
}

dev_open_fn dev_find(uint32_t rdev)
{
	for (unsigned i = 0; i < driver_count; i++)
		if (drivers[i].rdev == rdev)
			return drivers[i].open;
	return NULL;
}

/* ---- null, zero, full, random ------------------------------------------------------------------------ */

static long null_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)f, (void)p, (void)buf, (void)n, (void)offset, (void)nonblock;
	return 0;
}

static long null_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)f, (void)p, (void)buf, (void)offset, (void)nonblock;
	return n;
}

static long full_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)f, (void)p, (void)buf, (void)offset, (void)nonblock;
	return n ? -ENOSPC : 0;
}

/* Fills user memory where it is, window by window. */
long user_fill(struct proc *p, uint64_t buf, size_t n, void (*fill)(void *to, size_t n))
{
	size_t done = 0;

	while (done < n) {
		size_t chunk = n - done;
		char *to = user_window(p, buf + done, &chunk, true);

		if (!to)
			return done ? (long)done : -EFAULT;
		fill(to, chunk);
		done += chunk;
	}
	return done;
}

static long zero_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)f, (void)offset, (void)nonblock;
	return user_fill(p, buf, n, zero_words);
}

static long random_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	(void)f, (void)offset, (void)nonblock;
	return user_fill(p, buf, n, random_fill);
}

static unsigned memory_poll(struct file *f, struct waitq **q)
{
	(void)f;
	*q = NULL;
	return K_POLLIN | K_POLLOUT | K_POLLRDNORM | K_POLLWRNORM;
}

static const struct file_ops memory_ops[] = {
	[3] = {.name = "null", .read = null_read, .write = null_write, .poll = memory_poll, .seekable = true},
	[5] = {.name = "zero", .read = zero_read, .write = null_write, .poll = memory_poll, .seekable = true},
	[7] = {.name = "full", .read = zero_read, .write = full_write, .poll = memory_poll, .seekable = true},
	[8] = {.name = "random", .read = random_read, .write = null_write, .poll = memory_poll, .seekable = true},
	[9] = {.name = "urandom", .read = random_read, .write = null_write, .poll = memory_poll, .seekable = true},
};

static long memory_open(struct proc *p, struct inode *inode, uint32_t flags, struct file **out)
{
	unsigned minor = inode->rdev & 15;
	(void)p;
	if (random_refused && (minor == 8 || minor == 9))
		return -EPERM;
	*out = file_new(&memory_ops[minor], inode, flags, NULL);
	return *out ? 0 : -ENOMEM;
}

void dev_init(void)
{
	static bool done;
	if (done)
		return;
	done = true;
	static const uint8_t minors[] = {3, 5, 7, 8, 9};
	for (size_t i = 0; i < sizeof minors; i++)
		dev_register(1, minors[i], memory_open);
}
