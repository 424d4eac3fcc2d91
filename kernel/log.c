/*
 * log.c - the kernel's log.  A ring of bytes keeps the newest LOG_KEPT of it for whoever asks later (systrace_read_log).
 */
#include "arch.h"
#include "log.h"

#define LOG_KEPT 32768u                /* a power of two */

static char kept[LOG_KEPT];
static uint64_t end;                   /* bytes written since the start */

void log_write(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		kept[end++ % LOG_KEPT] = text[i];
	arch_log_write(text, length);
}

uint32_t log_read(uint64_t *position, char *to, uint32_t limit)
{
	uint64_t oldest = end > LOG_KEPT ? end - LOG_KEPT : 0, at = *position;
	uint32_t count = 0;

	if (at < oldest || at > end)
		at = oldest;
	while (at < end && count < limit)
		to[count++] = kept[at++ % LOG_KEPT];
	*position = at;
	return count;
}
