/*
 * manifest.c - see manifest.h.  The manifest is Lua; tools/manifest.lua runs it, in a process of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/manifest.h"
#include "lib/picture.h"
#include "../services/prime/manifest.h"

static struct buffer manifest_run(const char *root, char *how, const char *path)
{
	char *argv[] = { "lua5.4", xasprintf("%s/tools/manifest.lua", root), how, xstrdup(path), NULL };

	if (access(path, R_OK))
		misuse("%s: %s; give a system manifest, as apps/system.lua is one", path, strerror(errno));
	return program_output(argv, NULL);
}

struct buffer manifest_records(const char *root, const char *path)
{
	char *made = xasprintf("%s/build/system.manifest", root);
	struct buffer b;
	const char *why;

	if (!path && access(made, R_OK))
		die("%s is missing: run `make all` first", made);
	b = path ? manifest_run(root, "records", path) : read_file(made);
	if ((why = manifest_check((const char *)b.data, b.length)))
		die("%s: %s", path ? path : made, why);
	free(made);
	return b;
}

int manifest_graph(const char *root, const char *path, const char *output)
{
	struct buffer dot = manifest_run(root, "dot", path ? path : xasprintf("%s/apps/system.lua", root));

	return picture_write(&dot, output);
}
