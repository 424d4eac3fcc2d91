/*
 * main.c - the command interpreter: KeyKOS's command language, one command a line.
 *
 *	kc KEY oc (send) (receive)     CALL; lists are string,key,key,key[,key], any of them may be empty
 *	kfork KEY oc (send)            FORK: nothing is waited for; the fourth key is where an answer goes
 *	kt KEY                         its alleged type
 *	cfact NAME SEGMENT akt [ord] [stack=n] hN=KEY|fN=KEY|sN=KEY ...
 *	                               a factory of that program and components; NAME becomes the requestor, NAME.builder
 *	                               the builder
 *	womb NAME SEGMENT [8=KEY] [9=KEY]
 *	                               a primordial domain of that program (womb.c)
 *	newbank NAME, newmeter NAME [ABOVE], readmeter NAME, datakey NAME string, space BANK, pause MS, ls, say TEXT,
 *	exit [status]
 *
 * A string to send is %xHEX, %aTEXT, a number (four bytes) or a variable; one to receive is a variable, or nothing
 * and it is shown.  An order code is numbers, names of numbers and kt, joined by + and -.
 *
 * Invariants
 *   1. Keys stand in a tree of two levels of nodes under the number of their name.
 *   2. A command that cannot be understood says so with its line number, and the script goes on; the exit status is then 1.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/console.h>
#include <keros/inv.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/space.h>
#include <keros/bank.h>
#include <keros/stream.h>
#include <keros/timer.h>
#include "command.h"

#define NAMES 250
#define NAME_MAX_ 40
#define VARIABLES 64
#define STRING_LIMIT 4096
#define WINDOW 0x30000000ull
#define BIT_STREAM 1u

static char names[NAMES][NAME_MAX_];
static struct { char name[NAME_MAX_]; size_t length; uint8_t bytes[STRING_LIMIT]; } variables[VARIABLES];
static unsigned line_number, status;
static cap_t bank_register = CR_BANK;
static struct space_maker maker;

/* ---- the console ------------------------------------------------------------------------- */

/* Nothing else posts to this process: a notice says that the stream is worth another try. */
static void
wait_notice(void)
{
	struct msg m = { 0 };

	inv_return(CR_VOID, &m);
}

static void
out_bytes(const char *text, size_t length)
{
	while (length) {
		uint64_t accepted = 0;
		uint32_t rc = stream_write(R_OUTPUT, text, length, &accepted);

		if (rc == RC_AGAIN || (rc == RC_OK && accepted == 0))
			wait_notice();
		else if (rc != RC_OK)
			return;
		text += accepted;
		length -= accepted;
	}
}

