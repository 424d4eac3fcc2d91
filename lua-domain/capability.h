/*
 * capability.h - capabilities as values of Lua.
 *
 * Invariants
 *   1. A capability value is the one owner of its slot: a userdata that claims a slot and is not its owner, however it
 *      was made, is refused.
 *   2. Printing and comparing ask the kernel alone, never the object: it may be hostile, and may never answer.
 */
#ifndef LUA_DOMAIN_CAPABILITY_H
#define LUA_DOMAIN_CAPABILITY_H
#include "domain.h"
#include "bindings.h"
#include "slots.h"

#define CAPABILITY "capability"

enum cap_class { CLASS_UNKNOWN, CLASS_NUMBER, CLASS_RESUME, CLASS_MEMORY, CLASS_SCHEDULE, CLASS_OTHER };

struct capability {
	slotno slot;                   /* 0: closed */
	const struct idl_interface *interface;
	uint8_t class;
	bool asked;                    /* what it is: interface says, or nobody knows */
	bool gone;                     /* when it was last asked, it was void */
	bool readonly, remote;         /* remote: its methods are the server's own (idl/object.idl) */
	uint8_t lss;
	uint16_t own;                  /* the facet of this domain that it is to, if that is known */
	uint8_t origin;                /* where an instance of a frozen domain finds it again: enum cap_origin */
	uint8_t age;                   /* of the instance that last put it into its slot */
};

/* A register, or a component; 0: an instance of a frozen domain has it no more. */
enum cap_origin { ORIGIN_REGISTER = 0x40, ORIGIN_COMPONENT = 0x80, ORIGIN_ARGUMENT = 0xC0 };

/*
 * In a new instance of a frozen domain: what it holds itself comes into the slots that its values name when they are
 * first used.
 */
void capability_thaw(void);

/* Makes the types of the values; before any other of these. */
void capability_open(lua_State *L);

/*
 * Pushes a value for the capability in a register, which is copied.  interface may be NULL, as label.  In two steps
 * where more than one came, or more than a capability: what is held already cannot be lost by what a finalizer does.
 */
slotno capability_hold(cap_t from);
struct capability *capability_adopt(lua_State *L, slotno slot, const struct idl_interface *interface, const char *label);
struct capability *capability_push(lua_State *L, cap_t from, const struct idl_interface *interface, const char *label);
/* Raises an error if the argument is none, or closed. */
struct capability *capability_check(lua_State *L, int index);
struct capability *capability_test(lua_State *L, int index);
/* A register that holds it: cached, or `spare`. */
cap_t capability_reg(struct capability *c, cap_t spare);
/* Finds out what it is; may call it.  Raises nothing. */
void capability_ask(struct capability *c);
/* The same for the value at an index; from the prompt, so that it can be interrupted. */
void capability_ask_in(lua_State *L, int index, struct capability *c);
/* Whether capability_ask would call nobody who may never answer; else whoever asks in another way tells what came. */
bool capability_known(struct capability *c);
void capability_learn(struct capability *c, uint32_t rc, uint64_t type);
/* Raises the error object for a result code. */
int capability_error(lua_State *L, const char *interface, const char *op, uint32_t code, const struct idl_op *of);
#endif
