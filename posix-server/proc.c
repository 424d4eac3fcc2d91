/*
 * proc.c - the table of processes: birth by fork, vfork and clone, and death.
 *
 * Invariants
 *   1. A process has an index while it is in the table, zombies too; the kernel process of an
 *      index is made once and used again: it waits, and whoever gets it sets registers and memory.
 *   2. main_proc, the command of the sandbox, has no parent among ours; neither have orphans:
 *      process 1, which nobody sees, waits for them at once.
 *   3. A vfork parent is parked until its child runs another program or ends; the child uses the
 *      parent's memory, and so the parent's page of the shim, which is put right at the end.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <keros/process.h>
#include "job.h"
#include "process.h"
#include "record.h"

#define PID_MAX 32768
#define HASH 256u

struct proc *proc_table[PROCS_MAX];
struct proc *main_proc;

struct slot { struct proc proc; struct proc_inner inner; };
static struct slot *slots[PROCS_MAX];  /* kept when free */
static uint16_t free_index[PROCS_MAX];
static unsigned free_count, index_next = 0, live_count;
static struct proc *hash[HASH], *all;
static int pid_last = 1;

/* ---- the table --------------------------------------------------------------------------------- */

struct proc *proc_find(int pid)
{
	struct proc *p = hash[(unsigned)pid % HASH];

	while (p && p->pid != pid)
		p = p->inner->hash_next;
	return p;
}

struct proc *proc_next(struct proc *p)
{
	return p ? p->inner->all_next : all;
}

unsigned proc_count(void)
{
	return live_count;
}

static bool pid_used(int pid)
{
	if (proc_find(pid))
		return true;
	for (struct proc *p = all; p; p = p->inner->all_next)
		if (p->pgid == pid || p->sid == pid)
			return true;
	return false;
}

static int pid_take(void)
{
	bool wrapped = false;

	do {
		if (++pid_last >= PID_MAX) {
			pid_last = 2;
			wrapped = true;
		}
	} while ((wrapped || pid_last < 300) ? pid_used(pid_last) : proc_find(pid_last) != NULL);
	return pid_last;
}

static void deadline_fire(struct proc *p)
{
	p->timed_out = p->deadline_ns && now_ns() >= p->deadline_ns;
	attention(p, ATTENTION_WAKE);
}

static void alarm_fire(struct proc *p)
{
	if (p->alarm_interval_ns) {
		p->alarm_ns += p->alarm_interval_ns;
		if (p->alarm_ns <= now_ns())
			p->alarm_ns = now_ns() + p->alarm_interval_ns;
		timer_set(&p->inner->alarm, p->alarm_ns);
	} else {
		p->alarm_ns = 0;
	}
	signal_send(p, SIGALRM, SI_KERNEL, 0);
}

static int index_take(void)
{
	unsigned i;

	if (free_count)
		return free_index[--free_count];
	i = index_next;
	if (i >= PROCS_MAX)
		return -1;
	if (!slots[i] && !(slots[i] = malloc(sizeof *slots[i])))
		return -1;
	if (!process_make(i))
		return -1;
	index_next++;
	return i;
}

static void index_forget(unsigned index)
{
	for (unsigned i = 0; i < free_count; i++)
		if (free_index[i] == index)
			free_index[i--] = free_index[--free_count];
}

/* All fields but the wait records, which are valid only as far as wait_count says. */
static void proc_clear(struct proc *p)
{
	size_t waits = offsetof(struct proc, waits), after = waits + sizeof p->waits;

	memset(p, 0, waits);
	memset((char *)p + after, 0, sizeof *p - after);
}

static void table_add(struct proc *p)
{
	struct proc_inner *i = p->inner;

	i->hash_next = hash[(unsigned)p->pid % HASH];
	hash[(unsigned)p->pid % HASH] = p;
	i->all_next = all;
	i->all_prev = &all;
	if (all)
		all->inner->all_prev = &i->all_next;
	all = p;
	proc_table[p->index] = p;
	live_count++;
}

