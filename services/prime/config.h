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

#define CONFIG_WITHS     8

struct config_sandbox {
	const char *name;
	const char *kind;              /* whose instance the session is: for_each of the system manifest */
	const char *records;           /* those after sandbox=, as the session passes them on */
	size_t length;
	uint64_t bank_frames;          /* 0: not said */
	uint64_t cpu_share;            /* in percent; 0: not limited */
	bool tty, verbose, caps;
	bool record;                   /* a stream for what is used, or only for what is refused */
};

struct config {
	const char *native;            /* NULL: none */
	bool serial;                   /* console=serial */
	unsigned with_count;
	const char *with[CONFIG_WITHS];/* words that make entries of the system manifest exist */
	unsigned count;
	struct config_sandbox sandbox[CONFIG_SANDBOXES];
};

/* NULL, or what is wrong with it. */
const char *config_read(const char *text, size_t length, struct config *c);

/* Whether an entry of the system manifest with that `when` exists in this run. */
bool config_has(const struct config *c, const char *when);
#endif
