/*
 * keros.c - the command: verbs and their options.  What they do is in lib/.
 *
 * Interface
 *	keros VERB [OPTION...] [--] [COMMAND...]
 * Exit status: that of the command that ran; 125 if the machine failed; 1 trouble; 2 a wrong command line.
 * Every complaint says what is wrong and what to type instead.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/control.h"
#include "lib/image.h"
#include "lib/inspect.h"
#include "lib/debug.h"
#include "lib/disk.h"
#include "lib/doctor.h"
#include "lib/help.h"
#include "lib/limits.h"
#include "lib/lua.h"
#include "lib/machine.h"
#include "lib/manifest.h"
#include "lib/pump.h"

#define MEMORY_DEFAULT "256M"
#define MEMORY_MIN_MB  16
#define MEMORY_MAX_MB  65536

static const struct verb verbs[];

/* ---- Options of run, shell and image ------------------------------------------------------------------------ */

static const char run_options[] =
	"  --ro HOST[:GUEST]  a file or folder of the host, to read, while it runs; GUEST is its path in there\n"
	"  --rw HOST[:GUEST]  the same, to read and write\n"
	"  --tmp SIZE         /tmp is an empty folder of at most that size (default: as large as the sandbox's storage)\n"
	"  --clock none|coarse|full   may it read the time: not at all, to 10 ms, or exactly (default full; doc/run.md)\n"
	"  --random           may it have random numbers (default: no)\n"
	"  --time LIMIT       end it after 10s, 500ms or 2m, with status 124\n"
	"  --cpu SHARE        at most that share of the processor, as 50%\n"
	"  --stdin FILE, --stdout FILE, --stderr FILE   instead of ours\n"
	"  --tty              a terminal, or not at all\n"
	"  --tree DIR|TAR     lay these files over the base file tree; may be given again\n"
	"  --disk FILE        the system lives in that image and goes on where it was; made on first use\n"
	"  --disk-size SIZE   of a new image, as 512M or 4G (default 4G; the file is sparse)\n"
	"  --disk-log FILE    record every write and flush of the disk there, as dm-log-writes does (tests/replay.py)\n"
	"  --mem SIZE         memory of the machine, as 64M or 1G (default " MEMORY_DEFAULT ")\n"
	"  --env N=V          set a variable; --env N copies it from here\n"
	"  --cwd PATH         where the command starts (default /root)\n"
	"  --bank PAGES       limit of the sandbox's storage, in 4 KiB pages\n"
	"  --caps             first say on standard error what the sandbox holds\n"
	"  --verbose          show the kernel's log, and at the end the system calls that are not there\n"
	"  --record FILE      write what it uses of its authority there, as JSON lines (doc/events.md)\n"
	"  --no-tty           three plain streams, even on a terminal\n"
	"  --second 'CMD ..'  a second sandbox beside it; what that prints goes to standard error\n"
	"  --second-bank N    the second one's limit\n"
	"  --native NAME      no sandbox: run the native test program build/native/NAME.elf\n"
	"  --icount           count guest instructions: slower, and the same every time\n"
	"  --manifest F.toml  run what that run manifest says, with what it grants and nothing else (doc/run-manifest.md)\n"
	"  --manifest F.lua   another system manifest than apps/system.lua (doc/manifest.md)\n"
	"  --kernel FILE      another kernel than build/kernel.elf\n"
	"  --pack FILE        keep the boot pack in FILE\n"
	"  --dry-run          print the QEMU line and do nothing\n";

static const char *project_root(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n < 0)
		die("/proc/self/exe: %s", strerror(errno));
	path[n] = 0;
	return dirname(dirname(path));
}

/* "64M", "1G", "64" (MiB), "65536K": in MiB. */
static const char *parse_memory(const char *text)
{
	char *end;
	unsigned long long size = strtoull(text, &end, 10);

	switch (toupper((unsigned char)*end)) {
	case 'G': size *= 1024; end++; break;
	case 'M': end++; break;
	case 'K': size /= 1024; end++; break;
	}
	if (!isdigit((unsigned char)text[0]) || *end)
		misuse("--mem '%s' is not a size; try --mem 64M or --mem 1G", text);
	if (size < MEMORY_MIN_MB || size > MEMORY_MAX_MB)
		misuse("--mem %s is out of range; from %dM to %dM are possible", text, MEMORY_MIN_MB, MEMORY_MAX_MB);
	return xasprintf("%lluM", size);
}

