/*
 * options.h - the options of a machine and its sandbox, which most verbs share.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H
#include "lib/machine.h"

/* For the help: one option a line. */
extern const char options_text[];

/* The project's directory: the command stands in its build/. */
const char *options_root(void);
/* Takes options up to "--" or the first word that is none; the index of what follows.  verb: for complaints. */
int options_parse(struct run *r, const char *verb, int argc, char **argv);
/* The value of an option that is a number of pages, or of something else that is at least one. */
unsigned long options_pages(const char *option, const char *text);
/* The command line of a run manifest: other arguments may be given in place of its own, another program may not. */
char **options_argv(const struct runfile *file, char **given);

#endif
