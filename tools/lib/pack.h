/*
 * pack.h - the boot pack (kernel/include/keros/abi.h) being put together.
 */
#ifndef TOOLS_PACK_H
#define TOOLS_PACK_H
#include <keros/abi.h>
#include "lib/util.h"

struct pack {
	struct pack_header header;
	struct buffer body;            /* everything after the header's pages */
};

/* Sections are padded to pages; has: whether there is one of that kind and name. */
void pack_init(struct pack *p);
void pack_add(struct pack *p, enum pack_kind kind, const char *name, const void *data, size_t length);
bool pack_has(const struct pack *p, enum pack_kind kind, const char *name);
/* With the stamp of what is in it. */
void pack_write(const struct pack *p, int fd, const char *what);

#endif
