/*
 * job.c - couriers and their jobs.  See job.h.
 *
 * Keystore: slot KS_CAPS holds the capabilities by number, slot KS_COURIERS the couriers' processes.
 * A courier's registers: 1 to us (its data says which it is), 8 what it calls, 9 where an answer's capability comes.
 */
#include <stdlib.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/files.h>
#include <keros/node.h>
#include <keros/process.h>
#include "job.h"
#include "process.h"

#define KS_CAPS     6u
#define KS_COURIERS 7u
#define CAP_LEVELS  3u
#define CAPS_MAX    4096u
#define CLOSES_MAX  256u
#define STACK_BYTES 4096u
#define COURIER_TO_US 1
#define COURIER_TARGET CR_APP0
#define COURIER_GOT (CR_APP0 + 1)

uint64_t job_seq;
static struct job jobs[JOBS];
static struct courier { bool made, started; capno holds; char *stack; } couriers[JOBS];
static struct waitq jobs_wait;
static bool synchronous, tree_made;
static uint8_t cap_used[CAPS_MAX / 8], cap_leaf[CAPS_MAX / 16 / 8], cap_branch[CAPS_MAX / 256 / 8];
static unsigned cap_next = 1;
static struct { capno cap; uint32_t order; } closes[CLOSES_MAX];
static unsigned closes_waiting;

/* ---- capabilities by number ---------------------------------------------------------------------- */

static uint64_t cap_path(capno n)
{
	return (uint64_t)KS_CAPS << (4 * CAP_LEVELS) | n;
}

static bool node_place(uint64_t path, unsigned depth)
{
	return bank_alloc_node(CR_BANK, CR_TMP2) == RC_OK &&
	       (depth == 1 ? node_swap(CR_KEYSTORE, (unsigned)path, CR_TMP2, CR_VOID) :
			     node_tree_swap(CR_KEYSTORE, path, depth, CR_TMP2, CR_VOID)) == RC_OK;
}

static bool bit_set(uint8_t *bits, unsigned n)
{
	bool was = bits[n / 8] >> n % 8 & 1;

	bits[n / 8] |= (uint8_t)(1u << n % 8);
	return was;
}

/* The nodes on the way to a number. */
static bool cap_room(capno n)
{
	if (!tree_made && !(tree_made = node_place(KS_CAPS, 1) && node_place(KS_COURIERS, 1)))
		return false;
	if (!bit_set(cap_branch, n >> 8) && !node_place((uint64_t)KS_CAPS << 4 | n >> 8, 2))
		return false;
	return bit_set(cap_leaf, n >> 4) || node_place((uint64_t)KS_CAPS << 8 | n >> 4, 3);
}

/* Keeps what is in a register; 0: no room. */
capno cap_keep(cap_t value)
{
	for (unsigned i = 0; i < CAPS_MAX; i++) {
		unsigned n = cap_next++ % CAPS_MAX;

		if (n == 0 || (cap_used[n / 8] >> n % 8 & 1))
			continue;
		if (!cap_room((capno)n) ||
		    node_tree_swap(CR_KEYSTORE, cap_path((capno)n), CAP_LEVELS + 1, value, CR_VOID) != RC_OK)
			return 0;
		bit_set(cap_used, n);
		return (capno)n;
	}
	return 0;
}

static void cap_drop(capno n)
{
	cap_used[n / 8] &= (uint8_t)~(1u << n % 8);
	for (unsigned i = 0; i < JOBS; i++)
		if (couriers[i].holds == n)
			couriers[i].holds = 0;
}

static void cap_fetch(capno n, cap_t to)
{
	node_tree_fetch(CR_KEYSTORE, cap_path(n), CAP_LEVELS + 1, to);
}

/* ---- couriers ------------------------------------------------------------------------------------ */

/* What a courier runs, on a stack of its own: it makes its job's call, tells us, and waits until there is another. */
__attribute__((noreturn)) static void courier_main(struct job *j)
{
	for (;;) {
		uint64_t control = INV_CONTROL(0, INV_CALL | INV_RAW_REPLY, COURIER_TO_US);

		inv_raw(INV_CALL, COURIER_TARGET, &j->m);
		__asm__ volatile("syscall" : "+a"(control) : : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "memory");
	}
}

