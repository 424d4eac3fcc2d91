/*
 * view.h - what the files that look at a running machine share: its processes by number and name, and capabilities.
 *
 * What was asked at different moments may not fit together: a process that is gone is shown by its number.
 */
#ifndef TOOLS_VIEW_H
#define TOOLS_VIEW_H
#include "keros/abi.h"
#include "lib/control.h"

enum {
#define CAPTYPE(number, upper, lower, target, memory, doc) CAP_##upper = number,
#include "object/captype.def"
#undef CAPTYPE
};

struct process {
	uint64_t oid, state, fault, priority, stalled, recorded;
	char name[PROCESS_NAME_BYTES + 1];
	char *line;
};

struct view {
	struct control control;
	struct process *process;
	size_t count;
};

struct capability {
	uint64_t index, type, data, ref, target, giver;
	bool valid;
};

/* Chooses the machine, and reads its processes; dies with a sentence if it cannot be asked. */
void view_open(struct view *s, const char *which);
void view_refresh(struct view *s);
/* NULL: gone, or never there. */
const struct process *view_process(const struct view *s, uint64_t oid);
/* "bank", or "sh#1234" if there are several; one of a few buffers. */
const char *view_label(const struct view *s, uint64_t oid);
/* By number or by a name that only one has; else misuse. */
const struct process *view_choose(const struct view *s, const char *which);

/* A capability out of the JSON object that the machine tells it as; the name of a type of captype.def, or "unknown". */
struct capability view_capability(const char *object);
const char *view_type_name(uint64_t type);
/* Calls take with each capability that a process holds. */
void view_caps(const struct view *s, const struct process *p, control_line *take, void *context);

#endif
