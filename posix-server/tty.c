/*
 * tty.c - the streams to the world outside as files: standard input, output and error, or one
 * terminal that is all three, with job control.
 *
 * The line discipline is the console's; who may read and who gets a signal is decided here.
 *
 * Rules
 *   1. A stream never blocks us: RC_AGAIN parks the caller, a notice wakes it to try again.
 *   2. Data is read into a buffer of ours only if the caller's memory can take it: what has been
 *      read cannot be given back.
 *   3. Events of a stream (Ctrl-C ...) are taken whenever it is polled, and become signals to the
 *      foreground group.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <keros/process.h>
#include <keros/stream.h>
#include "process.h"
#include "record.h"

#define BUFFER_BYTES 65536u
#define TERMIOS_KERNEL 36u             /* struct termios as TCGETS passes it */
#define TERMIOS_WIRE 60u
#define K_TOSTOP 0400u

enum { EVENT_INTR = 1, EVENT_QUIT = 2, EVENT_SUSP = 4, EVENT_WINCH = 8, EVENT_HUP = 16 };
enum { INPUT, OUTPUT, ERROR, TERMINAL, STREAMS };
#define STREAM_MAJOR 240               /* of those Linux keeps for local use */

struct stream { cap_t cap; bool present; struct waitq queue; };

static struct stream streams[STREAMS] = {
	{ .cap = CR_STDIN }, { .cap = CR_STDOUT }, { .cap = CR_STDERR }, { .cap = CR_TERMINAL },
};
static uint8_t *buffer;

/* The terminal's session and foreground group; 0: none. */
static int tty_sid, tty_pgid;
static bool tty_tostop;

void tty_present(unsigned which);
void tty_present(unsigned which)
{
	streams[which].present = true;
}

bool tty_is_terminal(void)
{
	return streams[TERMINAL].present;
}

/* ---- events ------------------------------------------------------------------------------------ */

static void events_signal(uint64_t events)
{
	static const struct { unsigned event; int sig; } table[] = {
		{ EVENT_INTR, SIGINT }, { EVENT_QUIT, SIGQUIT }, { EVENT_SUSP, SIGTSTP }, { EVENT_WINCH, SIGWINCH },
	};
	int pgid = tty_pgid ? tty_pgid : main_proc ? main_proc->pgid : 0;

	for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
		if (events & table[i].event)
			signal_group(pgid, table[i].sig);
	if (events & EVENT_HUP) {
		struct proc *leader = proc_find(tty_sid);

		if (leader)
			signal_send(leader, SIGHUP, SI_KERNEL, 0);
		signal_group(pgid, SIGHUP);
		signal_group(pgid, SIGCONT);
	}
}

static uint64_t stream_ask(struct stream *s)
{
	uint64_t ready = 0, events = 0;

	stream_poll(s->cap, &ready, &events);
	if (events)
		events_signal(events);
	return ready;
}

void tty_notice(uint64_t bits)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		if (!(bits & NOTICE_STREAM0 << i))
			continue;
		stream_ask(&streams[i]);
		wake_all(&streams[i].queue);
	}
}

/* ---- job control ------------------------------------------------------------------------------- */

/*
 * Whether p may use the terminal now.  0, or what its call answers: a background group is
 * stopped and tries again when it continues.
 */
static long job_check(struct proc *p, int sig)
{
	bool deaf;

	if (p->sid != tty_sid || !tty_pgid || p->pgid == tty_pgid)
		return 0;
	deaf = (p->sig_mask & SIG_BIT(sig)) || p->sighand->action[sig].handler == 1;
	if (sig == SIGTTOU && deaf)
		return 0;
	if (deaf || group_orphaned(p->pgid))
		return -EIO;
	if (p->interrupted)
		return -EINTR;
	signal_group(p->pgid, sig);
	return BLOCKED;
}

/* ---- reading and writing ----------------------------------------------------------------------- */

static long stream_wait(struct proc *p, struct stream *s, bool nonblock)
{
	return nonblock ? -EAGAIN : p->interrupted ? -EINTR : wait_on(p, &s->queue);
}

