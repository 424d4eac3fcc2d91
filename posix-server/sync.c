/*
 * sync.c - fsync and its kin: a call returns when what was done before it survives a loss of power.
 *
 * All files are memory of the server, and all memory is in the store, so there is one thing to wait for: the
 * next checkpoint that is begun from now on.  Many callers share one.  Without a store nothing outlives the
 * machine, which is what its user asked for, and there is nothing to wait for.
 *
 * Invariant: whoever is in `waiting` has in p->progress the generation it waits for, and a notice was asked for
 * at least that generation, or comes by a restart.
 */
#include <keros/checkpoint.h>
#include <keros/process.h>
#include "process.h"
#include "server.h"

static struct waitq waiting;

static bool sync_notice(uint32_t generation)
{
	return process_make_notice(CR_SELF, NOTICE_SYNC, CR_TMP0) == RC_OK &&
	       checkpoint_notify(CR_SYNC, generation, CR_TMP0) == RC_OK;
}

/*
 * 0, BLOCKED, or an error: all that p can see of its files is durable.  It asks what is committed before it waits: nobody
 * waits for a notice who need not.
 */
long store_sync(struct proc *p)
{
	uint64_t committed = 0, generation = 0;

	if (!p->progress) {
		if (checkpoint_force(CR_SYNC, &generation) != RC_OK)
			return 0;
		p->progress = generation;
	}
	if (checkpoint_committed(CR_SYNC, &committed) != RC_OK)
		return -EIO;
	if (committed >= p->progress)
		return 0;
	if (!sync_notice(p->progress))
		return -EIO;
	return wait_on(p, &waiting);
}

void sync_init(void)
{
	if (process_make_notice(CR_SELF, NOTICE_RESTART, CR_TMP0) == RC_OK)
		checkpoint_at_restart(CR_SYNC, CR_TMP0);
}

/* A generation was committed, or the system goes on after a loss of power. */
void sync_notice_taken(void)
{
	wake_all(&waiting);
}
