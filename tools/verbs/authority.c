/*
 * authority.c - verbs about what a program may: assess, and diff and merge of run manifests.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "lib/options.h"
#include "lib/runfile.h"
#include "verbs/verbs.h"

/* The work is done in Lua (tools/assess/), which runs this command again for each run. */
int act_assess(int argc, char **argv)
{
	const char *root = options_root();
	char **words = xcalloc((size_t)argc + 4, sizeof *words);

	words[0] = "lua5.4";
	words[1] = xasprintf("%s/tools/assess/main.lua", root);
	words[2] = xstrdup(root);
	for (int i = 0; i < argc; i++)
		words[3 + i] = argv[i];
	execvp(words[0], words);
	die("%s: %s; run ./configure, which installs it", words[0], strerror(errno));
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
