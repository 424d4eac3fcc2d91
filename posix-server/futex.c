/*
 * futex.c - waiting on a word of memory.
 *
 * A futex is known by the page that holds it and the offset there: the same for every process that
 * shares the page, so private and shared ones need no distinction.  The page is made the
 * process's own first, so that a fork does not change the key of a waiter.  Comparing and queueing
 * are one step, since the server does one thing at a time.
 */
#include <string.h>
#include "process.h"

#define BUCKETS 64u

enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET };
#define FUTEX_CLOCK_REALTIME 256u
#define FUTEX_CMD_MASK 127u            /* without PRIVATE and CLOCK_REALTIME */

static struct proc *bucket[BUCKETS];

static struct proc **bucket_of(uint64_t key)
{
	return &bucket[(key >> 2 ^ key >> 12) % BUCKETS];
}

void futex_forget(struct proc *p)
{
	struct proc_inner *i = p->inner;

	if (!i->futex_prev)
		return;
	*i->futex_prev = i->futex_next;
	if (i->futex_next)
		i->futex_next->inner->futex_prev = i->futex_prev;
	i->futex_prev = NULL;
}

/* The word's key and value.  0 or -errno. */
static long futex_word(struct proc *p, uint64_t at, uint64_t *key, uint32_t *value)
{
	size_t n = 4;
	void *word;
	struct leaf *l;

	if (at & 3)
		return -EINVAL;
	word = user_window(p, at, &n, true);
	if (!word)
		word = user_window(p, at, &n, false);
	if (!word)
		return -EFAULT;
	l = mm_leaf(p->mm, at);
	memcpy(value, word, 4);
	*key = (uint64_t)l->page[at >> PAGE_SHIFT & 15] << PAGE_SHIFT | (at & (PAGE_SIZE - 1));
	return 0;
}

static long futex_wake(uint64_t key, int count, uint32_t bits)
{
	struct proc *p = *bucket_of(key), *next;
	int woken = 0;

	for (; p && woken < count; p = next) {
		next = p->inner->futex_next;
		if (p->inner->futex_key != key || !(p->inner->futex_bits & bits))
			continue;
		futex_forget(p);
		p->inner->futex_woken = true;
		attention(p, ATTENTION_WAKE);
		woken++;
	}
	return woken;
}

static void futex_queue(struct proc *p, uint64_t key, uint32_t bits)
{
	struct proc **head = bucket_of(key);
	struct proc_inner *i = p->inner;

	i->futex_key = key;
	i->futex_bits = bits;
	i->futex_woken = false;
	i->futex_next = *head;
	i->futex_prev = head;
	if (*head)
		(*head)->inner->futex_prev = &i->futex_next;
	*head = p;
}

static long futex_wait(struct proc *p, uint64_t *a, uint32_t bits, bool absolute, bool real)
{
	struct timespec64 t;
	uint64_t key, when = 0;
	uint32_t value;
	long err;

	if (p->progress) {             /* run again */
		if (p->inner->futex_woken)
			return 0;
		if (!p->timed_out && !p->interrupted)
			return BLOCKED;
		futex_forget(p);
		return p->timed_out ? -ETIMEDOUT : -EINTR;
	}
	if (!bits)
		return -EINVAL;
	if (a[3]) {
		if (user_read(p, &t, a[3], sizeof t))
			return -EFAULT;
		if (t.tv_sec < 0 || (uint64_t)t.tv_nsec >= 1000000000)
			return -EINVAL;
		when = t.tv_sec > 1ll << 32 ? 1ull << 62 : t.tv_sec * 1000000000ull + t.tv_nsec;
		if (!absolute)
			when += now_ns();
		else if (real)
			when = when > wall_offset_ns() ? when - wall_offset_ns() : 1;
	}
	err = futex_word(p, a[0], &key, &value);
	if (err)
		return err;
	if (value != (uint32_t)a[2])
		return -EAGAIN;
	if (a[3] && when <= now_ns())
		return -ETIMEDOUT;
	futex_queue(p, key, bits);
	p->progress = 1;
	if (a[3])
		wait_until(p, when);
	return BLOCKED;
}

/* Wakes some; the rest wait at the second word from now on. */
static long futex_requeue(struct proc *p, uint64_t *a, bool compare)
{
	uint64_t from, to;
	uint32_t value, unused;
	long moved = 0, woken;
	long err = futex_word(p, a[0], &from, &value);

	if (!err)
		err = futex_word(p, a[4], &to, &unused);
	if (err)
		return err;
	if (compare && value != (uint32_t)a[5])
		return -EAGAIN;
	woken = futex_wake(from, a[2], ~0u);
	for (struct proc *q = *bucket_of(from), *next; q && moved < (int)a[3]; q = next) {
		next = q->inner->futex_next;
		if (q->inner->futex_key != from)
			continue;
		futex_forget(q);
		futex_queue(q, to, q->inner->futex_bits);
		moved++;
	}
	return woken + moved;
}

static long sys_futex(struct proc *p, uint64_t *a)
{
	bool real = a[1] & FUTEX_CLOCK_REALTIME;
	uint64_t key;
	uint32_t value;
	long err;

	switch (a[1] & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return futex_wait(p, a, ~0u, false, false);
	case FUTEX_WAIT_BITSET:
		return futex_wait(p, a, a[5], true, real);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		err = futex_word(p, a[0], &key, &value);
		return err ? err : futex_wake(key, a[2], (a[1] & FUTEX_CMD_MASK) == FUTEX_WAKE ? ~0u : (uint32_t)a[5]);
	case FUTEX_REQUEUE:
		return futex_requeue(p, a, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(p, a, true);
	}
	return -ENOSYS;
}

/* A dying process clears the word that says it lives, and wakes who waits for that. */
void futex_clear_tid(struct proc *p)
{
	uint32_t zero = 0, value;
	uint64_t key;

	if (!p->clear_tid || !p->mm || p->mm->refs == 1)
		return;
	if (user_write(p, p->clear_tid, &zero, 4) == 0 && futex_word(p, p->clear_tid, &key, &value) == 0)
		futex_wake(key, 1, ~0u);
}

const struct syscall futex_syscalls[] = {
	{ 202, "futex", sys_futex },
	{ 0, NULL, NULL },
};
