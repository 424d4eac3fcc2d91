/*
 * machine.h - the virtual machine of one run: what goes into its pack (machine_config.c, machine_pack.c), its QEMU
 * line and its process (machine.c).
 */
#ifndef TOOLS_MACHINE_H
#define TOOLS_MACHINE_H
#include <stdint.h>
#include <sys/types.h>
#include "lib/pack.h"
#include "lib/runfile.h"
#include "lib/grants.h"

#define RUN_TREES 16
#define RUN_ENVS  256

struct run {
	const char *root;              /* the project's directory; what is run is in its build/ */

	/* The sandbox. */
	char **argv;
	const char *trees[RUN_TREES];
	unsigned tree_count;
	const char *envs[RUN_ENVS];    /* N=V, over the defaults */
	unsigned env_count;
	struct grants grants;          /* what of the host it may touch */
	struct strings denied;         /* patterns of names that are not there in any of it (doc/run-config.md) */
	enum run_clock clock;
	bool random;
	unsigned long long time_ms;    /* 0: no limit */
	unsigned cpu_share;            /* in percent; 0: all that is free */
	unsigned long tmp_pages;       /* 0: /tmp is part of the base tree */
	const char *streams[3];        /* files for the standard streams; NULL: ours */
	const char *cwd, *second, *native;
	unsigned long bank_pages, second_bank_pages;
	bool verbose, caps, tty, serial_console;
	bool want_tty, no_tty;         /* what the options say; tty is what comes of it */
	const char *record_file;       /* what is used goes there, as JSON lines; NULL: nothing is recorded */
	unsigned rows, columns;

	/* What a run manifest grants; NULL: the whole base tree, and what the options add. */
	const struct runfile *runfile;
	const char *runfile_folder;    /* where its relative host names start */

	/* Instead of a sandbox: KeyKOS's objects and command interpreter, with these programs (PROG.kk). */
	bool keykos;
	const char *const *programs;
	unsigned program_count;

	/* Instead of a POSIX sandbox: a Lua domain (tools/lib/lua.c). */
	bool lua;
	const char **lua_records;      /* KEY=VALUE, NULL-ended: code, script, grant, arg */
	bool lua_keykos;               /* KeyKOS's objects are there too, with `programs`, for a domain that is granted them */
	const char *lua_script;        /* a file of the host, laid into the tree at its own name; NULL: none */

	bool lua_beside;               /* a Lua prompt as the second session, on the same terminal (Ctrl-A L) */

	/* The machine. */
	const char *memory;
	bool icount, dry_run;
	const char *manifest;          /* another system manifest than apps/system.lua, or NULL */
	const char *kernel;            /* another than build/kernel.elf, or NULL */
	const char *gdb_socket;        /* where QEMU listens for gdb, stopped before the first instruction; or NULL */
	const char *pack_file;         /* keep the pack there */
	const char *disk;              /* image of a persistent system, or NULL */
	const char *disk_log;          /* where every write and flush of it is recorded, or NULL */
	uint64_t disk_size;            /* bytes, for a new one; 0 = the default */
};

/* The run config's records (doc/run-config.md). */
struct buffer machine_config(const struct run *r);
/* Whether anything of this run may have random numbers. */
bool machine_random(const struct run *r);
/* The pack as a memory file (or the file that was asked for): its descriptor. */
int machine_pack(const struct run *r);

/* Descriptors that the child has open under the numbers given. */
struct machine_fds {
	int pack, link;
	const char *pack_path;         /* as QEMU opens it */
};

/* The NULL-ended command line, freshly allocated. */
char **machine_command(const struct run *r, const struct machine_fds *fds);
void machine_print(char **command);

struct machine {
	pid_t pid;
	int link;                      /* our end of the port's stream */
	int log;                       /* the kernel's serial line, and QEMU's own complaints */
};
void machine_start(struct machine *m, const struct run *r);

#endif
