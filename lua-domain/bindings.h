/*
 * bindings.h - the interfaces of idl/ as tables that are read at run time (build/gen/lua_tables.h), and what is asked
 * of them.  Pure: bindings_test.c.
 */
#ifndef LUA_DOMAIN_BINDINGS_H
#define LUA_DOMAIN_BINDINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum idl_kind { IDL_WORD, IDL_CAP, IDL_STRING, IDL_ORDER };
enum idl_unit { IDL_NONE, IDL_BYTES, IDL_FRAMES, IDL_NS };

struct idl_param {
	uint8_t kind, index, unit;     /* index: which word or capability position */
	uint32_t max;                  /* of a string, bytes */
	const char *name, *note;       /* note may be NULL, as every doc below */
};
struct idl_error { uint32_t code; const char *name, *why; };
struct idl_op {
	const char *name, *doc;
	uint32_t first, last;          /* order codes */
	uint8_t inputs, outputs, errors;
	const struct idl_param *in, *out;
	const struct idl_error *error;
};
struct idl_interface {
	const char *name, *doc;
	uint32_t type;                 /* alleged */
	bool kernel;
	uint8_t count;
	const struct idl_op *ops;
};

/* The interfaces of idl/; NULL: there is none of that name. */
unsigned interface_count(void);
const struct idl_interface *interface_at(unsigned index);
const struct idl_interface *interface_named(const char *name);
/* By the answer to KT; what a capability's rights add to it is told in the last two.  NULL: none of ours. */
const struct idl_interface *interface_of_type(uint64_t type, bool *readonly, unsigned *lss);
const struct idl_op *op_named(const struct idl_interface *interface, const char *name);
/* The interface that a result of that name has, or NULL: only what the operation's text promises. */
const struct idl_interface *interface_of_result(const struct idl_interface *of, const struct idl_param *result);

struct result_code { uint32_t code; const char *name, *words, *blame; };
/* Never NULL. */
const struct result_code *result_code_of(uint32_t code);

/* The page of an operation, or of an interface (op NULL): what snprintf would return. */
size_t page_format(char *to, size_t size, const struct idl_interface *interface, const struct idl_op *op);
#endif
