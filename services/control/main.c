/*
 * main.c - control: answers what the machine's owner asks from outside (`keros ckpt`, `ps`, `caps` ...).
 *
 * Requests come as lines on session 15 of the console, and lines go back for each (doc/control.md):
 *     ID VERB [ARGUMENT]      ->   ID +{"field":value,...}       as often as need be, and then
 *                                  ID {"field":value,...}        or   ID {"error":"a sentence"}
 * The ID is the asker's, and is only repeated: after a loss of power an answer may come that nobody waits for.
 *
 * Invariants
 *   1. It holds what its verbs need and nothing else; who can write to that session is the owner.
 *   2. A line that is too long, or that is no request, is answered with an error; nothing stops the loop.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/checkpoint.h>
#include <keros/inv.h>
#include <keros/native.h>
#include <keros/process.h>
#include <keros/put.h>
#include <keros/server.h>
#include <keros/stream.h>
#include <keros/timer.h>
#include <keros/log.h>
#include "control.h"

#define LINE_MAX_BYTES 256u
#define NOTICE_INPUT   1u
#define STOP_DELAY_NS  20000000ull     /* for the answer to get out */
#define STATUS_STOPPED 122             /* doc/control.md */

static void line_put(const char *id, const char *mark, const char *format, va_list args)
{
	static char line[4096];
	int head = snprintf(line, sizeof line, "%s %s{", id, mark);
	int length = head + vsnprintf(line + head, sizeof line - (size_t)head - 3, format, args);

	/* What is too long for a line is a mistake of ours; the asker gets a line all the same. */
	if (length > (int)sizeof line - 4)
		length = head;
	memcpy(line + length, "}\n", 2);
	stream_put(CR_OUT, CR_TIMER, line, (size_t)length + 2);
}

void answer_part(const char *id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_put(id, "+", format, args);
	va_end(args);
}

void answer_end(const char *id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line_put(id, "", format, args);
	va_end(args);
}

void answer_error(const char *id, const char *text)
{
	answer_end(id, "\"error\":\"%s\"", text);
}

const char *json_text(char *to, size_t limit, const char *text, size_t length)
{
	size_t at = 0;

	for (size_t i = 0; i < length && at + 7 <= limit; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\')
			to[at++] = (char)c;
		else
			at += (size_t)snprintf(to + at, 7, "\\u%04x", c);
	}
	to[at] = 0;
	return to;
}

/* ---- verbs ------------------------------------------------------------------------------------ */

static uint64_t ns_of(uint64_t ticks)
{
	uint64_t mult = 0;

	timer_tsc(CR_TIMER, NULL, NULL, &mult);
	return (uint64_t)((unsigned __int128)ticks * mult >> 32);
}

/* Forces a checkpoint, waits for its commit, and tells what it cost. */
static void verb_ckpt(const char *id, const char *argument)
{
	uint64_t generation = 0, start = 0, end = 0, stop = 0, longest = 0, check = 0, written = 0, commit_ns = 0;
	uint64_t homes = 0, used = 0, log_frames = 0, log_free = 0, lost = 0, allocated = 0;

	(void)argument;
	timer_now(CR_TIMER, &start);
	if (checkpoint_force(CR_CHECKPOINT, &generation) != RC_OK) {
		answer_error(id, "this machine has no store; run it with --disk FILE");
		return;
	}
	checkpoint_wait(CR_CHECKPOINT, generation);
	timer_now(CR_TIMER, &end);
	checkpoint_times(CR_CHECKPOINT, &stop, &longest, &check, &written, &commit_ns, NULL);
	checkpoint_space(CR_CHECKPOINT, &homes, &used, &log_frames, &log_free, NULL, NULL);
	checkpoint_damage(CR_CHECKPOINT, &lost);
	bank_get_limits(CR_BANK, NULL, &allocated, NULL);
	answer_end(id, "\"generation\":%lu,\"total_ns\":%lu,\"stop_ns\":%lu,\"longest_step_ns\":%lu,"
		   "\"check_ns\":%lu,\"commit_ns\":%lu,\"objects_written\":%lu,\"objects_used\":%lu,\"objects_room\":%lu,"
		   "\"log_free\":%lu,\"log_frames\":%lu,"
		   "\"objects_allocated\":%lu,\"objects_lost\":%lu", generation,
		   end - start, ns_of(stop), ns_of(longest), ns_of(check),
		   commit_ns, written, used, homes, log_free, log_frames, allocated, lost);
}

/* Saves, if there is where, and switches off: a system with a store goes on from here.  Its own life after that does not. */
static void verb_stop(const char *id, const char *argument)
{
	uint64_t generation = 0, life = 0, now = 0;
	bool saved;

	(void)argument;
	checkpoint_status(CR_CHECKPOINT, NULL, NULL, NULL, &life, NULL, NULL);
	saved = checkpoint_force(CR_CHECKPOINT, &generation) == RC_OK && checkpoint_wait(CR_CHECKPOINT, generation) == RC_OK;
	checkpoint_status(CR_CHECKPOINT, NULL, NULL, NULL, &now, NULL, NULL);
	if (now != life)
		return;
	answer_end(id, "\"saved\":%d", saved);
	timer_now(CR_TIMER, &now);
	timer_sleep_until(CR_TIMER, now + STOP_DELAY_NS);
	log_power_off(CR_POWER, STATUS_STOPPED);
}

static const struct verb {
	const char *name;
	void (*act)(const char *id, const char *argument);
} verbs[] = {
	{ "ckpt", verb_ckpt }, { "stop", verb_stop }, { "ps", verb_ps }, { "caps", verb_caps }, { "node", verb_node },
	{ "record", verb_record }, { "trace", verb_trace }, { "log", verb_log },
	{ "revoke", verb_revoke },
};

/* ---- requests --------------------------------------------------------------------------------- */

static void request(char *line)
{
	char *verb = strchr(line, ' '), *argument;

	if (!verb || verb == line) {
		answer_error("0", "a request is: ID VERB [ARGUMENT]");
		return;
	}
	*verb++ = 0;
	argument = verb + strcspn(verb, " ");
	if (*argument)
		*argument++ = 0;
	for (unsigned i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verb, verbs[i].name) == 0) {
			verbs[i].act(line, argument);
			return;
		}
	answer_error(line, "this system does not know that request; it may be older than the command");
}

/* Takes what has come; true if there may be more at once. */
static bool take_input(void)
{
	static char line[LINE_MAX_BYTES];
	static size_t have;
	static bool too_long;
	char bytes[LINE_MAX_BYTES];
	size_t got = 0;

	if (stream_read(CR_IN, sizeof bytes, bytes, sizeof bytes, &got) != RC_OK || got == 0)
		return false;
	for (size_t i = 0; i < got; i++) {
		if (bytes[i] != '\n') {
			too_long |= have == sizeof line - 1;
			if (!too_long)
				line[have++] = bytes[i];
			continue;
		}
		line[have] = 0;
		if (too_long)
			answer_error("0", "that request is too long");
		else
			request(line);
		have = 0;
		too_long = false;
	}
	return true;
}

int main(void)
{
	struct msg m;

	if (process_make_notice(CR_SELF, NOTICE_INPUT, CR_TMP0) != RC_OK || stream_watch(CR_IN, CR_TMP0) != RC_OK) {
		fprintf(stderr, "control: its stream cannot be watched\n");
		return 1;
	}
	for (;;) {
		while (take_input())
			;
		server_first(&m, NULL, 0);     /* a notice, or a stray message that nobody awaits */
	}
}
