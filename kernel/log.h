/*
 * log.h - the kernel's log: to the machine's first serial line, and the newest of it kept in memory.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H
#include <stddef.h>
#include <stdint.h>

/* May be called from anywhere in the kernel; never waits for anybody but the line itself. */
void log_write(const char *text, size_t length);
/* Copies what stands at *position (bytes since the start) or, if that is gone, the oldest kept; moves *position behind it. */
uint32_t log_read(uint64_t *position, char *to, uint32_t limit);

#endif
