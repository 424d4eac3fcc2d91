/*
 * manifest.h - the system manifest as the boot pack carries it (doc/manifest.md), read in place.
 *
 * Pure C, for prime and for the host command alike: nothing is copied, names point into the text, which must stay.
 * Nothing is trusted of the text but that it is length bytes long.
 *
 * Interface
 *   manifest_check   once, before anything else: NULL, or what is wrong with the text
 *   manifest_next    the entries, in order; begin with an entry of zeroes
 *   manifest_grant   what one entry holds, in order; begin with a grant of zeroes
 */
#ifndef PRIME_MANIFEST_H
#define PRIME_MANIFEST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_SECTION "system"              /* the section's name in the pack */
#define MANIFEST_ENTRIES 32
#define MANIFEST_LIMIT   65536                 /* bytes of text */

/* Where a capability comes from.  Order MANIFEST_SOURCE: the same names in manifest.c and tools/manifest.lua. */
enum manifest_source {
	FROM_KERNEL,      /* name: one of prime's own */
	FROM_BANK,        /* a: rights, b: limit in frames (0: none of its own) */
	FROM_SCHEDULE,    /* a: priority */
	FROM_START,       /* name: an earlier domain; a: data, or MANIFEST_DATA_OWN; b: 1 = void if it is not there */
	FROM_STREAM,      /* name: the domain of the console; a: session, b: channel */
	FROM_YIELDS,      /* name: an earlier constructor; b: as above */
	FROM_IMAGE,       /* name: a program */
	FROM_TREE,        /* name: base or overlay */
	FROM_NUMBER,      /* a, b: low and high word */
	FROM_SESSION,     /* name: what this one session gets */
	MANIFEST_SOURCES,
};
#define MANIFEST_DATA_OWN 0x10000u             /* the data that the domain's own entry names */

struct manifest_grant {
	unsigned slot;                 /* capability register of a domain; component of a constructor */
	enum manifest_source source;
	const char *name;              /* not ended by NUL; name_length bytes */
	size_t name_length;
	uint64_t a, b;
	const char *after;             /* for manifest_grant alone */
};

struct manifest_entry {
	const char *name, *program, *when, *for_each; /* NUL-ended; for_each NULL: exists once */
	bool is_constructor;
	bool optional;                 /* left out if a stream of its is not there */
	bool confined;                 /* a constructor that may have no hole */
	unsigned priority, data;
	const char *grants, *end;      /* its records */
};

/* The sentence is static. */
const char *manifest_check(const char *text, size_t length);

/* False after the last.  text must have passed manifest_check. */
bool manifest_next(const char *text, size_t length, struct manifest_entry *e);
bool manifest_grant(const struct manifest_entry *e, struct manifest_grant *g);

/* Whether the grant's name is that text. */
bool manifest_name_is(const struct manifest_grant *g, const char *name);
#endif
