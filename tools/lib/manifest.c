/*
 * manifest.c - see manifest.h.  The manifest is Lua; tools/manifest.lua runs it, in a process of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/manifest.h"
#include "../services/prime/manifest.h"

/* What a program prints; its complaints have gone to standard error, and end the command. */
static struct buffer output_of(char *const argv[], const struct buffer *input)
{
	struct buffer b;
	int in[2], out[2], status;
	pid_t child;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || (child = fork()) < 0)
		die("cannot start %s: %s", argv[0], strerror(errno));
	if (child == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(in[0]);
	close(out[1]);
	if (input)
		write_all(in[1], input->data, input->length, argv[0]);
	close(in[1]);
	b = read_all(out[0], argv[0]);
	close(out[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		die("%s is not installed; run ./configure, which installs it", argv[0]);
	if (status)
		exit(1);
	return b;
}

static struct buffer manifest_run(const char *root, char *how, const char *path)
{
	char *argv[] = { "lua5.4", xasprintf("%s/tools/manifest.lua", root), how, xstrdup(path), NULL };

	if (access(path, R_OK))
		misuse("%s: %s; give a system manifest, as apps/system.lua is one", path, strerror(errno));
	return output_of(argv, NULL);
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
	struct buffer dot = manifest_run(root, "dot", path ? path : xasprintf("%s/apps/system.lua", root)), picture;
	const char *suffix = output ? strrchr(output, '.') : ".dot";

	if (!suffix || !strstr(".dot .svg .png .pdf ", xasprintf("%s ", suffix)))
		misuse("-o %s: a picture's name ends in .svg, .png, .pdf or .dot", output);
	if (!output) {
		write_all(1, dot.data, dot.length, "standard output");
		return 0;
	}
	picture = dot;
	if (strcmp(suffix, ".dot") != 0) {
		char *argv[] = { "dot", xasprintf("-T%s", suffix + 1), NULL };

		picture = output_of(argv, &dot);
	}
	write_file(output, picture.data, picture.length);
	return 0;
}
