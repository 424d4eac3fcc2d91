/*
 * cap.c - validity, sensory form, discretion and identity of capabilities.
 * The rules stand in cap.h; each is one function, used by everybody who needs it.
 */
#include "object/cap.h"
#include "object/object.h"
#include "object/persist.h"

static const uint8_t cap_target[CAP_TYPES] = {
#define NONE    0
#define PAGE    1
#define NODE    2
#define PROCESS 3
#define CAPTYPE(number, upper, lower, target, memory, doc) [number] = target,
#include "object/captype.def"
#undef CAPTYPE
#undef NONE
#undef PAGE
#undef NODE
#undef PROCESS
};

enum { TARGET_NONE, TARGET_PAGE, TARGET_NODE, TARGET_PROCESS };

static const char *const cap_names[CAP_TYPES] = {
#define CAPTYPE(number, upper, lower, target, memory, doc) [number] = #lower,
#include "object/captype.def"
#undef CAPTYPE
};

const char *cap_type_name(unsigned type)
{
	return type < CAP_TYPES && cap_names[type] ? cap_names[type] : "reserved";
}

bool cap_is_live(const struct cap *c)
{
	switch (cap_target[c->type]) {
	case TARGET_PAGE:
		return cap_page(c);
	case TARGET_NODE:
		return cap_node(c) || (c->type == CAP_SCHEDULE && c->ref == 0);
	case TARGET_PROCESS:
		return c->type == CAP_RESUME ? cap_resume(c) : cap_process(c);
	}
	return c->type != CAP_VOID;
}

bool cap_is_lost(const struct cap *c)
{
	return __builtin_expect(persist_lost_count != 0, 0) && cap_target[c->type] != TARGET_NONE && cap_frame_lost(c);
}

bool cap_is_void(const struct cap *c)
{
	return !cap_is_live(c) && !cap_is_lost(c);
}

struct cap cap_diminish(const struct cap *c)
{
	struct cap d = *c;

	switch (c->type) {
	case CAP_NUMBER:
	case CAP_DISCRIM:
	case CAP_RETURNER:
	case CAP_CREATOR:
		return d;
	case CAP_PAGE:
		d.data |= DB_READONLY;
		return d;
	case CAP_SEGMENT:
		d.data |= DB_READONLY | DB_NOCALL;
		return d;
	case CAP_NODE:
	case CAP_FETCH:
	case CAP_SENSE:
		d.type = CAP_SENSE;
		d.data |= DB_READONLY | DB_NOCALL;
		return d;
	}
	return cap_void();
}

/*
 * A red segment with read-only and no-call set is discreet as a tree, because no walk of it and
 * no invocation of it reaches its keeper (invoke.c asks the no-call bit first).  The returner
 * answers its caller only.  keykos.md 2.12, eros.md 2.
 */
bool cap_discreet(const struct cap *c)
{
	if (cap_is_void(c))
		return true;
	switch (c->type) {
	case CAP_NUMBER:
	case CAP_DISCRIM:
	case CAP_RETURNER:
	case CAP_CREATOR:
	case CAP_SENSE:
		return true;
	case CAP_PAGE:
		return c->data & DB_READONLY;
	case CAP_SEGMENT:
		return (c->data & (DB_READONLY | DB_NOCALL)) == (DB_READONLY | DB_NOCALL);
	}
	return false;
}

struct cap cap_without_hint(const struct cap *c)
{
	struct cap d = *c;

	if (cap_target[c->type < CAP_TYPES ? c->type : 0] != TARGET_NONE)
		d.ref &= ~REF_HINT_MASK;
	return d;
}

struct cap cap_disk_form(const struct cap *c)
{
	struct cap d = *c;

	if (cap_is_void(c))
		return cap_void();
	if (cap_target[c->type] != TARGET_NONE)
		d.ref &= ~REF_HINT_MASK;
	return d;
}

bool cap_same(const struct cap *a, const struct cap *b)
{
	struct cap x = cap_disk_form(a), y = cap_disk_form(b);

	return x.type == y.type && x.rights == y.rights && x.data == y.data && x.count == y.count && x.ref == y.ref;
}

bool cap_same_object(const struct cap *a, const struct cap *b)
{
	return cap_target[a->type] == cap_target[b->type] && cap_target[a->type] != TARGET_NONE &&
	       !cap_is_void(a) && !cap_is_void(b) && a->ref >> REF_HINT_BITS == b->ref >> REF_HINT_BITS;
}
