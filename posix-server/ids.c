/*
 * ids.c - who a process is: users and groups as in a one-user system, process groups, sessions.
 *
 * Identities are honest bookkeeping (setuid works as POSIX says, and file access asks), not
 * authority: what a program can reach is what the sandbox was given.
 */
#include "process.h"

static bool privileged(const struct proc *p)
{
	return p->euid == 0;
}

static bool is_user(const struct proc *p, uint32_t id)
{
	return id == p->uid || id == p->euid || id == p->suid;
}

static bool is_group(const struct proc *p, uint32_t id)
{
	return id == p->gid || id == p->egid || id == p->sgid;
}

static long sys_getuid(struct proc *p, uint64_t *a) { (void)a; return p->uid; }
static long sys_geteuid(struct proc *p, uint64_t *a) { (void)a; return p->euid; }
static long sys_getgid(struct proc *p, uint64_t *a) { (void)a; return p->gid; }
static long sys_getegid(struct proc *p, uint64_t *a) { (void)a; return p->egid; }
static long sys_getpid(struct proc *p, uint64_t *a) { (void)a; return p->pid; }
static long sys_gettid(struct proc *p, uint64_t *a) { (void)a; return p->tid; }
static long sys_getppid(struct proc *p, uint64_t *a) { (void)a; return p->ppid; }

static long sys_setuid(struct proc *p, uint64_t *a)
{
	uint32_t id = a[0];

	if (id == ~0u)
		return -EINVAL;
	if (privileged(p))
		p->uid = p->suid = id;
	else if (id != p->uid && id != p->suid)
		return -EPERM;
	p->euid = id;
	proc_shim_update(p);
	return 0;
}

static long sys_setgid(struct proc *p, uint64_t *a)
{
	uint32_t id = a[0];

	if (id == ~0u)
		return -EINVAL;
	if (privileged(p))
		p->gid = p->sgid = id;
	else if (id != p->gid && id != p->sgid)
		return -EPERM;
	p->egid = id;
	proc_shim_update(p);
	return 0;
}

static long sys_setresuid(struct proc *p, uint64_t *a)
{
	for (int i = 0; i < 3; i++)
		if ((uint32_t)a[i] != ~0u && !privileged(p) && !is_user(p, a[i]))
			return -EPERM;
	p->uid = (uint32_t)a[0] != ~0u ? a[0] : p->uid;
	p->euid = (uint32_t)a[1] != ~0u ? a[1] : p->euid;
	p->suid = (uint32_t)a[2] != ~0u ? a[2] : p->suid;
	proc_shim_update(p);
	return 0;
}

static long sys_setresgid(struct proc *p, uint64_t *a)
{
	for (int i = 0; i < 3; i++)
		if ((uint32_t)a[i] != ~0u && !privileged(p) && !is_group(p, a[i]))
			return -EPERM;
	p->gid = (uint32_t)a[0] != ~0u ? a[0] : p->gid;
	p->egid = (uint32_t)a[1] != ~0u ? a[1] : p->egid;
	p->sgid = (uint32_t)a[2] != ~0u ? a[2] : p->sgid;
	proc_shim_update(p);
	return 0;
}

static long sys_setreuid(struct proc *p, uint64_t *a)
{
	uint64_t r[3] = { a[0], a[1], (uint32_t)a[1] != ~0u ? a[1] : ~0ull };

	return sys_setresuid(p, r);
}

static long sys_setregid(struct proc *p, uint64_t *a)
{
	uint64_t r[3] = { a[0], a[1], (uint32_t)a[1] != ~0u ? a[1] : ~0ull };

	return sys_setresgid(p, r);
}

static long put3(struct proc *p, const uint64_t *a, uint32_t x, uint32_t y, uint32_t z)
{
	return user_write(p, a[0], &x, 4) || user_write(p, a[1], &y, 4) || user_write(p, a[2], &z, 4) ? -EFAULT : 0;
}

