/*
 * lua.c - see lua.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/lua.h"

#define GRANTS_MAX 16

bool lua_is_there(const char *root)
{
	char *path = xasprintf("%s/build/bin/lua-domain.elf", root);
	bool there = access(path, R_OK) == 0;

	free(path);
	return there;
}

const char *lua_script_path(const char *path)
{
	for (;;) {
		if (path[0] == '/')
			path++;
		else if (strncmp(path, "./", 2) == 0)
			path += 2;
		else if (strncmp(path, "../", 3) == 0)
			path += 3;
		else
			return path;
	}
}

static bool is_name(const char *text, size_t length)
{
	static const char letters[] = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	return length > 0 && strspn(text, letters) >= length && !(text[0] >= '0' && text[0] <= '9');
}

/* Whether CAP is there, prime alone can say, by the manifest. */
static void grant_check(const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || !is_name(text, (size_t)(equals - text)) || !equals[1])
		misuse("--grant '%s' is not NAME=CAP with a name that Lua can say; try --grant v=vcs", text);
}

static const char *record_of(const char *key, const char *value)
{
	return xasprintf("%s=%s", key, value);
}

/* Options of the machine that take a value: so that it is not taken for the script. */
static bool takes_value(const char *option)
{
	static const char *const valued[] = { "--tree", "--mem", "--bank", "--pack", "--disk", "--disk-size", "--env",
					      "--cwd" };

	for (unsigned i = 0; i < sizeof valued / sizeof *valued; i++)
		if (strcmp(option, valued[i]) == 0)
			return true;
	return false;
}

bool lua_grants(const struct lua_request *q, const char *capability)
{
	for (const char **r = q->records; *r; r++)
		if (strncmp(*r, "grant=", 6) == 0 && strcmp(strchr(*r + 6, '=') + 1, capability) == 0)
			return true;
	return false;
}

struct lua_request lua_parse(int argc, char **argv, char **rest)
{
	struct lua_request q = { .records = xcalloc((size_t)argc + 2, sizeof *q.records) };
	unsigned n = 0, grants = 0;
	int i, kept = 0;

	for (i = 0; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		const char *option = argv[i];

		if (strcmp(option, "--") == 0) {
			i++;
			break;
		}
		if (strcmp(option, "-e") == 0 || strcmp(option, "--grant") == 0) {
			if (++i == argc)
				misuse("%s needs a value after it; see: keros help lua", option);
			if (option[1] == '-')
				grant_check(argv[i]);
			if (option[1] == '-' && ++grants > GRANTS_MAX)
				misuse("more than %d grants", GRANTS_MAX);
			q.records[n++] = record_of(option[1] == 'e' ? "code" : "grant", argv[i]);
			continue;
		}
		rest[kept++] = argv[i];
		if (takes_value(option) && i + 1 < argc)
			rest[kept++] = argv[++i];
	}
	rest[kept] = NULL;
	if (i < argc) {
		q.script = argv[i];
		if (access(q.script, R_OK))
			misuse("%s: %s; give a Lua script, or -e CODE", q.script, strerror(errno));
		q.records[n++] = record_of("script", lua_script_path(q.script));
		for (i++; i < argc; i++)
			q.records[n++] = record_of("arg", argv[i]);
	}
	q.records[n] = NULL;
	return q;
}
