/*
 * wire.h - 9P2000.L messages, packed and unpacked with bounds (the protocol: diod's protocol.md).
 *
 * Invariants
 *   1. A writer that runs out of room, or a reader that runs past the end, turns bad and stays so; what is then read
 *      is zero.  So a message is built or taken apart whole, and asked once.
 *   2. Strings are taken in place: they are valid as long as the message.
 */
#ifndef P9_WIRE_H
#define P9_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEADER 7u                 /* size, type, tag */
#define WIRE_READ_HEADER 11u           /* of Rread and Rreaddir: the count too */
#define WIRE_WRITE_HEADER 23u          /* of Twrite: fid, offset, count too */

enum wire_type {
	RLERROR = 7, TSTATFS = 8, TLOPEN = 12, TLCREATE = 14, TSYMLINK = 16, TREADLINK = 22, TGETATTR = 24, TSETATTR = 26,
	TREADDIR = 40, TFSYNC = 50, TLINK = 70, TMKDIR = 72, TRENAMEAT = 74, TUNLINKAT = 76, TVERSION = 100, TATTACH = 104,
	TWALK = 110, TREAD = 116, TWRITE = 118, TCLUNK = 120,
};

#define QID_DIRECTORY 0x80u
#define NO_FID        0xFFFFFFFFu
#define NO_UID        0xFFFFFFFFu

struct wire { uint8_t *at, *end, *start; bool bad; };
struct qid { uint8_t type; uint32_t version; uint64_t path; };

/* A message of that type to be written into room bytes. */
void wire_begin(struct wire *w, void *buffer, size_t room, enum wire_type type, uint16_t tag);
/* Sets the size, to which extra bytes that lie elsewhere are counted; the bytes here, or 0 if it did not fit. */
size_t wire_end(struct wire *w, size_t extra);
void put8(struct wire *w, uint8_t v);
void put16(struct wire *w, uint16_t v);
void put32(struct wire *w, uint32_t v);
void put64(struct wire *w, uint64_t v);
void put_bytes(struct wire *w, const void *bytes, size_t n);
void put_string(struct wire *w, const char *text, size_t n);

/* A reply of length bytes.  *type, *tag; false: it is no message. */
bool wire_open(struct wire *w, const void *buffer, size_t length, uint8_t *type, uint16_t *tag);
uint8_t get8(struct wire *w);
uint16_t get16(struct wire *w);
uint32_t get32(struct wire *w);
uint64_t get64(struct wire *w);
const char *get_string(struct wire *w, size_t *n);
struct qid get_qid(struct wire *w);

/*
 * Turns the entries of Rreaddir (bytes long) into struct file_entry in place, since those are shorter; the new length,
 * or -1 if they are malformed.  Names that no path can hold (with a slash, a NUL, or too long) are left out.
 */
long wire_entries(uint8_t *entries, size_t bytes);

/*
 * Splits a path of the directory interface: how many names, or -1 if it is not one: too many names, one that is empty,
 * too long, `.` or `..`, or a NUL in it.  An empty path has no names.
 */
struct part { const char *text; uint16_t length; };
int path_split(const char *path, size_t length, struct part *parts, unsigned limit);
#endif
