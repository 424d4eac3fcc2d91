/*
 * prime.h - what the parts of the first program know of each other.
 *
 * Invariants
 *   1. Nothing is taken from the range after the bank has its part of it.
 *   2. Pages of the boot pack are used in place: text pages of programs and pages of file trees are
 *      the pack's own, read-only by the kernel.
 *   3. A constructor that the manifest calls confined is used only if it has no hole.
 *   4. No malloc: there is no bank at the beginning, and lib's temporary registers would change.
 */
#ifndef PRIME_PRIME_H
#define PRIME_PRIME_H
#include <keros/inv.h>
#include <keros/space.h>
#include "config.h"
#include "manifest.h"

/* Prime's registers beyond those of every program. */
enum {
	PR_RANGE = 1, PR_STORE = 2, PR_DISCRIM = 8, PR_PROCTOOL, PR_KEYBITS, PR_TIMER, PR_IRQ, PR_IOPORT, PR_PHYSMEM,
	PR_CHECKPOINT, PR_SPACE, PR_IMAGE, PR_PROCESS, PR_WORK, PR_LOG_TEXT, PR_SCHEDULE, PR_SERVICE_BANK,
	PR_SYSTRACE,
	PR_A = CR_ARG0,
};

/* Slots of the node in PR_STORE. */
enum {
	ST_BASE, ST_OVERLAY, ST_TEST_RANGE, ST_BANKS, ST_SCRATCH,
	ST_ENTRIES,                            /* nodes with the processes and requestors of the manifest's entries */
	ST_IMAGES = ST_ENTRIES + MANIFEST_ENTRIES / NODE_SLOTS, /* nodes with the images of programs */
};
_Static_assert(CONFIG_SANDBOXES <= NODE_SLOTS, "one node keeps the banks of all sandboxes");

/* Data of prime's own start capabilities; the low byte says whose. */
enum { DATA_NATIVE = 0, DATA_SESSION = 0x100, DATA_SERVICE_DEATH = 0x200, DATA_SANDBOX_DEATH = 0x300 };

enum { BANK_ALLOC = 1, BANK_FREE = 2, BANK_SUB = 4, BANK_DESTROY = 8, BANK_ALL = 31,
       BANK_SERVICE = BANK_ALLOC | BANK_FREE | BANK_SUB };

extern struct space_maker maker;               /* storage: from the range, later from the bank */
extern struct config config;
extern bool pack_is_loaded;                    /* the pack in the window is this start's, not the first one */
extern uint64_t tree_length[2];                /* bytes of the base tree and the overlay; once they are mapped */
extern const char *const manifest;
extern size_t manifest_length;

/* ---- main.c ------------------------------------------------------------------------------------------- */
void __attribute__((noreturn, format(printf, 1, 2))) fatal(const char *format, ...); /* the machine ends */
void must(uint32_t rc, const char *what, const char *of);
void process_give(cap_t reg, cap_t from);      /* fills a register of the process in PR_PROCESS */
void process_prepare(const char *name, unsigned priority, unsigned keeper_data);

/* ---- pack.c: the boot pack, and tables of capabilities --------------------------------------------------- */
void pack_open(void);
void config_load(void);
void manifest_load(void);
void program_image(const char *name);          /* into PR_IMAGE */
void image_find(const char *name);             /* the same, made only once */
void tree_find(bool overlay, cap_t to);        /* a file tree's memory, mapped when first asked for */
void table_put(unsigned table, unsigned index, cap_t from, const char *what);
void table_get(unsigned table, unsigned index, cap_t to, const char *what);

/* ---- source.c: where capabilities come from --------------------------------------------------------------- */
bool entry_at(unsigned index, struct manifest_entry *e);
void self_start(unsigned data);                /* a start capability of ours, into PR_A */
bool own_get(const struct manifest_grant *g, cap_t to);
void start_get(const struct manifest_grant *g, cap_t to);
uint32_t stream_get(const struct manifest_grant *g, cap_t to);
void tree_get(const struct manifest_grant *g, cap_t to);
void source_get(const struct manifest_grant *g, cap_t to);

/* ---- session.c ---------------------------------------------------------------------------------------------- */
void sandboxes_start(void);
#endif
