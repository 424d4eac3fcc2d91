/*
 * inv.h - one invocation in progress.
 *
 * A handler of a kernel object reads in three movements: decode (inv->w, inv_cap), then
 * commit_point(), then do.  Its target is valid: cap_page(&inv->target) and its kin are not NULL
 * there.  What the sender gives (inv_word, inv_cap, inv_string) nobody has looked at before it.
 * It answers by setting out_w, out and out_string; the result is RC_OK unless inv_fail was called.
 * It may stall with inv_stall: the invocation is then made again from its start.
 */
#ifndef KERNEL_INV_H
#define KERNEL_INV_H
#include "object/object.h"

/* Counters for log_stats and the tests. */
struct kernel_stats {
	uint64_t invocations, faults, fills, space_flushes, stalls, notices;
};
extern struct kernel_stats kernel_stats;

struct inv {
	struct process *sender;
	uint32_t order, control;
	struct cap target;             /* a copy: a handler may overwrite the register it came from */

	/* The answer. */
	uint32_t result;
	bool stalled;                  /* the sender will make the invocation again */
	uint8_t out_caps;              /* how many of out[] are set */
	uint64_t out_w[INV_WORDS];
	struct cap out[3];
	const void *out_string;        /* kernel memory */
	uint32_t out_length;
};

/* Word i (0..5) that came with the order; it is what the program says, and nothing of it has been looked at. */
static inline uint64_t inv_word(const struct inv *inv, unsigned i)
{
	const struct regs *r = &inv->sender->regs;

	switch (i) {
	case 0: return r->rdi;
	case 1: return r->rsi;
	case 2: return r->rdx;
	case 3: return r->r10;
	case 4: return r->r8;
	default: return r->r9;
	}
}

extern uint64_t persist_lost_at;       /* the number of the invocation that asked for a lost object last: persist_lost.c */

/*
 * The answer is that code (RC_*); whoever calls this returns next, and has done nothing.  What fails for want of an
 * object that the disk could not give back says so: whoever asked for one in this invocation, which persist_lost_at names by
 * its number, found none there, and looks no further why.
 */
static inline void inv_fail(struct inv *inv, uint32_t result)
{
	bool want = result == RC_VOID || result == RC_REQUEST || result == RC_LIMIT;

	inv->result = want && persist_lost_at == kernel_stats.invocations ? RC_DISK : result;
}

/* The answer to KT: the alleged type. */
static inline void inv_type(struct inv *inv, uint32_t type)
{
	inv->out_w[0] = type;
}

/* Answers with a capability in position i (0..2). */
static inline void inv_out_cap(struct inv *inv, unsigned i, struct cap c)
{
	inv->out[i] = c;
	if (inv->out_caps <= i)
		inv->out_caps = i + 1;
}

extern const struct cap void_cap;

/* A capability the sender names in byte i of rbx; void if none. */
static inline const struct cap *sent_cap(const struct process *p, uint32_t control, unsigned i)
{
	uint8_t reg = p->regs.rbx >> (8 * i);

	return (control & INV_SEND_CAPS) && reg < CAP_REGISTERS ? &p->caps[reg] : &void_cap;
}

/* The capability sent in position i (0..2). */
static inline const struct cap *inv_cap(const struct inv *inv, unsigned i)
{
	return sent_cap(inv->sender, inv->control, i);
}

/* An invocation of p's as its registers say; the target is the caller's to fill in. */
static inline __attribute__((always_inline)) void inv_begin(struct inv *inv, struct process *p, uint32_t control)
{
	inv->sender = p;
	inv->order = p->regs.rax >> 32;
	inv->control = control;
	inv->result = RC_OK;
	inv->stalled = false;
	inv->out_caps = 0;
	inv->out_string = NULL;
	inv->out_length = 0;
	for (unsigned i = 0; i < INV_WORDS; i++)
		inv->out_w[i] = 0;
}

/* Copies the string sent, at most limit bytes: its length, or -1 if it must be faulted in first (stalled is set). */
long inv_string(struct inv *inv, void *to, uint32_t limit);
/* The sender runs this invocation again when it is made ready. */
void inv_stall(struct inv *inv);

bool page_overwritten(struct inv *inv);        /* page.c */

