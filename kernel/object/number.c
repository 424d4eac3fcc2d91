/*
 * number.c - data keys.  Whatever is asked, the result is RC_VOID, with the value in the
 * words and the string (keykos.md 2.2): the universal answer of a capability that is no service.
 */
#include "invoke/inv.h"
#include "kernel/number.h"

/* The 14-byte body, big-endian, as the low 6 bytes or as 16 bytes with two zeroes in front. */
void number_op_get(struct inv *inv)
{
	static uint8_t body[16];
	const struct cap *c = &inv->target;

	commit_point();
	inv->out_w[0] = c->ref;
	inv->out_w[1] = (uint64_t)c->data << 32 | c->count;
	for (unsigned i = 0; i < 8; i++)
		body[15 - i] = c->ref >> (8 * i);
	for (unsigned i = 0; i < 6; i++)
		body[7 - i] = inv->out_w[1] >> (8 * i);
	body[0] = body[1] = 0;
	inv->out_string = inv->order == 1 ? body : body + 10;
	inv->out_length = inv->order == 1 ? 16 : 6;
	inv_fail(inv, RC_VOID);
}
