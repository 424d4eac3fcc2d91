/*
 * machine_test.h - what a unit test of the kernel starts from: a machine of so many frames, with
 * processes, memory trees and capabilities made on the spot, and an invocation as one function call.
 *
 *     machine_start(&(struct machine_config){ .frames = 64 });
 *     p = machine_process(8);
 *     p->caps[9] = node_cap(machine_node(), CAP_NODE, 0);
 *     assert_int_equal(CALL(p, 9, .order = NODE_OC_FETCH + 3, .receive = { 10 }), RC_OK);
 *     machine_stop();
 *
 * Included first: generated headers follow it.
 *
 * Rules
 *   1. Objects made by the machine_ functions get ascending oids from 1; the test range holds all.
 *   2. machine_stop takes every process out of the kernel's queues, so that tests do not meet.
 *   3. A broken condition aborts the test; one that is broken on purpose goes through machine_broken.
 */
#ifndef MACHINE_TEST_H
#define MACHINE_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "arch.h"
#include "disksim.h"
#include "invoke/inv.h"
#include "object/object.h"
#include "sched/sched.h"

enum machine_outcome {
	MACHINE_ENTERED = 1,           /* cpu.current goes on in user mode */
	MACHINE_IDLE,                  /* nobody can run, and no timer is set */
	MACHINE_OFF,                   /* arch_power_off */
	MACHINE_RETURNED,              /* the entry returned, for functions that may */
};

struct machine {
	uint64_t now_ns, timer_ns;
	uint64_t entered, space_loads, port_writes;
	uint32_t lines_open;           /* bit a line: unmasked */
	uint32_t port_value[64];
	unsigned off_status;
	struct disksim *disk;          /* the store's, or NULL: set before machine_start */
	void (*on_disk)(int op);       /* a request was answered */
	void (*on_tsc)(void);          /* the kernel reads the cycle counter: after each step of the store, for one */
	bool panic_exits;              /* a broken condition ends the process with its number */
	uint64_t next_oid;
	uint64_t random;
	char log[65536];
	size_t log_length;
};
extern struct machine machine;

struct machine_config {
	unsigned frames;               /* for objects */
	unsigned tables;               /* for page tables; 0 = 64 */
	unsigned dma;                  /* frames kept for DMA */
	unsigned pack_pages;           /* frames of a boot pack, all zero */
};

/* Before and after each test: a machine whose memory is all zero and which runs nothing; all of it is given back. */
void machine_start(const struct machine_config *config);
void machine_stop(void);

/* Runs a kernel entry until it gives up control. */
enum machine_outcome machine_run(void (*entry)(void));
/* The number of the condition that f breaks, in a child process; 0 if it breaks none. */
int machine_broken(void (*f)(void *context), void *context);

/* ---- objects ---- */
/* From the range, in order; the test fails if it is used up. */
struct frame *machine_page(void);
struct node *machine_node(void);
/* With machine.disk: whether it holds a system, which goes on; its processes are in the kernel's queues. */
bool machine_goes_on(void);
/* It waits, until it makes a call; its schedule is the super-schedule narrowed to priority. */
struct process *machine_process(unsigned priority);
struct cap machine_range(void);        /* to all that the tests have */
/* Makes [va, +pages * 4 KiB) of p's memory writable pages; its root has lss 5: 16 MiB. */
void machine_memory(struct process *p, uint64_t va, unsigned pages);
/* Puts a capability at va of a tree whose root has lss 5. */
void machine_map(struct node *root, uint64_t va, struct cap value);
/* p's memory through the kernel's eyes; NULL if it is not there. */
void *machine_user(struct process *p, uint64_t va);

/* ---- invocations ---- */
#define MACHINE_SYSCALL 0x400000ull      /* where every test process has its syscall instruction */
#define MACHINE_AWAY 0xFFFFFFF0u         /* the caller did not come back: it waits, stalls or sleeps */

struct call {
	uint32_t op, order;            /* op 0 = INV_CALL */
	uint64_t w[INV_WORDS];
	uint8_t send[INV_CAPS], receive[INV_CAPS];
	uint64_t string, length;       /* in the caller's memory; string 0 = none */
	uint64_t buffer, limit;
	uint32_t control;              /* more bits of the control word */
};

/* p makes this invocation; the result code it sees, or MACHINE_AWAY. */
uint32_t machine_call(struct process *p, unsigned reg, const struct call *c);
#define CALL(p, reg, ...) machine_call(p, reg, &(struct call){ __VA_ARGS__ })
#define SEND(p, reg, ...) machine_call(p, reg, &(struct call){ .op = INV_SEND, __VA_ARGS__ })
#define RETURN(p, reg, ...) machine_call(p, reg, &(struct call){ .op = INV_RETURN, __VA_ARGS__ })

/* p becomes current as if it had been executing: it leaves whatever queue it is in. */
void machine_execute(struct process *p);
/* The current process executes its syscall instruction again: after a stall. */
enum machine_outcome machine_again(void);
/* The current process faults at va. */
enum machine_outcome machine_fault(struct process *p, uint64_t va, unsigned access);
/* Time passes for the current process; the timer interrupts it if it is due. */
enum machine_outcome machine_pass(uint64_t ns);
/* The current process gives way: whoever is next runs. */
enum machine_outcome machine_next(void);

uint8_t *machine_use_fpu(void);          /* the FPU registers, as the current process's */

/* ---- numbers that are the same in every run ---- */
uint64_t machine_random(void);
static inline uint64_t machine_below(uint64_t n)
{
	return machine_random() % n;
}
#endif
