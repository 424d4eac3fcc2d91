/*
 * waitid.c - waiting for children: wait4 and waitid are one search with two ways to tell.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "process.h"

struct found { struct proc *child; int code, status; int wait_status; };

#define WANT_EXITED 1u
#define WANT_STOPPED 2u
#define WANT_CONTINUED 4u

static bool selected(const struct proc *p, const struct proc *c, int pid)
{
	return pid == -1 || (pid > 0 && c->pid == pid) || (pid == 0 && c->pgid == p->pgid) || (pid < -1 && c->pgid == -pid);
}

static bool tells(struct proc *c, unsigned want, struct found *f)
{
	f->child = c;
	if (c->state == PROC_ZOMBIE && (want & WANT_EXITED)) {
		bool killed = c->exit_status & 0x7f;

		f->wait_status = c->exit_status;
		f->code = killed ? CLD_KILLED : CLD_EXITED;
		f->status = killed ? c->exit_status & 0x7f : c->exit_status >> 8;
		return true;
	}
	if (c->state == PROC_STOPPED && !c->stop_reported && (want & WANT_STOPPED)) {
		f->wait_status = c->stop_signal << 8 | 0x7f;
		f->code = CLD_STOPPED;
		f->status = c->stop_signal;
		return true;
	}
	if (c->continued && (want & WANT_CONTINUED)) {
		f->wait_status = 0xffff;
		f->code = CLD_CONTINUED;
		f->status = SIGCONT;
		return true;
	}
	return false;
}

/* 1 found, 0 children but nothing to tell, -ECHILD. */
static int search(struct proc *p, int pid, unsigned want, struct found *f)
{
	int result = -ECHILD;

	for (struct proc *c = p->children; c; c = c->sibling) {
		if (!selected(p, c, pid))
			continue;
		if (tells(c, want, f))
			return 1;
		result = 0;
	}
	return result;
}

/* It has been told: a zombie goes, the others tell it once. */
static void consume(struct proc *p, struct found *f)
{
	struct proc *c = f->child;

	if (f->code == CLD_STOPPED) {
		c->stop_reported = true;
	} else if (f->code == CLD_CONTINUED) {
		c->continued = false;
	} else {
		p->inner->children_cpu_ns += c->cpu_used_ns + c->inner->children_cpu_ns;
		proc_free(c);
	}
}

static long wait_result(struct proc *p, int found, bool nohang)
{
	if (found < 0)
		return found;
	if (nohang)
		return 0;
	return p->interrupted ? -EINTR : wait_on(p, &p->child_wait);
}

static long sys_wait4(struct proc *p, uint64_t *a)
{
	unsigned want = WANT_EXITED | (a[2] & WUNTRACED ? WANT_STOPPED : 0) | (a[2] & WCONTINUED ? WANT_CONTINUED : 0);
	struct rusage usage;
	struct found f;
	int found, pid;

	if ((uint32_t)a[2] & ~(uint32_t)(WNOHANG | WUNTRACED | WCONTINUED | 0xE0000000u))
		return -EINVAL;
	if ((int)a[0] == INT32_MIN)
		return -ESRCH;
	found = search(p, (int)a[0], want, &f);
	if (found <= 0)
		return wait_result(p, found, a[2] & WNOHANG);
	if (a[1] && user_write(p, a[1], &f.wait_status, 4))
		return -EFAULT;
	memset(&usage, 0, sizeof usage);
	if (a[3] && user_write(p, a[3], &usage, 144))
		return -EFAULT;
	pid = f.child->pid;
	consume(p, &f);
	return pid;
}

static long sys_waitid(struct proc *p, uint64_t *a)
{
	unsigned want = (a[3] & WEXITED ? WANT_EXITED : 0) | (a[3] & WSTOPPED ? WANT_STOPPED : 0) |
			(a[3] & WCONTINUED ? WANT_CONTINUED : 0);
	int which = a[0], id = a[1], found;
	uint8_t info[128] = { 0 };
	struct found f;

	if (!want || which < 0 || which > 2 || (which == P_PID && id <= 0) || (which == P_PGID && id < 0))
		return -EINVAL;
	found = search(p, which == P_ALL ? -1 : which == P_PID ? id : id ? -id : 0, want, &f);
	if (found < 0 || (found == 0 && !(a[3] & WNOHANG)))
		return wait_result(p, found, false);
	if (found) {
		memcpy(info, (int32_t[]){ SIGCHLD, 0, f.code }, 12);
		memcpy(info + 16, (int32_t[]){ f.child->pid, (int32_t)f.child->uid, f.status }, 12);
	}
	if (a[2] && user_write(p, a[2], info, sizeof info))
		return -EFAULT;
	if (found && !(a[3] & WNOWAIT))
		consume(p, &f);
	return 0;
}

const struct syscall wait_syscalls[] = {
	{ 61, "wait4", sys_wait4 }, { 247, "waitid", sys_waitid },
	{ 0, NULL, NULL },
};
