/*
 * systrace.h - what invocation tells the recorder of a process that has PROCESS_TRACED.
 *
 * Rules
 *   1. Nobody calls these for another process: one that is not recorded costs a test of a flag it needs anyway.
 *   2. An invocation that stalls is recorded when it is made at last, once.
 */
#ifndef KERNEL_SYSTRACE_H
#define KERNEL_SYSTRACE_H
#include "invoke/inv.h"

/* Keeps what the sender offers, which an answer would overwrite. */
struct trace_record *trace_begin(const struct inv *inv);
/* Makes a record of that and of the answer, unless the invocation stalled. */
void trace_end(struct trace_record *r, const struct inv *inv);
/* A message of p's has come to q, which has its registers already. */
void trace_delivery(const struct process *p, const struct process *q, uint32_t order, uint32_t got, uint64_t string_length);
/* A keeper of p's is told that. */
void trace_fault(const struct process *p, const struct fault_message *m);

#endif
