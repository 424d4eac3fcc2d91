/*
 * persist_groups.c - which groups of homes a process was ever made in.
 *
 * A restart needs all processes, and what kind an object is only its tag says.  To look at the tags of all objects would take
 * longer the more there are; so a checkpoint's root words tell where a process may be.  Their 1,024 bits are buckets of groups:
 * one group each for the first 32, then 32 of each octave, so that the place of the farthest is known to a 32nd of it.
 *
 * Invariants
 *   1. A bit that is not set means that none of its groups has a process in the state that the words were saved with.  One that is
 *      set promises nothing; a restart begins anew with those that it found.
 *   2. The first frame of the range is the first program's: words that are all zero are of an image that has none.
 */
#include "object/layout.h"
#include "object/persist_inner.h"

#define FINE_BITS 5                    /* of a group's number, below its highest */
#define FINE      (1u << FINE_BITS)

static uint64_t groups[GROUP_WORDS];

static unsigned bucket(uint64_t group)
{
	unsigned octave;

	if (group < FINE)
		return group;
	octave = 63 - __builtin_clzll(group) - FINE_BITS;
	return FINE + octave * FINE + (group >> octave & (FINE - 1));
}

static bool bucket_in(const uint64_t *words, uint64_t group)
{
	unsigned bit = bucket(group);

	return words[bit / 64] >> bit % 64 & 1;
}

void persist_process_made(uint64_t oid)
{
	unsigned bit = bucket(oid / GROUP_HOMES);

	if (oid < OID_PHYS)
		groups[bit / 64] |= 1ull << bit % 64;
}

void persist_groups_save(uint64_t *words)
{
	for (unsigned i = 0; i < GROUP_WORDS; i++)
		words[i] = groups[i];
}

uint64_t persist_group_next(const uint64_t *words, uint64_t group, uint64_t end)
{
	if (!bucket_in(words, 0))
		return group;
	while (group < end && !bucket_in(words, group))
		group++;
	return group;
}
