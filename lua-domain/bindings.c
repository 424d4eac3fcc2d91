/*
 * bindings.c - see bindings.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <keros/abi.h>
#include "bindings.h"
#include "lua_tables.h"

#define TYPE_SENSE         0x0001u
#define TYPE_FETCH         0x0004u
#define TYPE_PAGE_READONLY 0x1202u
#define TYPE_SEGMENT       0x0005u
#define SEGMENT_BITS       0x1F00u             /* lss in bits 8..11, read-only in bit 12 */

unsigned interface_count(void)
{
	return IDL_INTERFACES;
}

const struct idl_interface *interface_at(unsigned index)
{
	return &idl_interfaces[index];
}

const struct idl_interface *interface_named(const char *name)
{
	for (unsigned i = 0; i < IDL_INTERFACES; i++)
		if (strcmp(idl_interfaces[i].name, name) == 0)
			return &idl_interfaces[i];
	return NULL;
}

const struct idl_interface *interface_of_type(uint64_t type, bool *readonly, unsigned *lss)
{
	*readonly = false;
	*lss = 0;
	if (type == TYPE_SENSE || type == TYPE_FETCH || type == TYPE_PAGE_READONLY) {
		*readonly = true;
		return interface_named(type == TYPE_PAGE_READONLY ? "page" : "node");
	}
	for (unsigned i = 0; i < IDL_INTERFACES; i++)
		if (idl_interfaces[i].type == type)
			return &idl_interfaces[i];
	if ((type & ~(uint64_t)SEGMENT_BITS) == TYPE_SEGMENT) {
		*lss = type >> 8 & 15;
		*readonly = type >> 12 & 1;
		return interface_named("segment");
	}
	return NULL;
}

const struct idl_op *op_named(const struct idl_interface *interface, const char *name)
{
	for (unsigned i = 0; i < interface->count; i++)
		if (strcmp(interface->ops[i].name, name) == 0)
			return &interface->ops[i];
	return NULL;
}

const struct idl_interface *interface_of_result(const struct idl_interface *of, const struct idl_param *result)
{
	static const struct { const char *of, *result, *is; } others[] = {
		{ "metaconstructor", "builder", "constructor" }, { "constructor", "requestor", "constructor" },
		{ "node", "fetch", "node" }, { "node", "sense", "node" }, { "page", "readonly", "page" },
		{ "proccre", "creator", "proccre" }, { "vcs", "frozen", "node" }, { "console", "stream", "stream" },
	};

	for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(of->name, others[i].of) == 0 && strcmp(result->name, others[i].result) == 0)
			return interface_named(others[i].is);
	/* A red segment passes everything to its keeper, and a start capability may be to anybody. */
	if (strcmp(result->name, "segment") == 0 || strcmp(result->name, "frontend") == 0)
		return NULL;
	return interface_named(result->name);
}

static const struct result_code codes[] = {
	{ RC_OK, "RC_OK", "all went well", "nobody" },
	{ 1, "error", "the method ended with an error", "the callee" },
	{ RC_VOID, "RC_VOID", "the capability is void, rescinded or only a number: what it named is gone", "the object" },
	{ RC_UNKNOWN, "RC_UNKNOWN", "the object does not know this operation, or not through this capability", "the caller" },
	{ RC_REQUEST, "RC_REQUEST", "malformed arguments", "the caller" },
	{ RC_NOACCESS, "RC_NOACCESS", "the capability lacks the right", "the caller" },
	{ RC_LIMIT, "RC_LIMIT", "the bank, or a table, has no more", "the bank" },
	{ RC_RESTART, "RC_RESTART", "the system or a driver was restarted meanwhile", "the system" },
	{ RC_AGAIN, "RC_AGAIN", "nothing now; a notice follows", "nobody" },
	{ RC_SEALED, "RC_SEALED", "sealed, or not sealed yet", "the caller" },
	{ RC_UNOFFICIAL, "RC_UNOFFICIAL", "the bank or constructor given is not an authentic one", "the caller" },
	{ RC_DISK, "RC_DISK", "the disk cannot give back an object that this needs", "the disk" },
};

const struct result_code *result_code_of(uint32_t code)
{
	static const struct result_code other = { 0, "a code of its own", "the object refuses with a code of its own",
						   "the callee" };

	for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].code == code)
			return &codes[i];
	return &other;
}

/* ---- pages ------------------------------------------------------------------------------------- */

struct text { char *to; size_t size, length; };

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->length < t->size ? t->to + t->length : NULL, t->length < t->size ? t->size - t->length : 0, format,
		      args);
	va_end(args);
	if (n > 0)
		t->length += (size_t)n;
}

static const char *const kinds[] = { "integer", "capability", "string", "integer" };

static void put_list(struct text *t, const struct idl_param *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		put(t, "%s%s", i ? ", " : "", list[i].name);
}

static void put_parameters(struct text *t, const char *title, const struct idl_param *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		put(t, "  %-7s %-12s %s", i ? "" : title, list[i].name, kinds[list[i].kind]);
		if (list[i].kind == IDL_STRING)
			put(t, ", at most %u bytes", list[i].max);
		put(t, "%s%s\n", list[i].note ? ": " : "", list[i].note ? list[i].note : "");
	}
}

static void put_op(struct text *t, const struct idl_interface *interface, const struct idl_op *op)
{
	put(t, "%s:%s(", interface->name, op->name);
	put_list(t, op->in, op->inputs);
	put(t, ")");
	if (op->outputs)
		put(t, " -> ");
	put_list(t, op->out, op->outputs);
	put(t, "\n");
	if (op->doc)
		put(t, "  %s\n", op->doc);
	put_parameters(t, "takes", op->in, op->inputs);
	put_parameters(t, "gives", op->out, op->outputs);
	for (unsigned i = 0; i < op->errors; i++)
		put(t, "  %-7s %-12s %s\n", i ? "" : "errors", op->error[i].name, op->error[i].why);
}

size_t page_format(char *to, size_t size, const struct idl_interface *interface, const struct idl_op *op)
{
	struct text t = { to, size, 0 };

	if (size)
		to[0] = 0;
	if (op) {
		put_op(&t, interface, op);
		return t.length;
	}
	put(&t, "%s: %s\n", interface->name, interface->doc);
	for (unsigned i = 0; i < interface->count; i++) {
		const struct idl_op *o = &interface->ops[i];

		put(&t, "  :%s(", o->name);
		put_list(&t, o->in, o->inputs);
		put(&t, ")%s", o->outputs ? " -> " : "");
		put_list(&t, o->out, o->outputs);
		put(&t, "\n");
	}
	return t.length;
}
