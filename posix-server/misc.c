/*
 * misc.c - limits, usage, scheduling and the calls about a process that are only asked.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <keros/process.h>
#include "process.h"

/* ---- limits ------------------------------------------------------------------------------------ */

static long limit_set(struct proc *p, unsigned which, const uint64_t new[2])
{
	if (new[0] > new[1])
		return -EINVAL;
	if (new[1] > p->rlimit[which][1] && p->euid != 0)
		return -EPERM;
	if (which == RLIMIT_NOFILE && new[1] > FD_MAX)
		return -EPERM;
	p->rlimit[which][0] = new[0];
	p->rlimit[which][1] = new[1];
	if (which == RLIMIT_NOFILE)
		p->fds->limit = new[0];
	return 0;
}

static long sys_prlimit64(struct proc *p, uint64_t *a)
{
	struct proc *q = (int)a[0] == 0 ? p : proc_find((int)a[0]);
	uint64_t new[2], old[2];

	if (!q || q->state == PROC_ZOMBIE)
		return -ESRCH;
	if (a[1] >= 16)
		return -EINVAL;
	memcpy(old, q->rlimit[a[1]], sizeof old);
	if (a[2]) {
		long err;

		if (user_read(p, new, a[2], sizeof new))
			return -EFAULT;
		err = limit_set(q, a[1], new);
		if (err)
			return err;
	}
	return a[3] && user_write(p, a[3], old, sizeof old) ? -EFAULT : 0;
}

static long sys_getrlimit(struct proc *p, uint64_t *a)
{
	return sys_prlimit64(p, (uint64_t[]){ 0, a[0], 0, a[1] });
}

static long sys_setrlimit(struct proc *p, uint64_t *a)
{
	return a[1] ? sys_prlimit64(p, (uint64_t[]){ 0, a[0], a[1], 0 }) : -EFAULT;
}

/* ---- usage ------------------------------------------------------------------------------------- */

/* Time is not charged to single processes; what is shown is the time since the start. */
static uint64_t cpu_ns(const struct proc *p)
{
	return clock_told(now_ns() - p->inner->start_ns);
}

static long sys_getrusage(struct proc *p, uint64_t *a)
{
	uint64_t usage[18] = { 0 }, ns;
	int who = a[0];

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != 1)
		return -EINVAL;
	ns = who == RUSAGE_CHILDREN ? p->inner->children_cpu_ns : cpu_ns(p);
	usage[0] = ns / 1000000000;
	usage[1] = ns % 1000000000 / 1000;
	if (who != RUSAGE_CHILDREN)
		usage[4] = p->mm->resident * 4;
	return user_write(p, a[1], usage, sizeof usage);
}

static long sys_times(struct proc *p, uint64_t *a)
{
	uint64_t t[4] = { cpu_ns(p) / 10000000, 0, p->inner->children_cpu_ns / 10000000, 0 };

	if (a[0] && user_write(p, a[0], t, sizeof t))
		return -EFAULT;
	return clock_told(now_ns()) / 10000000;
}

static long sys_uname(struct proc *p, uint64_t *a)
{
	char u[6][65] = { UNAME_SYSNAME, UNAME_NODENAME, UNAME_RELEASE, UNAME_VERSION, UNAME_MACHINE, "(none)" };

	return user_write(p, a[0], u, sizeof u);
}

static long sys_sysinfo(struct proc *p, uint64_t *a)
{
	struct sysinfo s = { 0 };

	s.uptime = clock_told(now_ns()) / 1000000000;
	s.totalram = pages_limit() * PAGE_SIZE;
	s.freeram = pages_used() < pages_limit() ? (pages_limit() - pages_used()) * PAGE_SIZE : 0;
	s.procs = proc_count();
	s.mem_unit = 1;
	return user_write(p, a[0], &s, 112);
}

/* ---- odds -------------------------------------------------------------------------------------- */

static long sys_prctl(struct proc *p, uint64_t *a)
{
	char name[16] = { 0 };
	long n;

	switch ((int)a[0]) {
	case PR_SET_NAME:
		n = user_string(p, name, a[1], sizeof name);
		if (n == -EFAULT)
			return n;
		name[15] = 0;
		memcpy(p->comm, name, sizeof name);
		process_set_name(process_cap(p->index), p->comm, sizeof p->comm);
		return 0;
	case PR_GET_NAME:
		return user_write(p, a[1], p->comm, 16);
	case PR_SET_PDEATHSIG:
		if (a[1] >= SIGNALS)
			return -EINVAL;
		p->inner->parent_death_signal = a[1];
		return 0;
	case PR_GET_PDEATHSIG:
		return user_write(p, a[1], &p->inner->parent_death_signal, 4);
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
		return a[1] > 1 ? -EINVAL : 0;
	case PR_SET_NO_NEW_PRIVS:
	case PR_SET_KEEPCAPS:
	case PR_SET_TIMERSLACK:
		return 0;
	case PR_GET_KEEPCAPS:
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return 1;
	case PR_GET_TIMERSLACK:
		return 50000;
	}
	return -EINVAL;
}

