/*
 * files.c - the file tree under a run (doc/tree-image.md), read where it lies.
 *
 * Invariants
 *   1. The image is sensory memory: nobody changes it, but its maker may have written anything there.  Every offset
 *      is checked against its length before it is used.
 *   2. Names are looked up from the root; `.` and `..` are names that no entry has.
 */
#include "domain.h"
#include <keros/node.h>

#define ENTRY_BYTES  64u
#define HEADER_BYTES 24u
#define TYPE_MASK    0170000u
#define TYPE_FILE    0100000u
#define TYPE_DIR     0040000u
#define HARDLINK     1u

struct entry {
	uint32_t parent, name;
	uint16_t name_length, reserved;
	uint32_t mode, uid, gid;
	uint64_t mtime_ns, size, data;
	uint32_t flags, reserved2;
	uint64_t reserved3;
};
_Static_assert(sizeof(struct entry) == ENTRY_BYTES, "doc/tree-image.md");

static const char *const image = (const char *)FILES_BASE;
static uint64_t image_length;
static uint32_t entries;

bool files_set(cap_t tree, uint64_t length)
{
	uint64_t total;

	image_length = 0;
	if (length < HEADER_BYTES || length > 1ull << 28 || space_place(CR_SPACE, FILES_BASE, tree, 6, &domain_maker) != RC_OK)
		return false;
	memcpy(&entries, image + 8, sizeof entries);
	memcpy(&total, image + 16, sizeof total);
	if (memcmp(image, "KETREE1", 8) != 0 || total > length || entries > (total - HEADER_BYTES) / ENTRY_BYTES)
		return false;
	image_length = total;
	return true;
}

static struct entry entry_read(uint32_t index)
{
	struct entry e;

	memcpy(&e, image + HEADER_BYTES + (uint64_t)index * ENTRY_BYTES, sizeof e);
	return e;
}

static bool entry_named(const struct entry *e, const char *name, size_t length)
{
	return e->name_length == length && e->name <= image_length && length <= image_length - e->name &&
	       memcmp(image + e->name, name, length) == 0;
}

/* The entry of that name in a directory; 0 (the root, which is in no directory) if there is none. */
static uint32_t child_find(uint32_t directory, const char *name, size_t length)
{
	for (uint32_t i = directory + 1; i < entries; i++) {
		struct entry e = entry_read(i);

		if (e.parent == directory && entry_named(&e, name, length))
			return i;
	}
	return 0;
}

const char *files_find(const char *path, size_t *length, const char **why)
{
	uint32_t at = 0;
	struct entry e;

	*why = "No such file or directory";
	if (!image_length)
		return NULL;
	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0)
			break;
		if (!(at = child_find(at, path, n)))
			return NULL;
		path += n;
	}
	e = entry_read(at);
	if (e.flags & HARDLINK && e.data < entries)
		e = entry_read((uint32_t)e.data);
	if ((e.mode & TYPE_MASK) == TYPE_DIR)
		*why = "Is a directory";
	if ((e.mode & TYPE_MASK) != TYPE_FILE)
		return NULL;
	if (e.data > image_length || e.size > image_length - e.data) {
		*why = "The file tree is damaged";
		return NULL;
	}
	*length = e.size;
	return image + e.data;
}
