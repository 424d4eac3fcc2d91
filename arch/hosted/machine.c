/*
 * machine.c - arch.h for an ordinary program: the processor, its clock and its devices as data.
 *
 * Invariants
 *   1. Nothing happens by itself.  Time passes when a test lets it, or when nobody can run and the
 *      timer is set: then the clock jumps to the timer, as in a machine that sleeps.
 *   2. Where the kernel would go to user mode or wait for ever, control returns to the driver
 *      (machine_run), which the tests call: the kernel's noreturn entries end there.
 *   3. The processor's copies of a process (FPU state, FS and GS bases) are kept apart from the
 *      process, as in hardware: code that forgets to save or to forget them fails here too.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "machine_test.h"
#include "mem/space.h"
#include "object/persist.h"
#include "panic.h"

#define FLAGS_USER 0x240DD5ull
#define FLAGS_ALWAYS 0x202ull

struct machine machine;

static jmp_buf driver;
static bool driver_waits;
static uint64_t processor_fs_base, processor_gs_base;
static uint8_t processor_fpu[PROCESS_FPU_BYTES];

/* ---- the driver -------------------------------------------------------------------------- */

static void __attribute__((noreturn)) back_to_driver(enum machine_outcome outcome)
{
	if (!driver_waits) {
		fprintf(stderr, "the kernel gave up control outside machine_run; its log:\n%s\n", machine.log);
		abort();
	}
	driver_waits = false;
	longjmp(driver, outcome);
}

enum machine_outcome machine_run(void (*entry)(void))
{
	int outcome = setjmp(driver);

	if (outcome)
		return outcome;
	driver_waits = true;
	entry();
	back_to_driver(MACHINE_RETURNED);
}

void arch_enter(struct process *p)
{
	KCHECK(250, p == cpu.current && p->state == PROC_RUNNING && p->queue == QUEUE_NONE,
	       "the process that is entered is current, running and in no queue");
	machine.entered++;
	back_to_driver(MACHINE_ENTERED);
}

void arch_idle(void)
{
	if (machine.timer_ns == ~0ull)
		back_to_driver(MACHINE_IDLE);
	if (machine.now_ns < machine.timer_ns)
		machine.now_ns = machine.timer_ns;
	machine.timer_ns = ~0ull;
	sched_timer();
}

void arch_power_off(unsigned status)
{
	machine.off_status = status;
	back_to_driver(MACHINE_OFF);
}

/* The number is in the text that panic_condition has just written. */
void arch_panic_stop(void)
{
	const char *text = machine.log, *next;
	int number = 0;

	while ((next = strstr(text, "KEROS FAILURE C"))) {
		number = atoi(next + 15);
		text = next + 15;
	}
	if (machine.panic_exits)
		_exit(number);
	fprintf(stderr, "%s\n", machine.log);
	abort();
}

void arch_log_write(const char *text, size_t length)
{
	if (length > sizeof machine.log - 1)
		length = sizeof machine.log - 1;
	if (machine.log_length + length > sizeof machine.log - 1)
		machine.log_length = 0;
	memcpy(machine.log + machine.log_length, text, length);
	machine.log_length += length;
	machine.log[machine.log_length] = 0;
}

/* ---- processes --------------------------------------------------------------------------- */

void arch_process_init(struct process *p)
{
	p->regs.cs = 0x23;
	p->regs.ss = 0x1B;
	p->regs.rflags = FLAGS_ALWAYS;
}

bool arch_regs_valid(uint64_t rip, uint64_t fs_base, uint64_t gs_base)
{
	return rip < USER_END && fs_base < USER_END && gs_base < USER_END;
}

uint64_t arch_flags_safe(uint64_t rflags)
{
	return (rflags & FLAGS_USER) | FLAGS_ALWAYS;
}

void arch_bases_save(struct process *p)
{
	p->fs_base = processor_fs_base;
	p->gs_base = processor_gs_base;
}

void arch_space_unload(void)
{
	machine.space_loads++;
}

