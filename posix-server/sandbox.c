/*
 * sandbox.c - the server's life: it answers its maker with the sandbox interface, takes what it is
 * given, runs one command to its end, and reports.
 *
 * The command is process 2: process 1 is nobody, and waits for orphans.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <keros/bank.h>
#include <keros/native.h>
#include <keros/instance.h>
#include <keros/process.h>
#include <keros/records.h>
#include <keros/sandbox.h>
#include "process.h"
#include "record.h"
#include "record_out.h"
#include "refusal.h"
#include "share/share.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define STATUS_NOT_FOUND 127
#define STATUS_NOT_RUN 126

void tty_present(unsigned which);
void tty_message(const char *text, size_t length);

static char text[INV_STRING_MAX];
static bool run_asked;
static size_t run_length;

void server_log(const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n > (int)sizeof line - 1)
		n = sizeof line - 1;
	native_log(line, n);
	tty_message(line, n);
}

/* ---- the command ------------------------------------------------------------------------------- */

struct command { struct exec_args args; const char *cwd, *path; bool env_done; };

/* argv first, then the environment: two passes over the records. */
static int config_add(struct command *c, const char *key, bool env)
{
	int err = 0;

	for (const char *r = text; !err && r < text + run_length; r += strlen(r) + 1) {
		const char *value = record_value(r, key);

		if (!value)
			continue;
		err = exec_arg_add(&c->args, value);
		if (env)
			c->args.envc++;
		else
			c->args.argc++;
	}
	return err;
}

static const char *config_value(const char *key, const char *otherwise)
{
	for (const char *r = text; r < text + run_length; r += strlen(r) + 1)
		if (record_value(r, key))
			return record_value(r, key);
	return otherwise;
}

static struct proc *command_process(void)
{
	struct proc *p = proc_new();

	if (!p)
		return NULL;
	p->ppid = 1;
	p->pgid = p->sid = p->pid;
	rlimits_init(p);
	p->fds = fdtable_new();
	p->fs = fsctx_new(vfs_root());
	p->sighand = calloc(1, sizeof *p->sighand);
	if (!p->fds || !p->fs || !p->sighand)
		return NULL;
	p->sighand->refs = 1;
	tty_standard_files(p);
	return p;
}

static bool directory_enter(struct proc *p, const char *path)
{
	struct inode *dir;
	long err;

	p->call_seq = job_seq + 1;
	do {
		err = vfs_resolve(p, AT_FDCWD, path, true, &dir);
		while (err == BLOCKED)
			err = job_continue(p);
	} while (err == RERUN);
	if (err)
		return false;
	if (!S_ISDIR(inode_mode(dir))) {
		inode_put(dir);
		return false;
	}
	inode_put(p->fs->cwd);
	p->fs->cwd = dir;
	return true;
}

/*
 * Where the command starts: the folder that the run names, or /root.  That the latter is not there is nobody's refusal;
 * false: the former is not.
 */
static bool home_enter(struct proc *p, const char *named)
{
	bool told = refusal_on, entered;

	refusal_on = told && named;
	entered = directory_enter(p, named ? named : "/root");
	refusal_on = told;
	return entered || !named;
}

static long path_run(struct proc *p, const char *path, struct exec_args *args)
{
	struct inode *file;
	long err = vfs_resolve(p, AT_FDCWD, path, true, &file);

	if (err)
		return err;
	err = exec_run(p, path, file, args);
	inode_put(file);
	return err;
}

/* The event loop does not run yet: what would wait is waited for, and runs again, with the arguments as they were. */
static long try_path(struct proc *p, const char *path, const struct exec_args *args)
{
	p->call_seq = job_seq + 1;
	for (;;) {
		struct exec_args copy = *args;
		long err;

		copy.bytes = malloc(copy.size);
		if (!copy.bytes)
			return -ENOMEM;
		memcpy(copy.bytes, args->bytes, args->length);
		err = path_run(p, path, &copy);
		free(copy.bytes);
		while (err == BLOCKED)
			err = job_continue(p);
		if (err != RERUN)
			return err;
	}
}

/* As execvp: a command without a slash is looked for in PATH. */
static long command_exec(struct proc *p, const char *command, struct exec_args *args)
{
	const char *list = config_value("env=PATH", PATH_DEFAULT);
	char path[4096];
	long err, result = -ENOENT;

	if (strchr(command, '/'))
		return try_path(p, command, args);
	while (*list) {
		size_t n = strcspn(list, ":");

		if (snprintf(path, sizeof path, "%.*s/%s", (int)n, list, command) < (int)sizeof path) {
			err = try_path(p, path, args);
			if (err != -ENOENT && err != -ENOTDIR && err != -EACCES)
				return err;
			if (err == -EACCES)
				result = err;
		}
		list += n + (list[n] == ':');
	}
	return result;
}

static int refuse(const char *command, const char *why, int status)
{
	char line[512];
	int n = snprintf(line, sizeof line, "keros: %.300s: %s\n", command, why);

	tty_message(line, n < (int)sizeof line ? n : (int)sizeof line - 1);
	return status << 8;
}

static int command_failed(const char *command, long err)
{
	if (err == -ENOENT || err == -ENOTDIR)
		return refuse(command, "not found in the sandbox's file tree", STATUS_NOT_FOUND);
	if (err == -ENOEXEC)
		return refuse(command, "not a program that can run here (static x86-64 ELF, or a #! script)", STATUS_NOT_RUN);
	if (err == -EACCES)
		return refuse(command, "not executable", STATUS_NOT_RUN);
	return refuse(command, strerror(-err), STATUS_NOT_RUN);
}

