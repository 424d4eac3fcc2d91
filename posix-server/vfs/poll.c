/*
 * poll.c - waiting for several files: poll, ppoll, select, pselect6.
 *
 * A call looks at all its files first; only if none is ready it joins their queues, and when any of them is
 * woken, the call runs again from its start.  p->progress holds the absolute deadline from the first run on,
 * p->progress2 says that the first run was.
 *
 * A process has room for a limited number of queues.  A call on more of them also wakes by itself every
 * RECHECK_NS, so it is late rather than lost.
 */
#include <string.h>
#include "vfs.h"
#include "../sys_file.h"

#define WAITS (sizeof ((struct proc *)0)->waits / sizeof (struct waiter))
#define RECHECK_NS 10000000ull
#define FOREVER (~0ull)

struct pollfd_k { int fd; int16_t events, revents; };
struct timeval_k { int64_t sec, usec; };

static struct pollfd_k polled[FD_MAX];

static unsigned file_events(struct file *f, struct waitq **q)
{
	*q = NULL;
	return f->ops->poll ? f->ops->poll(f, q) : K_POLLIN | K_POLLOUT | K_POLLRDNORM | K_POLLWRNORM;
}

/* ---- deadlines and signal masks ----------------------------------------------------------------------- */

/* At the first run of the call: timeout_ns from now, or FOREVER. */
static void deadline_begin(struct proc *p, uint64_t timeout_ns)
{
	if (p->progress2)
		return;
	p->progress2 = 1;
	p->progress = timeout_ns == FOREVER ? FOREVER : now_ns() + timeout_ns;
}

static bool deadline_passed(struct proc *p)
{
	return p->progress != FOREVER && now_ns() >= p->progress;
}

/* ppoll and pselect6: the mask holds for the length of the call; whoever finishes the call restores it. */
static int mask_begin(struct proc *p, uint64_t at, uint64_t size)
{
	uint64_t mask;
	if (!at || p->progress2)
		return 0;
	if (size != sizeof mask)
		return -EINVAL;
	if (user_read(p, &mask, at, sizeof mask))
		return -EFAULT;
	if (!p->restore_mask) {
		p->sig_saved_mask = p->sig_mask;
		p->restore_mask = true;
	}
	p->sig_mask = mask & ~(1ull << 8 | 1ull << 18);   /* never SIGKILL, SIGSTOP */
	return 0;
}

