/*
 * main.c - a session: makes one sandbox, waits for its end, and reports it.
 *
 * Invariants
 *   1. The sandbox gets nothing but what sandbox_give lists, its bank and its schedule; what --caps
 *      prints comes from the same table.
 *   2. Whatever goes wrong, the console and prime are told an end, so that the host does not wait
 *      for ever.  If the sandbox's server itself dies, its keeper (CR_KEEPER, which the sandbox
 *      gets as its argument) is prime, who does that instead.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <keros/bank.h>
#include <keros/console.h>
#include <keros/constructor.h>
#include <keros/native.h>
#include <keros/node.h>
#include <keros/put.h>
#include <keros/sandbox.h>
#include <keros/schedule.h>
#include <keros/server.h>
#include <keros/share.h>
#include "session.h"

#define STATUS_NOT_RUN 125             /* as other tools that run commands: our failure, not the command's */

struct session {
	uint64_t number, flags, base_length, overlay_length;
	size_t config_length;
};

static char config[INV_STRING_MAX];

/* The error stream: the terminal's if there is one. */
static cap_t error_stream(const struct session *s)
{
	return s->flags & SESSION_TTY ? CR_STDIN : CR_STDERR;
}

static void line_put(cap_t stream, const char *text)
{
	stream_put(stream, CR_TIMER, text, strlen(text));
}

/* ---- what the sandbox gets ------------------------------------------------------------------- */

struct grant {
	unsigned which;                /* of sandbox_setup */
	cap_t from;
	const char *words;             /* for --caps */
};

static const struct grant streams[] = {
	{ 1, CR_STDIN, "standard input: read" },
	{ 2, CR_STDOUT, "standard output: write" },
	{ 3, CR_STDERR, "standard error: write" },
};
static const struct grant terminal = { 4, CR_STDIN, "the terminal: read and write" };
static const struct grant base = { 5, CR_BASE, "the base file tree: read (changes stay in the sandbox)" };
static const struct grant overlay = { 6, CR_OVERLAY, "the files laid over it: read (changes stay in the sandbox)" };
static const struct grant sync = { 8, CR_SYNC, "the store: wait until what was done is durable" };
static const struct grant record = { 9, CR_RECORD, "the record: write what was used, or refused" };
static const struct grant timer = { 7, CR_TIMER, "the clock: read, sleep and alarm" };

/* Calls give for each grant of this session until one fails. */
static uint32_t grants_each(const struct session *s,
			    uint32_t (*give)(const struct session *, const struct grant *, uint64_t length))
{
	uint32_t rc = RC_OK;

	if (s->flags & SESSION_TTY)
		rc = give(s, &terminal, 0);
	for (unsigned i = 0; i < 3 && rc == RC_OK && !(s->flags & SESSION_TTY); i++)
		rc = give(s, &streams[i], 0);
	if (rc == RC_OK && s->base_length)
		rc = give(s, &base, s->base_length);
	if (rc == RC_OK && s->overlay_length)
		rc = give(s, &overlay, s->overlay_length);
	if (rc == RC_OK && s->flags & SESSION_SYNC)
		rc = give(s, &sync, 0);
	if (rc == RC_OK && s->flags & SESSION_RECORD)
		rc = give(s, &record, 0);
	return rc == RC_OK ? give(s, &timer, 0) : rc;
}

static uint32_t sandbox_give(const struct session *s, const struct grant *g, uint64_t length)
{
	(void)s;
	return sandbox_setup(CR_SANDBOX, g->which, length, g->from);
}

/* Calls give with each name of the records grant=NAME=CAP; its capability is in CR_TMP0. */
static uint32_t names_each(const struct session *s,
			   uint32_t (*give)(const struct session *, const char *name, size_t length))
{
	unsigned slot = 0;
	uint32_t rc = RC_OK;

	for (const char *r = config; r < config + s->config_length && rc == RC_OK; r += strlen(r) + 1) {
		if (strncmp(r, "grant=", 6) != 0 || slot == NODE_SLOTS)
			continue;
		if ((rc = node_fetch(CR_GRANTS, slot++, CR_TMP0)) == RC_OK)
			rc = give(s, r + 6, strcspn(r + 6, "="));
	}
	return rc;
}

