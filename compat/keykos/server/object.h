/*
 * object.h - what the files of the KeyKOS server share: its registers, its objects, the message being answered.
 *
 * One process serves KeyKOS's domain-level objects.  Each has a node, and a key to it is a front-end of that node (of a
 * segment: a red segment), whose keeper is this process: what is invoked comes here with (index << 4) | rights bits
 * (kernel/invoke/invoke.c, forward_data).  When the node is given back, every key to the object is void at once, so a
 * number may be used again.
 *
 * A face says what a key may do: three bits, in the data byte as 0x80, 0x20 and 0x10.
 *
 * Invariants
 *   1. Nothing that a client gave is ever CALLed: what kind of thing it is, discrim, keybits and the process tool say.
 *      Only resume keys are answered: anything else could make the server wait.
 *   2. A serving function ends with a code; what it answers beside that, it has put into `reply`.
 *   3. An object is charged to a bank, and dies with it.  Another bank is remembered by its key, never by its number.
 *   4. Slots 14 and 15 of an object's node are keeper and format; the others are the object's own.
 *
 * Names.  NAME_serve(index, order) serves a message to an object of that kind: the code of the answer; NAME_make and
 * NAME_end are what struct kind_row says of make and end.  Where there is nothing more to say of them, nothing is said.
 * index: an object's number.  A bank is an object; bank 0 is the server's own storage.  Codes are KeyKOS's, 0 being good.
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
#include <keros/space.h>

enum {
	R_DISCRIM = 8, R_PROCTOOL, R_KEYBITS, R_TIMER, R_A, R_B, R_PHYSMEM, R_CHECKPOINT, R_C, R_D, R_E, R_CONSOLE, R_F,
	R_STORE = 21, R_BRAND, R_BANK_NATIVE,      /* CR_TMP0..3 are anybody's */
	R_SPARE = CR_CONST,                        /* bank.c */
	K0 = CR_ARG0, K1, K2,
};

/* Every kind has its row in kinds.c. */
enum kind {
	KIND_NONE, KIND_BANK, KIND_SBT, KIND_DCC, KIND_DC, KIND_FCC, KIND_FC, KIND_FACTORY, KIND_BIRTH, KIND_DIRECTORY,
	KIND_KIDC, KIND_KID, KIND_SPARES, KIND_STEMS, KIND_SNODEF, KIND_SNODE, KIND_RCF, KIND_RECORDS, KIND_RECORDS_VIEW,
	KIND_WAITF, KIND_WAIT, KIND_MBWAITF, KIND_MBWAIT, KIND_REGISTRATION, KIND_CLOCKF, KIND_CLOCK,
	KIND_CONSOLE, KIND_CIRCUIT, KIND_SIK, KIND_SOK, KIND_TSSF, KIND_EXTENSION, KIND_TERMINAL, KIND_ZAPPER,
	KIND_SIAF, KIND_SIA, KIND_NODE_RANGE, KIND_PAGE_RANGE,
	KIND_FSF, KIND_FS, KIND_VCSF, KIND_VCS, KIND_JOURNAL, KIND_DOMTOOL,
	KINDS
};

#define OBJECTS 4096u
#define OBJECT_FIRST 16u                   /* lower numbers could not be told from a program's own data bytes */
#define SLOT_NODE_KEEPER 14
#define SLOT_NODE_FORMAT 15

/* Key types as keybits tells them: object/captype.def. */
enum { TYPE_VOID, TYPE_NUMBER, TYPE_PAGE, TYPE_NODE, TYPE_FETCH, TYPE_SENSE, TYPE_SEGMENT, TYPE_FRONTEND, TYPE_SCHEDULE,
       TYPE_PROCESS, TYPE_START, TYPE_RESUME };

/* KeyKOS's codes that are not common to every object (abi.h). */
#define RC_BAD_BANK  1u                    /* not an official prompt bank */
#define RC_NO_SPACE  2u
#define RC_FOREIGN   0xFFFFFFFFu           /* identification failed */
#define RC_NO_NODES  (KT + 6)
#define RC_NO_PAGES  (KT + 7)
#define OC_DESTROY   (KT + 4)

