/*
 * signal.c - signals: sending, what each does by default, and when it takes effect.
 *
 * A signal is only noted when it is sent (pending, attention).  It takes effect
 *   when the process's own call ends (signal_after_call),
 *   or when the event loop sees to it (signal_attend): in a parked call, or in running code,
 * and there signal_next says what the first one that counts will do.  What is ignored never
 * disturbs a call; death and stops do not either: a parked call bears both.  Only a handler
 * interrupts, and then the call itself says how far it came.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <keros/process.h>
#include "process.h"

#define UNMASKABLE (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
#define STOPPING (SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define IGNORED_BY_DEFAULT (SIG_BIT(SIGCHLD) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH) | SIG_BIT(SIGCONT))
#define SYNCHRONOUS (SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | SIG_BIT(SIGFPE))
#define K_SIG_DFL 0ull
#define K_SIG_IGN 1ull

/* ---- sending ----------------------------------------------------------------------------------- */

static bool ignores(const struct proc *p, int sig)
{
	uint64_t handler = p->sighand->action[sig].handler;

	return handler == K_SIG_IGN || (handler == K_SIG_DFL && (SIG_BIT(sig) & IGNORED_BY_DEFAULT));
}

int signal_send(struct proc *to, int sig, int code, int from_pid)
{
	uint64_t bit = sig ? SIG_BIT(sig) : 0;

	if (!sig || to->state == PROC_ZOMBIE)
		return 0;
	if (sig == SIGCONT || sig == SIGKILL) {
		to->sig_pending &= ~STOPPING;
		if (to->state == PROC_STOPPED && sig == SIGCONT)
			signal_continue(to);
	} else if (bit & STOPPING) {
		to->sig_pending &= ~SIG_BIT(SIGCONT);
	}
	if (!(to->sig_mask & bit) && ignores(to, sig) && !(bit & UNMASKABLE))
		return 0;
	if (!(to->sig_pending & bit)) {
		struct proc *from = from_pid > 0 ? proc_find(from_pid) : NULL;

		to->inner->info[sig] = (struct signal_info){ .code = code, .pid = from_pid, .uid = from ? from->uid : 0 };
	}
	to->sig_pending |= bit;
	if (!(to->sig_mask & bit))
		attention(to, ATTENTION_SIGNAL);
	else if (to->state == PROC_PARKED && to->nr == 128)
		attention(to, ATTENTION_WAKE);  /* rt_sigtimedwait takes blocked signals */
	return 0;
}

int signal_group(int pgid, int sig)
{
	int reached = 0;

	for (struct proc *p = proc_next(NULL); p; p = proc_next(p)) {
		if (p->pgid != pgid || p->state == PROC_ZOMBIE)
			continue;
		signal_send(p, sig, SI_KERNEL, 0);
		reached++;
	}
	return reached;
}

void signal_mask_set(struct proc *p, uint64_t mask)
{
	p->sig_mask = mask & ~UNMASKABLE;
}

/* ---- what comes next --------------------------------------------------------------------------- */

static int first_of(uint64_t set)
{
	if (set & SIG_BIT(SIGKILL))
		return SIGKILL;
	if (set & SYNCHRONOUS)
		set &= SYNCHRONOUS;
	return __builtin_ctzll(set) + 1;
}

/* Drops pending signals that are ignored; *sig is the first that is not, and stays pending. */
enum signal_next signal_next(struct proc *p, int *sig)
{
	uint64_t set;

	while ((set = p->sig_pending & ~p->sig_mask)) {
		uint64_t handler, bit;

		*sig = first_of(set);
		bit = SIG_BIT(*sig);
		handler = p->sighand->action[*sig].handler;
		if (handler != K_SIG_DFL && handler != K_SIG_IGN && !(bit & UNMASKABLE))
			return SIGNAL_HANDLER;
		if (*sig == SIGSTOP || ((bit & STOPPING) && handler == K_SIG_DFL && !group_orphaned(p->pgid)))
			return SIGNAL_STOP;
		if (*sig == SIGKILL || (handler == K_SIG_DFL && !(bit & (IGNORED_BY_DEFAULT | STOPPING))))
			return SIGNAL_FATAL;
		p->sig_pending &= ~bit;
	}
	return SIGNAL_NONE;
}

