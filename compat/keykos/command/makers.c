/*
 * makers.c - the commands that make factories, banks, meters and data keys, and tell of them; and cmdfile.
 *
 * A segment is read by the copy key, never mapped: whatever it is, and whatever its keeper does, the interpreter gets a
 * code.  What a command made before it failed is given back.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/space.h>
#include <keros/timer.h>
#include "command.h"
#include "words.h"

#define WINDOW 0x30000000ull
#define DESTROY 0x80000004u

static cap_t bank_register = CR_BANK;

/* A page of our own that stands in WINDOW, and the copy key. */
bool reader_make(void)
{
	struct space_maker maker = space_bank_maker(&bank_register);

	return bank_alloc_page(CR_BANK, R_PAGE) == RC_OK && process_get_slot(CR_SELF, PSLOT_SPACE, R_SPACE) == RC_OK &&
	       space_map(R_SPACE, WINDOW, R_PAGE, 0, &maker) == RC_OK && timer_make_copier(R_TIMER, R_COPY) == RC_OK;
}

const void *segment_read(cap_t segment, uint64_t from, size_t length)
{
	struct { uint64_t from, to, length; uint32_t error; } __attribute__((packed)) arg = { from, 0, length, 0 };
	struct msg m;

	/* 1: it was interrupted, and goes on from where it came. */
	do {
		m = (struct msg){ .send = { segment, R_PAGE }, .send_string = &arg, .send_length = sizeof arg,
				  .recv_string = &arg, .recv_limit = sizeof arg };
		inv_raw(INV_CALL | INV_KEYKOS, R_COPY, &m);
	} while (m.order == 1);
	return m.order == 0 ? (const void *)WINDOW : NULL;
}

uint32_t header_word(cap_t segment, unsigned offset)
{
	const char *header = segment_read(segment, 0, 64);
	uint32_t value = 0;

	if (header && memcmp(header, "FACTORY ", 8) == 0)
		memcpy(&value, header + offset, sizeof value);
	return value;
}

/* One call of the builder in R_KEY. */
static uint32_t build(uint32_t order, uint32_t value, cap_t key, cap_t to)
{
	struct msg m = { .order = order, .send = { key }, .recv = { to }, .send_string = &value, .send_length = 4 };

	return jump(&m);
}

static bool component_install(const char *word)
{
	char *end;
	unsigned long n = strtoul(word + 1, &end, 10);
	uint32_t base = *word == 's' ? 0 : *word == 'f' ? 32 : *word == 'h' ? 128 : 1, rc;

	if (base == 1 || *end != '=' || end == word + 1 || n > 18) {
		complain("'%s' is no component; write s0=KEY, f1=KEY or h2=KEY", word);
		return false;
	}
	if (!key_fetch(end + 1, R_SEND))
		return false;
	rc = build(base + n, 0, R_SEND, CR_VOID);
	if (rc)
		complain("component %.60s: the builder answers rc=%X%s", word, rc,
			 rc == 2 ? base == 0 ? ", it is not sensory" : base == 32 ? ", it is no factory" : "" : "");
	return rc == 0;
}

/* What stands behind the type: an ordinal, the stack's size, components. */
static bool parts_install(char *rest)
{
	char *word;
	uint32_t ordinal = 0;

	/* A program says itself how much stack it needs; the word of the published language is taken and not needed. */
	while ((word = word_cut(&rest)))
		if (isdigit((unsigned char)*word)) {
			if (!number_read(word, variable_value, &ordinal)) {
				complain("'%.60s' is no ordinal", word);
				return false;
			}
			build(65, ordinal, CR_VOID, CR_VOID);
		} else if (strncmp(word, "stack=", 6) != 0 && !component_install(word)) {
			return false;
		}
	return true;
}

void command_cfact(char *rest)
{
	char *name = word_cut(&rest), *segment = word_cut(&rest), *akt = word_cut(&rest);
	char builder[NAME_LIMIT + 9];
	uint32_t type, entry;
	struct msg m = { .order = 0, .send = { R_SEND }, .recv = { R_KEY } };

	if (!name || !segment || !akt || !number_read(akt, variable_value, &type)) {
		complain("cfact takes NAME SEGMENT akt and components: cfact counterf counter.s 0x10C0");
		return;
	}
	snprintf(builder, sizeof builder, "%s.builder", name);
	if (!name_fits(name) || !name_fits(builder) || !program_fetch(segment, R_SEND + 3))
		return;
	entry = header_word(R_SEND + 3, 16);
	if (!entry) {
		complain("'%.60s' is not a program of the dialect; make it with keykos-cc", segment);
		return;
	}
	if (!key_fetch("sb", R_SEND) || !key_fetch("fc", R_KEY))
		return;
	if (jump(&m) != 0) {
		complain("the factory creator answers rc=%X", m.order);
		return;
	}
	if (build(17, entry, R_SEND + 3, CR_VOID) != 0) {
		complain("'%.60s' is not sensory", segment);
	} else if (build(64, type, CR_VOID, CR_VOID) == 0 && parts_install(rest) && build(66, 0, CR_VOID, R_RECV) == 0) {
		key_store(name, R_RECV);
		key_store(builder, R_KEY);
		return;
	}
	build(DESTROY, 0, CR_VOID, CR_VOID);
}