static long sys_arch_prctl(struct proc *p, uint64_t *a)
{
	struct reg_image regs;

	regs_get(p, &regs);
	switch ((int)a[0]) {
	case 0x1002:
		if (a[1] >> 47)
			return -EPERM;
		regs.fs_base = a[1];
		regs_set(p, &regs);
		return 0;
	case 0x1003:
		return user_write(p, a[1], &regs.fs_base, 8);
	}
	return -EINVAL;                /* the gs base is the shim's */
}

static long sys_set_tid_address(struct proc *p, uint64_t *a)
{
	p->clear_tid = a[0];
	return p->tid;
}

static long sys_set_robust_list(struct proc *p, uint64_t *a)
{
	(void)p;
	return a[1] == 24 ? 0 : -EINVAL;
}

/* Answers that never change. */
static long sys_zero(struct proc *p, uint64_t *a) { (void)p, (void)a; return 0; }

static long sys_sched_yield(struct proc *p, uint64_t *a)
{
	(void)p, (void)a;
	turn_given_up = true;
	return 0;
}
static long sys_no_such(struct proc *p, uint64_t *a) { (void)p, (void)a; return -ENOSYS; }
static long sys_not_permitted(struct proc *p, uint64_t *a) { (void)p, (void)a; return -EPERM; }
/* The kernel's log is not the sandbox's: it reads empty. */
static long sys_syslog(struct proc *p, uint64_t *a) { (void)p; return a[0] > 10 ? -EINVAL : 0; }
static long sys_getpriority(struct proc *p, uint64_t *a) { (void)p; return a[0] > 2 ? -EINVAL : 20; }

static long sys_sched_getaffinity(struct proc *p, uint64_t *a)
{
	uint64_t mask = 1;

	if (a[1] < 8 || (a[1] & 7))
		return -EINVAL;
	return user_write(p, a[2], &mask, 8) ? -EFAULT : 8;
}

static long sys_sched_getparam(struct proc *p, uint64_t *a)
{
	int zero = 0;

	return user_write(p, a[1], &zero, 4);
}

static long sys_sched_setscheduler(struct proc *p, uint64_t *a)
{
	(void)p;
	return a[1] == SCHED_OTHER || a[1] == 3 || a[1] == 5 ? 0 : -EPERM;
}

static long sys_sched_priority(struct proc *p, uint64_t *a)
{
	(void)p;
	return a[0] == 1 || a[0] == 2 ? 1 : a[0] > 5 ? -EINVAL : 0;
}

static long sys_sched_get_priority_max(struct proc *p, uint64_t *a)
{
	(void)p;
	return a[0] == 1 || a[0] == 2 ? 99 : a[0] > 5 ? -EINVAL : 0;
}

static long sys_getcpu(struct proc *p, uint64_t *a)
{
	uint32_t zero = 0;

	if ((a[0] && user_write(p, a[0], &zero, 4)) || (a[1] && user_write(p, a[1], &zero, 4)))
		return -EFAULT;
	return 0;
}

/* No capabilities in Linux's sense, whoever one is. */
static long sys_capget(struct proc *p, uint64_t *a)
{
	uint32_t head[2] = { 0, 0 }, data[6] = { 0 };

	if (user_read(p, head, a[0], sizeof head))
		return -EFAULT;
	if (head[0] != 0x20080522 && head[0] != 0x20071026) {
		head[0] = 0x20080522;
		return user_write(p, a[0], head, 4) ? -EFAULT : a[1] ? -EINVAL : 0;
	}
	return a[1] && user_write(p, a[1], data, sizeof data) ? -EFAULT : 0;
}

static long sys_membarrier(struct proc *p, uint64_t *a)
{
	(void)p;
	return a[0] == 0 ? 0 : -EINVAL;
}

const struct syscall misc_syscalls[] = {
	{ 24, "sched_yield", sys_sched_yield }, { 63, "uname", sys_uname }, { 97, "getrlimit", sys_getrlimit },
	{ 98, "getrusage", sys_getrusage }, { 99, "sysinfo", sys_sysinfo }, { 100, "times", sys_times },
	{ 103, "syslog", sys_syslog }, { 125, "capget", sys_capget }, { 126, "capset", sys_not_permitted },
	{ 135, "personality", sys_zero },
	{ 140, "getpriority", sys_getpriority }, { 141, "setpriority", sys_zero },
	{ 142, "sched_setparam", sys_zero }, { 143, "sched_getparam", sys_sched_getparam },
	{ 144, "sched_setscheduler", sys_sched_setscheduler }, { 145, "sched_getscheduler", sys_zero },
	{ 146, "sched_get_priority_max", sys_sched_get_priority_max },
	{ 147, "sched_get_priority_min", sys_sched_priority }, { 157, "prctl", sys_prctl },
	{ 158, "arch_prctl", sys_arch_prctl }, { 160, "setrlimit", sys_setrlimit },
	{ 170, "sethostname", sys_not_permitted }, { 203, "sched_setaffinity", sys_zero },
	{ 204, "sched_getaffinity", sys_sched_getaffinity }, { 218, "set_tid_address", sys_set_tid_address },
	{ 251, "ioprio_set", sys_zero }, { 252, "ioprio_get", sys_zero },
	{ 273, "set_robust_list", sys_set_robust_list }, { 302, "prlimit64", sys_prlimit64 },
	{ 309, "getcpu", sys_getcpu }, { 324, "membarrier", sys_membarrier }, { 334, "rseq", sys_no_such },
	{ 0, NULL, NULL },
};
