/*
 * abi.h - what the kernel and every program agree on: the invocation registers,
 * the shape of a capability on the wire and on disk, result codes, the register
 * image of a process, and the boot pack.
 *
 * Invariants
 *   1. Nothing here depends on the machine beyond x86-64 register names.
 *   2. A number published here never changes its meaning; new ones are added.
 *
 * The one system call.  `syscall` with INV_MARK in bits 31..24 of rax invokes the
 * capability in a register of the caller; any other rax is a foreign system call.
 *
 *   rax   63            32 31     24 23          16 15 14 13 12 11 10 9 8 7       0
 *        +----------------+---------+--------------+--+--+--+--+--+--+---+---------+
 *        |   order code   |  0xCA   |      0       |KK|RW|RC|SC|RS|SS| op| cap reg |
 *        +----------------+---------+--------------+--+--+--+--+--+--+---+---------+
 *   rdi rsi rdx r10 r8 r9   six data words (the argument registers of a Linux call)
 *   rbx   bytes 0..3: registers of the four sent capabilities (if SC)
 *         bytes 4..7: registers to receive four capabilities into (if RC)
 *   r12 r13   string to send: address, length in bytes (if SS)
 *   r14 r15   where to receive a string: address, limit in bytes (if RS)
 *
 * On delivery: rax = order code in the high half, INV_GOT_* and the 16-bit data of
 * the invoked start capability in the low half; the six words; r13 = bytes of the
 * string that were delivered (if RS).  Nothing else changes but rcx and r11.
 * With RW ("raw reply") a caller gets only rax = the reply's first word: the shim's
 * way to make a foreign call with no register saved.
 *
 * With KK ("KeyKOS") the message is in KeyKOS's form: a kernel object takes its arguments from the string and
 * answers with the result code, the string and the capabilities, by the order codes of doc/keykos/; and a fault
 * that such a process hears of as a keeper comes as KeyKOS's implicit jump.  Between processes it changes nothing.
 * op = 3 with KK is a trap: the caller faults with the order code as its trap code and two words.
 *
 * On CALL, capability position 3 is always a fresh resume capability to the caller.
 * Capability register 0 always reads as void, and writes to it vanish.
 */
#ifndef KEROS_ABI_H
#define KEROS_ABI_H

#define INV_MARK        0xCAu
#define INV_MARK_SHIFT  24

#define INV_CALL        0x000u   /* send, then wait for the reply */
#define INV_RETURN      0x100u   /* send, then become available to callers */
#define INV_SEND        0x200u   /* send, and go on */
#define INV_OP_MASK     0x300u

#define INV_SEND_STRING 0x0400u  /* SS */
#define INV_RECV_STRING 0x0800u  /* RS */
#define INV_SEND_CAPS   0x1000u  /* SC */
#define INV_RECV_CAPS   0x2000u  /* RC */
#define INV_RAW_REPLY   0x4000u  /* RW */
#define INV_KEYKOS      0x8000u  /* KK */

/* Low half of rax on delivery. */
#define INV_GOT_DATA      0x0000FFFFu /* data of the start capability invoked */
#define INV_GOT_TRUNCATED 0x00010000u /* the string was longer than the limit, or its pages were not there */
#define INV_GOT_RESUME    0x00020000u /* position 3 holds a resume capability: a reply is awaited */
#define INV_GOT_NOTICE    0x00040000u /* this is a notice: word 0 holds the bits */
#define INV_GOT_FAULT     0x00080000u /* this is a keeper invocation by the kernel */

#define INV_STRING_MAX    65536u
#define INV_WORDS         6
#define INV_CAPS          4

/* Result codes common to every object (KeyKOS numbering: KT = 2^31). */
#define KT              0x80000000u
#define RC_OK           0u
#define RC_VOID         (KT + 1)  /* void or rescinded capability, or a data key */
#define RC_UNKNOWN      (KT + 2)  /* the object does not know this order code */
#define RC_REQUEST      (KT + 3)  /* malformed arguments */
#define RC_NOACCESS     (KT + 4)  /* the capability lacks the right */
#define RC_LIMIT        (KT + 5)  /* the bank (or range, or table) has no more */
#define RC_RESTART      (KT + 6)  /* in flight when a driver or the system restarted */
#define RC_AGAIN        (KT + 7)  /* nothing now; a notice follows */
#define RC_SEALED       (KT + 8)  /* sealed, or not sealed yet */
#define RC_UNOFFICIAL   (KT + 9)  /* the bank or constructor given is not an authentic one */
#define RC_DISK         (KT + 10) /* the disk cannot give back an object that this needs; of whom else, nobody is hurt */

/* Order codes that the kernel itself sends. */
#define OC_NOTICE       0xFFFFFFFEu
#define OC_FAULT_MEMORY 0xFFFFFFFFu /* w0 fault code, w1 offset in the kept segment or address, w2 address, w3 rip */
#define OC_FAULT_PROCESS 0xFFFFFFFDu /* w0 fault code, w1 address or info, w2 error code, w3 rip */

