/*
 * number.c - numbers (data keys).  Whatever is asked, the result is RC_VOID, with the value in the
 * words and the string (keykos.md 2.2): the universal answer of a capability that is no service.
 */
#include "invoke/inv.h"
#include "kernel/number.h"

/* The 14-byte body, big-endian, as the low 6 bytes or as 16 bytes with two zeroes in front. */
void number_op_get(struct inv *inv)
{
	static uint64_t body[2];
	const struct cap *c = &inv->target;

	commit_point();
	inv->out_w[0] = c->ref;
	inv->out_w[1] = (uint64_t)c->data << 32 | c->count;
	body[0] = __builtin_bswap64(inv->out_w[1]);
	body[1] = __builtin_bswap64(c->ref);
	inv->out_string = (const uint8_t *)body + (inv->order == 1 ? 0 : 10);
	inv->out_length = inv->order == 1 ? 16 : 6;
	inv_fail(inv, RC_VOID);
}
