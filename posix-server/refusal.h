/*
 * refusal.h - what a sandbox's programs asked for and no capability covers, told to the host's side.
 *
 * A line a refusal goes out on the stream for the record: {"refused":CALL,"path":PATH,"want":"read"|"write"} or
 * {"refused":CALL,"grant":OPTION}.  The host, which knows what exists there, makes a sentence of it (tools/lib/refusals.c);
 * the sandbox learns nothing back.
 *
 * Interface
 *   1. Nothing is told unless refusal_begin was called; otherwise refusal_on is all that is paid.
 *   2. A name is told once for each want, as long as there is room to remember it; every time with `all`.
 *   3. What lies in a share is covered, there or not; so are /dev and /proc, which are the sandbox's own.
 */
#ifndef REFUSAL_H
#define REFUSAL_H
#include "posix.h"

extern bool refusal_on;
void refusal_begin(bool all);          /* from now on; all: each time, not once a name */
/* A walk that ended with nothing: where, and what of the path was not found. */
void refusal_walk(struct proc *p, struct inode *at, const char *name, size_t length, const char *rest);
/* A change of something that is granted to be read: an inode, or a name in a directory. */
void refusal_write(struct proc *p, struct inode *at, const char *name, size_t length);
/* Something that is no file: what option would have granted it. */
void refusal_other(const char *call, const char *option);
/* The same of what the C library asks for by itself: only with `all`. */
void refusal_quiet(const char *call, const char *option);
/* A program runs: that its name was looked for elsewhere before was no refusal. */
void refusal_ran(const char *path);
const char *call_name(uint32_t nr);    /* main.c: NULL = not there */
#endif
