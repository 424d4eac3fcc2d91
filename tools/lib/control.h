/*
 * control.h - asking a machine that runs (doc/control.md): a socket for each, and the verbs that use it.
 */
#ifndef TOOLS_CONTROL_H
#define TOOLS_CONTROL_H
#include "lib/machine.h"

/* The machine's side: a socket that listens; -1 if there can be none, which is no reason not to run. */
int control_listen(const struct run *r);

/*
 * The asker's side: sends one request to the machine chosen and gives the answer's JSON object, to be freed.  which:
 * the image file or the process number of the machine; NULL = the only one.  Dies with a sentence if it cannot be asked.
 */
char *control_ask(const char *which, const char *verb);

/* `keros ckpt`; returns the exit status. */
int control_ckpt(const char *which, bool json);

#endif