static long sys_getresuid(struct proc *p, uint64_t *a) { return put3(p, a, p->uid, p->euid, p->suid); }
static long sys_getresgid(struct proc *p, uint64_t *a) { return put3(p, a, p->gid, p->egid, p->sgid); }

/* The file system ids follow the effective ones; setting them tells the old and changes nothing. */
static long sys_setfsuid(struct proc *p, uint64_t *a) { (void)a; return p->euid; }
static long sys_setfsgid(struct proc *p, uint64_t *a) { (void)a; return p->egid; }

/* There are no supplementary groups. */
static long sys_getgroups(struct proc *p, uint64_t *a)
{
	(void)p;
	return (int)a[0] < 0 ? -EINVAL : 0;
}

static long sys_setgroups(struct proc *p, uint64_t *a)
{
	return (int)a[0] < 0 || a[0] > 65536 ? -EINVAL : privileged(p) ? 0 : -EPERM;
}

/* ---- groups and sessions ----------------------------------------------------------------------- */

static struct proc *by_pid(struct proc *p, int pid)
{
	return pid == 0 || pid == p->pid ? p : pid > 0 ? proc_find(pid) : NULL;
}

static bool group_in_session(int pgid, int sid)
{
	for (struct proc *q = proc_next(NULL); q; q = proc_next(q))
		if (q->pgid == pgid && q->sid == sid)
			return true;
	return false;
}

static long sys_setpgid(struct proc *p, uint64_t *a)
{
	int pgid = (int)a[1] ? (int)a[1] : (int)a[0] ? (int)a[0] : p->pid;
	struct proc *q;

	if ((int)a[1] < 0)
		return -EINVAL;
	q = by_pid(p, a[0]);
	if (!q || (q != p && q->parent != p))
		return -ESRCH;
	if (q->sid != p->sid || q->pid == q->sid)
		return -EPERM;
	if (q != p && q->inner->has_execed)
		return -EACCES;
	if (pgid != q->pid && !group_in_session(pgid, p->sid))
		return -EPERM;
	q->pgid = pgid;
	return 0;
}

static long sys_getpgid(struct proc *p, uint64_t *a)
{
	struct proc *q = by_pid(p, a[0]);

	return q ? q->pgid : -ESRCH;
}

static long sys_getpgrp(struct proc *p, uint64_t *a)
{
	(void)a;
	return p->pgid;
}

static long sys_getsid(struct proc *p, uint64_t *a)
{
	struct proc *q = by_pid(p, a[0]);

	return q ? q->sid : -ESRCH;
}

static long sys_setsid(struct proc *p, uint64_t *a)
{
	(void)a;
	for (struct proc *q = proc_next(NULL); q; q = proc_next(q))
		if (q->pgid == p->pid)
			return -EPERM;
	p->sid = p->pgid = p->pid;
	return p->pid;
}

const struct syscall id_syscalls[] = {
	{ 39, "getpid", sys_getpid }, { 102, "getuid", sys_getuid }, { 104, "getgid", sys_getgid },
	{ 105, "setuid", sys_setuid }, { 106, "setgid", sys_setgid }, { 107, "geteuid", sys_geteuid },
	{ 108, "getegid", sys_getegid }, { 109, "setpgid", sys_setpgid }, { 110, "getppid", sys_getppid },
	{ 111, "getpgrp", sys_getpgrp }, { 112, "setsid", sys_setsid }, { 113, "setreuid", sys_setreuid },
	{ 114, "setregid", sys_setregid }, { 115, "getgroups", sys_getgroups }, { 116, "setgroups", sys_setgroups },
	{ 117, "setresuid", sys_setresuid }, { 118, "getresuid", sys_getresuid }, { 119, "setresgid", sys_setresgid },
	{ 120, "getresgid", sys_getresgid }, { 121, "getpgid", sys_getpgid }, { 122, "setfsuid", sys_setfsuid },
	{ 123, "setfsgid", sys_setfsgid }, { 124, "getsid", sys_getsid }, { 186, "gettid", sys_gettid },
	{ 0, NULL, NULL },
};
