/*
 * runfile.h - run manifests (doc/run-manifest.md): one file that says what a run is and exactly what it may.
 *
 * It is data, not a program: a strict subset of TOML, so that whoever reviews it sees all of it, and a file from
 * a stranger can do nothing while it is read.
 *
 * Interface
 *   runfile_parse   text to struct; the first mistake is told with its line, and what would be right
 *   runfile_text    struct to text: canonical, so equal manifests are equal files
 *   runfile_diff, runfile_merge
 * Memory is never given back: the command is short.
 */
#ifndef TOOLS_RUNFILE_H
#define TOOLS_RUNFILE_H
#include "lib/util.h"

enum grant_kind {
	RUN_BASE,                    /* something of the base file tree */
	RUN_COPY,                    /* a host file or folder as it is at the start; changes stay in the sandbox */
	RUN_SHARE,                   /* a host file or folder, live */
	RUN_SCRATCH,                 /* an empty folder of the sandbox's own */
	RUN_KINDS
};

struct strings { char **list; size_t count; };

struct run_grant {
	enum grant_kind kind;
	char *path;                    /* in the sandbox, absolute */
	char *host;                    /* of copy and share; relative ones start at the manifest's folder */
	bool write;                    /* of share; the others are the sandbox's own to change */
	bool whole;                    /* of base and copy: with all that is below */
	unsigned long evidence;        /* uses seen when it was learned; 0: written by hand */
	struct strings uses;           /* kinds of use seen, sorted */
	char *widened;                 /* the rule that made it more than was seen, and what it added; NULL: none */
	unsigned line;
};

enum run_clock { RUN_CLOCK_FULL, RUN_CLOCK_COARSE, RUN_CLOCK_NONE };

struct runfile {
	char *program;
	struct strings arguments;
	char *directory;               /* NULL: the default */
	struct strings environment;    /* NAME=VALUE; nothing but these, not even the defaults */
	bool input, random, proc;      /* what is not a file: default true */
	enum run_clock clock;
	char *storage, *machine;       /* sizes, as 64M; NULL: the default */
	unsigned long seconds;         /* 0: no limit */
	unsigned long runs;            /* it was learned from; 0: by hand */
	struct run_grant *grants;
	size_t grant_count;
};

/* NULL, or what is wrong ("line 3: ..."), freshly allocated. */
char *runfile_parse(struct runfile *r, const char *text, size_t length);
/* The same from a file; a mistake ends the command with the file's name. */
void runfile_read(struct runfile *r, const char *path);

/* Into the canonical order, in which runfile_text writes it. */
void runfile_sort(struct runfile *r);
struct buffer runfile_text(struct runfile *r);

/* Lines "- old", "+ new" of everything that differs in authority (evidence does not); their number. */
size_t runfile_diff(const struct runfile *a, const struct runfile *b, struct buffer *to);
/* The union: what either may, both may.  NULL, or why there is none. */
char *runfile_merge(struct runfile *into, const struct runfile *other);

void strings_add(struct strings *s, const char *text);         /* a copy of it, at the end */
/* One grant in words, as diff and refusals print it: share ./src at /src, read */
char *grant_words(const struct run_grant *g);
#endif
