/*
 * inspect_graph.c - who can reach whom in a machine that runs, as a picture.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/inspect.h"
#include "lib/picture.h"
#include "lib/view.h"

#define STORE_DEPTH 3                  /* nodes of nodes that are looked into */

struct edge { uint64_t from, to, type, data; };    /* to: an oid, or for a thing of the kernel's 0 */

struct graph {
	const struct view *system;
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
	struct capability c = view_capability(object);

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
	if (!is_sandboxed(view_process(g->system, e->from)) || e->type == CAP_PROCESS)
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
	const struct view *s = g->system;

	fputs("digraph keros {\n\trankdir=LR; node [fontname=\"sans-serif\", fontsize=11]; edge [fontname=\"sans-serif\", fontsize=9];\n"
	      "\tlabel=\"boxes: processes; ellipses: things of the kernel's.  solid: may call; bold: controls wholly; dashed: may post "
	      "to.  red: a way out of a confined program\";\n", out);
	for (size_t i = 0; i < s->count; i++) {
		fprintf(out, "\tp%" PRIu64 " [shape=box, label=", s->process[i].oid);
		quote(out, view_label(s, s->process[i].oid));
		fputs(is_sandboxed(&s->process[i]) ? ", style=filled, fillcolor=\"#eef4ff\"];\n" : "];\n", out);
	}
	for (size_t i = 0; i < g->edges; i++) {
		const struct edge *e = &g->edge[i];
		const char *style = e->type == CAP_PROCESS ? "bold" : e->type == CAP_NOTICE ? "dashed" : "solid";

		if (!e->to)
			fprintf(out, "\tt%" PRIu64 " [shape=ellipse, label=\"%s\"];\n", e->type, view_type_name(e->type));
		else if (!view_process(s, e->to))
			continue;
		fprintf(out, "\tp%" PRIu64 " -> %c%" PRIu64 " [style=%s%s];\n", e->from, e->to ? 'p' : 't',
			e->to ? e->to : e->type, style, is_hole(g, e) ? ", color=red" : "");
	}
	fputs("}\n", out);
}

static void graph_print_json(const struct graph *g)
{
	for (size_t i = 0; i < g->edges; i++) {
		const struct edge *e = &g->edge[i];

		printf("{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"kind\":\"%s\",\"data\":%" PRIu64 ",\"way_out\":%s}\n", e->from, e->to,
		       view_type_name(e->type), e->data, is_hole(g, e) ? "true" : "false");
	}
}

int inspect_graph(const char *which, const char *file, bool json)
{
	struct view s;
	struct graph g = { .system = &s };
	struct buffer dot = { 0 };
	FILE *out;

	view_open(&s, which);
	for (size_t i = 0; i < s.count; i++) {
		g.holder = &s.process[i];
		g.node_count = 0;
		view_caps(&s, g.holder, graph_take, &g);
		/* Prime's nodes hold everything of everybody. */
		if (strcmp(g.holder->name, "prime") != 0)
			graph_nodes(&g);
	}
	if (json) {
		graph_print_json(&g);
		return 0;
	}
	out = open_memstream((char **)&dot.data, &dot.length);
	if (!out)
		die("no memory for the graph");
	graph_write(&g, out);
	fclose(out);
	return picture_write(&dot, file);
}