/* "4G", "512M": in bytes. */
static uint64_t parse_disk_size(const char *text)
{
	char *end;
	unsigned long long size = strtoull(text, &end, 10);
	unsigned shift = toupper((unsigned char)*end) == 'G' ? 30 : toupper((unsigned char)*end) == 'M' ? 20 : 0;

	if (!isdigit((unsigned char)text[0]) || !shift || end[1])
		misuse("--disk-size '%s' is not a size; try --disk-size 4G", text);
	if (size > 1ull << (40 - shift) || size << shift < DISK_SIZE_MIN)
		misuse("--disk-size %s is out of range; from 256M to 1024G are possible", text);
	return (uint64_t)size << shift;
}

static unsigned long parse_pages(const char *option, const char *text)
{
	char *end;
	unsigned long pages = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end || !pages)
		misuse("%s '%s' is not a number of pages; try %s 4096 (16 MiB)", option, text, option);
	return pages;
}

static void add_env(struct run *r, const char *text)
{
	if (r->env_count == RUN_ENVS)
		misuse("more than %d --env options", RUN_ENVS);
	if (!strchr(text, '=')) {
		const char *value = getenv(text);

		if (!value)
			misuse("--env %s: that variable is not set here; try --env %s=VALUE", text, text);
		text = xasprintf("%s=%s", text, value);
	}
	if (text[0] == '=')
		misuse("--env '%s' has no name; try --env NAME=VALUE", text);
	r->envs[r->env_count++] = text;
}

static void add_tree(struct run *r, const char *path)
{
	if (r->tree_count == RUN_TREES)
		misuse("more than %d --tree options", RUN_TREES);
	if (access(path, R_OK))
		misuse("--tree %s: %s; give a directory or a tar archive", path, strerror(errno));
	r->trees[r->tree_count++] = path;
}

static bool is_runfile(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && strcmp(path + n - 5, ".toml") == 0;
}

static void runfile_use(struct run *r, const char *path)
{
	static struct runfile file;
	char *copy = xstrdup(path);

	if (access(path, R_OK))
		misuse("--manifest %s: %s; give a run manifest (doc/run-manifest.md)", path, strerror(errno));
	if (r->runfile)
		misuse("--manifest is given twice; unite the two first: keros merge A.toml B.toml");
	runfile_read(&file, path);
	r->runfile = &file;
	r->runfile_folder = xstrdup(dirname(copy));
	r->cwd = file.directory;
	for (size_t i = 0; i < file.grant_count; i++) {
		const struct run_grant *g = &file.grants[i];

		if (g->kind == RUN_SHARE)
			grant_add(&r->grants, g->write ? SHARE_WRITE : SHARE_READ, "--manifest",
				  xasprintf("%s%s%s:%s", *g->host == '/' ? "" : r->runfile_folder, *g->host == '/' ? "" : "/", g->host, g->path));
	}
	if (file.machine)
		r->memory = parse_memory(file.machine);
	if (file.storage)
		r->bank_pages = strtoul(parse_memory(file.storage), NULL, 10) * 256;
	free(copy);
}

/* The command line of a run manifest: other arguments may be given, another program may not. */
static char **runfile_argv(const struct runfile *file, char **given)
{
	struct strings words = { 0 };

	strings_add(&words, file->program);
	if (*given)
		for (; *given; given++)
			strings_add(&words, *given);
	else
		for (size_t i = 0; i < file->arguments.count; i++)
			strings_add(&words, file->arguments.list[i]);
	return words.list;
}