static long tty_read(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	struct stream *s = f->data;
	size_t window = n, got = 0;
	void *at;
	uint32_t rc;
	long err = s == &streams[TERMINAL] ? job_check(p, SIGTTIN) : 0;

	(void)offset;
	if (err)
		return err;
	if (!n)
		return 0;
	at = user_window(p, buf, &window, true);
	if (!at)
		return -EFAULT;
	if (window < n) {
		at = buffer;
		window = n < BUFFER_BYTES ? n : BUFFER_BYTES;
	}
	rc = stream_read(s->cap, window, at, window, &got);
	if (rc == RC_AGAIN)
		return stream_wait(p, s, nonblock);
	if (rc != RC_OK)
		return rc == RC_VOID ? 0 : -EIO;
	if (at == buffer && user_write(p, buf, buffer, got))
		return -EFAULT;
	return got;
}

/* What can be sent in one string from user memory at buf: straight from its page, or gathered. */
static const void *gather(struct proc *p, uint64_t buf, size_t *n)
{
	size_t window = *n;
	const void *at = user_window(p, buf, &window, false);

	if (!at || window == *n)
		return at;
	if (*n > BUFFER_BYTES)
		*n = BUFFER_BYTES;
	if (user_read(p, buffer, buf, *n) == 0)
		return buffer;
	*n = window;
	return user_window(p, buf, n, false);
}

static long write_stop(struct proc *p, struct stream *s, uint32_t rc, bool nonblock)
{
	if (rc == RC_AGAIN)
		return p->progress && (nonblock || p->interrupted) ? (long)p->progress : stream_wait(p, s, nonblock);
	if (p->progress)
		return p->progress;
	if (rc != RC_VOID)
		return -EIO;
	signal_send(p, SIGPIPE, SI_USER, p->pid);
	return -EPIPE;
}

static long tty_write(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	struct stream *s = f->data;
	long err = s == &streams[TERMINAL] && tty_tostop ? job_check(p, SIGTTOU) : 0;

	(void)offset;
	if (err)
		return err;
	while (p->progress < n) {
		size_t part = n - p->progress;
		uint64_t accepted = 0;
		const void *at = gather(p, buf + p->progress, &part);
		uint32_t rc;

		if (!at)
			return p->progress ? (long)p->progress : -EFAULT;
		rc = stream_write(s->cap, at, part, &accepted);
		if (rc == RC_OK && accepted > part)
			accepted = part;
		if (rc == RC_OK)
			p->progress += accepted;
		if (rc != RC_OK || !accepted)
			return write_stop(p, s, rc == RC_OK ? RC_AGAIN : rc, nonblock);
	}
	return n;
}

static unsigned tty_poll(struct file *f, struct waitq **q)
{
	struct stream *s = f->data;
	uint64_t ready = stream_ask(s);

	*q = &s->queue;
	return (ready & 1 ? POLLIN | POLLRDNORM : 0) | (ready & 2 ? POLLOUT | POLLWRNORM : 0) | (ready & 4 ? POLLHUP : 0);
}

/* ---- ioctl ------------------------------------------------------------------------------------- */

static long get_termios(struct stream *s, struct proc *p, uint64_t arg)
{
	uint8_t wire[TERMIOS_WIRE] = { 0 };
	size_t length;

	if (stream_get_termios(s->cap, wire, sizeof wire, &length) != RC_OK)
		return -ENOTTY;
	return user_write(p, arg, wire, TERMIOS_KERNEL);
}

static long set_termios(struct stream *s, struct proc *p, uint64_t arg, unsigned action)
{
	uint8_t wire[TERMIOS_WIRE] = { 0 };
	uint64_t pending = 0;
	uint32_t local;
	size_t length;
	long err = job_check(p, SIGTTOU);

	if (err)
		return err;
	if (stream_get_termios(s->cap, wire, sizeof wire, &length) != RC_OK)
		return -ENOTTY;
	if (user_read(p, wire, arg, TERMIOS_KERNEL))
		return -EFAULT;
	if (action && stream_drained(s->cap, &pending) == RC_OK && pending)
		return stream_wait(p, s, false);
	if (stream_set_termios(s->cap, action, wire, length ? length : TERMIOS_KERNEL) != RC_OK)
		return -EIO;
	memcpy(&local, wire + 12, 4);
	tty_tostop = local & K_TOSTOP;
	return 0;
}

