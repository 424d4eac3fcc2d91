/*
 * inspect_trace.c - what a process of a running machine invokes, decoded by idl/ (ops.h) and the C library's call numbers.
 *
 * Invariant: the recorder is taken off again, however the command ends but by SIGKILL.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/inspect.h"
#include "lib/json.h"
#include "lib/view.h"
#include "ops.h"

#define POLL_NS 50000000L              /* between two looks at the recorder */

static const char *const syscalls[] = {
#include "syscalls.h"
};

static const char *const fault_names[] = {
	[1] = "memory", [2] = "division", [3] = "debug", [4] = "breakpoint", [5] = "overflow", [6] = "bounds",
	[7] = "illegal instruction", [8] = "protection", [9] = "stack", [10] = "floating point", [11] = "alignment",
	[12] = "SIMD", [16] = "system call without a personality", [17] = "malformed invocation", [18] = "no address space",
	[19] = "no schedule", [20] = "schedule used up", [32] = "its memory's keeper refused", [33] = "trap",
	[34] = "a message's string is not there",
};
#define FAULT_NAMES (sizeof fault_names / sizeof fault_names[0])

static const char *fault_text(uint64_t fault)
{
	return fault < FAULT_NAMES && fault_names[fault] ? fault_names[fault] : "unknown";
}

/* Which interfaces a service answers, by the name it goes by. */
static const struct { const char *process, *interface; } served[] = {
	{ "bank", "bank" }, { "constructor", "constructor" }, { "constructor", "metaconstructor" }, { "proccre", "proccre" },
	{ "vcs", "vcs" }, { "p9", "file" }, { "p9", "directory" }, { "p9", "share" }, { "console", "stream" },
	{ "console", "console" }, { "posix-server", "sandbox" },
};
#define SERVED (sizeof served / sizeof served[0])

static const struct idl_op *op_find(const char *interface, uint64_t order)
{
	for (size_t i = 0; i < sizeof idl_ops / sizeof idl_ops[0]; i++)
		if (strcmp(idl_ops[i].interface, interface) == 0 && order >= idl_ops[i].first && order <= idl_ops[i].last)
			return &idl_ops[i];
	return NULL;
}

static const struct idl_op *op_of_peer(const char *peer, uint64_t order)
{
	const struct idl_op *op = NULL;

	for (size_t i = 0; i < SERVED && !op; i++)
		if (strcmp(served[i].process, peer) == 0)
			op = op_find(served[i].interface, order);
	return op;
}

static const struct idl_op *op_of_object(uint64_t type, uint64_t order)
{
	const char *name = type == CAP_FETCH || type == CAP_SENSE ? "node" :
			   type == CAP_FRONTEND ? "segment" : view_type_name(type);

	return op_find(name, order);
}

/* "interface.op(word=1, cap, string[12])"; without an operation the bare message. */
static void message_text(FILE *out, const char *object, const struct idl_op *op)
{
	uint64_t order = json_number(object, "order"), caps = json_number(object, "caps"),
		string = json_number(object, "string");
	unsigned word = 0;
	const char *separator = "";

	if (!op) {
		fprintf(out, "order %" PRIu64 " (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ")", order, json_number(object, "w0"),
			json_number(object, "w1"), json_number(object, "w2"));
		if (string)
			fprintf(out, ", a string of %" PRIu64, string);
		if (caps & 7)
			fprintf(out, ", %d capabilities", __builtin_popcountll(caps & 7));
		return;
	}
	fprintf(out, "%s.%s(", op->interface, op->op);
	if (op->last > op->first) {
		fprintf(out, "%" PRIu64, order - op->first);
		separator = ", ";
	}
	for (const char *at = op->in; *at; at += strcspn(at, " "), at += *at == ' ') {
		int length = (int)strcspn(at + 1, " ");
		char name[3] = { 'w', (char)('0' + word), 0 };

		fputs(separator, out);
		separator = ", ";
		if (*at == 'w') {
			fprintf(out, "%.*s=%" PRIu64, length, at + 1, json_number(object, name));
			word++;
		} else if (*at == 's') {
			fprintf(out, "%.*s[%" PRIu64 "]", length, at + 1, string);
		} else {
			fprintf(out, "%.*s", length, at + 1);
		}
	}
	fputs(")", out);
}

static const char *result_text(uint64_t result)
{
	static const char *const names[] = {
		"void capability", "unknown order", "malformed request", "no access", "limit", "restart", "again",
		"sealed", "unofficial",
	};
	static char text[24];

	if (result > KT && result - KT - 1 < sizeof names / sizeof names[0])
		return names[result - KT - 1];
	snprintf(text, sizeof text, "%" PRIu64, result);
	return text;
}

struct trace_context {
	struct view *system;
	bool json;
	unsigned long left;            /* records still wanted; 0 = no end */
	bool ended;
	uint64_t first_ns;
};

