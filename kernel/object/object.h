/*
 * object.h - objects in core: frames, nodes, processes.
 *
 * One array of frame headers, indexed by physical frame number, describes all memory.  A
 * frame of kind FRAME_PAGE, FRAME_POT or FRAME_PROCESS holds one frame of the object store.
 *
 * Invariants (checked by object_check under these numbers)
 *   C101 a frame of an object kind is in the directory under its oid, once
 *   C102 a node's allocation count is at most its pot's count
 *   C103 a dirty frame has the current or the previous epoch
 *   C104 a process frame's state is one of enum process_state
 *   C105 a running process is in one queue, unless it is current; any other is in none
 *   C108 every queue is linked both ways, and its members say that they are in it
 *   C109 the ready mask has the bits of the ready queues that are not empty
 *   C110 capability register 0 of a process is void
 *   C111 a process knows its own frame
 *   C112 every capability is of a type of captype.def
 *   C113 a frame that is marked zero is a page and holds nothing but zero
 */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H
#include "arch.h"
#include "keros/abi.h"
#include "object/cap.h"

enum frame_kind {
	FRAME_NONE = 0,                /* not memory, or the kernel's own */
	FRAME_FREE, FRAME_PAGE, FRAME_POT, FRAME_PROCESS, FRAME_TABLE,
};

#define FRAME_DIRTY   0x01             /* differs from what the store holds */
#define FRAME_PINNED  0x02             /* DMA or boot pack: never leaves its place */
#define FRAME_MAPPED  0x04             /* map_* names a space that may hold a translation */
#define FRAME_MULTI   0x08             /* more than one place may */
#define FRAME_FIXED   0x10             /* read-only for ever: a page of the boot pack */
#define FRAME_AGED    0x20             /* its translations were taken away and nobody has asked for it since */
#define FRAME_AGAIN   0x40             /* was made dirty in two epochs running: see cleaned() in persist_save.c */

struct frame {
	uint64_t oid;                  /* frame number in the object space; OID_PHYS | pfn outside the store */
	uint32_t alloc_count;          /* of the page or process; of a pot: the highest of its nodes */
	uint32_t call_count;           /* process: names the one valid resume capability */
	uint32_t hash_next, list_next; /* directory chain; free list */
	uint8_t kind, flags;
	uint16_t map_space;            /* valid if FRAME_MAPPED, with map_generation and map_va */
	uint32_t epoch;                /* in which it was last made dirty */
	uint64_t map_va;
	uint32_t map_generation;
	uint32_t ready_epoch;          /* store_epoch if it may be changed without asking the store */
	union {                        /* both arch pt.c */
		struct {               /* of a table: which words may be set, which of its leaves may be writable */
			uint16_t used_first, used_end, write_first, write_end;
		};
		uint64_t protected_leaf;       /* of a page: where a leaf that named it was protected last; a hint */
	};
	uint32_t journal_base;         /* page: the generation from which on its journal counts; 0: not asked yet */
	bool zero;                     /* C113: nobody can have changed it since it was cleared.  frame_dirty, frame_writable */
	uint8_t kept;                  /* generations that it stayed dirty in without a change: persist_save.c */
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct frame) == 64, "one cache line a frame");

#define OID_PHYS (1ull << 35)          /* pages that are a place in memory, not a place in the store */
#define OID_DMA  (OID_PHYS | 1ull << 34) /* of the DMA pool, by number: the same in each life, but zero */

#define NODES_PER_POT 15

/* As on disk but for the dep_ fields, which are 0 there. */
struct node {
	uint32_t alloc_count;
	uint16_t dep_space;            /* valid if dep_flags & NODE_MAPPED: the one space that walked it */
	uint8_t dep_shift, dep_flags;  /* slot i covers [dep_va + (i << shift), +1 << shift) */
	uint32_t dep_generation;
	uint32_t dep_page;             /* dep_va >> 12, modulo 2^32: enough for 44 bits */
	struct cap slot[NODE_SLOTS];
};
_Static_assert(sizeof(struct node) == 272, "15 nodes and 16 bytes fill a frame");