/* Clock and random, as far as the run config grants them. */
static void limits_read(void)
{
	const char *clock = config_value("clock", "full");

	clock_grant = !strcmp(clock, "none") ? CLOCK_NONE : !strcmp(clock, "coarse") ? CLOCK_COARSE : CLOCK_FULL;
	random_refused = !strcmp(config_value("random", "1"), "0");
	vfs_tmp_pages = strtoull(config_value("tmp", "0"), NULL, 10);
}

static int run_command(void)
{
	struct command c = { 0 };
	const char *why = "", *home, *command = config_value("arg", "");
	long err;

	clock_init();
	sync_init();
	vfs_bare = config_value("bare", NULL) != NULL;
	vfs_without_proc = config_value("noproc", NULL) != NULL;
	limits_read();                 /* the tree's first times are told too */
	err = vfs_init(&why);
	if (err)
		return refuse("file tree", why, STATUS_NOT_RUN);
	if (record_possible() && config_value("refusals", NULL)) {
		refusal_begin(!strcmp(config_value("refusals", ""), "all"));
	} else if (record_possible()) {
		record_begin();
		shim_count_clocks();
	}
	if (clock_grant != CLOCK_FULL)
		shim_pass_clocks();
	err = tty_init();
	if (err)
		return refuse("sandbox", "no memory for its streams", STATUS_NOT_RUN);
	main_proc = command_process();
	if (!main_proc)
		return refuse("sandbox", "its bank is too small", STATUS_NOT_RUN);
	job_sync(true);
	why = share_mount(main_proc, text, run_length);
	if (why)
		return refuse("the shares of the host", why, STATUS_NOT_RUN);
	home = config_value("cwd", NULL);
	if (!home_enter(main_proc, home))
		return refuse(home, "the command was to start there, and there is no such folder (--cwd)", STATUS_NOT_RUN);
	err = config_add(&c, "arg", false);
	if (!err)
		err = config_add(&c, "env", true);
	if (!err)
		err = command_exec(main_proc, command, &c.args);
	free(c.args.bytes);
	if (err)
		return command_failed(command, err);
	job_sync(false);
	process_run(process_cap(main_proc->index));
	server_run();
	proc_kill_all();
	if (record_on)
		record_finish(sandbox_status);
	return sandbox_status;
}

/* ---- the interface ----------------------------------------------------------------------------- */

static uint32_t do_setup(void *ctx, struct msg *m, uint64_t which, uint64_t length, cap_t value)
{
	static const cap_t registers[] = { 0, CR_STDIN, CR_STDOUT, CR_STDERR, CR_TERMINAL, 0, 0, CR_TIMER, CR_SYNC };

	(void)ctx, (void)m;
	if (which == 5 || which == 6) {
		if (!keystore_pack(which - 5, value))
			return RC_REQUEST;
		pack_set(which - 5, length);
		return RC_OK;
	}
	if (which == SETUP_RECORD) {
		record_open(value);
		return RC_OK;
	}
	if (which == 10)
		return share_given((unsigned)length, value) ? RC_OK : RC_REQUEST;
	if (which < 1 || which > 8)
		return RC_REQUEST;
	cap_copy(registers[which], value);
	if (which <= 4)
		tty_present(which - 1);
	return RC_OK;
}

static uint32_t do_run(void *ctx, struct msg *m, const void *config, size_t length, uint64_t *status)
{
	(void)ctx, (void)m, (void)config, (void)status;
	if (run_asked || !length)
		return RC_REQUEST;
	run_asked = true;
	run_length = length;
	text[length < sizeof text ? length : sizeof text - 1] = 0;
	cap_copy(CR_RUN, CR_RETURN);
	return SANDBOX_NOREPLY;
}

static uint32_t do_report(void *ctx, struct msg *m, const void **data, size_t *length)
{
	(void)ctx, (void)m;
	missing_report(text, sizeof text);
	*data = text;
	*length = strlen(text);
	return RC_OK;
}

static const struct sandbox_server interface = { .setup = do_setup, .run = do_run, .report = do_report };

/* What the server needs before it can take anything. */
bool server_init(void)
{
	uint64_t limit = 0, used = 0, available = 0;

	if (bank_get_limits(CR_BANK, &limit, &used, &available) != RC_OK)
		return false;
	if (limit > used + available)
		limit = used + available;
	if (!keystore_init(limit))
		return false;
	page_init(limit);
	dispatch_init();
	return shim_init() && process_make_notice(CR_SELF, NOTICE_TIMER, CR_TIMER_NOTICE) == RC_OK;
}

static void text_receive(struct msg *m)
{
	m->recv_string = run_asked ? NULL : text;
	m->recv_limit = run_asked ? 0 : sizeof text - 1;
}

static uint64_t run_live(void)
{
	uint64_t status = run_command();

	record_flush();
	return status;
}

int main(void)
{
	static const struct instance instance = { &interface, DATA_SANDBOX, CR_RUN, text_receive, run_live };

	/* Whoever keeps the sandbox is told if this server itself fails. */
	process_swap_slot(CR_SELF, PSLOT_KEEPER, CR_ARG0, CR_VOID);
	process_set_name(CR_SELF, "posix-server", 12);
	/* Until it is given: the register comes with the constituents, which would answer a sync as if there were a store. */
	cap_copy(CR_SYNC, CR_VOID);
	if (!server_init())
		return 1;
	instance_serve(&instance);
}