/* Takes options up to "--" or the first word that is none; returns the index of what follows. */
static int parse_run(struct run *r, const char *verb, int argc, char **argv)
{
	bool no_tty = false, want_tty = false;
	int i;

	*r = (struct run){ .root = project_root(), .memory = MEMORY_DEFAULT };
	for (i = 0; i < argc && argv[i][0] == '-'; i++) {
		char *option = argv[i], *value = strchr(option, '=');

		if (strcmp(option, "--") == 0) {
			i++;
			break;
		}
		if (strncmp(option, "--", 2) != 0)
			misuse("no option '%s'; if it belongs to a command, put -- before that. See: keros help %s", option, verb);
		if (strcmp(option, "--verbose") == 0) { r->verbose = true; continue; }
		if (strcmp(option, "--caps") == 0) { r->caps = true; continue; }
		if (strcmp(option, "--dry-run") == 0) { r->dry_run = true; continue; }
		if (strcmp(option, "--icount") == 0) { r->icount = true; continue; }
		if (strcmp(option, "--no-tty") == 0) { no_tty = true; continue; }
		if (strcmp(option, "--tty") == 0) { want_tty = true; continue; }
		if (strcmp(option, "--random") == 0) { r->random = true; continue; }
		if (strcmp(option, "--help") == 0) { execl("/proc/self/exe", "keros", "help", verb, (char *)NULL); }

		/* The rest take a value: --mem 64M or --mem=64M. */
		if (value)
			option = strndup(option, (size_t)(value++ - option));
		static const char *const valued[] = { "--tree", "--mem", "--env", "--cwd", "--bank", "--second", "--second-bank",
						      "--native", "--manifest", "--pack", "--kernel", "--disk", "--disk-size", "--disk-log", "--record",
						      "--ro", "--rw", "--cow" };
		bool known = false;

		for (const char *const *k = limit_options; *k; k++)
			known |= strcmp(option, *k) == 0;

		for (unsigned k = 0; k < sizeof valued / sizeof *valued; k++)
			known |= strcmp(option, valued[k]) == 0;
		if (!known)
			misuse("no option '%s'; see: keros help %s", option, verb);
		if (!value && ++i == argc)
			misuse("%s needs a value after it; see: keros help %s", option, verb);
		if (!value)
			value = argv[i];
		if (limit_option(r, option, value)) continue;
		if (strcmp(option, "--tree") == 0) add_tree(r, value);
		else if (strcmp(option, "--ro") == 0) grant_add(&r->grants, SHARE_READ, option, value);
		else if (strcmp(option, "--rw") == 0) grant_add(&r->grants, SHARE_WRITE, option, value);
		else if (strcmp(option, "--cow") == 0) grant_add(&r->grants, SHARE_COPY, option, value);
		else if (strcmp(option, "--mem") == 0) r->memory = parse_memory(value);
		else if (strcmp(option, "--env") == 0) add_env(r, value);
		else if (strcmp(option, "--cwd") == 0) r->cwd = value;
		else if (strcmp(option, "--bank") == 0) r->bank_pages = parse_pages(option, value);
		else if (strcmp(option, "--second") == 0) r->second = value;
		else if (strcmp(option, "--second-bank") == 0) r->second_bank_pages = parse_pages(option, value);
		else if (strcmp(option, "--native") == 0) r->native = value;
		else if (strcmp(option, "--manifest") == 0 && is_runfile(value)) runfile_use(r, value);
		else if (strcmp(option, "--manifest") == 0) r->manifest = value;
		else if (strcmp(option, "--kernel") == 0) r->kernel = value;
		else if (strcmp(option, "--disk") == 0) r->disk = value;
		else if (strcmp(option, "--disk-size") == 0) r->disk_size = parse_disk_size(value);
		else if (strcmp(option, "--disk-log") == 0) r->disk_log = value;
		else if (strcmp(option, "--record") == 0) r->record_file = value;
		else r->pack_file = value;
	}
	grants_arrange(&r->grants);
	limits_streams(r);
	if (want_tty && (no_tty || r->native || r->streams[0] || r->streams[1]))
		misuse("--tty does not go with --no-tty, --native, --stdin or --stdout; leave it out");
	if (!no_tty && !r->native)
		r->tty = terminal_is_there(&r->rows, &r->columns);
	if (want_tty && !r->tty)
		misuse("--tty: standard input and output here are no terminal; leave it out, or run it in one");
	return i;
}

static int start(const struct run *r)
{
	struct machine m;

	if (r->dry_run) {
		struct machine_fds fds = { .link = 3, .pack_path = r->pack_file ? r->pack_file : "PACK" };

		if (r->pack_file)
			close(machine_pack(r));
		machine_print(machine_command(r, &fds));
		return 0;
	}
	machine_start(&m, r);
	return pump_run(&m, r);
}

/* ---- Verbs -------------------------------------------------------------------------------------------------- */

static int act_run(int argc, char **argv)
{
	static char *none[] = { NULL };
	struct run r;
	int first = parse_run(&r, "run", argc, argv);

	r.argv = argv + first;
	if (r.native) {
		if (first < argc)
			misuse("--native takes no command; leave out '%s'", argv[first]);
		r.argv = none;
	} else if (r.runfile) {
		if (r.tree_count || r.env_count)
			misuse("a run manifest says all that is granted; put what --tree or --env adds into it");
		r.argv = runfile_argv(r.runfile, r.argv);
	} else if (first == argc) {
		misuse("run needs a command; try: keros run -- echo hello");
	}
	return start(&r);
}

static char *login_shell[] = { "sh", "-l", NULL };

#define LUA_BESIDE_MB 64

/* As parse_memory wrote it. */
static unsigned long memory_mb(const char *memory)
{
	return strtoul(memory, NULL, 10);
}