static cap_t courier_cap(unsigned i)
{
	node_tree_fetch(CR_KEYSTORE, (uint64_t)KS_COURIERS << 4 | i, 2, CR_TMP2);
	return CR_TMP2;
}

/* Its process: our memory, our keeper and schedule, and one start capability to us. */
static bool courier_process(unsigned i)
{
	struct reg_image regs = { .rip = (uint64_t)courier_main, .rdi = (uint64_t)&jobs[i], .rflags = 0x202 };

	/* As after a call: 8 below a multiple of 16. */
	regs.rsp = (((uint64_t)couriers[i].stack + STACK_BYTES) & ~15ull) - 8;
	return bank_alloc_process(CR_BANK, CR_TMP1) == RC_OK &&
	       node_tree_swap(CR_KEYSTORE, (uint64_t)KS_COURIERS << 4 | i, 2, CR_TMP1, CR_VOID) == RC_OK &&
	       process_make_start(CR_SELF, DATA_COURIER + i, CR_TMP2) == RC_OK &&
	       process_swap_reg(CR_TMP1, COURIER_TO_US, CR_TMP2, CR_VOID) == RC_OK &&
	       process_get_slot(CR_SELF, PSLOT_KEEPER, CR_TMP2) == RC_OK &&
	       process_swap_slot(CR_TMP1, PSLOT_KEEPER, CR_TMP2, CR_VOID) == RC_OK &&
	       process_swap_slot(CR_TMP1, PSLOT_SCHEDULE, CR_SCHED, CR_VOID) == RC_OK &&
	       process_swap_slot(CR_TMP1, PSLOT_SPACE, CR_SPACE, CR_VOID) == RC_OK &&
	       process_set_regs(CR_TMP1, &regs, sizeof regs) == RC_OK;
}

static bool courier_make(unsigned i)
{
	struct courier *c = &couriers[i];

	if (!jobs[i].buffer && !(jobs[i].buffer = malloc(JOB_BYTES)))
		return false;
	if (!c->stack && !(c->stack = malloc(STACK_BYTES)))
		return false;
	if (!tree_made && !cap_room(1))
		return false;
	c->made = courier_process(i);
	return c->made;
}

/* ---- jobs ---------------------------------------------------------------------------------------- */

static struct job *job_take(capno target)
{
	struct job *best = NULL;

	for (unsigned i = 0; i < JOBS; i++) {
		struct job *j = &jobs[i];

		if (j->used)
			continue;
		if (couriers[i].made && couriers[i].holds == target) {
			best = j;
			break;
		}
		if (!best || (couriers[i].made && !couriers[best - jobs].made))
			best = j;
	}
	if (best && !couriers[best - jobs].made && !courier_make((unsigned)(best - jobs)))
		return NULL;
	return best;
}

static void job_clear(struct job *j, struct proc *p, capno target, uint32_t order)
{
	char *buffer = j->buffer;

	*j = (struct job){ .buffer = buffer, .proc = p, .target = target, .used = true };
	j->m.order = order;
	j->m.recv_string = buffer;
	j->m.recv_limit = JOB_BYTES;
	j->m.recv[0] = COURIER_GOT;
}

struct job *job_new(struct proc *p, capno target, uint32_t order)
{
	struct job *j = job_take(target);

	if (!j) {
		wait_on(p, &jobs_wait);
		return NULL;
	}
	job_clear(j, p, target, order);
	p->job = j;
	return j;
}

void job_free(struct job *j)
{
	if (j->proc)
		j->proc->job = NULL;
	if (j->inode)
		inode_put(j->inode);
	if (j->inode2)
		inode_put(j->inode2);
	if (j->file)
		file_put(j->file);
	for (uint32_t i = 0; i < j->page_count; i++)
		page_put(j->page_first + i);
	j->page_count = 0;
	free(j->text);
	j->text = NULL;
	j->inode = j->inode2 = NULL;
	j->file = NULL;
	j->proc = NULL;
	j->used = false;
	wake_all(&jobs_wait);
}

void job_inode(struct job *j, struct inode *i)
{
	j->inode = i;
	inode_get(i);
}

