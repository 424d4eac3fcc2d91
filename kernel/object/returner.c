/*
 * returner.c - answers with the message it got: how a program copies a capability register,
 * and how a server answers a caller it does not trust (keykos.md 2.8).  The string is not echoed.
 */
#include "invoke/inv.h"
#include "kernel/returner.h"

void returner_op_echo(struct inv *inv)
{
	commit_point();
	for (unsigned i = 0; i < 3; i++)
		inv_out_cap(inv, i, *inv_cap(inv, i));
	for (unsigned i = 0; i < INV_WORDS; i++)
		inv->out_w[i] = inv_word(inv, i);
	inv_fail(inv, inv->order);
}