static int act_shell(int argc, char **argv)
{
	struct run r;
	int first = parse_run(&r, "shell", argc, argv);

	r.argv = first < argc ? argv + first : login_shell;
	/* Beside the shell, a Lua prompt: if the build has one, and the machine room for it. */
	r.lua_beside = r.tty && !r.second && !r.manifest && lua_is_there(r.root) && memory_mb(r.memory) >= LUA_BESIDE_MB;
	if (r.tty && !r.dry_run)
		note(r.lua_beside ? "starting a sandbox; Ctrl-A X leaves it, Ctrl-A L goes to a Lua prompt" :
			"starting a sandbox; Ctrl-A X leaves it");
	return start(&r);
}

static int act_store(int argc, char **argv)
{
	bool json = argc > 0 && strcmp(argv[0], "--json") == 0;

	if (argc != 1 + json)
		misuse("store needs an image file; try: keros store keros.disk");
	return disk_report(argv[json], json);
}

static int act_ckpt(int argc, char **argv)
{
	bool json = argc > 0 && strcmp(argv[0], "--json") == 0;

	if (argc > 1 + json || (argc == 1 + json && argv[json][0] == '-'))
		misuse("ckpt takes an image file, if there is more than one machine; try: keros ckpt keros.disk");
	return control_ckpt(argc == 1 + json ? argv[json] : NULL, json);
}

/* [--symbols FILE] [--ex COMMAND]... [--batch], then options of run. */
static int act_gdb(int argc, char **argv)
{
	char **rest = xcalloc((size_t)argc + 1, sizeof *rest);
	struct debug d = { 0 };
	struct run r;
	int first, n = 0;

	for (int i = 0; i < argc; i++) {
		bool symbols = strcmp(argv[i], "--symbols") == 0, command = strcmp(argv[i], "--ex") == 0;

		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				rest[n++] = argv[i++];
		} else if (strcmp(argv[i], "--batch") == 0) {
			d.batch = true;
		} else if (!symbols && !command) {
			rest[n++] = argv[i];
		} else if (++i == argc) {
			misuse("%s needs a value after it; see: keros help gdb", argv[i - 1]);
		} else if (symbols) {
			if (access(argv[i], R_OK))
				misuse("--symbols %s: %s", argv[i], strerror(errno));
			d.symbols = argv[i];
		} else if (d.command_count == sizeof d.commands / sizeof d.commands[0]) {
			misuse("more than %u --ex commands", d.command_count);
		} else {
			d.commands[d.command_count++] = argv[i];
		}
	}
	first = parse_run(&r, "gdb", n, rest);
	r.argv = first < n ? rest + first : login_shell;
	return debug_run(&r, &d);
}

/* ---- Looking at a machine that runs --------------------------------------------------------------------------- */

struct looking {
	bool json, live;
	const char *machine, *output;
	unsigned long count;
	char **words;                  /* what is no option */
	int word_count;
};

/* [--json] [--machine FILE|PID] [--count N] [-o FILE] WORD..., as far as the verb takes them. */
static struct looking parse_looking(const char *verb, const char *takes, int most_words, int argc, char **argv)
{
	struct looking l = { .words = argv };

	for (int i = 0; i < argc; i++) {
		const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (option[0] != '-') {
			l.words[l.word_count++] = argv[i];
			continue;
		}
		if (!strstr(takes, option))
			misuse("no option '%s'; see: keros help %s", option, verb);
		l.json |= strcmp(option, "--json") == 0;
		l.live |= strcmp(option, "--live") == 0 || strcmp(option, "--machine") == 0;
		if (strcmp(option, "--json") == 0 || strcmp(option, "--live") == 0)
			continue;
		if (!value)
			misuse("%s needs a value after it; see: keros help %s", option, verb);
		i++;
		if (strcmp(option, "--machine") == 0)
			l.machine = value;
		else if (strcmp(option, "-o") == 0)
			l.output = value;
		else if (strcmp(option, "--count") == 0)
			l.count = parse_pages(option, value);
	}
	if (l.word_count > most_words)
		misuse("'%s' is one word too many; see: keros help %s", l.words[most_words], verb);
	return l;
}

static int act_ps(int argc, char **argv)
{
	struct looking l = parse_looking("ps", "--json --machine", 0, argc, argv);

	return inspect_ps(l.machine, l.json);
}

static int act_caps(int argc, char **argv)
{
	struct looking l = parse_looking("caps", "--json --machine", 1, argc, argv);

	return inspect_caps(l.machine, l.word_count ? l.words[0] : NULL, l.json);
}

static int act_trace(int argc, char **argv)
{
	struct looking l = parse_looking("trace", "--json --machine --count", 1, argc, argv);

	if (!l.word_count)
		misuse("trace needs a process; `keros ps` lists them");
	return inspect_trace(l.machine, l.words[0], l.count, l.json);
}

