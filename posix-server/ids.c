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

static long sys_getuid(struct proc *p, uint64_t *a) { (void)a; return p->uid; }
static long sys_geteuid(struct proc *p, uint64_t *a) { (void)a; return p->euid; }
static long sys_getgid(struct proc *p, uint64_t *a) { (void)a; return p->gid; }
static long sys_getegid(struct proc *p, uint64_t *a) { (void)a; return p->egid; }
static long sys_getpid(struct proc *p, uint64_t *a) { (void)a; return p->pid; }
static long sys_gettid(struct proc *p, uint64_t *a) { (void)a; return p->tid; }
static long sys_getppid(struct proc *p, uint64_t *a) { (void)a; return p->ppid; }

/* The three ids of a process as a user, and as a group: the rules for both are the same, and ask who the user is. */
struct ids { uint32_t *real, *effective, *saved; };

static struct ids user_ids(struct proc *p)
{
	return (struct ids){ &p->uid, &p->euid, &p->suid };
}

static struct ids group_ids(struct proc *p)
{
	return (struct ids){ &p->gid, &p->egid, &p->sgid };
}

static long set_id(struct proc *p, struct ids ids, uint32_t id)
{
	if (id == ~0u)
		return -EINVAL;
	if (privileged(p))
		*ids.real = *ids.saved = id;
	else if (id != *ids.real && id != *ids.saved)
		return -EPERM;
	*ids.effective = id;
	proc_shim_update(p);
	return 0;
}

/* All three; ~0 leaves one as it is. */
static long set_ids(struct proc *p, struct ids ids, uint32_t real, uint32_t effective, uint32_t saved)
{
	const uint32_t wanted[3] = { real, effective, saved };

	for (unsigned i = 0; i < 3; i++)
		if (wanted[i] != ~0u && !privileged(p) && wanted[i] != *ids.real && wanted[i] != *ids.effective &&
		    wanted[i] != *ids.saved)
			return -EPERM;
	*ids.real = real != ~0u ? real : *ids.real;
	*ids.effective = effective != ~0u ? effective : *ids.effective;
	*ids.saved = saved != ~0u ? saved : *ids.saved;
	proc_shim_update(p);
	return 0;
}

/* Real and effective.  The saved one follows the effective one, unless nothing but that was set, and to the real one. */
static long set_pair(struct proc *p, struct ids ids, uint32_t real, uint32_t effective)
{
	bool follows = real != ~0u || (effective != ~0u && effective != *ids.real);

	if (real != ~0u && !privileged(p) && real != *ids.real && real != *ids.effective)
		return -EPERM;
	return set_ids(p, ids, real, effective, !follows ? ~0u : effective != ~0u ? effective : *ids.effective);
}

static long tell_ids(struct proc *p, struct ids ids, const uint64_t *a)
{
	return user_write(p, a[0], ids.real, 4) || user_write(p, a[1], ids.effective, 4) || user_write(p, a[2], ids.saved, 4) ?
	       -EFAULT : 0;
}

static long sys_setuid(struct proc *p, uint64_t *a) { return set_id(p, user_ids(p), a[0]); }
static long sys_setgid(struct proc *p, uint64_t *a) { return set_id(p, group_ids(p), a[0]); }
static long sys_setreuid(struct proc *p, uint64_t *a) { return set_pair(p, user_ids(p), a[0], a[1]); }
static long sys_setregid(struct proc *p, uint64_t *a) { return set_pair(p, group_ids(p), a[0], a[1]); }
static long sys_setresuid(struct proc *p, uint64_t *a) { return set_ids(p, user_ids(p), a[0], a[1], a[2]); }
static long sys_setresgid(struct proc *p, uint64_t *a) { return set_ids(p, group_ids(p), a[0], a[1], a[2]); }
static long sys_getresuid(struct proc *p, uint64_t *a) { return tell_ids(p, user_ids(p), a); }
static long sys_getresgid(struct proc *p, uint64_t *a) { return tell_ids(p, group_ids(p), a); }

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
