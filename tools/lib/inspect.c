/*
 * inspect.c - processes and what they hold, in plain words (doc/control.md).
 *
 * The guest's control service tells numbers; the words for kinds of capability are captype.def's own.
 * Invariant: nothing here changes the machine.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/inspect.h"
#include "lib/json.h"
#include "lib/view.h"

static const struct { const char *name, *doc; } captypes[256] = {
#define CAPTYPE(number, upper, lower, target, memory, doc) [number] = { #lower, doc },
#include "object/captype.def"
#undef CAPTYPE
};

/* ---- processes ------------------------------------------------------------------------------------------------ */

static int by_oid(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return p->oid < q->oid ? -1 : p->oid > q->oid;
}

static void process_add(void *context, const char *object)
{
	struct view *s = context;
	struct process *p;
	char *name = json_string(object, "name", NULL);

	s->process = xrealloc(s->process, (s->count + 1) * sizeof *s->process);
	p = &s->process[s->count++];
	*p = (struct process){
		.oid = json_number(object, "oid"), .state = json_number(object, "state"), .fault = json_number(object, "fault"),
		.priority = json_number(object, "priority"), .stalled = json_number(object, "stalled"),
		.recorded = json_number(object, "recorded"), .line = xstrdup(object),
	};
	/* What does not print would be the terminal's to obey. */
	for (unsigned i = 0; i < PROCESS_NAME_BYTES && name[i]; i++)
		p->name[i] = name[i] >= 0x20 && name[i] < 0x7F ? name[i] : '?';
	if (!p->name[0])
		strcpy(p->name, "(no name)");
	free(name);
}

void view_refresh(struct view *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->process[i].line);
	s->count = 0;
	free(control_request(&s->control, "ps", process_add, s));
	if (s->count)
		qsort(s->process, s->count, sizeof *s->process, by_oid);
}

void view_open(struct view *s, const char *which)
{
	*s = (struct view){ 0 };
	control_open_machine(&s->control, which);
	view_refresh(s);
}

const struct process *view_process(const struct view *s, uint64_t oid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->process[i].oid == oid)
			return &s->process[i];
	return NULL;
}

static unsigned count_of(const struct view *s, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += strcmp(s->process[i].name, name) == 0;
	return n;
}

/* "bank", or "sh#1234" if there are several; one of a few buffers. */
const char *view_label(const struct view *s, uint64_t oid)
{
	static char buffers[8][48];
	static unsigned next;
	char *text = buffers[next++ % 8];
	const struct process *p = view_process(s, oid);

	if (!p)
		snprintf(text, sizeof buffers[0], "#%" PRIu64 " (gone)", oid);
	else if (count_of(s, p->name) > 1)
		snprintf(text, sizeof buffers[0], "%s#%" PRIu64, p->name, oid);
	else
		snprintf(text, sizeof buffers[0], "%s", p->name);
	return text;
}

const struct process *view_choose(const struct view *s, const char *which)
{
	char *end;
	uint64_t oid = strtoull(which[0] == '#' ? which + 1 : which, &end, 10);
	const struct process *found = NULL;

	if (!*end && end != which && (found = view_process(s, oid)))
		return found;
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->process[i].name, which) != 0)
			continue;
		if (!found) {
			found = &s->process[i];
			continue;
		}
		note("%u processes are called '%s'; give the number of one:", count_of(s, which), which);
		for (size_t k = 0; k < s->count; k++)
			if (strcmp(s->process[k].name, which) == 0)
				fprintf(stderr, "  %" PRIu64 "\n", s->process[k].oid);
		exit(2);
	}
	if (!found)
		misuse("there is no process '%s'; `keros ps` lists them", which);
	return found;
}

static const char *state_text(const struct view *s, const struct process *p)
{
	static char text[96];

	if (p->stalled) {
		snprintf(text, sizeof text, "waits for %s to be free", view_label(s, p->stalled));
		return text;
	}
	return p->state == 0 ? "waits for a message" : p->state == 1 ? "runs" : "waits for an answer";
}

int inspect_ps(const char *which, bool json)
{
	struct view s;

	view_open(&s, which);
	if (!json)
		printf("%8s  %-16s  %4s  %s\n", "PROCESS", "NAME", "PRIO", "STATE");
	for (size_t i = 0; i < s.count; i++) {
		const struct process *p = &s.process[i];

		if (json)
			puts(p->line);
		else
			printf("%8" PRIu64 "  %-16s  %4" PRIu64 "  %s%s\n", p->oid, p->name, p->priority, state_text(&s, p),
			       p->recorded ? ", recorded" : "");
	}
	return 0;
}

/* ---- capabilities --------------------------------------------------------------------------------------------- */

struct capability view_capability(const char *object)
{
	return (struct capability){
		.index = json_number(object, "index"), .type = json_number(object, "type"), .data = json_number(object, "data"),
		.ref = json_number(object, "ref"), .target = json_number(object, "target"),
		.giver = json_number(object, "giver"),
		.valid = json_number(object, "valid"),
	};
}

