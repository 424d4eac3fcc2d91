/*
 * records.h - KEY=VALUE records, each ended by a NUL: the run config (doc/run-config.md) and the system manifest
 * (doc/manifest.md), read in place.
 */
#ifndef KEROS_RECORDS_H
#define KEROS_RECORDS_H
#include <stddef.h>
#include <string.h>

/* The value if the record has this key, else NULL.  Most have not: the first letter tells at once. */
static inline __attribute__((always_inline)) const char *record_value(const char *record, const char *key)
{
	size_t n = strlen(key);

	return record[0] == key[0] && strncmp(record, key, n) == 0 && record[n] == '=' ? record + n + 1 : NULL;
}
#endif
