/*
 * inspect.h - looking at a machine that runs: processes, what they hold and from whom, what they invoke, the log.
 *
 * which: the machine, as control_open_machine takes it.  Each returns the exit status, and dies with a sentence if the
 * machine cannot be asked.  A process is named by its number, or by its name if only one has it.
 */
#ifndef TOOLS_INSPECT_H
#define TOOLS_INSPECT_H
#include <stdbool.h>

/* Who is there: a line a process. */
int inspect_ps(const char *which, bool json);
/* What a process holds, and from whom; NULL: all of them. */
int inspect_caps(const char *which, const char *process, bool json);
/* file: by its suffix .svg, .png or .pdf through Graphviz, or .dot; NULL: DOT text to standard output.  json: its
 * arrows, a line each. */
int inspect_graph(const char *which, const char *file, bool json);
/* count 0: until interrupted. */
int inspect_trace(const char *which, const char *process, unsigned long count, bool json);
/* grant: the guest's or the host's path of a share, or stdin, stdout, stderr; NULL: lists what can be taken back. */
int inspect_revoke(const char *which, const char *grant, bool json);
int inspect_log(const char *which, bool json);  /* what the kernel has logged */
int inspect_stop(const char *which, bool json); /* has the machine checkpoint and end */

#endif
