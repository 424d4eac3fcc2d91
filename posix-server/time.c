/*
 * time.c - clocks, sleeps, alarms.  The clocks that programs read often are answered in the shim.
 */
#include <time.h>
#include "process.h"
#include "refusal.h"

#define NS 1000000000ull
#define FOREVER (1ull << 62)

static bool is_real(uint64_t clock)
{
	return clock == CLOCK_REALTIME || clock == 5 || clock == 8 || clock == 11;
}

static bool is_clock(uint64_t clock)
{
	return clock <= 9 || clock == 11;
}

enum clock_grant clock_grant;

static uint64_t clock_ns(struct proc *p, uint64_t clock)
{
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return clock_told(now_ns() - p->inner->start_ns);
	return clock_told(now_ns() + (is_real(clock) ? wall_offset_ns() : 0));
}

static uint64_t span_ns(const struct timespec64 *t)
{
	return (uint64_t)t->tv_sec >= FOREVER / NS ? FOREVER : t->tv_sec * NS + t->tv_nsec;
}

static bool bad_timespec(const struct timespec64 *t)
{
	return t->tv_sec < 0 || (uint64_t)t->tv_nsec >= NS;
}

static int put_ns(struct proc *p, uint64_t to, uint64_t ns)
{
	struct timespec64 t = { ns / NS, ns % NS };

	return user_write(p, to, &t, sizeof t);
}

static long clock_refused(struct proc *p)
{
	const char *name = call_name(p->nr);

	refusal_other(name ? name : "clock", "--clock coarse or --clock full");
	return -EPERM;
}

static long sys_clock_gettime(struct proc *p, uint64_t *a)
{
	if (clock_grant == CLOCK_NONE)
		return clock_refused(p);
	return is_clock(a[0]) ? put_ns(p, a[1], clock_ns(p, a[0])) : -EINVAL;
}

static long sys_clock_getres(struct proc *p, uint64_t *a)
{
	if (!is_clock(a[0]))
		return -EINVAL;
	return a[1] ? put_ns(p, a[1], clock_grant == CLOCK_COARSE ? CLOCK_GRAIN_NS : a[0] == 5 || a[0] == 6 ? 4000000 : 1) : 0;
}

static long sys_gettimeofday(struct proc *p, uint64_t *a)
{
	uint64_t ns = clock_ns(p, CLOCK_REALTIME), tv[2] = { ns / NS, ns % NS / 1000 }, zone = 0;

	if (clock_grant == CLOCK_NONE)
		return clock_refused(p);
	if ((a[0] && user_write(p, a[0], tv, sizeof tv)) || (a[1] && user_write(p, a[1], &zone, 8)))
		return -EFAULT;
	return 0;
}

static long sys_time(struct proc *p, uint64_t *a)
{
	uint64_t s = clock_ns(p, CLOCK_REALTIME) / NS;

	if (clock_grant == CLOCK_NONE)
		return clock_refused(p);
	return a[0] && user_write(p, a[0], &s, 8) ? -EFAULT : (long)s;
}

static long sys_clock_set(struct proc *p, uint64_t *a)
{
	(void)p, (void)a;
	return -EPERM;                 /* the clock is the machine's, not the sandbox's */
}

/* ---- sleeping ---------------------------------------------------------------------------------- */

/* Sleeps to an absolute monotonic time; rem, if any, gets what is left when a handler interrupts. */
static long sleep_to(struct proc *p, uint64_t when, uint64_t rem)
{
	uint64_t now = now_ns();

	if (p->timed_out || now >= when)
		return 0;
	if (p->interrupted) {
		if (rem && put_ns(p, rem, when - now))
			return -EFAULT;
		return -EINTR;
	}
	wait_until(p, when);
	return BLOCKED;
}