static long winsize(struct stream *s, struct proc *p, uint64_t arg, bool set)
{
	uint64_t tty = 0, rows = 0, columns = 0;
	uint16_t w[4] = { 0 };

	if (set) {
		if (user_read(p, w, arg, sizeof w))
			return -EFAULT;
		return stream_set_winsize(s->cap, w[0], w[1]) == RC_OK ? 0 : -ENOTTY;
	}
	if (stream_get_attr(s->cap, &tty, &rows, &columns) != RC_OK)
		return -EIO;
	w[0] = rows;
	w[1] = columns;
	return user_write(p, arg, w, sizeof w);
}

static long set_foreground(struct proc *p, uint64_t arg)
{
	int pgid;
	long err;

	if (user_read(p, &pgid, arg, 4))
		return -EFAULT;
	if (p->sid != tty_sid)
		return -ENOTTY;
	if (pgid <= 0)
		return -EINVAL;
	err = job_check(p, SIGTTOU);
	if (err)
		return err;
	for (struct proc *q = proc_next(NULL); q; q = proc_next(q)) {
		if (q->pgid != pgid)
			continue;
		if (q->sid != p->sid)
			return -EPERM;
		tty_pgid = pgid;
		return 0;
	}
	return -ESRCH;
}

static long set_controlling(struct proc *p)
{
	if (p->pid != p->sid)
		return -EPERM;
	if (tty_sid && tty_sid != p->sid && proc_find(tty_sid))
		return -EPERM;
	tty_sid = p->sid;
	tty_pgid = p->pgid;
	return 0;
}

static long put_int(struct proc *p, uint64_t arg, int value)
{
	return user_write(p, arg, &value, 4);
}

static long available(struct stream *s, struct proc *p, uint64_t arg)
{
	uint64_t bytes = 0;

	stream_available(s->cap, &bytes);
	return put_int(p, arg, bytes);
}

static long flush_queue(struct stream *s, uint64_t queue)
{
	return queue > 2 ? -EINVAL : stream_flush(s->cap, queue) == RC_OK ? 0 : -EIO;
}

static long drain(struct stream *s, struct proc *p)
{
	uint64_t pending = 0;

	stream_drained(s->cap, &pending);
	return pending ? stream_wait(p, s, false) : 0;
}

/* A decoder: one line a request. */
static long terminal_ioctl(struct stream *s, struct proc *p, unsigned long request, uint64_t arg)
{
	switch (request) {
	case 0x5401: return get_termios(s, p, arg);
	case 0x5402: case 0x5403: case 0x5404: return set_termios(s, p, arg, request - 0x5402);
	case 0x5409: case 0x5425: return drain(s, p);
	case 0x540A: return 0;         /* TCXONC: flow is never held */
	case 0x540B: return flush_queue(s, arg);
	case 0x540E: return set_controlling(p);
	case 0x540F: return p->sid == tty_sid ? put_int(p, arg, tty_pgid) : -ENOTTY;
	case 0x5410: return set_foreground(p, arg);
	case 0x5411: return put_int(p, arg, 0);
	case 0x5413: return winsize(s, p, arg, false);
	case 0x5414: return winsize(s, p, arg, true);
	case 0x5422: return 0;         /* TIOCNOTTY: the next setsid does it */
	case 0x5429: return tty_sid ? put_int(p, arg, tty_sid) : -ENOTTY;
	}
	return -ENOTTY;
}

static long tty_ioctl(struct file *f, struct proc *p, unsigned long request, uint64_t arg)
{
	struct stream *s = f->data;

	if (request == 0x541B)
		return available(s, p, arg);
	return s == &streams[TERMINAL] ? terminal_ioctl(s, p, request, arg) : -ENOTTY;
}

static void tty_release(struct file *f)
{
	(void)f;                       /* streams live as long as the sandbox */
}

static const struct file_ops tty_ops = {
	.name = "stream", .read = tty_read, .write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl, .release = tty_release,
};

/* ---- the same, recorded ---------------------------------------------------------------------------- */

static unsigned stream_index(const struct file *f)
{
	return (const struct stream *)f->data - streams;
}

static long read_recorded(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	long result = tty_read(f, p, buf, n, offset, nonblock);

	record_stream(p, stream_index(f), USE_READ, result);
	return result;
}

