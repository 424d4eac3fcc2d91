/*
 * debug.h - `keros gdb`: a machine that waits, and gdb on it with the kernel's symbols.
 */
#ifndef TOOLS_DEBUG_H
#define TOOLS_DEBUG_H
#include "lib/machine.h"

struct debug {
	const char *symbols;           /* of a guest program, at the addresses it was linked for; or NULL */
	const char *commands[16];      /* for gdb, after it has connected */
	unsigned command_count;
	bool batch;                    /* gdb ends after its commands */
};

/* Starts the machine of r, stopped before its first instruction, and gdb; when gdb ends, the machine does.  gdb's status. */
int debug_run(struct run *r, const struct debug *d);

#endif
