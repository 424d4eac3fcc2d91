/*
 * record_inner.h - what the parts of the record know of each other: lines, the table of uses, names of files.
 */
#ifndef RECORD_INNER_H
#define RECORD_INNER_H
#include "record.h"
#include "vfs/vfs.h"

/* One use of one thing.  The table is by hash; `all` in record.c has it by id. */
struct record {
	struct record *next;
	uint32_t hash, id, count, absolute;
	uint16_t error, program, length;
	uint8_t kind, use;
	char name[];
};

/* ---- record_line.c: lines of JSON, put together without printf, which is the dearest part of one ------------ */
struct line { char text[8192]; size_t used; };
extern struct line record_line;        /* the one that is being made */

/* Appends; what does not fit is left out. */
void line_put(struct line *l, const char *text);
void line_number(struct line *l, const char *key, uint64_t n);        /* ,"key":number; key as it stands there */
void line_string(struct line *l, const char *s, size_t length);       /* in quotes */
void line_end(struct line *l);                                        /* goes out, and is empty */

/* ---- record.c: the table ------------------------------------------------------------------------------------- */
/* The record of a use, counted once more; NULL without memory. */
struct record *record_note(struct proc *p, unsigned kind, unsigned use, unsigned error, const char *name, size_t length);
void record_note_text(struct proc *p, enum record_kind kind, enum record_use use, const char *name, long result);
unsigned record_error(long result);

/* ---- record_file.c: uses of what has a name in the file tree --------------------------------------------------- */
struct record *record_note_inode(struct proc *p, unsigned use, struct inode *i, unsigned error);
void record_note_walk(struct proc *p, unsigned which, unsigned use, long result); /* what that walk of the call named */
void record_note_walk_or_fd(struct proc *p, unsigned use, uint64_t fd, long result);
void record_note_open(struct proc *p, uint32_t flags, long result);
void record_note_rename(struct proc *p, long result);
void record_note_listing(struct proc *p, uint64_t fd, long result);
struct inode *record_inode_of(struct proc *p, uint64_t fd);
void record_walked_drop(struct proc *p);

/* ---- record_program.c -------------------------------------------------------------------------------------------- */
extern int record_last_pid;            /* the highest so far */

/* ---- record_call.c ------------------------------------------------------------------------------------------------ */
const char *record_clock_name(uint64_t clock);
#endif
