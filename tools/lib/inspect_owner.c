/*
 * inspect_owner.c - what the owner does to a machine that runs: take a grant back, read the log, stop it.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/control.h"
#include "lib/inspect.h"
#include "lib/json.h"

/* ---- taking back ------------------------------------------------------------------------------------------------ */

struct revoke_context {
	const char *wanted;
	bool json;
	int share, stream;             /* the one that is wanted, or -1 */
	unsigned shares, streams, found;
};

static void grant_take(void *context, const char *object)
{
	struct revoke_context *x = context;
	char *kind = json_string(object, "kind", NULL), *guest = json_string(object, "guest", NULL);
	char *host = json_string(object, "host", NULL), *mode = json_string(object, "mode", NULL);
	bool share = strcmp(kind, "share") == 0;
	unsigned number = share ? x->shares++ : x->streams++;

	if (!x->wanted && x->json)
		puts(object);
	else if (!x->wanted && share)
		printf("%-24s %-16s %s\n", guest, mode, host);
	else if (!x->wanted)
		printf("%s\n", guest);
	if (x->wanted && (strcmp(x->wanted, guest) == 0 || (share && strcmp(x->wanted, host) == 0))) {
		x->found++;
		*(share ? &x->share : &x->stream) = (int)number;
	}
	free(kind);
	free(guest);
	free(host);
	free(mode);
}

int inspect_revoke(const char *which, const char *grant, bool json)
{
	struct revoke_context x = { .wanted = grant, .json = json, .share = -1, .stream = -1 };
	struct control c;
	char *request, *answer;

	control_open_machine(&c, which);
	free(control_request(&c, "grants", grant_take, &x));
	if (!grant)
		return 0;
	if (!x.found)
		misuse("there is no grant '%s'; `keros revoke` lists what can be taken back", grant);
	if (x.found > 1)
		misuse("'%s' is granted %u times; name one by its place in the sandbox", grant, x.found);
	request = x.share >= 0 ? xasprintf("revoke %d", x.share) : xasprintf("hangup %d", x.stream);
	answer = control_request(&c, request, NULL, NULL);
	if (json)
		puts(answer);
	else if (x.share >= 0)
		printf("%s is taken back; %" PRIu64 " capabilities to it died\n", grant, json_number(answer, "dead"));
	else
		printf("%s is taken back\n", grant);
	control_close_machine(&c);
	return 0;
}

/* ---- the log, and the end -------------------------------------------------------------------------------------- */

static void log_take(void *context, const char *object)
{
	size_t length;
	char *text = json_string(object, "text", &length);

	if (*(bool *)context)
		puts(object);
	else
		for (size_t i = 0; i < length; i++)
			putchar(text[i] == '\n' || text[i] == '\t' || (text[i] >= 0x20 && text[i] < 0x7F) ? text[i] : '?');
	free(text);
}

int inspect_log(const char *which, bool json)
{
	struct control c;
	uint64_t position = 0, last;

	control_open_machine(&c, which);
	do {
		char *request = xasprintf("log %" PRIu64, position), *answer = control_request(&c, request, log_take, &json);

		last = position;
		position = json_number(answer, "position");
		free(answer);
		free(request);
	} while (position != last);
	control_close_machine(&c);
	return 0;
}

int inspect_stop(const char *which, bool json)
{
	struct control c;
	char *answer;

	control_open_machine(&c, which);
	answer = control_request(&c, "stop", NULL, NULL);
	if (json)
		puts(answer);
	else
		puts(json_number(answer, "saved") ? "saved and stopped; the next start with its image goes on from here"
						  : "stopped; nothing was saved, as the machine has no image (--disk)");
	control_close_machine(&c);
	free(answer);
	return 0;
}
