/*
 * server.h - the loop of a server.
 *
 *	struct msg m;
 *	server_first(&m, buffer, sizeof buffer);
 *	for (;;)
 *		server_next(&m, NAME_serve(&handlers, NULL, &m));
 *
 * Invariant: only a resume capability is ever answered.  Somebody may SEND with any capability
 * in position 3; answering a start capability there could make the server wait for its owner.
 */
#ifndef KEROS_SERVER_H
#define KEROS_SERVER_H
#include <stdbool.h>
#include <string.h>
#include <keros/inv.h>

/* Becomes available and waits for the first message. */
static inline void server_first(struct msg *m, void *buffer, size_t limit)
{
	memset(m, 0, sizeof *m);
	m->recv[0] = CR_ARG0;
	m->recv[1] = CR_ARG1;
	m->recv[2] = CR_ARG2;
	m->recv[3] = CR_RETURN;
	m->recv_string = buffer;
	m->recv_limit = limit;
	inv_return(CR_VOID, m);
}

/* Answers the message that m was, if it is to be answered and awaits that, and waits for the next. */
static inline void server_next(struct msg *m, bool reply)
{
	if (reply && (m->got & INV_GOT_RESUME)) {
		inv_return(CR_RETURN, m);
		return;
	}
	memset(m->send, CR_VOID, sizeof m->send);
	m->send_string = NULL;
	inv_return(CR_VOID, m);
}
#endif
