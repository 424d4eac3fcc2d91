/*
 * pump.c - carries one run, from the machine's start to its end: the loop, and what the end means.
 *
 * Rules and struct pump are in pump_inner.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/control.h"
#include "lib/disk.h"
#include "lib/pump_inner.h"
#include "object/layout.h"

#define SAVE_WAIT_MS     60000      /* Ctrl-A X once more does not wait */
#define KERNEL_FAILED    171       /* (0x55 << 1) | 1: isa-debug-exit */
#define STATUS_STOPPED   122       /* services/control: the owner has asked for it */
#define STATUS_TIME_OVER 124       /* as timeout(1) has it */

static void machine_kill(struct pump *p)
{
	if (!p->killed && p->qemu_status < 0)
		kill(p->machine->pid, SIGKILL);
	p->killed = true;
}

static void signals_take(struct pump *p, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			if (p->qemu_status < 0)
				waitpid(p->machine->pid, &p->qemu_status, WNOHANG);
			break;
		case SIGWINCH:
			if (p->run->tty && p->hello)
				terminal_send_size(p);
			break;
		default:
			if (p->stopped_by)
				p->save = SAVE_DONE;   /* a second time: at once */
			p->stopped_by = (int)info.ssi_signo;
		}
	}
}

static int signals_open(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, before);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Leaving a system that lives on a disk: what was done until now is saved first. */
static void save_begin(struct pump *p)
{
	char *request = xasprintf("%u-%d ckpt\n", SAVE_ID, (int)getpid());

	p->save = SAVE_DONE;
	if (p->run->disk && p->hello && p->exit_status < 0 && p->control_credit >= strlen(request)) {
		frame_send(p, LINK_DATA, CONTROL_CHANNEL, request, (uint32_t)strlen(request));
		clock_gettime(CLOCK_MONOTONIC, &p->save_by);
		p->save_by.tv_sec += SAVE_WAIT_MS / 1000;
		p->save = SAVE_ASKED;
	}
	free(request);
}

static long ms_until(const struct timespec *when)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (when->tv_sec - now.tv_sec) * 1000 + (when->tv_nsec - now.tv_nsec) / 1000000;
}

/* Whether we go now: asked to by the keys or by a signal, and with nothing left to save. */
static bool leaves_now(struct pump *p)
{
	if (!p->leaving && !p->stopped_by)
		return false;
	if (p->save == SAVE_NONE)
		save_begin(p);
	return p->save == SAVE_DONE || ms_until(&p->save_by) <= 0 || p->link_closed;
}

/* How long poll may sleep: for ever, or until the machine must have ended. */
static int patience_ms(const struct pump *p)
{
	long ms;

	if (p->killed)
		return -1;
	if (p->exit_status >= 0)
		ms = ms_until(&p->end_by);
	else if (p->save == SAVE_ASKED)
		ms = ms_until(&p->save_by);
	else if (p->run->time_ms)
		ms = ms_until(&p->limit);
	else
		return -1;
	return ms <= 0 ? 0 : ms < 3600000 ? (int)ms : 3600000;
}

static bool finished(const struct pump *p)
{
	if (p->qemu_status < 0)
		return false;
	if (p->leaving || p->stopped_by || p->time_over)
		return true;
	return p->link_closed && p->log_closed && !sink_waiting(&p->outputs[0]) && !sink_waiting(&p->outputs[1]);
}