struct object {
	uint8_t kind, flags;
	uint16_t bank;                         /* whom its storage is charged to; of a bank: the bank above */
	uint32_t arena_pages;                  /* of its memory (arena.c) */
	uint8_t tree_depth;                    /* of its keys (keytree.c) */
	union {
		struct { uint64_t made[2], freed[2], limit[2], live[2]; } bank_of;
		struct {
			uint64_t creator;                  /* its serial; 0 the system */
			uint32_t akt, ordinal, address, factories, limit, holes;
			uint8_t complete, shared;
		} factory;
		struct { uint64_t serial; } maker;  /* of factories: never used again, as an index is */
		struct { uint32_t order, stage, made; } birth;
		struct { uint32_t limit, count; } set;
		struct {
			uint64_t made;
			uint16_t count, used, free, limit; /* free: 1 + the first record of those given back */
			uint16_t longest, shortest, longest_name, shortest_name; /* of the records, unless stale */
			uint8_t by_name, stale, user_length, user[128];
		} records;
		struct { uint8_t rights; } view;
		struct { uint64_t tod; uint8_t waiting; } timer;
		struct { uint32_t count, highest; } multiplexer;
		struct { int32_t west_minutes; char zone[3]; } clock;
		struct {
			uint32_t activation[8];            /* a bit a character */
			uint16_t want, read_flags, in_length, out_length, out_done, id;
			uint8_t type, reading, writing, gobbles, active_in, active_out;
		} circuit;
		struct { uint16_t input, output; uint8_t has_switch, switch_character, waits; } terminal;
		struct { uint32_t hint; } integers; /* no lower bit is free */
		struct { uint64_t limit, copy_from, copy_to, owner; uint8_t lss, frozen, meta[12]; } seg;
	};
};
extern struct object objects[OBJECTS];
extern unsigned objects_used;              /* from this index on none was ever made */

/* The message being served. */
extern struct msg message;
extern uint8_t message_string[4096];       /* zero-padded to at least 64 bytes */
extern unsigned face;

/* The string of the answer, copied: at most 4096 bytes.  The key that goes in position 0..3, out of a register when the answer
 * is sent. */
void reply_bytes(const void *bytes, size_t length);
void reply_key(unsigned position, cap_t reg);
#define NO_REPLY 0xFFFFFFFEu               /* the caller is answered by somebody else */

static inline uint32_t arg32(unsigned offset)
{
	uint32_t n;

	memcpy(&n, message_string + offset, sizeof n);
	return n;
}

/* Whether the message is a fault of the memory that the object keeps, and where. */
struct fault { bool is, writes, present; uint64_t offset; };
extern struct fault fault;

static inline uint64_t arg64(unsigned offset)
{
	uint64_t n;

	memcpy(&n, message_string + offset, sizeof n);
	return n;
}

/* Objects.  A slot of an object's node is addressed by (index, slot). */
uint32_t object_make(enum kind kind, unsigned bank, unsigned *index);  /* 0, or RC_NO_SPACE: of the bank, or for more objects */
void object_end(unsigned index);           /* what it has, then its node: with that every key to it is void */
void object_free(unsigned index);          /* of what has given its storage back */
uint32_t object_get(unsigned index, unsigned slot, cap_t to);
void object_put(unsigned index, unsigned slot, cap_t from);
void object_key(unsigned index, unsigned which_face, cap_t to);        /* a key to it */
void object_node(unsigned index, cap_t to);                            /* its node itself: never for a client */
/* Makes a node a wrapper of the object: slot 14 the keeper, slot 15 the format. */
void wrapper_fill(cap_t node, unsigned index, uint32_t format);
#define FORMAT_FRONTEND 0x1FFFEF03u
unsigned face_data(unsigned which_face);   /* the face's bits in the data byte */
/* The object and face of a key of ours to that kind, or to any; false if it is anything else. */
bool key_open(cap_t key, enum kind kind, unsigned *index, unsigned *which_face);
bool key_index(cap_t key, unsigned *index, unsigned *which_face);
/* The type (TYPE_*) of what a client gave, asked without invoking it; with its data byte. */
unsigned key_type(cap_t key);
unsigned key_look(cap_t key, unsigned *data_byte);
bool key_is_null(cap_t key);               /* DK(0), or a key to something that is no more */
/* Keeps the caller's resume key in a slot, to be answered later by object_answer. */
bool object_park(unsigned index, unsigned slot);
void object_answer(unsigned index, unsigned slot, struct msg *m);

