/*
 * machine.c - see machine.h.
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
#include "lib/lua.h"
#include "lib/machine.h"
#include "lib/manifest.h"
#include "lib/runtree.h"
#include "lib/tree.h"
#include "../services/prime/config.h"
#include "../services/prime/manifest.h"

#define SHARE_SLOT 8               /* and every fourth from there */
#define QEMU "qemu-system-x86_64"
#define GUEST_PATH "/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin"
#define TREE_TIME_NS (1767225600ull * 1000000000ull) /* of directories that an overlay only implies */

/* ---- The pack ----------------------------------------------------------------------------------------------- */

static void add_file(struct pack *p, enum pack_kind kind, const char *name, const char *path)
{
	struct buffer b;

	if (access(path, R_OK))
		die("%s is missing: run `make all` first", path);
	b = read_file(path);
	pack_add(p, kind, name, b.data, b.length);
	free(b.data);
}

static void add_program(struct pack *p, const struct run *r, const char *name)
{
	char *path = xasprintf("%s/build/bin/%s.elf", r->root, name);

	if (!pack_has(p, PACK_PROGRAM, name))
		add_file(p, PACK_PROGRAM, name, path);
	free(path);
}

/* The manifest, and the programs of what it makes exist in this run. */
static void add_system(struct pack *p, const struct run *r, const struct buffer *config_text)
{
	struct buffer records = manifest_records(r->root, r->manifest);
	const char *text = (const char *)records.data, *why;
	struct manifest_entry e = { 0 };
	struct config config;

	if ((why = config_read((const char *)config_text->data, config_text->length, &config)))
		die("the run config: %s", why);
	pack_add(p, PACK_MANIFEST, MANIFEST_SECTION, text, records.length);
	add_program(p, r, "prime");
	add_program(p, r, "bank");
	while (manifest_next(text, records.length, &e)) {
		struct manifest_grant g = { 0 };

		if (!config_has(&config, e.when))
			continue;
		if (strcmp(e.program, "?") != 0)
			add_program(p, r, e.program);
		while (manifest_grant(&e, &g))
			if (g.source == FROM_IMAGE)
				add_program(p, r, xasprintf("%.*s", (int)g.name_length, g.name));
	}
	free(records.data);
}

/*
 * The server, and the interpreter if it is to be started; each program under its file's name without directory and suffix,
 * a file of commands with it.
 */
static void add_keykos(struct pack *p, const struct run *r)
{
	static const char *const parts[] = { "keykos", "keykos-cmd" };

	for (unsigned i = 0; i < (r->keykos ? 2 : 1); i++) {
		char *path = xasprintf("%s/build/keykos/%s.elf", r->root, parts[i]);

		add_file(p, PACK_PROGRAM, parts[i], path);
		free(path);
	}
	for (unsigned i = 0; i < r->program_count; i++) {
		const char *slash = strrchr(r->programs[i], '/'), *base = slash ? slash + 1 : r->programs[i];
		const char *dot = strrchr(base, '.');
		bool suffix = dot && dot > base && strcmp(dot, ".cmd") != 0;
		char *name = xasprintf("%.*s", suffix ? (int)(dot - base) : (int)strlen(base), base);

		add_file(p, PACK_KEYKOS, name, r->programs[i]);
		free(name);
	}
}

static void add_script(struct tree *t, const char *path)
{
	struct tree_attributes a = { .mode = 0100644, .mtime_ns = TREE_TIME_NS };
	struct buffer b = read_file(path);

	entry_set_data(tree_add(t, lua_script_path(path), &a), b.data, b.length);
}

static void record(struct buffer *config, const char *key, const char *value)
{
	buffer_text(config, key);
	buffer_text(config, "=");
	buffer_text(config, value);
	buffer_add(config, "", 1);
}

static void record_number(struct buffer *config, const char *key, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof text, "%lu", value);
	record(config, key, text);
}

/* Whether the user gives the variable that "N=V" names. */
static bool env_given(const struct run *r, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (unsigned i = 0; i < r->env_count; i++)
		if (strncmp(r->envs[i], variable, n) == 0)
			return true;
	return false;
}

static void record_env(struct buffer *config, const struct run *r)
{
	const char *term = getenv("TERM");
	char *defaults[] = {
		xstrdup("PATH=" GUEST_PATH),
		xstrdup("HOME=/root"),
		xasprintf("TERM=%s", r->serial_console ? "vt100" : r->tty && term ? term : "dumb"),
	};

	for (unsigned i = 0; i < sizeof defaults / sizeof *defaults; i++) {
		if (!r->runfile && !env_given(r, defaults[i]))
			record(config, "env", defaults[i]);
		free(defaults[i]);
	}
	for (unsigned i = 0; i < r->env_count; i++)
		record(config, "env", r->envs[i]);
	for (size_t i = 0; r->runfile && i < r->runfile->environment.count; i++)
		record(config, "env", r->runfile->environment.list[i]);
}

static void record_second(struct buffer *config, const struct run *r)
{
	char *words = xstrdup(r->second);

	record(config, "sandbox", "second");
	for (char *w = strtok(words, " \t\n"); w; w = strtok(NULL, " \t\n"))
		record(config, "arg", w);
	record_env(config, r);
	if (r->second_bank_pages)
		record_number(config, "bank", r->second_bank_pages);
	free(words);
}

