/*
 * object.h - what the files of the KeyKOS server share: its registers, its objects, the message being answered.
 *
 * One process serves all of KeyKOS's domain-level objects.  A key to one is a start capability to it whose 16-bit data
 * is (index << 4) | face: the index of the object, and which of its faces (rights, or builder, requestor, fetcher).
 * Each object has a node of sixteen slots for the capabilities it is made of, and a struct for its numbers.
 *
 * Invariants
 *   1. Nothing that a client gave is ever CALLed: what kind of thing it is, discrim, keybits and the process tool say.
 *   2. A serving function ends with a code; what it answers beside that, it has put into `reply`.
 *   3. An object is charged to a bank, and dies with it.
 */
#ifndef KEYKOS_OBJECT_H
#define KEYKOS_OBJECT_H
#include <stdbool.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/discrim.h>
#include <keros/inv.h>
#include <keros/keybits.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/proctool.h>

enum {
	R_DISCRIM = 8, R_PROCTOOL, R_KEYBITS, R_TIMER, R_A, R_B, R_PHYSMEM, R_CHECKPOINT, R_C, R_D, R_E, R_CONSOLE, R_F,
	R_STORE = 21, R_BRAND, R_BANK_NATIVE,
	K0 = CR_ARG0, K1, K2,
};

enum kind {
	KIND_NONE, KIND_BANK, KIND_SBT, KIND_DCC, KIND_DC, KIND_FCC, KIND_FC, KIND_FACTORY, KIND_DIRECTORY,
	KINDS
};

#define OBJECTS 4096u
#define FACES   16u

/* KeyKOS's codes that are not common to every object (abi.h). */
#define RC_BAD_BANK  1u                    /* not an official prompt bank */
#define RC_NO_SPACE  2u
#define RC_FOREIGN   0xFFFFFFFFu           /* identification failed */
#define OC_DESTROY   (KT + 4)

struct object {
	uint8_t kind, flags;
	uint16_t bank;                         /* whom its storage is charged to; of a bank: the bank above */
	union {
		struct { uint64_t made[2], freed[2], limit[2], live[2]; } bank_of;
		struct { uint32_t akt, ordinal, address; uint32_t factories; uint16_t dc; uint8_t complete, shared; } factory;
	};
};
extern struct object objects[OBJECTS];

/* The message being served. */
extern struct msg message;
extern uint8_t message_string[4096];       /* zero-padded to at least 64 bytes */
extern unsigned face;

/* Bytes of the answer; capabilities are put into message.send by reply_key. */
void reply_bytes(const void *bytes, size_t length);
void reply_key(unsigned position, cap_t reg);
#define NO_REPLY 0xFFFFFFFEu               /* the caller is answered by somebody else */

static inline uint32_t arg32(unsigned offset)
{
	uint32_t n;

	memcpy(&n, message_string + offset, sizeof n);
	return n;
}

/* Objects.  A slot of an object's node is addressed by (index, slot). */
uint32_t object_make(enum kind kind, unsigned bank, unsigned *index);
void object_end(unsigned index);
uint32_t object_get(unsigned index, unsigned slot, cap_t to);
void object_put(unsigned index, unsigned slot, cap_t from);
void object_key(unsigned index, unsigned which_face, cap_t to);
/* The object and face of a key of ours; false if it is anything else. */
bool key_open(cap_t key, enum kind kind, unsigned *index, unsigned *which_face);
/* enum cap_type of what a client gave, asked without invoking it. */
unsigned key_type(cap_t key);
bool key_is_null(cap_t key);

/* bank.c */
bool bank_open(cap_t key, unsigned *index);
uint32_t bank_take(unsigned bank, unsigned kind, cap_t to);     /* 0, or KeyKOS's 1 no space, 4 limit */
uint32_t bank_give(unsigned bank, unsigned kind, cap_t object);
uint32_t bank_first(void);
uint32_t sb_serve(unsigned index, uint32_t order);
uint32_t sbt_serve(unsigned index, uint32_t order);

/* domain.c */
uint32_t domain_make(unsigned dc, unsigned bank, cap_t to);
uint32_t dc_make(unsigned bank, unsigned *index);
uint32_t dcc_serve(unsigned index, uint32_t order);
uint32_t dc_serve(unsigned index, uint32_t order);
/* A kernel object in KeyKOS's form; the first three keys each way. */
uint32_t primary(cap_t key, uint32_t order, cap_t send, cap_t recv);

/* factory.c */
uint32_t fcc_serve(unsigned index, uint32_t order);
uint32_t fc_serve(unsigned index, uint32_t order);
uint32_t factory_serve(unsigned index, uint32_t order);
void factory_ends(unsigned index);

/* directory.c: what the command interpreter finds at the start */
void directory_fill(void);
uint32_t directory_serve(unsigned index, uint32_t order);
#endif
