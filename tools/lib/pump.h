/*
 * pump.h - carries one run: bytes between our standard streams and the machine, to its end.
 */
#ifndef TOOLS_PUMP_H
#define TOOLS_PUMP_H
#include "lib/machine.h"

/* Whether standard input and output are one terminal; its size. */
bool terminal_is_there(unsigned *rows, unsigned *columns);

/* The exit status for our own process: the command's; 125 if the machine failed; 128 + signal if we were stopped. */
int pump_run(const struct machine *m, const struct run *r);

#endif