/* kinds.c: what the kinds do. */
struct kind_row {
	uint32_t (*serve)(unsigned index, uint32_t order);
	void (*end)(unsigned index);       /* what it has beside its node is given back or forgotten; NULL: nothing */
	bool maker;                        /* a factory without holes */
	bool segment;                      /* its keys are red segment keys, as published; others are front-ends */
	uint32_t type;                     /* of a maker's key */
	/* Of a maker with the requestor's interface: psb, meter and third key are K0..K2; the object's key goes to `to`. */
	uint32_t (*make)(unsigned index, uint32_t order, cap_t to);
};
extern const struct kind_row kinds[KINDS];
/* Whether it is a key to a maker of ours, and to which. */
bool key_is_maker(cap_t key, unsigned *index);

/* What keybits says of a key. */
struct entry { uint64_t first, second; uint32_t number, gratis; }; /* gratis: of a range only */

/* maker.c */
uint32_t maker_serve(unsigned index, uint32_t order);

/* segment.c */
bool segments_begin(void);                 /* at the system's start: the zeroes that fresh segments begin as; false: no room */
void stem_highest(cap_t to);               /* those of the greatest height */
uint32_t fs_make(unsigned index, uint32_t order, cap_t to);
uint32_t fs_serve(unsigned index, uint32_t order);
uint32_t vcs_make(unsigned index, uint32_t order, cap_t to);
uint32_t vcs_serve(unsigned index, uint32_t order);
void segment_end(unsigned index);
/* The virtual copy in `segment` is the program of the domain in `domain`, and ends with it. */
void segment_belongs(cap_t segment, cap_t domain);
void segments_of_domain_end(const struct entry *domain);       /* that domain has ended */

/* keytree.c: keys by 32-bit numbers. */
enum { KEYTREE_NO_DEPTH = 2, KEYTREE_NO_NODE = 3 };
/* Stores `in` under that number of the object's; what was there goes to `old`.  Neither may be R_D or R_E.  KEYTREE_*: the bank
 * has nothing for the way there. */
uint32_t keytree_swap(unsigned index, uint32_t number, cap_t in, cap_t old);
void keytree_fetch(unsigned index, uint32_t number, cap_t to); /* DK(0) if there is none */
void keytree_clear(unsigned index);        /* all of them go, and the nodes back to the bank */

/* snode.c, records.c */
uint32_t snode_make(unsigned index, uint32_t order, cap_t to);
uint32_t snode_serve(unsigned index, uint32_t order);
uint32_t records_make(unsigned index, uint32_t order, cap_t to);
uint32_t records_serve(unsigned index, uint32_t order);
uint32_t records_view_serve(unsigned index, uint32_t order);
void records_end(unsigned index);

/* wait.c, clock.c */
#define CLOCK_TEXT 31
#define NOTICE_TIMER 1u
#define NOTICE_RESTART 2u
void waits_begin(void);                    /* the server starts */
void waits_expire(void);                   /* the alarm came, or the system goes on from its store: answers whose time it is */
uint32_t wait_make(unsigned index, uint32_t order, cap_t to);
uint32_t wait_serve(unsigned index, uint32_t order);
void wait_end(unsigned index);
uint32_t mbwait_make(unsigned index, uint32_t order, cap_t to);
uint32_t mbwait_serve(unsigned index, uint32_t order);
void mbwait_end(unsigned index);
uint32_t clock_make(unsigned index, uint32_t order, cap_t to);
uint32_t clock_serve(unsigned index, uint32_t order);
void clock_text(uint64_t tod, char text[CLOCK_TEXT]);          /* a time as the clock object writes it, in UT */
/* What to add to the system timer for the time of day since 1970. */
uint64_t time_of_day_offset(void);
void time_of_day_forget(void);             /* the system goes on from its store: its timer stood still meanwhile */
void alarm_set(void);                      /* before waiting: a notice when the first waiter, or the kernel page, is due */

/* journal.c: the kernel page */
#define JOURNAL_PERIOD_US 10000u
bool journal_runs(void);                   /* somebody has asked for it: it is to be renewed each period */
void journal_tick(void);                   /* renews it */
void journal_restart(void);                /* the server starts, or the system goes on from its store */
uint32_t journal_serve(unsigned index, uint32_t order);

