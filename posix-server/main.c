/*
 * main.c - the event loop: calls, faults, notices; and what happens at the end of a call.
 *
 * Rules
 *   1. One message at a time is served to its end: answered, parked, or the process is gone.
 *   2. While a process's message is being served it is `fresh`: it waits in the kernel for our
 *      answer, and nobody else touches it.  Its own signals are seen to when its result is known.
 *   3. What a message caused elsewhere (attention) is seen to before the next one is taken, and
 *      before the answer is decided, so that a writer's reader runs first in line.
 *   4. An answer goes with the invocation that takes the next message: one kernel entry for both.
 */
#include <string.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <keros/process.h>
#include "job.h"
#include "process.h"
#include "record.h"
#include "refusal.h"
#include "socket/socket.h"

#define NR_MAX 512

struct proc *fresh;
bool turn_given_up;
bool sandbox_over;
int sandbox_status;

static syscall_fn calls[NR_MAX];
static const char *call_names[NR_MAX];
static uint32_t missing[NR_MAX];
static uint32_t missing_other;

static void attend(struct proc *p);

/* The answer that goes with the next wait. */
static cap_t reply_to;
static uint64_t reply_value;

struct inbound { uint64_t control, w[INV_WORDS]; };

/* ---- the kernel's side ------------------------------------------------------------------------- */

/* Answers (to CR_VOID: nobody) and takes the next message, whose resume capability goes to CR_RETURN. */
static void server_wait(struct inbound *in)
{
	uint64_t control = INV_CONTROL(0, INV_RETURN | INV_RECV_CAPS, reply_to);
	register uint64_t r10 __asm__("r10") = 0;
	register uint64_t r8 __asm__("r8") = 0;
	register uint64_t r9 __asm__("r9") = 0;

	in->w[0] = reply_value;
	in->w[1] = in->w[2] = 0;
	__asm__ volatile("syscall"
			 : "+a"(control), "+D"(in->w[0]), "+S"(in->w[1]), "+d"(in->w[2]), "+r"(r10), "+r"(r8),
			   "+r"(r9)
			 : "b"((uint64_t)CR_RETURN << 56)
			 : "rcx", "r11", "memory");
	in->control = control;
	in->w[3] = r10;
	in->w[4] = r8;
	in->w[5] = r9;
	reply_to = CR_VOID;
}

/* ---- calls ------------------------------------------------------------------------------------- */

static void add_calls(const struct syscall *s)
{
	for (; s->fn; s++) {
		call_names[s->nr] = s->name;
		calls[s->nr] = s->fn;
	}
}

void dispatch_init(void)
{
	add_calls(proc_syscalls);
	add_calls(id_syscalls);
	add_calls(misc_syscalls);
	add_calls(wait_syscalls);
	add_calls(futex_syscalls);
	add_calls(exec_syscalls);
	add_calls(mem_syscalls);
	add_calls(signal_syscalls);
	add_calls(time_syscalls);
	add_calls(file_syscalls);
	add_calls(socket_syscalls);
}

static long call_missing(uint32_t nr)
{
	if (nr < NR_MAX)
		missing[nr]++;
	else
		missing_other++;
	return -ENOSYS;
}

const char *call_name(uint32_t nr)
{
	return nr < NR_MAX ? call_names[nr] : NULL;
}

void missing_report(char *to, size_t size)
{
	size_t done = 0;

	to[0] = 0;
	for (unsigned nr = 0; nr < NR_MAX && done < size; nr++)
		if (missing[nr])
			done += snprintf(to + done, size - done, "call %u: not there, asked %u times\n", nr, missing[nr]);
	if (missing_other && done < size)
		snprintf(to + done, size - done, "calls above %u: asked %u times\n", NR_MAX - 1, missing_other);
}

static inline long call_run(struct proc *p)
{
	if (p->job) {
		long result = job_continue(p);

		if (result != RERUN)
			return result;
	}
	syscall_fn fn = p->nr < NR_MAX ? calls[p->nr] : NULL;

	return fn ? fn(p, p->args) : call_missing(p->nr);
}

/* The same in a sandbox whose programs are watched. */
static long call_run_recorded(struct proc *p)
{
	long result;

	record_walks = 0;
	result = call_run(p);
	if (result == BLOCKED)
		record_wait(p);
	else
		record_call(p, result);
	return result;
}

/* Gives a process that waits in its CALL the answer. */
static void answer(struct proc *p, long result)
{
	if (p == fresh) {
		reply_to = CR_RETURN;
		reply_value = result;
	} else {
		process_wake(process_cap(p->index), result);
	}
}

/* The call of p has this result: its signals first, then the answer. */
void call_done(struct proc *p, long result)
{
	if (p->wait_count)
		waits_clear(p);
	if (p->deadline_ns || p->inner->deadline.prev) {
		timer_cancel(&p->inner->deadline);
		p->deadline_ns = 0;
	}
	p->state = PROC_RUNNING;
	if ((p->sig_pending | p->restore_mask | p->interrupted) && signal_after_call(p, result))
		return;
	answer(p, result);
}

