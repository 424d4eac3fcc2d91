/*
 * womb.c - primordial programs: those that a system's first program started before there were factories.
 *
 *	womb NAME SEGMENT [8=KEY] [9=KEY]
 *
 * The domain has a creator of its own.  It finds its bank in slot 4, its meter in 5, its creator in 6, what is named in
 * 8 and 9, and gets a message with the node of facilities in slot 0, its memory in 1, the caller in 2 and its domain
 * key in 3 (wombdefs.h).  Its answer's keys become NAME, NAME.1, NAME.2, NAME.3; NAME.domain is its domain key.
 */
#include <stdio.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/node.h>
#include <keros/process.h>
#include "command.h"
#include "words.h"

#define ENTRY 48                           /* where an image waits for its first message (lib/start.S) */
#define SLOT(n) (8 + (n))
enum { R_DOMAIN = R_SEND, R_CREATOR, R_NODE, R_ITEM, R_FACILITIES = CR_TMP1 };

static uint32_t call(cap_t key, uint32_t order, cap_t k0, cap_t k1, cap_t to)
{
	struct msg m = { .order = order, .send = { k0, k1 }, .recv = { to } };

	inv_raw(INV_CALL | INV_KEYKOS, key, &m);
	return m.order;
}

static bool slot_fill(unsigned slot, const char *name)
{
	return key_fetch(name, R_ITEM) && call(R_DOMAIN, 48 + slot, R_ITEM, CR_VOID, CR_VOID) == 0;
}

/* A node whose slots are keys by name, into a slot of the node of facilities. */
static bool facility_add(unsigned at, const char *const names[16])
{
	if (bank_alloc_node(CR_BANK, R_NODE) != RC_OK)
		return false;
	for (unsigned i = 0; i < 16; i++)
		if (names[i] && (!key_fetch(names[i], R_ITEM) || node_swap(R_NODE, i, R_ITEM, CR_VOID) != RC_OK))
			return false;
	return node_swap(R_FACILITIES, at, R_NODE, CR_VOID) == RC_OK;
}

static bool facilities_make(void)
{
	static const char *const fundamental[16] = { "discrim", "dkc", "returner", NULL, "sbt", "fc" };
	static const char *const support[16] = { "dcc" };
	static const char *const resources[16] = { "m", "sb" };

	return bank_alloc_node(CR_BANK, R_FACILITIES) == RC_OK && facility_add(0, fundamental) && facility_add(1, support) &&
	       facility_add(2, resources);
}

/* Registers as if the domain had just returned to nobody, and takes four keys: slots 0, 1, 3 and 2. */
static bool domain_wait(void)
{
	struct reg_image regs = { .rip = ENTRY, .rflags = 0x202 };

	regs.rax = (uint64_t)INV_MARK << INV_MARK_SHIFT | INV_RETURN | INV_KEYKOS | INV_RECV_CAPS;
	regs.rbx = (uint64_t)(SLOT(0) | SLOT(1) << 8 | SLOT(3) << 16 | SLOT(2) << 24) << 32;
	return process_set_regs(R_DOMAIN, &regs, sizeof regs) == RC_OK && process_run(R_DOMAIN) == RC_OK;
}

static bool domain_make(cap_t segment, char *rest)
{
	char *word;

	if (!key_fetch("dcc", R_KEY) || !key_fetch("sb", R_ITEM) || !key_fetch("m", R_NODE) ||
	    call(R_KEY, 0, R_ITEM, R_NODE, R_CREATOR) != 0 || call(R_CREATOR, 12, R_ITEM, CR_VOID, R_DOMAIN) != 0) {
		complain("no space for a domain");
		return false;
	}
	call(R_DOMAIN, 33, R_NODE, CR_VOID, CR_VOID);
	call(R_DOMAIN, 35, segment, CR_VOID, CR_VOID);
	call(R_DOMAIN, 48 + 6, R_CREATOR, CR_VOID, CR_VOID);
	if (!slot_fill(4, "sb") || !slot_fill(5, "m"))
		return false;
	while ((word = word_cut(&rest))) {
		if ((*word != '8' && *word != '9') || word[1] != '=') {
			complain("'%s' is no key of a primordial domain: 8=KEY or 9=KEY", word);
			return false;
		}
		if (!slot_fill(*word - '0', word + 2))
			return false;
	}
	return true;
}

/* What was made so far goes back: the domain, its creator, the nodes of the facilities. */
static void undo(void)
{
	if (key_fetch("sb", R_ITEM)) {
		call(R_CREATOR, 1, R_DOMAIN, R_ITEM, CR_VOID);
		call(R_CREATOR, KT + 4, CR_VOID, CR_VOID, CR_VOID);
	}
	for (unsigned i = 0; i < 3; i++)
		if (node_fetch(R_FACILITIES, i, R_NODE) == RC_OK)
			bank_free(CR_BANK, R_NODE);
	bank_free(CR_BANK, R_FACILITIES);
}

static void registers_clear(void)
{
	for (cap_t to = R_DOMAIN; to <= R_ITEM; to++)
		process_swap_reg(CR_SELF, to, CR_VOID, CR_VOID);
	process_swap_reg(CR_SELF, R_FACILITIES, CR_VOID, CR_VOID);
}

void command_womb(char *rest)
{
	static const char *const suffix[4] = { "", ".1", ".2", ".3" };
	char *name = word_cut(&rest), *segment = word_cut(&rest), full[64];
	struct msg m = { .send = { R_FACILITIES, CR_VOID, R_DOMAIN }, .recv = { R_RECV, R_RECV + 1, R_RECV + 2, R_RECV + 3 } };

	if (!name || !segment) {
		complain("womb takes NAME SEGMENT and keys for slots 8 and 9: womb kidc kidc.s 8=keybits");
		return;
	}
	if (!name_fits(name))
		return;
	if (strlen(name) > NAME_LIMIT - 7) {
		complain("'%.60s' is too long: .domain stands behind it", name);
		return;
	}
	if (!key_fetch(segment, R_RECV))
		return;
	if (!header_word(R_RECV, 16)) {
		complain("'%s' is not a program of the dialect; make it with keykos-cc", segment);
		return;
	}
	registers_clear();
	if (!domain_make(R_RECV, rest) || !facilities_make() || !domain_wait()) {
		complain("the domain cannot be made");
		undo();
		return;
	}
	snprintf(full, sizeof full, "%s.domain", name);
	key_store(full, R_DOMAIN);
	call(R_DOMAIN, 64, CR_VOID, CR_VOID, R_KEY);
	jump(&m);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(full, sizeof full, "%s%s", name, suffix[i]);
		key_store(full, R_RECV + i);
	}
	out("RC=%X\n", m.order);
}
