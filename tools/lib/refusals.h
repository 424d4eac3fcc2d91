/*
 * refusals.h - what the sandbox was refused, said to the user: once a name, and only of what is there on the host.
 *
 * Interface
 *   refusals_take  bytes of the sandbox's stream of refusals (posix-server/refusal.h), in any pieces
 *   refusals_say   at the end: a line each, with the grant that would have covered it
 * Programs look for much that they do well without: what was only looked at (stat, access, readlink) is said only if the
 * command failed.  With --verbose each is said as it comes instead.  What a sandbox sends is not trusted: it can make
 * us look whether a name exists, and say so to our user, and nothing else.
 */
#ifndef TOOLS_REFUSALS_H
#define TOOLS_REFUSALS_H
#include "lib/machine.h"

struct refusals {
	const struct run *run;
	struct buffer in;              /* not yet a whole line */
	struct refusal {
		char *text;            /* NULL: it was none after all */
		char *program;         /* the path, if it was looked for to be run; else NULL */
		bool probe;
	} *refusal;
	unsigned count;
};

void refusals_take(struct refusals *r, const void *bytes, size_t length);
void refusals_say(struct refusals *r, bool failed);     /* failed: the command did */
#endif
