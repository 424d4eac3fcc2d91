/*
 * config.h - the run config (doc/run-config.md), read in place.
 *
 * Pure C: nothing is copied, names and values point into the text, which must stay.
 * config_read trusts nothing in the text but that it is length bytes long.
 */
#ifndef PRIME_CONFIG_H
#define PRIME_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_SANDBOXES 15                    /* the console has one more session, for requests from outside */

struct config_sandbox {
	const char *name;
	const char *records;           /* those after sandbox=, as the session passes them on */
	size_t length;
	uint64_t bank_frames;          /* 0: not said */
	bool tty, verbose, caps;
};

struct config {
	const char *native;            /* NULL: none */
	bool serial;                   /* console=serial */
	unsigned count;
	struct config_sandbox sandbox[CONFIG_SANDBOXES];
};

/* NULL, or what is wrong with it. */
const char *config_read(const char *text, size_t length, struct config *c);
#endif