static long sys_nanosleep(struct proc *p, uint64_t *a)
{
	struct timespec64 t;

	if (!p->progress) {
		if (user_read(p, &t, a[0], sizeof t))
			return -EFAULT;
		if (bad_timespec(&t))
			return -EINVAL;
		p->progress = now_ns() + span_ns(&t);
	}
	return sleep_to(p, p->progress, a[1]);
}

static long sys_clock_nanosleep(struct proc *p, uint64_t *a)
{
	bool absolute = a[1] & TIMER_ABSTIME;
	struct timespec64 t;

	if (!is_clock(a[0]) || a[0] == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	if (!p->progress) {
		if (user_read(p, &t, a[2], sizeof t))
			return -EFAULT;
		if (bad_timespec(&t))
			return -EINVAL;
		p->progress = span_ns(&t) + (absolute ? 0 : now_ns());
		if (absolute && is_real(a[0]))
			p->progress -= p->progress > wall_offset_ns() ? wall_offset_ns() : p->progress - 1;
		if (!p->progress)
			return 0;
	}
	return sleep_to(p, p->progress, absolute ? 0 : a[3]);
}

/* ---- alarms ------------------------------------------------------------------------------------ */

static uint64_t alarm_left(const struct proc *p)
{
	uint64_t now = now_ns();

	return !p->alarm_ns ? 0 : p->alarm_ns > now ? p->alarm_ns - now : 1;
}

static void alarm_set(struct proc *p, uint64_t value, uint64_t interval)
{
	timer_cancel(&p->inner->alarm);
	p->alarm_interval_ns = interval;
	p->alarm_ns = value ? now_ns() + value : 0;
	if (value)
		timer_set(&p->inner->alarm, p->alarm_ns);
}

static long sys_alarm(struct proc *p, uint64_t *a)
{
	uint64_t left = alarm_left(p);

	alarm_set(p, (uint32_t)a[0] * NS, 0);
	return (left + NS - 1) / NS;
}

static long put_itimer(struct proc *p, uint64_t to)
{
	uint64_t left = alarm_left(p), every = p->alarm_interval_ns;
	uint64_t v[4] = { every / NS, every % NS / 1000, left / NS, left % NS / 1000 };

	return user_write(p, to, v, sizeof v);
}

static long sys_getitimer(struct proc *p, uint64_t *a)
{
	return a[0] == 0 ? put_itimer(p, a[1]) : a[0] > 2 ? -EINVAL : -ENOSYS;
}

static long sys_setitimer(struct proc *p, uint64_t *a)
{
	int64_t v[4] = { 0 };

	if (a[0] > 2)
		return -EINVAL;
	if (a[1] && user_read(p, v, a[1], sizeof v))
		return -EFAULT;
	if (a[0] != 0)
		return -ENOSYS;        /* nobody's processor time is counted */
	if (v[0] < 0 || v[2] < 0 || v[1] < 0 || v[3] < 0 || v[1] > 999999 || v[3] > 999999)
		return -EINVAL;
	if (a[2] && put_itimer(p, a[2]))
		return -EFAULT;
	for (int i = 0; i < 4; i += 2)
		if ((uint64_t)v[i] > FOREVER / NS)
			v[i] = FOREVER / NS;
	alarm_set(p, v[2] * NS + v[3] * 1000, v[0] * NS + v[1] * 1000);
	return 0;
}

const struct syscall time_syscalls[] = {
	{ 35, "nanosleep", sys_nanosleep }, { 36, "getitimer", sys_getitimer }, { 37, "alarm", sys_alarm },
	{ 38, "setitimer", sys_setitimer }, { 96, "gettimeofday", sys_gettimeofday },
	{ 164, "settimeofday", sys_clock_set }, { 201, "time", sys_time }, { 227, "clock_settime", sys_clock_set },
	{ 228, "clock_gettime", sys_clock_gettime }, { 229, "clock_getres", sys_clock_getres },
	{ 230, "clock_nanosleep", sys_clock_nanosleep },
	{ 0, NULL, NULL },
};
