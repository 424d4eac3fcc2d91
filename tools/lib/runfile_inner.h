/*
 * runfile_inner.h - what reading, writing and comparing run manifests share: the words of the language.
 */
#ifndef TOOLS_RUNFILE_INNER_H
#define TOOLS_RUNFILE_INNER_H
#include "lib/runfile.h"

#define RUNFILE_FORMAT 1

extern const char *const runfile_kinds[RUN_KINDS], *const runfile_clocks[3];

int by_text(const void *a, const void *b);     /* for qsort, of strings */
void strings_sort(struct strings *s);          /* and each only once */
bool runfile_bare(char c);                     /* may stand in a key without quotes */
void runfile_put_list(struct buffer *b, const struct strings *s);
#endif
