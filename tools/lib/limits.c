/*
 * limits.c - see limits.h.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/limits.h"

#define TIME_MAX_MS (365ull * 24 * 3600 * 1000)
#define TMP_MAX     (1ull << 40)

/* "10", "10s", "500ms", "2m", "1h": in ms. */
static unsigned long long parse_time(const char *text)
{
	static const struct { const char *unit; unsigned ms; } units[] = {
		{ "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "m", 60000 }, { "h", 3600000 },
	};
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	for (unsigned i = 0; isdigit((unsigned char)text[0]) && i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].unit) == 0 && n > 0 && n <= TIME_MAX_MS / units[i].ms)
			return n * units[i].ms;
	misuse("--time '%s' is not a time; try --time 10s, --time 500ms or --time 2m", text);
}

static unsigned parse_share(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || (*end && strcmp(end, "%") != 0) || n < 1 || n > 100)
		misuse("--cpu '%s' is not a share of the processor; from 1%% to 100%% are possible", text);
	return (unsigned)n;
}

static unsigned long parse_tmp(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	unsigned shift = 20;

	switch (toupper((unsigned char)*end)) {
	case 'G': shift = 30; end++; break;
	case 'M': end++; break;
	case 'K': shift = 10; end++; break;
	}
	if (!isdigit((unsigned char)text[0]) || *end || n > TMP_MAX >> shift || n << shift < 4096)
		misuse("--tmp '%s' is not a size from 4K up; try --tmp 16M", text);
	return (unsigned long)((n << shift) >> 12);
}

static enum run_clock parse_clock(const char *text)
{
	if (strcmp(text, "none") == 0)
		return RUN_CLOCK_NONE;
	if (strcmp(text, "coarse") == 0)
		return RUN_CLOCK_COARSE;
	if (strcmp(text, "full") != 0)
		misuse("--clock '%s' is none of none, coarse and full", text);
	return RUN_CLOCK_FULL;
}

static void take_clock(struct run *r, const char *option, const char *value)
{
	(void)option;
	r->clock = parse_clock(value);
}

static void take_time(struct run *r, const char *option, const char *value)
{
	(void)option;
	r->time_ms = parse_time(value);
}

static void take_cpu(struct run *r, const char *option, const char *value)
{
	(void)option;
	r->cpu_share = parse_share(value);
}

static void take_tmp(struct run *r, const char *option, const char *value)
{
	(void)option;
	r->tmp_pages = parse_tmp(value);
}

const struct option_row limit_options[] = {
	{ "--clock", take_clock, 0 },
	{ "--time", take_time, 0 },
	{ "--cpu", take_cpu, 0 },
	{ "--tmp", take_tmp, 0 },
	{ "--stdin", NULL, offsetof(struct run, streams[0]) },
	{ "--stdout", NULL, offsetof(struct run, streams[1]) },
	{ "--stderr", NULL, offsetof(struct run, streams[2]) },
	{ NULL, NULL, 0 },
};

/* Standard error last, so that what is wrong with the others is said where we began. */
void limits_streams(const struct run *r)
{
	static const char *const names[] = { "--stdin", "--stdout", "--stderr" };

	for (int i = 0; i < 3; i++) {
		int fd;

		if (!r->streams[i])
			continue;
		fd = open(r->streams[i], i ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0666);
		if (fd < 0)
			misuse("%s %s: %s", names[i], r->streams[i], strerror(errno));
		if (dup2(fd, i) < 0)
			die("%s: %s", names[i], strerror(errno));
		close(fd);
	}
}
