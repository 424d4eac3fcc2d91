/*
 * log.c - the kernel log on the first serial line, and the power switch beside it.
 * data of the capability: LOG_POWER if it may switch off.
 */
#include "arch.h"
#include "invoke/inv.h"
#include "kernel/log.h"
#include "log.h"
#include "object/device.h"

#define LOG_MAX 1024

void log_op_put(struct inv *inv)
{
	static char text[LOG_MAX];
	long length = inv_string(inv, text, sizeof text);

	if (length < 0)
		return;
	commit_point();
	log_write(text, length);
}

void log_op_power_off(struct inv *inv)
{
	if (!(inv->target.data & LOG_POWER)) {
		inv_fail(inv, RC_NOACCESS);
		return;
	}
	commit_point();
	arch_power_off(inv_word(inv, 0) & 0xFF);
}

void log_op_text_only(struct inv *inv)
{
	commit_point();
	inv_out_cap(inv, 0, cap_misc(CAP_LOG, 0, 0));
}

void log_op_stats(struct inv *inv)
{
	commit_point();
	inv->out_w[0] = range_frames;
	inv->out_w[1] = frame_free_count();
	inv->out_w[2] = kernel_stats.invocations;
	inv->out_w[3] = kernel_stats.faults;
}
