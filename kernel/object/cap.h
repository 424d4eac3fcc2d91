/*
 * cap.h - a capability: sixteen bytes, the same in core and on disk.
 *
 *     byte  0      1        2      4        8                                  16
 *          +------+--------+------+--------+-----------------------------------+
 *          | type | rights | data | count  | ref                               |
 *          +------+--------+------+--------+-----------------------------------+
 *     ref of an object: frame number of its oid (36 bits), index in the frame (4), hint (24)
 *
 * Invariants
 *   1. An object capability is valid if and only if its count equals the object's
 *      allocation count (resume: the process's call count).  Anything else acts as void.
 *   2. The hint is a guess at the core frame and is verified by the oid at each use, so a
 *      copy needs no registration and rescinding an object costs one increment.  On disk it is 0.
 *   3. data of memory capabilities is the KeyKOS data byte (abi.h DB_*); rights bit
 *      CAP_NOEXEC is ours and accumulates like read-only.
 */
#ifndef KERNEL_CAP_H
#define KERNEL_CAP_H
#include <stdbool.h>
#include <stdint.h>
#include "keros/abi.h"

enum cap_type {
#define CAPTYPE(number, upper, lower, target, memory, doc) CAP_##upper = number,
#include "object/captype.def"
#undef CAPTYPE
	CAP_TYPES = 32
};

/* Bit n: there is a type n. */
static const uint32_t cap_types_known = 0
#define CAPTYPE(number, upper, lower, target, memory, doc) | 1u << number
#include "object/captype.def"
#undef CAPTYPE
	;

struct cap {
	uint8_t type, rights;
	uint16_t data;
	uint32_t count;
	uint64_t ref;
};
_Static_assert(sizeof(struct cap) == 16, "capabilities are 16 bytes on disk");

#define CAP_NOEXEC 0x01u

#define SCHEDULE_TICKS 0x8000          /* SCHEDULE data: a KeyKOS meter (schedule.c) */

/* RESUME data */
#define RESUME_RESTART 0               /* of a meter keeper: no code of its answer matters */
#define RESUME_RETURN 2
#define RESUME_FAULT  4

#define REF_HINT_BITS 24
#define REF_HINT_MASK 0xFFFFFFull
#define REF_INDEX(ref) ((unsigned)((ref) >> 24) & 15)
#define REF_OID(ref)   ((ref) >> 28)
#define REF_MAKE(oid, index, pfn) ((uint64_t)(oid) << 28 | (uint64_t)(index) << 24 | ((pfn) & REF_HINT_MASK))

struct frame;
struct node;
struct process;

static inline struct cap cap_void(void)
{
	return (struct cap){ 0 };
}

static inline struct cap cap_number(uint64_t low, uint32_t middle, uint16_t high)
{
	return (struct cap){ .type = CAP_NUMBER, .data = high, .count = middle, .ref = low };
}

static inline struct cap cap_misc(enum cap_type type, uint16_t data, uint64_t value)
{
	return (struct cap){ .type = type, .data = data, .ref = value };
}

/* Whether the capability is void, or rescinded, which is the same.  One to an object that the disk cannot give back is not. */
bool cap_is_void(const struct cap *c);
/* Whether its object is one of those (persist_lost.c): it cannot be used, and is not void. */
bool cap_is_lost(const struct cap *c);
/* Whether there is an object to use it on. */
bool cap_is_live(const struct cap *c);

/* The sensory form: what may be got through a sense capability.  eros.md 2, keykos.md 2.3. */
struct cap cap_diminish(const struct cap *c);
/* Conveys no authority to change or signal anything outside its holder: exact, transitive. */
bool cap_discreet(const struct cap *c);
/* Type, object, count, rights and data are equal. */
bool cap_same(const struct cap *a, const struct cap *b);
/* Same object whatever the rights; for node_compare. */
bool cap_same_object(const struct cap *a, const struct cap *b);
/* As it is, but for the hint. */
struct cap cap_without_hint(const struct cap *c);
/* The disk form: without the hint. */
struct cap cap_disk_form(const struct cap *c);

/* For messages. */
const char *cap_type_name(unsigned type);
#endif