/* circuit.c */
enum circuit_type { CIRCUIT_CONSOLE, CIRCUIT_BRANCH, CIRCUIT_ZAPPED };
bool circuits_begin(void);                 /* at the system's start: the console's; false: no room, or no console */
bool circuits_wait(void);                  /* somebody waits for input or output */
void circuits_poll(void);                  /* takes what the console has, and goes on with what waits to be written */
uint32_t circuit_make(unsigned bank, enum circuit_type type, unsigned *index); /* with its memory: 0 or RC_NO_SPACE */
/* New SIK and SOK in R_A and R_B, its own key in R_C; the old ones die: 0 or RC_NO_SPACE. */
uint32_t circuit_keys(unsigned index);
void circuit_link(unsigned upper, unsigned lower);             /* upper stands on lower from now on */
bool circuit_lower(unsigned index, enum kind kind, unsigned *lower);   /* what it stands on, if that is of the kind */
void circuit_disconnect(unsigned index);   /* its keys die; a zapper above loses its circuit */
void circuit_input(unsigned index, char c);    /* a byte comes in, for whoever has the input; what finds no room is lost */
void writer_try(unsigned index);           /* the bytes that wait, as far as they will go */
void circuit_end(unsigned index);
uint32_t circuit_serve(unsigned index, uint32_t order);
uint32_t sik_serve(unsigned index, uint32_t order);
uint32_t sok_serve(unsigned index, uint32_t order);
uint32_t device_serve(unsigned index, uint32_t order);
uint32_t console_circuit(void);            /* answers with the console's keys */

/* terminal.c */
bool terminal_outputs(unsigned branch, unsigned *lower);       /* it has its terminal's output, which goes to that circuit */
void terminal_active(unsigned branch, bool input);             /* input or output waits at a branch that has not got it */
void terminal_input(unsigned terminal, char c);                /* a byte from below */
bool terminal_branch(unsigned terminal, unsigned *branch);     /* the one that has the input */
void terminal_end(unsigned index);
uint32_t terminal_serve(unsigned index, uint32_t order);
void zapper_lost(unsigned above);          /* the circuit above a zapper has lost what was below */
void zapper_end(unsigned index);
uint32_t zapper_serve(unsigned index, uint32_t order);
uint32_t extension_serve(unsigned index, uint32_t order);
uint32_t tssf_serve(unsigned index, uint32_t order);

/* sia.c, range.c */
uint32_t sia_make(unsigned index, uint32_t order, cap_t to);
uint32_t sia_serve(unsigned index, uint32_t order);
uint32_t range_serve(unsigned index, uint32_t order);
/* A range, for the directory: its number, or 0. */
unsigned range_make(enum kind kind);
/* Whether it is a full key to a node of the node range, and at which place. */
bool range_place(cap_t node, uint32_t *place);
void range_node(uint32_t place, cap_t to); /* the node at that place; DK(0): it was never asked for */

/* tool.c: the domain tool; what becomes of the domain whose root stands at that place of the node range. */
unsigned tool_make(void);                  /* for the directory: its number, or 0 */
void root_severed(uint32_t place);         /* its domain gets another name: keys to the old one are void */
void root_cleared(uint32_t place);         /* its domain is no more */
/* Who waits for that domain hears KT+1. */
void root_refuses(uint32_t place);
uint32_t tool_serve(unsigned index, uint32_t order);

/* main.c: the system timer, 4096 units a microsecond. */
uint64_t time_now(void);

/* arena.c: memory of an object's own, paid by its bank, seen through one of two windows. */
enum { ARENA_A, ARENA_B };
#define ARENA_PAGES 4096u                   /* the most */
uint32_t arena_grow(unsigned index, uint32_t pages);   /* to at least so many: 0, or a code, and it is as it was */
void *arena_see(unsigned index, unsigned window);      /* where it is, until that window shows another */
void arena_free(unsigned index);