/* ---- stop and continue ------------------------------------------------------------------------- */

static void tell_parent(struct proc *p, int code, int status)
{
	if (p->parent && !(p->parent->sighand->action[SIGCHLD].flags & SA_NOCLDSTOP))
		child_changed(p, code, status);
	else if (p->parent)
		wake_all(&p->parent->child_wait);
}

void signal_stop(struct proc *p, int sig)
{
	p->sig_pending &= ~SIG_BIT(sig);
	p->inner->stopped_from = p->state;
	p->state = PROC_STOPPED;
	p->stop_signal = sig;
	p->stop_reported = p->continued = false;
	tell_parent(p, CLD_STOPPED, sig);
}

void signal_continue(struct proc *p)
{
	p->state = p->inner->stopped_from;
	p->stop_signal = 0;
	p->continued = true;
	if (p->state == PROC_PARKED)
		attention(p, ATTENTION_WAKE);
	else
		process_run(process_cap(p->index));
	if (p->sig_pending & ~p->sig_mask)
		attention(p, ATTENTION_SIGNAL);
	tell_parent(p, CLD_CONTINUED, SIGCONT);
}

/* ---- taking effect ----------------------------------------------------------------------------- */

static struct context context;         /* of the process that is looked at */

/* Builds frames for all handlers that are due, in c.  False: the process is gone or stopped. */
static bool handlers_push(struct proc *p, struct context *c)
{
	int sig;

	for (;;) {
		switch (signal_next(p, &sig)) {
		case SIGNAL_NONE:
			return true;
		case SIGNAL_HANDLER:
			if (frame_push(p, c, sig) == 0)
				break;
			proc_exit(p, SIGSEGV);
			return false;
		case SIGNAL_STOP:
			/* The registers go in first: what runs after the stop is the handler. */
			context_put(p, c, false);
			p->state = PROC_RUNNING;
			signal_stop(p, sig);
			return false;
		case SIGNAL_FATAL:
			proc_exit(p, sig);
			return false;
		}
	}
}

static void handlers_run(struct proc *p, struct context *c)
{
	if (!handlers_push(p, c))
		return;
	p->state = PROC_RUNNING;
	context_put(p, c, true);
}

static void attend_running(struct proc *p, enum signal_next next, int sig)
{
	if (next == SIGNAL_HANDLER) {
		context_get(p, &context, true);
		shim_leave(p, &context.regs);
		handlers_run(p, &context);
		return;
	}
	process_stop(process_cap(p->index), NULL);
	if (next == SIGNAL_FATAL)
		proc_exit(p, sig);
	else
		signal_stop(p, sig);
}

/* From the event loop, for a process whose message is not being served. */
void signal_attend(struct proc *p)
{
	int sig;
	enum signal_next next;

	if (p->state == PROC_STOPPED) {
		if (p->sig_pending & SIG_BIT(SIGKILL))
			proc_exit(p, SIGKILL);
		return;
	}
	next = signal_next(p, &sig);
	if (next == SIGNAL_NONE)
		return;
	if (p->state == PROC_RUNNING)
		attend_running(p, next, sig);
	else if (next == SIGNAL_FATAL)
		proc_exit(p, sig);
	else if (p->inner->vfork_waits || p->inner->held)
		return;                /* seen to when the call is done */
	else if (next == SIGNAL_STOP)
		signal_stop(p, sig);
	else
		p->interrupted = true;
}

