/*
 * supernode.h - what invoke/ asks about red segments with format flag 4.
 */
#ifndef KERNEL_SUPERNODE_H
#define KERNEL_SUPERNODE_H
#include "invoke/inv.h"

#define FORMAT_SUPERNODE 0x40000000u

/* Who answers: the segment's keeper, the kernel (supernode_dispatch), or nobody yet: the sender's string has to come. */
enum supernode { SUPERNODE_KEEPER, SUPERNODE_KERNEL, SUPERNODE_STALLED };

/* Who answers a message to the callable red segment of node n and that format. */
enum supernode supernode_whose(struct inv *inv, struct node *n, uint32_t format);
/* The operation, if it is the kernel's; false: it is not a super node's. */
bool supernode_dispatch(struct inv *inv);
#endif
