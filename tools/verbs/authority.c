/*
 * authority.c - verbs about what a program may: assess, and diff and merge of run manifests.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/options.h"
#include "lib/runfile.h"
#include "verbs/verbs.h"

/* Its folder for work goes with it, however it ends: it is ours, and it may be stopped from the keyboard. */
static void folder_remove(const char *folder)
{
	char *argv[] = { "rm", "-rf", "--", xstrdup(folder), NULL };
	pid_t child = fork();

	if (child == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The work is done in Lua (tools/assess/), which runs this command again for each run. */
int act_assess(int argc, char **argv)
{
	const char *root = options_root(), *top = getenv("TMPDIR");
	char **words = xcalloc((size_t)argc + 5, sizeof *words);
	char *work = xasprintf("%s/keros-assess-XXXXXX", top && *top ? top : "/tmp");
	int status = 0;
	pid_t child;

	if (!mkdtemp(work))
		die("%s: %s", work, strerror(errno));
	words[0] = "lua5.4";
	words[1] = xasprintf("%s/tools/assess/main.lua", root);
	words[2] = xstrdup(root);
	words[3] = work;
	for (int i = 0; i < argc; i++)
		words[4 + i] = argv[i];
	child = fork();
	if (child == 0) {
		execvp(words[0], words);
		fprintf(stderr, "keros: %s: %s; run ./configure, which installs it\n", words[0], strerror(errno));
		_exit(1);
	}
	if (child < 0)
		die("fork: %s", strerror(errno));
	signal(SIGINT, SIG_IGN);       /* it is the child's, and then ours to tidy up */
	signal(SIGTERM, SIG_IGN);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	folder_remove(work);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int act_diff(int argc, char **argv)
{
	struct runfile a, b;
	struct buffer lines = { 0 };

	if (argc != 2)
		misuse("diff needs two run manifests; try: keros diff old.toml new.toml");
	runfile_read(&a, argv[0]);
	runfile_read(&b, argv[1]);
	runfile_diff(&a, &b, &lines);
	write_all(1, lines.data, lines.length, "standard output");
	return lines.length != 0;
}

int act_merge(int argc, char **argv)
{
	struct runfile all, one;
	struct buffer text;

	if (argc < 1)
		misuse("merge needs run manifests of one program; try: keros merge a.toml b.toml >both.toml");
	runfile_read(&all, argv[0]);
	for (int i = 1; i < argc; i++) {
		char *wrong;

		runfile_read(&one, argv[i]);
		if ((wrong = runfile_merge(&all, &one)))
			die("%s and %s: %s", argv[0], argv[i], wrong);
	}
	text = runfile_text(&all);
	write_all(1, text.data, text.length, "standard output");
	return 0;
}
