/*
 * runtree.c - see runtree.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/runtree.h"

struct wish { const struct runfile *r; bool *met; };

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return !strncmp(path, folder, n) && (n == 1 || path[n] == '/');
}

static bool is_granted(void *ctx, const char *path)
{
	struct wish *w = ctx;
	bool granted = false;

	for (size_t i = 0; i < w->r->grant_count; i++) {
		const struct run_grant *g = &w->r->grants[i];
		bool itself = !strcmp(g->path, path);

		if (g->kind != RUN_BASE || !(itself || (g->whole && is_below(path, g->path))))
			continue;
		w->met[i] |= itself;
		granted = true;
	}
	return granted;
}

struct buffer runtree_base(const struct runfile *r, const char *base_image, uint64_t mtime_ns)
{
	struct wish w = { r, xcalloc(r->grant_count + 1, sizeof *w.met) };
	struct tree *t = tree_new(mtime_ns);
	struct buffer image;

	if (access(base_image, R_OK))
		die("%s is missing: run `make all` first", base_image);
	image = read_file(base_image);
	tree_add_part(t, &image, is_granted, &w);
	for (size_t i = 0; i < r->grant_count; i++)
		if (r->grants[i].kind == RUN_BASE && !w.met[i])
			misuse("line %u of the run manifest grants %s of the base tree, which has no such name; "
			       "see it with: keros run -- ls %s", r->grants[i].line, r->grants[i].path, r->grants[i].path);
	return tree_image(t);
}

void runtree_overlay(const struct runfile *r, const char *folder, struct tree *overlay)
{
	for (size_t i = 0; i < r->grant_count; i++) {
		const struct run_grant *g = &r->grants[i];
		struct tree_attributes scratch = { .mode = S_IFDIR | 01777 };
		char *host;

		if (g->kind == RUN_SCRATCH)
			tree_add(overlay, g->path, &scratch);
		if (g->kind != RUN_COPY)
			continue;
		host = *g->host == '/' ? xstrdup(g->host) : xasprintf("%s/%s", folder, g->host);
		if (access(host, R_OK))
			misuse("line %u of the run manifest grants a copy of %s: %s", g->line, host, strerror(errno));
		tree_add_host(overlay, host, g->path, g->whole);
	}
}