void job_file(struct job *j, struct file *f)
{
	j->file = f;
	f->refs++;
}

bool job_name(struct job *j, const struct name *name)
{
	j->text = strndup(name->text, name->length);
	if (!j->text)
		job_free(j);
	return j->text;
}

static void closes_send(void);

/* The answer is there. */
static void job_finished(struct job *j)
{
	j->done = true;
	if (j->proc) {
		attention(j->proc, ATTENTION_WAKE);
		return;
	}
	if (j->finish)
		j->finish(NULL, j);
	job_free(j);
	closes_send();
}

static void job_start(struct job *j)
{
	unsigned i = (unsigned)(j - jobs);
	struct courier *c = &couriers[i];
	cap_t process = courier_cap(i);

	j->sent = true;
	j->seq = ++job_seq;
	if (c->holds != j->target) {
		cap_fetch(j->target, CR_TMP1);
		process_swap_reg(process, COURIER_TARGET, CR_TMP1, CR_VOID);
		c->holds = j->target;
	}
	if (c->started)
		process_wake(process, 0);
	else
		process_run(process);
	c->started = true;
}

long job_send(struct job *j, long (*finish)(struct proc *p, struct job *j))
{
	j->finish = finish;
	if (!synchronous) {
		job_start(j);
		return BLOCKED;
	}
	j->sent = true;
	j->seq = ++job_seq;
	cap_fetch(j->target, CR_TMP1);
	j->m.recv[0] = j->m.recv[0] ? CR_TMP3 : CR_VOID;
	inv_raw(INV_CALL, CR_TMP1, &j->m);
	j->done = true;
	return BLOCKED;
}

void job_arrived(unsigned i)
{
	struct job *j = i < JOBS ? &jobs[i] : NULL;

	if (!j || !j->used || !j->sent || j->done)
		return;
	job_finished(j);
}

long job_continue(struct proc *p)
{
	struct job *j = p->job;
	long result;

	if (!j->sent || !j->done)
		return BLOCKED;
	/* finish may take another job: this one is not the process's any more, but still in use. */
	p->job = NULL;
	j->proc = NULL;
	result = j->finish(p, j);
	job_free(j);
	closes_send();
	return result;
}

void job_abandon(struct proc *p)
{
	struct job *j = p->job;

	p->job = NULL;
	if (!j)
		return;
	j->proc = NULL;
	if (!j->sent) {
		job_free(j);
	} else if (j->done) {
		if (j->finish)
			j->finish(NULL, j);
		job_free(j);
		closes_send();
	}
}

void job_sync(bool on)
{
	synchronous = on;
}

capno job_cap(struct job *j)
{
	if (!synchronous)
		process_get_reg(courier_cap((unsigned)(j - jobs)), COURIER_GOT, CR_TMP3);
	return cap_keep(CR_TMP3);
}

int job_error(const struct job *j)
{
	uint32_t rc = j->m.order;

	if (rc == RC_OK)
		return 0;
	if (rc > FILES_ERROR && rc < FILES_ERROR + 4096)
		return -(int)(rc - FILES_ERROR);
	return rc == RC_LIMIT ? -ENOMEM : rc == RC_NOACCESS ? -EACCES : rc == RC_REQUEST ? -EINVAL : -EIO;
}

/* ---- closing ------------------------------------------------------------------------------------- */

static long close_done(struct proc *p, struct job *j)
{
	(void)p;
	cap_drop(j->target);
	return 0;
}

static void closes_send(void)
{
	struct job *j;

	while (closes_waiting && (j = job_take(closes[closes_waiting - 1].cap))) {
		closes_waiting--;
		job_clear(j, NULL, closes[closes_waiting].cap, closes[closes_waiting].order);
		j->m.recv_string = NULL;
		j->m.recv[0] = CR_VOID;
		job_send(j, close_done);
		if (synchronous) {
			close_done(NULL, j);
			job_free(j);
		}
	}
}

void cap_close(capno cap, uint32_t order)
{
	if (!cap)
		return;
	if (closes_waiting == CLOSES_MAX)
		return;                /* it stays open until the sandbox ends */
	closes[closes_waiting].cap = cap;
	closes[closes_waiting++].order = order;
	closes_send();
}
