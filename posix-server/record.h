/*
 * record.h - what the sandbox's programs use of what they may, counted: `keros assess` learns from it.
 *
 * A record is one use of one thing: kind, use, name, error, program.  The first time it is seen a line of JSON goes
 * out (doc/events.md), with the call and where in the program it was made; its count follows when the sandbox ends.
 *
 * Interface
 *   1. Nothing is recorded, and nothing but one test of record_on is paid, unless record_begin was called.
 *   2. record_call is told each call that has its result; what walks found on the way is kept by record_walk.
 *   3. Whoever knows more than a call's number says it: record_file, record_name, record_exec, record_stream.
 *   4. Recording never changes what a call answers, and never fails it: without memory a use goes unrecorded
 *      and is counted as lost.
 *   5. Memory is bounded: past RECORDS_MAX a new name stands for its directory ("/tmp/" and an asterisk).
 */
#ifndef RECORD_H
#define RECORD_H
#include "posix.h"

#define RECORDS_MAX 50000u
#define RECORD_PLACES 8u               /* of one site: the call and who may have called that */
#define LISTED_MAX 64u                 /* names kept of one listing */

enum record_kind {
	RECORD_PATH, RECORD_DEVICE, RECORD_PROC, RECORD_SOCKET, RECORD_SIGNAL, RECORD_CLOCK, RECORD_RANDOM, RECORD_ENV,
	RECORD_STREAM, RECORD_IDENTITY, RECORD_PROCESS, RECORD_RESOURCE, RECORD_MISSING, RECORD_KINDS
};
enum record_use {
	USE_STAT, USE_READ, USE_WRITE, USE_CREATE, USE_DELETE, USE_LIST, USE_EXEC, USE_FOLLOW, USE_ATTR, USE_ENTER,
	USE_MAP, USE_SEND, USE_CONNECT, USE_BIND, USE_SLEEP, USE_SET, USE_VISIBLE, USE_SPAWN,
	USE_CONTROL, USE_CALL, USES
};

extern bool record_on;
extern unsigned record_walks;          /* walks of the call being served, so far */

/* What goes out, and what only the machine knows (record_out.c; hosted tests have their own). */
void record_sink(const char *line, size_t length);
uint32_t record_site(struct proc *p);   /* number of the place in the program that makes this call; 0 = unknown */
uint32_t *record_shim_counts(struct proc *p);   /* of looks at each clock; NULL = none */
/* What record_site tells first of a file that holds code, and of a place: the numbers they have from then on. */
struct record_place { uint32_t module; uint64_t offset; };
uint32_t record_module(const char *path);
uint32_t record_site_tell(const struct record_place *at, unsigned n);

/* The command is about to run: recording is on from now on.  Nothing below does anything before. */
void record_begin(void);
/* The rest: counts, streams nobody used, peaks. */
void record_end(int status);

/*
 * One walk of the call being served: it came to the directory at, looked for name there, which is found or NULL,
 * and rest is what it had not come to.  parent: the call will change the name.  All is borrowed to the call's end.
 */
void record_walk(const char *path, struct inode *at, struct inode *found, const char *name, size_t length,
		 const char *rest, bool parent, int error);

/* The call being served is answered: what its walks found was used so. */
void record_call(struct proc *p, long result);
/* It waits for another's answer, and may not look for the names again when that comes: they are kept till then. */
void record_wait(struct proc *p);
/* A use of what is open already; of something that has a name and is no file. */
void record_file(struct proc *p, enum record_use use, struct inode *i, long result);
void record_name(struct proc *p, enum record_kind kind, enum record_use use, const char *name, size_t length, long result);
/* A name that the listing under way shows; the first LISTED_MAX of a directory's first listing are told. */
void record_listed(const char *name, size_t length);
/* A use of a standard stream; that the command was given it. */
void record_stream(struct proc *p, unsigned which, enum record_use use, long result);
void record_stream_held(unsigned which);
/* p becomes the program of path; strings holds argc and then envc strings. */
void record_exec(struct proc *p, const char *path, struct inode *file, const char *strings, unsigned argc, unsigned envc);
void record_exit(struct proc *p, int status);   /* it ends; status as wait tells it */
/* What the shim counted in the process's own page is taken, and set to zero there. */
void record_shim(struct proc *p);
#endif