static void table_remove(struct proc *p)
{
	struct proc **at = &hash[(unsigned)p->pid % HASH];

	while (*at != p)
		at = &(*at)->inner->hash_next;
	*at = p->inner->hash_next;
	*p->inner->all_prev = p->inner->all_next;
	if (p->inner->all_next)
		p->inner->all_next->inner->all_prev = p->inner->all_prev;
	proc_table[p->index] = NULL;
	live_count--;
}

struct proc *proc_new(void)
{
	int index = index_take();
	struct slot *s;

	if (index < 0)
		return NULL;
	s = slots[index];
	proc_clear(&s->proc);
	memset(&s->inner, 0, sizeof s->inner);
	s->proc.inner = &s->inner;
	s->proc.index = index;
	s->proc.pid = s->proc.tid = pid_take();
	s->inner.deadline = (struct timer){ .proc = &s->proc, .fire = deadline_fire };
	s->inner.alarm = (struct timer){ .proc = &s->proc, .fire = alarm_fire };
	s->inner.start_ns = now_ns();
	s->proc.state = PROC_RUNNING;
	table_add(&s->proc);
	return &s->proc;
}

/*
 * After a loss of power.  Nobody will hear from a process that the disk cannot give back: it ends here, as one does whose
 * memory is lost.  An index without even a new process in its place is never given out again.
 */
void procs_recover(void)
{
	for (unsigned i = 0; i < index_next; i++) {
		struct proc *p = proc_table[i];

		if (!process_is_lost(i))
			continue;
		if (p && p->state != PROC_ZOMBIE)
			server_log("posix-server: the disk cannot give back process %d (%s)\n", p->pid, p->comm);
		if (!process_renew(i))
			index_forget(i);
		if (p && p->state != PROC_ZOMBIE)
			proc_exit(p, SIGBUS);
	}
}

static void child_unlink(struct proc *p)
{
	struct proc **at;

	if (!p->parent)
		return;
	for (at = &p->parent->children; *at != p;)
		at = &(*at)->sibling;
	*at = p->sibling;
	p->parent = NULL;
}

static void child_link(struct proc *parent, struct proc *p)
{
	p->parent = parent;
	p->ppid = parent->pid;
	p->sibling = parent->children;
	parent->children = p;
}

void proc_free(struct proc *p)
{
	child_unlink(p);
	if (!p->inner->free_later)
		table_remove(p);
	p->inner->free_later = p->inner->queued;
	if (p->inner->queued)
		return;
	free(p->cmdline);
	p->cmdline = NULL;
	free_index[free_count++] = p->index;
	p->state = PROC_FREE;
}

/* ---- what a process holds ---------------------------------------------------------------------- */

/* Programs read their ids from the shim's page. */
void proc_shim_update(struct proc *p)
{
	struct shim_data *s = mm_shim(p->mm);

	s->pid = p->pid;
	s->tid = p->tid;
	s->ppid = p->ppid;
	s->uid = p->uid;
	s->euid = p->euid;
	s->gid = p->gid;
	s->egid = p->egid;
}

void proc_space_set(struct proc *p)
{
	tree_root(p->mm->root->m.node, ROOT_LSS, CR_TMP0);
	process_swap_slot(process_cap(p->index), PSLOT_SPACE, CR_TMP0, CR_VOID);
}

void rlimits_init(struct proc *p)
{
	for (int i = 0; i < 16; i++)
		p->rlimit[i][0] = p->rlimit[i][1] = RLIM_INFINITY;
	p->rlimit[RLIMIT_STACK][0] = STACK_SIZE;
	p->rlimit[RLIMIT_CORE][0] = 0;
	p->rlimit[RLIMIT_NOFILE][0] = FD_MAX;
	p->rlimit[RLIMIT_NOFILE][1] = FD_MAX;
	p->rlimit[RLIMIT_NPROC][0] = p->rlimit[RLIMIT_NPROC][1] = PROCS_MAX;
	p->rlimit[RLIMIT_SIGPENDING][0] = p->rlimit[RLIMIT_SIGPENDING][1] = SIGNALS;
	p->rlimit[RLIMIT_MEMLOCK][0] = p->rlimit[RLIMIT_MEMLOCK][1] = 65536;
	p->rlimit[RLIMIT_MSGQUEUE][0] = p->rlimit[RLIMIT_MSGQUEUE][1] = 819200;
	p->rlimit[RLIMIT_NICE][0] = p->rlimit[RLIMIT_NICE][1] = 0;
	p->rlimit[RLIMIT_RTPRIO][0] = p->rlimit[RLIMIT_RTPRIO][1] = 0;
}