/* A handler with SA_RESTART lets it go on. */
static bool restartable(uint32_t nr)
{
	switch (nr) {
	case SYS_read: case SYS_write: case SYS_pread64: case SYS_pwrite64: case SYS_readv: case SYS_writev: case SYS_preadv:
	case SYS_pwritev: case SYS_sendfile: case SYS_open: case SYS_openat: case SYS_ioctl: case SYS_fcntl: case SYS_flock:
	case SYS_connect: case SYS_accept: case SYS_accept4: case SYS_sendto: case SYS_recvfrom: case SYS_sendmsg:
	case SYS_recvmsg: case SYS_wait4: case SYS_waitid: case SYS_futex: case SYS_getrandom:
		return true;
	}
	return false;
}

/* A handler is to run, and the call had not got anywhere. */
static long interrupted_result(struct proc *p)
{
	return restartable(p->nr) ? -ERESTARTSYS : -ERESTARTNOHAND;
}

/* Runs the call, for the first time or again.  True: its result is in *result. */
static bool call_step(struct proc *p, long *result)
{
	int sig;

	for (;;) {
		*result = record_on ? call_run_recorded(p) : call_run(p);
		if (*result == NOREPLY)
			return false;
		if (*result != BLOCKED) {
			if (*result == -EINTR && p->interrupted)
				*result = interrupted_result(p);
			return true;
		}
		/* A job under way is not given up: what it does is done. */
		if (p->interrupted && !p->job) {
			*result = interrupted_result(p);
			return true;
		}
		p->state = PROC_PARKED;
		if (!(p->sig_pending & ~p->sig_mask) || p->inner->vfork_waits)
			return false;
		switch (signal_next(p, &sig)) {
		case SIGNAL_NONE:
			return false;
		case SIGNAL_HANDLER:
			/* Once more, so that it can say how far it came; a job under way says so when it ends. */
			if (p->job) {
				p->interrupted = true;
				return false;
			}
			waits_clear(p);
			p->interrupted = true;
			break;
		default:
			/* Death or a stop: the parked call bears both. */
			attention(p, ATTENTION_SIGNAL);
			return false;
		}
	}
}

/* A parked call is run again. */
static void call_again(struct proc *p)
{
	long result;

	waits_clear(p);
	p->state = PROC_RUNNING;
	if (call_step(p, &result))
		call_done(p, result);
}

static void handle_call(struct proc *p, const struct inbound *in)
{
	struct proc *q;
	long result;

	p->nr = in->control >> 32;
	memcpy(p->args, in->w, sizeof p->args);
	p->progress = p->progress2 = 0;
	p->timed_out = p->interrupted = false;
	p->call_seq = job_seq + 1;
	fresh = p;
	if (!call_step(p, &result)) {
		fresh = NULL;
		return;
	}
	while ((q = attention_take())) {
		if (q == p)
			p->inner->attention = 0;
		else
			attend(q);
	}
	call_done(p, result);
	/* From here on it is like any other process, once the answer is out; woken, it runs after all that are ready. */
	if ((attention_waiting() || turn_given_up) && reply_to == CR_RETURN) {
		reply_to = CR_VOID;
		process_wake(process_cap(p->index), reply_value);
	}
	turn_given_up = false;
	fresh = NULL;
}

static void handle_fault(struct proc *p, const struct inbound *in)
{
	bool retry = false;

	fresh = p;
	trap_handle(p, in->w, &retry);
	fresh = NULL;
	if (retry) {
		reply_to = CR_RETURN;
		reply_value = 0;
	}
}

/* ---- attention --------------------------------------------------------------------------------- */

static void attend(struct proc *p)
{
	unsigned bits = p->inner->attention;

	p->inner->attention = 0;
	if (p->inner->free_later) {
		proc_free(p);
		return;
	}
	if (p->state == PROC_ZOMBIE)
		return;
	if (bits & ATTENTION_SIGNAL) {
		signal_attend(p);
		if (p->state == PROC_PARKED && p->interrupted)
			bits |= ATTENTION_WAKE;
	}
	if (p->state != PROC_PARKED)
		return;
	if (p->inner->held) {
		p->inner->held = false;
		call_done(p, p->inner->held_result);
	} else if (bits & ATTENTION_WAKE) {
		call_again(p);
	}
}

static void attend_all(void)
{
	struct proc *p;

	while ((p = attention_take()))
		attend(p);
}

static void handle_notice(uint64_t bits)
{
	if (bits & NOTICE_TIMER)
		timers_run();
	if (bits & NOTICE_RESTART) {
		clock_init();          /* the clocks are read anew */
		procs_recover();
	}
	if (bits & (NOTICE_SYNC | NOTICE_RESTART))
		sync_notice_taken();
	if (bits & ~(uint64_t)(NOTICE_TIMER | NOTICE_SYNC | NOTICE_RESTART))
		tty_notice(bits);
}

void server_run(void)
{
	struct inbound in;
	struct proc *p;

	reply_to = CR_VOID;
	while (!sandbox_over) {
		attend_all();
		if (sandbox_over)
			break;
		timer_arm();
		server_wait(&in);
		if (in.control & INV_GOT_NOTICE) {
			handle_notice(in.w[0]);
			continue;
		}
		if ((in.control & INV_GOT_DATA) - DATA_COURIER < JOBS) {
			job_arrived((in.control & INV_GOT_DATA) - DATA_COURIER);
			continue;
		}
		p = (in.control & INV_GOT_DATA) < PROCS_MAX ? proc_table[in.control & INV_GOT_DATA] : NULL;
		if (!p || p->state != PROC_RUNNING || !(in.control & INV_GOT_RESUME))
			continue;
		if (in.control & INV_GOT_FAULT)
			handle_fault(p, &in);
		else
			handle_call(p, &in);
	}
}
