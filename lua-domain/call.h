/*
 * call.h - calling: from a method's name and Lua's values to a message, and back.
 */
#ifndef LUA_DOMAIN_CALL_H
#define LUA_DOMAIN_CALL_H
#include "domain.h"
#include "slots.h"

/*
 * Every CALL of the domain on a capability that is not the kernel's goes through here.  A call on ourselves, which
 * the kernel refuses, is answered with RC_SELF.
 */
uint32_t message_call(cap_t target, uint32_t op, struct msg *m);
#define RC_SELF 0xFFFFFFF0u

struct capability;
/* What came in CR_ARG0..2 and a buffer, as values on the stack: see call.c. */
void call_hold(slotno held[3], unsigned count);
int call_take_values(lua_State *L, const char *from, size_t length, unsigned caps);
/* Pushes the table of a message that came: order, words, data, caps. */
void call_push_message(lua_State *L, const struct msg *m, const char *data);
/* The same when its capabilities are in slots already (0: none); m->recv_length bytes of data. */
void call_push_held(lua_State *L, const struct msg *m, const char *data, const slotno held[3]);
/* From values to a message; small has CALL_SMALL bytes. */
#define CALL_SMALL 1024u
void call_pack(lua_State *L, int from, int to, char *small, struct msg *m, struct capability *caps[3]);
void call_read_message(lua_State *L, int index, struct msg *m, struct capability *caps[3]);
void call_fill_registers(struct msg *m, struct capability *const caps[3]);

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
/* A buffer of INV_STRING_MAX bytes that a reply or a message is received into: kept, made when it is first needed. */
char *call_buffer(lua_State *L);
#endif