static void sighand_put(struct sighand *s)
{
	if (s && --s->refs == 0)
		free(s);
}

/* Lets go of everything but the record. */
static void proc_release(struct proc *p)
{
	if (p->fds)
		fdtable_put(p->fds);
	if (p->fs)
		fsctx_put(p->fs);
	if (p->exe)
		inode_put(p->exe);
	if (p->mm)
		mm_put(p->mm);
	p->fds = NULL;
	p->fs = NULL;
	p->exe = NULL;
	p->mm = NULL;
}

/* ---- fork -------------------------------------------------------------------------------------- */

#define SHAPE_MASK (CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SETTLS | CLONE_PARENT_SETTID | \
		    CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SYSVSEM | CLONE_IO | CLONE_PARENT | CLONE_DETACHED)

struct clone { uint64_t flags, stack, ptid, ctid, tls; };

static bool fork_share(struct proc *p, struct proc *c, uint64_t flags)
{
	if (flags & CLONE_VM) {
		c->mm = p->mm;
		p->mm->refs++;
	} else {
		c->mm = mm_fork(p->mm);
	}
	if (flags & CLONE_FILES) {
		c->fds = p->fds;
		p->fds->refs++;
	} else {
		c->fds = fdtable_copy(p->fds);
	}
	if (flags & CLONE_FS) {
		c->fs = p->fs;
		p->fs->refs++;
	} else {
		c->fs = fsctx_copy(p->fs);
	}
	if (flags & CLONE_SIGHAND) {
		c->sighand = p->sighand;
		p->sighand->refs++;
	} else if ((c->sighand = malloc(sizeof *c->sighand))) {
		*c->sighand = *p->sighand;
		c->sighand->refs = 1;
	}
	return c->mm && c->fds && c->fs && c->sighand;
}

static void fork_copy(struct proc *p, struct proc *c, uint64_t flags)
{
	c->pgid = p->pgid;
	c->sid = p->sid;
	c->uid = p->uid, c->euid = p->euid, c->suid = p->suid;
	c->gid = p->gid, c->egid = p->egid, c->sgid = p->sgid;
	c->sig_mask = p->sig_mask;
	if (!(flags & CLONE_VM) || (flags & CLONE_VFORK)) {
		c->altstack_sp = p->altstack_sp;
		c->altstack_size = p->altstack_size;
		c->altstack_flags = p->altstack_flags;
	}
	memcpy(c->rlimit, p->rlimit, sizeof c->rlimit);
	memcpy(c->comm, p->comm, sizeof c->comm);
	if (p->cmdline && (c->cmdline = malloc(p->cmdline_length))) {
		memcpy(c->cmdline, p->cmdline, p->cmdline_length);
		c->cmdline_length = p->cmdline_length;
	}
	c->program = p->program;
	c->exe = p->exe;
	if (c->exe)
		inode_get(c->exe);
	child_link(p, c);
}

/* The kernel's side: the child is the parent in its call, which answers 0. */
static void fork_kernel(struct proc *p, struct proc *c, const struct clone *how)
{
	struct reg_image regs;

	process_fetch(p->index, CR_TMP0);
	process_clone(process_cap(c->index), CR_TMP0);
	proc_space_set(c);
	if (!how->stack && !(how->flags & CLONE_SETTLS))
		return;
	regs_get(c, &regs);
	if (how->stack)
		regs.rsp = how->stack;
	if (how->flags & CLONE_SETTLS)
		regs.fs_base = how->tls;
	regs_set(c, &regs);
}

static void fork_abort(struct proc *c)
{
	proc_release(c);
	sighand_put(c->sighand);
	c->state = PROC_ZOMBIE;
	proc_free(c);
}