/* The registers as they are for the program when its call returns that. */
static void context_after_call(struct proc *p, struct context *c, long result, bool restart)
{
	struct reg_image *regs = &c->regs;

	context_get(p, c, false);
	regs->rip = mm_shim(p->mm)->ret;
	regs->rax = result;
	if (restart) {
		regs->rip -= 2;
		regs->rax = p->nr;
	}
	regs->rcx = regs->rip;
	regs->r11 = regs->rflags;
}

static bool restarts(struct proc *p, long result, enum signal_next next, int sig)
{
	if (next != SIGNAL_HANDLER)
		return result == -ERESTARTSYS || result == -ERESTARTNOHAND;
	return result == -ERESTARTSYS && (p->sighand->action[sig].flags & SA_RESTART);
}

/*
 * The call of p is done.  True: the answer has been dealt with (a handler runs, or the process is
 * stopped or dead); false: the caller answers with the result.
 */
bool signal_after_call(struct proc *p, long result)
{
	enum signal_next next;
	int sig = 0;
	bool again = result == -ERESTARTSYS || result == -ERESTARTNOHAND;

	if (p->restore_mask && !p->interrupted) {
		p->restore_mask = false;
		p->sig_mask = p->sig_saved_mask;
	}
	p->interrupted = false;
	next = signal_next(p, &sig);
	if (next == SIGNAL_NONE && !again) {
		if (!p->restore_mask)
			return false;
		/* The handler that interrupted is no more: back to the old mask, and look again. */
		return signal_after_call(p, result);
	}
	if (next == SIGNAL_FATAL) {
		proc_exit(p, sig);
		return true;
	}
	if (next == SIGNAL_STOP && !again) {
		p->inner->held = true;
		p->inner->held_result = result;
		p->state = PROC_PARKED;
		signal_stop(p, sig);
		return true;
	}
	context_after_call(p, &context, again ? -EINTR : result, restarts(p, result, next, sig));
	handlers_run(p, &context);
	return true;
}

/* A fault of the process itself, which waits for us. */
void signal_force(struct proc *p, int sig, int code, uint64_t address, struct context *c)
{
	struct sigaction_k *action = &p->sighand->action[sig];

	if ((p->sig_mask & SIG_BIT(sig)) || action->handler == K_SIG_IGN) {
		action->handler = K_SIG_DFL;
		p->sig_mask &= ~SIG_BIT(sig);
	}
	p->inner->info[sig] = (struct signal_info){ .code = code, .address = address };
	p->sig_pending |= SIG_BIT(sig);
	handlers_run(p, c);
}

void signal_exec_reset(struct proc *p)
{
	for (int i = 1; i < SIGNALS; i++)
		if (p->sighand->action[i].handler != K_SIG_IGN)
			p->sighand->action[i] = (struct sigaction_k){ 0 };
	p->altstack_sp = p->altstack_size = 0;
	p->altstack_flags = SS_DISABLE;
}

/* ---- calls ------------------------------------------------------------------------------------- */

static long sys_rt_sigaction(struct proc *p, uint64_t *a)
{
	struct sigaction_k new, old;
	int sig = a[0];

	if (sig < 1 || sig >= SIGNALS || a[3] != 8)
		return -EINVAL;
	old = p->sighand->action[sig];
	if (a[1]) {
		if (user_read(p, &new, a[1], sizeof new))
			return -EFAULT;
		if (SIG_BIT(sig) & UNMASKABLE)
			return -EINVAL;
	}
	if (a[2] && user_write(p, a[2], &old, sizeof old))
		return -EFAULT;
	if (!a[1])
		return 0;
	new.mask &= ~UNMASKABLE;
	p->sighand->action[sig] = new;
	if (ignores(p, sig))
		p->sig_pending &= ~SIG_BIT(sig);
	return 0;
}

