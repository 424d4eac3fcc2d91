/*
 * machine_config.c - the run config (doc/run-config.md): what prime, the session and the sandbox's server are told.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/machine.h"

#define GUEST_PATH "/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin"

static void record(struct buffer *config, const char *key, const char *value)
{
	buffer_text(config, key);
	buffer_text(config, "=");
	buffer_text(config, value);
	buffer_add(config, "", 1);
}

static void record_number(struct buffer *config, const char *key, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof text, "%lu", value);
	record(config, key, text);
}

/* Whether the user gives the variable that "N=V" names. */
static bool env_given(const struct run *r, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (unsigned i = 0; i < r->env_count; i++)
		if (strncmp(r->envs[i], variable, n) == 0)
			return true;
	return false;
}

static void record_env(struct buffer *config, const struct run *r)
{
	const char *term = getenv("TERM");
	char *defaults[] = {
		xstrdup("PATH=" GUEST_PATH),
		xstrdup("HOME=/root"),
		xasprintf("TERM=%s", r->serial_console ? "vt100" : r->tty && term ? term : "dumb"),
	};

	for (unsigned i = 0; i < sizeof defaults / sizeof *defaults; i++) {
		if (!r->runfile && !env_given(r, defaults[i]))
			record(config, "env", defaults[i]);
		free(defaults[i]);
	}
	for (unsigned i = 0; i < r->env_count; i++)
		record(config, "env", r->envs[i]);
	for (size_t i = 0; r->runfile && i < r->runfile->environment.count; i++)
		record(config, "env", r->runfile->environment.list[i]);
}

static void record_second(struct buffer *config, const struct run *r)
{
	char *words = xstrdup(r->second);

	record(config, "sandbox", "second");
	for (char *w = strtok(words, " \t\n"); w; w = strtok(NULL, " \t\n"))
		record(config, "arg", w);
	record_env(config, r);
	if (r->second_bank_pages)
		record_number(config, "bank", r->second_bank_pages);
	free(words);
}

static void record_terminal(struct buffer *config, const struct run *r)
{
	record_number(config, "tty", 1);
	record_number(config, "rows", r->rows);
	record_number(config, "cols", r->columns);
}

/* The prompt beside the shell needs little of the bank, and takes no more. */
static void record_lua(struct buffer *config, const struct run *r)
{
	record(config, "sandbox", "lua");
	record(config, "kind", "lua");
	record_terminal(config, r);
}

/* A run manifest says it all; else the options do. */
static enum run_clock run_clock(const struct run *r)
{
	return r->runfile ? r->runfile->clock : r->clock;
}

bool machine_random(const struct run *r)
{
	return r->native || r->keykos || r->lua || (r->runfile ? r->runfile->random : r->random);
}

struct buffer machine_config(const struct run *r)
{
	struct buffer config = { 0 };

	record(&config, "console", r->serial_console ? "serial" : "link");
	if (r->native || r->keykos) {
		record(&config, "native", r->keykos ? "keykos" : r->native);
		return config;
	}
	if (r->lua || r->lua_beside)
		record(&config, "with", "lua");
	if (r->lua_keykos)
		record(&config, "with", "keykos");
	record(&config, "sandbox", "main");
	if (r->lua) {
		record(&config, "kind", "lua");
		for (const char **a = r->lua_records; *a; a++)
			buffer_add(&config, *a, strlen(*a) + 1);
	}
	for (char **a = r->argv; *a; a++)
		record(&config, "arg", *a);
	if (!r->lua)
		record_env(&config, r);
	if (r->cwd)
		record(&config, "cwd", r->cwd);
	if (r->tty)
		record_terminal(&config, r);
	if (r->bank_pages)
		record_number(&config, "bank", r->bank_pages);
	if (r->verbose)
		record_number(&config, "verbose", 1);
	if (r->caps)
		record_number(&config, "caps", 1);
	if (r->record_file)
		record_number(&config, "record", 1);
	else if (!r->serial_console && !r->lua)
		record(&config, "refusals", r->verbose ? "all" : "once");
	if (r->runfile)
		record_number(&config, "bare", 1);
	if (run_clock(r) != RUN_CLOCK_FULL)
		record(&config, "clock", run_clock(r) == RUN_CLOCK_COARSE ? "coarse" : "none");
	if (!machine_random(r))
		record_number(&config, "random", 0);
	if (r->cpu_share && r->cpu_share < 100)
		record_number(&config, "cpu", r->cpu_share);
	if (r->tmp_pages)
		record_number(&config, "tmp", r->tmp_pages);
	if (r->runfile && !r->runfile->proc)
		record_number(&config, "noproc", 1);
	grants_record(&r->grants, &config);
	for (size_t i = 0; i < r->denied.count; i++)
		record(&config, "deny", r->denied.list[i]);
	if (r->second)
		record_second(&config, r);
	else if (r->lua_beside)
		record_lua(&config, r);
	return config;
}
