/*
 * pack.c - see pack.h.
 */
#include <string.h>
#include "lib/pack.h"
#include "store/format.h"

#define HEADER_BYTES ((sizeof(struct pack_header) + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE)

void pack_init(struct pack *p)
{
	memset(p, 0, sizeof *p);
	p->header.magic = PACK_MAGIC;
	p->header.version = 1;
	p->header.length = HEADER_BYTES;
}

void pack_add(struct pack *p, enum pack_kind kind, const char *name, const void *data, size_t length)
{
	static const uint8_t zeroes[PAGE_SIZE];
	struct pack_section *s;

	if (p->header.count == PACK_SECTIONS)
		die("more than %d sections in a boot pack", PACK_SECTIONS);
	if (strlen(name) >= sizeof s->name)
		die("'%s' is too long a name for a section of the boot pack (at most %zu bytes)", name, sizeof s->name - 1);
	s = &p->header.section[p->header.count++];
	s->kind = kind;
	s->offset = HEADER_BYTES + p->body.length;
	s->length = length;
	strcpy(s->name, name);
	buffer_add(&p->body, data, length);
	if (length % PAGE_SIZE)
		buffer_add(&p->body, zeroes, PAGE_SIZE - length % PAGE_SIZE);
	p->header.length = HEADER_BYTES + p->body.length;
}

bool pack_has(const struct pack *p, enum pack_kind kind, const char *name)
{
	for (uint32_t i = 0; i < p->header.count; i++)
		if (p->header.section[i].kind == kind && strcmp(p->header.section[i].name, name) == 0)
			return true;
	return false;
}

/* Of what a system is made of: not of a run's config and files, and not of KeyKOS's programs, which each start may bring. */
static uint64_t pack_stamp(const struct pack *p)
{
	uint64_t sum = 1;

	for (uint32_t i = 0; i < p->header.count; i++) {
		const struct pack_section *s = &p->header.section[i];

		if (s->kind != PACK_PROGRAM && s->kind != PACK_MANIFEST)
			continue;
		sum = checksum_bytes(s->name, strlen(s->name), sum);
		sum = checksum_bytes(p->body.data + s->offset - HEADER_BYTES, s->length, sum);
	}
	return sum;
}

void pack_write(const struct pack *p, int fd, const char *what)
{
	struct pack_header header = p->header;
	uint8_t first[HEADER_BYTES];

	memset(first, 0, sizeof first);
	header.stamp = pack_stamp(p);
	memcpy(first, &header, sizeof header);
	write_all(fd, first, sizeof first, what);
	write_all(fd, p->body.data, p->body.length, what);
}
