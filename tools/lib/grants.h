/*
 * grants.h - files and folders of the host that a sandbox is given (--ro, --rw, and --cow for `keros assess`).
 *
 * Interface
 *   grant_add       one option's value HOST[:GUEST]; misuse (status 2) if it cannot be granted
 *   grants_arrange  after the last: refuses what overlaps without meaning, and puts outer before inner
 *   grants_record   the run config's records (doc/run-config.md): the grant's index is its share's number
 */
#ifndef TOOLS_GRANTS_H
#define TOOLS_GRANTS_H
#include <stdbool.h>
#include "lib/util.h"

#define SHARES_MAX 24

enum grant_mode { SHARE_READ, SHARE_WRITE, SHARE_COPY };
struct grant {
	enum grant_mode mode;
	const char *option, *text;     /* as typed, for complaints */
	char *host;                    /* absolute, without symbolic links */
	char *guest;                   /* absolute, without ., .. and doubled slashes */
	char *folder;                  /* what the machine shares: host, or the folder that it lies in */
	const char *file;              /* NULL, or the one name of that folder that is granted */
};
struct grants {
	struct grant grant[SHARES_MAX];
	unsigned count;
};

/* One option as it was typed; arrange orders them outermost first, record writes them into a run config. */
void grant_add(struct grants *g, enum grant_mode mode, const char *option, const char *text);
void grants_arrange(struct grants *g);
void grants_record(const struct grants *g, struct buffer *config);
#endif
