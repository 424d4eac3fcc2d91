/*
 * machine.c - QEMU: its command line, and its start.  See machine.h.
 *
 * No file is left behind whatever happens: the pack is a memory file that QEMU opens through /proc, the
 * link is a socket pair, the kernel's log is QEMU's standard output.  QEMU dies with us (PDEATHSIG), and
 * in a process group of its own, so that the terminal's Ctrl-C reaches only the one that handles it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/disk.h"
#include "lib/machine.h"

#define SHARE_SLOT 8               /* and every fourth from there */
#define QEMU "qemu-system-x86_64"

/* ---- The command line --------------------------------------------------------------------------------------- */

struct words {
	char **list;
	size_t count;
};

static void word(struct words *w, char *text)
{
	w->list = xrealloc(w->list, (w->count + 2) * sizeof *w->list);
	w->list[w->count++] = text;
	w->list[w->count] = NULL;
}

static void words(struct words *w, const char *text)
{
	char *copy = xstrdup(text);

	for (char *one = strtok(copy, " "); one; one = strtok(NULL, " "))
		word(w, xstrdup(one));
	free(copy);
}

/* A comma in a file's name is doubled, as QEMU wants it. */
static void buffer_path(struct buffer *b, const char *path)
{
	for (; *path; path++)
		buffer_add(b, *path == ',' ? ",," : path, *path == ',' ? 2 : 1);
}

/* Options with a file's name behind them. */
static char *option_with_path(const char *options, const char *path)
{
	struct buffer b = { 0 };

	buffer_text(&b, options);
	buffer_path(&b, path);
	buffer_add(&b, "", 1);
	return (char *)b.data;
}

/*
 * The same, with all writes and flushes in `log`, in their order; each is counted there at once.
 * The raw node on top is needed, here as with -drive: what QEMU does for a write-through, a flush behind the write, passes by
 * the node that was asked if the write was the first after a flush (bdrv_co_flush compares before the write is counted),
 * and reaches those below it.
 */
static char *logged_option(const char *path, const char *log)
{
	struct buffer b = { 0 };

	buffer_text(&b, "driver=raw,node-name=store,file.driver=blklogwrites,file.log-super-update-interval=1,"
			"file.file.driver=file,file.log.driver=file,file.file.filename=");
	buffer_path(&b, path);
	buffer_text(&b, ",file.log.filename=");
	buffer_path(&b, log);
	buffer_add(&b, "", 1);
	return (char *)b.data;
}

/*
 * One device a share, eight functions a slot.  The slots are those whose interrupt line the console does not have.
 */
static void words_share(struct words *w, const struct grant *g, unsigned number)
{
	char *options = xasprintf("local,id=share%u,security_model=none,multidevs=remap%s,path=", number,
				  g->mode == SHARE_WRITE ? "" : ",readonly=on");

	word(w, xstrdup("-fsdev"));
	word(w, option_with_path(options, g->folder));
	word(w, xstrdup("-device"));
	word(w, xasprintf("virtio-9p-pci,disable-modern=on,fsdev=share%u,mount_tag=keros%u,addr=%x.%u%s", number, number,
			  SHARE_SLOT + number / 8 * 4, number % 8, number % 8 ? "" : ",multifunction=on"));
	free(options);
}

static char *machine_kernel(const struct run *r)
{
	return r->kernel ? xstrdup(r->kernel) : xasprintf("%s/build/kernel.elf", r->root);
}