static long do_clone(struct proc *p, const struct clone *how)
{
	struct proc *c;

	if (how->flags & CLONE_VFORK && p->progress)    /* run again: has the child let us go? */
		return p->inner->vfork_waits ? BLOCKED : (long)p->progress;
	if (live_count >= p->rlimit[RLIMIT_NPROC][0] || !(c = proc_new()))
		return -EAGAIN;
	if (record_on)
		record_shim(p);        /* the child's page begins as a copy of this one */
	if (!fork_share(p, c, how->flags)) {
		bool space = c->mm;

		fork_abort(c);
		return space ? -EAGAIN : -ENOMEM;
	}
	fork_copy(p, c, how->flags);
	if (how->flags & CLONE_PARENT_SETTID)
		user_write(p, how->ptid, &c->tid, 4);
	if (how->flags & CLONE_CHILD_SETTID)
		user_write(c, how->ctid, &c->tid, 4);
	if (how->flags & CLONE_CHILD_CLEARTID)
		c->clear_tid = how->ctid;
	if (how->flags & CLONE_VM)
		p->inner->vfork_shim = *mm_shim(p->mm);
	proc_shim_update(c);
	fork_kernel(p, c, how);
	process_wake(process_cap(c->index), 0);
	if (!(how->flags & CLONE_VFORK))
		return c->pid;
	c->vfork_parent = p;
	p->inner->vfork_waits = true;
	p->progress = c->pid;
	return BLOCKED;
}

void vfork_release(struct proc *c)
{
	struct proc *p = c->vfork_parent;

	if (!p)
		return;
	c->vfork_parent = NULL;
	if (p->inner->vfork_waits && p->mm && p->mm == c->mm)
		*mm_shim(p->mm) = p->inner->vfork_shim;
	p->inner->vfork_waits = false;
	attention(p, ATTENTION_WAKE | ATTENTION_SIGNAL);
}

static long sys_fork(struct proc *p, uint64_t *a)
{
	(void)a;
	return do_clone(p, &(struct clone){ 0 });
}

static long sys_vfork(struct proc *p, uint64_t *a)
{
	(void)a;
	return do_clone(p, &(struct clone){ .flags = CLONE_VM | CLONE_VFORK });
}

/* Threads are not there: memory may be shared only while the parent waits. */
static long sys_clone(struct proc *p, uint64_t *a)
{
	struct clone how = { a[0] & ~0xFFull, a[1], a[2], a[3], a[4] };

	if ((how.flags & CLONE_THREAD) || (how.flags & ~(uint64_t)SHAPE_MASK))
		return -ENOSYS;
	if ((how.flags & CLONE_VM) && !(how.flags & CLONE_VFORK))
		return -ENOSYS;
	if ((how.flags & CLONE_SIGHAND) && !(how.flags & CLONE_VM))
		return -EINVAL;
	return do_clone(p, &how);
}

static long sys_clone3(struct proc *p, uint64_t *a)
{
	(void)p, (void)a;
	return -ENOSYS;                /* libcs fall back to clone */
}

/* ---- exit -------------------------------------------------------------------------------------- */

static void orphan(struct proc *c)
{
	child_unlink(c);
	c->ppid = 1;
	if (c->mm && !c->vfork_parent)
		mm_shim(c->mm)->ppid = 1;
	if (c->inner->parent_death_signal)
		signal_send(c, c->inner->parent_death_signal, SI_USER, 0);
	if (c->state == PROC_ZOMBIE)
		proc_free(c);
}

bool group_orphaned(int pgid)
{
	for (struct proc *p = all; p; p = p->inner->all_next)
		if (p->pgid == pgid && p->state != PROC_ZOMBIE && p->parent && p->parent->pgid != pgid &&
		    p->parent->sid == p->sid)
			return false;
	return true;
}

static bool group_has_stopped(int pgid)
{
	for (struct proc *p = all; p; p = p->inner->all_next)
		if (p->pgid == pgid && p->state == PROC_STOPPED)
			return true;
	return false;
}