/* keyset.c: sets of keys, known by what keybits says of them. */
#define RC_FULL 1u
/* A set lies in the arena of an object that keeps its count. */
void keyset_bits(cap_t key, struct entry *e);          /* a key as a set knows it, with number 0 */
/* 0 or RC_FULL; one that is there gets the number. */
uint32_t keyset_add(unsigned index, uint32_t *count, const struct entry *e);
/* Seen through that window; NULL: it is not there. */
const struct entry *keyset_find(unsigned index, uint32_t count, const struct entry *e, unsigned window);
uint32_t keyset_delete(unsigned index, uint32_t *count, const struct entry *e);        /* 0, or 1: it is not there */
/* Whether all of one are in the other. */
bool keyset_within(unsigned inner, uint32_t inner_count, unsigned outer, uint32_t outer_count);
/* Adds all of one set to another, of at most `limit`: 0 or a code, with those added that went before. */
uint32_t keyset_join(unsigned to, uint32_t *to_count, uint32_t limit, unsigned from, uint32_t from_count);
uint32_t kidc_serve(unsigned index, uint32_t order);
uint32_t kid_serve(unsigned index, uint32_t order);

/* bank.c */
/* kind: 0 a node, 1 a page, 2 a domain. */
bool bank_open(cap_t key, unsigned *index);            /* a prompt, official bank; false: it is none */
uint32_t bank_take(unsigned bank, unsigned kind, cap_t to);     /* 0, or KeyKOS's 1 no space, 4 limit */
uint32_t bank_give(unsigned bank, unsigned kind, cap_t object);        /* back to it: 0, or 1 it is not its */
uint32_t bank_renew(unsigned bank, cap_t object);      /* every other key to it dies, the new one goes to R_A: 0, or 1 */
uint32_t bank_first(void);                             /* at the system's start */
/* R_BANK_NATIVE is about to hold something else. */
void native_forget(void);
uint32_t sb_serve(unsigned index, uint32_t order);
uint32_t sbt_serve(unsigned index, uint32_t order);

/* domain.c */
uint32_t domain_make(unsigned dc, unsigned bank, cap_t to);    /* with the creator's brand: 0 or RC_NO_SPACE */
uint32_t dc_make(unsigned bank, unsigned *index);              /* a domain creator: 0 or RC_NO_SPACE */
void dc_end(unsigned dc);
uint32_t dcc_serve(unsigned index, uint32_t order);
uint32_t dc_serve(unsigned index, uint32_t order);
/* The domain whose key is in K1, and whose creator is gone, goes back to the bank: 0, or 1 it is not its. */
uint32_t domain_dissolve(unsigned bank);
/* If it is a resume key, who waits hears KT+1. */
void resume_refuse(cap_t key);
/* A kernel object in KeyKOS's form; the first key each way. */
uint32_t primary(cap_t key, uint32_t order, cap_t send, cap_t recv);

/* factory.c */
uint32_t fcc_serve(unsigned index, uint32_t order);
bool fc_make(unsigned bank, unsigned *index);  /* a factory creator; false: no room */
uint32_t fc_serve(unsigned index, uint32_t order);
uint32_t factory_serve(unsigned index, uint32_t order);
uint32_t birth_serve(unsigned index, uint32_t order);
void factory_end(unsigned index);
/* A factory of the program in R_C with that entry and alleged type, at the system's start; its components, each in R_C; its
 * requestor. */
bool builtin_make(unsigned bank, uint32_t entry, uint32_t type, unsigned *index);
void builtin_component(unsigned index, unsigned which);
void builtin_requestor(unsigned index, cap_t to);
/* Whether the key is a factory no riskier than one of that number and count of holes: 0 so, 1 it has more, 2 no factory. */
uint32_t key_compares(cap_t key, unsigned factory, uint32_t holes);
void birth_end(unsigned index);

/* rootnode.c: the root of the nodes that programs of the ancestor take their keys from, and the facilities of a womb;
   false: no space, or a key is not in the directory. */
bool rootnode_make(cap_t root, cap_t womb);

/* directory.c: what the command interpreter, or who was granted the server, finds at the start */
void directory_fill(void);                 /* at the system's start; stops the machine if it cannot */
bool directory_find(const char *name, cap_t to);        /* false: there is none of that name */
unsigned directory_index(void);            /* what the server's own start capability, number 0, stands for */
uint32_t directory_serve(unsigned index, uint32_t order);
#endif