static int act_graph(int argc, char **argv)
{
	struct looking l = parse_looking("graph", "--machine --live -o", 1, argc, argv);

	if (!l.live)
		return manifest_graph(project_root(), l.word_count ? l.words[0] : NULL, l.output);
	if (l.word_count)
		misuse("--live draws a machine that runs, not '%s'; try: keros graph --live -o now.svg", l.words[0]);
	return inspect_graph(l.machine, l.output);
}

static int act_log(int argc, char **argv)
{
	struct looking l = parse_looking("log", "--json --machine", 0, argc, argv);

	return inspect_log(l.machine, l.json);
}

static int act_revoke(int argc, char **argv)
{
	struct looking l = parse_looking("revoke", "--json --machine", 1, argc, argv);

	return inspect_revoke(l.machine, l.word_count ? l.words[0] : NULL, l.json);
}

static int act_stop(int argc, char **argv)
{
	struct looking l = parse_looking("stop", "--json --machine", 0, argc, argv);

	return inspect_stop(l.machine, l.json);
}

/* The work is done in Lua (tools/assess/), which runs this command again for each run. */
static int act_assess(int argc, char **argv)
{
	const char *root = project_root();
	char **words = xcalloc((size_t)argc + 4, sizeof *words);

	words[0] = "lua5.4";
	words[1] = xasprintf("%s/tools/assess/main.lua", root);
	words[2] = xstrdup(root);
	for (int i = 0; i < argc; i++)
		words[3 + i] = argv[i];
	execvp(words[0], words);
	die("%s: %s; run ./configure, which installs it", words[0], strerror(errno));
}

static int act_diff(int argc, char **argv)
{
	struct runfile a, b;
	struct buffer lines = { 0 };

	if (argc != 2)
		misuse("diff needs two run manifests; try: keros diff old.toml new.toml");
	runfile_read(&a, argv[0]);
	runfile_read(&b, argv[1]);
	runfile_diff(&a, &b, &lines);
	write_all(1, lines.data, lines.length, "standard output");
	return lines.length != 0;
}

static int act_merge(int argc, char **argv)
{
	struct runfile all, one;
	struct buffer text;

	if (argc < 1)
		misuse("merge needs run manifests of one program; try: keros merge a.toml b.toml >both.toml");
	runfile_read(&all, argv[0]);
	for (int i = 1; i < argc; i++) {
		char *wrong;

		runfile_read(&one, argv[i]);
		if ((wrong = runfile_merge(&all, &one)))
			die("%s and %s: %s", argv[0], argv[i], wrong);
	}
	text = runfile_text(&all);
	write_all(1, text.data, text.length, "standard output");
	return 0;
}

static int act_image(int argc, char **argv)
{
	struct run r;
	const char *file;
	int first = parse_run(&r, "image", argc, argv);

	if (first == argc)
		misuse("image needs a file to write; try: keros image keros.img");
	file = argv[first++];
	if (first < argc && strcmp(argv[first], "--") == 0)
		first++;
	r.argv = first < argc ? argv + first : login_shell;
	r.serial_console = true;
	r.tty = true;
	r.rows = 24;
	r.columns = 80;
	image_write(file, &r);
	return 0;
}

/* PROG.ck is compiled into a file of its own beside the build's products; PROG.kk is taken as it is. */
static const char *keykos_program(const char *root, const char *path)
{
	size_t n = strlen(path);
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *made, *command;

	if (access(path, R_OK))
		misuse("%s: %s; give a program of the dialect (PROG.ck) or what keykos-cc made of it (PROG.kk)", path,
		       strerror(errno));
	if (n > 3 && strcmp(path + n - 3, ".kk") == 0)
		return path;
	if (n < 4 || strcmp(path + n - 3, ".ck") != 0)
		misuse("%s is neither PROG.ck nor PROG.kk", path);
	made = xasprintf("%s/build/keykos/user/%.*s.kk", root, (int)strlen(base) - 3, base);
	command = xasprintf("mkdir -p '%s/build/keykos/user' && '%s/tools/keykos-cc' -o '%s' '%s'", root, root, made, path);
	if (system(command) != 0)
		die("%s does not compile", path);
	free(command);
	return made;
}

/* Our own programs come first; one of the user's with the same name stands in front of it in the directory. */
static void keykos_programs(struct run *r, int argc, char **argv)
{
	static const char *programs[PACK_SECTIONS];
	glob_t own;

	if (glob(xasprintf("%s/build/keykos/*.kk", r->root), 0, NULL, &own) == 0)
		for (size_t i = 0; i < own.gl_pathc && r->program_count < 40; i++)
			programs[r->program_count++] = own.gl_pathv[i];
	for (int i = 0; i < argc; i++) {
		if (r->program_count == 48)
			misuse("too many programs");
		programs[r->program_count++] = keykos_program(r->root, argv[i]);
	}
	r->programs = programs;
}

