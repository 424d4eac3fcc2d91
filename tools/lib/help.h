/*
 * help.h - the verbs of the command, described once: for `keros help`, the man page and the completions.
 */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H
#include <stdbool.h>

struct verb {
	const char *name;
	int (*act)(int argc, char **argv);
	const char *usage, *summary, *text;
	const char *options;           /* one a line, "  --name VALUE  what for", or NULL */
	const char *examples;          /* lines to type, "# what it does" after them; or NULL */
};

/* Ended by a verb without a name. */
void help_list(const struct verb *verbs);
void help_verb(const struct verb *verb);
void help_exit(void);
/* The man page keros(1), in mdoc. */
void help_man(const struct verb *verbs);
/* The verbs' names, a line each. */
void help_names(const struct verb *verbs);

#endif
