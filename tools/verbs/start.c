/*
 * start.c - verbs that start a machine: run, shell, lua, gdb, image.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/debug.h"
#include "lib/image.h"
#include "lib/lua.h"
#include "lib/options.h"
#include "lib/pump.h"
#include "verbs/verbs.h"

int verb_start(const struct run *r)
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

int act_run(int argc, char **argv)
{
	static char *none[] = { NULL };
	struct run r;
	int first = options_parse(&r, "run", argc, argv);

	r.argv = argv + first;
	if (r.native) {
		if (first < argc)
			misuse("--native takes no command; leave out '%s'", argv[first]);
		r.argv = none;
	} else if (r.runfile) {
		size_t shares = 0;

		for (size_t i = 0; i < r.runfile->grant_count; i++)
			shares += r.runfile->grants[i].kind == RUN_SHARE;
		if (r.tree_count || r.env_count || r.random || r.tmp_pages || r.grants.count != shares)
			misuse("a run manifest says all that is granted; put what --ro, --rw, --tree, --env, --tmp or --random adds into it");
		r.argv = options_argv(r.runfile, r.argv);
	} else if (first == argc) {
		misuse("run needs a command; try: keros run -- echo hello");
	}
	return verb_start(&r);
}

static char *login_shell[] = { "sh", "-l", NULL };

#define LUA_BESIDE_MB 64

/* As parse_memory wrote it. */
static unsigned long memory_mb(const char *memory)
{
	return strtoul(memory, NULL, 10);
}

int act_shell(int argc, char **argv)
{
	struct run r;
	int first = options_parse(&r, "shell", argc, argv);

	r.argv = first < argc ? argv + first : login_shell;
	/* Beside the shell, a Lua prompt: if the build has one, and the machine room for it. */
	r.lua_beside = r.tty && !r.second && !r.manifest && lua_is_there(r.root) && memory_mb(r.memory) >= LUA_BESIDE_MB;
	if (r.tty && !r.dry_run)
		note(r.lua_beside ? "starting a sandbox; Ctrl-A X leaves it, Ctrl-A L goes to a Lua prompt" :
			"starting a sandbox; Ctrl-A X leaves it");
	return verb_start(&r);
}

/* [--symbols FILE] [--ex COMMAND]... [--batch], then options of run. */
int act_gdb(int argc, char **argv)
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
	first = options_parse(&r, "gdb", n, rest);
	r.argv = first < n ? rest + first : login_shell;
	return debug_run(&r, &d);
}

int act_image(int argc, char **argv)
{
	struct run r;
	const char *file;
	int first = options_parse(&r, "image", argc, argv);

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

int act_lua(int argc, char **argv)
{
	static char *none[] = { NULL };
	char **rest = xcalloc((size_t)argc + 1, sizeof *rest);
	struct lua_request request = lua_parse(argc, argv, rest);
	struct run r;
	int count = 0;

	while (rest[count])
		count++;
	options_parse(&r, "lua", count, rest);
	r.lua = true;
	r.lua_records = request.records;
	r.lua_script = request.script;
	r.lua_keykos = lua_grants(&request, "keykos");
	if (r.lua_keykos)
		keykos_programs(&r, 0, NULL);
	r.argv = none;
	if (request.script || request.records[0])
		r.tty = r.tty && isatty(2);
	return verb_start(&r);
}
