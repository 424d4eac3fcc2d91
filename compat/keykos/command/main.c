/*
 * main.c - the command interpreter: KeyKOS's command language, one command a line (doc/keykos/command.md; `help` lists it).
 *
 * words.c reads words, lists, numbers and strings; calls.c has kc, kfork and kt; makers.c and womb.c what makes things.
 *
 * Invariants
 *   1. Keys stand in a tree of two levels of nodes under the number of their name.  A path is a name like any other; one
 *      that is not there stands for its last part.
 *   2. A command that cannot be understood says so with its line number, changes nothing, and the script goes on; the exit
 *      status is then 1.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/checkpoint.h>
#include <keros/console.h>
#include <keros/inv.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/process.h>
#include <keros/bank.h>
#include <keros/stream.h>
#include <keros/timer.h>
#include "command.h"
#include "words.h"

#define NAMES 1000
#define NAMES_DEPTH 3                      /* of the nodes with their keys, sixteen in each */
#define VARIABLES 64
#define LINE_LIMIT 10240u
#define FILES 8u                           /* command files within each other */
#define BIT_STREAM 1u
#define NAME_EARLIER 5u                    /* of the directory: ../server/directory.c */

static char names[NAMES][NAME_LIMIT + 1];
static struct { char name[NAME_LIMIT + 1]; size_t length; uint8_t bytes[STRING_LIMIT]; } variables[VARIABLES];
static struct { char name[NAME_LIMIT + 1]; uint64_t at; unsigned line; } files[FILES];
static unsigned line_number, file_depth;
static uint32_t status;

/* ---- the console ------------------------------------------------------------------------- */

/* Nothing else posts to this process: a notice says that the stream is worth another try. */
static void wait_notice(void)
{
	struct msg m = { 0 };

	inv_return(CR_VOID, &m);
}

void out_bytes(const char *text, size_t length)
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

