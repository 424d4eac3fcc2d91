/*
 * inspect.c - what a running machine shows of itself, in plain words (doc/control.md).
 *
 * The guest's control service tells numbers; the tables that make words of them are the kernel's and idl/'s own:
 * captype.def for kinds of capability, ops.h for operations, the C library's for foreign calls.
 *
 * Invariants
 *   1. Nothing here changes the machine, but inspect_trace, which takes the recorder off again however it ends, and
 *      inspect_stop.
 *   2. What was asked at different moments may not fit together: a process that is gone is shown by its number.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "keros/abi.h"
#include "lib/control.h"
#include "lib/inspect.h"
#include "lib/json.h"
#include "lib/picture.h"
#include "ops.h"

#define POLL_NS     50000000L          /* between two looks at the recorder */
#define STORE_DEPTH 3                  /* nodes of nodes that are looked into for a graph */

enum {
#define CAPTYPE(number, upper, lower, target, memory, doc) CAP_##upper = number,
#include "object/captype.def"
#undef CAPTYPE
};

static const struct { const char *name, *doc; } captypes[256] = {
#define CAPTYPE(number, upper, lower, target, memory, doc) [number] = { #lower, doc },
#include "object/captype.def"
#undef CAPTYPE
};

static const char *const syscalls[] = {
#include "syscalls.h"
};

static const char *const fault_names[] = {
	[1] = "memory", [2] = "division", [3] = "debug", [4] = "breakpoint", [5] = "overflow", [6] = "bounds",
	[7] = "illegal instruction", [8] = "protection", [9] = "stack", [10] = "floating point", [11] = "alignment",
	[12] = "SIMD", [16] = "system call without a personality", [17] = "malformed invocation", [18] = "no address space",
	[19] = "no schedule", [20] = "schedule used up", [32] = "its memory's keeper refused", [33] = "trap",
};
#define FAULT_NAMES (sizeof fault_names / sizeof fault_names[0])

/* ---- processes ------------------------------------------------------------------------------------------------ */

struct process {
	uint64_t oid, state, fault, priority, stalled, recorded;
	char name[PROCESS_NAME_BYTES + 1];
	char *line;
};

struct system {
	struct control control;
	struct process *process;
	size_t count;
};

static int by_oid(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return p->oid < q->oid ? -1 : p->oid > q->oid;
}

static void process_add(void *context, const char *object)
{
	struct system *s = context;
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

static void processes_read(struct system *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->process[i].line);
	s->count = 0;
	free(control_request(&s->control, "ps", process_add, s));
	if (s->count)
		qsort(s->process, s->count, sizeof *s->process, by_oid);
}

static void system_open(struct system *s, const char *which)
{
	*s = (struct system){ 0 };
	control_open_machine(&s->control, which);
	processes_read(s);
}

static const struct process *process_of(const struct system *s, uint64_t oid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->process[i].oid == oid)
			return &s->process[i];
	return NULL;
}

static unsigned count_of(const struct system *s, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += strcmp(s->process[i].name, name) == 0;
	return n;
}

/* "bank", or "sh#1234" if there are several; one of a few buffers. */
static const char *label(const struct system *s, uint64_t oid)
{
	static char buffers[8][48];
	static unsigned next;
	char *text = buffers[next++ % 8];
	const struct process *p = process_of(s, oid);

	if (!p)
		snprintf(text, sizeof buffers[0], "#%" PRIu64 " (gone)", oid);
	else if (count_of(s, p->name) > 1)
		snprintf(text, sizeof buffers[0], "%s#%" PRIu64, p->name, oid);
	else
		snprintf(text, sizeof buffers[0], "%s", p->name);
	return text;
}

