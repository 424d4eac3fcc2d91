/*
 * loop.c - see loop.h.
 */
#include "domain.h"
#include <keros/process.h>
#include <keros/stream.h>
#include "loop.h"

static uint64_t posted;

bool loop_init(void)
{
	return true;
}

bool loop_watch(cap_t stream)
{
	return process_make_notice(CR_SELF, LOOP_STREAM, CR_TMP0) == RC_OK && stream_watch(stream, CR_TMP0) == RC_OK;
}

uint64_t loop_wait(uint64_t bits)
{
	while (!(posted & bits)) {
		struct msg m = { .recv = { CR_ARG0, CR_ARG1, CR_ARG2, CR_RETURN } };

		inv_return(CR_VOID, &m);
		if (m.got & INV_GOT_NOTICE)
			posted |= m.w[0];
	}
	bits &= posted;
	posted &= ~bits;
	return bits;
}