static long sys_rt_sigprocmask(struct proc *p, uint64_t *a)
{
	uint64_t set, old = p->sig_mask;

	if (a[3] != 8)
		return -EINVAL;
	if (a[1]) {
		if (user_read(p, &set, a[1], 8))
			return -EFAULT;
		switch ((int)a[0]) {
		case SIG_BLOCK: set |= old; break;
		case SIG_UNBLOCK: set = old & ~set; break;
		case SIG_SETMASK: break;
		default: return -EINVAL;
		}
	}
	if (a[2] && user_write(p, a[2], &old, 8))
		return -EFAULT;
	if (a[1])
		signal_mask_set(p, set);
	return 0;
}

static long sys_rt_sigpending(struct proc *p, uint64_t *a)
{
	uint64_t set = p->sig_pending & p->sig_mask;

	return a[1] > 8 ? -EINVAL : user_write(p, a[0], &set, a[1]);
}

static long sys_rt_sigsuspend(struct proc *p, uint64_t *a)
{
	uint64_t set;

	if (a[1] != 8)
		return -EINVAL;
	if (user_read(p, &set, a[0], 8))
		return -EFAULT;
	if (!p->restore_mask) {
		p->restore_mask = true;
		p->sig_saved_mask = p->sig_mask;
		signal_mask_set(p, set);
	}
	return BLOCKED;
}

static long sys_pause(struct proc *p, uint64_t *a)
{
	(void)p, (void)a;
	return BLOCKED;
}

static long sys_rt_sigtimedwait(struct proc *p, uint64_t *a)
{
	uint64_t set, found;
	struct timespec64 t;
	uint8_t info[128];

	if (a[3] != 8)
		return -EINVAL;
	if (user_read(p, &set, a[0], 8) || (a[2] && user_read(p, &t, a[2], sizeof t)))
		return -EFAULT;
	if (a[2] && (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999))
		return -EINVAL;
	found = p->sig_pending & set & ~UNMASKABLE;
	if (found) {
		int sig = first_of(found);
		const struct signal_info *i = &p->inner->info[sig];

		p->sig_pending &= ~SIG_BIT(sig);
		memset(info, 0, sizeof info);
		memcpy(info, (int32_t[]){ sig, 0, i->code }, 12);
		memcpy(info + 16, (int32_t[]){ i->pid, (int32_t)i->uid, i->status }, 12);
		return a[1] && user_write(p, a[1], info, sizeof info) ? -EFAULT : sig;
	}
	if (p->timed_out || (a[2] && !t.tv_sec && !t.tv_nsec))
		return -EAGAIN;
	if (p->interrupted)
		return -EINTR;
	if (a[2] && !p->deadline_ns)
		wait_until(p, now_ns() + t.tv_sec * 1000000000ull + t.tv_nsec);
	return BLOCKED;
}

static long sys_sigaltstack(struct proc *p, uint64_t *a)
{
	struct { uint64_t sp; int32_t flags, pad; uint64_t size; } new, old;
	struct reg_image regs;
	bool on;

	regs_get(p, &regs);
	on = p->altstack_size && regs.rsp - p->altstack_sp - 1 < p->altstack_size;
	memset(&old, 0, sizeof old);
	old.sp = p->altstack_sp;
	old.size = p->altstack_size;
	old.flags = !p->altstack_size ? SS_DISABLE : on ? SS_ONSTACK : 0;
	if (a[0]) {
		if (user_read(p, &new, a[0], sizeof new))
			return -EFAULT;
		if (on)
			return -EPERM;
		if (new.flags & ~(SS_DISABLE | SS_ONSTACK | (1 << 31)))
			return -EINVAL;
		if (!(new.flags & SS_DISABLE) && new.size < 2048)
			return -ENOMEM;
	}
	if (a[1] && user_write(p, a[1], &old, sizeof old))
		return -EFAULT;
	if (a[0]) {
		p->altstack_sp = new.flags & SS_DISABLE ? 0 : new.sp;
		p->altstack_size = new.flags & SS_DISABLE ? 0 : new.size;
	}
	return 0;
}

