/*
 * record_out.h - the recorder's side of the machine: where its lines go, and where in a program a call was made.
 */
#ifndef RECORD_OUT_H
#define RECORD_OUT_H
#include "server.h"

#define SETUP_RECORD 9                 /* of sandbox_setup: the stream for the record; it comes after the other streams */

void record_open(cap_t stream);        /* sandbox_setup: the stream in that register is the one for the record */
void record_flush(void);               /* what has gathered goes out now */
bool record_possible(void);            /* it was given a stream */
/* The command has ended: the counts of all processes, and everything that has not gone out yet. */
void record_finish(int status);
#endif
