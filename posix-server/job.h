/*
 * job.h - calls to capabilities that may take their time: shares of the host, folders of other domains.
 *
 * The server must never wait for them, so a courier does: a small process in the server's own memory that makes one
 * call and comes back with the answer.  Each courier has one job at a time and a buffer for its strings.
 *
 * How a system call uses one
 *   1. It takes a job with job_new, fills order, words and string, and ends in `return job_send(job, finish)`: BLOCKED.
 *   2. When the answer is there, finish(p, job) is called.  What it returns is the call's result; BLOCKED if it has
 *      sent another job; RERUN to have the call run again from its start.  The job is free then.
 *   3. job_new may find no courier free: NULL, and the caller returns BLOCKED too, and runs again when there is one.
 * A call with a job under way is not interrupted; if its process dies, finish is called with p = NULL, so that what the
 * answer brought is not lost.
 *
 * Invariants
 *   1. A process has at most one job (p->job), and is parked while it has.
 *   2. A job that is not free belongs to its courier's process until its answer has come.
 *   3. Before the event loop runs (job_sync) the server makes the call itself, since nobody else is there to wait.
 */
#ifndef JOB_H
#define JOB_H
#include <keros/inv.h>
#include "posix.h"
#include "vfs/vfs.h"

#define RERUN (-4098L)
#define JOBS 8u
#define JOB_BYTES INV_STRING_MAX
#define DATA_COURIER 0xF000u           /* + index: start capability data of couriers */

typedef uint16_t capno;                /* a capability in the keystore; 0 = none */

struct job {
	struct msg m;                  /* the call, then its answer */
	struct proc *proc;
	long (*finish)(struct proc *p, struct job *j);
	char *buffer;                  /* JOB_BYTES */
	capno target;
	uint64_t seq;                  /* of its sending: what it tells was so at that time or later */
	bool used, sent, done;

	/* For finish. */
	struct inode *inode, *inode2;  /* references that the job holds */
	struct file *file;             /* the same */
	uint64_t value[4];
	pageno page_first;             /* pages that the answer goes to, held until the job is free */
	uint32_t page_count;
	char *text;                    /* malloc'ed; freed with the job */
};

extern uint64_t job_seq;               /* grows with every job sent */
struct job *job_new(struct proc *p, capno target, uint32_t order);
long job_send(struct job *j, long (*finish)(struct proc *p, struct job *j));
void job_free(struct job *j);          /* one that was not sent */
/* What finish will look at: references, and a copy of a name as j->text, all held until the job is free.  A job for which
 * there is no memory is freed: false. */
void job_inode(struct job *j, struct inode *i);
void job_file(struct job *j, struct file *f);
bool job_name(struct job *j, const struct name *name);
/* The capability that the answer brought, kept in the keystore; 0: none, or no room. */
capno job_cap(struct job *j);
/* 0, or -errno: what a result code of the directory and file interfaces means. */
int job_error(const struct job *j);
/* Calls the close operation of a capability and forgets it; nobody waits. */
void cap_close(capno cap, uint32_t order);
/* A capability given at set-up; 0: no room. */
capno cap_keep(cap_t value);

void job_arrived(unsigned courier);    /* main.c: its message came */
long job_continue(struct proc *p);     /* main.c: the call of a process with a job is run again */
void job_abandon(struct proc *p);      /* the process goes */
void job_sync(bool on);
#endif