void
out(const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	out_bytes(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

void
complain(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	out("line %u: %s\n", line_number, text);
	status = 1;
}

/* The next line without its end; false at the end of input. */
static bool
line_read(char *line, size_t limit)
{
	static char input[4096];
	static size_t have, at;
	size_t n = 0;

	for (;;) {
		for (; at < have; at++) {
			if (input[at] == '\n') {
				at++;
				line[n] = 0;
				return true;
			}
			if (n + 1 < limit)
				line[n++] = input[at];
		}
		at = have = 0;
		uint32_t rc = stream_read(R_INPUT, sizeof input, input, sizeof input, &have);

		if (rc == RC_AGAIN)
			wait_notice();
		else if (rc != RC_OK || have == 0)
			break;
	}
	line[n] = 0;
	return n > 0;
}

/* ---- names ------------------------------------------------------------------------------- */

/* Paths lead to one directory here: the last part is the name. */
static const char *
last_part(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static int
name_find(const char *name)
{
	name = last_part(name);
	for (int i = 0; i < NAMES; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

void
key_store(const char *name, cap_t key)
{
	int i = name_find(name);

	name = last_part(name);
	for (int j = 0; i < 0 && j < NAMES; j++)
		if (!names[j][0])
			i = j;
	if (i < 0) {
		complain("no room for the name '%s'", name);
		return;
	}
	snprintf(names[i], NAME_MAX_, "%s", name);
	node_tree_swap(R_NAMES, i, 2, key, CR_VOID);
}

bool
key_fetch(const char *name, cap_t to)
{
	int i = name_find(name);

	if (i < 0) {
		complain("there is no key '%s'; ls lists what there is", name);
		return false;
	}
	node_tree_fetch(R_NAMES, i, 2, to);
	return true;
}

static int
variable_find(const char *name, bool make)
{
	for (int i = 0; i < VARIABLES; i++)
		if (strcmp(variables[i].name, name) == 0)
			return i;
	for (int i = 0; make && i < VARIABLES; i++)
		if (!variables[i].name[0]) {
			snprintf(variables[i].name, NAME_MAX_, "%s", name);
			return i;
		}
	return -1;
}

/* ---- values ------------------------------------------------------------------------------ */

static bool
number_term(const char **text, uint32_t *value)
{
	char word[NAME_MAX_], *end;
	size_t n = 0;
	int v;

	if (isdigit((unsigned char)**text)) {
		*value = strtoul(*text, &end, 0);
		*text = end;
		return true;
	}
	while (n + 1 < sizeof word && (isalnum((unsigned char)**text) || **text == '_'))
		word[n++] = *(*text)++;
	word[n] = 0;
	if (strcasecmp(word, "kt") == 0) {
		*value = 0x80000000u;
		return true;
	}
	v = variable_find(word, false);
	if (n == 0 || v < 0)
		return false;
	*value = 0;
	memcpy(value, variables[v].bytes, variables[v].length < 4 ? variables[v].length : 4);
	return true;
}

static bool
number_read(const char *text, uint32_t *value)
{
	uint32_t term;
	char op = '+';

	*value = 0;
	if (*text == '-')
		op = *text++;
	for (;;) {
		if (!number_term(&text, &term))
			return false;
		*value += op == '+' ? term : -term;
		if (*text == 0)
			return true;
		op = *text++;
		if (op != '+' && op != '-')
			return false;
	}
}

static bool
hex_read(const char *text, uint8_t *to, size_t *length)
{
	for (*length = 0; text[0]; text += 2) {
		unsigned value;

		if (*length == STRING_LIMIT || !isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    sscanf(text, "%2x", &value) != 1)
			return false;
		to[(*length)++] = value;
	}
	return true;
}

static bool
string_read(const char *text, uint8_t *to, size_t *length)
{
	uint32_t number;
	int v;

	*length = 0;
	if (!*text)
		return true;
	if (strncasecmp(text, "%x", 2) == 0)
		return hex_read(text + 2, to, length);
	if (strncasecmp(text, "%a", 2) == 0) {
		*length = strnlen(text + 2, STRING_LIMIT);
		memcpy(to, text + 2, *length);
		return true;
	}
	if ((v = variable_find(text, false)) >= 0) {
		*length = variables[v].length;
		memcpy(to, variables[v].bytes, *length);
		return true;
	}
	if (!number_read(text, &number))
		return false;
	memcpy(to, &number, *length = sizeof number);
	return true;
}

/* form: A as text, X in hexadecimal, 0 whichever suits it. */
static void
string_show(const uint8_t *bytes, size_t length, int form)
{
	size_t most = length < 512 || form == 'X' ? length : 512;
	bool text = length > 0 && form != 'X';

	for (size_t i = 0; i < length; i++)
		text &= form == 'A' || isprint(bytes[i]) || isspace(bytes[i]);
	if (text) {
		out("  \"%.*s\"\n", (int)(length < 400 ? length : 400), (const char *)bytes);
		return;
	}
	out("  %%X");
	for (size_t i = 0; i < most; i++)
		out("%02X", bytes[i]);
	out(most < length ? "... (%zu bytes)\n" : "\n", length);
}

/* ---- commands ---------------------------------------------------------------------------- */

/* Cuts the next word, or a parenthesis as a whole, out of *text; NULL at the end. */
char *
word_cut(char **text)
{
	char *p = *text, *word;

	while (isspace((unsigned char)*p))
		p++;
	if (!*p || *p == '#')
		return NULL;
	word = p;
	if (*p == '(')
		p = strchr(p, ')') ? strchr(p, ')') + 1 : p + strlen(p);
	else
		while (*p && !isspace((unsigned char)*p) && *p != '(')
			p++;
	if (*p && *p != '(')
		*p++ = 0;
	else if (*p == '(' && p > word) {
		memmove(p + 1, p, strlen(p) + 1);
		*p++ = 0;
	}
	*text = p;
	return word;
}

/* "(a,b,,c)" into fields; false if it is no list. */
static bool
list_read(char *text, char *field[5])
{
	static char empty[] = "";
	unsigned n = 0;
	char *end;

	for (unsigned i = 0; i < 5; i++)
		field[i] = empty;
	if (!text)
		return true;
	end = strchr(text, ')');
	if (*text != '(' || !end)
		return false;
	*end = 0;
	for (char *p = text + 1; p; n++) {
		char *comma = strchr(p, ',');

		if (comma)
			*comma++ = 0;
		while (*p == ' ')
			p++;
		if (n == 5)
			return false;
		field[n] = p;
		p = comma;
	}
	return true;
}

static uint8_t sent[STRING_LIMIT], received[STRING_LIMIT];

uint32_t
jump(struct msg *m)
{
	m->recv_string = received;
	m->recv_limit = sizeof received;
	inv_raw(INV_CALL | INV_KEYKOS, R_KEY, m);
	return m->order;
}

static void
answer_keep(char *field[5], const struct msg *m)
{
	if (field[0][0] == '%' && m->recv_length) {
		string_show(received, m->recv_length, toupper((unsigned char)field[0][1]));
	} else if (*field[0] && *field[0] != '%') {
		int v = variable_find(field[0], true);

		if (v < 0) {
			complain("no room for the variable '%s'", field[0]);
			return;
		}
		variables[v].length = m->recv_length;
		memcpy(variables[v].bytes, received, m->recv_length);
	} else if (m->recv_length) {
		string_show(received, m->recv_length, 0);
	}
	for (unsigned i = 0; i < 4; i++)
		if (*field[i + 1])
			key_store(field[i + 1], R_RECV + i);
}

/* What kc and kfork begin with; false if it was said what is wrong. */
static bool
jump_read(char *rest, struct msg *m, unsigned keys, char **in_list)
{
	char *key = word_cut(&rest), *order = word_cut(&rest), *out_list = word_cut(&rest);
	char *give[5];

	*in_list = word_cut(&rest);
	if (!key || !order || !number_read(order, &m->order)) {
		complain("kc takes a key, an order code and two lists: kc KEY 0 (string,key) (string,key)");
		return false;
	}
	if (!list_read(out_list, give) || (keys == 3 && *give[4])) {
		complain("a list is (string,key,key,key); %u keys to send, four to receive", keys);
		return false;
	}
	m->send_string = sent;
	if (!string_read(give[0], sent, &m->send_length)) {
		complain("'%s' is no string: %%xHEX, %%aTEXT, a number or a variable", give[0]);
		return false;
	}
	if (!m->send_length)
		m->send_string = NULL;
	for (unsigned i = 0; i < keys; i++)
		if (*give[i + 1]) {
			if (!key_fetch(give[i + 1], R_SEND + i))
				return false;
			m->send[i] = R_SEND + i;
		}
	return key_fetch(key, R_KEY);
}

static void
command_kc(char *rest)
{
	char *in_list, *take[5];
	struct msg m = { 0 };

	if (!jump_read(rest, &m, 3, &in_list))
		return;
	if (!list_read(in_list, take)) {
		complain("a list is (string,key,key,key); three keys to send, four to receive");
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		m.recv[i] = *take[i + 1] ? R_RECV + i : CR_VOID;
	jump(&m);
	out("RC=%X\n", m.order);
	answer_keep(take, &m);
}

/* If the key's domain is busy this waits for it, as KeyKOS's does. */
static void
command_kfork(char *rest)
{
	char *in_list;
	struct msg m = { 0 };

	if (!jump_read(rest, &m, 4, &in_list))
		return;
	if (in_list && *in_list)
		complain("kfork receives nothing");
	else
		inv_raw(INV_SEND | INV_KEYKOS, R_KEY, &m);
}

static void
command_kt(char *rest)
{
	char *key = word_cut(&rest);
	struct msg m = { .order = KT };

	if (key && key_fetch(key, R_KEY))
		out("KT=%X\n", jump(&m));
	else if (!key)
		complain("kt takes a key");
}

/* The number of a word of a program's header; 0 if it is none. */
uint32_t
header_word(cap_t segment, unsigned offset)
{
	uint32_t value;

	process_get_slot(CR_SELF, PSLOT_SPACE, R_SPACE);
	if (space_place(R_SPACE, WINDOW, segment, 4, &maker) != RC_OK)
		return 0;
	if (memcmp((const void *)WINDOW, "FACTORY ", 8) != 0)
		return 0;
	memcpy(&value, (const void *)(WINDOW + offset), sizeof value);
	return value;
}

/* One call of the builder in R_KEY. */
static uint32_t
build(uint32_t order, uint32_t value, cap_t key, cap_t to)
{
	struct msg m = { .order = order, .send = { key }, .recv = { to }, .send_string = &value, .send_length = 4 };

	return jump(&m);
}

static bool
component_install(const char *word)
{
	char *end;
	unsigned long n = strtoul(word + 1, &end, 10);
	uint32_t base = *word == 's' ? 0 : *word == 'f' ? 32 : *word == 'h' ? 128 : 1, rc;

	if (base == 1 || *end != '=' || n > 18) {
		complain("'%s' is no component; write s0=KEY, f1=KEY or h2=KEY", word);
		return false;
	}
	if (!key_fetch(end + 1, R_SEND))
		return false;
	rc = build(base + n, 0, R_SEND, CR_VOID);
	if (rc)
		complain("component %s: rc=%X", word, rc);
	return rc == 0;
}

static void
command_cfact(char *rest)
{
	char *name = word_cut(&rest), *segment = word_cut(&rest), *akt = word_cut(&rest), *word;
	char builder[NAME_MAX_ + 9];
	uint32_t type, entry, ordinal = 0;
	struct msg m = { .order = 0, .send = { R_SEND }, .recv = { R_KEY } };

	if (!name || !segment || !akt || !number_read(akt, &type)) {
		complain("cfact takes NAME SEGMENT akt and components: cfact counterf counter.s 0x10C0");
		return;
	}
	if (!key_fetch(segment, R_SEND + 3))
		return;
	entry = header_word(R_SEND + 3, 16);
	if (!entry) {
		complain("'%s' is not a program of the dialect; make it with keykos-cc", segment);
		return;
	}
	if (!key_fetch("sb", R_SEND) || !key_fetch("fc", R_KEY))
		return;
	if (jump(&m) != 0) {
		complain("the factory creator answers rc=%X", m.order);
		return;
	}
	if (build(17, entry, R_SEND + 3, CR_VOID) != 0) {
		complain("'%s' is not sensory", segment);
		return;
	}
	build(64, type, CR_VOID, CR_VOID);
	/* A program says itself how much stack it needs; the word of the published language is taken and not needed. */
	while ((word = word_cut(&rest)))
		if (isdigit((unsigned char)*word) && number_read(word, &ordinal))
			build(65, ordinal, CR_VOID, CR_VOID);
		else if (strncmp(word, "stack=", 6) != 0 && !component_install(word))
			return;
	build(66, 0, CR_VOID, R_RECV);
	key_store(name, R_RECV);
	snprintf(builder, sizeof builder, "%s.builder", last_part(name));
	key_store(builder, R_KEY);
}

static void
command_newbank(char *rest)
{
	char *name = word_cut(&rest);
	struct msg m = { .order = 67, .recv = { R_RECV } };

	if (!name)
		complain("newbank takes a name");
	else if (key_fetch("sb", R_KEY) && jump(&m) == 0)
		key_store(name, R_RECV);
}

/* A meter of its own: a node with the counters full, under the interpreter's meter or the one named. */
static void
command_newmeter(char *rest)
{
	/* Data keys for slots 3 to 8: the time left, and counters that nothing runs down. */
	static struct { uint32_t first, last; uint8_t body[6][16]; } counters = { 3, 8, { { 0 } } };
	char *name = word_cut(&rest), *above = word_cut(&rest), node_name[NAME_MAX_ + 4];
	struct msg m = { .order = 0, .recv = { R_RECV + 1 } };

	if (!name) {
		complain("newmeter takes a name");
		return;
	}
	if (!key_fetch(above ? above : "m", R_SEND) || !key_fetch("sb", R_KEY))
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
	snprintf(node_name, sizeof node_name, "%snode", last_part(name));
	key_store(node_name, R_RECV + 1);
}

/* The time left on a meter whose node is named. */
static void
command_readmeter(char *rest)
{
	char *name = word_cut(&rest), node_name[NAME_MAX_ + 4];
	struct msg m = { .order = 3, .recv = { R_KEY } };

	if (!name) {
		complain("readmeter takes a name");
		return;
	}
	snprintf(node_name, sizeof node_name, "%snode", last_part(name));
	if (!key_fetch(node_name, R_KEY) || jump(&m) != 0)
		return;
	m = (struct msg){ .order = 1 };
	jump(&m);
	string_show(received, m.recv_length, 'X');
}

static void
command_datakey(char *rest)
{
	char *name = word_cut(&rest), *text = word_cut(&rest);
	struct msg m = { .order = 1, .send_string = sent, .send_length = 16, .recv = { R_RECV } };
	size_t length;
	uint8_t bytes[STRING_LIMIT];

	if (!name || !text || !string_read(text, bytes, &length)) {
		complain("datakey takes a name and a string: datakey one %%x01");
		return;
	}
	length = length < 11 ? length : 11;
	memset(sent, 0, 16);
	memcpy(sent + 16 - length, bytes, length);
	if (key_fetch("dkc", R_KEY) && jump(&m) == 0)
		key_store(name, R_RECV);
}

static void
command_space(char *rest)
{
	char *bank = word_cut(&rest);
	struct msg m = { .order = 65 };
	uint32_t n[8];

	if (!key_fetch(bank ? bank : "sb", R_KEY))
		return;
	if (jump(&m) != 0 || m.recv_length != sizeof n) {
		complain("'%s' does not tell its statistics", bank ? bank : "sb");
		return;
	}
	memcpy(n, received, sizeof n);
	out("%u Nodes and %u Pages\n", n[0] - n[2], n[4] - n[6]);
}

/* Lets others run: what was forked has been heard after a while. */
static void
command_pause(char *rest)
{
	char *word = word_cut(&rest);
	uint32_t ms;
	uint64_t now_ns = 0;

	if (!word || !number_read(word, &ms)) {
		complain("pause takes milliseconds: pause 100");
		return;
	}
	timer_now(R_TIMER, &now_ns);
	timer_sleep_until(R_TIMER, now_ns + ms * 1000000ull);
}

static void
command_ls(char *rest)
{
	(void)rest;
	for (unsigned i = 0; i < NAMES; i++)
		if (names[i][0])
			out("%s\n", names[i]);
}

static void
command_say(char *rest)
{
	while (isspace((unsigned char)*rest))
		rest++;
	out("%s\n", rest);
}

static void __attribute__((noreturn))
end(void)
{
	console_finish(R_CONSOLE, 0, status);
	native_exit(status);
}

static void
command_exit(char *rest)
{
	char *word = word_cut(&rest);

	if (word && !number_read(word, &status))
		complain("'%s' is no status", word);
	end();
}

static void
command_run(char *line)
{
	static const struct { const char *name; void (*run)(char *rest); } commands[] = {
		{ "kc", command_kc }, { "kfork", command_kfork }, { "kt", command_kt }, { "cfact", command_cfact },
		{ "womb", command_womb }, { "newbank", command_newbank }, { "newmeter", command_newmeter },
		{ "readmeter", command_readmeter }, { "datakey", command_datakey }, { "space", command_space }, { "ls", command_ls }, { "pause", command_pause }, { "say", command_say }, { "exit", command_exit },
	};
	char *word = word_cut(&line);

	if (!word)
		return;
	for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(word, commands[i].name) == 0) {
			commands[i].run(line);
			return;
		}
	complain("no command '%s'; there are kc kfork kt cfact womb newbank newmeter readmeter datakey space pause ls say exit", word);
}

/* ---- the start --------------------------------------------------------------------------- */

static bool
names_make(void)
{
	if (bank_alloc_node(CR_BANK, R_NAMES) != RC_OK)
		return false;
	for (unsigned i = 0; i < 16; i++)
		if (bank_alloc_node(CR_BANK, CR_TMP0) != RC_OK || node_swap(R_NAMES, i, CR_TMP0, CR_VOID) != RC_OK)
			return false;
	return true;
}

/* Everything that the directory of the start names. */
static void
names_fill(void)
{
	for (uint32_t i = 0;; i++) {
		struct msg m = { .order = 1, .send_string = &i, .send_length = 4, .recv_string = received, .recv_limit = NAME_MAX_ };
		char name[NAME_MAX_ + 1];

		if (inv_call(R_DIRECTORY, &m) != 0)
			return;
		memcpy(name, received, m.recv_length);
		name[m.recv_length] = 0;
		m = (struct msg){ .send_string = name, .send_length = m.recv_length + 1, .recv = { R_RECV } };
		if (inv_call(R_DIRECTORY, &m) == 0)
			key_store(name, R_RECV);
	}
}

int
main(void)
{
	static char line[20480];

	maker = space_bank_maker(&bank_register);
	if (console_open(R_CONSOLE, 0, 0, R_INPUT) != RC_OK || console_open(R_CONSOLE, 0, 1, R_OUTPUT) != RC_OK || !names_make())
		native_exit(1);
	process_make_notice(CR_SELF, BIT_STREAM, CR_TMP0);
	stream_watch(R_INPUT, CR_TMP0);
	stream_watch(R_OUTPUT, CR_TMP0);
	names_fill();
	while (line_read(line, sizeof line / 2)) {
		line_number++;
		command_run(line);
	}
	end();
}
