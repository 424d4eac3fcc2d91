/*
 * primary.h - KeyKOS's own kernel keys (primary.c): the data of a CAP_PRIMARY says which one it is.
 */
#ifndef KERNEL_PRIMARY_H
#define KERNEL_PRIMARY_H
#include "object/object.h"

#define BWAITS           16u           /* data 1..BWAITS: a bwait key */
#define PRIMARY_CALENDAR 0x100u
#define PRIMARY_COPY     0x101u

struct inv;
/* Answers the key that inv->target is, by KeyKOS's order codes. */
void primary_dispatch(struct inv *inv);
/* Nanoseconds in units of the system timer, 4096 a microsecond. */
uint64_t primary_time(uint64_t ns);
#endif
