/*
 * instance.h - the life of a yield that a session has asked for (idl/sandbox.idl): it is set up, runs once, and answers
 * whoever asked for the run when that has ended.
 */
#ifndef KEROS_INSTANCE_H
#define KEROS_INSTANCE_H
#include <keros/inv.h>
#include <keros/sandbox.h>

struct instance {
	const struct sandbox_server *interface; /* its run keeps CR_RETURN in `run` and answers nothing */
	unsigned data;                 /* of the start capability that serves it */
	cap_t run;                     /* who waits for the end */
	void (*receive)(struct msg *m); /* says where the next message goes: m->recv_string and m->recv_limit */
	uint64_t (*live)(void);        /* the run itself; its status as the answer's first word has it */
};

/* Answers the constructor with the start capability, then serves for ever. */
__attribute__((noreturn)) void instance_serve(const struct instance *i);
#endif
