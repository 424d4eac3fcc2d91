/*
 * limits.h - options of a run that are neither files nor folders: clock, random, time, processor, /tmp, standard streams.
 *
 * Interface
 *   limit_option   takes one option with its value; false: it is none of these
 *   limits_streams opens --stdin, --stdout and --stderr in the place of our own
 */
#ifndef TOOLS_LIMITS_H
#define TOOLS_LIMITS_H
#include <stdbool.h>
#include "lib/machine.h"

extern const char *const limit_options[];      /* names, ended by NULL */
bool limit_option(struct run *r, const char *option, const char *value);
void limits_streams(const struct run *r);
#endif
