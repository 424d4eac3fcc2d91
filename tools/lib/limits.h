/*
 * limits.h - options of a run that are neither files nor folders: clock, time, processor, /tmp, standard streams.
 */
#ifndef TOOLS_LIMITS_H
#define TOOLS_LIMITS_H
#include "lib/machine.h"

/* An option that takes a value: what is done with it, or else the place in struct run where the text is kept. */
struct option_row {
	const char *name;              /* NULL ends a table */
	void (*take)(struct run *r, const char *option, const char *value);
	size_t text;
};

extern const struct option_row limit_options[];
/* Opens --stdin, --stdout and --stderr in the place of our own. */
void limits_streams(const struct run *r);
#endif