static void record_terminal(struct buffer *config, const struct run *r)
{
	record_number(config, "tty", 1);
	record_number(config, "rows", r->rows);
	record_number(config, "cols", r->columns);
}

/* The prompt beside the shell needs little of the bank, and takes no more. */
static void record_lua(struct buffer *config, const struct run *r)
{
	record(config, "sandbox", "lua");
	record(config, "kind", "lua");
	record_terminal(config, r);
}

/* A run manifest says it all; else the options do. */
static enum run_clock run_clock(const struct run *r)
{
	return r->runfile ? r->runfile->clock : r->clock;
}

static bool run_random(const struct run *r)
{
	return r->native || r->keykos || r->lua || (r->runfile ? r->runfile->random : r->random);
}

static struct buffer make_config(const struct run *r)
{
	struct buffer config = { 0 };

	record(&config, "console", r->serial_console ? "serial" : "link");
	if (r->native || r->keykos) {
		record(&config, "native", r->keykos ? "keykos" : r->native);
		return config;
	}
	if (r->lua || r->lua_beside)
		record(&config, "with", "lua");
	if (r->lua_keykos)
		record(&config, "with", "keykos");
	record(&config, "sandbox", "main");
	if (r->lua) {
		record(&config, "kind", "lua");
		for (const char **a = r->lua_records; *a; a++)
			buffer_add(&config, *a, strlen(*a) + 1);
	}
	for (char **a = r->argv; *a; a++)
		record(&config, "arg", *a);
	if (!r->lua)
		record_env(&config, r);
	if (r->cwd)
		record(&config, "cwd", r->cwd);
	if (r->tty) {
		record_terminal(&config, r);
	}
	if (r->bank_pages)
		record_number(&config, "bank", r->bank_pages);
	if (r->verbose)
		record_number(&config, "verbose", 1);
	if (r->caps)
		record_number(&config, "caps", 1);
	if (r->record_file)
		record_number(&config, "record", 1);
	else if (!r->serial_console && !r->lua)
		record(&config, "refusals", r->verbose ? "all" : "once");
	if (r->runfile)
		record_number(&config, "bare", 1);
	if (run_clock(r) != RUN_CLOCK_FULL)
		record(&config, "clock", run_clock(r) == RUN_CLOCK_COARSE ? "coarse" : "none");
	if (!run_random(r))
		record_number(&config, "random", 0);
	if (r->cpu_share && r->cpu_share < 100)
		record_number(&config, "cpu", r->cpu_share);
	if (r->tmp_pages)
		record_number(&config, "tmp", r->tmp_pages);
	if (r->runfile && !r->runfile->proc)
		record_number(&config, "noproc", 1);
	grants_record(&r->grants, &config);
	for (size_t i = 0; i < r->denied.count; i++)
		record(&config, "deny", r->denied.list[i]);
	if (r->second)
		record_second(&config, r);
	else if (r->lua_beside)
		record_lua(&config, r);
	return config;
}

/* The base tree; of a run with a manifest, only what that grants. */
static void add_base(struct pack *p, const struct run *r)
{
	char *path = xasprintf("%s/build/base.tree", r->root);
	struct buffer image;

	if (!r->runfile) {
		add_file(p, PACK_TREE, "base", path);
		free(path);
		return;
	}
	image = runtree_base(r->runfile, path, TREE_TIME_NS);
	pack_add(p, PACK_TREE, "base", image.data, image.length);
	free(image.data);
	free(path);
}

static void add_overlay(struct pack *p, const struct run *r)
{
	struct tree *overlay = tree_new(TREE_TIME_NS);
	struct buffer image;

	for (unsigned i = 0; i < r->tree_count; i++)
		tree_add_source(overlay, r->trees[i]);
	if (r->lua_script)
		add_script(overlay, r->lua_script);
	if (r->runfile)
		runtree_overlay(r->runfile, r->runfile_folder, overlay);
	if (tree_count(overlay) == 1)
		return;
	image = tree_image(overlay);
	pack_add(p, PACK_TREE, "overlay", image.data, image.length);
	free(image.data);
}

int machine_pack(const struct run *r)
{
	struct buffer config = make_config(r);
	struct pack p;
	char *path;
	int fd;

	pack_init(&p);
	pack_add(&p, PACK_CONFIG, "run", config.data, config.length);
	if (r->keykos || r->lua_keykos)
		add_keykos(&p, r);
	add_system(&p, r, &config);
	free(config.data);
	if (r->native) {
		path = xasprintf("%s/build/native/%s.elf", r->root, r->native);
		add_file(&p, PACK_PROGRAM, r->native, path);
		free(path);
	}
	if (!r->keykos)
		add_base(&p, r);
	add_overlay(&p, r);
	fd = r->pack_file ? open(r->pack_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) :
		memfd_create("keros-pack", 0);
	if (fd < 0)
		die("%s: %s", r->pack_file ? r->pack_file : "memory file", strerror(errno));
	pack_write(&p, fd, r->pack_file ? r->pack_file : "memory file");
	free(p.body.data);
	return fd;
}

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
	word(&w, xstrdup(run_random(r) ? "max,-erms" : "max,-erms,-rdrand,-rdseed"));
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