#define NODE_MAPPED 1
#define NODE_MULTI  2
#define NODE_WHOLE  4                  /* a slot of it matters beyond its own place: see space_node_changed */

enum process_state { PROC_AVAILABLE = 0, PROC_RUNNING = 1, PROC_WAITING = 2 };

/* In the order that the trap entry pushes (arch/x86/entry.S). */
struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t error;
	uint64_t rip, cs, rflags, rsp, ss;
};

#define PROCESS_FPU_BYTES 1088

struct process {
	uint64_t pad;                  /* so that the end of regs is 16-byte aligned, as the processor wants */
	struct regs regs;
	uint64_t fs_base, gs_base;     /* valid while not current */
	uint64_t foreign_entry;        /* odd: it has no clock, and its rdtsc is a fault */

	uint8_t state;                 /* enum process_state */
	uint8_t flags;                 /* PROCESS_* */
	uint8_t fault_code, reserved;
	uint32_t notices;              /* posted and not delivered */
	uint32_t recv_control;         /* the control word of its last CALL or RETURN: what it will accept */
	uint16_t alarm_bits, irq_bits; /* what to post when the alarm is due; of the interrupt lines it is bound to */
	uint64_t fault_info;
	uint64_t alarm_ns;             /* 0: none.  timer_notify_at */
	uint64_t commit_generation;    /* 0: none.  checkpoint_notify, with commit_bits */
	uint16_t commit_bits, restart_bits;
	uint32_t refusal;              /* the code with which its segment keeper refused (PROCESS_FAULT_KEEPER) */

	struct cap slots[PROCESS_SLOTS];
	struct cap caps[CAP_REGISTERS];

	/* For people (systrace.c): its name, and the oids of who sent what is in the registers; 0 = not known. */
	char name[PROCESS_NAME_BYTES];
	uint32_t givers[CAP_REGISTERS];

	/* In core only; zero on disk. */
	uint32_t pfn;
	uint16_t space;                /* index of its space, valid if space_generation fits; mem/space.h */
	uint8_t priority, queue;       /* queue: enum process_queue */
	uint32_t space_generation;
	uint32_t fault_page;           /* the page of its last memory fault: the one that PROCESS_FAULT_KEEPER is about */
	uint64_t self_ref;             /* the ref of every capability to it */
	struct process *next, *prev;   /* in a ready, stall or sleep queue */
	struct process *stall_head, *stall_tail;
	struct process *queue_owner;   /* the process in whose stall queue it is */
	uint64_t wake_ns;
	uint64_t slice_end_ns;
	uint64_t journal_oid;          /* the page whose record it waits for, with journal_ticket; 0: none */
	uint32_t journal_ticket, journal_done;         /* equal: it is on the disk */

	uint8_t fpu[PROCESS_FPU_BYTES] __attribute__((aligned(64)));
};
_Static_assert(sizeof(struct process) <= PAGE_SIZE, "a process is one frame");

#define PROCESS_SYSRET       0x01      /* entered by syscall: rcx and r11 need not come back */
#define PROCESS_FPU_USED     0x02      /* fpu holds an image */
#define PROCESS_FAULT_KEEPER 0x04      /* a segment keeper refused: its process keeper is next */
#define PROCESS_PARKED       0x20      /* it stopped of a fault that nobody keeps: until its keeper or its trap is changed */
#define PROCESS_TRACED       0x10      /* what it does is recorded: never by the fast path */
#define PROCESS_RESTART      0x08      /* was woken from a stall queue: goes to its front if it stalls again */

enum process_queue { QUEUE_NONE = 0, QUEUE_READY, QUEUE_STALL, QUEUE_SLEEP, QUEUE_COMMIT };

