/*
 * ioport.c - I/O ports.  ref of the capability: first port, count in data (0 = all 65,536).
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/ioport.h"

static bool ports_allowed(struct inv *inv, uint64_t first, uint64_t count)
{
	uint64_t base = inv->target.ref, length = inv->target.data ? inv->target.data : 65536;

	if (count == 0 || first < base || first - base > length || count > length - (first - base)) {
		inv_fail(inv, RC_NOACCESS);
		return false;
	}
	return true;
}

static bool size_valid(struct inv *inv, uint64_t size)
{
	if (size == 1 || size == 2 || size == 4)
		return true;
	inv_fail(inv, RC_REQUEST);
	return false;
}

void ioport_op_in(struct inv *inv)
{
	uint64_t port = inv_word(inv, 0), size = inv_word(inv, 1);

	if (!size_valid(inv, size) || !ports_allowed(inv, port, size))
		return;
	commit_point();
	inv->out_w[0] = arch_port_in(port, size);
}

void ioport_op_out(struct inv *inv)
{
	uint64_t port = inv_word(inv, 0), size = inv_word(inv, 1);

	if (!size_valid(inv, size) || !ports_allowed(inv, port, size))
		return;
	commit_point();
	arch_port_out(port, size, inv_word(inv, 2));
}

void ioport_op_narrow(struct inv *inv)
{
	uint64_t first = inv_word(inv, 0), count = inv_word(inv, 1);

	if (!ports_allowed(inv, first, count))
		return;
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_IOPORT, (uint16_t)count, first));
}