static int act_keykos(int argc, char **argv)
{
	static char *none[] = { NULL };
	char **rest = xcalloc((size_t)argc + 1, sizeof *rest);
	const char *script = NULL;
	struct run r;
	int first, n = 0;

	/* --script is this verb's own; the rest are options of the machine. */
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--script") != 0)
			rest[n++] = argv[i];
		else if (++i == argc)
			misuse("--script needs a file after it; see: keros help keykos");
		else
			script = argv[i];
	}
	rest[n] = NULL;
	first = parse_run(&r, "keykos", n, rest);
	r.keykos = true;
	r.tty = false;
	r.argv = none;
	keykos_programs(&r, n - first, rest + first);
	if (script) {
		int fd = open(script, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			misuse("--script %s: %s", script, strerror(errno));
		dup2(fd, 0);
	}
	return start(&r);
}

static int act_lua(int argc, char **argv)
{
	static char *none[] = { NULL };
	char **rest = xcalloc((size_t)argc + 1, sizeof *rest);
	struct lua_request request = lua_parse(argc, argv, rest);
	struct run r;
	int count = 0;

	while (rest[count])
		count++;
	parse_run(&r, "lua", count, rest);
	r.lua = true;
	r.lua_records = request.records;
	r.lua_script = request.script;
	r.argv = none;
	if (request.script || request.records[0])
		r.tty = r.tty && isatty(2);
	return start(&r);
}

static int act_doctor(int argc, char **argv)
{
	(void)argv;
	if (argc)
		misuse("doctor takes no arguments");
	return doctor_run(project_root());
}

static const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	misuse("no verb '%s'; to run a command: keros run -- %s. See: keros help", name, name);
}

static int act_help(int argc, char **argv)
{
	if (argc == 0) {
		help_list(verbs);
		return 0;
	}
	if (argc > 1)
		misuse("help takes one verb, not '%s' as well", argv[1]);
	if (strcmp(argv[0], "--man") == 0)
		help_man(verbs);
	else if (strcmp(argv[0], "--verbs") == 0)
		help_names(verbs);
	else if (strcmp(argv[0], "exit") == 0)
		help_exit();
	else
		help_verb(verb_find(argv[0]));
	return 0;
}