/* ---- entries from arch ---- */
__attribute__((noreturn)) void invoke_entry(void);                /* current has executed a marked syscall */
__attribute__((noreturn)) void invoke_foreign(void);              /* a foreign call, and no foreign entry */
/* current has met no translation; FAULT_ACCESS_* */
__attribute__((noreturn)) void fault_memory(uint64_t va, unsigned access);
__attribute__((noreturn)) void fault_process(unsigned code, uint64_t info);  /* current has done what it must not; FAULT_* */

/* Posts notice bits; delivers at once if the process is available. */
void notice_deliver(struct process *p, uint32_t bits);

/* ---- faults (keeper.c) ---- */
struct walk;
/* p cannot go on; whoever keeps that memory, or the process, is told.  p leaves the processor. */
void fault_raise(struct process *p, const struct walk *w, uint64_t va, unsigned access);
#define FAULT_ACCESS_ARGUMENT 8u       /* of a KeyKOS message's string: a process keeper hears FAULT_ARGUMENT */
/* The same of what is no matter of its memory: its own keeper is told code and info. */
void fault_raise_process(struct process *p, unsigned code, uint64_t info);

/* A kernel message to a keeper; if the keeper is busy, p waits in its queue and faults again. */
struct fault_message {
	uint32_t order;
	uint64_t w[4];
	struct cap subject;            /* position 2: the process, or the node of the kept segment */
};
/* Who would hear it through that capability; NULL: nobody. */
struct process *keeper_process(const struct cap *keeper);
void fault_to_keeper(struct process *p, const struct cap *keeper, const struct fault_message *m);

/* Whoever waits for an answer through that resume capability gets RC_VOID.  False: nobody does. */
bool answer_void(const struct cap *c);
/* At a restart: if p waits for an answer of a process that the disk cannot give back, it gets RC_DISK. */
void answer_lost(struct process *p);
#define RECV_STOPPED 0x00010000u       /* in recv_control: it was stopped, and waits for nobody; no control word has this bit */

/* q's keeper has answered; a nonzero code sends it to its process keeper. */
static inline void fault_answered(struct process *q, uint32_t code)
{
	if (!code)
		return;
	q->flags |= PROCESS_FAULT_KEEPER;
	q->refusal = code;
}

#define CREATOR_TYPE 0x0309u

/* The format key of a red segment or front-end that may be called: 0 if it is none (keykos.md 1.6). */
uint32_t segment_format(const struct cap *c);

/* ---- KeyKOS's form of messages (keykos.c, ../object/domain.c) ---- */
/* A kernel object, or nothing, is invoked with INV_KEYKOS. */
void keykos_dispatch(struct inv *inv);
/* p asks for a trap of that code; its words 0 and 1 are the trap's extension words. */
void keykos_trap(struct process *p, uint32_t code);
/* What KeyKOS's keepers are told: returns the order code, and where the string is. */
uint32_t keykos_fault(struct process *p, const struct fault_message *m, const void **string, uint32_t *length);
/* A process is invoked with INV_KEYKOS: the order codes of a domain key. */
void domain_dispatch(struct inv *inv);
/* Argument bytes, zero-padded to size; false: the invocation has to be made again. */
bool keykos_argument(struct inv *inv, void *to, uint32_t size);

/*
 * What a keeper hears as the data of its start capability when a wrapper is invoked: the rights bits of the
 * invoked capability (0x80, 0x20, 0x10 of its data byte) stand in the low four bits, if the keeper's data has more
 * than KeyKOS's eight bits.  So one server tells the faces of its objects apart, and no program of KeyKOS notices.
 */
static inline uint16_t forward_data(const struct cap *keeper, const struct cap *wrapper)
{
	return keeper->data > 0xFF ? keeper->data | (wrapper->data >> 4 & 0xB) : keeper->data;
}

/* ---- strings (ucopy.c): the only file that touches user memory ---- */
struct ustring {
	struct process *p;
	uint64_t address;
	uint64_t length;
};
/* All of it can be read (or written) now.  False: *fault_va is the first byte that cannot. */
bool ustring_probe(const struct ustring *s, bool write, uint64_t *fault_va);
/* Where it is, if it lies in one page that is there with that right; else NULL. */
void *ustring_page(const struct ustring *s, bool write);
/* Copies between two probed strings; returns bytes copied: less if a page of `to` is missing. */
uint64_t ustring_copy(const struct ustring *to, const struct ustring *from);
/* Between a probed string and kernel memory: bytes copied, at most `length` or as many as the string has. */
uint64_t ustring_put(const struct ustring *to, const void *from, uint64_t length);
uint64_t ustring_fetch(void *to, const struct ustring *from);

#endif