static const struct process *process_choose(const struct system *s, const char *which)
{
	char *end;
	uint64_t oid = strtoull(which[0] == '#' ? which + 1 : which, &end, 10);
	const struct process *found = NULL;

	if (!*end && end != which && (found = process_of(s, oid)))
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

static const char *fault_text(uint64_t fault)
{
	return fault < FAULT_NAMES && fault_names[fault] ? fault_names[fault] : "unknown";
}

static const char *state_text(const struct system *s, const struct process *p)
{
	static char text[96];

	if (p->stalled) {
		snprintf(text, sizeof text, "waits for %s to be free", label(s, p->stalled));
		return text;
	}
	return p->state == 0 ? "waits for a message" : p->state == 1 ? "runs" : "waits for an answer";
}

int inspect_ps(const char *which, bool json)
{
	struct system s;

	system_open(&s, which);
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

struct capability {
	uint64_t index, type, data, ref, target, giver;
	bool valid;
};

static struct capability capability_of(const char *object)
{
	return (struct capability){
		.index = json_number(object, "index"), .type = json_number(object, "type"), .data = json_number(object, "data"),
		.ref = json_number(object, "ref"), .target = json_number(object, "target"), .giver = json_number(object, "giver"),
		.valid = json_number(object, "valid"),
	};
}

static const char *type_name(uint64_t type)
{
	return type < 256 && captypes[type].name ? captypes[type].name : "unknown";
}

static const char *memory_rights(const struct capability *c)
{
	return c->data & DB_READONLY ? "read" : "read and write";
}

static const char *words_of(const struct system *s, const struct capability *c)
{
	static char text[160];

	if (!c->valid && c->type != CAP_NUMBER) {
		snprintf(text, sizeof text, "a dead %s capability (its object was taken back)", type_name(c->type));
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
		snprintf(text, sizeof text, "control of %s, wholly", label(s, c->target));
		break;
	case CAP_START:
		snprintf(text, sizeof text, "call %s (data %#" PRIx64 ")", label(s, c->target), c->data);
		break;
	case CAP_RESUME:
		snprintf(text, sizeof text, "answer %s, once", label(s, c->target));
		break;
	case CAP_NOTICE:
		snprintf(text, sizeof text, "post bits %#" PRIx64 " to %s", c->data, label(s, c->target));
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
		[CR_CONST] = "constituents", [CR_STORE] = "keystore", [CR_SELF] = "self", [CR_BANK] = "bank", [CR_SCHED] = "schedule",
		[CR_LOG] = "log", [CR_RETURNER] = "returner",
	};
	static const char *const slots[PROCESS_SLOTS] = { "its memory", "its keeper", "its schedule", "its symbols", "its brand" };
	static char text[40];

	if (index >= CAP_REGISTERS)
		return index - CAP_REGISTERS < PROCESS_SLOTS ? slots[index - CAP_REGISTERS] : "?";
	if (registers[index])
		snprintf(text, sizeof text, "%2" PRIu64 " %s", index, registers[index]);
	else
		snprintf(text, sizeof text, "%2" PRIu64, index);
	return text;
}

static const char *giver_text(const struct system *s, const struct process *holder, const struct capability *c)
{
	static char text[64];

	if (c->index >= CAP_REGISTERS || !c->giver)
		return "";
	if (c->giver == holder->oid)
		return "found by itself";
	snprintf(text, sizeof text, "given by %s", label(s, c->giver));
	return text;
}

struct caps_context {
	const struct system *system;
	const struct process *holder;
	bool json;
};

static void cap_print(void *context, const char *object)
{
	const struct caps_context *x = context;
	struct capability c = capability_of(object);

	if (x->json) {
		struct buffer b = { 0 };

		json_add(&b, words_of(x->system, &c), strlen(words_of(x->system, &c)));
		printf("{\"holder\":%" PRIu64 ",\"kind\":\"%s\",\"words\":%.*s,%s\n", x->holder->oid, type_name(c.type), (int)b.length,
		       (char *)b.data, object + 1);
		free(b.data);
		return;
	}
	printf("  %-16s %-64s %s\n", place_of(c.index), words_of(x->system, &c), giver_text(x->system, x->holder, &c));
}

static void caps_of(const struct system *s, const struct process *p, control_line *take, void *context)
{
	char *request = xasprintf("caps %" PRIu64, p->oid);

	free(control_request(&s->control, request, take, context));
	free(request);
}

int inspect_caps(const char *which, const char *process, bool json)
{
	struct system s;
	const struct process *only;

	system_open(&s, which);
	only = process ? process_choose(&s, process) : NULL;
	for (size_t i = 0; i < s.count; i++) {
		const struct process *p = &s.process[i];
		struct caps_context x = { &s, p, json };

		if (only && p != only)
			continue;
		if (!json)
			printf("%s (process %" PRIu64 ") holds\n", p->name, p->oid);
		caps_of(&s, p, cap_print, &x);
	}
	return 0;
}

/* ---- the graph ------------------------------------------------------------------------------------------------ */

struct edge { uint64_t from, to, type, data; };    /* to: an oid, or for a thing of the kernel's 0 */

struct graph {
	const struct system *system;
	const struct process *holder;
	struct edge *edge;
	size_t edges;
	unsigned depth;
	uint64_t nodes[64];                        /* of this holder, to be looked into */
	size_t node_count;
};

static void edge_add(struct graph *g, const struct capability *c)
{
	struct edge e = { g->holder->oid, c->target, c->type, c->data };

	for (size_t i = 0; i < g->edges; i++)
		if (g->edge[i].from == e.from && g->edge[i].to == e.to && g->edge[i].type == e.type)
			return;
	g->edge = xrealloc(g->edge, (g->edges + 1) * sizeof *g->edge);
	g->edge[g->edges++] = e;
}

static void graph_take(void *context, const char *object)
{
	struct graph *g = context;
	struct capability c = capability_of(object);

	if (!c.valid)
		return;
	switch (c.type) {
	case CAP_PROCESS: case CAP_START: case CAP_NOTICE:
		if (c.target != g->holder->oid)
			edge_add(g, &c);
		return;
	case CAP_RANGE: case CAP_PROCTOOL: case CAP_CHECKPOINT: case CAP_TIMER: case CAP_IRQ: case CAP_IOPORT: case CAP_PHYSMEM:
	case CAP_SYSTRACE:
		c.target = 0;
		edge_add(g, &c);
		return;
	case CAP_NODE: case CAP_FETCH: case CAP_SENSE:
		if (g->node_count < sizeof g->nodes / sizeof g->nodes[0])
			g->nodes[g->node_count++] = c.ref;
		return;
	}
}

/* What a process holds in nodes is its own as well: two or three levels of them are a keystore. */
static void graph_nodes(struct graph *g)
{
	size_t from = 0, to = g->node_count;

	for (unsigned depth = 0; depth < STORE_DEPTH; depth++) {
		for (; from < to; from++) {
			char *request = xasprintf("node %" PRIu64, g->nodes[from]);

			free(control_request(&g->system->control, request, graph_take, g));
			free(request);
		}
		to = g->node_count;
	}
}

static bool is_sandboxed(const struct process *p)
{
	return p && (strcmp(p->name, "posix-server") == 0 || strcmp(p->name, "lua") == 0);
}

/* The ways out of a confined program: what it may call that it did not make itself. */
static bool is_hole(const struct graph *g, const struct edge *e)
{
	if (!is_sandboxed(process_of(g->system, e->from)) || e->type == CAP_PROCESS)
		return false;
	for (size_t i = 0; i < g->edges; i++)
		if (g->edge[i].from == e->from && g->edge[i].to == e->to && e->to && g->edge[i].type == CAP_PROCESS)
			return false;
	return true;
}

static void quote(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void graph_write(const struct graph *g, FILE *out)
{
	const struct system *s = g->system;

	fputs("digraph keros {\n\trankdir=LR; node [fontname=\"sans-serif\", fontsize=11]; edge [fontname=\"sans-serif\", fontsize=9];\n"
	      "\tlabel=\"boxes: processes; ellipses: things of the kernel's.  solid: may call; bold: controls wholly; dashed: may post "
	      "to.  red: a way out of a confined program\";\n", out);
	for (size_t i = 0; i < s->count; i++) {
		fprintf(out, "\tp%" PRIu64 " [shape=box, label=", s->process[i].oid);
		quote(out, label(s, s->process[i].oid));
		fputs(is_sandboxed(&s->process[i]) ? ", style=filled, fillcolor=\"#eef4ff\"];\n" : "];\n", out);
	}
	for (size_t i = 0; i < g->edges; i++) {
		const struct edge *e = &g->edge[i];
		const char *style = e->type == CAP_PROCESS ? "bold" : e->type == CAP_NOTICE ? "dashed" : "solid";

		if (!e->to)
			fprintf(out, "\tt%" PRIu64 " [shape=ellipse, label=\"%s\"];\n", e->type, type_name(e->type));
		else if (!process_of(s, e->to))
			continue;
		fprintf(out, "\tp%" PRIu64 " -> %c%" PRIu64 " [style=%s%s];\n", e->from, e->to ? 'p' : 't', e->to ? e->to : e->type,
			style, is_hole(g, e) ? ", color=red" : "");
	}
	fputs("}\n", out);
}

int inspect_graph(const char *which, const char *file)
{
	struct system s;
	struct graph g = { .system = &s };
	struct buffer dot = { 0 };
	FILE *out;

	system_open(&s, which);
	for (size_t i = 0; i < s.count; i++) {
		g.holder = &s.process[i];
		g.node_count = 0;
		caps_of(&s, g.holder, graph_take, &g);
		/* Prime's nodes hold everything of everybody. */
		if (strcmp(g.holder->name, "prime") != 0)
			graph_nodes(&g);
	}
	out = open_memstream((char **)&dot.data, &dot.length);
	if (!out)
		die("no memory for the graph");
	graph_write(&g, out);
	fclose(out);
	return picture_write(&dot, file);
}

/* ---- the recorder --------------------------------------------------------------------------------------------- */

/* Which interfaces a service answers, by the name it goes by. */
static const struct { const char *process, *interface; } served[] = {
	{ "bank", "bank" }, { "constructor", "constructor" }, { "constructor", "metaconstructor" }, { "proccre", "proccre" },
	{ "vcs", "vcs" }, { "console", "stream" }, { "console", "console" }, { "posix-server", "sandbox" },
};
#define SERVED (sizeof served / sizeof served[0])

static const struct idl_op *op_find(const char *interface, uint64_t order)
{
	for (size_t i = 0; i < sizeof idl_ops / sizeof idl_ops[0]; i++)
		if (strcmp(idl_ops[i].interface, interface) == 0 && order >= idl_ops[i].first && order <= idl_ops[i].last)
			return &idl_ops[i];
	return NULL;
}

static const struct idl_op *op_of_peer(const char *peer, uint64_t order)
{
	const struct idl_op *op = NULL;

	for (size_t i = 0; i < SERVED && !op; i++)
		if (strcmp(served[i].process, peer) == 0)
			op = op_find(served[i].interface, order);
	return op;
}

static const struct idl_op *op_of_object(uint64_t type, uint64_t order)
{
	const char *name = type == CAP_FETCH || type == CAP_SENSE ? "node" : type == CAP_FRONTEND ? "segment" : type_name(type);

	return op_find(name, order);
}

/* "interface.op(word=1, cap, string[12])"; without an operation the bare message. */
static void message_text(FILE *out, const char *object, const struct idl_op *op)
{
	uint64_t order = json_number(object, "order"), caps = json_number(object, "caps"), string = json_number(object, "string");
	unsigned word = 0;
	const char *separator = "";

	if (!op) {
		fprintf(out, "order %" PRIu64 " (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ")", order, json_number(object, "w0"),
			json_number(object, "w1"), json_number(object, "w2"));
		if (string)
			fprintf(out, ", a string of %" PRIu64, string);
		if (caps & 7)
			fprintf(out, ", %d capabilities", __builtin_popcountll(caps & 7));
		return;
	}
	fprintf(out, "%s.%s(", op->interface, op->op);
	if (op->last > op->first) {
		fprintf(out, "%" PRIu64, order - op->first);
		separator = ", ";
	}
	for (const char *at = op->in; *at; at += strcspn(at, " "), at += *at == ' ') {
		int length = (int)strcspn(at + 1, " ");
		char name[3] = { 'w', (char)('0' + word), 0 };

		fputs(separator, out);
		separator = ", ";
		if (*at == 'w') {
			fprintf(out, "%.*s=%" PRIu64, length, at + 1, json_number(object, name));
			word++;
		} else if (*at == 's') {
			fprintf(out, "%.*s[%" PRIu64 "]", length, at + 1, string);
		} else {
			fprintf(out, "%.*s", length, at + 1);
		}
	}
	fputs(")", out);
}

static const char *result_text(uint64_t result)
{
	static const char *const names[] = {
		"void capability", "unknown order", "malformed request", "no access", "limit", "restart", "again", "sealed", "unofficial",
	};
	static char text[24];

	if (result > KT && result - KT - 1 < sizeof names / sizeof names[0])
		return names[result - KT - 1];
	snprintf(text, sizeof text, "%" PRIu64, result);
	return text;
}

struct trace_context {
	struct system *system;
	bool json;
	unsigned long left;            /* records still wanted; 0 = no end */
	bool ended;
	uint64_t first_ns;
};

static void record_text(const struct system *s, const char *object)
{
	uint64_t kind = json_number(object, "kind"), order = json_number(object, "order"), peer = json_number(object, "peer");
	const struct process *other = process_of(s, peer);
	const char *who = label(s, json_number(object, "process")), *to = peer ? label(s, peer) : "nobody";
	bool personality = other && strcmp(other->name, "posix-server") == 0;

	switch (kind) {
	case TRACE_CALL:
		if (personality && order < sizeof syscalls / sizeof syscalls[0] && syscalls[order]) {
			printf("%s: %s(%" PRIu64 ", %#" PRIx64 ", %" PRIu64 ", %" PRIu64 ")", who, syscalls[order],
			       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"),
			       json_number(object, "w3"));
			break;
		}
		/* fall through */
	case TRACE_SEND:
		printf("%s -> %s: ", who, to);
		message_text(stdout, object, other ? op_of_peer(other->name, order) : NULL);
		break;
	case TRACE_RETURN:
		printf("%s => %s: result %s (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ")", who, to, result_text(order),
		       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"));
		break;
	case TRACE_OBJECT:
		printf("%s: ", who);
		message_text(stdout, object, op_of_object(json_number(object, "type"), order));
		printf(" = %s", result_text(json_number(object, "result")));
		break;
	case TRACE_REPLY:
		if (personality)
			printf("%s <= %" PRId64, who, (int64_t)json_number(object, "w0"));
		else
			printf("%s <= %s: result %s (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ")", who, to, result_text(order),
			       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"));
		break;
	case TRACE_REQUEST:
		if (strcmp(who, "posix-server") == 0 && order < sizeof syscalls / sizeof syscalls[0] && syscalls[order]) {
			printf("%s <- %s: %s(%" PRIu64 ", %#" PRIx64 ", %" PRIu64 ")", who, to, syscalls[order],
			       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"));
			break;
		}
		printf("%s <- %s: ", who, to);
		message_text(stdout, object, op_of_peer(process_of(s, json_number(object, "process")) ? who : "", order));
		break;
	case TRACE_FAULT:
		printf("%s: fault: %s at %#" PRIx64 ", rip %#" PRIx64, who, fault_text(order), json_number(object, "w0"),
		       json_number(object, "w1"));
		break;
	}
	putchar('\n');
}

static void record_take(void *context, const char *object)
{
	struct trace_context *x = context;
	uint64_t ns = json_number(object, "ns");

	if (x->ended)
		return;
	if (x->json) {
		puts(object);
	} else {
		uint64_t peer = json_number(object, "peer");

		if (peer && !process_of(x->system, peer))
			processes_read(x->system);
		if (!x->first_ns)
			x->first_ns = ns;
		printf("%+12.6f  ", (double)(ns - x->first_ns) / 1e9);
		record_text(x->system, object);
	}
	fflush(stdout);
	x->ended = x->left && --x->left == 0;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* The position behind all that is recorded by now. */
static uint64_t trace_end(const struct system *s)
{
	uint64_t position = 0, last;

	do {
		char *request = xasprintf("trace %" PRIu64, position), *answer = control_request(&s->control, request, NULL, NULL);

		last = position;
		position = json_number(answer, "position");
		free(answer);
		free(request);
	} while (position != last);
	return position;
}

int inspect_trace(const char *which, const char *process, unsigned long count, bool json)
{
	struct system s;
	struct trace_context x = { .system = &s, .json = json, .left = count };
	uint64_t oid, position;
	char *request;

	system_open(&s, which);
	oid = process_choose(&s, process)->oid;
	position = trace_end(&s);
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	signal(SIGPIPE, SIG_IGN);
	request = xasprintf("record %" PRIu64 " 1", oid);
	free(control_request(&s.control, request, NULL, NULL));
	free(request);
	while (!interrupted && !x.ended && !ferror(stdout)) {
		uint64_t before = position;
		char *answer;

		request = xasprintf("trace %" PRIu64, position);
		answer = control_request(&s.control, request, record_take, &x);
		if (json_number(answer, "lost") && !json)
			printf("(%" PRIu64 " records were lost here: too much happened at once)\n", json_number(answer, "lost"));
		position = json_number(answer, "position");
		free(answer);
		free(request);
		if (position == before)
			nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	}
	request = xasprintf("record %" PRIu64 " 0", oid);
	free(control_request(&s.control, request, NULL, NULL));
	free(request);
	return 0;
}

/* ---- taking back ------------------------------------------------------------------------------------------------ */

struct revoke_context {
	const char *wanted;
	bool json;
	int share, stream;             /* the one that is wanted, or -1 */
	unsigned shares, streams, found;
};

static void grant_take(void *context, const char *object)
{
	struct revoke_context *x = context;
	char *kind = json_string(object, "kind", NULL), *guest = json_string(object, "guest", NULL);
	char *host = json_string(object, "host", NULL), *mode = json_string(object, "mode", NULL);
	bool share = strcmp(kind, "share") == 0;
	unsigned number = share ? x->shares++ : x->streams++;

	if (!x->wanted && x->json)
		puts(object);
	else if (!x->wanted && share)
		printf("%-24s %-16s %s\n", guest, mode, host);
	else if (!x->wanted)
		printf("%s\n", guest);
	if (x->wanted && (strcmp(x->wanted, guest) == 0 || (share && strcmp(x->wanted, host) == 0))) {
		x->found++;
		*(share ? &x->share : &x->stream) = (int)number;
	}
	free(kind);
	free(guest);
	free(host);
	free(mode);
}

int inspect_revoke(const char *which, const char *grant, bool json)
{
	struct revoke_context x = { .wanted = grant, .json = json, .share = -1, .stream = -1 };
	struct control c;
	char *request, *answer;

	control_open_machine(&c, which);
	free(control_request(&c, "grants", grant_take, &x));
	if (!grant)
		return 0;
	if (!x.found)
		misuse("there is no grant '%s'; `keros revoke` lists what can be taken back", grant);
	if (x.found > 1)
		misuse("'%s' is granted %u times; name one by its place in the sandbox", grant, x.found);
	request = x.share >= 0 ? xasprintf("revoke %d", x.share) : xasprintf("hangup %d", x.stream);
	answer = control_request(&c, request, NULL, NULL);
	if (json)
		puts(answer);
	else if (x.share >= 0)
		printf("%s is taken back; %" PRIu64 " capabilities to it died\n", grant, json_number(answer, "dead"));
	else
		printf("%s is taken back\n", grant);
	control_close_machine(&c);
	return 0;
}

/* ---- the log, and the end -------------------------------------------------------------------------------------- */

static void log_take(void *context, const char *object)
{
	size_t length;
	char *text = json_string(object, "text", &length);

	if (*(bool *)context)
		puts(object);
	else
		for (size_t i = 0; i < length; i++)
			putchar(text[i] == '\n' || text[i] == '\t' || (text[i] >= 0x20 && text[i] < 0x7F) ? text[i] : '?');
	free(text);
}

int inspect_log(const char *which, bool json)
{
	struct control c;
	uint64_t position = 0, last;

	control_open_machine(&c, which);
	do {
		char *request = xasprintf("log %" PRIu64, position), *answer = control_request(&c, request, log_take, &json);

		last = position;
		position = json_number(answer, "position");
		free(answer);
		free(request);
	} while (position != last);
	control_close_machine(&c);
	return 0;
}

int inspect_stop(const char *which, bool json)
{
	struct control c;
	char *answer;

	control_open_machine(&c, which);
	answer = control_request(&c, "stop", NULL, NULL);
	if (json)
		puts(answer);
	else
		puts(json_number(answer, "saved") ? "saved and stopped; the next start with its image goes on from here"
						  : "stopped; nothing was saved, as the machine has no image (--disk)");
	control_close_machine(&c);
	free(answer);
	return 0;
}
