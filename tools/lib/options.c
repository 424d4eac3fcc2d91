/*
 * options.c - the options of a machine and its sandbox, which most verbs share: from words to a struct run.
 *
 * Every complaint says what is wrong and what to type instead, and ends the command with status 2.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/disk.h"
#include "lib/limits.h"
#include "lib/options.h"
#include "lib/pump.h"

#define MEMORY_DEFAULT "256M"
#define MEMORY_MIN_MB  16
#define MEMORY_MAX_MB  65536

const char options_text[] =
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

const char *options_root(void)
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

unsigned long options_pages(const char *option, const char *text)
{
	char *end;
	unsigned long pages = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end || !pages)
		misuse("%s '%s' is not a number of pages; try %s 4096 (16 MiB)", option, text, option);
	return pages;
}

static void add_env(struct run *r, const char *option, const char *text)
{
	(void)option;
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

static void add_tree(struct run *r, const char *option, const char *path)
{
	(void)option;
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
				  xasprintf("%s%s%s:%s", *g->host == '/' ? "" : r->runfile_folder,
					    *g->host == '/' ? "" : "/", g->host, g->path));
	}
	if (!file.input)
		r->streams[0] = "/dev/null";
	r->time_ms = file.seconds * 1000ull;
	if (file.machine)
		r->memory = parse_memory(file.machine);
	if (file.storage)
		r->bank_pages = strtoul(parse_memory(file.storage), NULL, 10) * 256;
	free(copy);
}

char **options_argv(const struct runfile *file, char **given)
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

/* ---- the tables ---------------------------------------------------------------------------------- */

static void take_ro(struct run *r, const char *option, const char *value)
{
	grant_add(&r->grants, SHARE_READ, option, value);
}

static void take_rw(struct run *r, const char *option, const char *value)
{
	grant_add(&r->grants, SHARE_WRITE, option, value);
}

static void take_cow(struct run *r, const char *option, const char *value)
{
	grant_add(&r->grants, SHARE_COPY, option, value);
}

static void take_deny(struct run *r, const char *option, const char *value)
{
	(void)option;
	strings_add(&r->denied, value);
}

static void take_mem(struct run *r, const char *option, const char *value)
{
	(void)option;
	r->memory = parse_memory(value);
}

static void take_bank(struct run *r, const char *option, const char *value)
{
	r->bank_pages = options_pages(option, value);
}

static void take_second_bank(struct run *r, const char *option, const char *value)
{
	r->second_bank_pages = options_pages(option, value);
}

static void take_disk_size(struct run *r, const char *option, const char *value)
{
	(void)option;
	r->disk_size = parse_disk_size(value);
}

/* A run manifest, or a system manifest: by its name's ending. */
static void take_manifest(struct run *r, const char *option, const char *value)
{
	(void)option;
	if (is_runfile(value))
		runfile_use(r, value);
	else
		r->manifest = value;
}

static const struct option_row machine_options[] = {
	{ "--tree", add_tree, 0 },
	{ "--ro", take_ro, 0 },
	{ "--rw", take_rw, 0 },
	{ "--cow", take_cow, 0 },
	{ "--deny", take_deny, 0 },
	{ "--mem", take_mem, 0 },
	{ "--env", add_env, 0 },
	{ "--bank", take_bank, 0 },
	{ "--second-bank", take_second_bank, 0 },
	{ "--manifest", take_manifest, 0 },
	{ "--disk-size", take_disk_size, 0 },
	{ "--cwd", NULL, offsetof(struct run, cwd) },
	{ "--second", NULL, offsetof(struct run, second) },
	{ "--native", NULL, offsetof(struct run, native) },
	{ "--kernel", NULL, offsetof(struct run, kernel) },
	{ "--disk", NULL, offsetof(struct run, disk) },
	{ "--disk-log", NULL, offsetof(struct run, disk_log) },
	{ "--record", NULL, offsetof(struct run, record_file) },
	{ "--pack", NULL, offsetof(struct run, pack_file) },
	{ NULL, NULL, 0 },
};

/* Options that are there or not. */
static const struct { const char *name; size_t at; } flags[] = {
	{ "--verbose", offsetof(struct run, verbose) },
	{ "--caps", offsetof(struct run, caps) },
	{ "--dry-run", offsetof(struct run, dry_run) },
	{ "--icount", offsetof(struct run, icount) },
	{ "--random", offsetof(struct run, random) },
	{ "--tty", offsetof(struct run, want_tty) },
	{ "--no-tty", offsetof(struct run, no_tty) },
};

/* ---- parsing ------------------------------------------------------------------------------------- */

static bool flag_take(struct run *r, const char *word)
{
	for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (strcmp(word, flags[i].name) == 0) {
			*(bool *)((char *)r + flags[i].at) = true;
			return true;
		}
	return false;
}

static const struct option_row *row_of(const struct option_row *row, const char *name, size_t length)
{
	for (; row->name; row++)
		if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
			return row;
	return NULL;
}

/* --mem 64M, where next is the value, or --mem=64M.  True: next was used. */
static bool valued_take(struct run *r, const char *verb, const char *word, const char *next)
{
	const char *value = strchr(word, '=');
	size_t length = value ? (size_t)(value++ - word) : strlen(word);
	const struct option_row *row = row_of(machine_options, word, length);

	if (!row)
		row = row_of(limit_options, word, length);
	if (!row)
		misuse("no option '%.*s'; see: keros help %s", (int)length, word, verb);
	if (!value && !next)
		misuse("%s needs a value after it; see: keros help %s", row->name, verb);
	if (row->take)
		row->take(r, row->name, value ? value : next);
	else
		*(const char **)((char *)r + row->text) = value ? value : next;
	return !value;
}

/* What one option says against another, and what only all of them say. */
static void options_settle(struct run *r)
{
	if ((r->disk_size || r->disk_log) && !r->disk)
		misuse("%s is about the file of --disk, which is not given", r->disk_size ? "--disk-size" : "--disk-log");
	grants_arrange(&r->grants);
	limits_streams(r);
	if (r->want_tty && (r->no_tty || r->native || r->streams[0] || r->streams[1]))
		misuse("--tty does not go with --no-tty, --native, --stdin or --stdout; leave it out");
	if (!r->no_tty && !r->native)
		r->tty = terminal_is_there(&r->rows, &r->columns);
	if (r->want_tty && !r->tty)
		misuse("--tty: standard input and output here are no terminal; leave it out, or run it in one");
}

int options_parse(struct run *r, const char *verb, int argc, char **argv)
{
	int i;

	*r = (struct run){ .root = options_root(), .memory = MEMORY_DEFAULT };
	for (i = 0; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strncmp(argv[i], "--", 2) != 0)
			misuse("no option '%s'; if it belongs to a command, put -- before that. See: keros help %s",
			       argv[i], verb);
		if (strcmp(argv[i], "--help") == 0)
			execl("/proc/self/exe", "keros", "help", verb, (char *)NULL);
		if (!flag_take(r, argv[i]) && valued_take(r, verb, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
			i++;
	}
	options_settle(r);
	return i;
}
