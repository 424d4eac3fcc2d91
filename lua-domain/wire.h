/*
 * wire.h - values of Lua as bytes: what a method of an object of idl/object.idl takes and gives.
 *
 *	0 nil   1 false   2 true
 *	3 integer, 8 bytes            4 float, 8 bytes           10 integer, 1 byte, signed
 *	5 string, 1 byte of length    6 string, 4 bytes of length
 *	7 table: keys and values in turn, then 8
 *	9 capability: 1 byte, which position of the message
 *
 * All little-endian.  Values follow each other to the end of the bytes.
 *
 * Invariants
 *   1. wire_unpack trusts no byte: whatever comes is values or an error, and takes no more memory than its length allows.
 *   2. What is sent is a copy: a table's metatable stays behind.  A function, a coroutine or a userdata that is no
 *      capability cannot be sent.
 */
#ifndef LUA_DOMAIN_WIRE_H
#define LUA_DOMAIN_WIRE_H
#include "capability.h"

#define WIRE_DEPTH 32
#define WIRE_CAPS  3

struct wire_caps {
	int base;                      /* index on the stack of the first of three values: the positions' capabilities */
	unsigned count;
};

/*
 * Packs the values first..last of the stack, and pushes three: the capabilities among them (struct wire_caps).  The
 * length, or -1 with an error message pushed instead.  If it would be more than room, nothing is to be believed of
 * `to`, and the length that was reached (more than room) is returned.
 */
long wire_pack(lua_State *L, int first, int last, char *to, size_t room, struct wire_caps *caps);

/*
 * Pushes the values; how many, or -1 with an error message pushed.  caps are values for the positions, on the stack
 * from index base; count of them.
 */
int wire_unpack(lua_State *L, const char *from, size_t length, int base, unsigned count);

/* Makes what both need; before any other of these. */
void wire_open(lua_State *L);
#endif