const char *view_type_name(uint64_t type)
{
	return type < 256 && captypes[type].name ? captypes[type].name : "unknown";
}

static const char *memory_rights(const struct capability *c)
{
	return c->data & DB_READONLY ? "read" : "read and write";
}

static const char *words_of(const struct view *s, const struct capability *c)
{
	static char text[160];

	if (!c->valid && c->type != CAP_NUMBER) {
		snprintf(text, sizeof text, "a dead %s capability (its object was taken back)", view_type_name(c->type));
		return text;
	}
	switch (c->type) {
	case CAP_NUMBER:
		snprintf(text, sizeof text, "the number %" PRIu64, c->ref);
		break;
	case CAP_PAGE:
		snprintf(text, sizeof text, "%s one page, in frame %" PRIu64, memory_rights(c), c->target);
		break;
	case CAP_NODE: case CAP_FETCH: case CAP_SENSE: case CAP_SEGMENT: case CAP_FRONTEND:
		snprintf(text, sizeof text, "%s, in frame %" PRIu64 "%s", captypes[c->type].doc, c->target,
			 c->data & DB_READONLY ? "; read only" : "");
		break;
	case CAP_PROCESS:
		snprintf(text, sizeof text, "control of %s, wholly", view_label(s, c->target));
		break;
	case CAP_START:
		snprintf(text, sizeof text, "call %s (data %#" PRIx64 ")", view_label(s, c->target), c->data);
		break;
	case CAP_RESUME:
		snprintf(text, sizeof text, "answer %s, once", view_label(s, c->target));
		break;
	case CAP_NOTICE:
		snprintf(text, sizeof text, "post bits %#" PRIx64 " to %s", c->data, view_label(s, c->target));
		break;
	case CAP_SCHEDULE:
		snprintf(text, sizeof text, "processor time%s", c->target ? ", counted by a meter" : "");
		break;
	default:
		snprintf(text, sizeof text, "%s", captypes[c->type & 255].doc ? captypes[c->type & 255].doc : "unknown");
	}
	return text;
}

static const char *place_of(uint64_t index)
{
	static const char *const registers[CAP_REGISTERS] = {
		[CR_CONST] = "constituents", [CR_STORE] = "keystore", [CR_SELF] = "self", [CR_BANK] = "bank",
		[CR_SCHED] = "schedule",
		[CR_LOG] = "log", [CR_RETURNER] = "returner",
	};
	static const char *const slots[PROCESS_SLOTS] = { "its memory", "its keeper", "its schedule", "its symbols",
							  "its brand" };
	static char text[40];

	if (index >= CAP_REGISTERS)
		return index - CAP_REGISTERS < PROCESS_SLOTS ? slots[index - CAP_REGISTERS] : "?";
	if (registers[index])
		snprintf(text, sizeof text, "%2" PRIu64 " %s", index, registers[index]);
	else
		snprintf(text, sizeof text, "%2" PRIu64, index);
	return text;
}

static const char *giver_text(const struct view *s, const struct process *holder, const struct capability *c)
{
	static char text[64];

	if (c->index >= CAP_REGISTERS || !c->giver)
		return "";
	if (c->giver == holder->oid)
		return "found by itself";
	snprintf(text, sizeof text, "given by %s", view_label(s, c->giver));
	return text;
}

struct caps_context {
	const struct view *system;
	const struct process *holder;
	bool json;
};

static void cap_print(void *context, const char *object)
{
	const struct caps_context *x = context;
	struct capability c = view_capability(object);

	if (x->json) {
		struct buffer b = { 0 };

		json_add(&b, words_of(x->system, &c), strlen(words_of(x->system, &c)));
		printf("{\"holder\":%" PRIu64 ",\"kind\":\"%s\",\"words\":%.*s,%s\n", x->holder->oid,
		       view_type_name(c.type), (int)b.length, (char *)b.data, object + 1);
		free(b.data);
		return;
	}
	printf("  %-16s %-64s %s\n", place_of(c.index), words_of(x->system, &c), giver_text(x->system, x->holder, &c));
}

void view_caps(const struct view *s, const struct process *p, control_line *take, void *context)
{
	char *request = xasprintf("caps %" PRIu64, p->oid);

	free(control_request(&s->control, request, take, context));
	free(request);
}

int inspect_caps(const char *which, const char *process, bool json)
{
	struct view s;
	const struct process *only;

	view_open(&s, which);
	only = process ? view_choose(&s, process) : NULL;
	for (size_t i = 0; i < s.count; i++) {
		const struct process *p = &s.process[i];
		struct caps_context x = { &s, p, json };

		if (only && p != only)
			continue;
		if (!json)
			printf("%s (process %" PRIu64 ") holds\n", p->name, p->oid);
		view_caps(&s, p, cap_print, &x);
	}
	return 0;
}