/* Fault codes (w0 of a keeper invocation; process_get_state). */
enum fault_code {
	FAULT_NONE = 0,
	FAULT_MEMORY = 1,      /* no page, or no right: w2 has FAULT_ACCESS_* bits */
	FAULT_DIVIDE = 2, FAULT_DEBUG = 3, FAULT_BREAKPOINT = 4, FAULT_OVERFLOW = 5,
	FAULT_BOUNDS = 6, FAULT_OPCODE = 7, FAULT_PROTECTION = 8, FAULT_STACK = 9,
	FAULT_FPU = 10, FAULT_ALIGN = 11, FAULT_SIMD = 12,
	FAULT_FOREIGN = 16,    /* foreign system call and no foreign entry */
	FAULT_INVOCATION = 17, /* malformed invocation word */
	FAULT_NO_SPACE = 18, FAULT_NO_SCHEDULE = 19, FAULT_SCHEDULE_EMPTY = 20,
	FAULT_USER = 32,       /* a segment keeper answered with an error */
	FAULT_TRAP = 33,       /* a KeyKOS trap that the program asked for: info = trap code, as 0x100 */
	FAULT_ARGUMENT = 34,   /* the string of a KeyKOS message cannot be read: info = address */
	FAULT_DISK = 35,       /* the disk cannot give back the page there, or a node above it: info = address */
};
/*
 * An access that can do without what is there: with this number in r11 when it meets FAULT_DISK the process goes on at the
 * address in r10, with the fault's address in rax, and its keeper hears of nothing.
 */
#define FAULT_GUARD 0x5359ECAB1E6A4D01ull
#define FAULT_ACCESS_WRITE 1u
#define FAULT_ACCESS_EXEC  2u
#define FAULT_ACCESS_PRESENT 4u  /* a page was there, but without the right */

/* Capability registers that start-up code finds filled (lib/README.md). */
enum cap_register {
	CR_VOID = 0, CR_CONST = 1, CR_STORE = 2, CR_SELF = 3, CR_BANK = 4,
	CR_SCHED = 5, CR_LOG = 6, CR_RETURNER = 7,
	CR_APP0 = 8,                       /* 8..23: the program's own */
	CR_TMP3 = 24, CR_TMP2, CR_TMP1, CR_TMP0,
	CR_ARG0 = 28, CR_ARG1, CR_ARG2,
	CR_RETURN = 31,
	CAP_REGISTERS = 32,
};

/* Special slots of a process (process_get_slot). */
enum process_slot {
	PSLOT_SPACE = 0, PSLOT_KEEPER = 1, PSLOT_SCHEDULE = 2, PSLOT_SYMBOL = 3,
	PSLOT_BRAND = 4,                   /* never readable through a process capability */
	PROCESS_SLOTS = 5,
};

/* Data byte of a capability to memory (KeyKOS numbers). */
#define DB_READONLY 0x80u
#define DB_NOCALL   0x40u
#define DB_LSS      0x0Fu              /* slot index = address >> 4*lss; 0 = red */
#define DB_NOEXEC   0x100u             /* ours: not executable; accumulates down the tree, as the two above */

#define PAGE_SIZE   4096u
#define PAGE_SHIFT  12
#define NODE_SLOTS  16

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Register image of a process: the string of process_get_regs and _set_regs. */
struct reg_image {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t rip, rflags, rsp, fs_base, gs_base;
	uint64_t foreign_entry;            /* 0: foreign calls go to the keeper; odd: and reading the cycle counter faults */
};
_Static_assert(sizeof(struct reg_image) == 168, "register image is part of the ABI");

#define PROCESS_NAME_BYTES 16              /* zero-padded; process_set_name */

/* What systrace_read answers with: one thing that happened to a process that is recorded. */
enum trace_kind {
	TRACE_CALL, TRACE_RETURN, TRACE_SEND,  /* it invoked a process, or nothing */
	TRACE_OBJECT,                          /* it invoked a kernel object: result is the answer's */
	TRACE_REPLY, TRACE_REQUEST,            /* a message came to it: while it waited, while it was available */
	TRACE_FAULT,                           /* order is the fault code; w[0] address or info, w[1] rip */
};
struct trace_record {
	uint64_t ns;                           /* of the machine's clock */
	uint32_t process, peer;                /* oids; peer: the other process, 0 if there is none */
	uint8_t kind, cap_type, reg, op;       /* reg: the capability register invoked; op: INV_OP_MASK >> 8 */
	uint16_t data, reserved;               /* data of the capability invoked, or that came with the message */
	uint32_t order, result;
	uint32_t string_length, caps;          /* bytes offered; caps: bit i if position i was sent */
	uint64_t w[6];
};
_Static_assert(sizeof(struct trace_record) == 88, "trace records are part of the ABI");

/*
 * The boot pack: one file that the loader hands to the kernel (QEMU's initrd, GRUB's
 * module).  Header, then sections, each starting on a page boundary of the pack.
 */
#define PACK_MAGIC 0x314b4341504b454bull /* "KEKPACK1" in memory order K,E,K,P,A,C,K,1 */
#define PACK_SECTIONS 62
enum pack_kind {
	PACK_NONE = 0,
	PACK_PROGRAM = 1, /* ELF of a native program, page-aligned segments; name = program name */
	PACK_TREE = 2,    /* file tree image (doc/tree-image.md); name = "base" or "overlay" */
	PACK_CONFIG = 3,  /* text of the run: see doc/run-config.md */
	PACK_KEYKOS = 4,  /* program of the KeyKOS dialect, as keykos-cc makes it */
	PACK_MANIFEST = 5, /* who exists at first boot, with what: doc/manifest.md */
};
struct pack_section {
	uint32_t kind, reserved;
	uint64_t offset, length;           /* bytes from the pack's start; offset is a multiple of 4096 */
	char name[40];
};
struct pack_header {
	uint64_t magic;
	uint32_t version, count;           /* version 1 */
	uint64_t length;                   /* of the whole pack, bytes */
	uint64_t stamp;                    /* of the programs and the manifest: others have another */
	uint64_t reserved[4];
	struct pack_section section[PACK_SECTIONS];
};
_Static_assert(sizeof(struct pack_section) == 64, "pack layout");
_Static_assert(sizeof(struct pack_header) == 64 + 62 * 64, "pack layout");
#endif
#endif