/* ---- the frame cache (frame.c) ---- */
extern struct frame *frames;
extern uint64_t frame_count;           /* headers in the array: physical memory */
extern uint64_t range_frames;          /* frames of the object space that can be in core at once */
extern uint32_t store_epoch;

/* Boot: the array of all frames, and the directory's hash of a power of two. */
void frame_cache_init(struct frame *array, uint64_t count, uint32_t *hash, uint32_t hash_size);
void frame_release(uint64_t pfn);      /* boot: this frame may hold objects */
uint64_t frame_free_count(void);       /* frames that hold nothing */
struct frame *frame_lookup(uint64_t oid);      /* the frame of that oid if it is in memory; else NULL */
/* Brings it in from the store, if there is one and it was ever made; else as frame_lookup.  NULL also if
 * it cannot be read. */
struct frame *frame_find(uint64_t oid);
/* The frame of an oid, made if need be (all zero, count 0, clean kind FRAME_PAGE).  NULL: no core frame, or it is lost. */
struct frame *frame_get(uint64_t oid);
/* A free frame, entered into the directory; what it holds is whoever asked for it to say.  NULL: there is none. */
struct frame *frame_take(uint64_t oid);
/* A clean frame that nothing maps leaves memory. */
void frame_evict(struct frame *f);
/* Makes it hold another kind; every capability into it dies. */
void frame_retype(struct frame *f, enum frame_kind kind);
/* Of an object that the disk cannot give back (persist_lost.c): its kind, FRAME_NONE if it is none or that is not known. */
enum frame_kind frame_lost_kind(uint64_t oid);
/* It begins anew, all zero and dirty.  same: as the same page, which is known and about to be overwritten as a whole; else
 * every capability into it dies.  NULL: it is not lost, or there is no core frame. */
struct frame *frame_anew(uint64_t oid, bool same);
/* This physical frame is an object outside the store (DMA, boot pack), under that oid and allocation count. */
struct frame *frame_adopt(uint64_t pfn, uint64_t oid, uint8_t flags, uint32_t alloc_count);

static inline uint64_t frame_pfn(const struct frame *f)
{
	return f - frames;
}
static inline void *frame_data(const struct frame *f)
{
	return arch_frame_pointer(f - frames);
}

/* The rest of frame_dirty, for a frame that is not dirty in this epoch yet. */
void frame_dirty_slow(struct frame *f);

/*
 * Before any change to what the store keeps of a frame: what the last demarcation saw of it must be kept first.
 */
static inline __attribute__((always_inline)) void frame_dirty(struct frame *f)
{
	f->zero = false;
	if (__builtin_expect(f->ready_epoch != store_epoch, 0))
		frame_dirty_slow(f);
}

/*
 * Whether a translation to it may be writable.  If so its user may change it from now on, and nobody will be told: so
 * ask it for the translation that is about to be made, and last.
 */
static inline bool frame_writable(struct frame *f)
{
	if (f->ready_epoch != store_epoch)
		return false;
	f->zero = false;
	return true;
}

/* ---- from capability to object: NULL if it is of another type, void or rescinded ---- */

/* The core frame by the hint, or by the directory if the hint is stale. */
static inline struct frame *cap_frame(const struct cap *c)
{
	struct frame *f = &frames[c->ref & REF_HINT_MASK];

	if (__builtin_expect((c->ref & REF_HINT_MASK) < frame_count && f->oid == REF_OID(c->ref), 1))
		return f;
	return frame_find(REF_OID(c->ref));
}

static inline struct frame *cap_page(const struct cap *c)
{
	struct frame *f = c->type == CAP_PAGE ? cap_frame(c) : NULL;

	return f && f->kind == FRAME_PAGE && f->alloc_count == c->count ? f : NULL;
}