char **machine_command(const struct run *r, const struct machine_fds *fds)
{
	struct words w = { 0 };

	/* erms off: QEMU translates `rep movs` byte by byte, and a kernel that trusts the flag would use it. */
	words(&w, QEMU " -M pc -cpu");
	/* Without the grant the processor has no random numbers either. */
	word(&w, xstrdup(machine_random(r) ? "max,-erms" : "max,-erms,-rdrand,-rdseed"));
	words(&w, "-nodefaults -no-user-config -display none -no-reboot -m");
	word(&w, xstrdup(r->memory));
	word(&w, xstrdup("-kernel"));
	word(&w, machine_kernel(r));
	word(&w, xstrdup("-initrd"));
	word(&w, xstrdup(fds->pack_path));
	words(&w, "-serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4");
	words(&w, "-device virtio-serial-pci,disable-modern=on,max_ports=1 -chardev");
	word(&w, xasprintf("socket,id=link,fd=%d", fds->link));
	words(&w, "-device virtconsole,chardev=link");
	if (r->disk) {
		word(&w, xstrdup(r->disk_log ? "-blockdev" : "-drive"));
		word(&w, r->disk_log ? logged_option(r->disk, r->disk_log) : 
			option_with_path("if=none,id=store,format=raw,cache=writeback,file=", r->disk));
		/* In a slot whose interrupt line is not the console's: the firmware gives line 10 to slots 1 and 2 of
		 * every four, line 11 to the others. What is asked of it goes out at once, not by way of QEMU's other
		 * thread, whose waking costs a commit more than all that is done for it. */
		words(&w, "-device virtio-blk-pci,disable-modern=on,drive=store,addr=07,queue-size=1024,ioeventfd=off,werror=report,rerror=report");
	}
	if (r->gdb_socket) {
		words(&w, "-S -gdb");
		word(&w, xasprintf("unix:%s,server=on,wait=off", r->gdb_socket));
	}
	for (unsigned i = 0; i < r->grants.count; i++)
		words_share(&w, &r->grants.grant[i], i);
	if (r->icount)
		words(&w, "-icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm -seed 1");
	return w.list;
}

void machine_print(char **command)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%";

	for (; *command; command++) {
		const char *c = *command;

		if (*c && c[strspn(c, plain)] == 0) {
			fputs(c, stdout);
		} else {
			putchar('\'');
			for (; *c; c++) {
				if (*c == '\'')
					fputs("'\\'", stdout);
				putchar(*c);
			}
			putchar('\'');
		}
		putchar(command[1] ? ' ' : '\n');
	}
}

/* ---- The process -------------------------------------------------------------------------------------------- */

static void keep_open(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

/* Runs in the child: everything is already made, only descriptors and signals remain. */
__attribute__((noreturn)) static void become(char **command, int log, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	execvp(command[0], command);
	fprintf(stderr, "%s: %s; run ./configure, which installs it\n", command[0], strerror(errno));
	_exit(127);
}

static int log_begin(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static uint64_t pack_stamp_read(int pack)
{
	struct pack_header header;

	if (pread(pack, &header, sizeof header, 0) != sizeof header)
		die("the boot pack cannot be read back: %s", strerror(errno));
	return header.stamp;
}

void machine_start(struct machine *m, const struct run *r)
{
	int ends[2], log[2], pack = machine_pack(r);
	char *pack_path = xasprintf("/proc/self/fd/%d", pack), *kernel = machine_kernel(r);
	struct machine_fds fds;
	pid_t parent = getpid();
	char **command;

	if (access(kernel, R_OK))
		die("%s is missing: run `make all` first", kernel);
	if (r->disk_log && log_begin(r->disk_log))
		die("%s: %s; --disk-log makes this file anew", r->disk_log, strerror(errno));
	if (r->disk)
		/* its lock is ours and QEMU's: to the end of both */
		keep_open(disk_use(r->disk, r->disk_size, pack_stamp_read(pack)));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || pipe2(log, O_CLOEXEC))
		die("cannot make the machine's streams: %s", strerror(errno));
	keep_open(pack);
	keep_open(ends[1]);
	fds = (struct machine_fds){ .pack = pack, .link = ends[1], .pack_path = pack_path };
	command = machine_command(r, &fds);
	m->pid = fork();
	if (m->pid < 0)
		die("fork: %s", strerror(errno));
	if (m->pid == 0)
		become(command, log[1], parent);
	close(pack);
	close(ends[1]);
	close(log[1]);
	m->link = ends[0];
	m->log = log[0];
	fcntl(m->link, F_SETFL, O_NONBLOCK);
	fcntl(m->log, F_SETFL, O_NONBLOCK);
	for (size_t i = 0; command[i]; i++)
		free(command[i]);
	free(command);
	free(pack_path);
	free(kernel);
}
