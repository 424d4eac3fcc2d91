/*
 * inspect.c - what the owner is shown of processes, capabilities, invocations and the kernel's log.
 *
 * It makes lines of numbers; words are the asker's business (tools/lib/inspect.c), who has the tables for it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <keros/share.h>
#include <keros/systrace.h>
#include "control.h"

/* A name or text is zero-padded, and may hold anything. */
static size_t name_length(const char *name, size_t limit)
{
	return strnlen(name, limit);
}

/* {"oid":..,"name":..,"state":..,"fault":..,"priority":..,"recorded":..,"rip":..,"stalled":..} a process. */
void verb_ps(const char *id, const char *argument)
{
	uint64_t position = 0, oid = 0, status = 0, rip = 0, stalled = 0, count = 0;
	char name[PROCESS_NAME_BYTES + 1], text[6 * PROCESS_NAME_BYTES + 1];

	(void)argument;
	do {
		size_t length = 0;

		memset(name, 0, sizeof name);
		oid = 0;
		if (systrace_next_process(CR_SYSTRACE, position, &position, &oid, &status, &rip, &stalled, name,
					  PROCESS_NAME_BYTES, &length) != RC_OK)
			break;
		if (!oid)
			continue;
		count++;
		answer_part(id, "\"oid\":%lu,\"name\":\"%s\",\"state\":%lu,\"fault\":%lu,\"priority\":%lu,\"recorded\":%lu,"
			    "\"rip\":%lu,\"stalled\":%lu", oid,
			    json_text(text, sizeof text, name, name_length(name, PROCESS_NAME_BYTES)), status & 0xFF,
			    status >> 8 & 0xFF, status >> 16 & 0xFF, status >> 24 & 1, rip, stalled);
	} while (position);
	answer_end(id, "\"processes\":%lu", count);
}

static void cap_tell(const char *id, uint64_t index, const uint64_t w[5])
{
	if ((w[0] & 0xFF) == 0)
		return;
	answer_part(id, "\"index\":%lu,\"type\":%lu,\"rights\":%lu,\"data\":%lu,\"count\":%lu,\"ref\":%lu,\"valid\":%lu,"
		    "\"target\":%lu,\"giver\":%lu", index, w[0] & 0xFF, w[0] >> 8 & 0xFF, w[0] >> 16 & 0xFFFF, w[0] >> 32, w[1],
		    w[2], w[3], w[4]);
}

/* Decimal, all of it; false: something else. */
static bool number_take(const char *text, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end;
}

/* What a process holds: a line each for what is not void. */
void verb_caps(const char *id, const char *argument)
{
	uint64_t oid, w[5];

	if (!number_take(argument, &oid)) {
		answer_error(id, "caps needs the number of a process");
		return;
	}
	for (uint64_t i = 0; i < CAP_REGISTERS + PROCESS_SLOTS; i++) {
		if (systrace_process_cap(CR_SYSTRACE, oid, i, &w[0], &w[1], &w[2], &w[3], &w[4]) != RC_OK) {
			answer_error(id, "there is no such process");
			return;
		}
		cap_tell(id, i, w);
	}
	answer_end(id, "\"oid\":%lu", oid);
}

/* What is in a node that a capability with this ref designates. */
void verb_node(const char *id, const char *argument)
{
	uint64_t ref, w[5] = { 0 };

	if (!number_take(argument, &ref)) {
		answer_error(id, "node needs the number of a node");
		return;
	}
	for (uint64_t i = 0; i < NODE_SLOTS; i++) {
		uint32_t rc = systrace_node_cap(CR_SYSTRACE, ref, i, &w[0], &w[1], &w[2], &w[3]);

		if (rc == RC_AGAIN) {
			answer_end(id, "\"absent\":1");
			return;
		}
		if (rc != RC_OK) {
			answer_error(id, "there is no such node");
			return;
		}
		cap_tell(id, i, w);
	}
	answer_end(id, "\"ref\":%lu", ref);
}

/* "OID 1" begins to record it, "OID 0" ends that. */
void verb_record(const char *id, const char *argument)
{
	char *end;
	uint64_t oid = strtoull(argument, &end, 10), on;

	if (end == argument || *end != ' ' || !number_take(end + 1, &on)) {
		answer_error(id, "record needs the number of a process, and 0 or 1");
		return;
	}
	if (systrace_record(CR_SYSTRACE, oid, on) != RC_OK) {
		answer_error(id, "there is no such process");
		return;
	}
	answer_end(id, "\"oid\":%lu,\"recorded\":%lu", oid, on);
}

/* Records from a position on; the last line tells the next position and how many were lost before these. */
void verb_trace(const char *id, const char *argument)
{
	static struct trace_record records[4048 / sizeof(struct trace_record)];
	uint64_t position = 0, next, lost = 0;
	size_t length = 0;

	number_take(argument, &position);
	next = position;
	systrace_read(CR_SYSTRACE, position, &next, &lost, records, sizeof records, &length);
	for (unsigned i = 0; i < length / sizeof records[0]; i++) {
		const struct trace_record *r = &records[i];

		answer_part(id, "\"ns\":%lu,\"process\":%u,\"peer\":%u,\"kind\":%u,\"type\":%u,\"reg\":%u,\"op\":%u,\"data\":%u,"
			    "\"order\":%u,\"result\":%u,\"string\":%u,\"caps\":%u,\"w0\":%lu,\"w1\":%lu,\"w2\":%lu,\"w3\":%lu,"
			    "\"w4\":%lu,\"w5\":%lu", r->ns, r->process, r->peer, r->kind, r->cap_type, r->reg, r->op, r->data,
			    r->order, r->result, r->string_length, r->caps, r->w[0], r->w[1], r->w[2], r->w[3], r->w[4],
			    r->w[5]);
	}
	answer_end(id, "\"position\":%lu,\"lost\":%lu", next, lost);
}

/* Takes a share of the host back, by its number. */
void verb_revoke(const char *id, const char *argument)
{
	uint64_t number, dead = 0;

	if (!number_take(argument, &number))
		answer_error(id, "revoke needs the number of a share");
	else if (share_revoke(CR_SHARES, number, &dead) != RC_OK)
		answer_error(id, "this machine has no such share");
	else
		answer_end(id, "\"share\":%lu,\"dead\":%lu", number, dead);
}

/* The kernel's log from a position on, as much as one line holds. */
void verb_log(const char *id, const char *argument)
{
	enum { AT_ONCE = 512 };
	static char bytes[4096], text[6 * AT_ONCE + 1];
	uint64_t position = 0, next;
	size_t length = 0;

	number_take(argument, &position);
	next = position;
	systrace_read_log(CR_SYSTRACE, position, &next, bytes, sizeof bytes, &length);
	for (size_t at = 0; at < length; at += AT_ONCE)
		answer_part(id, "\"text\":\"%s\"",
			    json_text(text, sizeof text, bytes + at, length - at < AT_ONCE ? length - at : AT_ONCE));
	answer_end(id, "\"position\":%lu", next);
}