void out(const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	out_bytes(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

void complain(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (file_depth)
		out("%s, ", files[file_depth - 1].name);
	out("line %u: %s\n", file_depth ? files[file_depth - 1].line : line_number, text);
	status = 1;
}

/* The checkpoint key, in R_RECV. */
static void checkpoint_get(void)
{
	static const char name[] = "checkpoint";
	struct msg m = { .send_string = name, .send_length = sizeof name, .recv = { R_RECV } };

	inv_call(R_DIRECTORY, &m);
}

/* How often the system was started from its store, 0 without one. */
static uint64_t life(void)
{
	uint64_t now = 0;

	checkpoint_get();
	checkpoint_status(R_RECV, NULL, NULL, NULL, &now, NULL, NULL);
	return now;
}

static void names_fill(bool all);

static char input[4096];
static size_t input_have, input_at;
static uint64_t input_life;                /* in which the last of it came */

/* Reads on; false at the end of the input. */
static bool input_more(void)
{
	uint32_t rc;

	input_at = input_have = 0;
	while ((rc = stream_read(R_INPUT, sizeof input, input, sizeof input, &input_have)) == RC_AGAIN)
		wait_notice();
	return rc == RC_OK && input_have;
}

/*
 * A byte of the input; -1 at its end.  A system that goes on from its store is given another input: that begins with a
 * line of its own, and is counted from 1.
 */
static int input_byte(void)
{
	uint64_t now;

	if (input_at == input_have) {
		bool more = input_more();

		now = life();
		if (now != input_life) {
			input_life = now;
			line_number = (unsigned)-1;
			names_fill(false);
			return '\n';
		}
		if (!more)
			return -1;
	}
	return (unsigned char)input[input_at++];
}

/* A byte of the command file; -1 at its end, which is where it cannot be read or has a byte 0. */
static int file_byte(void)
{
	static char window[256];
	static uint64_t from;
	static unsigned level;
	uint64_t *at = &files[file_depth - 1].at;

	if (level != file_depth || *at < from || *at - from >= sizeof window || *at == 0) {
		const void *bytes;

		level = file_depth;
		from = *at / sizeof window * sizeof window;
		node_fetch(R_FILES, file_depth - 1, R_KEY);
		bytes = segment_read(R_KEY, from, sizeof window);
		memset(window, 0, sizeof window);
		if (bytes)
			memcpy(window, bytes, sizeof window);
	}
	if (window[*at - from] == 0)
		return -1;
	return (unsigned char)window[(*at)++ - from];
}

void file_enter(const char *name)
{
	if (file_depth == FILES) {
		complain("more than %u command files within each other", FILES);
		return;
	}
	node_swap(R_FILES, file_depth, R_KEY, CR_VOID);
	snprintf(files[file_depth].name, sizeof files[0].name, "%s", name);
	files[file_depth].at = files[file_depth].line = 0;
	file_depth++;
}

/*
 * The next line without its end, in room for twice as much (word_cut moves text); false at the end of input.  One that is
 * too long, or has a byte 0, is no command: it is complained of and left out.
 */
static bool line_read(char line[2 * LINE_LIMIT])
{
	size_t n = 0;
	bool any = false, zero = false;
	int c;

	while ((c = file_depth ? file_byte() : input_byte()) >= 0 && c != '\n') {
		any = true;
		zero |= c == 0;
		if (n < LINE_LIMIT)
			line[n++] = (char)c;
	}
	if (c < 0 && !any) {
		line[0] = 0;
		if (file_depth == 0)
			return false;
		node_swap(R_FILES, --file_depth, CR_VOID, CR_VOID);
		return true;
	}
	*(file_depth ? &files[file_depth - 1].line : &line_number) += 1;
	if (n == LINE_LIMIT || zero) {
		complain(zero ? "a byte 0 is in it: this is no text" : "a line has at most %u bytes", LINE_LIMIT - 1);
		n = 0;
	}
	while (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = 0;
	return true;
}

/* ---- names ------------------------------------------------------------------------------- */

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash && slash[1] ? slash + 1 : name;
}

static int name_find(const char *name)
{
	for (int i = 0; *name && i < NAMES; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

bool name_fits(const char *name)
{
	if (!name_valid(name))
		complain("'%.60s' is no name: it has at most %u characters, and no %% in front", name, NAME_LIMIT);
	return name_valid(name);
}

void key_store(const char *name, cap_t key)
{
	int i = name_find(name);

	if (!name_fits(name))
		return;
	for (int j = 0; i < 0 && j < NAMES; j++)
		if (!names[j][0])
			i = j;
	if (i < 0) {
		complain("no room for the name '%s'; forget NAME makes some", name);
		return;
	}
	snprintf(names[i], sizeof names[i], "%s", name);
	node_tree_swap(R_NAMES, i, NAMES_DEPTH, key, CR_VOID);
}

void key_forget(const char *name)
{
	int i = name_find(name);

	if (i < 0) {
		complain("there is no key '%.60s'; ls lists what there is", name);
		return;
	}
	names[i][0] = 0;
	node_tree_swap(R_NAMES, i, NAMES_DEPTH, CR_VOID, CR_VOID);
}

/* A program's segment, which published scripts call by the program's name alone. */
static const char *program_name(const char *name)
{
	static char full[NAME_LIMIT + 1];

	return snprintf(full, sizeof full, "%s.s", name) < (int)sizeof full ? full : "";
}

/* What published scripts call by another name. */
static const char *known_as(const char *name)
{
	static const char *const also[][2] = { { "factoryc", "fc" }, { "domaintool", "domtool" }, { "primespacebank", "sb" }, { "primemeter", "m" } };

	for (unsigned i = 0; i < sizeof also / sizeof also[0]; i++)
		if (strcmp(name, also[i][0]) == 0)
			return also[i][1];
	return name;
}

bool key_known(const char *name)
{
	return name_find(name) >= 0;
}

/* The interpreter's own domain creator, made when somebody asks. */
static bool creator_make(void)
{
	struct msg m = { .send = { R_RECV, R_RECV + 1 }, .recv = { R_RECV } };

	if (!key_fetch("sb", R_RECV) || !key_fetch("m", R_RECV + 1) || !key_fetch("dcc", R_KEY) || jump(&m) != 0)
		return false;
	key_store("domcre", R_RECV);
	return true;
}

bool key_fetch(const char *name, cap_t to)
{
	int i = name_find(name);

	if (i < 0)
		i = name_find(last_part(name));
	if (i < 0)
		i = name_find(known_as(last_part(name)));
	if (i < 0)
		i = name_find(program_name(last_part(name)));
	if (i < 0 && strcmp(last_part(name), "domcre") == 0 && creator_make())
		i = name_find("domcre");
	if (i < 0) {
		complain("there is no key '%.60s'; ls lists what there is", name);
		return false;
	}
	node_tree_fetch(R_NAMES, i, NAMES_DEPTH, to);
	return true;
}

/* A path that stands for its last part means the program of that name, even if a key has the same. */
bool program_fetch(const char *name, cap_t to)
{
	int i = name_find(name);

	if (i < 0)
		i = name_find(program_name(last_part(name)));
	if (i < 0)
		return key_fetch(name, to);
	node_tree_fetch(R_NAMES, i, NAMES_DEPTH, to);
	return true;
}

static int variable_find(const char *name)
{
	for (int i = 0; *name && i < VARIABLES; i++)
		if (strcmp(variables[i].name, name) == 0)
			return i;
	return -1;
}

bool variable_value(const char *name, const uint8_t **bytes, size_t *length)
{
	int i = variable_find(name);

	if (i < 0)
		return false;
	*bytes = variables[i].bytes;
	*length = variables[i].length;
	return true;
}

void variable_store(const char *name, const uint8_t *bytes, size_t length)
{
	int i = variable_find(name);

	for (int j = 0; i < 0 && j < VARIABLES; j++)
		if (!variables[j].name[0])
			i = j;
	if (i < 0) {
		complain("no room for the variable '%s'", name);
		return;
	}
	snprintf(variables[i].name, sizeof variables[i].name, "%s", name);
	variables[i].length = length;
	memcpy(variables[i].bytes, bytes, length);
}

bool words_end(char *rest)
{
	char *word = word_cut(&rest);

	if (word)
		complain("'%.60s' is too much; help shows what the command takes", word);
	return !word;
}

/* ---- commands ---------------------------------------------------------------------------- */

/* Lets others run: what was forked has been heard after a while. */
static void command_pause(char *rest)
{
	char *word = word_cut(&rest);
	uint32_t ms;
	uint64_t now_ns = 0;

	if (!word || !number_read(word, variable_value, &ms)) {
		complain("pause takes milliseconds: pause 100");
		return;
	}
	if (!words_end(rest))
		return;
	timer_now(R_TIMER, &now_ns);
	timer_sleep_until(R_TIMER, now_ns + ms * 1000000ull);
}

static void command_ls(char *rest)
{
	if (!words_end(rest))
		return;
	for (unsigned i = 0; i < NAMES; i++)
		if (names[i][0])
			out("%s\n", names[i]);
}

static void command_forget(char *rest)
{
	char *word = word_cut(&rest);

	if (!word)
		complain("forget takes a name");
	else if (words_end(rest))
		key_forget(word);
}

static void command_say(char *rest)
{
	while (isspace((unsigned char)*rest))
		rest++;
	out_bytes(rest, strlen(rest));
	out_bytes("\n", 1);
}

/*
 * The end of the machine.  With a store all is saved before; a system that goes on from there finds itself here, in another
 * life, and returns to read what that life gives it.
 */
static void end(void)
{
	uint64_t generation = 0, before = life();

	if (checkpoint_force(R_RECV, &generation) == RC_OK)
		checkpoint_wait(R_RECV, generation);
	if (life() == before) {
		console_finish(R_CONSOLE, 0, status);
		native_exit((int)status);
	}
	input_at = input_have = 0;
	while (file_depth)
		node_swap(R_FILES, --file_depth, CR_VOID, CR_VOID);
	status = 0;
}

static void command_exit(char *rest)
{
	char *word = word_cut(&rest);
	uint32_t number = status;

	if (word && (!number_read(word, variable_value, &number) || number > 255)) {
		complain("'%.60s' is no status: 0 to 255", word);
		return;
	}
	if (!words_end(rest))
		return;
	status = number;
	end();
}

/* What the published interpreter had and is elsewhere here, or needs not be; nothing happens. */
static void command_nothing(char *rest)
{
	(void)rest;
}

static void command_help(char *rest);

static const struct command { const char *name; void (*run)(char *rest); const char *takes; } commands[] = {
	{ "kc", command_kc, "KEY oc (string,key,key,key,...) (string,key,key,key,key)    CALL" },
	{ "kfork", command_kfork, "KEY oc (string,key,key,key,key)    FORK: nothing comes back" },
	{ "kt", command_kt, "KEY    its alleged type" },
	{ "cfact", command_cfact, "NAME SEGMENT akt [ordinal] [stack=N] [sN=KEY] [fN=KEY] [hN=KEY] ...    a factory" },
	{ "womb", command_womb, "NAME SEGMENT [8=KEY] [9=KEY]    a primordial domain" },
	{ "newbank", command_newbank, "NAME [ABOVE]" },
	{ "newmeter", command_newmeter, "NAME [ABOVE]    NAMEnode is its node" },
	{ "readmeter", command_readmeter, "NAME    the time left" },
	{ "datakey", command_datakey, "NAME string" },
	{ "space", command_space, "[BANK]    what it has in use" },
	{ "checkpoint", command_checkpoint, "   and wait until it is complete" },
	{ "cmdfile", command_cmdfile, "SEGMENT    the commands in it" },
	{ "pause", command_pause, "MS" },
	{ "ls", command_ls, "   the names" },
	{ "listfile", command_ls, "   the same" },
	{ "forget", command_forget, "NAME" },
	{ "say", command_say, "TEXT" },
	{ "factory", command_cfact, "   as cfact: here a program needs no loader" },
	{ "console", command_nothing, "on|off    nothing: here output is always on" },
	{ "trace", command_nothing, "on|off    nothing: ./keros trace, in another terminal, shows the calls" },
	{ "timeout", command_nothing, "SECONDS    nothing: --time ends a machine" },
	{ "help", command_help, "   this" },
	{ "?", command_help, "   this" },
	{ "exit", command_exit, "[STATUS]" },
	{ "logoff", command_exit, "   the same" },
};

static void command_help(char *rest)
{
	(void)rest;
	for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++)
		out("%-10s %s\n", commands[i].name, commands[i].takes);
	out("A string is %%xHEX, %%aTEXT, %%a\"TEXT, WITH (COMMAS)\", a number or a variable; # begins a comment.\n");
}

static void command_run(char *line)
{
	char *word = word_cut(&line);

	if (!word)
		return;
	for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(word, commands[i].name) == 0) {
			commands[i].run(line);
			return;
		}
	complain("no command '%.60s'; help lists them", word);
}

/* ---- the start --------------------------------------------------------------------------- */

static bool names_make(void)
{
	if (bank_alloc_node(CR_BANK, R_NAMES) != RC_OK || bank_alloc_node(CR_BANK, R_FILES) != RC_OK)
		return false;
	for (unsigned depth = 1, each = 256; depth < NAMES_DEPTH; depth++, each /= 16)
		for (unsigned i = 0; i < (NAMES + each - 1) / each; i++)
			if (bank_alloc_node(CR_BANK, CR_TMP0) != RC_OK || node_tree_swap(R_NAMES, i, depth, CR_TMP0, CR_VOID) != RC_OK)
				return false;
	return true;
}

/* Everything that the directory of the start names, or what came to it with this start of the system. */
static void names_fill(bool all)
{
	for (uint32_t i = 0;; i++) {
		static char name[NAME_LIMIT + 1];
		struct msg m = { .order = 2, .send_string = &i, .send_length = 4 };

		if (!all && inv_call(R_DIRECTORY, &m) == NAME_EARLIER)
			continue;
		m = (struct msg){ .order = 1, .send_string = &i, .send_length = 4, .recv_string = name, .recv_limit = NAME_LIMIT };

		if (inv_call(R_DIRECTORY, &m) != 0)
			return;
		name[m.recv_length] = 0;
		m = (struct msg){ .send_string = name, .send_length = m.recv_length + 1, .recv = { R_RECV } };
		if (inv_call(R_DIRECTORY, &m) == 0)
			key_store(name, R_RECV);
	}
}

int main(void)
{
	static char line[2 * LINE_LIMIT];

	if (console_open(R_CONSOLE, 0, 0, R_INPUT) != RC_OK || console_open(R_CONSOLE, 0, 1, R_OUTPUT) != RC_OK || !names_make() || !reader_make())
		native_exit(1);
	process_make_notice(CR_SELF, BIT_STREAM, CR_TMP0);
	stream_watch(R_INPUT, CR_TMP0);
	stream_watch(R_OUTPUT, CR_TMP0);
	names_fill(true);
	input_life = life();
	for (;; end())
		while (line_read(line))
			command_run(line);
}
