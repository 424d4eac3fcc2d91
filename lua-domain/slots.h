/*
 * slots.h - where the capabilities are that a script holds: numbered slots in a tree of nodes.
 *
 * A slot's number is the path to its capability, four bits a level.  The registers from CR_CACHE on hold copies of
 * those used lately.  Which slots are free and what is cached is pure (slot_table.h and its test); the rest invokes.
 *
 * Interface
 *   1. slot_new gives an empty slot, 0 if the bank or the tree is full; slot_free makes it void and gives it back.
 *   2. slot_put stores a register's capability; slot_get brings one into any register.
 *   3. slot_use names a register that holds it: valid until the next slot_use or slot_put.
 */
#ifndef LUA_DOMAIN_SLOTS_H
#define LUA_DOMAIN_SLOTS_H
#include <stdbool.h>
#include <stdint.h>
#include <keros/inv.h>

typedef uint32_t slotno;               /* 0: none */

#define SLOT_LEVELS 4u
#define SLOTS_MAX   65536u

bool slots_init(void);                 /* once; false: the bank is full */
slotno slot_new(void);
void slot_free(slotno slot);           /* one that slot_new gave */
void slot_put(slotno slot, cap_t from);
void slot_get(slotno slot, cap_t to);
cap_t slot_use(slotno slot);
/* A register that holds it now, or CR_VOID: never changes what is cached. */
cap_t slot_cached(slotno slot);
/* Above every slot that is, or was, in use. */
slotno slots_end(void);
/* In a new instance of a frozen domain: the keystore is another, empty one, made when it is first used. */
void slots_forget(void);
/* Makes it now: after this, and only then, slot_put takes a capability from CR_TMP0..3. */
void slots_ready(void);
#endif