/* The shim adds what we would have to ask the kernel for: rsp and the fs base, which no frame holds. */
static long sys_rt_sigreturn(struct proc *p, uint64_t *a)
{
	context.regs.fs_base = a[1];
	if (frame_pop(p, &context, a[0])) {
		proc_exit(p, SIGSEGV);
		return NOREPLY;
	}
	handlers_run(p, &context);
	return NOREPLY;
}

/* ---- kill -------------------------------------------------------------------------------------- */

static bool may_signal(const struct proc *p, const struct proc *to, int sig)
{
	return p->euid == 0 || p->euid == to->uid || p->uid == to->uid || p->uid == to->suid || p->euid == to->suid ||
	       (sig == SIGCONT && p->sid == to->sid);
}

static long kill_one(struct proc *p, int pid, int sig, int code)
{
	struct proc *to = proc_find(pid);

	if (!to)
		return pid == 1 ? -EPERM : -ESRCH;
	if (!may_signal(p, to, sig))
		return -EPERM;
	signal_send(to, sig, code, p->pid);
	return 0;
}

/* pgid 0: everybody but the caller. */
static long kill_many(struct proc *p, int pgid, int sig)
{
	long result = -ESRCH;

	for (struct proc *to = proc_next(NULL); to; to = proc_next(to)) {
		if ((pgid && to->pgid != pgid) || (!pgid && to == p))
			continue;
		if (!may_signal(p, to, sig)) {
			if (result == -ESRCH)
				result = -EPERM;
			continue;
		}
		signal_send(to, sig, SI_USER, p->pid);
		result = 0;
	}
	return result;
}

static long sys_kill(struct proc *p, uint64_t *a)
{
	int pid = a[0], sig = a[1];

	if (sig < 0 || sig >= SIGNALS)
		return -EINVAL;
	if (pid > 0)
		return kill_one(p, pid, sig, SI_USER);
	if (pid == INT32_MIN)
		return -ESRCH;
	return kill_many(p, pid == 0 ? p->pgid : pid == -1 ? 0 : -pid, sig);
}

static long sys_tkill(struct proc *p, uint64_t *a)
{
	int sig = a[1];

	if ((int)a[0] <= 0 || sig < 0 || sig >= SIGNALS)
		return -EINVAL;
	return kill_one(p, a[0], sig, SI_TKILL);
}

static long sys_tgkill(struct proc *p, uint64_t *a)
{
	int sig = a[2];

	if ((int)a[0] <= 0 || (int)a[1] <= 0 || sig < 0 || sig >= SIGNALS)
		return -EINVAL;
	return a[0] != a[1] ? -ESRCH : kill_one(p, a[1], sig, SI_TKILL);
}

static long sys_rt_sigqueueinfo(struct proc *p, uint64_t *a)
{
	int32_t info[4];
	int sig = a[1];

	if (sig < 0 || sig >= SIGNALS)
		return -EINVAL;
	if (user_read(p, info, a[2], sizeof info))
		return -EFAULT;
	if (info[2] >= 0 && (int)a[0] != p->pid)
		return -EPERM;
	return kill_one(p, a[0], sig, info[2]);
}

const struct syscall signal_syscalls[] = {
	{ 13, "rt_sigaction", sys_rt_sigaction }, { 14, "rt_sigprocmask", sys_rt_sigprocmask },
	{ 15, "rt_sigreturn", sys_rt_sigreturn }, { 34, "pause", sys_pause }, { 62, "kill", sys_kill },
	{ 127, "rt_sigpending", sys_rt_sigpending }, { 128, "rt_sigtimedwait", sys_rt_sigtimedwait },
	{ 129, "rt_sigqueueinfo", sys_rt_sigqueueinfo }, { 130, "rt_sigsuspend", sys_rt_sigsuspend },
	{ 131, "sigaltstack", sys_sigaltstack }, { 200, "tkill", sys_tkill }, { 234, "tgkill", sys_tgkill },
	{ 0, NULL, NULL },
};