/* A group that just lost its last tie to a shell must not stay stopped for ever. */
static void group_check(int pgid, bool was_orphaned)
{
	if (was_orphaned || !group_has_stopped(pgid) || !group_orphaned(pgid))
		return;
	signal_group(pgid, SIGHUP);
	signal_group(pgid, SIGCONT);
}

static void orphan_children(struct proc *p)
{
	struct proc *c;

	while ((c = p->children)) {
		int pgid = c->pgid;
		bool was = group_orphaned(pgid);

		if (c->vfork_parent == p)
			c->vfork_parent = NULL;
		orphan(c);
		group_check(pgid, was);
	}
}

/* Something to wait for: code is CLD_*, status the exit code or signal. */
void child_changed(struct proc *c, int code, int status)
{
	struct proc *p = c->parent;

	if (!p)
		return;
	if (!(p->sig_pending & SIG_BIT(SIGCHLD)))
		p->inner->info[SIGCHLD] = (struct signal_info){ .code = code, .pid = c->pid, .status = status, .uid = c->uid };
	signal_send(p, SIGCHLD, code, c->pid);
	if (p->sig_pending & SIG_BIT(SIGCHLD)) {
		p->inner->info[SIGCHLD].status = status;
		p->inner->info[SIGCHLD].code = code;
		p->inner->info[SIGCHLD].pid = c->pid;
	}
	wake_all(&p->child_wait);
}

static bool parent_does_not_care(const struct proc *p)
{
	const struct sigaction_k *a;

	if (!p->parent)
		return true;
	a = &p->parent->sighand->action[SIGCHLD];
	return a->handler == 1 || (a->flags & SA_NOCLDWAIT);
}

static void exit_stop(struct proc *p)
{
	waits_clear(p);
	timer_cancel(&p->inner->deadline);
	timer_cancel(&p->inner->alarm);
	futex_forget(p);
	if (p != fresh && p->state == PROC_RUNNING)
		process_stop(process_cap(p->index), NULL);
}

static void exit_tell(struct proc *p, int status)
{
	bool killed = status & 0x7f;

	if (p == main_proc) {
		sandbox_over = true;
		sandbox_status = status;
		return;
	}
	child_changed(p, killed ? CLD_KILLED : CLD_EXITED, killed ? status & 0x7f : status >> 8);
	if (parent_does_not_care(p)) {
		struct proc *parent = p->parent;

		proc_free(p);
		if (parent)
			wake_all(&parent->child_wait);
	}
}

void proc_exit(struct proc *p, int status)
{
	bool was_orphaned;

	if (p->state == PROC_ZOMBIE)
		return;
	if (record_on) {
		record_shim(p);
		record_exit(p, status);
	}
	exit_stop(p);
	was_orphaned = group_orphaned(p->pgid);
	futex_clear_tid(p);
	vfork_release(p);
	p->state = PROC_ZOMBIE;
	job_abandon(p);
	if (p->opened)
		file_put(p->opened);
	if (p->missing_in)
		inode_put(p->missing_in);
	p->opened = NULL;
	p->missing_in = NULL;
	p->exit_status = status;
	p->sig_pending = 0;
	if (p->pid == p->sid)
		tty_session_exit(p);
	proc_release(p);
	orphan_children(p);
	sighand_put(p->sighand);
	p->sighand = NULL;
	group_check(p->pgid, was_orphaned);
	exit_tell(p, status);
}

/* At the end of the sandbox: nobody runs on while the caller tidies up. */
void proc_kill_all(void)
{
	for (struct proc *p = all; p; p = p->inner->all_next)
		if (p->state == PROC_RUNNING)
			process_stop(process_cap(p->index), NULL);
}

static long sys_exit(struct proc *p, uint64_t *a)
{
	proc_exit(p, (a[0] & 255) << 8);
	return NOREPLY;
}

const struct syscall proc_syscalls[] = {
	{ 56, "clone", sys_clone }, { 57, "fork", sys_fork }, { 58, "vfork", sys_vfork }, { 60, "exit", sys_exit },
	{ 231, "exit_group", sys_exit }, { 435, "clone3", sys_clone3 },
	{ 0, NULL, NULL },
};