static long write_recorded(struct file *f, struct proc *p, uint64_t buf, size_t n, int64_t *offset, bool nonblock)
{
	long result = tty_write(f, p, buf, n, offset, nonblock);

	record_stream(p, stream_index(f), USE_WRITE, result);
	return result;
}

static long ioctl_recorded(struct file *f, struct proc *p, unsigned long request, uint64_t arg)
{
	long result = tty_ioctl(f, p, request, arg);

	record_stream(p, stream_index(f), USE_CONTROL, result == -ENOTTY ? 0 : result);
	return result;
}

static const struct file_ops recorded_ops = {
	.name = "stream", .read = read_recorded, .write = write_recorded, .poll = tty_poll, .ioctl = ioctl_recorded,
	.release = tty_release,
};

static const struct file_ops *stream_ops(void)
{
	return record_on ? &recorded_ops : &tty_ops;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static long tty_open(struct proc *p, struct inode *inode, uint32_t flags, struct file **out)
{
	if (!streams[TERMINAL].present || p->sid != tty_sid)
		return -ENXIO;
	*out = file_new(stream_ops(), inode, flags, &streams[TERMINAL]);
	return *out ? 0 : -ENOMEM;
}

/* Without a terminal the console is the error stream. */
static long console_open(struct proc *p, struct inode *inode, uint32_t flags, struct file **out)
{
	if (streams[TERMINAL].present)
		return tty_open(p, inode, flags, out);
	if (!streams[ERROR].present)
		return -ENXIO;
	*out = file_new(stream_ops(), inode, flags, &streams[ERROR]);
	return *out ? 0 : -ENOMEM;
}

/* /dev/stdin and its like, where the standard files are no terminal. */
static long stream_open(struct proc *p, struct inode *inode, uint32_t flags, struct file **out)
{
	(void)p;
	*out = file_new(stream_ops(), inode, flags, &streams[inode_minor(inode)]);
	return *out ? 0 : -ENOMEM;
}

int tty_init(void)
{
	buffer = malloc(BUFFER_BYTES);
	if (!buffer)
		return -ENOMEM;
	dev_register(5, 0, tty_open);
	dev_register(5, 1, console_open);
	for (unsigned i = INPUT; i <= ERROR; i++)
		dev_register(STREAM_MAJOR, i, stream_open);
	for (unsigned i = 0; i < STREAMS; i++) {
		if (!streams[i].present)
			continue;
		if (process_make_notice(CR_SELF, NOTICE_STREAM0 << i, CR_TMP0) != RC_OK ||
		    stream_watch(streams[i].cap, CR_TMP0) != RC_OK)
			streams[i].present = false;
	}
	return 0;
}

/* Descriptors 0, 1 and 2 of the sandbox's command. */
void tty_standard_files(struct proc *p)
{
	struct inode *inode = NULL;
	bool terminal = streams[TERMINAL].present;

	if (terminal) {
		tty_sid = p->sid;
		tty_pgid = p->pgid;
		if (vfs_resolve(p, -100, "/dev/console", true, &inode))
			inode = NULL;
	}
	for (int fd = 0; fd < 3; fd++) {
		struct stream *s = &streams[terminal ? TERMINAL : fd];
		struct inode *own = terminal ? NULL : inode_stream(STREAM_MAJOR, fd);
		unsigned mode = terminal ? 2 : fd ? 1 : 0;
		struct file *f = s->present ? file_new(stream_ops(), terminal ? inode : own, mode, s) : NULL;

		if (f)
			fd_install(p, f, fd, false);
		if (f && record_on)
			record_stream_held(s - streams);
		if (own)
			inode_put(own);
	}
	if (inode)
		inode_put(inode);
}

/* The session's leader is gone: its foreground group is told, and the terminal is free. */
void tty_session_exit(struct proc *p)
{
	if (p->sid != tty_sid)
		return;
	if (tty_pgid && p != main_proc) {
		signal_group(tty_pgid, SIGHUP);
		signal_group(tty_pgid, SIGCONT);
	}
	tty_sid = tty_pgid = 0;
}

/* To the sandbox's error stream; what does not fit now is lost. */
void tty_message(const char *text, size_t length);
void tty_message(const char *text, size_t length)
{
	struct stream *s = &streams[streams[TERMINAL].present ? TERMINAL : ERROR];

	if (s->present)
		stream_write(s->cap, text, length, NULL);
}
