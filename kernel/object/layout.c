/*
 * layout.c - layout.h: whether a stored system is one that this kernel can go on with.
 *
 * The host's command is linked with this file too, so that it can say so before a machine starts.
 */
#include <stddef.h>
#include "object/layout.h"
#include "object/object.h"

#define SUM_FIRST 0xCBF29CE484222325ull        /* FNV-1a */
#define SUM_PRIME 0x100000001B3ull

#define FIELD(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)

static const uint32_t shapes[] = {
	FIELD(cap, type), FIELD(cap, rights), FIELD(cap, data), FIELD(cap, count), FIELD(cap, ref), REF_HINT_BITS,
	FIELD(node, alloc_count), FIELD(node, slot), sizeof(struct node), NODES_PER_POT, NODE_SLOTS,
	FIELD(process, regs), FIELD(process, fs_base), FIELD(process, gs_base), FIELD(process, foreign_entry),
	FIELD(process, state), FIELD(process, flags), FIELD(process, fault_code), FIELD(process, notices),
	FIELD(process, recv_control), FIELD(process, alarm_bits), FIELD(process, irq_bits), FIELD(process, fault_info),
	FIELD(process, alarm_ns), FIELD(process, commit_generation), FIELD(process, commit_bits),
	FIELD(process, restart_bits), FIELD(process, refusal), FIELD(process, slots), FIELD(process, caps),
	FIELD(process, name), FIELD(process, givers), FIELD(process, fpu), sizeof(struct process), PROCESS_SLOTS, CAP_REGISTERS,
	FIELD(regs, rax), FIELD(regs, rip), FIELD(regs, rsp), FIELD(regs, rflags), sizeof(struct regs),
	FRAME_PAGE, FRAME_POT, FRAME_PROCESS, PROC_AVAILABLE, PROC_RUNNING, PROC_WAITING,
#define CAPTYPE(number, upper, lower, target, memory, doc) number,
#include "object/captype.def"
#undef CAPTYPE
};

static uint64_t sum_add(uint64_t sum, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++, value >>= 8)
		sum = (sum ^ (value & 0xFF)) * SUM_PRIME;
	return sum;
}

uint64_t layout_sum(void)
{
	static uint64_t known;         /* each demarcation asks */
	uint64_t sum = SUM_FIRST;

	if (known)
		return known;
	for (unsigned i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		sum = sum_add(sum, shapes[i]);
	return known = sum_add(sum_add(sum, OID_PHYS), OID_DMA);
}

const char *layout_judge(const uint64_t *root)
{
	if (root[ROOT_LAYOUT] > LAYOUT_NOW)
		return "was written by a newer kernel, whose layout of objects this one does not know";
	if (root[ROOT_LAYOUT] < LAYOUT_OLDEST)
		return "was written by an older kernel, whose layout of objects this one does not read any more";
	if (root[ROOT_LAYOUT] == LAYOUT_NOW && root[ROOT_SUM] != layout_sum())
		return "was written by a kernel under development that lays objects out differently";
	if (root[ROOT_LAYOUT] > 3 && root[ROOT_ABI] > KERNEL_ABI_NOW)
		return "holds programs that need a newer kernel";
	if (root[ROOT_LAYOUT] > 3 && root[ROOT_ABI] < KERNEL_ABI_OLDEST)
		return "holds programs that call a kernel older than this one can be";
	return NULL;
}