static const struct verb verbs[] = {
	{ "run", act_run, "run [OPTION...] -- COMMAND [ARGUMENT...]", "boot, run one command in a fresh sandbox, and end",
	  "Runs COMMAND, an unmodified Linux program of the sandbox's file tree, with the standard streams passed\n"
	  "through, and ends with its status (128+signal if it was killed; 125 if the machine failed). The sandbox\n"
	  "holds what --caps lists and nothing else; its files are gone afterwards. On a terminal Ctrl-A X leaves.",
	  .options = run_options,
	  .examples =
	  "  keros run -- uname -a\n"
	  "  echo hello | keros run -- tr a-z A-Z      # standard streams pass through\n"
	  "  keros run --tree ./site -- busybox find / # with these files laid over the base tree\n"
	  "  keros run --bank 4096 -- sh -c 'x=x; while :; do x=$x$x; done'; echo $?   # 137: its storage was used up\n" },
	{ "shell", act_shell, "shell [OPTION...] [-- COMMAND...]", "an interactive shell in a fresh sandbox (make run)",
	  "As run, with a login shell as the command. Ctrl-A X leaves; Ctrl-A L switches to a Lua prompt beside it and back;\n"
	  "Ctrl-A Ctrl-A types one Ctrl-A.",
	  .options = run_options,
	  .examples =
	  "  keros shell                               # Ctrl-A X leaves\n"
	  "  keros shell --disk my.disk                # the same system again, where it was\n" },
	{ "image", act_image, "image [OPTION...] FILE [-- COMMAND...]", "write a raw disk that boots by GRUB, BIOS and UEFI",
	  "Writes a disk for a real or virtual machine; its console is the first serial line at 115200 baud.\n"
	  "Try it: qemu-system-x86_64 -cpu max -m 256M -nographic -drive format=raw,file=FILE",
	  .options = run_options,
	  .examples =
	  "  keros image keros.img\n"
	  "  qemu-system-x86_64 -cpu max -m 256M -nographic -drive format=raw,file=keros.img\n" },
	{ "keykos", act_keykos, "keykos [OPTION...] [--script FILE.cmd] [PROG.ck|PROG.kk ...]",
	  "KeyKOS: its objects, a command interpreter, your programs",
	  "Boots into the command interpreter of KeyKOS's published command language (doc/keykos/command.md), which reads\n"
	  "standard input or the script. Each program stands in its directory as the segment PROG.s, from which\n"
	  "cfact makes a factory: cfact ctrf counter.s 0x10C0 / kc ctrf 0 (,sb,m,sb) (,ctr) / kc ctr 0 () ()",
	  .options = run_options,
	  .examples =
	  "  keros keykos                              # type: kt sb\n"
	  "  keros keykos --script test.cmd prog.ck    # compiles prog.ck, installs it as prog.s, runs the script\n" },
	{ "lua", act_lua, "lua [OPTION...] [--grant NAME=CAP ...] [-e CODE] [SCRIPT [ARGUMENT...]]",
	  "run a Lua script, or talk to Lua, in a confined domain",
	  "Runs CODE, then SCRIPT (a file of the host), in a Lua 5.4 of its own that holds its bank, its schedule, its\n"
	  "streams, the clock, the files of --tree (read-only), and what --grant hands it by name; without either, a\n"
	  "prompt. Its status is passed through: 1 after an error, which goes to standard error. With --disk it goes on\n"
	  "after a loss of power where it was. doc/lua/README.md",
	  .options = run_options,
	  .examples =
	  "  keros lua -e 'print(2^10)'\n"
	  "  keros lua script.lua a b                  # arg[1], arg[2]\n"
	  "  keros lua                                 # a prompt\n" },
	{ "store", act_store, "store [--json] FILE", "check the image of a persistent system, offline",
	  "Prints generation, objects by kind, free space and every violated condition (doc/store.md). Status 0: sound;\n"
	  "1: a condition is violated; 2: the file holds no store.",
	  .examples =
	  "  keros store my.disk\n"
	  "  keros store --json my.disk\n" },
	{ "ckpt", act_ckpt, "ckpt [--json] [FILE|PID]", "save a running system now, and say what that cost",
	  "Asks a machine that runs with --disk for a checkpoint, waits until it is on the disk, and prints how long\n"
	  "everything stood still. FILE is its image, PID its process; neither is needed if only one machine runs.",
	  .examples =
	  "  keros ckpt                                # the only machine that runs\n"
	  "  keros ckpt my.disk                        # the one that lives in this image\n" },
	{ "graph", act_graph, "graph [--live] [--machine FILE|PID] [-o FILE.svg|.png|.pdf|.dot] [MANIFEST]",
	  "draw who holds what, at the first boot or now",
	  "Draws apps/system.lua, or another system manifest (doc/manifest.md): domains as boxes, constructors as double boxes,\n"
	  "capabilities as arrows from holder to held, with the register; red reaches hardware. Without -o: as dot's text.\n"
	  "--live draws a machine that runs: processes, and red what leads out of a confined program.",
	  .examples =
	  "  keros graph -o system.svg                 # the first boot\n"
	  "  keros graph --live -o now.svg             # a machine that runs\n" },
	{ "ps", act_ps, "ps [--json] [--machine FILE|PID]", "the processes of a machine that runs",
	  "Lists every process by number and name, and what it waits for. With several machines --machine names one, by its\n"
	  "image file or the process number of its command.",
	  .examples =
	  "  keros ps\n"
	  "  keros ps --json --machine my.disk\n" },
	{ "caps", act_caps, "caps [--json] [--machine FILE|PID] [PROCESS]", "who holds what, and who gave it",
	  "Says in plain words what each process, or one of them, holds: where, what it allows, and which process put it there.\n"
	  "PROCESS is a number of `keros ps`, or a name that only one has.",
	  .examples =
	  "  keros caps posix-server                   # what the sandbox's server holds, and from whom\n"
	  "  keros caps --json >all.jsonl              # everybody\n" },
	{ "trace", act_trace, "trace [--json] [--machine FILE|PID] [--count N] PROCESS", "what a process invokes, as it does",
	  "Prints each message that the process sends, gets and is answered with, decoded by the interfaces in idl/, until\n"
	  "interrupted or N have come. A recorded process is slower; the others are not.",
	  .examples =
	  "  keros trace sh                            # system calls, as strace would show them\n"
	  "  keros trace --count 100 bank              # what the space bank is asked\n" },
	{ "revoke", act_revoke, "revoke [--json] [--machine FILE|PID] [GRANT]", "take back what a running sandbox was given",
	  "Without GRANT: lists what can be taken back. GRANT is the place of a share in the sandbox, or the host's path of it, or\n"
	  "stdin, stdout, stderr. It works at once: the sandbox's calls on the share, open files included, fail with EIO; input\n"
	  "is at its end, output answers EPIPE. What was read before stays read. For good: a system with an\n"
	  "image gets the grant again only from its next command line.",
	  .examples =
	  "  keros revoke\n"
	  "  keros revoke /src\n"
	  "  keros revoke --machine my.disk stdout\n" },
	{ "log", act_log, "log [--json] [--machine FILE|PID]", "the newest of a running kernel's log", "Prints what is kept: 32 KiB.",
	  .examples =
	  "  keros log | tail\n" },
	{ "stop", act_stop, "stop [--json] [--machine FILE|PID]", "save a running system, if it has where, and switch it off",
	  "The command that runs the machine ends with 143. A system with an image (--disk) goes on from here at its next start.",
	  .examples =
	  "  keros stop --machine my.disk\n" },
	{ "assess", act_assess, "assess [OPTION...] -o DIR -- COMMAND [ARGUMENT...]",
	  "find out what authority a program uses, and what it needs",
	  "Runs COMMAND over copies of what it is shown, records all it uses, and writes into DIR a least-authority manifest, a\n"
	  "report (HTML that opens offline, and the same as JSON) and the record. Host files are never changed. doc/assess.md is\n"
	  "a tutorial. Names that hold secrets (tools/assess/secrets.txt) are withheld, and asking for them is recorded.",
	  .options =
	  "  -o DIR             where to write (default assess)\n"
	  "  --with PROGRAM     a program of this machine with its libraries, at their paths\n"
	  "  --ro HOST[:GUEST]  show it a file or folder of the host (a copy: nothing is written back)\n"
	  "  --tree DIR         show it these files over the base tree; may be given again\n"
	  "  --write            what it changes below --ro is changed on the host\n"
	  "  --env N=V          set a variable; --env N copies it from here\n"
	  "  --cwd PATH         where the command starts\n"
	  "  --mem SIZE         memory of the machine\n"
	  "  --verify           run it again under the manifest with nothing more, compare, and take away each grant in turn\n"
	  "  --runs N           run it N times: what do further runs find?\n"
	  "  --merge FILE       unite with the manifest of another run\n",
	  .examples =
	  "  keros assess -o /tmp/a --verify -- sort /etc/passwd\n"
	  "  keros assess -o /tmp/b --with sqlite3 --ro ./data:/data --verify -- sqlite3 /data/my.db .tables\n" },
	{ "diff", act_diff, "diff A.toml B.toml", "what one run manifest grants and another does not",
	  "Prints lines '- ...' and '+ ...' for what only A or only B says; evidence is no difference. Status 0: they say the\n"
	  "same; 1: they differ. Try: keros diff doc/assess/gzip/manifest.toml my.toml",
	  .examples =
	  "  keros diff old.toml new.toml && echo 'the same authority'\n" },
	{ "merge", act_merge, "merge A.toml B.toml...", "unite run manifests of one program",
	  "Prints a manifest that grants what any of them grants, with the evidence added up: what a program needs is what\n"
	  "it needed in all runs. Where they contradict each other (one name, two things) it says so and prints nothing.\n"
	  "Of one manifest it prints the canonical form.",
	  .examples =
	  "  keros merge monday.toml tuesday.toml >week.toml\n" },
	{ "gdb", act_gdb, "gdb [OPTION...] [--symbols FILE] [--ex CMD]... [--batch] [-- COMMAND...]",
	  "the same as run, stopped at its first instruction under gdb",
	  "Starts a machine and gdb on it, with the kernel's symbols, and those of a guest program (static, at the addresses it was\n"
	  "linked for) with --symbols. In gdb: continue; break NAME; keros-ps, keros-current, keros-caps (help user-defined).\n"
	  "`break` in a program stops whichever process comes to that address, keros-break only the one called as FILE is.\n"
	  "When gdb ends, the machine does.",
	  .options = run_options,
	  .examples =
	  "  keros gdb --ex 'break process_op_clone' --ex continue -- sh -c 'ls | wc'\n"
	  "  keros gdb --symbols ./t/bin/prog --ex 'keros-break main' --ex continue --tree ./t -- prog\n" },
	{ "doctor", act_doctor, "doctor", "say what is missing, if anything",
	  "Checks the tools that the build and the machine need, what the build made, permissions and room; each failure comes\n"
	  "with the command that mends it. Status 0: all that is needed is there; 1: something is missing.",
	  .examples =
	  "  keros doctor\n" },
	{ "help", act_help, "help [VERB]", "explain a verb", "Explains.",
	  .examples =
	  "  keros help run\n"
	  "  keros help exit                           # what each exit status means\n"
	  "  keros help --man | man -l -               # all of it as a man page\n" },
	{ 0 },
};

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return act_help(0, NULL);
	return verb_find(argv[1])->act(argc - 2, argv + 2);
}