static int timespec_read(struct proc *p, uint64_t at, uint64_t *ns)
{
	struct timespec64 t;
	*ns = FOREVER;
	if (!at)
		return 0;
	if (user_read(p, &t, at, sizeof t))
		return -EFAULT;
	if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
		return -EINVAL;
	*ns = t.tv_sec > 1000000000 ? FOREVER : (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	return 0;
}

/* Linux tells select's and ppoll's callers what was left of the time. */
static void time_left(struct proc *p, uint64_t at, int64_t unit_ns)
{
	uint64_t now = now_ns(), left = p->progress > now ? p->progress - now : 0;
	struct timeval_k t = {left / 1000000000, left % 1000000000 / unit_ns};
	if (at && p->progress != FOREVER)
		user_write(p, at, &t, sizeof t);
}

/* ---- waiting -------------------------------------------------------------------------------------------- */

/* Joins a queue unless the process is on it already. */
static void queue_join(struct proc *p, struct waitq *q)
{
	for (unsigned i = 0; i < p->wait_count; i++)
		if (p->waits[i].queue == q)
			return;
	if (p->wait_count < WAITS)
		wait_on(p, q);
}

static long wait_finish(struct proc *p, unsigned queues)
{
	uint64_t until = p->progress;
	if (queues > WAITS) {
		uint64_t soon = now_ns() + RECHECK_NS;
		until = until < soon ? until : soon;
	}
	if (until != FOREVER)
		wait_until(p, until);
	return BLOCKED;
}

static long poll_look(struct proc *p, unsigned count)
{
	long ready = 0;
	for (unsigned i = 0; i < count; i++) {
		struct pollfd_k *k = polled + i;
		struct waitq *q;
		k->revents = 0;
		if (k->fd < 0)
			continue;
		struct file *f = fd_get(p, k->fd);
		if (f && (f->flags & K_O_PATH))
			f = NULL;
		k->revents = f ? file_events(f, &q) & ((uint16_t)k->events | K_POLLERR | K_POLLHUP) : K_POLLNVAL;
		ready += k->revents != 0;
	}
	return ready;
}

static long poll_sleep(struct proc *p, unsigned count)
{
	unsigned queues = 0;
	for (unsigned i = 0; i < count; i++) {
		struct file *f = polled[i].fd >= 0 ? fd_get(p, polled[i].fd) : NULL;
		struct waitq *q = NULL;
		if (f)
			file_events(f, &q);
		if (q) {
			queues++;
			queue_join(p, q);
		}
	}
	return wait_finish(p, queues);
}

static long poll_common(struct proc *p, uint64_t fds, uint64_t count, uint64_t timeout_ns)
{
	if (count > p->fds->limit || count > FD_MAX)
		return -EINVAL;
	if (user_read(p, polled, fds, count * sizeof *polled))
		return -EFAULT;
	deadline_begin(p, timeout_ns);
	long ready = poll_look(p, count);
	if (!ready && !deadline_passed(p)) {
		if (p->interrupted)
			return -EINTR;
		return poll_sleep(p, count);
	}
	for (unsigned i = 0; i < count; i++)
		if (user_write(p, fds + i * sizeof *polled + offsetof(struct pollfd_k, revents), &polled[i].revents,
		               sizeof polled[i].revents))
			return -EFAULT;
	return ready;
}

long sys_poll(struct proc *p, uint64_t *a)
{
	int timeout_ms = a[2];
	return poll_common(p, a[0], (uint32_t)a[1], timeout_ms < 0 ? FOREVER : timeout_ms * 1000000ull);
}

long sys_ppoll(struct proc *p, uint64_t *a)
{
	uint64_t ns;
	int error = timespec_read(p, a[2], &ns);
	if (!error)
		error = mask_begin(p, a[3], a[4]);
	if (error)
		return error;
	long r = poll_common(p, a[0], (uint32_t)a[1], ns);
	if (r != BLOCKED)
		time_left(p, a[2], 1);
	return r;
}

/* ---- select ---------------------------------------------------------------------------------------------- */

#define SET_WORDS (FD_MAX / 64)
static uint64_t wanted[3][SET_WORDS], found[3][SET_WORDS];
static const unsigned set_events[3] = {
	K_POLLIN | K_POLLRDNORM | K_POLLHUP | K_POLLERR, K_POLLOUT | K_POLLWRNORM | K_POLLERR, K_POLLPRI,
};

/* The sets are read and written by whole words, as Linux does. */
static int sets_read(struct proc *p, const uint64_t *at, unsigned words)
{
	for (int s = 0; s < 3; s++) {
		memset(wanted[s], 0, sizeof wanted[s]);
		memset(found[s], 0, sizeof found[s]);
		if (at[s] && user_read(p, wanted[s], at[s], words * 8))
			return -EFAULT;
	}
	return 0;
}

/* For each descriptor in any set: look, and if sleeping, join its queue.  Ready bits, or -EBADF. */
static long select_scan(struct proc *p, unsigned count, bool sleeping, unsigned *queues)
{
	long ready = 0;
	for (unsigned fd = 0; fd < count; fd++) {
		unsigned word = fd / 64;
		uint64_t bit = 1ull << (fd % 64);
		if (!((wanted[0][word] | wanted[1][word] | wanted[2][word]) & bit))
			continue;
		struct file *f = fd_get(p, fd);
		struct waitq *q;
		if (!f)
			return -EBADF;
		unsigned events = file_events(f, &q);
		if (sleeping && q) {
			++*queues;
			queue_join(p, q);
		}
		for (int s = 0; s < 3; s++)
			if ((wanted[s][word] & bit) && (events & set_events[s])) {
				found[s][word] |= bit;
				ready++;
			}
	}
	return ready;
}

static long select_common(struct proc *p, int count, const uint64_t *at, uint64_t timeout_ns)
{
	unsigned queues = 0;
	if (count < 0)
		return -EINVAL;
	if (count > FD_MAX)
		count = FD_MAX;
	unsigned words = (count + 63) / 64;
	if (sets_read(p, at, words))
		return -EFAULT;
	deadline_begin(p, timeout_ns);
	long ready = select_scan(p, count, false, &queues);
	if (ready < 0)
		return ready;
	if (!ready && !deadline_passed(p)) {
		if (p->interrupted)
			return -EINTR;
		select_scan(p, count, true, &queues);
		return wait_finish(p, queues);
	}
	for (int s = 0; s < 3; s++)
		if (at[s] && user_write(p, at[s], found[s], words * 8))
			return -EFAULT;
	return ready;
}

long sys_select(struct proc *p, uint64_t *a)
{
	struct timeval_k t;
	uint64_t ns = FOREVER;
	if (a[4]) {
		if (user_read(p, &t, a[4], sizeof t))
			return -EFAULT;
		if (t.sec < 0 || t.usec < 0)
			return -EINVAL;
		if (t.sec <= 1000000000 && t.usec <= 1000000000)
			ns = t.sec * 1000000000ull + t.usec * 1000ull;
	}
	long r = select_common(p, a[0], a + 1, ns);
	if (r != BLOCKED)
		time_left(p, a[4], 1000);
	return r;
}

long sys_pselect6(struct proc *p, uint64_t *a)
{
	uint64_t ns, mask[2] = {0, 0};
	int error = timespec_read(p, a[4], &ns);
	if (!error && a[5] && user_read(p, mask, a[5], sizeof mask))
		error = -EFAULT;
	if (!error)
		error = mask_begin(p, mask[0], mask[1]);
	if (error)
		return error;
	long r = select_common(p, a[0], a + 1, ns);
	if (r != BLOCKED)
		time_left(p, a[4], 1);
	return r;
}