void arch_set_current(struct process *p)
{
	struct space *s;

	if (cpu.current && cpu.current != p && cpu.bases_owner == cpu.current)
		arch_bases_save(cpu.current);
	cpu.current = p;
	if (cpu.bases_owner != p) {
		processor_fs_base = p->fs_base;
		processor_gs_base = p->gs_base;
		cpu.bases_owner = p;
	}
	s = space_of(p);
	if (s != cpu.loaded) {
		cpu.loaded = s;
		machine.space_loads++;
	}
}

/* ---- FPU --------------------------------------------------------------------------------- */

void arch_fpu_save(struct process *p)
{
	if (cpu.fpu_owner != p)
		return;
	memcpy(p->fpu, processor_fpu, sizeof p->fpu);
	p->flags |= PROCESS_FPU_USED;
}

void arch_fpu_forget(struct process *p)
{
	if (cpu.fpu_owner == p)
		cpu.fpu_owner = NULL;
}

/* An image this processor would load: long enough, no state it does not have, the rest zero. */
bool arch_fpu_valid(const void *image, size_t length)
{
	static const uint8_t zeroes[56];
	uint64_t states;

	if (length < 576 || length > PROCESS_FPU_BYTES)
		return false;
	memcpy(&states, (const uint8_t *)image + 512, sizeof states);
	return !(states & ~7ull) && !memcmp((const uint8_t *)image + 520, zeroes, sizeof zeroes);
}

uint8_t *machine_use_fpu(void)
{
	if (cpu.fpu_owner != cpu.current) {
		if (cpu.fpu_owner)
			arch_fpu_save(cpu.fpu_owner);
		memset(processor_fpu, 0, sizeof processor_fpu);
		if (cpu.current->flags & PROCESS_FPU_USED)
			memcpy(processor_fpu, cpu.current->fpu, sizeof processor_fpu);
		cpu.fpu_owner = cpu.current;
	}
	return processor_fpu;
}

/* ---- time, lines and ports --------------------------------------------------------------- */

uint64_t arch_now_ns(void)
{
	return machine.now_ns;
}

uint64_t arch_tsc(void)
{
	if (machine.on_tsc)
		machine.on_tsc();
	return machine.now_ns * 2;
}

uint64_t arch_wall_seconds(void)
{
	return 1000000000;
}

void arch_timer_set(uint64_t when_ns)
{
	machine.timer_ns = when_ns;
}

void arch_irq_mask(unsigned line, bool masked)
{
	if (masked)
		machine.lines_open &= ~(1u << line);
	else
		machine.lines_open |= 1u << line;
}

uint32_t arch_port_in(uint16_t port, unsigned size)
{
	uint32_t value = machine.port_value[port & 63];

	return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

void arch_port_out(uint16_t port, unsigned size, uint32_t value)
{
	(void)size;
	machine.port_value[port & 63] = value;
	machine.port_writes++;
}

/* ---- the store's disk: machine.disk, or none ------------------------------------------------------ */

bool arch_disk_find(struct store_disk *disk)
{
	if (!machine.disk)
		return false;
	*disk = disksim_disk(machine.disk);
	return true;
}

static void disk_done(void *context, uint32_t tag, bool ok)
{
	(void)context;
	persist_disk_done(tag, ok);
}

/* One request is answered each time, so that every order is possible. */
void arch_disk_poll(void)
{
	int op;

	if (!machine.disk)
		return;
	op = disksim_answer(machine.disk, disk_done, NULL);
	if (op && machine.on_disk)
		machine.on_disk(op);
}

bool arch_disk_interrupted(void)
{
	return false;
}

void arch_disk_interrupts(void)
{
}

bool arch_disk_masked(void)
{
	return false;
}

bool arch_disk_line(unsigned line)
{
	(void)line;
	return false;
}

void arch_tsc_trap(void)
{
}

void arch_time_continue(uint64_t now_ns, uint64_t tsc, uint64_t tsc_user)
{
	(void)tsc;
	(void)tsc_user;
	machine.now_ns = now_ns;
}

uint64_t arch_tsc_user(void)
{
	return machine.now_ns;
}