void command_newbank(char *rest)
{
	char *name = word_cut(&rest), *above = word_cut(&rest);
	struct msg m = { .order = 67, .recv = { R_RECV } };

	if (!name)
		complain("newbank takes a name, and the bank above if it is not sb");
	else if (words_end(rest) && name_fits(name) && key_fetch(above ? above : "sb", R_KEY)) {
		if (jump(&m) == 0)
			key_store(name, R_RECV);
		else
			complain("the bank answers rc=%X", m.order);
	}
}

/* A meter of its own: a node with the counters full, under the interpreter's meter or the one named. */
void command_newmeter(char *rest)
{
	/* Data keys for slots 3 to 8: the time left, and counters that nothing runs down. */
	static struct { uint32_t first, last; uint8_t body[6][16]; } counters = { 3, 8, { { 0 } } };
	char *name = word_cut(&rest), *above = word_cut(&rest), node_name[NAME_LIMIT + 6];
	struct msg m = { .order = 0, .recv = { R_RECV + 1 } };

	if (!name) {
		complain("newmeter takes a name");
		return;
	}
	snprintf(node_name, sizeof node_name, "%snode", name);
	if (!words_end(rest) || !name_fits(name) || !name_fits(node_name) || !key_fetch(above ? above : "m", R_SEND) ||
	    !key_fetch("sb", R_KEY))
		return;
	if (jump(&m) != 0) {
		complain("the bank answers rc=%X", m.order);
		return;
	}
	for (unsigned i = 0; i < 3; i++)
		memset(counters.body[i] + 9, 0xFF, 7);
	m = (struct msg){ .order = 45, .send_string = &counters, .send_length = sizeof counters };
	inv_raw(INV_CALL | INV_KEYKOS, R_RECV + 1, &m);
	node_swap(R_RECV + 1, 1, R_SEND, CR_VOID);
	m = (struct msg){ .order = 34, .recv = { R_RECV } };
	inv_raw(INV_CALL | INV_KEYKOS, R_RECV + 1, &m);
	key_store(name, R_RECV);
	key_store(node_name, R_RECV + 1);
}

/* The time left on a meter, by its name or its node's. */
void command_readmeter(char *rest)
{
	char *name = word_cut(&rest), node_name[NAME_LIMIT + 6];
	struct msg m = { .order = 3, .recv = { R_KEY } };

	if (!name) {
		complain("readmeter takes a name");
		return;
	}
	snprintf(node_name, sizeof node_name, "%.*snode", (int)NAME_LIMIT, name);
	if (!words_end(rest) || !key_fetch(key_known(node_name) ? node_name : name, R_KEY))
		return;
	if (jump(&m) == 0) {
		m = (struct msg){ .order = 1 };
		jump(&m);
		string_show(received, m.recv_length, 'X');
		return;
	}
	complain("'%.60s' is no meter's name and no node", name);
}

void command_datakey(char *rest)
{
	char *name = word_cut(&rest), *text = word_cut(&rest);
	const char *wrong;
	struct msg m = { .order = 1, .send_string = sent, .send_length = 16, .recv = { R_RECV } };
	size_t length;
	uint8_t bytes[STRING_LIMIT];

	if (!name || !text) {
		complain("datakey takes a name and a string: datakey one %%x01");
		return;
	}
	wrong = string_read(text, variable_value, bytes, &length);
	if (wrong || length > 11) {
		complain("'%.60s': %s", text, wrong ? wrong : "a data key has eleven bytes");
		return;
	}
	if (!words_end(rest) || !name_fits(name))
		return;
	memset(sent, 0, 16);
	memcpy(sent + 16 - length, bytes, length);
	if (key_fetch("dkc", R_KEY) && jump(&m) == 0)
		key_store(name, R_RECV);
}

void command_space(char *rest)
{
	char *bank = word_cut(&rest);
	struct msg m = { .order = 65 };
	uint32_t n[8];

	if (!words_end(rest) || !key_fetch(bank ? bank : "sb", R_KEY))
		return;
	if (jump(&m) != 0 || m.recv_length != sizeof n) {
		complain("'%s' does not tell its statistics", bank ? bank : "sb");
		return;
	}
	memcpy(n, received, sizeof n);
	out("%u Nodes and %u Pages\n", n[0] - n[2], n[4] - n[6]);
}


void command_checkpoint(char *rest)
{
	struct msg m = { .order = 7 };

	if (!words_end(rest) || !key_fetch("systimer", R_KEY) || jump(&m) != 0)
		return;
	memcpy(sent, received, 8);
	m = (struct msg){ .order = 1, .send_string = sent, .send_length = 8 };
	if (key_fetch("checkpoint", R_KEY) && jump(&m) != 0)
		complain("the checkpoint key answers rc=%X%s", m.order, m.order == KT + 2 ? ": there is no disk (--disk FILE)" : "");
}

void command_cmdfile(char *rest)
{
	char *name = word_cut(&rest);

	if (!name)
		complain("cmdfile takes a segment with commands in it");
	else if (words_end(rest) && key_fetch(name, R_KEY)) {
		if (segment_read(R_KEY, 0, 1))
			file_enter(name);
		else
			complain("'%.60s' is no segment that can be read", name);
	}
}