static uint32_t name_give(const struct session *s, const char *name, size_t length)
{
	(void)s;
	return sandbox_grant(CR_SANDBOX, name, length, CR_TMP0);
}

static uint32_t name_print(const struct session *s, const char *name, size_t length)
{
	char line[160];

	snprintf(line, sizeof line, "  %.*s: the system's own capability '%s', granted by name\n", (int)length, name,
		 name[length] ? name + length + 1 : "");
	line_put(error_stream(s), line);
	return RC_OK;
}

static uint32_t grant_print(const struct session *s, const struct grant *g, uint64_t length)
{
	char line[160];

	if (length)
		snprintf(line, sizeof line, "  %s, %lu KiB\n", g->words, (unsigned long)(length + 1023) / 1024);
	else
		snprintf(line, sizeof line, "  %s\n", g->words);
	line_put(error_stream(s), line);
	return RC_OK;
}

/* ---- the host's shares ------------------------------------------------------------------------ */

/* One mount= record: MODE,NUMBER,PATH (doc/run-config.md); the file= record behind it, if any. */
struct mount { bool readonly, copy; unsigned number; const char *path, *file; size_t path_length, file_length; };

static const char *record_value(const char *record, const char *key, size_t n)
{
	size_t k = strlen(key);

	return n >= k && memcmp(record, key, k) == 0 ? record + k : NULL;
}

static bool mount_read(const char *value, const char *end, struct mount *m)
{
	const char *comma = memchr(value, ',', (size_t)(end - value)), *at;

	*m = (struct mount){ 0 };
	if (!comma)
		return false;
	m->readonly = strncmp(value, "rw,", 3) != 0;
	m->copy = *value == 'c';
	for (at = comma + 1; at < end && *at >= '0' && *at <= '9'; at++)
		m->number = m->number * 10 + (unsigned)(*at - '0');
	if (at == end || *at != ',' || at == comma + 1)
		return false;
	m->path = at + 1;
	m->path_length = (size_t)(end - m->path);
	return true;
}

/* Calls give for each mount until one fails; index counts them. */
static uint32_t mounts_each(const struct session *s,
			    uint32_t (*give)(const struct session *, const struct mount *, unsigned))
{
	const char *at = config, *end = config + s->config_length;
	uint32_t rc = RC_OK;

	for (unsigned index = 0; at < end && rc == RC_OK;) {
		size_t n = strnlen(at, (size_t)(end - at));
		const char *value = record_value(at, "mount=", n), *next = at + n + 1;
		struct mount m;

		if (value) {
			if (!mount_read(value, at + n, &m))
				return RC_REQUEST;
			if (next < end && (m.file = record_value(next, "file=", strnlen(next, (size_t)(end - next)))))
				m.file_length = strnlen(m.file, (size_t)(end - m.file));
			rc = give(s, &m, index++);
		}
		at = next;
	}
	return rc;
}

static uint32_t mount_give(const struct session *s, const struct mount *m, unsigned index)
{
	uint32_t rc = share_attach(CR_SHARES, m->number, s->number, m->readonly, m->file, m->file_length, CR_ARG0, NULL,
				   0, NULL);

	return rc == RC_OK ? sandbox_setup(CR_SANDBOX, 10, index, CR_ARG0) : rc;
}

static uint32_t mount_print(const struct session *s, const struct mount *m, unsigned index)
{
	char line[400];

	(void)index;
	snprintf(line, sizeof line, "  %.*s: %s of the host, %s\n", (int)(m->path_length < 256 ? m->path_length : 256), m->path,
		 m->file ? "a file" : "a folder",
		 m->copy ? "read (changes stay in the sandbox)" : m->readonly ? "read" : "read and write");
	line_put(error_stream(s), line);
	return RC_OK;
}