/* Any type that designates a node. An index of 15 exists in no capability; it is read as 0. */
static inline struct node *cap_node(const struct cap *c)
{
	struct frame *f = c->type >= CAP_NODE && c->type <= CAP_SCHEDULE && c->ref ? cap_frame(c) : NULL;
	struct node *n;

	if (!f || f->kind != FRAME_POT)
		return NULL;
	n = (struct node *)frame_data(f) + (REF_INDEX(c->ref) < NODES_PER_POT ? REF_INDEX(c->ref) : 0);
	return n->alloc_count == c->count ? n : NULL;
}

/* PROCESS, START, NOTICE. */
static inline struct process *cap_process(const struct cap *c)
{
	struct frame *f = c->type == CAP_PROCESS || c->type == CAP_START || c->type == CAP_NOTICE ? cap_frame(c) : NULL;

	return f && f->kind == FRAME_PROCESS && f->alloc_count == c->count ? frame_data(f) : NULL;
}

static inline struct process *cap_resume(const struct cap *c)
{
	struct frame *f = c->type == CAP_RESUME ? cap_frame(c) : NULL;

	return f && f->kind == FRAME_PROCESS && f->call_count == c->count ? frame_data(f) : NULL;
}

/* ---- pages, nodes, processes ---- */
static inline struct cap page_cap(struct frame *f, uint16_t data)
{
	return (struct cap){ .type = CAP_PAGE, .data = data, .count = f->alloc_count,
			     .ref = REF_MAKE(f->oid, 0, frame_pfn(f)) };
}
/* Every capability to the page dies, and every translation; what it holds stays.  Whoever calls has it dirty. */
void page_rescind(struct frame *f);
/* An index of 15 exists in no capability the kernel makes; it is read as 0 and fails the count. */
static inline struct node *node_at(struct frame *pot, unsigned index)
{
	return (struct node *)frame_data(pot) + (index < NODES_PER_POT ? index : 0);
}
struct frame *node_pot(const struct node *n);  /* the frame that n lies in */
/* A capability to n of a type that names a node; data: the data byte and what else the type has there. */
struct cap node_cap(struct node *n, enum cap_type type, uint16_t data);
/* Every capability to the node dies, and what was reached through it is not mapped any more; its slots become void. */
void node_rescind(struct node *n);
/* Stores into a slot: the only way to change one.  Translations that went through what was there go. */
void node_store(struct node *n, unsigned slot, const struct cap *c);
void node_dirty(struct node *n);       /* frame_dirty of its pot */

static inline struct frame *process_frame(const struct process *p)
{
	return &frames[p->pfn];
}
/* A capability to p of a type that names a process. */
struct cap process_cap(struct process *p, enum cap_type type, uint16_t data);
/* What `givers` says of p. */
static inline uint32_t process_giver(const struct process *p)
{
	uint64_t oid = process_frame(p)->oid;

	return oid < UINT32_MAX ? (uint32_t)oid : 0;
}
/* One that is good for the call p waits in now, and no other; kind: RESUME_*. */
struct cap process_resume_cap(struct process *p, uint16_t kind);
/* f, which is all zero, becomes a process that waits. */
void process_init(struct frame *f);
void process_arrived(struct frame *f); /* from the store: its fields in core begin anew */
void node_pot_leaves(struct frame *pot);       /* a pot leaves memory: no translation goes through its nodes any more */
/* Every capability to p dies; it is halted, and who waits in its queue makes his invocation again.  Its caller has it dirty. */
void process_rescind(struct process *p);

/* ---- checking (check.c) ---- */
int frame_check(struct frame *f);      /* what holds of one frame: 0, or the number of the first condition broken */
int object_check(void);                /* of all that is in memory, with sched_check: likewise */

/* Marks the line after which a handler must finish: nothing below it can fail, stall or restart.  In the torment build
 * (make torment) every KEROS_TORMENT-th makes the next safe point unprepare everything and ask for a checkpoint. */
#ifdef KEROS_TORMENT
extern uint32_t torment_points;
extern bool persist_tight;
static inline void commit_point(void)
{
	if (++torment_points >= KEROS_TORMENT)
		persist_tight = true;
}
#else
static inline void commit_point(void)
{
}
#endif
#endif