static void pump_loop(struct pump *p, int signals)
{
	while (!finished(p)) {
		enum { SIGNALS, LINK, LOG, INPUT, OUTPUT, ERROR, LISTENER, ASKER0, FDS = ASKER0 + ASKERS };
		struct pollfd fds[FDS] = {
			[SIGNALS] = { .fd = signals, .events = POLLIN },
			[LINK] = { .fd = p->link_closed ? -1 : p->machine->link,
				   .events = (short)((outputs_full(p) ? 0 : POLLIN) | (p->out.length ? POLLOUT : 0)) },
			[LOG] = { .fd = p->log_closed ? -1 : p->machine->log, .events = POLLIN },
			[INPUT] = { .fd = input_wanted(p) ? 0 : -1, .events = POLLIN },
			[OUTPUT] = { .fd = sink_waiting(&p->outputs[0]) ? p->outputs[0].fd : -1, .events = POLLOUT },
			[ERROR] = { .fd = sink_waiting(&p->outputs[1]) ? p->outputs[1].fd : -1, .events = POLLOUT },
			[LISTENER] = { .fd = p->hello ? p->listener : -1, .events = POLLIN },
		};

		for (unsigned i = 0; i < ASKERS; i++)
			fds[ASKER0 + i] = (struct pollfd){ .fd = p->askers[i].fd ? p->askers[i].fd : -1,
							      .events = (short)(POLLIN | (p->askers[i].out.length ? POLLOUT : 0)) };
		if (outputs_full(p) && !p->out.length)
			fds[LINK].fd = -1;     /* else a hang-up would spin */
		if (poll(fds, FDS, patience_ms(p)) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (fds[SIGNALS].revents)
			signals_take(p, signals);
		if (fds[LOG].revents)
			log_read(p);
		if ((fds[LINK].revents & POLLOUT) && p->out.length)
			link_write(p);
		if ((fds[LINK].revents & (POLLIN | POLLHUP | POLLERR)) && !outputs_full(p))
			link_read(p);
		if (fds[INPUT].revents)
			input_read(p);
		for (unsigned i = 0; i < ASKERS; i++) {
			if (fds[ASKER0 + i].revents & POLLOUT)
				asker_write(&p->askers[i]);
			if (fds[ASKER0 + i].revents & ~POLLOUT && p->askers[i].fd)
				asker_read(p, &p->askers[i]);
		}
		if (fds[LISTENER].revents)
			asker_accept(p);
		if (fds[OUTPUT].revents)
			sink_write(p, 0);
		if (fds[ERROR].revents)
			sink_write(p, 1);
		if (p->run->time_ms && !p->killed && p->exit_status < 0 && ms_until(&p->limit) <= 0)
			p->time_over = true;
		if (leaves_now(p) || p->time_over || (p->exit_status >= 0 && patience_ms(p) == 0))
			machine_kill(p);
	}
}

static int verdict(const struct pump *p)
{
	int code = WIFEXITED(p->qemu_status) ? WEXITSTATUS(p->qemu_status) : -1;

	if (p->stopped_by)
		return 128 + p->stopped_by;
	if (p->time_over) {
		note("the command's time is over (--time); it was ended");
		return STATUS_TIME_OVER;
	}
	if (p->leaving) {
		if (p->run->disk)
			note("left%s; it goes on with --disk %s", p->save == SAVE_ASKED ? " before it was saved" : "",
			     p->run->disk);
		else
			note("left");
		return 128 + SIGHUP;
	}
	if (code == KERNEL_FAILED) {
		return log_fail(p, "the kernel failed");
	}
	if (p->run->disk && code == (STORE_END_FAILED << 1 | 1)) {
		log_fail(p, p->exit_status < 0 ? "the store stopped" :
			 "the store stopped before the command's end was known to be saved");
		disk_why(p->run->disk);
		return STATUS_FAILED;
	}
	if (p->run->disk && code == (STORE_END_DAMAGED << 1 | 1)) {
		log_fail(p, "the store stopped");
		note("%s is damaged; `keros store %s` names what is. Go on with an older copy of it", p->run->disk,
		     p->run->disk);
		return STATUS_FAILED;
	}
	if (p->run->disk && code == (STORE_END_REFUSED << 1 | 1))
		return log_fail(p, "the kernel refuses %s", p->run->disk);
	if (p->exit_status >= 0)
		return p->exit_status;
	if (code == (STATUS_STOPPED << 1 | 1)) {
		note("stopped by `keros stop`");
		return 128 + SIGTERM;
	}
	if (p->run->native && code >= 0 && (code & 1))
		return code >> 1;
	if (code == 0)
		return log_fail(p, "the machine was reset before the command ended (a triple fault?)");
	if (code > 1 && (code & 1))
		return log_fail(p, "the machine switched itself off, with status %d, before the command ended", code >> 1);
	if (code >= 0)
		return log_fail(p, "QEMU ended with status %d", code);
	return log_fail(p, "QEMU was killed by signal %d", WTERMSIG(p->qemu_status));
}

int pump_run(const struct machine *m, const struct run *r)
{
	struct pump p = { .run = r, .machine = m, .qemu_status = -1, .exit_status = -1, .listener = control_listen(r),
		.record = record_create(r), .refusals = { .run = r } };
	sigset_t before;
	int signals = signals_open(&before), status;

	if (signals < 0)
		die("signalfd: %s", strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &p.limit);
	p.limit.tv_sec += (time_t)(r->time_ms / 1000);
	p.limit.tv_nsec += (long)(r->time_ms % 1000) * 1000000;
	sink_open(&p.outputs[0], 1);
	sink_open(&p.outputs[1], 2);
	if (r->tty)
		terminal_make_raw();
	if (waitpid(m->pid, &p.qemu_status, WNOHANG) == 0)
		p.qemu_status = -1;
	pump_loop(&p, signals);
	terminal_restore();
	refusals_say(&p.refusals, p.exit_status != 0);
	if (p.record >= 0)
		close(p.record);
	status = verdict(&p);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
