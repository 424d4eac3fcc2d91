/*
 * call.h - calling: from a method's name and Lua's values to a message, and back (message.c, call.c).
 */
#ifndef LUA_DOMAIN_CALL_H
#define LUA_DOMAIN_CALL_H
#include "domain.h"
#include "slots.h"

struct capability;

/* ---- message.c: messages from values, and back ---- */

#define CALL_SMALL 1024u               /* bytes that a short message's string may have: it needs no memory of Lua's */
#define RC_SELF 0xFFFFFFF0u

/* Where a message's three capabilities come: CR_ARG0..2. */
extern const cap_t arg_register[3];
/* A buffer of INV_STRING_MAX bytes that a reply or a message is received into: kept, made when it is first needed. */
char *call_buffer(lua_State *L);
/*
 * Every CALL of the domain on a capability that is not the kernel's goes through here; op: INV_CALL and flags.  A call on
 * ourselves, which the kernel refuses, is answered with RC_SELF.
 */
uint32_t message_call(cap_t target, uint32_t op, struct msg *m);
/* The last thing before the invocation: the capabilities to be sent, into their registers. */
void call_fill_registers(struct msg *m, struct capability *const caps[3]);
/* The first thing after it: the first `count` capabilities that came are kept in slots; 0: there is no such. */
void call_hold(slotno held[3], unsigned count);
/* What came with a message: pushes its values; how many, or -1 with a message pushed that says what is wrong. */
int call_take_values(lua_State *L, const char *from, size_t length, unsigned caps);
/*
 * Packs the stack's values from..to into a message: into `small`, which has CALL_SMALL bytes, if they fit, else into a
 * userdata that is pushed.  Three values are pushed (struct wire_caps).  Raises an error if they cannot be sent.
 */
void call_pack(lua_State *L, int from, int to, char *small, struct msg *m, struct capability *caps[3]);
/* order, words, data, caps of the table at index, into a message; what the message points to stays referenced by it. */
void call_read_message(lua_State *L, int index, struct msg *m, struct capability *caps[3]);
/* Pushes such a table for a message that came, with m->recv_length bytes of data. */
void call_push_message(lua_State *L, const struct msg *m, const char *data);
/* The same when its capabilities are in slots already (0: none). */
void call_push_held(lua_State *L, const struct msg *m, const char *data, const slotno held[3]);

/* ---- call.c: methods ---- */

/*
 * The message for a method: target at index self of the stack, the name and the arguments above it to the top.  *op is
 * NULL if the object serves methods of its own; *limit is raised to what the answer's string may have.
 */
struct idl_op;
struct idl_interface;
void call_prepare(lua_State *L, struct capability *target, int self, char *small, struct msg *m, struct capability *caps[3],
		  const struct idl_op **op, const struct idl_interface **of, size_t *limit);

int call_index(lua_State *L);          /* __index of capabilities: the method of a name */
int call_raw(lua_State *L);            /* cap:call{...} */
#endif