static void caps_print(const struct session *s)
{
	uint64_t limit = 0, available = 0, priority = 0;
	char line[160];

	bank_get_limits(CR_SANDBOX_BANK, &limit, NULL, &available);
	schedule_get_priority(CR_SANDBOX_SCHED, &priority);
	line_put(error_stream(s), "This sandbox holds:\n");
	snprintf(line, sizeof line, "  a bank: %lu KiB of storage, and not a page more\n",
		 (unsigned long)(limit < available ? limit : available) * (PAGE_SIZE / 1024));
	line_put(error_stream(s), line);
	snprintf(line, sizeof line, "  a schedule: processor time at priority %lu of 0..15\n", (unsigned long)priority);
	line_put(error_stream(s), line);
	grants_each(s, grant_print);
	names_each(s, name_print);
	mounts_each(s, mount_print);
	line_put(error_stream(s), "It holds nothing else: no network, no device, no other file of the host, "
				  "no other sandbox.\n");
}

/* ---- running it ------------------------------------------------------------------------------ */

static uint64_t failed(const struct session *s, const char *what, uint32_t rc)
{
	char line[200];
	const char *why = rc == RC_LIMIT ? "the machine or the sandbox's bank is too small; give more by --mem or --bank" :
			  rc == RC_DISK ? "the disk cannot give back what it is made of; an older copy of the image may have it" :
					  "refused";

	snprintf(line, sizeof line, "keros: %s: %s (%#x)\n", what, why, rc);
	line_put(error_stream(s), line);
	return STATUS_NOT_RUN;
}

static void report_print(const struct session *s)
{
	size_t length = 0;

	if (sandbox_report(CR_SANDBOX, config, sizeof config, &length) == RC_OK)
		stream_put(error_stream(s), CR_TIMER, config, length);
}

static uint64_t sandbox_live(const struct session *s)
{
	uint64_t wait_status = 0;
	uint32_t rc = constructor_yield(CR_REQUESTOR, CR_SANDBOX_BANK, CR_SANDBOX_SCHED, CR_KEEPER, CR_SANDBOX);

	if (rc != RC_OK)
		return failed(s, "the sandbox could not be made", rc);
	if (s->flags & SESSION_CAPS)
		caps_print(s);
	if ((rc = grants_each(s, sandbox_give)) != RC_OK || (rc = names_each(s, name_give)) != RC_OK)
		return failed(s, "the sandbox could not be set up", rc);
	share_reset(CR_SHARES, s->number);
	if ((rc = mounts_each(s, mount_give)) != RC_OK)
		return failed(s, "a share of the host could not be attached", rc);
	if ((rc = sandbox_run(CR_SANDBOX, config, s->config_length, &wait_status)) != RC_OK)
		return failed(s, "the command could not be run", rc);
	if (s->flags & SESSION_VERBOSE)
		report_print(s);
	return wait_status & 0x7F ? 128 + (wait_status & 0x7F) : wait_status >> 8 & 0xFF;
}

/* The message may have come from anybody, but only prime has our start capability. */
static void session_run(const struct session *s)
{
	struct msg end = { .order = RC_OK, .w = { sandbox_live(s) } };

	bank_empty(CR_SANDBOX_BANK);
	console_finish(CR_CONSOLE, s->number, end.w[0]);
	inv_send(CR_REPORT, &end);
}

int main(void)
{
	struct msg m;

	server_first(&m, config, sizeof config);
	for (;;) {
		struct session s = { m.w[0], m.w[1], m.w[2], m.w[3], m.recv_length };

		if (m.order == SESSION_RUN)
			session_run(&s);
		server_next(&m, false);
	}
}