static void record_text(const struct view *s, const char *object)
{
	uint64_t kind = json_number(object, "kind"), order = json_number(object, "order"), peer = json_number(object, "peer");
	const struct process *other = view_process(s, peer);
	const char *who = view_label(s, json_number(object, "process")), *to = peer ? view_label(s, peer) : "nobody";
	bool personality = other && strcmp(other->name, "posix-server") == 0;

	switch (kind) {
	case TRACE_CALL:
		if (personality && order < sizeof syscalls / sizeof syscalls[0] && syscalls[order]) {
			printf("%s: %s(%" PRIu64 ", %#" PRIx64 ", %" PRIu64 ", %" PRIu64 ")", who, syscalls[order],
			       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"),
			       json_number(object, "w3"));
			break;
		}
		/* fall through */
	case TRACE_SEND:
		printf("%s -> %s: ", who, to);
		message_text(stdout, object, other ? op_of_peer(other->name, order) : NULL);
		break;
	case TRACE_RETURN:
		printf("%s => %s: result %s (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ")", who, to, result_text(order),
		       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"));
		break;
	case TRACE_OBJECT:
		printf("%s: ", who);
		message_text(stdout, object, op_of_object(json_number(object, "type"), order));
		printf(" = %s", result_text(json_number(object, "result")));
		break;
	case TRACE_REPLY:
		if (personality)
			printf("%s <= %" PRId64, who, (int64_t)json_number(object, "w0"));
		else
			printf("%s <= %s: result %s (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ")", who, to, result_text(order),
			       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"));
		break;
	case TRACE_REQUEST:
		if (strcmp(who, "posix-server") == 0 && order < sizeof syscalls / sizeof syscalls[0] && syscalls[order]) {
			printf("%s <- %s: %s(%" PRIu64 ", %#" PRIx64 ", %" PRIu64 ")", who, to, syscalls[order],
			       json_number(object, "w0"), json_number(object, "w1"), json_number(object, "w2"));
			break;
		}
		printf("%s <- %s: ", who, to);
		message_text(stdout, object, op_of_peer(view_process(s, json_number(object, "process")) ? who : "", order));
		break;
	case TRACE_FAULT:
		printf("%s: fault: %s at %#" PRIx64 ", rip %#" PRIx64, who, fault_text(order), json_number(object, "w0"),
		       json_number(object, "w1"));
		break;
	}
	putchar('\n');
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* A write to somebody who does not read ends by it, too: recording must not go on because its reader stands still. */
static void interrupt_by(int number)
{
	sigaction(number, &(struct sigaction){ .sa_handler = interrupt }, NULL);
}

static void record_take(void *context, const char *object)
{
	struct trace_context *x = context;
	uint64_t ns = json_number(object, "ns");

	if (x->ended || interrupted)
		return;
	if (x->json) {
		puts(object);
	} else {
		uint64_t peer = json_number(object, "peer");

		if (peer && !view_process(x->system, peer))
			view_refresh(x->system);
		if (!x->first_ns)
			x->first_ns = ns;
		printf("%+12.6f  ", (double)(ns - x->first_ns) / 1e9);
		record_text(x->system, object);
	}
	fflush(stdout);
	x->ended = x->left && --x->left == 0;
}

/* The position behind all that is recorded by now. */
static uint64_t trace_end(const struct view *s)
{
	uint64_t position = 0, last;

	do {
		char *request = xasprintf("trace %" PRIu64, position);
		char *answer = control_request(&s->control, request, NULL, NULL);

		last = position;
		position = json_number(answer, "position");
		free(answer);
		free(request);
	} while (position != last);
	return position;
}

int inspect_trace(const char *which, const char *process, unsigned long count, bool json)
{
	struct view s;
	struct trace_context x = { .system = &s, .json = json, .left = count };
	uint64_t oid, position;
	char *request;

	view_open(&s, which);
	oid = view_choose(&s, process)->oid;
	position = trace_end(&s);
	interrupt_by(SIGINT);
	interrupt_by(SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	request = xasprintf("record %" PRIu64 " 1", oid);
	free(control_request(&s.control, request, NULL, NULL));
	free(request);
	while (!interrupted && !x.ended && !ferror(stdout)) {
		uint64_t before = position;
		char *answer;

		request = xasprintf("trace %" PRIu64, position);
		answer = control_request(&s.control, request, record_take, &x);
		if (json_number(answer, "lost") && !json)
			printf("(%" PRIu64 " records were lost here: too much happened at once)\n",
			       json_number(answer, "lost"));
		position = json_number(answer, "position");
		free(answer);
		free(request);
		if (position == before)
			nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	}
	if (ferror(stdout))
		__fpurge(stdout);      /* else the exit would wait for the reader after all */
	request = xasprintf("record %" PRIu64 " 0", oid);
	free(control_request(&s.control, request, NULL, NULL));
	free(request);
	return 0;
}
