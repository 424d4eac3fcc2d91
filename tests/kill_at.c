/*
 * kill_at.c - a plugin of QEMU's translator: the machine dies when its processor has executed so many instructions.
 *
 *     qemu-system-x86_64 -plugin kill_at.so,at=N ...        (one processor)
 *
 * Rules
 *   1. QEMU kills itself with SIGKILL, as a loss of power: nothing is flushed, closed or told.
 *   2. It dies before the first translated block that begins at N instructions or later; a block ends at every jump and
 *      access to a device, so no more than a few dozen are too many.  N = 0 never dies.
 * The plugin interface is version 1 (QEMU 4.2 to 8).  No package has its header, so what is used of it is declared here.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CB_NO_REGS = 0, INLINE_ADD_U64 = 0 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t number);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*translated)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*executed)(unsigned cpu, void *data), int flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *counter, uint64_t value);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

static uint64_t executed, at;

static void block_begins(unsigned cpu, void *data)
{
	(void)cpu, (void)data;
	if (executed >= at)
		raise(SIGKILL);
}

static void block_translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_begins, CB_NO_REGS, NULL);
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		qemu_plugin_register_vcpu_insn_exec_inline(qemu_plugin_tb_get_insn(tb, i), INLINE_ADD_U64, &executed, 1);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "at=", 3) == 0)
			at = strtoull(argv[i] + 3, NULL, 10);
	if (at)
		qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	return 0;
}
