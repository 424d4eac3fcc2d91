/*
 * look.c - verbs that look at a machine that runs, or at an image or manifest, and those that act on one.
 */
#define _GNU_SOURCE
#include <string.h>
#include "lib/control.h"
#include "lib/disk.h"
#include "lib/inspect.h"
#include "lib/manifest.h"
#include "lib/options.h"
#include "verbs/verbs.h"

struct looking {
	bool json, live;
	const char *machine, *output;
	unsigned long count;
	char **words;                  /* what is no option */
	int word_count;
};

/* [--json] [--machine FILE|PID] [--count N] [-o FILE] WORD..., as far as the verb takes them. */
static struct looking parse_looking(const char *verb, const char *takes, int most_words, int argc, char **argv)
{
	struct looking l = { .words = argv };

	for (int i = 0; i < argc; i++) {
		const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (option[0] != '-') {
			l.words[l.word_count++] = argv[i];
			continue;
		}
		if (!strstr(takes, option))
			misuse("no option '%s'; see: keros help %s", option, verb);
		l.json |= strcmp(option, "--json") == 0;
		l.live |= strcmp(option, "--live") == 0 || strcmp(option, "--machine") == 0;
		if (strcmp(option, "--json") == 0 || strcmp(option, "--live") == 0)
			continue;
		if (!value)
			misuse("%s needs a value after it; see: keros help %s", option, verb);
		i++;
		if (strcmp(option, "--machine") == 0)
			l.machine = value;
		else if (strcmp(option, "-o") == 0)
			l.output = value;
		else if (strcmp(option, "--count") == 0)
			l.count = options_pages(option, value);
	}
	if (l.word_count > most_words)
		misuse("'%s' is one word too many; see: keros help %s", l.words[most_words], verb);
	return l;
}

int act_ps(int argc, char **argv)
{
	struct looking l = parse_looking("ps", "--json --machine", 0, argc, argv);

	return inspect_ps(l.machine, l.json);
}

int act_caps(int argc, char **argv)
{
	struct looking l = parse_looking("caps", "--json --machine", 1, argc, argv);

	return inspect_caps(l.machine, l.word_count ? l.words[0] : NULL, l.json);
}

int act_trace(int argc, char **argv)
{
	struct looking l = parse_looking("trace", "--json --machine --count", 1, argc, argv);

	if (!l.word_count)
		misuse("trace needs a process; `keros ps` lists them");
	return inspect_trace(l.machine, l.words[0], l.count, l.json);
}

int act_graph(int argc, char **argv)
{
	struct looking l = parse_looking("graph", "--json --machine --live -o", 1, argc, argv);

	if (l.json && !l.live)
		misuse("graph --json is of a machine that runs: add --live");
	if (!l.live)
		return manifest_graph(options_root(), l.word_count ? l.words[0] : NULL, l.output);
	if (l.word_count)
		misuse("--live draws a machine that runs, not '%s'; try: keros graph --live -o now.svg", l.words[0]);
	if (l.json && l.output)
		misuse("--json prints the arrows; leave out -o");
	return inspect_graph(l.machine, l.output, l.json);
}

int act_log(int argc, char **argv)
{
	struct looking l = parse_looking("log", "--json --machine", 0, argc, argv);

	return inspect_log(l.machine, l.json);
}

int act_revoke(int argc, char **argv)
{
	struct looking l = parse_looking("revoke", "--json --machine", 1, argc, argv);

	return inspect_revoke(l.machine, l.word_count ? l.words[0] : NULL, l.json);
}

int act_stop(int argc, char **argv)
{
	struct looking l = parse_looking("stop", "--json --machine", 0, argc, argv);

	return inspect_stop(l.machine, l.json);
}

int act_store(int argc, char **argv)
{
	bool json = argc > 0 && strcmp(argv[0], "--json") == 0;

	if (argc != 1 + json)
		misuse("store needs an image file; try: keros store keros.disk");
	return disk_report(argv[json], json);
}

int act_ckpt(int argc, char **argv)
{
	bool json = argc > 0 && strcmp(argv[0], "--json") == 0;

	if (argc > 1 + json || (argc == 1 + json && argv[json][0] == '-'))
		misuse("ckpt takes an image file, if there is more than one machine; try: keros ckpt keros.disk");
	return control_ckpt(argc == 1 + json ? argv[json] : NULL, json);
}
