/*
 * files.c - the file tree under a run (doc/tree-image.md), read where it lies.
 *
 * Invariants
 *   1. The image is sensory memory: nobody changes it, but its maker may have written anything there.  Every offset
 *      is checked against its length before it is used.
 *   2. Names are looked up from the root; `.` and `..` are names that no entry has.
 */
#include "domain.h"
#include <keros/treeimage.h>

#define TYPE_MASK    0170000u
#define TYPE_FILE    0100000u
#define TYPE_DIR     0040000u

static const char *const image = (const char *)FILES_BASE;
static uint64_t image_length;
static uint32_t entries;

bool files_set(cap_t tree, uint64_t length)
{
	struct tree_image_header h;

	image_length = 0;
	if (length < sizeof h || length > 1ull << 28 || space_place(CR_SPACE, FILES_BASE, tree, 6, &domain_maker) != RC_OK)
		return false;
	memcpy(&h, image, sizeof h);
	if (memcmp(h.magic, TREE_MAGIC, sizeof h.magic) != 0 || h.length < sizeof h || h.length > length ||
	    h.entries > (h.length - sizeof h) / sizeof(struct tree_image_entry))
		return false;
	entries = h.entries;
	image_length = h.length;
	return true;
}

static struct tree_image_entry entry_read(uint32_t index)
{
	struct tree_image_entry e;

	memcpy(&e, image + sizeof(struct tree_image_header) + index * sizeof e, sizeof e);
	return e;
}

static bool entry_named(const struct tree_image_entry *e, const char *name, size_t length)
{
	return e->name_length == length && e->name <= image_length && length <= image_length - e->name &&
	       memcmp(image + e->name, name, length) == 0;
}

/* The entry of that name in a directory; 0 (the root, which is in no directory) if there is none. */
static uint32_t child_find(uint32_t directory, const char *name, size_t length)
{
	for (uint32_t i = directory + 1; i < entries; i++) {
		struct tree_image_entry e = entry_read(i);

		if (e.parent == directory && entry_named(&e, name, length))
			return i;
	}
	return 0;
}

const char *files_find(const char *path, size_t *length, const char **why)
{
	uint32_t at = 0;
	struct tree_image_entry e;

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
	if (e.flags & TREE_HARDLINK && e.data < entries)
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
